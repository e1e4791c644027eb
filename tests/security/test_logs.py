"""What the log says, and that it says nothing about people: their words are planted everywhere, and looked for in the log."""

import io
import json
import logging
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import HttpRequest, HttpResponse
from django.template.exceptions import TemplateDoesNotExist
from django.test import Client
from django.test.utils import override_settings
from django.urls import path

from itsci_site.lib import logs
from itsci_site.lib.newsroom import links
from itsci_site.urls import handler400, handler403, handler404, handler500
from itsci_site.urls import urlpatterns as site
from regions.models import Region
from tests import factories as make
from tests.pages import markup

__all__ = ["handler400", "handler403", "handler404", "handler500", "urlpatterns"]
pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.security.test_logs")]

ADDRESS, AGENT, NAME, WORD, TOKEN = "192.0.2.77", "Planted-Agent/9", "planted.name", "plantedword", "planted-token-1x2y3z"
PLANTED = (ADDRESS, AGENT, NAME, WORD, TOKEN)
ID = "0123456789abcdef" * 2


def broken(request: HttpRequest, token: str = "") -> HttpResponse:
    raise RuntimeError(f"{token} {request.GET} {request.META['REMOTE_ADDR']} {request.headers}")


def broken_template(request: HttpRequest) -> HttpResponse:
    raise TemplateDoesNotExist(request.GET["q"])


def refused_by_postgres(request: HttpRequest) -> HttpResponse:
    with transaction.atomic():
        make.make_user(NAME)
        make.make_user(NAME)
    raise AssertionError("Postgres took a name twice")


def slow(request: HttpRequest, token: str) -> HttpResponse:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT pg_sleep(0.05), %s, '{WORD}'", [request.GET["q"]])
    return HttpResponse("slow")


def hand(request: HttpRequest) -> HttpResponse:
    """A logger of somebody else's that says everything."""
    logging.getLogger("pypdf").warning(f"in a document: {WORD}")
    logging.getLogger("elsewhere").warning("%s from %s, %d times", NAME, ADDRESS, 7)
    logging.getLogger("elsewhere").error("%(who)s", {"who": NAME})
    logging.getLogger("itsci_site").warning("one\nline")
    return HttpResponse("ok")


urlpatterns = [
    path("broken/<str:token>/", broken, name="broken"),
    path("template/", broken_template, name="template"),
    path("admin/postgres/", refused_by_postgres, name="postgres"),
    path("slow/<str:token>/", slow, name="slow"),
    path("hand/", hand, name="hand"),
    *site,
]


@pytest.fixture(params=["json", "plain"])
def written(request: pytest.FixtureRequest) -> Iterator[Callable[[], str]]:
    """What a site with this LOG_FORMAT and the lowest LOG_LEVEL writes."""
    out = io.StringIO()
    handler = logging.StreamHandler(out)
    handler.addFilter(logs.brief)
    handler.setFormatter(logs.Json() if request.param == "json" else logs.Plain())
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    logging.getLogger("axes").setLevel(logging.ERROR)  # as the settings do
    yield out.getvalue
    root.removeHandler(handler)
    root.setLevel(level)


@pytest.fixture
def planted() -> Client:
    """Somebody who can be known by everything that is sent."""
    given = {"User-Agent": AGENT, "X-Forwarded-For": ADDRESS, "Referer": f"http://testserver/{TOKEN}", "Cookie": f"a={TOKEN}"}
    return Client(raise_request_exception=False, REMOTE_ADDR=ADDRESS, headers=given)


def lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]


