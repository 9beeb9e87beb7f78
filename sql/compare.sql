--
-- diagnose.compare(): two windows side by side, with verdicts.  What can be
-- said of a few executions is said of their work: it is counted.
--
\set VERBOSITY terse
CREATE TABLE cmp_orders (id int PRIMARY KEY, customer int, note text);
INSERT INTO cmp_orders SELECT i, i % 500, repeat('x', 100) FROM generate_series(1, 5000) AS i;
CREATE INDEX cmp_orders_customer ON cmp_orders (customer);
CREATE TABLE cmp_items (id int PRIMARY KEY, order_id int, name text);
INSERT INTO cmp_items SELECT i, i % 100, 'item ' || i FROM generate_series(1, 1000) AS i;
CREATE INDEX cmp_items_order ON cmp_items (order_id);
VACUUM (FREEZE, ANALYZE) cmp_orders, cmp_items;
SET pg_diagnose.burst_gap = '10s';
\set done 'SELECT 1 AS done /*route=\'done\'*/'
\set orders_of 'SELECT count(note) AS notes FROM cmp_orders WHERE customer'
\set items_of 'SELECT count(name) AS names FROM cmp_items WHERE order_id'
CREATE FUNCTION pg_temp.compared(a text, b text, c text, d text,
	OUT kind text, OUT verdict text, OUT subject text, OUT calls text, OUT reason text)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT x.kind, x.verdict, diagnose.short_text(x.subject, 56),
		x.calls_before || ' -> ' || x.calls_after, x.reason
	FROM diagnose.compare(diagnose.window(a, b), diagnose.window(c, d)) AS x
	WHERE x.kind <> 'overall' AND x.subject !~ 'done'
		AND x.subject ~ '^SELECT.*cmp_|/order|^nested|^run'
	ORDER BY x.kind COLLATE "C", x.subject COLLATE "C", x.key COLLATE "C";
$$;
CREATE FUNCTION pg_temp.overall(a text, b text, c text, d text,
	OUT verdict text, OUT reason text)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT x.verdict, substring(x.reason FROM '^[^;]*')
	FROM diagnose.compare(diagnose.window(a, b), diagnose.window(c, d)) AS x
	WHERE x.kind = 'overall';
$$;
:done;

-- as it was: the page of an order, and a report
SELECT diagnose.take_snapshot('good') > 0 AS taken;
BEGIN /*route='/order'*/;
:orders_of = 7;
:items_of = 1;
COMMIT;
BEGIN /*route='/order'*/;
:orders_of = 8;
:items_of = 2;
COMMIT;
SELECT sum(id) AS report FROM cmp_items;
:done;
SELECT diagnose.take_snapshot('release') > 0 AS taken;

-- the same again: nothing has changed, and nothing can be said about time
BEGIN /*route='/order'*/;
:orders_of = 9;
:items_of = 3;
COMMIT;
BEGIN /*route='/order'*/;
:orders_of = 10;
:items_of = 4;
COMMIT;
SELECT sum(id) AS report FROM cmp_items;
:done;
SELECT diagnose.take_snapshot('same') > 0 AS taken;
SELECT * FROM pg_temp.compared('good', 'release', 'release', 'same');
SELECT * FROM pg_temp.overall('good', 'release', 'release', 'same');

-- a release drops an index: two executions a side tell
DROP INDEX cmp_orders_customer;
SELECT diagnose.take_snapshot('released') > 0 AS taken;
BEGIN /*route='/order'*/;
:orders_of = 9;
:items_of = 3;
COMMIT;
BEGIN /*route='/order'*/;
:orders_of = 10;
:items_of = 4;
COMMIT;
SELECT sum(id) AS report FROM cmp_items;
:done;
SELECT diagnose.take_snapshot('bad') > 0 AS taken;
SELECT * FROM pg_temp.compared('good', 'release', 'released', 'bad');
SELECT * FROM pg_temp.overall('good', 'release', 'released', 'bad');

-- what changed inside a window, and not between the two, is pointed out
SELECT m ->> 'kind' AS kind, m ->> 'what' AS what, m ->> 'side' AS side,
	x.reason ~ '1 change inside the windows [(]ddl DROP INDEX' AS told
