/*-------------------------------------------------------------------------
 *
 * safely.c
 *		Work on a statement's way that must not fail it.
 *
 * Server functions that allocate memory or complain are called from here.
 * Messages were given to the user where the server did the same work, so
 * they are hushed.  Interrupts are held: what is caught can only be the
 * function's complaint, or lack of memory or of stack, never a cancel request.
 * An error resets the holdoff counts, and the caller may have had a reason to
 * hold off interrupts: they are set back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/guc.h"
#include "utils/memutils.h"

#include "safely.h"

bool
pgd_safely(void (*work) (void *), void *arg)
{
	MemoryContext oldcontext = CurrentMemoryContext;
	ErrorContextCallback *callbacks = error_context_stack;
	uint32		interrupt_holdoff = InterruptHoldoffCount;
	uint32		cancel_holdoff = QueryCancelHoldoffCount;
	int			client_level = client_min_messages;
	int			log_level = log_min_messages;
	volatile MemoryContext context = NULL;
	volatile bool done = false;

	Assert(CritSectionCount == 0);
	HOLD_INTERRUPTS();
	error_context_stack = NULL;
	client_min_messages = ERROR;
	log_min_messages = PANIC;
	PG_TRY();
	{
		context = AllocSetContextCreate(oldcontext, "pg_diagnose work",
										ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(context);
		work(arg);
		done = true;
	}
	PG_CATCH();
	{
		FlushErrorState();
	}
	PG_END_TRY();
	client_min_messages = client_level;
	log_min_messages = log_level;
	error_context_stack = callbacks;
	MemoryContextSwitchTo(oldcontext);
	if (context != NULL)
		MemoryContextDelete(context);
	InterruptHoldoffCount = interrupt_holdoff;
	QueryCancelHoldoffCount = cancel_holdoff;
	return done;
}
