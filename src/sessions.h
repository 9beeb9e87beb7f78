/*-------------------------------------------------------------------------
 *
 * sessions.h
 *		What sessions did, by database, user and application; for store.c, and
 *		for each session to count its own.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SESSIONS_H
#define PGD_SESSIONS_H

#include "pg_diagnose.h"

#include "port/atomics.h"

#define PGD_SESSION_SUMS	256 /* (database, user, application) */

/* One field a line of sessionlist.h, all of them uint64. */
typedef struct PgdSessionCounters
{
#define PGD_SESSION_COUNTER(name, combine, unit) uint64 name;
#include "sessionlist.h"
#undef PGD_SESSION_COUNTER
} PgdSessionCounters;

/* The same as numbers. */
typedef enum PgdSessionCounter
{
#define PGD_SESSION_COUNTER(name, combine, unit) PGD_SESSION_##name,
#include "sessionlist.h"
#undef PGD_SESSION_COUNTER
	PGD_SESSION_COUNTERS
} PgdSessionCounter;

typedef enum PgdTimeout
{
	PGD_STATEMENT_TIMEOUT,
	PGD_LOCK_TIMEOUT,
	PGD_IDLE_IN_TRANSACTION_TIMEOUT,
	PGD_TRANSACTION_TIMEOUT,
	PGD_TIMEOUTS
} PgdTimeout;

/* Compared byte by byte, and written to disk: no padding. */
typedef struct PgdSessionKey
{
	Oid			dbid;			/* InvalidOid: all that found no place */
	Oid			userid;			/* who logged in */
	char		application[NAMEDATALEN];	/* padded with zeroes */
} PgdSessionKey;

/* Sums of the sessions of one kind. */
typedef struct PgdSessionSum
{
	PgdSessionKey key;
	uint32		in_use;
	uint32		open;			/* sessions that go on */
	PgdSessionCounters counters;
	PgdHistogram histogram;		/* of the lengths of sessions that ended */
} PgdSessionSum;

/*
 * One session that goes on.  Its owner counts here, one number at a time and
 * without a lock; nobody needs two of them as of the same moment.  The rest
 * is for who holds the lock.
 */
typedef struct PgdSession
{
	pg_atomic_uint64 counter[PGD_SESSION_COUNTERS];
	pg_atomic_uint32 timeout[PGD_TIMEOUTS]; /* milliseconds */

	int32		place;			/* of its sum; -1: no session here */
	TimestampTz begin;
	TimestampTz from;			/* session_time not yet in the sum */
	uint64		moved[PGD_SESSION_COUNTERS];	/* part of "counter" that is in
												 * a sum, or forgotten */
} PgdSession;

typedef void (*PgdSessionVisitor) (const PgdSessionSum *sum, void *arg);

PGD_BEGIN_INTERNAL

extern Size pgd_sessions_layout(char *base, int nbackends);
extern void pgd_sessions_clear(void);
extern PgdSession *pgd_sessions_get(int procno);
extern void pgd_sessions_enter(PgdSession *session, const PgdSessionKey *key,
							   TimestampTz begin);
extern void pgd_sessions_rename(PgdSession *session, const PgdSessionKey *key,
								TimestampTz now);
extern void pgd_sessions_leave(PgdSession *session, TimestampTz now);
extern void pgd_sessions_forget(Oid userid, Oid dbid, TimestampTz now);
extern int	pgd_sessions_copy(PgdSessionSum *into, TimestampTz now);
extern void pgd_sessions_restore(const PgdSessionSum *sum);

PGD_END_INTERNAL

/*
 * The owner counts.  It is the only one who writes: no atomic addition.
 */
static inline void
pgd_sessions_count(PgdSession *session, PgdSessionCounter counter)
{
	pg_atomic_uint64 *c = &session->counter[counter];

	pg_atomic_write_u64(c, pg_atomic_read_u64(c) + 1);
}

#endif							/* PGD_SESSIONS_H */
