-- Interchange: what happened in a window as a document that travels between
-- servers, major versions and repositories, and back as a snapshot.
--
-- A document is keyed by fingerprints and by who sent a transaction: nothing in
-- it is called otherwise on another server.  Without timings nothing in it
-- differs when the same work is done again.

CREATE OR REPLACE FUNCTION diagnose.statement_documents(
	w								diagnose.window,
	timings							boolean,
	dbid							oid,
	OUT nested						boolean,
	OUT fingerprint					bigint,
	OUT query						text,
	OUT document					jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_statement_documents'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1000 COST 20000;
COMMENT ON FUNCTION diagnose.statement_documents(diagnose.window, boolean, oid) IS
'the statements of a database as diagnose.export() shows them, those of all roles as one; fingerprint NULL: executions of what cannot be named';

CREATE OR REPLACE FUNCTION diagnose.transaction_documents(
	w								diagnose.window,
	timings							boolean,
	dbid							oid,
	OUT key							text,
	OUT document					jsonb)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_transaction_documents'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100 COST 20000;
COMMENT ON FUNCTION diagnose.transaction_documents(diagnose.window, boolean, oid) IS
'the transactions of a database as diagnose.export() shows them, those of all roles as one; key is who sent it, "/", and the shape';

-- Where a burst ends is a matter of think time, unless somebody has said so.
CREATE OR REPLACE FUNCTION diagnose.export_findings(
	w								diagnose.window,
	timings							boolean,
	database						text)
RETURNS jsonb
LANGUAGE sql STABLE
BEGIN ATOMIC
	-- Findings that were recorded are about the current database.
	WITH found AS (
		SELECT f.key, f.rule, f.severity, f.subject,
			CASE WHEN f.evidence IS NULL THEN current_database()::text
				ELSE export_findings.database END AS database
		FROM diagnose.known_findings(w) AS f
		WHERE coalesce(f.evidence ->> 'database', export_findings.database) =
			export_findings.database
	),
	renamed AS (
		SELECT f.rule, f.severity,
			CASE
				WHEN starts_with(f.key, f.rule || ':' || f.database || ':')
					THEN overlay(f.key PLACING '{database}'
						FROM length(f.rule) + 2 FOR length(f.database))
				ELSE f.key
			END AS key,
			CASE
				WHEN starts_with(f.subject, 'in database ' || f.database || ': ')
					THEN substr(f.subject, length('in database ' || f.database || ': ') + 1)
				ELSE f.subject
			END AS subject
		FROM found AS f
	)
	SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object(
		'key', f.key, 'rule', f.rule, 'subject', f.subject,
		'severity', CASE WHEN timings THEN f.severity END)) ORDER BY f.key COLLATE "C"), '[]')
	FROM renamed AS f
	WHERE timings OR (diagnose.is_repeatable(f.rule)
		AND (f.subject NOT LIKE '% (burst)'
			OR current_setting('pg_diagnose.burst_gap')::interval > interval '0'));
END;
COMMENT ON FUNCTION diagnose.export_findings(diagnose.window, boolean, text) IS
'the findings of a window as diagnose.export() shows them; of an imported one, those of the document';

CREATE OR REPLACE FUNCTION diagnose.export(
	w								diagnose.window DEFAULT diagnose.since_reset(),
	timings							boolean DEFAULT true,
	database						text DEFAULT current_database())
RETURNS jsonb
LANGUAGE plpgsql STABLE COST 100000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	dbid							oid;
	seconds							double precision := diagnose.seconds(w);
	version							bigint := current_setting('server_version_num')::bigint;
	library							text;
	answer							jsonb;
BEGIN
	IF timings IS NULL OR database IS NULL THEN
		RAISE EXCEPTION '% must not be null',
			CASE WHEN timings IS NULL THEN 'timings' ELSE 'database' END
			USING ERRCODE = 'null_value_not_allowed';
	END IF;
	SELECT d.oid INTO dbid FROM diagnose.since_reset(), pg_catalog.pg_database AS d
	WHERE d.datname = export.database;
	IF NOT FOUND THEN
		RAISE EXCEPTION 'database "%" does not exist', database
			USING ERRCODE = 'invalid_catalog_name';
	END IF;

	SELECT 'pg_diagnose ' || e.extversion INTO library
	FROM diagnose.since_reset(), pg_catalog.pg_extension AS e
	WHERE e.extname = 'pg_diagnose';
	-- What was imported goes on as what it was.
	SELECT s.server_version INTO version
	FROM diagnose.snapshots() AS s WHERE s.id = (w).upper;
	version := coalesce(version, current_setting('server_version_num')::bigint);
	timings := timings AND diagnose.has_timings(w);

	WITH statements AS MATERIALIZED (
		SELECT s.nested, s.fingerprint, s.document,
			diagnose.is_own(s.query) AS is_own
		FROM diagnose.statement_documents(w, timings, dbid) AS s
	),
	own AS MATERIALIZED (
		SELECT coalesce(array_agg(s.fingerprint::text), '{}') AS fingerprints
		FROM statements AS s WHERE s.is_own
	),
	transactions AS MATERIALIZED (
		SELECT t.key, t.document
		FROM diagnose.transaction_documents(w, timings, dbid) AS t
			CROSS JOIN own AS o
		WHERE (SELECT bool_and(p.step ->> 'fingerprint' = ANY (o.fingerprints))
				FROM jsonb_array_elements(t.document -> 'steps') AS p (step)) IS NOT TRUE
	)
	SELECT jsonb_strip_nulls(jsonb_build_object(
		'window', CASE WHEN timings THEN
			jsonb_build_object('seconds', round(seconds::numeric, 6)) END,
		'unidentified', (
			SELECT jsonb_build_object('calls', sum((s.document ->> 'calls')::numeric))
			FROM statements AS s WHERE s.fingerprint IS NULL HAVING count(*) > 0))) ||
		jsonb_build_object(
		'format', 1, 'library', library, 'server_version', version,
		'timings', timings,
		'statements', (
			SELECT coalesce(jsonb_object_agg(s.fingerprint, s.document), '{}')
			FROM statements AS s
			WHERE s.fingerprint IS NOT NULL AND NOT s.nested AND NOT s.is_own),
		'nested', (
			SELECT coalesce(jsonb_object_agg(s.fingerprint, s.document), '{}')
			FROM statements AS s
			WHERE s.fingerprint IS NOT NULL AND s.nested AND NOT s.is_own),
		'transactions', (
			SELECT coalesce(jsonb_object_agg(t.key, t.document), '{}')
			FROM transactions AS t),
		'findings', diagnose.export_findings(w, timings, database))
	INTO answer;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION diagnose.export(diagnose.window, boolean, text) IS
'what happened in a window as a document, sorted; without timings it is the same whenever the same work is done';

CREATE OR REPLACE FUNCTION diagnose.import(doc jsonb, label text)
RETURNS bigint
AS 'MODULE_PATHNAME', 'pgd_import_document'
LANGUAGE C VOLATILE PARALLEL UNSAFE;
COMMENT ON FUNCTION diagnose.import(jsonb, text) IS
'keeps a document as a snapshot under a label and returns its id; diagnose.window(NULL, id) is what it tells of';
