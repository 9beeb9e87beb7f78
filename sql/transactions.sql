--
-- Transactions for people: shapes and their timelines, bursts and blocks, who
-- did it
--
\set VERBOSITY terse
CREATE TABLE xv_orders (id int PRIMARY KEY, customer int, status text);
CREATE TABLE xv_items (id int PRIMARY KEY, order_id int, name text);
INSERT INTO xv_orders SELECT i, i % 3, 'new' FROM generate_series(1, 30) AS i;
INSERT INTO xv_items SELECT i, i % 30 + 1, 'item ' || i FROM generate_series(1, 300) AS i;
SET pg_diagnose.burst_gap = '10s';
\set done 'SELECT 1 AS done /*route=\'done\'*/'

-- who did it, by what says most
SELECT diagnose.tag_text('/orders', 'orders', 'show', 'psql') AS route,
	diagnose.tag_text('', 'orders', 'show', 'psql') AS action,
	diagnose.tag_text(NULL, 'orders', NULL, 'psql') AS controller,
	diagnose.tag_text(NULL, NULL, '', 'psql') AS application,
	diagnose.tag_text(NULL, NULL, NULL, NULL) AS nobody;

-- a shape in a few words
SELECT diagnose.shape_text('SELECT a FROM t', 1, 30), diagnose.shape_text('SELECT a FROM t', 4, 30),
	diagnose.shape_text('SELECT a FROM t WHERE b = ? AND c = ?', 12, 30),
	diagnose.shape_text(NULL, 2, 30), diagnose.shape_text(NULL, 0, 30);

-- what can be seen of transactions, for people
CREATE VIEW xv_times AS
SELECT kind, tag, calls, statements, positions,
	p50_ms <= p95_ms AND p95_ms <= p99_ms AND p99_ms <= max_ms AS ordered,
	total_ms >= max_ms AS summed, commit_p95_ms IS NOT NULL AS committed, failed_pct,
	first_statement
FROM diagnose.transaction_times(diagnose.since_reset())
WHERE tag NOT IN ('done', 'pg_regress');
CREATE VIEW xv_steps AS
SELECT tag, position AS pos, calls, rounds, rows, failures, locks, diagnose.short_text(query, 50) AS query
FROM diagnose.transaction_timeline(diagnose.since_reset())
WHERE tag !~ '^done|^pg_regress';

:done;
SELECT diagnose.reset() IS NOT NULL AS reset;

-- a checkout that calls a payment service while it holds the order
BEGIN /*route='%2Fcheckout',traceparent='00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01'*/;
SELECT status FROM xv_orders WHERE id = 7;
UPDATE xv_orders SET status = 'paying' WHERE id = 7;
\! sleep 0.2 # workload: the payment service
UPDATE xv_orders SET status = 'paid' WHERE id = 7 AND status = 'paying';
COMMIT;
SELECT * FROM xv_times WHERE tag = '/checkout';
SELECT * FROM xv_steps WHERE tag = '/checkout';
-- where the time went: into the gap at position 3
SELECT idle_ms BETWEEN 200 AND 1200 AS idled, pct > 60 AS most
FROM diagnose.transaction_timeline(diagnose.since_reset())
WHERE tag = '/checkout' AND position = 3;
SELECT sum(pct) BETWEEN 80 AND 100.5 AS all_of_it, count(idle_ms) AS idled
FROM diagnose.transaction_timeline(diagnose.since_reset())
WHERE tag = '/checkout';
SELECT idle BETWEEN 60 AND 100 AS idle, fail, transaction FROM diagnose.transactions
WHERE transaction ~ '^/checkout';
SELECT id, traceparent FROM diagnose.transaction_times(diagnose.since_reset())
WHERE tag = '/checkout' \gset
SELECT :'traceparent' AS traceparent;

-- the same as lines to read
SELECT regexp_replace(line, '^ [ .\d]{27}', repeat(' ', 28)) AS line
FROM diagnose.transaction(:'id') AS t (line)
WHERE line !~ '^(transaction of|  Lasts:|  Of which:)';
SELECT count(*) FROM diagnose.transaction(:'id') AS t (line)
WHERE line ~ '^transaction of /checkout in database .*, role .*'
	OR line ~ '^  Lasts: .* on average, median .* p95 .* p99 .* at most '
	OR line ~ '^  Of which: .* executing, .* waiting for the client, .* committing$';
SELECT diagnose.transaction('nothing');
SELECT diagnose.transaction(NULL);
SELECT * FROM diagnose.transaction(:'id', NULL) AS t (line) WHERE false;

