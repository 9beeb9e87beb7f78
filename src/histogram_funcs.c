/*-------------------------------------------------------------------------
 *
 * histogram_funcs.c
 *		Operators, aggregates and functions of diagnose.histogram.
 *
 * src/sql/15_histogram.sql declares them and says what they promise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "fmgr.h"
#include "funcapi.h"
#include "histogram.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"

/* The parts of a sparkline: "under", the octaves, "over". */
#define SPARK_PARTS			(PGD_HISTOGRAM_OCTAVES + 2)
#define SPARK_LEVELS		8

PG_FUNCTION_INFO_V1(pgd_histogram_plus);
PG_FUNCTION_INFO_V1(pgd_histogram_minus);
PG_FUNCTION_INFO_V1(pgd_histogram_eq);
PG_FUNCTION_INFO_V1(pgd_histogram_ne);
PG_FUNCTION_INFO_V1(pgd_histogram_hash);
PG_FUNCTION_INFO_V1(pgd_histogram_hash_extended);
PG_FUNCTION_INFO_V1(pgd_histogram_sum_trans);
PG_FUNCTION_INFO_V1(pgd_histogram_agg_trans);
PG_FUNCTION_INFO_V1(pgd_histogram_combine);
PG_FUNCTION_INFO_V1(pgd_histogram_serialize);
PG_FUNCTION_INFO_V1(pgd_histogram_deserialize);
PG_FUNCTION_INFO_V1(pgd_histogram_final);
PG_FUNCTION_INFO_V1(pgd_histogram_sql_total);
PG_FUNCTION_INFO_V1(pgd_histogram_sql_quantile);
PG_FUNCTION_INFO_V1(pgd_histogram_sql_quantiles);
PG_FUNCTION_INFO_V1(pgd_histogram_share_below);
PG_FUNCTION_INFO_V1(pgd_histogram_buckets);
PG_FUNCTION_INFO_V1(pgd_histogram_sparkline);

static void
read_stored(PgdHistogramSum *sum, const struct varlena *stored)
{
	memset(sum, 0, sizeof(PgdHistogramSum));
	pgd_histogram_add(sum, stored);
}


/* ----------
 * Operators
 * ----------
 */

Datum
pgd_histogram_plus(PG_FUNCTION_ARGS)
{
	PgdHistogramSum sum;

	read_stored(&sum, PG_GETARG_HISTOGRAM(0));
	pgd_histogram_add(&sum, PG_GETARG_HISTOGRAM(1));
	PG_RETURN_POINTER(pgd_histogram_to_datum(&sum.dense));
}

/*
 * Later minus earlier.  Counts only grow, so a count that shrank means that
 * the two are not states of one growing histogram; what remained would look
 * plausible and be wrong.
 */
Datum
pgd_histogram_minus(PG_FUNCTION_ARGS)
{
	PgdHistogramSum sum;
	PgdHistogramCursor earlier;

	read_stored(&sum, PG_GETARG_HISTOGRAM(0));
	pgd_histogram_open(&earlier, PG_GETARG_HISTOGRAM(1));
	while (pgd_histogram_next(&earlier))
	{
		uint64	   *count = &sum.dense.count[earlier.bucket];

		if (*count < earlier.count)
		{
			char		bound[PGD_HISTOGRAM_MS_BYTES];

			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("cannot subtract a histogram that is not an earlier state of the other"),
					 errdetail("The bucket that begins at %s ms has " UINT64_FORMAT " observations, fewer than the " UINT64_FORMAT " to subtract.",
							   pgd_histogram_format_ms(pgd_histogram_lower(earlier.bucket),
													   bound),
							   *count, earlier.count),
					 errhint("Check that the later histogram stands first and that no reset lies between the two.")));
		}
		*count -= earlier.count;
	}
	PG_RETURN_POINTER(pgd_histogram_to_datum(&sum.dense));
}

/* Equal histograms have equal bytes, and only they. */
static bool
stored_equal(const struct varlena *a, const struct varlena *b)
{
	return VARSIZE_ANY_EXHDR(a) == VARSIZE_ANY_EXHDR(b) &&
		memcmp(VARDATA_ANY(a), VARDATA_ANY(b), VARSIZE_ANY_EXHDR(a)) == 0;
}

