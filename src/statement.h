/*-------------------------------------------------------------------------
 *
 * statement.h
 *		One executed statement becomes numbers.
 *
 * hooks.c tells what happens to a statement; here it is counted.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_STATEMENT_H
#define PGD_STATEMENT_H

#include "pg_diagnose.h"

#include "executor/execdesc.h"
#include "executor/instrument.h"
#include "nodes/parsenodes.h"
#include "nodes/plannodes.h"
#include "utils/memutils.h"

#include "guc.h"
#include "pending.h"
#include "traits.h"

/*
 * A statement on its way.  That of an optimizable statement lasts from
 * ExecutorStart to ExecutorEnd; it is let go by its memory context, so that
 * no error can leave one behind.  That of a utility statement lies on the C
 * stack for as long as ProcessUtility runs.
 */
typedef struct PgdExecution
{
	struct PgdExecution *outer; /* the one that began before */
	QueryDesc  *query;			/* NULL: utility statement */
	PgdPending *pending;		/* where it is counted */
	uint64		serial;			/* of that place when it was taken */
	PgdKey		key;
	uint64		tag;			/* of the key */
	uint64		plan;			/* shape; 0 for a utility statement */
	bool		registered;		/* the table has an entry */
	bool		running;		/* control is inside it */
	bool		counted;		/* finished, one way or the other */
	bool		instrumented;	/* its rows are counted, see predicate.h */
	bool		partial;		/* not all of its rows were wanted */
	uint64		rows;			/* of all runs, see pgd_rows_total() */
	uint64		time;			/* once it is counted: nanoseconds */
	const PgdTraits *traits;	/* of a statement of the client; NULL: unknown */
	uint64		params;			/* hash of what varies between executions */
	uint64		row;			/* the row it looks for, 0: not one by key */
	int64		number;			/* the key of it, or PG_INT64_MIN */
	TransactionId xmax;			/* of its snapshot */
	TimestampTz started;
	uint64		think;			/* think time before it */
	bool		blocking;		/* others were waiting at the end of that */
	bool		transcribed;	/* it is in the transcript, or not to be */
	uint64		start;			/* utility statement: clock, buffers, WAL */
	BufferUsage buffers;
	WalUsage	wal;
	MemoryContextCallback callback;
} PgdExecution;

PGD_BEGIN_INTERNAL

/* statements nested around the present one; 0: sent by the client */
extern int	pgd_nesting;

extern PgdExecution *pgd_executions;	/* innermost first */


/* optimizable statements */
extern PgdExecution *pgd_statement_begin(QueryDesc *queryDesc);
extern void pgd_statement_release(void *execution);
extern void pgd_statement_end(PgdExecution *execution);

/* utility statements */
extern void pgd_utility_begin(PgdExecution *execution, PlannedStmt *pstmt,
							  const char *source);
extern void pgd_utility_end(PgdExecution *execution, uint64 rows);
extern void pgd_utility_leave(PgdExecution *execution);
extern void pgd_utility_uncaptured(PgdExecution *execution,
								   const PlannedStmt *pstmt);
extern void pgd_utility_time(PgdExecution *execution, uint64 rows);

/* planning */
extern void pgd_planning_identify(PgdExecution *execution, const Query *parse);
extern void pgd_planning_begin(PgdExecution *execution, Query *parse,
							   const char *source);
extern void pgd_planning_end(PgdExecution *execution, PlannedStmt *result);

/* all of them */
extern void pgd_statement_failed(PgdExecution *execution, int sqlstate,
								 bool nested);

PGD_END_INTERNAL

/*
 * Are statements captured at the present level?
 */
static inline bool
pgd_statement_wanted(void)
{
	return pgd_track == PGD_TRACK_ALL ||
		(pgd_track == PGD_TRACK_TOP && pgd_nesting == 0);
}

/*
 * After ExecutorStart: now there is a memory context that lasts as long as
 * the execution, and maybe instrumentation that somebody else asked for.
 */
static inline void
pgd_statement_started(PgdExecution *execution, QueryDesc *queryDesc,
					  MemoryContextCallbackFunction released)
{
	MemoryContext context = queryDesc->estate->es_query_cxt;

	if (queryDesc->totaltime == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(context);

		queryDesc->totaltime = InstrAlloc(1, INSTRUMENT_ALL, false);
		MemoryContextSwitchTo(old);
	}

	execution->callback.func = released;
	execution->callback.arg = execution;
	MemoryContextRegisterResetCallback(context, &execution->callback);
}

/*
 * The execution that belongs to a QueryDesc, or NULL.  It is nearly always
 * the innermost one, except for cursors.
 */
static inline PgdExecution *
pgd_statement_find(QueryDesc *queryDesc)
{
	PgdExecution *execution = pgd_executions;

	while (execution != NULL && execution->query != queryDesc)
		execution = execution->outer;
	return execution;
}

#endif							/* PGD_STATEMENT_H */
