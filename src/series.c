/*-------------------------------------------------------------------------
 *
 * series.c
 *		What may be concluded from the times of two windows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "utils/float.h"
#include "utils/memutils.h"

#include "series.h"

/*
 * A candidate to be a control: its work per call is the same to 2 %, or to 2
 * in a hundred calls where it is small.
 */
#define CANDIDATE_CALLS_MIN	30
#define CANDIDATE_TOLERANCE	0.02

/* It has executions in three of four stretches. */
#define CANDIDATE_SHARE_MIN	0.75

static const double tails[PGD_TAILS] = {0.95, 0.99};

/* What makes a quantile more than a guess: ten executions beyond it. */
static const uint64 tail_executions_min[PGD_TAILS] = {200, 1000};

/*
 * Statements are judged by statements, transactions by transactions: the
 * duration of these has the client's part in it, and the time until a process
 * that was woken gets a processor, which the load moves much more.
 */
typedef struct Group
{
	PgdLoad		load;
	PgdSeries	candidates[PGD_CANDIDATES_MAX];
	int			ncandidates;
} Group;

/* All that is known when a thing is judged. */
typedef struct Judge
{
	PgdTimes   *times;
	Group		statements;
	Group		transactions;

	/* of a thing's executions */
	double		up_to[PGD_SIDES][PGD_HISTOGRAM_BUCKETS][PGD_BATCHES_MAX];
	PgdHistogram sums[PGD_SIDES];
} Judge;

/* ----------
 * The control group
 * ----------
 */

static bool
is_unmoved(uint64 before, uint64 calls_before, uint64 after,
		   uint64 calls_after)
{
	double		b = (double) before / calls_before;
	double		a = (double) after / calls_after;

	return fabs(a - b) <= CANDIDATE_TOLERANCE * (1 + Max(a, b));
}

/*
 * Those that wait for a timer follow no load, and so have no say in it.
 */
static bool
is_candidate(const PgdTimed *timed, const PgdStretches *stretches)
{
	const PgdWork *b = &timed->work[PGD_BEFORE];
	const PgdWork *a = &timed->work[PGD_AFTER];

	for (int side = 0; side < PGD_SIDES; side++)
	{
		if (timed->windows[side] < PGD_SIDE_MIN ||
			timed->windows[side] <
			CANDIDATE_SHARE_MIN * stretches->count[side])
			return false;
	}
	return b->calls >= CANDIDATE_CALLS_MIN && a->calls >= CANDIDATE_CALLS_MIN &&
		b->plan == a->plan &&
		is_unmoved(b->rows, b->calls, a->rows, a->calls) &&
		is_unmoved(b->blocks, b->calls, a->blocks, a->calls) &&
		is_unmoved(b->wal_records, b->calls, a->wal_records, a->calls) &&
		is_unmoved(b->statements, b->calls, a->statements, a->calls);
}

/* Those with most executions on the side with fewer of them first. */
static int
compare_executions(const void *a, const void *b)
{
	const PgdTimed *x = *(PgdTimed *const *) a;
	const PgdTimed *y = *(PgdTimed *const *) b;
	uint64		nx = Min(x->executions[PGD_BEFORE], x->executions[PGD_AFTER]);
	uint64		ny = Min(y->executions[PGD_BEFORE], y->executions[PGD_AFTER]);

	if (nx != ny)
		return nx > ny ? -1 : 1;
	/* whatever the order of snapshots: the same result */
	return memcmp(&x->key, &y->key, sizeof(PgdTimedKey));
}

static Group *
group_of(Judge *judge, const PgdTimed *timed)
{
	return timed->key.kind == PGD_TIMED_SHAPE ? &judge->transactions :
		&judge->statements;
}

