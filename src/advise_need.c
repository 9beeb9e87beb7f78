/*-------------------------------------------------------------------------
 *
 * advise_need.c
 *		What a statement asks of a relation.
 *
 * The planner has done the work when it comes to choose paths for a relation:
 * conditions have been moved to where they belong, also into subqueries,
 * constants have been folded and passed on through equalities, and it is known
 * what has to be sorted.  So candidates are made of what the planner would
 * match indexes against, never of the text.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "access/transam.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/paths.h"
#include "optimizer/restrictinfo.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/selfuncs.h"

#include "advise_need.h"
#include "compat.h"

#define OR_ARMS_MAX		16		/* arms of an OR looked at */
#define CONDITIONS_MAX	64		/* conditions of a relation looked at */

static void add_restrictions(PlannerInfo *root, RelOptInfo *rel, Index rti,
							 PgdNeeds *needs, PgdNeed *need);
static void add_clause(PlannerInfo *root, Node *clause, Node *whole, Index rti,
					   int arm, PgdNeeds *needs, PgdNeed *need);
static void add_join_clauses(PlannerInfo *root, RelOptInfo *rel, Index rti,
							 PgdNeed *need);
static void add_equivalences(PlannerInfo *root, RelOptInfo *rel, Index rti,
							 PgdNeed *need);
static void add_order(PlannerInfo *root, RelOptInfo *rel, Index rti,
					  PgdNeed *need, List *pathkeys, PgdOrderKind kind);
static double ndistinct_of(PlannerInfo *root, Node *expr);
static bool is_partition(PlannerInfo *root, RelOptInfo *rel);

/*
 * Called by the planner for each relation: keep what it is asked for.
 */
void
pgd_advise_look(PlannerInfo *root, RelOptInfo *rel, Index rti,
				RangeTblEntry *rte, void *arg)
{
	PgdNeeds   *needs = arg;
	MemoryContext old;
	PgdNeed    *need;
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	if (rte->rtekind != RTE_RELATION || rte->relid < FirstNormalObjectId ||
		is_partition(root, rel))
		return;

	old = MemoryContextSwitchTo(needs->context);
	need = palloc0(sizeof(PgdNeed));
	need->relid = rte->relid;
	need->alias = pstrdup(rte->eref->aliasname);
	need->example = needs->example;

	add_restrictions(root, rel, rti, needs, need);
	add_join_clauses(root, rel, rti, need);
	add_equivalences(root, rel, rti, need);

	add_order(root, rel, rti, need, root->sort_pathkeys, PGD_ORDER_SORT);
	add_order(root, rel, rti, need, root->distinct_pathkeys,
			  PGD_ORDER_DISTINCT);
	add_order(root, rel, rti, need, root->group_pathkeys, PGD_ORDER_GROUP);
	add_order(root, rel, rti, need, root->window_pathkeys, PGD_ORDER_SORT);
	/* what MIN and MAX are turned into has no sort clause */
	if (root->sort_pathkeys == NIL && root->group_pathkeys == NIL &&
		root->distinct_pathkeys == NIL && root->window_pathkeys == NIL)
		add_order(root, rel, rti, need, root->query_pathkeys, PGD_ORDER_SORT);

	pull_varattnos((Node *) rel->reltarget->exprs, rti, &columns);
	foreach(lc, rel->baserestrictinfo)
		pull_varattnos((Node *) lfirst_node(RestrictInfo, lc)->clause, rti,
					   &columns);
	need->columns = columns;

	needs->needs = lappend(needs->needs, need);
	MemoryContextSwitchTo(old);
}

/*
 * A partition or child is asked for the same as its parent; an arm of a UNION
 * ALL is not, though it looks much the same to the planner.
 */
static bool
is_partition(PlannerInfo *root, RelOptInfo *rel)
{
	AppendRelInfo *info;

	if (rel->reloptkind != RELOPT_OTHER_MEMBER_REL ||
		root->append_rel_array == NULL)
		return rel->reloptkind != RELOPT_BASEREL;
	info = root->append_rel_array[rel->relid];
	return info == NULL || OidIsValid(info->parent_reloid);
}

