/*-------------------------------------------------------------------------
 *
 * hooks.h
 *		PostgreSQL's hooks.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_HOOKS_H
#define PGD_HOOKS_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_hooks_init(void);

PGD_END_INTERNAL

#endif							/* PGD_HOOKS_H */
