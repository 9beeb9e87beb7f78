/*-------------------------------------------------------------------------
 *
 * predicate.c
 *		What became of the rows at the nodes of a plan.
 *
 * An execution that is to be looked at counts its rows, without a clock.  The
 * executor's own way to count costs a tenth of a scan that does little else,
 * so ours stands between it and the nodes that are of interest.  At the end,
 * the state of the plan is walked.  That is also done when it fails,
 * as those that are cancelled or time out are the worst: so nothing on that
 * way may throw, allocate or ask a catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "parser/parsetree.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "evidence.h"
#include "guc.h"
#include "predicate.h"
#include "store.h"
#include "text.h"

#define LOOK_NODES		200		/* nodes of a plan that is judged */
#define WALK_NODES		5000	/* nodes of a plan that is walked */
#define WALK_DEPTH		100
#define STACK_NEEDED	(64 * 1024)	/* bytes, for that */
#define CHILDREN		64		/* partitions whose parents are looked for */

/*
 * A plan that finds less than so many rows by an index, or reads less than so
 * much of a table (in the planner's units: pages), leaves nothing to be saved;
 * unless it takes longer than a millisecond all the same.
 */
#define FEW_ROWS		500
#define LOW_COST		5
#define SLOW			1000000

/*
 * An option of instrumentation that the executor does not know: it gives the
 * nodes what we count in, and if there is another option besides, somebody
 * else wants to see rows or times.
 */
#define INSTRUMENT_OURS	(1 << 16)

/* What surrounds a node. */
typedef struct Around
{
	bool		complete;		/* it is run to its end, as far as one can tell */
	bool		parallel;		/* in several processes */
	bool		sorted;			/* by the node above it */
	Index		parent;			/* of partitions: their table's, or 0 */
} Around;

/* Where we are. */
typedef struct Walk
{
	void		(*visit) (struct Walk *walk, PlanState *ps, Around around);
	QueryDesc  *query;
	bool		cut_short;
	int			nodes;
	int			depth;
	PgdEvidence *found;
} Walk;

static void walk_plan(Walk *walk, PlanState *ps, Around around);

/* ----------
 * Is it worth the while?
 * ----------
 */

static bool
is_interesting_scan(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_SeqScan:
			return plan->total_cost >= LOW_COST;
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
			return plan->qual != NIL || plan->plan_rows >= FEW_ROWS;
		case T_SampleScan:
		case T_TidRangeScan:
		case T_ForeignScan:
		case T_CustomScan:
			return true;
		default:
			return false;
	}
}

static bool is_interesting(const Plan *plan, int *nodes);

static bool
is_any_interesting(const List *plans, int *nodes)
{
	ListCell   *lc;

	foreach(lc, plans)
	{
		if (is_interesting((const Plan *) lfirst(lc), nodes))
			return true;
	}
	return false;
}

/*
 * Only what reads tables counts: where few rows come from, little is done
 * above.
 */
static bool
is_interesting(const Plan *plan, int *nodes)
{
	if (plan == NULL)
		return false;
	if (++*nodes > LOOK_NODES || is_interesting_scan(plan))
		return true;
	switch (nodeTag(plan))
	{
		case T_SubqueryScan:
			return is_interesting(((const SubqueryScan *) plan)->subplan, nodes);
		case T_Append:
			return is_any_interesting(((const Append *) plan)->appendplans,
									  nodes);
		case T_MergeAppend:
			return is_any_interesting(((const MergeAppend *) plan)->mergeplans,
									  nodes);
		case T_BitmapHeapScan:
			return false;
		default:
			return is_interesting(plan->lefttree, nodes) ||
				is_interesting(plan->righttree, nodes);
	}
}

bool
pgd_predicate_begin(QueryDesc *queryDesc, uint64 mean_time)
{
	const PlannedStmt *stmt = queryDesc->plannedstmt;
	int			nodes = 0;

	if (mean_time < SLOW && !is_interesting(stmt->planTree, &nodes) &&
		!is_any_interesting(stmt->subplans, &nodes))
		return false;
	if (!pgd_evidence_may_take(GetCurrentStatementStartTimestamp()) ||
		pgd_text_is_own(queryDesc->sourceText, stmt->stmt_location,
						stmt->stmt_len))
		return false;
	queryDesc->instrument_options |= INSTRUMENT_OURS;
	return true;
}

/* ----------
 * Counting
 * ----------
 */

