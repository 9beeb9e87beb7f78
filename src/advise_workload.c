/*-------------------------------------------------------------------------
 *
 * advise_workload.c
 *		The workload that is to be advised: statements, and what they ask of
 *		which tables.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

#include "advise.h"
#include "compat.h"
#include "guc.h"
#include "plan.h"

#define MANY_STATEMENTS	60		/* of more than that, one example each */
#define PLANNINGS		50		/* of one statement there has to be time for */
#define GENERIC_ERROR	3		/* in costs without constants */
#define SLOW_PLANNING	UINT64CONST(3000000)	/* nanoseconds */
#define SLOWEST_UNIT	0.1		/* milliseconds per unit of cost, at most */

/* The argument of work in pgd_whatif_guarded(). */
typedef struct Looking
{
	PgdAdvice  *advice;
	PgdAdvised *statement;
	PgdNeeds	needs;
} Looking;

static void read_examples(void *arg);
static void look(void *arg);
static void settle_time(PgdAdvised *statement);
static bool collect_literals(Node *node, void *context);
static void open_table(void *arg);
static void note_asked(PgdAdvice *advice, PgdAdvised *statement);
static void note_unforeseen(PgdAdvised *statement);

/* ----------
 * Statements
 * ----------
 */

typedef struct Reading
{
	const PgdExampleBytes *examples;
	int			nexamples;
	List	   *result;
} Reading;

/*
 * Take up a statement that was executed in the window.
 */
void
pgd_advise_add_statement(PgdAdvice *advice, const PgdLoad *load,
						 const PgdEvidence *evidence,
						 const PgdExampleBytes *examples, int nexamples)
{
	MemoryContext old = MemoryContextSwitchTo(advice->context);
	PgdAdvised *statement = palloc0(sizeof(PgdAdvised));
	PgdWhatIfRole role = {0};
	Reading		reading = {examples, nexamples, NIL};

	statement->load = *load;
	statement->userid = evidence->key.userid;
	statement->evidence = *evidence;
	role.userid = GetUserId();
	(void) pgd_whatif_guarded(&role, read_examples, &reading,
							  &statement->problem);
	statement->examples = reading.result;
	if (statement->examples == NIL && statement->problem == NULL)
		statement->problem = nexamples == 0 ?
			"no example was captured" : "captured by another server";

	advice->statements = repalloc(advice->statements, sizeof(PgdAdvised *) *
								  (advice->nstatements + 1));
	advice->statements[advice->nstatements++] = statement;
	MemoryContextSwitchTo(old);
}

static void
read_examples(void *arg)
{
	Reading    *reading = arg;

	for (int i = 0; i < reading->nexamples; i++)
	{
		PgdExample *example = pgd_example_read(reading->examples[i].data,
											   reading->examples[i].len);

		if (example != NULL)
			reading->result = lappend(reading->result, example);
	}
}

/*
 * Plan every statement as it is, and see what it asks of which tables.
 */
void
pgd_advise_look_at_all(PgdAdvice *advice)
{
	MemoryContext old = MemoryContextSwitchTo(advice->context);

	for (int i = 0; i < advice->nstatements; i++)
	{
		PgdAdvised *statement = advice->statements[i];
		PgdWhatIfRole role = {0};
		Looking		looking = {0};

		if (statement->examples == NIL)
			continue;
		if (advice->nstatements > MANY_STATEMENTS)
			statement->examples = list_truncate(statement->examples, 1);
		role.userid = statement->userid;
		role.settings = ((PgdExample *) linitial(statement->examples))->settings;
		looking.advice = advice;
		looking.statement = statement;
		looking.needs.context = advice->context;
		MemoryContextSwitchTo(advice->scratch);
		if (!pgd_whatif_guarded(&role, look, &looking, &statement->problem))
		{
			statement->problem = pgd_clock() > advice->deadline ? PGD_NO_TIME :
				MemoryContextStrdup(advice->context, statement->problem);
			looking.needs.needs = NIL;
			statement->base = 0;
		}
		MemoryContextSwitchTo(advice->context);
		MemoryContextReset(advice->scratch);
		statement->needs = looking.needs.needs;
		/* one that takes long to plan is not planned in all its forms */
		statement->examples = list_truncate(statement->examples,
											Max(statement->nshapes, 1));
		settle_time(statement);
		note_asked(advice, statement);
	}
	pgd_advise_writes(advice);
	for (int i = 0; i < advice->nstatements; i++)
		note_unforeseen(advice->statements[i]);
	MemoryContextSwitchTo(old);
}

static void
look(void *arg)
{
	Looking    *looking = arg;
	PgdWhatIf	wi = {0};
	ListCell   *lc;

	wi.look = pgd_advise_look;
	wi.arg = &looking->needs;
	wi.deadline = looking->advice->deadline;
	foreach(lc, looking->statement->examples)
	{
		PgdExample *example = lfirst(lc);
		uint64		start = pgd_clock();
		PlannedStmt *stmt;

		looking->needs.all_literal = example->params == NULL &&
			!example->generic;
		looking->needs.literals = NIL;
		looking->needs.example = foreach_current_index(lc);
		if (!looking->needs.all_literal)
			(void) collect_literals((Node *) example->query,
									&looking->needs.literals);
		stmt = pgd_whatif_plan(&wi, example->query, example->params,
							   example->cursor_options);
		looking->statement->base += stmt->planTree->total_cost;
		looking->statement->shapes[looking->statement->nshapes++] =
			pgd_plan_shape(stmt);
		if (pgd_clock() - start > pgd_threshold.missing_index_max_time * 1e6 /
			PLANNINGS)
			ereport(ERROR,
					(errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					 errmsg("it takes too long to plan")));
		if (pgd_clock() - start > SLOW_PLANNING)
			break;
	}
}

