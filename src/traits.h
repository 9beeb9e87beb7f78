/*-------------------------------------------------------------------------
 *
 * traits.h
 *		What a statement does, as far as its plan tells.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TRAITS_H
#define PGD_TRAITS_H

#include "transcript.h"

#include "executor/execdesc.h"
#include "nodes/plannodes.h"

#define PGD_TRAIT_PARAMS	8	/* parameters looked at */
#define PGD_TRAIT_KEYS		4	/* equalities that find a row */

/* One equality "column = value" in the condition of a scan. */
typedef struct PgdRowKey
{
	int16		attno;
	int16		param;			/* number of the parameter, or 0: a constant */
	int16		qual;			/* which of the scan's conditions it is */
	int16		side;			/* which argument of it is the value */
} PgdRowKey;

typedef struct PgdTraits
{
	uint64		queryid;		/* 0: unused */
	uint64		plan;			/* shape of the plan */
	uint64		fingerprint;
	uint64		reads;			/* tables, as a set of bits of their hashes */
	uint64		writes;
	uint32		flags;			/* PGD_READS ... */
	Oid			relid;
	Oid			param_types[PGD_TRAIT_PARAMS];
	int16		param_lens[PGD_TRAIT_PARAMS];
	uint8		param_byval;	/* bit i: param_lens[i] is of a by-value type */
	uint8		nkeys;
	PgdRowKey	keys[PGD_TRAIT_KEYS];
} PgdTraits;

PGD_BEGIN_INTERNAL

extern const PgdTraits *pgd_traits_of(QueryDesc *queryDesc,
									  const PgdKey *key, uint64 plan);
extern const PgdTraits *pgd_traits_known(const PgdKey *key, uint64 plan);
extern const PgdTraits *pgd_traits_of_utility(PlannedStmt *pstmt,
											  const PgdKey *key,
											  const char *source);
extern Oid	pgd_traits_utility_table(const Node *stmt);
extern uint64 pgd_traits_params(const PgdTraits *traits,
								const QueryDesc *queryDesc,
								const char *text, int len);
extern bool pgd_traits_row(const PgdTraits *traits,
						   const QueryDesc *queryDesc,
						   uint64 *row, int64 *number);

PGD_END_INTERNAL

#endif							/* PGD_TRAITS_H */
