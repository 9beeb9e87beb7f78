/*-------------------------------------------------------------------------
 *
 * transcript.c
 *		Run-length coding of what a session does, and its shape.
 *
 * A statement that is like the one before, or that continues a cycle of up
 * to PGD_CYCLE_MAX statements, is counted at the position that is there.
 * A cycle is recognized when it has come round twice: A B A B.  From then on
 * it swallows its statements in any order, because a row of a list may have
 * no children of one kind and several of another; so
 *
 *		A B C C B B C D		becomes		A (B C)+ D
 *
 * and 3 rows have the same shape as 5,000.  The last round need not be
 * complete.
 *
 * Plain arithmetic on plain memory: no time, no lock, no allocation.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "transcript.h"

#define REST	(PGD_STEPS - 1)

static PgdStep *find_in_cycle(PgdTranscript *t, uint64 fingerprint);
static bool is_cycle(const PgdTranscript *t, int len);
static void fold(PgdTranscript *t, int len);

/*
 * Add everything but the identity of a position to another one.
 */
void
pgd_step_add(PgdStep *sum, const PgdStep *more)
{
	sum->flags |= more->flags;
	if (sum->source == PGD_NOWHERE)
		sum->source = more->source;
	if (more->sqlstate != 0)
		sum->sqlstate = more->sqlstate;
	sum->calls += more->calls;
	sum->failures += more->failures;
	sum->rows += more->rows;
	sum->max_rows = Max(sum->max_rows, more->max_rows);
	sum->empty += more->empty;
	sum->exec_time += more->exec_time;
	sum->max_exec_time = Max(sum->max_exec_time, more->max_exec_time);
	sum->idle_time += more->idle_time;
	sum->max_idle_time = Max(sum->max_idle_time, more->max_idle_time);
	sum->lock_wait += more->lock_wait;
	sum->blocking_gaps += more->blocking_gaps;
	sum->idle_with_locks += more->idle_with_locks;
	sum->repeats += more->repeats;
	sum->idle_repeats += more->idle_repeats;
	sum->repeated_time += more->repeated_time;
	sum->same_row += more->same_row;
	sum->stale_writes += more->stale_writes;
	sum->overtaken += more->overtaken;
	sum->blind_inserts += more->blind_inserts;
}

#define COMBINE_SUM(a, b)	((a) + (b))
#define COMBINE_MAX(a, b)	Max(a, b)

void
pgd_xact_counters_add(PgdXactCounters *sum, const PgdXactCounters *more)
{
#define PGD_XACT_COUNTER(name, combine, unit) \
	sum->name = COMBINE_##combine(sum->name, more->name);
#include "xactlist.h"
#undef PGD_XACT_COUNTER
}

/*
 * The position of a statement that is not simply the next one of a cycle.
 * Positions from t->nsteps on are gone when this made it smaller; what they
 * were is now at the end, see pgd_transcript_moved().
 */
PgdStep *
pgd_transcript_append(PgdTranscript *t, uint64 fingerprint)
{
	PgdStep    *step;

	if (t->cycle_len != 0)
	{
		step = find_in_cycle(t, fingerprint);
		if (step != NULL)
			return step;
		t->cycle_len = 0;
	}

	if (t->nsteps >= REST)
	{
		step = &t->steps[REST];
		if (t->nsteps == REST)
		{
			memset(step, 0, sizeof(PgdStep));
			step->source = PGD_NOWHERE;
			t->nsteps++;
		}
		t->last = REST;
		return step;
	}

	step = &t->steps[t->nsteps];
	memset(step, 0, sizeof(PgdStep));
	step->fingerprint = fingerprint;
	step->source = PGD_NOWHERE;
	t->last = t->nsteps++;

	for (int len = 1; len <= PGD_CYCLE_MAX && 2 * len <= t->nsteps; len++)
	{
		if (t->steps[t->nsteps - 1 - len].fingerprint == fingerprint &&
			is_cycle(t, len))
		{
			fold(t, len);
			break;
		}
	}
	return &t->steps[t->last];
}

/*
 * Where a position of before the latest pgd_transcript_append() is now.
 */
int
pgd_transcript_moved(const PgdTranscript *t, int position)
{
	if (position != PGD_NOWHERE && position >= t->nsteps && t->cycle_len != 0)
		return position - t->cycle_len;
	return position;
}

/*
 * The same statement again, or else the nearest one in the order of the
 * cycle.
 */
static PgdStep *
find_in_cycle(PgdTranscript *t, uint64 fingerprint)
{
	int			end = t->cycle_start + t->cycle_len;
	int			i = t->last;

	for (int n = 0; n < t->cycle_len; n++)
	{
		if (t->steps[i].fingerprint == fingerprint)
		{
			t->last = i;
			return &t->steps[i];
		}
		if (++i >= end)
			i = t->cycle_start;
	}
	return NULL;
}

/* Are the last "len" positions as those before them? */
static bool
is_cycle(const PgdTranscript *t, int len)
{
	const PgdStep *second = &t->steps[t->nsteps - len];

	for (int i = 0; i < len; i++)
	{
		if (second[i].fingerprint != second[i - len].fingerprint)
			return false;
	}
	return true;
}

/*
 * Lay the last "len" positions upon those before them.  Cycles inside of
 * this one are not kept, so that it is the same whether or not a row had
 * several children.
 */
static void
fold(PgdTranscript *t, int len)
{
	PgdStep    *first = &t->steps[t->nsteps - 2 * len];

	t->nsteps -= len;
	t->cycle_start = t->nsteps - len;
	t->cycle_len = len;
	t->last = t->nsteps - 1;

	for (int i = 0; i < len; i++)
	{
		pgd_step_add(&first[i], &first[i + len]);
		first[i].source = pgd_transcript_moved(t, first[i].source);
		first[i].cycle = 0;
	}
	first[0].cycle = len;

	for (int i = 0; i < t->nlocked; i++)
		t->locked_at[i] = pgd_transcript_moved(t, t->locked_at[i]);
}

static inline uint64
mix(uint64 hash, uint64 value)
{
	hash = (hash ^ value) * UINT64CONST(0x9E3779B97F4A7C15);
	return hash ^ (hash >> 32);
}

/*
 * What makes two transcripts alike: the same statements in the same order,
 * at the same isolation level, both reading only or both not.  Made of
 * fingerprints, so it is the same on every server.  Never 0.
 */
uint64
pgd_transcript_shape(const PgdTranscript *t)
{
	uint64		hash = mix(t->kind, (uint64) t->isolation << 1 |
						   ((t->saw & PGD_SAW_XID) != 0));

	for (int i = 0; i < t->nsteps; i++)
	{
		hash = mix(hash, t->steps[i].fingerprint);
		if (t->steps[i].cycle != 0)
			hash = mix(hash, t->steps[i].cycle);
	}
	return hash | 1;
}
