/*-------------------------------------------------------------------------
 *
 * xact.c
 *		Where transactions and bursts begin and end.
 *
 * The transcript of the one that is open lies in this backend's slot, where
 * readers see it at once; transcribe.c writes down what happens in it.
 *
 * A transaction block is what lies between BEGIN and its end.  All other
 * statements are transactions of their own; those that follow each other
 * quickly are a burst.  A burst ends with a think time well above what is
 * usual for the session, with a statement of another tag, with BEGIN, or with
 * the session.
 *
 * Think time costs no look at a clock: inside a transaction the server adds it
 * up in pgStatTransactionIdleTime before it calls anybody, and between two
 * transactions it is the time from the end of the one to the start of the
 * other.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xlog.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "tcop/pquery.h"
#include "utils/backend_status.h"
#include "utils/timestamp.h"

#include "blocking.h"
#include "closing.h"
#include "compat.h"
#include "repeats.h"
#include "samples.h"
#include "tag.h"
#include "touches.h"
#include "xact.h"

#define BURST_FACTOR	8		/* times the usual think time ends a burst ... */
#define BURST_MIN		5000	/* ... but not less than this, */
#define BURST_MAX		25000	/* nor more than that, microseconds */

#define NS(us)			((uint64) (us) * 1000)

/* Usual think times of the session, microseconds; see learn_gap(). */
static uint64 usual_gap = 1000;
static uint64 short_gap = 1000;
static PgStat_Counter idle_base;	/* pgStatTransactionIdleTime when last seen */

static void finish(PgdXactOutcome outcome, TimestampTz stop);

/* ----------
 * Start and end of the session
 * ----------
 */

/*
 * Take possession of our slot.
 */
void
pgd_xact_attach(void)
{
	pgd_pending_shapes_attach();
	if (pgd_xact_slot == NULL)
		return;
	pgd_running.lock_waits = &pgd_lock_waits[pgd_my_proc_number()];
	pgd_running.lock_wait = *pgd_running.lock_waits;
}

/*
 * The session ends: before its transaction is rolled back, if it is in one.
 */
void
pgd_xact_exit(void)
{
	PgdXactSlot *slot = pgd_xact_slot;

	if (slot == NULL)
		return;
	for (PgdExecution *e = pgd_executions; e != NULL; e = e->outer)
	{
		if (e->running)
			pgd_transcribe_failed(e, pgd_running.sqlstate);
	}
	if (slot->open.kind == PGD_XACT_BLOCK)
	{
		TimestampTz now = GetCurrentTimestamp();

		/* the client left, or was made to leave, while we waited for it */
		if (MyBEEntry != NULL && pgstat_track_activities &&
			(MyBEEntry->st_state == STATE_IDLEINTRANSACTION ||
			 MyBEEntry->st_state == STATE_IDLEINTRANSACTION_ABORTED))
		{
			TimestampTz since = MyBEEntry->st_state_start_timestamp;
			uint64		idle = NS(Max(now - since, 0));
			PgdXactCounters *c = &slot->open.counters;

			pgd_xact_begin_change(slot);
			c->idle_time += idle;
			c->max_idle_time = Max(c->max_idle_time, idle);
			if (pgd_running.failed)
				c->aborted_idle += idle;
			else
			{
				c->idle_before_end = idle;
				if (pgd_running.holding)
					pgd_transcribe_held(&slot->open, idle);
			}
			if (idle >= NS(1000))
				slot->open.saw |= PGD_SAW_GAP;
			pgd_xact_end_change(slot);
		}
		slot->open.sqlstate = pgd_running.failed ? pgd_running.sqlstate :
			pgd_running.fatal;
		finish(PGD_XACT_ABANDONED, now);
	}
	else if (slot->open.kind == PGD_XACT_BURST)
		finish(PGD_XACT_COMMITTED, pgd_running.stopped);

	pgd_pending_shapes_detach();
}

/* ----------
 * Transcripts
 * ----------
 */

