"""Whether anything public changed: a number that moves with every change of content, whoever makes it and by whatever means.

A trigger on each content table notes the transaction; when that commits, and not before, the one number moves. So writers wait
for each other only while they commit, and an import of a million rows leaves one note (decision 14).
"""

from datetime import datetime

from django.apps import apps
from django.db import connection, transaction

APPS = ("regions", "testimonials", "meetings", "programmes")
TRIGGER = "note_change"
APART = {"regions_version", "regions_desk", "regions_desk_regions"}
"""Written by a trigger of tables that are watched themselves; who works where, which no reader sees."""

TABLES = """
CREATE TABLE regions_contentversion (id smallint PRIMARY KEY CHECK (id = 1), number bigint NOT NULL);
INSERT INTO regions_contentversion VALUES (1, 1);
CREATE TABLE regions_contentnote (xid xid8 PRIMARY KEY);
CREATE FUNCTION regions_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.regions_contentnote VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
CREATE FUNCTION regions_move_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.regions_contentversion SET number = number + 1;
    DELETE FROM public.regions_contentnote WHERE xid = NEW.xid;
    RETURN NULL;
END
$$;
CREATE CONSTRAINT TRIGGER regions_move_version AFTER INSERT ON regions_contentnote
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION regions_move_version();
"""
NO_TABLES = """
DROP TABLE regions_contentnote, regions_contentversion;
DROP FUNCTION regions_move_version();
DROP FUNCTION regions_note_change() CASCADE;
"""

# What is noted and not yet committed is seen by its own transaction alone.
STAMP = """
SELECT (SELECT number FROM regions_contentversion) + (SELECT count(*) FROM regions_contentnote),
       greatest({moments})
"""


def watched() -> list[str]:
    """Every table of content, those between two models included."""
    models = [model for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)]
    return sorted({model._meta.db_table for model in models} - APART)


def watch_all(**_signal: object) -> None:
    """After migrations: the trigger on every table of content there is now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('regions_contentnote')")
        if cursor.fetchone() == (None,):
            return
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [TRIGGER])
        there = {table for (table,) in cursor.fetchall()}
        for table in set(watched()) & set(connection.introspection.table_names(cursor)) - there:
            cursor.execute(
                f"CREATE TRIGGER {TRIGGER} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION regions_note_change()"
            )


def stamp(at: datetime) -> str:
    """Another one whenever a public page could read otherwise: the version, and the last moment that began or ended a row."""
    moments = [
        f"(SELECT max({column}) FROM {table} WHERE {column} <= %(at)s)"  # noqa: S608 - names of our own
        for table, column in _moments()
    ]
    with connection.cursor() as cursor:
        cursor.execute(STAMP.format(moments=", ".join(moments)), {"at": at})
        number, moment = cursor.fetchone()
    return f"{number}.{moment.timestamp() if moment else 0}"


def _moments() -> list[tuple[str, str]]:
    """Where a row says when it becomes public by itself, or ends."""
    return [
        (model._meta.db_table, name)
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for name in ("publish_at", "published_at", "consent_until")
        if name in {field.name for field in model._meta.fields}
    ]
