-- Conditions that no index can serve as they are written, and how they could be
-- written instead.

-- The words are the planner's: "condition" is an expression of the column, an
-- operator, and what it is compared with.
CREATE OR REPLACE FUNCTION diagnose.rewritten_condition(
	obstacle						text,
	"column"						text,
	type							text,
	expression						text,
	operator						text,
	condition						text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
BEGIN ATOMIC
	WITH parts AS (
		SELECT substr(condition, strpos(condition, ' ' || operator || ' ') + length(operator) + 2) AS rest,
			(regexp_match(expression, '::("[^"]+"|[[:alpha:]_][^()]*(\([0-9,]+\))?)\)*$'))[1] AS target,
			regexp_match(expression, '^\(?("?[[:alnum:]_.$]+"?) ([-+*/]) (.+?)\)?$') AS sum,
			(regexp_match(expression, 'date_trunc\(''([a-z]+)''', 'i'))[1] AS unit,
			(regexp_match(expression, '^\(?COALESCE\([^,]+, (.*?)\)\)?$', 'i'))[1] AS instead
	),
	sides AS (
		-- without the parenthesis that closes the whole
		SELECT p.*, CASE
				WHEN length(replace(p.rest, ')', '')) < length(replace(p.rest, '(', ''))
					THEN regexp_replace(p.rest, '\)$', '')
				ELSE p.rest
			END AS value
		FROM parts AS p
	)
	SELECT CASE
		WHEN obstacle = 'cast' AND s.target = 'date' AND type ~ '^timestamp' THEN
			CASE operator
				WHEN '=' THEN format('%1$s >= %2$s AND %1$s < %2$s + 1', "column", d.date)
				WHEN '<' THEN format('%s < %s', "column", d.date)
				WHEN '>=' THEN format('%s >= %s', "column", d.date)
				WHEN '<=' THEN format('%s < %s + 1', "column", d.date)
				WHEN '>' THEN format('%s >= %s + 1', "column", d.date)
			END
		-- a literal, as far as it is one of that type, too
		WHEN obstacle = 'cast' AND operator IN ('=', '<', '>', '<=', '>=')
				AND s.value ~ '^''([^'']|'''')*''::[a-z ]+$'
				AND (type NOT IN ('smallint', 'integer', 'bigint') OR s.value ~ '^''-?[0-9]+''')
			THEN format('%s %s %s::%s', "column", operator, regexp_replace(s.value, '::[a-z ]+$', ''), type)
		WHEN obstacle = 'cast' AND operator IN ('=', '<', '>', '<=', '>=')
			THEN format('%s %s CAST(%s AS %s)', "column", operator, s.value, type)
		WHEN obstacle = 'arithmetic' AND s.sum[2] = '+' AND s.sum[1] = "column"
			THEN format('%s %s %s - %s', "column", operator, s.value, s.sum[3])
		WHEN obstacle = 'arithmetic' AND s.sum[2] = '-' AND s.sum[1] = "column"
			THEN format('%s %s %s + %s', "column", operator, s.value, s.sum[3])
		WHEN obstacle IN ('function', 'volatile') AND s.unit IS NOT NULL THEN
			CASE operator
				WHEN '=' THEN format('%1$s >= %2$s AND %1$s < %2$s + interval ''1 %3$s''', "column", s.value, s.unit)
				WHEN '>=' THEN format('%s >= %s', "column", s.value)
				WHEN '<' THEN format('%s < %s', "column", s.value)
			END
		WHEN obstacle = 'coalesce' AND operator = '=' AND s.instead = s.value
			THEN format('(%1$s = %2$s OR %1$s IS NULL)', "column", s.value)
		WHEN obstacle = 'coalesce' AND s.instead IS NOT NULL AND s.value <> '?' AND s.instead <> '?'
				AND operator = '='
			THEN format('%s = %s', "column", s.value)
	END
	FROM sides AS s
		CROSS JOIN LATERAL (
			SELECT CASE WHEN s.value ~ '^([?]|\$[0-9]+)$' THEN s.value || '::date' ELSE s.value END AS date) AS d;
END;
COMMENT ON FUNCTION diagnose.rewritten_condition(text, text, text, text, text, text) IS
'how a condition could be written so that an index on its column can serve it; NULL: not known';

