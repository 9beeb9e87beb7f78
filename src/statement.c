/*-------------------------------------------------------------------------
 *
 * statement.c
 *		One executed statement becomes numbers.
 *
 * Who, where and how deeply nested is decided when an execution begins: at
 * its end, with cursors, another role may be in charge, and another level.
 * An execution that is new to this backend is registered, with its text, when
 * it begins, because if it fails there may be no memory left to do so.
 *
 * The numbers are those that pg_stat_statements takes, from the same
 * instrumentation, so that the two agree.
 *
 *-------------------------------------------------------------------------
 */
#include "postgres.h"

#include "access/xact.h"
#include "executor/executor.h"
#include "jit/jit.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/memutils.h"

#include "compat.h"
#include "guc.h"
#include "plan.h"
#include "statement.h"
#include "text.h"

#define MERGE_INTERVAL	(10 * USECS_PER_SEC)
#define POOL_SIZE		64
#define SLOW			10		/* times as long as usual, */
#define SLOW_TIME		UINT64CONST(10000000)	/* and so many nanoseconds */

int			pgd_nesting = 0;
PgdExecution *pgd_executions = NULL;

/*
 * Executions nested or open at the same time are few; more than these are
 * allocated beside their query.
 */
static PgdExecution pool[POOL_SIZE];
static int	pool_used = 0;		/* of the pool have ever been used */
static PgdExecution *pool_free = NULL;	/* those not in use any more */

static inline void
set_place(PgdExecution *execution, PgdPending *pending)
{
	execution->pending = pending;
	execution->serial = pending->serial;
}

/*
 * Look for the place of a statement; false if it has none.
 */
static inline bool
find(PgdExecution *execution)
{
	PgdPending *pending = pgd_pending_find(&execution->key, execution->tag,
										   execution->plan);

	execution->pending = pending;
	if (unlikely(pending == NULL))
		return false;
	execution->serial = pending->serial;
	return true;
}

static inline PgdExecution *execution_take(void);
static inline void unlink_execution(PgdExecution *execution);
static inline void set_key(PgdExecution *execution, uint64 queryid);
static void register_statement(PgdExecution *execution, Node *stmt,
							   const char *source, int location, int len);
static inline PgdPending *place(PgdExecution *execution);
static PgdPending *find_place(PgdExecution *execution);
static pg_attribute_always_inline void count_call(PgdExecution *execution,
												  uint64 time, uint64 rows,
												  const BufferUsage *buffers,
												  const WalUsage *wal,
												  EState *estate);
static inline void add_buffers(PgdCounters *c, const BufferUsage *b);
static inline void add_estate(PgdCounters *c, EState *estate);
static void count_failure(PgdExecution *execution, int sqlstate, bool nested,
						  uint64 time, const BufferUsage *buffers);

/* ----------
 * Optimizable statements
 * ----------
 */

/*
 * Before ExecutorStart.  NULL if the statement is not to be captured.
 */
PgdExecution *
pgd_statement_begin(QueryDesc *queryDesc)
{
	const PlannedStmt *stmt = queryDesc->plannedstmt;
	PgdExecution *execution = execution_take();

	if (execution == NULL)
	{
		pgd_store_count_uncaptured();
		return NULL;
	}

	execution->query = queryDesc;
	execution->plan = pgd_plan_shape(stmt);
	execution->rows = 0;
	execution->running = false;
	execution->counted = false;
	execution->instrumented = false;
	execution->traits = NULL;
	execution->transcribed = true;
	execution->registered = true;
	set_key(execution, (uint64) stmt->queryId);

	if (unlikely(!find(execution) || !execution->pending->registered))
		register_statement(execution, (Node *) unconstify(PlannedStmt *, stmt),
						   queryDesc->sourceText,
						   stmt->stmt_location, stmt->stmt_len);

	execution->outer = pgd_executions;
	pgd_executions = execution;
	return execution;
}

/*
 * Before ExecutorEnd: the execution completed.
 */
void
pgd_statement_end(PgdExecution *execution)
{
	QueryDesc  *queryDesc = execution->query;
	Instrumentation *instr = queryDesc->totaltime;

	if (execution->counted || instr == NULL || pgd_slot == NULL)
		return;
	execution->counted = true;

	/* the table was busy before, or was reset since */
	if (unlikely(!place(execution)->registered))
		register_statement(execution, (Node *) queryDesc->plannedstmt,
						   queryDesc->sourceText,
						   queryDesc->plannedstmt->stmt_location,
						   queryDesc->plannedstmt->stmt_len);

	execution->time = pgd_instr_total(instr);
	execution->rows = pgd_rows_total(queryDesc, execution->rows);
	count_call(execution, execution->time, execution->rows,
			   &instr->bufusage, &instr->walusage, queryDesc->estate);

	if (unlikely(execution->pending->last_seen - pgd_slot->merged_at >
				 MERGE_INTERVAL))
		pgd_pending_merge_all();
}

