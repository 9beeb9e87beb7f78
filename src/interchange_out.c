/*-------------------------------------------------------------------------
 *
 * interchange_out.c
 *		What happened in a window as a document.
 *
 * Statements are those of one fingerprint, transactions those of one tag and
 * shape, whoever ran them: what is left names nothing that another server
 * would call otherwise.  Without timings there is nothing in it that differs
 * when the same work is done again, so that it can be kept in a repository.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "guc.h"
#include "interchange.h"
#include "rows.h"
#include "sums.h"

/* What is added up, by what it is called. */
typedef struct StatementSum
{
	bool		nested;
	struct varlena *query;
	PgdStatement statement;
} StatementSum;

typedef struct StatementEntry
{
	uint64		key;			/* fingerprint */
	StatementSum *sum[2];		/* sent by the client, nested */
	char		status;
} StatementEntry;

typedef struct ShapeEntry
{
	char	   *key;			/* tag and shape */
	PgdShape   *sum;
	char		status;
} ShapeEntry;

#define SH_PREFIX statements
#define SH_ELEMENT_TYPE StatementEntry
#define SH_KEY_TYPE uint64
#define SH_KEY key
#define SH_HASH_KEY(tb, key) \
	((uint32) (((key) * UINT64CONST(0x9E3779B97F4A7C15)) >> 32))
#define SH_EQUAL(tb, a, b) ((a) == (b))
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

#define SH_PREFIX shapes
#define SH_ELEMENT_TYPE ShapeEntry
#define SH_KEY_TYPE char *
#define SH_KEY key
#define SH_HASH_KEY(tb, key) \
	DatumGetUInt32(hash_any((unsigned char *) (key), strlen(key)))
#define SH_EQUAL(tb, a, b) (strcmp(a, b) == 0)
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* What the visitors of a window need. */
typedef struct Export
{
	Oid			dbid;
	bool		timings;
	PgdMaySee	may_see;
	void	   *arg;
	MemoryContext context;		/* of all that is added up */
	statements_hash *statements;
	shapes_hash *shapes;
	uint64		unidentified[2];	/* executions, sent by the client or nested */
} Export;

/* ----------
 * Values
 * ----------
 */

static void
put_key(JsonbParseState **state, const char *name)
{
	JsonbValue	v = {.type = jbvString};

	v.val.string.val = unconstify(char *, name);
	v.val.string.len = strlen(name);
	(void) pushJsonbValue(state, WJB_KEY, &v);
}

static void
put_string(JsonbParseState **state, JsonbIteratorToken token,
		   const char *string, int len)
{
	JsonbValue	v = {.type = jbvString};

	v.val.string.val = unconstify(char *, string);
	v.val.string.len = len;
	(void) pushJsonbValue(state, token, &v);
}

static void
put_text(JsonbParseState **state, const char *name, struct varlena *text)
{
	put_key(state, name);
	put_string(state, WJB_VALUE, VARDATA_ANY(text), VARSIZE_ANY_EXHDR(text));
}

/*
 * Nothing stands for 0, nor for what is not known.
 */
static void
put_number(JsonbParseState **state, const char *name, uint64 value,
		   bool is_time)
{
	JsonbValue	v = {.type = jbvNumeric};

	if (value == 0 || value == PGD_UNKNOWN)
		return;
	value = Min(value, PG_INT64_MAX);
	v.val.numeric = is_time ?
		DatumGetNumeric(DirectFunctionCall1(numeric_trim_scale,
											NumericGetDatum(int64_div_fast_to_numeric(value, 6)))) :
		int64_to_numeric(value);
	put_key(state, name);
	(void) pushJsonbValue(state, WJB_VALUE, &v);
}

static void
put_fields(JsonbParseState **state, const PgdField *fields, void *of,
		   bool timings)
{
	for (const PgdField *f = fields; f->name != NULL; f++)
	{
		if (timings || pgd_field_repeats(f))
			put_number(state, f->name, *pgd_field(f, of), f->is_time);
	}
}

