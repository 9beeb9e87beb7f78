/*-------------------------------------------------------------------------
 *
 * window_ends.c
 *		Both ends of a window, read.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "utils/memutils.h"

#include "archive.h"
#include "snapshot.h"
#include "snapshot_held.h"
#include "window_ends.h"

static void
open_image(uint64 id, PgdImage *image)
{
	PgdSnapshotHeader header;
	const char *problem;
	const char *body;

	if (id == 0)
	{
		pgd_snapshot_live(image);
		return;
	}
	if (id >= PGD_FIRST_HELD)
	{
		const PgdImage *held = pgd_held_image(id);

		if (held == NULL)
			pgd_window_report_absent(id, NULL);
		*image = *held;
		return;
	}
	body = pgd_archive_get_snapshot(NULL, id, &header, &problem);
	if (body == NULL)
		pgd_window_report_absent(id, problem);
	if (!pgd_image_open(image, &header, body))
		pgd_window_report_absent(id, "is damaged");
}

/*
 * Read both ends into memory of their own.  Visitors are called with that of
 * the caller.
 */
void
pgd_ends_open(const PgdWindow *window, PgdEnds *ends)
{
	ends->context = AllocSetContextCreate(CurrentMemoryContext,
										  "pg_diagnose window",
										  ALLOCSET_DEFAULT_SIZES);
	ends->outer = MemoryContextSwitchTo(ends->context);
	ends->has_lower = (window->lower != 0);
	if (ends->has_lower)
		open_image(window->lower, &ends->lower);
	open_image(window->upper, &ends->upper);
	if (ends->has_lower)
		pgd_window_check_ends(&ends->lower.header, &ends->upper.header);
	MemoryContextSwitchTo(ends->outer);
}

void
pgd_ends_close(PgdEnds *ends)
{
	MemoryContextDelete(ends->context);
}

void
pgd_ends_report_damaged(const PgdImage *image)
{
	pgd_window_report_absent(image->header.id, "is damaged");
}

void
pgd_ends_index(const PgdImage *image, PgdSection which, PgdIndex *index)
{
	if (!pgd_index_section(image, which, index))
		pgd_ends_report_damaged(image);
}

PgdIndex
pgd_ends_index_lower(const PgdEnds *ends, PgdSection which)
{
	PgdIndex	index = {0};

	if (ends->has_lower)
		pgd_ends_index(&ends->lower, which, &index);
	return index;
}
