/*-------------------------------------------------------------------------
 *
 * traits.c
 *		What a statement does, as far as its plan tells.
 *
 * A plan is looked at when this session first runs it; later executions find
 * the result in a small cache by query identifier and shape of the plan.
 * Looking may ask the catalogs, so it is done where the executor does the same,
 * and an error there is one of the statement itself.
 *
 * A row is known by the equalities in the condition of the only scan: the hash
 * of (column, value).  Two statements that find a row by the same columns give
 * it the same hash.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "store.h"
#include "text.h"
#include "traits.h"

#define TEXT_HASHED		1024	/* bytes of a text that stand for its literals */
#define VALUE_HASHED	64		/* bytes of a value */

PgdTraits	pgd_traits_cache[1 << PGD_TRAITS_BITS];

typedef struct Walk
{
	const PlannedStmt *stmt;
	PgdTraits  *traits;
	const Plan *scan;			/* the only scan of a table */
	int			scans;
	Bitmapset  *conditions;		/* columns in conditions of that scan */
} Walk;

static void look_at(Walk *walk, const Plan *plan);
static void find_keys(Walk *walk);

#define mix pgd_traits_mix

static uint64
hash_memory(uint64 hash, const char *data, int len)
{
	uint64		word;

	hash = mix(hash, len);
	for (; len >= 8; data += 8, len -= 8)
	{
		memcpy(&word, data, 8);
		hash = mix(hash, word);
	}
	word = 0;
	memcpy(&word, data, len);
	return mix(hash, word);
}

/*
 * The fingerprint that the store has; or else of the text itself.
 */
uint64
pgd_traits_fingerprint(const PgdKey *key, const char *source, int location, int len)
{
	uint64		fingerprint = pgd_store_fingerprint(key);

	if (fingerprint == 0)
	{
		static PgdText text;

		pgd_text_mask(source, location, len, NULL, 64, &text);
		fingerprint = text.fingerprint;
	}
	return fingerprint != 0 ? fingerprint : key->queryid;
}

/* ----------
 * Optimizable statements
 * ----------
 */

static void
look_at_params(PgdTraits *traits, const ParamListInfo params)
{
	int			n = params != NULL ? Min(params->numParams, PGD_TRAIT_PARAMS) : 0;

	for (int i = 0; i < n; i++)
	{
		bool		byval = false;

		if (!OidIsValid(params->params[i].ptype))
			continue;
		traits->param_types[i] = params->params[i].ptype;
		get_typlenbyval(params->params[i].ptype, &traits->param_lens[i], &byval);
		if (byval)
			traits->param_byval |= 1 << i;
	}
}

static void
look_at_tables(PgdTraits *traits, const PlannedStmt *stmt)
{
	ListCell   *lc;
	int			rti = 0;

	foreach(lc, stmt->rtable)
	{
		const RangeTblEntry *rte = lfirst_node(RangeTblEntry, lc);

		rti++;
		if (rte->rtekind != RTE_RELATION ||
			(rte->relkind != RELKIND_RELATION &&
			 rte->relkind != RELKIND_PARTITIONED_TABLE &&
			 rte->relkind != RELKIND_MATVIEW &&
			 rte->relkind != RELKIND_FOREIGN_TABLE))
			continue;
		if (rte->relkind == RELKIND_FOREIGN_TABLE)
			traits->flags |= PGD_FOREIGN;
		if (list_member_int(stmt->resultRelations, rti))
		{
			if (traits->writes == 0)
				traits->relid = rte->relid;
			traits->writes |= pgd_table_bit(rte->relid);
		}
		else
		{
			traits->reads |= pgd_table_bit(rte->relid);
			if (!OidIsValid(traits->relid))
				traits->relid = rte->relid;
		}
	}
	foreach(lc, stmt->rowMarks)
	{
		const PlanRowMark *mark = lfirst_node(PlanRowMark, lc);

		if (mark->markType > ROW_MARK_KEYSHARE)
			continue;
		traits->flags |= PGD_LOCKS_ROWS;
		if (mark->waitPolicy != LockWaitBlock)
			traits->flags |= PGD_SKIPS_LOCKED;
	}
	if (stmt->hasReturning)
		traits->flags |= PGD_RETURNS;
	if (traits->reads != 0 && stmt->commandType == CMD_SELECT)
		traits->flags |= PGD_READS;
}

