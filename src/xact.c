/*-------------------------------------------------------------------------
 *
 * xact.c
 *		The running transaction, or burst, as a transcript.
 *
 * hooks.c tells what happens; here it is written down, in this backend's slot,
 * where readers see it at once.  At its end the transcript is shown to the
 * detectors and added to the sums of its shape.
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
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "detectors.h"
#include "tag.h"
#include "touches.h"
#include "xact.h"

#define MERGE_INTERVAL	(10 * USECS_PER_SEC)
#define RETRY_INTERVAL	(5 * USECS_PER_SEC)
#define BURST_FACTOR	8		/* times the usual think time ends a burst ... */
#define BURST_MIN		5000	/* ... but not less than this, */
#define BURST_MAX		250000	/* nor more than that, microseconds */
#define REPEATS			128		/* parameters that are remembered */
#define SUBXIDS			8		/* levels of savepoints that are looked at */

#define NS(us)			((uint64) (us) * 1000)

PgdXactSlot *pgd_xact_slot = NULL;

/* What only this backend needs to know; all of it about the transcript. */
static struct
{
	bool		active;			/* a statement has begun a transaction */
	bool		ending;			/* COMMIT, ROLLBACK or PREPARE was said */
	bool		rolling_back;	/* ROLLBACK was */
	bool		chain;			/* AND CHAIN was */
	bool		failed;			/* the block waits for its ROLLBACK */
	bool		has_xid;		/* the transaction has a transaction identifier */
	bool		holding;		/* the block has locks, or a snapshot that lasts */
	int			sqlstate;		/* latest error */
	int			fatal;			/* ... if it ends the session */
	uint64		serial;			/* of the transcript */
	PgStat_Counter idle_base;	/* pgStatTransactionIdleTime when last seen */
	uint64		usual_gap;		/* microseconds; see learn_gap() */
	uint64		short_gap;
	TimestampTz stopped;		/* end of the latest transaction */
	TimestampTz failed_at;
	uint64		wal_base;		/* pgWalUsage when the transcript began */
	uint64		precommit;		/* clock */

	/* the beginning of a transaction that failed, to see it come back */
	uint64		retry_fingerprint;	/* 0: none */
	uint64		retry_params;
	TimestampTz retry_since;
	uint64		retry_time;
	uint64		first_fingerprint;	/* of the transaction that runs */
	uint64		first_params;

	int			levels;			/* of subxids */
	TransactionId subxids[SUBXIDS];
} x = {.usual_gap = 1000, .short_gap = 1000};

/* Parameters of the transcript, and when tables were written. */
static struct
{
	uint32		tag;
	uint32		epoch;
}			seen[REPEATS];
static uint32 epoch = 0;
static uint32 written[64];		/* by bit of PgdTraits.writes */

/* The tag that statements have had of late, and what it was made of. */
static PgdTag tag;
static const char *tag_application = NULL;
static char tag_comment[512];
static int	tag_comment_len = 0;

/* Last integer keys of the tables in the order of locking. */
static int64 last_key[PGD_LOCKED_RELS];

static PgdLook look;

static void note_held(PgdTranscript *t, uint64 think);
static void finish(PgdXactOutcome outcome, TimestampTz stop);
static void close_transcript(PgdTranscript *t, PgdXactOutcome outcome,
							 TimestampTz stop, TimestampTz unlocked);
static void add_transcript(PgdPendingShape *pending, const PgdTranscript *t);

/* ----------
 * Start and end of the session
 * ----------
 */

/* Take possession of our slot, as pgd_pending_attach() did of the other. */
void
pgd_xact_attach(void)
{
	PgdXactSlot *slot = pgd_store_xact_slot(pgd_my_proc_number());

	if (slot == NULL)
		return;
	for (int i = 0; i < PGD_SHAPE_PLACES; i++)
	{
		if ((slot->used & (1 << i)) != 0)
			(void) pgd_store_merge_shape(slot, i, true);
	}
	pgd_xact_begin_change(slot);
	slot->pid = MyProcPid;
	slot->open.kind = PGD_XACT_NONE;
	slot->merged_at = GetCurrentTimestamp();
	pgd_xact_end_change(slot);
	pg_atomic_write_u32(&slot->discard, 0);
	pgd_xact_slot = slot;
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
			pgd_xact_statement_failed(e, x.sqlstate);
	}
	if (slot->open.kind == PGD_XACT_BLOCK)
	{
		TimestampTz now = GetCurrentTimestamp();

		/* the client left, or was made to leave, while we waited for it */
		if (MyBEEntry != NULL && pgstat_track_activities &&
			(MyBEEntry->st_state == STATE_IDLEINTRANSACTION ||
			 MyBEEntry->st_state == STATE_IDLEINTRANSACTION_ABORTED))
		{
			uint64		idle = NS(Max(now - MyBEEntry->st_state_start_timestamp, 0));
			PgdXactCounters *c = &slot->open.counters;

			pgd_xact_begin_change(slot);
			c->idle_time += idle;
			c->max_idle_time = Max(c->max_idle_time, idle);
			if (x.failed)
				c->aborted_idle += idle;
			else
			{
				c->idle_before_end = idle;
				if (x.holding)
					note_held(&slot->open, idle);
			}
			if (idle >= NS(1000))
				slot->open.saw |= PGD_SAW_GAP;
			pgd_xact_end_change(slot);
		}
		slot->open.sqlstate = x.failed ? x.sqlstate : x.fatal;
		finish(PGD_XACT_ABANDONED, now);
	}
	else if (slot->open.kind == PGD_XACT_BURST)
		finish(PGD_XACT_COMMITTED, x.stopped);

	for (int i = 0; i < PGD_SHAPE_PLACES; i++)
	{
		if ((slot->used & (1 << i)) != 0)
			(void) pgd_store_merge_shape(slot, i, true);
	}
	pgd_xact_begin_change(slot);
	slot->open.kind = PGD_XACT_NONE;
	slot->pid = 0;
	pgd_xact_end_change(slot);
	pgd_xact_slot = NULL;
}

