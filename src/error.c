/*-------------------------------------------------------------------------
 *
 * error.c
 *		Whose error is it?
 *
 * An error is counted for the statement that raised it, and for every
 * statement around that one which it ends, too, there marked as nested.  An
 * error that ends no statement that we follow (it may not even have parsed)
 * is counted by database and SQLSTATE: a stray.
 *
 * Everything here happens while an error is in flight, or the process on its
 * way out: no allocation, no error, no look at a catalog.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/parallel.h"
#include "miscadmin.h"

#include "error.h"

/* The error in flight has been counted for a statement. */
static bool counted = false;

/*
 * The error that was counted and then reached a subtransaction; 0: none, or
 * another statement has begun since.
 */
static int	landed_sqlstate = 0;
static int	counted_sqlstate = 0;

/* The latest FATAL error: it passes no handler on its way out. */
static int	fatal_sqlstate = 0;

/*
 * An error passes a statement; "execution" is NULL if we do not follow it.
 */
void
pgd_error_caught(PgdExecution *execution)
{
	int			sqlstate;

	if (execution == NULL || execution->counted)
		return;
	sqlstate = geterrcode();
	pgd_statement_failed(execution, sqlstate,
						 counted || sqlstate == landed_sqlstate);
	counted = true;
	counted_sqlstate = sqlstate;
}

/*
 * The error in flight, if any, is over: a new statement begins.
 */
void
pgd_error_settled(void)
{
	counted = false;
	landed_sqlstate = 0;
}

/*
 * A subtransaction is rolled back: maybe somebody caught the error.  Or a
 * block of PL/pgSQL looked at it, and lets it pass or raises it again; then
 * it comes by with the same SQLSTATE before any other statement begins.
 */
void
pgd_error_landed(void)
{
	if (counted)
		landed_sqlstate = counted_sqlstate;
	counted = false;
}

/*
 * An error is reported to the server log.  That may be long before or long
 * after we are ready to count anything.
 */
void
pgd_error_reported(const ErrorData *error)
{
	bool		stray;

	if (error->elevel < ERROR || !pgd_store_ready() || IsParallelWorker() ||
		!OidIsValid(MyDatabaseId))
		return;

	if (error->elevel == ERROR)
		stray = !counted;
	else
	{
		stray = true;
		for (PgdExecution *e = pgd_executions; e != NULL; e = e->outer)
		{
			if (e->running)
				stray = false;	/* pgd_error_exit() will count it */
		}
		fatal_sqlstate = error->sqlerrcode;
	}
	counted = false;

	if (stray)
		pgd_store_count_stray(MyDatabaseId, error->sqlerrcode, 1);
}

/*
 * The session ends.  What is still running was ended by a FATAL error.
 */
void
pgd_error_exit(void)
{
	bool		nested = false;

	for (PgdExecution *e = pgd_executions; e != NULL; e = e->outer)
	{
		if (e->running && !e->counted)
		{
			pgd_statement_failed(e, fatal_sqlstate != 0 ? fatal_sqlstate :
								 ERRCODE_ADMIN_SHUTDOWN, nested);
			nested = true;
		}
		e->counted = true;
	}
}
