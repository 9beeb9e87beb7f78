/*-------------------------------------------------------------------------
 *
 * external_call_in_xact.c
 *		At one and the same place of a transaction the client is long busy with
 *		something else.
 *
 * The database cannot know what the client does in the meantime: a call of
 * another service, a file, much computing.  That it happens at a fixed place is
 * seen where observations of a shape are summed up, by its share.
 *
 * Silent for slow clients, all of whose waits are long; for the waits before
 * the first statement and before the end, see begin_too_early and
 * commit_too_late.
 *
 * Thresholds: 50 ms, five times the wait that is usual for this client, in half
 * of the shape's transactions.  A second with rows locked is critical.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		least;

	least = Max(PGD_MS(pgd_threshold.external_call_in_xact_min_time),
				(uint64) (t->p10_gap *
						  pgd_threshold.external_call_in_xact_min_ratio));

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		uint64		locked = Min(s->idle_with_locks, s->max_idle_time);

		if (s->fingerprint == 0 || s->max_idle_time < least ||
			(i == 0 && s->max_idle_time <= t->counters.idle_before_first))
			continue;

		pgd_observe(look, &(PgdObservation) {
			.position = i, .parent = PGD_NOWHERE,
			.severity = locked <
				PGD_MS(pgd_threshold.external_call_in_xact_critical_min_time) ?
				PGD_WARNING : PGD_CRITICAL,
			.count = s->calls, .held = s->idle_time,
			.max_held = s->max_idle_time,
		});
	}
}

const PgdDetector pgd_detector_external_call_in_xact = {
	.name = "external_call_in_xact",
	.title = "application work or an external call within a transaction",
	.dimension = "performance",
	.grade = "inferred",
	.problem = "waits {held} at a fixed place for application work or an external call",
	.advice = "The client is busy with something else before this statement, and its transaction, its connection and all it has locked wait along. Do that before BEGIN or after COMMIT. If both must succeed together, write the task to a table in the same transaction (an outbox), and let a worker do it after COMMIT.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_GAP | PGD_SAW_SLOW,
	.look = look,
};
