/*-------------------------------------------------------------------------
 *
 * remember.h
 *		Answers about windows that cannot change, kept for a transaction.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_REMEMBER_H
#define PGD_REMEMBER_H

#include "rows.h"
#include "window.h"

PGD_BEGIN_INTERNAL

extern void pgd_remember(FunctionCallInfo fcinfo, const PgdWindow *window,
						 const char *function);

PGD_END_INTERNAL

#endif							/* PGD_REMEMBER_H */
