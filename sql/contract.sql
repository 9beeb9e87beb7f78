--
-- What holds for everything in the schema.  Invariants, not lists: whoever adds
-- an object need not come here.
--

-- every object has a comment, but for the types that come with another object
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend AS d
WHERE d.refclassid = 'pg_extension'::regclass
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_diagnose')
	AND d.deptype = 'e'
	AND coalesce(obj_description(d.objid, d.classid::regclass::name), '') = ''
	AND NOT EXISTS (
		SELECT FROM pg_depend AS i
		WHERE (i.classid, i.objid) = (d.classid, d.objid) AND i.deptype = 'i')
ORDER BY 1;

-- and is in the schema, so that no other name is taken
SELECT pg_describe_object(d.classid, d.objid, 0) AS elsewhere
FROM pg_depend AS d, pg_identify_object(d.classid, d.objid, 0) AS o
WHERE d.refclassid = 'pg_extension'::regclass
	AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_diagnose')
	AND d.deptype = 'e'
	AND coalesce(o.schema, o.name) <> 'diagnose' AND o.identity !~ '^diagnose\.';

-- rules are STABLE, bound to what they use when they are created, not more
-- privileged than the caller, and have a title that reads like one
SELECT name FROM diagnose.rules JOIN pg_proc AS p ON p.oid = function
WHERE p.provolatile <> 's' OR p.prosqlbody IS NULL OR p.prosecdef
	OR p.proparallel = 's' OR title IS NULL OR title !~ '^[a-z].*[^.]$';
SELECT p.oid::regprocedure AS no_rule
FROM pg_proc AS p
WHERE p.pronamespace = 'diagnose'::regnamespace AND p.proname ~ '^rule_'
	AND p.oid NOT IN (SELECT function FROM diagnose.rules);
SELECT count(*) >= 8 AS has_rules FROM diagnose.rules;

-- each threshold belongs to a rule or a detector, or to what all share: the
-- severities, the comparison
SELECT s.name FROM pg_settings AS s
WHERE s.name LIKE 'pg\_diagnose.%' AND s.vartype = 'real'
	AND s.name NOT LIKE 'pg\_diagnose.severity\_%'
	AND s.name NOT LIKE 'pg\_diagnose.compare\_%'
	AND NOT EXISTS (SELECT FROM diagnose.rules AS r
					WHERE starts_with(s.name, 'pg_diagnose.' || r.name || '_'))
	AND NOT EXISTS (SELECT FROM diagnose.detectors() AS d
					WHERE starts_with(s.name, 'pg_diagnose.' || d.name || '_'));

-- detectors say what they look for, what is wrong and what to do, in words that
-- the rule which reports it knows; no rule has the name of one
SELECT d.name, w.word FROM diagnose.detectors() AS d,
	regexp_matches(concat_ws(' ', d.problem, d.advice), '[{][^{}]*[}]?|[}]', 'g') AS w (word)
WHERE w.word[1] <> ALL ('{\{n\},\{of\},\{share\},\{kind\},\{count\},\{max_count\},\{time\},\{held\},\{max_held\},\{confirmed\},\{statement\},\{parent\},\{object\},\{other\},\{position\},\{of_parent\}}');
SELECT name FROM diagnose.detectors()
WHERE name !~ '^[a-z0-9_]+$' OR title !~ '^[a-z].*[^.]$' OR title ~ '[{}]'
	OR dimension NOT IN ('performance', 'capacity', 'reliability', 'security', 'cost', 'velocity')
	OR grade NOT IN ('exact', 'sampled', 'inferred')
	OR problem !~ '^[a-z0-9{].*[^.]$'
	OR (problem IS NULL) <> (advice IS NULL)
	OR advice !~ '^[A-Z{].*[.]$'
	OR dimension IS NULL OR grade IS NULL OR title IS NULL;
SELECT name FROM diagnose.detectors() GROUP BY name HAVING count(*) > 1;
SELECT d.name FROM diagnose.detectors() AS d JOIN diagnose.rules AS r USING (name)
WHERE d.problem IS NOT NULL;
SELECT count(*) > 0 AS has_detectors FROM diagnose.detectors();

-- nothing is bound to pg_stat_statements, whose update drops and creates it
SELECT pg_describe_object(d.classid, d.objid, 0) AS bound,
	pg_describe_object(d.refclassid, d.refobjid, 0) AS bound_to
FROM pg_depend AS d
WHERE EXISTS (
		SELECT FROM pg_depend AS ours
		WHERE ours.classid IN ('pg_proc'::regclass, 'pg_class'::regclass)
			AND ours.deptype = 'e' AND ours.refclassid = 'pg_extension'::regclass
			AND ours.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_diagnose')
			AND (d.classid, d.objid) IN (SELECT ours.classid, ours.objid
				UNION SELECT 'pg_rewrite'::regclass, r.oid FROM pg_rewrite AS r
				WHERE ours.classid = 'pg_class'::regclass AND r.ev_class = ours.objid))
	AND EXISTS (
		SELECT FROM pg_depend AS theirs
		WHERE (theirs.classid, theirs.objid) = (d.refclassid, d.refobjid)
			AND theirs.deptype = 'e' AND theirs.refclassid = 'pg_extension'::regclass
			AND theirs.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'pg_stat_statements'));

