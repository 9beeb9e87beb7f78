-- What would the planner do with indexes that do not exist, or without some
-- that do?  Nothing is executed, created or locked for longer than it takes.

CREATE OR REPLACE FUNCTION diagnose.what_if(
	statement					text,
	indexes						text[],
	hide						regclass[] DEFAULT '{}',
	OUT cost_before				double precision,
	OUT cost_after				double precision,
	OUT saved_percent			double precision,
	OUT used					boolean,
	OUT size_bytes				bigint,
	OUT problem					text,
	OUT item					text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 5 COST 10000
AS 'MODULE_PATHNAME', 'pgd_what_if';
COMMENT ON FUNCTION diagnose.what_if(text, text[], regclass[]) IS
'the cost of a statement, in the planner''s units, as things are and if these CREATE INDEX statements had been executed and the hidden indexes did not exist; then a row for each index: is it used, its size when it is new, what is wrong with its definition';

CREATE OR REPLACE FUNCTION diagnose.what_if_explain(
	statement					text,
	indexes						text[],
	hide						regclass[] DEFAULT '{}',
	OUT plan					text,
	OUT line					text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 20 COST 10000
AS 'MODULE_PATHNAME', 'pgd_what_if_explain';
COMMENT ON FUNCTION diagnose.what_if_explain(text, text[], regclass[]) IS
'EXPLAIN of a statement as things are (before), and if these CREATE INDEX statements had been executed and the hidden indexes did not exist (after); nothing is executed';
