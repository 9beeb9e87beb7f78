/*-------------------------------------------------------------------------
 *
 * sqlfuncs_windows.c
 *		SQL-callable functions about snapshots and windows.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"

#include "archive.h"
#include "rows.h"
#include "remember.h"
#include "snapshot.h"
#include "snapshot_held.h"
#include "store.h"
#include "window.h"

typedef struct SnapshotRow
{
	PgdSnapshotHeader header;
	struct varlena *kind;
	struct varlena *label;
	struct varlena *problem;
	uint32		is_own;
	uint64		bytes;
	uint64		timeline;
	uint64		server_version;
	uint64		statements;
} SnapshotRow;

#define H(field)	offsetof(SnapshotRow, header.field)
#define R(field)	offsetof(SnapshotRow, field)

static const Column snapshot_columns[] = {
	{"id", COL_ID, H(id)},
	{"label", COL_TEXT, R(label)},
	{"kind", COL_TEXT, R(kind)},
	{"taken_at", COL_TIMESTAMP, H(taken_at)},
	{"since", COL_TIMESTAMP, H(since)},
	{"server_started", COL_TIMESTAMP, H(server_started)},
	{"is_own", COL_BOOL, R(is_own)},
	{"is_standby", COL_BOOL, H(is_standby)},
	{"timeline", COL_ID, R(timeline)},
	{"server_version", COL_ID, R(server_version)},
	{"node", COL_ID, H(node)},
	{"epoch", COL_ID, H(epoch)},
	{"settings_digest", COL_ID, H(settings_digest)},
	{"statements", COL_COUNT, R(statements)},
	{"executions", COL_COUNT, H(executions)},
	{"evicted", COL_COUNT, H(evicted)},
	{"uncaptured", COL_COUNT, H(uncaptured)},
	{"bytes", COL_COUNT, R(bytes)},
	{"problem", COL_TEXT, R(problem)},
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_seconds);
PG_FUNCTION_INFO_V1(pgd_find_window_problem);
PG_FUNCTION_INFO_V1(pgd_hold_window);
PG_FUNCTION_INFO_V1(pgd_workload);
PG_FUNCTION_INFO_V1(pgd_transaction_shapes);
PG_FUNCTION_INFO_V1(pgd_take_snapshot);
PG_FUNCTION_INFO_V1(pgd_drop_snapshot);
PG_FUNCTION_INFO_V1(pgd_adopt_snapshots);
PG_FUNCTION_INFO_V1(pgd_snapshots);

/*
 * diagnose.seconds(window)
 */
Datum
pgd_seconds(PG_FUNCTION_ARGS)
{
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	PG_RETURN_FLOAT8(pgd_window_seconds(&window));
}

/*
 * diagnose.window_problem(window)
 */
Datum
pgd_find_window_problem(PG_FUNCTION_ARGS)
{
	PgdWindow	window;
	char	   *problem;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	problem = pgd_window_problem(&window);
	if (problem == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(problem));
}

/*
 * diagnose.held(window)
 */
Datum
pgd_hold_window(PG_FUNCTION_ARGS)
{
	PgdWindow	window;
	TupleDesc	desc;
	Datum		values[2];
	bool		nulls[2];

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	if (window.upper != 0)
		PG_RETURN_DATUM(PG_GETARG_DATUM(0));
	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	values[0] = Int64GetDatum((int64) window.lower);
	values[1] = Int64GetDatum((int64) pgd_hold_now());
	nulls[0] = (window.lower == 0);
	nulls[1] = false;
	PG_RETURN_DATUM(HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc),
													  values, nulls)));
}

/*
 * diagnose.workload(window)
 */
Datum
pgd_workload(PG_FUNCTION_ARGS)
{
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_remember(fcinfo, &window, "workload_query");
	return (Datum) 0;
}

/*
 * diagnose.transaction_shapes(window)
 */
Datum
pgd_transaction_shapes(PG_FUNCTION_ARGS)
{
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_remember(fcinfo, &window, "transaction_shapes_query");
	return (Datum) 0;
}

/*
 * diagnose.take_snapshot(label)
 */
Datum
pgd_take_snapshot(PG_FUNCTION_ARGS)
{
	char	   *label = NULL;

	pgd_require_preload();
	if (!PG_ARGISNULL(0))
	{
		label = text_to_cstring(PG_GETARG_TEXT_PP(0));
		pgd_snapshot_check_label(label);
	}
	PG_RETURN_INT64((int64) pgd_snapshot_take(label, ERROR));
}

/*
 * diagnose.drop_snapshot(id)
 */
Datum
pgd_drop_snapshot(PG_FUNCTION_ARGS)
{
	int64		id = PG_GETARG_INT64(0);
	bool		found;

	pgd_require_preload();
	pgd_store_lock_archive();
	found = id > 0 && pgd_archive_drop((uint64) id);
	pgd_store_unlock_archive();
	if (!found)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("snapshot %lld does not exist", (long long) id),
				 errhint("The view diagnose.snapshots lists them.")));
	PG_RETURN_VOID();
}

/*
 * diagnose.adopt_snapshots(node)
 */
Datum
pgd_adopt_snapshots(PG_FUNCTION_ARGS)
{
	uint64		node = (uint64) PG_GETARG_INT64(0);
	int			n;
	PgdSnapshotFile *files;
	int64		adopted = 0;

	pgd_require_preload();
	pgd_store_lock_archive();
	files = pgd_archive_list(&n);
	for (int i = 0; i < n; i++)
		adopted += (files[i].problem == NULL && files[i].header.node == node);
	if (adopted > 0)
		(void) pgd_archive_adopt(node, ERROR);
	pgd_store_unlock_archive();
	if (adopted == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("there is no snapshot of node %lld",
						(long long) PG_GETARG_INT64(0)),
				 errhint("The column \"node\" of diagnose.snapshots() tells whose they are.")));
	PG_RETURN_INT64(adopted);
}

static const char *
kind_name(uint32 kind)
{
	switch ((PgdSnapshotKind) kind)
	{
		case PGD_SNAPSHOT_AUTOMATIC:
			return "automatic";
		case PGD_SNAPSHOT_LABELLED:
			return "labelled";
		case PGD_SNAPSHOT_IMPORTED:
			return "imported";
	}
	return "unknown";
}

/*
 * diagnose.snapshots()
 */
Datum
pgd_snapshots(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	int			n;
	PgdSnapshotFile *files;

	pgd_require_preload();
	pgd_rows_open(&sink, fcinfo, snapshot_columns);
	files = pgd_archive_list(&n);
	for (int i = 0; i < n; i++)
	{
		const PgdSnapshotHeader *header = &files[i].header;
		bool		known = (files[i].problem == NULL);
		SnapshotRow row = {
			.header = *header,
			.is_own = known && header->node == pgd_archive_node(),
			.bytes = files[i].bytes,
			.timeline = header->timeline,
			.server_version = header->server_version,
			.statements = known ? header->statements : PGD_UNKNOWN,
		};
		MemoryContext old = MemoryContextSwitchTo(sink.context);

		if (!known)
		{
			row.problem = cstring_to_text(files[i].problem);
			row.header.executions = row.header.evicted =
				row.header.uncaptured = PGD_UNKNOWN;
		}
		else
		{
			row.kind = cstring_to_text(kind_name(header->kind));
			if (header->label[0] != '\0')
				row.label = pgd_rows_text(header->label,
										  strlen(header->label), PG_SQL_ASCII);
		}
		MemoryContextSwitchTo(old);
		pgd_rows_put(&sink, &row);
	}
	return (Datum) 0;
}
