/*-------------------------------------------------------------------------
 *
 * ddl_in_long_xact.c
 *		A change of the schema locks a table, and the transaction goes on.
 *
 * The lock is kept to the end, and meanwhile all statements on that table
 * queue up behind it.  It counts from the end of the change: how long that
 * itself takes is another matter.
 *
 * Silent about tables that the same transaction created, and about changes
 * that lock no table, such as those of functions.  That a table is empty, or
 * the application is down, cannot be seen: critical only when others were
 * seen waiting.
 *
 * Threshold: a second (the time that squawk and others propose as lock_timeout
 * for migrations).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static int
find_first_ddl(const PgdTranscript *t)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint != 0 &&
			(s->flags & PGD_DDL) != 0 && (s->flags & PGD_LOCKS_TABLE) != 0 &&
			OidIsValid(s->relid) && s->calls > s->failures &&
			!pgd_is_new_table(t, i))
			return i;
	}
	return PGD_NOWHERE;
}

/* Later than before that position, maybe at the end. */
static bool
others_waited(const PgdTranscript *t, int position)
{
	uint64		gaps = t->counters.blocking_gaps;

	for (int i = 0; i <= position; i++)
		gaps -= t->steps[i].blocking_gaps;
	return gaps > 0;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	int			first = find_first_ddl(t);
	uint64		held;
	bool		confirmed;

	if (first == PGD_NOWHERE)
		return;
	held = pgd_time_after(t, first) + t->counters.idle_before_end;
	if (held < PGD_MS(pgd_threshold.ddl_in_long_xact_min_time))
		return;

	confirmed = others_waited(t, first);
	pgd_observe(look, &(PgdObservation) {
		.position = first, .parent = PGD_NOWHERE,
		.object = t->steps[first].relid,
		.count = t->counters.statements, .held = held,
		.confirmed = confirmed,
		.severity = confirmed ? PGD_CRITICAL : PGD_WARNING,
	});
}

const PgdDetector pgd_detector_ddl_in_long_xact = {
	.name = "ddl_in_long_xact",
	.title = "a change of the schema in a transaction that goes on",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "keeps {object} locked for {held} after a change of the schema",
	.advice = "Give the change a transaction of its own, commit at once, and move data in others. SET lock_timeout = '1s' before it, and try again when it fails, so that nobody queues up behind it. CREATE INDEX CONCURRENTLY, and constraints with NOT VALID and VALIDATE CONSTRAINT later, hardly lock at all.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_DDL | PGD_SAW_SLOW,
	.look = look,
};
