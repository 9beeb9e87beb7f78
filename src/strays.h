/*-------------------------------------------------------------------------
 *
 * strays.h
 *		Errors that belong to no statement, by database and SQLSTATE.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_STRAYS_H
#define PGD_STRAYS_H

#include "pg_diagnose.h"

typedef struct PgdStrayError
{
	Oid			dbid;
	int32		sqlstate;
	uint64		count;
} PgdStrayError;

typedef void (*PgdStrayVisitor) (const PgdStrayError *error, void *arg);

PGD_BEGIN_INTERNAL

extern Size pgd_strays_layout(char *base);
extern void pgd_strays_clear(void);
extern void pgd_strays_reset(Oid dbid);
extern void pgd_strays_count(Oid dbid, int32 sqlstate, uint64 count);
extern void pgd_strays_read(PgdStrayVisitor visit, void *arg);

PGD_END_INTERNAL

#endif							/* PGD_STRAYS_H */
