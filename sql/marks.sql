-- Marks: what happened to the server, seen at once.  The regression database
-- is made anew for each run, but other tests' marks are there, too.
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/sessions.sql'
\ir :fixture
\set QUIET on
\pset expanded off
\set VERBOSITY default
\set SHOW_CONTEXT never
SELECT max(id) AS before FROM diagnose.marks() \gset
CREATE SCHEMA marks;
SET search_path = marks, public;
-- since the last call; what is new is shown once
CREATE TEMP SEQUENCE shown;
SELECT setval('shown', :before) IS NOT NULL AS ready;
CREATE FUNCTION pg_temp.news(OUT kind text, OUT what text, OUT object text, OUT detail text, OUT undo text)
RETURNS SETOF record LANGUAGE sql AS $$
	WITH new AS MATERIALIZED (
		SELECT m.* FROM diagnose.marks() AS m
		WHERE m.id > (SELECT last_value FROM shown) AND m.is_own
	),
	seen AS MATERIALIZED (
		SELECT setval('shown', coalesce(max(id), (SELECT last_value FROM shown))) FROM new
	)
	SELECT n.kind, n.what, n.object, n.detail, n.undo
	FROM new AS n, seen WHERE n.kind <> 'setting' ORDER BY n.id
$$;
\pset format unaligned
\pset null -

-- committed
CREATE TABLE orders (id int PRIMARY KEY, customer int, state text);
CREATE INDEX orders_customer ON orders (customer) WHERE state = 'a secret';
CREATE INDEX ON orders (state);
CREATE INDEX CONCURRENTLY orders_state ON orders (state);
CREATE STATISTICS marks.orders_stats ON customer, state FROM orders;
ALTER TABLE orders ADD COLUMN price int;
CREATE VIEW open_orders AS SELECT * FROM orders;
CREATE FUNCTION one() RETURNS int LANGUAGE sql RETURN 1;
CREATE TYPE colour AS ENUM ('red');
ALTER TYPE colour ADD VALUE 'green';
CREATE POLICY mine ON orders USING (true);
ANALYZE orders;
VACUUM FULL orders;
CLUSTER orders USING orders_pkey;
REINDEX INDEX CONCURRENTLY orders_state;
DROP INDEX CONCURRENTLY orders_state;
ALTER TABLE orders RENAME TO orders2;
DROP TABLE orders2 CASCADE;
SELECT * FROM pg_temp.news();

-- nothing that matters to how statements run
CREATE TABLE t (id int);
SELECT count(*) FROM pg_temp.news();
CREATE ROLE regress_marks;
GRANT SELECT ON t TO regress_marks;
ALTER TABLE t OWNER TO CURRENT_USER;
COMMENT ON TABLE t IS 'a comment';
CREATE TABLE IF NOT EXISTS t (id int);
DROP TABLE IF EXISTS nothing, pg_temp.nothing;
DROP FUNCTION IF EXISTS nothing();
VACUUM t;
TRUNCATE t;
SET work_mem = '1MB';
RESET work_mem;
SELECT * FROM pg_temp.news();
-- temporary things
CREATE TEMP TABLE temporary (id int);
CREATE INDEX ON temporary (id);
ALTER TABLE temporary ADD COLUMN more int;
CREATE VIEW temporary_by_what_it_reads AS SELECT * FROM temporary;
ANALYZE temporary;
SELECT * INTO TEMP another FROM temporary;
CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql RETURN 1;
DROP VIEW temporary_by_what_it_reads;
DROP TABLE temporary, another;
SELECT * FROM pg_temp.news();
-- our own
CREATE FUNCTION diagnose.of_ours() RETURNS int LANGUAGE sql RETURN 1;
DROP FUNCTION diagnose.of_ours();
SELECT * FROM pg_temp.news();
-- what fails
CREATE TABLE t (id int);
CREATE INDEX ON nothing (id);
SELECT * FROM pg_temp.news();

-- rolled back
BEGIN;
CREATE INDEX t_id ON t (id);
ROLLBACK;
SELECT * FROM pg_temp.news();
-- not before the commit
BEGIN;
CREATE INDEX t_id ON t (id);
SELECT * FROM pg_temp.news();
COMMIT;
SELECT * FROM pg_temp.news();
-- savepoints
BEGIN;
ALTER TABLE t ADD COLUMN a int;
SAVEPOINT one;
ALTER TABLE t ADD COLUMN b int;
SAVEPOINT two;
ALTER TABLE t ADD COLUMN c int;
RELEASE two;
ROLLBACK TO one;
ALTER TABLE t ADD COLUMN d int;
COMMIT;
SELECT * FROM pg_temp.news();
DO $$
BEGIN
	ALTER TABLE t ADD COLUMN e int;
	BEGIN
		ALTER TABLE t ADD COLUMN f int;
		ALTER TABLE t ADD COLUMN f int;
	EXCEPTION WHEN duplicate_column THEN
	END;
