/*-------------------------------------------------------------------------
 *
 * texts.c
 *		Texts of statements on disk, beside the snapshots.
 *
 * The file is a header and records, each with its own checksum, in the byte
 * order of the machine.  It only grows, by one write for all that is new,
 * until it would exceed four times the memory for texts; then it is made anew
 * with the texts of that round.  So snapshots that are kept for long may lose
 * the texts of statements that are gone, but none of those that go on.
 *
 * Whoever reads needs no lock.  He may see half of what is being appended:
 * the first record that is not whole ends the file for him.  Whoever writes
 * holds the archive's lock from before pgd_texts_read() until after
 * pgd_texts_end(), and writes over what was not whole.
 *
 * Nothing here fails: without texts a snapshot is still one.  What goes wrong
 * is reported at LOG, now and then.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mb/pg_wchar.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "guc.h"
#include "texts.h"

#define TEMPORARY_FILE	PGD_TEXTS_FILE ".tmp"
#define MAGIC			0x54474450	/* "PDGT" */
#define FORMAT			1
#define LIMIT_FACTOR	4			/* times the memory for texts */
#define REPORT_INTERVAL	(10 * 60 * 1000)	/* milliseconds */

typedef struct FileHeader
{
	uint32		magic;
	uint32		format;
} FileHeader;

/* Before each text.  Written to disk: no padding. */
typedef struct Record
{
	uint32		len;			/* bytes of text */
	pg_crc32c	crc;			/* of all but itself */
	uint64		queryid;
	Oid			dbid;
	int32		encoding;
} Record;

StaticAssertDecl(sizeof(Record) == 24, "records have no padding");

typedef struct TextKey
{
	uint64		queryid;
	Oid			dbid;
} TextKey;

typedef struct Text
{
	TextKey		key;
	const char *bytes;
	int32		len;
	int32		encoding;
	bool		in_file;
	bool		in_round;		/* was added in this round */
	char		status;			/* simplehash's */
} Text;

/* Query identifiers are hashes already, but not ours to trust. */
static inline uint32
hash_of(TextKey key)
{
	return (uint32) (((key.queryid ^ key.dbid) *
					  UINT64CONST(0x9E3779B97F4A7C15)) >> 32);
}

#define SH_PREFIX known
#define SH_ELEMENT_TYPE Text
#define SH_KEY_TYPE TextKey
#define SH_KEY key
#define SH_HASH_KEY(tb, key) hash_of(key)
#define SH_EQUAL(tb, a, b) ((a).queryid == (b).queryid && (a).dbid == (b).dbid)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

struct PgdTexts
{
	known_hash *known;
	char	   *data;			/* the file */
	off_t		size;			/* of the file, when it was read */
	off_t		whole;			/* bytes from its beginning that are good */
	bool		unread;			/* there may be more than we know */
};

static bool read_file(PgdTexts *texts, int fd);
static void read_records(PgdTexts *texts);
static char *encode(PgdTexts *texts, bool all, Size room, Size *size);
static bool append(PgdTexts *texts, Size room);
static bool rewrite(PgdTexts *texts, Size room);
static bool write_all(int fd, const char *data, Size size, off_t at);

/* Say what went wrong, but not each minute.  errno says why. */
static void
report(const char *what)
{
	static TimestampTz reported = 0;
	TimestampTz now = GetCurrentTimestamp();

	if (reported != 0 &&
		!TimestampDifferenceExceeds(reported, now, REPORT_INTERVAL))
		return;
	reported = now;
	ereport(LOG,
			(errcode_for_file_access(),
			 errmsg("could not %s file \"%s\": %m", what, PGD_TEXTS_FILE),
			 errdetail("Snapshots may be without the texts of some statements.")));
}

/* ----------
 * Reading
 * ----------
 */

/*
 * The texts of the file, in the current memory context.  What is absent or
 * damaged is left out.
 */
PgdTexts *
pgd_texts_read(void)
{
	PgdTexts   *texts = palloc0(sizeof(PgdTexts));
	int			fd;

	texts->known = known_create(CurrentMemoryContext, 1024, NULL);
	fd = OpenTransientFile(PGD_TEXTS_FILE, O_RDONLY | PG_BINARY);
	if (fd < 0 ? errno != ENOENT : !read_file(texts, fd))
	{
		texts->unread = true;
		report("read");
	}
	if (fd >= 0)
		CloseTransientFile(fd);
	read_records(texts);
	return texts;
}

