/*-------------------------------------------------------------------------
 *
 * touches.h
 *		Which rows this session has read and written of late.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TOUCHES_H
#define PGD_TOUCHES_H

#include "transcript.h"

#define PGD_TOUCHES		16		/* a power of two */

typedef struct PgdTouch
{
	uint64		row;			/* hash of its key; 0: unused */
	Oid			relid;
	TransactionId xmax;			/* read: of the snapshot that saw it */
	uint16		position;		/* of the statement */
	uint16		what;			/* PGD_TOUCH_... */
} PgdTouch;

#define PGD_TOUCH_READ		1	/* what was read is still in hand */
#define PGD_TOUCH_MISSING	2	/* it was not found */
#define PGD_TOUCH_LOCKED	4	/* against changes by others */
#define PGD_TOUCH_WRITTEN	8	/* by the open transaction */

PGD_BEGIN_INTERNAL

extern PgdTouch pgd_touches[PGD_TOUCHES];
extern uint32 pgd_touch_turn;

extern void pgd_touches_forget(void);
extern void pgd_touches_settle(TransactionId xid);
extern void pgd_touches_moved(const PgdTranscript *t);
extern void pgd_touches_write(PgdTranscript *t, PgdStep *step, uint64 row);
extern void pgd_touches_insert(PgdTranscript *t, PgdStep *step);

PGD_END_INTERNAL

/*
 * A row was read, locked, or not found.
 */
static inline void
pgd_touches_read(Oid relid, uint64 row, int position, uint16 what,
				 TransactionId xmax)
{
	PgdTouch   *touch = &pgd_touches[pgd_touch_turn++ % PGD_TOUCHES];

	touch->row = row;
	touch->relid = relid;
	touch->xmax = xmax;
	touch->position = position;
	touch->what = what;
}

#endif							/* PGD_TOUCHES_H */
