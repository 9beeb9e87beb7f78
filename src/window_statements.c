/*-------------------------------------------------------------------------
 *
 * window_statements.c
 *		What happened between two snapshots, or since one, or since the last
 *		reset: statements.
 *
 * All numbers only grow, from the last reset on, so what happened in a window
 * is its upper end minus its lower one.  One thing needs care.  A statement
 * that had to make room in between has left its numbers, also those from
 * before the window, to the row of all such of its database.  The lower end
 * knows them, so they are taken from there again.  If it has come back since,
 * it has begun anew.
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

static void
get_statement(const PgdImage *image, const PgdRecord *record, PgdStatement *s,
			  const char **text, int *len)
{
	if (!pgd_image_statement(image, *record, s, text, len))
		pgd_ends_report_damaged(image);
}

static PgdStatement *
evicted_row(List *evicted, Oid dbid)
{
	ListCell   *cell;

	foreach(cell, evicted)
	{
		PgdStatement *row = lfirst(cell);

		if (row->key.dbid == dbid)
			return row;
	}
	return NULL;
}

/*
 * Take from the rows of the statements that had to make room what those of
 * them that the lower end still knew had done before it.  They went to the row
 * of their database, or to that of database 0; so what the one does not have,
 * the other has.
 */
static void
subtract_unmet_statements(PgdEnds *ends, const PgdIndex *lower, List *evicted)
{
	static PgdStatement before;
	static PgdStatement all;
	PgdStatement *rows[2];
	const char *text;
	int			len;

	for (int i = 0; i < lower->n && evicted != NIL; i++)
	{
		bool		any = true;

		if (lower->met[i])
			continue;
		get_statement(&ends->lower, &lower->records[i], &before, &text, &len);
		if (before.key.queryid == 0)
			continue;
		rows[0] = evicted_row(evicted, before.key.dbid);
		rows[1] = evicted_row(evicted, InvalidOid);
		for (int r = 0; r < lengthof(rows) && any; r++)
		{
			if (rows[r] == NULL)
				continue;
			all = *rows[r];
			(void) pgd_statement_subtract(rows[r], &before);
			any = pgd_statement_subtract(&before, &all);
			/* whose they are nobody knows any more */
			rows[r]->counters.min_exec_time = PGD_UNKNOWN;
			rows[r]->counters.max_exec_time = PGD_UNKNOWN;
		}
	}
}

/*
 * What had a part in the window keeps its numbers, all else has none.
 */
static bool
has_numbers(PgdStatement *s)
{
	static const PgdStatement nothing = {0};

	return pgd_statement_subtract(s, &nothing);
}

/*
 * Is what is said about a statement the same?  The text comes last, and one of
 * the two may be without it.
 */
static bool
is_unchanged(const PgdRecord *earlier, const PgdRecord *later)
{
	ptrdiff_t	size = earlier->rest.end - earlier->rest.next;

	if (pgd_same_bytes(&earlier->rest, &later->rest))
		return true;
	return size > 0 && earlier->rest.end[-1] == '\0' &&
		size <= later->rest.end - later->rest.next &&
		memcmp(earlier->rest.next, later->rest.next, size - 1) == 0;
}

/*
 * One statement; returns false if nothing happened.
 *
 * One that has begun anew is younger than it was: it had to make room, or was
 * reset.  At the lower end it may have had no entry yet, and no age.
 */
static bool
difference_of_statement(PgdEnds *ends, PgdIndex *lower, const PgdRecord *record,
						PgdStatement *s, const char **text, int *len)
{
	static PgdStatement before;
	const PgdRecord *earlier = pgd_index_meet(lower, &record->key);
	const char *ignored_text;
	int			ignored_len;
	bool		any;

	if (earlier != NULL && is_unchanged(earlier, record))
		return false;
	get_statement(&ends->upper, record, s, text, len);
	if (earlier == NULL)
		return has_numbers(s);
	get_statement(&ends->lower, earlier, &before, &ignored_text, &ignored_len);
	if (before.since != 0 && before.since < s->since && s->key.queryid != 0)
	{
		lower->met[earlier - lower->records] = false;
		return has_numbers(s);
	}
	any = pgd_statement_subtract(s, &before);
	pgd_statement_estimate(s, &before);
	s->since = Max(s->since, ends->lower.header.taken_at);
	return any;
}

static void
visit_statements(PgdEnds *ends, PgdStatementVisitor visit, void *arg)
{
	static PgdStatement s;
	MemoryContext old = MemoryContextSwitchTo(ends->context);
	PgdIndex	lower = pgd_ends_index_lower(ends, PGD_SECTION_STATEMENTS);
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
			if (difference_of_statement(ends, &lower, &record, &s, &text,
										&len))
			{
				PgdStatement *row = palloc(sizeof(PgdStatement));

				*row = s;
				evicted = lappend(evicted, row);
			}
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
		pgd_ends_report_damaged(&ends->upper);

	subtract_unmet_statements(ends, &lower, evicted);
	foreach(cell, evicted)
	{
		if (!has_numbers(lfirst(cell)))
			continue;
		MemoryContextSwitchTo(ends->outer);
		visit(lfirst(cell), NULL, 0, arg);
		MemoryContextSwitchTo(ends->context);
	}
	MemoryContextSwitchTo(old);
}

void
pgd_window_statements(const PgdWindow *window, PgdStatementVisitor visit,
					  void *arg)
{
	PgdEnds		ends = {0};

	if (window->lower == 0 && window->upper == 0)
	{
		pgd_store_read(visit, arg);
		return;
	}
	pgd_ends_open(window, &ends);
	visit_statements(&ends, visit, arg);
	pgd_ends_close(&ends);
}
