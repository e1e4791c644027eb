"""Postgres itself keeps what was public: a reading that readers may have seen is neither changed nor removed, only corrected."""

from django.db import migrations

GUARD = """
CREATE FUNCTION regions_reading_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    corrected regions_reading%ROWTYPE;
BEGIN
    IF TG_OP <> 'INSERT' AND OLD.published_at <= statement_timestamp() THEN
        RAISE EXCEPTION 'reading % is public and stays as it is: correct it with a new reading that supersedes it', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'regions_reading_append_only';
    END IF;
    IF TG_OP = 'DELETE' THEN
        RETURN OLD;
    END IF;
    IF NEW.supersedes_id IS NOT NULL THEN
        SELECT * INTO corrected FROM regions_reading WHERE id = NEW.supersedes_id;
        IF corrected.id IS NOT NULL AND (corrected.series_id, corrected.effective_on, corrected.precision)
           IS DISTINCT FROM (NEW.series_id, NEW.effective_on, NEW.precision) THEN
            RAISE EXCEPTION 'a correction is of the same series and period as reading %', corrected.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'regions_reading_corrects_same_period';
        END IF;
        IF corrected.id IS NOT NULL
           AND (corrected.published_at IS NULL OR corrected.published_at > statement_timestamp()
                OR NEW.published_at <= corrected.published_at) THEN
            RAISE EXCEPTION 'a correction becomes public after reading %, which is public and which it corrects', corrected.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'regions_reading_corrects_later';
        END IF;
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER regions_reading_guard BEFORE INSERT OR UPDATE OR DELETE ON regions_reading
    FOR EACH ROW EXECUTE FUNCTION regions_reading_guard();
"""

UNGUARD = """
DROP TRIGGER regions_reading_guard ON regions_reading;
DROP FUNCTION regions_reading_guard();
"""


class Migration(migrations.Migration):
    dependencies = [("regions", "0001_initial")]
    operations = [migrations.RunSQL(GUARD, UNGUARD)]
