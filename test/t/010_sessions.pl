# test/t/010_sessions.pl
#
# Sessions are counted exactly, however they end, and transactions as in
# pg_stat_database.  What they did survives a clean restart, not a crash.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE DATABASE counted;));
$node->safe_psql('counted', 'CREATE TABLE t (i int)');

# A session of the database that stays, known by its application_name, or by
# the one it has in the end.
sub session
{
	my ($name, $sql, $state, $known_as) = @_;
	$known_as //= $name;
	my $self = { in => $sql, out => '', err => '', name => $name };
	$self->{harness} = IPC::Run::start(
		[ 'psql', '-XAtq', '-f', '-', '-d', $node->connstr('counted') . " application_name=$name" ],
		'<', \$self->{in}, '>', \$self->{out}, '2>', \$self->{err});
	$self->{harness}->pump_nb;
	$node->poll_query_until('postgres',
		"SELECT count(*) > 0 FROM pg_stat_activity WHERE application_name = '$known_as' AND ($state)")
	  or die "session $name never came to $state: $self->{err}";
	$self->{pid} = $node->safe_psql('postgres',
		"SELECT pid FROM pg_stat_activity WHERE application_name = '$known_as' AND ($state)");
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

sub run_as
{
	my ($name, $sql) = @_;
	$node->psql('counted', $sql, connstr => $node->connstr('counted') . " application_name=$name",
		on_error_stop => 0);
	return;
}

# Columns of the sessions of the database, by application.
sub sessions
{
	my ($columns, $names) = @_;
	return $node->safe_psql('postgres', qq(
		SELECT application, $columns FROM diagnose.sessions(diagnose.since_reset())
		WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'counted')
			AND application ~ '^($names)\$'
		ORDER BY application COLLATE "C"));
}

# What pg_stat_database says of sessions that have ended, when none is left:
# a process tells before it disappears from pg_stat_activity.
sub pg_stat
{
	$node->poll_query_until('postgres',
		q(SELECT count(*) = 0 FROM pg_stat_activity WHERE datname = 'counted'));
	return split /\|/, $node->safe_psql('postgres', q(
		SELECT sessions, sessions_fatal + sessions_killed, xact_commit, xact_rollback, session_time
		FROM pg_stat_database WHERE datname = 'counted'));
}

my $ends = 'begun, ended_normally, ended_in_transaction, ended_by_fatal, open';
my $xacts = 'commits, rollbacks, blocks, autocommits';

# ----
# Transactions
# ----

