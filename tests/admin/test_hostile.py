"""Requests that no page of the admin would make, signed in: none breaks it, none changes what it should not.

Two thousand with the other tests, forty thousand in `make soak`.

The database is used as deployed, without a transaction around each request: some errors come only with the commit.
"""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

import pytest
from django.contrib.auth.models import Group, User
from django.contrib.sessions.models import Session
from django.db import connection, models
from django.test import Client

from itsci_site.readable import Utf8Request
from tests import factories as make
from tests.long_runs import percentile, record, size, tracebacks_kept

from . import hostile
from .test_admin import rows  # noqa: F401 - a fixture

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.filterwarnings("ignore:DateTimeField .* received a naive datetime:RuntimeWarning"),  # from an address; harmless
]

CHUNKS, EACH = 2, size(1_000, 20_000)
APART = {"django_session", "newsroom_entry", "newsroom_seal", "newsroom_unsealed", "newsroom_ledger"}
"""Signing in and out is no change of what the site holds; the trail of changes is only ever added to."""


@pytest.fixture
def tracebacks() -> Iterator[list[str]]:
    with tracebacks_kept() as kept:
        yield kept


COUNTED = """
CREATE SEQUENCE kept.writes;
CREATE FUNCTION kept.count() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval('kept.writes');
    RETURN NULL;
END
$$;
"""


class Copy:
    """The rows of every table as they are now, to compare with and to go back to."""

    def __init__(self) -> None:
        with connection.cursor() as cursor:
            self.tables = sorted(set(connection.introspection.table_names(cursor)) - APART)
            cursor.execute("CREATE SCHEMA kept")
            for table in self.tables:
                cursor.execute(f'CREATE TABLE kept."{table}" AS TABLE "{table}"')
            cursor.execute(
                "SELECT table_name, string_agg(quote_ident(column_name), ', ') FROM information_schema.columns"
                " WHERE table_schema = 'public' AND is_generated = 'NEVER' GROUP BY table_name"
            )
            self.columns = dict(cursor.fetchall())
            cursor.execute(COUNTED)
            for table in self.tables:
                cursor.execute(
                    f'CREATE TRIGGER kept AFTER INSERT OR UPDATE OR DELETE ON "{table}"'
                    " FOR EACH STATEMENT EXECUTE FUNCTION kept.count()"
                )
        self.before, self.looked = self.seen(), self.written()

    def written(self) -> int:
        """So many statements wrote in these tables, or would have."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT last_value FROM kept.writes")
            return cursor.fetchone()[0]

    def seen(self) -> dict[str, str]:
        """A sum of each table's rows."""
        sums = (
            f"SELECT '{table}', md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM \"{table}\" t"  # noqa: S608
            for table in self.tables
        )
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(sums))
            return dict(cursor.fetchall())

    def changed(self) -> set[str]:
        written = self.written()
        if written == self.looked:
            return set()
        seen, self.looked = self.seen(), written
        return {table for table in self.tables if seen[table] != self.before[table]}

    def restore(self) -> None:
        """Without triggers, which would keep what was public and write versions of it."""
        names = ", ".join(f'"{table}"' for table in self.tables)
        steps = [
            f'INSERT INTO "{table}" ({self.columns[table]}) SELECT {self.columns[table]} FROM kept."{table}"'  # noqa: S608
            for table in self.tables
        ]
        with connection.cursor() as cursor:
            begin = ["BEGIN", "SET LOCAL session_replication_role = replica", f"TRUNCATE {names}"]
            cursor.execute("; ".join([*begin, *steps, "COMMIT"]))
        assert self.seen() == self.before


@pytest.fixture
def site(rows: dict[type[models.Model], models.Model]) -> hostile.Admin:  # noqa: F811
    """With a row of every model that is registered."""
    make.make_user("alice")
    make.make_user("bob")
    Group.objects.create(name="Readers")
    return hostile.survey(sign_in())


