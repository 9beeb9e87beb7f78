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
 *		of "severity", which all share.  Times are milliseconds, shares are
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

PGD_THRESHOLD(advisory_lock_leak_min_locks, 100, INT_MAX,
	"Advisory locks of an idle session from which they are reported at once.")
PGD_THRESHOLD(advisory_lock_leak_min_time, 600000, INT_MAX,
	"Milliseconds from which an idle session with advisory locks is reported.")
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
PGD_THRESHOLD(hot_row_min_depth, 3, INT_MAX,
	"Sessions waiting for one row from which the queue is too long.")
PGD_THRESHOLD(hot_row_min_time, 1000, INT_MAX,
	"Milliseconds with too long a queue for a row from which a table is reported.")
PGD_THRESHOLD(idle_blocking_others_min_gap, 20, INT_MAX,
	"Think time in milliseconds from which it is looked whether others wait for the transaction.")
PGD_THRESHOLD(lock_wait_time_critical_time, 10000, INT_MAX,
	"Milliseconds of a single wait for a lock from which it is critical.")
PGD_THRESHOLD(lock_wait_time_min_samples, 20, INT_MAX,
	"Samples of a statement's waits for locks from which their share is judged.")
PGD_THRESHOLD(lock_wait_time_min_share, 0.05, 1,
	"Share of database time that a statement waits for locks from which it is reported.")
PGD_THRESHOLD(lock_wait_time_min_time, 1000, INT_MAX,
	"Milliseconds of a single wait for a lock from which it is reported.")
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
PGD_THRESHOLD(n_plus_one_max_rows, 10, INT_MAX,
	"Rows per execution up to which a repeated statement fetches the children of a row.")
PGD_THRESHOLD(n_plus_one_min_distinct, 0.8, 1,
	"Share of executions with parameters of their own from which a repeated statement fetches children.")
PGD_THRESHOLD(n_plus_one_min_rounds, 5, INT_MAX,
	"Executions in a transaction or burst from which a repeated statement is reported as N+1.")
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
PGD_THRESHOLD(writes_on_replica_min_failures, 1, INT_MAX,
	"Writes that a standby refused from which they are reported.")
PGD_THRESHOLD(xmin_horizon_holder_critical_time, 86400000, INT_MAX,
	"Milliseconds from which holding back vacuum is critical.")
PGD_THRESHOLD(xmin_horizon_holder_min_age, 1000000, INT_MAX,
	"Transactions since then from which holding back vacuum is reported.")
PGD_THRESHOLD(xmin_horizon_holder_min_time, 900000, INT_MAX,
	"Milliseconds from which holding back vacuum is reported.")
