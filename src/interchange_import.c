/*-------------------------------------------------------------------------
 *
 * interchange_import.c
 *		A document becomes a snapshot.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/timestamp.h"

#include "interchange.h"
#include "snapshot.h"
#include "store.h"

/* ----------
 * Findings
 * ----------
 */

/*
 * What is kept of a finding; its severity may be unknown.
 */
static void
get_finding(PgdImport *import, const PgdMember *at, JsonbParseState **note)
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
			pgd_ignore(&import->ignored, &m);
			continue;
		}
		if (pgd_is_named(&m, "severity"))
			(void) pgd_get_json_choice(&m, severities, lengthof(severities));
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
put_note(PgdImport *import, const PgdMember *findings)
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
find_parts(PgdImport *import, Jsonb *document, PgdMember *parts, bool *found)
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
			pgd_ignore(&import->ignored, &m);
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
	format = pgd_get_json_count(&parts[FORMAT]);
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
get_window(PgdImport *import, const PgdMember *at)
{
	PgdMembers	members;
	PgdMember	m;
	uint64		length = 0;

	pgd_open_members(&members, &at->path, &at->value, false);
	while (pgd_next_member(&members, &m))
	{
		if (pgd_is_named(&m, "seconds"))
		{
			length = pgd_get_json_number(&m, 6, PG_INT64_MAX);
			if (length == 0)
				PGD_INVALID(&m.path, "the window has no length");
		}
		else
			pgd_ignore(&import->ignored, &m);
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
describe(PgdImport *import, PgdMember *parts, const char *label)
{
	PgdSnapshotHeader *header = &import->header;
	uint64		version = pgd_get_json_count(&parts[SERVER_VERSION]);
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
	PgdImport	import = {
		.dbid = dbid, .userid = GetUserId(),
		.ignored = {.context = CurrentMemoryContext},
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
	pgd_import_statements(&import, &parts[STATEMENTS], false);
	pgd_import_statements(&import, &parts[NESTED], true);
	if (found[UNIDENTIFIED])
		pgd_import_unidentified(&import, &parts[UNIDENTIFIED]);
	pgd_image_end_section(&import.writer);
	pgd_image_begin_section(&import.writer, PGD_SECTION_SHAPES);
	pgd_import_shapes(&import, &parts[TRANSACTIONS]);
	pgd_image_end_section(&import.writer);
	put_note(&import, &parts[FINDINGS]);
	pgd_report_ignored(&import.ignored);

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