Datum
pgd_histogram_eq(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(stored_equal(PG_GETARG_HISTOGRAM(0),
								PG_GETARG_HISTOGRAM(1)));
}

Datum
pgd_histogram_ne(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(!stored_equal(PG_GETARG_HISTOGRAM(0),
								 PG_GETARG_HISTOGRAM(1)));
}

Datum
pgd_histogram_hash(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_GETARG_HISTOGRAM(0);

	return hash_any((unsigned char *) VARDATA_ANY(stored),
					VARSIZE_ANY_EXHDR(stored));
}

Datum
pgd_histogram_hash_extended(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_GETARG_HISTOGRAM(0);

	return hash_any_extended((unsigned char *) VARDATA_ANY(stored),
							 VARSIZE_ANY_EXHDR(stored), PG_GETARG_INT64(1));
}


/* ----------
 * Aggregates
 *
 * The state is dense, so a row costs as many additions as it has occupied
 * buckets.  No state means no row, or no row that is not NULL: the result is
 * the empty histogram, as count() gives 0.  So total(sum(h)) is a number, and
 * sum(h) can be added to, without coalesce().
 * ----------
 */

static PgdHistogramSum *
aggregate_state(FunctionCallInfo fcinfo)
{
	MemoryContext context;

	if (!AggCheckCallContext(fcinfo, &context))
		elog(ERROR, "aggregate function called in non-aggregate context");
	if (PG_ARGISNULL(0))
		return (PgdHistogramSum *)
			MemoryContextAllocZero(context, sizeof(PgdHistogramSum));
	return (PgdHistogramSum *) PG_GETARG_POINTER(0);
}

Datum
pgd_histogram_sum_trans(PG_FUNCTION_ARGS)
{
	PgdHistogramSum *state = aggregate_state(fcinfo);

	if (!PG_ARGISNULL(1))
		pgd_histogram_add(state, PG_GETARG_HISTOGRAM(1));
	PG_RETURN_POINTER(state);
}

Datum
pgd_histogram_agg_trans(PG_FUNCTION_ARGS)
{
	PgdHistogramSum *state = aggregate_state(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		double		ms = PG_GETARG_FLOAT8(1);
		double		ns = rint(ms * PGD_HISTOGRAM_NS_PER_MS);

		if (isnan(ms) || isinf(ms) || ms < 0)
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("duration %g is out of range", ms),
					 errdetail("A duration is a finite number of milliseconds, zero or more.")));

		/* the conversion to an integer is defined only below 2^64 */
		if (ns < (double) pgd_histogram_lower(PGD_HISTOGRAM_OVER))
			pgd_histogram_add_count(state, pgd_histogram_bucket((uint64) ns),
									1);
		else
			pgd_histogram_add_count(state, PGD_HISTOGRAM_OVER, 1);
	}
	PG_RETURN_POINTER(state);
}

Datum
pgd_histogram_combine(PG_FUNCTION_ARGS)
{
	PgdHistogramSum *state = aggregate_state(fcinfo);

	if (!PG_ARGISNULL(1))
	{
		const PgdHistogramSum *other;

		other = (const PgdHistogramSum *) PG_GETARG_POINTER(1);
		for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
			pgd_histogram_add_count(state, i, other->dense.count[i]);
	}
	PG_RETURN_POINTER(state);
}

Datum
pgd_histogram_serialize(PG_FUNCTION_ARGS)
{
	const PgdHistogramSum *state;

	state = (const PgdHistogramSum *) PG_GETARG_POINTER(0);

	/* the stored form is a varlena as bytea is */
	PG_RETURN_POINTER(pgd_histogram_to_datum(&state->dense));
}

Datum
pgd_histogram_deserialize(PG_FUNCTION_ARGS)
{
	PgdHistogramSum *state;

	if (!AggCheckCallContext(fcinfo, NULL))
		elog(ERROR, "aggregate function called in non-aggregate context");
	state = (PgdHistogramSum *) palloc(sizeof(PgdHistogramSum));
	read_stored(state, PG_GETARG_HISTOGRAM(0));
	PG_RETURN_POINTER(state);
}

