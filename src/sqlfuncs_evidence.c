/*-------------------------------------------------------------------------
 *
 * sqlfuncs_evidence.c
 *		SQL-callable functions: what executed plans have shown, and examples.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "nodes/nodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/ruleutils.h"

#include "evidence.h"
#include "example.h"
#include "rows.h"
#include "store.h"
#include "whatif.h"

/* What a column can be made of, beside the evidence itself. */
typedef struct NodeRow
{
	PgdKey		key;
	uint64		executions;
	uint64		cut_short;
	TimestampTz last_seen;
	uint64		examples;
	struct varlena *node;
	PgdNodeEvidence at;
} NodeRow;

typedef struct ExampleRow
{
	PgdKey		key;
	TimestampTz taken_at;
	uint32		is_masked;
	uint32		is_generic;
	struct varlena *statement;
	struct varlena *parameters;
	struct varlena *settings;
} ExampleRow;

#define N(field)	offsetof(NodeRow, field)
#define E(field)	offsetof(ExampleRow, field)

static const Column evidence_columns[] = {
	{"userid", COL_OID, N(key.userid)},
	{"dbid", COL_OID, N(key.dbid)},
	{"toplevel", COL_BOOL, N(key.toplevel)},
	{"queryid", COL_ID, N(key.queryid)},
	{"executions", COL_COUNT, N(executions)},
	{"cut_short", COL_COUNT, N(cut_short)},
	{"last_seen", COL_TIMESTAMP, N(last_seen)},
	{"examples", COL_COUNT, N(examples)},
	{"node", COL_TEXT, N(node)},
	{"relid", COL_OID, N(at.relid)},
	{"index", COL_OID, N(at.index)},
	{"node_executions", COL_COUNT, N(at.executions)},
	{"loops", COL_COUNT, N(at.loops)},
	{"rows", COL_COUNT, N(at.rows)},
	{"discarded", COL_COUNT, N(at.discarded)},
	{"estimated_rows", COL_NUMBER, N(at.estimated)},
	{NULL}
};

static const Column example_columns[] = {
	{"userid", COL_OID, E(key.userid)},
	{"dbid", COL_OID, E(key.dbid)},
	{"toplevel", COL_BOOL, E(key.toplevel)},
	{"queryid", COL_ID, E(key.queryid)},
	{"taken_at", COL_TIMESTAMP, E(taken_at)},
	{"is_masked", COL_BOOL, E(is_masked)},
	{"is_generic", COL_BOOL, E(is_generic)},
	{"statement", COL_TEXT, E(statement)},
	{"parameters", COL_TEXT, E(parameters)},
	{"settings", COL_TEXT, E(settings)},
	{NULL}
};

PG_FUNCTION_INFO_V1(pgd_evidence);
PG_FUNCTION_INFO_V1(pgd_examples);

static const char *
node_name(int kind)
{
	switch (kind)
	{
		case T_SeqScan:
			return "Seq Scan";
		case T_SampleScan:
			return "Sample Scan";
		case T_IndexScan:
			return "Index Scan";
		case T_IndexOnlyScan:
			return "Index Only Scan";
		case T_BitmapHeapScan:
			return "Bitmap Heap Scan";
		case T_TidScan:
			return "Tid Scan";
		case T_TidRangeScan:
			return "Tid Range Scan";
		case T_ForeignScan:
			return "Foreign Scan";
		case T_NestLoop:
			return "Nested Loop";
		case T_MergeJoin:
			return "Merge Join";
		case T_HashJoin:
			return "Hash Join";
		case T_Sort:
			return "Sort";
		case T_IncrementalSort:
			return "Incremental Sort";
		case T_Agg:
			return "Aggregate";
		case T_Group:
			return "Group";
		case T_Unique:
			return "Unique";
		case T_WindowAgg:
			return "WindowAgg";
		default:
			return "other";
	}
}

