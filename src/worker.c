/*-------------------------------------------------------------------------
 *
 * worker.c
 *		The background worker: looks at all sessions, many times a second,
 *		takes a snapshot of what is known now and then, and keeps marks.
 *
 * It is connected to shared memory but to no database, so it stands in the
 * way of nothing: not of DROP DATABASE, not of a shutdown, and it works on a
 * standby.  It takes no lock that a statement could wait for.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xlog.h"
#include "common/pg_prng.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "storage/procsignal.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"

#include "compat.h"
#include "guc.h"
#include "markfile.h"
#include "sampler.h"
#include "samples.h"
#include "settings.h"
#include "snapshot.h"
#include "store.h"
#include "worker.h"

#define RESTART_TIME	10		/* seconds, should it fail */

/* Looks do not fall into step with what happens at regular times. */
#define JITTER			0.2

/*
 * A look stands for the time since the one before, but not if the machine, or
 * this process, was asleep meanwhile.
 */
#define LONGEST_GAP		20		/* intervals, or else a second */

/*
 * Marks are moved to their file at once, but not each of a flood of them; and
 * if that fails, which is logged, not so soon again.  Milliseconds.
 */
#define MARKS_MANY		16
#define MARKS_PAUSE		1000
#define MARKS_FAILED	60000

static uint64 marks_due = 0;	/* not before that, by pgd_clock() */
static uint64 look_due = 0;		/* when to look at sessions again */
static bool settings_changed = true;

PGDLLEXPORT void pgd_worker_main(Datum arg);

void
pgd_worker_register(void)
{
	BackgroundWorker worker = {
		.bgw_name = "pg_diagnose sampler",
		.bgw_type = "pg_diagnose sampler",
		.bgw_flags = BGWORKER_SHMEM_ACCESS,
		.bgw_start_time = BgWorkerStart_ConsistentState,
		.bgw_restart_time = RESTART_TIME,
		.bgw_library_name = "pg_diagnose",
		.bgw_function_name = "pgd_worker_main",
	};

	RegisterBackgroundWorker(&worker);
}

static void
leave(int code, Datum arg)
{
	pgd_marks_detach();
	pgd_samples_detach();
}

/* ----------
 * Marks
 * ----------
 */

/*
 * A standby that is none any more was promoted.
 */
static void
watch_recovery(void)
{
	bool		standby = RecoveryInProgress();
	PgdMark		mark;

	if (standby == pgd_marks_was_standby())
		return;
	pgd_marks_set_standby(standby);
	if (standby)
		return;
	pgd_mark_begin(&mark, PGD_MARK_PROMOTION);
	snprintf(mark.what, sizeof(mark.what), "timeline %u",
			 GetWALInsertionTimeLine());
	PGD_MARK_TEXT(&mark, detail, "a standby became a primary", -1);
	(void) pgd_marks_put(&mark);
}

/*
 * Move what is in the ring to the file.
 */
static void
keep_marks(MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	bool		ok = true;

	pgd_store_lock_archive();
	if (settings_changed)
	{
		settings_changed = false;
		pgd_settings_look();
	}
	else
		ok = pgd_markfile_drain(NULL, LOG);
	pgd_store_unlock_archive();

	marks_due = pgd_clock() +
		(uint64) (ok ? MARKS_PAUSE : MARKS_FAILED) * 1000000;
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
}

/* Milliseconds until then, or -1: there is nothing to keep. */
static long
marks_nap(void)
{
	uint64		now = pgd_clock();
	int			waiting = pgd_marks_waiting();

	if (settings_changed)
		return 0;
	if (waiting == 0)
		return -1;
	if (now >= marks_due ||
		(waiting >= MARKS_MANY &&
		 marks_due - now <= UINT64CONST(1000000) * MARKS_PAUSE))
		return 0;
	return (long) ((marks_due - now) / 1000000) + 1;
}

/* ----------
 * Looks
 * ----------
 */

/*
 * Milliseconds to the next look.
 */
static long
nap(void)
{
	double		factor = 1 - JITTER +
		2 * JITTER * pg_prng_double(&pg_global_prng_state);

	return Max(1L, (long) (pgd_sample_interval * factor + 0.5));
}

/*
 * The time that a look stands for.
 */
static uint64
time_since(uint64 before, uint64 now)
{
	uint64		interval = (uint64) pgd_sample_interval * 1000000;
	uint64		longest = Max(interval * LONGEST_GAP, UINT64CONST(1000000000));

	return before == 0 ? interval : Min(now - before, longest);
}

/*
 * Milliseconds to the next snapshot.
 */
static long
time_to_snapshot(uint64 taken, uint64 now)
{
	uint64		due = taken + (uint64) pgd_snapshot_interval * 1000000000;

	return taken == 0 || due <= now ? 0 : (long) ((due - now) / 1000000) + 1;
}

/*
 * Wait for the time to pass or for somebody to tell us something.
 */
static void
rest(uint64 snapshot_taken)
{
	int			events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	long		timeout = marks_nap();

	if (pgd_sample_interval > 0)
	{
		uint64		now = pgd_clock();
		long		look = look_due <= now ? 0 :
			(long) ((look_due - now) / 1000000) + 1;

		timeout = timeout < 0 ? look : Min(timeout, look);
	}
	if (pgd_snapshot_interval > 0)
	{
		long		snapshot = time_to_snapshot(snapshot_taken, pgd_clock());

		timeout = timeout < 0 ? snapshot : Min(timeout, snapshot);
	}
	if (timeout >= 0)
		events |= WL_TIMEOUT;
	(void) WaitLatch(MyLatch, events, timeout, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();

	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
		settings_changed = true;
		look_due = 0;
	}
}

/*
 * Take a snapshot.  What stands in its way is reported once, until it works
 * again.
 */
static void
take_snapshot(MemoryContext context)
{
	static bool reported = false;
	MemoryContext old = MemoryContextSwitchTo(context);

	reported = (pgd_snapshot_take(NULL, reported ? DEBUG1 : LOG) == 0);
	MemoryContextSwitchTo(old);
	MemoryContextReset(context);
}

void
pgd_worker_main(Datum arg)
{
	MemoryContext context;
	uint64		before = 0;
	uint64		snapshot_taken = 0;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, SignalHandlerForShutdownRequest);
	pqsignal(SIGUSR1, procsignal_sigusr1_handler);
	BackgroundWorkerUnblockSignals();

	pgd_sampler_start();
	before_shmem_exit(leave, (Datum) 0);
	pgd_samples_attach(MyProcPid);
	pgd_marks_attach(pgd_my_proc_number());
	context = AllocSetContextCreate(TopMemoryContext, "pg_diagnose files",
									ALLOCSET_DEFAULT_SIZES);

	for (;;)
	{
		rest(snapshot_taken);
		watch_recovery();
		/* what changed is known before the next snapshot says so */
		if (marks_nap() == 0 || ShutdownRequestPending)
			keep_marks(context);
		/* Not 0, which would mean that it never wants to be started again. */
		if (ShutdownRequestPending)
			proc_exit(1);
		if (pgd_snapshot_interval > 0 &&
			time_to_snapshot(snapshot_taken, pgd_clock()) == 0)
		{
			snapshot_taken = pgd_clock();
			take_snapshot(context);
		}
		/* a mark that wakes us up is no reason to look more often */
		if (pgd_sample_interval <= 0)
			before = 0;
		else if (pgd_clock() >= look_due)
		{
			uint64		now = pgd_clock();

			pgd_sampler_tick(time_since(before, now));
			before = now;
			look_due = now + (uint64) nap() * 1000000;
		}
	}
}
