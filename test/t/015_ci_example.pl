# test/t/015_ci_example.pl
#
# The project in test/ci-example checks its work in CI: green, red when an index
# is dropped and when a page becomes a loop, green again.  And the output of an
# assertion is the same to the byte on every copy of a database.

use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::RecursiveCopy;
use PostgreSQL::Test::Utils;
use Test::More;

my $project = PostgreSQL::Test::Utils::tempdir() . '/project';
PostgreSQL::Test::RecursiveCopy::copypath('test/ci-example', $project);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', slurp_file("$project/postgresql.conf"));
$node->start;
$ENV{PGHOST} = $node->host;
$ENV{PGPORT} = $node->port;

# What the project says, and whether it is green.
sub ci
{
	my ($out, $status);

	IPC::Run::run([ 'bash', "$project/run.sh", @_ ], '<', \'', '>&', \$out);
	$status = $? >> 8;
	return ($out, $status);
}

sub is_green
{
	my $name = shift;
	my ($out, $status) = ci(@_);

	is($status, 0, $name) or diag($out, differences());
	return $out;
}

sub differences
{
	my $file = "$project/out/regression.diffs";

	return -e $file ? slurp_file($file) : '';
}

# Change a file of the project, and return how it was.
sub edit
{
	my ($name, $change) = @_;
	my $before = slurp_file("$project/$name");

	local $_ = $before;
	$change->();
	isnt($_, $before, "$name is edited");
	put($name, $_);
	return $before;
}

sub put
{
	my ($name, $content) = @_;

	open my $file, '>', "$project/$name" or die "$name: $!";
	print $file $content;
	close $file;
	return;
}

# ---- Green, as committed and as recorded here, by pg_regress and by prove ----

is_green('the project as it is committed is green');
is_green('it is so for prove, too', 'prove');
my $committed = slurp_file("$project/baseline/checkout.json");
is_green('a baseline can be recorded', 'record');
my $recorded = slurp_file("$project/baseline/checkout.json");
is_green('twice', 'record');
is(slurp_file("$project/baseline/checkout.json"), $recorded, 'and is the same each time');
is_green('with this one it is green');
put('baseline/checkout.json', $committed);

# ---- An index is dropped ----

