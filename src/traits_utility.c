/*-------------------------------------------------------------------------
 *
 * traits_utility.c
 *		What a utility statement does.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/namespace.h"
#include "commands/tablecmds.h"
#include "tcop/utility.h"

#include "traits.h"

/* Names that do not matter: all savepoints are alike. */
#define FINGERPRINT_OF(number) (UINT64CONST(0x706764696167) << 8 | (number))

/* Is it something that is locked by a lock on a table? */
static bool
is_table(ObjectType type)
{
	switch (type)
	{
		case OBJECT_TABLE:
		case OBJECT_COLUMN:
		case OBJECT_TABCONSTRAINT:
		case OBJECT_INDEX:
		case OBJECT_VIEW:
		case OBJECT_MATVIEW:
		case OBJECT_FOREIGN_TABLE:
		case OBJECT_TRIGGER:
		case OBJECT_RULE:
		case OBJECT_POLICY:
			return true;
		default:
			return false;
	}
}

static uint32
utility_flags(Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_TransactionStmt:
			return PGD_CONTROL;
		case T_NotifyStmt:
			return PGD_NOTIFIES;
		case T_CopyStmt:
			return PGD_COPIES |
				(((CopyStmt *) stmt)->is_from ? PGD_INSERTS : PGD_READS);
		case T_FetchStmt:
		case T_DeclareCursorStmt:
		case T_ClosePortalStmt:
			return PGD_FETCHES;
		case T_VariableSetStmt:
		case T_DiscardStmt:
		case T_ConstraintsSetStmt:
			return PGD_SETTING;
		case T_LockStmt:
			return ((LockStmt *) stmt)->mode >= ShareLock ? PGD_LOCKS_TABLE : 0;
		case T_CreateStmt:
		case T_CreateTableAsStmt:
			return PGD_DDL | PGD_CREATES;
		case T_AlterTableStmt:
			return PGD_DDL |
				(AlterTableGetLockLevel(((AlterTableStmt *) stmt)->cmds) >=
				 ShareLock ? PGD_LOCKS_TABLE : 0);
		case T_IndexStmt:
			return PGD_DDL |
				(((IndexStmt *) stmt)->concurrent ? 0 : PGD_LOCKS_TABLE);
		case T_RenameStmt:
			return PGD_DDL |
				(is_table(((RenameStmt *) stmt)->renameType) ? PGD_LOCKS_TABLE : 0);
		case T_DropStmt:
			return PGD_DDL |
				(is_table(((DropStmt *) stmt)->removeType) ? PGD_LOCKS_TABLE : 0);
		case T_TruncateStmt:
		case T_RefreshMatViewStmt:
		case T_ClusterStmt:
		case T_ReindexStmt:
		case T_CreateTrigStmt:
		case T_RuleStmt:
			return PGD_DDL | PGD_LOCKS_TABLE;
		case T_CallStmt:
		case T_DoStmt:
		case T_ExplainStmt:
		case T_VariableShowStmt:
		case T_ListenStmt:
		case T_UnlistenStmt:
		case T_CheckPointStmt:
		case T_VacuumStmt:
		case T_LoadStmt:
		case T_DeallocateStmt:
			return 0;
		default:
			/* CREATE, ALTER, COMMENT, GRANT and what else there is */
			return GetCommandLogLevel(stmt) == LOGSTMT_DDL ? PGD_DDL : 0;
	}
}

/*
 * The names of savepoints and cursors differ, and mean nothing.
 */
static uint64
utility_fingerprint(Node *stmt)
{
	if (IsA(stmt, TransactionStmt))
		return FINGERPRINT_OF(16 + ((TransactionStmt *) stmt)->kind);
	if (IsA(stmt, FetchStmt))
		return FINGERPRINT_OF(1 + ((FetchStmt *) stmt)->ismove);
	if (IsA(stmt, ClosePortalStmt))
		return FINGERPRINT_OF(3);
	return 0;
}

const PgdTraits *
pgd_traits_of_utility(PlannedStmt *pstmt, const PgdKey *key,
					  const char *source)
{
	uint64		fixed = utility_fingerprint(pstmt->utilityStmt);
	uint64		queryid = key->queryid != 0 ? key->queryid : fixed;
	PgdTraits  *traits = pgd_traits_place(queryid, 0);

	if (traits->queryid == queryid && traits->plan == 0 && queryid != 0)
		return traits;

	memset(traits, 0, sizeof(PgdTraits));
	traits->flags = PGD_UTILITY | utility_flags(pstmt->utilityStmt);
	traits->fingerprint = fixed != 0 ? fixed :
		pgd_traits_fingerprint(key, source, pstmt->stmt_location, pstmt->stmt_len);
	/* a utility statement may write anything */
	if ((traits->flags & (PGD_CONTROL | PGD_FETCHES | PGD_SETTING)) == 0)
		traits->writes = PG_UINT64_MAX;
	traits->queryid = queryid;
	return traits;
}

/*
 * The table that a utility statement is about, if it is about one; asked
 * after it ran, when a new table is there.
 */
Oid
pgd_traits_utility_table(const Node *stmt)
{
	const RangeVar *relation = NULL;

	switch (nodeTag(stmt))
	{
		case T_CreateStmt:
			relation = ((const CreateStmt *) stmt)->relation;
			break;
		case T_CreateTableAsStmt:
			relation = ((const CreateTableAsStmt *) stmt)->into->rel;
			break;
		case T_IndexStmt:
			relation = ((const IndexStmt *) stmt)->relation;
			break;
		case T_AlterTableStmt:
			relation = ((const AlterTableStmt *) stmt)->relation;
			break;
		case T_RenameStmt:
			relation = ((const RenameStmt *) stmt)->relation;
			break;
		case T_CreateTrigStmt:
			relation = ((const CreateTrigStmt *) stmt)->relation;
			break;
		case T_RefreshMatViewStmt:
			relation = ((const RefreshMatViewStmt *) stmt)->relation;
			break;
		case T_ClusterStmt:
			relation = ((const ClusterStmt *) stmt)->relation;
			break;
		case T_ReindexStmt:
			relation = ((const ReindexStmt *) stmt)->relation;
			break;
		case T_CopyStmt:
			relation = ((const CopyStmt *) stmt)->relation;
			break;
		case T_LockStmt:
			relation = linitial(((const LockStmt *) stmt)->relations);
			break;
		case T_TruncateStmt:
			relation = linitial(((const TruncateStmt *) stmt)->relations);
			break;
		default:
			break;
	}
	if (relation == NULL)
		return InvalidOid;
	return RangeVarGetRelid(relation, NoLock, true);
}
