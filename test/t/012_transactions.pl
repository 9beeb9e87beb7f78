# test/t/012_transactions.pl
#
# Transactions are counted exactly, in all protocols, under concurrency and
# while shapes push each other out; what ends a session, or the server, leaves
# nothing behind; a standby does the same.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q(
pg_diagnose.max_transactions = 50
restart_after_crash = on
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t (id int PRIMARY KEY, v int);
	INSERT INTO t SELECT i, 0 FROM generate_series(1, 5000) AS i;
	ANALYZE t;
	CREATE PROCEDURE commits() LANGUAGE plpgsql AS $$
	BEGIN
		FOR i IN 1..3 LOOP
			UPDATE t SET v = v + 1 WHERE id = i;
			COMMIT;
		END LOOP;
	END $$;));

my $sums = q(SELECT kind, sum(commits), sum(rollbacks), sum(aborts), sum(abandoned),
	sum(statements), sum(savepoints), sum(savepoint_rollbacks), sum(rows_written)
	FROM diagnose.transactions(diagnose.since_reset())
	WHERE application IS NULL OR application = 'pgbench' GROUP BY kind ORDER BY kind);

sub pgbench
{
	my ($mode, $script, @options) = @_;
	my $file = $node->basedir . '/script.pgbench';

	open my $handle, '>', $file or die $!;
	print $handle $script;
	close $handle;
	my ($out, $err);
	local $ENV{PGAPPNAME} = 'pgbench';
	IPC::Run::run([ 'pgbench', '-n', '-M', $mode, '-h', $node->host, '-p', $node->port,
		'-f', $file, @options, 'postgres' ], '>', \$out, '2>', \$err)
	  or die "pgbench: $err";
	return;
}

# ---- Counts, in every protocol ----

my $script = q(
\set id random(1, 1000000) % 1000 + 1
BEGIN;
UPDATE t SET v = v + 1 WHERE id = 1000 * (1 + :client_id) + 1;
SELECT v FROM t WHERE id = :id;
COMMIT;
BEGIN;
INSERT INTO t SELECT 0, 0 WHERE false;
SAVEPOINT one;
UPDATE t SET v = v + 1 WHERE id = 1000 * (1 + :client_id) + 2;
ROLLBACK TO SAVEPOINT one;
RELEASE SAVEPOINT one;
ROLLBACK;
SELECT v FROM t WHERE id = :id;
UPDATE t SET v = v + 1 WHERE id = 1000 * (1 + :client_id) + 3;
);
foreach my $mode (qw(simple extended prepared))
{
	$node->safe_psql('postgres', 'SELECT diagnose.reset()');
	pgbench($mode, $script, '-c', 4, '-t', 50);
	is($node->safe_psql('postgres', $sums),
		"burst|400|0|0|0|400|0|0|200\ntransaction|200|200|0|0|1400|400|200|400",
		"$mode protocol: transactions, statements and savepoints are exact");
}

# ---- With more shapes than there is room for, and readers ----

my $shapes = '';
foreach my $n (1 .. 120)
{
	$shapes .= "BEGIN;\n" . join('', map { "SELECT " . join(', ', ('v') x (1 + ($n >> $_ & 1)),
		('id') x $_) . " FROM t WHERE id = $n;\n" } 0 .. 6) . "COMMIT;\n";
}
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
my $reader = IPC::Run::start(
	[ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, 'postgres' ],
	'<', \(join "\n", ('SELECT count(*) FROM diagnose.transactions(diagnose.since_reset());',
		'SELECT count(*) FROM diagnose.transaction_steps(diagnose.since_reset());',
		'SELECT count(*) FROM diagnose.open_transcripts();') x 30),
	'>', \my $read, '2>', \my $read_errors);
pgbench('simple', $shapes, '-c', 8, '-t', 5);
$reader->finish;
is($read_errors, '', 'readers see no error');
is($node->safe_psql('postgres', q(SELECT sum(commits), sum(statements), sum(calls),
	sum(diagnose.total(duration_histogram)), sum(diagnose.total(idle_histogram))
	FROM diagnose.transactions(diagnose.since_reset()) WHERE kind = 'transaction'
		AND (application IS NULL OR application = 'pgbench'))),
	'4800|33600|4800|4800|4800', 'shapes that had to go left their numbers');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM diagnose.transactions(diagnose.since_reset()) WHERE shape IS NULL'),
	'>', 0, 'there is a row for the rest');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM diagnose.transactions(diagnose.since_reset())'),
	'<=', 60, 'the number of shapes is bounded');

# ---- A loop has one shape, however long it is ----

