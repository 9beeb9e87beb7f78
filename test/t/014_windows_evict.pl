# test/t/014_windows_evict.pl
#
# Windows over statements, shapes of transactions and plans that push each
# other out: whatever was executed in a window is in it, once, and nothing that
# was executed before.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
pg_diagnose.max = 100
pg_diagnose.max_transactions = 50
pg_diagnose.snapshot_interval = 0
));
$node->start;
my @databases = map { "load$_" } 1 .. 3;
$node->safe_psql('postgres',
	'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;');
# who asks is not counted, wherever his statements would go
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET pg_diagnose.track = none');
foreach my $database (@databases)
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	$node->safe_psql($database, 'CREATE TABLE t AS SELECT generate_series(1, 3) AS id');
}

# Execute shapes of statements, each in a transaction of its own; bit i of a
# shape's number is whether column i is there.
sub work
{
	my ($database, $from, $to, $rounds) = @_;
	my $sql = '';
	foreach my $round (1 .. $rounds)
	{
		foreach my $shape ($from .. $to)
		{
			my $columns = join ', ', map { $shape & 1 << $_ ? 'id' : 'NULL' } 0 .. 10;
			$sql .= "BEGIN; SELECT $columns FROM t; COMMIT;\n";
		}
	}
	$node->safe_psql($database, $sql);
	return;
}

sub take
{
	my $label = shift;
	return $node->safe_psql('postgres', "SELECT diagnose.take_snapshot('$label')");
}

# What a window says of a database: statements of three rows, their histogram,
# and what is there of transactions.
sub sums
{
	my ($database, $window) = @_;
	return $node->safe_psql('postgres', qq(
		SELECT coalesce(sum(calls), 0), coalesce(sum(rows), 0), diagnose.total(diagnose.sum(histogram)), coalesce(sum(plans), 0)
		FROM diagnose.statements($window) WHERE dbid = (SELECT oid FROM pg_database WHERE datname = '$database')));
}

sub all_sums
{
	my $window = shift;
	return $node->safe_psql('postgres', qq(
		SELECT coalesce(sum(calls), 0), coalesce(sum(rows), 0), diagnose.total(diagnose.sum(histogram)), coalesce(sum(plans), 0)
		FROM diagnose.statements($window)));
}

sub transactions
{
	my ($database, $window) = @_;
	return $node->safe_psql('postgres', qq(
		SELECT sum(calls), sum(commits), sum(statements), sum(rows), diagnose.total(diagnose.sum(duration_histogram))
		FROM diagnose.transactions($window)
		WHERE kind = 'transaction' AND dbid = (SELECT oid FROM pg_database WHERE datname = '$database')));
}

# SELECTs, and BEGIN and COMMIT of each
sub expected
{
	my $n = shift;
	return join '|', 3 * $n, 3 * $n, 3 * $n, $n;
}

# ---- one database: its numbers are exact ----

$node->safe_psql('postgres', 'SELECT diagnose.reset()');
work('load1', 0, 299, 2);
take('a');
# some that are known, some that are new, and all of them push each other out
work('load1', 200, 499, 2);
take('b');
work('load1', 0, 99, 3);
take('c');
my $window = sub { return "diagnose.window('$_[0]', '$_[1]')" };
is(sums('load1', $window->('reset', 'a')), expected(600), 'until a');
is(sums('load1', $window->('a', 'b')), expected(600), 'from a to b');
is(sums('load1', $window->('b', 'c')), expected(300), 'from b to c');
is(sums('load1', $window->('a', 'c')), expected(900), 'from a to c');
is(sums('load1', $window->('c', 'now')), expected(0), 'nothing after c');
work('load1', 1000, 1199, 1);
is(sums('load1', $window->('c', 'now')), expected(200), 'from c to now');
is(sums('load1', $window->('a', 'now')), expected(1100), 'from a to now');
cmp_ok($node->safe_psql('postgres', q(SELECT evicted FROM diagnose.snapshots() WHERE label = 'c')), '>', 1000,
	'most of it is in rows of statements that had to make room');
is($node->safe_psql('postgres', q(
	SELECT count(*), bool_and(calls > 0 AND (max_exec_time IS NULL OR max_exec_time <= total_exec_time * 1.01))
	FROM diagnose.statements(diagnose.window('a', 'b')) WHERE query = '(evicted)' AND dbid =
		(SELECT oid FROM pg_database WHERE datname = 'load1'))), '1|t', 'a database has one such row');

# ---- transactions: the same ----

is(transactions('load1', $window->('a', 'b')), '600|600|600|1800|600', 'transactions from a to b');
is(transactions('load1', $window->('b', 'c')), '300|300|300|900|300', 'transactions from b to c');
is(transactions('load1', $window->('a', 'now')), '1100|1100|1100|3300|1100', 'transactions from a to now');

# ---- more databases than have rows of their own ----

take('d');
work($_, 0, 199, 1) foreach @databases;
take('e');
work($_, 100, 399, 1) foreach reverse @databases;
take('f');
is(all_sums($window->('d', 'e')), expected(600), 'three databases from d to e');
is(all_sums($window->('e', 'f')), expected(900), 'three databases from e to f');
is(all_sums($window->('d', 'f')), expected(1500), 'three databases from d to f');

# ---- a clean restart in between, where rows are put together ----

$node->restart;
is(all_sums($window->('f', 'now')), expected(0), 'a restart is nothing that happened');
work($_, 300, 599, 1) foreach @databases;
take('g');
is(all_sums($window->('f', 'g')), expected(900), 'three databases across a restart');
is(all_sums($window->('d', 'g')), expected(2400), 'and from before on');
is(transactions('load1', $window->('f', 'g')), '300|300|300|900|300', 'transactions across a restart');

# ---- plans that push each other out ----

$node->safe_psql('load1', q(
	CREATE TABLE p (a int, b int, c int, d int, e int, f int, g int);
	CREATE INDEX pa ON p (a); CREATE INDEX pb ON p (b); CREATE INDEX pc ON p (c);
	CREATE INDEX pd ON p (d); CREATE INDEX pe ON p (e); CREATE INDEX pf ON p (f);
	INSERT INTO p SELECT i, i, i, i, i, i, i FROM generate_series(1, 10000) AS i; ANALYZE p;));

# A plan for each of six indexes, so many times, by making it the only one.
sub plans
{
	my ($times, @indexes) = @_;
	foreach my $index (@indexes)
	{
		my $others = join ', ', map { "p$_" } grep { $_ ne $index } 'a' .. 'f';
		$node->safe_psql('load1', "BEGIN; DROP INDEX $others;"
			. 'SELECT count(*) AS planned FROM p WHERE a = 5 AND b = 5 AND c = 5 AND d = 5 AND e = 5 AND f = 5;' x $times
			. 'ROLLBACK;');
	}
	return;
}
my $plans = q(SELECT sum(p.calls), count(*) FROM diagnose.plans(%s) AS p JOIN diagnose.statements(%1$s) AS s USING (dbid, queryid, toplevel)
	WHERE s.query ~ 'AS planned' AND s.query !~ 'diagnose');
plans(5, 'a' .. 'e');
take('h');
plans(2, 'c' .. 'f');
take('i');
plans(1, 'a' .. 'b');
take('j');
is($node->safe_psql('postgres', sprintf($plans, $window->('reset', 'h'))), '25|5', 'plans until h');
is($node->safe_psql('postgres', sprintf($plans, $window->('h', 'i'))), '8|4', 'plans from h to i');
is($node->safe_psql('postgres', sprintf($plans, $window->('i', 'j'))), '2|2', 'plans from i to j');

$node->stop;
done_testing();
