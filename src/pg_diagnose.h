/*-------------------------------------------------------------------------
 *
 * pg_diagnose.h
 *		The vocabulary: keys, counters and what is known of a statement.
 *
 * Words only: no function lives here, and nothing here knows where a value
 * is kept.  All times are nanoseconds.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PG_DIAGNOSE_H
#define PG_DIAGNOSE_H

#include "postgres.h"

#include "datatype/timestamp.h"

#include "histogram.h"

/*
 * What makes two executions executions of the same statement.  Hashed and
 * compared field by field, and written to disk: no padding.
 */
typedef struct PgdKey
{
	uint64		queryid;		/* PostgreSQL's; 0 in an (evicted) row */
	Oid			userid;			/* InvalidOid in an (evicted) row */
	uint32		toplevel;		/* 1: sent by the client, 0: inside another */
	Oid			dbid;
	uint32		unused;			/* always 0 */
} PgdKey;

/* One field a line of counterlist.h, all of them uint64. */
typedef struct PgdCounters
{
#define PGD_COUNTER(name, combine, unit) uint64 name;
#include "counterlist.h"
#undef PGD_COUNTER
} PgdCounters;

#define PGD_COUNTERS	((int) (sizeof(PgdCounters) / sizeof(uint64)))

/* Failed executions of a statement by SQLSTATE (packed as in ErrorData). */
typedef struct PgdErrorCount
{
	int32		sqlstate;		/* 0: unused */
	uint32		unused;			/* always 0 */
	uint64		count;
} PgdErrorCount;

/* Completed executions of a statement with one shape of plan. */
typedef struct PgdPlanUse
{
	uint64		shape;			/* see plan.c; 0: unused */
	uint64		calls;
	uint64		total_time;
	uint64		max_time;
	TimestampTz last_seen;
} PgdPlanUse;

/* A number of a window that nobody knows: the longest of it, for example. */
#define PGD_UNKNOWN	PG_UINT64_MAX

#define PGD_TEXT_MAX 8192		/* bytes of text per statement, at most */
#define PGD_ERRORS	8			/* SQLSTATEs kept apart per statement */
#define PGD_PLANS	4			/* plan shapes kept apart per statement */

/*
 * All that is known of one statement.  The last element of the two arrays
 * is "other": what came after the others were taken.
 */
typedef struct PgdStatement
{
	PgdKey		key;
	uint64		fingerprint;	/* of the masked text, 0: unknown */
	int32		encoding;		/* of the masked text */
	int32		unused;			/* always 0 */
	TimestampTz since;			/* first seen, or reset */
	TimestampTz last_seen;		/* start of the latest execution */
	PgdCounters counters;
	PgdErrorCount errors[PGD_ERRORS + 1];
	PgdPlanUse	plans[PGD_PLANS + 1];
	PgdHistogram histogram;		/* of completed executions */
} PgdStatement;

/* "text" is NULL when there is none; it is not zero-terminated. */
typedef void (*PgdStatementVisitor) (const PgdStatement *statement,
									 const char *text, int len, void *arg);

/* Our own functions call each other directly, not through the PLT. */
#define PGD_BEGIN_INTERNAL	_Pragma("GCC visibility push(hidden)")
#define PGD_END_INTERNAL	_Pragma("GCC visibility pop")

#endif							/* PG_DIAGNOSE_H */
