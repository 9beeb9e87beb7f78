--
-- time_changes(): what may be concluded from times, stretch by stretch
--
SELECT diagnose.reset() IS NOT NULL AS reset;

-- statements that do the same work all the time, and one with a function in it
CREATE TABLE timed AS SELECT i, i % 10 AS ten, i % 7 AS seven, repeat('x', 20) AS filler FROM generate_series(1, 2000) AS i;
CREATE INDEX ON timed (i);
CREATE TABLE timed_again AS TABLE timed;
ANALYZE timed, timed_again;
CREATE FUNCTION timed_loop(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN FOR i IN 1 .. 20 LOOP END LOOP; RETURN n; END';
CREATE PROCEDURE timed_stretch(times int) LANGUAGE plpgsql AS $$
BEGIN
	FOR step IN 1 .. times LOOP
		PERFORM count(*) FROM timed WHERE ten = 1;
		PERFORM count(*) FROM timed WHERE seven = 1;
		PERFORM sum(i) FROM timed WHERE seven < 3;
		PERFORM max(ten) FROM timed WHERE i < 1000;
		PERFORM min(filler) FROM timed WHERE i > 1000;
		PERFORM sum(i), sum(ten) FROM timed WHERE seven > 3;
		PERFORM avg(seven) FROM timed WHERE ten <> 1;
		PERFORM sum(length(filler)) FROM timed WHERE i BETWEEN 10 AND 800;
		PERFORM timed_loop(i) FROM timed WHERE i = 100;
	END LOOP;
END $$;
-- :stretch ends a stretch
\set stretch 'CALL timed_stretch(40); SELECT diagnose.take_snapshot() IS NOT NULL AS taken \\g /dev/null'
CREATE VIEW pg_temp.of_test AS
	SELECT s.fingerprint, max(s.query) AS query FROM diagnose.statements(diagnose.since_reset()) AS s
	WHERE s.query ~ 'FROM timed(_again)?\M' AND s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
	GROUP BY 1;

-- nothing yet: windows in which nothing has happened
SELECT diagnose.take_snapshot('timed a') IS NOT NULL AS a, diagnose.take_snapshot('timed b') IS NOT NULL AS b,
	diagnose.take_snapshot('timed c') IS NOT NULL AS c;
SELECT count(*) FROM diagnose.time_changes(diagnose.window('timed a', 'timed b'), diagnose.window('timed b', 'timed c'))
JOIN pg_temp.of_test USING (fingerprint);

-- once a side: a ratio, and no idea of chance
CALL timed_stretch(40);
SELECT diagnose.take_snapshot('timed before') IS NOT NULL AS taken;
SELECT left(o.query, 30) AS query, t.kind, t.toplevel, t.windows_before, t.windows_after, t.ratio > 0 AS ratio, t.ratio_low, t.ratio_high,
	t.p_value, t.smallest_effect, t.is_adjusted, t.controls, t.p95_ratio
FROM diagnose.time_changes(diagnose.window('timed c', 'timed before'), diagnose.window('timed c', 'timed before')) AS t
JOIN pg_temp.of_test AS o USING (fingerprint) ORDER BY o.query COLLATE "C";

-- silent: the same again and again
\set ECHO none
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
\set ECHO all
SELECT diagnose.take_snapshot('timed middle') IS NOT NULL AS taken;
\set ECHO none
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
\set ECHO all
SELECT diagnose.take_snapshot('timed after') IS NOT NULL AS taken;
CREATE TEMP TABLE same AS
SELECT t.*, o.query FROM diagnose.time_changes(diagnose.window('timed before', 'timed middle'), diagnose.window('timed middle', 'timed after')) AS t
JOIN pg_temp.of_test AS o USING (fingerprint);
SELECT left(query, 30) AS query, windows_before >= 14 AS before, windows_after >= 14 AS after, ratio BETWEEN 0.2 AND 5 AS alike,
	ratio_low < ratio AND ratio < ratio_high AS interval, p_value BETWEEN 0 AND 1 AS p_value, smallest_effect > 1 AS smallest_effect,
	p95_low < p95_ratio AND p95_ratio < p95_high AS p95, p99_ratio
FROM same ORDER BY query COLLATE "C";
-- the load was taken out: what it was is the machine's affair
SELECT bool_and(is_adjusted) AS adjusted, bool_and(controls BETWEEN 3 AND 8) AS controls, bool_and(load_ratio > 0) AS load FROM same;

-- found: the function takes longer, and the work is the same
CREATE OR REPLACE FUNCTION timed_loop(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN FOR i IN 1 .. 20000 LOOP END LOOP; RETURN n; END';
\set ECHO none
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
:stretch
\set ECHO all
SELECT diagnose.take_snapshot('timed slow') IS NOT NULL AS taken;
CREATE TEMP TABLE slower AS
SELECT t.*, o.query FROM diagnose.time_changes(diagnose.window('timed middle', 'timed after'), diagnose.window('timed after', 'timed slow')) AS t
JOIN pg_temp.of_test AS o USING (fingerprint);
SELECT left(query, 30) AS query, ratio > 5 AS slower, ratio_low > 1.5 AS surely, p_value < 0.05 AS p_value, p95_low < p95_ratio AS p95 FROM slower
WHERE ratio > 5 ORDER BY query COLLATE "C";
-- the other way round it is faster
SELECT left(o.query, 30) AS query, round((t.ratio * s.ratio)::numeric, 2) AS inverse, t.p_value < 0.05 AS p_value
FROM diagnose.time_changes(diagnose.window('timed after', 'timed slow'), diagnose.window('timed middle', 'timed after')) AS t
JOIN pg_temp.of_test AS o USING (fingerprint) JOIN slower AS s USING (fingerprint) WHERE s.ratio > 5;
-- twice the same is twice the same, to the last digit
SELECT count(*) AS differences FROM (
	SELECT t.* FROM diagnose.time_changes(diagnose.window('timed middle', 'timed after'), diagnose.window('timed after', 'timed slow')) AS t
	EXCEPT
	SELECT t.* FROM diagnose.time_changes(diagnose.window('timed middle', 'timed after'), diagnose.window('timed after', 'timed slow')) AS t) AS d;

-- the fix silences it
CREATE OR REPLACE FUNCTION timed_loop(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN FOR i IN 1 .. 20 LOOP END LOOP; RETURN n; END';
\set ECHO none
:stretch
:stretch
:stretch
:stretch
\set ECHO all
SELECT diagnose.take_snapshot('timed fixed') IS NOT NULL AS taken;
SELECT count(*) FROM diagnose.time_changes(diagnose.window('timed middle', 'timed after'), diagnose.window('timed slow', 'timed fixed')) AS t
JOIN pg_temp.of_test AS o USING (fingerprint) WHERE t.ratio NOT BETWEEN 0.2 AND 5;

-- fewer stretches: still all executions; with three nothing is known of chance
SELECT n, max(t.windows_before) IN (n - 1, n) AS before, max(t.windows_after) IN (n - 1, n) AS after, count(t.p_value) = count(*) AS tested, bool_or(t.is_adjusted) AS adjusted, min(t.p95_ratio) > 0 AS p95
FROM unnest('{1,3,8}'::int[]) AS n,
	diagnose.time_changes(diagnose.window('timed before', 'timed middle'), diagnose.window('timed middle', 'timed after'), n) AS t
WHERE t.fingerprint IN (SELECT fingerprint FROM pg_temp.of_test) GROUP BY n ORDER BY n;

-- a statement whose table was made anew is the same one, with two identifiers
SELECT diagnose.take_snapshot('timed again') IS NOT NULL AS taken;
SELECT sum(i) FROM timed_again;
SELECT diagnose.take_snapshot('timed again 1') IS NOT NULL AS taken;
SELECT sum(i) FROM timed_again;
DROP TABLE timed_again;
CREATE TABLE timed_again AS SELECT filler, seven, ten, i FROM timed;
SELECT sum(i) FROM timed_again;
SELECT diagnose.take_snapshot('timed again 2') IS NOT NULL AS taken;
SELECT left(o.query, 40) AS query, t.queryid, t.toplevel, t.windows_before, t.windows_after, t.ratio > 0 AS ratio
FROM diagnose.time_changes(diagnose.window('timed again', 'timed again 1'), diagnose.window('timed again 1', 'timed again 2')) AS t
JOIN pg_temp.of_test AS o USING (fingerprint);

-- transactions; the last reset and now are ends, too
SET application_name = 'timed';
BEGIN;
SELECT count(*) FROM timed WHERE i < 3;
SELECT count(*) FROM timed WHERE i < 4;
COMMIT;
SELECT diagnose.take_snapshot('timed xact') IS NOT NULL AS taken;
BEGIN;
SELECT count(*) FROM timed WHERE i < 3;
SELECT count(*) FROM timed WHERE i < 4;
COMMIT;
RESET application_name;
SELECT t.kind, t.toplevel, t.queryid, t.fingerprint, t.shape IS NOT NULL AS shape, t.tag IS NOT NULL AS tag, t.windows_before, t.windows_after, t.ratio > 0 AS ratio
FROM diagnose.time_changes(diagnose.window('reset', 'timed xact'), diagnose.window('timed xact', 'now'), 1) AS t
WHERE t.kind = 'transaction' AND (t.shape, t.tag) IN (SELECT shape, tag FROM diagnose.transactions(diagnose.since_reset())
	WHERE application = 'timed' AND kind = 'transaction');

-- others see the numbers, not what they are of
CREATE ROLE regress_timed;
SET ROLE regress_timed;
SELECT count(*) >= 9 AS rows, count(queryid) + count(fingerprint) + count(shape) + count(tag) AS identities, count(ratio) = count(*) AS ratios
FROM diagnose.time_changes(diagnose.window('timed before', 'timed middle'), diagnose.window('timed middle', 'timed after'));
RESET ROLE;
DROP ROLE regress_timed;

-- bad input
SELECT count(*) FROM diagnose.time_changes(NULL, diagnose.since_reset());
SELECT count(*) FROM diagnose.time_changes(diagnose.since_reset(), NULL);
SELECT count(*) FROM diagnose.time_changes(diagnose.since_reset(), diagnose.since_reset(), 0);
SELECT count(*) FROM diagnose.time_changes(diagnose.since_reset(), diagnose.since_reset(), 129);
SELECT count(*) FROM diagnose.time_changes(diagnose.since_reset(), diagnose.since_reset(), NULL);
SELECT count(*) FROM diagnose.time_changes(diagnose.since_reset(), (NULL, 9223372036854775807)::diagnose.window);
SELECT count(*) FROM diagnose.time_changes((2, 1)::diagnose.window, diagnose.since_reset());

SELECT count(diagnose.drop_snapshot(id)) AS dropped FROM diagnose.snapshots() WHERE label LIKE 'timed%';
DROP TABLE timed, timed_again;
DROP PROCEDURE timed_stretch;
DROP FUNCTION timed_loop;
