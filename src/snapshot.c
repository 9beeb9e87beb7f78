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
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "sessions.h"
#include "snapshot.h"
#include "store.h"
#include "strays.h"

#define DUMP_FILE		PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_diagnose.stat"
#define DUMP_MAGIC		0x50474453
#define DUMP_FORMAT		2
#define MAX_NAMES		1000

typedef struct DumpFile
{
	FILE	   *file;
	pg_crc32c	crc;
	off_t		left;			/* reading: bytes before the checksum */
	bool		bad;			/* something went wrong; errno says what */
	int			ncounters;		/* reading: in the file */
	int		   *counters;		/* reading: index into the struct, or -1 */
} DumpFile;

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

static bool was_clean_shutdown(void);
static void write_statement(const PgdStatement *s, const char *text, int len,
							void *arg);
static void write_stray(const PgdStrayError *error, void *arg);
static void write_session(const PgdSessionSum *s, void *arg);
static void put_names(DumpFile *dump, const char *const *names, int n);
static void put_histogram(DumpFile *dump, const PgdHistogram *histogram);
static bool check_file(DumpFile *dump);
static bool read_file(DumpFile *dump);
static bool read_names(DumpFile *dump, const char *const *names, int nnames);
static void get_counters(DumpFile *dump, uint64 *counters);
static void get_histogram(DumpFile *dump, uint32 nbuckets,
						  PgdHistogram *histogram);
static bool is_time(TimestampTz t);
static bool is_statement(const PgdStatement *s);
static bool read_statement(DumpFile *dump);
static bool is_session(const PgdSessionSum *s);
static bool read_session(DumpFile *dump);

static void
put(DumpFile *dump, const void *data, size_t size)
{
	if (dump->bad)
		return;
	COMP_CRC32C(dump->crc, data, size);
	if (fwrite(data, 1, size, dump->file) != size)
		dump->bad = true;
}

static void
put_uint32(DumpFile *dump, uint32 value)
{
	put(dump, &value, sizeof(value));
}

static void
put_uint64(DumpFile *dump, uint64 value)
{
	put(dump, &value, sizeof(value));
}

/*
 * Read some bytes.  At the end of the file, or with too little left, clears
 * them and remembers.
 */
static void
get(DumpFile *dump, void *data, size_t size)
{
	if (!dump->bad && dump->left >= (off_t) size &&
		fread(data, 1, size, dump->file) == size)
	{
		dump->left -= size;
		return;
	}
	memset(data, 0, size);
	dump->bad = true;
}

static uint32
get_uint32(DumpFile *dump)
{
	uint32		value;

	get(dump, &value, sizeof(value));
	return value;
}

static uint64
get_uint64(DumpFile *dump)
{
	uint64		value;

	get(dump, &value, sizeof(value));
	return value;
}

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

	put_uint32(&dump, DUMP_MAGIC);
	put_uint32(&dump, DUMP_FORMAT);
	put_uint32(&dump, PGD_HISTOGRAM_BUCKETS);
	put_names(&dump, counter_names, PGD_COUNTERS);
	put_uint64(&dump, (uint64) pgd_store_since());
	pgd_store_read(write_statement, &dump);
	put_uint32(&dump, 0);
	pgd_strays_read(write_stray, &dump);
	put_uint32(&dump, 0);
	put_names(&dump, session_names, PGD_SESSION_COUNTERS);
	pgd_store_read_sessions(write_session, &dump);
	put_uint32(&dump, 0);

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

static void
put_names(DumpFile *dump, const char *const *names, int n)
{
	put_uint32(dump, n);
	for (int i = 0; i < n; i++)
		put(dump, names[i], strlen(names[i]) + 1);
}

static uint32
buckets_in_use(const PgdHistogram *histogram)
{
	uint32		n = 0;

	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
		n += (histogram->count[i] != 0);
	return n;
}

static void
put_histogram(DumpFile *dump, const PgdHistogram *histogram)
{
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		if (histogram->count[i] != 0)
		{
			put_uint32(dump, i);
			put_uint64(dump, histogram->count[i]);
		}
	}
}

/*
 * A statement: its size in buckets plus one (zero ends the list), the fixed
 * part, the counters, the buckets in use, the text.
 */
static void
write_statement(const PgdStatement *s, const char *text, int len, void *arg)
{
	DumpFile   *dump = arg;

	put_uint32(dump, buckets_in_use(&s->histogram) + 1);
	put(dump, &s->key, sizeof(s->key));
	put_uint64(dump, s->fingerprint);
	put_uint32(dump, s->encoding);
	put_uint64(dump, (uint64) s->since);
	put_uint64(dump, (uint64) s->last_seen);
	put(dump, &s->counters, sizeof(s->counters));
	put(dump, s->errors, sizeof(s->errors));
	put(dump, s->plans, sizeof(s->plans));
	put_histogram(dump, &s->histogram);
	put_uint32(dump, len);
	put(dump, text, len);
}

