-- Where an index is missing that helps the statement, that is for missing_index
-- to say: what remains to be said is found when the index is there.
CREATE OR REPLACE FUNCTION diagnose.rule_needs_rewrite(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 200000
BEGIN ATOMIC
	WITH advice AS MATERIALIZED (
		SELECT r.* FROM diagnose.rewrite_advice(w) AS r
	),
	worst AS (
		SELECT DISTINCT ON (r.identity) r.*,
			-- as statements are shown; what is cast to its own type says nothing
			regexp_replace(coalesce(diagnose.mask(r.condition), r.condition),
				'([?]|[$][0-9]+)::(timestamp with(out)? time zone|[a-z_]+)', '\1', 'g') AS masked,
			count(*) OVER (PARTITION BY r.identity) AS conditions
		FROM advice AS r
		WHERE r.obstacle = 'offset' OR NOT EXISTS (
			SELECT FROM diagnose.advise_indexes(NULL::bigint, NULL::integer, w) AS a
			WHERE a.relid = r.relid AND r.queryid = ANY (a.queryids))
		ORDER BY r.identity, r.rows_discarded DESC, r.condition
	)
	SELECT 'needs_rewrite', 'performance', diagnose.severity_of(x.ms_per_s),
		'needs_rewrite:' || x.identity, x.subject,
		x.ms_per_s, NULL::float8, 'sampled', x.executions,
		CASE
			WHEN x.obstacle = 'offset' THEN format('skips %s per call',
				diagnose.count_text(round(x.rows_discarded)::bigint, 'row'))
			WHEN x.obstacle = 'NOT IN' THEN 'runs through NOT IN (SELECT ...) for each row'
			ELSE format('no index can serve %s', diagnose.short_text(x.masked, 60))
		END,
		x.evidence || jsonb_strip_nulls(jsonb_build_object('relation', x.relation,
			'obstacle', x.obstacle, 'condition', x.condition, 'rewritten', x.rewritten,
			'rows_discarded_per_call', round(x.rows_discarded::numeric),
			'rows_per_call', round(x.rows_out::numeric), 'instrumented_executions', x.executions,
			'further_conditions', nullif(x.conditions - 1, 0))),
		x.advice,
		NULL::text, NULL::text,
		'SELECT calls, diagnose.quantile(histogram, 0.5) AS p50' || x.verify_from,
		NULL::text
	FROM worst AS x;
END;
COMMENT ON FUNCTION diagnose.rule_needs_rewrite(diagnose.window) IS
'a statement with a condition that no index can serve as it is written';
