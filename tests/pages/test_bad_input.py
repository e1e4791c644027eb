"""Whatever a visitor sends is answered in the site's own design, in their language, with a way on. Never a bare fault."""

from typing import Any

import pytest
from django.db import OperationalError, connection
from django.test import Client
from django.test.utils import override_settings

from . import facts, markup
from .conftest import Read
from .content import addresses, in_language

in_both = pytest.mark.parametrize("language", facts.LANGUAGES)


def assert_own_design(page: markup.Element, language: str) -> None:
    """The frame of every page, with the ways on that it offers."""
    assert page.one("html")["lang"] == language
    assert page.one("title").text.endswith("- Scaling Up ITSCI")
    main_pages = ("/", "/where-we-work/", "/progress/", "/meetings/", "/search/")
    assert [link["href"] for link in page.one("nav", "nav").all("a")] == [
        in_language(address, language) for address in main_pages
    ]
    assert [link["rel"] for link in page.all("link") if link["rel"] not in ("alternate", "canonical")] == ["stylesheet", "icon"]
    assert len(page.one("main").all("h1")) == 1


UNKNOWN = [
    "/nowhere/",
    "/where-we-work/atlantis/",
    "/where-we-work/katanga/more/",
    "/meetings/kalemie-1999-01-01/",
    "/meetings/kalemie-2016-03-11/1.pdf",
    "/stories/atlantis/",
    "/programmes/atlantis/",
    "/programmes/atlantis/progress/",
    "/sw/",
    "/en/",
    "/where-we-work/katanga%00/",
    "/where-we-work/%ed%a0%80/",
    "/" + "a" * 10_000 + "/",
]


@in_both
@pytest.mark.parametrize("address", UNKNOWN, ids=lambda address: address[:30])
def test_an_unknown_page_is_a_404_with_a_way_on(read: Read, address: str, language: str) -> None:
    page = read(address, language, status=404)
    assert_own_design(page, language)
    heading = {"en": "We cannot find that page", "fr": "Cette page est introuvable"}[language]
    assert page.one("h1").text == heading
    ways = [(link.text, link["href"]) for link in page.one("nav", "index").all("a")]
    assert ways == [
        (region.names[language], in_language(f"/where-we-work/{region.slug}/", language)) for region in facts.REGIONS
    ]
    assert page.all("meta", "")[-1].attributes.get("content") == "noindex"


@pytest.mark.parametrize(
    ("asked", "to"), [("/fr", "/fr/"), ("/progress", "/progress/"), ("/fr/meetings?q=a", "/fr/meetings/?q=a")]
)
def test_a_missing_slash_is_put_right(client: Client, asked: str, to: str) -> None:
    response = client.get(asked)
    assert (response.status_code, response.headers["Location"]) == (301, to)


# The register's filter. Each: query string, the field that is told off (empty: none), the input that must stand in the form.
EVERY = [day for _place, _region, day, _words in facts.MEETINGS]
LONG = "a" * 10_000
REFUSED = {
    "a year in words": ("year=yesterday", "year", None),
    "a year without meetings": ("year=1066", "year", None),
    "a year too far": (f"year={'9' * 40}", "year", None),
    "a negative year": ("year=-2016", "year", None),
    "NUL in a year": ("year=2016%00", "year", None),
    "NUL in words": ("q=ta%00g", "q", "ta\x00g"),
    "too long": (f"q={LONG}", "q", LONG),
    "unknown region": ("region=atlantis", "region", None),
    "NUL in region": ("region=%00", "region", None),
    "long region": (f"region={LONG}", "region", None),
    "unknown place": ("place=katanga.atlantis", "place", None),
    "a place without its region": ("place=kalemie", "place", None),
    "NUL in place": ("place=katanga.kalemie%00", "place", None),
    "a place of another region": ("place=katanga.kalemie&region=maniema", "place", None),
    "unknown region beside a good word": ("q=tagging&region=atlantis", "region", None),
}


@in_both
@pytest.mark.parametrize("name", REFUSED)
def test_what_the_filter_cannot_read_is_told_at_its_field(client: Client, name: str, language: str) -> None:
    query, field, kept = REFUSED[name]
    response = client.get(f"{in_language('/meetings/', language)}?{query}")
    assert response.status_code == 400
    page = markup.parse(response.content)
    assert_own_design(page, language)
    told = page.one("span", "err")
    control = page.by_id(f"id_{field}")
    assert control.attributes["aria-invalid"] == "true"
    assert control.attributes["aria-describedby"] == told["id"]
    assert told.text
    assert (told.text in ENGLISH_MESSAGES) == (language == "en"), told.text
    if kept is not None:
        assert control["value"] == kept.replace("\x00", "\ufffd")
    found = [row.one("time")["datetime"] for row in page.one("table", "reg").one("tbody").all("tr")]
    assert found == EVERY  # unfiltered
    if "q=tagging" in query:
        assert page.by_id("id_q")["value"] == "tagging"


