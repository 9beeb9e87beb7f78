/*-------------------------------------------------------------------------
 *
 * sqlfuncs.c
 *		SQL-callable functions: arguments in, rows out.
 *
 * A function returns the columns that its SQL declaration names, whatever
 * their order: each is looked up by name in a list of what we can tell.  So
 * an older declaration works with a newer library, and the other way round
 * says what is missing.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "guc.h"
#include "store.h"
#include "strays.h"

/* How a column is made of the field it stands for. */
typedef enum ColumnKind
{
	COL_OID,					/* NULL if invalid */
	COL_BOOL,					/* of an uint32 */
	COL_ID,						/* bigint of an uint64; NULL if 0 */
	COL_COUNT,					/* bigint of an uint64 */
	COL_TIME,					/* milliseconds of nanoseconds */
	COL_TIME_SEEN,				/* the same, NULL if 0 */
	COL_UNKNOWN,				/* not known to this server: NULL */
	COL_TIMESTAMP,				/* NULL if 0 */
	COL_SQLSTATE,				/* NULL if 0 */
	COL_HISTOGRAM,
	COL_TEXT					/* a varlena pointer; NULL if there is none */
} ColumnKind;

typedef struct Column
{
	const char *name;
	ColumnKind	kind;
	size_t		offset;			/* in the row */
} Column;

/* Rows on their way to the caller of a set-returning function. */
typedef struct RowSink
{
	ReturnSetInfo *rsinfo;
	const Column **columns;		/* by attribute */
	MemoryContext context;		/* reset for each row */
	Oid			userid;			/* who asks */
	bool		reads_all;		/* may see the statements of others */
} RowSink;

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

#define COLUMN_SUM_COUNT	COL_COUNT
#define COLUMN_SUM_TIME		COL_TIME
#define COLUMN_MIN_TIME		COL_TIME_SEEN
#define COLUMN_MAX_TIME		COL_TIME_SEEN
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
	{"since", COL_TIMESTAMP, offsetof(PgdStoreStatus, since)},
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_statements);
PG_FUNCTION_INFO_V1(pgd_errors);
PG_FUNCTION_INFO_V1(pgd_plans);
PG_FUNCTION_INFO_V1(pgd_status);
PG_FUNCTION_INFO_V1(pgd_reset);
PG_FUNCTION_INFO_V1(pgd_window_seconds);

static void
require_preload(void)
{
	if (!pgd_store_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_diagnose must be loaded via \"shared_preload_libraries\""),
				 errhint("Set shared_preload_libraries = 'pg_stat_statements,pg_diagnose' and restart the server.")));
}

/*
 * A window is a pair of snapshots, its lower end NULL for the last reset,
 * its upper one NULL for the present.
 */
static void
check_window(FunctionCallInfo fcinfo)
{
	static const char *const ends[] = {"lower", "upper"};
	HeapTupleHeader window;

	/* not STRICT: no rows, without a word, would look like "nothing yet" */
	if (PG_ARGISNULL(0))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("window must not be null"),
				 errhint("Use diagnose.since_reset() for everything since the last reset.")));
	window = PG_GETARG_HEAPTUPLEHEADER(0);

	for (int i = 0; i < lengthof(ends); i++)
	{
		bool		isnull;
		Datum		id = GetAttributeByName(window, ends[i], &isnull);

		if (!isnull)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("snapshot %lld does not exist",
							(long long) DatumGetInt64(id)),
					 errhint("Use diagnose.since_reset() for everything since the last reset.")));
	}
}

/* ----------
 * Rows
 * ----------
 */

static void
sink_open(RowSink *sink, FunctionCallInfo fcinfo, const Column *columns)
{
	TupleDesc	desc;

	InitMaterializedSRF(fcinfo, 0);
	sink->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	sink->userid = GetUserId();
	sink->reads_all = has_privs_of_role(sink->userid, ROLE_PG_READ_ALL_STATS);
	sink->context = AllocSetContextCreate(CurrentMemoryContext,
										  "pg_diagnose row",
										  ALLOCSET_DEFAULT_SIZES);

	desc = sink->rsinfo->setDesc;
	sink->columns = palloc(sizeof(Column *) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);
		const Column *column = columns;

		while (column->name != NULL && strcmp(column->name, name) != 0)
			column++;
		if (column->name == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" is not known to version %s of the pg_diagnose library",
							name, PGD_VERSION),
					 errhint("Restart the server to load the library that belongs to the extension.")));
		sink->columns[i] = column;
	}
}

static Datum
column_value(const Column *column, const char *row, bool *isnull)
{
	const char *field = row + column->offset;
	uint64		number;

	*isnull = false;
	switch (column->kind)
	{
		case COL_OID:
			*isnull = !OidIsValid(*(const Oid *) field);
			return ObjectIdGetDatum(*(const Oid *) field);
		case COL_BOOL:
			return BoolGetDatum(*(const uint32 *) field != 0);
		case COL_ID:
			*isnull = (*(const uint64 *) field == 0);
			return Int64GetDatum((int64) *(const uint64 *) field);
		case COL_COUNT:
			number = *(const uint64 *) field;
			return Int64GetDatum((int64) Min(number, (uint64) PG_INT64_MAX));
		case COL_TIME_SEEN:
			*isnull = (*(const uint64 *) field == 0);
			/* FALLTHROUGH */
		case COL_TIME:
			return Float8GetDatum((double) *(const uint64 *) field / 1e6);
		case COL_TIMESTAMP:
			*isnull = (*(const TimestampTz *) field == 0);
			return TimestampTzGetDatum(*(const TimestampTz *) field);
		case COL_SQLSTATE:
			*isnull = (*(const int32 *) field == 0);
			return CStringGetTextDatum(unpack_sql_state(*(const int32 *) field));
		case COL_HISTOGRAM:
			return PointerGetDatum(pgd_histogram_to_datum((const PgdHistogram *) field));
		case COL_TEXT:
			*isnull = (*(struct varlena *const *) field == NULL);
			return PointerGetDatum(*(struct varlena *const *) field);
		case COL_UNKNOWN:
			break;
	}
	*isnull = true;
	return (Datum) 0;
}

