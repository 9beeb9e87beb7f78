/*-------------------------------------------------------------------------
 *
 * sqlfuncs_compare.c
 *		SQL-callable functions about two windows: arguments in, rows out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "utils/builtins.h"

#include "rows.h"
#include "series.h"
#include "statistics.h"

typedef struct ChangeRow
{
	PgdTimeChange change;
	struct varlena *kind;
	uint32		is_adjusted;
} ChangeRow;

#define C(field)	offsetof(ChangeRow, change.field)

static const Column change_columns[] = {
	{"kind", COL_TEXT, offsetof(ChangeRow, kind)},
	{"userid", COL_OID, C(userid)},
	{"dbid", COL_OID, C(dbid)},
	{"toplevel", COL_BOOL, C(toplevel)},
	{"queryid", COL_ID, C(queryid)},
	{"fingerprint", COL_ID, C(fingerprint)},
	{"shape", COL_ID, C(shape)},
	{"tag", COL_ID, C(tag)},
	{"windows_before", COL_INT, C(windows[0])},
	{"windows_after", COL_INT, C(windows[1])},
	{"ratio", COL_NUMBER, C(ratio)},
	{"ratio_low", COL_NUMBER, C(low)},
	{"ratio_high", COL_NUMBER, C(high)},
	{"p_value", COL_NUMBER, C(p_value)},
	{"smallest_effect", COL_NUMBER, C(smallest)},
	{"is_adjusted", COL_BOOL, offsetof(ChangeRow, is_adjusted)},
	{"controls", COL_INT, C(controls)},
	{"load_ratio", COL_NUMBER, C(load_ratio)},
	{"p95_ratio", COL_NUMBER, C(tail_ratio[0])},
	{"p95_low", COL_NUMBER, C(tail_low[0])},
	{"p95_high", COL_NUMBER, C(tail_high[0])},
	{"p99_ratio", COL_NUMBER, C(tail_ratio[1])},
	{"p99_low", COL_NUMBER, C(tail_low[1])},
	{"p99_high", COL_NUMBER, C(tail_high[1])},
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_sql_time_changes);

static void
visit_change(const PgdTimeChange *change, void *arg)
{
	RowSink    *sink = arg;
	ChangeRow	row = {.change = *change};
	MemoryContext old = MemoryContextSwitchTo(sink->context);

	row.kind = cstring_to_text(change->is_transaction ? "transaction" :
							   "statement");
	MemoryContextSwitchTo(old);
	row.is_adjusted = change->is_adjusted;
	if (change->is_transaction)
		row.change.toplevel = true;
	if (!pgd_rows_may_see(sink, change->userid))
	{
		row.change.queryid = row.change.fingerprint = 0;
		row.change.shape = row.change.tag = 0;
	}
	pgd_rows_put(sink, &row);
}

/*
 * diagnose.time_changes(before, after, max_windows)
 */
Datum
pgd_sql_time_changes(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdWindow	before;
	PgdWindow	after;
	int			max_windows = PG_ARGISNULL(2) ? 0 : PG_GETARG_INT32(2);

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &before);
	pgd_window_get(fcinfo, 1, &after);
	if (max_windows < 1 || max_windows > PGD_SIDE_MAX)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("max_windows must be between 1 and %d",
						PGD_SIDE_MAX)));
	pgd_rows_open(&sink, fcinfo, change_columns);
	pgd_time_changes(&before, &after, max_windows, visit_change, &sink);
	return (Datum) 0;
}
