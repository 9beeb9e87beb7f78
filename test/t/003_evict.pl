# test/t/003_evict.pl
#
# Three thousand statements where there is room for four hundred: the table stays
# within its bounds, and the sums, with those of the (evicted) row, are exact.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
pg_diagnose.max = 400
pg_diagnose.query_text_memory = 64
pg_diagnose.query_text_size = 8192
));
$node->start;
$node->safe_psql('postgres',
	'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;');
$node->safe_psql('postgres', 'CREATE DATABASE load; CREATE DATABASE other;');
$node->safe_psql('load', 'CREATE TABLE t AS SELECT generate_series(1, 5) AS id');
$node->safe_psql('other', 'CREATE TABLE t AS SELECT generate_series(1, 2) AS id');

# Statements of many shapes for one session; returns its script.  Each shape is
# a sum over a set of columns: bit i of its number is whether column i is there.
sub script
{
	my ($from, $to, $rounds) = @_;
	my $sql = "BEGIN;\n";
	foreach my $round (1 .. $rounds)
	{
		foreach my $shape ($from .. $to)
		{
			my $columns = join ', ', map { $shape & 1 << $_ ? 'id' : 'NULL' } 0 .. 12;
			# long enough for the memory of texts to be too small, too
			my $name = 'a' x 60;
			$sql .= "SELECT id AS $name, $columns AS $name FROM t;\n";
		}
	}
	return $sql . "SELECT 1 / 0 FROM t;\nROLLBACK;\n";
}

# The sums of a database, and what they must be.
my $sums = q(
	SELECT sum(calls), sum(rows), diagnose.total(diagnose.sum(histogram)), sum(failed), sum(plans)
	FROM diagnose.statements(diagnose.since_reset())
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = '%s'));

sub is_exact
{
	my ($database, $expected, $name) = @_;
	is($node->safe_psql('postgres', sprintf($sums, $database)), $expected, $name);
	return;
}

$node->safe_psql('postgres', 'SELECT diagnose.reset()');

# Four sessions with shapes of their own and 200 that all have in common.
my @sessions = map { [ 200 + 700 * $_, 200 + 700 * $_ + 699 ] } 0 .. 3;
my @running;
foreach my $range (@sessions)
{
	my ($in, $out, $err) =
	  (script(@$range, 1) . script(0, 199, 5), '', '');
	push @running,
	  IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('load') ],
		'<', \$in, '>', \$out, '2>', \$err);
}
$_->finish for @running;
# a session: 700 + 1000 statements of 5 rows, 2 x BEGIN and ROLLBACK, 2 failures
# (in the planner)
is_exact('load', join('|', 4 * 1704, 4 * 1700 * 5, 4 * 1704, 4 * 2, 4 * 1700),
	'calls, rows, histogram, failures and plans are exact');

# The same statements in another database, which has an (evicted) row of its own.
$node->psql('other', script(0, 299, 2), on_error_stop => 0);
is_exact('other', '602|1200|602|1|600', 'other databases are kept apart');
is_exact('load', join('|', 4 * 1704, 4 * 1700 * 5, 4 * 1704, 4 * 2, 4 * 1700),
	'and what they evict does not get lost');

# and by SQLSTATE
is($node->safe_psql('postgres', q(
	SELECT datname, sqlstate, sum(failures) FROM diagnose.errors_by_sqlstate(diagnose.since_reset()) e
		JOIN pg_database d ON d.oid = dbid WHERE datname IN ('load', 'other') GROUP BY 1, 2 ORDER BY 1, 2)),
	"load|22012|8\nother|22012|1", 'errors are exact');

is($node->safe_psql('postgres', q(
	SELECT bool_and(max_exec_time <= total_exec_time AND min_exec_time <= max_exec_time)
	FROM diagnose.statements(diagnose.since_reset()) WHERE calls > 0)), 't', 'times are consistent');

my $status = $node->safe_psql('postgres', q(
	SELECT statements <= statements_max, statements_max BETWEEN 400 AND 415, evictions > 2500,
		text_bytes <= text_bytes_max, texts_dropped > 0
	FROM diagnose.own_status()));
is($status, 't|t|t|t|t', 'bounds are held, evictions and dropped texts counted');
is($node->safe_psql('postgres', q(
	SELECT count(DISTINCT dbid) FILTER (WHERE datname IN ('load', 'other')),
		bool_and(queryid IS NULL AND userid IS NULL AND fingerprint IS NULL AND toplevel IS NOT NULL)
	FROM diagnose.statements(diagnose.since_reset()) LEFT JOIN pg_database d ON d.oid = dbid
	WHERE query = '(evicted)')),
	'2|t', 'a database has its (evicted) row');

# Sums survive a restart, and so do the (evicted) rows.
$node->restart;
is_exact('load', join('|', 4 * 1704, 4 * 1700 * 5, 4 * 1704, 4 * 2, 4 * 1700),
	'sums survive a restart');
# with less room, too, and with more
$node->stop;
$node->append_conf('postgresql.conf', 'pg_diagnose.max = 5000');
$node->start;
is_exact('load', join('|', 4 * 1704, 4 * 1700 * 5, 4 * 1704, 4 * 2, 4 * 1700),
	'sums survive more room');
$node->psql('load', script(0, 2999, 1), on_error_stop => 0);
$node->stop;
$node->append_conf('postgresql.conf', 'pg_diagnose.max = 400');
$node->start;
is_exact('load',
	join('|', 4 * 1704 + 3002, (4 * 1700 + 3000) * 5, 4 * 1704 + 3002, 4 * 2 + 1, 4 * 1700 + 3000),
	'sums survive less room');

# A reset by database takes its (evicted) row along.
$node->safe_psql('postgres', q(SELECT diagnose.reset(dbid => oid) FROM pg_database WHERE datname = 'load'));
is_exact('load', '||0||', 'a reset by database leaves nothing of it');
is_exact('other', '602|1200|602|1|600', 'and all of the others');

# More databases than a partition keeps apart: the rest is in one row for all.
foreach my $i (1 .. 6)
{
	$node->safe_psql('postgres', "CREATE DATABASE d$i");
	$node->safe_psql("d$i", 'CREATE TABLE t AS SELECT generate_series(1, 5) AS id');
}
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
$node->psql("d$_", script(0, 299, 1), on_error_stop => 0) for 1 .. 6;
# and the reset itself
is($node->safe_psql('postgres', q(
	SELECT sum(calls), sum(rows), diagnose.total(diagnose.sum(histogram)), sum(failed)
	FROM diagnose.statements(diagnose.since_reset()))),
	join('|', 6 * 302 + 1, 6 * 1500 + 1, 6 * 302 + 1, 6), 'sums of many databases are exact');

$node->stop;
done_testing();
