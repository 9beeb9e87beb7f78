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

/* The error in flight has been counted for a statement. */
extern bool pgd_error_counted;

extern void pgd_error_caught(PgdExecution *execution);
extern void pgd_error_reported(const ErrorData *error);
extern void pgd_error_exit(void);

PGD_END_INTERNAL

/*
 * The error in flight, if any, has landed: somebody caught it, or a new
 * statement begins.
 */
static inline void
pgd_error_settled(void)
{
	pgd_error_counted = false;
}

#endif							/* PGD_ERROR_H */
