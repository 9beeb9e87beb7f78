/*-------------------------------------------------------------------------
 *
 * idle_blocking_others.c
 *		A transaction waited for its client, and another one for this
 *		transaction.
 *
 * Seen at the end of each wait from idle_blocking_others_min_gap on, whether
 * the other one waits for the transaction or for one of its open savepoints.
 * Who gave up before that is not seen, so it is a lower bound; what is seen
 * did harm.  The time of the wait is lost to at least one other session, so it
 * counts as database time.
 *
 * Thresholds: 20 ms; a second of it is critical, less by what it costs.
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
		.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
		.confirmed = 1, .count = c->blocking_gaps,
		.time = c->blocking_idle, .saved = c->blocking_idle,
		.held = c->blocking_idle,
	};

	if (c->blocking_gaps == 0)
		return;

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (o.parent == PGD_NOWHERE &&
			(s->flags & (PGD_WRITES | PGD_LOCKS_ROWS | PGD_LOCKS_TABLE)) != 0)
			o.parent = i;
		rest -= Min(rest, s->blocking_gaps);
		if (s->fingerprint != 0 && s->blocking_gaps > most)
		{
			most = s->blocking_gaps;
			o.position = i;
		}
	}
	/* What is left are waits before the end. */
	if (rest > most)
		o.position = PGD_NOWHERE;
	if (t->nlocked > 0)
		o.parent = t->locked_at[0];

	if (c->blocking_idle >=
		PGD_MS(pgd_threshold.idle_blocking_others_critical_min_time))
		o.severity = PGD_CRITICAL;
	pgd_observe(look, &o);
}

const PgdDetector pgd_detector_idle_blocking_others = {
	.name = "idle_blocking_others",
	.title = "others wait for a transaction that waits for its client",
	.dimension = "performance",
	.grade = "exact",
	.problem = "kept other sessions waiting for {held} while waiting for the client itself",
	.advice = "Others need the rows that this transaction has locked{of_parent}, and it sits idle before {statement}. Take what the client does in the meantime out of the transaction, or move the statement that locks behind it. SET idle_in_transaction_session_timeout for this role bounds the harm.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_XID | PGD_SAW_GAP,
	.look = look,
};
