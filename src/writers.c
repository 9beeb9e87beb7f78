/*-------------------------------------------------------------------------
 *
 * writers.c
 *		Which rows were changed of late, by anybody.
 *
 * Who sets a column to a value in a row that was read before, without a lock,
 * loses what somebody else committed in between.  To see that it happened, and
 * not only could have, every session posts the rows that it changed when it
 * commits: before its locks are released, so whoever waited for them finds it.
 *
 * A row is a table and the hash of the key by which it was found.  Each has
 * one place, which others may take over: something may be missed.  A place
 * keeps 32 bits of who it is, beside the 14 that chose it, and the transaction
 * that changed it.  One atomic word, no lock, no clock.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/transam.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/shmem.h"

#include "writers.h"

#define PLACE_BITS	14

static pg_atomic_uint64 *places;	/* [1 << PLACE_BITS] */

/*
 * Find out the size and, given where to begin, the place.
 */
Size
pgd_writers_layout(char *base)
{
	places = (pg_atomic_uint64 *) base;
	return sizeof(pg_atomic_uint64) << PLACE_BITS;
}

void
pgd_writers_clear(void)
{
	for (int i = 0; i < 1 << PLACE_BITS; i++)
		pg_atomic_init_u64(&places[i], 0);
}

static inline uint64
row_hash(Oid relid, uint64 key)
{
	uint64		hash = (key ^ (uint64) MyDatabaseId << 32 ^ relid) *
		UINT64CONST(0x9E3779B97F4A7C15);

	hash = (hash ^ hash >> 32) * UINT64CONST(0xff51afd7ed558ccd);
	return hash ^ hash >> 32;
}

/*
 * A change of a row is committed.
 */
void
pgd_writers_post(Oid relid, uint64 key, TransactionId xid)
{
	uint64		hash = row_hash(relid, key);

	pg_atomic_write_u64(&places[hash >> (64 - PLACE_BITS)],
						hash << 32 | xid);
}

/*
 * Has a transaction that began to write after that one would have, changed a
 * row?  "xmax" is that of the snapshot which saw the row: what is as late or
 * later was not seen.  Of those that were writing already nothing is said.
 */
bool
pgd_writers_since(Oid relid, uint64 key, TransactionId xmax)
{
	uint64		hash = row_hash(relid, key);
	uint64		seen = pg_atomic_read_u64(&places[hash >> (64 - PLACE_BITS)]);

	return seen >> 32 == (hash & PG_UINT32_MAX) &&
		TransactionIdIsNormal((TransactionId) seen) &&
		TransactionIdFollowsOrEquals((TransactionId) seen, xmax);
}
