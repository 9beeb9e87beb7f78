/*-------------------------------------------------------------------------
 *
 * sqlfuncs.c
 *		SQL-callable functions about statements: arguments in, rows out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "guc.h"
#include "markfile.h"
#include "rows.h"
#include "store.h"
#include "window.h"

/* What a column can be made of, beside the statement itself. */
typedef struct StatementRow
{
	PgdStatement statement;
	struct varlena *query;
} StatementRow;

typedef struct ErrorRow
{
	PgdKey		key;
	PgdErrorCount error;
} ErrorRow;

typedef struct PlanRow
{
	PgdKey		key;
	PgdPlanUse	plan;
} PlanRow;

#define S(field)	offsetof(StatementRow, statement.field)

static const Column statement_columns[] = {
	{"userid", COL_OID, S(key.userid)},
	{"dbid", COL_OID, S(key.dbid)},
	{"toplevel", COL_BOOL, S(key.toplevel)},
	{"queryid", COL_ID, S(key.queryid)},
	{"fingerprint", COL_ID, S(fingerprint)},
	{"query", COL_TEXT, offsetof(StatementRow, query)},
	{"since", COL_TIMESTAMP, S(since)},
	{"last_seen", COL_TIMESTAMP, S(last_seen)},
	{"histogram", COL_HISTOGRAM, S(histogram)},
#if !PGD_HAVE_WORKER_COUNTS
	{"parallel_workers_to_launch", COL_UNKNOWN, 0},
	{"parallel_workers_launched", COL_UNKNOWN, 0},
#endif

#define PGD_COUNTER(name, combine, unit) \
	{#name, COLUMN_##combine##_##unit, S(counters.name)},
#include "counterlist.h"
#undef PGD_COUNTER
	{NULL}
};

static const Column error_columns[] = {
	{"userid", COL_OID, offsetof(ErrorRow, key.userid)},
	{"dbid", COL_OID, offsetof(ErrorRow, key.dbid)},
	{"toplevel", COL_BOOL, offsetof(ErrorRow, key.toplevel)},
	{"queryid", COL_ID, offsetof(ErrorRow, key.queryid)},
	{"sqlstate", COL_SQLSTATE, offsetof(ErrorRow, error.sqlstate)},
	{"failures", COL_COUNT, offsetof(ErrorRow, error.count)},
	{NULL}
};

static const Column plan_columns[] = {
	{"userid", COL_OID, offsetof(PlanRow, key.userid)},
	{"dbid", COL_OID, offsetof(PlanRow, key.dbid)},
	{"toplevel", COL_BOOL, offsetof(PlanRow, key.toplevel)},
	{"queryid", COL_ID, offsetof(PlanRow, key.queryid)},
	{"shape", COL_ID, offsetof(PlanRow, plan.shape)},
	{"calls", COL_COUNT, offsetof(PlanRow, plan.calls)},
	{"total_exec_time", COL_TIME, offsetof(PlanRow, plan.total_time)},
	{"max_exec_time", COL_TIME_SEEN, offsetof(PlanRow, plan.max_time)},
	{"last_seen", COL_TIMESTAMP, offsetof(PlanRow, plan.last_seen)},
	{NULL}
};

static const Column status_columns[] = {
	{"memory_bytes", COL_COUNT, offsetof(PgdStoreStatus, memory)},
	{"statements", COL_COUNT, offsetof(PgdStoreStatus, entries_used)},
	{"statements_max", COL_COUNT, offsetof(PgdStoreStatus, entries_max)},
	{"statements_pending", COL_COUNT, offsetof(PgdStoreStatus, pending_used)},
	{"evictions", COL_COUNT, offsetof(PgdStoreStatus, evictions)},
	{"text_bytes", COL_COUNT, offsetof(PgdStoreStatus, text_bytes_used)},
	{"text_bytes_max", COL_COUNT, offsetof(PgdStoreStatus, text_bytes)},
	{"texts_dropped", COL_COUNT, offsetof(PgdStoreStatus, texts_dropped)},
	{"uncaptured", COL_COUNT, offsetof(PgdStoreStatus, uncaptured)},
	{"own_time", COL_TIME, offsetof(PgdStoreStatus, own_time)},
	{"own_time_max", COL_TIME, offsetof(PgdStoreStatus, own_time_max)},
	{"wait_time", COL_TIME, offsetof(PgdStoreStatus, wait_time)},
	{"wait_time_max", COL_TIME, offsetof(PgdStoreStatus, wait_time_max)},
	{"evidence_statements", COL_COUNT, offsetof(PgdStoreStatus, evidence.entries)},
	{"evidence_statements_max", COL_COUNT, offsetof(PgdStoreStatus, evidence.entries_max)},
	{"evidence_evictions", COL_COUNT, offsetof(PgdStoreStatus, evidence.evictions)},
	{"evidence_missed", COL_COUNT, offsetof(PgdStoreStatus, evidence.busy)},
	{"examples", COL_COUNT, offsetof(PgdStoreStatus, evidence.examples)},
	{"example_bytes", COL_COUNT, offsetof(PgdStoreStatus, evidence.bytes)},
	{"example_bytes_max", COL_COUNT, offsetof(PgdStoreStatus, evidence.bytes_max)},
	{"examples_dropped", COL_COUNT, offsetof(PgdStoreStatus, evidence.dropped)},
	{"since", COL_TIMESTAMP, offsetof(PgdStoreStatus, since)},
	{"epoch", COL_ID, offsetof(PgdStoreStatus, epoch)},
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_statements);
PG_FUNCTION_INFO_V1(pgd_errors);
PG_FUNCTION_INFO_V1(pgd_plans);
PG_FUNCTION_INFO_V1(pgd_status);
PG_FUNCTION_INFO_V1(pgd_reset);

/* ----------
 * Functions
 * ----------
 */

static void
visit_statement(const PgdStatement *statement, const char *text, int len,
				void *arg)
{
	RowSink    *sink = arg;
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	static StatementRow row;

	row.statement = *statement;
	row.query = NULL;
	if (statement->key.userid == InvalidOid)
		row.query = cstring_to_text("(evicted)");
	else if (!pgd_rows_may_see(sink, statement->key.userid))
	{
		row.query = cstring_to_text("<insufficient privilege>");
		row.statement.key.queryid = 0;
		row.statement.fingerprint = 0;
	}
	else if (text != NULL)
		row.query = pgd_rows_text(text, len,
										 statement->encoding);
	MemoryContextSwitchTo(old);
	pgd_rows_put(sink, &row);
}

/*
 * diagnose.statements(window)
 */
Datum
pgd_statements(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, statement_columns);
	pgd_window_statements(&window, visit_statement, &sink);
	return (Datum) 0;
}

