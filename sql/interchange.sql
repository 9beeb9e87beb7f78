-- A window as a document, and back.

CREATE TABLE stock (id integer PRIMARY KEY, n integer NOT NULL);
INSERT INTO stock SELECT i, 100 FROM generate_series(1, 50) AS i;
CREATE FUNCTION in_stock(item integer) RETURNS integer LANGUAGE plpgsql AS
$$ BEGIN RETURN (SELECT n FROM stock WHERE id = item); END $$;
VACUUM (FREEZE, ANALYZE) stock;

-- the same work each time: two orders, a list with a query for each row, a
-- function, and two errors
CREATE FUNCTION pg_temp.work() RETURNS text LANGUAGE sql AS $$
SELECT 'SELECT 1 FROM diagnose.reset();
SET application_name = ''shop'';
BEGIN; SELECT n FROM stock WHERE id = 1; UPDATE stock SET n = 99 WHERE id = 1; COMMIT;
BEGIN; SELECT n FROM stock WHERE id = 2; UPDATE stock SET n = 98 WHERE id = 2; COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT id FROM stock ORDER BY id LIMIT 6;' ||
	(SELECT string_agg(format('SELECT n FROM stock WHERE id = %s;', i), ' ') FROM generate_series(1, 6) AS i) ||
'COMMIT;
BEGIN; SELECT in_stock(3); ROLLBACK;
INSERT INTO stock VALUES (1, 1);
BEGIN; SELECT 1 / 0; ROLLBACK;
RESET application_name;'
$$;
SELECT pg_temp.work() AS work \gset
\o /dev/null
\set ECHO none
\set VERBOSITY sqlstate
:work
:work
\o
\set ECHO all
\set VERBOSITY default

-- What differs between major versions is left out here.
SELECT diagnose.export(timings => false) AS doc \gset
\pset format unaligned
SELECT replace(jsonb_pretty(:'doc'::jsonb - '{library,server_version,statements,nested}'::text[] ||
	jsonb_build_object(
		'statements', (SELECT jsonb_object_agg(s.key, s.value - '{shared_blks,wal_records}'::text[])
			FROM jsonb_each(:'doc'::jsonb -> 'statements') AS s),
		'nested', (SELECT jsonb_object_agg(s.key, s.value - '{shared_blks,wal_records}'::text[])
			FROM jsonb_each(:'doc'::jsonb -> 'nested') AS s))),
	':' || current_user || ':', ':postgres:') AS document;
\pset format aligned
SELECT s.value ->> 'query' AS query, (s.value ->> 'shared_blks')::int > 0 AS blocks,
	(s.value ->> 'wal_records')::int > 0 AS wal
FROM jsonb_each(:'doc'::jsonb -> 'statements') AS s
WHERE s.value ? 'shared_blks'
ORDER BY s.value ->> 'query' COLLATE "C";

-- the same once more is the same to the last byte
\o /dev/null
\set ECHO none
\set VERBOSITY sqlstate
:work
\o
\set ECHO all
\set VERBOSITY default
SELECT jsonb_pretty(diagnose.export(timings => false)) = jsonb_pretty(:'doc'::jsonb) AS is_identical;

-- With timings it has them, and everything else, too.
SELECT diagnose.export() AS timed \gset
SELECT k.key, jsonb_typeof(:'timed'::jsonb -> k.key)
FROM jsonb_object_keys(:'timed') AS k (key) ORDER BY k.key COLLATE "C";
SELECT k.key FROM jsonb_each(:'timed'::jsonb -> 'statements') AS s, jsonb_object_keys(s.value) AS k (key)
WHERE s.value ->> 'query' = 'SELECT n FROM stock WHERE id = ?'
	AND k.key NOT IN ('shared_blks_read', 'blk_read_time')
ORDER BY k.key COLLATE "C";
SELECT k.key FROM jsonb_each(:'timed'::jsonb -> 'transactions') AS s, jsonb_object_keys(s.value) AS k (key)
WHERE s.value ->> 'isolation' = 'repeatable read'
ORDER BY k.key COLLATE "C";

