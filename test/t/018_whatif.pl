# test/t/018_whatif.pl
#
# What-if on a standby; beside somebody who holds a lock; cancelled; and beside
# HypoPG.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->start;
$primary->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE t (id int, kind int, note text) PARTITION BY RANGE (id);
	CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10000);
	CREATE TABLE t_2 PARTITION OF t FOR VALUES FROM (10000) TO (30000);
	INSERT INTO t SELECT g, g % 7, 'Note ' || g FROM generate_series(1, 20000) AS g;
	CREATE TABLE plain AS SELECT * FROM t;
	CREATE UNLOGGED TABLE unlogged AS SELECT * FROM t;
	CREATE FUNCTION slow(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		PERFORM pg_sleep(100); -- workload: until it is cancelled
		RETURN 1;
	END $$;
	ANALYZE;));

sub what_if
{
	my ($node, $statement, @indexes) = @_;
	my $indexes = join ', ', map { "'$_'" } @indexes;

	return $node->safe_psql('postgres',
		"SELECT w.used, w.problem, w.item FROM diagnose.what_if(\$\$$statement\$\$, ARRAY[$indexes]::text[]) AS w");
}

# ---- Somebody holds a lock ----

my $holder = $primary->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE plain, t_2 IN ACCESS EXCLUSIVE MODE');
like(what_if($primary, 'SELECT 1', 'CREATE INDEX ON plain (id)'),
	qr/could not obtain lock on relation "plain"/,
	'an index on a locked table is not waited for');
like(what_if($primary, 'SELECT 1', 'CREATE INDEX ON t (id)'),
	qr/canceling statement due to lock timeout/,
	'nor is one on a partitioned table with a locked partition');
like(what_if($primary, 'SELECT * FROM t_1 WHERE kind = 77', 'CREATE INDEX ON t_1 (kind)'),
	qr/^t\|\|statement$/m, 'other tables are not in the way');
my ($result, $out, $err) = $primary->psql('postgres',
	q(SELECT * FROM diagnose.what_if('SELECT * FROM plain', '{}')));
like($err, qr/lock timeout/, 'a statement about a locked table is not waited for, either');
$holder->query_safe('COMMIT');
$holder->quit;
is(what_if($primary, 'SELECT * FROM plain WHERE id = 7', 'CREATE INDEX ON plain (id)'),
	"t||statement\nt||CREATE INDEX plain_id_idx ON public.plain (id)", 'it is when it is free again');

# ---- Who cancels is obeyed ----

($result, $out, $err) = $primary->psql('postgres', q(
	SET statement_timeout = '300ms';
	SELECT * FROM diagnose.what_if('SELECT * FROM plain WHERE id = slow(5)', '{CREATE INDEX ON plain (id)}')));
like($err, qr/canceling statement due to statement timeout/, 'a timeout while planning passes');
($result, $out, $err) = $primary->psql('postgres', q(
	SET statement_timeout = '300ms';
	SELECT * FROM diagnose.what_if('SELECT 1', '{CREATE INDEX ON plain (slow(id))}')));
like($err, qr/canceling statement due to statement timeout/, 'and one while values are computed');

# ---- HypoPG, where it is installed, comes to the same conclusions ----

SKIP:
{
	my @asked = (
		[ '(id)', 'SELECT * FROM plain WHERE id = 7' ],
		[ '(id)', 'SELECT * FROM plain WHERE id BETWEEN 7 AND 700' ],
		[ '(id DESC)', 'SELECT * FROM plain ORDER BY id DESC LIMIT 7' ],
		[ '(kind, id)', 'SELECT * FROM plain WHERE kind = 3 AND id > 19000' ],
		[ '(id) INCLUDE (kind)', 'SELECT kind FROM plain WHERE id IN (1, 2, 3)' ],
		[ '(note text_pattern_ops)', q(SELECT * FROM plain WHERE note LIKE 'Note 77%') ],
		[ '(id) WHERE kind = 3', 'SELECT * FROM plain WHERE kind = 3 AND id < 100' ],
		[ '(id)', 'SELECT count(*) FROM plain AS a JOIN plain AS b USING (id) WHERE a.note = $$Note 7$$' ],
		[ '(kind)', 'SELECT * FROM plain WHERE kind = 3' ]);

	skip 'HypoPG is not installed', 2 * @asked
	  if $primary->safe_psql('postgres', q(SELECT count(*) FROM pg_available_extensions WHERE name = 'hypopg')) eq '0';
	$primary->safe_psql('postgres', 'CREATE EXTENSION hypopg');
	foreach my $ask (@asked)
	{
		my ($index, $statement) = @$ask;
		my $theirs = $primary->safe_psql('postgres', qq(
			SELECT FROM hypopg_create_index(\$x\$CREATE INDEX ON plain $index\$x\$);
			EXPLAIN $statement));
		my $ours = $primary->safe_psql('postgres', qq(
			SELECT line FROM diagnose.what_if_explain(\$x\$$statement\$x\$,
				ARRAY[\$x\$CREATE INDEX ON plain $index\$x\$]) WHERE plan = 'after'));
		my ($their_cost) = $theirs =~ /\.\.([0-9.]+) rows/;
		my ($our_cost) = $ours =~ /\.\.([0-9.]+) rows/;

		# It knows neither how high a tree is nor how equal keys are kept, so
		# that costs are not the same; test what_if_real has the real ones.
		is($ours =~ /Index/ ? 'used' : 'not used', $theirs =~ /Index/ ? 'used' : 'not used',
			"$index: HypoPG agrees about $statement");
		cmp_ok(abs(log($our_cost / $their_cost)), '<', log(2), "at a cost of $our_cost, not $their_cost");
	}
	$primary->safe_psql('postgres', 'DROP EXTENSION hypopg');
}

# ---- A standby ----

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);

is(what_if($standby, 'SELECT * FROM t WHERE lower(note) = $1', 'CREATE INDEX ON t (lower(note))',
		'CREATE INDEX ON plain USING gin (to_tsvector(\'\'simple\'\', note))', 'CREATE INDEX ON plain (nothing)'),
	"t||statement\nt||CREATE INDEX t_lower_idx ON public.t (lower(note))\n"
	  . "f||CREATE INDEX plain_to_tsvector_idx ON public.plain USING gin (to_tsvector('simple'::regconfig, note))\n"
	  . 'f|column "nothing" does not exist|CREATE INDEX ON plain (nothing)',
	'a standby answers');
like($standby->safe_psql('postgres',
		q(SELECT line FROM diagnose.what_if_explain('SELECT * FROM t WHERE id = 7', '{CREATE INDEX ON t (id)}'))),
	qr/using t_id_idx on t_1/, 'and explains');
like(what_if($standby, 'SELECT 1', 'CREATE INDEX ON unlogged (id)'),
	qr/cannot access temporary or unlogged relations during recovery/, 'what it cannot read it says');
is($standby->safe_psql('postgres', q(
		SELECT count(*) FROM diagnose.what_if('SELECT * FROM t WHERE id = 7', '{CREATE INDEX ON t (id)}'), generate_series(1, 200))),
	'400', 'again and again');
is($standby->safe_psql('postgres', q(SELECT count(*) FROM pg_locks WHERE relation::regclass::text ~ '^(t|plain)')),
	'0', 'and holds no lock');

$standby->stop;
$primary->stop;
done_testing();
