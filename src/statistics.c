/*-------------------------------------------------------------------------
 *
 * statistics.c
 *		What may be concluded from the two sides of a series.
 *
 * The test is Welch's on the means of the two sides, with three changes that
 * keep its promise (5 % false alarms where it says 5 %) on what servers do:
 *
 * 1. Neighbouring stretches resemble each other, so that n of them tell less
 *	  than n.  The residuals are taken to be an autoregression of order one.
 *	  Its mean of n values has the variance sigma^2 g / n, where
 *
 *		g = (1+r)/(1-r) - 2 r (1-r^n) / (n (1-r)^2)
 *
 *	  (Priestley, Spectral Analysis and Time Series, 5.3.2), and their mean
 *	  square about that mean is sigma^2 (1 - g/n) rather than (1 - 1/n).
 *
 * 2. The load of the server moves all statements, and some more than others.
 *	  How much this one is moved is its slope on the load's factor within each
 *	  side, so that a change between the sides cannot pass for it.  A slope
 *	  that the data do not tell is drawn towards 1, and how uncertain it is
 *	  counts as much as the load differs between the sides.
 *
 * 3. The factor has an error of its own, which flattens slopes.  Its variance
 *	  is known from how controls differ, and taken off (Fuller, Measurement
 *	  Error Models, 1.2).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "statistics.h"
#include "utils/float.h"

/* of the slope before anything is known: from 0 to 2, most likely */
#define SLOPE_EXPECTED		1.0
#define SLOPE_VAR			1.0

/* Share of the factor's variance that must be more than its error. */
#define FACTOR_SHARE_MIN	0.1

#define CORRELATION_MAX		0.95

/* A stretch must tell more than this share of what one alone would. */
#define LEFT_SHARE_MAX		(2.0 / 3.0)

/* ----------
 * Stretches that resemble each other
 * ----------
 */

/* How many stretches stand for one that is independent of all others. */
static double
stretches_for_one(double correlation, double n)
{
	double		r = correlation;
	double		g;

	if (r <= 0)
		return 1;
	g = (1 + r) / (1 - r) -
		2 * r * (1 - pow(r, n)) / (n * (1 - r) * (1 - r));
	return Min(Max(g, 1), n * LEFT_SHARE_MAX);
}

/*
 * The correlation of neighbours from the mean product of neighbouring
 * residuals and their mean square.  Residuals about a mean of n values show
 * too little of it, by about (1 + 3 r) / n (Marriott and Pope, Biometrika 41),
 * which is put back.
 */
static double
correlation_of(double product, double square, double n)
{
	double		r;

	if (!(square > 0))
		return 0;
	r = product / square;
	if (n > PGD_SIDE_MIN)
		r = (r + 1 / n) / (1 - 3 / n);
	return r;
}

/* ----------
 * Two sides of a series
 * ----------
 */

/* Sums over one side, weighted. */
typedef struct SideSums
{
	int			used;
	double		weight;
	double		square;			/* of weights */
	double		level;
	double		factor;
} SideSums;

/* What a stretch weighs: nothing where the factor is unknown. */
static inline double
weight_of(const PgdSeries *series, const double *factor, int k)
{
	return factor != NULL && isnan(factor[k]) ? 0 : series->weight[k];
}

static void
side_sums(const PgdSeries *series, const double *factor, int from, int to,
		  SideSums *sums)
{
	memset(sums, 0, sizeof(SideSums));
	for (int k = from; k < to; k++)
	{
		double		w = weight_of(series, factor, k);

		if (w <= 0)
			continue;
		sums->used++;
		sums->weight += w;
		sums->square += w * w;
		sums->level += w * series->level[k];
		if (factor)
			sums->factor += w * factor[k];
	}
	if (sums->used > 0)
	{
		sums->level /= sums->weight;
		sums->factor /= sums->weight;
	}
}

/* What the second pass adds up, about the means of each side. */
typedef struct SlopeSums
{
	double		factor2;		/* weighted squares */
	double		product;		/* weighted, of factor and level */
	double		weight;			/* of both sides */
	double		factor_correlation;
} SlopeSums;

static void
slope_sums(const PgdSeries *series, const double *factor,
		   const PgdStretches *stretches, const SideSums *sides,
		   SlopeSums *sums)
{
	double		neighbours = 0;
	double		squares = 0;
	int			k = 0;

	memset(sums, 0, sizeof(SlopeSums));
	for (int side = 0; side < PGD_SIDES; side++)
	{
		double		before = 0;

		for (int i = 0; i < stretches->count[side]; i++, k++)
		{
			double		f = factor[k] - sides[side].factor;
			double		w = weight_of(series, factor, k);

			if (isnan(f))
			{
				before = 0;
				continue;
			}
			squares += f * f;
			neighbours += f * before;
			before = f;
			if (w <= 0)
				continue;
			sums->factor2 += w * f * f;
			sums->product += w * f * (series->level[k] - sides[side].level);
			sums->weight += w;
		}
	}
	if (squares > 0)
		sums->factor_correlation = Max(0, neighbours / squares);
}

