/*-------------------------------------------------------------------------
 *
 * text.c
 *		Masks the literals of a statement and fingerprints what is left.
 *
 * Both come from one pass of PostgreSQL's own scanner, so that what is a
 * literal here is what was one for the parser (under the settings in force
 * now: a session that changes standard_conforming_strings between parsing
 * and executing a statement can make the two differ).
 *
 * The text is what was typed, except that
 *	- every literal is a question mark; parameters ($1) stay;
 *	- blanks and comments between two tokens are one blank;
 *	- empty statements and the closing semicolon are gone;
 *	- a list of more than two literals, parameters or equal rows is its first
 *	  element and three dots: IN (?, ...), VALUES (?, ...), ...
 *
 * The fingerprint is a hash over the tokens, the same on every server and
 * major version, in the simple and in the extended protocol.  Its rules are a
 * promise to everybody who keeps a baseline, so do not change them:
 *	- words count as the scanner folds them, quoted or not; but for the few
 *	  that mean something else in quotes, see different_in_quotes;
 *	- literals and parameters are all alike; so are a negative number and
 *	  NULL, TRUE and FALSE where they are values, because pg_stat_statements
 *	  takes these for constants too, and one queryid must not have one
 *	  fingerprint on this server and another one on the next;
 *	- a list of literals counts as one literal, a list of equal parenthesized
 *	  rows with a literal in them as one row;
 *	- codes of tokens are never used, they differ between major versions.
 * The scanner folds a non-ASCII letter by the database's encoding and locale:
 * with such names the promise holds between databases which agree in these.
 *
 * A statement longer than PGD_TEXT_SCAN_MAX is cut there, and one with an
 * error before that error; text and fingerprint are those of the tokens which
 * are certainly complete.  Nothing of an unfinished literal is ever shown.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "parser/scanner.h"
#include "safely.h"
#include "text.h"
#include "utils/builtins.h"

/* Parentheses nested deeper than this are ordinary tokens. */
#define MAX_LEVELS 64

/* A list of so many elements is shown as its first one. */
#define LIST_SHORTENED 3

/* Takes the place of a group's hash for an element that is a literal. */
#define LITERAL_ELEMENT UINT64CONST(1)

/*
 * Classes of tokens.  The numbers are part of every fingerprint.  None can be
 * mistaken for text, for a token's spelling ends with a zero byte.
 */
typedef enum TokenClass
{
	TOKEN_WORD = 1,				/* key word or identifier */
	TOKEN_QUOTED_WORD = 2,		/* identifier that must be quoted */
	TOKEN_UNICODE_WORD = 3,		/* U&"..." with its escapes */
	TOKEN_VALUE = 4,			/* literal or parameter */
	TOKEN_OPERATOR = 5,			/* operators and punctuation */
	TOKEN_GROUP = 6,			/* a pair of parentheses or brackets */
	TOKEN_OPEN_GROUP = 7,		/* one that was never closed */
	TOKEN_CUT = 8,				/* here the statement was cut */
	TOKEN_TAG = 9				/* command tag instead of a statement */
} TokenClass;

typedef struct Token
{
	TokenClass	tclass;
	bool		parameter;		/* TOKEN_VALUE: $1 */
	bool		number;			/* TOKEN_VALUE: numeric literal */
	char		punctuation;	/* TOKEN_OPERATOR of one byte, else 0 */
	const char *source;			/* as typed */
	int			len;
	const char *spelling;		/* as hashed; only words and operators */
} Token;

/* A place in the text to which it can be taken back. */
typedef struct TextMark
{
	int			len;
	bool		full;
} TextMark;

/*
 * What is held back from the hash, since the next token decides whether it
 * is only one more element of a list.
 */
typedef enum Held
{
	HELD_NOTHING,
	HELD_COMMA,
	HELD_COMMA_AND_ELEMENT
} Held;

/* The inside of a pair of parentheses, or (level 0) of the statement. */
typedef struct Level
{
	uint64		hash;
	uint64		element;		/* last list element: LITERAL_ELEMENT, hash of
								 * a group, or 0 when there is none */
	Held		held;
	int			count;			/* elements in the current list */
	TextMark	first;			/* end of the list's first element */
	bool		has_value;		/* there is a literal in here */
	bool		starts_element; /* an element may start at the parenthesis */
} Level;

