-- What do diagnose.what_if() and HypoPG say of B-tree indexes, and what does the
-- planner say when they exist?  In the database of the shop.

\set ON_ERROR_STOP on
SET client_min_messages = warning;
CREATE TEMPORARY TABLE pairs (n int GENERATED ALWAYS AS IDENTITY, kind text,
	definition text, statement text);
INSERT INTO pairs (kind, definition, statement) VALUES
('one column', 'orders (customer_id)', 'SELECT id FROM orders WHERE customer_id = 77'),
('one column', 'orders (customer_id)', 'SELECT id FROM orders WHERE customer_id IN (5, 77, 1000, 20000)'),
('one column', 'orders (created_at)', 'SELECT id FROM orders ORDER BY created_at DESC LIMIT 50'),
('one column', 'orders (created_at)', 'SELECT count(*) FROM orders WHERE created_at > now() - interval ''2 days'''),
('one column', 'orders (total)', 'SELECT count(*) FROM orders WHERE total BETWEEN 100 AND 103'),
('one column', 'orders (total)', 'SELECT max(total) FROM orders'),
('one column', 'payments (provider_ref)', 'SELECT id FROM payments WHERE provider_ref = ''pi_x'''),
('one column', 'order_items (product_id)', 'SELECT sum(quantity) FROM order_items WHERE product_id = 20000'),
('one column', 'order_items (product_id)', 'SELECT i.quantity FROM products AS p JOIN order_items AS i ON i.product_id = p.id WHERE p.sku = ''SKU-20000'''),
('one column', 'reviews (rating)', 'SELECT count(*) FROM reviews WHERE rating = 5'),
('one column', 'shipments (tracking_no text_pattern_ops)', 'SELECT id FROM shipments WHERE tracking_no LIKE ''TR00123%'''),
('several columns', 'orders (customer_id, created_at)', 'SELECT id FROM orders WHERE customer_id = 77 ORDER BY created_at DESC LIMIT 10'),
('several columns', 'orders (customer_id, created_at)', 'SELECT max(created_at) FROM orders WHERE customer_id = 77'),
('several columns', 'orders (status, created_at)', 'SELECT id FROM orders WHERE status = ''pending'' ORDER BY created_at LIMIT 20'),
('several columns', 'products (category_id, price)', 'SELECT id FROM products WHERE category_id = 20 AND price BETWEEN 50 AND 100 ORDER BY price LIMIT 24'),
('several columns', 'messages (conversation_id, id)', 'SELECT id FROM messages WHERE conversation_id = 99 AND id < 250000 ORDER BY id DESC LIMIT 10'),
('several columns', 'reviews (product_id, created_at)', 'SELECT id FROM reviews WHERE product_id = 500 ORDER BY created_at DESC LIMIT 10'),
('several columns', 'jobs (status, priority DESC, run_at)', 'SELECT id FROM jobs WHERE status = ''pending'' ORDER BY priority DESC, run_at LIMIT 1'),
('several columns', 'addresses (city, zip)', 'SELECT count(*) FROM addresses WHERE city = ''City7'''),
('INCLUDE', 'orders (customer_id) INCLUDE (total)', 'SELECT sum(total) FROM orders WHERE customer_id = 77'),
('INCLUDE', 'order_items (product_id) INCLUDE (quantity)', 'SELECT sum(quantity) FROM order_items WHERE product_id < 50'),
('partial', 'orders (created_at) WHERE status = ''pending''', 'SELECT id FROM orders WHERE status = ''pending'' ORDER BY created_at LIMIT 20'),
('partial', 'jobs (priority DESC, run_at) WHERE status = ''pending''', 'SELECT id FROM jobs WHERE status = ''pending'' ORDER BY priority DESC, run_at LIMIT 1'),
('partial', 'messages (recipient_id) WHERE read_at IS NULL', 'SELECT count(*) FROM messages WHERE recipient_id = 99 AND read_at IS NULL'),
('partial', 'notifications (customer_id) WHERE NOT seen', 'SELECT id FROM notifications WHERE customer_id = 99 AND NOT seen'),
('partial', 'orders (coupon_id) WHERE coupon_id IS NOT NULL', 'SELECT id FROM orders WHERE coupon_id = 99'),
('expression', 'customers (lower(email))', 'SELECT id FROM customers WHERE lower(email) = ''user99@mail.example'''),
('expression', 'products ((attributes ->> ''ean''))', 'SELECT id FROM products WHERE attributes ->> ''ean'' = ''4000000000777'''),
('expression', 'coupons (upper(code))', 'SELECT id FROM coupons WHERE upper(code) = ''SAVE99'''),
('expression', 'products ((attributes ->> ''color''))', 'SELECT count(*) FROM products WHERE attributes ->> ''color'' = ''c17'''),
('expression', 'customers ((profile ->> ''lang''))', 'SELECT count(*) FROM customers WHERE profile ->> ''lang'' = ''de''');

CREATE TEMPORARY TABLE costs (n int, before float8, real float8, ours float8, hypopg float8,
	real_size int8, our_size int8, hypopg_size int8);

CREATE FUNCTION pg_temp.cost(statement text) RETURNS float8 LANGUAGE plpgsql AS $$
DECLARE
	plan json;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || statement INTO plan;
	RETURN plan -> 0 -> 'Plan' ->> 'Total Cost';
END $$;

DO $$
DECLARE
	p record;
	c costs;
	name text;
	hypo oid;
BEGIN
	FOR p IN SELECT * FROM pairs ORDER BY n LOOP
		c := NULL;
		c.n := p.n;
		EXECUTE 'CREATE INDEX oracle_idx ON ' || p.definition;
		EXECUTE 'ANALYZE ' || split_part(p.definition, ' ', 1);
		c.real := pg_temp.cost(p.statement);
		c.real_size := pg_relation_size('oracle_idx');
		DROP INDEX oracle_idx;
		c.before := pg_temp.cost(p.statement);
		SELECT indexrelid INTO hypo FROM hypopg_create_index('CREATE INDEX ON ' || p.definition);
		c.hypopg := pg_temp.cost(p.statement);
		c.hypopg_size := hypopg_relation_size(hypo);
		PERFORM hypopg_reset();
		SELECT w.cost_after INTO c.ours
			FROM diagnose.what_if(p.statement, ARRAY['CREATE INDEX ON ' || p.definition]) AS w
			WHERE w.cost_after IS NOT NULL;
		SELECT max(w.size_bytes) INTO c.our_size
			FROM diagnose.what_if(p.statement, ARRAY['CREATE INDEX ON ' || p.definition]) AS w;
		INSERT INTO costs VALUES (c.*);
	END LOOP;
END $$;

SELECT 'oracle', p.kind, p.definition, p.statement, c.before, c.real, c.ours, c.hypopg,
	c.real_size, c.our_size, c.hypopg_size
FROM pairs AS p JOIN costs AS c USING (n) ORDER BY n;
