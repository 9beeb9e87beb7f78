-- The type diagnose.histogram: forms, arithmetic, aggregates, what it says.
SET search_path = diagnose, pg_catalog, pg_temp;
\pset null '(null)'


-- text: canonical whatever the spelling, and it round-trips
SELECT t, t::histogram FROM (VALUES
	('{}'), ('  { }  '), ('{0:1}'), ('{0.001024:1}'),
	(E' {\t0.0 : 5 ,\n0001.048576:02 }'),
	('{0:5,0.00128:3,4398046.511104:9223372036854775799}')) AS v(t);

-- every bucket, its bounds computed here anew: named by its lower bound, holds
-- its lower bound and what is just below its upper bound, and nothing else does
CREATE TEMP TABLE bounds AS
	SELECT lower_ns, coalesce(lead(lower_ns) OVER (ORDER BY lower_ns), 2 * lower_ns) AS upper_ns
	FROM (SELECT 0::bigint AS lower_ns
		UNION ALL
		SELECT ((16 + sub)::bigint << (octave - 4))
		FROM generate_series(10, 41) AS octave, generate_series(0, 15) AS sub
		UNION ALL
		SELECT 1::bigint << 42) AS b;
WITH literal AS (
	SELECT lower_ns, upper_ns,
		format('{%s:1}', CASE lower_ns WHEN 0 THEN '0' ELSE
			format('%s.%s', lower_ns / 1000000, lpad((lower_ns % 1000000)::text, 6, '0')) END) AS t
	FROM bounds)
SELECT count(*), (SELECT count(*) FROM (SELECT DISTINCT t::histogram FROM literal) AS d) AS buckets,
	bool_and(t::histogram::text = t) AS round_trip,
	bool_and((SELECT histogram_agg(ns / 1e6) = t::histogram
		FROM (VALUES (lower_ns)) AS v(ns))) AS lower_inside,
	bool_and((SELECT histogram_agg(ns / 1e6) = t::histogram
		FROM (VALUES (upper_ns - 1)) AS v(ns))) AS upper_inside
FROM literal;

-- malformed text: each says where and what
DO $$
DECLARE
	literal text;
	detail text;
BEGIN
	FOREACH literal IN ARRAY ARRAY[
		'', ' ', 'x', '{', '}', '{}}', '{} x', '{,}', '{0}', '{0:}', '{0:x}', '{0:-1}', '{0:0}', '{0:1',
		'{0:1,}', '{0:1;0.001024:1}', '{0:1.5}', '{.5:1}', '{0.:1}', '{-1:1}', '{1e3:1}', '{NaN:1}',
		'{0.0010240:1}', '{1.5:1}', '{0.001:1}', '{0.001023:1}', '{4398046.511105:1}', '{9999999:1}',
		'{9223372036854775807:1}', '{9223372036855:1}', '{99999999999999999999:1}',
		'{0.001024:1,0:1}', '{0:1,0:1}', '{0:1,0.001024:1,0.001024:1}',
		'{0:9223372036854775808}', '{0:9223372036854775807,0.001024:1}',
		'{0:99999999999999999999999}', '{0:1é}']
	LOOP
		BEGIN
			RAISE NOTICE '% is accepted as %', literal, literal::diagnose.histogram;
		EXCEPTION WHEN invalid_text_representation THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			RAISE NOTICE '%  %', rpad(literal, 22), detail;
		END;
	END LOOP;
END
$$;
SELECT '{0:1,1.5:2}'::histogram;
-- a huge one is quoted in part, between characters
SELECT (repeat('é', 1000000))::histogram;
SELECT ('{0:' || repeat('9', 1000000) || '}')::histogram;
SELECT ('{0:' || repeat(' ', 1000000) || '1}')::histogram;


-- binary: what send makes, recv takes; recv is reached by a binary COPY that
-- has the bytes as its only field
CREATE TEMP TABLE received (h histogram);
CREATE FUNCTION pg_temp.recv(field bytea) RETURNS histogram LANGUAGE plpgsql AS $$
DECLARE
	copy bytea := '\x5047434f50590aff0d0a00' || int4send(0) || int4send(0) ||
		int2send(1::int2) || int4send(length(field)) || field || int2send((-1)::int2);
	octal text;
	result diagnose.histogram;
