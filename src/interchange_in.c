/*-------------------------------------------------------------------------
 *
 * interchange_in.c
 *		Statements and transactions of a document become those of a snapshot.
 *
 * A document comes from anywhere, and may have been edited: everything in it
 * is looked at before anything of it is kept, and a complaint names the place.
 * A counter that this version does not know is ignored, with a notice, as it
 * may come from a later one.
 *
 * Without timings, what is not in the document is not 0 but unknown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/memutils.h"

#include "interchange.h"
#include "sums.h"
#include "tag.h"

#define TIME_DECIMALS		6	/* milliseconds, kept in nanoseconds */

static bool
is_other(const char *text, int len)
{
	return len == strlen(PGD_DOCUMENT_OTHER) &&
		memcmp(text, PGD_DOCUMENT_OTHER, len) == 0;
}

/*
 * Is the member a number of the struct?
 */
static bool
get_field(const PgdMember *m, const PgdField *fields, void *of)
{
	for (const PgdField *f = fields; f->name != NULL; f++)
	{
		if (!pgd_is_named(m, f->name))
			continue;
		*pgd_field(f, of) = f->is_time ?
			pgd_get_json_number(m, TIME_DECIMALS, PG_INT64_MAX) : pgd_get_json_count(m);
		return true;
	}
	return false;
}

/*
 * What a document without timings never says.
 */
static void
mark_unknown(const PgdImport *import, const PgdField *fields, void *of)
{
	if (import->timings)
		return;
	for (const PgdField *f = fields; f->name != NULL; f++)
	{
		if (!pgd_field_repeats(f))
			*pgd_field(f, of) = PGD_UNKNOWN;
	}
}

/* ----------
 * Statements
 * ----------
 */

/*
 * Of blocks it tells how many were asked for, not where they were found: all
 * count as found.
 */
static void
mark_statement_unknown(const PgdImport *import, PgdStatement *s)
{
	mark_unknown(import, pgd_statement_fields, s);
	s->counters.shared_blks_hit = s->counters.shared_blks_read = 0;
	s->counters.local_blks_hit = s->counters.local_blks_read = 0;
}

static void
get_errors(const PgdMember *at, PgdErrorCount *errors, int n)
{
	PgdMembers		members;
	PgdMember		m;
	int			used = 0;

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		uint64		count = pgd_get_json_count(&m);
		bool		other = is_other(m.path.name, m.path.len);
		int32		sqlstate = other ? 0 :
			pgd_parse_sqlstate(&m.path, m.path.name, m.path.len);

		if (count == 0)
			continue;
		/* the last one is for all others */
		if (other || used == n - 1)
			errors[n - 1].count += count;
		else
			errors[used++] = (PgdErrorCount) {.sqlstate = sqlstate, .count = count};
	}
}

static void
get_plan_shapes(const PgdMember *at, PgdStatement *s)
{
	PgdMembers		members;
	PgdMember		m;

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		PgdPlanUse	plan = {.calls = pgd_get_json_count(&m)};

		if (is_other(m.path.name, m.path.len))
			s->plans[PGD_PLANS].calls += plan.calls;
		else
		{
			plan.shape = pgd_parse_id(&m.path, m.path.name, m.path.len);
			if (plan.calls > 0)
				pgd_statement_add_plan(s, &plan);
		}
	}
}

