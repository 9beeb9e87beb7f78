/*-------------------------------------------------------------------------
 *
 * sqlfuncs_xact.c
 *		SQL-callable functions about transactions: arguments in, rows out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"

#include "closing.h"
#include "detectors.h"
#include "rows.h"
#include "store.h"
#include "window.h"

/* What every row about a shape begins with. */
typedef struct ShapeIdentity
{
	PgdShapeKey key;
	PgdTag		tag;
	struct varlena *kind;
	struct varlena *isolation;
} ShapeIdentity;

typedef struct TransactionRow
{
	ShapeIdentity id;
	PgdShape	shape;
} TransactionRow;

typedef struct StepRow
{
	ShapeIdentity id;
	int32		position;
	int32		cycle;
	int32		source;
	ArrayType  *flags;
	PgdStep		step;
} StepRow;

typedef struct XactErrorRow
{
	ShapeIdentity id;
	PgdErrorCount error;
} XactErrorRow;

typedef struct ObservationRow
{
	ShapeIdentity id;
	int32		position;
	int32		parent;
	struct varlena *detector;
	struct varlena *severity;
	PgdObservation seen;
} ObservationRow;

typedef struct OpenRow
{
	ShapeIdentity id;
	int32		pid;
	uint32		read_only;
	uint64		positions;
	uint64		fingerprint;
	uint64		queryid;
	TimestampTz started;
	TimestampTz first_lock;
	PgdXactCounters counters;
} OpenRow;

typedef struct DetectorRow
{
	struct varlena *text[6];
} DetectorRow;

#define IDENTITY(row) \
	{"userid", COL_OID, offsetof(row, id.key.userid)}, \
	{"dbid", COL_OID, offsetof(row, id.key.dbid)}, \
	{"kind", COL_TEXT, offsetof(row, id.kind)}, \
	{"isolation", COL_TEXT, offsetof(row, id.isolation)}, \
	{"shape", COL_ID, offsetof(row, id.key.shape)}, \
	{"tag", COL_ID, offsetof(row, id.key.tag)}, \
	{"application", COL_CHARS, offsetof(row, id.tag.application)}, \
	{"route", COL_CHARS, offsetof(row, id.tag.route)}, \
	{"action", COL_CHARS, offsetof(row, id.tag.action)}, \
	{"controller", COL_CHARS, offsetof(row, id.tag.controller)}, \
	{"framework", COL_CHARS, offsetof(row, id.tag.framework)}, \
	{"traceparent", COL_CHARS, offsetof(row, id.tag.traceparent)}

#define T(field)	offsetof(TransactionRow, shape.field)

