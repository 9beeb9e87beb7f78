/*-------------------------------------------------------------------------
 *
 * transcribe.h
 *		Executions become positions of the transcript.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TRANSCRIBE_H
#define PGD_TRANSCRIBE_H

#include "statement.h"

#include "pending_shapes.h"

/* What only this backend needs to know of the transcript. */
typedef struct PgdRunning
{
	bool		active;			/* a statement has begun a transaction */
	bool		ending;			/* COMMIT, ROLLBACK or PREPARE was said */
	bool		rolling_back;	/* ROLLBACK was */
	bool		committing;		/* COMMIT was, of what has not failed */
	bool		chain;			/* AND CHAIN was */
	bool		failed;			/* the block waits for its ROLLBACK */
	bool		has_xid;		/* the transaction has a transaction identifier */
	bool		holding;		/* the block has locks, or a snapshot that lasts */
	int			sqlstate;		/* latest error */
	int			fatal;			/* ... if it ends the session */
	TimestampTz stopped;		/* end of the latest transaction */
	TimestampTz failed_at;
	uint64		wal_base;		/* pgWalUsage when the transcript began */
	uint64		precommit;		/* clock */
	const volatile uint64 *lock_waits;	/* of this backend, as sampled */
	uint64		lock_wait;		/* what that was when last seen */

	/* the beginning of a transaction that failed, to see it come back */
	uint64		retry_fingerprint;	/* 0: none */
	uint64		retry_params;
	TimestampTz retry_since;
	uint64		retry_time;
	uint64		first_fingerprint;	/* of the transaction that runs */
	uint64		first_params;
} PgdRunning;

PGD_BEGIN_INTERNAL

extern PgdRunning pgd_running;

extern bool pgd_transcribe_gap(uint64 think);
extern void pgd_transcribe_held(PgdTranscript *t, uint64 think);
extern void pgd_transcribe_started(PgdExecution *execution,
								   QueryDesc *queryDesc);
extern void pgd_transcribe_ended(PgdExecution *execution);
extern void pgd_transcribe_dropped(PgdExecution *execution);
extern void pgd_transcribe_failed(PgdExecution *execution, int sqlstate);
extern void pgd_transcribe_utility_ended(PgdExecution *execution, Oid relid);

PGD_END_INTERNAL

#endif							/* PGD_TRANSCRIBE_H */