/*
 * Somebody has reset what lies in our slot.
 */
static pg_noinline void
obey_reset(void)
{
	PgdXactSlot *slot = pgd_xact_slot;
	uint32		discard = pg_atomic_read_u32(&slot->discard);

	pgd_xact_begin_change(slot);
	slot->used &= ~discard;
	if ((discard & PGD_DISCARD_BURST) != 0 && slot->open.kind == PGD_XACT_BURST)
		slot->open.kind = PGD_XACT_NONE;
	pgd_xact_end_change(slot);
	pg_atomic_fetch_and_u32(&slot->discard, ~discard);
}

/* ----------
 * Transcripts
 * ----------
 */

/*
 * Who sends a statement.  Without a comment it goes with those before it,
 * unless it is the first one.
 */
static inline void
set_tag(const PgdCommented *text, bool first)
{
	if (likely(tag_application == application_name &&
			   (text->comment == NULL ?
				!first || tag_comment_len == 0 :
				(text->comment_len == tag_comment_len &&
				 memcmp(text->comment, tag_comment, tag_comment_len) == 0))))
		return;

	pgd_tag_read(application_name != NULL ? application_name : "",
				 text->comment, text->comment_len, &tag);
	tag_application = application_name;
	tag_comment_len = 0;
	if (text->comment != NULL)
	{
		tag_comment_len = Min(text->comment_len, sizeof(tag_comment));
		memcpy(tag_comment, text->comment, tag_comment_len);
		if (text->comment_len > sizeof(tag_comment))
			tag_comment_len = -1;	/* to be read each time */
	}
}

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
	t->p10_gap = NS(x.short_gap);
	t->tag = tag;
	t->counters.timed = pgstat_track_activities;
	pgd_xact_end_change(slot);

	x.serial++;
	x.wal_base = pgWalUsage.wal_bytes;
	x.levels = 0;
	pgd_touches_forget();
}

/*
 * Follow the median, and the lower tenth, of all think times: a step up or
 * down in proportion to how often the value should lie above or below.
 */
static inline void
learn_gap(uint64 us)
{
	if (us > x.usual_gap)
		x.usual_gap += (x.usual_gap >> 4) + 1;
	else
		x.usual_gap -= x.usual_gap >> 4;
}

static inline void
learn_short_gap(uint64 us)
{
	if (us > x.short_gap)
		x.short_gap += (x.short_gap >> 6) + 1;
	else
		x.short_gap -= x.short_gap >> 3;
}

static inline uint64
burst_gap(void)
{
	if (pgd_burst_gap > 0)
		return (uint64) pgd_burst_gap * 1000;
	return Min(Max(x.usual_gap * BURST_FACTOR, BURST_MIN), BURST_MAX);
}

/* Think time since we looked last, inside a transaction; microseconds. */
static inline uint64
take_gap(void)
{
	PgStat_Counter now = pgStatTransactionIdleTime;
	uint64		gap = now >= x.idle_base ? now - x.idle_base : now;

	x.idle_base = now;
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
	uint64		gap = Max(start - x.stopped, 0);

	if (likely(t->kind == PGD_XACT_BURST))
	{
		bool		ended_by_gap = gap > burst_gap();

		learn_gap(gap);
		learn_short_gap(gap);
		set_tag(text, ended_by_gap);
		if (!ended_by_gap &&
			likely(tag.hash == t->tag.hash && t->userid == GetUserId()))
			return gap;
		if (ended_by_gap)
			t->counters.ended_by_gap = 1;
		else
			t->counters.ended_by_tag = 1;
		finish(PGD_XACT_COMMITTED, x.stopped);
	}
	else
		set_tag(text, true);
	open_transcript(PGD_XACT_BURST, start);
	return 0;
}

