/*-------------------------------------------------------------------------
 *
 * notify_in_hot_path.c
 *		Frequent transactions that notify, whose commits queue up.
 *
 * A transaction that has sent a NOTIFY takes one lock for the whole cluster
 * before it commits, and keeps it until its WAL is on disk: these commits
 * go one after the other, without group commit.
 *
 * Silent when they are few, or commit fast: then the lock is free when it is
 * wanted.
 *
 * Thresholds: 100 notifications a second from commits of 10 ms and more.
 * These are a second of commits per second; what one lock lets pass one by one
 * cannot take longer, so they wait for each other.  A judgement.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		commits = Max(t->counters.commits, 1);
	PgdObservation o = {.position = PGD_NOWHERE, .parent = PGD_NOWHERE};

	if (t->counters.commit_time <
		commits * PGD_MS(pgd_threshold.notify_in_hot_path_min_commit_time))
		return;

	for (int i = 0; i < t->nsteps; i++)
	{
		if ((t->steps[i].flags & PGD_NOTIFIES) == 0)
			continue;
		if (o.position == PGD_NOWHERE && t->steps[i].fingerprint != 0)
			o.position = i;
		o.count += t->steps[i].calls;
	}
	o.time = t->counters.commit_time;
	o.severity = PGD_WARNING;
	pgd_observe(look, &o);
}

const PgdDetector pgd_detector_notify_in_hot_path = {
	.name = "notify_in_hot_path",
	.title = "frequent NOTIFY makes commits wait for each other",
	.dimension = "performance",
	.grade = "exact",
	.problem = "notifications in a {kind}: {count}, with {time} to commit",
	.advice = "Transactions that notify commit one after the other, in the whole cluster. Write what happened to a table, and let one process notify for many, some times a second, or let consumers read the table or logical decoding.",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_NOTIFY,
	.look = look,
};
