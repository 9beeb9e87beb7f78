/*-------------------------------------------------------------------------
 *
 * evidence_file.c
 *		Evidence of statements to a file and back.
 *
 * As snapshot.c does with all else: written at a clean shutdown, read and
 * removed at start.  But examples have the constants of statements, which may
 * be anything, so this is done only where "pg_diagnose.save_constants" allows
 * it, and in a file of its own that no snapshot shares.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "catalog/catversion.h"
#include "lib/stringinfo.h"
#include "pgstat.h"
#include "utils/memutils.h"

#include "archive.h"
#include "archive_file.h"
#include "evidence_file.h"
#include "guc.h"
#include "snapshot.h"
#include "store.h"

#define EVIDENCE_FILE	PGSTAT_STAT_PERMANENT_DIRECTORY "/pg_diagnose_evidence.stat"
#define EVIDENCE_MAGIC	0x50474456	/* "PGDV" */
#define EVIDENCE_FORMAT	1
#define EVIDENCE_MAX	(512 * 1024 * 1024)	/* bytes of the file */

typedef struct EvidenceHeader
{
	uint32		magic;
	uint32		format;
	uint32		catalog_version;	/* trees of another one cannot be read */
	uint32		evidence_size;
	uint64		node;
	uint64		body_size;
	pg_crc32c	body_crc;
	pg_crc32c	header_crc;
} EvidenceHeader;

/* What comes before the bytes of an example. */
typedef struct ExampleHeader
{
	uint64		hash;
	TimestampTz taken_at;
	int32		len;
	int32		unused;			/* always 0 */
} ExampleHeader;

static bool restore(const char *data, size_t size);

static void
put_evidence(const PgdEvidence *evidence, const PgdExampleBytes *examples,
			 int nexamples, void *arg)
{
	StringInfo	body = arg;
	int32		n = nexamples;

	if (body->len > EVIDENCE_MAX)
		return;
	appendBinaryStringInfo(body, (const char *) evidence, sizeof(PgdEvidence));
	appendBinaryStringInfo(body, (const char *) &n, sizeof(n));
	for (int i = 0; i < nexamples; i++)
	{
		ExampleHeader header = {
			.hash = examples[i].hash,
			.taken_at = examples[i].taken_at,
			.len = examples[i].len,
		};

		appendBinaryStringInfo(body, (const char *) &header, sizeof(header));
		appendBinaryStringInfo(body, examples[i].data, examples[i].len);
	}
}

/*
 * Called by the postmaster when all other processes are gone.
 */
void
pgd_evidence_dump(void)
{
	EvidenceHeader header = {
		.magic = EVIDENCE_MAGIC,
		.format = EVIDENCE_FORMAT,
		.catalog_version = CATALOG_VERSION_NO,
		.evidence_size = sizeof(PgdEvidence),
		.node = pgd_archive_node(),
	};
	StringInfoData body;
	PgdPiece	pieces[2];

	if (!pgd_save || !pgd_save_constants || !pgd_snapshot_is_clean())
		return;
	initStringInfo(&body);
	pgd_store_read_evidence(put_evidence, &body);
	header.body_size = body.len;
	header.body_crc = pgd_file_checksum(body.data, body.len);
	header.header_crc = pgd_file_checksum(&header, offsetof(EvidenceHeader,
															header_crc));
	pieces[0] = (PgdPiece) {&header, sizeof(header)};
	pieces[1] = (PgdPiece) {body.data, body.len};
	if (!pgd_file_write(EVIDENCE_FILE, pieces, lengthof(pieces), LOG))
		ereport(LOG,
				(errmsg("what pg_diagnose knew of plans is lost")));
}

/*
 * Called by the postmaster before there are other processes.  What is not
 * read now would be stale the next time, and what is not to be on disk is
 * removed: the file goes in any case.
 */
void
pgd_evidence_load(void)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_diagnose load",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EvidenceHeader header;
	char	   *data = NULL;
	size_t		size = 0;

	if (pgd_save && pgd_save_constants)
		data = pgd_file_read(EVIDENCE_FILE, PGD_FILE_MAX, &size);
	if (data != NULL && size >= sizeof(header))
		memcpy(&header, data, sizeof(header));
	if (data == NULL)
		;						/* nothing was left */
	else if (size < sizeof(header) || header.magic != EVIDENCE_MAGIC ||
			 header.header_crc !=
			 pgd_file_checksum(data, offsetof(EvidenceHeader, header_crc)) ||
			 header.body_size != size - sizeof(header) ||
			 header.body_crc != pgd_file_checksum(data + sizeof(header),
												  size - sizeof(header)))
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ignoring invalid data in file \"%s\"", EVIDENCE_FILE)));
	else if (header.format != EVIDENCE_FORMAT ||
			 header.catalog_version != CATALOG_VERSION_NO ||
			 header.evidence_size != sizeof(PgdEvidence) ||
			 header.node != pgd_archive_node())
		ereport(LOG,
				(errmsg("ignoring file \"%s\" of another server", EVIDENCE_FILE)));
	else if (!restore(data + sizeof(header), size - sizeof(header)))
	{
		ereport(LOG,
				(errcode(ERRCODE_DATA_CORRUPTED),
				 errmsg("ignoring invalid data in file \"%s\"", EVIDENCE_FILE)));
		pgd_store_reset_evidence(InvalidOid, InvalidOid, 0);
	}
	unlink(EVIDENCE_FILE);
	unlink(EVIDENCE_FILE PGD_TEMPORARY);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
}

/* Take so many bytes; false if there are not as many. */
static bool
take(const char **data, size_t *size, void *into, size_t n)
{
	if (*size < n)
		return false;
	memcpy(into, *data, n);
	*data += n;
	*size -= n;
	return true;
}

static bool
restore(const char *data, size_t size)
{
	PgdEvidence evidence;
	ExampleHeader header;
	int32		n;

	while (size > 0)
	{
		if (!take(&data, &size, &evidence, sizeof(evidence)) ||
			!take(&data, &size, &n, sizeof(n)))
			return false;
		pgd_store_add_evidence(&evidence);
		for (; n > 0; n--)
		{
			if (!take(&data, &size, &header, sizeof(header)) ||
				header.len <= 0 || header.len > PGD_EXAMPLE_MAX ||
				header.len > size)
				return false;
			pgd_store_add_example(&evidence.key, header.hash, header.taken_at,
								  data, header.len);
			data += header.len;
			size -= header.len;
		}
	}
	return true;
}
