/*-------------------------------------------------------------------------
 *
 * histogram.h
 *		Log-linear histogram of durations: where its buckets lie.
 *
 * The boundaries are the same on every server, platform and version, and
 * depend on no setting: that is what makes any two histograms addable and
 * subtractable.  They are integers (nanoseconds), so that naming a bucket
 * never rounds.
 *
 *		bucket 0		[0, 2^10) ns, "under"
 *		bucket 1..512	the 32 octaves from 2^10 to 2^42 ns, each divided
 *						into 16 sub-buckets of equal width
 *		bucket 513		[2^42 ns, infinity), "over": 73 minutes and more
 *
 * A sub-bucket [lower, upper) has upper <= lower * 17/16.  Its value is the
 * harmonic mean of its bounds, 2 * lower * upper / (lower + upper), because
 * that is the number whose relative error is the same at both ends, so the
 * smallest at worst: (upper - lower) / (upper + lower) <= 1/33 = 3.03 %.  The
 * arithmetic mean would give 3.125 %, interpolation 6.25 %.
 *
 * Nothing here takes a lock or knows where a histogram is kept.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_HISTOGRAM_H
#define PGD_HISTOGRAM_H

#include "port/pg_bitutils.h"

#define PGD_HISTOGRAM_FIRST_OCTAVE	10	/* log2 of the smallest bound, ns */
#define PGD_HISTOGRAM_OCTAVES		32
#define PGD_HISTOGRAM_SUB_SHIFT		4	/* log2 of sub-buckets an octave */
#define PGD_HISTOGRAM_SUB_BUCKETS	(1 << PGD_HISTOGRAM_SUB_SHIFT)

#define PGD_HISTOGRAM_UNDER			0
#define PGD_HISTOGRAM_OVER \
	(1 + PGD_HISTOGRAM_OCTAVES * PGD_HISTOGRAM_SUB_BUCKETS)
#define PGD_HISTOGRAM_BUCKETS		(PGD_HISTOGRAM_OVER + 1)

/* The dense form, as kept in shared memory.  All zero is the empty one. */
typedef struct PgdHistogram
{
	uint64		count[PGD_HISTOGRAM_BUCKETS];
} PgdHistogram;

/*
 * The bucket of a duration.  On the hot path: one comparison, one bit scan,
 * one shift and one clamp.
 */
static inline int
pgd_histogram_bucket(uint64 ns)
{
	int			octave;
	int			bucket;

	if (ns < UINT64CONST(1) << PGD_HISTOGRAM_FIRST_OCTAVE)
		return PGD_HISTOGRAM_UNDER;

	octave = pg_leftmost_one_pos64(ns);
	bucket = 1 +
		(octave - PGD_HISTOGRAM_FIRST_OCTAVE) * PGD_HISTOGRAM_SUB_BUCKETS +
		(int) ((ns >> (octave - PGD_HISTOGRAM_SUB_SHIFT)) &
			   (PGD_HISTOGRAM_SUB_BUCKETS - 1));

	return Min(bucket, PGD_HISTOGRAM_OVER);
}

/* The smallest duration in a bucket, ns. */
static inline uint64
pgd_histogram_lower(int bucket)
{
	int			octave;
	int			sub;

	if (bucket == PGD_HISTOGRAM_UNDER)
		return 0;

	octave = PGD_HISTOGRAM_FIRST_OCTAVE +
		(bucket - 1) / PGD_HISTOGRAM_SUB_BUCKETS;
	sub = (bucket - 1) % PGD_HISTOGRAM_SUB_BUCKETS;

	return (uint64) (PGD_HISTOGRAM_SUB_BUCKETS + sub) <<
		(octave - PGD_HISTOGRAM_SUB_SHIFT);
}

/* The bound that a bucket ends just before, ns; of "over", the largest. */
static inline uint64
pgd_histogram_upper(int bucket)
{
	if (bucket == PGD_HISTOGRAM_OVER)
		return PG_UINT64_MAX;
	return pgd_histogram_lower(bucket + 1);
}

extern bool pgd_histogram_total(const PgdHistogram *histogram, uint64 *total);
extern double pgd_histogram_quantile(const PgdHistogram *histogram, double q);
extern struct varlena *pgd_histogram_to_datum(const PgdHistogram *histogram);


/*
 * From here on: for the files that implement the SQL type.
 */

#define PGD_HISTOGRAM_NS_PER_MS		1000000
#define PGD_HISTOGRAM_MS_BYTES		32	/* "4398046.511104" and to spare */

/* A dense histogram with the number of its observations, which fits int64. */
typedef struct PgdHistogramSum
{
	uint64		total;
	PgdHistogram dense;
} PgdHistogramSum;

/* Where we are in a stored value; bucket and count are the current ones. */
typedef struct PgdHistogramCursor
{
	const unsigned char *next;
	const unsigned char *end;
	int			bucket;
	uint64		count;
} PgdHistogramCursor;

#define PG_GETARG_HISTOGRAM(n) PG_GETARG_VARLENA_PP(n)

extern void pgd_histogram_report_out_of_range(void);
extern char *pgd_histogram_format_ms(uint64 ns, char *buffer);
extern void pgd_histogram_open(PgdHistogramCursor *cursor,
							   const struct varlena *stored);
extern bool pgd_histogram_next(PgdHistogramCursor *cursor);
extern void pgd_histogram_add(PgdHistogramSum *sum,
							  const struct varlena *stored);

/* Count more observations in a bucket. */
static inline void
pgd_histogram_add_count(PgdHistogramSum *sum, int bucket, uint64 count)
{
	if (count > PG_INT64_MAX - sum->total)
		pgd_histogram_report_out_of_range();
	sum->total += count;
	sum->dense.count[bucket] += count;
}

#endif							/* PGD_HISTOGRAM_H */
