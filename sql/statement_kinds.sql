-- Every way to execute a statement, and what is counted of it.
CREATE TABLE kind (id int PRIMARY KEY, v int);
INSERT INTO kind SELECT i, i FROM generate_series(1, 100) AS i;
ANALYZE kind;

-- "samples" are the executions in the latency histogram
CREATE FUNCTION kind_counted(pattern text, OUT statement text, OUT toplevel boolean, OUT calls bigint,
	OUT rows bigint, OUT samples numeric, OUT plans bigint, OUT failed bigint, OUT abandoned bigint)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT left(regexp_replace(query, '\s+', ' ', 'g'), 50) AS statement, s.toplevel AS toplevel,
		s.calls, s.rows, diagnose.total(histogram)::numeric, s.plans, s.failed, s.abandoned
	FROM diagnose.statements(diagnose.since_reset()) s
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
		AND query ~ pattern AND query !~ 'diagnose|kind_counted'
		AND s.calls + s.plans + s.failed + s.abandoned > 0
	ORDER BY s.toplevel DESC, query COLLATE "C"
$$;
\set reset 'SELECT diagnose.reset() IS NOT NULL AS done \\gset'

-- EXPLAIN is an execution of EXPLAIN, and of nothing else
:reset
EXPLAIN (COSTS OFF) SELECT v FROM kind WHERE id = 1 \g /dev/null
EXPLAIN (ANALYZE) SELECT v FROM kind WHERE id = 2 \g /dev/null
SELECT v FROM kind WHERE id = 3;
SELECT * FROM kind_counted('kind');

-- cursors: the rows of all fetches; what a rollback drops; one that outlives its transaction
CREATE FUNCTION kind_open(c refcursor) RETURNS refcursor LANGUAGE plpgsql AS $$
BEGIN
	OPEN c FOR SELECT id AS opened FROM kind ORDER BY id;
	RETURN c;
END $$;
:reset
BEGIN;
SELECT kind_open('c1');
FETCH 2 FROM c1 \g /dev/null
FETCH 3 FROM c1 \g /dev/null
CLOSE c1;
SELECT kind_open('c2');
FETCH 4 FROM c2 \g /dev/null
COMMIT;
BEGIN;
SELECT kind_open('c3');
FETCH 5 FROM c3 \g /dev/null
ROLLBACK;
BEGIN;
SAVEPOINT s;
SELECT kind_open('c4');
ROLLBACK TO s;
COMMIT;
BEGIN;
DECLARE c5 CURSOR WITH HOLD FOR SELECT v, id FROM kind ORDER BY id;
FETCH 6 FROM c5 \g /dev/null
COMMIT;
FETCH ALL FROM c5 \g /dev/null
CLOSE c5;
SELECT * FROM kind_counted('opened|kind_open');
-- which of these are one statement differs between majors
SELECT sum(calls) AS calls, sum(rows) AS rows FROM kind_counted('FETCH');

-- more open at once than there are places prepared for
CREATE FUNCTION kind_open_many(n int) RETURNS int LANGUAGE plpgsql AS $$
DECLARE
	c refcursor;
BEGIN
	FOR i IN 1 .. n LOOP
		c := NULL;
		OPEN c FOR SELECT id, i AS opened_many FROM kind ORDER BY id;
	END LOOP;
	RETURN n;
END $$;
:reset
BEGIN;
SELECT kind_open_many(100);
COMMIT;
BEGIN;
SELECT kind_open_many(200);
ROLLBACK;
SELECT kind_open_many(1);
SELECT * FROM kind_counted('opened_many');

-- PREPARE and EXECUTE: planned for the values five times, then once for all
PREPARE kind_prepared(int) AS SELECT v AS prepared FROM kind WHERE id = $1;
:reset
\o /dev/null
EXECUTE kind_prepared(1);
EXECUTE kind_prepared(2);
EXECUTE kind_prepared(3);
EXECUTE kind_prepared(4);
EXECUTE kind_prepared(5);
EXECUTE kind_prepared(6);
EXECUTE kind_prepared(7);
EXECUTE kind_prepared(8);
\o
SELECT * FROM kind_counted('prepared FROM');
SET plan_cache_mode = force_custom_plan;
EXECUTE kind_prepared(9);
RESET plan_cache_mode;
SELECT * FROM kind_counted('prepared FROM');
DEALLOCATE kind_prepared;

-- utility statements in cached plans count each time, also after a pause
CREATE FUNCTION kind_utility() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL work_mem = '7MB';
END $$;
SET pg_diagnose.track = top;
SELECT kind_utility();
SET pg_diagnose.track = 'all';
:reset
SELECT kind_utility();
SELECT kind_utility();
SELECT kind_utility() FROM generate_series(1, 3);
SELECT * FROM kind_counted('work_mem|kind_utility');

-- a function that is read row by row, and not to its end
CREATE FUNCTION kind_lazy(n int) RETURNS SETOF int LANGUAGE sql AS
	'SELECT i AS lazy FROM generate_series(1, n) AS i';
:reset
SELECT count(*) FROM (SELECT kind_lazy(100000)) AS all_of_it;
SELECT kind_lazy(100000) LIMIT 3 OFFSET 997;
SELECT * FROM kind_counted('lazy');

