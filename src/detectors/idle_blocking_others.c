/*-------------------------------------------------------------------------
 *
 * idle_blocking_others.c
 *		A transaction waited for its client, and another one for this
 *		transaction.
 *
 * It is about the statement that locked first; its parent is the one that was
 * long in coming.
 *
 * Seen at the end of each wait from idle_blocking_others_min_gap on, whether
 * the other one waits for the transaction or for one of its open savepoints.
 * Who gave up before that is not seen, so it is a lower bound; what is seen
 * did harm.  The time of the wait is lost to at least one other session, so it
 * counts as database time.
 *
 * Thresholds: 20 ms; a tenth of a second is a warning, as a client on a busy
 * machine can be that late without any fault of its own; a second is critical.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	const PgdXactCounters *c = &t->counters;
	uint64		rest = c->blocking_gaps;
	uint64		most = 0;
	PgdObservation o = {
		.parent = PGD_NOWHERE,
		.severity = PGD_INFO, .confirmed = 1, .count = c->blocking_gaps,
		.time = c->blocking_idle, .saved = c->blocking_idle,
		.held = c->blocking_idle,
	};

	if (c->blocking_gaps == 0)
		return;

	o.position = pgd_first_lock(t);
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		rest -= Min(rest, s->blocking_gaps);
		if (s->fingerprint != 0 && s->blocking_gaps > most)
		{
			most = s->blocking_gaps;
			o.parent = i;
		}
	}
	/* What is left are waits before the end. */
	if (rest > most)
		o.parent = PGD_NOWHERE;

	if (c->blocking_idle >=
		PGD_MS(pgd_threshold.idle_blocking_others_critical_min_time))
		o.severity = PGD_CRITICAL;
	else if (c->blocking_idle >=
			 PGD_MS(pgd_threshold.idle_blocking_others_warning_min_time))
		o.severity = PGD_WARNING;
	pgd_observe(look, &o);
}

const PgdDetector pgd_detector_idle_blocking_others = {
	.name = "idle_blocking_others",
	.title = "others wait for a transaction that waits for its client",
	.dimension = "performance",
	.grade = "exact",
	.problem = "kept other sessions waiting for {held} while waiting for the client itself",
	.advice = "Others need what this transaction has locked from this statement on, and it sits idle before a later step{of_parent}. Take what the client does in the meantime out of the transaction, or move the statement that locks behind it. SET idle_in_transaction_session_timeout for this role bounds the harm.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_XID | PGD_SAW_GAP,
	.look = look,
};
