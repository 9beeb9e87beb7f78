/*-------------------------------------------------------------------------
 *
 * whatif_index.c
 *		CREATE INDEX becomes an index that the planner believes in.
 *
 * What the server would refuse is refused here, in its words: whoever is
 * offered the definition will run it.  What only the building of an index
 * finds out (a value too long, a duplicate) is not known here.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/gist.h"
#include "access/relation.h"
#include "access/reloptions.h"
#include "access/spgist.h"
#include "access/sysattr.h"
#include "catalog/catalog.h"
#include "catalog/heap.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_type.h"
#include "commands/defrem.h"
#include "commands/tablespace.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/partcache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "compat.h"
#include "whatif.h"

/*
 * OIDs that no server hands out, at any time: 8000 to 9999 are for patches
 * under development, which have to give them up before they are released.
 * They come round again after 2,000 indexes.
 */
#define FIRST_OID	8000
#define OIDS		2000

static Oid
next_oid(void)
{
	static uint32 latest = 0;
	Oid			oid;

	do
		oid = FIRST_OID + latest++ % OIDS;
	while (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(oid)));
	return oid;
}

/* ----------
 * The statement and its table
 * ----------
 */

static IndexStmt *
parse(const char *definition)
{
	List	   *statements = raw_parser(definition, RAW_PARSE_DEFAULT);
	IndexStmt  *stmt;

	if (list_length(statements) != 1 ||
		!IsA(linitial_node(RawStmt, statements)->stmt, IndexStmt))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("not a single CREATE INDEX statement")));
	stmt = (IndexStmt *) linitial_node(RawStmt, statements)->stmt;
	return stmt;
}

static void
check_table(Relation relation, const IndexStmt *stmt)
{
	switch (relation->rd_rel->relkind)
	{
		case RELKIND_RELATION:
		case RELKIND_MATVIEW:
		case RELKIND_PARTITIONED_TABLE:
			break;
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("cannot create index on relation \"%s\"",
							RelationGetRelationName(relation)),
					 errdetail_relkind_not_supported(relation->rd_rel->relkind)));
	}
	if (RELATION_IS_OTHER_TEMP(relation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create indexes on temporary tables of other sessions")));
	if (stmt->concurrent &&
		relation->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cannot create index on partitioned table \"%s\" concurrently",
						RelationGetRelationName(relation))));
}

/* ----------
 * Columns
 * ----------
 */

static void
refuse(int code, const char *message)
{
	ereport(ERROR, (errcode(code), errmsg_internal("%s", message)));
}

/* A column, or an expression that is one: its number, else 0. */
static AttrNumber
column_of(Relation relation, const IndexElem *element, Oid *type,
		  int32 *typmod, Oid *collation, Node **expr)
{
	AttrNumber	attnum;

	*expr = element->expr;
	if (element->name != NULL)
	{
		attnum = get_attnum(RelationGetRelid(relation), element->name);
		if (attnum == InvalidAttrNumber)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_COLUMN),
					 errmsg("column \"%s\" does not exist", element->name)));
	}
	else
	{
		*type = exprType(*expr);
		*typmod = exprTypmod(*expr);
		*collation = exprCollation(*expr);
		while (IsA(*expr, CollateExpr))
			*expr = (Node *) ((CollateExpr *) *expr)->arg;
		if (!IsA(*expr, Var))
			return InvalidAttrNumber;
		attnum = ((Var *) *expr)->varattno;
		if (attnum == InvalidAttrNumber)
			return InvalidAttrNumber;
	}
	if (element->name != NULL)
		get_atttypetypmodcoll(RelationGetRelid(relation), attnum, type,
							  typmod, collation);
	return attnum;
}

