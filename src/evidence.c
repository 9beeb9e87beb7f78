/*-------------------------------------------------------------------------
 *
 * evidence.c
 *		What executed plans have shown, in shared memory.
 *
 * An array of entries, found by hash chains, and cells for the bytes of
 * examples.  Both are of fixed size.  When one runs out, the entry that is
 * worth least makes room: the one at which the fewest rows were looked at,
 * among a few.
 *
 * Nothing here locks: but for what is counted with atomic operations, every
 * function wants the lock of store_evidence.c, in exclusive mode if it
 * changes something.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "port/atomics.h"
#include "port/pg_bitutils.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "evidence.h"
#include "guc.h"

#define NONE			PGD_EVIDENCE_NONE
#define CELL_DATA		252		/* bytes of an example per cell */
#define SWEEP			8		/* entries looked at to find a victim */
#define MIN_ENTRIES		32
#define ENTRIES_SHARE	30		/* percent of the memory that is for entries */
#define EXAMPLE_AGE		USECS_PER_HOUR	/* an older one may be replaced */

#define ENOUGH			3		/* times that an example was no news */

/* Entries younger than this go later, see worth(). */
#define RECENT			(10 * USECS_PER_SEC)
#define RECENT_WORTH	6

/* A piece of an example. */
typedef struct Cell
{
	int32		next;			/* of this example, or of the free list */
	char		data[CELL_DATA];
} Cell;

typedef struct Header
{
	pg_atomic_uint64 allowed_at;	/* see pgd_evidence_may_take() */
	pg_atomic_uint64 dropped;
	pg_atomic_uint64 busy;
	int64		evictions;
	int32		free_entry;
	int32		free_cell;
	int32		used;
	int32		cells_used;
	int32		hand;			/* where the next victim is looked for */
} Header;

/* where things are; set once per process */
static Header *header = NULL;
static int32 *chains;			/* [nchains] */
static PgdEvidenceEntry *entries;	/* [nentries] */
static Cell *cells;				/* [ncells] */

/* sizes; follow from the setting */
static int	nchains;
static int	nentries;
static int	ncells;

static int32 *chain_of(const PgdKey *key);
static bool is_key(const PgdKey *a, const PgdKey *b);
static int64 worth(const PgdEvidenceEntry *entry, TimestampTz now);
static PgdEvidenceEntry *choose_victim(const PgdEvidenceEntry *example_of,
									   TimestampTz now);
static void free_example(PgdEvidenceEntry *entry, int which);

/* ----------
 * Start of the server
 * ----------
 */

/*
 * Find out the size and, given where to begin, the places of everything.
 */
Size
pgd_evidence_layout(char *base)
{
	Size		bytes = (Size) pgd_evidence_memory * 1024;
	Size		size = 0;

	nentries = ncells = 0;
	if (bytes > 0)
	{
		nentries = Max(MIN_ENTRIES, bytes / 100 * ENTRIES_SHARE /
					   sizeof(PgdEvidenceEntry));
		ncells = Max(2 * PGD_EXAMPLE_MAX / CELL_DATA,
					 bytes / 100 * (100 - ENTRIES_SHARE) / sizeof(Cell));
	}
	nchains = pg_nextpower2_32(Max(nentries, 1));

#define PLACE(pointer, type, n) \
	do { \
		(pointer) = (type *) (base + size); \
		size = add_size(size, CACHELINEALIGN(mul_size(sizeof(type), n))); \
	} while (0)

	PLACE(header, Header, 1);
	PLACE(chains, int32, nchains);
	PLACE(entries, PgdEvidenceEntry, nentries);
	PLACE(cells, Cell, ncells);
#undef PLACE

	return size;
}

void
pgd_evidence_clear(void)
{
	memset(header, 0, sizeof(Header));
	pg_atomic_init_u64(&header->allowed_at, 0);
	pg_atomic_init_u64(&header->dropped, 0);
	pg_atomic_init_u64(&header->busy, 0);
	header->free_entry = nentries > 0 ? 0 : NONE;
	header->free_cell = ncells > 0 ? 0 : NONE;
	memset(chains, 0xff, sizeof(int32) * nchains);
	memset(entries, 0, sizeof(PgdEvidenceEntry) * nentries);
	for (int i = 0; i < nentries; i++)
		entries[i].next = i + 1 < nentries ? i + 1 : NONE;
	for (int i = 0; i < ncells; i++)
		cells[i].next = i + 1 < ncells ? i + 1 : NONE;
}

/* ----------
 * Without the lock
 * ----------
 */

