/*-------------------------------------------------------------------------
 *
 * advise_gather.c
 *		The statements of a window, and what is known of them.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/hsearch.h"
#include "utils/memutils.h"

#include "advise.h"
#include "compat.h"
#include "guc.h"
#include "store.h"
#include "text.h"

#define STATEMENTS_MAX	1000	/* those that take most time */

/* A statement of this database that the caller may see. */
typedef struct Known
{
	PgdLoad		load;			/* its queryid is the key */
	PgdEvidence *evidence;		/* of the user who has shown most, or NULL */
	PgdExampleBytes examples[PGD_EVIDENCE_EXAMPLES];
	int			nexamples;
} Known;

typedef struct Gathering
{
	Oid			userid;			/* who asks */
	bool		reads_all;		/* and may see the statements of others */
	HTAB	   *known;
	double		total_time;
} Gathering;

static void add_load(const PgdStatement *statement, const char *text, int len,
					 void *arg);
static void add_evidence(const PgdEvidence *evidence,
						 const PgdExampleBytes *examples, int nexamples,
						 void *arg);
static void add_plan(PgdLoad *load, const PgdPlanUse *more);
static void add_statements(PgdAdvice *advice, HTAB *known);

/*
 * Begin advice for the statements of this database in a window, as far as
 * somebody may see them.
 */
void
pgd_advise_gather(PgdAdvice *advice, const PgdWindow *window, Oid userid,
				  bool reads_all)
{
	Gathering	gathering = {0};
	HASHCTL		ctl = {0};

	ctl.keysize = sizeof(uint64);
	ctl.entrysize = sizeof(Known);
	ctl.hcxt = CurrentMemoryContext;
	gathering.userid = userid;
	gathering.reads_all = reads_all;
	gathering.known = hash_create("pg_diagnose advice", 256, &ctl,
								  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	pgd_window_statements(window, add_load, &gathering);
	pgd_store_read_evidence(add_evidence, &gathering);

	advice->context = AllocSetContextCreate(CurrentMemoryContext,
											"pg_diagnose advice",
											ALLOCSET_DEFAULT_SIZES);
	advice->scratch = AllocSetContextCreate(CurrentMemoryContext,
											"pg_diagnose planning",
											ALLOCSET_DEFAULT_SIZES);
	advice->total_time = gathering.total_time;
	advice->begin = pgd_clock();
	pgd_advise_allow(advice, 1);
	advice->statements = MemoryContextAlloc(advice->context,
											sizeof(PgdAdvised *));
	advice->max_indexes = 64;
	advice->indexes = MemoryContextAlloc(advice->context,
										 sizeof(PgdAdvisedIndex *) *
										 advice->max_indexes);
	add_statements(advice, gathering.known);
	hash_destroy(gathering.known);
}

/*
 * What comes now may take until this share of the time there is has passed.
 */
void
pgd_advise_allow(PgdAdvice *advice, double share)
{
	advice->deadline = advice->begin +
		(uint64) (share * pgd_threshold.missing_index_max_time * 1e6);
}

static bool
may_see(const Gathering *gathering, Oid userid)
{
	return gathering->reads_all || userid == gathering->userid;
}

static void
add_load(const PgdStatement *statement, const char *text, int len, void *arg)
{
	Gathering  *gathering = arg;
	double		time = (statement->counters.total_exec_time +
						statement->counters.failed_time) / 1e6;
	Known	   *known;
	bool		found;

	/* what asks for advice needs none, and is not what the database is for */
	if (statement->key.dbid != MyDatabaseId ||
		(len > 0 && pgd_text_is_own(text, 0, len)))
		return;
	if (statement->key.toplevel)
		gathering->total_time += time;
	if (statement->key.queryid == 0 ||
		!may_see(gathering, statement->key.userid))
		return;
	known = hash_search(gathering->known, &statement->key.queryid, HASH_ENTER,
						&found);
	if (!found)
	{
		memset(known, 0, sizeof(Known));
		known->load.queryid = statement->key.queryid;
	}
	known->load.calls += statement->counters.calls + statement->counters.failed;
	known->load.time += time;
	known->load.rows += statement->counters.rows;
	for (int i = 0; i < PGD_PLANS + 1; i++)
		add_plan(&known->load, &statement->plans[i]);
}

static void
add_plan(PgdLoad *load, const PgdPlanUse *more)
{
	PgdPlanUse *plan = load->plans;

	if (more->calls == 0)
		return;
	for (int i = 0; i < load->nplans && plan->shape != more->shape; i++)
		plan++;
	if (plan == load->plans + load->nplans)
	{
		if (load->nplans == PGD_LOAD_PLANS)
			return;
		load->nplans++;
		*plan = *more;
		return;
	}
	plan->calls += more->calls;
	plan->total_time += more->total_time;
	plan->last_seen = Max(plan->last_seen, more->last_seen);
}

/* Of several users' evidence, that of him who has shown most. */
static void
add_evidence(const PgdEvidence *evidence, const PgdExampleBytes *examples,
			 int nexamples, void *arg)
{
	Gathering  *gathering = arg;
	Known	   *known;

	if (evidence->key.dbid != MyDatabaseId ||
		!may_see(gathering, evidence->key.userid))
		return;
	known = hash_search(gathering->known, &evidence->key.queryid, HASH_FIND,
						NULL);
	if (known == NULL ||
		(known->evidence != NULL &&
		 (known->nexamples > nexamples ||
		  (known->nexamples == nexamples &&
		   known->evidence->executions >= evidence->executions))))
		return;
	if (known->evidence == NULL)
		known->evidence = palloc(sizeof(PgdEvidence));
	*known->evidence = *evidence;
	known->nexamples = nexamples;
	for (int i = 0; i < nexamples; i++)
	{
		char	   *data = palloc(examples[i].len);

		memcpy(data, examples[i].data, examples[i].len);
		known->examples[i].data = data;
		known->examples[i].len = examples[i].len;
	}
}

static int
by_time(const void *a, const void *b)
{
	const Known *x = *(Known *const *) a;
	const Known *y = *(Known *const *) b;

	if (x->load.time != y->load.time)
		return x->load.time > y->load.time ? -1 : 1;
	return x->load.queryid < y->load.queryid ? -1 : 1;
}

static void
add_statements(PgdAdvice *advice, HTAB *hash)
{
	long		n = hash_get_num_entries(hash);
	Known	  **all = palloc(sizeof(Known *) * Max(n, 1));
	HASH_SEQ_STATUS seq;
	Known	   *known;

	n = 0;
	hash_seq_init(&seq, hash);
	while ((known = hash_seq_search(&seq)) != NULL)
	{
		if (known->evidence != NULL)
			all[n++] = known;
	}
	qsort(all, n, sizeof(Known *), by_time);
	for (long i = 0; i < Min(n, STATEMENTS_MAX); i++)
		pgd_advise_add_statement(advice, &all[i]->load, all[i]->evidence,
								 all[i]->examples, all[i]->nexamples);
}
