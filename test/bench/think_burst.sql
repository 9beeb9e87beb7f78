SELECT abalance FROM pgbench_accounts WHERE aid = 1;
\sleep 20 ms
SELECT bid FROM pgbench_accounts WHERE aid = 1;
\sleep 50 ms
SELECT aid FROM pgbench_accounts WHERE aid = 1;
