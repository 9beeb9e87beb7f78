/*-------------------------------------------------------------------------
 *
 * image_index.c
 *		The records of a section of an image, found by their keys.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "port/pg_bitutils.h"
#include "utils/memutils.h"

#include "image_index.h"

static inline uint32
hash_of(const PgdCursor *key)
{
	return hash_bytes((const unsigned char *) key->next, key->end - key->next);
}

/*
 * Returns false if the section is damaged.
 */
bool
pgd_index_section(const PgdImage *image, PgdSection which, PgdIndex *index)
{
	PgdCursor	section = image->sections[which];
	PgdRecord	record;
	int			allocated = 256;

	memset(index, 0, sizeof(PgdIndex));
	index->records = palloc(sizeof(PgdRecord) * allocated);
	while (pgd_image_next(&section, &record))
	{
		if (index->n == allocated)
			index->records = repalloc_huge(index->records, sizeof(PgdRecord) *
										   (Size) (allocated *= 2));
		index->records[index->n++] = record;
	}

	index->met = palloc0(Max(index->n, 1));
	index->mask = pg_nextpower2_32(Max(index->n, 8) * 2) - 1;
	index->buckets = palloc0(sizeof(int) * ((Size) index->mask + 1));
	for (int i = 0; i < index->n; i++)
	{
		uint32		b = hash_of(&index->records[i].key) & index->mask;

		while (index->buckets[b] != 0)
			b = (b + 1) & index->mask;
		index->buckets[b] = i + 1;
	}
	return !section.bad;
}

/*
 * The record with that key, or NULL.  From now on it counts as met.
 */
const PgdRecord *
pgd_index_meet(PgdIndex *index, const PgdCursor *key)
{
	uint32		b;

	if (index->n == 0)
		return NULL;
	b = hash_of(key) & index->mask;
	for (; index->buckets[b] != 0; b = (b + 1) & index->mask)
	{
		int			i = index->buckets[b] - 1;

		if (pgd_same_bytes(&index->records[i].key, key))
		{
			index->met[i] = true;
			return &index->records[i];
		}
	}
	return NULL;
}
