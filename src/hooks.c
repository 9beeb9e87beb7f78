/*-------------------------------------------------------------------------
 *
 * hooks.c
 *		PostgreSQL's hooks become calls of the rest; the only file that
 *		assigns them.
 *
 * We are loaded after pg_stat_statements, so each of our hooks is called
 * before its.  Every hook calls the next one, whatever happens.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "access/xact.h"
#include "commands/explain.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "optimizer/planner.h"
#include "storage/ipc.h"
#include "tcop/utility.h"

#include "compat.h"
#include "ddl.h"
#include "error.h"
#include "evidence_file.h"
#include "example.h"
#include "guc.h"
#include "hooks.h"
#include "markfile.h"
#include "predicate.h"
#include "repeats.h"
#include "session.h"
#include "snapshot.h"
#include "statement.h"
#include "store.h"
#include "whatif.h"
#include "xact.h"

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;
static planner_hook_type prev_planner_hook = NULL;
static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ExecutorRun_hook_type prev_ExecutorRun = NULL;
static ExecutorFinish_hook_type prev_ExecutorFinish = NULL;
static ExecutorEnd_hook_type prev_ExecutorEnd = NULL;
static ProcessUtility_hook_type prev_ProcessUtility = NULL;
static emit_log_hook_type prev_emit_log_hook = NULL;

/*
 * The nesting level of the statement that EXPLAIN is working on, which is
 * not executed for its own sake and not counted; -1: none.
 */
static int	explained_level = -1;

static void pgd_shmem_request(void);
static void pgd_shmem_startup(void);
static void pgd_shmem_shutdown(int code, Datum arg);
static PlannedStmt *pgd_planner(Query *parse, const char *query_string,
								int cursorOptions, ParamListInfo boundParams);
static void pgd_ExecutorStart(QueryDesc *queryDesc, int eflags);
static void pgd_ExecutorRun(EXECUTOR_RUN_PARAMS);
static void pgd_ExecutorFinish(QueryDesc *queryDesc);
static void pgd_ExecutorEnd(QueryDesc *queryDesc);
static void pgd_ProcessUtility(PlannedStmt *pstmt, const char *queryString,
							   bool readOnlyTree,
							   ProcessUtilityContext context,
							   ParamListInfo params,
							   QueryEnvironment *queryEnv,
							   DestReceiver *dest, QueryCompletion *qc);
static void pgd_emit_log(ErrorData *edata);
static void pgd_xact(XactEvent event, void *arg);
static void pgd_subxact(SubXactEvent event, SubTransactionId mySubid,
						SubTransactionId parentSubid, void *arg);
static void pgd_session_end(int code, Datum arg);

void
pgd_hooks_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = pgd_shmem_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = pgd_shmem_startup;
	prev_planner_hook = planner_hook;
	planner_hook = pgd_planner;
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = pgd_ExecutorStart;
	prev_ExecutorRun = ExecutorRun_hook;
	ExecutorRun_hook = pgd_ExecutorRun;
	prev_ExecutorFinish = ExecutorFinish_hook;
	ExecutorFinish_hook = pgd_ExecutorFinish;
	prev_ExecutorEnd = ExecutorEnd_hook;
	ExecutorEnd_hook = pgd_ExecutorEnd;
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = pgd_ProcessUtility;
	prev_emit_log_hook = emit_log_hook;
	emit_log_hook = pgd_emit_log;
	RegisterXactCallback(pgd_xact, NULL);
	pgd_session_init();
	RegisterSubXactCallback(pgd_subxact, NULL);
}

/* ----------
 * Start and end of the server
 * ----------
 */

static void
pgd_shmem_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	pgd_store_request();
}

/*
 * Run by the postmaster, also after a crash; with EXEC_BACKEND by every
 * process.
 */
static void
pgd_shmem_startup(void)
{
	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();

	if (!pgd_store_startup())
		return;
	if (!IsUnderPostmaster)
		on_shmem_exit(pgd_shmem_shutdown, (Datum) 0);
	pgd_snapshot_load();
	pgd_evidence_load();
	pgd_markfile_start();
}

