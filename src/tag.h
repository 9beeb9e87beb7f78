/*-------------------------------------------------------------------------
 *
 * tag.h
 *		Who sends a statement: application_name, and a sqlcommenter comment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TAG_H
#define PGD_TAG_H

#include "transcript.h"

/* A statement's text without the comments around it, and the one that tags. */
typedef struct PgdCommented
{
	const char *body;
	int			body_len;
	const char *comment;		/* inside of its delimiters; NULL: none */
	int			comment_len;
} PgdCommented;

PGD_BEGIN_INTERNAL

extern void pgd_tag_search(PgdCommented *found);
extern void pgd_tag_read(const char *application, const char *comment,
						 int len, PgdTag *tag);

PGD_END_INTERNAL

/*
 * Find the comment of a statement: of "len" bytes at "location" of "source",
 * as in a PlannedStmt.  Most begin with a letter and end with one, or a digit.
 */
static inline void
pgd_tag_find(const char *source, int location, int len, PgdCommented *found)
{
	char		last;

	found->body = location > 0 ? source + location : source;
	found->body_len = len > 0 ? len : strlen(found->body);
	found->comment = NULL;
	found->comment_len = 0;
	if (unlikely(found->body_len == 0))
		return;
	last = found->body[found->body_len - 1];
	if (unlikely(found->body[0] <= '/' || last <= '/' || last == ';'))
		pgd_tag_search(found);
}

#endif							/* PGD_TAG_H */
