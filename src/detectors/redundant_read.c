/*-------------------------------------------------------------------------
 *
 * redundant_read.c
 *		The same query with the same parameters, though nothing was written
 *		that could change its result.
 *
 * Silent for whoever reads again on purpose: with functions whose result
 * depends on when they are called, with row locks, from a cursor; and for
 * polling, which a burst may be nothing but.  What tells polling from a
 * request that asks twice is how long the client waits in between.  Among very
 * many executions a few are alike by chance, so it takes a share of them.
 *
 * Thresholds: a single repetition counts (perf-sentinel), five executions are
 * a warning; a fifth of all executions, as n_plus_one has those with fewer.  In
 * the bursts of a Rails application most gaps were well below 10 ms.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static bool
is_polling(const PgdTranscript *t, const PgdStep *s)
{
	return t->kind == PGD_XACT_BURST &&
		s->idle_time / s->calls >= PGD_MS(pgd_threshold.redundant_read_max_gap);
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		uint64		n = s->idle_repeats;

		if (s->fingerprint == 0 || n == 0 ||
			n < pgd_threshold.redundant_read_min_repeats ||
			n < s->calls * pgd_threshold.redundant_read_min_ratio ||
			(s->flags & PGD_READS) == 0 ||
			(s->flags & (PGD_WRITES | PGD_LOCKS_ROWS | PGD_FETCHES |
						 PGD_VOLATILE | PGD_TIME_DEPENDENT)) != 0 ||
			is_polling(t, s))
			continue;

		pgd_observe(look, &(PgdObservation) {
			.position = i, .parent = PGD_NOWHERE,
			.severity =
				n < pgd_threshold.redundant_read_warning_min_repeats ?
				PGD_INFO : PGD_WARNING,
			.object = s->relid,
			.count = n,
			.time = s->repeated_time, .saved = s->repeated_time,
			.held = s->idle_time / s->calls * n,
		});
	}
}

const PgdDetector pgd_detector_redundant_read = {
	.name = "redundant_read",
	.title = "a query is run again although its result is known",
	.dimension = "performance",
	.grade = "exact",
	.problem = "repeated {count} x in a {kind} with the same parameters, nothing written in between",
	.advice = "Keep the result of the first execution for the rest of the {kind}: in a variable, or in the query cache or identity map of the ORM. What other sessions write in the meantime is the only thing that another execution could show.",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_REPETITION,
	.look = look,
};
