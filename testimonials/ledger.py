"""What ends or narrows a consent, for the ledger (newsroom/ledger.py): numbers, names of columns and days alone."""

TRIGGERS = """
CREATE FUNCTION testimonials_leaves() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := CASE WHEN TG_OP = 'UPDATE' THEN to_jsonb(NEW) END;
    cut jsonb;
BEGIN
    IF TG_OP = 'DELETE' THEN
        PERFORM public.newsroom_note('gone', TG_TABLE_NAME, OLD.id, '{}');
    ELSIF TG_TABLE_NAME = 'testimonials_contributor' THEN
        IF before->>'age' <> 'minor' AND after->>'age' = 'minor' THEN
            PERFORM public.newsroom_note('minor', TG_TABLE_NAME, OLD.id, '{}');
        END IF;
    ELSIF before->>'withdrawn_at' IS NULL AND after->>'withdrawn_at' IS NOT NULL THEN
        PERFORM public.newsroom_note('withdrawn', TG_TABLE_NAME, OLD.id, '{}');
    ELSE
        SELECT coalesce(jsonb_agg(key ORDER BY key), '[]') INTO cut FROM jsonb_each(before)
        WHERE key LIKE 'scope\\_%' AND value = 'true' AND after->key = 'false';
        IF cut <> '[]' OR (after->>'expires_on')::date < (before->>'expires_on')::date THEN
            PERFORM public.newsroom_note('cut', TG_TABLE_NAME, OLD.id,
                                         jsonb_build_object('scopes', cut, 'expires_on', after->>'expires_on'));
        END IF;
    END IF;
    RETURN NULL;
END
$$;
CREATE TRIGGER testimonials_leaves AFTER UPDATE OR DELETE ON testimonials_consent
    FOR EACH ROW EXECUTE FUNCTION testimonials_leaves();
CREATE TRIGGER testimonials_leaves AFTER UPDATE OF age OR DELETE ON testimonials_contributor
    FOR EACH ROW EXECUTE FUNCTION testimonials_leaves();
ALTER TABLE testimonials_consent ENABLE ALWAYS TRIGGER testimonials_leaves;
ALTER TABLE testimonials_contributor ENABLE ALWAYS TRIGGER testimonials_leaves;
"""
NO_TRIGGERS = "DROP FUNCTION testimonials_leaves() CASCADE;"
