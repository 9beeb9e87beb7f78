/*-------------------------------------------------------------------------
 *
 * example_mask.c
 *		A statement without its constants.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#include "compat.h"
#include "example.h"

static Node *mask(Node *node, PgdMasking *masking);

/*
 * Are rows in the values of a type?  Their bytes say nothing without the
 * type, whose attributes may be of other types when they are read again;
 * those of a record only this session knows.
 */
bool
pgd_example_has_rows(Oid type)
{
	for (;;)
	{
		Oid			element;

		type = getBaseType(type);
		switch (get_typtype(type))
		{
			case TYPTYPE_COMPOSITE:
				return true;
			case TYPTYPE_PSEUDO:
				return type == RECORDOID || type == RECORDARRAYOID;
			case TYPTYPE_RANGE:
				element = get_range_subtype(type);
				break;
			case TYPTYPE_MULTIRANGE:
				element = get_multirange_range(type);
				break;
			default:
				element = get_element_type(type);
				break;
		}
		if (!OidIsValid(element))
			return false;
		type = element;
	}
}

/*
 * Constants that are part of what a statement is, not of its data: names of
 * text search configurations and the like, and true and false.
 */
static bool
is_name(const Const *constant)
{
	switch (constant->consttype)
	{
		case BOOLOID:
		case REGCLASSOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGTYPEOID:
			return true;
		default:
			return constant->constisnull;
	}
}

/*
 * Is this argument of a function a name, of a field or a unit, of which the
 * grammar makes a constant?
 */
static bool
takes_name(Oid function, int argument)
{
	switch (function)
	{
		case F_JSON_OBJECT_FIELD:
		case F_JSON_OBJECT_FIELD_TEXT:
		case F_JSON_ARRAY_ELEMENT:
		case F_JSON_ARRAY_ELEMENT_TEXT:
		case F_JSON_EXTRACT_PATH:
		case F_JSON_EXTRACT_PATH_TEXT:
		case F_JSONB_OBJECT_FIELD:
		case F_JSONB_OBJECT_FIELD_TEXT:
		case F_JSONB_ARRAY_ELEMENT:
		case F_JSONB_ARRAY_ELEMENT_TEXT:
		case F_JSONB_EXTRACT_PATH:
		case F_JSONB_EXTRACT_PATH_TEXT:
		case F_NORMALIZE:
		case F_IS_NORMALIZED:
			return argument > 0;
		case F_DATE_TRUNC_TEXT_TIMESTAMP:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
		case F_DATE_PART_TEXT_DATE:
		case F_DATE_PART_TEXT_TIMESTAMP:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_DATE:
		case F_EXTRACT_TEXT_INTERVAL:
		case F_EXTRACT_TEXT_TIME:
		case F_EXTRACT_TEXT_TIMESTAMP:
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_TIMETZ:
			return argument == 0;
		default:
			return false;
	}
}

/*
 * Mask the arguments of a function or an operator.  Arguments of a cast beyond
 * the first are no data, either: the length of a varchar, for example.
 */
static List *
mask_arguments(List *args, Oid function, bool is_cast, PgdMasking *masking)
{
	List	   *masked = NIL;
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = lfirst(lc);

		int			n = foreach_current_index(lc);

		if (IsA(arg, Const) &&
			(takes_name(function, n) || (is_cast && n > 0)))
			masked = lappend(masked, arg);
		else
			masked = lappend(masked, mask(arg, masking));
	}
	return masked;
}

/* How many rows are wanted is no data, if it is just a number. */
static Node *
mask_limit(Node *limit, PgdMasking *masking)
{
	Node	   *number = limit;

	if (number != NULL && IsA(number, FuncExpr) &&
		((FuncExpr *) number)->funcformat == COERCE_IMPLICIT_CAST)
		number = linitial(((FuncExpr *) number)->args);
	if (number != NULL && IsA(number, Const))
		return limit;
	return mask(limit, masking);
}

static bool
is_masked(const Const *constant, const PgdMasking *masking)
{
	return (masking->rows && pgd_example_has_rows(constant->consttype)) ||
		(masking->all && !is_name(constant));
}

/*
 * A copy of a tree with parameters, of which nobody has a value, in place of
 * its constants.  Such a tree can be planned, as for a generic plan; with
 * NULLs a condition would be folded to false.
 */
static Node *
mask(Node *node, PgdMasking *masking)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Const) && is_masked((const Const *) node, masking))
	{
		const Const *constant = (const Const *) node;
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = ++masking->max_param;
		param->paramtype = constant->consttype;
		param->paramtypmod = constant->consttypmod;
		param->paramcollid = constant->constcollid;
		param->location = -1;
		return (Node *) param;
	}
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *copy = makeNode(FuncExpr);

		*copy = *(FuncExpr *) node;
		copy->args = mask_arguments(copy->args, copy->funcid,
									copy->funcformat == COERCE_EXPLICIT_CAST ||
									copy->funcformat == COERCE_IMPLICIT_CAST,
									masking);
		return (Node *) copy;
	}
	if (IsA(node, OpExpr))
	{
		OpExpr	   *copy = makeNode(OpExpr);

		*copy = *(OpExpr *) node;
		copy->args = mask_arguments(copy->args, OidIsValid(copy->opfuncid) ?
									copy->opfuncid : get_opcode(copy->opno),
									false, masking);
		return (Node *) copy;
	}
	if (IsA(node, CommonTableExpr))
	{
		CommonTableExpr *copy = makeNode(CommonTableExpr);

		/* SEARCH and CYCLE are part of the query by now, and take constants */
		*copy = *(CommonTableExpr *) node;
		copy->search_clause = NULL;
		copy->cycle_clause = NULL;
		copy->ctequery = mask(copy->ctequery, masking);
		return (Node *) copy;
	}
	if (IsA(node, Query))
	{
		Query	   *query = query_tree_mutator((Query *) node, mask, masking, 0);

		query->limitOffset = mask_limit(((Query *) node)->limitOffset, masking);
		query->limitCount = mask_limit(((Query *) node)->limitCount, masking);
		return (Node *) query;
	}
	return expression_tree_mutator(node, mask, masking);
}

Query *
pgd_example_mask(Query *query, PgdMasking *masking)
{
	return (Query *) mask((Node *) query, masking);
}
