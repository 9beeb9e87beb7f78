/*-------------------------------------------------------------------------
 *
 * marks.c
 *		The ring of marks in shared memory.
 *
 * Any process puts marks into it, also one that has just committed and may
 * neither fail nor wait.  So there is no lock.  Each place has a ticket: it is
 * the number of the mark that may be put there next, one more when that mark
 * is complete, and that of the next lap when it has been kept elsewhere.  A
 * process takes a number by a compare-and-exchange only if the place with that
 * ticket is free, so nobody overwrites what is not in the file yet, and
 * readers never see half of a mark.
 *
 * When the ring is full, because nobody empties it or because marks come in
 * faster than a disk takes them, new ones are dropped and counted: what led to
 * them is then known, and a flood does not wash away what was before it.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "storage/latch.h"
#include "storage/proc.h"
#include "storage/shmem.h"

#include "marks.h"

#define PLACES	64

typedef struct Place
{
	pg_atomic_uint64 ticket;
	PgdMark		mark;
} Place;

typedef struct PgdMarks
{
	uint64		first_id;		/* of number 0; set before there are others */
	pg_atomic_uint64 next;		/* number of the next mark to come in */
	pg_atomic_uint64 oldest;	/* and of the first not in the file yet */
	pg_atomic_uint64 dropped;
	pg_atomic_uint32 standby;	/* was the server one when last looked? */
	pg_atomic_uint32 emptier;	/* PGPROC of the background worker plus one */
	Place		places[PLACES];
} PgdMarks;

static PgdMarks *ring;

#define PLACE(number)	(&ring->places[(number) % PLACES])

/*
 * Find out the size and, given where to begin, the place.
 */
Size
pgd_marks_layout(char *base)
{
	ring = (PgdMarks *) base;
	return CACHELINEALIGN(sizeof(PgdMarks));
}

void
pgd_marks_clear(void)
{
	memset(ring, 0, sizeof(PgdMarks));
	ring->first_id = 1;
	pg_atomic_init_u64(&ring->next, 0);
	pg_atomic_init_u64(&ring->oldest, 0);
	pg_atomic_init_u64(&ring->dropped, 0);
	pg_atomic_init_u32(&ring->standby, 0);
	pg_atomic_init_u32(&ring->emptier, 0);
	for (int i = 0; i < PLACES; i++)
		pg_atomic_init_u64(&ring->places[i].ticket, i);
}

/*
 * Called by the postmaster before there are other processes.
 */
void
pgd_marks_start(uint64 first_id, bool standby)
{
	ring->first_id = first_id;
	pgd_marks_set_standby(standby);
}

/*
 * Copy a text to where there is room for so much, without cutting a character
 * in two; negative length: up to the zero.  Control characters become blanks,
 * as a mark is a line.
 */
void
pgd_mark_text(char *into, size_t size, const char *text, int len,
			  int encoding)
{
	size_t		n;

	if (len < 0)
		len = strlen(text);
	n = len < size ? len : pg_encoding_mbcliplen(encoding, text, len, size - 1);
	memcpy(into, text, n);
	into[n] = '\0';
	for (size_t i = 0; i < n; i++)
	{
		if ((unsigned char) into[i] < ' ')
			into[i] = ' ';
	}
	/* dots show that there was more */
	if (n < len && size > 64)
	{
		n = pg_encoding_mbcliplen(encoding, into, n, size - 4);
		memcpy(into + n, "...", 4);
	}
}

/*
 * Put a mark into the ring; sets its identifier, and returns it.  0: there was
 * no room.  Neither fails nor waits.
 */
uint64
pgd_marks_put(PgdMark *mark)
{
	uint64		number = pg_atomic_read_u64(&ring->next);
	uint32		emptier;

	for (;;)
	{
		uint64		ticket = pg_atomic_read_u64(&PLACE(number)->ticket);

		if (ticket == number)
		{
			/* on failure "number" is what it should have been */
			if (pg_atomic_compare_exchange_u64(&ring->next, &number,
											   number + 1))
				break;
		}
		else if (ticket < number)
		{
			pg_atomic_fetch_add_u64(&ring->dropped, 1);
			return 0;
		}
		else
			number = pg_atomic_read_u64(&ring->next);
	}

	mark->id = ring->first_id + number;
	PLACE(number)->mark = *mark;
	pg_write_barrier();
	pg_atomic_write_u64(&PLACE(number)->ticket, number + 1);

	emptier = pg_atomic_read_u32(&ring->emptier);
	if (emptier != 0)
		SetLatch(&ProcGlobal->allProcs[emptier - 1].procLatch);
	return mark->id;
}

/*
 * Visit all marks of the ring, the oldest first, up to one that is not
 * complete.  Returns how many.
 *
 * What is moved to the file meanwhile may be seen or not.  So who reads both
 * reads the ring first: then nothing is missing, and what is in both can be
 * told by its identifier.
 */
int
pgd_marks_read(PgdMarkVisitor visit, void *arg)
{
	uint64		oldest = pg_atomic_read_u64(&ring->oldest);
	int			n;

	for (n = 0; n < PLACES; n++)
	{
		Place	   *place = PLACE(oldest + n);
		uint64		complete = oldest + n + 1;
		uint64		ticket = pg_atomic_read_u64(&place->ticket);
		PgdMark		mark;

		if (ticket < complete)
			break;
		pg_read_barrier();
		mark = place->mark;
		pg_read_barrier();
		/* it may have been moved since */
		if (ticket != complete ||
			pg_atomic_read_u64(&place->ticket) != complete)
			continue;
		visit(&mark, arg);
	}
	return n;
}

/*
 * The oldest so many are in the file now.  Only for who holds the lock of the
 * archive, so there is one at a time.
 */
void
pgd_marks_free(int n)
{
	for (int i = 0; i < n; i++)
	{
		uint64		oldest = pg_atomic_read_u64(&ring->oldest);

		pg_atomic_write_u64(&ring->oldest, oldest + 1);
		pg_write_barrier();
		pg_atomic_write_u64(&PLACE(oldest)->ticket, oldest + PLACES);
	}
}

/* How many are not in the file yet. */
int
pgd_marks_waiting(void)
{
	uint64		oldest = pg_atomic_read_u64(&ring->oldest);

	return (int) (pg_atomic_read_u64(&ring->next) - oldest);
}

/* Marks that found no room since the server started. */
uint64
pgd_marks_dropped(void)
{
	return pg_atomic_read_u64(&ring->dropped);
}

/* ----------
 * The background worker
 * ----------
 */

/* From now on it is told when there is something. */
void
pgd_marks_attach(int procno)
{
	pg_atomic_write_u32(&ring->emptier, procno + 1);
}

void
pgd_marks_detach(void)
{
	pg_atomic_write_u32(&ring->emptier, 0);
}

bool
pgd_marks_was_standby(void)
{
	return pg_atomic_read_u32(&ring->standby) != 0;
}

void
pgd_marks_set_standby(bool standby)
{
	pg_atomic_write_u32(&ring->standby, standby);
}