static void
get_statement(PgdImport *import, const PgdMember *at, bool nested)
{
	static PgdStatement s;
	PgdMembers		members;
	PgdMember		m;
	char	   *query = NULL;
	int			len = 0;

	memset(&s, 0, sizeof(s));
	s.fingerprint = pgd_parse_id(&at->path, at->path.name, at->path.len);
	s.key.queryid = s.fingerprint;
	s.key.dbid = import->dbid;
	s.key.userid = import->userid;
	s.key.toplevel = !nested;
	s.encoding = GetDatabaseEncoding();
	mark_statement_unknown(import, &s);

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		if (pgd_is_named(&m, "query"))
		{
			/* another encoding may take more bytes */
			query = pgd_get_json_string(&m,
										PGD_TEXT_MAX * MAX_CONVERSION_GROWTH);
			len = pg_mbcliplen(query, strlen(query), PGD_TEXT_MAX);
		}
		else if (pgd_is_named(&m, "errors"))
			get_errors(&m, s.errors, PGD_ERRORS + 1);
		else if (pgd_is_named(&m, "plan_shapes"))
			get_plan_shapes(&m, &s);
		else if (pgd_is_named(&m, "histogram"))
			pgd_get_json_histogram(&m, &s.histogram);
		else if (!import->timings && pgd_is_named(&m, "shared_blks"))
			s.counters.shared_blks_hit = pgd_get_json_count(&m);
		else if (!import->timings && pgd_is_named(&m, "local_blks"))
			s.counters.local_blks_hit = pgd_get_json_count(&m);
		else if (!get_field(&m, pgd_statement_fields, &s))
			pgd_ignore(&import->ignored, &m);
	}
	import->header.executions += s.counters.calls + s.counters.failed;
	pgd_image_put_statement(&import->writer, &s, query, len);
}

static void
check_number_of(const PgdMembers *members)
{
	if (members->n > PGD_DOCUMENT_STATEMENTS)
		PGD_INVALID(members->path, "there are more than %d",
				PGD_DOCUMENT_STATEMENTS);
}

void
pgd_import_statements(PgdImport *import, const PgdMember *at, bool nested)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_diagnose import",
												  ALLOCSET_DEFAULT_SIZES);
	PgdMembers		members;
	PgdMember		m;

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		check_number_of(&members);
		get_statement(import, &m, nested);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}

/*
 * Executions that could not be named are, as those of statements that had to
 * make room, in one row without a name.
 */
void
pgd_import_unidentified(PgdImport *import, const PgdMember *at)
{
	static PgdStatement s;
	PgdMembers		members;
	PgdMember		m;

	memset(&s, 0, sizeof(s));
	s.key.dbid = import->dbid;
	s.encoding = GetDatabaseEncoding();
	mark_statement_unknown(import, &s);
	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		if (pgd_is_named(&m, "calls"))
			s.counters.calls = pgd_get_json_count(&m);
		else
			pgd_ignore(&import->ignored, &m);
	}
	import->header.executions += s.counters.calls;
	import->header.evicted += s.counters.calls;
	pgd_image_put_statement(&import->writer, &s, NULL, 0);
}

/* ----------
 * Transactions
 * ----------
 */

static bool
get_tag_field(const PgdMember *m, PgdTag *tag)
{
	for (const PgdTagField *f = pgd_tag_fields; f->name != NULL; f++)
	{
		if (!pgd_is_named(m, f->name))
			continue;
		strlcpy((char *) tag + f->offset, pgd_get_json_string(m, f->size - 1), f->size);
		return true;
	}
	return false;
}

static void
get_step(PgdImport *import, const PgdMember *at, PgdStep *step)
{
	PgdMembers		members;
	PgdMember		m;
	bool		named = false;

	mark_unknown(import, pgd_step_fields, step);
	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		if (pgd_is_named(&m, "fingerprint"))
		{
			char	   *text = pgd_get_json_string(&m, NAMEDATALEN);

			named = true;
			if (strcmp(text, PGD_DOCUMENT_OTHER) != 0)
				step->fingerprint = step->queryid =
					pgd_parse_id(&m.path, text, strlen(text));
		}
		else if (pgd_is_named(&m, "cycle"))
		{
			uint64		cycle = pgd_get_json_count(&m);

			if (cycle > PGD_CYCLE_MAX)
				PGD_INVALID(&m.path, "the number is out of range");
			step->cycle = cycle;
		}
		else if (pgd_is_named(&m, "sqlstate"))
		{
			char	   *text = pgd_get_json_string(&m, NAMEDATALEN);

			step->sqlstate = pgd_parse_sqlstate(&m.path, text, strlen(text));
		}
		else if (!get_field(&m, pgd_step_fields, step))
			pgd_ignore(&import->ignored, &m);
	}
	if (!named)
		PGD_INVALID(&at->path, "\"fingerprint\" is missing");
}

