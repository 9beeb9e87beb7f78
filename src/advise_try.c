/*-------------------------------------------------------------------------
 *
 * advise_try.c
 *		Candidates are made for all statements; those that the planner likes are
 *		kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/nodeFuncs.h"

#include "advise.h"
#include "compat.h"
#include "guc.h"
#include "predicate.h"

#define KINDS_MAX		100		/* values of a column that tells kinds of rows apart */
#define SEEN_MIN		3		/* executions from which a constant is one */
#define ROUNDS			2		/* best answers, and next best */
#define WORTH_IT		0.9		/* a cost that is higher than this share of what
								 * it was is no gain */

static void consider(PgdAdvice *advice, PgdAdvised *statement);

typedef struct Making
{
	PgdAdvice  *advice;
	PgdAdvised *statement;
	PgdTable   *table;
	PgdNeed    *need;
	List	   *result;
} Making;

/*
 * Have all examples this in their needs of the same relation?  What differs
 * has a constant in it that varies.
 */
static bool
in_all_examples(const Making *making, const PgdNeed *need, Node *node)
{
	ListCell   *lc;

	foreach(lc, making->statement->needs)
	{
		PgdNeed    *other = lfirst(lc);
		bool		found = false;
		ListCell   *lc2;

		if (other->relid != need->relid ||
			strcmp(other->alias, need->alias) != 0)
			continue;
		foreach(lc2, other->conditions)
		{
			PgdCondition *c = lfirst(lc2);

			found = found || equal(c->clause, node) || equal(c->expr, node);
		}
		foreach(lc2, other->orders)
		{
			ListCell   *lc3;

			foreach(lc3, ((PgdOrder *) lfirst(lc2))->keys)
				found = found || equal(((PgdOrderKey *) lfirst(lc3))->expr,
									   node);
		}
		if (!found)
			return false;
	}
	return true;
}

/*
 * Does a constant vary from execution to execution?  A few have been
 * watched; if not, the examples have to agree.
 */
static bool
varies(const PgdNeed *need, const PgdCondition *condition, Node *expr,
	   void *arg)
{
	Making	   *making = arg;
	const PgdEvidence *evidence = &making->statement->evidence;
	uint64		hash;

	if (condition == NULL)
		return !in_all_examples(making, need, expr);
	if (condition->value == NULL || condition->attno == 0 ||
		condition->ndistinct > KINDS_MAX)
		return true;

	hash = pgd_predicate_hash(condition->value->consttype,
							  condition->value->constlen,
							  condition->value->constbyval,
							  condition->value->constvalue);
	for (int i = 0; i < PGD_EVIDENCE_CONSTANTS; i++)
	{
		const PgdConstantEvidence *constant = &evidence->constants[i];

		if (constant->relid != need->relid ||
			constant->attno != condition->attno ||
			constant->opno != condition->opno || constant->total < SEEN_MIN)
			continue;
		for (int v = 0; v < PGD_EVIDENCE_VALUES; v++)
		{
			if (constant->values[v].hash == hash)
				return constant->values[v].count < 0.95 * constant->total;
		}
		return true;
	}
	return list_length(making->statement->examples) < 2 ||
		!in_all_examples(making, need, condition->clause);
}

static void
make_candidates(void *arg)
{
	Making	   *making = arg;

	making->result = pgd_advise_candidates(making->table, making->need, varies,
										   making);
}

/*
 * What no DBA would sign; NULL if it is to be looked into.
 */
static const char *
refusal(const PgdCandidate *candidate)
{
	const PgdExistingIndex *existing = pgd_advise_covered(candidate);

	if (existing != NULL)
		return psprintf("covered by %s", existing->name);
	if (candidate->selectivity > pgd_threshold.missing_index_max_selectivity &&
		!candidate->by_order && !candidate->by_join)
		return psprintf("finds %.0f %% of the table",
						100 * candidate->selectivity);
	if (candidate->selectivity > pgd_threshold.missing_index_max_selectivity &&
		candidate->sorts)
		return "only saves sorting all rows";
	return NULL;
}

/*
 * Enter a candidate; returns its number, that of an equal one if there is.
 */
int
pgd_advise_add_index(PgdAdvice *advice, PgdCandidate *candidate)
{
	PgdAdvisedIndex *index;

	for (int i = 0; i < advice->nindexes; i++)
	{
		if (strcmp(advice->indexes[i]->candidate->definition,
				   candidate->definition) == 0)
			return i;
	}
	if (advice->nindexes == advice->max_indexes)
	{
		advice->max_indexes *= 2;
		advice->indexes = repalloc(advice->indexes, sizeof(PgdAdvisedIndex *) *
								   advice->max_indexes);
	}
	index = palloc0(sizeof(PgdAdvisedIndex));
	index->candidate = candidate;
	index->rejected = refusal(candidate);
	advice->indexes[advice->nindexes] = index;
	return advice->nindexes++;
}

typedef struct Creating
{
	const char *definition;
	PgdHypothetical *result;
} Creating;

