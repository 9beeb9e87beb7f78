/*-------------------------------------------------------------------------
 *
 * pending_shapes.c
 *		This backend's slot of transactions: where complete ones are added up.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/proc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "pending_shapes.h"

#define MERGE_INTERVAL	(10 * USECS_PER_SEC)

PgdXactSlot *pgd_xact_slot = NULL;

/*
 * Give one place to the table, whatever it takes: for as long as a reader
 * copies the table, at most.
 */
static void
merge_at_any_price(PgdXactSlot *slot, int place)
{
	uint64		start;

	if (pgd_store_merge_shape(slot, place, false))
		return;
	start = pgd_clock();
	(void) pgd_store_merge_shape(slot, place, true);
	pgd_store_count_wait(pgd_clock() - start);
}

/* Give all to the table that can be given. */
static void
merge_all(PgdXactSlot *slot, bool wait)
{
	for (int i = 0; i < PGD_SHAPE_PLACES; i++)
	{
		if ((slot->used & (1 << i)) != 0)
			(void) pgd_store_merge_shape(slot, i, wait);
	}
}

/*
 * Take possession of our slot, as pgd_pending_attach() did of the other.
 */
void
pgd_pending_shapes_attach(void)
{
	PgdXactSlot *slot = pgd_store_xact_slot(pgd_my_proc_number());

	if (slot == NULL)
		return;
	merge_all(slot, true);
	pgd_xact_begin_change(slot);
	slot->pid = MyProcPid;
	slot->open.kind = PGD_XACT_NONE;
	slot->merged_at = GetCurrentTimestamp();
	pgd_xact_end_change(slot);
	pg_atomic_write_u32(&slot->discard, 0);
	pgd_xact_slot = slot;
}

/*
 * Give all to the table and let go of the slot, for good.
 */
void
pgd_pending_shapes_detach(void)
{
	PgdXactSlot *slot = pgd_xact_slot;

	merge_all(slot, true);
	pgd_xact_begin_change(slot);
	slot->open.kind = PGD_XACT_NONE;
	slot->pid = 0;
	pgd_xact_end_change(slot);
	pgd_xact_slot = NULL;
}

/*
 * Somebody has reset what lies in our slot.
 */
void
pgd_pending_shapes_obey_reset(void)
{
	PgdXactSlot *slot = pgd_xact_slot;
	uint32		discard = pg_atomic_read_u32(&slot->discard);

	pgd_xact_begin_change(slot);
	slot->used &= ~discard;
	if ((discard & PGD_DISCARD_BURST) != 0 && slot->open.kind == PGD_XACT_BURST)
		slot->open.kind = PGD_XACT_NONE;
	pgd_xact_end_change(slot);
	pg_atomic_fetch_and_u32(&slot->discard, ~discard);
}

static PgdPendingShape *
begin_place(int place, const PgdShapeKey *key, TimestampTz since)
{
	PgdXactSlot *slot = pgd_xact_slot;

	pgd_xact_begin_change(slot);
	memset(&slot->pending[place], 0, sizeof(PgdPendingShape));
	slot->pending[place].sums.key = *key;
	slot->pending[place].sums.since = since;
	slot->used |= 1 << place;
	pgd_xact_end_change(slot);
	return &slot->pending[place];
}

/*
 * The place for the rest.  Only if that is full, too, or taken by the other
 * kind, the table is waited for.
 */
static PgdPendingShape *
find_rest(const PgdShapeKey *key, TimestampTz since)
{
	PgdXactSlot *slot = pgd_xact_slot;
	const PgdShapeKey rest = {.dbid = key->dbid, .kind = key->kind};
	int			place = PGD_SHAPE_PLACES - 1;
	PgdPendingShape *pending = &slot->pending[place];

	if ((slot->used & (1 << place)) != 0)
	{
		if (pgd_shape_key_equal(&pending->sums.key, &rest) &&
			pgd_shape_has_room(pending))
			return pending;
		merge_at_any_price(slot, place);
	}
	return begin_place(place, &rest, since);
}

/*
 * A place for a shape, with room for one more of each time; the one for the
 * rest if the table is busy.
 */
static PgdPendingShape *
find_place(const PgdShapeKey *key, TimestampTz since)
{
	static int	turn = 0;
	PgdXactSlot *slot = pgd_xact_slot;
	int			place = -1;

	for (int i = 0; i < PGD_SHAPE_PLACES - 1; i++)
	{
		if ((slot->used & (1 << i)) == 0)
			place = i;
		else if (pgd_shape_key_equal(&slot->pending[i].sums.key, key))
		{
			if (likely(pgd_shape_has_room(&slot->pending[i])))
				return &slot->pending[i];
			if (!pgd_store_merge_shape(slot, i, false))
				return find_rest(key, since);
			place = i;
			break;
		}
	}
	for (int i = 0; i < PGD_SHAPE_PLACES - 1 && place < 0; i++)
	{
		turn = (turn + 1) % (PGD_SHAPE_PLACES - 1);
		if (pgd_store_merge_shape(slot, turn, false))
			place = turn;
	}
	return place < 0 ? find_rest(key, since) : begin_place(place, key, since);
}

/*
 * Add a complete transcript, and what detectors saw of it, to its sums.
 */
void
pgd_pending_shape_add(PgdPendingShape *pending, const PgdTranscript *t,
					  const PgdObservation *seen, int nseen, int dropped)
{
	PgdShapeSums *sum = &pending->sums;
	const PgdXactCounters *c = &t->counters;

	pgd_xact_counters_add(&sum->counters, c);
	sum->last_seen = Max(sum->last_seen, t->start);
	if (t->sqlstate != 0)
		pgd_shape_add_error(sum, t->sqlstate, Max(c->aborts, 1));
	pgd_shape_count_time(pending, PGD_DURATION, c->duration);
	pgd_shape_count_time(pending, PGD_IDLE, c->idle_time);
	if (c->commit_time != 0)
		pgd_shape_count_time(pending, PGD_COMMIT, c->commit_time);
	if (sum->key.shape == 0)
		return;

	if (c->duration >= sum->slowest)
	{
		sum->slowest = c->duration;
		sum->tag = t->tag;
	}
	pgd_shape_add_steps(sum, t->steps, t->nsteps);
	for (int i = 0; i < nseen; i++)
		pgd_shape_observe(sum, &seen[i]);
	sum->dropped += dropped;
}

/*
 * The open transcript is complete: it moves to the sums of its shape, so that
 * a reader finds it in one place or in the other.
 */
void
pgd_pending_shapes_finish(const PgdShapeKey *key, const PgdObservation *seen,
						  int nseen, int dropped, TimestampTz now)
{
	PgdXactSlot *slot = pgd_xact_slot;
	PgdTranscript *t = &slot->open;
	PgdPendingShape *pending;

	if (unlikely(pg_atomic_read_u32(&slot->discard) != 0))
		pgd_pending_shapes_obey_reset();
	if (t->kind == PGD_XACT_NONE)
		return;
	pending = find_place(key, t->start);
	pgd_xact_begin_change(slot);
	pgd_pending_shape_add(pending, t, seen, nseen, dropped);
	t->kind = PGD_XACT_NONE;
	pgd_xact_end_change(slot);

	/* readers do not depend on it: it only keeps sums from getting old */
	if (unlikely(now - slot->merged_at > MERGE_INTERVAL))
	{
		merge_all(slot, false);
		slot->merged_at = now;
	}
}
