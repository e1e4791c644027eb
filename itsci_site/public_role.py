"""The database role that public pages run under: it can read what the public side is made of, and nothing else.

No grant on whose words they are and what they agreed to, on the newsroom, on accounts and sessions: a query that should never
have been written gets an error there, not an answer. Made and granted after migrations by whoever migrates, where that role may
(docs/public-role.md); used by every public request where it is there (decision 23).
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any

from django.apps import apps
from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, DatabaseError, InterfaceError, OperationalError, ProgrammingError, transaction
from django.http import FileResponse, HttpRequest, StreamingHttpResponse
from django.http.response import HttpResponseBase

from itsci_site.lib import replica
from itsci_site.lib.newsroom import ledger, proposals
from itsci_site.lib.replica import connection

_is_inside: ContextVar[bool] = ContextVar("inside a public request", default=False)

# One round trip. A replica says what is due, and takes nothing that is written. Where the role is not there, or lacks its
# grants, or may not be taken, the request runs as before.
BEGIN = """
SELECT CASE WHEN NOT is_open THEN NULL WHEN pg_is_in_recovery() THEN (
    SELECT count(*)::integer FROM newsroom_proposal
    WHERE status = 'published' AND applied_at IS NULL AND publish_at <= statement_timestamp()
) ELSE newsroom_apply_due() END, is_open, EXISTS (SELECT FROM newsroom_ledger WHERE NOT kept),
    set_config('role', coalesce((
    SELECT rolname FROM pg_roles
    WHERE rolname = %s AND has_table_privilege(oid, to_regclass('public.testimonials_testimonial'), 'SELECT')
      AND pg_has_role(session_user, oid, %s)), 'none'), false)
