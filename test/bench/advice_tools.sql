-- What the benchmark of index advice needs in the database, made after the
-- advisors have been asked.  psql variable: schema.

SET client_min_messages = warning;
CREATE SCHEMA advice;
CREATE TABLE advice.target AS SELECT :'schema'::regnamespace::oid AS namespace;
CREATE TABLE advice.known AS SELECT indexrelid AS oid FROM pg_index;

-- An index and those of its partitions.
CREATE FUNCTION advice.parts(index oid) RETURNS SETOF oid
LANGUAGE sql STABLE AS $$
	SELECT index UNION SELECT relid FROM pg_partition_tree(index)
$$;

-- Indexes made since the last call.  Those of partitions belong to their parent.
CREATE FUNCTION advice.new_index() RETURNS TABLE (bytes int8, definition text)
LANGUAGE sql VOLATILE AS $$
	WITH new AS (
		INSERT INTO advice.known
			SELECT i.indexrelid FROM pg_index AS i
			WHERE NOT EXISTS (SELECT FROM advice.known AS k WHERE k.oid = i.indexrelid)
				AND (SELECT c.relnamespace FROM pg_class AS c WHERE c.oid = i.indexrelid)
					= (SELECT namespace FROM advice.target)
			RETURNING oid)
	SELECT (SELECT sum(pg_relation_size(p)) FROM advice.parts(n.oid) AS p)::int8,
		pg_get_indexdef(n.oid)
	FROM new AS n WHERE NOT EXISTS (SELECT FROM pg_inherits AS i WHERE i.inhrelid = n.oid)
$$;

-- Its index and those of its partitions are there for the planner, or not.
CREATE FUNCTION advice.show(definition text, visible boolean) RETURNS void
LANGUAGE sql VOLATILE AS $$
	UPDATE pg_index SET indisvalid = visible
	WHERE indexrelid IN (SELECT p
		FROM pg_index AS i CROSS JOIN LATERAL advice.parts(i.indexrelid) AS p
		WHERE pg_get_indexdef(i.indexrelid) = definition)
$$;

-- Scans so far, by the definition of the index.
CREATE FUNCTION advice.scans() RETURNS TABLE (definition text, scans int8)
LANGUAGE sql STABLE AS $$
	SELECT pg_get_indexdef(i.indexrelid),
		(SELECT sum(pg_stat_get_numscans(p))
		FROM advice.parts(i.indexrelid) AS p)::int8
	FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid
	WHERE c.relnamespace = (SELECT namespace FROM advice.target) AND NOT c.relispartition
$$;
