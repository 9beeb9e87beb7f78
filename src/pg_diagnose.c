/*-------------------------------------------------------------------------
 *
 * pg_diagnose.c
 *		Entry point: starts the parts in order, nothing else.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"

PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init(void);

void
_PG_init(void)
{
}
