/*-------------------------------------------------------------------------
 *
 * statistics_student.c
 *		Probabilities: Student's t, and many of them at once.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "statistics.h"
#include "utils/float.h"

/*
 * The continued fraction of the incomplete beta function (DLMF 8.17.22),
 * evaluated by the method of Lentz as modified by Thompson and Barnett.  It
 * converges in O(sqrt(max(a, b))) steps where x < (a + 1) / (a + b + 2).
 */
static double
beta_fraction(double x, double a, double b)
{
	const double tiny = 1e-300;
	double		c = 1;
	double		d = 1 - (a + b) * x / (a + 1);
	double		value;

	d = 1 / (fabs(d) < tiny ? tiny : d);
	value = d;
	for (int m = 1; m <= 10000; m++)
	{
		double		even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
		double		odd = -(a + m) * (a + b + m) * x /
			((a + 2 * m) * (a + 2 * m + 1));

		d = 1 + even * d;
		c = 1 + even / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		value *= c * d;

		d = 1 + odd * d;
		c = 1 + odd / c;
		d = 1 / (fabs(d) < tiny ? tiny : d);
		c = fabs(c) < tiny ? tiny : c;
		value *= c * d;
		if (fabs(c * d - 1) < 1e-15)
			break;
	}
	return value;
}

/* I_x(a, b) for x and 1 - x, so that neither is rounded away. */
static double
incomplete_beta(double x, double rest, double a, double b)
{
	double		front;

	if (x <= 0)
		return 0;
	if (rest <= 0)
		return 1;
	front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) +
				a * log(x) + b * log(rest));
	if (x < (a + 1) / (a + b + 2))
		return front * beta_fraction(x, a, b) / a;
	return 1 - front * beta_fraction(rest, b, a) / b;
}

/*
 * The probability of a t at least as far from 0: I_x(df / 2, 1 / 2) of
 * x = df / (df + t^2) (Abramowitz and Stegun 26.7.1).
 */
double
pgd_t_two_sided(double t, double df)
{
	double		square = t * t;

	if (isnan(t) || !(df > 0))
		return get_float8_nan();
	if (isinf(square))
		return 0;
	return incomplete_beta(df / (df + square), square / (df + square),
						   df / 2, 0.5);
}

static double
t_density(double t, double df)
{
	return exp(lgamma((df + 1) / 2) - lgamma(df / 2) -
			   (df + 1) / 2 * log1p(t * t / df)) / sqrt(df * M_PI);
}

/*
 * The t below which it lies with probability p.  By Newton's method, where the
 * logarithm of the two-sided probability is a function of that of t: it is
 * concave, so that all steps but the first approach the root from one side.
 * Five of them do; where a step leaves what is left of the range, it is
 * halved.
 */
double
pgd_t_quantile(double p, double df)
{
	double		wanted = 2 * Min(p, 1 - p);
	double		low = 0;
	double		high = get_float8_infinity();
	double		t = 1;

	if (!(p > 0 && p < 1) || !(df > 0))
		return get_float8_nan();
	if (wanted >= 1)
		return 0;
	for (int i = 0; i < 100; i++)
	{
		double		tail = pgd_t_two_sided(t, df);
		double		next;

		if (tail > wanted)
			low = t;
		else
			high = t;
		next = t * exp(log(tail / wanted) * tail / (2 * t * t_density(t, df)));
		if (!(next > low && next < high))
			next = isinf(high) ? 2 * t : (low + high) / 2;
		if (fabs(next - t) <= 1e-14 * t)
			break;
		t = next;
	}
	return p < 0.5 ? -t : t;
}

/*
 * Benjamini and Hochberg (J. R. Stat. Soc. B 57): of what is reported because
 * its adjusted p is below q, a share of q at most is chance.  "ascending"
 * holds the indexes of the p in ascending order.
 */
void
pgd_adjust_p_values(const double *p, const int *ascending, int n,
					double *adjusted)
{
	double		least = 1;

	for (int i = n - 1; i >= 0; i--)
	{
		least = Min(least, p[ascending[i]] * n / (i + 1));
		adjusted[ascending[i]] = least;
	}
}
