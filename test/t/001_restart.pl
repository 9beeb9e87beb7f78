# test/t/001_restart.pl
#
# What is known survives a clean restart, unchanged; not a crash.  A damaged
# file is named in the log, and the server starts without it.

use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../fixtures";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Snapshot;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->start;
my $file = $node->data_dir . '/pg_stat/pg_diagnose.stat';

$node->safe_psql('postgres',
	'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;');
$node->safe_psql('postgres', 'CREATE TABLE t AS SELECT 1 AS id');

# Everything that is known of the statements about t, and the strays.
my $known = q(
	SELECT to_jsonb(s) FROM diagnose.statements(diagnose.since_reset()) s
	WHERE query ~ 'FROM t\M' ORDER BY query COLLATE "C", toplevel;
	SELECT to_jsonb(p) FROM diagnose.plans(diagnose.since_reset()) p WHERE queryid IN (
		SELECT queryid FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'FROM t\M')
	ORDER BY queryid, shape;
	SELECT to_jsonb(e) FROM diagnose.errors_by_sqlstate(diagnose.since_reset()) e
	ORDER BY queryid, sqlstate;
	SELECT since FROM diagnose.own_status());

sub workload
{
	$node->safe_psql('postgres', q(
		SELECT count(*) FROM t;
		SELECT count(*) FROM t;
		SELECT max(id) FROM t;
		DO $$ BEGIN PERFORM min(id) FROM t; END $$));
	# more than one SQLSTATE, and one that belongs to no statement
	$node->psql('postgres', 'SELECT 1 / (id - 1) FROM t');
	$node->psql('postgres',
		q(SELECT CASE WHEN id = 1 THEN 'x'::text || id ELSE '1' END::int FROM t));
	$node->psql('postgres', 'SELEC');
	return;
}

# The log from a point on.
sub log_since
{
	return substr(slurp_file($node->logfile), shift);
}

workload();
my $before = $node->safe_psql('postgres', $known);
like($before, qr/count\(\*\) FROM t/, 'statements are known');
like($before, qr/"sqlstate": "42601"/, 'strays are known');
like($before, qr/"sqlstate": "22P02"/, 'failures are known');

$node->stop;
ok(-s $file, 'a clean shutdown writes the file');
my $good = slurp_file($file);
ok(!-e "$file.tmp", 'no temporary file is left');
my $log = -s $node->logfile;
$node->start;
ok(!-e $file, 'the start removes it');
is($node->safe_psql('postgres', $known), $before, 'all is as it was');
unlike(log_since($log), qr/pg_diagnose\.stat|pg_diagnose starts/, 'without a word in the log');

# It adds up, also twice.
workload();
$node->restart;
$node->restart;
is($node->safe_psql('postgres',
		q(SELECT calls, rows, diagnose.total(histogram) FROM diagnose.statements(diagnose.since_reset())
			WHERE query = 'SELECT count(*) FROM t')),
	'4|4|4', 'counting goes on after a restart');

# A crash forgets.
$node->stop('immediate');
ok(!-e $file, 'a crash leaves no file');
$node->start;
is($node->safe_psql('postgres',
		q(SELECT count(*) FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'FROM t\M' AND query !~ 'diagnose')),
	'0', 'a crash starts from nothing');
