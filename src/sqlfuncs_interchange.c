/*-------------------------------------------------------------------------
 *
 * sqlfuncs_interchange.c
 *		SQL-callable functions about documents: arguments in, rows out.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

#include "interchange.h"
#include "rows.h"

typedef struct StatementDocument
{
	uint32		nested;
	uint64		fingerprint;
	struct varlena *query;
	Jsonb	   *document;
} StatementDocument;

typedef struct ShapeDocument
{
	struct varlena *key;
	Jsonb	   *document;
} ShapeDocument;

static const Column statement_columns[] = {
	{"nested", COL_BOOL, offsetof(StatementDocument, nested)},
	{"fingerprint", COL_ID, offsetof(StatementDocument, fingerprint)},
	{"query", COL_TEXT, offsetof(StatementDocument, query)},
	{"document", COL_POINTER, offsetof(StatementDocument, document)},
	{NULL}
};

static const Column shape_columns[] = {
	{"key", COL_TEXT, offsetof(ShapeDocument, key)},
	{"document", COL_POINTER, offsetof(ShapeDocument, document)},
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_statement_documents);
PG_FUNCTION_INFO_V1(pgd_transaction_documents);
PG_FUNCTION_INFO_V1(pgd_import_document);
PG_FUNCTION_INFO_V1(pgd_imported_note);

static bool
may_see(Oid userid, void *arg)
{
	return pgd_rows_may_see(arg, userid);
}

static void
visit_statement(bool nested, uint64 fingerprint, struct varlena *query,
				Jsonb *document, void *arg)
{
	StatementDocument row = {nested, fingerprint, query, document};

	pgd_rows_put(arg, &row);
}

/*
 * diagnose.statement_documents(window, timings, dbid)
 */
Datum
pgd_statement_documents(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, statement_columns);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		pgd_export_statements(&window, PG_GETARG_BOOL(1), PG_GETARG_OID(2),
							  may_see, visit_statement, &sink);
	return (Datum) 0;
}

static void
visit_shape(struct varlena *key, Jsonb *document, void *arg)
{
	ShapeDocument row = {key, document};

	pgd_rows_put(arg, &row);
}

/*
 * diagnose.transaction_documents(window, timings, dbid)
 */
Datum
pgd_transaction_documents(PG_FUNCTION_ARGS)
{
	RowSink		sink;
	PgdWindow	window;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	pgd_rows_open(&sink, fcinfo, shape_columns);
	if (!PG_ARGISNULL(1) && !PG_ARGISNULL(2))
		pgd_export_shapes(&window, PG_GETARG_BOOL(1), PG_GETARG_OID(2),
						  may_see, visit_shape, &sink);
	return (Datum) 0;
}

/*
 * diagnose.import(doc, label)
 */
Datum
pgd_import_document(PG_FUNCTION_ARGS)
{
	pgd_require_preload();
	for (int i = 0; i < 2; i++)
	{
		if (PG_ARGISNULL(i))
			ereport(ERROR,
					(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
					 errmsg("%s must not be null", i == 0 ? "doc" : "label")));
	}
	PG_RETURN_INT64((int64) pgd_import(PG_GETARG_JSONB_P(0), MyDatabaseId,
									   text_to_cstring(PG_GETARG_TEXT_PP(1))));
}

/*
 * diagnose.imported_note(window)
 */
Datum
pgd_imported_note(PG_FUNCTION_ARGS)
{
	PgdWindow	window;
	const char *note;
	int			len;

	pgd_require_preload();
	pgd_window_get(fcinfo, 0, &window);
	note = pgd_import_note(&window, &len);
	if (note == NULL)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(note, len));
}
