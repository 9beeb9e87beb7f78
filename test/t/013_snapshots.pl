# test/t/013_snapshots.pl
#
# Snapshots on disk: taken by themselves, whole or absent after a crash or on a
# full disk, thinned, bounded; damaged ones are reported and skipped; a standby
# has its own, a copy of a data directory has none.

use strict;
use warnings;
use FindBin;
use IPC::Run;
use lib "$FindBin::RealBin/../fixtures";
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Snapshot;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', q(
pg_diagnose.snapshot_interval = 1
restart_after_crash = on
));
$node->start;
$node->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements; CREATE EXTENSION pg_diagnose;
	CREATE TABLE t AS SELECT generate_series(1, 10) AS id));
my $folder = $node->data_dir . '/pg_diagnose';

sub file_of
{
	return sprintf '%s/%012d.snap', shift // $folder, shift;
}

sub set
{
	my ($name, $value) = @_;
	$node->safe_psql('postgres', "ALTER SYSTEM SET pg_diagnose.$name = '$value'");
	$node->reload;
	# a new connection has the new value, and the worker soon
	$node->poll_query_until('postgres', "SELECT current_setting('pg_diagnose.$name') = '$value'");
	return;
}

sub work
{
	my $times = shift;
	$node->safe_psql('postgres', 'SELECT count(*) FROM t;' x $times);
	return;
}

sub calls
{
	my ($server, $window) = @_;
	return $server->safe_psql('postgres', qq(
		SELECT coalesce(sum(calls), 0) FROM diagnose.statements($window)
		WHERE query = 'SELECT count(*) FROM t'));
}

# The error of a statement.
sub error
{
	my ($server, $sql) = @_;
	my ($status, $out, $err) = $server->psql('postgres', $sql);
	return $status == 0 ? "no error: $out" : $err;
}

sub log_since
{
	return substr(slurp_file($node->logfile), shift);
}

# ---- The worker takes them ----

ok($node->poll_query_until('postgres', q(
	SELECT count(*) >= 3 FROM diagnose.snapshots() WHERE kind = 'automatic' AND is_own AND problem IS NULL)),
	'the worker takes snapshots');
is($node->safe_psql('postgres', q(
	SELECT bool_and(id > before AND taken_at > taken_before AND statements > 0) FROM (
		SELECT *, lag(id) OVER (ORDER BY id) AS before, lag(taken_at) OVER (ORDER BY id) AS taken_before
		FROM diagnose.snapshots()) AS s WHERE before IS NOT NULL)), 't', 'one after the other');
set('snapshot_interval', '0');
my $last = $node->safe_psql('postgres', 'SELECT max(id) FROM diagnose.snapshots()');

# ---- A restart goes on, a crash does not ----

work(3);
$node->safe_psql('postgres', q(SELECT diagnose.take_snapshot('before restart')));
work(4);
$node->restart;
work(5);
is(calls($node, q(diagnose.window('before restart'))), '9', 'a window across a restart');
is(calls($node, q(diagnose.window('reset', 'before restart'))), '3', 'and one that ended before');
$node->safe_psql('postgres', q(SELECT diagnose.take_snapshot('after restart')));
is(calls($node, q(diagnose.window('before restart', 'after restart'))), '9', 'and one with both ends on disk');
is($node->safe_psql('postgres', q(SELECT count(DISTINCT epoch), bool_and(is_own) FROM diagnose.snapshots())),
	'1|t', 'all of one epoch and one node');

$node->stop('immediate');
$node->start;
like(error($node, q(SELECT diagnose.window('after restart'))), qr/crosses a reset, or a crash, at /,
	'a window across a crash is an error');
like(error($node, q(SELECT * FROM diagnose.statements(ROW((SELECT max(id) FROM diagnose.snapshots() WHERE label = 'after restart'), NULL)::diagnose.window))),
	qr/ERROR:  window from snapshot \d+ to now crosses a reset, or a crash, at .*\nHINT: /, 'also when it is made by hand');
is(calls($node, q(diagnose.window('before restart', 'after restart'))), '9', 'those of before can still be read');

# ---- Killed at any moment ----

