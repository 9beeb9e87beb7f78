-- Indexes that do not exist: what is asked for, what is refused, and that
-- nothing is left behind.

\set VERBOSITY terse
SET client_min_messages = warning;

CREATE TABLE orders (
	id			integer PRIMARY KEY,
	customer	integer,
	dropped		integer,
	status		text,
	email		text COLLATE "C",
	made_at		timestamptz,
	tags		text[],
	document	jsonb,
	place		point);
ALTER TABLE orders DROP COLUMN dropped;
INSERT INTO orders
SELECT g, g % 1000, CASE WHEN g % 100 = 0 THEN 'open' ELSE 'done' END, 'User' || g || '@example.org',
	timestamptz '2026-01-01 00:00+00' + g * interval '1 min', ARRAY['t' || g % 97], jsonb_build_object('k', g % 991),
	point(g % 101, g % 103)
FROM generate_series(1, 20000) AS g;
ANALYZE orders;

-- what is asked: one row about the statement, one for each index
SELECT w.cost_before > 4 * w.cost_after AS cheaper, w.saved_percent > 75 AS saved, w.used,
	w.size_bytes > 0 AS size, w.problem, w.item
FROM diagnose.what_if('SELECT * FROM orders WHERE customer = $1 AND status = $2', ARRAY[
	'CREATE INDEX ON orders (customer)',
	'create index concurrently if not exists by_status on only orders using btree (status) where (status <> ''done'')',
	'CREATE INDEX ON orders (nothing)',
	NULL]) AS w;
SELECT e.plan, regexp_replace(e.line, '  \(cost.*', '') AS line
FROM diagnose.what_if_explain('SELECT * FROM orders WHERE customer = 7 AND status = ''open''',
	'{CREATE INDEX ON orders (customer)}') AS e;
SELECT w.used, w.saved_percent < 0 AS dearer, w.item
FROM diagnose.what_if('SELECT * FROM orders WHERE id = 5', '{}', '{orders_pkey}') AS w;
SELECT w.used, w.saved_percent, w.item FROM diagnose.what_if('SELECT 1', NULL) AS w;

-- what has no plan, or more than one
SELECT * FROM diagnose.what_if('VACUUM orders', '{}');
SELECT * FROM diagnose.what_if('SELECT 1; DROP TABLE orders', '{}');
SELECT * FROM diagnose.what_if('', '{}');
SELECT * FROM diagnose.what_if('SELECT * FROM nowhere', '{}');
SELECT * FROM diagnose.what_if('SELECT * INTO copied FROM orders', '{}');
SELECT * FROM diagnose.what_if('EXPLAIN ANALYZE DELETE FROM orders', '{}');
SELECT * FROM diagnose.what_if(NULL, '{}');
SELECT * FROM diagnose.what_if('SELECT 1', '{}', '{orders}');
SELECT * FROM diagnose.what_if_explain('SELECT 1', '{CREATE INDEX ON orders (nothing)}');

