/*-------------------------------------------------------------------------
 *
 * thresholdlist.h
 *		From where on a rule or a detector speaks, one line each.
 *
 * PGD_THRESHOLD(name, default, max, description)
 *
 *		Makes the setting pg_diagnose.<name>, for rules to read with
 *		current_setting(), and the field of pgd_threshold for detectors.
 *		Each has the rule's or the detector's name for a prefix, but for those
 *		of "severity", which all share, and of "compare".  Times are milliseconds, shares are
 *		from 0 to 1.
 *
 * Three endings mean something to the rule that reports what detectors see:
 * _min_share, the share of a shape's transcripts; _min_occurrences, how many
 * of them; and _min_rate, how many a second.
 *
 * There is deliberately not an #ifndef THRESHOLDLIST_H here.
 *
 *-------------------------------------------------------------------------
 */

PGD_THRESHOLD(abandoned_xact_min_occurrences, 3, INT_MAX,
	"Sessions that ended in such a transaction from which it is reported as abandoned.")
PGD_THRESHOLD(aborted_work_critical_share, 0.1, 1,
	"Share of execution time in transactions that did not commit from which this is critical.")
PGD_THRESHOLD(aborted_work_min_share, 0.02, 1,
	"Share of execution time in transactions that did not commit from which it is reported.")
PGD_THRESHOLD(aborted_work_min_transactions, 10, INT_MAX,
	"Transactions that did not commit from which their share of execution time is judged.")
PGD_THRESHOLD(advisory_lock_leak_min_locks, 100, INT_MAX,
	"Advisory locks of an idle session from which they are reported at once.")
PGD_THRESHOLD(advisory_lock_leak_min_time, 600000, INT_MAX,
	"Milliseconds from which an idle session with advisory locks is reported.")
PGD_THRESHOLD(autocommit_storm_min_commit_time, 10, INT_MAX,
	"Milliseconds of commits in a burst from which writing row by row is reported.")
PGD_THRESHOLD(autocommit_storm_min_writes, 20, INT_MAX,
	"Single-row autocommit writes in a row from which they are reported.")
PGD_THRESHOLD(begin_too_early_min_ratio, 0.2, 1,
	"Share of a transaction's duration from which the wait for its first statement is reported.")
PGD_THRESHOLD(begin_too_early_min_share, 0.5, 1,
	"Share of a shape's transactions that wait for their first statement from which this is reported.")
PGD_THRESHOLD(begin_too_early_min_time, 20, INT_MAX,
	"Milliseconds from BEGIN to the first statement from which this is reported.")
PGD_THRESHOLD(broad_row_locking_min_ratio, 10, INT_MAX,
	"Ratio of rows locked to rows written from which locking is reported as broad.")
PGD_THRESHOLD(broad_row_locking_min_rows, 100, INT_MAX,
	"Rows locked by a statement from which locking is reported as broad.")
PGD_THRESHOLD(chatty_xact_critical_min_statements, 100, INT_MAX,
	"Statements in a transaction above which their number is critical.")
PGD_THRESHOLD(chatty_xact_idle_min_ratio, 0.7, 1,
	"Share of a transaction's duration from which the waits between its statements are reported.")
PGD_THRESHOLD(chatty_xact_idle_min_statements, 10, INT_MAX,
	"Statements in a transaction from which the waits between them are judged.")
PGD_THRESHOLD(chatty_xact_idle_min_time, 20, INT_MAX,
	"Milliseconds from which the waits between the statements of a transaction are reported.")
PGD_THRESHOLD(chatty_xact_max_insert_share, 0.9, 1,
	"Share of a transaction's statements from which one that inserts makes it a load, which is not reported.")
PGD_THRESHOLD(chatty_xact_min_statements, 50, INT_MAX,
	"Statements in a transaction above which their number is reported.")
PGD_THRESHOLD(check_then_insert_min_occurrences, 1, INT_MAX,
	"Transactions from which inserting what was not found before is reported.")
PGD_THRESHOLD(commit_too_late_min_ratio, 0.2, 1,
	"Share of a transaction's duration from which the wait for its end is reported.")
