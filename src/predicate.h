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

#include "predicate_values.h"

PGD_BEGIN_INTERNAL

/*
 * Before ExecutorStart: is this execution one to be looked at?  Then it is
 * instrumented.  "mean_time" is what the statement took until now, in
 * nanoseconds; 0: unknown.
 */
extern bool pgd_predicate_begin(QueryDesc *queryDesc, uint64 mean_time);

/* After ExecutorStart, for those. */
extern void pgd_predicate_started(QueryDesc *queryDesc);

/*
 * Before ExecutorEnd, or while an error is in flight ("cut_short").  A partial
 * execution was not run to its end, because not all rows were wanted.
 */
extern void pgd_predicate_end(QueryDesc *queryDesc, const PgdKey *key,
							  bool cut_short, bool partial);

PGD_END_INTERNAL

/* Executions 1, 2, 4, 8, ... since the session has begun to count. */
static inline bool
pgd_predicate_due(uint64 calls)
{
	return (calls & (calls - 1)) == 0;
}

#endif							/* PGD_PREDICATE_H */
