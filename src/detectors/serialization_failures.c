/*-------------------------------------------------------------------------
 *
 * serialization_failures.c
 *		A transaction could not be serialized with those of others.
 *
 * How often that is too often is a share of all attempts, and an attempt
 * that fails in the middle has another shape than one that does not.  So the
 * rule of the same name, which sees all shapes, judges.
 *
 * Silent on a standby, where the error has the same SQLSTATE but means a
 * conflict with what is replayed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "failures.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	if (!t->standby)
		pgd_observe_failures(t, look, ERRCODE_T_R_SERIALIZATION_FAILURE,
							 PGD_BY_IMPACT);
}

const PgdDetector pgd_detector_serialization_failures = {
	.name = "serialization_failures",
	.title = "a transaction cannot be serialized and has to be tried again",
	.dimension = "reliability",
	.grade = "exact",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_ERROR,
	.look = look,
};
