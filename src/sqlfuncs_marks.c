/*-------------------------------------------------------------------------
 *
 * sqlfuncs_marks.c
 *		SQL-callable functions: marks.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "commands/dbcommands.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"

#include "archive.h"
#include "markfile.h"
#include "rows.h"
#include "store.h"

typedef struct MarkRow
{
	PgdMark		mark;
	uint32		is_own;
	struct varlena *kind;
	struct varlena *what;
	struct varlena *object;
	struct varlena *detail;
	struct varlena *undo;
	struct varlena *database;
	struct varlena *role;
} MarkRow;

#define R(field)	offsetof(MarkRow, field)

static const Column mark_columns[] = {
	{"id", COL_ID, R(mark.id)},
	{"at", COL_TIMESTAMP, R(mark.at)},
	{"kind", COL_TEXT, R(kind)},
	{"what", COL_TEXT, R(what)},
	{"object", COL_TEXT, R(object)},
	{"detail", COL_TEXT, R(detail)},
	{"dbid", COL_OID, R(mark.dbid)},
	{"database", COL_TEXT, R(database)},
	{"userid", COL_OID, R(mark.userid)},
	{"role", COL_TEXT, R(role)},
	{"snapshot", COL_ID, R(mark.snapshot)},
	{"lower", COL_ID, R(mark.lower)},
	{"upper", COL_ID, R(mark.upper)},
	{"undo", COL_TEXT, R(undo)},
	{"is_own", COL_BOOL, R(is_own)},
	{NULL}
};

static const char *const kind_names[PGD_MARK_KINDS] = {
	[PGD_MARK_LABEL] = "label",
	[PGD_MARK_DDL] = "ddl",
	[PGD_MARK_SETTING] = "setting",
	[PGD_MARK_START] = "start",
	[PGD_MARK_CRASH] = "crash",
	[PGD_MARK_RESET] = "reset",
	[PGD_MARK_PROMOTION] = "promotion",
	[PGD_MARK_BASELINE] = "baseline",
};

PG_FUNCTION_INFO_V1(pgd_marks_rows);
PG_FUNCTION_INFO_V1(pgd_mark_add);
PG_FUNCTION_INFO_V1(pgd_marks_lost);

/* ----------
 * Rows
 * ----------
 */

static struct varlena *
text_of(const char *text, int encoding)
{
	return text[0] == '\0' ? NULL :
		pgd_rows_text(text, strlen(text), encoding);
}

static struct varlena *
name_of(const char *name)
{
	return name == NULL ? NULL : cstring_to_text(name);
}

static void
put_row(RowSink *sink, const PgdMark *mark)
{
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	MarkRow		row = {.mark = *mark};

	row.is_own = mark->node == pgd_archive_node();
	row.kind = cstring_to_text(kind_names[mark->kind]);
	row.what = text_of(mark->what, mark->encoding);
	/* which statements others run is not for everybody */
	if (mark->kind != PGD_MARK_DDL || pgd_rows_may_see(sink, mark->userid))
	{
		row.object = text_of(mark->object, mark->encoding);
		row.detail = text_of(mark->detail, mark->encoding);
		row.undo = text_of(mark->undo, mark->encoding);
	}
	if (OidIsValid(mark->dbid))
		row.database = name_of(get_database_name(mark->dbid));
	if (OidIsValid(mark->userid))
		row.role = name_of(GetUserNameFromId(mark->userid, true));
	MemoryContextSwitchTo(old);
	pgd_rows_put(sink, &row);
}

/*
 * diagnose.marks()
 */
Datum
pgd_marks_rows(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdMarkList list;

	pgd_require_preload();
	pgd_rows_open(&sink, fcinfo, mark_columns);
	pgd_markfile_read(&list);
	for (int i = 0; i < list.n; i++)
		put_row(&sink, &list.marks[i]);
	return (Datum) 0;
}

/*
 * diagnose.marks_lost()
 */
Datum
pgd_marks_lost(PG_FUNCTION_ARGS)
{
	pgd_require_preload();
	PG_RETURN_INT64((int64) pgd_marks_dropped());
}

/* ----------
 * Marks that people make
 * ----------
 */

static PgdMarkKind
kind_of(const char *name)
{
	for (int i = 0; i < PGD_MARK_KINDS; i++)
	{
		if (kind_names[i] != NULL && strcmp(kind_names[i], name) == 0)
			return i;
	}
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("kind \"%s\" of marks does not exist", name)));
}

static bool
is_taken(const PgdMarkList *list, const char *label)
{
	for (int i = 0; i < list->n; i++)
	{
		const PgdMark *mark = &list->marks[i];

		if (mark->kind == PGD_MARK_LABEL &&
			mark->node == pgd_archive_node() && strcmp(mark->what, label) == 0)
			return true;
	}
	return false;
}

static uint64
snapshot_arg(FunctionCallInfo fcinfo, int arg)
{
	return PG_ARGISNULL(arg) ? 0 : (uint64) PG_GETARG_INT64(arg);
}

/*
 * diagnose.add_mark(kind, what, detail, snapshot, lower, upper)
 *
 * The mark is in the file when this returns, or in the ring if the file could
 * not be written, which is reported.
 */
Datum
pgd_mark_add(PG_FUNCTION_ARGS)
{
	PgdMark		mark;
	PgdMarkList list;
	char	   *what;

	pgd_require_preload();
	if (PG_ARGISNULL(0) || PG_ARGISNULL(1))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("a mark needs a kind and a name")));
	pgd_mark_begin(&mark, kind_of(text_to_cstring(PG_GETARG_TEXT_PP(0))));
	what = text_to_cstring(PG_GETARG_TEXT_PP(1));
	PGD_MARK_TEXT(&mark, what, what, -1);
	if (!PG_ARGISNULL(2))
		PGD_MARK_TEXT(&mark, detail,
					  text_to_cstring(PG_GETARG_TEXT_PP(2)), -1);
	mark.snapshot = snapshot_arg(fcinfo, 3);
	mark.lower = snapshot_arg(fcinfo, 4);
	mark.upper = snapshot_arg(fcinfo, 5);

	pgd_store_lock_archive();
	pgd_markfile_read(&list);
	if (mark.kind == PGD_MARK_LABEL && is_taken(&list, mark.what))
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("label \"%s\" already exists", mark.what)));
	/* if the ring is full, the file has room */
	if (pgd_marks_put(&mark) == 0 &&
		(!pgd_markfile_drain(NULL, WARNING) || pgd_marks_put(&mark) == 0))
		ereport(ERROR,
				(errcode(ERRCODE_OUT_OF_MEMORY),
				 errmsg("there is no room for a mark")));
	(void) pgd_markfile_drain(NULL, WARNING);
	pgd_store_unlock_archive();
	PG_RETURN_INT64((int64) mark.id);
}
