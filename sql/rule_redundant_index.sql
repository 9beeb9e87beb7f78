--
-- rule_redundant_index: an index that does nothing which another one does not do
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture
CREATE SCHEMA "redundant Index";
SET search_path = "redundant Index";
CREATE TABLE t (id int PRIMARY KEY, a int, b int, c text COLLATE "C", d timestamptz,
	e text, f int4range);
INSERT INTO t SELECT i, i % 1000, i, 'text ' || i, now(), 'x', int4range(i, i + 1)
FROM generate_series(1, 30000) AS i;
SELECT pg_stat_force_next_flush();

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('redundant_index');

-- silent: each of these does something that no other one does
CREATE UNIQUE INDEX "unique" ON t (b);				-- uniqueness
CREATE INDEX wide ON t (b, c, d);
CREATE INDEX second ON t (c, b);					-- another order of the keys
CREATE INDEX descending ON t (b, c DESC);			-- of the rows
CREATE INDEX nulls_first ON t (a NULLS FIRST);
CREATE INDEX a_id ON t (a, id);
CREATE INDEX pattern ON t (e text_pattern_ops);		-- another operator class
CREATE INDEX e_id ON t (e, id);
CREATE INDEX collated ON t (e COLLATE "C");			-- another collation
CREATE INDEX with_column ON t (d) INCLUDE (e);		-- reads the index only
CREATE INDEX d_b ON t (d, b);
CREATE INDEX partial ON t (a) WHERE b < 1000;		-- is much smaller
CREATE INDEX other_part ON t (a, b) WHERE b < 2000;
CREATE INDEX expression ON t (lower(c), e);
CREATE INDEX upper ON t (upper(c));
CREATE INDEX gin ON t USING gin (to_tsvector('simple', c));
CREATE INDEX brin ON t USING brin (b) WITH (pages_per_range = 8);
CREATE INDEX coarse ON t USING brin (b) WITH (pages_per_range = 64);
CREATE UNIQUE INDEX nulls_equal ON t (b) NULLS NOT DISTINCT;
ALTER TABLE t ADD CONSTRAINT later UNIQUE (b, a) DEFERRABLE;
CREATE UNIQUE INDEX at_once ON t (b, a);
CREATE UNIQUE INDEX identity ON t (id);
ALTER TABLE t REPLICA IDENTITY USING INDEX identity;
CREATE INDEX clustered ON t (d);
ALTER TABLE t CLUSTER ON clustered;
VACUUM ANALYZE t;
SELECT count(*) FROM pg_temp.found('redundant_index');
SELECT index, covered_by, reason FROM diagnose.redundant_indexes();

-- silent: not valid, too small, temporary, or of one partition like all others'
CREATE TEMP TABLE gone (a int);
CREATE INDEX ON gone (a);
CREATE INDEX ON gone (a);
CREATE TABLE small (a int, b int);
CREATE INDEX small_a ON small (a);
CREATE INDEX small_a_b ON small (a, b);
CREATE TABLE parts (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (10000);
CREATE TABLE part2 PARTITION OF parts DEFAULT;
INSERT INTO parts SELECT i, i FROM generate_series(1, 30000) AS i;
CREATE INDEX "Parts a b" ON parts (a, b);
CREATE INDEX part2_only ON part2 (b);
SELECT count(*) FROM pg_temp.found('redundant_index');
SELECT index, covered_by, reason FROM diagnose.redundant_indexes();
DROP TABLE small;

-- found
CREATE INDEX prefix ON t (b);						-- of "wide", but "unique" is smaller
CREATE INDEX two_keys ON t (b, c);
CREATE INDEX "Pattern" ON t (e text_pattern_ops);
CREATE INDEX backwards ON t (c DESC NULLS FIRST);
CREATE INDEX lower ON t (lower(c)) WITH (fillfactor = 80);
CREATE INDEX gin_too ON t USING gin (to_tsvector('simple', c));
CREATE INDEX with_one ON t (f, b) INCLUDE (e);
CREATE INDEX with_two ON t (f, b) INCLUDE (d, e);
CREATE INDEX same_part ON t (a) WHERE b < 2000;
CREATE INDEX nearly_all ON t (d, b) WHERE b > 10;
CREATE INDEX hashed ON t USING hash (a);
CREATE UNIQUE INDEX unique_too ON t (b);
ALTER TABLE t ADD CONSTRAINT "Key twice" UNIQUE (id);
CREATE INDEX parts_a ON parts (a);
CREATE INDEX part2_a ON part2 (a);
VACUUM ANALYZE t, parts;
SELECT regexp_replace(index, '^.*\.', '') AS index, regexp_replace(covered_by, '^.*\.', '') AS covered_by,
	is_duplicate, reason, size_bytes > 0 AS has_size, ddl, undo
FROM diagnose.redundant_indexes() ORDER BY index COLLATE "C";
SELECT subject, problem, costs FROM pg_temp.found('redundant_index');
SELECT dimension, key, subject, costs, grade, n, problem,
	regexp_replace(evidence, 'bytes: \d+', 'bytes: <n>', 'g') AS evidence, advice, fix, undo, verify
FROM pg_temp.found('redundant_index') WHERE subject ~ 'two_keys|twice';

-- the one that covers may itself be of no use; then that one goes
ALTER SYSTEM SET pg_diagnose.unused_index_min_age = 0;
ALTER SYSTEM SET pg_diagnose.unused_index_min_scans = 0;
SELECT pg_reload_conf();
\c
SET search_path = "redundant Index";
SET enable_seqscan = off;
SET enable_bitmapscan = off;
SELECT count(*) FROM t WHERE b = 1 AND c = 'text 1';
SELECT pg_stat_force_next_flush();
SELECT index, scans > 0 AS used, covered_by FROM diagnose.redundant_indexes() WHERE index ~ 'two_keys|wide';
SELECT index, verdict FROM diagnose.unused_indexes() WHERE index ~ 'two_keys|wide';
ALTER SYSTEM RESET pg_diagnose.unused_index_min_age;
ALTER SYSTEM RESET pg_diagnose.unused_index_min_scans;
SELECT pg_reload_conf();
\c
\set ECHO none
\i :fixture
SET search_path = "redundant Index";

-- fixed by what was proposed; what was dropped comes back by the undo
SELECT undo FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'redundant_index' AND subject ~ 'lower' \gset
SELECT fix FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'redundant_index' ORDER BY key COLLATE "C" \gexec
SELECT count(*) FROM pg_temp.found('redundant_index');
:undo;
SELECT fix FROM pg_temp.found('redundant_index');
SET client_min_messages = warning;
DROP SCHEMA "redundant Index" CASCADE;
