/*-------------------------------------------------------------------------
 *
 * store.c
 *		Shared memory: what every backend has seen; the only file that locks.
 *
 * All memory is taken at server start and never grows: a header, the table
 * (table.c), and a slot for every backend.
 *
 * Locking rules:
 *
 * - A slot is changed by its owner alone, without a lock, bracketed by its
 *   changecount (the protocol of PgBackendStatus).  The one exception is
 *   "discard", which a reset sets and the owner obeys.
 *
 * - The table has one LWLock for each partition.  To look at entries, hold it
 *   in shared mode; to change anything, in exclusive mode.  Nobody holds two.
 *
 * - Numbers move from a slot to the table only while the owner holds the
 *   partition's lock exclusively.  So a reader who holds it in shared mode
 *   and adds up entries and slots counts everything once and nothing twice.
 *
 * - On a statement's way the lock is only tried, for some ten microseconds.
 *   What cannot be moved stays in the slot, where readers see it all the
 *   same.  A statement waits for a lock only if it has to make room in its
 *   slot, four partitions are busy at once, and the slot has no spare place
 *   left; and at the end of the session.
 *
 * - The table of shapes has a lock of its own, with the same rules.
 *
 * - Who writes to the archive's folder holds another lock, for as long as that
 *   takes: the background worker, and those who ask for a snapshot.
 *
 * - Evidence of statements has one lock, which a statement only tries.
 *
 * - Sums of sessions have one lock more, by the same rules: a session counts
 *	 without it, and waits for it where it begins and ends.  When its name
 *	 changes, on a statement's way, it only tries.
 *
 * - Under a lock there is no I/O, no error and no work that grows with
 *   anything but the partition's size.  A reader holds a partition for as
 *   long as copying it takes, well under a millisecond by default.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/s_lock.h"
#include "storage/shmem.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "archive.h"
#include "evidence.h"
#include "marks.h"
#include "reading.h"
#include "sessions.h"
#include "samples.h"
#include "shapes.h"
#include "store.h"
#include "strays.h"
#include "sums.h"
#include "table.h"
#include "writers.h"

#define PATIENCE		20		/* tries for a busy lock */
#define PATIENCE_SPINS	50		/* between two of them */
#define READER_NAP		1000	/* microseconds, then all over again */

typedef struct PgdShared
{
	pg_atomic_uint64 since;
	pg_atomic_uint64 epoch;
	pg_atomic_uint64 uncaptured;
	pg_atomic_uint64 own_time;
	pg_atomic_uint64 own_time_max;
	pg_atomic_uint64 wait_time;
	pg_atomic_uint64 wait_time_max;
} PgdShared;

/* where things are; set once per process */
static PgdShared *shared = NULL;
static LWLockPadded *locks;		/* [NLOCKS] */
static PgdSlot *slots;			/* [nslots] */
static int	nslots;
static Size memory;

#define LOCK(p)		(&locks[p].lock)
#define NLOCKS		(PGD_PARTITIONS + PGD_STORE_SUMS)

static Size store_layout(char *base);
static uint64 new_epoch(void);
static void count_time(pg_atomic_uint64 *total, pg_atomic_uint64 *longest,
					   uint64 ns);
static void merge_into(int p, PgdEntry *entry, const PgdPending *pending);
static bool matches(const PgdKey *key, Oid userid, Oid dbid, uint64 queryid);
static bool read_partition(int p, PgdReading *reading);

/* ----------
 * Start of the server
 * ----------
 */

/*
 * Find out the size and, given where to begin, the places of everything.
 */
static Size
store_layout(char *base)
{
	Size		size = CACHELINEALIGN(sizeof(PgdShared));

	nslots = MaxBackends;

	slots = (PgdSlot *) (base + size);
	size = add_size(size, CACHELINEALIGN(mul_size(sizeof(PgdSlot), nslots)));
	size = add_size(size, pgd_archive_layout(base + size));
	size = add_size(size, pgd_strays_layout(base + size));
	size = add_size(size, pgd_sessions_layout(base + size, nslots));
	size = add_size(size, pgd_samples_layout(base + size, MaxBackends));
	size = add_size(size, pgd_table_layout(base + size));

	size = add_size(size, pgd_shapes_layout(base + size, nslots));
	size = add_size(size, pgd_writers_layout(base + size));
	size = add_size(size, pgd_marks_layout(base + size));
	size = add_size(size, pgd_evidence_layout(base + size));
	return size;
}

