/*-------------------------------------------------------------------------
 *
 * strays.c
 *		Errors that belong to no statement, by database and SQLSTATE.
 *
 * A statement that did not parse has no identifier, and a COMMIT that fails
 * comes after its statement.  Such errors are counted in a small table of
 * their own in shared memory.  It is written while an error is being
 * reported, so it works without locks: a place is taken by an atomic
 * exchange of its key, and never given back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "port/atomics.h"
#include "storage/shmem.h"

#include "strays.h"

#define PLACES	256				/* (database, SQLSTATE) pairs */

typedef struct PgdStray
{
	pg_atomic_uint64 key;		/* database << 32 | SQLSTATE, 0: free */
	pg_atomic_uint64 count;
} PgdStray;

/* The last one is for all that found no place. */
static PgdStray *strays;		/* [PLACES + 1] */

/*
 * Find out the size and, given where to begin, the place.
 */
Size
pgd_strays_layout(char *base)
{
	strays = (PgdStray *) base;
	return CACHELINEALIGN(sizeof(PgdStray) * (PLACES + 1));
}

void
pgd_strays_clear(void)
{
	for (int i = 0; i <= PLACES; i++)
	{
		pg_atomic_init_u64(&strays[i].key, 0);
		pg_atomic_init_u64(&strays[i].count, 0);
	}
}

/*
 * Forget the errors of a database, or of all if it is InvalidOid.
 */
void
pgd_strays_reset(Oid dbid)
{
	for (int i = 0; i <= PLACES; i++)
	{
		uint64		key = pg_atomic_read_u64(&strays[i].key);

		if (!OidIsValid(dbid) || (Oid) (key >> 32) == dbid)
			pg_atomic_write_u64(&strays[i].count, 0);
	}
}

/*
 * Called while an error is being reported: neither allocates nor locks nor
 * throws.
 */
void
pgd_strays_count(Oid dbid, int32 sqlstate, uint64 count)
{
	uint64		key = (uint64) dbid << 32 | (uint32) sqlstate;
	PgdStray   *stray = &strays[PLACES];

	/* key 0: what an earlier server could not keep apart */
	for (int i = 0; i < PLACES && key != 0; i++)
	{
		uint64		seen = pg_atomic_read_u64(&strays[i].key);

		if (seen == 0 &&
			pg_atomic_compare_exchange_u64(&strays[i].key, &seen, key))
			seen = key;
		if (seen == key)
		{
			stray = &strays[i];
			break;
		}
	}
	pg_atomic_fetch_add_u64(&stray->count, count);
}

void
pgd_strays_read(PgdStrayVisitor visit, void *arg)
{
	for (int i = 0; i <= PLACES; i++)
	{
		uint64		key = pg_atomic_read_u64(&strays[i].key);
		PgdStrayError error = {
			.dbid = (Oid) (key >> 32),
			.sqlstate = (int32) (key & 0xFFFFFFFF),
			.count = pg_atomic_read_u64(&strays[i].count),
		};

		if (error.count > 0)
			visit(&error, arg);
	}
}
