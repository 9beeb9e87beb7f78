/*-------------------------------------------------------------------------
 *
 * example.c
 *		A statement becomes bytes before it is planned, and a Query again.
 *
 * What is kept is the tree that the planner gets.  Everything that decides
 * what its names mean has been decided by then, so it can be planned again
 * in another session.
 *
 * Catalogs are asked only where the planner does the same, and an error there
 * is one of the statement itself.  All else happens in a private memory
 * context, and what goes wrong is dropped.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/catversion.h"
#include "common/hashfn.h"
#include "common/pg_lzcompress.h"
#include "nodes/nodeFuncs.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

#include "codec.h"
#include "compat.h"
#include "evidence.h"
#include "example.h"
#include "guc.h"
#include "pending.h"
#include "safely.h"
#include "text.h"

#define TEXT_MAX		PGD_TEXT_SCAN_MAX
#define TREE_MAX		20000	/* nodes of it, and names of columns */
#define RAW_MAX			(512 * 1024)	/* bytes before compression */
#define SETTINGS_MAX	512
#define PARAMS_MAX		64
#define VALUE_MAX		256		/* bytes of a parameter's value */

#define EXAMPLE_MASKED	1
#define EXAMPLE_GENERIC	2

typedef struct Value
{
	ParamExternData param;
	int			id;
	int16		len;
	bool		byval;
} Value;

/* An example on its way into shared memory. */
typedef struct Work
{
	Query	   *query;
	int			cursor_options;
	uint32		flags;
	TimestampTz taken_at;
	int			nvalues;
	Value		values[PARAMS_MAX];
	int			max_param;		/* highest number of one in the tree */
	int			size;			/* nodes counted, see measure() */
	bool		reads;			/* a table is in it */
	bool		rows;			/* and a constant of a composite type */
	int			len;			/* of the result; 0: none */
	uint64		hash;
	char		data[PGD_EXAMPLE_MAX];
} Work;

static bool is_due(const PgdKey *key, uint64 tag, bool *slow);
static bool measure(Node *node, Work *work);
static void take_values(Work *work, ParamListInfo params);
static void write_example(void *arg);

/* ----------
 * Which statements
 * ----------
 */

void
pgd_example_offer(const PgdKey *key, uint64 tag, Query *query,
				  const char *source, int cursor_options,
				  ParamListInfo params)
{
	static Work work;
	uint64		start;
	bool		slow;
	int			len;

	if (query->commandType == CMD_UTILITY || query->rtable == NIL ||
		pgd_evidence_memory == 0 || pgd_evidence_rate == 0 ||
		!is_due(key, tag, &slow))
		return;
	start = pgd_clock();
	if (!pgd_store_wants_example(key, slow) ||
		pgd_text_is_own(source, query->stmt_location, query->stmt_len) ||
		!pgd_evidence_may_take(GetCurrentStatementStartTimestamp()))
		return;

	memset(&work, 0, offsetof(Work, values));
	work.query = query;
	work.cursor_options = cursor_options;
	work.taken_at = GetCurrentStatementStartTimestamp();
	work.max_param = work.size = work.len = 0;
	work.reads = work.rows = false;
	source += strnlen(source, Max(query->stmt_location, 0));
	len = strnlen(source, query->stmt_len > 0 ? query->stmt_len : TEXT_MAX + 1);
	if (len > TEXT_MAX || measure((Node *) query, &work))
		pgd_evidence_count_dropped();
	else if (work.reads)
	{
		if (!pgd_track_constants)
			work.flags |= EXAMPLE_MASKED | EXAMPLE_GENERIC;
		else if (work.max_param > 0)
			take_values(&work, params);
		if (work.rows)
			work.flags |= EXAMPLE_GENERIC;
		/* who was asked for a value may have planned something else */
		if (work.query != query)
			return;
		if (pgd_safely(write_example, &work) && work.len > 0)
			pgd_store_add_example(key, work.hash, work.taken_at,
								  work.data, work.len);
		else
			pgd_evidence_count_dropped();
	}
	pgd_store_count_own_time(pgd_clock() - start);
}

/*
 * Statements that are new to this session, and those that were executed 1, 2,
 * 4, 8 ... times since they were: so different constants have a chance.
 */
static bool
is_due(const PgdKey *key, uint64 tag, bool *slow)
{
	uint64		n = 0;

	*slow = false;
	for (int way = pgd_pending_set(tag), end = way + PGD_WAYS; way < end; way++)
	{
		PgdPending *pending = &pgd_slot->pending[way];

		if (pgd_slot->tag[way] != tag || !pgd_pending_is(pending, key))
			continue;
		n += pending->counters.calls + pending->counters.failed;
		*slow |= pending->slow;
		pending->slow = false;
	}
	return (n & (n - 1)) == 0 || *slow;
}

