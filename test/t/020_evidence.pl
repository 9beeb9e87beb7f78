# test/t/020_evidence.pl
#
# Evidence of statements: cancelled ones leave some; it survives a restart only
# where constants may be on disk; a standby has its own; and without memory for
# it all else goes on.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', 'pg_diagnose.evidence_rate = 1000000');
$node->start;
my $file = $node->data_dir . '/pg_stat/pg_diagnose_evidence.stat';

$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t AS SELECT i AS id, i % 100 AS v, 'word' || i AS word FROM generate_series(1, 20000) AS i;
	ANALYZE t));

my $shown = q(
	SELECT s.query, e.executions, e.cut_short, e.node, e.loops, e.rows, e.discarded, round(e.estimated_rows), e.examples
	FROM diagnose.evidence() AS e
		JOIN diagnose.statements(diagnose.since_reset()) AS s USING (userid, dbid, toplevel, queryid)
	WHERE s.query ~ 'FROM t\M' AND s.query !~ 'diagnose'
	ORDER BY s.query COLLATE "C", e.node, e.rows);
my $exemplified = q(
	SELECT regexp_replace(statement, '\s+', ' ', 'g'), parameters, is_masked FROM diagnose.examples()
	WHERE statement ~ 'FROM t\M' ORDER BY 1, 2);

# The log from a point on.
sub log_since
{
	return substr(slurp_file($node->logfile), shift);
}

# ---- cancelled ----

my $endless = q(SELECT count(*) FROM t AS a, t AS b WHERE a.word || b.word = 'Xanadu');

# End it, by what is called, when it has run for a while; returns what psql says.
sub interrupt
{
	my $function = shift;
	my ($out, $err) = ('', '');
	my $session = IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', $endless ],
		'>', \$out, '2>', \$err);

	$node->poll_query_until('postgres', qq(
		SELECT $function(pid) FROM pg_stat_activity
		WHERE state = 'active' AND query ~ '^SELECT count.* AS a, t AS b' AND now() - query_start > '100 ms'))
	  or die 'it is not to be seen';
	IPC::Run::finish($session);
	return $err;
}

my $of_endless = q(
	SELECT e.node, e.executions, e.cut_short, e.loops, e.rows + e.discarded > 0, e.examples
	FROM diagnose.evidence() AS e
		JOIN diagnose.statements(diagnose.since_reset()) AS s USING (userid, dbid, toplevel, queryid)
	WHERE s.query ~ 'AS a, t AS b' AND e.node = 'Nested Loop');
like(interrupt('pg_cancel_backend'), qr/canceling statement due to user request/, 'the statement is cancelled');
is($node->safe_psql('postgres', $of_endless), 'Nested Loop|1|1|1|t|1', 'and leaves what it has shown');
like($node->safe_psql('postgres', $exemplified), qr/Xanadu/, 'and an example');
like(interrupt('pg_terminate_backend'), qr/terminating connection/, 'its session is terminated');
$node->poll_query_until('postgres',
	'SELECT EXISTS (SELECT FROM diagnose.evidence() WHERE executions = 2 AND cut_short = 2)')
  or die 'it left nothing';
is($node->safe_psql('postgres', $of_endless), 'Nested Loop|2|2|2|t|1', 'and leaves what it has shown as well');

# ---- on disk ----

sub workload
{
	$node->safe_psql('postgres', q(
		SELECT count(*) FROM t WHERE v = 5 AND word < 'Xanadu';
		SELECT id FROM t WHERE v = 7 ORDER BY word LIMIT 3;
		DO $$ DECLARE wanted int := 4; BEGIN PERFORM count(*) FROM t WHERE v = wanted; END $$));
	$node->psql('postgres', q(SELECT 1 / (id - 5) FROM t WHERE v = 5));
	return;
}

$node->safe_psql('postgres', 'SELECT diagnose.reset()');
workload();
isnt($node->safe_psql('postgres', $shown), '', 'there is evidence');
$node->stop;
ok(-e $node->data_dir . '/pg_stat/pg_diagnose.stat', 'numbers are on disk');
ok(!-e $file, 'evidence is not, by default');
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM diagnose.evidence()'), '0', 'so there is none');

