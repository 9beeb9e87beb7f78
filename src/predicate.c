/*-------------------------------------------------------------------------
 *
 * predicate.c
 *		What became of the rows at the nodes of a plan, and what their columns
 *		were compared with.
 *
 * An execution that is to be looked at counts its rows, without a clock.  At
 * its end, the state of its plan is walked.  That is also done when it fails,
 * as those that are cancelled or time out are the worst: so nothing on that
 * way may throw, allocate or ask a catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "nodes/pathnodes.h"
#include "optimizer/clauses.h"
#include "parser/parsetree.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
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
#define FEW_ROWS		100
#define LOW_COST		5
#define SLOW			1000000

/* Where we are. */
typedef struct Walk
{
	QueryDesc  *query;
	bool		cut_short;
	int			nodes;
	int			depth;
	PgdEvidence *found;
} Walk;

/* What surrounds a node. */
typedef struct Around
{
	bool		complete;		/* it is run to its end */
	Index		parent;			/* of partitions: their table's, or 0 */
} Around;

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
	queryDesc->instrument_options |= INSTRUMENT_ROWS;
	return true;
}

/* ----------
 * Values
 * ----------
 */

uint64
pgd_predicate_hash(Oid type, int16 len, bool byval, Datum value)
{
	const unsigned char *data = (unsigned char *) &value;
	int			n = sizeof(Datum);

	if (!byval)
	{
		data = (unsigned char *) DatumGetPointer(value);
		if (len >= 0)
			n = len;
		else if (len == -2)
			n = strlen((const char *) data);
		else if (VARATT_IS_EXTERNAL(data) || VARATT_IS_COMPRESSED(data))
			return PGD_VALUE_UNKNOWN;
		else
		{
			n = VARSIZE_ANY_EXHDR(data);
			data = (unsigned char *) VARDATA_ANY(data);
		}
	}
	return hash_bytes_extended(data, n, type) | UINT64CONST(1) << 63;
}

/* The argument without what only renames its type. */
static const Node *
bare(const Node *node)
{
	while (node != NULL && IsA(node, RelabelType))
		node = (const Node *) ((const RelabelType *) node)->arg;
	return node;
}

/*
 * The hash of what a column is compared with; false if that is no value of
 * the whole execution.
 */
static bool
value_of(const Walk *walk, const Node *node, uint64 *hash)
{
	ParamListInfo params = walk->query->params;

	*hash = PGD_VALUE_UNKNOWN;
	if (IsA(node, Const))
	{
		const Const *constant = (const Const *) node;

		if (!constant->constisnull && pgd_track_constants)
			*hash = pgd_predicate_hash(constant->consttype, constant->constlen,
									   constant->constbyval,
									   constant->constvalue);
		return true;
	}
	if (IsA(node, Param) && ((const Param *) node)->paramkind == PARAM_EXTERN)
	{
		int			id = ((const Param *) node)->paramid;
		const ParamExternData *value;
		ParamExternData workspace;
		int16		len;
		bool		byval;

		/* PL/pgSQL and the catalogs are not to be asked after an error */
		if (walk->cut_short || params == NULL || id > params->numParams ||
			!pgd_track_constants)
			return true;
		value = params->paramFetch == NULL ? &params->params[id - 1] :
			params->paramFetch(params, id, true, &workspace);
		if (!OidIsValid(value->ptype) || value->isnull)
			return true;
		get_typlenbyval(value->ptype, &len, &byval);
		*hash = pgd_predicate_hash(value->ptype, len, byval, value->value);
		return true;
	}
	return false;
}

/* ----------
 * Conditions
 * ----------
 */

/* A scan whose conditions are looked at. */
typedef struct Scanned
{
	const Walk *walk;
	Oid			relid;
	const AppendRelInfo *partition; /* NULL: none */
	Relation	index;			/* conditions are on its columns; NULL: no */
} Scanned;

/*
 * The column of the table that a Var is, or of the partitioned table; 0 if it
 * is none.
 */
