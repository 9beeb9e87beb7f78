/*-------------------------------------------------------------------------
 *
 * interchange_in.c
 *		A document becomes a snapshot.
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

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#include "document.h"
#include "interchange.h"
#include "snapshot.h"
#include "store.h"
#include "sums.h"
#include "tag.h"

#define UNKNOWN_NAMES_MAX	20	/* named in the notice */
/* beyond that, programs that read numbers as floating-point ones err */
#define COUNT_MAX			((UINT64CONST(1) << 53) - 1)
#define TIME_DECIMALS		6	/* milliseconds, kept in nanoseconds */

typedef struct Import
{
	bool		timings;
	Oid			userid;
	Oid			dbid;
	MemoryContext context;		/* of all that outlives a member */
	List	   *unknown;		/* names of counters that we do not know */
	PgdImageWriter writer;
	PgdSnapshotHeader header;
} Import;

static void
ignore(Import *import, const PgdMember *m)
{
	ListCell   *cell;

	foreach(cell, import->unknown)
	{
		const char *name = lfirst(cell);

		if (strlen(name) == m->path.len &&
			memcmp(name, m->path.name, m->path.len) == 0)
			return;
	}
	if (list_length(import->unknown) <= UNKNOWN_NAMES_MAX)
	{
		MemoryContext old = MemoryContextSwitchTo(import->context);

		import->unknown = lappend(import->unknown,
								  pnstrdup(m->path.name, m->path.len));
		MemoryContextSwitchTo(old);
	}
}

static void
report_ignored(const Import *import)
{
	StringInfoData names;
	ListCell   *cell;
	int			n = 0;

	if (import->unknown == NIL)
		return;
	initStringInfo(&names);
	foreach(cell, import->unknown)
	{
		const char *name = lfirst(cell);

		if (n++ > 0)
			appendStringInfoString(&names, ", ");
		if (n > UNKNOWN_NAMES_MAX)
			appendStringInfoString(&names, "...");
		else
			appendBinaryStringInfo(&names, name,
								   pg_mbcliplen(name, strlen(name),
												NAMEDATALEN));
	}
	ereport(NOTICE,
			(errmsg("ignored what this version of pg_diagnose does not know: %s",
					names.data)));
}

static bool
is_other(const char *text, int len)
{
	return len == strlen(PGD_DOCUMENT_OTHER) &&
		memcmp(text, PGD_DOCUMENT_OTHER, len) == 0;
}

static uint64
get_count(const PgdMember *m)
{
	return pgd_get_json_number(m, 0, COUNT_MAX);
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
			pgd_get_json_number(m, TIME_DECIMALS, PG_INT64_MAX) : get_count(m);
		return true;
	}
	return false;
}

/*
 * What a document without timings never says.
 */
static void
mark_unknown(const Import *import, const PgdField *fields, void *of)
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
mark_statement_unknown(const Import *import, PgdStatement *s)
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
		uint64		count = get_count(&m);
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
		PgdPlanUse	plan = {.calls = get_count(&m)};

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
get_statement(Import *import, const PgdMember *at, bool nested)
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
			query = pgd_get_json_string(&m, PGD_TEXT_MAX);
			len = strlen(query);
		}
		else if (pgd_is_named(&m, "errors"))
			get_errors(&m, s.errors, PGD_ERRORS + 1);
		else if (pgd_is_named(&m, "plan_shapes"))
			get_plan_shapes(&m, &s);
		else if (pgd_is_named(&m, "histogram"))
			pgd_get_json_histogram(&m, &s.histogram);
		else if (!import->timings && pgd_is_named(&m, "shared_blks"))
			s.counters.shared_blks_hit = get_count(&m);
		else if (!import->timings && pgd_is_named(&m, "local_blks"))
			s.counters.local_blks_hit = get_count(&m);
		else if (!get_field(&m, pgd_statement_fields, &s))
			ignore(import, &m);
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

