/*-------------------------------------------------------------------------
 *
 * samples.h
 *		What is seen of sessions from outside, many times a second.
 *
 * One process writes all of it (sampler.c), so nobody needs a lock.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SAMPLES_H
#define PGD_SAMPLES_H

#include "pg_diagnose.h"

/* What a row is about; each has a table of its own. */
typedef enum PgdSampleKind
{
	PGD_SAMPLE_WAIT,			/* an active session, and what it waits for */
	PGD_SAMPLE_LOCK,			/* a session that waits for a lock */
	PGD_SAMPLE_HOT,				/* a table with a queue for one row */
	PGD_SAMPLE_HOLDER			/* a session that keeps old rows alive */
} PgdSampleKind;

#define PGD_SAMPLE_KINDS 4

/* What the one who blocks, or keeps old rows alive, is doing. */
typedef enum PgdHolderState
{
	PGD_HOLDER_UNKNOWN,
	PGD_HOLDER_ACTIVE,
	PGD_HOLDER_IDLE,			/* in a transaction, waiting for its client */
	PGD_HOLDER_PREPARED,		/* a prepared transaction */
	PGD_HOLDER_STANDBY			/* a standby that sends feedback */
} PgdHolderState;

/* Hashed and compared as bytes: no padding.  All of it 0 but for the
 * database: what had to make room. */
typedef struct PgdSampleKey
{
	Oid			dbid;
	Oid			userid;			/* who logged in */
	uint32		what;			/* wait: event, lock: LockTagType,
								 * holder: PgdHolderState */
	Oid			relid;
	uint64		queryid;		/* latest statement of the client */
	uint64		blocker;		/* latest statement of who blocks */
	Oid			blocker_userid;
	uint32		blocker_state;	/* PgdHolderState */
} PgdSampleKey;

typedef struct PgdSample
{
	PgdSampleKey key;
	uint64		samples;		/* times it was seen */
	uint64		time;			/* each of them stands for the time since the
								 * one before */
	uint64		max_time;		/* longest at a stretch, as far as seen */
	uint64		waits;			/* lock: how many, as far as seen */
	uint64		max_depth;		/* lock, table: longest queue */
	uint64		deep_time;		/* table: with a queue that is too long */
	uint64		snapshot_time;	/* holder: idle with a snapshot */
	uint64		max_snapshot_time;
	uint64		oldest_time;	/* holder: nobody in the database held older */
	uint64		max_age;		/* holder: in transactions */
} PgdSample;

typedef void (*PgdSampleVisitor) (const PgdSample *sample, void *arg);

typedef struct PgdSampleStatus
{
	int32		pid;			/* of who samples, 0: nobody */
	uint64		ticks;			/* looks since the last reset */
	uint64		time;			/* that these stand for */
	uint64		own_time;		/* that they took */
	TimestampTz last_tick;
	uint64		displaced;		/* rows that had to make room */
} PgdSampleStatus;

PGD_BEGIN_INTERNAL

/*
 * Nanoseconds that backends have spent waiting for heavyweight locks, by their
 * PGPROC, as far as was seen; never decreases.  The last part of a wait, up to
 * the sampling interval, is missing, and so may be all of a shorter one.
 */
extern volatile uint64 *pgd_lock_waits;

extern Size pgd_samples_layout(char *base, int nprocs);
extern void pgd_samples_clear(void);
extern void pgd_samples_restore(PgdSampleKind kind, const PgdSample *sample);

/* the one who writes */
extern void pgd_samples_attach(int pid);
extern void pgd_samples_detach(void);
extern void pgd_samples_begin(void);
extern PgdSample *pgd_samples_row(PgdSampleKind kind, const PgdSampleKey *key);
extern void pgd_samples_end(TimestampTz now, uint64 elapsed, uint64 own_time);
extern void pgd_samples_obey(void);

/* everybody */
extern void pgd_samples_forget(Oid userid, Oid dbid, uint64 queryid);
extern void pgd_samples_read(PgdSampleKind kind, PgdSampleVisitor visit,
							 void *arg);
extern void pgd_samples_status(PgdSampleStatus *status);

PGD_END_INTERNAL

#endif							/* PGD_SAMPLES_H */
