/*-------------------------------------------------------------------------
 *
 * window_read.c
 *		What happened between two snapshots, or since one, or since the last
 *		reset: how it is found out.
 *
 * All numbers only grow, from the last reset on, so what happened in a window
 * is its upper end minus its lower one.  Two things need care.
 *
 * - A statement that had to make room in between has left its numbers, also
 *	 those from before the window, to the row of all such of its database.  The
 *	 lower end knows them, so they are taken from there again.  If it has come
 *	 back since, it has begun anew.
 *
 * - A burst that is open at the upper end counts as if it ended there.  At the
 *	 lower end it does not count, for it is not over.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/memutils.h"

#include "archive.h"
#include "difference.h"
#include "image.h"
#include "image_index.h"
#include "snapshot.h"
#include "store.h"
#include "texts.h"
#include "window.h"

/* Both ends; without a lower one there is only one image. */
typedef struct Ends
{
	PgdTexts   *texts;			/* of statements, if the upper end has none */
	PgdImage	upper;
	PgdImage	lower;
	bool		has_lower;
	MemoryContext context;		/* all memory of these */
	MemoryContext outer;
} Ends;

/* ----------
 * Ends
 * ----------
 */

static void
open_image(uint64 id, PgdImage *image)
{
	PgdSnapshotHeader header;
	const char *problem;
	const char *body;

	if (id == 0)
	{
		pgd_snapshot_live(image);
		return;
	}
	body = pgd_archive_get_snapshot(NULL, id, &header, &problem);
	if (body == NULL)
		pgd_window_report_absent(id, problem);
	if (!pgd_image_open(image, &header, body))
		pgd_window_report_absent(id, "is damaged");
}

/*
 * Read both ends into memory of their own.  Visitors are called with that of
 * the caller.
 */
static void
open_ends(const PgdWindow *window, Ends *ends)
{
	ends->context = AllocSetContextCreate(CurrentMemoryContext,
										  "pg_diagnose window",
										  ALLOCSET_DEFAULT_SIZES);
	ends->outer = MemoryContextSwitchTo(ends->context);
	ends->has_lower = (window->lower != 0);
	if (ends->has_lower)
		open_image(window->lower, &ends->lower);
	open_image(window->upper, &ends->upper);
	if (ends->has_lower)
		pgd_window_check_ends(&ends->lower.header, &ends->upper.header);
	MemoryContextSwitchTo(ends->outer);
}

static void
close_ends(Ends *ends)
{
	MemoryContextDelete(ends->context);
}

static void
report_damaged(const PgdImage *image)
{
	pgd_window_report_absent(image->header.id, "is damaged");
}

static void
index_of(const PgdImage *image, PgdSection which, PgdIndex *index)
{
	if (!pgd_index_section(image, which, index))
		report_damaged(image);
}

static PgdIndex
index_lower(const Ends *ends, PgdSection which)
{
	PgdIndex	index = {0};

	if (ends->has_lower)
		index_of(&ends->lower, which, &index);
	return index;
}

/* ----------
 * Statements
 * ----------
 */

static void
get_statement(const PgdImage *image, const PgdRecord *record, PgdStatement *s,
			  const char **text, int *len)
{
	if (!pgd_image_statement(image, *record, s, text, len))
		report_damaged(image);
}

/*
 * Take from the row of the statements that had to make room what those of
 * them that the lower end still knew had done before it.
 */
static void
subtract_unmet_statements(Ends *ends, const PgdIndex *lower, PgdStatement *evicted)
{
	static PgdStatement before;
	const char *text;
	int			len;

	for (int i = 0; i < lower->n; i++)
	{
		if (lower->met[i])
			continue;
		get_statement(&ends->lower, &lower->records[i], &before, &text, &len);
		if (before.key.dbid == evicted->key.dbid && before.key.queryid != 0)
			(void) pgd_statement_subtract(evicted, &before);
	}
}

