/*-------------------------------------------------------------------------
 *
 * statement_timeouts.c
 *		A statement was cancelled, or its session terminated.
 *
 * statement_timeout and a client that cancels have the same SQLSTATE, so the
 * text tells of both.  lock_timeout and the timeouts for idle sessions have
 * their own, and are not meant here.
 *
 * How often that is too often is a share of the statement's executions, and
 * a transaction that fails in the middle has another shape than one that
 * does not.  So the rule of the same name, which sees all shapes, judges.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "failures.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	pgd_observe_failures(t, look, ERRCODE_QUERY_CANCELED, PGD_BY_IMPACT);
	/* a session that idles in a transaction is no statement */
	(void) pgd_observe_failed_steps(t, look, ERRCODE_ADMIN_SHUTDOWN,
									PGD_BY_IMPACT);
}

const PgdDetector pgd_detector_statement_timeouts = {
	.name = "statement_timeouts",
	.title = "a statement is cancelled before it is done",
	.dimension = "reliability",
	.grade = "exact",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_ERROR,
	.look = look,
};
