/*-------------------------------------------------------------------------
 *
 * sums.c
 *		How two sets of numbers about a statement become one.
 *
 * Plain arithmetic on plain memory: merging a backend's numbers into the
 * table, folding an evicted statement into its database's (evicted) row and
 * adding up for a reader are all the same few functions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "sums.h"

static void plan_use_add(PgdPlanUse *sum, const PgdPlanUse *more);

/*
 * Zero is the neutral element of all three ways to combine, so that cleared
 * memory is a valid empty set.  For MIN that makes zero mean "none yet".
 */
#define COMBINE_SUM(a, b)	((a) + (b))
#define COMBINE_MAX(a, b)	Max(a, b)
#define COMBINE_MIN(a, b)	((a) == 0 ? (b) : (b) == 0 ? (a) : Min(a, b))

void
pgd_counters_add(PgdCounters *sum, const PgdCounters *more)
{
#define PGD_COUNTER(name, combine, unit) \
	sum->name = COMBINE_##combine(sum->name, more->name);
#include "counterlist.h"
#undef PGD_COUNTER
}

/*
 * Add everything but the identity of a statement to another one.
 */
void
pgd_statement_add(PgdStatement *sum, const PgdStatement *more)
{
	if (more->since != 0 && (sum->since == 0 || more->since < sum->since))
		sum->since = more->since;
	sum->last_seen = Max(sum->last_seen, more->last_seen);

	pgd_counters_add(&sum->counters, &more->counters);

	for (int i = 0; i < PGD_ERRORS; i++)
	{
		if (more->errors[i].count > 0)
			pgd_statement_add_error(sum, more->errors[i].sqlstate,
									more->errors[i].count);
	}
	sum->errors[PGD_ERRORS].count += more->errors[PGD_ERRORS].count;

	for (int i = 0; i < PGD_PLANS; i++)
	{
		if (more->plans[i].shape != 0)
			pgd_statement_add_plan(sum, &more->plans[i]);
	}
	plan_use_add(&sum->plans[PGD_PLANS], &more->plans[PGD_PLANS]);

	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
		sum->histogram.count[i] += more->histogram.count[i];
}

/*
 * Count failures under their SQLSTATE, or under "other" once the array is
 * full.
 */
void
pgd_statement_add_error(PgdStatement *sum, int32 sqlstate, uint64 count)
{
	PgdErrorCount *error = sum->errors;

	while (error < &sum->errors[PGD_ERRORS] &&
		   error->sqlstate != 0 && error->sqlstate != sqlstate)
		error++;

	if (error < &sum->errors[PGD_ERRORS])
		error->sqlstate = sqlstate;
	error->count += count;
}

/*
 * Add executions with one shape of plan.  When the array is full the shape
 * not seen for the longest time is folded into "other": what matters of
 * plans is what the latest ones do, and what they replaced.
 */
void
pgd_statement_add_plan(PgdStatement *sum, const PgdPlanUse *more)
{
	PgdPlanUse *oldest = &sum->plans[0];

	for (int i = 0; i < PGD_PLANS; i++)
	{
		PgdPlanUse *use = &sum->plans[i];

		if (use->shape == more->shape || use->shape == 0)
		{
			use->shape = more->shape;
			plan_use_add(use, more);
			return;
		}
		if (use->last_seen < oldest->last_seen)
			oldest = use;
	}

	plan_use_add(&sum->plans[PGD_PLANS], oldest);
	*oldest = *more;
}

static void
plan_use_add(PgdPlanUse *sum, const PgdPlanUse *more)
{
	sum->calls += more->calls;
	sum->total_time += more->total_time;
	sum->max_time = Max(sum->max_time, more->max_time);
	sum->last_seen = Max(sum->last_seen, more->last_seen);
}
