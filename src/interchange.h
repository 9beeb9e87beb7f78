/*-------------------------------------------------------------------------
 *
 * interchange.h
 *		What happened in a window as a document, and back.
 *
 * A document is jsonb in the form that README.md describes.  interchange_out.c
 * makes it; interchange_import.c reads it and trusts nothing, with
 * interchange_in.c for what is in it.  Here is what all have to agree about.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_INTERCHANGE_H
#define PGD_INTERCHANGE_H

#include "pg_diagnose.h"

#include "utils/jsonb.h"

#include "document.h"
#include "image.h"
#include "window.h"

#define PGD_DOCUMENT_FORMAT		1
#define PGD_DOCUMENT_STATEMENTS	100000	/* at most, and as many transactions */
#define PGD_DOCUMENT_FINDINGS	10000	/* at most */
#define PGD_DOCUMENT_SIZE		(64 * 1024 * 1024)	/* bytes, at most */

#define PGD_DOCUMENT_OTHER		"other" /* SQLSTATEs and shapes not kept apart */

/* A number of a struct, by its name in a document. */
typedef struct PgdField
{
	const char *name;
	size_t		offset;			/* in the struct */
	bool		is_time;
} PgdField;

/* A text of a tag, by its name in a document. */
typedef struct PgdTagField
{
	const char *name;
	size_t		offset;
	size_t		size;
} PgdTagField;

/* A document's part about one statement, by what it is called there. */
typedef void (*PgdStatementDocumentVisitor) (bool nested, uint64 fingerprint,
											 struct varlena *query,
											 Jsonb *document, void *arg);
typedef void (*PgdShapeDocumentVisitor) (struct varlena *key, Jsonb *document,
										 void *arg);
/* May the statements of this user be seen? */
typedef bool (*PgdMaySee) (Oid userid, void *arg);

/* the text of a histogram */
extern PGDLLEXPORT Datum pgd_histogram_out(PG_FUNCTION_ARGS);

/* A document that is being imported. */
typedef struct PgdImport
{
	bool		timings;
	Oid			userid;
	Oid			dbid;
	PgdIgnored	ignored;
	PgdImageWriter writer;
	PgdSnapshotHeader header;
} PgdImport;

PGD_BEGIN_INTERNAL

/* the last one has no name */
extern const PgdField pgd_statement_fields[];
extern const PgdField pgd_xact_fields[];
extern const PgdField pgd_step_fields[];
extern const PgdTagField pgd_tag_fields[];

extern const char *const pgd_isolation_names[4];
extern const char *const pgd_xact_histogram_names[PGD_XACT_HISTOGRAMS];

extern bool pgd_field_repeats(const PgdField *field);

extern void pgd_export_statements(const PgdWindow *window, bool timings,
									Oid dbid, PgdMaySee may_see,
									PgdStatementDocumentVisitor visit,
									void *arg);
extern void pgd_export_shapes(const PgdWindow *window, bool timings,
								Oid dbid, PgdMaySee may_see,
								PgdShapeDocumentVisitor visit, void *arg);
extern void pgd_import_statements(PgdImport *import, const PgdMember *at,
								  bool nested);
extern void pgd_import_unidentified(PgdImport *import, const PgdMember *at);
extern void pgd_import_shapes(PgdImport *import, const PgdMember *at);
extern uint64 pgd_import(Jsonb *document, Oid dbid, const char *label);
extern const char *pgd_import_note(const PgdWindow *window, int *len);

PGD_END_INTERNAL

/* Where the number of a field is. */
static inline uint64 *
pgd_field(const PgdField *field, void *of)
{
	return (uint64 *) ((char *) of + field->offset);
}

#endif							/* PGD_INTERCHANGE_H */
