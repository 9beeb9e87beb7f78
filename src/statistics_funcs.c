/*-------------------------------------------------------------------------
 *
 * statistics_funcs.c
 *		The statistics as SQL functions.
 *
 * src/sql/26_statistics.sql declares them and says what they promise.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "funcapi.h"
#include "statistics.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/float.h"

PG_FUNCTION_INFO_V1(pgd_sql_welch);
PG_FUNCTION_INFO_V1(pgd_sql_paired);
PG_FUNCTION_INFO_V1(pgd_sql_shift);
PG_FUNCTION_INFO_V1(pgd_sql_superiority);
PG_FUNCTION_INFO_V1(pgd_sql_adjusted_p);

/* What welch() and paired() return, in this order. */
enum
{
	OUT_RATIO,
	OUT_LOW,
	OUT_HIGH,
	OUT_P_VALUE,
	OUT_SMALLEST,
	OUT_COLUMNS
};

/* ----------
 * Arguments
 * ----------
 */

static void
get_array(FunctionCallInfo fcinfo, int arg, Datum **values, bool **nulls,
		  int *n)
{
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(arg), FLOAT8OID, sizeof(float8),
					  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, values, nulls, n);
}

/* The logarithms of an array of times, NaN for NULL. */
static double *
get_levels(FunctionCallInfo fcinfo, int arg, int *n)
{
	Datum	   *values;
	bool	   *nulls;
	double	   *levels;

	get_array(fcinfo, arg, &values, &nulls, n);
	levels = palloc(sizeof(double) * Max(*n, 1));
	for (int i = 0; i < *n; i++)
	{
		double		time = nulls[i] ? 1 : DatumGetFloat8(values[i]);

		if (!(time > 0) || isinf(time))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("time %g is out of range", time),
					 errdetail("A time is finite and greater than zero; NULL stands for a window without executions.")));
		levels[i] = nulls[i] ? get_float8_nan() : log(time);
	}
	return levels;
}

static double
get_correlation(FunctionCallInfo fcinfo, int arg)
{
	double		correlation = PG_GETARG_FLOAT8(arg);

	if (!(correlation >= 0 && correlation < 1))
		ereport(ERROR,
				(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
				 errmsg("correlation %g is out of range", correlation),
				 errdetail("It is at least 0 and below 1.")));
	return correlation;
}

static void
get_histogram(FunctionCallInfo fcinfo, int arg, PgdHistogramSum *sum)
{
	memset(sum, 0, sizeof(PgdHistogramSum));
	pgd_histogram_add(sum, PG_GETARG_HISTOGRAM(arg));
}

/* ----------
 * Results
 * ----------
 */

static Datum
float8_or_null(FunctionCallInfo fcinfo, double value)
{
	if (isnan(value))
		PG_RETURN_NULL();
	PG_RETURN_FLOAT8(value);
}

static Datum
return_effect(FunctionCallInfo fcinfo, const PgdEffect *effect)
{
	PgdVerdict	verdict;
	TupleDesc	desc;
	double		columns[OUT_COLUMNS];
	Datum		values[OUT_COLUMNS];
	bool		nulls[OUT_COLUMNS];

	if (get_call_result_type(fcinfo, NULL, &desc) != TYPEFUNC_COMPOSITE ||
		desc->natts != OUT_COLUMNS)
		elog(ERROR, "return type is not that of this version of the library");

	pgd_effect_judge(effect, &verdict);
	columns[OUT_RATIO] = verdict.ratio;
	columns[OUT_LOW] = verdict.low;
	columns[OUT_HIGH] = verdict.high;
	columns[OUT_P_VALUE] = verdict.p_value;
	columns[OUT_SMALLEST] = verdict.smallest;
	for (int i = 0; i < OUT_COLUMNS; i++)
	{
		nulls[i] = isnan(columns[i]);
		values[i] = Float8GetDatum(columns[i]);
	}
	return HeapTupleGetDatum(heap_form_tuple(BlessTupleDesc(desc), values,
											 nulls));
}

/* The mean of what is known, NaN if nothing is. */
static double
mean_of(const double *values, int n)
{
	double		sum = 0;
	int			used = 0;

	for (int i = 0; i < n; i++)
	{
		if (isnan(values[i]))
			continue;
		sum += values[i];
		used++;
	}
	return used > 0 ? sum / used : get_float8_nan();
}

/* ----------
 * Functions
 * ----------
 */

/*
 * diagnose.welch(before, after, least_correlation)
 */
