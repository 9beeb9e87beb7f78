/*-------------------------------------------------------------------------
 *
 * archive.c
 *		The folder pg_diagnose of the data directory: files that are whole or
 *		absent, snapshots by number, and whose they are.
 *
 * A file is written under another name, flushed, and renamed, so that there is
 * never half of one under its own; what a crash or a full disk leaves is
 * removed.  All the same a file that is read is not believed before its
 * checksum is right: disks and backups have their own ideas.
 *
 * Whose they are: a standby is made by copying a data directory, and the
 * folder with it.  So every snapshot says which node took it, and the name of
 * a node is kept where no base backup looks, in pg_stat_tmp, together with the
 * number of the file it stands in, which another copy of it does not have.  A
 * node that finds no name, or that of another file, gets a new one; what it
 * finds in the folder is then the history of somebody else.
 *
 * Who changes anything here holds the lock of the archive (snapshot.c); no
 * user's statement ever does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/file_perm.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "port/atomics.h"
#include "storage/fd.h"
#include "utils/timestamp.h"

#include "archive.h"
#include "archive_file.h"
#include "guc.h"

#define FOLDER			"pg_diagnose"
#define NODE_FILE		PG_STAT_TMP_DIR "/pg_diagnose.node"
#define SUFFIX			".snap"
#define SNAPSHOT_MAGIC	0x50474453

typedef struct PgdArchive
{
	uint64		node;
	pg_atomic_uint64 last_id;
	pg_atomic_uint64 settings_digest;
} PgdArchive;

/*
 * The name of this node, and where it was written; the latest snapshot that
 * was dropped, as its number must not come again.
 */
typedef struct NodeFile
{
	uint64		node;
	uint64		device;
	uint64		inode;
	uint64		last_id;
} NodeFile;

static PgdArchive *archive;

static bool write_node(uint64 node, int elevel);
static uint64 read_node(uint64 *last_id);

/* ----------
 * Start of the server
 * ----------
 */

Size
pgd_archive_layout(char *base)
{
	archive = (PgdArchive *) base;
	return CACHELINEALIGN(sizeof(PgdArchive));
}

void
pgd_archive_clear(void)
{
	archive->node = 0;
	pg_atomic_init_u64(&archive->last_id, 0);
	pg_atomic_init_u64(&archive->settings_digest, 0);
}

static void
path_of(uint64 id, char *path)
{
	snprintf(path, MAXPGPATH, FOLDER "/%012llu" SUFFIX,
			 (unsigned long long) id);
}

/*
 * The number of a snapshot's file, or 0 if it is something else: also if it
 * has another name than we would give it, as nobody could find it then.
 */
static uint64
id_of(const char *name)
{
	size_t		digits = strspn(name, "0123456789");
	char		path[MAXPGPATH];
	uint64		id;

	if (digits == 0 || digits > 18)
		return 0;
	id = strtou64(name, NULL, 10);
	path_of(id, path);
	return strcmp(path + strlen(FOLDER "/"), name) == 0 ? id : 0;
}

/*
 * Make the folder, remove what was left half written, and find out who we are
 * and which number is the next.
 */
void
pgd_archive_start(void)
{
	DIR		   *dir;
	struct dirent *entry;
	uint64		last = 0;

	if (MakePGDirectory(FOLDER) < 0 && errno != EEXIST)
		ereport(LOG,
				(errcode_for_file_access(),
				 errmsg("could not create directory \"%s\": %m", FOLDER)));
	dir = AllocateDir(FOLDER);
	while (dir != NULL &&
		   (entry = ReadDirExtended(dir, FOLDER, LOG)) != NULL)
	{
		size_t		len = strlen(entry->d_name);

		last = Max(last, id_of(entry->d_name));
		if (len > strlen(PGD_TEMPORARY) &&
			strcmp(entry->d_name + len - strlen(PGD_TEMPORARY), PGD_TEMPORARY) == 0)
		{
			char		path[MAXPGPATH];

			snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
			unlink(path);
		}
	}
	if (dir != NULL)
		FreeDir(dir);

	archive->node = read_node(&last);
	pg_atomic_write_u64(&archive->last_id, last);
	if (archive->node == 0)
	{
		while (!pg_strong_random(&archive->node, sizeof(archive->node)) ||
			   (archive->node >>= 1) == 0)
			;
		(void) write_node(archive->node, LOG);
	}
}

/* ----------
 * This node
 * ----------
 */

uint64
pgd_archive_node(void)
{
	return archive->node;
}

uint64
pgd_archive_next_id(void)
{
	return pg_atomic_fetch_add_u64(&archive->last_id, 1) + 1;
}

/*
 * Of the settings that the background worker saw last; 0: unknown.
 */