/* What is left of a series. */
typedef struct Residuals
{
	double		variance[PGD_SIDES];	/* of the mean, were they independent */
	double		square;			/* weighted mean square, of both sides */
	double		correlation;
} Residuals;

static void
residuals(const PgdSeries *series, const double *factor, double slope,
		  const PgdStretches *stretches, const SideSums *sides,
		  Residuals *left)
{
	double		products = 0;
	double		squares = 0;
	double		weight = sides[0].weight + sides[1].weight;
	int			pairs = 0;
	int			k = 0;

	memset(left, 0, sizeof(Residuals));
	for (int side = 0; side < PGD_SIDES; side++)
	{
		const SideSums *sums = &sides[side];
		double		previous = get_float8_nan();

		for (int i = 0; i < stretches->count[side]; i++, k++)
		{
			double		w = weight_of(series, factor, k);
			double		r;

			if (w <= 0)
			{
				previous = get_float8_nan();
				continue;
			}
			r = series->level[k] - sums->level;
			if (factor)
				r -= slope * (factor[k] - sums->factor);
			left->variance[side] += w * w * r * r;
			left->square += w * r * r;

			/* the less a stretch tells, the more its residual scatters */
			r *= sqrt(w);
			squares += r * r;
			if (!isnan(previous))
			{
				products += r * previous;
				pairs++;
			}
			previous = r;
		}
		left->variance[side] /= sums->weight * sums->weight;
	}
	left->square /= weight;
	left->correlation = correlation_of(products / Max(pairs, 1),
									   squares / (sides[0].used + sides[1].used),
									   (sides[0].used + sides[1].used) / 2.0);
}

/*
 * How much a series follows a factor.  The residuals are about the slope as the
 * least squares have it; fit->slope is the one to believe.
 */
static void
fit_slope(const PgdSeries *series, const double *factor, double noise,
		  double least_correlation, const PgdStretches *stretches,
		  const SideSums *sides, double n, PgdFit *fit, Residuals *left)
{
	SlopeSums	sums;
	double		plain = 0;
	double		slope = 0;
	double		known;
	double		precision = 0;

	slope_sums(series, factor, stretches, sides, &sums);
	if (sums.factor2 > 0)
		plain = sums.product / sums.factor2;
	residuals(series, factor, plain, stretches, sides, left);

	/* what is left of the factor's squares without its error */
	known = sums.factor2 - noise * sums.weight * (n - 2) / n;
	if (known > FACTOR_SHARE_MIN * sums.factor2 && left->square > 0)
	{
		double		r = Max(left->correlation, least_correlation);

		/* two autoregressions: their product's correlation counts */
		r = Min(Max(r, 0), CORRELATION_MAX) * sums.factor_correlation;
		slope = sums.product / known;
		precision = known / sums.weight * (n - 3) / left->square *
			(1 - r) / (1 + r);
	}
	fit->slope_var = 1 / (precision + 1 / SLOPE_VAR);
	fit->slope = (precision * slope + SLOPE_EXPECTED / SLOPE_VAR) *
		fit->slope_var;
}

/* The difference between the sides, and its variance. */
static void
fit_difference(const SideSums *sides, const Residuals *left, double n,
			   double correlation, int slopes, PgdFit *fit)
{
	double		of_squares = 0;

	fit->difference = sides[PGD_AFTER].level - sides[PGD_BEFORE].level;
	fit->factor_gap = sides[PGD_AFTER].factor - sides[PGD_BEFORE].factor;
	fit->difference_var = 0;
	for (int side = 0; side < PGD_SIDES; side++)
	{
		double		m = sides[side].weight * sides[side].weight /
			sides[side].square;
		double		g = stretches_for_one(correlation, m);
		double		variance = left->variance[side] * g * m / (m - g) *
			(n - 2) / (n - 2 - slopes);

		fit->difference_var += variance;
		of_squares += variance * variance / Max(m / g - 1, 1);
	}

	/* Satterthwaite's degrees of freedom, less the slope's */
	fit->df = n - 2;
	if (of_squares > 0)
		fit->df = fit->difference_var * fit->difference_var / of_squares;
	fit->df -= slopes / stretches_for_one(correlation, n / 2);
	fit->df = Max(fit->df, 1);
}

/*
 * How a series follows a factor, and differs between the sides besides.
 * Without a factor it follows nothing.  group_correlation is NaN where the
 * series has to tell alone how much neighbours resemble each other; otherwise
 * it has half a say, since 30 residuals tell little.
 *
 * False if the series tells too little.
 */
