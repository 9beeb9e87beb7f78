-- Text: a statement without its literals, and its fingerprint. STABLE, for
-- what is a literal depends on standard_conforming_strings.
CREATE OR REPLACE FUNCTION diagnose.mask(statement text) RETURNS text
AS 'MODULE_PATHNAME', 'pgd_mask'
LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.mask(text) IS
'the statement with ? for every literal, without comments, long lists shortened; NULL if nothing of it could be read';

CREATE OR REPLACE FUNCTION diagnose.fingerprint(statement text) RETURNS bigint
AS 'MODULE_PATHNAME', 'pgd_fingerprint'
LANGUAGE c STABLE STRICT PARALLEL SAFE;
COMMENT ON FUNCTION diagnose.fingerprint(text) IS
'number that identifies the statement whatever its literals, parameters, list lengths, comments and blanks, the same on every server; NULL if nothing of it could be read';
