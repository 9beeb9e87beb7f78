/*-------------------------------------------------------------------------
 *
 * snapshot_held.h
 *		The present, held still for as long as a transaction looks at it.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SNAPSHOT_HELD_H
#define PGD_SNAPSHOT_HELD_H

#include "image.h"

/* Numbers from here on are no files; no sequence of files gets that far. */
#define PGD_FIRST_HELD	UINT64CONST(1000000000000000000)

PGD_BEGIN_INTERNAL

extern uint64 pgd_hold_now(void);
extern const PgdImage *pgd_held_image(uint64 id);

PGD_END_INTERNAL

#endif							/* PGD_SNAPSHOT_HELD_H */