/* See PgdTraits. */
static void
set_simple(PgdTraits *traits)
{
	traits->simple = traits->nkeys == 1 && traits->keys[0].param == 1 &&
		(traits->param_byval & 1) != 0 &&
		(traits->flags & (PGD_UPDATES | PGD_DELETES | PGD_LOCKS_ROWS)) == 0;
}

/*
 * Look at a plan that is new to this session.
 */
const PgdTraits *
pgd_traits_learn(QueryDesc *queryDesc, const PgdKey *key, uint64 plan)
{
	const PlannedStmt *stmt = queryDesc->plannedstmt;
	PgdTraits  *traits = pgd_traits_place(key->queryid, plan);
	PgdTraits	new = {.plan = plan};
	Walk		walk = {.stmt = stmt, .traits = &new};
	ListCell   *lc;

	look_at_tables(&new, stmt);
	look_at_params(&new, queryDesc->params);
	look_at(&walk, stmt->planTree);
	foreach(lc, stmt->subplans)
	{
		if (lfirst(lc) != NULL)
			look_at(&walk, (const Plan *) lfirst(lc));
	}
	if (walk.scans == 1)
		find_keys(&walk);
	new.fingerprint = pgd_traits_fingerprint(key, queryDesc->sourceText,
									 stmt->stmt_location, stmt->stmt_len);
	new.queryid = key->queryid;
	set_simple(&new);
	*traits = new;
	return traits;
}

static bool
special_function(Oid funcid, void *context)
{
	PgdTraits  *traits = context;

	switch (funcid)
	{
		case F_PG_NOTIFY:
			traits->flags |= PGD_NOTIFIES;
			break;
		case F_PG_ADVISORY_LOCK_INT8:
		case F_PG_ADVISORY_LOCK_INT4_INT4:
		case F_PG_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_ADVISORY_LOCK_SHARED_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_INT8:
		case F_PG_TRY_ADVISORY_LOCK_INT4_INT4:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT8:
		case F_PG_TRY_ADVISORY_LOCK_SHARED_INT4_INT4:
			traits->flags |= PGD_ADVISORY | PGD_SESSION_LOCKS;
			break;
		case F_PG_ADVISORY_XACT_LOCK_INT8:
		case F_PG_ADVISORY_XACT_LOCK_INT4_INT4:
		case F_PG_ADVISORY_XACT_LOCK_SHARED_INT8:
		case F_PG_ADVISORY_XACT_LOCK_SHARED_INT4_INT4:
		case F_PG_TRY_ADVISORY_XACT_LOCK_INT8:
		case F_PG_TRY_ADVISORY_XACT_LOCK_INT4_INT4:
		case F_PG_TRY_ADVISORY_XACT_LOCK_SHARED_INT8:
		case F_PG_TRY_ADVISORY_XACT_LOCK_SHARED_INT4_INT4:
			traits->flags |= PGD_ADVISORY;
			break;
		default:
			break;
	}
	return false;
}

static bool
look_at_functions(Node *node, void *context)
{
	if (node == NULL)
		return false;
	(void) check_functions_in_node(node, special_function, context);
	return expression_tree_walker(node, look_at_functions, context);
}

