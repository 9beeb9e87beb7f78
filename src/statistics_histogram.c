/*-------------------------------------------------------------------------
 *
 * statistics_histogram.c
 *		Levels, shifts and tails of executions.
 *
 * Within a bucket, executions are taken to be spread evenly over the
 * logarithm of their duration.  So a level moves smoothly, where that of the
 * bucket would jump by 6 %.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "statistics.h"
#include "utils/float.h"

/* Steps of the grid that is even in logarithms, per doubling. */
#define GRID_STEPS			32
#define GRID_SIZE			(GRID_STEPS * (PGD_HISTOGRAM_OCTAVES + 2) + 2)

/* The bootstrap: enough for a standard error to 5 % of itself. */
#define RESAMPLES			200
#define SEED				UINT64CONST(0x9E3779B97F4A7C15)

/* log2 of where buckets begin, in ns; and where the last one ends. */
static double bucket_bounds[PGD_HISTOGRAM_BUCKETS + 1];

/*
 * "Under" and "over" have no bounds to speak of: an octave and a step.
 */
static const double *
bounds(void)
{
	if (bucket_bounds[1] == 0)
	{
		for (int i = PGD_HISTOGRAM_OVER; i > 0; i--)
			bucket_bounds[i] = log2(pgd_histogram_lower(i));
		bucket_bounds[0] = bucket_bounds[1] - 1;
		bucket_bounds[PGD_HISTOGRAM_BUCKETS] =
			bucket_bounds[PGD_HISTOGRAM_OVER] + 1.0 / GRID_STEPS;
	}
	return bucket_bounds;
}

static double
total_of(const PgdHistogram *histogram)
{
	double		total = 0;

	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
		total += histogram->count[i];
	return total;
}

/*
 * The mean of the logarithms of the middle half of the durations (in ms).  A
 * median that needs a third fewer executions for the same precision, and does
 * not jump where there are two kinds of them.  NaN if there are none.
 */
double
pgd_level(const PgdBucket *buckets, int n, double *total)
{
	const double *bound = bounds();
	double		from;
	double		to;
	double		seen = 0;
	double		sum = 0;

	*total = 0;
	for (int i = 0; i < n; i++)
		*total += buckets[i].count;
	if (*total == 0)
		return get_float8_nan();

	from = *total / 4;
	to = *total - from;
	for (int i = 0; i < n && seen < to; i++)
	{
		double		count = buckets[i].count;
		const double *at = bound + buckets[i].bucket;
		double		low = Max(from, seen);
		double		high = Min(to, seen + count);

		if (high > low)
			sum += (high - low) *
				(at[0] + ((low + high) / 2 - seen) / count * (at[1] - at[0]));
		seen += count;
	}
	return sum / (to - from) * M_LN2 - log(PGD_HISTOGRAM_NS_PER_MS);
}

/*
 * A histogram on the even grid, from the first step that it has something in
 * to the one after the last.
 */
static void
to_grid(const PgdHistogram *histogram, double *grid, int *first, int *end)
{
	const double *bound = bounds();
	double		origin = bound[0];

	memset(grid, 0, sizeof(double) * GRID_SIZE);
	*first = GRID_SIZE;
	*end = 0;
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		double		low = (bound[i] - origin) * GRID_STEPS;
		double		high = (bound[i + 1] - origin) * GRID_STEPS;
		int			last = (int) ceil(high) - 1;

		if (histogram->count[i] == 0)
			continue;
		*first = Min(*first, (int) low);
		*end = Max(*end, last + 1);
		for (int j = (int) low; j <= last; j++)
			grid[j] += histogram->count[i] *
				(Min(high, j + 1) - Max(low, j)) / (high - low);
	}
}

/*
 * Hodges and Lehmann's estimate (Ann. Math. Stat. 34) of how many times as
 * long executions took after: the median over all pairs of one execution
 * before and one after.  The pairs' differences are the convolution of the
 * two histograms.  NaN if there are no pairs.
 */
double
pgd_histogram_shift(const PgdHistogram *before, const PgdHistogram *after)
{
	double		b[GRID_SIZE];
	double		a[GRID_SIZE];
	double		difference[2 * GRID_SIZE];
	double		pairs = 0;
	double		seen = 0;
	int			b_first,
				b_end,
				a_first,
				a_end,
				n;

	to_grid(before, b, &b_first, &b_end);
	to_grid(after, a, &a_first, &a_end);
	if (b_first >= b_end || a_first >= a_end)
		return get_float8_nan();

	/* difference[k] counts those of k + a_first - (b_end - 1) steps */
	n = (a_end - a_first) + (b_end - b_first) - 1;
	memset(difference, 0, sizeof(double) * n);
	for (int j = b_first; j < b_end; j++)
	{
		double	   *to = difference + (b_end - 1 - j);

		if (b[j] == 0)
			continue;
		for (int i = a_first; i < a_end; i++)
			to[i - a_first] += b[j] * a[i];
	}

	for (int k = 0; k < n; k++)
		pairs += difference[k];
	for (int k = 0; k < n; k++)
	{
		if (seen + difference[k] >= pairs / 2 && difference[k] > 0)
		{
			/* around whole steps, half a step to either side */
			double		steps = k + a_first - (b_end - 1) - 0.5 +
				(pairs / 2 - seen) / difference[k];

			return exp2(steps / GRID_STEPS);
		}
		seen += difference[k];
	}
	return get_float8_nan();
}

/*
 * The probability that an execution after takes longer than one before, ties
 * counting half.  NaN if there are no pairs.
 */
