-- Evidence: what executed plans have shown of statements, and examples of them.
SET pg_diagnose.evidence_rate = 1000000;
CREATE TABLE evidence_t (id int PRIMARY KEY, v int, word text, ok boolean);
INSERT INTO evidence_t
	SELECT i, i % 100, 'word' || i % 10, i % 4 = 0 FROM generate_series(1, 10000) AS i;
CREATE TABLE evidence_child (id int, parent int REFERENCES evidence_t);
INSERT INTO evidence_child SELECT i, i FROM generate_series(1, 1000) AS i;
ANALYZE evidence_t, evidence_child;
SET enable_mergejoin = off;
SET enable_bitmapscan = off;
SET enable_indexonlyscan = off;
SET max_parallel_workers_per_gather = 0;

-- what is known of statements like a pattern, one row per node
CREATE FUNCTION shown(pattern text) RETURNS TABLE (query text, level text,
	executions bigint, cut bigint, node text, relation text, index text,
	loops bigint, rows bigint, discarded bigint)
LANGUAGE sql AS $$
	SELECT left(s.query, 50), CASE WHEN e.toplevel THEN 'client' ELSE 'nested' END,
		e.executions, e.cut_short, e.node, e.relid::regclass, e.index::regclass,
		e.loops, e.rows, e.discarded
	FROM diagnose.evidence() AS e
		JOIN diagnose.statements(diagnose.since_reset()) AS s USING (userid, dbid, toplevel, queryid)
	WHERE s.query ~ pattern AND s.query !~ 'shown|diagnose' AND e.executions > 0
	ORDER BY 1, 2, 5, 6, 9
$$;
CREATE FUNCTION exemplified(pattern text) RETURNS TABLE (statement text,
	parameters text, generic boolean, masked boolean)
LANGUAGE sql AS $$
	SELECT regexp_replace(btrim(e.statement), '\s+', ' ', 'g'), e.parameters, e.is_generic, e.is_masked
	FROM diagnose.examples() AS e
	WHERE e.statement ~ pattern
	ORDER BY 1, 2
$$;
\set reset 'SELECT diagnose.reset() IS NOT NULL AS done \\gset'

-- nothing yet
:reset
SELECT * FROM shown('evidence_');
SELECT * FROM exemplified('evidence_');

-- what a scan reads and throws away, exactly
SELECT count(*) FROM evidence_t WHERE v = 5;
SELECT * FROM shown('evidence_t WHERE v');
SELECT count(*) FROM evidence_t WHERE v = 6;
SELECT count(*) FROM evidence_t WHERE v > 97;
SELECT * FROM shown('evidence_t WHERE v');

-- what was expected: as many as there are, as columns are taken as independent
SELECT e.rows, round(e.estimated_rows) AS estimated
FROM diagnose.evidence() AS e
WHERE e.relid = 'evidence_t'::regclass AND e.executions = 2;

-- executions 1, 2, 3, 5 and 9 are looked at
:reset
SELECT count(*) FROM evidence_t WHERE v = 1 AND ok \; SELECT count(*) FROM evidence_t WHERE v = 2 AND ok
\; SELECT count(*) FROM evidence_t WHERE v = 3 AND ok \; SELECT count(*) FROM evidence_t WHERE v = 4 AND ok
\; SELECT count(*) FROM evidence_t WHERE v = 5 AND ok \; SELECT count(*) FROM evidence_t WHERE v = 6 AND ok
\; SELECT count(*) FROM evidence_t WHERE v = 7 AND ok \; SELECT count(*) FROM evidence_t WHERE v = 8 AND ok
\; SELECT count(*) FROM evidence_t WHERE v = 9 AND ok \; SELECT count(*) FROM evidence_t WHERE v = 10 AND ok;
SELECT * FROM shown('AND ok');
SELECT * FROM exemplified('AND ok');

-- what finds a row or two by an index has nothing to show
SELECT v FROM evidence_t WHERE id = 7;
INSERT INTO evidence_t VALUES (0, 0, 'zero', false);
SELECT * FROM shown('WHERE id|INSERT');
-- a condition beside that of the index does, and so do many rows
SELECT count(*) FROM evidence_t WHERE id = 7 AND word = 'x';
SELECT count(*) FROM evidence_t WHERE id BETWEEN 1 AND 1000;
SELECT * FROM shown('WHERE id');

