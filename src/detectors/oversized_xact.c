/*-------------------------------------------------------------------------
 *
 * oversized_xact.c
 *		A transaction that writes more than others should have to wait for.
 *
 * It holds its row locks to the end, keeps vacuum from cleaning up behind
 * everybody, makes standbys and logical replication lag, and when it fails all
 * of it was in vain.
 *
 * Silent about reading, however long, and about loads: COPY, and what goes
 * into a table that the same transaction created.  Of autocommit statements
 * those are judged that update or delete, as rows that are only inserted lock
 * out nobody.  WAL is not judged where the schema was changed, too: it may be
 * that of an index, or of a new table.
 *
 * Thresholds: 10,000 rows, 64 MB of WAL (four segments) or a minute, and
 * 1,000 subtransactions, far from the 64 that a backend keeps in shared memory,
 * which are the business of subxact_overflow.  Judgements; advice for batches
 * says 1,000 to 5,000 rows each.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

/* An autocommit statement is a transaction, and the whole of it. */
static void
look_at_burst(const PgdTranscript *t, PgdLook *look)
{
	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if (s->fingerprint != 0 &&
			(s->flags & (PGD_UPDATES | PGD_DELETES)) != 0 &&
			s->max_rows >= pgd_threshold.oversized_xact_min_rows)
			pgd_observe(look, &(PgdObservation) {
				.position = i, .parent = PGD_NOWHERE, .object = s->relid,
				.count = s->max_rows, .time = s->max_exec_time,
				.held = s->max_exec_time, .severity = PGD_WARNING,
			});
	}
}

/* Rows that were not loaded. */
static uint64
rows_written(const PgdTranscript *t)
{
	uint64		rows = t->counters.rows_written;

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if ((s->flags & PGD_WRITES) != 0 &&
			((s->flags & PGD_COPIES) != 0 || pgd_is_new_table(t, i)))
			rows -= Min(rows, s->rows);
	}
	return rows;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	const PgdXactCounters *c = &t->counters;
	uint64		rows;

	if (t->kind == PGD_XACT_BURST)
	{
		look_at_burst(t, look);
		return;
	}
	rows = rows_written(t);
	if (rows == 0)
		return;

	if (rows >= pgd_threshold.oversized_xact_min_rows ||
		((t->saw & PGD_SAW_DDL) == 0 &&
		 c->wal_bytes >= pgd_threshold.oversized_xact_min_wal * 1024 * 1024) ||
		c->savepoints >= pgd_threshold.oversized_xact_min_subtransactions ||
		c->duration >= PGD_MS(pgd_threshold.oversized_xact_min_time))
		pgd_observe(look, &(PgdObservation) {
			.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
			.count = rows, .time = c->exec_time, .held = c->row_lock_time,
			.severity = PGD_WARNING,
		});
}

const PgdDetector pgd_detector_oversized_xact = {
	.name = "oversized_xact",
	.title = "a transaction writes too much at once",
	.dimension = "reliability",
	.grade = "exact",
	.problem = "rows written in one transaction: {count}, with their locks held for {held}",
	.advice = "Do it in parts of 1,000 to 5,000 rows, by ranges of the key or with WHERE ctid = ANY(ARRAY(SELECT ctid ... LIMIT 5000)), and commit after each. Keep a note of how far it got, so that it can go on after a failure.",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_WRITE,
	.look = look,
};
