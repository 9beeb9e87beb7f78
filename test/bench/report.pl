# Turn the lines of figures that overhead.sh collects into Markdown tables.
use strict;
use warnings;

my (%meta, %instr, %tps, @latency, @wait, @reader, $reader_rows);
my (@think, $think_off, %long, %long_count, @sampler, %contention);

while (<>)
{
	chomp;
	my ($kind, @f) = split /\t/;
	next if $kind =~ /^trial/;
	if ($kind eq 'meta') { $meta{ $f[0] } = $f[1]; }
	elsif ($kind eq 'instructions')
	{
		push @{ $instr{ $f[0] }{ $f[1] } }, $f[2];
	}
	elsif ($kind eq 'tps') { $tps{ $f[0] }{ $f[1] }[ $f[2] ] = $f[3]; }
	elsif ($kind eq 'latency') { push @latency, [@f]; }
	elsif ($kind eq 'wait') { @wait = @f; }
	elsif ($kind eq 'think') { push @think, [@f]; }
	elsif ($kind eq 'long')
	{
		my $config = shift @f;
		push @{ $long{$config} }, [@f];
	}
	elsif ($kind eq 'long_count') { $long_count{ $f[1] }{ $f[0] } = $f[2]; }
	elsif ($kind eq 'sampler') { push @sampler, [@f]; }
	elsif ($kind eq 'contention') { $contention{ $f[0] } = [ @f[ 1, 2 ] ]; }
	elsif ($f[0] eq 'rows') { $reader_rows = $f[1]; }
	else { push @reader, $f[1]; }
}

