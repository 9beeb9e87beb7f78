# test/t/019_advice.pl
#
# Index advice beside somebody who holds a lock; cancelled; called again and
# again; after a restart; and on a standby.

use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $primary = PostgreSQL::Test::Cluster->new('primary');
$primary->init(allows_streaming => 1);
# two plans for one statement would be two examples of it
$primary->append_conf('postgresql.conf', q(
pg_stat_statements.track_planning = on
pg_diagnose.snapshot_interval = 0
max_parallel_workers_per_gather = 0
));
$primary->start;
$primary->safe_psql('postgres', q(
	CREATE EXTENSION pg_stat_statements;
	CREATE EXTENSION pg_diagnose;
	CREATE TABLE a (id int, kind int, note text);
	CREATE TABLE b (id int, kind int, note text);
	CREATE TABLE p (id int, kind int) PARTITION BY RANGE (id);
	CREATE TABLE p_1 PARTITION OF p FOR VALUES FROM (0) TO (10000);
	CREATE TABLE p_2 PARTITION OF p FOR VALUES FROM (10000) TO (40000);
	CREATE UNLOGGED TABLE u AS SELECT g AS id, g % 3000 AS kind FROM generate_series(1, 30000) AS g;
	INSERT INTO a SELECT g, g % 3000, 'note ' || g FROM generate_series(1, 30000) AS g;
	INSERT INTO b SELECT * FROM a;
	INSERT INTO p SELECT id, kind FROM a;
	CREATE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
	VACUUM ANALYZE;));

my $workload = join '', map {
	"SELECT count(note) FROM a WHERE kind = $_;
	 SELECT count(note) FROM b WHERE kind = f($_);
	 SELECT count(*) FROM p WHERE kind = $_;"
} 1 .. 10;
my $advised = q(SELECT regexp_replace(ddl, '.* ON ', '') FROM diagnose.advise_indexes() ORDER BY relation;);
my $reasons = q(SELECT DISTINCT reason FROM diagnose.advice_rejected() WHERE ddl IS NULL ORDER BY 1;);
my $all = "public.a (kind)\npublic.b (kind)\npublic.p (kind)";

$primary->safe_psql('postgres', $workload);
is($primary->safe_psql('postgres', $advised), $all, 'a workload gets its indexes');

# ---- Somebody holds a lock ----

my $holder = $primary->background_psql('postgres');
$holder->query_safe(q(
	BEGIN;
	LOCK TABLE a, p_2 IN ACCESS EXCLUSIVE MODE;
	CREATE TABLE uncommitted ();));
is($primary->safe_psql('postgres', "SET statement_timeout = '60s'; $advised"),
	'public.b (kind)', 'what is locked is not waited for, and does not hide the rest');
like($primary->safe_psql('postgres', "SET statement_timeout = '60s'; $reasons"),
	qr/relation "a" is locked/, 'and it is said');
is($primary->safe_psql('postgres', q(
		SET statement_timeout = '60s';
		SELECT bool_or(statement ~ ' b\s'), bool_or(statement ~ ' a\s') FROM diagnose.examples();
		SELECT DISTINCT relation FROM diagnose.predicates(diagnose.since_reset());)),
	"t|f\npublic.b", 'examples() and predicates() wait for nobody, either');
$holder->query_safe('ROLLBACK');
is($primary->safe_psql('postgres', $advised), $all, 'all is there when it is free again');

# A temporary table is its session's.
$holder->query_safe(q(
	CREATE TEMPORARY TABLE mine AS SELECT * FROM a;
	ANALYZE mine;
	SELECT count(*) FROM mine WHERE kind = 1;
	SELECT count(*) FROM mine WHERE kind = 2;));
is($primary->safe_psql('postgres', $advised), $all, 'temporary tables are left alone');
$holder->query_safe('DROP TABLE mine');
is($primary->safe_psql('postgres', $advised), $all, 'also when they are gone');
$holder->quit;

# ---- Who cancels is obeyed, and nothing is left behind ----

