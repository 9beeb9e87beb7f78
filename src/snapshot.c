/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *		The store to a file and back.
 *
 * At a clean shutdown the postmaster writes all that is known to a file, and
 * at start reads it and removes it: so a crash never leaves a stale one, and
 * counting goes on where it ended.  Primary and standby do the same; no WAL,
 * no table.
 *
 * While the server runs, snapshots of the same form go to the archive, for
 * windows (window.c).  They have no texts: those are in a file of their own
 * (texts.c), once each.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "archive.h"
#include "compat.h"
#include "guc.h"
#include "markfile.h"
#include "snapshot.h"
#include "store.h"
#include "texts.h"

#define DUMP_FILE		PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_diagnose.stat"

#define THIN_INTERVAL	UINT64CONST(10000000000)	/* ten seconds */

static uint64 find_label(const char *label);
static bool restore(PgdImage *image);

/* ----------
 * Headers
 * ----------
 */

/*
 * What a snapshot that is taken now says about itself.
 */
void
pgd_snapshot_describe(PgdSnapshotHeader *header)
{
	TimeLineID	timeline;

	memset(header, 0, sizeof(PgdSnapshotHeader));
	header->node = pgd_archive_node();
	header->system_identifier = GetSystemIdentifier();
	header->epoch = pgd_store_epoch();
	header->taken_at = GetCurrentTimestamp();
	header->since = pgd_store_since();
	header->server_started = PgStartTime;
	header->monotonic = pgd_clock();
	header->settings_digest = pgd_archive_settings_digest();
	header->is_standby = RecoveryInProgress();
	if (header->is_standby)
		(void) GetXLogReplayRecPtr(&timeline);
	else
		timeline = GetWALInsertionTimeLine();
	header->timeline = timeline;
	header->server_version = PGD_SERVER_VERSION;
}

/*
 * The header and all of the store.  If somebody forgets everything meanwhile,
 * it is done again: part of it would be of one epoch, part of another.
 */
static void
make_image(PgdImageWriter *writer, PgdSnapshotHeader *header)
{
	const PgdSnapshotHeader asked = *header;
	PgdStoreStatus status;

	for (;;)
	{
		pgd_snapshot_describe(header);
		header->kind = asked.kind;
		memcpy(header->label, asked.label, NAMEDATALEN);

		pgd_image_begin(writer, header);
		pgd_image_put_store(writer);
		pgd_store_status(&status);
		header->uncaptured = status.uncaptured;
		if (status.epoch == header->epoch)
			break;
		pfree(writer->body.data);
		CHECK_FOR_INTERRUPTS();
	}
}

/* ----------
 * While the server runs
 * ----------
 */

/*
 * Write what was put together; the caller holds the lock of the archive.
 * Returns its number, or 0 if that was not possible.
 */
uint64
pgd_snapshot_write(PgdImageWriter *writer, int elevel)
{
	static uint64 thinned_at = 0;
	PgdSnapshotHeader *header = writer->header;
	int			npinned;
	uint64	   *pinned;

	/* somebody may have taken the label since it was found to be free */
	if (header->label[0] != '\0' && find_label(header->label) != 0)
	{
		ereport(elevel,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("label \"%s\" already exists", header->label)));
		return 0;
	}

	header->id = pgd_archive_next_id();
	if (!pgd_archive_put_snapshot(NULL, header, writer->body.data,
								  writer->body.len, elevel))
		return 0;

	/* to look at all of them takes as long as there are */
	if (header->kind == PGD_SNAPSHOT_AUTOMATIC &&
		header->monotonic - thinned_at < THIN_INTERVAL)
		return header->id;
	thinned_at = header->monotonic;
	pinned = pgd_markfile_pinned(&npinned);
	if (!pgd_archive_thin(header->taken_at, pinned, npinned))
	{
		/* all that is left was asked for by name */
		pgd_archive_drop(header->id);
		ereport(elevel,
				(errcode(ERRCODE_DISK_FULL),
				 errmsg("snapshots take more disk space than \"pg_diagnose.snapshot_disk\" allows"),
				 errhint("Drop some with diagnose.drop_snapshot(), or raise the setting.")));
		return 0;
	}
	return header->id;
}

/*
 * Is there a snapshot of ours with that label?
 */
