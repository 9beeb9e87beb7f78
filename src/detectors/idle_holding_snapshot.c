/*-------------------------------------------------------------------------
 *
 * idle_holding_snapshot.c
 *		A transaction keeps its snapshot while it waits for its client.
 *
 * From the first statement to the end at REPEATABLE READ and above: in the
 * meantime no row that is deleted or updated anywhere in the database can be
 * removed.  At READ COMMITTED a snapshot ends with its statement, so that is
 * silent here; cursors keep one too, and are found by sampling.
 *
 * Thresholds: a minute, critical from 15 minutes on (published limits for
 * idle_in_transaction_session_timeout are a minute to an hour).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	const PgdXactCounters *c = &t->counters;
	uint64		idle = c->idle_with_snapshot;
	uint64		longest = c->idle_before_end;
	PgdObservation o = {
		.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
		.severity = PGD_WARNING, .count = 1,
	};

	/* Before the first statement there is no snapshot. */
	idle = Min(idle, c->idle_time - Min(c->idle_time, c->idle_before_first));
	if (t->isolation < XACT_REPEATABLE_READ ||
		idle < PGD_MS(pgd_threshold.idle_holding_snapshot_min_time))
		return;

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint != 0 && s->max_idle_time > longest &&
			(i > 0 || s->max_idle_time > c->idle_before_first))
		{
			longest = s->max_idle_time;
			o.parent = i;
		}
	}
	o.held = idle;
	if (idle >= PGD_MS(pgd_threshold.idle_holding_snapshot_critical_min_time))
		o.severity = PGD_CRITICAL;
	pgd_observe(look, &o);
}

const PgdDetector pgd_detector_idle_holding_snapshot = {
	.name = "idle_holding_snapshot",
	.title = "a snapshot is kept while a transaction waits for its client",
	.dimension = "capacity",
	.grade = "exact",
	.problem = "kept its snapshot for {held} while waiting for the client",
	.advice = "The longest wait is before a later step{of_parent}. As long as a transaction at REPEATABLE READ or SERIALIZABLE is open, vacuum can remove nothing that it might still see, in no table of the database. Use READ COMMITTED where one snapshot for all statements is not needed; else read everything at once, and COMMIT before the application works on it.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_GAP | PGD_SAW_SLOW,
	.look = look,
};
