/*-------------------------------------------------------------------------
 *
 * series_read.c
 *		Times of statements and transactions, stretch by stretch, of two
 *		windows: what is read from snapshots.
 *
 * The snapshots of a side are read one after the other, each once.  What is
 * remembered of a record is how far its numbers had got; the difference to the
 * next snapshot is what happened in the stretch between them.  A record that
 * has the same bytes as before is not looked at.
 *
 * Statements with the same fingerprint are one thing, so their histograms are
 * added up before a level is taken of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "archive.h"
#include "image.h"
#include "image_index.h"
#include "series.h"
#include "snapshot.h"

#define KEY_BYTES	40			/* more than any key of a record has */

/*
 * Executions that tell half as much as ever so many would: what scatters from
 * execution to execution then weighs as much as what scatters from stretch to
 * stretch, if the former is 0.6 (as with most statements) and the latter 6 %.
 */
#define HALF_WEIGHT	100

/* How far a statement had got. */
typedef struct State
{
	PgdWork		work;			/* without plans */
	uint64		plans[PGD_PLANS + 1];
	uint64		plan_calls[PGD_PLANS + 1];
} State;

/* A record, from snapshot to snapshot. */
typedef struct Member
{
	char		key[KEY_BYTES];
	PgdTimed   *timed;			/* NULL: not executed so far */
	int			seen_in;		/* the latest snapshot that has it */
	PgdCursor	bytes;			/* of it, in that one */
	TimestampTz since;
	PgdBucketList so_far;
	State		first;
	State		last;
} Member;

/* One side while it is read. */
typedef struct Reader
{
	PgdTimes   *times;
	HTAB	   *known;			/* PgdTimedKey to PgdTimed */
	HTAB	   *members[2];		/* of statements, of shapes */
	MemoryContext context;		/* of these */
	PgdSide		side;
	int			stretch;		/* of all; -1: before the first one */
	int			snapshot;		/* number of the one that is read */
	PgdTimed   *touched;
} Reader;

/* What is known of a thing. */
typedef struct Known
{
	PgdTimedKey key;
	PgdTimed   *timed;
} Known;

/* ----------
 * Histograms
 * ----------
 */

static void
make_room(PgdBucketList *list, int n, MemoryContext context)
{
	if (list->allocated >= n)
		return;
	n += n / 4;
	if (list->buckets == NULL)
		list->buckets = MemoryContextAlloc(context, sizeof(PgdBucket) * n);
	else
		list->buckets = repalloc(list->buckets, sizeof(PgdBucket) * n);
	list->allocated = n;
}

/* Add to a list, from its end so that it can be done in place. */
static void
add_buckets(PgdBucketList *sum, const PgdBucketList *more,
			MemoryContext context)
{
	int			i = sum->n - 1;
	int			j = more->n - 1;
	int			both = 0;
	int			to;

	for (int a = 0, b = 0; a < sum->n && b < more->n;)
	{
		int			difference = (int) sum->buckets[a].bucket -
			(int) more->buckets[b].bucket;

		both += (difference == 0);
		a += (difference <= 0);
		b += (difference >= 0);
	}
	to = sum->n + more->n - both;
	make_room(sum, to, context);
	sum->n = to--;
	while (j >= 0)
	{
		PgdBucket	bucket = more->buckets[j];

		if (i >= 0 && sum->buckets[i].bucket > bucket.bucket)
		{
			sum->buckets[to--] = sum->buckets[i--];
			continue;
		}
		if (i >= 0 && sum->buckets[i].bucket == bucket.bucket)
		{
			uint64		count = bucket.count + sum->buckets[i--].count;

			bucket.count = Min(count, PGD_BUCKET_COUNT_MAX);
		}
		sum->buckets[to--] = bucket;
		j--;
	}
}

static inline bool
is_empty(const uint64 *count)
{
	uint64		any = 0;

	for (int i = 0; i < PGD_HISTOGRAM_SUB_BUCKETS; i++)
		any |= count[i];
	return any == 0;
}

