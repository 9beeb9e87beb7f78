-- Tables and rows after the structure of TPC-H, by a generator of our own: the
-- results are not comparable with those of the TPC.  Primary keys are the only
-- indexes.
--
-- psql variable: percent, of scale factor 0.1 (600,000 rows in lineitem).

\set ON_ERROR_STOP on
SET client_min_messages = warning;
SET synchronous_commit = off;
CREATE SCHEMA tpch;
ALTER DATABASE :"DBNAME" SET search_path = tpch, public;
SET search_path = tpch, public;
SELECT 1500 * :percent AS orders, 200 * :percent AS parts, 10 * :percent AS suppliers,
	150 * :percent AS customers \gset
SELECT setseed(0.77) \g /dev/null

CREATE FUNCTION pick(VARIADIC choice text[]) RETURNS text LANGUAGE sql VOLATILE
	RETURN choice[1 + floor(random() * cardinality(choice))::int];
-- from 1 to n
CREATE FUNCTION any_of(n int) RETURNS int LANGUAGE sql VOLATILE
	RETURN 1 + floor(random() * n)::int;

CREATE TABLE region (r_regionkey int PRIMARY KEY, r_name text NOT NULL);
INSERT INTO region VALUES (0, 'AFRICA'), (1, 'AMERICA'), (2, 'ASIA'), (3, 'EUROPE'),
	(4, 'MIDDLE EAST');

CREATE TABLE nation (n_nationkey int PRIMARY KEY, n_name text NOT NULL,
	n_regionkey int NOT NULL REFERENCES region);
INSERT INTO nation
	SELECT i, 'NATION' || i, i % 5 FROM generate_series(0, 24) AS i;

CREATE TABLE supplier (
	s_suppkey int PRIMARY KEY, s_name text NOT NULL, s_address text NOT NULL,
	s_nationkey int NOT NULL REFERENCES nation, s_phone text NOT NULL,
	s_acctbal numeric(12, 2) NOT NULL, s_comment text NOT NULL);
INSERT INTO supplier
	SELECT i, 'Supplier#' || i, md5(i::text), i % 25, 10 + i % 25 || '-' || i,
		random() * 11000 - 1000,
		CASE WHEN i % 200 = 7 THEN 'Customer has had Complaints' ELSE md5('s' || i) END
	FROM generate_series(1, :suppliers) AS i;

CREATE TABLE part (
	p_partkey int PRIMARY KEY, p_name text NOT NULL, p_mfgr text NOT NULL,
	p_brand text NOT NULL, p_type text NOT NULL, p_size int NOT NULL,
	p_container text NOT NULL, p_retailprice numeric(12, 2) NOT NULL);
INSERT INTO part
	SELECT i, pick('almond', 'blue', 'cream', 'dark', 'forest', 'green', 'ivory', 'khaki',
			'lime', 'navy', 'olive', 'peach', 'red', 'sky', 'tan', 'wheat', 'white', 'plum')
			|| ' ' || pick('azure', 'beige', 'coral', 'drab', 'gold', 'green') || ' ' || i,
		'Manufacturer#' || m, 'Brand#' || m || any_of(5),
		pick('STANDARD', 'SMALL', 'MEDIUM', 'LARGE', 'ECONOMY', 'PROMO') || ' '
			|| pick('ANODIZED', 'BURNISHED', 'PLATED', 'POLISHED', 'BRUSHED') || ' '
			|| pick('TIN', 'NICKEL', 'BRASS', 'STEEL', 'COPPER'),
		any_of(50), pick('SM', 'LG', 'MED', 'JUMBO', 'WRAP') || ' '
			|| pick('CASE', 'BOX', 'BAG', 'JAR', 'PKG', 'PACK', 'CAN', 'DRUM'),
		900 + i % 1000
	FROM (SELECT i, any_of(5) AS m FROM generate_series(1, :parts) AS i) AS t;

CREATE TABLE partsupp (
	ps_partkey int REFERENCES part, ps_suppkey int REFERENCES supplier,
	ps_availqty int NOT NULL, ps_supplycost numeric(12, 2) NOT NULL,
	PRIMARY KEY (ps_partkey, ps_suppkey));
