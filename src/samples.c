/*-------------------------------------------------------------------------
 *
 * samples.c
 *		What is seen of sessions from outside: tables in shared memory.
 *
 * All of it is written by the background worker alone, bracketed by a change
 * count; readers copy a table and do so again if the count has changed.  The
 * one exception is the list of what is to be forgotten: whoever resets writes
 * it, readers leave out what it names, and the worker obeys and strikes it.
 *
 * A table is an array of small sets.  When a set is full, the row that was
 * seen least makes room: its numbers go to the row of its database that
 * stands for all such, so sums stay right.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/s_lock.h"
#include "storage/shmem.h"

#include "samples.h"

#define WAYS			8		/* rows in a set */
#define OTHERS			16		/* databases whose displaced rows are kept
								 * apart; the last stands for the rest */
#define FORGETS			16		/* resets that the worker has yet to obey */
#define READER_SPINS	1000	/* while the worker is writing */
#define READER_NAP		1000	/* microseconds, then all over again */

typedef struct PgdForget
{
	pg_atomic_uint32 pending;	/* serial of the request, 0: none */
	Oid			userid;
	Oid			dbid;
	uint64		queryid;
} PgdForget;

typedef struct PgdSamples
{
	uint32		changecount;	/* odd while the worker is writing */
	int32		pid;
	uint64		ticks;
	uint64		time;
	uint64		own_time;
	TimestampTz last_tick;
	uint64		displaced;
	uint32		forget_serial;
	PgdForget	forget[FORGETS];
} PgdSamples;

/* What a request says, as a reader takes it along. */
typedef struct ForgetCopy
{
	int			place;
	uint32		serial;
	Oid			userid;
	Oid			dbid;
	uint64		queryid;
} ForgetCopy;

/* Rows per table: statements times events; few tables have hot rows. */
static const int sets[PGD_SAMPLE_KINDS] = {128, 64, 16, 32};

volatile uint64 *pgd_lock_waits;	/* [nprocs] */

static PgdSamples *samples;
static PgdSample *tables[PGD_SAMPLE_KINDS];	/* [WAYS * sets + OTHERS] */
static int	nlock_waits;

static inline int
table_rows(PgdSampleKind kind)
{
	return sets[kind] * WAYS + OTHERS;
}

/* ----------
 * Start of the server
 * ----------
 */

/*
 * Find out the size and, given where to begin, the places.
 */
Size
pgd_samples_layout(char *base, int nprocs)
{
	Size		size = CACHELINEALIGN(sizeof(PgdSamples));

	samples = (PgdSamples *) base;
	nlock_waits = nprocs;
	pgd_lock_waits = (volatile uint64 *) (base + size);
	size += CACHELINEALIGN(mul_size(sizeof(uint64), nprocs));
	for (int kind = 0; kind < PGD_SAMPLE_KINDS; kind++)
	{
		tables[kind] = (PgdSample *) (base + size);
		size += CACHELINEALIGN(sizeof(PgdSample) * table_rows(kind));
	}
	return size;
}

void
pgd_samples_clear(void)
{
	memset(samples, 0, sizeof(PgdSamples));
	for (int i = 0; i < FORGETS; i++)
		pg_atomic_init_u32(&samples->forget[i].pending, 0);
	for (int i = 0; i < nlock_waits; i++)
		pgd_lock_waits[i] = 0;
	for (int kind = 0; kind < PGD_SAMPLE_KINDS; kind++)
		memset(tables[kind], 0, sizeof(PgdSample) * table_rows(kind));
}

/* ----------
 * The worker
 * ----------
 */

void
pgd_samples_attach(int pid)
{
	samples->pid = pid;
}

void
pgd_samples_detach(void)
{
	samples->pid = 0;
}

/*
 * Everything below is called between these two, which must not be left by an
 * error.
 */
void
pgd_samples_begin(void)
{
	samples->changecount++;
	pg_write_barrier();
}

void
pgd_samples_end(TimestampTz now, uint64 elapsed, uint64 own_time)
{
	samples->ticks++;
	samples->time += elapsed;
	samples->own_time += own_time;
	samples->last_tick = now;
	pg_write_barrier();
	samples->changecount++;
}