void
pgd_store_request(void)
{
	RequestAddinShmemSpace(store_layout(NULL));
	RequestNamedLWLockTranche("pg_diagnose", NLOCKS);
}

/*
 * Create or attach to shared memory.  Also run by the postmaster after a
 * crash, with fresh memory.  Returns true if the memory is new.
 */
bool
pgd_store_startup(void)
{
	bool		found;

	memory = store_layout(NULL);
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	shared = ShmemInitStruct("pg_diagnose", memory, &found);
	locks = GetNamedLWLockTranche("pg_diagnose");
	store_layout((char *) shared);

	if (!found)
	{
		memset(shared, 0, sizeof(PgdShared));
		pg_atomic_init_u64(&shared->since, 0);
		pg_atomic_init_u64(&shared->epoch, 0);
		pg_atomic_init_u64(&shared->uncaptured, 0);
		pg_atomic_init_u64(&shared->own_time, 0);
		pg_atomic_init_u64(&shared->own_time_max, 0);
		pg_atomic_init_u64(&shared->wait_time, 0);
		pg_atomic_init_u64(&shared->wait_time_max, 0);

		memset(slots, 0, sizeof(PgdSlot) * nslots);
		for (int i = 0; i < nslots; i++)
			pg_atomic_init_u64(&slots[i].discard, 0);

		pgd_store_set_since(GetCurrentTimestamp(), new_epoch());

		pgd_archive_clear();
		pgd_strays_clear();
		pgd_sessions_clear();
		pgd_samples_clear();
		pgd_table_clear();
		pgd_shapes_clear();
		pgd_writers_clear();
		pgd_marks_clear();
		pgd_evidence_clear();
	}
	LWLockRelease(AddinShmemInitLock);
	return !found;
}

/* Never 0, and shown as a positive bigint. */
static uint64
new_epoch(void)
{
	uint64		epoch;

	while (!pg_strong_random(&epoch, sizeof(epoch)) || (epoch >>= 1) == 0)
		;
	return epoch;
}

bool
pgd_store_ready(void)
{
	return shared != NULL;
}

/*
 * The slot of a backend, or NULL if it is of a kind that has none.
 */
PgdSlot *
pgd_store_slot(int procno)
{
	if (shared == NULL || procno < 0 || procno >= nslots)
		return NULL;
	return &slots[procno];
}

int
pgd_store_partition(const PgdKey *key)
{
	return pgd_table_partition(key);
}

/* The lock of a kind of sums; for store_sums.c. */
LWLock *
pgd_store_lock(PgdStoreSums which)
{
	return LOCK(PGD_PARTITIONS + which);
}

/*
 * Take a lock, but do not wait for it longer than some ten microseconds: its
 * holders take about one, except for readers, and those who lost the
 * processor.  Sleeping is no good, as one may be woken up late.
 */
bool
pgd_store_lock_patiently(LWLock *lock, LWLockMode mode)
{
	for (int i = 0; i < PATIENCE; i++)
	{
		if (LWLockConditionalAcquire(lock, mode))
			return true;
		for (int spin = 0; spin < PATIENCE_SPINS; spin++)
			SPIN_DELAY();
	}
	return false;
}

/* ----------
 * The way in
 * ----------
 */

/*
 * Is there an entry with text for this key?  Then it is marked as claimed.
 * "busy" is set if we could not look.
 */
bool
pgd_store_knows(const PgdKey *key, bool *busy)
{
	int			p = pgd_table_partition(key);
	PgdEntry   *entry;
	bool		known;

	*busy = !pgd_store_lock_patiently(LOCK(p), LW_SHARED);
	if (*busy)
		return false;
	entry = pgd_table_find(p, key);
	known = (entry != NULL && entry->text != PGD_NONE);
	if (known)
		pg_atomic_fetch_add_u32(&entry->claims, 1);
	LWLockRelease(LOCK(p));
	return known;
}

