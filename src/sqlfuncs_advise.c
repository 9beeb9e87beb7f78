/*-------------------------------------------------------------------------
 *
 * sqlfuncs_advise.c
 *		SQL-callable functions: index advice.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "funcapi.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#include "advise.h"
#include "remember.h"
#include "rows.h"
#include "window.h"

/* What a column can be made of. */
typedef struct AdviceRow
{
	struct varlena *verdict;
	int32		rank;
	struct varlena *ddl;
	struct varlena *undo;
	struct varlena *verify;
	struct varlena *relation;
	Oid			relid;
	uint64		size_bytes;
	double		gain;			/* ms per second, as the following */
	double		gain_alone;
	double		write;
	double		net;
	double		share;
	uint64		statements;
	uint64		calls;
	void	   *queryids;
	void	   *benefits;
	void	   *replaces;
	struct varlena *confidence;
	struct varlena *reason;
} AdviceRow;

#define A(field)	offsetof(AdviceRow, field)

static const Column advice_columns[] = {
	{"verdict", COL_TEXT, A(verdict)},
	{"rank", COL_INT, A(rank)},
	{"ddl", COL_TEXT, A(ddl)},
	{"undo", COL_TEXT, A(undo)},
	{"verify", COL_TEXT, A(verify)},
	{"relation", COL_TEXT, A(relation)},
	{"relid", COL_OID, A(relid)},
	{"size_bytes", COL_COUNT, A(size_bytes)},
	{"gain_ms_per_s", COL_NUMBER, A(gain)},
	{"gain_alone_ms_per_s", COL_NUMBER, A(gain_alone)},
	{"write_ms_per_s", COL_NUMBER, A(write)},
	{"net_ms_per_s", COL_NUMBER, A(net)},
	{"share", COL_NUMBER, A(share)},
	{"statements", COL_COUNT, A(statements)},
	{"calls", COL_COUNT, A(calls)},
	{"queryids", COL_POINTER, A(queryids)},
	{"benefits", COL_POINTER, A(benefits)},
	{"replaces", COL_POINTER, A(replaces)},
	{"confidence", COL_TEXT, A(confidence)},
	{"reason", COL_TEXT, A(reason)},
	{NULL}
};

typedef struct Telling
{
	RowSink    *sink;
	PgdAdvice  *advice;
	double		seconds;
	List	   *names;			/* of indexes proposed so far */
} Telling;

static void advise(FunctionCallInfo fcinfo, const PgdWindow *window,
				   double budget, int max_per_table);
static void tell_proposed(Telling *telling, int number,
						  const Bitmapset *before);
static void tell_rejected(Telling *telling, int number);
static void tell_problem(Telling *telling, PgdAdvised *statement);

PG_FUNCTION_INFO_V1(pgd_index_advice);
PG_FUNCTION_INFO_V1(pgd_index_advice_query);

/*
 * index_advice(storage_budget bigint, max_per_table integer, w window)
 *
 * Without limits several rules ask for the same: for a window that cannot
 * change any more, the answer is kept for the transaction.
 */
Datum
pgd_index_advice(PG_FUNCTION_ARGS)
{
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 2, &window);
	if (PG_ARGISNULL(0) && PG_ARGISNULL(1))
		pgd_remember(fcinfo, &window, "index_advice_query");
	else
		advise(fcinfo, &window,
			   PG_ARGISNULL(0) ? 0 : Max(PG_GETARG_INT64(0), 1),
			   PG_ARGISNULL(1) ? 0 : Max(PG_GETARG_INT32(1), 0));
	return (Datum) 0;
}

/*
 * index_advice_query(w window)
 */
Datum
pgd_index_advice_query(PG_FUNCTION_ARGS)
{
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	advise(fcinfo, &window, 0, 0);
	return (Datum) 0;
}

/*
 * The whole advice as rows; 0 is no limit.
 */
