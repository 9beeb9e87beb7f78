-- The type diagnose.histogram: a histogram of durations.  As 10_state.sql, this
-- cannot run twice: columns depend on the type.
CREATE TYPE diagnose.histogram;

CREATE FUNCTION diagnose.histogram_in(cstring) RETURNS diagnose.histogram
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_in';
COMMENT ON FUNCTION diagnose.histogram_in(cstring) IS
'Text to histogram; an error names the character at which it is malformed';

CREATE FUNCTION diagnose.histogram_out(diagnose.histogram) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_out';
COMMENT ON FUNCTION diagnose.histogram_out(diagnose.histogram) IS
'Histogram to text, from which histogram_in makes exactly the same one';

CREATE FUNCTION diagnose.histogram_recv(internal) RETURNS diagnose.histogram
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_recv';
COMMENT ON FUNCTION diagnose.histogram_recv(internal) IS
'Binary to histogram; an error names the entry at which it is malformed';

CREATE FUNCTION diagnose.histogram_send(diagnose.histogram) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_send';
COMMENT ON FUNCTION diagnose.histogram_send(diagnose.histogram) IS
'Histogram to binary: version (1 byte), number of entries (2), then per entry bucket number (2) and count (8)';

CREATE TYPE diagnose.histogram (
	INPUT = diagnose.histogram_in,
	OUTPUT = diagnose.histogram_out,
	RECEIVE = diagnose.histogram_recv,
	SEND = diagnose.histogram_send,
	INTERNALLENGTH = variable,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE diagnose.histogram IS
'Counts of durations in fixed buckets from 0.001024 to 4398046.511104 ms (73 minutes), 16 an octave, and one bucket each for less and more; as text {lower bound in ms:count,...}';


-- Operators

CREATE FUNCTION diagnose.histogram_plus(diagnose.histogram, diagnose.histogram)
	RETURNS diagnose.histogram
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_plus';
COMMENT ON FUNCTION diagnose.histogram_plus(diagnose.histogram, diagnose.histogram) IS
'Implementation of + operator';

CREATE OPERATOR diagnose.+ (
	LEFTARG = diagnose.histogram, RIGHTARG = diagnose.histogram,
	FUNCTION = diagnose.histogram_plus,
	COMMUTATOR = OPERATOR(diagnose.+)
);
COMMENT ON OPERATOR diagnose.+ (diagnose.histogram, diagnose.histogram) IS
'The observations of both; an error if their number exceeds a bigint';

CREATE FUNCTION diagnose.histogram_minus(diagnose.histogram, diagnose.histogram)
	RETURNS diagnose.histogram
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_minus';
COMMENT ON FUNCTION diagnose.histogram_minus(diagnose.histogram, diagnose.histogram) IS
'Implementation of - operator';

CREATE OPERATOR diagnose.- (
	LEFTARG = diagnose.histogram, RIGHTARG = diagnose.histogram,
	FUNCTION = diagnose.histogram_minus
);
COMMENT ON OPERATOR diagnose.- (diagnose.histogram, diagnose.histogram) IS
'Later state minus earlier state: what was observed in between; an error names the bucket that would become negative, as when a reset lies in between';

CREATE FUNCTION diagnose.histogram_eq(diagnose.histogram, diagnose.histogram)
	RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_eq';
COMMENT ON FUNCTION diagnose.histogram_eq(diagnose.histogram, diagnose.histogram) IS
'Implementation of = operator';

CREATE FUNCTION diagnose.histogram_ne(diagnose.histogram, diagnose.histogram)
	RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_ne';
COMMENT ON FUNCTION diagnose.histogram_ne(diagnose.histogram, diagnose.histogram) IS
'Implementation of <> operator';

CREATE OPERATOR diagnose.= (
	LEFTARG = diagnose.histogram, RIGHTARG = diagnose.histogram,
	FUNCTION = diagnose.histogram_eq,
	COMMUTATOR = OPERATOR(diagnose.=), NEGATOR = OPERATOR(diagnose.<>),
	RESTRICT = eqsel, JOIN = eqjoinsel, HASHES
);
COMMENT ON OPERATOR diagnose.= (diagnose.histogram, diagnose.histogram) IS
'The same count in every bucket';

CREATE OPERATOR diagnose.<> (
	LEFTARG = diagnose.histogram, RIGHTARG = diagnose.histogram,
	FUNCTION = diagnose.histogram_ne,
	COMMUTATOR = OPERATOR(diagnose.<>), NEGATOR = OPERATOR(diagnose.=),
	RESTRICT = neqsel, JOIN = neqjoinsel
);
COMMENT ON OPERATOR diagnose.<> (diagnose.histogram, diagnose.histogram) IS
'A different count in some bucket';

-- Hashing serves GROUP BY, DISTINCT and the comparison of rows.  There is no
-- btree operator class because no order of histograms means anything.
CREATE FUNCTION diagnose.histogram_hash(diagnose.histogram) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_hash';
COMMENT ON FUNCTION diagnose.histogram_hash(diagnose.histogram) IS
'Hash of a histogram';

CREATE FUNCTION diagnose.histogram_hash_extended(diagnose.histogram, bigint)
	RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT LEAKPROOF PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_hash_extended';
COMMENT ON FUNCTION diagnose.histogram_hash_extended(diagnose.histogram, bigint) IS
'Seeded 64-bit hash of a histogram';

CREATE OPERATOR FAMILY diagnose.histogram_ops USING hash;
COMMENT ON OPERATOR FAMILY diagnose.histogram_ops USING hash IS
'Equality of histograms';

CREATE OPERATOR CLASS diagnose.histogram_ops
	DEFAULT FOR TYPE diagnose.histogram USING hash
	FAMILY diagnose.histogram_ops AS
	OPERATOR 1 diagnose.=,
	FUNCTION 1 diagnose.histogram_hash(diagnose.histogram),
	FUNCTION 2 diagnose.histogram_hash_extended(diagnose.histogram, bigint);
COMMENT ON OPERATOR CLASS diagnose.histogram_ops USING hash IS
'Equality of histograms';


-- Aggregates.  NULLs are skipped; without any other value the result is the
-- empty histogram, because a histogram is a set of counts and count() gives 0.

CREATE FUNCTION diagnose.histogram_sum_trans(internal, diagnose.histogram)
	RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_sum_trans';
COMMENT ON FUNCTION diagnose.histogram_sum_trans(internal, diagnose.histogram) IS
'Transition function of sum(histogram)';

CREATE FUNCTION diagnose.histogram_agg_trans(internal, double precision)
	RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_agg_trans';
COMMENT ON FUNCTION diagnose.histogram_agg_trans(internal, double precision) IS
'Transition function of histogram_agg(double precision)';

CREATE FUNCTION diagnose.histogram_combine(internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_combine';
COMMENT ON FUNCTION diagnose.histogram_combine(internal, internal) IS
'Combine function of the aggregates that make a histogram';

CREATE FUNCTION diagnose.histogram_serialize(internal) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_serialize';
COMMENT ON FUNCTION diagnose.histogram_serialize(internal) IS
'Serialization function of the aggregates that make a histogram';

CREATE FUNCTION diagnose.histogram_deserialize(bytea, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_deserialize';
COMMENT ON FUNCTION diagnose.histogram_deserialize(bytea, internal) IS
'Deserialization function of the aggregates that make a histogram';

CREATE FUNCTION diagnose.histogram_final(internal) RETURNS diagnose.histogram
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_final';
COMMENT ON FUNCTION diagnose.histogram_final(internal) IS
'Final function of the aggregates that make a histogram';

CREATE AGGREGATE diagnose.sum(diagnose.histogram) (
	SFUNC = diagnose.histogram_sum_trans,
	STYPE = internal, SSPACE = 4120,
	FINALFUNC = diagnose.histogram_final,
	COMBINEFUNC = diagnose.histogram_combine,
	SERIALFUNC = diagnose.histogram_serialize,
	DESERIALFUNC = diagnose.histogram_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE diagnose.sum(diagnose.histogram) IS
'The observations of all; NULLs are skipped, no value gives {}; an error if their number exceeds a bigint';

CREATE AGGREGATE diagnose.histogram_agg(ms double precision) (
	SFUNC = diagnose.histogram_agg_trans,
	STYPE = internal, SSPACE = 4120,
	FINALFUNC = diagnose.histogram_final,
	COMBINEFUNC = diagnose.histogram_combine,
	SERIALFUNC = diagnose.histogram_serialize,
	DESERIALFUNC = diagnose.histogram_deserialize,
	PARALLEL = SAFE
);
COMMENT ON AGGREGATE diagnose.histogram_agg(double precision) IS
'Histogram of durations in milliseconds, rounded to nanoseconds; NULLs are skipped, no value gives {}; a negative, infinite or NaN duration is an error';


-- What a histogram says

CREATE FUNCTION diagnose.total(h diagnose.histogram) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_sql_total';
COMMENT ON FUNCTION diagnose.total(diagnose.histogram) IS
'Number of observations; 0 for {}, NULL for NULL';

CREATE FUNCTION diagnose.quantile(h diagnose.histogram, q double precision)
	RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_sql_quantile';
COMMENT ON FUNCTION diagnose.quantile(diagnose.histogram, double precision) IS
'Duration in milliseconds that the share q of the observations does not exceed, as percentile_disc; within 3.2 % from 0.001024 ms on, 0.000512 for less, 4398046.511104 for that and more; NULL for {}; an error unless q is between 0 and 1';

CREATE FUNCTION diagnose.quantiles(h diagnose.histogram, qs double precision[])
	RETURNS double precision[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_sql_quantiles';
COMMENT ON FUNCTION diagnose.quantiles(diagnose.histogram, double precision[]) IS
'quantile() of each element, in milliseconds, in an array of the same shape; a NULL element stays NULL';

CREATE FUNCTION diagnose.share_below(h diagnose.histogram, ms double precision)
	RETURNS double precision
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_share_below';
COMMENT ON FUNCTION diagnose.share_below(diagnose.histogram, double precision) IS
'Share, 0 to 1, of the observations that lasted at most that many milliseconds, as if spread evenly within the bucket that holds it; NULL for {}; an error for NaN';

CREATE FUNCTION diagnose.buckets(h diagnose.histogram)
	RETURNS TABLE (lower_ms double precision, upper_ms double precision,
		count bigint)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 40
	AS 'MODULE_PATHNAME', 'pgd_histogram_buckets';
COMMENT ON FUNCTION diagnose.buckets(diagnose.histogram) IS
'The occupied buckets in ascending order: durations from lower_ms on and below upper_ms, in milliseconds, and how many were observed';

CREATE FUNCTION diagnose.sparkline(h diagnose.histogram, width integer DEFAULT 24)
	RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pgd_histogram_sparkline';
COMMENT ON FUNCTION diagnose.sparkline(diagnose.histogram, integer) IS
'Shape of a histogram as blocks between its shortest and longest duration: one block for each doubling of the duration, or for several to keep to the width; blank is none, empty text is {}; an error if the width is less than 1';