$node->append_conf('postgresql.conf', 'pg_diagnose.save_constants = on');
$node->reload;
workload();
my $before = $node->safe_psql('postgres', "$shown; $exemplified");
like($before, qr/Xanadu/, 'constants are part of examples');
like($before, qr/\$\d+ = '4'/, 'and so are values of parameters');
$node->stop;
ok(-s $file, 'evidence is on disk where that is allowed');
is((stat($file))[2] & 0777, 0600, 'for the server alone');
my $good = slurp_file($file);
$node->start;
ok(!-e $file, 'the start removes it');
is($node->safe_psql('postgres', "$shown; $exemplified"), $before, 'all is as it was');

# a damaged one
$node->stop;
my $bad = $good;
substr($bad, length($bad) / 2, 1) ^= "\x55";
my $log = -s $node->logfile;
open my $fh, '>:raw', $file or die "$file: $!";
print $fh $bad;
close $fh;
$node->start;
like(log_since($log), qr/ignoring invalid data in file "pg_stat\/pg_diagnose_evidence\.stat"/,
	'a damaged file is named in the log');
is($node->safe_psql('postgres', 'SELECT count(*) FROM diagnose.evidence()'), '0', 'and not used');

# after a crash
workload();
$node->stop('immediate');
ok(!-e $file, 'a crash leaves no file');
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM diagnose.evidence()'), '0', 'nor evidence');

# not allowed any more
workload();
$node->stop;
ok(-s $file, 'there is one again');
$node->append_conf('postgresql.conf', 'pg_diagnose.save_constants = off');
$node->start;
ok(!-e $file, 'it is removed when the setting is off');
is($node->safe_psql('postgres', 'SELECT count(*) FROM diagnose.evidence()'), '0', 'unread');

# ---- without constants ----

$node->append_conf('postgresql.conf', q(
pg_diagnose.save_constants = on
pg_diagnose.track_constants = off));
$node->restart;
workload();
$node->restart;
my $masked = $node->safe_psql('postgres', $exemplified);
unlike($masked, qr/Xanadu|= '\d/, 'constants that are not to be kept are nowhere');
is(scalar(() = $masked =~ /\|t$/mg), 4, 'their examples are there');
like($masked, qr/LIMIT 3/, 'with the number of rows that are wanted');

# ---- standby ----

$node->append_conf('postgresql.conf', 'pg_diagnose.track_constants = on');
$node->restart;
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', $shown), '', 'a standby knows nothing of the primary');
$standby->safe_psql('postgres', q(SELECT count(*) FROM t WHERE v = 5 AND word < 'Xanadu'));
my $of_standby = join "\n",
	'SELECT count(*) FROM t WHERE v = ? AND word < ?|1|0|Aggregate|1|1|0|1|1',
	'SELECT count(*) FROM t WHERE v = ? AND word < ?|1|0|Seq Scan|1|0|20000|1|1';
is($standby->safe_psql('postgres', $shown), $of_standby, 'it has evidence of its own');
like($standby->safe_psql('postgres', $exemplified), qr/Xanadu/, 'and examples, which can be read there');
$standby->restart;
is($standby->safe_psql('postgres', $shown), $of_standby, 'also after a restart');
$standby->stop;

# ---- no memory ----

$node->append_conf('postgresql.conf', 'pg_diagnose.evidence_memory = 0');
$node->restart;
workload();
is($node->safe_psql('postgres', q(
		SELECT evidence_statements, examples, examples_dropped FROM diagnose.status;
		SELECT count(*) FROM diagnose.evidence();
		SELECT count(*) FROM diagnose.examples();
		SELECT count(*) FROM diagnose.statements WHERE query ~ 'FROM t WHERE')),
	"0|0|0\n0\n0\n4", 'without memory there is no evidence, and all else goes on');
$node->stop;

done_testing();
