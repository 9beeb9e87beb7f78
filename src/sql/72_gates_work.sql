-- Gates: the work of statements and transactions, before and after.

-- What the application runs in this database, by the text of it: neither
-- pg_diagnose's own statements, nor what administers and explains.
CREATE OR REPLACE FUNCTION diagnose.work(
	w								diagnose.window,
	OUT fingerprint					bigint,
	OUT toplevel					boolean,
	OUT query						text,
	OUT calls						numeric,
	OUT failed						numeric,
	OUT rows						numeric,
	OUT blocks						numeric,
	OUT temp_blocks					numeric,
	OUT wal_records					numeric,
	OUT plans						bigint[])
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 1000 COST 20000
BEGIN ATOMIC
	WITH shapes AS (
		SELECT p.userid, p.dbid, p.toplevel, p.queryid,
			array_agg(coalesce(p.shape, 0)) AS shapes
		FROM diagnose.plans(w) AS p
		GROUP BY 1, 2, 3, 4
	),
	captured AS (
		SELECT s.*, p.shapes
		FROM diagnose.statements(w) AS s
			JOIN pg_database AS d ON d.oid = s.dbid AND d.datname = current_database()
			LEFT JOIN shapes AS p ON p.userid = s.userid AND p.dbid = s.dbid
				AND p.toplevel = s.toplevel AND p.queryid = s.queryid
		WHERE s.fingerprint IS NOT NULL AND NOT diagnose.is_own(s.query)
			AND s.query ~* '^(\(|(select|insert|update|delete|merge|with|values|table|copy|call|do|fetch|execute)\M)'
	),
	planned AS (
		SELECT c.fingerprint, c.toplevel, array_agg(DISTINCT p.shape) AS plans
		FROM captured AS c CROSS JOIN LATERAL unnest(c.shapes) AS p (shape)
		GROUP BY 1, 2
	)
	SELECT c.fingerprint, c.toplevel, min(c.query COLLATE "C"),
		sum(c.calls), sum(c.failed), sum(c.rows),
		sum(c.shared_blks_hit + c.shared_blks_read),
		sum(c.temp_blks_read + c.temp_blks_written),
		sum(c.wal_records), p.plans
	FROM captured AS c
		LEFT JOIN planned AS p USING (fingerprint, toplevel)
	GROUP BY c.fingerprint, c.toplevel, p.plans
	HAVING sum(c.calls) + sum(c.failed) > 0;
END;
COMMENT ON FUNCTION diagnose.work(diagnose.window) IS
'work of the statements of this database in a window, by fingerprint: sums over all roles, blocks of BLCKSZ bytes; plans are numbers of shapes, 0 stands for all further ones';

-- What a transaction executes on average, by tag; of bursts only where none
-- was ended by a gap: where the others begin and end is a matter of time.
CREATE OR REPLACE FUNCTION diagnose.work_of_tags(
	w								diagnose.window,
	OUT kind						text,
	OUT tag							text,
	OUT calls						numeric,
	OUT statements					numeric,
	OUT is_exact					boolean)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 100 COST 40000
BEGIN ATOMIC
	SELECT x.kind, x.tag, sum(x.calls), sum(x.statements * x.calls) / sum(x.calls),
		x.kind = 'transaction' OR sum(x.ended_by_gap) = 0
	FROM diagnose.transaction_work(w) AS x
	GROUP BY 1, 2;
END;
COMMENT ON FUNCTION diagnose.work_of_tags(diagnose.window) IS
'statements that one transaction or burst of a tag executes, on average; is_exact: its beginning and end do not depend on time';

-- Whether fewer rows are better or worse nobody but the application knows: it
-- is another answer.  Another plan is worse even where it takes fewer blocks:
-- on the few rows of a test, reading all of a table is cheap.  A plan is known by
-- a number of the server that executed it, so those of a file are not compared.
-- A file was made on a fresh copy of a database, where the records of WAL are the
-- same each time; later on they depend on which pages are full.  What a read
-- writes is the cleaning up after somebody else.
CREATE OR REPLACE FUNCTION diagnose.work_changes(
	before							diagnose.window,
	after							diagnose.window,
	same_calls						boolean DEFAULT true,
	same_plans						boolean DEFAULT NULL,
	rows_tolerance					double precision DEFAULT 0,
	blocks_tolerance				double precision DEFAULT 0.05,
	wal_tolerance					double precision DEFAULT NULL,
	ignore							text DEFAULT NULL,
	OUT kind						text,
	OUT verdict						text,
	OUT subject						text,
	OUT changes						text)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 100 COST 100000
