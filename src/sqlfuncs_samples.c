/*-------------------------------------------------------------------------
 *
 * sqlfuncs_samples.c
 *		SQL-callable functions: what the background worker has seen.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/wait_event.h"

#include "guc.h"
#include "rows.h"
#include "samples.h"
#include "window.h"

/* What a column can be made of, beside the sample itself. */
typedef struct SampleRow
{
	PgdSample	sample;
	struct varlena *type;
	struct varlena *name;
	struct varlena *blocker_state;
} SampleRow;

typedef struct SamplerRow
{
	PgdSampleStatus status;
	uint32		is_running;
	uint64		interval;
} SamplerRow;

#define S(field)	offsetof(SampleRow, sample.field)

static const Column sample_columns[] = {
	{"userid", COL_OID, S(key.userid)},
	{"dbid", COL_OID, S(key.dbid)},
	{"queryid", COL_ID, S(key.queryid)},
	{"relid", COL_OID, S(key.relid)},
	{"wait_event_type", COL_TEXT, offsetof(SampleRow, type)},
	{"wait_event", COL_TEXT, offsetof(SampleRow, name)},
	{"lock_type", COL_TEXT, offsetof(SampleRow, name)},
	{"state", COL_TEXT, offsetof(SampleRow, name)},
	{"blocker_userid", COL_OID, S(key.blocker_userid)},
	{"blocker_queryid", COL_ID, S(key.blocker)},
	{"blocker_state", COL_TEXT, offsetof(SampleRow, blocker_state)},
	{"samples", COL_COUNT, S(samples)},
	{"total_time", COL_TIME, S(time)},
	{"max_time", COL_TIME, S(max_time)},
	{"waits", COL_COUNT, S(waits)},
	{"max_depth", COL_COUNT, S(max_depth)},
	{"deep_time", COL_TIME, S(deep_time)},
	{"snapshot_time", COL_TIME, S(snapshot_time)},
	{"max_snapshot_time", COL_TIME, S(max_snapshot_time)},
	{"oldest_time", COL_TIME, S(oldest_time)},
	{"max_age", COL_COUNT, S(max_age)},
	{NULL}
};

static const Column sampler_columns[] = {
	{"pid", COL_INT, offsetof(SamplerRow, status.pid)},
	{"is_running", COL_BOOL, offsetof(SamplerRow, is_running)},
	{"sample_interval", COL_TIME, offsetof(SamplerRow, interval)},
	{"samples", COL_COUNT, offsetof(SamplerRow, status.ticks)},
	{"sampled_time", COL_TIME, offsetof(SamplerRow, status.time)},
	{"own_time", COL_TIME, offsetof(SamplerRow, status.own_time)},
	{"last_sample", COL_TIMESTAMP, offsetof(SamplerRow, status.last_tick)},
	{"displaced", COL_COUNT, offsetof(SamplerRow, status.displaced)},
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_waits);
PG_FUNCTION_INFO_V1(pgd_lock_waits_seen);
PG_FUNCTION_INFO_V1(pgd_hot_relations);
PG_FUNCTION_INFO_V1(pgd_horizon_holders);
PG_FUNCTION_INFO_V1(pgd_sampler_status);

/*
 * A row that stands for all that had to make room.
 */
static bool
is_of_others(const PgdSampleKey *key)
{
	return !OidIsValid(key->userid) && key->queryid == 0 && key->what == 0;
}

static struct varlena *
state_text(uint32 state)
{
	switch ((PgdHolderState) state)
	{
		case PGD_HOLDER_ACTIVE:
			return cstring_to_text("active");
		case PGD_HOLDER_IDLE:
			return cstring_to_text("idle in transaction");
		case PGD_HOLDER_PREPARED:
			return cstring_to_text("prepared transaction");
		case PGD_HOLDER_STANDBY:
			return cstring_to_text("standby");
		case PGD_HOLDER_UNKNOWN:
			break;
	}
	return NULL;
}

/*
 * What is common to all: others' statements are nobody's business.
 */
static void
put(RowSink *sink, SampleRow *row)
{
	if (!pgd_rows_may_see(sink, row->sample.key.userid))
		row->sample.key.queryid = 0;
	if (!pgd_rows_may_see(sink, row->sample.key.blocker_userid))
		row->sample.key.blocker = 0;
	pgd_rows_put(sink, row);
}

static void
visit_wait(const PgdSample *sample, void *arg)
{
	RowSink    *sink = arg;
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	SampleRow	row = {.sample = *sample};
	uint32		event = sample->key.what;

	if (event != 0)
	{
		row.type = cstring_to_text(pgstat_get_wait_event_type(event));
		row.name = cstring_to_text(pgstat_get_wait_event(event));
	}
	else if (!is_of_others(&sample->key))
		row.type = cstring_to_text("CPU");
	MemoryContextSwitchTo(old);
	put(sink, &row);
}

static void
visit_lock(const PgdSample *sample, void *arg)
{
	RowSink    *sink = arg;
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	SampleRow	row = {.sample = *sample};

	if (!is_of_others(&sample->key) || OidIsValid(sample->key.relid))
		row.name = cstring_to_text(GetLockNameFromTagType(sample->key.what));
	row.blocker_state = state_text(sample->key.blocker_state);
	MemoryContextSwitchTo(old);
	put(sink, &row);
}

static void
visit_hot(const PgdSample *sample, void *arg)
{
	SampleRow	row = {.sample = *sample};

	put(arg, &row);
}

static void
visit_holder(const PgdSample *sample, void *arg)
{
	RowSink    *sink = arg;
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	SampleRow	row = {.sample = *sample};

	row.name = state_text(sample->key.what);
	MemoryContextSwitchTo(old);
	put(sink, &row);
}

static Datum
samples(FunctionCallInfo fcinfo, PgdSampleKind kind, PgdSampleVisitor visit)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, sample_columns);
	pgd_window_samples(&window, kind, visit, &sink);
	return (Datum) 0;
}

/*
 * diagnose.waits(window)
 */
Datum
pgd_waits(PG_FUNCTION_ARGS)
{
	return samples(fcinfo, PGD_SAMPLE_WAIT, visit_wait);
}

/*
 * diagnose.lock_waits(window)
 */
Datum
pgd_lock_waits_seen(PG_FUNCTION_ARGS)
{
	return samples(fcinfo, PGD_SAMPLE_LOCK, visit_lock);
}

/*
 * diagnose.hot_relations(window)
 */
Datum
pgd_hot_relations(PG_FUNCTION_ARGS)
{
	return samples(fcinfo, PGD_SAMPLE_HOT, visit_hot);
}

/*
 * diagnose.horizon_holders(window)
 */
Datum
pgd_horizon_holders(PG_FUNCTION_ARGS)
{
	return samples(fcinfo, PGD_SAMPLE_HOLDER, visit_holder);
}

/*
 * diagnose.sampler()
 */
Datum
pgd_sampler_status(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	SamplerRow	row = {.interval = (uint64) pgd_sample_interval * 1000000};

	pgd_require_preload();
	pgd_rows_open(&sink, fcinfo, sampler_columns);
	pgd_samples_status(&row.status);
	row.is_running = (row.status.pid != 0);
	pgd_rows_put(&sink, &row);
	return (Datum) 0;
}
