/*-------------------------------------------------------------------------
 *
 * archive_file.h
 *		Files that are whole or absent; for the archive.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ARCHIVE_FILE_H
#define PGD_ARCHIVE_FILE_H

#include "pg_diagnose.h"

#include "port/pg_crc32c.h"
#include "utils/memutils.h"

#define PGD_TEMPORARY	".tmp"	/* ends the name of a file being written */
#define PGD_FILE_MAX	((off_t) MaxAllocSize - 1)

/* What is written one after the other. */
typedef struct PgdPiece
{
	const void *data;
	size_t		size;
} PgdPiece;

PGD_BEGIN_INTERNAL

extern bool pgd_file_write(const char *path, const PgdPiece *pieces, int n,
						   int elevel);
extern char *pgd_file_read(const char *path, size_t size, size_t *got);
extern pg_crc32c pgd_file_checksum(const void *data, size_t size);

PGD_END_INTERNAL

#endif							/* PGD_ARCHIVE_FILE_H */
