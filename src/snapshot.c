/*-------------------------------------------------------------------------
 *
 * snapshot.c
 *		The store to a file and back.
 *
 * At a clean shutdown the postmaster writes all that is known to a file, and
 * at start reads it and removes it: so a base backup or a cloned standby does
 * not carry a history that is not its own, and a crash never leaves a stale
 * one.  Primary and standby do the same; no WAL, no table.
 *
 * The file is
 *
 *		header		magic, format, size of the rest of the header
 *		counters	the names of the counters, in the order of the values
 *		since		when counting began
 *		statements	see write_statement()
 *		strays		errors that belong to no statement
 *		sessions	the names of their counters, then see write_session()
 *		shapes		the names of their counters and of the detectors, then
 *					see write_shapes()
 *		checksum	CRC-32C of all the bytes before
 *
 * in the byte order of the machine.  Counters are found by name, so a library
 * that counts more, or less, reads what another one wrote.  The checksum is
 * tested before anything is believed, and what is read is still tested field
 * by field: a file with a good checksum can come from a bad program.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "catalog/pg_control.h"
#include "common/controldata_utils.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#include "detectors.h"
#include "dumpfile.h"
#include "guc.h"
#include "sessions.h"
#include "snapshot.h"
#include "store.h"
#include "strays.h"

#define DUMP_FILE		PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_diagnose.stat"
#define DUMP_MAGIC		0x50474453
#define DUMP_FORMAT		3

/* counter names by their place in PgdCounters */
static const char *const counter_names[] = {
#define PGD_COUNTER(name, combine, unit) #name,
#include "counterlist.h"
#undef PGD_COUNTER
};

/* and by their place in PgdSessionCounters */
static const char *const session_names[] = {
#define PGD_SESSION_COUNTER(name, combine, unit) #name,
#include "sessionlist.h"
#undef PGD_SESSION_COUNTER
};

/* and by their place in PgdXactCounters */
static const char *const xact_names[] = {
#define PGD_XACT_COUNTER(name, combine, unit) #name,
#include "xactlist.h"
#undef PGD_XACT_COUNTER
};

static bool was_clean_shutdown(void);
static void write_statement(const PgdStatement *s, const char *text, int len,
							void *arg);
static void write_stray(const PgdStrayError *error, void *arg);
static void write_session(const PgdSessionSum *s, void *arg);
static void write_shapes(DumpFile *dump);
static bool check_file(DumpFile *dump);
static bool read_file(DumpFile *dump);
static bool is_time(TimestampTz t);
static bool is_statement(const PgdStatement *s);
static bool read_statement(DumpFile *dump);
static bool is_session(const PgdSessionSum *s);
static bool read_session(DumpFile *dump);
static bool read_shapes(DumpFile *dump);
static bool read_shape(DumpFile *dump);

/* ----------
 * Writing
 * ----------
 */

/*
 * Called by the postmaster when all other processes are gone.
 */
void
pgd_snapshot_dump(void)
{
	DumpFile	dump = {0};

	if (!pgd_save || !was_clean_shutdown())
		return;

	dump.file = AllocateFile(DUMP_FILE ".tmp", PG_BINARY_W);
	if (dump.file == NULL)
		goto error;
	INIT_CRC32C(dump.crc);

	pgd_put_uint32(&dump, DUMP_MAGIC);
	pgd_put_uint32(&dump, DUMP_FORMAT);
	pgd_put_uint32(&dump, PGD_HISTOGRAM_BUCKETS);
	pgd_put_names(&dump, counter_names, PGD_COUNTERS);
	pgd_put_uint64(&dump, (uint64) pgd_store_since());
	pgd_store_read(write_statement, &dump);
	pgd_put_uint32(&dump, 0);
	pgd_strays_read(write_stray, &dump);
	pgd_put_uint32(&dump, 0);
	pgd_put_names(&dump, session_names, PGD_SESSION_COUNTERS);
	pgd_store_read_sessions(write_session, &dump);
	pgd_put_uint32(&dump, 0);
	pgd_put_names(&dump, xact_names, PGD_XACT_COUNTERS);
	write_shapes(&dump);

	FIN_CRC32C(dump.crc);
	if (!dump.bad &&
		fwrite(&dump.crc, sizeof(dump.crc), 1, dump.file) != 1)
		dump.bad = true;
	if (FreeFile(dump.file) != 0)
		dump.bad = true;
	dump.file = NULL;
	if (dump.bad)
		goto error;

	(void) durable_rename(DUMP_FILE ".tmp", DUMP_FILE, LOG);
	return;

error:
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not write file \"%s\": %m", DUMP_FILE ".tmp"),
			 errdetail("What pg_diagnose knew is lost.")));
	unlink(DUMP_FILE ".tmp");
}

