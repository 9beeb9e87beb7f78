# test/t/011_replica_rules.pl
#
# Rules about a standby, in four acts: nothing yet, the look-alike stays silent,
# the problem is found, the fix silences it.  On a primary they never speak.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t AS SELECT generate_series(1, 10) AS id;
	CREATE TABLE u AS SELECT * FROM t;));
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));

# How long replay waits for queries.  Never for long while we ask: what the
# primary cleans up may be in our way, too.
sub let_replay_wait
{
	my $delay = shift;
	my $log = -s $standby->logfile;
	$standby->append_conf('postgresql.conf', "max_standby_streaming_delay = '$delay'");
	$standby->reload;
	$standby->wait_for_log(qr/"max_standby_streaming_delay" changed to/, $log);
	return;
}

sub found
{
	my ($node, $rule) = @_;
	return $node->safe_psql('postgres', qq(
		SELECT severity, key, replace(subject, 'role ' || current_user, 'role <role>'), n,
			regexp_replace(problem, '[0-9.]+ %', '<n> %'), impact_ms_per_s >= 0
		FROM diagnose.findings(diagnose.since_reset()) WHERE rule = '$rule'));
}

sub reset_all
{
	$_->safe_psql('postgres', 'SELECT diagnose.reset()') for $primary, $standby;
	return;
}

# ----
# writes_on_replica
# ----

reset_all();
is(found($standby, 'writes_on_replica'), '', 'writes: nothing yet');

# A transaction that is meant to read, and does; on the primary, one that
# breaks its word.
$standby->safe_psql('postgres', 'BEGIN READ ONLY; SELECT count(*) FROM t; COMMIT;');
$primary->psql('postgres', 'BEGIN READ ONLY; INSERT INTO t VALUES (11); COMMIT;');
is(found($standby, 'writes_on_replica'), '', 'writes: silent where one reads');
is($primary->safe_psql('postgres', q(SELECT sum(failures) FROM diagnose.errors_by_sqlstate(diagnose.since_reset())
	WHERE sqlstate = '25006')), '1', 'writes: the error is there');
is(found($primary, 'writes_on_replica'), '', 'writes: silent on a primary');

$standby->psql('postgres', 'INSERT INTO t VALUES (11)') for 1 .. 2;
$standby->psql('postgres', 'UPDATE t SET id = 0');
$standby->psql('postgres', 'CREATE TABLE w (i int)');
is(found($standby, 'writes_on_replica'), join("\n",
		'warning|writes_on_replica:postgres:' . $standby->safe_psql('postgres', 'SELECT current_user')
	  . '|role <role> in database postgres, most: INSERT INTO t VALUES (?)|4|4 writes sent to a standby, which cannot write|t'),
	'writes: found');
is($standby->safe_psql('postgres', q(
	SELECT evidence - 'wasted_ms' - 'role', fix IS NULL, advice ~ 'target_session_attrs'
	FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'writes_on_replica')),
	'{"database": "postgres", "refusals": 4, "statements": 3}|t|t', 'writes: with evidence and advice');

reset_all();
$primary->safe_psql('postgres', 'INSERT INTO t VALUES (11); UPDATE t SET id = 0;');
is(found($standby, 'writes_on_replica'), '', 'writes: fixed by asking the primary');

# ----
# recovery_conflict_cancels
# ----

# A reader of a table on the standby that stays until it is cancelled.
sub reader
{
	my $table = shift;
	my $self = { in => '', out => '', err => '' };
	$self->{harness} = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $standby->connstr('postgres') . " application_name=reader_$table",
			'-c', "SELECT count(pg_sleep(600)) FROM $table" ], # workload: is cancelled
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err});
	$standby->poll_query_until('postgres',
		qq(SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = 'reader_$table' AND wait_event = 'PgSleep'))
	  or die "no reader: $self->{err}";
	return $self;
}

reset_all();
is(found($standby, 'recovery_conflict_cancels'), '', 'conflicts: nothing yet');

my $reader = reader('t');
$standby->safe_psql('postgres',
	q(SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader_t'));
$reader->{harness}->finish;
like($reader->{err}, qr/due to user request/, 'conflicts: a query is cancelled');
is(found($standby, 'recovery_conflict_cancels'), '', 'conflicts: silent if somebody else cancels');

$reader = reader('t');
let_replay_wait('0');
$primary->safe_psql('postgres', 'DROP TABLE t');
$reader->{harness}->finish;
let_replay_wait('20s');
like($reader->{err}, qr/conflict with recovery/, 'conflicts: a query is in the way of replay');
is(found($standby, 'recovery_conflict_cancels'),
	'warning|recovery_conflict_cancels:postgres|database postgres, most: SELECT count(pg_sleep(?)) FROM t|1'
	  . '|1 query cancelled because replay could not wait (<n> %)|t', 'conflicts: found');
is($standby->safe_psql('postgres', q(
	SELECT evidence->'conflicts_by_kind', evidence->>'max_standby_streaming_delay', advice ~ 'vacuum_truncate'
	FROM diagnose.findings(diagnose.since_reset()) WHERE rule = 'recovery_conflict_cancels')),
	'{"confl_lock": 1}|20s|t', 'conflicts: with evidence and advice');
is(found($primary, 'recovery_conflict_cancels'), '', 'conflicts: silent on the primary');
$standby->append_conf('postgresql.conf', 'pg_diagnose.recovery_conflict_cancels_critical_cancels = 1');
$standby->reload;
like(found($standby, 'recovery_conflict_cancels'), qr/^critical/, 'conflicts: critical by their share');

# The advice: let replay wait.
let_replay_wait('-1');
reset_all();
$reader = reader('u');
$primary->safe_psql('postgres', 'DROP TABLE u');
$standby->poll_query_until('postgres',
	q(SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'startup' AND wait_event_type IN ('Lock', 'IPC') AND wait_event IN ('relation', 'RecoveryConflictSnapshot')))
  or die 'replay does not wait';
$standby->safe_psql('postgres',
	q(SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE application_name = 'reader_u'));
$reader->{harness}->finish;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
is(found($standby, 'recovery_conflict_cancels'), '', 'conflicts: fixed by letting replay wait');

# What was a standby is a primary.
$standby->psql('postgres', 'CREATE TABLE w (i int)');
isnt(found($standby, 'writes_on_replica'), '', 'a standby');
$standby->promote;
is(found($standby, 'writes_on_replica'), '', 'is none after a promotion');

$_->stop for $standby, $primary;
done_testing();