static uint64
find_label(const char *label)
{
	int			n;
	PgdSnapshotFile *files = pgd_archive_list(&n);
	uint64		found = 0;

	for (int i = 0; i < n; i++)
	{
		const PgdSnapshotHeader *header = &files[i].header;

		if (files[i].problem == NULL && header->node == pgd_archive_node() &&
			strcmp(header->label, label) == 0)
			found = header->id;
	}
	pfree(files);
	return found;
}

/*
 * An error unless a label is new, and can be told apart from all else that may
 * name the end of a window.
 */
void
pgd_snapshot_check_label(const char *label)
{
	uint64		taken;

	if (label[0] == '\0' || label[0] == '#' ||
		pg_strcasecmp(label, "now") == 0 || pg_strcasecmp(label, "reset") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("invalid label: \"%s\"", label),
				 errdetail("A label is not empty, does not begin with \"#\", and is neither \"now\" nor \"reset\".")));
	if (strlen(label) >= NAMEDATALEN)
		ereport(ERROR,
				(errcode(ERRCODE_NAME_TOO_LONG),
				 errmsg("label is too long: \"%s\"", label),
				 errdetail("A label has at most %d bytes.", NAMEDATALEN - 1)));
	taken = find_label(label);
	if (taken != 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("label \"%s\" already exists", label),
				 errdetail("It is that of snapshot %llu.",
						   (unsigned long long) taken),
				 errhint("Choose another one, or drop that one with diagnose.drop_snapshot().")));
}

static void
add_text(const PgdStatement *s, const char *text, int len, void *arg)
{
	pgd_texts_add(arg, s->key.dbid, s->key.queryid, s->encoding, text, len);
}

/*
 * Take a snapshot; an automatic one if there is no label.  Returns its number,
 * or 0 if that was not possible.
 */
uint64
pgd_snapshot_take(const char *label, int elevel)
{
	PgdSnapshotHeader header = {0};
	PgdImageWriter writer = {.visit = add_text};
	uint64		id;

	pgd_store_lock_archive();
	writer.arg = pgd_texts_read();
	pgd_texts_begin(writer.arg);
	header.kind = label != NULL ? PGD_SNAPSHOT_LABELLED : PGD_SNAPSHOT_AUTOMATIC;
	if (label != NULL)
		strlcpy(header.label, label, NAMEDATALEN);
	make_image(&writer, &header);
	/* a snapshot without some texts is better than none */
	(void) pgd_texts_end(writer.arg);
	id = pgd_snapshot_write(&writer, elevel);
	pgd_store_unlock_archive();
	return id;
}

/*
 * An image of the present, for this process alone.
 */
void
pgd_snapshot_live(PgdImage *image)
{
	PgdSnapshotHeader header = {0};
	PgdImageWriter writer = {.with_texts = true};

	make_image(&writer, &header);
	header.body_size = writer.body.len;
	if (!pgd_image_open(image, &header, writer.body.data))
		elog(ERROR, "could not read what was just written");
}

/* ----------
 * End of the server
 * ----------
 */

/*
 * Called by the postmaster when all other processes are gone.
 */
void
pgd_snapshot_dump(void)
{
	PgdSnapshotHeader header = {
		.node = pgd_archive_node(),
		.epoch = pgd_store_epoch(),
		.taken_at = GetCurrentTimestamp(),
		.since = pgd_store_since(),
		.server_started = PgStartTime,
		.server_version = PGD_SERVER_VERSION,
	};
	PgdImageWriter writer = {.with_texts = true};

	if (!pgd_save || !pgd_snapshot_is_clean())
		return;

	pgd_image_begin(&writer, &header);
	pgd_image_put_store(&writer);
	if (!pgd_archive_put_snapshot(DUMP_FILE, &header, writer.body.data,
								  writer.body.len, LOG))
		ereport(LOG,
				(errmsg("what pg_diagnose knew is lost")));
}

/*
 * Did the server shut down as it should?  An immediate shutdown looks like any
 * other to a callback, but has killed processes while they were writing or
 * held a lock: then shared memory cannot be read, and waiting for it would
 * never end.  The control file knows.
 */