uint64
pgd_archive_settings_digest(void)
{
	return pg_atomic_read_u64(&archive->settings_digest);
}

void
pgd_archive_set_settings_digest(uint64 digest)
{
	pg_atomic_write_u64(&archive->settings_digest, digest);
}

/*
 * From now on we are that node, so its history is ours.
 */
bool
pgd_archive_adopt(uint64 node, int elevel)
{
	if (!write_node(node, elevel))
		return false;
	archive->node = node;
	return true;
}

/*
 * If a crash of the machine loses it, the next start makes a new one, and says
 * so by telling the history apart.
 */
static bool
write_node(uint64 node, int elevel)
{
	NodeFile	file = {
		.node = node,
		.last_id = pg_atomic_read_u64(&archive->last_id),
	};
	struct stat st;
	int			fd = OpenTransientFile(NODE_FILE,
									   O_RDWR | O_CREAT | PG_BINARY);
	bool		ok;

	ok = fd >= 0 && fstat(fd, &st) == 0;
	if (ok)
	{
		file.device = st.st_dev;
		file.inode = st.st_ino;
		ok = pg_pwrite(fd, &file, sizeof(file), 0) == sizeof(file) &&
			pg_fsync(fd) == 0;
	}
	if (!ok)
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", NODE_FILE)));
	if (fd >= 0)
		CloseTransientFile(fd);
	return ok;
}

/*
 * Returns 0 if there is none, or that of a copy.
 */
static uint64
read_node(uint64 *last_id)
{
	NodeFile	file;
	struct stat st;
	int			fd = OpenTransientFile(NODE_FILE, O_RDONLY | PG_BINARY);
	bool		ok;

	if (fd < 0)
		return 0;
	/* the device's number may change when the machine starts */
	ok = fstat(fd, &st) == 0 &&
		pg_pread(fd, &file, sizeof(file), 0) == sizeof(file) &&
		file.inode == (uint64) st.st_ino;
	CloseTransientFile(fd);
	if (!ok)
		return 0;
	*last_id = Max(*last_id, file.last_id);
	return file.node;
}

/* ----------
 * Files
 * ----------
 */

/*
 * Write a file of that name, with a checksum at its end.
 */
bool
pgd_archive_put(const char *name, const void *data, size_t size, int elevel)
{
	char		path[MAXPGPATH];
	pg_crc32c	crc = pgd_file_checksum(data, size);
	PgdPiece	pieces[] = {{data, size}, {&crc, sizeof(crc)}};

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	return pgd_file_write(path, pieces, lengthof(pieces), elevel);
}

/*
 * Read what pgd_archive_put() wrote.
 */
char *
pgd_archive_get(const char *name, size_t *size)
{
	char		path[MAXPGPATH];
	char	   *data;
	pg_crc32c	crc;

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	data = pgd_file_read(path, PGD_FILE_MAX, size);
	if (data == NULL)
		return NULL;
	if (*size >= sizeof(crc))
	{
		*size -= sizeof(crc);
		memcpy(&crc, data + *size, sizeof(crc));
		if (EQ_CRC32C(crc, pgd_file_checksum(data, *size)))
			return data;
	}
	ereport(LOG,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("ignoring invalid data in file \"%s\"", path)));
	pfree(data);
	return NULL;
}

/* ----------
 * Snapshots
 * ----------
 */

#define HEADER_SIZE		sizeof(PgdSnapshotHeader)

/*
 * Write a snapshot, to its place or to another path; completes its header.
 */
bool
pgd_archive_put_snapshot(const char *path, PgdSnapshotHeader *header,
						 const char *body, size_t size, int elevel)
{
	char		own_path[MAXPGPATH];
	PgdPiece	pieces[] = {{header, HEADER_SIZE}, {body, size}};

	header->magic = SNAPSHOT_MAGIC;
	header->format = PGD_SNAPSHOT_FORMAT;
	header->body_size = size;
	header->body_crc = pgd_file_checksum(body, size);
	header->header_crc = pgd_file_checksum(header,
								  offsetof(PgdSnapshotHeader, header_crc));
	path_of(header->id, own_path);
	return pgd_file_write(path != NULL ? path : own_path, pieces,
					  lengthof(pieces), elevel);
}

static bool
is_time(TimestampTz t)
{
	return !TIMESTAMP_NOT_FINITE(t) && IS_VALID_TIMESTAMP(t);
}

/*
 * Can it be shown?  A good checksum proves that it is what was written, not
 * that whoever wrote it knew what he did.
 */
static bool
is_sane(const PgdSnapshotHeader *header)
{
	return is_time(header->taken_at) && is_time(header->since) &&
		is_time(header->server_started) &&
		header->kind <= PGD_SNAPSHOT_IMPORTED &&
		header->label[NAMEDATALEN - 1] == '\0';
}

