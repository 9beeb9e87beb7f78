/*-------------------------------------------------------------------------
 *
 * archive_file.c
 *		Files that are whole or absent.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/fd.h"

#include "archive_file.h"

/*
 * Write a file whole or not at all.  Returns false if that was not possible;
 * what was there before is then still there.
 */
bool
pgd_file_write(const char *path, const PgdPiece *pieces, int n, int elevel)
{
	char		temporary[MAXPGPATH];
	int			fd;
	bool		ok;
	int			save_errno;

	snprintf(temporary, sizeof(temporary), "%s" PGD_TEMPORARY, path);
	fd = OpenTransientFile(temporary,
						   O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY);
	ok = fd >= 0;
	for (int i = 0; i < n && ok; i++)
	{
		const char *data = pieces[i].data;
		size_t		left = pieces[i].size;

		while (left > 0 && ok)
		{
			ssize_t		written;

			errno = 0;
			written = write(fd, data, left);
			if (written < 0 && errno == EINTR)
				continue;
			/* if it does not say why, the disk is full */
			if (written <= 0)
			{
				ok = false;
				if (errno == 0)
					errno = ENOSPC;
				break;
			}
			data += written;
			left -= written;
		}
	}
	if (ok)
		ok = pg_fsync(fd) == 0;
	save_errno = errno;
	if (fd >= 0 && CloseTransientFile(fd) != 0 && ok)
	{
		ok = false;
		save_errno = errno;
	}
	if (!ok)
	{
		unlink(temporary);
		errno = save_errno;
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not write file \"%s\": %m", temporary)));
		return false;
	}
	/* an error here would leave the temporary file */
	if (durable_rename(temporary, path, Min(elevel, LOG)) != 0)
	{
		save_errno = errno;
		unlink(temporary);
		errno = save_errno;
		ereport(elevel,
				(errcode_for_file_access(),
				 errmsg("could not rename file \"%s\" to \"%s\": %m",
						temporary, path)));
		return false;
	}
	return true;
}

/*
 * Read a file, or its first "size" bytes; NULL if it is absent or cannot be
 * read.
 */
char *
pgd_file_read(const char *path, size_t size, size_t *got)
{
	struct stat st;
	int			fd = OpenTransientFile(path, O_RDONLY | PG_BINARY);
	char	   *data = NULL;

	*got = 0;
	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && st.st_size <= PGD_FILE_MAX)
	{
		size_t		wanted = Min(size, (size_t) st.st_size);

		data = palloc(wanted + 1);
		while (*got < wanted)
		{
			ssize_t		n = read(fd, data + *got, wanted - *got);

			if (n < 0 && errno == EINTR)
				continue;
			if (n <= 0)
				break;
			*got += n;
		}
		if (*got < wanted)
		{
			pfree(data);
			data = NULL;
		}
	}
	CloseTransientFile(fd);
	return data;
}

pg_crc32c
pgd_file_checksum(const void *data, size_t size)
{
	pg_crc32c	crc;

	INIT_CRC32C(crc);
	COMP_CRC32C(crc, data, size);
	FIN_CRC32C(crc);
	return crc;
}