END $$;
SELECT * FROM pg_temp.news();
-- a prepared transaction is nobody's
BEGIN;
ALTER TABLE t ADD COLUMN g int;
PREPARE TRANSACTION 'marks';
COMMIT PREPARED 'marks';
SELECT * FROM pg_temp.news();

-- a migration is one mark
BEGIN;
CREATE TABLE migrated_a (id serial PRIMARY KEY, a text UNIQUE);
CREATE TABLE migrated_b (id int REFERENCES migrated_a);
CREATE INDEX migrated_b_id ON migrated_b (id);
ALTER TABLE t DROP COLUMN g;
CREATE INDEX t_d ON t (d);
COMMIT;
SELECT * FROM pg_temp.news();
-- of any size
DO $$
BEGIN
	FOR i IN 1 .. 300 LOOP
		EXECUTE format('CREATE TABLE many_%s ()', i);
	END LOOP;
	FOR i IN 1 .. 300 LOOP
		EXECUTE format('DROP TABLE many_%s', i);
	END LOOP;
END $$;
SELECT * FROM pg_temp.news();
-- a procedure that commits has several
CREATE PROCEDURE migrate() LANGUAGE plpgsql AS $$
BEGIN
	CREATE INDEX t_e ON t (e);
	COMMIT;
	DROP INDEX t_e;
	ROLLBACK;
	ALTER TABLE t ADD COLUMN h int;
END $$;
SELECT * FROM pg_temp.news() \g /dev/null
CALL migrate();
SELECT * FROM pg_temp.news();
-- a schema with what is in it, and what a script does
CREATE SCHEMA marks_too CREATE TABLE in_it (id serial PRIMARY KEY);
DROP SCHEMA marks_too CASCADE;
SELECT * FROM pg_temp.news();
-- partitions come and go: one mark a minute and session at most
CREATE TABLE p (id int) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (1) TO (2);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (2) TO (3);
ALTER TABLE p DETACH PARTITION p1;
ALTER TABLE p ATTACH PARTITION p1 FOR VALUES FROM (1) TO (2);
DROP TABLE p2;
CREATE INDEX ON p (id);
SELECT * FROM pg_temp.news();

-- for a database or a role
ALTER ROLE regress_marks SET work_mem = '1MB';
SELECT * FROM pg_temp.news();
-- who did it, and where
SELECT database = current_database() AS here, role = current_user AS me, snapshot, lower, upper,
	at BETWEEN now() - interval '1 hour' AND clock_timestamp() AS now
FROM diagnose.marks() WHERE id = (SELECT last_value FROM shown);
-- others see that, but not what
SET ROLE regress_marks;
SELECT what, object, detail, undo FROM diagnose.marks() WHERE object IS NOT NULL OR detail LIKE '%TABLE%' OR undo LIKE '%INDEX%';
SELECT count(*) > 0 AS some FROM diagnose.marks() WHERE what = 'CREATE INDEX';
SELECT diagnose.mark('mine');
SELECT diagnose.rebaseline('mine', 'because');
SELECT diagnose.drop_baseline('mine', 'because');
SELECT diagnose.add_mark('label', 'mine');
RESET ROLE;

-- a reset of everything
SELECT diagnose.reset() IS NOT NULL AS done;
SELECT diagnose.reset(queryid => 1) AS none;
SELECT * FROM pg_temp.news();

