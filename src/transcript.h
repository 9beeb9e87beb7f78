/*-------------------------------------------------------------------------
 *
 * transcript.h
 *		What a session does, statement by statement: a transaction block, or
 *		a burst of autocommit statements.
 *
 * Words, and functions of nothing but a transcript.  xact.c writes one,
 * detectors look at it when it is complete, and the store keeps sums of those
 * with the same shape.
 *
 * A transcript is run-length coded: a position stands for all executions of
 * a statement in a row, and statements that come round in a cycle have one
 * position each, however often they do.  So a loop of 3 rounds and one of
 * 5,000 have the same shape, and memory is fixed.
 *
 * All times are nanoseconds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TRANSCRIPT_H
#define PGD_TRANSCRIPT_H

#include "pg_diagnose.h"

#define PGD_STEPS		32		/* positions; the last one is for the rest */
#define PGD_CYCLE_MAX	8		/* statements in a cycle that is recognized */
#define PGD_NOWHERE		255		/* no position */
#define PGD_LOCKED_RELS	8		/* tables whose locking order is kept */
#define PGD_OBSERVATIONS 16		/* kept apart per shape */
#define PGD_XACT_ERRORS	4		/* SQLSTATEs kept apart per shape */

/* One field a line of xactlist.h, all of them uint64. */
typedef struct PgdXactCounters
{
#define PGD_XACT_COUNTER(name, combine, unit) uint64 name;
#include "xactlist.h"
#undef PGD_XACT_COUNTER
} PgdXactCounters;

#define PGD_XACT_COUNTERS	((int) (sizeof(PgdXactCounters) / sizeof(uint64)))

typedef enum PgdXactKind
{
	PGD_XACT_NONE,
	PGD_XACT_BLOCK,				/* BEGIN ... COMMIT */
	PGD_XACT_BURST				/* autocommit statements in quick succession */
} PgdXactKind;

typedef enum PgdXactOutcome
{
	PGD_XACT_OPEN,
	PGD_XACT_COMMITTED,
	PGD_XACT_ROLLED_BACK,		/* by the client */
	PGD_XACT_ABORTED,			/* by an error */
	PGD_XACT_PREPARED,
	PGD_XACT_ABANDONED			/* the session ended */
} PgdXactOutcome;

/* What a statement does, as far as its plan tells (traits.c). */
#define PGD_READS			(1 << 0)	/* SELECT from a table */
#define PGD_INSERTS			(1 << 1)
#define PGD_UPDATES			(1 << 2)
#define PGD_DELETES			(1 << 3)	/* MERGE has all three */
#define PGD_WRITES			(PGD_INSERTS | PGD_UPDATES | PGD_DELETES)
#define PGD_LOCKS_ROWS		(1 << 4)	/* SELECT ... FOR UPDATE or SHARE */
#define PGD_SKIPS_LOCKED	(1 << 5)	/* SKIP LOCKED or NOWAIT */
#define PGD_LIMITED			(1 << 6)	/* LIMIT */
#define PGD_ON_CONFLICT		(1 << 7)
#define PGD_SETS_VALUE		(1 << 8)	/* UPDATE sets a column to a value that
										 * does not come from the row */
#define PGD_GUARDED			(1 << 9)	/* its condition names a column that it
										 * sets: optimistic locking */
#define PGD_KEYED			(1 << 10)	/* its rows are found by equality */
#define PGD_VOLATILE		(1 << 11)	/* calls a volatile function */
#define PGD_TIME_DEPENDENT	(1 << 12)	/* calls a stable function */
#define PGD_UTILITY			(1 << 13)
#define PGD_DDL				(1 << 14)	/* changes the schema */
#define PGD_CREATES			(1 << 15)	/* ... by a new table */
#define PGD_LOCKS_TABLE		(1 << 16)	/* so that others cannot write it */
#define PGD_NOTIFIES		(1 << 17)
#define PGD_COPIES			(1 << 18)
#define PGD_FETCHES			(1 << 19)
#define PGD_CONTROL			(1 << 20)	/* SAVEPOINT, RELEASE, ROLLBACK TO */
#define PGD_SETTING			(1 << 21)	/* SET, RESET */
#define PGD_FOREIGN			(1 << 22)	/* reads or writes a foreign table */
#define PGD_ADVISORY		(1 << 23)	/* takes an advisory lock ... */
#define PGD_SESSION_LOCKS	(1 << 25)	/* ... that outlives the transaction */
#define PGD_AGGREGATES		(1 << 24)
#define PGD_RETURNS			(1 << 26)	/* RETURNING */

/* One position. */
typedef struct PgdStep
{
	uint64		fingerprint;	/* of the statement; 0: all further ones */
	uint64		queryid;
	uint32		flags;			/* see above */
	Oid			relid;			/* table it writes, or else reads first */
	uint8		cycle;			/* length of the cycle that begins here; 0 */
	uint8		source;			/* position it took its rows' keys from, or
								 * that it acted upon; see below */
	uint16		unused;			/* always 0 */
	int32		sqlstate;		/* of the latest failure */

	uint64		calls;			/* completed or failed */
	uint64		failures;
	uint64		rows;
	uint64		max_rows;
	uint64		empty;			/* executions without a row */
	uint64		exec_time;
	uint64		max_exec_time;
	uint64		idle_time;		/* think time before it */
	uint64		max_idle_time;
	uint64		lock_wait;		/* sampled */
	uint64		blocking_gaps;	/* gaps before it at whose end others waited */
	uint64		idle_with_locks;	/* think time before it, holding row locks */

	/* executions with the same parameters as an earlier one of the transcript */
	uint64		repeats;
	uint64		idle_repeats;	/* of these: none of its tables was written by
								 * this session in between */
	uint64		repeated_time;	/* exec_time of idle_repeats */

	/* rows of "relid" found by a key, and what was done to them before */
	uint64		same_row;		/* updates of a row updated before */
	uint64		stale_writes;	/* sets a value in a row read at "source"
								 * without a lock */
	uint64		overtaken;		/* of these: somebody else changed that row in
								 * between, and committed */
	uint64		blind_inserts;	/* inserts after "source" found no row there */
} PgdStep;