static void
advise(FunctionCallInfo fcinfo, const PgdWindow *window, double budget,
	   int max_per_table)
{
	PgdAdvice	advice = {0};
	Telling		telling = {0};
	RowSink		sink;
	Bitmapset  *before = NULL;

	pgd_rows_open(&sink, fcinfo, advice_columns);
	pgd_advise_gather(&advice, window, sink.userid, sink.reads_all);
	advice.budget = budget;
	advice.max_per_table = max_per_table;
	pgd_advise_allow(&advice, 0.3);
	pgd_advise_look_at_all(&advice);
	pgd_advise_allow(&advice, 0.6);
	pgd_advise_make_candidates(&advice);
	pgd_advise_select(&advice);

	telling.sink = &sink;
	telling.advice = &advice;
	telling.seconds = Max(pgd_window_seconds(window), 1e-3);
	for (int rank = 1; rank <= advice.nproposed; rank++)
	{
		for (int i = 0; i < advice.nindexes; i++)
		{
			if (advice.indexes[i]->rank != rank)
				continue;
			tell_proposed(&telling, i, before);
			before = bms_add_member(before, i);
		}
	}
	for (int i = 0; i < advice.nindexes; i++)
	{
		if (advice.indexes[i]->rejected != NULL && advice.indexes[i]->rank == 0)
			tell_rejected(&telling, i);
	}
	for (int i = 0; i < advice.nstatements; i++)
	{
		if (advice.statements[i]->problem != NULL)
			tell_problem(&telling, advice.statements[i]);
	}
}

/* ----------
 * What is told
 * ----------
 */

static bool
name_is_taken(Telling *telling, const char *name, Oid namespace)
{
	ListCell   *lc;

	foreach(lc, telling->names)
	{
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	}
	return OidIsValid(get_relname_relid(name, namespace));
}

/*
 * A name as the server would choose it, that nobody has.
 */
static char *
choose_name(Telling *telling, const PgdAdvisedIndex *index)
{
	Oid			namespace = get_rel_namespace(index->candidate->table->relid);
	char	   *name = pstrdup(index->index->name);

	for (int i = 1; name_is_taken(telling, name, namespace); i++)
	{
		char		suffix[16];

		snprintf(suffix, sizeof(suffix), "%d", i);
		name = makeObjectName(index->index->name, NULL, suffix);
	}
	telling->names = lappend(telling->names, name);
	return name;
}

/*
 * What the statements gain that this index helps, besides those before it;
 * also who and how often.
 */
static void
tell_benefits(Telling *telling, AdviceRow *row, const Bitmapset *before,
			  const Bitmapset *after)
{
	PgdAdvice  *advice = telling->advice;
	Datum	   *queryids = palloc(sizeof(Datum) * Max(advice->nstatements, 1));
	StringInfoData json;
	int			n = 0;
	bool		sure = true;
	bool		doubtful = false;

	initStringInfo(&json);
	appendStringInfoChar(&json, '[');
	for (int s = 0; s < advice->nstatements; s++)
	{
		PgdAdvised *statement = advice->statements[s];
		double		saved = statement->base <= 0 ? 0 :
			pgd_advise_saved(advice, statement, before, after);

		if (saved < 0.01 * statement->time || saved <= 0)
			continue;
		appendStringInfo(&json, "%s{\"queryid\": %lld, \"calls\": %.0f, "
						 "\"ms_per_s\": %.3f, \"saved_ms_per_s\": %.3f, "
						 "\"cost_before\": %.2f, \"cost_after\": %.2f}",
						 n > 0 ? ", " : "",
						 (long long) statement->load.queryid,
						 statement->load.calls,
						 statement->time / telling->seconds,
						 saved / telling->seconds,
						 pgd_advise_cost(advice, statement, before, NULL) /
						 list_length(statement->examples),
						 pgd_advise_cost(advice, statement, after, NULL) /
						 list_length(statement->examples));
		queryids[n++] = Int64GetDatum((int64) statement->load.queryid);
		row->calls += (uint64) statement->load.calls;
		if (saved < row->gain / 2 * telling->seconds)
			continue;
		/* who gains most decides how sure we are */
		if (((PgdExample *) linitial(statement->examples))->generic ||
			statement->evidence.executions == 0)
			sure = false;
		if (statement->unforeseen > 0 ||
			(statement->evidence.executions > 0 &&
			 statement->evidence.executions == statement->evidence.cut_short))
			doubtful = true;
	}
	appendStringInfoChar(&json, ']');
	row->statements = n;
	row->queryids = construct_array_builtin(queryids, n, INT8OID);
	row->benefits = DatumGetPointer(DirectFunctionCall1(jsonb_in,
														CStringGetDatum(json.data)));
	row->confidence = cstring_to_text(doubtful ? "low" : sure ? "high" : "medium");
}

