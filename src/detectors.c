/*-------------------------------------------------------------------------
 *
 * detectors.c
 *		All patterns that are looked for in transcripts.
 *
 * A detector is a constant in a file of src/detectors/; make puts the names
 * of these files into detectorlist.h, in the order of the alphabet.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

static const PgdDetector *const detectors[] = {
#define PGD_DETECTOR(name) &pgd_detector_##name,
#include "detectorlist.h"
#undef PGD_DETECTOR
};

StaticAssertDecl(lengthof(detectors) <= PGD_DETECTORS_MAX,
				 "more detectors than a dump file can name");

int
pgd_detector_count(void)
{
	return lengthof(detectors);
}

const PgdDetector *
pgd_detector(int number)
{
	return detectors[number];
}

/*
 * Show a complete transcript to all detectors that it may concern.
 */
void
pgd_detectors_look(const PgdTranscript *t, PgdLook *look)
{
	uint32		kind = 1 << t->kind;

	look->n = 0;
	look->dropped = 0;
	for (int i = 0; i < lengthof(detectors); i++)
	{
		const PgdDetector *detector = detectors[i];

		if ((detector->needs & ~t->saw) == 0 && (detector->kinds & kind) != 0)
		{
			look->detector = i + 1;
			detector->look(t, look);
		}
	}
}

/*
 * A detector has seen something.  It sets what it knows; once in this
 * transcript is understood.
 */
void
pgd_observe(PgdLook *look, const PgdObservation *observation)
{
	PgdObservation *seen;

	if (look->n == PGD_OBSERVATIONS)
	{
		look->dropped++;
		return;
	}
	seen = &look->seen[look->n++];
	*seen = *observation;
	seen->detector = look->detector;
	seen->occurrences = 1;
	seen->max_count = Max(seen->max_count, seen->count);
	seen->max_held = Max(seen->max_held, seen->held);
}

/*
 * Is the table that a position is about one that this transcript created?
 * Nobody else sees it before the commit, so nobody can wait for it.
 */
bool
pgd_is_new_table(const PgdTranscript *t, int position)
{
	Oid			relid = t->steps[position].relid;

	if (!OidIsValid(relid))
		return false;
	for (int i = 0; i <= position; i++)
	{
		if ((t->steps[i].flags & PGD_CREATES) != 0 &&
			t->steps[i].relid == relid)
			return true;
	}
	return false;
}

/*
 * Position of the statement that was the first to lock rows, or a table.  If
 * no plan tells, a function did it: the statement is that before the first one
 * which the client let wait with rows locked.
 */
int
pgd_first_lock(const PgdTranscript *t)
{
	if (t->nlocked > 0)
		return t->locked_at[0];
	for (int i = 0; i < t->nsteps; i++)
	{
		if ((t->steps[i].flags &
			 (PGD_WRITES | PGD_LOCKS_ROWS | PGD_LOCKS_TABLE)) != 0)
			return i;
	}
	for (int i = 1; i < t->nsteps; i++)
	{
		if (t->steps[i].idle_with_locks > 0)
			return i - 1;
	}
	return t->nsteps > 0 ? t->nsteps - 1 : PGD_NOWHERE;
}

/*
 * Execution and think time of all later positions, up to the end of the
 * latest statement.  When the position is in a cycle, its own later rounds
 * are left out, and so are those of the positions before it.
 */
uint64
pgd_time_after(const PgdTranscript *t, int position)
{
	uint64		sum = 0;

	for (int i = position + 1; i < t->nsteps; i++)
		sum += t->steps[i].exec_time + t->steps[i].idle_time;
	return sum;
}
