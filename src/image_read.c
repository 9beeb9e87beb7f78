/*-------------------------------------------------------------------------
 *
 * image_read.c
 *		All that the store knew at one moment, as bytes: how they are read.
 *
 * The checksum is tested before anything is believed, and what is read is
 * still tested field by field: a file with a good checksum can come from a bad
 * program.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "utils/timestamp.h"

#include "detectors.h"
#include "image.h"
#include "image_names.h"

static uint32
get_uint32(PgdCursor *in, uint32 max)
{
	uint64		value = pgd_get_number(in);

	if (value > max)
		in->bad = true;
	return in->bad ? 0 : (uint32) value;
}

/*
 * A time that can be shown, or 0: none.
 */
static TimestampTz
get_time(PgdCursor *in, const PgdImage *image)
{
	TimestampTz t;

	if (pgd_get_number(in) == 0)
		return 0;
	t = (TimestampTz) ((uint64) image->header.since +
					   (uint64) pgd_get_signed(in));
	if (TIMESTAMP_NOT_FINITE(t) || !IS_VALID_TIMESTAMP(t))
		in->bad = true;
	return in->bad ? 0 : t;
}

/* ----------
 * Sections and records
 * ----------
 */

static bool
open_names(PgdImage *image)
{
	PgdCursor	in = image->sections[PGD_SECTION_NAMES];
	const char *detectors[PGD_DETECTORS_MAX];
	int			nsteps;
	int			nobservations;

	for (int i = 0; i < pgd_detector_count(); i++)
		detectors[i] = pgd_detector(i)->name;
	if (pgd_get_number(&in) != PGD_HISTOGRAM_BUCKETS ||
		!pgd_get_names(&in, pgd_counter_names, PGD_COUNTERS,
					   &image->statements) ||
		!pgd_get_names(&in, pgd_session_names, PGD_SESSION_COUNTERS,
					   &image->sessions) ||
		!pgd_get_names(&in, pgd_xact_names, PGD_XACT_COUNTERS,
					   &image->shapes) ||
		!pgd_get_names(&in, detectors, pgd_detector_count(),
					   &image->detectors))
		return false;
	nsteps = get_uint32(&in, PG_INT32_MAX);
	nobservations = get_uint32(&in, PG_INT32_MAX);
	image->knows_steps = (nsteps == PGD_STEP_COUNTERS &&
						  nobservations == PGD_OBSERVATION_COUNTERS);
	return !in.bad;
}

/*
 * Find the sections of an image, whose bytes must stay where they are.
 * Returns false if these are no image.
 */
bool
pgd_image_open(PgdImage *image, const PgdSnapshotHeader *header,
			   const char *body)
{
	PgdCursor	in = {body, body + header->body_size, false};

	memset(image, 0, sizeof(PgdImage));
	image->header = *header;
	while (in.next < in.end)
	{
		uint64		which = pgd_get_number(&in);
		uint32		length;

		if (in.bad || in.end - in.next < (ptrdiff_t) sizeof(length))
			return false;
		memcpy(&length, in.next, sizeof(length));
		in.next += sizeof(length);
		if (in.end - in.next < (ptrdiff_t) length)
			return false;
		if (which < PGD_SECTIONS)
		{
			image->sections[which].next = in.next;
			image->sections[which].end = in.next + length;
		}
		in.next += length;
	}
	return open_names(image);
}

/*
 * The next record; false at the end, or if something is wrong.
 */
bool
pgd_image_next(PgdCursor *section, PgdRecord *record)
{
	if (section->bad || section->next >= section->end)
		return false;
	record->key = pgd_get_part(section);
	record->rest = pgd_get_part(section);
	return !section->bad;
}

/* ----------
 * Statements
 * ----------
 */

/*
 * The last of n places is for all others.
 */
static void
get_errors(PgdCursor *in, PgdErrorCount *errors, int n)
{
	uint32		used = get_uint32(in, n);
	int			place = 0;

	for (; used > 0 && !in->bad; used--)
	{
		uint32		sqlstate = get_uint32(in, PG_UINT32_MAX);
		uint64		count = pgd_get_number(in);

		if (sqlstate == 0)
			errors[n - 1].count += count;
		else if (place == n - 1)
			in->bad = true;
		else
		{
			errors[place].sqlstate = (int32) sqlstate;
			errors[place++].count = count;
		}
	}
}

