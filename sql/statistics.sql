-- Statistics on times.  The expected numbers are those of scipy 1.10, and of the
-- formulas in src/statistics.c computed in another language.
SET extra_float_digits = 0;
SET search_path = diagnose, pg_catalog, pg_temp;
\pset null '(null)'

CREATE FUNCTION pg_temp.digits(r json) RETURNS text LANGUAGE sql AS $$
	SELECT string_agg(format('%s %s', key, CASE
			WHEN value IS NULL THEN '(null)'
			WHEN value::float8 BETWEEN 0.001 AND 1000000 THEN round(value::numeric, 5)::text
			ELSE regexp_replace(value::float4::text, '(\.\d{3})\d*', '\1') END), ', '
		ORDER BY array_position('{ratio,ratio_low,ratio_high,p_value,smallest_effect}', key))
	FROM json_each_text(r)
$$;


-- Welch: neighbours have nothing in common, so it is scipy's ttest_ind of the
-- logarithms: p = 0.0197546, 6.26109e-06 and 0.0016498
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,12,9,13,10,12,9,13}', '{12,14.5,11,15,12.5,14,11.5,15.5}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,12,9,13,10,12}', '{20,25,19,30,18,26,17,31,18}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,12,9,13}', '{20,25,19,30}') AS w;
-- the unit is no matter, and a change of sides turns the ratio over
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{0.010,0.012,0.009,0.013,0.010,0.012,0.009,0.013}',
	'{0.012,0.0145,0.011,0.015,0.0125,0.014,0.0115,0.0155}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{12,14.5,11,15,12.5,14,11.5,15.5}', '{10,12,9,13,10,12,9,13}') AS w;

-- neighbours that resemble each other tell less: ttest_ind says 7.4e-05 of this
-- slow wave, which tells nothing
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,11,12,13,13,12,11,10,10,9,9,10}', '{13,14,15,15,14,13,12,12,12,13,14,15}') AS w;
-- as they do if one says so
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,12,9,13,10,12,9,13}', '{12,14.5,11,15,12.5,14,11.5,15.5}', 0.7) AS w;

-- no change at all, and one that is beyond doubt
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,12,9,13,10,12,9,13}', '{10,12,9,13,10,12,9,13}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,12,9,13,10,12,9,13}', '{1e9,1.2e9,9e8,1.3e9,1e9,1.2e9,9e8,1.3e9}') AS w;

-- windows without executions do not count
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,12,9,13,NULL}', '{NULL,20,25,19,30}') AS w;

-- too little for anything but the ratio: three windows, one, none
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,10,10}', '{20,20,20,20,20}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10}', '{20}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{}', '{20,21,19,20}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{NULL,NULL}', '{20,21,19,20}') AS w;
-- no scatter, no idea of chance; on one side only is scatter enough
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,10,10,10}', '{20,20,20,20}') AS w;
SELECT w.ratio, w.p_value < 0.01 AS surely FROM welch('{10,10,10,10}', '{20,21,19,20}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch(NULL, '{20,21,19,20}') AS w;
-- numbers that have no logarithm
SELECT welch('{10,NaN}', '{1}');
SELECT welch('{1}', '{Infinity}');
SELECT welch('{0}', '{1}');
SELECT welch('{1}', '{-1}');
SELECT welch('{1}', '{1}', 1);
SELECT welch('{1}', '{1}', 'NaN');
-- any shape is a list, extremes are numbers
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{{10,12},{9,13}}', '[5:8]={20,25,19,30}') AS w;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{1e-300,1.1e-300,1e-300,1.1e-300}', '{1e300,1.1e300,1e300,1.1e300}') AS w;
SELECT w.ratio, w.p_value > 0.01 AS unsure FROM (SELECT array_agg(1 + i % 7) AS a FROM generate_series(1, 20000) AS i) AS s, welch(a, a) AS w;


-- paired: scipy's ttest_rel says 9.68593e-07 and 8.39909e-06; the load in the
-- second, which is the same for both, cancels out, where welch() sees nothing
SELECT pg_temp.digits(row_to_json(p)) FROM paired('{10,12,9,13,10,12,9,13}', '{12,14.5,11,15,12.5,14,11.5,15.5}') AS p;
SELECT pg_temp.digits(row_to_json(p)) FROM paired('{10,20,35,60,55,30,15,11}', '{11.2,21.5,40,66,61,34,16,12.5}') AS p;
SELECT pg_temp.digits(row_to_json(w)) FROM welch('{10,20,35,60,55,30,15,11}', '{11.2,21.5,40,66,61,34,16,12.5}') AS w;
SELECT pg_temp.digits(row_to_json(p)) FROM paired('{10,20,NULL,60,55,30,15,11}', '{11.2,21.5,40,66,61,34,16,NULL}') AS p;
SELECT pg_temp.digits(row_to_json(p)) FROM paired('{10,20,30,NULL}', '{11,23,31,NULL}') AS p;
SELECT pg_temp.digits(row_to_json(p)) FROM paired('{10,20,30,40}', '{11,22,33,44}') AS p;
SELECT pg_temp.digits(row_to_json(p)) FROM paired('{}', '{}') AS p;
SELECT paired('{10,20}', '{10}');
SELECT paired('{10,20}', '{10,0}');


