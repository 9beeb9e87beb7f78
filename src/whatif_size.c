/*-------------------------------------------------------------------------
 *
 * whatif_size.c
 *		How many rows an index would have, and how large it would be.
 *
 * The planner is asked to plan a scan of the table with the predicate of the
 * index.  What it finds out on the way is what is needed: which tables it
 * consists of, how many rows they have, how many the predicate leaves, and
 * from statistics how wide the values are and how many are the same.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/relation.h"
#include "catalog/partition.h"
#include "catalog/pg_am.h"
#include "nodes/makefuncs.h"
#include "parser/parse_node.h"
#include "parser/parse_relation.h"
#include "storage/lmgr.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#include "compat.h"
#include "whatif.h"

static int
compare_leaves(const void *a, const void *b)
{
	const Oid	left = ((const PgdHypotheticalLeaf *) a)->relid;
	const Oid	right = ((const PgdHypotheticalLeaf *) b)->relid;

	return left < right ? -1 : left > right ? 1 : 0;
}

/* The part of an index that is one of a table; NULL if it has none. */
PgdHypotheticalLeaf *
pgd_whatif_leaf(const PgdHypothetical *h, Oid relid)
{
	const PgdHypotheticalLeaf key = {.relid = relid};

	if (h->parts->nleaves == 0)
		return NULL;
	return bsearch(&key, h->parts->leaves, h->parts->nleaves,
				   sizeof(PgdHypotheticalLeaf), compare_leaves);
}

/* A partition may have its columns in another order. */
static void
translate(const PgdHypothetical *h, Relation relation,
		  PgdHypotheticalLeaf *leaf)
{
	const PgdHypotheticalParts *const parts = h->parts;
	Relation	parent;

	leaf->exprs = parts->exprs;
	leaf->pred = parts->pred;
	leaf->attnums = parts->attnums;
	if (leaf->relid == h->relid)
		return;
	leaf->attnums = palloc0(parts->ncolumns * sizeof(AttrNumber));
	for (int i = 0; i < parts->ncolumns; i++)
	{
		if (parts->attnums[i] != 0)
			leaf->attnums[i] = get_attnum(leaf->relid,
										  get_attname(h->relid,
													  parts->attnums[i],
													  false));
	}
	parent = relation_open(h->relid, NoLock);
	leaf->exprs = map_partition_varattnos(parts->exprs, 1, relation, parent);
	leaf->pred = map_partition_varattnos(parts->pred, 1, relation, parent);
	relation_close(parent, NoLock);
}

/* The parts of an index while they are being found out */
static PgdHypotheticalLeaf *
add_leaf(PgdHypotheticalParts *parts, Oid relid)
{
	const int	n = parts->nmeasured;
	PgdHypotheticalLeaf *leaf;

	if (n == 0)
		parts->measured = palloc(sizeof(PgdHypotheticalLeaf));
	else if ((n & (n - 1)) == 0)
		parts->measured = repalloc(parts->measured,
								   2 * n * sizeof(PgdHypotheticalLeaf));
	leaf = &parts->measured[parts->nmeasured++];
	memset(leaf, 0, sizeof(*leaf));
	leaf->relid = relid;
	return leaf;
}

/*
 * The planner looks at a relation that the index is on.
 */
static void
measure(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte,
		void *arg)
{
	PgdHypothetical *const h = arg;
	PgdHypotheticalParts *const parts = h->parts;
	MemoryContext context;
	PgdHypotheticalLeaf *leaf;
	Relation	relation;

	if (rte->rtekind != RTE_RELATION || rte->inh ||
		rte->relkind == RELKIND_FOREIGN_TABLE)
		return;
	context = MemoryContextSwitchTo(parts->context);
	leaf = add_leaf(parts, rte->relid);
	leaf->table_tuples = rel->tuples;
	leaf->tuples = parts->pred == NIL ? rel->tuples :
		Min(rel->rows, rel->tuples);
	relation = relation_open(rte->relid, NoLock);
	translate(h, relation, leaf);
	pgd_whatif_size(h, root, rel, rti, relation, leaf);
	relation_close(relation, NoLock);
	MemoryContextSwitchTo(context);
}