/*
 * The fingerprint of a statement; 0 if unknown, or if we could not look.
 */
uint64
pgd_store_fingerprint(const PgdKey *key)
{
	int			p = pgd_table_partition(key);
	PgdEntry   *entry;
	uint64		fingerprint = 0;

	if (!pgd_store_lock_patiently(LOCK(p), LW_SHARED))
		return 0;
	entry = pgd_table_find(p, key);
	if (entry != NULL)
		fingerprint = entry->statement.fingerprint;
	LWLockRelease(LOCK(p));
	return fingerprint;
}

/*
 * Make sure that there is an entry with text for this key, and mark it as
 * claimed.  Returns false if the partition was busy.
 */
bool
pgd_store_register(const PgdKey *key, uint64 fingerprint,
				   const char *text, int len)
{
	int			p = pgd_table_partition(key);
	PgdEntry   *entry;

	if (!pgd_store_lock_patiently(LOCK(p), LW_EXCLUSIVE))
		return false;
	entry = pgd_table_find(p, key);
	if (entry == NULL)
		entry = pgd_table_insert(p, key);
	if (entry->text == PGD_NONE)
	{
		entry->statement.encoding = GetDatabaseEncoding();
		pgd_table_set_text(p, entry, fingerprint, text, len);
	}
	pg_atomic_fetch_add_u32(&entry->claims, 1);
	LWLockRelease(LOCK(p));
	return true;
}

/*
 * Add what is pending to its entry.  No entry means that it was evicted
 * since, so what comes after goes where the rest went; or else that there was
 * never a chance to make one, and then it is made without text.
 */
static void
merge_into(int p, PgdEntry *entry, const PgdPending *pending)
{
	if (entry == NULL && pending->registered)
		entry = pgd_table_evicted_row(p, pending->key.dbid);
	else if (entry == NULL)
	{
		entry = pgd_table_insert(p, &pending->key);
		pgd_table_set_text(p, entry, 0, NULL, 0);
	}
	pgd_pending_add_to(&entry->statement, pending);
	entry->usage = Min(entry->usage + 1, PGD_USAGE_MAX);
}

/*
 * Move one pending statement of our own slot to the table and free its
 * place.  Returns false, without having done anything, if the partition is
 * busy and we are not to wait.
 */
bool
pgd_store_merge(PgdSlot *slot, int way, bool wait)
{
	PgdPending *pending = &slot->pending[way];
	uint64		bit = UINT64CONST(1) << way;
	int			p = slot->partition[way];

	if (wait)
		LWLockAcquire(LOCK(p), LW_EXCLUSIVE);
	else if (!LWLockConditionalAcquire(LOCK(p), LW_EXCLUSIVE))
		return false;

	/* A reset needs this lock, too: this cannot change under us. */
	if ((pg_atomic_read_u64(&slot->discard) & bit) == 0)
	{
		PgdEntry   *entry = pgd_table_find(p, &pending->key);

		if (entry != NULL && pg_atomic_read_u32(&entry->claims) > 0)
			pg_atomic_fetch_sub_u32(&entry->claims, 1);
		if (!pgd_pending_is_empty(pending))
			merge_into(p, entry, pending);
	}

	pgd_slot_begin_change(slot);
	slot->used &= ~bit;
	slot->tag[way] = 0;
	pending->serial = 0;
	pgd_slot_end_change(slot);
	pg_atomic_fetch_and_u64(&slot->discard, ~bit);

	LWLockRelease(LOCK(p));
	return true;
}

/*
 * Put back what an earlier server left.  Only the postmaster does this, and
 * only at start; statements beyond what there is room for are evicted as
 * ever.
 */