foreach my $how (['', ''], ['BEGIN;', 'COMMIT;'])
{
	foreach my $loop (["SELECT v FROM t WHERE id = %d;\n"],
		["SELECT v FROM t WHERE id = %d;\n", "SELECT id FROM t WHERE id = %d + 1;\n"])
	{
		$node->safe_psql('postgres', 'SELECT diagnose.reset()');
		foreach my $rounds (3, 50, 5000)
		{
			my $sql = "SET pg_diagnose.burst_gap = '10s'; SET application_name = 'loop';\n";

			$sql .= "$how->[0]\nSELECT id FROM t WHERE id <= $rounds ORDER BY id;\n";
			$sql .= join '', map { my $i = $_; map { sprintf $_, $i } @$loop } 1 .. $rounds;
			$node->safe_psql('postgres', $sql . $how->[1]);
		}
		my $kind = $how->[0] ? 'transaction' : 'burst';
		is($node->safe_psql('postgres', qq(SELECT count(DISTINCT shape), sum(calls) FROM
			diagnose.transactions(diagnose.since_reset())
			WHERE application = 'loop' AND kind = '$kind' AND statements > 3)),
			'1|3', "loops of 3, 50 and 5,000 rounds, " . @$loop . " statements, $kind: one shape");
		is($node->safe_psql('postgres', qq(SELECT count(*), sum(occurrences) FROM
			diagnose.observations(diagnose.since_reset())
			WHERE detector = 'n_plus_one' AND application = 'loop' AND kind = '$kind')),
			@$loop . '|' . 2 * @$loop, 'and those of 50 and 5,000 are seen as N+1');
	}
}

# ---- What leaves in the middle ----

sub open_transcripts
{
	return $node->safe_psql('postgres', q(SELECT count(*) FROM diagnose.open_transcripts()
		WHERE pid <> pg_backend_pid()));
}

$node->safe_psql('postgres', 'SELECT diagnose.reset()');
$node->safe_psql('postgres', q(SET application_name = 'leaves'; BEGIN; UPDATE t SET v = 1 WHERE id = 1;));
$node->poll_query_until('postgres', q(SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'leaves'));
is($node->safe_psql('postgres', q(SELECT abandoned, commits, rollbacks, aborts, statements FROM
	diagnose.transactions(diagnose.since_reset()) WHERE application = 'leaves' AND kind = 'transaction')),
	'1|0|0|0|1', 'a client that leaves abandons its transaction');

my $session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe("SET application_name = 'killed'; BEGIN; UPDATE t SET v = 1 WHERE id = 1;");
is(open_transcripts(), '1', 'an open transaction is seen');
$node->safe_psql('postgres', q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'killed'));
$node->poll_query_until('postgres', q(SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name = 'killed'));
is($node->safe_psql('postgres', q(SELECT t.abandoned, e.sqlstate FROM diagnose.transactions(diagnose.since_reset()) AS t
	JOIN diagnose.transaction_errors(diagnose.since_reset()) AS e USING (shape, tag)
	WHERE t.application = 'killed' AND t.kind = 'transaction')),
	'1|57P01', 'so does one that is terminated, with the reason');
is(open_transcripts(), '0', 'nothing is left open');
eval { $session->quit };

# ---- Procedures, prepared transactions ----

$node->safe_psql('postgres', 'SELECT diagnose.reset()');
$node->safe_psql('postgres', "SET application_name = 'calls'; CALL commits(); SELECT 1;");
is($node->safe_psql('postgres', q(SELECT kind, calls, statements, commits FROM
	diagnose.transactions(diagnose.since_reset()) WHERE application = 'calls')),
	'burst|1|2|5', 'a procedure that commits thrice');
$node->safe_psql('postgres', q(SET application_name = 'two phases';
	BEGIN; UPDATE t SET v = 1 WHERE id = 1; PREPARE TRANSACTION 'x'; COMMIT PREPARED 'x';));
is($node->safe_psql('postgres', q(SELECT kind, prepared, commits, statements FROM
	diagnose.transactions(diagnose.since_reset()) WHERE application = 'two phases' ORDER BY kind)),
	"burst|0|1|1\ntransaction|1|0|1", 'a prepared transaction');

# ---- Ends that are easily missed ----

my $endings = q(SELECT kind, calls, commits, rollbacks, aborts, statements FROM
	diagnose.transactions(diagnose.since_reset()) WHERE application = '%s' ORDER BY 1, 2, 3, 4, 5, 6);
$node->safe_psql('postgres', 'CREATE TABLE parent (id int PRIMARY KEY);
	CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);');
