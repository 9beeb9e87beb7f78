/*-------------------------------------------------------------------------
 *
 * histogram_io.c
 *		Text and binary forms of the SQL type diagnose.histogram.
 *
 * Both come from outside and are checked to the last byte, in time linear in
 * their length, and a complaint names the position.
 *
 * The text is {bound:count, ...} of the occupied buckets.  A bucket is named by
 * its lower bound in milliseconds, the unit of all functions of the type; with
 * all six decimals, which are the nanoseconds, the name is exact.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <ctype.h>
#include <limits.h>

#include "access/htup_details.h"
#include "fmgr.h"
#include "libpq/pqformat.h"
#include "mb/pg_wchar.h"

#include "compat.h"
#include "histogram.h"

#define MS_DECIMALS			6

#define WIRE_VERSION		1
#define WIRE_BUCKET_BYTES	(sizeof(uint16) + sizeof(uint64))

/* A malformed literal is quoted in the message up to this many bytes. */
#define LITERAL_QUOTE_BYTES	64

/* Where we are in a literal. */
typedef struct Literal
{
	const char *start;
	const char *next;
	struct Node *escontext;
} Literal;

PG_FUNCTION_INFO_V1(pgd_histogram_in);
PG_FUNCTION_INFO_V1(pgd_histogram_out);
PG_FUNCTION_INFO_V1(pgd_histogram_recv);
PG_FUNCTION_INFO_V1(pgd_histogram_send);

/* A bound in exact milliseconds, into PGD_HISTOGRAM_MS_BYTES. */
char *
pgd_histogram_format_ms(uint64 ns, char *buffer)
{
	if (ns == 0)
		strlcpy(buffer, "0", PGD_HISTOGRAM_MS_BYTES);
	else
		snprintf(buffer, PGD_HISTOGRAM_MS_BYTES,
				 UINT64_FORMAT "." "%0*d", ns / PGD_HISTOGRAM_NS_PER_MS,
				 MS_DECIMALS, (int) (ns % PGD_HISTOGRAM_NS_PER_MS));
	return buffer;
}

/* Report what is wrong at the current position, and return false. */
static bool
malformed(const Literal *literal, const char *what)
{
	int			length = (int) strlen(literal->start);
	int			quoted = pg_mbcliplen(literal->start, length,
									  LITERAL_QUOTE_BYTES);

	/* all before the first error was ASCII: bytes are characters */
	ereturn(literal->escontext, false,
			(errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
			 errmsg("malformed histogram literal: \"%.*s%s\"",
					quoted, literal->start, quoted < length ? "..." : ""),
			 errdetail("At character %d: %s.",
					   (int) (literal->next - literal->start) + 1, what)));
}

static void
skip_space(Literal *literal)
{
	while (*literal->next == ' ' ||
		   (*literal->next >= '\t' && *literal->next <= '\r'))
		literal->next++;
}

static bool
parse_char(Literal *literal, char expected, const char *what)
{
	skip_space(literal);
	if (*literal->next != expected)
		return malformed(literal, what);
	literal->next++;
	return true;
}

/* Append decimal digits to *value; false, at the digit, if above 2^63-1. */
static bool
parse_digits(Literal *literal, int64 *value, int max_digits)
{
	for (; max_digits > 0 && isdigit((unsigned char) *literal->next);
		 max_digits--)
	{
		int			digit = *literal->next - '0';

		if (*value > (PG_INT64_MAX - digit) / 10)
			return false;
		*value = *value * 10 + digit;
		literal->next++;
	}
	return true;
}

static bool
parse_bucket(Literal *literal, int *bucket)
{
	const char *start;
	int64		ns = 0;
	int			decimals = 0;

	skip_space(literal);
	start = literal->next;
	if (!isdigit((unsigned char) *start))
		return malformed(literal, "expected the lower bound of a bucket in milliseconds");
	if (!parse_digits(literal, &ns, INT_MAX))
		return malformed(literal, "bound is out of range");

	if (*literal->next == '.')
	{
		const char *point = literal->next++;

		if (!parse_digits(literal, &ns, MS_DECIMALS))
			return malformed(literal, "bound is out of range");
		decimals = (int) (literal->next - point) - 1;
		if (decimals == 0)
			return malformed(literal, "expected a digit after the decimal point");
		if (isdigit((unsigned char) *literal->next))
			return malformed(literal, "a bound has at most six decimals");
	}
	for (; decimals < MS_DECIMALS; decimals++)
	{
		if (ns > PG_INT64_MAX / 10)
		{
			literal->next = start;
			return malformed(literal, "bound is out of range");
		}
		ns *= 10;
	}

	*bucket = pgd_histogram_bucket((uint64) ns);
	if (pgd_histogram_lower(*bucket) != (uint64) ns)
	{
		char		bound[PGD_HISTOGRAM_MS_BYTES];

		literal->next = start;
		return malformed(literal,
						 psprintf("no bucket begins there; the bucket with this duration begins at %s",
								  pgd_histogram_format_ms(pgd_histogram_lower(*bucket),
											bound)));
	}
	return true;
}

static bool
parse_count(Literal *literal, PgdHistogramSum *sum, int bucket)
{
	const char *start;
	int64		count = 0;

	skip_space(literal);
	start = literal->next;
	if (!isdigit((unsigned char) *start))
		return malformed(literal, "expected a count");
	if (!parse_digits(literal, &count, INT_MAX) ||
		count > PG_INT64_MAX - (int64) sum->total)
	{
		literal->next = start;
		return malformed(literal, "the number of observations is out of range for type bigint");
	}
	if (count == 0)
	{
		literal->next = start;
		return malformed(literal, "a count must be greater than zero");
	}
	pgd_histogram_add_count(sum, bucket, count);
	return true;
}

