-- What detectors saw in transactions and bursts becomes findings here, all of
-- it: a detector says what is wrong in a sentence with {words}, and this rule
-- knows the words.  A finding's rule is its detector.
--
-- A detector that counts says from how many on it speaks.  What belongs to all
-- of a shape is judged here, by settings that may or may not be there: the share
-- of a shape's transcripts (_min_share), how many (_min_occurrences), how many a
-- second (_min_rate), and how many of what is counted a second
-- (_min_count_rate).
CREATE OR REPLACE FUNCTION diagnose.rule_transaction_pattern(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 20 COST 50000
BEGIN ATOMIC
	WITH seen AS (
		SELECT o.dbid, o.userid, o.shape,
			diagnose.tag_text(o.route, o.controller, o.action, o.application) AS tag,
			o.detector, o.position, o.object, o.other,
			-- The nearest one, where occurrences had several.
			max(o.parent) AS parent,
			max(array_position('{info,warning,critical}'::text[], o.severity)) AS severity,
			sum(o.occurrences)::bigint AS occurrences,
			sum(o.confirmed)::bigint AS confirmed,
			sum(o.count)::float8 AS count, max(o.max_count) AS max_count,
			sum(o.time) AS time, sum(o.saved) AS saved,
			sum(o.held) AS held, max(o.max_held) AS max_held
		FROM diagnose.observations(w) AS o
		WHERE o.shape IS NOT NULL
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
	),
	tables AS (
		SELECT c.oid, d.oid AS dbid,
			quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
		FROM pg_class AS c
			JOIN pg_namespace AS n ON n.oid = c.relnamespace
			JOIN pg_database AS d ON d.datname = current_database()
	),
	told AS (
		SELECT o.detector, o.position, o.parent, o.severity, o.occurrences,
			o.confirmed, o.max_count, o.held, o.max_held,
			d.dimension, d.grade, d.problem, d.advice,
			x.id, x.identity, x.database, x.role, x.kind, x.isolation, x.tag,
			x.dbid, x.shape, x.calls, x.application, x.route, x.action,
			x.controller, x.framework, x.traceparent, x.positions,
			x.first_statement, x.ended_by_gap, x.ended_by_tag, x.ended_by_begin,
			p.step, p.step ->> 'query' AS statement,
			q.step ->> 'query' AS parent_statement,
			-- Tables of other databases have no name here.
			coalesce(t.name, 'oid ' || nullif(o.object, 0)) AS object,
			coalesce(u.name, 'oid ' || nullif(o.other, 0)) AS other,
			o.count, o.time, o.saved,
			nullif(o.time, 0) / s.seconds AS impact,
			CASE WHEN o.time > 0 THEN least(o.saved, o.time) / s.seconds END AS benefit,
			o.occurrences::float8 / x.calls AS share,
			o.occurrences / s.seconds AS rate,
			o.count / s.seconds AS count_rate,
			'pg_diagnose.' || o.detector AS setting
		FROM seen AS o
			JOIN diagnose.detectors() AS d ON d.name = o.detector
			JOIN diagnose.transaction_shapes(w) AS x ON x.dbid = o.dbid
				AND x.userid = o.userid AND x.shape = o.shape AND x.tag = o.tag
			CROSS JOIN (SELECT diagnose.seconds(w) AS seconds) AS s
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS p (step)
				ON (p.step ->> 'position')::int = o.position
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS q (step)
				ON (q.step ->> 'position')::int = o.parent
			LEFT JOIN tables AS t ON t.oid = o.object AND t.dbid = o.dbid
			LEFT JOIN tables AS u ON u.oid = o.other AND u.dbid = o.dbid
		WHERE d.problem IS NOT NULL AND x.calls > 0 AND NOT x.is_own
	),
	judged AS (
		SELECT t.*,
			coalesce(t.statement, CASE
				WHEN t.position IS NULL THEN diagnose.shape_text(t.first_statement, t.positions, 200)
			END, '<text not kept>') AS what,
			jsonb_strip_nulls(jsonb_build_object(
				'n', diagnose.number_text(t.occurrences),
				'of', diagnose.number_text(t.calls),
				'share', diagnose.share_text(least(t.share, 1)),
				'kind', t.kind,
				'count', diagnose.number_text(t.count / t.occurrences),
				'max_count', diagnose.number_text(t.max_count),
				'time', diagnose.duration_text(t.time / t.occurrences),
				'held', diagnose.duration_text(t.held / t.occurrences),
				'max_held', diagnose.duration_text(t.max_held),
				'confirmed', diagnose.number_text(t.confirmed),
				'statement', coalesce(diagnose.short_text(t.statement, 120),
					CASE WHEN t.position IS NULL THEN 'its end' ELSE 'a statement' END),
				'parent', coalesce(diagnose.short_text(t.parent_statement, 120), 'another statement'),
				'object', coalesce(t.object, 'a table'),
				'other', coalesce(t.other, 'another table'),
				'position', coalesce(t.position::text, 'unknown'),
				'of_parent', coalesce(' (position ' || t.parent || ': ' ||
					diagnose.short_text(t.parent_statement, 120) || ')', ''))) AS words
		FROM told AS t
		WHERE (t.step ->> 'is_own')::boolean IS NOT TRUE
			AND t.share >= coalesce(current_setting(t.setting || '_min_share', true)::float8, 0)
			AND t.occurrences >= coalesce(current_setting(t.setting || '_min_occurrences', true)::float8, 0)
			AND t.rate >= coalesce(current_setting(t.setting || '_min_rate', true)::float8, 0)
			AND t.count_rate >= coalesce(current_setting(t.setting || '_min_count_rate', true)::float8, 0)
	)
	SELECT j.detector, j.dimension,
		-- A warning can become more by what it costs; what is for information
		-- only stays that.
		CASE
			WHEN j.severity IS NULL THEN diagnose.severity_of(j.impact)
			WHEN j.severity = 2 AND diagnose.severity_of(j.impact) = 'critical' THEN 'critical'
			ELSE ('{info,warning,critical}'::text[])[j.severity]
		END,
		concat_ws(':', j.detector, j.identity, coalesce(j.position, 0), j.object, j.other),
		CASE WHEN j.database = current_database() THEN '' ELSE 'in database ' || j.database || ': ' END ||
			CASE WHEN j.tag = '' THEN '' ELSE diagnose.short_text(j.tag, 60) || ': ' END ||
			diagnose.short_text(j.what, 300) || ' (' || j.kind || ')',
		j.impact, j.benefit, j.grade, j.calls,
		diagnose.fill_words(j.problem, j.words),
		jsonb_strip_nulls(jsonb_build_object(
			'database', j.database, 'role', j.role, 'kind', j.kind,
			'isolation', nullif(j.isolation, 'read committed'),
			'application', j.application, 'route', j.route,
			'controller', j.controller, 'action', j.action,
			'framework', j.framework, 'trace_of_slowest', j.traceparent,
			'timeline', format('SELECT diagnose.transaction(%L)', j.id),
			'occurrences', j.occurrences, 'of', j.calls,
			'confirmed', nullif(j.confirmed, 0),
			'count', round((j.count / j.occurrences)::numeric, 1),
			'max_count', j.max_count,
			'time_ms', round((j.time / j.occurrences)::numeric, 3),
			'held_ms', nullif(round((j.held / j.occurrences)::numeric, 3), 0),
			'max_held_ms', nullif(round(j.max_held::numeric, 3), 0),
			'position', j.position, 'statement', j.statement,
			'parent_position', j.parent, 'parent', j.parent_statement,
			'tables', nullif(concat_ws(', ', j.object, j.other), ''),
			'ended_by', CASE WHEN j.kind = 'burst' THEN jsonb_build_object(
				'gap', j.ended_by_gap, 'tag', j.ended_by_tag, 'begin', j.ended_by_begin) END)),
		diagnose.fill_words(j.advice, j.words),
		NULL::text, NULL::text,
		format(E'SELECT occurrences, confirmed, count, time, held\nFROM diagnose.observations(diagnose.since_reset())\nWHERE detector = %L AND shape = %s AND position IS NOT DISTINCT FROM %s',
			j.detector, j.shape, coalesce(j.position::text, 'NULL')),
		NULL::text
	FROM judged AS j;
END;
COMMENT ON FUNCTION diagnose.rule_transaction_pattern(diagnose.window) IS
'what detectors see in transactions and bursts, see diagnose.detectors()';