/*
 * The buckets of a histogram become those so far, and what they have more than
 * those before is put into "more".
 */
static void
advance(PgdBucketList *so_far, const PgdHistogram *histogram,
		PgdBucketList *more, MemoryContext context)
{
	PgdBucket	now[PGD_HISTOGRAM_BUCKETS];
	int			n = 0;
	int			old = 0;

	more->n = 0;
	for (int i = 0; i < PGD_HISTOGRAM_BUCKETS; i++)
	{
		uint64		count = Min(histogram->count[i], PGD_BUCKET_COUNT_MAX);
		uint64		before = 0;

		if (count == 0)
		{
			/* most are: by the octave */
			if (i % PGD_HISTOGRAM_SUB_BUCKETS == 1 &&
				i + PGD_HISTOGRAM_SUB_BUCKETS < PGD_HISTOGRAM_BUCKETS &&
				is_empty(&histogram->count[i]))
				i += PGD_HISTOGRAM_SUB_BUCKETS - 1;
			continue;
		}
		now[n].bucket = i;
		now[n++].count = count;
		while (old < so_far->n && so_far->buckets[old].bucket < i)
			old++;
		if (old < so_far->n && so_far->buckets[old].bucket == i)
			before = so_far->buckets[old].count;
		if (count > before)
		{
			more->buckets[more->n].bucket = i;
			more->buckets[more->n++].count = count - before;
		}
	}
	make_room(so_far, n, context);
	memcpy(so_far->buckets, now, sizeof(PgdBucket) * n);
	so_far->n = n;
}

/* ----------
 * Work
 * ----------
 */

static void
state_of(const PgdStatement *s, State *state)
{
	state->work.calls = s->counters.calls;
	state->work.rows = s->counters.rows;
	state->work.blocks = s->counters.shared_blks_hit +
		s->counters.shared_blks_read;
	state->work.wal_records = s->counters.wal_records;
	for (int i = 0; i <= PGD_PLANS; i++)
	{
		state->plans[i] = s->plans[i].shape;
		state->plan_calls[i] = s->plans[i].calls;
	}
}

/* Numbers of a damaged file may shrink. */
#define MORE(field) \
	(last->work.field > first->work.field ? \
	 last->work.field - first->work.field : 0)

static void
add_work(PgdWork *work, const State *first, const State *last)
{
	work->calls += MORE(calls);
	work->rows += MORE(rows);
	work->blocks += MORE(blocks);
	work->wal_records += MORE(wal_records);
	work->statements += MORE(statements);
	for (int i = 0; i <= PGD_PLANS; i++)
	{
		uint64		calls = last->plan_calls[i];

		for (int j = 0; j <= PGD_PLANS; j++)
		{
			if (first->plans[j] == last->plans[i])
				calls -= Min(calls, first->plan_calls[j]);
		}
		if (calls > work->plan_calls)
		{
			work->plan = last->plans[i];
			work->plan_calls = calls;
		}
	}
}

/* ----------
 * Records
 * ----------
 */

/* The thing with a key; the first executions make it. */
static PgdTimed *
find_timed(Reader *reader, const PgdTimedKey *key)
{
	PgdTimes   *times = reader->times;
	int			total = times->stretches.count[PGD_BEFORE] +
		times->stretches.count[PGD_AFTER];
	bool		found;
	Known	   *known = hash_search(reader->known, key, HASH_ENTER, &found);
	PgdTimed   *timed;

	if (found)
		return known->timed;
	timed = MemoryContextAllocZero(times->context, sizeof(PgdTimed));
	timed->level = MemoryContextAllocZero(times->context,
										  sizeof(double) * 2 * total);
	timed->weight = timed->level + total;
	timed->key = *key;
	timed->candidate = -1;
	if (times->last == NULL)
		times->first = timed;
	else
		times->last->next = timed;
	times->last = timed;
	times->ntimed++;
	known->timed = timed;
	return timed;
}

/* Executions of a member in this stretch. */
static void
add_executions(Reader *reader, PgdTimed *timed, const PgdBucketList *more)
{
	if (!timed->touched)
	{
		timed->touched = true;
		timed->next_touched = reader->touched;
		reader->touched = timed;
	}
	add_buckets(&timed->pending, more, reader->times->context);
}

