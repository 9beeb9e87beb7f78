/*-------------------------------------------------------------------------
 *
 * advise_cost.c
 *		What a statement costs with some indexes, and what that is in time.
 *
 * The planner is asked once for each set of indexes that concern the
 * statement.  Its costs are turned into time by what was measured: a
 * statement that took T milliseconds in the window saves T * (1 - cost after
 * / cost before), and never more than it took.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/memutils.h"

#include "advise.h"
#include "compat.h"

/*
 * Of each execution so many milliseconds go to what no index makes faster:
 * starting and ending the executor, and the client's messages.
 */
#define FIXED_TIME	0.02

/* What is known of a statement with a set of indexes. */
typedef struct KnownCost
{
	Bitmapset  *indexes;
	Bitmapset  *used;
	double		cost;
} KnownCost;

typedef struct Costing
{
	PgdAdvice  *advice;
	PgdAdvised *statement;
	List	   *hypothetical;
	List	   *used;
	double		cost;
} Costing;

static void plan_all(void *arg);

/*
 * Cost with these indexes, of all examples; and those of them that are used.
 * What cannot be planned with them costs as much as without.
 */
double
pgd_advise_cost(PgdAdvice *advice, PgdAdvised *statement,
				const Bitmapset *indexes, Bitmapset **used)
{
	Bitmapset  *relevant = bms_intersect(indexes, statement->relevant);
	MemoryContext old;
	PgdWhatIfRole role = {0};
	Costing		costing = {0};
	KnownCost  *known;
	char	   *problem = NULL;
	ListCell   *lc;
	int			i = -1;

	foreach(lc, statement->costs)
	{
		known = lfirst(lc);
		if (bms_equal(known->indexes, relevant))
		{
			bms_free(relevant);
			if (used)
				*used = known->used;
			return known->cost;
		}
	}

	old = MemoryContextSwitchTo(advice->scratch);
	costing.advice = advice;
	costing.statement = statement;
	while ((i = bms_next_member(relevant, i)) >= 0)
	{
		if (advice->indexes[i]->index != NULL)
			costing.hypothetical = lappend(costing.hypothetical,
										   advice->indexes[i]->index);
	}
	role.userid = statement->userid;
	role.settings = ((PgdExample *) linitial(statement->examples))->settings;

	if (bms_is_empty(relevant) && statement->base > 0)
		costing.cost = statement->base;
	else if (advice->out_of_time ||
			 !pgd_whatif_guarded(&role, plan_all, &costing, &problem))
	{
		costing.cost = statement->base;
		costing.used = NIL;
		advice->out_of_time |= pgd_clock() > advice->deadline;
		if (advice->out_of_time)
		{
			/* that is no answer to be kept */
			MemoryContextSwitchTo(old);
			MemoryContextReset(advice->scratch);
			if (used)
				*used = NULL;
			return statement->base;
		}
	}

	MemoryContextSwitchTo(advice->context);
	known = palloc0(sizeof(KnownCost));
	known->indexes = bms_copy(relevant);
	known->cost = costing.cost;
	i = -1;
	while ((i = bms_next_member(relevant, i)) >= 0)
	{
		if (list_member_ptr(costing.used, advice->indexes[i]->index))
			known->used = bms_add_member(known->used, i);
	}
	statement->costs = lappend(statement->costs, known);
	MemoryContextSwitchTo(old);
	MemoryContextReset(advice->scratch);
	bms_free(relevant);
	if (used)
		*used = known->used;
	return known->cost;
}

static void
plan_all(void *arg)
{
	Costing    *costing = arg;
	PgdWhatIf	wi = {0};
	ListCell   *lc;

	wi.indexes = costing->hypothetical;
	wi.deadline = costing->advice->deadline;
	costing->cost = 0;
	foreach(lc, costing->statement->examples)
	{
		PgdExample *example = lfirst(lc);
		PlannedStmt *stmt = pgd_whatif_plan(&wi, example->query,
											example->params,
											example->cursor_options);

		costing->cost += stmt->planTree->total_cost;
		costing->used = list_concat(costing->used,
									pgd_whatif_used(stmt, wi.indexes));
	}
}

/*
 * Milliseconds of the window that a statement saves by having the indexes
 * of "after" instead of those of "before".
 */
double
pgd_advise_saved(PgdAdvice *advice, PgdAdvised *statement,
				 const Bitmapset *before, const Bitmapset *after)
{
	double		a = pgd_advise_cost(advice, statement, before, NULL);
	double		b = pgd_advise_cost(advice, statement, after, NULL);
	double		time = statement->time - FIXED_TIME * statement->load.calls;
	double		extra;

	if (a == b || time <= 0 || statement->base <= 0)
		return 0;

	/*
	 * More rows were found than the planner believes: looking them up through
	 * an index takes longer, too.  Half of them are on pages seen before.
	 */
	extra = statement->unforeseen * random_page_cost / 2 *
		list_length(statement->examples);
	if (b < a)
		b = Min(b + extra, statement->base);
	if (a < statement->base)
		a = Min(a + extra, statement->base);
	return time * (a - b) / statement->base;
}