/*
 * May one more execution be instrumented, or one more example be taken?
 *
 * A bucket of tokens, a second's worth of them: "allowed_at" is the time at
 * which it is full again.  Who loses a race for a token does without.
 */
bool
pgd_evidence_may_take(TimestampTz now)
{
	uint64		full_at;
	uint64		next;

	if (pgd_evidence_rate <= 0 || nentries == 0)
		return false;
	full_at = pg_atomic_read_u64(&header->allowed_at);
	next = Max(full_at, (uint64) now) + USECS_PER_SEC / pgd_evidence_rate;
	if (next > (uint64) now + USECS_PER_SEC)
	{
		/* also if a clock was set back: then begin anew */
		if (next <= (uint64) now + 10 * USECS_PER_SEC)
			return false;
		next = (uint64) now;
	}
	return pg_atomic_compare_exchange_u64(&header->allowed_at, &full_at, next);
}

/* How a relation is called in a query, as a number. */
uint32
pgd_evidence_alias(const char *name)
{
	return hash_bytes((const unsigned char *) name, strlen(name));
}

void
pgd_evidence_count_dropped(void)
{
	pg_atomic_fetch_add_u64(&header->dropped, 1);
}

void
pgd_evidence_count_busy(void)
{
	pg_atomic_fetch_add_u64(&header->busy, 1);
}

/* ----------
 * Entries
 * ----------
 */

int
pgd_evidence_entries(PgdEvidenceEntry **first)
{
	*first = entries;
	return nentries;
}

/* Fibonacci hashing, as in table.c. */
static int32 *
chain_of(const PgdKey *key)
{
	uint64		hash = (key->queryid ^ key->dbid ^
						((uint64) key->userid << 32 | key->toplevel)) *
		UINT64CONST(0x9E3779B97F4A7C15);

	return &chains[(hash >> 32) & (nchains - 1)];
}

static bool
is_key(const PgdKey *a, const PgdKey *b)
{
	return a->queryid == b->queryid && a->userid == b->userid &&
		a->dbid == b->dbid && a->toplevel == b->toplevel;
}

PgdEvidenceEntry *
pgd_evidence_find(const PgdKey *key)
{
	if (nentries == 0)
		return NULL;
	for (int32 i = *chain_of(key); i != NONE; i = entries[i].next)
	{
		if (is_key(&entries[i].evidence.key, key))
			return &entries[i];
	}
	return NULL;
}

/*
 * The entry of a statement, made at the cost of another one if need be;
 * NULL if there is no memory for evidence.
 */
PgdEvidenceEntry *
pgd_evidence_get(const PgdKey *key, TimestampTz now)
{
	PgdEvidenceEntry *entry = pgd_evidence_find(key);
	int32	   *chain;

	if (entry != NULL)
		return entry;
	if (nentries == 0)
		return NULL;
	if (header->free_entry == NONE)
	{
		/* all are in use, so there is one */
		pgd_evidence_free(choose_victim(NULL, now));
		header->evictions++;
	}
	entry = &entries[header->free_entry];
	header->free_entry = entry->next;
	header->used++;
	memset(entry, 0, sizeof(PgdEvidenceEntry));
	entry->in_use = true;
	entry->evidence.key = *key;
	entry->evidence.last_seen = now;
	for (int i = 0; i < PGD_EVIDENCE_EXAMPLES; i++)
		entry->examples[i].cell = NONE;
	chain = chain_of(key);
	entry->next = *chain;
	*chain = entry - entries;
	return entry;
}

void
pgd_evidence_free(PgdEvidenceEntry *entry)
{
	int32	   *link = chain_of(&entry->evidence.key);

	for (int i = 0; i < PGD_EVIDENCE_EXAMPLES; i++)
		free_example(entry, i);
	while (*link != entry - entries)
		link = &entries[*link].next;
	*link = entry->next;
	entry->in_use = false;
	entry->next = header->free_entry;
	header->free_entry = entry - entries;
	header->used--;
}

/*
 * The more rows its nodes looked at, the more an index might save.  What is
 * new has had no time to show that, and what was not seen for long is worth
 * less each hour.
 */
static int64
worth(const PgdEvidenceEntry *entry, TimestampTz now)
{
	const PgdEvidence *e = &entry->evidence;
	TimestampTz age = Max(now - e->last_seen, 0);
	uint64		rows = 1;

	for (int i = 0; i < PGD_EVIDENCE_NODES && e->nodes[i].kind != 0; i++)
		rows += e->nodes[i].rows + e->nodes[i].discarded;
	return pg_leftmost_one_pos64(rows) +
		(age < RECENT ? RECENT_WORTH : 0) - age / USECS_PER_HOUR;
}