/*
 * A statement of the client begins.  Sets its think time.
 */
static pg_attribute_always_inline void
enter(PgdExecution *execution, const PgdCommented *text)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;

	if (unlikely(pg_atomic_read_u32(&slot->discard) != 0))
		obey_reset();

	if (likely(x.active))
	{
		uint64		gap = take_gap();

		learn_short_gap(gap);
		execution->think = NS(gap);
		if (unlikely(text->comment != NULL && t->kind == PGD_XACT_BLOCK &&
					 t->nsteps == 0))
		{
			/* BEGIN is rarely tagged */
			set_tag(text, true);
			pgd_xact_begin_change(slot);
			t->tag = tag;
			pgd_xact_end_change(slot);
		}
		return;
	}

	execution->think = NS(enter_burst(text));
	x.active = true;
	x.idle_base = pgStatTransactionIdleTime;
}

/*
 * Is somebody waiting for what our transaction, or an open savepoint of it,
 * has locked?
 */
static bool
is_waited_for(const LOCKTAG *locktag, LOCKMODE mode)
{
	return pgd_lock_held_by_me(locktag, mode) &&
		LockHasWaiters(locktag, mode, false);
}

static pg_noinline bool
is_blocking(const PgdTranscript *t)
{
	LOCKTAG		locktag;
	TransactionId xid = GetTopTransactionIdIfAny();

	if (TransactionIdIsValid(xid))
	{
		SET_LOCKTAG_TRANSACTION(locktag, xid);
		if (is_waited_for(&locktag, ExclusiveLock))
			return true;
	}
	for (int i = 0; i < x.levels; i++)
	{
		if (TransactionIdIsValid(x.subxids[i]))
		{
			SET_LOCKTAG_TRANSACTION(locktag, x.subxids[i]);
			if (is_waited_for(&locktag, ExclusiveLock))
				return true;
		}
	}
	for (int i = 0; (t->saw & PGD_SAW_TABLE_LOCK) != 0 && i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if ((s->flags & PGD_LOCKS_TABLE) == 0 || !OidIsValid(s->relid))
			continue;
		SET_LOCKTAG_RELATION(locktag, MyDatabaseId, s->relid);
		for (LOCKMODE mode = ShareLock; mode <= AccessExclusiveLock; mode++)
		{
			if (is_waited_for(&locktag, mode))
				return true;
		}
	}
	return false;
}

/*
 * The client of a transaction block let us wait: did others wait for us?
 */
static pg_noinline bool
judge_gap(uint64 think)
{
	PgdTranscript *t = &pgd_xact_slot->open;

	t->saw |= PGD_SAW_GAP;
	if (think < PGD_MS(pgd_threshold.idle_blocking_others_min_gap) ||
		(!x.has_xid && (t->saw & PGD_SAW_TABLE_LOCK) == 0) ||
		!is_blocking(t))
		return false;
	t->counters.blocking_gaps++;
	t->counters.blocking_idle += think;
	return true;
}

/*
 * What was held during a think time?
 */
static pg_noinline void
note_held(PgdTranscript *t, uint64 think)
{
	PgdXactCounters *c = &t->counters;

	if (x.has_xid && (t->saw & (PGD_SAW_WRITE | PGD_SAW_ROW_LOCK)) != 0)
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
	x.holding = t->kind == PGD_XACT_BLOCK &&
		(x.has_xid || (t->saw & PGD_SAW_TABLE_LOCK) != 0 ||
		 IsolationUsesXactSnapshot());
}

/*
 * Executions with the parameters of an earlier one.
 */