static void
check_included(const IndexElem *element)
{
	if (element->name == NULL)
		refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
			   "expressions are not supported in included columns");
	if (element->collation)
		refuse(ERRCODE_INVALID_OBJECT_DEFINITION,
			   "including column does not support a collation");
	if (element->opclass)
		refuse(ERRCODE_INVALID_OBJECT_DEFINITION,
			   "including column does not support an operator class");
	if (element->ordering != SORTBY_DEFAULT)
		refuse(ERRCODE_INVALID_OBJECT_DEFINITION,
			   "including column does not support ASC/DESC options");
	if (element->nulls_ordering != SORTBY_NULLS_DEFAULT)
		refuse(ERRCODE_INVALID_OBJECT_DEFINITION,
			   "including column does not support NULLS FIRST/LAST options");
}

static Oid
key_collation(const IndexElem *element, Oid type, Oid collation)
{
	if (element->collation)
		collation = get_collation_oid(element->collation, false);
	if (type_is_collatable(type) && !OidIsValid(collation))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_COLLATION),
				 errmsg("could not determine which collation to use for index expression")));
	if (!type_is_collatable(type) && OidIsValid(collation))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("collations are not supported by type %s",
						format_type_be(type))));
	return collation;
}

/* LIKE does not do what such a collation says, nor can an index for it. */
static void
check_pattern_collation(Oid opclass, Oid collation)
{
	if ((opclass == TEXT_BTREE_PATTERN_OPS_OID ||
		 opclass == VARCHAR_BTREE_PATTERN_OPS_OID ||
		 opclass == BPCHAR_BTREE_PATTERN_OPS_OID) &&
		OidIsValid(collation) && !get_collation_isdeterministic(collation))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("nondeterministic collations are not supported for operator class \"%s\"",
						opclass == TEXT_BTREE_PATTERN_OPS_OID ? "text_pattern_ops" :
						opclass == VARCHAR_BTREE_PATTERN_OPS_OID ? "varchar_pattern_ops" :
						"bpchar_pattern_ops")));
}

static void
check_opclass_options(const IndexElem *element, const IndexAmRoutine *routine,
					  const PgdHypotheticalParts *parts, int column)
{
	if (element->opclassopts != NIL &&
		(routine->amoptsprocnum == 0 ||
		 !OidIsValid(get_opfamily_proc(parts->opfamilies[column],
									   parts->opcintypes[column],
									   parts->opcintypes[column],
									   routine->amoptsprocnum))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("operator class %s has no options",
						generate_opclass_name(parts->opclasses[column]))));
}

static int16
key_options(const IndexElem *element, const char *method, bool can_order)
{
	const bool	descending = element->ordering == SORTBY_DESC;
	int16		options = 0;

	if (!can_order && element->ordering != SORTBY_DEFAULT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support ASC/DESC options",
						method)));
	if (!can_order && element->nulls_ordering != SORTBY_NULLS_DEFAULT)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support NULLS FIRST/LAST options",
						method)));
	if (descending)
		options |= INDOPTION_DESC;
	if (element->nulls_ordering == SORTBY_NULLS_FIRST ||
		(element->nulls_ordering == SORTBY_NULLS_DEFAULT && descending))
		options |= INDOPTION_NULLS_FIRST;
	return options;
}

/* Columns that a table has in a way of its own, also within expressions */
static void
check_kinds(const PgdHypotheticalParts *parts, Relation relation,
			List *exprs, Node *pred)
{
	Bitmapset  *columns = NULL;
	int			column = -1;

	pull_varattnos((Node *) exprs, 1, &columns);
	pull_varattnos(pred, 1, &columns);
	for (int i = 0; i < parts->ncolumns; i++)
	{
		if (parts->attnums[i] != 0)
			columns = bms_add_member(columns, parts->attnums[i] -
									 FirstLowInvalidHeapAttributeNumber);
	}
	while ((column = bms_next_member(columns, column)) >= 0)
	{
		const AttrNumber attnum = column + FirstLowInvalidHeapAttributeNumber;

		if (attnum < 0)
			refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
				   "index creation on system columns is not supported");
		if (attnum > 0 &&
			pgd_is_virtual_column(TupleDescAttr(RelationGetDescr(relation),
												attnum - 1)))
			refuse(ERRCODE_FEATURE_NOT_SUPPORTED,
				   "indexes on virtual generated columns are not supported");
	}
}

