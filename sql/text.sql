--
-- diagnose.mask() and diagnose.fingerprint()
--
-- The fingerprints below are a promise: the same numbers on every server and
-- in every version. If one changes, the code is wrong, not this test.
-- The database's encoding must be UTF8, for the names that are not ASCII.
--
\pset null '(null)'
\set VERBOSITY terse

-- texts and fingerprints
CREATE TEMP TABLE example (id int GENERATED ALWAYS AS IDENTITY, statement text);
INSERT INTO example (statement) VALUES
	('SELECT 1'),
	('SELECT  a.b.c,	"Quoted ""name""" FROM a.b -- the end'),
	('  ;; BEGIN ; '),
	('SELECT a FROM t WHERE b = ''x'' AND c IN (1, 2, 3) LIMIT 10'),
	('SELECT a FROM t WHERE b = $1 AND c = ANY ($2) LIMIT $3'),
	('INSERT INTO t (a, b, c) VALUES (1, NULL, ''x''), (2, ''y'', TRUE), (-3, .5, 1e-3) ON CONFLICT DO NOTHING'),
	('UPDATE t SET a = a-1, b = - 2.5 WHERE c = -$1 AND d->>''key'' <> ''v'''),
	('SELECT /* a /* nested '' */ comment " */ 1/**/2'),
	('SELECT 1 --comment with '' and "
	FROM t'),
	('SELECT E''it\''s \x41\u0042 \\'', U&''d\0061t'', U&"d\0061t" UESCAPE ''!'', N''n'', B''01'', X''1F'''),
	('SELECT ''one''
	''and the same'', ''''''two'''''''),
	('DO $$ BEGIN PERFORM ''secret''; END $$'),
	('CREATE FUNCTION f(a$1 int) RETURNS int AS $body$ SELECT $$secret$$::int $body$ LANGUAGE sql'),
	('CREATE FUNCTION f() RETURNS int BEGIN ATOMIC SELECT 1; SELECT 2; END;'),
	('ALTER ROLE alice PASSWORD ''secret'''),
	('SELECT j->>''a'', j ? ''b'', j ?| array[''a'', ''b''], j @> ''{}'' FROM t WHERE a!=1 AND b<=2 AND c=>3'),
	('SELECT f(a := 1, b => 2), x::numeric(10, 2), y[1:2], INTERVAL''1 day'', 1..2, $1'),
	('SELECT (((((1)))))'),
	('Ünïcödé');
SELECT id, diagnose.fingerprint(statement), diagnose.mask(statement)
FROM example ORDER BY id;

-- nothing to be read is unknown
SELECT s AS statement, diagnose.mask(s), diagnose.fingerprint(s)
FROM (VALUES (''), ('  '), (';'), (' ; ;'), ('-- comment'), ('/* a */ ; -- b'),
	('''unterminated'), ('/* unterminated'), ('"'), ('$$'), ('1a'), (NULL)) AS v (s);

-- an error keeps what came before, and nothing of the unfinished literal
SELECT s AS statement, diagnose.mask(s)
FROM (VALUES ('SELECT a, ''secret'), ('SELECT a, $x$ secret $y$'),
	('SELECT E''secret\'), ('SELECT U&''secret'), ('SELECT b /* secret'),
	('SELECT "secret'), ('SELECT 1, 2, X''secret'), ('SELECT 12secret'),
	('SELECT E''\u12secret''')) AS v (s);

-- the same statement, said differently
CREATE FUNCTION pg_temp.same(a text, b text) RETURNS boolean LANGUAGE sql
RETURN diagnose.fingerprint(a) = diagnose.fingerprint(b);
SELECT a, b FROM (VALUES
	('SELECT 1', 'select  ''x'' ; '),
	('SELECT 1', 'SELECT $1'),
	('SELECT 1', 'SELECT -1.5'),
	('SELECT 1', 'SELECT NULL'),
	('SELECT 1', ';/* c */SELECT--c
	1;;'),
	('SELECT a FROM t', 'SELECT "a" FROM T'),
	('SELECT a WHERE b<>c', 'SELECT a WHERE b != c'),
	('SELECT U&''a''', 'SELECT $a$b$a$'),
	('a IN (1)', 'a IN (1, 2)'),
	('a IN (1)', 'a IN ($1, -2, NULL, ''x'', true)'),
	('a = ANY (ARRAY[1, 2])', 'a = ANY (ARRAY[$1])'),
	('VALUES (1)', 'VALUES (1),(2)'),
	('VALUES (1, a(2)) RETURNING b', 'VALUES (1, a(2)), (3, a(4)) RETURNING b'),
	('INSERT INTO t VALUES (1, now())', 'INSERT INTO t VALUES (2, now()), (3, now()), (4, now())'),
	('SELECT ((1, 2), (3, 4))', 'SELECT ((1, 2))'),
	('SELECT ARRAY[[1, 2], [3, 4], [5, 6]]', 'SELECT ARRAY[[$1]]'),
	('SELECT 1, 2 FROM t', 'SELECT 1 FROM t'),
	('a = -1 AND b > -2', 'a = 1 AND b > $1'),
	('CALL p(1); CALL q(2)', 'CALL p(1) ;; CALL q(3);')
) AS v (a, b) WHERE pg_temp.same(a, b) IS NOT TRUE;

-- different statements
SELECT a, b FROM (VALUES
	('SELECT a', 'SELECT b'),
	('SELECT a', 'SELECT 1'),
	('SELECT ab', 'SELECT a b'),
	('SELECT a.b', 'SELECT "a.b"'),
	('SELECT A', 'SELECT "A"'),
	('SELECT user FROM t', 'SELECT "user" FROM t'),
	('SELECT a FROM b', 'SELECT b FROM a'),
	('a ? 1', 'a ?| 1'),
	('a ? b', 'a 1 b'),
	('a ? b', 'a $1 b'),
	('a ? 1', 'a 1 1'),
	('a -> 1', 'a ->> 1'),
	('a - 1', 'a 1'),
	('a - 1', 'a + 1'),
	('f(1) - 1', 'f(1) 1'),
	('a = -$1', 'a = -1'),
	('a IS NULL', 'a IS NOT NULL'),
	('a IS NULL', 'a IS 1'),
	('a IS TRUE', 'a IS FALSE'),
	('t.null', 't.true'),
	('f(1, 2 + a)', 'f(1 + a)'),
	('f(1, a)', 'f(a)'),
	('f(1), f(1)', 'f(1)'),
	('(a), (a)', '(a)'),
	('(1, a), (1, b)', '(1, a)'),
	('(1)', '[1]'),
	('(1)', '1'),
	('((1))', '(1)'),
	('(1) a', '(1 a)'),
	('CALL p(1); CALL q(2)', 'CALL p(1) CALL q(3)'),
	('U&"\0061"', '"\0061"'),
	('SELECT a, ''', 'SELECT a,')
) AS v (a, b) WHERE pg_temp.same(a, b) IS NOT FALSE;

-- names as long as the server allows, and longer: no notice a second time
SELECT pg_temp.same('SELECT ' || repeat('a', 63), 'SELECT ' || repeat('a', 64)) AS truncated,
	pg_temp.same('SELECT ' || repeat('a', 62), 'SELECT ' || repeat('a', 63)) AS not_truncated,
	diagnose.mask('SELECT "' || repeat('b', 70) || '"');
SELECT diagnose.mask('SELECT ' || repeat('a', 70)) = 'SELECT ' || repeat('a', 70) AS whole;

-- settings: what they change, and that they are left alone, as are interrupts
SET standard_conforming_strings = off;
SELECT diagnose.mask($$SELECT 'it\'s secret', "a"$$);
SELECT diagnose.mask($$SELECT a, U&'secret'$$);
SET standard_conforming_strings = on;
SELECT diagnose.mask($$SELECT 'C:\', "a"$$);
SHOW client_min_messages;
SHOW log_min_messages;
SET statement_timeout = '1ms';
SELECT count(*) FROM generate_series(1, 10000000);
RESET statement_timeout;

-- lists in the text: two are shown, more are dots
SELECT diagnose.mask(s) FROM (VALUES
	('a IN (1)'), ('a IN (1,2)'), ('a IN (1,2,3)'), ('a IN ( 1 , 2 , 3 , 4 ) AND b'),
	('f(1, 2, 3, 4 + a)'), ('f(1, 2, 3, a, 4, 5, 6)'), ('SELECT 1, 2, $3, NULL, -5 FROM t'),
	('VALUES (1, 2), (3, 4)'), ('VALUES (1, 2, a), (3, 4, a), (5, 6, a), (7, 8, a) RETURNING b'),
	('VALUES (1, 2, 3, 4), (5, 6, 7, 8), (9, 10, 11, 12)'), ('VALUES (1), (2, 3), (4)')) AS v (s);

-- long lists: those cut in the middle are all the same
CREATE FUNCTION pg_temp.list(n int) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(i::text, ',') FROM generate_series(1, n) AS i);
CREATE FUNCTION pg_temp.rows(n int) RETURNS text LANGUAGE sql
RETURN (SELECT string_agg(format('(%s, ''%s'', NULL)', i, i), ', ') FROM generate_series(1, n) AS i);
SELECT pg_temp.same('a IN (1) AND b', 'a IN (' || pg_temp.list(2500) || ') AND b') AS whole,
	diagnose.mask('a IN (' || pg_temp.list(40000) || ') AND b') AS cut;
SELECT count(DISTINCT diagnose.fingerprint('a IN (' || repeat(' ', 1 + n % 50) || pg_temp.list(7000 + n) || ')')) AS fingerprints,
	count(DISTINCT diagnose.mask('a IN (' || repeat(' ', 1 + n % 50) || pg_temp.list(7000 + n) || ')')) AS texts
FROM generate_series(1, 200) AS n;
SELECT count(DISTINCT diagnose.fingerprint(s)) AS fingerprints, count(DISTINCT diagnose.mask(s)) AS texts, min(diagnose.mask(s))
FROM generate_series(1, 200) AS n, concat('INSERT INTO t VALUES ', repeat(' ', n % 50), pg_temp.rows(2000 + n)) AS s;

-- one megabyte: of one literal, of many literals, of a name, of parentheses
SELECT diagnose.mask('SELECT a, ''' || repeat('secret ', 150000) || '''');
SELECT diagnose.mask('SELECT ' || pg_temp.list(150000)) AS many,
	length(diagnose.mask('SELECT ' || repeat('a', 1000000))) AS name,
	length(diagnose.mask(repeat('(', 1000000))) AS parentheses,
	length(diagnose.mask(repeat('a(1),', 200000))) AS calls;
SELECT pg_temp.same(repeat('(', 100) || '1' || repeat(')', 100), repeat('(', 100) || '2' || repeat(')', 100)) AS same,
	pg_temp.same(repeat('(', 100) || '1' || repeat(')', 100), repeat('(', 99) || '2' || repeat(')', 99)) AS different;

-- wherever the scan is cut, nothing of the literal is shown
SELECT count(*) FILTER (WHERE m ~ 'secret') AS leaks, count(*) AS cuts, min(left(m, 10)), max(left(m, 10))
FROM generate_series(16316, 16396) AS n,
	unnest(ARRAY['''secret secret''', 'E''secret\''secret\u0041secret''', '$tag$ secret $tag$', 'U&''secret''',
		'''secret''''secret''', '/* secret */', '--secret']) AS l,
	diagnose.mask('SELECT ' || repeat(' ', n - 7 - 8) || l || repeat(', ''secret''', 20)) AS m;
SELECT DISTINCT diagnose.mask('SELECT b AS ' || repeat(' ', 16384 - 12 - n) || 'secretname') AS not_half_a_name
FROM generate_series(0, 9) AS n;

-- a text is cut between characters
SELECT n, length(m), octet_length(m), right(m, 2) AS ends
FROM generate_series(0, 3) AS n,
	diagnose.mask('SELECT ' || repeat(' ', n) || repeat('a', n) || repeat('€', 4000)) AS m;

-- not for NULL
SELECT diagnose.mask(NULL), diagnose.fingerprint(NULL);
