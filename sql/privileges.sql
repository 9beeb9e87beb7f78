--
-- Who may do and see what
--
CREATE ROLE regress_diagnose_user;
CREATE ROLE regress_diagnose_monitor IN ROLE pg_monitor;
CREATE FUNCTION privileges_busy(seconds float8) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	PERFORM pg_sleep(seconds); -- workload: slow
END $$;
SELECT diagnose.reset() IS NOT NULL AS reset;

-- everybody may look, and sees what is his own
SELECT privileges_busy(0.15), 'of the superuser';
SET ROLE regress_diagnose_user;
SELECT privileges_busy(0.15);
SELECT rule, subject FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'slow_statement' AND subject ~ '^SELECT privileges' ORDER BY 2;
SELECT count(*) > 0 AS some, bool_and(queryid IS NULL AND fingerprint IS NULL) AS hidden
FROM diagnose.statements(diagnose.since_reset())
WHERE query = '<insufficient privilege>';
SELECT count(*) >= 1 AS ranked FROM diagnose.findings;
SELECT count(*) >= 8 AS rules FROM diagnose.rules;
SELECT count(*) AS failed FROM diagnose.findings(diagnose.since_reset())
WHERE key ~ '^rule_failed';
SELECT diagnose.full_text(queryid) FROM diagnose.statements(diagnose.since_reset())
WHERE query ~ '^SELECT privileges_busy' AND toplevel;
RESET ROLE;
SELECT queryid AS hers FROM diagnose.statements(diagnose.since_reset())
WHERE query ~ '^SELECT privileges_busy.*\?.*\?' AND toplevel \gset
SELECT diagnose.full_text(:hers);
SET ROLE regress_diagnose_user;
SELECT diagnose.full_text(:hers) IS NULL AS hidden;

-- but forgets nothing, and adds no rule
SELECT diagnose.reset();
CREATE FUNCTION diagnose.rule_mine(w diagnose.window) RETURNS SETOF diagnose.finding
LANGUAGE plpgsql AS 'BEGIN END';

-- who monitors sees all
SET ROLE regress_diagnose_monitor;
SELECT subject FROM diagnose.findings(diagnose.since_reset())
WHERE rule = 'slow_statement' AND subject ~ '^SELECT privileges' ORDER BY subject;
SELECT diagnose.full_text(:hers);
SELECT diagnose.reset();
RESET ROLE;

-- forgetting can be granted
GRANT EXECUTE ON FUNCTION diagnose.reset TO regress_diagnose_monitor;
SET ROLE regress_diagnose_monitor;
SELECT diagnose.reset() IS NOT NULL AS reset;
RESET ROLE;
REVOKE EXECUTE ON FUNCTION diagnose.reset FROM regress_diagnose_monitor;

-- a rule one may not run is a finding
CREATE FUNCTION diagnose.rule_test_secret(w diagnose.window) RETURNS SETOF diagnose.finding
LANGUAGE plpgsql AS 'BEGIN END';
REVOKE ALL ON FUNCTION diagnose.rule_test_secret FROM PUBLIC;
SET ROLE regress_diagnose_user;
\x on
SELECT rule, dimension, severity, key, problem, evidence->'sqlstate' AS sqlstate, advice
FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'test_secret';
\x off
RESET ROLE;
DROP FUNCTION diagnose.rule_test_secret;

-- nothing runs with the rights of its owner; only what changes something is
-- kept from anybody
SELECT oid::regprocedure AS security_definer FROM pg_proc
WHERE pronamespace = 'diagnose'::regnamespace AND prosecdef;
SELECT oid::regprocedure AS not_for_all FROM pg_proc
WHERE pronamespace = 'diagnose'::regnamespace
	AND NOT has_function_privilege('regress_diagnose_user', oid, 'EXECUTE')
ORDER BY 1;
SELECT oid::regclass AS not_to_be_read FROM pg_class
WHERE relnamespace = 'diagnose'::regnamespace AND relkind IN ('r', 'v', 'm')
	AND NOT has_table_privilege('regress_diagnose_user', oid, 'SELECT');
SELECT oid::regclass AS to_be_written FROM pg_class
WHERE relnamespace = 'diagnose'::regnamespace AND relkind IN ('r', 'v', 'm')
	AND has_table_privilege('regress_diagnose_user', oid, 'INSERT, UPDATE, DELETE, TRUNCATE');

DROP FUNCTION privileges_busy;
DROP ROLE regress_diagnose_user, regress_diagnose_monitor;
