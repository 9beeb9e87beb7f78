/*-------------------------------------------------------------------------
 *
 * ddl_object.c
 *		What a utility statement is about, and how it is undone.
 *
 * Names are looked up in the catalog without locks, and an object that is not
 * there is no error: the statement itself will say so.  What a look-up can
 * complain about, the same look-up of the statement complains about, too.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/syscache.h"

#include "ddl.h"

#define SCHEMA		"diagnose"	/* ours */
#define EXTENSION	"pg_diagnose"

/* How many tables of a DROP are looked at. */
#define DROPS_MAX	16

/* ----------
 * Names
 * ----------
 */

static void
set_object(PgdDdl *ddl, const char *name)
{
	strlcpy(ddl->object, name, sizeof(ddl->object));
}

static const char *
qualified(Oid schema, const char *name)
{
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/* Takes the name of a table, index, view or type.  Is it one to speak of? */
static bool
name_relation(PgdDdl *ddl, Oid relid)
{
	char	   *name = OidIsValid(relid) ? get_rel_name(relid) : NULL;
	Oid			schema = InvalidOid;
	char	   *schema_name = NULL;

	if (name == NULL)
		return true;
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return false;
	schema = get_rel_namespace(relid);
	schema_name = get_namespace_name(schema);
	if (schema_name == NULL)
		return true;
	set_object(ddl, quote_qualified_identifier(schema_name, name));
	return strcmp(schema_name, SCHEMA) != 0;
}

/* The same for what goes by a list of names: functions, types. */
static bool
name_list(PgdDdl *ddl, List *names)
{
	const char *first;

	if (names == NIL || !IsA(linitial(names), String))
		return true;
	set_object(ddl, NameListToQuotedString(names));
	first = strVal(linitial(names));
	return list_length(names) < 2 ||
		(strcmp(first, SCHEMA) != 0 && strcmp(first, "pg_temp") != 0);
}

static bool
name_extension(PgdDdl *ddl, const char *name)
{
	set_object(ddl, quote_identifier(name));
	return strcmp(name, EXTENSION) != 0;
}

static Oid
relation_oid(const RangeVar *relation)
{
	return relation == NULL ? InvalidOid :
		RangeVarGetRelid(relation, NoLock, true);
}

/* ----------
 * Before a statement runs
 * ----------
 */

/*
 * The table that a statement changes, which is there already.
 */
static const RangeVar *
changed_relation(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterObjectSchemaStmt:
			return ((const AlterObjectSchemaStmt *) stmt)->relation;
		case T_AlterPolicyStmt:
			return ((const AlterPolicyStmt *) stmt)->table;
		case T_AlterTableStmt:
			return ((const AlterTableStmt *) stmt)->relation;
		case T_ClusterStmt:
			return ((const ClusterStmt *) stmt)->relation;
		case T_CreatePolicyStmt:
			return ((const CreatePolicyStmt *) stmt)->table;
		case T_CreateTrigStmt:
			return ((const CreateTrigStmt *) stmt)->relation;
		case T_IndexStmt:
			return ((const IndexStmt *) stmt)->relation;
		case T_ReindexStmt:
			return ((const ReindexStmt *) stmt)->relation;
		case T_RenameStmt:
			return ((const RenameStmt *) stmt)->relation;
		case T_RuleStmt:
			return ((const RuleStmt *) stmt)->relation;
		case T_CreateStatsStmt:
			{
				List	   *from = ((const CreateStatsStmt *) stmt)->relations;

				return from != NIL && IsA(linitial(from), RangeVar) ?
					linitial(from) : NULL;
			}
		case T_VacuumStmt:
			{
				List	   *rels = ((const VacuumStmt *) stmt)->rels;

				return rels != NIL ?
					linitial_node(VacuumRelation, rels)->relation : NULL;
			}
		default:
			return NULL;
	}
}

/*
 * The names of a dropped object that is no table.
 */
static List *
names_of(Node *object)
{
	switch (nodeTag(object))
	{
		case T_List:
			return (List *) object;
		case T_ObjectWithArgs:
			return ((ObjectWithArgs *) object)->objname;
		case T_TypeName:
			return ((TypeName *) object)->names;
		case T_String:
			return list_make1(object);
		default:
			return NIL;
	}
}

/*
 * An index that is about to be dropped: of which table, and how it is made
 * again.
 */
