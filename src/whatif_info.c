/*-------------------------------------------------------------------------
 *
 * whatif_info.c
 *		An index that does not exist, as the planner sees it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/tableam.h"
#include "catalog/pg_am.h"
#include "catalog/pg_index.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/rel.h"

#include "compat.h"
#include "whatif.h"

/* Is a column still what it was when the index was made? */
bool
pgd_whatif_fits(const PgdHypothetical *h, const PgdHypotheticalLeaf *leaf,
				Relation relation)
{
	const TupleDesc desc = RelationGetDescr(relation);
	List	   *vars = pull_var_clause((Node *) list_concat_copy(leaf->exprs,
																 leaf->pred), 0);
	ListCell   *lc;

	for (int i = 0; i < h->parts->ncolumns; i++)
	{
		const AttrNumber attnum = leaf->attnums[i];

		if (attnum != 0 &&
			(attnum > desc->natts ||
			 TupleDescAttr(desc, attnum - 1)->attisdropped ||
			 TupleDescAttr(desc, attnum - 1)->atttypid != h->parts->types[i]))
			return false;
	}
	foreach(lc, vars)
	{
		const Var  *var = lfirst_node(Var, lc);

		if (var->varattno > 0 &&
			(var->varattno > desc->natts ||
			 TupleDescAttr(desc, var->varattno - 1)->attisdropped ||
			 TupleDescAttr(desc, var->varattno - 1)->atttypid != var->vartype))
			return false;
	}
	return true;
}

/* What an index-only scan gets: columns and expressions of the table. */
static List *
target_list(const IndexOptInfo *info, Relation relation)
{
	List	   *entries = NIL;
	ListCell   *next = list_head(info->indexprs);

	for (int i = 0; i < info->ncolumns; i++)
	{
		Expr	   *expr;

		if (info->indexkeys[i] != 0)
		{
			const Form_pg_attribute attr =
				TupleDescAttr(RelationGetDescr(relation),
							  info->indexkeys[i] - 1);

			expr = (Expr *) makeVar(info->rel->relid, attr->attnum,
									attr->atttypid, attr->atttypmod,
									attr->attcollation, 0);
		}
		else
		{
			expr = lfirst(next);
			next = lnext(info->indexprs, next);
		}
		entries = lappend(entries, makeTargetEntry(expr, i + 1, NULL, false));
	}
	return entries;
}

static void
set_method(IndexOptInfo *info, Relation relation)
{
	const IndexAmRoutine *const routine =
		GetIndexAmRoutineByAmId(info->relam, false);

	info->amcanorderbyop = routine->amcanorderbyop;
	info->amoptionalkey = routine->amoptionalkey;
	info->amsearcharray = routine->amsearcharray;
	info->amsearchnulls = routine->amsearchnulls;
	info->amcanparallel = routine->amcanparallel;
	info->amhasgettuple = routine->amgettuple != NULL;
	info->amhasgetbitmap = routine->amgetbitmap != NULL &&
		pgd_table_has_bitmap_scan(relation->rd_tableam);
	info->amcanmarkpos = routine->ammarkpos != NULL &&
		routine->amrestrpos != NULL;
	info->amcostestimate = routine->amcostestimate;
}

/* Expressions with the number that the relation has in this query. */
static List *
numbered(const List *exprs, Index varno)
{
	List	   *copy = copyObject(unconstify(List *, exprs));

	if (varno != 1)
		ChangeVarNodes((Node *) copy, 1, varno, 0);
	return copy;
}

/*
 * What the planner is told of the index of one table; NULL if the table does
 * not fit it any more.
 */
IndexOptInfo *
pgd_whatif_info(const PgdHypothetical *h, const PgdHypotheticalLeaf *leaf,
				PlannerInfo *root, RelOptInfo *rel, Relation relation)
{
	const PgdHypotheticalParts *const parts = h->parts;
	IndexOptInfo *info;

	if (!pgd_whatif_fits(h, leaf, relation))
		return NULL;
	info = makeNode(IndexOptInfo);
	info->indexoid = h->oid;
	info->reltablespace = parts->tablespace;
	info->rel = rel;
	info->pages = (BlockNumber) Min(leaf->pages, MaxBlockNumber);
	info->tuples = parts->pred == NIL ? rel->tuples :
		Min(leaf->tuples, rel->tuples);
	info->tree_height = leaf->height;
	info->ncolumns = parts->ncolumns;
	info->nkeycolumns = parts->nkeys;
	info->indexkeys = palloc(parts->ncolumns * sizeof(int));
	for (int i = 0; i < parts->ncolumns; i++)
		info->indexkeys[i] = leaf->attnums[i];
	info->indexcollations = parts->collations;
	info->opfamily = parts->opfamilies;
	info->opcintype = parts->opcintypes;
	info->opclassoptions = palloc0(parts->nkeys * sizeof(bytea *));
	info->canreturn = parts->returnable;
	info->relam = h->am;
	set_method(info, relation);
	if (h->am == BTREE_AM_OID)
	{
		info->sortopfamily = info->opfamily;
		info->reverse_sort = palloc(parts->nkeys * sizeof(bool));
		info->nulls_first = palloc(parts->nkeys * sizeof(bool));
		for (int i = 0; i < parts->nkeys; i++)
		{
			info->reverse_sort[i] = (parts->options[i] & INDOPTION_DESC) != 0;
			info->nulls_first[i] =
				(parts->options[i] & INDOPTION_NULLS_FIRST) != 0;
		}
	}
	info->indexprs = numbered(leaf->exprs, rel->relid);
	info->indpred = numbered(leaf->pred, rel->relid);
	info->indextlist = target_list(info, relation);
	info->unique = parts->unique;
	pgd_set_nulls_not_distinct(info, parts->nulls_not_distinct);
	info->immediate = true;
	info->hypothetical = true;
	return info;
}