PGD_THRESHOLD(commit_too_late_min_share, 0.5, 1,
	"Share of a shape's transactions that wait for their end from which this is reported.")
PGD_THRESHOLD(commit_too_late_min_time, 20, INT_MAX,
	"Milliseconds from the last statement to the end of a transaction from which this is reported.")
PGD_THRESHOLD(commit_too_late_warning_min_time, 50, INT_MAX,
	"Milliseconds from the last statement to the end of a transaction with locked rows from which this is a warning.")
PGD_THRESHOLD(compare_max_p, 0.05, 1,
	"Share of false alarms among the changes of time that a comparison may report.")
PGD_THRESHOLD(compare_max_rate_ratio, 1.25, INT_MAX,
	"Ratio of transactions per second from which a comparison says that the load differs.")
PGD_THRESHOLD(compare_min_blocks, 2, INT_MAX,
	"Blocks per execution from which a comparison reports more or fewer of them.")
PGD_THRESHOLD(compare_min_burst_change, 1, INT_MAX,
	"Relative change of the statements in a burst from which a comparison reports it.")
PGD_THRESHOLD(compare_min_calls, 30, INT_MAX,
	"Executions on each side from which a comparison judges their time, and work that varies.")
PGD_THRESHOLD(compare_min_commonality, 0.6, 1,
	"Share of database time in common from which a comparison judges the whole.")
PGD_THRESHOLD(compare_min_coverage, 0.9, 1,
	"Share of executions known by statement from which a comparison judges the whole.")
PGD_THRESHOLD(compare_min_failed_share, 0.01, 1,
	"Change of the share of failed executions from which a comparison reports it.")
PGD_THRESHOLD(compare_min_failures, 5, INT_MAX,
	"Failed executions from which a comparison judges their share.")
PGD_THRESHOLD(compare_min_impact, 1, INT_MAX,
	"Milliseconds of database time per second from which a comparison reports a change of time.")
PGD_THRESHOLD(compare_min_impact_share, 0.005, 1,
	"Share of all database time from which a comparison reports a change of time, if that is less.")
PGD_THRESHOLD(compare_min_plan_calls, 2, INT_MAX,
	"Executions on each side from which a comparison judges a changed plan, and work that does not vary.")
PGD_THRESHOLD(compare_min_plan_share, 0.5, 1,
	"Share of executions with another plan from which a comparison says that the plan changed.")
PGD_THRESHOLD(compare_min_tail_calls, 1000, INT_MAX,
	"Executions on each side from which a comparison judges the 99th percentile.")
PGD_THRESHOLD(compare_min_tail_change, 0.5, INT_MAX,
	"Relative change of the 99th percentile, without one of the median, from which a comparison reports it.")
PGD_THRESHOLD(compare_min_time_change, 0.1, 1,
	"Relative change of time from which a comparison reports it.")
PGD_THRESHOLD(compare_min_wal_bytes, 100, INT_MAX,
	"Bytes of WAL per execution from which a comparison reports more or fewer of them.")
PGD_THRESHOLD(compare_min_whole_share, 0.05, 1,
			  "Share of database time that has to become better or worse for the whole to do so.")
PGD_THRESHOLD(compare_min_windows, 8, INT_MAX,
	"Stretches of time on each side from which a comparison judges time.")
PGD_THRESHOLD(compare_min_work_change, 0.1, INT_MAX,
	"Relative change of work per execution from which a comparison reports it.")
PGD_THRESHOLD(compare_warn_commonality, 0.8, 1,
	"Share of database time in common up to which a comparison says that the workloads differ.")
PGD_THRESHOLD(connection_churn_max_transactions, 2, INT_MAX,
	"Transactions up to which a session that ends counts as one that ended early.")
PGD_THRESHOLD(connection_churn_min_early_rate, 0.5, INT_MAX,
	"Sessions a second from which it is reported that most of them end early.")
PGD_THRESHOLD(connection_churn_min_early_share, 0.5, 1,
	"Share of sessions that end early from which their rate is reported.")
PGD_THRESHOLD(connection_churn_min_rate, 5, INT_MAX,
	"Sessions a second from which their rate is reported, however long they are.")
