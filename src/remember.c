/*-------------------------------------------------------------------------
 *
 * remember.c
 *		Answers about windows that cannot change, kept for a transaction.
 *
 * Many rules ask the same: the workload of a window, its transactions.  When
 * both ends of a window are fixed, so is the answer, and the first who asks
 * finds it out for all.  A window that ends with the present is asked anew
 * each time.
 *
 * The latest few answers are kept, until the end of the transaction, and each
 * only up to a size.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

#include "remember.h"

#define ANSWERS			6
#define LARGEST_ROWS	50000

typedef struct Answer
{
	Oid			function;		/* InvalidOid: none */
	Oid			userid;			/* what may be seen depends on who asks */
	PgdWindow	window;
	uint64		last_used;
	uint64		n;
	MinimalTuple *rows;
	MemoryContext context;
} Answer;

static Answer answers[ANSWERS];
static uint64 uses;

/* The memory goes, in whatever way; so does what points there. */
static void
forget(void *arg)
{
	((Answer *) arg)->function = InvalidOid;
}

static Answer *
find(Oid function, const PgdWindow *window)
{
	for (int i = 0; i < ANSWERS; i++)
	{
		Answer	   *answer = &answers[i];

		if (answer->function == function &&
			answer->userid == GetUserId() &&
			answer->window.lower == window->lower &&
			answer->window.upper == window->upper)
		{
			answer->last_used = ++uses;
			return answer;
		}
	}
	return NULL;
}

/*
 * SELECT * FROM diagnose.<function>(w) AS r (<columns as they are wanted>)
 */
static char *
query_of(const char *function, TupleDesc desc)
{
	StringInfoData query;

	initStringInfo(&query);
	appendStringInfo(&query, "SELECT * FROM diagnose.%s(ROW($1, $2)::diagnose.window) AS r (",
					 quote_identifier(function));
	for (int i = 0; i < desc->natts; i++)
		appendStringInfo(&query, "%s%s %s", i == 0 ? "" : ", ",
						 quote_identifier(NameStr(TupleDescAttr(desc, i)->attname)),
						 format_type_be_qualified(TupleDescAttr(desc, i)->atttypid));
	appendStringInfoChar(&query, ')');
	return query.data;
}

/*
 * Keep what SPI has found.
 */
static void
keep(Oid function, const PgdWindow *window, TupleDesc desc)
{
	Answer	   *answer = &answers[0];
	MemoryContextCallback *callback;
	MemoryContext old;
	TupleTableSlot *slot;

	if (SPI_processed > LARGEST_ROWS)
		return;
	for (int i = 1; i < ANSWERS; i++)
	{
		if (OidIsValid(answer->function) &&
			(!OidIsValid(answers[i].function) ||
			 answers[i].last_used < answer->last_used))
			answer = &answers[i];
	}
	if (OidIsValid(answer->function))
		MemoryContextDelete(answer->context);

	answer->context = AllocSetContextCreate(TopTransactionContext,
											"pg_diagnose answer",
											ALLOCSET_DEFAULT_SIZES);
	slot = MakeSingleTupleTableSlot(desc, &TTSOpsHeapTuple);
	old = MemoryContextSwitchTo(answer->context);
	answer->rows = palloc(sizeof(MinimalTuple) * Max(SPI_processed, 1));
	answer->n = 0;
	while (answer->n < SPI_processed)
	{
		ExecStoreHeapTuple(SPI_tuptable->vals[answer->n], slot, false);
		answer->rows[answer->n++] = ExecCopySlotMinimalTuple(slot);
	}
	callback = palloc(sizeof(MemoryContextCallback));
	callback->func = forget;
	callback->arg = answer;
	MemoryContextRegisterResetCallback(answer->context, callback);
	MemoryContextSwitchTo(old);
	ExecDropSingleTupleTableSlot(slot);

	answer->userid = GetUserId();
	answer->window = *window;
	answer->last_used = ++uses;
	answer->function = function;
}

/*
 * Ask, and put the rows into the caller's result.
 */
static void
ask(ReturnSetInfo *rsinfo, Oid id, const PgdWindow *window,
	const char *function)
{
	Oid			types[] = {INT8OID, INT8OID};
	Datum		values[] = {
		Int64GetDatum((int64) window->lower),
		Int64GetDatum((int64) window->upper)
	};
	char		nulls[] = {
		window->lower == 0 ? 'n' : ' ',
		window->upper == 0 ? 'n' : ' '
	};

	SPI_connect();
	if (SPI_execute_with_args(query_of(function, rsinfo->setDesc),
							  lengthof(types), types, values, nulls,
							  true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not ask diagnose.%s()", function);
	for (uint64 i = 0; i < SPI_processed; i++)
		tuplestore_puttuple(rsinfo->setResult, SPI_tuptable->vals[i]);
	if (window->upper != 0)
		keep(id, window, rsinfo->setDesc);
	SPI_finish();
}

/*
 * The answer of a function to the question about a window, as the result of
 * the function that is being executed.  It returns records; what columns they
 * have says the declaration of the latter.
 */
void
pgd_remember(FunctionCallInfo fcinfo, const PgdWindow *window,
			 const char *function)
{
	ReturnSetInfo *rsinfo;
	Oid			id = fcinfo->flinfo->fn_oid;
	const Answer *answer = window->upper != 0 ? find(id, window) : NULL;

	InitMaterializedSRF(fcinfo, 0);
	rsinfo = (ReturnSetInfo *) fcinfo->resultinfo;
	if (answer != NULL)
	{
		TupleTableSlot *slot = MakeSingleTupleTableSlot(rsinfo->setDesc,
														&TTSOpsMinimalTuple);

		for (uint64 i = 0; i < answer->n; i++)
		{
			ExecStoreMinimalTuple(answer->rows[i], slot, false);
			tuplestore_puttupleslot(rsinfo->setResult, slot);
		}
		ExecDropSingleTupleTableSlot(slot);
		return;
	}
	ask(rsinfo, id, window, function);
}
