/*-------------------------------------------------------------------------
 *
 * sampler.c
 *		Looks at all sessions from outside, and writes down what it sees.
 *
 * A look takes no lock at all: everything is read from the PGPROCs as it is.
 * Fields of one of them may so be of two moments, microseconds apart.  Where
 * that would matter, what was read first is read again at the end, and
 * discarded if it has changed.
 *
 * Each sample stands for the time since the look before, so sums are right on
 * the average, however short the waits are that they are made of.  What is
 * called longest comes from the time when a wait began, and misses only what
 * came after it was last seen.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/twophase.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/lock.h"
#include "storage/proc.h"
#include "utils/backend_status.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "guc.h"
#include "sampler.h"
#include "samples.h"
#include "store.h"

/* Who holds a snapshot for less than this holds nobody up. */
#define HELD_LONG		UINT64CONST(1000000000)

#define XID_CACHE		64		/* transactions whose owner is remembered */
#define DATABASES		64		/* whose oldest transaction is looked for */

/* What a look sees of a PGPROC. */
typedef struct Seen
{
	bool		alive;			/* it is somebody's, in some database */
	bool		idle;			/* waits for its client */
	bool		in_transaction;
	bool		waits;			/* for a lock; the two below are valid */
	LOCKTAG		tag;
	uint64		wait_start;
	uint32		event;
	Oid			dbid;
	Oid			userid;
	uint64		queryid;
	TransactionId holds;		/* rows that this one can see must be kept */
	TransactionId snapshot;		/* of it, the part that a snapshot holds */
} Seen;

/* What is remembered of it from look to look. */
typedef struct Track
{
	int			pid;
	uint64		wait_start;		/* of the lock wait seen last */
	uint64		wait_known;		/* nanoseconds of it that were counted */
	uint64		wait_queryid;	/* of a wait for a table: who waits */
	LocalTransactionId lxid;
	TransactionId holds;
	uint64		holds_since;	/* clock when that was first seen */
	TransactionId snapshot;
	uint64		snapshot_since;
} Track;

typedef struct Oldest
{
	Oid			dbid;
	TransactionId holds;
} Oldest;

static Seen *seen;				/* [MaxBackends] */
static Track *tracks;			/* [MaxBackends] */
static int *waiters;			/* [MaxBackends] */
static int	nwaiters;

/* Whose transaction is it?  Good for one look. */
static struct
{
	TransactionId xid;
	int			procno;
}			xid_cache[XID_CACHE];

static void look(int procno);
static void look_at_lock(PGPROC *proc, Seen *s);
static void look_at_statement(int procno);
static void record_wait(int procno, uint64 elapsed);
static void record_lock(int procno, uint64 depth, TimestampTz now,
						uint64 elapsed);
static void record_queues(TimestampTz now, uint64 elapsed);
static void record_holders(uint64 elapsed);

void
pgd_sampler_start(void)
{
	seen = MemoryContextAllocZero(TopMemoryContext,
								  sizeof(Seen) * MaxBackends);
	tracks = MemoryContextAllocZero(TopMemoryContext,
									sizeof(Track) * MaxBackends);
	waiters = MemoryContextAllocZero(TopMemoryContext,
									 sizeof(int) * MaxBackends);
}

/*
 * One look; "elapsed" is the time since the one before.
 */
void
pgd_sampler_tick(uint64 elapsed)
{
	TimestampTz now = GetCurrentTimestamp();
	uint64		start = pgd_clock();

	nwaiters = 0;
	memset(xid_cache, 0, sizeof(xid_cache));
	for (int i = 0; i < MaxBackends; i++)
	{
		look(i);
		if (seen[i].alive && seen[i].waits)
		{
			waiters[nwaiters++] = i;
			look_at_statement(i);
		}
	}

	pgd_samples_begin();
	pgd_samples_obey();
	for (int i = 0; i < MaxBackends; i++)
	{
		if (seen[i].alive)
			record_wait(i, elapsed);
	}
	record_queues(now, elapsed);
	record_holders(elapsed);
	pgd_samples_end(now, elapsed, pgd_clock() - start);
}

/* ----------
 * Looking
 * ----------
 */

/*
 * The latest statement that a client sent to a backend, which is what it is
 * at work on unless it is idle.  That of a parallel worker is its leader's.
 */
static uint64
latest_statement(int procno)
{
	PGPROC	   *leader = GetPGProcByNumber(procno)->lockGroupLeader;
	const volatile PgdSlot *slot;

	if (leader != NULL)
		procno = leader - ProcGlobal->allProcs;
	slot = pgd_store_slot(procno);
	return slot != NULL ? slot->latest : 0;
}