typedef struct Masking
{
	const char *source;			/* the statement's first byte */
	int			len;			/* bytes looked at */
	int			limit;			/* bytes of text wanted */
	bool		cut;			/* stopped before the end of the statement */
	bool		full;			/* the text has reached the limit */
	bool		semicolon;		/* one was seen, and nothing after it */
	bool		any;			/* a token was seen */
	int			end;			/* where the last token ended */
	PgdText    *out;

	bool		minus;			/* a sign is held back */
	bool		begins;			/* an expression may begin here */
	bool		starts_element; /* a list's element may start here */
	int			depth;
	int			overflow;		/* open parentheses beyond MAX_LEVELS */
	Level		levels[MAX_LEVELS];
} Masking;

/* Reserved words that, unquoted, are expressions of their own. */
static const char *const different_in_quotes[] = {
	"all", "current_catalog", "current_date", "current_role",
	"current_schema", "current_time", "current_timestamp", "current_user",
	"default", "distinct", "false", "localtime", "localtimestamp", "null",
	"session_user", "true", "user"
};

/* Words after which an expression begins, so that a minus is a sign. */
static const char *const before_expression[] = {
	"all", "and", "between", "by", "distinct", "else", "having", "limit",
	"offset", "on", "or", "returning", "select", "then", "when", "where"
};

PG_FUNCTION_INFO_V1(pgd_mask);
PG_FUNCTION_INFO_V1(pgd_fingerprint);


static bool
is_one_of(const char *word, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
	{
		if (strcmp(word, list[i]) == 0)
			return true;
	}
	return false;
}

/*
 * FNV-1a, because it is defined byte by byte: PostgreSQL's own hash functions
 * give other results on another byte order, and may in another version.
 */
static uint64
hash_bytes(uint64 hash, const char *data, int len)
{
	for (int i = 0; i < len; i++)
		hash = (hash ^ (unsigned char) data[i]) * UINT64CONST(0x100000001b3);
	return hash;
}

static uint64
hash_start(void)
{
	return UINT64CONST(0xcbf29ce484222325);
}

static uint64
hash_token(uint64 hash, TokenClass tclass, const char *spelling)
{
	char		code = (char) tclass;

	hash = hash_bytes(hash, &code, 1);
	return hash_bytes(hash, spelling, strlen(spelling) + 1);
}

static uint64
hash_element(uint64 hash, TokenClass tclass, uint64 element)
{
	char		bytes[9];

	if (element == LITERAL_ELEMENT)
		return hash_token(hash, TOKEN_VALUE, "");
	bytes[0] = (char) tclass;
	for (int i = 0; i < 8; i++)
		bytes[i + 1] = (char) (element >> (8 * i));
	return hash_bytes(hash, bytes, sizeof(bytes));
}

/* FNV leaves the high bits of a short input poor: murmur's finalizer. */
static uint64
hash_finish(uint64 hash)
{
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xff51afd7ed558ccd);
	hash ^= hash >> 33;
	hash *= UINT64CONST(0xc4ceb9fe1a85ec53);
	hash ^= hash >> 33;
	return hash == 0 ? 1 : hash;
}

/* Append to the text, until the first thing that does not fit. */
static void
put_text(Masking *m, const char *data, int len)
{
	int			room = m->limit - m->out->len;

	if (m->full)
		return;
	if (len > room)
	{
		len = pg_mbcliplen(data, len, room);
		m->full = true;
	}
	memcpy(m->out->data + m->out->len, data, len);
	m->out->len += len;
}

/* Show the current list of a level, if long, by its first element. */
static void
shorten_list(Masking *m, Level *level)
{
	if (level->count < LIST_SHORTENED)
		return;
	m->out->len = level->first.len;
	m->full = level->first.full;
	put_text(m, ", ...", 5);
}

/*
 * An element that equals the one before was held back, and the next token, or
 * the end, shows it to be complete: it does not count.
 */
static void
drop_held_element(Masking *m, Level *level)
{
	if (level->held != HELD_COMMA_AND_ELEMENT)
		return;
	level->held = HELD_NOTHING;
	level->count++;
	shorten_list(m, level);
}

/* What was held back turned out to belong to something else: it counts. */
static void
keep_held(Level *level)
{
	if (level->held != HELD_NOTHING)
		level->hash = hash_token(level->hash, TOKEN_OPERATOR, ",");
	if (level->held == HELD_COMMA_AND_ELEMENT)
		level->hash = hash_element(level->hash, TOKEN_GROUP, level->element);
	level->held = HELD_NOTHING;
	level->element = 0;
}

