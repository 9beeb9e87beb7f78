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

extern void pgd_tag_find(const char *source, int location, int len,
						 PgdCommented *found);
extern void pgd_tag_read(const char *application, const char *comment,
						 int len, PgdTag *tag);

PGD_END_INTERNAL

#endif							/* PGD_TAG_H */
