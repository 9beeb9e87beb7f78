--
-- rule_unindexed_foreign_key: referencing columns without an index
--
\getenv source PG_ABS_SRCDIR
\set fixture :source '/test/fixtures/found.sql'
\i :fixture

CREATE SCHEMA "unindexed Fk";
SET search_path = "unindexed Fk";
CREATE TABLE parent (id int PRIMARY KEY, other int, name varchar(10) UNIQUE,
	UNIQUE (id, other));
INSERT INTO parent SELECT i, i, i FROM generate_series(1, 100) AS i;

-- nothing yet
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) FROM pg_temp.found('unindexed_foreign_key') WHERE key ~ 'Fk';

-- silent: a small table, and indexes that serve
CREATE TABLE small (parent int REFERENCES parent);
CREATE TABLE plain (parent int REFERENCES parent, filler text);
CREATE INDEX ON plain (parent, filler);
CREATE TABLE swapped (a int, b int, filler text,
	FOREIGN KEY (a, b) REFERENCES parent (id, other));
CREATE INDEX ON swapped (b, a);
CREATE TABLE hashed (parent int REFERENCES parent, filler text);
CREATE INDEX ON hashed USING hash (parent);
CREATE TABLE "not Null" ("Parent" int REFERENCES parent, filler text);
CREATE INDEX ON "not Null" ("Parent") WHERE "Parent" IS NOT NULL;
INSERT INTO plain SELECT NULL, repeat('x', 100) FROM generate_series(1, 10000);
INSERT INTO swapped SELECT NULL, NULL, filler FROM plain;
INSERT INTO hashed SELECT NULL, filler FROM plain;
INSERT INTO "not Null" SELECT NULL, filler FROM plain;
SELECT count(*) FROM pg_temp.found('unindexed_foreign_key') WHERE key ~ 'Fk';

-- found, though never analyzed: indexes on other columns or rows are none
CREATE TABLE "Child" (id int, "Parent's" int CONSTRAINT "Fk" REFERENCES parent
	ON DELETE CASCADE, filler text);
CREATE INDEX ON "Child" (id, "Parent's");
CREATE INDEX ON "Child" ("Parent's") WHERE id > 0;
CREATE TABLE half (a int, b int, filler text,
	FOREIGN KEY (a, b) REFERENCES parent (id, other) ON DELETE CASCADE);
CREATE INDEX ON half (b);
CREATE TABLE texts (name varchar(10) REFERENCES parent (name)
	ON UPDATE CASCADE ON DELETE SET NULL, filler text);
CREATE TABLE parts (parent int REFERENCES parent ON DELETE SET NULL, filler text)
	PARTITION BY LIST (parent);
CREATE TABLE part PARTITION OF parts DEFAULT;
CREATE TABLE unchanged (id int PRIMARY KEY);
CREATE TABLE two (a int REFERENCES parent, b int REFERENCES unchanged, filler text);
INSERT INTO two SELECT NULL, NULL, filler FROM plain;
INSERT INTO "Child" SELECT i, NULL, repeat('x', 100) FROM generate_series(1, 10000) AS i;
INSERT INTO half SELECT NULL, NULL, filler FROM plain;
INSERT INTO texts SELECT NULL, filler FROM plain;
INSERT INTO parts SELECT NULL, filler FROM plain;
SELECT * FROM pg_temp.found('unindexed_foreign_key') WHERE key ~ 'Fk';
ANALYZE "Child", half, texts, parts, two;
SELECT count(*) FROM pg_temp.found('unindexed_foreign_key') WHERE key ~ 'Fk';
SELECT severity, count(*) FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'unindexed_foreign_key' AND key ~ 'Fk' GROUP BY 1;

-- with its cost as soon as a parent goes or changes its key, whatever is to be
-- done then
DELETE FROM parent WHERE id <= 10;
SELECT pg_stat_force_next_flush();
UPDATE parent SET name = 'other' WHERE id = 20;
SELECT subject, costs, grade, n, problem
FROM pg_temp.found('unindexed_foreign_key') WHERE key ~ 'Fk' AND key !~ 'two_a';
-- where the server only looks whether there are rows, up to 17
SELECT (grade, n) = ('exact', 10) OR current_setting('server_version_num')::int >= 180000 AS measured
FROM pg_temp.found('unindexed_foreign_key') WHERE key ~ 'two_a';

-- worth a warning for who did not see that
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT severity, subject, problem FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'unindexed_foreign_key' AND key ~ 'Fk' ORDER BY key COLLATE "C";

-- fixed by the fix, and back after the undo
SELECT fix, undo, verify FROM diagnose.findings(diagnose.since_reset())
WHERE key ~ '"Child"' \gset
:fix;
:verify;
:undo;
:verify;
SELECT fix FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'unindexed_foreign_key' AND key ~ 'Fk' AND fix IS NOT NULL ORDER BY key COLLATE "C" \gexec
CREATE INDEX ON parts (parent);
SELECT count(*) FROM pg_temp.found('unindexed_foreign_key') WHERE key ~ 'Fk';
SET client_min_messages = warning;
DROP SCHEMA "unindexed Fk" CASCADE;
