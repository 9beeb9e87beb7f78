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

CREATE TYPE diagnose.comparison AS (
	kind				text,
	verdict				text,
	key					text,
	subject				text,
	impact_ms_per_s		double precision,
	reason				text,
	calls_before		bigint,
	calls_after			bigint,
	mean_before			double precision,
	mean_after			double precision,
	p50_before			double precision,
	p50_after			double precision,
	p95_before			double precision,
	p95_after			double precision,
	p99_before			double precision,
	p99_after			double precision,
	ratio				double precision,
	ratio_low			double precision,
	ratio_high			double precision,
	smallest_effect		double precision,
	windows_before		integer,
	windows_after		integer,
	controls			integer,
	evidence_grade		text,
	evidence			jsonb
);
COMMENT ON TYPE diagnose.comparison IS
'one thing before and after: what became of it, what that costs or saves, and what proves it; times in milliseconds';
COMMENT ON COLUMN diagnose.comparison.kind IS 'overall, query, transaction or finding';
COMMENT ON COLUMN diagnose.comparison.verdict IS 'improved, regressed, unchanged, inconclusive, new, gone or plan changed';
COMMENT ON COLUMN diagnose.comparison.key IS 'identity that stays the same from look to look';
COMMENT ON COLUMN diagnose.comparison.subject IS 'what it is about, for people';
COMMENT ON COLUMN diagnose.comparison.impact_ms_per_s IS 'database time added, or saved if negative, in milliseconds per second of wall time; NULL: unknown';
COMMENT ON COLUMN diagnose.comparison.reason IS 'why this verdict, in one line';
COMMENT ON COLUMN diagnose.comparison.calls_before IS 'executions before';
COMMENT ON COLUMN diagnose.comparison.calls_after IS 'executions after';
COMMENT ON COLUMN diagnose.comparison.mean_before IS 'mean time before';
COMMENT ON COLUMN diagnose.comparison.mean_after IS 'mean time after';
COMMENT ON COLUMN diagnose.comparison.p50_before IS 'median before';
COMMENT ON COLUMN diagnose.comparison.p50_after IS 'median after';
COMMENT ON COLUMN diagnose.comparison.p95_before IS '95th percentile before';
COMMENT ON COLUMN diagnose.comparison.p95_after IS '95th percentile after';
COMMENT ON COLUMN diagnose.comparison.p99_before IS '99th percentile before';
COMMENT ON COLUMN diagnose.comparison.p99_after IS '99th percentile after';
COMMENT ON COLUMN diagnose.comparison.ratio IS 'time after by time before, with the load taken out where there is a control group';
COMMENT ON COLUMN diagnose.comparison.ratio_low IS 'lower end of its 95 % interval';
COMMENT ON COLUMN diagnose.comparison.ratio_high IS 'upper end of its 95 % interval';
COMMENT ON COLUMN diagnose.comparison.smallest_effect IS 'the smallest slowdown, as a ratio, that would have been found with a probability of 80 %';
COMMENT ON COLUMN diagnose.comparison.windows_before IS 'stretches of time that the ratio rests on, before';
COMMENT ON COLUMN diagnose.comparison.windows_after IS 'and after';
COMMENT ON COLUMN diagnose.comparison.controls IS 'statements in the control group; NULL: there is none';
COMMENT ON COLUMN diagnose.comparison.evidence_grade IS 'exact (work counted on every execution) or inferred (from times)';
COMMENT ON COLUMN diagnose.comparison.evidence IS 'the numbers behind it';
