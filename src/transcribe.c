/*-------------------------------------------------------------------------
 *
 * transcribe.c
 *		Executions become positions of the transcript.
 *
 *
 * When a transaction or a burst begins and ends is xact.c's business; here is
 * what lies in between.  This is on every statement's way: it adds a few
 * numbers in our own slot, in about two hundred instructions.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/proc.h"

#include "blocking.h"
#include "detectors.h"
#include "repeats.h"
#include "samples.h"
#include "tag.h"
#include "touches.h"
#include "transcribe.h"

#define RETRY_INTERVAL	(5 * USECS_PER_SEC)

#define NS(us)			((uint64) (us) * 1000)

PgdRunning	pgd_running;
PgdRepeats	pgd_repeats;

/* Last integer keys of the tables in the order of locking. */
static int64 last_key[PGD_LOCKED_RELS];

/* ----------
 * What a statement means for the whole
 * ----------
 */

/*
 * The client of a transaction block let us wait: did others wait for us?
 */
bool
pgd_transcribe_gap(uint64 think)
{
	PgdTranscript *t = &pgd_xact_slot->open;

	t->saw |= PGD_SAW_GAP;
	if (think < PGD_MS(pgd_threshold.idle_blocking_others_min_gap) ||
		(!pgd_running.has_xid && (t->saw & PGD_SAW_TABLE_LOCK) == 0) ||
		!pgd_blocking(t))
		return false;
	t->counters.blocking_gaps++;
	t->counters.blocking_idle += think;
	return true;
}

/*
 * What was held during a think time?
 */
void
pgd_transcribe_held(PgdTranscript *t, uint64 think)
{
	PgdXactCounters *c = &t->counters;

	/* an identifier alone locks nothing; a row that is locked writes WAL */
	if (pgd_running.has_xid &&
		((t->saw & (PGD_SAW_WRITE | PGD_SAW_ROW_LOCK)) != 0 ||
		 pgWalUsage.wal_bytes != pgd_running.wal_base))
		c->idle_with_row_locks += think;
	if ((t->saw & PGD_SAW_TABLE_LOCK) != 0)
		c->idle_with_table_lock += think;
	if (IsolationUsesXactSnapshot() && t->nsteps > 0)
		c->idle_with_snapshot += think;
}

/* To be asked when a block may have begun to hold something. */
static void
note_holding(const PgdTranscript *t)
{
	pgd_running.holding = t->kind == PGD_XACT_BLOCK &&
		(pgd_running.has_xid || (t->saw & PGD_SAW_TABLE_LOCK) != 0 ||
		 IsolationUsesXactSnapshot());
}

/*
 * In which order are rows of which tables locked?
 */
static void
note_lock_order(PgdTranscript *t, Oid relid, int64 number)
{
	int			i = 0;

	while (i < t->nlocked && t->locked[i] != relid)
		i++;
	if (i == t->nlocked)
	{
		if (i == PGD_LOCKED_RELS)
			return;
		t->locked[i] = relid;
		t->locked_at[i] = t->last;
		t->nlocked++;
		last_key[i] = number;
		if (i > 0)
			t->saw |= PGD_SAW_TWO_LOCKED;
		return;
	}
	if (number == PG_INT64_MIN || last_key[i] == PG_INT64_MIN ||
		number == last_key[i])
		return;
	if (number > last_key[i])
		t->ascending |= 1 << i;
	else
		t->descending |= 1 << i;
	t->saw |= PGD_SAW_TWO_LOCKED;
	last_key[i] = number;
}

/*
 * What an execution did to which row.
 */
static void
note_rows(PgdTranscript *t, PgdStep *step, const PgdExecution *execution)
{
	uint32		flags = execution->traits->flags;

	if (execution->rows == 0)
		return;
	if (execution->row != 0 && (flags & (PGD_UPDATES | PGD_DELETES)) != 0)
		pgd_touches_write(t, step, execution->row);
	if ((flags & (PGD_INSERTS | PGD_ON_CONFLICT | PGD_UPDATES)) == PGD_INSERTS)
		pgd_touches_insert(t, step);
	if (t->kind == PGD_XACT_BLOCK &&
		(flags & (PGD_UPDATES | PGD_DELETES | PGD_LOCKS_ROWS)) != 0 &&
		(flags & PGD_SKIPS_LOCKED) == 0 && OidIsValid(step->relid))
		note_lock_order(t, step->relid, execution->row != 0 ?
						execution->number : PG_INT64_MIN);
}

