/*-------------------------------------------------------------------------
 *
 * whatif_columns.c
 *		How wide the columns of an index are, and tuples of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/detoast.h"
#include "access/itup.h"
#include "catalog/pg_statistic.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"

#include "whatif.h"

/* What a value takes in a tuple: short ones have a header of one byte. */
static double
stored_width(Datum value)
{
	const Size	length = toast_raw_datum_size(value) - VARHDRSZ;

	return length + VARHDRSZ_SHORT <= VARATT_SHORT_MAX ?
		length + VARHDRSZ_SHORT : length + VARHDRSZ;
}

/* The widths of values that statistics keep */
static void
add_widths(PgdWhatIfColumn *column, HeapTuple tuple, int kind)
{
	AttStatsSlot slot;

	if (!get_attstatsslot(&slot, tuple, kind, InvalidOid,
						  ATTSTATSSLOT_VALUES))
		return;
	for (int i = 0; i < slot.nvalues && column->nwidths < PGD_WIDTHS; i++)
		column->widths[column->nwidths++] = stored_width(slot.values[i]);
	free_attstatsslot(&slot);
}

/*
 * Widths of single values are of use if there are more than one, and few so
 * wide that statistics leave them out.
 */
static void
learn_widths(PgdWhatIfColumn *column, HeapTuple tuple)
{
	double		sum = 0;
	bool		vary = false;

	add_widths(column, tuple, STATISTIC_KIND_HISTOGRAM);
	if (column->nwidths == 0)
		add_widths(column, tuple, STATISTIC_KIND_MCV);
	for (int i = 0; i < column->nwidths; i++)
	{
		sum += column->widths[i];
		vary = vary || column->widths[i] != column->widths[0];
	}
	if (column->nwidths > 0 && !vary)
	{
		column->width = column->widths[0];
		column->fixed = true;
	}
	if (!vary || fabs(sum / column->nwidths - column->width) >
		VARHDRSZ + column->width / 10)
		column->nwidths = 0;
}

/* Of what was never analyzed */
static void
learn_from_rows(PgdWhatIfColumn *column, const PgdWhatIfValues *values,
				int nrows)
{
	double		sum = 0;
	int			n = 0;

	for (int i = 0; i < nrows; i++)
	{
		int			width;

		if (values->nulls[i])
			continue;
		(void) pgd_whatif_hash(values->values[i], values->length,
							   values->by_value, &width);
		sum += width;
		n++;
	}
	column->null_frac = 1 - (double) n / nrows;
	if (n > 0 && column->length < 0)
		column->width = sum / n;
}

/*
 * False if nothing is known of a column, which its values could tell.
 */
static bool
learn_column(PlannerInfo *root, PgdWhatIfColumn *column, int32 typmod,
			 const PgdWhatIfValues *values, int nrows)
{
	bool		known = true;
	VariableStatData vardata;
	const Oid	type = exprType(column->expr);
	bool		by_value;
	int16		length;

	get_typlenbyvalalign(type, &length, &by_value, &column->align);
	column->length = length;
	column->width = length > 0 ? length : get_typavgwidth(type, typmod);
	examine_variable(root, column->expr, 0, &vardata);
	if (HeapTupleIsValid(vardata.statsTuple))
	{
		const Form_pg_statistic stats =
			(Form_pg_statistic) GETSTRUCT(vardata.statsTuple);

		column->null_frac = stats->stanullfrac;
		if (length < 0 && stats->stawidth > 0)
			column->width = stats->stawidth;
		/* what has just been computed has a long header yet */
		if (length == -1 && !IsA(column->expr, Var) &&
			column->width <= VARATT_SHORT_MAX && column->width > VARHDRSZ)
			column->width -= VARHDRSZ - VARHDRSZ_SHORT;
		if (length == -1)
			learn_widths(column, vardata.statsTuple);
	}
	else if (values == NULL)
		known = false;
	else if (nrows > 0)
		learn_from_rows(column, values, nrows);
	ReleaseVariableStats(vardata);
	return known;
}

PgdWhatIfColumn *
pgd_whatif_columns(const PgdHypothetical *h, PlannerInfo *root, Index rti,
				   Relation relation, const PgdHypotheticalLeaf *leaf)
{
	const PgdHypotheticalParts *const parts = h->parts;
	PgdWhatIfColumn *columns = palloc0(parts->ncolumns * sizeof(PgdWhatIfColumn));
	List	   *exprs = copyObject(leaf->exprs);
	ListCell   *next = list_head(exprs);
	const PgdWhatIfSample *const sample = parts->sample;

	if (rti != 1)
		ChangeVarNodes((Node *) exprs, 1, rti, 0);
	for (int i = 0; i < parts->ncolumns; i++)
	{
		if (leaf->attnums[i] != 0)
		{
			const Form_pg_attribute attr =
				TupleDescAttr(RelationGetDescr(relation), leaf->attnums[i] - 1);

			columns[i].expr = (Node *) makeVar(rti, attr->attnum,
											   attr->atttypid, attr->atttypmod,
											   attr->attcollation, 0);
		}
		else
		{
			columns[i].expr = lfirst(next);
			next = lnext(exprs, next);
		}
		if (!learn_column(root, &columns[i], parts->typmods[i],
						  sample != NULL ? &sample->columns[i] : NULL,
						  sample != NULL ? sample->nrows : 0))
			h->parts->unknown = true;
	}
	return columns;
}

/* A tuple that is being put together */
typedef struct Tuple
{
	double		size;			/* of the data up to here */
	bool		nulls;
	bool		varies;			/* nobody knows where alignment begins */
	int			branches;		/* cases that were told apart */
} Tuple;

/*
 * The mean size of all tuples that begin like this one.  NULL or not, and
 * short or long, make a difference after alignment, so they are told apart
 * as far as that does not take long.
 */
static double
mean_size(const PgdWhatIfColumn *columns, int n, double header, Tuple tuple)
{
	double		size = 0;
	Tuple		next = tuple;

	if (n == 0)
	{
		if (tuple.nulls)
			header = MAXALIGN((long) (header + sizeof(IndexAttributeBitMapData)));
		size = header + tuple.size;
		return tuple.varies ? size + (MAXIMUM_ALIGNOF - 1) / 2.0 :
			MAXALIGN((long) size);
	}
	if (columns->null_frac > 0.001 && tuple.branches < 64)
	{
		next.nulls = true;
		next.branches = tuple.branches * 2;
		size = columns->null_frac *
			mean_size(columns + 1, n - 1, header, next);
		next.nulls = tuple.nulls;
	}
	if (columns->length > 0 && !tuple.varies)
		next.size = att_align_nominal((long) tuple.size, columns->align);
	if (columns->nwidths > 0 && tuple.branches < 4)
	{
		double		sum = 0;
		const double start = next.size;

		next.branches = 1000;
		for (int i = 0; i < columns->nwidths; i++)
		{
			next.size = start + columns->widths[i];
			sum += mean_size(columns + 1, n - 1, header, next);
		}
		return size + (size > 0 ? 1 - columns->null_frac : 1) *
			sum / columns->nwidths;
	}
	else
	{
		next.size += columns->width;
		next.varies = tuple.varies || (columns->length < 0 && !columns->fixed);
	}
	return size + (size > 0 ? 1 - columns->null_frac : 1) *
		mean_size(columns + 1, n - 1, header, next);
}

/*
 * The mean size of index tuples of the first columns.
 */
double
pgd_whatif_tuple_size(const PgdWhatIfColumn *columns, int n)
{
	return mean_size(columns, n, sizeof(IndexTupleData), (Tuple) {.branches = 1});
}