Datum
pgd_histogram_final(PG_FUNCTION_ARGS)
{
	static const PgdHistogramSum empty;
	const PgdHistogramSum *state = &empty;

	if (!PG_ARGISNULL(0))
		state = (const PgdHistogramSum *) PG_GETARG_POINTER(0);
	PG_RETURN_POINTER(pgd_histogram_to_datum(&state->dense));
}


/* ----------
 * What a histogram says
 * ----------
 */

Datum
pgd_histogram_sql_total(PG_FUNCTION_ARGS)
{
	PgdHistogramSum sum;

	read_stored(&sum, PG_GETARG_HISTOGRAM(0));
	PG_RETURN_INT64((int64) sum.total);
}

static void
check_quantile(double q)
{
	if (!(q >= 0 && q <= 1))	/* written so that NaN fails */
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("quantile %g is not between 0 and 1", q)));
}

Datum
pgd_histogram_sql_quantile(PG_FUNCTION_ARGS)
{
	double		q = PG_GETARG_FLOAT8(1);
	PgdHistogramSum sum;

	check_quantile(q);
	read_stored(&sum, PG_GETARG_HISTOGRAM(0));
	if (sum.total == 0)
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(pgd_histogram_quantile(&sum.dense, q));
}

Datum
pgd_histogram_sql_quantiles(PG_FUNCTION_ARGS)
{
	ArrayType  *qs = PG_GETARG_ARRAYTYPE_P(1);
	PgdHistogramSum sum;
	Datum	   *values;
	bool	   *nulls;
	int			n;

	read_stored(&sum, PG_GETARG_HISTOGRAM(0));
	deconstruct_array(qs, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &values, &nulls, &n);
	if (n == 0)
		PG_RETURN_POINTER(construct_empty_array(FLOAT8OID));

	for (int i = 0; i < n; i++)
	{
		double		q;

		if (nulls[i])
			continue;
		q = DatumGetFloat8(values[i]);
		check_quantile(q);
		if (sum.total == 0)
			nulls[i] = true;
		else
			values[i] = Float8GetDatum(pgd_histogram_quantile(&sum.dense, q));
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, ARR_NDIM(qs),
											 ARR_DIMS(qs), ARR_LBOUND(qs),
											 FLOAT8OID, sizeof(float8),
											 FLOAT8PASSBYVAL,
											 TYPALIGN_DOUBLE));
}

/*
 * The share of observations at or below a duration.  Within the bucket that
 * holds it, observations are taken to be spread evenly; of "over", none is
 * below anything but infinity.
 */
Datum
pgd_histogram_share_below(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_GETARG_HISTOGRAM(0);
	double		ns = PG_GETARG_FLOAT8(1) * PGD_HISTOGRAM_NS_PER_MS;
	double		below = 0;
	PgdHistogramCursor cursor;
	PgdHistogramSum sum;

	if (isnan(ns))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("duration must not be NaN")));

	read_stored(&sum, stored);
	if (sum.total == 0)
		PG_RETURN_NULL();
	if (isinf(ns))
		PG_RETURN_FLOAT8(ns > 0 ? 1 : 0);

	pgd_histogram_open(&cursor, stored);
	while (pgd_histogram_next(&cursor))
	{
		double		lower = pgd_histogram_lower(cursor.bucket);
		double		upper = pgd_histogram_upper(cursor.bucket);

		if (ns < lower || cursor.bucket == PGD_HISTOGRAM_OVER)
			break;
		below += Min((ns - lower) / (upper - lower), 1) * cursor.count;
	}
	PG_RETURN_FLOAT8(below / sum.total);
}

Datum
pgd_histogram_buckets(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	PgdHistogramCursor cursor;

	InitMaterializedSRF(fcinfo, 0);
	pgd_histogram_open(&cursor, PG_GETARG_HISTOGRAM(0));
	while (pgd_histogram_next(&cursor))
	{
		double		lower = pgd_histogram_lower(cursor.bucket);
		double		upper = pgd_histogram_upper(cursor.bucket);
		Datum		values[3];
		bool		nulls[3] = {false, false, false};

		if (cursor.bucket == PGD_HISTOGRAM_OVER)
			upper = get_float8_infinity();
		values[0] = Float8GetDatum(lower / PGD_HISTOGRAM_NS_PER_MS);
		values[1] = Float8GetDatum(upper / PGD_HISTOGRAM_NS_PER_MS);
		values[2] = Int64GetDatum((int64) cursor.count);
		tuplestore_putvalues(rsinfo->setResult, rsinfo->setDesc, values, nulls);
	}
	return (Datum) 0;
}