/*
 * An immediate shutdown looks like any other to a callback, but has killed
 * processes while they were writing or held a lock: then shared memory cannot
 * be read, and waiting for it would never end.  The control file knows.
 */
static bool
was_clean_shutdown(void)
{
	bool		crc_ok;
	ControlFileData *control = get_controlfile(DataDir, &crc_ok);
	bool		clean = crc_ok && (control->state == DB_SHUTDOWNED ||
								   control->state == DB_SHUTDOWNED_IN_RECOVERY);

	pfree(control);
	return clean;
}

/*
 * A statement: its size in buckets plus one (zero ends the list), the fixed
 * part, the counters, the buckets in use, the text.
 */
static void
write_statement(const PgdStatement *s, const char *text, int len, void *arg)
{
	DumpFile   *dump = arg;

	pgd_put_uint32(dump, pgd_buckets_in_use(&s->histogram) + 1);
	pgd_put(dump, &s->key, sizeof(s->key));
	pgd_put_uint64(dump, s->fingerprint);
	pgd_put_uint32(dump, s->encoding);
	pgd_put_uint64(dump, (uint64) s->since);
	pgd_put_uint64(dump, (uint64) s->last_seen);
	pgd_put(dump, &s->counters, sizeof(s->counters));
	pgd_put(dump, s->errors, sizeof(s->errors));
	pgd_put(dump, s->plans, sizeof(s->plans));
	pgd_put_histogram(dump, &s->histogram);
	pgd_put_uint32(dump, len);
	pgd_put(dump, text, len);
}

static void
write_stray(const PgdStrayError *error, void *arg)
{
	DumpFile   *dump = arg;

	pgd_put_uint32(dump, 1);
	pgd_put_uint32(dump, error->dbid);
	pgd_put_uint32(dump, error->sqlstate);
	pgd_put_uint64(dump, error->count);
}

/*
 * The sessions of a kind: as a statement, without a text.
 */
static void
write_session(const PgdSessionSum *s, void *arg)
{
	DumpFile   *dump = arg;

	pgd_put_uint32(dump, pgd_buckets_in_use(&s->histogram) + 1);
	pgd_put(dump, &s->key, sizeof(s->key));
	pgd_put(dump, &s->counters, sizeof(s->counters));
	pgd_put_histogram(dump, &s->histogram);
}

/*
 * A shape: one (zero ends the list), the key, the tag, times, the counters,
 * errors, positions, observations, each with the name of its detector, and
 * histograms.
 */
static void
write_shape(DumpFile *dump, const PgdShape *shape)
{
	const PgdShapeSums *s = &shape->sums;
	uint32		n = 0;

	pgd_put_uint32(dump, 1);
	pgd_put(dump, &s->key, sizeof(s->key));
	pgd_put(dump, &s->tag, sizeof(s->tag));
	pgd_put_uint64(dump, (uint64) s->since);
	pgd_put_uint64(dump, (uint64) s->last_seen);
	pgd_put_uint64(dump, s->slowest);
	pgd_put_uint64(dump, s->dropped);
	pgd_put(dump, &s->counters, sizeof(s->counters));
	pgd_put(dump, s->errors, sizeof(s->errors));
	pgd_put_uint32(dump, s->nsteps);
	pgd_put(dump, s->steps, sizeof(PgdStep) * s->nsteps);

	for (int i = 0; i < PGD_OBSERVATIONS; i++)
		n += (s->observations[i].detector != 0);
	pgd_put_uint32(dump, n);
	for (int i = 0; i < n; i++)
	{
		const PgdObservation *o = &s->observations[i];
		const char *name = pgd_detector(o->detector - 1)->name;

		pgd_put_names(dump, &name, 1);
		pgd_put(dump, o, sizeof(PgdObservation));
	}
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
	{
		pgd_put_uint32(dump, pgd_buckets_in_use(&shape->histograms[h]));
		pgd_put_histogram(dump, &shape->histograms[h]);
	}
}