static AttrNumber
column_of(const Scanned *scan, const Var *var)
{
	AttrNumber	attno = var->varattno;

	if (!IsA(var, Var) || attno <= 0)
		return 0;
	if (var->varno == INDEX_VAR)
	{
		if (scan->index == NULL ||
			attno > scan->index->rd_index->indkey.dim1)
			return 0;
		attno = scan->index->rd_index->indkey.values[attno - 1];
	}
	if (attno > 0 && scan->partition != NULL)
		attno = attno <= scan->partition->num_child_cols ?
			scan->partition->parent_colnos[attno - 1] : 0;
	return Max(attno, 0);
}

static void
note_value(const Scanned *scan, AttrNumber attno, Oid opno, uint64 hash)
{
	PgdConstantEvidence *c = scan->walk->found->constants;

	if (attno == 0)
		return;
	for (int i = 0; i < PGD_EVIDENCE_CONSTANTS; i++, c++)
	{
		/* once per execution: partitions have the same conditions */
		if (c->relid == scan->relid && c->opno == opno && c->attno == attno)
			return;
		if (OidIsValid(c->relid))
			continue;
		c->relid = scan->relid;
		c->opno = opno;
		c->attno = attno;
		c->total = 1;
		c->values[0].hash = hash;
		c->values[0].count = (hash != PGD_VALUE_UNKNOWN);
		return;
	}
}

static void
look_at_comparison(const Scanned *scan, Oid opno, const List *args)
{
	const Node *left;
	const Node *right;
	uint64		hash;

	if (list_length(args) != 2)
		return;
	left = bare(linitial(args));
	right = bare(lsecond(args));
	if (IsA(left, Var) && value_of(scan->walk, right, &hash))
		note_value(scan, column_of(scan, (const Var *) left), opno, hash);
	else if (IsA(right, Var) && value_of(scan->walk, left, &hash) &&
			 !scan->walk->cut_short &&
			 OidIsValid(opno = get_commutator(opno)))
		note_value(scan, column_of(scan, (const Var *) right), opno, hash);
}

static void
look_at_boolean(const Scanned *scan, const Node *arg, bool value)
{
	arg = bare(arg);
	if (IsA(arg, Var) && ((const Var *) arg)->vartype == BOOLOID)
		note_value(scan, column_of(scan, (const Var *) arg),
				   BooleanEqualOperator,
				   pgd_predicate_hash(BOOLOID, 1, true, BoolGetDatum(value)));
}

static void
look_at_conditions(const Scanned *scan, const List *conditions)
{
	ListCell   *lc;

	foreach(lc, conditions)
	{
		const Node *node = lfirst(lc);

		switch (nodeTag(node))
		{
			case T_OpExpr:
				look_at_comparison(scan, ((const OpExpr *) node)->opno,
								   ((const OpExpr *) node)->args);
				break;
			case T_ScalarArrayOpExpr:
				if (((const ScalarArrayOpExpr *) node)->useOr)
					look_at_comparison(scan,
									   ((const ScalarArrayOpExpr *) node)->opno,
									   ((const ScalarArrayOpExpr *) node)->args);
				break;
			case T_NullTest:
				{
					const NullTest *test = (const NullTest *) node;
					const Node *arg = bare((const Node *) test->arg);

					if (IsA(arg, Var))
						note_value(scan, column_of(scan, (const Var *) arg),
								   InvalidOid,
								   test->nulltesttype == IS_NULL ?
								   PGD_VALUE_NULL : PGD_VALUE_NOT_NULL);
					break;
				}
			case T_BooleanTest:
				{
					const BooleanTest *test = (const BooleanTest *) node;

					if (test->booltesttype == IS_TRUE ||
						test->booltesttype == IS_FALSE)
						look_at_boolean(scan, (const Node *) test->arg,
										test->booltesttype == IS_TRUE);
					break;
				}
			case T_BoolExpr:
				{
					const BoolExpr *expr = (const BoolExpr *) node;

					if (expr->boolop == NOT_EXPR)
						look_at_boolean(scan, linitial(expr->args), false);
					break;
				}
			default:
				look_at_boolean(scan, node, true);
				break;
		}
	}
}

/*
 * Conditions in their original form, but for index-only scans, which only
 * know columns of the index.
 */
