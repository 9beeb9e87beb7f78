-- Windows: stretches of time between snapshots, by the names of their ends.

CREATE OR REPLACE FUNCTION diagnose.take_snapshot(label text DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'pgd_take_snapshot'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION diagnose.take_snapshot(text) IS
'write all that is known to a file now; with a label it is kept until it is dropped; returns the number of the snapshot; an error if the label is taken or the disk full';

CREATE OR REPLACE FUNCTION diagnose.drop_snapshot(id bigint)
RETURNS void
AS 'MODULE_PATHNAME', 'pgd_drop_snapshot'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION diagnose.drop_snapshot(bigint) IS
'remove a snapshot';

CREATE OR REPLACE FUNCTION diagnose.adopt_snapshots(node bigint)
RETURNS bigint
AS 'MODULE_PATHNAME', 'pgd_adopt_snapshots'
LANGUAGE C VOLATILE STRICT PARALLEL UNSAFE;
COMMENT ON FUNCTION diagnose.adopt_snapshots(bigint) IS
'from now on this server is that node, and its snapshots are those of this server: for a data directory that was moved by copying it; returns how many there are';

CREATE OR REPLACE FUNCTION diagnose.snapshots(
	OUT id							bigint,
	OUT label						text,
	OUT kind						text,
	OUT taken_at					timestamptz,
	OUT since						timestamptz,
	OUT server_started				timestamptz,
	OUT is_own						boolean,
	OUT is_standby					boolean,
	OUT timeline					bigint,
	OUT server_version				bigint,
	OUT node						bigint,
	OUT epoch						bigint,
	OUT settings_digest				bigint,
	OUT statements					bigint,
	OUT executions					bigint,
	OUT evicted						bigint,
	OUT uncaptured					bigint,
	OUT bytes						bigint,
	OUT problem						text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_snapshots'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 500 COST 10000;
COMMENT ON FUNCTION diagnose.snapshots() IS
'all snapshots on disk; kind is automatic, labelled or imported; is_own: taken by this server, not by the one that it was copied from; two of one epoch and one node are the ends of a window; problem: why it cannot be used';

CREATE OR REPLACE VIEW diagnose.snapshots AS
SELECT s.id, CASE WHEN length(s.label) > 24 THEN left(s.label, 21) || '...' ELSE s.label END AS label,
	coalesce(s.kind, 'unknown') AS kind,
	date_trunc('second', s.taken_at) AS taken_at,
	CASE
		WHEN s.problem ~ 'version' THEN 'of another version'
		WHEN s.problem IS NOT NULL THEN s.problem
		WHEN s.kind = 'imported' THEN 'a window of its own'
		WHEN NOT s.is_own THEN 'of another server'
		WHEN s.epoch <> (SELECT o.epoch FROM diagnose.own_status() AS o)
			THEN 'before a reset or crash'
		WHEN s.is_standby THEN 'as a standby'
		ELSE 'as a primary'
	END AS state,
	s.statements, s.executions, pg_size_pretty(s.bytes) AS size
FROM diagnose.snapshots() AS s
ORDER BY s.id DESC;
COMMENT ON VIEW diagnose.snapshots IS
'snapshots on disk, the latest first: their labels, or # and their numbers, are ends of windows';
COMMENT ON COLUMN diagnose.snapshots.state IS 'how this server was when it was taken, or why it is no end of a window that ends now';

CREATE OR REPLACE FUNCTION diagnose.window_problem(w diagnose.window)
RETURNS text
AS 'MODULE_PATHNAME', 'pgd_find_window_problem'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION diagnose.window_problem(diagnose.window) IS
'why a window cannot be read, as it crosses a reset or a snapshot is gone; NULL if it can';

CREATE OR REPLACE FUNCTION diagnose.held(w diagnose.window)
RETURNS diagnose.window
AS 'MODULE_PATHNAME', 'pgd_hold_window'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION diagnose.held(diagnose.window) IS
'the same window; if it ends now, the present is held still in memory for this transaction: whoever asks several times sees one state, and what was found out once is not asked again';

CREATE OR REPLACE FUNCTION diagnose.ends_now(w diagnose.window)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (w).upper IS NULL OR (w).upper >= 1000000000000000000;
COMMENT ON FUNCTION diagnose.ends_now(diagnose.window) IS
'does a window end with the present, held still or not?';

-- A time is that of the snapshot at, or just before, it; if it is the later
-- end, of that at, or just after, it.  So a window has all of what was asked
-- for, and up to one interval more at each end.
CREATE OR REPLACE FUNCTION diagnose.snapshot_at(
	at								timestamptz,
	is_upper						boolean)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	WITH usable AS (
		SELECT s.id, s.taken_at
		FROM diagnose.snapshots() AS s
		WHERE s.is_own AND s.problem IS NULL AND s.kind <> 'imported'
	)
	SELECT CASE
		WHEN is_upper THEN
			(SELECT u.id FROM usable AS u WHERE u.taken_at >= at ORDER BY u.id LIMIT 1)
		ELSE coalesce(
			(SELECT u.id FROM usable AS u WHERE u.taken_at <= at ORDER BY u.id DESC LIMIT 1),
			(SELECT u.id FROM usable AS u ORDER BY u.id LIMIT 1))
	END;
END;
COMMENT ON FUNCTION diagnose.snapshot_at(timestamptz, boolean) IS
'the snapshot that a window begins with to have all from a time on, or ends with to have all up to it; NULL: there is none that late';

-- What an end of a window may be called.  Kept apart from window() so that its
-- errors name the end.
CREATE OR REPLACE FUNCTION diagnose.window_end(
	name							text,
	is_upper						boolean,
	other							timestamptz,
	OUT id							bigint,
	OUT at							timestamptz)
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF name ~ '^#[0-9]{1,18}$' THEN
		SELECT s.id, s.taken_at INTO id, at
		FROM diagnose.snapshots() AS s
		WHERE s.id = substr(name, 2)::bigint;
		IF NOT FOUND THEN
			RAISE EXCEPTION 'snapshot % does not exist', substr(name, 2)
				USING ERRCODE = 'undefined_object',
					HINT = 'The view diagnose.snapshots lists them.';
		END IF;
		RETURN;
	END IF;

	-- Imported ones have labels, too; of servers that this one was copied
	-- from, only what was not taken again.
	SELECT s.id, s.taken_at INTO id, at
	FROM diagnose.snapshots() AS s
	WHERE s.label = name AND s.problem IS NULL
	ORDER BY s.is_own DESC, s.id DESC
	LIMIT 1;
	IF FOUND THEN
		RETURN;
	END IF;

	-- A label that is missing must not be taken for a time: to PostgreSQL 42
	-- is as good an interval as 4.2.1 is a date.
	BEGIN
		IF name ~ '[[:alpha:]:]' THEN
			at := other - replace(name, 'last ', '')::interval;
		END IF;
	EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow
			OR interval_field_overflow THEN
		at := NULL;
	END;
	IF at >= other THEN
		RAISE EXCEPTION 'interval "%" does not lie in the past', name
			USING ERRCODE = 'invalid_parameter_value';
	END IF;
	BEGIN
		IF at IS NULL AND name ~ ':|^\s*[0-9]{4}-[0-9]|^(today|yesterday)$' THEN
			at := name::timestamptz;
		END IF;
	EXCEPTION WHEN invalid_datetime_format OR datetime_field_overflow
			OR invalid_parameter_value THEN
		at := NULL;
	END;
	IF at IS NULL OR NOT isfinite(at) THEN
		RAISE EXCEPTION 'label "%" does not exist', name
			USING ERRCODE = 'undefined_object',
				HINT = 'An end of a window is the label of a snapshot, its number as in #12, a time, an interval as in 15 minutes, "reset" or "now".';
	END IF;
	id := diagnose.snapshot_at(at, is_upper);
	IF id IS NULL AND NOT is_upper THEN
		RAISE EXCEPTION 'there is no snapshot yet'
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'Take one with diagnose.take_snapshot(), or set pg_diagnose.snapshot_interval.';
	END IF;
END
$$;
COMMENT ON FUNCTION diagnose.window_end(text, boolean, timestamptz) IS
'the snapshot that a label, a number, a time or an interval before another time means; id NULL: now';

CREATE OR REPLACE FUNCTION diagnose.window(
	from_label						text DEFAULT 'reset',
	to_label						text DEFAULT 'now')
RETURNS diagnose.window
LANGUAGE plpgsql STABLE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	-- A composite without a value is NULL, one of NULLs is not.
	w								diagnose.window := ROW(NULL, NULL);
	upper_at						timestamptz := clock_timestamp();
	problem							text;
BEGIN
	IF from_label IS NULL OR to_label IS NULL THEN
		RAISE EXCEPTION '% must not be null',
			CASE WHEN from_label IS NULL THEN 'from_label' ELSE 'to_label' END
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'The last reset is "reset", the present is "now".';
	END IF;

	IF to_label NOT IN ('reset', 'now') THEN
		SELECT e.id, e.at INTO w.upper, upper_at
		FROM diagnose.window_end(to_label, true, upper_at) AS e;
	END IF;
	IF from_label NOT IN ('reset', 'now') THEN
		SELECT e.id INTO w.lower
		FROM diagnose.window_end(from_label, false, upper_at) AS e;
	END IF;

	-- An imported one is a window: what was counted from its own reset on.
	IF w.lower IS NOT NULL AND to_label = 'now' AND EXISTS (
			SELECT FROM diagnose.snapshots() AS s
			WHERE s.id = w.lower AND s.kind = 'imported') THEN
		RETURN ROW(NULL, w.lower)::diagnose.window;
	END IF;

	IF from_label = 'now' OR to_label = 'reset' OR w.lower >= w.upper THEN
		RAISE EXCEPTION 'window from "%" to "%" does not end after it begins',
			from_label, to_label
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Name the earlier end first.';
	END IF;

	problem := diagnose.window_problem(w);
	IF problem IS NOT NULL THEN
		RAISE EXCEPTION 'no window from "%" to "%": %', from_label, to_label,
			regexp_replace(problem, '^the window', 'it')
			USING ERRCODE = 'object_not_in_prerequisite_state',
				HINT = 'The view diagnose.snapshots lists possible ends.';
	END IF;
	RETURN w;
END
$$;
COMMENT ON FUNCTION diagnose.window(text, text) IS
'the window between two ends, each of which is a label, # and the number of a snapshot, a time, an interval before the later end, "reset" or "now": window(''15 minutes''), window(''release 41'', ''release 42'')';

CREATE OR REPLACE FUNCTION diagnose.window(of_the_last interval)
RETURNS diagnose.window
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT diagnose.window(of_the_last::text, 'now');
END;
COMMENT ON FUNCTION diagnose.window(interval) IS
'the last so long';

CREATE OR REPLACE FUNCTION diagnose.window(
	from_time						timestamptz,
	to_time							timestamptz)
RETURNS diagnose.window
LANGUAGE sql STABLE STRICT PARALLEL RESTRICTED
BEGIN ATOMIC
	SELECT diagnose.window(from_time::text, to_time::text);
END;
COMMENT ON FUNCTION diagnose.window(timestamptz, timestamptz) IS
'the window between two times';
