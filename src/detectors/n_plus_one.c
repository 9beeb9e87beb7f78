/*-------------------------------------------------------------------------
 *
 * n_plus_one.c
 *		One statement fetched a list, another one is run for each row of it.
 *
 * The runs need not be in a row: the children of a parent's row may take
 * several statements, which then come round in a cycle.
 *
 * Silent when the executions repeat their parameters, as then it is the
 * business of redundant_read; when each returns many rows; and for paging,
 * where each page ends with a LIMIT.
 *
 * Thresholds: five executions (Sentry's N+1 detector; PgHero and perf-sentinel
 * use 5 to 10), four of five with parameters of their own.
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

static void
look(const PgdTranscript *t, PgdLook *look)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		PgdObservation o = {.position = i};

		if (s->fingerprint == 0 ||
			(s->flags & PGD_READS) == 0 ||
			(s->flags & (PGD_LIMITED | PGD_SKIPS_LOCKED | PGD_FETCHES)) != 0 ||
			s->calls < pgd_threshold.n_plus_one_min_rounds ||
			s->repeats > s->calls * (1 - pgd_threshold.n_plus_one_min_distinct) ||
			s->rows > s->calls * pgd_threshold.n_plus_one_max_rows)
			continue;

		o.parent = find_parent(t, i);
		o.confirmed = (o.parent != PGD_NOWHERE);
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
	.problem = "run {count} times in a {kind}, once for each row of a list",
	.advice = "Fetch what belongs to all rows in one statement: join it to the one that fetches the list{of_parent}, or ask once with WHERE ... = ANY($1) and an array of all keys. ORMs call this eager loading (includes, select_related, joinedload, JOIN FETCH).",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_REPETITION,
	.look = look,
};
