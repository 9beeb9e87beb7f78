--
-- Gates: assertions about transactions, plans and work, the gate of a
-- deployment, and TAP
--
SET pg_diagnose.burst_gap = '10s';
CREATE TABLE gates_orders (id int PRIMARY KEY, customer int, total int);
CREATE TABLE gates_lines (order_id int, name text);
INSERT INTO gates_orders SELECT i, i % 500, i FROM generate_series(1, 5000) AS i;
INSERT INTO gates_lines SELECT i % 5000 + 1, 'line ' || i FROM generate_series(1, 20000) AS i;
CREATE INDEX gates_customer_idx ON gates_orders (customer);
CREATE INDEX gates_lines_idx ON gates_lines (order_id);
VACUUM FREEZE ANALYZE gates_orders, gates_lines;
\set ids 'SELECT id FROM gates_orders WHERE customer = 7 ORDER BY id LIMIT 6;'
\set lines 'SELECT l.name FROM gates_orders AS o JOIN gates_lines AS l ON l.order_id = o.id WHERE o.customer = 7;'
\set loop 'SELECT format(''SELECT name FROM gates_lines WHERE order_id = %s'', id) FROM gates_orders WHERE customer = 7 ORDER BY id LIMIT 6 \\gexec'
\set quiet '\\o /dev/null \\\\ \\set ECHO none'
\set loud '\\o \\\\ \\set ECHO all'

-- ---- Transactions ----

SELECT diagnose.reset() IS NOT NULL AS reset;
-- none is a failure
SELECT diagnose.assert_transaction('/gates');

\set ECHO none
\o /dev/null
BEGIN /*route='/gates'*/;
:ids
:lines
UPDATE gates_orders SET total = total + 1 WHERE id = 7;
COMMIT;
\o
\set ECHO all
SELECT diagnose.assert_transaction('/gates');
SELECT diagnose.assert_transaction('/gates', max_statements => 3, max_rows => 100,
	max_blocks => 1000, max_wal_bytes => 100000, no_findings => '{all}');
-- by its other names
SELECT diagnose.assert_transaction(t.id), diagnose.assert_transaction(t.shape::text)
FROM diagnose.transaction_work(diagnose.since_reset()) AS t WHERE t.tag = '/gates';
SELECT diagnose.assert_transaction('/gates', max_statements => 2);
SELECT diagnose.assert_transaction('/gates', max_rows => 30);
SELECT diagnose.assert_transaction('/gates', max_statements => 0, max_rows => 10);
DO $$
BEGIN
	PERFORM diagnose.assert_transaction('/gates', max_blocks => 5, max_wal_bytes => 5);
EXCEPTION WHEN SQLSTATE 'PD001' THEN
	RAISE NOTICE '%', regexp_replace(SQLERRM, '\d+ >', '<n> >', 'g');
END $$;

-- a loop: the largest counts, and a finding has a name
\set ECHO none
\o /dev/null
BEGIN /*route='/gates'*/;
:loop
COMMIT;
-- as a burst
:loop
SELECT 1 /*route='/done'*/;
\o
\set ECHO all
SELECT diagnose.assert_transaction('/gates', max_statements => 7);
SELECT diagnose.assert_transaction('/gates', max_statements => 6);
SELECT diagnose.assert_transaction('/gates', no_findings => '{redundant_read}');
SELECT diagnose.assert_transaction('/gates', no_findings => '{n_plus_one,redundant_read}');
SELECT diagnose.assert_transaction('/gates', max_statements => 6, no_findings => '{repeatable}');
SELECT diagnose.assert_transaction('pg_regress/gates', no_findings => '{n_plus_one}');

-- our own statements are none of a transaction's
\set ECHO none
\o /dev/null
BEGIN /*route='/own'*/;
:ids
SELECT diagnose.seconds(diagnose.since_reset());
SELECT diagnose.seconds(diagnose.since_reset());
COMMIT;
\o
\set ECHO all
SELECT diagnose.assert_transaction('/own', max_statements => 1);
SELECT diagnose.assert_transaction('/own', max_statements => 0);

