/*-------------------------------------------------------------------------
 *
 * sessionlist.h
 *		Every number kept about sessions, one line each.
 *
 * PGD_SESSION_COUNTER(name, combine, unit), as PGD_COUNTER in counterlist.h,
 * with two more units: MOMENT (a timestamp, 0: none yet) and SETTING
 * (milliseconds plus one, 0: none yet).
 *
 * The list makes the struct, the merge, the columns and the dump file.
 *
 * There is deliberately not an #ifndef SESSIONLIST_H here.
 *
 *-------------------------------------------------------------------------
 */

/* sessions; one that ended is in one of the three */
PGD_SESSION_COUNTER(begun, SUM, COUNT)
PGD_SESSION_COUNTER(ended_normally, SUM, COUNT)
PGD_SESSION_COUNTER(ended_in_transaction, SUM, COUNT)	/* left it behind */
PGD_SESSION_COUNTER(ended_by_fatal, SUM, COUNT) /* error, or terminated */
PGD_SESSION_COUNTER(ended_early, SUM, COUNT)	/* of all that ended: after few
												 * transactions, see
												 * connection_churn */
PGD_SESSION_COUNTER(max_open, MAX, COUNT)	/* at once */
PGD_SESSION_COUNTER(first_begin, MIN, MOMENT)
PGD_SESSION_COUNTER(last_begin, MAX, MOMENT)
PGD_SESSION_COUNTER(session_time, SUM, TIME)
PGD_SESSION_COUNTER(connect_time, SUM, TIME)	/* until the session was ready */

/*
 * Transactions.  Whatever is added in one event is one number: nobody reads
 * half of it.  The order of the first four is that of session.h.
 */
PGD_SESSION_COUNTER(commits_alone, SUM, COUNT)	/* autocommit */
PGD_SESSION_COUNTER(commits_in_block, SUM, COUNT)	/* BEGIN ... COMMIT */
PGD_SESSION_COUNTER(rollbacks_alone, SUM, COUNT)
PGD_SESSION_COUNTER(rollbacks_in_block, SUM, COUNT)
PGD_SESSION_COUNTER(prepared, SUM, COUNT)	/* PREPARE TRANSACTION */
PGD_SESSION_COUNTER(prepared_commits, SUM, COUNT)	/* COMMIT PREPARED */
PGD_SESSION_COUNTER(prepared_rollbacks, SUM, COUNT)
PGD_SESSION_COUNTER(connects, SUM, COUNT)	/* the server's own, one a session */

/* executed for the client; without BEGIN, COMMIT and their like */
PGD_SESSION_COUNTER(statements, SUM, COUNT)

/* what outlives a transaction, and is lost behind a transaction pooler */
PGD_SESSION_COUNTER(sets, SUM, COUNT)
PGD_SESSION_COUNTER(temp_tables, SUM, COUNT)
PGD_SESSION_COUNTER(prepares, SUM, COUNT)
PGD_SESSION_COUNTER(listens, SUM, COUNT)
PGD_SESSION_COUNTER(held_cursors, SUM, COUNT)
PGD_SESSION_COUNTER(advisory_locks, SUM, COUNT)
PGD_SESSION_COUNTER(loads, SUM, COUNT)

/* what was in force at the end of the latest transaction of a session */
PGD_SESSION_COUNTER(min_statement_timeout, MIN, SETTING)
PGD_SESSION_COUNTER(max_statement_timeout, MAX, SETTING)
PGD_SESSION_COUNTER(min_lock_timeout, MIN, SETTING)
PGD_SESSION_COUNTER(max_lock_timeout, MAX, SETTING)
PGD_SESSION_COUNTER(min_idle_in_transaction_session_timeout, MIN, SETTING)
PGD_SESSION_COUNTER(max_idle_in_transaction_session_timeout, MAX, SETTING)
PGD_SESSION_COUNTER(min_transaction_timeout, MIN, SETTING)	/* PostgreSQL 17 on */
PGD_SESSION_COUNTER(max_transaction_timeout, MAX, SETTING)
