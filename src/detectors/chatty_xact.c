/*-------------------------------------------------------------------------
 *
 * chatty_xact.c
 *		A transaction of many statements, or one that spends its time on round
 *		trips.
 *
 * The share of round trips leaves the longest wait out, as that is rather
 * something else the client did; see external_call_in_xact.
 *
 * Silent for loading: nearly all statements are the same INSERT, or rows come
 * by COPY.
 *
 * Thresholds: 100 statements are critical (GitLab's limit for a request), half
 * of that a warning; 70 % of the time on round trips from ten statements on.
 * Where all round trips together take less than 20 ms nobody would feel the
 * cure.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "detectors.h"

/* Is it nearly all COPY, or the same INSERT again and again? */
static bool
is_loading(const PgdTranscript *t)
{
	/* a dump, or a report: many questions to one snapshot */
	if (t->read_only && t->isolation >= XACT_REPEATABLE_READ)
		return true;
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint == 0)
			continue;
		if ((s->flags & PGD_COPIES) != 0)
			return true;
		if ((s->flags & PGD_INSERTS) != 0 &&
			s->calls >= t->counters.statements *
			pgd_threshold.chatty_xact_max_insert_share)
			return true;
	}
	return false;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	const PgdXactCounters *c = &t->counters;
	uint64		trips = c->idle_time - Min(c->idle_time, c->max_idle_time);
	uint64		whole = c->duration - Min(c->duration, c->max_idle_time);
	uint32		severity;

	if (c->statements > pgd_threshold.chatty_xact_critical_min_statements)
		severity = PGD_CRITICAL;
	else if (c->statements > pgd_threshold.chatty_xact_min_statements)
		severity = PGD_WARNING;
	else if (c->statements >= pgd_threshold.chatty_xact_idle_min_statements &&
			 trips >= PGD_MS(pgd_threshold.chatty_xact_idle_min_time) &&
			 trips >= whole * pgd_threshold.chatty_xact_idle_min_ratio)
		severity = PGD_INFO;
	else
		return;

	if (is_loading(t))
		return;

	pgd_observe(look, &(PgdObservation) {
		.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
		.severity = severity,
		.count = c->statements, .held = trips,
	});
}

const PgdDetector pgd_detector_chatty_xact = {
	.name = "chatty_xact",
	.title = "a transaction takes many round trips",
	.dimension = "performance",
	.grade = "exact",
	.problem = "{count} statements in a transaction, {held} between them",
	.advice = "Save round trips: fetch and write many rows by one statement (= ANY($1), INSERT ... SELECT FROM unnest($1, ...), UPDATE ... FROM), send statements without waiting for each result (pipeline mode), or move the steps that need no answer from the application into a function.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_MANY,
	.look = look,
};