static void
pgd_shmem_shutdown(int code, Datum arg)
{
	/* not after a crash: who knows what shared memory looks like */
	if (code == 0 && pgd_store_ready())
	{
		/* nobody is left to move them, or to be in the way */
		(void) pgd_markfile_drain(NULL, LOG);
		pgd_snapshot_dump();
		pgd_evidence_dump();
	}
}

/*
 * Are statements captured here and now?  Enters this session's slot when it
 * is first asked.
 */
static inline bool
wanted(void)
{
	if (unlikely(pgd_slot == NULL))
	{
		if (!pgd_pending_attach())
			return false;
		pgd_xact_attach();
		before_shmem_exit(pgd_session_end, (Datum) 0);
	}
	return pgd_statement_wanted();
}

/*
 * Keep what an execution has shown, of those that are looked at.
 */
static pg_noinline void
harvest(PgdExecution *execution, bool cut_short)
{
	uint64		start = pgd_clock();

	execution->instrumented = false;
	if (!execution->counted)
		pgd_predicate_end(execution->query, &execution->key, cut_short,
						  execution->partial);
	pgd_store_count_own_time(pgd_clock() - start);
}

/*
 * An error passes a statement; NULL if we do not follow that.
 */
static void
caught(PgdExecution *execution)
{
	if (execution != NULL && execution->instrumented)
		harvest(execution, true);
	pgd_error_caught(execution);
	if (execution != NULL && execution->key.toplevel)
		pgd_transcribe_failed(execution, geterrcode());
}

/* ----------
 * Planner and executor
 * ----------
 */

static PlannedStmt *
call_planner(Query *parse, const char *query_string, int cursorOptions,
			 ParamListInfo boundParams)
{
	if (prev_planner_hook)
		return prev_planner_hook(parse, query_string, cursorOptions,
								 boundParams);
	return standard_planner(parse, query_string, cursorOptions, boundParams);
}

/*
 * What the planner runs to fold a constant counts as nested in the statement
 * that is being planned, whether or not that planning is captured.
 */
static PlannedStmt *
pgd_planner(Query *parse, const char *query_string, int cursorOptions,
			ParamListInfo boundParams)
{
	const int	nesting = pgd_nesting;
	const bool	followed = (pgd_track_planning || pgd_track_evidence) &&
		parse->queryId != 0 && query_string != NULL &&
		nesting != explained_level && wanted();
	const bool	captured = followed && pgd_track_planning;
	PgdExecution execution;
	PlannedStmt *result;

	if (followed)
		pgd_planning_identify(&execution, parse);
	if (followed && pgd_track_evidence)
		pgd_example_offer(&execution.key, execution.tag, parse, query_string,
						  cursorOptions, boundParams);
	if (captured)
	{
		pgd_error_settled();
		pgd_planning_begin(&execution, parse, query_string);
	}
	pgd_nesting++;
	PG_TRY();
	{
		result = call_planner(parse, query_string, cursorOptions, boundParams);
	}
	PG_CATCH();
	{
		pgd_nesting = nesting;
		if (captured)
			pgd_error_caught(&execution);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pgd_nesting = nesting;
	if (captured)
		pgd_planning_end(&execution, result);
	return result;
}

static inline void
call_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	if (prev_ExecutorStart)
		prev_ExecutorStart(queryDesc, eflags);
	else
		standard_ExecutorStart(queryDesc, eflags);
}

/* What a client sends is part of a transaction. */
static inline PgdExecution *
follow(PgdExecution *const execution)
{
	if (execution != NULL && execution->key.toplevel)
		pgd_xact_statement_begin(execution, execution->query->sourceText,
								 execution->query->plannedstmt->stmt_location,
								 execution->query->plannedstmt->stmt_len);
	return execution;
}

/*
 * The execution to follow, or NULL.
 */