BEGIN ATOMIC
	WITH old AS MATERIALIZED (
		SELECT k.* FROM diagnose.work(before) AS k
		WHERE ignore IS NULL OR k.query !~ ignore
	),
	new AS MATERIALIZED (
		SELECT k.* FROM diagnose.work(after) AS k
		WHERE ignore IS NULL OR k.query !~ ignore
	),
	-- Two blocks more are a page split, or an index that is one level deeper.
	compared AS (
		SELECT coalesce(b.query, a.query) AS query, coalesce(b.toplevel, a.toplevel) AS toplevel,
			concat_ws(', ',
				diagnose.count_text(nullif(coalesce(a.calls, b.calls), 0)::bigint, 'call'),
				diagnose.count_text(nullif(coalesce(a.failed, b.failed), 0)::bigint, 'failure'))
				AS extent,
			CASE
				WHEN b.fingerprint IS NULL THEN 'new'
				WHEN a.fingerprint IS NULL THEN 'missing'
			END AS presence,
			concat_ws(', ',
				CASE WHEN same_calls AND a.calls > b.calls
					THEN diagnose.change_text('calls', b.calls, a.calls) END,
				CASE WHEN a.failed * (b.calls + b.failed) > b.failed * (a.calls + a.failed)
					THEN diagnose.change_text('failures', b.failed, a.failed) END,
				CASE WHEN abs(a.rows * b.calls - b.rows * a.calls) > b.rows * a.calls * rows_tolerance::numeric
					THEN diagnose.change_text('rows per call', b.rows / nullif(b.calls, 0), a.rows / nullif(a.calls, 0)) END,
				CASE WHEN a.blocks * b.calls > b.blocks * a.calls * (1 + blocks_tolerance)::numeric
						AND a.blocks * b.calls > b.blocks * a.calls + 2 * a.calls * b.calls
					THEN diagnose.change_text('blocks per call', b.blocks / nullif(b.calls, 0), a.blocks / nullif(a.calls, 0)) END,
				CASE WHEN a.temp_blocks * b.calls > b.temp_blocks * a.calls * (1 + blocks_tolerance)::numeric
						AND a.temp_blocks * b.calls > b.temp_blocks * a.calls + 2 * a.calls * b.calls
					THEN diagnose.change_text('temporary blocks per call', b.temp_blocks / nullif(b.calls, 0), a.temp_blocks / nullif(a.calls, 0)) END,
				CASE WHEN a.wal_records * b.calls > b.wal_records * a.calls * (1 + p.wal_tolerance)::numeric
						AND (p.is_fresh OR a.wal_records * b.calls > b.wal_records * a.calls + 2 * a.calls * b.calls)
						AND a.query !~* '^(\(|(select|values|table)\M)'
					THEN diagnose.change_text('WAL records per call', b.wal_records / nullif(b.calls, 0), a.wal_records / nullif(a.calls, 0)) END,
				CASE WHEN p.same_plans AND NOT a.plans <@ b.plans AND NOT 0 = ANY (b.plans)
					THEN 'plan changed' END) AS changes
		FROM old AS b
			FULL JOIN new AS a ON a.fingerprint = b.fingerprint AND a.toplevel = b.toplevel
			CROSS JOIN (
				SELECT coalesce(work_changes.same_plans, NOT i.is_imported),
					coalesce(work_changes.wal_tolerance, CASE WHEN i.is_imported THEN 0 ELSE 0.05 END),
					i.is_imported OR work_changes.wal_tolerance IS NOT NULL
				FROM (SELECT diagnose.is_imported(before) OR diagnose.is_imported(after)) AS i (is_imported))
				AS p (same_plans, wal_tolerance, is_fresh)
	),
	tags AS (
		SELECT a.kind, a.tag,
			diagnose.change_text('statements per ' || a.kind, b.statements, a.statements) AS changes
		FROM diagnose.work_of_tags(before) AS b
			JOIN diagnose.work_of_tags(after) AS a ON a.kind = b.kind AND a.tag = b.tag
		WHERE a.is_exact AND b.is_exact AND (same_calls OR a.kind = 'transaction')
			AND a.statements > b.statements * CASE WHEN same_calls THEN 1 ELSE 1.05 END
	)
	SELECT t.kind, 'regressed', CASE WHEN t.tag = '' THEN '(no tag)' ELSE t.tag END, t.changes
	FROM tags AS t
	UNION ALL
	SELECT 'statement', coalesce(c.presence, CASE
			WHEN c.changes = '' THEN 'unchanged' ELSE 'regressed' END),
		CASE WHEN c.toplevel THEN '' ELSE 'nested: ' END ||
			regexp_replace(c.query, '\s+', ' ', 'g'),
		coalesce(nullif(c.changes, ''), CASE c.presence
			WHEN 'new' THEN c.extent
			WHEN 'missing' THEN c.extent || ' before'
		END)
	FROM compared AS c;
