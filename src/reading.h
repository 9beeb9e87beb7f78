/*-------------------------------------------------------------------------
 *
 * reading.h
 *		What a reader makes of a partition; for store.c alone.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_READING_H
#define PGD_READING_H

#include "slot.h"
#include "table.h"

/* Made once, and used for one partition after the other. */
typedef struct PgdReading
{
	int			nentries;		/* of a partition */
	PgdStatement *statements;
	int			nstatements;
	int			nfound;			/* of these, the ones that have an entry */
	int			allocated;
	bool		full;			/* more is wanted */
	int		   *of_entry;		/* index into statements, by entry */
	int		   *text_lens;		/* by entry; PGD_NONE: no text */
	char	   *texts;			/* by entry, text_size bytes each */
	int			text_size;
	PgdPending *pending;		/* what one slot has of the partition */
} PgdReading;

PGD_BEGIN_INTERNAL

extern void pgd_reading_touch(void *memory, Size size);
extern void pgd_reading_make(PgdReading *reading);
extern void pgd_reading_begin(PgdReading *reading, int p);
extern void pgd_reading_add(PgdReading *reading, int p,
							const PgdPending *pending);
extern void pgd_reading_extend(PgdReading *reading);
extern void pgd_reading_visit(const PgdReading *reading,
							  PgdStatementVisitor visit, void *arg);
extern void pgd_reading_free(PgdReading *reading);

PGD_END_INTERNAL

#endif							/* PGD_READING_H */
