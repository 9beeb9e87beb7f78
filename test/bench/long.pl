# One long transaction on each of several servers: long.pl STATEMENTS NAME=SOCKET...
#
# No client at hand runs a million statements in one block without ending it, so
# this one speaks the protocol itself.  A prepared SELECT by key is sent in
# batches of a hundred executions, each with a Sync of its own; the servers
# take turns by slices of a tenth of it all.  For each slice a line: name,
# statements so far, microseconds of processor time of the backend per
# statement, its private memory in kB, and the bytes of its memory contexts,
# which are looked at after the first slice and the last one only.
use strict;
use warnings;
use Socket;

use constant { SLICES => 10, BATCH => 100, KEYS => 100_000 };

my ($statements, @servers) = @ARGV;

sub message
{
	my ($type, $body) = @_;
	return $type . pack('N', 4 + length $body) . $body;
}

# Read messages up to so many ReadyForQuery; returns the last value of a row.
sub await
{
	my ($server, $ready) = @_;
	my $value;
	while ($ready > 0)
	{
		while (length $server->{in} < 5
			|| length $server->{in} < 1 + unpack('x N', $server->{in}))
		{
			sysread($server->{socket}, $server->{in}, 65536, length $server->{in})
			  or die "long.pl: server $server->{name} is gone\n";
		}
		my ($type, $length) = unpack 'a N', $server->{in};
		my $body = substr $server->{in}, 5, $length - 4;
		substr($server->{in}, 0, 1 + $length) = '';
		die "long.pl: $server->{name}: $body\n" if $type eq 'E';
		$ready-- if $type eq 'Z';
		$server->{pid} = unpack 'N', $body if $type eq 'K';
		$value = substr $body, 6 if $type eq 'D';
	}
	return $value;
}

sub put
{
	my ($server, $bytes) = @_;
	while (length $bytes)
	{
		my $n = syswrite $server->{socket}, $bytes;
		die "long.pl: cannot write: $!\n" unless defined $n;
		substr($bytes, 0, $n) = '';
	}
}

sub query
{
	my ($server, $text) = @_;
	put($server, message('Q', "$text\0"));
	return await($server, 1);
}

sub connect_to
{
	my ($name, $path) = split /=/, shift;
	my $server = { name => $name, in => '', done => 0 };
	socket($server->{socket}, PF_UNIX, SOCK_STREAM, 0)
	  && connect($server->{socket}, pack_sockaddr_un($path))
	  or die "long.pl: cannot connect to $path: $!\n";
	my $start = pack('N', 196_608)
	  . "user\0postgres\0database\0postgres\0application_name\0long\0\0";
	put($server, pack('N', 4 + length $start) . $start);
	await($server, 1);
	put($server, message('P', "one\0"
			. "SELECT abalance FROM pgbench_accounts WHERE aid = \$1\0"
			. pack('nN', 1, 23)) . message('S', ''));
	await($server, 1);
	query($server, 'BEGIN');
	return $server;
}

sub execute
{
	my ($server, $key) = @_;
	return message('B', "\0one\0" . pack('n', 0) . pack('nN', 1, length $key)
		  . $key . pack('n', 0)) . message('E', "\0" . pack('N', 0))
	  . message('S', '');
}

sub look
{
	my ($server, $file, $pattern) = @_;
	open my $in, '<', "/proc/$server->{pid}/$file" or die "long.pl: $file: $!\n";
	local $/;
	return <$in> =~ $pattern ? $1 : die "long.pl: cannot read $file\n";
}

sub slice
{
	my ($server, $number) = @_;
	my $before = look($server, 'schedstat', qr/^(\d+)/);
	for (1 .. $statements / SLICES / BATCH)
	{
		# a key comes again only after all others
		put($server, join '', map {
				execute($server, 1 + ($server->{done} + $_) * 7919 % KEYS)
			} 1 .. BATCH);
		await($server, BATCH);
		$server->{done} += BATCH;
	}
	my $used = look($server, 'schedstat', qr/^(\d+)/) - $before;
	my $contexts = '-';
	$contexts = query($server,
		'SELECT sum(total_bytes) FROM pg_backend_memory_contexts')
	  if $number == 1 || $number == SLICES;
	printf "%s %d %.3f %d %s\n", $server->{name}, $server->{done},
	  $used / 1000 / ($statements / SLICES),
	  look($server, 'status', qr/^RssAnon:\s*(\d+)/m), $contexts;
}

$| = 1;
@servers = map { connect_to($_) } @servers;
for my $number (1 .. SLICES)
{
	slice($_, $number) for @servers;
}
for (@servers)
{
	query($_, 'COMMIT');
	put($_, message('X', ''));
	# it has ended when it hangs up
	1 while sysread $_->{socket}, $_->{in}, 65536;
}
