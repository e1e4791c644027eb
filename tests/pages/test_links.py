"""Every link of every page leads somewhere, fragments included."""

import pytest
from django.test import Client

from . import facts, markup
from .content import addresses, in_language


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_every_link_and_fragment_leads_to_something(client: Client, language: str) -> None:
    pages: dict[str, markup.Element] = {}

    def page(address: str) -> markup.Element:
        if address not in pages:
            response = client.get(address)
            assert response.status_code == 200, f"{address} answers {response.status_code}"
            content = b"".join(response.streaming_content) if response.streaming else response.content  # type: ignore[attr-defined]
            is_page = response["Content-Type"].startswith("text/html")
            pages[address] = markup.parse(content if is_page else b"")
        return pages[address]

    missing = set()
    for where in [in_language(address, language) for address in addresses()]:
        for link in page(where).all("a"):
            address, _, fragment = link["href"].partition("#")
            target = page(address or where)
            ids = [element["id"] for element in target.walk() if "id" in element.attributes]
            if fragment and ids.count(fragment) != 1:
                missing.add((where, link["href"]))
    assert missing == set()
    assert len(pages) > len(addresses())  # the links of the filter and of the other language were followed too


def test_each_page_links_to_itself_in_the_other_language(client: Client) -> None:
    for address in addresses():
        pair = {"en": address, "fr": in_language(address, "fr")}
        for language, here in pair.items():
            page = markup.parse(client.get(here).content)
            assert page.one("html")["lang"] == language
            links = {link["hreflang"]: link["href"] for link in page.one("nav", "langs").all("a")}
            assert links == pair


def test_the_filter_stays_when_the_language_changes(client: Client) -> None:
    page = markup.parse(client.get("/meetings/?region=katanga&year=2016").content)
    links = {link["hreflang"]: link["href"] for link in page.one("nav", "langs").all("a")}
    assert links["fr"] == "/fr/meetings/?region=katanga&year=2016"
    assert len(markup.parse(client.get(links["fr"]).content).one("table", "reg").one("tbody").all("tr")) == 1


def test_navigation_marks_the_section_one_is_in(client: Client) -> None:
    found = {}
    main = ("/", "/where-we-work/", "/progress/", "/meetings/")
    for address in (*main, "/where-we-work/katanga/", "/meetings/kasese-2016-03-01/", "/accessibility/"):
        links = markup.parse(client.get(address).content).one("nav", "nav").all("a")
        found[address] = [(link["href"], link["aria-current"]) for link in links if "aria-current" in link.attributes]
    assert found == {
        "/": [("/", "page")],
        "/where-we-work/": [("/where-we-work/", "page")],
        "/progress/": [("/progress/", "page")],
        "/meetings/": [("/meetings/", "page")],
        "/where-we-work/katanga/": [("/where-we-work/", "true")],
        "/meetings/kasese-2016-03-01/": [("/meetings/", "true")],
        "/accessibility/": [],
    }