static void
put_errors(JsonbParseState **state, const PgdErrorCount *errors, int n)
{
	bool		any = false;

	for (int i = 0; i < n; i++)
	{
		if (errors[i].count == 0)
			continue;
		if (!any)
		{
			put_key(state, "errors");
			(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			any = true;
		}
		/* the last one is for all others */
		put_number(state, i == n - 1 ? PGD_DOCUMENT_OTHER :
				   pstrdup(unpack_sql_state(errors[i].sqlstate)),
				   errors[i].count, false);
	}
	if (any)
		(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static void
put_histogram(JsonbParseState **state, const char *name,
			  const PgdHistogram *histogram)
{
	uint64		total;
	char	   *text;

	if (!pgd_histogram_total(histogram, &total) || total == 0)
		return;
	text = DatumGetCString(DirectFunctionCall1(pgd_histogram_out,
											   PointerGetDatum(pgd_histogram_to_datum(histogram))));
	put_key(state, name);
	put_string(state, WJB_VALUE, text, strlen(text));
}

/* ----------
 * Statements
 * ----------
 */

/*
 * All forms of a statement have one fingerprint.  Whichever was seen first,
 * the same one is shown.
 */
static void
choose_query(StatementSum *sum, struct varlena *query)
{
	int			len = VARSIZE_ANY_EXHDR(query);
	int			known_len;
	int			order;

	if (sum->query != NULL)
	{
		known_len = VARSIZE_ANY_EXHDR(sum->query);
		order = memcmp(VARDATA_ANY(query), VARDATA_ANY(sum->query),
					   Min(len, known_len));
		if (order > 0 || (order == 0 && len >= known_len))
		{
			pfree(query);
			return;
		}
		pfree(sum->query);
	}
	sum->query = query;
}

static void
visit_statement(const PgdStatement *s, const char *text, int len, void *arg)
{
	Export	   *export = arg;
	bool		nested = (s->key.toplevel == 0);
	MemoryContext old;
	StatementEntry *entry;
	bool		found;

	/* plans alone may be those of expressions, which are never executed */
	if (s->key.dbid != export->dbid ||
		s->counters.calls + s->counters.failed + s->counters.abandoned == 0)
		return;
	if (s->fingerprint == 0 || s->key.userid == InvalidOid ||
		!export->may_see(s->key.userid, export->arg))
	{
		export->unidentified[nested && s->key.userid != InvalidOid] +=
			s->counters.calls + s->counters.failed;
		return;
	}

	old = MemoryContextSwitchTo(export->context);
	entry = statements_insert(export->statements, s->fingerprint, &found);
	if (!found)
		entry->sum[0] = entry->sum[1] = NULL;
	if (entry->sum[nested] == NULL)
	{
		entry->sum[nested] = palloc0(sizeof(StatementSum));
		entry->sum[nested]->statement = *s;
	}
	else
		pgd_statement_add(&entry->sum[nested]->statement, s);
	if (text != NULL)
		choose_query(entry->sum[nested],
					 pgd_rows_text(text, len, s->encoding));
	MemoryContextSwitchTo(old);
}

static void
put_plan_shapes(JsonbParseState **state, const PgdStatement *s)
{
	bool		any = false;

	for (int i = 0; i <= PGD_PLANS; i++)
	{
		const PgdPlanUse *plan = &s->plans[i];

		if (plan->calls == 0)
			continue;
		if (!any)
		{
			put_key(state, "plan_shapes");
			(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
			any = true;
		}
		put_number(state, i == PGD_PLANS ? PGD_DOCUMENT_OTHER :
				   psprintf("%lld", (long long) plan->shape), plan->calls,
				   false);
	}
	if (any)
		(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

/*
 * How often a block was found in the cache is a matter of luck, how often one
 * was asked for is not.
 */
static void
put_blocks(JsonbParseState **state, const PgdCounters *c)
{
	if (c->shared_blks_hit != PGD_UNKNOWN && c->shared_blks_read != PGD_UNKNOWN)
		put_number(state, "shared_blks",
				   c->shared_blks_hit + c->shared_blks_read, false);
	if (c->local_blks_hit != PGD_UNKNOWN && c->local_blks_read != PGD_UNKNOWN)
		put_number(state, "local_blks",
				   c->local_blks_hit + c->local_blks_read, false);
}

static Jsonb *
statement_document(StatementSum *sum, bool timings)
{
	PgdStatement *s = &sum->statement;
	JsonbParseState *state = NULL;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	if (sum->query != NULL)
		put_text(&state, "query", sum->query);
	put_fields(&state, pgd_statement_fields, s, timings);
	put_errors(&state, s->errors, PGD_ERRORS + 1);
	if (timings)
	{
		/* made of this server's OIDs */
		put_plan_shapes(&state, s);
		put_histogram(&state, "histogram", &s->histogram);
	}
	else
		put_blocks(&state, &s->counters);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * What cannot be named comes as executions, without a fingerprint.
 */
static void
visit_unidentified(const Export *export, PgdStatementDocumentVisitor visit,
				   void *arg)
{
	for (int nested = 0; nested < 2; nested++)
	{
		JsonbParseState *state = NULL;

		if (export->unidentified[nested] == 0)
			continue;
		(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
		put_number(&state, "calls", export->unidentified[nested], false);
		visit(nested, 0, NULL,
			  JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL)),
			  arg);
	}
}

/*
 * The statements of a database in a window.
 */
void
pgd_export_statements(const PgdWindow *window, bool timings, Oid dbid,
						PgdMaySee may_see, PgdStatementDocumentVisitor visit,
						void *arg)
{
	Export		export = {
		.dbid = dbid, .timings = timings, .may_see = may_see, .arg = arg,
		.context = CurrentMemoryContext,
		.statements = statements_create(CurrentMemoryContext, 1024, NULL),
	};
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_diagnose document",
												  ALLOCSET_DEFAULT_SIZES);
	statements_iterator i;
	StatementEntry *entry;

	pgd_window_statements(window, visit_statement, &export);
	statements_start_iterate(export.statements, &i);
	while ((entry = statements_iterate(export.statements, &i)) != NULL)
	{
		for (int nested = 0; nested < 2; nested++)
		{
			StatementSum *sum = entry->sum[nested];
			MemoryContext old = MemoryContextSwitchTo(scratch);

			CHECK_FOR_INTERRUPTS();
			if (sum != NULL)
				visit(nested, entry->key, sum->query,
					  statement_document(sum, timings), arg);
			MemoryContextSwitchTo(old);
			MemoryContextReset(scratch);
		}
	}
	visit_unidentified(&export, visit, arg);
	MemoryContextDelete(scratch);
}

/* ----------
 * Transactions
 * ----------
 */

/*
 * Who it was in one word, as diagnose.tag_text() says it, and the shape.
 */
static char *
shape_key(const PgdShapeSums *s)
{
	const PgdTag *tag = &s->tag;
	const char *first = tag->application;
	const char *second = "";

	if (tag->route[0] != '\0')
		first = tag->route;
	else if (tag->controller[0] != '\0')
	{
		first = tag->controller;
		second = tag->action;
	}
	else if (tag->action[0] != '\0')
		first = tag->action;
	return psprintf("%s%s%s/%lld", first, second[0] != '\0' ? "#" : "", second,
					(long long) s->key.shape);
}

/*
 * Two tags that are called the same: what differs is not said.
 */
static void
merge_tags(PgdTag *tag, const PgdTag *other)
{
	for (const PgdTagField *f = pgd_tag_fields; f->name != NULL; f++)
	{
		char	   *text = (char *) tag + f->offset;

		if (strcmp(text, (const char *) other + f->offset) != 0)
			text[0] = '\0';
	}
}

/*
 * Where a burst ends is a matter of think time, unless somebody has said so.
 */
static bool
is_exported(const Export *export, const PgdShapeSums *s)
{
	return s->key.dbid == export->dbid && s->key.shape != 0 &&
		export->may_see(s->key.userid, export->arg) &&
		(export->timings || s->key.kind != PGD_XACT_BURST ||
		 pgd_burst_gap > 0);
}

static void
visit_shape(const PgdShape *shape, void *arg)
{
	Export	   *export = arg;
	MemoryContext old;
	ShapeEntry *entry;
	bool		found;

	if (!is_exported(export, &shape->sums))
		return;
	old = MemoryContextSwitchTo(export->context);
	entry = shapes_insert(export->shapes, shape_key(&shape->sums), &found);
	if (!found)
	{
		entry->sum = palloc(sizeof(PgdShape));
		*entry->sum = *shape;
	}
	else
	{
		PgdTag		tag = entry->sum->sums.tag;

		merge_tags(&tag, &shape->sums.tag);
		pgd_shape_add(entry->sum, shape);
		entry->sum->sums.tag = tag;
	}
	MemoryContextSwitchTo(old);
}

static void
put_steps(JsonbParseState **state, PgdShapeSums *s, bool timings)
{
	put_key(state, "steps");
	(void) pushJsonbValue(state, WJB_BEGIN_ARRAY, NULL);
	for (int i = 0; i < s->nsteps; i++)
	{
		PgdStep    *step = &s->steps[i];

		(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
		/* as text: many programs read numbers as floating-point ones */
		put_text(state, "fingerprint",
				 cstring_to_text(step->fingerprint == 0 ? PGD_DOCUMENT_OTHER :
								 psprintf("%lld",
										  (long long) step->fingerprint)));
		put_number(state, "cycle", step->cycle, false);
		if (step->sqlstate != 0)
			put_text(state, "sqlstate",
					 cstring_to_text(unpack_sql_state(step->sqlstate)));
		put_fields(state, pgd_step_fields, step, timings);
		(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
	}
	(void) pushJsonbValue(state, WJB_END_ARRAY, NULL);
}

static void
put_shape_histograms(JsonbParseState **state, const PgdShape *shape)
{
	put_key(state, "histograms");
	(void) pushJsonbValue(state, WJB_BEGIN_OBJECT, NULL);
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
		put_histogram(state, pgd_xact_histogram_names[h],
					  &shape->histograms[h]);
	(void) pushJsonbValue(state, WJB_END_OBJECT, NULL);
}

static Jsonb *
shape_document(PgdShape *shape, bool timings)
{
	PgdShapeSums *s = &shape->sums;
	JsonbParseState *state = NULL;

	(void) pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	put_text(&state, "kind",
			 cstring_to_text(s->key.kind == PGD_XACT_BURST ? "burst" :
							 "transaction"));
	put_text(&state, "isolation",
			 cstring_to_text(pgd_isolation_names[s->key.isolation & 3]));
	for (const PgdTagField *f = pgd_tag_fields; f->name != NULL; f++)
	{
		const char *text = (char *) &s->tag + f->offset;

		if (text[0] != '\0')
			put_text(&state, f->name,
					 pgd_rows_text(text, strlen(text), PG_SQL_ASCII));
	}
	put_fields(&state, pgd_xact_fields, &s->counters, timings);
	put_errors(&state, s->errors, PGD_XACT_ERRORS + 1);
	put_steps(&state, s, timings);
	if (timings)
		put_shape_histograms(&state, shape);
	return JsonbValueToJsonb(pushJsonbValue(&state, WJB_END_OBJECT, NULL));
}

/*
 * The transactions of a database in a window.
 */
void
pgd_export_shapes(const PgdWindow *window, bool timings, Oid dbid,
					PgdMaySee may_see, PgdShapeDocumentVisitor visit,
					void *arg)
{
	Export		export = {
		.dbid = dbid, .timings = timings, .may_see = may_see, .arg = arg,
		.context = CurrentMemoryContext,
		.shapes = shapes_create(CurrentMemoryContext, 256, NULL),
	};
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_diagnose document",
												  ALLOCSET_DEFAULT_SIZES);
	shapes_iterator i;
	ShapeEntry *entry;

	pgd_window_shapes(window, visit_shape, &export);
	shapes_start_iterate(export.shapes, &i);
	while ((entry = shapes_iterate(export.shapes, &i)) != NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		CHECK_FOR_INTERRUPTS();
		visit(pgd_rows_text(entry->key, strlen(entry->key), PG_SQL_ASCII),
			  shape_document(entry->sum, timings), arg);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}