-- sorts: rows that go in, and those that nobody wants
:reset
SELECT id FROM evidence_t ORDER BY word DESC, id LIMIT 2;
SELECT * FROM shown('ORDER BY');

-- joins: of both sides, and what the join itself throws away
SELECT count(*) FROM evidence_t AS t JOIN evidence_child AS c ON c.parent = t.id AND c.id > t.v;
SELECT * FROM shown('JOIN evidence_child');
SET enable_hashjoin = off;
SELECT count(*) FROM evidence_child AS c, LATERAL (SELECT * FROM evidence_t AS t WHERE t.id = c.parent AND t.ok OFFSET 0) AS x;
SELECT * FROM shown('LATERAL');
RESET enable_hashjoin;

-- inside functions, with their variables as parameters
:reset
DO $$
DECLARE
	wanted int := 5;
	word text := 'word5';
	found bigint;
BEGIN
	SELECT count(*) INTO found FROM evidence_t AS t WHERE t.v = wanted AND t.word = word;
EXCEPTION WHEN ambiguous_column THEN
	SELECT count(*) INTO found FROM evidence_t AS t WHERE t.v = wanted;
END
$$;
CREATE FUNCTION evidence_sql(wanted int) RETURNS bigint LANGUAGE sql VOLATILE
AS 'SELECT count(*) FROM evidence_t WHERE v >= wanted';
SELECT evidence_sql(90);
SELECT * FROM shown('evidence_t');
SELECT statement, parameters, masked FROM exemplified('evidence_t t');
-- before 18, functions in SQL have generic plans
SELECT statement, masked FROM exemplified('v >=');

-- foreign keys: the search for children, for want of an index
:reset
DELETE FROM evidence_t WHERE id = 9999;
SELECT * FROM shown('evidence_child');
SELECT * FROM exemplified('evidence_child');

-- prepared: custom plans with values, a generic one without
:reset
PREPARE evidence_p(int, text) AS SELECT count(*) FROM evidence_t WHERE v = $1 AND word = $2;
EXECUTE evidence_p(3, 'word3');
SELECT * FROM exemplified('evidence_t');
SET plan_cache_mode = force_generic_plan;
EXECUTE evidence_p(4, 'word4');
RESET plan_cache_mode;
SELECT * FROM shown('evidence_t');
SELECT * FROM exemplified('evidence_t');

-- a cursor that is not read to its end: nothing says that the rest was not there
:reset
DO $$
DECLARE
	r record;
BEGIN
	FOR r IN SELECT * FROM evidence_t WHERE v < 50 LOOP
		EXIT;
	END LOOP;
END
$$;
SELECT * FROM shown('v <');
SELECT rows, round(estimated_rows) AS estimated FROM diagnose.evidence() WHERE node = 'Seq Scan';

-- partitions are added up as their table, views are looked through
:reset
CREATE TABLE evidence_parts (id int, day int) PARTITION BY RANGE (day);
CREATE TABLE evidence_parts_1 PARTITION OF evidence_parts FOR VALUES FROM (0) TO (10);
CREATE TABLE evidence_parts_2 PARTITION OF evidence_parts FOR VALUES FROM (10) TO (20);
INSERT INTO evidence_parts SELECT i, i % 20 FROM generate_series(1, 2000) AS i;
CREATE VIEW evidence_view AS SELECT id FROM evidence_parts WHERE day < 15;
ANALYZE evidence_parts;
:reset
SELECT count(*) FROM evidence_parts WHERE id % 2 = 0;
SELECT count(*) FROM evidence_view WHERE id = 5;
SELECT count(*) FROM evidence_parts WHERE day = 3;
SELECT * FROM shown('evidence_');
SELECT * FROM exemplified('evidence_parts') WHERE statement ~ 'id = 5';

