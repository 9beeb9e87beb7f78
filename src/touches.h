/*-------------------------------------------------------------------------
 *
 * touches.h
 *		Which rows this session has read and written of late.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TOUCHES_H
#define PGD_TOUCHES_H

#include "transcript.h"

PGD_BEGIN_INTERNAL

extern void pgd_touches_forget(void);
extern void pgd_touches_settle(bool committed, TimestampTz at);
extern void pgd_touches_moved(const PgdTranscript *t);
extern void pgd_touches_read(Oid relid, uint64 key, int position, bool locked,
							 bool found, TimestampTz at);
extern void pgd_touches_write(PgdTranscript *t, PgdStep *step, uint64 key);
extern void pgd_touches_insert(PgdTranscript *t, PgdStep *step);

PGD_END_INTERNAL

#endif							/* PGD_TOUCHES_H */
