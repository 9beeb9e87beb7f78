-- Workload: the statements as rules judge them, and what pg_stat_statements
-- knows beyond us.

CREATE OR REPLACE FUNCTION diagnose.is_own(query text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(query ~* '(\m|")diagnose"?\s*\.|\mextension\M.*\mpg_diagnose\M', false);
COMMENT ON FUNCTION diagnose.is_own(text) IS
'is this a statement about pg_diagnose, to be kept out of what it finds?';

-- By their form: the server writes them, and nobody else qualifies operators.
CREATE OR REPLACE FUNCTION diagnose.is_foreign_key_search(query text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(query ~ '^(SELECT \? FROM|DELETE FROM|UPDATE) (ONLY )?".* OPERATOR\(', false);
COMMENT ON FUNCTION diagnose.is_foreign_key_search(text) IS
'is this a statement that the server runs to check a foreign key?';

-- Statements of one fingerprint are one statement: a literal in place of a
-- parameter or a longer IN list gives another queryid, not another problem.
-- Not so DO, of which nothing is left when its literal is masked.
-- Our own statements are left out, and those whose text the caller may not
-- see; the latter count in all_time and all_calls.  It is read once: whoever
-- reads twice sees two states.
CREATE OR REPLACE FUNCTION diagnose.workload_query(w diagnose.window)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 1000 COST 20000
BEGIN ATOMIC
	WITH captured AS MATERIALIZED (
		SELECT s.*,
			CASE WHEN s.query !~* '^do\M' THEN s.fingerprint END AS alike
		FROM diagnose.statements(w) AS s
		WHERE NOT diagnose.is_own(s.query)
	),
	everything AS (
		-- What runs inside a statement is part of its time.
		SELECT coalesce(sum(c.total_exec_time + c.failed_time)
						FILTER (WHERE c.toplevel), 0) AS all_time,
			coalesce(sum(c.calls) FILTER (WHERE c.toplevel), 0) AS all_calls,
			coalesce(sum(c.calls + c.failed) FILTER (WHERE c.userid IS NULL), 0) AS evicted,
			diagnose.seconds(w) AS seconds
		FROM captured AS c
	),
	summed AS (
		SELECT c.dbid, c.userid, c.toplevel, c.alike AS fingerprint,
			array_agg(c.queryid ORDER BY c.total_exec_time + c.failed_time DESC,
				c.queryid) AS queryids,
			(array_agg(c.query ORDER BY c.total_exec_time + c.failed_time DESC,
				c.queryid))[1] AS query,
			sum(c.calls)::bigint AS calls,
			sum(c.rows)::bigint AS rows,
			sum(c.total_exec_time) AS total_exec_time,
			max(c.max_exec_time) AS max_exec_time,
			diagnose.sum(c.histogram) AS histogram,
			sum(c.shared_blks_hit)::bigint AS shared_blks_hit,
			sum(c.shared_blks_read)::bigint AS shared_blks_read,
			sum(c.blk_read_time) AS blk_read_time,
			sum(c.temp_blks_written)::bigint AS temp_blks_written,
			sum(c.temp_blk_read_time + c.temp_blk_write_time) AS temp_time,
			sum(c.spilled)::bigint AS spilled,
			sum(c.jit_time) AS jit_time,
			sum(c.plans)::bigint AS plans,
			sum(c.total_plan_time) AS total_plan_time,
			max(c.max_plan_time) AS max_plan_time,
			sum(c.failed)::bigint AS failed,
			sum(c.failed_nested)::bigint AS failed_nested,
			sum(c.failed_time) AS failed_time,
			sum(c.failed_blks)::bigint AS failed_blks,
			sum(c.local_blks_hit + c.local_blks_read)::bigint AS local_blks,
			sum(c.temp_blks_read)::bigint AS temp_blks_read,
			sum(c.wal_records)::bigint AS wal_records,
			sum(c.wal_fpi)::bigint AS wal_fpi,
			sum(c.wal_bytes)::bigint AS wal_bytes
		FROM captured AS c
		WHERE c.queryid IS NOT NULL
		-- Without a text there is no fingerprint, and nothing to sum up by.
		GROUP BY c.dbid, c.userid, c.toplevel, c.alike,
			CASE WHEN c.alike IS NULL THEN c.queryid END
	),
	named AS (
		SELECT s.*,
			coalesce(d.datname::text, 'oid ' || s.dbid) AS database,
			coalesce(r.rolname::text, 'oid ' || s.userid) AS role,
			coalesce(s.query, '<text not kept>') AS shown,
			CASE
				WHEN s.fingerprint IS NULL THEN 'queryid ' || s.queryids[1]
				ELSE s.fingerprint::text
			END AS number
		FROM summed AS s
			LEFT JOIN pg_database AS d ON d.oid = s.dbid
			LEFT JOIN pg_roles AS r ON r.oid = s.userid
	)
	SELECT format('%s:%s:%s:%s', n.database, n.role, n.number,
			CASE WHEN n.toplevel THEN 'top' ELSE 'nested' END),
		CASE WHEN n.dbid = (SELECT oid FROM pg_database
							WHERE datname = current_database())
			THEN '' ELSE 'in database ' || n.database || ': ' END ||
			CASE WHEN n.toplevel THEN '' ELSE 'nested: ' END ||
			diagnose.short_text(n.shown, 300),
		jsonb_strip_nulls(jsonb_build_object(
			'database', n.database, 'role', n.role,
			'nested', NOT n.toplevel,
			'fingerprint', n.fingerprint, 'queryid', n.queryids[1],
			'statements_alike', nullif(cardinality(n.queryids), 1),
			'calls', n.calls)),
		format(E'\nFROM diagnose.statements\nWHERE %s',
			CASE
				WHEN n.fingerprint IS NULL
					THEN format('queryid = %s', n.queryids[1])
				ELSE format('fingerprint = %s', n.fingerprint)
			END) ||
			CASE WHEN n.toplevel THEN ' AND toplevel' ELSE ' AND NOT toplevel' END,
		n.database, n.role, n.toplevel, n.shown, n.queryids, n.dbid, n.userid,
		e.seconds, e.all_time, e.all_calls::bigint,
		n.calls, n.rows, n.total_exec_time, n.max_exec_time, n.histogram,
		n.shared_blks_hit, n.shared_blks_read, n.blk_read_time,
		n.temp_blks_written, n.temp_time, n.spilled, n.jit_time,
		n.plans, n.total_plan_time, n.max_plan_time,
		n.failed, n.failed_nested, n.failed_time, n.failed_blks,
		n.fingerprint, n.local_blks, n.temp_blks_read,
		n.wal_records, n.wal_fpi, n.wal_bytes, e.evicted::bigint
	FROM named AS n CROSS JOIN everything AS e;
END;
COMMENT ON FUNCTION diagnose.workload_query(diagnose.window) IS
'what workload() asks; its columns are declared there';

CREATE OR REPLACE FUNCTION diagnose.workload(
	w								diagnose.window,
	OUT identity					text,
	OUT subject						text,
	OUT evidence					jsonb,
	OUT verify_from					text,
	OUT database					text,
	OUT role						text,
	OUT toplevel					boolean,
	OUT query						text,
	OUT queryids					bigint[],
	OUT dbid						oid,
	OUT userid						oid,
	OUT seconds						double precision,
	OUT all_time					double precision,
	OUT all_calls					bigint,
	OUT calls						bigint,
	OUT rows						bigint,
	OUT total_exec_time				double precision,
	OUT max_exec_time				double precision,
	OUT histogram					diagnose.histogram,
	OUT shared_blks_hit				bigint,
	OUT shared_blks_read			bigint,
	OUT blk_read_time				double precision,
	OUT temp_blks_written			bigint,
	OUT temp_time					double precision,
	OUT spilled						bigint,
	OUT jit_time					double precision,
	OUT plans						bigint,
	OUT total_plan_time				double precision,
	OUT max_plan_time				double precision,
	OUT failed						bigint,
	OUT failed_nested				bigint,
	OUT failed_time					double precision,
	OUT failed_blks					bigint,
	OUT fingerprint					bigint,
	OUT local_blks					bigint,
	OUT temp_blks_read				bigint,
	OUT wal_records					bigint,
	OUT wal_fpi						bigint,
	OUT wal_bytes					bigint,
	OUT evicted						bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_workload'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1000 COST 20000;
COMMENT ON FUNCTION diagnose.workload(diagnose.window) IS
'the statements of a window as rules judge them: those of one text summed up, without pg_diagnose''s own';

-- pg_stat_statements is only ever named inside dynamic SQL.  A function that
-- is bound to its view would stand in the way of ALTER EXTENSION
-- pg_stat_statements UPDATE, which drops and creates it; and it may be in any
-- schema.  The window, of no other use in these queries, marks them as our own.
CREATE OR REPLACE FUNCTION diagnose.pgss_schema() RETURNS text
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	name							text;
BEGIN
	SELECT quote_ident(n.nspname) INTO name
	FROM diagnose.since_reset()
		CROSS JOIN pg_catalog.pg_extension AS e
		JOIN pg_catalog.pg_namespace AS n ON n.oid = e.extnamespace
	WHERE e.extname = 'pg_stat_statements';
	IF NOT FOUND THEN
		RAISE EXCEPTION 'extension "pg_stat_statements" does not exist'
			USING ERRCODE = 'undefined_object';
	END IF;
	RETURN name;
END
$$;
COMMENT ON FUNCTION diagnose.pgss_schema() IS
'where the extension pg_stat_statements is, as a quoted identifier';

CREATE OR REPLACE FUNCTION diagnose.pgss_statements(
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryid						bigint,
	OUT query						text,
	OUT calls						bigint,
	OUT rows						bigint,
	OUT total_exec_time				double precision)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 5000 COST 20000
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	RETURN QUERY EXECUTE format(
		'SELECT pgss.userid, pgss.dbid, pgss.toplevel, pgss.queryid,
			pgss.query, pgss.calls, pgss.rows, pgss.total_exec_time
		FROM diagnose.since_reset()
			CROSS JOIN %s.pg_stat_statements AS pgss', diagnose.pgss_schema());
END
$$;
COMMENT ON FUNCTION diagnose.pgss_statements() IS
'what pg_stat_statements knows, in columns that no release of it has changed';

CREATE OR REPLACE FUNCTION diagnose.pgss_since() RETURNS timestamptz
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	since							timestamptz;
BEGIN
	EXECUTE format(
		'SELECT info.stats_reset
		FROM diagnose.since_reset()
			CROSS JOIN %s.pg_stat_statements_info AS info',
		diagnose.pgss_schema()) INTO since;
	RETURN since;
END
$$;
COMMENT ON FUNCTION diagnose.pgss_since() IS
'since when pg_stat_statements has been counting';

CREATE OR REPLACE FUNCTION diagnose.full_text(
	queryid							bigint,
	dbid							oid DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	this_dbid						oid;
	answer							text;
BEGIN
	SELECT coalesce(full_text.dbid, d.oid) INTO this_dbid
	FROM diagnose.since_reset()
		CROSS JOIN pg_catalog.pg_database AS d
	WHERE d.datname = current_database();

	EXECUTE format(
		'SELECT pgss.query
		FROM diagnose.since_reset()
			CROSS JOIN %s.pg_stat_statements AS pgss
		WHERE pgss.queryid = $1 AND pgss.dbid = $2
			AND pgss.query IS NOT NULL
		LIMIT 1', diagnose.pgss_schema())
		INTO answer USING queryid, this_dbid;
	-- It may have forgotten the statement.
	IF answer IS NULL THEN
		SELECT s.query INTO answer
		FROM diagnose.statements(diagnose.since_reset()) AS s
		WHERE s.queryid = full_text.queryid AND s.dbid = this_dbid
			AND s.query IS NOT NULL
		LIMIT 1;
	END IF;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION diagnose.full_text(bigint, oid) IS
'whole text of a statement of this or another database as pg_stat_statements has it, or else with its literals masked; NULL if unknown or not to be seen';