/*
 * All sessions have ended, so that there is nothing in their slots.
 */
static void
write_shapes(DumpFile *dump)
{
	PgdShapesCopy copy;

	/* structs that a later library may have changed */
	pgd_put_uint32(dump, sizeof(PgdStep));
	pgd_put_uint32(dump, sizeof(PgdObservation));
	pgd_put_uint32(dump, sizeof(PgdTag));

	pgd_store_copy_shapes(&copy);
	for (int i = 0; i < copy.nshapes; i++)
		write_shape(dump, &copy.shapes[i]);
	pgd_put_uint32(dump, 0);
	pfree(copy.shapes);
	pfree(copy.slots);
}

/* ----------
 * Reading
 * ----------
 */

/*
 * Called by the postmaster before there are other processes.  A file that
 * cannot be used is reported and thrown away; the server starts all the same.
 */
void
pgd_snapshot_load(void)
{
	DumpFile	dump = {0};

	/* left by a crash while writing */
	unlink(DUMP_FILE ".tmp");

	/* what is not continued now would be a stale one the next time */
	if (!pgd_save)
	{
		unlink(DUMP_FILE);
		return;
	}
	dump.file = AllocateFile(DUMP_FILE, PG_BINARY_R);
	if (dump.file == NULL)
	{
		if (errno != ENOENT)
			ereport(LOG,
					(errcode_for_file_access(),
					 errmsg("could not read file \"%s\": %m", DUMP_FILE)));
		return;
	}

	if (!check_file(&dump) || !read_file(&dump))
	{
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ignoring invalid data in file \"%s\"", DUMP_FILE),
				 errdetail("pg_diagnose starts without what it knew before.")));
		(void) pgd_store_reset(InvalidOid, InvalidOid, 0);
	}
	if (dump.counters != NULL)
		pfree(dump.counters);
	FreeFile(dump.file);
	unlink(DUMP_FILE);
}

/*
 * Is the file whole?  Leaves it at its beginning.
 */
static bool
check_file(DumpFile *dump)
{
	char		buffer[8192];
	pg_crc32c	crc;
	pg_crc32c	wanted;
	off_t		size;

	if (fseeko(dump->file, 0, SEEK_END) != 0 ||
		(size = ftello(dump->file)) < (off_t) sizeof(wanted) ||
		fseeko(dump->file, 0, SEEK_SET) != 0)
		return false;
	size -= sizeof(wanted);

	INIT_CRC32C(crc);
	dump->left = size;
	while (dump->left > 0)
	{
		size_t		n = Min(dump->left, (off_t) sizeof(buffer));

		pgd_get(dump, buffer, n);
		if (dump->bad)
			return false;
		COMP_CRC32C(crc, buffer, n);
	}
	FIN_CRC32C(crc);
	if (fread(&wanted, sizeof(wanted), 1, dump->file) != 1 ||
		!EQ_CRC32C(crc, wanted) ||
		fseeko(dump->file, 0, SEEK_SET) != 0)
		return false;
	dump->left = size;
	return true;
}

static bool
read_file(DumpFile *dump)
{
	TimestampTz since;

	if (pgd_get_uint32(dump) != DUMP_MAGIC ||
		pgd_get_uint32(dump) != DUMP_FORMAT ||
		pgd_get_uint32(dump) != PGD_HISTOGRAM_BUCKETS ||
		!pgd_get_names(dump, counter_names, PGD_COUNTERS))
		return false;

	since = (TimestampTz) pgd_get_uint64(dump);
	if (!is_time(since))
		return false;
	pgd_store_set_since(since);
	while (read_statement(dump))
		;
	while (!dump->bad && pgd_get_uint32(dump) != 0)
	{
		Oid			dbid = pgd_get_uint32(dump);
		int32		sqlstate = pgd_get_uint32(dump);
		uint64		count = pgd_get_uint64(dump);

		if (!dump->bad)
			pgd_strays_count(dbid, sqlstate, count);
	}
	if (!pgd_get_names(dump, session_names, PGD_SESSION_COUNTERS))
		return false;
	while (read_session(dump))
		;
	if (!pgd_get_names(dump, xact_names, PGD_XACT_COUNTERS) ||
		!read_shapes(dump))
		return false;
	return !dump->bad && dump->left == 0;
}