FROM diagnose.compare(diagnose.window('good', 'same'), diagnose.window('same', 'bad'), false) AS x,
	jsonb_array_elements(x.evidence -> 'marks') AS m
WHERE x.kind = 'overall';
SELECT evidence ? 'marks' AS marks
FROM diagnose.compare(diagnose.window('good', 'release'), diagnose.window('released', 'bad'), false)
WHERE kind = 'overall';

-- the next one asks for the items of each order one by one, which is another
-- shape of the same route; and it runs another report instead of the old one
CREATE INDEX cmp_orders_customer ON cmp_orders (customer);
SELECT diagnose.take_snapshot('next') > 0 AS taken;
BEGIN /*route='/order'*/;
:orders_of = 9;
:items_of = 3;
:items_of = 4;
:items_of = 5;
:items_of = 6;
:items_of = 7;
:items_of = 8;
COMMIT;
BEGIN /*route='/order'*/;
:orders_of = 10;
:items_of = 4;
:items_of = 5;
:items_of = 6;
:items_of = 7;
:items_of = 8;
:items_of = 9;
COMMIT;
SELECT min(name) AS report FROM cmp_items;
:done;
SELECT diagnose.take_snapshot('worse') > 0 AS taken;
-- the index is there again; rebuilt, it makes another plan, as good as before
SELECT * FROM pg_temp.compared('released', 'bad', 'next', 'worse');
SELECT verdict, reason FROM pg_temp.compared('good', 'release', 'next', 'worse')
WHERE subject ~ '^SELECT.*cmp_orders WHERE';

-- what can be told about each, and that it adds up
SELECT x.kind, x.calls_before, x.calls_after, x.mean_before > 0 AS mean, x.p50_before <= x.p99_before AS ordered,
	x.ratio_low, x.windows_before < 8 AS few_windows, x.evidence_grade,
	x.evidence -> 'blocks' ->> 0 AS blocks_before, (x.evidence -> 'blocks' ->> 1)::float8 > 80 AS blocks_after,
	x.evidence -> 'plan' ->> 'moved' AS plan_moved
FROM diagnose.compare(diagnose.window('good', 'release'), diagnose.window('released', 'bad'), false) AS x
WHERE x.kind = 'query' AND x.subject ~ 'cmp_orders WHERE';
SELECT o.evidence ->> 'queries_regressed' AS regressed, o.evidence ->> 'queries_new' AS new,
	o.evidence ->> 'queries_gone' AS gone,
	abs((e.volume + e.mix + e.per_call + e.new + e.gone) -
		(SELECT sum(q.calls_after * q.mean_after) / (o.evidence -> 'seconds' ->> 1)::float8 -
			sum(q.calls_before * q.mean_before) / (o.evidence -> 'seconds' ->> 0)::float8
		 FROM diagnose.compare(diagnose.window('good', 'release'), diagnose.window('released', 'bad'), false) AS q
		 WHERE q.kind = 'query' AND q.evidence ->> 'nested' = 'false')) < 0.001 AS adds_up,
	e.fisher > 1 AS slower, e.commonality BETWEEN 0 AND 1 AS commonality, e.coverage
FROM diagnose.compare(diagnose.window('good', 'release'), diagnose.window('released', 'bad'), false) AS o,
	jsonb_to_record(o.evidence) AS e (volume float8, mix float8, per_call float8, new float8,
		gone float8, fisher float8, commonality float8, coverage float8)
WHERE o.kind = 'overall';
-- one row for the whole, first; the rest by what they cost; keys are unique
SELECT DISTINCT array_position(array_agg(x.kind), 'overall') AS overall, count(*) FILTER (WHERE x.kind = 'overall') AS wholes
FROM diagnose.compare(diagnose.window('good', 'release'), diagnose.window('released', 'bad')) AS x;
SELECT count(DISTINCT key) = count(*) AS keys_unique,
	bool_and(cost <= before) AS ranked, bool_and(reason !~ '\n|[.]$') AS reasons