/*
 * What is wrong with a header, if anything.
 */
static const char *
problem_of(const char *data, size_t size, uint64 id, PgdSnapshotHeader *header)
{
	static const PgdSnapshotHeader empty = {0};
	const char *problem = "is damaged";

	*header = empty;
	if (data != NULL && size >= HEADER_SIZE)
	{
		memcpy(header, data, HEADER_SIZE);
		if (header->magic == SNAPSHOT_MAGIC &&
			header->format != PGD_SNAPSHOT_FORMAT)
			problem = "was written by another version of pg_diagnose";
		else if (header->magic == SNAPSHOT_MAGIC && header->id == id &&
				 EQ_CRC32C(header->header_crc,
						   pgd_file_checksum(header, offsetof(PgdSnapshotHeader,
													 header_crc))) &&
				 is_sane(header))
			return NULL;
	}
	*header = empty;
	header->id = id;
	return problem;
}

/*
 * The body of a snapshot, or NULL; then "problem" says why, or is NULL if
 * there is no such snapshot.
 */
const char *
pgd_archive_get_snapshot(const char *path, uint64 id,
						 PgdSnapshotHeader *header, const char **problem)
{
	char		own_path[MAXPGPATH];
	size_t		size;
	char	   *data;

	path_of(id, own_path);
	if (path == NULL)
		path = own_path;
	data = pgd_file_read(path, PGD_FILE_MAX, &size);
	if (data == NULL)
	{
		*problem = access(path, F_OK) == 0 ? "cannot be read" : NULL;
		return NULL;
	}
	*problem = problem_of(data, size, id, header);
	if (*problem == NULL &&
		(size - HEADER_SIZE != header->body_size ||
		 !EQ_CRC32C(header->body_crc,
					pgd_file_checksum(data + HEADER_SIZE, header->body_size))))
		*problem = "is damaged";
	if (*problem != NULL)
	{
		pfree(data);
		return NULL;
	}
	return data + HEADER_SIZE;
}

/*
 * The same of the header alone.
 */
bool
pgd_archive_get_header(uint64 id, PgdSnapshotHeader *header,
					   const char **problem)
{
	char		path[MAXPGPATH];
	size_t		size;
	char	   *data;

	path_of(id, path);
	data = pgd_file_read(path, HEADER_SIZE, &size);
	if (data == NULL)
	{
		*problem = access(path, F_OK) == 0 ? "cannot be read" : NULL;
		return false;
	}
	*problem = problem_of(data, size, id, header);
	pfree(data);
	return *problem == NULL;
}

static int
compare_ids(const void *a, const void *b)
{
	uint64		x = ((const PgdSnapshotFile *) a)->header.id;
	uint64		y = ((const PgdSnapshotFile *) b)->header.id;

	return (x > y) - (x < y);
}

/*
 * All snapshots, by number.  Only headers are read, so a file that is damaged
 * further on looks well; but not one that was cut off.
 */
PgdSnapshotFile *
pgd_archive_list(int *n)
{
	int			allocated = 64;
	PgdSnapshotFile *files = palloc(sizeof(PgdSnapshotFile) * allocated);
	DIR		   *dir = AllocateDir(FOLDER);
	struct dirent *entry;

	*n = 0;
	while (dir != NULL &&
		   (entry = ReadDirExtended(dir, FOLDER, LOG)) != NULL)
	{
		uint64		id = id_of(entry->d_name);
		char		path[MAXPGPATH];
		struct stat st;
		PgdSnapshotFile *file;
		size_t		size;
		char	   *data;

		if (id == 0)
			continue;
		snprintf(path, sizeof(path), FOLDER "/%s", entry->d_name);
		if (stat(path, &st) != 0)
			continue;			/* just thinned out */
		if (*n == allocated)
			files = repalloc(files,
							 sizeof(PgdSnapshotFile) * (allocated *= 2));
		file = &files[(*n)++];
		data = pgd_file_read(path, HEADER_SIZE, &size);
		file->problem = problem_of(data, size, id, &file->header);
		file->bytes = st.st_size;
		if (file->problem == NULL &&
			file->bytes != HEADER_SIZE + (uint64) file->header.body_size)
			file->problem = "is damaged";
		if (data != NULL)
			pfree(data);
	}
	if (dir != NULL)
		FreeDir(dir);
	qsort(files, *n, sizeof(PgdSnapshotFile), compare_ids);
	return files;
}

/*
 * Returns false if there is none.
 */
bool
pgd_archive_drop(uint64 id)
{
	char		path[MAXPGPATH];

	path_of(id, path);
	/* otherwise the next start would not know that it was ever there */
	if (id == pg_atomic_read_u64(&archive->last_id))
		(void) write_node(archive->node, LOG);
	return unlink(path) == 0;
}
