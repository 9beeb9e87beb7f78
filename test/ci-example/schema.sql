-- The database of a shop, with the same rows every time.

CREATE TABLE product (
	id			integer PRIMARY KEY,
	name		text NOT NULL,
	price		numeric NOT NULL,
	stock		integer NOT NULL
);

CREATE TABLE cart (
	id			integer PRIMARY KEY,
	customer	text NOT NULL
);

CREATE TABLE cart_line (
	cart_id		integer NOT NULL REFERENCES cart,
	product_id	integer NOT NULL REFERENCES product,
	quantity	integer NOT NULL
);
CREATE INDEX cart_line_cart_idx ON cart_line (cart_id);

CREATE TABLE orders (
	id			integer PRIMARY KEY GENERATED ALWAYS AS IDENTITY,
	cart_id		integer NOT NULL REFERENCES cart,
	total		numeric NOT NULL
);

INSERT INTO product
SELECT i, 'product ' || i, i % 50 + 0.99, 1000 FROM generate_series(1, 5000) AS i;
INSERT INTO cart
SELECT i, 'customer ' || i FROM generate_series(1, 2000) AS i;
INSERT INTO cart_line
SELECT c, (c * 37 + l * 611) % 5000 + 1, l % 3 + 1
FROM generate_series(1, 8) AS l, generate_series(1, 2000) AS c;
