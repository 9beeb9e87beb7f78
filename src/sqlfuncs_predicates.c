/*-------------------------------------------------------------------------
 *
 * sqlfuncs_predicates.c
 *		SQL-callable functions: what statements ask of tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

#include "advise.h"
#include "rows.h"
#include "window.h"

/* What a column can be made of. */
typedef struct PredicateRow
{
	PgdKey		key;
	Oid			relid;
	struct varlena *relation;
	struct varlena *alias;
	struct varlena *kind;
	struct varlena *expression;
	struct varlena *operator;
	struct varlena *condition;
	void	   *columns;
	uint32		matchable;
	struct varlena *obstacle;
	uint64		executions;
	uint64		cut_short;
	uint64		loops;
	uint64		rows_out;
	uint64		rows_discarded;
	double		estimated_rows;
	int32		distinct_values;
	double		top_value_share;
} PredicateRow;

#define P(field)	offsetof(PredicateRow, field)

static const Column predicate_columns[] = {
	{"userid", COL_OID, P(key.userid)},
	{"dbid", COL_OID, P(key.dbid)},
	{"toplevel", COL_BOOL, P(key.toplevel)},
	{"queryid", COL_ID, P(key.queryid)},
	{"relid", COL_OID, P(relid)},
	{"relation", COL_TEXT, P(relation)},
	{"alias", COL_TEXT, P(alias)},
	{"kind", COL_TEXT, P(kind)},
	{"expression", COL_TEXT, P(expression)},
	{"operator", COL_TEXT, P(operator)},
	{"condition", COL_TEXT, P(condition)},
	{"columns", COL_POINTER, P(columns)},
	{"matchable", COL_BOOL, P(matchable)},
	{"obstacle", COL_TEXT, P(obstacle)},
	{"executions", COL_COUNT, P(executions)},
	{"cut_short", COL_COUNT, P(cut_short)},
	{"loops", COL_COUNT, P(loops)},
	{"rows_out", COL_COUNT, P(rows_out)},
	{"rows_discarded", COL_COUNT, P(rows_discarded)},
	{"estimated_rows", COL_NUMBER, P(estimated_rows)},
	{"distinct_values", COL_INT, P(distinct_values)},
	{"top_value_share", COL_NUMBER, P(top_value_share)},
	{NULL}
};

/* All about one need, on its way to rows. */
typedef struct Telling
{
	RowSink    *sink;
	PgdAdvised *statement;
	PgdNeed    *need;
	PgdTable   *table;
	PredicateRow row;			/* what is the same for all of it */
} Telling;

static void tell_need(void *arg);
static void tell_condition(Telling *telling, const PgdCondition *c);
static void tell_order(Telling *telling, const PgdOrder *order);
static void tell_offset(RowSink *sink, PgdAdvised *statement);
static void set_measured(PredicateRow *row, const PgdEvidence *evidence,
						 const PgdNeed *need);

PG_FUNCTION_INFO_V1(pgd_predicates);

/*
 * predicates(w window)
 */
Datum
pgd_predicates(PG_FUNCTION_ARGS)
{
	PgdWindow	window;
	PgdAdvice	advice = {0};
	RowSink		sink;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, predicate_columns);
	pgd_advise_gather(&advice, &window, sink.userid, sink.reads_all);
	pgd_advise_look_at_all(&advice);
	for (int i = 0; i < advice.nstatements; i++)
	{
		PgdAdvised *statement = advice.statements[i];
		PgdWhatIfRole role = {0};
		ListCell   *lc;

		role.userid = sink.userid;
		role.settings = "search_path\0pg_catalog, pg_temp\0";
		foreach(lc, statement->needs)
		{
			Telling		telling = {0};
			char	   *problem;

			telling.sink = &sink;
			telling.statement = statement;
			telling.need = lfirst(lc);
			telling.table = pgd_advise_find_table(&advice,
												  telling.need->relid);
			/* of several examples, the first tells */
			if (telling.table != NULL && telling.need->example == 0)
				(void) pgd_whatif_guarded(&role, tell_need, &telling,
										  &problem);
		}
		tell_offset(&sink, statement);
	}
	return (Datum) 0;
}

static void
tell_need(void *arg)
{
	Telling    *telling = arg;
	PredicateRow *row = &telling->row;
	ListCell   *lc;

	row->key = telling->statement->evidence.key;
	row->relid = telling->need->relid;
	row->relation = cstring_to_text(telling->table->name);
	row->alias = cstring_to_text(telling->need->alias);
	set_measured(row, &telling->statement->evidence, telling->need);
	foreach(lc, telling->need->conditions)
		tell_condition(telling, lfirst(lc));
	foreach(lc, telling->need->orders)
		tell_order(telling, lfirst(lc));
}

