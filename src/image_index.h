/*-------------------------------------------------------------------------
 *
 * image_index.h
 *		The records of a section of an image, found by their keys.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_IMAGE_INDEX_H
#define PGD_IMAGE_INDEX_H

#include "image.h"

/* All zero is the index of no records. */
typedef struct PgdIndex
{
	int			n;
	PgdRecord  *records;
	bool	   *met;			/* by record: was it ever asked for? */
	uint32		mask;
	int		   *buckets;		/* number of a record plus one; 0: none */
} PgdIndex;

PGD_BEGIN_INTERNAL

extern bool pgd_index_section(const PgdImage *image, PgdSection which,
							  PgdIndex *index);
extern const PgdRecord *pgd_index_meet(PgdIndex *index, const PgdCursor *key);

PGD_END_INTERNAL

static inline bool
pgd_same_bytes(const PgdCursor *a, const PgdCursor *b)
{
	return a->end - a->next == b->end - b->next &&
		memcmp(a->next, b->next, a->end - a->next) == 0;
}

#endif							/* PGD_IMAGE_INDEX_H */
