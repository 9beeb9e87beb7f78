/*-------------------------------------------------------------------------
 *
 * advise_select.c
 *		Which indexes to propose.
 *
 * Greedy, as the algorithm Extend (Schlosser, Kossmann, Boissier, ICDE 2019):
 * in each step the index, or the set of indexes that a statement needs
 * together, which saves most of the workload's time besides what is chosen
 * already, less what it costs those who write.  Then what the later choices
 * have made superfluous is taken back, and what is longer than it need be is
 * cut, or the other way round.
 *
 * A step's gain can only shrink as others are chosen, mostly, so it is found
 * out anew only when it is the best that is left.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "advise.h"
#include "compat.h"
#include "guc.h"

#define HOT_FACTOR		3		/* gain over cost where heap-only updates end */

/* Indexes to be chosen together. */
typedef struct Move
{
	Bitmapset  *indexes;
	double		net;			/* milliseconds, when it was last looked at */
	bool		fresh;			/* with what is chosen now */
	bool		dead;
} Move;

static void find_relevant(PgdAdvice *advice);
static List *make_moves(PgdAdvice *advice);
static double write_of(PgdAdvice *advice, const Bitmapset *indexes);
static double bytes_of(PgdAdvice *advice, const Bitmapset *indexes);
static const char *objection(PgdAdvice *advice, const Bitmapset *more);
static void choose(PgdAdvice *advice, List *moves);
static void rank(PgdAdvice *advice);

void
pgd_advise_select(PgdAdvice *advice)
{
	MemoryContext old = MemoryContextSwitchTo(advice->context);

	find_relevant(advice);
	advice->out_of_time = false;
	pgd_advise_allow(advice, 0.8);
	choose(advice, make_moves(advice));
	if (!advice->out_of_time)
	{
		pgd_advise_allow(advice, 0.9);
		pgd_advise_refine(advice);
	}
	/* little is left to find out */
	advice->out_of_time = false;
	pgd_advise_allow(advice, 1.5);
	rank(advice);
	MemoryContextSwitchTo(old);
}

/* ----------
 * Whom an index concerns
 * ----------
 */

static bool
asks_for(const PgdAdvised *statement, const PgdCandidate *candidate)
{
	const PgdIndexKey *first = linitial(candidate->keys);
	ListCell   *lc;

	if (first->attno == 0)
		return false;
	foreach(lc, statement->needs)
	{
		PgdNeed    *need = lfirst(lc);
		ListCell   *lc2;

		if (need->relid != candidate->table->relid)
			continue;
		foreach(lc2, need->conditions)
		{
			if (((PgdCondition *) lfirst(lc2))->attno == first->attno)
				return true;
		}
		foreach(lc2, need->orders)
		{
			if (((PgdOrderKey *) linitial(((PgdOrder *) lfirst(lc2))->keys))->attno ==
				first->attno)
				return true;
		}
	}
	return false;
}

/*
 * An index made for one statement may help others, too.
 */
static void
find_relevant(PgdAdvice *advice)
{
	Bitmapset  *kept = NULL;
	int			i = -1;

	for (int s = 0; s < advice->nstatements; s++)
		kept = bms_add_members(kept, advice->statements[s]->relevant);
	while ((i = bms_next_member(kept, i)) >= 0)
	{
		for (int s = 0; s < advice->nstatements; s++)
		{
			PgdAdvised *statement = advice->statements[s];

			if (statement->base > 0 &&
				asks_for(statement, advice->indexes[i]->candidate))
				statement->relevant = bms_add_member(statement->relevant, i);
		}
	}
}

/*
 * Each index by itself, and what a statement needs together.
 */
