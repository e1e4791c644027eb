"""Pages without a word of anybody's, for the copies that are given while nobody can ask whether a consent still stands.

The schema `withheld` holds an empty view named like each table of this app. Inside `withheld()` it comes before `public` on the
search path: whatever a page asks, Postgres has no story, no portrait and no name for it. No view of the site decides that.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from django.apps import apps
from django.db import connection, transaction

from itsci_site.lib import replica

SCHEMA = "withheld"
HIDDEN = "SELECT count(*) FROM unnest(%s::text[]) AS name WHERE to_regclass(name) = to_regclass(%s::text || name)"


@contextmanager
def withheld() -> Iterator[None]:
    """Raises LookupError, and gives nothing, where the empty views are not all there."""
    with replica.connection.cursor() as cursor:
        cursor.execute(f"SELECT set_config('search_path', '{SCHEMA}, public', false)")
        try:
            cursor.execute(HIDDEN, [_tables(), f"{SCHEMA}."])
            if cursor.fetchone() != (len(_tables()),):
                raise LookupError(f"The schema {SCHEMA} does not hide every table of stories: run manage.py migrate.")
            yield
        finally:
            opened = replica.connection.connection
            if opened is not None and not opened.closed:
                try:
                    opened.execute("RESET search_path")
                except Exception:  # it is lost: no other page may come to it while tables are hidden
                    replica.connection.close()


def drop_views(**_signal: object) -> None:
    """Before migrations: a view would stand in the way of a change to its table."""
    with connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE")


def make_views(**_signal: object) -> None:
    """After migrations: one for each table there is now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"DROP SCHEMA IF EXISTS {SCHEMA} CASCADE; CREATE SCHEMA {SCHEMA}")
        for table in set(_tables()) & set(connection.introspection.table_names(cursor)):
            cursor.execute(f"CREATE VIEW {SCHEMA}.{table} AS SELECT * FROM public.{table} WHERE false")  # noqa: S608 - names of our own


def _tables() -> list[str]:
    return sorted(model._meta.db_table for model in apps.get_app_config("testimonials").get_models(include_auto_created=True))