PGD_THRESHOLD(connection_churn_min_sessions, 50, INT_MAX,
	"Sessions from which their rate is judged.")
PGD_THRESHOLD(cursor_holding_snapshot_critical_time, 900000, INT_MAX,
	"Milliseconds from which an idle transaction with a snapshot is critical.")
PGD_THRESHOLD(cursor_holding_snapshot_min_time, 60000, INT_MAX,
	"Milliseconds from which an idle transaction with a snapshot is reported.")
PGD_THRESHOLD(ddl_in_long_xact_min_time, 1000, INT_MAX,
	"Milliseconds that a table stays locked after a change of the schema from which that is reported.")
PGD_THRESHOLD(deadlock_events_min_occurrences, 1, INT_MAX,
	"Deadlocks from which they are reported.")
PGD_THRESHOLD(early_lock_late_commit_min_ratio, 0.5, 1,
	"Share of the time that row locks are held which another order of statements must save.")
PGD_THRESHOLD(early_lock_late_commit_min_share, 0.05, 1,
	"Share of a shape's transactions from which locks taken early are reported.")
PGD_THRESHOLD(early_lock_late_commit_min_time, 20, INT_MAX,
	"Milliseconds that rows are locked too early from which that is reported.")
PGD_THRESHOLD(empty_xact_min_occurrences, 100, INT_MAX,
	"Transactions without a statement from which they are reported.")
PGD_THRESHOLD(empty_xact_min_rate, 1, INT_MAX,
	"Transactions without a statement per second from which they are reported.")
PGD_THRESHOLD(external_call_in_xact_critical_min_time, 1000, INT_MAX,
	"Milliseconds of a single wait for the client with locked rows from which a call in a transaction is critical.")
PGD_THRESHOLD(external_call_in_xact_min_ratio, 5, INT_MAX,
	"Ratio of a wait for the client to its shortest usual ones from which it is taken for a call.")
PGD_THRESHOLD(external_call_in_xact_min_share, 0.5, 1,
	"Share of a shape's transactions that wait at the same place from which this is reported.")
PGD_THRESHOLD(external_call_in_xact_min_time, 50, INT_MAX,
	"Milliseconds of a single wait for the client from which it is taken for a call.")
PGD_THRESHOLD(failing_statement_min_failures, 5, INT_MAX,
	"Failed executions from which a statement is reported as failing.")
PGD_THRESHOLD(failing_statement_min_ratio, 0.01, 1,
	"Share of failed executions from which a statement is reported as failing.")
PGD_THRESHOLD(frequent_statement_max_time, 1.0, INT_MAX,
	"Mean execution time in milliseconds up to which a statement counts as cheap.")
PGD_THRESHOLD(frequent_statement_min_calls, 1000, INT_MAX,
	"Calls from which a cheap statement is reported as frequent.")
PGD_THRESHOLD(frequent_statement_min_share, 0.2, 1,
	"Share of all calls from which a cheap statement is reported as frequent.")
PGD_THRESHOLD(harmful_change_max_age, 24, INT_MAX,
	"Hours for which a change after which statements are slower is reported.")
PGD_THRESHOLD(hot_row_min_depth, 3, INT_MAX,
	"Sessions waiting for one row from which the queue is too long.")
PGD_THRESHOLD(hot_row_min_time, 1000, INT_MAX,
	"Milliseconds with too long a queue for a row from which a table is reported.")
PGD_THRESHOLD(idle_aborted_min_time, 1000, INT_MAX,
	"Milliseconds from an error to the ROLLBACK from which a transaction is reported.")
PGD_THRESHOLD(idle_blocking_others_critical_min_time, 1000, INT_MAX,
	"Milliseconds a transaction keeps others waiting, while it waits for its client, from which this is critical.")
PGD_THRESHOLD(idle_blocking_others_min_gap, 20, INT_MAX,
	"Milliseconds of a wait for the client from which it is checked whether others wait for the transaction.")
PGD_THRESHOLD(idle_blocking_others_warning_min_time, 100, INT_MAX,
	"Milliseconds a transaction keeps others waiting, while it waits for its client, from which this is a warning.")
