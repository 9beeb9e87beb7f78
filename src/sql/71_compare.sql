-- Compare: two windows side by side, with verdicts on each thing and on the
-- whole.

-- Findings are compared by their keys.  All rules look at both windows, so this
-- takes longer than all else.
CREATE OR REPLACE FUNCTION diagnose.compare_findings(
	before							diagnose.window,
	after							diagnose.window)
RETURNS SETOF diagnose.comparison
LANGUAGE sql STABLE ROWS 20 COST 200000
BEGIN ATOMIC
	WITH pairs AS (
		SELECT coalesce(a.key, b.key) AS key, coalesce(a.rule, b.rule) AS rule,
			coalesce(a.subject, b.subject) AS subject,
			coalesce(a.problem, b.problem) AS problem,
			coalesce(a.evidence_grade, b.evidence_grade) AS evidence_grade,
			b.key IS NULL AS is_new, a.key IS NULL AS is_gone,
			b.severity AS severity_before, a.severity AS severity_after,
			b.n AS n_before, a.n AS n_after,
			CASE
				WHEN b.key IS NULL THEN a.impact_ms_per_s
				WHEN a.key IS NULL THEN - b.impact_ms_per_s
				ELSE a.impact_ms_per_s - b.impact_ms_per_s
			END AS impact
		FROM diagnose.known_findings(before) AS b FULL JOIN diagnose.known_findings(after) AS a USING (key)
		-- A document without timings is silent about most rules.
		WHERE diagnose.would_record(before, coalesce(a.rule, b.rule))
			AND diagnose.would_record(after, coalesce(a.rule, b.rule))
	)
	SELECT ROW('finding',
			CASE WHEN p.is_new THEN 'new' WHEN p.is_gone THEN 'gone' ELSE 'unchanged' END,
			'finding:' || p.key, concat_ws(': ', p.problem, p.subject), p.impact,
			CASE
				WHEN p.is_new THEN format('%s: %s, not found before', p.rule, coalesce(p.severity_after, 'found'))
				WHEN p.is_gone THEN format('%s: was %s, no longer found', p.rule, coalesce(p.severity_before, 'found'))
				WHEN p.severity_before IS NULL OR p.severity_after IS NULL
					THEN format('%s: found before and after', p.rule)
				WHEN p.severity_before = p.severity_after
					THEN format('%s: still %s', p.rule, p.severity_after)
				ELSE format('%s: %s, was %s', p.rule, p.severity_after, p.severity_before)
			END,
			p.n_before, p.n_after, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
			NULL, NULL, NULL, NULL, NULL, NULL, NULL, p.evidence_grade,
			jsonb_strip_nulls(jsonb_build_object('rule', p.rule,
				'severity', coalesce(p.severity_after, p.severity_before),
				'severity_before', p.severity_before, 'severity_after', p.severity_after))
		)::diagnose.comparison
	FROM pairs AS p;
END;
COMMENT ON FUNCTION diagnose.compare_findings(diagnose.window, diagnose.window) IS
'findings of two windows: new, gone, or unchanged with their severities; the slow part of compare()';