/* Does an index-only scan get the column back? */
static bool
is_returnable(const PgdHypothetical *h, int column)
{
	const PgdHypotheticalParts *const parts = h->parts;
	const Oid	family = column < parts->nkeys ?
		parts->opfamilies[column] : InvalidOid;
	const Oid	type = column < parts->nkeys ?
		parts->opcintypes[column] : InvalidOid;
	spgConfigIn in;
	spgConfigOut out;
	Oid			config;

	switch (h->am)
	{
		case BTREE_AM_OID:
			return true;
		case GIST_AM_OID:
			return column >= parts->nkeys ||
				OidIsValid(get_opfamily_proc(family, type, type,
											 GIST_FETCH_PROC)) ||
				!OidIsValid(get_opfamily_proc(family, type, type,
											  GIST_COMPRESS_PROC));
		case SPGIST_AM_OID:
			if (column >= parts->nkeys)
				return true;
			config = get_opfamily_proc(family, type, type, SPGIST_CONFIG_PROC);
			if (!OidIsValid(config))
				return false;
			memset(&out, 0, sizeof(out));
			in.attType = parts->types[column];
			OidFunctionCall2Coll(config, parts->collations[column],
								 PointerGetDatum(&in), PointerGetDatum(&out));
			return out.canReturnData;
		default:
			return false;
	}
}

static void
allocate_columns(PgdHypotheticalParts *parts, int nkeys, int ncolumns)
{
	parts->nkeys = nkeys;
	parts->ncolumns = ncolumns;
	parts->attnums = palloc0(ncolumns * sizeof(AttrNumber));
	parts->types = palloc0(ncolumns * sizeof(Oid));
	parts->typmods = palloc0(ncolumns * sizeof(int32));
	parts->returnable = palloc0(ncolumns * sizeof(bool));
	parts->collations = palloc0(nkeys * sizeof(Oid));
	parts->opclasses = palloc0(nkeys * sizeof(Oid));
	parts->opfamilies = palloc0(nkeys * sizeof(Oid));
	parts->opcintypes = palloc0(nkeys * sizeof(Oid));
	parts->options = palloc0(nkeys * sizeof(int16));
}

/*
 * All columns; "expressions" are those as they would be stored.
 */
static void
make_columns(PgdHypothetical *h, const IndexStmt *stmt, Relation relation,
			 const IndexAmRoutine *routine, List **expressions)
{
	PgdHypotheticalParts *const parts = h->parts;
	List	   *elements = list_concat_copy(stmt->indexParams,
											stmt->indexIncludingParams);
	int			i = 0;
	ListCell   *lc;

	*expressions = NIL;
	foreach(lc, elements)
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);
		Oid			collation;
		Node	   *expr;

		if (i >= parts->nkeys)
			check_included(element);
		parts->attnums[i] = column_of(relation, element, &parts->types[i],
									  &parts->typmods[i], &collation, &expr);
		if (i >= parts->nkeys)
		{
			i++;
			continue;
		}
		if (parts->attnums[i] == InvalidAttrNumber)
		{
			if (contain_mutable_functions_after_planning((Expr *) expr))
				refuse(ERRCODE_INVALID_OBJECT_DEFINITION,
					   "functions in index expression must be marked IMMUTABLE");
			*expressions = lappend(*expressions, expr);
		}
		parts->collations[i] = key_collation(element, parts->types[i],
											 collation);
		parts->opclasses[i] = ResolveOpClass(element->opclass, parts->types[i],
											 stmt->accessMethod, h->am);
		check_pattern_collation(parts->opclasses[i], parts->collations[i]);
		if (!get_opclass_opfamily_and_input_type(parts->opclasses[i],
												 &parts->opfamilies[i],
												 &parts->opcintypes[i]))
			elog(ERROR, "cache lookup failed for operator class %u",
				 parts->opclasses[i]);
		check_opclass_options(element, routine, parts, i);
		parts->options[i] = key_options(element, stmt->accessMethod,
										routine->amcanorder);
		if (parts->attnums[i] == InvalidAttrNumber)
			CheckAttributeType(element->indexcolname ? element->indexcolname :
							   "expr", parts->types[i], collation, NIL, 0);
		i++;
	}
	for (i = 0; i < parts->ncolumns; i++)
		parts->returnable[i] = is_returnable(h, i);
}