/*
 * One statement; returns false if nothing happened.
 */
static bool
difference_of_statement(Ends *ends, PgdIndex *lower, const PgdRecord *record,
						PgdStatement *s, const char **text, int *len)
{
	static PgdStatement before;
	const PgdRecord *earlier = pgd_index_meet(lower, &record->key);
	const char *ignored_text;
	int			ignored_len;
	bool		any;

	if (earlier != NULL && pgd_same_bytes(&earlier->rest, &record->rest))
		return false;
	get_statement(&ends->upper, record, s, text, len);
	if (earlier == NULL)
		return true;
	get_statement(&ends->lower, earlier, &before, &ignored_text, &ignored_len);
	if (before.since != s->since && s->key.queryid != 0)
	{
		/* it had to make room, or was reset, and has begun anew */
		lower->met[earlier - lower->records] = false;
		return true;
	}
	any = pgd_statement_subtract(s, &before);
	pgd_statement_estimate(s, &before);
	s->since = Max(s->since, ends->lower.header.taken_at);
	return any;
}

static void
visit_statements(Ends *ends, PgdStatementVisitor visit, void *arg)
{
	static PgdStatement s;
	MemoryContext old = MemoryContextSwitchTo(ends->context);
	PgdIndex	lower = index_lower(ends, PGD_SECTION_STATEMENTS);
	PgdCursor	section = ends->upper.sections[PGD_SECTION_STATEMENTS];
	List	   *evicted = NIL;
	ListCell   *cell;
	PgdRecord	record;
	const char *text;
	int			len;

	if (ends->upper.header.id != 0)
		ends->texts = pgd_texts_read();
	while (pgd_image_next(&section, &record))
	{
		PgdCursor	key = record.key;

		CHECK_FOR_INTERRUPTS();
		if (pgd_get_fixed64(&key) == 0)
		{
			PgdRecord  *copy = palloc(sizeof(PgdRecord));

			*copy = record;
			evicted = lappend(evicted, copy);
		}
		else if (difference_of_statement(ends, &lower, &record, &s, &text,
										 &len))
		{
			int			encoding;

			if (text == NULL && ends->texts != NULL &&
				pgd_texts_find(ends->texts, s.key.dbid, s.key.queryid, &text,
							   &len, &encoding))
				s.encoding = encoding;
			MemoryContextSwitchTo(ends->outer);
			visit(&s, text, len, arg);
			MemoryContextSwitchTo(ends->context);
		}
	}
	if (section.bad)
		report_damaged(&ends->upper);

	foreach(cell, evicted)
	{
		PgdRecord  *copy = lfirst(cell);

		if (!difference_of_statement(ends, &lower, copy, &s, &text, &len))
			continue;
		subtract_unmet_statements(ends, &lower, &s);
		MemoryContextSwitchTo(ends->outer);
		visit(&s, NULL, 0, arg);
		MemoryContextSwitchTo(ends->context);
	}
	MemoryContextSwitchTo(old);
}

void
pgd_window_statements(const PgdWindow *window, PgdStatementVisitor visit,
					  void *arg)
{
	Ends		ends = {0};

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_store_read(visit, arg);
		return;
	}
	open_ends(window, &ends);
	visit_statements(&ends, visit, arg);
	close_ends(&ends);
}

/* ----------
 * Strays, sessions, samples
 * ----------
 */

void
pgd_window_strays(const PgdWindow *window, PgdStrayVisitor visit, void *arg)
{
	Ends		ends = {0};
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
	open_ends(window, &ends);
	lower = index_lower(&ends, PGD_SECTION_STRAYS);
	section = ends.upper.sections[PGD_SECTION_STRAYS];
	while (pgd_image_next(&section, &record))
	{
		const PgdRecord *earlier = pgd_index_meet(&lower, &record.key);

		if (!pgd_image_stray(record, &error))
			report_damaged(&ends.upper);
		if (earlier != NULL && pgd_image_stray(*earlier, &before))
			error.count -= Min(error.count, before.count);
		if (error.count > 0)
			visit(&error, arg);
	}
	if (section.bad)
		report_damaged(&ends.upper);
	close_ends(&ends);
}

