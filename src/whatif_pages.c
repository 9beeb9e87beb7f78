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

#include "access/brin.h"
#include "access/brin_page.h"
#include "access/brin_tuple.h"
#include "access/gist.h"
#include "access/nbtree.h"
#include "catalog/pg_am.h"
#include "catalog/pg_statistic.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/selfuncs.h"

#include "compat.h"
#include "whatif.h"

#define ITEM_POINTER	((double) sizeof(ItemIdData))

/* Values of one key column that are there more often than others. */
typedef struct Frequent
{
	int			n;
	float4	   *fractions;
} Frequent;

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
frequent_values(PlannerInfo *root, const PgdWhatIfColumn *column)
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
count_groups(PlannerInfo *root, const PgdWhatIfColumn *columns, int n,
			 double tuples)
{
	List	   *exprs = NIL;

	for (int i = 0; i < n; i++)
		exprs = lappend(exprs, columns[i].expr);
	return Min(estimate_num_groups(root, exprs, tuples, NULL, NULL), tuples);
}

/*
 * Which values of several columns go together, and what an expression makes
 * of them, nobody knows but those who look.
 */
static Items
sampled_items(const PgdWhatIfSample *sample, int nkeys, double tuples,
			  double size)
{
	const double scale = Max(tuples / Max(sample->nrows, 1), 1);
	double		seen[PGD_SEEN] = {0};
	PgdWhatIfClass classes[PGD_CLASSES];
	Items		items = {0, 0};
	int			n = sample->nrows;
	uint64	   *hashes = pgd_whatif_row_hashes(sample, nkeys);

	for (int i = 0; i < sample->nrows; i += n)
	{
		for (n = 1; i + n < sample->nrows && hashes[i + n] == hashes[i]; n++)
			;
		if (n > PGD_SEEN || scale <= 1)
			add_groups(&items, 1, n * scale, size);
		else
			seen[n - 1]++;
	}
	n = pgd_whatif_spread(seen, 1 / scale, classes);
	for (int i = 0; i < n; i++)
		add_groups(&items, classes[i].values, classes[i].rows, size);
	if (scale <= 1)
	{
		/* there were more rows than was thought, or they are all there are */
		items.n *= tuples / sample->nrows;
		items.bytes *= tuples / sample->nrows;
	}
	return items;
}