/*
 * How large is the tree?  A short text may stand for a large one, by views.
 * Returns true, and so stops, if it is too large.
 */
static bool
measure(Node *node, Work *work)
{
	if (node == NULL)
		return false;
	if (++work->size > TREE_MAX)
		return true;
	if (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXTERN)
		work->max_param = Max(work->max_param, ((Param *) node)->paramid);
	if (IsA(node, Const))
		work->rows |= pgd_example_has_rows(((Const *) node)->consttype);
	if (IsA(node, RangeTblEntry))
	{
		const RangeTblEntry *rte = (const RangeTblEntry *) node;

		/* what is in it is visited, too */
		work->reads |= rte->rtekind == RTE_RELATION;
		work->size += rte->eref != NULL ? list_length(rte->eref->colnames) : 0;
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, measure, work,
								 QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, measure, work);
}

/* ----------
 * What varies
 * ----------
 */

/*
 * The bytes of a value; NULL if they are not to be had, or too many.
 */
static const char *
value_bytes(const Value *v, int *len)
{
	const char *data = DatumGetPointer(v->param.value);

	if (v->len == -2)
		*len = strnlen(data, VALUE_MAX) + 1;
	else if (v->len >= 0)
		*len = v->len;
	else if (VARATT_IS_EXTERNAL(data))
		return NULL;
	else
		*len = VARSIZE_ANY(data);
	return *len <= VALUE_MAX ? data : NULL;
}

/*
 * Ask for the values that the tree has parameters for.  That may call
 * PL/pgSQL, as the planner will.
 */
static void
take_values(Work *work, ParamListInfo params)
{
	if (params == NULL || work->max_param > params->numParams)
	{
		work->flags |= EXAMPLE_GENERIC;
		return;
	}
	for (int i = 0; i < work->max_param; i++)
	{
		Value	   *v = &work->values[work->nvalues];
		ParamExternData workspace;
		int			len;

		if (params->paramFetch != NULL)
			v->param = *params->paramFetch(params, i + 1, true, &workspace);
		else
			v->param = params->params[i];
		if (!OidIsValid(v->param.ptype))
			continue;
		v->id = i + 1;
		get_typlenbyval(v->param.ptype, &v->len, &v->byval);
		if ((v->param.pflags & PARAM_FLAG_CONST) == 0 ||
			pgd_example_has_rows(v->param.ptype) ||
			(!v->byval && !v->param.isnull && value_bytes(v, &len) == NULL) ||
			work->nvalues + 1 == PARAMS_MAX)
		{
			work->flags |= EXAMPLE_GENERIC;
			continue;
		}
		work->nvalues++;
	}
}

/* ----------
 * Bytes
 * ----------
 */

static void
put_setting(StringInfo out, const char *name, const char *value)
{
	int			len = strlen(name) + 1 + strlen(value) + 1;

	/* one byte is for the empty name at the end */
	if (out->len + len >= SETTINGS_MAX)
		return;
	appendBinaryStringInfo(out, name, strlen(name) + 1);
	appendBinaryStringInfo(out, value, strlen(value) + 1);
}

/*
 * What the planner's choice depends on: the settings that EXPLAIN (SETTINGS)
 * shows, and those that decide what stable functions mean, which it calls to
 * estimate.
 */
static void
put_settings(StringInfo out)
{
	static const char *const others[] = {
		"DateStyle", "IntervalStyle", "TimeZone", "default_text_search_config"
	};
	StringInfoData settings;
	struct config_generic **changed;
	int			n;

	initStringInfo(&settings);
	changed = get_explain_guc_options(&n);
	for (int i = 0; i < lengthof(others); i++)
		put_setting(&settings, others[i],
					GetConfigOptionByName(others[i], NULL, false));
	for (int i = 0; i < n; i++)
	{
		const char *value = GetConfigOptionByName(changed[i]->name, NULL, true);

		if (value != NULL)
			put_setting(&settings, changed[i]->name, value);
	}
	appendStringInfoChar(&settings, '\0');
	pgd_put_text(out, settings.data, settings.len);
}

static void
put_values(StringInfo out, const Work *work)
{
	pgd_put_number(out, work->max_param);
	pgd_put_number(out, work->nvalues);
	for (int i = 0; i < work->nvalues; i++)
	{
		const Value *v = &work->values[i];
		const char *data;
		int			len;

		pgd_put_number(out, v->id);
		pgd_put_number(out, v->param.ptype);
		pgd_put_number(out, v->param.isnull ? 0 : v->byval ? 1 : 2);
		if (v->param.isnull)
			continue;
		if (v->byval)
			pgd_put_fixed64(out, (uint64) v->param.value);
		else if ((data = value_bytes(v, &len)) != NULL)
			pgd_put_text(out, data, len);
	}
}

