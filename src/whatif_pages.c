/*-------------------------------------------------------------------------
 *
 * whatif_pages.c
 *		How many pages an index would have.
 *
 * Sizes follow the layouts that the server's README files describe, for an
 * index that has just been built.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/itup.h"
#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"

#include "compat.h"
#include "whatif.h"

#define ITEM_POINTER	((double) sizeof(ItemIdData))

/* What statistics say of a column. */
typedef struct ColumnFacts
{
	Node	   *expr;			/* with the number of the relation */
	double		width;			/* bytes of a value that is not NULL */
	int			length;			/* of the type; negative: it varies */
	char		align;
	bool		varies;			/* values differ in width */
	double		null_frac;
} ColumnFacts;

/* Values of one key column that are there more often than others. */
typedef struct Frequent
{
	int			n;
	float4	   *fractions;
} Frequent;

/* ----------
 * What is known of columns
 * ----------
 */

/* Do the values that statistics keep have more than one width? */
static bool
width_varies(HeapTuple tuple, int kind)
{
	AttStatsSlot slot;
	bool		varies = false;

	if (!get_attstatsslot(&slot, tuple, kind, InvalidOid,
						  ATTSTATSSLOT_VALUES))
		return false;
	if (!get_typbyval(slot.valuetype))
	{
		for (int i = 1; i < slot.nvalues && !varies; i++)
			varies = VARSIZE_ANY(DatumGetPointer(slot.values[i])) !=
				VARSIZE_ANY(DatumGetPointer(slot.values[0]));
	}
	free_attstatsslot(&slot);
	return varies;
}

static void
learn_column(PlannerInfo *root, ColumnFacts *column, int32 typmod)
{
	VariableStatData vardata;
	const Oid	type = exprType(column->expr);
	bool		by_value;
	int16		length;

	get_typlenbyvalalign(type, &length, &by_value, &column->align);
	column->length = length;
	column->width = length > 0 ? length : get_typavgwidth(type, typmod);
	column->varies = length < 0;
	examine_variable(root, column->expr, 0, &vardata);
	if (HeapTupleIsValid(vardata.statsTuple))
	{
		const Form_pg_statistic stats =
			(Form_pg_statistic) GETSTRUCT(vardata.statsTuple);

		column->null_frac = stats->stanullfrac;
		if (length < 0 && stats->stawidth > 0)
			column->width = stats->stawidth;
		if (length == -1)
			column->varies = width_varies(vardata.statsTuple, STATISTIC_KIND_MCV) ||
				width_varies(vardata.statsTuple, STATISTIC_KIND_HISTOGRAM);
	}
	ReleaseVariableStats(vardata);
}

static ColumnFacts *
learn(const PgdHypothetical *h, PlannerInfo *root, Index rti,
	  Relation relation, const PgdHypotheticalLeaf *leaf)
{
	const PgdHypotheticalParts *const parts = h->parts;
	ColumnFacts *columns = palloc0(parts->ncolumns * sizeof(ColumnFacts));
	List	   *exprs = copyObject(leaf->exprs);
	ListCell   *next = list_head(exprs);

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
		learn_column(root, &columns[i], parts->typmods[i]);
	}
	return columns;
}

/*
 * The mean size of a tuple of these columns, behind a header.
 */
static double
tuple_size(const ColumnFacts *columns, int n, double header)
{
	double		size = 0;
	double		no_null = 1;
	bool		varies = false;

	for (int i = 0; i < n; i++)
	{
		const ColumnFacts *c = &columns[i];

		/* short varlenas are not aligned */
		if (c->length > 0 && !varies)
			size = att_align_nominal((long) size, c->align);
		else if (c->length == -1 && c->width > VARATT_SHORT_MAX)
			size += 1.5;
		size += c->width * (1 - c->null_frac);
		varies = varies || c->varies || c->null_frac > 0;
		no_null *= 1 - c->null_frac;
	}
	size += header + (1 - no_null) * sizeof(IndexAttributeBitMapData);
	/* aligned to 8 bytes: of what varies that costs 3.5 on average */
	return varies ? size + (MAXIMUM_ALIGNOF - 1) / 2.0 : MAXALIGN((long) size);
}

