/*-------------------------------------------------------------------------
 *
 * sums.h
 *		How two sets of numbers about a statement become one.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SUMS_H
#define PGD_SUMS_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_counters_add(PgdCounters *sum, const PgdCounters *more);
extern void pgd_statement_add(PgdStatement *sum, const PgdStatement *more);
extern void pgd_statement_add_error(PgdStatement *sum, int32 sqlstate,
									uint64 count);
extern void pgd_statement_add_plan(PgdStatement *sum, const PgdPlanUse *more);

PGD_END_INTERNAL

#endif							/* PGD_SUMS_H */