/* Who: application_name, and what a sqlcommenter comment says. */
typedef struct PgdTag
{
	uint64		hash;			/* of all but traceparent */
	char		application[64];
	char		route[96];
	char		action[48];
	char		controller[48];
	char		framework[32];
	char		traceparent[56];
} PgdTag;

/* What happened at some time in a transcript; for a quick look. */
#define PGD_SAW_REPETITION	(1 << 0)	/* a position with more than one call */
#define PGD_SAW_WRITE		(1 << 1)
#define PGD_SAW_XID			(1 << 2)
#define PGD_SAW_ROW_LOCK	(1 << 3)
#define PGD_SAW_TABLE_LOCK	(1 << 4)
#define PGD_SAW_DDL			(1 << 5)
#define PGD_SAW_GAP			(1 << 6)	/* think time of a millisecond and more */
#define PGD_SAW_ERROR		(1 << 7)
#define PGD_SAW_SAVEPOINT	(1 << 8)
#define PGD_SAW_NOTIFY		(1 << 9)
#define PGD_SAW_MANY		(1 << 10)	/* ten statements or more */
#define PGD_SAW_SLOW		(1 << 11)	/* 10 ms or more from begin to end */
#define PGD_SAW_ROWS		(1 << 12)	/* rows of keys seen before: same_row,
										 * stale_writes, blind_inserts */
#define PGD_SAW_TWO_LOCKED	(1 << 13)	/* locks on rows of two tables, or of
										 * two rows of one */
#define PGD_SAW_FEW			(1 << 14)	/* at most one statement */
#define PGD_SAW_RETRY		(1 << 15)

typedef struct PgdTranscript
{
	uint8		kind;			/* PgdXactKind */
	uint8		outcome;		/* PgdXactOutcome */
	uint8		isolation;		/* XACT_READ_COMMITTED ... */
	uint8		read_only;
	uint8		standby;		/* the server was in recovery */
	uint8		nsteps;
	uint8		cycle_start;	/* the cycle we are in ... */
	uint8		cycle_len;		/* ... if not 0 */
	uint8		last;			/* position of the latest statement */
	uint8		nlocked;
	uint8		ascending;		/* rows of one table were locked upwards ... */
	uint8		descending;		/* ... downwards: bit i is for locked[i] */
	uint32		saw;			/* PGD_SAW_... */
	int32		sqlstate;		/* what ended it, 0: no error */
	Oid			userid;
	Oid			dbid;
	TimestampTz start;
	TimestampTz first_lock;		/* start of the first statement that wrote or
								 * locked rows; 0: none */
	TimestampTz idle_since;		/* end of the latest statement, if known */
	uint64		p10_gap;		/* usual shortest think time of the client */
	PgdXactCounters counters;
	PgdTag		tag;

	/* tables in the order in which rows of them were first locked */
	Oid			locked[PGD_LOCKED_RELS];
	uint8		locked_at[PGD_LOCKED_RELS]; /* position */

	PgdStep		steps[PGD_STEPS];
} PgdTranscript;

/*
 * What a detector saw.  Those of one shape with the same detector, position
 * and objects are added up.
 */
typedef struct PgdObservation
{
	uint16		detector;		/* number in the list + 1; 0: unused */
	uint8		position;		/* of the step it is about, or PGD_NOWHERE */
	uint8		parent;			/* of the step that explains it, likewise */
	uint32		severity;		/* PgdSeverity; the highest */
	Oid			object;			/* table, or 0 */
	Oid			other;			/* another one, or 0 */
	uint64		occurrences;	/* transcripts */
	uint64		confirmed;		/* of these: harm was seen, not only possible */
	uint64		count;			/* what it counts (see its text), summed */
	uint64		max_count;
	uint64		time;			/* database time it took */
	uint64		saved;			/* of this, what a cure can save at best */
	uint64		held;			/* time that a lock, a snapshot or the client
								 * was kept waiting: no database time */
	uint64		max_held;
} PgdObservation;

typedef enum PgdSeverity
{
	PGD_BY_IMPACT,				/* severity follows from what it costs */
	PGD_INFO,
	PGD_WARNING,
	PGD_CRITICAL
} PgdSeverity;

PGD_BEGIN_INTERNAL

extern void pgd_xact_counters_add(PgdXactCounters *sum,
								  const PgdXactCounters *more);
extern void pgd_step_add(PgdStep *sum, const PgdStep *more);
extern PgdStep *pgd_transcript_append(PgdTranscript *t, uint64 fingerprint);
extern int	pgd_transcript_moved(const PgdTranscript *t, int position);
extern uint64 pgd_transcript_shape(const PgdTranscript *t);

PGD_END_INTERNAL

/*
 * The position of the statement that runs now.  Most are the next one of the
 * cycle that we are in.
 */
static inline PgdStep *
pgd_transcript_step(PgdTranscript *t, uint64 fingerprint)
{
	if (t->cycle_len != 0)
	{
		int			next = t->last + 1;

		if (next >= t->cycle_start + t->cycle_len)
			next = t->cycle_start;
		if (likely(t->steps[next].fingerprint == fingerprint))
		{
			t->last = next;
			return &t->steps[next];
		}
	}
	return pgd_transcript_append(t, fingerprint);
}

#endif							/* PGD_TRANSCRIPT_H */