static void
add_restrictions(PlannerInfo *root, RelOptInfo *rel, Index rti,
				 PgdNeeds *needs, PgdNeed *need)
{
	int			arm = 0;
	ListCell   *lc;

	foreach(lc, rel->baserestrictinfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		ListCell   *lc2;

		if (rinfo->pseudoconstant)
			continue;
		if (!is_orclause(rinfo->clause))
		{
			add_clause(root, (Node *) rinfo->clause, (Node *) rinfo->clause,
					   rti, 0, needs, need);
			continue;
		}
		if (list_length(((BoolExpr *) rinfo->clause)->args) > OR_ARMS_MAX)
			continue;
		foreach(lc2, ((BoolExpr *) rinfo->clause)->args)
		{
			ListCell   *lc3;

			arm++;
			foreach(lc3, make_ands_implicit((Expr *) lfirst(lc2)))
				add_clause(root, (Node *) lfirst(lc3), (Node *) rinfo->clause,
						   rti, arm, needs, need);
		}
	}
}

/*
 * Does a constant stand in the text?  The planner has put the values of
 * parameters into their places, and then they look alike.
 */
static bool
is_literal(const PgdNeeds *needs, const Const *value)
{
	return needs->all_literal || list_member(needs->literals, value);
}

static void
add_clause(PlannerInfo *root, Node *clause, Node *whole, Index rti, int arm,
		   PgdNeeds *needs, PgdNeed *need)
{
	PgdCondition *condition;

	if (list_length(need->conditions) >= CONDITIONS_MAX)
		return;
	condition = pgd_advise_condition(clause, rti);
	if (condition == NULL)
		return;
	condition->arm = arm;
	condition->clause = copyObject(clause);
	ChangeVarNodes(condition->clause, rti, 1, 0);
	condition->selectivity = clause_selectivity(root, clause, 0, JOIN_INNER,
												NULL);
	if (condition->kind == PGD_COND_EQUAL)
	{
		Node	   *expr = copyObject(condition->expr);

		ChangeVarNodes(expr, 1, rti, 0);
		condition->ndistinct = ndistinct_of(root, expr);
	}
	if (condition->value != NULL)
		condition->literal = is_literal(needs, condition->value);
	need->conditions = lappend(need->conditions, condition);
}

/*
 * Joins by other than plain equality.
 */
static void
add_join_clauses(PlannerInfo *root, RelOptInfo *rel, Index rti, PgdNeed *need)
{
	ListCell   *lc;

	foreach(lc, rel->joininfo)
	{
		RestrictInfo *rinfo = lfirst_node(RestrictInfo, lc);
		PgdCondition *condition;

		if (rinfo->orclause != NULL ||
			list_length(need->conditions) >= CONDITIONS_MAX)
			continue;
		condition = pgd_advise_condition((Node *) rinfo->clause, rti);
		if (condition == NULL || condition->kind == PGD_COND_OTHER)
			continue;
		condition->partners = bms_difference(rinfo->clause_relids,
											 rel->relids);
		if (condition->kind == PGD_COND_EQUAL)
		{
			Node	   *expr = copyObject(condition->expr);

			ChangeVarNodes(expr, 1, rti, 0);
			condition->ndistinct = ndistinct_of(root, expr);
			if (condition->ndistinct > 0)
				condition->selectivity = 1 / condition->ndistinct;
		}
		need->conditions = lappend(need->conditions, condition);
	}
}

/*
 * Joins by equality: any other relation's member of the same class may bring
 * the value.  With a constant in it, the class is a restriction already.
 */
