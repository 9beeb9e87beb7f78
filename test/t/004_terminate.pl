# test/t/004_terminate.pl
#
# Sessions that do not end by themselves: what they were executing is counted
# as failed, at every level, and everything before is not lost.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
restart_after_crash = on
client_connection_check_interval = '50ms'
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t AS SELECT 1 AS id;
	CREATE TABLE copied (id int);
	CREATE FUNCTION inner_sleep() RETURNS void LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_sleep(600) FROM t; END';	-- workload: is terminated
	CREATE FUNCTION outer_sleep() RETURNS void LANGUAGE plpgsql AS
		'BEGIN PERFORM inner_sleep() FROM t; END';));

# Run SQL in a session that stays, and wait for a state of it.  The sessions are
# told apart by application_name; nobody else uses these.
my $sessions = 0;

sub session
{
	my ($sql, $state) = @_;
	my $name = 'session' . ++$sessions;
	my $self = { in => $sql, out => '', err => '', name => $name };
	$self->{harness} = IPC::Run::start(
		[ 'psql', '-XAtq', '-f', '-', '-d', $node->connstr('postgres') . " application_name=$name" ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err});
	$self->{harness}->pump_nb;
	$node->poll_query_until('postgres',
		"SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = '$name' AND ($state)")
	  or die "session $name never came to $state: $self->{err}";
	$self->{pid} = $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE application_name = '$name'");
	return $self;
}

# Wait until the server has done with a session.
sub gone
{
	my $self = shift;
	$node->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM pg_stat_activity WHERE pid = $self->{pid}");
	eval { $self->{harness}->finish; };
	return;
}

sub terminate
{
	my $self = shift;
	$node->safe_psql('postgres', "SELECT pg_terminate_backend($self->{pid})");
	gone($self);
	return;
}

# All failures, with their statements.
my $failures = q(
	SELECT sqlstate, failures, coalesce(query, '(no statement)'), toplevel, calls, failed, failed_nested
	FROM diagnose.errors_by_sqlstate(diagnose.since_reset()) e
		LEFT JOIN diagnose.statements(diagnose.since_reset()) s USING (userid, dbid, queryid, toplevel)
	ORDER BY sqlstate, query COLLATE "C");

sub failures_are
{
	my ($expected, $name) = @_;
	is($node->safe_psql('postgres', $failures), join("\n", @$expected), $name);
	$node->safe_psql('postgres', 'SELECT diagnose.reset()');
	return;
}
$node->safe_psql('postgres', 'SELECT diagnose.reset()');

my $sleeps = q(wait_event = 'PgSleep');
terminate(session("SELECT id FROM t;\nSELECT outer_sleep();\n", $sleeps));
is($node->safe_psql('postgres',
		q(SELECT calls FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT id FROM t')),
	'1', 'what a terminated session did before is known');
failures_are([
	'57P01|1|SELECT inner_sleep() FROM t|f|0|1|1',
	'57P01|1|SELECT outer_sleep()|t|0|1|1',
	'57P01|1|SELECT pg_sleep(?) FROM t|f|0|1|0' ],
	'terminated while executing: every level');

terminate(session("BEGIN;\nSELECT id FROM t;\n", q(state = 'idle in transaction')));
failures_are([ '57P01|1|(no statement)|t|||' ], 'terminated in an idle transaction: no statement');

terminate(session("BEGIN;\nDECLARE c CURSOR FOR SELECT id FROM t;\nFETCH 1 FROM c;\n",
	q(state = 'idle in transaction')));
failures_are([ '57P01|1|(no statement)|t|||' ], 'the same with an open cursor');

my $holder = session("BEGIN;\nLOCK TABLE t;\n", q(state = 'idle in transaction'));
my $waiter = session("BEGIN;\nLOCK TABLE t IN SHARE MODE;\n", q(wait_event_type = 'Lock'));
my $inserter = session("PREPARE p AS INSERT INTO t SELECT 1;\nEXECUTE p;\n", q(wait_event_type = 'Lock'));
terminate($waiter);
terminate($inserter);
terminate($holder);
# EXECUTE waits for its lock before anything is executed
failures_are([
	'57P01|1|LOCK TABLE t IN SHARE MODE|t|0|1|0',
	'57P01|2|(no statement)|t|||' ], 'terminated while waiting for a lock');

terminate(session("COPY copied FROM STDIN;\n1\n", q(wait_event = 'ClientRead' AND state = 'active')));
failures_are([ '57P01|1|COPY copied FROM STDIN|t|0|1|0' ], 'terminated in the middle of COPY');

terminate(session("SET pg_diagnose.track = top;\nSELECT outer_sleep();\n", $sleeps));
failures_are([ '57P01|1|SELECT outer_sleep()|t|0|1|0' ], 'only what is captured');

my $log = -s $node->logfile;
my ($in, $out, $err) = ("SET idle_in_transaction_session_timeout = '10ms';\nBEGIN;\n", '', '');
my $idle = IPC::Run::start([ 'psql', '-XAtq', '-f', '-', '-d', $node->connstr('postgres') ],
	'<', \$in, '>', \$out, '2>', \$err);
$idle->pump_nb;
ok($node->wait_for_log(qr/due to idle-in-transaction timeout/, $log), 'idle for too long');
eval { $idle->finish; };
failures_are([ '25P03|1|(no statement)|t|||' ], 'and counted');

# The client goes away.
my $left = session("SELECT outer_sleep();\n", $sleeps);
$left->{harness}->kill_kill;
gone($left);
failures_are([
	'08006|1|SELECT inner_sleep() FROM t|f|0|1|1',
	'08006|1|SELECT outer_sleep()|t|0|1|1',
	'08006|1|SELECT pg_sleep(?) FROM t|f|0|1|0' ],
	'the client left while executing');

$left = session("COPY copied FROM STDIN;\n1\n", q(wait_event = 'ClientRead' AND state = 'active'));
$left->{harness}->kill_kill;
gone($left);
is($node->safe_psql('postgres',
	q(SELECT failed FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'COPY copied FROM STDIN')),
	'1', 'the client left in the middle of COPY');

# A server process is killed: all start anew, with nothing known.
my $victim = session("SELECT outer_sleep();\n", $sleeps);
$log = -s $node->logfile;
is(kill('KILL', $victim->{pid}), 1, 'a server process is killed');
eval { $victim->{harness}->finish; };
# until then a connection may still reach the old state
ok($node->wait_for_log(qr/database system is ready to accept connections/, $log), 'the server recovers');
$node->poll_query_until('postgres', 'SELECT true');
is($node->safe_psql('postgres', q(
	SELECT count(*) FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'COPY|FROM t\M' AND query !~ 'diagnose')),
	'0', 'after a crash nothing is known');
$node->safe_psql('postgres', 'SELECT id FROM t');
is($node->safe_psql('postgres',
		q(SELECT calls FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT id FROM t')),
	'1', 'and counting goes on');

# A fast shutdown ends sessions, and what they were doing is in the file.
$victim = session("SELECT outer_sleep();\n", $sleeps);
$node->stop('fast');
eval { $victim->{harness}->finish; };
$node->start;
like($node->safe_psql('postgres', $failures), qr/^57P01\|1\|SELECT outer_sleep\(\)\|t\|0\|1\|1$/m,
	'ended by a shutdown, and known after it');

$node->stop;
done_testing();