static List *
make_moves(PgdAdvice *advice)
{
	List	   *moves = NIL;
	Bitmapset  *single = NULL;
	int			i = -1;

	for (int s = 0; s < advice->nstatements; s++)
	{
		PgdAdvised *statement = advice->statements[s];
		Bitmapset  *own = NULL;
		Bitmapset  *used;
		Move	   *move;
		ListCell   *lc;

		foreach(lc, statement->own)
			own = bms_add_member(own, lfirst_int(lc));
		if (bms_is_empty(own))
			continue;
		single = bms_add_members(single, own);
		(void) pgd_advise_cost(advice, statement, own, &used);
		if (bms_membership(used) != BMS_MULTIPLE)
			continue;
		move = palloc0(sizeof(Move));
		move->indexes = used;
		moves = lappend(moves, move);
	}
	while ((i = bms_next_member(single, i)) >= 0)
	{
		Move	   *move = palloc0(sizeof(Move));

		move->indexes = bms_make_singleton(i);
		moves = lappend(moves, move);
	}
	return moves;
}

/* ----------
 * What it brings
 * ----------
 */

/*
 * Milliseconds saved in the window by having the one instead of the other;
 * also the largest share of its cost that a statement saves.
 */
double
pgd_advise_gain(PgdAdvice *advice, const Bitmapset *before,
				const Bitmapset *after, double *best_share)
{
	Bitmapset  *changed = bms_difference(after, before);
	double		gain = 0;
	double		best = 0;

	changed = bms_add_members(changed, bms_difference(before, after));
	for (int s = 0; s < advice->nstatements; s++)
	{
		PgdAdvised *statement = advice->statements[s];
		double		saved;
		double		cost;

		if (statement->base <= 0 ||
			!bms_overlap(statement->relevant, changed))
			continue;
		saved = pgd_advise_saved(advice, statement, before, after);
		gain += saved;
		/* of what it would still take without */
		cost = pgd_advise_cost(advice, statement, before, NULL);
		if (saved > 0 && cost > 0)
			best = Max(best, 1 - pgd_advise_cost(advice, statement, after,
												 NULL) / cost);
	}
	if (best_share)
		*best_share = best;
	return gain;
}

static double
write_of(PgdAdvice *advice, const Bitmapset *indexes)
{
	double		write = 0;
	int			i = -1;

	while ((i = bms_next_member(indexes, i)) >= 0)
		write += advice->indexes[i]->write;
	return write;
}

static double
bytes_of(PgdAdvice *advice, const Bitmapset *indexes)
{
	double		pages = 0;
	int			i = -1;

	while ((i = bms_next_member(indexes, i)) >= 0)
		pages += advice->indexes[i]->index->pages;
	return pages * BLCKSZ;
}

/*
 * What the room that indexes take is worth, in milliseconds: they compete for
 * memory with the tables of the workload.
 */
static double
price_of(PgdAdvice *advice, const Bitmapset *indexes)
{
	double		pages = 1;
	ListCell   *lc;

	foreach(lc, advice->tables)
		pages += ((PgdTable *) lfirst(lc))->pages;
	return bytes_of(advice, indexes) / BLCKSZ / pages *
		pgd_threshold.missing_index_size_share * advice->total_time;
}

static int
count_of_table(PgdAdvice *advice, const PgdTable *table)
{
	int			n = 0;
	int			i = -1;

	while ((i = bms_next_member(advice->chosen, i)) >= 0)
		n += (advice->indexes[i]->candidate->table == table);
	return n;
}

/*
 * Why these cannot be chosen besides the others, or NULL.
 */
static const char *
objection(PgdAdvice *advice, const Bitmapset *more)
{
	int			i = -1;

	if (advice->budget > 0 &&
		bytes_of(advice, advice->chosen) + bytes_of(advice, more) >
		advice->budget)
		return "does not fit the storage budget";
	while ((i = bms_next_member(more, i)) >= 0)
	{
		if (advice->max_per_table > 0 &&
			count_of_table(advice, advice->indexes[i]->candidate->table) >=
			advice->max_per_table)
			return "enough indexes for this table";
	}
	return NULL;
}

/*
 * What is wrong with this gain, or NULL.
 */
