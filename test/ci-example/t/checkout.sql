-- The same for pg_prove, which reads what SELECT returns.

\getenv folder PG_ABS_SRCDIR
\set workload :folder '/app/workload.sql'
\o /dev/null
SELECT diagnose.reset();
\o
\i :workload

SELECT diagnose.tap(
	$$assert_no_regression('checkout')$$,
	$$assert_transaction('/checkout', max_statements => 4, max_blocks => 400)$$,
	$$assert_transaction('/orders', no_findings => '{n_plus_one,redundant_read}')$$,
	$$assert_plan('SELECT quantity FROM cart_line WHERE cart_id = $1',
		uses_index => 'cart_line_cart_idx')$$);
