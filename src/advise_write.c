/*-------------------------------------------------------------------------
 *
 * advise_write.c
 *		What an index costs those who write.
 *
 * An entry for each row that is inserted, and for each update of one of its
 * columns.  Worse is an update that could have been heap-only: as soon as
 * one of its columns is indexed, it needs a new entry in every index of the
 * table.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_am.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"

#include "advise.h"
#include "guc.h"

/*
 * How much more than an entry of a B-tree one takes: GIN has one for each
 * element, some ten of them, but collects them; GiST searches the page that
 * grows least; BRIN has nothing to do for most rows.
 */
#define GIN_FACTOR		6
#define GIST_FACTOR		3
#define BRIN_FACTOR		0.05

/* One statement that wrote so much of a table at once filled it. */
#define LOAD_SHARE		0.1
#define LOAD_CALLS		3

static bool add_write(Node *node, void *arg);

typedef struct Writing
{
	PgdAdvice  *advice;
	const PgdLoad *load;
} Writing;

/*
 * Note who writes to which table, and which columns.
 */
void
pgd_advise_writes(PgdAdvice *advice)
{
	for (int i = 0; i < advice->nstatements; i++)
	{
		PgdAdvised *statement = advice->statements[i];
		Writing		writing = {advice, &statement->load};

		if (statement->examples != NIL && statement->load.rows > 0)
			(void) add_write((Node *) ((PgdExample *) linitial(statement->examples))->query,
							 &writing);
	}
}

/*
 * The columns that a statement sets in rows that exist; NULL if it only
 * inserts.  What may do both mostly finds the row.
 */
static Bitmapset *
set_columns(Bitmapset *columns, List *targets)
{
	ListCell   *lc;

	foreach(lc, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, lc);

		if (!target->resjunk && target->resno > 0)
			columns = bms_add_member(columns, target->resno);
	}
	return columns;
}

static Bitmapset *
updated_columns(const Query *query)
{
	Bitmapset  *columns = NULL;
	ListCell   *lc;

	if (query->commandType == CMD_UPDATE)
		columns = set_columns(columns, query->targetList);
	if (query->onConflict != NULL)
		columns = set_columns(columns, query->onConflict->onConflictSet);
	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);

		if (action->commandType == CMD_UPDATE)
			columns = set_columns(columns, action->targetList);
	}
	return columns;
}

static bool
add_write(Node *node, void *arg)
{
	Writing    *writing = arg;
	Query	   *query = (Query *) node;
	Bitmapset  *columns;
	Oid			relid;
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, add_write, arg);
	(void) query_tree_walker(query, add_write, arg, 0);
	if (query->resultRelation == 0 || query->commandType == CMD_DELETE)
		return false;

	relid = rt_fetch(query->resultRelation, query->rtable)->relid;
	columns = updated_columns(query);
	foreach(lc, writing->advice->tables)
	{
		PgdTable   *table = lfirst(lc);
		PgdWrite   *write;

		if (table->relid != relid ||
			(columns == NULL && writing->load->calls <= LOAD_CALLS &&
			 writing->load->rows > LOAD_SHARE * table->tuples))
			continue;
		write = palloc0(sizeof(PgdWrite));
		write->columns = columns;
		write->rows = writing->load->rows;
		table->writes = lappend(table->writes, write);
	}
	return false;
}

/* Is one of these columns indexed already?  Then updates are not heap-only. */
static bool
is_indexed(const PgdTable *table, const Bitmapset *columns)
{
	ListCell   *lc;

	foreach(lc, table->indexes)
	{
		if (bms_overlap(((PgdExistingIndex *) lfirst(lc))->columns, columns))
			return true;
	}
	return false;
}

/*
 * Milliseconds that an index takes from those who write, in the window.
 */
void
pgd_advise_write_cost(PgdAdvisedIndex *index)
{
	const PgdTable *table = index->candidate->table;
	double		entry = pgd_threshold.missing_index_write_time / 1000.0;
	double		own = entry;
	ListCell   *lc;

	switch (index->candidate->am)
	{
		case GIN_AM_OID:
			own *= GIN_FACTOR;
			break;
		case GIST_AM_OID:
			own *= GIST_FACTOR;
			break;
		case BRIN_AM_OID:
			own *= BRIN_FACTOR;
			break;
	}
	index->write = 0;
	index->breaks_hot = false;
	foreach(lc, table->writes)
	{
		PgdWrite   *write = lfirst(lc);
		bool		touches = bms_overlap(write->columns,
										  index->candidate->columns);

		if (write->columns == NULL || touches)
			index->write += write->rows * own;
		else
			index->write += write->rows * own * (1 - table->hot_share);
		if (touches && table->hot_share > 0 &&
			!is_indexed(table, write->columns) &&
			index->candidate->am != BRIN_AM_OID)
		{
			/* one entry more in all the others, and a new page for the row */
			index->write += write->rows * table->hot_share * entry *
				(list_length(table->indexes) + 1);
			index->breaks_hot = true;
		}
	}
}
