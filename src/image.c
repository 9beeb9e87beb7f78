/*-------------------------------------------------------------------------
 *
 * image.c
 *		All that the store knew at one moment, as bytes: how they are made.
 *
 * The body of an image is, for each section, its number, its length and its
 * records; a record is the length of the rest, a key and the rest.  The first
 * section has the names of all counters, so a library that counts more, or
 * less, reads what another one wrote.  Sections that are unknown are skipped.
 *
 * Times are relative to when counting began, and a statement that was not
 * executed between two images has the same bytes in both.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "closing.h"
#include "detectors.h"
#include "image.h"
#include "image_names.h"
#include "store.h"
#include "sums.h"

static void put_visited_statement(const PgdStatement *s, const char *text,
								  int len, void *arg);
static void put_evicted_rows(PgdImageWriter *writer);
static void put_stray(const PgdStrayError *error, void *arg);
static void put_session(const PgdSessionSum *s, void *arg);
static void put_visited_shape(const PgdShape *shape, void *arg);
static void put_samples(PgdImageWriter *writer);

/* ----------
 * Sections and records
 * ----------
 */

void
pgd_image_begin_section(PgdImageWriter *writer, PgdSection which)
{
	uint32		length = 0;

	pgd_put_number(&writer->body, which);
	/* known at its end, hence of a fixed size */
	appendBinaryStringInfo(&writer->body, (char *) &length, sizeof(length));
	writer->section_start = writer->body.len;
}

void
pgd_image_end_section(PgdImageWriter *writer)
{
	uint32		length = writer->body.len - writer->section_start;

	memcpy(writer->body.data + writer->section_start - sizeof(length),
		   &length, sizeof(length));
}

static void
put_record(PgdImageWriter *writer)
{
	pgd_put_text(&writer->body, writer->key.data, writer->key.len);
	pgd_put_text(&writer->body, writer->rest.data, writer->rest.len);
	resetStringInfo(&writer->key);
	resetStringInfo(&writer->rest);
}

/*
 * Begin with the names.
 */
void
pgd_image_begin(PgdImageWriter *writer, PgdSnapshotHeader *header)
{
	const char **detectors = palloc(sizeof(char *) * pgd_detector_count());

	for (int i = 0; i < pgd_detector_count(); i++)
		detectors[i] = pgd_detector(i)->name;

	writer->header = header;
	initStringInfo(&writer->body);
	initStringInfo(&writer->key);
	initStringInfo(&writer->rest);

	pgd_image_begin_section(writer, PGD_SECTION_NAMES);
	pgd_put_number(&writer->body, PGD_HISTOGRAM_BUCKETS);
	pgd_put_names(&writer->body, pgd_counter_names, PGD_COUNTERS);
	pgd_put_names(&writer->body, pgd_session_names, PGD_SESSION_COUNTERS);
	pgd_put_names(&writer->body, pgd_xact_names, PGD_XACT_COUNTERS);
	pgd_put_names(&writer->body, detectors, pgd_detector_count());
	pgd_put_number(&writer->body, PGD_STEP_COUNTERS);
	pgd_put_number(&writer->body, PGD_OBSERVATION_COUNTERS);
	pgd_image_end_section(writer);
	pfree(detectors);
}

/*
 * All of the store.  Other sections may follow.
 */
void
pgd_image_put_store(PgdImageWriter *writer)
{
	pgd_image_begin_section(writer, PGD_SECTION_STATEMENTS);
	pgd_store_read(put_visited_statement, writer);
	put_evicted_rows(writer);
	pgd_image_end_section(writer);

	pgd_image_begin_section(writer, PGD_SECTION_STRAYS);
	pgd_strays_read(put_stray, writer);
	pgd_image_end_section(writer);

	pgd_image_begin_section(writer, PGD_SECTION_SESSIONS);
	pgd_store_read_sessions(put_session, writer);
	pgd_image_end_section(writer);

	pgd_image_begin_section(writer, PGD_SECTION_SHAPES);
	pgd_closing_read(PGD_CLOSED, put_visited_shape, writer);
	pgd_image_end_section(writer);

	pgd_image_begin_section(writer, PGD_SECTION_OPEN_SHAPES);
	pgd_closing_read(PGD_OPEN, put_visited_shape, writer);
	pgd_image_end_section(writer);

	pgd_image_begin_section(writer, PGD_SECTION_SAMPLES);
	put_samples(writer);
	pgd_image_end_section(writer);
}

/* ----------
 * Statements
 * ----------
 */

/* 0, for never, stays apart from all others. */
static void
put_time(PgdImageWriter *writer, TimestampTz t)
{
	if (t == 0)
		pgd_put_number(&writer->rest, 0);
	else
	{
		pgd_put_number(&writer->rest, 1);
		pgd_put_signed(&writer->rest, t - writer->header->since);
	}
}