END;
COMMENT ON FUNCTION diagnose.work_changes(diagnose.window, diagnose.window, boolean, boolean, double precision, double precision, double precision, text) IS
'what became of the work of each statement of this database, and of what a transaction of each tag executes: regressed, unchanged, new or missing; see diagnose.assert_no_regression()';

CREATE OR REPLACE FUNCTION diagnose.regression_problem(
	than							text,
	before							diagnose.window,
	after							diagnose.window,
	allow_new						boolean,
	allow_missing					boolean,
	same_calls						boolean,
	same_plans						boolean,
	rows_tolerance					double precision,
	blocks_tolerance				double precision,
	wal_tolerance					double precision,
	ignore							text)
RETURNS text[]
LANGUAGE plpgsql STABLE COST 200000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	negative						text;
	evicted							bigint;
	fault							text[];
	w								diagnose.window;
	c								record;
BEGIN
	SELECT d.argument INTO negative
	FROM (VALUES (1, 'rows_tolerance', rows_tolerance),
		(2, 'blocks_tolerance', blocks_tolerance),
		(3, 'wal_tolerance', coalesce(wal_tolerance, 0))) AS d (place, argument, value),
		diagnose.since_reset()
	WHERE d.value >= 0 IS NOT TRUE OR d.value = 'NaN'
	ORDER BY d.place LIMIT 1;
	IF negative IS NOT NULL THEN
		RETURN ARRAY[negative || ' must not be negative or null', NULL,
			'0.05 allows 5 percent more.', '22023'];
	END IF;
	BEGIN
		fault := regexp_match('', ignore);
	EXCEPTION WHEN invalid_regular_expression THEN
		RETURN ARRAY['ignore is no regular expression: ' || SQLERRM, NULL,
			'Statements that match it are left out.', '2201B'];
	END;
	fault := diagnose.window_fault('window before', before);
	IF fault IS NULL AND (before).upper IS NULL THEN
		fault := ARRAY['window before has not ended', NULL,
			'End it with a snapshot: diagnose.take_snapshot().', '22023'];
	END IF;
	w := coalesce(after, diagnose.window_after(before));
	fault := coalesce(fault, diagnose.window_fault('window after', w));
	IF fault IS NULL AND same_plans AND (diagnose.is_imported(before) OR diagnose.is_imported(w)) THEN
		fault := ARRAY[format('plans cannot be compared %s', than),
			'It was imported, and a plan is known by a number of the server that executed it.',
			'Leave out same_plans, and use diagnose.assert_plan().', '0A000'];
	END IF;
	IF fault IS NOT NULL THEN
		RETURN fault;
	END IF;

	-- What had to be forgotten may be what regressed.
	SELECT sum(s.calls + s.failed) INTO evicted
	FROM diagnose.statements(w) AS s
		JOIN pg_catalog.pg_database AS d ON d.oid = s.dbid
	WHERE d.datname = current_database() AND s.userid IS NULL;
	IF evicted > 0 THEN
		RETURN ARRAY[format('cannot tell whether work regressed %s', than),
			diagnose.count_text(evicted, 'execution') || ' of the window cannot be told apart.',
			'Raise pg_diagnose.max.'];
	END IF;

	WITH changes AS MATERIALIZED (
		SELECT d.*, array_position('{regressed,new,missing,unchanged}', d.verdict) AS place
		FROM diagnose.work_changes(before, w,
			coalesce(same_calls, true), same_plans, rows_tolerance, blocks_tolerance,
			wal_tolerance, ignore) AS d
	)
	SELECT count(*) FILTER (WHERE d.verdict = 'regressed' AND d.kind = 'statement') AS statements,
		count(*) FILTER (WHERE d.verdict = 'regressed' AND d.kind <> 'statement') AS transactions,
		count(*) FILTER (WHERE d.verdict = 'new') AS new,
		count(*) FILTER (WHERE d.verdict = 'missing') AS missing,
		count(*) FILTER (WHERE d.verdict = 'unchanged') AS unchanged,
		array_agg(CASE WHEN d.place = 1 THEN '  ' ELSE '  ' || d.verdict || ': ' END ||
			diagnose.short_text(d.subject, 100) || ': ' || d.changes
			ORDER BY d.place, d.kind = 'statement', d.subject COLLATE "C", d.changes)
			FILTER (WHERE d.verdict <> 'unchanged') AS lines
		INTO c
	FROM changes AS d;

	IF c.statements + c.unchanged = 0 THEN
		RETURN ARRAY[format('nothing to compare %s', than),
			format('Of %s before and %s after, none is the same.',
				diagnose.count_text(c.missing, 'statement'),
				diagnose.count_text(c.new, 'statement')),
			'Run the same statements as before, with the privileges to see them.'];
	END IF;
	IF c.statements + c.transactions = 0 AND (c.new = 0 OR allow_new IS NOT FALSE)
		AND (c.missing = 0 OR allow_missing IS NOT FALSE)
	THEN
		RETURN NULL;
	END IF;
	RETURN ARRAY[
		format('work regressed %s: %s', than, concat_ws(', ',
			CASE WHEN c.transactions > 0 THEN diagnose.count_text(c.transactions, 'transaction') END,
			CASE WHEN c.statements > 0 THEN diagnose.count_text(c.statements, 'statement') END,
			CASE WHEN c.new > 0 THEN c.new || ' new' END,
			CASE WHEN c.missing > 0 THEN c.missing || ' missing' END)),
		CASE c.unchanged
			WHEN 0 THEN 'No statement is unchanged:'
			WHEN 1 THEN 'One statement is unchanged, but:'
			ELSE c.unchanged || ' statements are unchanged, but:'
		END || E'\n' || diagnose.lines_text(c.lines),
		'If this is intended, make a new baseline.'];
