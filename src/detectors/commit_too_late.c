/*-------------------------------------------------------------------------
 *
 * commit_too_late.c
 *		A transaction has done its work, and its end is long in coming.
 *
 * Silent when no statement works on a table, as that is how pools look after
 * their connections; and for what an error or the end of the session ended, see
 * idle_aborted (whose time is counted apart) and abandoned_xact.
 *
 * Thresholds: 20 ms and a fifth of the duration, in half of the shape's
 * transactions, as a single delay may be the network's or the scheduler's.
 * With rows locked, 50 ms are a warning, as for every wait of a transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

/*
 * The last statement that worked on a table.  Functions may write what their
 * caller's plan does not show.
 */
static int
find_work(const PgdTranscript *t)
{
	for (int i = t->nsteps - 1; i >= 0; i--)
	{
		if ((t->steps[i].flags & (PGD_READS | PGD_WRITES | PGD_DDL |
								  PGD_COPIES | PGD_FETCHES)) != 0)
			return i;
	}
	if ((t->saw & PGD_SAW_XID) != 0 && t->nsteps > 0)
		return t->nsteps - 1;
	return PGD_NOWHERE;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		idle = t->counters.idle_before_end;
	int			work = find_work(t);

	if (work == PGD_NOWHERE || t->outcome == PGD_XACT_ABANDONED ||
		idle < PGD_MS(pgd_threshold.commit_too_late_min_time) ||
		idle < t->counters.duration * pgd_threshold.commit_too_late_min_ratio)
		return;

	pgd_observe(look, &(PgdObservation) {
		.position = work, .parent = PGD_NOWHERE,
		.severity = t->counters.idle_with_row_locks >= idle &&
			idle >= PGD_MS(pgd_threshold.commit_too_late_warning_min_time) ?
			PGD_WARNING : PGD_INFO,
		.count = 1, .held = idle,
	});
}

const PgdDetector pgd_detector_commit_too_late = {
	.name = "commit_too_late",
	.title = "a transaction ends long after its last statement",
	.dimension = "performance",
	.grade = "exact",
	.problem = "ended {held} after its last statement",
	.advice = "Send COMMIT right after the last statement, and do everything else (calls of other services, rendering, logging) after it. Until then all that the transaction has locked stays locked.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_GAP | PGD_SAW_SLOW,
	.look = look,
};
