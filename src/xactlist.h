/*-------------------------------------------------------------------------
 *
 * xactlist.h
 *		Every number kept per shape of transaction, one line each.
 *
 * PGD_XACT_COUNTER(name, combine, unit), as PGD_COUNTER in counterlist.h.
 * The list makes the struct, the merge, the columns and the dump file.
 *
 * A transcript is that of a transaction block, or of a burst of autocommit
 * statements; "calls" counts transcripts.  All else is summed over them.
 *
 * There is deliberately not an #ifndef XACTLIST_H here.
 *
 *-------------------------------------------------------------------------
 */

PGD_XACT_COUNTER(calls, SUM, COUNT)
PGD_XACT_COUNTER(timed, SUM, COUNT)	/* of these: think time was known */

/* transactions by how they ended; in a burst each statement is one */
PGD_XACT_COUNTER(commits, SUM, COUNT)
PGD_XACT_COUNTER(rollbacks, SUM, COUNT)	/* because the client said so */
PGD_XACT_COUNTER(aborts, SUM, COUNT)	/* because of an error */
PGD_XACT_COUNTER(prepared, SUM, COUNT)
PGD_XACT_COUNTER(abandoned, SUM, COUNT)	/* the session ended in it */

/* what was done; a statement is one that the client sent, but BEGIN and END */
PGD_XACT_COUNTER(statements, SUM, COUNT)
PGD_XACT_COUNTER(max_statements, MAX, COUNT)
PGD_XACT_COUNTER(rows, SUM, COUNT)
PGD_XACT_COUNTER(rows_written, SUM, COUNT)
PGD_XACT_COUNTER(savepoints, SUM, COUNT)	/* subtransactions of all kinds */
PGD_XACT_COUNTER(max_savepoints, MAX, COUNT)
PGD_XACT_COUNTER(savepoint_rollbacks, SUM, COUNT)
PGD_XACT_COUNTER(subxact_overflows, SUM, COUNT)	/* transactions with more than
												 * the server keeps in memory */
PGD_XACT_COUNTER(wal_bytes, SUM, COUNT)

/* where the time went: duration = exec + idle + the rest (parsing, planning) */
PGD_XACT_COUNTER(duration, SUM, TIME)
PGD_XACT_COUNTER(max_duration, MAX, TIME)
PGD_XACT_COUNTER(exec_time, SUM, TIME)
PGD_XACT_COUNTER(idle_time, SUM, TIME)	/* waiting for the client: think time */
PGD_XACT_COUNTER(max_idle_time, MAX, TIME)	/* longest single gap */
PGD_XACT_COUNTER(idle_before_first, SUM, TIME)	/* BEGIN to first statement */
PGD_XACT_COUNTER(idle_before_end, SUM, TIME)	/* last statement to COMMIT */
PGD_XACT_COUNTER(commit_time, SUM, TIME)	/* of those that wrote */
PGD_XACT_COUNTER(max_commit_time, MAX, TIME)
PGD_XACT_COUNTER(lock_wait, SUM, TIME)	/* sampled */

/* what was held */
PGD_XACT_COUNTER(with_xid, SUM, COUNT)	/* wrote or locked rows */
PGD_XACT_COUNTER(row_lock_time, SUM, TIME)	/* first such statement to the end */
PGD_XACT_COUNTER(idle_with_row_locks, SUM, TIME)
PGD_XACT_COUNTER(idle_with_snapshot, SUM, TIME)
PGD_XACT_COUNTER(idle_with_table_lock, SUM, TIME)
PGD_XACT_COUNTER(blocking_gaps, SUM, COUNT)	/* gaps at whose end others waited */
PGD_XACT_COUNTER(blocking_idle, SUM, TIME)	/* length of these gaps */

/* what was in vain */
PGD_XACT_COUNTER(aborted_time, SUM, TIME)	/* exec_time of the transactions
											 * that did not commit */
PGD_XACT_COUNTER(aborted_idle, SUM, TIME)	/* error to ROLLBACK */
PGD_XACT_COUNTER(retries, SUM, COUNT)	/* began as one that had just failed */
PGD_XACT_COUNTER(retried_time, SUM, TIME)	/* duration of those that failed */

/* bursts by what ended them */
PGD_XACT_COUNTER(ended_by_gap, SUM, COUNT)
PGD_XACT_COUNTER(ended_by_tag, SUM, COUNT)
PGD_XACT_COUNTER(ended_by_begin, SUM, COUNT)
