/*-------------------------------------------------------------------------
 *
 * ddl.c
 *		Marks of what changes how statements run, or what they do.
 *
 * A mark is made when the transaction has committed, as what is rolled back
 * has never happened.  Until then it waits in this backend, in a list of fixed
 * size; what a savepoint takes back is taken off that list.  All of one
 * transaction makes one mark: a migration is one event, not a hundred.
 *
 * A transaction that is prepared may be committed by anybody at any time; its
 * DDL leaves no mark.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "commands/extension.h"
#include "executor/instrument.h"
#include "mb/pg_wchar.h"
#include "nodes/parsenodes.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/resowner.h"

#include "ddl.h"
#include "markfile.h"
#include "text.h"

#define COUNTED			256		/* statements of a transaction, at most */
#define DESCRIBED		4		/* of them, the first few */

/* Jobs that make and drop partitions commit after each: that is one event. */
#define PARTITIONS_GAP	(60 * USECS_PER_SEC)

/* What waits for the commit, and how much that is. */
int			pgd_ddl_waiting = 0;

static struct
{
	bool		more;			/* than could be counted */
	SubTransactionId subid[COUNTED];
	bool		partitions[COUNTED];
	PgdMark		described[DESCRIBED];	/* the first of them */
} pending;

static PgdText masked;

/* When this session last left a mark about partitions. */
static TimestampTz last_partitions = 0;

/* The subtransaction that begins and ends is ours. */
bool		pgd_ddl_looking = false;

/* ----------
 * Which statements count
 * ----------
 */

static bool
drop_counts(ObjectType type)
{
	switch (type)
	{
		case OBJECT_AGGREGATE:
		case OBJECT_DOMAIN:
		case OBJECT_EXTENSION:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_FUNCTION:
		case OBJECT_INDEX:
		case OBJECT_MATVIEW:
		case OBJECT_POLICY:
		case OBJECT_PROCEDURE:
		case OBJECT_ROUTINE:
		case OBJECT_RULE:
		case OBJECT_SCHEMA:
		case OBJECT_STATISTIC_EXT:
		case OBJECT_TABLE:
		case OBJECT_TRIGGER:
		case OBJECT_TYPE:
		case OBJECT_VIEW:
			return true;
		default:
			return false;
	}
}

/* Not so a change of the owner, which is like a GRANT. */
static bool
alter_table_counts(const AlterTableStmt *stmt)
{
	ListCell   *lc;

	foreach(lc, stmt->cmds)
	{
		if (lfirst_node(AlterTableCmd, lc)->subtype != AT_ChangeOwner)
			return stmt->objtype != OBJECT_SEQUENCE;
	}
	return false;
}

/* ANALYZE by hand, also as part of VACUUM, and what rewrites a table. */
static bool
vacuum_counts(const VacuumStmt *stmt)
{
	ListCell   *lc;

	if (!stmt->is_vacuumcmd)
		return true;
	foreach(lc, stmt->options)
	{
		DefElem    *option = lfirst_node(DefElem, lc);

		if (strcmp(option->defname, "full") == 0 ||
			strcmp(option->defname, "analyze") == 0)
			return true;
	}
	return false;
}

/*
 * Does a utility statement change how others run, or what they do?
 */
bool
pgd_ddl_counts(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_AlterDatabaseSetStmt:
		case T_AlterDomainStmt:
		case T_AlterEnumStmt:
		case T_AlterExtensionStmt:
		case T_AlterFunctionStmt:
		case T_AlterObjectSchemaStmt:
		case T_AlterPolicyStmt:
		case T_AlterRoleSetStmt:
		case T_AlterStatsStmt:
		case T_AlterTableMoveAllStmt:
		case T_AlterTableSpaceOptionsStmt:
		case T_AlterTypeStmt:
		case T_ClusterStmt:
		case T_CompositeTypeStmt:
		case T_CreateDomainStmt:
		case T_CreateEnumStmt:
		case T_CreateExtensionStmt:
		case T_CreateForeignTableStmt:
		case T_CreateFunctionStmt:
		case T_CreatePolicyStmt:
		case T_CreateRangeStmt:
		case T_CreateStatsStmt:
		case T_CreateStmt:
		case T_CreateTableAsStmt:
		case T_CreateTrigStmt:
		case T_ImportForeignSchemaStmt:
		case T_IndexStmt:
		case T_ReindexStmt:
		case T_RuleStmt:
		case T_ViewStmt:
			return true;
		case T_AlterTableStmt:
			return alter_table_counts((const AlterTableStmt *) stmt);
		case T_CreateSchemaStmt:
			return ((const CreateSchemaStmt *) stmt)->schemaElts != NIL;
		case T_DefineStmt:
			return ((const DefineStmt *) stmt)->kind == OBJECT_TYPE ||
				((const DefineStmt *) stmt)->kind == OBJECT_AGGREGATE;
		case T_DropStmt:
			return drop_counts(((const DropStmt *) stmt)->removeType);
		case T_RenameStmt:
			return ((const RenameStmt *) stmt)->renameType != OBJECT_DATABASE &&
				((const RenameStmt *) stmt)->renameType != OBJECT_ROLE;
		case T_VacuumStmt:
			return vacuum_counts((const VacuumStmt *) stmt);
		default:
			return false;
	}
}

/* ----------
 * Before and after
 * ----------
 */

/*
 * Returns the error if there was one.
 */
static ErrorData *
look_in_subtransaction(PgdDdl *ddl, const Node *stmt, char **undo,
					   volatile bool *counts)
{
	MemoryContext context = CurrentMemoryContext;
	ErrorData  *volatile error = NULL;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		*counts = undo == NULL ? pgd_ddl_object_before(ddl, stmt) :
			pgd_ddl_object_after(ddl, stmt, undo);
		ReleaseCurrentSubTransaction();
	}
	PG_CATCH();
	{
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	return error;
}

