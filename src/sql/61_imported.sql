-- Imported windows: what the document knew that they were made from, beside the
-- facts.  Rules find nothing in such a window, as it has no observations; what
-- was found is in the document.

CREATE OR REPLACE FUNCTION diagnose.imported_note(w diagnose.window)
RETURNS text
AS 'MODULE_PATHNAME', 'pgd_imported_note'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION diagnose.imported_note(diagnose.window) IS
'what only the document knew that a window was imported from, as json; NULL: it was not';

-- What these say rests on counts, and on work that is the same each time.  All
-- others look at times or at rates too, or at the server.
CREATE OR REPLACE FUNCTION diagnose.is_repeatable(rule text) RETURNS boolean
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN rule IN ('broad_row_locking', 'check_then_insert', 'failing_statement',
	'lost_update_risk', 'n_plus_one', 'repeated_update_same_row',
	'subxact_overflow', 'writes_on_replica');
COMMENT ON FUNCTION diagnose.is_repeatable(text) IS
'is this found again whenever the same work is done, however fast?';

CREATE OR REPLACE FUNCTION diagnose.has_timings(w diagnose.window)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT coalesce((diagnose.imported_note(w)::jsonb ->> 'timings')::boolean, true);
END;
COMMENT ON FUNCTION diagnose.has_timings(diagnose.window) IS
'are times known, and how long the window was? not if it was imported from a document without timings';

CREATE OR REPLACE FUNCTION diagnose.would_record(w diagnose.window, rule text)
RETURNS boolean
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT diagnose.has_timings(w) OR diagnose.is_repeatable(rule);
END;
COMMENT ON FUNCTION diagnose.would_record(diagnose.window, text) IS
'does it mean something that a window has no finding of this rule? not if it was imported from a document without timings, and the rule looks at times';

-- The key of a finding begins with the rule and the database.  In a document
-- there is this word in its place, as a clone has another name.
CREATE OR REPLACE FUNCTION diagnose.recorded_findings(
	w								diagnose.window,
	OUT key							text,
	OUT rule						text,
	OUT severity					text,
	OUT subject						text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 20
BEGIN ATOMIC
	SELECT CASE
			WHEN starts_with(f.finding ->> 'key', (f.finding ->> 'rule') || ':{database}:')
				THEN overlay(f.finding ->> 'key' PLACING current_database()
					FROM length(f.finding ->> 'rule') + 2 FOR length('{database}'))
			ELSE f.finding ->> 'key'
		END,
		f.finding ->> 'rule', f.finding ->> 'severity', f.finding ->> 'subject'
	FROM jsonb_array_elements(diagnose.imported_note(w)::jsonb -> 'findings')
		AS f (finding)
	ORDER BY 1;
END;
COMMENT ON FUNCTION diagnose.recorded_findings(diagnose.window) IS
'the findings in the document that a window was imported from; severity NULL: it does not tell';

CREATE OR REPLACE FUNCTION diagnose.known_findings(w diagnose.window)
RETURNS SETOF diagnose.finding
LANGUAGE sql STABLE ROWS 20 COST 100000
BEGIN ATOMIC
	SELECT f.*
	-- Rules are not asked in vain, which takes long.
	FROM (SELECT w WHERE diagnose.imported_note(w) IS NULL) AS own (w)
		-- Neither are those that look beyond the window: they say the same of
		-- any, or compare windows themselves.
		CROSS JOIN LATERAL diagnose.find(own.w,
			'{harmful_change,misestimate,missing_index,needs_rewrite,redundant_index,slow_before_install,unused_index,unused_new_index}') AS f
	UNION ALL
	SELECT r.rule, NULL::text, r.severity, r.key, r.subject, NULL::float8,
		NULL::float8, 'exact', NULL::bigint, NULL::text, NULL::jsonb, NULL::text,
		NULL::text, NULL::text, NULL::text, NULL::text
	FROM diagnose.recorded_findings(w) AS r;
END;
COMMENT ON FUNCTION diagnose.known_findings(diagnose.window) IS
'what all rules that look at nothing else find in a window; if it was imported, what its document tells of them: key, rule, subject, and severity if it knows';