static void
visit_evidence(const PgdEvidence *evidence, const PgdExampleBytes *examples,
			   int nexamples, void *arg)
{
	RowSink    *sink = arg;
	NodeRow		row = {
		.key = evidence->key,
		.executions = evidence->executions,
		.cut_short = evidence->cut_short,
		.last_seen = evidence->last_seen,
		.examples = nexamples,
	};

	if (!pgd_rows_may_see(sink, evidence->key.userid))
		return;
	if (evidence->nodes[0].kind == 0)
		pgd_rows_put(sink, &row);
	for (int i = 0; i < PGD_EVIDENCE_NODES && evidence->nodes[i].kind != 0; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(sink->context);

		row.at = evidence->nodes[i];
		row.node = cstring_to_text(node_name(row.at.kind));
		MemoryContextSwitchTo(old);
		pgd_rows_put(sink, &row);
	}
}

/*
 * diagnose.evidence()
 */
Datum
pgd_evidence(PG_FUNCTION_ARGS)
{
	RowSink		sink;

	pgd_require_preload();
	pgd_rows_open(&sink, fcinfo, evidence_columns);
	pgd_store_read_evidence(visit_evidence, &sink);
	return (Datum) 0;
}

/* ----------
 * Examples
 * ----------
 */

static char *
parameters_text(ParamListInfo params)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; params != NULL && i < params->numParams; i++)
	{
		const ParamExternData *p = &params->params[i];
		Oid			output;
		bool		is_varlena;

		if (!OidIsValid(p->ptype))
			continue;
		getTypeOutputInfo(p->ptype, &output, &is_varlena);
		appendStringInfo(&text, "%s$%d = %s", text.len > 0 ? ", " : "", i + 1,
						 p->isnull ? "NULL" :
						 quote_literal_cstr(OidOutputFunctionCall(output,
																  p->value)));
	}
	return text.data;
}

/* The argument of deparse(). */
typedef struct Deparsing
{
	PgdExample *example;
	ExampleRow *row;
} Deparsing;

/*
 * An example as SQL.  What the tree says of relations has to hold, or it would
 * be read wrongly; nobody waits for their locks.
 */
static void
deparse(void *arg)
{
	Deparsing  *deparsing = arg;
	const PgdExample *example = deparsing->example;
	char	   *text;

	pgd_whatif_check(copyObject(example->query));
	text = pg_get_querydef(example->query, false);
	deparsing->row->parameters = cstring_to_text(parameters_text(example->params));
	deparsing->row->statement = cstring_to_text(text);
}

static struct varlena *
settings_text(const char *settings)
{
	StringInfoData text;

	initStringInfo(&text);
	while (settings != NULL && *settings != '\0')
	{
		const char *value = settings + strlen(settings) + 1;

		appendStringInfo(&text, "%s%s=%s", text.len > 0 ? ", " : "",
						 settings, value);
		settings = value + strlen(value) + 1;
	}
	return cstring_to_text_with_len(text.data, text.len);
}

static void
visit_examples(const PgdEvidence *evidence, const PgdExampleBytes *examples,
			   int nexamples, void *arg)
{
	RowSink    *sink = arg;

	for (int i = 0; i < nexamples; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(sink->context);
		PgdExample *example = pgd_example_read(examples[i].data,
											   examples[i].len);
		ExampleRow	row = {.key = evidence->key};
		const PgdWhatIfRole caller = {sink->userid, NULL};
		Deparsing	deparsing = {NULL, &row};
		char	   *problem;

		if (example != NULL)
		{
			row.taken_at = example->taken_at;
			row.is_masked = example->masked;
			row.is_generic = example->generic;
			row.settings = settings_text(example->settings);
			deparsing.example = example;
			if (evidence->key.dbid == MyDatabaseId)
				(void) pgd_whatif_guarded(&caller, deparse, &deparsing,
										  &problem);
		}
		MemoryContextSwitchTo(old);
		pgd_rows_put(sink, &row);
	}
}

/*
 * diagnose.examples()
 */
Datum
pgd_examples(PG_FUNCTION_ARGS)
{
	RowSink		sink;

	pgd_require_preload();
	pgd_rows_open(&sink, fcinfo, example_columns);
	if (!sink.reads_all)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied to see examples of statements"),
				 errdetail("Only roles with privileges of the \"%s\" role may see them.",
						   "pg_read_all_stats")));
	pgd_store_read_evidence(visit_examples, &sink);
	return (Datum) 0;
}