# Everything that is listed can be read, and nothing is left half written.
sub is_whole
{
	my $name = shift;
	my ($status, $out, $err) = $node->psql('postgres', q(
		SELECT count(*) FROM diagnose.snapshots() AS s,
			LATERAL (SELECT count(*) FROM diagnose.statements(ROW(NULL, s.id)::diagnose.window)) AS t;
		SELECT count(*) FROM diagnose.snapshots() WHERE problem IS NOT NULL));
	is($status, 0, "$name: all can be read") or diag $err;
	like($out, qr/\n0$/, "$name: none is damaged");
	is(join(' ', glob "$folder/*.tmp"), '', "$name: no temporary file is left");
	my $now = $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
	cmp_ok($now, '>', $last, "$name: numbers go on");
	$last = $now;
	return;
}

# The server and all its processes.
sub processes
{
	my $postmaster = slurp_file($node->data_dir . '/postmaster.pid') =~ s/\n.*//sr;
	my @children;
	foreach my $file (glob '/proc/[0-9]*/stat')
	{
		open my $stat, '<', $file or next;
		my $line = <$stat>;
		push @children, $1 if defined $line && $line =~ /^(\d+) \(.*\) \S $postmaster /;
	}
	return ($postmaster, @children);
}

sub is_running
{
	open my $stat, '<', "/proc/$_[0]/stat" or return 0;
	my $line = <$stat>;
	return defined $line && $line !~ /^\d+ \(.*\) [ZX] /;
}

srand(42);
foreach my $round (1 .. 8)
{
	my ($in, $out, $err) = ("SELECT count(*) FROM t; SELECT diagnose.take_snapshot();\n" x 2000, '', '');
	my $session = IPC::Run::start(
		[ 'psql', '-XAtq', '-d', $node->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
	# some have been taken
	my $until = $last + 5 + int rand 20;
	while (1)
	{
		$session->pump;
		my @taken = $out =~ /^(\d+)\n/mg;
		next unless @taken && $taken[-1] >= $until;
		$last = $taken[-1];
		last;
	}
	if ($round % 2)
	{
		# all of the server
		my @processes = processes();
		$node->kill9;
		kill 'KILL', @processes;
		eval { $session->kill_kill };
		foreach (1 .. 100)
		{
			last unless grep { is_running($_) } @processes;
			select undef, undef, undef, 0.1;    # until they are gone
		}
		# where nobody waits for orphans, the dead look alive to a lock file
		unlink $node->data_dir . '/postmaster.pid', $node->host . '/.s.PGSQL.' . $node->port . '.lock';
		$node->start;
	}
	else
	{
		# only the one who is writing
		my $epoch = $node->safe_psql('postgres', 'SELECT epoch FROM diagnose.own_status()');
		my $pid = $node->safe_psql('postgres',
			q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() LIMIT 1));
		kill 'KILL', $pid;
		eval { $session->kill_kill };
		$node->poll_query_until('postgres', "SELECT epoch <> $epoch FROM diagnose.own_status()");
	}
	is_whole("round $round");
}
$node->safe_psql('postgres', 'SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots()');

# ---- Numbers never come again ----

my $dropped = $node->safe_psql('postgres', q(SELECT diagnose.take_snapshot('dropped')));
$node->safe_psql('postgres', "SELECT diagnose.drop_snapshot($dropped)");
$node->restart;
cmp_ok($node->safe_psql('postgres', q(SELECT diagnose.take_snapshot('kept'))), '>', $dropped,
	'not that of the latest, which was dropped, after a restart');

# ---- A label is for one ----

my @sessions = map {
	my ($in, $out, $err) = (join('', map { "SELECT diagnose.take_snapshot('label $_');\n" } 1 .. 25), '', '');
	IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres') ],
		'<', \$in, '>', \$out, '2>', \$err);
} 1 .. 4;
$_->finish for @sessions;
is($node->safe_psql('postgres',
		q(SELECT count(*), count(DISTINCT label) FROM diagnose.snapshots() WHERE label ~ '^label')),
	'25|25', 'four sessions that want the same labels');
$node->safe_psql('postgres',
	q(SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots() WHERE label ~ '^label'));