@pytest.fixture
def copy(site: hostile.Admin) -> Iterator[Copy]:
    yield Copy()
    with connection.cursor() as cursor:
        cursor.execute("DROP SCHEMA kept CASCADE")


def sign_in() -> Client:
    """As a superuser who may do everything there is; that she was here leaves no trace in her account."""
    client = make.sign_in(Client(), User.objects.get(username="alice"))
    User.objects.update(last_login=make.PAST)
    return client


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_no_request_breaks_the_admin(
    seed: int,
    site: hostile.Admin,
    copy: Copy,
    tracebacks: list[str],
    settings: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("django.test.client.WSGIRequest", Utf8Request)  # as itsci_site.wsgi has it
    settings.MEDIA_ROOT = tmp_path
    client, session = hostile.sender(), sign_in().cookies["sessionid"].value
    assert {model.name for model in site.models} >= {"auth_user", "auth_group", "regions_reading", "programmes_programme"}
    answers, seconds, changes = Counter[int](), list[float](), 0
    for ask in hostile.requests(site, seed, EACH):
        begun = perf_counter()
        answer = hostile.send(client, ask, session)
        seconds.append(perf_counter() - begun)
        answers[answer.status_code] += 1
        assert answer.status_code < 500, f"{ask}\n{tracebacks}"
        assert tracebacks == [], ask
        if changed := copy.changed():
            assert (ask.method, ask.token) == ("POST", True) and answer.status_code in (200, 302), f"{changed} by {ask}"
            changes += 1
            copy.restore()
        if not Session.objects.filter(session_key=session).exists():
            session = sign_in().cookies["sessionid"].value
    told = {"requests": EACH, "answers": dict(sorted(answers.items())), "changes": changes}
    record("hostile", f"admin, seed {seed}", **told, p99_ms=percentile(seconds, 0.99), longest_ms=percentile(seconds, 1))
    assert answers[200] > EACH / 10 and answers[302] > EACH / 20  # it got past the sign-in
    assert changes  # forms that are right are saved, or nothing was tried


def test_the_same_seed_makes_the_same_requests(site: hostile.Admin) -> None:
    first, again, other = (list(hostile.requests(site, seed, 300)) for seed in (1, 1, 2))
    assert first == again != other


def test_every_address_and_kind_of_spoilt_input_is_tried(site: hostile.Admin) -> None:
    every = [ask for seed in range(8) for ask in hostile.requests(site, seed, 1_250)]
    paths = {ask.path.partition("?")[0] for ask in every}
    for model in site.models:
        begun = f"/admin/{model.name.replace('_', '/', 1)}/"
        assert {begun, f"{begun}add/", f"{begun}{model.ids[0]}/change/", f"{begun}{model.ids[0]}/delete/"} <= paths
        assert any(path.startswith(begun) and path.endswith("/history/") for path in paths)
    for page in ("", "jsi18n/", "autocomplete/", "login/", "logout/", "password_change/", "password_change/done/", "regions/"):
        assert f"/admin/{page}" in paths
    assert {ask.method for ask in every} >= {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"}
    asked = " ".join(ask.path for ask in every)
    for words in ("%00", "%ED%A0%80", "_5F", "9e22", str(10**30), "9999-99-99", "a" * 10_000, "__in=", "__isnull=", "__gte=",
    "__regex=",
        "?o=", "?p=", "?q=", "?all=", "?e=", "_to_field=", "_popup=", "_changelist_filters="):  # fmt: skip
        assert words in asked, words
    sent = b" ".join(ask.body for ask in every)
    for part in (
        b"TOTAL_FORMS=999999999",
        b"INITIAL_FORMS=-1",
        b"select_across",
        b"_selected_action",
        b"%00",
        b"%C3%A9" * 50_000,
    ):
        assert part in sent, part
    assert any(not ask.token for ask in every) and any(ask.cookies for ask in every) and any(ask.headers for ask in every)
