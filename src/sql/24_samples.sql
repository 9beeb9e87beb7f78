-- Facts from outside: what sessions wait for and what they hold, as a
-- background worker sees it every pg_diagnose.sample_interval.  A sample
-- stands for the time since the one before; what is called longest is a lower
-- bound, as nobody sees the end of a wait.

CREATE OR REPLACE FUNCTION diagnose.sampler(
	OUT pid							integer,
	OUT is_running					boolean,
	OUT sample_interval				double precision,
	OUT samples						bigint,
	OUT sampled_time				double precision,
	OUT own_time					double precision,
	OUT last_sample					timestamptz,
	OUT displaced					bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_sampler_status'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 1 COST 1000;
COMMENT ON FUNCTION diagnose.sampler() IS
'the background worker: how often it has looked since the last reset, the time that these looks stand for, the time that they took, and rows that had to make room';

CREATE OR REPLACE FUNCTION diagnose.waits(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT queryid						bigint,
	OUT wait_event_type				text,
	OUT wait_event					text,
	OUT samples						bigint,
	OUT total_time					double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_waits'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 500 COST 10000;
COMMENT ON FUNCTION diagnose.waits(diagnose.window) IS
'what active sessions of clients were seen waiting for; CPU: for nothing; queryid is the latest statement that the client sent; type NULL: all that had to make room';

CREATE OR REPLACE FUNCTION diagnose.lock_waits(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT queryid						bigint,
	OUT lock_type					text,
	OUT relid						oid,
	OUT blocker_userid				oid,
	OUT blocker_queryid				bigint,
	OUT blocker_state				text,
	OUT waits						bigint,
	OUT samples						bigint,
	OUT total_time					double precision,
	OUT max_time					double precision,
	OUT max_depth					bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_lock_waits_seen'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 100 COST 10000;
COMMENT ON FUNCTION diagnose.lock_waits(diagnose.window) IS
'sessions seen waiting for locks, and who blocked them if it was a transaction (state active, idle in transaction or prepared transaction); max_depth is the longest queue for one lock; type NULL: all that had to make room';

CREATE OR REPLACE FUNCTION diagnose.hot_relations(
	w								diagnose.window,
	OUT dbid						oid,
	OUT relid						oid,
	OUT samples						bigint,
	OUT total_time					double precision,
	OUT max_depth					bigint,
	OUT deep_time					double precision)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_hot_relations'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 20 COST 10000;
COMMENT ON FUNCTION diagnose.hot_relations(diagnose.window) IS
'tables with a queue for one row: total_time is that of all who waited, max_depth how many for one row, deep_time how long the queue had pg_diagnose.hot_row_min_depth or more';

CREATE OR REPLACE FUNCTION diagnose.horizon_holders(
	w								diagnose.window,
	OUT userid						oid,
	OUT dbid						oid,
	OUT queryid						bigint,
	OUT state						text,
	OUT samples						bigint,
	OUT total_time					double precision,
	OUT max_time					double precision,
	OUT snapshot_time				double precision,
	OUT max_snapshot_time			double precision,
	OUT oldest_time					double precision,
	OUT max_age						bigint)
RETURNS SETOF record
AS 'MODULE_PATHNAME', 'pgd_horizon_holders'
LANGUAGE C VOLATILE PARALLEL RESTRICTED ROWS 50 COST 10000;
COMMENT ON FUNCTION diagnose.horizon_holders(diagnose.window) IS
'transactions that kept dead rows from being removed, if idle or for more than a second: longest time, part of it idle with a snapshot, how long nobody held older ones, and their highest age in transactions';
