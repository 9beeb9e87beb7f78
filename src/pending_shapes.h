/*-------------------------------------------------------------------------
 *
 * pending_shapes.h
 *		This backend's slot of transactions: where complete ones are added up.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_PENDING_SHAPES_H
#define PGD_PENDING_SHAPES_H

#include "store.h"

PGD_BEGIN_INTERNAL

extern PgdXactSlot *pgd_xact_slot;	/* NULL until attached */

extern void pgd_pending_shapes_attach(void);
extern void pgd_pending_shapes_detach(void);
extern void pgd_pending_shapes_obey_reset(void);
extern void pgd_pending_shapes_finish(const PgdShapeKey *key,
									  const PgdObservation *seen, int nseen,
									  int dropped, TimestampTz now);
extern void pgd_pending_shape_add(PgdPendingShape *pending,
								  const PgdTranscript *t,
								  const PgdObservation *seen, int nseen,
								  int dropped);

PGD_END_INTERNAL

#endif							/* PGD_PENDING_SHAPES_H */
