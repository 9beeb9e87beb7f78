-- Interventions: what became of the workload with each change.

-- Marks between which there is no window, as no two snapshots lie between them,
-- cannot be told apart: they are one intervention.  A reset is none, and belongs
-- to none.  A window does not go beyond
-- the next mark, whatever that is about, nor beyond an hour: what is further
-- away has other causes, too.
CREATE OR REPLACE FUNCTION diagnose.intervention_windows(
	newest							integer,
	from_time						timestamptz,
	to_time							timestamptz,
	OUT id							bigint,
	OUT at							timestamptz,
	OUT ids							bigint[],
	OUT before						diagnose.window,
	OUT after						diagnose.window,
	OUT problem						text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL RESTRICTED ROWS 10 COST 30000
BEGIN ATOMIC
	WITH marked AS MATERIALIZED (
		SELECT m.* FROM diagnose.marks() AS m
		WHERE m.is_own AND m.kind <> 'baseline'
			-- what is seen of statements is not what they do
			AND NOT (m.kind = 'setting' AND m.what LIKE 'pg\_diagnose.%')
	),
	usable AS MATERIALIZED (
		SELECT s.id, s.taken_at, s.since, s.epoch FROM diagnose.snapshots() AS s
		WHERE s.is_own AND s.problem IS NULL AND s.kind <> 'imported'
	),
	-- The snapshots around each mark; a label has one of its own.
	events AS (
		SELECT m.id, m.at, m.kind, m.snapshot, NULL::bigint AS taken FROM marked AS m
		UNION ALL
		SELECT NULL, u.taken_at, NULL, NULL, u.id FROM usable AS u
	),
	around AS (
		SELECT e.id, e.at, e.kind,
			max(e.taken) OVER up AS ends,
			coalesce(own.id, min(e.taken) OVER down) AS starts
		FROM events AS e LEFT JOIN usable AS own ON own.id = e.snapshot
		WINDOW up AS (ORDER BY e.at, e.id NULLS FIRST),
			down AS (ORDER BY e.at DESC, e.id DESC NULLS LAST)
	),
	apart AS (
		SELECT a.*, a.kind = 'reset' OR lag(a.kind, 1, 'reset') OVER earlier = 'reset'
				OR a.ends > lag(a.starts) OVER earlier AS is_first
		FROM around AS a
		WHERE a.id IS NOT NULL
		WINDOW earlier AS (ORDER BY a.id)
	),
	numbered AS (
		SELECT a.*, count(*) FILTER (WHERE a.is_first) OVER (ORDER BY a.id) AS number
		FROM apart AS a
	),
	grouped AS (
		SELECT n.number, min(n.at) AS at, max(n.at) AS until,
			array_agg(n.id ORDER BY n.id) FILTER (WHERE n.kind IN ('label', 'ddl', 'setting')) AS ids,
			(array_agg(n.ends ORDER BY n.id))[1] AS ends,
			(array_agg(n.starts ORDER BY n.id DESC))[1] AS starts,
			(array_agg(n.kind ORDER BY n.id DESC))[1] AS last_kind
		FROM numbered AS n
		GROUP BY n.number
	),
	neighbours AS (
		SELECT g.*,
			-- what makes counting begin is marked a moment later
			lag(g.until - CASE WHEN g.last_kind IN ('reset', 'start', 'crash')
				THEN interval '1 second' ELSE interval '0' END) OVER (ORDER BY g.number) AS previous,
			lag(g.starts) OVER (ORDER BY g.number) AS previous_starts,
			lead(g.ends) OVER (ORDER BY g.number) AS next_ends,
			lead(g.at) OVER (ORDER BY g.number) AS next
		FROM grouped AS g
	),
	chosen AS (
		SELECT n.* FROM neighbours AS n
		WHERE n.ids IS NOT NULL
			AND n.at >= coalesce(from_time, '-infinity') AND n.at <= coalesce(to_time, 'infinity')
		ORDER BY n.number DESC
		LIMIT newest
	),
	ends AS (
		SELECT c.*, b.id AS before_upper, a.id AS after_lower,
			-- counting may have begun within that time
			b.since >= greatest(c.at - interval '1 hour', c.previous)
				AS from_reset,
			(SELECT min(u.id) FROM usable AS u
			 WHERE u.epoch = b.epoch AND u.id < b.id AND u.taken_at >= c.at - interval '1 hour'
				AND u.id >= CASE WHEN c.previous IS NULL THEN 0 ELSE c.previous_starts END)
				AS before_lower,
			c.next IS NULL AND a.epoch = o.epoch
				AND clock_timestamp() < c.until + interval '1 hour' AS goes_on,
			(SELECT max(u.id) FROM usable AS u
			 WHERE u.epoch = a.epoch AND u.id > a.id AND u.taken_at <= c.until + interval '1 hour'
				AND (c.next IS NULL OR u.id <= c.next_ends)) AS after_upper
		FROM chosen AS c
			CROSS JOIN diagnose.own_status() AS o
			LEFT JOIN usable AS b ON b.id = c.ends
			LEFT JOIN usable AS a ON a.id = c.starts
	)
	SELECT e.ids[1], e.at, e.ids,
		ROW(CASE WHEN NOT e.from_reset THEN e.before_lower END, e.before_upper)::diagnose.window,
		ROW(e.after_lower, CASE WHEN NOT e.goes_on THEN e.after_upper END)::diagnose.window,
		CASE
			WHEN e.before_upper IS NULL OR NOT e.from_reset AND e.before_lower IS NULL
				THEN 'nothing is known of the time before it'
			WHEN e.after_lower IS NULL THEN 'there is no snapshot since'
			WHEN NOT e.goes_on AND e.after_upper IS NULL
				THEN 'nothing is known of the time after it'
		END
	FROM ends AS e;
END;
COMMENT ON FUNCTION diagnose.intervention_windows(integer, timestamptz, timestamptz) IS
'the latest interventions between two times, each with the windows before and after it, or why there are none; ids are those of its marks';

-- The names in a mark by which a statement can be known to have to do with it.
CREATE OR REPLACE FUNCTION diagnose.touched_names(
	object							text,
	detail							text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (SELECT array_agg(DISTINCT regexp_replace(n.name, '^.*\.|"', '', 'g'))
		FROM unnest(ARRAY[substring(object FROM '^[^ ]+'), substring(object FROM ' on (.*)$'), substring(detail FROM '(?i)\mON (?:ONLY )?([^ (;]+)'),
						  substring(detail FROM '(?i)\mTABLE (?:IF EXISTS )?(?:ONLY )?([^ (;]+)')]) AS n (name)
		WHERE n.name <> '');
COMMENT ON FUNCTION diagnose.touched_names(text, text) IS
'tables and other things that a mark of DDL speaks of, without their schemas';

-- What became of the workload from one window to the other.  A query is touched
-- by a change that names something the query names, too.
CREATE OR REPLACE FUNCTION diagnose.intervention_effect(
	before							diagnose.window,
	after							diagnose.window,
	names							text[],
	OUT verdict						text,
	OUT sentence					text,
	OUT saved_ms_per_s				double precision,
	OUT improved					bigint,
	OUT regressed					bigint,
	OUT plans_changed				bigint,
	OUT touched_regressed			bigint,
	OUT touched_added_ms_per_s		double precision,
	OUT better						text[],
	OUT worse						text[],
	OUT evidence					jsonb)
LANGUAGE sql STABLE COST 500000
BEGIN ATOMIC
	WITH compared AS MATERIALIZED (
		SELECT c.* FROM diagnose.compare(before, after, false) AS c
	),
	whole AS (
		SELECT c.verdict, c.reason, c.evidence,
			(c.evidence ->> 'net')::float8 AS net,
			(c.evidence ->> 'net_of_transactions')::float8 AS net_of_transactions
		FROM compared AS c WHERE c.kind = 'overall'
	),
	queries AS (
		SELECT c.*, c.verdict = 'regressed' AND EXISTS (
				SELECT FROM unnest(names) AS n (name)
				WHERE c.subject ~* ('\m' || regexp_replace(n.name, '([^[:alnum:]_])', '\\\1', 'g') || '\M')) AS touched
		FROM compared AS c
		WHERE c.kind = 'query' AND c.verdict IN ('improved', 'regressed', 'plan changed')
	),
	first AS (
		SELECT q.* FROM queries AS q
		ORDER BY abs(q.impact_ms_per_s) DESC NULLS LAST, q.key COLLATE "C" LIMIT 1
	)
	SELECT w.verdict,
		concat_ws('; ', CASE w.verdict
				WHEN 'improved' THEN format('saved %s ms/s', round(abs(n.net)::numeric, 1))
				WHEN 'regressed' THEN format('added %s ms/s', round(abs(n.net)::numeric, 1))
			END,
			(SELECT format('%s %s, %s -> %s', f.verdict, diagnose.short_text(f.subject, 80),
				diagnose.duration_text(f.mean_before), diagnose.duration_text(f.mean_after))
			 FROM first AS f),
			w.reason),
		CASE WHEN n.net IS NOT NULL THEN 0 - n.net END,
		(w.evidence ->> 'queries_improved')::bigint,
		(w.evidence ->> 'queries_regressed')::bigint,
		(w.evidence ->> 'plans_changed')::bigint,
		(SELECT count(*) FILTER (WHERE q.touched) FROM queries AS q),
		(SELECT sum(greatest(q.impact_ms_per_s, 0)) FILTER (WHERE q.touched) FROM queries AS q),
		(SELECT array_agg(q.key) FILTER (WHERE q.verdict = 'improved') FROM queries AS q),
		(SELECT array_agg(q.key) FILTER (WHERE q.touched OR q.verdict = 'regressed' AND w.verdict = 'regressed')
		 FROM queries AS q),
		jsonb_strip_nulls(jsonb_build_object('reason', w.reason,
			'seconds', w.evidence -> 'seconds',
			'queries', (SELECT jsonb_agg(jsonb_build_object('verdict', q.verdict,
					'query', diagnose.short_text(q.subject, 200), 'reason', q.reason,
					'ms_per_s', round(q.impact_ms_per_s::numeric, 1)) ORDER BY q.place)
				FROM (SELECT x.*, row_number() OVER (ORDER BY abs(x.impact_ms_per_s) DESC NULLS LAST,
						x.key COLLATE "C") AS place FROM queries AS x) AS q
				WHERE q.place <= 10)))
	FROM whole AS w
		-- as compare() decides: the larger one, as transactions have statements in them
		CROSS JOIN LATERAL (SELECT CASE WHEN abs(w.net_of_transactions) > abs(w.net)
			THEN w.net_of_transactions ELSE w.net END AS net) AS n;
END;
COMMENT ON FUNCTION diagnose.intervention_effect(diagnose.window, diagnose.window, text[]) IS
'what became of the workload from one window to the other, in one row; touched are queries that name one of these; better and worse are the keys of those that improved, and of those that speak against the change';

-- Each mark with its intervention; of several, a label says best what it was.
CREATE OR REPLACE FUNCTION diagnose.intervention_marks(
	ids								bigint[],
	OUT kind						text,
	OUT what						text,
	OUT detail						text,
	OUT database					text,
	OUT role						text,
	OUT changes						integer,
	OUT undo						text,
	OUT names						text[],
	OUT list						jsonb)
LANGUAGE sql STABLE PARALLEL RESTRICTED
BEGIN ATOMIC
	WITH marked AS (
		SELECT m.*, row_number() OVER (ORDER BY m.kind <> 'label', m.id) AS place,
			count(*) OVER () AS n
		FROM diagnose.marks() AS m
		WHERE m.id = ANY (ids)
	)
	SELECT (array_agg(m.kind ORDER BY m.place))[1],
		(array_agg(concat_ws(' ', m.what, m.object) ORDER BY m.place))[1] ||
			CASE WHEN count(*) > 1 THEN format(' and %s more', count(*) - 1) ELSE '' END,
		(array_agg(m.detail ORDER BY m.place))[1],
		(array_agg(m.database ORDER BY m.place))[1],
		(array_agg(m.role ORDER BY m.place))[1],
		count(*)::integer,
		-- backwards; not half of it
		CASE WHEN bool_and(m.undo IS NOT NULL OR m.kind = 'label')
			THEN string_agg(m.undo, E';\n' ORDER BY m.id DESC) END,
		(SELECT array_agg(DISTINCT t.name)
		 FROM marked AS k
			CROSS JOIN LATERAL unnest(diagnose.touched_names(k.object, k.detail)) AS t (name)
		 WHERE k.kind = 'ddl'),
		jsonb_agg(jsonb_strip_nulls(jsonb_build_object('kind', m.kind, 'what', m.what,
			'object', m.object, 'detail', m.detail)) ORDER BY m.id)
			FILTER (WHERE m.place <= 20)
	FROM marked AS m;
END;
COMMENT ON FUNCTION diagnose.intervention_marks(bigint[]) IS
'what an intervention consists of: the first label or change, how many there are, how all are undone, and which tables are named';

CREATE OR REPLACE FUNCTION diagnose.interventions(
	newest							integer DEFAULT 10,
	from_time						timestamptz DEFAULT NULL,
	to_time							timestamptz DEFAULT NULL,
	OUT id							bigint,
	OUT at							timestamptz,
	OUT kind						text,
	OUT what						text,
	OUT detail						text,
	OUT changes						integer,
	OUT database					text,
	OUT role						text,
	OUT before						diagnose.window,
	OUT after						diagnose.window,
	OUT verdict						text,
	OUT sentence					text,
	OUT saved_ms_per_s				double precision,
	OUT improved					bigint,
	OUT regressed					bigint,
	OUT plans_changed				bigint,
	OUT touched_regressed			bigint,
	OUT touched_added_ms_per_s		double precision,
	OUT better						text[],
	OUT worse						text[],
	OUT undo						text,
	OUT evidence					jsonb)
RETURNS SETOF record
LANGUAGE plpgsql STABLE ROWS 10 COST 1000000
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	i								record;
	m								record;
	c								record;
BEGIN
	IF newest IS NULL OR newest < 1 THEN
		RAISE EXCEPTION 'number of interventions must be at least 1'
			USING ERRCODE = 'invalid_parameter_value';
	END IF;

	FOR i IN SELECT w.* FROM diagnose.intervention_windows(newest, from_time, to_time) AS w LOOP
		SELECT k.* INTO m FROM diagnose.intervention_marks(i.ids) AS k;
		c := NULL;
		IF i.problem IS NULL THEN
			BEGIN
				SELECT x.* INTO c FROM diagnose.intervention_effect(i.before, i.after, m.names) AS x;
			EXCEPTION WHEN object_not_in_prerequisite_state OR undefined_object THEN
				-- A snapshot may be thinned while we look.
				i.problem := SQLERRM;
			END;
		END IF;

		id := i.id;
		at := i.at;
		kind := m.kind;
		what := m.what;
		detail := m.detail;
		changes := m.changes;
		database := m.database;
		role := m.role;
		before := i.before;
		after := i.after;
		undo := m.undo;
		IF i.problem IS NULL THEN
			verdict := c.verdict;
			sentence := c.sentence;
			saved_ms_per_s := c.saved_ms_per_s;
			improved := c.improved;
			regressed := c.regressed;
			plans_changed := c.plans_changed;
			touched_regressed := c.touched_regressed;
			touched_added_ms_per_s := c.touched_added_ms_per_s;
			better := c.better;
			worse := c.worse;
			evidence := c.evidence || jsonb_build_object('changes', m.list);
		ELSE
			verdict := 'inconclusive';
			sentence := i.problem;
			saved_ms_per_s := NULL;
			improved := NULL;
			regressed := NULL;
			plans_changed := NULL;
			touched_regressed := NULL;
			touched_added_ms_per_s := NULL;
			better := NULL;
			worse := NULL;
			evidence := jsonb_build_object('changes', m.list);
		END IF;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION diagnose.interventions(integer, timestamptz, timestamptz) IS
'the latest changes (labels, DDL, settings), each with what became of the workload: verdict as of compare(), database time saved (added, if negative) in milliseconds per second, how many queries improved, regressed and changed their plan, which ones speak for it (better) and against it (worse), and the statement that takes it back';

CREATE OR REPLACE VIEW diagnose.interventions AS
SELECT to_char(i.at, 'MM-DD HH24:MI') AS at, left(i.what, 26) AS what, i.verdict,
	round(i.saved_ms_per_s::numeric, 1) AS saved,
	i.improved AS better, i.regressed AS worse,
	-- how much is in a column of its own
	diagnose.short_text(regexp_replace(i.sentence, '^(saved|added) [^;]*; ', ''), 34) AS sentence
FROM diagnose.interventions() AS i;
COMMENT ON VIEW diagnose.interventions IS
'the ten latest changes and what became of the workload with each; diagnose.interventions() has all of it, with undo';
COMMENT ON COLUMN diagnose.interventions.saved IS 'database time saved, or added if negative, in milliseconds per second of wall time';
COMMENT ON COLUMN diagnose.interventions.better IS 'queries that are known to have improved';
COMMENT ON COLUMN diagnose.interventions.worse IS 'queries that are known to have regressed';