/*
 * What flags of a statement mean for the whole transcript.
 */
static const struct
{
	uint32		flags;
	uint32		saw;
}			meanings[] =
{
	{PGD_WRITES, PGD_SAW_WRITE},
	{PGD_LOCKS_ROWS, PGD_SAW_ROW_LOCK},
	{PGD_LOCKS_TABLE, PGD_SAW_TABLE_LOCK},
	{PGD_DDL, PGD_SAW_DDL},
	{PGD_NOTIFIES, PGD_SAW_NOTIFY}
};

#define MEANINGFUL	(PGD_WRITES | PGD_LOCKS_ROWS | PGD_LOCKS_TABLE | \
					 PGD_DDL | PGD_NOTIFIES | PGD_SETTING)

/*
 * The rarer things that a statement can have done.
 */
static pg_noinline void
note_special(PgdTranscript *t, PgdStep *step, const PgdExecution *execution)
{
	uint32		flags = execution->traits->flags;

	for (int i = 0; i < lengthof(meanings); i++)
	{
		if ((flags & meanings[i].flags) != 0)
			t->saw |= meanings[i].saw;
	}
	if ((flags & PGD_WRITES) != 0)
		t->counters.rows_written += execution->rows;
	note_rows(t, step, execution);
	t->isolation = XactIsoLevel;
	t->read_only = XactReadOnly;
	note_holding(t);
}

/* PGD_TOUCH_... of a read. */
static inline uint16
what_read(const PgdTranscript *t, const PgdExecution *execution)
{
	if (execution->rows == 0)
		return PGD_TOUCH_MISSING;
	if ((execution->traits->flags & PGD_LOCKS_ROWS) != 0 &&
		t->kind == PGD_XACT_BLOCK)
		return PGD_TOUCH_READ | PGD_TOUCH_LOCKED;
	return PGD_TOUCH_READ;
}

/*
 * Did the transaction, or an open savepoint of it, get an identifier?
 */
static inline void
note_xid(PgdTranscript *t, TimestampTz since)
{
	if (unlikely(TransactionIdIsValid(MyProc->xid)) && !pgd_running.has_xid)
	{
		pgd_running.has_xid = true;
		t->saw |= PGD_SAW_XID;
		t->counters.with_xid++;
		if (t->kind == PGD_XACT_BLOCK)
			t->first_lock = since;
		note_holding(t);
	}
	if (unlikely(t->saw & PGD_SAW_SAVEPOINT))
	{
		pgd_blocking_note_level();
		if (MyProc->subxidStatus.overflowed)
			t->counters.subxact_overflows = 1;
	}
}

/* The first statement of a transaction: did one like this just fail? */
static pg_noinline void
note_retry(PgdTranscript *t)
{
	TimestampTz since = GetCurrentStatementStartTimestamp() -
		pgd_running.retry_since;

	if (pgd_running.first_fingerprint == pgd_running.retry_fingerprint &&
		pgd_running.first_params == pgd_running.retry_params &&
		since <= RETRY_INTERVAL)
	{
		t->counters.retries++;
		t->counters.retried_time += pgd_running.retry_time;
		t->saw |= PGD_SAW_RETRY;
	}
	pgd_running.retry_fingerprint = 0;
}

/*
 * The sampler saw us wait for a lock since we looked last.
 */
static pg_noinline void
note_lock_wait(PgdStep *step)
{
	uint64		now = *pgd_running.lock_waits;

	if (now > pgd_running.lock_wait)
		step->lock_wait += now - pgd_running.lock_wait;
	pgd_running.lock_wait = now;
}

/*
 * Write an execution down, completed or failed.
 */
