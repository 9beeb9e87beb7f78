/*-------------------------------------------------------------------------
 *
 * empty_xact.c
 *		BEGIN and COMMIT, or ROLLBACK, with nothing between them.
 *
 * Two round trips for nothing: a pool that resets a connection which needs no
 * reset, or a framework that opens a transaction for each request.
 *
 * Silent when the only statement could not be parsed, as then there was one;
 * and about the health checks of a pool, which are rare.
 *
 * Thresholds: all empty ones have one shape, hence there is no share to judge;
 * one a second and a hundred in all is more than health checks do (a pool of
 * ten that looks at a connection each half minute does a third of that).  A
 * judgement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	if (t->nsteps == 0 && t->sqlstate == 0 &&
		(t->outcome == PGD_XACT_COMMITTED ||
		 t->outcome == PGD_XACT_ROLLED_BACK))
		pgd_observe(look, &(PgdObservation) {
			.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
			.count = 1, .held = t->counters.duration, .severity = PGD_INFO,
		});
}

const PgdDetector pgd_detector_empty_xact = {
	.name = "empty_xact",
	.title = "transactions without a statement",
	.dimension = "performance",
	.grade = "exact",
	.problem = "nothing done between BEGIN and the end, {n} times",
	.advice = "Begin a transaction with its first statement, not with the request or when a connection is taken from the pool. If the pool ends what it gets back, let it ask the driver first whether there is a transaction; drivers know without a round trip.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_FEW,
	.look = look,
};