/* ----------
 * The index as a whole
 * ----------
 */

static void
check_method(const IndexStmt *stmt, const IndexAmRoutine *routine)
{
	const char *lacks = NULL;

	if (stmt->unique && !routine->amcanunique)
		lacks = "unique indexes";
	else if (stmt->indexIncludingParams != NIL && !routine->amcaninclude)
		lacks = "included columns";
	else if (list_length(stmt->indexParams) > 1 && !routine->amcanmulticol)
		lacks = "multicolumn indexes";
	if (lacks != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support %s",
						stmt->accessMethod, lacks)));
}

/* Storage parameters, of which fillfactor matters. */
static void
check_options(PgdHypothetical *h, const IndexStmt *stmt,
			  const IndexAmRoutine *routine)
{
	ListCell   *lc;

	(void) index_reloptions(routine->amoptions,
							transformRelOptions((Datum) 0, stmt->options,
												NULL, NULL, false, false),
							true);
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "fillfactor") == 0)
			h->parts->fillfactor = pg_strtoint32(defGetString(option));
		else if (strcmp(option->defname, "pages_per_range") == 0)
			h->parts->pages_per_range = pg_strtoint32(defGetString(option));
	}
}

/* Names of the columns of an index, as the server would make them. */
static List *
column_names(const IndexStmt *stmt)
{
	List	   *names = NIL;
	ListCell   *lc;

	foreach(lc, list_concat_copy(stmt->indexParams, stmt->indexIncludingParams))
	{
		const IndexElem *element = lfirst_node(IndexElem, lc);
		const char *base = element->indexcolname ? element->indexcolname :
			element->name ? element->name : "expr";
		char	   *name = pstrdup(base);

		for (int i = 1;; i++)
		{
			ListCell   *other;
			bool		taken = false;
			char		number[16];

			foreach(other, names)
				taken = taken || strcmp(name, lfirst(other)) == 0;
			if (!taken)
				break;
			snprintf(number, sizeof(number), "%d", i);
			name = psprintf("%.*s%s",
							pg_mbcliplen(base, strlen(base),
										 NAMEDATALEN - 1 - strlen(number)),
							base, number);
		}
		names = lappend(names, name);
	}
	return names;
}

static char *
choose_name(const IndexStmt *stmt, Relation relation)
{
	StringInfoData columns;
	ListCell   *lc;

	if (stmt->idxname != NULL)
		return pstrdup(stmt->idxname);
	initStringInfo(&columns);
	foreach(lc, column_names(stmt))
	{
		if (columns.len > 0)
			appendStringInfoChar(&columns, '_');
		appendStringInfoString(&columns, lfirst(lc));
		if (columns.len >= NAMEDATALEN)
			break;
	}
	return ChooseRelationName(RelationGetRelationName(relation), columns.data,
							  "idx", RelationGetNamespace(relation), false);
}