END
$$;
COMMENT ON FUNCTION diagnose.regression_problem(text, diagnose.window, diagnose.window, boolean, boolean, boolean, boolean, double precision, double precision, double precision, text) IS
'what diagnose.assert_no_regression() would say; NULL if nothing';

CREATE OR REPLACE FUNCTION diagnose.assert_no_regression(
	before							diagnose.window,
	after							diagnose.window DEFAULT NULL,
	allow_new						boolean DEFAULT true,
	allow_missing					boolean DEFAULT true,
	same_calls						boolean DEFAULT true,
	same_plans						boolean DEFAULT NULL,
	rows_tolerance					double precision DEFAULT 0,
	blocks_tolerance				double precision DEFAULT 0.05,
	wal_tolerance					double precision DEFAULT NULL,
	ignore							text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(diagnose.regression_problem(
	'against the window before', before, after,
	allow_new, allow_missing, same_calls, same_plans,
	rows_tolerance, blocks_tolerance, wal_tolerance, ignore));
COMMENT ON FUNCTION diagnose.assert_no_regression(diagnose.window, diagnose.window, boolean, boolean, boolean, boolean, double precision, double precision, double precision, text) IS
'an error if statements of this database do more work than in the window before, return other rows, fail more often or have another plan; after NULL: from there, or a reset since, until now';

CREATE OR REPLACE FUNCTION diagnose.assert_no_regression(
	baseline						text,
	after							diagnose.window DEFAULT NULL,
	allow_new						boolean DEFAULT true,
	allow_missing					boolean DEFAULT true,
	same_calls						boolean DEFAULT true,
	same_plans						boolean DEFAULT NULL,
	rows_tolerance					double precision DEFAULT 0,
	blocks_tolerance				double precision DEFAULT 0.05,
	wal_tolerance					double precision DEFAULT NULL,
	ignore							text DEFAULT NULL)
RETURNS void
LANGUAGE sql VOLATILE
RETURN diagnose.raise_problem(coalesce(diagnose.baseline_problem(baseline),
	diagnose.regression_problem(format('against baseline "%s"', baseline),
		diagnose.baseline_window(baseline), after,
		allow_new, allow_missing, same_calls, same_plans,
		rows_tolerance, blocks_tolerance, wal_tolerance, ignore)));
COMMENT ON FUNCTION diagnose.assert_no_regression(text, diagnose.window, boolean, boolean, boolean, boolean, double precision, double precision, double precision, text) IS
'an error if statements of this database do more work than in a baseline, or in a file imported under that label; after NULL: from its end, or a reset since, until now';
