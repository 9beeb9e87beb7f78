/*-------------------------------------------------------------------------
 *
 * sqlfuncs_whatif.c
 *		SQL-callable functions: a statement planned with indexes that do not
 *		exist, or without some that do.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"
#include "utils/lsyscache.h"

#include "rows.h"
#include "whatif.h"

PG_FUNCTION_INFO_V1(pgd_what_if);
PG_FUNCTION_INFO_V1(pgd_what_if_explain);

/* Everything about one question. */
typedef struct Question
{
	const char *statement;
	const char *definition;		/* of the index that is being made */
	PgdHypothetical *made;
	PgdWhatIf	wi;				/* with the indexes */
	List	   *definitions;	/* as given; all of them */
	List	   *answers;		/* for each its index, or NULL */
	List	   *problems;		/* for each what is wrong with it, or NULL */
	List	   *used;			/* of wi.indexes */
	bool		explain;		/* the texts of the plans are asked for */
	double		cost_before;
	double		cost_after;
	char	   *before;
	char	   *after;
} Question;

/* ----------
 * Work that is done guarded
 * ----------
 */

static void
make_index(void *arg)
{
	Question   *const q = arg;

	q->made = pgd_whatif_index(q->definition, false);
}

static RawStmt *
parse_statement(const char *text)
{
	List	   *statements = raw_parser(text, RAW_PARSE_DEFAULT);
	RawStmt    *raw;

	if (list_length(statements) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a single statement")));
	raw = linitial_node(RawStmt, statements);
	switch (nodeTag(raw->stmt))
	{
		case T_SelectStmt:
			if (((SelectStmt *) raw->stmt)->intoClause == NULL)
				break;
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("statement creates a table")));
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("statement has no plan"),
					 errdetail("Only SELECT, INSERT, UPDATE, DELETE, MERGE and VALUES have one.")));
	}
	return raw;
}

/* One plan: its cost is added, and its text if that is wanted. */
static double
plan_one(Question *q, const PgdWhatIf *wi, const Query *query, char **text)
{
	PlannedStmt *plan = pgd_whatif_plan(wi, query, NULL, CURSOR_OPT_PARALLEL_OK);

	if (wi == &q->wi)
		q->used = list_concat_unique_ptr(q->used,
										 pgd_whatif_used(plan, q->wi.indexes));
	if (q->explain)
		*text = psprintf("%s%s", *text, pgd_whatif_explain(wi, plan, NULL));
	/* as EXPLAIN shows it: what is behind that is noise */
	return rint(plan->planTree->total_cost * 100) / 100;
}

/* Rules may make several statements of one. */
static void
plan_statement(void *arg)
{
	static const PgdWhatIf nothing = {0};
	Question   *const q = arg;
	Oid		   *types = NULL;
	int			ntypes = 0;
	List	   *queries = pg_analyze_and_rewrite_varparams(parse_statement(q->statement),
														   q->statement, &types,
														   &ntypes, NULL);
	ListCell   *lc;

	q->before = q->after = "";
	foreach(lc, queries)
	{
		const Query *query = lfirst_node(Query, lc);

		if (query->commandType == CMD_UTILITY)
			continue;
		q->cost_before += plan_one(q, &nothing, query, &q->before);
		q->cost_after += plan_one(q, &q->wi, query, &q->after);
	}
}

/* ----------
 * Arguments
 * ----------
 */

static void
read_indexes(Question *q, ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, TEXTOID, -1, false, TYPALIGN_INT, &elements,
					  &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		const PgdWhatIfRole caller = {GetUserId(), NULL};
		char	   *problem;

		if (nulls[i])
			continue;
		q->definition = TextDatumGetCString(elements[i]);
		q->made = NULL;
		if (pgd_whatif_guarded(&caller, make_index, q, &problem))
			q->wi.indexes = lappend(q->wi.indexes, q->made);
		else
			q->made = NULL;
		q->definitions = lappend(q->definitions,
								 unconstify(char *, q->definition));
		q->answers = lappend(q->answers, q->made);
		q->problems = lappend(q->problems, problem);
	}
}

static void
read_hidden(Question *q, ArrayType *array)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	deconstruct_array(array, REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		const Oid	oid = nulls[i] ? InvalidOid : DatumGetObjectId(elements[i]);
		const char	relkind = nulls[i] ? '\0' : get_rel_relkind(oid);

		if (nulls[i])
			continue;
		if (relkind != RELKIND_INDEX && relkind != RELKIND_PARTITIONED_INDEX)
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" is not an index",
							relkind != '\0' ? get_rel_name(oid) :
							psprintf("%u", oid))));
		q->wi.hidden = lappend_oid(q->wi.hidden, oid);
	}
}

