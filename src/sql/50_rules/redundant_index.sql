-- What it costs is not known: writing to an index is part of each statement's
-- time, and of nobody's alone.
CREATE OR REPLACE FUNCTION diagnose.rule_redundant_index(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 10 COST 100000
BEGIN ATOMIC
	SELECT 'redundant_index', 'cost', 'info',
		format('redundant_index:%s:%s', current_database(), r.index),
		format('index %s on %s', r.index, r.relation),
		NULL::float8, NULL::float8, 'exact', 1::bigint,
		format('%s %s, %s',
			CASE WHEN r.is_duplicate THEN 'the same as' ELSE 'covered by' END,
			r.covered_by, pg_size_pretty(r.size_bytes)),
		jsonb_strip_nulls(jsonb_build_object('covered_by', r.covered_by, 'reason', r.reason,
			'bytes', r.size_bytes, 'covering_bytes', r.covering_size_bytes,
			'scans', r.scans, 'covering_scans', r.covering_scans,
			'entries_written', r.entries_written)),
		concat_ws(' ',
			'Drop it: each write to the table writes to both, and the other one answers what this one does.',
			r.note,
			CASE WHEN pg_is_in_recovery() THEN 'Do that on the primary.' END),
		r.ddl, r.undo, r.verify, NULL::text
	FROM diagnose.redundant_indexes() AS r
	WHERE r.size_bytes >= current_setting('pg_diagnose.redundant_index_min_pages')::float8 *
			current_setting('block_size')::float8
		-- The catalogs and the statistics are those of now.
		AND diagnose.ends_now(w);
END;
COMMENT ON FUNCTION diagnose.rule_redundant_index(diagnose.window) IS
'an index that does nothing which another one does not do';