static const Column transaction_columns[] = {
	IDENTITY(TransactionRow),
	{"slowest", COL_TIME_SEEN, T(sums.slowest)},
	{"since", COL_TIMESTAMP, T(sums.since)},
	{"last_seen", COL_TIMESTAMP, T(sums.last_seen)},
	{"positions", COL_COUNT, T(sums.nsteps)},
	{"duration_histogram", COL_HISTOGRAM, T(histograms[PGD_DURATION])},
	{"idle_histogram", COL_HISTOGRAM, T(histograms[PGD_IDLE])},
	{"commit_histogram", COL_HISTOGRAM, T(histograms[PGD_COMMIT])},
	{"observations_dropped", COL_COUNT, T(sums.dropped)},
#define PGD_XACT_COUNTER(name, combine, unit) \
	{#name, COLUMN_##combine##_##unit, T(sums.counters.name)},
#include "xactlist.h"
#undef PGD_XACT_COUNTER
	{NULL}
};

#define P(name, kind)	{#name, kind, offsetof(StepRow, step.name)}

static const Column step_columns[] = {
	IDENTITY(StepRow),
	{"position", COL_INT, offsetof(StepRow, position)},
	{"cycle", COL_INT, offsetof(StepRow, cycle)},
	{"source", COL_INT, offsetof(StepRow, source)},
	{"flags", COL_POINTER, offsetof(StepRow, flags)},
	P(fingerprint, COL_ID),
	P(queryid, COL_ID),
	P(relid, COL_OID),
	P(sqlstate, COL_SQLSTATE),
	P(calls, COL_COUNT),
	P(failures, COL_COUNT),
	P(rows, COL_COUNT),
	P(max_rows, COL_COUNT),
	P(empty, COL_COUNT),
	P(exec_time, COL_TIME),
	P(max_exec_time, COL_TIME),
	P(idle_time, COL_TIME),
	P(max_idle_time, COL_TIME),
	P(lock_wait, COL_TIME),
	P(blocking_gaps, COL_COUNT),
	P(idle_with_locks, COL_TIME),
	P(repeats, COL_COUNT),
	P(idle_repeats, COL_COUNT),
	P(repeated_time, COL_TIME),
	P(same_row, COL_COUNT),
	P(stale_writes, COL_COUNT),
	P(overtaken, COL_COUNT),
	P(blind_inserts, COL_COUNT),
	{NULL}
};

static const Column xact_error_columns[] = {
	IDENTITY(XactErrorRow),
	{"sqlstate", COL_SQLSTATE, offsetof(XactErrorRow, error.sqlstate)},
	{"failures", COL_COUNT, offsetof(XactErrorRow, error.count)},
	{NULL}
};

#define O(name, kind)	{#name, kind, offsetof(ObservationRow, seen.name)}

static const Column observation_columns[] = {
	IDENTITY(ObservationRow),
	{"detector", COL_TEXT, offsetof(ObservationRow, detector)},
	{"position", COL_INT, offsetof(ObservationRow, position)},
	{"parent", COL_INT, offsetof(ObservationRow, parent)},
	{"severity", COL_TEXT, offsetof(ObservationRow, severity)},
	O(object, COL_OID),
	O(other, COL_OID),
	O(occurrences, COL_COUNT),
	O(confirmed, COL_COUNT),
	O(count, COL_COUNT),
	O(max_count, COL_COUNT),
	O(time, COL_TIME),
	O(saved, COL_TIME),
	O(held, COL_TIME),
	O(max_held, COL_TIME),
	{NULL}
};

static const Column open_columns[] = {
	IDENTITY(OpenRow),
	{"pid", COL_INT, offsetof(OpenRow, pid)},
	{"read_only", COL_BOOL, offsetof(OpenRow, read_only)},
	{"positions", COL_COUNT, offsetof(OpenRow, positions)},
	{"fingerprint", COL_ID, offsetof(OpenRow, fingerprint)},
	{"queryid", COL_ID, offsetof(OpenRow, queryid)},
	{"started", COL_TIMESTAMP, offsetof(OpenRow, started)},
	{"first_lock", COL_TIMESTAMP, offsetof(OpenRow, first_lock)},
#define PGD_XACT_COUNTER(name, combine, unit) \
	{#name, COLUMN_##combine##_##unit, offsetof(OpenRow, counters.name)},
#include "xactlist.h"
#undef PGD_XACT_COUNTER
	{NULL}
};

static const Column detector_columns[] = {
	{"name", COL_TEXT, offsetof(DetectorRow, text[0])},
	{"title", COL_TEXT, offsetof(DetectorRow, text[1])},
	{"dimension", COL_TEXT, offsetof(DetectorRow, text[2])},
	{"grade", COL_TEXT, offsetof(DetectorRow, text[3])},
	{"problem", COL_TEXT, offsetof(DetectorRow, text[4])},
	{"advice", COL_TEXT, offsetof(DetectorRow, text[5])},
	{NULL}
};

/* By bit, as PGD_READS and its kin. */
static const char *const flag_names[] = {
	"reads", "inserts", "updates", "deletes", "locks_rows", "skips_locked",
	"limited", "on_conflict", "sets_value", "guarded", "keyed", "volatile",
	"time_dependent", "utility", "ddl", "creates", "locks_table", "notifies",
	"copies", "fetches", "control", "setting", "foreign", "advisory",
	"aggregates", "session_locks", "returns"
};

PG_FUNCTION_INFO_V1(pgd_transactions);
PG_FUNCTION_INFO_V1(pgd_transaction_steps);
PG_FUNCTION_INFO_V1(pgd_transaction_errors);
PG_FUNCTION_INFO_V1(pgd_observations);
PG_FUNCTION_INFO_V1(pgd_open_transcripts);
PG_FUNCTION_INFO_V1(pgd_detectors);

static const char *
isolation_name(uint32 isolation)
{
	switch (isolation)
	{
		case XACT_READ_UNCOMMITTED:
			return "read uncommitted";
		case XACT_READ_COMMITTED:
			return "read committed";
		case XACT_REPEATABLE_READ:
			return "repeatable read";
		default:
			return "serializable";
	}
}

static struct varlena *
text_of(const char *string)
{
	return string != NULL ? cstring_to_text(string) : NULL;
}

/* Positions count from 1 for people. */
static int32
position_of(int position)
{
	return position == PGD_NOWHERE ? 0 : position + 1;
}

/*
 * Who it was, as far as the caller may know.  The texts live as long as the
 * row.  As in pg_stat_activity, what somebody does is for himself alone; how
 * much it is, is no secret.
 */
static void
identify(const RowSink *sink, const PgdShapeKey *key, const PgdTag *tag,
		 ShapeIdentity *id)
{
	MemoryContext old = MemoryContextSwitchTo(sink->context);

	id->key = *key;
	id->tag = *tag;
	if (!pgd_rows_may_see(sink, key->userid))
	{
		id->key.shape = 0;
		id->key.tag = 0;
		memset(&id->tag, 0, sizeof(PgdTag));
		strcpy(id->tag.application, "<insufficient privilege>");
	}
	id->kind = text_of(key->kind == PGD_XACT_BURST ? "burst" : "transaction");
	/* the rest has transactions of all isolation levels */
	id->isolation = key->shape == 0 ? NULL :
		text_of(isolation_name(key->isolation));
	MemoryContextSwitchTo(old);
}

static void
read_shapes(FunctionCallInfo fcinfo, const Column *columns,
			PgdShapeVisitor visit)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, columns);
	pgd_window_shapes(&window, visit, &sink);
}

