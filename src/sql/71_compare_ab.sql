-- Two applications at the same time: a new release on one server of many, say,
-- against the old one.  Load, time of day and cache are the same for both, so
-- that no control group is needed.  Statements are not known by application,
-- but transactions and the statements in them are.

-- At most so many stretches, of one snapshot or several each, as evenly as the
-- snapshots lie.
CREATE OR REPLACE FUNCTION diagnose.stretches(
	w								diagnose.window,
	most							integer DEFAULT 32,
	OUT number						integer,
	OUT stretch						diagnose.window)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 32 COST 30000
BEGIN ATOMIC
	WITH taken AS MATERIALIZED (
		SELECT s.* FROM diagnose.snapshots() AS s
		WHERE s.problem IS NULL AND s.kind <> 'imported'
	),
	here AS (
		SELECT coalesce(e.node, o.node) AS node, coalesce(e.epoch, o.epoch) AS epoch
		FROM (SELECT (SELECT max(t.node) FROM taken AS t WHERE t.is_own) AS node, s.epoch
			  FROM diagnose.own_status() AS s) AS o
			LEFT JOIN taken AS e ON e.id = coalesce((w).upper, (w).lower)
	),
	ends AS (
		SELECT t.id FROM taken AS t CROSS JOIN here AS h
		WHERE t.node = h.node AND t.epoch = h.epoch
			AND t.id >= coalesce((w).lower, 0)
			AND t.id <= coalesce((w).upper, 9223372036854775807)
		UNION ALL
		SELECT NULL WHERE (w).upper IS NULL
	),
	numbered AS (
		SELECT e.id, row_number() OVER (ORDER BY e.id NULLS LAST) -
				CASE WHEN (w).lower IS NULL THEN 0 ELSE 1 END AS place,
			count(*) OVER () - CASE WHEN (w).lower IS NULL THEN 0 ELSE 1 END AS places
		FROM ends AS e
	),
	chosen AS (
		-- the last snapshot of each stretch; place 0 is the lower end itself
		SELECT max(n.place) AS place,
			CASE WHEN n.place = 0 THEN 0
				ELSE ((n.place - 1) * least(most, n.places) / n.places + 1)::integer
			END AS number
		FROM numbered AS n GROUP BY 2
	),
	bounds AS (
		SELECT c.number, n.id, c.place,
			lag(n.id) OVER (ORDER BY c.number) AS previous
		FROM chosen AS c JOIN numbered AS n ON n.place = c.place
	)
	SELECT b.number, ROW(b.previous, b.id)::diagnose.window
	FROM bounds AS b
	WHERE b.number > 0;
END;
COMMENT ON FUNCTION diagnose.stretches(diagnose.window, integer) IS
'a window cut at its snapshots into so many stretches at most, in order';

