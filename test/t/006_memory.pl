# test/t/006_memory.pl
#
# A session's memory does not grow with what it executes, and large transactions
# are no different from small ones.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'max_locks_per_transaction = 256');
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t AS SELECT i AS id FROM generate_series(1, 10) AS i;
	CREATE TABLE memory (n serial, kind text, bytes bigint, rss bigint);
	CREATE FUNCTION remember(kind text) RETURNS void LANGUAGE sql AS $$
		INSERT INTO memory (kind, bytes, rss)
		SELECT kind, sum(total_bytes),
			substring(pg_read_file('/proc/self/status') FROM 'RssAnon:\s*(\d+) kB')::bigint * 1024
		FROM pg_backend_memory_contexts
	$$;
	-- errors that are caught, cursors that are left open, utility statements
	CREATE FUNCTION churn(n int) RETURNS void LANGUAGE plpgsql AS $$
	DECLARE
		c refcursor;
	BEGIN
		FOR i IN 1 .. n LOOP
			BEGIN
				c := NULL;
				OPEN c FOR SELECT id FROM t;
				SET LOCAL work_mem = '6MB';
				PERFORM 1 / (id - id) FROM t;
			EXCEPTION WHEN division_by_zero THEN
				NULL;
			END;
		END LOOP;
	END $$;
	SELECT diagnose.reset();));

# A million prepared executions in one session.
my $transactions = 10_000;
my $script = "\\set i :i + 1\n\\startpipeline\n"
  . ("SELECT 1;\n" x 100)
  . "\\endpipeline\n\\if :i % 1000 = 500\nSELECT remember('prepared');\n\\endif\n";
$node->pgbench("-n -M prepared -c 1 -t $transactions -D i=0", 0,
	[qr{processed: $transactions/$transactions}], [qr{^$}], 'a million prepared executions',
	{ '006_prepared' => $script });
is($node->safe_psql('postgres',
		q(SELECT calls, rows, diagnose.total(histogram) FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT ?')),
	'1000000|1000000|1000000', 'all of them are counted');

# Errors in subtransactions, abandoned portals and utility statements.
$node->safe_psql('postgres', q(
	SELECT remember('first look');
	SELECT churn(10000);
	SELECT remember('churn');
	SELECT churn(10000);
	SELECT remember('churn');
	SELECT churn(10000);
	SELECT remember('churn');));
is($node->safe_psql('postgres', q(
	SELECT sum(calls), sum(failed), sum(abandoned) FROM diagnose.statements(diagnose.since_reset())
	WHERE NOT toplevel AND query ~ 'SELECT (id|\? / ).*FROM t$|SET LOCAL')),
	'30000|30000|30000', 'calls, failures and abandoned portals are exact');

# The first look of a session fills caches.
is($node->safe_psql('postgres', q(
	SELECT kind, count(*) > 1, (array_agg(bytes ORDER BY n DESC))[1] - (array_agg(bytes ORDER BY n))[1] < 64 * 1024,
		(array_agg(rss ORDER BY n DESC))[1] - (array_agg(rss ORDER BY n))[1] < 1024 * 1024
	FROM memory WHERE kind <> 'first look' GROUP BY kind ORDER BY kind)),
	"churn|t|t|t\nprepared|t|t|t", 'memory does not grow')
  or diag $node->safe_psql('postgres', 'SELECT * FROM memory ORDER BY n');

# Ten thousand locks in one transaction, and everybody can read meanwhile.
is($node->safe_psql('postgres', q(
	BEGIN;
	SELECT count(pg_advisory_xact_lock(i)) FROM generate_series(1, 10000) AS i;
	SELECT calls FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ '^SELECT count.pg_advisory';
	COMMIT;)), "10000\n1", 'ten thousand locks');

# Texts that end in the middle of a character, and such as are no text at all.
$node->safe_psql('postgres',
	q(CREATE DATABASE utf8 TEMPLATE template0 ENCODING 'UTF8' LC_COLLATE 'C' LC_CTYPE 'C'));
$node->safe_psql('postgres',
	q(CREATE DATABASE sql_ascii TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'));
$node->safe_psql($_, 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;')
  for 'utf8', 'sql_ascii';
foreach my $blanks (0 .. 3)
{
	my $names = join ', ', map { "1 AS \"\xe2\x82\xac" . ('x' x $blanks) . ("\xe2\x82\xac" x 14) . "$_\"" } 1 .. 60 + $blanks;
	$node->safe_psql('utf8', "SELECT $names");
	$node->safe_psql('sql_ascii', "SELECT 1 AS \"\xe2\x82\" /* \xff */, $names");
}
foreach my $database ('postgres', 'utf8', 'sql_ascii')
{
	is($node->safe_psql($database, q(
		SELECT count(*), bool_and(octet_length(query) BETWEEN 1000 AND 1024)
		FROM diagnose.statements(diagnose.since_reset()) JOIN pg_database d ON d.oid = dbid
		WHERE datname = 'utf8' AND query LIKE 'SELECT ? AS "%')),
		'4|t', "cut texts can be read in database $database");
	is($node->safe_psql($database, q(SELECT count(length(query)) > 5 FROM diagnose.statements(diagnose.since_reset()))),
		't', "and all others in $database");
}

$node->stop;
done_testing();
