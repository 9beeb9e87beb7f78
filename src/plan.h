/*-------------------------------------------------------------------------
 *
 * plan.h
 *		The shape of a plan.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_PLAN_H
#define PGD_PLAN_H

#include "pg_diagnose.h"

#include "nodes/plannodes.h"

PGD_BEGIN_INTERNAL

extern uint64 pgd_plan_shape(const PlannedStmt *stmt);

PGD_END_INTERNAL

#endif							/* PGD_PLAN_H */