# each line: what is sent, and commits, rollbacks, blocks, autocommits it makes
my @transactions = (
	[ 'INSERT INTO t VALUES (1);', 1, 0, 0, 1 ],
	[ 'SELECT 1/0;', 0, 1, 0, 1 ],
	[ 'SELECT nonsense;', 0, 1, 0, 1 ],
	[ 'BEGIN; INSERT INTO t VALUES (1); COMMIT;', 1, 0, 1, 0 ],
	[ 'BEGIN; COMMIT;', 1, 0, 1, 0 ],
	[ 'BEGIN; SELECT 1; ROLLBACK;', 0, 1, 1, 0 ],
	[ 'BEGIN; SELECT 1/0; ROLLBACK;', 0, 1, 1, 0 ],
	[ 'BEGIN; SELECT 1/0; COMMIT;', 0, 1, 1, 0 ],
	[ 'BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 1; COMMIT; SELECT 1;', 3, 0, 2, 1 ],
	[ 'BEGIN; SELECT 1; ROLLBACK AND CHAIN; SELECT 1; COMMIT; SELECT 1;', 2, 1, 2, 1 ],
	[ 'BEGIN; SELECT 1/0; ROLLBACK AND CHAIN; SELECT 1; COMMIT; SELECT 1;', 2, 1, 2, 1 ],
	[ 'BEGIN; INSERT INTO p VALUES (1); COMMIT AND CHAIN; SELECT 1;', 1, 1, 1, 1 ],	# deferred constraint
	[ 'COMMIT AND CHAIN; SELECT 1;', 1, 1, 0, 2 ],
	[ 'INSERT INTO t VALUES (1)\; SELECT 1\; SELECT 2;', 1, 0, 0, 1 ],
	[ 'INSERT INTO t VALUES (1)\; SELECT 1/0\; SELECT 2;', 0, 1, 0, 1 ],
	[ 'INSERT INTO t VALUES (1)\; BEGIN\; SELECT 2\; COMMIT;', 1, 0, 1, 0 ],
	[ q(BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'a'; COMMIT PREPARED 'a';), 2, 0, 1, 1 ],
	[ q(BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'a'; ROLLBACK PREPARED 'a';), 1, 1, 1, 1 ],
	[ q(BEGIN; PREPARE TRANSACTION 'left';), 0, 0, 1, 0 ],
	[ q(COMMIT PREPARED 'nobody';), 0, 1, 0, 1 ],
	[ 'BEGIN; SAVEPOINT s; SELECT 1/0; ROLLBACK TO s; COMMIT;', 1, 0, 1, 0 ],
	[ 'DO $$BEGIN INSERT INTO t VALUES (1); COMMIT; INSERT INTO t VALUES (1); ROLLBACK; END$$;', 2, 1, 0, 3 ],
	[ 'DO $$BEGIN PERFORM 1/0; EXCEPTION WHEN OTHERS THEN END$$;', 1, 0, 0, 1 ],
	[ 'BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SELECT count(*) FROM t; END;', 1, 0, 1, 0 ]);
$node->safe_psql('counted', q(
	CREATE TABLE q (i int PRIMARY KEY);
	CREATE TABLE p (i int REFERENCES q DEFERRABLE INITIALLY DEFERRED);
	ANALYZE t;));
my @stat = pg_stat();
my @total = (0) x 4;
foreach my $transaction (@transactions)
{
	my ($sql, @expected) = @$transaction;
	$node->safe_psql('postgres', 'SELECT diagnose.reset()');
	run_as('transactions', $sql);
	# and the transaction in which the client was connected
	$expected[0]++;
	is(sessions($xacts, 'transactions'), join('|', 'transactions', @expected), $sql);
	$total[$_] += $expected[$_] for 0 .. 3;
}
my @stat_then = pg_stat();
is(join('|', map { $stat_then[$_] - $stat[$_] } 2, 3), "$total[0]|$total[1]", 'pg_stat_database counts the same');
$node->safe_psql('counted', q(ROLLBACK PREPARED 'left'));

