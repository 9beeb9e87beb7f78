# test/t/014_marks.pl
#
# Marks through everything that can happen to a server: restarts with changed
# settings, a crash, the end of the background worker, damage to their file, a
# full disk, a clone that is a standby, and its promotion.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', "restart_after_crash = on\npg_diagnose.snapshot_interval = 0");
$primary->start;
$primary->safe_psql('postgres',
	'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;');
my $file = $primary->data_dir . '/pg_diagnose/marks';

# Kinds and names, without versions, and without what a test server changes.
sub marks
{
	my ($node, $where) = @_;

	$where //= 'true';
	return $node->safe_psql('postgres', qq(
		SELECT kind || ' ' || regexp_replace(what, '(PostgreSQL|timeline) [0-9.]+', '\\1') FROM diagnose.marks()
		WHERE is_own AND what NOT IN ('CREATE EXTENSION', 'promote_trigger_file') AND $where ORDER BY id));
}

sub last_id
{
	return shift->safe_psql('postgres', 'SELECT max(id) FROM diagnose.marks()');
}

# It has looked at the settings when it has written them.
sub wait_for_file
{
	my ($node, $name) = @_;
	my $path = $node->data_dir . '/pg_diagnose/marks';

	ok($node->poll_query_until('postgres', q(SELECT count(*) = 1 FROM pg_stat_file('pg_diagnose/marks', true) AS f WHERE f.size > 0)), $name);
	return;
}

# A first start is no change of settings.
wait_for_file($primary, 'the file is there soon after the start');
is(marks($primary), 'start PostgreSQL', 'the first start is marked');
like($primary->safe_psql('postgres', 'SELECT what, detail FROM diagnose.marks() ORDER BY id LIMIT 1'),
	qr/^PostgreSQL [\d.]+\|pg_diagnose [\d.]+$/, 'with its versions');

# Settings that change while it runs, while it is down, and at both times.
$primary->safe_psql('postgres', q(ALTER SYSTEM SET work_mem = '5MB'; SELECT pg_reload_conf()));
ok($primary->poll_query_until('postgres', q(SELECT count(*) = 1 FROM diagnose.marks() WHERE kind = 'setting')), 'a reload is seen');
$primary->safe_psql('postgres', q(CREATE TABLE t (id int)));
my $before = last_id($primary);
$primary->stop;
$primary->append_conf('postgresql.conf', "random_page_cost = 1.5\nmax_connections = 50");
$primary->start;
ok($primary->poll_query_until('postgres', "SELECT count(*) = 3 FROM diagnose.marks() WHERE id > $before"), 'so is a restart');
is(marks($primary, "id > $before"), join("\n", 'start PostgreSQL', 'setting max_connections', 'setting random_page_cost'),
	'with each setting that changed while the server was down');
is(marks($primary, "id <= $before"), join("\n", 'start PostgreSQL', 'setting work_mem', 'ddl CREATE TABLE'),
	'and what was before is still known');
is($primary->safe_psql('postgres', q(SELECT detail, undo FROM diagnose.marks() WHERE what = 'random_page_cost')),
	q(4 -> 1.5|ALTER SYSTEM SET random_page_cost = '4'), 'with its undo');
$before = last_id($primary);
$primary->restart;
wait_for_file($primary, 'a restart without changes');
is(marks($primary, "id > $before"), 'start PostgreSQL', 'is a start and nothing else');

# Without the background worker nobody empties the ring.  Marks are seen all
# the same, are not lost at shutdown, and those that find no room are counted.
my $stopped = q(SELECT NOT is_running FROM diagnose.sampler());
my $file_size = q(SELECT size FROM pg_stat_file('pg_diagnose/marks'));
sub stop_worker
{
	kill 'TERM', $primary->safe_psql('postgres', 'SELECT pid FROM diagnose.sampler() WHERE is_running');
	$primary->poll_query_until('postgres', $stopped);
	return;
}
stop_worker();
$before = last_id($primary);
my $size = $primary->safe_psql('postgres', $file_size);
$primary->safe_psql('postgres', 'CREATE INDEX t_id ON t (id)');
is(marks($primary, "id > $before"), 'ddl CREATE INDEX', 'a mark is seen while the worker is gone');
SKIP:
{
	# it comes back ten seconds after it went
	skip 'the worker is back already', 2 if $primary->safe_psql('postgres', $stopped) eq 'f';
	is($primary->safe_psql('postgres', $file_size), $size, 'though not in the file yet');
	$primary->safe_psql('postgres', q(SELECT diagnose.mark('by hand')));
	cmp_ok($primary->safe_psql('postgres', $file_size), '>', $size, 'who makes a mark by hand writes all of them');
}
$primary->poll_query_until('postgres', 'SELECT is_running FROM diagnose.sampler()');
stop_worker();
$primary->safe_psql('postgres', join(';', 'BEGIN', (map { "ALTER TABLE t ADD COLUMN c$_ int" } 1 .. 10), 'COMMIT'));
$primary->restart;
is($primary->safe_psql('postgres', q(SELECT count(*) FROM diagnose.marks() WHERE what = '10 DDL statements')), '1',
	'what is left in the ring is written at shutdown');