static void
get_statements(Import *import, const PgdMember *at, bool nested)
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
static void
get_unidentified(Import *import, const PgdMember *at)
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
			s.counters.calls = get_count(&m);
		else
			ignore(import, &m);
	}
	import->header.executions += s.counters.calls;
	import->header.evicted += s.counters.calls;
	pgd_image_put_statement(&import->writer, &s, NULL, 0);
}

/* ----------
 * Transactions
 * ----------
 */

static uint32
get_choice(const PgdMember *m, const char *const *names, int n)
{
	char	   *name = pgd_get_json_string(m, NAMEDATALEN);

	for (int i = 0; i < n; i++)
	{
		if (names[i] != NULL && strcmp(name, names[i]) == 0)
			return i;
	}
	PGD_INVALID(&m->path, "\"%s\" is not known", name);
	return 0;					/* keep compiler quiet */
}

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
get_step(Import *import, const PgdMember *at, PgdStep *step)
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
			uint64		cycle = get_count(&m);

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
			ignore(import, &m);
	}
	if (!named)
		PGD_INVALID(&at->path, "\"fingerprint\" is missing");
}

static void
get_steps(Import *import, const PgdMember *at, PgdShapeSums *s)
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
get_shape_histograms(Import *import, const PgdMember *at, PgdShape *shape)
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
			ignore(import, &m);
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
get_shape(Import *import, const PgdMember *at)
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
			s->key.kind = get_choice(&m, kinds, lengthof(kinds));
		else if (pgd_is_named(&m, "isolation"))
		{
			s->key.isolation = get_choice(&m, pgd_isolation_names,
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
			ignore(import, &m);
	}
	if (s->key.kind == PGD_XACT_NONE || !has_isolation || !has_steps)
		PGD_INVALID(&at->path, "\"%s\" is missing",
				s->key.kind == PGD_XACT_NONE ? "kind" :
				!has_isolation ? "isolation" : "steps");
	s->tag.hash = pgd_tag_hash(&s->tag);
	s->key.tag = s->tag.hash;
	pgd_image_put_shape(&import->writer, &shape);
}

static void
get_shapes(Import *import, const PgdMember *at)
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

/* ----------
 * Findings
 * ----------
 */

/*
 * What is kept of a finding; its severity may be unknown.
 */
static void
get_finding(Import *import, const PgdMember *at, JsonbParseState **note)
{
	static const char *const required[] = {"key", "rule", "subject"};
	static const char *const severities[] = {"info", "warning", "critical"};
	PgdMembers	members;
	PgdMember	m;
	bool		seen[lengthof(required)] = {0};

	(void) pushJsonbValue(note, WJB_BEGIN_OBJECT, NULL);
	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		JsonbValue	name = {.type = jbvString};
		bool		known = pgd_is_named(&m, "severity");

		for (int i = 0; i < lengthof(required); i++)
		{
			if (pgd_is_named(&m, required[i]))
				known = seen[i] = true;
		}
		if (!known)
		{
			ignore(import, &m);
			continue;
		}
		if (pgd_is_named(&m, "severity"))
			(void) get_choice(&m, severities, lengthof(severities));
		else
			(void) pgd_get_json_string(&m, PGD_TEXT_MAX);
		name.val.string.val = unconstify(char *, m.path.name);
		name.val.string.len = m.path.len;
		(void) pushJsonbValue(note, WJB_KEY, &name);
		(void) pushJsonbValue(note, WJB_VALUE, &m.value);
	}
	(void) pushJsonbValue(note, WJB_END_OBJECT, NULL);

	for (int i = 0; i < lengthof(required); i++)
	{
		if (!seen[i])
			PGD_INVALID(&at->path, "\"%s\" is missing", required[i]);
	}
}

static void
put_note_key(JsonbParseState **note, const char *name)
{
	JsonbValue	v = {.type = jbvString};

	v.val.string.val = unconstify(char *, name);
	v.val.string.len = strlen(name);
	(void) pushJsonbValue(note, WJB_KEY, &v);
}

/*
 * What only the document knows stays with the snapshot as a note.
 */
