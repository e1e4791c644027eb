"""Each page and its one stylesheet fit into the first round of packets that a server sends: 14,336 bytes, compressed."""

import gzip
import re
from pathlib import Path
from urllib.parse import urlsplit

from django.test import Client

from . import facts, markup
from .content import addresses, in_language

BUDGET = 14_336
DATED = [
    f"{page}?as-at={day}"
    for page in ("/progress/", "/progress/miners/", "/where-we-work/katanga/")
    for day in ("2026-11-23", "x")
]

ASKED = ["/meetings/?year=never&region=atlantis", "/meetings/?q=nothing", "/search/?q=safety or miners", "/search/?q=etiqetage"]


def compressed(content: bytes) -> int:
    return len(gzip.compress(content, 6))


def stylesheet(page: markup.Element, folder: Path) -> Path:
    """The file behind the one stylesheet that a page asks for."""
    hrefs = [link["href"] for link in page.all("link") if link["rel"] == "stylesheet"]
    assert len(hrefs) == 1
    return folder / hrefs[0].removeprefix("/static/")


def pages(client: Client) -> dict[str, bytes]:
    found = {}
    for address in [
        *addresses(),
        "/nowhere/",
        *DATED,
        "/meetings/?year=never&region=atlantis",
        "/meetings/?q=nothing",
        "/search/?q=a or the or safety or miners",
        "/search/?q=etiqetage",
    ]:
        for where in [in_language(address, language) for language in facts.LANGUAGES]:
            response = client.get(where)
            assert response.status_code < 500
            found[where] = response.content
    return found


def test_every_page_fits_the_first_round(client: Client, as_deployed: Path) -> None:
    found = pages(client)
    assert len(found) > 40
    weights = {}
    for where, html in found.items():
        css = stylesheet(markup.parse(html), as_deployed).read_bytes()
        weights[where] = compressed(html) + compressed(css)
    print(f"\nstylesheet {compressed(css):6,}")
    for where, weight in sorted(weights.items(), key=lambda pair: -pair[1]):
        print(f"{weight:6,} {where}")
    assert {where: weight for where, weight in weights.items() if weight > BUDGET} == {}


def test_pages_load_nothing_but_their_own_stylesheet_and_icon(client: Client, as_deployed: Path) -> None:
    for where, html in pages(client).items():
        page = markup.parse(html)
        loaded = [link["href"] for link in page.all("link") if link["rel"] not in ("alternate", "canonical")]
        loaded += [element["src"] for element in page.walk() if "src" in element.attributes]
        assert len(loaded) == 2, where
        for address in loaded:
            parts = urlsplit(address)
            assert (parts.scheme, parts.netloc) == ("", "")
            assert as_deployed.joinpath(parts.path.removeprefix("/static/")).is_file()
            assert re.search(r"\.[0-9a-f]{12}\.(css|svg)$", parts.path), "its name changes with its content"


def test_pages_carry_no_script_and_no_style_of_their_own(client: Client) -> None:
    """The Content-Security-Policy would drop them without a word."""
    for where, html in pages(client).items():
        for element in markup.parse(html).walk():
            if element.attributes.get("type") == "application/ld+json":
                continue  # data, which nothing runs
            assert element.tag not in ("script", "style", "iframe", "object", "embed", "base"), where
            named = [name for name in element.attributes if name == "style" or name.startswith("on")]
            assert named == [], f"<{element.tag}> on {where}"
            assert not element.attributes.get("href", "").startswith(("javascript:", "data:"))


def test_every_use_of_a_drawing_finds_it(client: Client) -> None:
    for html in pages(client).values():
        page = markup.parse(html)
        ids = [element["id"] for element in page.walk() if "id" in element.attributes]
        assert len(ids) == len(set(ids))
        assert {use["href"].removeprefix("#") for use in page.all("use")} <= set(ids)


def test_the_stylesheet_is_one_file_without_imports(client: Client, as_deployed: Path) -> None:
    file = stylesheet(markup.parse(client.get("/").content), as_deployed)
    text = file.read_text()
    assert "@import" not in text
    assert not re.search(r"url\((?!['\"]?data:image/svg)", text)
    for part in ("--paper:", ".tag", ".facets", "@media print", "forced-colors", "prefers-color-scheme:dark"):
        assert part in text.replace(": dark", ":dark")
    assert gzip.decompress(file.with_name(f"{file.name}.gz").read_bytes()) == file.read_bytes()
    assert file.with_name(f"{file.name}.br").is_file()