static void
add_equivalences(PlannerInfo *root, RelOptInfo *rel, Index rti, PgdNeed *need)
{
	ListCell   *lc;

	foreach(lc, root->eq_classes)
	{
		EquivalenceClass *ec = lfirst_node(EquivalenceClass, lc);
		ListCell   *lc2;

		if (ec->ec_merged != NULL || ec->ec_has_const ||
			ec->ec_has_volatile || ec->ec_opfamilies == NIL ||
			!bms_overlap(ec->ec_relids, rel->relids) ||
			bms_is_subset(ec->ec_relids, rel->relids))
			continue;
		foreach(lc2, ec->ec_members)
		{
			EquivalenceMember *em = lfirst_node(EquivalenceMember, lc2);
			PgdCondition *condition;

			if (em->em_is_child || !bms_equal(em->em_relids, rel->relids) ||
				list_length(need->conditions) >= CONDITIONS_MAX)
				continue;
			condition = pgd_advise_join_key((Node *) em->em_expr,
											linitial_oid(ec->ec_opfamilies),
											ec->ec_collation, rti);
			if (condition == NULL)
				continue;
			condition->partners = bms_difference(ec->ec_relids, rel->relids);
			condition->ndistinct = ndistinct_of(root, (Node *) em->em_expr);
			if (condition->ndistinct > 0)
				condition->selectivity = 1 / condition->ndistinct;
			need->conditions = lappend(need->conditions, condition);
		}
	}
}

static bool
is_not_null(const PgdNeed *need, Node *expr)
{
	ListCell   *lc;

	foreach(lc, need->conditions)
	{
		PgdCondition *c = lfirst(lc);

		if (c->arm == 0 && c->kind == PGD_COND_NOT_NULL && equal(c->expr, expr))
			return true;
	}
	return false;
}

/*
 * As much of an order as this relation can bring, from its first key on.
 */
static void
add_order(PlannerInfo *root, RelOptInfo *rel, Index rti, PgdNeed *need,
		  List *pathkeys, PgdOrderKind kind)
{
	PgdOrder   *order;
	ListCell   *lc;

	if (pathkeys == NIL)
		return;
	order = palloc0(sizeof(PgdOrder));
	order->kind = kind;
	order->complete = true;
	order->limit = Max(root->limit_tuples, 0);
	foreach(lc, pathkeys)
	{
		PathKey    *pathkey = lfirst_node(PathKey, lc);
		PgdOrderKey *key = NULL;
		ListCell   *lc2;

		foreach(lc2, pathkey->pk_eclass->ec_members)
		{
			EquivalenceMember *em = lfirst_node(EquivalenceMember, lc2);

			if (em->em_is_child || !bms_equal(em->em_relids, rel->relids) ||
				contain_mutable_functions((Node *) em->em_expr))
				continue;
			key = palloc0(sizeof(PgdOrderKey));
			key->expr = pgd_advise_expression((Node *) em->em_expr, rti,
											  &key->attno);
			key->collation = pathkey->pk_eclass->ec_collation;
			key->descending = !pgd_pathkey_ascends(pathkey);
			key->nulls_first = pathkey->pk_nulls_first;
			/* as for MIN and MAX: then it is all the same where they are */
			if (is_not_null(need, key->expr))
				key->nulls_first = key->descending;
			if (key->attno == 0 && pgd_advise_obstacle(key->expr) != NULL &&
				!IsA(key->expr, OpExpr))
				key = NULL;
			break;
		}
		if (key == NULL)
		{
			order->complete = false;
			break;
		}
		order->keys = lappend(order->keys, key);
	}
	if (order->keys != NIL)
		need->orders = lappend(need->orders, order);
}

/*
 * Distinct values of an expression; 0 if nobody knows.
 */
static double
ndistinct_of(PlannerInfo *root, Node *expr)
{
	VariableStatData vardata;
	bool		isdefault;
	double		ndistinct;

	examine_variable(root, expr, 0, &vardata);
	ndistinct = get_variable_numdistinct(&vardata, &isdefault);
	ReleaseVariableStats(vardata);
	return isdefault ? 0 : ndistinct;
}