static inline PgdExecution *
begin_statement(QueryDesc *queryDesc, int eflags)
{
	pgd_error_settled();
	if (pgd_nesting == 0)
		pgd_session_statement();
	else if (queryDesc->operation != CMD_SELECT)
		pgd_note_nested_writes(queryDesc->plannedstmt);
	if ((eflags & EXEC_FLAG_EXPLAIN_ONLY) != 0 ||
		pgd_nesting == explained_level || !wanted())
		return NULL;
	if (unlikely(queryDesc->plannedstmt->queryId == 0))
	{
		/*
		 * Inside others that is normal: in utility statements, and in SQL
		 * functions that were parsed when they were created.
		 */
		if (pgd_nesting == 0)
			pgd_store_count_uncaptured();
		return NULL;
	}
	return follow(pgd_statement_begin(queryDesc));
}

/*
 * The executor's memory of an execution is gone: it was ended long ago, or it
 * is a portal that was not fetched to its end and goes with a rollback.
 */
static void
released(void *arg)
{
	PgdExecution *execution = arg;

	if (unlikely(!execution->transcribed))
		pgd_transcribe_dropped(execution);
	pgd_statement_release(execution);
}

/*
 * Executions 1, 2, 4, 8, ... are looked at, if they promise to show anything.
 * Those that fail do not count, so the next one is looked at again.
 */
static inline void
instrument(PgdExecution *execution, QueryDesc *queryDesc)
{
	const PgdCounters *c = &execution->pending->counters;

	if (pgd_predicate_due(c->calls) && pgd_track_evidence)
	{
		execution->partial = false;
		execution->instrumented =
			pgd_predicate_begin(queryDesc, c->calls == 0 ? 0 :
								c->total_exec_time / c->calls);
	}
}

static void
pgd_ExecutorStart(QueryDesc *queryDesc, int eflags)
{
	PgdExecution *const execution = begin_statement(queryDesc, eflags);

	if (execution == NULL)
	{
		call_ExecutorStart(queryDesc, eflags);
		return;
	}

	instrument(execution, queryDesc);
	PG_TRY();
	{
		call_ExecutorStart(queryDesc, eflags);
		pgd_statement_started(execution, queryDesc, released);
		if (unlikely(execution->instrumented))
			pgd_predicate_started(queryDesc);
		pgd_transcribe_started(execution, queryDesc);
		if (execution->traits != NULL &&
			(execution->traits->flags & PGD_SESSION_LOCKS) != 0)
			pgd_session_count(PGD_SESSION_advisory_locks);
	}
	PG_CATCH();
	{
		caught(execution);
		pgd_statement_release(execution);
		PG_RE_THROW();
	}
	PG_END_TRY();
}