const char *
pgd_advise_verdict(PgdAdvice *advice, const Bitmapset *more, double gain,
				   double share)
{
	double		write = write_of(advice, more);
	bool		breaks_hot = false;
	int			i = -1;

	while ((i = bms_next_member(more, i)) >= 0)
		breaks_hot = breaks_hot || advice->indexes[i]->breaks_hot;
	if (gain <= 0)
		return "no gain besides the others";
	if (gain <= write)
		return "costs writers more than it saves";
	if (breaks_hot && gain < HOT_FACTOR * write)
		return "ends heap-only updates, for too little";
	if (share < pgd_threshold.missing_index_min_cut)
		return "saves too little of any statement";
	if (gain - write - price_of(advice, more) <
		pgd_threshold.missing_index_min_share * advice->total_time)
		return "saves too little";
	return NULL;
}

/* ----------
 * Choosing
 * ----------
 */

static void
look_again(PgdAdvice *advice, Move *move)
{
	Bitmapset  *more = bms_difference(move->indexes, advice->chosen);
	Bitmapset  *after = bms_union(advice->chosen, more);
	const char *problem = objection(advice, more);
	double		share;
	double		gain = pgd_advise_gain(advice, advice->chosen, after, &share);
	int			i = -1;

	if (problem == NULL)
		problem = advice->out_of_time ? PGD_NO_TIME :
			pgd_advise_verdict(advice, more, gain, share);
	move->net = gain - write_of(advice, more) - price_of(advice, more);
	if (advice->budget > 0)
		move->net /= Max(bytes_of(advice, more), BLCKSZ);
	move->fresh = true;
	move->dead = problem != NULL;
	if (bms_membership(more) == BMS_SINGLETON)
		while ((i = bms_next_member(more, i)) >= 0)
			advice->indexes[i]->rejected = problem;
}

static void
choose(PgdAdvice *advice, List *moves)
{
	ListCell   *lc;

	foreach(lc, moves)
		look_again(advice, lfirst(lc));
	for (;;)
	{
		Move	   *best = NULL;

		foreach(lc, moves)
		{
			Move	   *move = lfirst(lc);

			if (!move->dead && (best == NULL || move->net > best->net))
				best = move;
		}
		if (best == NULL || advice->out_of_time)
			break;
		if (!best->fresh)
		{
			look_again(advice, best);
			continue;
		}
		advice->chosen = bms_add_members(advice->chosen, best->indexes);
		best->dead = true;
		foreach(lc, moves)
			((Move *) lfirst(lc))->fresh = false;
	}

	/* say of the others why they were left */
	foreach(lc, moves)
	{
		Move	   *move = lfirst(lc);

		if (bms_membership(move->indexes) == BMS_SINGLETON &&
			!bms_is_subset(move->indexes, advice->chosen))
			look_again(advice, move);
	}
}

/*
 * Put those chosen into the order in which to create them: what saves most
 * besides the ones before.
 */
static void
rank(PgdAdvice *advice)
{
	Bitmapset  *ranked = NULL;
	Bitmapset  *left = bms_copy(advice->chosen);

	while (!bms_is_empty(left))
	{
		int			best = -1;
		double		best_gain = 0;
		int			i = -1;

		while ((i = bms_next_member(left, i)) >= 0)
		{
			double		gain = pgd_advise_gain(advice, ranked,
											   pgd_advise_with(ranked, i), NULL) -
				advice->indexes[i]->write;

			if (best < 0 || gain > best_gain)
			{
				best = i;
				best_gain = gain;
			}
		}
		advice->indexes[best]->rank = ++advice->nproposed;
		advice->indexes[best]->rejected = NULL;
		advice->indexes[best]->gain = best_gain + advice->indexes[best]->write;
		advice->indexes[best]->gain_alone =
			pgd_advise_gain(advice, NULL, bms_make_singleton(best), NULL);
		ranked = bms_add_member(ranked, best);
		left = bms_del_member(left, best);
	}
}
