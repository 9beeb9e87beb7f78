/*-------------------------------------------------------------------------
 *
 * early_lock_late_commit.c
 *		A row is locked early, and the rest of the transaction runs while
 *		others may wait for it.
 *
 * What can be gained is the time from the first statement that locked rows to
 * the end of the last one: if it came last, it would hold them for its own
 * time and the commit only.
 *
 * Silent when the row was locked by SELECT ... FOR UPDATE, or changed with
 * RETURNING, as then what follows depends on it; and for rows that are only
 * inserted, which nobody waits for.
 *
 * Whether anybody did wait for this row is known from blocking gaps before
 * another one is locked, and from samples of lock waits; without, it is a hint.
 *
 * Thresholds: half of the time that locks are held, and 20 ms, in one of
 * twenty transactions (hence their 95th percentile).  Judgements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

#define LOCKING \
	(PGD_UPDATES | PGD_DELETES | PGD_LOCKS_ROWS | PGD_ON_CONFLICT)

static int
find_first_lock(const PgdTranscript *t)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		if ((t->steps[i].flags & LOCKING) != 0 && t->steps[i].rows > 0)
			return i;
	}
	return PGD_NOWHERE;
}

/*
 * Did anybody want this row?  We waited for it ourselves, or others waited
 * while it was all that was locked; later it may be any of the rows.
 */
static bool
is_contended(const PgdTranscript *t, int first)
{
	if (t->steps[first].lock_wait > 0)
		return true;
	for (int i = first + 1; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->blocking_gaps > 0)
			return true;
		if ((s->flags & (LOCKING | PGD_INSERTS)) != 0)
			return false;
	}
	return t->counters.blocking_gaps > 0;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	int			first = find_first_lock(t);
	const PgdStep *s;
	uint64		hold = t->counters.row_lock_time;
	uint64		gain;
	bool		contended;

	if (first == PGD_NOWHERE)
		return;
	s = &t->steps[first];
	gain = Min(pgd_time_after(t, first), hold);
	if (gain < PGD_MS(pgd_threshold.early_lock_late_commit_min_time) ||
		gain < hold * pgd_threshold.early_lock_late_commit_min_ratio ||
		s->fingerprint == 0 ||
		(s->flags & (PGD_LOCKS_ROWS | PGD_RETURNS)) != 0 ||
		pgd_is_new_table(t, first))
		return;

	contended = is_contended(t, first);
	pgd_observe(look, &(PgdObservation) {
		.position = first, .parent = PGD_NOWHERE, .object = s->relid,
		.count = t->counters.statements, .held = gain,
		.confirmed = contended,
		.severity = contended ? PGD_WARNING : PGD_INFO,
	});
}

const PgdDetector pgd_detector_early_lock_late_commit = {
	.name = "early_lock_late_commit",
	.title = "rows are locked early in a transaction",
	.dimension = "performance",
	.grade = "exact",
	.problem = "locks a row of {object} {held} earlier than need be",
	.advice = "Move this statement to the end of the transaction, the row that most others want last. What only reads can come before it. If its result is needed earlier, read that without a lock and let the later UPDATE check it (WHERE ... AND version = $1).",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_SLOW | PGD_SAW_XID,
	.look = look,
};