static void
pgd_ExecutorRun(EXECUTOR_RUN_PARAMS)
{
	PgdExecution *volatile execution = pgd_statement_find(queryDesc);
	const int	nesting = pgd_nesting;

	if (execution != NULL)
		execution->running = true;
	pgd_nesting++;
	PG_TRY();
	{
		if (prev_ExecutorRun)
			prev_ExecutorRun(EXECUTOR_RUN_ARGS);
		else
			standard_ExecutorRun(EXECUTOR_RUN_ARGS);
	}
	PG_CATCH();
	{
		pgd_nesting = nesting;
		caught(execution);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pgd_nesting = nesting;
	if (execution != NULL)
	{
		execution->running = false;
		if (unlikely(execution->instrumented))
			execution->partial = count != 0 &&
				queryDesc->estate->es_processed >= count;
		if (PGD_ROWS_OF_LATEST_RUN_ONLY)
			execution->rows += queryDesc->estate->es_processed;
	}
}

static inline void
call_ExecutorFinish(QueryDesc *queryDesc)
{
	if (prev_ExecutorFinish)
		prev_ExecutorFinish(queryDesc);
	else
		standard_ExecutorFinish(queryDesc);
}

static pg_noinline void
guarded_ExecutorFinish(QueryDesc *queryDesc)
{
	PgdExecution *volatile execution = pgd_statement_find(queryDesc);
	const int	nesting = pgd_nesting;

	if (execution != NULL)
		execution->running = true;
	pgd_nesting++;
	PG_TRY();
	{
		call_ExecutorFinish(queryDesc);
	}
	PG_CATCH();
	{
		pgd_nesting = nesting;
		caught(execution);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pgd_nesting = nesting;
	if (execution != NULL)
		execution->running = false;
}

static void
pgd_ExecutorFinish(QueryDesc *queryDesc)
{
	EState	   *estate = queryDesc->estate;

	/* Without triggers and modifying CTEs there is nothing that could fail. */
	if ((estate->es_top_eflags & EXEC_FLAG_SKIP_TRIGGERS) != 0 &&
		estate->es_auxmodifytables == NIL)
		call_ExecutorFinish(queryDesc);
	else
		guarded_ExecutorFinish(queryDesc);
}

static void
pgd_ExecutorEnd(QueryDesc *queryDesc)
{
	PgdExecution *execution = pgd_statement_find(queryDesc);

	pgd_error_settled();
	if (execution != NULL)
	{
		if (unlikely(execution->instrumented))
			harvest(execution, false);
		pgd_statement_end(execution);
		pgd_transcribe_ended(execution);
	}
	if (prev_ExecutorEnd)
		prev_ExecutorEnd(queryDesc);
	else
		standard_ExecutorEnd(queryDesc);
}

/* ----------
 * Utility statements
 * ----------
 */

static void
call_ProcessUtility(PlannedStmt *pstmt, const char *queryString,
					bool readOnlyTree, ProcessUtilityContext context,
					ParamListInfo params, QueryEnvironment *queryEnv,
					DestReceiver *dest, QueryCompletion *qc)
{
	if (prev_ProcessUtility)
		prev_ProcessUtility(pstmt, queryString, readOnlyTree, context, params,
							queryEnv, dest, qc);
	else
		standard_ProcessUtility(pstmt, queryString, readOnlyTree, context,
								params, queryEnv, dest, qc);
}

/*
 * The rows that a utility statement retrieved or affected, of those that say.
 */
static uint64
utility_rows(const QueryCompletion *qc)
{
	if (qc == NULL)
		return 0;
	switch (qc->commandTag)
	{
		case CMDTAG_COPY:
		case CMDTAG_FETCH:
		case CMDTAG_SELECT:
		case CMDTAG_REFRESH_MATERIALIZED_VIEW:
			return qc->nprocessed;
		default:
			return 0;
	}
}

/*
 * Begin to follow a utility statement; NULL if it is not to be captured.
 */
static inline PgdExecution *
begin_utility(PgdExecution *execution, PlannedStmt *pstmt, const char *source)
{
	pgd_error_settled();
	if (!pgd_track_utility || pstmt->queryId == 0 ||
		!pgd_utility_counted(pstmt->utilityStmt) || !wanted())
		return NULL;
	pgd_utility_begin(execution, pstmt, source);
	return execution;
}

static pg_noinline void
guarded_ProcessUtility(PlannedStmt *pstmt, const char *queryString,
					   bool readOnlyTree, ProcessUtilityContext context,
					   ParamListInfo params, QueryEnvironment *queryEnv,
					   DestReceiver *dest, QueryCompletion *qc)
{
	const int	nesting = pgd_nesting;
	const int	explained = explained_level;
	PgdExecution execution;
	PgdExecution *const captured = begin_utility(&execution, pstmt,
												 queryString);
	const bool	toplevel = nesting == 0 && wanted();
	const Node *const stmt = pstmt->utilityStmt;
	const bool	marked = pgd_ddl_counts(stmt);
	PgdDdl		ddl;

	if (nesting == 0)
		pgd_xact_ending(stmt);
	if (toplevel)
	{
		if (captured == NULL)
			pgd_utility_uncaptured(&execution, pstmt);
		pgd_xact_utility_begin(&execution, pstmt, queryString);
	}
	if (IsA(stmt, ExplainStmt))
		explained_level = nesting + 1;

	pgd_nesting++;
	PG_TRY();
	{
		if (unlikely(marked))
			pgd_ddl_begin(&ddl, pstmt, context);
		call_ProcessUtility(pstmt, queryString, readOnlyTree, context, params,
							queryEnv, dest, qc);
		if (unlikely(marked))
			pgd_ddl_end(&ddl, pstmt, queryString);
	}
	PG_CATCH();
	{
		pgd_nesting = nesting;
		explained_level = explained;
		if (captured != NULL)
		{
			pgd_error_caught(captured);
			pgd_utility_leave(captured);
		}
		if (toplevel)
		{
			if (captured == NULL)
				pgd_utility_time(&execution, 0);
			pgd_transcribe_failed(&execution, geterrcode());
		}
		PG_RE_THROW();
	}
	PG_END_TRY();

	/* "pstmt" may be gone by now, if it ended the transaction. */
	pgd_error_settled();
	pgd_nesting = nesting;
	explained_level = explained;
	if (captured != NULL)
	{
		pgd_utility_end(captured, utility_rows(qc));
		pgd_utility_leave(captured);
	}
	if (toplevel)
	{
		if (captured == NULL)
			pgd_utility_time(&execution, utility_rows(qc));
		pgd_xact_utility_ended(&execution, stmt);
	}
}

static void
pgd_ProcessUtility(PlannedStmt *pstmt, const char *queryString,
				   bool readOnlyTree, ProcessUtilityContext context,
				   ParamListInfo params, QueryEnvironment *queryEnv,
				   DestReceiver *dest, QueryCompletion *qc)
{
	const int	counter = pgd_session_utility(pstmt->utilityStmt,
											  pgd_nesting == 0);
	PlannedStmt copy;

	/*
	 * PREPARE and EXECUTE are transparent: what is executed is counted as the
	 * statement that was prepared, at the level of the EXECUTE.
	 */
	if (IsA(pstmt->utilityStmt, ExecuteStmt) ||
		IsA(pstmt->utilityStmt, PrepareStmt))
	{
		call_ProcessUtility(pstmt, queryString, readOnlyTree, context, params,
							queryEnv, dest, qc);
		if (counter != PGD_NO_COUNTER)
			pgd_session_count(counter);
		return;
	}

	/*
	 * pg_stat_statements clears a utility statement's queryId while it runs,
	 * and nobody ever sets it again in a cached tree.  So that the next
	 * execution still knows who it is, a cached tree is passed on as a copy.
	 */
	if (readOnlyTree)
	{
		copy = *pstmt;
		pstmt = &copy;
	}
	guarded_ProcessUtility(pstmt, queryString, readOnlyTree, context, params,
						   queryEnv, dest, qc);
	if (counter != PGD_NO_COUNTER)
		pgd_session_count(counter);
}

/* ----------
 * Errors and the end of a session
 * ----------
 */

static void
pgd_emit_log(ErrorData *edata)
{
	pgd_error_reported(edata);
	if (edata->elevel >= ERROR)
		pgd_xact_error(edata->sqlerrcode, edata->elevel > ERROR);
	if (prev_emit_log_hook)
		prev_emit_log_hook(edata);
}

static void
pgd_xact(XactEvent event, void *arg)
{
	pgd_session_xact(event);
	pgd_xact_event(event);
	if (unlikely(pgd_ddl_waiting > 0))
		pgd_ddl_xact(event);
}

/* When one is rolled back, somebody caught the error: PL/pgSQL, mostly. */
static void
pgd_subxact(SubXactEvent event, SubTransactionId mySubid,
			SubTransactionId parentSubid, void *arg)
{
	if (unlikely(pgd_ddl_looking || pgd_whatif_guarding))
		return;
	if (event == SUBXACT_EVENT_ABORT_SUB)
		pgd_error_landed();
	pgd_xact_subevent(event);
	if (unlikely(pgd_ddl_waiting > 0))
		pgd_ddl_subxact(event, mySubid);
}

static void
pgd_session_end(int code, Datum arg)
{
	/* what is terminated passes no handler */
	for (PgdExecution *e = pgd_executions; e != NULL; e = e->outer)
	{
		if (e->query != NULL && e->running && e->instrumented)
			harvest(e, true);
	}
	pgd_error_exit();
	pgd_xact_exit();
	pgd_pending_detach();
}
