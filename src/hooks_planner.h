/*-------------------------------------------------------------------------
 *
 * hooks_planner.h
 *		The planner's hooks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_HOOKS_PLANNER_H
#define PGD_HOOKS_PLANNER_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_hooks_planner_init(void);

PGD_END_INTERNAL

#endif							/* PGD_HOOKS_PLANNER_H */