static void
add_plain(Masking *m, TokenClass tclass, const char *spelling)
{
	Level	   *level = &m->levels[m->depth];

	keep_held(level);
	level->hash = hash_token(level->hash, tclass, spelling);
}

/* A literal, or a group with one in it, which may be an element of a list. */
static void
add_element(Masking *m, uint64 element, bool starts_element)
{
	Level	   *level = &m->levels[m->depth];

	level->has_value = true;
	if (level->held == HELD_COMMA && level->element == element)
	{
		level->held = HELD_COMMA_AND_ELEMENT;
		return;
	}
	keep_held(level);
	level->hash = hash_element(level->hash, TOKEN_GROUP, element);
	level->element = starts_element ? element : 0;
	level->count = 1;
	level->first.len = m->out->len;
	level->first.full = m->full;
}

static void
add_comma(Masking *m)
{
	Level	   *level = &m->levels[m->depth];

	if (level->element != 0 && level->held == HELD_NOTHING)
		level->held = HELD_COMMA;
	else
		add_plain(m, TOKEN_OPERATOR, ",");
}

static void
open_group(Masking *m, const char *parenthesis)
{
	Level	   *level;

	if (m->depth == MAX_LEVELS - 1)
	{
		m->overflow++;
		add_plain(m, TOKEN_OPERATOR, parenthesis);
		return;
	}
	level = &m->levels[++m->depth];
	memset(level, 0, sizeof(Level));
	level->hash = hash_token(hash_start(), TOKEN_OPERATOR, parenthesis);
	level->starts_element = m->starts_element;
}

static void
close_group(Masking *m, const char *parenthesis)
{
	Level	   *level = &m->levels[m->depth];
	uint64		group;

	if (m->depth == 0 || m->overflow > 0)
	{
		m->overflow -= (m->overflow > 0);
		add_plain(m, TOKEN_OPERATOR, parenthesis);
		return;
	}
	keep_held(level);
	group = hash_finish(level->hash);
	m->depth--;
	if (level->has_value)
		add_element(m, group, level->starts_element);
	else
	{
		keep_held(&m->levels[m->depth]);
		m->levels[m->depth].hash = hash_element(m->levels[m->depth].hash,
												TOKEN_GROUP, group);
	}
}

/*
 * A minus where an operand is expected and a number behind it are one
 * constant, as they are for the grammar.
 */
static bool
hold_sign(Masking *m, const Token *t)
{
	if (m->minus && !t->number)
	{
		add_plain(m, TOKEN_OPERATOR, "-");
		m->starts_element = false;
		m->begins = true;
	}
	m->minus = (t->punctuation == '-' && m->begins);
	return m->minus;
}

static void
add_to_fingerprint(Masking *m, const Token *t)
{
	bool		word = (t->tclass == TOKEN_WORD && t->source[0] != '"');
	bool		open = false;
	bool		value = (t->tclass == TOKEN_VALUE);

	if (hold_sign(m, t))
		return;
	if (word && m->begins)
		value = (strcmp(t->spelling, "null") == 0 ||
				 strcmp(t->spelling, "true") == 0 ||
				 strcmp(t->spelling, "false") == 0);

	if (value)
		add_element(m, LITERAL_ELEMENT, m->starts_element);
	else if (t->punctuation == ',')
		add_comma(m);
	else if (t->punctuation == '(' || t->punctuation == '[')
	{
		open_group(m, t->spelling);
		open = true;
	}
	else if (t->punctuation == ')' || t->punctuation == ']')
		close_group(m, t->spelling);
	else
		add_plain(m, t->tclass, t->spelling);

	m->starts_element = open || t->punctuation == ',' || (word && !value);
	if (word && !value)
		m->begins = is_one_of(t->spelling, before_expression,
							  lengthof(before_expression));
	else
		m->begins = t->tclass == TOKEN_OPERATOR &&
			(t->punctuation == 0 || strchr(")].", t->punctuation) == NULL);
}

/*
 * Tell the class of a token by how it begins.  That needs no token codes, and
 * should the scanner learn a new sort of literal, it is still masked if it
 * looks like one.  A word's spelling is the scanner's: folded and truncated.
 */
