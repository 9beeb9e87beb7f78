/*-------------------------------------------------------------------------
 *
 * markfile.c
 *		Marks, and the settings of the last look, in a file.
 *
 * The file "marks" of the archive is
 *
 *		format		a number
 *		marks		how many, then each as bytes by themselves, so that a
 *					later library can say more of one
 *		settings	bytes that settings.c writes and reads
 *
 * It is small and rarely written: new marks are added by writing it anew.
 * Who does that holds the lock of the archive; readers need none.
 *
 * What a mark is about decides how long it is kept, so that a job that makes
 * tables all day does not wash away what people wrote.  The current version
 * of a baseline is kept for ever.
 *
 * A standby that was cloned finds the marks of its primary here.  They are
 * kept: they did happen to what it holds.  But each mark says whose it is.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xlog.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "archive.h"
#include "codec.h"
#include "markfile.h"

#define FILE_NAME		"marks"
#define FORMAT			1

/* How many of a kind are kept; the first two make 2,000. */
#define DDL_MAX			1500
#define OTHERS_MAX		500
#define BASELINES_MAX	500

/*
 * A mark of here and now, by whoever we are.
 */
void
pgd_mark_begin(PgdMark *mark, PgdMarkKind kind)
{
	memset(mark, 0, sizeof(PgdMark));
	mark->node = pgd_archive_node();
	mark->at = GetCurrentTimestamp();
	mark->kind = kind;
	mark->encoding = GetDatabaseEncoding();
	if (OidIsValid(MyDatabaseId))
	{
		mark->dbid = MyDatabaseId;
		mark->userid = GetUserId();
	}
}

/* ----------
 * The file
 * ----------
 */

static void
put_mark(StringInfo out, const PgdMark *mark)
{
	StringInfoData part;

	initStringInfo(&part);
	pgd_put_number(&part, mark->id);
	pgd_put_fixed64(&part, mark->node);
	pgd_put_signed(&part, mark->at);
	pgd_put_number(&part, mark->kind);
	pgd_put_number(&part, mark->encoding);
	pgd_put_number(&part, mark->dbid);
	pgd_put_number(&part, mark->userid);
	pgd_put_number(&part, mark->snapshot);
	pgd_put_number(&part, mark->lower);
	pgd_put_number(&part, mark->upper);
	pgd_put_text(&part, mark->what, strlen(mark->what));
	pgd_put_text(&part, mark->object, strlen(mark->object));
	pgd_put_text(&part, mark->detail, strlen(mark->detail));
	pgd_put_text(&part, mark->undo, strlen(mark->undo));
	pgd_put_text(out, part.data, part.len);
	pfree(part.data);
}

/*
 * Returns false if this cannot be a mark: a checksum that is right can come
 * from a program that is wrong.
 */
static bool
get_mark(PgdCursor *in, PgdMark *mark)
{
	PgdCursor	part = pgd_get_part(in);
	uint64		kind;
	uint64		encoding;

	memset(mark, 0, sizeof(PgdMark));
	mark->id = pgd_get_number(&part);
	mark->node = pgd_get_fixed64(&part);
	mark->at = pgd_get_signed(&part);
	kind = pgd_get_number(&part);
	encoding = pgd_get_number(&part);
	mark->dbid = (Oid) pgd_get_number(&part);
	mark->userid = (Oid) pgd_get_number(&part);
	mark->snapshot = pgd_get_number(&part);
	mark->lower = pgd_get_number(&part);
	mark->upper = pgd_get_number(&part);
	pgd_get_chars(&part, mark->what, sizeof(mark->what));
	pgd_get_chars(&part, mark->object, sizeof(mark->object));
	pgd_get_chars(&part, mark->detail, sizeof(mark->detail));
	pgd_get_chars(&part, mark->undo, sizeof(mark->undo));
	if (part.bad || kind == PGD_MARK_NONE || kind >= PGD_MARK_KINDS ||
		encoding > PG_INT32_MAX || !PG_VALID_ENCODING((int) encoding) ||
		TIMESTAMP_NOT_FINITE(mark->at) || !IS_VALID_TIMESTAMP(mark->at))
	{
		in->bad = true;
		return false;
	}
	mark->kind = (uint32) kind;
	mark->encoding = (int32) encoding;
	return true;
}

