/*-------------------------------------------------------------------------
 *
 * image.h
 *		All that the store knew at one moment, as bytes.
 *
 * An image is made of sections, a section of records, and a record of a key
 * and a rest.  What is equal has equal bytes, so that two images can be
 * compared without being understood.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_IMAGE_H
#define PGD_IMAGE_H

#include "nodes/pg_list.h"

#include "archive.h"
#include "codec.h"
#include "samples.h"
#include "sessions.h"
#include "shapes.h"
#include "strays.h"

/* In the order in which they are written; a number is never used again. */
typedef enum PgdSection
{
	PGD_SECTION_NAMES,
	PGD_SECTION_STATEMENTS,
	PGD_SECTION_STRAYS,
	PGD_SECTION_SESSIONS,
	PGD_SECTION_SHAPES,			/* of what is over */
	PGD_SECTION_OPEN_SHAPES,	/* of bursts that were open, as if they ended */
	PGD_SECTION_SAMPLES,
	PGD_SECTION_NOTE,			/* of who imported it; see interchange.c */
	PGD_SECTIONS				/* how many */
} PgdSection;

/* One that is being made. */
typedef struct PgdImageWriter
{
	StringInfoData body;
	StringInfoData key;
	StringInfoData rest;
	PgdSnapshotHeader *header;	/* times are relative to its "since" */
	int			section_start;
	List	   *evicted;		/* of PgdStatement: rows to be put last */
	bool		with_texts;

	/* told of each statement with a text; may be NULL */
	PgdStatementVisitor visit;
	void	   *arg;
} PgdImageWriter;

/* One that is read. */
typedef struct PgdImage
{
	PgdSnapshotHeader header;
	PgdCursor	sections[PGD_SECTIONS];
	PgdCounterMap statements;
	PgdCounterMap sessions;
	PgdCounterMap shapes;
	PgdCounterMap detectors;	/* index: number in our list */
	bool		knows_steps;	/* positions and observations are like ours */
} PgdImage;

/* A record: its key, and what is said about that. */
typedef struct PgdRecord
{
	PgdCursor	key;
	PgdCursor	rest;
} PgdRecord;

PGD_BEGIN_INTERNAL

/* making one; the parts in the order of the sections */
extern void pgd_image_begin(PgdImageWriter *writer, PgdSnapshotHeader *header);
extern void pgd_image_begin_section(PgdImageWriter *writer, PgdSection which);
extern void pgd_image_end_section(PgdImageWriter *writer);
extern void pgd_image_put_statement(PgdImageWriter *writer,
									const PgdStatement *s,
									const char *text, int len);
extern void pgd_image_put_shape(PgdImageWriter *writer, const PgdShape *shape);
extern void pgd_image_put_note(PgdImageWriter *writer, const char *note,
							   int len);
extern void pgd_image_put_store(PgdImageWriter *writer);

/* reading one */
extern bool pgd_image_open(PgdImage *image, const PgdSnapshotHeader *header,
						   const char *body);
extern bool pgd_image_next(PgdCursor *section, PgdRecord *record);
extern bool pgd_image_statement(const PgdImage *image, PgdRecord record,
								PgdStatement *s, const char **text, int *len);
extern bool pgd_image_stray(PgdRecord record, PgdStrayError *error);
extern bool pgd_image_session(const PgdImage *image, PgdRecord record,
							  PgdSessionSum *s);
extern bool pgd_image_shape(const PgdImage *image, PgdRecord record,
							PgdShape *shape);
extern bool pgd_image_sample(PgdRecord record, PgdSampleKind *kind,
							 PgdSample *sample);
extern const char *pgd_image_note(const PgdImage *image, int *len);

PGD_END_INTERNAL

#endif							/* PGD_IMAGE_H */