/*
 * Get an execution to fill.  NULL if out of memory.
 */
static inline PgdExecution *
execution_take(void)
{
	PgdExecution *execution = pool_free;

	if (likely(execution != NULL))
		pool_free = execution->outer;
	else if (pool_used < POOL_SIZE)
		execution = &pool[pool_used++];
	else
		execution = palloc_extended(sizeof(PgdExecution), MCXT_ALLOC_NO_OOM);
	return execution;
}

/*
 * The execution is over: ExecutorStart failed, or its memory context goes
 * away, after ExecutorEnd or, when there is none, with its (sub)transaction.
 * Not counted until now, it was a portal that nobody fetched to its end
 * before a rollback.
 */
void
pgd_statement_release(void *arg)
{
	PgdExecution *execution = arg;

	if (unlikely(!execution->counted) && pgd_slot != NULL)
	{
		PgdPending *pending = place(execution);

		pgd_slot_begin_change(pgd_slot);
		pending->counters.abandoned++;
		pgd_slot_end_change(pgd_slot);
	}

	unlink_execution(execution);
	if (likely(execution >= pool && execution < pool + POOL_SIZE))
	{
		execution->outer = pool_free;
		pool_free = execution;
	}
	else
		pfree(execution);
}

static inline void
unlink_execution(PgdExecution *execution)
{
	PgdExecution **link = &pgd_executions;

	while (*link != NULL && *link != execution)
		link = &(*link)->outer;
	if (*link != NULL)
		*link = execution->outer;
}

/* ----------
 * Utility statements
 * ----------
 */

void
pgd_utility_begin(PgdExecution *execution, PlannedStmt *pstmt,
				  const char *source)
{
	execution->query = NULL;
	execution->plan = 0;
	execution->running = true;
	execution->counted = false;
	execution->traits = NULL;
	execution->transcribed = true;
	set_key(execution, (uint64) pstmt->queryId);

	execution->registered = true;
	if (unlikely(!find(execution) || !execution->pending->registered))
		register_statement(execution, (Node *) pstmt, source,
						   pstmt->stmt_location, pstmt->stmt_len);

	execution->outer = pgd_executions;
	pgd_executions = execution;

	execution->buffers = pgBufferUsage;
	execution->wal = pgWalUsage;
	execution->start = pgd_clock();
}

/*
 * The utility statement completed.  It may have ended the transaction, so
 * nothing but the execution itself can be looked at here.
 */
void
pgd_utility_end(PgdExecution *execution, uint64 rows)
{
	uint64		time = pgd_clock() - execution->start;
	BufferUsage buffers = {0};
	WalUsage	wal = {0};

	execution->counted = true;
	execution->time = time;
	execution->rows = rows;
	if (pgd_slot == NULL)
		return;
	BufferUsageAccumDiff(&buffers, &pgBufferUsage, &execution->buffers);
	WalUsageAccumDiff(&wal, &pgWalUsage, &execution->wal);
	(void) place(execution);
	count_call(execution, time, rows, &buffers, &wal, NULL);
}

/*
 * The utility statement is over, with or without an error.
 */
void
pgd_utility_leave(PgdExecution *execution)
{
	execution->running = false;
	unlink_execution(execution);
}

/*
 * One that is not captured, but is part of a transaction.
 */
void
pgd_utility_uncaptured(PgdExecution *execution, const PlannedStmt *pstmt)
{
	execution->query = NULL;
	execution->plan = 0;
	execution->traits = NULL;
	set_key(execution, (uint64) pstmt->queryId);
	execution->start = pgd_clock();
}

void
pgd_utility_time(PgdExecution *execution, uint64 rows)
{
	execution->time = pgd_clock() - execution->start;
	execution->rows = rows;
}

/* ----------
 * Planning
 * ----------
 */

/*
 * Which statement is it?
 */
void
pgd_planning_identify(PgdExecution *execution, const Query *parse)
{
	set_key(execution, (uint64) parse->queryId);
}

/*
 * Before planning, identified.  The execution only carries what planning has
 * to say; it is not among pgd_executions.
 */
