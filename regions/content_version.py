"""Whether anything public changed: a mark that is another one after every change of content, by whatever means.

A trigger on each content table notes the transaction; when that commits, and not before, the one number moves and the mark with
it. So writers wait for each other only while they commit, and an import of a million rows leaves one note (decision 14).
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any

from django.apps import apps
from django.db import DEFAULT_DB_ALIAS, OperationalError, connection, transaction

from itsci_site.lib import pulse, replica
from itsci_site.lib.newsroom.models import Proposal
from itsci_site.lib.pagecache import Fresh, State
from itsci_site.lib.pulse import connected

APPS = ("regions", "testimonials", "meetings", "programmes")
TRIGGER = "note_change"
APART = {"regions_version", "regions_desk", "regions_desk_regions"}
"""Written by a trigger of tables that are watched themselves; who works where, which no reader sees."""

MOVES_NUMBER = """
CREATE OR REPLACE FUNCTION regions_move_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.regions_contentversion SET number = number + 1;
    DELETE FROM public.regions_contentnote WHERE xid = NEW.xid;
    RETURN NULL;
END
$$;
"""
TABLES = f"""
CREATE TABLE regions_contentversion (id smallint PRIMARY KEY CHECK (id = 1), number bigint NOT NULL);
INSERT INTO regions_contentversion VALUES (1, 1);
CREATE TABLE regions_contentnote (xid xid8 PRIMARY KEY);
CREATE FUNCTION regions_note_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO public.regions_contentnote VALUES (pg_current_xact_id()) ON CONFLICT DO NOTHING;
    RETURN NULL;
END
$$;
{MOVES_NUMBER}
CREATE CONSTRAINT TRIGGER regions_move_version AFTER INSERT ON regions_contentnote
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION regions_move_version();
"""  # noqa: S608 - a statement of our own
NO_TABLES = """
DROP TABLE regions_contentnote, regions_contentversion;
DROP FUNCTION regions_move_version();
DROP FUNCTION regions_note_change() CASCADE;
"""

# By the number alone a database that was restored, or a replica that took over, could not be told from what it was before.
MARK = """
ALTER TABLE regions_contentversion ADD mark uuid NOT NULL DEFAULT gen_random_uuid();
CREATE OR REPLACE FUNCTION regions_move_version() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE public.regions_contentversion SET number = number + 1, mark = gen_random_uuid();
    DELETE FROM public.regions_contentnote WHERE xid = NEW.xid;
    PERFORM pg_notify('content', '');
    RETURN NULL;
END
$$;
"""
NO_MARK = f"""
{MOVES_NUMBER}
ALTER TABLE regions_contentversion DROP mark;
"""

# What is noted and not yet committed is seen by its own transaction alone.
STAMP = """
SELECT (SELECT mark FROM regions_contentversion), (SELECT count(*) FROM regions_contentnote), greatest({moments})
"""
# With the table that the mark is in: one that was brought back in place has a mark that pages were kept under.
STATE = "SELECT mark || '.' || tableoid, extract(epoch FROM clock_timestamp())::float8 FROM regions_contentversion"
# Pages say which day it is, in UTC: that is a moment, too.
FRESH = """
SELECT mark || '.' || tableoid, extract(epoch FROM statement_timestamp())::float8, extract(epoch FROM least({moments},
       (date_trunc('day', statement_timestamp() AT TIME ZONE 'UTC') + interval '1 day') AT TIME ZONE 'UTC'))::float8
FROM regions_contentversion
"""


def watched() -> list[str]:
    """Every table of content, those between two models included."""
    models = [model for app in APPS for model in apps.get_app_config(app).get_models(include_auto_created=True)]
    return sorted({model._meta.db_table for model in models} - APART | {Proposal._meta.db_table})


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
    with replica.connection.cursor() as cursor:
        cursor.execute(STAMP.format(moments=", ".join(moments)), {"at": at})
        mark, noted, moment = cursor.fetchone()
    return f"{mark}.{noted}.{moment.timestamp() if moment else 0}"


class Content:
    """The state of the content, asked of the database each time, over a connection of its own a thread."""

    def __init__(self) -> None:
        self._own = threading.local()
        to_come = [
            f"(SELECT min({column}) FROM {table} WHERE {column} > statement_timestamp())"  # noqa: S608 - names of our own
            for table, column in [*_moments(), (Proposal._meta.db_table, "publish_at")]
        ]
        self._fresh = FRESH.format(moments=", ".join(to_come))

    def state(self) -> State:
        return State(*self._row(STATE))

    def fresh(self) -> Fresh:
        return Fresh(*self._row(self._fresh))

    def _row(self, statement: str) -> Any:
        """Raises the driver's error where the database does not answer, a second time over a new connection."""
        if (open_one := getattr(self._own, "connection", None)) is not None:
            with suppress(Exception):  # the server may have been restarted meanwhile, or hung and was cut off
                return open_one.execute(statement, prepare=True).fetchone()
            self.close()
            if pulse.database.is_away():
                raise OperationalError("The database does not answer.")
        self._own.connection = connected(replica.of_the_public())
        return self._own.connection.execute(statement, prepare=True).fetchone()

    def close(self) -> None:
        """The connection of this thread."""
        if (open_one := getattr(self._own, "connection", None)) is not None:
            self._own.connection = None
            with suppress(Exception):
                open_one.close()


@contextmanager
def notices() -> Iterator[Callable[[float], None]]:
    """Gives a function that waits until content changes, but no longer than so many seconds."""
    listening = connected(DEFAULT_DB_ALIAS)  # a replica gives no notice
    try:
        listening.execute("LISTEN content")

        def wait(seconds: float) -> None:
            for _notice in listening.notifies(timeout=seconds, stop_after=1):
                pass

        yield wait
    finally:
        listening.close()


def _moments() -> list[tuple[str, str]]:
    """Where a row says when it becomes public by itself, or ends."""
    return [
        (model._meta.db_table, name)
        for app in APPS
        for model in apps.get_app_config(app).get_models()
        for name in ("publish_at", "published_at", "consent_until")
        if name in {field.name for field in model._meta.fields}
    ]
