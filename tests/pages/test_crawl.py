"""A crawler that begins at the two home pages and follows every address, as a browser or a search engine would."""

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
from django.contrib.staticfiles.finders import find
from django.test import Client

from . import facts, markup
from .content import addresses, in_language
from .test_weight import BUDGET, compressed, stylesheet

HOST = "http://testserver"
LOADED = {"link": ("stylesheet", "icon", "preload", "manifest"), "img": (), "source": (), "iframe": (), "script": ()}
"""What a browser asks for by itself. A link is loaded for these relations only."""
MOST = 2_000
"""Addresses; far more than there are, so that a page that links ever new ones is found out."""


@dataclass(frozen=True)
class Found:
    status: int
    steps: int
    """Clicks from a home page."""
    linked_from: str
    weight: int | None
    """HTML and stylesheet, compressed; None for a file."""
    foreign: tuple[str, ...]
    """What the page would load from another host."""


def mentioned(page: markup.Element) -> list[tuple[str, bool]]:
    """Every address in a page, and whether a browser loads it without being asked."""
    found = []
    for element in page.walk():
        relation = element.attributes.get("rel", "")
        loads = element.tag in LOADED and (element.tag != "link" or relation in LOADED["link"])
        found += [(element[name], loads) for name in ("href", "src", "action") if element.attributes.get(name)]
        sets = [part.split()[0] for part in element.attributes.get("srcset", "").split(",") if part.strip()]
        found += [(address, True) for address in sets]
        if element.attributes.get("property") in ("og:image", "og:url"):
            found.append((element["content"], False))
    return found


def crawl(client: Client, folder: Path) -> dict[str, Found]:
    waiting = deque((home, 0, "") for home in ("/", "/fr/"))
    found: dict[str, Found] = {}
    while waiting:
        address, steps, origin = waiting.popleft()
        if address in found:
            continue
        assert len(found) < MOST, f"ever more addresses: {address} on {origin}"
        if address.startswith("/static/"):
            there = folder.joinpath(address.removeprefix("/static/")).is_file()
            found[address] = Found(200 if there else 404, steps, origin, None, ())
            continue
        response = client.get(address)
        if not response.headers["Content-Type"].startswith("text/html"):
            found[address] = Found(response.status_code, steps, origin, None, ())
            b"".join(response.streaming_content if response.streaming else ())  # type: ignore[attr-defined]
            continue
        page = markup.parse(response.content)
        whole = [(urljoin(HOST + address, where), loads) for where, loads in mentioned(page)]
        own = [where for where, _loads in whole if where.startswith(f"{HOST}/")]
        foreign = tuple(where for where, loads in whole if loads and where not in own)
        weight = compressed(response.content) + compressed(stylesheet(page, folder).read_bytes())
        found[address] = Found(response.status_code, steps, origin, weight, foreign)
        for where in own:
            parts = urlsplit(where)
            waiting.append((f"{parts.path}?{parts.query}" if parts.query else parts.path, steps + 1, address))
    return found


@pytest.fixture
def found(client: Client, as_deployed: Path) -> dict[str, Found]:
    return crawl(client, as_deployed)


def test_everything_is_there_light_and_near(found: dict[str, Found]) -> None:
    """No broken link, no page over the first round of packets, no request to another host, none over two clicks away."""
    assert {address: one for address, one in found.items() if one.status != 200} == {}
    pages = {address: one for address, one in found.items() if one.weight is not None}
    assert {address: one.weight for address, one in pages.items() if one.weight and one.weight > BUDGET} == {}
    assert {address: one.foreign for address, one in pages.items() if one.foreign} == {}
    expected = [
        in_language(address, language)
        for address in addresses()
        for language in facts.LANGUAGES
        if not address.startswith("/programmes/")  # the first programme stands at the home page
    ]
    assert [address for address in expected if address not in pages] == []
    assert {address: pages[address].steps for address in expected if pages[address].steps > 2} == {}


def test_the_crawler_would_find_faults(client: Client, as_deployed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the test above would pass on anything."""
    assert find("css/site.css")
    broken = '<html lang="en"><head><link rel="stylesheet" href="/static/css/none.css"><title>-</title></head><body>'
    broken += '<a href="/nowhere/">x</a><img src="//cdn.example.org/x.png" alt=""></body></html>'
    page = markup.parse(broken.encode())
    assert ("//cdn.example.org/x.png", True) in mentioned(page)
    assert ("/nowhere/", False) in mentioned(page)
    assert client.get("/nowhere/").status_code == 404
