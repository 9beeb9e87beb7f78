/*-------------------------------------------------------------------------
 *
 * codec.h
 *		Numbers, texts and histograms as bytes, and back.
 *
 * Most numbers are small, and most counters are 0: so they take few bytes.
 * A number is cut into groups of seven bits, the lowest first, and all bytes
 * but the last have the highest bit set.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_CODEC_H
#define PGD_CODEC_H

#include "pg_diagnose.h"

#include "lib/stringinfo.h"

/*
 * Where we are in bytes that are not to be trusted.  What goes wrong is
 * remembered, and all that is read after it is 0; so only the end has to be
 * looked at.
 */
typedef struct PgdCursor
{
	const char *next;
	const char *end;
	bool		bad;
} PgdCursor;

/* Which counter of ours each counter of the bytes is, or -1; without an index,
 * the same one. */
typedef struct PgdCounterMap
{
	int			n;
	int		   *index;
} PgdCounterMap;

PGD_BEGIN_INTERNAL

extern void pgd_put_number(StringInfo out, uint64 value);
extern void pgd_put_signed(StringInfo out, int64 value);
extern void pgd_put_fixed64(StringInfo out, uint64 value);
extern void pgd_put_text(StringInfo out, const char *text, int len);
extern void pgd_put_names(StringInfo out, const char *const *names, int n);
extern void pgd_put_counters(StringInfo out, const uint64 *counters, int n);
extern void pgd_put_histogram(StringInfo out, const PgdHistogram *histogram);

extern uint64 pgd_get_number(PgdCursor *in);
extern int64 pgd_get_signed(PgdCursor *in);
extern uint64 pgd_get_fixed64(PgdCursor *in);
extern const char *pgd_get_text(PgdCursor *in, int *len);
extern void pgd_get_chars(PgdCursor *in, char *into, size_t size);
extern PgdCursor pgd_get_part(PgdCursor *in);
extern bool pgd_get_names(PgdCursor *in, const char *const *names, int nnames,
						  PgdCounterMap *map);
extern void pgd_get_counters(PgdCursor *in, const PgdCounterMap *map,
							 uint64 *counters);
extern void pgd_get_histogram(PgdCursor *in, PgdHistogram *histogram);

PGD_END_INTERNAL

#endif							/* PGD_CODEC_H */
