/*-------------------------------------------------------------------------
 *
 * rows.c
 *		Rows out, by the names of their columns.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_authid.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#include "rows.h"
#include "store.h"

void
pgd_require_preload(void)
{
	if (!pgd_store_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("pg_diagnose must be loaded via \"shared_preload_libraries\""),
				 errhint("Set shared_preload_libraries = 'pg_stat_statements,pg_diagnose' and restart the server.")));
}

/* ----------
 * Rows
 * ----------
 */

void
pgd_rows_open(RowSink *sink, FunctionCallInfo fcinfo, const Column *columns)
{
	TupleDesc	desc;

	InitMaterializedSRF(fcinfo, 0);
	sink->rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	sink->userid = GetUserId();
	sink->reads_all = has_privs_of_role(sink->userid, ROLE_PG_READ_ALL_STATS);
	sink->context = AllocSetContextCreate(CurrentMemoryContext,
										  "pg_diagnose row",
										  ALLOCSET_DEFAULT_SIZES);

	desc = sink->rsinfo->setDesc;
	sink->columns = palloc(sizeof(Column *) * desc->natts);
	for (int i = 0; i < desc->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(desc, i)->attname);
		const Column *column = columns;

		while (column->name != NULL && strcmp(column->name, name) != 0)
			column++;
		if (column->name == NULL)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" is not known to version %s of the pg_diagnose library",
							name, PGD_VERSION),
					 errhint("Restart the server to load the library that belongs to the extension.")));
		sink->columns[i] = column;
	}
}

static Datum
column_value(const Column *column, const char *row, bool *isnull)
{
	const char *field = row + column->offset;
	uint64		number;

	*isnull = false;
	switch (column->kind)
	{
		case COL_OID:
			*isnull = !OidIsValid(*(const Oid *) field);
			return ObjectIdGetDatum(*(const Oid *) field);
		case COL_BOOL:
			return BoolGetDatum(*(const uint32 *) field != 0);
		case COL_ID:
			*isnull = (*(const uint64 *) field == 0);
			return Int64GetDatum((int64) *(const uint64 *) field);
		case COL_COUNT:
			number = *(const uint64 *) field;
			*isnull = (number == PGD_UNKNOWN);
			return Int64GetDatum((int64) Min(number, (uint64) PG_INT64_MAX));
		case COL_SETTING:
			number = *(const uint64 *) field;
			*isnull = (number == 0);
			return Int64GetDatum((int64) Min(number, (uint64) PG_INT64_MAX) - 1);
		case COL_TIME_SEEN:
		case COL_TIME:
			number = *(const uint64 *) field;
			*isnull = (number == PGD_UNKNOWN ||
					   (number == 0 && column->kind == COL_TIME_SEEN));
			return Float8GetDatum((double) *(const uint64 *) field / 1e6);
		case COL_TIMESTAMP:
			*isnull = (*(const TimestampTz *) field == 0);
			return TimestampTzGetDatum(*(const TimestampTz *) field);
		case COL_SQLSTATE:
			*isnull = (*(const int32 *) field == 0);
			return CStringGetTextDatum(unpack_sql_state(*(const int32 *) field));
		case COL_HISTOGRAM:
			return PointerGetDatum(pgd_histogram_to_datum((const PgdHistogram *) field));
		case COL_TEXT:
			*isnull = (*(struct varlena *const *) field == NULL);
			return PointerGetDatum(*(struct varlena *const *) field);
		case COL_CHARS:
			*isnull = (*field == '\0');
			if (*isnull)
				return (Datum) 0;
			/* the name of an application may be of any encoding */
			return PointerGetDatum(pgd_rows_text(field, strlen(field),
												 PG_SQL_ASCII));
		case COL_INT:
			*isnull = (*(const int32 *) field == 0);
			return Int32GetDatum(*(const int32 *) field);
		case COL_NUMBER:
			*isnull = isnan(*(const double *) field);
			return Float8GetDatum(*(const double *) field);
		case COL_POINTER:
			*isnull = (*(void *const *) field == NULL);
			return PointerGetDatum(*(void *const *) field);
		case COL_UNKNOWN:
			break;
	}
	*isnull = true;
	return (Datum) 0;
}

/*
 * Add a row.  The values may lie in sink->context, which is reset after.
 */
void
pgd_rows_put(RowSink *sink, const void *row)
{
	TupleDesc	desc = sink->rsinfo->setDesc;
	MemoryContext old = MemoryContextSwitchTo(sink->context);
	Datum	   *values = palloc(sizeof(Datum) * desc->natts);
	bool	   *nulls = palloc(sizeof(bool) * desc->natts);

	for (int i = 0; i < desc->natts; i++)
		values[i] = column_value(sink->columns[i], row, &nulls[i]);
	MemoryContextSwitchTo(old);
	tuplestore_putvalues(sink->rsinfo->setResult, desc, values, nulls);
	MemoryContextReset(sink->context);
}

/*
 * May the caller know what a user did?  As in pg_stat_statements, one
 * sees one's own; the numbers of others are no secret.  The rows of evicted
 * statements have no owner and nothing to hide.
 */
bool
pgd_rows_may_see(const RowSink *sink, Oid userid)
{
	return sink->reads_all || userid == sink->userid || userid == InvalidOid;
}

/*
 * A text of a database that may have another encoding than this one.  What
 * cannot be converted cuts it short.
 */
struct varlena *
pgd_rows_text(const char *text, int len, int encoding)
{
	int			ours = GetDatabaseEncoding();
	Oid			proc = InvalidOid;

	if (encoding != ours && encoding != PG_SQL_ASCII && ours != PG_SQL_ASCII)
		proc = FindDefaultConversionProc(encoding, ours);
	if (OidIsValid(proc))
	{
		int			size = len * MAX_CONVERSION_GROWTH + 1;
		unsigned char *converted = palloc0(size);

		(void) pg_do_encoding_conversion_buf(proc, encoding, ours,
											 (unsigned char *) unconstify(char *, text),
											 len, converted, size, true);
		text = (char *) converted;
		len = strlen(text);
	}
	return cstring_to_text_with_len(text,
									pg_encoding_verifymbstr(ours, text, len));
}
