/*-------------------------------------------------------------------------
 *
 * xact.h
 *		The running transaction, or burst, as a transcript.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_XACT_H
#define PGD_XACT_H

#include "statement.h"

#include "access/xact.h"

/* "shape" has its key and text, and all numbers. */
typedef void (*PgdShapeVisitor) (const PgdShape *shape, void *arg);

PGD_BEGIN_INTERNAL

/* NULL until attached */
extern PgdXactSlot *pgd_xact_slot;

extern void pgd_xact_attach(void);
extern void pgd_xact_exit(void);

/* statements of the client */
extern void pgd_xact_statement_begin(PgdExecution *execution,
									 const char *source,
									 int location, int len);
extern void pgd_xact_statement_started(PgdExecution *execution,
									   QueryDesc *queryDesc);
extern void pgd_xact_statement_ended(PgdExecution *execution);
extern void pgd_xact_statement_failed(PgdExecution *execution, int sqlstate);
extern void pgd_xact_utility_begin(PgdExecution *execution,
								   PlannedStmt *pstmt, const char *source);
extern void pgd_xact_utility_ended(PgdExecution *execution, const Node *stmt);

/* what becomes of it all */
extern void pgd_xact_event(XactEvent event);
extern void pgd_xact_subevent(SubXactEvent event);
extern void pgd_xact_error(int sqlstate, bool fatal);

/* readers */
extern void pgd_xact_read(PgdShapeVisitor visit, void *arg);
extern void pgd_xact_sum_steps(const PgdTranscript *t, PgdXactCounters *sums);

PGD_END_INTERNAL

#endif							/* PGD_XACT_H */
