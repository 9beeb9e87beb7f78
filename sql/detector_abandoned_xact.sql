--
-- detector_abandoned_xact: sessions end inside of a transaction
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
CREATE TABLE abandoned_xact (i int);

-- Each session takes this lock first: so it waits until the one before it is
-- gone, as \c does not.
SELECT pg_advisory_lock(1);

-- nothing yet
\i :fixture
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('abandoned_xact');

-- silent: sessions end after COMMIT, and with an autocommit statement
\set QUIET on
\x off
BEGIN;
INSERT INTO abandoned_xact VALUES (1);
COMMIT;
\c
SELECT pg_advisory_lock(1);
INSERT INTO abandoned_xact VALUES (2);
\c
SELECT pg_advisory_lock(1);

-- silent: all was lost before, by an error
BEGIN;
INSERT INTO abandoned_xact VALUES (0);
INSERT INTO abandoned_xact VALUES ('none');
\c
SELECT pg_advisory_lock(1);
BEGIN;
INSERT INTO abandoned_xact VALUES (0);
INSERT INTO abandoned_xact VALUES ('none');
\c
SELECT pg_advisory_lock(1);
BEGIN;
INSERT INTO abandoned_xact VALUES (0);
INSERT INTO abandoned_xact VALUES ('none');
\c
SELECT pg_advisory_lock(1);
SELECT sum(abandoned) FROM diagnose.transactions(diagnose.since_reset());
\i :fixture
SELECT count(*) FROM pg_temp.found('abandoned_xact');
SELECT diagnose.reset() IS NOT NULL AS reset;

-- silent: two can be chance
\set QUIET on
\x off
BEGIN;
INSERT INTO abandoned_xact VALUES (3);
\c
SELECT pg_advisory_lock(1);
BEGIN;
INSERT INTO abandoned_xact VALUES (4);
\c
SELECT pg_advisory_lock(1);
SELECT sum(abandoned) FROM diagnose.transactions(diagnose.since_reset());
\i :fixture
SELECT count(*) FROM pg_temp.found('abandoned_xact');

-- found with the third one
\set QUIET on
\x off
BEGIN;
INSERT INTO abandoned_xact VALUES (5);
\c
SELECT pg_advisory_lock(1);
\i :fixture
SELECT * FROM pg_temp.found('abandoned_xact');
SELECT severity FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'abandoned_xact';

-- as information only, when nothing was written
SELECT diagnose.reset() IS NOT NULL AS reset;
\set QUIET on
\x off
BEGIN;
SELECT FROM abandoned_xact WHERE i = 1;
\c
SELECT pg_advisory_lock(1);
BEGIN;
SELECT FROM abandoned_xact WHERE i = 1;
\c
SELECT pg_advisory_lock(1);
BEGIN;
SELECT FROM abandoned_xact WHERE i = 1;
\c
SELECT pg_advisory_lock(1);
SELECT severity, n, evidence_grade FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'abandoned_xact';

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
BEGIN;
INSERT INTO abandoned_xact VALUES (3);
COMMIT;
\c
SELECT pg_advisory_lock(1);
BEGIN;
INSERT INTO abandoned_xact VALUES (4);
ROLLBACK;
\c
SELECT pg_advisory_lock(1);
BEGIN;
INSERT INTO abandoned_xact VALUES (5);
COMMIT;
\c
SELECT pg_advisory_lock(1);
\i :fixture
SELECT count(*) FROM pg_temp.found('abandoned_xact');
DROP TABLE abandoned_xact;
