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
#include "strays.h"

int			pgd_error_counted = 0;

/*
 * The error that was counted has reached a subtransaction since: maybe
 * somebody caught it.
 */
static bool landed = false;

/* The latest FATAL error: it passes no handler on its way out. */
static int	fatal_sqlstate = 0;

/*
 * Is an error the one that was counted before?  A subtransaction may have
 * been the end of that one.  But a block of PL/pgSQL also rolls back before
 * it lets an error pass or raises it again; then it comes by with the same
 * SQLSTATE before any other statement begins.
 */
static bool
is_counted(int sqlstate)
{
	return pgd_error_counted != 0 &&
		(!landed || pgd_error_counted == sqlstate);
}

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
	pgd_statement_failed(execution, sqlstate, is_counted(sqlstate));
	pgd_error_counted = sqlstate;
	landed = false;
}

/*
 * A subtransaction is rolled back.
 */
void
pgd_error_landed(void)
{
	landed = true;
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
		stray = !is_counted(error->sqlerrcode);
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
	pgd_error_settled();

	if (stray)
		pgd_strays_count(MyDatabaseId, error->sqlerrcode, 1);
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
