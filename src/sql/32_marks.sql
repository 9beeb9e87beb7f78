-- Marks: what happened to the server, and when; and baselines, which are
-- windows with a name.  Both lie in a file of the data directory: what is
-- written here stays written, also if the transaction is rolled back.

CREATE OR REPLACE FUNCTION diagnose.marks(
	OUT id							bigint,
	OUT at							timestamptz,
	OUT kind						text,
	OUT what						text,
	OUT object						text,
	OUT detail						text,
	OUT database					text,
	OUT role						text,
	OUT snapshot					bigint,
	OUT lower						bigint,
	OUT upper						bigint,
	OUT undo						text,
	OUT is_own						boolean)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_marks_rows'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1000 COST 10000;
COMMENT ON FUNCTION diagnose.marks() IS
'what happened to the server: labels, DDL, changed settings, starts, crashes, resets, promotions, baselines; is_own is false for what happened to the server that this one was cloned from';

CREATE OR REPLACE VIEW diagnose.marks AS
SELECT m.id, m.at::timestamptz(0) AS at, m.kind, left(m.what, 24) AS what,
	left(coalesce(m.detail, m.object, ''), 44) AS detail
FROM diagnose.marks() AS m
WHERE m.is_own
ORDER BY m.id DESC
LIMIT 50;
COMMENT ON VIEW diagnose.marks IS
'the 50 latest marks of this server; diagnose.marks() has all of them, with object, role and undo';

CREATE OR REPLACE FUNCTION diagnose.marks_lost() RETURNS bigint
AS 'MODULE_PATHNAME', 'pgd_marks_lost'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION diagnose.marks_lost() IS
'marks that were dropped since the server started, as there were too many at once';

CREATE OR REPLACE FUNCTION diagnose.add_mark(
	kind							text,
	what							text,
	detail							text DEFAULT NULL,
	snapshot						bigint DEFAULT NULL,
	lower							bigint DEFAULT NULL,
	upper							bigint DEFAULT NULL)
RETURNS bigint
AS 'MODULE_PATHNAME', 'pgd_mark_add'
LANGUAGE C VOLATILE PARALLEL RESTRICTED;
COMMENT ON FUNCTION diagnose.add_mark(text, text, text, bigint, bigint, bigint) IS
'write a mark as it is, for mark() and rebaseline(), which check what they write; returns its id';

-- A name that people give: what "thing" cannot be called.
CREATE OR REPLACE FUNCTION diagnose.check_name(
	thing							text,
	name							text,
	longest							integer)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF name IS NULL THEN
		RAISE EXCEPTION '% must not be null', thing
			USING ERRCODE = 'null_value_not_allowed';
	ELSIF btrim(name) = '' THEN
		RAISE EXCEPTION '% must not be empty', thing
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF octet_length(name) > longest THEN
		RAISE EXCEPTION '% "%..." is too long', thing, left(name, 20)
			USING ERRCODE = 'name_too_long',
				DETAIL = format('It has %s bytes, and may have %s.',
								octet_length(name), longest);
	ELSIF name ~ '[[:cntrl:]]' THEN
		RAISE EXCEPTION '% must not contain control characters', thing
			USING ERRCODE = 'invalid_parameter_value';
	ELSIF name IN ('now', 'reset') OR name LIKE '#%' THEN
		RAISE EXCEPTION '% "%" is reserved', thing, name
			USING ERRCODE = 'reserved_name',
				HINT = '"reset" is the last reset, "now" the present, and "#12" the snapshot of that number.';
	END IF;
END
$$;
COMMENT ON FUNCTION diagnose.check_name(text, text, integer) IS
'raise an error if a label, or the name of a baseline, is none';

CREATE OR REPLACE FUNCTION diagnose.mark(
	label							text,
	detail							text DEFAULT NULL)
RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM diagnose.check_name('label', label, 63);
	IF EXISTS (SELECT FROM diagnose.marks() AS m
			   WHERE m.is_own AND m.kind = 'label' AND m.what = label) THEN
		RAISE EXCEPTION 'label "%" already exists', label
			USING ERRCODE = 'duplicate_object',
				HINT = 'Labels stand for one moment each: add a number or the time.';
	END IF;
	RETURN diagnose.add_mark('label', label, detail,
							 diagnose.take_snapshot(label));