FROM (SELECT x.*, abs(x.impact_ms_per_s) AS cost,
		lag(abs(x.impact_ms_per_s)) OVER (ORDER BY x.n) AS before
	  FROM (SELECT c.* FROM diagnose.compare(diagnose.window('good', 'release'),
				diagnose.window('released', 'bad')) WITH ORDINALITY AS c
				(kind, verdict, key, subject, impact_ms_per_s, reason, c0, c1, m0, m1, p1, p2, p3, p4, p5, p6, r, rl, rh, s, w0, w1, co, g, e, n)) AS x
	  WHERE x.impact_ms_per_s IS NOT NULL AND x.n > 1) AS y;

-- for people: what has changed, in 120 columns
SELECT c.verdict, c.subject, c.reason
FROM diagnose.compare_short(diagnose.window('good', 'release'), diagnose.window('released', 'bad')) AS c
WHERE c.subject ~ 'count.note' AND c.verdict = 'regressed' AND c.mean ~ '^[0-9.]+ ms -> [0-9.]+ ms$';
SELECT max(length(c.verdict)) <= 12 AND max(length(c.mean)) <= 22 AND max(length(c.subject)) <= 26
	AND max(length(c.reason)) <= 38 AS fits, count(*) > 1 AS rows
FROM diagnose.compare_short(diagnose.window('good', 'release'), diagnose.window('next', 'worse')) AS c;
-- the latest label, before and after
SELECT l.label, (l.after).upper IS NULL AS until_now FROM diagnose.around_label() AS l;
SELECT count(*) AS wholes FROM diagnose.compared WHERE subject = 'all statements of clients';

-- a baseline from elsewhere: by fingerprint, in this database, by whoever; work
-- is compared, plans and times are not; without plans, two executions are too few
-- to tell why blocks differ
SELECT diagnose.import(diagnose.export(diagnose.window('good', 'release')), 'elsewhere') > 0 AS imported,
	diagnose.import(diagnose.export(diagnose.window('good', 'release'), false), 'untimed') > 0 AS untimed;
SELECT x.kind, x.verdict, diagnose.short_text(x.subject, 40) AS subject,
	x.calls_before || ' -> ' || x.calls_after AS calls, x.reason, x.evidence ->> 'role' AS role
FROM diagnose.compare(diagnose.window('elsewhere'), diagnose.window('released', 'bad'), false) AS x
WHERE x.subject ~ '^SELECT.*cmp_|/order' ORDER BY x.kind, x.subject COLLATE "C", x.key COLLATE "C";
SELECT verdict, substring(reason FROM '^[^;]*') AS reason
FROM diagnose.compare(diagnose.window('elsewhere'), diagnose.window('released', 'bad'), false) WHERE kind = 'overall';
-- a document without timings: what they were is not known
SELECT x.verdict, x.mean_before, x.mean_after > 0 AS mean_after, x.impact_ms_per_s, x.reason
FROM diagnose.compare(diagnose.window('untimed'), diagnose.window('released', 'bad'), false) AS x
WHERE x.subject ~ '^SELECT.*cmp_items WHERE';

