/*-------------------------------------------------------------------------
 *
 * sessions.c
 *		What sessions did, by database, user and application.
 *
 * A session counts in a place of its own.  Its numbers are added to the sums
 * of its kind when it ends or takes another name; a reader adds up both.  The
 * table of sums has room for some kinds, and one place for all others; a
 * reset frees those that have no session left.
 *
 * All functions here expect that store.c holds the lock, but for what is done
 * when the server starts.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "storage/shmem.h"

#include "sessions.h"

#define OTHERS	PGD_SESSION_SUMS	/* place of what found none */

static PgdSessionSum *sums;		/* [PGD_SESSION_SUMS + 1] */
static PgdSession *sessions;	/* [nsessions] */
static int	nsessions;

static int	find_place(const PgdSessionKey *key);
static void add_counters(PgdSessionCounters *sum,
						 const PgdSessionCounters *more);
static void collect(PgdSession *session, TimestampTz now,
					PgdSessionCounters *into);

/*
 * Find out the size and, given where to begin, the places.
 */
Size
pgd_sessions_layout(char *base, int nbackends)
{
	Size		size = CACHELINEALIGN(sizeof(PgdSessionSum) *
									  (PGD_SESSION_SUMS + 1));

	nsessions = nbackends;
	sums = (PgdSessionSum *) base;
	sessions = (PgdSession *) (base + size);
	return add_size(size, CACHELINEALIGN(mul_size(sizeof(PgdSession),
												  nsessions)));
}

void
pgd_sessions_clear(void)
{
	memset(sums, 0, sizeof(PgdSessionSum) * (PGD_SESSION_SUMS + 1));
	memset(sessions, 0, sizeof(PgdSession) * nsessions);
	for (int i = 0; i < nsessions; i++)
	{
		for (int c = 0; c < PGD_SESSION_COUNTERS; c++)
			pg_atomic_init_u64(&sessions[i].counter[c], 0);
		for (int t = 0; t < PGD_TIMEOUTS; t++)
			pg_atomic_init_u32(&sessions[i].timeout[t], 0);
		sessions[i].place = -1;
	}
}

/*
 * The place of a backend, or NULL if it is of a kind that has none.
 */
PgdSession *
pgd_sessions_get(int procno)
{
	if (procno < 0 || procno >= nsessions)
		return NULL;
	return &sessions[procno];
}

/*
 * The place of the sum for a key, made if there is none.
 */
static int
find_place(const PgdSessionKey *key)
{
	int			unused = OTHERS;

	for (int i = 0; i < PGD_SESSION_SUMS; i++)
	{
		if (!sums[i].in_use)
			unused = Min(unused, i);
		else if (memcmp(&sums[i].key, key, sizeof(PgdSessionKey)) == 0)
			return i;
	}
	sums[unused].in_use = true;
	if (unused != OTHERS)
		sums[unused].key = *key;
	return unused;
}

static void
open_at(PgdSession *session, int place)
{
	PgdSessionSum *sum = &sums[place];

	session->place = place;
	sum->open++;
	sum->counters.max_open = Max(sum->counters.max_open, sum->open);
}

/*
 * Zero is the neutral element of all three ways to combine.
 */
static void
add_counters(PgdSessionCounters *sum, const PgdSessionCounters *more)
{
#define COMBINE_SUM(a, b)	((a) + (b))
#define COMBINE_MAX(a, b)	Max(a, b)
#define COMBINE_MIN(a, b)	((a) == 0 ? (b) : (b) == 0 ? (a) : Min(a, b))
#define PGD_SESSION_COUNTER(name, combine, unit) \
	sum->name = COMBINE_##combine(sum->name, more->name);
#include "sessionlist.h"
#undef PGD_SESSION_COUNTER
}

/*
 * What a session has counted that is in no sum yet.
 */
static void
collect(PgdSession *session, TimestampTz now, PgdSessionCounters *into)
{
	uint64		counted[PGD_SESSION_COUNTERS];
	uint64		timeout[PGD_TIMEOUTS];

	for (int c = 0; c < PGD_SESSION_COUNTERS; c++)
		counted[c] = pg_atomic_read_u64(&session->counter[c]) -
			session->moved[c];
	StaticAssertStmt(sizeof(counted) == sizeof(PgdSessionCounters),
					 "a counter is not of eight bytes");
	memcpy(into, counted, sizeof(counted));

	into->session_time = (uint64) Max(now - session->from, 0) * 1000;
	if (into->begun > 0)
		into->first_begin = into->last_begin = (uint64) session->begin;

	/* what is in force without a transaction guards nothing */
	if (into->commits_alone + into->commits_in_block +
		into->rollbacks_alone + into->rollbacks_in_block == 0)
		return;
	for (int t = 0; t < PGD_TIMEOUTS; t++)
		timeout[t] = (uint64) pg_atomic_read_u32(&session->timeout[t]) + 1;
	into->min_statement_timeout = timeout[PGD_STATEMENT_TIMEOUT];
	into->max_statement_timeout = timeout[PGD_STATEMENT_TIMEOUT];
	into->min_lock_timeout = timeout[PGD_LOCK_TIMEOUT];
	into->max_lock_timeout = timeout[PGD_LOCK_TIMEOUT];
	into->min_idle_in_transaction_session_timeout =
		timeout[PGD_IDLE_IN_TRANSACTION_TIMEOUT];
	into->max_idle_in_transaction_session_timeout =
		timeout[PGD_IDLE_IN_TRANSACTION_TIMEOUT];
	into->min_transaction_timeout = timeout[PGD_TRANSACTION_TIMEOUT];
	into->max_transaction_timeout = timeout[PGD_TRANSACTION_TIMEOUT];
}