static void
look_at_expressions(Walk *walk, const List *list)
{
	PgdTraits  *traits = walk->traits;
	Node	   *node = (Node *) unconstify(List *, list);

	if (list == NIL)
		return;
	if ((traits->flags & PGD_TIME_DEPENDENT) == 0 &&
		contain_mutable_functions(node))
		traits->flags |= PGD_TIME_DEPENDENT;
	if ((traits->flags & PGD_VOLATILE) == 0 &&
		contain_volatile_functions(node))
	{
		traits->flags |= PGD_VOLATILE;
		(void) look_at_functions(node, traits);
	}
}

/*
 * The condition of a scan in its original form, or NIL.
 */
static List *
scan_condition(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			return ((const IndexScan *) plan)->indexqualorig;
		case T_IndexOnlyScan:
			return ((const IndexOnlyScan *) plan)->recheckqual;
		case T_BitmapHeapScan:
			return ((const BitmapHeapScan *) plan)->bitmapqualorig;
		case T_SeqScan:
			return plan->qual;
		default:
			return NIL;
	}
}

/* Does an expression stand for a value, not for something in a row? */
static bool
is_value(const Node *node)
{
	while (IsA(node, RelabelType))
		node = (const Node *) ((const RelabelType *) node)->arg;
	return IsA(node, Const) ||
		(IsA(node, Param) && ((const Param *) node)->paramkind == PARAM_EXTERN);
}

/*
 * UPDATE: are there columns set to values, and is one of the columns in the
 * condition?
 */
static void
look_at_update(Walk *walk, const ModifyTable *modify)
{
	const Plan *source = modify->plan.lefttree;
	List	   *colnos;
	ListCell   *lc;
	int			n = 0;

	if (modify->updateColnosLists == NIL || source == NULL)
		return;
	colnos = linitial(modify->updateColnosLists);
	foreach(lc, source->targetlist)
	{
		const TargetEntry *entry = lfirst_node(TargetEntry, lc);

		if (n >= list_length(colnos))
			break;
		if (is_value((Node *) entry->expr))
			walk->traits->flags |= PGD_SETS_VALUE;
		if (bms_is_member(list_nth_int(colnos, n) -
						  FirstLowInvalidHeapAttributeNumber,
						  walk->conditions))
			walk->traits->flags |= PGD_GUARDED;
		n++;
	}
}

static void
look_at_list(Walk *walk, const List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		look_at(walk, (const Plan *) lfirst(lc));
}

static void
look_at_scan(Walk *walk, const Plan *plan)
{
	Index		rti = ((const Scan *) plan)->scanrelid;

	walk->scans++;
	walk->scan = plan;
	pull_varattnos((Node *) scan_condition(plan), rti, &walk->conditions);
	pull_varattnos((Node *) plan->qual, rti, &walk->conditions);
	look_at_expressions(walk, scan_condition(plan));
}

static void
look_at_modify(Walk *walk, const ModifyTable *modify)
{
	switch (modify->operation)
	{
		case CMD_INSERT:
			walk->traits->flags |= PGD_INSERTS;
			break;
		case CMD_UPDATE:
			walk->traits->flags |= PGD_UPDATES;
			look_at_update(walk, modify);
			break;
		case CMD_DELETE:
			walk->traits->flags |= PGD_DELETES;
			break;
		default:
			walk->traits->flags |= PGD_WRITES;
			break;
	}
	if (modify->onConflictAction != ONCONFLICT_NONE)
		walk->traits->flags |= PGD_ON_CONFLICT;
}