static void
put_note(Import *import, const PgdMember *findings)
{
	JsonbParseState *note = NULL;
	JsonbValue	timings = {.type = jbvBool};
	PgdMembers	members;
	PgdMember	m;
	Jsonb	   *jsonb;
	char	   *text;

	timings.val.boolean = import->timings;
	(void) pushJsonbValue(&note, WJB_BEGIN_OBJECT, NULL);
	put_note_key(&note, "timings");
	(void) pushJsonbValue(&note, WJB_VALUE, &timings);
	put_note_key(&note, "findings");
	(void) pushJsonbValue(&note, WJB_BEGIN_ARRAY, NULL);
	pgd_open_members(&members, &findings->path, &findings->value, true);
	while (pgd_next_member(&members, &m))
	{
		if (members.n > PGD_DOCUMENT_FINDINGS)
			PGD_INVALID(&findings->path, "there are more than %d",
						PGD_DOCUMENT_FINDINGS);
		get_finding(import, &m, &note);
	}
	(void) pushJsonbValue(&note, WJB_END_ARRAY, NULL);
	jsonb = JsonbValueToJsonb(pushJsonbValue(&note, WJB_END_OBJECT, NULL));
	text = JsonbToCString(NULL, &jsonb->root, VARSIZE(jsonb));
	pgd_image_put_note(&import->writer, text, strlen(text));
}

/* ----------
 * The document
 * ----------
 */

typedef enum Part
{
	FORMAT,
	LIBRARY,
	SERVER_VERSION,
	TIMINGS,
	STATEMENTS,
	NESTED,
	TRANSACTIONS,
	FINDINGS,
	REQUIRED_PARTS,				/* how many must be there */
	WINDOW = REQUIRED_PARTS,	/* if there are timings */
	UNIDENTIFIED,
	PARTS						/* how many there are */
} Part;

static const char *const part_names[PARTS] = {
	"format", "library", "server_version", "timings", "statements", "nested",
	"transactions", "findings", "window", "unidentified"
};

/*
 * The members of the document by their names.
 */
static void
find_parts(Import *import, Jsonb *document, PgdMember *parts, bool *found)
{
	JsonbValue	root = {.type = jbvBinary};
	PgdMembers	members;
	PgdMember	m;

	if (VARSIZE(document) > PGD_DOCUMENT_SIZE)
		PGD_INVALID(NULL, "the document takes more than %d MB",
					PGD_DOCUMENT_SIZE / (1024 * 1024));
	root.val.binary.data = &document->root;
	root.val.binary.len = VARSIZE(document) - VARHDRSZ;
	if (!JB_ROOT_IS_OBJECT(document))
		PGD_UNREADABLE(NULL, "expected an object");
	pgd_open_members(&members, NULL, &root, false);
	while (pgd_next_member(&members, &m))
	{
		int			i = 0;

		while (i < PARTS && !pgd_is_named(&m, part_names[i]))
			i++;
		if (i == PARTS)
			ignore(import, &m);
		else
		{
			parts[i] = m;
			found[i] = true;
		}
	}
}

/*
 * Is it ours, of a format that we know, and whole?
 */
static void
check_parts(PgdMember *parts, const bool *found)
{
	char	   *library;
	uint64		format;

	if (!found[FORMAT] || !found[LIBRARY])
		PGD_INVALID(NULL, "this is no document that pg_diagnose has exported");
	library = pgd_get_json_string(&parts[LIBRARY], NAMEDATALEN);
	if (strncmp(library, "pg_diagnose ", strlen("pg_diagnose ")) != 0)
		PGD_INVALID(&parts[LIBRARY].path,
					"this is no document that pg_diagnose has exported");
	format = get_count(&parts[FORMAT]);
	if (format != PGD_DOCUMENT_FORMAT)
		PGD_INVALID(&parts[FORMAT].path,
					"format %llu is not known, only %d; it was exported by %s",
					(unsigned long long) format, PGD_DOCUMENT_FORMAT, library);
	for (int i = 0; i < REQUIRED_PARTS; i++)
	{
		if (!found[i])
			PGD_INVALID(NULL, "\"%s\" is missing", part_names[i]);
	}
	if (pgd_get_json_bool(&parts[TIMINGS]) && !found[WINDOW])
		PGD_INVALID(NULL, "\"%s\" is missing", part_names[WINDOW]);
}