static TransactionId
older(TransactionId a, TransactionId b)
{
	if (!TransactionIdIsNormal(a) ||
		(TransactionIdIsNormal(b) && TransactionIdPrecedes(b, a)))
		return b;
	return a;
}

static void
look(int procno)
{
	PGPROC	   *proc = GetPGProcByNumber(procno);
	const volatile PGPROC *p = proc;
	Seen	   *s = &seen[procno];
	TransactionId xid;

	memset(s, 0, sizeof(Seen));

	/* who has left keeps all but the latch */
	if (p->procLatch.owner_pid == 0)
		return;
	s->dbid = p->databaseId;
	s->alive = OidIsValid(s->dbid) ||
		(p->statusFlags & PROC_AFFECTS_ALL_HORIZONS) != 0;
	if (!s->alive)
		return;

	s->event = p->wait_event_info;
	s->userid = p->roleId;
	s->in_transaction = LocalTransactionIdIsValid(pgd_proc_lxid(p));
	s->idle = (s->event == WAIT_EVENT_CLIENT_READ);
	s->queryid = latest_statement(procno);

	/* VACUUM holds nothing back, and what decodes WAL has a slot for that */
	if ((p->statusFlags & (PROC_IN_VACUUM | PROC_IN_LOGICAL_DECODING)) == 0)
	{
		xid = p->xid;
		s->snapshot = p->xmin;
		s->holds = older(xid, s->snapshot);
	}

	if ((s->event & 0xFF000000) == PG_WAIT_LOCK)
		look_at_lock(proc, s);
}

/*
 * Which lock does it wait for?  The lock may be gone at any time, and its
 * memory be another lock's, but it stays memory of the lock manager's.
 */
static void
look_at_lock(PGPROC *proc, Seen *s)
{
	LOCK	   *volatile *wait_lock = &proc->waitLock;
	LOCK	   *lock = *wait_lock;

	/* It has not begun yet, or is over. */
	s->wait_start = pg_atomic_read_u64(&proc->waitStart);
	if (lock == NULL || s->wait_start == 0)
		return;
	pg_read_barrier();
	s->tag = *(volatile LOCKTAG *) &lock->tag;
	pg_read_barrier();
	s->waits = (*wait_lock == lock &&
				pg_atomic_read_u64(&proc->waitStart) == s->wait_start);
}

/*
 * A statement that waits for a table may be on its way through the parser,
 * when its backend does not know it yet: the latest one is another.  Then the
 * server has no identifier for it either; looking there is costly, so it is
 * done once a wait.
 */
static void
look_at_statement(int procno)
{
	Seen	   *s = &seen[procno];
	Track	   *t = &tracks[procno];
	int			pid = GetPGProcByNumber(procno)->pid;

	if (s->tag.locktag_type != LOCKTAG_RELATION)
		return;
	if (t->wait_start != s->wait_start)
	{
		t->wait_queryid = 0;
		for (int i = pgstat_fetch_stat_numbackends(); i > 0; i--)
		{
			PgBackendStatus *entry = &pgd_local_beentry(i)->backendStatus;

			if (entry->st_procpid == pid)
				t->wait_queryid = (uint64) entry->st_query_id;
		}
		pgstat_clear_backend_activity_snapshot();
	}
	s->queryid = t->wait_queryid;
}

/*
 * Whose transaction is it?  -1: nobody's, as far as can be seen.  Prepared
 * ones come after all others.
 */
static int
owner_of_xid(TransactionId xid)
{
	int			place = xid % XID_CACHE;
	int			nprocs = MaxBackends + max_prepared_xacts;
	int			found = -1;

	if (xid_cache[place].xid == xid)
		return xid_cache[place].procno;

	for (int i = 0; i < nprocs && found < 0; i++)
	{
		const volatile PGPROC *p = i < MaxBackends ?
			GetPGProcByNumber(i) : &PreparedXactProcs[i - MaxBackends];
		int			nsubxids;

		if (p->xid == xid)
			found = i;
		else if (TransactionIdIsValid(p->xid))
		{
			nsubxids = Min(p->subxidStatus.count, PGPROC_MAX_CACHED_SUBXIDS);
			for (int j = 0; j < nsubxids && found < 0; j++)
			{
				if (p->subxids.xids[j] == xid)
					found = i;
			}
		}
	}
	xid_cache[place].xid = xid;
	xid_cache[place].procno = found;
	return found;
}