static void
classify(Token *t, const char *source, int len, const char *word)
{
	unsigned char first = source[0];
	unsigned char second = len > 1 ? source[1] : 0;
	bool		prefixed = second == '&' && len > 2;

	memset(t, 0, sizeof(Token));
	t->source = source;
	t->len = len;
	if (first == '"')
	{
		t->spelling = word;
		t->tclass = is_one_of(word, different_in_quotes,
							  lengthof(different_in_quotes)) ?
			TOKEN_QUOTED_WORD : TOKEN_WORD;
	}
	else if (first == '\'' || second == '\'' ||
			 (prefixed && source[2] == '\'') ||
			 (first == '$' && len > 1))
	{
		t->tclass = TOKEN_VALUE;
		t->parameter = (first == '$' && second >= '0' && second <= '9');
	}
	else if ((first >= '0' && first <= '9') ||
			 (first == '.' && second >= '0' && second <= '9'))
	{
		t->tclass = TOKEN_VALUE;
		t->number = true;
	}
	else if (IS_HIGHBIT_SET(first) || first == '_' ||
			 (first >= 'a' && first <= 'z') || (first >= 'A' && first <= 'Z'))
	{
		t->tclass = prefixed ? TOKEN_UNICODE_WORD : TOKEN_WORD;
		t->spelling = word;
	}
	else
	{
		t->tclass = TOKEN_OPERATOR;
		t->punctuation = len == 1 ? first : 0;
	}
}

/* Take one token, the bytes from start to end, into text and fingerprint. */
static void
take_token(Masking *m, int start, int end, const char *word)
{
	char		op[NAMEDATALEN];
	Token		t;

	classify(&t, m->source + start, end - start, word);
	if (t.tclass == TOKEN_OPERATOR)
	{
		/* the scanner has no operator that does not fit */
		int			len = Min(t.len, (int) sizeof(op) - 1);

		memcpy(op, t.source, len);
		op[len] = '\0';
		t.spelling = strcmp(op, "!=") == 0 ? "<>" : op;
	}

	/* a semicolon counts only if something follows and something precedes */
	if (t.punctuation == ';')
	{
		m->semicolon = m->any;
		m->end = end;
		return;
	}
	if (m->semicolon)
	{
		drop_held_element(m, &m->levels[m->depth]);
		put_text(m, ";", 1);
		add_plain(m, TOKEN_OPERATOR, ";");
		m->semicolon = false;
		m->begins = false;
	}

	/* an operator goes on with the element held back, all else ends it */
	if (t.tclass != TOKEN_OPERATOR ||
		(t.punctuation != 0 && strchr(",)]", t.punctuation) != NULL))
		drop_held_element(m, &m->levels[m->depth]);
	if (start > m->end && m->any)
		put_text(m, " ", 1);
	if (t.tclass == TOKEN_VALUE && !t.parameter)
		put_text(m, "?", 1);
	else
		put_text(m, t.source, t.len);
	m->any = true;
	m->end = end;
	add_to_fingerprint(m, &t);
}

/*
 * End of the statement.  Where it was cut inside a list, a comma or an
 * unfinished row at the end does not count, so that the place of the cut does
 * not matter.
 */
static void
finish(Masking *m)
{
	Level	   *level = &m->levels[m->depth];

	if (m->minus && !m->cut)
		add_plain(m, TOKEN_OPERATOR, "-");
	for (;;)
	{
		drop_held_element(m, level);
		if (m->cut && level->held == HELD_COMMA)
			shorten_list(m, level);
		else
			keep_held(level);
		if (m->depth == 0)
			break;
		m->depth--;
		if (!(m->cut && level[-1].held == HELD_COMMA &&
			  level[-1].element != LITERAL_ELEMENT))
		{
			keep_held(&level[-1]);
			level[-1].hash = hash_element(level[-1].hash, TOKEN_OPEN_GROUP,
										  hash_finish(level->hash));
		}
		level--;
	}
	if (m->cut)
		level->hash = hash_token(level->hash, TOKEN_CUT, "");
	m->out->fingerprint = hash_finish(level->hash);
	m->out->truncated = m->full || m->cut;
}

