/*-------------------------------------------------------------------------
 *
 * idle_aborted.c
 *		A transaction failed, and its client was slow to roll it back.
 *
 * The locks are gone when the error is raised, so this harms nobody else: the
 * connection is of no use to a pool meanwhile, and often the client has
 * lost its thread, and the next thing it does is wrong, too.
 *
 * Threshold: a second, which is no round trip any more.  A judgement; monitors
 * that look from outside start at minutes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

/* The latest statement that failed with what ended the transaction. */
static int
find_failed(const PgdTranscript *t)
{
	for (int i = t->nsteps - 1; i >= 0; i--)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint != 0 && s->failures > 0 &&
			s->sqlstate == t->sqlstate)
			return i;
	}
	return PGD_NOWHERE;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		idle = t->counters.aborted_idle;

	if (idle >= PGD_MS(pgd_threshold.idle_aborted_min_time))
		pgd_observe(look, &(PgdObservation) {
			.position = find_failed(t), .parent = PGD_NOWHERE,
			.count = 1, .held = idle, .severity = PGD_INFO,
		});
}

const PgdDetector pgd_detector_idle_aborted = {
	.name = "idle_aborted",
	.title = "a failed transaction is not rolled back at once",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "failed, then waited {held} for its ROLLBACK",
	.advice = "Send ROLLBACK as soon as a statement fails, in the handler that catches the error, before anything is logged, retried or told to a user. A pool should roll back what it gets back.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_ERROR,
	.look = look,
};
