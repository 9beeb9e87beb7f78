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
	uint8		last_param;		/* highest number of a parameter in "keys" */
	bool		simple;			/* reads one row by its only parameter, which
								 * is passed by value */
	PgdRowKey	keys[PGD_TRAIT_KEYS];
} PgdTraits;

#define PGD_TRAITS_BITS		8

PGD_BEGIN_INTERNAL

/* what is known already; see pgd_traits_place() */
extern PgdTraits pgd_traits_cache[1 << PGD_TRAITS_BITS];

extern const PgdTraits *pgd_traits_learn(QueryDesc *queryDesc,
										 const PgdKey *key, uint64 plan);
extern uint64 pgd_traits_fingerprint(const PgdKey *key, const char *source,
									 int location, int len);
extern const PgdTraits *pgd_traits_of_utility(PlannedStmt *pstmt,
											  const PgdKey *key,
											  const char *source);
extern Oid	pgd_traits_utility_table(const Node *stmt);
extern uint64 pgd_traits_text(const PgdTraits *traits,
							  const char *text, int len);
extern uint64 pgd_traits_value(const PgdTraits *traits,
							   const ParamListInfo params, int i);
extern uint64 pgd_traits_constant(const PgdTraits *traits,
								  const PgdRowKey *key,
								  const QueryDesc *queryDesc,
								  const uint64 *values);
extern int64 pgd_traits_number(const PgdTraits *traits,
							   const QueryDesc *queryDesc);

PGD_END_INTERNAL

/* A table in the sets of PgdTraits. */
static inline uint64
pgd_table_bit(Oid relid)
{
	return UINT64CONST(1) << ((relid * UINT64CONST(0x9E3779B97F4A7C15)) >> 58);
}

static inline PgdTraits *
pgd_traits_place(uint64 queryid, uint64 plan)
{
	return &pgd_traits_cache[((queryid ^ plan) *
							  UINT64CONST(0x9E3779B97F4A7C15)) >>
							 (64 - PGD_TRAITS_BITS)];
}

static inline uint64
pgd_traits_mix(uint64 hash, uint64 value)
{
	hash = (hash ^ value) * UINT64CONST(0x9E3779B97F4A7C15);
	return hash ^ hash >> 32;
}

/* Never 0, which stands for NULL. */
static inline uint64
pgd_traits_number_hash(Datum value)
{
	return (uint64) value | UINT64CONST(1) << 63;
}

/*
 * One hash for all that varies from execution to execution, if that is in
 * parameters; "values" gets one for each of them, 0 for NULL.
 */
static inline uint64
pgd_traits_params(const PgdTraits *traits, const ParamListInfo params,
				  uint64 *values)
{
	uint64		hash = traits->fingerprint;
	int			n = Min(params->numParams, PGD_TRAIT_PARAMS);

	for (int i = 0; i < n; i++)
	{
		const ParamExternData *p = &params->params[i];

		/* types of parameters that are not used may differ */
		if (likely((traits->param_byval & (1 << i)) != 0 && !p->isnull &&
				   p->ptype == traits->param_types[i]))
			values[i] = pgd_traits_number_hash(p->value);
		else
			values[i] = pgd_traits_value(traits, params, i);
		hash = pgd_traits_mix(hash, values[i]);
	}
	return hash;
}

/*
 * The row that an execution looks for, 0 if it is not found by equality.
 * Conditions may come in any order.
 */
static inline uint64
pgd_traits_row(const PgdTraits *traits, const QueryDesc *queryDesc,
			   const uint64 *values)
{
	uint64		row = 0;

	for (int i = 0; i < traits->nkeys; i++)
	{
		const PgdRowKey *key = &traits->keys[i];
		uint64		value;

		if (likely(key->param > 0))
			value = values[key->param - 1];
		else
			value = pgd_traits_constant(traits, key, queryDesc, values);
		if (unlikely(value == 0))
			return 0;
		row ^= pgd_traits_mix(value, key->attno);
	}
	return row;
}

/* What is known already, or NULL. */
static inline const PgdTraits *
pgd_traits_known(const PgdKey *key, uint64 plan)
{
	const PgdTraits *traits = pgd_traits_place(key->queryid, plan);

	if (likely(traits->queryid == key->queryid && traits->plan == plan))
		return traits;
	return NULL;
}

#endif							/* PGD_TRAITS_H */