void
pgd_planning_begin(PgdExecution *execution, Query *parse, const char *source)
{
	execution->query = NULL;
	execution->plan = 0;
	execution->pending = NULL;
	execution->counted = false;
	execution->traits = NULL;
	execution->transcribed = true;
	execution->registered = true;

	if (!pgd_pending_known(&execution->key, execution->tag))
	{
		register_statement(execution, (Node *) parse, source,
						   parse->stmt_location, parse->stmt_len);
		execution->pending = NULL;
	}

	execution->buffers = pgBufferUsage;
	execution->start = pgd_clock();
}

void
pgd_planning_end(PgdExecution *execution, PlannedStmt *result)
{
	uint64		time = pgd_clock() - execution->start;
	PgdPending *pending;
	PgdCounters *c;

	if (pgd_slot == NULL)
		return;
	execution->plan = pgd_plan_shape(result);
	pending = place(execution);
	c = &pending->counters;

	pgd_slot_begin_change(pgd_slot);
	pending->last_seen = GetCurrentStatementStartTimestamp();
	c->plans++;
	c->total_plan_time += time;
	c->max_plan_time = Max(c->max_plan_time, time);
	pgd_slot_end_change(pgd_slot);
}

/* ----------
 * All of them
 * ----------
 */

/*
 * An error left the statement.  Called with the error still in flight, so
 * nothing here may throw or allocate.
 */
void
pgd_statement_failed(PgdExecution *execution, int sqlstate, bool nested)
{
	BufferUsage buffers = {0};
	uint64		time = 0;

	if (execution->counted || pgd_slot == NULL)
		return;
	execution->counted = true;

	if (execution->query == NULL)
	{
		time = pgd_clock() - execution->start;
		BufferUsageAccumDiff(&buffers, &pgBufferUsage, &execution->buffers);
	}
	else if (execution->query->totaltime != NULL)
	{
		Instrumentation *instr = execution->query->totaltime;

		if (!INSTR_TIME_IS_ZERO(instr->starttime))
			InstrStopNode(instr, 0);
		time = pgd_instr_total(instr);
		buffers = instr->bufusage;
	}
	execution->time = time;
	count_failure(execution, sqlstate, nested, time, &buffers);
}

static inline void
set_key(PgdExecution *execution, uint64 queryid)
{
	execution->key.queryid = queryid;
	execution->key.dbid = MyDatabaseId;
	execution->key.userid = GetUserId();
	execution->key.toplevel = (pgd_nesting == 0);
	execution->key.unused = 0;
	execution->tag = pgd_pending_tag(&execution->key);
}

/*
 * A statement that this backend has not seen of late: see to it that the
 * table has an entry with its text, and take a place for it.
 *
 * If the table is busy the statement is counted all the same, and the next
 * execution tries again.
 */
static void
register_statement(PgdExecution *execution, Node *stmt,
				   const char *source, int location, int len)
{
	const PgdKey *key = &execution->key;
	uint64		start = pgd_clock();
	bool		busy;

	execution->registered = pgd_store_knows(key, &busy);
	if (!execution->registered && !busy)
	{
		static PgdText text;

		pgd_text_mask(source, location, len,
					  GetCommandTagName(CreateCommandTag(stmt)),
					  pgd_query_text_size, &text);
		execution->registered =
			pgd_store_register(key, text.fingerprint, text.data, text.len);
	}

	if (execution->pending == NULL)
		(void) place(execution);
	else
	{
		pgd_slot_begin_change(pgd_slot);
		execution->pending->registered = execution->registered;
		pgd_slot_end_change(pgd_slot);
	}
	pgd_store_count_own_time(pgd_clock() - start);
}

/*
 * Where the execution is counted.  Its place may have been given to another
 * statement since it began, or have been reset; then nobody knows whether
 * the table still has an entry.
 */
static inline PgdPending *
place(PgdExecution *execution)
{
	if (likely(execution->pending != NULL &&
			   pgd_pending_holds(execution->pending, execution->serial)))
		return execution->pending;
	return find_place(execution);
}

static PgdPending *
find_place(PgdExecution *execution)
{
	bool		registered = execution->registered &&
		execution->pending == NULL;

	if (!find(execution))
		set_place(execution,
				  pgd_pending_claim(&execution->key, execution->tag,
									execution->plan, registered));
	return execution->pending;
}

/*
 * One that takes far longer than usual has constants worth knowing: the next
 * one to be planned will be an example.  Below some milliseconds it may just
 * have lost the processor.
 */
static pg_noinline void
note_longest(PgdPending *pending, uint64 time)
{
	PgdCounters *c = &pending->counters;

	c->max_exec_time = time;
	if (time > SLOW_TIME && time > SLOW * (c->total_exec_time / c->calls))
		pending->slow = true;
}

/*
 * Count a completed execution at execution->pending.
 */