static void
clear(PgdMarkList *list)
{
	memset(list, 0, sizeof(PgdMarkList));
	list->settings = "";
}

void
pgd_markfile_free(PgdMarkList *list)
{
	if (list->marks != NULL)
		pfree(list->marks);
	if (list->data != NULL)
		pfree(list->data);
	clear(list);
}

static void
add(PgdMarkList *list, const PgdMark *mark)
{
	if (list->n == list->size)
	{
		list->size = Max(list->size * 2, 64);
		list->marks = list->marks == NULL ?
			palloc(sizeof(PgdMark) * list->size) :
			repalloc(list->marks, sizeof(PgdMark) * list->size);
	}
	list->marks[list->n++] = *mark;
}

/*
 * A file that cannot be used is reported and begun anew.
 */
static void
read_file(PgdMarkList *list)
{
	static bool reported = false;
	size_t		size;
	char	   *data = pgd_archive_get(FILE_NAME, &size);
	PgdCursor	in = {0};
	uint64		n;

	clear(list);
	list->data = data;
	if (data == NULL)
		return;
	in.next = data;
	in.end = data + size;
	if (pgd_get_number(&in) != FORMAT)
		in.bad = true;
	n = pgd_get_number(&in);
	while (n-- > 0 && !in.bad)
	{
		PgdMark		mark;

		if (!get_mark(&in, &mark))
			break;
		/* they are in order, and everybody relies on that */
		if (list->n > 0 && mark.id <= list->marks[list->n - 1].id)
			in.bad = true;
		else
			add(list, &mark);
	}
	list->settings = pgd_get_text(&in, &list->settings_size);
	list->kept = list->n;
	if (in.bad || in.next != in.end)
	{
		pgd_markfile_free(list);
		if (!reported)
			ereport(LOG,
					(errcode(ERRCODE_DATA_CORRUPTED),
					 errmsg("ignoring invalid data in file \"%s\"",
							"pg_diagnose/" FILE_NAME),
					 errdetail("pg_diagnose starts a new list of marks.")));
		reported = true;
	}
}

/* A mark of the ring that may have been moved to the file since. */
static void
add_from_ring(const PgdMark *mark, void *arg)
{
	add(arg, mark);
}

/*
 * All marks, also those that nobody has written to the file yet.
 */
void
pgd_markfile_read(PgdMarkList *list)
{
	PgdMarkList ring = {0};

	(void) pgd_marks_read(add_from_ring, &ring);
	read_file(list);
	for (int i = 0; i < ring.n; i++)
	{
		if (list->n == 0 || ring.marks[i].id > list->marks[list->n - 1].id)
			add(list, &ring.marks[i]);
	}
	if (ring.marks != NULL)
		pfree(ring.marks);
}

/* ----------
 * What is kept
 * ----------
 */

/*
 * The current version of a baseline of this node, or NULL: there is none, or
 * it was given up.
 */
const PgdMark *
pgd_markfile_baseline(const PgdMarkList *list, const char *name)
{
	for (int i = list->n - 1; i >= 0; i--)
	{
		const PgdMark *mark = &list->marks[i];

		if (mark->kind == PGD_MARK_BASELINE &&
			mark->node == pgd_archive_node() && strcmp(mark->what, name) == 0)
			return mark->upper != 0 ? mark : NULL;
	}
	return NULL;
}

/*
 * Snapshots that are the ends of a baseline and must stay; may be asked by
 * whoever holds the lock of the archive.
 */
uint64 *
pgd_markfile_pinned(int *n)
{
	PgdMarkList list;
	uint64	   *pinned;

	pgd_markfile_read(&list);
	pinned = palloc(sizeof(uint64) * Max(2 * list.n, 1));
	*n = 0;
	for (int i = 0; i < list.n; i++)
	{
		const PgdMark *mark = &list.marks[i];

		if (mark->kind != PGD_MARK_BASELINE ||
			pgd_markfile_baseline(&list, mark->what) != mark)
			continue;
		pinned[(*n)++] = mark->upper;
		if (mark->lower != 0)
			pinned[(*n)++] = mark->lower;
	}
	pgd_markfile_free(&list);
	return pinned;
}

