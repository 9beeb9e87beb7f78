--
-- An order costs what the baseline says, and is no loop.
--
\getenv folder PG_ABS_SRCDIR
\set workload :folder '/app/workload.sql'
SELECT diagnose.reset() IS NOT NULL AS counts_from_here;
\set ECHO none
\i :workload
\set ECHO all
-- statement by statement, against baseline/checkout.json
SELECT diagnose.assert_no_regression('checkout');
-- one order
SELECT diagnose.assert_transaction('/checkout', max_statements => 4, max_blocks => 400,
	no_findings => '{n_plus_one,redundant_read}');
-- what it depends on
SELECT diagnose.assert_plan('SELECT quantity FROM cart_line WHERE cart_id = $1',
	uses_index => 'cart_line_cart_idx');