wait_for_file($primary, 'the worker is back');
stop_worker();
$before = last_id($primary);
$primary->psql('postgres', join("\n", map { "ALTER TABLE t ALTER COLUMN id SET STATISTICS $_;" } 1 .. 100));
my $kept = $primary->safe_psql('postgres', "SELECT count(*) FROM diagnose.marks() WHERE id > $before");
my $lost = $primary->safe_psql('postgres', 'SELECT diagnose.marks_lost()');
is($kept + $lost, 100, 'a full ring drops marks and counts them');
cmp_ok($lost, '>', 0, 'as it is full') if $primary->safe_psql('postgres', $stopped) eq 't';
$primary->poll_query_until('postgres', 'SELECT is_running FROM diagnose.sampler()');
$primary->poll_query_until('postgres', "SELECT size > $size + 2000 FROM pg_stat_file('pg_diagnose/marks')");
$primary->safe_psql('postgres', 'DROP INDEX t_id');
like(marks($primary, "id > $before"), qr/ddl DROP INDEX$/, 'and takes some again when it was emptied');

# A crash of one process, and of all.
$before = last_id($primary);
$primary->safe_psql('postgres', q(SELECT diagnose.mark('before the crash')));
my $worker = $primary->safe_psql('postgres', 'SELECT pid FROM diagnose.sampler()');
kill 'KILL', $worker;
$primary->poll_query_until('postgres', "SELECT pid IS DISTINCT FROM $worker AND is_running FROM diagnose.sampler()");
is(marks($primary, "id > $before"), join("\n", 'label before the crash', 'crash PostgreSQL'), 'a crash of a process is marked');
$primary->stop('immediate');
$primary->start;
is(marks($primary, "id > $before"), join("\n", 'label before the crash', 'crash PostgreSQL', 'crash PostgreSQL'), 'so is one of all');
is($primary->safe_psql('postgres', 'SELECT count(DISTINCT id) = count(*) FROM diagnose.marks()'), 't', 'no identifier is used twice');
$primary->restart;
is(marks($primary, "id > $before AND kind NOT IN ('crash', 'label')"), 'start PostgreSQL', 'a clean start is one again');

# A clone has its primary's marks, and knows that they are not its own.
$primary->safe_psql('postgres', q(SELECT diagnose.rebaseline('usual', 'of the primary')));
$before = last_id($primary);
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->append_conf('postgresql.conf', "work_mem = '7MB'");
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
wait_for_file($standby, 'a standby writes marks');
is($standby->safe_psql('postgres', "SELECT count(*) = 0, count(*) FILTER (WHERE NOT is_own) > 10 FROM diagnose.marks() WHERE id <= $before AND is_own OR NOT is_own"),
	'f|t', 'it has those of its primary') ;
is(marks($standby), 'start PostgreSQL', 'but as its own only its start, neither a crash nor settings');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM diagnose.marks'), '1', 'so does the view');
is($standby->safe_psql('postgres', 'SELECT detail ~ \'as a standby$\' FROM diagnose.marks() WHERE is_own'), 't', 'as a standby');
is($standby->safe_psql('postgres', 'SELECT count(*) FROM diagnose.baselines'), '0', 'the primary\'s baseline is not its own either');
my ($status, $out, $err) = $standby->psql('postgres', q(SELECT diagnose.baseline('usual')));
like($err, qr/baseline "usual" does not exist/, 'and cannot be used');