static void
write_stray(const PgdStrayError *error, void *arg)
{
	DumpFile   *dump = arg;

	put_uint32(dump, 1);
	put_uint32(dump, error->dbid);
	put_uint32(dump, error->sqlstate);
	put_uint64(dump, error->count);
}

/*
 * The sessions of a kind: as a statement, without a text.
 */
static void
write_session(const PgdSessionSum *s, void *arg)
{
	DumpFile   *dump = arg;

	put_uint32(dump, buckets_in_use(&s->histogram) + 1);
	put(dump, &s->key, sizeof(s->key));
	put(dump, &s->counters, sizeof(s->counters));
	put_histogram(dump, &s->histogram);
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

		get(dump, buffer, n);
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

	if (get_uint32(dump) != DUMP_MAGIC ||
		get_uint32(dump) != DUMP_FORMAT ||
		get_uint32(dump) != PGD_HISTOGRAM_BUCKETS ||
		!read_names(dump, counter_names, PGD_COUNTERS))
		return false;

	since = (TimestampTz) get_uint64(dump);
	if (!is_time(since))
		return false;
	pgd_store_set_since(since);
	while (read_statement(dump))
		;
	while (!dump->bad && get_uint32(dump) != 0)
	{
		Oid			dbid = get_uint32(dump);
		int32		sqlstate = get_uint32(dump);
		uint64		count = get_uint64(dump);

		if (!dump->bad)
			pgd_strays_count(dbid, sqlstate, count);
	}
	if (!read_names(dump, session_names, PGD_SESSION_COUNTERS))
		return false;
	while (read_session(dump))
		;
	return !dump->bad && dump->left == 0;
}

/*
 * Find out which counter of ours each of the file's is.
 */
static bool
read_names(DumpFile *dump, const char *const *names, int nnames)
{
	uint32		n = get_uint32(dump);

	if (dump->bad || n > MAX_NAMES)
		return false;
	dump->ncounters = n;
	if (dump->counters != NULL)
		pfree(dump->counters);
	dump->counters = palloc(sizeof(int) * Max(n, 1));
	for (uint32 i = 0; i < n; i++)
	{
		char		name[NAMEDATALEN];
		int			len = 0;

		do
		{
			get(dump, &name[len], 1);
		} while (name[len] != '\0' && ++len < NAMEDATALEN);
		if (dump->bad || len == 0 || len == NAMEDATALEN)
			return false;

		dump->counters[i] = -1;
		for (int c = 0; c < nnames; c++)
		{
			if (strcmp(name, names[c]) == 0)
				dump->counters[i] = c;
		}
	}
	return true;
}

/*
 * Read the counters that the names told of.
 */
static void
get_counters(DumpFile *dump, uint64 *counters)
{
	for (int i = 0; i < dump->ncounters; i++)
	{
		uint64		value = get_uint64(dump);

		if (dump->counters[i] >= 0)
			counters[dump->counters[i]] = value;
	}
}

static void
get_histogram(DumpFile *dump, uint32 nbuckets, PgdHistogram *histogram)
{
	for (uint32 i = 0; i < nbuckets && !dump->bad; i++)
	{
		uint32		bucket = get_uint32(dump);
		uint64		count = get_uint64(dump);

		if (bucket >= PGD_HISTOGRAM_BUCKETS)
			dump->bad = true;
		else
			histogram->count[bucket] = count;
	}
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
	uint32		nbuckets = get_uint32(dump);
	uint32		len;
	uint64		total;

	if (dump->bad || nbuckets == 0)
		return false;
	nbuckets--;

	memset(&s, 0, sizeof(s));
	get(dump, &s.key, sizeof(s.key));
	s.fingerprint = get_uint64(dump);
	s.encoding = get_uint32(dump);
	s.since = (TimestampTz) get_uint64(dump);
	s.last_seen = (TimestampTz) get_uint64(dump);
	get_counters(dump, (uint64 *) &s.counters);
	get(dump, s.errors, sizeof(s.errors));
	get(dump, s.plans, sizeof(s.plans));
	get_histogram(dump, nbuckets, &s.histogram);
	len = get_uint32(dump);
	if (len > PGD_TEXT_MAX || !is_statement(&s) ||
		!pgd_histogram_total(&s.histogram, &total))
		dump->bad = true;
	else
		get(dump, text, len);

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
	uint32		nbuckets = get_uint32(dump);
	uint64		total;

	if (dump->bad || nbuckets == 0)
		return false;

	memset(&s, 0, sizeof(s));
	get(dump, &s.key, sizeof(s.key));
	get_counters(dump, (uint64 *) &s.counters);
	get_histogram(dump, nbuckets - 1, &s.histogram);
	if (!is_session(&s) || !pgd_histogram_total(&s.histogram, &total))
		dump->bad = true;

	if (!dump->bad)
		pgd_sessions_restore(&s);
	return !dump->bad;
}