static inline void
count_repeats(PgdTranscript *t, PgdStep *step, const PgdExecution *execution)
{
	const PgdTraits *traits = execution->traits;
	uint64		hash = (execution->params ^ x.serial) *
		UINT64CONST(0x9E3779B97F4A7C15);
	int			place = hash >> 57;
	uint32		mark = (uint32) hash | 1;

	StaticAssertStmt(REPEATS == 128, "seven bits of the hash");
	if (unlikely(seen[place].tag == mark))
	{
		bool		unchanged = (traits->flags & PGD_READS) != 0 &&
			(traits->flags & (PGD_VOLATILE | PGD_LOCKS_ROWS)) == 0 &&
			(t->kind == PGD_XACT_BLOCK ||
			 (traits->flags & PGD_TIME_DEPENDENT) == 0);

		if (seen[place].epoch != epoch)
		{
			for (uint64 r = traits->reads; r != 0 && unchanged; r &= r - 1)
				unchanged = (int32) (written[pg_rightmost_one_pos64(r)] -
									 seen[place].epoch) <= 0;
		}
		step->repeats++;
		t->saw |= PGD_SAW_REPETITION;
		if (unchanged)
		{
			step->idle_repeats++;
			step->repeated_time += execution->time;
		}
	}
	seen[place].tag = mark;
	seen[place].epoch = epoch;

	if (traits->writes != 0)
	{
		epoch++;
		for (uint64 w = traits->writes; w != 0; w &= w - 1)
			written[pg_rightmost_one_pos64(w)] = epoch;
	}
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
					 PGD_DDL | PGD_NOTIFIES)

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
	if (!x.has_xid && unlikely(TransactionIdIsValid(MyProc->xid)))
	{
		x.has_xid = true;
		t->saw |= PGD_SAW_XID;
		t->counters.with_xid++;
		if (t->kind == PGD_XACT_BLOCK)
			t->first_lock = since;
		note_holding(t);
	}
	if (unlikely(t->saw & PGD_SAW_SAVEPOINT))
	{
		int			level = GetCurrentTransactionNestLevel() - 2;

		if (level >= 0 && level < SUBXIDS)
		{
			for (; x.levels <= level; x.levels++)
				x.subxids[x.levels] = InvalidTransactionId;
			x.subxids[level] = GetCurrentTransactionIdIfAny();
		}
		if (MyProc->subxidStatus.overflowed)
			t->counters.subxact_overflows = 1;
	}
}

/* The first statement of a transaction: did one like this just fail? */
static pg_noinline void
note_retry(PgdTranscript *t)
{
	if (x.first_fingerprint == x.retry_fingerprint &&
		x.first_params == x.retry_params &&
		GetCurrentStatementStartTimestamp() - x.retry_since <= RETRY_INTERVAL)
	{
		t->counters.retries++;
		t->counters.retried_time += x.retry_time;
		t->saw |= PGD_SAW_RETRY;
	}
	x.retry_fingerprint = 0;
}

/*
 * Write an execution down, completed or failed.
 */
static pg_attribute_always_inline PgdStep *
record(PgdExecution *execution, uint64 fingerprint)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	int			cycle_len = t->cycle_len;
	uint64		think = execution->think;
	PgdStep    *step;

	if (unlikely(x.holding))
		note_held(t, think);
	step = pgd_transcript_step(t, fingerprint);
	if (unlikely(t->cycle_len != cycle_len && t->cycle_len != 0))
		pgd_touches_moved(t);

	if (step->calls++ > 0)
		t->saw |= PGD_SAW_REPETITION;
	else
		step->queryid = execution->key.queryid;
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
	if (unlikely(x.holding))
	{
		step->idle_with_locks += x.has_xid ? think : 0;
		step->blocking_gaps += execution->blocking;
	}

	if (unlikely(x.first_fingerprint == 0))
	{
		if (t->nsteps == 1 && step->calls == 1)
			t->counters.idle_before_first = think;
		x.first_fingerprint = fingerprint;
		x.first_params = execution->params;
		if (x.retry_fingerprint != 0)
			note_retry(t);
		note_holding(t);
	}
	return step;
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
	PgdCommented text;

	execution->transcribed = true;
	if (unlikely(pgd_xact_slot == NULL || !pgd_track_transactions || x.failed))
		return;
	execution->transcribed = false;
	execution->params = 0;
	execution->row = 0;
	execution->blocking = false;
	execution->started = GetCurrentStatementStartTimestamp();

	pgd_tag_find(source, location, len, &text);
	enter(execution, &text);
	execution->text = text.body;
	execution->text_len = text.body_len;

	if (unlikely(execution->think >= NS(1000)) &&
		pgd_xact_slot->open.kind == PGD_XACT_BLOCK)
		execution->blocking = judge_gap(execution->think);
	pgd_slot->latest = execution->key.queryid;
}

/*
 * It has got through ExecutorStart: look at its plan, unless we know it.
 */
void
pgd_xact_statement_started(PgdExecution *execution, QueryDesc *queryDesc)
{
	const ParamListInfo params = queryDesc->params;
	const PgdTraits *traits;
	uint64		values[PGD_TRAIT_PARAMS];

	if (execution->transcribed)
		return;
	traits = pgd_traits_known(&execution->key, execution->plan);
	if (unlikely(traits == NULL))
		traits = pgd_traits_learn(queryDesc, &execution->key, execution->plan);
	execution->traits = traits;
	if (likely(params != NULL && params->numParams > 0 &&
			   params->paramFetch == NULL))
		execution->params = pgd_traits_params(traits, params, values);
	else
	{
		memset(values, 0, sizeof(values));
		execution->params = pgd_traits_text(traits, execution->text,
											execution->text_len);
	}
	if ((traits->flags & PGD_KEYED) == 0 || queryDesc->snapshot == NULL)
		return;
	if (unlikely(params != NULL && params->numParams < traits->last_param))
		return;
	execution->row = pgd_traits_row(traits, queryDesc, values);
	execution->xmax = queryDesc->snapshot->xmax;
	if ((traits->flags & (PGD_UPDATES | PGD_DELETES | PGD_LOCKS_ROWS)) != 0)
		execution->number = pgd_traits_number(traits, queryDesc);
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
		step = record(execution, traits->fingerprint);
		if (step->calls == 1)
		{
			step->flags = traits->flags;
			step->relid = OidIsValid(relid) ? relid : traits->relid;
		}
		count_repeats(t, step, execution);
		if (execution->row != 0 && (traits->flags & PGD_READS) != 0)
			pgd_touches_read(traits->relid, execution->row, t->last,
							 what_read(t, execution), execution->xmax);
		if ((traits->flags & MEANINGFUL) != 0)
			note_special(t, step, execution);
	}
	else
		(void) record(execution, execution->key.queryid);
	note_xid(t, execution->started);
	pgd_xact_end_change(pgd_xact_slot);
}

