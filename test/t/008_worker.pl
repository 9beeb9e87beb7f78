# test/t/008_worker.pl
#
# The background worker: it is there on a primary and on a standby, comes back
# after a crash, goes on through a promotion, stops sampling when told so, and
# is in nobody's way.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $running = q(SELECT sampler = 'running' AND clock_timestamp() - last_sample < '5 s' FROM diagnose.status);

# Has it looked since?
sub looks_again
{
	my ($node, $name) = @_;
	my $last = $node->safe_psql('postgres', q(SELECT coalesce(last_sample, '-infinity') FROM diagnose.sampler()));

	ok($node->poll_query_until('postgres', "SELECT last_sample > '$last' AND is_running FROM diagnose.sampler()"), $name);
	return;
}

sub pid_of_worker
{
	return shift->safe_psql('postgres', 'SELECT pid FROM diagnose.sampler()');
}

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "restart_after_crash = on\nlog_min_messages = info");
$primary->start;
$primary->safe_psql('postgres',
	'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;');
looks_again($primary, 'it runs on a primary');
is($primary->safe_psql('postgres', $running), 't', 'and status says so');

# Its settings, and what it makes of them.
$primary->safe_psql('postgres', 'SELECT pg_sleep(0.3)'); # workload: something to see
is($primary->safe_psql('postgres', q(
	SELECT count(*) BETWEEN 1 AND 2, sum(w.total_time) BETWEEN 100 AND 1000
	FROM diagnose.waits(diagnose.since_reset()) AS w
		JOIN pg_database AS d ON d.oid = w.dbid AND d.datname = 'postgres'
	WHERE wait_event_type = 'Timeout' AND wait_event = 'PgSleep')), 't|t', 'it sees what a session waits for');
is($primary->safe_psql('postgres', q(
	SELECT count(*) FROM diagnose.waits(diagnose.since_reset())
	WHERE wait_event IN ('ClientRead', 'Extension', 'LogicalLauncherMain') OR dbid IS NULL)),
	'0', 'and nobody who is idle, or in the background');

$primary->safe_psql('postgres', 'ALTER SYSTEM SET pg_diagnose.sample_interval = 0; SELECT pg_reload_conf()');
ok($primary->poll_query_until('postgres', q(SELECT sampler = 'off' FROM diagnose.status)), 'it can be turned off');
$primary->safe_psql('postgres', 'SELECT pg_sleep(0.2)'); # workload: time for a look that it was about to take
my $looks = $primary->safe_psql('postgres', 'SELECT samples FROM diagnose.sampler()');
$primary->safe_psql('postgres', 'SELECT pg_sleep(0.3)'); # workload: time for it to look
is($primary->safe_psql('postgres', 'SELECT samples FROM diagnose.sampler()'), $looks, 'then it does not look');

# While it does not look it obeys nobody either, but nobody sees that.
my $known = 'SELECT count(*) > 0 FROM diagnose.waits(diagnose.since_reset())';
is($primary->safe_psql('postgres', $known), 't', 'it still knows');
$primary->safe_psql('postgres', q(SELECT diagnose.reset(dbid => oid) FROM pg_database WHERE datname = 'template1'));
is($primary->safe_psql('postgres', $known), 't', 'also when another database is reset');
$primary->safe_psql('postgres', 'SELECT diagnose.reset(dbid => oid) FROM pg_database WHERE datname = current_database()');
is($primary->safe_psql('postgres', $known), 'f', 'a reset is seen at once');
is($primary->safe_psql('postgres', 'SELECT samples > 0 FROM diagnose.sampler()'), 't', 'that of a database leaves the numbers about itself');
$primary->safe_psql('postgres', 'SELECT diagnose.reset()');
is($primary->safe_psql('postgres', 'SELECT samples FROM diagnose.sampler()'), '0', 'that of everything does not');
# more resets than it can remember one by one
$primary->safe_psql('postgres', 'SELECT diagnose.reset(queryid => i) FROM generate_series(1, 100) AS i');
is($primary->safe_psql('postgres', $known), 'f', 'also many of them');

$primary->safe_psql('postgres', 'ALTER SYSTEM RESET pg_diagnose.sample_interval; SELECT pg_reload_conf()');
looks_again($primary, 'it can be turned on again');
$primary->safe_psql('postgres', 'SELECT pg_sleep(0.3)'); # workload: something to see
is($primary->safe_psql('postgres', $known), 't', 'and sees again');
my ($status, $out, $err) = $primary->psql('postgres', 'ALTER SYSTEM SET pg_diagnose.sample_interval = -1');
like($err, qr/-1 ms is outside the valid range for parameter "pg_diagnose.sample_interval"/,
	'nonsense is refused');

# It is in nobody's way.
$primary->safe_psql('postgres', 'CREATE DATABASE gone');
$primary->safe_psql('gone', 'SELECT 1');
is($primary->psql('postgres', 'DROP DATABASE gone'), 0, 'a database can be dropped');

# A crash of some backend ends them all; it comes back with them.
my $worker = pid_of_worker($primary);
my $backend = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $primary->connstr('postgres') . ' application_name=victim',
		'-c', 'SELECT pg_sleep(600)' ], # workload: is killed
	'<', \'', '>', \my $victim_out, '2>', \my $victim_err);
