-- The detector tells in which order each shape locks rows: "object before
-- other", or one of them missing for rows of one table, by ascending or by
-- descending key.
-- Either way an inversion is the same with both exchanged.
--
-- Whether two such transactions ever meet at the same rows is not known; so
-- this is a note, unless a deadlock was seen at these tables, or a wait for a
-- lock in these shapes.
CREATE OR REPLACE FUNCTION diagnose.rule_lock_order_inversion(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 50000
BEGIN ATOMIC
	WITH shapes AS MATERIALIZED (
		SELECT x.* FROM diagnose.transaction_shapes(w) AS x
		WHERE NOT x.is_own
	),
	seen AS MATERIALIZED (
		SELECT o.* FROM diagnose.observations(w) AS o
		WHERE o.detector IN ('lock_order_inversion', 'deadlock_events')
	),
	locked AS (
		SELECT o.dbid, coalesce(o.object, 0::oid) AS object,
			coalesce(o.other, 0::oid) AS other, o.occurrences, x.identity,
			x.lock_wait, concat_ws(': ', nullif(x.tag, ''),
				diagnose.shape_text(x.first_statement, x.positions, 80)) AS shape_text,
			(SELECT string_agg(diagnose.short_text(s.query, 100), '; ' ORDER BY s.position)
			 FROM jsonb_to_recordset(x.steps) AS s (position int, query text)
			 WHERE s.position IN (o.parent, o.position)) AS statements
		FROM seen AS o
			JOIN shapes AS x ON x.dbid = o.dbid AND x.userid = o.userid
				AND x.shape = o.shape
				AND x.tag = diagnose.tag_text(o.route, o.controller, o.action, o.application)
		WHERE o.detector = 'lock_order_inversion'
	),
	orders AS (
		SELECT l.dbid, l.object, l.other, sum(l.occurrences) AS occurrences,
			array_agg(DISTINCT l.identity) AS identities,
			sum(l.lock_wait) AS lock_wait,
			(array_agg(l.shape_text ORDER BY l.occurrences DESC, l.identity))[1] AS shape_text,
			(array_agg(l.statements ORDER BY l.occurrences DESC, l.identity))[1] AS statements
		FROM locked AS l
		GROUP BY l.dbid, l.object, l.other
		HAVING sum(l.occurrences) >=
			current_setting('pg_diagnose.lock_order_inversion_min_occurrences')::float8
	),
	inverted AS (
		SELECT a.dbid, a.object, a.other, d.database,
			n.object AS object_name, n.other AS other_name,
			least(a.occurrences, b.occurrences) AS n,
			a.occurrences AS forth, b.occurrences AS back,
			a.shape_text AS forth_shape, b.shape_text AS back_shape,
			a.statements AS forth_statements, b.statements AS back_statements,
			-- of one shape that does both, once
			CASE
				WHEN a.identities = b.identities THEN greatest(a.lock_wait, b.lock_wait)
				ELSE a.lock_wait + b.lock_wait
			END AS lock_wait,
			e.deadlocks, e.time
		FROM orders AS a
			JOIN orders AS b ON b.dbid = a.dbid
				AND b.object = a.other AND b.other = a.object AND a.object < b.object
			CROSS JOIN LATERAL (
				SELECT coalesce((SELECT p.datname::text FROM pg_database AS p
								 WHERE p.oid = a.dbid), 'oid ' || a.dbid)) AS d (database)
			CROSS JOIN LATERAL (
				SELECT
					CASE WHEN d.database = current_database() THEN a.object::regclass::text
						ELSE 'oid ' || a.object END,
					CASE WHEN d.database = current_database() THEN a.other::regclass::text
						ELSE 'oid ' || a.other END) AS n (object, other)
			CROSS JOIN LATERAL (
				SELECT coalesce(sum(o.count), 0), coalesce(sum(o.time), 0)
				FROM seen AS o
				WHERE o.detector = 'deadlock_events' AND o.dbid = a.dbid
					AND o.object IN (a.object, a.other)) AS e (deadlocks, time)
	)
	SELECT 'lock_order_inversion', 'reliability',
		CASE WHEN i.deadlocks > 0 OR i.lock_wait > 0 THEN 'warning' ELSE 'info' END,
		CASE
			WHEN i.object = 0 THEN format('lock_order_inversion:%s:%s', i.database, i.other_name)
			ELSE format('lock_order_inversion:%s:%s:%s', i.database,
				least(i.object_name, i.other_name), greatest(i.object_name, i.other_name))
		END,
		CASE WHEN i.database = current_database()
			THEN '' ELSE 'in database ' || i.database || ': ' END ||
			CASE
				WHEN i.object = 0 THEN 'table ' || i.other_name
				ELSE format('tables %s and %s', i.object_name, i.other_name)
			END,
		CASE WHEN i.deadlocks > 0 THEN i.time / diagnose.seconds(w) END,
		CASE WHEN i.deadlocks > 0 THEN i.time / diagnose.seconds(w) END,
		'inferred', i.n::bigint,
		CASE
			WHEN i.object = 0 THEN format('rows locked by ascending key %s, by descending key %s',
				diagnose.count_text(i.forth::bigint, 'time'),
				diagnose.count_text(i.back::bigint, 'time'))
			ELSE format('locked in this order %s, the other way round %s',
				diagnose.count_text(i.forth::bigint, 'time'),
				diagnose.count_text(i.back::bigint, 'time'))
		END || CASE
			WHEN i.deadlocks > 0 THEN '; ' || diagnose.count_text(i.deadlocks::bigint, 'deadlock')
			ELSE ''
		END,
		jsonb_strip_nulls(jsonb_build_object(
			'database', i.database,
			'transactions', i.forth,
			'mostly', i.forth_shape,
			'statements', i.forth_statements,
			'transactions_inverse', i.back,
			'mostly_inverse', i.back_shape,
			'statements_inverse', i.back_statements,
			'deadlocks', i.deadlocks,
			'lock_wait_ms', round(i.lock_wait::numeric, 1))),
		CASE
			WHEN i.object = 0 THEN 'Two transactions that meet at the same two rows wait for each other until one is ended by a deadlock. Lock the rows in the order of their key before they are changed: SELECT ... WHERE ... ORDER BY the key FOR UPDATE, or sort the list in the application and send the statements in this order.'
			ELSE 'Two transactions that meet at the same rows of both tables wait for each other until one is ended by a deadlock. Choose one order for all transactions; where the statements cannot be moved, lock the row of the first table up front with SELECT ... FOR UPDATE.'
		END || CASE
			WHEN i.deadlocks > 0 OR i.lock_wait > 0 THEN ''
			ELSE ' No deadlock and no wait was seen so far: they may never meet.'
		END,
		NULL::text, NULL::text,
		E'SELECT object, other, sum(occurrences) AS transactions\nFROM diagnose.observations(diagnose.since_reset())\nWHERE detector = ''lock_order_inversion'' GROUP BY object, other',
		NULL::text
	FROM inverted AS i;
END;
COMMENT ON FUNCTION diagnose.rule_lock_order_inversion(diagnose.window) IS
'transactions that lock the same rows in different orders, and can end in a deadlock';
