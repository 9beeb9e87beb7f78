/*-------------------------------------------------------------------------
 *
 * store.h
 *		Shared memory: what every backend has seen.
 *
 * Two kinds of places hold numbers.  A slot belongs to one backend, and only
 * that backend changes it: the hot path writes there and nowhere else
 * (pending.h).  The table belongs to all; slots are merged into it now and
 * then.  A reader adds up both, so it misses nothing that has finished.  See
 * store.c for the rules.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_STORE_H
#define PGD_STORE_H

#include "pg_diagnose.h"

#include "storage/lwlock.h"

#include "evidence.h"
#include "sessions.h"
#include "shapes.h"
#include "slot.h"

/* Counted since start or reset; for diagnose.status. */
typedef struct PgdStoreStatus
{
	Size		memory;			/* bytes of shared memory */
	int64		entries_max;
	int64		entries_used;
	int64		pending_used;
	int64		evictions;
	int64		text_bytes;
	int64		text_bytes_used;
	int64		texts_dropped;	/* statements stored without text */
	int64		uncaptured;		/* executions without a query identifier */
	int64		own_time;		/* nanoseconds spent beyond the hot path */
	int64		own_time_max;	/* longest of these */
	int64		wait_time;		/* of these, spent waiting for a lock */
	int64		wait_time_max;	/* longest of these */
	TimestampTz since;
	uint64		epoch;
	int64		shapes_max;
	int64		shapes_used;
	int64		shape_evictions;
	PgdEvidenceStatus evidence;
} PgdStoreStatus;

/* Sums with a lock of their own. */
typedef enum PgdStoreSums
{
	PGD_STORE_SHAPES,
	PGD_STORE_SESSIONS,
	PGD_STORE_ARCHIVE,			/* not sums: the files of archive.c */
	PGD_STORE_EVIDENCE,
	PGD_STORE_SUMS				/* how many */
} PgdStoreSums;

/* All that is known of transactions, as of one moment. */
typedef struct PgdShapesCopy
{
	int			nshapes;
	PgdShape   *shapes;
	int			nslots;
	PgdXactSlot *slots;
} PgdShapesCopy;

PGD_BEGIN_INTERNAL

/* start of the server */
extern void pgd_store_request(void);
extern bool pgd_store_startup(void);
extern bool pgd_store_ready(void);

/* the table */
extern bool pgd_store_knows(const PgdKey *key, bool *busy);
extern uint64 pgd_store_fingerprint(const PgdKey *key);
extern bool pgd_store_register(const PgdKey *key, uint64 fingerprint,
							   const char *text, int len);
extern bool pgd_store_merge(PgdSlot *slot, int way, bool wait);
extern void pgd_store_restore(const PgdStatement *statement,
							  const char *text, int len);
extern int64 pgd_store_reset(Oid userid, Oid dbid, uint64 queryid);

/* readers */
extern void pgd_store_read(PgdStatementVisitor visit, void *arg);
extern void pgd_store_status(PgdStoreStatus *status);

/* slots */
extern PgdSlot *pgd_store_slot(int procno);
extern int	pgd_store_partition(const PgdKey *key);

/* sessions */
extern PgdSession *pgd_store_session_begin(int procno,
										   const PgdSessionKey *key,
										   TimestampTz begin);
extern bool pgd_store_session_rename(PgdSession *session,
									 const PgdSessionKey *key,
									 TimestampTz now);
extern void pgd_store_session_end(PgdSession *session, TimestampTz now);
extern void pgd_store_read_sessions(PgdSessionVisitor visit, void *arg);

/* the locks of store_sums.c, and what store.c asks of it */
extern LWLock *pgd_store_lock(PgdStoreSums which);
extern bool pgd_store_lock_patiently(LWLock *lock, LWLockMode mode);
extern void pgd_store_reset_sums(Oid userid, Oid dbid);
extern void pgd_store_status_of_sums(PgdStoreStatus *status);

/* evidence of statements */
extern bool pgd_store_wants_example(const PgdKey *key, bool slow);
extern void pgd_store_add_example(const PgdKey *key, uint64 hash,
								  TimestampTz taken_at,
								  const char *data, int len);
extern void pgd_store_add_evidence(const PgdEvidence *more);
extern void pgd_store_read_evidence(PgdEvidenceVisitor visit, void *arg);
extern void pgd_store_reset_evidence(Oid userid, Oid dbid, uint64 queryid);
extern void pgd_store_status_of_evidence(PgdEvidenceStatus *status);

/* the archive's folder */
extern void pgd_store_lock_archive(void);
extern void pgd_store_unlock_archive(void);

/* transactions */
extern void pgd_store_restore_shape(const PgdShape *shape);
extern PgdXactSlot *pgd_store_xact_slot(int procno);
extern bool pgd_store_merge_shape(PgdXactSlot *slot, int place, bool wait);
extern void pgd_store_copy_shapes(PgdShapesCopy *copy);

/* counts without a lock */
extern void pgd_store_count_uncaptured(void);
extern void pgd_store_count_own_time(uint64 ns);
extern void pgd_store_count_wait(uint64 ns);
extern TimestampTz pgd_store_since(void);
extern uint64 pgd_store_epoch(void);
extern void pgd_store_set_since(TimestampTz since, uint64 epoch);

PGD_END_INTERNAL

#endif							/* PGD_STORE_H */