/* Scan the statement, in a memory context which the caller deletes. */
static void
scan_tokens(void *arg)
{
	Masking    *m = arg;
	core_yy_extra_type extra;
	core_yyscan_t scanner;
	core_YYSTYPE value = {0};
	YYLTYPE		start;
	char	   *copy;

	if (m->cut)
		m->len = pg_mbcliplen(m->source, m->len, PGD_TEXT_SCAN_MAX);
	copy = pnstrdup(m->source, m->len);
	scanner = scanner_init(copy, &extra, &ScanKeywords, ScanKeywordTokens);
	while (core_yylex(&value, &start, scanner) != 0)
	{
		/*
		 * The scanner (any flex scanner) puts a zero byte behind the token
		 * just found, until it is asked for the next one.
		 */
		int			end = start + strnlen(extra.scanbuf + start,
										  m->len - start);

		/* one that touches the cut is perhaps not all of it */
		if (m->cut && end == m->len)
			break;
		/* key words and identifiers come in two members of like type */
		take_token(m, start, end, value.keyword);
	}
	scanner_finish(scanner);
}

void
pgd_text_mask(const char *source, int location, int len,
			  const char *fallback, int limit, PgdText *out)
{
	Masking		m;

	/*
	 * Start only what is used: levels above the first are set when opened.
	 * Locations are not trusted beyond the end of the source, and the rest of
	 * a long statement is not even measured.
	 */
	memset(&m, 0, offsetof(Masking, levels) + sizeof(Level));
	m.levels[0].hash = hash_start();
	m.out = out;
	m.limit = Max(0, Min(limit, PGD_TEXT_MAX - 1));
	if (location > 0)
		source += strnlen(source, location);
	if (location < 0 || len <= 0)
		len = PGD_TEXT_SCAN_MAX + 1;
	m.source = source;
	m.len = strnlen(source, Min(len, PGD_TEXT_SCAN_MAX + 1));
	m.cut = m.len > PGD_TEXT_SCAN_MAX;
	out->len = 0;
	out->fingerprint = 0;
	out->truncated = false;

	/* what the scanner complains about, it has said when it was parsed */
	if (!pgd_safely(scan_tokens, &m))
		m.cut = true;
	out->unscanned = !m.any;
	if (m.any)
	{
		finish(&m);
		if (out->len > 0 && out->data[out->len - 1] == ' ')
			out->len--;
	}
	else if (fallback != NULL && fallback[0] != '\0')
	{
		put_text(&m, fallback, strlen(fallback));
		out->truncated = true;
		out->fingerprint = hash_finish(hash_token(hash_start(), TOKEN_TAG,
												  fallback));
	}
	out->data[out->len] = '\0';
}

/* diagnose.mask(statement text) returns text */
Datum
pgd_mask(PG_FUNCTION_ARGS)
{
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
	PgdText    *masked = palloc(sizeof(PgdText));

	pgd_text_mask(statement, -1, 0, NULL, PGD_TEXT_MAX, masked);
	if (masked->unscanned)
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text_with_len(masked->data, masked->len));
}

/* diagnose.fingerprint(statement text) returns bigint */
Datum
pgd_fingerprint(PG_FUNCTION_ARGS)
{
	char	   *statement = text_to_cstring(PG_GETARG_TEXT_PP(0));
	PgdText    *masked = palloc(sizeof(PgdText));

	pgd_text_mask(statement, -1, 0, NULL, 0, masked);
	if (masked->unscanned)
		PG_RETURN_NULL();
	PG_RETURN_INT64((int64) masked->fingerprint);
}

/*
 * Only what qualifies a name of ours counts: "diagnose" and a dot.  White
 * space, quotes and case are as in diagnose.is_own().
 */
bool
pgd_text_is_own(const char *source, int location, int len)
{
	static const char name[] = "diagnose";
	const int	n = sizeof(name) - 1;
	const char *end;

	if (location > 0)
		source += strnlen(source, location);
	end = source + strnlen(source, len > 0 ? Min(len, PGD_TEXT_SCAN_MAX) :
						   PGD_TEXT_SCAN_MAX);
	for (const char *p = source; end - p > n; p++)
	{
		const char *next = p + n;

		if ((*p | 0x20) != 'd' || pg_strncasecmp(p, name, n) != 0 ||
			(p > source && (isalnum((unsigned char) p[-1]) || p[-1] == '_')))
			continue;
		if (*next == '"')
			next++;
		while (next < end && isspace((unsigned char) *next))
			next++;
		if (next < end && *next == '.')
			return true;
	}
	return false;
}
