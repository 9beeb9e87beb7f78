--
-- Verdicts of diagnose.compare() on time.  What is measured here differs from
-- run to run, so what the statistics say of it is put into their mouth, in a
-- transaction that is rolled back.
--
SELECT format('CREATE TABLE ct_%s AS SELECT i AS id FROM generate_series(1, 100) AS i', what)
FROM unnest('{slower,faster,bit_slower,same,vague,by_chance,tail,load,short,few,a,b,c,d,e}'::text[]) AS what \gexec
CREATE FUNCTION ct_work(times int) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	what							regclass;
BEGIN
	FOR what IN SELECT oid FROM pg_class WHERE relname ~ '^ct_' AND relname <> 'ct_few' LOOP
		FOR i IN 1 .. times LOOP
			EXECUTE format('SELECT count(*) FROM %s', what);
		END LOOP;
	END LOOP;
	FOR i IN 1 .. 5 LOOP
		PERFORM count(*) FROM ct_few;
	END LOOP;
END $$;

BEGIN;
CREATE OR REPLACE FUNCTION diagnose.time_changes(
	before diagnose.window, after diagnose.window, max_windows integer DEFAULT 32,
	OUT kind text, OUT userid oid, OUT dbid oid, OUT toplevel boolean,
	OUT queryid bigint, OUT fingerprint bigint, OUT shape bigint, OUT tag bigint,
	OUT windows_before integer, OUT windows_after integer,
	OUT ratio double precision, OUT ratio_low double precision, OUT ratio_high double precision,
	OUT p_value double precision, OUT smallest_effect double precision,
	OUT is_adjusted boolean, OUT controls integer, OUT load_ratio double precision,
	OUT p95_ratio double precision, OUT p95_low double precision, OUT p95_high double precision,
	OUT p99_ratio double precision, OUT p99_low double precision, OUT p99_high double precision)
RETURNS SETOF record LANGUAGE sql VOLATILE ROWS 5000 AS $$
	SELECT 'statement', s.userid, s.dbid, s.toplevel, s.queryid, s.fingerprint, NULL::bigint, NULL::bigint,
		v.windows, 16, v.ratio, v.low, v.high, v.p, 1.25::float8, v.adjusted, 12, 1.5::float8,
		1::float8, 0.9::float8, 1.1::float8, v.p99, v.p99 * 0.9, v.p99 * 1.1
	FROM diagnose.statements(after) AS s
		JOIN (VALUES
			('slower', 16, 1.5, 1.4, 1.6, 0.0001, true, 1),
			('faster', 16, 0.5, 0.4, 0.6, 0.0001, true, 1),
			('bit_slower', 16, 1.05, 1.02, 1.08, 0.0001, true, 1),
			('same', 16, 1.01, 0.95, 1.06, 0.6, true, 1),
			('vague', 16, 1.15, 0.8, 1.6, 0.4, true, 1),
			('by_chance', 16, 1.2, 1.01, 1.4, 0.045, true, 1),
			('tail', 16, 1.0, 0.95, 1.05, 0.9, true, 3),
			('load', 16, 1.5, 1.4, 1.6, 0.0001, false, 1),
			('short', 3, 1.5, 1.4, 1.6, 0.0001, true, 1),
			('few', 16, 1.5, 1.4, 1.6, 0.0001, true, 1),
			('a', 16, 1.0, 0.95, 1.05, 0.9, true, 1),
			('b', 16, 1.0, 0.95, 1.05, 0.9, true, 1),
			('c', 16, 1.0, 0.95, 1.05, 0.9, true, 1),
			('d', 16, 1.0, 0.95, 1.05, 0.9, true, 1),
			('e', 16, 1.0, 0.95, 1.05, 0.9, true, 1))
			AS v (what, windows, ratio, low, high, p, adjusted, p99)
			ON s.query ~ ('ct_' || v.what || '$');
$$;
SELECT diagnose.take_snapshot('ct before') > 0 AS taken;
SELECT ct_work(1100);
SELECT diagnose.take_snapshot('ct between') > 0 AS taken;
SELECT ct_work(1100);
SELECT diagnose.take_snapshot('ct after') > 0 AS taken;

SELECT substring(subject FROM 'ct_\w+$') AS statement, verdict, sign(impact_ms_per_s) AS impact,
	ratio, ratio_low AS low, ratio_high AS high, smallest_effect AS smallest, windows_before AS wb, windows_after AS wa,
	controls, evidence_grade AS grade, reason
FROM diagnose.compare(diagnose.window('ct before', 'ct between'), diagnose.window('ct between', 'ct after'), false)
WHERE kind = 'query' AND subject ~ 'ct_[a-z_]+$'
	AND subject !~ 'ct_(load|short|few)$' ORDER BY subject COLLATE "C";
-- adjusted for how many there are, 1 of 20 is no news
SELECT substring(subject FROM 'ct_\w+$') AS statement, round((evidence -> 'time' ->> 'adjusted_p')::numeric, 4) AS p
FROM diagnose.compare(diagnose.window('ct before', 'ct between'), diagnose.window('ct between', 'ct after'), false)
WHERE kind = 'query' AND subject ~ 'ct_(slower|by_chance)$' ORDER BY subject COLLATE "C";
-- what is missing
SELECT substring(subject FROM 'ct_\w+$') AS statement, verdict, ratio, controls, reason
FROM diagnose.compare(diagnose.window('ct before', 'ct between'), diagnose.window('ct between', 'ct after'), false)
WHERE kind = 'query' AND subject ~ 'ct_(load|short|few)$' ORDER BY subject COLLATE "C";

ROLLBACK;

SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots() WHERE label ~ '^ct ';
DROP FUNCTION ct_work;
SELECT format('DROP TABLE %s', oid::regclass) FROM pg_class WHERE relname ~ '^ct_' AND relkind = 'r' \gexec
