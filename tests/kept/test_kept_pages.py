"""Which answers of the site are kept, and what each of them says to browsers and proxies."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from itsci_site.lib.newsroom import links
from tests import factories as make
from tests.pages import content

pytestmark = pytest.mark.django_db

UNKEPT = {
    "healthz": "the process itself", "readyz": "the database itself", "favicon": "a redirect", "preview": "not public",
    "search": "what somebody looks for", "readings_csv": "streams", "readings_json": "streams", "readings_xlsx": "a file",
    "offline_pack": "has a store of its own", "document": "a file that goes with its meeting",
    "security_txt": "from the settings",
    "portrait": "a file that goes with its consent",
}  # fmt: skip
PEOPLES = ("/", "/where-we-work/", "/where-we-work/katanga/", "/stories/child-labour-katanga/", "/sitemap.xml")
OTHERS = ("/progress/", "/progress/miners/", "/meetings/", "/data/", "/accessibility/", "/robots.txt", "/data/regions.geojson")


@pytest.fixture(autouse=True)
def loaded() -> Iterator[None]:
    with content.loaded():
        yield


def views(patterns: Any = None) -> Iterator[tuple[str, Callable[..., Any]]]:
    for pattern in get_resolver("itsci_site.urls").url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver) and not str(pattern.pattern).startswith("admin/"):
            yield from views(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and not str(pattern.pattern).startswith("admin/"):
            yield str(pattern.name), pattern.callback


def test_every_public_view_says_whether_it_is_kept() -> None:
    assert {name for name, view in views() if not hasattr(view, "kept")} == UNKEPT.keys()


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("/?utm_source=x", "/"), ("/progress/?as-at=2026-11-25&fbclid=1", "/progress/?as-at=2026-11-25"),
        ("/fr/progress/?as-at=2026-11-24&as-at=2026-11-25", "/fr/progress/?as-at=2026-11-25"), ("/accessibility/?", None),
        ("/where-we-work/katanga/?photo=x&as-at=2026-11-25", None), ("/meetings/?q=&region=&place=&year=", None),
        ("/meetings/?q=%C3%A9t%C3%A9+x&x=%00", "/meetings/?q=%C3%A9t%C3%A9+x"), ("/data/datapackage.json?x=1", None),
        ("/search/?q=x&x=1", None), ("/sitemap-stories.xml?p=1&x", "/sitemap-stories.xml?p=1"),
    ],
)  # fmt: skip
def test_what_a_page_does_not_read_is_not_part_of_its_address(client: Client, asked: str, told: str | None) -> None:
    answer = client.get(asked)
    assert answer.headers.get("Location") == told and answer.status_code == (302 if told else answer.status_code)
    if told:
        again = client.get(told)
        assert again.status_code == 200 and "Location" not in again.headers


@pytest.mark.parametrize("address", PEOPLES)
def test_no_shared_cache_keeps_peoples_words(client: Client, settings: Any, address: str) -> None:
    settings.SHARED_CACHE_SECONDS, settings.BEHIND_PROXY = 60, True
    headers = client.get(address).headers
    assert (headers["Cache-Control"], headers["X-Accel-Expires"]) == ("private, no-cache", "0")


@pytest.mark.parametrize("address", OTHERS)
def test_other_pages_are_asked_for_each_time_or_as_the_settings_say(client: Client, settings: Any, address: str) -> None:
    assert client.get(address).headers["Cache-Control"] == "no-cache"
    assert "X-Accel-Expires" not in client.get(address).headers
    settings.SHARED_CACHE_SECONDS, settings.BEHIND_PROXY = 60, True
    headers = client.get(address).headers
    assert headers["Cache-Control"] == "public, max-age=0, s-maxage=60, stale-if-error=86400"
    assert headers["X-Accel-Expires"] == "1"


@pytest.mark.parametrize(
    "address", ["/nowhere/", "/search/?q=x", "/meetings/?q=x", "/meetings/?year=1", "/data/readings.csv", "/healthz"]
)
def test_what_is_not_kept_is_not_kept_in_front_either(client: Client, settings: Any, address: str) -> None:
    settings.SHARED_CACHE_SECONDS, settings.BEHIND_PROXY = 60, True
    headers = client.get(address).headers
    assert headers["X-Accel-Expires"] == "0" and "s-maxage" not in headers.get("Cache-Control", "")


def test_a_preview_is_kept_nowhere(client: Client, settings: Any) -> None:
    settings.SHARED_CACHE_SECONDS, settings.BEHIND_PROXY = 60, True
    meeting = make.make_meeting(public_from=None)
    headers = client.get(links.previews(type(meeting), meeting.pk)[0][1]).headers
    assert (headers["Cache-Control"], headers["X-Accel-Expires"]) == ("no-store, private", "0")


def test_a_site_with_a_name_has_one_origin(client: Client, settings: Any) -> None:
    settings.ALLOWED_HOSTS, settings.SITE_URL = ["www.example.org", "example.org"], "https://example.org"
    for host in settings.ALLOWED_HOSTS:
        for address in ("/", "/sitemap.xml", "/feeds/figures.atom", "/robots.txt", "/data/dataset.jsonld"):
            text = client.get(address, headers={"host": host}).content.decode()
            assert "https://example.org/" in text and "www.example.org" not in text, address
    assert client.get("/", headers={"host": "evil.example"}).status_code == 400
    assert client.get("/admin/login/", headers={"host": "www.example.org"}).status_code == 200