/*
 * What was seen of a record before; NULL if that is all there is to see, as
 * nothing has happened.
 */
static Member *
find_member(Reader *reader, HTAB *members, const PgdRecord *record,
			bool *is_new)
{
	char		key[KEY_BYTES] = {0};
	size_t		length = record->key.end - record->key.next;
	Member	   *member;
	bool		found;
	bool		same;

	if (length > KEY_BYTES)
		return NULL;
	memcpy(key, record->key.next, length);
	member = hash_search(members, key, HASH_ENTER, &found);
	*is_new = !found;
	if (!found)
		memset((char *) member + KEY_BYTES, 0, sizeof(Member) - KEY_BYTES);
	same = found && member->seen_in == reader->snapshot - 1 &&
		pgd_same_bytes(&member->bytes, &record->rest);
	member->seen_in = reader->snapshot;
	member->bytes = record->rest;
	return same ? NULL : member;
}

/* It had to make room, or was reset, and has begun anew. */
static void
begin_anew(const Reader *reader, Member *member)
{
	if (member->timed != NULL)
		add_work(&member->timed->work[reader->side], &member->first,
				 &member->last);
	memset(&member->first, 0, sizeof(State));
	member->so_far.n = 0;
}

static void
read_statement(Reader *reader, const PgdImage *image, const PgdRecord *record)
{
	static PgdStatement s;
	PgdBucket	buckets[PGD_HISTOGRAM_BUCKETS];
	PgdBucketList more = {0, PGD_HISTOGRAM_BUCKETS, buckets};
	const char *text;
	int			len;
	bool		is_new;
	Member	   *member = find_member(reader, reader->members[0], record,
									 &is_new);

	if (member == NULL)
		return;
	if (!pgd_image_statement(image, *record, &s, &text, &len))
		pgd_window_report_absent(image->header.id, "is damaged");
	if (s.key.queryid == 0)
		return;					/* those that had to make room */

	if (!is_new && member->since != s.since)
		begin_anew(reader, member);
	member->since = s.since;
	advance(&member->so_far, &s.histogram, &more, reader->context);
	state_of(&s, &member->last);
	if (reader->stretch < 0)
		member->first = member->last;
	else if (more.n > 0)
	{
		if (member->timed == NULL)
		{
			PgdTimedKey key = {
				.number = s.fingerprint != 0 ? s.fingerprint : s.key.queryid,
				.dbid = s.key.dbid,
				.userid = s.key.userid,
				.toplevel = s.key.toplevel,
				.kind = s.fingerprint != 0 ? PGD_TIMED_FINGERPRINT :
				PGD_TIMED_QUERYID
			};

			member->timed = find_timed(reader, &key);
			if (member->timed->queryid != 0 &&
				member->timed->queryid != s.key.queryid)
				member->timed->several = true;
			member->timed->queryid = s.key.queryid;
		}
		add_executions(reader, member->timed, &more);
	}
}

static void
read_shape(Reader *reader, const PgdImage *image, const PgdRecord *record)
{
	static PgdShape shape;
	const PgdShapeKey *key = &shape.sums.key;
	PgdBucket	buckets[PGD_HISTOGRAM_BUCKETS];
	PgdBucketList more = {0, PGD_HISTOGRAM_BUCKETS, buckets};
	bool		is_new;
	Member	   *member = find_member(reader, reader->members[1], record,
									 &is_new);

	if (member == NULL)
		return;
	if (!pgd_image_shape(image, *record, &shape))
		pgd_window_report_absent(image->header.id, "is damaged");
	if (key->shape == 0)
		return;

	if (!is_new && member->since != shape.sums.since)
		begin_anew(reader, member);
	member->since = shape.sums.since;
	advance(&member->so_far, &shape.histograms[PGD_DURATION], &more,
			reader->context);
	/* their rows vary with what is asked for, their statements do not */
	member->last.work.calls = shape.sums.counters.calls;
	member->last.work.statements = shape.sums.counters.statements;
	if (reader->stretch < 0)
		member->first = member->last;
	else if (more.n > 0)
	{
		if (member->timed == NULL)
		{
			PgdTimedKey timed = {
				.number = key->shape,
				.tag = key->tag,
				.dbid = key->dbid,
				.userid = key->userid,
				.kind = PGD_TIMED_SHAPE
			};

			member->timed = find_timed(reader, &timed);
		}
		add_executions(reader, member->timed, &more);
	}
}

