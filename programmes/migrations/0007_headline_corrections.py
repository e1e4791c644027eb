"""Postgres itself keeps what a headline said: once readers have seen it, it says otherwise only with a public reason."""

from django.db import migrations, models

# What readers see of a headline or, while it is not public, last saw. No version that was overtaken at the very moment it
# would have become public was seen.
GUARD = r"""
CREATE FUNCTION programmes_headline_seen(headline bigint) RETURNS jsonb LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (SELECT to_jsonb(public_now) FROM public.programmes_headline AS public_now
         WHERE id = headline AND status = 'published' AND publish_at <= statement_timestamp()),
        (SELECT content FROM (
            SELECT "row" AS content, at, id, lead(at, 1, statement_timestamp()) OVER (ORDER BY at, id) AS until
            FROM public.regions_version WHERE table_name = 'programmes_headline' AND row_id = headline
         ) AS version
         WHERE content->>'status' = 'published' AND greatest(at, (content->>'publish_at')::timestamptz) < until
         ORDER BY at DESC, id DESC LIMIT 1)
    )
$$;
CREATE FUNCTION programmes_headline_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    seen public.programmes_headline%ROWTYPE;
    reason text := btrim(coalesce(NEW.correction_reason_en, ''), E' \t\r\n');
    reason_before text;
BEGIN
    IF NEW.status <> 'published' AND (OLD.status <> 'published' OR OLD.publish_at > statement_timestamp()) THEN
        RETURN NEW;
    END IF;
    seen := jsonb_populate_record(NULL::public.programmes_headline, public.programmes_headline_seen(OLD.id));
    IF seen.id IS NULL THEN
        RETURN NEW;
    END IF;
    reason_before := btrim(coalesce(seen.correction_reason_en, ''), E' \t\r\n');
    IF (reason = '' AND reason_before <> '')
       OR (reason IN ('', reason_before)
           AND (NEW.value, NEW.effective_on, NEW.precision, NEW.metric_id, NEW.comparison, NEW.beside_id) IS DISTINCT FROM
               (seen.value, seen.effective_on, seen.precision, seen.metric_id, seen.comparison, seen.beside_id)) THEN
        RAISE EXCEPTION 'readers have seen headline %: say in correction_reason_en why it is changed this time', OLD.id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'programmes_headline_correction_has_reason';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER programmes_headline_guard BEFORE UPDATE ON programmes_headline
    FOR EACH ROW EXECUTE FUNCTION programmes_headline_guard();
"""
UNGUARD = """
DROP TRIGGER programmes_headline_guard ON programmes_headline;
DROP FUNCTION programmes_headline_guard();
DROP FUNCTION programmes_headline_seen(bigint);
"""
REASON = {
    "blank": True,
    "default": "",
    "db_default": "",
    "verbose_name": "public reason of the correction",
    "help_text": "Why its value or period was changed. Readers see this.",
}


class Migration(migrations.Migration):
    dependencies = [("programmes", "0006_translated_from"), ("regions", "0003_versions")]
    operations = [
        migrations.AddField("headline", "correction_reason", models.TextField(**REASON)),
        migrations.AddField("headline", "correction_reason_en", models.TextField(null=True, **REASON)),
        migrations.AddField("headline", "correction_reason_fr", models.TextField(null=True, **REASON)),
        migrations.RunSQL(GUARD, UNGUARD),
    ]
