/*-------------------------------------------------------------------------
 *
 * evidence_file.h
 *		Evidence of statements to a file and back.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_EVIDENCE_FILE_H
#define PGD_EVIDENCE_FILE_H

#include "pg_diagnose.h"

PGD_BEGIN_INTERNAL

extern void pgd_evidence_dump(void);
extern void pgd_evidence_load(void);

PGD_END_INTERNAL

#endif							/* PGD_EVIDENCE_FILE_H */
