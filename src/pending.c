/*-------------------------------------------------------------------------
 *
 * pending.c
 *		This backend's slot: attaching to it, making room in it, emptying it.
 *
 * What the hot path does is inline in pending.h; here is what it does when
 * it does not find what it wants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "port/pg_bitutils.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "pending.h"

StaticAssertDecl(PGD_PENDING <= 64, "a slot has 64 bits for its places");

PgdSlot    *pgd_slot = NULL;

static bool leaving = false;	/* past the point of attaching */
static uint64 claims = 0;

static bool make_way(int set);
static bool displace(int way);
static void merge_at_any_price(int way);

/*
 * Take possession of our slot.  False if this process has none, or is about
 * to exit, or is a parallel worker, which leaves all to its leader.
 */
bool
pgd_pending_attach(void)
{
	PgdSlot    *slot;

	if (leaving || MyProc == NULL || !OidIsValid(MyDatabaseId) ||
		IsParallelWorker())
		return false;
	slot = pgd_store_slot(pgd_my_proc_number());
	if (slot == NULL)
		return false;

	pgd_slot = slot;
	pgd_slot->merged_at = GetCurrentTimestamp();
	pgd_slot->latest = 0;

	/* our predecessor left it empty, unless it left in a strange way */
	for (uint64 used = slot->used; used != 0; used &= used - 1)
		(void) pgd_store_merge(slot, pg_rightmost_one_pos64(used), true);
	return true;
}

/*
 * Give all to the table and let go of the slot, for good.
 */
void
pgd_pending_detach(void)
{
	leaving = true;
	if (pgd_slot == NULL)
		return;
	for (uint64 used = pgd_slot->used; used != 0; used &= used - 1)
		(void) pgd_store_merge(pgd_slot, pg_rightmost_one_pos64(used), true);
	pgd_slot->latest = 0;
	pgd_slot = NULL;
}

/*
 * Free the places that somebody has reset.
 */
void
pgd_pending_obey_reset(void)
{
	uint64		discard = pg_atomic_read_u64(&pgd_slot->discard);

	pgd_slot_begin_change(pgd_slot);
	for (uint64 d = discard; d != 0; d &= d - 1)
	{
		int			way = pg_rightmost_one_pos64(d);

		pgd_slot->tag[way] = 0;
		pgd_slot->pending[way].serial = 0;
	}
	pgd_slot->used &= ~discard;
	pgd_slot_end_change(pgd_slot);

	pg_atomic_fetch_and_u64(&pgd_slot->discard, ~discard);
}

/*
 * Take a place for a statement that has none, merging another one if the
 * set is full.
 */
PgdPending *
pgd_pending_claim(const PgdKey *key, uint64 tag, uint64 plan, bool registered)
{
	PgdSlot    *slot = pgd_slot;
	int			set = pgd_pending_set(tag);
	uint64		ways = ((UINT64CONST(1) << PGD_WAYS) - 1) << set;
	PgdPending *pending;
	int			way;

	if ((slot->used & ways) == ways)
	{
		uint64		start = pgd_clock();

		if (!make_way(set))
			merge_at_any_price(set);
		pgd_store_count_own_time(pgd_clock() - start);
	}
	way = pg_rightmost_one_pos64(~slot->used & ways);
	pending = &slot->pending[way];

	pgd_slot_begin_change(slot);
	memset(pending, 0, sizeof(PgdPending));
	pending->key = *key;
	pending->serial = ++claims;
	pending->plan = plan;
	pending->registered = registered;
	slot->partition[way] = pgd_store_partition(key);
	slot->tag[way] = tag;
	pg_write_barrier();			/* a reset looks at "used" first */
	slot->used |= UINT64CONST(1) << way;
	pgd_slot_end_change(slot);
	return pending;
}

/*
 * Free a place of a set without waiting, if possible by merging.  Which one is
 * not important enough to keep track of use, but it should not be the same
 * one each time.
 */
static bool
make_way(int set)
{
	static int	turn = 0;

	for (int i = 0; i < PGD_WAYS; i++)
	{
		if (pgd_store_merge(pgd_slot, set + turn++ % PGD_WAYS, false))
			return true;
	}
	return displace(set + turn++ % PGD_WAYS);
}

/*
 * Move a statement to a spare place, if there is one or one can be had.
 */
static bool
displace(int way)
{
	PgdSlot    *slot = pgd_slot;

	for (int spare = PGD_PENDING - PGD_SPARES; spare < PGD_PENDING; spare++)
	{
		uint64		bit = UINT64CONST(1) << spare;

		if ((slot->used & bit) != 0 && !pgd_store_merge(slot, spare, false))
			continue;

		pgd_slot_begin_change(slot);
		slot->pending[spare] = slot->pending[way];
		slot->partition[spare] = slot->partition[way];
		slot->used = (slot->used | bit) & ~(UINT64CONST(1) << way);
		slot->tag[way] = 0;
		slot->pending[way].serial = 0;
		pgd_slot_end_change(slot);
		return true;
	}
	return false;
}

/*
 * The one occasion on which a statement sleeps for another session.
 */
static void
merge_at_any_price(int way)
{
	uint64		start = pgd_clock();

	(void) pgd_store_merge(pgd_slot, way, true);
	pgd_store_count_wait(pgd_clock() - start);
}

/*
 * One of the small arrays of a statement is full: give what is there to the
 * table and begin anew.
 */
PgdPending *
pgd_pending_make_room(PgdPending *pending)
{
	PgdKey		key = pending->key;
	uint64		plan = pending->plan;
	bool		registered = pending->registered;
	bool		busy;
	int			way = pending - pgd_slot->pending;
	uint64		start = pgd_clock();

	if (!pgd_store_merge(pgd_slot, way, false) && !displace(way))
		merge_at_any_price(way);

	/* merging let go of the entry, which is still in use */
	if (!pgd_store_knows(&key, &busy) && !busy)
		registered = false;
	pgd_store_count_own_time(pgd_clock() - start);
	return pgd_pending_claim(&key, pgd_pending_tag(&key), plan, registered);
}

/*
 * Give to the table what can be given without waiting; every ten seconds.
 * Readers do not depend on it: it only keeps what is pending from getting old.
 */
void
pgd_pending_merge_all(void)
{
	uint64		start = pgd_clock();

	for (uint64 used = pgd_slot->used; used != 0; used &= used - 1)
		(void) pgd_store_merge(pgd_slot, pg_rightmost_one_pos64(used), false);
	pgd_slot->merged_at = GetCurrentStatementStartTimestamp();
	pgd_store_count_own_time(pgd_clock() - start);
}