void
pgd_xact_statement_ended(PgdExecution *execution)
{
	if (!execution->transcribed && pgd_xact_slot != NULL)
		record_ended(execution, InvalidOid);
}

/*
 * An error left the statement: nothing here may throw or allocate.
 */
void
pgd_xact_statement_failed(PgdExecution *execution, int sqlstate)
{
	PgdTranscript *t;
	const PgdTraits *traits;
	PgdStep    *step;

	if (execution->transcribed || pgd_xact_slot == NULL)
		return;
	execution->transcribed = true;
	x.sqlstate = sqlstate;
	t = &pgd_xact_slot->open;
	if (t->kind == PGD_XACT_NONE)
		return;
	traits = traits_now(execution);
	if (traits == NULL)
		traits = pgd_traits_known(&execution->key, execution->plan);
	execution->rows = 0;

	pgd_xact_begin_change(pgd_xact_slot);
	step = record(execution, traits != NULL ? traits->fingerprint :
				  execution->key.queryid);
	step->failures++;
	step->empty--;
	step->sqlstate = sqlstate;
	if (traits != NULL)
	{
		step->flags |= traits->flags;
		step->relid = traits->relid;
		if ((traits->flags & (PGD_INSERTS | PGD_ON_CONFLICT)) == PGD_INSERTS)
			pgd_touches_insert(t, step);
	}
	t->saw |= PGD_SAW_ERROR;
	if (t->kind == PGD_XACT_BURST)
		t->counters.aborted_time += execution->time;
	pgd_xact_end_change(pgd_xact_slot);
}

/* ----------
 * Utility statements
 * ----------
 */

/*
 * The end of a block is near: the client said so.
 */
static void
begin_end(PgdExecution *execution, const TransactionStmt *stmt)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;
	uint64		think = NS(take_gap());

	x.chain = stmt->chain;
	if (x.failed)
	{
		pgd_xact_begin_change(slot);
		t->counters.aborted_idle += think;
		t->counters.idle_time += think;
		t->counters.max_idle_time = Max(t->counters.max_idle_time, think);
		pgd_xact_end_change(slot);
		t->sqlstate = x.sqlstate;
		finish(PGD_XACT_ABORTED, GetCurrentStatementStartTimestamp());
		return;
	}
	x.ending = true;
	x.rolling_back = (stmt->kind == TRANS_STMT_ROLLBACK);
	if (think >= NS(1000))
		(void) judge_gap(think);
	if (x.holding)
		note_held(t, think);
	t->counters.idle_time += think;
	t->counters.max_idle_time = Max(t->counters.max_idle_time, think);
	t->counters.idle_before_end = think;
}

static void
begin_block(void)
{
	PgdXactSlot *slot = pgd_xact_slot;

	if (unlikely(pg_atomic_read_u32(&slot->discard) != 0))
		obey_reset();
	if (slot->open.kind == PGD_XACT_BURST)
	{
		slot->open.counters.ended_by_begin = 1;
		finish(PGD_XACT_COMMITTED, x.stopped);
	}
	x.active = true;
	x.ending = false;
	x.failed = false;
	x.has_xid = false;
	x.holding = false;
	x.sqlstate = 0;
	x.first_fingerprint = 0;
	x.idle_base = pgStatTransactionIdleTime;
	open_transcript(PGD_XACT_BLOCK, GetCurrentTransactionStartTimestamp());
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
		bool		in_block = pgd_xact_slot->open.kind == PGD_XACT_BLOCK;

		switch (((TransactionStmt *) stmt)->kind)
		{
			case TRANS_STMT_BEGIN:
			case TRANS_STMT_START:
				if (!in_block)
				{
					pgd_tag_find(source, pstmt->stmt_location, pstmt->stmt_len,
								 &text);
					set_tag(&text, true);
					begin_block();
				}
				return;
			case TRANS_STMT_COMMIT:
			case TRANS_STMT_ROLLBACK:
			case TRANS_STMT_PREPARE:
				if (in_block)
					begin_end(execution, (TransactionStmt *) stmt);
				return;
			default:
				break;
		}
	}

	pgd_xact_statement_begin(execution, source, pstmt->stmt_location,
							 pstmt->stmt_len);
	if (execution->transcribed)
		return;
	execution->traits = pgd_traits_of_utility(pstmt, &execution->key, source);
	execution->params = pgd_traits_text(execution->traits, execution->text,
										execution->text_len);
}