static void
before_drop_index(PgdDdl *ddl, Oid index)
{
	Oid			table = IndexGetRelation(index, true);
	char	   *definition;
	const char *create;

	if (!OidIsValid(table) ||
		!SearchSysCacheExists1(INDEXRELID, ObjectIdGetDatum(index)))
		return;
	set_object(ddl, psprintf("%s on %s", ddl->object,
							 qualified(get_rel_namespace(table),
									   get_rel_name(table))));
	definition = pg_get_indexdef_string(index);
	if (get_rel_relkind(index) == RELKIND_PARTITIONED_INDEX)
	{
		ddl->definition = definition;
		return;
	}
	create = strstr(definition, "INDEX ");
	if (create != NULL)
		ddl->definition = psprintf("%.*sINDEX CONCURRENTLY %s",
								   (int) (create - definition), definition,
								   create + strlen("INDEX "));
}

static bool
before_drop(PgdDdl *ddl, const DropStmt *stmt)
{
	Node	   *first = linitial(stmt->objects);
	bool		counts = false;
	ListCell   *lc;

	switch (stmt->removeType)
	{
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_TABLE:
		case OBJECT_VIEW:
			break;
		case OBJECT_EXTENSION:
			return name_extension(ddl, strVal(first));
		case OBJECT_POLICY:
		case OBJECT_RULE:
		case OBJECT_TRIGGER:
			{
				/* the last name is not the table's */
				List	   *names = list_copy((List *) first);

				names = list_delete_last(names);
				return names == NIL ||
					name_relation(ddl, relation_oid(makeRangeVarFromNameList(names)));
			}
		default:
			return name_list(ddl, names_of(first));
	}

	ddl->partitions = stmt->removeType == OBJECT_TABLE;
	foreach(lc, stmt->objects)
	{
		RangeVar   *relation;
		Oid			relid;

		/* without a look at all of them: it does count */
		if (foreach_current_index(lc) == DROPS_MAX)
			return true;
		relation = makeRangeVarFromNameList((List *) lfirst(lc));
		relid = relation_oid(relation);
		if (!OidIsValid(relid) || !name_relation(ddl, relid))
			continue;
		counts = true;
		ddl->partitions &= get_rel_relispartition(relid);
		if (stmt->removeType == OBJECT_INDEX && list_length(stmt->objects) == 1)
			before_drop_index(ddl, relid);
	}
	return counts;
}

static bool
only_partitions(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_AttachPartition:
			case AT_DetachPartition:
			case AT_DetachPartitionFinalize:
				break;
			default:
				return false;
		}
	}
	return true;
}

/*
 * An index whose name the server will choose: remember those that are there.
 * Returns the latest of them.
 */
