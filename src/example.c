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
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "common/pg_lzcompress.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/guc_tables.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "codec.h"
#include "compat.h"
#include "evidence.h"
#include "example.h"
#include "guc.h"
#include "pending.h"
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

static bool is_due(const PgdKey *key, bool *slow);
static bool measure(Node *node, Work *work);
static bool has_rows(Oid type);
static void take_values(Work *work, ParamListInfo params);
static Node *mask(Node *node, Work *work);
static void write_safely(Work *work);

/* ----------
 * Which statements
 * ----------
 */

void
pgd_example_offer(const PgdKey *key, Query *query, const char *source,
				  int cursor_options, ParamListInfo params)
{
	static Work work;
	uint64		start;
	bool		slow;
	int			len;

	if (query->commandType == CMD_UTILITY || query->rtable == NIL ||
		pgd_evidence_memory == 0 || pgd_evidence_rate == 0 ||
		!is_due(key, &slow))
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
		write_safely(&work);
		if (work.len > 0)
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
is_due(const PgdKey *key, bool *slow)
{
	const uint64 tag = pgd_pending_tag(key);
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
		work->rows |= has_rows(((Const *) node)->consttype);
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
 * Are rows in the values of a type?  Their bytes say nothing without the
 * type, whose attributes may be of other types when they are read again;
 * those of a record only this session knows.
 */
static bool
has_rows(Oid type)
{
	for (;;)
	{
		Oid			element;

		type = getBaseType(type);
		switch (get_typtype(type))
		{
			case TYPTYPE_COMPOSITE:
				return true;
			case TYPTYPE_PSEUDO:
				return type == RECORDOID || type == RECORDARRAYOID;
			case TYPTYPE_RANGE:
				element = get_range_subtype(type);
				break;
			case TYPTYPE_MULTIRANGE:
				element = get_multirange_range(type);
				break;
			default:
				element = get_element_type(type);
				break;
		}
		if (!OidIsValid(element))
			return false;
		type = element;
	}
}

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
			has_rows(v->param.ptype) ||
			(!v->byval && !v->param.isnull && value_bytes(v, &len) == NULL) ||
			work->nvalues + 1 == PARAMS_MAX)
		{
			work->flags |= EXAMPLE_GENERIC;
			continue;
		}
		work->nvalues++;
	}
}

/*
 * Constants that are part of what a statement is, not of its data: names of
 * text search configurations and the like, and true and false.
 */
static bool
is_name(const Const *constant)
{
	switch (constant->consttype)
	{
		case BOOLOID:
		case REGCLASSOID:
		case REGCONFIGOID:
		case REGDICTIONARYOID:
		case REGTYPEOID:
			return true;
		default:
			return constant->constisnull;
	}
}

/*
 * Is this argument of a function a name, of a field or a unit, of which the
 * grammar makes a constant?
 */
static bool
takes_name(Oid function, int argument)
{
	switch (function)
	{
		case F_JSON_OBJECT_FIELD:
		case F_JSON_OBJECT_FIELD_TEXT:
		case F_JSON_ARRAY_ELEMENT:
		case F_JSON_ARRAY_ELEMENT_TEXT:
		case F_JSON_EXTRACT_PATH:
		case F_JSON_EXTRACT_PATH_TEXT:
		case F_JSONB_OBJECT_FIELD:
		case F_JSONB_OBJECT_FIELD_TEXT:
		case F_JSONB_ARRAY_ELEMENT:
		case F_JSONB_ARRAY_ELEMENT_TEXT:
		case F_JSONB_EXTRACT_PATH:
		case F_JSONB_EXTRACT_PATH_TEXT:
		case F_NORMALIZE:
		case F_IS_NORMALIZED:
			return argument > 0;
		case F_DATE_TRUNC_TEXT_TIMESTAMP:
		case F_DATE_TRUNC_TEXT_TIMESTAMPTZ:
		case F_DATE_PART_TEXT_DATE:
		case F_DATE_PART_TEXT_TIMESTAMP:
		case F_DATE_PART_TEXT_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_DATE:
		case F_EXTRACT_TEXT_INTERVAL:
		case F_EXTRACT_TEXT_TIME:
		case F_EXTRACT_TEXT_TIMESTAMP:
		case F_EXTRACT_TEXT_TIMESTAMPTZ:
		case F_EXTRACT_TEXT_TIMETZ:
			return argument == 0;
		default:
			return false;
	}
}

/*
 * Mask the arguments of a function or an operator.  Arguments of a cast beyond
 * the first are no data, either: the length of a varchar, for example.
 */