/* ----------
 * Snapshots
 * ----------
 */

/* All members have told: a level of each thing. */
static void
end_stretch(Reader *reader)
{
	PgdTimes   *times = reader->times;
	PgdSide		side = reader->side;
	int			stretch = reader->stretch;
	int			batch = stretch;

	if (side == PGD_AFTER)
		batch -= times->stretches.count[PGD_BEFORE];
	batch = batch * times->batches[side] / times->stretches.count[side];

	while (reader->touched != NULL)
	{
		PgdTimed   *timed = reader->touched;
		double		n;

		reader->touched = timed->next_touched;
		timed->touched = false;
		timed->level[stretch] = pgd_level(timed->pending.buckets,
										  timed->pending.n, &n);
		timed->weight[stretch] = n / (n + HALF_WEIGHT);
		timed->executions[side] += (uint64) n;
		timed->windows[side]++;
		add_buckets(&timed->batches[side][batch], &timed->pending,
					times->context);
		timed->pending.n = 0;
	}
}

static void
read_section(Reader *reader, const PgdImage *image, PgdSection which,
			 void (*read) (Reader *, const PgdImage *, const PgdRecord *))
{
	PgdCursor	section = image->sections[which];
	PgdRecord	record;

	while (pgd_image_next(&section, &record))
	{
		CHECK_FOR_INTERRUPTS();
		read(reader, image, &record);
	}
	if (section.bad)
		pgd_window_report_absent(image->header.id, "is damaged");
}

/*
 * False if there is none with that number, or it is damaged, and "must_exist"
 * is not set.
 */
static bool
read_snapshot(Reader *reader, uint64 id, bool must_exist)
{
	PgdImage	image;

	if (id == 0)
		pgd_snapshot_live(&image);
	else
	{
		PgdSnapshotHeader header;
		const char *problem;
		const char *body = pgd_archive_get_snapshot(NULL, id, &header,
													&problem);

		if (body == NULL && !must_exist)
			return false;
		if (body == NULL)
			pgd_window_report_absent(id, problem);
		if (!pgd_image_open(&image, &header, body))
			pgd_window_report_absent(id, "is damaged");
	}
	read_section(reader, &image, PGD_SECTION_STATEMENTS, read_statement);
	read_section(reader, &image, PGD_SECTION_SHAPES, read_shape);
	return true;
}

/*
 * Keep the ends of at most "max" stretches: of two neighbours that are the
 * shortest together, one is made, again and again.  "ids" has the end of each,
 * after where the first one begins if that is a snapshot.  Returns how many
 * stretches there are.
 */
static int
thin_out(const PgdWindow *window, uint64 *ids, int n, int max)
{
	bool		has_lower = (window->lower != 0);
	TimestampTz *at = palloc(sizeof(TimestampTz) * (n + 1));
	uint64	   *end = has_lower ? ids + 1 : ids;
	int			stretches = has_lower ? n - 1 : n;

	if (stretches <= max)
		return stretches;

	/* at[i + 1] is where stretch i ends */
	for (int i = has_lower ? -1 : 0; i < stretches; i++)
	{
		PgdSnapshotHeader header;
		const char *problem;

		CHECK_FOR_INTERRUPTS();
		if (end[i] == 0)
			pgd_snapshot_describe(&header);
		else if (!pgd_archive_get_header(end[i], &header, &problem))
		{
			/* gone; as long as its neighbour, if any */
			at[i + 1] = i >= 0 ? at[i] : 0;
			continue;
		}
		at[i + 1] = header.taken_at;
		if (i == 0 && !has_lower)
			at[0] = header.since;
	}
	while (stretches > max)
	{
		int			best = 0;

		CHECK_FOR_INTERRUPTS();
		for (int i = 1; i < stretches - 1; i++)
		{
			if (at[i + 2] - at[i] < at[best + 2] - at[best])
				best = i;
		}
		stretches--;
		memmove(&end[best], &end[best + 1],
				sizeof(uint64) * (stretches - best));
		memmove(&at[best + 1], &at[best + 2],
				sizeof(TimestampTz) * (stretches - best));
	}
	return stretches;
}

