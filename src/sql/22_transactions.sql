-- Facts about transactions: what sessions did, by the shape of it.  A shape is
-- that of a transaction block, or of a burst of autocommit statements.

CREATE OR REPLACE FUNCTION diagnose.transactions(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT kind						text,
	OUT isolation					text,
	OUT shape						bigint,
	OUT tag							bigint,
	OUT application					text,
	OUT route						text,
	OUT action						text,
	OUT controller					text,
	OUT framework					text,
	OUT traceparent					text,
	OUT slowest						double precision,
	OUT since						timestamptz,
	OUT last_seen					timestamptz,
	OUT positions					bigint,
	OUT calls						bigint,
	OUT timed						bigint,
	OUT commits						bigint,
	OUT rollbacks					bigint,
	OUT aborts						bigint,
	OUT prepared					bigint,
	OUT abandoned					bigint,
	OUT statements					bigint,
	OUT max_statements				bigint,
	OUT rows						bigint,
	OUT rows_written				bigint,
	OUT savepoints					bigint,
	OUT max_savepoints				bigint,
	OUT savepoint_rollbacks			bigint,
	OUT subxact_overflows			bigint,
	OUT wal_bytes					bigint,
	OUT duration					double precision,
	OUT max_duration				double precision,
	OUT exec_time					double precision,
	OUT idle_time					double precision,
	OUT max_idle_time				double precision,
	OUT idle_before_first			double precision,
	OUT idle_before_end				double precision,
	OUT commit_time					double precision,
	OUT max_commit_time				double precision,
	OUT lock_wait					double precision,
	OUT with_xid					bigint,
	OUT row_lock_time				double precision,
	OUT idle_with_row_locks			double precision,
	OUT idle_with_snapshot			double precision,
	OUT idle_with_table_lock		double precision,
	OUT blocking_gaps				bigint,
	OUT blocking_idle				double precision,
	OUT aborted_time				double precision,
	OUT aborted_idle				double precision,
	OUT retries						bigint,
	OUT retried_time				double precision,
	OUT ended_by_gap				bigint,
	OUT ended_by_tag				bigint,
	OUT ended_by_begin				bigint,
	OUT duration_histogram			diagnose.histogram,
	OUT idle_histogram				diagnose.histogram,
	OUT commit_histogram			diagnose.histogram,
	OUT observations_dropped		bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_transactions'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 500 COST 10000;
COMMENT ON FUNCTION diagnose.transactions(diagnose.window) IS
'everything known of every shape of transaction in a window; kind is transaction or burst; times in milliseconds; traceparent is that of the slowest';

CREATE OR REPLACE FUNCTION diagnose.transaction_steps(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT kind						text,
	OUT isolation					text,
	OUT shape						bigint,
	OUT tag							bigint,
	OUT application					text,
	OUT route						text,
	OUT action						text,
	OUT controller					text,
	OUT framework					text,
	OUT "position"					integer,
	OUT cycle						integer,
	OUT fingerprint					bigint,
	OUT queryid						bigint,
	OUT flags						text[],
	OUT relid						oid,
	OUT source						integer,
	OUT sqlstate					text,
	OUT calls						bigint,
	OUT failures					bigint,
	OUT rows						bigint,
	OUT max_rows					bigint,
	OUT empty						bigint,
	OUT exec_time					double precision,
	OUT max_exec_time				double precision,
	OUT idle_time					double precision,
	OUT max_idle_time				double precision,
	OUT lock_wait					double precision,
	OUT blocking_gaps				bigint,
	OUT idle_with_locks				double precision,
	OUT repeats						bigint,
	OUT idle_repeats				bigint,
	OUT repeated_time				double precision,
	OUT same_row					bigint,
	OUT stale_writes				bigint,
	OUT overtaken					bigint,
	OUT blind_inserts				bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_transaction_steps'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 5000 COST 10000;
COMMENT ON FUNCTION diagnose.transaction_steps(diagnose.window) IS
'the statements of every shape in their order, from position 1; cycle: from here on so many of them come round; idle_time is the think time before them; fingerprint NULL: all further ones';

CREATE OR REPLACE FUNCTION diagnose.transaction_errors(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT kind						text,
	OUT isolation					text,
	OUT shape						bigint,
	OUT tag							bigint,
	OUT application					text,
	OUT route						text,
	OUT action						text,
	OUT controller					text,
	OUT framework					text,
	OUT sqlstate					text,
	OUT failures					bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_transaction_errors'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 500 COST 10000;
COMMENT ON FUNCTION diagnose.transaction_errors(diagnose.window) IS
'transactions that an error ended, by shape and SQLSTATE; sqlstate NULL: all further ones of a shape';

CREATE OR REPLACE FUNCTION diagnose.observations(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT kind						text,
	OUT isolation					text,
	OUT shape						bigint,
	OUT tag							bigint,
	OUT application					text,
	OUT route						text,
	OUT action						text,
	OUT controller					text,
	OUT framework					text,
	OUT detector					text,
	OUT "position"					integer,
	OUT parent						integer,
	OUT severity					text,
	OUT object						oid,
	OUT other						oid,
	OUT occurrences					bigint,
	OUT confirmed					bigint,
	OUT count						bigint,
	OUT max_count					bigint,
	OUT "time"						double precision,
	OUT saved						double precision,
	OUT held						double precision,
	OUT max_held					double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_observations'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 500 COST 10000;
COMMENT ON FUNCTION diagnose.observations(diagnose.window) IS
'what detectors saw, summed up by shape and position; occurrences are transactions; time is database time, held is not; severity NULL: by impact';

CREATE OR REPLACE FUNCTION diagnose.open_transcripts(
	OUT pid							integer,
	OUT userid						oid,
	OUT dbid						oid,
	OUT kind						text,
	OUT isolation					text,
	OUT application					text,
	OUT route						text,
	OUT action						text,
	OUT controller					text,
	OUT framework					text,
	OUT traceparent					text,
	OUT started						timestamptz,
	OUT read_only					boolean,
	OUT first_lock					timestamptz,
	OUT statements					bigint,
	OUT positions					bigint,
	OUT rows_written				bigint,
	OUT savepoints					bigint,
	OUT wal_bytes					bigint,
	OUT exec_time					double precision,
	OUT idle_time					double precision,
	OUT idle_with_row_locks			double precision,
	OUT fingerprint					bigint,
	OUT queryid						bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_open_transcripts'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100 COST 10000;
COMMENT ON FUNCTION diagnose.open_transcripts() IS
'transaction blocks and bursts that sessions are in now; fingerprint and queryid are those of the latest statement';

CREATE OR REPLACE FUNCTION diagnose.detectors(
	OUT name						text,
	OUT title						text,
	OUT dimension					text,
	OUT grade						text,
	OUT problem						text,
	OUT advice						text)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_detectors'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 50 COST 10000;
COMMENT ON FUNCTION diagnose.detectors() IS
'the patterns that are looked for in transactions and bursts; problem NULL: a rule of its own reports it';
