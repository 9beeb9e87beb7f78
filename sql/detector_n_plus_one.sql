--
-- detector_n_plus_one: a statement is run once for each row of another one
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE TABLE n_plus_one (id int PRIMARY KEY);
CREATE TABLE n_plus_one_items (id int PRIMARY KEY, parent int, name text);
CREATE TABLE n_plus_one_notes (parent int PRIMARY KEY, note text);
INSERT INTO n_plus_one SELECT i FROM generate_series(1, 500) AS i;
INSERT INTO n_plus_one_items SELECT i, 1 + i / 2, 'item' FROM generate_series(0, 999) AS i;
INSERT INTO n_plus_one_notes SELECT i, 'note' FROM generate_series(1, 500) AS i;
CREATE INDEX ON n_plus_one_items (parent);
ANALYZE n_plus_one, n_plus_one_items, n_plus_one_notes;
SET pg_diagnose.burst_gap = '10s';
-- A list, and what psql makes of it: statements for each of its rows, one, or
-- two in turns.
\set plain 'SELECT format(''SELECT name FROM n_plus_one_items WHERE parent = %s'', id) FROM n_plus_one WHERE id <= '
\set in_turns 'SELECT format(''SELECT name FROM n_plus_one_items WHERE parent = %s'', id), format(''SELECT note FROM n_plus_one_notes WHERE parent = %s'', id) FROM n_plus_one WHERE id <= '

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('n_plus_one');

-- silent: too few
BEGIN;
\set ECHO none
\o /dev/null
:plain 4 \gexec
\o
\set ECHO all
COMMIT;
-- silent: unrelated statements
SELECT count(*) FROM n_plus_one;
SELECT name FROM n_plus_one_items WHERE id = 17;
SELECT note FROM n_plus_one_notes WHERE parent = 12;
SELECT count(*) FROM n_plus_one_notes;
SELECT id FROM n_plus_one WHERE id = 3;
SELECT max(id) FROM n_plus_one_items;
SELECT min(id) FROM n_plus_one_items;
SELECT max(parent) FROM n_plus_one_notes;
-- silent: a session that serves many requests, all with the same statement
BEGIN;
COMMIT;
SELECT note FROM n_plus_one_notes WHERE parent = 18;
SELECT note FROM n_plus_one_notes WHERE parent = 3;
SELECT note FROM n_plus_one_notes WHERE parent = 401;
SELECT note FROM n_plus_one_notes WHERE parent = 77;
SELECT note FROM n_plus_one_notes WHERE parent = 250;
SELECT note FROM n_plus_one_notes WHERE parent = 9;
BEGIN;
COMMIT;
-- silent: it does not read
BEGIN;
\set ECHO none
\o /dev/null
SELECT format('UPDATE n_plus_one_notes SET note = ''new'' WHERE parent = %s', id) FROM n_plus_one WHERE id <= 10 \gexec
\o
\set ECHO all
COMMIT;
-- silent: from page to page
BEGIN;
\set ECHO none
\o /dev/null
SELECT format('SELECT id FROM n_plus_one_items WHERE id > %s ORDER BY id LIMIT 5', i * 5) FROM generate_series(1, 10) AS i \gexec
\o
\set ECHO all
COMMIT;
-- silent: the same row over and over
BEGIN;
\set ECHO none
\o /dev/null
SELECT 'SELECT note FROM n_plus_one_notes WHERE parent = 5' FROM generate_series(1, 10) AS i \gexec
\o
\set ECHO all
COMMIT;
-- silent: many rows each
BEGIN;
\set ECHO none
\o /dev/null
SELECT format('SELECT id FROM n_plus_one_items WHERE id BETWEEN %s AND %s', i * 20, i * 20 + 19) FROM generate_series(1, 10) AS i \gexec
\o
\set ECHO all
COMMIT;
-- silent: a batch job that works on what its cursor returns
BEGIN;
DECLARE c CURSOR FOR SELECT id FROM n_plus_one WHERE id <= 10;
\set ECHO none
\o /dev/null
FETCH 10 FROM c;
SELECT note FROM n_plus_one_notes WHERE parent = 1;
SELECT note FROM n_plus_one_notes WHERE parent = 2;
SELECT note FROM n_plus_one_notes WHERE parent = 3;
SELECT note FROM n_plus_one_notes WHERE parent = 4;
SELECT note FROM n_plus_one_notes WHERE parent = 5;
SELECT note FROM n_plus_one_notes WHERE parent = 6;
SELECT note FROM n_plus_one_notes WHERE parent = 7;
SELECT note FROM n_plus_one_notes WHERE parent = 8;
SELECT note FROM n_plus_one_notes WHERE parent = 9;
SELECT note FROM n_plus_one_notes WHERE parent = 10;
\o
\set ECHO all
COMMIT;
SELECT statements FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction' ORDER BY statements;
SELECT count(*) FROM pg_temp.found('n_plus_one');

