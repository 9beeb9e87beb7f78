/*-------------------------------------------------------------------------
 *
 * error.h
 *		Whose error is it?
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_ERROR_H
#define PGD_ERROR_H

#include "statement.h"

PGD_BEGIN_INTERNAL

/* SQLSTATE of the latest error that was counted; 0: it is over. */
extern int	pgd_error_counted;

extern void pgd_error_caught(PgdExecution *execution);
extern void pgd_error_landed(void);
extern void pgd_error_reported(const ErrorData *error);
extern void pgd_error_exit(void);

PGD_END_INTERNAL

/*
 * The error in flight, if any, is over: a statement begins, or completes.
 */
static inline void
pgd_error_settled(void)
{
	pgd_error_counted = 0;
}

#endif							/* PGD_ERROR_H */
