# test/t/002_standby.pl
#
# A hot standby captures what it executes, by itself: nothing is replicated,
# nothing is written, and what it knows survives a restart and a promotion.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres',
	'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;');
$primary->safe_psql('postgres', 'CREATE TABLE t AS SELECT generate_series(1, 10) AS id');
$primary->safe_psql('postgres', 'SELECT count(*) FROM t');

$primary->restart;
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

my $known = q(
	SELECT query, toplevel, calls, rows, failed, diagnose.total(histogram)
	FROM diagnose.statements(diagnose.since_reset())
	WHERE query ~ 'FROM t\M' AND query !~ 'diagnose' AND calls + failed > 0
	ORDER BY query COLLATE "C", toplevel);

is($standby->safe_psql('postgres', $known), '', 'the standby knows nothing of the primary');
like($primary->safe_psql('postgres', $known), qr/^SELECT count\(\*\) FROM t\|t\|1\|1\|0\|1$/m,
	'the primary still does');

sub workload
{
	$standby->safe_psql('postgres', q(
		SELECT max(id) FROM t;
		SELECT max(id) FROM t;
		DO $$ BEGIN PERFORM min(id) FROM t; END $$));
	$standby->psql('postgres', 'SELECT 1 / (id - 5) FROM t');
	$standby->psql('postgres', 'INSERT INTO t VALUES (1)');
	return;
}
workload();
my $expected = join "\n",
	'SELECT ? / (id - ?) FROM t|t|0|0|1|0',
	'SELECT max(id) FROM t|t|2|2|0|2',
	'SELECT min(id) FROM t|f|1|1|0|1';
is($standby->safe_psql('postgres', $known), $expected, 'the standby captures');
is($standby->safe_psql('postgres', q(
	SELECT query, sqlstate, failures FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
		LEFT JOIN diagnose.statements(diagnose.since_reset()) USING (userid, dbid, queryid, toplevel)
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) ORDER BY 2)),
	"SELECT ? / (id - ?) FROM t|22012|1\nINSERT INTO t VALUES (?)|25006|1", 'with its errors');
unlike($primary->safe_psql('postgres', $known), qr/max\(id\)/, 'and the primary knows nothing of it');

# Everything can be read there.
foreach my $view (split /\n/, $standby->safe_psql('postgres', q(
	SELECT oid::regclass FROM pg_class WHERE relnamespace = 'diagnose'::regnamespace AND relkind = 'v' ORDER BY 1)))
{
	my ($status, $out, $err) = $standby->psql('postgres', "SELECT * FROM $view");
	is($status, 0, "$view can be read on a standby") or diag $err;
}

# Reading writes no WAL, on the primary neither.
my $read = q(SELECT count(*), sum(calls) FROM diagnose.statements(diagnose.since_reset());
	SELECT count(*) FROM diagnose.errors_by_sqlstate(diagnose.since_reset());
	SELECT count(*) FROM diagnose.own_status(););
$primary->safe_psql('postgres', $read);
$primary->safe_psql('postgres', 'SELECT diagnose.reset()');
$primary->safe_psql('postgres', $read);
is($primary->safe_psql('postgres', q(
	SELECT count(*), sum(wal_records) FROM diagnose.statements(diagnose.since_reset())
	WHERE query ~ '^SELECT count' AND calls > 0)), '3|0', 'reading writes no WAL');

# A restart keeps, a promotion keeps.
$standby->restart;
is($standby->safe_psql('postgres', $known), $expected, 'a restart of the standby keeps');
$standby->promote;
is($standby->safe_psql('postgres', $known), $expected, 'a promotion keeps');
$standby->safe_psql('postgres', 'INSERT INTO t VALUES (11); SELECT max(id) FROM t;');
like($standby->safe_psql('postgres', $known), qr/^SELECT max\(id\) FROM t\|t\|3\|3\|0\|3$/m,
	'and counting goes on');

# Forgetting is possible on a standby, too.
$standby = PostgreSQL::Test::Cluster->new('standby2');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
workload();
like($standby->safe_psql('postgres', $known), qr/max/, 'another standby captures');
$standby->safe_psql('postgres', 'SELECT diagnose.reset()');
is($standby->safe_psql('postgres', $known), '', 'and forgets when told so');

# A query that stands in the way of replay is cancelled, and counted.
$standby->append_conf('postgresql.conf', 'max_standby_streaming_delay = 0');
$standby->reload;
my ($in, $out, $err) = ('', '', '');
my $reader = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $standby->connstr('postgres') . ' application_name=reader',
		'-c', 'SELECT count(pg_sleep(600)) FROM t' ], # workload: is cancelled
	'<', \$in, '>', \$out, '2>', \$err);
$standby->poll_query_until('postgres',
	q(SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'reader' AND wait_event = 'PgSleep'));
$primary->safe_psql('postgres', 'DROP TABLE t');
$reader->finish;
is($standby->safe_psql('postgres', q(
	SELECT query, sqlstate, failures, failed FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
		JOIN diagnose.statements(diagnose.since_reset()) USING (userid, dbid, queryid, toplevel)
	WHERE query ~ 'pg_sleep' AND query !~ 'diagnose')),
	'SELECT count(pg_sleep(?)) FROM t|40001|1|1', 'a conflict with recovery is counted');

$_->stop for $standby, $primary;
done_testing();