my $schema = edit('schema.sql', sub { s/CREATE INDEX cart_line_cart_idx[^;]*;\n// });
my ($out, $status) = ci();
isnt($status, 0, 'without the index it is red');
like(differences(), qr/^\+ERROR:\s+work\ regressed\ against\ baseline\ "checkout":\ 3\ statements\n
	\+DETAIL:\s+\d+\ statements\ are\ unchanged,\ but:\n
	\+\s+INSERT\ INTO\ orders\ .*:\ blocks\ per\ call\ \d+\ ->\ 1\d\d\n
	\+\s+SELECT\ l\.product_id,\ .*:\ blocks\ per\ call\ \d+\ ->\ 1\d\d\n
	\+\s+UPDATE\ product\ .*:\ blocks\ per\ call\ \d+\ ->\ 1\d\d\n/xm,
	'because three statements read more blocks');
like(differences(), qr/^\+ERROR:\s+plan is not as expected: index "cart_line_cart_idx" does not exist$/m,
	'as the index is gone');
unlike(differences(), qr/^\+.*CONTEXT/m, 'the difference says nothing of pg_diagnose itself');
($out, $status) = ci('prove');
isnt($status, 0, 'prove finds it, too');
like($out, qr/^# work regressed against baseline "checkout": 3 statements$/m, 'and says what');
like($out, qr{Failed 3/4 subtests}, 'three checks of four have failed');
put('schema.sql', $schema);

# ---- A page becomes a loop ----

my $page = edit('app/checkout.sql', sub {
	s{SELECT l\.product_id, l\.quantity, p\.price\n.*?;\n}
	 {SELECT format('SELECT price FROM product WHERE id = %s', product_id)
FROM cart_line WHERE cart_id = :cart \\gexec
}s });
($out, $status) = ci();
isnt($status, 0, 'with a loop it is red');
like(differences(), qr/^\+ERROR:\s+work regressed against baseline "checkout": 1 transaction, 2 new, 1 missing$/m,
	'because of a transaction');
like(differences(), qr{^\+\s+/checkout: statements per transaction 4 -> 12$}m, 'of 12 statements');
like(differences(), qr{^\+ERROR:\s+transaction "/checkout" exceeds max_statements \(12 > 4\) and has findings: n_plus_one$}m,
	'which is more than it may, and has a name');
like(differences(), qr{^\+\s+8 x  SELECT price FROM product WHERE id = \?$}m, 'and a culprit');
put('app/checkout.sql', $page);

is_green('with all repaired it is green again');

# ---- The same to the byte on twenty copies of a database ----

my $statements = q(
	BEGIN /*route='/ten'*/;
	SELECT customer FROM cart WHERE id = 3;
	SELECT count(*) FROM cart_line WHERE cart_id = 3;
	SELECT name FROM product WHERE price = 3.99 ORDER BY id LIMIT 10;
	SELECT max(stock) FROM product;
	SELECT p.name, l.quantity FROM cart_line AS l JOIN product AS p ON p.id = l.product_id WHERE l.cart_id IN (3, 4, 5) ORDER BY 1;
	SELECT product_id, sum(quantity) FROM cart_line GROUP BY product_id ORDER BY 2 DESC, 1 LIMIT 5;
	INSERT INTO orders (cart_id, total) SELECT id, id FROM cart WHERE id <= 100;
	UPDATE product SET stock = stock - 1 WHERE id <= 200;
	UPDATE cart SET customer = customer || '!' WHERE id BETWEEN 10 AND 20;
	DELETE FROM cart_line WHERE cart_id = 3;
	COMMIT;);
$ENV{PGOPTIONS} = '-c jit=off -c max_parallel_workers_per_gather=0 -c pg_diagnose.burst_gap=1min';

sub fresh_copy
{
	$node->safe_psql('postgres',
		'DROP DATABASE IF EXISTS copy; CREATE DATABASE copy TEMPLATE shop_template;');
	return;
}

# All that an assertion can have to say: before, there were two indexes more and
# fewer rows.
fresh_copy();
$node->safe_psql('copy', qq(
	CREATE INDEX ON product (price);
	CREATE INDEX ON product (stock);
	DELETE FROM cart_line WHERE cart_id > 1000 OR cart_id = 4;
	VACUUM FULL ANALYZE cart_line;
	SELECT diagnose.reset();
	$statements
	SELECT diagnose.import(diagnose.export(timings => false), 'ten');));
my $document = $node->safe_psql('copy', q(
	SELECT quote_literal(diagnose.export(ROW(NULL, id)::diagnose.window))
	FROM diagnose.snapshots() WHERE label = 'ten'));
my %outputs;
my $example;
foreach (1 .. 20)
{
	fresh_copy();
	my ($rc, $stdout, $stderr) = $node->psql('copy', qq(
		\\o /dev/null
		SELECT diagnose.drop_snapshot(id) FROM diagnose.snapshots() WHERE label = 'ten';
		SELECT diagnose.import($document, 'ten');
		SELECT diagnose.reset();
		$statements
		\\o
		SELECT diagnose.assert_no_regression('ten');
		SELECT diagnose.assert_transaction('/ten', max_statements => 0, max_blocks => 0,
			max_rows => 0, max_wal_bytes => 0);
		SELECT * FROM diagnose.work(diagnose.since_reset()) ORDER BY query;),
		on_error_stop => 0);
	$example = $stdout . $stderr;
	$outputs{$example}++;
}
note($example);
is(scalar(keys %outputs), 1, 'twenty copies of a database give one output')
  or diag(join("\n----\n", keys %outputs));
like($example, qr/blocks per call/, 'with blocks,');
like($example, qr/rows per call/, 'rows,');
like($example, qr/max_wal_bytes \([\d,]+ > 0\)/, 'WAL');
like($example, qr/max_statements \(10 > 0\)/, 'and statements');

done_testing();