/*
 * The row that stands for all of a database that have none of their own.
 */
static PgdSample *
other_row(PgdSampleKind kind, Oid dbid)
{
	PgdSample  *others = &tables[kind][sets[kind] * WAYS];

	for (int i = 0; i < OTHERS - 1; i++)
	{
		if (others[i].samples == 0)
			others[i].key.dbid = dbid;
		if (others[i].key.dbid == dbid)
			return &others[i];
	}
	return &others[OTHERS - 1];
}

/*
 * Add the numbers of one row to those of another.
 */
static void
add_to(PgdSample *sum, const PgdSample *more)
{
	sum->samples += more->samples;
	sum->time += more->time;
	sum->max_time = Max(sum->max_time, more->max_time);
	sum->waits += more->waits;
	sum->max_depth = Max(sum->max_depth, more->max_depth);
	sum->deep_time += more->deep_time;
	sum->snapshot_time += more->snapshot_time;
	sum->max_snapshot_time = Max(sum->max_snapshot_time,
								 more->max_snapshot_time);
	sum->oldest_time += more->oldest_time;
	sum->max_age = Max(sum->max_age, more->max_age);
}

static void
make_room(PgdSampleKind kind, PgdSample *row)
{
	add_to(other_row(kind, row->key.dbid), row);
	samples->displaced++;
}

/*
 * The row of a key, new if there is none; the caller adds to its numbers, of
 * which "samples" must not stay 0.
 */
PgdSample *
pgd_samples_row(PgdSampleKind kind, const PgdSampleKey *key)
{
	uint32		hash = hash_bytes((const unsigned char *) key,
								  sizeof(PgdSampleKey));
	PgdSample  *set = &tables[kind][(hash % sets[kind]) * WAYS];
	PgdSample  *least = set;

	for (int i = 0; i < WAYS; i++)
	{
		if (set[i].samples > 0 &&
			memcmp(&set[i].key, key, sizeof(PgdSampleKey)) == 0)
			return &set[i];
		if (set[i].samples < least->samples)
			least = &set[i];
	}
	if (least->samples > 0)
		make_room(kind, least);
	memset(least, 0, sizeof(PgdSample));
	least->key = *key;
	return least;
}

/*
 * Put back what an earlier server saw.
 */
void
pgd_samples_restore(PgdSampleKind kind, const PgdSample *sample)
{
	const PgdSampleKey others = {.dbid = sample->key.dbid};

	if (sample->samples == 0)
		return;
	if (memcmp(&sample->key, &others, sizeof(others)) == 0)
		add_to(other_row(kind, sample->key.dbid), sample);
	else
		add_to(pgd_samples_row(kind, &sample->key), sample);
}

/* ----------
 * Forgetting
 * ----------
 */

static bool
is_everything(const ForgetCopy *forget)
{
	return !OidIsValid(forget->userid) && !OidIsValid(forget->dbid) &&
		forget->queryid == 0;
}

/*
 * Is a row to be forgotten?  A table's belongs to no statement, so it goes
 * with its database only; so do rows that stand for others.
 */
static bool
is_named(const PgdSampleKey *key, const ForgetCopy *forget)
{
	return (!OidIsValid(forget->dbid) || key->dbid == forget->dbid) &&
		(!OidIsValid(forget->userid) || key->userid == forget->userid) &&
		(forget->queryid == 0 || key->queryid == forget->queryid ||
		 key->blocker == forget->queryid);
}

/*
 * Take down what is to be forgotten; returns how many requests there are.
 */
static int
pending_forgets(ForgetCopy *copy)
{
	int			n = 0;

	for (int i = 0; i < FORGETS; i++)
	{
		PgdForget  *forget = &samples->forget[i];

		copy[n].serial = pg_atomic_read_u32(&forget->pending);
		if (copy[n].serial == 0)
			continue;
		pg_read_barrier();
		copy[n].place = i;
		copy[n].userid = forget->userid;
		copy[n].dbid = forget->dbid;
		copy[n].queryid = forget->queryid;
		n++;
	}
	return n;
}

/*
 * Ask for rows to be forgotten; InvalidOid or 0 stands for any.  From now on
 * nobody sees them.  The caller sees to it that only one does this at a time.
 */
