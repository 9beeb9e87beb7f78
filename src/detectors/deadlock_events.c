/*-------------------------------------------------------------------------
 *
 * deadlock_events.c
 *		A transaction was the victim of a deadlock.
 *
 * Each is worth to be told: it costs deadlock_timeout (a second) of waiting
 * on both sides before the server even looks, and all work of one of them.
 * The other one is known by what it waited for: see the server's log, and
 * the rule lock_order_inversion for orders that cross.
 *
 * Silent for lock_timeout and NOWAIT, which have an SQLSTATE of their own.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "failures.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	pgd_observe_failures(t, look, ERRCODE_T_R_DEADLOCK_DETECTED, PGD_WARNING);
}

const PgdDetector pgd_detector_deadlock_events = {
	.name = "deadlock_events",
	.title = "a transaction is ended to resolve a deadlock",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "{n} of {of} ended in a deadlock",
	.advice = "Lock rows and tables in the same order everywhere: SELECT ... FOR UPDATE with ORDER BY the key before several rows are changed, tables in one order in all transactions, and the strongest lock first. Make the transaction shorter, and let the client try it again. The server's log has both sides; a finding of lock_order_inversion names orders that cross.",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_ERROR,
	.look = look,
};