static void
get_plans(PgdCursor *in, const PgdImage *image, PgdStatement *s)
{
	uint32		used = get_uint32(in, PGD_PLANS + 1);
	int			place = 0;

	for (; used > 0 && !in->bad; used--)
	{
		uint64		shape = pgd_get_fixed64(in);
		PgdPlanUse *plan = &s->plans[shape == 0 ? PGD_PLANS : place++];

		if (shape != 0 && place > PGD_PLANS)
		{
			in->bad = true;
			return;
		}
		plan->shape = shape;
		plan->calls = pgd_get_number(in);
		plan->total_time = pgd_get_number(in);
		plan->max_time = pgd_get_number(in);
		plan->last_seen = get_time(in, image);
	}
}

bool
pgd_image_statement(const PgdImage *image, PgdRecord record,
					PgdStatement *s, const char **text, int *len)
{
	PgdCursor  *in = &record.rest;
	bool		evicted;

	memset(s, 0, sizeof(PgdStatement));
	s->key.queryid = pgd_get_fixed64(&record.key);
	s->key.dbid = get_uint32(&record.key, PG_UINT32_MAX);
	s->key.userid = get_uint32(&record.key, PG_UINT32_MAX);
	s->key.toplevel = get_uint32(&record.key, 1);

	s->fingerprint = pgd_get_fixed64(in);
	s->encoding = get_uint32(in, _PG_LAST_ENCODING_);
	s->since = get_time(in, image);
	s->last_seen = get_time(in, image);
	pgd_get_counters(in, &image->statements, (uint64 *) &s->counters);
	get_errors(in, s->errors, PGD_ERRORS + 1);
	get_plans(in, image, s);
	pgd_get_histogram(in, &s->histogram);
	*text = pgd_get_text(in, len);
	if (*len == 0)
		*text = NULL;

	evicted = (s->key.queryid == 0);
	return !record.key.bad && !in->bad && *len <= PGD_TEXT_MAX &&
		PG_VALID_ENCODING(s->encoding) &&
		evicted == (s->key.userid == InvalidOid) &&
		(!evicted || s->key.toplevel == 0);
}

bool
pgd_image_stray(PgdRecord record, PgdStrayError *error)
{
	error->dbid = get_uint32(&record.key, PG_UINT32_MAX);
	error->sqlstate = (int32) get_uint32(&record.key, PG_UINT32_MAX);
	error->count = pgd_get_number(&record.rest);
	return !record.key.bad && !record.rest.bad;
}

/* ----------
 * Sessions, transactions, samples
 * ----------
 */

static bool
is_timestamp(uint64 t)
{
	return !TIMESTAMP_NOT_FINITE((TimestampTz) t) &&
		IS_VALID_TIMESTAMP((TimestampTz) t);
}

bool
pgd_image_session(const PgdImage *image, PgdRecord record, PgdSessionSum *s)
{
	PgdCursor  *in = &record.rest;

	memset(s, 0, sizeof(PgdSessionSum));
	s->key.dbid = get_uint32(&record.key, PG_UINT32_MAX);
	s->key.userid = get_uint32(&record.key, PG_UINT32_MAX);
	pgd_get_chars(&record.key, s->key.application, NAMEDATALEN);
	s->in_use = true;
	s->open = get_uint32(in, PG_INT32_MAX);
	pgd_get_counters(in, &image->sessions, (uint64 *) &s->counters);
	pgd_get_histogram(in, &s->histogram);
	return !record.key.bad && !in->bad &&
		OidIsValid(s->key.dbid) == OidIsValid(s->key.userid) &&
		(OidIsValid(s->key.dbid) || s->key.application[0] == '\0') &&
		is_timestamp(s->counters.first_begin) &&
		is_timestamp(s->counters.last_begin);
}

static void
get_tag(PgdCursor *in, PgdTag *tag)
{
	pgd_get_chars(in, tag->application, sizeof(tag->application));
	pgd_get_chars(in, tag->route, sizeof(tag->route));
	pgd_get_chars(in, tag->action, sizeof(tag->action));
	pgd_get_chars(in, tag->controller, sizeof(tag->controller));
	pgd_get_chars(in, tag->framework, sizeof(tag->framework));
	pgd_get_chars(in, tag->traceparent, sizeof(tag->traceparent));
}

static void
get_step(PgdCursor *in, PgdStep *step)
{
	const PgdCounterMap all = {PGD_STEP_COUNTERS, NULL};

	step->fingerprint = pgd_get_fixed64(in);
	step->queryid = pgd_get_fixed64(in);
	step->flags = get_uint32(in, PG_UINT32_MAX);
	step->relid = get_uint32(in, PG_UINT32_MAX);
	step->cycle = get_uint32(in, PGD_STEPS);
	step->source = get_uint32(in, PGD_NOWHERE);
	step->sqlstate = (int32) get_uint32(in, PG_UINT32_MAX);
	pgd_get_counters(in, &all, &step->calls);
}

