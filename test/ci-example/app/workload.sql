-- Three orders.  What they return is of no interest here.

\getenv folder PG_ABS_SRCDIR
\set checkout :folder '/app/checkout.sql'
\o /dev/null
\set cart 17
\i :checkout
\set cart 170
\i :checkout
\set cart 1700
\i :checkout
\o