void
pgd_window_sessions(const PgdWindow *window, PgdSessionVisitor visit,
					void *arg)
{
	static PgdSessionSum s;
	static PgdSessionSum before;
	Ends		ends = {0};
	PgdIndex	lower;
	PgdCursor	section;
	PgdRecord	record;

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_store_read_sessions(visit, arg);
		return;
	}
	open_ends(window, &ends);
	lower = index_lower(&ends, PGD_SECTION_SESSIONS);
	section = ends.upper.sections[PGD_SECTION_SESSIONS];
	while (pgd_image_next(&section, &record))
	{
		const PgdRecord *earlier = pgd_index_meet(&lower, &record.key);

		if (!pgd_image_session(&ends.upper, record, &s))
			report_damaged(&ends.upper);
		if (earlier != NULL &&
			!pgd_image_session(&ends.lower, *earlier, &before))
			report_damaged(&ends.lower);
		if (earlier == NULL || pgd_session_subtract(&s, &before))
			visit(&s, arg);
	}
	if (section.bad)
		report_damaged(&ends.upper);
	close_ends(&ends);
}

void
pgd_window_samples(const PgdWindow *window, PgdSampleKind kind,
				   PgdSampleVisitor visit, void *arg)
{
	Ends		ends = {0};
	PgdIndex	lower;
	PgdCursor	section;
	PgdRecord	record;

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_samples_read(kind, visit, arg);
		return;
	}
	open_ends(window, &ends);
	lower = index_lower(&ends, PGD_SECTION_SAMPLES);
	section = ends.upper.sections[PGD_SECTION_SAMPLES];
	while (pgd_image_next(&section, &record))
	{
		const PgdRecord *earlier = pgd_index_meet(&lower, &record.key);
		PgdSample	sample;
		PgdSample	before;
		PgdSampleKind its_kind;

		if (!pgd_image_sample(record, &its_kind, &sample))
			report_damaged(&ends.upper);
		if (its_kind != kind)
			continue;
		if (earlier != NULL &&
			!pgd_image_sample(*earlier, &its_kind, &before))
			report_damaged(&ends.lower);
		if (earlier == NULL || pgd_sample_subtract(&sample, &before))
			visit(&sample, arg);
	}
	if (section.bad)
		report_damaged(&ends.upper);
	close_ends(&ends);
}

/* ----------
 * Transactions
 * ----------
 */

static void
get_shape(const PgdImage *image, const PgdRecord *record, PgdShape *shape)
{
	if (!pgd_image_shape(image, *record, shape))
		report_damaged(image);
}

/*
 * As subtract_unmet_statements().
 */
static void
subtract_unmet_shapes(Ends *ends, const PgdIndex *lower, PgdShape *rest)
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
difference_of_shape(Ends *ends, PgdIndex *lower, PgdIndex *open,
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
		if (other.sums.since != shape->sums.since && shape->sums.key.shape != 0)
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
visit_shapes(Ends *ends, PgdShapeVisitor visit, void *arg)
{
	static PgdShape shape;
	MemoryContext old = MemoryContextSwitchTo(ends->context);
	PgdIndex	lower = index_lower(ends, PGD_SECTION_SHAPES);
	PgdIndex	open;
	PgdIndex	upper;

	index_of(&ends->upper, PGD_SECTION_OPEN_SHAPES, &open);
	index_of(&ends->upper, PGD_SECTION_SHAPES, &upper);
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
	Ends		ends = {0};

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_closing_read(PGD_ALL, visit, arg);
		return;
	}
	open_ends(window, &ends);
	visit_shapes(&ends, visit, arg);
	close_ends(&ends);
}
