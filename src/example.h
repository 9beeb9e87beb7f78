/*-------------------------------------------------------------------------
 *
 * example.h
 *		A statement as it was planned, with its constants, to be planned again.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_EXAMPLE_H
#define PGD_EXAMPLE_H

#include "pg_diagnose.h"

#include "nodes/params.h"
#include "nodes/parsenodes.h"

/*
 * After parse analysis and rewriting, so that names are resolved, views
 * expanded and policies of row-level security in place, as for the role that
 * executed it.
 */
typedef struct PgdExample
{
	Query	   *query;
	ParamListInfo params;		/* NULL: none, or planned without values */
	int			cursor_options;
	bool		masked;			/* constants are not known: parameters instead */
	bool		generic;		/* planned without the values of parameters */
	TimestampTz taken_at;
	char	   *settings;		/* name, value, name, value, ..., each
								 * zero-terminated; an empty name ends it */
} PgdExample;

/* What is to be masked. */
typedef struct PgdMasking
{
	bool		all;			/* constants that are data */
	bool		rows;			/* only those with rows in them */
	int			max_param;		/* highest number of a parameter, before and after */
} PgdMasking;

PGD_BEGIN_INTERNAL

/* Before planning: maybe keep the statement. */
extern void pgd_example_offer(const PgdKey *key, uint64 tag, Query *query,
							  const char *source, int cursor_options,
							  ParamListInfo params);

/*
 * Read what a visitor of evidence is given, in the current memory context;
 * NULL if another server wrote it.  May throw.
 */
extern PgdExample *pgd_example_read(const char *data, int len);

/* example_mask.c */
extern bool pgd_example_has_rows(Oid type);
extern Query *pgd_example_mask(Query *query, PgdMasking *masking);

PGD_END_INTERNAL

#endif							/* PGD_EXAMPLE_H */
