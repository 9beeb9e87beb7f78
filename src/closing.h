/*-------------------------------------------------------------------------
 *
 * closing.h
 *		A transcript comes to its end: what is known only then.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_CLOSING_H
#define PGD_CLOSING_H

#include "shapes.h"

/* What a reader wants to see. */
typedef enum PgdClosingPart
{
	PGD_CLOSED = 1 << 0,		/* transcripts that are over */
	PGD_OPEN = 1 << 1,			/* bursts that are open, as if they ended now */
	PGD_ALL = PGD_CLOSED | PGD_OPEN
} PgdClosingPart;

/* All numbers of a shape. */
typedef void (*PgdShapeVisitor) (const PgdShape *shape, void *arg);

PGD_BEGIN_INTERNAL

extern void pgd_closing_finish(PgdXactOutcome outcome, TimestampTz stop,
							   TimestampTz unlocked);
extern void pgd_closing_sum_steps(const PgdTranscript *t,
								  PgdXactCounters *sums);
extern void pgd_closing_read(PgdClosingPart part, PgdShapeVisitor visit,
							 void *arg);

PGD_END_INTERNAL

#endif							/* PGD_CLOSING_H */