static void
find_controls(Judge *judge, Group *group)
{
	PgdTimes   *times = judge->times;
	PgdTimed  **found;
	int			n = 0;

	found = MemoryContextAllocHuge(times->context,
								   sizeof(PgdTimed *) *
								   (Size) Max(times->ntimed, 1));
	for (PgdTimed *timed = times->first; timed != NULL; timed = timed->next)
	{
		if (group_of(judge, timed) == group &&
			is_candidate(timed, &times->stretches))
			found[n++] = timed;
	}
	qsort(found, n, sizeof(PgdTimed *), compare_executions);
	group->ncandidates = Min(n, PGD_CANDIDATES_MAX);
	for (int i = 0; i < group->ncandidates; i++)
	{
		found[i]->candidate = i;
		group->candidates[i].level = found[i]->level;
		group->candidates[i].weight = found[i]->weight;
	}
	(void) pgd_load_find(group->candidates, group->ncandidates,
						 &times->stretches, &group->load);
	pfree(found);
}

/* ----------
 * Judgement
 * ----------
 */

/* The executions of both sides, by batch, over the same buckets. */
static void
gather_batches(Judge *judge, const PgdTimed *timed, PgdBatches *batches)
{
	int			first = PGD_HISTOGRAM_OVER;
	int			last = 0;

	for (int side = 0; side < PGD_SIDES; side++)
	{
		for (int i = 0; i < judge->times->batches[side]; i++)
		{
			const PgdBucketList *list = &timed->batches[side][i];

			if (list->n == 0)
				continue;
			first = Min(first, (int) list->buckets[0].bucket);
			last = Max(last, (int) list->buckets[list->n - 1].bucket);
		}
	}
	for (int side = 0; side < PGD_SIDES; side++)
	{
		double		(*up_to)[PGD_BATCHES_MAX] = judge->up_to[side];
		int			n = 0;

		memset(up_to, 0, sizeof(*up_to) * (last - first + 1));
		for (int i = 0; i < judge->times->batches[side]; i++)
		{
			const PgdBucketList *list = &timed->batches[side][i];

			for (int j = 0; j < list->n; j++)
				up_to[list->buckets[j].bucket - first][n] =
					list->buckets[j].count;
			n += (list->n > 0);
		}
		for (int j = 1; j <= last - first; j++)
		{
			for (int i = 0; i < n; i++)
				up_to[j][i] += up_to[j - 1][i];
		}
		batches[side].count = n;
		batches[side].first_bucket = first;
		batches[side].buckets = last - first + 1;
		batches[side].up_to = (const double (*)[PGD_BATCHES_MAX]) up_to;
	}
}

/*
 * How many times as long the tails are.  Load is taken from them as from the
 * middle.
 */
static void
judge_tails(Judge *judge, const PgdTimed *timed, const PgdEffect *middle,
			PgdTimeChange *change)
{
	uint64		executions = Min(timed->executions[PGD_BEFORE],
								 timed->executions[PGD_AFTER]);
	PgdBatches	batches[PGD_SIDES];

	if (executions < tail_executions_min[0])
		return;
	gather_batches(judge, timed, batches);
	for (int i = 0; i < PGD_TAILS; i++)
	{
		PgdEffect	effect;
		PgdVerdict	verdict;

		if (executions < tail_executions_min[i] ||
			!pgd_tail_effect(&batches[PGD_BEFORE], &batches[PGD_AFTER],
							 tails[i], &effect))
			continue;
		effect.log_ratio -= middle->load;
		effect.se = sqrt(effect.se * effect.se + middle->load_var);
		pgd_effect_judge(&effect, &verdict);
		change->tail_ratio[i] = verdict.ratio;
		change->tail_low[i] = verdict.low;
		change->tail_high[i] = verdict.high;
	}
}

/* All executions of a thing, where there are too few stretches for more. */
static double
whole_shift(Judge *judge, const PgdTimed *timed)
{
	memset(judge->sums, 0, sizeof(judge->sums));
	for (int side = 0; side < PGD_SIDES; side++)
	{
		for (int i = 0; i < judge->times->batches[side]; i++)
		{
			const PgdBucketList *list = &timed->batches[side][i];

			for (int j = 0; j < list->n; j++)
				judge->sums[side].count[list->buckets[j].bucket] +=
					list->buckets[j].count;
		}
	}
	return pgd_histogram_shift(&judge->sums[PGD_BEFORE],
							   &judge->sums[PGD_AFTER]);
}

