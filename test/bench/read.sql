SELECT count(*) FROM diagnose.statements;
