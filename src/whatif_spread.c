/*-------------------------------------------------------------------------
 *
 * whatif_spread.c
 *		How many different values there are in a table, and how many rows have
 *		each, when only a sample of it was seen.
 *
 * One number of distinct values is not enough to know an index: a thousand
 * values that are everywhere and a million that are rare give a mean that is
 * true of none of them.  So the values that were seen a few times each are
 * explained as a mixture: values of how many rows, and how many of these,
 * make it most likely to see as many of them once, twice, and so on?  It is
 * the maximum-likelihood estimate for a mixture of Poisson distributions,
 * found by expectation maximization (Dempster, Laird, Rubin, 1977), on a grid.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "whatif.h"

/* More steps move the estimate by less than its error. */
#define STEPS	80

/*
 * "seen" says how many values were seen once, twice, ... in a sample that is
 * this fraction of the table.  Classes get values and their rows; their
 * number is returned.
 */
int
pgd_whatif_spread(const double *seen, double fraction,
				  PgdWhatIfClass classes[PGD_CLASSES])
{
	double		chance[PGD_CLASSES][PGD_SEEN];	/* of being seen that often */
	double		weight[PGD_CLASSES];
	double		any[PGD_CLASSES];	/* of being seen at all */
	double		all = 0;
	const double ratio = pow(1.5 * PGD_SEEN / fraction,
							 1.0 / (PGD_CLASSES - 1));

	for (int f = 0; f < PGD_SEEN; f++)
		all += seen[f];
	if (all <= 0)
		return 0;
	if (all == seen[0])
	{
		classes[0] = (PgdWhatIfClass) {all / fraction, 1};
		return 1;
	}
	for (int c = 0; c < PGD_CLASSES; c++)
	{
		const double expected = fraction * pow(ratio, c);
		double		p = exp(-expected);

		any[c] = 0;
		for (int f = 0; f < PGD_SEEN; f++)
		{
			p *= expected / (f + 1);
			chance[c][f] = p;
			any[c] += p;
		}
		for (int f = 0; f < PGD_SEEN; f++)
			chance[c][f] /= any[c];
		/* rather a few values that were all seen than many that were not */
		weight[c] = any[c];
	}
	for (int step = 0; step < STEPS; step++)
	{
		double		next[PGD_CLASSES] = {0};

		for (int f = 0; f < PGD_SEEN; f++)
		{
			double		sum = 0;

			for (int c = 0; c < PGD_CLASSES; c++)
				sum += weight[c] * chance[c][f];
			for (int c = 0; c < PGD_CLASSES && sum > 0; c++)
				next[c] += seen[f] / all * weight[c] * chance[c][f] / sum;
		}
		memcpy(weight, next, sizeof(weight));
	}
	for (int c = 0; c < PGD_CLASSES; c++)
	{
		const double rows = pow(ratio, c);

		/* and those not seen; what was seen more often is not ours */
		classes[c].rows = rows;
		classes[c].values = all * weight[c] *
			(1 + exp(-fraction * rows) / any[c]);
	}
	return PGD_CLASSES;
}
