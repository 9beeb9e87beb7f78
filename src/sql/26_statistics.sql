-- Statistics: what may be concluded from times.  For people; compare() has the
-- same from C.
--
-- welch() and paired() work on logarithms, because what slows a server down
-- slows statements down by a factor.  Single executions are not for them: those
-- of a minute share its load, so an element is a window.

CREATE OR REPLACE FUNCTION diagnose.welch(
	before							double precision[],
	after							double precision[],
	least_correlation				double precision DEFAULT 0,
	OUT ratio						double precision,
	OUT ratio_low					double precision,
	OUT ratio_high					double precision,
	OUT p_value						double precision,
	OUT smallest_effect				double precision)
AS 'MODULE_PATHNAME', 'pgd_sql_welch'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.welch(double precision[], double precision[], double precision) IS
'how many times as long it took after as before, with a 95 % interval, the probability of such a difference by chance and the smallest ratio that would be found with a probability of 80 %: Welch''s t-test on the logarithms of the times of consecutive windows, made careful by what neighbouring windows have in common, least_correlation (0 to below 1) at least; NULL elements are windows without executions; all but the ratio is NULL with fewer than 4 windows a side or without any scatter; a time that is not finite and positive is an error';

CREATE OR REPLACE FUNCTION diagnose.paired(
	a								double precision[],
	b								double precision[],
	least_correlation				double precision DEFAULT 0,
	OUT ratio						double precision,
	OUT ratio_low					double precision,
	OUT ratio_high					double precision,
	OUT p_value						double precision,
	OUT smallest_effect				double precision)
AS 'MODULE_PATHNAME', 'pgd_sql_paired'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.paired(double precision[], double precision[], double precision) IS
'how many times as long b took as a in the same windows, so that load which is the same for both cancels out; otherwise as welch(); an error unless the arrays have the same length';

CREATE OR REPLACE FUNCTION diagnose.shift(
	before							diagnose.histogram,
	after							diagnose.histogram)
RETURNS double precision
AS 'MODULE_PATHNAME', 'pgd_sql_shift'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.shift(diagnose.histogram, diagnose.histogram) IS
'how many times as long executions took after as before: the median over all pairs (Hodges and Lehmann''s estimate); NULL if either is {}';

CREATE OR REPLACE FUNCTION diagnose.superiority(
	before							diagnose.histogram,
	after							diagnose.histogram)
RETURNS double precision
AS 'MODULE_PATHNAME', 'pgd_sql_superiority'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.superiority(diagnose.histogram, diagnose.histogram) IS
'probability, 0 to 1, that an execution after takes longer than one before, ties counting half; describes, and tests nothing; NULL if either is {}';

CREATE OR REPLACE FUNCTION diagnose.adjusted_p(p_values double precision[])
RETURNS double precision[]
AS 'MODULE_PATHNAME', 'pgd_sql_adjusted_p'
LANGUAGE C IMMUTABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.adjusted_p(double precision[]) IS
'p values adjusted for how many there are (Benjamini and Hochberg), in an array of the same shape: of what is reported because it is below q, a share of q at most is chance; NULL elements were not tested and do not count';

CREATE OR REPLACE FUNCTION diagnose.time_changes(
	before							diagnose.window,
	after							diagnose.window,
	max_windows						integer DEFAULT 32,
	OUT kind						text,
	OUT userid						oid,
	OUT dbid						oid,
	OUT toplevel					boolean,
	OUT queryid						bigint,
	OUT fingerprint					bigint,
	OUT shape						bigint,
	OUT tag							bigint,
	OUT windows_before				integer,
	OUT windows_after				integer,
	OUT ratio						double precision,
	OUT ratio_low					double precision,
	OUT ratio_high					double precision,
	OUT p_value						double precision,
	OUT smallest_effect				double precision,
	OUT is_adjusted					boolean,
	OUT controls					integer,
	OUT load_ratio					double precision,
	OUT p95_ratio					double precision,
	OUT p95_low						double precision,
	OUT p95_high					double precision,
	OUT p99_ratio					double precision,
	OUT p99_low						double precision,
	OUT p99_high					double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_sql_time_changes'
LANGUAGE C VOLATILE PARALLEL RESTRICTED COST 100000 ROWS 1000;
COMMENT ON FUNCTION diagnose.time_changes(diagnose.window, diagnose.window, integer) IS
'how many times as long each statement (those of one user and fingerprint as one; queryid NULL: of several) and each shape of transaction with executions in both windows took after as before, from the snapshots inside, at most max_windows stretches a window; with 95 % intervals, p values that are not adjusted for how many there are, and the smallest ratio that would be found with a probability of 80 %; is_adjusted: controls statements that did not change took load_ratio out of it as load, or as what changed everything; p95 from 200 executions a window on, p99 from 1000; NULL is what cannot be told, all but ratios with fewer than 4 stretches a window';
