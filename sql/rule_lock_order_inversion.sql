--
-- rule_lock_order_inversion: the same rows in different orders
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

\set VERBOSITY terse
CREATE TABLE lock_orders (id int PRIMARY KEY, v int);
CREATE TABLE lock_items (id int PRIMARY KEY, v int);
INSERT INTO lock_orders SELECT i, 0 FROM generate_series(1, 10) AS i;
INSERT INTO lock_items SELECT * FROM lock_orders;
CREATE FUNCTION deadlock() RETURNS trigger
LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.v < 0 THEN
		RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected';
	END IF;
	RETURN NEW;
END $$;
CREATE TRIGGER deadlock BEFORE UPDATE ON lock_items
FOR EACH ROW EXECUTE FUNCTION deadlock();

-- What a client sends: transactions of two statements.
CREATE FUNCTION pg_temp.send(times int, first text, second text)
RETURNS SETOF text LANGUAGE sql AS $$
	SELECT s.statement
	FROM generate_series(1, times) AS t,
		LATERAL (VALUES (1, 'BEGIN'), (2, first), (3, second), (4, 'COMMIT')) AS s (position, statement)
	ORDER BY t, s.position
$$;
\set orders 'UPDATE lock_orders SET v = v + 1 WHERE id = 1'
\set items 'UPDATE lock_items SET v = v + 1 WHERE id = 1'

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('lock_order_inversion');

-- silent: always in one order
\set ECHO none
\o /dev/null
SELECT pg_temp.send(30, :'orders', :'items') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('lock_order_inversion');

-- silent: seldom in the other one
\set ECHO none
\o /dev/null
SELECT pg_temp.send(9, :'items', :'orders') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('lock_order_inversion');

-- found: a note, as they never met
\set ECHO none
\o /dev/null
SELECT pg_temp.send(1, :'items', :'orders') \gexec
\o
\set ECHO all
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'lock_order_inversion';
SELECT * FROM pg_temp.found('lock_order_inversion');

-- a warning, as they do meet
\set ECHO none
\o /dev/null
SELECT pg_temp.send(1, :'orders', 'UPDATE lock_items SET v = -1 WHERE id = 1') \gexec
\o
\set ECHO all
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'lock_order_inversion';
SELECT costs, problem, advice FROM pg_temp.found('lock_order_inversion');

-- found: rows of one table
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.send(10, 'UPDATE lock_orders SET v = v + 1 WHERE id = 3', 'UPDATE lock_orders SET v = v + 1 WHERE id = 7') \gexec
SELECT pg_temp.send(10, 'UPDATE lock_orders SET v = v + 1 WHERE id = 7', 'UPDATE lock_orders SET v = v + 1 WHERE id = 3') \gexec
\o
\set ECHO all
SELECT * FROM pg_temp.found('lock_order_inversion');

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
SELECT pg_temp.send(20, :'orders', :'items') \gexec
SELECT pg_temp.send(20, 'UPDATE lock_orders SET v = v + 1 WHERE id = 3', 'UPDATE lock_orders SET v = v + 1 WHERE id = 7') \gexec
\o
\set ECHO all
SELECT count(*) FROM pg_temp.found('lock_order_inversion');
DROP TABLE lock_orders, lock_items;
DROP FUNCTION deadlock;
