-- State: all that cannot be created twice.  Everything after the fragments
-- 10 to 19 is CREATE OR REPLACE, so that an update script can replay it.

CREATE SCHEMA diagnose;
COMMENT ON SCHEMA diagnose IS
'pg_diagnose: start with SELECT * FROM diagnose.findings';
GRANT USAGE ON SCHEMA diagnose TO PUBLIC;

CREATE TYPE diagnose.window AS (
	lower	bigint,
	upper	bigint
);
COMMENT ON TYPE diagnose.window IS
'a stretch of time between two snapshots; lower NULL: the last reset, upper NULL: now';

CREATE TYPE diagnose.finding AS (
	rule				text,
	dimension			text,
	severity			text,
	key					text,
	subject				text,
	impact_ms_per_s		double precision,
	benefit_ms_per_s	double precision,
	evidence_grade		text,
	n					bigint,
	problem				text,
	evidence			jsonb,
	advice				text,
	fix					text,
	undo				text,
	verify				text,
	parent_key			text
);
COMMENT ON TYPE diagnose.finding IS
'one problem: what, where, what it costs, what proves it, what to do, how to undo that and how to check';
COMMENT ON COLUMN diagnose.finding.rule IS 'the problem''s name; the function is diagnose.rule_<rule>(window)';
COMMENT ON COLUMN diagnose.finding.dimension IS 'performance, capacity, reliability, security, cost or velocity';
COMMENT ON COLUMN diagnose.finding.severity IS 'info, warning or critical';
COMMENT ON COLUMN diagnose.finding.key IS 'identity that stays the same from look to look: rule and what it is about';
COMMENT ON COLUMN diagnose.finding.subject IS 'what it is about, for people';
COMMENT ON COLUMN diagnose.finding.impact_ms_per_s IS 'database time it takes, in milliseconds per second of wall time; NULL: unknown';
COMMENT ON COLUMN diagnose.finding.benefit_ms_per_s IS 'part of that which the advice can save at best; NULL: unknown';
COMMENT ON COLUMN diagnose.finding.evidence_grade IS 'exact (counted on every execution), sampled or inferred';
COMMENT ON COLUMN diagnose.finding.n IS 'how many executions, or objects, the evidence rests on';
COMMENT ON COLUMN diagnose.finding.problem IS 'one sentence without a period, like an error message';
COMMENT ON COLUMN diagnose.finding.evidence IS 'the numbers behind it';
COMMENT ON COLUMN diagnose.finding.advice IS 'what to do, like a hint';
COMMENT ON COLUMN diagnose.finding.fix IS 'a statement that does it, to be read before it is run; NULL: none';
COMMENT ON COLUMN diagnose.finding.undo IS 'the statement that takes the fix back';
COMMENT ON COLUMN diagnose.finding.verify IS 'a statement that shows whether it helped';
COMMENT ON COLUMN diagnose.finding.parent_key IS 'key of the finding that causes this one';