/*
 * It completed; it may have ended transactions, as procedures can.  "stmt"
 * may only be looked at if it is one that cannot.
 */
void
pgd_xact_utility_ended(PgdExecution *execution, const Node *stmt)
{
	const PgdTraits *traits = traits_now(execution);
	Oid			relid = InvalidOid;

	if (execution->transcribed || pgd_xact_slot == NULL)
		return;
	x.active = IsTransactionState();
	if (x.active && traits != NULL &&
		(traits->flags & (PGD_DDL | PGD_LOCKS_TABLE | PGD_COPIES)) != 0)
		relid = pgd_traits_utility_table(stmt);
	record_ended(execution, relid);
}

/* ----------
 * What becomes of it all
 * ----------
 */

/* An error was reported, by whatever raised it. */
void
pgd_xact_error(int sqlstate, bool fatal)
{
	x.sqlstate = sqlstate;
	if (fatal)
		x.fatal = sqlstate;
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
	if (!is_retryable(x.sqlstate))
		return;
	x.retry_fingerprint = x.first_fingerprint;
	x.retry_params = x.first_params;
	x.retry_since = now;
	x.retry_time = NS(Max(now - start, 0));
}

static void
committed(void)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	uint64		commit_time = 0;

	x.stopped = GetCurrentTransactionStopTimestamp();
	pgd_touches_settle(GetTopTransactionIdIfAny());
	if (x.precommit != 0)
	{
		commit_time = pgd_clock() - x.precommit;
		x.precommit = 0;
		t->counters.commit_time += commit_time;
		t->counters.max_commit_time = Max(t->counters.max_commit_time,
										  commit_time);
	}
	if (t->kind == PGD_XACT_BLOCK)
	{
		t->counters.commits = 1;
		finish(PGD_XACT_COMMITTED, x.stopped);
	}
	else
	{
		t->counters.commits++;
		t->idle_since = x.stopped;
	}
	x.active = false;
	x.has_xid = false;
	x.first_fingerprint = 0;
}

static void
aborted(void)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	TimestampTz now = GetCurrentTransactionStopTimestamp();

	x.precommit = 0;
	pgd_touches_settle(InvalidTransactionId);
	if (t->kind == PGD_XACT_BLOCK)
	{
		uint64		think = 0;

		if (x.rolling_back)
		{
			t->counters.rollbacks = 1;
			x.stopped = now;
			finish(PGD_XACT_ROLLED_BACK, now);
			return;
		}
		/* before a statement that failed while it was parsed or planned */
		think = NS(take_gap());
		t->counters.idle_time += think;
		t->counters.max_idle_time = Max(t->counters.max_idle_time, think);
		if (x.holding)
			note_held(t, think);
		t->counters.aborts = 1;
		t->sqlstate = x.sqlstate;
		t->saw |= PGD_SAW_ERROR;
		x.failed_at = now;
		remember_for_retry(t->start, now);
		if (x.ending)
		{
			x.stopped = now;
			finish(PGD_XACT_ABORTED, now);
		}
		else
			x.failed = true;
		return;
	}
	t->counters.aborts++;
	t->sqlstate = x.sqlstate;
	t->saw |= PGD_SAW_ERROR;
	remember_for_retry(GetCurrentTransactionStartTimestamp(), now);
	x.stopped = now;
	x.active = false;
	x.has_xid = false;
	x.first_fingerprint = 0;
}

void
pgd_xact_event(XactEvent event)
{
	PgdXactSlot *slot = pgd_xact_slot;

	if (slot == NULL || slot->open.kind == PGD_XACT_NONE ||
		(!x.active && pgd_nesting == 0))
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (x.has_xid || TransactionIdIsValid(GetTopTransactionIdIfAny()) ||
				(slot->open.saw & PGD_SAW_NOTIFY) != 0)
				x.precommit = pgd_clock();
			break;
		case XACT_EVENT_COMMIT:
			committed();
			break;
		case XACT_EVENT_ABORT:
			aborted();
			break;
		case XACT_EVENT_PREPARE:
			slot->open.counters.prepared = 1;
			pgd_touches_settle(InvalidTransactionId);
			x.stopped = GetCurrentTimestamp();
			finish(PGD_XACT_PREPARED, x.stopped);
			break;
		default:
			break;
	}
}

