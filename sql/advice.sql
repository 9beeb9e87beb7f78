--
-- Index advice: which index for which kind of statement, why not, for whom, and
-- what becomes of statements that cannot be planned any more.
--
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE SCHEMA advice;
CREATE ROLE regress_advice_user;
CREATE ROLE regress_advice_reader;
GRANT ALL ON SCHEMA advice TO PUBLIC;
SET search_path = advice, public;
CREATE TABLE orders (
	id			integer PRIMARY KEY,
	customer	integer,
	state		text,
	paid		boolean,
	priority	integer,
	created		timestamptz,
	email		text COLLATE "C",
	document	jsonb,
	tags		text[],
	during		int4range);
INSERT INTO orders
SELECT g, g % 3000, CASE WHEN g % 500 = 0 THEN 'new' ELSE 'done' END, g % 3 = 0, g % 100,
	timestamptz '2026-01-01 00:00+00' + (g * 7919 % 30000) * interval '1 min', 'User' || g || '@example.org',
	jsonb_build_object('k', g % 3000), ARRAY['t' || g % 3000, 'all'], int4range(g, g + 3)
FROM generate_series(1, 30000) AS g;
CREATE TABLE items (id integer, "order" integer, note text);
INSERT INTO items SELECT g, g * 7 % 30000, repeat('x', 20) FROM generate_series(1, 30000) AS g;
CREATE TABLE small AS SELECT g AS id FROM generate_series(1, 500) AS g;
CREATE TABLE parted (id integer, kind integer) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (15000);
CREATE TABLE parted_2 (kind integer, gone integer, id integer);
ALTER TABLE parted_2 DROP gone;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES FROM (15000) TO (40000);
INSERT INTO parted SELECT g, g % 3000 FROM generate_series(1, 30000) AS g;
CREATE TABLE "Odd ""name;
--" AS SELECT g AS "a;""b", 'x'::text AS c FROM generate_series(1, 30000) AS g;
VACUUM ANALYZE;

-- What is proposed after a statement was executed a few times, with different
-- numbers in place of {}, and nothing else was.
CREATE FUNCTION pg_temp.run(statement text, times integer DEFAULT 10) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		EXECUTE replace(statement, '{}', i::text);
	END LOOP;