-- a hundred levels
CREATE FUNCTION kind_nested(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF n = 0 THEN
		RETURN 0;
	END IF;
	RETURN (SELECT kind_nested(n - 1) + 1 FROM kind WHERE id = 1);
END $$;
SELECT kind_nested(1);
:reset
SELECT kind_nested(100);
SELECT * FROM kind_counted('kind_nested');
-- the same with an error at the bottom
CREATE FUNCTION kind_nested_failing(n int) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
	IF n = 0 THEN
		RAISE EXCEPTION 'at the bottom';
	END IF;
	RETURN (SELECT kind_nested_failing(n - 1) + 1 FROM kind WHERE id = 1);
END $$;
\set VERBOSITY terse
SELECT kind_nested_failing(100);
\set VERBOSITY default
SELECT * FROM kind_counted('kind_nested_failing');
SELECT sum(failures) AS failures, sum(failed_nested) AS nested
FROM diagnose.statements(diagnose.since_reset()) JOIN diagnose.errors_by_sqlstate(diagnose.since_reset())
	USING (userid, dbid, queryid, toplevel)
WHERE query ~ 'kind_nested_failing' AND query !~ 'diagnose';

-- seventy savepoints, the upper half of them rolled back at once
:reset
BEGIN;
\set ECHO none
\o /dev/null
SELECT format('SAVEPOINT s%s', i), format('UPDATE kind SET v = v + 1 WHERE id = %s', i)
FROM generate_series(1, 70) AS i \gexec
\o
\set ECHO all
ROLLBACK TO s36;
COMMIT;
SELECT count(*) FROM kind WHERE v = id + 1;
SELECT * FROM kind_counted('UPDATE|ROLLBACK TO|COMMIT');
SELECT sum(calls) AS savepoints FROM kind_counted('SAVEPOINT');

-- 10,000 locks, and an error while they are held
:reset
BEGIN;
SELECT count(*) AS kind_locks FROM generate_series(1, 10000) AS i, LATERAL (SELECT pg_advisory_xact_lock(i)) AS locked;
SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid();
SELECT 1 / (v - v) AS kind_division FROM kind;
ROLLBACK;
SELECT * FROM kind_counted('kind_locks|kind_division');

-- a text of 1 MB
:reset
\set ECHO none
SELECT format('SELECT length(%L) AS long_literal', repeat('x', 1000000)) \gexec
SELECT format('SELECT 1 AS long_text %s', string_agg('/* comment */', E'\n' ORDER BY i)) FROM generate_series(1, 100000) AS i \gexec
SELECT format('SELECT array_length(ARRAY[%s], 1) AS long_text', string_agg('sin(' || i || ')', ',' ORDER BY i))
FROM generate_series(1, 50000) AS i \gexec
\set ECHO all
SELECT count(*) AS statements, sum(calls) AS calls, max(octet_length(query)) <= 1024 AS cut
FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'SELECT (length\(|. AS long_text|array_length)' AND query !~ 'diagnose';

-- without query identifiers nothing can be told apart, and that is said
:reset
SET compute_query_id = off;
SELECT 1 AS unidentified;
SELECT 2 AS unidentified;
SELECT kind_nested(3);
SELECT 1 / 0 AS unidentified;
SET compute_query_id = 'regress';
SELECT * FROM kind_counted('unidentified|kind_nested');
SELECT uncaptured FROM diagnose.own_status();

-- the settings
CREATE FUNCTION kind_track() RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	SET LOCAL work_mem = '9MB';
	RETURN (SELECT count(*) AS tracked FROM kind);
END $$;
SET pg_diagnose.track = none;
:reset
SELECT kind_track();
SELECT 1 / 0 AS tracked;
SET pg_diagnose.track = top;
SELECT * FROM kind_counted('kind_track|tracked|work_mem');
:reset
SELECT kind_track();
SELECT 1 / 0 AS tracked;
SELECT * FROM kind_counted('kind_track|tracked|work_mem');
SET pg_diagnose.track = 'all';
:reset
SET pg_diagnose.track_planning = off;
SELECT kind_track();
SET pg_diagnose.track_planning = on;
SELECT * FROM kind_counted('kind_track|tracked|work_mem');
:reset
SET pg_diagnose.track_utility = off;
SELECT kind_track();
BEGIN;
COMMIT;
SET pg_diagnose.track_utility = on;
SELECT * FROM kind_counted('kind_track|tracked|work_mem|BEGIN|COMMIT|SET');
-- what the planner runs is nested, also when planning is not captured or explained
CREATE FUNCTION kind_folded() RETURNS bigint LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	RETURN (SELECT count(*) AS folded FROM kind);
END $$;
:reset
SET pg_diagnose.track_planning = off;
SELECT kind_folded();
SET pg_diagnose.track_planning = on;
EXPLAIN SELECT kind_folded() \g /dev/null
SELECT * FROM kind_counted('folded FROM');
-- nobody can hide
SET pg_diagnose.track = 'some';
CREATE ROLE regress_kind;
SET ROLE regress_kind;
SET pg_diagnose.track = none;
RESET ROLE;
DROP ROLE regress_kind;

DROP FUNCTION kind_counted(text), kind_open(refcursor), kind_open_many(int), kind_utility(), kind_lazy(int),
	kind_nested(int), kind_nested_failing(int), kind_track(), kind_folded();
DROP TABLE kind;
