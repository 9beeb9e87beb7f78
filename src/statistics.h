/*-------------------------------------------------------------------------
 *
 * statistics.h
 *		What may be concluded from times.
 *
 * Pure functions of numbers: nothing here allocates, locks, fails or knows
 * where the numbers come from.  Unknown is NaN.
 *
 * Single executions are never tested: they are not independent, as all of a
 * minute share its load, and a test that takes them to be cries wolf in half
 * of all comparisons.  A time series is, stretch by stretch, the level of one
 * statement, as a logarithm; tests are about such series, and count as
 * stretches only what is left when neighbours resemble each other.
 *
 * How often they are wrong, and how often they find something, is measured
 * by test/bench/statistics_trial.sh.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_STATISTICS_H
#define PGD_STATISTICS_H

#include "pg_diagnose.h"

#define PGD_SIDE_MAX		128 /* stretches on one side, at most */
#define PGD_STRETCHES_MAX	(2 * PGD_SIDE_MAX)
#define PGD_SIDE_MIN		4	/* with fewer, nothing is said of chance */
#define PGD_CANDIDATES_MAX	50	/* that may become controls */
#define PGD_CONTROLS_MIN	4	/* with fewer, there is no control group */
#define PGD_BATCHES_MAX		8	/* of executions, for the tail; a side */

/*
 * What neighbouring stretches have in common at least, where no control group
 * takes the load out: it comes and goes more slowly than stretches do.
 */
#define PGD_LOAD_CORRELATION	0.7

/* The two sides of a comparison. */
typedef enum PgdSide
{
	PGD_BEFORE,
	PGD_AFTER,
	PGD_SIDES
} PgdSide;

/*
 * How many stretches each side has.  A series has those before first, then
 * those after.
 */
typedef struct PgdStretches
{
	int			count[PGD_SIDES];
} PgdStretches;

/* One statement, stretch by stretch. */
typedef struct PgdSeries
{
	const double *level;		/* logarithm of a time */
	const double *weight;		/* 0: the stretch tells nothing */
} PgdSeries;

/*
 * By how much something is different, as logarithm of the ratio of after to
 * before.
 */
typedef struct PgdEffect
{
	double		log_ratio;
	double		se;				/* its standard error */
	double		df;				/* degrees of freedom of that */
	double		load;			/* of log_ratio, taken out as load */
	double		load_var;		/* variance of that */
	int			used[PGD_SIDES];	/* stretches that told something */
} PgdEffect;

/* An effect as people read it; ratios of after to before. */
typedef struct PgdVerdict
{
	double		ratio;
	double		low;			/* 95 % interval */
	double		high;
	double		p_value;		/* of no difference, two-sided */
	double		smallest;		/* that would be found in 4 of 5 trials */
} PgdVerdict;

/* How a series follows the load; for statistics_load.c. */
typedef struct PgdFit
{
	double		slope;			/* 1: as the control group does */
	double		slope_var;
	double		difference;		/* after - before, at the same factor */
	double		difference_var;
	double		factor_gap;		/* mean factor after - before, where the
								 * series has something */
	double		df;
	double		correlation;	/* as estimated; not yet bounded */
	int			used[PGD_SIDES];
} PgdFit;

/*
 * What moves all statements at once, found in a control group: statements of
 * which nothing says that they changed.
 */
typedef struct PgdLoad
{
	int			controls;		/* 0: there is no control group */
	double		factor[PGD_STRETCHES_MAX];	/* about 0 on each side; NaN:
												 * unknown */
	double		noise;			/* variance of the error of these */
	double		shift;			/* by how much it is higher after */
	double		shift_var;		/* variance of that */
	double		rival_var;		/* of that: what else it could be */
	double		correlation;	/* of neighbouring stretches, without load */

	/* the candidates, and which of them are the control group */
	int			candidates;
	bool		is_control[PGD_CANDIDATES_MAX];
	PgdFit		fits[PGD_CANDIDATES_MAX];
} PgdLoad;

/* How many executions a bucket has; a histogram is a list of these. */
typedef struct PgdBucket
{
	uint64		bucket:10;
	uint64		count:54;
} PgdBucket;

#define PGD_BUCKET_COUNT_MAX ((UINT64CONST(1) << 54) - 1)

/*
 * Executions of a side in batches: for each bucket from the first one on, how
 * many executions each batch has up to there.
 */
typedef struct PgdBatches
{
	int			count;
	int			first_bucket;
	int			buckets;
	const double (*up_to)[PGD_BATCHES_MAX]; /* 0 beyond "count" */
} PgdBatches;

PGD_BEGIN_INTERNAL

/* statistics_student.c: probabilities */
extern double pgd_t_two_sided(double t, double df);
extern double pgd_t_quantile(double p, double df);
extern void pgd_adjust_p_values(const double *p, const int *ascending, int n,
								double *adjusted);

/* statistics.c: effects */
extern bool pgd_fit(const PgdSeries *series, const PgdStretches *stretches,
					const double *factor, double noise,
					double least_correlation, double group_correlation,
					PgdFit *fit);
extern bool pgd_effect_of_series(const PgdSeries *series,
								 const PgdStretches *stretches,
								 const PgdLoad *load,
								 double least_correlation, PgdEffect *effect);
extern bool pgd_effect_of_pairs(const double *difference, int n,
								double least_correlation, PgdEffect *effect);
extern void pgd_effect_judge(const PgdEffect *effect, PgdVerdict *verdict);

/* statistics_load.c: the control group */
extern bool pgd_load_find(const PgdSeries *candidates, int n,
						  const PgdStretches *stretches, PgdLoad *load);
extern bool pgd_load_without(const PgdSeries *candidates, int which,
							 const PgdStretches *stretches,
							 const PgdLoad *load, PgdLoad *without);

/* statistics_histogram.c: levels and tails of executions */
extern double pgd_level(const PgdBucket *buckets, int n, double *total);
extern double pgd_histogram_shift(const PgdHistogram *before,
								  const PgdHistogram *after);
extern double pgd_histogram_superiority(const PgdHistogram *before,
										const PgdHistogram *after);
extern bool pgd_tail_effect(const PgdBatches *before, const PgdBatches *after,
							double q, PgdEffect *effect);

PGD_END_INTERNAL

#endif							/* PGD_STATISTICS_H */
