/*-------------------------------------------------------------------------
 *
 * touches.c
 *		Which rows this session has read and written of late.
 *
 * A row is a table and the hash of the key by which it was found.  The latest
 * PGD_TOUCHES of them are remembered while a transcript lasts: enough to see that
 * a value is written into a row that was read before, that a row is updated
 * twice, or inserted after it was not found.  With more rows in play than
 * that, something is missed, and nothing invented.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"

#include "touches.h"
#include "writers.h"

PgdTouch	pgd_touches[PGD_TOUCHES];
uint32		pgd_touch_turn = 0;

static bool any_written = false;

void
pgd_touches_forget(void)
{
	if (pgd_touch_turn > 0)
		memset(pgd_touches, 0, sizeof(pgd_touches));
	pgd_touch_turn = 0;
	any_written = false;
}

/*
 * A transaction ended: what it changed is there for all, or, without an
 * identifier, for nobody.
 */
void
pgd_touches_settle(TransactionId xid)
{
	if (!any_written)
		return;
	any_written = false;
	for (int i = 0; i < PGD_TOUCHES; i++)
	{
		PgdTouch   *touch = &pgd_touches[i];

		if ((touch->what & PGD_TOUCH_WRITTEN) != 0 && TransactionIdIsValid(xid))
			pgd_writers_post(touch->relid, touch->row, xid);
		touch->what &= ~PGD_TOUCH_WRITTEN;
	}
}

/* Positions have been folded. */
void
pgd_touches_moved(const PgdTranscript *t)
{
	for (int i = 0; i < PGD_TOUCHES; i++)
		pgd_touches[i].position = pgd_transcript_moved(t, pgd_touches[i].position);
}

/*
 * A row was updated or deleted.  The change is posted when it is committed.
 */
void
pgd_touches_write(PgdTranscript *t, PgdStep *step, uint64 row)
{
	PgdTouch   *read = NULL;
	PgdTouch   *touch;
	uint16		known = 0;

	/* from the latest one back */
	for (uint32 i = pgd_touch_turn; i + PGD_TOUCHES > pgd_touch_turn; i--)
	{
		touch = &pgd_touches[(i - 1) % PGD_TOUCHES];
		if (touch->row != row || touch->relid != step->relid)
			continue;
		if ((touch->what & PGD_TOUCH_READ) != 0 && read == NULL)
			read = touch;
		known |= touch->what;
		touch->what &= ~(PGD_TOUCH_READ | PGD_TOUCH_MISSING);
	}

	if ((known & PGD_TOUCH_WRITTEN) != 0 && (step->flags & PGD_UPDATES) != 0)
	{
		step->same_row++;
		t->saw |= PGD_SAW_ROWS;
	}
	if (read != NULL &&
		(known & (PGD_TOUCH_LOCKED | PGD_TOUCH_WRITTEN)) == 0 &&
		(step->flags & (PGD_SETS_VALUE | PGD_GUARDED)) == PGD_SETS_VALUE)
	{
		step->stale_writes++;
		step->source = read->position;
		t->saw |= PGD_SAW_ROWS;
		if (pgd_writers_since(step->relid, row, read->xmax))
			step->overtaken++;
	}
	if ((known & PGD_TOUCH_WRITTEN) == 0)
	{
		/* a change that this makes forget is not posted */
		touch = &pgd_touches[pgd_touch_turn++ % PGD_TOUCHES];
		touch->row = row;
		touch->relid = step->relid;
		touch->position = t->last;
		touch->xmax = InvalidTransactionId;
		touch->what = PGD_TOUCH_WRITTEN;
		any_written = true;
	}
}

/*
 * A row was inserted: after a look whether it is there?
 */
void
pgd_touches_insert(PgdTranscript *t, PgdStep *step)
{
	for (uint32 i = pgd_touch_turn; i + PGD_TOUCHES > pgd_touch_turn; i--)
	{
		PgdTouch   *touch = &pgd_touches[(i - 1) % PGD_TOUCHES];

		if ((touch->what & PGD_TOUCH_MISSING) != 0 && touch->relid == step->relid)
		{
			touch->what &= ~PGD_TOUCH_MISSING;
			step->blind_inserts++;
			step->source = touch->position;
			t->saw |= PGD_SAW_ROWS;
			return;
		}
	}
}
