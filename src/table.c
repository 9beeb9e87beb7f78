/*-------------------------------------------------------------------------
 *
 * table.c
 *		The table of statements: entries, their texts, and who makes room.
 *
 * The table is cut into partitions by (database, query identifier).  Each
 * has its own entries, hash chains and text cells.  All entries of one
 * statement lie in the same partition, whoever ran it, so they can share one
 * text.
 *
 * An entry that makes room for another one leaves its numbers to the
 * (evicted) row of its database: totals stay exact.
 *
 * Nothing here locks.  Every function wants the lock of the partition it is
 * given, in exclusive mode if it changes something; store.c sees to that.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bitutils.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "sums.h"
#include "table.h"

#define SWEEP			8		/* entries looked at to find a victim */

#define NONE			PGD_NONE

/* where things are; set once per process */
static PgdPartition *partitions;	/* [PGD_PARTITIONS] */
static int32 *chains;			/* [PGD_PARTITIONS][nchains] */
static PgdEntry *entries;		/* [PGD_PARTITIONS][nentries] */
static PgdCell *cells;			/* [PGD_PARTITIONS][ncells] */

/* sizes per partition; follow from the settings */
static int	nchains;
static int	nentries;
static int	ncells;

#define CHAINS(p)	(chains + (p) * nchains)
#define ENTRIES(p)	(entries + (p) * nentries)
#define CELLS(p)	(cells + (p) * ncells)

static uint32 key_chain(const PgdKey *key);
static void entry_link(int p, PgdEntry *entry);
static void entry_unlink(int p, PgdEntry *entry);
static PgdEntry *entry_choose_victim(int p);
static void entry_evict_one(int p);
static void evicted_key(int p, Oid dbid, PgdKey *key);
static void text_release(int p, PgdEntry *entry);

/*
 * Find out the size and, given where to begin, the places of everything.
 */
Size
pgd_table_layout(char *base)
{
	Size		size = 0;

	nentries = (pgd_max + PGD_PARTITIONS - 1) / PGD_PARTITIONS;
	nchains = pg_nextpower2_32(nentries);
	ncells = Max(1, (Size) pgd_query_text_memory * 1024 /
				 (PGD_PARTITIONS * sizeof(PgdCell)));

#define PLACE(pointer, type, n) \
	do { \
		(pointer) = (type *) (base + size); \
		size = add_size(size, CACHELINEALIGN(mul_size(sizeof(type), n))); \
	} while (0)

	PLACE(partitions, PgdPartition, PGD_PARTITIONS);
	PLACE(chains, int32, PGD_PARTITIONS * nchains);
	PLACE(entries, PgdEntry, (Size) PGD_PARTITIONS * nentries);
	PLACE(cells, PgdCell, (Size) PGD_PARTITIONS * ncells);
#undef PLACE

	return size;
}

/* Make all partitions empty. */
void
pgd_table_clear(void)
{
	memset(partitions, 0, sizeof(PgdPartition) * PGD_PARTITIONS);
	memset(chains, 0xff, sizeof(int32) * PGD_PARTITIONS * nchains);
	memset(entries, 0, sizeof(PgdEntry) * PGD_PARTITIONS * nentries);
	for (int p = 0; p < PGD_PARTITIONS; p++)
	{
		for (int i = 0; i < nentries; i++)
			ENTRIES(p)[i].next = i + 1 < nentries ? i + 1 : NONE;
		for (int i = 0; i < ncells; i++)
			CELLS(p)[i].next = i + 1 < ncells ? i + 1 : NONE;
	}
}

PgdPartition *
pgd_table_get(int p)
{
	return &partitions[p];
}

/* Entries of a partition, used or not. */
int
pgd_table_entries(int p, PgdEntry **first)
{
	*first = ENTRIES(p);
	return nentries;
}

/* Bytes of text that a partition has room for. */
Size
pgd_table_text_room(void)
{
	return (Size) ncells * CELL_DATA;
}

/*
 * Query identifiers are hashes already, but not ours to trust; Fibonacci
 * hashing spreads whatever they are.  Users and nesting levels stay together,
 * for the text they share.
 */
static inline uint64
key_hash(const PgdKey *key)
{
	return (key->queryid ^ key->dbid) * UINT64CONST(0x9E3779B97F4A7C15);
}

