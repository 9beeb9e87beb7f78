# test/t/007_concurrency.pl
#
# Sessions that write while others read and reset: no error, and in the end
# every execution is counted once.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
pg_diagnose.max = 200
autovacuum = off
));
$node->start;
$node->safe_psql($_, 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;')
  for 'postgres', 'template1';
$node->safe_psql('postgres', q(
	CREATE TABLE t AS SELECT i AS id, 0 AS v FROM generate_series(1, 100) AS i;
	CREATE FUNCTION nested() RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		BEGIN
			PERFORM 1 / count(id) FROM t WHERE id = 0;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
		RETURN (SELECT max(v) FROM t WHERE id = 7);
	END $$;));

# Some statements of everybody, some that push each other out, and errors.
my $churn = join '', map { my $n = $_; "SELECT " . join(', ', map { $n & 1 << $_ ? 'id' : 'v' } 0 .. 8) . " FROM t WHERE id = 1;\n" }
  map { 8 * $_ } 0 .. 39;
my $script = <<"EOS";
SELECT v FROM t WHERE id = 3;
SELECT nested();
BEGIN;
SELECT id FROM t;
COMMIT;
$churn
EOS
my ($clients, $transactions) = (8, 150);
my $total = $clients * $transactions;

# Readers, and a reset by filters that match nothing of the load.
my @others;
foreach my $sql (
	q(SELECT count(*), count(query), sum(calls), diagnose.total(diagnose.sum(histogram)) FROM diagnose.statements(diagnose.since_reset());
		SELECT count(*) FROM diagnose.errors_by_sqlstate(diagnose.since_reset());
		SELECT count(*) FROM diagnose.plans(diagnose.since_reset());
		SELECT * FROM diagnose.own_status();) x 200,
	q(SELECT diagnose.reset(dbid => 1);
		SELECT diagnose.reset(queryid => 4711);
		SELECT diagnose.reset(userid => 9);
		SELECT diagnose.reset(queryid => queryid) FROM (SELECT DISTINCT queryid FROM diagnose.statements(diagnose.since_reset())
			WHERE query ~ '^SELECT diagnose.reset.dbid') AS q;) x 200)
{
	my $self = { in => $sql, out => '', err => '' };
	$self->{harness} = IPC::Run::start(
		[ 'psql', '-XAtq', '-v', 'ON_ERROR_STOP=1', '-f', '-', '-d', $node->connstr('template1') ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err});
	push @others, $self;
}

$node->pgbench("-n -M prepared -c $clients -j 2 -t $transactions", 0,
	[qr{processed: $total/$total}], [qr{^$}], 'the load runs without an error',
	{ '007_load' => $script });
foreach my $self (@others)
{
	ok($self->{harness}->finish, 'and so do those who read and reset');
	is($self->{err}, '', 'without a warning');
}

# of the load's database
my $sums = q(
	SELECT sum(calls), sum(rows), diagnose.total(diagnose.sum(histogram)), sum(failed)
	FROM diagnose.statements(diagnose.since_reset()) s JOIN pg_database d ON d.oid = s.dbid
	WHERE datname = 'load');
# The load once more in a database of its own, where nobody else does anything.
$node->safe_psql('postgres', 'CREATE DATABASE load TEMPLATE template1');
is($node->safe_psql('postgres', q(
	SELECT calls, rows, diagnose.total(histogram), failed FROM diagnose.statements(diagnose.since_reset())
	WHERE query = 'SELECT v FROM t WHERE id = ?')),
	"$total|$total|$total|0", 'a statement of everybody is exact');

$node->safe_psql('load', q(
	CREATE TABLE t AS SELECT i AS id, 0 AS v FROM generate_series(1, 100) AS i;
	CREATE FUNCTION nested() RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		BEGIN
			PERFORM 1 / count(id) FROM t WHERE id = 0;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
		RETURN (SELECT max(v) FROM t WHERE id = 7);
	END $$;));
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
my $dir = $node->basedir;
append_to_file("$dir/load.sql", $script);
foreach my $mode ('simple', 'extended', 'prepared')
{
	my @reader_in = (q(SELECT sum(calls) FROM diagnose.statements(diagnose.since_reset());) x 100);
	my ($out, $err) = ('', '');
	my $reader = IPC::Run::start([ 'psql', '-XAtq', '-f', '-', '-d', $node->connstr('template1') ],
		'<', \$reader_in[0], '>', \$out, '2>', \$err);
	$node->command_ok([ 'pgbench', '-n', '-M', $mode, '-c', $clients, '-j', 2, '-t', $transactions / 3,
		'-f', "$dir/load.sql", $node->connstr('load') ], "load, $mode protocol");
	ok($reader->finish, 'with a reader');
	# what a reader sees never shrinks
	my @seen = split /\n/, $out;
	is(scalar(grep { $seen[$_] < $seen[ $_ - 1 ] } 1 .. $#seen), 0, 'sums never shrink');
}
# a transaction: 45 statements by the client and 1 inside completed, 1 failed
is($node->safe_psql('postgres', $sums),
	join('|', 46 * $total, (1 + 1 + 100 + 40 + 1) * $total, 46 * $total, $total),
	'sums of all are exact');

# Results fetched in pieces, by psql up to 16 with a cursor.
my ($status, $out, $err) = $node->psql('load', "\\set FETCH_COUNT 10\nSELECT id FROM t ORDER BY id;\n");
is(scalar(split(/\n/, $out)), 100, 'a result in pieces arrives');
is($node->safe_psql('postgres', q(
	SELECT sum(rows) FROM diagnose.statements(diagnose.since_reset())
	WHERE query ~ '^(FETCH|SELECT id FROM t ORDER)')),
	'100', 'and is counted');

$node->stop;
done_testing();