ENGLISH_MESSAGES = {
    "No summary is of this year. Choose one from the list.",
    "No such region. Choose one from the list.",
    "No such place. Choose one from the list.",
    "This place is in another region. Choose one of the region’s own, or all places.",
    "Null characters are not allowed.",
    "One of these characters cannot be read. Type the words again.",
    "That is too long to search for. Give at most 200 characters.",
}


SPOTS = ["-1", "2", "abc", "%00", "2016-03-04", "2016-02-30.1", "2016-03-04.1%00", "2016-03-04." + "9" * 40, "1%27--"]


@in_both
@pytest.mark.parametrize("way", ["before", "after"])
@pytest.mark.parametrize("spot", SPOTS)
def test_a_page_that_is_none_is_told_and_the_first_page_shown(client: Client, spot: str, way: str, language: str) -> None:
    response = client.get(f"{in_language('/meetings/', language)}?{way}={spot}")
    assert response.status_code == 400
    page = markup.parse(response.content)
    assert_own_design(page, language)
    assert len(page.all("p", "notice")) == 1
    assert [row.one("time")["datetime"] for row in page.one("table", "reg").one("tbody").all("tr")] == EVERY


# Query strings that are unusual but harmless: which meetings they show.
READ = {
    "": EVERY,
    "page=2": EVERY,
    "before=9999-12-31.999999999999999999": EVERY,
    "before=0001-01-01.0": EVERY,
    "after=9999-12-31.1": EVERY,
    "before=2016-03-04.0": EVERY[2:],
    "q=": EVERY,
    "q=%20%20": EVERY,
    "unknown=1": EVERY,
    "%00": EVERY,
    "%00=%00": EVERY,
    "&&&=&=": EVERY,
    "q=%ed%a0%80": [],
    "q=%ff%fe": [],
    "q=%25": [],
    "q=_": [],
    "q=%27%3B%20DROP%20TABLE%20meetings_meeting%3B--": [],
    "q=%3Cscript%3Ealert(1)%3C%2Fscript%3E": [],
    "q=kalemie&q=kasese": ["2016-03-01"],
    "region=maniema&region=katanga": ["2016-03-11"],
    "since=2016-03-04": EVERY,
    "year=2016": EVERY,
    "place=south-kivu.nyabibwe": [EVERY[1], EVERY[3]],
    "place=south-kivu.nyabibwe&region=south-kivu&year=2016&q=actions": [EVERY[1], EVERY[3]],
    "q=NYABIBWE": [EVERY[1], EVERY[3]],
    "q=n%C3%A9gociants": EVERY[:1],
    "region=rwanda": [],
}


@in_both
@pytest.mark.parametrize("query", READ)
def test_what_the_filter_reads(client: Client, query: str, language: str) -> None:
    response = client.get(f"{in_language('/meetings/', language)}?{query}", follow=True)
    assert response.status_code == 200
    page = markup.parse(response.content)
    assert_own_design(page, language)
    assert [row.one("time")["datetime"] for table in page.all("table", "reg") for row in table.one("tbody").all("tr")] == READ[
        query
    ]
    assert len([element for element in page.walk() if element.attributes.get("role") == "status"]) == 1
    assert page.all("script") == []
    filtered = (READ[query] != EVERY and "before" not in query) or "year" in query
    assert filtered == (in_language("/meetings/", language) in [link["href"] for link in page.one("main").all("a")])


def test_the_input_stays_in_the_form(client: Client) -> None:
    query = "q=%22tag%22+%3Cb%3E&region=katanga&place=katanga.kalemie&year=2016"
    page = markup.parse(client.get(f"/meetings/?{query}").content)
    assert page.by_id("id_q")["value"] == '"tag" <b>'
    for name, value in (("region", "katanga"), ("place", "katanga.kalemie"), ("year", "2016")):
        options = page.by_id(f"id_{name}").all("option")
        assert [option["value"] for option in options if "selected" in option.attributes] == [value]