# ---- Damaged files ----

my $kept = $node->safe_psql('postgres', q(SELECT id FROM diagnose.snapshots() WHERE label = 'kept'));
my $bytes = slurp_file(file_of($folder, $kept));
my $parsed = Snapshot::parse($bytes);
my $id = $kept;
my %problem;

sub damage
{
	my ($name, $content, $problem) = @_;
	Snapshot::write_bytes(file_of($folder, ++$id), $content);
	$problem{$id} = [ $name, $problem ];
	return;
}

sub other
{
	return Snapshot::bytes({ %$parsed, id => $id + 1, label => '', @_ });
}

damage('empty', '', 'is damaged');
damage('three bytes', 'abc', 'is damaged');
damage('half a header', substr($bytes, 0, 100), 'is damaged');
damage('cut off', substr(other(), 0, -100), 'is damaged');
damage('too long', other() . 'x', 'is damaged');
damage('of another number', $bytes, 'is damaged');
damage('foreign', 'x' x 10000, 'is damaged');
damage('of a later version', other(format => 99), 'was written by another version of pg_diagnose');
damage('of no time', other(taken_at => ~0 >> 1), 'is damaged');
damage('of no kind', other(kind => 77), 'is damaged');
damage('a bit of the header', substr(other(), 0, 60) . 'x' . substr(other(), 61), 'is damaged');
# looks well until it is read
my $body = other();
substr($body, -10, 1) ^= "\x01";
damage('a bit of the body', $body, undef);
my $bit_of_body = $id;
damage('a body that is none', other(body => 'x' x 1000), undef);
mkdir file_of($folder, ++$id) or die $!;
$problem{$id} = [ 'a folder', 'is damaged' ];
Snapshot::write_bytes("$folder/7.snap", $bytes);
Snapshot::write_bytes("$folder/notes.txt", 'x');

