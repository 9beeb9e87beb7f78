/*-------------------------------------------------------------------------
 *
 * interchange.c
 *		The names of a document, and which numbers are the same each time.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "interchange.h"

#define IS_COUNT	false
#define IS_TIME		true

const PgdField pgd_statement_fields[] = {
#define PGD_COUNTER(name, combine, unit) \
	{#name, offsetof(PgdStatement, counters.name), IS_##unit},
#include "counterlist.h"
#undef PGD_COUNTER
	{NULL}
};

const PgdField pgd_xact_fields[] = {
#define PGD_XACT_COUNTER(name, combine, unit) \
	{#name, offsetof(PgdXactCounters, name), IS_##unit},
#include "xactlist.h"
#undef PGD_XACT_COUNTER
	{NULL}
};

#define STEP(name, unit) {#name, offsetof(PgdStep, name), IS_##unit}

const PgdField pgd_step_fields[] = {
	STEP(calls, COUNT),
	STEP(failures, COUNT),
	STEP(rows, COUNT),
	STEP(max_rows, COUNT),
	STEP(empty, COUNT),
	STEP(exec_time, TIME),
	STEP(max_exec_time, TIME),
	STEP(idle_time, TIME),
	STEP(max_idle_time, TIME),
	STEP(lock_wait, TIME),
	STEP(blocking_gaps, COUNT),
	STEP(idle_with_locks, TIME),
	STEP(repeats, COUNT),
	STEP(idle_repeats, COUNT),
	STEP(repeated_time, TIME),
	STEP(same_row, COUNT),
	STEP(stale_writes, COUNT),
	STEP(overtaken, COUNT),
	STEP(blind_inserts, COUNT),
	{NULL}
};

#define TAG(name) {#name, offsetof(PgdTag, name), sizeof(((PgdTag *) 0)->name)}

/* the trace of the slowest is not what a transaction is */
const PgdTagField pgd_tag_fields[] = {
	TAG(application),
	TAG(route),
	TAG(action),
	TAG(controller),
	TAG(framework),
	{NULL}
};

const char *const pgd_isolation_names[4] = {
	[XACT_READ_UNCOMMITTED] = "read uncommitted",
	[XACT_READ_COMMITTED] = "read committed",
	[XACT_REPEATABLE_READ] = "repeatable read",
	[XACT_SERIALIZABLE] = "serializable"
};

const char *const pgd_xact_histogram_names[PGD_XACT_HISTOGRAMS] = {
	[PGD_DURATION] = "duration",
	[PGD_IDLE] = "idle",
	[PGD_COMMIT] = "commit"
};

/*
 * Is this number the same when the same work is done again?  Times are not.
 * Nor what depends on the cache and on checkpoints (20 runs on fresh clones
 * agreed about rows, hit + read and WAL records, not about the rest), on who
 * else is there, on think time, on how often plans were thrown away, or on what
 * the message of an error has to look up.
 */
bool
pgd_field_repeats(const PgdField *field)
{
	static const char *const noisy[] = {
		"shared_blks_hit", "shared_blks_read",	/* their sum is */
		"shared_blks_dirtied", "shared_blks_written",
		"local_blks_hit", "local_blks_read",
		"local_blks_dirtied", "local_blks_written",
		"wal_fpi", "wal_bytes", "parallel_workers_launched", "plans",
		"failed_blks",
		"timed", "blocking_gaps", "overtaken", "repeats", "idle_repeats",
		"ended_by_gap", "ended_by_tag", "ended_by_begin"
	};

	if (field->is_time)
		return false;
	for (int i = 0; i < lengthof(noisy); i++)
	{
		if (strcmp(field->name, noisy[i]) == 0)
			return false;
	}
	return true;
}