static void
open_transcript(PgdXactKind kind, TimestampTz start)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;

	pgd_xact_begin_change(slot);
	memset(t, 0, offsetof(PgdTranscript, tag));
	t->kind = kind;
	t->isolation = XactIsoLevel;
	t->standby = RecoveryInProgress();
	t->userid = GetUserId();
	t->dbid = MyDatabaseId;
	t->start = start;
	t->p10_gap = NS(short_gap);
	t->tag = pgd_tag;
	/* between transactions the times of both tell */
	t->counters.timed = kind == PGD_XACT_BURST || pgstat_track_activities;
	pgd_xact_end_change(slot);

	pgd_repeats.serial++;
	pgd_running.wal_base = pgWalUsage.wal_bytes;
	pgd_blocking_begin();
	pgd_touches_forget();
}

/*
 * Follow the median, and the lower tenth, of all think times: a step up or
 * down in proportion to how often the value should lie above or below.
 */
static inline void
learn_gap(uint64 us)
{
	if (us > usual_gap)
		usual_gap += (usual_gap >> 4) + 1;
	else
		usual_gap -= usual_gap >> 4;
}

static inline void
learn_short_gap(uint64 us)
{
	if (us > short_gap)
		short_gap += (short_gap >> 6) + 1;
	else
		short_gap -= short_gap >> 3;
}

static inline uint64
burst_gap(void)
{
	if (pgd_burst_gap > 0)
		return (uint64) pgd_burst_gap * 1000;
	return Min(Max(usual_gap * BURST_FACTOR, BURST_MIN), BURST_MAX);
}

/* Think time since we looked last, inside a transaction; microseconds. */
static inline uint64
take_gap(void)
{
	PgStat_Counter now = pgStatTransactionIdleTime;
	uint64		gap = now >= idle_base ? now - idle_base : now;

	idle_base = now;
	return gap;
}

/*
 * The first statement of a transaction outside of a block: does it go on with
 * the burst, or begin a new one?  Returns the think time before it.
 */
static pg_noinline uint64
enter_burst(const PgdCommented *text)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	TimestampTz start = GetCurrentTransactionStartTimestamp();
	uint64		gap = Max(start - pgd_running.stopped, 0);

	if (likely(t->kind == PGD_XACT_BURST))
	{
		bool		ended_by_gap = gap > burst_gap();

		learn_gap(gap);
		learn_short_gap(gap);
		pgd_tag_set(text, ended_by_gap);
		if (!ended_by_gap &&
			likely(pgd_tag.hash == t->tag.hash && t->userid == GetUserId()))
			return gap;
		if (ended_by_gap)
			t->counters.ended_by_gap = 1;
		else
			t->counters.ended_by_tag = 1;
		finish(PGD_XACT_COMMITTED, pgd_running.stopped);
	}
	else
		pgd_tag_set(text, true);
	open_transcript(PGD_XACT_BURST, start);
	return 0;
}

/*
 * A statement of the client begins that is the first of a transaction, so that
 * its comment counts.  Returns the think time before it.
 */
static pg_noinline uint64
enter(const char *source, int location, int len)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;
	PgdCommented text;
	uint64		gap;

	pgd_tag_find(source, location, len, &text);
	if (unlikely(pg_atomic_read_u32(&slot->discard) != 0))
		pgd_pending_shapes_obey_reset();

	if (pgd_running.active)
	{
		gap = take_gap();
		learn_short_gap(gap);
		if (text.comment != NULL && t->kind == PGD_XACT_BLOCK &&
			t->nsteps == 0)
		{
			/* BEGIN is rarely tagged */
			pgd_tag_set(&text, true);
			pgd_xact_begin_change(slot);
			t->tag = pgd_tag;
			pgd_xact_end_change(slot);
		}
		return gap;
	}

	gap = enter_burst(&text);
	pgd_running.active = true;
	idle_base = pgStatTransactionIdleTime;
	return gap;
}

/* ----------
 * Statements of the client
 * ----------
 */

/*
 * Before anything of it happens.
 */
