-- Forgetting: everything, or by user, database and query identifier.  What lies
-- in another session's slot is in the isolation test store_reset.
CREATE ROLE regress_reset_a;
CREATE ROLE regress_reset_b;
CREATE TABLE reset_me (id int);
GRANT SELECT ON reset_me TO PUBLIC;

CREATE FUNCTION reset_counted(OUT usename name, OUT statement text, OUT calls bigint, OUT failed bigint, OUT texts boolean)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT nullif(rolname, current_user), query, s.calls, s.failed, s.fingerprint IS NOT NULL
	FROM diagnose.statements(diagnose.since_reset()) s LEFT JOIN pg_roles r ON r.oid = userid
	WHERE query ~ 'reset_me' AND query !~ 'diagnose'
	ORDER BY 1 NULLS FIRST, query COLLATE "C"
$$;
CREATE FUNCTION reset_workload() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM count(*) FROM reset_me;
	PERFORM count(id) FROM reset_me;
	PERFORM max(id) FROM reset_me;
	BEGIN
		PERFORM 1 / count(id) FROM reset_me WHERE id = 1;
	EXCEPTION WHEN division_by_zero THEN
		NULL;
	END;
END $$;
CREATE PROCEDURE reset_workload_of_all() LANGUAGE plpgsql AS $$
BEGIN
	PERFORM reset_workload();
	SET LOCAL ROLE regress_reset_a;
	PERFORM reset_workload();
	SET LOCAL ROLE regress_reset_b;
	PERFORM reset_workload();
	RESET ROLE;
END $$;

SELECT diagnose.reset() IS NOT NULL AS done;
CALL reset_workload_of_all();
SELECT * FROM reset_counted();

-- by user
SELECT diagnose.reset(userid => 'regress_reset_a'::regrole) >= 4 AS some;
SELECT * FROM reset_counted();
-- by statement, of all users and of one
SELECT DISTINCT queryid AS count_all FROM diagnose.statements(diagnose.since_reset())
WHERE query = 'SELECT count(*) FROM reset_me' \gset
SELECT diagnose.reset(queryid => :count_all);
SELECT DISTINCT queryid AS max_id FROM diagnose.statements(diagnose.since_reset())
WHERE query = 'SELECT max(id) FROM reset_me' \gset
SELECT diagnose.reset('regress_reset_b'::regrole, 0, :max_id);
SELECT * FROM reset_counted();
-- a second time there is nothing
SELECT diagnose.reset('regress_reset_b'::regrole, 0, :max_id);
-- by database
SELECT oid AS here FROM pg_database WHERE datname = current_database() \gset
SELECT diagnose.reset(dbid => 1);
SELECT count(*) FROM reset_counted();
SELECT diagnose.reset(dbid => :here) > 0 AS some;
SELECT * FROM reset_counted();
-- counting goes on, with texts
CALL reset_workload_of_all();
CALL reset_workload_of_all();
SELECT * FROM reset_counted();

-- a statement that resets what it reads
SELECT diagnose.reset(queryid => queryid) AS itself FROM (
	SELECT queryid FROM diagnose.statements(diagnose.since_reset())
	WHERE query ~ 'reset_me WHERE id = .$' AND query !~ 'diagnose' LIMIT 1) AS one;
SELECT count(*), sum(calls) AS calls, sum(failed) AS failed FROM reset_counted();

-- all of it, with the errors of no statement and the numbers about ourselves
\set VERBOSITY sqlstate
SELEC;
SET compute_query_id = off;
SELECT 1 AS uncaptured;
SET compute_query_id = 'regress';
SELECT sum(failures) AS strays FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
WHERE queryid IS NULL AND dbid = :here;
SELECT uncaptured FROM diagnose.own_status();
SELECT since AS before FROM diagnose.own_status() \gset
SELECT diagnose.reset() > 0 AS some;
SELECT * FROM reset_counted();
SELECT count(*) AS strays FROM diagnose.errors_by_sqlstate(diagnose.since_reset());
SELECT uncaptured, evictions, texts_dropped, since > :'before' AS since_moved FROM diagnose.own_status();
-- of the statement that did it, what came after counts
SELECT calls, rows FROM diagnose.statements(diagnose.since_reset())
WHERE dbid = :here AND query = 'SELECT diagnose.reset() > ? AS some';
SELECT diagnose.seconds(diagnose.since_reset()) BETWEEN 0 AND 60 AS short_window;

-- the errors of one database
SELEC;
SELECT diagnose.reset(dbid => 1) AS nothing;
SELECT sum(failures) AS strays FROM diagnose.errors_by_sqlstate(diagnose.since_reset()) WHERE queryid IS NULL;
SELECT diagnose.reset(dbid => :here) > 0 AS some;
SELECT count(*) AS strays FROM diagnose.errors_by_sqlstate(diagnose.since_reset()) WHERE queryid IS NULL;

-- bad arguments
\set VERBOSITY terse
SELECT diagnose.reset(NULL) IS NULL AS no_reset;
SELECT diagnose.reset('regress_nobody'::regrole);
SELECT diagnose.reset(dbid => -1);
SELECT diagnose.reset(queryid => 9223372036854775808);
SELECT diagnose.reset(queryid => -9223372036854775808);
SELECT count(*) FROM diagnose.statements(NULL);
SELECT count(*) FROM diagnose.errors_by_sqlstate(NULL);
SELECT count(*) FROM diagnose.plans(NULL);
SELECT diagnose.seconds(NULL);
SELECT count(*) FROM diagnose.statements(ROW(999999999999, NULL));
SELECT count(*) FROM diagnose.statements(ROW(NULL, -1));
SELECT count(*) FROM diagnose.plans(ROW(9223372036854775807, NULL));
SELECT diagnose.seconds(ROW(0, 0));
SELECT count(*) FROM diagnose.statements();
SELECT diagnose.reset('x');
-- a declaration that wants a column nobody knows
CREATE FUNCTION pg_temp.newer(w diagnose.window, OUT calls bigint, OUT calls_of_2031 bigint) RETURNS SETOF record
AS '$libdir/pg_diagnose', 'pgd_statements' LANGUAGE c;
SELECT * FROM pg_temp.newer(diagnose.since_reset());
-- and one of fewer columns, in another order
CREATE FUNCTION pg_temp.older(w diagnose.window, OUT query text, OUT calls bigint) RETURNS SETOF record
AS '$libdir/pg_diagnose', 'pgd_statements' LANGUAGE c;
SELECT count(*) > 0 AS works FROM pg_temp.older(diagnose.since_reset());

DROP PROCEDURE reset_workload_of_all();
DROP FUNCTION reset_workload(), reset_counted();
DROP TABLE reset_me;
DROP ROLE regress_reset_a, regress_reset_b;