static bool
has_example(const PgdEvidenceEntry *entry)
{
	for (int i = 0; i < PGD_EVIDENCE_EXAMPLES; i++)
	{
		if (entry->examples[i].cell != NONE)
			return true;
	}
	return false;
}

/*
 * The least worthwhile of the next few entries, or NULL.  If room is made for
 * an example of an entry, it is among the others that have some.
 */
static PgdEvidenceEntry *
choose_victim(const PgdEvidenceEntry *example_of, TimestampTz now)
{
	PgdEvidenceEntry *victim = NULL;
	int64		least = 0;
	int			looked = 0;

	for (int step = 0; step < nentries && looked < SWEEP; step++)
	{
		PgdEvidenceEntry *entry = &entries[header->hand];
		int64		w;

		header->hand = (header->hand + 1) % nentries;
		if (!entry->in_use ||
			(example_of != NULL &&
			 (entry == example_of || !has_example(entry))))
			continue;
		looked++;
		w = worth(entry, now);
		if (victim == NULL || w < least)
		{
			victim = entry;
			least = w;
		}
	}
	return victim;
}

/* ----------
 * What is in them
 * ----------
 */

/*
 * When there is no room for another node, as plans have changed, those at
 * which few rows were looked at go.
 */
static void
add_node(PgdEvidence *sum, const PgdNodeEvidence *more)
{
	PgdNodeEvidence *least = &sum->nodes[0];

	for (int i = 0; i < PGD_EVIDENCE_NODES; i++)
	{
		PgdNodeEvidence *node = &sum->nodes[i];

		if (node->kind == 0)
		{
			*node = *more;
			return;
		}
		if (node->kind == more->kind && node->alias == more->alias &&
			node->relid == more->relid && node->index == more->index)
		{
			node->executions += more->executions;
			node->loops += more->loops;
			node->rows += more->rows;
			node->discarded += more->discarded;
			node->estimated += more->estimated;
			return;
		}
		if (node->rows + node->discarded < least->rows + least->discarded)
			least = node;
	}
	if (least->rows + least->discarded < more->rows + more->discarded)
		*least = *more;
}

/* "more" is of one execution, and has one value of each comparison. */
static void
add_constant(PgdEvidence *sum, const PgdConstantEvidence *more)
{
	for (int i = 0; i < PGD_EVIDENCE_CONSTANTS; i++)
	{
		PgdConstantEvidence *c = &sum->constants[i];

		if (!OidIsValid(c->relid))
		{
			*c = *more;
			return;
		}
		if (c->relid != more->relid || c->opno != more->opno ||
			c->attno != more->attno)
			continue;
		c->total += more->total;
		for (int v = 0; v < PGD_EVIDENCE_VALUES &&
			 more->values[0].count > 0; v++)
		{
			if (c->values[v].count == 0)
				c->values[v].hash = more->values[0].hash;
			if (c->values[v].hash == more->values[0].hash)
			{
				c->values[v].count += more->values[0].count;
				break;
			}
		}
		return;
	}
}

/*
 * Add one execution.
 */
void
pgd_evidence_add(PgdEvidence *sum, const PgdEvidence *more)
{
	sum->executions += more->executions;
	sum->cut_short += more->cut_short;
	sum->cost += more->cost;
	sum->last_seen = Max(sum->last_seen, more->last_seen);
	for (int i = 0; i < PGD_EVIDENCE_NODES && more->nodes[i].kind != 0; i++)
		add_node(sum, &more->nodes[i]);
	for (int i = 0; i < PGD_EVIDENCE_CONSTANTS &&
		 OidIsValid(more->constants[i].relid); i++)
		add_constant(sum, &more->constants[i]);
}

/* ----------
 * Examples
 * ----------
 */

static void
free_example(PgdEvidenceEntry *entry, int which)
{
	int32		c = entry->examples[which].cell;

	entry->examples[which].cell = NONE;
	while (c != NONE)
	{
		int32		next = cells[c].next;

		cells[c].next = header->free_cell;
		header->free_cell = c;
		header->cells_used--;
		c = next;
	}
}

/*
 * Free cells at the cost of others that are worth no more.  What plans have
 * shown of them is kept.
 */