/*
 * How long it was, in microseconds.
 */
static uint64
get_window(Import *import, const PgdMember *at)
{
	PgdMembers	members;
	PgdMember	m;
	uint64		length = 0;

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		if (pgd_is_named(&m, "seconds"))
		{
			length = pgd_get_json_number(&m, 6, COUNT_MAX);
			if (length == 0)
				PGD_INVALID(&m.path, "the window has no length");
		}
		else
			ignore(import, &m);
	}
	if (length == 0)
		PGD_INVALID(&at->path, "\"seconds\" is missing");
	return length;
}

/*
 * What the snapshot says about itself.  Without timings it is not known how
 * long the window was, and it gets no length.
 */
static void
describe(Import *import, PgdMember *parts, const char *label)
{
	PgdSnapshotHeader *header = &import->header;
	uint64		version = get_count(&parts[SERVER_VERSION]);
	uint64		length = 0;

	if (version < 90000 || version > 9999999)
		PGD_INVALID(&parts[SERVER_VERSION].path,
					"no server has the version %llu",
					(unsigned long long) version);
	if (import->timings)
		length = get_window(import, &parts[WINDOW]);
	pgd_snapshot_describe(header);
	header->kind = PGD_SNAPSHOT_IMPORTED;
	strlcpy(header->label, label, NAMEDATALEN);
	header->server_version = version;
	header->since = header->taken_at - (TimestampTz) length;
	if (!IS_VALID_TIMESTAMP(header->since))
		PGD_INVALID(&parts[WINDOW].path, "the window is too long");
}

/*
 * Keep a document as a snapshot.  Returns its number.
 */
uint64
pgd_import(Jsonb *document, Oid dbid, const char *label)
{
	Import		import = {
		.dbid = dbid, .userid = GetUserId(), .context = CurrentMemoryContext,
	};
	PgdMember	parts[PARTS];
	bool		found[PARTS] = {0};
	uint64		id;

	find_parts(&import, document, parts, found);
	check_parts(parts, found);
	import.timings = pgd_get_json_bool(&parts[TIMINGS]);
	describe(&import, parts, label);

	import.writer.with_texts = true;
	pgd_image_begin(&import.writer, &import.header);
	pgd_image_begin_section(&import.writer, PGD_SECTION_STATEMENTS);
	get_statements(&import, &parts[STATEMENTS], false);
	get_statements(&import, &parts[NESTED], true);
	if (found[UNIDENTIFIED])
		get_unidentified(&import, &parts[UNIDENTIFIED]);
	pgd_image_end_section(&import.writer);
	pgd_image_begin_section(&import.writer, PGD_SECTION_SHAPES);
	get_shapes(&import, &parts[TRANSACTIONS]);
	pgd_image_end_section(&import.writer);
	put_note(&import, &parts[FINDINGS]);
	report_ignored(&import);

	pgd_store_lock_archive();
	pgd_snapshot_check_label(label);
	id = pgd_snapshot_write(&import.writer, ERROR);
	pgd_store_unlock_archive();
	return id;
}

/*
 * The note of the snapshot at the end of a window, or NULL.
 */
const char *
pgd_import_note(const PgdWindow *window, int *len)
{
	PgdSnapshotHeader header;
	PgdImage	image;
	const char *problem;
	const char *body;

	if (window->upper == 0 || window->lower != 0 ||
		!pgd_archive_get_header(window->upper, &header, &problem) ||
		header.kind != PGD_SNAPSHOT_IMPORTED)
		return NULL;
	body = pgd_archive_get_snapshot(NULL, window->upper, &header, &problem);
	if (body == NULL || !pgd_image_open(&image, &header, body))
		return NULL;
	return pgd_image_note(&image, len);
}