/*
 * Add a row.  The values may lie in sink->context, which is reset after.
 */
static void
sink_put(RowSink *sink, const void *row)
{
	TupleDesc	desc = sink->rsinfo->setDesc;
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

	for (int i = 0; i < desc->natts; i++)
		values[i] = column_value(sink->columns[i], row, &nulls[i]);
	MemoryContextSwitchTo(old);
	tuplestore_putvalues(sink->rsinfo->setResult, desc, values, nulls);
	MemoryContextReset(sink->context);
}

/*
 * May the caller know what the statement was?  As in pg_stat_statements, one
 * sees one's own; the numbers of others are no secret.  The rows of evicted
 * statements have no owner and nothing to hide.
 */
static bool
may_see(const RowSink *sink, const PgdKey *key)
{
	return sink->reads_all || key->userid == sink->userid ||
		key->userid == InvalidOid;
}

/* ----------
 * Functions
 * ----------
 */

/*
 * A text of a database that may have another encoding than this one.  What
 * cannot be converted cuts it short.
 */
static struct varlena *
text_in_our_encoding(const char *text, int len, int encoding)
{
	int			ours = GetDatabaseEncoding();
	Oid			proc = InvalidOid;

	if (encoding != ours && encoding != PG_SQL_ASCII && ours != PG_SQL_ASCII)
		proc = FindDefaultConversionProc(encoding, ours);
	if (OidIsValid(proc))
	{
		int			size = len * MAX_CONVERSION_GROWTH + 1;
		unsigned char *converted = palloc0(size);

		(void) pg_do_encoding_conversion_buf(proc, encoding, ours,
											 (unsigned char *) unconstify(char *, text),
											 len, converted, size, true);
		text = (char *) converted;
		len = strlen(text);
	}
	return cstring_to_text_with_len(text,
									pg_encoding_verifymbstr(ours, text, len));
}

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
	else if (!may_see(sink, &statement->key))
	{
		row.query = cstring_to_text("<insufficient privilege>");
		row.statement.key.queryid = 0;
		row.statement.fingerprint = 0;
	}
	else if (text != NULL)
		row.query = text_in_our_encoding(text, len,
										 statement->encoding);
	MemoryContextSwitchTo(old);
	sink_put(sink, &row);
}

/*
 * diagnose.statements(window)
 */
Datum
pgd_statements(PG_FUNCTION_ARGS)
{
	RowSink		sink;

	require_preload();
	check_window(fcinfo);
	sink_open(&sink, fcinfo, statement_columns);
	pgd_store_read(visit_statement, &sink);
	return (Datum) 0;
}

static void
visit_errors(const PgdStatement *statement, const char *text, int len,
			 void *arg)
{
	ErrorRow	row = {.key = statement->key};

	if (!may_see(arg, &statement->key))
		row.key.queryid = 0;
	for (int i = 0; i <= PGD_ERRORS; i++)
	{
		row.error = statement->errors[i];
		if (row.error.count > 0)
			sink_put(arg, &row);
	}
}

static void
visit_stray(const PgdStrayError *stray, void *arg)
{
	ErrorRow	row = {
		.key = {.dbid = stray->dbid, .toplevel = 1},
		.error = {.sqlstate = stray->sqlstate, .count = stray->count},
	};

	sink_put(arg, &row);
}

/*
 * diagnose.errors_by_sqlstate(window)
 */
Datum
pgd_errors(PG_FUNCTION_ARGS)
{
	RowSink		sink;

	require_preload();
	check_window(fcinfo);
	sink_open(&sink, fcinfo, error_columns);
	pgd_store_read(visit_errors, &sink);
	pgd_strays_read(visit_stray, &sink);
	return (Datum) 0;
}

static void
visit_plans(const PgdStatement *statement, const char *text, int len,
			void *arg)
{
	PlanRow		row = {.key = statement->key};

	if (!may_see(arg, &statement->key))
		row.key.queryid = 0;
	for (int i = 0; i <= PGD_PLANS; i++)
	{
		row.plan = statement->plans[i];
		if (row.plan.calls > 0)
			sink_put(arg, &row);
	}
}

/*
 * diagnose.plans(window)
 */
Datum
pgd_plans(PG_FUNCTION_ARGS)
{
	RowSink		sink;

	require_preload();
	check_window(fcinfo);
	sink_open(&sink, fcinfo, plan_columns);
	pgd_store_read(visit_plans, &sink);
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

	require_preload();
	sink_open(&sink, fcinfo, status_columns);
	pgd_store_status(&status);
	sink_put(&sink, &status);
	return (Datum) 0;
}

/*
 * diagnose.reset(userid, dbid, queryid)
 */
Datum
pgd_reset(PG_FUNCTION_ARGS)
{
	require_preload();
	PG_RETURN_INT64(pgd_store_reset(PG_GETARG_OID(0), PG_GETARG_OID(1),
									(uint64) PG_GETARG_INT64(2)));
}

/*
 * diagnose.seconds(window)
 */
Datum
pgd_window_seconds(PG_FUNCTION_ARGS)
{
	require_preload();
	check_window(fcinfo);
	PG_RETURN_FLOAT8(Max(1e-6, (double) (GetCurrentTimestamp() -
										 pgd_store_since()) / 1e6));
}
