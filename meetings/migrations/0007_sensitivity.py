"""What is sensitive is told by its month alone; what the programme published before stands as it does.

The flag becomes the first of the kinds of sensitivity, and what nobody of the staff had approved was public before this register.
Both columns are made by rewriting them: an UPDATE of what is public would be refused (itsci_site/lib/newsroom/guard.py).
"""

from django.db import migrations, models
from django.db.models import Case, F, Q, When

import meetings.models
from itsci_site.lib.publishing import TriedOut

SENSITIVITY = """
ALTER TABLE meetings_meeting
    ALTER COLUMN mentions_incident TYPE varchar(10) USING CASE WHEN mentions_incident THEN 'incident' ELSE 'none' END,
    ALTER COLUMN mentions_incident SET DEFAULT 'none';
ALTER TABLE meetings_meeting RENAME COLUMN mentions_incident TO sensitivity;
"""
NO_SENSITIVITY = """
ALTER TABLE meetings_meeting RENAME COLUMN sensitivity TO mentions_incident;
ALTER TABLE meetings_meeting ALTER COLUMN mentions_incident DROP DEFAULT,
    ALTER COLUMN mentions_incident TYPE boolean USING mentions_incident <> 'none';
"""
LOADED = """
ALTER TABLE meetings_meeting ALTER COLUMN from_source TYPE boolean
    USING status = 'published' AND approved_by_id IS NULL AND status_by_id IS NULL;
"""
GUARD = """
CREATE FUNCTION meetings_source_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT NEW.from_source OR NOT EXISTS (SELECT FROM public.newsroom_register) THEN
        RETURN NEW;
    ELSIF TG_OP = 'INSERT' OR NOT OLD.from_source THEN
        RAISE EXCEPTION 'the register is open: nothing new was published before it'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'meetings_meeting_source_is_closed';
    ELSIF (OLD.place_id, OLD.held_on) IS DISTINCT FROM (NEW.place_id, NEW.held_on) THEN
        RAISE EXCEPTION 'what was published before the register keeps its place and day'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'meetings_meeting_source_stays';
    END IF;
    RETURN NEW;
END
$$;
CREATE TRIGGER meetings_source_guard BEFORE INSERT OR UPDATE ON meetings_meeting
    FOR EACH ROW EXECUTE FUNCTION meetings_source_guard();
"""
NO_GUARD = """
DROP TRIGGER meetings_source_guard ON meetings_meeting;
DROP FUNCTION meetings_source_guard();
"""
SUMMARY = "Blank lines part paragraphs. No names, no exact sites. It can be written later."
SHOWS_DAY = Q(sensitivity="none") | Q(from_source=True)


def index(name, *fields):
    return [
        migrations.RemoveIndex(model_name="meeting", name=name),
        migrations.AddIndex(model_name="meeting", index=models.Index(fields=fields, name=name)),
    ]


def rule(name, condition):
    return migrations.AddConstraint("meeting", models.CheckConstraint(condition=condition, name=f"meetings_meeting_{name}"))


class Migration(migrations.Migration):
    dependencies = [("meetings", "0006_approval"), ("newsroom", "0001_initial")]

    operations = [
        migrations.RunSQL(
            SENSITIVITY,
            NO_SENSITIVITY,
            state_operations=[
                migrations.RenameField("meeting", "mentions_incident", "sensitivity"),
                migrations.AlterField(
                    "meeting",
                    "sensitivity",
                    models.CharField(
                        choices=[
                            ("none", "none"),
                            ("incident", "mentions an incident"),
                            ("protection", "protection concern"),
                        ],
                        db_default="none",
                        default="none",
                        help_text="With anything but “none” readers see the month alone, and it is public 30 days after the end of that month at the earliest.",
                        max_length=10,
                        verbose_name="sensitivity",
                    ),
                ),
            ],
        ),
        migrations.AddField(
            "meeting",
            "from_source",
            models.BooleanField(
                db_default=False,
                default=False,
                editable=False,
                help_text="The programme made it public with place and day: it stands as its source has it.",
                verbose_name="published before this register",
            ),
        ),
        migrations.RunSQL(LOADED, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, NO_GUARD),
        migrations.AddField(
            "meeting",
            "shown_on",
            models.GeneratedField(
                db_persist=True,
                expression=Case(When(SHOWS_DAY, then=F("held_on")), default=meetings.models.FirstOfMonth("held_on")),
                output_field=models.DateField(),
                verbose_name="shown on",
            ),
        ),
        *(
            migrations.AlterField(
                "meeting",
                name,
                models.TextField(blank=True, help_text=SUMMARY, null=name != "summary", verbose_name="summary"),
            )
            for name in ("summary", "summary_en", "summary_fr")
        ),
        migrations.AlterModelOptions(
            "meeting",
            {"ordering": ["-shown_on", "-pk"], "verbose_name": "meeting", "verbose_name_plural": "meetings"},
        ),
        *index("meetings_meeting_newest", "-shown_on", "-id"),
        *index("meetings_meeting_published", "-publish_at", "-shown_on", "-id"),
        *index("meetings_meeting_of_place", "place", "-shown_on", "-id"),
        rule("sensitivity_known", Q(sensitivity__in=["none", "incident", "protection"])),
        rule(
            "sensitive_waits",
            ~Q(status="published")
            | SHOWS_DAY
            | Q(publish_at__date__gte=meetings.models.EarliestRelease("held_on"))
            | Q(TriedOut()),
        ),
        rule("address_tells_no_day", SHOWS_DAY | Q(slug__regex=meetings.models.ADDRESS)),
        rule(
            "published_has_summary",
            ~Q(status="published") | Q(summary_en__isnull=False, summary_en__regex=r"\S") | Q(TriedOut()),
        ),
    ]
