/*-------------------------------------------------------------------------
 *
 * difference.c
 *		What happened between two states of the same numbers.
 *
 * Nothing becomes negative: a slot that is reset in between, or a plan that
 * had to make room, can make a later number smaller.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "difference.h"

#define MINUS(a, b)		((a) > (b) ? (a) - (b) : 0)

/* A largest value of which it is known that it is of the time in between. */
static inline uint64
risen(uint64 later, uint64 earlier)
{
	if (later > earlier || later == 0)
		return later;
	return PGD_UNKNOWN;
}

static bool
subtract_histogram(PgdHistogram *later, const PgdHistogram *earlier)
{
	bool		any = false;

	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		later->count[i] = MINUS(later->count[i], earlier->count[i]);
		any |= (later->count[i] > 0);
	}
	return any;
}

/*
 * The last of n places is for all others.
 */
static bool
subtract_errors(PgdErrorCount *later, const PgdErrorCount *earlier, int n)
{
	bool		any = false;

	for (int i = 0; i < n; i++)
	{
		for (int e = 0; e < n; e++)
		{
			if (earlier[e].sqlstate == later[i].sqlstate &&
				(e == n - 1) == (i == n - 1))
			{
				later[i].count = MINUS(later[i].count, earlier[e].count);
				break;
			}
		}
		any |= (later[i].count > 0);
	}
	return any;
}

static void
subtract_plan(PgdPlanUse *later, const PgdPlanUse *earlier)
{
	later->calls = MINUS(later->calls, earlier->calls);
	later->total_time = MINUS(later->total_time, earlier->total_time);
	later->max_time = risen(later->max_time, earlier->max_time);
}

/*
 * A plan that had to make room in between has left its numbers to the last
 * place, which is for all others; if it has come back, it has begun anew.
 */
static void
subtract_plans(PgdPlanUse *later, const PgdPlanUse *earlier)
{
	for (int e = 0; e < PGD_PLANS; e++)
	{
		PgdPlanUse *plan = &later[PGD_PLANS];

		if (earlier[e].calls == 0)
			continue;
		for (int l = 0; l < PGD_PLANS; l++)
		{
			if (later[l].shape == earlier[e].shape &&
				later[l].calls >= earlier[e].calls)
				plan = &later[l];
		}
		subtract_plan(plan, &earlier[e]);
	}
	if (earlier[PGD_PLANS].calls > 0)
		subtract_plan(&later[PGD_PLANS], &earlier[PGD_PLANS]);
}

/* ----------
 * Statements
 * ----------
 */

#define SUBTRACT_SUM(l, e)	(any |= (l) > (e), MINUS(l, e))
#define SUBTRACT_MAX(l, e)	risen(l, e)
#define SUBTRACT_MIN(l, e)	((l) < (e) || (e) == 0 ? (l) : PGD_UNKNOWN)

bool
pgd_statement_subtract(PgdStatement *later, const PgdStatement *earlier)
{
	PgdCounters *l = &later->counters;
	const PgdCounters *e = &earlier->counters;
	bool		any = false;

#define PGD_COUNTER(name, combine, unit) \
	l->name = SUBTRACT_##combine(l->name, e->name);
#include "counterlist.h"
#undef PGD_COUNTER

	any |= subtract_errors(later->errors, earlier->errors, PGD_ERRORS + 1);
	any |= subtract_histogram(&later->histogram, &earlier->histogram);
	subtract_plans(later->plans, earlier->plans);
	return any;
}

/*
 * The shortest and the longest execution, where they are unknown, as the
 * histogram of the difference has them: within the width of a bucket.  None
 * takes longer than all together, and a single one as long.
 */
void
pgd_statement_estimate(PgdStatement *difference, const PgdStatement *earlier)
{
	PgdCounters *c = &difference->counters;
	const PgdHistogram *h = &difference->histogram;
	int			first = 0;
	int			last = PGD_HISTOGRAM_OVER;

	if (c->min_exec_time != PGD_UNKNOWN && c->max_exec_time != PGD_UNKNOWN)
		return;
	while (first < last && h->count[first] == 0)
		first++;
	while (last > first && h->count[last] == 0)
		last--;
	if (h->count[first] == 0)
	{
		/* no execution completed */
		c->min_exec_time = c->max_exec_time = 0;
		return;
	}
	if (c->min_exec_time == PGD_UNKNOWN)
		c->min_exec_time = Max(pgd_histogram_lower(first),
							   earlier->counters.min_exec_time);
	if (c->max_exec_time == PGD_UNKNOWN)
		c->max_exec_time = Min(pgd_histogram_upper(last),
							   earlier->counters.max_exec_time);
	if (c->calls == 1)
		c->min_exec_time = c->max_exec_time = c->total_exec_time;
	c->max_exec_time = Min(c->max_exec_time, c->total_exec_time);
	c->min_exec_time = Min(c->min_exec_time, c->max_exec_time);
}

/* ----------
 * Transactions
 * ----------
 */