static void
judge_timed(Judge *judge, const PgdTimed *timed, PgdTimeChange *change)
{
	const PgdStretches *stretches = &judge->times->stretches;
	PgdSeries	series = {timed->level, timed->weight};
	const Group *group = group_of(judge, timed);
	const PgdLoad *load = &group->load;
	PgdEffect	effect = {0};
	PgdVerdict	verdict;
	PgdLoad		without;

	if (load->controls > 0 && timed->candidate >= 0)
	{
		(void) pgd_load_without(group->candidates, timed->candidate,
								stretches, load, &without);
		load = &without;
	}
	change->is_adjusted = (load->controls > 0);
	if (!pgd_effect_of_series(&series, stretches, load,
							  change->is_adjusted ? 0 : PGD_LOAD_CORRELATION,
							  &effect))
	{
		change->is_adjusted = false;
		change->ratio = whole_shift(judge, timed);
	}
	else
	{
		pgd_effect_judge(&effect, &verdict);
		change->ratio = verdict.ratio;
		change->low = verdict.low;
		change->high = verdict.high;
		change->p_value = verdict.p_value;
		change->smallest = verdict.smallest;
	}
	if (change->is_adjusted)
	{
		change->controls = load->controls;
		change->load_ratio = exp(effect.load);
	}
	judge_tails(judge, timed, &effect, change);
}

static void
describe(const PgdTimed *timed, PgdTimeChange *change)
{
	double		nan = get_float8_nan();

	memset(change, 0, sizeof(PgdTimeChange));
	change->dbid = timed->key.dbid;
	change->userid = timed->key.userid;
	change->toplevel = timed->key.toplevel;
	change->is_transaction = (timed->key.kind == PGD_TIMED_SHAPE);
	if (change->is_transaction)
	{
		change->shape = timed->key.number;
		change->tag = timed->key.tag;
	}
	else
		change->queryid = timed->several ? 0 : timed->queryid;
	if (timed->key.kind == PGD_TIMED_FINGERPRINT)
		change->fingerprint = timed->key.number;
	change->windows[PGD_BEFORE] = timed->windows[PGD_BEFORE];
	change->windows[PGD_AFTER] = timed->windows[PGD_AFTER];

	change->ratio = change->low = change->high = nan;
	change->p_value = change->smallest = change->load_ratio = nan;
	for (int i = 0; i < PGD_TAILS; i++)
		change->tail_ratio[i] = change->tail_low[i] = change->tail_high[i] = nan;
}

/*
 * Whatever has executions in both windows is visited.
 */
void
pgd_time_changes(const PgdWindow *before, const PgdWindow *after,
				 int max_windows, PgdTimeChangeVisitor visit, void *arg)
{
	PgdTimes	times = {0};
	Judge	   *judge;

	times.context = AllocSetContextCreate(CurrentMemoryContext,
										  "pg_diagnose series",
										  ALLOCSET_DEFAULT_SIZES);
	pgd_series_read(before, after, max_windows, &times);
	judge = MemoryContextAllocZero(times.context, sizeof(Judge));
	judge->times = &times;
	find_controls(judge, &judge->statements);
	find_controls(judge, &judge->transactions);

	for (PgdTimed *timed = times.first; timed != NULL; timed = timed->next)
	{
		PgdTimeChange change;

		CHECK_FOR_INTERRUPTS();
		if (timed->executions[PGD_BEFORE] == 0 ||
			timed->executions[PGD_AFTER] == 0)
			continue;
		describe(timed, &change);
		judge_timed(judge, timed, &change);
		visit(&change, arg);
	}
	MemoryContextDelete(times.context);
}
