\set s random(0, 499)
\set i :s / 100 + 1
\set j :s % 100 + 1
BEGIN;
SELECT c:i, c:j FROM shape WHERE id = 1;
SELECT c:i, c:j FROM shape WHERE id = 2;
COMMIT;