-- settings: each that changes, when the server has it
CREATE FUNCTION pg_temp.settings(wanted int, OUT what text, OUT detail text, OUT undo text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	base CONSTANT bigint := last_value FROM shown;
BEGIN
	PERFORM pg_temp.wait_for(format(
		$q$count(*) >= %s FROM diagnose.marks() AS m WHERE m.kind = 'setting' AND m.id > %s$q$, wanted, base));
	RETURN QUERY SELECT m.what, m.detail, m.undo FROM diagnose.marks() AS m
		WHERE m.kind = 'setting' AND m.id > base ORDER BY m.what COLLATE "C";
	PERFORM setval('shown', max(id)) FROM diagnose.marks();
END $$;
ALTER SYSTEM SET work_mem = '5MB';
ALTER SYSTEM SET random_page_cost = 1.1;
ALTER SYSTEM SET search_path = public, marks;
ALTER SYSTEM SET log_line_prefix = 'it''s ';
ALTER SYSTEM SET primary_conninfo = 'password=hush';
SET app.jwt = '';
ALTER SYSTEM SET app.jwt = 'hush';
ALTER SYSTEM SET pg_diagnose.tail_latency_min_calls = 77;
SELECT count(*) FROM diagnose.marks() WHERE kind = 'setting' AND id > (SELECT last_value FROM shown);
SELECT pg_reload_conf();
SELECT * FROM pg_temp.settings(6);
ALTER SYSTEM RESET ALL;
SELECT pg_reload_conf();
SELECT * FROM pg_temp.settings(6);
SELECT count(*) FROM diagnose.marks() WHERE concat(what, object, detail, undo) LIKE '%hush%';

-- labels
SELECT diagnose.mark('marks: release 42', 'with a new index') > 0 AS done;
SELECT kind, what, detail, undo FROM pg_temp.news();
SELECT m.snapshot = s.id AS same, s.kind, s.label
FROM diagnose.marks() AS m JOIN diagnose.snapshots() AS s ON s.label = m.what
WHERE m.what = 'marks: release 42';
-- bad ones leave nothing
SELECT count(*) AS snapshots FROM diagnose.snapshots() WHERE kind = 'labelled' \gset
SELECT diagnose.mark(NULL);
SELECT diagnose.mark('');
SELECT diagnose.mark('  ');
SELECT diagnose.mark(repeat('x', 64));
SELECT diagnose.mark('now');
SELECT diagnose.mark('reset');
SELECT diagnose.mark('#12');
SELECT diagnose.mark(E'a\nb');
SELECT diagnose.mark('marks: release 42');
SELECT diagnose.take_snapshot('marks: taken') > 0 AS done;
\set VERBOSITY terse
SELECT diagnose.mark('marks: taken');
\set VERBOSITY default
SELECT diagnose.add_mark('label', 'marks: release 42');
SELECT diagnose.add_mark('holiday', 'x');
SELECT diagnose.add_mark('label', NULL);
SELECT * FROM pg_temp.news();
SELECT count(*) - :snapshots AS more FROM diagnose.snapshots() WHERE kind = 'labelled';
-- details of any length
SELECT diagnose.mark(repeat('ä', 31) || 'x', repeat('ö', 300)) > 0 AS done;
SELECT octet_length(what) AS what, octet_length(detail) AS detail, right(detail, 3) FROM pg_temp.news();
-- it is not undone with its transaction, as it is not in the database
BEGIN;
SELECT diagnose.mark('marks: rolled back') > 0 AS done;
ROLLBACK;
SELECT what FROM pg_temp.news();

-- baselines
SELECT diagnose.baseline('marks');
SELECT diagnose.rebaseline(NULL, 'because');
SELECT diagnose.rebaseline('', 'because');
SELECT diagnose.rebaseline(repeat('x', 41), 'because');
SELECT diagnose.rebaseline('marks', NULL);
SELECT diagnose.rebaseline('marks', ' ');
SELECT diagnose.rebaseline('marks', 'because', ROW(NULL, 0)::diagnose.window);
SELECT count(*) FROM diagnose.baseline_history() WHERE name ~ '^marks';
SELECT (w).lower, (w).upper = s.id AS fixed, s.label
FROM diagnose.rebaseline('marks', 'the first') AS w
	CROSS JOIN diagnose.snapshots() AS s WHERE s.label = 'baseline marks 1';
SELECT id AS release FROM diagnose.snapshots() WHERE label = 'marks: release 42' \gset
SELECT (w).lower = :release AS from_release, (w).upper > :release AS to_now
FROM diagnose.rebaseline('marks', 'after release 42', ROW(:release, NULL)::diagnose.window) AS w;
SELECT (diagnose.rebaseline('marks too', 'another')).upper > :release AS done;
SELECT name, versions, reason, lower = :release AS from_release, role = current_user AS mine FROM diagnose.baselines WHERE name ~ 'marks';
SELECT name, version, reason, is_current FROM diagnose.baseline_history('marks');
SELECT (diagnose.baseline('marks')).lower = :release AS current;
SELECT diagnose.seconds(diagnose.baseline('marks')) > 0 AS readable;
-- given up, and taken up again
SELECT diagnose.drop_baseline('nothing', 'because');
SELECT diagnose.drop_baseline('marks', NULL);
SELECT diagnose.drop_baseline('marks', 'nobody needs it');
SELECT diagnose.baseline('marks');
SELECT diagnose.drop_baseline('marks', 'again');
SELECT version, reason, upper IS NULL AS given_up, is_current FROM diagnose.baseline_history('marks');
SELECT (diagnose.rebaseline('marks', 'somebody does')).upper > :release AS done;
SELECT version, is_current FROM diagnose.baseline_history('marks') ORDER BY version DESC LIMIT 1;
SELECT label FROM diagnose.snapshots() WHERE label ~ '^baseline marks' ORDER BY 1;

-- for people
\pset format aligned
SELECT max(length(line)) <= 120 AS fits FROM (
	SELECT format('%6s | %22s | %9s | %24s | %44s', m.id, m.at, m.kind, m.what, m.detail) AS line FROM diagnose.marks AS m) AS l;
SELECT kind, what, detail FROM diagnose.marks WHERE kind = 'baseline' LIMIT 3;
SELECT diagnose.marks_lost() AS lost;

SELECT diagnose.drop_snapshot(id) FROM diagnose.snapshots() WHERE kind = 'labelled' AND label ~ 'marks|^ä' \g /dev/null
DROP SCHEMA marks CASCADE;
DROP ROLE regress_marks;