bool
pgd_fit(const PgdSeries *series, const PgdStretches *stretches,
		const double *factor, double noise, double least_correlation,
		double group_correlation, PgdFit *fit)
{
	SideSums	sides[PGD_SIDES];
	Residuals	left;
	double		n = 0;			/* stretches of equal weight that tell as much */
	double		correlation;

	side_sums(series, factor, 0, stretches->count[PGD_BEFORE],
			  &sides[PGD_BEFORE]);
	side_sums(series, factor, stretches->count[PGD_BEFORE],
			  stretches->count[PGD_BEFORE] + stretches->count[PGD_AFTER],
			  &sides[PGD_AFTER]);
	for (int side = 0; side < PGD_SIDES; side++)
	{
		double		m;

		if (sides[side].used < PGD_SIDE_MIN)
			return false;
		m = sides[side].weight * sides[side].weight / sides[side].square;
		if (m < PGD_SIDE_MIN / 2.0)
			return false;
		fit->used[side] = sides[side].used;
		n += m;
	}

	fit->slope = fit->slope_var = 0;
	if (factor)
		fit_slope(series, factor, noise, least_correlation, stretches, sides,
				  n, fit, &left);
	else
		residuals(series, NULL, 0, stretches, sides, &left);

	fit->correlation = correlation = left.correlation;
	if (!isnan(group_correlation))
		correlation = Max(group_correlation,
						  (group_correlation + correlation) / 2);
	correlation = Min(Max(correlation, least_correlation), CORRELATION_MAX);
	fit_difference(sides, &left, n, correlation, factor ? 1 : 0, fit);
	return true;
}

/*
 * By how much a series differs between the sides; without the load if there
 * is a control group, and as it is if "load" is NULL or has none.  False if
 * the series tells too little.
 */
bool
pgd_effect_of_series(const PgdSeries *series, const PgdStretches *stretches,
					 const PgdLoad *load, double least_correlation,
					 PgdEffect *effect)
{
	PgdFit		fit;
	bool		adjust = load != NULL && load->controls > 0;
	double		gap;

	if (!pgd_fit(series, stretches, adjust ? load->factor : NULL,
				 adjust ? load->noise : 0, least_correlation,
				 adjust ? load->correlation : get_float8_nan(), &fit))
		return false;

	effect->load = effect->load_var = 0;
	if (adjust)
	{
		gap = load->shift + fit.factor_gap;
		effect->load = fit.slope * gap;
		effect->load_var = gap * gap * fit.slope_var +
			fit.slope * fit.slope * load->shift_var;
	}
	effect->log_ratio = fit.difference - effect->load;
	effect->se = sqrt(fit.difference_var + effect->load_var);
	effect->df = fit.df;
	memcpy(effect->used, fit.used, sizeof(effect->used));
	return true;
}

/*
 * The same for two things at the same time, from the difference of their
 * levels in each stretch: what happens to both cancels out.  NaN: unknown.
 */
bool
pgd_effect_of_pairs(const double *difference, int n, double least_correlation,
					PgdEffect *effect)
{
	double		mean = 0;
	double		squares = 0;
	double		products = 0;
	double		previous = get_float8_nan();
	double		g;
	int			used = 0;
	int			pairs = 0;

	for (int k = 0; k < n; k++)
	{
		if (isnan(difference[k]))
			continue;
		mean += difference[k];
		used++;
	}
	if (used < PGD_SIDE_MIN)
		return false;
	mean /= used;
	for (int k = 0; k < n; k++)
	{
		double		r = difference[k] - mean;

		if (!isnan(r))
			squares += r * r;
		if (!isnan(r) && !isnan(previous))
		{
			products += r * previous;
			pairs++;
		}
		previous = r;
	}

	g = correlation_of(products / Max(pairs, 1), squares / used, used);
	g = stretches_for_one(Min(Max(g, least_correlation), CORRELATION_MAX),
						  used);
	effect->log_ratio = mean;
	effect->se = sqrt(squares / used * g / (used - g));
	effect->df = Max(used / g - 1, 1);
	effect->load = effect->load_var = 0;
	effect->used[PGD_BEFORE] = effect->used[PGD_AFTER] = used;
	return true;
}

/*
 * Ratio, interval and so on.  Where nothing scatters nothing can be said of
 * chance: all but the ratio is then unknown.
 */
void
pgd_effect_judge(const PgdEffect *effect, PgdVerdict *verdict)
{
	double		nan = get_float8_nan();

	verdict->ratio = exp(effect->log_ratio);
	verdict->low = verdict->high = nan;
	verdict->p_value = verdict->smallest = nan;
	if (effect->se > 0 && effect->df > 0)
	{
		double		t = pgd_t_quantile(0.975, effect->df);

		verdict->low = exp(effect->log_ratio - t * effect->se);
		verdict->high = exp(effect->log_ratio + t * effect->se);
		verdict->p_value = pgd_t_two_sided(effect->log_ratio / effect->se,
										   effect->df);
		verdict->smallest = exp((t + pgd_t_quantile(0.8, effect->df)) *
								effect->se);
	}
}
