/*-------------------------------------------------------------------------
 *
 * archive_thin.c
 *		Which snapshots go, so that the folder stays small.
 *
 * What is recent is looked at closely, what is old only from afar.  So all of
 * the last two hours are kept, one for each ten minutes of a day, each hour of
 * a week, each day of three months.  What was asked for by name stays until
 * it is dropped by number.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include <unistd.h>

#include "utils/timestamp.h"

#include "archive.h"
#include "guc.h"

#define MINUTES(n)		((int64) (n) * 60 * USECS_PER_SEC)
#define HOURS(n)		MINUTES((n) * 60)
#define DAYS(n)			HOURS((n) * 24)

/* Up to this age, one is kept of each stretch of that length. */
static const struct
{
	int64		age;
	int64		stretch;
}			keep[] =
{
	{HOURS(2), 0},
	{DAYS(1), MINUTES(10)},
	{DAYS(7), HOURS(1)},
	{DAYS(90), DAYS(1)},
};

/*
 * May it go at all?
 */
static bool
is_pinned(const PgdSnapshotFile *file, const uint64 *pinned, int npinned)
{
	if (file->problem == NULL &&
		file->header.kind != PGD_SNAPSHOT_AUTOMATIC)
		return true;
	for (int i = 0; i < npinned; i++)
	{
		if (pinned[i] == file->header.id)
			return true;
	}
	return false;
}

/*
 * Is there, of the same stretch, one that stays and is older?
 */
static bool
is_superfluous(const PgdSnapshotFile *file, const PgdSnapshotFile *older,
			   int64 age)
{
	for (int i = 0; i < lengthof(keep); i++)
	{
		if (age > keep[i].age)
			continue;
		return keep[i].stretch > 0 && older != NULL &&
			older->header.epoch == file->header.epoch &&
			older->header.taken_at / keep[i].stretch ==
			file->header.taken_at / keep[i].stretch;
	}
	return true;
}

/*
 * The time between two snapshots.  Within one run of the server it is that of
 * the clock that nobody sets: a wall clock that is wrong for a minute must not
 * make all of history look old.
 */
static int64
time_between(const PgdSnapshotHeader *from, const PgdSnapshotHeader *to)
{
	if (from->node == to->node && from->server_started == to->server_started &&
		from->monotonic <= to->monotonic)
		return (int64) ((to->monotonic - from->monotonic) / 1000);
	return Max(to->taken_at - from->taken_at, 0);
}

/*
 * How old each of them is.
 */
static int64 *
ages_of(const PgdSnapshotFile *files, int n, TimestampTz now)
{
	int64	   *ages = palloc(sizeof(int64) * n);
	const PgdSnapshotHeader *newer = NULL;
	int64		age = 0;

	for (int i = n - 1; i >= 0; i--)
	{
		const PgdSnapshotHeader *header = &files[i].header;

		ages[i] = Max(now - header->taken_at, 0);
		if (files[i].problem != NULL || header->node != pgd_archive_node() ||
			header->kind == PGD_SNAPSHOT_IMPORTED)
			continue;
		/* the clock was wrong now, or it was wrong then: rather keep it */
		if (newer != NULL)
			ages[i] = Min(ages[i], age + time_between(header, newer));
		age = ages[i];
		newer = header;
	}
	return ages;
}

/*
 * Remove what is superfluous, and then the oldest until the rest is no more
 * than pg_diagnose.snapshot_disk.  The newest stays.  Returns false if there
 * is still too much.  Those with a problem go when there is need of room, as
 * somebody may yet want to look at them.
 */
bool
pgd_archive_thin(TimestampTz now, const uint64 *pinned, int npinned)
{
	int			n;
	PgdSnapshotFile *files = pgd_archive_list(&n);
	int64	   *ages = ages_of(files, n, now);
	const PgdSnapshotFile *older = NULL;
	uint64		total = 0;
	uint64		limit = (uint64) pgd_snapshot_disk * 1024;

	for (int i = 0; i < n; i++)
	{
		PgdSnapshotFile *file = &files[i];

		if (file->problem == NULL && i < n - 1 &&
			!is_pinned(file, pinned, npinned))
		{
			if (is_superfluous(file, older, ages[i]) &&
				pgd_archive_drop(file->header.id))
				file->bytes = 0;
			else
				older = file;
		}
		total += file->bytes;
	}
	for (int i = 0; i < n - 1 && total > limit; i++)
	{
		if (files[i].bytes > 0 && !is_pinned(&files[i], pinned, npinned) &&
			pgd_archive_drop(files[i].header.id))
			total -= files[i].bytes;
	}
	pfree(ages);
	pfree(files);
	return total <= limit;
}