static Items
btree_items(const PgdHypothetical *h, PlannerInfo *root,
			const PgdWhatIfColumn *columns, double tuples, double size)
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
	if (h->parts->sample != NULL && h->parts->sample->nrows > 0)
		return sampled_items(h->parts->sample, nkeys, tuples, size);
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
		   const PgdWhatIfColumn *columns, PgdHypotheticalLeaf *leaf)
{
	const PgdHypotheticalParts *const parts = h->parts;
	const double size = pgd_whatif_tuple_size(columns, parts->ncolumns);
	const double pivot = pgd_whatif_tuple_size(columns, parts->nkeys) + ITEM_POINTER;
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
	double		per_page;
	double		level;

	/*
	 * The last one that is put on a page goes on to the next one.  Lists of
	 * rows may use what is reserved.
	 */
	if (mean > reserved / 2)
		per_page = floor((page - ITEM_POINTER) / mean) - 1;
	else
		per_page = (page - reserved + Max(mean - size - ITEM_POINTER, 0)) /
			mean - 0.5;
	level = ceil(items.n / Max(per_page, 1));
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

/* Pages of tuples that fill them so far, and of those above them */
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

/* Are rows in the order of a column? */
static bool
is_ordered(PlannerInfo *root, const PgdWhatIfColumn *column)
{
	VariableStatData vardata;
	AttStatsSlot slot;
	bool		ordered = false;

	examine_variable(root, column->expr, 0, &vardata);
	if (HeapTupleIsValid(vardata.statsTuple) &&
		get_attstatsslot(&slot, vardata.statsTuple,
						 STATISTIC_KIND_CORRELATION, InvalidOid,
						 ATTSTATSSLOT_NUMBERS))
	{
		ordered = slot.nnumbers > 0 && fabs(slot.numbers[0]) > 0.9;
		free_attstatsslot(&slot);
	}
	ReleaseVariableStats(vardata);
	return ordered;
}

/*
 * Rows come one by one and pages are split in the middle: so they are half
 * full in the end if rows come in order, and a little more if not.  Where the
 * operator class can sort, pages are made from sorted rows.
 */
#define ORDERED_FILL	0.47
#define RANDOM_FILL		0.57
#define SORTED_FILL		0.72

static double
gist_fill(const PgdHypotheticalParts *parts, PlannerInfo *root,
		  const PgdWhatIfColumn *columns)
{
	bool		sorts = true;

	for (int i = 0; i < parts->nkeys; i++)
		sorts = sorts &&
			OidIsValid(get_opfamily_proc(parts->opfamilies[i],
										 parts->opcintypes[i],
										 parts->opcintypes[i],
										 GIST_SORTSUPPORT_PROC));
	return sorts ? SORTED_FILL :
		is_ordered(root, &columns[0]) ? ORDERED_FILL : RANDOM_FILL;
}

/*
 * Operator classes keep something else than the value: of a fixed size, or a
 * type of their own.  Trigrams are three bytes for about each character, and
 * words four bytes each.
 */
static double
gist_pages(const PgdHypothetical *h, PlannerInfo *root, PgdWhatIfColumn *columns,
		   double tuples)
{
	const PgdHypotheticalParts *const parts = h->parts;

	for (int i = 0; i < parts->nkeys; i++)
	{
		const Oid	type = pgd_whatif_key_type(parts->opclasses[i],
											   parts->types[i]);
		const int	length = get_typlen(type);
		const char *name = type == parts->types[i] ? "" :
			format_type_extended(type, -1, 0);

		if (length > 0)
		{
			columns[i].width = columns[i].length = length;
			columns[i].nwidths = 0;
		}
		else if (strstr(name, "gtrgm") != NULL)
			columns[i].width = 5 + 3 * columns[i].width;
		else if (strstr(name, "gtsvector") != NULL)
			columns[i].width = 5 + 0.15 * columns[i].width;
		else
			continue;
		columns[i].fixed = false;
		columns[i].nwidths = 0;
	}
	return 1 + tree_pages(tuples, pgd_whatif_tuple_size(columns, parts->ncolumns),
						  gist_fill(parts, root, columns));
}

/*
 * src/backend/access/hash/README: pages three quarters full of hash values,
 * in a number of buckets that grows by quarters of a power of two; equal
 * values share one, and what does not fit there goes to overflow pages.
 */
static double
hash_pages(PlannerInfo *root, const PgdWhatIfColumn *columns, double tuples)
{
	const double item = 16 + ITEM_POINTER;
	const double page = BLCKSZ - SizeOfPageHeaderData - 16;
	const double wanted = Max(tuples / floor(BLCKSZ * 0.75 / item), 2);
	const double power = pow(2, floor(log2(wanted)));
	const double buckets = power < 1024 && power < 4 ? Max(power * 2, 2) :
		ceil(wanted / (power / 4)) * power / 4;
	const double groups = Max(count_groups(root, columns, 1, tuples), 1);
	const double overflow = groups >= 2 * buckets ? buckets * 0.05 :
		Min(groups, buckets) *
		Max(tuples / Min(groups, buckets) * item / page - 1, 0);

	return 2 + buckets + ceil(overflow);
}

/* src/backend/access/brin/README: a summary for each range of pages */
static double
brin_pages(const PgdHypothetical *h, const PgdWhatIfColumn *columns,
		   double table_pages)
{
	const double per_range = h->parts->pages_per_range > 0 ?
		h->parts->pages_per_range : BRIN_DEFAULT_PAGES_PER_RANGE;
	const double ranges = Max(ceil(table_pages / per_range), 1);
	double		size = MAXALIGN(SizeOfBrinTuple) + ITEM_POINTER;

	/* least and greatest value of each column */
	for (int i = 0; i < h->parts->ncolumns; i++)
		size += 2 * MAXALIGN((long) ceil(columns[i].width));
	return 1 + ceil(ranges / REVMAP_PAGE_MAXITEMS) +
		ceil(ranges / floor((BLCKSZ - SizeOfPageHeaderData - 8) / size));
}

void
pgd_whatif_size(const PgdHypothetical *h, PlannerInfo *root, RelOptInfo *rel,
				Index rti, Relation relation, PgdHypotheticalLeaf *leaf)
{
	PgdWhatIfColumn *const columns = pgd_whatif_columns(h, root, rti, relation, leaf);
	const double size = pgd_whatif_tuple_size(columns, h->parts->ncolumns);

	leaf->height = -1;
	switch (h->am)
	{
		case BTREE_AM_OID:
			btree_size(h, root, columns, leaf);
			break;
		case HASH_AM_OID:
			leaf->pages = hash_pages(root, columns, leaf->tuples);
			break;
		case BRIN_AM_OID:
			leaf->pages = brin_pages(h, columns, rel->pages);
			break;
		case GIST_AM_OID:
			leaf->pages = gist_pages(h, root, columns, leaf->tuples);
			break;
		case GIN_AM_OID:
			if (h->parts->sample != NULL)
				leaf->pages = pgd_whatif_gin_pages(h, h->parts->sample,
												   leaf->tuples, rel->pages);
			if (leaf->pages == 0)
				leaf->pages = 2 + tree_pages(leaf->tuples, size, 1);
			break;
		default:
			/* SP-GiST, and those of extensions */
			leaf->pages = 1 + tree_pages(leaf->tuples, size, 0.65);
			break;
	}
}
