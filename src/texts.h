/*-------------------------------------------------------------------------
 *
 * texts.h
 *		Texts of statements on disk, beside the snapshots.
 *
 * A snapshot has no texts: they would be most of it, and the same in every
 * one.  They are here, once each, so that a window in the past shows the text
 * of a statement that the store has forgotten since.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TEXTS_H
#define PGD_TEXTS_H

#include "pg_diagnose.h"

#define PGD_TEXTS_FILE	"pg_diagnose/texts"

/* The texts of the file, and those that are to get there. */
typedef struct PgdTexts PgdTexts;

PGD_BEGIN_INTERNAL

extern PgdTexts *pgd_texts_read(void);
extern bool pgd_texts_find(const PgdTexts *texts, Oid dbid, uint64 queryid,
						   const char **text, int *len, int *encoding);

/* a round of writing; see texts.c about the lock */
extern void pgd_texts_begin(PgdTexts *texts);
extern void pgd_texts_add(PgdTexts *texts, Oid dbid, uint64 queryid,
						  int encoding, const char *text, int len);
extern bool pgd_texts_end(PgdTexts *texts);

PGD_END_INTERNAL

#endif							/* PGD_TEXTS_H */
