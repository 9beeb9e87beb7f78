# test/t/001_restart.pl
#
# What is known survives a clean restart, unchanged; not a crash.  A damaged
# file is named in the log, and the server starts without it.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
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

# Damaged files, some with a good checksum.
sub write_file
{
	my $content = shift;
	open my $out, '>', $file or die "$file: $!";
	binmode $out;
	print $out $content;
	close $out or die "$file: $!";
	return;
}

my @crc_table = map {
	my $c = $_;
	$c = $c & 1 ? ($c >> 1) ^ 0x82F63B78 : $c >> 1 for 1 .. 8;
	$c
} 0 .. 255;

sub with_checksum
{
	my $content = shift;
	my $crc = 0xFFFFFFFF;
	$crc = $crc_table[ ($crc ^ $_) & 0xFF ] ^ ($crc >> 8) for unpack('C*', $content);
	return $content . pack('L', $crc ^ 0xFFFFFFFF);
}

my $body = substr($good, 0, -4);
is(with_checksum($body), $good, 'the checksum is CRC-32C');
# where the number of counters, the first statement and the strays are
my ($names) = $body =~ /^.{16}((?:[a-z_]+\0)+)/s or die 'no counters in the file';
my $first = 16 + length($names) + 8;
my $statements = substr($body, $first);
my %damaged = (
	'empty' => '',
	'three bytes' => 'abc',
	'truncated' => substr($good, 0, length($good) / 2),
	'cut by one byte' => substr($good, 0, -1),
	'one bit flipped' => substr($good, 0, 1000) . (substr($good, 1000, 1) ^ "\x10") . substr($good, 1001),
	'garbage behind' => $good . 'x',
	'foreign' => with_checksum("\x00" x 4096),
	'another format' => with_checksum(substr($body, 0, 4) . pack('L', 99) . substr($body, 8)),
	'too many counters' => with_checksum(substr($body, 0, 12) . pack('L', 0xFFFFFFFF) . substr($body, 16)),
	'too many buckets' => with_checksum(substr($body, 0, $first) . pack('L', 0xFFFFFFFF) . substr($statements, 4)),
	'end in the middle' => with_checksum(substr($body, 0, $first + 100)),
	'a time that is none' => with_checksum(substr($body, 0, $first + 40) . pack('q', 9223371331200000000) . substr($body, $first + 48)),
	'a counting that began at no time' => with_checksum(substr($body, 0, $first - 8) . pack('q', -0x7FFFFFFFFFFFFFFF - 1) . $statements),
	'nobody\'s statement' => with_checksum(substr($body, 0, $first + 4 + 8) . pack('L', 0) . substr($body, $first + 4 + 12)),
	'no strays' => with_checksum(substr($body, 0, $first) . pack('L', 0)));

foreach my $name (sort keys %damaged)
{
	$node->stop;
	write_file($damaged{$name});
	$log = -s $node->logfile;
	$node->start;
	like(log_since($log), qr{ignoring invalid data in file "pg_stat/pg_diagnose.stat"}, "$name: reported");
	is($node->safe_psql('postgres', q(SELECT count(*) FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'FROM t\M' AND query !~ 'diagnose')),
		'0', "$name: nothing of it is used");
}

# Counters that we do not know are skipped, those that are missing are zero.
$node->stop;
(my $renamed = $body) =~ s/\0rows\0/\0sows\0/;
write_file(with_checksum($renamed));
$node->start;
is($node->safe_psql('postgres',
		q(SELECT calls, rows FROM diagnose.statements(diagnose.since_reset()) WHERE query = 'SELECT count(*) FROM t')),
	'2|0', 'counters are found by name');

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
write_file($good);
$node->start;
is($node->safe_psql('postgres',
		q(SELECT count(*) FROM diagnose.statements(diagnose.since_reset()) WHERE query ~ 'FROM t\M' AND query !~ 'diagnose')),
	'0', 'nothing is read with save = off');
ok(!-e $file, 'an old file does not wait for better times');
$node->stop;

done_testing();
