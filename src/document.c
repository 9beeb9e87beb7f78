/*-------------------------------------------------------------------------
 *
 * document.c
 *		Reading jsonb that is not to be trusted: members, values, and
 *		complaints that name the place.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>

#include "fmgr.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#include "document.h"

#define UNKNOWN_NAMES_MAX	20	/* named in the notice */
/* beyond that, programs that read numbers as floating-point ones err */
#define COUNT_MAX			((UINT64CONST(1) << 53) - 1)

/* ----------
 * Complaints
 * ----------
 */

static void
append_path(StringInfo into, const PgdPath *path)
{
	if (path->up != NULL)
		append_path(into, path->up);
	if (path->name == NULL)
		appendStringInfo(into, "[%d]", path->index);
	else
		appendStringInfo(into, "%s%.*s", into->len > 0 ? "." : "",
						 pg_mbcliplen(path->name, path->len, NAMEDATALEN),
						 path->name);
}

static const char *
path_text(const PgdPath *path)
{
	StringInfoData text;

	initStringInfo(&text);
	if (path != NULL)
		append_path(&text, path);
	return text.len > 0 ? text.data : "its top level";
}

void
pgd_malformed(const PgdPath *path, int sqlerrcode, const char *what)
{
	ereport(ERROR,
			(errcode(sqlerrcode),
			 errmsg("malformed pg_diagnose document"),
			 errdetail("At %s: %s.", path_text(path), what)));
}

static void
report_path(void *arg)
{
	errcontext("pg_diagnose document, %s", path_text(arg));
}

static const char *
type_name(const JsonbValue *v)
{
	switch (v->type)
	{
		case jbvNull:
			return "null";
		case jbvString:
			return "a string";
		case jbvNumeric:
			return "a number";
		case jbvBool:
			return "a boolean";
		case jbvBinary:
			return JsonContainerIsArray(v->val.binary.data) ? "an array" :
				"an object";
		default:
			return "something else";
	}
}

/* ----------
 * What is not known
 * ----------
 */

/*
 * Remember the name of a member that is not known.
 */
void
pgd_ignore(PgdIgnored *ignored, const PgdMember *m)
{
	ListCell   *cell;

	foreach(cell, ignored->names)
	{
		const char *name = lfirst(cell);

		if (strlen(name) == m->path.len &&
			memcmp(name, m->path.name, m->path.len) == 0)
			return;
	}
	if (list_length(ignored->names) <= UNKNOWN_NAMES_MAX)
	{
		MemoryContext old = MemoryContextSwitchTo(ignored->context);

		ignored->names = lappend(ignored->names,
								  pnstrdup(m->path.name, m->path.len));
		MemoryContextSwitchTo(old);
	}
}

