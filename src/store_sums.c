/*-------------------------------------------------------------------------
 *
 * store_sums.c
 *		The store's sums of transactions and of sessions.
 *
 * Both are much like the table of statements, but smaller: each has one lock,
 * taken by the rules at the top of store.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "reading.h"
#include "sessions.h"
#include "shapes.h"
#include "store.h"

#define READER_NAP		1000	/* microseconds, then all over again */

static void reset_shapes(Oid userid, Oid dbid);

/* ----------
 * Transactions
 * ----------
 */

/*
 * The slot of a backend, or NULL if it is of a kind that has none.
 */
PgdXactSlot *
pgd_store_xact_slot(int procno)
{
	PgdXactSlot *slots;

	if (!pgd_store_ready() || procno < 0 || procno >= pgd_shapes_slots(&slots))
		return NULL;
	return &slots[procno];
}

/*
 * Move one pending shape of our own slot to the table and free its place.
 * Returns false, without having done anything, if the table is busy and we
 * are not to wait.
 */
bool
pgd_store_merge_shape(PgdXactSlot *slot, int place, bool wait)
{
	uint32		bit = 1 << place;

	if (wait)
		LWLockAcquire(pgd_store_lock(PGD_STORE_SHAPES), LW_EXCLUSIVE);
	else if (!pgd_store_lock_patiently(pgd_store_lock(PGD_STORE_SHAPES), LW_EXCLUSIVE))
		return false;

	/* A reset needs this lock, too: this cannot change under us. */
	if ((pg_atomic_read_u32(&slot->discard) & bit) == 0)
		pgd_shape_add_pending(pgd_shapes_get(&slot->pending[place].sums.key),
							  &slot->pending[place]);

	pgd_xact_begin_change(slot);
	slot->used &= ~bit;
	pgd_xact_end_change(slot);
	pg_atomic_fetch_and_u32(&slot->discard, ~bit);

	LWLockRelease(pgd_store_lock(PGD_STORE_SHAPES));
	return true;
}

/*
 * Forget shapes; InvalidOid stands for any.
 */
static void
reset_shapes(Oid userid, Oid dbid)
{
	PgdShapeEntry *entry;
	PgdXactSlot *slots;
	int			nslots = pgd_shapes_slots(&slots);
	int			n;

	LWLockAcquire(pgd_store_lock(PGD_STORE_SHAPES), LW_EXCLUSIVE);
	n = pgd_shapes_entries(&entry);
	for (; n > 0; n--, entry++)
	{
		const PgdShapeKey *key = &entry->shape.sums.key;

		if (entry->in_use && (!OidIsValid(userid) || key->userid == userid) &&
			(!OidIsValid(dbid) || key->dbid == dbid))
			pgd_shapes_free(entry);
	}

	/* What lies in slots is for their owners to clear. */
	for (int s = 0; s < nslots; s++)
	{
		PgdXactSlot *slot = &slots[s];
		uint32		discard = 0;

		for (int i = 0; i < PGD_SHAPE_PLACES; i++)
		{
			const PgdShapeKey *key = &slot->pending[i].sums.key;

			if ((slot->used & (1 << i)) != 0 &&
				(!OidIsValid(userid) || key->userid == userid) &&
				(!OidIsValid(dbid) || key->dbid == dbid))
				discard |= 1 << i;
		}
		if (slot->open.kind == PGD_XACT_BURST &&
			(!OidIsValid(userid) || slot->open.userid == userid) &&
			(!OidIsValid(dbid) || slot->open.dbid == dbid))
			discard |= PGD_DISCARD_BURST;
		if (discard != 0)
			pg_atomic_fetch_or_u32(&slot->discard, discard);
	}
	LWLockRelease(pgd_store_lock(PGD_STORE_SHAPES));
}

/*
 * Put back what an earlier server left, as pgd_store_restore().
 */
void
pgd_store_restore_shape(const PgdShape *shape)
{
	PgdShape   *known = pgd_shapes_get(&shape->sums.key);

	known->sums.tag = shape->sums.tag;
	pgd_shape_add(known, shape);
}

/*
 * Copy the table and all slots as of one moment.  To be freed by the caller.
 */
