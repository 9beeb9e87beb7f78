/*-------------------------------------------------------------------------
 *
 * whatif_gin.c
 *		How large would a GIN index be?
 *
 * It has an entry for each key that its operator class makes of any value,
 * with the rows that have it.  How many keys there are, and how they are
 * spread, is told by the operator class itself, asked about a few rows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/gin.h"
#include "access/htup_details.h"
#include "access/itup.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "whatif.h"

/* Nanoseconds after which enough rows have been looked at */
#define EXTRACT_TIME	UINT64CONST(200000000)

/*
 * An entry that would be longer than this has its rows in pages of their own;
 * see GinMaxItemSize.
 */
#define LONGEST_ENTRY	(BLCKSZ / 3 - 24)

/* Bytes of rows that such a page holds */
#define ROWS_PAGE	(BLCKSZ - SizeOfPageHeaderData - 40)

/*
 * Keys are added in their order, and the page at the end is split in the
 * middle each time.
 */
#define ENTRY_FILL	0.5

typedef struct Key
{
	uint64		hash;			/* of column and value */
	int			rows;			/* of the sample */
	int			width;
} Key;

/* What makes keys of the values of a column */
typedef struct Extractor
{
	FmgrInfo	function;
	Oid			collation;
	int16		length;
	bool		by_value;
} Extractor;

typedef struct Keys
{
	HTAB	   *table;
	double		found;			/* with repetitions in other rows */
	int			rows;
	bool		several;		/* columns, which entries have to tell apart */
} Keys;

/* The type of the keys: the one that the operator class keeps */
Oid
pgd_whatif_key_type(Oid opclass, Oid type)
{
	HeapTuple	tuple = SearchSysCache1(CLAOID, ObjectIdGetDatum(opclass));
	Oid			kept;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for operator class %u", opclass);
	kept = ((Form_pg_opclass) GETSTRUCT(tuple))->opckeytype;
	ReleaseSysCache(tuple);
	if (kept == ANYELEMENTOID)
		kept = get_element_type(getBaseType(type));
	return OidIsValid(kept) ? kept : type;
}

static bool
make_extractor(const PgdHypotheticalParts *parts, int column,
			   Extractor *extractor)
{
	const Oid	proc = get_opfamily_proc(parts->opfamilies[column],
										 parts->opcintypes[column],
										 parts->opcintypes[column],
										 GIN_EXTRACTVALUE_PROC);

	if (!OidIsValid(proc))
		return false;
	fmgr_info(proc, &extractor->function);
	extractor->collation = OidIsValid(parts->collations[column]) ?
		parts->collations[column] : DEFAULT_COLLATION_OID;
	get_typlenbyval(pgd_whatif_key_type(parts->opclasses[column], parts->types[column]),
					&extractor->length, &extractor->by_value);
	return true;
}

static void
add_key(Keys *keys, uint64 hash, int width)
{
	bool		found;
	Key		   *key = hash_search(keys->table, &hash, HASH_ENTER, &found);

	if (!found)
	{
		key->rows = 0;
		key->width = width;
	}
	key->rows++;
	keys->found++;
}

static void
add_value(Keys *keys, Extractor *extractor, int column, Datum value)
{
	int32		n = 0;
	bool	   *nulls = NULL;
	Datum	   *values = (Datum *)
		DatumGetPointer(FunctionCall3Coll(&extractor->function,
										  extractor->collation, value,
										  PointerGetDatum(&n),
										  PointerGetDatum(&nulls)));

	/* a value without keys has an entry of its own kind */
	if (values == NULL || n <= 0)
	{
		add_key(keys, column, 0);
		return;
	}
	for (int i = 0; i < n; i++)
	{
		int			width;
		uint64		hash;

		if (nulls != NULL && nulls[i])
			add_key(keys, column, 0);
		else
		{
			hash = pgd_whatif_hash(values[i], extractor->length,
								   extractor->by_value, &width);
			add_key(keys, hash_combine64(hash, column + 1), width);
		}
	}
}

/*
 * Keys of the rows of a sample; false if nobody can make them.
 */
