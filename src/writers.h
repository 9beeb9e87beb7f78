/*-------------------------------------------------------------------------
 *
 * writers.h
 *		Which rows were changed of late, by anybody.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_WRITERS_H
#define PGD_WRITERS_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern Size pgd_writers_layout(char *base);
extern void pgd_writers_clear(void);
extern void pgd_writers_post(Oid relid, uint64 key, TransactionId xid);
extern bool pgd_writers_since(Oid relid, uint64 key, TransactionId xmax);

PGD_END_INTERNAL

#endif							/* PGD_WRITERS_H */