def test_nothing_planted_is_written(planted: Client, written: Callable[[], str]) -> None:
    make.make_user(NAME, password="a long one for a test")
    with override_settings(SLOW_QUERY_MS=10, SLOW_REQUEST_MS=10, AXES_FAILURE_LIMIT=2):
        statuses = [
            planted.get(address, query).status_code
            for address, query in (
                (f"/broken/{TOKEN}/", {"q": WORD}), ("/template/", {"q": WORD}), ("/admin/postgres/", {}),
                (f"/slow/{TOKEN}/", {"q": WORD}),
                ("/hand/", {}), (f"/{TOKEN}/", {"q": WORD}), (f"/preview/{TOKEN}/", {}), (f"/admin/reset/MQ/{TOKEN}/", {}),
                ("/search/", {"q": WORD}), ("/meetings/", {"year": WORD}), (f"/data/readings.csv?region={WORD}", {}),
            )
        ]  # fmt: skip
        for password in ("wrong one", "wrong two", "wrong three"):
            form = {"username": NAME, "password": f"{WORD} {password}"}
            statuses.append(planted.post("/admin/login/", form).status_code)
        statuses.append(planted.post("/admin/login/", {"username": f"{NAME}\x00"}).status_code)
        statuses.append(planted.post("/admin/reset/", {"email": f"{NAME}@example.org"}).status_code)
        statuses.append(planted.get("/", headers={"Host": f"{WORD}.example"}).status_code)
        statuses.append(planted.generic(WORD.upper(), "/data/readings.csv").status_code)
        refused = Client(enforce_csrf_checks=True, REMOTE_ADDR=ADDRESS, headers={"Referer": f"http://{WORD}.example/"})
        statuses.append(refused.post(f"/preview/{TOKEN}/", {"q": WORD}, secure=True).status_code)
        for language in ("en", "fr"):
            (address,) = [found for code, found in links.previews(Region, 999_999) if code == language]
            statuses.append(planted.get(address).status_code)
            assert address.split("/")[-2] not in written()
    assert {200, 400, 403, 404, 405, 429, 500} <= set(statuses)
    said = written()
    for word in PLANTED:
        assert word.lower() not in said.lower(), word
    for place in ("took long", "Not Found", "Internal Server Error", "Too Many Requests", "Method Not Allowed", "Forbidden"):
        assert place in said, place


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_an_error_tells_where_it_was_and_in_which_request(planted: Client, written: Callable[[], str]) -> None:
    answer = planted.get(f"/broken/{TOKEN}/")
    (told,) = [line for line in lines(written()) if line["level"] == "ERROR"]
    assert told["request"] == answer.headers["X-Request-ID"]
    assert (told["route"], told["method"], told["status_code"]) == ("broken", "GET", 500)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", told["time"])
    (error,) = told["errors"]
    assert error["error"] == "RuntimeError"
    assert re.fullmatch(r"tests/security/test_logs\.py:\d+ broken", error["at"][-1])


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_postgres_names_what_it_refused_and_not_what_was_sent(planted: Client, written: Callable[[], str]) -> None:
    planted.get("/admin/postgres/")
    (told,) = [line for line in lines(written()) if line["level"] == "ERROR"]
    first, second = told["errors"][:2]
    assert first["error"] == f"{IntegrityError.__module__}.IntegrityError"
    assert (second["sqlstate"], second["constraint"]) == ("23505", "auth_user_username_key")


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_a_slow_statement_is_told_without_its_words(planted: Client, written: Callable[[], str]) -> None:
    with override_settings(SLOW_QUERY_MS=10, SLOW_REQUEST_MS=0):
        planted.get(f"/slow/{TOKEN}/", {"q": WORD})
    (told,) = [line for line in lines(written()) if "pg_sleep" in line.get("statement", "")]
    assert told["event"] == "A statement took long"
    assert told["statement"] == "SELECT pg_sleep(0.05), %s, '…'"
    assert told["milliseconds"] >= 50 and told["route"] == "slow"


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_nought_notes_nothing(planted: Client, written: Callable[[], str]) -> None:
    with override_settings(SLOW_QUERY_MS=0, SLOW_REQUEST_MS=0):
        planted.get(f"/slow/{TOKEN}/", {"q": WORD})
    assert "took long" not in written()


@pytest.mark.parametrize("written", ["json"], indirect=True)
def test_other_loggers_say_what_no_visitor_wrote(planted: Client, written: Callable[[], str]) -> None:
    planted.get("/hand/")
    said = {line["logger"]: line["event"] for line in lines(written()) if line["level"] == "WARNING"}
    assert re.fullmatch(r"test_logs\.py:\d+", said["pypdf"])
    assert said["elsewhere"] == "… from …, 7 times"
    assert said["itsci_site"] == "one\nline"
    assert all(isinstance(json.loads(line), dict) for line in written().splitlines())


@pytest.mark.parametrize("written", ["plain"], indirect=True)
def test_a_plain_line_stays_a_line(planted: Client, written: Callable[[], str]) -> None:
    planted.get("/hand/")
    assert any("WARNING itsci_site: one\\nline" in line for line in written().splitlines())


@pytest.mark.urls("tests.pages.urls")
@pytest.mark.parametrize(
    ("address", "words"),
    [("/broken/", "If you tell us of it, give this number:"), ("/fr/broken/", "Si vous nous en parlez, donnez ce numéro :")],
)
def test_the_reader_of_an_error_can_tell_its_number(address: str, words: str, planted: Client) -> None:
    answer = planted.get(address)
    assert answer.status_code == 500
    assert markup.parse(answer.content).one("code").text == answer.headers["X-Request-ID"]
    assert words in answer.content.decode()


@pytest.mark.parametrize(
    ("behind", "given", "taken"),
    [
        (True, ID, True), (True, "123e4567-e89b-12d3-a456-426614174000", True), (False, ID, False),
        (True, "planted.name", False),
        (True, "a" * 65, False), (True, "abc", False), (True, f"{ID}-é", False), (True, ID.upper(), False),
    ],
)  # fmt: skip
def test_an_id_is_made_here_or_by_our_own_proxy(behind: bool, given: str, taken: bool, client: Client) -> None:
    with override_settings(BEHIND_PROXY=behind):
        answer = client.get("/healthz", headers={"X-Request-ID": given})
    found = answer.headers["X-Request-ID"]
    assert (found == given) == taken
    assert re.fullmatch(r"[0-9a-f-]{32,36}", found)


def test_each_request_has_its_own(client: Client) -> None:
    assert len({client.get("/healthz").headers["X-Request-ID"] for _time in range(5)}) == 5


def test_nothing_later_is_told_of_a_request_that_is_over(client: Client) -> None:
    answer = client.get("/data/readings.csv")
    list(answer.streaming_content)  # type: ignore[attr-defined]
    assert answer.headers["X-Request-ID"]
    assert logs.current.get() is None
