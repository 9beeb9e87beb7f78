/*-------------------------------------------------------------------------
 *
 * predicate_values.c
 *		What the columns of a scan were compared with, in one execution.
 *
 * Values are only told apart by their hashes, and never kept.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "nodes/execnodes.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#include "guc.h"
#include "predicate_values.h"

/* A scan whose conditions are looked at. */
typedef struct Scanned
{
	PgdEvidence *found;
	QueryDesc  *query;
	bool		cut_short;
	Oid			relid;
	const AppendRelInfo *partition; /* NULL: none */
	Relation	index;			/* conditions are on its columns; NULL: no */
} Scanned;

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
value_of(const Scanned *scan, const Node *node, uint64 *hash)
{
	ParamListInfo params = scan->query->params;

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
		if (scan->cut_short || params == NULL || id > params->numParams ||
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
	PgdConstantEvidence *c = scan->found->constants;

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
	if (IsA(left, Var) && value_of(scan, right, &hash))
		note_value(scan, column_of(scan, (const Var *) left), opno, hash);
	else if (IsA(right, Var) && value_of(scan, left, &hash) &&
			 !scan->cut_short &&
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
void
pgd_predicate_values(PgdEvidence *found, QueryDesc *query, bool cut_short,
					 PlanState *ps, Oid relid, const AppendRelInfo *partition)
{
	const Plan *plan = ps->plan;
	Scanned		scan = {
		.found = found,
		.query = query,
		.cut_short = cut_short,
		.relid = relid,
		.partition = partition,
	};

	switch (nodeTag(plan))
	{
		case T_IndexScan:
			look_at_conditions(&scan, ((const IndexScan *) plan)->indexqualorig);
			break;
		case T_IndexOnlyScan:
			scan.index = ((IndexOnlyScanState *) ps)->ioss_RelationDesc;
			look_at_conditions(&scan, ((const IndexOnlyScan *) plan)->indexqual);
			break;
		case T_BitmapHeapScan:
			look_at_conditions(&scan,
							   ((const BitmapHeapScan *) plan)->bitmapqualorig);
			break;
		default:
			break;
	}
	look_at_conditions(&scan, plan->qual);
}
