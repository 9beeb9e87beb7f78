/*-------------------------------------------------------------------------
 *
 * begin_too_early.c
 *		A transaction is begun long before its first statement.
 *
 * Nothing is locked yet, but a connection is taken.  Silent when no statement
 * works on a table: that is how pools look after their connections.
 *
 * Thresholds: 20 ms and a fifth of the duration, in half of the shape's
 * transactions, as a single delay may be the network's or the scheduler's.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static bool
works_on_tables(const PgdTranscript *t)
{
	/* Functions may write what their caller's plan does not show. */
	if ((t->saw & PGD_SAW_XID) != 0)
		return true;
	for (int i = 0; i < t->nsteps; i++)
	{
		if ((t->steps[i].flags & (PGD_READS | PGD_WRITES | PGD_DDL |
								  PGD_COPIES | PGD_FETCHES)) != 0)
			return true;
	}
	return false;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	const PgdXactCounters *c = &t->counters;
	uint64		idle = c->idle_before_first;

	if (idle >= PGD_MS(pgd_threshold.begin_too_early_min_time) &&
		idle >= c->duration * pgd_threshold.begin_too_early_min_ratio &&
		works_on_tables(t))
		pgd_observe(look, &(PgdObservation) {
			.position = 0, .parent = PGD_NOWHERE,
			.severity = PGD_INFO, .count = 1, .held = idle,
		});
}

const PgdDetector pgd_detector_begin_too_early = {
	.name = "begin_too_early",
	.title = "a transaction is begun long before its first statement",
	.dimension = "performance",
	.grade = "exact",
	.problem = "began {held} before its first statement",
	.advice = "Send BEGIN right before the first statement, or let the driver do so (pools and ORMs call it lazy connections or lazy BEGIN). Until then the connection could have served somebody else.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_GAP | PGD_SAW_SLOW,
	.look = look,
};