-- the same statements in a burst hold nothing, and are not a transaction
SELECT status FROM xv_orders WHERE id = 8 /*controller='carts',action='show'*/;
UPDATE xv_orders SET status = 'paying' WHERE id = 8;
UPDATE xv_orders SET status = 'paid' WHERE id = 8 AND status = 'paying';
:done;
SELECT * FROM xv_times WHERE tag = 'carts#show';
SELECT * FROM xv_steps WHERE tag = 'carts#show';

-- loops, alone and several statements in turn; however often, it is one shape
BEGIN /*route='/loops'*/;
SELECT id FROM xv_orders WHERE customer = 1 AND id < 8;
SELECT name FROM xv_items WHERE id = 1;
SELECT name FROM xv_items WHERE id = 4;
SELECT name FROM xv_items WHERE id = 7;
SELECT count(*) FROM xv_items WHERE order_id = 1;
SELECT status FROM xv_orders WHERE id = 1;
SELECT count(*) FROM xv_items WHERE order_id = 4;
SELECT status FROM xv_orders WHERE id = 4;
COMMIT;
BEGIN /*route='/loops'*/;
SELECT id FROM xv_orders WHERE customer = 1 AND id < 11;
SELECT name FROM xv_items WHERE id = 1;
SELECT name FROM xv_items WHERE id = 4;
SELECT name FROM xv_items WHERE id = 7;
SELECT name FROM xv_items WHERE id = 10;
SELECT count(*) FROM xv_items WHERE order_id = 1;
SELECT status FROM xv_orders WHERE id = 1;
SELECT count(*) FROM xv_items WHERE order_id = 4;
SELECT status FROM xv_orders WHERE id = 4;
SELECT count(*) FROM xv_items WHERE order_id = 7;
SELECT status FROM xv_orders WHERE id = 7;
COMMIT;
SELECT * FROM xv_times WHERE tag = '/loops';
SELECT * FROM xv_steps WHERE tag = '/loops';

-- how they end
BEGIN /*route='/ends'*/;
UPDATE xv_orders SET status = 'old' WHERE id = 1;
COMMIT;
BEGIN /*route='/ends'*/;
UPDATE xv_orders SET status = 'old' WHERE id = 2;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY /*route='/ends'*/;
SELECT 1 / (id - 1) FROM xv_orders WHERE id = 1;
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ /*route='/ends'*/;
LOCK TABLE xv_orders IN SHARE MODE;
SELECT id FROM xv_orders WHERE id = 1 FOR UPDATE;
PREPARE TRANSACTION 'xv';
ROLLBACK PREPARED 'xv' /*route='/ends'*/;
:done;
SELECT * FROM xv_times WHERE tag = '/ends' ORDER BY first_statement COLLATE "C", positions;
SELECT * FROM xv_steps WHERE tag = '/ends' ORDER BY query COLLATE "C", pos;

-- an empty one has a beginning and an end
BEGIN /*route='/empty'*/;
COMMIT;
SELECT * FROM xv_times WHERE tag = '/empty';
SELECT * FROM xv_steps WHERE tag = '/empty';
SELECT transaction FROM diagnose.transactions WHERE transaction ~ '^/empty';

-- what pg_diagnose is asked is left out, and open transactions are not our own
BEGIN;
SELECT count(*) >= 0 AS open FROM diagnose.open_transactions();
SELECT count(*) > 0 AS findings FROM diagnose.findings(diagnose.since_reset()) WHERE false;
COMMIT;
SELECT count(*) FROM diagnose.transaction_times(diagnose.since_reset())
WHERE first_statement ~ 'diagnose';
SELECT count(*) FROM diagnose.open_transactions() WHERE pid = pg_backend_pid();

-- a prepared transaction is open, and has no process
BEGIN;
UPDATE xv_orders SET status = 'lost' WHERE id = 3;
PREPARE TRANSACTION 'xv lost';
SELECT pid, kind, state, table_lock, locked_table, xid IS NOT NULL AS rows, query
FROM diagnose.open_transactions() WHERE kind = 'prepared';
SELECT pid, kind, stmts, holds, blocks, statement FROM diagnose.open_transactions
WHERE kind = 'prepared';
ROLLBACK PREPARED 'xv lost';

DROP VIEW xv_times, xv_steps;
DROP TABLE xv_orders, xv_items;

-- without track_activities think time is unknown, not 0
SELECT diagnose.reset() IS NOT NULL AS reset;
SET track_activities = off;
BEGIN;
SELECT 1 AS one;
SELECT 2 AS two;
COMMIT;
RESET track_activities;
SELECT kind, calls, idle FROM diagnose.transactions WHERE kind = 'xact';