static void
make_room(const PgdEvidenceEntry *entry, int wanted, TimestampTz now)
{
	for (int i = 0; i < SWEEP && header->cells_used + wanted > ncells; i++)
	{
		PgdEvidenceEntry *victim = choose_victim(entry, now);

		if (victim == NULL || worth(victim, now) > worth(entry, now))
			break;
		for (int e = 0; e < PGD_EVIDENCE_EXAMPLES; e++)
			free_example(victim, e);
		victim->repeated = 0;
		header->evictions++;
	}
}

/*
 * Where a new example goes: a free place, else that of the oldest one.
 */
static int
place_of_next(const PgdEvidenceEntry *entry)
{
	int			oldest = 0;

	for (int i = 0; i < PGD_EVIDENCE_EXAMPLES; i++)
	{
		if (entry->examples[i].cell == NONE)
			return i;
		if (entry->examples[i].taken_at < entry->examples[oldest].taken_at)
			oldest = i;
	}
	return oldest;
}

/*
 * Is another example of use?  "entry" may be NULL.  Those of a slow
 * execution are preferred.  A statement whose examples are all the same
 * needs no more of them.
 */
bool
pgd_evidence_wants(const PgdEvidenceEntry *entry, bool slow, TimestampTz now)
{
	TimestampTz newest = 0;

	if (nentries == 0)
		return false;
	if (entry == NULL || slow)
		return true;
	for (int i = 0; i < PGD_EVIDENCE_EXAMPLES; i++)
	{
		if (entry->examples[i].cell == NONE && entry->repeated < ENOUGH)
			return true;
		newest = Max(newest, entry->examples[i].taken_at);
	}
	return now - newest > EXAMPLE_AGE;
}

void
pgd_evidence_put_example(PgdEvidenceEntry *entry, uint64 hash,
						 TimestampTz taken_at, const char *data, int len)
{
	int			wanted = (len + CELL_DATA - 1) / CELL_DATA;
	int			which;
	int32	   *link;

	for (int i = 0; i < PGD_EVIDENCE_EXAMPLES; i++)
	{
		/* the same once more: it is just as good */
		if (entry->examples[i].cell != NONE && entry->examples[i].hash == hash)
		{
			entry->examples[i].taken_at = taken_at;
			entry->repeated = Min(entry->repeated + 1, ENOUGH);
			return;
		}
	}
	which = place_of_next(entry);
	free_example(entry, which);
	make_room(entry, wanted, taken_at);
	if (len <= 0 || header->cells_used + wanted > ncells)
	{
		pgd_evidence_count_dropped();
		return;
	}

	link = &entry->examples[which].cell;
	for (int done = 0; done < len; done += CELL_DATA)
	{
		int32		c = header->free_cell;

		header->free_cell = cells[c].next;
		memcpy(cells[c].data, data + done, Min(CELL_DATA, len - done));
		*link = c;
		link = &cells[c].next;
	}
	*link = NONE;
	header->cells_used += wanted;
	entry->examples[which].len = len;
	entry->examples[which].hash = hash;
	entry->examples[which].taken_at = taken_at;
}

/*
 * Copy an example to a buffer of PGD_EXAMPLE_MAX bytes; returns its length,
 * or 0 if there is none.
 */
int
pgd_evidence_copy_example(const PgdEvidenceEntry *entry, int which, char *into)
{
	int32		c = entry->examples[which].cell;
	int			len = entry->examples[which].len;

	if (c == NONE)
		return 0;
	for (int done = 0; done < len; done += CELL_DATA)
	{
		memcpy(into + done, cells[c].data, Min(CELL_DATA, len - done));
		c = cells[c].next;
	}
	return len;
}

/* ----------
 * Numbers about ourselves
 * ----------
 */

void
pgd_evidence_status(PgdEvidenceStatus *status)
{
	memset(status, 0, sizeof(PgdEvidenceStatus));
	status->entries = header->used;
	status->entries_max = nentries;
	status->bytes = (int64) header->cells_used * CELL_DATA;
	status->bytes_max = (int64) ncells * CELL_DATA;
	status->evictions = header->evictions;
	status->dropped = pg_atomic_read_u64(&header->dropped);
	status->busy = pg_atomic_read_u64(&header->busy);
	for (int i = 0; i < nentries; i++)
	{
		for (int e = 0; e < PGD_EVIDENCE_EXAMPLES && entries[i].in_use; e++)
			status->examples += entries[i].examples[e].cell != NONE;
	}
}

void
pgd_evidence_forget_counts(void)
{
	header->evictions = 0;
	pg_atomic_write_u64(&header->dropped, 0);
	pg_atomic_write_u64(&header->busy, 0);
}
