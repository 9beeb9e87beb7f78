/*-------------------------------------------------------------------------
 *
 * pg_diagnose.c
 *		Entry point: starts the parts in order, nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "miscadmin.h"
#include "utils/guc.h"

#include "compat.h"
#include "guc.h"
#include "hooks.h"
#include "hooks_planner.h"
#include "worker.h"

PGD_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
	/*
	 * Shared memory can only be had at server start.  Loaded later, all our
	 * functions say what is missing.  A server that is being upgraded, or is
	 * for a single user, is left alone.
	 */
	if (!process_shared_preload_libraries_in_progress ||
		!IsPostmasterEnvironment || IsBinaryUpgrade)
		return;

	if (GetConfigOption("pg_stat_statements.max", true, false) == NULL)
		ereport(WARNING,
				(errmsg("pg_stat_statements is not loaded before pg_diagnose"),
				 errdetail("Utility statements cannot be told apart, and numbers of the two will differ."),
				 errhint("Set shared_preload_libraries = 'pg_stat_statements,pg_diagnose', in this order.")));

	EnableQueryId();
	pgd_guc_init();
	pgd_hooks_init();
	pgd_hooks_planner_init();
	pgd_worker_register();
}