static void
put_errors(PgdImageWriter *writer, const PgdErrorCount *errors, int n)
{
	int			used = 0;

	for (int i = 0; i < n; i++)
		used += (errors[i].count != 0);
	pgd_put_number(&writer->rest, used);
	for (int i = 0; i < n; i++)
	{
		if (errors[i].count == 0)
			continue;
		/* the last one is for all others */
		pgd_put_number(&writer->rest,
					   i == n - 1 ? 0 : (uint32) errors[i].sqlstate);
		pgd_put_number(&writer->rest, errors[i].count);
	}
}

static void
put_plans(PgdImageWriter *writer, const PgdStatement *s)
{
	int			used = 0;

	for (int i = 0; i <= PGD_PLANS; i++)
		used += (s->plans[i].calls != 0);
	pgd_put_number(&writer->rest, used);
	for (int i = 0; i <= PGD_PLANS; i++)
	{
		const PgdPlanUse *plan = &s->plans[i];

		if (plan->calls == 0)
			continue;
		pgd_put_fixed64(&writer->rest, i == PGD_PLANS ? 0 : plan->shape);
		pgd_put_number(&writer->rest, plan->calls);
		pgd_put_number(&writer->rest, plan->total_time);
		pgd_put_number(&writer->rest, plan->max_time);
		put_time(writer, plan->last_seen);
	}
}

void
pgd_image_put_statement(PgdImageWriter *writer, const PgdStatement *s,
						const char *text, int len)
{
	writer->header->statements++;

	pgd_put_fixed64(&writer->key, s->key.queryid);
	pgd_put_number(&writer->key, s->key.dbid);
	pgd_put_number(&writer->key, s->key.userid);
	pgd_put_number(&writer->key, s->key.toplevel);

	pgd_put_fixed64(&writer->rest, s->fingerprint);
	pgd_put_number(&writer->rest, s->encoding);
	put_time(writer, s->since);
	put_time(writer, s->last_seen);
	pgd_put_counters(&writer->rest, (const uint64 *) &s->counters,
					 PGD_COUNTERS);
	put_errors(writer, s->errors, PGD_ERRORS + 1);
	put_plans(writer, s);
	pgd_put_histogram(&writer->rest, &s->histogram);
	pgd_put_text(&writer->rest, text, writer->with_texts ? len : 0);
	put_record(writer);
}

/*
 * Each partition has (evicted) rows of its own, but a key is for one record.
 */
static void
add_to_evicted_row(PgdImageWriter *writer, const PgdStatement *s)
{
	ListCell   *cell;
	PgdStatement *row;

	foreach(cell, writer->evicted)
	{
		row = lfirst(cell);
		if (row->key.dbid == s->key.dbid)
		{
			pgd_statement_add(row, s);
			return;
		}
	}
	row = palloc(sizeof(PgdStatement));
	*row = *s;
	writer->evicted = lappend(writer->evicted, row);
}

static void
put_evicted_rows(PgdImageWriter *writer)
{
	ListCell   *cell;

	foreach(cell, writer->evicted)
		pgd_image_put_statement(writer, lfirst(cell), "", 0);
	list_free_deep(writer->evicted);
	writer->evicted = NIL;
}

static void
put_visited_statement(const PgdStatement *s, const char *text, int len,
					  void *arg)
{
	PgdImageWriter *writer = arg;
	uint64		executions = s->counters.calls + s->counters.failed;

	writer->header->executions += executions;
	if (s->key.queryid == 0)
	{
		writer->header->evicted += executions;
		add_to_evicted_row(writer, s);
		return;
	}
	if (writer->visit != NULL && text != NULL)
		writer->visit(s, text, len, writer->arg);
	pgd_image_put_statement(writer, s, text != NULL ? text : "", len);
}

static void
put_stray(const PgdStrayError *error, void *arg)
{
	PgdImageWriter *writer = arg;

	pgd_put_number(&writer->key, error->dbid);
	pgd_put_number(&writer->key, (uint32) error->sqlstate);
	pgd_put_number(&writer->rest, error->count);
	put_record(writer);
}

/* ----------
 * Sessions, transactions, samples
 * ----------
 */

static void
put_session(const PgdSessionSum *s, void *arg)
{
	PgdImageWriter *writer = arg;

	pgd_put_number(&writer->key, s->key.dbid);
	pgd_put_number(&writer->key, s->key.userid);
	pgd_put_text(&writer->key, s->key.application,
				 strnlen(s->key.application, NAMEDATALEN));
	pgd_put_number(&writer->rest, s->open);
	pgd_put_counters(&writer->rest, (const uint64 *) &s->counters,
					 PGD_SESSION_COUNTERS);
	pgd_put_histogram(&writer->rest, &s->histogram);
	put_record(writer);
}