# A parallel worker's own transactions are not the client's; pg_stat_database
# counts the one in which the server connects the worker.
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
run_as('parallel', 'SET parallel_setup_cost = 0; SET parallel_tuple_cost = 0; SET min_parallel_table_scan_size = 0;
	SELECT count(*) FROM t;');
is(sessions($xacts, 'parallel'), 'parallel|5|0|0|4', 'a parallel query is one transaction');

# ----
# How sessions end
# ----

@stat = pg_stat();
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
run_as('normal', 'SELECT 1; BEGIN; SELECT 1; SELECT 1; COMMIT; SELECT 1/0');
run_as('nothing', '');
run_as('open', 'BEGIN; INSERT INTO t VALUES (1);');
run_as('open_temp', 'CREATE TEMP TABLE tt (i int); BEGIN; INSERT INTO tt VALUES (1);');
run_as('failed', 'BEGIN; SELECT 1/0;');
run_as('prepared', q(BEGIN; INSERT INTO t VALUES (1); PREPARE TRANSACTION 'p';));

my $killed = session('killed', "SELECT 1;\n", q(state = 'idle'));
$node->safe_psql('postgres', "SELECT pg_terminate_backend($killed->{pid})");
gone($killed);
$killed = session('killed_busy', "SELECT pg_sleep(600);\n", q(wait_event = 'PgSleep'));	# workload: is terminated
$node->safe_psql('postgres', "SELECT pg_terminate_backend($killed->{pid})");
gone($killed);
$killed = session('killed_open', "BEGIN;\nINSERT INTO t VALUES (1);\n", q(state = 'idle in transaction'));
$node->safe_psql('postgres', "SELECT pg_terminate_backend($killed->{pid})");
gone($killed);
my $left = session('left', "SELECT 1;\n", q(state = 'idle'));
$left->{harness}->kill_kill;
gone($left);
$left = session('left_open', "BEGIN;\nINSERT INTO t VALUES (1);\n", q(state = 'idle in transaction'));
$left->{harness}->kill_kill;
gone($left);
my $log = -s $node->logfile;
my $timeout = session('timeout', "SET idle_in_transaction_session_timeout = '10ms';\n", q(query ~ 'SET'));
$timeout->{in} .= "BEGIN;\n";
$timeout->{harness}->pump_nb;
$node->wait_for_log(qr/due to idle-in-transaction timeout/, $log);
gone($timeout);

is(sessions("$ends, $xacts", '.*'), join("\n",
	'failed|1|0|1|0|0|1|1|1|0',
	'killed|1|0|0|1|0|2|0|0|1',
	'killed_busy|1|0|0|1|0|1|1|0|1',
	'killed_open|1|0|0|1|0|1|1|1|0',
	'left|1|1|0|0|0|2|0|0|1',
	'left_open|1|0|1|0|0|1|1|1|0',
	'normal|1|1|0|0|0|3|1|1|2',
	'nothing|1|1|0|0|0|1|0|0|0',
	'open|1|0|1|0|0|1|1|1|0',
	'open_temp|1|0|1|0|0|3|1|1|2',
	'prepared|1|1|0|0|0|1|0|1|0',
	'timeout|1|0|0|1|0|2|1|1|1'), 'every session ends in one way');
@stat_then = pg_stat();
my @ours = split /\|/, $node->safe_psql('postgres', q(
	SELECT sum(begun), sum(ended_by_fatal), sum(commits), sum(rollbacks), sum(session_time)
	FROM diagnose.sessions(diagnose.since_reset())
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'counted')));
is(join('|', @ours[0 .. 3]), join('|', map { $stat_then[$_] - $stat[$_] } 0 .. 3), 'as pg_stat_database says');
my $session_time = $stat_then[4] - $stat[4];
ok(abs($session_time - $ours[4]) < 0.1 * $session_time + 50, 'session time, too')
  or diag "$session_time and $ours[4] ms";
$node->safe_psql('counted', q(ROLLBACK PREPARED 'p'));

# ----
# Many at once, while others read and forget
# ----

@stat = pg_stat();
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
my $script = $node->basedir . '/script';
append_to_file($script, "BEGIN;\nSELECT 1;\nSET application_name = 'crowd';\nEND;\nSELECT 2;\n");
my @harness = map { IPC::Run::start($_, '>', \my $out, '2>', \my $err) }
  [ 'pgbench', '-n', '-C', '-c', 8, '-j', 2, '-t', 25, '-f', $script, $node->connstr('counted') ],
  map { [ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $_ x 100 ] }
	'SELECT count(*) FROM diagnose.sessions(diagnose.since_reset());',
	'SELECT diagnose.reset(dbid => 1);';
ok($_->finish, 'no error') for @harness;
@stat_then = pg_stat();
@ours = split /\|/, $node->safe_psql('postgres', q(
	SELECT sum(begun), sum(ended_by_fatal), sum(commits), sum(rollbacks), sum(ended_normally), sum(open), sum(blocks),
		-- a client may be back before its former session has gone
		diagnose.total(diagnose.sum(histogram)), max(max_open) BETWEEN 1 AND 16
	FROM diagnose.sessions(diagnose.since_reset())
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'counted')));
is(join('|', @ours[0 .. 3]), join('|', map { $stat_then[$_] - $stat[$_] } 0 .. 3), 'each is counted once');
is(join('|', @ours[4 .. 8]), "$ours[0]|0|200|$ours[0]|t", 'and has ended once');