static void
subtract_step(PgdStep *l, const PgdStep *e)
{
	l->calls = MINUS(l->calls, e->calls);
	l->failures = MINUS(l->failures, e->failures);
	l->rows = MINUS(l->rows, e->rows);
	l->max_rows = risen(l->max_rows, e->max_rows);
	l->empty = MINUS(l->empty, e->empty);
	l->exec_time = MINUS(l->exec_time, e->exec_time);
	l->max_exec_time = risen(l->max_exec_time, e->max_exec_time);
	l->idle_time = MINUS(l->idle_time, e->idle_time);
	l->max_idle_time = risen(l->max_idle_time, e->max_idle_time);
	l->lock_wait = MINUS(l->lock_wait, e->lock_wait);
	l->blocking_gaps = MINUS(l->blocking_gaps, e->blocking_gaps);
	l->idle_with_locks = MINUS(l->idle_with_locks, e->idle_with_locks);
	l->repeats = MINUS(l->repeats, e->repeats);
	l->idle_repeats = MINUS(l->idle_repeats, e->idle_repeats);
	l->repeated_time = MINUS(l->repeated_time, e->repeated_time);
	l->same_row = MINUS(l->same_row, e->same_row);
	l->stale_writes = MINUS(l->stale_writes, e->stale_writes);
	l->overtaken = MINUS(l->overtaken, e->overtaken);
	l->blind_inserts = MINUS(l->blind_inserts, e->blind_inserts);
}

static void
subtract_observation(PgdObservation *l, const PgdObservation *e)
{
	l->occurrences = MINUS(l->occurrences, e->occurrences);
	l->confirmed = MINUS(l->confirmed, e->confirmed);
	l->count = MINUS(l->count, e->count);
	l->max_count = risen(l->max_count, e->max_count);
	l->time = MINUS(l->time, e->time);
	l->saved = MINUS(l->saved, e->saved);
	l->held = MINUS(l->held, e->held);
	l->max_held = risen(l->max_held, e->max_held);
}

/*
 * What was not observed in between is struck out.
 */
static void
subtract_observations(PgdShapeSums *later, const PgdShapeSums *earlier)
{
	int			n = 0;

	for (int i = 0; i < PGD_OBSERVATIONS; i++)
	{
		PgdObservation *l = &later->observations[i];

		if (l->detector == 0)
			continue;
		for (int j = 0; j < PGD_OBSERVATIONS; j++)
		{
			const PgdObservation *e = &earlier->observations[j];

			if (e->detector == l->detector && e->position == l->position &&
				e->object == l->object && e->other == l->other)
			{
				subtract_observation(l, e);
				break;
			}
		}
		if (l->occurrences > 0)
			later->observations[n++] = *l;
	}
	for (; n < PGD_OBSERVATIONS; n++)
		memset(&later->observations[n], 0, sizeof(PgdObservation));
}

bool
pgd_shape_subtract(PgdShape *later, const PgdShape *earlier)
{
	PgdShapeSums *sums = &later->sums;
	PgdXactCounters *l = &sums->counters;
	const PgdXactCounters *e = &earlier->sums.counters;
	bool		any = false;

#define PGD_XACT_COUNTER(name, combine, unit) \
	l->name = SUBTRACT_##combine(l->name, e->name);
#include "xactlist.h"
#undef PGD_XACT_COUNTER

	any |= subtract_errors(sums->errors, earlier->sums.errors,
						   PGD_XACT_ERRORS + 1);
	sums->dropped = MINUS(sums->dropped, earlier->sums.dropped);
	if (sums->slowest <= earlier->sums.slowest)
	{
		sums->slowest = 0;
		sums->tag.traceparent[0] = '\0';
	}
	for (int i = 0; i < sums->nsteps && i < earlier->sums.nsteps; i++)
	{
		if (sums->steps[i].fingerprint == earlier->sums.steps[i].fingerprint)
			subtract_step(&sums->steps[i], &earlier->sums.steps[i]);
	}
	subtract_observations(sums, &earlier->sums);
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
		(void) subtract_histogram(&later->histograms[h], &earlier->histograms[h]);
	return any;
}

/* ----------
 * Sessions and samples
 * ----------
 */

/* What is a state, not an event, is that at the end. */
#define SESSION_SUM_COUNT(l, e)		SUBTRACT_SUM(l, e)
#define SESSION_SUM_TIME(l, e)		SUBTRACT_SUM(l, e)
#define SESSION_MAX_COUNT(l, e)		SUBTRACT_MAX(l, e)
#define SESSION_MIN_MOMENT(l, e)	(l)
#define SESSION_MAX_MOMENT(l, e)	(l)
#define SESSION_MIN_SETTING(l, e)	(l)
#define SESSION_MAX_SETTING(l, e)	(l)

bool
pgd_session_subtract(PgdSessionSum *later, const PgdSessionSum *earlier)
{
	PgdSessionCounters *l = &later->counters;
	const PgdSessionCounters *e = &earlier->counters;
	bool		any = later->open > 0;

#define PGD_SESSION_COUNTER(name, combine, unit) \
	l->name = SESSION_##combine##_##unit(l->name, e->name);
#include "sessionlist.h"
#undef PGD_SESSION_COUNTER

	(void) subtract_histogram(&later->histogram, &earlier->histogram);
	return any;
}

bool
pgd_sample_subtract(PgdSample *l, const PgdSample *e)
{
	l->samples = MINUS(l->samples, e->samples);
	l->time = MINUS(l->time, e->time);
	l->max_time = risen(l->max_time, e->max_time);
	l->waits = MINUS(l->waits, e->waits);
	l->max_depth = risen(l->max_depth, e->max_depth);
	l->deep_time = MINUS(l->deep_time, e->deep_time);
	l->snapshot_time = MINUS(l->snapshot_time, e->snapshot_time);
	l->max_snapshot_time = risen(l->max_snapshot_time, e->max_snapshot_time);
	l->oldest_time = MINUS(l->oldest_time, e->oldest_time);
	l->max_age = risen(l->max_age, e->max_age);
	return l->samples > 0;
}
