--
-- rule_transaction_pattern: what detectors see becomes findings; the case is
-- n_plus_one
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- the words of a sentence
\x off
SELECT diagnose.fill_words('run {count} times in a {kind}{of_parent}',
	'{"count": "25", "kind": "burst", "of_parent": ""}');
SELECT diagnose.fill_words('{a}{b} { {unknown} {A} }', '{"a": "{b}", "b": "{a}"}'),
	diagnose.fill_words('', '{}'), diagnose.fill_words(NULL, '{}') IS NULL AS nothing;
SELECT diagnose.number_text(n)
FROM unnest(ARRAY[0, 1, 2.5, 9.94, 9.96, 24.7, 1204, 1e6]) AS n;

CREATE TABLE pattern_orders (id int PRIMARY KEY, customer int);
CREATE TABLE pattern_items (id int PRIMARY KEY, order_id int, name text);
INSERT INTO pattern_orders SELECT i, i % 3 FROM generate_series(1, 30) AS i;
INSERT INTO pattern_items SELECT i, i % 30 + 1, 'item ' || i FROM generate_series(1, 300) AS i;
CREATE ROLE regress_diagnose_user;
CREATE ROLE regress_diagnose_monitor IN ROLE pg_monitor;
GRANT SELECT ON pattern_orders, pattern_items TO regress_diagnose_user;
SET pg_diagnose.burst_gap = '10s';
-- a statement with another tag ends a burst
\set items 'SELECT name FROM pattern_items WHERE id ='
\set done 'SELECT 1 AS done /*route=\'done\'*/'

-- nothing yet
:done;
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('n_plus_one');

-- silent: four are not many, and pages are asked for one by one
SELECT id FROM pattern_orders WHERE customer = 1 /*route='/few'*/;
:items 1;
:items 2;
:items 3;
:items 4;
SELECT id FROM pattern_items WHERE id > 0 ORDER BY id LIMIT 2 /*route='/pages'*/;
SELECT id FROM pattern_items WHERE id > 2 ORDER BY id LIMIT 2 /*route='/pages'*/;
SELECT id FROM pattern_items WHERE id > 4 ORDER BY id LIMIT 2 /*route='/pages'*/;
SELECT id FROM pattern_items WHERE id > 6 ORDER BY id LIMIT 2 /*route='/pages'*/;
SELECT id FROM pattern_items WHERE id > 8 ORDER BY id LIMIT 2 /*route='/pages'*/;
SELECT id FROM pattern_items WHERE id > 10 ORDER BY id LIMIT 2 /*route='/pages'*/;
:done;
SELECT count(*) FROM pg_temp.found('n_plus_one');

-- found in a burst
SELECT id FROM pattern_orders WHERE customer = 1 AND id < 20 /*controller='orders',action='show',route='/orders/:id'*/;
:items 1;
:items 4;
:items 7;
:items 10;
:items 13;
:items 16;
:items 19;
:done;
\x on
SELECT * FROM pg_temp.found('n_plus_one');
\x off

-- and in a transaction of two loops that go on together, without a tag
SET application_name = '';
BEGIN;
SELECT id FROM pattern_orders WHERE customer = 2 AND id < 20;
:items 2;
SELECT count(*) FROM pattern_items WHERE order_id = 2;
:items 5;
SELECT count(*) FROM pattern_items WHERE order_id = 5;
:items 8;
SELECT count(*) FROM pattern_items WHERE order_id = 8;
:items 11;
SELECT count(*) FROM pattern_items WHERE order_id = 11;
:items 14;
SELECT count(*) FROM pattern_items WHERE order_id = 14;
:items 17;
SELECT count(*) FROM pattern_items WHERE order_id = 17;
COMMIT;
RESET application_name;
SELECT key, subject, problem, n FROM pg_temp.found('n_plus_one')
WHERE problem ~ 'transaction' ORDER BY 1;

-- it is ranked with all others, and explained
SELECT count(*) FROM diagnose.findings WHERE problem ~ '^run 7.* times in a burst';
SELECT count(*) > 20 AS explained
FROM diagnose.findings AS f, diagnose.explain(f.explain) AS e
WHERE f.problem ~ '^run 7.* times in a burst';

-- the timeline that it names, and what is proposed for verifying
SELECT evidence ->> 'timeline' AS timeline, verify
FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'n_plus_one' AND evidence ->> 'route' = '/orders/:id' \gset
SELECT substr(line, 29) AS timeline FROM (:timeline) AS t (line) WHERE line ~ '^   ';
SELECT occurrences, confirmed, count FROM (:verify) AS v;

-- with other statements around it, and twice, it is still one problem
SELECT count(*) FROM pattern_orders /*controller='orders',action='show',route='/orders/:id'*/;
SELECT id FROM pattern_orders WHERE customer = 1 AND id < 14;
:items 1;
:items 4;
:items 7;
:items 10;
:items 13;
SELECT count(*) FROM pattern_orders;
:items 22;
:items 23;
:items 24;
:items 25;
:items 26;
:done;
SELECT regexp_replace(f.key, '^.*:-?\d{9,}:', '') AS key, f.n, f.problem, e.*,
	substring(f.verify FROM 'WHERE .*') AS verify
