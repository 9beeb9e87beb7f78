-- What the application sends for one order.  In a project of yours this is the
-- application itself: its test client, or a script that calls it.  The comment
-- is a tag as sqlcommenter writes it, from which the transaction has its name.

BEGIN /*route='/checkout'*/;
SELECT customer FROM cart WHERE id = :cart FOR UPDATE;
SELECT l.product_id, l.quantity, p.price
FROM cart_line AS l JOIN product AS p ON p.id = l.product_id
WHERE l.cart_id = :cart;
UPDATE product AS p SET stock = stock - l.quantity
FROM cart_line AS l
WHERE l.cart_id = :cart AND p.id = l.product_id;
INSERT INTO orders (cart_id, total)
SELECT l.cart_id, sum(l.quantity * p.price)
FROM cart_line AS l JOIN product AS p ON p.id = l.product_id
WHERE l.cart_id = :cart
GROUP BY l.cart_id;
COMMIT;

-- The page after it reads without a transaction.
SELECT id, total FROM orders WHERE cart_id = :cart /*route='/orders'*/;
SELECT name, stock FROM product WHERE id = :cart /*route='/orders'*/;
