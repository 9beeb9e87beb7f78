/*-------------------------------------------------------------------------
 *
 * reading.c
 *		What a reader makes of a partition: its entries, and what slots have
 *		pending for them.
 *
 * Everything between pgd_reading_begin() and the last pgd_reading_add() is
 * done with the partition's lock held, so nothing there may throw: memory is
 * taken before, and if it is not enough the reading says so and is begun
 * again.  Visitors are called without a lock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "guc.h"
#include "reading.h"
#include "sums.h"

#define PAGE			4096	/* bytes of memory that are given at once */

static PgdStatement *without_entry(PgdReading *reading, const PgdKey *key);

/*
 * Have memory given to us now, and not page by page while a lock is held: that
 * takes longer than copying.
 */
void
pgd_reading_touch(void *memory, Size size)
{
	for (Size at = 0; at < size; at += PAGE)
		((volatile char *) memory)[at] = 0;
}

/*
 * Take the memory for a partition with all its entries in use.
 */
void
pgd_reading_make(PgdReading *reading)
{
	PgdEntry   *first;
	int			nentries = pgd_table_entries(0, &first);
	int			used = 0;

	reading->nentries = nentries;
	reading->text_size = pgd_query_text_size;
	reading->allocated = nentries + 1;
	reading->statements = (PgdStatement *)
		MemoryContextAllocHuge(CurrentMemoryContext,
							   sizeof(PgdStatement) * reading->allocated);
	reading->texts = (char *)
		MemoryContextAllocHuge(CurrentMemoryContext,
							   (Size) reading->text_size * nentries);
	for (int p = 0; p < PGD_PARTITIONS; p++)
		used = Max(used, pgd_table_get(p)->used);
	used = Min(used, nentries);
	pgd_reading_touch(reading->statements, sizeof(PgdStatement) * used);
	pgd_reading_touch(reading->texts, (Size) reading->text_size * used);
	reading->of_entry = palloc(sizeof(int) * nentries);
	reading->text_lens = palloc(sizeof(int) * nentries);
	reading->pending = palloc(sizeof(PgdPending) * PGD_PENDING);
}

void
pgd_reading_free(PgdReading *reading)
{
	pfree(reading->statements);
	pfree(reading->texts);
	pfree(reading->of_entry);
	pfree(reading->text_lens);
	pfree(reading->pending);
}

/* More statements without an entry than expected. */
void
pgd_reading_extend(PgdReading *reading)
{
	reading->allocated += PGD_PENDING;
	reading->statements = (PgdStatement *)
		repalloc_huge(reading->statements,
					  sizeof(PgdStatement) * reading->allocated);
}

/*
 * Begin with what the entries of a partition say.
 */
void
pgd_reading_begin(PgdReading *reading, int p)
{
	PgdEntry   *first;
	int			nentries = pgd_table_entries(p, &first);

	reading->nstatements = 0;
	reading->full = false;
	for (int i = 0; i < nentries; i++)
	{
		const PgdEntry *entry = &first[i];

		reading->of_entry[i] = PGD_NONE;
		if (!entry->in_use)
			continue;
		reading->of_entry[i] = reading->nstatements;
		reading->text_lens[i] =
			pgd_table_copy_text(p, entry,
								reading->texts + (Size) i * reading->text_size,
								reading->text_size);
		memcpy(&reading->statements[reading->nstatements++],
			   &entry->statement, sizeof(PgdStatement));
	}
	reading->nfound = reading->nstatements;
}

/*
 * Add a pending statement to what its entry said.  Without an entry it goes
 * where pgd_store_merge() would put it.
 */
void
pgd_reading_add(PgdReading *reading, int p, const PgdPending *pending)
{
	PgdEntry   *first;
	PgdEntry   *entry;
	PgdStatement *statement;
	PgdKey		key = pending->key;

	if (pgd_pending_is_empty(pending))
		return;

	(void) pgd_table_entries(p, &first);
	entry = pgd_table_find(p, &key);
	if (entry == NULL && pending->registered)
	{
		memset(&key, 0, sizeof(key));
		key.dbid = pending->key.dbid;
		entry = pgd_table_find(p, &key);
	}

	if (entry != NULL)
		statement = &reading->statements[reading->of_entry[entry - first]];
	else
		statement = without_entry(reading, &key);
	if (statement != NULL)
		pgd_pending_add_to(statement, pending);
}

/*
 * A statement of the reading that has no entry: they are few.  NULL if there
 * is no room for it.
 */
static PgdStatement *
without_entry(PgdReading *reading, const PgdKey *key)
{
	PgdStatement *statement;

	for (int i = reading->nfound; i < reading->nstatements; i++)
	{
		statement = &reading->statements[i];
		if (memcmp(&statement->key, key, sizeof(PgdKey)) == 0)
			return statement;
	}

	if (reading->nstatements == reading->allocated)
	{
		reading->full = true;
		return NULL;
	}
	statement = &reading->statements[reading->nstatements++];
	memset(statement, 0, sizeof(PgdStatement));
	statement->key = *key;
	return statement;
}

/*
 * Visit all that was read.
 */
void
pgd_reading_visit(const PgdReading *reading, PgdStatementVisitor visit,
				  void *arg)
{
	for (int i = 0; i < reading->nentries; i++)
	{
		const char *text = reading->texts + (Size) i * reading->text_size;

		if (reading->of_entry[i] == PGD_NONE)
			continue;
		if (reading->text_lens[i] == PGD_NONE)
			visit(&reading->statements[reading->of_entry[i]], NULL, 0, arg);
		else
			visit(&reading->statements[reading->of_entry[i]], text,
				  reading->text_lens[i], arg);
	}
	for (int i = reading->nfound; i < reading->nstatements; i++)
		visit(&reading->statements[i], NULL, 0, arg);
}