/*
 * In place of ExecProcNodeInstr(), in the same fields, so that a rescan adds
 * them up.  Without a clock nobody has a use for the time of the first row:
 * there stands whether the latest run came to its end, and in its sum how
 * many did.
 */
static TupleTableSlot *
count_row(PlanState *ps)
{
	Instrumentation *instr = ps->instrument;
	TupleTableSlot *slot;

	instr->running = true;
	slot = ps->ExecProcNodeReal(ps);
	if (likely(!TupIsNull(slot)))
		instr->tuplecount += 1;
	else
		instr->firsttuple = 1;
	return slot;
}

/* As ExecProcNodeFirst(), for which this stands in. */
static TupleTableSlot *
count_first(PlanState *ps)
{
	check_stack_depth();
	ps->ExecProcNode = count_row;
	return count_row(ps);
}

static TupleTableSlot *
count_nothing(PlanState *ps)
{
	check_stack_depth();
	ps->ExecProcNode = ps->ExecProcNodeReal;
	return ps->ExecProcNodeReal(ps);
}

static bool
is_scan(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
			return true;
		default:
			return false;
	}
}

static bool
is_of_interest(const PlanState *ps)
{
	switch (nodeTag(ps->plan))
	{
		case T_Sort:
		case T_IncrementalSort:
		case T_Agg:
		case T_Group:
		case T_Unique:
		case T_WindowAgg:
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			return true;
		default:
			return is_scan(ps->plan);
	}
}

static void
count_node(Walk *walk, PlanState *ps, Around around)
{
	if (ps->instrument != NULL)
		ps->ExecProcNode = is_of_interest(ps) || around.sorted ?
			count_first : count_nothing;
}

/*
 * After ExecutorStart.  If somebody else wants rows or times to be counted,
 * the executor does that.
 */
void
pgd_predicate_started(QueryDesc *queryDesc)
{
	Walk		walk = {.visit = count_node, .query = queryDesc};

	if (queryDesc->instrument_options == INSTRUMENT_OURS)
		walk_plan(&walk, queryDesc->planstate, (Around) {true});
}

/* ----------
 * Nodes
 * ----------
 */

/*
 * How a partition relates to its table; NULL if it is none.
 */
static const AppendRelInfo *
partition_info(const PlannedStmt *stmt, Index rti)
{
	const AppendRelInfo *info = NULL;
	ListCell   *lc;

	if (list_length(stmt->appendRelations) > CHILDREN)
		return NULL;
	foreach(lc, stmt->appendRelations)
	{
		const AppendRelInfo *candidate = lfirst_node(AppendRelInfo, lc);

		if (candidate->child_relid == rti &&
			OidIsValid(candidate->parent_reloid))
			info = candidate;
	}
	return info;
}

/*
 * The table that a scan is of, for which partitions stand in.  Of several
 * levels of partitions, the Append knows the topmost.
 */
static const RangeTblEntry *
scanned_table(const PlannedStmt *stmt, Index rti, Around around,
			  const AppendRelInfo **partition)
{
	*partition = partition_info(stmt, rti);
	if (around.parent != 0)
	{
		/* columns are known only if there is one level */
		if (*partition != NULL && (*partition)->parent_relid != around.parent)
			*partition = NULL;
		return rt_fetch(around.parent, stmt->rtable);
	}
	if (*partition != NULL)
		return rt_fetch((*partition)->parent_relid, stmt->rtable);
	return rt_fetch(rti, stmt->rtable);
}

static Oid
index_of(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			return ((const IndexScan *) plan)->indexid;
		case T_IndexOnlyScan:
			return ((const IndexOnlyScan *) plan)->indexid;
		case T_BitmapHeapScan:
			plan = plan->lefttree;
			return plan != NULL && IsA(plan, BitmapIndexScan) ?
				((const BitmapIndexScan *) plan)->indexid : InvalidOid;
		default:
			return InvalidOid;
	}
}

static void
add_node(PgdEvidence *found, const PgdNodeEvidence *node, bool is_partition)
{
	for (int i = 0; i < PGD_EVIDENCE_NODES; i++)
	{
		PgdNodeEvidence *n = &found->nodes[i];

		if (n->kind == 0)
		{
			*n = *node;
			return;
		}
		if (n->kind != node->kind || n->relid != node->relid ||
			n->index != node->index || n->alias != node->alias)
			continue;
		n->loops = is_partition ? Max(n->loops, node->loops) :
			n->loops + node->loops;
		n->rows += node->rows;
		n->discarded += node->discarded;
		n->estimated += node->estimated;
		return;
	}
}

