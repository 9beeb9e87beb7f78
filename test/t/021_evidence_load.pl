# test/t/021_evidence_load.pl
#
# With the least memory that there can be, sessions push out each other's
# evidence while others read and reset it: nobody fails, what matters most
# stays, and nothing is lost track of.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seconds = $ENV{PGD_LOAD_SECONDS} || 5;
my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', q(
pg_diagnose.evidence_memory = 1
pg_diagnose.evidence_rate = 1000000
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t AS SELECT i AS id, i % 10 AS v, 'word' || i AS word FROM generate_series(1, 1000) AS i;
	CREATE TABLE big AS SELECT i AS id, i % 10 AS v FROM generate_series(1, 100000) AS i;
	CREATE FUNCTION nested(n int) RETURNS bigint LANGUAGE plpgsql AS $$
	BEGIN
		BEGIN
			PERFORM 1 / (id - n) FROM t WHERE v >= 0;
		EXCEPTION WHEN division_by_zero THEN
			NULL;
		END;
		RETURN (SELECT max(v) FROM t WHERE word <> 'x' || n);
	END $$;
	ANALYZE t, big));

# 512 statements, by the columns they show; some are long, some fail.
my $dir = $node->basedir;
append_to_file("$dir/churn.sql", join '', map {
	my $n = $_;
	sprintf "SELECT %s FROM t WHERE v = %d AND word <> '%s' ORDER BY word LIMIT 2;\n",
	  join(', ', map { $n & 1 << $_ ? 'id' : 'v' } 0 .. 8), $n % 10, 'x' x ($n * 7 % 4000)
  } 0 .. 511);
append_to_file("$dir/nested.sql", "\\set n random(1, 1000)\nSELECT nested(:n);\nSELECT count(*) FROM t AS a JOIN t AS b USING (v) WHERE a.id < :n;\n");
append_to_file("$dir/read.sql", q(
SELECT count(*), sum(rows) FROM diagnose.evidence();
SELECT count(statement) FROM diagnose.examples();
SELECT diagnose.reset(queryid => queryid) FROM (SELECT queryid FROM diagnose.evidence() WHERE relid = 't'::regclass LIMIT 1) AS q;
));
$node->safe_psql('postgres', 'SELECT count(*) FROM big WHERE v = 3');
my @load = (
	[ 4, 'churn', 'simple' ], [ 2, 'nested', 'prepared' ], [ 1, 'churn', 'extended' ], [ 1, 'read', 'simple' ]);
my @running = map {
	my ($clients, $script, $mode) = @$_;
	my %run = (out => '', script => $script);
	$run{handle} = IPC::Run::start([ 'pgbench', '-n', '-c', $clients, '-T', $seconds, '-M', $mode,
			'-f', "$dir/$script.sql", $node->connstr('postgres') ], '>&', \$run{out});
	\%run;
} @load;
foreach my $run (@running)
{
	ok(IPC::Run::finish($run->{handle}), "$run->{script} goes on without an error") or diag($run->{out});
}

is($node->safe_psql('postgres', q(
		SELECT evidence_evictions > 100, evidence_statements BETWEEN 8 AND evidence_statements_max,
			examples > 0, example_bytes BETWEEN 1 AND example_bytes_max
		FROM diagnose.own_status())),
	't|t|t|t', 'memory is full, and what has to make room is counted');
is($node->safe_psql('postgres', q(
		SELECT e.discarded FROM diagnose.evidence() AS e WHERE e.relid = 'big'::regclass)),
	'90000', 'what looked at most rows has stayed');
$node->safe_psql('postgres', 'SELECT diagnose.reset()');
is($node->safe_psql('postgres', q(
		SELECT evidence_statements, examples, example_bytes FROM diagnose.own_status())),
	'0|0|0', 'nothing is lost track of');
unlike(slurp_file($node->logfile), qr/terminated by signal|PANIC|TRAP/, 'no process has crashed');
$node->stop;

done_testing();
