/*-------------------------------------------------------------------------
 *
 * sqlfuncs_sessions.c
 *		SQL-callable functions about sessions: arguments in, rows out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/acl.h"
#include "utils/builtins.h"

#include "compat.h"
#include "rows.h"
#include "window.h"

/* What a column can be made of, beside the sums themselves. */
typedef struct SessionRow
{
	PgdSessionSum sum;
	uint64		open;
	uint64		commits;
	uint64		rollbacks;
	uint64		blocks;
	uint64		autocommits;
	struct varlena *application;
} SessionRow;

#define S(field)	offsetof(SessionRow, sum.field)

#define COLUMN_MIN_MOMENT	COL_TIMESTAMP
#define COLUMN_MAX_MOMENT	COL_TIMESTAMP
#define COLUMN_MIN_SETTING	COL_SETTING
#define COLUMN_MAX_SETTING	COL_SETTING

static const Column session_columns[] = {
	{"userid", COL_OID, S(key.userid)},
	{"dbid", COL_OID, S(key.dbid)},
	{"application", COL_TEXT, offsetof(SessionRow, application)},
	{"open", COL_COUNT, offsetof(SessionRow, open)},
	{"commits", COL_COUNT, offsetof(SessionRow, commits)},
	{"rollbacks", COL_COUNT, offsetof(SessionRow, rollbacks)},
	{"blocks", COL_COUNT, offsetof(SessionRow, blocks)},
	{"autocommits", COL_COUNT, offsetof(SessionRow, autocommits)},
	{"histogram", COL_HISTOGRAM, S(histogram)},
#if !PGD_HAVE_TRANSACTION_TIMEOUT
	{"min_transaction_timeout", COL_UNKNOWN, 0},
	{"max_transaction_timeout", COL_UNKNOWN, 0},
#endif

#define PGD_SESSION_COUNTER(name, combine, unit) \
	{#name, COLUMN_##combine##_##unit, S(counters.name)},
#include "sessionlist.h"
#undef PGD_SESSION_COUNTER
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_sessions);

/*
 * The numbers of others are no secret, but what their application is called,
 * as in pg_stat_activity.  What found no place in the table has no owner.
 */
static void
visit_sessions(const PgdSessionSum *sum, void *arg)
{
	RowSink    *sink = arg;
	const PgdSessionCounters *c = &sum->counters;
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	static SessionRow row;

	row.sum = *sum;
	row.open = sum->open;
	row.commits = c->commits_alone + c->commits_in_block +
		c->prepared_commits + c->connects;
	row.rollbacks = c->rollbacks_alone + c->rollbacks_in_block +
		c->prepared_rollbacks;
	row.blocks = c->commits_in_block + c->rollbacks_in_block + c->prepared;
	row.autocommits = c->commits_alone + c->rollbacks_alone;
	row.application = NULL;
	if (OidIsValid(sum->key.dbid) &&
		(sink->reads_all || has_privs_of_role(sink->userid, sum->key.userid)))
		row.application = pgd_rows_text(sum->key.application,
										strlen(sum->key.application),
										PG_SQL_ASCII);
	MemoryContextSwitchTo(old);
	pgd_rows_put(sink, &row);
}

/*
 * diagnose.sessions(window)
 */
Datum
pgd_sessions(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, session_columns);
	pgd_window_sessions(&window, visit_sessions, &sink);
	return (Datum) 0;
}