/*
 * What a detector saw that there is no more is left out.
 */
static void
get_observation(PgdCursor *in, const PgdImage *image, PgdShapeSums *s)
{
	const PgdCounterMap all = {PGD_OBSERVATION_COUNTERS, NULL};
	PgdObservation o = {0};
	uint32		detector = get_uint32(in, PG_INT32_MAX);

	o.position = get_uint32(in, PGD_NOWHERE);
	o.parent = get_uint32(in, PGD_NOWHERE);
	o.severity = get_uint32(in, PGD_CRITICAL);
	o.object = get_uint32(in, PG_UINT32_MAX);
	o.other = get_uint32(in, PG_UINT32_MAX);
	pgd_get_counters(in, &all, &o.occurrences);
	if (in->bad || detector >= (uint32) image->detectors.n)
		in->bad = true;
	else if (image->detectors.index[detector] >= 0)
	{
		o.detector = image->detectors.index[detector] + 1;
		pgd_shape_observe(s, &o);
	}
}

bool
pgd_image_shape(const PgdImage *image, PgdRecord record, PgdShape *shape)
{
	PgdCursor  *in = &record.rest;
	PgdShapeSums *s = &shape->sums;
	PgdShapeKey *key = &s->key;
	bool		rest;
	uint32		n;

	memset(shape, 0, sizeof(PgdShape));
	key->shape = pgd_get_fixed64(&record.key);
	key->tag = pgd_get_fixed64(&record.key);
	key->dbid = get_uint32(&record.key, PG_UINT32_MAX);
	key->userid = get_uint32(&record.key, PG_UINT32_MAX);
	key->kind = get_uint32(&record.key, PGD_XACT_BURST);
	key->isolation = get_uint32(&record.key, PG_INT32_MAX);

	get_tag(in, &s->tag);
	s->tag.hash = key->tag;
	s->since = get_time(in, image);
	s->last_seen = get_time(in, image);
	s->slowest = pgd_get_number(in);
	s->dropped = pgd_get_number(in);
	pgd_get_counters(in, &image->shapes, (uint64 *) &s->counters);
	get_errors(in, s->errors, PGD_XACT_ERRORS + 1);
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
		pgd_get_histogram(in, &shape->histograms[h]);

	/* positions of another library are of another form */
	if (image->knows_steps)
	{
		s->nsteps = get_uint32(in, PGD_STEPS);
		for (int i = 0; i < s->nsteps && !in->bad; i++)
			get_step(in, &s->steps[i]);
		n = get_uint32(in, PGD_OBSERVATIONS);
		for (; n > 0 && !in->bad; n--)
			get_observation(in, image, s);
	}

	rest = (key->shape == 0);
	return !record.key.bad && !in->bad && key->kind != PGD_XACT_NONE &&
		rest == (key->userid == InvalidOid) &&
		(!rest || (s->nsteps == 0 && key->tag == 0 && key->isolation == 0));
}

bool
pgd_image_sample(PgdRecord record, PgdSampleKind *kind, PgdSample *sample)
{
	const PgdCounterMap all = {PGD_SAMPLE_COUNTERS, NULL};
	PgdCursor  *in = &record.key;
	PgdSampleKey *key = &sample->key;

	memset(sample, 0, sizeof(PgdSample));
	*kind = get_uint32(in, PGD_SAMPLE_KINDS - 1);
	key->dbid = get_uint32(in, PG_UINT32_MAX);
	key->userid = get_uint32(in, PG_UINT32_MAX);
	key->what = get_uint32(in, PG_UINT32_MAX);
	key->relid = get_uint32(in, PG_UINT32_MAX);
	key->queryid = pgd_get_fixed64(in);
	key->blocker = pgd_get_fixed64(in);
	key->blocker_userid = get_uint32(in, PG_UINT32_MAX);
	key->blocker_state = get_uint32(in, PGD_HOLDER_STANDBY);
	if (pgd_get_number(&record.rest) != PGD_SAMPLE_COUNTERS)
		return false;
	pgd_get_counters(&record.rest, &all, &sample->samples);
	return !in->bad && !record.rest.bad;
}

/* ----------
 * A note
 * ----------
 */

/*
 * NULL if there is none.
 */
const char *
pgd_image_note(const PgdImage *image, int *len)
{
	PgdCursor	in = image->sections[PGD_SECTION_NOTE];
	const char *note = pgd_get_text(&in, len);

	return in.bad ? NULL : note;
}
