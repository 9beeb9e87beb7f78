-- An index that does not exist against the same one, built: cost and plan.

\set VERBOSITY terse
SET client_min_messages = warning;
SET max_parallel_workers_per_gather = 0;

-- Few enough rows that ANALYZE reads them all: statistics are the same in
-- every run.
CREATE TABLE things (
	id			bigint,
	number		integer,
	kind		integer,
	rare		bigint,
	made_at		timestamptz,
	code		text,
	email		text,
	price		numeric,
	flag		boolean,
	tags		text[],
	document	jsonb,
	span		int4range,
	place		point);
INSERT INTO things
SELECT g, g * 7919 % 1000003, g % 20, CASE WHEN g % 5 = 0 THEN g END,
	timestamptz '2026-01-01 00:00+00' + g * interval '37 s',
	'c' || g * 7919 % 499, 'User' || g * 7919 % 1000003 || '@example.org',
	g * 7919 % 1000003 / 100.0, g % 11 = 0,
	ARRAY['t' || g * 7919 % 97, 'u' || g % 7],
	jsonb_build_object('k', g * 7919 % 991, 'name', 'n' || g * 7919 % 4999),
	int4range(g, g + g % 10 + 1), point(g * 7919 % 101, g * 104729 % 103)
FROM generate_series(1, 20000) AS g;
CREATE INDEX ON things (id);
VACUUM ANALYZE things;

CREATE FUNCTION pg_temp.shape(line text) RETURNS text
LANGUAGE sql RETURN regexp_replace(regexp_replace(line, '  \(cost=.*\)$', ''), '^ *(-> +)?', '');

-- Builds the index, looks, and rolls back.
CREATE FUNCTION pg_temp.built(definition text, query text, OUT cost float8, OUT shape text, OUT size bigint)
LANGUAGE plpgsql AS $$
DECLARE
	l		text;
BEGIN
	BEGIN
		EXECUTE definition;
		-- statistics of expressions
		IF definition ~ '\(.*\(' THEN
			EXECUTE 'ANALYZE things';
		END IF;
		FOR l IN EXECUTE 'EXPLAIN ' || query LOOP
			cost := coalesce(cost, substring(l, '\.\.([0-9.]+) rows')::float8);
			shape := concat_ws(E'\n', shape, pg_temp.shape(l));
		END LOOP;
		SELECT pg_relation_size(i.indexrelid) INTO size
		FROM pg_index AS i WHERE i.indrelid = 'things'::regclass
		ORDER BY i.indexrelid DESC LIMIT 1;
		RAISE EXCEPTION USING errcode = 'PD999';
	EXCEPTION WHEN SQLSTATE 'PD999' THEN NULL;
	END;
END $$;

CREATE FUNCTION pg_temp.compared(definition text, query text, OUT same_plan boolean, OUT used boolean,
	OUT cost_fits boolean, OUT size_fits boolean, OUT figures text)
LANGUAGE plpgsql AS $$
DECLARE
	real	record;
	cost	float8;
	size	bigint;
	shape	text;
BEGIN
	SELECT * INTO real FROM pg_temp.built(definition, query);
	SELECT w.cost_after, w.used INTO cost, used
	FROM diagnose.what_if(query, ARRAY[definition]) AS w WHERE w.item = 'statement';
	SELECT w.size_bytes INTO size
	FROM diagnose.what_if(query, ARRAY[definition]) AS w WHERE w.item <> 'statement';
	SELECT string_agg(pg_temp.shape(e.line), E'\n') INTO shape
	FROM diagnose.what_if_explain(query, ARRAY[definition]) AS e WHERE e.plan = 'after';
	same_plan := shape = real.shape;
	cost_fits := abs(cost / real.cost - 1) <= 0.1;
	size_fits := abs(size::float8 / real.size - 1) <=
		CASE WHEN definition LIKE '%USING%' THEN 0.4 WHEN definition ~ '\(.*[(,]' THEN 0.25 ELSE 0.1 END;
	IF NOT same_plan OR NOT cost_fits OR NOT size_fits THEN
		figures := format('cost %s, not %s; size %s, not %s; plan %s, not %s', round(cost::numeric, 2), real.cost, size,
			real.size, shape, real.shape);
	END IF;
END $$;