static void
look_at(Walk *walk, const Plan *plan)
{
	if (plan == NULL)
		return;
	look_at_expressions(walk, plan->targetlist);
	look_at_expressions(walk, plan->qual);
	look_at(walk, plan->lefttree);
	look_at(walk, plan->righttree);

	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
			look_at_scan(walk, plan);
			break;
		case T_SampleScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
			walk->scans += 2;	/* not a row by its key */
			break;
		case T_FunctionScan:
			look_at_expressions(walk, ((const FunctionScan *) plan)->functions);
			break;
		case T_ValuesScan:
			look_at_expressions(walk, ((const ValuesScan *) plan)->values_lists);
			break;
		case T_SubqueryScan:
			look_at(walk, ((const SubqueryScan *) plan)->subplan);
			break;
		case T_CustomScan:
			look_at_list(walk, ((const CustomScan *) plan)->custom_plans);
			break;
		case T_Append:
			look_at_list(walk, ((const Append *) plan)->appendplans);
			break;
		case T_MergeAppend:
			look_at_list(walk, ((const MergeAppend *) plan)->mergeplans);
			break;
		case T_Limit:
			walk->traits->flags |= PGD_LIMITED;
			break;
		case T_Agg:
			walk->traits->flags |= PGD_AGGREGATES;
			break;
		case T_ModifyTable:
			look_at_modify(walk, (const ModifyTable *) plan);
			break;
		default:
			break;
	}
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
 * Which conditions of the only scan find its rows by equality?
 */
static void
find_keys(Walk *walk)
{
	PgdTraits  *traits = walk->traits;
	ListCell   *lc;
	int			n = -1;

	foreach(lc, scan_condition(walk->scan))
	{
		const OpExpr *op = (const OpExpr *) lfirst(lc);
		const Node *args[2];
		char	   *name;

		n++;
		if (!IsA(op, OpExpr) || list_length(op->args) != 2 ||
			traits->nkeys == PGD_TRAIT_KEYS)
			continue;
		args[0] = bare(linitial(op->args));
		args[1] = bare(lsecond(op->args));
		for (int side = 0; side < 2; side++)
		{
			const Var  *var = (const Var *) args[1 - side];
			PgdRowKey  *key = &traits->keys[traits->nkeys];

			if (!IsA(var, Var) || var->varattno <= 0 || !is_value(args[side]) ||
				(IsA(args[side], Param) &&
				 ((const Param *) args[side])->paramid > PGD_TRAIT_PARAMS))
				continue;
			name = get_opname(op->opno);
			if (name != NULL && strcmp(name, "=") == 0)
			{
				key->attno = var->varattno;
				key->param = IsA(args[side], Param) ?
					((const Param *) args[side])->paramid : 0;
				key->qual = n;
				key->side = side;
				traits->last_param = Max(traits->last_param, key->param);
				traits->nkeys++;
			}
			break;
		}
	}
	if (traits->nkeys > 0)
		traits->flags |= PGD_KEYED;
}

/* ----------
 * One execution
 * ----------
 */

static uint64
hash_reference(Datum value, int len)
{
	if (len == -1)
	{
		struct varlena *data = (struct varlena *) DatumGetPointer(value);

		/* out of line or compressed: the pointer or the bytes stand for it */
		if (VARATT_IS_EXTENDED(data) && !VARATT_IS_SHORT(data))
			return hash_memory(1, (const char *) data,
							   Min(VARSIZE_ANY(data), VALUE_HASHED));
		return hash_memory(1, VARDATA_ANY(data),
						   Min(VARSIZE_ANY_EXHDR(data), VALUE_HASHED));
	}
	if (len == -2)
		return hash_memory(1, DatumGetCString(value),
						   strnlen(DatumGetCString(value), VALUE_HASHED));
	return hash_memory(1, DatumGetPointer(value), Min(len, VALUE_HASHED));
}

/* Never 0, which stands for NULL. */
static uint64
hash_value(Datum value, bool byval, int len)
{
	if (byval)
		return pgd_traits_number_hash(value);
	return hash_reference(value, len) | UINT64CONST(1) << 63;
}

/*
 * One hash for all that varies from execution to execution: the literals in
 * the text, which mostly stand at its end.
 */
uint64
pgd_traits_text(const PgdTraits *traits, const char *text, int len)
{
	if (len > TEXT_HASHED)
	{
		text += len - TEXT_HASHED;
		len = TEXT_HASHED;
	}
	return hash_memory(traits->fingerprint, text, len);
}

