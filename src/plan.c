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
 * Computed for every execution: about two dozen instructions a node.  A cache
 * would need to know a plan by its address, which the next plan may have.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "nodes/pathnodes.h"
#include "parser/parsetree.h"

#include "plan.h"

/* Deeper or larger plans are told apart by their first so many nodes. */
#define MAX_DEPTH		200
#define MAX_NODES		2000

/*
 * An Append over this many children is one over partitions, of which the
 * number and names come and go with the data: the first child stands for all,
 * and no relation is looked at below.
 */
#define MANY_CHILDREN	8

typedef struct ShapeState
{
	const PlannedStmt *stmt;
	uint64		hash;
	int			depth;
	int			nodes;
	int			anonymous;		/* > 0: leave relations and indexes out */
} ShapeState;

static void shape_node(ShapeState *state, const Plan *plan);
static void shape_list(ShapeState *state, const List *plans);
static void shape_details(ShapeState *state, const Plan *plan);

static inline void
mix(ShapeState *state, uint64 value)
{
	state->hash = (state->hash ^ value) * UINT64CONST(0x9E3779B97F4A7C15);
	state->hash ^= state->hash >> 32;
}

/*
 * The shape of a plan; never 0.
 */
uint64
pgd_plan_shape(const PlannedStmt *stmt)
{
	ShapeState	state = {.stmt = stmt, .hash = stmt->commandType};

	shape_node(&state, stmt->planTree);
	if (stmt->subplans != NIL)
		shape_list(&state, stmt->subplans);
	return state.hash != 0 ? state.hash : 1;
}

static void
shape_node(ShapeState *state, const Plan *plan)
{
	if (plan == NULL)
	{
		/* tells a left from a right child, and a removed subplan */
		mix(state, 1);
		return;
	}
	if (state->depth >= MAX_DEPTH || state->nodes >= MAX_NODES)
		return;

	state->depth++;
	state->nodes++;
	mix(state, (uint64) nodeTag(plan) << 1 | plan->parallel_aware);
	shape_details(state, plan);
	if (plan->lefttree != NULL || plan->righttree != NULL)
	{
		shape_node(state, plan->lefttree);
		if (plan->righttree != NULL)
			shape_node(state, plan->righttree);
	}
	mix(state, 2);				/* ends the node's children */
	state->depth--;
}

static void
shape_list(ShapeState *state, const List *plans)
{
	ListCell   *lc;
	bool		many = list_length(plans) >= MANY_CHILDREN;

	state->anonymous += many;
	foreach(lc, plans)
	{
		shape_node(state, (const Plan *) lfirst(lc));
		if (many)
			break;
	}
	state->anonymous -= many;
}

static inline void
mix_relation(ShapeState *state, Index rti)
{
	if (rti > 0 && state->anonymous == 0)
		mix(state, rt_fetch(rti, state->stmt->rtable)->relid);
}

static inline void
mix_index(ShapeState *state, Oid index)
{
	if (state->anonymous == 0)
		mix(state, index);
}

/*
 * What a node does beyond its type: to which relation, with which index, by
 * which strategy; and the children that are not its left and right.
 */
static void
shape_details(ShapeState *state, const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_BitmapHeapScan:
		case T_ForeignScan:
		case T_CustomScan:
			mix_relation(state, ((const Scan *) plan)->scanrelid);
			if (IsA(plan, CustomScan))
				shape_list(state, ((const CustomScan *) plan)->custom_plans);
			break;
		case T_IndexScan:
			mix_relation(state, ((const Scan *) plan)->scanrelid);
			mix_index(state, ((const IndexScan *) plan)->indexid);
			break;
		case T_IndexOnlyScan:
			mix_relation(state, ((const Scan *) plan)->scanrelid);
			mix_index(state, ((const IndexOnlyScan *) plan)->indexid);
			break;
		case T_BitmapIndexScan:
			mix_index(state, ((const BitmapIndexScan *) plan)->indexid);
			break;
		case T_SubqueryScan:
			shape_node(state, ((const SubqueryScan *) plan)->subplan);
			break;
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			mix(state, ((const Join *) plan)->jointype);
			break;
		case T_Agg:
			mix(state, ((const Agg *) plan)->aggstrategy);
			mix(state, ((const Agg *) plan)->aggsplit);
			break;
		case T_SetOp:
			mix(state, ((const SetOp *) plan)->cmd);
			mix(state, ((const SetOp *) plan)->strategy);
			break;
		case T_ModifyTable:
			mix(state, ((const ModifyTable *) plan)->operation);
			mix_relation(state, ((const ModifyTable *) plan)->nominalRelation);
			break;
		case T_Append:
			shape_list(state, ((const Append *) plan)->appendplans);
			break;
		case T_MergeAppend:
			shape_list(state, ((const MergeAppend *) plan)->mergeplans);
			break;
		case T_BitmapAnd:
			shape_list(state, ((const BitmapAnd *) plan)->bitmapplans);
			break;
		case T_BitmapOr:
			shape_list(state, ((const BitmapOr *) plan)->bitmapplans);
			break;
		default:
			break;
	}
}
