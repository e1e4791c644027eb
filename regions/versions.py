"""What the rows that public figures rest on looked like at any moment: definitions, names, headlines, who reports what.

A trigger writes every version into `Version`, whoever makes the change and by whatever means. Readings are not among them: once
public they never change. Nor is anything people said: what is withdrawn is gone from the past as well.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from django.db import connection, models, transaction
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import replica

TRIGGER = "keep_version"


class Version(models.Model):
    """One version of a row of a table, from `at` until the next one of that row. `row` is NULL once it was deleted."""

    table_name = models.CharField(_("table"), max_length=63)
    row_id = models.BigIntegerField(_("row"))
    at = models.DateTimeField(_("from"))
    row = models.JSONField(_("content"), null=True)

    kept_in_trail = False

    class Meta:
        verbose_name = _("version")
        verbose_name_plural = _("versions")
        ordering = ["-at", "-id"]
        indexes = [models.Index(fields=["table_name", "row_id", "-at", "-id"], name="regions_version_latest")]

    def __str__(self) -> str:
        return f"{self.table_name} {self.row_id}, {self.at:%Y-%m-%d %H:%M}"


# itsci.version_at lets content loaded into an empty database count from the moment it says it became public.
# Generated columns are left out: they follow from the others, and search columns are as long as the text itself.
KEEP = """
CREATE OR REPLACE FUNCTION regions_keep_version() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    moment timestamptz := coalesce(nullif(current_setting('itsci.version_at', true), '')::timestamptz, clock_timestamp());
BEGIN
    IF TG_OP = 'UPDATE' AND NEW IS NOT DISTINCT FROM OLD THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.regions_version (table_name, row_id, at, "row")
    VALUES (TG_TABLE_NAME, CASE WHEN TG_OP = 'DELETE' THEN OLD.id ELSE NEW.id END, moment,
            CASE WHEN TG_OP = 'DELETE' THEN NULL ELSE to_jsonb(NEW) - ARRAY(
                SELECT attname::text FROM pg_catalog.pg_attribute WHERE attrelid = TG_RELID AND attgenerated <> '') END);
    RETURN NULL;
END
$$;
"""
FUNCTION = (
    KEEP
    + """
CREATE FUNCTION regions_version_guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'versions are only ever added'
        USING ERRCODE = 'check_violation', CONSTRAINT = 'regions_version_append_only';
END
$$;
CREATE TRIGGER regions_version_guard BEFORE UPDATE OR DELETE ON regions_version
    FOR EACH ROW EXECUTE FUNCTION regions_version_guard();
"""
)
NO_FUNCTION = """
DROP TRIGGER regions_version_guard ON regions_version;
DROP FUNCTION regions_version_guard();
DROP FUNCTION regions_keep_version();
"""


def keep(table: str) -> tuple[str, str]:
    """SQL for a migration that has every version of a table kept from now on, its present rows first; and the way back."""
    return (
        f'INSERT INTO regions_version (table_name, row_id, at, "row") '  # noqa: S608 - names of our own tables
        f"SELECT '{table}', id, clock_timestamp(), to_jsonb({table}) FROM {table};"
        f"CREATE TRIGGER {TRIGGER} AFTER INSERT OR UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION regions_keep_version();",
        f"DROP TRIGGER {TRIGGER} ON {table};",
    )


@contextmanager
def past(at: datetime | None) -> Iterator[None]:
    """Queries inside see versioned rows and readings as at `at`, without a word changed in them. None is the present.

    The schema `past` holds a view named like each versioned table; inside, it comes first. Render the page
    inside, too: templates query late. Comparisons with the clock must be given `at` (`published(at)`).
    """
    if at is None:
        yield
        return
    here = replica.connection
    is_outermost = not here.in_atomic_block
    with replica.atomic():
        with here.cursor() as cursor:
            cursor.execute(
                "SELECT path, set_config('itsci.at', %s, true), set_config('search_path', 'past, ' || path, true) "
                "FROM current_setting('search_path') AS path",
                [at.isoformat()],
            )
            before = cursor.fetchone()[0]
        yield
        if not is_outermost:  # else, or after an error, the end of the transaction does it
            with here.cursor() as cursor:
                cursor.execute("SELECT set_config('search_path', %s, true)", [before])


def drop_views(**_signal: object) -> None:
    """Before migrations: a view would stand in the way of a change to its table."""
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA IF EXISTS past CASCADE")


def make_views(**_signal: object) -> None:
    """After migrations: one view for each table whose versions are kept, with the columns the table has now."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT tgrelid::regclass::text FROM pg_trigger WHERE tgname = %s", [TRIGGER])
        tables = [table for (table,) in cursor.fetchall()]
        cursor.execute("DROP SCHEMA IF EXISTS past CASCADE; CREATE SCHEMA past")
        for table in tables:
            cursor.execute(
                f"CREATE VIEW past.{table} AS SELECT (jsonb_populate_record(NULL::public.{table}, version.row)).* FROM ("  # noqa: S608 - names of our own tables
                "SELECT DISTINCT ON (row_id) row FROM public.regions_version "
                f"WHERE table_name = '{table}' AND at <= current_setting('itsci.at')::timestamptz "
                "ORDER BY row_id, at DESC, id DESC) AS version WHERE version.row IS NOT NULL"
            )
        if tables:
            cursor.execute(
                "CREATE VIEW past.regions_reading AS SELECT * FROM public.regions_reading "
                "WHERE published_at <= current_setting('itsci.at')::timestamptz"
            )