static void
create(void *arg)
{
	Creating   *creating = arg;

	creating->result = pgd_whatif_index(creating->definition, true);
}

static void
refine(void *arg)
{
	pgd_whatif_refine(arg);
}

/*
 * Give an index its hypothetical self.
 */
static void
make_real_enough(PgdAdvice *advice, int number, Oid userid)
{
	PgdAdvisedIndex *index = advice->indexes[number];
	PgdWhatIfRole role = {0};
	Creating	creating = {index->candidate->definition, NULL};
	char	   *problem = NULL;

	if (index->index != NULL || index->rejected != NULL)
		return;
	role.userid = userid;
	if (!pgd_whatif_guarded(&role, create, &creating, &problem))
	{
		index->rejected = problem;
		return;
	}
	index->index = creating.result;
	pgd_advise_write_cost(index);
}

/*
 * Make candidates for all statements, and keep those that the planner uses.
 */
void
pgd_advise_make_candidates(PgdAdvice *advice)
{
	MemoryContext old = MemoryContextSwitchTo(advice->context);

	for (int i = 0; i < advice->nstatements; i++)
	{
		PgdAdvised *statement = advice->statements[i];
		ListCell   *lc;

		if (statement->base <= 0)
			continue;
		if (advice->out_of_time || pgd_clock() > advice->deadline)
		{
			advice->out_of_time = true;
			statement->problem = PGD_NO_TIME;
			continue;
		}
		foreach(lc, statement->needs)
		{
			PgdWhatIfRole role = {0};
			Making		making = {0};
			char	   *problem;
			ListCell   *lc2;

			making.advice = advice;
			making.statement = statement;
			making.need = lfirst(lc);
			making.table = pgd_advise_find_table(advice, making.need->relid);
			if (making.table == NULL || making.table->refused != NULL)
				continue;
			role.userid = GetUserId();
			/* so that all names in definitions are qualified */
			role.settings = "search_path\0pg_catalog, pg_temp\0";
			if (!pgd_whatif_guarded(&role, make_candidates, &making, &problem))
				continue;
			foreach(lc2, making.result)
			{
				int			n = pgd_advise_add_index(advice, lfirst(lc2));

				make_real_enough(advice, n, statement->userid);
				if (!list_member_int(statement->own, n))
					statement->own = lappend_int(statement->own, n);
				advice->indexes[n]->helped =
					bms_add_member(advice->indexes[n]->helped, i);
			}
		}
		consider(advice, statement);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Of a statement's own candidates keep what the planner likes best, what it
 * likes best without that, and lesser forms of both, which may do for
 * more statements.
 */
static void
consider(PgdAdvice *advice, PgdAdvised *statement)
{
	Bitmapset  *all = NULL;
	Bitmapset  *liked = NULL;
	Bitmapset  *partial = NULL;
	List	   *own = NIL;
	ListCell   *lc;
	int			i;

	foreach(lc, statement->own)
	{
		if (advice->indexes[lfirst_int(lc)]->index == NULL)
			continue;
		all = bms_add_member(all, lfirst_int(lc));
		if (advice->indexes[lfirst_int(lc)]->candidate->predicate != NULL)
			partial = bms_add_member(partial, lfirst_int(lc));
	}
	statement->relevant = all;
	for (int round = 0; round < ROUNDS && !bms_is_empty(all); round++)
	{
		Bitmapset  *used;
		double		cost;

		cost = pgd_advise_cost(advice, statement, all, &used);
		if (cost > WORTH_IT * statement->base || bms_is_empty(used))
			break;
		liked = bms_add_members(liked, used);
		all = bms_difference(all, used);
	}

	/* partial ones may be a bit dearer, but are so small */
	i = -1;
	while (!bms_is_empty(liked) && (i = bms_next_member(partial, i)) >= 0)
	{
		if (pgd_advise_cost(advice, statement, bms_make_singleton(i), NULL) <
			(1 - WORTH_IT) * statement->base)
			liked = bms_add_member(liked, i);
	}

	i = -1;
	while ((i = bms_next_member(liked, i)) >= 0)
	{
		PgdCandidate *shorter = pgd_advise_shorter(advice->indexes[i]->candidate);

		own = lappend_int(own, i);
		if (shorter != NULL)
		{
			int			n = pgd_advise_add_index(advice, shorter);

			make_real_enough(advice, n, statement->userid);
			if (advice->indexes[n]->index != NULL)
				own = list_append_unique_int(own, n);
		}
	}
	/* now that they are few, find out how big they are */
	foreach(lc, own)
	{
		PgdWhatIfRole role = {.userid = statement->userid};
		char	   *problem;

		(void) pgd_whatif_guarded(&role, refine,
								  advice->indexes[lfirst_int(lc)]->index,
								  &problem);
	}
	statement->costs = NIL;
	statement->own = own;
	statement->relevant = NULL;
	foreach(lc, own)
		statement->relevant = bms_add_member(statement->relevant,
											 lfirst_int(lc));
}