-- bad input
SELECT diagnose.assert_transaction('/gate');
SELECT diagnose.assert_transaction(NULL);
SELECT diagnose.assert_transaction('/gates', max_rows => -1);
SELECT regexp_replace(p[1], '\s', ' '), p[2] ~ 'n_plus_one', p[3], p[4]
FROM diagnose.transaction_problem('/gates', NULL, NULL, NULL, NULL, '{n_plus_two}',
	diagnose.since_reset()) AS p;
SELECT diagnose.transaction_problem('/gates', NULL, NULL, NULL, NULL, '{NULL}',
	diagnose.since_reset()) IS NOT NULL AS is_problem;

-- ---- Plans ----

SELECT diagnose.assert_plan('SELECT * FROM gates_orders WHERE customer = 7',
	uses_index => 'gates_customer_idx', no_seq_scan => 'gates_orders', max_cost => 100, max_rows => 20);
-- for any value, in the caller's search_path, and with quoted names
SELECT diagnose.assert_plan('SELECT * FROM gates_orders WHERE customer = $2 AND total > $1',
	uses_index => 'public.gates_customer_idx', no_seq_scan => '*');
CREATE SCHEMA "Gates";
SET search_path = "Gates", public;
CREATE TABLE "Lines" AS SELECT * FROM gates_lines;
CREATE INDEX "Lines idx" ON "Lines" (order_id);
ANALYZE "Lines";
SELECT diagnose.assert_plan('SELECT * FROM "Lines" WHERE order_id = $1 -- or any other',
	uses_index => '"Lines idx"', no_seq_scan => '"Lines"');
SELECT diagnose.assert_plan('SELECT * FROM "Lines" WHERE order_id + 1 = $1',
	uses_index => '"Gates"."Lines idx"', no_seq_scan => '"Lines"');
RESET search_path;
SELECT diagnose.assert_plan('SELECT * FROM gates_orders WHERE total = 1', no_seq_scan => '*');
SELECT diagnose.assert_plan('SELECT * FROM gates_orders WHERE total = 1', no_seq_scan => 'gates_lines');
SELECT diagnose.assert_plan('SELECT * FROM gates_orders WHERE customer = 7',
	uses_index => 'gates_orders_pkey');
SELECT diagnose.assert_plan('SELECT count(*) FROM gates_lines WHERE order_id = 7',
	uses_index => 'gates_no_idx');
SELECT diagnose.assert_plan('SELECT * FROM gates_orders', max_rows => 4999);
-- not executed
SELECT diagnose.assert_plan('DELETE FROM gates_orders WHERE id = $1', uses_index => 'gates_orders_pkey');
SELECT diagnose.assert_plan('WITH gone AS (DELETE FROM gates_orders RETURNING id) SELECT 1 / count(*) * 0 FROM gone',
	uses_index => 'gates_orders_pkey');
