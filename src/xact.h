/*-------------------------------------------------------------------------
 *
 * xact.h
 *		Where transactions and bursts begin and end.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_XACT_H
#define PGD_XACT_H

#include "transcribe.h"

#include "access/xact.h"

PGD_BEGIN_INTERNAL

extern void pgd_xact_attach(void);
extern void pgd_xact_exit(void);

/* statements of the client */
extern void pgd_xact_statement_begin(PgdExecution *execution,
									 const char *source,
									 int location, int len);
extern void pgd_xact_ending(const Node *stmt);
extern void pgd_xact_utility_begin(PgdExecution *execution,
								   PlannedStmt *pstmt, const char *source);
extern void pgd_xact_utility_ended(PgdExecution *execution, const Node *stmt);

/* what becomes of it all */
extern void pgd_xact_event(XactEvent event);
extern void pgd_xact_subevent(SubXactEvent event);
extern void pgd_xact_error(int sqlstate, bool fatal);

PGD_END_INTERNAL

#endif							/* PGD_XACT_H */
