/*-------------------------------------------------------------------------
 *
 * sampler.h
 *		Looks at all sessions from outside.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SAMPLER_H
#define PGD_SAMPLER_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_sampler_start(void);
extern void pgd_sampler_tick(uint64 elapsed);

PGD_END_INTERNAL

#endif							/* PGD_SAMPLER_H */