/*
 * Returns false, with errno set, if there may be more in it than was read.
 */
static bool
read_file(PgdTexts *texts, int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0)
		return false;
	if (st.st_size == 0)
		return true;
	texts->data = palloc_extended(st.st_size,
								  MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	if (texts->data == NULL)
	{
		errno = ENOMEM;
		return false;
	}
	while (texts->size < st.st_size)
	{
		ssize_t		n = pg_pread(fd, texts->data + texts->size,
								 st.st_size - texts->size, texts->size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break;				/* it was cut off meanwhile */
		texts->size += n;
	}
	return true;
}

static pg_crc32c
checksum(const Record *record, const char *text)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, &record->len, sizeof(record->len));
	COMP_CRC32C(crc, &record->queryid,
				sizeof(Record) - offsetof(Record, queryid));
	COMP_CRC32C(crc, text, record->len);
	FIN_CRC32C(crc);
	return crc;
}

/*
 * A good checksum proves that it is what was written, not that whoever wrote
 * it knew what he did.
 */
static bool
is_record(const Record *record, const char *text)
{
	return PG_VALID_ENCODING(record->encoding) &&
		EQ_CRC32C(record->crc, checksum(record, text));
}

static void
read_records(PgdTexts *texts)
{
	off_t		at = sizeof(FileHeader);
	FileHeader	header;

	if (texts->size < at)
		return;
	memcpy(&header, texts->data, sizeof(header));
	if (header.magic != MAGIC || header.format != FORMAT)
		return;
	texts->whole = at;

	while (texts->size - at >= (off_t) sizeof(Record))
	{
		const char *bytes = texts->data + at + sizeof(Record);
		Record		record;
		Text	   *text;
		bool		found;

		memcpy(&record, texts->data + at, sizeof(Record));
		at += sizeof(Record);
		if (record.len > PGD_TEXT_MAX || texts->size - at < record.len ||
			!is_record(&record, bytes))
			return;
		at += record.len;
		texts->whole = at;

		text = known_insert(texts->known,
							(TextKey) {record.queryid, record.dbid}, &found);
		text->bytes = bytes;
		text->len = record.len;
		text->encoding = record.encoding;
		text->in_file = true;
		text->in_round = false;
	}
}

/*
 * What is found lives as long as the texts; it is not zero-terminated.
 */
bool
pgd_texts_find(const PgdTexts *texts, Oid dbid, uint64 queryid,
			   const char **text, int *len, int *encoding)
{
	const Text *found = known_lookup(texts->known, (TextKey) {queryid, dbid});

	if (found == NULL)
		return false;
	*text = found->bytes;
	*len = found->len;
	*encoding = found->encoding;
	return true;
}

/* ----------
 * Writing
 * ----------
 */

/*
 * Begin a round: what is added until its end is all that is needed now.
 */
void
pgd_texts_begin(PgdTexts *texts)
{
	known_iterator i;
	Text	   *text;

	known_start_iterate(texts->known, &i);
	while ((text = known_iterate(texts->known, &i)) != NULL)
		text->in_round = false;
}

/*
 * A text that is known under this name is taken to be the same.
 */
void
pgd_texts_add(PgdTexts *texts, Oid dbid, uint64 queryid, int encoding,
			  const char *bytes, int len)
{
	Text	   *text;
	bool		found;

	Assert(len >= 0 && len <= PGD_TEXT_MAX);
	text = known_insert(texts->known, (TextKey) {queryid, dbid}, &found);
	text->in_round = true;
	if (!found)
	{
		MemoryContext old = MemoryContextSwitchTo(texts->known->ctx);
		char	   *copy = palloc(Max(len, 1));

		MemoryContextSwitchTo(old);
		memcpy(copy, bytes, len);
		text->bytes = copy;
		text->len = len;
		text->encoding = encoding;
		text->in_file = false;
	}
}

/*
 * End a round: put into the file what was added and is not there.  Returns
 * false if that could not be done; the next round will try again.
 */
bool
pgd_texts_end(PgdTexts *texts)
{
	Size		limit = (Size) pgd_query_text_memory * 1024 * LIMIT_FACTOR;
	Size		fresh = 0;
	Size		round = 0;
	known_iterator i;
	Text	   *text;

	/* rather no new texts than to lose the old ones */
	if (texts->unread)
		return false;

	known_start_iterate(texts->known, &i);
	while ((text = known_iterate(texts->known, &i)) != NULL)
	{
		if (!text->in_round)
			continue;
		round += sizeof(Record) + text->len;
		if (!text->in_file)
			fresh += sizeof(Record) + text->len;
	}
	if (fresh == 0)
		return true;
	if (sizeof(FileHeader) + texts->whole + fresh <= limit)
		return append(texts, sizeof(FileHeader) + fresh);
	return rewrite(texts, Min(sizeof(FileHeader) + round, limit));
}

