/*-------------------------------------------------------------------------
 *
 * window_sums.c
 *		What happened in a window: errors of no statement, sessions, samples and
 *		transactions.
 *
 * Rows that had to make room are treated as those of statements are, see
 * window_statements.c.
 *
 * A burst that is open at the upper end counts as if it ended there.  At the
 * lower end it does not count, for it is not over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "difference.h"
#include "store.h"
#include "window_ends.h"

/* ----------
 * Strays, sessions, samples
 * ----------
 */

void
pgd_window_strays(const PgdWindow *window, PgdStrayVisitor visit, void *arg)
{
	PgdEnds		ends = {0};
	PgdIndex	lower;
	PgdCursor	section;
	PgdRecord	record;
	PgdStrayError error;
	PgdStrayError before;

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_strays_read(visit, arg);
		return;
	}
	pgd_ends_open(window, &ends);
	lower = pgd_ends_index_lower(&ends, PGD_SECTION_STRAYS);
	section = ends.upper.sections[PGD_SECTION_STRAYS];
	while (pgd_image_next(&section, &record))
	{
		const PgdRecord *earlier = pgd_index_meet(&lower, &record.key);

		if (!pgd_image_stray(record, &error))
			pgd_ends_report_damaged(&ends.upper);
		if (earlier != NULL && !pgd_image_stray(*earlier, &before))
			pgd_ends_report_damaged(&ends.lower);
		if (earlier != NULL)
			error.count -= Min(error.count, before.count);
		if (error.count > 0)
			visit(&error, arg);
	}
	if (section.bad)
		pgd_ends_report_damaged(&ends.upper);
	pgd_ends_close(&ends);
}

void
pgd_window_sessions(const PgdWindow *window, PgdSessionVisitor visit,
					void *arg)
{
	static PgdSessionSum s;
	static PgdSessionSum before;
	PgdEnds		ends = {0};
	PgdIndex	lower;
	PgdCursor	section;
	PgdRecord	record;

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_store_read_sessions(visit, arg);
		return;
	}
	pgd_ends_open(window, &ends);
	lower = pgd_ends_index_lower(&ends, PGD_SECTION_SESSIONS);
	section = ends.upper.sections[PGD_SECTION_SESSIONS];
	while (pgd_image_next(&section, &record))
	{
		const PgdRecord *earlier = pgd_index_meet(&lower, &record.key);

		if (!pgd_image_session(&ends.upper, record, &s))
			pgd_ends_report_damaged(&ends.upper);
		if (earlier != NULL &&
			!pgd_image_session(&ends.lower, *earlier, &before))
			pgd_ends_report_damaged(&ends.lower);
		if (earlier == NULL || pgd_session_subtract(&s, &before))
			visit(&s, arg);
	}
	if (section.bad)
		pgd_ends_report_damaged(&ends.upper);
	pgd_ends_close(&ends);
}

static void
get_sample(const PgdImage *image, const PgdRecord *record,
		   PgdSampleKind *kind, PgdSample *sample)
{
	if (!pgd_image_sample(*record, kind, sample))
		pgd_ends_report_damaged(image);
}

/*
 * Does it stand for all of a database that have no row of their own?
 */
static bool
is_others(const PgdSample *sample)
{
	const PgdSampleKey others = {.dbid = sample->key.dbid};

	return memcmp(&sample->key, &others, sizeof(others)) == 0;
}

/*
 * As subtract_unmet_statements(): from the row of the database, or else from
 * that of database 0.
 */
static void
subtract_unmet_samples(PgdEnds *ends, const PgdIndex *lower, PgdSampleKind kind,
					   List *others)
{
	for (int i = 0; i < lower->n && others != NIL; i++)
	{
		PgdSample	before;
		PgdSample  *row = NULL;
		PgdSampleKind its_kind;
		ListCell   *cell;

		if (lower->met[i])
			continue;
		get_sample(&ends->lower, &lower->records[i], &its_kind, &before);
		if (its_kind != kind || is_others(&before))
			continue;
		foreach(cell, others)
		{
			PgdSample  *other = lfirst(cell);

			if (other->key.dbid == before.key.dbid ||
				(other->key.dbid == InvalidOid && row == NULL))
				row = other;
		}
		if (row != NULL)
			(void) pgd_sample_subtract(row, &before);
	}
}

/*
 * One row; returns false if nothing happened.
 */
static bool
difference_of_sample(PgdEnds *ends, PgdIndex *lower, const PgdRecord *record,
					 PgdSample *sample)
{
	const PgdRecord *earlier = pgd_index_meet(lower, &record->key);
	PgdSample	before;
	PgdSampleKind kind;

	if (earlier == NULL)
		return sample->samples > 0;
	get_sample(&ends->lower, earlier, &kind, &before);
	if (sample->samples >= before.samples || is_others(sample))
		return pgd_sample_subtract(sample, &before);
	/* it had to make room, and has begun anew */
	lower->met[earlier - lower->records] = false;
	return true;
}