/*
 * What was measured where the relation is read.
 */
static void
set_measured(PredicateRow *row, const PgdEvidence *evidence,
			 const PgdNeed *need)
{
	uint32		alias = pgd_evidence_alias(need->alias);
	bool		found = false;

	row->executions = evidence->executions;
	row->cut_short = evidence->cut_short;
	row->estimated_rows = 0;
	for (int i = 0; i < PGD_EVIDENCE_NODES; i++)
	{
		const PgdNodeEvidence *node = &evidence->nodes[i];

		if (node->kind == 0 || node->relid != need->relid ||
			node->alias != alias)
			continue;
		found = true;
		row->loops += node->loops;
		row->rows_out += node->rows;
		row->rows_discarded += node->discarded;
		row->estimated_rows += node->estimated;
	}
	if (!found)
	{
		row->loops = row->rows_out = row->rows_discarded = PGD_UNKNOWN;
		row->estimated_rows = NAN;
	}
}

static const char *
kind_name(const PgdCondition *c)
{
	if (c->partners != NULL)
		return "join";
	switch (c->kind)
	{
		case PGD_COND_EQUAL:
			return "equality";
		case PGD_COND_RANGE:
			return "range";
		case PGD_COND_PREFIX:
		case PGD_COND_INFIX:
			return "pattern";
		case PGD_COND_CONTAIN:
			return "containment";
		case PGD_COND_NULL:
		case PGD_COND_NOT_NULL:
			return "null test";
		case PGD_COND_TRUE:
		case PGD_COND_FALSE:
			return "boolean";
		case PGD_COND_OTHER:
			break;
	}
	return "other";
}

typedef struct Masking
{
	bool		constants;		/* are not to be seen */
	int			n;				/* parameters so far */
} Masking;

/*
 * Constants become parameters, for those who may not see them, and so does
 * what another part of the plan computes: from 17 on the server would look
 * for that in a plan, which is not there.
 */
static Node *
mask(Node *node, void *context)
{
	Masking    *masking = context;

	if (node == NULL)
		return NULL;
	if ((IsA(node, Const) && masking->constants) ||
		(IsA(node, Param) && ((Param *) node)->paramkind != PARAM_EXTERN))
	{
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = ++masking->n;
		param->paramtype = exprType(node);
		param->paramtypmod = -1;
		param->location = -1;
		return (Node *) param;
	}
	return expression_tree_mutator(node, mask, context);
}

/* NULL for what names other relations, or cannot be written down. */
static struct varlena *
deparse(const Telling *telling, Node *node)
{
	Masking		masking = {.constants = !telling->sink->reads_all};

	if (node == NULL || contain_subplans(node) ||
		bms_num_members(pull_varnos(NULL, node)) != 1)
		return NULL;
	return cstring_to_text(deparse_expression(mask(node, &masking),
											  telling->table->names,
											  false, false));
}

static void *
columns_of(const Telling *telling, Node *node)
{
	Bitmapset  *attrs = NULL;
	Datum	   *names;
	int			n = 0;
	int			i = -1;

	pull_varattnos(node, 1, &attrs);
	names = palloc(sizeof(Datum) * (bms_num_members(attrs) + 1));
	while ((i = bms_next_member(attrs, i)) >= 0)
	{
		int			attno = i + FirstLowInvalidHeapAttributeNumber;

		if (attno > 0)
			names[n++] = CStringGetTextDatum(get_attname(telling->table->relid,
														 attno, false));
	}
	return construct_array_builtin(names, n, TEXTOID);
}

/*
 * How often a column is compared with different values.
 */
static void
set_values(PredicateRow *row, const PgdEvidence *evidence,
		   const PgdNeed *need, const PgdCondition *c)
{
	row->distinct_values = 0;
	row->top_value_share = NAN;
	for (int i = 0; i < PGD_EVIDENCE_CONSTANTS && c->attno > 0; i++)
	{
		const PgdConstantEvidence *constant = &evidence->constants[i];
		uint64		top = 0;
		uint64		told = 0;

		if (constant->relid != need->relid || constant->attno != c->attno ||
			constant->opno != c->opno || constant->total == 0)
			continue;
		for (int v = 0; v < PGD_EVIDENCE_VALUES; v++)
		{
			if (constant->values[v].count == 0)
				continue;
			row->distinct_values++;
			told += constant->values[v].count;
			top = Max(top, constant->values[v].count);
		}
		/* at least one more */
		row->distinct_values += (told < constant->total);
		row->top_value_share = (double) top / constant->total;
	}
}

