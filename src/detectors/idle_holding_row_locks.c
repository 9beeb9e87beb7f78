/*-------------------------------------------------------------------------
 *
 * idle_holding_row_locks.c
 *		A transaction has locked rows and waits for its client.
 *
 * Every other transaction that wants these rows waits as long, needed or not:
 * a row can be updated only once per lock time.  Those that really had to wait
 * are the business of idle_blocking_others.
 *
 * It is about the statement that locked first; its parent is the one that was
 * long in coming.
 *
 * Silent as long as no row is locked, although there is a transaction ID: see
 * pg_current_xact_id().
 *
 * Thresholds: 50 ms in a twentieth of the transactions, that is, as the 95th
 * percentile, and a fifth of the time that rows are locked at all; shorter
 * waits are what every round trip costs.  A single second is a warning, ten
 * are critical: most guards (idle_in_transaction_session_timeout) are set to
 * 10 to 30 s.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		idle = t->counters.idle_with_row_locks;
	uint64		rest = idle;
	uint64		most = 0;
	uint64		longest = 0;
	PgdObservation o = {
		.parent = PGD_NOWHERE,
		.severity = PGD_INFO, .count = 1, .held = idle,
	};

	if (idle < PGD_MS(pgd_threshold.idle_holding_row_locks_min_time) ||
		idle < t->counters.row_lock_time *
		pgd_threshold.idle_holding_row_locks_min_ratio)
		return;

	o.position = pgd_first_lock(t);
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		rest -= Min(rest, s->idle_with_locks);
		longest = Max(longest, Min(s->idle_with_locks, s->max_idle_time));
		if (s->fingerprint != 0 && s->idle_with_locks > most)
		{
			most = s->idle_with_locks;
			o.parent = i;
		}
	}
	/* What is left passed before the end. */
	longest = Max(longest, rest);
	if (rest > most)
		o.parent = PGD_NOWHERE;

	if (longest >=
		PGD_MS(pgd_threshold.idle_holding_row_locks_critical_min_gap))
		o.severity = PGD_CRITICAL;
	else if (longest >=
			 PGD_MS(pgd_threshold.idle_holding_row_locks_warning_min_gap))
		o.severity = PGD_WARNING;
	pgd_observe(look, &o);
}

const PgdDetector pgd_detector_idle_holding_row_locks = {
	.name = "idle_holding_row_locks",
	.title = "rows stay locked while a transaction waits for its client",
	.dimension = "performance",
	.grade = "exact",
	.problem = "held row locks for {held} while waiting for the client",
	.advice = "Rows are locked from this statement on, and the client lets them wait, longest before a later step{of_parent}. Do what takes time, and what needs nothing from the database, before the first statement that writes or locks, or after COMMIT. Move that statement towards the end of the transaction, and send what follows it without a pause.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_XID | PGD_SAW_GAP,
	.look = look,
};
