/*-------------------------------------------------------------------------
 *
 * statistics_load.c
 *		The control group: what moves all statements at once.
 *
 * Candidates are statements whose work did not change.  That does not mean
 * that their time did not, and a control group with changed statements in it
 * is worse than none.  So controls are found, in two steps that do not lean on
 * each other:
 *
 * 1. The factor: how the load goes up and down within each side.  It is the
 *	  mean of the middle half of the candidates, each about its own mean of
 *	  that side, so it does not see whether they changed between the sides.
 *	  Each candidate's slope on it (of the others) follows.
 *
 * 2. The shift: by how much the load is higher after than before.  If it is D
 *	  then a candidate that did not change differs by slope * D.  Each
 *	  candidate proposes the D that would explain it; the one that explains
 *	  the most is taken, and those it explains are the control group.
 *
 * Where other shifts explain nearly as many, nobody can tell which of the
 * groups has changed: the difference is then part of the shift's uncertainty.
 *
 * A change of everything at once, say of a setting or of the hardware, looks
 * the same as load.  PgdLoad.shift tells it to those who ask.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "statistics.h"
#include "utils/float.h"

/* A candidate that follows the load less than this proposes no shift. */
#define SLOPE_MIN			0.25

/* Explained: within two standard errors, as 19 of 20 are. */
#define EXPLAINED_ERRORS	2.0

/* A rival explains, more narrowly, this share of what the best one does. */
#define RIVAL_ERRORS		1.0
#define RIVAL_SHARE			0.8

/*
 * No difference is known better than to 2 %, so that a few precise candidates
 * do not make the shift alone.
 */
#define DIFFERENCE_VAR_MIN	(0.02 * 0.02)

/*
 * The mean of the middle half has a variance 1.2 times that of the mean of
 * all, for normal errors.
 */
#define MIDDLE_VARIANCE		1.2

static int
compare_doubles(const void *a, const void *b)
{
	double		x = *(const double *) a;
	double		y = *(const double *) b;

	return x < y ? -1 : x > y;
}

/* The mean of the middle half; the values are sorted on the way. */
static double
middle_mean(double *values, int n)
{
	int			cut = n / 4;
	double		sum = 0;

	qsort(values, n, sizeof(double), compare_doubles);
	for (int i = cut; i < n - cut; i++)
		sum += values[i];
	return sum / (n - 2 * cut);
}

/* The mean level of each side. */
static void
side_means(const PgdSeries *series, const PgdStretches *stretches,
		   double *means)
{
	int			k = 0;

	for (int side = 0; side < PGD_SIDES; side++)
	{
		double		sum = 0;
		double		weight = 0;

		for (int i = 0; i < stretches->count[side]; i++, k++)
		{
			if (series->weight[k] <= 0)
				continue;
			sum += series->weight[k] * series->level[k];
			weight += series->weight[k];
		}
		means[side] = weight > 0 ? sum / weight : 0;
	}
}

static inline int
side_of(const PgdStretches *stretches, int k)
{
	return k < stretches->count[PGD_BEFORE] ? PGD_BEFORE : PGD_AFTER;
}

/*
 * The variance of the factor's error: what is left of the candidates beside
 * what they follow of it.
 */
static double
factor_noise(const PgdSeries *candidates, int n, int leave_out,
			 const PgdStretches *stretches, double (*means)[PGD_SIDES],
			 const double *factor)
{
	int			total = stretches->count[0] + stretches->count[1];
	double		sum = 0;
	int			used = 0;

	for (int i = 0; i < n; i++)
	{
		double		ff = 0;
		double		fy = 0;
		double		yy = 0;
		int			points = 0;

		if (i == leave_out)
			continue;
		for (int k = 0; k < total; k++)
		{
			double		y;

			if (candidates[i].weight[k] <= 0 || isnan(factor[k]))
				continue;
			y = candidates[i].level[k] - means[i][side_of(stretches, k)];
			ff += factor[k] * factor[k];
			fy += factor[k] * y;
			yy += y * y;
			points++;
		}
		if (points <= 3)
			continue;
		sum += (yy - (ff > 0 ? fy * fy / ff : 0)) / (points - 3);
		used++;
	}
	return used > 0 ? MIDDLE_VARIANCE * sum / used / used : 0;
}

/*
 * The factor of the candidates but one (none: -1); NaN where too few of them
 * have executions.  False if that is nearly everywhere.
 */
static bool
find_factor(const PgdSeries *candidates, int n, int leave_out,
			const PgdStretches *stretches, PgdLoad *load)
{
	double		means[PGD_CANDIDATES_MAX][PGD_SIDES];
	int			k = 0;

	for (int i = 0; i < n; i++)
		side_means(&candidates[i], stretches, means[i]);

	for (int side = 0; side < PGD_SIDES; side++)
	{
		double		sum = 0;
		int			first = k;
		int			known = 0;

		for (int j = 0; j < stretches->count[side]; j++, k++)
		{
			double		values[PGD_CANDIDATES_MAX];
			int			used = 0;

			for (int i = 0; i < n; i++)
			{
				if (i != leave_out && candidates[i].weight[k] > 0)
					values[used++] = candidates[i].level[k] - means[i][side];
			}
			load->factor[k] = get_float8_nan();
			if (used < PGD_CONTROLS_MIN - 1)
				continue;
			load->factor[k] = middle_mean(values, used);
			sum += load->factor[k];
			known++;
		}
		if (known < PGD_SIDE_MIN)
			return false;
		for (int j = first; j < k; j++)
			load->factor[j] -= sum / known;
	}
	load->noise = factor_noise(candidates, n, leave_out, stretches, means,
							   load->factor);
	return true;
}

