/*-------------------------------------------------------------------------
 *
 * rows.h
 *		Rows out, by the names of their columns.
 *
 * A function returns the columns that its SQL declaration names, whatever
 * their order: each is looked up by name in a list of what we can tell.  So
 * an older declaration works with a newer library, and the other way round
 * says what is missing.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ROWS_H
#define PGD_ROWS_H

#include "pg_diagnose.h"

#include "fmgr.h"
#include "nodes/execnodes.h"

/* How a column is made of the field it stands for. */
typedef enum ColumnKind
{
	COL_OID,					/* NULL if invalid */
	COL_BOOL,					/* of an uint32 */
	COL_ID,						/* bigint of an uint64; NULL if 0 */
	COL_COUNT,					/* bigint of an uint64; NULL if PGD_UNKNOWN */
	COL_SETTING,				/* bigint of an uint64 that is one more; NULL if 0 */
	COL_TIME,					/* milliseconds of nanoseconds; NULL if
								 * PGD_UNKNOWN */
	COL_TIME_SEEN,				/* the same, NULL also if 0 */
	COL_UNKNOWN,				/* not known to this server: NULL */
	COL_TIMESTAMP,				/* NULL if 0 */
	COL_SQLSTATE,				/* NULL if 0 */
	COL_HISTOGRAM,
	COL_TEXT,					/* a varlena pointer; NULL if there is none */
	COL_CHARS,					/* text of a zero-terminated array; NULL if empty */
	COL_INT,					/* integer of an int32; NULL if 0 */
	COL_NUMBER,					/* double precision; NULL if NaN */
	COL_POINTER					/* any other varlena type's pointer; NULL if none */
} ColumnKind;

typedef struct Column
{
	const char *name;
	ColumnKind	kind;
	size_t		offset;			/* in the row */
} Column;

/* Rows on their way to the caller of a set-returning function. */
typedef struct RowSink
{
	ReturnSetInfo *rsinfo;
	const Column **columns;		/* by attribute */
	MemoryContext context;		/* reset for each row */
	Oid			userid;			/* who asks */
	bool		reads_all;		/* may see the statements of others */
} RowSink;

/* How a counter of a list is shown: COLUMN_<combine>_<unit>. */
#define COLUMN_SUM_COUNT	COL_COUNT
#define COLUMN_MAX_COUNT	COL_COUNT
#define COLUMN_SUM_TIME		COL_TIME
#define COLUMN_MIN_TIME		COL_TIME_SEEN
#define COLUMN_MAX_TIME		COL_TIME_SEEN

PGD_BEGIN_INTERNAL

extern void pgd_require_preload(void);
extern void pgd_rows_open(RowSink *sink, FunctionCallInfo fcinfo,
						  const Column *columns);
extern void pgd_rows_put(RowSink *sink, const void *row);
extern bool pgd_rows_may_see(const RowSink *sink, Oid userid);
extern struct varlena *pgd_rows_text(const char *text, int len, int encoding);

PGD_END_INTERNAL

#endif							/* PGD_ROWS_H */