static List *
mask_arguments(List *args, Oid function, bool is_cast, Work *work)
{
	List	   *masked = NIL;
	ListCell   *lc;

	foreach(lc, args)
	{
		Node	   *arg = lfirst(lc);

		int			n = foreach_current_index(lc);

		if (IsA(arg, Const) &&
			(takes_name(function, n) || (is_cast && n > 0)))
			masked = lappend(masked, arg);
		else
			masked = lappend(masked, mask(arg, work));
	}
	return masked;
}

/* How many rows are wanted is no data, if it is just a number. */
static Node *
mask_limit(Node *limit, Work *work)
{
	Node	   *number = limit;

	if (number != NULL && IsA(number, FuncExpr) &&
		((FuncExpr *) number)->funcformat == COERCE_IMPLICIT_CAST)
		number = linitial(((FuncExpr *) number)->args);
	if (number != NULL && IsA(number, Const))
		return limit;
	return mask(limit, work);
}

static bool
is_masked(const Const *constant, const Work *work)
{
	return (work->rows && has_rows(constant->consttype)) ||
		((work->flags & EXAMPLE_MASKED) != 0 && !is_name(constant));
}

/*
 * A copy of a tree with parameters, of which nobody has a value, in place of
 * its constants.  Such a tree can be planned, as for a generic plan; with
 * NULLs a condition would be folded to false.
 */
static Node *
mask(Node *node, Work *work)
{
	if (node == NULL)
		return NULL;
	if (IsA(node, Const) && is_masked((const Const *) node, work))
	{
		const Const *constant = (const Const *) node;
		Param	   *param = makeNode(Param);

		param->paramkind = PARAM_EXTERN;
		param->paramid = ++work->max_param;
		param->paramtype = constant->consttype;
		param->paramtypmod = constant->consttypmod;
		param->paramcollid = constant->constcollid;
		param->location = -1;
		return (Node *) param;
	}
	if (IsA(node, FuncExpr))
	{
		FuncExpr   *copy = makeNode(FuncExpr);

		*copy = *(FuncExpr *) node;
		copy->args = mask_arguments(copy->args, copy->funcid,
									copy->funcformat == COERCE_EXPLICIT_CAST ||
									copy->funcformat == COERCE_IMPLICIT_CAST,
									work);
		return (Node *) copy;
	}
	if (IsA(node, OpExpr))
	{
		OpExpr	   *copy = makeNode(OpExpr);

		*copy = *(OpExpr *) node;
		copy->args = mask_arguments(copy->args, OidIsValid(copy->opfuncid) ?
									copy->opfuncid : get_opcode(copy->opno),
									false, work);
		return (Node *) copy;
	}
	if (IsA(node, CommonTableExpr))
	{
		CommonTableExpr *copy = makeNode(CommonTableExpr);

		/* SEARCH and CYCLE are part of the query by now, and take constants */
		*copy = *(CommonTableExpr *) node;
		copy->search_clause = NULL;
		copy->cycle_clause = NULL;
		copy->ctequery = mask(copy->ctequery, work);
		return (Node *) copy;
	}
	if (IsA(node, Query))
	{
		Query	   *query = query_tree_mutator((Query *) node, mask, work, 0);

		query->limitOffset = mask_limit(((Query *) node)->limitOffset, work);
		query->limitCount = mask_limit(((Query *) node)->limitCount, work);
		return (Node *) query;
	}
	return expression_tree_mutator(node, mask, work);
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
write_example(Work *work)
{
	StringInfoData out;
	char	   *tree;
	char	   *compressed;
	int			begin;
	int			len;

	if ((work->flags & EXAMPLE_MASKED) != 0 || work->rows)
		work->query = (Query *) mask((Node *) work->query, work);
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

/*
 * As scan_safely() in text.c: what is caught can only be lack of memory or of
 * stack, never a cancel request, as interrupts are held.  A node that cannot
 * be written, if there is one, would be worth a warning: not to the user.
 */
static void
write_safely(Work *work)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ErrorContextCallback *callbacks = error_context_stack;
	uint32		interrupt_holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	int			client_level = client_min_messages;
	int			log_level = log_min_messages;
	volatile MemoryContext context = NULL;

	Assert(CritSectionCount == 0);
	HOLD_INTERRUPTS();
	error_context_stack = NULL;
	client_min_messages = ERROR;
	log_min_messages = PANIC;
	PG_TRY();
	{
		context = AllocSetContextCreate(oldcontext, "pg_diagnose example",
										ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(context);
		write_example(work);
	}
	PG_CATCH();
	{
		FlushErrorState();
		work->len = 0;
	}
	PG_END_TRY();
	client_min_messages = client_level;
	log_min_messages = log_level;
	error_context_stack = callbacks;
	MemoryContextSwitchTo(oldcontext);
	if (context != NULL)
		MemoryContextDelete(context);
	InterruptHoldoffCount = interrupt_holdoff;
	QueryCancelHoldoffCount = cancel_holdoff;
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