-- B-tree: the cost is that of the real one
SELECT c.definition, c.query, r.same_plan, r.used, r.cost_fits, r.size_fits, r.figures
FROM (VALUES
	('(number)', '* FROM things WHERE number = 5000'),
	('(number)', '* FROM things WHERE number BETWEEN 5000 AND 9000'),
	('(number)', 'number FROM things WHERE number < 100000'),
	('(number)', 'max(number) FROM things'),
	('(number)', '* FROM things ORDER BY number LIMIT 10'),
	('(number)', '* FROM things WHERE number IN (1, 2, 3, 4, 5, 100)'),
	('(made_at)', '* FROM things WHERE made_at > ''2026-01-09 00:00+00'''),
	('(made_at)', 'count(*) FROM things WHERE made_at > ''2026-01-05 00:00+00'''),
	('(made_at)', '* FROM things ORDER BY made_at DESC LIMIT 20'),
	('(code)', '* FROM things WHERE code = ''c77'''),
	('(code, made_at)', '* FROM things WHERE code = ''c77'' ORDER BY made_at DESC LIMIT 3'),
	('(code, made_at DESC NULLS LAST)', '* FROM things WHERE code = ''c77'' ORDER BY made_at DESC NULLS LAST LIMIT 3'),
	('(code) WHERE flag', '* FROM things WHERE code = ''c77'' AND flag'),
	('(id) WHERE rare IS NOT NULL', 'count(*) FROM things WHERE rare IS NOT NULL'),
	('(rare)', '* FROM things WHERE rare = 7775'),
	('(rare)', '* FROM things WHERE rare IS NOT NULL ORDER BY rare LIMIT 5'),
	('(lower(email))', '* FROM things WHERE lower(email) = ''user77@example.org'''),
	('((document ->> ''name''))', '* FROM things ORDER BY document ->> ''name'' LIMIT 4'),
	('((number % 100))', '* FROM things WHERE number % 100 = 3'),
	('((number % 100), code)', '* FROM things WHERE number % 100 = 3 AND code = ''c77'''),
	('(email text_pattern_ops)', '* FROM things WHERE email LIKE ''User777%'''),
	('(email COLLATE "C")', '* FROM things WHERE email COLLATE "C" > ''User99999'''),
	('(number) INCLUDE (kind)', 'kind FROM things WHERE number = 7919'),
	('(number)', '* FROM things AS a JOIN things AS b ON b.number = a.number WHERE a.id < 5'),
	('(number)', 'count(*) FROM things AS a JOIN things AS b USING (number) WHERE a.id BETWEEN 50 AND 500'),
	('(number)', '* FROM things AS a JOIN things AS b USING (number) ORDER BY number'),
	('(kind)', '* FROM things WHERE kind = 3 AND number = 7919'),
	('(number, kind)', '* FROM things WHERE kind = 3 AND number = 7919'),
	('(number)', '* FROM things WHERE number = 7919 OR id = 5'),
	('(code)', '* FROM things WHERE code = ''c77'' AND id BETWEEN 100 AND 3000'),
	('(kind, made_at)', 'DISTINCT kind FROM things'),
	('(flag)', '* FROM things WHERE flag'),
	('(price)', '* FROM things WHERE price BETWEEN 10 AND 20')
) AS c (definition, query),
	pg_temp.compared('CREATE INDEX ON things ' || c.definition, 'SELECT ' || c.query) AS r;

-- and a unique one, and one for an UPDATE
SELECT r.* FROM pg_temp.compared('CREATE UNIQUE INDEX ON things (number)',
	'SELECT * FROM things WHERE number = 7919') AS r;
SELECT r.* FROM pg_temp.compared('CREATE INDEX ON things (number)',
	'UPDATE things SET kind = 0 WHERE number = 7919') AS r;
SELECT r.* FROM pg_temp.compared('CREATE INDEX ON things (number)',
	'DELETE FROM things AS t USING things AS o WHERE o.number = t.number + 1 AND o.id = 77') AS r;

-- Others: the plan is that of the real one
SELECT c.definition, c.query, r.same_plan, r.used, r.size_fits,
	CASE WHEN NOT r.same_plan OR NOT r.size_fits THEN r.figures END AS figures
FROM (VALUES
	('gin (tags)', 'tags @> ''{u3,t77}'''),
	('gin (tags)', 'tags && ''{t3,t77}'''),
	('gin (document)', 'document @> ''{"k": 77}'''),
	('gin (document jsonb_path_ops)', 'document @> ''{"k": 77}'''),
	('gin (document)', 'document ? ''k'''),
	('gin (to_tsvector(''simple'', email))', 'to_tsvector(''simple'', email) @@ ''user7919@example.org'''),
	('brin (made_at)', 'made_at BETWEEN ''2026-01-03 00:00+00'' AND ''2026-01-03 00:10+00'''),
	('brin (number)', 'number = 7919'),
	('gist (span)', 'span && int4range(50, 60)'),
	('gist (place)', 'place <@ box(point(1, 1), point(2, 2))'),
	('spgist (place)', 'place <@ box(point(1, 1), point(2, 2))'),
	('hash (email)', 'email = ''User7919@example.org''')
) AS c (definition, query),
	pg_temp.compared('CREATE INDEX ON things USING ' || c.definition, 'SELECT * FROM things WHERE ' || c.query) AS r;

DROP TABLE things;
