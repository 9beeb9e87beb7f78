/*-------------------------------------------------------------------------
 *
 * slot.h
 *		What one backend has seen of late.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SLOT_H
#define PGD_SLOT_H

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
	bool		slow;			/* an execution took far longer than usual */
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

	uint64		latest;			/* queryid of the latest statement that the
								 * client sent; 0: none, or none captured */
	uint64		used;			/* bit i: pending[i] holds a statement */
	TimestampTz merged_at;		/* when all was last merged */
	uint8		partition[PGD_PENDING];
	uint64		tag[PGD_PENDING];	/* hash of the key, 0: unused */
	PgdPending	pending[PGD_PENDING];
} PgdSlot;

PGD_BEGIN_INTERNAL

extern int	pgd_slot_read(const PgdSlot *slot, int partition,
						  PgdPending *into);
extern bool pgd_pending_is_empty(const PgdPending *pending);
extern void pgd_pending_add_to(PgdStatement *sum, const PgdPending *pending);

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

#endif							/* PGD_SLOT_H */
