/*-------------------------------------------------------------------------
 *
 * shapes.h
 *		Transactions in shared memory: what each backend is in, and sums of
 *		those with the same shape.
 *
 * As with statements, a backend writes to a slot that it alone changes, and
 * the slot's sums move to a table now and then.  Transactions are fewer than
 * statements, so a slot has a few places, the table is not cut into
 * partitions, and a place that cannot be freed is not waited for: its sums
 * go on without their steps, in the place for the rest.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SHAPES_H
#define PGD_SHAPES_H

#include "slot.h"
#include "transcript.h"

#define PGD_SHAPE_PLACES	4	/* shapes pending in a slot; the last is for
								 * the rest */
#define PGD_SHAPE_BUCKETS	24	/* distinct times before a merge */

/* What makes two transcripts count as one.  No padding. */
typedef struct PgdShapeKey
{
	uint64		shape;			/* 0: the rest */
	uint64		tag;			/* hash of the application and its comment */
	Oid			dbid;
	Oid			userid;			/* InvalidOid: the rest */
	uint32		kind;			/* PgdXactKind */
	uint32		isolation;		/* XACT_READ_COMMITTED ... */
} PgdShapeKey;

/* Sums over the transcripts of one key, all but the histograms. */
typedef struct PgdShapeSums
{
	PgdShapeKey key;
	PgdTag		tag;			/* traceparent: of the slowest */
	TimestampTz since;
	TimestampTz last_seen;
	uint64		slowest;		/* duration of that one */
	uint64		dropped;		/* observations without room */
	PgdXactCounters counters;
	PgdErrorCount errors[PGD_XACT_ERRORS + 1];	/* the last one: all others */
	uint64		nsteps;
	PgdStep		steps[PGD_STEPS];
	PgdObservation observations[PGD_OBSERVATIONS];
} PgdShapeSums;

typedef enum PgdXactHistogram
{
	PGD_DURATION,
	PGD_IDLE,
	PGD_COMMIT,
	PGD_XACT_HISTOGRAMS
} PgdXactHistogram;

/* All that is known of one key. */
typedef struct PgdShape
{
	PgdShapeSums sums;
	PgdHistogram histograms[PGD_XACT_HISTOGRAMS];
} PgdShape;

/* What one backend has seen of a key since it was last merged. */
typedef struct PgdPendingShape
{
	PgdShapeSums sums;
	uint32		distinct[PGD_XACT_HISTOGRAMS];	/* buckets in use */
	PgdPendingBucket buckets[PGD_XACT_HISTOGRAMS][PGD_SHAPE_BUCKETS];
} PgdPendingShape;

/* One per backend. */
typedef struct PgdXactSlot
{
	/* odd while the owner is changing anything below */
	uint32		changecount;

	/*
	 * Set by a reset, obeyed by the owner: bit i is for pending[i], the next
	 * one for an open burst.
	 */
	pg_atomic_uint32 discard;

	int32		pid;			/* 0: nobody's */
	uint32		used;			/* bit i: pending[i] holds a shape */
	TimestampTz merged_at;
	PgdPendingShape pending[PGD_SHAPE_PLACES];
	PgdTranscript open;			/* kind PGD_XACT_NONE: none */
} PgdXactSlot;

#define PGD_DISCARD_BURST	(1 << PGD_SHAPE_PLACES)

/* The table; for store.c alone. */
typedef struct PgdShapeEntry
{
	int32		next;			/* in the hash chain, or in the free list */
	uint8		usage;			/* for the clock sweep */
	bool		in_use;
	PgdShape	shape;
} PgdShapeEntry;

PGD_BEGIN_INTERNAL

/* sums */
extern void pgd_shape_sums_add(PgdShapeSums *sum, const PgdShapeSums *more);
extern void pgd_shape_add(PgdShape *sum, const PgdShape *more);
extern void pgd_shape_add_pending(PgdShape *sum, const PgdPendingShape *more);
extern bool pgd_shape_has_room(const PgdPendingShape *pending);
extern void pgd_shape_count_time(PgdPendingShape *pending,
								 PgdXactHistogram which, uint64 time);
extern void pgd_shape_add_steps(PgdShapeSums *sum, const PgdStep *steps,
								int nsteps);
extern void pgd_shape_add_error(PgdShapeSums *sum, int32 sqlstate,
								uint64 count);
extern void pgd_shape_observe(PgdShapeSums *sum, const PgdObservation *seen);

/* the table */
extern Size pgd_shapes_layout(char *base, int backends);
extern int	pgd_shapes_slots(PgdXactSlot **first);
extern void pgd_shapes_clear(void);
extern PgdShape *pgd_shapes_get(const PgdShapeKey *key);
extern int	pgd_shapes_entries(PgdShapeEntry **first);
extern void pgd_shapes_free(PgdShapeEntry *entry);
extern int64 pgd_shapes_evictions(void);

/* slots */
extern bool pgd_xact_slot_read(const PgdXactSlot *slot, PgdXactSlot *into);

PGD_END_INTERNAL

static inline bool
pgd_shape_key_equal(const PgdShapeKey *a, const PgdShapeKey *b)
{
	return a->shape == b->shape && a->tag == b->tag && a->dbid == b->dbid &&
		a->userid == b->userid && a->kind == b->kind &&
		a->isolation == b->isolation;
}

/* As pgd_slot_begin_change() and pgd_slot_end_change(). */
static inline void
pgd_xact_begin_change(PgdXactSlot *slot)
{
	slot->changecount++;
	pg_write_barrier();
}

static inline void
pgd_xact_end_change(PgdXactSlot *slot)
{
	pg_write_barrier();
	slot->changecount++;
}

#endif							/* PGD_SHAPES_H */