static void
visit_errors(const PgdStatement *statement, const char *text, int len,
			 void *arg)
{
	ErrorRow	row = {.key = statement->key};

	if (!pgd_rows_may_see(arg, statement->key.userid))
		row.key.queryid = 0;
	for (int i = 0; i <= PGD_ERRORS; i++)
	{
		row.error = statement->errors[i];
		if (row.error.count > 0)
			pgd_rows_put(arg, &row);
	}
}

static void
visit_stray(const PgdStrayError *stray, void *arg)
{
	ErrorRow	row = {
		.key = {.dbid = stray->dbid, .toplevel = 1},
		.error = {.sqlstate = stray->sqlstate, .count = stray->count},
	};

	pgd_rows_put(arg, &row);
}

/*
 * diagnose.errors_by_sqlstate(window)
 */
Datum
pgd_errors(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, error_columns);
	pgd_window_statements(&window, visit_errors, &sink);
	pgd_window_strays(&window, visit_stray, &sink);
	return (Datum) 0;
}

static void
visit_plans(const PgdStatement *statement, const char *text, int len,
			void *arg)
{
	PlanRow		row = {.key = statement->key};

	if (!pgd_rows_may_see(arg, statement->key.userid))
		row.key.queryid = 0;
	for (int i = 0; i <= PGD_PLANS; i++)
	{
		row.plan = statement->plans[i];
		if (row.plan.calls > 0)
			pgd_rows_put(arg, &row);
	}
}

/*
 * diagnose.plans(window)
 */
Datum
pgd_plans(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, plan_columns);
	pgd_window_statements(&window, visit_plans, &sink);
	return (Datum) 0;
}

/*
 * diagnose.own_status()
 */
Datum
pgd_status(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdStoreStatus status;

	pgd_require_preload();
	pgd_rows_open(&sink, fcinfo, status_columns);
	pgd_store_status(&status);
	pgd_rows_put(&sink, &status);
	return (Datum) 0;
}

/*
 * diagnose.reset(userid, dbid, queryid)
 */
Datum
pgd_reset(PG_FUNCTION_ARGS)
{
	Oid			userid = PG_GETARG_OID(0);
	Oid			dbid = PG_GETARG_OID(1);
	uint64		queryid = (uint64) PG_GETARG_INT64(2);
	int64		forgotten;

	pgd_require_preload();
	forgotten = pgd_store_reset(userid, dbid, queryid);
	if (!OidIsValid(userid) && !OidIsValid(dbid) && queryid == 0)
	{
		PgdMark		mark;

		pgd_mark_begin(&mark, PGD_MARK_RESET);
		PGD_MARK_TEXT(&mark, what, "everything", -1);
		(void) pgd_marks_put(&mark);
	}
	PG_RETURN_INT64(forgotten);
}
