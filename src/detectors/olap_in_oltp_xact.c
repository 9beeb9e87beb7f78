/*-------------------------------------------------------------------------
 *
 * olap_in_oltp_xact.c
 *		A long read inside of a transaction that writes a little.
 *
 * After the first write, all its row locks are held for as long as the read
 * takes; before, it only makes the transaction long.
 *
 * Silent when the transaction writes many rows, as then it is a batch and
 * reading is its business; when the long statement writes itself (INSERT ...
 * SELECT) or locks what it reads; and for cursors.
 *
 * Thresholds: a second, and four fifths of the time that the transaction's
 * statements take; up to 1,000 rows written.  Judgements.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static bool
holds_row_locks(const PgdTranscript *t, int position)
{
	for (int i = 0; i < position; i++)
	{
		if ((t->steps[i].flags & (PGD_WRITES | PGD_LOCKS_ROWS)) != 0 &&
			t->steps[i].rows > 0)
			return true;
	}
	return false;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	const PgdXactCounters *c = &t->counters;
	uint64		min_time = PGD_MS(pgd_threshold.olap_in_oltp_xact_min_time);
	uint64		min_sum = c->exec_time *
		pgd_threshold.olap_in_oltp_xact_min_ratio;

	if (c->rows_written == 0 ||
		c->rows_written > pgd_threshold.olap_in_oltp_xact_max_rows)
		return;

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		PgdObservation o = {.position = i, .parent = PGD_NOWHERE};

		if (s->fingerprint == 0 ||
			(s->flags & PGD_READS) == 0 ||
			(s->flags & (PGD_WRITES | PGD_LOCKS_ROWS | PGD_FETCHES)) != 0 ||
			s->max_exec_time < min_time || s->exec_time < min_sum)
			continue;

		o.confirmed = holds_row_locks(t, i);
		o.count = s->calls;
		o.time = s->exec_time;
		o.held = o.confirmed ? s->exec_time : 0;
		o.severity = o.confirmed ? PGD_WARNING : PGD_INFO;
		pgd_observe(look, &o);
	}
}

const PgdDetector pgd_detector_olap_in_oltp_xact = {
	.name = "olap_in_oltp_xact",
	.title = "a long read inside of a transaction that writes",
	.dimension = "performance",
	.grade = "exact",
	.problem = "reads for {time} inside of a transaction that writes a little",
	.advice = "Run the read before BEGIN, or on a standby; if it must see what the transaction wrote, after COMMIT. If its result decides what is written, check in the writing statement that it still holds.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_WRITE | PGD_SAW_SLOW,
	.look = look,
};