void
pgd_samples_forget(Oid userid, Oid dbid, uint64 queryid)
{
	PgdForget  *forget = NULL;

	for (int i = 0; i < FORGETS && forget == NULL; i++)
	{
		if (pg_atomic_read_u32(&samples->forget[i].pending) == 0)
			forget = &samples->forget[i];
	}

	/*
	 * So many in one interval, or nobody is sampling: rather forget more than
	 * was asked for than show what should be forgotten.  Whoever reads this
	 * request while it becomes wider finds it between the two, and with a
	 * serial that is no longer its own, so the worker will come back to it.
	 */
	if (forget == NULL)
	{
		forget = &samples->forget[FORGETS - 1];
		userid = dbid = InvalidOid;
		queryid = 0;
	}
	forget->userid = userid;
	forget->dbid = dbid;
	forget->queryid = queryid;
	pg_write_barrier();
	if (++samples->forget_serial == 0)
		samples->forget_serial = 1;
	pg_atomic_write_u32(&forget->pending, samples->forget_serial);
}

/*
 * Obey, and strike what was obeyed.
 */
void
pgd_samples_obey(void)
{
	ForgetCopy	forgets[FORGETS];
	int			n = pending_forgets(forgets);

	if (n == 0)
		return;
	for (int kind = 0; kind < PGD_SAMPLE_KINDS; kind++)
	{
		for (int i = 0; i < table_rows(kind); i++)
		{
			PgdSample  *row = &tables[kind][i];

			for (int f = 0; f < n && row->samples > 0; f++)
			{
				if (is_named(&row->key, &forgets[f]))
					row->samples = 0;
			}
			if (row->samples == 0)
				memset(row, 0, sizeof(PgdSample));
		}
	}
	for (int f = 0; f < n; f++)
	{
		uint32		serial = forgets[f].serial;

		if (is_everything(&forgets[f]))
			samples->ticks = samples->time = samples->own_time =
				samples->displaced = 0;
		pg_atomic_compare_exchange_u32(&samples->forget[forgets[f].place].pending,
									   &serial, 0);
	}
}

/* ----------
 * Readers
 * ----------
 */

/*
 * Copy something, all as of one moment, and what is to be left out of it.
 */
static int
copy_calmly(void *into, const void *from, Size size, ForgetCopy *forgets)
{
	const volatile uint32 *changecount = &samples->changecount;

	for (;;)
	{
		for (int spin = 0; spin < READER_SPINS; spin++)
		{
			uint32		before = *changecount;
			int			n;

			if (before & 1)
			{
				SPIN_DELAY();
				continue;
			}
			pg_read_barrier();
			memcpy(into, from, size);
			n = pending_forgets(forgets);
			pg_read_barrier();
			if (before == *changecount)
				return n;
		}
		CHECK_FOR_INTERRUPTS();
		pg_usleep(READER_NAP);
	}
}

void
pgd_samples_read(PgdSampleKind kind, PgdSampleVisitor visit, void *arg)
{
	Size		size = sizeof(PgdSample) * table_rows(kind);
	PgdSample  *copy = palloc(size);
	ForgetCopy	forgets[FORGETS];
	int			n = copy_calmly(copy, tables[kind], size, forgets);

	for (int i = 0; i < table_rows(kind); i++)
	{
		bool		forgotten = (copy[i].samples == 0);

		for (int f = 0; f < n && !forgotten; f++)
			forgotten = is_named(&copy[i].key, &forgets[f]);
		if (!forgotten)
			visit(&copy[i], arg);
	}
	pfree(copy);
}

void
pgd_samples_status(PgdSampleStatus *status)
{
	PgdSamples	copy;
	ForgetCopy	forgets[FORGETS];
	int			n = copy_calmly(&copy, samples, sizeof(copy), forgets);

	memset(status, 0, sizeof(PgdSampleStatus));
	status->pid = copy.pid;
	status->last_tick = copy.last_tick;
	for (int f = 0; f < n; f++)
	{
		if (is_everything(&forgets[f]))
			return;
	}
	status->ticks = copy.ticks;
	status->time = copy.time;
	status->own_time = copy.own_time;
	status->displaced = copy.displaced;
}