$node->psql('postgres', q(SET application_name = 'chain';
	BEGIN; INSERT INTO child VALUES (1); COMMIT AND CHAIN;
	SELECT kind FROM diagnose.open_transcripts() WHERE pid = pg_backend_pid();
	BEGIN; SELECT 1; COMMIT AND CHAIN; SELECT 1; ROLLBACK AND CHAIN;
	SAVEPOINT a; SELECT 1 / (id - id) FROM t; COMMIT AND CHAIN; SELECT 1; COMMIT;), on_error_stop => 0, stdout => \my $kind);
is((split /\n/, $kind)[0], 'burst', 'a COMMIT AND CHAIN that fails has no successor');
is($node->safe_psql('postgres', sprintf $endings, 'chain'),
	"burst|1|1|0|0|1\ntransaction|1|0|0|1|1\ntransaction|1|0|0|1|2\ntransaction|3|2|1|0|3",
	'all others have');
foreach my $off ('track_transactions = off', "track = 'none'")
{
	my ($name) = $off =~ /(\w+)/;
	my $on = $name eq 'track' ? "track = 'all'" : 'track_transactions = on';

	$node->safe_psql('postgres', "SET application_name = '$name';
		BEGIN; SELECT 1; SET pg_diagnose.$off; SELECT 2; ROLLBACK; SET pg_diagnose.$on;
		BEGIN; SELECT 3; COMMIT;");
	is($node->safe_psql('postgres', sprintf $endings, $name) =~ s/^burst.*\n//r,
		"transaction|1|0|1|0|2\ntransaction|1|1|0|0|1", "a block ends, also with $off");
}

# ---- A restart ----

my $all = q(SELECT md5(string_agg(x::text, '' ORDER BY x::text COLLATE "C")) FROM (
	SELECT shape, tag, application, calls, statements, commits, duration, duration_histogram::text
		FROM diagnose.transactions(diagnose.since_reset()) WHERE application IN ('calls', 'two phases', 'leaves', 'loop')
	UNION ALL
	SELECT shape, tag, fingerprint::text || "position", calls, rows, exec_time, idle_time, flags::text
		FROM diagnose.transaction_steps(diagnose.since_reset()) WHERE application IN ('calls', 'two phases', 'leaves', 'loop')
	UNION ALL
	SELECT shape, tag, detector, occurrences, count, time, held, "position"::text
		FROM diagnose.observations(diagnose.since_reset()) WHERE application IN ('calls', 'two phases', 'leaves', 'loop')
	) AS x);
my $before = $node->safe_psql('postgres', $all);
$node->restart;
is($node->safe_psql('postgres', $all), $before, 'a restart forgets nothing');

# ---- A standby ----

$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
$standby->safe_psql('postgres', "SET application_name = 'reads'; BEGIN ISOLATION LEVEL REPEATABLE READ;\n"
	  . "SELECT id FROM t WHERE id <= 30 ORDER BY id;\n"
	  . join('', map { "SELECT v FROM t WHERE id = $_;\n" } 1 .. 30) . 'COMMIT;');
is($standby->safe_psql('postgres', q(SELECT isolation, commits, statements FROM
	diagnose.transactions(diagnose.since_reset()) WHERE application = 'reads' AND kind = 'transaction')),
	'repeatable read|1|31', 'transactions are captured on a standby');
is($standby->safe_psql('postgres', q(SELECT detector, "position", parent, count FROM
	diagnose.observations(diagnose.since_reset()) WHERE application = 'reads' AND detector = 'n_plus_one')),
	'n_plus_one|2|1|30', 'and what is wrong with them');
is($standby->safe_psql('postgres', q(SELECT count(*) FROM diagnose.transactions(diagnose.since_reset())
	WHERE application = 'calls')), '0', 'and none of the primary\'s are taken for its own');
$standby->stop;

# ---- A crash ----

$session = $node->background_psql('postgres', on_error_stop => 0);
$session->query_safe("SET application_name = 'crashes'; BEGIN; UPDATE t SET v = 1 WHERE id = 1;");
my $pid = $node->safe_psql('postgres', q(SELECT pid FROM pg_stat_activity WHERE application_name = 'crashes'));
kill 'KILL', $pid;
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM diagnose.open_transcripts() WHERE pid = ' . $pid);
eval { $session->quit };
is($node->safe_psql('postgres', q(SELECT count(*) FROM diagnose.transactions(diagnose.since_reset())
	WHERE application IN ('crashes', 'calls'))), '0', 'a crash leaves no stale transaction');
$node->safe_psql('postgres', q(SET application_name = 'after'; BEGIN; UPDATE t SET v = 1 WHERE id = 1; COMMIT;));
is($node->safe_psql('postgres', q(SELECT commits, statements FROM
	diagnose.transactions(diagnose.since_reset()) WHERE application = 'after' AND kind = 'transaction')),
	'1|1', 'and counting goes on');

$node->stop;
done_testing();
