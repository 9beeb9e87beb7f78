-- Fifty tables of one kind, to see how long advice for many statements takes.
-- psql variable: percent, of 20,000 rows in each.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE SCHEMA many;
ALTER DATABASE :"DBNAME" SET search_path = many, public;
SET search_path = many, public;
SELECT format('CREATE TABLE t%1$s AS
		SELECT i AS id, i %% 700 AS a, i %% 90 AS b, md5(i::text) AS c, i %% 3 AS d,
			now() - i * interval ''1 minute'' AS at
		FROM generate_series(1, 200 * %2$s) AS i', t, :percent),
	format('ALTER TABLE t%s ADD PRIMARY KEY (id)', t)
	FROM generate_series(1, 50) AS t \gexec
VACUUM (ANALYZE);