static void
put_tag(StringInfo out, const PgdTag *tag)
{
	const char *const texts[] = {
		tag->application, tag->route, tag->action, tag->controller,
		tag->framework, tag->traceparent
	};

	for (int i = 0; i < lengthof(texts); i++)
		pgd_put_text(out, texts[i], strlen(texts[i]));
}

static void
put_step(StringInfo out, const PgdStep *step)
{
	pgd_put_fixed64(out, step->fingerprint);
	pgd_put_fixed64(out, step->queryid);
	pgd_put_number(out, step->flags);
	pgd_put_number(out, step->relid);
	pgd_put_number(out, step->cycle);
	pgd_put_number(out, step->source);
	pgd_put_number(out, (uint32) step->sqlstate);
	pgd_put_counters(out, &step->calls, PGD_STEP_COUNTERS);
}

static void
put_observation(StringInfo out, const PgdObservation *o)
{
	pgd_put_number(out, o->detector - 1);
	pgd_put_number(out, o->position);
	pgd_put_number(out, o->parent);
	pgd_put_number(out, o->severity);
	pgd_put_number(out, o->object);
	pgd_put_number(out, o->other);
	pgd_put_counters(out, &o->occurrences, PGD_OBSERVATION_COUNTERS);
}

void
pgd_image_put_shape(PgdImageWriter *writer, const PgdShape *shape)
{
	const PgdShapeSums *s = &shape->sums;
	int			seen = 0;

	pgd_put_fixed64(&writer->key, s->key.shape);
	pgd_put_fixed64(&writer->key, s->key.tag);
	pgd_put_number(&writer->key, s->key.dbid);
	pgd_put_number(&writer->key, s->key.userid);
	pgd_put_number(&writer->key, s->key.kind);
	pgd_put_number(&writer->key, s->key.isolation);

	put_tag(&writer->rest, &s->tag);
	put_time(writer, s->since);
	put_time(writer, s->last_seen);
	pgd_put_number(&writer->rest, s->slowest);
	pgd_put_number(&writer->rest, s->dropped);
	pgd_put_counters(&writer->rest, (const uint64 *) &s->counters,
					 PGD_XACT_COUNTERS);
	put_errors(writer, s->errors, PGD_XACT_ERRORS + 1);
	for (int h = 0; h < PGD_XACT_HISTOGRAMS; h++)
		pgd_put_histogram(&writer->rest, &shape->histograms[h]);

	pgd_put_number(&writer->rest, s->nsteps);
	for (int i = 0; i < s->nsteps; i++)
		put_step(&writer->rest, &s->steps[i]);
	for (int i = 0; i < PGD_OBSERVATIONS; i++)
		seen += (s->observations[i].detector != 0);
	pgd_put_number(&writer->rest, seen);
	for (int i = 0; i < PGD_OBSERVATIONS; i++)
	{
		if (s->observations[i].detector != 0)
			put_observation(&writer->rest, &s->observations[i]);
	}
	put_record(writer);
}

static void
put_visited_shape(const PgdShape *shape, void *arg)
{
	pgd_image_put_shape(arg, shape);
}

typedef struct SampleArg
{
	PgdImageWriter *writer;
	PgdSampleKind kind;
} SampleArg;

static void
put_sample(const PgdSample *sample, void *arg)
{
	SampleArg  *to = arg;
	const PgdSampleKey *key = &sample->key;
	StringInfo	out = &to->writer->key;

	pgd_put_number(out, to->kind);
	pgd_put_number(out, key->dbid);
	pgd_put_number(out, key->userid);
	pgd_put_number(out, key->what);
	pgd_put_number(out, key->relid);
	pgd_put_fixed64(out, key->queryid);
	pgd_put_fixed64(out, key->blocker);
	pgd_put_number(out, key->blocker_userid);
	pgd_put_number(out, key->blocker_state);
	pgd_put_number(&to->writer->rest, PGD_SAMPLE_COUNTERS);
	pgd_put_counters(&to->writer->rest, &sample->samples,
					 PGD_SAMPLE_COUNTERS);
	put_record(to->writer);
}

static void
put_samples(PgdImageWriter *writer)
{
	for (int kind = 0; kind < PGD_SAMPLE_KINDS; kind++)
	{
		SampleArg	arg = {writer, kind};

		pgd_samples_read(kind, put_sample, &arg);
	}
}

/* ----------
 * A note
 * ----------
 */

void
pgd_image_put_note(PgdImageWriter *writer, const char *note, int len)
{
	pgd_image_begin_section(writer, PGD_SECTION_NOTE);
	pgd_put_text(&writer->body, note, len);
	pgd_image_end_section(writer);
}
