-- Windows: a stretch of time by the names of its ends.  A label is the only
-- way in, so that a snapshot or a mark is one more label, not a new function.

CREATE OR REPLACE FUNCTION diagnose.window(
	from_label						text DEFAULT 'reset',
	to_label						text DEFAULT 'now')
RETURNS diagnose.window
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
	unknown							text;
BEGIN
	IF from_label IS NULL OR to_label IS NULL THEN
		RAISE EXCEPTION '% must not be null',
			CASE WHEN from_label IS NULL THEN 'from_label' ELSE 'to_label' END
			USING ERRCODE = 'null_value_not_allowed',
				HINT = 'The last reset is "reset", the present is "now".';
	END IF;

	SELECT label INTO unknown
	FROM unnest(ARRAY[from_label, to_label]) WITH ORDINALITY AS u (label, position)
	WHERE label NOT IN ('reset', 'now')
	ORDER BY position LIMIT 1;
	IF FOUND THEN
		RAISE EXCEPTION 'label "%" does not exist', unknown
			USING ERRCODE = 'undefined_object',
				HINT = 'The last reset is "reset", the present is "now".';
	END IF;

	IF from_label = 'now' OR to_label = 'reset' THEN
		RAISE EXCEPTION 'window from "%" to "%" does not end after it begins',
			from_label, to_label
			USING ERRCODE = 'invalid_parameter_value',
				HINT = 'Name the earlier end first.';
	END IF;

	RETURN diagnose.since_reset();
END
$$;
COMMENT ON FUNCTION diagnose.window(text, text) IS
'the window between two labels: "reset" is the last reset, "now" the present';