void
pgd_xact_subevent(SubXactEvent event)
{
	PgdXactSlot *slot = pgd_xact_slot;

	if (slot == NULL || slot->open.kind == PGD_XACT_NONE || !x.active)
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
			x.levels = Min(x.levels,
						   Max(GetCurrentTransactionNestLevel() - 2, 0));
			break;
		default:
			break;
	}
}

/* ----------
 * Sums
 * ----------
 */

/*
 * What is counted by position, over all of them.  "sums" may be those of the
 * transcript, where the time to wait for its end is already.
 */
void
pgd_xact_sum_steps(const PgdTranscript *t, PgdXactCounters *sums)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		sums->statements += s->calls;
		sums->rows += s->rows;
		sums->exec_time += s->exec_time;
		sums->idle_time += s->idle_time;
		sums->lock_wait += s->lock_wait;
		sums->max_idle_time = Max(sums->max_idle_time, s->max_idle_time);
	}
}

/*
 * Set what is known only at the end, or as if it were the end.
 */
static void
close_transcript(PgdTranscript *t, PgdXactOutcome outcome, TimestampTz stop,
				 TimestampTz unlocked)
{
	PgdXactCounters *c = &t->counters;

	t->outcome = outcome;
	c->calls = 1;
	pgd_xact_sum_steps(t, c);
	c->max_statements = c->statements;
	c->max_savepoints = c->savepoints;
	c->duration = NS(Max(stop - t->start, 0));
	c->max_duration = c->duration;
	if (t->first_lock != 0)
		c->row_lock_time = NS(Max(unlocked - t->first_lock, 0));
	if (t->kind == PGD_XACT_BLOCK && outcome != PGD_XACT_COMMITTED &&
		outcome != PGD_XACT_PREPARED && outcome != PGD_XACT_OPEN)
		c->aborted_time = c->exec_time;
	if (outcome == PGD_XACT_ABANDONED)
		c->abandoned = 1;

	if (c->statements >= 10)
		t->saw |= PGD_SAW_MANY;
	if (c->statements <= 1)
		t->saw |= PGD_SAW_FEW;
	if (c->duration >= NS(10000))
		t->saw |= PGD_SAW_SLOW;
}

static inline PgdShapeKey
key_of(const PgdTranscript *t)
{
	return (PgdShapeKey) {
		.shape = pgd_transcript_shape(t),
		.tag = t->tag.hash,
		.dbid = t->dbid,
		.userid = t->userid,
		.kind = t->kind,
		.isolation = t->isolation,
	};
}

/*
 * A place for a shape; the one for the rest if the table is busy.
 */
static PgdPendingShape *
find_place(const PgdShapeKey *key, TimestampTz since)
{
	static int	turn = 0;
	PgdXactSlot *slot = pgd_xact_slot;
	PgdShapeKey rest = {.dbid = key->dbid, .kind = key->kind};
	int			place = -1;

	for (int i = 0; i < PGD_SHAPE_PLACES - 1; i++)
	{
		if ((slot->used & (1 << i)) == 0)
			place = i;
		else if (pgd_shape_key_equal(&slot->pending[i].sums.key, key))
			return &slot->pending[i];
	}
	for (int i = 0; i < PGD_SHAPE_PLACES - 1 && place < 0; i++)
	{
		turn = (turn + 1) % (PGD_SHAPE_PLACES - 1);
		if (pgd_store_merge_shape(slot, turn, false))
			place = turn;
	}
	if (place < 0)
	{
		place = PGD_SHAPE_PLACES - 1;
		key = &rest;
		if ((slot->used & (1 << place)) != 0)
		{
			if (pgd_shape_key_equal(&slot->pending[place].sums.key, key))
				return &slot->pending[place];
			(void) pgd_store_merge_shape(slot, place, true);
		}
	}

	pgd_xact_begin_change(slot);
	memset(&slot->pending[place], 0, sizeof(PgdPendingShape));
	slot->pending[place].sums.key = *key;
	slot->pending[place].sums.since = since;
	slot->used |= 1 << place;
	pgd_xact_end_change(slot);
	return &slot->pending[place];
}

/*
 * Add a complete transcript, and what detectors saw of it, to its sums.
 */
static void
add_transcript(PgdPendingShape *pending, const PgdTranscript *t)
{
	PgdShapeSums *sum = &pending->sums;
	const PgdXactCounters *c = &t->counters;

	pgd_xact_counters_add(&sum->counters, c);
	sum->last_seen = Max(sum->last_seen, t->start);
	if (t->sqlstate != 0)
		pgd_shape_add_error(sum, t->sqlstate, Max(c->aborts, 1));
	pgd_shape_count_time(pending, PGD_DURATION, c->duration);
	pgd_shape_count_time(pending, PGD_IDLE, c->idle_time);
	if (c->commit_time != 0)
		pgd_shape_count_time(pending, PGD_COMMIT, c->commit_time);
	if (sum->key.shape == 0)
		return;

	if (c->duration >= sum->slowest)
	{
		sum->slowest = c->duration;
		sum->tag = t->tag;
	}
	pgd_shape_add_steps(sum, t->steps, t->nsteps);
	for (int i = 0; i < look.n; i++)
		pgd_shape_observe(sum, &look.seen[i]);
	sum->dropped += look.dropped;
}