SELECT count(*) FROM gates_orders;
-- partitions are not left out for a parameter that has no value
CREATE TABLE gates_parted (day int, v int) PARTITION BY RANGE (day);
CREATE TABLE gates_part_1 PARTITION OF gates_parted FOR VALUES FROM (1) TO (2);
CREATE TABLE gates_part_2 PARTITION OF gates_parted FOR VALUES FROM (2) TO (3);
SELECT diagnose.assert_plan('SELECT * FROM gates_parted WHERE day = $1', no_seq_scan => '*');
SELECT diagnose.assert_plan('SELECT * FROM gates_parted WHERE day = 1', no_seq_scan => 'gates_part_2');
SHOW enable_partition_pruning;
SHOW plan_cache_mode;
-- bad input
SELECT diagnose.assert_plan('SELECT 1; DROP TABLE gates_orders', no_seq_scan => '*');
SELECT diagnose.assert_plan('SELECT $1; DROP TABLE gates_orders', no_seq_scan => '*');
SELECT diagnose.assert_plan('DROP TABLE gates_orders', no_seq_scan => '*');
SELECT diagnose.assert_plan('EXPLAIN ANALYZE DELETE FROM gates_orders', no_seq_scan => '*');
SELECT diagnose.assert_plan('SELECT 1 INTO gates_into', no_seq_scan => '*');
SELECT diagnose.assert_plan('CREATE TABLE gates_into AS SELECT 1', no_seq_scan => '*');
SELECT diagnose.assert_plan('SELEC 1', no_seq_scan => '*');
SELECT diagnose.assert_plan('SELECT * FROM gates_nothing', no_seq_scan => '*');
SELECT diagnose.assert_plan(' ; -- nothing', no_seq_scan => '*');
SELECT diagnose.assert_plan(NULL, no_seq_scan => '*');
SELECT diagnose.assert_plan('SELECT 1', no_seq_scan => 'gates_nothing');
SELECT diagnose.assert_plan('SELECT 1');
SELECT count(*) FROM pg_prepared_statements;
-- where nothing can be written
BEGIN READ ONLY;
SELECT diagnose.assert_plan('UPDATE gates_orders SET total = 0 WHERE id = $1', uses_index => 'gates_orders_pkey');
SELECT diagnose.assert_transaction('/gates', max_statements => 7);
COMMIT;

-- ---- Plans that were executed ----

SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT diagnose.assert_executed_plan('SELECT total FROM gates_orders WHERE customer = 1');
SELECT count(total) FROM gates_orders WHERE customer = 7;
SELECT diagnose.assert_executed_plan('SELECT count(total) FROM gates_orders WHERE customer = 12');
SET enable_indexscan = off;
SET enable_bitmapscan = off;
SELECT count(total) FROM gates_orders WHERE customer = 7;
RESET enable_indexscan;
RESET enable_bitmapscan;
SELECT diagnose.assert_executed_plan('SELECT count(total) FROM gates_orders WHERE customer = 12');
SELECT diagnose.assert_executed_plan('SELECT count(total) FROM gates_orders WHERE customer = 12', 2);
SELECT diagnose.assert_executed_plan('SELECT count(total) FROM gates_orders WHERE customer = 12', 0);
SELECT diagnose.assert_executed_plan('SELECT count(total) FROM gates_orders WHERE customer = 12', NULL);
SELECT diagnose.assert_executed_plan(NULL);
SELECT diagnose.assert_executed_plan('');
SELECT diagnose.assert_executed_plan('SELECT 1', baseline => 'gates_nothing');

-- ---- Work before and after ----

SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
BEGIN /*route='/gates'*/;
:ids
:lines
COMMIT;
UPDATE gates_orders SET total = 0 WHERE id = 4000;
SELECT 'a' || count(*) FROM gates_lines WHERE order_id = 7;
\o
\set ECHO all
SELECT diagnose.take_snapshot() AS first \gset
-- the same again
\set ECHO none
\o /dev/null
BEGIN /*route='/gates'*/;
:ids
:lines
COMMIT;
UPDATE gates_orders SET total = 0 WHERE id = 4001;
SELECT 'a' || count(*) FROM gates_lines WHERE order_id = 7;
\o
\set ECHO all
SELECT diagnose.take_snapshot() AS second \gset
\set before 'ROW(NULL, ' :first ')::diagnose.window'
\set same 'ROW(' :first ', ' :second ')::diagnose.window'
\set now 'ROW(' :second ', NULL)::diagnose.window'
SELECT diagnose.assert_no_regression(:before, :same);
SELECT kind, verdict, subject, changes
FROM diagnose.work_changes(:before, :same) ORDER BY kind, verdict, subject COLLATE "C";

-- nothing yet; a burst that goes on counts where it ends, without what asked
SELECT diagnose.assert_no_regression(:before, :now);
SELECT kind, tag, round(statements, 1) AS statements
FROM diagnose.work_of_tags(:now) WHERE statements > 0;

