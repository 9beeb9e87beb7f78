/*-------------------------------------------------------------------------
 *
 * tag.h
 *		Who sends a statement: application_name, and a sqlcommenter comment.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_TAG_H
#define PGD_TAG_H

#include "utils/guc.h"

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

/* that of the latest statements, and what it was made of */
extern PgdTag pgd_tag;
extern const char *pgd_tag_application;
extern char pgd_tag_comment[512];
extern int	pgd_tag_comment_len;

extern void pgd_tag_search(PgdCommented *found);
extern void pgd_tag_read(const PgdCommented *text);
extern uint64 pgd_tag_hash(const PgdTag *tag);

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

/*
 * Who sends a statement.  Without a comment it goes with those before it,
 * unless it is the first one.
 */
static inline void
pgd_tag_set(const PgdCommented *text, bool first)
{
	if (unlikely(pgd_tag_application != application_name ||
				 (text->comment == NULL ?
				  first && pgd_tag_comment_len != 0 :
				  text->comment_len != pgd_tag_comment_len ||
				  memcmp(text->comment, pgd_tag_comment,
						 pgd_tag_comment_len) != 0)))
		pgd_tag_read(text);
}

#endif							/* PGD_TAG_H */
