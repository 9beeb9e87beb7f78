/*-------------------------------------------------------------------------
 *
 * closing.c
 *		A transcript comes to its end: what is known only then.
 *
 *
 * What can be derived is derived, the detectors are asked, and all of it is
 * added to the sums of the shape.  A reader does the same with a copy of a
 * burst that is still open, as nobody knows whether it goes on.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "closing.h"
#include "detectors.h"
#include "pending_shapes.h"

#define NS(us)	((uint64) (us) * 1000)

static PgdLook look;

/*
 * What is counted by position, over all of them.  "sums" may be those of the
 * transcript, where the time to wait for its end is already.
 */
void
pgd_closing_sum_steps(const PgdTranscript *t, PgdXactCounters *sums)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		sums->statements += s->calls;
		sums->rows += s->rows;
		sums->exec_time += s->exec_time;
		sums->idle_time += s->idle_time;
		sums->lock_wait += s->lock_wait;
		sums->max_idle_time = Max(sums->max_idle_time, s->max_idle_time);
	}
}

/*
 * Set what is known only at the end, or as if it were the end.
 */
static void
close_transcript(PgdTranscript *t, PgdXactOutcome outcome, TimestampTz stop,
				 TimestampTz unlocked)
{
	PgdXactCounters *c = &t->counters;

	t->outcome = outcome;
	c->calls = 1;
	pgd_closing_sum_steps(t, c);
	c->max_statements = c->statements;
	c->max_savepoints = c->savepoints;
	c->duration = NS(Max(stop - t->start, 0));
	c->max_duration = c->duration;
	if (t->first_lock != 0)
		c->row_lock_time = NS(Max(unlocked - t->first_lock, 0));
	if (t->kind == PGD_XACT_BLOCK && outcome != PGD_XACT_COMMITTED &&
		outcome != PGD_XACT_PREPARED && outcome != PGD_XACT_OPEN)
		c->aborted_time = c->exec_time;
	if (outcome == PGD_XACT_ABANDONED)
		c->abandoned = 1;

	if (c->statements >= 10)
		t->saw |= PGD_SAW_MANY;
	if (c->statements <= 1)
		t->saw |= PGD_SAW_FEW;
	if (c->duration >= NS(10000))
		t->saw |= PGD_SAW_SLOW;
}

static inline PgdShapeKey
key_of(const PgdTranscript *t)
{
	return (PgdShapeKey) {
		.shape = pgd_transcript_shape(t),
		.tag = t->tag.hash,
		.dbid = t->dbid,
		.userid = t->userid,
		.kind = t->kind,
		.isolation = t->isolation,
	};
}

/*
 * The transcript of this backend is complete.  "unlocked" is when its locks
 * were released.
 */
void
pgd_closing_finish(PgdXactOutcome outcome, TimestampTz stop,
				   TimestampTz unlocked)
{
	PgdTranscript *t = &pgd_xact_slot->open;
	PgdShapeKey key;

	/* a reader must see all of the sums or none, and which it is: "outcome" */
	pgd_xact_begin_change(pgd_xact_slot);
	close_transcript(t, outcome, stop, unlocked);
	pgd_xact_end_change(pgd_xact_slot);

	pgd_detectors_look(t, &look);
	key = key_of(t);
	pgd_pending_shapes_finish(&key, look.seen, look.n, look.dropped, stop);
}

/*
 * Add what one slot has pending to the shapes that are there; returns how
 * many these are then.
 */
static int
add_pending(PgdShape *shapes, int n, const PgdPendingShape *pending)
{
	int			i = 0;

	while (i < n && !pgd_shape_key_equal(&shapes[i].sums.key,
										 &pending->sums.key))
		i++;
	if (i == n)
	{
		memset(&shapes[i], 0, sizeof(PgdShape));
		shapes[i].sums.key = pending->sums.key;
		n++;
	}
	pgd_shape_add_pending(&shapes[i], pending);
	return n;
}

/*
 * Visit every shape, as of now.  A burst that is open counts as if it ended
 * now, since nobody knows whether it goes on.
 */
void
pgd_closing_read(PgdClosingPart part, PgdShapeVisitor visit, void *arg)
{
	static PgdPendingShape burst;
	PgdShapesCopy copy;
	PgdShape   *shapes;
	int			n;

	pgd_store_copy_shapes(&copy);
	shapes = MemoryContextAllocHuge(CurrentMemoryContext,
									mul_size(sizeof(PgdShape), copy.nshapes +
											 (PGD_SHAPE_PLACES + 1) *
											 copy.nslots + 1));
	n = (part & PGD_CLOSED) != 0 ? copy.nshapes : 0;
	memcpy(shapes, copy.shapes, sizeof(PgdShape) * n);
	pfree(copy.shapes);

	for (int s = 0; s < copy.nslots; s++)
	{
		PgdXactSlot *slot = &copy.slots[s];
		uint32		discard = pg_atomic_read_u32(&slot->discard);
		PgdTranscript *t = &slot->open;

		for (int i = 0; i < PGD_SHAPE_PLACES; i++)
		{
			if ((part & PGD_CLOSED) != 0 &&
				(slot->used & ~discard & (1 << i)) != 0)
				n = add_pending(shapes, n, &slot->pending[i]);
		}
		if ((part & PGD_OPEN) != 0 &&
			t->kind == PGD_XACT_BURST && t->nsteps > 0 &&
			(discard & PGD_DISCARD_BURST) == 0)
		{
			/* unless its owner has done it and is about to move it */
			if (t->outcome == PGD_XACT_OPEN)
				close_transcript(t, PGD_XACT_OPEN,
								 Max(t->start, t->idle_since), 0);
			pgd_detectors_look(t, &look);
			memset(&burst, 0, sizeof(burst));
			burst.sums.key = key_of(t);
			burst.sums.since = t->start;
			pgd_pending_shape_add(&burst, t, look.seen, look.n, look.dropped);
			n = add_pending(shapes, n, &burst);
		}
	}
	pfree(copy.slots);

	for (int i = 0; i < n; i++)
	{
		visit(&shapes[i], arg);
		CHECK_FOR_INTERRUPTS();
	}
	pfree(shapes);
}
