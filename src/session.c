/*-------------------------------------------------------------------------
 *
 * session.c
 *		What this session does.
 *
 * Transactions are counted as pg_stat_database does: one that is prepared is
 * counted when it is resolved, and the one in which a client is connected is
 * counted, too.
 *
 * The name of the application and the timeouts that are in force are looked
 * at after every SET, and else at the end of one transaction out of 32 when
 * nothing changes: set_config() is a function like any other, and is not
 * seen.  They are those of the transaction, SET LOCAL included.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "catalog/pg_class.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#include "compat.h"
#include "guc.h"
#include "session.h"
#include "store.h"

#define LOOK_SELDOM		32		/* transactions */

static PgdSession nobody;

PgdSession *pgd_session = &nobody;
int			pgd_session_quiet = 0;

static PgdSessionKey key;
static bool over = false;		/* the session has ended */

/* transactions until the next look, of which "quiet" is a part; and between */
static int	look_in = 1;
static int	look_interval = 1;

/* in a block; how it is to end, once the client has said so */
static bool in_block = false;
static bool ending = false;
static bool ends_by_commit;
static bool chained;			/* AND CHAIN: the next one follows at once */

static bool failed = false;		/* a block that waits for its ROLLBACK */
static bool died = false;		/* the process ended in a block */

static void begin_session(void);
static void end_session(int code, Datum arg);
static void want_attention(void);
static void block_over(XactEvent event);
static void look(void);
static void say_transaction(const TransactionStmt *stmt);
static int	outlives_transaction(const Node *stmt);
static bool sets_session(const VariableSetStmt *stmt);
static bool is_temporary(const RangeVar *relation);
static int	transaction_counter(const TransactionStmt *stmt);

/* ----------
 * Begin and end
 * ----------
 */

/*
 * Run by the postmaster: in the beginning, every process is nobody's.
 */
void
pgd_session_init(void)
{
	for (int c = 0; c < PGD_SESSION_COUNTERS; c++)
		pg_atomic_init_u64(&nobody.counter[c], 0);
}

/*
 * The server has connected somebody to a database.
 */
static void
begin_session(void)
{
	PgdSession *session;

	key.dbid = MyDatabaseId;
	key.userid = GetSessionUserId();
	strlcpy(key.application, application_name, sizeof(key.application));

	/* first, as it may fail */
	before_shmem_exit(end_session, (Datum) 0);
	session = pgd_store_session_begin(pgd_my_proc_number(), &key,
									  MyStartTimestamp);
	if (session == NULL)
	{
		over = true;
		return;
	}
	pgd_session = session;
	pg_atomic_write_u64(&pgd_session->counter[PGD_SESSION_connect_time],
						(uint64) Max(GetCurrentTimestamp() -
									 MyStartTimestamp, 0) * 1000);
	pgd_session_count(PGD_SESSION_connects);
	pgd_session_count(PGD_SESSION_begun);
}

/*
 * The process ends.  A transaction that is left behind is rolled back after
 * us, or was so before us if the session had temporary tables.
 */
static void
end_session(int code, Datum arg)
{
	PgdSession *session = pgd_session;
	uint64		transactions = 0;

	if (session == &nobody)
		return;
	if (IsTransactionState())
	{
		pgd_session_count(in_block ? PGD_SESSION_rollbacks_in_block :
						  PGD_SESSION_rollbacks_alone);
		died = true;
	}
	if (pgStatSessionEndCause == DISCONNECT_FATAL ||
		pgStatSessionEndCause == DISCONNECT_KILLED)
		pgd_session_count(PGD_SESSION_ended_by_fatal);
	else if (died || failed)
		pgd_session_count(PGD_SESSION_ended_in_transaction);
	else
		pgd_session_count(PGD_SESSION_ended_normally);

	for (int c = PGD_SESSION_commits_alone; c <= PGD_SESSION_prepared; c++)
		transactions += pg_atomic_read_u64(&session->counter[c]);
	if ((double) transactions <=
		pgd_threshold.connection_churn_max_transactions)
		pgd_session_count(PGD_SESSION_ended_early);

	over = true;
	pgd_session = &nobody;
	pgd_store_session_end(session, GetCurrentTimestamp());
}

