/*-------------------------------------------------------------------------
 *
 * failures.h
 *		Errors of one kind in a transcript, for the detectors of such.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_FAILURES_H
#define PGD_FAILURES_H

#include "detectors.h"

/*
 * What failed in vain: the transaction so far, unless a savepoint saved it or
 * each statement is a transaction.
 */
static inline uint64
pgd_failed_time(const PgdTranscript *t, const PgdStep *s)
{
	if (t->kind == PGD_XACT_BLOCK && t->counters.aborted_time > 0)
		return t->counters.aborted_time;
	return s->exec_time / Max(s->calls, 1) * s->failures;
}

/* Observe each position whose latest failure is this one. */
static inline bool
pgd_observe_failed_steps(const PgdTranscript *t, PgdLook *look, int sqlstate,
						 PgdSeverity severity)
{
	bool		found = false;

	for (int i = 0; i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];
		PgdObservation o = {.parent = PGD_NOWHERE, .severity = severity};

		if (s->failures == 0 || s->sqlstate != sqlstate)
			continue;
		found = true;
		o.position = (s->fingerprint != 0) ? i : PGD_NOWHERE;
		o.confirmed = 1;
		o.object = s->relid;
		o.count = s->failures;
		o.time = pgd_failed_time(t, s);
		o.saved = o.time;
		pgd_observe(look, &o);
	}
	return found;
}

/*
 * The same, and a transaction that ended with this error although no
 * statement did: COMMIT has failed, or a statement before it was executed.
 */
static inline void
pgd_observe_failures(const PgdTranscript *t, PgdLook *look, int sqlstate,
					 PgdSeverity severity)
{
	if (!pgd_observe_failed_steps(t, look, sqlstate, severity) &&
		t->sqlstate == sqlstate)
		pgd_observe(look, &(PgdObservation) {
			.position = PGD_NOWHERE, .parent = PGD_NOWHERE,
			.severity = severity, .confirmed = 1, .count = 1,
			.time = t->counters.aborted_time,
			.saved = t->counters.aborted_time,
		});
}

#endif							/* PGD_FAILURES_H */