BEGIN
	SELECT string_agg(format('\%s%s%s', b >> 6, (b >> 3) & 7, b & 7), '' ORDER BY i) INTO octal
		FROM generate_series(0, length(copy) - 1) AS i, get_byte(copy, i) AS b;
	TRUNCATE received;
	EXECUTE format('COPY received FROM PROGRAM %L (FORMAT binary)', format('printf ''%s''', octal));
	SELECT h INTO STRICT result FROM received;
	RETURN result;
END
$$;
SELECT h, histogram_send(h), pg_temp.recv(histogram_send(h)) = h AS same
FROM (VALUES (histogram '{}'), ('{0:5,0.00128:3,4398046.511104:9223372036854775799}')) AS v(h);
SELECT bool_and(pg_temp.recv(histogram_send(h)) = h) AS same, max(length(histogram_send(h))) AS bytes
FROM (SELECT histogram_agg(1.01 ^ i) AS h FROM generate_series(-1000, 2000) AS i, generate_series(1, 3) AS g GROUP BY g) AS v;

-- malformed binary: each says where and what
DO $$
DECLARE
	field bytea;
	detail text;
BEGIN
	FOREACH field IN ARRAY ARRAY[
		'\x', '\x01', '\x0100', '\x000000', '\x020000', '\x01000000', '\x0100010005', '\xff00010005ffffffffffffffff',
		'\x01ffff00050000000000000001', '\x010001000500000000000000ff00', '\x01000102020000000000000001',
		'\x0100018000000000000000000001', '\x010001ffff0000000000000001',
		'\x0100020005000000000000000100050000000000000001', '\x0100020005000000000000000100040000000000000001',
		'\x01000100050000000000000000', '\x010001000580000000000000ff',
		'\x01000200057fffffffffffffff00060000000000000001']::bytea[]
	LOOP
		BEGIN
			RAISE NOTICE '% is accepted as %', field, pg_temp.recv(field);
		EXCEPTION WHEN invalid_binary_representation OR numeric_value_out_of_range THEN
			GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
			RAISE NOTICE '%  %: %', rpad(field::text, 50), SQLERRM, detail;
		END;
	END LOOP;
END
$$;

-- a damaged stored value is reported, not trusted
CREATE CAST (bytea AS histogram) WITHOUT FUNCTION;
DO $$
DECLARE
	stored bytea;
BEGIN
	FOREACH stored IN ARRAY ARRAY['\x', '\x00', '\x02', '\x0105', '\x010500', '\x018104', '\x01810401', '\x01820401', '\x01ffffffff0f01',
		'\x01058000', '\x01850001', '\x01050100', '\x0105010001', '\x0105ffffffffffffffff7f',
		'\x0105ffffffffffffffff7f0101', '\x0105ffffffffffffffffff01', '\x01ffffffffffffffff7f01']::bytea[]
	LOOP
		BEGIN
			RAISE NOTICE '% is accepted as %, %', stored, stored::diagnose.histogram, diagnose.total(stored::diagnose.histogram);
		EXCEPTION WHEN data_corrupted OR numeric_value_out_of_range THEN
			RAISE NOTICE '%: %', rpad(stored::text, 30), SQLERRM;
		END;
	END LOOP;
END
$$;
DROP CAST (bytea AS histogram);


-- arithmetic
SELECT histogram '{0:1,1.048576:2}' + '{0.001024:3,1.048576:4}' AS plus,
	histogram '{0:1}' + '{}' AS plus_empty,
	histogram '{0:1}' + NULL AS plus_null,
	histogram '{0:3,1.048576:4}' - '{0:1,1.048576:4}' AS minus,
	histogram '{0:3}' - '{0:3}' AS minus_itself;
SELECT histogram '{0:3,1.048576:4}' - '{1.048576:5}';
SELECT histogram '{0:3}' - '{4398046.511104:1}';
SELECT histogram '{0:9223372036854775807}' + '{}' AS largest;
SELECT histogram '{0:9223372036854775807}' + '{0.001024:1}';

-- equality
SELECT a = b AS eq, a <> b AS ne
FROM (VALUES (histogram '{}', histogram '{ }'), ('{0:1}', '{0.0:1}'), ('{0:1}', '{}'),
	('{0:1}', '{0:2}'), ('{0:1}', '{0.001024:1}'), ('{0:1}', NULL)) AS v(a, b);