/* ----------
 * Transactions
 * ----------
 */

/*
 * The end of this transaction takes more than counting.
 */
static void
want_attention(void)
{
	look_in += pgd_session_quiet;
	pgd_session_quiet = 0;
}

/*
 * A transaction is over that takes more than counting: the one in which the
 * client is connected, that of a block, one that has set something, and now
 * and then another one.
 */
void
pgd_session_attend(XactEvent event)
{
	pgd_session_quiet = 0;
	if (pgd_session == &nobody)
	{
		if (MyBackendType != B_BACKEND || over)
			pgd_session_quiet = INT_MAX;
		else if (event == XACT_EVENT_COMMIT && OidIsValid(MyDatabaseId))
			begin_session();
		return;
	}

	if (--look_in <= 0)
		look();
	if (in_block)
		block_over(event);
	else
		pgd_session_count(event == XACT_EVENT_COMMIT ?
						  PGD_SESSION_commits_alone :
						  PGD_SESSION_rollbacks_alone);
	if (!in_block)
	{
		pgd_session_quiet = look_in - 1;
		look_in = 1;
	}
}

/*
 * BEGIN, COMMIT and their like: what the client says about its block.  That
 * it ends is heard of by its event; one that failed has had its event.
 */
static void
say_transaction(const TransactionStmt *stmt)
{
	switch (stmt->kind)
	{
		case TRANS_STMT_BEGIN:
		case TRANS_STMT_START:
			in_block = true;
			want_attention();
			break;
		case TRANS_STMT_COMMIT:
		case TRANS_STMT_ROLLBACK:
		case TRANS_STMT_PREPARE:
			if (failed)
			{
				failed = false;
				in_block = stmt->chain;
				want_attention();
			}
			else if (in_block)
			{
				ending = true;
				/* of what has failed already it is a ROLLBACK */
				ends_by_commit = stmt->kind == TRANS_STMT_COMMIT &&
					!IsAbortedTransactionBlockState();
				chained = stmt->chain;
			}
			break;
		default:
			break;
	}
}

/*
 * A transaction block is over, or has failed.
 */
static void
block_over(XactEvent event)
{
	bool		aborted = event == XACT_EVENT_ABORT;

	pgd_session_count(event == XACT_EVENT_PREPARE ? PGD_SESSION_prepared :
					  aborted ? PGD_SESSION_rollbacks_in_block :
					  PGD_SESSION_commits_in_block);
	if (proc_exit_inprogress)
		died = true;
	failed = aborted && !ending;

	/* a COMMIT that fails has no successor */
	in_block = ending && chained && ends_by_commit != aborted;
	ending = false;
	chained = false;
}

/*
 * Look at the settings that matter.  If they have changed, they may change
 * back at once.
 */
static void
look(void)
{
	const int	now[PGD_TIMEOUTS] = {
		[PGD_STATEMENT_TIMEOUT] = StatementTimeout,
		[PGD_LOCK_TIMEOUT] = LockTimeout,
		[PGD_IDLE_IN_TRANSACTION_TIMEOUT] = IdleInTransactionSessionTimeout,
		[PGD_TRANSACTION_TIMEOUT] = pgd_transaction_timeout(),
	};
	bool		changed = false;

	if (strncmp(key.application, application_name,
				sizeof(key.application) - 1) != 0)
	{
		PgdSessionKey new_key = key;

		/* strncpy() pads with zeroes */
		strncpy(new_key.application, application_name,
				sizeof(new_key.application) - 1);
		if (pgd_store_session_rename(pgd_session, &new_key,
									 GetCurrentTimestamp()))
			key = new_key;
		changed = true;
	}
	for (int t = 0; t < PGD_TIMEOUTS; t++)
	{
		if (pg_atomic_read_u32(&pgd_session->timeout[t]) == (uint32) now[t])
			continue;
		pg_atomic_write_u32(&pgd_session->timeout[t], (uint32) now[t]);
		changed = true;
	}
	look_interval = changed ? 1 : Min(2 * look_interval, LOOK_SELDOM);
	look_in = look_interval;
}

/* ----------
 * Utility statements
 * ----------
 */

/*
 * A utility statement begins.  Returns what is to be counted when it has
 * succeeded, or PGD_NO_COUNTER.
 */
