/*-------------------------------------------------------------------------
 *
 * predicate.h
 *		What became of the rows at the nodes of a plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_PREDICATE_H
#define PGD_PREDICATE_H

#include "pg_diagnose.h"

#include "executor/execdesc.h"

/* Values of what is no comparison with one. */
#define PGD_VALUE_UNKNOWN	UINT64CONST(0)
#define PGD_VALUE_NULL		UINT64CONST(1)	/* IS NULL */
#define PGD_VALUE_NOT_NULL	UINT64CONST(2)	/* IS NOT NULL */

PGD_BEGIN_INTERNAL

/*
 * Before ExecutorStart: is this execution one to be looked at?  Then it is
 * instrumented.  "mean_time" is what the statement took until now, in
 * nanoseconds; 0: unknown.
 */
extern bool pgd_predicate_begin(QueryDesc *queryDesc, uint64 mean_time);

/*
 * Before ExecutorEnd, or while an error is in flight ("cut_short").  A partial
 * execution was not run to its end, because not all rows were wanted.
 */
extern void pgd_predicate_end(QueryDesc *queryDesc, const PgdKey *key,
							  bool cut_short, bool partial);

/*
 * Hash of a value, not NULL, that a column is compared with: the same in all
 * sessions and at all times.  PGD_VALUE_UNKNOWN if it is stored out of line,
 * or compressed.
 */
extern uint64 pgd_predicate_hash(Oid type, int16 len, bool byval, Datum value);

PGD_END_INTERNAL

/* Executions 1, 2, 4, 8, ... since the session has begun to count. */
static inline bool
pgd_predicate_due(uint64 calls)
{
	return (calls & (calls - 1)) == 0;
}

#endif							/* PGD_PREDICATE_H */
