/*-------------------------------------------------------------------------
 *
 * table.h
 *		The table of statements, a partition at a time; for store.c alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TABLE_H
#define PGD_TABLE_H

#include "pg_diagnose.h"

#include "port/atomics.h"

#define PGD_PARTITIONS	16
#define PGD_USAGE_MAX	5
#define PGD_NONE		(-1)

#define CELL_DATA		120		/* bytes of text per cell */

/* A piece of text. */
typedef struct PgdCell
{
	int32		next;			/* of this text, or of the free list */
	int32		users;			/* entries with this text; in its first cell */
	char		data[CELL_DATA];
} PgdCell;

typedef struct PgdEntry
{
	int32		next;			/* in the hash chain, or in the free list */
	int32		text;			/* first cell */
	int32		text_len;
	pg_atomic_uint32 claims;	/* slots that have it pending, about */
	uint8		usage;			/* for the clock sweep */
	bool		in_use;
	bool		evicted;		/* the (evicted) row of a database */
	PgdStatement statement;
} PgdEntry;

typedef struct PgdPartition
{
	int32		free_entry;
	int32		free_cell;
	int32		used;
	int32		cells_used;
	int32		evicted_rows;
	int32		hand;			/* of the clock sweep */
	int64		evictions;
	int64		texts_dropped;
} PgdPartition;

PGD_BEGIN_INTERNAL

extern Size pgd_table_layout(char *base);
extern void pgd_table_clear(void);
extern PgdPartition *pgd_table_get(int p);
extern int	pgd_table_entries(int p, PgdEntry **first);
extern Size pgd_table_text_room(void);
extern int	pgd_table_partition(const PgdKey *key);
extern PgdEntry *pgd_table_find(int p, const PgdKey *key);
extern PgdEntry *pgd_table_insert(int p, const PgdKey *key);
extern void pgd_table_free(int p, PgdEntry *entry);
extern PgdEntry *pgd_table_evicted_row(int p, Oid dbid);
extern void pgd_table_set_text(int p, PgdEntry *entry, uint64 fingerprint,
							   const char *text, int len);
extern int	pgd_table_copy_text(int p, const PgdEntry *entry,
								char *into, int size);

PGD_END_INTERNAL

#endif							/* PGD_TABLE_H */
