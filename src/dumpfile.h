/*-------------------------------------------------------------------------
 *
 * dumpfile.h
 *		Numbers, names and histograms to a file and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_DUMPFILE_H
#define PGD_DUMPFILE_H

#include "pg_diagnose.h"

#include "port/pg_crc32c.h"

typedef struct DumpFile
{
	FILE	   *file;
	pg_crc32c	crc;
	off_t		left;			/* reading: bytes before the checksum */
	bool		bad;			/* something went wrong; errno says what */
	int			ncounters;		/* reading: in the file */
	int		   *counters;		/* reading: index into the struct, or -1 */
} DumpFile;

PGD_BEGIN_INTERNAL

extern void pgd_put(DumpFile *dump, const void *data, size_t size);
extern void pgd_put_uint32(DumpFile *dump, uint32 value);
extern void pgd_put_uint64(DumpFile *dump, uint64 value);
extern void pgd_get(DumpFile *dump, void *data, size_t size);
extern uint32 pgd_get_uint32(DumpFile *dump);
extern uint64 pgd_get_uint64(DumpFile *dump);
extern void pgd_put_names(DumpFile *dump, const char *const *names, int n);
extern uint32 pgd_buckets_in_use(const PgdHistogram *histogram);
extern void pgd_put_histogram(DumpFile *dump, const PgdHistogram *histogram);
extern bool pgd_get_names(DumpFile *dump, const char *const *names, int nnames);
extern void pgd_get_counters(DumpFile *dump, uint64 *counters);
extern void pgd_get_histogram(DumpFile *dump, uint32 nbuckets, PgdHistogram *histogram);

PGD_END_INTERNAL

#endif							/* PGD_DUMPFILE_H */
