/*-------------------------------------------------------------------------
 *
 * advise_refine.c
 *		What was chosen one by one, looked at as a whole.
 *
 * Partial indexes instead of wide ones, keys that bring nothing cut, keys
 * that bring just the rows wanted added, and what is superfluous by then taken
 * back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "advise.h"
#include "guc.h"

#define TRIM_LOSS		0.1		/* of its gain that a shorter index may lose */
#define INCLUDE_LOSS	0.25	/* the same for one without included columns */
#define DROP_LOSS		0.03	/* of all gain that one taken back may lose */
#define OFTEN			5		/* calls: what is called less is a report */
#define HURT_FACTOR		1.5		/* in a statement's cost, so much more matters, */
#define HURT_COST		4		/* if it is more than one page */
#define NARROW_SIZE		4		/* times the size of a partial index */
#define NARROW_HURT		3		/* costs of a few rows differ by so much for nothing */
#define LENGTHEN_SIZE	2.5		/* a longer index may be bigger, within limits: */
#define LENGTHEN_WRITE	1.2		/* duplicates do not share an entry any more */

/*
 * How many times as much would some statement that matters cost with the
 * latter indexes, if it is more than a page?  That what is left of its time is
 * little now, is because there is an index; as the table grows, it grows.
 */
static double
hurt_of(PgdAdvice *advice, const Bitmapset *before, const Bitmapset *after)
{
	double		worst = 1;

	for (int s = 0; s < advice->nstatements; s++)
	{
		PgdAdvised *statement = advice->statements[s];
		double		a;
		double		b;

		if (statement->base <= 0 || statement->load.calls < OFTEN ||
			statement->time < pgd_threshold.missing_index_min_share *
			advice->total_time)
			continue;
		a = pgd_advise_cost(advice, statement, before, NULL);
		b = pgd_advise_cost(advice, statement, after, NULL);
		if (b > a + HURT_COST * list_length(statement->examples))
			worst = Max(worst, b / a);
	}
	return worst;
}

/*
 * Is the longer of two indexes worth its room, for the statement that would
 * be hurt most by the shorter one?
 */
static bool
is_worth_it(PgdAdvice *advice, int shorter, int longer, double hurt)
{
	const PgdAdvisedIndex *a = advice->indexes[shorter];
	const PgdAdvisedIndex *b = advice->indexes[longer];

	return hurt > HURT_FACTOR &&
		b->index->pages <= a->index->pages * Max(LENGTHEN_SIZE, hurt) &&
		b->write <= LENGTHEN_WRITE * a->write &&
		(a->breaks_hot || !b->breaks_hot);
}

/*
 * Replace what has all rows where a partial index does about as much, and is
 * a fraction of its size.
 */
static void
narrow(PgdAdvice *advice)
{
	Bitmapset  *look = bms_copy(advice->chosen);
	int			i = -1;

	while ((i = bms_next_member(look, i)) >= 0)
	{
		PgdAdvisedIndex *index = advice->indexes[i];
		Bitmapset  *others = pgd_advise_without(advice->chosen, i);
		double		gain = pgd_advise_gain(advice, others, advice->chosen, NULL);
		int			best = -1;

		for (int n = 0; n < advice->nindexes; n++)
		{
			PgdAdvisedIndex *partial = advice->indexes[n];

			if (partial->index == NULL || partial->candidate->predicate == NULL ||
				partial->candidate->table != index->candidate->table ||
				bms_is_member(n, advice->chosen) ||
				partial->index->pages * NARROW_SIZE > index->index->pages ||
				partial->write > index->write ||
				(best >= 0 && partial->index->pages >=
				 advice->indexes[best]->index->pages) ||
				pgd_advise_gain(advice, others, pgd_advise_with(others, n), NULL) <
				(1 - TRIM_LOSS) * gain ||
				hurt_of(advice, advice->chosen, pgd_advise_with(others, n)) > NARROW_HURT)
				continue;
			best = n;
		}
		if (best >= 0)
		{
			index->rejected = "a partial one does as well";
			advice->chosen = pgd_advise_with(others, best);
		}
	}
}

