--
-- Windows: what happened between two snapshots, and nothing else; names of
-- their ends, and names that are none
--
\set VERBOSITY terse
CREATE TABLE w_t (id int PRIMARY KEY, v int);
INSERT INTO w_t SELECT i, 0 FROM generate_series(1, 200) AS i;
ANALYZE w_t;
SET pg_diagnose.burst_gap = '1min';
SET enable_bitmapscan = off;

-- What a statement says when it fails, without what differs between runs.
CREATE FUNCTION w_error(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	hint							text;
BEGIN
	EXECUTE statement;
	RETURN 'no error';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', sqlstate,
		regexp_replace(regexp_replace(sqlerrm, 'snapshot \d+', 'snapshot N', 'g'),
			' at \d{4}-.*', ' at T'), nullif(hint, ''));
END $$;
-- The number of a snapshot.
CREATE FUNCTION w_id(label text) RETURNS bigint LANGUAGE sql AS $$
	SELECT s.id FROM diagnose.snapshots() AS s WHERE s.label = w_id.label AND s.is_own
$$;
CREATE VIEW w_statements AS
SELECT 'a-b' AS w, s.* FROM diagnose.statements(diagnose.window('w a', 'w b')) AS s
UNION ALL
SELECT 'b-c', s.* FROM diagnose.statements(diagnose.window('w b', 'w c')) AS s
UNION ALL
SELECT 'a-c', s.* FROM diagnose.statements(diagnose.window('w a', 'w c')) AS s;
SELECT diagnose.reset() IS NOT NULL AS reset;

-- ---- work: before, between a and b, between b and c ----
SELECT count(*) FROM w_t;
SELECT v FROM w_t WHERE id = 1;
SELECT count(*), 'longest' FROM w_t, pg_sleep(0.03); -- workload: the longest
SELECT 1 / (id - 1) FROM w_t;
SELECT diagnose.take_snapshot('w a') > 0 AS taken;

SELECT v FROM w_t WHERE id = 2;
SELECT v FROM w_t WHERE id = 3;
SELECT count(*), 'longest' FROM w_t, pg_sleep(0); -- workload: a function that takes its time
SELECT 1 / (id - 1) FROM w_t;
BEGIN /*route='w'*/;
UPDATE w_t SET v = v + 1 WHERE id <= 50;
SELECT v FROM w_t WHERE id = 4;
COMMIT;
SELEC w_t;
SELECT diagnose.take_snapshot('w b') > 0 AS taken;

SELECT v FROM w_t WHERE id = 5;
SELECT sum(v) AS news FROM w_t;
BEGIN /*route='w'*/;
UPDATE w_t SET v = v + 1 WHERE id <= 70;
SELECT v FROM w_t WHERE id = 4;
ROLLBACK;
SET enable_seqscan = off;
SELECT v FROM w_t WHERE id = 6;
RESET enable_seqscan;
SELECT diagnose.take_snapshot('w c') > 0 AS taken;

-- ---- statements ----
SELECT w, query, calls, rows, failed, diagnose.total(histogram) AS histogram,
	shared_blks_hit + shared_blks_read > 0 AS blocks, wal_records > 0 AS wal
FROM w_statements WHERE query ~ 'w_t\M' AND query !~ 'diagnose'
ORDER BY query COLLATE "C", w COLLATE "C";
-- a..b and b..c are a..c, in every number, for every statement
CREATE TEMP TABLE w_sums AS
SELECT w = 'a-c' AS whole, toplevel, queryid, calls, rows, histogram, plans, failed, failed_nested, abandoned,
	shared_blks_hit, shared_blks_read, shared_blks_dirtied, shared_blks_written, wal_records, wal_bytes,
	total_exec_time::numeric(30, 3), total_plan_time::numeric(30, 3)
FROM w_statements;
CREATE TEMP TABLE w_added AS
SELECT whole, toplevel, queryid, sum(calls) AS calls, sum(rows) AS rows, sum(plans) AS plans, sum(failed) AS failed,
	sum(failed_nested) AS nested, sum(abandoned) AS abandoned, sum(shared_blks_hit) AS hit,
	sum(shared_blks_read) AS read, sum(shared_blks_dirtied) AS dirtied, sum(shared_blks_written) AS written,
	sum(wal_records) AS records, sum(wal_bytes) AS bytes, sum(total_exec_time) AS exec, sum(total_plan_time) AS plan,
	diagnose.sum(histogram)::text AS histogram