/*
 * Look at what a statement is about, or with "undo" at what it has made.  The
 * statement must not fail because of what is seen there: a damaged index can
 * be dropped although nobody can tell how it was made, and what others have
 * dropped or may no longer be seen meanwhile is no reason for an error after
 * the work.  Then there is a mark, with less in it.
 */
static bool
look(PgdDdl *ddl, const Node *stmt, char **undo)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile bool counts = true;
	ErrorData  *volatile error = NULL;

	pgd_ddl_looking = true;
	PG_TRY();
	{
		error = look_in_subtransaction(ddl, stmt, undo, &counts);
	}
	PG_FINALLY();
	{
		pgd_ddl_looking = false;
	}
	PG_END_TRY();
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;

	if (error == NULL)
		return counts;
	/* somebody wants the statement to end */
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	FreeErrorData(error);
	return true;
}

/*
 * A statement that counts is about to run.
 */
void
pgd_ddl_begin(PgdDdl *ddl, const PlannedStmt *pstmt,
			  ProcessUtilityContext context)
{
	const Node *stmt = pstmt->utilityStmt;

	ddl->tag = NULL;
	/* what is part of another statement, or of an extension's script */
	if (context == PROCESS_UTILITY_SUBCOMMAND || creating_extension ||
		!look(ddl, stmt, NULL))
		return;
	ddl->tag = GetCommandTagName(CreateCommandTag((Node *) stmt));
	ddl->wal_records = pgWalUsage.wal_records;
}

/*
 * It has run.  The tree is still there: none of these can end the transaction
 * that its portal was made in without keeping the portal.
 */
void
pgd_ddl_end(PgdDdl *ddl, const PlannedStmt *pstmt, const char *source)
{
	PgdMark    *mark;
	char	   *undo = NULL;

	/* or IF NOT EXISTS, and it did exist */
	if (ddl->tag == NULL || pgWalUsage.wal_records == ddl->wal_records ||
		!look(ddl, pstmt->utilityStmt, &undo))
		return;

	if (pgd_ddl_waiting == COUNTED)
	{
		pending.more = true;
		return;
	}
	pending.subid[pgd_ddl_waiting] = GetCurrentSubTransactionId();
	pending.partitions[pgd_ddl_waiting++] = ddl->partitions;
	if (pgd_ddl_waiting > DESCRIBED)
		return;

	mark = &pending.described[pgd_ddl_waiting - 1];
	pgd_mark_begin(mark, PGD_MARK_DDL);
	PGD_MARK_TEXT(mark, what, ddl->tag, -1);
	PGD_MARK_TEXT(mark, object, ddl->object, -1);
	pgd_text_mask(source, pstmt->stmt_location, pstmt->stmt_len, ddl->tag,
				  sizeof(mark->detail), &masked);
	PGD_MARK_TEXT(mark, detail, masked.data, masked.len);
	/* half of it would be another statement */
	if (undo != NULL && strlen(undo) < sizeof(mark->undo))
		PGD_MARK_TEXT(mark, undo, undo, -1);
}

/* ----------
 * What becomes of the transaction
 * ----------
 */

static void
forget(void)
{
	pgd_ddl_waiting = 0;
	pending.more = false;
}

/*
 * Many statements in one mark: how many, and the first few.
 */
static void
sum_up(PgdMark *mark)
{
	char		names[4 * sizeof(mark->detail)];
	int			len = 0;

	snprintf(mark->what, sizeof(mark->what), "%s%d DDL statements",
			 pending.more ? "more than " : "", pgd_ddl_waiting);
	for (int i = 0; i < Min(pgd_ddl_waiting, DESCRIBED); i++)
	{
		const PgdMark *one = &pending.described[i];

		len += snprintf(names + len, sizeof(names) - len, "%s%s%s%s",
						i > 0 ? "; " : "", one->what,
						one->object[0] != '\0' ? " " : "", one->object);
	}
	if (pgd_ddl_waiting > DESCRIBED)
		len += snprintf(names + len, sizeof(names) - len, "; ...");
	mark->object[0] = '\0';
	mark->undo[0] = '\0';
	PGD_MARK_TEXT(mark, detail, names, len);
}

static void
committed(void)
{
	TimestampTz now = GetCurrentTransactionStopTimestamp();
	bool		partitions = true;
	PgdMark		mark = pending.described[0];

	for (int i = 0; i < pgd_ddl_waiting; i++)
		partitions &= pending.partitions[i];
	if (partitions)
	{
		if (now - last_partitions < PARTITIONS_GAP)
			return;
		last_partitions = now;
	}

	if (pgd_ddl_waiting > 1)
		sum_up(&mark);
	mark.at = now;
	(void) pgd_marks_put(&mark);
}

/*
 * Called at the end of a transaction with DDL: after the commit, where nothing
 * may fail.
 */
void
pgd_ddl_xact(XactEvent event)
{
	switch (event)
	{
		case XACT_EVENT_COMMIT:
			committed();
			forget();
			break;
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			forget();
			break;
		default:
			break;
	}
}

/*
 * Identifiers of subtransactions ascend, so those of the ones within are
 * higher, also of those that have ended already.
 */
void
pgd_ddl_subxact(SubXactEvent event, SubTransactionId subid)
{
	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	while (pgd_ddl_waiting > 0 && pending.subid[pgd_ddl_waiting - 1] >= subid)
		pgd_ddl_waiting--;
	if (pgd_ddl_waiting == 0)
		pending.more = false;
}