static bool
extract(const PgdHypothetical *h, const PgdWhatIfSample *sample, Keys *keys)
{
	Extractor  *extractors = palloc(sample->ncolumns * sizeof(Extractor));
	const uint64 until = pgd_clock() + EXTRACT_TIME;
	MemoryContext row = AllocSetContextCreate(CurrentMemoryContext,
											  "pg_diagnose keys",
											  ALLOCSET_DEFAULT_SIZES);

	for (int i = 0; i < sample->ncolumns; i++)
	{
		if (!make_extractor(h->parts, i, &extractors[i]))
			return false;
	}
	for (keys->rows = 0; keys->rows < sample->nrows; keys->rows++)
	{
		MemoryContext caller = MemoryContextSwitchTo(row);

		CHECK_FOR_INTERRUPTS();
		for (int i = 0; i < sample->ncolumns; i++)
		{
			if (sample->columns[i].nulls[keys->rows])
				add_key(keys, i, 0);
			else
				add_value(keys, &extractors[i], i,
						  sample->columns[i].values[keys->rows]);
		}
		MemoryContextSwitchTo(caller);
		MemoryContextReset(row);
		if (pgd_clock() > until)
			break;
	}
	return keys->rows > 0;
}

/*
 * Bytes that a key's list of rows takes, compressed as the distance from each
 * row to the next: 7 bits a byte, of a number that has 11 bits for the place
 * on a page.  Pages between them are distributed as by chance.
 */
static double
list_bytes(double rows, double table_pages)
{
	const double distance = Max(table_pages / Max(rows, 1), 1e-3);
	double		bytes;

	if (rows <= 1)
		return 0;
	if (distance < 1)
		bytes = 1 + distance;	/* one if on the same page */
	else
		bytes = 2 + exp(-8 / distance) + exp(-1024 / distance) +
			exp(-131072 / distance);
	return (rows - 1) * bytes;
}

typedef struct Sum
{
	double		entries;		/* bytes of the tree of keys */
	double		pages;			/* of rows of single keys */
} Sum;

/* "keys" keys of this width that have "rows" rows each */
static void
add_entries(Sum *sum, const Keys *found, double keys, double rows,
			double width, double table_pages)
{
	const double list = list_bytes(rows, table_pages);
	double		entry = sizeof(IndexTupleData) + width +
		(found->several ? sizeof(int16) + 2 : 0);

	/* a list is cut into pieces, each with its first row in full */
	if (entry + list + 8 <= LONGEST_ENTRY)
		entry += 8 + list + 8 * floor(list / 256);
	else
		sum->pages += keys * Max(ceil(list * (1 + 8.0 / 256) / ROWS_PAGE), 1) +
			(list > ROWS_PAGE ? keys : 0);
	sum->entries += keys * (MAXALIGN((long) ceil(entry)) + sizeof(ItemIdData));
}

/*
 * Keys that were seen often have as many rows of the table as of the sample,
 * relatively; how many others there are has to be estimated.
 */
static double
pages_of(const Keys *keys, double tuples, double table_pages)
{
	const double scale = Max(tuples / keys->rows, 1);
	double		seen[PGD_SEEN] = {0};
	double		width = 0;
	double		n = 0;
	PgdWhatIfClass classes[PGD_CLASSES];
	Sum			sum = {0, 0};
	HASH_SEQ_STATUS status;
	Key		   *key;
	int			nclasses;

	hash_seq_init(&status, keys->table);
	while ((key = hash_seq_search(&status)) != NULL)
	{
		if (key->rows > PGD_SEEN || scale <= 1)
		{
			add_entries(&sum, keys, 1, key->rows * scale, key->width,
						table_pages);
			continue;
		}
		seen[key->rows - 1]++;
		width += key->width;
		n++;
	}
	nclasses = pgd_whatif_spread(seen, 1 / scale, classes);
	for (int i = 0; i < nclasses; i++)
		add_entries(&sum, keys, classes[i].values, classes[i].rows, width / n,
					table_pages);
	return Min(tuples / keys->rows, 1) * (sum.pages + sum.entries /
										  (ENTRY_FILL * (BLCKSZ - SizeOfPageHeaderData - MAXALIGN(8))));
}

/*
 * Pages of an index on a table of this size; 0 if that cannot be told.
 */
double
pgd_whatif_gin_pages(const PgdHypothetical *h, const PgdWhatIfSample *sample,
					 double tuples, double table_pages)
{
	HASHCTL		control = {.keysize = sizeof(uint64),
		.entrysize = sizeof(Key),
	.hcxt = CurrentMemoryContext};
	Keys		keys = {.several = h->parts->ncolumns > 1};
	double		pages = 0;

	keys.table = hash_create("pg_diagnose keys", 4096, &control,
							 HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	if (extract(h, sample, &keys))
		pages = 2 + ceil(pages_of(&keys, tuples, table_pages) * 1.01);
	hash_destroy(keys.table);
	return pages;
}
