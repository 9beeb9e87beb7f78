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

extern void pgd_error_caught(PgdExecution *execution);
extern void pgd_error_settled(void);
extern void pgd_error_landed(void);
extern void pgd_error_reported(const ErrorData *error);
extern void pgd_error_exit(void);

PGD_END_INTERNAL

#endif							/* PGD_ERROR_H */