static void
write_example(void *arg)
{
	Work	   *work = arg;
	StringInfoData out;
	char	   *tree;
	char	   *compressed;
	int			begin;
	int			len;

	if ((work->flags & EXAMPLE_MASKED) != 0 || work->rows)
	{
		PgdMasking	masking = {
			.max_param = work->max_param,
			.all = (work->flags & EXAMPLE_MASKED) != 0,
			.rows = work->rows,
		};

		work->query = pgd_example_mask(work->query, &masking);
		work->max_param = masking.max_param;
	}
	tree = nodeToString(work->query);
	if (strlen(tree) > RAW_MAX)
		return;

	initStringInfo(&out);
	pgd_put_number(&out, CATALOG_VERSION_NO);
	pgd_put_number(&out, work->flags);
	pgd_put_fixed64(&out, (uint64) work->taken_at);
	begin = out.len;
	pgd_put_number(&out, work->cursor_options);
	put_settings(&out);
	put_values(&out, work);
	pgd_put_text(&out, tree, strlen(tree));
	work->hash = hash_bytes_extended((unsigned char *) out.data + begin,
									 out.len - begin, 0);

	compressed = palloc(PGLZ_MAX_OUTPUT(out.len));
	len = pglz_compress(out.data, out.len, compressed, PGLZ_strategy_always);
	if (len <= 0 || len + sizeof(uint32) > PGD_EXAMPLE_MAX)
		return;
	memcpy(work->data, &(uint32) {out.len}, sizeof(uint32));
	memcpy(work->data + sizeof(uint32), compressed, len);
	work->len = len + sizeof(uint32);
}

/* ----------
 * And back
 * ----------
 */

static void
get_value(PgdCursor *in, ParamListInfo params)
{
	uint64		id = pgd_get_number(in);
	Oid			type = (Oid) pgd_get_number(in);
	int			form = (int) pgd_get_number(in);
	ParamExternData value = {.ptype = type, .pflags = PARAM_FLAG_CONST};
	const char *data;
	int			len;

	if (form == 0)
		value.isnull = true;
	else if (form == 1)
		value.value = (Datum) pgd_get_fixed64(in);
	else if ((data = pgd_get_text(in, &len)) != NULL)
		value.value = PointerGetDatum(memcpy(palloc(len), data, len));
	if (id == 0 || id > params->numParams)
		in->bad = true;
	if (!in->bad)
		params->params[id - 1] = value;
}

static ParamListInfo
get_values(PgdCursor *in)
{
	uint64		max = pgd_get_number(in);
	uint64		n = pgd_get_number(in);
	ParamListInfo params;

	if (max > PG_UINT16_MAX)
		in->bad = true;
	if (in->bad || n == 0)
		return NULL;
	params = makeParamList((int) max);
	memset(params->params, 0, sizeof(ParamExternData) * max);
	for (; n > 0 && !in->bad; n--)
		get_value(in, params);
	return params;
}

PgdExample *
pgd_example_read(const char *data, int len)
{
	PgdExample *example = palloc0(sizeof(PgdExample));
	PgdCursor	in = {0};
	uint32		raw_len;
	uint32		flags;
	char	   *raw;
	const char *text;
	int			text_len;

	if (len <= (int) sizeof(uint32))
		return NULL;
	memcpy(&raw_len, data, sizeof(uint32));
	if (raw_len > 2 * RAW_MAX)
		return NULL;
	raw = palloc(raw_len);
	if (pglz_decompress(data + sizeof(uint32), len - sizeof(uint32),
						raw, raw_len, true) != raw_len)
		return NULL;
	in.next = raw;
	in.end = raw + raw_len;

	if (pgd_get_number(&in) != CATALOG_VERSION_NO)
		return NULL;
	flags = (uint32) pgd_get_number(&in);
	example->masked = (flags & EXAMPLE_MASKED) != 0;
	example->generic = (flags & EXAMPLE_GENERIC) != 0;
	example->taken_at = (TimestampTz) pgd_get_fixed64(&in);
	example->cursor_options = (int) pgd_get_number(&in);
	text = pgd_get_text(&in, &text_len);
	if (text != NULL)
		example->settings = memcpy(palloc(text_len), text, text_len);
	example->params = get_values(&in);
	text = pgd_get_text(&in, &text_len);
	if (in.bad || text == NULL)
		return NULL;
	example->query = castNode(Query, stringToNode(pnstrdup(text, text_len)));
	pfree(raw);
	return example;
}
