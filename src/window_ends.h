/*-------------------------------------------------------------------------
 *
 * window_ends.h
 *		Both ends of a window, read; for window_*.c.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_WINDOW_ENDS_H
#define PGD_WINDOW_ENDS_H

#include "image.h"
#include "image_index.h"
#include "texts.h"
#include "window.h"

/* Both ends; without a lower one there is only one image. */
typedef struct PgdEnds
{
	PgdTexts   *texts;			/* of statements, if the upper end has none */
	PgdImage	upper;
	PgdImage	lower;
	bool		has_lower;
	MemoryContext context;		/* all memory of these */
	MemoryContext outer;
} PgdEnds;

PGD_BEGIN_INTERNAL

extern void pgd_ends_open(const PgdWindow *window, PgdEnds *ends);
extern void pgd_ends_close(PgdEnds *ends);
extern void pgd_ends_report_damaged(const PgdImage *image);
extern void pgd_ends_index(const PgdImage *image, PgdSection which,
						   PgdIndex *index);
extern PgdIndex pgd_ends_index_lower(const PgdEnds *ends, PgdSection which);

PGD_END_INTERNAL

#endif							/* PGD_WINDOW_ENDS_H */
