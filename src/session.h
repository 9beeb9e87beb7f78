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

extern PgdSession *pgd_session; /* NULL: no client's, or not begun */
extern uint32 pgd_session_block;	/* 1: in a transaction block */
extern int	pgd_session_look_in;	/* transactions until the next look */

extern void pgd_session_begin(void);
extern int	pgd_session_utility(const Node *stmt, bool toplevel);
extern void pgd_session_block_over(XactEvent event);
extern void pgd_session_look(void);

PGD_END_INTERNAL

/* Something happens that is counted. */
static inline void
pgd_session_count(PgdSessionCounter counter)
{
	if (likely(pgd_session != NULL))
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
	PgdSessionCounter counter;

	if (event == XACT_EVENT_COMMIT)
		counter = PGD_SESSION_commits_alone;
	else if (event == XACT_EVENT_ABORT)
		counter = PGD_SESSION_rollbacks_alone;
	else if (event == XACT_EVENT_PREPARE)
		counter = PGD_SESSION_prepared;
	else
		return;

	if (unlikely(pgd_session == NULL))
	{
		if (event == XACT_EVENT_COMMIT)
			pgd_session_begin();
		return;
	}
	if (unlikely(--pgd_session_look_in <= 0))
		pgd_session_look();
	if (pgd_session_block)
		pgd_session_block_over(event);
	else
		pgd_sessions_count(pgd_session, counter);
}

#endif							/* PGD_SESSION_H */
