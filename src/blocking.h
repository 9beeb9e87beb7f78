/*-------------------------------------------------------------------------
 *
 * blocking.h
 *		Does somebody wait for what our transaction has locked?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_BLOCKING_H
#define PGD_BLOCKING_H

#include "transcript.h"

PGD_BEGIN_INTERNAL

extern void pgd_blocking_begin(void);
extern void pgd_blocking_note_level(void);
extern void pgd_blocking_end_level(void);
extern bool pgd_blocking(const PgdTranscript *t);

PGD_END_INTERNAL

#endif							/* PGD_BLOCKING_H */
