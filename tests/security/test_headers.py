"""Every address of the site against one table of headers (table.py), asked in every way."""

import socket
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.db import OperationalError
from django.http.response import HttpResponseBase
from django.test import Client
from django.test.utils import override_settings
from django.urls import URLPattern, URLResolver, get_resolver
from gunicorn.http import errors

from itsci_site import headers, worker
from itsci_site.lib.newsroom import links
from itsci_site.middleware import OF_PROXIES
from meetings.models import Document, Meeting
from testimonials.models import RENDITIONS, Testimonial
from tests import factories as make
from tests.meetings import pdf_files
from tests.pages.content import in_language
from tests.testimonials.photos import give

from . import table

METHODS = ("GET", "HEAD", "POST", "OPTIONS")
OVER_HTTPS = {
    "SECURE_SSL_REDIRECT": True, "SECURE_HSTS_SECONDS": 63_072_000, "SECURE_HSTS_INCLUDE_SUBDOMAINS": True,
    "SECURE_HSTS_PRELOAD": True,
}  # fmt: skip


def named(resolver: URLResolver, prefix: str = "/") -> Iterator[tuple[str, str]]:
    """(route with its places for arguments, name) of every address."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        if isinstance(pattern, URLPattern):
            yield route, pattern.name or ""
        else:
            yield from named(pattern, route)


def by_directive(policy: str) -> dict[str, list[str]]:
    """Directives and their sources; their order means nothing."""
    return {name: sorted(sources) for name, *sources in (part.split() for part in policy.split(";"))}


def differences(response: HttpResponseBase, kind: str) -> list[str]:
    _why, expected = table.KINDS[kind]
    found = []
    for name, value in expected.items():
        there = response.headers.get(name)
        if name == "Content-Security-Policy" and value and there:
            is_same = by_directive(there) == by_directive(value)
        else:
            is_same = there == value
        if not is_same:
            found.append(f"{name}: {there}")
    if kind != "admin":
        if response.cookies or "Set-Cookie" in response.headers:
            found.append(f"cookies {response.cookies}")
        if {name.strip() for name in response.headers.get("Vary", "").split(",")} - {"", "Accept-Encoding", "Save-Data"}:
            found.append(f"Vary: {response.headers['Vary']}")
    return found


def spent(response: Any) -> Any:
    """Read to its end, as a server does, which closes what it reads from."""
    if response.streaming:
        list(response.streaming_content)
    return response


def asked(client: Client, address: str, row: table.Row, methods: tuple[str, ...] = METHODS, **more: Any) -> list[str]:
    """What is wrong with the answers at an address, method by method."""
    wrong = []
    for method in methods:
        response = spent(client.generic(method, address, **more))
        kind = row.kind if response.status_code == row.status else row.other if row.kind != "admin" else "admin"
        told = differences(response, kind)
        if method in ("GET", "HEAD") and response.status_code != row.status:
            told.append(f"status {response.status_code}")
        if response.status_code >= 500 and row.status < 500:
            told.append(f"status {response.status_code}")
        if more.get("secure") and response.headers.get("Strict-Transport-Security") != table.HSTS:
            told.append("no HSTS")
        wrong += [f"{method} {address} ({response.status_code}, {kind}): {words}" for words in told]
    return wrong


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[dict[str, str]]:
    """What the samples name."""
    made = {"MEDIA_ROOT": tmp_path / "media", "OFFLINE_ROOT": str(tmp_path / "packs")}
    with override_settings(CONTACT_EMAIL="somebody@example.org", **made):
        story = give(Testimonial.objects.get(slug="child-labour-katanga"))
        meeting: Any = Meeting.objects.published().first()
        document: Document = make.make_document(meeting)
        document.file.save("a.pdf", ContentFile(pdf_files.plain()))
        (_label, preview), *_others = links.previews(Testimonial, story.pk)
        yield {
            "portrait": story.portrait_address(RENDITIONS[0]),
            "meeting": meeting.get_absolute_url(),
            "document": f"{meeting.get_absolute_url()}{document.pk}.pdf",
            "preview": preview,
        }


@pytest.fixture
def public(filled: dict[str, str], as_deployed: Path) -> dict[str, table.Row]:
    return {row.address.format(**filled): row for row in table.ROWS.values()}


def test_every_address_has_its_row() -> None:
    """One that is added without a row in the table is found here."""
    names = {name for route, name in named(get_resolver()) if not route.startswith("/admin/")}
    assert names == table.ROWS.keys()


def test_the_document_is_the_table() -> None:
    assert table.DOCUMENT.read_text(encoding="utf-8") == table.printed()


def test_every_public_address_in_every_way(public: dict[str, table.Row]) -> None:
    client = Client(enforce_csrf_checks=True)
    wrong = [words for address, row in public.items() for words in asked(client, address, row)]
    assert wrong == []


def test_no_address_takes_a_method_of_proxies(public: dict[str, table.Row]) -> None:
    """TRACE would give back what a proxy added to the request."""
    client, wrong = Client(), []
    everywhere = public | {"/admin/": table.ROWS["our_work"], "/static/css/site.css": table.ROWS["our_work"]}
    for address, row in everywhere.items():
        for method in OF_PROXIES:
            response = client.generic(method, address, b"abc", headers={"X-Secret": "abc"})
            wrong += [f"{method} {address}: {words}" for words in differences(response, row.other)]
            if (response.status_code, response.headers["Allow"], response.content) != (405, "GET, HEAD", b""):
                wrong.append(f"{method} {address} answers {response.status_code}: {response.content!r}")
    assert wrong == []


def test_every_public_address_over_https_in_french(public: dict[str, table.Row]) -> None:
    with override_settings(**OVER_HTTPS):
        client, wrong = Client(enforce_csrf_checks=True), []
        translated = {row.address for name, row in table.ROWS.items() if name in IN_FRENCH}
        for address, row in public.items():
            where = in_language(address, "fr") if row.address in translated else address
            wrong += asked(client, where, row, ("GET", "POST"), secure=True)
            redirected = spent(client.get(where))
            if client.generic("TRACE", where).status_code != 405:
                wrong.append(f"TRACE {where} is not refused over plain HTTP")
            if redirected.status_code == 301:
                kind = row.kind if row.kind == "open" else "page"
                wrong += [f"redirect {where}: {words}" for words in differences(redirected, kind)]
    assert wrong == []


IN_FRENCH = {
    name
    for route, name in named(get_resolver())
    if route in ("/data/", "/data/corrections/") or not route.startswith(("/admin/", "/data/"))
} - {"healthz", "readyz", "robots", "favicon", "security_txt", "sitemap", "sitemap_section", "portrait", "document", "preview"}


def test_what_is_unchanged_says_the_same(public: dict[str, table.Row]) -> None:
    client, wrong, seen = Client(), [], 0
    for address, row in public.items():
        given = spent(client.get(address)).headers
        marks = {"If-None-Match": given.get("ETag"), "If-Modified-Since": given.get("Last-Modified")}
        if known := {name: value for name, value in marks.items() if value}:
            again = client.get(address, headers=known)
            if again.status_code == 304:
                seen += 1
                wrong += [f"304 {address}: {words}" for words in differences(again, row.kind)]
    assert wrong == []
    assert seen > 8


def test_static_files_carry_them(as_deployed: Path) -> None:
    client, wrong = Client(), []
    for name in ("css/site.css", "img/mark.svg", "admin/js/core.js"):
        row = table.Row("page", f"/static/{name}")
        wrong += asked(client, row.address, row, ("GET", "HEAD"))
        wrong += asked(client, row.address, row, ("POST",))
        last = spent(client.get(row.address)).headers["Last-Modified"]
        again = client.get(row.address, headers={"If-Modified-Since": last})
        assert again.status_code == 304
        wrong += differences(again, "page")
    assert wrong == []


@pytest.mark.urls("tests.pages.urls")
@pytest.mark.parametrize("secure", [False, True])
def test_errors_carry_them(secure: bool) -> None:
    with override_settings(**(OVER_HTTPS if secure else {})):
        client, wrong = Client(raise_request_exception=False), []
        for row in table.ERRORS.values():
            wrong += asked(client, row.address, row, ("GET", "HEAD"), secure=secure)
        refused = Client(enforce_csrf_checks=True).post("/", secure=secure)
        assert refused.status_code == 403
        wrong += differences(refused, "page")
        untaken = client.post("/data/readings.csv", secure=secure)
        assert untaken.status_code == 405
        wrong += differences(untaken, "open")
        with patch("itsci_site.views.replica.connection") as asked_there:
            asked_there.cursor.side_effect = OperationalError
            down = client.get("/readyz", secure=secure)
        assert down.status_code == 503
        wrong += differences(down, "page")
    assert wrong == []


@pytest.mark.parametrize("secure", [False, True])
def test_so_does_the_answer_to_a_host_that_is_not_ours(secure: bool) -> None:
    """Over plain HTTP the redirect to HTTPS is what asks for the host, before any page."""
    with override_settings(**OVER_HTTPS, ALLOWED_HOSTS=["www.example.org"]):
        response = Client().get("/", headers={"Host": "evil.example"}, secure=secure)
        assert response.status_code == 400
        assert differences(response, "page") == []


def admin_addresses(filled: dict[str, str]) -> list[str]:
    """Every address below /admin/ with something in its places, rows that there are where there are any."""
    user = make.make_user("somebody")
    words = {
        "<uidb64>": "MQ", "<token>": "abc-def", "<slug:ending>": "csv",
        "<path:content_type_id>": str(ContentType.objects.get_for_model(Meeting).pk),
        "<path:object_id>": str(user.pk), "<id>": str(user.pk), "<int:pk>": "1", "<int:entry>": "1", "(?P<url>.*)": "nowhere/",
        "(?P<app_label>auth|newsroom|regions|testimonials|meetings|programmes)": "regions",
    }  # fmt: skip
    found = []
    for route, _name in named(get_resolver()):
        if route.startswith("/admin/"):
            for place, word in words.items():
                route = route.replace(place, word)
            assert "<" not in route, route
            found.append(route)
    return found


@pytest.mark.parametrize("who", ["nobody", "half signed in", "staff"])
def test_every_address_of_the_admin(who: str, filled: dict[str, str]) -> None:
    client = Client(enforce_csrf_checks=True)
    user = make.make_user()
    if who == "half signed in":
        client.force_login(user, backend="django.contrib.auth.backends.ModelBackend")
    if who == "staff":
        make.sign_in(client, user)
    wrong = []
    for address in admin_addresses(filled):
        if address == "/admin/logout/" and who != "nobody":
            continue
        for method in METHODS if who == "staff" else ("GET", "POST"):
            response = spent(client.generic(method, address))
            told = differences(response, "admin") + ([f"{response.status_code}"] if response.status_code >= 500 else [])
            wrong += [f"{method} {address} ({response.status_code}): {words}" for words in told]
    assert wrong == []


UNREAD = [
    (errors.LimitRequestLine(8192, 4094), 414),
    (errors.LimitRequestHeaders("a"), 431),
    (errors.InvalidHeader("a"), 400),
    (errors.InvalidRequestLine("a"), 400),
    (errors.ExpectationFailed("a"), 417),
    (errors.UnsupportedTransferCoding("a"), 501),
    (errors.ForbiddenProxyRequest("a"), 403),
    (RuntimeError("a"), 500),
]


@pytest.mark.parametrize("https", [False, True])
@pytest.mark.parametrize(("error", "status"), UNREAD)
def test_what_gunicorn_answers_by_itself(error: Exception, status: int, https: bool, caplog: pytest.LogCaptureFixture) -> None:
    worker.answer.cache_clear()
    one: Any = object.__new__(worker.Worker)
    ours, theirs = socket.socketpair()
    with ours, theirs, override_settings(HTTPS=https, **(OVER_HTTPS if https else {})):
        one.handle_error(None, ours, ("192.0.2.7", 1), error)
        ours.close()
        head, _blank, body = b"".join(iter(lambda: theirs.recv(65536), b"")).partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    given = dict(line.split(": ", 1) for line in lines)
    worker.answer.cache_clear()
    assert first == f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"
    _why, expected = table.KINDS["page"]
    for name, value in expected.items():
        if name == "Content-Security-Policy" and value:
            assert by_directive(given[name]) == by_directive(value)
        else:
            assert given.get(name) == value
    assert given.get("Strict-Transport-Security") == (table.HSTS if https else None)
    assert int(given["Content-Length"]) == len(body)
    assert "192.0.2.7" not in caplog.text


@pytest.mark.parametrize("cookie", ["csrftoken=é", "sessionid=x; messages=x", "csrftoken=" + "a" * 64])
@pytest.mark.parametrize(("address", "status"), [("/", 200), ("/nowhere/", 404), ("/search/?q=a", 200)])
def test_no_cookie_of_a_visitor_is_answered_with_another(address: str, status: int, cookie: str) -> None:
    response = Client().get(address, headers={"Cookie": cookie})
    assert response.status_code == status
    assert differences(response, "page") == []


def test_what_sets_headers_stands_outside_of_all_else() -> None:
    assert tuple(name for name in settings.MIDDLEWARE if name in headers.FIRST) == headers.FIRST
    assert min(settings.MIDDLEWARE.index(name) for name in headers.FIRST[1:]) < settings.MIDDLEWARE.index(
        "django.middleware.security.SecurityMiddleware"
    )