void
pgd_store_restore(const PgdStatement *statement, const char *text, int len)
{
	const PgdKey *key = &statement->key;
	bool		evicted = key->queryid == 0 && key->userid == InvalidOid;
	int			p = pgd_table_partition(key);
	PgdEntry   *entry;

	entry = evicted ? pgd_table_evicted_row(p, key->dbid) : pgd_table_find(p, key);
	if (entry == NULL)
		entry = pgd_table_insert(p, key);
	entry->statement.encoding = statement->encoding;
	pgd_statement_add(&entry->statement, statement);
	if (entry->text == PGD_NONE && !evicted)
		pgd_table_set_text(p, entry, statement->fingerprint, text, len);
}

/*
 * Forget statements; InvalidOid or 0 stands for any.  Returns how many.
 */
int64
pgd_store_reset(Oid userid, Oid dbid, uint64 queryid)
{
	bool		everything = !OidIsValid(userid) && !OidIsValid(dbid) &&
		queryid == 0;
	int64		forgotten = 0;

	/* what is read from here on is of neither epoch; see also the end */
	if (everything)
		pg_atomic_write_u64(&shared->epoch, new_epoch());

	for (int p = 0; p < PGD_PARTITIONS; p++)
	{
		PgdEntry   *first;
		int			nentries = pgd_table_entries(p, &first);

		LWLockAcquire(LOCK(p), LW_EXCLUSIVE);
		for (int i = 0; i < nentries; i++)
		{
			PgdEntry   *entry = &first[i];

			if (entry->in_use &&
				matches(&entry->statement.key, userid, dbid, queryid))
			{
				if (!entry->evicted)
					forgotten++;
				pgd_table_free(p, entry);
			}
		}

		/*
		 * What lies in slots is for their owners to clear.  An owner may be
		 * about to reuse a place for another statement of this partition,
		 * but needs the lock to get there; and if it is adding an execution
		 * just now, that one is forgotten with the rest.
		 */
		for (int s = 0; s < nslots; s++)
		{
			PgdSlot    *slot = &slots[s];

			for (uint64 used = slot->used; used != 0; used &= used - 1)
			{
				int			way = pg_rightmost_one_pos64(used);

				if (slot->partition[way] == p &&
					matches(&slot->pending[way].key, userid, dbid, queryid))
					pg_atomic_fetch_or_u64(&slot->discard,
										   UINT64CONST(1) << way);
			}
		}
		if (everything)
		{
			pgd_table_get(p)->evictions = 0;
			pgd_table_get(p)->texts_dropped = 0;
		}
		LWLockRelease(LOCK(p));
	}

	pgd_store_reset_evidence(userid, dbid, queryid);
	if (queryid == 0)
		pgd_store_reset_sums(userid, dbid);
	if (!OidIsValid(userid) && queryid == 0)
		pgd_strays_reset(dbid);

	/* any lock will do that keeps two of us apart */
	LWLockAcquire(LOCK(0), LW_EXCLUSIVE);
	pgd_samples_forget(userid, dbid, queryid);
	LWLockRelease(LOCK(0));

	if (everything)
	{
		pg_atomic_write_u64(&shared->uncaptured, 0);
		pg_atomic_write_u64(&shared->own_time, 0);
		pg_atomic_write_u64(&shared->own_time_max, 0);
		pg_atomic_write_u64(&shared->wait_time, 0);
		pg_atomic_write_u64(&shared->wait_time_max, 0);
		pgd_store_set_since(GetCurrentTimestamp(), new_epoch());
	}
	return forgotten;
}

static bool
matches(const PgdKey *key, Oid userid, Oid dbid, uint64 queryid)
{
	return (!OidIsValid(userid) || key->userid == userid) &&
		(!OidIsValid(dbid) || key->dbid == dbid) &&
		(queryid == 0 || key->queryid == queryid);
}

/* ----------
 * Readers
 * ----------
 */

/*
 * Visit every statement, as of now: all that any session has finished, at
 * the time its partition is read.  No lock is held while visiting.
 *
 * (evicted) rows of a database come once a partition, each with its share.
 */
void
pgd_store_read(PgdStatementVisitor visit, void *arg)
{
	PgdReading	reading;

	pgd_reading_make(&reading);
	for (int p = 0; p < PGD_PARTITIONS; p++)
	{
		while (!read_partition(p, &reading))
		{
			CHECK_FOR_INTERRUPTS();
			if (reading.full)
				pgd_reading_extend(&reading);
			else
				pg_usleep(READER_NAP);
		}
		pgd_reading_visit(&reading, visit, arg);
		CHECK_FOR_INTERRUPTS();
	}
	pgd_reading_free(&reading);
}

