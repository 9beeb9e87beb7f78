/*-------------------------------------------------------------------------
 *
 * idle_holding_table_lock.c
 *		A transaction has locked a table against writers, or against everybody,
 *		and waits for its client.
 *
 * Silent for tables that the transaction itself has created, which nobody else
 * can see.
 *
 * Thresholds: a tenth of a second, critical from a second on, the lock_timeout
 * that linters of migrations ask for (squawk).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		idle = t->counters.idle_before_end;
	int			lock;

	for (lock = 0; lock < t->nsteps; lock++)
	{
		if ((t->steps[lock].flags & PGD_LOCKS_TABLE) != 0 &&
			t->steps[lock].fingerprint != 0 &&
			(t->steps[lock].flags & PGD_CREATES) == 0 &&
			!pgd_is_new_table(t, lock))
			break;
	}
	if (lock == t->nsteps)
		return;

	/* The sum of the transcript may begin with a table that does not count. */
	for (int i = lock + 1; i < t->nsteps; i++)
		idle += t->steps[i].idle_time;
	idle = Min(idle, t->counters.idle_with_table_lock);
	if (idle < PGD_MS(pgd_threshold.idle_holding_table_lock_min_time))
		return;

	pgd_observe(look, &(PgdObservation) {
		.position = lock, .parent = PGD_NOWHERE,
		.severity = idle <
			PGD_MS(pgd_threshold.idle_holding_table_lock_critical_min_time) ?
			PGD_WARNING : PGD_CRITICAL,
		.object = t->steps[lock].relid,
		.count = 1, .held = idle,
	});
}

const PgdDetector pgd_detector_idle_holding_table_lock = {
	.name = "idle_holding_table_lock",
	.title = "a table stays locked while a transaction waits for its client",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "held a table lock for {held} while waiting for the client",
	.advice = "Whoever wants the table waits, and all who come after him. Run each change of a table in a transaction of its own that does nothing else, without a pause before COMMIT, with SET LOCAL lock_timeout = '1s' before it, and try again when that expires.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_TABLE_LOCK | PGD_SAW_GAP,
	.look = look,
};
