-- Comparisons for people.

-- 14 characters of psql's frame, 42 of verdicts and numbers, 64 of text.
CREATE OR REPLACE FUNCTION diagnose.compare_short(
	before							diagnose.window,
	after							diagnose.window,
	OUT verdict						text,
	OUT ms_per_s					numeric,
	OUT mean						text,
	OUT subject						text,
	OUT reason						text)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 50
BEGIN ATOMIC
	SELECT l.verdict, round(l.impact_ms_per_s::numeric, 1),
		CASE WHEN l.kind <> 'finding' THEN
			coalesce(diagnose.duration_text(l.mean_before), '-') || ' -> ' ||
			coalesce(diagnose.duration_text(l.mean_after), '-') END,
		diagnose.short_text(regexp_replace(l.subject, '\s+', ' ', 'g'), 26),
		diagnose.short_text(l.reason, 38)
	FROM diagnose.compare(before, after) WITH ORDINALITY AS l
	WHERE l.kind = 'overall'
		-- What comes and goes without a cost is of no interest.
		OR (l.verdict IN ('new', 'gone') AND abs(l.impact_ms_per_s) >= 0.05)
		OR l.verdict IN ('improved', 'regressed', 'plan changed')
		OR (l.kind = 'finding' AND l.verdict <> 'unchanged')
	ORDER BY l.ordinality
	LIMIT 50;
END;
COMMENT ON FUNCTION diagnose.compare_short(diagnose.window, diagnose.window) IS
'the whole, and the 50 things that changed most between two windows; compare() has everything, also what has not changed or cannot be told';

-- As long before a label as it is ago, but an hour at least.
CREATE OR REPLACE FUNCTION diagnose.around_label(
	OUT label						text,
	OUT before						diagnose.window,
	OUT after						diagnose.window)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1 COST 30000
BEGIN ATOMIC
	WITH usable AS MATERIALIZED (
		SELECT s.id, s.label, s.taken_at, s.since
		FROM diagnose.snapshots() AS s CROSS JOIN diagnose.own_status() AS o
		WHERE s.is_own AND s.problem IS NULL AND s.kind <> 'imported'
			AND s.epoch = o.epoch
	),
	latest AS (
		SELECT u.id, u.label, u.taken_at,
			u.taken_at - greatest(clock_timestamp() - u.taken_at, interval '1 hour') AS starts
		FROM usable AS u
		WHERE u.label IS NOT NULL
		ORDER BY u.id DESC LIMIT 1
	)
	SELECT l.label,
		-- without a snapshot that old, since the reset
		ROW((SELECT u.id FROM usable AS u WHERE u.taken_at <= l.starts
			 ORDER BY u.id DESC LIMIT 1), l.id)::diagnose.window,
		ROW(l.id, NULL)::diagnose.window
	FROM latest AS l;
END;
COMMENT ON FUNCTION diagnose.around_label() IS
'the latest label of a snapshot or mark, and the windows before and after it';

CREATE OR REPLACE VIEW diagnose.compared AS
SELECT s.verdict, s.ms_per_s, s.mean, s.subject, s.reason
FROM diagnose.around_label() AS l
	CROSS JOIN LATERAL diagnose.compare_short(l.before, l.after) AS s;
COMMENT ON VIEW diagnose.compared IS
'what changed most with the latest label, as with diagnose.mark(''release 42''): the time before it against the time since';
COMMENT ON COLUMN diagnose.compared.verdict IS 'improved, regressed, new, gone or plan changed; of the whole also unchanged or inconclusive';
COMMENT ON COLUMN diagnose.compared.ms_per_s IS 'database time added, or saved if negative, in milliseconds per second of wall time';
COMMENT ON COLUMN diagnose.compared.mean IS 'mean time before and after';
COMMENT ON COLUMN diagnose.compared.subject IS 'statement, transaction or finding; the first row is the whole';
COMMENT ON COLUMN diagnose.compared.reason IS 'why this verdict; diagnose.compare() has it in full, with all figures';