static void
visit_transaction(const PgdShape *shape, void *arg)
{
	static TransactionRow row;

	identify(arg, &shape->sums.key, &shape->sums.tag, &row.id);
	row.shape = *shape;
	pgd_rows_put(arg, &row);
}

/*
 * diagnose.transactions(window)
 */
Datum
pgd_transactions(PG_FUNCTION_ARGS)
{
	read_shapes(fcinfo, transaction_columns, visit_transaction);
	return (Datum) 0;
}

static ArrayType *
flags_array(uint32 flags)
{
	Datum		names[lengthof(flag_names)];
	int			n = 0;

	for (int i = 0; i < lengthof(flag_names); i++)
	{
		if ((flags & (1 << i)) != 0)
			names[n++] = CStringGetTextDatum(flag_names[i]);
	}
	return construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT);
}

static void
visit_steps(const PgdShape *shape, void *arg)
{
	RowSink    *sink = arg;

	for (int i = 0; i < shape->sums.nsteps; i++)
	{
		StepRow		row = {.step = shape->sums.steps[i]};
		MemoryContext old;

		identify(sink, &shape->sums.key, &shape->sums.tag, &row.id);
		old = MemoryContextSwitchTo(sink->context);
		row.flags = flags_array(row.step.flags);
		MemoryContextSwitchTo(old);
		row.position = i + 1;
		row.cycle = row.step.cycle;
		row.source = position_of(row.step.source);
		if (row.id.key.shape == 0)
		{
			row.step.fingerprint = 0;
			row.step.queryid = 0;
			row.step.relid = InvalidOid;
		}
		pgd_rows_put(sink, &row);
	}
}

/*
 * diagnose.transaction_steps(window)
 */
Datum
pgd_transaction_steps(PG_FUNCTION_ARGS)
{
	read_shapes(fcinfo, step_columns, visit_steps);
	return (Datum) 0;
}

