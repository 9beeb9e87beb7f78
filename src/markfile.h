/*-------------------------------------------------------------------------
 *
 * markfile.h
 *		Marks, and the settings of the last look, in a file.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_MARKFILE_H
#define PGD_MARKFILE_H

#include "pg_diagnose.h"

#include "lib/stringinfo.h"

#include "marks.h"

/* All marks, the oldest first, and what the file knows besides. */
typedef struct PgdMarkList
{
	int			n;
	int			size;			/* there is room for so many */
	PgdMark    *marks;
	int			kept;			/* of them, in the file */
	const char *settings;		/* as settings.c wrote them */
	int			settings_size;
	char	   *data;
} PgdMarkList;

PGD_BEGIN_INTERNAL

/* the postmaster, before there are other processes */
extern void pgd_markfile_start(void);

/* everybody */
extern void pgd_mark_begin(PgdMark *mark, PgdMarkKind kind);
extern void pgd_markfile_read(PgdMarkList *list);
extern void pgd_markfile_free(PgdMarkList *list);
extern const PgdMark *pgd_markfile_baseline(const PgdMarkList *list,
											const char *name);
extern uint64 *pgd_markfile_pinned(int *n);

/* who holds the lock of the archive */
extern bool pgd_markfile_drain(const StringInfoData *settings, int elevel);

PGD_END_INTERNAL

#endif							/* PGD_MARKFILE_H */