-- a statement that begins to fail
SELECT diagnose.take_snapshot('healthy') > 0 AS taken;
CREATE FUNCTION cmp_divide(times int, by int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		BEGIN
			PERFORM 10 / (i % by) FROM cmp_items WHERE id = 1;
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;
SELECT cmp_divide(60, 100);
SELECT diagnose.take_snapshot('failing') > 0 AS taken;
SELECT cmp_divide(60, 4);
SELECT verdict, reason FROM pg_temp.compared('healthy', 'failing', 'failing', 'now')
WHERE subject ~ '^nested: SELECT.*cmp_items WHERE';

-- findings are compared, too
SELECT diagnose.take_snapshot('quiet') > 0 AS taken;
SELECT x.verdict, x.reason FROM diagnose.compare(diagnose.window('healthy', 'failing'),
	diagnose.window('failing', 'quiet')) AS x
WHERE x.kind = 'finding' AND x.key ~ '^finding:failing_statement:';

-- pairs that make no sense
SELECT verdict, reason FROM diagnose.compare(diagnose.window('released', 'bad'), diagnose.window('good', 'release'));
SELECT verdict, reason FROM diagnose.compare(diagnose.window('good', 'same'), diagnose.window('release', 'bad'));
SELECT verdict, reason FROM diagnose.compare(diagnose.window('good', 'now'), diagnose.window('release', 'now'));
SELECT * FROM diagnose.compare(diagnose.window('good', 'same'), diagnose.window('good', 'same'));
SELECT * FROM diagnose.compare(diagnose.since_reset(), diagnose.since_reset());
SELECT * FROM diagnose.compare(NULL, diagnose.since_reset());
SELECT * FROM diagnose.compare(diagnose.since_reset(), NULL);
SELECT * FROM diagnose.compare(diagnose.since_reset(), ROW(NULL, 1234567)::diagnose.window);
SELECT * FROM diagnose.compare(diagnose.window('good', 'nothing'), diagnose.since_reset());
-- nothing happened in one of them
SELECT diagnose.take_snapshot('silence') > 0 AS taken, diagnose.take_snapshot('silent') > 0 AS taken;
SELECT * FROM pg_temp.overall('silence', 'silent', 'silent', 'now');

-- who may not see the statements of others sees them in the sums
CREATE ROLE cmp_reader;
GRANT USAGE ON SCHEMA diagnose TO cmp_reader;
SET ROLE cmp_reader;
SELECT kind, verdict, reason FROM diagnose.compare(diagnose.window('good', 'release'), diagnose.window('released', 'bad'), false)
WHERE kind <> 'overall';
SELECT calls_before > 5 AS calls_before, calls_after > 5 AS calls_after, mean_before > 0 AS mean, verdict
FROM diagnose.compare(diagnose.window('good', 'release'), diagnose.window('released', 'bad'), false);
RESET ROLE;

-- the words, and the figures behind verdicts
SELECT diagnose.times_text(r) FROM unnest(ARRAY[0.4, 1.318, 9.96, 1234.5]) AS r;
SELECT k, n, round(i.low::numeric, 4) AS low, round(i.high::numeric, 4) AS high
FROM (VALUES (0, 10), (0, 300), (5, 50), (50, 50), (0, 1), (0, 0)) AS v (k, n)
	LEFT JOIN LATERAL diagnose.share_interval(k, n) AS i ON true;
-- twice the executions, the same mix, each takes 1.5 times as long
SELECT volume, mix, per_call, new, gone, laspeyres, paasche, fisher, commonality
FROM diagnose.mix('{10,20}', '{20,40}', '{1,2}', '{1.5,3}');
-- the mix alone; and a new and a gone one
SELECT volume, mix, per_call, new, gone, fisher, commonality
FROM diagnose.mix('{10,20,5,NULL}', '{20,10,NULL,8}', '{1,2,3,NULL}', '{1,2,NULL,4}');
-- times are not known of one side; nothing at all
SELECT per_call, fisher, commonality FROM diagnose.mix('{10,20}', '{20,10}', '{NULL,NULL}', '{1,2}');
SELECT * FROM diagnose.mix('{}', '{}', '{}', '{}');
-- too little to be a change; by chance; beyond chance; known cause; unknown
SELECT diagnose.moved(3, 4, 0.01, false, 0.1, 2) AS little, diagnose.moved(100, 130, 0.1, false, 0.1, 2) AS chance,
	diagnose.moved(100, 150, 0.1, false, 0.1, 2) AS more, diagnose.moved(100, 50, 0.1, false, 0.1, 2) AS less,
	diagnose.moved(100, 130, NULL, true, 0.1, 2) AS certain, diagnose.moved(100, 130, NULL, false, 0.1, 2) AS too_few,
	diagnose.moved(0, 130, 0.1, false, 0.1, 2) AS from_nothing, diagnose.moved(NULL, 130, 0.1, true, 0.1, 2) AS unknown;

-- its own queries are none that anybody has to be told of; expressions of
-- PL/pgSQL are not meant
SELECT query FROM diagnose.statements(diagnose.since_reset())
WHERE NOT diagnose.is_own(query) AND query ~ '^(SELECT|WITH) .*(AS slower|hours)';

SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots()
WHERE label IN ('good', 'release', 'same', 'released', 'bad', 'next', 'worse', 'elsewhere', 'untimed', 'healthy', 'failing', 'quiet', 'silence', 'silent');
DROP FUNCTION cmp_divide;
DROP TABLE cmp_orders, cmp_items;
DROP OWNED BY cmp_reader;
DROP ROLE cmp_reader;
