/*-------------------------------------------------------------------------
 *
 * session.h
 *		What this session does.
 *
 * It is counted from the end of the transaction in which the server connects
 * a client to its database, until the process ends.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_SESSION_H
#define PGD_SESSION_H

#include "access/xact.h"
#include "nodes/nodes.h"

#include "sessions.h"

#define PGD_NO_COUNTER	(-1)

PGD_BEGIN_INTERNAL

/* where to count; nobody looks at it in a process that serves no client */
extern PgdSession *pgd_session;

/* autocommit transactions until one that takes more than counting */
extern int	pgd_session_quiet;

extern void pgd_session_init(void);
extern int	pgd_session_utility(const Node *stmt, bool toplevel);
extern void pgd_session_attend(XactEvent event);

PGD_END_INTERNAL

/* Something happens that is counted. */
static inline void
pgd_session_count(PgdSessionCounter counter)
{
	pgd_sessions_count(pgd_session, counter);
}

/* The client has a statement executed. */
static inline void
pgd_session_statement(void)
{
	pgd_session_count(PGD_SESSION_statements);
}

/*
 * A transaction is over, as pg_stat_database counts them.
 */
static inline void
pgd_session_xact(XactEvent event)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT &&
		event != XACT_EVENT_PREPARE)
		return;
	if (unlikely(--pgd_session_quiet < 0))
		pgd_session_attend(event);
	else
		pgd_session_count(event == XACT_EVENT_COMMIT ?
						  PGD_SESSION_commits_alone :
						  PGD_SESSION_rollbacks_alone);
}

#endif							/* PGD_SESSION_H */