FROM w_sums GROUP BY 1, 2, 3;
SELECT count(*) > 10 AS some FROM w_added WHERE whole;
SELECT count(*) FROM (
	SELECT DISTINCT toplevel, queryid, calls, rows, plans, failed, nested, abandoned, hit, read, dirtied, written,
		records, bytes, round(exec, 1), round(plan, 1), histogram
	FROM w_added WHERE whole
	EXCEPT
	SELECT toplevel, queryid, calls, rows, plans, failed, nested, abandoned, hit, read, dirtied, written,
		records, bytes, round(exec, 1), round(plan, 1), histogram
	FROM w_added WHERE NOT whole) AS different;
-- since the reset until a, then to b and c, is since the reset until c
SELECT sum(s.calls) = (SELECT sum(t.calls) FROM diagnose.statements(ROW(NULL, w_id('w c'))::diagnose.window) AS t)
	AS added_up
FROM (
	SELECT calls FROM diagnose.statements(ROW(NULL, w_id('w a'))::diagnose.window)
	UNION ALL SELECT calls FROM w_statements WHERE w <> 'a-c') AS s;
-- the longest: not that of before
SELECT w, calls, max_exec_time < 25 AS short, max_exec_time >= min_exec_time AS ordered
FROM w_statements WHERE query ~ 'pg_sleep' AND query !~ 'diagnose' ORDER BY w;
SELECT max_exec_time >= 30 AS long
FROM diagnose.statements(diagnose.window('reset', 'w a')) WHERE query ~ 'pg_sleep' AND query !~ 'diagnose';
SELECT bool_and(max_exec_time >= min_exec_time AND total_exec_time >= max_exec_time * 0.99 AND min_exec_time >= 0)
FROM w_statements WHERE calls = 1;

-- ---- plans: calls by plan are those of the statement ----
SELECT p.w, sum(p.calls) AS calls, count(DISTINCT p.shape) AS shapes, min(p.total_exec_time) >= 0 AS positive
FROM (SELECT 'a-b' AS w, * FROM diagnose.plans(diagnose.window('w a', 'w b'))
	UNION ALL SELECT 'b-c', * FROM diagnose.plans(diagnose.window('w b', 'w c'))) AS p
WHERE p.queryid = (SELECT DISTINCT s.queryid FROM w_statements AS s WHERE s.query = 'SELECT v FROM w_t WHERE id = ?')
GROUP BY p.w ORDER BY p.w;

-- ---- errors, of a statement and of none ----
SELECT w, sqlstate, failures FROM (
	SELECT 'a-b' AS w, * FROM diagnose.errors_by_sqlstate(diagnose.window('w a', 'w b'))
	UNION ALL SELECT 'b-c', * FROM diagnose.errors_by_sqlstate(diagnose.window('w b', 'w c'))) AS e
WHERE sqlstate IN ('22012', '42601') ORDER BY w, sqlstate;

-- ---- transactions ----
CREATE VIEW w_transactions AS
SELECT 'a-b' AS w, * FROM diagnose.transactions(diagnose.window('w a', 'w b')) WHERE route = 'w'
UNION ALL SELECT 'b-c', * FROM diagnose.transactions(diagnose.window('w b', 'w c')) WHERE route = 'w'
UNION ALL SELECT 'a-c', * FROM diagnose.transactions(diagnose.window('w a', 'w c')) WHERE route = 'w';
SELECT w, kind, calls, commits, rollbacks, statements, rows, rows_written, diagnose.total(duration_histogram) AS timed
FROM w_transactions ORDER BY w;
SELECT s.w, s.position, s.calls, s.rows FROM (
	SELECT 'a-b' AS w, * FROM diagnose.transaction_steps(diagnose.window('w a', 'w b'))
	UNION ALL SELECT 'b-c', * FROM diagnose.transaction_steps(diagnose.window('w b', 'w c'))) AS s
WHERE route = 'w' ORDER BY 1, 2;
SELECT count(*) FROM diagnose.transaction_errors(diagnose.window('w a', 'w b')) WHERE sqlstate = '40001';

-- a burst that is open at the end is in the window that ends there, as far as
-- it went; and as a whole in that in which it ended
BEGIN; ROLLBACK;
SELECT diagnose.take_snapshot('w open') > 0 AS taken;
BEGIN; ROLLBACK;
SELECT v FROM w_t WHERE id = 11 /*route='w burst'*/;
SELECT v FROM w_t WHERE id = 12 /*route='w burst'*/;
SELECT diagnose.take_snapshot('w opened') > 0 AS taken /*route='w burst'*/;
SELECT v FROM w_t WHERE id = 13 /*route='w burst'*/;
BEGIN; ROLLBACK;
SELECT diagnose.take_snapshot('w closed') > 0 AS taken;
SELECT w, sum(calls) AS bursts, sum(statements) >= 2 AS statements FROM (
	SELECT 1 AS w, * FROM diagnose.transactions(diagnose.window('w open', 'w opened'))
	UNION ALL SELECT 2, * FROM diagnose.transactions(diagnose.window('w opened', 'w closed'))
	UNION ALL SELECT 3, * FROM diagnose.transactions(diagnose.window('w open', 'w closed'))) AS t
