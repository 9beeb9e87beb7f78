--
-- rule_unused_new_index: an index that was made, and that nothing uses
--
ALTER SYSTEM SET pg_diagnose.snapshot_interval = 0;
ALTER SYSTEM SET pg_diagnose.unused_new_index_min_age = 0;
ALTER SYSTEM SET pg_diagnose.unused_new_index_min_calls = 20;
SELECT pg_reload_conf();
\c
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture
CREATE TABLE unused_new_index (id int PRIMARY KEY, customer int, state text);
INSERT INTO unused_new_index SELECT i, i, 'new' FROM generate_series(1, 5000) AS i;
VACUUM (FREEZE, ANALYZE) unused_new_index;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('unused_new_index');

-- silent: one that is used, and one that guards something
CREATE INDEX unused_new_index_customer ON unused_new_index (customer);
CREATE UNIQUE INDEX ON unused_new_index (state, id);
SELECT diagnose.take_snapshot() > 0 AS taken;
\set ECHO none
\o /dev/null
SELECT format('SELECT state FROM unused_new_index WHERE customer = %s', i) FROM generate_series(1, 30) AS i \gexec
\o
\set ECHO all
SELECT pg_stat_force_next_flush();
SELECT count(*) FROM pg_temp.found('unused_new_index');

-- silent: too few have had the chance to use it
CREATE INDEX unused_new_index_state ON unused_new_index (state);
SELECT count(*) FROM pg_temp.found('unused_new_index');
SELECT diagnose.take_snapshot() > 0 AS taken;
SELECT count(*) FROM pg_temp.found('unused_new_index');

-- found
\set ECHO none
\o /dev/null
SELECT format('SELECT count(*) FROM unused_new_index WHERE state = ''new'' AND id > %s', i) FROM generate_series(1, 30) AS i \gexec
\o
\set ECHO all
SELECT pg_stat_force_next_flush();
SELECT dimension, key, subject, costs, grade, n, problem, regexp_replace(evidence, 'made_at: .*', 'made_at: <time>') AS evidence, advice, fix, undo, verify
FROM pg_temp.found('unused_new_index');

-- fixed by what was proposed
SELECT fix FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'unused_new_index' \gexec
SELECT count(*) FROM pg_temp.found('unused_new_index');
ALTER SYSTEM RESET pg_diagnose.snapshot_interval;
ALTER SYSTEM RESET pg_diagnose.unused_new_index_min_age;
ALTER SYSTEM RESET pg_diagnose.unused_new_index_min_calls;
SELECT pg_reload_conf();
DROP TABLE unused_new_index;
