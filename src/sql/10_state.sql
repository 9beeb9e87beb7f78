-- State: all that cannot be created twice.
CREATE SCHEMA diagnose;
COMMENT ON SCHEMA diagnose IS
'pg_diagnose: start with SELECT * FROM diagnose.findings';