@pytest.mark.parametrize(
    "query", ["q=a&q=b&q=" + "c" * 10_000, "x=" * 2_000, "&".join(f"a{number}=1" for number in range(2_000))]
)
def test_no_query_string_breaks_any_page(client: Client, query: str) -> None:
    client.raise_request_exception = False
    answers = {address: client.get(f"{address}?{query}", follow=True).status_code for address in addresses()}
    assert {address: status for address, status in answers.items() if status not in (200, 400)} == {}


@pytest.mark.parametrize("method", ["post", "put", "patch", "delete", "options"])
def test_no_method_breaks_any_page(client: Client, method: str) -> None:
    """Beyond the test client's leave to skip it, the guard against forged requests stands."""
    client.raise_request_exception = False
    sent: dict[str, Any] = {"data": {"q": "a"}} if method == "post" else {"data": "\x00", "content_type": "text/plain"}
    guarded = Client(enforce_csrf_checks=True, raise_request_exception=False)
    for sender in (client, guarded):
        answers = {address: getattr(sender, method)(address, **sent).status_code for address in addresses()}
        assert {address: status for address, status in answers.items() if status >= 500} == {}


def test_head_answers_as_get_without_a_body(client: Client) -> None:
    for address in addresses():
        got, head = client.get(address), client.head(address)
        assert (head.status_code, head.content) == (200, b"")
        own = ("Content-Length", "X-Request-ID")
        assert {name: value for name, value in head.items() if name not in own} == {
            name: value for name, value in got.items() if name not in own
        }


@pytest.mark.parametrize("host", ["evil.example", "testserver.evil.example", "a b", "[::1", "%00", ""])
@override_settings(ALLOWED_HOSTS=["testserver"])
def test_a_host_that_is_not_ours_is_refused(host: str) -> None:
    client = Client(raise_request_exception=False)
    response = client.get("/", headers={"host": host})
    assert response.status_code == 400
    page = markup.parse(response.content)
    assert page.one("h1").text == "We cannot read that request"
    assert not host or host not in response.text


@pytest.fixture
def forgiving() -> Client:
    """A client that shows what a visitor gets when the site breaks."""
    return Client(raise_request_exception=False)


@in_both
@pytest.mark.urls("tests.pages.urls")
@pytest.mark.parametrize(
    ("address", "status", "headings"),
    [
        ("/broken/", 500, {"en": "Something went wrong here", "fr": "Une erreur s’est produite"}),
        ("/refused/", 403, {"en": "That is not allowed", "fr": "Cela n’est pas permis"}),
        ("/unreadable/", 400, {"en": "We cannot read that request", "fr": "Cette demande est illisible"}),
    ],
)
def test_a_failing_page_keeps_the_design_and_the_language(
    forgiving: Client, address: str, status: int, headings: dict[str, str], language: str
) -> None:
    response = forgiving.get(in_language(address, language))
    assert response.status_code == status
    assert response.headers["Content-Language"] == language
    page = markup.parse(response.content)
    assert_own_design(page, language)
    assert page.one("h1").text == headings[language]
    assert "RuntimeError" not in response.text


def down(execute: object, sql: str, params: object, many: bool, context: dict) -> None:
    raise OperationalError("the connection is gone")


@in_both
def test_without_the_database_every_page_says_so_in_the_design(forgiving: Client, language: str) -> None:
    pages = [in_language(address, language) for address in addresses()]
    with connection.execute_wrapper(down):
        answers = {address: forgiving.get(address) for address in pages}
    stands = {address for address, response in answers.items() if response.status_code == 200}
    assert stands == {in_language(address, language) for address in ("/search/", "/accessibility/")}
    for address, response in answers.items():
        assert address in stands or response.status_code == 503
        assert_own_design(markup.parse(response.content), language)
        assert "the connection is gone" not in response.text


@in_both
def test_without_the_database_the_404_stands(forgiving: Client, language: str) -> None:
    with connection.execute_wrapper(down):
        response = forgiving.get(in_language("/nowhere/", language))
    assert response.status_code == 404
    page = markup.parse(response.content)
    assert_own_design(page, language)
    assert page.all("nav", "index") == []


def test_health_tells_the_process_from_the_database(forgiving: Client) -> None:
    with connection.execute_wrapper(down):
        answers = {address: forgiving.get(address).status_code for address in ("/healthz", "/readyz", "/robots.txt")}
    assert answers == {"/healthz": 200, "/readyz": 503, "/robots.txt": 200}
    assert forgiving.get("/readyz").status_code == 200
