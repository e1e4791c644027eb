"""What is searched of meetings (itsci_site/lib/fulltext.py): topics, summary, and the names of the place, which a trigger copies."""

from django.db import migrations

from itsci_site.lib import fulltext

# Words of the place and words of the summary must be able to match together, in one column with one index.
PLACE_WORDS = """
ALTER TABLE meetings_meeting ADD COLUMN place_words text NOT NULL DEFAULT '';
CREATE FUNCTION meetings_words_of_place() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.place_words := coalesce(
        (SELECT concat_ws(' ', name_en, nullif(name_fr, name_en)) FROM public.meetings_place WHERE id = NEW.place_id), '');
    RETURN NEW;
END
$$;
CREATE FUNCTION meetings_words_to_meetings() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.meetings_meeting SET place_id = place_id WHERE place_id = NEW.id;
    RETURN NULL;
END
$$;
CREATE TRIGGER copy_place_words BEFORE INSERT OR UPDATE OF place_id ON meetings_meeting
    FOR EACH ROW EXECUTE FUNCTION meetings_words_of_place();
CREATE TRIGGER copy_place_words AFTER UPDATE OF name_en, name_fr ON meetings_place
    FOR EACH ROW EXECUTE FUNCTION meetings_words_to_meetings();
UPDATE meetings_meeting SET place_id = place_id;
"""
NO_PLACE_WORDS = """
DROP TRIGGER copy_place_words ON meetings_place;
DROP TRIGGER copy_place_words ON meetings_meeting;
DROP FUNCTION meetings_words_to_meetings();
DROP FUNCTION meetings_words_of_place();
ALTER TABLE meetings_meeting DROP COLUMN place_words;
"""


class Migration(migrations.Migration):
    dependencies = [("meetings", "0002_register"), ("regions", "0005_search")]
    operations = [
        migrations.RunSQL(PLACE_WORDS, NO_PLACE_WORDS),
        migrations.RunSQL(*fulltext.columns("meetings_meeting", {"A": ["place_words"], "B": ["topics*"], "C": ["summary*"]})),
    ]