/*
 * Leave out the oldest marks of each kind that are too many.
 */
static void
trim(PgdMarkList *list)
{
	int			ddl = 0;
	int			others = 0;
	int			baselines = 0;
	int			n = 0;

	for (int i = 0; i < list->n; i++)
	{
		ddl += list->marks[i].kind == PGD_MARK_DDL;
		baselines += list->marks[i].kind == PGD_MARK_BASELINE;
	}
	others = list->n - ddl - baselines;
	ddl -= DDL_MAX;
	others -= OTHERS_MAX;
	baselines -= BASELINES_MAX;

	for (int i = 0; i < list->n; i++)
	{
		const PgdMark *mark = &list->marks[i];
		bool		leave_out;

		if (mark->kind == PGD_MARK_DDL)
			leave_out = ddl-- > 0;
		else if (mark->kind != PGD_MARK_BASELINE)
			leave_out = others-- > 0;
		else
		{
			leave_out = baselines > 0 &&
				pgd_markfile_baseline(list, mark->what) != mark;
			baselines -= leave_out;
		}
		if (leave_out)
			continue;
		/* the baselines of what follows are looked for behind it */
		list->marks[n++] = *mark;
	}
	list->n = n;
}

/*
 * Move the marks of the ring to the file; with "settings", these instead of
 * what it has.  Returns false, with the ring as it was, if that fails.
 */
bool
pgd_markfile_drain(const StringInfoData *settings, int elevel)
{
	PgdMarkList list;
	StringInfoData out;
	int			n;
	bool		ok;

	read_file(&list);
	/* those of the file are older than what the ring has, so none is double */
	n = pgd_marks_read(add_from_ring, &list);
	if (n == 0 && settings == NULL)
		return true;
	trim(&list);

	initStringInfo(&out);
	pgd_put_number(&out, FORMAT);
	pgd_put_number(&out, list.n);
	for (int i = 0; i < list.n; i++)
		put_mark(&out, &list.marks[i]);
	if (settings != NULL)
		pgd_put_text(&out, settings->data, settings->len);
	else
		pgd_put_text(&out, list.settings, list.settings_size);

	ok = pgd_archive_put(FILE_NAME, out.data, out.len, elevel);
	if (ok)
		pgd_marks_free(n);
	pfree(out.data);
	pgd_markfile_free(&list);
	return ok;
}

/* ----------
 * Start of the server
 * ----------
 */

static bool
exists(const char *path)
{
	return access(path, F_OK) == 0;
}

/*
 * The control file knows whether the server was shut down.  What was restored
 * from a backup was not, but has not crashed either.
 */
static bool
has_crashed(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	bool		clean = crc_ok && (control->state == DB_SHUTDOWNED ||
								   control->state == DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return !clean && !exists(BACKUP_LABEL_FILE);
}

/*
 * Called by the postmaster when memory is new, before there are other
 * processes: also after the crash of a single one.
 */
void
pgd_markfile_start(void)
{
	bool		standby = exists(STANDBY_SIGNAL_FILE);
	/* not of the headers: a minor release changes without us */
	const char *number = GetConfigOption("server_version_num", true, false);
	int			version = number != NULL ? atoi(number) : 0;
	PgdMarkList list;
	PgdMark		mark;

	pgd_mark_begin(&mark, has_crashed() ? PGD_MARK_CRASH : PGD_MARK_START);
	read_file(&list);
	pgd_marks_start(list.n > 0 ? list.marks[list.n - 1].id + 1 : 1,
					standby || exists(RECOVERY_SIGNAL_FILE));

	snprintf(mark.what, sizeof(mark.what), "PostgreSQL %d.%d",
			 version / 10000, version % 10000);
	snprintf(mark.detail, sizeof(mark.detail), "%spg_diagnose %s%s",
			 mark.kind == PGD_MARK_CRASH ? "after a crash, " : "", PGD_VERSION,
			 standby ? ", as a standby" : "");
	(void) pgd_marks_put(&mark);
	pgd_markfile_free(&list);
}