INSERT INTO partsupp
	SELECT p, 1 + (p + k * (:suppliers / 4 + p / :suppliers)) % :suppliers,
		any_of(9999), random() * 1000
	FROM generate_series(1, :parts) AS p, generate_series(0, 3) AS k
	ON CONFLICT DO NOTHING;

CREATE TABLE customer (
	c_custkey int PRIMARY KEY, c_name text NOT NULL, c_address text NOT NULL,
	c_nationkey int NOT NULL REFERENCES nation, c_phone text NOT NULL,
	c_acctbal numeric(12, 2) NOT NULL, c_mktsegment text NOT NULL);
INSERT INTO customer
	SELECT i, 'Customer#' || i, md5(i::text), n, 10 + n || '-' || i, random() * 11000 - 1000,
		pick('AUTOMOBILE', 'BUILDING', 'FURNITURE', 'MACHINERY', 'HOUSEHOLD')
	FROM (SELECT i, any_of(25) - 1 AS n FROM generate_series(1, :customers) AS i) AS t;

CREATE TABLE orders (
	o_orderkey int PRIMARY KEY, o_custkey int NOT NULL REFERENCES customer,
	o_orderstatus text NOT NULL, o_totalprice numeric(12, 2) NOT NULL,
	o_orderdate date NOT NULL, o_orderpriority text NOT NULL, o_comment text NOT NULL);
-- a third of the customers never order
INSERT INTO orders
	SELECT i, c + CASE WHEN c % 3 = 0 THEN -1 ELSE 0 END,
		CASE WHEN d < 1200 THEN 'F' ELSE 'O' END, 1000 + random() * 300000,
		date '1992-01-01' + d, pick('1-URGENT', '2-HIGH', '3-MEDIUM', '4-NOT', '5-LOW'),
		CASE WHEN i % 90 = 0 THEN 'special as to requests' ELSE md5('o' || i) END
	FROM (SELECT i, any_of(:customers) AS c, any_of(2405) AS d
		FROM generate_series(1, :orders) AS i) AS t;

CREATE TABLE lineitem (
	l_orderkey int REFERENCES orders, l_partkey int NOT NULL, l_suppkey int NOT NULL,
	l_linenumber int, l_quantity numeric(12, 2) NOT NULL,
	l_extendedprice numeric(12, 2) NOT NULL, l_discount numeric(12, 2) NOT NULL,
	l_tax numeric(12, 2) NOT NULL, l_returnflag text NOT NULL, l_linestatus text NOT NULL,
	l_shipdate date NOT NULL, l_commitdate date NOT NULL, l_receiptdate date NOT NULL,
	l_shipinstruct text NOT NULL, l_shipmode text NOT NULL, l_comment text NOT NULL,
	PRIMARY KEY (l_orderkey, l_linenumber));
INSERT INTO lineitem
	SELECT o, p, 1 + (p + any_of(4) * (:suppliers / 4 + p / :suppliers)) % :suppliers, n, q,
		q * (900 + p % 1000), (any_of(11) - 1) * 0.01, (any_of(9) - 1) * 0.01,
		CASE WHEN d < 1200 THEN pick('R', 'A') ELSE 'N' END,
		CASE WHEN d < 1200 THEN 'F' ELSE 'O' END,
		date '1992-01-01' + d + s, date '1992-01-01' + d + 30 + any_of(60),
		date '1992-01-01' + d + s + any_of(30),
		pick('DELIVER IN PERSON', 'COLLECT COD', 'NONE', 'TAKE BACK RETURN'),
		pick('REG AIR', 'AIR', 'RAIL', 'SHIP', 'TRUCK', 'MAIL', 'FOB'), md5('l' || o || n)
	FROM (SELECT o.o_orderkey AS o, o.o_orderdate - date '1992-01-01' AS d, n,
			any_of(:parts) AS p, any_of(50) AS q, any_of(120) AS s
		FROM orders AS o, generate_series(1, 1 + o.o_orderkey % 7) AS n) AS t;
ALTER TABLE lineitem ADD FOREIGN KEY (l_partkey) REFERENCES part,
	ADD FOREIGN KEY (l_suppkey) REFERENCES supplier;
VACUUM (FREEZE, ANALYZE);