my $slow = q(
	CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
	BEGIN
		PERFORM pg_sleep(1000); -- workload: until it is cancelled
		RETURN 1;
	END $$;);
my $fast = q(CREATE OR REPLACE FUNCTION f(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';);
my $state = q(SELECT current_user, current_setting('search_path'), current_setting('transaction_read_only'),
	current_setting('lock_timeout'), current_setting('pg_diagnose.track'), current_setting('random_page_cost'),
	(SELECT count(*) FROM pg_locks WHERE relation::regclass::text IN ('a', 'b', 'p', 'p_1', 'p_2')););

$primary->safe_psql('postgres', $slow);
my ($result, $out, $err) = $primary->psql('postgres', qq(
	SET statement_timeout = '500ms';
	$advised
	RESET statement_timeout;
	$state
	$fast
	$advised), on_error_stop => 0);
like($err, qr/canceling statement due to statement timeout/, 'a timeout while planning passes');
is($out, "postgres|\"\$user\", public|off|0|all|4|0\n$all",
	'and leaves the session as it was, which can ask again');
($result, $out, $err) = $primary->psql('postgres', qq(
	BEGIN;
	$slow
	SET LOCAL statement_timeout = '500ms';
	SAVEPOINT s;
	$advised
	ROLLBACK TO s;
	SET LOCAL statement_timeout = 0;
	$state
	ROLLBACK;
	$advised), on_error_stop => 0);
is($out, "postgres|\"\$user\", public|off|0|all|4|0\n$all", 'also in a transaction that goes on');

# ---- Again and again ----

my $plans = q(SELECT sum(plans) FROM pg_stat_statements WHERE query ~ 'FROM [abp] WHERE';);
my $calls = q(SELECT sum(calls) FROM diagnose.statements WHERE query ~ 'FROM [abp] WHERE';);
my $before = $primary->safe_psql('postgres', "$plans $calls");
$out = $primary->safe_psql('postgres', q(
	DO $$ BEGIN FOR i IN 1 .. 5 LOOP PERFORM count(*) FROM diagnose.index_advice(NULL, NULL, diagnose.since_reset()); END LOOP; END $$;
	SELECT sum(total_bytes) AS before FROM pg_backend_memory_contexts \gset
	DO $$ BEGIN FOR i IN 1 .. 50 LOOP PERFORM count(*) FROM diagnose.index_advice(NULL, NULL, diagnose.since_reset()); END LOOP; END $$;
	SELECT sum(total_bytes) < 1.05 * :before FROM pg_backend_memory_contexts;));
is($out, 't', 'memory does not grow with calls');
is($primary->safe_psql('postgres', "$plans $calls"), $before, 'and no statement has been executed or planned');

# ---- What is known of plans goes with the server, unless it is to be saved ----

$primary->restart;
is($primary->safe_psql('postgres', $advised), '', 'examples do not survive a restart');
$primary->safe_psql('postgres', $workload);
is($primary->safe_psql('postgres', $advised), $all, 'statements bring them back');

# ---- A standby ----

$primary->backup('backup');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'backup', has_streaming => 1);
$standby->start;
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $advised), '', 'a standby knows only what it has executed itself');
$standby->safe_psql('postgres', $workload);
is($standby->safe_psql('postgres', $advised), $all, 'and gives advice about that');
($result, $out, $err) = $standby->psql('postgres', "SELECT count(*) FROM u WHERE kind = 1; $advised", on_error_stop => 0);
is($out, $all, 'an unlogged table is in nobody\'s way');
is($standby->safe_psql('postgres', $state), 'postgres|"$user", public|on|0|all|4|0', 'no lock is left');
$primary->safe_psql('postgres', 'CREATE INDEX ON a (kind); DROP TABLE b; CREATE TABLE c ();');
$primary->wait_for_catchup($standby);
is($standby->safe_psql('postgres', $advised), 'public.p (kind)', 'what the primary does is noticed');
like($standby->safe_psql('postgres', $reasons), qr/does not exist/, 'with a reason');

$standby->stop;
$primary->stop;
done_testing();