# ----
# While they go on
# ----

$node->safe_psql('postgres', 'SELECT diagnose.reset()');
my $one = session('both', "SELECT 1;\nBEGIN;\nSELECT 2;\n", q(state = 'idle in transaction'));
is(sessions("$ends, max_open, $xacts, statements, session_time > 0, diagnose.total(histogram)", 'both'),
	'both|1|0|0|0|1|1|2|0|0|1|2|t|0', 'a session that goes on is seen');
my $two = session('third', "SELECT 1;\nSET application_name = 'both';\nSELECT 1;\nSELECT 'third';\n",
	q(query = 'SELECT ''third'';' AND state = 'idle'), 'both');
is(sessions("$ends, max_open", 'both'), 'both|2|0|0|0|2|2', 'one that takes another name belongs there');
is(sessions("$ends, $xacts, statements", 'third'), 'third|0|0|0|0|0|2|0|0|1|2', 'what it did before stays');

# A reset is the beginning for those that go on.
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
is(sessions("$ends, max_open, $xacts, statements", 'both|third'), 'both|0|0|0|0|2|2|0|0|0|0|0', 'a reset forgets');
$node->safe_psql('postgres', "SELECT pg_terminate_backend($two->{pid})");
gone($two);
$one->{in} .= "COMMIT;\n\\q\n";
$one->{harness}->pump_nb;
gone($one);
is(sessions("$ends, max_open, $xacts, diagnose.total(histogram)", 'both'), 'both|0|1|0|1|0|2|1|0|1|0|2',
	'and counts on');

# ----
# Restart and crash
# ----

my $all = q(SELECT to_jsonb(s) FROM diagnose.sessions(diagnose.since_reset()) AS s
	WHERE dbid = (SELECT oid FROM pg_database WHERE datname = 'counted') ORDER BY application COLLATE "C");
my $before = $node->safe_psql('postgres', $all);
like($before, qr/both/, 'there is something to keep');
$node->restart;
is($node->safe_psql('postgres', $all), $before, 'a clean restart keeps it');
run_as('both', 'SELECT 1');
is(sessions("$ends, max_open, $xacts, diagnose.total(histogram)", 'both'), 'both|1|2|0|1|0|2|3|0|1|1|3',
	'and it adds up');

my $victim = session('victim', "BEGIN;\nSELECT 1;\n", q(state = 'idle in transaction'));
$log = -s $node->logfile;
is(kill('KILL', $victim->{pid}), 1, 'a server process is killed');
eval { $victim->{harness}->finish; };
ok($node->wait_for_log(qr/database system is ready to accept connections/, $log), 'the server recovers');
$node->poll_query_until('postgres', 'SELECT true');
is(sessions($ends, '.*'), '', 'a crash leaves nothing');
run_as('normal', 'SELECT 1');
is(sessions("$ends, $xacts", '.*'), 'normal|1|1|0|0|0|2|0|0|1', 'and counting goes on');

# ----
# More kinds than there is room for
# ----

$node->safe_psql('postgres', 'SELECT diagnose.reset()');
my $names = join '', map { "SET application_name = 'name$_';\nSELECT 1;\n" } 1 .. 300;
run_as('many', $names);
# psql is gone before its session is
$node->poll_query_until('postgres',
	q(SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ '^name'));
is($node->safe_psql('postgres', q(
	SELECT count(*) FILTER (WHERE userid IS NULL), count(*) <= 257,
		sum(begun) FILTER (WHERE userid IS NULL), sum(ended_normally) FILTER (WHERE userid IS NULL),
		sum(commits) FILTER (WHERE application ~ '^(many|name.*)$' OR userid IS NULL) >= 601
	FROM diagnose.sessions(diagnose.since_reset()))),
	'1|t|1|1|t', 'what finds no place is summed up');
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
is(sessions('begun', 'name.*'), '', 'and a reset makes room');

$node->stop;
done_testing();