-- findings of everything at once: keys and short names are unique, columns
-- filled, sentences formed as they should be
SELECT diagnose.reset() IS NOT NULL AS reset;
CREATE TABLE contract_parent (id int PRIMARY KEY);
CREATE TABLE contract_child AS
SELECT NULL::int AS parent, repeat('x', 100) AS filler FROM generate_series(1, 40000);
ALTER TABLE contract_child ADD FOREIGN KEY (parent) REFERENCES contract_parent;
DO $$
BEGIN
	PERFORM set_config('work_mem', '64kB', true);
	PERFORM count(*) FROM (SELECT filler FROM contract_child ORDER BY filler || 1 OFFSET 0) AS s;
	FOR i IN 1 .. 1100 LOOP
		PERFORM filler FROM contract_child LIMIT 1;
	END LOOP;
	FOR i IN 1 .. 110 LOOP
		EXECUTE 'SELECT a.relname FROM pg_class AS a JOIN pg_type AS b USING (oid) JOIN pg_proc AS c USING (oid) JOIN pg_namespace AS d USING (oid) JOIN pg_operator AS e USING (oid) JOIN pg_constraint AS f USING (oid) JOIN pg_collation AS g USING (oid) WHERE oid = 1';
		PERFORM pg_sleep(CASE WHEN i < 5 THEN 0.15 ELSE 0 END); -- workload: a tail
		BEGIN
			PERFORM 1 / (i - i) FROM contract_child LIMIT 1;
		EXCEPTION WHEN division_by_zero THEN
		END;
	END LOOP;
END $$;
-- a statement for each row of another one, in one burst however slow the machine
SET pg_diagnose.burst_gap = '10s';
SET application_name = 'contract';
SELECT id FROM contract_parent ORDER BY id LIMIT 6;
SELECT format('SELECT filler FROM contract_child WHERE parent = %s', i)
FROM generate_series(1, 6) AS i \gexec
RESET application_name;
CREATE TEMP TABLE finding AS SELECT f.* FROM diagnose.findings(diagnose.since_reset()) AS f;
SELECT rule FROM finding
WHERE rule NOT IN ('missing_index', 'slow_before_install', 'unindexed_foreign_key')
	AND rule IN (SELECT name FROM diagnose.rules)
GROUP BY rule ORDER BY rule COLLATE "C";
-- which of these two speaks of the foreign key depends on what it costs
SELECT count(*) AS of_foreign_key FROM finding
WHERE rule IN ('missing_index', 'unindexed_foreign_key') AND subject ~ 'contract_child \(parent\)';
SELECT count(*) > 0 AS found_in_transactions FROM finding
WHERE rule IN (SELECT name FROM diagnose.detectors());
SELECT count(DISTINCT key) = count(*) AS keys_unique,
	count(DISTINCT diagnose.finding_id(key)) = count(*) AS names_unique
FROM finding;
SELECT rule, key FROM finding
WHERE rule IS NULL OR key IS NULL OR subject IS NULL OR problem IS NULL
	OR advice IS NULL OR verify IS NULL OR n IS NULL OR evidence IS NULL
	OR NOT starts_with(key, rule || ':')
	OR dimension NOT IN ('performance', 'capacity', 'reliability', 'security', 'cost', 'velocity')
	OR severity NOT IN ('info', 'warning', 'critical')
	OR evidence_grade NOT IN ('exact', 'sampled', 'inferred')
	OR impact_ms_per_s < 0 OR benefit_ms_per_s < 0
	OR benefit_ms_per_s > impact_ms_per_s * 1.001
	OR problem !~ '^[a-z0-9].*[^.]$' OR problem ~ '\n' OR subject ~ '\n'
	OR (rule IN (SELECT name FROM diagnose.detectors()) AND concat(problem, advice) ~ '[{}]')
	OR advice !~ '^[A-Z].*[.]$'
	OR (fix IS NULL) <> (undo IS NULL)
	OR fix ~ ';$' OR undo ~ ';$' OR verify !~ '^SELECT .*[^;]$';

-- what they propose for verifying runs
CREATE FUNCTION pg_temp.runs(statement text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE statement;
	RETURN true;
END $$;
SELECT rule, verify FROM finding WHERE NOT pg_temp.runs(verify);

-- whatever we run to find them is known as our own
SELECT diagnose.reset() IS NOT NULL AS reset;
SELECT count(*) > 0 AS explained
FROM diagnose.findings AS f, diagnose.explain(f.explain);
SELECT diagnose.full_text(1), diagnose.full_text(1, 1);
BEGIN;
SELECT count(*) FROM contract_parent;
COMMIT;
SELECT count(*) > 0 AS told
FROM (SELECT id FROM diagnose.transactions LIMIT 1) AS t, diagnose.transaction(t.id);
SELECT count(*) >= 0 AS open FROM diagnose.open_transactions;
SELECT query FROM diagnose.statements
WHERE calls > 0 AND NOT diagnose.is_own(query)
	AND query !~ '^(BEGIN|COMMIT|SELECT count.* FROM contract_parent)$';

-- views for people fit into 120 columns, as psql draws them
CREATE FUNCTION pg_temp.width(relation regclass) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	width							bigint;
BEGIN
	EXECUTE format(
		'SELECT sum(w) + 3 * count(*) - 1
		FROM (SELECT greatest(max(length(e.value)), length(e.key)) AS w
			  FROM %s AS r, jsonb_each_text(to_jsonb(r)) AS e GROUP BY e.key) AS c',
		relation) INTO width;
	RETURN width;
END $$;
SELECT pg_temp.width('diagnose.findings') BETWEEN 100 AND 120 AS findings_fit,
	pg_temp.width('diagnose.transactions') BETWEEN 80 AND 120 AS transactions_fit,
	pg_temp.width('diagnose.transaction_steps') BETWEEN 80 AND 120 AS steps_fit;
DROP TABLE contract_child, contract_parent;
