/*-------------------------------------------------------------------------
 *
 * broad_row_locking.c
 *		SELECT ... FOR UPDATE locks many rows of which few are written.
 *
 * Each lock writes to the row's page, and all others who want one of the rows
 * wait for the end of the transaction.
 *
 * Silent with LIMIT or SKIP LOCKED, as then the number is somebody's choice;
 * and when a batch writes most of what it locked.
 *
 * Thresholds: ten times as many rows locked as written, and a hundred of
 * them.  Judgements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

/* Rows that were written to the table, at any position: loops come round. */
static uint64
rows_written(const PgdTranscript *t, Oid relid)
{
	uint64		rows = 0;

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if ((s->flags & (PGD_UPDATES | PGD_DELETES)) != 0 && s->relid == relid)
			rows += s->rows;
	}
	return rows;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint == 0 ||
			(s->flags & PGD_LOCKS_ROWS) == 0 ||
			(s->flags & (PGD_SKIPS_LOCKED | PGD_LIMITED | PGD_WRITES)) != 0 ||
			s->max_rows < pgd_threshold.broad_row_locking_min_rows ||
			s->rows < rows_written(t, s->relid) *
			pgd_threshold.broad_row_locking_min_ratio)
			continue;

		pgd_observe(look, &(PgdObservation) {
			.position = i, .parent = PGD_NOWHERE, .object = s->relid,
			.count = s->rows, .time = s->exec_time,
			.held = pgd_time_after(t, i) + t->counters.idle_before_end,
			.confirmed = t->counters.blocking_gaps > 0,
			.severity = PGD_WARNING,
		});
	}
}

const PgdDetector pgd_detector_broad_row_locking = {
	.name = "broad_row_locking",
	.title = "many rows are locked and few are written",
	.dimension = "performance",
	.grade = "exact",
	.problem = "locks {count} rows of {object} and writes few of them, held for {held}",
	.advice = "Lock what will be written only: choose the rows first, without a lock, then SELECT ... FOR UPDATE by their keys. A worker that takes some of many adds LIMIT and SKIP LOCKED. To keep others from changing what was read, FOR SHARE or REPEATABLE READ with a retry hold up fewer.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_ROW_LOCK,
	.look = look,
};