static Oid
newest_index(Oid table, int *n)
{
	Relation	catalog = table_open(IndexRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			newest = InvalidOid;

	*n = 0;
	ScanKeyInit(&key, Anum_pg_index_indrelid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(table));
	scan = systable_beginscan(catalog, IndexIndrelidIndexId, true, NULL, 1,
							  &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		newest = Max(newest, ((Form_pg_index) GETSTRUCT(tuple))->indexrelid);
		(*n)++;
	}
	systable_endscan(scan);
	table_close(catalog, AccessShareLock);
	return newest;
}

/*
 * Fills "ddl"; false: this is not to be marked.
 */
bool
pgd_ddl_object_before(PgdDdl *ddl, const Node *stmt)
{
	const RangeVar *relation = changed_relation(stmt);

	memset(ddl, 0, sizeof(PgdDdl));
	if (relation != NULL)
	{
		Oid			relid = relation_oid(relation);

		if (!name_relation(ddl, relid))
			return false;
		if (IsA(stmt, AlterTableStmt))
			ddl->partitions = only_partitions((const AlterTableStmt *) stmt);
		if (IsA(stmt, IndexStmt) && ((const IndexStmt *) stmt)->idxname == NULL &&
			OidIsValid(relid))
		{
			ddl->table = relid;
			ddl->newest_index = newest_index(relid, &ddl->nindexes);
		}
		if (!IsA(stmt, CreateStatsStmt))
			return true;
	}

	switch (nodeTag(stmt))
	{
		case T_AlterDatabaseSetStmt:
			set_object(ddl, quote_identifier(((const AlterDatabaseSetStmt *) stmt)->dbname));
			return true;
		case T_AlterRoleSetStmt:
			{
				const RoleSpec *role = ((const AlterRoleSetStmt *) stmt)->role;

				if (role != NULL && role->rolename != NULL)
					set_object(ddl, quote_identifier(role->rolename));
				return true;
			}
		case T_AlterTableSpaceOptionsStmt:
			set_object(ddl, quote_identifier(((const AlterTableSpaceOptionsStmt *) stmt)->tablespacename));
			return true;
		case T_AlterExtensionStmt:
			return name_extension(ddl, ((const AlterExtensionStmt *) stmt)->extname);
		case T_CreateExtensionStmt:
			return name_extension(ddl, ((const CreateExtensionStmt *) stmt)->extname);
		case T_AlterEnumStmt:
			return name_list(ddl, ((const AlterEnumStmt *) stmt)->typeName);
		case T_AlterTypeStmt:
			return name_list(ddl, ((const AlterTypeStmt *) stmt)->typeName);
		case T_AlterDomainStmt:
			return name_list(ddl, ((const AlterDomainStmt *) stmt)->typeName);
		case T_CreateDomainStmt:
			return name_list(ddl, ((const CreateDomainStmt *) stmt)->domainname);
		case T_CreateEnumStmt:
			return name_list(ddl, ((const CreateEnumStmt *) stmt)->typeName);
		case T_CreateRangeStmt:
			return name_list(ddl, ((const CreateRangeStmt *) stmt)->typeName);
		case T_DefineStmt:
			return name_list(ddl, ((const DefineStmt *) stmt)->defnames);
		case T_CreateFunctionStmt:
			return name_list(ddl, ((const CreateFunctionStmt *) stmt)->funcname);
		case T_AlterFunctionStmt:
			return name_list(ddl, ((const AlterFunctionStmt *) stmt)->func->objname);
		case T_AlterStatsStmt:
			return name_list(ddl, ((const AlterStatsStmt *) stmt)->defnames);
		case T_CreateStatsStmt:
			return name_list(ddl, ((const CreateStatsStmt *) stmt)->defnames);
		case T_AlterObjectSchemaStmt:
			return name_list(ddl, names_of(((const AlterObjectSchemaStmt *) stmt)->object));
		case T_RenameStmt:
			return ((const RenameStmt *) stmt)->object == NULL ||
				name_list(ddl, names_of(((const RenameStmt *) stmt)->object));
		case T_CreateSchemaStmt:
			return true;
		case T_ReindexStmt:
			if (((const ReindexStmt *) stmt)->name != NULL)
				set_object(ddl, quote_identifier(((const ReindexStmt *) stmt)->name));
			return true;
		case T_DropStmt:
			return before_drop(ddl, (const DropStmt *) stmt);
		default:
			return true;
	}
}

/* ----------
 * After it
 * ----------
 */

/*
 * The table, view or type that a statement has made.
 */
static const RangeVar *
created_relation(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			return ((const CreateStmt *) stmt)->relation;
		case T_CreateForeignTableStmt:
			return ((const CreateForeignTableStmt *) stmt)->base.relation;
		case T_CreateTableAsStmt:
			return ((const CreateTableAsStmt *) stmt)->into->rel;
		case T_CompositeTypeStmt:
			return ((const CompositeTypeStmt *) stmt)->typevar;
		case T_ViewStmt:
			return ((const ViewStmt *) stmt)->view;
		default:
			return NULL;
	}
}

/*
 * An index was made: its name, and the statement that drops it.  One whose
 * name the server chose is known if it is the only new one.
 */
static char *
after_index(PgdDdl *ddl, const IndexStmt *stmt)
{
	Oid			table = RangeVarGetRelid(stmt->relation, NoLock, true);
	Oid			schema = OidIsValid(table) ? get_rel_namespace(table) : InvalidOid;
	const char *name = stmt->idxname;
	int			n;

	if (!OidIsValid(schema))
		return NULL;
	if (name == NULL && table == ddl->table)
	{
		Oid			newest = newest_index(table, &n);

		if (n == ddl->nindexes + 1 && newest > ddl->newest_index)
			name = get_rel_name(newest);
	}
	if (name == NULL)
		return NULL;
	set_object(ddl, qualified(schema, name));
	return psprintf("DROP INDEX %s%s",
					get_rel_relkind(table) == RELKIND_PARTITIONED_TABLE ? "" :
					"CONCURRENTLY ", qualified(schema, name));
}

/*
 * Completes "ddl"; false: this is not to be marked.  "undo" is a statement
 * that takes it back for certain, or NULL.
 */
bool
pgd_ddl_object_after(PgdDdl *ddl, const Node *stmt, char **undo)
{
	const RangeVar *relation = created_relation(stmt);

	*undo = NULL;
	if (relation != NULL && !name_relation(ddl, relation_oid(relation)))
		return false;
	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			ddl->partitions = ((const CreateStmt *) stmt)->partbound != NULL;
			break;
		case T_IndexStmt:
			*undo = after_index(ddl, (const IndexStmt *) stmt);
			break;
		case T_DropStmt:
			*undo = ddl->definition;
			break;
		case T_CreateStatsStmt:
			/* which one it is without a schema depends on who asks */
			if (list_length(((const CreateStatsStmt *) stmt)->defnames) == 2)
				*undo = psprintf("DROP STATISTICS %s", ddl->object);
			break;
		default:
			break;
	}
	return true;
}
