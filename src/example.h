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
	bool		masked;			/* its constants are not known: NULL instead */
	bool		generic;		/* planned without the values of parameters */
	TimestampTz taken_at;
	char	   *settings;		/* name, value, name, value, ..., each
								 * zero-terminated; an empty name ends it */
} PgdExample;

#endif							/* PGD_EXAMPLE_H */
