/*-------------------------------------------------------------------------
 *
 * series.h
 *		Times of statements and transactions, stretch by stretch, of two
 *		windows, and what may be concluded from them.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SERIES_H
#define PGD_SERIES_H

#include "statistics.h"
#include "window.h"

#define PGD_TAILS	2			/* quantiles beside the middle: 95 and 99 % */

/* One statement, or shape of transaction; NaN where nothing can be told. */
typedef struct PgdTimeChange
{
	bool		is_transaction;
	bool		is_adjusted;	/* a control group took the load out */
	Oid			dbid;
	Oid			userid;
	uint32		toplevel;
	int			controls;		/* size of that group */
	uint64		queryid;		/* 0: of several */
	uint64		fingerprint;
	uint64		shape;
	uint64		tag;
	int			windows[2];		/* stretches with executions, a side */
	double		ratio;			/* after to before */
	double		low;
	double		high;
	double		p_value;
	double		smallest;
	double		load_ratio;		/* what was taken out of it */
	double		tail_ratio[PGD_TAILS];
	double		tail_low[PGD_TAILS];
	double		tail_high[PGD_TAILS];
} PgdTimeChange;

typedef void (*PgdTimeChangeVisitor) (const PgdTimeChange *change, void *arg);


/*
 * From here on: for series_read.c, which reads snapshots, and series.c.
 */

/* By what something is known. */
typedef enum PgdTimedKind
{
	PGD_TIMED_FINGERPRINT,		/* statements that have this in common */
	PGD_TIMED_QUERYID,			/* a statement whose text is unknown */
	PGD_TIMED_SHAPE				/* transactions */
} PgdTimedKind;

/* No padding. */
typedef struct PgdTimedKey
{
	uint64		number;			/* fingerprint, query identifier or shape */
	uint64		tag;			/* of transactions */
	Oid			dbid;
	Oid			userid;
	uint32		toplevel;
	uint32		kind;			/* PgdTimedKind */
} PgdTimedKey;

/* What is done, whatever time it takes. */
typedef struct PgdWork
{
	uint64		calls;
	uint64		rows;
	uint64		blocks;			/* shared, hit and read */
	uint64		wal_records;
	uint64		statements;		/* of transactions */
	uint64		plan;			/* shape that most executions had */
	uint64		plan_calls;
} PgdWork;

/* A histogram in ascending order. */
typedef struct PgdBucketList
{
	int			n;
	int			allocated;
	PgdBucket  *buckets;
} PgdBucketList;

/* One thing whose times are compared. */
typedef struct PgdTimed
{
	PgdTimedKey key;
	struct PgdTimed *next;
	struct PgdTimed *next_touched;	/* in this stretch */
	bool		touched;
	bool		several;		/* query identifiers */
	uint64		queryid;
	uint64		executions[PGD_SIDES];
	int			windows[PGD_SIDES]; /* stretches with executions */
	PgdWork		work[PGD_SIDES];
	double	   *level;			/* by stretch */
	double	   *weight;
	PgdBucketList pending;		/* of this stretch */
	PgdBucketList batches[PGD_SIDES][PGD_BATCHES_MAX];
	int			candidate;		/* to be a control; -1: none */
} PgdTimed;

/* All of them. */
typedef struct PgdTimes
{
	MemoryContext context;		/* of all this */
	PgdStretches stretches;
	int			batches[PGD_SIDES];
	int			ntimed;
	PgdTimed   *first;
	PgdTimed   *last;
} PgdTimes;

PGD_BEGIN_INTERNAL

extern void pgd_time_changes(const PgdWindow *before, const PgdWindow *after,
							 int max_windows, PgdTimeChangeVisitor visit,
							 void *arg);
extern void pgd_series_read(const PgdWindow *before, const PgdWindow *after,
							int max_windows, PgdTimes *times);

PGD_END_INTERNAL

#endif							/* PGD_SERIES_H */