void
pgd_xact_statement_begin(PgdExecution *execution, const char *source,
						 int location, int len)
{
	const PgdTranscript *t;
	uint64		gap;

	execution->transcribed = true;
	pgd_slot->latest = execution->key.queryid;
	if (unlikely(pgd_xact_slot == NULL || !pgd_track_transactions ||
				 pgd_running.failed))
		return;
	/* what deferred triggers do when a transaction commits is nobody's */
	if (unlikely(ActivePortal == NULL))
		return;
	execution->transcribed = false;
	execution->blocking = false;
	execution->started = GetCurrentStatementStartTimestamp();

	t = &pgd_xact_slot->open;
	if (likely(pgd_running.active && t->kind == PGD_XACT_BLOCK &&
			   t->nsteps > 0))
	{
		gap = take_gap();
		learn_short_gap(gap);
	}
	else
		gap = enter(source, location, len);
	execution->think = NS(gap);
	if (unlikely(gap >= 1000) && t->kind == PGD_XACT_BLOCK)
		execution->blocking = pgd_transcribe_gap(execution->think);
}

/* ----------
 * Utility statements
 * ----------
 */

/*
 * The end of a block is near: the client said so.
 */
static void
begin_end(const TransactionStmt *stmt)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;
	uint64		think = NS(take_gap());

	pgd_running.chain = stmt->chain;
	/* of what has failed already it is a ROLLBACK by another name */
	pgd_running.committing = stmt->kind == TRANS_STMT_COMMIT &&
		!IsAbortedTransactionBlockState();
	if (pgd_running.failed)
	{
		pgd_xact_begin_change(slot);
		t->counters.aborted_idle += think;
		t->counters.idle_time += think;
		t->counters.max_idle_time = Max(t->counters.max_idle_time, think);
		pgd_xact_end_change(slot);
		t->sqlstate = pgd_running.sqlstate;
		finish(PGD_XACT_ABORTED, GetCurrentStatementStartTimestamp());
		return;
	}
	pgd_running.ending = true;
	pgd_running.rolling_back = (stmt->kind == TRANS_STMT_ROLLBACK);
	t->isolation = XactIsoLevel;
	t->read_only = XactReadOnly;
	if (think >= NS(1000))
		(void) pgd_transcribe_gap(think);
	if (pgd_running.holding)
		pgd_transcribe_held(t, think);
	t->counters.idle_time += think;
	t->counters.max_idle_time = Max(t->counters.max_idle_time, think);
	t->counters.idle_before_end = think;
}

static void
begin_block(void)
{
	PgdXactSlot *slot = pgd_xact_slot;

	if (unlikely(pg_atomic_read_u32(&slot->discard) != 0))
		pgd_pending_shapes_obey_reset();
	if (slot->open.kind == PGD_XACT_BURST)
	{
		slot->open.counters.ended_by_begin = 1;
		finish(PGD_XACT_COMMITTED, pgd_running.stopped);
	}
	pgd_running.active = true;
	pgd_running.ending = false;
	pgd_running.failed = false;
	pgd_running.has_xid = false;
	pgd_running.holding = false;
	pgd_running.sqlstate = 0;
	pgd_running.first_fingerprint = 0;
	idle_base = pgStatTransactionIdleTime;
	open_transcript(PGD_XACT_BLOCK, GetCurrentTransactionStartTimestamp());
}

/*
 * A utility statement of the client begins: is it one that ends a block?  To
 * be asked also when nothing is captured, as a block that is open must end.
 */
void
pgd_xact_ending(const Node *stmt)
{
	if (!IsA(stmt, TransactionStmt) || pgd_xact_slot == NULL ||
		pgd_xact_slot->open.kind != PGD_XACT_BLOCK)
		return;
	switch (((const TransactionStmt *) stmt)->kind)
	{
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			begin_end((const TransactionStmt *) stmt);
			break;
		default:
			break;
	}
}

/*
 * Before it runs.  "execution" is filled also when it is not captured.
 */
