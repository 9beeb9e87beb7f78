/*-------------------------------------------------------------------------
 *
 * worker.h
 *		The background worker.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_WORKER_H
#define PGD_WORKER_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_worker_register(void);

PGD_END_INTERNAL

#endif							/* PGD_WORKER_H */