PGD_THRESHOLD(idle_holding_row_locks_critical_min_gap, 10000, INT_MAX,
	"Milliseconds of a single wait for the client with locked rows from which this is critical.")
PGD_THRESHOLD(idle_holding_row_locks_min_ratio, 0.2, 1,
	"Share of the time with locked rows from which waiting for the client is reported.")
PGD_THRESHOLD(idle_holding_row_locks_min_share, 0.05, 1,
	"Share of a shape's transactions that wait for the client with locked rows from which this is reported.")
PGD_THRESHOLD(idle_holding_row_locks_min_time, 50, INT_MAX,
	"Milliseconds a transaction waits for its client with locked rows from which this is reported.")
PGD_THRESHOLD(idle_holding_row_locks_warning_min_gap, 1000, INT_MAX,
	"Milliseconds of a single wait for the client with locked rows from which this is a warning.")
PGD_THRESHOLD(idle_holding_snapshot_critical_min_time, 900000, INT_MAX,
	"Milliseconds a transaction waits for its client with a snapshot from which this is critical.")
PGD_THRESHOLD(idle_holding_snapshot_min_time, 60000, INT_MAX,
	"Milliseconds a transaction waits for its client with a snapshot from which this is reported.")
PGD_THRESHOLD(idle_holding_table_lock_critical_min_time, 1000, INT_MAX,
	"Milliseconds a transaction waits for its client with a locked table from which this is critical.")
PGD_THRESHOLD(idle_holding_table_lock_min_time, 100, INT_MAX,
	"Milliseconds a transaction waits for its client with a locked table from which this is reported.")
PGD_THRESHOLD(lock_order_inversion_min_occurrences, 10, INT_MAX,
	"Transactions in each of two directions from which an inverted order of locks is reported.")
PGD_THRESHOLD(lock_wait_time_critical_time, 10000, INT_MAX,
	"Milliseconds of a single wait for a lock from which it is critical.")
PGD_THRESHOLD(lock_wait_time_min_samples, 20, INT_MAX,
	"Samples of a statement's waits for locks from which their share is judged.")
PGD_THRESHOLD(lock_wait_time_min_share, 0.05, 1,
	"Share of database time that a statement waits for locks from which it is reported.")
PGD_THRESHOLD(lock_wait_time_min_time, 1000, INT_MAX,
	"Milliseconds of a single wait for a lock from which it is reported.")
PGD_THRESHOLD(long_transaction_reader_critical_min_time, 1800000, INT_MAX,
	"Milliseconds a transaction that only reads is open from which this is critical.")
PGD_THRESHOLD(long_transaction_reader_min_time, 300000, INT_MAX,
	"Milliseconds a transaction that only reads is open from which this is reported.")
PGD_THRESHOLD(long_transaction_writer_critical_min_time, 300000, INT_MAX,
	"Milliseconds a transaction that writes is open from which this is critical.")
PGD_THRESHOLD(long_transaction_writer_min_time, 60000, INT_MAX,
	"Milliseconds a transaction that writes is open from which this is reported.")
PGD_THRESHOLD(lost_update_risk_min_occurrences, 1, INT_MAX,
	"Transactions from which writing what was read without a lock is reported.")
PGD_THRESHOLD(misestimate_min_modified_share, 0.1, 1,
	"Share of a table's rows changed since ANALYZE from which its statistics are stale.")
PGD_THRESHOLD(misestimate_min_ratio, 10, INT_MAX,
	"Ratio of actual to estimated rows, or the reverse, from which an estimate is reported as wrong.")
PGD_THRESHOLD(misestimate_min_rows, 1000, INT_MAX,
	"Rows per execution, actual or estimated, from which a wrong estimate is reported.")
PGD_THRESHOLD(misestimate_min_share, 0.01, 1,
	"Share of all execution time from which a statement's estimates are judged.")
PGD_THRESHOLD(missing_guards_factor, 3, 1000,
	"What the 99.9th percentile is multiplied with for a timeout that is proposed.")
PGD_THRESHOLD(missing_guards_lock_timeout, 5000, INT_MAX,
	"Milliseconds of lock_timeout proposed for roles that change the schema.")