static int
owner_of_vxid(uint32 owner, LocalTransactionId lxid)
{
	for (int i = 0; i < MaxBackends; i++)
	{
		const volatile PGPROC *p = GetPGProcByNumber(i);

		if (pgd_proc_vxid_owner(p) == owner && pgd_proc_lxid(p) == lxid)
			return i;
	}
	return -1;
}

/*
 * Who holds a lock is known to the lock manager only, behind its own locks,
 * but for those on transactions, which are held by whom they are called
 * after.  These are also what waits for rows end in.
 */
static void
look_at_blocker(const LOCKTAG *tag, PgdSampleKey *key)
{
	int			procno = -1;

	if (tag->locktag_type == LOCKTAG_TRANSACTION ||
		tag->locktag_type == LOCKTAG_SPECULATIVE_TOKEN)
		procno = owner_of_xid(tag->locktag_field1);
	else if (tag->locktag_type == LOCKTAG_VIRTUALTRANSACTION)
		procno = owner_of_vxid(tag->locktag_field1, tag->locktag_field2);
	if (procno < 0)
		return;
	if (procno >= MaxBackends)
	{
		key->blocker_state = PGD_HOLDER_PREPARED;
		key->blocker_userid = PreparedXactProcs[procno - MaxBackends].roleId;
		return;
	}
	key->blocker_state = seen[procno].idle ? PGD_HOLDER_IDLE :
		PGD_HOLDER_ACTIVE;
	key->blocker_userid = seen[procno].userid;
	key->blocker = seen[procno].queryid;
}

/* ----------
 * Recording
 * ----------
 */

/*
 * What do clients' sessions do?  One that waits for its client does nothing,
 * and those in the background are at nobody's service.  Parallel workers are
 * left out, too: the time of a statement is its leader's.
 */
static void
record_wait(int procno, uint64 elapsed)
{
	const Seen *s = &seen[procno];
	PgdSampleKey key = {
		.dbid = s->dbid,
		.userid = s->userid,
		.what = s->event,
		.queryid = s->queryid,
	};
	PgdSample  *row;

	/* clients' sessions have the first PGPROCs, then come the others' */
	if (procno >= MaxConnections || s->idle || !OidIsValid(s->dbid))
		return;
	row = pgd_samples_row(PGD_SAMPLE_WAIT, &key);
	row->samples++;
	row->time += elapsed;
}

/*
 * Somebody waits for a lock.  What is known of the wait is added to what its
 * backend knows of itself, which must never be more than the truth.
 */
static void
record_lock(int procno, uint64 depth, TimestampTz now, uint64 elapsed)
{
	const Seen *s = &seen[procno];
	Track	   *t = &tracks[procno];
	uint64		known = 0;
	PgdSampleKey key = {
		.dbid = s->dbid,
		.userid = s->userid,
		.what = s->tag.locktag_type,
		.queryid = s->queryid,
	};
	PgdSample  *row;

	if (now > (TimestampTz) s->wait_start)
		known = (uint64) (now - (TimestampTz) s->wait_start) * 1000;
	if (s->tag.locktag_type <= LOCKTAG_TUPLE &&
		s->tag.locktag_type != LOCKTAG_DATABASE_FROZEN_IDS)
		key.relid = s->tag.locktag_field2;
	look_at_blocker(&s->tag, &key);

	row = pgd_samples_row(PGD_SAMPLE_LOCK, &key);
	row->samples++;
	row->time += elapsed;
	row->max_time = Max(row->max_time, known);
	row->max_depth = Max(row->max_depth, depth);
	if (t->wait_start != s->wait_start)
	{
		row->waits++;
		t->wait_start = s->wait_start;
		t->wait_known = 0;
	}
	/* somebody else blocks it now, or all was reset meanwhile */
	row->waits = Max(row->waits, 1);
	if (known > t->wait_known)
	{
		pgd_lock_waits[procno] += known - t->wait_known;
		t->wait_known = known;
	}
}

static int
compare_waiters(const void *a, const void *b)
{
	return memcmp(&seen[*(const int *) a].tag, &seen[*(const int *) b].tag,
				  sizeof(LOCKTAG));
}

/*
 * Who waits for the same lock stands in a queue.  In that for a row, one
 * more is ahead of those who wait for the row: it waits for the transaction
 * that has changed it.  A row moves when it is updated, so what is known of
 * such queues is added up by table.
 */
