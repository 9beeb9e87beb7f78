/*-------------------------------------------------------------------------
 *
 * shapes.c
 *		Sums of transactions with the same shape, and the table of them.
 *
 * The table's functions want the lock of the table, in exclusive mode if they
 * change something; store.c sees to that.  An entry that makes room for
 * another one leaves its numbers, without its steps, to the rest of its
 * database: totals stay exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bitutils.h"
#include "storage/s_lock.h"
#include "storage/shmem.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "shapes.h"

#define SWEEP			8		/* entries looked at to find a victim */
#define USAGE_MAX		5
#define READER_SPINS	1000	/* while the owner of a slot is writing */
#define NONE			(-1)

typedef struct PgdShapeTable
{
	int32		free_entry;
	int32		hand;			/* of the clock sweep */
	int64		evictions;
} PgdShapeTable;

/* where things are; set once per process */
static PgdShapeTable *table;
static int32 *chains;			/* [nchains] */
static PgdShapeEntry *entries;	/* [nentries] */
static PgdXactSlot *slots;		/* [nslots] */

static int	nchains;
static int	nentries;
static int	nslots;

/* ----------
 * Sums
 * ----------
 */

/*
 * Add what one sum has to another of the same shape; or, if "sum" is for the
 * rest, of any.
 */
void
pgd_shape_sums_add(PgdShapeSums *sum, const PgdShapeSums *more)
{
	if (more->since != 0 && (sum->since == 0 || more->since < sum->since))
		sum->since = more->since;
	sum->last_seen = Max(sum->last_seen, more->last_seen);
	sum->dropped += more->dropped;

	pgd_xact_counters_add(&sum->counters, &more->counters);

	for (int i = 0; i < PGD_XACT_ERRORS; i++)
	{
		if (more->errors[i].count > 0)
			pgd_shape_add_error(sum, more->errors[i].sqlstate,
								more->errors[i].count);
	}
	sum->errors[PGD_XACT_ERRORS].count += more->errors[PGD_XACT_ERRORS].count;

	if (sum->key.shape == 0)
		return;

	if (more->slowest > sum->slowest || sum->tag.hash == 0)
		sum->tag = more->tag;
	sum->slowest = Max(sum->slowest, more->slowest);
	pgd_shape_add_steps(sum, more->steps, more->nsteps);
	for (int i = 0; i < PGD_OBSERVATIONS; i++)
	{
		if (more->observations[i].detector != 0)
			pgd_shape_observe(sum, &more->observations[i]);
	}
}

/*
 * Transcripts of the same shape have the same positions.
 */
void
pgd_shape_add_steps(PgdShapeSums *sum, const PgdStep *steps, int nsteps)
{
	if (sum->nsteps == 0)
	{
		sum->nsteps = nsteps;
		memcpy(sum->steps, steps, sizeof(PgdStep) * nsteps);
		return;
	}
	for (int i = 0; i < Min(sum->nsteps, nsteps); i++)
		pgd_step_add(&sum->steps[i], &steps[i]);
}

/*
 * Count failures under their SQLSTATE, or under "other" once the array is
 * full.
 */
void
pgd_shape_add_error(PgdShapeSums *sum, int32 sqlstate, uint64 count)
{
	PgdErrorCount *error = sum->errors;

	while (error < &sum->errors[PGD_XACT_ERRORS] &&
		   error->sqlstate != 0 && error->sqlstate != sqlstate)
		error++;

	if (error < &sum->errors[PGD_XACT_ERRORS])
		error->sqlstate = sqlstate;
	error->count += count;
}

/*
 * Add an observation to those of the same kind.
 */
void
pgd_shape_observe(PgdShapeSums *sum, const PgdObservation *seen)
{
	for (int i = 0; i < PGD_OBSERVATIONS; i++)
	{
		PgdObservation *o = &sum->observations[i];

		if (o->detector == 0)
		{
			*o = *seen;
			return;
		}
		if (o->detector == seen->detector && o->position == seen->position &&
			o->object == seen->object && o->other == seen->other)
		{
			if (o->parent == PGD_NOWHERE)
				o->parent = seen->parent;
			o->severity = Max(o->severity, seen->severity);
			o->occurrences += seen->occurrences;
			o->confirmed += seen->confirmed;
			o->count += seen->count;
			o->max_count = Max(o->max_count, seen->max_count);
			o->time += seen->time;
			o->saved += seen->saved;
			o->held += seen->held;
			o->max_held = Max(o->max_held, seen->max_held);
			return;
		}
	}
	sum->dropped += seen->occurrences;
}