/* ----------
 * B-tree: src/backend/access/nbtree/README
 * ----------
 */

/* Can equal keys be kept as one with a list of rows? */
static bool
deduplicates(const PgdHypothetical *h)
{
	const PgdHypotheticalParts *const parts = h->parts;

	if (parts->unique || parts->ncolumns > parts->nkeys)
		return false;
	for (int i = 0; i < parts->nkeys; i++)
	{
		const Oid	proc = get_opfamily_proc(parts->opfamilies[i],
											 parts->opcintypes[i],
											 parts->opcintypes[i],
											 BTEQUALIMAGE_PROC);

		if (!OidIsValid(proc) ||
			!DatumGetBool(OidFunctionCall1Coll(proc, parts->collations[i],
											   ObjectIdGetDatum(parts->opcintypes[i]))))
			return false;
	}
	return true;
}

/* Items on leaf pages and their bytes, added up. */
typedef struct Items
{
	double		n;
	double		bytes;
} Items;

static void
add_items(Items *items, double n, double size)
{
	items->n += n;
	items->bytes += n * (size + ITEM_POINTER);
}

/*
 * "groups" keys that "rows" rows have each.  The build makes lists of rows no
 * longer than a tenth of a page.
 */
static void
add_groups(Items *items, double groups, double rows, double key)
{
	const double longest = MAXALIGN_DOWN(BLCKSZ / 10) - ITEM_POINTER;
	const double most = Max(floor((MAXALIGN_DOWN((long) longest) - key) /
								  sizeof(ItemPointerData)), 1);
	const double full = floor(rows / most);
	double		rest = rows - full * most;

	if (groups <= 0)
		return;
	if (rows < 2)
	{
		/* some keys are of one row, some of two */
		add_items(items, groups * (2 - Max(rows, 1)), key);
		add_items(items, groups * (Max(rows, 1) - 1),
				  MAXALIGN((long) (key + 2 * sizeof(ItemPointerData))));
		return;
	}
	add_items(items, groups * full,
			  MAXALIGN((long) (key + most * sizeof(ItemPointerData))));
	if (rest < 1)
		return;
	add_items(items, groups,
			  rest < 2 ? key :
			  MAXALIGN((long) (key + rest * sizeof(ItemPointerData))));
}

