/*-------------------------------------------------------------------------
 *
 * abandoned_xact.c
 *		A session ends inside of a transaction block: what it wrote is lost.
 *
 * The client crashed, its connection broke, a pool closed a connection that
 * was in use, or idle_in_transaction_session_timeout ran out.
 *
 * Silent when the transaction had failed before, as then nothing was left to
 * lose: that is how scripts end.  Silent, too, when the server was told to end
 * the session (admin_shutdown, crash_shutdown, database_dropped), as that is
 * not the client's doing.
 *
 * Threshold: a transaction that is cut off has a shape of its own, so its
 * share says nothing.  Three, because a client that is stopped or deployed
 * leaves a transaction now and then, and a fault in it does so again.  A
 * judgement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/errcodes.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	bool		wrote = (t->saw & PGD_SAW_XID) != 0;

	if (t->outcome != PGD_XACT_ABANDONED || t->counters.aborts != 0 ||
		t->sqlstate == ERRCODE_ADMIN_SHUTDOWN ||
		t->sqlstate == ERRCODE_CRASH_SHUTDOWN ||
		t->sqlstate == ERRCODE_DATABASE_DROPPED)
		return;

	pgd_observe(look, &(PgdObservation) {
		.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
		.count = t->counters.statements,
		.time = wrote ? t->counters.exec_time : 0,
		.saved = wrote ? t->counters.exec_time : 0,
		.held = t->counters.idle_before_end,
		.confirmed = wrote,
		.severity = wrote ? PGD_WARNING : PGD_INFO,
	});
}

const PgdDetector pgd_detector_abandoned_xact = {
	.name = "abandoned_xact",
	.title = "sessions end inside of a transaction",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "abandoned {n} times: the session ended before COMMIT",
	.advice = "Look for what closes the connection while it is in use: a worker that is killed, a time limit of a pool or load balancer, idle_in_transaction_session_timeout. Return a connection to its pool only after COMMIT or ROLLBACK, also when the request was canceled, and let a worker finish its transaction when it is stopped.",
	.kinds = PGD_IN_BLOCK,
	.needs = 0,
	.look = look,
};