static bool
parse_literal(Literal *literal, PgdHistogramSum *sum)
{
	int			previous = -1;

	if (!parse_char(literal, '{', "expected \"{\""))
		return false;
	skip_space(literal);
	if (*literal->next == '}')
		literal->next++;
	else
	{
		for (;;)
		{
			const char *start;
			int			bucket;

			skip_space(literal);
			start = literal->next;
			if (!parse_bucket(literal, &bucket))
				return false;
			if (bucket <= previous)
			{
				literal->next = start;
				return malformed(literal, "bounds must be in ascending order, each at most once");
			}
			previous = bucket;
			if (!parse_char(literal, ':', "expected \":\" and a count") ||
				!parse_count(literal, sum, bucket))
				return false;
			skip_space(literal);
			if (*literal->next == '}')
			{
				literal->next++;
				break;
			}
			if (!parse_char(literal, ',', "expected \",\" or \"}\""))
				return false;
		}
	}
	return parse_char(literal, '\0', "unexpected text after the closing \"}\"");
}

Datum
pgd_histogram_in(PG_FUNCTION_ARGS)
{
	Literal		literal;
	PgdHistogramSum sum;

	literal.start = literal.next = PG_GETARG_CSTRING(0);
	literal.escontext = fcinfo->context;
	memset(&sum, 0, sizeof(sum));

	if (!parse_literal(&literal, &sum))
		PG_RETURN_NULL();		/* a soft error was saved */
	PG_RETURN_POINTER(pgd_histogram_to_datum(&sum.dense));
}

Datum
pgd_histogram_out(PG_FUNCTION_ARGS)
{
	PgdHistogramCursor cursor;
	StringInfoData text;
	char		bound[PGD_HISTOGRAM_MS_BYTES];
	char		separator = '{';

	initStringInfo(&text);
	pgd_histogram_open(&cursor, PG_GETARG_HISTOGRAM(0));
	while (pgd_histogram_next(&cursor))
	{
		appendStringInfo(&text, "%c%s:" UINT64_FORMAT, separator,
						 pgd_histogram_format_ms(pgd_histogram_lower(cursor.bucket), bound),
						 cursor.count);
		separator = ',';
	}
	if (separator == '{')
		appendStringInfoChar(&text, separator);
	appendStringInfoChar(&text, '}');
	PG_RETURN_CSTRING(text.data);
}

/*
 * On the wire: version (1 byte), number of occupied buckets (2), then for each
 * its number (2) and its count (8), in network byte order.
 */
Datum
pgd_histogram_send(PG_FUNCTION_ARGS)
{
	struct varlena *stored = PG_GETARG_HISTOGRAM(0);
	PgdHistogramCursor cursor;
	StringInfoData buf;
	int			occupied = 0;

	pgd_histogram_open(&cursor, stored);
	while (pgd_histogram_next(&cursor))
		occupied++;

	pq_begintypsend(&buf);
	pq_sendbyte(&buf, WIRE_VERSION);
	pq_sendint16(&buf, occupied);
	pgd_histogram_open(&cursor, stored);
	while (pgd_histogram_next(&cursor))
	{
		pq_sendint16(&buf, cursor.bucket);
		pq_sendint64(&buf, cursor.count);
	}
	PG_RETURN_BYTEA_P(pq_endtypsend(&buf));
}

static void
report_bad_binary(const char *detail)
{
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			 errmsg("malformed binary histogram"),
			 errdetail("%s.", detail)));
}

Datum
pgd_histogram_recv(PG_FUNCTION_ARGS)
{
	StringInfo	buf = (StringInfo) PG_GETARG_POINTER(0);
	PgdHistogramSum sum;
	int			version;
	int			occupied;
	int			previous = -1;

	memset(&sum, 0, sizeof(sum));

	if (buf->len - buf->cursor < 3)
		report_bad_binary(psprintf("Expected at least 3 bytes, got %d",
								   buf->len - buf->cursor));
	version = pq_getmsgbyte(buf);
	if (version != WIRE_VERSION)
		report_bad_binary(psprintf("Byte 1: version %d is not known", version));
	occupied = (int) pq_getmsgint(buf, 2);
	if (buf->len - buf->cursor != occupied * WIRE_BUCKET_BYTES)
		report_bad_binary(psprintf("Bytes 2 and 3: entry count %d needs %d more bytes, but %d follow",
								   occupied,
								   (int) (occupied * WIRE_BUCKET_BYTES),
								   buf->len - buf->cursor));

	for (int i = 1; i <= occupied; i++)
	{
		int			bucket = (int) pq_getmsgint(buf, 2);
		int64		count = pq_getmsgint64(buf);

		if (bucket > PGD_HISTOGRAM_OVER)
			report_bad_binary(psprintf("Entry %d: bucket %d does not exist",
									   i, bucket));
		if (bucket <= previous)
			report_bad_binary(psprintf("Entry %d: bucket %d does not follow bucket %d",
									   i, bucket, previous));
		if (count <= 0)
			report_bad_binary(psprintf("Entry %d: count " INT64_FORMAT " is not greater than zero",
									   i, count));
		pgd_histogram_add_count(&sum, bucket, count);
		previous = bucket;
	}
	PG_RETURN_POINTER(pgd_histogram_to_datum(&sum.dense));
}
