/*-------------------------------------------------------------------------
 *
 * check_then_insert.c
 *		A row is looked for, not found, and then inserted.
 *
 * Between the two anybody else may do the same.  With a unique index one of
 * them fails, which confirms it; without one there are two rows.
 *
 * Silent with ON CONFLICT; after an advisory lock or a lock on a table was
 * taken, which are the ways to keep others out; and in a SERIALIZABLE
 * transaction, where the server does that.  Unless the insert failed: then
 * they did not help.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "detectors.h"

static bool
is_guarded(const PgdTranscript *t, int position)
{
	if (t->kind == PGD_XACT_BLOCK && t->isolation == XACT_SERIALIZABLE)
		return true;
	for (int i = 0; i < position; i++)
	{
		if ((t->steps[i].flags & (PGD_ADVISORY | PGD_LOCKS_TABLE)) != 0)
			return true;
	}
	return false;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		PgdObservation o = {.position = i};

		if (s->fingerprint == 0 || s->blind_inserts == 0 ||
			(s->flags & PGD_ON_CONFLICT) != 0)
			continue;

		o.confirmed = (s->failures > 0 &&
					   s->sqlstate == ERRCODE_UNIQUE_VIOLATION);
		if (o.confirmed == 0 && is_guarded(t, i))
			continue;
		o.severity = (o.confirmed != 0) ? PGD_WARNING : PGD_INFO;
		o.parent = s->source;
		o.object = s->relid;
		o.count = s->blind_inserts;
		pgd_observe(look, &o);
	}
}

const PgdDetector pgd_detector_check_then_insert = {
	.name = "check_then_insert",
	.title = "a row is looked for in vain and then inserted, as others may do at the same time",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "inserts what it did not find: collided {confirmed} of {n} times",
	.advice = "Between the search{of_parent} and this statement another session may insert the same row. Have a unique index on what is searched for, and send INSERT ... ON CONFLICT DO NOTHING (or DO UPDATE) at once, without the search; RETURNING tells whether the row is new. Without such an index there will be two rows one day.",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_ROWS,
	.look = look,
};
