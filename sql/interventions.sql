--
-- diagnose.interventions(): what became of the workload with each change.
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
\ir :fixture
\set QUIET on
\set VERBOSITY terse
\pset expanded off
ALTER SYSTEM SET pg_diagnose.snapshot_interval = 0;
SELECT pg_reload_conf();
CREATE TABLE iv_orders (id int PRIMARY KEY, customer int, note text);
INSERT INTO iv_orders SELECT i, i % 500, repeat('x', 100) FROM generate_series(1, 20000) AS i;
CREATE TABLE iv_items (id int PRIMARY KEY, order_id int, name text);
INSERT INTO iv_items SELECT i, i % 100, 'item ' || i FROM generate_series(1, 1000) AS i;
VACUUM (FREEZE, ANALYZE) iv_orders, iv_items;
CREATE FUNCTION pg_temp.judged(n int, OUT kind text, OUT what text, OUT changes int, OUT verdict text,
	OUT saves boolean, OUT improved bigint, OUT regressed bigint, OUT touched bigint, OUT sentence text, OUT undo text)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT i.kind, i.what, i.changes, i.verdict, i.saved_ms_per_s > 0, i.improved, i.regressed, i.touched_regressed,
		regexp_replace(split_part(i.sentence, '; ', CASE WHEN i.verdict IN ('improved', 'regressed') THEN 2 ELSE 1 END),
			'[0-9.]+ (ms|s)\M', '<n>', 'g'), i.undo
	FROM diagnose.interventions(n) AS i ORDER BY i.id
$$;
\pset format unaligned
\pset null -
-- nothing is known before there is a snapshot
SELECT diagnose.reset() IS NOT NULL AS done;
CREATE INDEX iv_items_order ON iv_items (order_id);
SELECT what, verdict, sentence, (before).lower, (before).upper IS NULL AS none FROM diagnose.interventions(1);
DROP INDEX iv_items_order;

-- an index
SELECT diagnose.reset() IS NOT NULL AS done;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM iv_orders WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(name) AS names FROM iv_items WHERE order_id = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.take_snapshot() > 0 AS taken;
CREATE INDEX iv_orders_customer ON iv_orders (customer);
SELECT what, verdict, sentence FROM diagnose.interventions(1);
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM iv_orders WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(name) AS names FROM iv_items WHERE order_id = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.* FROM pg_temp.judged(1) AS diagnose;
-- it stays judged when the next change comes
SELECT diagnose.take_snapshot() > 0 AS taken;
DROP INDEX iv_orders_customer;
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM iv_orders WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(name) AS names FROM iv_items WHERE order_id = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.* FROM pg_temp.judged(2) AS diagnose;
-- a release with what belongs to it is one intervention, of its label
SELECT diagnose.take_snapshot() > 0 AS taken;
SELECT diagnose.mark('interventions: release 1', 'orders by customer') > 0 AS marked;
BEGIN;
CREATE INDEX iv_orders_customer ON iv_orders (customer);
ALTER TABLE iv_items ADD COLUMN price int;
COMMIT;
CREATE INDEX iv_items_name ON iv_items (name);
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM iv_orders WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(name) AS names FROM iv_items WHERE order_id = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.* FROM pg_temp.judged(1) AS diagnose;
SELECT jsonb_pretty(evidence -> 'changes') FROM diagnose.interventions(1);
-- one that does nothing
SELECT diagnose.mark('interventions: release 2') > 0 AS marked;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM iv_orders WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(name) AS names FROM iv_items WHERE order_id = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.kind, what, changes, verdict IN ('unchanged', 'inconclusive') AS nothing, improved, regressed FROM pg_temp.judged(1) AS diagnose;
-- a setting
SELECT diagnose.take_snapshot() > 0 AS taken;
ALTER SYSTEM SET enable_bitmapscan = off;
ALTER SYSTEM SET enable_indexscan = off;
SELECT pg_reload_conf();
SELECT pg_temp.wait_for($$count(*) = 2 FROM diagnose.marks() WHERE what ~ '^enable_' AND at > now() - interval '1 minute'$$);
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(note) AS notes FROM iv_orders WHERE customer = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(name) AS names FROM iv_items WHERE order_id = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT diagnose.* FROM pg_temp.judged(1) AS diagnose;
-- all of them, the latest first; not our own settings
SELECT what FROM diagnose.interventions(5);
SELECT count(*) <= 10 AS ten, max(length(format('%s | %s | %s | %s | %s | %s | %s', at, rpad(what, 28), rpad(verdict, 12), saved, better, worse, rpad(sentence, 34)))) <= 120 AS fits
FROM diagnose.interventions;
SELECT count(*) FROM diagnose.interventions(100) WHERE what LIKE 'pg\_diagnose%';
SELECT count(*) FROM diagnose.interventions(10, now() + interval '1 day');
SELECT count(*) FROM diagnose.interventions(0);
SELECT count(*) FROM diagnose.interventions(NULL);
ALTER SYSTEM RESET enable_bitmapscan;
ALTER SYSTEM RESET enable_indexscan;
ALTER SYSTEM RESET pg_diagnose.snapshot_interval;
SELECT pg_reload_conf();
SELECT diagnose.drop_snapshot(id) FROM diagnose.snapshots() WHERE label ~ '^interventions' \g /dev/null
DROP TABLE iv_orders, iv_items;
