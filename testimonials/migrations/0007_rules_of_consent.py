"""The rules of consent, and the record of what was public before them: "record not held", and at once due for review.

Which of the source's own quotes are dangerous to whom is in docs/decisions/0022.
"""

from django.db import migrations

from itsci_site.lib import fulltext
from testimonials import rules

SOURCE = """
SET CONSTRAINTS ALL IMMEDIATE;
ALTER TABLE testimonials_testimonial DISABLE TRIGGER USER;
UPDATE testimonials_testimonial SET self_incriminating = true, risk = 'high', place_precision = 'country'
WHERE quote LIKE 'We used to work secretly and we were always afraid that the police would arrest us%';
UPDATE testimonials_testimonial SET child_labour = true
WHERE quote LIKE 'I understood that my place was not in the pits, but on a school bench%';
UPDATE testimonials_testimonial SET portrait = '', portrait_bytes = NULL, portrait_alt = '', portrait_alt_en = '',
    portrait_alt_fr = '' WHERE child_labour OR self_incriminating;
UPDATE testimonials_testimonial SET withdrawn_at = status_at WHERE status = 'withdrawn';
DO $$
DECLARE
    one record;
    consent testimonials_consent;
BEGIN
    FOR one IN SELECT said.id, risk, portrait <> '' AS has_photo, kind <> 'country' AS in_province
               FROM testimonials_testimonial AS said JOIN regions_region AS region ON region.id = region_id
               WHERE said.status = 'published' ORDER BY said.id LOOP
        INSERT INTO testimonials_consent (how, language, scope_quote, scope_translation, scope_first_name, scope_full_name,
            scope_role, scope_province, scope_photo, scope_web, scope_print, expires_on)
        VALUES ('not_held', '', true, false, false, false, false, one.in_province, one.has_photo, true, false,
                (now() + interval '12 months')::date) RETURNING * INTO consent;
        UPDATE testimonials_testimonial SET consent_id = consent.id,
            consent_until = testimonials_consent_until(consent, one.risk) WHERE id = one.id;
    END LOOP;
END
$$;
ALTER TABLE testimonials_testimonial ENABLE TRIGGER USER;
SET CONSTRAINTS ALL DEFERRED;
"""
# Whatever languages there are: those beyond the first two come back after the migrations (fulltext.add_columns).
NO_SEARCH = """
DO $$
DECLARE
    name text;
BEGIN
    FOR name IN SELECT attname FROM pg_attribute WHERE attrelid = 'testimonials_testimonial'::regclass
                AND attname LIKE 'search\\_%' AND NOT attisdropped LOOP
        EXECUTE format('ALTER TABLE testimonials_testimonial DROP COLUMN %I', name);
    END LOOP;
END
$$;
"""
TABLE, TITLES, STORY = "testimonials_testimonial", ["story_title*"], ["story_body*"]
BEFORE = {"A": TITLES, "B": ["story_teaser*", "quote@quote_language"], "C": STORY}
AFTER = {"A": TITLES, "B": ["story_teaser*", "quote@quote_language", "words*"], "C": STORY}


class Migration(migrations.Migration):
    dependencies = [("testimonials", "0006_consent"), ("newsroom", "0001_initial"), ("regions", "0008_approval")]
    operations = [
        migrations.RunSQL(NO_SEARCH + fulltext.columns(TABLE, AFTER)[0], NO_SEARCH + fulltext.columns(TABLE, BEFORE)[0]),
        migrations.RunSQL(rules.REFUSALS, rules.NO_REFUSALS),
        migrations.RunSQL(SOURCE, migrations.RunSQL.noop),
        migrations.RunSQL(rules.TESTIMONIAL, rules.NO_TESTIMONIAL),
        migrations.RunSQL(rules.CONSENT, rules.NO_CONSENT),
    ]
