/*-------------------------------------------------------------------------
 *
 * histogram.c
 *		Log-linear histogram of durations: its arithmetic and stored form.
 *
 * histogram.h says where the buckets lie.  This file makes the sums and
 * quantiles of the dense form, and turns it into a value of the SQL type
 * diagnose.histogram and back.  histogram_io.c has the type's text and binary
 * forms, histogram_funcs.c what is called from SQL.
 *
 * One rule holds for every value of the type: the number of observations fits
 * a bigint.  Whatever would break it is an error, not a saturated count, since
 * a count that is silently too small spoils each later difference.
 *
 * The stored form is sparse.  After the varlena header comes one byte, the
 * version of the form, then per occupied bucket, in ascending order: how many
 * buckets after the one before it (the first counts from "under"), and its
 * count.  Both are unsigned integers of 7 bits a byte, the least significant
 * first, where the top bit of a byte says that another follows.  No zero
 * counts, no superfluous bytes: equal histograms have equal bytes, which
 * equality and hashing rely on.  There is no alignment to keep, so a value with
 * a short varlena header is read where it lies.  A statement's histogram
 * typically takes 50 to 200 bytes where the dense form takes 4112.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "histogram.h"
#include "utils/float.h"

#define STORED_VERSION		1

/* a gap takes at most two bytes, a count below 2^63 nine */
#define STORED_MAX_BYTES	(1 + PGD_HISTOGRAM_BUCKETS * (2 + 9))

/* Kept out of line: never called but for damaged or absurd counts. */
void
pgd_histogram_report_out_of_range(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
			 errmsg("number of observations of a histogram is out of range for type bigint")));
}

/*
 * Count the observations.  False if they do not fit a bigint: such a histogram
 * cannot have been observed, so it was read from something damaged.
 */
bool
pgd_histogram_total(const PgdHistogram *histogram, uint64 *total)
{
	*total = 0;
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		if (histogram->count[i] > PG_INT64_MAX - *total)
			return false;
		*total += histogram->count[i];
	}
	return true;
}

/* What a bucket's observations are taken to have lasted, in ms. */
static double
bucket_value(int bucket)
{
	double		lower = pgd_histogram_lower(bucket);
	double		upper = pgd_histogram_upper(bucket);

	/* the harmonic mean of 0 and anything is 0; half is the better guess */
	if (bucket == PGD_HISTOGRAM_UNDER)
		return upper / 2 / PGD_HISTOGRAM_NS_PER_MS;
	/* nothing but "at least" is known, and an infinity spoils arithmetic */
	if (bucket == PGD_HISTOGRAM_OVER)
		return lower / PGD_HISTOGRAM_NS_PER_MS;
	return 2 * lower * upper / (lower + upper) / PGD_HISTOGRAM_NS_PER_MS;
}

/*
 * The q-quantile in milliseconds, NaN if there are no observations.  The rank
 * is percentile_disc's, so the two name the same observation; this function
 * returns the value of the bucket that holds it.
 */
double
pgd_histogram_quantile(const PgdHistogram *histogram, double q)
{
	uint64		total;
	uint64		rank;
	uint64		seen = 0;

	Assert(q >= 0 && q <= 1);

	if (!pgd_histogram_total(histogram, &total))
		pgd_histogram_report_out_of_range();
	if (total == 0)
		return get_float8_nan();

	/* above 2^53 the product is rounded, but the last must stay the last */
	rank = q < 1 ? (uint64) ceil(q * (double) total) : total;
	rank = Min(Max(rank, 1), total);

	for (int i = 0; i < PGD_HISTOGRAM_OVER; i++)
	{
		seen += histogram->count[i];
		if (seen >= rank)
			return bucket_value(i);
	}
	return bucket_value(PGD_HISTOGRAM_OVER);
}


/* ----------
 * The stored form
 * ----------
 */

static unsigned char *
put_integer(unsigned char *to, uint64 value)
{
	while (value >= 0x80)
	{
		*to++ = (unsigned char) (value | 0x80);
		value >>= 7;
	}
	*to++ = (unsigned char) value;
	return to;
}

/* Make a value of the SQL type, in the current memory context. */
struct varlena *
pgd_histogram_to_datum(const PgdHistogram *histogram)
{
	unsigned char buffer[STORED_MAX_BYTES];
	unsigned char *to = buffer;
	struct varlena *result;
	uint64		total;
	int			previous = 0;
	Size		length;

	if (!pgd_histogram_total(histogram, &total))
		pgd_histogram_report_out_of_range();

	*to++ = STORED_VERSION;
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		if (histogram->count[i] == 0)
			continue;
		to = put_integer(to, i - previous);
		to = put_integer(to, histogram->count[i]);
		previous = i;
	}

	length = to - buffer;
	result = (struct varlena *) palloc(VARHDRSZ + length);
	SET_VARSIZE(result, VARHDRSZ + length);
	memcpy(VARDATA(result), buffer, length);
	return result;
}

static void
report_corrupted(void)
{
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("stored histogram is damaged")));
}

static uint64
get_integer(PgdHistogramCursor *cursor)
{
	uint64		value = 0;

	/* nine bytes hold 63 bits, and no more is allowed */
	for (int shift = 0; shift < 63; shift += 7)
	{
		unsigned char byte;

		if (cursor->next == cursor->end)
			break;
		byte = *cursor->next++;
		value |= (uint64) (byte & 0x7F) << shift;
		if ((byte & 0x80) == 0)
		{
			/* a last byte of zero adds nothing: not canonical */
			if (byte == 0 && shift > 0)
				break;
			return value;
		}
	}
	report_corrupted();
	return 0;					/* keep compiler quiet */
}

/* Begin to read a stored value; it must outlive the cursor. */
void
pgd_histogram_open(PgdHistogramCursor *cursor, const struct varlena *stored)
{
	cursor->next = (const unsigned char *) VARDATA_ANY(stored);
	cursor->end = cursor->next + VARSIZE_ANY_EXHDR(stored);
	cursor->bucket = -1;

	if (cursor->next == cursor->end || *cursor->next != STORED_VERSION)
		report_corrupted();
	cursor->next++;
}

/* Move to the next occupied bucket; false if there is none. */
bool
pgd_histogram_next(PgdHistogramCursor *cursor)
{
	uint64		gap;

	if (cursor->next == cursor->end)
		return false;

	gap = get_integer(cursor);
	cursor->count = get_integer(cursor);

	if (cursor->bucket < 0)
		cursor->bucket = 0;		/* the first may be bucket 0, gap 0 */
	else if (gap == 0)
		report_corrupted();
	if (gap > PGD_HISTOGRAM_OVER - cursor->bucket || cursor->count == 0)
		report_corrupted();
	cursor->bucket += (int) gap;
	return true;
}

/* Add a stored value to a sum. */
void
pgd_histogram_add(PgdHistogramSum *sum, const struct varlena *stored)
{
	PgdHistogramCursor cursor;

	pgd_histogram_open(&cursor, stored);
	while (pgd_histogram_next(&cursor))
		pgd_histogram_add_count(sum, cursor.bucket, cursor.count);
}
