/*-------------------------------------------------------------------------
 *
 * snapshot_held.c
 *		The present, held still for as long as a transaction looks at it.
 *
 * Who asks many questions about the present, as findings() does, wants all of
 * the answers to be about the same moment, and what was found out for one of
 * them to serve for the next.  So an image of the present is kept in memory
 * under a number, and can then be the end of a window as if it were a file.
 * The latest few are kept, until the end of the transaction.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "snapshot.h"
#include "snapshot_held.h"

#define HELD		4

typedef struct HeldImage
{
	uint64		id;				/* 0: none */
	PgdImage	image;
	MemoryContext context;
} HeldImage;

static HeldImage held[HELD];
static uint64 last_id = PGD_FIRST_HELD;

/* The memory goes, in whatever way; so does what points there. */
static void
let_go(void *arg)
{
	((HeldImage *) arg)->id = 0;
}

uint64
pgd_hold_now(void)
{
	HeldImage  *place = &held[last_id % HELD];
	MemoryContextCallback *callback;
	MemoryContext old;

	if (place->id != 0)
		MemoryContextDelete(place->context);
	place->context = AllocSetContextCreate(TopTransactionContext,
										   "pg_diagnose held snapshot",
										   ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(place->context);
	pgd_snapshot_live(&place->image);
	callback = palloc(sizeof(MemoryContextCallback));
	callback->func = let_go;
	callback->arg = place;
	MemoryContextRegisterResetCallback(place->context, callback);
	MemoryContextSwitchTo(old);
	place->id = ++last_id;
	return place->id;
}

/*
 * NULL if it is not, or no longer, there.
 */
const PgdImage *
pgd_held_image(uint64 id)
{
	HeldImage  *place = &held[(id - 1) % HELD];

	return id > PGD_FIRST_HELD && place->id == id ? &place->image : NULL;
}