/* Fractions of all rows that the most common values of a column have. */
static Frequent
frequent_values(PlannerInfo *root, const ColumnFacts *column)
{
	VariableStatData vardata;
	AttStatsSlot slot;
	Frequent	frequent = {0, NULL};

	examine_variable(root, column->expr, 0, &vardata);
	if (HeapTupleIsValid(vardata.statsTuple) &&
		get_attstatsslot(&slot, vardata.statsTuple, STATISTIC_KIND_MCV,
						 InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		frequent.n = slot.nnumbers;
		frequent.fractions = palloc(slot.nnumbers * sizeof(float4));
		memcpy(frequent.fractions, slot.numbers,
			   slot.nnumbers * sizeof(float4));
		free_attstatsslot(&slot);
	}
	ReleaseVariableStats(vardata);
	return frequent;
}

static double
count_groups(PlannerInfo *root, const ColumnFacts *columns, int n,
			 double tuples)
{
	List	   *exprs = NIL;

	for (int i = 0; i < n; i++)
		exprs = lappend(exprs, columns[i].expr);
	return Min(estimate_num_groups(root, exprs, tuples, NULL, NULL), tuples);
}

static Items
btree_items(const PgdHypothetical *h, PlannerInfo *root,
			const ColumnFacts *columns, double tuples, double size)
{
	const int	nkeys = h->parts->nkeys;
	Items		items = {0, 0};
	double		groups;
	double		rest = tuples;

	if (!deduplicates(h))
	{
		add_items(&items, tuples, size);
		return items;
	}
	groups = count_groups(root, columns, nkeys, tuples);
	if (nkeys == 1 && h->parts->pred == NIL)
	{
		const Frequent frequent = frequent_values(root, &columns[0]);

		for (int i = 0; i < frequent.n && groups > 1; i++, groups--)
		{
			add_groups(&items, 1, frequent.fractions[i] * tuples, size);
			rest -= frequent.fractions[i] * tuples;
		}
		if (columns[0].null_frac > 0)
		{
			add_groups(&items, 1, columns[0].null_frac * tuples, size);
			rest -= columns[0].null_frac * tuples;
			groups--;
		}
	}
	groups = Min(Max(groups, 1), rest);
	if (rest >= 1)
		add_groups(&items, groups, rest / groups, size);
	return items;
}

static void
btree_size(const PgdHypothetical *h, PlannerInfo *root,
		   const ColumnFacts *columns, PgdHypotheticalLeaf *leaf)
{
	const PgdHypotheticalParts *const parts = h->parts;
	const double size = tuple_size(columns, parts->ncolumns,
								   sizeof(IndexTupleData));
	const double pivot = tuple_size(columns, parts->nkeys,
									sizeof(IndexTupleData)) + ITEM_POINTER;
	const double page = BLCKSZ - SizeOfPageHeaderData -
		sizeof(BTPageOpaqueData);
	const int	fillfactor = parts->fillfactor > 0 ? parts->fillfactor :
		BTREE_DEFAULT_FILLFACTOR;
	const Items items = btree_items(h, root, columns, leaf->tuples, size);
	const double mean = items.n > 0 ? items.bytes / items.n : size;
	const double reserved = BLCKSZ * (100 - fillfactor) / 100.0;
	const double fanout = Max(floor((page - BLCKSZ *
									 (100 - BTREE_NONLEAF_FILLFACTOR) / 100.0) /
									pivot), 2);
	double		level;

	/* the last one that is put on a page goes on to the next one */
	level = ceil(items.n / Max((page - reserved) / mean - 0.5, 1));
	leaf->pages = 1 + level;	/* with the metapage */
	leaf->height = 0;
	while (level > 1)
	{
		level = ceil(level / fanout);
		leaf->pages += level;
		leaf->height++;
	}
}

/* ----------
 * Others
 * ----------
 */

/* Pages of tuples that are not packed tightly, and of those above them */
static double
tree_pages(double tuples, double size, double fill)
{
	const double per_page = Max(floor((BLCKSZ - SizeOfPageHeaderData -
									   MAXALIGN(8)) * fill /
									  (size + ITEM_POINTER)), 2);
	double		level = ceil(tuples / per_page);
	double		pages = Max(level, 1);

	while (level > 1)
	{
		level = ceil(level / per_page);
		pages += level;
	}
	return pages;
}

void
pgd_whatif_size(const PgdHypothetical *h, PlannerInfo *root, RelOptInfo *rel,
				Index rti, Relation relation, PgdHypotheticalLeaf *leaf)
{
	const ColumnFacts *const columns = learn(h, root, rti, relation, leaf);
	const double size = tuple_size(columns, h->parts->ncolumns,
								   sizeof(IndexTupleData));

	leaf->height = -1;
	switch (h->am)
	{
		case BTREE_AM_OID:
			btree_size(h, root, columns, leaf);
			break;
		case HASH_AM_OID:
			leaf->pages = 4 + tree_pages(leaf->tuples, 16, 0.75);
			break;
		case BRIN_AM_OID:
			leaf->pages = 3 + ceil(rel->pages / 128.0 * (size * 2) / BLCKSZ);
			break;
		default:
			leaf->pages = 1 + tree_pages(leaf->tuples, size, 0.7);
			break;
	}
}