/* SELECT FROM table WHERE predicate, of the table alone or with partitions */
static Query *
scan_query(const PgdHypothetical *h)
{
	Query	   *query = makeNode(Query);
	ParseState *pstate = make_parsestate(NULL);
	RangeTblRef *ref = makeNode(RangeTblRef);
	Relation	relation = relation_open(h->relid, NoLock);
	const bool	partitioned =
		relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE;

	(void) addRangeTableEntryForRelation(pstate, relation, AccessShareLock,
										 NULL, partitioned, false);
	relation_close(relation, NoLock);
	ref->rtindex = 1;
	query->commandType = CMD_SELECT;
	query->canSetTag = true;
	query->rtable = pstate->p_rtable;
	pgd_take_permissions(query, pstate);
	query->jointree = makeFromExpr(list_make1(ref),
								   h->parts->pred == NIL ? NULL :
								   (Node *) make_ands_explicit(copyObject(h->parts->pred)));
	free_parsestate(pstate);
	return query;
}

static void
measure_all(PgdHypothetical *h, List *indexes)
{
	PgdHypotheticalParts *const parts = h->parts;
	const PgdWhatIf wi = {.indexes = indexes, .look = measure, .arg = h};

	parts->nmeasured = 0;
	(void) pgd_whatif_plan(&wi, scan_query(h), NULL, 0);
	parts->nleaves = parts->nmeasured;
	parts->leaves = parts->measured;
	qsort(parts->leaves, parts->nleaves, sizeof(PgdHypotheticalLeaf),
		  compare_leaves);
}

/*
 * Fill in the parts of an index, and their sums.  If it takes a sample to
 * know them, the index itself is there the second time, so that the planner
 * asks for its statistics.
 */
void
pgd_whatif_measure(PgdHypothetical *h, bool roughly)
{
	PgdHypotheticalParts *const parts = h->parts;

	parts->unknown = false;
	measure_all(h, NIL);
	if (parts->exprs != NIL || h->am == GIN_AM_OID || parts->unknown ||
		(h->am == BTREE_AM_OID && parts->ncolumns > 1 && !roughly))
	{
		MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
													  "pg_diagnose sample",
													  ALLOCSET_DEFAULT_SIZES);
		MemoryContext caller = MemoryContextSwitchTo(context);
		PgdWhatIfSample *sample = pgd_whatif_sample(h);

		if (sample != NULL)
		{
			pgd_whatif_analyze(h, sample);
			MemoryContextSwitchTo(caller);
			parts->sample = sample;
			measure_all(h, list_make1(h));
			parts->sample = NULL;
		}
		MemoryContextSwitchTo(caller);
		MemoryContextDelete(context);
	}
	h->pages = 0;
	h->tuples = 0;
	for (int i = 0; i < parts->nleaves; i++)
	{
		h->pages += parts->leaves[i].pages;
		h->tuples += parts->leaves[i].tuples;
	}
}

/*
 * The table of an index that was made a while ago: it may have changed.
 */
static void
lock_again(const PgdHypothetical *h)
{
	const PgdHypotheticalLeaf whole = {
		.attnums = h->parts->attnums,
		.exprs = h->parts->exprs,
		.pred = h->parts->pred,
	};
	Relation	relation;

	if (!ConditionalLockRelationOid(h->relid, AccessShareLock))
		ereport(ERROR,
				(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
				 errmsg("relation with OID %u is locked", h->relid)));
	relation = relation_open(h->relid, NoLock);
	if (!pgd_whatif_fits(h, &whole, relation))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("relation \"%s\" has changed",
						RelationGetRelationName(relation))));
	relation_close(relation, NoLock);
}

/*
 * Make up for what was left out where it would take a sample.
 */
void
pgd_whatif_refine(PgdHypothetical *h)
{
	if (h->am == BTREE_AM_OID && h->parts->exprs == NIL &&
		h->parts->ncolumns > 1)
	{
		lock_again(h);
		pgd_whatif_measure(h, false);
	}
}