# What a statement inside a block costs, free of BEGIN and COMMIT; and what one
# of twelve does, when these two are among them.
for my $config ($instr{block110} ? keys %{ $instr{block110} } : ())
{
	my ($few, $many) = map { $instr{$_}{$config} } qw(block10 block110);
	for (0 .. $#$few)
	{
		push @{ $instr{statement}{$config} }, ($many->[$_] - $few->[$_]) / 100;
		push @{ $instr{block}{$config} }, $few->[$_] / 12;
	}
}

my @cases = (
	[ prepared => 'prepared SELECT by key' ],
	[ simple => 'simple SELECT by key' ],
	[ tpcb => 'TPC-B (7 statements)' ],
	[ churn => 'churn, 5,000 shapes' ],
	[ hot => '8 clients, one statement' ],
	[ crowd => '8 clients, TPC-B' ],
	[ mix => '8 clients, 500 shapes' ]);

my @block_cases = (
	[ statement => 'one SELECT more in a block' ],
	[ block => 'one of 12, BEGIN and COMMIT among them' ]);

my @think_clients = (
	[ simple => 'pgbench, simple protocol' ],
	[ extended => 'pgbench, extended protocol' ],
	[ prepared => 'pgbench, prepared' ],
	[ burst => 'pgbench, autocommit burst' ],
	[ psql => 'psql, \\! sleep' ]);

my %label = (
	bare => 'bare server',
	pgss => 'pg_stat_statements',
	capture => 'pg_diagnose without transactions',
	diagnose => 'pg_diagnose',
	qualstats => 'pg_qualstats',
	explain => 'auto_explain');

sub quantile
{
	my ($q, @v) = @_;
	@v = sort { $a <=> $b } @v;
	my $at = $q * $#v;
	my $low = int $at;
	return $v[$low] if $low == $#v;
	return $v[$low] + ($at - $low) * ($v[ $low + 1 ] - $v[$low]);
}

sub median { return quantile(0.5, @_); }

sub commas
{
	my $n = sprintf '%.0f', shift;
	1 while $n =~ s/^(-?\d+)(\d{3})/$1,$2/;
	return $n;
}

sub instructions
{
	my ($case, $config) = @_;
	my $v = $instr{$case}{$config} or return undef;
	return median(@$v);
}

# What a configuration adds to another in each repeat.  Repeats are compared one
# by one: all servers go through the same states of their tables, but TPC-B's
# tables are in another state in each repeat.
sub additions
{
	my ($case, $config, $base) = @_;
	my ($with, $without) = map { $instr{$case}{$_} } $config, $base;
	return () unless $with && $without;
	return map { $with->[$_] - $without->[$_] } 0 .. $#$with;
}

# The median of them, or undef when not measured.
sub added
{
	my @v = additions(@_);
	return @v ? median(@v) : undef;
}

sub percent_of_pgss
{
	my ($case, $config, $base) = @_;
	my $ours = added($case, $config, $base || 'pgss');
	my $pgss = added($case, 'pgss', 'bare');
	return undef unless defined $ours && defined $pgss && $pgss > 0;
	return 100 * $ours / $pgss;
}

# The widest spread of an addition over the repeats, in percent of the case.
sub repeatability
{
	my ($case) = @_;
	my $widest;
	for ([ 'pgss', 'bare' ], [ 'capture', 'pgss' ], [ 'diagnose', 'capture' ])
	{
		my @v = additions($case, @$_);
		next if @v < 2;
		my $spread = 100 * (quantile(1, @v) - quantile(0, @v))
		  / instructions($case, $_->[1]);
		$widest = $spread if !defined $widest || $spread > $widest;
	}
	return $widest;
}

# Ratio of medians, and the quartiles of the ratios of single rounds.
sub ratio
{
	my ($case, $config, $base) = @_;
	my ($with, $without) = ($tps{$case}{$config}, $tps{$case}{$base});
	return '-' unless $with && $without;
	my @each = map { $with->[$_] / $without->[$_] } 0 .. $#$with;
	return sprintf '%.3f (%.3f-%.3f)', median(@$with) / median(@$without),
	  quantile(0.25, @each), quantile(0.75, @each);
}

sub show
{
	my ($format, $value) = @_;
	return '-' unless defined $value;
	return $format eq ',' ? commas($value) : sprintf $format, $value;
}

# Print rows as a Markdown table, the first column left, the others right.
sub table
{
	my (@rows) = @_;
	my @width;
	for my $row (@rows)
	{
		for my $i (0 .. $#$row)
		{
			my $n = length $row->[$i];
			$width[$i] = $n if !defined $width[$i] || $n > $width[$i];
		}
	}
	my $line = sub {
		my @cell = @_;
		return '| ' . join(' | ', map {
				sprintf $_ ? "%$width[$_]s" : "%-$width[$_]s", $cell[$_]
			} 0 .. $#cell) . " |\n";
	};
	print "\n", $line->(@{ $rows[0] });
	print '|', join('|', '-' x ($width[0] + 2),
		map { '-' x ($_ + 1) . ':' } @width[ 1 .. $#width ]), "|\n";
	print $line->(@$_) for @rows[ 1 .. $#rows ];
}

# What a case costs in a bare server, and what each part adds to it.
sub parts
{
	my ($case) = @_;
	return (show(',', instructions($case, 'bare')),
		show('+%.0f', added($case, 'pgss', 'bare')),
		show('%+.0f', added($case, 'capture', 'pgss')),
		show('%.1f %%', percent_of_pgss($case, 'capture')),
		show('%+.0f', added($case, 'diagnose', 'capture')),
		show('%.1f %%', percent_of_pgss($case, 'diagnose', 'capture')));
}

sub block_table
{
	return unless $instr{statement};
	my @rows = ([ 'per statement in a block', 'bare', 'pgss', 'capture', '/pgss',
			'xact', '/pgss', 'ours', '/pgss', 'repeat' ]);
	for (@block_cases)
	{
		my ($case, $title) = @$_;
		push @rows, [ $title, parts($case),
			show('%+.0f', added($case, 'diagnose', 'pgss')),
			show('%.1f %%', percent_of_pgss($case, 'diagnose')),
			show('%.2f %%', repeatability($case)) ];
	}
	table(@rows);
}

sub think_table
{
	return unless @think;
	my @rows = ([ 'think time, ms', 'asked for', 'slept', 'seen', 'difference',
			'largest of a round', 'rounds' ]);
	for my $client (@think_clients)
	{
		for my $nominal (20, 50)
		{
			my @runs = grep { $_->[0] eq $client->[0] && $_->[1] == $nominal } @think;
			next unless @runs;
			my @off = map { $_->[3] - $_->[2] } @runs;
			push @rows, [ $client->[1], $nominal,
				(map { my $n = $_; sprintf '%.3f', median(map { $_->[$n] } @runs) }
					2, 3),
				sprintf('%+.3f', median(@off)),
				sprintf('%+.3f', (sort { abs $b <=> abs $a } @off)[0]),
				scalar @runs ];
			my $off = abs median(@off);
			$think_off = $off if !defined $think_off || $off > $think_off;
		}
	}
	table(@rows);
}

# Statements early and late in a transaction.
sub long_count_table
{
	return unless %long_count;
	my @rows = ([ 'instructions of a statement', 'bare + pgss', 'ours' ]);
	for my $from (sort { $a <=> $b } keys %long_count)
	{
		my ($pgss, $with) = @{ $long_count{$from} }{qw(pgss diagnose)};
		push @rows, [ 'the ' . commas($from) . ' after the ' . commas($from) . 'th',
			commas($pgss), sprintf('%+.0f', $with - $pgss) ];
	}
	table(@rows);
}

# Slices of the long transaction: those of both servers were run in turns.
sub long_table
{
	return unless %long;
	my ($with, $without) = map { $long{$_} } qw(diagnose pgss);
	return unless $with && $without;
	my @rows = ([ 'statements of one transaction', 'us, pgss', 'us, ours', 'ours/pgss',
			'private memory, kB', 'contexts, bytes' ]);
	for (0 .. $#$with)
	{
		my ($upto, $us, $private, $contexts) = @{ $with->[$_] };
		push @rows, [ 'up to ' . commas($upto), sprintf('%.2f', $without->[$_][1]),
			sprintf('%.2f', $us), sprintf('%.3f', $us / $without->[$_][1]),
			commas($private), $contexts eq '-' ? '-' : commas($contexts) ];
	}
	table(@rows);
	printf "\nAs seen by pg_diagnose: %s statements in %s positions.\n",
	  commas($meta{long_seen}), $meta{long_positions};
}

sub sampler_table
{
	return unless @sampler;
	my @rows = ([ 'background worker', 'ms of processor time in a minute',
			'of a processor', 'looks in a minute' ]);
	push @rows, [ $_->[0], sprintf('%.0f', $_->[1]),
		sprintf('%.3f %%', $_->[1] / 600), commas($_->[2]) ] for @sampler;
	table(@rows);
}

sub main_table
{
	my @rows = ([ 'per transaction', 'bare', 'pgss', 'capture', '/pgss', 'xact',
			'/pgss', 'repeat', 'tps pgss/bare', 'tps ours/pgss' ]);
	for (@cases)
	{
		my ($case, $title) = @$_;
		next unless $instr{$case} || $tps{$case};
		push @rows, [ $title, parts($case), show('%.2f %%', repeatability($case)),
			ratio($case, 'pgss', 'bare'), ratio($case, 'diagnose', 'pgss') ];
	}
	table(@rows) if @rows > 1;
}

sub peers_table
{
	my @peers = grep {
		my $config = $_;
		grep { exists $_->{$config} } values %instr, values %tps;
	} qw(diagnose qualstats explain);
	return if @peers < 2;
	my @rows = ([ 'added to pg_stat_statements',
			map { ($label{$_}, 'tps ratio') } @peers ]);
	for (@cases)
	{
		my ($case, $title) = @$_;
		next unless $instr{$case} || $tps{$case};
		push @rows, [ $title, map { (show('%+.0f', added($case, $_, 'pgss')),
				ratio($case, $_, 'pgss') =~ s/ .*//r) } @peers ];
	}
	table(@rows);
}

sub latency_table
{
	return unless @latency;
	my @rows = ([ 'latency in the churn, ms', 'p50', 'p99.9',
			'max, median round', 'max', 'statements',
			'over 5 ms, of 100,000' ]);
	for my $config (qw(bare pgss diagnose qualstats explain))
	{
		my @runs = grep { $_->[0] eq $config } @latency;
		next unless @runs;
		my $column = sub { my $n = shift; return map { $_->[$n] } @runs; };
		my ($statements, $over) = (0, 0);
		$statements += $_ for $column->(4);
		$over += $_ for $column->(5);
		push @rows, [ $label{$config},
			(map { sprintf '%.2f', $_ / 1000 } median($column->(1)),
				median($column->(2)), median($column->(3)),
				quantile(1, $column->(3))),
			commas($statements),
			sprintf('%.0f', 100_000 * $over / $statements) ];
	}
	table(@rows);
}

sub verdict
{
	my ($what, $format, $value, $bar) = @_;
	return unless defined $value;
	printf "* %s: $format, the bar is $format: %s\n", $what, $value, $bar,
	  $value <= $bar ? 'held' : 'MISSED';
}

my ($day, $month, $year) = (localtime)[ 3, 4, 5 ];
printf "\n%s, %s processors, %04d-%02d-%02d.\n",
  @meta{qw(version processors)},
  $year + 1900, $month + 1, $day;
print "\"pgss\" is what pg_stat_statements adds to the bare server,\n"
  . "\"capture\" what pg_diagnose adds to both without transactions, \"xact\" what\n"
  . "transactions and all detectors add to that, \"ours\" the two together.\n";
printf "Instructions: by %s, median of %d.\n", @meta{qw(method repeats)}
  if %instr;
printf "Throughput: ratio of the medians of %d runs of %d s "
  . "(quartiles of the rounds).\n",
  @meta{qw(rounds seconds)}
  if %tps;
main_table();
block_table();
peers_table();
latency_table();
think_table();
long_count_table();
long_table();
sampler_table();
print "\n";
verdict('prepared SELECT, capture of pg_stat_statements\' own addition',
	'%.1f %%', percent_of_pgss('prepared', 'capture'), 40);
verdict('one SELECT more in a block, transactions and detectors of '
	  . 'pg_stat_statements\' own addition',
	'%.1f %%', percent_of_pgss('statement', 'diagnose', 'capture'), 15);
verdict('the same, all of pg_diagnose', '%.1f %%',
	percent_of_pgss('statement', 'diagnose'), 55);
verdict('think time, the median farthest from what the client slept', '%.3f ms',
	$think_off, 1);
for ([ crowd => 'TPC-B' ], [ mix => '500 shapes' ])
{
	my ($case, $what) = @$_;
	next unless $contention{$case};
	my ($longest, $executions) = @{ $contention{$case} };
	verdict(sprintf('longest wait for another session of %s statements, '
			  . '8 clients in %s', commas($executions), $what),
		'%.2f ms', $longest, 5);
}
if (@wait)
{
	verdict(sprintf('longest wait for another session of %s statements in the churn',
			commas($wait[1])), '%.2f ms', $wait[0], 5);
}
if (@reader)
{
	verdict(sprintf('reading %s statements', commas($reader_rows)), '%.1f ms',
		median(@reader), 20);
}
elsif (defined $meta{reader})
{
	print "* reading 5,000 statements: not measured, $meta{reader}\n";
}