/* A unique index of a partitioned table has to have its key. */
static void
check_partition_key(const PgdHypotheticalParts *parts, Relation relation)
{
	PartitionKey key;

	if (!parts->unique ||
		relation->rd_rel->relkind != RELKIND_PARTITIONED_TABLE)
		return;
	key = RelationGetPartitionKey(relation);
	for (int i = 0; i < key->partnatts; i++)
	{
		bool		found = false;

		if (key->partattrs[i] == 0)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("unsupported %s constraint with partition key definition",
							"UNIQUE")));
		for (int j = 0; j < parts->nkeys; j++)
			found = found || parts->attnums[j] == key->partattrs[i];
		if (!found)
			ereport(ERROR,
					(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					 errmsg("unique constraint on partitioned table must include all partitioning columns")));
	}
}

/* Expressions and predicate as the planner wants them. */
static void
make_planned(PgdHypotheticalParts *parts, List *exprs, Node *pred)
{
	parts->exprs = (List *) eval_const_expressions(NULL, copyObject((Node *) exprs));
	fix_opfuncids((Node *) parts->exprs);
	if (pred == NULL)
		return;
	pred = eval_const_expressions(NULL, copyObject(pred));
	pred = (Node *) canonicalize_qual((Expr *) pred, false);
	parts->pred = make_ands_implicit((Expr *) pred);
	fix_opfuncids((Node *) parts->pred);
}

static void
fill(PgdHypothetical *h, IndexStmt *stmt, Relation relation)
{
	PgdHypotheticalParts *const parts = h->parts;
	const IndexAmRoutine *routine;
	List	   *exprs;
	const int	nkeys = list_length(stmt->indexParams);
	const int	ncolumns = nkeys + list_length(stmt->indexIncludingParams);

	if (ncolumns > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("cannot use more than %d columns in an index",
						INDEX_MAX_KEYS)));
	/* the server still knows what this was replaced by, long ago */
	if (strcmp(stmt->accessMethod, "rtree") == 0)
		stmt->accessMethod = "gist";
	h->am = get_index_am_oid(stmt->accessMethod, false);
	routine = GetIndexAmRoutineByAmId(h->am, false);
	check_method(stmt, routine);
	parts->unique = stmt->unique;
	parts->nulls_not_distinct = stmt->nulls_not_distinct;
	if (stmt->tableSpace != NULL)
		parts->tablespace = get_tablespace_oid(stmt->tableSpace, false);
	else
		parts->tablespace = GetDefaultTablespace(relation->rd_rel->relpersistence,
												 false);
	if (stmt->whereClause != NULL &&
		contain_mutable_functions_after_planning((Expr *) stmt->whereClause))
		refuse(ERRCODE_INVALID_OBJECT_DEFINITION,
			   "functions in index predicate must be marked IMMUTABLE");
	check_options(h, stmt, routine);
	allocate_columns(parts, nkeys, ncolumns);
	make_columns(h, stmt, relation, routine, &exprs);
	check_partition_key(parts, relation);
	check_kinds(parts, relation, exprs, stmt->whereClause);
	h->name = choose_name(stmt, relation);
	h->definition = pgd_whatif_text(h, stmt, relation, exprs,
									stmt->whereClause);
	make_planned(parts, exprs, stmt->whereClause);
}

PgdHypothetical *
pgd_whatif_index(const char *definition, bool roughly)
{
	PgdHypothetical *h = palloc0(sizeof(PgdHypothetical));
	IndexStmt  *stmt = parse(definition);
	Relation	relation;

	h->parts = palloc0(sizeof(PgdHypotheticalParts));
	h->parts->context = CurrentMemoryContext;
	h->relid = RangeVarGetRelidExtended(stmt->relation, AccessShareLock,
										RVR_NOWAIT, NULL, NULL);
	relation = relation_open(h->relid, NoLock);
	if (!allowSystemTableMods && IsSystemRelation(relation))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied: \"%s\" is a system catalog",
						RelationGetRelationName(relation))));
	stmt = transformIndexStmt(h->relid, stmt, definition);
	check_table(relation, stmt);
	fill(h, stmt, relation);
	h->oid = next_oid();
	relation_close(relation, NoLock);
	pgd_whatif_measure(h, roughly);
	return h;
}
