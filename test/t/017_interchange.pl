# test/t/017_interchange.pl
#
# Documents travel: the same work on clones of a database gives the same bytes,
# and what one server exports another one imports, also a standby.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
$primary->append_conf('postgresql.conf', 'max_parallel_workers_per_gather = 0');
$primary->start;
$primary->safe_psql('postgres', 'CREATE DATABASE shop');
$primary->safe_psql('shop', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE orders (id int PRIMARY KEY, customer int NOT NULL, total int NOT NULL);
	INSERT INTO orders SELECT i, i % 100, i FROM generate_series(1, 20000) AS i;
	CREATE INDEX ON orders (customer);
	VACUUM (FREEZE, ANALYZE);
	CHECKPOINT));

my $work = q(
	SET application_name = 'checkout';
	BEGIN;
	SELECT id FROM orders WHERE customer = 7 ORDER BY id LIMIT 8;
	) . join('', map { "SELECT total FROM orders WHERE id = $_;\n" } 7, 107, 207, 307, 407, 507, 607, 707) . q(
	COMMIT;
	BEGIN;
	SELECT total FROM orders WHERE id = 1;
	UPDATE orders SET total = 2 WHERE id = 1;
	INSERT INTO orders VALUES (20001, 1, 1);
	COMMIT;
	DELETE FROM orders WHERE id = 3;
	SELECT count(*), sum(total) FROM orders;
	SELECT total FROM orders ORDER BY total DESC, id LIMIT 3;);

# Also on more than one day, and whatever else the server has done.
my %documents;
foreach my $i (1 .. 6)
{
	my $clone = "clone_$i";
	$primary->safe_psql('postgres', "CREATE DATABASE $clone TEMPLATE shop");
	$primary->safe_psql($clone, $work);
	$primary->safe_psql('postgres', 'CHECKPOINT; SELECT count(*) FROM pg_class') if $i % 2;
	$documents{ $primary->safe_psql($clone, 'SELECT jsonb_pretty(diagnose.export(timings => false))') }++;
}
is(scalar keys %documents, 1, 'the same work on six clones gives the same bytes') or diag join "\n====\n", keys %documents;
my ($document) = keys %documents;
like($document, qr/"wal_records": [1-9]/, 'which tell of WAL');
like($document, qr/"shared_blks": [1-9]/, 'and of blocks');
like($document, qr/"rule": "n_plus_one"/, 'and what was found');
unlike($document, qr/clone_|_time|histogram/, 'and name no database, and no time');

# The standby has a history of its own, and no table.
$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
my $timed = $primary->safe_psql('clone_1', 'SELECT diagnose.export()');
foreach my $case ([ 'plain', $document ], [ 'timed', $timed ])
{
	my ($label, $exported) = @$case;
	my $id = $standby->safe_psql('clone_2', "SELECT diagnose.import(\$\$$exported\$\$, '$label')");
	my $same = "SELECT string_agg(k.key, ' ' ORDER BY k.key COLLATE \"C\") FROM jsonb_object_keys(\$\$$exported\$\$::jsonb) AS k (key)
		WHERE \$\$$exported\$\$::jsonb -> k.key IS DISTINCT FROM diagnose.export(ROW(NULL, $id)::diagnose.window) -> k.key";
	is($standby->safe_psql('clone_2', $same), '', "$label: what the standby has imported is the same");
	$standby->restart;
	is($standby->safe_psql('clone_2', $same), '', "$label: and still is after a restart");
}
is($standby->safe_psql('clone_2', q(SELECT count(*) FROM diagnose.recorded_findings((
		SELECT ROW(NULL, id)::diagnose.window FROM diagnose.snapshots() WHERE label = 'plain'))
	WHERE key LIKE 'n\_plus\_one:clone\_2:%')), '1', 'findings are about this database');
is($primary->safe_psql('clone_1', q(SELECT count(*) FROM diagnose.snapshots() WHERE kind = 'imported')), '0',
	'the primary knows nothing of that');

# A file that is cut off is no JSON any more.
my ($status, undef, $stderr) = $standby->psql('clone_2',
	'SELECT diagnose.import($$' . substr($document, 0, length($document) / 2) . q{$$, 'cut off')});
isnt($status, 0, 'a document that is cut off is not taken');
like($stderr, qr/invalid input syntax for type json/, 'with an error');

done_testing();