Datum
pgd_sql_welch(PG_FUNCTION_ARGS)
{
	PgdStretches stretches;
	double	   *before = get_levels(fcinfo, 0, &stretches.count[PGD_BEFORE]);
	double	   *after = get_levels(fcinfo, 1, &stretches.count[PGD_AFTER]);
	double		correlation = get_correlation(fcinfo, 2);
	int			n = stretches.count[PGD_BEFORE];
	int			total = n + stretches.count[PGD_AFTER];
	double	   *level = palloc(sizeof(double) * Max(total, 1));
	double	   *weight = palloc(sizeof(double) * Max(total, 1));
	PgdSeries	series = {level, weight};
	PgdEffect	effect = {0};

	for (int i = 0; i < total; i++)
	{
		level[i] = i < n ? before[i] : after[i - n];
		weight[i] = isnan(level[i]) ? 0 : 1;
	}
	if (!pgd_effect_of_series(&series, &stretches, NULL, correlation,
							  &effect))
		effect.log_ratio = mean_of(after, total - n) - mean_of(before, n);
	return return_effect(fcinfo, &effect);
}

/*
 * diagnose.paired(a, b, least_correlation)
 */
Datum
pgd_sql_paired(PG_FUNCTION_ARGS)
{
	int			n;
	int			other;
	double	   *a = get_levels(fcinfo, 0, &n);
	double	   *b = get_levels(fcinfo, 1, &other);
	double		correlation = get_correlation(fcinfo, 2);
	PgdEffect	effect = {0};

	if (n != other)
		ereport(ERROR,
				(errcode(ERRCODE_ARRAY_SUBSCRIPT_ERROR),
				 errmsg("arrays have different lengths, %d and %d", n, other),
				 errdetail("Each pair is of the same window; NULL stands for one without executions.")));
	for (int i = 0; i < n; i++)
		b[i] -= a[i];			/* NaN if either is */
	if (!pgd_effect_of_pairs(b, n, correlation, &effect))
		effect.log_ratio = mean_of(b, n);
	return return_effect(fcinfo, &effect);
}

/*
 * diagnose.shift(before, after)
 */
Datum
pgd_sql_shift(PG_FUNCTION_ARGS)
{
	PgdHistogramSum before;
	PgdHistogramSum after;

	get_histogram(fcinfo, 0, &before);
	get_histogram(fcinfo, 1, &after);
	return float8_or_null(fcinfo,
						  pgd_histogram_shift(&before.dense, &after.dense));
}

/*
 * diagnose.superiority(before, after)
 */
Datum
pgd_sql_superiority(PG_FUNCTION_ARGS)
{
	PgdHistogramSum before;
	PgdHistogramSum after;

	get_histogram(fcinfo, 0, &before);
	get_histogram(fcinfo, 1, &after);
	return float8_or_null(fcinfo,
						  pgd_histogram_superiority(&before.dense,
													&after.dense));
}

static int
compare_indexes(const void *a, const void *b, void *arg)
{
	const double *p = arg;
	double		x = p[*(const int *) a];
	double		y = p[*(const int *) b];

	return x < y ? -1 : x > y;
}

/*
 * diagnose.adjusted_p(p_values)
 */
Datum
pgd_sql_adjusted_p(PG_FUNCTION_ARGS)
{
	ArrayType  *array = PG_GETARG_ARRAYTYPE_P(0);
	Datum	   *values;
	bool	   *nulls;
	double	   *p;
	double	   *adjusted;
	int		   *ascending;
	int			n;
	int			known = 0;

	get_array(fcinfo, 0, &values, &nulls, &n);
	if (n == 0)
		PG_RETURN_ARRAYTYPE_P(construct_empty_array(FLOAT8OID));
	p = palloc(sizeof(double) * n);
	adjusted = palloc(sizeof(double) * n);
	ascending = palloc(sizeof(int) * n);
	for (int i = 0; i < n; i++)
	{
		p[i] = nulls[i] ? 1 : DatumGetFloat8(values[i]);
		if (!(p[i] >= 0 && p[i] <= 1))
			ereport(ERROR,
					(errcode(ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE),
					 errmsg("probability %g is out of range", p[i]),
					 errdetail("It is between 0 and 1; NULL stands for what was not tested.")));
		if (!nulls[i])
			ascending[known++] = i;
	}
	qsort_arg(ascending, known, sizeof(int), compare_indexes, p);
	pgd_adjust_p_values(p, ascending, known, adjusted);
	for (int i = 0; i < n; i++)
	{
		if (!nulls[i])
			values[i] = Float8GetDatum(adjusted[i]);
	}
	PG_RETURN_ARRAYTYPE_P(construct_md_array(values, nulls, ARR_NDIM(array),
											 ARR_DIMS(array),
											 ARR_LBOUND(array), FLOAT8OID,
											 sizeof(float8), FLOAT8PASSBYVAL,
											 TYPALIGN_DOUBLE));
}
