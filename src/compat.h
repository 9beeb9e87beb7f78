/*-------------------------------------------------------------------------
 *
 * compat.h
 *		PostgreSQL 15 to 18 dressed alike; the only place that looks at
 *		PG_VERSION_NUM.
 *
 * The code is written for the newest server, and older ones are made to look
 * like it, so that dropping a major is deleting its blocks here.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_COMPAT_H
#define PGD_COMPAT_H

#include "postgres.h"

#include "access/transam.h"
#include "executor/execdesc.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "nodes/execnodes.h"
#include "nodes/parsenodes.h"
#include "portability/instr_time.h"
#include "storage/proc.h"

#if PG_VERSION_NUM < 150000
#error "pg_diagnose needs PostgreSQL 15 or newer"
#endif

/* 16 moved query jumbling to nodes/ */
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#else
#include "utils/queryjumble.h"
#endif

/* 18 dropped execute_once from ExecutorRun */
#if PG_VERSION_NUM >= 180000
#define EXECUTOR_RUN_PARAMS QueryDesc *queryDesc, ScanDirection direction, \
	uint64 count
#define EXECUTOR_RUN_ARGS queryDesc, direction, count
#else
#define EXECUTOR_RUN_PARAMS QueryDesc *queryDesc, ScanDirection direction, \
	uint64 count, bool execute_once
#define EXECUTOR_RUN_ARGS queryDesc, direction, count, execute_once
#endif

/* 18 added the name and version of a module to its magic block */
#if PG_VERSION_NUM >= 180000
#define PGD_MODULE_MAGIC \
	PG_MODULE_MAGIC_EXT(.name = "pg_diagnose", .version = PGD_VERSION)
#else
#define PGD_MODULE_MAGIC PG_MODULE_MAGIC
#endif

/* 16 brought soft errors of input functions */
#if PG_VERSION_NUM < 160000
#define ereturn(context, dummy_value, ...) \
	do { \
		(void) (context); \
		ereport(ERROR, __VA_ARGS__); \
		return dummy_value; \
	} while (0)
#endif

/* 17 renamed the index of a backend's PGPROC */
#if PG_VERSION_NUM >= 170000
#define pgd_my_proc_number() ((int) MyProcNumber)
#else
#define pgd_my_proc_number() ((int) MyProc->pgprocno)
#endif

/* 17 renamed the halves of a virtual transaction's identifier, and nextXid's home */
#if PG_VERSION_NUM >= 170000
#define pgd_proc_vxid_owner(proc) ((uint32) (proc)->vxid.procNumber)
#define pgd_proc_lxid(proc) ((proc)->vxid.lxid)
#define pgd_next_full_xid() (TransamVariables->nextXid)
#else
#define pgd_proc_vxid_owner(proc) ((uint32) (proc)->backendId)
#define pgd_proc_lxid(proc) ((proc)->lxid)
#define pgd_next_full_xid() (ShmemVariableCache->nextXid)
#endif

/* 16 renamed the way to all entries of pg_stat_activity */
#if PG_VERSION_NUM >= 160000
#define pgd_local_beentry(i) pgstat_get_local_beentry_by_index(i)
#else
#define pgd_local_beentry(i) pgstat_fetch_stat_local_beentry(i)
#endif

/* 17 lets one ask for a stronger lock, too */
#if PG_VERSION_NUM >= 170000
#define pgd_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode, false)
#else
#define pgd_lock_held_by_me(tag, mode) LockHeldByMe(tag, mode)
#endif

/* 16 made instr_time an integer of nanoseconds */
static inline uint64
pgd_instr_ns(instr_time t)
{
#if PG_VERSION_NUM >= 160000
	return (uint64) INSTR_TIME_GET_NANOSEC(t);
#elif defined(HAVE_CLOCK_GETTIME)
	return (uint64) t.tv_sec * 1000000000 + (uint64) t.tv_nsec;
#else
	return (uint64) (INSTR_TIME_GET_DOUBLE(t) * 1e9);
#endif
}

/* Nanoseconds of a clock that never goes back. */
static inline uint64
pgd_clock(void)
{
	instr_time	now;

	INSTR_TIME_SET_CURRENT(now);
	return pgd_instr_ns(now);
}

/*
 * Nanoseconds of all runs of a query; it must not be running.  While nobody
 * has called InstrEndLoop(), they are still in the counter, unrounded.
 */
static inline uint64
pgd_instr_total(const Instrumentation *instr)
{
	uint64		time = pgd_instr_ns(instr->counter);

	if (unlikely(instr->total > 0))
		time += (uint64) (instr->total * 1e9 + 0.5);
	return time;
}

/*
 * Rows of all runs of a query.  Up to 15 the executor only knows those of the
 * latest run, so the caller adds them up, run by run, in "added_up".
 */
static inline uint64
pgd_rows_total(QueryDesc *queryDesc, uint64 added_up)
{
#if PG_VERSION_NUM >= 160000
	return queryDesc->estate->es_total_processed;
#else
	return added_up;
#endif
}

#if PG_VERSION_NUM >= 160000
#define PGD_ROWS_OF_LATEST_RUN_ONLY 0
#else
#define PGD_ROWS_OF_LATEST_RUN_ONLY 1
#endif