PGD_THRESHOLD(missing_guards_max_idle, 60000, INT_MAX,
	"Milliseconds up to which idle_in_transaction_session_timeout is proposed.")
PGD_THRESHOLD(missing_guards_max_time, 1000, INT_MAX,
	"95th percentile of execution time in milliseconds up to which a role is not one for long computations.")
PGD_THRESHOLD(missing_guards_min_idle, 10000, INT_MAX,
	"Milliseconds from which idle_in_transaction_session_timeout is proposed.")
PGD_THRESHOLD(missing_guards_min_timeout, 5000, INT_MAX,
	"Milliseconds from which statement_timeout and transaction_timeout are proposed.")
PGD_THRESHOLD(missing_guards_min_transactions, 1000, INT_MAX,
	"Transactions of an application from which missing timeouts are reported.")
PGD_THRESHOLD(missing_index_max_selectivity, 0.2, 1,
	"Share of a table's rows up to which an index that finds them is considered.")
PGD_THRESHOLD(missing_index_max_time, 5000, INT_MAX,
	"Milliseconds after which index advice is given from what has been looked at.")
PGD_THRESHOLD(missing_index_min_cut, 0.3, 1,
	"Share of some statement's time from which what an index saves is enough.")
PGD_THRESHOLD(missing_index_min_pages, 50, INT_MAX,
	"Pages of a table from which it gets index advice.")
PGD_THRESHOLD(missing_index_min_share, 0.001, 1,
	"Share of the database's time from which what an index saves is enough.")
PGD_THRESHOLD(missing_index_size_share, 0.02, 1,
	"Share of the database's time that an index as large as all tables has to save for its room.")
PGD_THRESHOLD(missing_index_write_time, 5, 1000,
	"Microseconds that writing an entry of a B-tree takes, with its share of WAL and vacuum.")
PGD_THRESHOLD(n_plus_one_max_rows, 10, INT_MAX,
	"Rows per execution up to which a repeated statement fetches the children of a row.")
PGD_THRESHOLD(n_plus_one_min_distinct, 0.8, 1,
	"Share of executions with parameters of their own from which a repeated statement fetches children.")
PGD_THRESHOLD(n_plus_one_min_rounds, 5, INT_MAX,
	"Executions in a transaction or burst from which a repeated statement is reported as N+1.")
PGD_THRESHOLD(n_plus_one_warning_min_time, 50, INT_MAX,
	"Milliseconds of a loop, round trips included, from which it is a warning.")
PGD_THRESHOLD(needless_block_min_rate, 10, INT_MAX,
	"Blocks of a single statement per second from which they are reported.")
PGD_THRESHOLD(needless_block_min_share, 0.2, 1,
	"Share of a shape's blocks which need not be blocks from which they are reported.")
PGD_THRESHOLD(needs_rewrite_min_discarded, 1000, INT_MAX,
	"Rows read in vain per execution from which a condition that no index can serve is reported.")
PGD_THRESHOLD(needs_rewrite_min_discarded_share, 0.8, 1,
	"Share of rows read in vain from which a condition that no index can serve is reported.")
PGD_THRESHOLD(needs_rewrite_min_row_time, 20, INT_MAX,
	"Microseconds per row from which NOT IN (SELECT ...) is reported.")
PGD_THRESHOLD(needs_rewrite_min_share, 0.01, 1,
	"Share of all execution time from which a statement's conditions are judged.")
PGD_THRESHOLD(notify_in_hot_path_min_commit_time, 10, INT_MAX,
	"Mean commit time in milliseconds from which transactions that notify are reported.")
PGD_THRESHOLD(notify_in_hot_path_min_count_rate, 100, INT_MAX,
	"Notifications per second from which transactions that notify are reported.")
PGD_THRESHOLD(olap_in_oltp_xact_max_rows, 1000, INT_MAX,
	"Rows written up to which a transaction is not a batch, which may read long.")
PGD_THRESHOLD(olap_in_oltp_xact_min_ratio, 0.8, 1,
	"Share of a transaction's execution time from which a read is reported as long.")
