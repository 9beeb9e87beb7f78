/*-------------------------------------------------------------------------
 *
 * advise_table.h
 *		A table as index advice sees it: how big, which indexes it has, what is
 *		written to it, and by what it is searched.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ADVISE_TABLE_H
#define PGD_ADVISE_TABLE_H

#include "pg_diagnose.h"

#include "nodes/bitmapset.h"
#include "nodes/pg_list.h"

#define PGD_INDEX_KEYS	8		/* keys of an existing index looked at */

/* A key of an index, that exists or not. */
typedef struct PgdIndexKey
{
	AttrNumber	attno;			/* 0: an expression */
	const char *expr;			/* of an expression, its text */
	Oid			opfamily;
	Oid			collation;
	bool		descending;
	bool		nulls_first;
} PgdIndexKey;

typedef struct PgdExistingIndex
{
	Oid			oid;
	const char *name;			/* qualified, quoted */
	Oid			am;
	List	   *keys;			/* PgdIndexKey * */
	Bitmapset  *columns;		/* all of them, also included ones */
	const char *predicate;		/* its text, or NULL */
	bool		unique;
	bool		constraint;		/* primary key, unique, exclusion */
} PgdExistingIndex;

/* Rows written in the window by statements that set these columns. */
typedef struct PgdWrite
{
	Bitmapset  *columns;		/* of an update; NULL: an insert */
	double		rows;
} PgdWrite;

typedef struct PgdTable
{
	Oid			relid;
	char	   *name;			/* qualified, quoted */
	char	   *relname;		/* neither */
	char	   *nspname;
	bool		partitioned;
	const char *refused;		/* why it gets no index; NULL: it may */
	double		pages;
	double		tuples;
	double		all_visible;	/* share of its pages */
	double		hot_share;		/* of updates; 0: unknown */
	int			natts;
	List	   *names;			/* for deparse_expression() */
	List	   *indexes;		/* PgdExistingIndex *, valid ones */
	List	   *writes;			/* PgdWrite * */
	double	   *asked;			/* by column: time of statements that look for
								 * equality with a value, milliseconds */
} PgdTable;

PGD_BEGIN_INTERNAL

/* throws if there is no such table (any more) */
extern PgdTable *pgd_advise_table(Oid relid, double min_pages);
extern double pgd_advise_correlation(const PgdTable *table, AttrNumber attno);
extern bool pgd_advise_same_key(const PgdIndexKey *a, const PgdIndexKey *b,
								bool backward);

PGD_END_INTERNAL

#endif							/* PGD_ADVISE_TABLE_H */
