/*-------------------------------------------------------------------------
 *
 * whatif_sample.c
 *		A few rows of a table, as an index would have them.
 *
 * Expressions have no statistics before an index on them has been analyzed,
 * and what a GIN index makes of a document stands nowhere.  So some values
 * are computed: of rows that whoever plans may read, and by functions that
 * run as him.  A value that cannot be computed is an error, as it is one when
 * the index is built.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "access/sysattr.h"
#include "access/tableam.h"
#include "common/hashfn.h"
#include "common/pg_prng.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/optimizer.h"
#include "storage/bufmgr.h"
#include "utils/acl.h"
#include "utils/datum.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"
#include "utils/sampling.h"
#include "utils/snapmgr.h"

#include "compat.h"
#include "whatif.h"

/*
 * A tenth of what ANALYZE reads: enough to tell a unique expression from one
 * with a hundred values, which is what plans depend on.
 */
#define SAMPLE_BLOCKS	300
#define SAMPLE_ROWS		3000

/* Functions may be slow; nanoseconds after which the sample is large enough. */
#define SAMPLE_TIME		UINT64CONST(200000000)

/* The same blocks each time, so that the same question has the same answer. */
#define SAMPLE_SEED		20150107

/*
 * May the current role read all rows of these columns?
 */
bool
pgd_whatif_may_read(const PgdHypothetical *h)
{
	const Oid	userid = GetUserId();
	Bitmapset  *columns = NULL;
	int			column = -1;

	if (check_enable_rls(h->relid, InvalidOid, true) == RLS_ENABLED)
		return false;
	if (pg_class_aclcheck(h->relid, userid, ACL_SELECT) == ACLCHECK_OK)
		return true;
	pull_varattnos((Node *) h->parts->exprs, 1, &columns);
	for (int i = 0; i < h->parts->ncolumns; i++)
	{
		if (h->parts->attnums[i] != 0)
			columns = bms_add_member(columns, h->parts->attnums[i] -
									 FirstLowInvalidHeapAttributeNumber);
	}
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		const AttrNumber attnum = column + FirstLowInvalidHeapAttributeNumber;

		if (attnum == InvalidAttrNumber ||
			pg_attribute_aclcheck(h->relid, attnum, userid,
								  ACL_SELECT) != ACLCHECK_OK)
			return false;
	}
	return true;
}

static void
store_row(const PgdHypotheticalLeaf *leaf, PgdWhatIfSample *sample,
		  List *states, TupleTableSlot *slot, ExprContext *econtext)
{
	ListCell   *state = list_head(states);

	for (int i = 0; i < sample->ncolumns; i++)
	{
		PgdWhatIfValues *const values = &sample->columns[i];
		Datum		value;
		bool		isnull;

		if (leaf->attnums[i] != 0)
			value = slot_getattr(slot, leaf->attnums[i], &isnull);
		else
		{
			value = ExecEvalExprSwitchContext(lfirst(state), econtext,
											  &isnull);
			state = lnext(states, state);
		}
		values->nulls[sample->nrows] = isnull;
		values->values[sample->nrows] = isnull ? (Datum) 0 :
			datumCopy(value, values->by_value, values->length);
	}
	sample->nrows++;
}

/* Some rows of some blocks */
static void
read_rows(const PgdHypotheticalLeaf *leaf, Relation relation,
		  PgdWhatIfSample *sample)
{
	const BlockNumber nblocks = RelationGetNumberOfBlocks(relation);
	const double read = Min(nblocks, SAMPLE_BLOCKS);
	const double share = SAMPLE_ROWS /
		Max(leaf->tuples / Max(nblocks, 1) * read, SAMPLE_ROWS);
	const uint64 until = pgd_clock() + SAMPLE_TIME;
	EState	   *estate = CreateExecutorState();
	ExprContext *econtext = GetPerTupleExprContext(estate);
	TupleTableSlot *slot = table_slot_create(relation, NULL);
	List	   *states = NIL;
	BlockSamplerData blocks;
	TableScanDesc scan = NULL;
	pg_prng_state prng;
	ExprState  *pred = ExecPrepareQual(leaf->pred, estate);
	ListCell   *lc;

	foreach(lc, leaf->exprs)
		states = lappend(states, ExecPrepareExpr(lfirst(lc), estate));
	econtext->ecxt_scantuple = slot;
	pg_prng_seed(&prng, SAMPLE_SEED);
	(void) BlockSampler_Init(&blocks, nblocks, SAMPLE_BLOCKS, SAMPLE_SEED);
	while (BlockSampler_HasMore(&blocks) && sample->nrows < SAMPLE_ROWS &&
		   pgd_clock() < until)
	{
		const BlockNumber block = BlockSampler_Next(&blocks);
		ItemPointerData first;
		ItemPointerData last;

		CHECK_FOR_INTERRUPTS();
		ItemPointerSet(&first, block, FirstOffsetNumber);
		ItemPointerSet(&last, block, MaxOffsetNumber);
		if (scan == NULL)
			scan = table_beginscan_tidrange(relation, GetActiveSnapshot(),
											&first, &last);
		else
			table_rescan_tidrange(scan, &first, &last);
		while (sample->nrows < SAMPLE_ROWS &&
			   table_scan_getnextslot_tidrange(scan, ForwardScanDirection,
											   slot))
		{
			/* what is in a table is often periodic, so every n-th won't do */
			if (pg_prng_double(&prng) > share)
				continue;
			ResetExprContext(econtext);
			/* what is not in the index may have no value there */
			if (!ExecQual(pred, econtext))
				continue;
			store_row(leaf, sample, states, slot, econtext);
		}
	}
	if (scan != NULL)
		table_endscan(scan);
	ExecDropSingleTupleTableSlot(slot);
	FreeExecutorState(estate);
}

