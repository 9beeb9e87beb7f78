-- The trial's own tables, and what its evaluation needs.
CREATE EXTENSION pg_diagnose;
CREATE SCHEMA trial;
SET search_path = trial, public;
SELECT setseed(0.4);

-- ---- What the statements work on ----

CREATE TABLE item (id int PRIMARY KEY, kind int, price int, name text);
INSERT INTO item
SELECT i, i % 20, (random() * 1000)::int, 'item ' || i || repeat(' x', 20)
FROM generate_series(1, 20000) i;
CREATE INDEX ON item (name);

CREATE TABLE customer (id int PRIMARY KEY, region int, score int, balance int)
	WITH (fillfactor = 50);
INSERT INTO customer SELECT i, i % 12, 0, 0 FROM generate_series(1, 2000) i;

CREATE TABLE orders (id int PRIMARY KEY, customer int, item int, day int, total int)
	WITH (fillfactor = 80);
INSERT INTO orders
SELECT i, (random() * 1999)::int + 1, (random() * 19999)::int + 1,
	(random() * 364)::int + 1, (random() * 500)::int
FROM generate_series(1, 50000) i;
CREATE INDEX ON orders (customer, day);
CREATE INDEX ON orders (day);

CREATE TABLE journal (customer int, v bigint);
CREATE TABLE bulk (id int, filler text);

-- looked up by an index that comes and goes
CREATE TABLE ticket (id int, place int);
INSERT INTO ticket SELECT i, i FROM generate_series(1, 20000) i;
CREATE INDEX ticket_id ON ticket (id);

CREATE FUNCTION cost(n int) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	x								bigint := 0;
BEGIN
	FOR i IN 1 .. n LOOP
		x := x + i;
	END LOOP;
	RETURN x;
END
$$;

-- ---- How much the statements have to do ----

CREATE TABLE work (name text PRIMARY KEY, base int, n int) WITH (fillfactor = 50);
\copy work (name, base) FROM 'trial.bases'
UPDATE work SET n = base;

-- ---- What is done when ----

-- A stage lies between the last snapshot that was there when it began and the
-- last one that was there when it ended.
CREATE TABLE stage (number int PRIMARY KEY, kind text, began bigint, ended bigint);
CREATE TABLE slowed (stage int, name text, factor float8);

-- In a stage "slowed", three statements take 1.2 times as long, and another 1.1
-- or 1.5 times, in turns; which ones changes from stage to stage.
CREATE FUNCTION begin_stage(new int, new_kind text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM setseed(new / 1000.0);
	IF new_kind = 'slowed' THEN
		INSERT INTO trial.slowed
		SELECT new, w.name, CASE row_number() OVER (ORDER BY random())
				WHEN 4 THEN CASE new % 4 WHEN 0 THEN 1.1 ELSE 1.5 END ELSE 1.2 END
		FROM (SELECT name FROM trial.work ORDER BY random() LIMIT 4) AS w;
	END IF;
	UPDATE trial.stage
	SET ended = (SELECT max(id) FROM diagnose.snapshots())
	WHERE ended IS NULL;
	UPDATE trial.work AS w
	SET n = round(base * coalesce((SELECT s.factor FROM trial.slowed AS s
								   WHERE s.stage = new AND s.name = w.name), 1));
	INSERT INTO trial.stage VALUES (new, new_kind);
END
$$;

-- A transaction of its own, so that the changed work is there for everybody.
CREATE FUNCTION stage_began(which int) RETURNS void LANGUAGE sql AS
'UPDATE trial.stage SET began = (SELECT max(id) FROM diagnose.snapshots())
 WHERE number = which';

-- ---- Evaluation ----

-- The snapshots of each stage, numbered; the first is the first that has
-- nothing of an earlier stage after it.
CREATE TABLE numbered (stage int, kind text, id bigint, n bigint, of bigint);

CREATE FUNCTION number_snapshots() RETURNS void LANGUAGE sql AS
'TRUNCATE trial.numbered;
 INSERT INTO trial.numbered
 SELECT t.number, t.kind, s.id,
	row_number() OVER (PARTITION BY t.number ORDER BY s.id) - 1,
	count(*) OVER (PARTITION BY t.number) - 1
 FROM diagnose.snapshots() AS s
	JOIN trial.stage AS t ON s.id > t.began AND s.id <= t.ended';

-- Neighbours of so many stretches each.
CREATE FUNCTION pairs(size int, OUT phase text, OUT pair bigint, OUT b0 bigint,
	OUT b1 bigint, OUT a0 bigint, OUT a1 bigint, OUT changed int)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT 'same', row_number() OVER (ORDER BY b0.id), b0.id, m.id, m.id, a1.id, NULL::int
	FROM trial.numbered AS b0
		JOIN trial.numbered AS m ON m.stage = b0.stage AND m.n = b0.n + size
		JOIN trial.numbered AS a1 ON a1.stage = b0.stage AND a1.n = b0.n + 2 * size
	WHERE b0.kind = 'same' AND b0.n % (2 * size) = 0
	UNION ALL
	-- the end of one stage and the beginning of the next
	SELECT CASE a0.kind WHEN 'slowed' THEN 'slower' ELSE 'faster' END,
		row_number() OVER (ORDER BY b0.id), b0.id, b1.id, a0.id, a1.id,
		CASE a0.kind WHEN 'slowed' THEN a0.stage ELSE b0.stage END
	FROM trial.numbered AS b0
		JOIN trial.numbered AS b1 ON b1.stage = b0.stage AND b1.n = b1.of
		JOIN trial.numbered AS a0 ON a0.stage = b0.stage + 1 AND a0.n = 0
		JOIN trial.numbered AS a1 ON a1.stage = a0.stage AND a1.n = size
	WHERE b0.n = b0.of - size
		AND (b0.kind, a0.kind) IN (('base', 'slowed'), ('slowed', 'base'))
$$;

CREATE FUNCTION judge(p_b0 bigint, p_b1 bigint, p_a0 bigint, p_a1 bigint, p_changed int)
RETURNS TABLE (kind text, verdict text, name text, factor float8, mean_ratio float8,
	ratio float8, ratio_low float8, ratio_high float8, smallest float8,
	windows int, controls int, executions float8, reason text)
LANGUAGE sql AS $$
	SELECT c.kind, c.verdict,
		coalesce(substring(c.subject FROM '\ms\d\d\M'), c.subject), s.factor,
		c.mean_after / nullif(c.mean_before, 0), c.ratio, c.ratio_low, c.ratio_high,
		c.smallest_effect, least(c.windows_before, c.windows_after), c.controls,
		least(c.calls_before / nullif(c.windows_before, 0)::float8,
			c.calls_after / nullif(c.windows_after, 0)::float8), c.reason
	FROM diagnose.compare(ROW(p_b0, p_b1)::diagnose.window,
						  ROW(p_a0, p_a1)::diagnose.window) AS c
		LEFT JOIN trial.slowed AS s ON s.stage = p_changed AND c.kind = 'query'
			AND s.name = substring(c.subject FROM '\ms\d\d\M')
$$;

VACUUM (ANALYZE);
