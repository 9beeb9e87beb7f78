/*-------------------------------------------------------------------------
 *
 * whatif_check.c
 *		Does a query still fit its relations?
 *
 * A query that was analysed long ago is planned again.  Its relations may
 * have changed since, and the planner takes for granted that they have not:
 * whoever plans a cached query holds locks or was told.  So relations are
 * locked first, without waiting, and then compared with what the query takes
 * them for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "whatif.h"

/* The queries around an expression, the innermost first. */
typedef struct Level
{
	const Query *query;
	struct Level *outer;
} Level;

static bool check_query(Query *query, Level *outer);
static bool check_node(Node *node, Level *level);

static void
changed(Oid relid)
{
	const char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", relid)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("relation \"%s\" has changed since the statement was seen",
					name)));
}

/*
 * The lock is the weakest one, whatever the query does: nothing is executed,
 * and a standby grants no other.
 */
static void
lock_relation(RangeTblEntry *rte)
{
	if (!ConditionalLockRelationOid(rte->relid, AccessShareLock))
	{
		const char *name = get_rel_name(rte->relid);

		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("relation \"%s\" is locked",
						name != NULL ? name : "(dropped)")));
	}
	/* EXCLUDED of an upsert is its table under the name of its row type */
	if (get_rel_relkind(rte->relid) != rte->relkind &&
		rte->relkind != RELKIND_COMPOSITE_TYPE)
		changed(rte->relid);
	rte->rellockmode = AccessShareLock;
}

/* Is a column of a relation still of this type? */
static void
check_column(const RangeTblEntry *rte, AttrNumber attnum, Oid type)
{
	Oid			now;
	int32		typmod;
	Oid			collation;

	if (rte->rtekind != RTE_RELATION)
		return;
	if (attnum == InvalidAttrNumber)
	{
		if (get_rel_type_id(rte->relid) != type && type != RECORDOID)
			changed(rte->relid);
		return;
	}
	if (attnum < 0)
		return;					/* those of the system stay */
	now = get_atttype(rte->relid, attnum);
	if (!OidIsValid(now))
		changed(rte->relid);
	get_atttypetypmodcoll(rte->relid, attnum, &now, &typmod, &collation);
	if (now != type)
		changed(rte->relid);
}

static void
check_var(const Var *var, const Level *level)
{
	Index		up = var->varlevelsup;

	while (up-- > 0 && level != NULL)
		level = level->outer;
	if (level == NULL || IS_SPECIAL_VARNO(var->varno) ||
		var->varno > list_length(level->query->rtable) || var->varno < 1)
		ereport(ERROR,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("statement cannot be read")));
	check_column(rt_fetch(var->varno, level->query->rtable), var->varattno,
				 var->vartype);
}

/* What is assigned to columns of the target. */
static void
check_assignments(const Query *query)
{
	const RangeTblEntry *target;
	ListCell   *lc;

	if (query->resultRelation == 0 || (query->commandType != CMD_INSERT &&
									   query->commandType != CMD_UPDATE))
		return;
	target = rt_fetch(query->resultRelation, query->rtable);
	foreach(lc, query->targetList)
	{
		TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (!entry->resjunk)
			check_column(target, entry->resno,
						 exprType((Node *) entry->expr));
	}
}

static bool
check_node(Node *node, Level *level)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return check_query((Query *) node, level);
	if (IsA(node, Var))
		check_var((Var *) node, level);
	check_stack_depth();
	return expression_tree_walker(node, check_node, level);
}

static bool
check_query(Query *query, Level *outer)
{
	Level		level = {query, outer};
	ListCell   *lc;

	CHECK_FOR_INTERRUPTS();
	foreach(lc, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		if (rte->rtekind == RTE_RELATION)
			lock_relation(rte);
	}
	check_assignments(query);
	query->queryId = 0;			/* nobody counts its planning */
	return query_tree_walker(query, check_node, &level, 0);
}

/*
 * Lock the relations of a query and see that they are what it takes them for.
 * It is changed: to be planned for nothing but its plan.
 */
void
pgd_whatif_check(Query *query)
{
	if (query->commandType == CMD_UTILITY)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a utility statement has no plan")));
	(void) check_query(query, NULL);
}
