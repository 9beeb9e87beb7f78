/*-------------------------------------------------------------------------
 *
 * slot.c
 *		What one backend has seen of late: how others read it.
 *
 * How the owner writes it is in pending.h.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/pg_bitutils.h"
#include "storage/s_lock.h"

#include "slot.h"
#include "sums.h"

#define READER_SPINS	1000	/* while the owner is writing */

/*
 * Copy what a slot has pending of a partition, all as of one moment.
 * Returns how many statements, or -1 if the owner does not stop writing.
 */
int
pgd_slot_read(const PgdSlot *slot, int partition, PgdPending *into)
{
	const volatile uint32 *changecount = &slot->changecount;
	PgdSlot    *s = unconstify(PgdSlot *, slot);

	for (int spin = 0; spin < READER_SPINS; spin++)
	{
		uint32		before = *changecount;
		uint64		used;
		int			n = 0;

		pg_read_barrier();
		used = slot->used & ~pg_atomic_read_u64(&s->discard);
		if (before & 1)
			used = 0;
		for (; used != 0; used &= used - 1)
		{
			int			way = pg_rightmost_one_pos64(used);

			if (slot->partition[way] == partition)
				memcpy(&into[n++], &slot->pending[way], sizeof(PgdPending));
		}
		pg_read_barrier();
		if (before == *changecount && (before & 1) == 0)
			return n;
		SPIN_DELAY();
	}
	return -1;
}

/* Nothing but its key: a statement that has begun. */
bool
pgd_pending_is_empty(const PgdPending *pending)
{
	const PgdCounters *c = &pending->counters;

	return c->calls == 0 && c->plans == 0 && c->failed == 0 &&
		c->abandoned == 0;
}

/* Add what is pending to what is known. */
void
pgd_pending_add_to(PgdStatement *sum, const PgdPending *pending)
{
	sum->last_seen = Max(sum->last_seen, pending->last_seen);
	pgd_counters_add(&sum->counters, &pending->counters);

	for (int i = 0; i < PGD_PENDING_ERRORS; i++)
	{
		if (pending->errors[i].count > 0)
			pgd_statement_add_error(sum, pending->errors[i].sqlstate,
									pending->errors[i].count);
	}
	for (int i = 0; i < PGD_PENDING_BUCKETS; i++)
	{
		if (pending->buckets[i].id != 0)
			sum->histogram.count[pending->buckets[i].id - 1] +=
				pending->buckets[i].count;
	}

	if (pending->plan != 0 && pending->counters.calls > 0)
	{
		PgdPlanUse	use = {
			.shape = pending->plan,
			.calls = pending->counters.calls,
			.total_time = pending->counters.total_exec_time,
			.max_time = pending->counters.max_exec_time,
			.last_seen = pending->last_seen,
		};

		pgd_statement_add_plan(sum, &use);
	}
}