-- without an index, more often, other rows, and failures
DROP INDEX gates_lines_idx;
DELETE FROM gates_orders WHERE id = 7;
\set ECHO none
\o /dev/null
BEGIN /*route='/gates'*/;
:ids
:lines
COMMIT;
UPDATE gates_orders SET total = 0 WHERE id = 4002;
UPDATE gates_orders SET total = 0 WHERE id = 4003;
SELECT 'a' || count(*) FROM gates_lines WHERE order_id = 7;
SELECT 1 / (count(*) - count(*)) FROM gates_lines WHERE order_id = 7;
\o
\set ECHO all
-- what became of the rest, too
CREATE FUNCTION pg_temp.changes(before diagnose.window, after diagnose.window)
RETURNS TABLE (kind text, verdict text, subject text, changes text) LANGUAGE sql AS $$
	SELECT kind, verdict, subject,
		regexp_replace(changes, '(blocks per call) \d+ -> \d{2,}', '\1 <n> -> <more>')
	FROM diagnose.work_changes(before, after) ORDER BY kind, verdict, subject COLLATE "C", changes
$$;
SELECT * FROM pg_temp.changes(:before, :now);
SELECT diagnose.assert_no_regression(:before, :now, blocks_tolerance => 1000, same_plans => false);
SELECT diagnose.assert_no_regression(:before, :now, blocks_tolerance => 1000, same_plans => false,
	same_calls => false, rows_tolerance => 0.5);
SELECT diagnose.assert_no_regression(:before, :now, ignore => 'gates_lines', same_calls => false,
	rows_tolerance => 0.5);
SELECT diagnose.assert_no_regression(:before, :now, ignore => 'gates');

-- new statements and missing ones, a loop in place of a join
CREATE INDEX gates_lines_idx ON gates_lines (order_id);
SELECT diagnose.take_snapshot() AS third \gset
\set now 'ROW(' :third ', NULL)::diagnose.window'
\set ECHO none
\o /dev/null
BEGIN /*route='/gates'*/;
SELECT id FROM gates_orders WHERE customer = 8 ORDER BY id LIMIT 6;
SELECT format('SELECT name FROM gates_lines WHERE order_id = %s', id) FROM gates_orders WHERE customer = 8 ORDER BY id LIMIT 6 \gexec
COMMIT;
UPDATE gates_orders SET total = 0 WHERE id = 4004;
SELECT 'a' || count(*) FROM gates_lines WHERE order_id = 8;
\o
\set ECHO all
SELECT diagnose.assert_no_regression(:before, :now, same_plans => false);
SELECT diagnose.assert_no_regression(:before, :now, same_plans => false, ignore => 'ORDER BY id|WHERE order_id');
SELECT diagnose.assert_no_regression(:before, :now, same_plans => false, allow_new => false, allow_missing => false);

-- at most 20 lines
\set ECHO none
\o /dev/null
SELECT format('SELECT %s FROM gates_orders WHERE id = 1', array_to_string(array_fill('id'::text, ARRAY[i]), ', '))
FROM generate_series(1, 30) AS i \gexec
\o
\set ECHO all
SELECT cardinality(l.lines), l.lines[21]
FROM diagnose.regression_problem('against that', :before, :now, false, true, false, false, 1, 1000, 1, NULL) AS p,
	string_to_array(p[2], E'\n') AS l (lines);

-- what others did is not seen by everybody
CREATE ROLE gates_nobody;
SET ROLE gates_nobody;
SELECT diagnose.assert_no_regression(:before, :now);
SELECT diagnose.assert_transaction('/gates');
RESET ROLE;
DROP ROLE gates_nobody;

-- bad input
SELECT diagnose.assert_no_regression('gates_nothing');
SELECT diagnose.assert_no_regression(NULL::text);
SELECT diagnose.assert_no_regression(NULL::diagnose.window);
SELECT diagnose.assert_no_regression(diagnose.since_reset());
SELECT diagnose.assert_no_regression(:same, :same, blocks_tolerance => -1);
SELECT diagnose.assert_no_regression(:same, :same, rows_tolerance => NULL);
SELECT diagnose.assert_no_regression(:same, :same, wal_tolerance => 'NaN');
SELECT diagnose.assert_no_regression(:same, :same, ignore => '(');
SELECT diagnose.assert_no_regression(ROW(12, 11)::diagnose.window);
SELECT diagnose.assert_no_regression(ROW(NULL, 1000000)::diagnose.window);
SELECT diagnose.assert_no_regression(:same, ROW(1000000, NULL)::diagnose.window);
SELECT diagnose.assert_transaction('/gates', w => NULL);
SELECT diagnose.assert_transaction('/gates', w => ROW(12, 11)::diagnose.window);
SELECT diagnose.assert_executed_plan('SELECT 1', w => ROW(NULL, 1000000)::diagnose.window);