FROM diagnose.findings(diagnose.since_reset()) AS f,
	jsonb_to_record(f.evidence) AS e (occurrences int, "of" int, shapes int, confirmed int, count numeric, max_count int)
WHERE f.rule = 'n_plus_one' AND f.evidence ->> 'route' = '/orders/:id';
SELECT occurrences, confirmed, count FROM diagnose.observations(diagnose.since_reset())
WHERE detector = 'n_plus_one' AND route = '/orders/:id' ORDER BY 1, 2, 3;

-- a shape that is seen six times
\set often 'SELECT id FROM pattern_orders WHERE id = 1 /*route=\'/often\'*/;'
:often :done; :often :done; :often :done;
:often :done; :often :done; :often :done;

-- who may not see others' statements sees no pattern of theirs
SET SESSION AUTHORIZATION regress_diagnose_user;
SELECT count(*) FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'n_plus_one';
SELECT count(*) FROM diagnose.transaction_shapes(diagnose.since_reset()) WHERE route IS NOT NULL;
SELECT id FROM pattern_orders WHERE customer = 0 AND id < 20 /*route='/mine'*/;
:items 1;
:items 4;
:items 7;
:items 10;
:items 13;
:items 16;
:done;
SELECT subject FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'n_plus_one';
SET SESSION AUTHORIZATION regress_diagnose_monitor;
SELECT subject FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'n_plus_one' ORDER BY 1;
RESET SESSION AUTHORIZATION;

-- all words, severities and thresholds, by a detector that says what we want,
-- under the name of a rule whose settings have such an ending
BEGIN;
CREATE TEMP TABLE seen AS
SELECT * FROM diagnose.observations(diagnose.since_reset())
WHERE detector = 'n_plus_one' AND route = '/orders/:id' AND count = 7;
UPDATE seen SET detector = 'frequent_statement', occurrences = 2, time = 5,
	saved = 4, held = 60, max_held = 40, count = 15, max_count = 9, severity = NULL;
SELECT format('CREATE OR REPLACE FUNCTION diagnose.observations(%s) RETURNS SETOF record LANGUAGE sql AS %L',
	pg_get_function_arguments('diagnose.observations(diagnose.window)'::regprocedure),
	'SELECT * FROM pg_temp.seen') AS create \gset
:create;
CREATE OR REPLACE FUNCTION diagnose.detectors(OUT name text, OUT title text,
	OUT dimension text, OUT grade text, OUT problem text, OUT advice text)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT 'frequent_statement', 'title', 'cost', 'sampled',
		'{n} of {of} ({share}): {count}, {max_count}, {confirmed}; {time}, {held}, {max_held}; {position}',
		'{kind}: {statement} after {parent}{of_parent}; {object}, {other}.'
$$;
CREATE VIEW told AS
SELECT dimension, evidence_grade AS grade, severity, impact_ms_per_s IS NULL AS unknown,
	round((benefit_ms_per_s / impact_ms_per_s)::numeric, 2) AS saved, problem, advice
FROM diagnose.rule_transaction_pattern(diagnose.since_reset());
\x on
SELECT * FROM told;
UPDATE seen SET position = NULL, parent = NULL, object = 'pattern_orders'::regclass,
	other = 'pattern_items'::regclass, occurrences = 1, time = 0;
SELECT * FROM told;
\x off
UPDATE seen SET severity = 'info';
SELECT severity FROM told;
UPDATE seen SET severity = 'warning';
SELECT severity FROM told;
-- a warning that costs much is critical, information stays what it is
UPDATE seen SET time = 1e9;
SELECT severity, saved FROM told;
UPDATE seen SET severity = 'info';
SELECT severity FROM told;
-- frequent_statement_min_share is 0.2
UPDATE seen SET (shape, tag, route, action, controller, occurrences) =
	(SELECT t.shape, t.tag, t.route, t.action, t.controller, 2
	 FROM diagnose.transactions(diagnose.since_reset()) AS t WHERE t.route = '/often');
SELECT problem FROM told;
UPDATE seen SET occurrences = 1;
SELECT problem FROM told;
ROLLBACK;

-- fixed: one statement for all
:done;
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT o.id, i.name FROM pattern_orders AS o JOIN pattern_items AS i ON i.order_id = o.id
WHERE customer = 1 AND o.id < 20 ORDER BY i.id LIMIT 3 /*route='/orders/:id'*/;
SELECT name FROM pattern_items WHERE id = ANY ('{1,4,7,10,13,16,19}');
:done;
SELECT count(*) FROM pg_temp.found('n_plus_one');

DROP TABLE pattern_orders, pattern_items;
DROP ROLE regress_diagnose_user, regress_diagnose_monitor;
