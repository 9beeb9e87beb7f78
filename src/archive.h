/*-------------------------------------------------------------------------
 *
 * archive.h
 *		The folder pg_diagnose of the data directory: files that are whole or
 *		absent, snapshots by number, and whose they are.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ARCHIVE_H
#define PGD_ARCHIVE_H

#include "pg_diagnose.h"

#define PGD_SNAPSHOT_FORMAT	1

/* What a snapshot is. */
typedef enum PgdSnapshotKind
{
	PGD_SNAPSHOT_AUTOMATIC,		/* taken by the background worker */
	PGD_SNAPSHOT_LABELLED,		/* taken because somebody asked */
	PGD_SNAPSHOT_IMPORTED		/* made from a document */
} PgdSnapshotKind;

/*
 * What is known of a snapshot without reading all of it.  Written to disk as
 * it stands: no padding, and no change without another format.
 */
typedef struct PgdSnapshotHeader
{
	uint32		magic;
	uint32		format;
	uint64		id;
	uint64		node;			/* which server, see archive.c */
	uint64		system_identifier;
	uint64		epoch;			/* of counting: see pgd_store_epoch() */
	TimestampTz taken_at;
	TimestampTz since;			/* when counting began */
	TimestampTz server_started;
	uint64		monotonic;		/* nanoseconds; no clock is set back there */
	uint64		settings_digest;
	uint64		executions;
	uint64		evicted;		/* of these: known only in sum */
	uint64		uncaptured;		/* not in them: without a query identifier */
	uint32		kind;			/* PgdSnapshotKind */
	uint32		is_standby;
	uint32		timeline;
	uint32		server_version;
	char		label[NAMEDATALEN]; /* empty: none; padded with zeroes */
	uint32		statements;
	uint32		body_size;
	uint32		body_crc;
	uint32		header_crc;		/* of all before */
} PgdSnapshotHeader;

/* A file of the folder that is a snapshot, or should be. */
typedef struct PgdSnapshotFile
{
	PgdSnapshotHeader header;	/* only the id, if there is a problem */
	uint64		bytes;
	const char *problem;		/* NULL: none */
} PgdSnapshotFile;

PGD_BEGIN_INTERNAL

/* start of the server */
extern Size pgd_archive_layout(char *base);
extern void pgd_archive_clear(void);
extern void pgd_archive_start(void);

extern uint64 pgd_archive_node(void);
extern bool pgd_archive_adopt(uint64 node, int elevel);
extern uint64 pgd_archive_next_id(void);
extern uint64 pgd_archive_settings_digest(void);
extern void pgd_archive_set_settings_digest(uint64 digest);

/* any file */
extern bool pgd_archive_put(const char *name, const void *data, size_t size,
							int elevel);
extern char *pgd_archive_get(const char *name, size_t *size);

/* snapshots */
extern bool pgd_archive_put_snapshot(const char *path,
									 PgdSnapshotHeader *header,
									 const char *body, size_t size,
									 int elevel);
extern const char *pgd_archive_get_snapshot(const char *path, uint64 id,
											PgdSnapshotHeader *header,
											const char **problem);
extern bool pgd_archive_get_header(uint64 id, PgdSnapshotHeader *header,
								   const char **problem);
extern PgdSnapshotFile *pgd_archive_list(int *n);
extern bool pgd_archive_drop(uint64 id);
extern bool pgd_archive_thin(TimestampTz now, const uint64 *pinned,
							 int npinned);

PGD_END_INTERNAL

#endif							/* PGD_ARCHIVE_H */