/* Which partition a key belongs to. */
int
pgd_table_partition(const PgdKey *key)
{
	StaticAssertStmt(PGD_PARTITIONS == 16, "four bits of the hash");
	return (int) (key_hash(key) >> 60);
}

static uint32
key_chain(const PgdKey *key)
{
	return (uint32) (key_hash(key) >> 28) & (nchains - 1);
}

static inline bool
key_equal(const PgdKey *a, const PgdKey *b)
{
	return a->queryid == b->queryid && a->dbid == b->dbid &&
		a->userid == b->userid && a->toplevel == b->toplevel;
}

PgdEntry *
pgd_table_find(int p, const PgdKey *key)
{
	for (int32 i = CHAINS(p)[key_chain(key)]; i != NONE; i = ENTRIES(p)[i].next)
	{
		if (key_equal(&ENTRIES(p)[i].statement.key, key))
			return &ENTRIES(p)[i];
	}
	return NULL;
}

/*
 * Make an entry for a key that has none, at the cost of another one if the
 * partition is full.
 */
PgdEntry *
pgd_table_insert(int p, const PgdKey *key)
{
	PgdPartition *part = &partitions[p];
	PgdEntry   *entry;

	if (part->free_entry == NONE)
		entry_evict_one(p);

	entry = &ENTRIES(p)[part->free_entry];
	part->free_entry = entry->next;
	part->used++;

	memset(&entry->statement, 0, sizeof(PgdStatement));
	entry->statement.key = *key;
	entry->statement.since = GetCurrentTimestamp();
	entry->text = NONE;
	entry->text_len = 0;
	entry->usage = 1;
	pg_atomic_init_u32(&entry->claims, 0);
	entry->in_use = true;
	entry->evicted = false;
	entry_link(p, entry);
	return entry;
}

void
pgd_table_free(int p, PgdEntry *entry)
{
	PgdPartition *part = &partitions[p];

	text_release(p, entry);
	entry_unlink(p, entry);
	if (entry->evicted)
		part->evicted_rows--;
	entry->in_use = false;
	entry->next = part->free_entry;
	part->free_entry = entry - ENTRIES(p);
	part->used--;
}

static void
entry_link(int p, PgdEntry *entry)
{
	int32	   *head = &CHAINS(p)[key_chain(&entry->statement.key)];

	entry->next = *head;
	*head = entry - ENTRIES(p);
}

static void
entry_unlink(int p, PgdEntry *entry)
{
	int32	   *link = &CHAINS(p)[key_chain(&entry->statement.key)];

	while (*link != entry - ENTRIES(p))
		link = &ENTRIES(p)[*link].next;
	*link = entry->next;
}

/*
 * Choose the entry to give up.  The clock sweep looks at SWEEP entries at
 * most and takes the first that was not used since the hand last came by, or
 * else the least used one.  What some session has pending is in use, and goes
 * last.
 */
static PgdEntry *
entry_choose_victim(int p)
{
	PgdPartition *part = &partitions[p];
	PgdEntry   *victim = NULL;
	uint32		victim_use = 0;
	int			looked = 0;

	for (int step = 0; step < nentries && looked < SWEEP; step++)
	{
		PgdEntry   *entry = &ENTRIES(p)[part->hand];
		uint32		use;

		part->hand = (part->hand + 1) % nentries;
		if (!entry->in_use || entry->evicted)
			continue;
		looked++;
		use = entry->usage;
		if (pg_atomic_read_u32(&entry->claims) > 0)
			use += PGD_USAGE_MAX + 1;
		else if (entry->usage > 0)
			entry->usage--;
		if (victim == NULL || use < victim_use)
		{
			victim = entry;
			victim_use = use;
		}
		if (use == 0)
			break;
	}
	return victim;
}

/*
 * Under which key the evicted statements of a database are summed up.  A
 * partition keeps so many databases apart; all others share database 0.
 */
static void
evicted_key(int p, Oid dbid, PgdKey *key)
{
	memset(key, 0, sizeof(PgdKey));
	key->dbid = dbid;
	if (partitions[p].evicted_rows >= Max(1, nentries / 8) &&
		pgd_table_find(p, key) == NULL)
		key->dbid = InvalidOid;
}

/*
 * Free one entry, its numbers going to its database's (evicted) row.  The
 * first victim of a database becomes that row, and another one makes room.
 */
