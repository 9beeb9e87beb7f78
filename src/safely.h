/*-------------------------------------------------------------------------
 *
 * safely.h
 *		Work on a statement's way that must not fail it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SAFELY_H
#define PGD_SAFELY_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

/*
 * Do some work in a memory context of its own, which is gone afterwards.
 * Returns false if that failed.
 */
extern bool pgd_safely(void (*work) (void *), void *arg);

PGD_END_INTERNAL

#endif							/* PGD_SAFELY_H */