void
pgd_window_samples(const PgdWindow *window, PgdSampleKind kind,
				   PgdSampleVisitor visit, void *arg)
{
	PgdEnds		ends = {0};
	PgdIndex	lower;
	PgdCursor	section;
	PgdRecord	record;
	List	   *others = NIL;
	ListCell   *cell;

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_samples_read(kind, visit, arg);
		return;
	}
	pgd_ends_open(window, &ends);
	lower = pgd_ends_index_lower(&ends, PGD_SECTION_SAMPLES);
	section = ends.upper.sections[PGD_SECTION_SAMPLES];
	while (pgd_image_next(&section, &record))
	{
		PgdSample	sample;
		PgdSampleKind its_kind;

		get_sample(&ends.upper, &record, &its_kind, &sample);
		if (its_kind != kind ||
			!difference_of_sample(&ends, &lower, &record, &sample))
			continue;
		if (is_others(&sample))
		{
			PgdSample  *row = palloc(sizeof(PgdSample));

			*row = sample;
			others = lappend(others, row);
		}
		else
			visit(&sample, arg);
	}
	if (section.bad)
		pgd_ends_report_damaged(&ends.upper);
	subtract_unmet_samples(&ends, &lower, kind, others);
	foreach(cell, others)
	{
		const PgdSample *row = lfirst(cell);

		if (row->samples > 0)
			visit(row, arg);
	}
	pgd_ends_close(&ends);
}

/* ----------
 * Transactions
 * ----------
 */

static void
get_shape(const PgdImage *image, const PgdRecord *record, PgdShape *shape)
{
	if (!pgd_image_shape(image, *record, shape))
		pgd_ends_report_damaged(image);
}

/*
 * As subtract_unmet_statements().
 */
static void
subtract_unmet_shapes(PgdEnds *ends, const PgdIndex *lower, PgdShape *rest)
{
	static PgdShape before;

	for (int i = 0; i < lower->n; i++)
	{
		if (lower->met[i])
			continue;
		get_shape(&ends->lower, &lower->records[i], &before);
		if (before.sums.key.shape != 0 &&
			before.sums.key.dbid == rest->sums.key.dbid &&
			before.sums.key.kind == rest->sums.key.kind)
			(void) pgd_shape_subtract(rest, &before);
	}
}

/*
 * One shape, of those that are over, with a burst of it that is open.  Returns
 * false if nothing happened.
 */
static bool
difference_of_shape(PgdEnds *ends, PgdIndex *lower, PgdIndex *open,
					const PgdRecord *record, PgdShape *shape)
{
	static PgdShape other;
	const PgdRecord *earlier = pgd_index_meet(lower, &record->key);
	const PgdRecord *burst = pgd_index_meet(open, &record->key);
	bool		any = true;

	if (earlier != NULL && burst == NULL &&
		pgd_same_bytes(&earlier->rest, &record->rest))
		return false;
	get_shape(&ends->upper, record, shape);
	if (earlier != NULL)
	{
		get_shape(&ends->lower, earlier, &other);
		/* one that had been under way for longer makes it older, not new */
		if (other.sums.since < shape->sums.since && shape->sums.key.shape != 0)
			lower->met[earlier - lower->records] = false;
		else
		{
			any = pgd_shape_subtract(shape, &other);
			shape->sums.since = Max(shape->sums.since,
									ends->lower.header.taken_at);
		}
	}
	if (burst != NULL)
	{
		get_shape(&ends->upper, burst, &other);
		pgd_shape_add(shape, &other);
		any = true;
	}
	return any;
}

static void
visit_shapes(PgdEnds *ends, PgdShapeVisitor visit, void *arg)
{
	static PgdShape shape;
	MemoryContext old = MemoryContextSwitchTo(ends->context);
	PgdIndex	lower = pgd_ends_index_lower(ends, PGD_SECTION_SHAPES);
	PgdIndex	open;
	PgdIndex	upper;

	pgd_ends_index(&ends->upper, PGD_SECTION_OPEN_SHAPES, &open);
	pgd_ends_index(&ends->upper, PGD_SECTION_SHAPES, &upper);
	MemoryContextSwitchTo(old);
	/* the rest of a database after all that could be in it */
	for (int pass = 0; pass < 2; pass++)
	{
		for (int i = 0; i < upper.n; i++)
		{
			PgdCursor	key = upper.records[i].key;
			bool		is_rest = (pgd_get_fixed64(&key) == 0);

			CHECK_FOR_INTERRUPTS();
			if (is_rest != (pass == 1) ||
				!difference_of_shape(ends, &lower, &open, &upper.records[i],
									 &shape))
				continue;
			if (is_rest)
				subtract_unmet_shapes(ends, &lower, &shape);
			visit(&shape, arg);
		}
	}
	for (int i = 0; i < open.n; i++)
	{
		if (open.met[i])
			continue;
		get_shape(&ends->upper, &open.records[i], &shape);
		visit(&shape, arg);
	}
}

void
pgd_window_shapes(const PgdWindow *window, PgdShapeVisitor visit, void *arg)
{
	PgdEnds		ends = {0};

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_closing_read(PGD_ALL, visit, arg);
		return;
	}
	pgd_ends_open(window, &ends);
	visit_shapes(&ends, visit, arg);
	pgd_ends_close(&ends);
}
