-- Gates: what a deployment or a build stops for.  Assertions look at work, not
-- at time: the same statements on the same data do the same work, however busy
-- the machine is, and so they can stand in the regression tests of an
-- application.  gate() is for production, where times count.
--
-- An assertion is a function that returns a problem, or NULL if there is none,
-- and one in SQL around it that raises it.  The latter is inlined, so an error
-- comes without a CONTEXT that would change with every release of ours.  A
-- problem is an array of message, detail, hint and SQLSTATE; without the last
-- one it is a failed assertion, PD001.

CREATE OR REPLACE FUNCTION diagnose.raise_problem(problem text[])
RETURNS void
AS 'MODULE_PATHNAME', 'pgd_raise_problem'
LANGUAGE C VOLATILE PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.raise_problem(text[]) IS
'raise an error from message, detail, hint and SQLSTATE (PD001 if there is none); NULL raises nothing';

-- The window is used once in those functions: what is used twice is not inlined.
CREATE OR REPLACE FUNCTION diagnose.window_fault(
	what							text,
	w								diagnose.window)
RETURNS text[]
LANGUAGE sql STABLE
RETURN CASE
	-- Everything since the last reset is two NULLs, which is another thing.
	WHEN w IS NOT DISTINCT FROM NULL::diagnose.window THEN
		ARRAY[what || ' must not be null', NULL,
			'Use diagnose.since_reset() for everything since the last reset.', '22004']
	WHEN (w).lower >= (w).upper THEN
		ARRAY[what || ' does not end after it begins', NULL,
			'Name the earlier end first.', '22023']
	WHEN diagnose.window_problem(w) IS NOT NULL THEN
		ARRAY[format('%s cannot be read: %s', what,
				regexp_replace(diagnose.window_problem(w), '^the window', 'it')), NULL,
			'The view diagnose.snapshots lists possible ends.', '55000']
END;
COMMENT ON FUNCTION diagnose.window_fault(text, diagnose.window) IS
'the problem with a window; NULL if there is none';

-- ---- Words ----

-- Two numbers that differ are not written alike.
CREATE OR REPLACE FUNCTION diagnose.change_text(
	what							text,
	before							numeric,
	after							numeric)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN what || ' ' || CASE
	WHEN diagnose.number_text(before::float8) = diagnose.number_text(after::float8)
		THEN trim_scale(round(before, 4)) || ' -> ' || trim_scale(round(after, 4))
	ELSE diagnose.number_text(before::float8) || ' -> ' || diagnose.number_text(after::float8)
END;
COMMENT ON FUNCTION diagnose.change_text(text, numeric, numeric) IS
'a number before and after: blocks per call 3 -> 168';

CREATE OR REPLACE FUNCTION diagnose.lines_text(
	lines							text[],
	width							integer DEFAULT 20)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_to_string(CASE
	WHEN lines IS NULL OR cardinality(lines) <= width THEN lines
	ELSE lines[1 : width - 1] || ('and ' || cardinality(lines) - width + 1 || ' more')
END, E'\n');
COMMENT ON FUNCTION diagnose.lines_text(text[], integer) IS
'at most so many lines, the last of which may say how many more there are';

-- ---- Windows of baselines ----

CREATE OR REPLACE FUNCTION diagnose.is_imported(w diagnose.window) RETURNS boolean
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT EXISTS (SELECT FROM diagnose.snapshots() AS s
		WHERE s.id IN ((w).lower, (w).upper) AND s.kind = 'imported');
END;
COMMENT ON FUNCTION diagnose.is_imported(diagnose.window) IS
'is an end of the window a snapshot that diagnose.import() made?';

-- A baseline is one of this server, or a file that was imported under a label.
CREATE OR REPLACE FUNCTION diagnose.baseline_window(
	baseline						text)
RETURNS diagnose.window
LANGUAGE sql STABLE
BEGIN ATOMIC
	SELECT w.found
	FROM (
		SELECT 1, 0, ROW(b.lower, b.upper)::diagnose.window
		FROM diagnose.baselines AS b
		WHERE b.name = baseline_window.baseline
		UNION ALL
		SELECT 2, -s.id, ROW(NULL, s.id)::diagnose.window
		FROM diagnose.snapshots() AS s
		WHERE s.label = baseline_window.baseline AND s.kind = 'imported') AS w (place, latest, found)
	ORDER BY w.place, w.latest
	LIMIT 1;
END;
COMMENT ON FUNCTION diagnose.baseline_window(text) IS
'the window of a baseline, or of the snapshot that was imported under this label; NULL if there is neither';

CREATE OR REPLACE FUNCTION diagnose.baseline_problem(baseline text)
RETURNS text[]
LANGUAGE sql STABLE
RETURN CASE
	WHEN baseline IS NULL THEN ARRAY['baseline must not be null', NULL, NULL, '22004']
	WHEN diagnose.baseline_window(baseline) IS NULL THEN
		ARRAY[format('baseline "%s" does not exist', baseline), NULL,
			'Make it with diagnose.rebaseline(), or load a file with diagnose.import().',
			'42704']
END;
COMMENT ON FUNCTION diagnose.baseline_problem(text) IS
'what is wrong with the name of a baseline; NULL if nothing';

-- What came after a baseline of this server begins where that ends, or with a
-- reset since.  What is compared with a file is all that has been counted.
CREATE OR REPLACE FUNCTION diagnose.window_after(before diagnose.window)
RETURNS diagnose.window
LANGUAGE sql STABLE
RETURN CASE
	WHEN diagnose.is_imported(before)
		OR diagnose.window_problem(ROW((before).upper, NULL)::diagnose.window) IS NOT NULL
		THEN diagnose.since_reset()
	ELSE ROW((before).upper, NULL)::diagnose.window
END;
COMMENT ON FUNCTION diagnose.window_after(diagnose.window) IS
'from the end of a window until now; everything since the last reset, if that came later or the window was imported';