WHERE route = 'w burst' AND kind = 'burst' GROUP BY w ORDER BY w;

-- ---- what a detector saw, by window ----
CREATE VIEW w_seen AS
SELECT 1 AS w, * FROM diagnose.observations(diagnose.window('w closed', 'w loop'))
UNION ALL SELECT 2, * FROM diagnose.observations(diagnose.window('w loop', 'w none'));
BEGIN /*route='w loop'*/;
SELECT format('SELECT v FROM w_t WHERE id = %s', i) FROM generate_series(1, 12) AS i
\gexec
COMMIT;
SELECT diagnose.take_snapshot('w loop') > 0 AS taken;
SELECT diagnose.take_snapshot('w none') > 0 AS taken;
SELECT w, detector, occurrences FROM w_seen WHERE detector = 'n_plus_one' ORDER BY w;

-- ---- sessions, and what the sampler saw: all can be asked ----
SELECT open >= 1 AS open, statements > 5 AS statements, begun
FROM diagnose.sessions(diagnose.window('w a', 'w b'))
WHERE application ~ '^pg_regress/windows'
	AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database());
SELECT count(*) >= 0 AS waits FROM diagnose.waits(diagnose.window('w a', 'w b'));
SELECT count(*) >= 0 AS lock_waits FROM diagnose.lock_waits(diagnose.window('w a', 'w b'));
SELECT count(*) >= 0 AS hot_relations FROM diagnose.hot_relations(diagnose.window('w a', 'w b'));
SELECT count(*) >= 0 AS horizon_holders FROM diagnose.horizon_holders(diagnose.window('w a', 'w b'));
SELECT count(*) > 0 AS workload FROM diagnose.workload(diagnose.window('w a', 'w b'));
SELECT count(*) AS failed FROM diagnose.findings(diagnose.window('w a', 'w b')) WHERE key ~ '^rule_failed';

-- ---- the same window by every name ----
SELECT diagnose.window('w a', 'w b') = ROW(w_id('w a'), w_id('w b'))::diagnose.window AS labels,
	diagnose.window('w a') = ROW(w_id('w a'), NULL)::diagnose.window AS to_now,
	diagnose.window() = diagnose.since_reset() AS all_of_it,
	diagnose.window('reset', 'w a') = ROW(NULL, w_id('w a'))::diagnose.window AS since_reset,
	diagnose.window('#' || w_id('w a'), '#' || w_id('w b')) = diagnose.window('w a', 'w b') AS numbers;
SELECT diagnose.window(a.taken_at, b.taken_at) = diagnose.window('w a', 'w b') AS times,
	diagnose.window(a.taken_at::text, b.taken_at::text) = diagnose.window('w a', 'w b') AS texts,
	diagnose.window(a.taken_at + interval '1 us', b.taken_at - interval '1 us') = diagnose.window('w a', 'w b') AS all_of_it
FROM diagnose.snapshots() AS a, diagnose.snapshots() AS b
WHERE a.label = 'w a' AND b.label = 'w b';
-- an interval is that before the other end
SELECT (diagnose.window((b.taken_at - a.taken_at)::text, 'w b')).lower = a.id AS before_the_end,
	(diagnose.window('w a', '0.000001 s')).upper IS NULL AS until_now
FROM diagnose.snapshots() AS a, diagnose.snapshots() AS b
WHERE a.label = 'w a' AND b.label = 'w b';
SELECT diagnose.window(interval '1 us') = diagnose.window('0.000001 s') AS typed,
	diagnose.window('last 1 us') = diagnose.window('1 us', 'now') AS last,
	(diagnose.window('1 us')).lower = max(s.id) AS latest
FROM diagnose.snapshots() AS s WHERE s.is_own;
SELECT diagnose.seconds(diagnose.window('w a', 'w b')) BETWEEN 0.001 AND 100 AS seconds,
	abs(diagnose.seconds(diagnose.window('w a', 'w b')) - extract(epoch FROM b.taken_at - a.taken_at)) < 0.5 AS of_both,
	diagnose.seconds(diagnose.window('reset', 'w a')) > 0 AS since_reset