/* 17 told shared and local blocks apart in I/O times */
#if PG_VERSION_NUM >= 170000
#define pgd_blk_read_time(b) \
	(pgd_instr_ns((b)->shared_blk_read_time) + \
	 pgd_instr_ns((b)->local_blk_read_time))
#define pgd_blk_write_time(b) \
	(pgd_instr_ns((b)->shared_blk_write_time) + \
	 pgd_instr_ns((b)->local_blk_write_time))
#else
#define pgd_blk_read_time(b) pgd_instr_ns((b)->blk_read_time)
#define pgd_blk_write_time(b) pgd_instr_ns((b)->blk_write_time)
#endif

/* 17 brought transaction_timeout */
#if PG_VERSION_NUM >= 170000
#define PGD_HAVE_TRANSACTION_TIMEOUT 1
#define pgd_transaction_timeout() TransactionTimeout
#else
#define PGD_HAVE_TRANSACTION_TIMEOUT 0
#define pgd_transaction_timeout() 0
#endif

/* 16 turned the array of all settings into a list that is made when asked for */
#if PG_VERSION_NUM >= 160000
#define pgd_guc_variables(n) get_guc_variables(n)
#else
#define pgd_guc_variables(n) (*(n) = GetNumConfigOptions(), get_guc_variables())
#endif

/* 18 counts parallel workers in the executor state */
#if PG_VERSION_NUM >= 180000
#define PGD_HAVE_WORKER_COUNTS 1
#define pgd_workers_to_launch(estate) ((estate)->es_parallel_workers_to_launch)
#define pgd_workers_launched(estate) ((estate)->es_parallel_workers_launched)
#else
#define PGD_HAVE_WORKER_COUNTS 0
#define pgd_workers_to_launch(estate) 0
#define pgd_workers_launched(estate) 0
#endif

/* 18 moved part of EXPLAIN to files of their own */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif
#include "commands/explain.h"

/* 17 added the memory of planning to what EXPLAIN is told */
#if PG_VERSION_NUM >= 170000
#define pgd_explain_plan(plan, es, text, params) \
	ExplainOnePlan(plan, NULL, es, text, params, NULL, NULL, NULL, NULL)
#else
#define pgd_explain_plan(plan, es, text, params) \
	ExplainOnePlan(plan, NULL, es, text, params, NULL, NULL, NULL)
#endif

/* 16 took permissions out of range table entries */
#if PG_VERSION_NUM >= 160000
#define pgd_take_permissions(query, pstate) \
	((query)->rteperminfos = (pstate)->p_rteperminfos)
#else
#define pgd_take_permissions(query, pstate) ((void) 0)
#endif

/* 18 lets the planner know of NULLS NOT DISTINCT */
#if PG_VERSION_NUM >= 180000
#define pgd_set_nulls_not_distinct(info, value) \
	((info)->nullsnotdistinct = (value))
#else
#define pgd_set_nulls_not_distinct(info, value) ((void) (value))
#endif

/* 18 brought virtual generated columns, and one step in bitmap scans less */
#if PG_VERSION_NUM >= 180000
#define pgd_is_virtual_column(attr) \
	((attr)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#define pgd_table_has_bitmap_scan(am) ((am)->scan_bitmap_next_tuple != NULL)
#else
#define pgd_is_virtual_column(attr) ((void) (attr), false)
#define pgd_table_has_bitmap_scan(am) ((am)->scan_bitmap_next_block != NULL)
#endif

/* 18 made the direction of a sort key independent of B-tree's strategies */
#if PG_VERSION_NUM >= 180000
#define pgd_pathkey_ascends(pathkey) ((pathkey)->pk_cmptype == COMPARE_LT)
#else
#define pgd_pathkey_ascends(pathkey) \
	((pathkey)->pk_strategy == BTLessStrategyNumber)
#endif

/* 16 marks columns with the outer joins that may make them NULL */
#if PG_VERSION_NUM >= 160000
#define pgd_var_forget_nulling_rels(var) ((var)->varnullingrels = NULL)
#else
#define pgd_var_forget_nulling_rels(var) ((void) (var))
#endif

/* 17 took the statistics target out of the column's description */
#if PG_VERSION_NUM >= 170000
#define pgd_use_default_target(stats) ((stats)->attstattarget = -1)
#else
#define pgd_use_default_target(stats) \
	((stats)->attr = palloc0(sizeof(FormData_pg_attribute)), \
	 (stats)->attr->attstattarget = -1)
#endif

/*
 * PREPARE and EXECUTE are never counted, as pg_stat_statements does it; it
 * counts DEALLOCATE since 17.
 */
#if PG_VERSION_NUM >= 170000
#define pgd_utility_counted(stmt) true
#else
#define pgd_utility_counted(stmt) (!IsA(stmt, DeallocateStmt))
#endif

/* 16 moved what is to be checked out of the range table */
static inline void
pgd_check_permissions(PlannedStmt *stmt)
{
#if PG_VERSION_NUM >= 160000
	(void) ExecCheckPermissions(stmt->rtable, stmt->permInfos, true);
#else
	(void) ExecCheckRTPerms(stmt->rtable, true);
#endif
}

/* What files say about the server that wrote them. */
#define PGD_SERVER_VERSION	PG_VERSION_NUM

#endif							/* PGD_COMPAT_H */