static pg_attribute_always_inline PgdStep *
record(PgdExecution *execution, uint64 fingerprint, const PgdTraits *traits,
	   Oid relid)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	int			cycle_len = t->cycle_len;
	uint64		think = execution->think;
	PgdStep    *step;

	step = pgd_transcript_step(t, fingerprint);
	if (unlikely(t->cycle_len != cycle_len && t->cycle_len != 0))
		pgd_touches_moved(t);

	if (step->calls++ > 0)
		t->saw |= PGD_SAW_REPETITION;
	else
	{
		step->queryid = execution->key.queryid;
		if (traits != NULL)
		{
			step->flags = traits->flags;
			step->relid = OidIsValid(relid) ? relid : traits->relid;
		}
	}
	step->rows += execution->rows;
	if (execution->rows > step->max_rows)
		step->max_rows = execution->rows;
	if (execution->rows == 0)
		step->empty++;
	step->exec_time += execution->time;
	if (execution->time > step->max_exec_time)
		step->max_exec_time = execution->time;
	step->idle_time += think;
	if (think > step->max_idle_time)
		step->max_idle_time = think;
	if (unlikely(pgd_running.holding))
	{
		pgd_transcribe_held(t, think);
		step->idle_with_locks += pgd_running.has_xid ? think : 0;
		step->blocking_gaps += execution->blocking;
	}

	if (unlikely(*pgd_running.lock_waits != pgd_running.lock_wait))
		note_lock_wait(step);

	if (unlikely(pgd_running.first_fingerprint == 0))
	{
		if (t->nsteps == 1 && step->calls == 1)
			t->counters.idle_before_first = think;
		pgd_running.first_fingerprint = fingerprint;
		/* one that failed early has none */
		pgd_running.first_params =
			execution->traits != NULL ? execution->params : 0;
		if (pgd_running.retry_fingerprint != 0)
			note_retry(t);
		t->isolation = XactIsoLevel;
		t->read_only = XactReadOnly;
		note_holding(t);
	}
	return step;
}

/* ----------
 * Executions
 * ----------
 */

/*
 * What varies from execution to execution, in general.
 */
static pg_noinline void
look_at_values(PgdExecution *execution, const QueryDesc *queryDesc)
{
	const ParamListInfo params = queryDesc->params;
	const PgdTraits *traits = execution->traits;
	uint64		values[PGD_TRAIT_PARAMS] = {0};
	PgdCommented text;

	execution->row = 0;
	execution->xmax = queryDesc->snapshot != NULL ?
		queryDesc->snapshot->xmax : InvalidTransactionId;
	if (params != NULL && params->numParams > 0 && params->paramFetch == NULL)
		execution->params = pgd_traits_params(traits, params, values);
	else
	{
		pgd_tag_find(queryDesc->sourceText,
					 queryDesc->plannedstmt->stmt_location,
					 queryDesc->plannedstmt->stmt_len, &text);
		execution->params = pgd_traits_text(traits, text.body, text.body_len);
	}
	if (traits->nkeys > 0 &&
		(params == NULL || params->numParams >= traits->last_param))
		execution->row = pgd_traits_row(traits, queryDesc, values);
	if ((traits->flags & (PGD_UPDATES | PGD_DELETES | PGD_LOCKS_ROWS)) != 0)
		execution->number = pgd_traits_number(traits, queryDesc);
}

/* A plan that is new to this session. */
static pg_noinline void
look_at_plan(PgdExecution *execution, QueryDesc *queryDesc)
{
	execution->traits = pgd_traits_learn(queryDesc, &execution->key,
										 execution->plan);
	look_at_values(execution, queryDesc);
}

/*
 * It has got through ExecutorStart: look at its plan, unless we know it, and
 * at what varies.  Many look for one row by the one parameter they have.
 */
void
pgd_transcribe_started(PgdExecution *execution, QueryDesc *queryDesc)
{
	const ParamListInfo params = queryDesc->params;
	const PgdTraits *traits;

	if (execution->transcribed)
		return;
	traits = pgd_traits_known(&execution->key, execution->plan);
	if (unlikely(traits == NULL))
	{
		look_at_plan(execution, queryDesc);
		return;
	}
	execution->traits = traits;

	if (likely(traits->simple && params != NULL && params->numParams == 1 &&
			   params->paramFetch == NULL && !params->params[0].isnull &&
			   params->params[0].ptype == traits->param_types[0]))
	{
		uint64		value = pgd_traits_number_hash(params->params[0].value);

		execution->params = pgd_traits_mix(traits->fingerprint, value);
		execution->row = pgd_traits_mix(value, traits->keys[0].attno);
		/* who scans a table has a snapshot */
		execution->xmax = queryDesc->snapshot->xmax;
		return;
	}
	look_at_values(execution, queryDesc);
}

