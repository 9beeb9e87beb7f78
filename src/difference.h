/*-------------------------------------------------------------------------
 *
 * difference.h
 *		What happened between two states of the same numbers.
 *
 * Each function takes the earlier state from the later one, and returns
 * whether anything happened at all.  Sums are subtracted.  A largest value
 * that has risen is that of the time in between; one that has not says
 * nothing about it and becomes PGD_UNKNOWN.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_DIFFERENCE_H
#define PGD_DIFFERENCE_H

#include "samples.h"
#include "sessions.h"
#include "shapes.h"

PGD_BEGIN_INTERNAL

extern bool pgd_statement_subtract(PgdStatement *later,
								   const PgdStatement *earlier);
extern void pgd_statement_estimate(PgdStatement *difference,
								   const PgdStatement *earlier);
extern bool pgd_shape_subtract(PgdShape *later, const PgdShape *earlier);
extern bool pgd_session_subtract(PgdSessionSum *later,
								 const PgdSessionSum *earlier);
extern bool pgd_sample_subtract(PgdSample *later, const PgdSample *earlier);

PGD_END_INTERNAL

#endif							/* PGD_DIFFERENCE_H */