static void
answer(Question *q, FunctionCallInfo fcinfo, bool explain)
{
	const PgdWhatIfRole caller = {GetUserId(), NULL};
	char	   *problem;

	memset(q, 0, sizeof(*q));
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("statement must not be null")));
	q->statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
	q->explain = explain;
	if (!PG_ARGISNULL(1))
		read_indexes(q, PG_GETARG_ARRAYTYPE_P(1));
	if (!PG_ARGISNULL(2))
		read_hidden(q, PG_GETARG_ARRAYTYPE_P(2));
	if (!pgd_whatif_guarded(&caller, plan_statement, q, &problem))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("statement cannot be planned: %s", problem)));
}

/* ----------
 * Results
 * ----------
 */

typedef struct AnswerRow
{
	struct varlena *item;
	double		cost_before;
	double		cost_after;
	double		saved_percent;
	uint32		used;
	uint64		size_bytes;
	struct varlena *problem;
} AnswerRow;

static const Column answer_columns[] = {
	{"item", COL_TEXT, offsetof(AnswerRow, item)},
	{"cost_before", COL_NUMBER, offsetof(AnswerRow, cost_before)},
	{"cost_after", COL_NUMBER, offsetof(AnswerRow, cost_after)},
	{"saved_percent", COL_NUMBER, offsetof(AnswerRow, saved_percent)},
	{"used", COL_BOOL, offsetof(AnswerRow, used)},
	{"size_bytes", COL_COUNT, offsetof(AnswerRow, size_bytes)},
	{"problem", COL_TEXT, offsetof(AnswerRow, problem)},
	{NULL}
};

Datum
pgd_what_if(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	Question	q;
	AnswerRow	row = {.size_bytes = PGD_UNKNOWN};
	ListCell   *definition;
	ListCell   *index;
	ListCell   *problem;

	pgd_require_preload();
	answer(&q, fcinfo, false);
	pgd_rows_open(&sink, fcinfo, answer_columns);

	row.item = (struct varlena *) cstring_to_text("statement");
	row.cost_before = q.cost_before;
	row.cost_after = q.cost_after;
	row.saved_percent = q.cost_before > 0 ?
		rint(1000 * (1 - q.cost_after / q.cost_before)) / 10 : 0;
	row.used = q.used != NIL;
	pgd_rows_put(&sink, &row);

	row.cost_before = row.cost_after = row.saved_percent = get_float8_nan();
	forthree(definition, q.definitions, index, q.answers, problem, q.problems)
	{
		const PgdHypothetical *h = lfirst(index);

		row.item = (struct varlena *)
			cstring_to_text(h != NULL ? h->definition : lfirst(definition));
		row.used = h != NULL && list_member_ptr(q.used, h);
		row.size_bytes = h != NULL ? (uint64) (h->pages * BLCKSZ) : PGD_UNKNOWN;
		row.problem = lfirst(problem) == NULL ? NULL :
			(struct varlena *) cstring_to_text(lfirst(problem));
		pgd_rows_put(&sink, &row);
	}
	return (Datum) 0;
}

typedef struct LineRow
{
	struct varlena *plan;
	struct varlena *line;
} LineRow;

static const Column line_columns[] = {
	{"plan", COL_TEXT, offsetof(LineRow, plan)},
	{"line", COL_TEXT, offsetof(LineRow, line)},
	{NULL}
};

static void
put_lines(RowSink *sink, const char *plan, const char *text)
{
	while (*text != '\0')
	{
		const int	len = strcspn(text, "\n");
		LineRow		row = {
			.plan = (struct varlena *) cstring_to_text(plan),
			.line = (struct varlena *) cstring_to_text_with_len(text, len)
		};

		pgd_rows_put(sink, &row);
		text += len + (text[len] == '\n');
	}
}

/*
 * The plans as EXPLAIN shows them.  A definition that is not valid is an
 * error, as there is nowhere to say it.
 */
Datum
pgd_what_if_explain(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	Question	q;
	ListCell   *lc;

	pgd_require_preload();
	answer(&q, fcinfo, true);
	foreach(lc, q.problems)
	{
		if (lfirst(lc) != NULL)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s", (char *) lfirst(lc)),
					 errdetail("The definition is: %s",
							   (char *) list_nth(q.definitions,
												 foreach_current_index(lc)))));
	}
	pgd_rows_open(&sink, fcinfo, line_columns);
	put_lines(&sink, "before", q.before);
	put_lines(&sink, "after", q.after);
	return (Datum) 0;
}
