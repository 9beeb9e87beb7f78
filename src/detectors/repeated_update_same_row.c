/*-------------------------------------------------------------------------
 *
 * repeated_update_same_row.c
 *		A transaction updates a row that it has updated before.
 *
 * Each update writes a new version of the row, all but the last of which are
 * dead at once, and the WAL for it.
 *
 * Silent about rows that triggers update: counters kept there are not the
 * client's choice.  In a burst each update is a transaction, and somebody may
 * have wanted to see it.
 *
 * Thresholds: one update too many, in one of a hundred transactions.
 * Judgements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

/*
 * Every execution came after another update of its row: then the first one
 * was another statement, the nearest before it on that table.
 */
static int
find_other(const PgdTranscript *t, int position)
{
	const PgdStep *s = &t->steps[position];

	for (int i = position - 1; i >= 0 && s->same_row >= s->calls; i--)
	{
		if (t->steps[i].relid == s->relid &&
			(t->steps[i].flags & PGD_UPDATES) != 0)
			return i;
	}
	return PGD_NOWHERE;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint == 0 || s->same_row == 0 ||
			s->same_row < pgd_threshold.repeated_update_same_row_min_updates)
			continue;

		pgd_observe(look, &(PgdObservation) {
			.position = i, .parent = find_other(t, i), .object = s->relid,
			.count = s->same_row,
			.time = s->exec_time,
			.saved = s->exec_time / s->calls * Min(s->same_row, s->calls),
			.severity = PGD_INFO,
		});
	}
}

const PgdDetector pgd_detector_repeated_update_same_row = {
	.name = "repeated_update_same_row",
	.title = "a transaction updates the same row again",
	.dimension = "performance",
	.grade = "exact",
	.problem = "updates rows of {object} that it has updated before: {count} in a {kind}",
	.advice = "Collect the changes of a row in the application and write them once, before COMMIT. Each update leaves a dead version of the row behind. ORMs: flush once, save an object once.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_ROWS | PGD_SAW_WRITE,
	.look = look,
};
