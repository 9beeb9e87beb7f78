/*-------------------------------------------------------------------------
 *
 * lock_order_inversion.c
 *		The order in which a transaction locks rows.
 *
 * It takes two to a deadlock, so this only tells in which order rows are
 * locked; the rule of the same name finds those that cross.  An observation
 * says "rows of object before rows of other".  Where rows of one table are
 * locked one after the other, there is an end of the table in place of one
 * of them: nothing before the table is by ascending key, the table before
 * nothing by descending key.  So what crosses is object and other exchanged,
 * in both cases.
 *
 * A transcript has no order for what does not wait (SKIP LOCKED, NOWAIT) nor
 * outside of a block, where locks are gone with their statement.
 *
 * At most half of the room for observations is used: the pairs nearest to
 * each other in the order, which is all of them for up to four tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "detectors.h"

#define PAIRS	(PGD_OBSERVATIONS / 2)

static void
observe_order(PgdLook *look, int parent, int position, Oid first, Oid second)
{
	pgd_observe(look, &(PgdObservation) {
		.position = position, .parent = parent,
		.object = first, .other = second, .count = 1,
	});
}

static void
look(const PgdTranscript *t, PgdLook *look)
{
	int			room = PAIRS;

	for (int distance = 1; distance < t->nlocked; distance++)
	{
		for (int i = 0; i + distance < t->nlocked && room > 0; i++, room--)
			observe_order(look, t->locked_at[i], t->locked_at[i + distance],
						  t->locked[i], t->locked[i + distance]);
	}

	for (int i = 0; i < t->nlocked; i++)
	{
		int			position = t->locked_at[i];

		if ((t->ascending & (1 << i)) != 0)
			observe_order(look, position, position, InvalidOid, t->locked[i]);
		if ((t->descending & (1 << i)) != 0)
			observe_order(look, position, position, t->locked[i], InvalidOid);
	}
}

const PgdDetector pgd_detector_lock_order_inversion = {
	.name = "lock_order_inversion",
	.title = "transactions lock the same rows in different orders",
	.dimension = "reliability",
	.grade = "inferred",
	.kinds = PGD_IN_BLOCK,
	.needs = PGD_SAW_TWO_LOCKED,
	.look = look,
};