/*
 * A time that can be shown, or 0: none.
 */
static bool
is_time(TimestampTz t)
{
	return !TIMESTAMP_NOT_FINITE(t) && IS_VALID_TIMESTAMP(t);
}

/*
 * Does everything else rely on what this says?
 */
static bool
is_statement(const PgdStatement *s)
{
	const PgdKey *key = &s->key;
	bool		evicted = (key->queryid == 0);

	for (int i = 0; i <= PGD_PLANS; i++)
	{
		if (!is_time(s->plans[i].last_seen))
			return false;
	}
	return PG_VALID_ENCODING(s->encoding) &&
		is_time(s->since) && is_time(s->last_seen) &&
		evicted == (key->userid == InvalidOid) &&
		key->toplevel <= (evicted ? 0 : 1) && key->unused == 0;
}

/*
 * Returns false at the end of the list, or when something is wrong.
 */
static bool
read_statement(DumpFile *dump)
{
	static PgdStatement s;
	static char text[PGD_TEXT_MAX];
	uint32		nbuckets = pgd_get_uint32(dump);
	uint32		len;
	uint64		total;

	if (dump->bad || nbuckets == 0)
		return false;
	nbuckets--;

	memset(&s, 0, sizeof(s));
	pgd_get(dump, &s.key, sizeof(s.key));
	s.fingerprint = pgd_get_uint64(dump);
	s.encoding = pgd_get_uint32(dump);
	s.since = (TimestampTz) pgd_get_uint64(dump);
	s.last_seen = (TimestampTz) pgd_get_uint64(dump);
	pgd_get_counters(dump, (uint64 *) &s.counters);
	pgd_get(dump, s.errors, sizeof(s.errors));
	pgd_get(dump, s.plans, sizeof(s.plans));
	pgd_get_histogram(dump, nbuckets, &s.histogram);
	len = pgd_get_uint32(dump);
	if (len > PGD_TEXT_MAX || !is_statement(&s) ||
		!pgd_histogram_total(&s.histogram, &total))
		dump->bad = true;
	else
		pgd_get(dump, text, len);

	if (!dump->bad)
		pgd_store_restore(&s, text, len);
	return !dump->bad;
}

/*
 * Does everything else rely on what this says?
 */
static bool
is_session(const PgdSessionSum *s)
{
	const PgdSessionKey *key = &s->key;
	int			len = strnlen(key->application, NAMEDATALEN);

	for (int i = len; i < NAMEDATALEN; i++)
	{
		if (key->application[i] != '\0')
			return false;
	}
	return len < NAMEDATALEN && OidIsValid(key->dbid) == OidIsValid(key->userid) &&
		(OidIsValid(key->dbid) || len == 0) &&
		is_time((TimestampTz) s->counters.first_begin) &&
		is_time((TimestampTz) s->counters.last_begin);
}

/*
 * Returns false at the end of the list, or when something is wrong.
 */
static bool
read_session(DumpFile *dump)
{
	static PgdSessionSum s;
	uint32		nbuckets = pgd_get_uint32(dump);
	uint64		total;

	if (dump->bad || nbuckets == 0)
		return false;

	memset(&s, 0, sizeof(s));
	pgd_get(dump, &s.key, sizeof(s.key));
	pgd_get_counters(dump, (uint64 *) &s.counters);
	pgd_get_histogram(dump, nbuckets - 1, &s.histogram);
	if (!is_session(&s) || !pgd_histogram_total(&s.histogram, &total))
		dump->bad = true;

	if (!dump->bad)
		pgd_sessions_restore(&s);
	return !dump->bad;
}

/*
 * Does everything else rely on what this says?
 */