/* ----------
 * Sparkline
 * ----------
 */

/* U+2581 to U+2588; other encodings do not have them all. */
static const char *const spark_blocks[SPARK_LEVELS] = {
	"\xE2\x96\x81", "\xE2\x96\x82", "\xE2\x96\x83", "\xE2\x96\x84",
	"\xE2\x96\x85", "\xE2\x96\x86", "\xE2\x96\x87", "\xE2\x96\x88"
};
static const char *const spark_ascii[SPARK_LEVELS] = {
	".", ":", "-", "=", "+", "*", "#", "@"
};

/* The part of a sparkline that a bucket belongs to. */
static int
spark_part(int bucket)
{
	return bucket == PGD_HISTOGRAM_UNDER ? 0 :
		1 + (bucket - 1) / PGD_HISTOGRAM_SUB_BUCKETS;
}

/* The first bucket of a part; of the one after the last, past the end. */
static int
spark_bucket(int part)
{
	return part == 0 ? PGD_HISTOGRAM_UNDER :
		Min(1 + (part - 1) * PGD_HISTOGRAM_SUB_BUCKETS, PGD_HISTOGRAM_BUCKETS);
}

/* A duration with three significant digits, in the unit that suits it. */
static void
append_duration(StringInfo text, uint64 ns)
{
	static const char *const units[] = {"ns", "us", "ms", "s"};
	double		value = ns;
	int			unit = 0;

	while (value >= 1000 && unit < lengthof(units) - 1)
	{
		value /= 1000;
		unit++;
	}
	if (ns == 0)
		appendStringInfoChar(text, '0');
	else
		appendStringInfo(text, "%.*f%s",
						 value < 10 ? 2 : value < 100 ? 1 : 0, value,
						 units[unit]);
}

/*
 * From the first occupied octave to the last, one character an octave, or as
 * few octaves a character as make it fit the width, between the durations at
 * its ends.  The tallest is the most frequent; what is occupied is never blank,
 * because a single slow execution is what one looks for.
 */
Datum
pgd_histogram_sparkline(PG_FUNCTION_ARGS)
{
	const char *const *levels =
		GetDatabaseEncoding() == PG_UTF8 ? spark_blocks : spark_ascii;
	int			width = PG_GETARG_INT32(1);
	uint64		parts[SPARK_PARTS] = {0};
	uint64		chars[SPARK_PARTS] = {0};
	uint64		highest = 0;
	int			first = -1;
	int			last = -1;
	int			step;
	int			n = 0;
	PgdHistogramCursor cursor;
	StringInfoData text;

	if (width < 1)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("width of a sparkline must be at least 1")));

	pgd_histogram_open(&cursor, PG_GETARG_HISTOGRAM(0));
	while (pgd_histogram_next(&cursor))
	{
		last = spark_part(cursor.bucket);
		if (first < 0)
			first = last;
		parts[last] += cursor.count;
	}
	if (first < 0)
		PG_RETURN_TEXT_P(cstring_to_text(""));

	width = Min(width, SPARK_PARTS);
	step = (last - first + width) / width;
	for (int i = first; i <= last; i++)
	{
		n = (i - first) / step;
		chars[n] += parts[i];
		highest = Max(highest, chars[n]);
	}

	initStringInfo(&text);
	append_duration(&text, pgd_histogram_lower(spark_bucket(first)));
	appendStringInfoChar(&text, ' ');
	for (int i = 0; i <= n; i++)
	{
		double		level = ceil((double) chars[i] / highest * SPARK_LEVELS);

		appendStringInfoString(&text, chars[i] == 0 ? " " :
							   levels[(int) level - 1]);
	}
	appendStringInfoChar(&text, ' ');
	if (last == SPARK_PARTS - 1)
		appendStringInfoString(&text, "inf");
	else
		append_duration(&text, pgd_histogram_lower(spark_bucket(last + 1)));
	PG_RETURN_TEXT_P(cstring_to_text_with_len(text.data, text.len));
}
