/*-------------------------------------------------------------------------
 *
 * repeats.h
 *		Which parameters a transcript has seen, and which tables it wrote.
 *
 *
 * Only for this backend.  The latest PGD_REPEATS or so are remembered: with
 * more than that something is missed, and nothing invented.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_REPEATS_H
#define PGD_REPEATS_H

#include "parser/parsetree.h"
#include "port/pg_bitutils.h"

#include "traits.h"

#define PGD_REPEATS		128

typedef struct PgdRepeats
{
	uint64		serial;			/* of the transcript */
	uint32		epoch;			/* one more with each write */
	uint32		written[64];	/* epoch, by bit of PgdTraits.writes */
	uint64		seen[PGD_REPEATS];	/* mark of statement and parameters, in
									 * the upper half; epoch */
} PgdRepeats;

PGD_BEGIN_INTERNAL

extern PgdRepeats pgd_repeats;

PGD_END_INTERNAL

/*
 * A table is written by a statement inside the client's: a function's, a
 * trigger's.
 */
static inline void
pgd_note_nested_writes(const PlannedStmt *stmt)
{
	ListCell   *lc;

	if (stmt->resultRelations == NIL)
		return;
	pgd_repeats.epoch++;
	foreach(lc, stmt->resultRelations)
	{
		uint64		w = pgd_table_bit(rt_fetch(lfirst_int(lc),
											   stmt->rtable)->relid);

		pgd_repeats.written[pg_rightmost_one_pos64(w)] = pgd_repeats.epoch;
	}
}

/* It was seen before: was any of its tables written since? */
static pg_noinline void
pgd_note_repeat(PgdTranscript *t, PgdStep *step, const PgdTraits *traits,
				uint32 seen_epoch, uint64 time)
{
	bool		unchanged = (traits->flags & PGD_READS) != 0 &&
		(traits->flags & (PGD_VOLATILE | PGD_LOCKS_ROWS)) == 0 &&
		(t->kind == PGD_XACT_BLOCK ||
		 (traits->flags & PGD_TIME_DEPENDENT) == 0);

	for (uint64 r = traits->reads; r != 0 && unchanged; r &= r - 1)
		unchanged = (int32) (pgd_repeats.written[pg_rightmost_one_pos64(r)] -
							 seen_epoch) <= 0;
	step->repeats++;
	t->saw |= PGD_SAW_REPETITION;
	if (unchanged)
	{
		step->idle_repeats++;
		step->repeated_time += time;
	}
}

static pg_noinline void
pgd_note_writes(uint64 tables)
{
	pgd_repeats.epoch++;
	for (; tables != 0; tables &= tables - 1)
		pgd_repeats.written[pg_rightmost_one_pos64(tables)] = pgd_repeats.epoch;
}

/*
 * Executions with the parameters of an earlier one.
 */
static inline void
pgd_count_repeats(PgdTranscript *t, PgdStep *step, const PgdTraits *traits,
				  uint64 params, uint64 time)
{
	uint64		hash = (params ^ pgd_repeats.serial) *
		UINT64CONST(0x9E3779B97F4A7C15);
	uint64	   *seen = &pgd_repeats.seen[hash >> 57];

	StaticAssertStmt(PGD_REPEATS == 128, "seven bits of the hash");
	if (unlikely(((*seen ^ hash << 32) >> 32) == 0))
		pgd_note_repeat(t, step, traits, (uint32) *seen, time);
	*seen = hash << 32 | pgd_repeats.epoch;
	if (unlikely(traits->writes != 0))
		pgd_note_writes(traits->writes);
}

#endif							/* PGD_REPEATS_H */