-- A definition is refused with the words that the server has for it.
CREATE VIEW orders_seen AS SELECT * FROM orders;
CREATE FUNCTION volatile_of(integer) RETURNS integer LANGUAGE plpgsql VOLATILE AS 'BEGIN RETURN $1; END';
CREATE TABLE parted (id integer, at date) PARTITION BY RANGE (at);
CREATE FUNCTION pg_temp.said(definition text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE definition;
	RETURN 'created';
EXCEPTION WHEN OTHERS THEN RETURN sqlerrm;
END $$;
SELECT d.definition, w.problem, w.problem IS NOT DISTINCT FROM pg_temp.said(d.definition) AS same_words
FROM (VALUES
	('CREATE INDEX ON nowhere (id)'),
	('CREATE INDEX ON orders_seen (id)'),
	('CREATE INDEX ON pg_class (relpages)'),
	('CREATE INDEX ON orders (missing)'),
	('CREATE INDEX ON orders (dropped)'),
	('CREATE INDEX ON orders (ctid)'),
	('CREATE INDEX ON orders (xmin)'),
	('CREATE INDEX ON orders (place)'),
	('CREATE INDEX ON orders USING gin (customer)'),
	('CREATE INDEX ON orders USING gin (tags jsonb_ops)'),
	('CREATE INDEX ON orders (customer text_pattern_ops)'),
	('CREATE INDEX ON orders (customer no_such_ops)'),
	('CREATE INDEX ON orders (customer COLLATE "C")'),
	('CREATE INDEX ON orders (status COLLATE "nowhere")'),
	('CREATE INDEX ON orders (volatile_of(customer))'),
	('CREATE INDEX ON orders (customer) WHERE made_at > now()'),
	('CREATE INDEX ON orders (customer) WHERE customer'),
	('CREATE INDEX ON orders ((SELECT 1))'),
	('CREATE INDEX ON orders (sum(customer))'),
	('CREATE INDEX ON orders (generate_series(1, customer))'),
	('CREATE INDEX ON orders (id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id, id)'),
	('CREATE INDEX ON orders USING nothing (customer)'),
	('CREATE INDEX ON orders USING hash (customer, id)'),
	('CREATE UNIQUE INDEX ON orders USING hash (customer)'),
	('CREATE INDEX ON orders USING gin (tags) INCLUDE (id)'),
	('CREATE INDEX ON orders USING gin (tags DESC)'),
	('CREATE INDEX ON orders USING gin (tags NULLS FIRST)'),
	('CREATE INDEX ON orders (id) INCLUDE (lower(status))'),
	('CREATE INDEX ON orders (id) INCLUDE (status COLLATE "C")'),
	('CREATE INDEX ON orders (id) INCLUDE (status text_ops)'),
	('CREATE INDEX ON orders (id) INCLUDE (status DESC)'),
	('CREATE INDEX ON orders (id) WITH (fillfactor = 5)'),
	('CREATE INDEX ON orders (id) WITH (nothing = 5)'),
	('CREATE INDEX ON orders (id) TABLESPACE nowhere'),
	('CREATE INDEX ON orders ((status::integer))'),
	('CREATE UNIQUE INDEX ON parted (id)'),
	('CREATE INDEX ON orders ()'),
	('CREATE INDEX ON orders')
) AS d (definition), diagnose.what_if('SELECT 1', ARRAY[d.definition]) AS w
WHERE w.item <> 'statement';

-- and what is no definition at all
SELECT w.problem, w.item
FROM diagnose.what_if('SELECT 1', ARRAY['DROP TABLE orders', 'CREATE INDEX ON orders (id); DROP TABLE orders',
	'CREATE TABLE taken (id integer)', 'CREATE INDEX CONCURRENTLY ON parted (id)', 'SELECT 1', '', ';', '--']) AS w
WHERE w.item <> 'statement';

-- An expression need not have a value for rows that are not in the index.
SELECT w.problem, w.item
FROM diagnose.what_if('SELECT 1', '{CREATE INDEX ON orders ((status::integer)) WHERE status <> ''done'' AND status <> ''open''}') AS w
WHERE w.item <> 'statement';

-- Without statistics a few rows are looked at.
CREATE TABLE fresh (id integer, kind integer, note text);
SELECT w.size_bytes > 0 AS size, w.item FROM diagnose.what_if('SELECT 1', '{CREATE INDEX ON fresh (id)}') AS w WHERE w.item <> 'statement';
INSERT INTO fresh SELECT g, g % 10, repeat('x', 50) || g FROM generate_series(1, 20000) AS g;
SELECT w.item, w.size_bytes / 20000 BETWEEN CASE WHEN w.item LIKE '%(id)' THEN 15 WHEN w.item LIKE '%note)' THEN 60 ELSE 4 END
	AND CASE WHEN w.item LIKE '%(id)' THEN 40 WHEN w.item LIKE '%note)' THEN 150 ELSE 14 END AS fits
FROM diagnose.what_if('SELECT 1', ARRAY['CREATE INDEX ON fresh (id)', 'CREATE INDEX ON fresh (kind)', 'CREATE INDEX ON fresh (note)']) AS w
WHERE w.item <> 'statement';
DROP TABLE fresh;

-- What is returned can be executed by anybody, and makes the same index.
CREATE SCHEMA "we""ird; DROP TABLE orders; --";
CREATE TABLE "we""ird; DROP TABLE orders; --"."tä ble'" (
	"a b'c"		integer,
	"SELECT"	text,
	"x"";y"		timestamptz,
	"$1"		text[]);
CREATE FUNCTION "we""ird; DROP TABLE orders; --"."f;n"(text) RETURNS text LANGUAGE sql IMMUTABLE RETURN upper($1);
CREATE FUNCTION pg_temp.made(definition text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	made	text;
BEGIN
	BEGIN
		EXECUTE definition;
		SELECT pg_get_indexdef(max(i.indexrelid)) INTO made FROM pg_index AS i;
		RAISE EXCEPTION USING errcode = 'PD999';
	EXCEPTION WHEN SQLSTATE 'PD999' THEN NULL;
	END;
	RETURN made;
END $$;
SELECT w.item, pg_temp.made(w.item) = pg_temp.made(d.definition) AS same, w.problem
FROM (VALUES
	('CREATE INDEX ON "we""ird; DROP TABLE orders; --"."tä ble''" ("a b''c" DESC, "SELECT" text_pattern_ops NULLS FIRST)'),
	('CREATE INDEX "i;x" ON "we""ird; DROP TABLE orders; --"."tä ble''" (("SELECT" || '';''''"''), "x"";y") INCLUDE ("$1")'),
	('CREATE INDEX ON "we""ird; DROP TABLE orders; --"."tä ble''" ("we""ird; DROP TABLE orders; --"."f;n"("SELECT")) WHERE "SELECT" = '''''';--'''),
	('CREATE INDEX ON "we""ird; DROP TABLE orders; --"."tä ble''" USING gin ("$1")'),
	('CREATE UNIQUE INDEX ON orders (id DESC NULLS LAST, status COLLATE "C" DESC) NULLS NOT DISTINCT WITH (fillfactor = 70, deduplicate_items = off)'),
	('CREATE INDEX ON orders (lower(email), (customer + 1), status, status, (id::text) COLLATE "C")'),
	('CREATE INDEX ON orders (email COLLATE "C")'),
	('CREATE INDEX ON orders (email COLLATE "POSIX")'),
	('CREATE INDEX ON orders USING gin (document jsonb_path_ops)'),
	('CREATE INDEX ON orders USING brin (made_at timestamptz_minmax_multi_ops (values_per_range = 8)) WITH (pages_per_range = 16)'),
	('CREATE INDEX ON orders USING gist (place) WHERE status IN (''open'', ''done'') AND customer IS NOT NULL'),
	('CREATE INDEX ON orders USING gist (to_tsvector(''simple'', status))'),
	('CREATE INDEX ON orders USING spgist (email)'),
	('CREATE INDEX ON orders USING hash (email)')
) AS d (definition), diagnose.what_if('SELECT 1', ARRAY[d.definition]) AS w
WHERE w.item <> 'statement';

-- Partitions, of which one has its columns elsewhere, and below it another level.
CREATE TABLE events (id integer, kind integer, at date NOT NULL, note text) PARTITION BY RANGE (at);
CREATE TABLE events_1 PARTITION OF events FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE events_2 (note text, gone integer, at date NOT NULL, kind integer, id integer) PARTITION BY LIST (kind);
ALTER TABLE events_2 DROP COLUMN gone;
CREATE TABLE events_2_low PARTITION OF events_2 FOR VALUES IN (0, 1, 2);
CREATE TABLE events_2_high (kind integer, note text, id integer, at date NOT NULL);
ALTER TABLE events_2 ATTACH PARTITION events_2_high DEFAULT;
ALTER TABLE events ATTACH PARTITION events_2 FOR VALUES FROM ('2026-02-01') TO ('2026-03-01');
INSERT INTO events SELECT g, g % 10, date '2026-01-01' + g % 58, 'note ' || g FROM generate_series(1, 30000) AS g;
ANALYZE events;
SELECT regexp_replace(e.line, '  \(cost.*', '') AS line
FROM diagnose.what_if_explain('SELECT * FROM events WHERE lower(note) = ''note 7'' AND kind = 7',
	'{"CREATE INDEX ON events (lower(note), kind) WHERE kind <> 0"}') AS e
WHERE e.plan = 'after';
SELECT w.used, w.size_bytes BETWEEN 30000 * 12 AND 30000 * 60 AS size, w.item
FROM diagnose.what_if('SELECT * FROM events WHERE id = 7', '{CREATE INDEX ON events (id), CREATE INDEX ON ONLY events_2 (id)}') AS w;
CREATE INDEX events_id ON events (id);
SELECT w.saved_percent < -90 AS much_dearer FROM diagnose.what_if('SELECT * FROM events WHERE id = 7', '{}', '{events_id}') AS w;
SELECT w.saved_percent < 0 AS dearer, w.saved_percent < -90 * 30 AS much_dearer
FROM diagnose.what_if('SELECT * FROM events WHERE id = 7', '{}', '{events_1_id_idx}') AS w;

-- A parent alone, views, functions, materialized views, own temporary tables.
CREATE TABLE more_orders () INHERITS (orders);
SELECT w.used FROM diagnose.what_if('SELECT * FROM orders_seen WHERE customer = 7', '{CREATE INDEX ON orders (customer)}') AS w;
CREATE FUNCTION orders_of(integer) RETURNS SETOF orders LANGUAGE sql STABLE
AS 'SELECT * FROM public.orders WHERE customer = $1';
SELECT w.used FROM diagnose.what_if('SELECT * FROM orders_of(7)', '{CREATE INDEX ON orders (customer)}') AS w;
DROP TABLE more_orders;
CREATE MATERIALIZED VIEW orders_kept AS SELECT * FROM orders;
CREATE TEMPORARY TABLE orders_mine AS SELECT * FROM orders;
ANALYZE orders_kept, orders_mine;
SELECT w.used, w.item FROM diagnose.what_if('SELECT * FROM orders_kept AS k JOIN orders_mine AS m USING (id) WHERE k.customer = 7 AND m.customer = 7',
	'{CREATE INDEX ON orders_kept (customer), CREATE INDEX by_customer ON orders_mine (customer)}') AS w;
SELECT w.used, w.problem FROM diagnose.what_if('MERGE INTO orders AS o USING orders_mine AS m ON o.customer = m.id AND m.id = 7 WHEN MATCHED THEN DELETE',
	'{CREATE INDEX ON orders (customer)}') AS w;

SELECT w.used, w.saved_percent, w.problem FROM diagnose.what_if('INSERT INTO orders (id) VALUES ($1) ON CONFLICT (id) DO UPDATE SET customer = excluded.id RETURNING *',
	'{CREATE INDEX ON orders (customer)}') AS w;

-- What the planner runs meanwhile knows nothing of it, and is not counted.
CREATE FUNCTION count_seven() RETURNS bigint LANGUAGE plpgsql IMMUTABLE
AS 'BEGIN RETURN (SELECT count(*) FROM public.orders WHERE customer = 7); END';
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT w.used, w.saved_percent > 0 AS saved
FROM diagnose.what_if('SELECT * FROM orders WHERE customer = 7 AND id > count_seven()', '{CREATE INDEX ON orders (customer)}') AS w;
SELECT s.query FROM diagnose.statements(diagnose.since_reset()) AS s WHERE s.query LIKE '%public.orders WHERE customer%';

-- Who asks needs no more rights than EXPLAIN wants; but values that he may not
-- read are not looked at.
CREATE ROLE regress_diagnose_whatif;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY a_few ON orders USING (customer < 500);
GRANT SELECT ON orders TO regress_diagnose_whatif;
CREATE FUNCTION noisy(integer) RETURNS integer LANGUAGE plpgsql IMMUTABLE
AS 'BEGIN RAISE EXCEPTION ''has seen %'', $1; END';
SELECT w.problem FROM diagnose.what_if('SELECT 1', '{CREATE INDEX ON orders (noisy(customer))}') AS w;
SET ROLE regress_diagnose_whatif;
SELECT w.problem, w.size_bytes > 0 AS size FROM diagnose.what_if('SELECT 1', '{CREATE INDEX ON orders (noisy(customer))}') AS w;
SELECT w.used, w.problem FROM diagnose.what_if('SELECT * FROM orders WHERE customer = 7', '{CREATE INDEX ON orders (customer)}') AS w;
SELECT regexp_replace(e.line, '  \(cost.*', '') AS line
FROM diagnose.what_if_explain('SELECT * FROM orders WHERE customer = 7', '{CREATE INDEX ON orders (customer)}') AS e
WHERE e.plan = 'after';
SELECT * FROM diagnose.what_if_explain('SELECT * FROM events', '{}');
RESET ROLE;
DROP POLICY a_few ON orders;
ALTER TABLE orders DISABLE ROW LEVEL SECURITY;

-- No trace: catalogs, locks, transaction, settings, memory.
CREATE FUNCTION pg_temp.traces() RETURNS text LANGUAGE sql AS $$
	SELECT concat_ws(' ', (SELECT count(*) FROM pg_class), (SELECT count(*) FROM pg_statistic),
		(SELECT string_agg(format('%s %s', l.relation::regclass, l.mode), ', ' ORDER BY l.relation, l.mode) FROM pg_locks AS l
			WHERE l.pid = pg_backend_pid() AND l.relation::regclass::text ~ '^(orders|events)'),
		pg_current_xact_id_if_assigned(), current_user, current_setting('search_path'), current_setting('transaction_read_only'),
		current_setting('pg_diagnose.track'), current_setting('lock_timeout'));
$$;
SELECT pg_temp.traces() AS before \gset
BEGIN READ ONLY;
SELECT count(*), sum(w.used::int) AS used
FROM diagnose.what_if('SELECT * FROM orders JOIN events USING (id) WHERE lower(email) = ''x''', ARRAY['CREATE INDEX ON orders (lower(email))',
	'CREATE INDEX ON events (kind)', 'CREATE INDEX ON orders (nothing)', 'CREATE INDEX ON orders USING gin (document)']) AS w;
COMMIT;
SELECT pg_temp.traces() = :'before' AS no_trace;
CREATE FUNCTION pg_temp.memory_after(times integer) RETURNS bigint LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. times LOOP
		PERFORM * FROM diagnose.what_if('SELECT * FROM orders WHERE lower(email) = ''x''', ARRAY[
			'CREATE INDEX ON orders (lower(email))', 'CREATE INDEX ON orders (nothing)']);
	END LOOP;
	RETURN (SELECT sum(m.used_bytes) FROM pg_backend_memory_contexts AS m);
END $$;
SELECT pg_temp.memory_after(50) AS before \gset
SELECT pg_temp.memory_after(300) < :before + 100000 AS no_leak;

-- More than a few at once
SELECT count(*), count(*) FILTER (WHERE w.used) AS used, count(w.problem) AS problems
FROM (SELECT array_agg(format('CREATE INDEX ON orders (customer, (id + %s))', g)) AS a FROM generate_series(1, 300) AS g) AS d,
	diagnose.what_if('SELECT * FROM orders WHERE customer = 7 AND id + 299 = 5', d.a) AS w;

DROP TABLE orders, events, parted CASCADE;
DROP SCHEMA "we""ird; DROP TABLE orders; --" CASCADE;
DROP FUNCTION volatile_of, count_seven, noisy;
DROP ROLE regress_diagnose_whatif;