/*
 * Copy a partition's entries and add what lies in slots.  Returns false if
 * there is more of it than expected, or if the owner of a slot went to sleep
 * while writing; then it is all to be done again.
 *
 * Nothing here may throw: with the lock held, counting the error would wait
 * for ourselves.
 */
static bool
read_partition(int p, PgdReading *reading)
{
	bool		complete = true;

	LWLockAcquire(LOCK(p), LW_SHARED);
	pgd_reading_begin(reading, p);
	for (int s = 0; s < nslots && complete; s++)
	{
		int			n;

		if (slots[s].used == 0)
			continue;
		n = pgd_slot_read(&slots[s], p, reading->pending);
		for (int i = 0; i < n; i++)
			pgd_reading_add(reading, p, &reading->pending[i]);
		complete = (n >= 0 && !reading->full);
	}
	LWLockRelease(LOCK(p));
	return complete;
}

/*
 * Numbers about ourselves.
 */
void
pgd_store_status(PgdStoreStatus *status)
{
	memset(status, 0, sizeof(PgdStoreStatus));
	status->memory = memory;
	for (int p = 0; p < PGD_PARTITIONS; p++)
	{
		PgdPartition *part = pgd_table_get(p);
		PgdEntry   *first;

		LWLockAcquire(LOCK(p), LW_SHARED);
		status->entries_max += pgd_table_entries(p, &first);
		status->entries_used += part->used;
		status->evictions += part->evictions;
		status->texts_dropped += part->texts_dropped;
		status->text_bytes += pgd_table_text_room();
		status->text_bytes_used += (int64) part->cells_used * CELL_DATA;
		LWLockRelease(LOCK(p));
	}
	for (int s = 0; s < nslots; s++)
		status->pending_used += pg_popcount64(slots[s].used);
	status->uncaptured = pg_atomic_read_u64(&shared->uncaptured);
	status->own_time = pg_atomic_read_u64(&shared->own_time);
	status->own_time_max = pg_atomic_read_u64(&shared->own_time_max);
	status->wait_time = pg_atomic_read_u64(&shared->wait_time);
	status->wait_time_max = pg_atomic_read_u64(&shared->wait_time_max);
	status->since = pgd_store_since();
	status->epoch = pgd_store_epoch();
	pgd_store_status_of_sums(status);
	pgd_store_status_of_evidence(&status->evidence);
}

/* ----------
 * Counts that need no lock
 * ----------
 */

void
pgd_store_count_uncaptured(void)
{
	pg_atomic_fetch_add_u64(&shared->uncaptured, 1);
}

static void
count_time(pg_atomic_uint64 *total, pg_atomic_uint64 *longest, uint64 ns)
{
	uint64		seen = pg_atomic_read_u64(longest);

	pg_atomic_fetch_add_u64(total, ns);
	while (ns > seen && !pg_atomic_compare_exchange_u64(longest, &seen, ns))
		;
}

/* Time that we took from somebody's statement, beyond the hot path. */
void
pgd_store_count_own_time(uint64 ns)
{
	count_time(&shared->own_time, &shared->own_time_max, ns);
}

/* Part of it that a statement may have slept. */
void
pgd_store_count_wait(uint64 ns)
{
	count_time(&shared->wait_time, &shared->wait_time_max, ns);
}

TimestampTz
pgd_store_since(void)
{
	return (TimestampTz) pg_atomic_read_u64(&shared->since);
}

/*
 * A number that changes whenever counting begins anew: only numbers of one
 * epoch can be subtracted from each other.
 */
uint64
pgd_store_epoch(void)
{
	return pg_atomic_read_u64(&shared->epoch);
}

void
pgd_store_set_since(TimestampTz since, uint64 epoch)
{
	pg_atomic_write_u64(&shared->since, (uint64) since);
	pg_atomic_write_u64(&shared->epoch, epoch);
}