void
pgd_shape_add(PgdShape *sum, const PgdShape *more)
{
	pgd_shape_sums_add(&sum->sums, &more->sums);
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
	{
		for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
			sum->histograms[h].count[i] += more->histograms[h].count[i];
	}
}

void
pgd_shape_add_pending(PgdShape *sum, const PgdPendingShape *more)
{
	pgd_shape_sums_add(&sum->sums, &more->sums);
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
	{
		for (int i = 0; i < PGD_SHAPE_BUCKETS; i++)
		{
			const PgdPendingBucket *bucket = &more->buckets[h][i];

			if (bucket->id != 0)
				sum->histograms[h].count[bucket->id - 1] += bucket->count;
		}
	}
}

/*
 * Is there room for one more of each time?
 */
bool
pgd_shape_has_room(const PgdPendingShape *pending)
{
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
	{
		if (pending->distinct[h] == PGD_SHAPE_BUCKETS)
			return false;
	}
	return pending->sums.counters.calls < PG_UINT16_MAX;
}

/*
 * Count a time; there must be room.
 */
void
pgd_shape_count_time(PgdPendingShape *pending, PgdXactHistogram which,
					 uint64 time)
{
	uint16		id = pgd_histogram_bucket(time) + 1;

	for (int i = 0; i < PGD_SHAPE_BUCKETS; i++)
	{
		PgdPendingBucket *b =
			&pending->buckets[which][(id + i) % PGD_SHAPE_BUCKETS];

		if (b->id == 0)
		{
			pending->distinct[which]++;
			b->id = id;
		}
		if (b->id == id)
		{
			b->count++;
			return;
		}
	}
}

/* ----------
 * The table
 * ----------
 */

/*
 * Find out the size and, given where to begin, the places of everything.
 */
Size
pgd_shapes_layout(char *base, int backends)
{
	Size		size = 0;

	nslots = backends;

	nentries = pgd_max_transactions;
	nchains = pg_nextpower2_32(nentries);

#define PLACE(pointer, type, n) \
	do { \
		(pointer) = (type *) (base + size); \
		size = add_size(size, CACHELINEALIGN(mul_size(sizeof(type), n))); \
	} while (0)

	PLACE(table, PgdShapeTable, 1);
	PLACE(chains, int32, nchains);
	PLACE(entries, PgdShapeEntry, nentries);
	PLACE(slots, PgdXactSlot, nslots);
#undef PLACE

	return size;
}

void
pgd_shapes_clear(void)
{
	memset(slots, 0, sizeof(PgdXactSlot) * nslots);
	for (int i = 0; i < nslots; i++)
		pg_atomic_init_u32(&slots[i].discard, 0);
	memset(table, 0, sizeof(PgdShapeTable));
	memset(chains, 0xff, sizeof(int32) * nchains);
	for (int i = 0; i < nentries; i++)
	{
		entries[i].next = i + 1 < nentries ? i + 1 : NONE;
		entries[i].in_use = false;
	}
}

/* All entries, used or not. */
int
pgd_shapes_entries(PgdShapeEntry **first)
{
	*first = entries;
	return nentries;
}

/* All slots, used or not. */
int
pgd_shapes_slots(PgdXactSlot **first)
{
	*first = slots;
	return nslots;
}

int64
pgd_shapes_evictions(void)
{
	return table->evictions;
}

static int32 *
chain_of(const PgdShapeKey *key)
{
	uint64		hash = (key->shape ^ key->tag ^ (uint64) key->dbid << 32 ^
						key->userid) * UINT64CONST(0x9E3779B97F4A7C15);

	return &chains[(hash >> 32) & (nchains - 1)];
}