static void *
tell_replaced(const PgdCandidate *candidate)
{
	Datum		names[8];
	int			n = 0;
	ListCell   *lc;

	foreach(lc, candidate->table->indexes)
	{
		PgdExistingIndex *existing = lfirst(lc);

		if (n < lengthof(names) && pgd_advise_extends(candidate, existing))
			names[n++] = CStringGetTextDatum(existing->name);
	}
	return construct_array_builtin(names, n, TEXTOID);
}

static void
tell_proposed(Telling *telling, int number, const Bitmapset *before)
{
	PgdAdvisedIndex *index = telling->advice->indexes[number];
	const PgdTable *table = index->candidate->table;
	Bitmapset  *after = bms_add_member(bms_copy(before), number);
	char	   *name = choose_name(telling, index);
	char	   *qualified = quote_qualified_identifier(table->nspname, name);
	AdviceRow	row = {0};

	row.verdict = cstring_to_text("proposed");
	row.rank = index->rank;
	row.ddl = cstring_to_text(psprintf("CREATE INDEX %s%s ON%s",
									   table->partitioned ? "" : "CONCURRENTLY ",
									   quote_identifier(name),
									   index->candidate->definition +
									   strlen("CREATE INDEX ON")));
	row.undo = cstring_to_text(psprintf("DROP INDEX %s%s",
										table->partitioned ? "" : "CONCURRENTLY ",
										qualified));
	row.verify = cstring_to_text(psprintf("SELECT idx_scan, idx_tup_read, pg_size_pretty(pg_relation_size(indexrelid)) AS size\nFROM pg_stat_all_indexes\nWHERE indexrelid = to_regclass(%s)",
										  quote_literal_cstr(qualified)));
	row.relation = cstring_to_text(table->name);
	row.relid = table->relid;
	row.size_bytes = (uint64) (index->index->pages * BLCKSZ);
	row.gain = index->gain / telling->seconds;
	row.gain_alone = index->gain_alone / telling->seconds;
	row.write = index->write / telling->seconds;
	row.net = (index->gain - index->write) / telling->seconds;
	row.share = telling->advice->total_time > 0 ?
		index->gain / telling->advice->total_time : 0;
	tell_benefits(telling, &row, before, after);
	row.replaces = tell_replaced(index->candidate);
	row.reason = cstring_to_text(psprintf("saves %.0f %% of the database's time%s%s",
										  100 * row.share,
										  index->breaks_hot ? "; ends heap-only updates of its columns" : "",
										  table->partitioned ? "; blocks writes to the partitioned table while it is built: to avoid that, create it on each partition first, then on the table with CREATE INDEX ON ONLY, and attach them" : ""));
	pgd_rows_put(telling->sink, &row);
}

static void
tell_rejected(Telling *telling, int number)
{
	PgdAdvice  *advice = telling->advice;
	PgdAdvisedIndex *index = advice->indexes[number];
	Datum	   *queryids = palloc(sizeof(Datum) * Max(advice->nstatements, 1));
	AdviceRow	row = {0};
	int			n = 0;
	int			s = -1;

	while ((s = bms_next_member(index->helped, s)) >= 0)
	{
		queryids[n++] = Int64GetDatum((int64) advice->statements[s]->load.queryid);
		row.calls += (uint64) advice->statements[s]->load.calls;
	}
	row.verdict = cstring_to_text("rejected");
	row.ddl = cstring_to_text(index->candidate->definition);
	row.relation = cstring_to_text(index->candidate->table->name);
	row.relid = index->candidate->table->relid;
	row.size_bytes = PGD_UNKNOWN;
	row.gain = row.gain_alone = row.net = row.write = row.share = NAN;
	if (index->index != NULL)
	{
		row.size_bytes = (uint64) (index->index->pages * BLCKSZ);
		row.write = index->write / telling->seconds;
	}
	row.statements = n;
	row.queryids = construct_array_builtin(queryids, n, INT8OID);
	row.reason = cstring_to_text(index->rejected);
	pgd_rows_put(telling->sink, &row);
}

static void
tell_problem(Telling *telling, PgdAdvised *statement)
{
	AdviceRow	row = {0};
	Datum		queryid = Int64GetDatum((int64) statement->load.queryid);

	row.verdict = cstring_to_text("not planned");
	row.size_bytes = PGD_UNKNOWN;
	row.gain = row.gain_alone = row.net = row.write = row.share = NAN;
	row.statements = 1;
	row.calls = (uint64) statement->load.calls;
	row.queryids = construct_array_builtin(&queryid, 1, INT8OID);
	row.reason = cstring_to_text(statement->problem);
	pgd_rows_put(telling->sink, &row);
}