CREATE OR REPLACE FUNCTION diagnose.rewrite_advice(
	w								diagnose.window DEFAULT diagnose.since_reset(),
	OUT identity					text,
	OUT subject						text,
	OUT evidence					jsonb,
	OUT verify_from					text,
	OUT queryid						bigint,
	OUT calls						bigint,
	OUT ms_per_s					double precision,
	OUT relation					text,
	OUT relid						oid,
	OUT obstacle					text,
	OUT condition					text,
	OUT rewritten					text,
	OUT executions					bigint,
	OUT rows_discarded				double precision,
	OUT rows_out					double precision,
	OUT advice						text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20 COST 100000
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
	WITH statements AS MATERIALIZED (
		SELECT s.identity, s.subject, s.evidence, s.verify_from, s.userid, s.dbid, s.toplevel,
			q.queryid, s.calls + s.failed AS calls, s.query,
			(s.total_exec_time + s.failed_time) / (s.calls + s.failed) AS mean,
			(s.total_exec_time + s.failed_time) / s.seconds AS ms_per_s
		FROM diagnose.workload(w) AS s
			CROSS JOIN LATERAL unnest(s.queryids) AS q (queryid)
		WHERE s.dbid = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
			AND s.total_exec_time + s.failed_time >= s.all_time *
				current_setting('pg_diagnose.needs_rewrite_min_share', true)::float8
			-- What is done once is no habit.
			AND s.calls + s.failed > 1
	),
	judged AS MATERIALIZED (
		SELECT p.* FROM diagnose.predicates(w) AS p
	),
	-- The order that an OFFSET counts in.
	orders AS (
		SELECT p.queryid, p.userid, p.toplevel,
			string_agg(DISTINCT p.expression, ', ') AS keys
		FROM judged AS p WHERE p.kind = 'sort'
		GROUP BY p.queryid, p.userid, p.toplevel
	),
	blocked AS (
		SELECT s.*, p.relid, p.relation, p.executions, p.columns, p.operator, p.expression,
			CASE
				WHEN p.kind = 'offset' THEN 'offset'
				WHEN p.condition IS NULL THEN 'NOT IN'
				ELSE p.obstacle
			END AS obstacle,
			-- without the parentheses around all of it
			CASE
				WHEN p.kind = 'offset' THEN format('OFFSET %s', p.rows_discarded)
				WHEN p.condition IS NULL THEN 'NOT IN (SELECT ...)'
				ELSE regexp_replace(regexp_replace(p.condition, '\s+', ' ', 'g'), '^\((.*)\)$', '\1')
			END AS condition,
			d.discarded, p.rows_out::float8 / nullif(p.executions, 0) AS kept,
			(SELECT quote_ident(a.attname) FROM pg_attribute AS a
			 WHERE a.attrelid = p.relid AND a.attname = p.columns[1]) AS "column",
			(SELECT format_type(a.atttypid, NULL) FROM pg_attribute AS a
			 WHERE a.attrelid = p.relid AND a.attname = p.columns[1]) AS type,
			o.keys
		FROM judged AS p
			JOIN statements AS s ON s.userid = p.userid AND s.dbid = p.dbid
				AND s.toplevel = p.toplevel AND s.queryid = p.queryid
			-- of an OFFSET, what the statement says
			CROSS JOIN LATERAL (
				SELECT p.rows_discarded::float8 /
					CASE WHEN p.kind = 'offset' THEN 1 ELSE nullif(p.executions, 0) END AS discarded) AS d
			LEFT JOIN orders AS o ON o.queryid = p.queryid AND o.userid = p.userid
				AND o.toplevel = p.toplevel
		WHERE CASE
				WHEN p.kind = 'offset' OR p.obstacle IS NOT NULL AND p.condition IS NOT NULL THEN
					d.discarded >= current_setting('pg_diagnose.needs_rewrite_min_discarded', true)::float8
					AND p.rows_discarded >= (p.rows_discarded + coalesce(p.rows_out, 0)) *
						current_setting('pg_diagnose.needs_rewrite_min_discarded_share', true)::float8
				-- A subplan that is hashed is fast; one that is run through for each
				-- row takes its time.
				WHEN p.kind = 'other' AND p.condition IS NULL THEN
					s.query ~* '\mnot\s+in\s*\(\s*select\M|<>\s*all\s*\(\s*select\M'
					AND p.rows_discarded + p.rows_out >= p.executions *
						current_setting('pg_diagnose.needs_rewrite_min_discarded', true)::float8
					AND s.mean * p.executions >= (p.rows_discarded + p.rows_out) *
						current_setting('pg_diagnose.needs_rewrite_min_row_time', true)::float8 / 1000
			END
	),
	written AS (
		SELECT b.*, diagnose.rewritten_condition(b.obstacle, b."column", b.type,
			b.expression, b.operator, b.condition) AS rewritten
		FROM blocked AS b
	)
	SELECT x.identity, x.subject, x.evidence, x.verify_from, x.queryid, x.calls, x.ms_per_s,
		x.relation, x.relid, x.obstacle, x.condition, x.rewritten, x.executions,
		x.discarded, x.kept,
		concat_ws(' ',
			CASE
				WHEN x.rewritten IS NOT NULL THEN format('Write %s instead of %s; then an index on %s can serve it.',
					x.rewritten, x.condition, x."column")
				WHEN x.obstacle = 'offset' THEN 'Each page reads all the pages before it. Remember where the last one ended, and ask for what comes after that, without OFFSET: ' ||
					CASE
						WHEN x.keys !~ ' (DESC|NULLS) ?' THEN format('WHERE (%1$s) > (...) ORDER BY %1$s.', x.keys)
						ELSE format('in the order of %s.', coalesce(x.keys, 'the statement'))
					END
				WHEN x.obstacle = 'cast' THEN format('Compare %s with a value of its own type, %s: cast the value or the parameter, not the column.',
					coalesce(x."column", 'the column'), coalesce(x.type, 'as declared'))
				WHEN x.obstacle = 'arithmetic' THEN format('Leave %s alone on its side, and calculate on the other one.',
					coalesce(x."column", 'the column'))
				WHEN x.obstacle = 'coalesce' THEN format('Write %s for the rows with a value, with OR %s IS NULL if those without are wanted, too.',
					format('%s %s ...', coalesce(x."column", 'the column'), x.operator), coalesce(x."column", 'it'))
				WHEN x.obstacle = 'leading wildcard' THEN format('What begins with a wildcard needs an index on trigrams: CREATE EXTENSION pg_trgm, then an index USING gin (%s gin_trgm_ops).',
					coalesce(x."column", '...'))
				WHEN x.obstacle = 'NOT IN' THEN 'Write NOT EXISTS instead of NOT IN: the planner can turn that into a join, and it does not stumble over NULL.'
				WHEN x.obstacle = 'negation' THEN 'Say which values are wanted, not which are not; or make a partial index with this condition.'
				WHEN x.obstacle IN ('function', 'volatile') THEN format('The result of %s depends on settings or on the time, so there cannot be an index on it. Compare the column itself with the ends of a range.',
					x.expression)
				ELSE format('Compare %s itself, so that an index on it can serve the condition.', coalesce(x."column", 'the column'))
			END,
			CASE WHEN x.obstacle = 'cast' AND x.query !~* '::|\mcast\s*\(' THEN format('The cast is not in the statement: a parameter or a value has another type than the column. Bind it as %s.',
				coalesce(x.type, 'that of the column')) END)
	FROM written AS x;
END;
COMMENT ON FUNCTION diagnose.rewrite_advice(diagnose.window) IS
'conditions that no index can serve as they are written, of statements that take time and discard most of what they read: what stands in the way, and how to write it; rows are per instrumented execution, which may be older than the window';

CREATE OR REPLACE VIEW diagnose.rewrite_advice AS
SELECT round(r.ms_per_s::numeric, 1) AS ms_per_s, diagnose.short_text(r.relation, 22) AS relation,
	to_char(r.rows_discarded, 'FM999,999,999,990') AS discarded,
	diagnose.short_text(r.condition, 29) AS condition,
	diagnose.short_text(coalesce(r.rewritten, r.obstacle), 32) AS rewritten
FROM diagnose.rewrite_advice(diagnose.since_reset()) AS r
ORDER BY r.ms_per_s DESC, r.relation, r.condition;
COMMENT ON VIEW diagnose.rewrite_advice IS
'conditions that no index can serve as they are written; diagnose.rewrite_advice() has all of it';
COMMENT ON COLUMN diagnose.rewrite_advice.ms_per_s IS 'database time of the statement, in milliseconds per second';
COMMENT ON COLUMN diagnose.rewrite_advice.discarded IS 'rows read in vain, per execution';
COMMENT ON COLUMN diagnose.rewrite_advice.rewritten IS 'what an index could serve, or if that is not known, what stands in the way';
