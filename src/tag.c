/*-------------------------------------------------------------------------
 *
 * tag.c
 *		Who sends a statement: application_name, and a sqlcommenter comment.
 *
 * A comment before or after a statement that says key='value',key='value',
 * with values as in URLs, is one of sqlcommenter's (google.github.io/
 * sqlcommenter/spec); key:value, as older versions of Rails write it, is taken
 * too.  Other keys than ours, other comments and all beyond COMMENT_MAX are
 * ignored.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"

#include "tag.h"

#define COMMENT_MAX		1024

typedef struct Field
{
	const char *key;
	size_t		offset;
	size_t		size;
} Field;

#define FIELD(name) \
	{#name, offsetof(PgdTag, name), sizeof(((PgdTag *) NULL)->name)}

/* traceparent is the last, as it is not part of the identity */
static const Field fields[] = {
	FIELD(route),
	FIELD(action),
	FIELD(controller),
	FIELD(framework),
	FIELD(traceparent)
};

PgdTag		pgd_tag;
const char *pgd_tag_application = NULL;
char		pgd_tag_comment[512];
int			pgd_tag_comment_len = 0;

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Does a comment look like a list of keys and values?
 */
static bool
is_tag(const char *comment, int len)
{
	for (int i = 1; i + 1 < len; i++)
	{
		if ((comment[i] == '=' && comment[i + 1] == '\'') ||
			(comment[i] == ':' && !is_blank(comment[i + 1])))
			return true;
	}
	return false;
}

/*
 * Find the comment of a statement.  Looks at COMMENT_MAX bytes at either end
 * at most.
 */
void
pgd_tag_search(PgdCommented *found)
{
	const char *begin = found->body;
	const char *end = begin + found->body_len;

	while (begin < end && is_blank(*begin))
		begin++;
	while (end > begin && (is_blank(end[-1]) || end[-1] == ';'))
		end--;

	if (unlikely(end - begin >= 4 && begin[0] == '/' && begin[1] == '*'))
	{
		const char *stop = begin + Min(end - begin, COMMENT_MAX) - 1;

		for (const char *p = begin + 2; p < stop; p++)
		{
			if (p[0] == '*' && p[1] == '/')
			{
				if (is_tag(begin + 2, p - begin - 2))
				{
					found->comment = begin + 2;
					found->comment_len = p - begin - 2;
				}
				begin = p + 2;
				break;
			}
		}
	}

	if (unlikely(end - begin >= 4 && end[-1] == '/' && end[-2] == '*'))
	{
		const char *stop = Max(begin, end - COMMENT_MAX);

		for (const char *p = end - 4; p >= stop; p--)
		{
			if (p[0] == '/' && p[1] == '*')
			{
				if (found->comment == NULL && is_tag(p + 2, end - p - 4))
				{
					found->comment = p + 2;
					found->comment_len = end - p - 4;
				}
				end = p;
				break;
			}
		}
	}
	found->body = begin;
	found->body_len = end - begin;
}

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

/*
 * Copy a value, decoded, as much of it as fits; what is no valid text of the
 * database's encoding cuts it short.
 */
static void
copy_value(const char *value, int len, char *into, int size)
{
	int			n = 0;

	for (int i = 0; i < len && n < size - 1; i++)
	{
		char		c = value[i];

		if (c == '%' && i + 2 < len && hex_digit(value[i + 1]) >= 0 &&
			hex_digit(value[i + 2]) >= 0)
		{
			c = (char) (hex_digit(value[i + 1]) << 4 | hex_digit(value[i + 2]));
			i += 2;
		}
		else if (c == '\\' && i + 1 < len)
			c = value[++i];
		if (c == '\0')
			break;
		/* one line for people to read */
		into[n++] = (unsigned char) c < ' ' ? ' ' : c;
	}
	n = pg_encoding_verifymbstr(GetDatabaseEncoding(), into, n);
	into[n] = '\0';
}

/*
 * One key and its value, from "p" on; returns where the next one begins.
 */
static const char *
read_pair(const char *p, const char *end, PgdTag *tag)
{
	const char *key;
	const char *value;
	int			key_len;
	int			value_len;
	bool		quoted;

	while (p < end && (is_blank(*p) || *p == ','))
		p++;
	key = p;
	while (p < end && *p != '=' && *p != ':' && *p != ',')
		p++;
	key_len = p - key;
	if (p == end || *p == ',')
		return p;
	p++;

	quoted = (p < end && *p == '\'');
	if (quoted)
		p++;
	value = p;
	while (p < end && *p != (quoted ? '\'' : ','))
		p += (*p == '\\' && p + 1 < end) ? 2 : 1;
	value_len = p - value;
	if (quoted && p < end)
		p++;

	for (int i = 0; i < lengthof(fields); i++)
	{
		if (strlen(fields[i].key) == key_len &&
			memcmp(fields[i].key, key, key_len) == 0)
			copy_value(value, value_len, (char *) tag + fields[i].offset,
					   fields[i].size);
	}
	return p;
}

static uint64
hash_text(uint64 hash, const char *text)
{
	/* with its final zero, so that fields are told apart */
	do
	{
		hash = (hash ^ (unsigned char) *text) * UINT64CONST(0x100000001b3);
	} while (*text++ != '\0');
	return hash;
}

/*
 * Of all but traceparent.
 */
uint64
pgd_tag_hash(const PgdTag *tag)
{
	uint64		hash = UINT64CONST(0xcbf29ce484222325);

	hash = hash_text(hash, tag->application);
	for (int i = 0; i < lengthof(fields) - 1; i++)
		hash = hash_text(hash, (const char *) tag + fields[i].offset);
	return hash | 1;
}

/*
 * Make a tag of the application's name and a comment, if there is one.
 */
void
pgd_tag_read(const PgdCommented *text)
{
	PgdTag	   *tag = &pgd_tag;

	pgd_tag_application = application_name;
	pgd_tag_comment_len = 0;
	memset(tag, 0, sizeof(PgdTag));
	if (application_name != NULL)
		copy_value(application_name, strlen(application_name),
				   tag->application, sizeof(tag->application));
	if (text->comment != NULL)
	{
		const char *p = text->comment;
		const char *end = p + text->comment_len;

		while (p < end)
			p = read_pair(p, end, tag);

		if (text->comment_len <= sizeof(pgd_tag_comment))
		{
			memcpy(pgd_tag_comment, text->comment, text->comment_len);
			pgd_tag_comment_len = text->comment_len;
		}
		else
			pgd_tag_comment_len = -1;	/* to be read each time */
	}

	tag->hash = pgd_tag_hash(tag);
}