-- the same from the executor as from a table, with its short header or toasted
CREATE TEMP TABLE stored (id int, h histogram);
INSERT INTO stored SELECT 1, histogram_agg(i) FROM generate_series(1, 100) AS i;
INSERT INTO stored SELECT 2, histogram_agg(i) FROM generate_series(1, 100) AS i;
INSERT INTO stored SELECT 3, histogram_agg(1.01 ^ i) FROM generate_series(-1000, 2000) AS i;
ALTER TABLE stored ALTER h SET STORAGE external;
WITH RECURSIVE doubled(n, h) AS (
	SELECT 0, h FROM stored WHERE id = 3
	UNION ALL
	SELECT n + 1, h + h FROM doubled WHERE n < 18)
INSERT INTO stored SELECT 4, h FROM doubled WHERE n = 18;
SELECT pg_relation_size(reltoastrelid) > 0 AS toasted FROM pg_class WHERE oid = 'stored'::regclass;
SELECT id, h = (SELECT histogram_agg(i) FROM generate_series(1, 100) AS i) AS same, total(h),
	CASE WHEN pg_column_size(h) < 127 THEN 'short' WHEN pg_column_size(h) > 1000 THEN 'long' END AS size
FROM stored ORDER BY id;
SELECT total(h), count(*) FROM stored GROUP BY h ORDER BY 1;
SELECT count(*) FROM stored AS a JOIN stored AS b USING (h);
SELECT histogram_hash(h) = histogram_hash_extended(h, 0)::bit(32)::int AS seed_zero_is_the_hash FROM stored WHERE id = 1;


-- aggregates
SELECT sum(h) FROM (VALUES (histogram '{0:1}'), (NULL), ('{0:2,1.048576:1}')) AS v(h);
SELECT sum(h) AS none, total(sum(h)) FROM (VALUES (histogram '{0:1}')) AS v(h) WHERE false;
SELECT sum(h) AS only_null FROM (VALUES (NULL::histogram)) AS v(h);
SELECT sum(h) FROM (VALUES (histogram '{0:9223372036854775807}'), ('{1.048576:1}')) AS v(h);
SELECT i, sum(h) OVER (ORDER BY i ROWS 1 PRECEDING)
FROM (VALUES (1, histogram '{0:1}'), (2, '{0:2}'), (3, NULL), (4, '{1.048576:4}')) AS v(i, h);
SELECT histogram_agg(ms) FROM (VALUES (0), (0.001023), (0.0010236), (0.001024), (NULL), (1.048576), (4398046.5111),
	(4398046.511104), (1e18), (1e300)) AS v(ms);
SELECT histogram_agg(ms) FROM (VALUES (1::float8), (NULL)) AS v(ms) WHERE ms IS NULL;
SELECT histogram_agg(-0.001);
SELECT histogram_agg('NaN');
SELECT histogram_agg('Infinity');
SELECT histogram_agg('-Infinity');

-- in parallel: the plan has partial aggregates, the result is the serial one
CREATE TABLE public.histogram_parallel AS
	SELECT i % 7 AS g, i * 0.37 AS ms, CASE WHEN i % 10 > 0 THEN histogram '{0:1}' + '{1.048576:1}' END AS h
	FROM generate_series(1, 20000) AS i;
ANALYZE public.histogram_parallel;
CREATE FUNCTION pg_temp.is_parallel(query text) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
	line text;
	partial boolean := false;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || query LOOP
		partial := partial OR line LIKE '%Partial%Aggregate%';
	END LOOP;
	RETURN partial;
END
$$;
\set query 'SELECT g, sum(h) AS s, histogram_agg(ms) AS a FROM public.histogram_parallel GROUP BY g'
CREATE TEMP TABLE serial AS :query;
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
SELECT pg_temp.is_parallel(:'query');
CREATE TEMP TABLE parallel AS :query;
RESET max_parallel_workers_per_gather;
RESET parallel_setup_cost;
RESET parallel_tuple_cost;
RESET min_parallel_table_scan_size;
SELECT count(*), bool_and(serial.s = parallel.s) AS sum, bool_and(serial.a = parallel.a) AS agg,
	sum(total(serial.s)) AS total_s, sum(total(serial.a)) AS total_a
FROM serial JOIN parallel USING (g);
DROP TABLE public.histogram_parallel;


-- what it says
SELECT h, total(h), quantile(h, 0) AS q0, round(quantile(h, 0.5)::numeric, 9) AS q50, quantile(h, 1) AS q1
FROM (VALUES (histogram '{}'), ('{0:1}'), ('{0.001024:1}'), ('{1.048576:1}'), ('{4398046.511104:2}'),
	('{0:1,4398046.511104:1}'), ('{0:1,1.048576:1,4398046.511104:1}'), (NULL)) AS v(h);
