--
-- detector_chatty_xact: a transaction takes many round trips
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

-- A busy machine makes round trips long, too.
ALTER SYSTEM SET pg_diagnose.chatty_xact_idle_min_time = 250;
SELECT pg_reload_conf();
\c
\i :fixture
SHOW pg_diagnose.chatty_xact_idle_min_time;
CREATE TABLE chatty_xact (id int PRIMARY KEY, v int);
INSERT INTO chatty_xact SELECT i, 0 FROM generate_series(1, 120) AS i;
\set update 'SELECT format(''UPDATE chatty_xact SET v = v + 1 WHERE id = %s'', i) FROM generate_series(1, 120) AS i'
\set insert 'SELECT format(''INSERT INTO chatty_xact VALUES (%s, 0)'', i) FROM generate_series(1001, 1120) AS i'
\set select 'SELECT format(''SELECT v FROM chatty_xact WHERE id = %s'', i) FROM generate_series(1, 120) AS i'

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('chatty_xact');

-- silent: fifty statements without much time in between
BEGIN;
\set ECHO none
\o /dev/null
:select LIMIT 49 \gexec
\o
\set ECHO all
COMMIT;

-- silent: loading
BEGIN;
\set ECHO none
\o /dev/null
:insert \gexec
\o
\set ECHO all
COMMIT;
BEGIN;
\set ECHO none
\o /dev/null
:select LIMIT 60 \gexec
COPY chatty_xact FROM STDIN;
2001	0
2002	0
\.
\o
\set ECHO all
COMMIT;

-- silent: a dump
BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY;
\set ECHO none
\o /dev/null
:select LIMIT 60 \gexec
\o
\set ECHO all
COMMIT;

-- silent: as many statements, but no transaction
\set ECHO none
\o /dev/null
:update \gexec
\o
\set ECHO all
SELECT statements, rows_written FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction' ORDER BY statements;
SELECT count(*) FROM pg_temp.found('chatty_xact');

-- found: more than 50, and more than 100 statements
BEGIN;
\set ECHO none
\o /dev/null
:select LIMIT 60 \gexec
\o
\set ECHO all
COMMIT;
BEGIN;
\set ECHO none
\o /dev/null
:update \gexec
\o
\set ECHO all
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'chatty_xact' ORDER BY severity;
SELECT * FROM pg_temp.found('chatty_xact');

-- found: a dozen, and a wait before each
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
\set ECHO none
\o /dev/null
SELECT v FROM chatty_xact WHERE id = 1;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 2;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 3;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 4;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 5;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 6;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 7;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 8;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 9;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 10;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 11;
\! sleep 0.03 # workload: think time
SELECT v FROM chatty_xact WHERE id = 12;
\! sleep 0.03 # workload: think time
\o
\set ECHO all
COMMIT;
SELECT severity FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'chatty_xact' ORDER BY severity;
SELECT * FROM pg_temp.found('chatty_xact');

-- silent: a single wait is no round trip
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
\set ECHO none
\o /dev/null
:select LIMIT 12 \gexec
\o
\set ECHO all
\! sleep 0.3 # workload: think time
SELECT count(*) FROM chatty_xact;
COMMIT;
SELECT statements, idle_time >= 300 AS has_waited
FROM diagnose.transactions(diagnose.since_reset())
WHERE kind = 'transaction';
SELECT count(*) FROM pg_temp.found('chatty_xact');

-- fixed: one statement for all rows
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT count(v) FROM chatty_xact WHERE id = ANY (ARRAY(SELECT generate_series(1, 60)));
UPDATE chatty_xact SET v = v + 1 WHERE id = ANY (ARRAY(SELECT generate_series(1, 120)));
COMMIT;
SELECT count(*) FROM pg_temp.found('chatty_xact');
DROP TABLE chatty_xact;
ALTER SYSTEM RESET pg_diagnose.chatty_xact_idle_min_time;
SELECT pg_reload_conf();