-- shift: twice as long is 2, whatever the shape; 3 % is a bucket's width
CREATE TEMP TABLE shape AS SELECT name, histogram_agg(ms) AS h, histogram_agg(2 * ms) AS twice, histogram_agg(1.2 * ms) AS more
FROM (SELECT 'even' AS name, 1 + i / 1000.0 AS ms FROM generate_series(0, 5000) AS i
	UNION ALL
	SELECT 'one', 3 FROM generate_series(1, 100)
	UNION ALL
	SELECT 'two kinds', CASE WHEN i % 3 = 0 THEN 20 ELSE 0.3 END + i / 10000.0 FROM generate_series(1, 1000) AS i
	UNION ALL
	SELECT 'long tail', 5.0 / (1 - i / 1000.0) FROM generate_series(0, 999) AS i) AS s
GROUP BY name;
SELECT name, round(shift(h, h)::numeric, 3) AS none, abs(shift(h, twice) - 2) < 0.03 AS twice,
	abs(shift(twice, h) - 0.5) < 0.01 AS half, abs(shift(h, more) - 1.2) < 0.04 AS more
FROM shape ORDER BY name COLLATE "C";
-- the median over all pairs, computed pair by pair, and how many of them are longer
WITH taken AS (
	SELECT side, i, CASE side WHEN 'before' THEN 1 + (i * 7919 % 997) / 100.0 ELSE 3 + (i * 104729 % 499) ^ 2 / 5000.0 END AS ms
	FROM unnest('{before,after}'::text[]) AS side, generate_series(1, 400) AS i),
pairs AS (
	SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY a.ms / b.ms) AS shift, avg((a.ms > b.ms)::int) AS superiority
	FROM taken AS a, taken AS b WHERE a.side = 'after' AND b.side = 'before'),
sides AS (
	SELECT histogram_agg(ms) FILTER (WHERE side = 'before') AS before, histogram_agg(ms) FILTER (WHERE side = 'after') AS after FROM taken)
SELECT round(pairs.shift::numeric, 2) AS of_pairs, abs(shift(before, after) / pairs.shift - 1) < 0.02 AS shift,
	round(pairs.superiority, 3) AS of_pairs, abs(superiority(before, after) - pairs.superiority) < 0.005 AS superiority
FROM pairs, sides;
SELECT round(superiority(h, h)::numeric, 6) AS none, superiority(h, twice) > 0.5 AS longer,
	round((superiority(h, twice) + superiority(twice, h))::numeric, 6) AS both
FROM shape ORDER BY name COLLATE "C";
-- one of two is longer than all; and nothing but ties
SELECT superiority('{1.048576:2,4.194304:2}', '{0.524288:1,8.388608:1}'), superiority('{1.048576:3}', '{1.048576:5}');
-- nothing, the ends, and the largest number of observations
SELECT shift('{}', '{1.048576:2}'), shift('{1.048576:2}', '{}'), superiority('{}', '{}'), shift(NULL, '{}'), superiority(NULL, '{}');
SELECT round(shift('{0:1}', '{0:1}')::numeric, 3) AS under, round(shift('{4398046.511104:1}', '{4398046.511104:1}')::numeric, 3) AS over,
	shift('{0:1}', '{4398046.511104:1}') > 4e9 AS farthest, shift('{4398046.511104:1}', '{0:1}') < 3e-10 AS back;
SELECT round(shift('{1.048576:9223372036854775807}', '{2.097152:9223372036854775807}')::numeric, 3) AS shift,
	superiority('{1.048576:9223372036854775807}', '{2.097152:9223372036854775807}');


-- adjusted for how many there are
SELECT array_agg(round(p::numeric, 6) ORDER BY n) FROM unnest(adjusted_p('{0.01,0.04,0.03,0.005,0.5,0.2,1,0.001}')) WITH ORDINALITY AS u (p, n);
SELECT adjusted_p('{0.01,NULL,0.04}'), adjusted_p('{NULL}'), adjusted_p('{}'), adjusted_p(NULL), adjusted_p('{0.3}');
SELECT adjusted_p('{{0.01,0.02},{0.5,NULL}}'), adjusted_p('{0,0,1}');
SELECT adjusted_p('{0.1,1.5}');
SELECT adjusted_p('{NaN}');
-- never less than it was, and in the same order
SELECT bool_and(q >= p), bool_and(q >= lag) FROM (
	SELECT p, q, lag(q, 1, 0) OVER (ORDER BY p) AS lag
	FROM (SELECT array_agg((i * 7919 % 10007) / 10007.0) AS ps FROM generate_series(1, 10000) AS i) AS s,
		unnest(ps::float8[], adjusted_p(ps::float8[])) AS u (p, q)) AS v;