static void
visit_xact_errors(const PgdShape *shape, void *arg)
{
	for (int i = 0; i <= PGD_XACT_ERRORS; i++)
	{
		XactErrorRow row = {.error = shape->sums.errors[i]};

		if (row.error.count == 0)
			continue;
		identify(arg, &shape->sums.key, &shape->sums.tag, &row.id);
		pgd_rows_put(arg, &row);
	}
}

/*
 * diagnose.transaction_errors(window)
 */
Datum
pgd_transaction_errors(PG_FUNCTION_ARGS)
{
	read_shapes(fcinfo, xact_error_columns, visit_xact_errors);
	return (Datum) 0;
}

static const char *
severity_name(uint32 severity)
{
	switch (severity)
	{
		case PGD_INFO:
			return "info";
		case PGD_WARNING:
			return "warning";
		case PGD_CRITICAL:
			return "critical";
		default:
			return NULL;
	}
}

static void
visit_observations(const PgdShape *shape, void *arg)
{
	RowSink    *sink = arg;

	for (int i = 0; i < PGD_OBSERVATIONS; i++)
	{
		ObservationRow row = {.seen = shape->sums.observations[i]};
		MemoryContext old;

		if (row.seen.detector == 0)
			continue;
		identify(sink, &shape->sums.key, &shape->sums.tag, &row.id);
		old = MemoryContextSwitchTo(sink->context);
		row.detector = text_of(pgd_detector(row.seen.detector - 1)->name);
		row.severity = text_of(severity_name(row.seen.severity));
		MemoryContextSwitchTo(old);
		if (row.id.key.shape == 0)
			row.seen.object = row.seen.other = InvalidOid;
		row.position = position_of(row.seen.position);
		row.parent = position_of(row.seen.parent);
		pgd_rows_put(sink, &row);
	}
}

/*
 * diagnose.observations(window)
 */
Datum
pgd_observations(PG_FUNCTION_ARGS)
{
	read_shapes(fcinfo, observation_columns, visit_observations);
	return (Datum) 0;
}

/*
 * diagnose.open_transcripts()
 */
Datum
pgd_open_transcripts(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdShapesCopy copy;

	pgd_require_preload();
	pgd_rows_open(&sink, fcinfo, open_columns);
	pgd_store_copy_shapes(&copy);
	for (int s = 0; s < copy.nslots; s++)
	{
		const PgdTranscript *t = &copy.slots[s].open;
		PgdShapeKey key = {
			.shape = 1,
			.tag = t->tag.hash,
			.dbid = t->dbid,
			.userid = t->userid,
			.kind = t->kind,
			.isolation = t->isolation,
		};
		OpenRow		row = {
			.pid = copy.slots[s].pid,
			.read_only = t->read_only,
			.positions = t->nsteps,
			.started = t->start,
			.first_lock = t->first_lock,
			.counters = t->counters,
		};

		if (t->kind == PGD_XACT_NONE)
			continue;
		if (t->outcome == PGD_XACT_OPEN)
			pgd_closing_sum_steps(t, &row.counters);
		identify(&sink, &key, &t->tag, &row.id);
		if (t->nsteps > 0 && row.id.key.shape != 0)
		{
			row.fingerprint = t->steps[t->last].fingerprint;
			row.queryid = t->steps[t->last].queryid;
		}
		pgd_rows_put(&sink, &row);
	}
	return (Datum) 0;
}

/*
 * diagnose.detectors()
 */
Datum
pgd_detectors(PG_FUNCTION_ARGS)
{
	RowSink		sink;

	pgd_rows_open(&sink, fcinfo, detector_columns);
	for (int i = 0; i < pgd_detector_count(); i++)
	{
		const PgdDetector *detector = pgd_detector(i);
		DetectorRow row;
		MemoryContext old = MemoryContextSwitchTo(sink.context);

		row.text[0] = text_of(detector->name);
		row.text[1] = text_of(detector->title);
		row.text[2] = text_of(detector->dimension);
		row.text[3] = text_of(detector->grade);
		row.text[4] = text_of(detector->problem);
		row.text[5] = text_of(detector->advice);
		MemoryContextSwitchTo(old);
		pgd_rows_put(&sink, &row);
	}
	return (Datum) 0;
}
