/*-------------------------------------------------------------------------
 *
 * predicate_values.h
 *		What the columns of a scan were compared with; for predicate.c alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_PREDICATE_VALUES_H
#define PGD_PREDICATE_VALUES_H

#include "pg_diagnose.h"

#include "executor/execdesc.h"
#include "nodes/pathnodes.h"

#include "evidence.h"

PGD_BEGIN_INTERNAL

/*
 * Note the comparisons of a scan.  "relid" is its table, or the one that
 * "partition" is part of.
 */
extern void pgd_predicate_values(PgdEvidence *found, QueryDesc *query,
								 bool cut_short, PlanState *ps, Oid relid,
								 const AppendRelInfo *partition);

PGD_END_INTERNAL

#endif							/* PGD_PREDICATE_VALUES_H */
