/*-------------------------------------------------------------------------
 *
 * autocommit_storm.c
 *		Row after row is written, and each is committed by itself.
 *
 * Each commit waits for the WAL to be on disk, and for standbys if they are
 * synchronous; one for all of them would wait once.
 *
 * Silent when other statements come in between, as then each round is a piece
 * of work, say of a queue's worker, that has to be committed before the next;
 * several writes that come round in turn are a storm as well.  Silent, too,
 * when commits are cheap, for example with synchronous_commit = off.  Events
 * that many sessions write one by one are none: this looks at one session.
 *
 * Thresholds: 20 in a row (a judgement; query-audit reports 10 single INSERTs
 * in a test), with 10 ms of commits in a burst, which is 20 of half a
 * millisecond, what a good SSD takes.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static bool
writes_single_rows(const PgdStep *s)
{
	return s->fingerprint != 0 && (s->flags & PGD_WRITES) != 0 &&
		s->max_rows <= 1;
}

/* Do all of so many positions write single rows? */
static bool
all_write_single_rows(const PgdStep *s, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (!writes_single_rows(&s[i]))
			return false;
	}
	return true;
}

static void
look_at_loop(const PgdTranscript *t, int start, int len, double commit_time,
			 PgdLook *look)
{
	for (int i = start; i < start + len; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->calls >= pgd_threshold.autocommit_storm_min_writes)
			pgd_observe(look, &(PgdObservation) {
				.position = i, .parent = PGD_NOWHERE, .object = s->relid,
				.count = s->calls,
				.time = s->exec_time + commit_time * s->calls,
				.saved = commit_time * (s->calls - 1),
			});
	}
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		writes = 0;
	double		commit_time;	/* of one write */
	int			len;

	if (t->counters.commit_time <
		PGD_MS(pgd_threshold.autocommit_storm_min_commit_time))
		return;

	for (int i = 0; i < t->nsteps; i++)
	{
		if ((t->steps[i].flags & PGD_WRITES) != 0)
			writes += t->steps[i].calls;
	}
	commit_time = t->counters.commit_time / (double) Max(writes, 1);

	for (int i = 0; i < t->nsteps; i += len)
	{
		len = Min(Max(t->steps[i].cycle, 1), t->nsteps - i);
		if (all_write_single_rows(&t->steps[i], len))
			look_at_loop(t, i, len, commit_time, look);
	}
}

const PgdDetector pgd_detector_autocommit_storm = {
	.name = "autocommit_storm",
	.title = "single rows are written and committed one by one",
	.dimension = "performance",
	.grade = "exact",
	.problem = "{count} rows written in a row, each with a commit of its own",
	.advice = "Write many rows with one statement: INSERT with several VALUES or from unnest($1, $2), COPY, UPDATE ... FROM (VALUES ...); or at least do them in one transaction, some hundred at a time. If the latest writes may be lost in a crash, SET synchronous_commit = off for this session takes the wait away.",
	.kinds = PGD_IN_BURST,
	.needs = PGD_SAW_REPETITION | PGD_SAW_WRITE,
	.look = look,
};