static bool
is_shape(const PgdShapeSums *s)
{
	const PgdShapeKey *key = &s->key;
	bool		rest = (key->shape == 0);

	return is_time(s->since) && is_time(s->last_seen) &&
		(key->kind == PGD_XACT_BLOCK || key->kind == PGD_XACT_BURST) &&
		rest == (key->userid == InvalidOid) &&
		(!rest || (s->nsteps == 0 && key->tag == 0 && key->isolation == 0));
}

/*
 * Texts of a fixed size, each with its final zero.
 */
static void
read_tag(DumpFile *dump, PgdTag *tag)
{
	pgd_get(dump, tag, sizeof(PgdTag));
	tag->application[sizeof(tag->application) - 1] = '\0';
	tag->route[sizeof(tag->route) - 1] = '\0';
	tag->action[sizeof(tag->action) - 1] = '\0';
	tag->controller[sizeof(tag->controller) - 1] = '\0';
	tag->framework[sizeof(tag->framework) - 1] = '\0';
	tag->traceparent[sizeof(tag->traceparent) - 1] = '\0';
}

/*
 * What a detector saw that there is no more is left out.
 */
static void
read_observations(DumpFile *dump, PgdShapeSums *s)
{
	uint32		n = pgd_get_uint32(dump);
	int			ncounters = dump->ncounters;
	int		   *counters = dump->counters;
	const char *names[PGD_DETECTORS_MAX];

	if (n > PGD_OBSERVATIONS)
		dump->bad = true;
	for (int i = 0; i < pgd_detector_count(); i++)
		names[i] = pgd_detector(i)->name;

	for (int i = 0; i < n && !dump->bad; i++)
	{
		PgdObservation o;

		dump->counters = NULL;
		if (pgd_get_names(dump, names, pgd_detector_count()) &&
			dump->ncounters == 1)
		{
			pgd_get(dump, &o, sizeof(o));
			if (dump->counters[0] >= 0 && !dump->bad)
			{
				o.detector = dump->counters[0] + 1;
				pgd_shape_observe(s, &o);
			}
		}
		else
			dump->bad = true;
		if (dump->counters != NULL)
			pfree(dump->counters);
	}
	dump->ncounters = ncounters;
	dump->counters = counters;
}

static bool
read_shape(DumpFile *dump)
{
	static PgdShape shape;
	PgdShapeSums *s = &shape.sums;
	uint64		total;

	if (pgd_get_uint32(dump) == 0 || dump->bad)
		return false;

	memset(&shape, 0, sizeof(shape));
	pgd_get(dump, &s->key, sizeof(s->key));
	read_tag(dump, &s->tag);
	s->since = (TimestampTz) pgd_get_uint64(dump);
	s->last_seen = (TimestampTz) pgd_get_uint64(dump);
	s->slowest = pgd_get_uint64(dump);
	s->dropped = pgd_get_uint64(dump);
	pgd_get_counters(dump, (uint64 *) &s->counters);
	pgd_get(dump, s->errors, sizeof(s->errors));
	s->nsteps = pgd_get_uint32(dump);
	if (s->nsteps > PGD_STEPS)
		dump->bad = true;
	else
		pgd_get(dump, s->steps, sizeof(PgdStep) * s->nsteps);
	read_observations(dump, s);
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
	{
		pgd_get_histogram(dump, pgd_get_uint32(dump), &shape.histograms[h]);
		if (!pgd_histogram_total(&shape.histograms[h], &total))
			dump->bad = true;
	}
	if (!is_shape(s))
		dump->bad = true;

	if (!dump->bad)
		pgd_store_restore_shape(&shape);
	return !dump->bad;
}

static bool
read_shapes(DumpFile *dump)
{
	uint32		step_size = pgd_get_uint32(dump);
	uint32		observation_size = pgd_get_uint32(dump);
	uint32		tag_size = pgd_get_uint32(dump);

	if (dump->bad)
		return false;
	if (step_size != sizeof(PgdStep) ||
		observation_size != sizeof(PgdObservation) ||
		tag_size != sizeof(PgdTag))
	{
		/* those of another library; it is the end of the file */
		dump->left = 0;
		return true;
	}
	while (read_shape(dump))
		;
	return !dump->bad;
}
