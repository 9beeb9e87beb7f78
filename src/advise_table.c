/*-------------------------------------------------------------------------
 *
 * advise_table.c
 *		A table as index advice sees it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/relation.h"
#include "access/table.h"
#include "catalog/catalog.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "nodes/makefuncs.h"
#include "optimizer/plancat.h"
#include "pgstat.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "advise_table.h"

static void measure(PgdTable *table, Relation rel);
static void add_index(PgdTable *table, Oid oid);
static const char *refusal(Relation rel, double pages, double min_pages);
static double hot_share(Oid relid);

/*
 * Look at a table; its lock is kept until the end of the (sub)transaction.
 */
PgdTable *
pgd_advise_table(Oid relid, double min_pages)
{
	PgdTable   *table = palloc0(sizeof(PgdTable));
	Relation	rel;
	ListCell   *lc;

	if (!ConditionalLockRelationOid(relid, AccessShareLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("relation with OID %u is locked", relid)));
	rel = relation_open(relid, NoLock);

	table->relid = relid;
	table->relname = pstrdup(RelationGetRelationName(rel));
	table->nspname = get_namespace_name(RelationGetNamespace(rel));
	table->name = quote_qualified_identifier(table->nspname, table->relname);
	table->partitioned = rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;
	table->natts = RelationGetNumberOfAttributes(rel);
	table->names = deparse_context_for(table->relname, relid);
	table->asked = palloc0(sizeof(double) * (table->natts + 1));
	measure(table, rel);
	table->refused = refusal(rel, table->pages, min_pages);
	if (table->refused == NULL)
	{
		foreach(lc, RelationGetIndexList(rel))
			add_index(table, lfirst_oid(lc));
	}
	relation_close(rel, NoLock);
	return table;
}

static const char *
refusal(Relation rel, double pages, double min_pages)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION &&
		rel->rd_rel->relkind != RELKIND_PARTITIONED_TABLE &&
		rel->rd_rel->relkind != RELKIND_MATVIEW)
		return "not a table";
	if (rel->rd_rel->relpersistence == RELPERSISTENCE_TEMP)
		return "temporary table";
	if (IsCatalogRelation(rel))
		return "system catalog";
	if (pages < min_pages)
		return "small table";
	return NULL;
}

/*
 * Sizes as they are now, of all partitions.
 */
static void
measure(PgdTable *table, Relation rel)
{
	List	   *parts = list_make1_oid(table->relid);
	double		visible = 0;
	double		updates = 0;
	double		hot = 0;
	ListCell   *lc;

	if (table->partitioned)
		parts = find_all_inheritors(table->relid, NoLock, NULL);
	foreach(lc, parts)
	{
		Oid			oid = lfirst_oid(lc);
		Relation	part;
		BlockNumber pages;
		double		tuples;
		double		share;

		if (oid != table->relid &&
			!ConditionalLockRelationOid(oid, AccessShareLock))
			continue;
		part = try_relation_open(oid, NoLock);
		if (part == NULL)
			continue;
		if (RELKIND_HAS_STORAGE(part->rd_rel->relkind) &&
			RELKIND_HAS_TABLE_AM(part->rd_rel->relkind))
		{
			estimate_rel_size(part, NULL, &pages, &tuples, &share);
			table->pages += pages;
			table->tuples += tuples;
			visible += share * pages;
			hot += hot_share(oid) * tuples;
			updates += tuples;
		}
		relation_close(part, NoLock);
	}
	if (table->pages > 0)
		table->all_visible = visible / table->pages;
	if (updates > 0)
		table->hot_share = hot / updates;
}

/* Share of a table's updates that needed no new index entries. */
static double
hot_share(Oid relid)
{
	PgStat_StatTabEntry *stats = pgstat_fetch_stat_tabentry(relid);

	if (stats == NULL || stats->tuples_updated == 0)
		return 0;
	return (double) stats->tuples_hot_updated / stats->tuples_updated;
}

static void
add_index(PgdTable *table, Oid oid)
{
	Relation	index = try_relation_open(oid, AccessShareLock);
	PgdExistingIndex *existing;
	Form_pg_index form;
	List	   *exprs;
	int			nexprs = 0;

	if (index == NULL)
		return;
	form = index->rd_index;
	exprs = RelationGetIndexExpressions(index);
	if (!form->indisvalid || !form->indislive)
	{
		relation_close(index, NoLock);
		return;
	}

	existing = palloc0(sizeof(PgdExistingIndex));
	existing->oid = oid;
	existing->name = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(index)),
												RelationGetRelationName(index));
	existing->am = index->rd_rel->relam;
	existing->unique = form->indisunique;
	existing->constraint = form->indisprimary || form->indisexclusion ||
		OidIsValid(get_index_constraint(oid)) || form->indisreplident;
	for (int i = 0; i < form->indnatts; i++)
	{
		AttrNumber	attno = form->indkey.values[i];
		PgdIndexKey *key;

		if (attno > 0)
			existing->columns = bms_add_member(existing->columns, attno);
		if (i >= form->indnkeyatts)
			continue;
		key = palloc0(sizeof(PgdIndexKey));
		key->attno = attno;
		if (attno == 0 && nexprs < list_length(exprs))
			key->expr = deparse_expression(list_nth(exprs, nexprs++),
										   table->names, false, false);
		key->opfamily = index->rd_opfamily[i];
		key->collation = index->rd_indcollation[i];
		key->descending = (index->rd_indoption[i] & INDOPTION_DESC) != 0;
		key->nulls_first = (index->rd_indoption[i] & INDOPTION_NULLS_FIRST) != 0;
		existing->keys = lappend(existing->keys, key);
	}
	if (RelationGetIndexPredicate(index) != NIL)
		existing->predicate =
			deparse_expression((Node *) make_ands_explicit(RelationGetIndexPredicate(index)),
							   table->names, false, false);
	table->indexes = lappend(table->indexes, existing);
	relation_close(index, NoLock);
}

/*
 * Do two keys order rows alike, or in exactly the opposite way?
 */
bool
pgd_advise_same_key(const PgdIndexKey *a, const PgdIndexKey *b, bool backward)
{
	return a->attno == b->attno && a->opfamily == b->opfamily &&
		a->collation == b->collation &&
		(a->descending == b->descending) != backward &&
		(a->nulls_first == b->nulls_first) != backward &&
		(a->attno != 0 || (a->expr != NULL && b->expr != NULL &&
						   strcmp(a->expr, b->expr) == 0));
}

/*
 * How well a column's values follow the order of rows on disk, from -1 to 1;
 * 0 if unknown.
 */
double
pgd_advise_correlation(const PgdTable *table, AttrNumber attno)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH,
										ObjectIdGetDatum(table->relid),
										Int16GetDatum(attno),
										BoolGetDatum(table->partitioned));
	AttStatsSlot slot;
	double		correlation = 0;

	if (!HeapTupleIsValid(tuple))
		return 0;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_CORRELATION, InvalidOid,
						 ATTSTATSSLOT_NUMBERS))
	{
		if (slot.nnumbers == 1)
			correlation = slot.numbers[0];
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
	return correlation;
}
