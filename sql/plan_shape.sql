-- Shapes of plans: what makes two plans different, and what does not.
CREATE TABLE plan_shape (id int PRIMARY KEY, v int);
INSERT INTO plan_shape SELECT i, i % 10 FROM generate_series(1, 1000) AS i;
CREATE INDEX plan_shape_v ON plan_shape (v);
ANALYZE plan_shape;

-- executions by shape of the statements like a pattern, in the order of time
CREATE FUNCTION plan_shapes(pattern text, OUT shape text, OUT calls bigint, OUT timed boolean)
RETURNS SETOF record LANGUAGE sql AS $$
	SELECT CASE WHEN p.shape IS NULL THEN 'others' ELSE 'shape ' || row_number() OVER
			(PARTITION BY p.shape IS NULL ORDER BY min(p.last_seen)) END,
		sum(p.calls)::bigint, bool_and(p.total_exec_time > 0 AND p.max_exec_time <= p.total_exec_time)
	FROM diagnose.plans(diagnose.since_reset()) AS p
		JOIN diagnose.statements(diagnose.since_reset()) AS s USING (userid, dbid, toplevel, queryid)
	WHERE s.query ~ pattern AND s.query !~ 'diagnose|plan_shapes'
	GROUP BY p.shape
	ORDER BY p.shape IS NULL, min(p.last_seen)
$$;
\set reset 'SELECT diagnose.reset() IS NOT NULL AS done \\gset'

-- nothing yet
:reset
SELECT * FROM plan_shapes('plan_shape');

-- other constants, row estimates and sessions are no other plan
SELECT v FROM plan_shape WHERE id = 1;
SELECT v FROM plan_shape WHERE id = 2;
\c
SELECT v FROM plan_shape WHERE id = 3;
SELECT * FROM plan_shapes('plan_shape');

-- another way to the rows is, and so is another index
SET enable_indexscan = off;
SET enable_indexonlyscan = off;
SELECT v FROM plan_shape WHERE id = 4;
SET enable_bitmapscan = off;
SELECT v FROM plan_shape WHERE id = 5;
SELECT v FROM plan_shape WHERE id = 6;
RESET ALL;
ALTER TABLE plan_shape DROP CONSTRAINT plan_shape_pkey;
CREATE INDEX plan_shape_id ON plan_shape (id);
SELECT v FROM plan_shape WHERE id = 7;
SELECT * FROM plan_shapes('plan_shape WHERE id');

-- with a fifth one, that not seen for the longest time joins the others
DROP INDEX plan_shape_id;
CREATE INDEX plan_shape_both ON plan_shape (id, v);
VACUUM plan_shape;
SELECT v FROM plan_shape WHERE id = 8;
SELECT * FROM plan_shapes('plan_shape WHERE id');
SELECT calls FROM diagnose.statements WHERE query ~ '^SELECT v FROM plan_shape WHERE id';

-- the way to join is
:reset
SET enable_mergejoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM plan_shape AS a JOIN plan_shape AS b ON a.id = b.v;
SET enable_hashjoin = off;
RESET enable_nestloop;
SELECT count(*) FROM plan_shape AS a JOIN plan_shape AS b ON a.id = b.v;
RESET ALL;
SELECT * FROM plan_shapes('JOIN');

-- many partitions are not: their number changes with time
CREATE TABLE plan_shape_parted (id int, v int) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE plan_shape_part_%s PARTITION OF plan_shape_parted FOR VALUES FROM (%s) TO (%s)', i, i, i + 1)
FROM generate_series(1, 9) AS i \gexec
:reset
SELECT count(*) FROM plan_shape_parted;
CREATE TABLE plan_shape_part_10 PARTITION OF plan_shape_parted FOR VALUES FROM (10) TO (11);
DROP TABLE plan_shape_part_1;
SELECT count(*) FROM plan_shape_parted;
SELECT * FROM plan_shapes('FROM plan_shape_parted$');

-- utility statements have none
:reset
VACUUM plan_shape;
SELECT * FROM plan_shapes('VACUUM');

DROP TABLE plan_shape, plan_shape_parted;
DROP FUNCTION plan_shapes;
