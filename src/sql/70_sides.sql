-- Sides: what is compared, on one side of a comparison.  Statements and
-- transactions are brought into one form here, so that they are judged alike.

-- A window that was imported knows neither database nor role: these are names
-- of another server, and shapes of plans are made of its identifiers.  What it
-- has is compared with the current database.
CREATE OR REPLACE FUNCTION diagnose.side_statements(
	w								diagnose.window,
	with_names						boolean,
	OUT key							text,
	OUT subject						text,
	OUT database					text,
	OUT role						text,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryids					bigint[],
	OUT fingerprint					bigint,
	OUT executions					bigint,
	OUT failed						bigint,
	OUT calls						bigint,
	OUT db_time						double precision,
	OUT histogram					diagnose.histogram,
	OUT rows						bigint,
	OUT blocks						bigint,
	OUT temp_blocks					bigint,
	OUT wal_records					bigint,
	OUT wal_bytes					bigint,
	OUT wal_fpi						bigint,
	OUT seconds						double precision,
	OUT all_time					double precision,
	OUT all_calls					bigint,
	OUT evicted						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 5000 COST 30000
BEGIN ATOMIC
	SELECT CASE WHEN with_names THEN s.identity
			ELSE s.fingerprint || CASE WHEN s.toplevel THEN ':top' ELSE ':nested' END
		END,
		min(s.subject),
		CASE WHEN with_names THEN min(s.database) END,
		CASE WHEN with_names THEN min(s.role) END,
		min(s.userid), min(s.dbid), s.toplevel,
		max(s.queryids), min(s.fingerprint),
		sum(s.calls + s.failed)::bigint, sum(s.failed)::bigint,
		sum(s.calls)::bigint, sum(s.total_exec_time),
		diagnose.sum(s.histogram),
		sum(s.rows)::bigint,
		sum(s.shared_blks_hit + s.shared_blks_read + s.local_blks)::bigint,
		sum(s.temp_blks_read + s.temp_blks_written)::bigint,
		sum(s.wal_records)::bigint, sum(s.wal_bytes)::bigint,
		sum(s.wal_fpi)::bigint,
		min(s.seconds), min(s.all_time), min(s.all_calls), min(s.evicted)
	FROM diagnose.workload(w) AS s
	WHERE with_names OR
		(s.fingerprint IS NOT NULL AND s.database = current_database())
	GROUP BY 1, s.toplevel;
END;
COMMENT ON FUNCTION diagnose.side_statements(diagnose.window, boolean) IS
'the statements of a window in the form in which they are compared; without names: those of the current database, whoever ran them; blocks are shared and local ones, hit or read';

-- The spread of the number of statements is not counted, but bounded: of values
-- between low and high with a given mean, none vary more than (high - mean) *
-- (mean - low) (Bhatia and Davis).  It is 0 where all are equal.
CREATE OR REPLACE FUNCTION diagnose.side_transactions(
	w								diagnose.window,
	with_names						boolean,
	OUT key							text,
	OUT subject						text,
	OUT database					text,
	OUT role						text,
	OUT userid						oid,
	OUT dbid						oid,
	OUT kind						text,
	OUT tag							text,
	OUT shape						bigint,
	OUT tag_number					bigint,
	OUT executions					bigint,
	OUT failed						bigint,
	OUT db_time						double precision,
	OUT duration					double precision,
	OUT histogram					diagnose.histogram,
	OUT statements					bigint,
	OUT statements_variance			double precision,
	OUT rows						bigint,
	OUT wal_bytes					bigint,
	OUT shapes						bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 500 COST 40000
BEGIN ATOMIC
	WITH known AS MATERIALIZED (
		SELECT x.*, x.statements::float8 / x.calls AS mean
		FROM diagnose.transaction_shapes(w) AS x
		WHERE x.calls > 0 AND NOT x.is_own
			AND (with_names OR x.database = current_database())
	),
	shaped AS (
		SELECT k.*,
			CASE WHEN with_names THEN k.database END AS shown_database,
			CASE WHEN with_names THEN k.role END AS shown_role,
			-- What the most had in them is unknown if an earlier one had more.
			CASE
				WHEN k.max_statements IS NULL THEN k.mean * k.mean
				ELSE greatest(k.max_statements - k.mean, 0) *
					greatest(k.mean - least(k.positions, k.mean), 0)
			END AS variance
		FROM known AS k
	)
	SELECT concat_ws(':', 'shape', s.shown_database, s.shown_role, s.tag, s.shape),
		CASE WHEN min(s.dbid) = (SELECT oid FROM pg_database
								 WHERE datname = current_database())
			THEN '' ELSE 'in database ' || min(s.database) || ': ' END ||
			CASE WHEN s.tag <> '' THEN s.tag || ': ' ELSE '' END ||
			diagnose.shape_text(min(s.first_statement), max(s.positions), 200),
		s.shown_database, s.shown_role, min(s.userid), min(s.dbid), min(s.kind), s.tag,
		s.shape, (array_agg(s.tag_number ORDER BY s.calls DESC, s.tag_number))[1],
		sum(s.calls)::bigint, sum(s.aborts + s.abandoned)::bigint,
		sum(s.exec_time), sum(s.duration), diagnose.sum(s.duration_histogram),
		sum(s.statements)::bigint,
		greatest(0, sum(s.calls * (s.variance + s.mean * s.mean)) / sum(s.calls)::float8 -
			(sum(s.statements) / sum(s.calls)::float8) ^ 2),
		sum(s.rows)::bigint, sum(s.wal_bytes)::bigint, 1
	FROM shaped AS s
	GROUP BY s.shown_database, s.shown_role, s.tag, s.shape
	UNION ALL
	-- What a program does may get another shape; its tag stays.
	SELECT concat_ws(':', 'tag', s.shown_database, s.shown_role, s.tag, s.kind),
		CASE WHEN min(s.dbid) = (SELECT oid FROM pg_database
								 WHERE datname = current_database())
			THEN '' ELSE 'in database ' || min(s.database) || ': ' END ||
			format('all %ss of %s', s.kind, s.tag),
		s.shown_database, s.shown_role, min(s.userid), min(s.dbid), s.kind, s.tag,
		NULL::bigint, NULL::bigint,
		sum(s.calls)::bigint, sum(s.aborts + s.abandoned)::bigint,
		sum(s.exec_time), sum(s.duration), diagnose.sum(s.duration_histogram),
		sum(s.statements)::bigint,
		greatest(0, sum(s.calls * (s.variance + s.mean * s.mean)) / sum(s.calls)::float8 -
			(sum(s.statements) / sum(s.calls)::float8) ^ 2),
		sum(s.rows)::bigint, sum(s.wal_bytes)::bigint, count(DISTINCT s.shape)
	FROM shaped AS s
	WHERE s.tag <> ''
	GROUP BY s.shown_database, s.shown_role, s.tag, s.kind;
END;
COMMENT ON FUNCTION diagnose.side_transactions(diagnose.window, boolean) IS
'the transactions and bursts of a window in the form in which they are compared: by shape, and by what is written on them; shape NULL: all of a tag';
