-- What detectors saw in transactions and bursts becomes findings here, all of
-- it: a detector says what is wrong in a sentence with {words}, and this rule
-- knows the words.  A finding's rule is its detector.
--
-- The same statement with the same tag is one problem, whatever goes before and
-- after it: an ORM makes dozens of shapes of one route.  So the shapes in which
-- a detector points at a statement are added up, and the one that costs most
-- speaks for all.  What is about a transaction as a whole stays with its shape.
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
	placed AS (
		SELECT o.*, d.dimension, d.grade, d.problem, d.advice,
			x.id, x.database, x.role, x.kind, x.isolation, x.calls,
			x.application, x.route, x.action, x.controller, x.framework,
			x.traceparent, x.positions, x.first_statement,
			x.ended_by_gap, x.ended_by_tag, x.ended_by_begin,
			coalesce((p.step ->> 'fingerprint')::bigint, o.shape) AS number,
			p.step ->> 'query' AS statement,
			q.step ->> 'query' AS parent_statement,
			-- Tables of other databases have no name here.
			coalesce(t.name, 'oid ' || nullif(o.object, 0)) AS object_name,
			coalesce(u.name, 'oid ' || nullif(o.other, 0)) AS other_name
		FROM seen AS o
			JOIN diagnose.detectors() AS d ON d.name = o.detector
			JOIN diagnose.transaction_shapes(w) AS x ON x.dbid = o.dbid
				AND x.userid = o.userid AND x.shape = o.shape AND x.tag = o.tag
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS p (step)
				ON (p.step ->> 'position')::int = o.position
			LEFT JOIN LATERAL jsonb_array_elements(x.steps) AS q (step)
				ON (q.step ->> 'position')::int = o.parent
			LEFT JOIN tables AS t ON t.oid = o.object AND t.dbid = o.dbid
			LEFT JOIN tables AS u ON u.oid = o.other AND u.dbid = o.dbid
		WHERE d.problem IS NOT NULL AND x.calls > 0 AND NOT x.is_own
			AND (p.step ->> 'is_own')::boolean IS NOT TRUE
	),
	-- A statement may be at several positions of one shape, whose transcripts
	-- are to be counted once.
	ordered AS (
		SELECT p.*, row_number() OVER best AS place,
			row_number() OVER (PARTITION BY p.dbid, p.userid, p.tag, p.kind,
				p.detector, p.number, p.object, p.other, p.shape
				ORDER BY p.occurrences DESC, p.position) AS place_in_shape
		FROM placed AS p
		WINDOW best AS (PARTITION BY p.dbid, p.userid, p.tag, p.kind,
			p.detector, p.number, p.object, p.other
			ORDER BY p.time DESC, p.held DESC, p.occurrences DESC, p.shape, p.position)
	),
	summed AS (
		SELECT o.dbid, o.userid, o.tag, o.kind, o.detector, o.number, o.object, o.other,
			count(DISTINCT o.shape) AS shapes, min(o.position) AS first_position,
			max(o.severity) AS severity,
			sum(o.occurrences) FILTER (WHERE o.place_in_shape = 1)::bigint AS occurrences,
			sum(o.confirmed) FILTER (WHERE o.place_in_shape = 1)::bigint AS confirmed,
			sum(o.calls) FILTER (WHERE o.place_in_shape = 1)::bigint AS calls,
			sum(o.ended_by_gap) FILTER (WHERE o.place_in_shape = 1)::bigint AS ended_by_gap,
			sum(o.ended_by_tag) FILTER (WHERE o.place_in_shape = 1)::bigint AS ended_by_tag,
			sum(o.ended_by_begin) FILTER (WHERE o.place_in_shape = 1)::bigint AS ended_by_begin,
			sum(o.count) AS count,
			greatest(max(o.max_count), ceil(sum(o.count) /
				sum(o.occurrences) FILTER (WHERE o.place_in_shape = 1))) AS max_count,
			sum(o.time) AS time, sum(o.saved) AS saved,
			sum(o.held) AS held, max(o.max_held) AS max_held
		FROM ordered AS o
		GROUP BY 1, 2, 3, 4, 5, 6, 7, 8
	),
	told AS (
		SELECT s.*, o.dimension, o.grade, o.problem, o.advice, o.id, o.database,
			o.role, o.isolation, o.shape, o.position, o.parent, o.application,
			o.route, o.action, o.controller, o.framework, o.traceparent,
			o.positions, o.first_statement, o.statement, o.parent_statement,
			o.object_name, o.other_name,
			nullif(s.time, 0) / t.seconds AS impact,
			CASE WHEN s.time > 0 THEN least(s.saved, s.time) / t.seconds END AS benefit,
			s.occurrences::float8 / s.calls AS share,
			s.occurrences / t.seconds AS rate,
			s.count / t.seconds AS count_rate,
			'pg_diagnose.' || s.detector AS setting
		FROM summed AS s
			JOIN ordered AS o ON o.place = 1 AND o.dbid = s.dbid AND o.userid = s.userid
				AND o.tag = s.tag AND o.kind = s.kind AND o.detector = s.detector
				AND o.number = s.number AND o.object IS NOT DISTINCT FROM s.object
				AND o.other IS NOT DISTINCT FROM s.other
			CROSS JOIN (SELECT diagnose.seconds(w) AS seconds) AS t
	),
	judged AS (
		SELECT t.*,
			coalesce(t.statement, CASE
				WHEN t.position IS NULL THEN diagnose.shape_text(t.first_statement, t.positions, 200)
			END, '<text not kept>') AS what,
			jsonb_build_object(
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
				'object', coalesce(t.object_name, 'a table'),
				'other', coalesce(t.other_name, 'another table'),
				'position', coalesce(t.position::text, 'unknown'),
				'of_parent', coalesce(' (position ' || t.parent || ': ' ||
					diagnose.short_text(t.parent_statement, 120) || ')', '')) AS words
		FROM told AS t
		WHERE t.share >= coalesce(current_setting(t.setting || '_min_share', true)::float8, 0)
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
		concat_ws(':', j.detector, j.database, j.role, j.tag, j.number,
			coalesce(j.first_position, 0),
			CASE WHEN j.kind = 'burst' AND j.position IS NOT NULL THEN j.kind END,
			j.object_name, j.other_name),
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
			'shapes', nullif(j.shapes, 1),
			'confirmed', nullif(j.confirmed, 0),
			'count', round((j.count / j.occurrences)::numeric, 1),
			'max_count', j.max_count,
			'time_ms', round((j.time / j.occurrences)::numeric, 3),
			'held_ms', nullif(round((j.held / j.occurrences)::numeric, 3), 0),
			'max_held_ms', nullif(round(j.max_held::numeric, 3), 0),
			'position', j.position, 'statement', j.statement,
			'parent_position', j.parent, 'parent', j.parent_statement,
			'tables', nullif(concat_ws(', ', j.object_name, j.other_name), ''),
			'ended_by', CASE WHEN j.kind = 'burst' THEN jsonb_build_object(
				'gap', j.ended_by_gap, 'tag', j.ended_by_tag, 'begin', j.ended_by_begin) END)),
		diagnose.fill_words(j.advice, j.words),
		NULL::text, NULL::text,
		format(E'SELECT occurrences, confirmed, count, time, held\nFROM diagnose.observations(diagnose.since_reset())\nWHERE detector = %L AND %s',
			j.detector,
			CASE
				WHEN j.shapes > 1 THEN format(
					'diagnose.tag_text(route, controller, action, application) = %L', j.tag)
				ELSE format('shape = %s AND position IS NOT DISTINCT FROM %s', j.shape,
					coalesce(j.position::text, 'NULL'))
			END),
		NULL::text
	FROM judged AS j;
END;
COMMENT ON FUNCTION diagnose.rule_transaction_pattern(diagnose.window) IS
'what detectors see in transactions and bursts, see diagnose.detectors()';