static void
tell_condition(Telling *telling, const PgdCondition *c)
{
	PredicateRow row = telling->row;
	const char *operator;

	row.kind = cstring_to_text(kind_name(c));
	row.expression = deparse(telling, c->expr);
	/* an operator may have been dropped, and its function not */
	if (OidIsValid(c->opno) && (operator = get_opname(c->opno)) != NULL)
		row.operator = cstring_to_text(operator);
	row.condition = deparse(telling, c->clause);
	row.columns = columns_of(telling, c->expr);
	row.matchable = c->kind != PGD_COND_OTHER;
	if (c->obstacle != NULL)
		row.obstacle = cstring_to_text(c->obstacle);
	set_values(&row, &telling->statement->evidence, telling->need, c);
	pgd_rows_put(telling->sink, &row);
}

static void
tell_order(Telling *telling, const PgdOrder *order)
{
	static const char *const kinds[] = {"sort", "group", "distinct"};
	PredicateRow row = telling->row;
	StringInfoData keys;
	List	   *exprs = NIL;
	ListCell   *lc;
	int			n = 0;

	initStringInfo(&keys);
	foreach(lc, order->keys)
	{
		PgdOrderKey *key = lfirst(lc);
		struct varlena *text = deparse(telling, key->expr);

		if (text == NULL)
			break;
		appendStringInfo(&keys, "%s%s%s%s", n++ > 0 ? ", " : "",
						 text_to_cstring(text),
						 key->descending ? " DESC" : "",
						 key->nulls_first == key->descending ? "" :
						 key->nulls_first ? " NULLS FIRST" : " NULLS LAST");
		exprs = lappend(exprs, key->expr);
	}
	if (n == 0)
		return;
	row.kind = cstring_to_text(kinds[order->kind]);
	row.expression = cstring_to_text(keys.data);
	if (order->limit > 0)
		row.condition = cstring_to_text(psprintf("LIMIT %.0f", order->limit));
	row.columns = columns_of(telling, (Node *) exprs);
	row.matchable = true;
	row.distinct_values = 0;
	row.top_value_share = NAN;
	pgd_rows_put(telling->sink, &row);
}

/*
 * How many rows an OFFSET skips; 0 if that is no plain number or parameter.
 */
static int64
offset_of(const PgdExample *example)
{
	Node	   *node = example->query->limitOffset;
	Oid			type;
	Datum		value;

	if (node != NULL && IsA(node, FuncExpr) &&
		((FuncExpr *) node)->funcformat == COERCE_IMPLICIT_CAST)
		node = linitial(((FuncExpr *) node)->args);
	if (node == NULL)
		return 0;
	if (IsA(node, Const) && !((Const *) node)->constisnull)
	{
		type = ((Const *) node)->consttype;
		value = ((Const *) node)->constvalue;
	}
	else if (IsA(node, Param) && example->params != NULL &&
			 ((Param *) node)->paramkind == PARAM_EXTERN &&
			 ((Param *) node)->paramid <= example->params->numParams &&
			 !example->params->params[((Param *) node)->paramid - 1].isnull)
	{
		type = example->params->params[((Param *) node)->paramid - 1].ptype;
		value = example->params->params[((Param *) node)->paramid - 1].value;
	}
	else
		return 0;
	return type == INT8OID ? DatumGetInt64(value) :
		type == INT4OID ? DatumGetInt32(value) : 0;
}

/*
 * Rows that are found only to be skipped: most of all examples.
 */
static void
tell_offset(RowSink *sink, PgdAdvised *statement)
{
	PredicateRow row = {0};
	int64		offset = 0;
	ListCell   *lc;

	foreach(lc, statement->examples)
		offset = Max(offset, offset_of(lfirst(lc)));
	if (offset <= 0)
		return;
	row.key = statement->evidence.key;
	row.kind = cstring_to_text("offset");
	row.columns = construct_array_builtin(NULL, 0, TEXTOID);
	row.executions = statement->evidence.executions;
	row.cut_short = statement->evidence.cut_short;
	row.loops = row.rows_out = PGD_UNKNOWN;
	row.rows_discarded = (uint64) offset;
	row.estimated_rows = row.top_value_share = NAN;
	pgd_rows_put(sink, &row);
}
