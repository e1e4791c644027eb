"""Kept answers of the site itself, on committed rows: what is in them, what never is, and until when they stand."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client, RequestFactory

from itsci_site.cached import ENCODERS
from itsci_site.lib.newsroom import links
from itsci_site.lib.pagecache import Page, PageCache
from itsci_site.middleware import OF_PROXIES
from itsci_site.readable import Application
from regions.content_version import Content
from testimonials.models import Testimonial
from tests import factories as make
from tests.pages import content

pytestmark = pytest.mark.django_db(transaction=True)


class Site:
    """The site behind a page cache of its own, as a browser asks it."""

    def __init__(self) -> None:
        self.content = Content()
        self.cache = PageCache(Application(), self.content, ENCODERS, 100, 2**22, ("/admin/",))

    def get(self, address: str, method: str = "GET", **headers: str) -> tuple[str, dict[str, str], bytes]:
        path, _question, query = address.partition("?")
        given = {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        environ = RequestFactory().generic(method, path).environ | {"QUERY_STRING": query, "HTTP_HOST": "testserver"} | given
        begun: list[Any] = []
        answer = self.cache(environ, lambda status, told, error=None: begun.append((status, dict(told))))
        body = b"".join(answer)
        if hasattr(answer, "close"):
            answer.close()
        return *begun[0], body

    def kept(self) -> list[Page]:
        return [page for _key, page in self.cache.pages.recent(100)]


@pytest.fixture
def site(settings: Any) -> Iterator[Site]:
    settings.SECURE_SSL_REDIRECT = False
    one = Site()
    yield one
    one.content.close()


HOSTILE = {
    "x_forwarded_host": "evil.example", "x_original_url": "/admin/", "x_rewrite_url": "/admin/",
    "cookie": "sessionid=evil; a=b",
    "user_agent": "evil", "accept_language": "fr", "referer": "https://evil.example/", "x_forwarded_for": "evil",
    "authorization": "Basic evil", "range": "bytes=0-9", "accept": "evil/evil", "forwarded": "host=evil.example",
    "x_http_method_override": "POST", "if_modified_since": "Sat, 01 Jan 2050 00:00:00 GMT", "origin": "https://evil.example",
}  # fmt: skip


@pytest.fixture(autouse=True)
def loaded() -> None:
    """Not inside a transaction: the cache asks over a connection of its own."""
    content.load()


def test_no_header_of_one_visitor_shows_in_the_page_of_another(site: Site) -> None:
    plain = Site()
    plain.content = plain.cache.content = site.content
    for address in ("/", "/progress/", "/where-we-work/katanga/", "/fr/meetings/", "/feeds/figures.atom"):
        site.get(address, **HOSTILE)  # the first to ask; the page is made for this request
        told, wanted = site.get(address), plain.get(address)
        assert told == wanted, address
        assert b"evil" not in told[2]
        if page := next((page for page in site.kept() if page.asked_with["PATH_INFO"] == address), None):
            assert "evil" not in repr(page.asked_with)
    assert len(site.kept()) >= 4


def test_what_is_kept_answers_no_method_of_proxies(site: Site) -> None:
    page = site.get("/progress/")
    for method in OF_PROXIES:
        status, headers, body = site.get("/progress/", method)
        assert (status, headers["Allow"], body) == ("405 Method Not Allowed", "GET, HEAD", b"")
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert site.get("/progress/") == page
    assert len(site.kept()) == 1


def test_a_preview_and_a_search_enter_nowhere(site: Site) -> None:
    story = make.make_testimonial(public_from=None, quote="Canary of a draft")
    user = make.make_user()
    client = make.sign_in(Client(), user)
    for _language, address in links.previews(Testimonial, story.pk):
        assert b"Canary of a draft" in site.get(address)[2]
    site.get("/search/?q=canary")
    site.get("/meetings/?q=canary")
    site.get("/nowhere/canary/")
    client.get("/admin/")
    assert site.kept() == []


def test_what_a_transaction_has_not_committed_is_in_no_page(site: Site) -> None:
    before = site.get("/")
    with transaction.atomic():
        Testimonial.objects.update(status="suspended")
        assert site.get("/") == before
    assert site.get("/") != before


def test_a_consent_that_ends_takes_its_page_along(site: Site) -> None:
    """No job, no write: the moment alone."""
    story = Testimonial.objects.published().first()
    assert story
    status, _headers, body = site.get(story.get_absolute_url())
    assert status == "200 OK" and story.quote[:20].encode() in body
    page = site.kept()[0]
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT extract(epoch FROM min(consent_until)) FROM testimonials_testimonial WHERE consent_until > now()"
        )
        ends = float(cursor.fetchone()[0])
    assert page.until <= ends


def test_it_is_over_at_midnight(site: Site) -> None:
    """Pages say which day it is, in UTC."""
    site.get("/progress/miners/")
    page, now = site.kept()[0], site.content.state().now
    assert now < page.until <= now - now % 86_400 + 86_400
