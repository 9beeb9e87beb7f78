/*-------------------------------------------------------------------------
 *
 * lock_order_inversion.c
 *		The order in which a transaction locks rows.
 *
 * It takes two to a deadlock, so this only tells in which order rows are
 * locked; the rule of the same name finds those that cross.  An observation
 * says "rows of object before rows of other".  Where rows of one table are
 * locked one after the other, there is an end of the table in place of one
 * of them: nothing before the table is upwards, the table before nothing is
 * downwards.  So what crosses is object and other exchanged, in both cases.
 *
 * What is locked with SKIP LOCKED or NOWAIT does not wait, hence is no second
 * one.  Outside a block, locks are gone with the statement: there only
 * what one statement locks counts.
 *
 * At most half of the room for observations is used: the pairs nearest to
 * each other in the order, which is all of them for up to four tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

#define PAIRS	(PGD_OBSERVATIONS / 2)

/* Does the transaction wait for rows of locked[i]? */
static bool
waits(const PgdTranscript *t, int i)
{
	int			position = t->locked_at[i];

	return position >= t->nsteps ||
		(t->steps[position].flags & PGD_SKIPS_LOCKED) == 0;
}

static void
observe_pair(PgdLook *look, int parent, int position, Oid first, Oid second)
{
	pgd_observe(look, &(PgdObservation) {
		.position = position, .parent = parent,
		.object = first, .other = second, .count = 1,
	});
}

static void
look_at_tables(const PgdTranscript *t, PgdLook *look)
{
	int			room = PAIRS;

	for (int distance = 1; distance < t->nlocked; distance++)
	{
		for (int i = 0; i + distance < t->nlocked && room > 0; i++)
		{
			int			j = i + distance;

			if (!waits(t, j) ||
				(t->kind == PGD_XACT_BURST &&
				 t->locked_at[i] != t->locked_at[j]))
				continue;
			observe_pair(look, t->locked_at[i], t->locked_at[j],
						 t->locked[i], t->locked[j]);
			room--;
		}
	}
}

static void
look_at_rows(const PgdTranscript *t, PgdLook *look)
{
	if (t->kind == PGD_XACT_BURST && t->counters.statements > 1)
		return;

	for (int i = 0; i < t->nlocked; i++)
	{
		int			position = t->locked_at[i];

		if (!waits(t, i))
			continue;
		if ((t->ascending & (1 << i)) != 0)
			observe_pair(look, position, position, InvalidOid, t->locked[i]);
		if ((t->descending & (1 << i)) != 0)
			observe_pair(look, position, position, t->locked[i], InvalidOid);
	}
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	look_at_tables(t, look);
	look_at_rows(t, look);
}

const PgdDetector pgd_detector_lock_order_inversion = {
	.name = "lock_order_inversion",
	.title = "transactions lock the same rows in different orders",
	.dimension = "reliability",
	.grade = "inferred",
	.kinds = PGD_IN_BOTH,
	.needs = PGD_SAW_TWO_LOCKED,
	.look = look,
};
