/*-------------------------------------------------------------------------
 *
 * text.h
 *		A statement's text without its literals, and its fingerprint.
 *
 * pgd_text_mask() never throws.  It catches the scanner's errors and then
 * flushes the error stack, so it must not be called while an error is in
 * flight: not in PG_CATCH, emit_log_hook or an error context callback; nor
 * in a critical section, nor once proc_exit() has begun, where an ERROR is
 * promoted to something that cannot be caught.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TEXT_H
#define PGD_TEXT_H

#include "pg_diagnose.h"

/* No more than so many bytes of a statement are looked at. */
#define PGD_TEXT_SCAN_MAX (16 * 1024)

typedef struct PgdText
{
	uint64		fingerprint;	/* 0 = unknown */
	int			len;			/* bytes in data, without the zero byte */
	bool		truncated;		/* data does not show the whole statement */
	bool		unscanned;		/* no token was found, data is the fallback */
	char		data[PGD_TEXT_MAX];
} PgdText;

/*
 * Mask the statement of len bytes at location of source (-1 and 0 as in
 * PlannedStmt: all of it, and up to its end), in no more than limit bytes.
 * The fallback, a command tag or NULL, stands in for a statement of which no
 * token can be scanned.
 */
extern void pgd_text_mask(const char *source, int location, int len,
						  const char *fallback, int limit, PgdText *out);

/* Is this statement about ourselves, as diagnose.is_own() sees it? */
extern bool pgd_text_is_own(const char *source, int location, int len);

#endif							/* PGD_TEXT_H */