FROM diagnose.snapshots() AS a, diagnose.snapshots() AS b
WHERE a.label = 'w a' AND b.label = 'w b';
SELECT label, kind, is_own, is_standby, statements > 0 AS statements, executions > 0 AS executions,
	evicted, bytes > 0 AS bytes, problem
FROM diagnose.snapshots() WHERE label = 'w a';
SELECT label, kind, state, statements > 0 AS statements FROM diagnose.snapshots WHERE label = 'w a';

-- ---- names that are none ----
SELECT name, w_error(format('SELECT diagnose.window(%L)', name)) AS error
FROM unnest(ARRAY['nothing', 'release 42', '42', '1.2', '4.2.1', '2026', 'v1.2:3', '-5 minutes', '0 s', 'infinity',
	'epoch', '99999999999 years', '', ' ', '#', '#x', '#0', '#-1', '#999999999999999999',
	'#99999999999999999999', 'now', $$it's "quoted"$$, 'Größe 😀', '2026-13-45', '2026-01-01 00:00 Nowhere/Land'])
	WITH ORDINALITY AS n (name, i) ORDER BY i;
SELECT w_error($$SELECT diagnose.window('w b', 'w a')$$) AS reversed;
SELECT w_error($$SELECT diagnose.window('w a', 'w a')$$) AS empty;
SELECT w_error($$SELECT diagnose.window('w a', 'reset')$$) AS to_reset;
SELECT w_error($$SELECT diagnose.window('now', 'w a')$$) AS from_now;
SELECT w_error($$SELECT diagnose.window(NULL, 'w a')$$) AS from_null;
SELECT w_error($$SELECT diagnose.window('w a', NULL)$$) AS to_null;
SELECT diagnose.window(NULL::interval) IS NULL AS null_interval;

-- windows made by hand: every function says what is wrong with them
SELECT w, w_error(format('SELECT * FROM diagnose.statements(%s::diagnose.window)', w)) AS error
FROM unnest(ARRAY['NULL', 'ROW(0, NULL)', 'ROW(-1, NULL)', 'ROW(NULL, -5)', 'ROW(NULL, 0)', 'ROW(7, 7)', 'ROW(8, 7)',
	'ROW(9223372036854775807, NULL)', 'ROW(NULL, 9223372036854775807)', 'ROW(-9223372036854775808, NULL)'])
	WITH ORDINALITY AS n (w, i) ORDER BY i;
SELECT f, w_error(format('SELECT * FROM diagnose.%s(ROW(%s, %s)::diagnose.window)', f, w_id('w b'), w_id('w a'))) AS reversed
FROM unnest(ARRAY['plans', 'errors_by_sqlstate', 'transactions', 'transaction_steps', 'transaction_errors', 'observations',
	'sessions', 'waits', 'lock_waits', 'hot_relations', 'horizon_holders', 'seconds']) AS f;
SELECT diagnose.window_problem(diagnose.window('w a', 'w b')) IS NULL AS none,
	diagnose.window_problem(diagnose.since_reset()) IS NULL AS neither,
	regexp_replace(diagnose.window_problem(ROW(999999999999, NULL)), '\d+', 'N') AS unknown;

-- ---- labels ----
SELECT label, w_error(format('SELECT diagnose.take_snapshot(%L)', label)) AS error
FROM unnest(ARRAY['', '#', '#x', '#12', 'now', 'Now', 'reset', 'RESET', 'w a', repeat('x', 64), repeat('ä', 32)])
	WITH ORDINALITY AS n (label, i) ORDER BY i;
SELECT label, diagnose.take_snapshot(label) > 0 AS taken,
	(diagnose.window('w a', label)).upper = w_id(label) AS found,
	diagnose.drop_snapshot(w_id(label)) IS NOT NULL AS dropped, w_id(label) IS NULL AS gone
FROM unnest(ARRAY[$$w it's "quoted" \n %s$$, repeat('x', 63), repeat('ä', 31), 'w Größe 😀', '42', '10 minutes', ' w '])
	WITH ORDINALITY AS n (label, i) ORDER BY i;
-- without one
SELECT diagnose.take_snapshot() AS taken \gset
SELECT label, kind FROM diagnose.snapshots() WHERE id = :taken;
SELECT diagnose.drop_snapshot(:taken);
SELECT diagnose.take_snapshot() > :taken AS never_the_same_number;

-- ---- what is dropped is gone ----
SELECT diagnose.take_snapshot('w gone') AS gone \gset
SELECT diagnose.drop_snapshot(:gone);
SELECT w_error($$SELECT diagnose.window('w gone')$$) AS label;
SELECT w_error(format('SELECT diagnose.window(%L)', '#' || :gone)) AS number;
SELECT w_error(format('SELECT * FROM diagnose.statements(ROW(%s, NULL)::diagnose.window)', :gone)) AS statements;
SELECT w_error(format('SELECT diagnose.drop_snapshot(%s)', :gone)) AS again;
SELECT w_error($$SELECT diagnose.drop_snapshot(-1)$$) AS negative;
SELECT w_error($$SELECT diagnose.drop_snapshot(0)$$) AS zero;
SELECT w_error($$SELECT diagnose.adopt_snapshots(1)$$) AS nobodys;

-- ---- some statements are forgotten within a window ----
CREATE ROLE regress_w_user;
GRANT SELECT ON w_t TO regress_w_user;
SET ROLE regress_w_user;
SELECT max(v) AS hers FROM w_t;
RESET ROLE;
SELECT max(v) AS mine FROM w_t;
SELECT diagnose.take_snapshot('w partly') > 0 AS taken;
SET ROLE regress_w_user;
SELECT max(v) AS hers FROM w_t;
SELECT max(v) AS hers FROM w_t;
RESET ROLE;
SELECT max(v) AS mine FROM w_t;
SELECT diagnose.reset('regress_w_user'::regrole) > 0 AS forgotten;
SELECT query, calls FROM diagnose.statements(diagnose.window('w partly'))
WHERE query ~ '^SELECT max' ORDER BY query COLLATE "C";
SET ROLE regress_w_user;
SELECT max(v) AS hers FROM w_t;
RESET ROLE;
SELECT query, calls, diagnose.total(histogram) FROM diagnose.statements(diagnose.window('w partly'))
WHERE query ~ '^SELECT max' ORDER BY query COLLATE "C";

-- ---- privileges: in windows as ever ----
SET ROLE regress_w_user;
SELECT w_error($$SELECT diagnose.take_snapshot('w hers')$$) AS take;
SELECT w_error($$SELECT diagnose.drop_snapshot(1)$$) AS drop;
SELECT w_error($$SELECT diagnose.adopt_snapshots(1)$$) AS adopt;
SELECT count(*) > 3 AS masked, bool_and(queryid IS NULL AND fingerprint IS NULL) AS hidden
FROM diagnose.statements(diagnose.window('w a', 'w b'))
WHERE query = '<insufficient privilege>';
SELECT DISTINCT query FROM diagnose.statements(diagnose.window('w a', 'w c')) WHERE query ~ 'w_t';
SELECT query, calls FROM diagnose.statements(diagnose.window('w partly')) WHERE query ~ '^SELECT max';
SELECT bool_and(queryid IS NULL) AS hidden FROM diagnose.plans(diagnose.window('w a', 'w b'));
SELECT bool_and(queryid IS NULL AND fingerprint IS NULL) AS hidden
FROM diagnose.transaction_steps(diagnose.window('w a', 'w b'));
SELECT count(*) > 0 AS listed FROM diagnose.snapshots;
RESET ROLE;

-- ---- across a reset ----
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT w_error($$SELECT diagnose.window('w a')$$) AS label;
SELECT w_error($$SELECT diagnose.window('w a', 'now')$$) AS now;
SELECT diagnose.take_snapshot('w new') > 0 AS taken;
SELECT w_error($$SELECT diagnose.window('w a', 'w new')$$) AS labels;
SELECT w_error($$SELECT * FROM diagnose.statements(ROW(w_id('w a'), w_id('w new'))::diagnose.window)$$) AS statements;
SELECT w_error($$SELECT * FROM diagnose.transactions(ROW(w_id('w a'), NULL)::diagnose.window)$$) AS transactions;
SELECT w_error($$SELECT diagnose.seconds(ROW(w_id('w a'), NULL)::diagnose.window)$$) AS seconds;
SELECT regexp_replace(diagnose.window_problem(ROW(w_id('w a'), NULL)), ' at \d.*', ' at T') AS problem;
SELECT state FROM diagnose.snapshots WHERE label = 'w a';
-- what lies before the reset can still be read
SELECT query, calls FROM diagnose.statements(diagnose.window('w a', 'w b')) WHERE query ~ '^UPDATE w_t';

SELECT count(diagnose.drop_snapshot(id)) > 5 AS dropped FROM diagnose.snapshots() WHERE label ~ '^w ';
DROP VIEW w_statements, w_transactions, w_seen;
DROP FUNCTION w_error, w_id;
DROP TABLE w_t;
DROP ROLE regress_w_user;