-- There and back again.
SELECT diagnose.import(:'doc', 'a baseline') AS plain \gset
SELECT diagnose.import(:'timed', 'a baseline with timings') AS timed_id \gset
SELECT label, kind, problem FROM diagnose.snapshots() WHERE id IN (:plain, :timed_id) ORDER BY id;
SELECT k.key, d.doc -> k.key = d.back -> k.key AS is_same
FROM (SELECT :'doc'::jsonb, diagnose.export(ROW(NULL, :plain)::diagnose.window)) AS d (doc, back),
	jsonb_object_keys(d.doc) AS k (key)
ORDER BY k.key COLLATE "C";
SELECT k.key, d.doc -> k.key = d.back -> k.key AS is_same
FROM (SELECT :'timed'::jsonb, diagnose.export(ROW(NULL, :timed_id)::diagnose.window)) AS d (doc, back),
	jsonb_object_keys(d.doc) AS k (key)
ORDER BY k.key COLLATE "C";
SELECT diagnose.export(ROW(NULL, :timed_id)::diagnose.window, timings => false) = :'doc'::jsonb AS is_same_without_timings;
SELECT round(diagnose.seconds(ROW(NULL, :timed_id)::diagnose.window)::numeric, 6) =
	(:'timed'::jsonb #>> '{window,seconds}')::numeric AS is_as_long;

-- What is not in the document is unknown, not 0.
SELECT query, calls, rows, failed, shared_blks_hit > 0 AS blocks, total_exec_time, wal_bytes
FROM diagnose.statements(ROW(NULL, :plain)::diagnose.window)
ORDER BY query COLLATE "C";
SELECT kind, application, calls, statements, duration FROM diagnose.transactions(ROW(NULL, :plain)::diagnose.window)
ORDER BY shape;
SELECT replace(replace(key, current_database(), '<this database>'), ':' || current_user || ':', ':postgres:') AS key, rule, severity, subject
FROM diagnose.recorded_findings(ROW(NULL, :plain)::diagnose.window);
SELECT rule, severity IS NOT NULL AS severity FROM diagnose.recorded_findings(ROW(NULL, :timed_id)::diagnose.window)
WHERE diagnose.is_repeatable(rule);
SELECT * FROM diagnose.recorded_findings(diagnose.since_reset());
SELECT w.name, r.rule, diagnose.would_record(w.w, r.rule)
FROM (VALUES (1, 'without timings', ROW(NULL, :plain)::diagnose.window), (2, 'with timings', ROW(NULL, :timed_id)::diagnose.window),
		(3, 'not imported', diagnose.since_reset())) AS w (place, name, w),
	(VALUES ('n_plus_one'), ('slow_statement')) AS r (rule)
ORDER BY w.place, r.rule;

-- A document of another major version, with a counter that we do not have.
SELECT '{"format": 1, "library": "pg_diagnose 3.2", "server_version": 190001, "timings": true,
	"window": {"seconds": 12.5},
	"statements": {
		"-17": {"query": "SELECT é FROM elsewhere", "calls": 3, "rows": 9007199254740991,
			"total_exec_time": 1.000001, "min_exec_time": 0.25, "max_exec_time": 0.500000,
			"histogram": "{0.237568:1,0.491520:1}", "plan_shapes": {"5": 2, "other": 1},
			"errors": {"57014": 2, "other": 1}, "failed": 3, "moon_phases": 7}},
	"nested": {"-17": {"calls": 1}},
	"transactions": {"a/b/77": {"kind": "burst", "isolation": "serializable", "application": "b", "route": "a/b", "calls": 2,
		"duration": 3.5, "moon_phases": [],
		"errors": {"40001": 1}, "histograms": {"duration": "{1.703936:2}"},
		"steps": [{"fingerprint": "-17", "calls": 4, "cycle": 1, "sqlstate": "40001"}, {"fingerprint": "other", "calls": 2}]}},
	"unidentified": {"calls": 5},
	"findings": [{"key": "k", "rule": "some_rule", "subject": "s", "severity": "critical"}]}' AS foreign_doc \gset
