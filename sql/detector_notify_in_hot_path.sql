--
-- detector_notify_in_hot_path: frequent NOTIFY makes commits wait for each other
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.notify_in_hot_path_min_commit_time = 0;
ALTER SYSTEM SET pg_diagnose.notify_in_hot_path_min_count_rate = 0;
SELECT pg_reload_conf();
\c
SET pg_diagnose.burst_gap = '10s';
\i :fixture

CREATE TABLE notify_in_hot_path (i int);

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('notify_in_hot_path');

-- silent: listens, and writes without telling
LISTEN hot_path;
UNLISTEN hot_path;
BEGIN;
INSERT INTO notify_in_hot_path VALUES (1);
COMMIT;
SELECT count(*) FROM pg_temp.found('notify_in_hot_path');

-- found, in a block
BEGIN;
INSERT INTO notify_in_hot_path VALUES (2);
NOTIFY hot_path, '2';
COMMIT;
SELECT * FROM pg_temp.found('notify_in_hot_path');

-- found, in autocommit, each of them counted
SELECT diagnose.reset() IS NOT NULL AS reset;
NOTIFY hot_path, '3';
NOTIFY hot_path, '3';
SELECT pg_notify('hot_path', '3');
BEGIN;
COMMIT;
SELECT subject, n, problem FROM pg_temp.found('notify_in_hot_path');

-- silent: commits are quick
ALTER SYSTEM SET pg_diagnose.notify_in_hot_path_min_commit_time = 60000;
SELECT pg_reload_conf();
SELECT diagnose.reset() IS NOT NULL AS reset;
\set QUIET on
\c
\i :fixture
BEGIN;
INSERT INTO notify_in_hot_path VALUES (4);
NOTIFY hot_path, '4';
COMMIT;
SELECT count(*) FROM pg_temp.found('notify_in_hot_path');

-- silent: now and then
ALTER SYSTEM SET pg_diagnose.notify_in_hot_path_min_commit_time = 0;
ALTER SYSTEM SET pg_diagnose.notify_in_hot_path_min_count_rate = 1000000;
SELECT pg_reload_conf();
\set QUIET on
\c
\i :fixture
BEGIN;
INSERT INTO notify_in_hot_path VALUES (5);
NOTIFY hot_path, '5';
COMMIT;
SELECT count(*) FROM pg_temp.found('notify_in_hot_path');

-- fixed: a table says what happened
ALTER SYSTEM RESET pg_diagnose.notify_in_hot_path_min_count_rate;
SELECT pg_reload_conf();
SELECT diagnose.reset() IS NOT NULL AS reset;
\set QUIET on
\c
\i :fixture
BEGIN;
INSERT INTO notify_in_hot_path VALUES (6);
COMMIT;
SELECT count(*) FROM pg_temp.found('notify_in_hot_path');
DROP TABLE notify_in_hot_path;
ALTER SYSTEM RESET pg_diagnose.notify_in_hot_path_min_commit_time;
SELECT pg_reload_conf();
