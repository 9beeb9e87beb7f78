/*-------------------------------------------------------------------------
 *
 * pending.h
 *		This backend's slot: where the hot path writes.
 *
 * A slot is a small set-associative table, so that finding a statement's
 * place costs a few instructions and no lock.  A few spare places take what
 * has to leave its set while the table is busy; nobody looks for it there but
 * readers.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_PENDING_H
#define PGD_PENDING_H

#include "store.h"

PGD_BEGIN_INTERNAL

extern PgdSlot *pgd_slot;		/* NULL until attached */

extern bool pgd_pending_attach(void);
extern void pgd_pending_detach(void);
extern PgdPending *pgd_pending_claim(const PgdKey *key, uint64 tag,
									 uint64 plan, bool registered);
extern PgdPending *pgd_pending_make_room(PgdPending *pending);
extern void pgd_pending_obey_reset(void);
extern void pgd_pending_merge_all(void);

PGD_END_INTERNAL

/* User and level of a key, as one number. */
static inline uint64
pgd_pending_who(const PgdKey *key)
{
	return (uint64) key->toplevel << 32 | key->userid;
}

/* Hash of a key, within this backend's database.  Never 0. */
static inline uint64
pgd_pending_tag(const PgdKey *key)
{
	return ((key->queryid ^ pgd_pending_who(key)) *
			UINT64CONST(0x9E3779B97F4A7C15)) | 1;
}

/* First of the PGD_WAYS places where a key may lie. */
static inline int
pgd_pending_set(uint64 tag)
{
	return (int) ((tag >> 32) * PGD_SETS >> 32) * PGD_WAYS;
}

static inline bool
pgd_pending_is(const PgdPending *pending, const PgdKey *key)
{
	return pending->key.queryid == key->queryid &&
		pgd_pending_who(&pending->key) == pgd_pending_who(key);
}

/*
 * The place of a statement with this shape of plan; NULL if it has none yet.
 */
static inline PgdPending *
pgd_pending_find(const PgdKey *key, uint64 tag, uint64 plan)
{
	PgdSlot    *slot = pgd_slot;
	int			way = pgd_pending_set(tag);

	if (unlikely(pg_atomic_read_u64(&slot->discard) != 0))
		pgd_pending_obey_reset();

	for (int end = way + PGD_WAYS; way < end; way++)
	{
		if (slot->tag[way] == tag && slot->pending[way].plan == plan &&
			pgd_pending_is(&slot->pending[way], key))
			return &slot->pending[way];
	}
	return NULL;
}

/*
 * Does a statement have any place, whatever its plan?
 */
static inline bool
pgd_pending_known(const PgdKey *key, uint64 tag)
{
	int			way = pgd_pending_set(tag);

	if (unlikely(pg_atomic_read_u64(&pgd_slot->discard) != 0))
		pgd_pending_obey_reset();

	for (int end = way + PGD_WAYS; way < end; way++)
	{
		if (pgd_slot->tag[way] == tag &&
			pgd_pending_is(&pgd_slot->pending[way], key))
			return pgd_slot->pending[way].registered;
	}
	return false;
}

/*
 * Is this place still the one that was claimed then?
 */
static inline bool
pgd_pending_holds(const PgdPending *pending, uint64 serial)
{
	return likely(pg_atomic_read_u64(&pgd_slot->discard) == 0) &&
		pending->serial == serial;
}

/*
 * Where to count a latency, or NULL if there is no room before a merge.
 * Latencies that occur together are mostly in neighbouring buckets, which
 * do not collide here.
 */
static inline PgdPendingBucket *
pgd_pending_bucket(PgdPending *pending, int bucket)
{
	uint16		id = bucket + 1;

	for (int i = 0; i < PGD_PENDING_BUCKETS; i++)
	{
		PgdPendingBucket *b =
			&pending->buckets[(bucket + i) % PGD_PENDING_BUCKETS];

		if ((b->id == id && likely(b->count < PG_UINT16_MAX)) || b->id == 0)
			return b;
	}
	return NULL;
}

#endif							/* PGD_PENDING_H */
