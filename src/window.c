/*-------------------------------------------------------------------------
 *
 * window.c
 *		What happened between two snapshots, or since one, or since the last
 *		reset.
 *
 * The ends of windows, and what makes two snapshots such.  Numbers of different
 * epochs, servers or major versions have nothing to do with each other; what
 * happened is in window_statements.c and window_sums.c.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "executor/executor.h"
#include "utils/timestamp.h"

#include "archive.h"
#include "snapshot.h"
#include "snapshot_held.h"
#include "store.h"
#include "window.h"

#define HINT_SNAPSHOTS	"The view diagnose.snapshots lists them."

/* ----------
 * Ends
 * ----------
 */

/*
 * The window that is an argument of a function.
 */
void
pgd_window_get(FunctionCallInfo fcinfo, int arg, PgdWindow *window)
{
	static const char *const names[] = {"lower", "upper"};
	uint64	   *const ends[] = {&window->lower, &window->upper};
	HeapTupleHeader tuple;

	/* not STRICT: no rows, without a word, would look like "nothing yet" */
	if (PG_ARGISNULL(arg))
		ereport(ERROR,
				(errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				 errmsg("window must not be null"),
				 errhint("Use diagnose.since_reset() for everything since the last reset.")));
	tuple = PG_GETARG_HEAPTUPLEHEADER(arg);

	for (int i = 0; i < lengthof(ends); i++)
	{
		bool		isnull;
		int64		id = DatumGetInt64(GetAttributeByName(tuple, names[i],
														  &isnull));

		*ends[i] = isnull ? 0 : (uint64) id;
		if (!isnull && id <= 0)
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_OBJECT),
					 errmsg("snapshot %lld does not exist", (long long) id),
					 errhint(HINT_SNAPSHOTS)));
	}
	if (window->upper != 0 && window->lower >= window->upper)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("window from snapshot %llu to snapshot %llu does not end after it begins",
						(unsigned long long) window->lower,
						(unsigned long long) window->upper),
				 errhint("Name the earlier end first.")));
}

void
pgd_window_report_absent(uint64 id, const char *problem)
{
	if (problem == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("snapshot %llu does not exist",
						(unsigned long long) id),
				 errhint(HINT_SNAPSHOTS)));
	ereport(ERROR,
			(errcode(ERRCODE_DATA_CORRUPTED),
			 errmsg("snapshot %llu %s", (unsigned long long) id, problem),
			 errhint("Choose another one. " HINT_SNAPSHOTS)));
}

/*
 * Returns false if there is no such snapshot, or it has a problem.
 */
static bool
find_header(uint64 id, PgdSnapshotHeader *header, const char **problem)
{
	const PgdImage *held;

	*problem = NULL;
	if (id == 0)
	{
		pgd_snapshot_describe(header);
		return true;
	}
	if (id < PGD_FIRST_HELD)
		return pgd_archive_get_header(id, header, problem);
	held = pgd_held_image(id);
	if (held != NULL)
		*header = held->header;
	return held != NULL;
}

static void
header_of(uint64 id, PgdSnapshotHeader *header)
{
	const char *problem;

	if (!find_header(id, header, &problem))
		pgd_window_report_absent(id, problem);
}

/*
 * What keeps two snapshots from being the ends of a window, or NULL.
 */
static char *
misfit(const PgdSnapshotHeader *lower, const PgdSnapshotHeader *upper)
{
	if (lower->kind == PGD_SNAPSHOT_IMPORTED ||
		upper->kind == PGD_SNAPSHOT_IMPORTED)
		return pstrdup("has an imported snapshot at one end; such a one is a window of its own");
	if (lower->node != upper->node)
		return pstrdup("has ends that different servers have taken");
	if (lower->server_version / 10000 != upper->server_version / 10000)
		return psprintf("crosses an upgrade from PostgreSQL %u to %u",
						lower->server_version / 10000,
						upper->server_version / 10000);
	if (lower->epoch != upper->epoch)
		return psprintf("crosses a reset, or a crash, at %s",
						timestamptz_to_str(upper->since));
	return NULL;
}

/*
 * Why a window cannot be read, for people, or NULL.
 */
char *
pgd_window_problem(const PgdWindow *window)
{
	PgdSnapshotHeader ends[2];
	uint64		ids[] = {window->lower, window->upper};
	char	   *problem;

	for (int i = 0; i < 2; i++)
	{
		const char *why;

		if (!find_header(ids[i], &ends[i], &why))
			return psprintf("snapshot %llu %s", (unsigned long long) ids[i],
							why != NULL ? why : "does not exist");
	}
	if (window->lower == 0)
		return NULL;
	problem = misfit(&ends[0], &ends[1]);
	return problem != NULL ? psprintf("the window %s", problem) : NULL;
}

void
pgd_window_check_ends(const PgdSnapshotHeader *lower, const PgdSnapshotHeader *upper)
{
	char	   *problem = misfit(lower, upper);

	if (problem == NULL)
		return;
	if (upper->id == 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("window from snapshot %llu to now %s",
						(unsigned long long) lower->id, problem),
				 errhint("Choose a later beginning. " HINT_SNAPSHOTS)));
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("window from snapshot %llu to snapshot %llu %s",
					(unsigned long long) lower->id,
					(unsigned long long) upper->id, problem),
			 errhint("Choose ends of one epoch. " HINT_SNAPSHOTS)));
}

/*
 * The time between two snapshots.  The wall clock may have been set in
 * between; the other one begins anew with the machine.
 */
static double
seconds_between(TimestampTz from, const PgdSnapshotHeader *lower,
				const PgdSnapshotHeader *upper)
{
	double		seconds = (double) (upper->taken_at - from) / USECS_PER_SEC;

	if (lower != NULL && lower->server_started == upper->server_started &&
		upper->monotonic > lower->monotonic)
		seconds = (double) (upper->monotonic - lower->monotonic) / 1e9;
	return Max(seconds, 1e-6);
}

double
pgd_window_seconds(const PgdWindow *window)
{
	PgdSnapshotHeader lower;
	PgdSnapshotHeader upper;

	header_of(window->upper, &upper);
	if (window->lower == 0)
		return seconds_between(upper.since, NULL, &upper);
	header_of(window->lower, &lower);
	pgd_window_check_ends(&lower, &upper);
	return seconds_between(lower.taken_at, &lower, &upper);
}

/*
 * The snapshots of a window in their order, with its ends: 0 in the last place
 * is the present, and the last reset is none.  Any two of them are the ends of
 * a window.  Returns how many there are.
 */
int
pgd_window_ids(const PgdWindow *window, uint64 **ids)
{
	PgdSnapshotHeader upper;
	int			nfiles;
	PgdSnapshotFile *files = pgd_archive_list(&nfiles);
	int			n = 0;

	header_of(window->upper, &upper);
	*ids = palloc(sizeof(uint64) * (nfiles + 1));
	for (int i = 0; i < nfiles; i++)
	{
		const PgdSnapshotHeader *header = &files[i].header;

		if (files[i].problem == NULL && header->id >= window->lower &&
			(window->upper == 0 || header->id < window->upper) &&
			header->epoch == upper.epoch && misfit(header, &upper) == NULL)
			(*ids)[n++] = header->id;
	}
	(*ids)[n++] = window->upper;
	pfree(files);
	return n;
}