static PgdShapeEntry *
find(const PgdShapeKey *key)
{
	for (int32 i = *chain_of(key); i != NONE; i = entries[i].next)
	{
		if (pgd_shape_key_equal(&entries[i].shape.sums.key, key))
			return &entries[i];
	}
	return NULL;
}

static void
link_entry(PgdShapeEntry *entry)
{
	int32	   *chain = chain_of(&entry->shape.sums.key);

	entry->in_use = true;
	entry->next = *chain;
	*chain = entry - entries;
}

static void
unlink_entry(PgdShapeEntry *entry)
{
	int32	   *link = chain_of(&entry->shape.sums.key);

	while (&entries[*link] != entry)
		link = &entries[*link].next;
	*link = entry->next;
}

void
pgd_shapes_free(PgdShapeEntry *entry)
{
	unlink_entry(entry);
	entry->in_use = false;
	entry->next = table->free_entry;
	table->free_entry = entry - entries;
}

/* The rest: what is not kept apart of a database. */
static PgdShapeKey
rest_of(const PgdShapeKey *key)
{
	return (PgdShapeKey) {.dbid = key->dbid, .kind = key->kind};
}

static PgdShapeEntry *
choose_victim(void)
{
	PgdShapeEntry *victim = NULL;

	for (int i = 0; i < SWEEP || victim == NULL; i++)
	{
		PgdShapeEntry *entry = &entries[table->hand];

		table->hand = (table->hand + 1) % nentries;
		/* the rest is for others to go to, unless there is nothing else */
		if (!entry->in_use ||
			(entry->shape.sums.key.shape == 0 && i < 2 * nentries))
			continue;
		if (victim == NULL || entry->usage < victim->usage)
			victim = entry;
		if (entry->usage == 0)
			return victim;
		entry->usage--;
	}
	return victim;
}

/*
 * Free one entry.  The first victim of a database becomes its rest, and
 * another one makes room.
 */
static void
evict_one(void)
{
	for (;;)
	{
		PgdShapeEntry *victim = choose_victim();
		PgdShapeKey key = rest_of(&victim->shape.sums.key);
		PgdShapeEntry *rest = find(&key);

		table->evictions++;
		if (rest == victim)
		{
			/* more databases than entries: these numbers are lost */
			pgd_shapes_free(victim);
			return;
		}
		if (rest != NULL)
		{
			pgd_shape_add(&rest->shape, &victim->shape);
			pgd_shapes_free(victim);
			return;
		}

		unlink_entry(victim);
		victim->shape.sums.key = key;
		victim->shape.sums.nsteps = 0;
		memset(&victim->shape.sums.tag, 0, sizeof(PgdTag));
		memset(victim->shape.sums.observations, 0,
			   sizeof(victim->shape.sums.observations));
		link_entry(victim);
	}
}

/*
 * The entry of a key, made if need be.
 */
PgdShape *
pgd_shapes_get(const PgdShapeKey *key)
{
	PgdShapeEntry *entry = find(key);

	if (entry == NULL)
	{
		if (table->free_entry == NONE)
			evict_one();
		/* that may have made just this one: the rest */
		entry = find(key);
	}
	if (entry == NULL)
	{
		entry = &entries[table->free_entry];
		table->free_entry = entry->next;
		memset(entry, 0, sizeof(PgdShapeEntry));
		entry->shape.sums.key = *key;
		link_entry(entry);
	}
	entry->usage = Min(entry->usage + 1, USAGE_MAX);
	return &entry->shape;
}

/* ----------
 * Slots
 * ----------
 */

/*
 * Copy a slot, all as of one moment.  Returns false if the owner does not
 * stop writing.
 */
bool
pgd_xact_slot_read(const PgdXactSlot *slot, PgdXactSlot *into)
{
	const volatile uint32 *changecount = &slot->changecount;

	for (int spin = 0; spin < READER_SPINS; spin++)
	{
		uint32		before = *changecount;

		pg_read_barrier();
		if ((before & 1) == 0)
		{
			memcpy(into, slot, sizeof(PgdXactSlot));
			pg_read_barrier();
			if (before == *changecount)
				return true;
		}
		SPIN_DELAY();
	}
	return false;
}
