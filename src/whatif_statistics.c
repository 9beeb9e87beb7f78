/*-------------------------------------------------------------------------
 *
 * whatif_statistics.c
 *		Statistics of expressions, as ANALYZE would keep them.
 *
 * They are computed from a sample by what ANALYZE itself calls for a type,
 * made into a row of pg_statistic that is nowhere but in memory, and handed
 * to the planner when it asks for those of the index.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "commands/vacuum.h"
#include "utils/array.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

#include "compat.h"
#include "whatif.h"

static Datum
fetch(VacAttrStatsP stats, int row, bool *isnull)
{
	*isnull = stats->exprnulls[row];
	return stats->exprvals[row];
}

/*
 * What ANALYZE would find out; NULL if the type has nothing to be known.
 */
static VacAttrStats *
analyze(const PgdHypothetical *h, int column, const PgdWhatIfSample *sample)
{
	VacAttrStats *stats = palloc0(sizeof(VacAttrStats));
	HeapTuple	type = SearchSysCacheCopy1(TYPEOID,
										   ObjectIdGetDatum(h->parts->types[column]));
	bool		known;

	if (!HeapTupleIsValid(type))
		elog(ERROR, "cache lookup failed for type %u",
			 h->parts->types[column]);
	stats->attrtype = (Form_pg_type) GETSTRUCT(type);
	stats->attrtypid = h->parts->types[column];
	stats->attrtypmod = h->parts->typmods[column];
	stats->attrcollid = h->parts->collations[column];
	stats->anl_context = CurrentMemoryContext;
	pgd_use_default_target(stats);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
	{
		stats->statypid[i] = stats->attrtypid;
		stats->statyplen[i] = stats->attrtype->typlen;
		stats->statypbyval[i] = stats->attrtype->typbyval;
		stats->statypalign[i] = stats->attrtype->typalign;
	}
	if (OidIsValid(stats->attrtype->typanalyze))
		known = DatumGetBool(OidFunctionCall1(stats->attrtype->typanalyze,
											  PointerGetDatum(stats)));
	else
		known = std_typanalyze(stats);
	if (!known || stats->compute_stats == NULL)
		return NULL;
	stats->exprvals = sample->columns[column].values;
	stats->exprnulls = sample->columns[column].nulls;
	stats->rowstride = 1;
	stats->compute_stats(stats, fetch, sample->nrows,
						 Max(sample->tuples, sample->nrows));
	return stats->stats_valid ? stats : NULL;
}

static void
set_slot(const VacAttrStats *stats, int slot, Datum *values, bool *nulls)
{
	values[Anum_pg_statistic_stakind1 - 1 + slot] =
		Int16GetDatum(stats->stakind[slot]);
	values[Anum_pg_statistic_staop1 - 1 + slot] =
		ObjectIdGetDatum(stats->staop[slot]);
	values[Anum_pg_statistic_stacoll1 - 1 + slot] =
		ObjectIdGetDatum(stats->stacoll[slot]);
	if (stats->numnumbers[slot] > 0)
	{
		const int	n = stats->numnumbers[slot];
		Datum	   *numbers = palloc(n * sizeof(Datum));

		for (int i = 0; i < n; i++)
			numbers[i] = Float4GetDatum(stats->stanumbers[slot][i]);
		values[Anum_pg_statistic_stanumbers1 - 1 + slot] =
			PointerGetDatum(construct_array(numbers, n, FLOAT4OID,
											sizeof(float4), true,
											TYPALIGN_INT));
	}
	else
		nulls[Anum_pg_statistic_stanumbers1 - 1 + slot] = true;
	if (stats->numvalues[slot] > 0)
		values[Anum_pg_statistic_stavalues1 - 1 + slot] =
			PointerGetDatum(construct_array(stats->stavalues[slot],
											stats->numvalues[slot],
											stats->statypid[slot],
											stats->statyplen[slot],
											stats->statypbyval[slot],
											stats->statypalign[slot]));
	else
		nulls[Anum_pg_statistic_stavalues1 - 1 + slot] = true;
}

/* As a row of the catalog */
static HeapTuple
make_row(Oid index, int column, const VacAttrStats *stats)
{
	Relation	catalog = table_open(StatisticRelationId, AccessShareLock);
	Datum		values[Natts_pg_statistic] = {0};
	bool		nulls[Natts_pg_statistic] = {false};
	HeapTuple	row;

	values[Anum_pg_statistic_starelid - 1] = ObjectIdGetDatum(index);
	values[Anum_pg_statistic_staattnum - 1] = Int16GetDatum(column + 1);
	values[Anum_pg_statistic_stainherit - 1] = BoolGetDatum(false);
	values[Anum_pg_statistic_stanullfrac - 1] =
		Float4GetDatum(stats->stanullfrac);
	values[Anum_pg_statistic_stawidth - 1] = Int32GetDatum(stats->stawidth);
	values[Anum_pg_statistic_stadistinct - 1] =
		Float4GetDatum(stats->stadistinct);
	for (int i = 0; i < STATISTIC_NUM_SLOTS; i++)
		set_slot(stats, i, values, nulls);
	row = heap_form_tuple(RelationGetDescr(catalog), values, nulls);
	table_close(catalog, AccessShareLock);
	return row;
}

/*
 * Statistics of all expressions of an index.
 */
void
pgd_whatif_analyze(PgdHypothetical *h, const PgdWhatIfSample *sample)
{
	PgdHypotheticalParts *const parts = h->parts;

	if (sample->nrows == 0)
		return;
	if (parts->statistics == NULL)
		parts->statistics = MemoryContextAllocZero(parts->context,
												   parts->nkeys * sizeof(HeapTuple));
	for (int i = 0; i < parts->nkeys; i++)
	{
		const VacAttrStats *stats = parts->attnums[i] != 0 ? NULL :
			analyze(h, i, sample);

		if (stats != NULL)
		{
			HeapTuple	row = make_row(h->oid, i, stats);
			MemoryContext context = MemoryContextSwitchTo(parts->context);

			parts->statistics[i] = heap_copytuple(row);
			MemoryContextSwitchTo(context);
		}
	}
}

/* They are kept as long as the index is. */
static void
keep(HeapTuple tuple)
{
}

/*
 * The planner asks for statistics of a column of an index.  As for an index
 * that exists, those of a partial one are for nobody but us, who want to know
 * its size: then the argument is the index.
 */
bool
pgd_whatif_index_statistics(PlannerInfo *root, Oid index, AttrNumber column,
							VariableStatData *vardata)
{
	const PgdWhatIf *const wi = pgd_whatif_planning->wi;
	ListCell   *lc;

	foreach(lc, wi->indexes)
	{
		PgdHypothetical *const h = lfirst(lc);
		const PgdHypotheticalParts *const parts = h->parts;

		if (h->oid != index)
			continue;
		if (parts->statistics == NULL || column > parts->nkeys ||
			parts->statistics[column - 1] == NULL ||
			(parts->pred != NIL && wi->arg != h))
			return false;
		vardata->statsTuple = parts->statistics[column - 1];
		vardata->freefunc = keep;
		vardata->acl_ok = pgd_whatif_may_read(h);
		return true;
	}
	return false;
}
