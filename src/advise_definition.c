/*-------------------------------------------------------------------------
 *
 * advise_definition.c
 *		A candidate as an index: its keys, its definition, and whether an index
 *		that exists does the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "catalog/pg_am.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/clauses.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

#include "advise_candidate.h"

#define KEY_WIDTH_MAX	400		/* bytes on average: some will be longer */

/*
 * A change of these columns is one of the index.
 */
void
pgd_advise_add_columns(PgdCandidate *candidate, Node *expr)
{
	Bitmapset  *attrs = NULL;
	int			i = -1;

	pull_varattnos(expr, 1, &attrs);
	while ((i = bms_next_member(attrs, i)) >= 0)
	{
		int			attno = i + FirstLowInvalidHeapAttributeNumber;

		if (attno > 0)
			candidate->columns = bms_add_member(candidate->columns, attno);
	}
}

static bool
has_parameters(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, Param))
		return true;
	return expression_tree_walker(node, has_parameters, context);
}

/* Will CREATE INDEX take this, as a key or a predicate? */
bool
pgd_advise_is_indexable(Node *expr)
{
	return !contain_mutable_functions(expr) && !contain_subplans(expr) &&
		!contain_agg_clause(expr) && !expression_returns_set(expr) &&
		bms_num_members(pull_varnos(NULL, expr)) == 1 &&
		!has_parameters(expr, NULL);
}

/* Does it look like a call of a function?  Then it needs no parentheses. */
static bool
is_call(Node *expr)
{
	return IsA(expr, FuncExpr) &&
		((FuncExpr *) expr)->funcformat == COERCE_EXPLICIT_CALL;
}

/*
 * Add a key, unless it is there.  False if no index can have it.
 */
bool
pgd_advise_add_key(PgdCandidate *candidate, Node *expr, AttrNumber attno,
				   Oid collation, Oid opclass, bool descending,
				   bool nulls_first)
{
	const PgdTable *table = candidate->table;
	Oid			type = exprType(expr);
	Oid			usual = GetDefaultOpClass(type, candidate->am);
	PgdIndexKey *key;
	StringInfoData text;
	ListCell   *lc;

	if (!OidIsValid(opclass))
		opclass = usual;
	if (!OidIsValid(opclass) || (attno == 0 && !pgd_advise_is_indexable(expr)) ||
		(attno != 0 && candidate->am == BTREE_AM_OID &&
		 get_attavgwidth(table->relid, attno) > KEY_WIDTH_MAX))
		return false;

	key = palloc0(sizeof(PgdIndexKey));
	key->attno = attno;
	if (attno == 0)
		key->expr = deparse_expression(expr, table->names, false, false);
	key->opfamily = get_opclass_family(opclass);
	key->collation = type_is_collatable(type) ? collation : InvalidOid;
	key->descending = descending;
	key->nulls_first = nulls_first;
	foreach(lc, candidate->keys)
	{
		PgdIndexKey *other = lfirst(lc);

		if (other->attno == attno &&
			(attno != 0 || strcmp(other->expr, key->expr) == 0))
			return true;
	}

	initStringInfo(&text);
	if (attno != 0)
		appendStringInfoString(&text, quote_identifier(get_attname(table->relid,
																   attno, false)));
	else
		appendStringInfo(&text, is_call(expr) ? "%s" : "(%s)", key->expr);
	if (OidIsValid(key->collation) && key->collation != exprCollation(expr))
		appendStringInfo(&text, " COLLATE %s",
						 generate_collation_name(key->collation));
	if (opclass != usual)
		appendStringInfo(&text, " %s", generate_opclass_name(opclass));
	if (descending)
		appendStringInfoString(&text, " DESC");
	if (nulls_first != descending)
		appendStringInfoString(&text, nulls_first ? " NULLS FIRST" : " NULLS LAST");

	candidate->keys = lappend(candidate->keys, key);
	candidate->key_texts = lappend(candidate->key_texts, text.data);
	pgd_advise_add_columns(candidate, expr);
	return true;
}

/*
 * CREATE INDEX, but for the name.
 */
void
pgd_advise_define(PgdCandidate *candidate)
{
	StringInfoData text;
	ListCell   *lc;

	initStringInfo(&text);
	appendStringInfo(&text, "CREATE INDEX ON %s ", candidate->table->name);
	if (candidate->am != BTREE_AM_OID)
		appendStringInfo(&text, "USING %s ", get_am_name(candidate->am));
	foreach(lc, candidate->key_texts)
		appendStringInfo(&text, "%s%s",
						 foreach_current_index(lc) == 0 ? "(" : ", ",
						 (char *) lfirst(lc));
	appendStringInfoChar(&text, ')');
	foreach(lc, candidate->include)
		appendStringInfo(&text, "%s%s",
						 foreach_current_index(lc) == 0 ? " INCLUDE (" : ", ",
						 quote_identifier(get_attname(candidate->table->relid,
													  lfirst_int(lc), false)));
	if (candidate->include != NIL)
		appendStringInfoChar(&text, ')');
	if (candidate->predicate != NULL)
		appendStringInfo(&text, " WHERE %s", candidate->predicate);
	candidate->definition = text.data;
}

/* ----------
 * Candidates and indexes that exist
 * ----------
 */