static void
entry_evict_one(int p)
{
	PgdPartition *part = &partitions[p];

	for (;;)
	{
		PgdEntry   *victim = entry_choose_victim(p);
		PgdEntry   *row;
		PgdKey		key;

		evicted_key(p, victim->statement.key.dbid, &key);
		row = pgd_table_find(p, &key);
		part->evictions++;
		if (row != NULL)
		{
			pgd_statement_add(&row->statement, &victim->statement);
			pgd_table_free(p, victim);
			return;
		}

		text_release(p, victim);
		entry_unlink(p, victim);
		victim->statement.key = key;
		victim->statement.fingerprint = 0;
		victim->evicted = true;
		entry_link(p, victim);
		part->evicted_rows++;
	}
}

/*
 * The (evicted) row of a database, made if need be.
 */
PgdEntry *
pgd_table_evicted_row(int p, Oid dbid)
{
	PgdEntry   *row;
	PgdKey		key;

	evicted_key(p, dbid, &key);
	row = pgd_table_find(p, &key);
	if (row == NULL && partitions[p].free_entry == NONE)
	{
		/* may make just this row */
		entry_evict_one(p);
		evicted_key(p, dbid, &key);
		row = pgd_table_find(p, &key);
	}
	if (row == NULL)
	{
		row = pgd_table_insert(p, &key);
		row->evicted = true;
		partitions[p].evicted_rows++;
	}
	return row;
}

/*
 * Give an entry its text: that of another entry of the same statement, or a
 * new copy.  Without room for it the statement stays without text.
 */
void
pgd_table_set_text(int p, PgdEntry *entry, uint64 fingerprint,
				   const char *text, int len)
{
	PgdPartition *part = &partitions[p];
	int			wanted = (len + CELL_DATA - 1) / CELL_DATA;
	int32	   *link;

	for (int32 i = CHAINS(p)[key_chain(&entry->statement.key)]; i != NONE;
		 i = ENTRIES(p)[i].next)
	{
		PgdEntry   *other = &ENTRIES(p)[i];

		if (other->text != NONE &&
			other->statement.key.queryid == entry->statement.key.queryid &&
			other->statement.key.dbid == entry->statement.key.dbid)
		{
			entry->text = other->text;
			entry->text_len = other->text_len;
			entry->statement.fingerprint = other->statement.fingerprint;
			entry->statement.encoding = other->statement.encoding;
			CELLS(p)[entry->text].users++;
			return;
		}
	}

	if (len > 0 && part->cells_used + wanted > ncells)
	{
		/* each time the statement is registered again it is tried again */
		if (entry->statement.fingerprint == 0)
			part->texts_dropped++;
		len = 0;
	}
	entry->statement.fingerprint = fingerprint;
	if (len <= 0)
		return;

	link = &entry->text;
	for (int done = 0; done < len; done += CELL_DATA)
	{
		int32		c = part->free_cell;
		PgdCell    *cell = &CELLS(p)[c];

		part->free_cell = cell->next;
		memcpy(cell->data, text + done, Min(CELL_DATA, len - done));
		*link = c;
		link = &cell->next;
	}
	*link = NONE;
	CELLS(p)[entry->text].users = 1;
	entry->text_len = len;
	part->cells_used += wanted;
}

static void
text_release(int p, PgdEntry *entry)
{
	PgdPartition *part = &partitions[p];
	int32		c = entry->text;

	entry->text = NONE;
	if (c == NONE || --CELLS(p)[c].users > 0)
		return;
	while (c != NONE)
	{
		int32		next = CELLS(p)[c].next;

		CELLS(p)[c].next = part->free_cell;
		part->free_cell = c;
		part->cells_used--;
		c = next;
	}
}

/*
 * Copy the text of an entry, cut to "size"; returns its length, or PGD_NONE
 * if it has none.
 */
int
pgd_table_copy_text(int p, const PgdEntry *entry, char *into, int size)
{
	int			len = Min(entry->text_len, size);
	int32		c = entry->text;

	if (c == NONE)
		return NONE;
	for (int done = 0; done < len; done += CELL_DATA)
	{
		memcpy(into + done, CELLS(p)[c].data, Min(CELL_DATA, len - done));
		c = CELLS(p)[c].next;
	}
	return len;
}
