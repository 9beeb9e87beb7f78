-- Words: numbers as people say them.  Findings are read by people; the exact
-- numbers are in their evidence.

CREATE OR REPLACE FUNCTION diagnose.duration_text(ms double precision)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
	WHEN ms >= 7200000 THEN to_char(ms / 3600000, 'FM999,999,990.0') || ' h'
	WHEN ms >= 120000 THEN to_char(ms / 60000, 'FM990') || ' min'
	WHEN ms >= 9950 THEN to_char(ms / 1000, 'FM990') || ' s'
	WHEN ms >= 999.5 THEN to_char(ms / 1000, 'FM990.0') || ' s'
	WHEN ms >= 9.95 THEN to_char(ms, 'FM990') || ' ms'
	WHEN ms >= 0.995 THEN to_char(ms, 'FM990.0') || ' ms'
	WHEN ms >= 0.0995 THEN to_char(ms, 'FM990.00') || ' ms'
	ELSE to_char(ms, 'FM990.000') || ' ms'
END;
COMMENT ON FUNCTION diagnose.duration_text(double precision) IS
'milliseconds with two or three digits that matter and the unit that fits';

CREATE OR REPLACE FUNCTION diagnose.count_text(n bigint, singular text,
	plural text DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN to_char(n, 'FM9,999,999,999,999,999,999') || ' ' ||
	CASE WHEN n = 1 THEN singular ELSE coalesce(plural, singular || 's') END;
COMMENT ON FUNCTION diagnose.count_text(bigint, text, text) IS
'a number and what is counted: 1,204 calls';

CREATE OR REPLACE FUNCTION diagnose.share_text(share double precision)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
	WHEN share > 0 AND share < 0.001 THEN '< 0.1 %'
	WHEN share < 0.0995 THEN to_char(share * 100, 'FM990.0') || ' %'
	ELSE to_char(share * 100, 'FM990') || ' %'
END;
COMMENT ON FUNCTION diagnose.share_text(double precision) IS
'a share from 0 to 1 as a percentage';

CREATE OR REPLACE FUNCTION diagnose.short_text(t text, width integer)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE
	WHEN length(t) <= width THEN t
	ELSE rtrim(left(t, width - 3)) || '...'
END;
COMMENT ON FUNCTION diagnose.short_text(text, integer) IS
'a text of at most so many characters, with dots in place of what is left out';

-- What PL/pgSQL calls a condition; the server has no function for that.
CREATE OR REPLACE FUNCTION diagnose.sqlstate_name(sqlstate text)
RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN CASE sqlstate
	WHEN '08000' THEN 'connection_exception'
	WHEN '08006' THEN 'connection_failure'
	WHEN '0A000' THEN 'feature_not_supported'
	WHEN '21000' THEN 'cardinality_violation'
	WHEN '22001' THEN 'string_data_right_truncation'
	WHEN '22003' THEN 'numeric_value_out_of_range'
	WHEN '22004' THEN 'null_value_not_allowed'
	WHEN '22007' THEN 'invalid_datetime_format'
	WHEN '22008' THEN 'datetime_field_overflow'
	WHEN '22012' THEN 'division_by_zero'
	WHEN '22021' THEN 'character_not_in_repertoire'
	WHEN '22023' THEN 'invalid_parameter_value'
	WHEN '22P02' THEN 'invalid_text_representation'
	WHEN '22P04' THEN 'bad_copy_file_format'
	WHEN '23502' THEN 'not_null_violation'
	WHEN '23503' THEN 'foreign_key_violation'
	WHEN '23505' THEN 'unique_violation'
	WHEN '23514' THEN 'check_violation'
	WHEN '23P01' THEN 'exclusion_violation'
	WHEN '25001' THEN 'active_sql_transaction'
	WHEN '25006' THEN 'read_only_sql_transaction'
	WHEN '25P02' THEN 'in_failed_sql_transaction'
	WHEN '25P03' THEN 'idle_in_transaction_session_timeout'
	WHEN '25P04' THEN 'transaction_timeout'
	WHEN '26000' THEN 'invalid_sql_statement_name'
	WHEN '28000' THEN 'invalid_authorization_specification'
	WHEN '34000' THEN 'invalid_cursor_name'
	WHEN '3D000' THEN 'invalid_catalog_name'
	WHEN '3F000' THEN 'invalid_schema_name'
	WHEN '40001' THEN 'serialization_failure'
	WHEN '40P01' THEN 'deadlock_detected'
	WHEN '42501' THEN 'insufficient_privilege'
	WHEN '42601' THEN 'syntax_error'
	WHEN '42703' THEN 'undefined_column'
	WHEN '42704' THEN 'undefined_object'
	WHEN '42710' THEN 'duplicate_object'
	WHEN '42804' THEN 'datatype_mismatch'
	WHEN '42883' THEN 'undefined_function'
	WHEN '42P01' THEN 'undefined_table'
	WHEN '42P02' THEN 'undefined_parameter'
	WHEN '42P05' THEN 'duplicate_prepared_statement'
	WHEN '42P07' THEN 'duplicate_table'
	WHEN '53100' THEN 'disk_full'
	WHEN '53200' THEN 'out_of_memory'
	WHEN '53300' THEN 'too_many_connections'
	WHEN '53400' THEN 'configuration_limit_exceeded'
	WHEN '54000' THEN 'program_limit_exceeded'
	WHEN '54001' THEN 'statement_too_complex'
	WHEN '55000' THEN 'object_not_in_prerequisite_state'
	WHEN '55006' THEN 'object_in_use'
	WHEN '55P03' THEN 'lock_not_available'
	WHEN '57014' THEN 'query_canceled'
	WHEN '57P01' THEN 'admin_shutdown'
	WHEN '58030' THEN 'io_error'
	WHEN 'P0001' THEN 'raise_exception'
	WHEN 'P0002' THEN 'no_data_found'
	WHEN 'P0003' THEN 'too_many_rows'
	WHEN 'P0004' THEN 'assert_failure'
	WHEN 'XX000' THEN 'internal_error'
	WHEN 'XX001' THEN 'data_corrupted'
	WHEN 'XX002' THEN 'index_corrupted'
END;
COMMENT ON FUNCTION diagnose.sqlstate_name(text) IS
'name of the condition that an SQLSTATE stands for; NULL if it is none of the common ones';

CREATE OR REPLACE FUNCTION diagnose.severity_of(impact_ms_per_s double precision)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE
	WHEN impact_ms_per_s >= current_setting('pg_diagnose.severity_critical_min_impact')::float8
		THEN 'critical'
	WHEN impact_ms_per_s < current_setting('pg_diagnose.severity_warning_min_impact')::float8
		THEN 'info'
	ELSE 'warning'
END;
COMMENT ON FUNCTION diagnose.severity_of(double precision) IS
'severity of what costs so many milliseconds of database time per second; warning if that is unknown';