-- found: a loop in a transaction, of one shape however long it is
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
BEGIN;
:plain 3 \gexec
COMMIT;
BEGIN;
:plain 50 \gexec
COMMIT;
BEGIN;
:plain 500 \gexec
COMMIT;
\o
\set ECHO all
SELECT t.kind, count(DISTINCT t.shape) AS shapes, sum(t.calls) AS calls,
	max(t.max_statements) AS max_statements
FROM diagnose.transactions(diagnose.since_reset()) AS t
WHERE t.shape IN (SELECT s.shape FROM diagnose.transaction_steps(diagnose.since_reset()) AS s
	WHERE s.relid = 'n_plus_one_items'::regclass)
GROUP BY t.kind;
SELECT * FROM pg_temp.found('n_plus_one');

-- found: two loops in turns
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
BEGIN;
:in_turns 3 \gexec
COMMIT;
BEGIN;
:in_turns 50 \gexec
COMMIT;
BEGIN;
:in_turns 500 \gexec
COMMIT;
\o
\set ECHO all
SELECT t.kind, count(DISTINCT t.shape) AS shapes, sum(t.calls) AS calls,
	max(t.max_statements) AS max_statements
FROM diagnose.transactions(diagnose.since_reset()) AS t
WHERE t.shape IN (SELECT s.shape FROM diagnose.transaction_steps(diagnose.since_reset()) AS s
	WHERE s.relid = 'n_plus_one_items'::regclass)
GROUP BY t.kind;
SELECT * FROM pg_temp.found('n_plus_one');

-- found: in a burst of autocommit statements
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
BEGIN;
COMMIT;
:plain 3 \gexec
BEGIN;
COMMIT;
:plain 50 \gexec
BEGIN;
COMMIT;
:plain 500 \gexec
BEGIN;
COMMIT;
\o
\set ECHO all
SELECT t.kind, count(DISTINCT t.shape) AS shapes, sum(t.calls) AS calls,
	max(t.max_statements) AS max_statements
FROM diagnose.transactions(diagnose.since_reset()) AS t
WHERE t.shape IN (SELECT s.shape FROM diagnose.transaction_steps(diagnose.since_reset()) AS s
	WHERE s.relid = 'n_plus_one_items'::regclass)
GROUP BY t.kind;
SELECT * FROM pg_temp.found('n_plus_one');

-- found: two loops in turns in a burst
SELECT diagnose.reset() IS NOT NULL AS reset;
\set ECHO none
\o /dev/null
BEGIN;
COMMIT;
:in_turns 3 \gexec
BEGIN;
COMMIT;
:in_turns 50 \gexec
BEGIN;
COMMIT;
:in_turns 500 \gexec
BEGIN;
COMMIT;
\o
\set ECHO all
SELECT t.kind, count(DISTINCT t.shape) AS shapes, sum(t.calls) AS calls,
	max(t.max_statements) AS max_statements
FROM diagnose.transactions(diagnose.since_reset()) AS t
WHERE t.shape IN (SELECT s.shape FROM diagnose.transaction_steps(diagnose.since_reset()) AS s
	WHERE s.relid = 'n_plus_one_items'::regclass)
GROUP BY t.kind;
SELECT * FROM pg_temp.found('n_plus_one');

-- found: a row looked up by its key with the LIMIT 1 of an ORM
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
\set ECHO none
\o /dev/null
SELECT format('SELECT note FROM n_plus_one_notes WHERE parent = %s LIMIT 1', id) FROM n_plus_one WHERE id <= 20 \gexec
\o
\set ECHO all
COMMIT;
SELECT * FROM pg_temp.found('n_plus_one');

-- fixed: one statement for all rows
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
\set ECHO none
\o /dev/null
SELECT id FROM n_plus_one;
SELECT parent, name FROM n_plus_one_items WHERE parent = ANY (ARRAY(SELECT generate_series(1, 500)));
SELECT parent, note FROM n_plus_one_notes WHERE parent = ANY (ARRAY(SELECT generate_series(1, 500)));
\o
\set ECHO all
COMMIT;
SELECT count(*) FROM pg_temp.found('n_plus_one');
RESET pg_diagnose.burst_gap;
DROP TABLE n_plus_one, n_plus_one_items, n_plus_one_notes;