void
pgd_store_copy_shapes(PgdShapesCopy *copy)
{
	PgdShapeEntry *entries;
	PgdXactSlot *slots;
	int			nentries = pgd_shapes_entries(&entries);
	int			nslots = pgd_shapes_slots(&slots);
	int			nused = 0;
	int			nbusy = 0;
	bool		complete;

	/* as many as there are now, more or less */
	for (int i = 0; i < nentries; i++)
		nused += entries[i].in_use;
	for (int s = 0; s < nslots; s++)
		nbusy += (slots[s].pid != 0);

	/* address space; what is not used is never touched */
	copy->shapes = MemoryContextAllocHuge(CurrentMemoryContext,
										  mul_size(sizeof(PgdShape), nentries));
	copy->slots = MemoryContextAllocHuge(CurrentMemoryContext,
										 mul_size(sizeof(PgdXactSlot), nslots));
	pgd_reading_touch(copy->shapes, nused * sizeof(PgdShape));
	pgd_reading_touch(copy->slots, nbusy * sizeof(PgdXactSlot));
	do
	{
		CHECK_FOR_INTERRUPTS();
		copy->nshapes = 0;
		copy->nslots = 0;
		complete = true;

		LWLockAcquire(pgd_store_lock(PGD_STORE_SHAPES), LW_SHARED);
		for (int i = 0; i < nentries; i++)
		{
			if (entries[i].in_use)
				copy->shapes[copy->nshapes++] = entries[i].shape;
		}
		for (int s = 0; s < nslots && complete; s++)
		{
			if (slots[s].pid != 0)
				complete = pgd_xact_slot_read(&slots[s],
											  &copy->slots[copy->nslots++]);
		}
		LWLockRelease(pgd_store_lock(PGD_STORE_SHAPES));
		if (!complete)
			pg_usleep(READER_NAP);
	} while (!complete);
}

/* ----------
 * Sessions
 * ----------
 */

/*
 * The place where a backend counts what its session does, or NULL if it is
 * of a kind that has none.
 */
PgdSession *
pgd_store_session_begin(int procno, const PgdSessionKey *key,
						TimestampTz begin)
{
	PgdSession *session = pgd_store_ready() ? pgd_sessions_get(procno) : NULL;

	if (session != NULL)
	{
		LWLockAcquire(pgd_store_lock(PGD_STORE_SESSIONS), LW_EXCLUSIVE);
		pgd_sessions_enter(session, key, begin);
		LWLockRelease(pgd_store_lock(PGD_STORE_SESSIONS));
	}
	return session;
}

/*
 * The session has another name from now on.  Returns false, without having
 * done anything, if the lock is busy.
 */
bool
pgd_store_session_rename(PgdSession *session, const PgdSessionKey *key,
						 TimestampTz now)
{
	if (!pgd_store_lock_patiently(pgd_store_lock(PGD_STORE_SESSIONS), LW_EXCLUSIVE))
		return false;
	pgd_sessions_rename(session, key, now);
	LWLockRelease(pgd_store_lock(PGD_STORE_SESSIONS));
	return true;
}

void
pgd_store_session_end(PgdSession *session, TimestampTz now)
{
	LWLockAcquire(pgd_store_lock(PGD_STORE_SESSIONS), LW_EXCLUSIVE);
	pgd_sessions_leave(session, now);
	LWLockRelease(pgd_store_lock(PGD_STORE_SESSIONS));
}

/*
 * Visit all sums of sessions, as of now.  No lock is held while visiting.
 */
void
pgd_store_read_sessions(PgdSessionVisitor visit, void *arg)
{
	PgdSessionSum *sums = palloc(sizeof(PgdSessionSum) *
								 (PGD_SESSION_SUMS + 1));
	int			n;

	LWLockAcquire(pgd_store_lock(PGD_STORE_SESSIONS), LW_SHARED);
	n = pgd_sessions_copy(sums, GetCurrentTimestamp());
	LWLockRelease(pgd_store_lock(PGD_STORE_SESSIONS));
	for (int i = 0; i < n; i++)
		visit(&sums[i], arg);
	pfree(sums);
}

/* ----------
 * The archive's folder
 * ----------
 */

void
pgd_store_lock_archive(void)
{
	LWLockAcquire(pgd_store_lock(PGD_STORE_ARCHIVE), LW_EXCLUSIVE);
}

void
pgd_store_unlock_archive(void)
{
	LWLockRelease(pgd_store_lock(PGD_STORE_ARCHIVE));
}

/* ----------
 * Both
 * ----------
 */

/*
 * Forget transactions and sessions; InvalidOid stands for any.
 */
void
pgd_store_reset_sums(Oid userid, Oid dbid)
{
	reset_shapes(userid, dbid);
	LWLockAcquire(pgd_store_lock(PGD_STORE_SESSIONS), LW_EXCLUSIVE);
	pgd_sessions_forget(userid, dbid, GetCurrentTimestamp());
	LWLockRelease(pgd_store_lock(PGD_STORE_SESSIONS));
}

void
pgd_store_status_of_sums(PgdStoreStatus *status)
{
	PgdShapeEntry *shapes;

	LWLockAcquire(pgd_store_lock(PGD_STORE_SHAPES), LW_SHARED);
	status->shapes_max = pgd_shapes_entries(&shapes);
	for (int i = 0; i < status->shapes_max; i++)
		status->shapes_used += shapes[i].in_use;
	status->shape_evictions = pgd_shapes_evictions();
	LWLockRelease(pgd_store_lock(PGD_STORE_SHAPES));
}