$primary->poll_query_until('postgres',
	q(SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'victim' AND wait_event = 'PgSleep'));
kill 'KILL', $primary->safe_psql('postgres', q(SELECT pid FROM pg_stat_activity WHERE application_name = 'victim'));
$backend->finish;
$primary->poll_query_until('postgres', 'SELECT true');
looks_again($primary, 'it comes back after a crash');
isnt(pid_of_worker($primary), $worker, 'as another process');

# So it does after being killed itself, which is a crash, or told to go.
$worker = pid_of_worker($primary);
kill 'KILL', $worker;
ok($primary->poll_query_until('postgres', "SELECT pid <> $worker AND is_running FROM diagnose.sampler()"), 'it comes back when it is killed');
$worker = pid_of_worker($primary);
kill 'TERM', $worker;
ok($primary->poll_query_until('postgres', "SELECT pid IS DISTINCT FROM $worker FROM diagnose.sampler()"), 'it goes when told so');
ok($primary->poll_query_until('postgres', q(SELECT is_running FROM diagnose.sampler())), 'and comes back some seconds later');
looks_again($primary, 'to look again');

# On a standby.
$primary->restart;
looks_again($primary, 'it comes back with a restart');
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
looks_again($standby, 'it runs on a standby');
$standby->safe_psql('postgres', 'SELECT pg_sleep(0.3)'); # workload: something to see
is($standby->safe_psql('postgres', q(
	SELECT count(*) > 0 FROM diagnose.waits(diagnose.since_reset()) WHERE wait_event = 'PgSleep')), 't', 'and sees what it should');

# Who holds back vacuum, on a standby, through one, and by a slot.
$primary->append_conf('postgresql.conf', 'pg_diagnose.xmin_horizon_holder_min_age = 1');
$primary->safe_psql('postgres', q(SELECT pg_create_physical_replication_slot('a_slot')));
$primary->reload;
$standby->append_conf('postgresql.conf', "hot_standby_feedback = on\nwal_receiver_status_interval = '1s'");
$standby->reload;
my ($reader_in, $reader_out, $reader_err) =
	("BEGIN ISOLATION LEVEL REPEATABLE READ;\nSELECT count(*) FROM pg_class;\n", '', '');
my $reader = IPC::Run::start(
	[ 'psql', '-XAtq', '-f', '-', '-d', $standby->connstr('postgres') . ' application_name=reader' ],
	'<', \$reader_in, '>', \$reader_out, '2>', \$reader_err);
$reader->pump until $reader_out =~ /\d/;
ok($standby->poll_query_until('postgres', q(
	SELECT count(*) = 1 FROM diagnose.horizon_holders(diagnose.since_reset()) AS h
		JOIN diagnose.statements AS s USING (userid, dbid, queryid)
	WHERE h.state = 'idle in transaction' AND h.max_snapshot_time > 200 AND s.query = 'SELECT count(*) FROM pg_class')),
	'a snapshot on a standby is seen there');
ok($primary->poll_query_until('postgres', q(
	SELECT count(*) = 1 FROM diagnose.horizon_holders(diagnose.since_reset())
	WHERE state = 'standby' AND dbid IS NULL AND queryid IS NULL AND oldest_time > 0)),
	'and on the primary, as the standby\'s');
my $held_by = q(SELECT regexp_replace(string_agg(key, ' ' ORDER BY key COLLATE "C"), 'xmin_horizon_holder:', '', 'g')
	FROM diagnose.rule_xmin_horizon_holder(diagnose.since_reset()) WHERE evidence_grade = 'exact');
$primary->safe_psql('postgres', 'CREATE TABLE later (id int); INSERT INTO later VALUES (1);');
ok($primary->poll_query_until('postgres', $held_by, 'standby:standby'), 'a finding names it');
$standby->append_conf('postgresql.conf', q(primary_slot_name = 'a_slot'));
$standby->reload;
ok($primary->poll_query_until('postgres', $held_by, 'slot:a_slot'), 'or its slot');
$reader_in .= "\\q\n";
$reader->finish;

$worker = pid_of_worker($standby);
$standby->promote;
looks_again($standby, 'it goes on after a promotion');
is(pid_of_worker($standby), $worker, 'as the same process');
$standby->safe_psql('postgres', 'CREATE TABLE t AS SELECT 1 AS id');

# It holds up no shutdown, however long its interval is.
foreach my $mode (qw(fast smart))
{
	$standby->safe_psql('postgres', 'ALTER SYSTEM SET pg_diagnose.sample_interval = 60000');
	$standby->safe_psql('postgres', 'SELECT pg_reload_conf()');
	$standby->poll_query_until('postgres', q(SELECT sample_interval = 60000 FROM diagnose.sampler()));
	my $start = time;
	$standby->stop($mode);
	cmp_ok(time - $start, '<', 20, "a $mode shutdown does not wait for it");
	$standby->start;
}
$_->stop for $standby, $primary;
unlike(slurp_file($_->logfile), qr/(?:PANIC|TRAP):/, 'nothing else happened') for $standby, $primary;

done_testing();