/*
 * How often a node was run, and the rows out of it.  The latest run, which the
 * executor has not added up yet, counts too; if the executor counts, one that
 * failed before its first row does not even seem to have begun.
 */
static double
node_loops(const Instrumentation *instr)
{
	double		loops = instr->nloops + instr->running;

	if (loops == 0 && instr->nfiltered1 + instr->nfiltered2 > 0)
		loops = 1;
	return loops;
}

static double
node_rows(const Instrumentation *instr)
{
	return instr->ntuples + instr->tuplecount;
}

/* A Sort: what goes in is what it works on, and not all of it comes out. */
static bool
measure_sort(PlanState *ps, PgdNodeEvidence *node, double *estimate)
{
	const PlanState *child = outerPlanState(ps);
	double		out = node_rows(ps->instrument);
	double		in;

	if (child == NULL || child->instrument == NULL)
		return false;
	in = node_rows(child->instrument);
	node->loops = Max(node->loops, in > 0);
	node->rows = (uint64) in;
	node->discarded = (uint64) Max(in - out, 0);
	*estimate = child->plan->plan_rows;
	return true;
}

/*
 * Were all rows asked for, in each of its loops?  We know what we counted
 * ourselves.
 */
static bool
was_completed(const Walk *walk, const PlanState *ps, Around around)
{
	const Instrumentation *instr = ps->instrument;

	if (around.parallel ||
		walk->query->instrument_options != INSTRUMENT_OURS)
		return around.complete;
	return instr->startup + instr->firsttuple >= instr->nloops + instr->running;
}

static void
note_node(Walk *walk, PlanState *ps, Around around)
{
	const PlannedStmt *stmt = walk->query->plannedstmt;
	const Instrumentation *instr = ps->instrument;
	double		estimate = ps->plan->plan_rows;
	const AppendRelInfo *partition;
	PgdNodeEvidence node = {.kind = nodeTag(ps->plan), .executions = 1};
	bool		is_sort = IsA(ps->plan, Sort) || IsA(ps->plan, IncrementalSort);

	if (instr == NULL || !is_of_interest(ps))
		return;
	node.loops = (uint64) node_loops(instr);
	node.rows = (uint64) node_rows(instr);
	node.discarded = (uint64) (instr->nfiltered1 + instr->nfiltered2);
	if (is_sort && !measure_sort(ps, &node, &estimate))
		return;
	if (node.loops == 0)
		return;
	if (is_scan(ps->plan) && ((const Scan *) ps->plan)->scanrelid > 0)
	{
		Index		rti = ((const Scan *) ps->plan)->scanrelid;
		const RangeTblEntry *own = rt_fetch(rti, stmt->rtable);
		const RangeTblEntry *rte = scanned_table(stmt, rti, around, &partition);

		node.relid = rte->relid;
		if (rte->eref != NULL)
			node.alias = pgd_evidence_alias(rte->eref->aliasname);
		if (rte->relid == own->relid)
			node.index = index_of(ps->plan);
		if (OidIsValid(rte->relid) && (rte == own || partition != NULL))
			pgd_predicate_values(walk->found, walk->query, walk->cut_short, ps,
								 rte->relid, partition);
	}

	/* an expectation that nobody has put to the test is taken as met */
	node.estimated = estimate * node.loops;
	if (node.estimated > node.rows &&
		!was_completed(walk, is_sort ? outerPlanState(ps) : ps, around))
		node.estimated = node.rows;
	add_node(walk->found, &node, is_scan(ps->plan) && around.parent != 0);
}

/* ----------
 * The tree
 * ----------
 */

/* The one partitioned table, or parent of inheritance, of an Append. */
static Index
append_parent(const PlannedStmt *stmt, Bitmapset *apprelids)
{
	int			rti;

	if (!bms_get_singleton_member(apprelids, &rti) ||
		rt_fetch(rti, stmt->rtable)->rtekind != RTE_RELATION)
		return 0;
	return rti;
}

/*
 * Is the child on this side run to its end, if the node itself is?
 */
