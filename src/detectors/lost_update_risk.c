/*-------------------------------------------------------------------------
 *
 * lost_update_risk.c
 *		A row is read, and later a value is written into it that was made of
 *		what was read, whatever others have written in between.
 *
 * Found in 33 of 91 transactions that applications had put together by hand
 * ("Ad Hoc Transactions in Web Applications", SIGMOD 2022).  It is confirmed
 * when somebody else did change the row in between: that change is lost.
 *
 * Silent when the row was locked as it was read, as then nobody can; for
 * SET c = c + 1, which takes the value of the moment; when the condition
 * names a column that is set, such as a version, as then no row is found;
 * and from REPEATABLE READ on, where it is an error.  Statements outside a
 * block are transactions of their own, so there no isolation level helps.
 *
 * An advisory lock, or a lock on a table, is taken to keep others out, and a
 * lock on other rows may be (a parent's for its children): silent after the
 * former, a note after the latter.  Unless it is confirmed.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "detectors.h"

/* How bad is it, if at all, when nobody was seen to interfere? */
static int
risk(const PgdTranscript *t, int source)
{
	uint32		flags = 0;

	for (int i = 0; i <= source && i < t->nsteps; i++)
		flags |= t->steps[i].flags;

	if ((flags & (PGD_ADVISORY | PGD_LOCKS_TABLE)) != 0)
		return 0;
	/* outside a block a lock on rows is gone by now */
	if ((flags & PGD_LOCKS_ROWS) != 0 && t->kind == PGD_XACT_BLOCK)
		return PGD_INFO;
	return PGD_WARNING;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	if (t->kind == PGD_XACT_BLOCK && t->isolation >= XACT_REPEATABLE_READ)
		return;

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		PgdObservation o = {.position = i, .parent = s->source};

		if (s->fingerprint == 0 || s->stale_writes == 0 ||
			(s->flags & PGD_GUARDED) != 0)
			continue;

		o.confirmed = (s->overtaken > 0);
		o.severity = o.confirmed ? PGD_CRITICAL : risk(t, s->source);
		if (o.severity == 0)
			continue;
		o.object = s->relid;
		o.count = s->stale_writes;
		pgd_observe(look, &o);
	}
}

const PgdDetector pgd_detector_lost_update_risk = {
	.name = "lost_update_risk",
	.title = "a value is written that was read before without a lock, so a change in between is lost",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "writes what it read without a lock: overtaken {confirmed} of {n} times",
	.advice = "What others write between the read{of_parent} and this statement is lost without an error. Let the server compute (SET c = c + $1), or read with SELECT ... FOR UPDATE in the same transaction, or add a version column to the condition (WHERE id = $1 AND version = $2) and start over when no row is found, or use REPEATABLE READ and try again after an error. It is harmless if the value does not depend on what was read, like the time of the last visit; then set only such columns.",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_ROWS,
	.look = look,
};