/*
 * The records of this round that are not in the file, or all, as far as there
 * is room; after a header if it is for the beginning of the file.  NULL if
 * there is no memory.
 */
static char *
encode(PgdTexts *texts, bool all, Size room, Size *size)
{
	char	   *data = palloc_extended(room, MCXT_ALLOC_HUGE | MCXT_ALLOC_NO_OOM);
	Size		at = 0;
	known_iterator i;
	Text	   *text;

	if (data == NULL)
	{
		errno = ENOMEM;
		return NULL;
	}
	if (all || texts->whole == 0)
	{
		FileHeader	header = {MAGIC, FORMAT};

		memcpy(data, &header, sizeof(header));
		at = sizeof(header);
	}
	known_start_iterate(texts->known, &i);
	while ((text = known_iterate(texts->known, &i)) != NULL)
	{
		Record		record = {
			.len = text->len,
			.queryid = text->key.queryid,
			.dbid = text->key.dbid,
			.encoding = text->encoding,
		};

		if (!text->in_round || (text->in_file && !all) ||
			room - at < sizeof(Record) + text->len)
			continue;
		record.crc = checksum(&record, text->bytes);
		memcpy(data + at, &record, sizeof(Record));
		memcpy(data + at + sizeof(Record), text->bytes, text->len);
		at += sizeof(Record) + text->len;
	}
	*size = at;
	return data;
}

/*
 * Write over what was not whole.  What is left of a failed write is no record,
 * and taken away all the same.
 */
static bool
append(PgdTexts *texts, Size room)
{
	Size		size;
	char	   *data = encode(texts, false, room, &size);
	int			fd = -1;
	bool		done;
	known_iterator i;
	Text	   *text;

	if (data != NULL)
		fd = OpenTransientFile(PGD_TEXTS_FILE, O_RDWR | O_CREAT | PG_BINARY);
	done = fd >= 0 &&
		(texts->whole >= texts->size || ftruncate(fd, texts->whole) == 0) &&
		write_all(fd, data, size, texts->whole) && pg_fsync(fd) == 0;
	if (!done)
		report("write");
	if (fd >= 0 && !done && ftruncate(fd, texts->whole) != 0)
		report("truncate");
	if (fd >= 0)
		CloseTransientFile(fd);
	if (data != NULL)
		pfree(data);
	if (!done)
		return false;

	texts->whole += size;
	texts->size = texts->whole;
	known_start_iterate(texts->known, &i);
	while ((text = known_iterate(texts->known, &i)) != NULL)
		text->in_file |= text->in_round;
	return true;
}

/*
 * The same file with the texts of this round only.
 */
static bool
rewrite(PgdTexts *texts, Size room)
{
	Size		size;
	char	   *data = encode(texts, true, room, &size);
	int			fd = -1;
	bool		done;
	known_iterator i;
	Text	   *text;

	if (data != NULL)
		fd = OpenTransientFile(TEMPORARY_FILE,
							   O_RDWR | O_CREAT | O_TRUNC | PG_BINARY);
	done = fd >= 0 && write_all(fd, data, size, 0) && pg_fsync(fd) == 0;
	if (!done)
		report("write");
	if (fd >= 0)
		CloseTransientFile(fd);
	if (data != NULL)
		pfree(data);

	/* this reports its failures, and leaves the new file */
	if (done)
		done = durable_rename(TEMPORARY_FILE, PGD_TEXTS_FILE, LOG) == 0;
	if (!done)
	{
		(void) unlink(TEMPORARY_FILE);
		return false;
	}

	texts->whole = texts->size = size;
	known_start_iterate(texts->known, &i);
	while ((text = known_iterate(texts->known, &i)) != NULL)
		text->in_file = text->in_round;
	return true;
}

static bool
write_all(int fd, const char *data, Size size, off_t at)
{
	Size		written = 0;

	while (written < size)
	{
		ssize_t		n;

		errno = 0;
		n = pg_pwrite(fd, data + written, size - written, at + written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			/* nothing written and no reason: no space */
			if (errno == 0)
				errno = ENOSPC;
			return false;
		}
		written += n;
	}
	return true;
}
