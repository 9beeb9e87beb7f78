/*-------------------------------------------------------------------------
 *
 * dumpfile.c
 *		Numbers, names and histograms to a file and back.
 *
 * What goes wrong is remembered, and all that comes after it does nothing; so
 * only the end has to be looked at.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "dumpfile.h"

#define MAX_NAMES		1000

void
pgd_put(DumpFile *dump, const void *data, size_t size)
{
	if (dump->bad)
		return;
	COMP_CRC32C(dump->crc, data, size);
	if (fwrite(data, 1, size, dump->file) != size)
		dump->bad = true;
}

void
pgd_put_uint32(DumpFile *dump, uint32 value)
{
	pgd_put(dump, &value, sizeof(value));
}

void
pgd_put_uint64(DumpFile *dump, uint64 value)
{
	pgd_put(dump, &value, sizeof(value));
}

/*
 * Read some bytes.  At the end of the file, or with too little left, clears
 * them and remembers.
 */
void
pgd_get(DumpFile *dump, void *data, size_t size)
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

uint32
pgd_get_uint32(DumpFile *dump)
{
	uint32		value;

	pgd_get(dump, &value, sizeof(value));
	return value;
}

uint64
pgd_get_uint64(DumpFile *dump)
{
	uint64		value;

	pgd_get(dump, &value, sizeof(value));
	return value;
}

void
pgd_put_names(DumpFile *dump, const char *const *names, int n)
{
	pgd_put_uint32(dump, n);
	for (int i = 0; i < n; i++)
		pgd_put(dump, names[i], strlen(names[i]) + 1);
}

uint32
pgd_buckets_in_use(const PgdHistogram *histogram)
{
	uint32		n = 0;

	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
		n += (histogram->count[i] != 0);
	return n;
}

void
pgd_put_histogram(DumpFile *dump, const PgdHistogram *histogram)
{
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		if (histogram->count[i] != 0)
		{
			pgd_put_uint32(dump, i);
			pgd_put_uint64(dump, histogram->count[i]);
		}
	}
}

/*
 * Find out which counter of ours each of the file's is.
 */
bool
pgd_get_names(DumpFile *dump, const char *const *names, int nnames)
{
	uint32		n = pgd_get_uint32(dump);

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
			pgd_get(dump, &name[len], 1);
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
void
pgd_get_counters(DumpFile *dump, uint64 *counters)
{
	for (int i = 0; i < dump->ncounters; i++)
	{
		uint64		value = pgd_get_uint64(dump);

		if (dump->counters[i] >= 0)
			counters[dump->counters[i]] = value;
	}
}

void
pgd_get_histogram(DumpFile *dump, uint32 nbuckets, PgdHistogram *histogram)
{
	for (uint32 i = 0; i < nbuckets && !dump->bad; i++)
	{
		uint32		bucket = pgd_get_uint32(dump);
		uint64		count = pgd_get_uint64(dump);

		if (bucket >= PGD_HISTOGRAM_BUCKETS)
			dump->bad = true;
		else
			histogram->count[bucket] = count;
	}
}
