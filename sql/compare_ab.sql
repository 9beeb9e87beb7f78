--
-- diagnose.compare_ab(): a new release beside the old one, at the same time
--
\set VERBOSITY terse
CREATE TABLE ab_orders (id int PRIMARY KEY, customer int);
INSERT INTO ab_orders SELECT i, i % 10 FROM generate_series(1, 100) AS i;
CREATE TABLE ab_items (id int PRIMARY KEY, order_id int, name text);
INSERT INTO ab_items SELECT i, i % 100, 'item ' || i FROM generate_series(1, 1000) AS i;
CREATE INDEX ON ab_items (order_id);
VACUUM (FREEZE, ANALYZE) ab_orders, ab_items;
SET pg_diagnose.burst_gap = '10s';
\set orders_of 'SELECT count(id) AS orders FROM ab_orders WHERE customer'
\set items_of 'SELECT count(name) AS names FROM ab_items WHERE order_id'
SELECT diagnose.reset() IS NOT NULL AS reset;

-- both show orders; the new one asks for the items of each of them, does
-- something that the old one does not, and no longer something else
SET application_name = 'shop 41';
BEGIN /*route='/orders'*/;
:orders_of = 1;
:items_of = 1;
COMMIT;
SET application_name = 'shop 42';
BEGIN /*route='/orders'*/;
:orders_of = 1;
:items_of = 1;
:items_of = 11;
:items_of = 21;
:items_of = 31;
COMMIT;
SELECT diagnose.take_snapshot('ab') > 0 AS taken;
SET application_name = 'shop 41';
BEGIN /*route='/orders'*/;
:orders_of = 2;
:items_of = 2;
COMMIT;
BEGIN /*route='/about'*/;
SELECT max(id) AS about FROM ab_orders;
COMMIT;
SET application_name = 'shop 42';
BEGIN /*route='/orders'*/;
:orders_of = 2;
:items_of = 2;
:items_of = 12;
:items_of = 22;
:items_of = 32;
COMMIT;
BEGIN /*route='/help'*/;
SELECT min(id) AS help FROM ab_orders;
COMMIT;
RESET application_name;
SELECT kind, verdict, diagnose.short_text(subject, 60) AS subject, calls_before, calls_after, reason
FROM diagnose.compare_ab('shop 41', 'shop 42')
WHERE kind <> 'overall' AND subject !~ 'application_name|take_snapshot|bursts'
ORDER BY kind COLLATE "C", subject COLLATE "C", key COLLATE "C";
SELECT verdict, subject FROM diagnose.compare_ab('shop 41', 'shop 42')
WHERE kind = 'overall';

-- the other way round it is an improvement
SELECT verdict, subject, CASE WHEN kind <> 'overall' THEN reason END AS reason
FROM diagnose.compare_ab('shop 42', 'shop 41')
WHERE subject ~ 'all transactions of /orders|shop';
-- nobody; the same; nothing
SELECT verdict, reason FROM diagnose.compare_ab('shop 41', 'nobody') WHERE kind = 'overall';
SELECT * FROM diagnose.compare_ab('shop 41', 'shop 41');
SELECT * FROM diagnose.compare_ab('shop 41', NULL);
SELECT * FROM diagnose.compare_ab('shop 41', 'shop 42', NULL);

-- a window is cut at its snapshots, into as many stretches as there are or
-- as are asked for
SELECT diagnose.take_snapshot('ab ' || i) > 0 AS taken FROM generate_series(1, 5) AS i;
SELECT count(*) AS all, bool_and((s.stretch).lower < (s.stretch).upper) AS ordered
FROM diagnose.stretches(diagnose.window('ab', 'ab 5')) AS s;
SELECT (SELECT label FROM diagnose.snapshots() WHERE id = (s.stretch).lower) AS lower,
	(SELECT label FROM diagnose.snapshots() WHERE id = (s.stretch).upper) AS upper
FROM diagnose.stretches(diagnose.window('ab', 'ab 5'), 2) AS s ORDER BY s.number;
SELECT min((s.stretch).lower) IS NULL AS from_reset, count(*) FILTER (WHERE (s.stretch).upper IS NULL) AS now
FROM diagnose.stretches(diagnose.since_reset(), 1) AS s;
SELECT count(*) AS now FROM diagnose.stretches(diagnose.window('ab 5', 'now')) AS s
WHERE (s.stretch).upper IS NULL;
SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots() WHERE label ~ '^ab( [1-5])?$';
DROP TABLE ab_orders, ab_items;
