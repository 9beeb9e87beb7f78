/*-------------------------------------------------------------------------
 *
 * marks.h
 *		Marks: what happened to the server, and when.
 *
 * A mark is put into a ring in shared memory, by any process and without a
 * lock, and is moved to a file soon after (markfile.c).
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_MARKS_H
#define PGD_MARKS_H

#include "pg_diagnose.h"

/* Written to disk: new ones go to the end. */
typedef enum PgdMarkKind
{
	PGD_MARK_NONE,
	PGD_MARK_LABEL,				/* somebody said so: a release, a test */
	PGD_MARK_DDL,				/* a change that statements can feel */
	PGD_MARK_SETTING,			/* a setting of the server changed */
	PGD_MARK_START,				/* the server started */
	PGD_MARK_CRASH,				/* it started after a crash */
	PGD_MARK_RESET,				/* counting began anew */
	PGD_MARK_PROMOTION,			/* a standby became a primary */
	PGD_MARK_BASELINE			/* a window got a name */
} PgdMarkKind;

#define PGD_MARK_KINDS	9

/*
 * A baseline's name is in "what", its reason in "detail", and its window in
 * "lower" and "upper"; 0 stands for the last reset there.
 */
typedef struct PgdMark
{
	uint64		id;				/* ascending */
	uint64		node;			/* whose it is, see archive.c */
	TimestampTz at;
	uint32		kind;			/* PgdMarkKind */
	int32		encoding;		/* of the texts */
	Oid			dbid;			/* InvalidOid: not of a session */
	Oid			userid;
	uint64		snapshot;		/* taken at the same moment, 0: none */
	uint64		lower;
	uint64		upper;
	char		what[NAMEDATALEN];
	char		object[2 * NAMEDATALEN];	/* that it was about */
	char		detail[200];
	char		undo[168];		/* a statement that takes it back */
} PgdMark;

typedef void (*PgdMarkVisitor) (const PgdMark *mark, void *arg);

PGD_BEGIN_INTERNAL

extern Size pgd_marks_layout(char *base);
extern void pgd_marks_clear(void);
extern void pgd_marks_start(uint64 first_id, bool standby);

/* everybody */
extern void pgd_mark_text(char *into, size_t size, const char *text, int len,
						  int encoding);
extern uint64 pgd_marks_put(PgdMark *mark);
extern int	pgd_marks_read(PgdMarkVisitor visit, void *arg);
extern int	pgd_marks_waiting(void);
extern uint64 pgd_marks_dropped(void);

/* who holds the lock of the archive */
extern void pgd_marks_free(int n);

/* the background worker */
extern void pgd_marks_attach(int procno);
extern void pgd_marks_detach(void);
extern bool pgd_marks_was_standby(void);
extern void pgd_marks_set_standby(bool standby);

PGD_END_INTERNAL

#define PGD_MARK_TEXT(mark, field, text, len) \
	pgd_mark_text((mark)->field, sizeof((mark)->field), text, len, \
				  (mark)->encoding)

#endif							/* PGD_MARKS_H */