static void
look_at_scan(Scanned *scan, PlanState *ps)
{
	const Plan *plan = ps->plan;

	switch (nodeTag(plan))
	{
		case T_IndexScan:
			look_at_conditions(scan, ((const IndexScan *) plan)->indexqualorig);
			break;
		case T_IndexOnlyScan:
			scan->index = ((IndexOnlyScanState *) ps)->ioss_RelationDesc;
			look_at_conditions(scan, ((const IndexOnlyScan *) plan)->indexqual);
			break;
		case T_BitmapHeapScan:
			look_at_conditions(scan,
							   ((const BitmapHeapScan *) plan)->bitmapqualorig);
			break;
		default:
			break;
	}
	look_at_conditions(scan, plan->qual);
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
 * executor has not added up yet, counts too; what failed before its first row
 * does not even seem to have begun.
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

static void
note_node(Walk *walk, PlanState *ps, Around around)
{
	const PlannedStmt *stmt = walk->query->plannedstmt;
	const Instrumentation *instr = ps->instrument;
	double		estimate = ps->plan->plan_rows;
	Scanned		scan = {.walk = walk};
	PgdNodeEvidence node = {.kind = nodeTag(ps->plan), .executions = 1};
	bool		is_scan = false;

	node.loops = (uint64) node_loops(instr);
	node.rows = (uint64) node_rows(instr);
	node.discarded = (uint64) (instr->nfiltered1 + instr->nfiltered2);
	switch (nodeTag(ps->plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
			is_scan = true;
			break;
		case T_Sort:
		case T_IncrementalSort:
			if (!measure_sort(ps, &node, &estimate))
				return;
			break;
		case T_Agg:
		case T_Group:
		case T_Unique:
		case T_WindowAgg:
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			break;
		default:
			return;
	}
	if (node.loops == 0)
		return;
	if (is_scan && ((const Scan *) ps->plan)->scanrelid > 0)
	{
		Index		rti = ((const Scan *) ps->plan)->scanrelid;
		const RangeTblEntry *rte = scanned_table(stmt, rti, around,
												 &scan.partition);

		node.relid = rte->relid;
		if (rte->eref != NULL)
			node.alias = pgd_evidence_alias(rte->eref->aliasname);
		if (rte->relid == rt_fetch(rti, stmt->rtable)->relid)
			node.index = index_of(ps->plan);
		scan.relid = rte->relid;
		if (scan.partition != NULL || !OidIsValid(scan.relid) ||
			rte == rt_fetch(rti, stmt->rtable))
			look_at_scan(&scan, ps);
	}

	/* an expectation that nobody has put to the test is taken as met */
	node.estimated = estimate * node.loops;
	if (!around.complete && node.estimated > node.rows)
		node.estimated = node.rows;
	add_node(walk->found, &node, is_scan && around.parent != 0);
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
walk_subplans(Walk *walk, const List *subplans, bool complete)
{
	ListCell   *lc;

	/* of EXISTS and the like, one row is enough */
	foreach(lc, subplans)
	{
		const SubPlanState *subplan = lfirst(lc);
		SubLinkType type = subplan->subplan->subLinkType;

		walk_plan(walk, subplan->planstate,
				  (Around) {complete && (type == ARRAY_SUBLINK ||
										 subplan->subplan->useHashTable), 0});
	}
}

static void
walk_plan(Walk *walk, PlanState *ps, Around around)
{
	const PlannedStmt *stmt = walk->query->plannedstmt;
	const Plan *plan;
	Around		below = {around.complete, 0};

	if (ps == NULL || ++walk->nodes > WALK_NODES || walk->depth >= WALK_DEPTH)
		return;
	plan = ps->plan;
	walk->depth++;
	if (ps->instrument != NULL)
		note_node(walk, ps, around);
	walk_subplans(walk, ps->initPlan, around.complete);
	walk_subplans(walk, ps->subPlan, around.complete);
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
		default:
			/* a Sort on top of each partition, for example */
			below.parent = outerPlanState(ps) != NULL &&
				innerPlanState(ps) == NULL ? around.parent : 0;
			below.complete = completes(walk, plan, around.complete, true);
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
	found.last_seen = GetCurrentStatementStartTimestamp();
	walk_plan(&walk, queryDesc->planstate,
			  (Around) {!cut_short && !partial, 0});
	pgd_store_add_evidence(&found);
}
