"""Public pages run under a role of the database that can read what they need and nothing of what is nobody's business."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import DatabaseError, OperationalError, connection, transaction
from django.http import HttpResponse, StreamingHttpResponse
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from itsci_site import middleware, public_role
from itsci_site.lib.newsroom import ledger
from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.models import Proposal
from regions.models import Region
from tests import factories as make
from tests.newsroom.desk import before_opening

from . import surfaces

pytestmark = pytest.mark.django_db
ROLE = "itsci_public"


def current() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_user")
        return cursor.fetchone()[0]


@contextmanager
def under_role() -> Iterator[None]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT set_config('role', %s, true)", [ROLE])
        yield
        cursor.execute("RESET ROLE")


def tables() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'v', 'm', 'p')"
        )
        return sorted(name for (name,) in cursor.fetchall())


FORBIDDEN = (
    "testimonials_contributor", "testimonials_consent", "newsroom_proposal", "newsroom_entry", "newsroom_seal",
    "newsroom_ledger", "newsroom_opened",
    "newsroom_register", "newsroom_unsealed", "newsroom_whatif", "auth_user", "auth_group", "auth_permission",
    "auth_user_groups", "auth_user_user_permissions", "auth_group_permissions", "django_session", "django_admin_log",
    "django_content_type", "django_migrations", "newsroom_note", "regions_desk", "regions_desk_regions", "regions_periodlock",
    "otp_totp_totpdevice", "otp_static_staticdevice", "otp_static_statictoken", "axes_accessattempt",
    "axes_accessattemptexpiration", "axes_accessfailurelog", "axes_accesslog",
)  # fmt: skip


def test_every_table_is_either_public_or_forbidden() -> None:
    """A new table has to be put on one side."""
    assert set(public_role.tables()) <= set(tables())
    assert {name for name in tables() if name not in public_role.tables()} == set(FORBIDDEN)


@pytest.mark.parametrize("table", FORBIDDEN)
@pytest.mark.parametrize("sql", ["SELECT * FROM {}", "SELECT count(*) FROM {}", "DELETE FROM {}", "TRUNCATE {}"])
def test_what_is_forbidden_cannot_be_read(table: str, sql: str) -> None:
    with (
        pytest.raises(DatabaseError, match=f"permission denied for table {table}"),
        under_role(),
        connection.cursor() as cursor,
    ):
        cursor.execute(sql.format(table))


def test_nobody_but_the_owner_writes_in_the_ledger() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT has_function_privilege('itsci_public', 'newsroom_note(text, text, bigint, jsonb)', 'EXECUTE')")
        assert cursor.fetchone() == (False,)


def test_what_is_public_can_be_read_and_not_written() -> None:
    for table in public_role.tables():
        with under_role(), connection.cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {table}")  # noqa: S608 - names of our own
        for sql in ("DELETE FROM {}", "INSERT INTO {} DEFAULT VALUES", "LOCK {}"):
            with pytest.raises(DatabaseError, match="permission denied"), under_role(), connection.cursor() as cursor:
                cursor.execute(sql.format(table))


def test_a_right_that_was_given_by_mistake_is_taken_back() -> None:
    with connection.cursor() as cursor:
        cursor.execute(f"GRANT SELECT, UPDATE ON auth_user, testimonials_contributor TO {ROLE}")
    public_role.grant_all()
    for table in ("auth_user", "testimonials_contributor"):
        with pytest.raises(DatabaseError, match="permission denied"), under_role(), connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {table}")  # noqa: S608 - names of our own


def test_every_public_address_answers_under_the_role(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """The role is seen from inside: where it were not taken, no permission would be missed."""
    seen: list[str] = []
    begin = public_role.begin

    def noting() -> bool:
        taken = begin()
        seen.append(current())
        return taken

    monkeypatch.setattr(public_role, "begin", noting)
    answers = {address: surfaces.read(client, address)[0] for address in (*surfaces.addresses(), *surfaces.PACKS)}
    wrong = {address: status for address, status in answers.items() if status != (404 if "nowhere" in address else 200)}
    assert not wrong
    assert len(answers) > 100 and len(seen) >= len(answers) - 1 and set(seen) == {ROLE}
    assert current() != ROLE


def asked(get: Any, path: str = "/progress/") -> Any:
    return middleware.next_versions(get)(RequestFactory().get(path))


@pytest.mark.parametrize(
    ("path", "is_public"),
    [
        ("/", True), ("/fr/", True), ("/nowhere/", True), ("/data/readings.csv", True), ("/administration/", True),
        ("/admin/", False), ("/admin/regions/region/", False), ("/preview/x/", False), ("/fr/preview/x/", False),
        ("/healthz", False), ("/readyz", False), ("/static/x.css", False),
    ],
)  # fmt: skip
def test_who_runs_under_it(path: str, is_public: bool) -> None:
    seen: list[str] = []

    def view(_request: Any) -> HttpResponse:
        seen.append(current())
        return HttpResponse()

    asked(view, path)
    assert [one == ROLE for one in seen] == [is_public] and current() != ROLE


def test_it_is_given_back_after_an_error() -> None:
    def view(_request: Any) -> HttpResponse:
        assert current() == ROLE
        raise RuntimeError

    with pytest.raises(RuntimeError):
        asked(view)
    assert current() != ROLE


def test_it_is_given_back_after_an_error_of_the_database() -> None:
    def view(_request: Any) -> HttpResponse:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT * FROM auth_user")
        return HttpResponse()

    with pytest.raises(DatabaseError, match="permission denied"):
        asked(view)
    assert current() != ROLE


def test_a_broken_transaction_takes_it_back_itself() -> None:
    def view(_request: Any) -> HttpResponse:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1/0")
        return HttpResponse()

    with pytest.raises(DatabaseError, match="division"), transaction.atomic():
        asked(view)
    assert current() != ROLE


def test_what_streams_is_read_under_it_and_what_others_ask_between_is_not() -> None:
    seen: list[str] = []

    def chunks() -> Iterator[bytes]:
        for _number in range(2):
            seen.append(current())
            yield b"x"

    answer = asked(lambda _request: StreamingHttpResponse(chunks()))
    assert not seen and current() != ROLE
    assert b"".join(answer.streaming_content) == b"xx"
    assert seen == [ROLE, ROLE] and current() != ROLE
    left = asked(lambda _request: StreamingHttpResponse(chunks()))
    next(iter(left.streaming_content))
    assert current() == ROLE
    for close in left._resource_closers:  # as the server does when a reader goes away
        close()
    assert current() != ROLE


def test_a_page_inside_a_page_leaves_it_taken() -> None:
    """As the offline pack asks for pages."""

    def outer(_request: Any) -> HttpResponse:
        asked(lambda _request: HttpResponse())
        assert current() == ROLE
        return HttpResponse()

    asked(outer)
    assert current() != ROLE


def test_it_costs_no_statement_more_than_before(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    with django_assert_num_queries(1):
        asked(lambda _request: HttpResponse())
    with CaptureQueriesContext(connection) as queries:
        asked(lambda _request: HttpResponse())
    assert "newsroom_apply_due" in queries[0]["sql"] and "set_config('role'" in queries[0]["sql"]


@pytest.mark.parametrize("role", ["", "itsci_nobody", "pg_read_all_data"])
def test_without_the_role_or_its_grants_pages_run_as_before(client: Client, settings: Any, role: str) -> None:
    """A role of the whole server can be there without what this database grants it."""
    settings.PUBLIC_DB_ROLE = role
    seen: list[str] = []

    def view(_request: Any) -> HttpResponse:
        seen.append(current())
        return HttpResponse()

    asked(view)
    assert (seen[0] == role) == (role == "pg_read_all_data")
    assert client.get("/").status_code == 200


def test_what_is_due_comes_with_a_public_request(client: Client) -> None:
    """The function acts with the rights of its owner: nothing of the newsroom is granted for it."""
    open_register()
    with before_opening():
        region = make.make_region(lead_en="As it was")
        author, approver = make.make_user("alice"), make.make_user("bob")
    change = {"table": "regions_region", "id": region.pk, "op": "update"}
    proposal = Proposal.objects.create(
        record="regions.region", row_id=region.pk, title="x",
        changes=[change | {"before": {"lead_en": "As it was"}, "after": {"lead_en": "As it is"}}],
    )  # fmt: skip
    proposal.submit(by=author)
    proposal.refresh_from_db()
    proposal.approve(by=approver)
    proposal.publish(by=approver)
    assert "As it is" in client.get(region.get_absolute_url()).content.decode()
    assert Region.objects.get(pk=region.pk).lead_en == "As it is"  # type: ignore[attr-defined]
    assert current() != ROLE


def test_one_that_comes_back_shut_while_a_page_is_made_shows_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was away when the request began, so that the first question of the page takes the role."""
    begin, asked = public_role.begin, list[int]()

    def away_at_first() -> bool:
        asked.append(1)
        if len(asked) == 1:
            raise OperationalError
        return begin()

    monkeypatch.setattr(public_role, "begin", away_at_first)
    ledger.shut()
    answer = Client(raise_request_exception=False).get("/")
    assert len(asked) >= 2 and (answer.status_code, answer["Retry-After"], answer["Cache-Control"]) == (503, "600", "no-store")