CREATE OR REPLACE FUNCTION diagnose.side_applications(
	w								diagnose.window,
	applications					text[],
	OUT application					text,
	OUT kind						text,
	OUT key							text,
	OUT tag							text,
	OUT unit						text,
	OUT dbid						oid,
	OUT shape						bigint,
	OUT fingerprint					bigint,
	OUT calls						bigint,
	OUT attempts					bigint,
	OUT failed						bigint,
	OUT exec_time					double precision,
	OUT duration					double precision,
	OUT histogram					diagnose.histogram,
	OUT statements					bigint,
	OUT statements_variance			double precision,
	OUT rows						bigint,
	OUT positions					bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 500 COST 20000
BEGIN ATOMIC
	WITH summed AS MATERIALIZED (
		SELECT x.application, x.kind, x.dbid, x.shape,
			diagnose.tag_text(x.route, x.controller, x.action, '') AS tag,
			sum(x.calls)::bigint AS calls,
			sum(x.commits + x.rollbacks + x.prepared + x.aborts + x.abandoned)::bigint AS attempts,
			sum(x.aborts + x.abandoned)::bigint AS failed,
			sum(x.exec_time) AS exec_time, sum(x.duration) AS duration,
			diagnose.sum(x.duration_histogram) AS histogram,
			sum(x.statements)::bigint AS statements, sum(x.rows)::bigint AS rows,
			max(x.positions) AS positions,
			CASE WHEN bool_and(x.max_statements IS NOT NULL) THEN max(x.max_statements) END
				AS max_statements,
			sum(x.statements)::float8 / nullif(sum(x.calls), 0)::float8 AS mean
		FROM diagnose.transactions(w) AS x
		WHERE x.shape IS NOT NULL AND x.application = ANY (applications)
		GROUP BY 1, 2, 3, 4, 5
		HAVING sum(x.calls) > 0
	),
	shaped AS MATERIALIZED (
		SELECT s.*, d.datname AS database,
			-- as in side_transactions()
			CASE
				WHEN s.mean <= s.positions THEN 0
				WHEN s.max_statements IS NULL THEN s.mean * s.mean
				ELSE greatest(s.max_statements - s.mean, 0) * (s.mean - s.positions)
			END AS variance
		FROM summed AS s LEFT JOIN pg_database AS d ON d.oid = s.dbid
	)
	SELECT s.application, 'transaction',
		concat_ws(':', 'transaction:shape', s.database, s.tag, s.shape), s.tag,
		s.kind, s.dbid, s.shape, NULL::bigint, s.calls, s.attempts, s.failed,
		s.exec_time, s.duration, s.histogram, s.statements, s.variance, s.rows, s.positions
	FROM shaped AS s
	UNION ALL
	SELECT s.application, 'transaction',
		concat_ws(':', 'transaction:tag', s.database, s.tag, s.kind), s.tag,
		s.kind, s.dbid, NULL::bigint, NULL::bigint, sum(s.calls)::bigint,
		sum(s.attempts)::bigint, sum(s.failed)::bigint,
		sum(s.exec_time), sum(s.duration), diagnose.sum(s.histogram), sum(s.statements)::bigint,
		greatest(0, sum(s.calls * (s.variance + s.mean * s.mean)) / sum(s.calls)::float8 -
			(sum(s.statements) / sum(s.calls)::float8) ^ 2),
		sum(s.rows)::bigint, NULL::bigint
	FROM shaped AS s
	GROUP BY s.application, s.kind, s.dbid, s.database, s.tag
	UNION ALL
	SELECT p.application, 'query', concat_ws(':', 'query', d.datname, p.fingerprint),
		NULL::text, 'call', p.dbid, NULL::bigint, p.fingerprint,
		sum(p.calls)::bigint, sum(p.calls)::bigint, sum(p.failures)::bigint,
		sum(p.exec_time), sum(p.exec_time), NULL::diagnose.histogram,
		NULL::bigint, NULL::float8, sum(p.rows)::bigint, NULL::bigint
	FROM diagnose.transaction_steps(w) AS p LEFT JOIN pg_database AS d ON d.oid = p.dbid
	WHERE p.shape IS NOT NULL AND p.fingerprint IS NOT NULL
		AND p.application = ANY (applications)
	GROUP BY p.application, p.dbid, d.datname, p.fingerprint
	HAVING sum(p.calls) > 0;
END;
COMMENT ON FUNCTION diagnose.side_applications(diagnose.window, text[]) IS
'transactions, and the statements in them, by application and shape in the form in which applications are compared';

CREATE OR REPLACE FUNCTION diagnose.application_changes(
	app_a							text,
	app_b							text,
	w								diagnose.window)
RETURNS SETOF diagnose.comparison
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 500 COST 300000
BEGIN ATOMIC
	WITH limits AS MATERIALIZED (
		SELECT current_setting('pg_diagnose.compare_max_p')::float8 AS max_p,
			current_setting('pg_diagnose.compare_min_burst_change')::float8 AS min_burst_change,
			current_setting('pg_diagnose.compare_min_calls')::float8 AS min_calls,
			current_setting('pg_diagnose.compare_min_failed_share')::float8 AS min_failed_share,
			current_setting('pg_diagnose.compare_min_failures')::float8 AS min_failures,
			current_setting('pg_diagnose.compare_min_impact')::float8 AS min_impact,
			current_setting('pg_diagnose.compare_min_impact_share')::float8 AS min_impact_share,
			current_setting('pg_diagnose.compare_min_plan_calls')::float8 AS min_plan_calls,
			current_setting('pg_diagnose.compare_min_time_change')::float8 AS min_time_change,
			current_setting('pg_diagnose.compare_min_windows')::float8 AS min_windows,
			current_setting('pg_diagnose.compare_min_work_change')::float8 AS min_work_change,
			diagnose.seconds(w) AS seconds
	),
	sides AS MATERIALIZED (
		SELECT s.* FROM diagnose.side_applications(w, ARRAY[app_a, app_b]) AS s
	),
	texts AS MATERIALIZED (
		SELECT DISTINCT ON (s.dbid, s.fingerprint) s.dbid, s.fingerprint, s.query
		FROM diagnose.statements(w) AS s
		WHERE s.query IS NOT NULL AND s.fingerprint IS NOT NULL
		ORDER BY s.dbid, s.fingerprint, s.toplevel DESC, s.queryid
	),
	shapes AS (
		SELECT p.dbid, p.shape,
			min(t.query) FILTER (WHERE p.position = 1) AS first_statement,
			bool_and(diagnose.is_own(t.query)) AS is_own
		FROM diagnose.transaction_steps(w) AS p
			LEFT JOIN texts AS t ON t.dbid = p.dbid AND t.fingerprint = p.fingerprint
		WHERE p.shape IS NOT NULL AND p.fingerprint IS NOT NULL
			AND p.application IN (app_a, app_b)
		GROUP BY p.dbid, p.shape
	),
	paired AS (
		SELECT key, coalesce(a.kind, b.kind) AS kind, coalesce(a.unit, b.unit) AS unit,
			coalesce(a.tag, b.tag) AS tag,
			coalesce(a.dbid, b.dbid) AS dbid, coalesce(a.shape, b.shape) AS shape,
			coalesce(a.fingerprint, b.fingerprint) AS fingerprint,
			coalesce(a.positions, b.positions) AS positions,
			coalesce(a.calls, 0) AS n_a, coalesce(b.calls, 0) AS n_b,
			coalesce(a.failed, 0) AS failed_a, coalesce(b.failed, 0) AS failed_b,
			coalesce(a.attempts, 0) AS attempts_a, coalesce(b.attempts, 0) AS attempts_b,
			a.exec_time / a.calls AS time_a, b.exec_time / b.calls AS time_b,
			a.duration / a.calls AS mean_a, b.duration / b.calls AS mean_b,
			diagnose.quantiles(a.histogram, '{0.5,0.95,0.99}') AS quantiles_a,
			diagnose.quantiles(b.histogram, '{0.5,0.95,0.99}') AS quantiles_b,
			a.statements::float8 / a.calls AS statements_a,
			b.statements::float8 / b.calls AS statements_b,
			a.statements_variance AS variance_a, b.statements_variance AS variance_b,
			a.rows::float8 / a.calls AS rows_a, b.rows::float8 / b.calls AS rows_b
		FROM (SELECT * FROM sides WHERE application = app_a) AS a
			FULL JOIN (SELECT * FROM sides WHERE application = app_b) AS b USING (key)
	),
	-- Both in the same stretch of time: what slowed down one, slowed down the other.
	seen AS MATERIALIZED (
		SELECT t.number, s.key, s.exec_time / s.calls AS a, NULL::float8 AS b
		FROM diagnose.stretches(w) AS t
			CROSS JOIN LATERAL diagnose.side_applications(t.stretch, ARRAY[app_a]) AS s
		UNION ALL
		SELECT t.number, s.key, NULL, s.exec_time / s.calls
		FROM diagnose.stretches(w) AS t
			CROSS JOIN LATERAL diagnose.side_applications(t.stretch, ARRAY[app_b]) AS s
	),
	series AS (
		SELECT v.key, count(v.a)::integer AS windows_a, count(v.b)::integer AS windows_b,
			count(*) FILTER (WHERE v.a > 0 AND v.b > 0) AS both,
			array_agg(v.a ORDER BY v.number) FILTER (WHERE v.a > 0 AND v.b > 0) AS list_a,
			array_agg(v.b ORDER BY v.number) FILTER (WHERE v.a > 0 AND v.b > 0) AS list_b
		FROM (SELECT number, key, max(a) AS a, max(b) AS b FROM seen GROUP BY number, key) AS v
		GROUP BY v.key
	),
	timed AS MATERIALIZED (
		SELECT p.*, l.*, z.windows_a, z.windows_b, z.both,
			r.ratio, r.ratio_low, r.ratio_high, r.smallest_effect,
			p.n_a >= l.min_calls AND p.n_b >= l.min_calls AS many,
			CASE p.unit WHEN 'burst' THEN l.min_burst_change ELSE l.min_work_change END AS min_change,
			CASE p.unit WHEN 'call' THEN 'execution' ELSE p.unit END AS noun,
			CASE WHEN p.n_a >= l.min_calls AND p.n_b >= l.min_calls AND z.both >= l.min_windows
				THEN r.p_value END AS p_value,
			sum(p.time_b * p.n_b) FILTER (WHERE p.shape IS NOT NULL) OVER () / l.seconds AS load
		FROM paired AS p CROSS JOIN limits AS l
			LEFT JOIN series AS z USING (key)
			LEFT JOIN LATERAL diagnose.paired(z.list_a, z.list_b) AS r ON z.both > 0
	),
	tested AS (
		SELECT u.key, u.p
		FROM (SELECT array_agg(key ORDER BY key) AS keys,
				diagnose.adjusted_p(array_agg(p_value ORDER BY key)) AS ps
			  FROM timed WHERE p_value IS NOT NULL GROUP BY kind) AS f
			CROSS JOIN LATERAL unnest(f.keys, f.ps) AS u (key, p)
	),
	judged AS (
		SELECT t.*, x.p AS adjusted_p,
			t.n_b * (t.time_b - t.time_a) / t.seconds AS extra,
			diagnose.moved(t.statements_a, t.statements_b,
				CASE WHEN t.many THEN sqrt(t.variance_a / nullif(t.statements_a, 0) ^ 2 / t.n_a +
					t.variance_b / nullif(t.statements_b, 0) ^ 2 / t.n_b) END,
				t.variance_a = 0 AND t.variance_b = 0 AND t.n_a >= t.min_plan_calls
					AND t.n_b >= t.min_plan_calls,
				t.min_change, 1) AS statements_moved,
			diagnose.moved(t.rows_a, t.rows_b,
				CASE WHEN t.many AND t.unit <> 'call' THEN
					sqrt(diagnose.relative_variance(t.quantiles_a) / t.n_a +
						diagnose.relative_variance(t.quantiles_b) / t.n_b) END,
				false, t.min_change, 1) AS rows_moved,
			t.failed_b >= t.min_failures AND f1.low > f0.high
				AND t.failed_b::float8 / nullif(t.attempts_b, 0) -
					t.failed_a::float8 / nullif(t.attempts_a, 0) >= t.min_failed_share AS fails_more,
			t.failed_a >= t.min_failures AND f1.high < f0.low
				AND t.failed_a::float8 / nullif(t.attempts_a, 0) -
					t.failed_b::float8 / nullif(t.attempts_b, 0) >= t.min_failed_share AS fails_less,
			ARRAY[f0.low, f0.high] AS failed_share_a, ARRAY[f1.low, f1.high] AS failed_share_b,
			coalesce(x.p < t.max_p, false) AS significant,
			t.p_value IS NOT NULL AND t.ratio_low > 1 - t.min_time_change
				AND t.ratio_high < 1 + t.min_time_change AS time_stayed
		FROM timed AS t
			LEFT JOIN tested AS x ON x.key = t.key
			LEFT JOIN LATERAL diagnose.share_interval(t.failed_a, t.attempts_a) AS f0 ON true
			LEFT JOIN LATERAL diagnose.share_interval(t.failed_b, t.attempts_b) AS f1 ON true
		OFFSET 0
	),
	verdicts AS (
		SELECT j.*,
			CASE
				WHEN j.n_a = 0 THEN 'new'
				WHEN j.n_b = 0 THEN 'gone'
				WHEN j.fails_more THEN 'regressed'
				WHEN j.significant AND abs(j.ratio - 1) >= j.min_time_change
					AND (abs(j.extra) >= j.min_impact OR abs(j.extra) >= j.min_impact_share * j.load)
					THEN CASE WHEN j.ratio > 1 THEN 'regressed' ELSE 'improved' END
				WHEN j.statements_moved > 0 THEN 'regressed'
				WHEN j.statements_moved < 0 THEN 'improved'
				WHEN j.rows_moved > 0 THEN 'regressed'
				WHEN j.rows_moved < 0 OR j.fails_less THEN 'improved'
				WHEN j.time_stayed THEN 'unchanged'
				ELSE 'inconclusive'
			END AS verdict
		FROM judged AS j
		OFFSET 0
	)
	SELECT ROW(v.kind, v.verdict, v.key,
			CASE v.kind
				WHEN 'query' THEN diagnose.short_text(coalesce(t.query, '<text not kept>'), 300)
				ELSE CASE
						WHEN v.shape IS NOT NULL AND v.tag <> '' THEN v.tag || ': '
						WHEN v.shape IS NOT NULL THEN ''
						WHEN v.tag <> '' THEN format('all %ss of %s', v.unit, v.tag)
						ELSE format('all %ss without a route', v.unit)
					END ||
					CASE WHEN v.shape IS NULL THEN ''
						ELSE diagnose.shape_text(s.first_statement, v.positions, 200) END
			END,
			CASE
				WHEN v.n_a = 0 THEN v.n_b * v.time_b / v.seconds
				WHEN v.n_b = 0 THEN NULL
				ELSE v.extra
			END,
			CASE v.verdict
				WHEN 'new' THEN format('%s, none of %s', diagnose.count_text(v.n_b, v.noun), app_a)
				WHEN 'gone' THEN format('none, %s of %s', diagnose.count_text(v.n_a, v.noun), app_a)
				ELSE concat_ws('; ',
					CASE WHEN v.fails_more OR v.fails_less
						THEN format('fails in %s of %ss instead of %s',
							diagnose.share_text(v.failed_b::float8 / nullif(v.attempts_b, 0)), v.noun,
							diagnose.share_text(v.failed_a::float8 / nullif(v.attempts_a, 0))) END,
					diagnose.moved_text(v.statements_moved, v.statements_a, v.statements_b,
						'statements per ' || v.unit),
					diagnose.moved_text(v.rows_moved, v.rows_a, v.rows_b, 'rows per ' || v.unit),
					CASE WHEN v.significant OR v.time_stayed
						THEN format('takes %s times as long (%s to %s)',
							diagnose.times_text(v.ratio), diagnose.times_text(v.ratio_low),
							diagnose.times_text(v.ratio_high)) END,
					CASE
						WHEN v.verdict = 'inconclusive' AND v.significant THEN 'too little to matter'
						WHEN v.verdict = 'inconclusive' THEN diagnose.missing_text(
						ARRAY[v.n_a, v.n_b], v.unit, v.min_calls,
						ARRAY[v.both, v.both]::integer[], v.min_windows, true, v.smallest_effect)
						WHEN NOT v.many AND v.verdict <> 'unchanged'
							THEN format('%s of %s, %s of %s', diagnose.count_text(v.n_a, v.noun),
								app_a, v.n_b, app_b)
					END)
			END,
			v.n_a, v.n_b, v.mean_a, v.mean_b, v.quantiles_a[1], v.quantiles_b[1],
			v.quantiles_a[2], v.quantiles_b[2], v.quantiles_a[3], v.quantiles_b[3],
			v.ratio, v.ratio_low, v.ratio_high, v.smallest_effect, v.windows_a, v.windows_b, NULL,
			CASE WHEN v.significant OR v.verdict IN ('unchanged', 'inconclusive')
				THEN 'inferred' ELSE 'exact' END,
			jsonb_strip_nulls(jsonb_build_object(
				'unit', v.unit, 'applications', ARRAY[app_a, app_b],
				CASE v.kind WHEN 'query' THEN 'fingerprint' ELSE 'shape' END,
				coalesce(v.fingerprint, v.shape)::text,
				'statements', CASE WHEN v.unit <> 'call' THEN ARRAY[v.statements_a, v.statements_b] END,
				'rows', ARRAY[v.rows_a, v.rows_b], 'db_time', ARRAY[v.time_a, v.time_b],
				'failed', CASE WHEN v.failed_a + v.failed_b > 0 THEN jsonb_build_object(
					'before', v.failed_a, 'after', v.failed_b,
					'share_before', v.failed_share_a, 'share_after', v.failed_share_b) END,
				'pairs', v.both, 'adjusted_p', v.adjusted_p))
		)::diagnose.comparison
	FROM verdicts AS v
		LEFT JOIN texts AS t ON t.dbid = v.dbid AND t.fingerprint = v.fingerprint
		LEFT JOIN shapes AS s ON s.dbid = v.dbid AND s.shape = v.shape
	WHERE NOT coalesce(s.is_own, false) AND NOT diagnose.is_own(t.query);
END;
COMMENT ON FUNCTION diagnose.application_changes(text, text, diagnose.window) IS
'transactions of two applications, and the statements in them, side by side and judged; before is app_a, after is app_b';

CREATE OR REPLACE FUNCTION diagnose.compare_ab(
	app_a							text,
	app_b							text,
	w								diagnose.window DEFAULT diagnose.since_reset())
RETURNS SETOF diagnose.comparison
LANGUAGE plpgsql STABLE ROWS 500 COST 500000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF app_a IS NULL OR app_b IS NULL OR w IS NOT DISTINCT FROM NULL THEN
		RAISE EXCEPTION '% must not be null',
			CASE WHEN app_a IS NULL THEN 'app_a' WHEN app_b IS NULL THEN 'app_b' ELSE 'w' END
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF app_a = app_b THEN
		RAISE EXCEPTION 'application "%" cannot be compared with itself', app_a
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Give the old release and the new one different names in application_name.';
	END IF;
	PERFORM diagnose.seconds(w);

	RETURN QUERY
	WITH changed AS MATERIALIZED (
		SELECT c.* FROM diagnose.application_changes(app_a, app_b, w) AS c
	),
	sums AS (
		SELECT count(*) FILTER (WHERE c.verdict = 'regressed') AS slower,
			count(*) FILTER (WHERE c.verdict = 'improved') AS faster,
			count(*) FILTER (WHERE c.verdict = 'unchanged') AS same,
			count(*) FILTER (WHERE c.verdict = 'new') AS new,
			count(*) FILTER (WHERE c.verdict = 'gone') AS gone,
			count(*) AS things,
			sum(c.calls_before) FILTER (WHERE c.key LIKE 'transaction:shape:%') AS n_a,
			sum(c.calls_after) FILTER (WHERE c.key LIKE 'transaction:shape:%') AS n_b,
			sum(c.calls_before * c.mean_before) FILTER (WHERE c.key LIKE 'transaction:shape:%') AS time_a,
			sum(c.calls_after * c.mean_after) FILTER (WHERE c.key LIKE 'transaction:shape:%') AS time_b,
			sum(c.impact_ms_per_s) FILTER (WHERE c.key LIKE 'transaction:tag:%'
				AND c.calls_before > 0 AND c.calls_after > 0) AS extra,
			sum((c.evidence -> 'statements' ->> 0)::float8 * c.calls_before)
				FILTER (WHERE c.key LIKE 'transaction:shape:%') AS statements_a,
			sum((c.evidence -> 'statements' ->> 1)::float8 * c.calls_after)
				FILTER (WHERE c.key LIKE 'transaction:shape:%') AS statements_b
		FROM changed AS c
	),
	listed AS (
		SELECT 'overall' AS kind,
			CASE
				WHEN coalesce(s.n_a, 0) = 0 OR coalesce(s.n_b, 0) = 0 THEN 'inconclusive'
				WHEN s.slower > 0 AND (s.faster = 0 OR s.extra > 0) THEN 'regressed'
				WHEN s.faster > 0 THEN 'improved'
				WHEN s.same > 0 AND s.same >= 0.8 * s.things THEN 'unchanged'
				ELSE 'inconclusive'
			END AS verdict,
			'overall' AS key, format('%s against %s', app_b, app_a) AS subject,
			s.extra AS impact_ms_per_s,
			CASE
				WHEN coalesce(s.n_a, 0) = 0 OR coalesce(s.n_b, 0) = 0
					THEN format('no transactions of %s in this window',
						CASE WHEN coalesce(s.n_a, 0) = 0 THEN app_a ELSE app_b END)
				ELSE format('%s regressed, %s improved, %s unchanged, %s only in %s, %s only in %s; of %s',
					s.slower, s.faster, s.same, s.new, app_b, s.gone, app_a,
					diagnose.count_text(s.things, 'transaction or statement', 'transactions and statements'))
			END AS reason,
			s.n_a::bigint AS calls_before, s.n_b::bigint AS calls_after,
			s.time_a / nullif(s.n_a, 0) AS mean_before, s.time_b / nullif(s.n_b, 0) AS mean_after,
			NULL::float8 AS p50_before, NULL::float8 AS p50_after, NULL::float8 AS p95_before,
			NULL::float8 AS p95_after, NULL::float8 AS p99_before, NULL::float8 AS p99_after,
			NULL::float8 AS ratio, NULL::float8 AS ratio_low, NULL::float8 AS ratio_high,
			NULL::float8 AS smallest_effect, NULL::integer AS windows_before,
			NULL::integer AS windows_after, NULL::integer AS controls, 'exact' AS evidence_grade,
			jsonb_strip_nulls(jsonb_build_object('applications', ARRAY[app_a, app_b],
				'seconds', diagnose.seconds(w), 'regressed', s.slower, 'improved', s.faster,
				'unchanged', s.same, 'new', s.new, 'gone', s.gone,
				'statements_per_transaction', ARRAY[s.statements_a / nullif(s.n_a, 0),
					s.statements_b / nullif(s.n_b, 0)])) AS evidence
		FROM sums AS s
		UNION ALL
		SELECT c.* FROM changed AS c
	)
	SELECT l.* FROM listed AS l
	ORDER BY l.kind = 'overall' DESC, abs(l.impact_ms_per_s) DESC NULLS LAST, l.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION diagnose.compare_ab(text, text, diagnose.window) IS
'two applications in the same window, as a new release (app_b) against the old one (app_a): transactions and the statements in them, with verdicts as of compare()';