double
pgd_histogram_superiority(const PgdHistogram *before,
						  const PgdHistogram *after)
{
	double		pairs = total_of(before) * total_of(after);
	double		shorter = 0;
	double		longer = 0;

	if (pairs == 0)
		return get_float8_nan();
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		longer += after->count[i] * (shorter + before->count[i] / 2.0);
		shorter += before->count[i];
	}
	return longer / pairs;
}

/* ----------
 * Tails
 * ----------
 */

/* Vigna's splitmix64: the same numbers everywhere. */
static uint64
next_random(uint64 *state)
{
	uint64		z = (*state += UINT64CONST(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return z ^ (z >> 31);
}

/*
 * How often each batch is drawn in each resample.  The seed is fixed, so it is
 * the same for all, and computed once.
 */
typedef double Draws[RESAMPLES][PGD_BATCHES_MAX];

static const Draws *
draws_of(int count)
{
	static Draws draws[PGD_BATCHES_MAX + 1];
	static bool made[PGD_BATCHES_MAX + 1];

	if (!made[count])
	{
		uint64		state = SEED;

		memset(draws[count], 0, sizeof(Draws));
		for (int i = 0; i < RESAMPLES; i++)
		{
			for (int j = 0; j < count; j++)
				draws[count][i][(next_random(&state) >> 32) * count >> 32]++;
		}
		made[count] = true;
	}
	return &draws[count];
}

/* Executions of what was drawn in the first buckets. */
static inline double
drawn_up_to(const PgdBatches *batches, const double *drawn, int buckets)
{
	double		sum = 0;

	if (buckets <= 0)
		return 0;
	for (int i = 0; i < PGD_BATCHES_MAX; i++)
		sum += drawn[i] * batches->up_to[buckets - 1][i];
	return sum;
}

/*
 * The logarithm (of base 2) of a quantile of the batches that were drawn,
 * which is in the first "low" to "high" buckets.
 */
static double
drawn_quantile(const PgdBatches *batches, const double *drawn, double q,
			   int low, int high)
{
	const double *bound = bounds() + batches->first_bucket;
	double		rank = q * drawn_up_to(batches, drawn, batches->buckets);
	double		below;
	double		upto;

	/* the fewest buckets that hold the rank */
	while (low < high)
	{
		int			middle = (low + high) / 2;

		if (drawn_up_to(batches, drawn, middle) >= rank)
			high = middle;
		else
			low = middle + 1;
	}
	below = drawn_up_to(batches, drawn, low - 1);
	upto = drawn_up_to(batches, drawn, low);
	if (upto <= below)
		return bound[low];
	return bound[low - 1] +
		(rank - below) / (upto - below) * (bound[low] - bound[low - 1]);
}

/*
 * The quantiles of single batches, between which that of any of them together
 * lies.
 */
static void
quantile_range(const PgdBatches *batches, double q, int *low, int *high)
{
	*low = batches->buckets;
	*high = 1;
	for (int i = 0; i < batches->count; i++)
	{
		double		total = batches->up_to[batches->buckets - 1][i];
		int			from = 1;
		int			to = batches->buckets;

		if (total == 0)
			continue;
		while (from < to)
		{
			int			middle = (from + to) / 2;

			if (batches->up_to[middle - 1][i] >= q * total)
				to = middle;
			else
				from = middle + 1;
		}
		*low = Min(*low, from);
		*high = Max(*high, from);
	}
	/* a rank may be rounded */
	*high = Min(*high + 1, batches->buckets);
	*low = Max(*low - 1, 1);
}

/*
 * How many times as long the q-quantile is after, from batches of consecutive
 * stretches: a bootstrap of batches rather than executions, since those of a
 * batch are alike (Davison and Hinkley, Bootstrap Methods, 8.2.3).  With few
 * batches its quantiles are too close to each other, so only its standard
 * error is used, with Student's t and n / (n - 1) for what resampling makes
 * too small.
 *
 * False if there are too few batches, or one of them holds nothing.
 */
bool
pgd_tail_effect(const PgdBatches *before, const PgdBatches *after, double q,
				PgdEffect *effect)
{
	const PgdBatches *sides[PGD_SIDES] = {before, after};
	double		at[PGD_SIDES];
	double		sum = 0;
	double		of_squares = 0;

	for (int side = 0; side < PGD_SIDES; side++)
	{
		const PgdBatches *batches = sides[side];
		const Draws *draws;
		double		all[PGD_BATCHES_MAX];
		double		mean = 0;
		double		squares = 0;
		double		variance;
		int			low;
		int			high;

		if (batches->count < PGD_SIDE_MIN || batches->buckets < 1)
			return false;
		for (int i = 0; i < PGD_BATCHES_MAX; i++)
		{
			all[i] = i < batches->count ? 1 : 0;
			if (i < batches->count &&
				batches->up_to[batches->buckets - 1][i] == 0)
				return false;
		}
		quantile_range(batches, q, &low, &high);
		at[side] = drawn_quantile(batches, all, q, low, high);

		draws = draws_of(batches->count);
		for (int i = 0; i < RESAMPLES; i++)
		{
			double		value = drawn_quantile(batches, (*draws)[i], q, low,
											   high);
			double		delta = value - mean;

			mean += delta / (i + 1);
			squares += delta * (value - mean);
		}
		variance = squares / (RESAMPLES - 1) * batches->count /
			(batches->count - 1) * M_LN2 * M_LN2;
		sum += variance;
		of_squares += variance * variance / (batches->count - 1);
		effect->used[side] = batches->count;
	}
	effect->log_ratio = (at[PGD_AFTER] - at[PGD_BEFORE]) * M_LN2;
	effect->se = sqrt(sum);
	effect->df = of_squares > 0 ? sum * sum / of_squares : 1;
	effect->load = effect->load_var = 0;
	return true;
}