PGD_THRESHOLD(olap_in_oltp_xact_min_time, 1000, INT_MAX,
	"Milliseconds from which a read in a transaction that writes is reported as long.")
PGD_THRESHOLD(oversized_xact_min_rows, 10000, INT_MAX,
	"Rows written from which a transaction is reported as oversized.")
PGD_THRESHOLD(oversized_xact_min_subtransactions, 1000, INT_MAX,
	"Subtransactions from which a transaction that writes is reported as oversized.")
PGD_THRESHOLD(oversized_xact_min_time, 60000, INT_MAX,
	"Milliseconds from which a transaction that writes is reported as oversized.")
PGD_THRESHOLD(oversized_xact_min_wal, 64, INT_MAX,
	"Megabytes of WAL from which a transaction is reported as oversized.")
PGD_THRESHOLD(pooling_blockers_min_transactions, 100, INT_MAX,
	"Transactions from which it is reported what stands in the way of pooling them.")
PGD_THRESHOLD(pooling_blockers_min_uses, 1, INT_MAX,
	"Uses of what outlives a transaction from which they are reported.")
PGD_THRESHOLD(prepared_xact_lingering_critical_time, 600000, INT_MAX,
	"Milliseconds from which a prepared transaction is critical.")
PGD_THRESHOLD(prepared_xact_lingering_min_time, 1000, INT_MAX,
	"Milliseconds from which a prepared transaction is reported.")
PGD_THRESHOLD(prepared_xact_lingering_warning_time, 60000, INT_MAX,
	"Milliseconds from which a prepared transaction is a warning.")
PGD_THRESHOLD(recovery_conflict_cancels_critical_cancels, 10, INT_MAX,
	"Queries cancelled in favour of replay from which their share can be critical.")
PGD_THRESHOLD(recovery_conflict_cancels_critical_share, 0.001, 1,
	"Share of executions cancelled in favour of replay from which that is critical.")
PGD_THRESHOLD(recovery_conflict_cancels_min_per_hour, 1, INT_MAX,
	"Queries an hour cancelled in favour of replay from which they are reported.")
PGD_THRESHOLD(redundant_index_min_pages, 32, INT_MAX,
	"Pages of an index from which it is reported that another one does the same.")
PGD_THRESHOLD(redundant_index_min_size_share, 0.8, 1,
	"Share of the other one's size from which a partial or hash index is redundant.")
PGD_THRESHOLD(redundant_read_max_gap, 10, INT_MAX,
	"Milliseconds between executions in a burst up to which a repeated query is no polling.")
PGD_THRESHOLD(redundant_read_min_ratio, 0.2, 1,
	"Share of a query's executions in vain in a transaction or burst from which it is reported.")
PGD_THRESHOLD(redundant_read_min_repeats, 1, INT_MAX,
	"Executions in vain in a transaction or burst from which a repeated query is reported.")
PGD_THRESHOLD(redundant_read_warning_min_repeats, 4, INT_MAX,
	"Executions in vain in a transaction or burst from which a repeated query is a warning.")
PGD_THRESHOLD(repeated_update_same_row_min_share, 0.01, 1,
	"Share of a shape's transactions from which updating a row again is reported.")
PGD_THRESHOLD(repeated_update_same_row_min_updates, 1, INT_MAX,
	"Updates of rows updated before in a transaction from which they are reported.")
PGD_THRESHOLD(retry_storm_critical_amplification, 3, INT_MAX,
	"Attempts per success from which retries are critical.")
PGD_THRESHOLD(retry_storm_min_amplification, 1.5, INT_MAX,
	"Attempts per success from which retries are reported.")
PGD_THRESHOLD(retry_storm_min_retries, 10, INT_MAX,
	"Retries from which attempts per success are judged.")
PGD_THRESHOLD(serialization_failures_critical_share, 0.1, 1,
	"Share of attempts that fail to serialize from which this is critical.")
PGD_THRESHOLD(serialization_failures_min_failures, 5, INT_MAX,
	"Serialization failures from which their share of attempts is judged.")
PGD_THRESHOLD(serialization_failures_min_share, 0.01, 1,
	"Share of attempts that fail to serialize from which it is reported.")