void
pgd_xact_utility_begin(PgdExecution *execution, PlannedStmt *pstmt,
					   const char *source)
{
	Node	   *stmt = pstmt->utilityStmt;
	PgdCommented text;

	execution->transcribed = true;
	if (pgd_xact_slot == NULL || !pgd_track_transactions)
		return;

	if (IsA(stmt, TransactionStmt))
	{
		switch (((TransactionStmt *) stmt)->kind)
		{
			case TRANS_STMT_BEGIN:
			case TRANS_STMT_START:
				if (pgd_xact_slot->open.kind != PGD_XACT_BLOCK)
				{
					pgd_tag_find(source, pstmt->stmt_location, pstmt->stmt_len,
								 &text);
					pgd_tag_set(&text, true);
					begin_block();
				}
				return;
			case TRANS_STMT_COMMIT:
			case TRANS_STMT_ROLLBACK:
			case TRANS_STMT_PREPARE:
				return;				/* pgd_xact_ending() saw it */
			default:
				break;
		}
	}

	pgd_xact_statement_begin(execution, source, pstmt->stmt_location,
							 pstmt->stmt_len);
	if (execution->transcribed)
		return;
	execution->traits = pgd_traits_of_utility(pstmt, &execution->key, source);
	execution->row = 0;
	pgd_tag_find(source, pstmt->stmt_location, pstmt->stmt_len, &text);
	execution->params = pgd_traits_text(execution->traits, text.body,
										text.body_len);
}

/*
 * It completed; it may have ended transactions, as procedures can.  "stmt"
 * may only be looked at if it is one that cannot.
 */
void
pgd_xact_utility_ended(PgdExecution *execution, const Node *stmt)
{
	const PgdTraits *traits = execution->traits;
	Oid			relid = InvalidOid;

	if (execution->transcribed || pgd_xact_slot == NULL)
		return;
	pgd_running.active = IsTransactionOrTransactionBlock();
	if (pgd_running.active && traits != NULL &&
		(traits->flags & (PGD_DDL | PGD_LOCKS_TABLE | PGD_COPIES)) != 0)
		relid = pgd_traits_utility_table(stmt);
	pgd_transcribe_utility_ended(execution, relid);
}

/* ----------
 * What becomes of it all
 * ----------
 */

/* An error was reported, by whatever raised it. */
void
pgd_xact_error(int sqlstate, bool fatal)
{
	pgd_running.sqlstate = sqlstate;
	if (fatal)
		pgd_running.fatal = sqlstate;
}

/* A failure that is worth trying again, and therefore tried again. */
static bool
is_retryable(int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_T_R_SERIALIZATION_FAILURE:
		case ERRCODE_T_R_DEADLOCK_DETECTED:
		case ERRCODE_LOCK_NOT_AVAILABLE:
		case ERRCODE_QUERY_CANCELED:
		case ERRCODE_UNIQUE_VIOLATION:
			return true;
		default:
			return false;
	}
}

static void
remember_for_retry(TimestampTz start, TimestampTz now)
{
	if (!is_retryable(pgd_running.sqlstate))
		return;
	pgd_running.retry_fingerprint = pgd_running.first_fingerprint;
	pgd_running.retry_params = pgd_running.first_params;
	pgd_running.retry_since = now;
	pgd_running.retry_time = NS(Max(now - start, 0));
}

static void
committed(void)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	uint64		commit_time = 0;

	pgd_running.stopped = GetCurrentTransactionStopTimestamp();
	pgd_touches_settle(GetTopTransactionIdIfAny());
	if (pgd_running.precommit != 0)
	{
		commit_time = pgd_clock() - pgd_running.precommit;
		pgd_running.precommit = 0;
		t->counters.commit_time += commit_time;
		t->counters.max_commit_time = Max(t->counters.max_commit_time,
										  commit_time);
	}
	if (t->kind == PGD_XACT_BLOCK)
	{
		t->counters.commits = 1;
		finish(PGD_XACT_COMMITTED, pgd_running.stopped);
		return;
	}
	t->counters.commits++;
	t->idle_since = pgd_running.stopped;
	pgd_running.active = false;
	pgd_running.has_xid = false;
	pgd_running.first_fingerprint = 0;
}