workload();
is($node->safe_psql('postgres',
		q(SELECT calls FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT count(*) FROM t')),
	'2', 'and counts again');

# The file need not be there.
$node->stop;
unlink $file or die "unlink: $!";
$log = -s $node->logfile;
$node->start;
unlike(log_since($log), qr/pg_diagnose\.stat|pg_diagnose starts/, 'a missing file is no news');

# Damaged files, some with good checksums.
my $parsed = Snapshot::parse($good);
is(Snapshot::bytes($parsed), $good, 'checksums are CRC-32C');

sub with_header
{
	return Snapshot::bytes({ %$parsed, @_ });
}

# The file with the content of a section replaced.
sub with_section
{
	my ($which, $content) = @_;
	return with_header(body => Snapshot::body(
		map { [ $_->[0], $_->[0] == $which ? $content : $_->[1] ] } Snapshot::sections($parsed->{body})));
}

# ... and with the first statement replaced.
my %sections = map { @$_ } Snapshot::sections($parsed->{body});
my ($first, @others) = Snapshot::records($sections{1});
my ($key, $rest) = @$first;

sub with_statement
{
	return with_section(1, Snapshot::section([@_], @others));
}

my %damaged = (
	'empty' => '',
	'three bytes' => 'abc',
	'truncated' => substr($good, 0, length($good) / 2),
	'cut by one byte' => substr($good, 0, -1),
	'one bit flipped' => substr($good, 0, 1000) . (substr($good, 1000, 1) ^ "\x10") . substr($good, 1001),
	'a bit of the header flipped' => substr($good, 0, 50) . (substr($good, 50, 1) ^ "\x10") . substr($good, 51),
	'garbage behind' => $good . 'x',
	'foreign' => "\x00" x 4096,
	'no image' => with_header(body => 'x' x 100),
	'another format' => with_header(format => 99),
	'a time that is none' => with_header(taken_at => ~0 >> 1),
	'a counting that began at no time' => with_header(since => -(~0 >> 1) - 1),
	'no epoch' => with_header(epoch => 0),
	'no names' => with_section(0, ''),
	'too many counters' => with_section(0, substr($sections{0}, 0, 2) . "\xFF\xFF\xFF\xFF\x0F" . substr($sections{0}, 3)),
	'other buckets' => with_section(0, Snapshot::number(7) . substr($sections{0}, 2)),
	'end in the middle' => with_section(1, substr($sections{1}, 0, length($sections{1}) / 2)),
	'a statement cut off' => with_statement($key, substr($rest, 0, 20)),
	'a number without end' => with_statement($key, substr($rest, 0, 8) . "\xFF" x 20),
	'a key that is none' => with_statement('', $rest),
	'nobody\'s statement' => with_statement(substr($key, 0, 8) . "\x01\x00\x01", $rest),
	'an encoding that is none' => with_statement($key, substr($rest, 0, 8) . "\x7F" . substr($rest, 9)),
	'a session cut off' => with_section(3, Snapshot::section([ "\x01", "\x01" ])),
	'a transaction cut off' => with_section(4, Snapshot::section([ 'x' x 16, '' ])),
	'a sample cut off' => with_section(6, Snapshot::section([ "\x01", '' ])));

foreach my $name (sort keys %damaged)
{
	$node->stop;
	Snapshot::write_bytes($file, $damaged{$name});
	$log = -s $node->logfile;
	$node->start;
	like(log_since($log), qr{ignoring invalid data in file "pg_stat/pg_diagnose.stat"}, "$name: reported");
	is($node->safe_psql('postgres', q(SELECT count(*) FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'FROM t\M' AND query !~ 'diagnose')),
		'0', "$name: nothing of it is used");
}

# Counters that we do not know are skipped, those that are missing are zero;
# and so are sections.
$node->stop;
my ($names) = map { $_->[1] } grep { $_->[0] == 0 } Snapshot::sections($parsed->{body});
$names =~ s/\x04rows/\x04sows/;
Snapshot::store($file, { %$parsed, body => Snapshot::body(
	[ 200, 'of a later version' ], map { [ $_->[0], $_->[0] == 0 ? $names : $_->[1] ] } Snapshot::sections($parsed->{body})) });
$node->start;
is($node->safe_psql('postgres',
		q(SELECT calls, rows FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT count(*) FROM t')),
	'2|0', 'counters are found by name');

# What another server has left is its own affair: this data directory is a copy.
$node->stop;
Snapshot::store($file, { %$parsed, node => 4711 });
$log = -s $node->logfile;
$node->start;
like(log_since($log), qr{ignoring file "pg_stat/pg_diagnose.stat" of another server}, 'another server: reported');
is($node->safe_psql('postgres',
		q(SELECT count(*) FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT count(*) FROM t')),
	'0', 'another server: nothing of it is used');

# A file that cannot be written, and then one that cannot be read.
$node->stop;
mkdir "$file.tmp" or die "mkdir: $!";
$node->start;
$log = -s $node->logfile;
$node->stop;
like(log_since($log), qr{could not write file "pg_stat/pg_diagnose.stat.tmp"}, 'a file that cannot be written is reported');
rmdir "$file.tmp";
mkdir $file or die "mkdir: $!";
$log = -s $node->logfile;
$node->start;
like(log_since($log), qr{pg_stat/pg_diagnose.stat"}, 'a file that cannot be read is reported');
rmdir $file;

# pg_diagnose.save = off neither writes nor reads, nor leaves old history behind.
workload();
$node->append_conf('postgresql.conf', 'pg_diagnose.save = off');
$node->reload;
$node->stop;
ok(!-e $file, 'nothing is saved with save = off');
Snapshot::write_bytes($file, $good);
$node->start;
is($node->safe_psql('postgres',
		q(SELECT count(*) FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'FROM t\M' AND query !~ 'diagnose')),
	'0', 'nothing is read with save = off');
ok(!-e $file, 'an old file does not wait for better times');
$node->stop;

done_testing();
