/*-------------------------------------------------------------------------
 *
 * needless_block.c
 *		A transaction block around a single statement, which would be a
 *		transaction without it.
 *
 * It costs two more round trips, and in between the connection, and what the
 * statement locked, waits for the client.
 *
 * Silent where the block has a purpose: above READ COMMITTED; when the
 * statement sets something for the transaction, takes locks that are to be
 * held to its end, or opens a cursor; when it wrote and was rolled back, which
 * is a trial.
 *
 * Thresholds: a fifth of such blocks, ten a second: ORMs open a block for
 * everything, and less often it is not worth a change.  A judgement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "detectors.h"

/* Statements that mean something else, or nothing, outside of a block. */
#define NEED_BLOCK \
	(PGD_SETTING | PGD_CONTROL | PGD_LOCKS_ROWS | PGD_LOCKS_TABLE | \
	 PGD_ADVISORY | PGD_FETCHES)

static void
look(const PgdTranscript *t, PgdLook *look)
{
	const PgdStep *s = &t->steps[0];

	if (t->nsteps != 1 || s->failures != 0 ||
		t->isolation != XACT_READ_COMMITTED ||
		(s->flags & NEED_BLOCK) != 0 ||
		(t->outcome != PGD_XACT_COMMITTED &&
		 (t->outcome != PGD_XACT_ROLLED_BACK || (t->saw & PGD_SAW_XID) != 0)))
		return;

	pgd_observe(look, &(PgdObservation) {
		.position = 0, .parent = PGD_NOWHERE,
		.count = 1, .severity = PGD_INFO,
		.held = t->counters.idle_before_first + t->counters.idle_before_end,
	});
}

const PgdDetector pgd_detector_needless_block = {
	.name = "needless_block",
	.title = "a transaction block around a single statement",
	.dimension = "performance",
	.grade = "exact",
	.problem = "puts a single statement between BEGIN and COMMIT, which takes {held} of waiting",
	.advice = "Send the statement without BEGIN and COMMIT (autocommit): it is a transaction by itself, and two round trips less. In Java: setAutoCommit(true), or no @Transactional here; SQLAlchemy: isolation_level=\"AUTOCOMMIT\" for such connections.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_FEW,
	.look = look,
};