static void
get_steps(PgdImport *import, const PgdMember *at, PgdShapeSums *s)
{
	PgdMembers		members;
	PgdMember		m;

	pgd_open_members(&members, &at->path, &at->value, true);
	while (pgd_next_member(&members, &m))
	{
		if (s->nsteps == PGD_STEPS)
			PGD_INVALID(&at->path, "there are more than %d", PGD_STEPS);
		get_step(import, &m, &s->steps[s->nsteps++]);
	}
}

static void
get_shape_histograms(PgdImport *import, const PgdMember *at, PgdShape *shape)
{
	PgdMembers		members;
	PgdMember		m;

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		int			h = 0;

		while (h < PGD_XACT_HISTOGRAMS &&
			   !pgd_is_named(&m, pgd_xact_histogram_names[h]))
			h++;
		if (h < PGD_XACT_HISTOGRAMS)
			pgd_get_json_histogram(&m, &shape->histograms[h]);
		else
			pgd_ignore(&import->ignored, &m);
	}
}

/*
 * What a shape is called: who, "/", and its number.
 */
static uint64
parse_shape_key(const PgdPath *path)
{
	int			slash = path->len - 1;

	while (slash >= 0 && path->name[slash] != '/')
		slash--;
	if (slash < 0)
		PGD_UNREADABLE(path, "expected a name, \"/\" and the number of a shape");
	return pgd_parse_id(path, path->name + slash + 1, path->len - slash - 1);
}

static void
get_shape(PgdImport *import, const PgdMember *at)
{
	static const char *const kinds[] = {
		[PGD_XACT_BLOCK] = "transaction", [PGD_XACT_BURST] = "burst"
	};
	static PgdShape shape;
	PgdShapeSums *s = &shape.sums;
	PgdMembers		members;
	PgdMember		m;
	bool		has_isolation = false;
	bool		has_steps = false;

	memset(&shape, 0, sizeof(shape));
	s->key.shape = parse_shape_key(&at->path);
	s->key.dbid = import->dbid;
	s->key.userid = import->userid;
	mark_unknown(import, pgd_xact_fields, &s->counters);

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		if (pgd_is_named(&m, "kind"))
			s->key.kind = pgd_get_json_choice(&m, kinds, lengthof(kinds));
		else if (pgd_is_named(&m, "isolation"))
		{
			s->key.isolation = pgd_get_json_choice(&m, pgd_isolation_names,
										  lengthof(pgd_isolation_names));
			has_isolation = true;
		}
		else if (pgd_is_named(&m, "steps"))
		{
			get_steps(import, &m, s);
			has_steps = true;
		}
		else if (pgd_is_named(&m, "errors"))
			get_errors(&m, s->errors, PGD_XACT_ERRORS + 1);
		else if (pgd_is_named(&m, "histograms"))
			get_shape_histograms(import, &m, &shape);
		else if (!get_tag_field(&m, &s->tag) &&
				 !get_field(&m, pgd_xact_fields, &s->counters))
			pgd_ignore(&import->ignored, &m);
	}
	if (s->key.kind == PGD_XACT_NONE || !has_isolation || !has_steps)
		PGD_INVALID(&at->path, "\"%s\" is missing",
				s->key.kind == PGD_XACT_NONE ? "kind" :
				!has_isolation ? "isolation" : "steps");
	s->tag.hash = pgd_tag_hash(&s->tag);
	s->key.tag = s->tag.hash;
	pgd_image_put_shape(&import->writer, &shape);
}

void
pgd_import_shapes(PgdImport *import, const PgdMember *at)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext,
												  "pg_diagnose import",
												  ALLOCSET_DEFAULT_SIZES);
	PgdMembers		members;
	PgdMember		m;

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		MemoryContext old = MemoryContextSwitchTo(scratch);

		check_number_of(&members);
		get_shape(import, &m);
		MemoryContextSwitchTo(old);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}
