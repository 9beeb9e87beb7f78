-- What the benchmarks need beside pgbench's own tables.
--
-- A statement's identifier ignores constants and column aliases, but not which
-- columns are read.  Two lists drawn from the columns of one table therefore
-- make 50 x 100 statements that the server tells apart, at the same cost each.
SELECT format('CREATE TABLE shape (id int PRIMARY KEY, %s)',
			  string_agg(format('c%s int DEFAULT %s', n, n), ', ' ORDER BY n))
FROM generate_series(1, 100) n
\gexec
INSERT INTO shape SELECT generate_series(1, 10);
VACUUM (FREEZE, ANALYZE);
CREATE EXTENSION pg_stat_statements;
