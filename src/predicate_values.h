/*-------------------------------------------------------------------------
 *
 * predicate_values.h
 *		What the columns of a scan were compared with.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_PREDICATE_VALUES_H
#define PGD_PREDICATE_VALUES_H

#include "pg_diagnose.h"

#include "executor/execdesc.h"
#include "nodes/pathnodes.h"

#include "evidence.h"

/* Values of what is no comparison with one. */
#define PGD_VALUE_UNKNOWN	UINT64CONST(0)
#define PGD_VALUE_NULL		UINT64CONST(1)	/* IS NULL */
#define PGD_VALUE_NOT_NULL	UINT64CONST(2)	/* IS NOT NULL */

PGD_BEGIN_INTERNAL

/*
 * Hash of a value, not NULL, that a column is compared with: the same in all
 * sessions and at all times.  PGD_VALUE_UNKNOWN if it is stored out of line,
 * or compressed.
 */
extern uint64 pgd_predicate_hash(Oid type, int16 len, bool byval, Datum value);

/*
 * Note the comparisons of a scan; for predicate.c.  "relid" is its table, or
 * the one that "partition" is part of.
 */
extern void pgd_predicate_values(PgdEvidence *found, QueryDesc *query,
								 bool cut_short, PlanState *ps, Oid relid,
								 const AppendRelInfo *partition);

PGD_END_INTERNAL

#endif							/* PGD_PREDICATE_VALUES_H */