FROM (SELECT newsroom_is_open() AS is_open OFFSET 0) AS opened
"""
GRANTED = """
SELECT DISTINCT pg_class.oid::regclass::text FROM pg_class, aclexplode(relacl) AS given
WHERE relnamespace = 'public'::regnamespace AND given.grantee = %s::regrole AND relname <> ALL(%s)
"""
"""Tables that the role has any right to, but for those that it should have."""


def tables() -> list[str]:
    """What public pages read: every table of content but those that are never public, and the note of what changed."""
    found = {"regions_contentversion", "regions_contentnote"}
    for config in apps.get_app_configs():
        if getattr(config, "keeps_trail", False):
            for model in config.get_models(include_auto_created=True):
                if not getattr(model._meta.auto_created or model, "never_public", False):
                    found.add(model._meta.db_table)
    return sorted(found)


def grant_all(**_signal: object) -> None:
    """After migrations, the views of the past included. Says nothing where this role of the database may not make another."""
    role = settings.PUBLIC_DB_ROLE
    with connection.cursor() as cursor:
        cursor.execute("SELECT to_regclass('public.regions_contentversion'), to_regclass('public.testimonials_consent')")
        if not role or None in cursor.fetchone() or not _there(role):
            return
        name, wanted = connection.ops.quote_name(role), tables()
        cursor.execute(GRANTED, [role, wanted])
        for (table,) in cursor.fetchall():
            cursor.execute(f"REVOKE ALL ON {table} FROM {name}")
        cursor.execute(
            f"GRANT USAGE ON SCHEMA public, past, withheld TO {name};"
            f"GRANT SELECT ON {', '.join(f'public.{table}' for table in wanted)} TO {name};"
            f"GRANT SELECT ON ALL TABLES IN SCHEMA past, withheld TO {name};"
            f"GRANT EXECUTE ON FUNCTION newsroom_apply_due() TO {name}"
        )


def _there(role: str) -> bool:
    """Is there such a role, now at the latest? All databases of a server share it: another one may make it at this moment."""
    name = connection.ops.quote_name(role)
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s)", [role])
        if not cursor.fetchone()[0]:
            try:
                with transaction.atomic():
                    cursor.execute(f"CREATE ROLE {name} NOLOGIN")
            except ProgrammingError as error:  # it may not, or somebody was faster
                if getattr(error.__cause__, "sqlstate", "") != "42710":
                    return False
            except DatabaseError:
                pass
        cursor.execute(f"SELECT pg_has_role(session_user, %s, '{right_to_take()}')", [role])
        if not cursor.fetchone()[0]:
            try:
                with transaction.atomic():
                    cursor.execute(f"GRANT {name} TO session_user")
            except DatabaseError:  # whoever runs the database has to
                pass
    return True


def right_to_take() -> str:
    """The right to take a role, in the words of this Postgres."""
    return "SET" if connection.pg_version >= 160000 else "MEMBER"


class Shut(Exception):
    """The database was restored, and what left the public since its backup was not taken out again (newsroom/ledger.py)."""


def begin() -> bool:
    """Makes due what is due, and takes the role. Was it taken by this call, so that `end` has to follow? Raises Shut.

    What a plain statement took from readers is copied into the ledger here, at the latest.
    """
    if _is_inside.get():
        if replica.here() == DEFAULT_DB_ALIAS:
            proposals.apply_due()
        return False
    with connection.cursor() as cursor:
        cursor.execute(BEGIN, [settings.PUBLIC_DB_ROLE, right_to_take()])
        applied, is_open, waits, role = cursor.fetchone()
    if not is_open:
        end()
        raise Shut
    if applied:
        _apply_due()  # there may be more
    if waits and not connection.in_atomic_block:
        end()
        ledger.keep_or_log()
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('role', %s, false)", [role])
    return role != "none"


def _apply_due() -> None:
    """Where a replica is read, the database itself may be away: then what is due comes when it is back."""
    try:
        proposals.apply_due()
    except (OperationalError, InterfaceError):
        if replica.here() == DEFAULT_DB_ALIAS:
            raise


def end() -> None:
    """Back to the role that logged in; a connection that cannot say so is closed. Not worth an entry in the log of queries."""
    if connection.connection is None:
        return
    try:
        connection.connection.execute("RESET ROLE")
    except Exception:
        if not connection.in_atomic_block:  # else a transaction that broke: its end takes the role back with it
            connection.close()


@contextmanager
def taken() -> Iterator[None]:
    """What is asked of the database inside is asked under the public role.

    Where the database does not answer, a page that asks it nothing stands; whatever asks it takes the role first.
    """
    with ExitStack() as stack:
        begun: list[bool] = []
        try:
            is_ours = begin()
        except (OperationalError, InterfaceError):
            is_ours = False
            stack.enter_context(connection.execute_wrapper(_begin_first(begun)))
        mark = _is_inside.set(_is_inside.get() or is_ours)
        try:
            yield
        finally:
            _is_inside.reset(mark)
            if is_ours or begun:
                end()


def _begin_first(begun: list[bool]) -> Callable[..., Any]:
    """Takes the role before the first query that the database answers again, and notes so in `begun`."""

    def first(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        if not begun:
            begun.append(True)
            try:
                begin()
            except DatabaseError:
                begun.clear()
                raise
        return execute(sql, params, many, context)

    return first


def answered(get_response: Callable[[HttpRequest], HttpResponseBase], request: HttpRequest) -> HttpResponseBase:
    """A public answer, made under the role; one that streams takes it again when it is read. A file asks nothing."""
    with replica.read(), taken():
        response = get_response(request)
    if isinstance(response, StreamingHttpResponse) and not isinstance(response, FileResponse):
        response.streaming_content = _under_role(response.streaming_content)  # type: ignore[arg-type]
    return response


def _under_role(chunks: Iterable[bytes]) -> Iterator[bytes]:
    """Without `taken`: what a generator sets in the context stays there between its pieces."""
    with replica.read():
        is_ours = begin()
        try:
            yield from chunks
        finally:
            if is_ours:
                end()