-- ranks are percentile_disc's, on either side of each step
SELECT q, trunc(quantile(histogram_agg(2.0 ^ i), q)::numeric, 1) AS ours, percentile_disc(q) WITHIN GROUP (ORDER BY 2.0 ^ i) AS exact
FROM generate_series(0, 3) AS i, unnest(ARRAY[0, 0.24, 0.25, 0.26, 0.5, 0.51, 0.75, 0.76, 1]) AS q GROUP BY q ORDER BY q;
-- the rank does not fall off the end where doubles are too coarse to count
SELECT quantile('{0:9223372036854775806,1.048576:1}', 1) AS q1, quantile('{0:9223372036854775806,1.048576:1}', 0.999999) AS below,
	quantile('{0:4611686018427387904,1.048576:1}', 1) AS rounded_down, quantile('{0:9223372036854775807}', 1) AS all_in_one;
SELECT quantile('{0:1}', -0.01);
SELECT quantile('{0:1}', 1.01);
SELECT quantile('{}', 'NaN');
SELECT quantiles(h, ARRAY[0, NULL, 1]) AS three, quantiles(h, '{}') AS none,
	quantiles(h, '[0:1][5:5]={{0},{1}}') AS shaped, quantiles('{}', ARRAY[0.5, 1]) AS empty
FROM (VALUES (histogram '{0:1,4398046.511104:1}')) AS v(h);
SELECT quantiles('{0:1}', ARRAY[0.5, 2]);

SELECT ms, share_below('{0:2,1.048576:4,4398046.511104:2}', ms)
FROM unnest(ARRAY['-Infinity', -1, 0, 0.000512, 0.001024, 1, 1.048576, 1.081344, 1.114112, 5000000, 'Infinity']::float8[]) AS ms;
SELECT share_below('{}', 1) AS empty, share_below('{0:1}', NULL) AS null;
SELECT share_below('{}', 'NaN');

SELECT * FROM buckets('{0:2,0.001024:3,1.048576:4,4398046.511104:2}');
SELECT count(*) AS empty FROM buckets('{}');
SELECT count(*) AS null FROM buckets(NULL);
-- the buckets tell all: the histogram can be made again from them
SELECT bool_and((SELECT histogram_agg(lower_ms) FROM buckets(h), generate_series(1, count)) = h) FROM stored WHERE id < 4;

SELECT '[' || sparkline(h) || ']' AS line
FROM (VALUES (histogram '{}'), ('{0:1}'), ('{1.048576:7}'), ('{4398046.511104:1}'), ('{0:1,4398046.511104:9}'),
	('{1.048576:8,2.097152:7,4.194304:6,8.388608:5,16.777216:4,33.554432:3,67.108864:2,134.217728:1}'),
	('{0.131072:1000000,0.262144:1,1073.741824:1}')) AS v(h);
SELECT width, '[' || sparkline(histogram_agg(1.5 ^ i), width) || ']' AS line
FROM generate_series(-30, 40) AS i, unnest(ARRAY[1, 2, 3, 10, 24, 1000, 2147483647]) AS width GROUP BY width ORDER BY width;
SELECT sparkline('{0:1}', 0);

-- NULL in, NULL out, nowhere a crash
SELECT total(NULL), quantile(NULL, 0.5), quantile('{}', NULL), quantiles(NULL, '{1}'), sparkline(NULL), NULL::histogram = '{}' AS eq;

-- everything is documented
SELECT c.classid::regclass, pg_describe_object(c.classid, c.objid, 0)
FROM pg_depend AS c
WHERE c.refclassid = 'pg_extension'::regclass
	AND c.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_diagnose')
	AND pg_describe_object(c.classid, c.objid, 0) LIKE '%histogram%'
	AND pg_describe_object(c.classid, c.objid, 0) NOT LIKE '%histogram[]'
	AND obj_description(c.objid, c.classid::regclass::text) IS NULL;

-- where the server's encoding has no blocks, a line is ASCII
CREATE DATABASE histogram_ascii ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C' TEMPLATE template0;
\set old :DBNAME
\c histogram_ascii
CREATE EXTENSION pg_diagnose CASCADE;
SELECT diagnose.sparkline('{1.048576:8,2.097152:7,4.194304:6,8.388608:5,16.777216:4,33.554432:3,67.108864:2,134.217728:1}');
\c :old
DROP DATABASE histogram_ascii;
