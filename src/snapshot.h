/*-------------------------------------------------------------------------
 *
 * snapshot.h
 *		The store to a file and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SNAPSHOT_H
#define PGD_SNAPSHOT_H

#include "image.h"

PGD_BEGIN_INTERNAL

/* start and end of the server */
extern void pgd_snapshot_load(void);
extern void pgd_snapshot_dump(void);
extern bool pgd_snapshot_is_clean(void);

/* in between */
extern void pgd_snapshot_describe(PgdSnapshotHeader *header);
extern void pgd_snapshot_check_label(const char *label);
extern uint64 pgd_snapshot_take(const char *label, int elevel);
extern uint64 pgd_snapshot_write(PgdImageWriter *writer, int elevel);
extern void pgd_snapshot_live(PgdImage *image);

PGD_END_INTERNAL

#endif							/* PGD_SNAPSHOT_H */
