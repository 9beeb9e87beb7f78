\set n :n + 1
\set s :n + :client_id * 1250
\set i :s / 100 % 50 + 1
\set j :s % 100 + 1
SELECT c:i, c:j FROM shape WHERE id = 1;
