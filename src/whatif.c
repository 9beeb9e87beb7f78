/*-------------------------------------------------------------------------
 *
 * whatif.c
 *		What would the planner do if these indexes existed, or did not?
 *
 * While a query is planned for us, the hooks of hooks_planner.c ask here for
 * each relation which indexes it has, and the planner's own cost functions do
 * the rest.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/partition.h"
#include "commands/explain.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "compat.h"
#include "whatif.h"

const PgdWhatIfPlanning *pgd_whatif_planning = NULL;

static const int no_depth = 0;
const int  *pgd_whatif_depth = &no_depth;

PlannedStmt *
pgd_whatif_plan(const PgdWhatIf *wi, const Query *query, ParamListInfo params,
				int cursor_options)
{
	const PgdWhatIfPlanning *const outer = pgd_whatif_planning;
	Query	   *copy = copyObject(unconstify(Query *, query));
	PgdWhatIfPlanning planning = {wi, *pgd_whatif_depth + 1};
	PlannedStmt *result;

	pgd_whatif_check(copy);
	PG_TRY();
	{
		pgd_whatif_planning = &planning;
		pgd_whatif_check_deadline();
		result = planner(copy, "", cursor_options, params);
		/* costs tell something of tables: as to EXPLAIN, to nobody else */
		pgd_check_permissions(result);
	}
	PG_FINALLY();
	{
		pgd_whatif_planning = outer;
	}
	PG_END_TRY();
	return result;
}

/* ----------
 * What the planner asks
 * ----------
 */

void
pgd_whatif_check_deadline(void)
{
	const uint64 deadline = pgd_whatif_planning->wi->deadline;

	CHECK_FOR_INTERRUPTS();
	if (deadline != 0 && pgd_clock() > deadline)
		ereport(ERROR,
				(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				 errmsg("planning takes too long")));
}

/* An index of a partition goes with the one it is a part of. */
static bool
is_hidden(Oid index, const List *hidden)
{
	if (list_member_oid(hidden, index))
		return true;
	if (get_rel_relispartition(index))
	{
		ListCell   *lc;

		foreach(lc, get_partition_ancestors(index))
		{
			if (list_member_oid(hidden, lfirst_oid(lc)))
				return true;
		}
	}
	return false;
}

static void
hide(RelOptInfo *rel, const List *hidden)
{
	ListCell   *lc;

	foreach(lc, rel->indexlist)
	{
		if (is_hidden(((IndexOptInfo *) lfirst(lc))->indexoid, hidden))
			rel->indexlist = foreach_delete_current(rel->indexlist, lc);
	}
}

/*
 * The indexes of a relation.  The last one comes first, as if it had just
 * been made: where two are equally good the planner takes the younger one.
 */
void
pgd_whatif_relation(PlannerInfo *root, Oid relid, bool inhparent,
					RelOptInfo *rel)
{
	const PgdWhatIf *const wi = pgd_whatif_planning->wi;
	ListCell   *lc;

	pgd_whatif_check_deadline();
	if (wi->hidden != NIL)
		hide(rel, wi->hidden);
	if (inhparent)
		return;
	foreach(lc, wi->indexes)
	{
		const PgdHypothetical *h = lfirst(lc);
		const PgdHypotheticalLeaf *leaf = pgd_whatif_leaf(h, relid);
		Relation	relation;
		IndexOptInfo *info;

		if (leaf == NULL)
			continue;
		relation = table_open(relid, NoLock);	/* the planner has it */
		info = pgd_whatif_info(h, leaf, root, rel, relation);
		table_close(relation, NoLock);
		if (info != NULL)
			rel->indexlist = lcons(info, rel->indexlist);
	}
}

void
pgd_whatif_paths(PlannerInfo *root, RelOptInfo *rel, Index rti,
				 RangeTblEntry *rte)
{
	const PgdWhatIf *const wi = pgd_whatif_planning->wi;

	pgd_whatif_check_deadline();
	if (wi->look != NULL)
		wi->look(root, rel, rti, rte, wi->arg);
}

/* ----------
 * What came out
 * ----------
 */

static List *plan_indexes(Plan *plan, List *oids);

static List *
plans_indexes(List *plans, List *oids)
{
	ListCell   *lc;

	foreach(lc, plans)
		oids = plan_indexes(lfirst(lc), oids);
	return oids;
}

/* OIDs of the indexes that a plan reads, added to others. */
static List *
plan_indexes(Plan *plan, List *oids)
{
	if (plan == NULL)
		return oids;
	check_stack_depth();
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			oids = list_append_unique_oid(oids, ((IndexScan *) plan)->indexid);
			break;
		case T_IndexOnlyScan:
			oids = list_append_unique_oid(oids,
										  ((IndexOnlyScan *) plan)->indexid);
			break;
		case T_BitmapIndexScan:
			oids = list_append_unique_oid(oids,
										  ((BitmapIndexScan *) plan)->indexid);
			break;
		case T_Append:
			oids = plans_indexes(((Append *) plan)->appendplans, oids);
			break;
		case T_MergeAppend:
			oids = plans_indexes(((MergeAppend *) plan)->mergeplans, oids);
			break;
		case T_BitmapAnd:
			oids = plans_indexes(((BitmapAnd *) plan)->bitmapplans, oids);
			break;
		case T_BitmapOr:
			oids = plans_indexes(((BitmapOr *) plan)->bitmapplans, oids);
			break;
		case T_SubqueryScan:
			oids = plan_indexes(((SubqueryScan *) plan)->subplan, oids);
			break;
		case T_CustomScan:
			oids = plans_indexes(((CustomScan *) plan)->custom_plans, oids);
			break;
		default:
			break;
	}
	return plan_indexes(plan->righttree, plan_indexes(plan->lefttree, oids));
}

List *
pgd_whatif_used(const PlannedStmt *stmt, List *indexes)
{
	List	   *oids = plans_indexes(stmt->subplans,
									 plan_indexes(stmt->planTree, NIL));
	List	   *used = NIL;
	ListCell   *lc;

	foreach(lc, indexes)
	{
		if (list_member_oid(oids, ((PgdHypothetical *) lfirst(lc))->oid))
			used = lappend(used, lfirst(lc));
	}
	return used;
}

/* NULL: not one of ours */
const char *
pgd_whatif_index_name(Oid oid)
{
	ListCell   *lc;

	foreach(lc, pgd_whatif_planning->wi->indexes)
	{
		const PgdHypothetical *h = lfirst(lc);

		if (h->oid == oid)
			return h->name;
	}
	return NULL;
}

char *
pgd_whatif_explain(const PgdWhatIf *wi, PlannedStmt *plan,
				   ParamListInfo params)
{
	const PgdWhatIfPlanning *const outer = pgd_whatif_planning;
	const PgdWhatIfPlanning planning = {wi, -1};
	ExplainState *es = NewExplainState();

	es->costs = true;
	ExplainBeginOutput(es);
	PG_TRY();
	{
		pgd_whatif_planning = &planning;
		pgd_explain_plan(plan, es, "", params);
	}
	PG_FINALLY();
	{
		pgd_whatif_planning = outer;
	}
	PG_END_TRY();
	ExplainEndOutput(es);
	return es->str->data;
}