bool
pgd_snapshot_is_clean(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	bool		clean = crc_ok && (control->state == DB_SHUTDOWNED ||
								   control->state == DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return clean;
}

/* ----------
 * Start of the server
 * ----------
 */

/*
 * Called by the postmaster before there are other processes.  A file that
 * cannot be used is reported and thrown away; the server starts all the same.
 */
void
pgd_snapshot_load(void)
{
	PgdSnapshotHeader header;
	PgdImage	image;
	MemoryContext context;
	MemoryContext old;
	const char *problem;
	const char *body;

	pgd_archive_start();

	/* left by a crash while writing */
	unlink(DUMP_FILE ".tmp");

	/* what is not continued now would be a stale one the next time */
	if (!pgd_save)
	{
		unlink(DUMP_FILE);
		return;
	}
	context = AllocSetContextCreate(CurrentMemoryContext, "pg_diagnose load",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	body = pgd_archive_get_snapshot(DUMP_FILE, 0, &header, &problem);
	if (body == NULL && problem == NULL)
		;						/* nothing was left */
	else if (body != NULL && header.node != pgd_archive_node())
		ereport(LOG,
				(errmsg("ignoring file \"%s\" of another server", DUMP_FILE),
				 errdetail("This data directory is a copy; pg_diagnose starts without what the original knew.")));
	else if (body == NULL || !pgd_image_open(&image, &header, body) ||
			 !restore(&image))
	{
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ignoring invalid data in file \"%s\"", DUMP_FILE),
				 errdetail("pg_diagnose starts without what it knew before.")));
		(void) pgd_store_reset(InvalidOid, InvalidOid, 0);
	}
	unlink(DUMP_FILE);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

static bool
restore_statements(PgdImage *image)
{
	static PgdStatement statement;
	PgdCursor  *section = &image->sections[PGD_SECTION_STATEMENTS];
	PgdRecord	record;
	const char *text;
	int			len;

	while (pgd_image_next(section, &record))
	{
		if (!pgd_image_statement(image, record, &statement, &text, &len))
			return false;
		pgd_store_restore(&statement, text != NULL ? text : "", len);
	}
	return !section->bad;
}

static bool
restore_strays(PgdImage *image)
{
	PgdCursor  *section = &image->sections[PGD_SECTION_STRAYS];
	PgdRecord	record;
	PgdStrayError error;

	while (pgd_image_next(section, &record))
	{
		if (!pgd_image_stray(record, &error))
			return false;
		pgd_strays_count(error.dbid, error.sqlstate, error.count);
	}
	return !section->bad;
}

static bool
restore_sessions(PgdImage *image)
{
	static PgdSessionSum session;
	PgdCursor  *section = &image->sections[PGD_SECTION_SESSIONS];
	PgdRecord	record;

	while (pgd_image_next(section, &record))
	{
		if (!pgd_image_session(image, record, &session))
			return false;
		session.open = 0;
		pgd_sessions_restore(&session);
	}
	return !section->bad;
}

static bool
restore_shapes(PgdImage *image)
{
	static PgdShape shape;
	PgdCursor  *section = &image->sections[PGD_SECTION_SHAPES];
	PgdRecord	record;

	/* positions of another library are of another form */
	while (image->knows_steps && pgd_image_next(section, &record))
	{
		if (!pgd_image_shape(image, record, &shape))
			return false;
		pgd_store_restore_shape(&shape);
	}
	return !section->bad;
}

static bool
restore_samples(PgdImage *image)
{
	PgdCursor  *section = &image->sections[PGD_SECTION_SAMPLES];
	PgdRecord	record;
	PgdSampleKind kind;
	PgdSample	sample;

	while (pgd_image_next(section, &record))
	{
		if (!pgd_image_sample(record, &kind, &sample))
			return false;
		pgd_samples_restore(kind, &sample);
	}
	return !section->bad;
}

/*
 * Put all back.  Returns false if something is wrong; then part of it may be
 * there.
 */
static bool
restore(PgdImage *image)
{
	const PgdSnapshotHeader *header = &image->header;

	if (TIMESTAMP_NOT_FINITE(header->since) ||
		!IS_VALID_TIMESTAMP(header->since) || header->epoch == 0)
		return false;
	pgd_store_set_since(header->since, header->epoch);
	return restore_statements(image) && restore_strays(image) &&
		restore_sessions(image) && restore_shapes(image) &&
		restore_samples(image);
}