void
pgd_report_ignored(const PgdIgnored *ignored)
{
	StringInfoData names;
	ListCell   *cell;
	int			n = 0;

	if (ignored->names == NIL)
		return;
	initStringInfo(&names);
	foreach(cell, ignored->names)
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

/* ----------
 * Values
 * ----------
 */

bool
pgd_is_named(const PgdMember *m, const char *name)
{
	return m->path.len == strlen(name) &&
		memcmp(m->path.name, name, m->path.len) == 0;
}

/*
 * Begin to go through an object, or an array.
 */
void
pgd_open_members(PgdMembers *members, const PgdPath *path, const JsonbValue *v,
			 bool is_array)
{
	JsonbValue	ignored;

	if (v->type != jbvBinary ||
		(bool) JsonContainerIsArray(v->val.binary.data) != is_array)
		PGD_UNREADABLE(path, "expected %s, found %s",
				   is_array ? "an array" : "an object", type_name(v));
	members->path = path;
	members->n = 0;
	members->iterator = JsonbIteratorInit(v->val.binary.data);
	(void) JsonbIteratorNext(&members->iterator, &ignored, false);
}

bool
pgd_next_member(PgdMembers *members, PgdMember *m)
{
	JsonbValue	key;
	JsonbIteratorToken token;

	CHECK_FOR_INTERRUPTS();
	m->path = (PgdPath) {.up = members->path, .index = members->n++};
	token = JsonbIteratorNext(&members->iterator, &key, true);
	if (token == WJB_KEY)
	{
		m->path.name = key.val.string.val;
		m->path.len = key.val.string.len;
		token = JsonbIteratorNext(&members->iterator, &m->value, true);
	}
	else
		m->value = key;
	return token == WJB_VALUE || token == WJB_ELEM;
}

/*
 * A number that is not negative, in units of so many decimals.
 */
uint64
pgd_get_json_number(const PgdMember *m, int decimals, uint64 max)
{
	const char *p;
	uint64		value = 0;
	bool		point = false;

	if (m->value.type != jbvNumeric)
		PGD_UNREADABLE(&m->path, "expected a number, found %s",
				   type_name(&m->value));
	p = DatumGetCString(DirectFunctionCall1(numeric_out,
											NumericGetDatum(m->value.val.numeric)));
	if (*p == '-')
		PGD_INVALID(&m->path, "%s is negative", p);
	for (; *p != '\0'; p++)
	{
		if (*p == '.')
			point = true;
		else if (point && decimals == 0)
		{
			if (*p != '0')
				PGD_INVALID(&m->path, "the number has more decimals than it may");
		}
		else
		{
			if (value > (max - (*p - '0')) / 10)
				PGD_INVALID(&m->path, "the number is out of range");
			value = value * 10 + (*p - '0');
			decimals -= point;
		}
	}
	for (; decimals > 0; decimals--)
	{
		if (value > max / 10)
			PGD_INVALID(&m->path, "the number is out of range");
		value *= 10;
	}
	return value;
}

uint64
pgd_get_json_count(const PgdMember *m)
{
	return pgd_get_json_number(m, 0, COUNT_MAX);
}

bool
pgd_get_json_bool(const PgdMember *m)
{
	if (m->value.type != jbvBool)
		PGD_UNREADABLE(&m->path, "expected true or false, found %s",
				   type_name(&m->value));
	return m->value.val.boolean;
}

/*
 * Zero-terminated.
 */
char *
pgd_get_json_string(const PgdMember *m, int max)
{
	if (m->value.type != jbvString)
		PGD_UNREADABLE(&m->path, "expected a string, found %s",
				   type_name(&m->value));
	if (m->value.val.string.len > max)
		PGD_INVALID(&m->path, "the string has more than %d bytes", max);
	return pnstrdup(m->value.val.string.val, m->value.val.string.len);
}

/*
 * Which of these names it is.
 */
uint32
pgd_get_json_choice(const PgdMember *m, const char *const *names, int n)
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

/*
 * A number that names something: bigint, not 0, and in one way only.
 */
uint64
pgd_parse_id(const PgdPath *path, const char *text, int len)
{
	int64		value = 0;
	char	   *copy = pnstrdup(text, len);

	if (len > 0 && (isdigit((unsigned char) text[0]) || text[0] == '-'))
	{
		errno = 0;
		value = strtoi64(copy, NULL, 10);
		if (errno != 0 ||
			strcmp(psprintf("%lld", (long long) value), copy) != 0)
			value = 0;
	}
	if (value == 0)
		PGD_UNREADABLE(path, "\"%.*s\" is no fingerprint, which is a bigint other than 0",
				   pg_mbcliplen(copy, len, NAMEDATALEN), copy);
	pfree(copy);
	return (uint64) value;
}

int32
pgd_parse_sqlstate(const PgdPath *path, const char *text, int len)
{
	bool		good = (len == 5);

	for (int i = 0; good && i < len; i++)
		good = (text[i] >= '0' && text[i] <= '9') ||
			(text[i] >= 'A' && text[i] <= 'Z');
	if (!good || memcmp(text, "00000", 5) == 0)
		PGD_UNREADABLE(path, "expected an SQLSTATE");
	return MAKE_SQLSTATE(text[0], text[1], text[2], text[3], text[4]);
}

void
pgd_get_json_histogram(const PgdMember *m, PgdHistogram *histogram)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack,
		.callback = report_path,
		.arg = unconstify(PgdPath *, &m->path),
	};
	PgdHistogramCursor cursor;
	char	   *text = pgd_get_json_string(m, PGD_HISTOGRAM_BUCKETS * 64);
	Datum		stored;

	error_context_stack = &callback;
	stored = DirectFunctionCall1(pgd_histogram_in, CStringGetDatum(text));
	error_context_stack = callback.previous;

	pgd_histogram_open(&cursor, (struct varlena *) DatumGetPointer(stored));
	while (pgd_histogram_next(&cursor))
		histogram->count[cursor.bucket] = cursor.count;
	pfree(text);
}