PGD_THRESHOLD(severity_critical_min_impact, 500, INT_MAX,
	"Milliseconds of database time per second from which a finding is critical.")
PGD_THRESHOLD(severity_warning_min_impact, 1, INT_MAX,
	"Milliseconds of database time per second from which a finding is a warning.")
PGD_THRESHOLD(slow_before_install_min_calls, 5, INT_MAX,
	"Calls from which a statement of the past is reported, unless as many were captured since.")
PGD_THRESHOLD(slow_before_install_min_time, 20, INT_MAX,
	"Mean execution time in milliseconds from which a statement of the past is reported.")
PGD_THRESHOLD(slow_statement_min_share, 0.01, 1,
	"Share of all execution time from which a slow statement is reported.")
PGD_THRESHOLD(slow_statement_min_time, 100, INT_MAX,
	"95th percentile of execution time in milliseconds from which a statement is slow.")
PGD_THRESHOLD(spills_to_disk_max_work_mem, 256, INT_MAX,
	"Megabytes of work_mem up to which raising it is proposed.")
PGD_THRESHOLD(spills_to_disk_min_blocks, 128, INT_MAX,
	"Temporary blocks written per execution from which spilling is reported.")
PGD_THRESHOLD(statement_timeouts_min_failures, 5, INT_MAX,
	"Cancelled executions from which their share of a statement is judged.")
PGD_THRESHOLD(statement_timeouts_min_share, 0.001, 1,
	"Share of cancelled executions from which a statement is reported.")
PGD_THRESHOLD(subxact_overflow_min_occurrences, 1, INT_MAX,
	"Transactions with more subtransactions than fit in memory from which they are reported.")
PGD_THRESHOLD(tail_latency_min_calls, 100, INT_MAX,
	"Calls from which the tail of a statement's latency is judged.")
PGD_THRESHOLD(tail_latency_min_ratio, 20, INT_MAX,
	"Ratio of the 99th percentile to the median from which a tail is reported.")
PGD_THRESHOLD(tail_latency_min_time, 20, INT_MAX,
	"99th percentile in milliseconds from which a tail is reported.")
PGD_THRESHOLD(unindexed_foreign_key_min_pages, 64, INT_MAX,
	"Pages of the referencing table from which a foreign key without index is reported.")
PGD_THRESHOLD(unprepared_planning_min_calls, 100, INT_MAX,
	"Plannings from which a statement's planning is judged.")
PGD_THRESHOLD(unprepared_planning_min_ratio, 1.0, INT_MAX,
	"Ratio of planning to execution time from which planning is reported.")
PGD_THRESHOLD(unused_index_min_age, 30, INT_MAX,
	"Days of statistics without a scan from which an index is reported as unused.")
PGD_THRESHOLD(unused_index_min_idle, 90, INT_MAX,
	"Days since its last scan, where that is known, from which an index is reported as unused.")
PGD_THRESHOLD(unused_index_min_pages, 128, INT_MAX,
	"Pages of an index from which it is reported as unused.")
PGD_THRESHOLD(unused_index_min_scans, 100, INT_MAX,
	"Scans of a table, by whatever means, from which its indexes are judged by use.")
PGD_THRESHOLD(unused_new_index_min_age, 60, INT_MAX,
	"Minutes after which a new index that nothing uses is reported.")
PGD_THRESHOLD(unused_new_index_min_calls, 100, INT_MAX,
	"Executions that name its table from which a new index that none of them uses is reported.")
PGD_THRESHOLD(writes_on_replica_min_failures, 1, INT_MAX,
	"Writes that a standby refused from which they are reported.")
PGD_THRESHOLD(xmin_horizon_holder_critical_time, 86400000, INT_MAX,
	"Milliseconds from which holding back vacuum is critical.")
PGD_THRESHOLD(xmin_horizon_holder_min_age, 1000000, INT_MAX,
	"Transactions since then from which holding back vacuum is reported.")
PGD_THRESHOLD(xmin_horizon_holder_min_time, 900000, INT_MAX,
	"Milliseconds from which holding back vacuum is reported.")