static HTAB *
make_hash(const char *name, Size key, Size entry, MemoryContext context)
{
	HASHCTL		ctl = {.keysize = key, .entrysize = entry, .hcxt = context};

	return hash_create(name, 1024, &ctl,
					   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/*
 * Read one side.  Of each snapshot the one before is needed too, to see what
 * has not changed.
 */
static void
read_side(Reader *reader, const uint64 *ids, bool has_lower)
{
	PgdTimes   *times = reader->times;
	int			n = times->stretches.count[reader->side];
	MemoryContext images[2];
	MemoryContext outer;
	HASH_SEQ_STATUS scan;
	Member	   *member;

	reader->context = AllocSetContextCreate(times->context,
											"pg_diagnose series side",
											ALLOCSET_DEFAULT_SIZES);
	for (int i = 0; i < 2; i++)
	{
		images[i] = AllocSetContextCreate(reader->context,
										  "pg_diagnose series image",
										  ALLOCSET_DEFAULT_SIZES);
		reader->members[i] = make_hash("pg_diagnose series members",
									   KEY_BYTES, sizeof(Member),
									   reader->context);
	}

	reader->snapshot = 0;
	for (int i = has_lower ? -1 : 0; i < n; i++)
	{
		MemoryContext context = images[reader->snapshot % 2];
		bool		found;

		MemoryContextReset(context);
		outer = MemoryContextSwitchTo(context);
		reader->stretch = i;
		if (i >= 0 && reader->side == PGD_AFTER)
			reader->stretch += times->stretches.count[PGD_BEFORE];
		/* one that has been thinned out meanwhile belongs to the next stretch */
		found = read_snapshot(reader, *ids++, i < 0 || i == n - 1);
		MemoryContextSwitchTo(outer);
		if (!found)
			continue;
		reader->snapshot++;
		if (i >= 0)
			end_stretch(reader);
	}

	for (int i = 0; i < lengthof(reader->members); i++)
	{
		hash_seq_init(&scan, reader->members[i]);
		while ((member = hash_seq_search(&scan)) != NULL)
		{
			if (member->timed != NULL)
				add_work(&member->timed->work[reader->side], &member->first,
						 &member->last);
		}
	}
	MemoryContextDelete(reader->context);
}

/*
 * Read both windows into times->context.
 */
void
pgd_series_read(const PgdWindow *before, const PgdWindow *after,
				int max_windows, PgdTimes *times)
{
	const PgdWindow *windows[PGD_SIDES] = {before, after};
	uint64	   *ids[PGD_SIDES];
	Reader		reader = {.times = times};
	MemoryContext old = MemoryContextSwitchTo(times->context);

	for (int side = 0; side < PGD_SIDES; side++)
	{
		int			n;

		/* says what is wrong with the window, if anything */
		(void) pgd_window_seconds(windows[side]);
		n = pgd_window_ids(windows[side], &ids[side]);
		n = thin_out(windows[side], ids[side], n, max_windows);
		times->stretches.count[side] = n;
		times->batches[side] = Min(n, PGD_BATCHES_MAX);
	}
	reader.known = make_hash("pg_diagnose series", sizeof(PgdTimedKey),
							 sizeof(Known), times->context);
	for (int side = 0; side < PGD_SIDES; side++)
	{
		reader.side = side;
		read_side(&reader, ids[side], windows[side]->lower != 0);
	}
	MemoryContextSwitchTo(old);
}