static void
record_queues(TimestampTz now, uint64 elapsed)
{
	PgdSample  *latest_hot = NULL;
	PgdSample  *latest_deep = NULL;

	qsort(waiters, nwaiters, sizeof(int), compare_waiters);
	for (int first = 0, next; first < nwaiters; first = next)
	{
		const LOCKTAG *tag = &seen[waiters[first]].tag;
		uint64		depth;

		next = first + 1;
		while (next < nwaiters &&
			   compare_waiters(&waiters[first], &waiters[next]) == 0)
			next++;
		depth = next - first + (tag->locktag_type == LOCKTAG_TUPLE ? 1 : 0);
		for (int i = first; i < next; i++)
			record_lock(waiters[i], depth, now, elapsed);

		if (tag->locktag_type == LOCKTAG_TUPLE)
		{
			PgdSampleKey key = {
				.dbid = tag->locktag_field1,
				.relid = tag->locktag_field2,
			};
			PgdSample  *hot = pgd_samples_row(PGD_SAMPLE_HOT, &key);

			hot->time += elapsed * (next - first);
			hot->max_depth = Max(hot->max_depth, depth);
			/* a table may have several queues; the tags bring them together */
			if (hot != latest_hot)
				hot->samples++;
			if (depth >= pgd_threshold.hot_row_min_depth && hot != latest_deep)
			{
				hot->deep_time += elapsed;
				latest_deep = hot;
			}
			latest_hot = hot;
		}
	}
}

/*
 * How long has it held what it holds?  It counts from when that was first
 * seen.
 */
static void
follow_holder(int procno, uint64 clock)
{
	const volatile PGPROC *p = GetPGProcByNumber(procno);
	const Seen *s = &seen[procno];
	Track	   *t = &tracks[procno];
	bool		same = t->pid == p->pid && t->lxid == pgd_proc_lxid(p);

	if (!same || t->holds != s->holds)
		t->holds_since = clock;
	if (!same || t->snapshot != s->snapshot)
		t->snapshot_since = clock;
	t->pid = p->pid;
	t->lxid = pgd_proc_lxid(p);
	t->holds = s->holds;
	t->snapshot = s->snapshot;
}

static void
record_holder(int procno, bool oldest, uint64 clock, uint64 elapsed)
{
	const Seen *s = &seen[procno];
	const Track *t = &tracks[procno];
	bool		idle = s->idle && s->in_transaction;
	uint64		held = clock - t->holds_since;
	int32		age = (int32) (XidFromFullTransactionId(pgd_next_full_xid()) -
							   s->holds);
	PgdSampleKey key = {
		.dbid = s->dbid,
		.userid = s->userid,
		.what = !OidIsValid(s->dbid) ? PGD_HOLDER_STANDBY :
			idle ? PGD_HOLDER_IDLE : PGD_HOLDER_ACTIVE,
		.queryid = s->queryid,
	};
	PgdSample  *row;

	if (!idle && held < HELD_LONG)
		return;
	row = pgd_samples_row(PGD_SAMPLE_HOLDER, &key);
	row->samples++;
	row->time += elapsed;
	row->max_time = Max(row->max_time, held);
	row->max_age = Max(row->max_age, (uint64) Max(age, 0));
	if (oldest)
		row->oldest_time += elapsed;
	if (idle && TransactionIdIsNormal(s->snapshot))
	{
		row->snapshot_time += elapsed;
		row->max_snapshot_time = Max(row->max_snapshot_time,
									 clock - t->snapshot_since);
	}
}

/*
 * Who keeps rows alive that nobody else can see any more?  In each database
 * it is the oldest that decides.
 */
static void
record_holders(uint64 elapsed)
{
	uint64		clock = pgd_clock();
	Oldest		oldest[DATABASES] = {0};
	int			noldest = 0;

	for (int i = 0; i < MaxBackends; i++)
	{
		int			d = 0;

		if (!seen[i].alive)
			continue;
		follow_holder(i, clock);
		if (!TransactionIdIsNormal(seen[i].holds))
			continue;
		while (d < noldest && oldest[d].dbid != seen[i].dbid)
			d++;
		if (d == DATABASES)
			continue;
		if (d == noldest)
			oldest[noldest++].dbid = seen[i].dbid;
		oldest[d].holds = older(oldest[d].holds, seen[i].holds);
	}

	for (int i = 0; i < MaxBackends; i++)
	{
		bool		is_oldest = false;

		if (!seen[i].alive || !TransactionIdIsNormal(seen[i].holds))
			continue;
		for (int d = 0; d < noldest && !is_oldest; d++)
			is_oldest = (oldest[d].dbid == seen[i].dbid &&
						 oldest[d].holds == seen[i].holds);
		record_holder(i, is_oldest, clock, elapsed);
	}
}
