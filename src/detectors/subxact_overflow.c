/*-------------------------------------------------------------------------
 *
 * subxact_overflow.c
 *		A transaction has more subtransactions than a backend's place in
 *		shared memory lists.
 *
 * The limit is 64 that write (PGPROC_MAX_CACHED_SUBXIDS); from then on every
 * snapshot that anybody takes is incomplete while the transaction is open,
 * and whoever meets a row of it, or of any other one that is not finished,
 * looks the parent up in pg_subtrans.  With another transaction that is open
 * for long this stalls whole servers, standbys most of all; GitLab removed
 * all savepoints after that.
 *
 * The server itself says whether it has happened, so there is nothing to
 * guess: many subtransactions that only read, or few that write, are silent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	if (t->counters.subxact_overflows > 0)
		pgd_observe(look, &(PgdObservation) {
			.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
			.severity = PGD_CRITICAL, .confirmed = 1,
			.count = t->counters.savepoints,
		});
}

const PgdDetector pgd_detector_subxact_overflow = {
	.name = "subxact_overflow",
	.title = "a transaction has more subtransactions than the server keeps in memory",
	.dimension = "performance",
	.grade = "exact",
	.problem = "made {count} subtransactions, more than the 64 that fit in memory",
	.advice = "A savepoint, and a block with EXCEPTION in PL/pgSQL each time that it is entered, is a subtransaction. Do not set one for each row: INSERT ... ON CONFLICT, or a check before, needs none; or commit every few dozen rows. Until this transaction ends, every session that reads rows of open transactions searches pg_subtrans, which is slowest while another transaction is open for long, and on standbys.",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_SAVEPOINT,
	.look = look,
};