static pg_attribute_always_inline void
count_call(PgdExecution *execution, uint64 time, uint64 rows,
		   const BufferUsage *buffers, const WalUsage *wal, EState *estate)
{
	PgdSlot    *slot = pgd_slot;
	PgdPending *pending = execution->pending;
	PgdCounters *c;
	int			n = pgd_histogram_bucket(time);
	PgdPendingBucket *bucket = pgd_pending_bucket(pending, n);

	if (unlikely(bucket == NULL))
	{
		pending = pgd_pending_make_room(pending);
		set_place(execution, pending);
		bucket = pgd_pending_bucket(pending, n);
	}
	c = &pending->counters;

	pgd_slot_begin_change(slot);
	pending->last_seen = GetCurrentStatementStartTimestamp();
	bucket->id = n + 1;
	bucket->count++;
	c->calls++;
	c->rows += rows;
	c->total_exec_time += time;
	if (c->min_exec_time == 0 || time < c->min_exec_time)
		c->min_exec_time = time;
	if (unlikely(time > c->max_exec_time))
		note_longest(pending, time);
	add_buffers(c, buffers);
	if (wal->wal_records != 0 || wal->wal_fpi != 0)
	{
		c->wal_records += wal->wal_records;
		c->wal_fpi += wal->wal_fpi;
		c->wal_bytes += wal->wal_bytes;
	}
	if (estate != NULL)
		add_estate(c, estate);
	pgd_slot_end_change(slot);
}

/*
 * Most executions find all they need in shared buffers.
 */
static inline void
add_buffers(PgdCounters *c, const BufferUsage *b)
{
	c->shared_blks_hit += b->shared_blks_hit;
	if (likely((b->shared_blks_read | b->shared_blks_dirtied |
				b->shared_blks_written | b->local_blks_hit |
				b->local_blks_read | b->local_blks_dirtied |
				b->local_blks_written | b->temp_blks_read |
				b->temp_blks_written) == 0))
		return;

	c->shared_blks_read += b->shared_blks_read;
	c->shared_blks_dirtied += b->shared_blks_dirtied;
	c->shared_blks_written += b->shared_blks_written;
	c->local_blks_hit += b->local_blks_hit;
	c->local_blks_read += b->local_blks_read;
	c->local_blks_dirtied += b->local_blks_dirtied;
	c->local_blks_written += b->local_blks_written;
	c->temp_blks_read += b->temp_blks_read;
	c->temp_blks_written += b->temp_blks_written;
	c->spilled += (b->temp_blks_written != 0);
	c->blk_read_time += pgd_blk_read_time(b);
	c->blk_write_time += pgd_blk_write_time(b);
	c->temp_blk_read_time += pgd_instr_ns(b->temp_blk_read_time);
	c->temp_blk_write_time += pgd_instr_ns(b->temp_blk_write_time);
}

static inline void
add_estate(PgdCounters *c, EState *estate)
{
	if (unlikely(estate->es_jit != NULL))
	{
		const JitInstrumentation *jit = &estate->es_jit->instr;

		c->jit_functions += jit->created_functions;
		c->jit_time += pgd_instr_ns(jit->generation_counter) +
			pgd_instr_ns(jit->inlining_counter) +
			pgd_instr_ns(jit->optimization_counter) +
			pgd_instr_ns(jit->emission_counter);
	}
	if (PGD_HAVE_WORKER_COUNTS)
	{
		c->parallel_workers_to_launch += pgd_workers_to_launch(estate);
		c->parallel_workers_launched += pgd_workers_launched(estate);
	}
}

static void
count_failure(PgdExecution *execution, int sqlstate, bool nested,
			  uint64 time, const BufferUsage *buffers)
{
	PgdPending *pending = place(execution);
	PgdPendingError *error = NULL;

	for (int i = 0; i < PGD_PENDING_ERRORS && error == NULL; i++)
	{
		if (pending->errors[i].count == 0 ||
			pending->errors[i].sqlstate == sqlstate)
			error = &pending->errors[i];
	}
	if (error == NULL)
	{
		pending = pgd_pending_make_room(pending);
		set_place(execution, pending);
		error = &pending->errors[0];
	}

	pgd_slot_begin_change(pgd_slot);
	pending->last_seen = GetCurrentStatementStartTimestamp();
	error->sqlstate = sqlstate;
	error->count++;
	pending->counters.failed++;
	pending->counters.failed_nested += nested;
	pending->counters.failed_time += time;
	pending->counters.failed_blks += buffers->shared_blks_hit +
		buffers->shared_blks_read;
	pgd_slot_end_change(pgd_slot);
}
