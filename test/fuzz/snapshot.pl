# test/fuzz/snapshot.pl GOOD BAD SEED
#
# Damage a snapshot, or the file of a shutdown, and correct its checksums.

use strict;
use warnings;
use Snapshot;
my ($good, $bad, $seed) = @ARGV;
srand($seed);
my $snapshot = Snapshot::load($good);

my @interesting = ((map { chr } 0, 1, 2, 0x7F, 0x80, 0xFF), "\xFF" x 9 . "\x01", "\xFF" x 8 . "\x7F", "\xFF" x 11,
	"\x80\x00", "\xFF\xFF\xFF\xFF\x0F", "\xFF\xFF\xFF\xFF\x07", pack('q', -1), pack('q', ~0 >> 1));

sub damage
{
	my $bytes = shift;
	for (1 .. 1 + int rand 3)
	{
		my $length = length $bytes or return $interesting[rand @interesting];
		my $at = int rand $length;
		my $kind = int rand 6;
		if ($kind == 0) { substr($bytes, $at, 1) ^= chr 1 << int rand 8; }
		elsif ($kind == 1)
		{
			my $new = $interesting[rand @interesting];
			substr($bytes, $at, length $new) = $new;
		}
		elsif ($kind == 2) { substr($bytes, $at, 0) = $interesting[rand @interesting]; }
		elsif ($kind == 3) { substr($bytes, $at, 1 + int rand 8) = ''; }
		elsif ($kind == 4) { $bytes = substr $bytes, 0, $at; }
		else { substr($bytes, $at, 0) = substr $bytes, int rand $length, 1 + int rand 40; }
	}
	return $bytes;
}

my $where = int rand 10;
if ($where == 0)
{
	# the header
	my @fields = grep { $_ !~ /^(magic|format|id|label|body.*|header_crc)$/ } keys %$snapshot;
	my $field = (sort @fields)[ rand @fields ];
	my @values = (0, 1, 0x7FFFFFFF, ~0 >> 1, 9223371331200000000, 0xFFFFFFFF);
	$snapshot->{$field} = $values[ rand @values ];
}
elsif ($where == 1) { $snapshot->{body} = damage($snapshot->{body}); }
elsif ($where == 2)
{
	my @sections = Snapshot::sections($snapshot->{body});
	my $section = $sections[ rand @sections ];
	$section->[ 1 ] = damage($section->[1]);
	$snapshot->{body} = Snapshot::body(@sections);
}
else
{
	# records whose lengths are right, of any section that has some
	my @sections = Snapshot::sections($snapshot->{body});
	my @some = grep { $_->[0] > 0 && length $_->[1] } @sections;
	my $section = $some[ rand @some ];
	my @records = Snapshot::records($section->[1]);
	for (1 .. 1 + int rand 4)
	{
		my $record = $records[ rand @records ];
		my $part = rand() < 0.25 ? 0 : 1;
		$record->[$part] = damage($record->[$part]);
	}
	# the same twice, or none at all
	push @records, $records[ rand @records ] if rand() < 0.1;
	splice @records, rand @records, 1 if rand() < 0.1;
	$section->[1] = Snapshot::section(@records);
	$snapshot->{body} = Snapshot::body(@sections);
}
Snapshot::store($bad, $snapshot);