/*
 * The transcript is complete.
 */
static void
finish(PgdXactOutcome outcome, TimestampTz stop)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;
	PgdPendingShape *pending;
	PgdShapeKey key;

	t->isolation = XactIsoLevel;
	t->read_only = XactReadOnly;
	t->counters.wal_bytes = pgWalUsage.wal_bytes - x.wal_base;
	close_transcript(t, outcome, stop, x.failed ? x.failed_at : stop);
	pgd_detectors_look(t, &look);

	if (unlikely(pg_atomic_read_u32(&slot->discard) != 0))
		obey_reset();
	if (t->kind != PGD_XACT_NONE)
	{
		key = key_of(t);
		pending = find_place(&key, t->start);
		if (unlikely(!pgd_shape_has_room(pending)))
		{
			(void) pgd_store_merge_shape(slot, pending - slot->pending, true);
			pending = find_place(&key, t->start);
		}
		pgd_xact_begin_change(slot);
		add_transcript(pending, t);
		t->kind = PGD_XACT_NONE;
		pgd_xact_end_change(slot);
	}

	x.active = x.ending = x.rolling_back = x.failed = false;
	x.has_xid = x.holding = false;
	if (x.chain)
	{
		x.chain = false;
		x.active = true;
		x.sqlstate = 0;
		x.first_fingerprint = 0;
		x.idle_base = pgStatTransactionIdleTime;
		open_transcript(PGD_XACT_BLOCK, stop);
	}

	if (unlikely(stop - slot->merged_at > MERGE_INTERVAL))
	{
		for (int i = 0; i < PGD_SHAPE_PLACES; i++)
		{
			if ((slot->used & (1 << i)) != 0)
				(void) pgd_store_merge_shape(slot, i, false);
		}
		slot->merged_at = stop;
	}
}

/* ----------
 * Readers
 * ----------
 */

/*
 * Add what one slot has pending to the shapes that are there; returns how
 * many these are then.
 */
static int
add_pending(PgdShape *shapes, int n, const PgdPendingShape *pending)
{
	int			i = 0;

	while (i < n && !pgd_shape_key_equal(&shapes[i].sums.key,
										 &pending->sums.key))
		i++;
	if (i == n)
	{
		memset(&shapes[i], 0, sizeof(PgdShape));
		shapes[i].sums.key = pending->sums.key;
		n++;
	}
	pgd_shape_add_pending(&shapes[i], pending);
	return n;
}

/*
 * Visit every shape, as of now.  A burst that is open counts as if it ended
 * now, since nobody knows whether it goes on.
 */
void
pgd_xact_read(PgdShapeVisitor visit, void *arg)
{
	static PgdPendingShape burst;
	PgdShapesCopy copy;
	PgdShape   *shapes;
	int			n;

	pgd_store_copy_shapes(&copy);
	shapes = MemoryContextAllocHuge(CurrentMemoryContext,
									mul_size(sizeof(PgdShape), copy.nshapes +
											 (PGD_SHAPE_PLACES + 1) *
											 copy.nslots + 1));
	n = copy.nshapes;
	memcpy(shapes, copy.shapes, sizeof(PgdShape) * n);
	pfree(copy.shapes);

	for (int s = 0; s < copy.nslots; s++)
	{
		PgdXactSlot *slot = &copy.slots[s];
		uint32		discard = pg_atomic_read_u32(&slot->discard);
		PgdTranscript *t = &slot->open;

		for (int i = 0; i < PGD_SHAPE_PLACES; i++)
		{
			if ((slot->used & ~discard & (1 << i)) != 0)
				n = add_pending(shapes, n, &slot->pending[i]);
		}
		if (t->kind == PGD_XACT_BURST && t->nsteps > 0 &&
			(discard & PGD_DISCARD_BURST) == 0)
		{
			close_transcript(t, PGD_XACT_OPEN,
							 Max(t->start, t->idle_since), 0);
			pgd_detectors_look(t, &look);
			memset(&burst, 0, sizeof(burst));
			burst.sums.key = key_of(t);
			burst.sums.since = t->start;
			add_transcript(&burst, t);
			n = add_pending(shapes, n, &burst);
		}
	}
	pfree(copy.slots);

	for (int i = 0; i < n; i++)
	{
		visit(&shapes[i], arg);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(shapes);
}
