/*-------------------------------------------------------------------------
 *
 * codec.c
 *		Numbers, texts and histograms as bytes, and back.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "codec.h"

#define MAX_NAMES		1000
#define NUMBER_MAX		10		/* bytes of a number */

/* ----------
 * Writing
 * ----------
 */

void
pgd_put_number(StringInfo out, uint64 value)
{
	char	   *next;

	/* most of the time of writing is spent here */
	if (unlikely(out->maxlen - out->len <= NUMBER_MAX))
		enlargeStringInfo(out, NUMBER_MAX);
	next = out->data + out->len;
	while (value >= 0x80)
	{
		*next++ = (char) (value | 0x80);
		value >>= 7;
	}
	*next++ = (char) value;
	*next = '\0';
	out->len = next - out->data;
}

/* The sign goes to the lowest bit, so that small ones stay short. */
void
pgd_put_signed(StringInfo out, int64 value)
{
	pgd_put_number(out, ((uint64) value << 1) ^ (uint64) (value >> 63));
}

/* For hashes, which have no small values. */
void
pgd_put_fixed64(StringInfo out, uint64 value)
{
	appendBinaryStringInfo(out, (const char *) &value, sizeof(value));
}

void
pgd_put_text(StringInfo out, const char *text, int len)
{
	pgd_put_number(out, len);
	appendBinaryStringInfo(out, text, len);
}

void
pgd_put_names(StringInfo out, const char *const *names, int n)
{
	pgd_put_number(out, n);
	for (int i = 0; i < n; i++)
		pgd_put_text(out, names[i], strlen(names[i]));
}

/*
 * A bit for each counter that is not 0, then these.
 */
void
pgd_put_counters(StringInfo out, const uint64 *counters, int n)
{
	for (int i = 0; i < n; i += 8)
	{
		unsigned char bits = 0;

		for (int b = 0; b < 8 && i + b < n; b++)
			bits |= (counters[i + b] != 0) << b;
		appendStringInfoCharMacro(out, (char) bits);
	}
	for (int i = 0; i < n; i++)
	{
		if (counters[i] != 0)
			pgd_put_number(out, counters[i]);
	}
}

/*
 * The number of buckets in use, then for each how many lie between it and the
 * one before, and its count.
 */
void
pgd_put_histogram(StringInfo out, const PgdHistogram *histogram)
{
	int			used = 0;
	int			expected = 0;

	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
		used += (histogram->count[i] != 0);
	pgd_put_number(out, used);
	for (int i = 0; used > 0; i++)
	{
		if (histogram->count[i] == 0)
			continue;
		pgd_put_number(out, i - expected);
		pgd_put_number(out, histogram->count[i]);
		expected = i + 1;
		used--;
	}
}

/* ----------
 * Reading
 * ----------
 */

uint64
pgd_get_number(PgdCursor *in)
{
	uint64		value = 0;

	for (int shift = 0; shift < 64; shift += 7)
	{
		unsigned char byte;

		if (in->bad || in->next >= in->end)
			break;
		byte = (unsigned char) *in->next++;
		if (shift == 63 && byte > 1)
			break;
		value |= (uint64) (byte & 0x7F) << shift;
		if (byte < 0x80)
			return value;
	}
	in->bad = true;
	return 0;
}

int64
pgd_get_signed(PgdCursor *in)
{
	uint64		value = pgd_get_number(in);

	return (int64) (value >> 1) ^ -(int64) (value & 1);
}

uint64
pgd_get_fixed64(PgdCursor *in)
{
	uint64		value;

	if (in->bad || in->end - in->next < (ptrdiff_t) sizeof(value))
	{
		in->bad = true;
		return 0;
	}
	memcpy(&value, in->next, sizeof(value));
	in->next += sizeof(value);
	return value;
}

/*
 * A text is not copied, and has no zero at its end.
 */
const char *
pgd_get_text(PgdCursor *in, int *len)
{
	uint64		size = pgd_get_number(in);
	const char *text = in->next;

	if (in->bad || size > (uint64) (in->end - in->next))
	{
		in->bad = true;
		*len = 0;
		return "";
	}
	in->next += size;
	*len = (int) size;
	return text;
}

/*
 * A text into an array, where it ends with a zero; what is too long is cut.
 */
void
pgd_get_chars(PgdCursor *in, char *into, size_t size)
{
	int			len;
	const char *text = pgd_get_text(in, &len);

	memset(into, 0, size);
	memcpy(into, text, Min((size_t) len, size - 1));
}

/*
 * What was put as a text, to be read by itself.
 */
PgdCursor
pgd_get_part(PgdCursor *in)
{
	PgdCursor	part = {0};
	int			len;

	part.next = pgd_get_text(in, &len);
	part.end = part.next + len;
	part.bad = in->bad;
	return part;
}

/*
 * Find out which counter of ours each counter of the bytes is.
 */
bool
pgd_get_names(PgdCursor *in, const char *const *names, int nnames,
			  PgdCounterMap *map)
{
	uint64		n = pgd_get_number(in);

	if (in->bad || n > MAX_NAMES)
	{
		in->bad = true;
		return false;
	}
	map->n = (int) n;
	map->index = palloc(sizeof(int) * Max(map->n, 1));
	for (int i = 0; i < map->n; i++)
	{
		int			len;
		const char *name = pgd_get_text(in, &len);

		map->index[i] = -1;
		for (int c = 0; c < nnames; c++)
		{
			if (strlen(names[c]) == (size_t) len &&
				memcmp(name, names[c], len) == 0)
				map->index[i] = c;
		}
	}
	return !in->bad;
}

void
pgd_get_counters(PgdCursor *in, const PgdCounterMap *map, uint64 *counters)
{
	const unsigned char *bits = (const unsigned char *) in->next;
	int			nbytes = (map->n + 7) / 8;

	if (in->bad || in->end - in->next < nbytes)
	{
		in->bad = true;
		return;
	}
	in->next += nbytes;
	for (int i = 0; i < map->n; i++)
	{
		if ((bits[i / 8] & (1 << i % 8)) != 0)
		{
			uint64		value = pgd_get_number(in);

			if (map->index == NULL)
				counters[i] = value;
			else if (map->index[i] >= 0)
				counters[map->index[i]] = value;
		}
	}
}

/*
 * "histogram" is all zero before.  What is added up must not be more than a
 * bigint; see pgd_histogram_total().
 */
void
pgd_get_histogram(PgdCursor *in, PgdHistogram *histogram)
{
	uint64		used = pgd_get_number(in);
	uint64		bucket = 0;
	uint64		total = 0;

	if (used > PGD_HISTOGRAM_BUCKETS)
		in->bad = true;
	for (; used > 0 && !in->bad; used--, bucket++)
	{
		uint64		skipped = pgd_get_number(in);
		uint64		count = pgd_get_number(in);

		if (skipped >= PGD_HISTOGRAM_BUCKETS - bucket ||
			count > (uint64) PG_INT64_MAX - total)
			in->bad = true;
		else
		{
			histogram->count[bucket += skipped] = count;
			total += count;
		}
	}
}