/*
 * Has an index the keys of a candidate, in its order or the opposite one, from
 * its first on?
 */
static bool
begins_alike(List *keys, List *longer)
{
	if (list_length(keys) > list_length(longer))
		return false;
	for (int backward = 0; backward <= 1; backward++)
	{
		bool		same = true;
		ListCell   *a;
		ListCell   *b;

		forboth(a, keys, b, longer)
			same = same && pgd_advise_same_key(lfirst(a), lfirst(b),
											   backward == 1);
		if (same)
			return true;
	}
	return false;
}

static bool
same_predicate(const char *a, const char *b)
{
	return (a == NULL) == (b == NULL) && (a == NULL || strcmp(a, b) == 0);
}

/*
 * The existing index that does all that a candidate could do, or NULL.
 */
const PgdExistingIndex *
pgd_advise_covered(const PgdCandidate *candidate)
{
	ListCell   *lc;

	foreach(lc, candidate->table->indexes)
	{
		const PgdExistingIndex *existing = lfirst(lc);
		bool		included = true;
		ListCell   *lc2;

		foreach(lc2, candidate->include)
			included = included && bms_is_member(lfirst_int(lc2),
												 existing->columns);
		if (existing->am == candidate->am && included &&
			same_predicate(candidate->predicate, existing->predicate) &&
			begins_alike(candidate->keys, existing->keys))
			return existing;
	}
	return NULL;
}

/*
 * Has it all columns of a unique index, and more, be it a predicate?  One row
 * is found without.
 */
bool
pgd_advise_finds_one(const PgdCandidate *candidate, bool partial)
{
	Bitmapset  *keys = NULL;
	ListCell   *lc;

	foreach(lc, candidate->keys)
	{
		if (((PgdIndexKey *) lfirst(lc))->attno > 0)
			keys = bms_add_member(keys, ((PgdIndexKey *) lfirst(lc))->attno);
	}
	foreach(lc, candidate->table->indexes)
	{
		const PgdExistingIndex *existing = lfirst(lc);
		Bitmapset  *unique = NULL;
		bool		plain = existing->unique && existing->predicate == NULL;
		ListCell   *lc2;

		foreach(lc2, existing->keys)
		{
			AttrNumber	attno = ((PgdIndexKey *) lfirst(lc2))->attno;

			plain = plain && attno > 0;
			if (attno > 0)
				unique = bms_add_member(unique, attno);
		}
		if (plain && bms_is_subset(unique, keys) &&
			(partial ||
			 list_length(candidate->keys) > bms_num_members(unique)))
			return true;
	}
	return false;
}

/*
 * Has another candidate the same keys and more?
 */
bool
pgd_advise_begins_alike(const PgdCandidate *candidate,
						const PgdCandidate *longer)
{
	return candidate->table == longer->table && candidate->am == longer->am &&
		candidate->am == BTREE_AM_OID && candidate->include == NIL &&
		same_predicate(candidate->predicate, longer->predicate) &&
		list_length(candidate->keys) < list_length(longer->keys) &&
		begins_alike(candidate->keys, longer->keys);
}

/*
 * Would the candidate do all that this index does, which is not needed to
 * keep anything unique?
 */
bool
pgd_advise_extends(const PgdCandidate *candidate,
				   const PgdExistingIndex *existing)
{
	int			i = -1;

	if (existing->unique || existing->constraint ||
		existing->am != candidate->am || candidate->am != BTREE_AM_OID ||
		!same_predicate(candidate->predicate, existing->predicate) ||
		!begins_alike(existing->keys, candidate->keys))
		return false;
	while ((i = bms_next_member(existing->columns, i)) >= 0)
	{
		if (!bms_is_member(i, candidate->columns))
			return false;
	}
	return true;
}

/*
 * A single key can be read in both directions: no need to say which.
 */
static void
make_ascending(PgdCandidate *candidate)
{
	PgdIndexKey *key = palloc(sizeof(PgdIndexKey));
	char	   *text = pstrdup(linitial(candidate->key_texts));
	int			len = strlen(text);

	*key = *(PgdIndexKey *) linitial(candidate->keys);
	if (!key->descending || !key->nulls_first)
		return;
	Assert(strcmp(text + len - strlen(" DESC"), " DESC") == 0);
	text[len - strlen(" DESC")] = '\0';
	key->descending = key->nulls_first = false;
	linitial(candidate->keys) = key;
	linitial(candidate->key_texts) = text;
}

/*
 * A candidate that is a bit less: without its included columns, or else
 * without its last key; NULL if that leaves nothing.
 */
PgdCandidate *
pgd_advise_shorter(const PgdCandidate *candidate)
{
	PgdCandidate *shorter;

	if (candidate->include == NIL && list_length(candidate->keys) < 2)
		return NULL;
	shorter = palloc(sizeof(PgdCandidate));
	*shorter = *candidate;
	if (candidate->include != NIL)
		shorter->include = NIL;
	else
	{
		int			n = list_length(candidate->keys) - 1;

		shorter->keys = list_truncate(list_copy(candidate->keys), n);
		shorter->key_texts = list_truncate(list_copy(candidate->key_texts), n);
		if (n == 1)
			make_ascending(shorter);
	}
	/* its columns are at most too many: what it costs is not underrated */
	pgd_advise_define(shorter);
	return shorter;
}
