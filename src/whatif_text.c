/*-------------------------------------------------------------------------
 *
 * whatif_text.c
 *		The definition of an index as a statement that means the same in any
 *		session.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opclass.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "whatif.h"

/* An operator class, unless the server would choose it by itself. */
static void
append_opclass(StringInfo text, Oid opclass, Oid type, Oid am,
			   const IndexElem *element)
{
	HeapTuple	tuple;
	Form_pg_opclass form;
	ListCell   *lc;
	const char *separator = " (";

	if (element->opclassopts == NIL &&
		GetDefaultOpClass(type, am) == opclass)
		return;
	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	form = (Form_pg_opclass) GETSTRUCT(tuple);
	appendStringInfo(text, " %s",
					 OpclassIsVisible(opclass) ?
					 quote_identifier(NameStr(form->opcname)) :
					 quote_qualified_identifier(get_namespace_name(form->opcnamespace),
												NameStr(form->opcname)));
	ReleaseSysCache(tuple);
	foreach(lc, element->opclassopts)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		appendStringInfo(text, "%s%s = %s", separator,
						 quote_identifier(option->defname),
						 quote_literal_cstr(defGetString(option)));
		separator = ", ";
	}
	if (element->opclassopts != NIL)
		appendStringInfoChar(text, ')');
}

static void
append_order(StringInfo text, int16 options)
{
	const bool	descending = (options & INDOPTION_DESC) != 0;
	const bool	nulls_first = (options & INDOPTION_NULLS_FIRST) != 0;

	if (descending)
		appendStringInfoString(text, " DESC");
	if (nulls_first && !descending)
		appendStringInfoString(text, " NULLS FIRST");
	if (!nulls_first && descending)
		appendStringInfoString(text, " NULLS LAST");
}

static void
append_expression(StringInfo text, Node *expr, List *context)
{
	const char *string = deparse_expression(expr, context, false, false);

	/* a call can stand alone, all else needs parentheses */
	if (IsA(expr, FuncExpr) &&
		((FuncExpr *) expr)->funcformat == COERCE_EXPLICIT_CALL)
		appendStringInfoString(text, string);
	else
		appendStringInfo(text, "(%s)", string);
}

static void
append_columns(StringInfo text, const PgdHypothetical *h,
			   const IndexStmt *stmt, List *exprs, List *context)
{
	const PgdHypotheticalParts *const parts = h->parts;
	ListCell   *expr = list_head(exprs);

	for (int i = 0; i < parts->ncolumns; i++)
	{
		const bool	key = i < parts->nkeys;
		Oid			collation = InvalidOid;

		appendStringInfoString(text, i == 0 ? "" :
							   i == parts->nkeys ? ") INCLUDE (" : ", ");
		if (parts->attnums[i] != 0)
		{
			Oid			type;
			int32		typmod;

			appendStringInfoString(text,
								   quote_identifier(get_attname(h->relid,
																parts->attnums[i],
																false)));
			get_atttypetypmodcoll(h->relid, parts->attnums[i], &type, &typmod,
								  &collation);
		}
		else
		{
			append_expression(text, lfirst(expr), context);
			collation = exprCollation(lfirst(expr));
			expr = lnext(exprs, expr);
		}
		if (!key)
			continue;
		if (OidIsValid(parts->collations[i]) &&
			parts->collations[i] != collation)
			appendStringInfo(text, " COLLATE %s",
							 generate_collation_name(parts->collations[i]));
		append_opclass(text, parts->opclasses[i], parts->types[i], h->am,
					   list_nth(stmt->indexParams, i));
		append_order(text, parts->options[i]);
	}
	appendStringInfoChar(text, ')');
}

static void
append_storage(StringInfo text, const IndexStmt *stmt)
{
	const char *separator = " WITH (";
	ListCell   *lc;

	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		appendStringInfo(text, "%s%s = %s", separator,
						 quote_identifier(option->defname),
						 quote_literal_cstr(option->arg != NULL ?
											defGetString(option) : "true"));
		separator = ", ";
	}
	if (stmt->options != NIL)
		appendStringInfoChar(text, ')');
	if (stmt->tableSpace != NULL)
		appendStringInfo(text, " TABLESPACE %s",
						 quote_identifier(stmt->tableSpace));
}

/*
 * The statement, from the columns as they were understood; with nothing but
 * pg_catalog in the path, so that all other names are qualified.
 */
char *
pgd_whatif_text(const PgdHypothetical *h, const IndexStmt *stmt,
				Relation relation, List *stored_exprs, Node *stored_pred)
{
	const int	level = NewGUCNestLevel();
	const char *schema =
		get_namespace_name_or_temp(RelationGetNamespace(relation));
	List	   *context = deparse_context_for(RelationGetRelationName(relation),
											  h->relid);
	StringInfoData text;

	(void) set_config_option("search_path", "pg_catalog, pg_temp",
							 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
							 0, false);
	initStringInfo(&text);
	appendStringInfo(&text, "CREATE %sINDEX %s ON %s ",
					 h->parts->unique ? "UNIQUE " : "",
					 quote_identifier(h->name),
					 quote_qualified_identifier(schema,
												RelationGetRelationName(relation)));
	if (h->am != BTREE_AM_OID)
		appendStringInfo(&text, "USING %s ", quote_identifier(stmt->accessMethod));
	appendStringInfoChar(&text, '(');
	append_columns(&text, h, stmt, stored_exprs, context);
	if (h->parts->nulls_not_distinct)
		appendStringInfoString(&text, " NULLS NOT DISTINCT");
	append_storage(&text, stmt);
	if (stored_pred != NULL)
		appendStringInfo(&text, " WHERE %s",
						 deparse_expression(stored_pred, context, false, false));
	AtEOXact_GUC(false, level);
	return text.data;
}
