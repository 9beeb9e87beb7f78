/*-------------------------------------------------------------------------
 *
 * counterlist.h
 *		Every number kept per statement, one line each.
 *
 * PGD_COUNTER(name, combine, unit)
 *
 *		name	field of PgdCounters and column of diagnose.statements()
 *		combine	how two values make one: SUM, MIN or MAX
 *		unit	COUNT (shown as bigint) or TIME (nanoseconds inside, shown as
 *				double precision milliseconds)
 *
 * The list makes the struct, the merge, the columns and the dump file; the
 * dump file carries the names, so a counter can be added or taken away
 * without losing what an older library wrote.
 *
 * There is deliberately not an #ifndef COUNTERLIST_H here.
 *
 *-------------------------------------------------------------------------
 */

/* executions that completed; the same numbers as pg_stat_statements */
PGD_COUNTER(calls, SUM, COUNT)
PGD_COUNTER(rows, SUM, COUNT)
PGD_COUNTER(total_exec_time, SUM, TIME)
PGD_COUNTER(min_exec_time, MIN, TIME)
PGD_COUNTER(max_exec_time, MAX, TIME)
PGD_COUNTER(shared_blks_hit, SUM, COUNT)
PGD_COUNTER(shared_blks_read, SUM, COUNT)
PGD_COUNTER(shared_blks_dirtied, SUM, COUNT)
PGD_COUNTER(shared_blks_written, SUM, COUNT)
PGD_COUNTER(local_blks_hit, SUM, COUNT)
PGD_COUNTER(local_blks_read, SUM, COUNT)
PGD_COUNTER(local_blks_dirtied, SUM, COUNT)
PGD_COUNTER(local_blks_written, SUM, COUNT)
PGD_COUNTER(temp_blks_read, SUM, COUNT)
PGD_COUNTER(temp_blks_written, SUM, COUNT)
PGD_COUNTER(blk_read_time, SUM, TIME)
PGD_COUNTER(blk_write_time, SUM, TIME)
PGD_COUNTER(temp_blk_read_time, SUM, TIME)
PGD_COUNTER(temp_blk_write_time, SUM, TIME)
PGD_COUNTER(wal_records, SUM, COUNT)
PGD_COUNTER(wal_fpi, SUM, COUNT)
PGD_COUNTER(wal_bytes, SUM, COUNT)
PGD_COUNTER(jit_functions, SUM, COUNT)
PGD_COUNTER(jit_time, SUM, TIME)
PGD_COUNTER(parallel_workers_to_launch, SUM, COUNT)	/* PostgreSQL 18 on */
PGD_COUNTER(parallel_workers_launched, SUM, COUNT)	/* PostgreSQL 18 on */

/* executions that wrote temporary files */
PGD_COUNTER(spilled, SUM, COUNT)

/* planning */
PGD_COUNTER(plans, SUM, COUNT)
PGD_COUNTER(total_plan_time, SUM, TIME)
PGD_COUNTER(max_plan_time, MAX, TIME)

/* executions that did not complete; in none of the numbers above */
PGD_COUNTER(failed, SUM, COUNT)
PGD_COUNTER(failed_nested, SUM, COUNT)	/* of these: raised in a statement inside */
PGD_COUNTER(failed_time, SUM, TIME)
PGD_COUNTER(failed_blks, SUM, COUNT)	/* shared blocks hit and read */
PGD_COUNTER(abandoned, SUM, COUNT)	/* portal dropped by a rollback, no error */