/*
 * Rows of the largest table that the index is on, in the current memory
 * context; NULL if they may not or cannot be read.
 */
PgdWhatIfSample *
pgd_whatif_sample(const PgdHypothetical *h)
{
	const PgdHypotheticalParts *const parts = h->parts;
	const PgdHypotheticalLeaf *leaf = NULL;
	PgdWhatIfSample *sample;
	Relation	relation;

	for (int i = 0; i < parts->nleaves; i++)
	{
		if (leaf == NULL ||
			parts->leaves[i].table_tuples > leaf->table_tuples)
			leaf = &parts->leaves[i];
	}
	if (leaf == NULL || !pgd_whatif_may_read(h))
		return NULL;
	relation = relation_open(leaf->relid, AccessShareLock);
	if (relation->rd_tableam == NULL ||
		relation->rd_tableam->scan_getnextslot_tidrange == NULL ||
		!RelationIsScannable(relation) ||
		!pgd_whatif_fits(h, leaf, relation))
	{
		relation_close(relation, NoLock);
		return NULL;
	}
	sample = palloc0(sizeof(PgdWhatIfSample));
	sample->tuples = leaf->tuples;
	sample->ncolumns = parts->ncolumns;
	sample->columns = palloc0(parts->ncolumns * sizeof(PgdWhatIfValues));
	for (int i = 0; i < parts->ncolumns; i++)
	{
		PgdWhatIfValues *const values = &sample->columns[i];

		get_typlenbyval(parts->types[i], &values->length, &values->by_value);
		values->values = palloc(SAMPLE_ROWS * sizeof(Datum));
		values->nulls = palloc(SAMPLE_ROWS * sizeof(bool));
	}
	read_rows(leaf, relation, sample);
	relation_close(relation, NoLock);
	return sample;
}

static int
compare_hashes(const void *a, const void *b)
{
	const uint64 left = *(const uint64 *) a;
	const uint64 right = *(const uint64 *) b;

	return left < right ? -1 : left > right ? 1 : 0;
}

/*
 * Hashes of the first columns of all rows, sorted: equal rows are neighbours.
 */
uint64 *
pgd_whatif_row_hashes(const PgdWhatIfSample *sample, int ncolumns)
{
	uint64	   *hashes = palloc0(Max(sample->nrows, 1) * sizeof(uint64));

	for (int i = 0; i < sample->nrows; i++)
	{
		for (int c = 0; c < ncolumns; c++)
		{
			const PgdWhatIfValues *values = &sample->columns[c];
			uint64		hash = 0;

			if (!values->nulls[i])
				hash = pgd_whatif_hash(values->values[i], values->length,
									   values->by_value, NULL);
			hashes[i] = hash_combine64(hashes[i], hash);
		}
	}
	qsort(hashes, sample->nrows, sizeof(uint64), compare_hashes);
	return hashes;
}

/*
 * Hash of what a value consists of; and how wide it is in an index.
 */
uint64
pgd_whatif_hash(Datum value, int length, bool by_value, int *width)
{
	const unsigned char *bytes;
	int			n = length;

	if (by_value)
	{
		bytes = (const unsigned char *) &value;
		n = sizeof(value);
	}
	else if (length > 0)
		bytes = (const unsigned char *) DatumGetPointer(value);
	else if (length == -2)
	{
		bytes = (const unsigned char *) DatumGetPointer(value);
		n = length = strlen(DatumGetCString(value)) + 1;
	}
	else
	{
		struct varlena *packed = PG_DETOAST_DATUM_PACKED(value);

		bytes = (const unsigned char *) VARDATA_ANY(packed);
		n = VARSIZE_ANY_EXHDR(packed);
		length = n + VARHDRSZ_SHORT <= VARATT_SHORT_MAX ?
			n + VARHDRSZ_SHORT : n + VARHDRSZ;
	}
	if (width != NULL)
		*width = length;
	return hash_bytes_extended(bytes, n, 0);
}