END $$;
CREATE FUNCTION pg_temp.advised(statement text, OUT ddl text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM diagnose.reset();
	PERFORM pg_temp.run(statement);
	RETURN QUERY SELECT a.ddl FROM diagnose.advise_indexes() AS a ORDER BY a.rank;
END $$;

-- twelve kinds of statements
SELECT * FROM pg_temp.advised('SELECT note FROM items WHERE "order" = {}');
SELECT * FROM pg_temp.advised('SELECT max(created) FROM orders WHERE customer = {}');
SELECT * FROM pg_temp.advised('SELECT * FROM orders ORDER BY created DESC LIMIT 5');
SELECT * FROM pg_temp.advised('SELECT * FROM orders ORDER BY priority DESC, created LIMIT 5');
SELECT * FROM pg_temp.advised('SELECT * FROM orders WHERE state = ''new'' ORDER BY created LIMIT 5');
SELECT * FROM pg_temp.advised('SELECT * FROM orders WHERE lower(email) = ''user{}@example.org''');
SELECT * FROM pg_temp.advised('SELECT * FROM orders WHERE email LIKE ''User2{}%''');
SELECT * FROM pg_temp.advised('SELECT id FROM orders WHERE document @> ''{"k": {}}''');
SELECT * FROM pg_temp.advised('SELECT id FROM orders WHERE tags && ARRAY[''t{}'']');
SELECT * FROM pg_temp.advised('SELECT id FROM orders WHERE during @> {}');
SELECT * FROM pg_temp.advised('SELECT i.note FROM orders AS o JOIN items AS i ON i."order" = o.id WHERE o.id = {}');
SELECT * FROM pg_temp.advised('UPDATE items SET note = note WHERE id = {}');
-- a partitioned table, and names that need care
SELECT * FROM pg_temp.advised('SELECT * FROM parted WHERE kind = {}');
SELECT * FROM pg_temp.advised('SELECT * FROM "Odd ""name;
--" WHERE "a;""b" = {}');
SELECT undo, verify FROM diagnose.advise_indexes();

-- nothing for what no index helps, or an existing one does already
SELECT * FROM pg_temp.advised('SELECT count(note) FROM items WHERE id >= {}');
SELECT * FROM pg_temp.advised('SELECT count(email) FROM orders WHERE NOT paid');
SELECT * FROM pg_temp.advised('SELECT count(*) FROM small WHERE id = {}');
SELECT * FROM pg_temp.advised('SELECT email FROM orders WHERE id = {}');
SELECT * FROM pg_temp.advised('SELECT email FROM orders WHERE id::text = ''{}''');
SELECT * FROM pg_temp.advised('SELECT email FROM orders WHERE customer + 1 = {} AND random() > 2');
SELECT * FROM pg_temp.advised('SELECT count(*) FROM pg_attribute WHERE attnum = {}');
SELECT * FROM pg_temp.advised('SELECT email FROM orders WHERE xmin::text = ''{}''');
SELECT * FROM pg_temp.advised('SELECT email FROM orders WHERE id = ANY (ARRAY(SELECT generate_series(1, {})))');
-- what another part of the plan computes has a name, too
SELECT condition FROM diagnose.predicates(diagnose.since_reset()) WHERE relation ~ 'orders';

-- Every proposal of a mixed workload can be built, and what is built is used.
CREATE FUNCTION pg_temp.tried(OUT ddl text, OUT works boolean, OUT used boolean) RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE
	asked record;
	line text;
BEGIN
	FOR asked IN SELECT a.*, e.statement FROM diagnose.advise_indexes() AS a
		JOIN LATERAL (SELECT x.statement FROM diagnose.examples() AS x
			WHERE x.queryid = ANY (a.queryids) LIMIT 1) AS e ON true ORDER BY a.rank LOOP
		ddl := replace(asked.ddl, ' CONCURRENTLY', '');
		EXECUTE ddl;
		works := true;
		used := false;
		FOR line IN EXECUTE 'EXPLAIN ' || asked.statement LOOP
			used := used OR line ~ 'Index';
		END LOOP;
		EXECUTE replace(asked.undo, ' CONCURRENTLY', '');
		RETURN NEXT;
	END LOOP;
END $$;
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT pg_temp.run('SELECT count(*) FROM items WHERE "order" IN ({}, 7)'),
	pg_temp.run('SELECT id FROM orders WHERE document @> ''{"k": {}}'''),
	pg_temp.run('SELECT count(*) FROM "Odd ""name;
--" WHERE md5("a;""b"::text || ''it''''s'') = ''{}'''),
	pg_temp.run('SELECT * FROM orders WHERE state = ''new'' ORDER BY created LIMIT 5');
SELECT * FROM pg_temp.tried() ORDER BY ddl COLLATE "C";

-- a budget, and a limit by table
SELECT count(*) FROM diagnose.advise_indexes(storage_budget => '10 kB');
SELECT count(*) < 4 AS fewer FROM diagnose.advise_indexes('700 kB');
SELECT relation, count(*) FROM diagnose.advise_indexes(NULL::bigint, 1) GROUP BY 1 HAVING count(*) > 1;
SELECT DISTINCT reason FROM diagnose.index_advice(8192, NULL, diagnose.since_reset()) WHERE reason ~ 'budget';
SELECT * FROM diagnose.advise_indexes('a lot');

-- why not
SELECT diagnose.reset() IS NOT NULL AS reset;
CREATE INDEX orders_customer ON orders (customer, created);
SELECT pg_temp.run('SELECT count(email) FROM orders WHERE customer > {} AND NOT paid'),
	pg_temp.run('SELECT count(email) FROM orders WHERE customer = {} AND paid');
SELECT DISTINCT ddl COLLATE "C" AS ddl, relation, regexp_replace(reason, '\d+ %', '<n> %') AS reason FROM diagnose.advice_rejected()
WHERE reason ~ 'finds|covered' AND ddl !~ 'INCLUDE' ORDER BY 1;
DROP INDEX orders_customer;

-- Who may not see the statements of others learns nothing of them.
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT pg_temp.run('SELECT max(created) FROM orders WHERE customer = {} AND email <> ''secret''');
GRANT SELECT ON items TO regress_advice_reader;
SET ROLE regress_advice_reader;
SELECT pg_temp.run('SELECT note FROM items WHERE "order" = {} AND note <> ''mine''');
SELECT ddl FROM diagnose.advise_indexes();
SELECT count(*) FROM diagnose.advice_rejected() WHERE relation IS DISTINCT FROM 'advice.items';
SELECT relation, kind, condition FROM diagnose.predicates(diagnose.since_reset()) GROUP BY 1, 2, 3
ORDER BY condition COLLATE "C";
SELECT count(*) FROM diagnose.examples();
SELECT * FROM diagnose.what_if('SELECT * FROM orders WHERE customer = 7', '{}');
SELECT problem FROM diagnose.what_if('SELECT 1', '{CREATE INDEX ON advice.orders (customer)}') WHERE problem IS NOT NULL;
SET ROLE pg_read_all_stats;
SELECT ddl FROM diagnose.advise_indexes() ORDER BY ddl COLLATE "C";
SELECT condition FROM diagnose.predicates(diagnose.since_reset()) WHERE condition ~ 'secret';
RESET ROLE;

-- Where constants are not to be known, nobody does, and there is advice.
SET pg_diagnose.track_constants = off;
SELECT * FROM pg_temp.advised('SELECT id FROM orders WHERE customer = {} AND email <> ''secret''
	AND position(''secret'' IN email) = 0 AND overlay(email PLACING ''secret'' FROM 1) <> email
	AND ''{"a": "secret"}''::jsonb ->> ''a'' <> email AND date_trunc(''day'', timestamptz ''1999-09-09'') < created
	AND extract(year FROM date ''1999-09-09'') > 0 LIMIT length(''secret'')');
SELECT count(*), count(*) FILTER (WHERE is_masked AND is_generic) AS masked,
	count(*) FILTER (WHERE statement ~ 'secret|1999|User') AS told, count(parameters) FILTER (WHERE parameters <> '') AS values
FROM diagnose.examples();
SELECT count(*) FROM diagnose.predicates(diagnose.since_reset()) AS p WHERE p::text ~ 'secret|1999';
RESET pg_diagnose.track_constants;

-- Functions that the planner evaluates run as whoever executed the statement,
-- or owns the index, and not as the one who asks.
CREATE FUNCTION as_owner(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_user <> 'regress_advice_user' THEN
		RAISE EXCEPTION 'evaluated as somebody else';
	END IF;
	RETURN $1;
END $$;
CREATE FUNCTION cancels(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
	IF current_setting('application_name') = 'asks' THEN
		RAISE EXCEPTION 'not a real cancellation' USING ERRCODE = 'query_canceled';
	END IF;
	RETURN $1;
END $$;
SET ROLE regress_advice_user;
CREATE TABLE owned AS SELECT g AS id, g % 3000 AS a FROM generate_series(1, 30000) AS g;
CREATE INDEX owned_evil ON owned ((id + advice.as_owner(7)));
ANALYZE owned;
RESET ROLE;
SELECT diagnose.reset() IS NOT NULL AS reset;
SET ROLE regress_advice_user;
SELECT pg_temp.run('SELECT id FROM owned WHERE a = advice.as_owner({})');
SELECT pg_temp.run('SELECT id + 1 FROM owned WHERE a = advice.cancels({})');
RESET ROLE;
SET application_name = 'asks';
SELECT ddl FROM diagnose.advise_indexes() WHERE relation ~ 'owned';
SELECT reason FROM diagnose.advice_rejected() WHERE ddl IS NULL AND reason <> 'no example was captured';
RESET application_name;
-- what whoever asks has set for himself makes no difference
SET random_page_cost = 100000;
SET enable_seqscan = off;
SET work_mem = '1 GB';
SET search_path = pg_temp;
SELECT ddl, (benefits -> 0 ->> 'cost_before')::float8 < 10000 AS cost_before, (benefits -> 0 ->> 'cost_after')::float8 < 1000 AS cost_after
FROM diagnose.advise_indexes() WHERE relation ~ 'owned';
RESET random_page_cost;
RESET enable_seqscan;
RESET work_mem;
SET search_path = advice, public;

-- Statements that cannot be planned any more have a reason; the others are
-- advised all the same, and nothing is executed.
CREATE FUNCTION fleeting(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE TYPE pair AS (a integer, b integer);
CREATE OPERATOR === (LEFTARG = integer, RIGHTARG = integer, FUNCTION = int4eq, RESTRICT = eqsel);
DO $$
BEGIN
	FOR i IN 1 .. 8 LOOP
		EXECUTE format('CREATE TABLE bad_%s AS SELECT g AS id, g %% 3000 AS a, g AS b FROM generate_series(1, 12000) AS g', i);
	END LOOP;
END $$;
ANALYZE;
SELECT diagnose.reset() IS NOT NULL AS reset;
DO $$
BEGIN
	FOR i IN 1 .. 8 LOOP
		PERFORM pg_temp.run(format('SELECT b FROM bad_%s WHERE a = {}', i), 20);
	END LOOP;
	PERFORM pg_temp.run('SELECT b FROM items AS i, bad_6 AS b WHERE b.a = fleeting(i.id) AND i."order" = {}', 2);
	PERFORM pg_temp.run('SELECT note FROM items WHERE "order" === {} AND id < 50', 2);
	PERFORM pg_temp.run('SELECT note FROM items WHERE ("order", id)::pair = ''(5,{})''::pair', 2);
	PERFORM pg_temp.run('INSERT INTO items SELECT b, a FROM bad_7 WHERE a = -{}', 2);
END $$;
GRANT SELECT ON items TO regress_advice_user;
GRANT SELECT ON bad_8 TO regress_advice_user;
SET ROLE regress_advice_user;
SELECT pg_temp.run('SELECT note FROM items WHERE id = {}', 2), pg_temp.run('SELECT count(b) FROM bad_8 WHERE a = {}', 2);
RESET ROLE;
DROP TABLE bad_1;
DROP TABLE bad_2;
CREATE TABLE bad_2 (a text);
ALTER TABLE bad_3 DROP COLUMN b;
ALTER TABLE bad_4 ALTER COLUMN a TYPE text;
ALTER TABLE bad_5 RENAME COLUMN a TO "A";
ALTER TABLE bad_5 RENAME TO "Bad 5";
DROP FUNCTION fleeting(integer);
DROP OPERATOR === (integer, integer);
ALTER TYPE pair ALTER ATTRIBUTE a TYPE text;
REVOKE ALL ON bad_8 FROM regress_advice_user;
SELECT ddl FROM diagnose.advise_indexes() WHERE relation ~* 'bad' ORDER BY ddl COLLATE "C";
SELECT regexp_replace(reason, '\d{4,}', '<oid>') COLLATE "C" AS reason, count(*) FROM diagnose.advice_rejected()
WHERE ddl IS NULL AND reason <> 'no example was captured' GROUP BY 1 ORDER BY 1;
SELECT count(*) > 5 AS known, count(*) FILTER (WHERE statement IS NULL) > 5 AS gone, count(*) FILTER (WHERE statement ~ 'pair') AS pairs
FROM diagnose.examples();
SELECT count(DISTINCT relation) FROM diagnose.predicates(diagnose.since_reset()) WHERE relation ~* 'bad';
SELECT count(*) FROM items WHERE id < 0;
-- also within a transaction that has begun to do something about it
BEGIN;
CREATE INDEX bad_6_a ON bad_6 (a);
DROP TABLE bad_7;
SAVEPOINT s;
SELECT ddl FROM diagnose.advise_indexes() WHERE relation ~ 'bad_[67]';
ROLLBACK TO s;
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = '"Bad 5"'::regclass;
ROLLBACK;
BEGIN READ ONLY;
SELECT count(*) > 0 AS some FROM diagnose.advise_indexes();
COMMIT;
DO $$
BEGIN
	PERFORM count(*) FROM diagnose.advise_indexes();
	RAISE EXCEPTION 'after that';
EXCEPTION WHEN OTHERS THEN
	RAISE WARNING '%', sqlerrm;
END $$;

DROP SCHEMA advice CASCADE;
DROP ROLE regress_advice_user;
DROP ROLE regress_advice_reader;