/*
 * How each candidate follows the others.  group_correlation as in pgd_fit().
 */
static bool
fit_candidates(const PgdSeries *candidates, const PgdStretches *stretches,
			   double group_correlation, PgdLoad *load)
{
	for (int i = 0; i < load->candidates; i++)
	{
		PgdFit	   *fit = &load->fits[i];

		if (!find_factor(candidates, load->candidates, i, stretches, load))
			return false;
		if (!pgd_fit(&candidates[i], stretches, load->factor, load->noise, 0,
					 group_correlation, fit))
		{
			/* no shift explains it, and it proposes none */
			memset(fit, 0, sizeof(PgdFit));
			fit->difference = get_float8_nan();
		}
	}
	return true;
}

/* Squared distance of a candidate from what a shift makes of it, in errors. */
static double
distance(const PgdFit *fit, double shift)
{
	double		error = fit->difference - fit->slope * shift;

	return error * error /
		(fit->difference_var + shift * shift * fit->slope_var +
		 DIFFERENCE_VAR_MIN);
}

/* How well a shift explains the candidates; each counts 1 at most. */
static double
explained(const PgdLoad *load, double shift, double errors)
{
	double		score = 0;

	for (int i = 0; i < load->candidates; i++)
	{
		double		d = distance(&load->fits[i], shift) / (errors * errors);

		if (d < 1)
			score += 1 - d / 2;
	}
	return score;
}

/* The shift as those of the control group have it, but one (none: -1). */
static void
estimate_shift(PgdLoad *load, int leave_out)
{
	double		products = 0;
	double		squares = 0;

	for (int i = 0; i < load->candidates; i++)
	{
		const PgdFit *fit = &load->fits[i];
		double		variance = fit->difference_var + DIFFERENCE_VAR_MIN +
			load->shift * load->shift * fit->slope_var;

		if (i == leave_out || !load->is_control[i])
			continue;
		products += fit->slope * fit->difference / variance;
		squares += fit->slope * fit->slope / variance;
	}
	if (squares > 0)
	{
		load->shift = products / squares;
		load->shift_var = 1 / squares + load->rival_var;
	}
}

/* The group that one shift explains, and what that shift is. */
static void
gather(PgdLoad *load)
{
	/* it may go to and fro between two groups: either will do */
	for (int round = 0; round < 10; round++)
	{
		bool		moved = false;

		load->controls = 0;
		for (int i = 0; i < load->candidates; i++)
		{
			bool		fits = distance(&load->fits[i], load->shift) <
				EXPLAINED_ERRORS * EXPLAINED_ERRORS;

			moved |= (fits != load->is_control[i]);
			load->is_control[i] = fits;
			load->controls += fits ? 1 : 0;
		}
		if (!moved)
			break;
		estimate_shift(load, -1);
	}
}

/* How far the shift may be from where it is, if a rival is right. */
static double
rivals(const PgdLoad *load)
{
	double		ours = explained(load, load->shift, RIVAL_ERRORS);
	double		worst = 0;

	for (int i = 0; i < load->candidates; i++)
	{
		const PgdFit *fit = &load->fits[i];
		double		far;

		if (fit->slope < SLOPE_MIN)
			continue;
		far = fit->difference / fit->slope - load->shift;
		if (far * far * fit->slope * fit->slope <
			EXPLAINED_ERRORS * EXPLAINED_ERRORS * fit->difference_var)
			continue;
		if (explained(load, load->shift + far, RIVAL_ERRORS) >=
			RIVAL_SHARE * ours)
			worst = Max(worst, far * far / 4);
	}
	return worst;
}

/*
 * Find the control group.  False, and no controls, if too few candidates
 * agree.
 */
bool
pgd_load_find(const PgdSeries *candidates, int n,
			  const PgdStretches *stretches, PgdLoad *load)
{
	double		correlations[PGD_CANDIDATES_MAX];
	double		best = 0;

	memset(load, 0, sizeof(PgdLoad));
	load->candidates = Min(n, PGD_CANDIDATES_MAX);
	if (load->candidates < PGD_CONTROLS_MIN)
		return false;

	/* once for the correlation that they have in common, then with it */
	if (!fit_candidates(candidates, stretches, get_float8_nan(), load))
		return false;
	for (int i = 0; i < load->candidates; i++)
		correlations[i] = load->fits[i].correlation;
	load->correlation = Max(0, middle_mean(correlations, load->candidates));
	if (!fit_candidates(candidates, stretches, load->correlation, load))
		return false;

	for (int i = 0; i < load->candidates; i++)
	{
		const PgdFit *fit = &load->fits[i];
		double		shift;
		double		score;

		if (fit->slope < SLOPE_MIN)
			continue;
		shift = fit->difference / fit->slope;
		score = explained(load, shift, EXPLAINED_ERRORS);
		if (score > best)
		{
			best = score;
			load->shift = shift;
		}
	}
	gather(load);
	load->rival_var = rivals(load);
	estimate_shift(load, -1);
	if (load->controls < PGD_CONTROLS_MIN ||
		!find_factor(candidates, load->candidates, -1, stretches, load))
		load->controls = 0;
	return load->controls > 0;
}

/*
 * The same for one of the candidates: nobody is his own control.
 */
bool
pgd_load_without(const PgdSeries *candidates, int which,
				 const PgdStretches *stretches, const PgdLoad *load,
				 PgdLoad *without)
{
	*without = *load;
	if (load->is_control[which])
		without->controls--;
	estimate_shift(without, which);
	if (without->controls < PGD_CONTROLS_MIN - 1 ||
		!find_factor(candidates, load->candidates, which, stretches, without))
		without->controls = 0;
	return without->controls > 0;
}