/*
 * A session begins, in a place that is its own.
 */
void
pgd_sessions_enter(PgdSession *session, const PgdSessionKey *key,
				   TimestampTz begin)
{
	for (int c = 0; c < PGD_SESSION_COUNTERS; c++)
		pg_atomic_write_u64(&session->counter[c], 0);
	for (int t = 0; t < PGD_TIMEOUTS; t++)
		pg_atomic_write_u32(&session->timeout[t], 0);
	memset(session->moved, 0, sizeof(session->moved));
	session->begin = begin;
	session->from = begin;
	open_at(session, find_place(key));
}

/*
 * A session goes on under another name.  What it did stays where it was done,
 * but that it began goes with it, so that a sum has no session that began in
 * it and ended nowhere.
 */
void
pgd_sessions_rename(PgdSession *session, const PgdSessionKey *key,
					TimestampTz now)
{
	PgdSessionSum *sum = &sums[session->place];
	PgdSessionCounters done;

	collect(session, now, &done);
	done.begun = 0;
	done.connect_time = 0;
	done.first_begin = done.last_begin = 0;
	add_counters(&sum->counters, &done);
	for (int c = 0; c < PGD_SESSION_COUNTERS; c++)
	{
		if (c != PGD_SESSION_begun && c != PGD_SESSION_connect_time)
			session->moved[c] = pg_atomic_read_u64(&session->counter[c]);
	}
	session->from = now;
	sum->open--;
	open_at(session, find_place(key));
}

/*
 * A session has ended.
 */
void
pgd_sessions_leave(PgdSession *session, TimestampTz now)
{
	PgdSessionSum *sum = &sums[session->place];
	uint64		length = (uint64) Max(now - session->begin, 0) * 1000;
	PgdSessionCounters done;

	collect(session, now, &done);
	add_counters(&sum->counters, &done);
	sum->histogram.count[pgd_histogram_bucket(length)]++;
	sum->open--;
	session->place = -1;
}

/*
 * Forget what sessions of a user or database did; InvalidOid stands for any.
 * Those that go on count from here.
 */
void
pgd_sessions_forget(Oid userid, Oid dbid, TimestampTz now)
{
	for (int i = 0; i <= OTHERS; i++)
	{
		PgdSessionSum *sum = &sums[i];

		if (!sum->in_use ||
			(OidIsValid(userid) && sum->key.userid != userid) ||
			(OidIsValid(dbid) && sum->key.dbid != dbid))
			continue;

		memset(&sum->counters, 0, sizeof(sum->counters));
		memset(&sum->histogram, 0, sizeof(sum->histogram));
		sum->counters.max_open = sum->open;
		sum->in_use = sum->open > 0;
		for (int s = 0; s < nsessions && sum->in_use; s++)
		{
			PgdSession *session = &sessions[s];

			if (session->place != i)
				continue;
			for (int c = 0; c < PGD_SESSION_COUNTERS; c++)
				session->moved[c] = pg_atomic_read_u64(&session->counter[c]);
			session->from = now;
		}
	}
}

/*
 * Copy all sums, with the sessions that go on added, to PGD_SESSION_SUMS + 1
 * places.  Returns how many there are.
 */
int
pgd_sessions_copy(PgdSessionSum *into, TimestampTz now)
{
	int			where[PGD_SESSION_SUMS + 1];
	int			n = 0;

	for (int i = 0; i <= OTHERS; i++)
	{
		if (sums[i].in_use)
		{
			into[n] = sums[i];
			where[i] = n++;
		}
	}
	for (int s = 0; s < nsessions; s++)
	{
		PgdSession *session = &sessions[s];
		PgdSessionCounters so_far;

		if (session->place < 0)
			continue;
		collect(session, now, &so_far);
		add_counters(&into[where[session->place]].counters, &so_far);
	}
	return n;
}

/*
 * Put back what an earlier server knew.  Of what it was, no session goes on.
 */
void
pgd_sessions_restore(const PgdSessionSum *restored)
{
	int			place = OidIsValid(restored->key.dbid) ?
		find_place(&restored->key) : OTHERS;
	PgdSessionSum *sum = &sums[place];

	sum->in_use = true;
	add_counters(&sum->counters, &restored->counters);
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
		sum->histogram.count[i] += restored->histogram.count[i];
}