/*
 * Its traits, unless another statement has taken their place since.
 */
static inline const PgdTraits *
traits_now(const PgdExecution *execution)
{
	const PgdTraits *traits = execution->traits;

	if (likely(traits != NULL &&
			   (traits->queryid == execution->key.queryid ||
				execution->key.queryid == 0)))
		return traits;
	return NULL;
}

static pg_attribute_always_inline void
record_ended(PgdExecution *execution, Oid relid)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	const PgdTraits *traits = execution->traits = traits_now(execution);
	PgdStep    *step;

	execution->transcribed = true;
	if (unlikely(t->kind == PGD_XACT_NONE))
		return;
	pgd_xact_begin_change(pgd_xact_slot);
	if (likely(traits != NULL))
	{
		step = record(execution, traits->fingerprint, traits, relid);
		pgd_count_repeats(t, step, traits, execution->params,
						  execution->time);
		if (execution->row != 0 && (traits->flags & PGD_READS) != 0)
			pgd_touches_read(traits->relid, execution->row, t->last,
							 what_read(t, execution), execution->xmax);
		if ((traits->flags & MEANINGFUL) != 0)
			note_special(t, step, execution);
	}
	else
		(void) record(execution, execution->key.queryid, NULL, InvalidOid);
	note_xid(t, execution->started);
	pgd_xact_end_change(pgd_xact_slot);
}

/*
 * It completed.
 */
void
pgd_transcribe_ended(PgdExecution *execution)
{
	if (!execution->transcribed && pgd_xact_slot != NULL)
		record_ended(execution, InvalidOid);
}

/*
 * An error left the statement: nothing here may throw or allocate.
 */
void
pgd_transcribe_failed(PgdExecution *execution, int sqlstate)
{
	PgdTranscript *t;
	const PgdTraits *traits;
	PgdStep    *step;

	if (execution->transcribed || pgd_xact_slot == NULL)
		return;
	execution->transcribed = true;
	pgd_running.sqlstate = sqlstate;
	t = &pgd_xact_slot->open;
	if (t->kind == PGD_XACT_NONE)
		return;
	traits = traits_now(execution);
	if (traits == NULL)
		traits = pgd_traits_known(&execution->key, execution->plan);
	execution->rows = 0;

	pgd_xact_begin_change(pgd_xact_slot);
	step = record(execution, traits != NULL ? traits->fingerprint :
				  execution->key.queryid, traits, InvalidOid);
	step->failures++;
	step->empty--;
	step->sqlstate = sqlstate;
	if (traits != NULL &&
		(traits->flags & (PGD_INSERTS | PGD_ON_CONFLICT)) == PGD_INSERTS)
		pgd_touches_insert(t, step);
	t->saw |= PGD_SAW_ERROR;
	note_xid(t, execution->started);
	if (t->kind == PGD_XACT_BURST)
		t->counters.aborted_time += execution->time;
	pgd_xact_end_change(pgd_xact_slot);
}

/*
 * It neither completed nor failed: a portal that goes with a rollback.  What
 * it did until then nobody can tell any more.  Nothing here may throw.
 */
void
pgd_transcribe_dropped(PgdExecution *execution)
{
	PgdTranscript *t;
	const PgdTraits *traits;
	PgdStep    *step;

	if (execution->transcribed || pgd_xact_slot == NULL)
		return;
	execution->transcribed = true;
	t = &pgd_xact_slot->open;
	if (t->kind == PGD_XACT_NONE)
		return;
	traits = traits_now(execution);
	execution->rows = 0;
	execution->time = 0;

	pgd_xact_begin_change(pgd_xact_slot);
	step = record(execution, traits != NULL ? traits->fingerprint :
				  execution->key.queryid, traits, InvalidOid);
	step->empty--;
	pgd_xact_end_change(pgd_xact_slot);
}

/*
 * A utility statement completed; "relid" is the table that it was about.
 */
void
pgd_transcribe_utility_ended(PgdExecution *execution, Oid relid)
{
	record_ended(execution, relid);
}