# Labels, baselines and changed settings on a standby.
is($standby->psql('postgres', q(SELECT diagnose.mark('on a standby'))), 0, 'a label on a standby');
is($standby->psql('postgres', q(SELECT diagnose.rebaseline('usual', 'of the standby'))), 0, 'a baseline on a standby');
is($standby->safe_psql('postgres', 'SELECT name, versions, reason FROM diagnose.baselines'), 'usual|1|of the standby', 'has a history of its own');
$standby->safe_psql('postgres', q(ALTER SYSTEM SET random_page_cost = 2; SELECT pg_reload_conf()));
ok($standby->poll_query_until('postgres', q(SELECT count(*) = 1 FROM diagnose.marks() WHERE is_own AND what = 'random_page_cost')), 'settings on a standby');
$standby->restart;
is($standby->safe_psql('postgres', 'SELECT name, versions, reason FROM diagnose.baselines'), 'usual|1|of the standby', 'all that survives its restart');
my $own = join("\n", 'start PostgreSQL', 'label on a standby', 'baseline usual', 'setting random_page_cost', 'start PostgreSQL');
is(marks($standby), $own, 'its marks, too');

# Promoted.
$standby->promote;
ok($standby->poll_query_until('postgres', q(SELECT count(*) = 1 FROM diagnose.marks() WHERE kind = 'promotion')), 'a promotion is marked');
$standby->safe_psql('postgres', 'CREATE TABLE promoted (id int)');
is(marks($standby), "$own\npromotion timeline\nddl CREATE TABLE", 'and what comes after it');
$standby->restart;
is(marks($standby), "$own\npromotion timeline\nddl CREATE TABLE\nstart PostgreSQL", 'once');
is($standby->safe_psql('postgres', 'SELECT name, versions, reason FROM diagnose.baselines'), 'usual|1|of the standby', 'its baseline survives it');
$standby->stop;

# A file that cannot be written: nothing is lost as long as there is room.
SKIP:
{
	skip 'nothing is forbidden to root', 3 if $> == 0;
	my $folder = $primary->data_dir . '/pg_diagnose';
	my $log = -s $primary->logfile;
	$before = last_id($primary);
	chmod 0500, $folder;
	$primary->safe_psql('postgres', 'CREATE TABLE unwritten (id int)');
	$primary->wait_for_log(qr/could not write file "pg_diagnose\/marks/, $log);
	is(marks($primary, "id > $before"), 'ddl CREATE TABLE', 'a mark that cannot be written is seen');
	chmod 0700, $folder;
	$primary->restart;
	is(marks($primary, "id > $before"), "ddl CREATE TABLE\nstart PostgreSQL", 'and written when that is possible again');
	my @reports = slurp_file($primary->logfile, $log) =~ /could not write file "pg_diagnose\/marks/g;
	cmp_ok(scalar(@reports), '<=', 2, 'the log is not flooded');
}

# Damage is reported and costs the past, not the future.
foreach my $damage ('truncated', 'overwritten', 'of another format')
{
	my $log = -s $primary->logfile;
	$primary->stop;
	my $bytes = slurp_file($file);
	open(my $fh, '>:raw', $file) or die;
	print $fh $damage eq 'truncated' ? substr($bytes, 0, 100) :
		$damage eq 'overwritten' ? substr($bytes, 0, 100) . 'x' x 50 . substr($bytes, 150) : '';
	close($fh);
	$primary->start;
	wait_for_file($primary, "$damage: the server starts");
	is(marks($primary), 'start PostgreSQL', "$damage: a new list of marks");
	$primary->safe_psql('postgres', qq(SELECT diagnose.mark('$damage')));
	$primary->restart;
	is(marks($primary), "start PostgreSQL\nlabel $damage\nstart PostgreSQL", "$damage: which is kept");
	like(slurp_file($primary->logfile, $log), qr/ignoring invalid data in file "pg_diagnose\/marks"/, "$damage: it is reported");
	$primary->safe_psql('postgres', q(SELECT diagnose.drop_snapshot(id) FROM diagnose.snapshots() WHERE kind = 'labelled'));
}
$primary->stop;
unlike(slurp_file($_->logfile), qr/(?:PANIC|TRAP):/, 'nothing else happened') for $primary, $standby;

done_testing();
