/*-------------------------------------------------------------------------
 *
 * blocking.c
 *		Does somebody wait for what our transaction has locked?
 *
 *
 * Who waits for a row waits for the transaction, or the savepoint, that locked
 * it; who waits for a table waits for that.  The server tells from the locks
 * that we hold.  It is asked at the end of a long think time, so who gave up
 * before is not seen.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "access/xact.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "storage/lock.h"

#include "blocking.h"
#include "compat.h"

#define SUBXIDS		8			/* levels of savepoints that are looked at */

static int	levels;
static TransactionId subxids[SUBXIDS];

void
pgd_blocking_begin(void)
{
	levels = 0;
}

/*
 * A statement was run inside a savepoint: which identifier do its locks have?
 */
void
pgd_blocking_note_level(void)
{
	int			level = GetCurrentTransactionNestLevel() - 2;

	if (level < 0 || level >= SUBXIDS)
		return;
	for (; levels <= level; levels++)
		subxids[levels] = InvalidTransactionId;
	subxids[level] = GetCurrentTransactionIdIfAny();
}

/* A savepoint is gone. */
void
pgd_blocking_end_level(void)
{
	levels = Min(levels, Max(GetCurrentTransactionNestLevel() - 2, 0));
}

/*
 * Is somebody waiting for what our transaction, or an open savepoint of it,
 * has locked?
 */
static bool
is_waited_for(const LOCKTAG *locktag, LOCKMODE mode)
{
	return pgd_lock_held_by_me(locktag, mode) &&
		LockHasWaiters(locktag, mode, false);
}

bool
pgd_blocking(const PgdTranscript *t)
{
	LOCKTAG		locktag;
	TransactionId xid = GetTopTransactionIdIfAny();

	if (TransactionIdIsValid(xid))
	{
		SET_LOCKTAG_TRANSACTION(locktag, xid);
		if (is_waited_for(&locktag, ExclusiveLock))
			return true;
	}
	for (int i = 0; i < levels; i++)
	{
		if (TransactionIdIsValid(subxids[i]))
		{
			SET_LOCKTAG_TRANSACTION(locktag, subxids[i]);
			if (is_waited_for(&locktag, ExclusiveLock))
				return true;
		}
	}
	for (int i = 0; (t->saw & PGD_SAW_TABLE_LOCK) != 0 && i < t->nsteps; i++)
	{
		const PgdStep *s = &t->steps[i];

		if ((s->flags & PGD_LOCKS_TABLE) == 0 || !OidIsValid(s->relid))
			continue;
		SET_LOCKTAG_RELATION(locktag, MyDatabaseId, s->relid);
		for (LOCKMODE mode = ShareLock; mode <= AccessExclusiveLock; mode++)
		{
			if (is_waited_for(&locktag, mode))
				return true;
		}
	}
	return false;
}