SELECT diagnose.import(:'foreign_doc', 'elsewhere') AS elsewhere \gset
SELECT server_version, executions, evicted FROM diagnose.snapshots() WHERE id = :elsewhere;
SELECT jsonb_pretty(diagnose.export(ROW(NULL, :elsewhere)::diagnose.window));
SELECT key, rule, severity, subject FROM diagnose.recorded_findings(ROW(NULL, :elsewhere)::diagnose.window);

-- A label is that of one snapshot.
\set VERBOSITY terse
SELECT diagnose.import(:'doc', 'elsewhere');
\set VERBOSITY default

-- What is no document, or not whole.
CREATE FUNCTION pg_temp.attempt(what text, doc jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	message text;
	detail text;
	context text;
BEGIN
	PERFORM diagnose.drop_snapshot(diagnose.import(doc, 'attempt'));
	RETURN what || ': taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		context = PG_EXCEPTION_CONTEXT;
	RETURN format('%s: %s %s%s%s', what, SQLSTATE, message, E'\n    ' || nullif(detail, ''),
		E'\n    ' || substring(context FROM 'pg_diagnose document, [^\n]*'));
END $$;
SET client_min_messages = warning;
\pset format unaligned
\pset tuples_only on
SELECT pg_temp.attempt(what, doc) FROM (VALUES
	('null', 'null'::jsonb), ('array', '[]'), ('string', '"x"'), ('empty', '{}'),
	('foreign', '{"name": "x", "version": 1}'), ('foreign with a format', '{"format": 1, "library": "jquery 3"}'),
	('library', '{"format": 1, "library": 3}'), ('format', '{"format": 2, "library": "pg_diagnose 7.0"}'),
	('format is text', '{"format": "1", "library": "pg_diagnose 1.0"}')) AS t (what, doc);
SELECT pg_temp.attempt('without ' || k.key, :'doc'::jsonb - k.key)
FROM jsonb_object_keys(:'doc'::jsonb) AS k (key) ORDER BY k.key COLLATE "C";
SELECT pg_temp.attempt('without window', :'timed'::jsonb - 'window');
SELECT pg_temp.attempt(at || ' is ' || left(value, 30), jsonb_set(:'foreign_doc', at::text[], value::jsonb)) FROM (VALUES
	('{server_version}', '15.2'), ('{server_version}', '7'), ('{timings}', '1'),
	('{window}', '[]'), ('{window}', '{}'), ('{window,seconds}', '-1'), ('{window,seconds}', '0'),
	('{window,seconds}', '1e300'), ('{window,seconds}', '9007199254'),
	('{statements}', '[]'), ('{statements}', 'null'), ('{statements,-17}', '3'),
	('{statements,017}', '{}'), ('{statements,0}', '{}'), ('{statements,x}', '{}'), ('{statements," 5"}', '{}'),
	('{statements,""}', '{}'), ('{statements,9223372036854775808}', '{}'), ('{statements,-9223372036854775808}', '{}'),
	('{statements,1.0}', '{}'),
	('{statements,-17,query}', '1'), ('{statements,-17,query}', 'null'), ('{statements,-17,query}', to_json(repeat('x', 32769))::text),
	('{statements,-17,query}', to_json(repeat('é', 8192))::text),
	('{statements,-17,calls}', '"3"'), ('{statements,-17,calls}', '-3'), ('{statements,-17,calls}', '3.5'),
	('{statements,-17,calls}', '3.000'), ('{statements,-17,calls}', '1e400'), ('{statements,-17,calls}', '9007199254740992'),
	('{statements,-17,calls}', 'true'), ('{statements,-17,calls}', '[1]'),
	('{statements,-17,total_exec_time}', '-0.1'), ('{statements,-17,total_exec_time}', '0.0000001'),
	('{statements,-17,total_exec_time}', '9223372036854.775807'), ('{statements,-17,total_exec_time}', '9223372036854.775808'),
	('{statements,-17,histogram}', '"{0.3:1}"'), ('{statements,-17,histogram}', '5'), ('{statements,-17,histogram}', '"{"'),
	('{statements,-17,errors}', '[]'), ('{statements,-17,errors}', '{"4000": 1}'), ('{statements,-17,errors}', '{"00000": 1}'),
	('{statements,-17,errors}', '{"57014": -1}'), ('{statements,-17,plan_shapes}', '{"x": 1}'),
	('{statements,-17,plan_shapes}', '{"1": 1, "2": 1, "3": 1, "4": 1, "5": 1, "6": 1}'),
	('{statements,-17,plan_shapes}', '{"1": "1"}'),
	('{nested,x}', '{}'), ('{nested,-17,calls}', '-1'),
	('{transactions}', '[]'), ('{transactions,77}', '{}'), ('{transactions,a/x}', '{}'), ('{transactions,a/5}', '{}'),
	('{transactions,a/b/77,kind}', '"none"'), ('{transactions,a/b/77,isolation}', '"none"'),
	('{transactions,a/b/77,steps}', '{}'), ('{transactions,a/b/77,steps,0}', '{}'), ('{transactions,a/b/77,steps,0}', '7'),
	('{transactions,a/b/77,steps,1,fingerprint}', '17'), ('{transactions,a/b/77,steps,1,calls}', '-1'),
	('{transactions,a/b/77,steps,0,cycle}', '300'), ('{transactions,a/b/77,steps,0,sqlstate}', '"4000"'),
	('{transactions,a/b/77,steps}', (SELECT jsonb_agg(jsonb_build_object('fingerprint', i::text)) FROM generate_series(1, 33) AS i)::text),
	('{transactions,a/b/77,application}', to_json(repeat('x', 64))::text), ('{transactions,a/b/77,calls}', '0.5'),
	('{transactions,a/b/77,histograms,duration}', '"{1:1}"'), ('{transactions,a/b/77,errors}', '{"x": 1}'),
	('{unidentified}', '5'), ('{unidentified,calls}', '-5'),
	('{findings}', '{}'), ('{findings,0}', '1'), ('{findings,0,key}', 'null'), ('{findings,0,severity}', '"bad"'),
	('{findings,1}', '{"key": "k", "rule": "r"}')) AS t (at, value);

-- Too much.
SELECT pg_temp.attempt('statements', jsonb_set(:'foreign_doc', '{statements}',
	(SELECT jsonb_object_agg(i, '{}'::jsonb) FROM generate_series(1, 100001) AS i)));
SELECT pg_temp.attempt('findings', jsonb_set(:'foreign_doc', '{findings}',
	(SELECT jsonb_agg('{"key": "k", "rule": "r", "subject": "s"}'::jsonb) FROM generate_series(1, 10001) AS i)));
SELECT pg_temp.attempt('bytes', jsonb_set(:'foreign_doc', '{more}', to_jsonb(repeat('x', 64 * 1024 * 1024))));
\pset tuples_only off
\pset format aligned
RESET client_min_messages;

-- Arguments.
SELECT diagnose.import(NULL, 'x');
SELECT diagnose.import(:'doc', NULL);
SELECT diagnose.import(:'doc', '');
SELECT diagnose.import(:'doc', '#1');
SELECT diagnose.import(:'doc', repeat('x', 64));
SELECT diagnose.export(database => 'no_such_database');
SELECT diagnose.export(timings => NULL);
SELECT diagnose.export(NULL);
SELECT count(*) FROM diagnose.snapshots() WHERE label = 'attempt';

-- Who may what: everybody exports what he may see, to import is for whoever it
-- is granted to.
CREATE ROLE regress_interchange;
SET ROLE regress_interchange;
SELECT e ->> 'unidentified' AS unidentified, e ->> 'transactions' AS transactions
FROM (SELECT jsonb_set(diagnose.export(timings => false), '{unidentified,calls}', '"some"')) AS x (e);
SELECT diagnose.import('{}', 'x');
RESET ROLE;

SELECT diagnose.drop_snapshot(id) FROM diagnose.snapshots() WHERE kind = 'imported';
DROP ROLE regress_interchange;
DROP FUNCTION in_stock;
DROP TABLE stock;
