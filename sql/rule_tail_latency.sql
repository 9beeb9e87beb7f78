--
-- rule_tail_latency: fast as a rule, very slow at times
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE FUNCTION tail_latency(calls int, slow int, base float8) RETURNS void
LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. calls LOOP
		PERFORM pg_sleep(CASE WHEN i <= slow THEN 0.1 ELSE base END); -- workload: some slow calls
	END LOOP;
END $$;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('tail_latency');

-- silent: too few calls to judge a tail
SELECT tail_latency(90, 4, 0);
SELECT count(*) FROM pg_temp.found('tail_latency');

-- silent: all calls are slow
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(110, 4, 0.021);
SELECT count(*) FROM pg_temp.found('tail_latency');

-- silent: one in 300
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(300, 1, 0);
SELECT count(*) FROM pg_temp.found('tail_latency');

-- silent: what the server runs for a foreign key, which has a rule of its own
CREATE TABLE tail_parent (id int PRIMARY KEY);
CREATE TABLE tail_child (id int PRIMARY KEY REFERENCES tail_parent ON DELETE CASCADE);
CREATE FUNCTION tail_child_goes() RETURNS trigger LANGUAGE plpgsql
AS 'BEGIN PERFORM pg_sleep(CASE WHEN old.id <= 4 THEN 0.1 ELSE 0 END); RETURN old; END'; -- workload: a tail
CREATE TRIGGER tail BEFORE DELETE ON tail_child FOR EACH ROW EXECUTE FUNCTION tail_child_goes();
INSERT INTO tail_parent SELECT generate_series(1, 120);
INSERT INTO tail_child SELECT id FROM tail_parent;
SELECT diagnose.reset() IS NOT NULL AS reset;
DELETE FROM tail_parent;
SELECT calls FROM diagnose.statements WHERE diagnose.is_foreign_key_search(query);
SELECT subject FROM pg_temp.found('tail_latency') ORDER BY subject COLLATE "C";
DROP TABLE tail_child, tail_parent;
DROP FUNCTION tail_child_goes;

-- found; what it costs is the tail's time, 4 times 100 ms
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(120, 4, 0);
SELECT * FROM pg_temp.found('tail_latency');
SELECT impact_ms_per_s * diagnose.seconds(diagnose.since_reset()) > 390 AS impact_is_tail
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'tail_latency';

-- fixed
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT tail_latency(300, 0, 0);
SELECT count(*) FROM pg_temp.found('tail_latency');
DROP FUNCTION tail_latency;