-- policies of row-level security are part of an example
:reset
CREATE ROLE regress_evidence_user;
GRANT SELECT ON evidence_t TO regress_evidence_user;
ALTER TABLE evidence_t ENABLE ROW LEVEL SECURITY;
CREATE POLICY evidence_ok ON evidence_t USING (ok);
SET ROLE regress_evidence_user;
SELECT count(*) FROM evidence_t WHERE v = 8;
-- everybody sees what his own statements have shown, and no example
SELECT * FROM shown('evidence_t WHERE');
SELECT * FROM diagnose.examples();
RESET ROLE;
SELECT count(*) FROM evidence_t WHERE v = 8;
SELECT * FROM shown('evidence_t WHERE');
SET ROLE regress_evidence_user;
SELECT * FROM shown('evidence_t WHERE');
RESET ROLE;
SELECT e.userid::regrole, e.dbid = d.oid AS here, e.examples
FROM diagnose.evidence() AS e, pg_database AS d
WHERE d.datname = current_database() AND e.relid = 'evidence_t'::regclass AND e.userid = 'regress_evidence_user'::regrole;
ALTER TABLE evidence_t DISABLE ROW LEVEL SECURITY;

-- a statement that fails, or is cancelled, leaves what it had seen
:reset
SELECT 1 / (id - 500) FROM evidence_t WHERE v >= 0 ORDER BY id LIMIT 1000;
SELECT * FROM shown('500|/');
-- one that succeeds afterwards is looked at as well
SELECT count(1 / (id - 50000)) FROM evidence_t WHERE v >= 0;
SET statement_timeout = 200;
SELECT count(*) FROM evidence_t AS a, evidence_t AS b WHERE a.word || b.word = '';
RESET statement_timeout;
SELECT executions, cut, node, loops, rows > 0 OR discarded > 0 AS some FROM shown('evidence_t AS a') ORDER BY node, loops;

-- constants and values that are not to be kept are parameters without values
:reset
SET pg_diagnose.track_constants = off;
SELECT count(*) FROM evidence_t WHERE v = 77 AND word LIKE 'secret%' AND ok = true LIMIT 12;
EXECUTE evidence_p(78, 'secret');
INSERT INTO evidence_child VALUES (77, 78), (79, NULL);
SELECT * FROM exemplified('evidence_');
RESET pg_diagnose.track_constants;

-- what a statement uses of settings goes with it
:reset
SET enable_seqscan = off;
SET TimeZone = 'Asia/Tokyo';
SELECT count(*) FROM evidence_t WHERE v = 2;
RESET TimeZone;
RESET enable_seqscan;
SELECT settings ~ 'enable_seqscan=off' AS seqscan, settings ~ 'TimeZone=Asia/Tokyo' AS zone
FROM diagnose.examples() WHERE statement ~ 'evidence_t';

-- off
:reset
SET pg_diagnose.track_evidence = off;
SELECT count(*) FROM evidence_t WHERE v = 2;
RESET pg_diagnose.track_evidence;
SET pg_diagnose.evidence_rate = 0;
SELECT count(*) FROM evidence_t WHERE v = 2;
SET pg_diagnose.evidence_rate = 1000000;
EXPLAIN (COSTS off) SELECT count(*) FROM evidence_t WHERE v = 2;
SELECT * FROM shown('evidence_t');
SELECT * FROM exemplified('evidence_t');

-- what is too long is counted, and not kept
SELECT count(*) FROM evidence_t WHERE v = 2;
DO $$ BEGIN EXECUTE format('SELECT count(*) FROM evidence_t WHERE word = %L', repeat('x', 20000)); END $$;
SELECT examples, examples_dropped FROM diagnose.status;

-- reset forgets evidence, by the same choice
SELECT count(*) FROM evidence_t WHERE v = 3 OR ok;
SELECT diagnose.reset(queryid => queryid) FROM diagnose.statements WHERE query ~ 'v = \? OR ok';
SELECT query FROM shown('evidence_t WHERE') GROUP BY 1;
SELECT diagnose.reset(userid => 'regress_evidence_user'::regrole);
SELECT query FROM shown('evidence_t WHERE') GROUP BY 1;
:reset
SELECT count(*) FROM diagnose.evidence();
SELECT evidence_statements, evidence_evictions, evidence_missed, examples_dropped FROM diagnose.status;

DROP VIEW evidence_view;
DROP TABLE evidence_child, evidence_t, evidence_parts;
DROP FUNCTION shown, exemplified, evidence_sql;
DROP ROLE regress_evidence_user;
