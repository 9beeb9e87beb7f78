/*-------------------------------------------------------------------------
 *
 * statistics_trial.c
 *		How often the statistics on times are wrong, and how often they find
 *		a change: trials on simulated load.  See statistics_trial.sh.
 *
 * A statement's level in a stretch is the sum of the load, times how much it
 * reacts to that, and of what is its own; both are autoregressions.  Each
 * execution scatters about the level, log-normally.  Everything then goes
 * through the same functions as in the server.  The load of the two sides is
 * independent: the worst case.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <math.h>

#include "statistics.h"

#define STATEMENTS_MAX	51

typedef struct Trial
{
	const char *name;
	int			stretches;		/* a side */
	int			executions;		/* a stretch */
	int			controls;		/* candidates beside the statement itself */
	int			changed;		/* of these: slower by 15 to 50 % after */
	double		load;			/* standard deviation of the load */
	double		load_memory;	/* correlation of neighbouring stretches */
	double		load_after;		/* how many times as high it is after */
	double		own;			/* standard deviation of what is its own */
	double		own_memory;
	double		reacts;			/* how much the statement reacts to load */
	bool		tails;			/* a tenth of the executions take much longer */
	bool		kinds;			/* a third of them take 7 times as long */
	bool		varies;			/* executions a stretch, exponentially */
} Trial;

/* Usual ones: 16 stretches of 50 executions, 15 candidates. */
#define USUAL(label) \
	.name = label, .stretches = 16, .executions = 50, .controls = 15, \
	.load = 0.1, .load_memory = 0.9, .load_after = 1, .own = 0.05, \
	.own_memory = 0.5, .reacts = 1

#pragma GCC diagnostic ignored "-Woverride-init"

static const Trial trials[] = {
	{USUAL("load 10 %")},
	{USUAL("load 25 %"), .load = 0.25},
	{USUAL("load 10 %, reacts twice"), .reacts = 2},
	{USUAL("load 25 %, reacts twice"), .load = 0.25, .reacts = 2},
	{USUAL("load 25 %, does not react"), .load = 0.25, .reacts = 0},
	{USUAL("load of short memory, 0.7"), .load_memory = 0.7},
	{USUAL("no load"), .load = 0.001},
	{USUAL("load 1.5 times as high after"), .load_after = 1.5},
	{USUAL("own noise of long memory, 0.9"), .own_memory = 0.9},
	{USUAL("10 executions a stretch"), .executions = 10},
	{USUAL("1 to 200 executions a stretch"), .varies = true},
	{USUAL("300 executions a stretch"), .executions = 300},
	{USUAL("300, own noise 3 %"), .executions = 300, .own = 0.03},
	{USUAL("heavy tails"), .tails = true},
	{USUAL("two kinds of executions"), .kinds = true},
	{USUAL("5 candidates"), .controls = 5},
	{USUAL("50 candidates"), .controls = 50},
	{USUAL("4 of 15 candidates changed"), .changed = 4},
	{USUAL("7 of 15 candidates changed"), .changed = 7},
	{USUAL("4 stretches"), .stretches = 4},
	{USUAL("8 stretches"), .stretches = 8},
	{USUAL("30 stretches"), .stretches = 30},
	{USUAL("60 stretches"), .stretches = 60},
	{USUAL("60, load 25 %, reacts twice"), .stretches = 60, .load = 0.25,
		.reacts = 2},
	{USUAL("60 stretches of 10 executions"), .stretches = 60,
		.executions = 10},
};

static double levels[STATEMENTS_MAX][PGD_STRETCHES_MAX];
static double weights[STATEMENTS_MAX][PGD_STRETCHES_MAX];
static uint64 random_state;

static double
uniform(void)
{
	uint64		z = (random_state += UINT64CONST(0x9E3779B97F4A7C15));

	z = (z ^ (z >> 30)) * UINT64CONST(0xBF58476D1CE4E5B9);
	z = (z ^ (z >> 27)) * UINT64CONST(0x94D049BB133111EB);
	return (((z ^ (z >> 31)) >> 11) + 0.5) / 9007199254740992.0;
}

static double
normal(void)
{
	return sqrt(-2 * log(uniform())) * cos(2 * M_PI * uniform());
}

static void
autoregression(double *values, int n, double memory, double deviation)
{
	double		x = normal();

	for (int i = 0; i < n; i++)
	{
		values[i] = deviation * x;
		x = memory * x + sqrt(1 - memory * memory) * normal();
	}
}

