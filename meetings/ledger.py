"""Documents that were taken away or replaced, for the ledger (newsroom/ledger.py)."""

TRIGGERS = """
CREATE FUNCTION meetings_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' OR OLD.file IS DISTINCT FROM to_jsonb(NEW)->>'file' THEN
        PERFORM public.newsroom_note('gone', TG_TABLE_NAME, OLD.id, '{}');
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER meetings_leaves AFTER UPDATE OF file OR DELETE ON meetings_document
    FOR EACH ROW EXECUTE FUNCTION meetings_leaves();
ALTER TABLE meetings_document ENABLE ALWAYS TRIGGER meetings_leaves;
"""
NO_TRIGGERS = "DROP FUNCTION meetings_leaves() CASCADE;"
