# What the benchmark of index advice does besides talking to servers.
#
#	advice.pl scripts LIST FOLDER		scripts of pgbench and what they are
#	advice.pl truth FILE				the definitions of the truth, as DDL
#	advice.pl times ORDER LOG...		median times by statement
#	advice.pl report RESULTS TRUTH		tables
#	advice.pl tpch RESULTS TRUTH		the same for questions asked once
#	advice.pl oracle RESULTS				the same for costs
use strict;
use warnings;

my %command = (
	scripts => \&scripts,
	truth => \&truth,
	times => \&times,
	report => \&report,
	tpch => \&tpch,
	oracle => \&oracle);
my $command = $command{ shift // '' } or die "advice.pl: unknown command\n";
$command->(@ARGV);

sub lines_of
{
	my ($file) = @_;
	open my $in, '<', $file or die "$file: $!\n";
	chomp(my @lines = <$in>);
	return @lines;
}

sub median
{
	my @v = sort { $a <=> $b } @_;
	return $v[ $#v / 2 ];
}

# ---- The list of statements ----

sub scripts
{
	my ($list, $folder) = @_;
	my $out;
	open my $index, '>', "$folder/statements" or die "$folder: $!\n";
	for (lines_of($list))
	{
		next if /^#/;
		if (/^-- (\w+) \| (\d+) \| (\w+) \| (.*)/)
		{
			print $index join("\t", $1, $2, $3, $4), "\n";
			open $out, '>', "$folder/$1.sql" or die "$folder/$1.sql: $!\n";
			next;
		}
		print $out "$_\n";
	}
}

# ---- The truth ----

# Returns needs and traps, in their order.
sub read_truth
{
	my @all;
	for (lines_of($_[0]))
	{
		next if /^(#|\s*$)/;
		if (/^need (\w+) \| (.*?) \| (.*)/)
		{
			push @all, { kind => 'need', name => $1, statements => [ split ' ', $2 ],
				why => $3, index => [] };
		}
		elsif (/^trap (\w+) \| (.*?) \| (.*) \| (.*?)$/)
		{
			push @all, { kind => 'trap', name => $1, statements => [ split ' ', $2 ],
				pattern => $3, why => $4, index => [] };
		}
		elsif (/^finding (\w+) \| (.*?) \| (.*)$/)
		{
			push @all, { kind => 'finding', name => $1, pattern => $2, why => $3,
				index => [] };
		}
		elsif (/^([-=+]) (.*)/) { push @{ $all[-1]{index} }, $2; }
		else { die "truth: $_\n"; }
	}
	return @all;
}

sub truth
{
	for my $t (read_truth($_[0]))
	{
		my $i = 0;
		print join("\t", $t->{kind}, $t->{name}, $i++, "CREATE INDEX ON $_"), "\n"
			for @{ $t->{index} };
	}
}

# ---- Times ----

# ORDER names the scripts as they were given to pgbench.
sub times
{
	my ($order, @logs) = @_;
	my @names = lines_of($order);
	my %times;
	for my $log (@logs)
	{
		for (lines_of($log))
		{
			my @f = split ' ';
			push @{ $times{ $names[ $f[3] ] } }, $f[2];
		}
	}
	printf "%s\t%.0f\t%d\n", $_, median(@{ $times{$_} }), scalar @{ $times{$_} }
		for sort keys %times;
}

# ---- Comparing definitions ----

# What pg_get_indexdef() says, in parts.
sub parse_index
{
	my ($definition) = @_;
	my ($table, $method, $rest) = $definition =~
		/ ON (?:ONLY )?(?:\w+\.)?("[^"]+"|\w+) USING (\w+) (\(.*)/ or return;
	my ($depth, $quoted, $end, @keys) = (0, 0);
	my $key = '';
	for my $at (0 .. length($rest) - 1)
	{
		my $c = substr $rest, $at, 1;
		$quoted = !$quoted if $c eq "'";
		$depth++ if !$quoted && $c eq '(';
		$depth-- if !$quoted && $c eq ')';
		$end = $at, last if $depth == 0;
		if ($depth == 1 && !$quoted && $c eq ',') { push @keys, $key; $key = ''; }
		elsif ($at > 0) { $key .= $c; }
	}
	push @keys, $key;
	s/^\s+|\s+$//g for @keys;
	my ($predicate) = substr($rest, $end + 1) =~ / WHERE \((.*)\)$/;
	my $canonical = "$table $method (" . join(', ', @keys) . ')';
	$canonical .= " WHERE ($predicate)" if defined $predicate;

	my @descending = map { s/ DESC\b// ? 1 : 0 } @keys;
	s/ NULLS (FIRST|LAST)// for @keys;
	# that a key is not null follows from being searched for
	my @conditions = grep
	{
		my $c = $_;
		!grep { "$_ IS NOT NULL" eq $c } @keys
	} map { s/^\((.*)\)$/$1/r } split / AND /, $predicate // '';
	return {
		table => $table, method => $method, keys => \@keys,
		descending => \@descending, canonical => $canonical,
		predicate => join ' AND ', sort @conditions };
}

# Does "p" do what "a" does?  More columns at the end do no harm to that.
sub serves
{
	my ($p, $a) = @_;
	return 0 if $p->{table} ne $a->{table} || $p->{method} ne $a->{method}
		|| $p->{predicate} ne $a->{predicate};
	if ($a->{method} =~ /^(gin|gist)$/)
	{
		my %has = map { $_ => 1 } @{ $p->{keys} };
		return !grep { !$has{$_} } @{ $a->{keys} };
	}
	my $n = @{ $a->{keys} };
	return 0 if $n > @{ $p->{keys} };
	for (0 .. $n - 1)
	{
		return 0 if $a->{keys}[$_] ne $p->{keys}[$_];
	}
	# a direction matters only where the truth has two of them
	return 1 if !grep { $_ } @{ $a->{descending} };
	my %differs = map { ($a->{descending}[$_] ^ $p->{descending}[$_]) => 1 }
		grep { $a->{keys}[$_] ne ($a->{equal} // '') } 0 .. $n - 1;
	return keys %differs == 1;
}

# ---- Report ----

my (%meta, %time, %weight, %title, %mode, %seconds, %wal, %built, %users, %without);
my (@bars, @advisors, %existing, %accept, %asked, %question, %unused, @found);

sub read_results
{
	for (lines_of($_[0]))
	{
		my ($kind, @f) = split /\t/;
		if ($kind eq 'meta') { $meta{ $f[0] } = $f[1]; }
		elsif ($kind eq 'statement')
		{
			($weight{ $f[0] }, $mode{ $f[0] }, $title{ $f[0] }) = @f[ 1 .. 3 ];
		}
		elsif ($kind eq 'advisor') { push @advisors, $f[0]; }
		elsif ($kind eq 'existing') { $existing{ $f[0] } = parse_index($f[0]); }
		elsif ($kind eq 'accept') { $accept{ $f[0] }{ $f[1] }[ $f[2] ] = $f[3]; }
		elsif ($kind eq 'built')
		{
			push @{ $built{ $f[0] } }, { n => $f[1], bytes => $f[2],
				definition => $f[3], ddl => $f[4] };
		}
		elsif ($kind eq 'time') { $time{ $f[0] }{ $f[1] } = $f[2] / 1000; }
		elsif ($kind eq 'without') { $without{ $f[0] }{ $f[1] }{ $f[2] } = [ @f[ 3, 4 ] ]; }
		elsif ($kind eq 'used') { $users{ $f[0] }{ $f[1] }{ $f[2] } = 1; }
		elsif ($kind eq 'run') { $seconds{ $f[0] }{ $f[1] } = $f[2]; $wal{ $f[0] }{ $f[1] } = $f[3]; }
		elsif ($kind eq 'tpch')
		{
			push @{ $question{ $f[0] }{ $f[1] }{ $f[2] } }, [ $f[3] / 1000, $f[4] ];
		}
		elsif ($kind eq 'finding') { push @found, [@f]; }
		elsif ($kind eq 'tpch_unused') { $unused{ $f[0] } = $f[1]; }
		elsif ($kind eq 'asked') { $asked{ $f[0] } = $f[1]; }
	}
}

# A proposal is right if it is one of those that are accepted for a need which
# none before it has met, or if taking it away makes a statement slower again by
# 30 %.  A need is met by what is accepted for it, or by something else on its
# table that has solved all of its statements.
sub judge
{
	my ($name, $truth, $solvable) = @_;
	my (%met, %maybe, @traps, %count);
	my %result = (needs => \%met, traps => \@traps, count => \%count);
	for my $p (@{ $built{$name} // [] })
	{
		$count{all}++;
		if ($p->{definition} eq '') { $count{failed}++; $p->{verdict} = 'fails'; next; }
		$count{bytes} += $p->{bytes};
		my $index = parse_index($p->{definition});
		$p->{canonical} = $index->{canonical};
		$p->{statements} = [ sort keys %{ $users{$name}{ $p->{n} } // {} } ];
		my ($best, $of, %gains) = (1, '');
		for my $s (keys %{ $without{$name}{ $p->{n} } // {} })
		{
			my ($with, $hidden) = @{ $without{$name}{ $p->{n} }{$s} };
			next if $hidden <= 0;
			($best, $of) = ($with / $hidden, $s) if $with / $hidden < $best;
			$gains{$s} = 1 if $with / $hidden <= 0.7;
		}
		$p->{ratio} = $best;
		$p->{of} = $of;
		$count{helps}++ if $best <= 0.9;

		my $duplicate = grep { serves($_, $index) } values %existing;
		my ($trap) = grep { $_->{kind} eq 'trap'
			&& $index->{canonical} =~ /$_->{pattern}/ } @$truth;
		my @needs = grep
		{
			my $need = $_;
			$need->{kind} eq 'need' && grep { serves($index, parse_index($_)) }
				values @{ $accept{need}{ $need->{name} } };
		} @$truth;
		my @new = grep { !$met{ $_->{name} } } @needs;
		if ($duplicate || ($trap && !@needs))
		{
			$p->{verdict} = 'trap: ' . ($duplicate ? 'exists' : $trap->{name});
			push @traps, $duplicate ? 'exists' : $trap->{name};
			next;
		}
		if (@new)
		{
			$met{ $_->{name} } = 1 for @new;
			$p->{verdict} = join ' ', map { $_->{name} } @new;
			$count{right}++;
		}
		elsif ($best <= 0.7)
		{
			$p->{verdict} = 'measured';
			$count{right}++;
		}
		else { $p->{verdict} = @needs ? 'met before' : 'no use'; }
		next if $best > 0.7;
		# another way to the same end: who else needs what it has solved?
		for my $need (grep { $_->{kind} eq 'need' && !$met{ $_->{name} } } @$truth)
		{
			my $wanted = parse_index($accept{need}{ $need->{name} }[0]);
			next if $wanted->{table} ne $index->{table}
				|| !grep { $gains{$_} } @{ $need->{statements} };
			$maybe{ $need->{name} } = $need;
		}
	}
	for my $need (grep { !$met{ $_->{name} } } values %maybe)
	{
		$met{ $need->{name} } = 1
			if !grep { $solvable->{$_} && !solved($name, $_) } @{ $need->{statements} };
	}
	return \%result;
}

# How much of what the truth saves of a statement is saved.
sub solved
{
	my ($name, $statement) = @_;
	my $none = $time{none}{$statement};
	my $gain = $none - $time{truth}{$statement};
	return ($none - ($time{$name}{$statement} // $none)) / $gain >= 0.5;
}

sub report
{
	my ($results, $truth_file) = @_;
	read_results($results);
	my @truth = read_truth($truth_file);
	my @needs = grep { $_->{kind} eq 'need' } @truth;
	my @traps = grep { $_->{kind} eq 'trap' } @truth;
	my %needed = map { $_ => 1 } map { @{ $_->{statements} } } @needs;
	my @solvable = grep { $needed{$_} && exists $time{truth}{$_}
			&& $time{truth}{$_} < 0.7 * $time{none}{$_}
			&& $time{none}{$_} - $time{truth}{$_} > 0.3 } sort keys %{ $time{none} };
	my $base = $wal{none}{after} || 1;

	printf "\n**%s**: %d statements, %d needs, %d traps; %s, %d MB, %s\n\n",
		$meta{workload}, scalar keys %weight, scalar @needs, scalar @traps,
		$meta{version}, $meta{megabytes}, $meta{date};
	print "| advisor | proposed | DDL fails | recall | precision | traps | help | solved of "
		. @solvable . " | MB | WAL | seconds | asked, s |\n";
	print "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n";
	my %hidden = map { $_ => 1 } keys %without;
	my %judged;
	for my $name (@advisors)
	{
		my $j = $judged{$name} = judge($name, \@truth, { map { $_ => 1 } @solvable });
		my $c = $j->{count};
		my $all = $c->{all} // 0;
		my $share = sub { $all ? sprintf '%.2f', ($c->{ $_[0] } // 0) / $all : '-' };
		my $help = $hidden{$name} ? $share->('helps') : '-';
		printf "| %s | %d | %d | %.2f | %s | %d | %s | %d | %.0f | %.2f | %.1f -> %.1f | %s |\n",
			$name, $all, $c->{failed} // 0, keys(%{ $j->{needs} }) / @needs,
			$share->('right'), scalar @{ $j->{traps} }, $help,
			scalar(grep { solved($name, $_) } @solvable), ($c->{bytes} // 0) / 2**20,
			($wal{$name}{after} // 0) / $base,
			$seconds{$name}{before} // 0, $seconds{$name}{after} // 0, $asked{$name} // '-';
	}
	print "\n";
	if (my $j = $judged{diagnose})
	{
		my $c = $j->{count};
		my $all = $c->{all} || 1;
		my $write = ($wal{truth}{after} // 0) / $base;
		bar('recall', keys(%{ $j->{needs} }) / @needs, '>=', 0.9);
		bar('precision', ($c->{right} // 0) / $all, '>=', 0.9);
		bar('traps', scalar @{ $j->{traps} }, '<=', 0);
		bar('DDL that fails', $c->{failed} // 0, '<=', 0);
		bar('proposals that help', ($c->{helps} // 0) / $all, '>=', 0.95);
		bar('solved', grep({ solved('diagnose', $_) } @solvable) / (@solvable || 1),
			'>=', 36 / 38);
		# where the right indexes alone write more than that, these and 5 %
		bar('WAL', $wal{diagnose}{after} / $base, '<=',
			$write * 1.05 > 4 / 3 ? $write * 1.05 : 4 / 3);
	}
	print @bars;
	findings(grep { $_->{kind} eq 'finding' } @truth);
	return if !$ENV{DETAILS};
	for my $name (@advisors)
	{
		next if $name eq 'none';
		my $j = $judged{$name};
		print "\n== $name\n";
		printf "%-60s %-24s %5.2f %-4s %6.1f MB  %s\n", $_->{canonical} // $_->{ddl},
			$_->{verdict}, $_->{ratio} // 0, $_->{of} // '', ($_->{bytes} || 0) / 2**20,
			join(' ', @{ $_->{statements} // [] })
			for @{ $built{$name} // [] };
		print "not met: ", join(' ', map { $_->{name} }
				grep { !$j->{needs}{ $_->{name} } } @needs), "\n";
		print "not solved: ", join(' ', grep { !solved($name, $_) } @solvable), "\n";
	}
	print "\nnot solvable: ", join(' ', grep { my $s = $_; $needed{$s}
			&& !grep { $_ eq $s } @solvable } sort keys %needed), "\n";
	print "\n== times, ms\n";
	for my $s (sort keys %{ $time{none} })
	{
		printf "%s %4d %-40s", $s, $weight{$s}, $title{$s};
		printf " %9.2f", $time{$_}{$s} // 0 for @advisors;
		print "\n";
	}
}

sub bar
{
	my ($what, $is, $sign, $bar) = @_;
	my $held = $sign eq '>=' ? $is >= $bar : $is <= $bar;
	push @bars, sprintf "* %s: %.3g, the bar is %s %.3g: %s\n", $what, $is, $sign, $bar,
		$held ? 'held' : 'MISSED';
}

# Findings on indexes that exist, estimates and obstacles: those that should be
# there, and how many others.
sub findings
{
	my @expected = @_ or return;
	my (%seen, @absent);
	for my $e (@expected)
	{
		my @hits = grep { $found[$_][0] eq $e->{name} && $found[$_][1] =~ /$e->{pattern}/ }
			0 .. $#found;
		push @absent, "$e->{name} $e->{why}" if !@hits;
		$seen{$_} = 1 for @hits;
	}
	printf "\nFindings of pg_diagnose: %d of %d expected, %d others.\n",
		@expected - @absent, scalar @expected, @found - keys %seen;
	return if !$ENV{DETAILS};
	print "absent: $_\n" for @absent;
	print "other: @{ $found[$_] }\n" for grep { !$seen{$_} } 0 .. $#found;
}

# ---- Questions that are asked once ----

sub tpch
{
	my ($results, $truth_file) = @_;
	read_results($results);
	my (%sum, %cancelled);
	for my $name (@advisors)
	{
		for my $phase (qw(before after))
		{
			for my $q (values %{ $question{$name}{$phase} })
			{
				$sum{$name}{$phase} += median(map { $_->[0] } @$q);
				$cancelled{$name}{$phase} += grep { $_->[1] ne 'ended' } $q->[0];
			}
		}
	}
	printf "\n**%s**: %d questions; %s, %d MB, %s\n\n", $meta{workload}, scalar keys %weight,
		$meta{version}, $meta{megabytes}, $meta{date};
	print "| advisor | proposed | DDL fails | never used | MB | cancelled | seconds | asked, s |\n";
	print "|---|--:|--:|--:|--:|--:|--:|--:|\n";
	for my $name (@advisors)
	{
		my @built = grep { $_->{definition} ne '' } @{ $built{$name} // [] };
		my $bytes = 0;
		$bytes += $_->{bytes} for @built;
		printf "| %s | %d | %d | %s | %.0f | %d -> %d | %.1f -> %.1f | %s |\n", $name,
			scalar @{ $built{$name} // [] }, @{ $built{$name} // [] } - @built,
			$unused{$name} // '-', $bytes / 2**20, $cancelled{$name}{before},
			$cancelled{$name}{after}, $sum{$name}{before}, $sum{$name}{after},
			$asked{$name} // '-';
		next if $name ne 'diagnose';
		bar('seconds', $sum{$name}{after}, '<=', 4);
		bar('MB', $bytes / 2**20, '<=', 30);
	}
	print "\n", @bars;
	return if !$ENV{DETAILS};
	for my $name (@advisors)
	{
		print "\n== $name\n";
		print $_->{definition} || $_->{ddl}, sprintf(" %.1f MB\n", ($_->{bytes} || 0) / 2**20)
			for @{ $built{$name} // [] };
	}
	for my $q (sort keys %title)
	{
		printf "%s %-45s", $q, $title{$q};
		printf " %7.3f", median(map { $_->[0] } @{ $question{$_}{after}{$q} }) for @advisors;
		print "\n";
	}
}

# ---- HypoPG, and what was really built ----

sub oracle
{
	my (%kind, @kinds);
	printf "| index | cost | if it existed | ours | HypoPG | MB | ours | HypoPG |\n";
	printf "|---|--:|--:|--:|--:|--:|--:|--:|\n";
	for (lines_of($_[0]))
	{
		my ($word, $kind, $definition, $statement, $before, $real, $ours, $hypopg, @size) = split /\t/;
		next if $word ne 'oracle';
		push @kinds, $kind if !$kind{$kind};
		push @{ $kind{$kind}{ours} }, $ours / $real;
		push @{ $kind{$kind}{hypopg} }, $hypopg / $real;
		printf "| %s | %.0f | %.1f | %.2f | %.2f | %.2f | %.2f | %.2f |\n", $definition, $before,
			$real, $ours / $real, $hypopg / $real, $size[0] / 2**20,
			$size[1] / $size[0], $size[2] / $size[0];
	}
	print "\n| costs within 10 % of the real ones | ours | HypoPG |\n|---|--:|--:|\n";
	for my $k (@kinds)
	{
		printf "| %s | %d of %d | %d of %d |\n", $k, map
		{
			my $list = $kind{$k}{$_};
			(scalar(grep { $_ > 1 / 1.1 && $_ < 1.1 } @$list), scalar @$list)
		} qw(ours hypopg);
	}
}
