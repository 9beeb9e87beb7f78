# Turn the lines that trial.sh collects into Markdown tables: what compare() said
# of statements of which is known whether they changed.
use strict;
use warnings;

my (%meta, @rows, @drops);

while (<>)
{
	chomp;
	my ($kind, @f) = split /\t/, $_, -1;
	if ($kind eq 'meta') { $meta{ $f[0] } = $f[1]; }
	elsif ($kind eq 'trial_drop') { push @drops, [@f]; }
	elsif ($kind eq 'trial')
	{
		my %r;
		@r{
			qw(phase size pair kind verdict name factor mean_ratio ratio low
			  high smallest windows controls executions reason)
		} = @f;
		$r{is_ours} = $r{kind} eq 'query' && $r{name} =~ /^s\d\d$/;
		$r{is_false} = $r{verdict} =~ /^(regressed|improved)$/;
		push @rows, \%r;
	}
}

sub sorted { return sort { $a <=> $b } @_; }

# The value below which a share of the others lies.
sub at_share
{
	my ($share, @values) = @_;
	my @v = sorted(@values);
	return @v ? $v[ int($share * $#v + 0.5) ] : undef;
}

sub mean
{
	my $sum = 0;
	$sum += $_ for @_;
	return @_ ? $sum / @_ : undef;
}

# "9 of 400, 2.3 % (1.2-4.2)", by Wilson's interval
sub share
{
	my ($k, $n) = @_;
	return '-' unless $n;
	my ($p, $zz) = ($k / $n, 1.96 ** 2);
	my $center = ($p + $zz / (2 * $n)) / (1 + $zz / $n);
	my $half = sqrt($zz) / (1 + $zz / $n)
	  * sqrt($p * (1 - $p) / $n + $zz / (4 * $n * $n));
	return sprintf '%.1f %% (%.1f-%.1f)', 100 * $p,
	  $k ? 100 * ($center - $half) : 0, $k < $n ? 100 * ($center + $half) : 100;
}

sub table
{
	my @table = @_;
	my @width;
	for my $row (@table)
	{
		for (0 .. $#$row)
		{
			my $length = length $row->[$_];
			$width[$_] = $length if $length > ($width[$_] // 0);
		}
	}
	print "\n";
	for my $i (0 .. $#table)
	{
		print '| ' . join(' | ', map {
				sprintf $_ ? '%*2$s' : '%-*2$s', $table[$i][$_], $width[$_]
			} 0 .. $#width) . " |\n";
		print '|' . join('|', map {
				'-' x ($width[$_] + ($_ ? 1 : 2)) . ($_ ? ':' : '')
			} 0 .. $#width) . "|\n"
		  if $i == 0;
	}
}

# Numbers of verdicts, as columns.
sub counts
{
	my @of = @_;
	my %n = map { $_ => 0 } qw(regressed improved unchanged inconclusive other);
	for (@of)
	{
		my $verdict = $_->{verdict};
		$n{ exists $n{$verdict} ? $verdict : 'other' }++;
	}
	return (scalar(@of), @n{qw(regressed improved)},
		share($n{regressed} + $n{improved}, scalar @of),
		@of ? sprintf('%.0f %%', 100 * $n{unchanged} / @of) : '-',
		@of ? sprintf('%.0f %%', 100 * $n{inconclusive} / @of) : '-',
		$n{other});
}

sub pairs_of
{
	my %seen = map { ("$_->{size} $_->{phase} $_->{pair}" => 1) } @_;
	return scalar keys %seen;
}

my @count_columns = qw(comparisons regressed improved);
push @count_columns, 'false', 'unchanged', 'inconclusive', 'new, gone, plan';

# ---- Nothing changed ----

my @same = grep { $_->{phase} eq 'same' } @rows;
my @sizes = do { my %s = map { $_->{size} => 1 } @same; sorted(keys %s) };

sub same_table
{
	my @table = ([ 'nothing changed', 'a side', 'pairs', @count_columns ]);
	for my $what (
		[ 'statements', sub { $_->{is_ours} } ],
		[ 'statements of the other load',
			sub { $_->{kind} eq 'query' && !$_->{is_ours} } ],
		[ 'transactions', sub { $_->{kind} eq 'transaction' } ],
		[ 'the whole', sub { $_->{kind} eq 'overall' } ])
	{
		for my $size (@sizes)
		{
			my @of = grep { $_->{size} == $size && $what->[1]->() } @same;
			push @table, [ $what->[0], $size, pairs_of(@of), counts(@of) ];
		}
	}
	table(@table);
}

# By how much the load alone moves mean times from one side to the other.
sub movement
{
	my ($size) = @_;
	my @log = map { abs log $_->{mean_ratio} }
	  grep { $_->{is_ours} && $_->{size} == $size && $_->{mean_ratio}
		  && $_->{mean_ratio} > 0 } @same;
	return map { 100 * (exp(at_share($_, @log)) - 1) } 0.5, 0.9;
}

# ---- Statements were slowed down, or were fast again ----

# What was done to times, as measured: less what all others moved.
sub measured_log
{
	my ($of, $touched) = @_;
	my (%others, @log);
	for (@$of)
	{
		next if $_->{mean_ratio} eq '' || $_->{mean_ratio} <= 0;
		push @{ $others{ $_->{pair} } }, log $_->{mean_ratio}
		  if $_->{factor} eq '';
	}
	for (@$touched)
	{
		push @log, log($_->{mean_ratio}) - at_share(0.5, @{ $others{ $_->{pair} } })
		  if $_->{mean_ratio} ne '' && $_->{mean_ratio} > 0;
	}
	return mean(@log);
}

my %power;

# Executions in a stretch, from and below.
my @frequencies = ([ 0, 25 ], [ 25, 100 ], [ 100, 9e9 ]);

sub power_row
{
	my ($phase, $factor, $of, $touched, $from, $below) = @_;
	my @trials = grep { $_->{executions} ne '' && $_->{executions} >= $from
		  && $_->{executions} < $below } @$touched;
	return unless @trials;
	my %n = map { $_ => 0 } qw(regressed improved unchanged inconclusive);
	$n{ $_->{verdict} }++ for @trials;
	my ($right, $wrong) =
	  $phase eq 'slower' ? qw(regressed improved) : qw(improved regressed);
	my $log = measured_log($of, \@trials);
	my $said = mean(map { log $_->{ratio} } grep { $_->{ratio} } @trials);
	$power{"$phase $factor"}[0] += $n{$right};
	$power{"$phase $factor"}[1] += @trials;
	$power{"$phase $factor $from"} = [ $n{$right}, scalar @trials ];
	return [
		"$factor times $phase", sprintf('%.0f', mean(map { $_->{executions} } @trials)),
		scalar(@trials), $n{$right}, share($n{$right}, scalar @trials),
		@n{ $wrong, qw(unchanged inconclusive) },
		map { defined $_ ? sprintf '%.2f', $_ : '-' }
		  defined $log ? exp $log : undef, defined $said ? exp $said : undef,
		at_share(0.5, map { $_->{smallest} } grep { $_->{smallest} } @trials)
	];
}

sub power_table
{
	my @table = (
		[
			'became', 'executions a stretch', 'trials', 'found', 'in %', 'the opposite',
			'unchanged', 'inconclusive', 'measured', 'compare()', 'smallest effect'
		]);
	for my $phase (qw(slower faster))
	{
		my @of = grep { $_->{phase} eq $phase && $_->{is_ours} } @rows;
		my %factors = map { $_->{factor} => 1 } grep { $_->{factor} ne '' } @of;
		for my $factor (sorted(keys %factors))
		{
			my @touched = grep { $_->{factor} eq $factor } @of;
			push @table,
			  map { power_row($phase, $factor, \@of, \@touched, @$_) } @frequencies;
		}
	}
	table(@table);
}

sub beside_table
{
	my @table = ([ 'untouched beside these', 'pairs', @count_columns ]);
	for my $phase (qw(slower faster))
	{
		my @of = grep { $_->{phase} eq $phase && $_->{is_ours} && $_->{factor} eq '' }
		  @rows;
		push @table,
		  [ "statements, others became $phase", pairs_of(@of), counts(@of) ];
	}
	table(@table);
}

# ---- All together ----

my ($day, $month, $year) = (localtime)[ 3, 4, 5 ];
printf "\n%s, %s processors, %04d-%02d-%02d.\n",
  @meta{qw(version processors)},
  $year + 1900, $month + 1, $day;
printf "A stretch is %d s, %d transactions a second.  From one side of %d to the other, "
  . "where nothing\nchanged, mean times of statements moved by %.0f %% (median); "
  . "one in ten by %.0f %% or more.\n",
  @meta{qw(trial_interval trial_rate trial_side)},
  movement($meta{trial_side});
same_table();
power_table();
beside_table();

print "\n";
my @all = grep { $_->{kind} eq 'query' } @same;
my $false = grep { $_->{is_false} } @all;
printf "* false verdicts where nothing changed: %d of %d, %.2f %%, "
  . "the bar is 2 %%: %s\n",
  $false, scalar(@all), 100 * $false / @all,
  $false <= 0.02 * @all ? 'held' : 'MISSED'
  if @all;
for my $frequency (@frequencies)
{
	my ($from, $below) = @$frequency;
	my $found = $power{"slower 1.2 $from"} or next;
	printf "* 1.2 times slower, %d stretches a side of %s executions: "
	  . "found in %d of %d trials, %.1f %%, the bar is 90 %%: %s\n",
	  $meta{trial_side}, $below < 9e9 ? "$from to " . ($below - 1) : "$from or more",
	  @$found, 100 * $found->[0] / $found->[1],
	  $found->[0] >= 0.9 * $found->[1] ? 'held' : 'MISSED';
}
if (@drops)
{
	my $found = grep { $_->[0] eq 'regressed' && $_->[1] == 2 && $_->[2] == 2 } @drops;
	printf "* a dropped index, two executions before and two after: "
	  . "found in %d of %d trials: %s\n  (%s)\n",
	  $found, $meta{trial_drops},
	  $found == $meta{trial_drops} ? 'held' : 'MISSED', $drops[0][3];
}

# To be looked at one by one.
my @wrong = grep { $_->{is_false} && $_->{kind} ne 'overall' } @same;
push @wrong, grep {
	     $_->{phase} ne 'same'
	  && $_->{is_ours}
	  && $_->{factor} eq ''
	  && $_->{is_false}
} @rows;
print "\nFalse verdicts:\n\n" if @wrong;
printf "* %s, %d a side, pair %d: %s %s: %s\n",
  @$_{qw(phase size pair kind)}, substr($_->{name}, 0, 60),
  "$_->{verdict}, $_->{reason}"
  for @wrong;