-- the same by the name of a baseline
SELECT (diagnose.rebaseline('gates', 'to compare with', :before)).upper = :first AS made;
SELECT diagnose.assert_no_regression('gates', :same);
SELECT diagnose.assert_no_regression('gates', :now, same_plans => false, ignore => '^SELECT');
SELECT diagnose.assert_executed_plan('UPDATE gates_orders SET total = 1 WHERE id = 1', baseline => 'gates');
SET enable_indexscan = off;
SET enable_bitmapscan = off;
UPDATE gates_orders SET total = 0 WHERE id = 4005;
RESET enable_indexscan;
RESET enable_bitmapscan;
SELECT diagnose.assert_executed_plan('UPDATE gates_orders SET total = 1 WHERE id = 1', 2, baseline => 'gates');
SELECT diagnose.assert_executed_plan('SELECT id FROM gates_orders WHERE id = 1', 30, baseline => 'gates');
-- and by a file, which cannot say anything about plans
SELECT diagnose.import(diagnose.export(:before, timings => false), 'gates_file') IS NOT NULL AS imported;
SELECT diagnose.assert_no_regression('gates_file', :same);
SELECT diagnose.assert_no_regression('gates_file', :now, ignore => '^SELECT', blocks_tolerance => 100);
SELECT diagnose.assert_executed_plan('UPDATE gates_orders SET total = 1 WHERE id = 1', 2, baseline => 'gates_file');
SELECT diagnose.assert_no_regression('gates_file', :same, same_plans => true);

-- what came after begins where the window ends, or with a reset since
SELECT diagnose.window_after(:before) = ROW(:first, NULL)::diagnose.window AS goes_on;
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT diagnose.window_after(:before) = diagnose.since_reset() AS begins_anew;
\set ECHO none
\o /dev/null
BEGIN /*route='/gates'*/;
SELECT id FROM gates_orders WHERE customer = 9 ORDER BY id LIMIT 6;
SELECT l.name FROM gates_orders AS o JOIN gates_lines AS l ON l.order_id = o.id WHERE o.customer = 9;
COMMIT;
\o
\set ECHO all
SELECT diagnose.assert_no_regression(:before, same_plans => false);

-- ---- The gate of a deployment ----

-- two runs of four statements tell nothing about time
SELECT verdict, cardinality(reasons) AS reasons, reasons[1] ~ '^overall inconclusive: ' AS honest
FROM diagnose.gate(:before, :same);
SELECT verdict FROM diagnose.gate('gates', :same);
SELECT p[1], p[2] ~ '^overall inconclusive: ' AS honest FROM diagnose.gate_problem('gates', :same, 0) AS p;

-- what compare() says is made up
BEGIN;
CREATE TABLE gates_compared OF diagnose.comparison;
CREATE OR REPLACE FUNCTION diagnose.compare(before diagnose.window, after diagnose.window,
	with_findings boolean DEFAULT true)
