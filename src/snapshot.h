/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *		The store to a file and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SNAPSHOT_H
#define PGD_SNAPSHOT_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_snapshot_dump(void);
extern void pgd_snapshot_load(void);

PGD_END_INTERNAL

#endif							/* PGD_SNAPSHOT_H */