/*
 * What the load of the window would take with the plans of now.  After an
 * index was made, or statistics, the time of older plans says little: then
 * that of those executed since counts.  If there are none, it is scaled by
 * costs; and if nobody knows what they were, the statement is left alone until
 * it was executed.
 */
static void
settle_time(PgdAdvised *statement)
{
	const PgdLoad *load = &statement->load;
	TimestampTz since = 0;
	double		calls = 0;
	double		time = 0;
	bool		found = load->nplans == 0;

	if (statement->problem != NULL)
		return;
	for (int i = 0; i < load->nplans; i++)
	{
		/* 0 is what came after there was room for shapes */
		for (int s = 0; s < statement->nshapes; s++)
			if (load->plans[i].shape == statement->shapes[s] ||
				load->plans[i].shape == 0)
			{
				found = true;
				since = Max(since, load->plans[i].last_seen);
			}
	}
	if (!found && statement->evidence.executions == 0)
	{
		statement->problem = "its plan has changed since it was executed";
		statement->base = 0;
		statement->needs = NIL;
		return;
	}
	if (!found || ((PgdExample *) linitial(statement->examples))->generic)
	{
		double		then = statement->evidence.cost /
			statement->evidence.executions;
		double		now = statement->base / statement->nshapes;

		/* without constants, costs differ anyway */
		if (found || load->nplans == 0)
			then = 0;
		else if (((PgdExample *) linitial(statement->examples))->generic)
			then /= GENERIC_ERROR;
		statement->time = load->time * (then > now ? now / then : 1);
		return;
	}
	for (int i = 0; i < load->nplans; i++)
	{
		if (load->plans[i].last_seen < since)
			continue;
		calls += load->plans[i].calls;
		time += load->plans[i].total_time / 1e6;
	}
	statement->time = load->time;
	if (calls > 0)
		statement->time = time / calls * load->calls;

	/* of those that never complete, nobody knows for what the time was */
	else
		statement->time = Min(load->time, load->calls * statement->base *
							  SLOWEST_UNIT / statement->nshapes);
}

static bool
collect_literals(Node *node, void *context)
{
	List	  **literals = context;

	if (node == NULL)
		return false;
	if (IsA(node, Const))
	{
		*literals = lappend(*literals, node);
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collect_literals, context, 0);
	return expression_tree_walker(node, collect_literals, context);
}

/* ----------
 * Tables
 * ----------
 */

typedef struct Opening
{
	Oid			relid;
	PgdTable   *result;
} Opening;

/* InvalidOid: it is gone. */
static Oid
owner_of(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner = InvalidOid;

	if (HeapTupleIsValid(tuple))
	{
		owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
		ReleaseSysCache(tuple);
	}
	return owner;
}

/*
 * A table as advice sees it; NULL if it cannot be looked at.  Expressions of
 * its indexes are evaluated as far as they are constant: as its owner, who
 * chose them, and as VACUUM does.
 */
PgdTable *
pgd_advise_find_table(PgdAdvice *advice, Oid relid)
{
	PgdWhatIfRole role = {0};
	Opening		opening = {relid, NULL};
	char	   *problem;
	ListCell   *lc;

	foreach(lc, advice->tables)
	{
		if (((PgdTable *) lfirst(lc))->relid == relid)
			return lfirst(lc);
	}
	role.userid = owner_of(relid);
	role.settings = "search_path\0pg_catalog, pg_temp\0";
	if (!pgd_whatif_guarded(&role, open_table, &opening, &problem))
		return NULL;
	advice->tables = lappend(advice->tables, opening.result);
	return opening.result;
}

static void
open_table(void *arg)
{
	Opening    *opening = arg;

	opening->result = pgd_advise_table(opening->relid,
									   pgd_threshold.missing_index_min_pages);
}

/*
 * By which columns is how much of the workload looking?
 */
static void
note_asked(PgdAdvice *advice, PgdAdvised *statement)
{
	ListCell   *lc;

	foreach(lc, statement->needs)
	{
		PgdNeed    *need = lfirst(lc);
		PgdTable   *table = pgd_advise_find_table(advice, need->relid);
		Bitmapset  *noted = NULL;
		ListCell   *lc2;

		if (table == NULL)
			continue;
		foreach(lc2, need->conditions)
		{
			PgdCondition *c = lfirst(lc2);

			if (c->kind != PGD_COND_EQUAL || c->attno <= 0 ||
				c->attno > table->natts || bms_is_member(c->attno, noted))
				continue;
			noted = bms_add_member(noted, c->attno);
			table->asked[c->attno] += statement->time;
		}
	}
}

/*
 * How many rows an execution has found beyond what the planner expected?
 */
static void
note_unforeseen(PgdAdvised *statement)
{
	ListCell   *lc;

	foreach(lc, statement->needs)
	{
		PgdNeed    *need = lfirst(lc);
		uint32		alias = pgd_evidence_alias(need->alias);

		for (int i = 0; i < PGD_EVIDENCE_NODES; i++)
		{
			const PgdNodeEvidence *node = &statement->evidence.nodes[i];
			double		unforeseen;

			if (node->kind == 0 || node->relid != need->relid ||
				node->alias != alias || node->executions == 0 ||
				statement->evidence.cut_short > 0)
				continue;
			unforeseen = ((double) node->rows - node->estimated) /
				node->executions;
			if (node->rows > 10 * node->estimated)
				statement->unforeseen = Max(statement->unforeseen, unforeseen);
		}
	}
}