/* One stretch of one statement. */
static void
simulate_stretch(const Trial *t, double at, double *level, double *weight)
{
	PgdHistogram histogram = {0};
	PgdBucket	buckets[PGD_HISTOGRAM_BUCKETS];
	int			n = t->executions;
	int			used = 0;
	double		total;

	if (t->varies)
		n = (int) (-log(uniform()) * n);
	for (int i = 0; i < n; i++)
	{
		double		x = at + 0.6 * normal();

		if (t->tails && uniform() < 0.1)
			x -= 1.5 * log(uniform());
		if (t->kinds && uniform() < 0.3)
			x += 2;
		histogram.count[pgd_histogram_bucket((uint64) exp(x))]++;
	}
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		if (histogram.count[i] == 0)
			continue;
		buckets[used].bucket = i;
		buckets[used++].count = histogram.count[i];
	}
	*level = pgd_level(buckets, used, &total);
	*weight = total / (total + 100);
}

static void
simulate(const Trial *t, double effect)
{
	int			n = t->stretches;
	double		load[PGD_STRETCHES_MAX];
	double		own[PGD_STRETCHES_MAX];

	autoregression(load, n, t->load_memory, t->load);
	autoregression(load + n, n, t->load_memory, t->load);
	for (int j = 0; j <= t->controls; j++)
	{
		double		mean = log(1e6) + normal();
		double		reacts = j == 0 ? t->reacts : 0.5 + uniform();
		double		change = j == 0 ? effect :
			j <= t->changed ? log(1.15 + 0.35 * uniform()) : 0;

		autoregression(own, 2 * n, t->own_memory, t->own);
		for (int k = 0; k < 2 * n; k++)
		{
			double		at = mean + own[k] + reacts *
				(load[k] + (k >= n ? log(t->load_after) : 0)) +
				(k >= n ? change : 0);

			simulate_stretch(t, at, &levels[j][k], &weights[j][k]);
		}
	}
}

/* What became of many trials. */
typedef struct Count
{
	int			called;			/* p < 5 % */
	int			called_ten;		/* and by 10 % at least */
	int			called_of_16;	/* and the only one of 16, adjusted for that */
	int			covered;		/* the truth lies in the interval */
	double		smallest;
} Count;

static void
count_trial(const PgdEffect *effect, double truth, Count *count)
{
	PgdVerdict	v;
	bool		right = truth == 0 || effect->log_ratio > 0;
	bool		ten = fabs(effect->log_ratio) >= log(1.1);

	pgd_effect_judge(effect, &v);
	count->called += v.p_value < 0.05 && right;
	count->called_ten += v.p_value < 0.05 && right && ten;
	count->called_of_16 += v.p_value < 0.05 / 16 && right && ten;
	count->covered += v.low <= exp(truth) && exp(truth) <= v.high;
	count->smallest += v.smallest;
}

static void
run_trial(const Trial *t, double truth, int repetitions)
{
	PgdStretches stretches = {{t->stretches, t->stretches}};
	PgdSeries	candidates[STATEMENTS_MAX];
	PgdSeries	series = {levels[0], weights[0]};
	Count		with = {0};
	Count		without = {0};
	double		controls = 0;

	random_state = 20 + t->stretches;
	for (int i = 0; i < t->controls; i++)
		candidates[i] = (PgdSeries) {levels[i + 1], weights[i + 1]};
	for (int r = 0; r < repetitions; r++)
	{
		PgdLoad		load;
		PgdEffect	effect;
		bool		found;

		simulate(t, truth);
		found = pgd_load_find(candidates, t->controls, &stretches, &load);
		controls += load.controls;
		if (pgd_effect_of_series(&series, &stretches, &load,
								 found ? 0 : PGD_LOAD_CORRELATION, &effect))
			count_trial(&effect, truth, &with);
		if (pgd_effect_of_series(&series, &stretches, NULL,
								 PGD_LOAD_CORRELATION, &effect))
			count_trial(&effect, truth, &without);
	}
#define SHARE(n)	(100.0 * (n) / repetitions)
	printf("| %-29s | x%.1f | %5.1f | %5.1f | %5.1f | %5.1f | %4.1f | %5.2f | %5.1f |\n",
		   t->name, exp(truth), SHARE(with.called), SHARE(with.called_ten),
		   SHARE(with.called_of_16), SHARE(with.covered),
		   controls / repetitions, with.smallest / repetitions,
		   SHARE(without.called_ten));
	fflush(stdout);
}

int
main(int argc, char **argv)
{
	int			repetitions = argc > 1 ? atoi(argv[1]) : 1000;

	printf("| %-29s | true | p<5%% | +10%% | of 16 | cover | ctl. | small. | none |\n",
		   "trial");
	printf("|-------------------------------|------|------:|------:|------:|------:|-----:|------:|------:|\n");
	for (int i = 0; i < lengthof(trials); i++)
	{
		run_trial(&trials[i], 0, repetitions);
		run_trial(&trials[i], log(1.2), repetitions);
	}
	return 0;
}