int
pgd_session_utility(const Node *stmt, bool toplevel)
{
	if (pgd_session == &nobody)
		return PGD_NO_COUNTER;

	if (IsA(stmt, TransactionStmt))
	{
		int			counter = transaction_counter((const TransactionStmt *) stmt);

		if (toplevel)
			say_transaction((const TransactionStmt *) stmt);
		if (counter != PGD_SESSION_statements)
			return counter;
	}
	/* what EXECUTE executes is counted where that begins */
	if (toplevel && !IsA(stmt, ExecuteStmt))
		pgd_session_statement();
	return outlives_transaction(stmt);
}

/*
 * What a transaction statement counts as: savepoints are statements like any
 * other.
 */
static int
transaction_counter(const TransactionStmt *stmt)
{
	switch (stmt->kind)
	{
		case TRANS_STMT_COMMIT_PREPARED:
			return PGD_SESSION_prepared_commits;
		case TRANS_STMT_ROLLBACK_PREPARED:
			return PGD_SESSION_prepared_rollbacks;
		case TRANS_STMT_SAVEPOINT:
		case TRANS_STMT_RELEASE:
		case TRANS_STMT_ROLLBACK_TO:
			return PGD_SESSION_statements;
		default:
			return PGD_NO_COUNTER;
	}
}

/*
 * Does a statement leave something that the next transaction will miss when
 * a pooler gives it another session?
 */
static int
outlives_transaction(const Node *stmt)
{
	switch (nodeTag(stmt))
	{
		case T_VariableSetStmt:
			want_attention();
			look_in = 1;
			return sets_session((const VariableSetStmt *) stmt) ?
				PGD_SESSION_sets : PGD_NO_COUNTER;
		case T_DiscardStmt:
			want_attention();
			look_in = 1;
			return PGD_NO_COUNTER;
		case T_CreateStmt:
			{
				const CreateStmt *create = (const CreateStmt *) stmt;

				return is_temporary(create->relation) &&
					create->oncommit != ONCOMMIT_DROP ?
					PGD_SESSION_temp_tables : PGD_NO_COUNTER;
			}
		case T_CreateTableAsStmt:
			{
				const IntoClause *into = ((const CreateTableAsStmt *) stmt)->into;

				return is_temporary(into->rel) &&
					into->onCommit != ONCOMMIT_DROP ?
					PGD_SESSION_temp_tables : PGD_NO_COUNTER;
			}
		case T_PrepareStmt:
			return PGD_SESSION_prepares;
		case T_ListenStmt:
			return PGD_SESSION_listens;
		case T_DeclareCursorStmt:
			return (((const DeclareCursorStmt *) stmt)->options &
					CURSOR_OPT_HOLD) != 0 ?
				PGD_SESSION_held_cursors : PGD_NO_COUNTER;
		case T_LoadStmt:
			return PGD_SESSION_loads;
		default:
			return PGD_NO_COUNTER;
	}
}

/*
 * Does it set what a pooler does not carry along?  Those that it does are
 * what pgbouncer takes care of by default: the settings a server reported to
 * clients when the protocol was made.
 */
static bool
sets_session(const VariableSetStmt *stmt)
{
	static const char *const carried[] = {
		"application_name", "client_encoding", "datestyle",
		"standard_conforming_strings", "timezone",
	};

	if (stmt->is_local || stmt->name == NULL)
		return false;
	switch (stmt->kind)
	{
		case VAR_SET_VALUE:
		case VAR_SET_CURRENT:
			break;
		case VAR_SET_MULTI:
			/* SET TRANSACTION is for the transaction */
			return strcmp(stmt->name, "SESSION CHARACTERISTICS") == 0;
		case VAR_SET_DEFAULT:
		case VAR_RESET:
		case VAR_RESET_ALL:
			return false;
	}
	for (int i = 0; i < lengthof(carried); i++)
	{
		if (pg_strcasecmp(stmt->name, carried[i]) == 0)
			return false;
	}
	return true;
}

static bool
is_temporary(const RangeVar *relation)
{
	return relation->relpersistence == RELPERSISTENCE_TEMP ||
		(relation->schemaname != NULL &&
		 strcmp(relation->schemaname, "pg_temp") == 0);
}