static bool
completes(const Walk *walk, const Plan *plan, bool complete, bool outer)
{
	if (walk->cut_short)
		return false;
	switch (nodeTag(plan))
	{
		case T_Limit:
			return false;
		case T_MergeJoin:
			return false;
		case T_NestLoop:
		case T_HashJoin:
			{
				const Join *join = (const Join *) plan;

				/* the hash is filled in any case, by its own node */
				if (outer || IsA(plan, HashJoin))
					return complete;
				return complete && !join->inner_unique &&
					join->jointype != JOIN_SEMI && join->jointype != JOIN_ANTI;
			}
		case T_Sort:
		case T_Hash:
			return true;
		case T_Agg:
			return complete || ((const Agg *) plan)->aggstrategy == AGG_HASHED ||
				((const Agg *) plan)->aggstrategy == AGG_PLAIN;
		default:
			return complete;
	}
}

static void
walk_array(Walk *walk, PlanState **children, int n, Around around)
{
	for (int i = 0; i < n; i++)
		walk_plan(walk, children[i], around);
}

static void
walk_subplans(Walk *walk, const List *subplans, Around around)
{
	ListCell   *lc;

	/* of EXISTS and the like, one row is enough */
	foreach(lc, subplans)
	{
		const SubPlanState *subplan = lfirst(lc);
		SubLinkType type = subplan->subplan->subLinkType;

		walk_plan(walk, subplan->planstate,
				  (Around) {.complete = around.complete &&
					  (type == ARRAY_SUBLINK || subplan->subplan->useHashTable),
					  .parallel = around.parallel});
	}
}

static void
walk_plan(Walk *walk, PlanState *ps, Around around)
{
	const PlannedStmt *stmt = walk->query->plannedstmt;
	const Plan *plan;
	Around		below = {
		.complete = around.complete,
		.parallel = around.parallel,
	};

	if (ps == NULL || ++walk->nodes > WALK_NODES || walk->depth >= WALK_DEPTH)
		return;
	plan = ps->plan;
	walk->depth++;
	walk->visit(walk, ps, around);
	walk_subplans(walk, ps->initPlan, around);
	walk_subplans(walk, ps->subPlan, around);
	switch (nodeTag(ps))
	{
		case T_AppendState:
			below.parent = append_parent(stmt,
										 ((const Append *) plan)->apprelids);
			walk_array(walk, ((AppendState *) ps)->appendplans,
					   ((AppendState *) ps)->as_nplans, below);
			break;
		case T_MergeAppendState:
			below.parent = append_parent(stmt,
										 ((const MergeAppend *) plan)->apprelids);
			walk_array(walk, ((MergeAppendState *) ps)->mergeplans,
					   ((MergeAppendState *) ps)->ms_nplans, below);
			break;
		case T_SubqueryScanState:
			walk_plan(walk, ((SubqueryScanState *) ps)->subplan, below);
			break;
		case T_CustomScanState:
			{
				ListCell   *lc;

				below.complete = false;
				foreach(lc, ((CustomScanState *) ps)->custom_ps)
					walk_plan(walk, lfirst(lc), below);
				break;
			}
		case T_GatherState:
		case T_GatherMergeState:
			below.parallel = true;
			walk_plan(walk, outerPlanState(ps), below);
			break;
		default:
			/* a Sort on top of each partition, for example */
			below.parent = outerPlanState(ps) != NULL &&
				innerPlanState(ps) == NULL ? around.parent : 0;
			below.complete = completes(walk, plan, around.complete, true);
			below.sorted = IsA(plan, Sort) || IsA(plan, IncrementalSort);
			walk_plan(walk, outerPlanState(ps), below);
			below.complete = completes(walk, plan, around.complete, false);
			walk_plan(walk, innerPlanState(ps), below);
			break;
	}
	walk->depth--;
}

/*
 * With an error in flight another one would be a disaster: is there enough
 * stack that nobody complains?
 */
static pg_noinline bool
has_stack(void)
{
	volatile char room[STACK_NEEDED];

	room[0] = 0;
	return !stack_is_too_deep() && room[0] == 0;
}

void
pgd_predicate_end(QueryDesc *queryDesc, const PgdKey *key, bool cut_short,
				  bool partial)
{
	static PgdEvidence found;
	Walk		walk = {
		.visit = note_node,
		.query = queryDesc,
		.cut_short = cut_short,
		.found = &found,
	};

	if (queryDesc->planstate == NULL || !has_stack())
		return;
	memset(&found, 0, sizeof(found));
	found.key = *key;
	found.executions = 1;
	found.cut_short = cut_short;
	found.cost = queryDesc->plannedstmt->planTree->total_cost;
	found.last_seen = GetCurrentStatementStartTimestamp();
	walk_plan(&walk, queryDesc->planstate,
			  (Around) {.complete = !cut_short && !partial});
	pgd_store_add_evidence(&found);
}