/*
 * Replace what is longer than it need be.
 */
static void
trim(PgdAdvice *advice)
{
	Bitmapset  *look = bms_copy(advice->chosen);
	int			i = -1;

	while ((i = bms_next_member(look, i)) >= 0)
	{
		int			current = i;

		for (;;)
		{
			PgdAdvisedIndex *index = advice->indexes[current];
			PgdCandidate *shorter = pgd_advise_shorter(index->candidate);
			Bitmapset  *others = pgd_advise_without(advice->chosen, current);
			double		gain;
			int			n;

			if (shorter == NULL)
				break;
			n = pgd_advise_add_index(advice, shorter);
			if (advice->indexes[n]->index == NULL ||
				bms_is_member(n, advice->chosen))
				break;
			gain = pgd_advise_gain(advice, others, advice->chosen, NULL);
			if (pgd_advise_gain(advice, others, pgd_advise_with(others, n), NULL) <
				(1 - (index->candidate->include != NIL ? INCLUDE_LOSS :
					  TRIM_LOSS)) * gain ||
				(index->candidate->include == NIL &&
				 index->candidate->limits &&
				 is_worth_it(advice, n, current,
							 hurt_of(advice, advice->chosen, pgd_advise_with(others, n)))))
				break;
			index->rejected = "a shorter one does as well";
			advice->chosen = pgd_advise_with(others, n);
			current = n;
		}
	}
}

/*
 * Replace what is shorter than it might be, where for a little more room some
 * statement would find just the rows it wants.
 */
static void
lengthen(PgdAdvice *advice)
{
	Bitmapset  *look = bms_copy(advice->chosen);
	int			i = -1;

	while ((i = bms_next_member(look, i)) >= 0)
	{
		PgdAdvisedIndex *index = advice->indexes[i];
		Bitmapset  *best = NULL;
		double		best_gain = 0;

		for (int n = 0; n < advice->nindexes; n++)
		{
			PgdAdvisedIndex *longer = advice->indexes[n];
			Bitmapset  *instead;
			double		gain;

			if (longer->index == NULL || bms_is_member(n, advice->chosen) ||
				longer->candidate->include != NIL ||
				!longer->candidate->limits ||
				!pgd_advise_begins_alike(index->candidate,
										 longer->candidate))
				continue;
			instead = pgd_advise_with(pgd_advise_without(advice->chosen, i), n);
			gain = pgd_advise_gain(advice, advice->chosen, instead, NULL);
			if (gain <= best_gain ||
				!is_worth_it(advice, i, n,
							 hurt_of(advice, instead, advice->chosen)))
				continue;
			best = instead;
			best_gain = gain;
		}
		if (best != NULL)
		{
			index->rejected = "a longer one does more, for little";
			advice->chosen = best;
		}
	}
}

/*
 * Take back what later choices have made superfluous.
 */
static void
take_back(PgdAdvice *advice)
{
	Bitmapset  *look = bms_copy(advice->chosen);
	int			i = -1;

	while ((i = bms_next_member(look, i)) >= 0)
	{
		Bitmapset  *others = pgd_advise_without(advice->chosen, i);
		Bitmapset  *one = bms_make_singleton(i);
		double		share;
		double		gain = pgd_advise_gain(advice, others, advice->chosen, &share);
		const char *problem = pgd_advise_verdict(advice, one, gain, share);

		/* nobody has both (a) and (a, b) */
		for (int n = 0; n < advice->nindexes && problem == NULL; n++)
		{
			if (bms_is_member(n, advice->chosen) &&
				pgd_advise_begins_alike(advice->indexes[i]->candidate,
										advice->indexes[n]->candidate))
				problem = "a longer one does more, for little";
		}
		if (problem == NULL &&
			gain < DROP_LOSS * pgd_advise_gain(advice, NULL, one, NULL))
			problem = "the others do as well together";
		if (problem != NULL)
		{
			advice->indexes[i]->rejected = problem;
			advice->chosen = others;
		}
	}
}

void
pgd_advise_refine(PgdAdvice *advice)
{
	narrow(advice);
	trim(advice);
	lengthen(advice);
	take_back(advice);
}
