/*-------------------------------------------------------------------------
 *
 * n_plus_one.c
 *		One statement fetched a list, another one is run for each row of it.
 *
 * The runs need not be in a row: the children of a parent's row may take
 * several statements, which then come round in a cycle.
 *
 * Silent when the executions repeat their parameters, as then it is the
 * business of redundant_read; when each returns many rows; for paging, where
 * each page ends with a LIMIT (but ORMs add LIMIT 1 when they look up a single
 * row by its key); and for batch jobs, whose list comes from a cursor.
 *
 * A burst may also be a session that serves many requests, all with the same
 * statement, so there it takes a list that fits.  In a block, which is one piece
 * of work, the list may have come from elsewhere.
 *
 * Thresholds: five executions (Sentry's N+1 detector; PgHero and perf-sentinel
 * use 5 to 10), four of five with parameters of their own; a warning from 50
 * ms on, round trips included (Sentry).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

/*
 * The step whose rows are as many as the executions, give or take a fifth.
 * The nearest one before the loop is the likeliest.
 */
static int
find_parent(const PgdTranscript *t, int position)
{
	uint64		calls = t->steps[position].calls;

	for (int i = position - 1; i >= 0; i--)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint != 0 && s->calls < calls &&
			s->rows * 5 >= calls * 4 && s->rows * 5 <= calls * 6)
			return i;
	}
	return PGD_NOWHERE;
}

/* Does it go from one page to the next? */
static bool
is_paging(const PgdStep *s)
{
	return (s->flags & PGD_FETCHES) != 0 ||
		((s->flags & PGD_LIMITED) != 0 &&
		 ((s->flags & PGD_KEYED) == 0 || s->max_rows > 1));
}

static bool
is_loop(const PgdStep *s)
{
	return s->fingerprint != 0 &&
		(s->flags & PGD_READS) != 0 &&
		(s->flags & PGD_SKIPS_LOCKED) == 0 &&
		s->calls >= pgd_threshold.n_plus_one_min_rounds &&
		s->calls - s->repeats >=
		s->calls * pgd_threshold.n_plus_one_min_distinct &&
		s->rows <= s->calls * pgd_threshold.n_plus_one_max_rows &&
		!is_paging(s);
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		PgdObservation o = {.position = i, .severity = PGD_INFO};

		if (!is_loop(s))
			continue;

		o.parent = find_parent(t, i);
		if (o.parent != PGD_NOWHERE &&
			(t->steps[o.parent].flags & PGD_FETCHES) != 0)
			continue;
		if (o.parent == PGD_NOWHERE && t->kind == PGD_XACT_BURST)
			continue;
		o.confirmed = (o.parent != PGD_NOWHERE);

		if (s->exec_time + s->idle_time >=
			PGD_MS(pgd_threshold.n_plus_one_warning_min_time))
			o.severity = PGD_WARNING;
		o.count = s->calls;
		o.time = s->exec_time;
		o.saved = s->exec_time / s->calls * (s->calls - 1);
		o.held = s->idle_time;
		pgd_observe(look, &o);
	}
}

const PgdDetector pgd_detector_n_plus_one = {
	.name = "n_plus_one",
	.title = "a statement is run once for each row of another one",
	.dimension = "performance",
	.grade = "exact",
	.problem = "run {count} times in a {kind}, each time for another row",
	.advice = "Fetch what belongs to all rows in one statement: join it to the one that fetches the list{of_parent}, or ask once with WHERE ... = ANY($1) and an array of all keys. ORMs call this eager loading (includes, select_related, joinedload, JOIN FETCH).",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_REPETITION,
	.look = look,
};
