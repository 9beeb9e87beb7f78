/*-------------------------------------------------------------------------
 *
 * store.h
 *		Shared memory: what every backend has seen.
 *
 * Two kinds of places hold numbers.  A slot belongs to one backend, and only
 * that backend changes it: the hot path writes there and nowhere else
 * (pending.h).  The table belongs to all; slots are merged into it now and
 * then.  A reader adds up both, so it misses nothing that has finished.  See
 * store.c for the rules.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_STORE_H
#define PGD_STORE_H

#include "pg_diagnose.h"

#include "port/atomics.h"

#define PGD_WAYS		4		/* pending statements with the same hash */
#define PGD_SETS		14
#define PGD_SPARES		8		/* for what had to make room but could not */
#define PGD_PENDING		(PGD_SETS * PGD_WAYS + PGD_SPARES)
#define PGD_PENDING_BUCKETS 32	/* distinct latencies before a merge */
#define PGD_PENDING_ERRORS 2	/* distinct SQLSTATEs before a merge */

typedef struct PgdPendingBucket
{
	uint16		id;				/* of the bucket, plus 1; 0: unused */
	uint16		count;
} PgdPendingBucket;

typedef struct PgdPendingError
{
	int32		sqlstate;
	uint32		count;			/* 0: unused */
} PgdPendingError;

/* What one backend has seen of a statement since it was last merged. */
typedef struct PgdPending
{
	PgdKey		key;
	uint64		serial;			/* of the claim; no two are the same */
	uint64		plan;			/* shape; those with another are elsewhere */
	TimestampTz last_seen;
	bool		registered;		/* the table had an entry when we began */
	PgdPendingError errors[PGD_PENDING_ERRORS];
	PgdPendingBucket buckets[PGD_PENDING_BUCKETS];
	PgdCounters counters;
} PgdPending;

/* One per backend. */
typedef struct PgdSlot
{
	/* odd while the owner is changing anything below */
	uint32		changecount;

	/* bit i: pending[i] was reset by somebody; its contents are void */
	pg_atomic_uint64 discard;

	uint64		used;			/* bit i: pending[i] holds a statement */
	TimestampTz merged_at;		/* when all was last merged */
	uint8		partition[PGD_PENDING];
	uint64		tag[PGD_PENDING];	/* hash of the key, 0: unused */
	PgdPending	pending[PGD_PENDING];
} PgdSlot;

/* Counted since start or reset; for diagnose.status. */
typedef struct PgdStoreStatus
{
	Size		memory;			/* bytes of shared memory */
	int64		entries_max;
	int64		entries_used;
	int64		pending_used;
	int64		evictions;
	int64		text_bytes;
	int64		text_bytes_used;
	int64		texts_dropped;	/* statements stored without text */
	int64		uncaptured;		/* executions without a query identifier */
	int64		own_time;		/* nanoseconds spent beyond the hot path */
	int64		own_time_max;	/* longest of these */
	int64		wait_time;		/* of these, spent waiting for a lock */
	int64		wait_time_max;	/* longest of these */
	TimestampTz since;
} PgdStoreStatus;

/* "text" is NULL when there is none; it is not zero-terminated. */
typedef void (*PgdStatementVisitor) (const PgdStatement *statement,
									 const char *text, int len, void *arg);

PGD_BEGIN_INTERNAL

/* start of the server */
extern void pgd_store_request(void);
extern bool pgd_store_startup(void);
extern bool pgd_store_ready(void);

/* the table */
extern bool pgd_store_knows(const PgdKey *key, bool *busy);
extern bool pgd_store_register(const PgdKey *key, uint64 fingerprint,
							   const char *text, int len);
extern bool pgd_store_merge(PgdSlot *slot, int way, bool wait);
extern void pgd_store_restore(const PgdStatement *statement,
							  const char *text, int len);
extern int64 pgd_store_reset(Oid userid, Oid dbid, uint64 queryid);

/* readers */
extern void pgd_store_read(PgdStatementVisitor visit, void *arg);
extern void pgd_store_status(PgdStoreStatus *status);

/* slots */
extern PgdSlot *pgd_store_slot(int procno);
extern int	pgd_store_partition(const PgdKey *key);

/* counts without a lock */
extern void pgd_store_count_uncaptured(void);
extern void pgd_store_count_own_time(uint64 ns);
extern void pgd_store_count_wait(uint64 ns);
extern TimestampTz pgd_store_since(void);
extern void pgd_store_set_since(TimestampTz since);

PGD_END_INTERNAL

/*
 * The owner of a slot brackets every change of it with these two.  Between
 * them no function may be called that can throw.
 */
static inline void
pgd_slot_begin_change(PgdSlot *slot)
{
	slot->changecount++;
	pg_write_barrier();
}

static inline void
pgd_slot_end_change(PgdSlot *slot)
{
	pg_write_barrier();
	slot->changecount++;
}

#endif							/* PGD_STORE_H */
