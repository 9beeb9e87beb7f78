/*-------------------------------------------------------------------------
 *
 * long_transaction.c
 *		A transaction that is open for minutes.
 *
 * Writers hold their locks that long; readers keep a connection, and at
 * REPEATABLE READ and above vacuum from its work.  Those that are still open
 * are in diagnose.open_transactions.
 *
 * Silent for dumps: read only, one snapshot, and COPY.
 *
 * Thresholds: a minute for writers (PgHero), 5 minutes for readers; critical
 * from 5 and 30 minutes on (pgFirstAid 5 minutes, pganalyze 30).
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "detectors.h"

static bool
is_dump(const PgdTranscript *t)
{
	if (!t->read_only || t->isolation < XACT_REPEATABLE_READ)
		return false;
	for (int i = 0; i < t->nsteps; i++)
	{
		if ((t->steps[i].flags & PGD_COPIES) != 0)
			return true;
	}
	return false;
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	uint64		duration = t->counters.duration;
	double		least,
				critical;

	if ((t->saw & PGD_SAW_XID) != 0)
	{
		least = pgd_threshold.long_transaction_writer_min_time;
		critical = pgd_threshold.long_transaction_writer_critical_min_time;
	}
	else
	{
		least = pgd_threshold.long_transaction_reader_min_time;
		critical = pgd_threshold.long_transaction_reader_critical_min_time;
	}
	if (duration < PGD_MS(least) || is_dump(t))
		return;

	pgd_observe(look, &(PgdObservation) {
		.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
		.severity = duration < PGD_MS(critical) ? PGD_WARNING : PGD_CRITICAL,
		.count = t->counters.statements, .time = t->counters.exec_time,
		.held = duration,
	});
}

const PgdDetector pgd_detector_long_transaction = {
	.name = "long_transaction",
	.title = "a transaction is open for minutes",
	.dimension = "performance",
	.grade = "exact",
	.problem = "open for {held}, of which {time} in statements",
	.advice = "Split it: commit after each batch of some thousand rows, and keep what needs no database out of it. From PostgreSQL 17 on, transaction_timeout sets a limit; before that, statement_timeout and idle_in_transaction_session_timeout together come close.",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_SLOW,
	.look = look,
};
