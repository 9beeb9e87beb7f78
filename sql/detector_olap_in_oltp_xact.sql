--
-- detector_olap_in_oltp_xact: a long read inside of a transaction that writes
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
ALTER SYSTEM SET pg_diagnose.olap_in_oltp_xact_min_time = 80;
ALTER SYSTEM SET pg_diagnose.olap_in_oltp_xact_min_ratio = 0.5;
ALTER SYSTEM SET pg_diagnose.olap_in_oltp_xact_max_rows = 10;
SELECT pg_reload_conf();
\c
\i :fixture

CREATE TABLE olap_facts (i int, v int);
INSERT INTO olap_facts SELECT i, 0 FROM generate_series(1, 100) AS i;
CREATE VIEW olap_report AS
SELECT sum(f.v) FROM olap_facts AS f, (SELECT pg_sleep(0.1) OFFSET 0) AS s; -- workload: a long read

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('olap_in_oltp_xact');

-- silent: a transaction that only reads
BEGIN;
SELECT count(*) FROM olap_report;
COMMIT;
SELECT count(*) FROM pg_temp.found('olap_in_oltp_xact');

-- silent: a batch
BEGIN;
SELECT count(*) FROM olap_report;
UPDATE olap_facts SET v = 1 WHERE i <= 50;
COMMIT;
SELECT count(*) FROM pg_temp.found('olap_in_oltp_xact');

-- silent: short reads, and writing what is read
BEGIN;
SELECT count(*) FROM olap_facts AS a, olap_facts AS b;
\! sleep 0.02 # workload: the client thinks
UPDATE olap_facts SET v = 1 WHERE i = 1;
COMMIT;
BEGIN;
INSERT INTO olap_facts SELECT 0, sum FROM olap_report;
COMMIT;
SELECT count(*) FROM pg_temp.found('olap_in_oltp_xact');

-- found
BEGIN;
UPDATE olap_facts SET v = 2 WHERE i = 1;
SELECT count(*) FROM olap_report;
COMMIT;
SELECT * FROM pg_temp.found('olap_in_oltp_xact');
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'olap_in_oltp_xact';

-- as information only, when it holds no row locks
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
SELECT count(*) FROM olap_report;
UPDATE olap_facts SET v = 3 WHERE i = 1;
COMMIT;
SELECT severity, n FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'olap_in_oltp_xact';

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM olap_report;
BEGIN;
SELECT i FROM olap_facts WHERE i = 1;
UPDATE olap_facts SET v = 4 WHERE i = 1;
COMMIT;
SELECT count(*) FROM pg_temp.found('olap_in_oltp_xact');
DROP VIEW olap_report;
DROP TABLE olap_facts;
ALTER SYSTEM RESET pg_diagnose.olap_in_oltp_xact_min_time;
ALTER SYSTEM RESET pg_diagnose.olap_in_oltp_xact_min_ratio;
ALTER SYSTEM RESET pg_diagnose.olap_in_oltp_xact_max_rows;
SELECT pg_reload_conf();