RETURNS SETOF diagnose.comparison LANGUAGE plpgsql STABLE AS 'BEGIN RETURN QUERY SELECT * FROM public.gates_compared; END';
SELECT * FROM diagnose.gate(:same, :now);
INSERT INTO gates_compared (kind, verdict, key, subject, reason, impact_ms_per_s, evidence) VALUES
	('overall', 'unchanged', 'overall', 'all', 'the same', 0.1, '{}'),
	('query', 'unchanged', 'a', 'SELECT 1', 'the same', 0, '{}'),
	('query', 'inconclusive', 'b', 'SELECT 2', 'too few', NULL, '{}'),
	('finding', 'new', 'c', 'SELECT 3', 'slow', 1, '{"severity_after": "warning"}'),
	('finding', 'gone', 'd', 'SELECT 4', 'slow', -1, '{"severity_before": "critical"}'),
	('finding', 'unchanged', 'e', 'SELECT 5', 'slow', 0, '{"severity_before": "critical", "severity_after": "critical"}'),
	('query', 'improved', 'd', 'SELECT 4', 'faster', -3, '{}');
SELECT * FROM diagnose.gate(:same, :now);
SELECT * FROM diagnose.gate(:same);
UPDATE gates_compared SET verdict = 'inconclusive', reason = '2 windows before, 8 are needed' WHERE kind = 'overall';
SELECT * FROM diagnose.gate(:same, :now);
INSERT INTO gates_compared (kind, verdict, key, subject, reason, impact_ms_per_s, evidence) VALUES
	('query', 'regressed', 'e', 'SELECT 5', 'blocks per call 3 -> 168', 2, '{}'),
	('transaction', 'regressed', 'f', '/checkout', 'p50 1.9 times', 5, '{}'),
	('finding', 'new', 'g', 'deadlocks', 'not found before', NULL, '{"severity_after": "critical"}'),
	('finding', 'unchanged', 'h', 'SELECT 6', 'was a warning', 8, '{"severity_before": "warning", "severity_after": "critical"}');
SELECT verdict, unnest(reasons) AS reason FROM diagnose.gate(:same, :now);
SELECT verdict, unnest(reasons) AS reason FROM diagnose.gate(:same, :now, max_impact => 3);
DELETE FROM gates_compared WHERE kind = 'finding';
SELECT verdict, unnest(reasons) AS reason FROM diagnose.gate(:same, :now, max_impact => 10);
ROLLBACK;
\set VERBOSITY terse
SELECT diagnose.gate('gates_nothing');
SELECT diagnose.gate(NULL::text);
SELECT diagnose.gate(:same, :now, max_impact => -1);
SELECT diagnose.assert_gate('gates_nothing');
\set VERBOSITY default

-- ---- TAP ----

CREATE FUNCTION gates_assert() RETURNS void LANGUAGE plpgsql AS 'BEGIN ASSERT false, ''as said''; END';

\pset format unaligned
\pset tuples_only on
SELECT diagnose.tap(
	$$assert_transaction('/gates', max_statements => 8)$$,
	$$assert_transaction('/gates', max_statements => 1)$$,
	$$diagnose.assert_plan('SELECT * FROM gates_orders WHERE total = 1',
		no_seq_scan => '*')$$,
	'SELECT 1 = 1;',
	'1 = 2 -- #1',
	'SELECT 1 / 0',
	'SELEC',
	$$gates_assert()$$,
	'',
	NULL);
SELECT diagnose.tap(VARIADIC '{}');
SELECT diagnose.tap(VARIADIC NULL);
\pset format aligned
\pset tuples_only off

-- ---- Problems ----

SELECT diagnose.raise_problem(NULL);
SELECT diagnose.raise_problem('{}');
SELECT diagnose.raise_problem('{NULL,no message}');
DO $$
DECLARE
	context							text;
BEGIN
	PERFORM diagnose.raise_problem('{100 %s,detail %d,hint %m,22023,more}');
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
	RAISE NOTICE '% (%)', SQLERRM, context;
END $$;
SELECT diagnose.raise_problem('{message,NULL,hint,bad}');

SELECT diagnose.drop_baseline('gates', 'is tested');
SELECT count(diagnose.drop_snapshot(id)::text) > 0 AS dropped FROM diagnose.snapshots()
WHERE label = 'gates_file' OR id IN (:first, :second, :third);
RESET pg_diagnose.burst_gap;
DROP TABLE gates_orders, gates_lines, gates_parted;
DROP TABLE "Gates"."Lines";
DROP SCHEMA "Gates";
DROP FUNCTION gates_assert;