/*
 * The hash of a parameter that is not simply a number.
 */
uint64
pgd_traits_value(const PgdTraits *traits, const ParamListInfo params, int i)
{
	const ParamExternData *p = &params->params[i];

	if (p->isnull || p->ptype != traits->param_types[i])
		return 0;
	return hash_value(p->value, (traits->param_byval >> i) & 1,
					  traits->param_lens[i]);
}

/*
 * Find the scan of a plan that has only one.
 */
static const Plan *
only_scan(const Plan *plan)
{
	while (plan != NULL && scan_condition(plan) == NIL)
	{
		if (IsA(plan, SubqueryScan))
			plan = ((const SubqueryScan *) plan)->subplan;
		else
			plan = plan->lefttree;
	}
	return plan;
}

static const Node *
key_node(const PgdRowKey *key, const QueryDesc *queryDesc)
{
	const Plan *scan = only_scan(queryDesc->plannedstmt->planTree);
	const OpExpr *op;

	if (scan == NULL || list_length(scan_condition(scan)) <= key->qual)
		return NULL;
	op = list_nth(scan_condition(scan), key->qual);
	if (!IsA(op, OpExpr) || list_length(op->args) != 2)
		return NULL;
	return bare(list_nth(op->args, key->side));
}

static const Const *
key_constant(const PgdRowKey *key, const QueryDesc *queryDesc)
{
	const Const *constant = (const Const *) key_node(key, queryDesc);

	if (constant != NULL && IsA(constant, Const) && !constant->constisnull)
		return constant;
	return NULL;
}

/*
 * The hash of a literal by which a row is found; 0 if there is none.  Where a
 * custom plan has a literal, a generic one has the parameter: from then on we
 * look there, as custom plans come with parameters, too.
 */
uint64
pgd_traits_constant(const PgdTraits *traits, const PgdRowKey *key,
					const QueryDesc *queryDesc, const uint64 *values)
{
	const Node *node = key_node(key, queryDesc);
	const Const *constant;

	if (node != NULL && IsA(node, Param) && queryDesc->params != NULL &&
		((const Param *) node)->paramid <= Min(queryDesc->params->numParams,
											   PGD_TRAIT_PARAMS))
	{
		PgdTraits  *changed = unconstify(PgdTraits *, traits);
		PgdRowKey  *k = unconstify(PgdRowKey *, key);

		k->param = ((const Param *) node)->paramid;
		changed->last_param = Max(changed->last_param, k->param);
		set_simple(changed);
		return values[k->param - 1];
	}
	constant = key_constant(key, queryDesc);

	if (constant == NULL)
		return 0;
	return hash_value(constant->constvalue, constant->constbyval,
					  constant->constlen);
}

/*
 * The key of a row, if it is one integer and so has an order; otherwise
 * PG_INT64_MIN.
 */
int64
pgd_traits_number(const PgdTraits *traits, const QueryDesc *queryDesc)
{
	const PgdRowKey *key = &traits->keys[0];
	Oid			type;
	Datum		value;

	if (traits->nkeys != 1)
		return PG_INT64_MIN;
	if (key->param > 0)
	{
		const ParamListInfo params = queryDesc->params;

		if (params == NULL || key->param > params->numParams ||
			params->paramFetch != NULL || params->params[key->param - 1].isnull)
			return PG_INT64_MIN;
		type = params->params[key->param - 1].ptype;
		value = params->params[key->param - 1].value;
	}
	else
	{
		const Const *constant = key_constant(key, queryDesc);

		if (constant == NULL)
			return PG_INT64_MIN;
		type = constant->consttype;
		value = constant->constvalue;
	}
	switch (type)
	{
		case INT2OID:
			return DatumGetInt16(value);
		case INT4OID:
			return DatumGetInt32(value);
		case INT8OID:
			return DatumGetInt64(value);
		default:
			return PG_INT64_MIN;
	}
}
