/*-------------------------------------------------------------------------
 *
 * evidence.h
 *		What executed plans have shown of a statement: the raw material of
 *		index advice.
 *
 * Kept per statement in a part of shared memory of its own, of fixed size.
 * Numbers come from executions that were instrumented (predicate.c); examples
 * are whole statements as they were planned (example.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_EVIDENCE_H
#define PGD_EVIDENCE_H

#include "pg_diagnose.h"

#define PGD_EVIDENCE_NODES		16	/* nodes of plans told apart */
#define PGD_EVIDENCE_CONSTANTS	8	/* comparisons whose values are watched */
#define PGD_EVIDENCE_VALUES		4	/* values of each told apart */
#define PGD_EVIDENCE_EXAMPLES	3	/* examples kept */

/*
 * What became of the rows at one node, added up over instrumented
 * executions and their loops.
 */
typedef struct PgdNodeEvidence
{
	uint16		kind;			/* NodeTag of the plan node; 0: unused */
	uint16		unused;			/* always 0 */
	uint32		alias;			/* hash of the relation's name in the query */
	Oid			relid;			/* InvalidOid: not a scan of a relation */
	Oid			index;			/* InvalidOid: uses none */
	uint64		executions;
	uint64		loops;			/* as EXPLAIN (ANALYZE) counts them */
	uint64		rows;			/* out of the node, in all loops; of a sort:
								 * into it */
	uint64		discarded;		/* by its conditions; of a sort: not wanted */
	double		estimated;		/* rows that the planner expected, all loops;
								 * no more than rows if the node was not run
								 * to its end */
} PgdNodeEvidence;

/*
 * How much the value varies that a column is compared with.  Hashes, never
 * values.
 */
typedef struct PgdConstantEvidence
{
	Oid			relid;			/* InvalidOid: unused */
	Oid			opno;
	int16		attno;
	int16		unused[3];		/* always 0 */
	uint64		total;			/* executions looked at */
	struct
	{
		uint64		hash;		/* see pgd_predicate_hash() */
		uint64		count;
	}			values[PGD_EVIDENCE_VALUES];	/* the first ones seen; the
												 * rest of total is others */
} PgdConstantEvidence;

typedef struct PgdEvidence
{
	PgdKey		key;
	uint64		executions;		/* instrumented */
	uint64		cut_short;		/* of these, failed, cancelled, timed out */
	double		cost;			/* of their plans, in all */
	TimestampTz last_seen;
	PgdNodeEvidence nodes[PGD_EVIDENCE_NODES];
	PgdConstantEvidence constants[PGD_EVIDENCE_CONSTANTS];
} PgdEvidence;

/* An example as bytes, for pgd_example_read(). */
typedef struct PgdExampleBytes
{
	const char *data;
	int			len;
	uint64		hash;			/* of what it says */
	TimestampTz taken_at;
} PgdExampleBytes;

/* A copy; no lock is held while visiting. */
typedef void (*PgdEvidenceVisitor) (const PgdEvidence *evidence,
									const PgdExampleBytes *examples,
									int nexamples, void *arg);

#define PGD_EXAMPLE_MAX	16384	/* bytes of an example, at most */

/* One statement in shared memory. */
typedef struct PgdEvidenceEntry
{
	int32		next;			/* in the hash chain, or in the free list */
	bool		in_use;
	uint8		repeated;		/* examples that we had already */
	PgdEvidence evidence;
	struct
	{
		int32		cell;		/* the first one; PGD_EVIDENCE_NONE: no example */
		int32		len;
		uint64		hash;		/* of what it says */
		TimestampTz taken_at;
	}			examples[PGD_EVIDENCE_EXAMPLES];
} PgdEvidenceEntry;

#define PGD_EVIDENCE_NONE	(-1)

/* Counted since start or reset. */
typedef struct PgdEvidenceStatus
{
	int64		entries;
	int64		entries_max;
	int64		examples;
	int64		bytes;			/* of examples */
	int64		bytes_max;
	int64		evictions;		/* entries that made room for others */
	int64		dropped;		/* examples that were too long, or had no room */
	int64		busy;			/* what could not be added without waiting */
} PgdEvidenceStatus;

PGD_BEGIN_INTERNAL

extern Size pgd_evidence_layout(char *base);
extern void pgd_evidence_clear(void);
extern bool pgd_evidence_may_take(TimestampTz now);
extern void pgd_evidence_count_dropped(void);
extern void pgd_evidence_count_busy(void);
extern uint32 pgd_evidence_alias(const char *name);

/* these want the lock; see store_evidence.c */
extern int	pgd_evidence_entries(PgdEvidenceEntry **first);
extern PgdEvidenceEntry *pgd_evidence_find(const PgdKey *key);
extern PgdEvidenceEntry *pgd_evidence_get(const PgdKey *key, TimestampTz now);
extern void pgd_evidence_free(PgdEvidenceEntry *entry);
extern void pgd_evidence_add(PgdEvidence *sum, const PgdEvidence *more);
extern bool pgd_evidence_wants(const PgdEvidenceEntry *entry, bool slow,
							   TimestampTz now);
extern void pgd_evidence_put_example(PgdEvidenceEntry *entry, uint64 hash,
									 TimestampTz taken_at,
									 const char *data, int len);
extern int	pgd_evidence_copy_example(const PgdEvidenceEntry *entry, int which,
									  char *into);
extern void pgd_evidence_status(PgdEvidenceStatus *status);
extern void pgd_evidence_forget_counts(void);

PGD_END_INTERNAL

#endif							/* PGD_EVIDENCE_H */
