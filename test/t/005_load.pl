# test/t/005_load.pl
#
# The library is not there, comes too late, in the wrong order or in a server of
# another kind: a clear message, and never a crash.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t AS SELECT 1 AS id;
	SELECT count(*) FROM t;));

my $message = qr/pg_diagnose must be loaded via "shared_preload_libraries"/;
my @views = split /\n/, $node->safe_psql('postgres', q(
	SELECT oid::regclass FROM pg_class WHERE relnamespace = 'diagnose'::regnamespace AND relkind = 'v' ORDER BY 1));
my @calls = (
	'* FROM diagnose.statements(diagnose.since_reset())',
	'* FROM diagnose.errors_by_sqlstate(diagnose.since_reset())',
	'* FROM diagnose.plans(diagnose.since_reset())',
	'* FROM diagnose.own_status()',
	'diagnose.seconds(diagnose.since_reset())',
	'diagnose.reset()',
	# the list of rules is that of functions in the catalog
	(map { "* FROM $_" } grep { $_ ne 'diagnose.rules' } @views));

sub preload
{
	my $libraries = shift;
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$libraries'");
	my $log = -s $node->logfile;
	$node->restart;
	return substr(slurp_file($node->logfile), $log);
}

sub says_what_is_missing
{
	my ($when, $before) = @_;
	foreach my $call (@calls)
	{
		my ($status, $out, $err) = $node->psql('postgres', ($before // '') . "SELECT $call");
		like($out . $err, $message, "$when: $call");
	}
	# what needs no shared memory works
	is($node->safe_psql('postgres', q(SELECT diagnose.mask('SELECT 1'), diagnose.total('{}'))),
		'SELECT ?|0', "$when: masks and histograms");
	return;
}

# Nothing of it, and then removed after it was there: the server does not care.
preload('');
says_what_is_missing('not preloaded');
says_what_is_missing('loaded by a session', "LOAD 'pg_diagnose'; LOAD 'pg_diagnose';");
my ($status, $out, $err) = $node->psql('postgres', "LOAD 'pg_diagnose'; SHOW pg_diagnose.max;");
like($err, qr/unrecognized configuration parameter "pg_diagnose.max"/, 'no settings without shared memory');
is($node->safe_psql('postgres', 'SELECT count(*) FROM t'), '1', 'the server works without the library');
preload('pg_stat_statements');
says_what_is_missing('only pg_stat_statements');

# Wrong order, or without the other one.
my $warning = qr/WARNING:  pg_stat_statements is not loaded before pg_diagnose/;
foreach my $libraries ('pg_diagnose,pg_stat_statements', 'pg_diagnose')
{
	like(preload($libraries), $warning, "$libraries: warned of");
	$node->safe_psql('postgres', q(
		SELECT count(*) FROM t;
		SELECT count(*) FROM t;
		DO $$ BEGIN PERFORM max(id) FROM t; END $$;
		SET work_mem = '5MB';
		CREATE TABLE loaded (a int);
		DROP TABLE loaded;));
	is($node->safe_psql('postgres',
		q(SELECT calls >= 2 FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT count(*) FROM t')),
		't', "$libraries: captures all the same");
	is($node->safe_psql('postgres', q(
		SELECT calls > 0 FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT max(id) FROM t' AND NOT toplevel)),
		't', "$libraries: nested statements, too");
}
unlike(preload('pg_stat_statements,pg_diagnose'), $warning, 'the right order is nothing to talk about');

# Settings out of range are reported, and the defaults used.
foreach my $setting (
	[ 'pg_diagnose.max', '99', '5000' ],
	[ 'pg_diagnose.query_text_size', '9000', '1kB' ],
	[ 'pg_diagnose.track', 'some', 'all' ])
{
	my ($name, $bad, $default) = @$setting;
	my $conf = $node->data_dir . '/postgresql.conf';
	my $good = slurp_file($conf);
	my $log = -s $node->logfile;
	$node->append_conf('postgresql.conf', "$name = '$bad'");
	$node->restart;
	like(substr(slurp_file($node->logfile), $log), qr/"?\Q$name\E/, "$name = $bad is reported");
	is($node->safe_psql('postgres', "SHOW $name"), $default, "$name: the default is used");
	open my $out, '>', $conf or die "$conf: $!";
	print $out $good;
	close $out or die "$conf: $!";
}
$node->restart;
($status, $out, $err) = $node->psql('postgres', 'SET pg_diagnose.no_such_setting = 1');
like($err, qr/invalid configuration parameter name "pg_diagnose.no_such_setting"/, 'the prefix is reserved');
like($err, qr/"pg_diagnose" is a reserved prefix/, 'and the message says so');

# For a single user, and while being upgraded: left alone, and nothing is lost.
$node->safe_psql('postgres', 'SELECT diagnose.reset(); SELECT min(id) FROM t;');
my $known = q(SELECT calls FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT min(id) FROM t');
$node->stop;
my $input = "SELECT id FROM t\nSELECT * FROM diagnose.statements(diagnose.since_reset())\n";
($out, $err) = ('', '');
ok(IPC::Run::run([ 'postgres', '--single', '-D', $node->data_dir, 'postgres' ],
	'<', \$input, '>', \$out, '2>', \$err), 'a server for a single user works');
like($out, qr/id = "1"/, 'and executes');
like($err, $message, 'without us');
$node->start;
is($node->safe_psql('postgres', $known), '1', 'and the history is still there');

$node->stop;
my $port = $node->port;
my $host = $node->host;
command_ok([ 'pg_ctl', '-w', '-D', $node->data_dir, '-l', $node->logfile, '-o', "-b -p $port", 'start' ],
	'a server that is being upgraded starts');
($status, $out, $err) = $node->psql('postgres', 'SELECT * FROM diagnose.statements(diagnose.since_reset())');
like($err, $message, 'without us');
command_ok([ 'pg_ctl', '-w', '-D', $node->data_dir, 'stop' ], 'and stops');
$node->start;
is($node->safe_psql('postgres', $known), '1', 'and the history is still there');

# Removed: core's own statistics do not suffer.
$node->safe_psql('postgres', 'INSERT INTO t SELECT generate_series(1, 50)');
preload('');
is($node->safe_psql('postgres', q(SELECT n_tup_ins >= 50 FROM pg_stat_user_tables WHERE relname = 't')),
	't', 'removed: the server keeps its statistics');
$node->safe_psql('postgres', 'DROP EXTENSION pg_diagnose');
preload('pg_stat_statements,pg_diagnose');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM t'), 't', 'loaded without the extension: the server works');
$node->safe_psql('postgres', 'CREATE EXTENSION pg_diagnose');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM diagnose.statements(diagnose.since_reset())'),
	't', 'created again: captures');

$node->stop;
done_testing();
