"""Copies for while the database does not answer: of which addresses, with what in them, and who is told when one changes."""

import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.db import close_old_connections, connection
from django.test.utils import override_settings
from django.utils.html import escape

from itsci_site.last_good import Keeper
from itsci_site.lib.lastgood import MOST_BYTES, Store
from itsci_site.readable import Application
from regions.content_version import Content
from regions.models import Region
from testimonials.models import Testimonial
from testimonials.withheld import SCHEMA, withheld
from tests.pages import content

pytestmark = pytest.mark.django_db


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "last-good")


@pytest.fixture
def keeper(store: Store) -> Iterator[Keeper]:
    state = Content()
    for signal in (request_started, request_finished):  # they end a transaction that the test stands in
        signal.disconnect(close_old_connections)
    with content.loaded(), override_settings(ALLOWED_HOSTS=["testserver"]):
        yield Keeper(Application(), state, store)
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)
    state.close()


@pytest.fixture
def told() -> Iterator[list[tuple[str, str]]]:
    """What a cache before the site is told: (address, host)."""
    found: list[tuple[str, str]] = []

    class Cache(BaseHTTPRequestHandler):
        def do_PURGE(self) -> None:
            found.append((self.path, self.headers["Host"]))
            self.send_response(404 if len(found) % 2 else 200)  # it may have nothing of an address
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Cache)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    with override_settings(PURGE_URL=f"http://127.0.0.1:{server.server_port}"):
        yield found
    server.shutdown()
    thread.join()
    server.server_close()


def text(store: Store, address: str) -> str:
    found = store.get(address)
    assert found is not None, address
    return found.body.decode()


def test_what_pages_lead_to_has_a_copy_and_nobody_s_words_do(keeper: Keeper, store: Store) -> None:
    number = keeper.keep_all()
    addresses = set(store.addresses())
    assert number == len(addresses) > 100
    expected = {"/", "/fr/progress/", "/where-we-work/katanga/", "/meetings/", "/robots.txt", "/sitemap.xml", "/share.png",
                "/data/readings.csv", "/data/regions.geojson", "/fr/feeds/figures.atom"}  # fmt: skip
    assert expected <= addresses
    assert not [one for one in addresses if one.startswith(("/admin/", "/static/", "/search/", "/preview/"))]
    said = [escape(words) for words in Testimonial.objects.values_list("quote", flat=True)]
    assert said
    for address in addresses:
        found = store.get(address)
        assert found is not None and not [words for words in said if words.encode() in found.body], address
    story = Testimonial.objects.published()[0].get_absolute_url()
    assert "This story is not shown right now" in text(store, story)
    assert "Ce récit n’est pas montré" in text(store, f"/fr{story}")
    assert "Figures as of" in text(store, "/") and "Chiffres au" in text(store, "/fr/")


def test_a_copy_says_the_headers_of_its_page_and_is_kept_by_nobody(keeper: Keeper, store: Store) -> None:
    keeper.keep_all()
    found = store.get("/")
    assert found is not None
    headers = {name.lower(): value for name, value in found.headers}
    assert headers["cache-control"] == "no-store" and "default-src 'none'" in headers["content-security-policy"]
    assert not headers.keys() & {"etag", "x-request-id", "x-accel-expires", "set-cookie"} and "last-modified" in headers


def test_what_is_gone_has_no_copy_and_what_changed_is_told(
    keeper: Keeper, store: Store, told: list[tuple[str, str]]
) -> None:  # fmt: skip
    keeper.keep_all()
    assert {address for address, _host in told} >= {"/", "/where-we-work/maniema/"}
    assert {host for _address, host in told} == {"testserver"}
    told.clear()
    keeper.keep_all()
    assert told == []
    Region.objects.filter(slug="katanga").update(lead_en="Another lead", lead_fr="Un autre chapeau")
    keeper.keep_all()
    changed = {address for address, _host in told}
    assert {"/where-we-work/katanga/", "/fr/where-we-work/katanga/"} <= changed and "/where-we-work/maniema/" not in changed
    told.clear()
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute("UPDATE regions_region SET status = 'withdrawn' WHERE slug = 'maniema'")
        cursor.execute("SET session_replication_role = DEFAULT")
    keeper.keep_all()
    assert store.get("/where-we-work/maniema/") is None and "/where-we-work/maniema/" in {address for address, _host in told}


def test_a_cache_that_is_away_costs_a_line_in_the_log(keeper: Keeper, caplog: pytest.LogCaptureFixture) -> None:
    with override_settings(PURGE_URL="http://127.0.0.1:1"), caplog.at_level(logging.WARNING):
        keeper._keep("/robots.txt", False)
    assert "The cache at PURGE_URL does not answer: URLError" in caplog.messages


def test_what_somebody_asked_for_is_copied_too(keeper: Keeper, store: Store) -> None:
    address = "/progress/?as-at=2026-11-20"
    keeper.note(address)
    assert list(keeper._asked) == [address]
    keeper._keep(address, False)
    assert "As at" in text(store, address)
    keeper.note(address)
    assert len(keeper._asked) == 1
    keeper.keep_all()
    assert store.get(address) is not None  # it stays among those that are made anew


def test_the_schema_hides_every_table_or_nothing_is_made(keeper: Keeper) -> None:
    with withheld():
        assert not Testimonial.objects.exists()
    assert Testimonial.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute(f"DROP VIEW {SCHEMA}.testimonials_testimonial")
    with pytest.raises(LookupError, match=r"manage\.py migrate"), withheld():
        pass
    assert Testimonial.objects.exists()


def test_what_is_no_whole_answer_is_none(store: Store) -> None:
    assert store.put("/", [("A", "b")], b"whole", b"whole")
    (path,) = store._files()
    whole = path.read_bytes()
    for broken in (b"", whole[:-1], whole[:20], b"[]\n" + whole, whole.replace(b'"/"', b'"/x"', 1)):
        path.write_bytes(broken)
        assert store.get("/") is None
    path.write_bytes(whole)
    assert store.get("/") is not None and not store.put("/", [], b"whole, at another moment", b"whole")
    assert store.put("/", [], b"x" * (MOST_BYTES + 1), b"x") and store.get("/") is None


def test_one_process_of_a_machine_keeps_them(store: Store) -> None:
    with store.alone() as first, store.alone() as second:
        assert (first, second) == (True, False)
    with store.alone() as again:
        assert again
