--
-- rule_unused_index: an index that nothing has used for a long time
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.unused_index_min_age = 0;
ALTER SYSTEM SET pg_diagnose.unused_index_min_pages = 8;
ALTER SYSTEM SET pg_diagnose.unused_index_min_scans = 10;
SELECT pg_reload_conf();
\c
\i :fixture
CREATE SCHEMA "unused Index";
SET search_path = "unused Index";
SELECT pg_stat_reset() IS NOT NULL AS reset;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, parent int REFERENCES parent, a int, b text, c int4range,
	EXCLUDE USING gist (c WITH &&));
INSERT INTO t SELECT i, NULL, i, 'text ' || i, int4range(i, i + 1) FROM generate_series(1, 5000) AS i;
CREATE TABLE unread (a int);
INSERT INTO unread SELECT i FROM generate_series(1, 5000) AS i;
CREATE TABLE parts (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE part2 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT i, i FROM generate_series(1, 5000) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('unused_index');

-- silent: what guards something, what a foreign key needs, what is small, what
-- is in use, be it by one partition
CREATE UNIQUE INDEX "unique" ON t (b, a);
CREATE UNIQUE INDEX identity ON t (id, a);
ALTER TABLE t ALTER a SET NOT NULL, REPLICA IDENTITY USING INDEX identity;
CREATE INDEX for_key ON t (parent, b);
CREATE INDEX small ON t (b) WHERE a < 10;
CREATE INDEX used ON t (a);
CREATE INDEX parts_used ON parts (a);
CREATE INDEX of_unread ON unread (a);
VACUUM ANALYZE t, parts, unread;
SET enable_seqscan = off;
SELECT count(*) FROM t WHERE a = 1;
SELECT count(*) FROM parts WHERE a = 1;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(*) FROM t WHERE id = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(*) FROM part2 WHERE a = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
SELECT pg_stat_force_next_flush();
SELECT count(*) FROM pg_temp.found('unused_index');
SELECT regexp_replace(index, '^.*\.', '') AS index, verdict, reason, ddl FROM diagnose.unused_indexes()
WHERE index ~ 'unused' ORDER BY index COLLATE "C";

-- silent: that is not known for long
CREATE INDEX "Unused" ON t (b, parent);
ALTER SYSTEM SET pg_diagnose.unused_index_min_age = 1;
SELECT pg_reload_conf();
\c
\set ECHO none
\i :fixture
SELECT count(*) FROM pg_temp.found('unused_index');
SELECT index, round(days) AS days, verdict, reason FROM diagnose.unused_indexes() WHERE index ~ '"Unused"';
ALTER SYSTEM SET pg_diagnose.unused_index_min_age = 0;
SELECT pg_reload_conf();
\c
\set ECHO none
\i :fixture
SET search_path = "unused Index";

-- found
CREATE INDEX parts_unused ON parts (b);
CREATE INDEX expression ON t (lower(b)) WHERE a > 0;
VACUUM ANALYZE t, parts;
SELECT pg_stat_force_next_flush();
SELECT pg_stat_reset() IS NOT NULL AS reset;
SET enable_seqscan = off;
SELECT count(*) FROM t WHERE a = 1;
SELECT count(*) FROM parts WHERE a = 1;
\set ECHO none
\o /dev/null
SELECT format('SELECT count(*) FROM t WHERE id = %s', i) FROM generate_series(1, 20) AS i \gexec
SELECT format('SELECT count(*) FROM part2 WHERE a = %s', i) FROM generate_series(1, 20) AS i \gexec
\o
\set ECHO all
UPDATE t SET a = a + 10000 WHERE id <= 100;
SELECT pg_stat_force_next_flush();
SELECT dimension, key, subject, costs, grade, n >= 20 AS n, problem,
	regexp_replace(regexp_replace(evidence, 'bytes: \d+', 'bytes: <n>'),
		'(days|table_scans|since): [^\n]+|(second): [^\n]+', '\1\2: <n>', 'g') AS evidence,
	advice, fix, undo, verify
FROM pg_temp.found('unused_index');
-- as a view, for people
\x off
SELECT index, days, written, verdict, regexp_replace(reason, '\d+ scans', '<n> scans') AS reason FROM diagnose.unused_indexes WHERE index ~ 'unused';
\x on

-- fixed by what was proposed, or by using it
SELECT fix FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'unused_index' AND key !~ 'expression' AND subject !~ 'pg_temp' ORDER BY key COLLATE "C" \gexec
SET enable_seqscan = off;
SELECT count(*) FROM t WHERE lower(b) = 'text 1' AND a > 0;
SELECT pg_stat_force_next_flush();
SELECT count(*) FROM pg_temp.found('unused_index');
-- though that may be long ago, too, which servers know from 16 on
ALTER SYSTEM SET pg_diagnose.unused_index_min_idle = 0;
SELECT pg_reload_conf();
\c
SELECT count(*) = (current_setting('server_version_num')::int >= 160000)::int AS known
FROM diagnose.unused_indexes() WHERE index ~ 'expression' AND last_scan IS NOT NULL AND verdict = 'drop';
ALTER SYSTEM RESET pg_diagnose.unused_index_min_idle;
ALTER SYSTEM RESET pg_diagnose.unused_index_min_age;
ALTER SYSTEM RESET pg_diagnose.unused_index_min_pages;
ALTER SYSTEM RESET pg_diagnose.unused_index_min_scans;
SELECT pg_reload_conf();
SET client_min_messages = warning;
DROP SCHEMA "unused Index" CASCADE;
