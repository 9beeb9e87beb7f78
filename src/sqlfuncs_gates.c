/*-------------------------------------------------------------------------
 *
 * sqlfuncs_gates.c
 *		SQL-callable functions for assertions: the error they raise, and a look
 *		at a statement that is to be planned and must not be executed.
 *
 * An assertion is read by somebody whose build has just failed, and its output
 * is compared with a file.  RAISE would add where in PL/pgSQL it stands, which
 * says nothing to him and changes with every release of ours.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "nodes/nodeFuncs.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "pg_diagnose.h"

/* SQLSTATE of a failed assertion; a class that nobody else uses */
#define ERRCODE_ASSERTION_FAILED	MAKE_SQLSTATE('P', 'D', '0', '0', '1')

/* What a problem is made of, in the order of the array. */
enum
{
	MESSAGE,
	DETAIL,
	HINT,
	SQLSTATE,
	PARTS
};

PG_FUNCTION_INFO_V1(pgd_raise_problem);
PG_FUNCTION_INFO_V1(pgd_query_parameters);

static int
sqlstate_of(const char *code)
{
	if (code == NULL)
		return ERRCODE_ASSERTION_FAILED;
	if (strlen(code) != 5 || strspn(code, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
		return ERRCODE_INTERNAL_ERROR;
	return MAKE_SQLSTATE(code[0], code[1], code[2], code[3], code[4]);
}

/*
 * Raise what an array of message, detail, hint and SQLSTATE says; NULL is no
 * problem.  All but the message may be missing or NULL.
 */
Datum
pgd_raise_problem(PG_FUNCTION_ARGS)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	char	   *part[PARTS] = {NULL};

	if (PG_ARGISNULL(0))
		PG_RETURN_VOID();

	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false,
					  TYPALIGN_INT, &elements, &nulls, &n);
	for (int i = 0; i < Min(n, PARTS); i++)
		if (!nulls[i])
			part[i] = TextDatumGetCString(elements[i]);
	if (part[MESSAGE] == NULL)
		PG_RETURN_VOID();

	ereport(ERROR,
			(errcode(sqlstate_of(part[SQLSTATE])),
			 errmsg_internal("%s", part[MESSAGE]),
			 part[DETAIL] != NULL ? errdetail_internal("%s", part[DETAIL]) : 0,
			 part[HINT] != NULL ? errhint("%s", part[HINT]) : 0));
	PG_RETURN_VOID();
}

/*
 * An error of the parser points into the text that it read, not into the
 * statement of the client.
 */
static void
point_into_query(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

static List *
parse(const char *query)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = point_into_query,
		.arg = unconstify(char *, query)
	};
	List	   *statements;

	error_context_stack = &callback;
	statements = raw_parser(query, RAW_PARSE_DEFAULT);
	error_context_stack = callback.previous;
	return statements;
}

static bool
highest_parameter(Node *node, void *highest)
{
	if (node == NULL)
		return false;
	if (IsA(node, ParamRef))
		*(int *) highest = Max(*(int *) highest, ((ParamRef *) node)->number);
	return raw_expression_tree_walker(node, highest_parameter, highest);
}

/*
 * How many parameters a statement has: $3 alone makes three.  An error if this
 * is not one statement, or none that has a plan: what passes can be put behind
 * EXPLAIN or PREPARE without anything of it being executed.
 */
Datum
pgd_query_parameters(PG_FUNCTION_ARGS)
{
	char	   *query = text_to_cstring(PG_GETARG_TEXT_PP(0));
	List	   *statements = parse(query);
	Node	   *statement;
	int			highest = 0;

	if (statements == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("query is empty")));
	if (list_length(statements) > 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("query has %d statements", list_length(statements)),
				 errhint("Plans are looked at one by one.")));

	statement = linitial_node(RawStmt, statements)->stmt;
	switch (nodeTag(statement))
	{
		case T_SelectStmt:
			if (((SelectStmt *) statement)->intoClause == NULL)
				break;
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("query creates a table"),
					 errhint("Leave out INTO.")));
			break;
		case T_InsertStmt:
		case T_UpdateStmt:
		case T_DeleteStmt:
		case T_MergeStmt:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("query has no plan"),
					 errdetail("Only SELECT, INSERT, UPDATE, DELETE, MERGE and VALUES have one.")));
	}
	highest_parameter(statement, &highest);
	PG_RETURN_INT32(highest);
}
