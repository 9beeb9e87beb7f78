/*-------------------------------------------------------------------------
 *
 * document.h
 *		Reading jsonb that is not to be trusted: members, values, and
 *		complaints that name the place.
 *
 *-------------------------------------------------------------------------
 */
#ifndef PGD_DOCUMENT_H
#define PGD_DOCUMENT_H

#include "pg_diagnose.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* Where we are in the document. */
typedef struct PgdPath
{
	const struct PgdPath *up;		/* NULL: the document is what it is in */
	const char *name;
	int			len;
	int			index;			/* in an array, if there is no name */
} PgdPath;

/* A member of an object, or an element of an array. */
typedef struct PgdMember
{
	PgdPath		path;
	JsonbValue	value;
} PgdMember;

typedef struct PgdMembers
{
	const PgdPath *path;
	JsonbIterator *iterator;
	int			n;
} PgdMembers;

/* Names of members that are not known. */
typedef struct PgdIgnored
{
	MemoryContext context;
	List	   *names;
} PgdIgnored;

#define PGD_INVALID(path, ...) \
	pgd_malformed(path, ERRCODE_INVALID_PARAMETER_VALUE, psprintf(__VA_ARGS__))
#define PGD_UNREADABLE(path, ...) \
	pgd_malformed(path, ERRCODE_INVALID_TEXT_REPRESENTATION, psprintf(__VA_ARGS__))

PGD_BEGIN_INTERNAL

extern void pgd_malformed(const PgdPath *path, int sqlerrcode,
						  const char *what);

extern void pgd_ignore(PgdIgnored *ignored, const PgdMember *m);
extern void pgd_report_ignored(const PgdIgnored *ignored);

extern void pgd_open_members(PgdMembers *members, const PgdPath *path,
							 const JsonbValue *v, bool is_array);
extern bool pgd_next_member(PgdMembers *members, PgdMember *m);
extern bool pgd_is_named(const PgdMember *m, const char *name);

extern uint64 pgd_get_json_number(const PgdMember *m, int decimals,
								  uint64 max);
extern uint64 pgd_get_json_count(const PgdMember *m);
extern uint32 pgd_get_json_choice(const PgdMember *m, const char *const *names,
								  int n);
extern bool pgd_get_json_bool(const PgdMember *m);
extern char *pgd_get_json_string(const PgdMember *m, int max);
extern void pgd_get_json_histogram(const PgdMember *m,
								   PgdHistogram *histogram);
extern uint64 pgd_parse_id(const PgdPath *path, const char *text, int len);
extern int32 pgd_parse_sqlstate(const PgdPath *path, const char *text,
								int len);

PGD_END_INTERNAL

/* the text of a histogram */
extern PGDLLEXPORT Datum pgd_histogram_in(PG_FUNCTION_ARGS);

#endif							/* PGD_DOCUMENT_H */