static void
aborted(void)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	TimestampTz now = GetCurrentTransactionStopTimestamp();

	pgd_running.precommit = 0;
	pgd_touches_settle(InvalidTransactionId);
	if (t->kind == PGD_XACT_BLOCK)
	{
		uint64		think = 0;

		if (pgd_running.rolling_back)
		{
			t->counters.rollbacks = 1;
			pgd_running.stopped = now;
			finish(PGD_XACT_ROLLED_BACK, now);
			return;
		}
		/* before a statement that failed while it was parsed or planned */
		think = NS(take_gap());
		t->counters.idle_time += think;
		t->counters.max_idle_time = Max(t->counters.max_idle_time, think);
		if (pgd_running.holding)
			pgd_transcribe_held(t, think);
		t->counters.aborts = 1;
		t->sqlstate = pgd_running.sqlstate;
		t->saw |= PGD_SAW_ERROR;
		pgd_running.failed_at = now;
		t->isolation = XactIsoLevel;
		t->read_only = XactReadOnly;
		remember_for_retry(t->start, now);
		if (pgd_running.ending)
		{
			/* a COMMIT that fails has no successor */
			if (pgd_running.committing)
				pgd_running.chain = false;
			pgd_running.stopped = now;
			finish(PGD_XACT_ABORTED, now);
		}
		else
			pgd_running.failed = true;
		return;
	}
	t->counters.aborts++;
	t->sqlstate = pgd_running.sqlstate;
	t->saw |= PGD_SAW_ERROR;
	remember_for_retry(GetCurrentTransactionStartTimestamp(), now);
	pgd_running.stopped = now;
	pgd_running.active = false;
	pgd_running.has_xid = false;
	pgd_running.first_fingerprint = 0;
}

void
pgd_xact_event(XactEvent event)
{
	PgdXactSlot *slot = pgd_xact_slot;

	if (slot == NULL || slot->open.kind == PGD_XACT_NONE ||
		(!pgd_running.active && pgd_nesting == 0))
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
				(slot->open.saw & PGD_SAW_NOTIFY) != 0)
				pgd_running.precommit = pgd_clock();
			break;
		case XACT_EVENT_COMMIT:
			committed();
			break;
		case XACT_EVENT_ABORT:
			/* the removal of temporary tables comes before our turn */
			if (proc_exit_inprogress)
				pgd_xact_exit();
			else
				aborted();
			break;
		case XACT_EVENT_PREPARE:
			slot->open.counters.prepared = 1;
			pgd_touches_settle(InvalidTransactionId);
			pgd_running.stopped = GetCurrentTimestamp();
			finish(PGD_XACT_PREPARED, pgd_running.stopped);
			break;
		default:
			break;
	}
}

void
pgd_xact_subevent(SubXactEvent event)
{
	PgdXactSlot *slot = pgd_xact_slot;

	if (slot == NULL || slot->open.kind == PGD_XACT_NONE || !pgd_running.active)
		return;
	switch (event)
	{
		case SUBXACT_EVENT_START_SUB:
			slot->open.counters.savepoints++;
			slot->open.saw |= PGD_SAW_SAVEPOINT;
			break;
		case SUBXACT_EVENT_ABORT_SUB:
			slot->open.counters.savepoint_rollbacks++;
			/* FALLTHROUGH */
		case SUBXACT_EVENT_COMMIT_SUB:
			pgd_blocking_end_level();
			break;
		default:
			break;
	}
}

/*
 * The transcript is complete.
 */
static void
finish(PgdXactOutcome outcome, TimestampTz stop)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;

	t->counters.wal_bytes = pgWalUsage.wal_bytes - pgd_running.wal_base;
	pgd_closing_finish(outcome, stop,
					   pgd_running.failed ? pgd_running.failed_at : stop);

	pgd_running.active = pgd_running.ending = false;
	pgd_running.rolling_back = pgd_running.failed = false;
	pgd_running.has_xid = pgd_running.holding = false;
	pgd_running.first_fingerprint = 0;
	if (pgd_running.chain)
	{
		pgd_running.chain = false;
		pgd_running.active = true;
		pgd_running.sqlstate = 0;
		pgd_running.first_fingerprint = 0;
		idle_base = pgStatTransactionIdleTime;
		open_transcript(PGD_XACT_BLOCK, stop);
	}
}
