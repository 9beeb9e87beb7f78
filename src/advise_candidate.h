/*-------------------------------------------------------------------------
 *
 * advise_candidate.h
 *		Indexes that might be worth having.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ADVISE_CANDIDATE_H
#define PGD_ADVISE_CANDIDATE_H

#include "pg_diagnose.h"

#include "advise_need.h"
#include "advise_table.h"

typedef struct PgdCandidate
{
	PgdTable   *table;
	Oid			am;
	List	   *keys;			/* PgdIndexKey * */
	List	   *key_texts;		/* char *, as in CREATE INDEX */
	List	   *include;		/* column numbers */
	char	   *predicate;		/* its text, or NULL */
	Bitmapset  *columns;		/* those of which a change needs a new entry */
	char	   *definition;		/* CREATE INDEX ON ..., without a name */
	double		selectivity;	/* rows found through it: share of the table's;
								 * 1: it is for the order of rows */
	bool		by_order;		/* it brings rows in the order wanted */
	bool		by_join;		/* it is searched once for each outer row */
	bool		limits;			/* all its keys say which rows are read */
	bool		sorts;			/* it only saves sorting them */
} PgdCandidate;

PGD_BEGIN_INTERNAL

/*
 * Does a constant vary from execution to execution: that of a condition, or,
 * without one, one that is part of an expression to be indexed?
 */
typedef bool (*PgdVaries) (const PgdNeed *need, const PgdCondition *condition,
						   Node *expr, void *arg);

/* Candidates for a need, PgdCandidate *. */

extern List *pgd_advise_candidates(PgdTable *table, const PgdNeed *need,
								   PgdVaries varies, void *arg);

/* advise_definition.c */
extern bool pgd_advise_add_key(PgdCandidate *candidate, Node *expr,
							   AttrNumber attno, Oid collation, Oid opclass,
							   bool descending, bool nulls_first);
extern void pgd_advise_add_columns(PgdCandidate *candidate, Node *expr);
extern void pgd_advise_define(PgdCandidate *candidate);
extern const PgdExistingIndex *pgd_advise_covered(const PgdCandidate *candidate);
extern bool pgd_advise_is_indexable(Node *expr);
extern bool pgd_advise_finds_one(const PgdCandidate *candidate, bool partial);
extern bool pgd_advise_extends(const PgdCandidate *candidate,
							   const PgdExistingIndex *existing);
extern bool pgd_advise_begins_alike(const PgdCandidate *candidate,
									const PgdCandidate *longer);
extern PgdCandidate *pgd_advise_shorter(const PgdCandidate *candidate);

PGD_END_INTERNAL

#endif							/* PGD_ADVISE_CANDIDATE_H */