END
$$;
COMMENT ON FUNCTION diagnose.mark(text, text) IS
'say that something happens now, such as a release: takes a snapshot with this label, so that windows can begin or end here; returns the mark''s id';

-- ----------
-- Baselines
-- ----------

CREATE OR REPLACE FUNCTION diagnose.baseline_history(
	baseline						text DEFAULT NULL,
	OUT name						text,
	OUT version						integer,
	OUT at							timestamptz,
	OUT reason						text,
	OUT lower						bigint,
	OUT upper						bigint,
	OUT role						text,
	OUT is_current					boolean)
RETURNS SETOF record
LANGUAGE sql STABLE ROWS 20 COST 10000
BEGIN ATOMIC
	SELECT m.what,
		(row_number() OVER (PARTITION BY m.what ORDER BY m.id))::integer,
		m.at, m.detail, m.lower, m.upper, m.role,
		m.upper IS NOT NULL
			AND m.id = max(m.id) OVER (PARTITION BY m.what)
	FROM diagnose.marks() AS m
	WHERE m.kind = 'baseline' AND m.is_own
		AND (baseline IS NULL OR m.what = baseline)
	ORDER BY m.what, m.id;
END;
COMMENT ON FUNCTION diagnose.baseline_history(text) IS
'all versions of a baseline, or of all, with the reasons; upper NULL: it was given up';

CREATE OR REPLACE VIEW diagnose.baselines AS
SELECT h.name, h.version AS versions, h.at::timestamptz(0) AS at, h.reason,
	h.lower, h.upper, h.role
FROM diagnose.baseline_history() AS h
WHERE h.is_current
ORDER BY h.name;
COMMENT ON VIEW diagnose.baselines IS
'the current version of every baseline; lower NULL: it begins with the last reset before upper';

CREATE OR REPLACE FUNCTION diagnose.baseline(name text)
RETURNS diagnose.window
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	w								diagnose.window;
BEGIN
	SELECT h.lower, h.upper INTO w
	FROM diagnose.baseline_history(baseline.name) AS h
	WHERE h.is_current;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'baseline "%" does not exist', name
			USING ERRCODE = 'undefined_object',
				HINT = 'Make it with diagnose.rebaseline(name, reason).';
	END IF;
	RETURN w;
END
$$;
COMMENT ON FUNCTION diagnose.baseline(text) IS
'the window that is the current version of a baseline';

CREATE OR REPLACE FUNCTION diagnose.rebaseline(
	name							text,
	reason							text,
	w								diagnose.window DEFAULT diagnose.since_reset())
RETURNS diagnose.window
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	version							integer;
	taken							text;
BEGIN
	-- A snapshot's label has the version, too.
	PERFORM diagnose.check_name('name of a baseline', name, 40);
	IF btrim(coalesce(reason, '')) = '' THEN
		RAISE EXCEPTION 'a baseline needs a reason'
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'Say why this is what is normal now; diagnose.baseline_history() keeps it.';
	END IF;

	IF w.upper IS NULL THEN
		-- Else the baseline would go on with the workload.
		SELECT count(*) INTO version FROM diagnose.baseline_history(rebaseline.name);
		LOOP
			version := version + 1;
			taken := format('baseline %s %s', name, version);
			EXIT WHEN NOT EXISTS (SELECT FROM diagnose.snapshots() AS s
								  WHERE s.label = taken);
		END LOOP;
		w := ROW(w.lower, diagnose.take_snapshot(taken));
	END IF;
	-- Can it be read at all?
	PERFORM diagnose.seconds(w);
	PERFORM diagnose.add_mark('baseline', name, reason, w.upper, w.lower, w.upper);
	RETURN w;
END
$$;
COMMENT ON FUNCTION diagnose.rebaseline(text, text, diagnose.window) IS
'say that this window is what is normal from now on, and why; a baseline that has no such name yet is made; returns the window with fixed ends';

CREATE OR REPLACE FUNCTION diagnose.drop_baseline(
	name							text,
	reason							text)
RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	PERFORM diagnose.baseline(name);
	IF btrim(coalesce(reason, '')) = '' THEN
		RAISE EXCEPTION 'giving up a baseline needs a reason'
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	PERFORM diagnose.add_mark('baseline', name, reason);
END
$$;
COMMENT ON FUNCTION diagnose.drop_baseline(text, text) IS
'give up a baseline; its versions stay in the history, its snapshots may be thinned';
