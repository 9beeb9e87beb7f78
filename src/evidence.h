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
	uint64		loops;
	uint64		rows;			/* out of the node */
	uint64		discarded;		/* by its conditions */
	double		estimated;		/* rows that the planner expected, all loops */
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
	TimestampTz last_seen;
	PgdNodeEvidence nodes[PGD_EVIDENCE_NODES];
	PgdConstantEvidence constants[PGD_EVIDENCE_CONSTANTS];
} PgdEvidence;

/* An example as bytes, for pgd_example_read(). */
typedef struct PgdExampleBytes
{
	const char *data;
	int			len;
} PgdExampleBytes;

/* A copy; no lock is held while visiting. */
typedef void (*PgdEvidenceVisitor) (const PgdEvidence *evidence,
									const PgdExampleBytes *examples,
									int nexamples, void *arg);

#endif							/* PGD_EVIDENCE_H */
