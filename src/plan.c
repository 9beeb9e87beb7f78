/*-------------------------------------------------------------------------
 *
 * plan.c
 *		The shape of a plan.
 *
 * Two plans have the same shape if they do the same things to the same
 * relations with the same indexes: node types, join types, strategies,
 * relations and indexes, and nothing of costs, row estimates, expressions or
 * constants.  So a changed shape is what a DBA calls a changed plan.
 *
 * Computed for every execution: about two dozen instructions a node, where
 * starting a node costs the executor thousands.  A cache would need to know a
 * plan by its address, which the next plan may have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/pathnodes.h"
#include "parser/parsetree.h"

#include "plan.h"

/*
 * An Append over this many children is one over partitions, of which the
 * number and names come and go with the data: the first child stands for all,
 * and no relation is looked at below.
 */
#define MANY_CHILDREN	8

static uint64 shape_subplans(const PlannedStmt *stmt);
static uint64 shape_node(const PlannedStmt *stmt, const Plan *plan,
						 uint64 hash, int depth);
static uint64 shape_list(const PlannedStmt *stmt, const List *plans,
						 uint64 hash, int depth);

static inline uint64
mix(uint64 hash, uint64 value)
{
	hash = (hash ^ value) * UINT64CONST(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

static inline uint64
mix_relation(const PlannedStmt *stmt, Index rti, uint64 hash)
{
	/* without a statement below an Append over partitions */
	if (rti > 0 && stmt != NULL)
		hash = mix(hash, rt_fetch(rti, stmt->rtable)->relid);
	return hash;
}

static inline uint64
mix_index(const PlannedStmt *stmt, Oid index, uint64 hash)
{
	return stmt != NULL ? mix(hash, index) : hash;
}

/*
 * The shape of a plan.  If it should happen to be 0, as one in 2^64 is, its
 * executions are counted without one.
 */
uint64
pgd_plan_shape(const PlannedStmt *stmt)
{
	if (likely(stmt->subplans == NIL))
		return shape_node(stmt, stmt->planTree, stmt->commandType, 0);
	return shape_subplans(stmt);
}

static pg_noinline uint64
shape_subplans(const PlannedStmt *stmt)
{
	uint64		hash = shape_node(stmt, stmt->planTree, stmt->commandType, 0);
	ListCell   *lc;

	foreach(lc, stmt->subplans)
	{
		/* the planner leaves holes where it removed a subplan */
		if (lfirst(lc) != NULL)
			hash = shape_node(stmt, (const Plan *) lfirst(lc), hash, 0);
	}
	return hash;
}

/*
 * Nodes in the order of a walk, each with its depth, tell the whole tree.
 *
 * What a node does beyond its type: to which relation, with which index, by
 * which strategy; and the children that are not its left and right.
 */
static uint64
shape_node(const PlannedStmt *stmt, const Plan *plan, uint64 hash, int depth)
{
	hash = mix(hash, (uint64) nodeTag(plan) << 32 | depth << 1 |
			   plan->parallel_aware);
	depth++;

	switch (nodeTag(plan))
	{
		case T_IndexScan:
			hash = mix_index(stmt, ((const IndexScan *) plan)->indexid, hash);
			break;
		case T_IndexOnlyScan:
			hash = mix_index(stmt, ((const IndexOnlyScan *) plan)->indexid,
							 hash);
			break;
		case T_BitmapIndexScan:
			hash = mix_index(stmt, ((const BitmapIndexScan *) plan)->indexid,
							 hash);
			break;
		case T_CustomScan:
			hash = shape_list(stmt, ((const CustomScan *) plan)->custom_plans,
							  hash, depth);
			/* FALLTHROUGH */
		case T_SeqScan:
		case T_SampleScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_BitmapHeapScan:
		case T_ForeignScan:
			hash = mix_relation(stmt, ((const Scan *) plan)->scanrelid, hash);
			break;
		case T_SubqueryScan:
			hash = shape_node(stmt, ((const SubqueryScan *) plan)->subplan,
							  hash, depth);
			break;
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			hash = mix(hash, ((const Join *) plan)->jointype);
			break;
		case T_Agg:
			hash = mix(hash, ((const Agg *) plan)->aggstrategy << 16 |
					   ((const Agg *) plan)->aggsplit);
			break;
		case T_SetOp:
			hash = mix(hash, ((const SetOp *) plan)->cmd << 16 |
					   ((const SetOp *) plan)->strategy);
			break;
		case T_ModifyTable:
			hash = mix(hash, ((const ModifyTable *) plan)->operation);
			hash = mix_relation(stmt,
								((const ModifyTable *) plan)->nominalRelation,
								hash);
			break;
		case T_Append:
			hash = shape_list(stmt, ((const Append *) plan)->appendplans,
							  hash, depth);
			break;
		case T_MergeAppend:
			hash = shape_list(stmt, ((const MergeAppend *) plan)->mergeplans,
							  hash, depth);
			break;
		case T_BitmapAnd:
			hash = shape_list(stmt, ((const BitmapAnd *) plan)->bitmapplans,
							  hash, depth);
			break;
		case T_BitmapOr:
			hash = shape_list(stmt, ((const BitmapOr *) plan)->bitmapplans,
							  hash, depth);
			break;
		default:
			break;
	}

	if (plan->righttree != NULL)
		hash = shape_node(stmt, plan->righttree, hash, depth);
	if (plan->lefttree != NULL)
		return shape_node(stmt, plan->lefttree, hash, depth);
	return hash;
}

static uint64
shape_list(const PlannedStmt *stmt, const List *plans, uint64 hash, int depth)
{
	bool		many = list_length(plans) >= MANY_CHILDREN;
	ListCell   *lc;

	foreach(lc, plans)
	{
		hash = shape_node(many ? NULL : stmt, (const Plan *) lfirst(lc),
						  hash, depth);
		if (many)
			break;
	}
	return hash;
}