CREATE OR REPLACE FUNCTION diagnose.window_facts(
	w								diagnose.window,
	OUT starts						timestamptz,
	OUT ends						timestamptz,
	OUT is_imported					boolean,
	OUT is_standby					boolean,
	OUT server_version				bigint,
	OUT settings_digest				bigint,
	OUT uncaptured					bigint,
	OUT hours						integer[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1 COST 30000
BEGIN ATOMIC
	WITH taken AS MATERIALIZED (
		SELECT s.* FROM diagnose.snapshots() AS s
	),
	own AS (
		SELECT o.since, o.uncaptured FROM diagnose.own_status() AS o
	),
	facts AS (
		SELECT CASE
				WHEN l.id IS NOT NULL THEN l.taken_at
				ELSE coalesce(u.since, o.since)
			END AS starts,
			coalesce(u.taken_at, clock_timestamp()) AS ends,
			coalesce(u.kind = 'imported', false) AS is_imported,
			coalesce(u.is_standby, pg_is_in_recovery()) AS is_standby,
			coalesce(u.server_version, current_setting('server_version_num')::bigint)
				AS server_version,
			-- The present has the settings that were seen last.
			CASE WHEN (w).upper IS NULL
				THEN (SELECT t.settings_digest FROM taken AS t
					  WHERE t.is_own AND t.kind <> 'imported' ORDER BY t.id DESC LIMIT 1)
				ELSE u.settings_digest
			END AS settings_digest,
			coalesce(u.uncaptured, o.uncaptured) - coalesce(l.uncaptured, 0) AS uncaptured
		FROM own AS o
			LEFT JOIN taken AS l ON l.id = (w).lower
			LEFT JOIN taken AS u ON u.id = (w).upper
	)
	SELECT f.starts, f.ends, f.is_imported, f.is_standby, f.server_version,
		f.settings_digest, f.uncaptured,
		-- of the week; a week has them all
		ARRAY(SELECT DISTINCT (extract(isodow FROM h) * 24 + extract(hour FROM h))::integer
			  FROM generate_series(date_trunc('hour', f.starts AT TIME ZONE 'UTC'),
				least(f.ends, f.starts + '7 days') AT TIME ZONE 'UTC', '1 hour') AS h)
	FROM facts AS f;
END;
COMMENT ON FUNCTION diagnose.window_facts(diagnose.window) IS
'when a window begins and ends, on what kind of server it was, how many executions could not be captured in it, and which hours of the week it has (UTC)';

-- Of all, also of what the caller may not see.
CREATE OR REPLACE FUNCTION diagnose.window_totals(
	w								diagnose.window,
	OUT all_time					double precision,
	OUT all_calls					bigint,
	OUT evicted						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1 COST 30000
BEGIN ATOMIC
	SELECT coalesce(sum(s.total_exec_time + s.failed_time) FILTER (WHERE s.toplevel), 0),
		coalesce(sum(s.calls) FILTER (WHERE s.toplevel), 0)::bigint,
		coalesce(sum(s.calls + s.failed) FILTER (WHERE s.userid IS NULL), 0)::bigint
	FROM diagnose.statements(w) AS s
	WHERE NOT diagnose.is_own(s.query);
END;
COMMENT ON FUNCTION diagnose.window_totals(diagnose.window) IS
'database time, in milliseconds, and executions of all statements of clients in a window, and how many executions were evicted';

-- Workload mix: what the difference of the sums is made of.  The database time
-- of all statements of clients, per second, is split without a rest into: more
-- or fewer statements, another mix of them, each taking longer or shorter, new
-- ones, and those that are gone.  Index numbers say how many times as long the
-- same workload takes: by the mix before (Laspeyres), by that after (Paasche),
-- and the geometric mean of both (Fisher).  How much the workloads have in
-- common is measured with the times before on both sides: else the worse a
-- statement became, the less there would be to say about it.
CREATE OR REPLACE FUNCTION diagnose.mix(
	calls_before					double precision[],
	calls_after						double precision[],
	mean_before						double precision[],
	mean_after						double precision[],
	OUT time_before					double precision,
	OUT time_after					double precision,
	OUT volume						double precision,
	OUT mix							double precision,
	OUT per_call					double precision,
	OUT new							double precision,
	OUT gone						double precision,
	OUT laspeyres					double precision,
	OUT paasche						double precision,
	OUT fisher						double precision,
	OUT commonality					double precision)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	WITH statements AS (
		SELECT coalesce(u.n0, 0) AS n0, coalesce(u.n1, 0) AS n1, u.t0, u.t1,
			coalesce(u.n0 * u.t0, 0) AS time0, coalesce(u.n1 * u.t1, 0) AS time1,
			coalesce(u.n1 * coalesce(u.t0, u.t1), 0) AS weight1,
			u.n0 > 0 AND u.n1 > 0 AND u.t0 IS NOT NULL AND u.t1 IS NOT NULL AS common
		FROM unnest(calls_before, calls_after, mean_before, mean_after) AS u (n0, n1, t0, t1)
	),
	sums AS (
		SELECT sum(s.time0) AS time0, sum(s.time1) AS time1, sum(s.weight1) AS weight1,
			sum(s.n0) AS all0, sum(s.n1) AS all1,
			coalesce(sum(s.time1) FILTER (WHERE s.n0 = 0), 0) AS new,
			coalesce(sum(s.time0) FILTER (WHERE s.n1 = 0), 0) AS gone,
			sum(s.n0) FILTER (WHERE s.common) AS n0, sum(s.n1) FILTER (WHERE s.common) AS n1,
			sum(s.time0) FILTER (WHERE s.common) AS common0,
			sum(s.time1) FILTER (WHERE s.common) AS common1,
			sum(s.n0 * s.t1) FILTER (WHERE s.common) AS old_mix_new_times,
			sum(s.n1 * s.t0) FILTER (WHERE s.common) AS new_mix_old_times
		FROM statements AS s
	),
	shares AS (
		-- by executions where times are not known
		SELECT CASE WHEN m.time0 > 0 AND m.weight1 > 0
				THEN sum(least(s.time0 / nullif(m.time0, 0), s.weight1 / nullif(m.weight1, 0)))
				ELSE sum(least(s.n0 / nullif(m.all0, 0), s.n1 / nullif(m.all1, 0)))
			END AS common
		FROM statements AS s CROSS JOIN sums AS m
		GROUP BY m.time0, m.weight1
	)
	SELECT coalesce(m.time0, 0), coalesce(m.time1, 0),
		(m.n1 / m.n0 - 1) * m.common0,
		m.new_mix_old_times - m.n1 / m.n0 * m.common0,
		m.common1 - m.new_mix_old_times,
		m.new, 0 - m.gone,
		m.old_mix_new_times / nullif(m.common0, 0),
		m.common1 / nullif(m.new_mix_old_times, 0),
		sqrt(m.old_mix_new_times / nullif(m.common0, 0) *
			m.common1 / nullif(m.new_mix_old_times, 0)),
		coalesce(h.common, 0)
	FROM sums AS m LEFT JOIN shares AS h ON true;
END;
COMMENT ON FUNCTION diagnose.mix(double precision[], double precision[], double precision[], double precision[]) IS
'what the difference of two sums of times is made of, from executions per second and mean times in milliseconds: volume, mix, per_call, new and gone add up to it; laspeyres, paasche and fisher are ratios of the same workload; commonality is the share that both sides have in common, each statement counting with its time before';

-- Why two windows cannot be compared at all.
CREATE OR REPLACE FUNCTION diagnose.pair_problem(
	before							diagnose.window,
	after							diagnose.window)
RETURNS text
LANGUAGE sql STABLE PARALLEL RESTRICTED COST 60000
BEGIN ATOMIC
	SELECT CASE
		WHEN b.is_imported OR a.is_imported THEN NULL
		WHEN b.starts >= a.ends THEN 'the window before is later than the one after'
		WHEN b.starts > a.starts OR b.ends > a.starts
			THEN 'the windows overlap'
	END
	FROM diagnose.window_facts(before) AS b CROSS JOIN diagnose.window_facts(after) AS a;
END;
COMMENT ON FUNCTION diagnose.pair_problem(diagnose.window, diagnose.window) IS
'why nothing can be concluded from these two windows; NULL if they can be compared';

-- What else is different about two windows than what is to be compared.
CREATE OR REPLACE FUNCTION diagnose.pair_differences(
	before							diagnose.window,
	after							diagnose.window,
	rate_before						double precision,
	rate_after						double precision,
	commonality						double precision,
	OUT reasons						text[],
	OUT evidence					jsonb)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	b								record;
	a								record;
	m								record;
	max_ratio						float8 := current_setting('pg_diagnose.compare_max_rate_ratio');
	same_hours						float8;
BEGIN
	SELECT f.* INTO b FROM diagnose.window_facts(before) AS f;
	SELECT f.* INTO a FROM diagnose.window_facts(after) AS f;

	-- What lies between the two windows is what is compared; what lies inside
	-- one of them is not.
	SELECT count(*) AS marks,
		jsonb_agg(jsonb_build_object('at', x.at, 'kind', x.kind, 'what', x.what,
			'side', CASE WHEN x.at < b.ends THEN 'before' ELSE 'after' END) ORDER BY x.at, x.id)
			FILTER (WHERE x.place <= 20) AS list,
		(array_agg(concat_ws(' ', x.kind, x.what) ORDER BY x.at DESC, x.id DESC))[1] AS latest
	INTO m
	FROM (SELECT k.*, row_number() OVER (ORDER BY k.at DESC, k.id DESC) AS place
		  FROM diagnose.marks() AS k
		  WHERE k.is_own AND k.kind IN ('ddl', 'setting', 'start', 'crash', 'reset', 'promotion')
			AND (NOT b.is_imported AND k.at > b.starts AND k.at < b.ends
				 AND k.snapshot IS DISTINCT FROM before.upper
				 OR NOT a.is_imported AND k.at > a.starts AND k.at < a.ends
				 AND k.snapshot IS DISTINCT FROM after.lower)) AS x;

	SELECT count(*) FILTER (WHERE u.n = 2)::float8 / nullif(count(*), 0) INTO same_hours
	FROM (SELECT diagnose.h, count(*) AS n
		FROM unnest(b.hours || a.hours) AS diagnose (h) GROUP BY diagnose.h) AS u;

	IF b.server_version / 10000 <> a.server_version / 10000 THEN
		reasons := reasons || format('the server was PostgreSQL %s and is %s',
			b.server_version / 10000, a.server_version / 10000);
	END IF;
	IF b.is_standby <> a.is_standby THEN
		reasons := reasons || format('the server was a %s and is a %s',
			CASE WHEN b.is_standby THEN 'standby' ELSE 'primary' END,
			CASE WHEN a.is_standby THEN 'standby' ELSE 'primary' END);
	END IF;
	IF commonality < current_setting('pg_diagnose.compare_warn_commonality')::float8 THEN
		reasons := reasons || format('only %s of database time in common',
			diagnose.share_text(commonality));
	END IF;
	IF rate_after > rate_before * max_ratio OR rate_after < rate_before / max_ratio THEN
		reasons := reasons || format('different load: %s times the transactions per second',
			diagnose.times_text(rate_after / nullif(rate_before, 0)));
	END IF;
	IF b.settings_digest <> a.settings_digest AND NOT b.is_imported THEN
		reasons := reasons || 'settings differ'::text;
	END IF;
	IF m.marks > 0 THEN
		reasons := reasons || format('%s inside the windows (%s)',
			diagnose.count_text(m.marks, 'change'), diagnose.short_text(m.latest, 40));
	END IF;
	-- Hours do not matter to windows of minutes around a release.
	IF same_hours < 0.5 AND least(b.ends - b.starts, a.ends - a.starts) >= '1 day' THEN
		reasons := reasons || 'other hours of the week'::text;
	END IF;

	evidence := jsonb_strip_nulls(jsonb_build_object(
		'before', jsonb_build_object('from', b.starts, 'to', b.ends),
		'after', jsonb_build_object('from', a.starts, 'to', a.ends),
		'transactions_per_s', jsonb_build_array(rate_before, rate_after),
		'settings_differ', b.settings_digest <> a.settings_digest,
		'server_versions', jsonb_build_array(b.server_version, a.server_version),
		'same_hours_of_week', same_hours,
		'uncaptured', jsonb_build_array(b.uncaptured, a.uncaptured),
		'marks', m.list));
END
$$;
COMMENT ON FUNCTION diagnose.pair_differences(diagnose.window, diagnose.window, double precision, double precision, double precision) IS
'what else differs between two windows: versions, role, mix, load, settings, changes inside them, hours of the week; as reasons to be careful, and as evidence';

-- The whole.  What was decided of the parts decides, if they are a part that
-- matters.  Nested statements are in others, and transactions have statements in
-- them, so that of the sums over statements and over tags the larger one counts.
CREATE OR REPLACE FUNCTION diagnose.overall(
	before							diagnose.window,
	after							diagnose.window,
	changes							diagnose.comparison[],
	seconds							double precision[],
	all_time						double precision[],
	all_calls						bigint[],
	evicted							bigint[])
RETURNS diagnose.comparison
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	o								diagnose.comparison;
	m								record;
	s								record;
	d								record;
	coverage						float8;
	big								float8;
	net								float8;
	max_ratio						float8 := current_setting('pg_diagnose.compare_max_rate_ratio');
	min_calls						float8 := current_setting('pg_diagnose.compare_min_calls');
	problems						text[];
BEGIN
	SELECT x.* INTO m
	FROM (SELECT array_agg(c.calls_before / nullif(seconds[1], 0) ORDER BY c.key) AS n0,
			array_agg(c.calls_after / nullif(seconds[2], 0) ORDER BY c.key) AS n1,
			array_agg(c.mean_before ORDER BY c.key) AS t0,
			array_agg(c.mean_after ORDER BY c.key) AS t1
		  FROM unnest(changes) AS c
		  WHERE c.kind = 'query' AND c.evidence ->> 'nested' = 'false') AS v
		CROSS JOIN LATERAL diagnose.mix(v.n0, v.n1, v.t0, v.t1) AS x;

	-- That it is ours has to be said early: texts are kept up to a length.
	WITH judged AS (
		SELECT u.*,
			u.evidence ->> 'nested' = 'false' OR u.key LIKE 'transaction:tag:%' AS counts,
			greatest(u.calls_before * (u.evidence -> 'db_time' ->> 0)::float8 / nullif(seconds[1], 0),
				u.calls_after * (u.evidence -> 'db_time' ->> 1)::float8 / nullif(seconds[2], 0)) AS weight
		FROM unnest(changes) AS u
		WHERE NOT diagnose.is_own(u.subject)
	)
	SELECT count(*) FILTER (WHERE c.kind = 'query') AS queries,
		count(*) FILTER (WHERE c.kind = 'query' AND c.verdict = 'regressed') AS slower,
		count(*) FILTER (WHERE c.kind = 'query' AND c.verdict = 'improved') AS faster,
		count(*) FILTER (WHERE c.kind = 'query' AND c.verdict = 'plan changed') AS planned,
		count(*) FILTER (WHERE c.kind = 'query' AND c.verdict = 'new') AS new,
		count(*) FILTER (WHERE c.kind = 'query' AND c.verdict = 'gone') AS gone,
		count(*) FILTER (WHERE c.kind = 'transaction' AND c.verdict = 'regressed') AS x_slower,
		count(*) FILTER (WHERE c.kind = 'transaction' AND c.verdict = 'improved') AS x_faster,
		-- How much of the database time has become worse, and better.  Not how
		-- much worse: work may be more while time, by chance, is less.
		greatest(sum(c.weight) FILTER (WHERE c.counts AND c.kind = 'query' AND c.verdict = 'regressed'),
			sum(c.weight) FILTER (WHERE c.counts AND c.kind <> 'query' AND c.verdict = 'regressed'), 0) AS worse,
		greatest(sum(c.weight) FILTER (WHERE c.counts AND c.kind = 'query' AND c.verdict = 'improved'),
			sum(c.weight) FILTER (WHERE c.counts AND c.kind <> 'query' AND c.verdict = 'improved'), 0) AS better,
		coalesce(sum(c.impact_ms_per_s) FILTER (WHERE c.counts AND c.kind = 'query'
			AND c.verdict IN ('regressed', 'improved')), 0) AS net,
		coalesce(sum(c.impact_ms_per_s) FILTER (WHERE c.counts AND c.kind <> 'query'
			AND c.verdict IN ('regressed', 'improved')), 0) AS x_net,
		-- Work that was counted is certain.  Of times, one statement that gets in
		-- its own way may be misjudged, but hardly two at once.
		bool_or(c.evidence_grade = 'exact') FILTER (WHERE c.counts AND c.verdict = 'regressed')
			OR count(*) FILTER (WHERE c.counts AND c.verdict = 'regressed') > 1 AS is_worse,
		bool_or(c.evidence_grade = 'exact') FILTER (WHERE c.counts AND c.verdict = 'improved')
			OR count(*) FILTER (WHERE c.counts AND c.verdict = 'improved') > 1 AS is_better,
		sum(c.calls_after * c.mean_after) FILTER (WHERE c.kind = 'query' AND c.counts
			AND c.verdict = 'unchanged') /
			nullif(seconds[2], 0) / nullif(m.time_after, 0) AS unchanged,
		sum(c.calls_before) FILTER (WHERE c.key LIKE 'transaction:shape:%') AS transactions_before,
		sum(c.calls_after) FILTER (WHERE c.key LIKE 'transaction:shape:%') AS transactions_after,
		sum(c.calls_before + c.calls_after) FILTER (WHERE c.kind = 'query') AS known,
		percentile_cont(0.5) WITHIN GROUP (ORDER BY (c.evidence -> 'time' ->> 'load_ratio')::float8)
			AS load_ratio
	INTO s
	FROM judged AS c;

	SELECT x.* INTO d
	FROM diagnose.pair_differences(before, after,
		-- a rate of a handful is none
		CASE WHEN least(s.transactions_before, s.transactions_after) >= min_calls
			THEN s.transactions_before / nullif(seconds[1], 0) END,
		CASE WHEN least(s.transactions_before, s.transactions_after) >= min_calls
			THEN s.transactions_after / nullif(seconds[2], 0) END,
		m.commonality) AS x;
	coverage := 1 - (evicted[1] + evicted[2] +
			coalesce((d.evidence -> 'uncaptured' ->> 0)::float8, 0) +
			coalesce((d.evidence -> 'uncaptured' ->> 1)::float8, 0)) /
		nullif(evicted[1] + evicted[2] + s.known +
			coalesce((d.evidence -> 'uncaptured' ->> 0)::float8, 0) +
			coalesce((d.evidence -> 'uncaptured' ->> 1)::float8, 0), 0);
	-- One of a hundred statements is not the whole.
	big := current_setting('pg_diagnose.compare_min_whole_share')::float8 *
		greatest(m.time_before, m.time_after);
	net := CASE WHEN abs(s.x_net) > abs(s.net) THEN s.x_net ELSE s.net END;

	IF all_calls[1] = 0 OR all_calls[2] = 0 THEN
		problems := problems || format('nothing was executed %s',
			CASE WHEN all_calls[1] = 0 THEN 'before' ELSE 'after' END);
	ELSIF m.commonality < current_setting('pg_diagnose.compare_min_commonality')::float8 THEN
		problems := problems || 'the workloads are too different'::text;
	END IF;
	IF coverage < current_setting('pg_diagnose.compare_min_coverage')::float8 THEN
		problems := problems || format('only %s of executions are known by statement',
			diagnose.share_text(coverage));
	END IF;
	IF (d.evidence -> 'server_versions' ->> 0)::int / 10000 <>
		(d.evidence -> 'server_versions' ->> 1)::int / 10000 THEN
		problems := problems || 'the server versions differ'::text;
	END IF;

	o.kind := 'overall';
	o.key := 'overall';
	o.subject := 'all statements of clients';
	o.verdict := CASE
		WHEN problems IS NOT NULL THEN 'inconclusive'
		WHEN s.is_worse AND s.worse >= big AND (s.better < big OR net > 0) THEN 'regressed'
		WHEN s.is_better AND s.better >= big AND (s.worse < big OR net < 0) THEN 'improved'
		WHEN s.unchanged >= 0.8 THEN 'unchanged'
		ELSE 'inconclusive'
	END;
	o.reason := concat_ws('; ',
		array_to_string(problems, ', '),
		CASE WHEN s.slower + s.faster + s.planned + s.x_slower + s.x_faster > 0 THEN concat_ws(', ',
			CASE WHEN s.slower > 0 THEN
				diagnose.count_text(s.slower, 'query', 'queries') || ' regressed' END,
			CASE WHEN s.x_slower > 0 THEN
				diagnose.count_text(s.x_slower, 'transaction') || ' regressed' END,
			CASE WHEN s.faster > 0 THEN
				diagnose.count_text(s.faster, 'query', 'queries') || ' improved' END,
			CASE WHEN s.x_faster > 0 THEN
				diagnose.count_text(s.x_faster, 'transaction') || ' improved' END,
			CASE WHEN s.planned > 0 THEN
				diagnose.count_text(s.planned, 'plan') || ' changed' END)
			WHEN problems IS NULL THEN format('none of %s is known to have changed, %s of database time is known not to have',
				diagnose.count_text(s.queries, 'query', 'queries'),
				diagnose.share_text(coalesce(s.unchanged, 0))) END,
		CASE WHEN s.new + s.gone > 0 THEN format('%s new, %s gone',
			diagnose.count_text(s.new, 'query', 'queries'), s.gone) END,
		-- The control group takes out what all have in common, whatever it is.
		CASE WHEN s.load_ratio > max_ratio OR s.load_ratio < 1 / max_ratio THEN
			format('all together take %s times as long, which is load or a change to everything',
				diagnose.times_text(s.load_ratio)) END,
		array_to_string(d.reasons, '; '));
	o.impact_ms_per_s := m.per_call;
	o.calls_before := all_calls[1];
	o.calls_after := all_calls[2];
	o.mean_before := all_time[1] / nullif(all_calls[1], 0);
	o.mean_after := all_time[2] / nullif(all_calls[2], 0);
	o.ratio := m.fisher;
	o.evidence_grade := CASE WHEN o.verdict IN ('regressed', 'improved') THEN 'exact' ELSE 'inferred' END;
	o.evidence := d.evidence || jsonb_strip_nulls(jsonb_build_object(
		'seconds', seconds,
		'db_time_per_s', ARRAY[all_time[1] / nullif(seconds[1], 0), all_time[2] / nullif(seconds[2], 0)],
		'volume', m.volume, 'mix', m.mix, 'per_call', m.per_call, 'new', m.new, 'gone', m.gone,
		'laspeyres', m.laspeyres, 'paasche', m.paasche, 'fisher', m.fisher,
		'load_ratio', s.load_ratio, 'commonality', m.commonality, 'coverage', coverage, 'evicted', evicted,
		'queries', s.queries, 'queries_regressed', s.slower, 'queries_improved', s.faster,
		'plans_changed', s.planned, 'queries_new', s.new, 'queries_gone', s.gone,
		'transactions_regressed', s.x_slower, 'transactions_improved', s.x_faster,
		'worse', s.worse, 'better', s.better, 'net', s.net, 'net_of_transactions', s.x_net, 'unchanged', s.unchanged));
	RETURN o;
END
$$;
COMMENT ON FUNCTION diagnose.overall(diagnose.window, diagnose.window, diagnose.comparison[], double precision[], double precision[], bigint[], bigint[]) IS
'what became of the whole, from what became of its parts; arrays are {before, after}; impact_ms_per_s is what the same executions take longer, ratio is Fisher''s index';

CREATE OR REPLACE FUNCTION diagnose.compare(
	before							diagnose.window,
	after							diagnose.window,
	with_findings					boolean DEFAULT true)
RETURNS SETOF diagnose.comparison
LANGUAGE plpgsql STABLE ROWS 5000 COST 500000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	o								diagnose.comparison;
	b								record;
	a								record;
	same_server						boolean;
BEGIN
	IF before IS NOT DISTINCT FROM NULL OR after IS NOT DISTINCT FROM NULL THEN
		RAISE EXCEPTION '% must not be null',
			CASE WHEN before IS NOT DISTINCT FROM NULL THEN 'before' ELSE 'after' END
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	IF before = after THEN
		RAISE EXCEPTION 'the window before is the window after'
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Name two of them, as in diagnose.compare(diagnose.window(''reset'', ''release 42''), diagnose.window(''release 42'', ''now'')).';
	END IF;
	-- What is wrong with a window is an error of its own.
	PERFORM diagnose.seconds(before), diagnose.seconds(after);

	SELECT f.* INTO b FROM diagnose.window_facts(before) AS f;
	SELECT f.* INTO a FROM diagnose.window_facts(after) AS f;
	o.reason := diagnose.pair_problem(before, after);
	IF o.reason IS NOT NULL THEN
		o.kind := 'overall';
		o.key := 'overall';
		o.subject := 'all statements of clients';
		o.verdict := 'inconclusive';
		o.evidence_grade := 'exact';
		o.evidence := jsonb_build_object(
			'before', jsonb_build_object('from', b.starts, 'to', b.ends),
			'after', jsonb_build_object('from', a.starts, 'to', a.ends));
		RETURN NEXT o;
		RETURN;
	END IF;

	same_server := NOT (b.is_imported OR a.is_imported);
	RETURN QUERY
	WITH changed AS MATERIALIZED (
		SELECT c.* FROM diagnose.changes(before, after, same_server, same_server) AS c
	),
	whole AS (
		SELECT diagnose.overall(before, after, coalesce(array_agg(c.change), '{}'),
			ARRAY[diagnose.seconds(before), diagnose.seconds(after)],
			-- the subqueries are for who sees no statement at all
			coalesce(min(c.all_time), ARRAY[(SELECT t.all_time FROM diagnose.window_totals(before) AS t),
				(SELECT t.all_time FROM diagnose.window_totals(after) AS t)]),
			coalesce(min(c.all_calls), ARRAY[(SELECT t.all_calls FROM diagnose.window_totals(before) AS t),
				(SELECT t.all_calls FROM diagnose.window_totals(after) AS t)]),
			coalesce(min(c.evicted), ARRAY[(SELECT t.evicted FROM diagnose.window_totals(before) AS t),
				(SELECT t.evicted FROM diagnose.window_totals(after) AS t)])) AS change
		FROM changed AS c
	),
	listed AS (
		SELECT (w.change).* FROM whole AS w
		UNION ALL
		SELECT (c.change).* FROM changed AS c
		UNION ALL
		SELECT f.* FROM diagnose.compare_findings(before, after) AS f WHERE with_findings
	)
	SELECT l.* FROM listed AS l
	ORDER BY l.kind = 'overall' DESC, abs(l.impact_ms_per_s) DESC NULLS LAST, l.key COLLATE "C";
END
$$;
COMMENT ON FUNCTION diagnose.compare(diagnose.window, diagnose.window, boolean) IS
'what became of the whole (first), of each statement, transaction and finding between two windows, what changed most first; without findings it takes a fraction of the time';
