/*-------------------------------------------------------------------------
 *
 * touches.c
 *		Which rows this session has read and written of late.
 *
 * A row is a table and the hash of the key by which it was found.  The latest
 * TOUCHES of them are remembered while a transcript lasts: enough to see that
 * a value is written into a row that was read before, that a row is updated
 * twice, or inserted after it was not found.  With more rows in play than
 * that, something is missed, and nothing invented.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"

#include "touches.h"
#include "writers.h"

#define TOUCHES		16

typedef struct PgdTouch
{
	Oid			relid;			/* InvalidOid: unused */
	uint8		position;		/* of the statement that read it */
	bool		read;			/* and what was read is still in hand */
	bool		locked;			/* against changes by others */
	bool		missing;		/* it was not found */
	bool		written;
	bool		uncommitted;	/* written by the open transaction */
	uint64		key;
	TimestampTz read_at;
} PgdTouch;

static PgdTouch touches[TOUCHES];
static int	turn = 0;
static int	in_use = 0;
static bool any_uncommitted = false;

void
pgd_touches_forget(void)
{
	if (in_use > 0)
		memset(touches, 0, sizeof(touches));
	in_use = 0;
	turn = 0;
	any_uncommitted = false;
}

/*
 * A transaction ended: what it changed is there for all, or for nobody.
 */
void
pgd_touches_settle(bool committed, TimestampTz at)
{
	if (!any_uncommitted)
		return;
	any_uncommitted = false;
	for (int i = 0; i < in_use; i++)
	{
		PgdTouch   *touch = &touches[i];

		if (touch->uncommitted && committed)
			pgd_writers_post(touch->relid, touch->key, at);
		touch->uncommitted = false;
		touch->locked = false;
	}
}

/* Positions have been folded. */
void
pgd_touches_moved(const PgdTranscript *t)
{
	for (int i = 0; i < in_use; i++)
		touches[i].position = pgd_transcript_moved(t, touches[i].position);
}

static PgdTouch *
find(Oid relid, uint64 key)
{
	for (int i = 0; i < in_use; i++)
	{
		if (touches[i].key == key && touches[i].relid == relid)
			return &touches[i];
	}
	return NULL;
}

static PgdTouch *
get(Oid relid, uint64 key)
{
	PgdTouch   *touch = find(relid, key);

	if (touch == NULL)
	{
		touch = &touches[turn];
		turn = (turn + 1) % TOUCHES;
		in_use = Min(in_use + 1, TOUCHES);
		/* a change that is forgotten here is not posted */
		memset(touch, 0, sizeof(PgdTouch));
		touch->relid = relid;
		touch->key = key;
		touch->position = PGD_NOWHERE;
	}
	return touch;
}

/*
 * A row was read, or not found.
 */
void
pgd_touches_read(Oid relid, uint64 key, int position, bool locked, bool found,
				 TimestampTz at)
{
	PgdTouch   *touch = get(relid, key);

	touch->read = found;
	touch->missing = !found;
	touch->locked |= locked;
	touch->position = position;
	touch->read_at = at;
}

/*
 * A row was updated or deleted.  The change is posted when it is committed.
 */
void
pgd_touches_write(PgdTranscript *t, PgdStep *step, uint64 key)
{
	PgdTouch   *touch = get(step->relid, key);

	if (touch->uncommitted && (step->flags & PGD_UPDATES) != 0)
	{
		step->same_row++;
		t->saw |= PGD_SAW_ROWS;
	}
	if (touch->read && !touch->locked && !touch->uncommitted &&
		(step->flags & PGD_SETS_VALUE) != 0 &&
		(step->flags & PGD_GUARDED) == 0)
	{
		step->stale_writes++;
		step->source = touch->position;
		t->saw |= PGD_SAW_ROWS;
		if (pgd_writers_since(step->relid, key, touch->read_at))
			step->overtaken++;
	}
	touch->read = false;
	touch->missing = false;
	touch->written = true;
	touch->uncommitted = true;
	any_uncommitted = true;
}

/*
 * A row was inserted: after a look whether it is there?
 */
void
pgd_touches_insert(PgdTranscript *t, PgdStep *step)
{
	for (int i = 0; i < in_use; i++)
	{
		if (touches[i].relid == step->relid && touches[i].missing)
		{
			touches[i].missing = false;
			step->blind_inserts++;
			step->source = touches[i].position;
			t->saw |= PGD_SAW_ROWS;
			return;
		}
	}
}
