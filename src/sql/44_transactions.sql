-- Transactions for people: where the time goes between BEGIN and COMMIT, and
-- what is open now.

-- A route says more than the code behind it, and that more than the program.
CREATE OR REPLACE FUNCTION diagnose.tag_text(
	route							text,
	controller						text,
	action							text,
	application						text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN route <> '' THEN route
	WHEN controller <> '' AND action <> '' THEN controller || '#' || action
	WHEN controller <> '' THEN controller
	WHEN action <> '' THEN action
	ELSE coalesce(application, '')
END;
COMMENT ON FUNCTION diagnose.tag_text(text, text, text, text) IS
'who did it, in one word: route, or controller#action, or the application''s name';

CREATE OR REPLACE FUNCTION diagnose.shape_text(
	first_statement					text,
	positions						bigint,
	width							integer)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN positions > 1 THEN
		diagnose.short_text(coalesce(first_statement, '<text not kept>'),
			greatest(width - 2 - length((positions - 1)::text), 8)) ||
			' +' || positions - 1
	WHEN positions = 1 THEN
		diagnose.short_text(coalesce(first_statement, '<text not kept>'), width)
	ELSE '(no statement)'
END;
COMMENT ON FUNCTION diagnose.shape_text(text, bigint, integer) IS
'a shape in so many characters: its first statement, and how many positions follow';

CREATE OR REPLACE FUNCTION diagnose.number_text(n double precision)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
	WHEN n < 9.95 AND round(n::numeric, 1) <> round(n::numeric)
		THEN to_char(n, 'FM990.0')
	ELSE to_char(n, 'FM9,999,999,999,999,999,990')
END;
COMMENT ON FUNCTION diagnose.number_text(double precision) IS
'a number, or an average, as people write it: 1,204 or 2.5';

-- What is put in is not looked at again: a statement may have {words}, too.
CREATE OR REPLACE FUNCTION diagnose.fill_words(template text, words jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
BEGIN ATOMIC
	SELECT string_agg(coalesce(words ->> substring(p.piece[1] FROM '^[{](.*)[}]$'),
			p.piece[1]), '' ORDER BY p.place)
	FROM regexp_matches(template, '[{][a-z_]+[}]|[^{]+|[{]', 'g')
		WITH ORDINALITY AS p (piece, place);
END;
COMMENT ON FUNCTION diagnose.fill_words(text, jsonb) IS
'a detector''s sentence with its {words} replaced; those that are not known stay';

-- What has one user, database, tag as people see it, and shape is one row, and
-- all who read of transactions mean the same by it.  "identity" is of names and
-- fingerprints: it stays the same through dump and restore.  Statements, shapes
-- and positions are read once each.
CREATE OR REPLACE FUNCTION diagnose.transaction_shapes_query(w diagnose.window)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 500 COST 30000
BEGIN ATOMIC
	WITH captured AS MATERIALIZED (
		SELECT s.dbid, s.queryid, s.fingerprint, s.query, s.toplevel
		FROM diagnose.statements(w) AS s
		WHERE s.query IS NOT NULL AND s.queryid IS NOT NULL
	),
	-- A fingerprint is alike for lists of all lengths, a query identifier may
	-- be forgotten sooner.
	texts AS (
		SELECT DISTINCT ON (c.dbid, c.queryid) c.dbid, c.queryid, c.query
		FROM captured AS c
		ORDER BY c.dbid, c.queryid, c.toplevel DESC
	),
	texts_alike AS (
		SELECT DISTINCT ON (c.dbid, c.fingerprint) c.dbid, c.fingerprint, c.query
		FROM captured AS c
		WHERE c.fingerprint IS NOT NULL
		ORDER BY c.dbid, c.fingerprint, c.toplevel DESC, c.queryid
	),
	positions AS (
		SELECT p.dbid, p.userid, p.shape,
			diagnose.tag_text(p.route, p.controller, p.action, p.application) AS tag,
			p.position, p.fingerprint, max(p.queryid) AS queryid,
			max(p.cycle) AS cycle,
			max(p.flags) AS flags, max(p.relid) AS relid,
			sum(p.calls) AS calls, sum(p.failures) AS failures,
			sum(p.rows) AS rows, sum(p.exec_time) AS exec_time,
			sum(p.idle_time) AS idle_time, sum(p.lock_wait) AS lock_wait
		FROM diagnose.transaction_steps(w) AS p
		WHERE p.shape IS NOT NULL
		GROUP BY 1, 2, 3, 4, 5, 6
	),
	worded AS (
		SELECT p.*, coalesce(t.query, a.query) AS query
		FROM positions AS p
			LEFT JOIN texts AS t ON t.dbid = p.dbid AND t.queryid = p.queryid
			LEFT JOIN texts_alike AS a ON a.dbid = p.dbid
				AND a.fingerprint = p.fingerprint
	),
	told AS (
		SELECT p.dbid, p.userid, p.shape, p.tag,
			min(p.query) FILTER (WHERE p.position = 1) AS first_statement,
			min(p.fingerprint) FILTER (WHERE p.position = 1) AS first_fingerprint,
			bool_and(diagnose.is_own(p.query)) FILTER (WHERE p.fingerprint IS NOT NULL) AS is_own,
			jsonb_agg(jsonb_build_object(
				'position', p.position, 'fingerprint', p.fingerprint,
				'query', CASE
					WHEN p.fingerprint IS NULL THEN '(all further statements)'
					ELSE coalesce(p.query, '<text not kept>')
				END,
				'is_own', diagnose.is_own(p.query),
				'cycle', nullif(p.cycle, 0), 'flags', p.flags, 'relid', p.relid,
				'calls', p.calls, 'failures', p.failures, 'rows', p.rows,
				'exec_time', p.exec_time, 'idle_time', p.idle_time,
				'lock_wait', p.lock_wait) ORDER BY p.position) AS steps
		FROM worded AS p
		GROUP BY 1, 2, 3, 4
	),
	summed AS (
		SELECT x.dbid, x.userid, x.shape,
			diagnose.tag_text(x.route, x.controller, x.action, x.application) AS tag,
			min(x.kind) AS kind, min(x.isolation) AS isolation,
			max(nullif(x.application, '')) AS application,
			max(nullif(x.route, '')) AS route,
			max(nullif(x.action, '')) AS action,
			max(nullif(x.controller, '')) AS controller,
			max(nullif(x.framework, '')) AS framework,
			(array_agg(x.traceparent ORDER BY x.slowest DESC)
				FILTER (WHERE x.traceparent <> ''))[1] AS traceparent,
			max(x.positions) AS positions,
			sum(x.calls)::bigint AS calls, sum(x.timed)::bigint AS timed,
			sum(x.commits)::bigint AS commits,
			sum(x.rollbacks)::bigint AS rollbacks,
			sum(x.aborts)::bigint AS aborts,
			sum(x.prepared)::bigint AS prepared,
			sum(x.abandoned)::bigint AS abandoned,
			sum(x.statements)::bigint AS statements,
			max(x.max_statements) AS max_statements,
			sum(x.rows)::bigint AS rows,
			sum(x.duration) AS duration, max(x.max_duration) AS max_duration,
			sum(x.exec_time) AS exec_time,
			-- unknown where track_activities was off
			sum(x.idle_time) FILTER (WHERE x.timed > 0) AS idle_time,
			sum(x.idle_before_end) AS idle_before_end,
			sum(x.commit_time) AS commit_time,
			max(x.max_commit_time) AS max_commit_time,
			sum(x.lock_wait) AS lock_wait,
			sum(x.with_xid)::bigint AS with_xid,
			sum(x.idle_with_row_locks) AS idle_with_row_locks,
			sum(x.aborted_time) AS aborted_time,
			sum(x.retries)::bigint AS retries,
			sum(x.retried_time) AS retried_time,
			sum(x.ended_by_gap)::bigint AS ended_by_gap,
			sum(x.ended_by_tag)::bigint AS ended_by_tag,
			sum(x.ended_by_begin)::bigint AS ended_by_begin,
			diagnose.sum(x.duration_histogram) AS duration_histogram,
			diagnose.sum(x.idle_histogram) AS idle_histogram,
			diagnose.sum(x.commit_histogram) AS commit_histogram,
			(array_agg(x.tag ORDER BY x.calls DESC, x.tag))[1] AS tag_number,
			sum(x.wal_bytes)::bigint AS wal_bytes
		FROM diagnose.transactions(w) AS x
		WHERE x.shape IS NOT NULL
		GROUP BY 1, 2, 3, 4
	),
	named AS (
		SELECT s.*,
			coalesce(d.datname::text, 'oid ' || s.dbid) AS database,
			coalesce(r.rolname::text, 'oid ' || s.userid) AS role
		FROM summed AS s
			LEFT JOIN pg_database AS d ON d.oid = s.dbid
			LEFT JOIN pg_roles AS r ON r.oid = s.userid
	)
	SELECT left(encode(sha256(convert_to(i.identity, 'UTF8')), 'hex'), 6),
		i.identity, n.database, n.role, n.kind, n.isolation, n.tag,
		t.first_statement, t.first_fingerprint, coalesce(t.is_own, false), coalesce(t.steps, '[]'),
		n.dbid, n.userid, n.shape, n.application, n.route, n.action,
		n.controller, n.framework, n.traceparent, n.positions, n.calls,
		n.timed, n.commits, n.rollbacks, n.aborts, n.prepared, n.abandoned,
		n.statements, n.max_statements, n.rows, n.duration, n.max_duration,
		n.exec_time, n.idle_time, n.idle_before_end, n.commit_time,
		n.max_commit_time, n.lock_wait, n.with_xid, n.idle_with_row_locks,
		n.aborted_time, n.retries, n.retried_time,
		n.ended_by_gap, n.ended_by_tag, n.ended_by_begin,
		n.duration_histogram, n.idle_histogram, n.commit_histogram,
		n.tag_number, n.wal_bytes
	FROM named AS n
		CROSS JOIN LATERAL (
			SELECT format('%s:%s:%s:%s', n.database, n.role, n.tag, n.shape)) AS i (identity)
		LEFT JOIN told AS t ON t.dbid = n.dbid AND t.userid = n.userid
			AND t.shape = n.shape AND t.tag = n.tag;
END;
COMMENT ON FUNCTION diagnose.transaction_shapes_query(diagnose.window) IS
'what transaction_shapes() asks; its columns are declared there';

CREATE OR REPLACE FUNCTION diagnose.transaction_shapes(
	w								diagnose.window,
	OUT id							text,
	OUT identity					text,
	OUT database					text,
	OUT role						text,
	OUT kind						text,
	OUT isolation					text,
	OUT tag							text,
	OUT first_statement				text,
	OUT first_fingerprint			bigint,
	OUT is_own						boolean,
	OUT steps						jsonb,
	OUT dbid						oid,
	OUT userid						oid,
	OUT shape						bigint,
	OUT application					text,
	OUT route						text,
	OUT action						text,
	OUT controller					text,
	OUT framework					text,
	OUT traceparent					text,
	OUT positions					bigint,
	OUT calls						bigint,
	OUT timed						bigint,
	OUT commits						bigint,
	OUT rollbacks					bigint,
	OUT aborts						bigint,
	OUT prepared					bigint,
	OUT abandoned					bigint,
	OUT statements					bigint,
	OUT max_statements				bigint,
	OUT rows						bigint,
	OUT duration					double precision,
	OUT max_duration				double precision,
	OUT exec_time					double precision,
	OUT idle_time					double precision,
	OUT idle_before_end				double precision,
	OUT commit_time					double precision,
	OUT max_commit_time				double precision,
	OUT lock_wait					double precision,
	OUT with_xid					bigint,
	OUT idle_with_row_locks			double precision,
	OUT aborted_time				double precision,
	OUT retries						bigint,
	OUT retried_time				double precision,
	OUT ended_by_gap				bigint,
	OUT ended_by_tag				bigint,
	OUT ended_by_begin				bigint,
	OUT duration_histogram			diagnose.histogram,
	OUT idle_histogram				diagnose.histogram,
	OUT commit_histogram			diagnose.histogram,
	OUT tag_number					bigint,
	OUT wal_bytes					bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_transaction_shapes'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 500 COST 30000;
COMMENT ON FUNCTION diagnose.transaction_shapes(diagnose.window) IS
'shapes of transactions and bursts by database, role and tag, with the texts of their positions; those that the caller may not see are left out';

-- Times are those of one transaction, on average: what a loop takes is the sum
-- over its rounds.
CREATE OR REPLACE FUNCTION diagnose.transaction_times(
	w								diagnose.window,
	OUT id							text,
	OUT database					text,
	OUT kind						text,
	OUT tag							text,
	OUT calls						bigint,
	OUT statements					numeric,
	OUT p50_ms						numeric,
	OUT p95_ms						numeric,
	OUT p99_ms						numeric,
	OUT max_ms						numeric,
	OUT total_ms					numeric,
	OUT idle_pct					numeric,
	OUT commit_p95_ms				numeric,
	OUT failed_pct					numeric,
	OUT traceparent					text,
	OUT positions					bigint,
	OUT first_statement				text)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 500
BEGIN ATOMIC
	SELECT x.id, x.database, x.kind, x.tag, x.calls,
		round(x.statements::numeric / x.calls, 1),
		round(least(diagnose.quantile(x.duration_histogram, 0.50), x.max_duration)::numeric, 1),
		round(least(diagnose.quantile(x.duration_histogram, 0.95), x.max_duration)::numeric, 1),
		round(least(diagnose.quantile(x.duration_histogram, 0.99), x.max_duration)::numeric, 1),
		round(x.max_duration::numeric, 1),
		round(x.duration::numeric, 1),
		round((100 * x.idle_time / nullif(x.duration, 0))::numeric, 1),
		round(least(diagnose.quantile(x.commit_histogram, 0.95), nullif(x.max_commit_time, 0))::numeric, 1),
		round(100.0 * (x.rollbacks + x.aborts + x.abandoned) /
			nullif(x.commits + x.rollbacks + x.aborts + x.prepared + x.abandoned, 0), 1),
		x.traceparent, x.positions, x.first_statement
	FROM diagnose.transaction_shapes(w) AS x
	WHERE x.calls > 0 AND NOT x.is_own
	ORDER BY x.duration DESC, x.identity;
END;
COMMENT ON FUNCTION diagnose.transaction_times(diagnose.window) IS
'how long transactions and bursts take, by shape; idle_pct is the share in which they wait for the client, failed_pct that of those rolled back, aborted or abandoned';

-- 88 characters of columns and 32 of psql's frame.
CREATE OR REPLACE VIEW diagnose.transactions AS
SELECT CASE t.kind WHEN 'transaction' THEN 'xact' ELSE t.kind END AS kind,
	t.calls, t.statements AS stmts, t.p50_ms, t.p95_ms, t.p99_ms,
	round(t.idle_pct) AS idle, t.commit_p95_ms AS commit,
	round(t.failed_pct) AS fail,
	CASE WHEN t.tag <> '' THEN diagnose.short_text(t.tag, 16) || ': ' ELSE '' END ||
		diagnose.shape_text(t.first_statement, t.positions, CASE
			WHEN t.tag <> '' THEN 28 - least(length(t.tag), 16) ELSE 30
		END) AS transaction,
	t.id
FROM diagnose.transaction_times(diagnose.since_reset()) AS t;
COMMENT ON VIEW diagnose.transactions IS
'transactions and bursts since the last reset by shape, what takes longest in all first; SELECT diagnose.transaction(''...'') with the last column tells more';
COMMENT ON COLUMN diagnose.transactions.kind IS 'xact: BEGIN to COMMIT; burst: autocommit statements in quick succession';
COMMENT ON COLUMN diagnose.transactions.calls IS 'how many there were';
COMMENT ON COLUMN diagnose.transactions.stmts IS 'statements in one of them, on average';
COMMENT ON COLUMN diagnose.transactions.p50_ms IS 'median of the duration from begin to end, in milliseconds';
COMMENT ON COLUMN diagnose.transactions.p95_ms IS '95th percentile of the duration';
COMMENT ON COLUMN diagnose.transactions.p99_ms IS '99th percentile of the duration';
COMMENT ON COLUMN diagnose.transactions.idle IS 'percentage of the duration in which it waited for the client';
COMMENT ON COLUMN diagnose.transactions.commit IS '95th percentile of the time that COMMIT took, in milliseconds';
COMMENT ON COLUMN diagnose.transactions.fail IS 'percentage that was rolled back, aborted or abandoned';
COMMENT ON COLUMN diagnose.transactions.transaction IS 'route, controller#action or application; the first statement; how many positions follow';
COMMENT ON COLUMN diagnose.transactions.id IS 'argument for diagnose.transaction(): its timeline';

-- Position 0 is BEGIN, the one after the last statement is COMMIT; a burst has
-- neither.
CREATE OR REPLACE FUNCTION diagnose.transaction_timeline(
	w								diagnose.window,
	OUT id							text,
	OUT database					text,
	OUT kind						text,
	OUT tag							text,
	OUT "position"					integer,
	OUT idle_ms						numeric,
	OUT exec_ms						numeric,
	OUT pct							numeric,
	OUT rows						numeric,
	OUT calls						numeric,
	OUT failures					bigint,
	OUT rounds						text,
	OUT locks						text,
	OUT query						text)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 5000
BEGIN ATOMIC
	WITH shapes AS MATERIALIZED (
		SELECT x.*,
			row_number() OVER (ORDER BY x.duration DESC, x.identity) AS place
		FROM diagnose.transaction_shapes(w) AS x
		WHERE x.calls > 0 AND NOT x.is_own
	),
	listed AS (
		SELECT x.place, s.position, s.idle_time, s.exec_time, s.rows, s.calls,
			s.failures, s.query, c.start AS cycle_start, c.length AS cycle_length,
			-- Not in a burst, where each statement's locks end with it.
			x.kind = 'transaction' AND coalesce(s.flags &&
				'{inserts,updates,deletes,locks_rows}', false) AS locks_rows,
			x.kind = 'transaction' AND coalesce(s.flags &&
				'{locks_table}', false) AS locks_table
		FROM shapes AS x
			CROSS JOIN LATERAL jsonb_to_recordset(x.steps) AS s (position int,
				idle_time float8, exec_time float8, rows float8, calls float8,
				failures bigint, query text, flags text[])
			-- the cycle that this position is in
			LEFT JOIN LATERAL (
				SELECT y.position AS start, y.cycle AS length
				FROM jsonb_to_recordset(x.steps) AS y (position int, cycle int)
				WHERE s.position >= y.position AND s.position < y.position + y.cycle
				ORDER BY y.position DESC LIMIT 1) AS c ON true
		UNION ALL
		SELECT x.place, 0, NULL, NULL, NULL, x.calls, 0,
			'BEGIN' || CASE WHEN x.isolation = 'read committed' THEN ''
				ELSE ' ISOLATION LEVEL ' || upper(x.isolation) END,
			NULL, NULL, false, false
		FROM shapes AS x
		WHERE x.kind = 'transaction'
		UNION ALL
		SELECT x.place, x.positions + 1, x.idle_before_end, x.commit_time, NULL,
			x.calls, x.aborts + x.rollbacks + x.abandoned,
			e.outcome,
			NULL, NULL, false, false
		FROM shapes AS x
			CROSS JOIN LATERAL (
				SELECT string_agg(y.word || CASE
						WHEN y.word IN ('COMMIT', 'PREPARE TRANSACTION') OR y.n = x.calls THEN ''
						ELSE ' ' || diagnose.share_text(y.n::float8 / x.calls)
					END, ', ' ORDER BY y.place)
				FROM (VALUES
					(1, 'COMMIT', x.commits),
					(2, 'PREPARE TRANSACTION', x.prepared),
					(3, 'ROLLBACK', x.rollbacks),
					(4, 'error', x.aborts),
					(5, 'end of session', x.abandoned)) AS y (place, word, n)
				WHERE y.n > 0) AS e (outcome)
		WHERE x.kind = 'transaction'
	),
	held AS (
		SELECT l.*,
			bool_or(l.locks_rows) OVER so_far AS rows_held,
			bool_or(l.locks_table) OVER so_far AS tables_held,
			max(l.position) OVER (PARTITION BY l.place) AS last_position
		FROM listed AS l
		WINDOW so_far AS (PARTITION BY l.place ORDER BY l.position)
	)
	SELECT x.id, x.database, x.kind, x.tag, h.position,
		round((h.idle_time / nullif(x.timed, 0))::numeric, 1),
		round((h.exec_time / x.calls)::numeric, 1),
		round((100 * (coalesce(h.idle_time, 0) + h.exec_time) / nullif(x.duration, 0))::numeric, 1),
		round((h.rows / x.calls)::numeric, 1),
		round((h.calls / x.calls)::numeric, 1),
		h.failures,
		CASE
			WHEN h.cycle_length IS NULL THEN NULL
			WHEN h.cycle_length = 1 THEN ''
			WHEN h.position = h.cycle_start THEN '/ '
			WHEN h.position = h.cycle_start + h.cycle_length - 1 THEN E'\\ '
			ELSE '| '
		END || 'x' || CASE
			WHEN h.calls / x.calls < 9.95 AND h.calls::numeric % x.calls <> 0
				THEN to_char(h.calls / x.calls, 'FM990.0')
			ELSE to_char(h.calls / x.calls, 'FM9999999990')
		END,
		-- What is held ends with the transaction.
		CASE WHEN h.position < h.last_position THEN
			nullif(concat_ws(', ', CASE WHEN h.rows_held THEN 'rows' END,
				CASE WHEN h.tables_held THEN 'table' END), '')
		END,
		h.query
	FROM held AS h
		JOIN shapes AS x ON x.place = h.place
	ORDER BY h.place, h.position;
END;
COMMENT ON FUNCTION diagnose.transaction_timeline(diagnose.window) IS
'where the time goes in each shape, position by position from BEGIN to COMMIT: times, rows and calls of one transaction on average; idle_ms is the think time before the statement';

-- 84 characters of columns, 26 of psql's frame.
CREATE OR REPLACE VIEW diagnose.transaction_steps AS
SELECT t.id, t.position AS pos, t.idle_ms, t.exec_ms, t.pct, t.rows, t.rounds,
	t.locks, diagnose.short_text(t.query, 42) AS statement
FROM diagnose.transaction_timeline(diagnose.since_reset()) AS t;
COMMENT ON VIEW diagnose.transaction_steps IS
'where the time goes between BEGIN and COMMIT, for each shape since the last reset: what one transaction takes on average, position by position';
COMMENT ON COLUMN diagnose.transaction_steps.id IS 'the shape, as in the last column of diagnose.transactions';
COMMENT ON COLUMN diagnose.transaction_steps.pos IS 'position: all executions in a row of one statement; 0 is BEGIN';
COMMENT ON COLUMN diagnose.transaction_steps.idle_ms IS 'waiting for the client before it, in milliseconds';
COMMENT ON COLUMN diagnose.transaction_steps.exec_ms IS 'executing, or committing, in milliseconds';
COMMENT ON COLUMN diagnose.transaction_steps.pct IS 'both in percent of the whole duration';
COMMENT ON COLUMN diagnose.transaction_steps.rows IS 'rows it returned or wrote';
COMMENT ON COLUMN diagnose.transaction_steps.rounds IS 'executions, if it may be several; what / | \ joins comes round together';
COMMENT ON COLUMN diagnose.transaction_steps.locks IS 'what others have to wait for from here to the end: rows or tables';
COMMENT ON COLUMN diagnose.transaction_steps.statement IS 'its text without literals';

-- Lines as EXPLAIN's, see diagnose.explain().
CREATE OR REPLACE FUNCTION diagnose.transaction(
	id								text,
	w								diagnose.window DEFAULT diagnose.since_reset())
RETURNS SETOF text
LANGUAGE plpgsql STABLE ROWS 30 COST 60000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	x								record;
	step							record;
	line							text;
	margin							text;
BEGIN
	IF id IS NULL THEN
		RAISE EXCEPTION 'id must not be null'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Take one from the column "id" of diagnose.transactions.';
	END IF;

	SELECT s.* INTO x
	FROM diagnose.transaction_shapes(w) AS s
	WHERE s.id = transaction.id AND s.calls > 0;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'transaction "%" does not exist', id
			USING ERRCODE = 'undefined_object',
				HINT = 'Take one from the column "id" of diagnose.transactions.';
	END IF;

	RETURN NEXT format('%s%s in database %s, role %s', x.kind,
		' of ' || nullif(x.tag, ''), x.database, x.role);
	RETURN NEXT format('  Calls: %s, of %s statements each, at most %s, in %s',
		diagnose.number_text(x.calls),
		diagnose.number_text(x.statements::float8 / x.calls),
		diagnose.number_text(x.max_statements),
		diagnose.count_text(x.positions, 'position'));
	RETURN NEXT format('  Lasts: %s on average, median %s, p95 %s, p99 %s, at most %s',
		diagnose.duration_text(x.duration / x.calls),
		diagnose.duration_text(least(diagnose.quantile(x.duration_histogram, 0.50), x.max_duration)),
		diagnose.duration_text(least(diagnose.quantile(x.duration_histogram, 0.95), x.max_duration)),
		diagnose.duration_text(least(diagnose.quantile(x.duration_histogram, 0.99), x.max_duration)),
		diagnose.duration_text(x.max_duration));
	RETURN NEXT format('  Of which: %s executing, %s waiting for the client%s',
		diagnose.share_text(x.exec_time / nullif(x.duration, 0)),
		coalesce(diagnose.share_text(x.idle_time / nullif(x.duration, 0)), 'an unknown share of it'),
		CASE WHEN x.commit_time > 0 THEN ', ' ||
			diagnose.share_text(x.commit_time / nullif(x.duration, 0)) || ' committing' ELSE '' END);
	IF x.kind = 'burst' THEN
		RETURN NEXT format('  Ended by: a long gap %s, another tag %s, BEGIN %s',
			diagnose.count_text(x.ended_by_gap, 'time'),
			diagnose.count_text(x.ended_by_tag, 'time'),
			diagnose.count_text(x.ended_by_begin, 'time'));
	END IF;
	FOR line IN
		-- The alias marks the query as our own.
		SELECT format('  %s: %s', diagnose.title, diagnose.body)
		FROM (VALUES
			('Route', x.route),
			('Action', concat_ws('#', x.controller, x.action)),
			('Framework', x.framework),
			('Application', x.application),
			('Trace of the slowest', x.traceparent)) AS diagnose (title, body)
		WHERE diagnose.body <> ''
	LOOP
		RETURN NEXT line;
	END LOOP;

	RETURN NEXT '     idle ms    exec ms    %      rows  rounds    locks   statement';
	FOR step IN
		SELECT t.* FROM diagnose.transaction_timeline(w) AS t
		WHERE t.id = transaction.id
		ORDER BY t.position
	LOOP
		margin := format('%s%s%s%s  %s%s',
			lpad(coalesce(step.idle_ms::text, ''), 12),
			lpad(coalesce(step.exec_ms::text, ''), 11),
			lpad(coalesce(round(step.pct)::text, ''), 5),
			lpad(coalesce(step.rows::text, ''), 10),
			rpad(coalesce(step.rounds, ''), 10),
			rpad(coalesce(replace(step.locks, ', ', ','), ''), 8));
		FOREACH line IN ARRAY string_to_array(rtrim(regexp_replace(
			diagnose.short_text(regexp_replace(btrim(step.query), '\s+', ' ', 'g'), 300),
			'(.{1,58})( |$)', E'\\1\n', 'g'), E'\n'), E'\n')
		LOOP
			RETURN NEXT margin || line;
			margin := repeat(' ', 58);
		END LOOP;
	END LOOP;
END
$$;
COMMENT ON FUNCTION diagnose.transaction(text, diagnose.window) IS
'the timeline of one shape, named as in the last column of diagnose.transactions: where the time goes between BEGIN and COMMIT';

-- The weakest first: what stands in nobody's way is of no interest.
CREATE OR REPLACE FUNCTION diagnose.lock_strength(mode text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_position('{AccessShareLock,RowShareLock,RowExclusiveLock,ShareUpdateExclusiveLock,ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}'::text[], mode);
COMMENT ON FUNCTION diagnose.lock_strength(text) IS
'rank of a lock''s mode, as in pg_locks: 1 for that of a SELECT, 8 for that of ALTER TABLE';

-- All that is open, whether or not there is a transcript of it: transactions of
-- sessions, of the server's own processes, and prepared ones, which have no
-- process.  Asking who waits for whom stops all locking for a moment, so it is
-- done for those that wait, and for nobody else.
CREATE OR REPLACE FUNCTION diagnose.open_transactions(
	OUT pid							integer,
	OUT database					name,
	OUT username					name,
	OUT kind						text,
	OUT tag							text,
	OUT application					text,
	OUT age_ms						numeric,
	OUT state						text,
	OUT state_ms					numeric,
	OUT waits_for					integer[],
	OUT blocks						integer[],
	OUT xid							xid,
	OUT holds_snapshot				boolean,
	OUT table_lock					text,
	OUT locked_table				text,
	OUT advisory_locks				bigint,
	OUT statements					bigint,
	OUT rows_written				bigint,
	OUT wal_bytes					bigint,
	OUT exec_ms						numeric,
	OUT idle_ms						numeric,
	OUT traceparent					text,
	OUT query						text)
RETURNS SETOF record
LANGUAGE sql VOLATILE ROWS 100 COST 50000
BEGIN ATOMIC
	WITH locks AS MATERIALIZED (
		SELECT l.* FROM pg_locks AS l
	),
	prepared AS MATERIALIZED (
		SELECT p.transaction, p.gid, p.prepared, p.owner, p.database,
			l.virtualtransaction
		FROM pg_prepared_xacts AS p
			LEFT JOIN locks AS l ON l.locktype = 'transactionid'
				AND l.transactionid = p.transaction AND l.pid IS NULL AND l.granted
	),
	waiting AS MATERIALIZED (
		SELECT l.pid, pg_blocking_pids(l.pid) AS blockers
		FROM locks AS l
		WHERE NOT l.granted AND l.pid IS NOT NULL
		GROUP BY l.pid
	),
	-- A prepared transaction has the number 0 as a blocker, so it is known by
	-- what it holds.
	blocking AS (
		SELECT b.blocker, NULL::text AS virtualtransaction,
			array_agg(DISTINCT v.pid ORDER BY v.pid) AS pids
		FROM waiting AS v CROSS JOIN LATERAL unnest(v.blockers) AS b (blocker)
		WHERE b.blocker <> 0
		GROUP BY b.blocker
		UNION ALL
		SELECT NULL, h.virtualtransaction,
			array_agg(DISTINCT v.pid ORDER BY v.pid)
		FROM waiting AS v
			JOIN locks AS l ON l.pid = v.pid AND NOT l.granted
			JOIN locks AS h ON h.pid IS NULL AND h.granted
				AND (h.locktype, h.database, h.relation, h.page, h.tuple,
					h.transactionid, h.classid, h.objid, h.objsubid)
					IS NOT DISTINCT FROM
					(l.locktype, l.database, l.relation, l.page, l.tuple,
					l.transactionid, l.classid, l.objid, l.objsubid)
		WHERE 0 = ANY (v.blockers)
		GROUP BY h.virtualtransaction
	),
	-- one for each process or prepared transaction; tables of users before
	-- catalogs, and a table before its indexes
	strongest AS (
		SELECT DISTINCT ON (l.pid, l.virtualtransaction) l.pid,
			l.virtualtransaction, l.mode,
			quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name
		FROM locks AS l
			LEFT JOIN pg_class AS c ON c.oid = l.relation
				AND l.database IN (0, (SELECT d.oid FROM pg_database AS d
									   WHERE d.datname = current_database()))
			LEFT JOIN pg_namespace AS n ON n.oid = c.relnamespace
		WHERE l.granted AND l.locktype = 'relation'
			AND diagnose.lock_strength(l.mode) IS NOT NULL
		ORDER BY l.pid, l.virtualtransaction,
			diagnose.lock_strength(l.mode) DESC, l.relation < 16384,
			c.relkind IN ('i', 'I'), l.relation
	),
	advisory AS (
		SELECT l.pid, l.virtualtransaction, count(*) AS locks
		FROM locks AS l
		WHERE l.granted AND l.locktype = 'advisory'
		GROUP BY 1, 2
	),
	sessions AS (
		SELECT a.pid, a.datname, a.usename,
			coalesce(t.kind, CASE
				WHEN a.backend_type <> 'client backend' THEN a.backend_type
				WHEN a.state = 'active' AND a.xact_start = a.query_start THEN 'burst'
				ELSE 'transaction'
			END) AS kind,
			diagnose.tag_text(t.route, t.controller, t.action,
				coalesce(a.application_name, t.application)) AS tag,
			a.application_name AS application,
			-- A failed one has none, but its session is in it.
			coalesce(a.xact_start, t.started, a.state_change) AS since, a.state, a.state_change,
			v.blockers, b.pids AS blocks, a.backend_xid,
			a.backend_xmin IS NOT NULL AS holds_snapshot,
			s.mode, s.name, coalesce(y.locks, 0) AS advisory_locks,
			t.statements, t.rows_written, t.wal_bytes, t.exec_time, t.idle_time,
			t.traceparent, a.query
		FROM pg_stat_activity AS a
			-- A burst that is there yet is over when its session is in a block.
			LEFT JOIN diagnose.open_transcripts() AS t ON t.pid = a.pid
				AND NOT (t.kind = 'burst' AND a.state LIKE 'idle in transaction%')
			LEFT JOIN waiting AS v ON v.pid = a.pid
			LEFT JOIN blocking AS b ON b.blocker = a.pid
			LEFT JOIN strongest AS s ON s.pid = a.pid
			LEFT JOIN (SELECT m.pid, sum(m.locks)::bigint AS locks
					   FROM advisory AS m GROUP BY m.pid) AS y ON y.pid = a.pid
		WHERE (a.xact_start IS NOT NULL OR a.state LIKE 'idle in transaction%')
			AND a.leader_pid IS NULL
			AND a.pid <> pg_backend_pid()
		UNION ALL
		SELECT NULL, p.database, p.owner, 'prepared', '', '', p.prepared,
			'prepared', p.prepared, NULL, b.pids, p.transaction, false,
			s.mode, s.name, coalesce(y.locks, 0),
			NULL, NULL, NULL, NULL, NULL, NULL,
			format('PREPARE TRANSACTION %L', p.gid)
		FROM prepared AS p
			LEFT JOIN blocking AS b ON b.virtualtransaction = p.virtualtransaction
			LEFT JOIN strongest AS s ON s.pid IS NULL
				AND s.virtualtransaction = p.virtualtransaction
			LEFT JOIN advisory AS y ON y.pid IS NULL
				AND y.virtualtransaction = p.virtualtransaction
	)
	SELECT x.pid, x.datname, x.usename, x.kind, x.tag, x.application,
		round((1000 * extract(epoch FROM x.now - x.since))::numeric, 1),
		x.state,
		round((1000 * extract(epoch FROM x.now - x.state_change))::numeric, 1),
		x.blockers, x.blocks, x.backend_xid, x.holds_snapshot, x.mode, x.name,
		x.advisory_locks, x.statements, x.rows_written, x.wal_bytes,
		round(x.exec_time::numeric, 1), round(x.idle_time::numeric, 1),
		x.traceparent, x.query
	-- one look at the clock for each row, so that no state is older than its
	-- transaction
	FROM (SELECT s.*, clock_timestamp() AS now FROM sessions AS s) AS x
	-- Without the library it is an error, also when nobody else is there.
	WHERE (SELECT diagnose.seconds(diagnose.since_reset())) IS NOT NULL
	ORDER BY coalesce(cardinality(x.blocks), 0) DESC, x.since, x.pid;
END;
COMMENT ON FUNCTION diagnose.open_transactions() IS
'all transactions that are open now: how old they are, what they hold, and which processes wait for them, most of these first; pid NULL: prepared';

CREATE OR REPLACE VIEW diagnose.open_transactions AS
SELECT o.pid, CASE o.kind WHEN 'transaction' THEN 'xact' ELSE diagnose.short_text(o.kind, 8) END AS kind,
	diagnose.duration_text(o.age_ms::float8) AS age,
	CASE
		WHEN o.waits_for IS NOT NULL THEN 'waits '
		WHEN o.state = 'idle in transaction' THEN 'idle '
		WHEN o.state = 'idle in transaction (aborted)' THEN 'aborted '
		ELSE o.state || ' '
	END || diagnose.duration_text(o.state_ms::float8) AS state,
	o.statements AS stmts,
	diagnose.short_text(concat_ws(', ',
		CASE WHEN o.xid IS NOT NULL THEN 'rows' ||
			CASE WHEN n.is_weak THEN coalesce(' in ' || n.name, '') ELSE '' END END,
		CASE WHEN o.holds_snapshot THEN 'snapshot' END,
		CASE WHEN o.xid IS NULL OR NOT n.is_weak THEN
			regexp_replace(o.table_lock, 'Lock$', '') || coalesce(' ' || n.name, '') END,
		CASE WHEN o.advisory_locks > 0 THEN o.advisory_locks || ' advisory' END), 24) AS holds,
	diagnose.short_text(cardinality(o.blocks) || ': ' ||
		array_to_string(o.blocks, ' '), 10) AS blocks,
	diagnose.short_text(coalesce(nullif(o.tag, '') || ': ', '') ||
		regexp_replace(btrim(o.query), '\s+', ' ', 'g'), 22) AS statement
FROM diagnose.open_transactions() AS o
	-- Who has rows locked in a table has one of the two locks that go with it.
	CROSS JOIN LATERAL (
		SELECT regexp_replace(o.locked_table, '^public\.', ''),
			o.table_lock IN ('RowShareLock', 'RowExclusiveLock')) AS n (name, is_weak);
COMMENT ON VIEW diagnose.open_transactions IS
'all transactions that are open now: what they hold, and which processes wait for them; what most wait for comes first, then the oldest';
COMMENT ON COLUMN diagnose.open_transactions.pid IS 'process; NULL: prepared';
COMMENT ON COLUMN diagnose.open_transactions.kind IS 'xact; burst, which is autocommit; prepared; or which process of the server';
COMMENT ON COLUMN diagnose.open_transactions.age IS 'time since it began';
COMMENT ON COLUMN diagnose.open_transactions.state IS 'active, waits for a lock, idle in transaction or aborted, and for how long';
COMMENT ON COLUMN diagnose.open_transactions.stmts IS 'statements so far, if there is a transcript';
COMMENT ON COLUMN diagnose.open_transactions.holds IS 'locks on rows (it has a transaction identifier), a snapshot that keeps vacuum from removing rows, advisory locks, and its strongest lock on a table';
COMMENT ON COLUMN diagnose.open_transactions.blocks IS 'how many processes wait for it, and which';
COMMENT ON COLUMN diagnose.open_transactions.statement IS 'route, controller#action or application, and the statement that runs or ran last';
