-- Verdicts: what the figures of two sides say of a thing, and the words for it.

CREATE OR REPLACE FUNCTION diagnose.times_text(ratio double precision)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
	WHEN ratio >= 9.95 THEN to_char(ratio, 'FM9,999,999,999,990')
	ELSE to_char(ratio, 'FM990.00')
END;
COMMENT ON FUNCTION diagnose.times_text(double precision) IS
'a ratio with two or three digits that matter: 1.32, 58';

-- Wilson's interval keeps its promise for small shares and small numbers.  Of
-- what never happened in n attempts it is known with 95 % that it happens in
-- less than 3 of n (0.05 = (1 - p)^n; Hanley and Lippman-Hand, 1983).
CREATE OR REPLACE FUNCTION diagnose.share_interval(
	k								bigint,
	n								bigint,
	OUT low							double precision,
	OUT high						double precision)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
	SELECT CASE WHEN n > 0 THEN CASE WHEN k > 0 THEN greatest(0, c.center - c.half) ELSE 0 END END,
		CASE WHEN n > 0 THEN CASE WHEN k > 0 THEN least(1, c.center + c.half)
			ELSE least(1, 3.0 / nullif(n, 0)) END END
	FROM (SELECT k::float8 / nullif(n, 0) AS p, 1.959963985 ^ 2 AS zz,
			nullif(n, 0)::float8 AS m) AS v
		CROSS JOIN LATERAL (
			SELECT (v.p + v.zz / (2 * v.m)) / (1 + v.zz / v.m) AS center,
				sqrt(v.zz) / (1 + v.zz / v.m) *
					sqrt(v.p * (1 - v.p) / v.m + v.zz / (4 * v.m * v.m)) AS half) AS c;
END;
COMMENT ON FUNCTION diagnose.share_interval(bigint, bigint) IS
'between which shares, with 95 %, lies that of which k of n were seen; NULL for n = 0';

-- How much a single execution differs from the mean, as the spread of the
-- durations tells: that of a lognormal distribution with these percentiles.
-- Work has no histogram; it varies with the same parameters that the duration
-- varies with, and less, for it knows no load.
CREATE OR REPLACE FUNCTION diagnose.relative_variance(quantiles double precision[])
RETURNS double precision
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN quantiles[1] IS NOT NULL THEN
	exp(least(3, greatest(0,
		ln(quantiles[2] / quantiles[1]) / 1.645,
		ln(quantiles[3] / quantiles[1]) / 2.326)) ^ 2) - 1
END;
COMMENT ON FUNCTION diagnose.relative_variance(double precision[]) IS
'variance divided by the square of the mean, from median, 95th and 99th percentile';

-- Has work per execution moved?  -1: down, 1: up, 0: no, NULL: unknown.  A change must be
-- large enough to matter in itself and as a ratio.  And it must not be chance:
-- either the cause is known, or the executions are alike, or there are enough
-- of them for three standard errors.
CREATE OR REPLACE FUNCTION diagnose.moved(
	before							double precision,
	after							double precision,
	standard_error					double precision,
	is_certain						boolean,
	min_change						double precision,
	min_difference					double precision)
RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
	WHEN before IS NULL OR after IS NULL THEN NULL
	WHEN abs(after - before) < min_difference
		OR abs(after - before) < min_change * before THEN 0
	WHEN is_certain
		OR abs(ln(greatest(after, min_difference / 10) / greatest(before, min_difference / 10))) >=
			3 * standard_error
		THEN sign(after - before)::integer
	ELSE 0
END;
COMMENT ON FUNCTION diagnose.moved(double precision, double precision, double precision, boolean, double precision, double precision) IS
'has work per execution changed: 1 up, -1 down, 0 no or by chance, NULL unknown; the standard error is that of the logarithm of the ratio';

CREATE OR REPLACE FUNCTION diagnose.moved_text(
	direction						integer,
	before							double precision,
	after							double precision,
	what							text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN direction <> 0 THEN
	format('%s %s instead of %s', diagnose.number_text(after), what,
		diagnose.number_text(before))
END;
COMMENT ON FUNCTION diagnose.moved_text(integer, double precision, double precision, text) IS
'174 blocks per call instead of 3; NULL for what has not moved';

-- What is missing for a verdict on time, in the order in which it can be got.
CREATE OR REPLACE FUNCTION diagnose.missing_text(
	n								bigint[],
	unit							text,
	min_calls						double precision,
	windows							integer[],
	min_windows						double precision,
	is_adjusted						boolean,
	smallest_effect					double precision)
RETURNS text
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	IF least(n[1], n[2]) < min_calls THEN
		RETURN format('%s and %s %ss of the %s that a verdict on time needs',
			n[1], n[2], CASE unit WHEN 'call' THEN 'execution' ELSE unit END, min_calls);
	ELSIF windows[1] IS NULL OR windows[2] IS NULL THEN
		RETURN 'no stretches of time to compare';
	ELSIF least(windows[1], windows[2]) < min_windows THEN
		RETURN format('%s and %s stretches of the %s that a verdict on time needs',
			windows[1], windows[2], min_windows);
	ELSIF is_adjusted IS NOT TRUE THEN
		RETURN 'no control group to tell a change from load';
	ELSIF smallest_effect IS NOT NULL THEN
		RETURN format('a slowdown of less than %s times would not be seen',
			diagnose.times_text(smallest_effect));
	END IF;
	RETURN 'time varies too much to tell';
END
$$;
COMMENT ON FUNCTION diagnose.missing_text(bigint[], text, double precision, integer[], double precision, boolean, double precision) IS
'why nothing can be said about time: executions, stretches of time, a control group or precision are missing';