foreach my $when ('at once', 'after a restart')
{
	is($node->safe_psql('postgres', q(SELECT coalesce(string_agg(id || ' ' || problem, ', ' ORDER BY id), '')
			FROM diagnose.snapshots() WHERE problem IS NOT NULL)),
		join(', ', map { "$_ $problem{$_}[1]" } grep { defined $problem{$_}[1] } sort { $a <=> $b } keys %problem),
		"damaged files are listed $when");
	foreach my $damaged (sort { $a <=> $b } keys %problem)
	{
		like(error($node, "SELECT count(*) FROM diagnose.statements(ROW(NULL, $damaged)::diagnose.window)"),
			qr/ERROR:  snapshot $damaged (is damaged|was written by another|cannot be read)/,
			"$problem{$damaged}[0] cannot be read $when");
	}
	is($node->safe_psql('postgres', q(SELECT count(*) FROM diagnose.snapshots WHERE id = ) . $kept), '1',
		"the others are there $when");
	cmp_ok($node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()'), '>', $id, "and new ones are taken $when");
	$node->restart if $when eq 'at once';
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM diagnose.status WHERE snapshots > 0'), '1', 'the status can be read');
rmdir file_of($folder, $id) or die $!;
unlink "$folder/7.snap", "$folder/notes.txt";
unlink map { file_of($folder, $_) } keys %problem;

# ---- The disk is full ----

# What would be written goes to a device that is always full.
sub fill_disk
{
	my $n = shift;
	my $next = 1 + $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
	my @files = map { file_of($folder, $_) . '.tmp' } $next .. $next + $n - 1;
	symlink '/dev/full', $_ or die $! foreach @files;
	return @files;
}

SKIP:
{
	skip 'no /dev/full', 1 unless -c '/dev/full';
	my ($full) = fill_disk(1);
	like(error($node, q(SELECT diagnose.take_snapshot('full'))),
		qr{ERROR:  could not write file "pg_diagnose/\d+.snap.tmp": No space left on device},
		'a full disk is an error for who asks');
	ok(!-l $full, 'and nothing is left of it');
	cmp_ok($node->safe_psql('postgres', q(SELECT diagnose.take_snapshot('there is room'))), '>', $last,
		'it works again when there is room');

	my @full = fill_disk(3);
	my $log = -s $node->logfile;
	work(1);
	set('snapshot_interval', '1s');
	ok($node->poll_query_until('postgres', q(SELECT max(id) > ) . $full[-1] =~ s{.*/0*(\d+).*}{$1}r
			. q( FROM diagnose.snapshots() WHERE kind = 'automatic')), 'the worker goes on when there is room');
	my @reported = log_since($log) =~ /could not write file/g;
	is(scalar @reported, 1, 'the worker reports a full disk once');
	unlike(log_since($log), qr/exited with exit code/, 'and does not end');
	set('snapshot_interval', '0');
}

# ---- The limit of disk space ----

$node->safe_psql('postgres', 'SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots()');
$id = $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
$parsed = Snapshot::load(file_of($folder, $id));
# large ones: with a section of a later version
my $large = Snapshot::body([ 200, 'x' x 200_000 ], Snapshot::sections($parsed->{body}));

sub forge
{
	my %other = (%$parsed, id => ++$id, @_);
	# of another run of the server, so that its age is by the wall clock
	$other{server_started} = $other{taken_at} unless exists {@_}->{server_started};
	Snapshot::store(file_of($folder, $id), \%other);
	return $id;
}

my $crc = Snapshot::crc32c($large);
my %large = (body => $large, body_crc => $crc, body_is_same => 1);
my ($old_label) = forge(%large, label => 'old', kind => 1);
my @automatic = map { forge(%large, kind => 0) } 1 .. 8;
# they were written behind the server's back
$node->restart;
set('snapshot_disk', '1MB');
my $new = $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
is($node->safe_psql('postgres', q(SELECT string_agg(id::text, ' ' ORDER BY id) FROM diagnose.snapshots())),
	join(' ', $old_label, @automatic[ -4 .. -2 ], $automatic[-1], $new) =~ s/^(\S+) \S+ /$1 $automatic[-4] /r,
	'the oldest make room, those with a label stay');
cmp_ok($node->safe_psql('postgres', 'SELECT sum(bytes) FROM diagnose.snapshots()'), '<=', 1024 * 1024,
	'the limit is kept');
forge(%large, label => "label $_", kind => 1) foreach 1 .. 5;
my $log = -s $node->logfile;
$node->restart;
foreach my $label (q('one more'), 'NULL')
{
	like(error($node, "SELECT diagnose.take_snapshot($label)"),
		qr/ERROR:  snapshots take more disk space than "pg_diagnose.snapshot_disk" allows\nHINT:  Drop some with/,
		"an error when only labelled ones are left: $label");
}
is($node->safe_psql('postgres', q(SELECT count(*) FILTER (WHERE label IS NULL), count(*) FROM diagnose.snapshots())),
	'0|6', 'all that had no label is gone, the new one too');
set('snapshot_interval', '1s');
foreach (1 .. 1000)
{
	last if log_since($log) =~ /LOG:  snapshots take more disk space/;
	select undef, undef, undef, 0.01;
}
like(log_since($log), qr/LOG:  snapshots take more disk space than/, 'the worker says that there is no room');
$node->safe_psql('postgres', q(SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots() WHERE label ~ '^label [12]'));
ok($node->poll_query_until('postgres', q(SELECT count(*) > 0 FROM diagnose.snapshots() WHERE kind = 'automatic')),
	'the worker goes on when there is room');
unlike(log_since($log), qr/(LOG:  snapshots take more disk space.*){2}/s, 'and has not said more than once that there was none');
set('snapshot_interval', '0');
set('snapshot_disk', '256MB');

# ---- Thinning ----

$node->safe_psql('postgres', 'SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots()');
$id = $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
$parsed = Snapshot::load(file_of($folder, $id));
my $now = $parsed->{taken_at};
$node->safe_psql('postgres', "SELECT diagnose.drop_snapshot($id)");

# Ages in seconds: half a minute away from where one rule ends and another
# begins, so that the test may take some seconds.
my @ages = sort { $b <=> $a } (
	(map { $_ * 60 + 30 } 1 .. 180),
	(map { $_ * 300 + 30 } 36 .. 320),
	(map { $_ * 1500 + 30 } 64 .. 480),
	(map { $_ * 30000 + 30 } 24 .. 300));
my (%age, %time, @kept);
foreach my $age (@ages)
{
	my $forged = forge(kind => 0, taken_at => $now - $age * 1_000_000, body_is_same => 1);
	$age{$forged} = $age;
	$time{$forged} = int(($now - $age * 1_000_000) / 1_000_000);
}
my $ancient = forge(kind => 1, label => 'ancient', taken_at => $now - 200 * 86400 * 1_000_000);
# what ought to be left: the first of each stretch of that length
foreach my $forged (sort { $a <=> $b } keys %age)
{
	my $age = $age{$forged};
	my $stretch = $age <= 7200 ? 0 : $age <= 86400 ? 600 : $age <= 7 * 86400 ? 3600 : $age <= 90 * 86400 ? 86400 : undef;
	next unless defined $stretch;
	push @kept, $forged
	  if $stretch == 0 || !@kept || int($time{$kept[-1]} / $stretch) != int($time{$forged} / $stretch);
}
# as old, but of one epoch only two of a stretch: both stay
my $other_epoch = forge(kind => 0, taken_at => $now - 500000 * 1_000_000, epoch => 4711);
$node->restart;
my $first = $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
my $left = q(SELECT string_agg(id::text, ' ' ORDER BY id) FROM diagnose.snapshots());
is($node->safe_psql('postgres', $left), join(' ', sort { $a <=> $b } @kept, $ancient, $other_epoch, $first),
	'what is left is what ought to be');
cmp_ok(scalar @kept, '<=', 120 + 144 + 168 + 90, 'and not more than that');
cmp_ok(scalar(grep { $age{$_} <= 7200 } @kept), '==', 119, 'all of two hours');
cmp_ok(scalar(grep { $age{$_} > 7 * 86400 } @kept), '>=', 82, 'days of three months');
my $second = $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
is($node->safe_psql('postgres', $left), join(' ', sort { $a <=> $b } @kept, $ancient, $other_epoch, $first, $second),
	'thinning again changes nothing');

# ---- The clock jumps ----

# To a server whose clock has jumped ahead by a year, all it has looks a year
# old; but it was taken in this run of the server.
$node->safe_psql('postgres', 'SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots()');
$id = $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
$parsed = Snapshot::load(file_of($folder, $id));
my $year = 365 * 86400 * 1_000_000;
my @jumped = ($id);
Snapshot::store(file_of($folder, $id), { %$parsed, taken_at => $parsed->{taken_at} - $year });
work(2);
push @jumped, $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
# or back
Snapshot::store(file_of($folder, $jumped[-1]), { %{ Snapshot::load(file_of($folder, $jumped[-1])) }, taken_at => $now + $year });
work(3);
push @jumped, $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
push @jumped, $node->safe_psql('postgres', 'SELECT diagnose.take_snapshot()');
is($node->safe_psql('postgres', $left), join(' ', @jumped), 'a clock that jumps makes nothing old');
is(calls($node, "diagnose.window('#$jumped[0]', '#$jumped[1]')"), '2', 'windows are read as ever');
is(calls($node, "diagnose.window('#$jumped[1]', '#$jumped[2]')"), '3', 'also where time goes back');
is($node->safe_psql('postgres', qq(
	SELECT diagnose.seconds(diagnose.window('#$jumped[0]', '#$jumped[1]')) BETWEEN 0 AND 100,
		diagnose.seconds(diagnose.window('#$jumped[1]', '#$jumped[2]')) BETWEEN 0 AND 100)), 't|t',
	'they last as long as they did');
$node->safe_psql('postgres', 'SELECT count(diagnose.drop_snapshot(id)) FROM diagnose.snapshots()');

# ---- A standby ----

$node->safe_psql('postgres', q(SELECT diagnose.take_snapshot('of the primary')));
work(2);
$node->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'backup', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', q(SELECT count(*) > 0, bool_or(is_own) FROM diagnose.snapshots())), 't|f',
	'a standby does not take the history of the primary for its own');
is($standby->safe_psql('postgres', q(SELECT state FROM diagnose.snapshots WHERE label = 'of the primary')),
	'of another server', 'and says so');
like(error($standby, q(SELECT diagnose.window('1 hour'))), qr/there is no snapshot yet/, 'nor finds it by time');
like(error($standby, q(SELECT diagnose.window('of the primary'))), qr/it has ends that different servers have taken/,
	'a label of the primary is no end of a window of the standby');
sub work_on_standby
{
	$standby->safe_psql('postgres', 'SELECT count(*) FROM t;' x shift);
	return;
}
$standby->safe_psql('postgres', q(SELECT diagnose.take_snapshot('s1')));
work_on_standby(3);
$standby->safe_psql('postgres', q(SELECT diagnose.take_snapshot('s2')));
is(calls($standby, q(diagnose.window('s1', 's2'))), '3', 'windows of a standby');
is($standby->safe_psql('postgres', q(SELECT is_standby, timeline, is_own FROM diagnose.snapshots() WHERE label = 's2')),
	't|1|t', 'its snapshots know that it is one');
foreach my $function (qw(statements plans errors_by_sqlstate transactions transaction_steps transaction_errors
	observations sessions waits lock_waits hot_relations horizon_holders findings))
{
	my ($status, $out, $err) =
	  $standby->psql('postgres', "SELECT count(*) FROM diagnose.$function(diagnose.window('s1', 's2'))");
	is($status, 0, "$function on a standby") or diag $err;
}
like($standby->safe_psql('postgres', q(SELECT diagnose.window('1 hour'))), qr/^\(\d+,\)$/, 'by time');

# promotion: the same node, the same epoch
work_on_standby(4);
$standby->promote;
work_on_standby(5);
$standby->safe_psql('postgres', q(SELECT diagnose.take_snapshot('promoted')));
is($standby->safe_psql('postgres', q(SELECT is_standby, timeline, is_own FROM diagnose.snapshots() WHERE label = 'promoted')),
	'f|2|t', 'a promotion shows in its snapshots');
is(calls($standby, q(diagnose.window('s2', 'promoted'))), '9', 'a window across a promotion');
is($standby->safe_psql('postgres', q(SELECT string_agg(label || ': ' || state, ', ' ORDER BY id) FROM diagnose.snapshots WHERE label ~ '^(s2|promoted)$')),
	's2: as a standby, promoted: as a primary', 'and it can be seen where it was');
$standby->stop;

# ---- A copy of a data directory ----

work(7);
$node->safe_psql('postgres', q(SELECT diagnose.take_snapshot('original')));
$node->stop;
system_or_bail('cp', '-a', $node->data_dir, $node->backup_dir . '/cold');
my $copy = PostgreSQL::Test::Cluster->new('copy');
$copy->init_from_backup($node, 'cold');
$copy->start;
is($copy->safe_psql('postgres', q(SELECT count(*) > 0, bool_or(is_own) FROM diagnose.snapshots())), 't|f',
	'nor does a copy of a server that was down');
is(calls($copy, 'diagnose.since_reset()'), '0', 'which begins to count by itself');
like(slurp_file($copy->logfile), qr/ignoring file "pg_stat\/pg_diagnose.stat" of another server/, 'and says why');
# if it was moved, not copied
is($copy->safe_psql('postgres', q(
	SELECT diagnose.adopt_snapshots(node) > 0 FROM diagnose.snapshots() WHERE label = 'original')), 't', 'a copy can be made the heir');
is($copy->safe_psql('postgres', q(SELECT is_own FROM diagnose.snapshots() WHERE label = 'original')), 't', 'of all of it');
is(calls($copy, q(diagnose.window('of the primary', 'original'))), '9', 'with its windows');
$copy->restart;
is($copy->safe_psql('postgres', q(SELECT is_own FROM diagnose.snapshots() WHERE label = 'original')), 't', 'for good');
$copy->stop;
$node->start;
is($node->safe_psql('postgres', q(SELECT is_own FROM diagnose.snapshots() WHERE label = 'original')), 't',
	'the original is who it was');
work(1);
is(calls($node, q(diagnose.window('original'))), '1', 'and goes on');
$node->stop;

done_testing();
