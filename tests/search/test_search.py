"""What a search finds, in which order, how it shows it, and what it never finds."""

import re
from datetime import date
from typing import Any

import pytest
from django.db import connection, models
from django.test import Client

from itsci_site import search as searching
from itsci_site.lib.publishing import Status
from meetings.models import Meeting
from regions.models import Region
from regions.versions import Version
from tests import factories
from tests.pages import facts, markup
from tests.pages.content import in_language

pytestmark = pytest.mark.django_db
SECRET = "kanaryword"
both: Any = factories.both


def results(client: Client, words: str, language: str = "en", **more: str) -> list[markup.Element]:
    response = client.get(in_language("/search/", language), {"q": words, **more})
    assert response.status_code == 200
    page = markup.parse(response.content)
    return [item for found in page.all("ol", "results") for item in found.all("li")]


def titles(client: Client, words: str, language: str = "en", **more: str) -> list[str]:
    return [item.one("h2").text for item in results(client, words, language, **more)]


def make_everything(english: str, french: str) -> dict[str, str]:
    """One public row of each kind that holds the words; the address of each by kind."""
    region = factories.make_region(**both(narrative=(english, french)))
    country = factories.make_country(**both(introduction=(english, french)))
    factories.make_region(country)
    metric = factories.make_metric(**both(definition=(english, french)))
    factories.make_series(region, metric)
    story = factories.make_testimonial(region, **both(story_body=(english, french)))
    meeting = factories.make_meeting(factories.make_place(region), **both(summary=(english, french)))
    programme = factories.make_programme(order=0, **both(lead=(english, french)))
    other = factories.make_programme(order=1)
    factories.make_activity(other, **both(text=(english, french)))
    return {
        "region": region.get_absolute_url(),
        "country": f"/where-we-work/#{country.slug}",
        "metric": metric.get_absolute_url(),
        "story": story.get_absolute_url(),
        "meeting": meeting.get_absolute_url(),
        "programme": "/" if programme else "",
        "activity": other.get_absolute_url(),
    }


@pytest.mark.parametrize(
    ("language", "words"), [("en", "tagging"), ("en", "tags"), ("en", "TAG"), ("fr", "étiquetages"), ("fr", "etiquetage")]
)
def test_every_kind_is_found_whatever_its_ending_and_accents(client: Client, language: str, words: str) -> None:
    addresses = make_everything("Bags get tags here.", "Étiquetage des sacs.")
    found = [item.one("a")["href"] for item in results(client, words, language)]
    assert sorted(found) == sorted(in_language(address, language) for address in addresses.values())


def test_each_kind_alone(client: Client) -> None:
    addresses = make_everything("Bags get tags here.", "Étiquetage des sacs.")
    expected = {
        "region": ["region", "country"], "measure": ["metric"], "story": ["story"], "meeting": ["meeting"],
        "programme": ["programme", "activity"],
    }  # fmt: skip
    assert expected.keys() == searching.NAMES.keys()
    for kind, names in expected.items():
        found = [item.one("a")["href"] for item in results(client, "tags", kind=kind)]
        assert sorted(found) == sorted(addresses[name] for name in names)


def test_words_are_found_across_the_languages(client: Client) -> None:
    """A French reader may know the English word, and a text that is not translated is found as English."""
    meeting = factories.make_meeting(**both(summary=("Tagging began.", "")))
    for language, words in (("fr", "tags"), ("en", "tagging")):
        assert [item.one("a")["href"] for item in results(client, words, language)] == [
            in_language(meeting.get_absolute_url(), language)
        ]


def test_what_stands_in_english_on_a_french_page_says_so(client: Client) -> None:
    factories.make_meeting(**both(summary=("Tagging began.", "")))
    (item,) = results(client, "tagging", "fr")
    assert item.all("p")[0]["lang"] == "en"
    assert "lang" not in item.one("a").attributes
    assert "lang" not in results(client, "tagging")[0].all("p")[0].attributes


def test_words_of_the_place_and_of_the_summary_match_together(client: Client) -> None:
    place = factories.make_place(**both(name=("Nyabibwe", "Nyabibwe-ville")))
    meeting = factories.make_meeting(place, **both(summary=("Land conflicts.", "Conflits fonciers.")))
    factories.make_meeting(**both(summary=("Land conflicts.", "Conflits fonciers.")))
    assert [item.one("a")["href"] for item in results(client, "nyabibwe conflict")] == [meeting.get_absolute_url()]
    place.name_en = "Kalemie"  # type: ignore[attr-defined]
    place.save()
    assert len(titles(client, "kalemie conflict")) == 1
    assert titles(client, '"nyabibwe land"') == []
    meeting.place = factories.make_place(**both(name=("Walikale", "Walikale")))
    meeting.save()
    assert titles(client, "kalemie conflict") == []
    assert len(titles(client, "walikale conflict")) == 1


def test_a_title_counts_more_than_a_text(client: Client) -> None:
    region = factories.make_region()
    in_body = factories.make_testimonial(region, **both(story_body=("Safety at work.", "Sécurité.")))
    in_title = factories.make_testimonial(region, **both(story_title=("Safety at last", "Enfin la sécurité")))
    found = [item.one("a")["href"] for item in results(client, "safety")]
    assert found == [in_title.get_absolute_url(), in_body.get_absolute_url()]


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("tin tantalum", {"both"}),
        ("tin or tantalum", {"both", "tin", "tantalum"}),
        ('"tantalum and tin"', set()),
        ('"tin and tantalum"', {"both"}),
        ("tin -tantalum", {"tin"}),
        ('tin -"and tantalum"', {"tin"}),
        ("-tin", set()),
        ("tin & | ! <-> :* ( ) \\ ' %", {"both", "tin"}),
        ("tin' OR 1=1 --", {"both", "tin"}),
        ("tin --tantalum", {"tin"}),
        ("tin " + "-" * 150, {"both", "tin"}),
        ("- " * 60 + "tin", {"both", "tin"}),
        ("(-" * 60 + "tin", {"both", "tin"}),
        ("", set()),
        ("the and of", set()),
        ("%_*?", set()),
        ("\ud83d\ude00".encode("utf-16", "surrogatepass").decode("utf-16"), set()),
    ],
)
def test_operators(client: Client, words: str, expected: set[str]) -> None:
    for slug, text in (("both", "Tin and tantalum"), ("tin", "Tin alone"), ("tantalum", "Tantalum alone")):
        factories.make_meeting(slug=slug, **both(summary=(text, "Rien")))
    found = {item.one("a")["href"].split("/")[-2] for item in results(client, words)}
    assert found == expected


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_what_cannot_be_searched_for_is_told_at_its_field(client: Client, language: str) -> None:
    for query, field, kept in (
        ("q=" + "%25" * 10_000, "q", "%" * 10_000),
        ("q=" + "a" * 201, "q", "a" * 201),
        ("q=tin%00", "q", "tin\ufffd"),
        ("q=tin&kind=secret", "kind", None),
    ):
        response = client.get(f"{in_language('/search/', language)}?{query}")
        assert response.status_code == 400
        page = markup.parse(response.content)
        assert page.by_id(f"id_{field}").attributes["aria-invalid"] == "true"
        assert page.one("span", "err").text
        if kept:
            assert page.by_id("id_q")["value"] == kept
        assert page.all("ol", "results") == []
    for query in ("q=%ed%a0%80", "q=%ff", "q=tin&q=tantalum", "kind=region", "", "x=1", "q=" + "a" * 200):
        assert client.get(f"{in_language('/search/', language)}?{query}").status_code == 200


@pytest.mark.parametrize("address", ["/search/", "/meetings/"])
def test_what_cannot_be_searched_for_is_told_in_words_that_help(client: Client, address: str) -> None:
    for words, said in (("a" * 201, "Give at most 200 characters."), ("\0", "Type the words again.")):
        page = markup.parse(client.get(address, {"q": words}).content)
        assert page.one("span", "err").text.endswith(said)


@pytest.mark.parametrize("page", ["0", "-1", "x", "%00", "9" * 50])
def test_a_page_that_is_none_is_told(client: Client, page: str) -> None:
    response = client.get(f"/search/?q=tin&page={page}")
    assert response.status_code == 400
    assert "There is no such page." in response.text


def test_pages_of_twenty(client: Client) -> None:
    for day in range(45):
        factories.make_meeting(held_on=date(2016, 1 + day // 28, 1 + day % 28), **both(summary=("Tin", "Étain")))
    pages = [[item.one("a")["href"] for item in results(client, "tin", page=str(page))] for page in (1, 2, 3)]
    assert [len(page) for page in pages] == [20, 20, 5]
    assert len({address for page in pages for address in page}) == 45
    assert [item.one("a")["href"] for item in results(client, "tin", page="99")] == pages[2]
    assert "45 results" in client.get("/search/?q=tin").text
    links = markup.parse(client.get("/search/?q=tin&page=2").content).one("nav", "pages").all("a")
    assert [(link["rel"], link["href"]) for link in links] == [("prev", "?q=tin&page=1"), ("next", "?q=tin&page=3")]


def test_of_too_many_the_newest_are_shown(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(searching, "MOST", 5)
    best = factories.make_meeting(held_on=date(2010, 1, 1), **both(summary=("Tin tin tin", "Étain")))
    others = [
        factories.make_meeting(held_on=date(2016, 1, day), **both(summary=(f"Tin and much else {day}", "Étain")))
        for day in range(1, 8)
    ]
    found = [item.one("a")["href"] for item in results(client, "tin")]
    assert found == [meeting.get_absolute_url() for meeting in others[::-1][:5]]
    assert best.get_absolute_url() not in found
    assert "More than 5 results" in client.get("/search/?q=tin").text


def test_words_are_marked_and_everything_else_is_escaped(client: Client) -> None:
    text = 'Tags <script>alert("x")</script> & <mark>tags</mark> \ue000not marked\ue001'
    factories.make_meeting(**both(summary=(text, text)))
    (item,) = results(client, "tag")
    assert [mark.text.lower() for mark in item.all("mark")] == ["tags", "tags"]
    assert item.all("script") == []
    answer = client.get("/search/?q=tag").text
    assert "alert(&quot;x&quot;)" in answer
    assert "\ue000" not in answer
    shown = markup.parse(client.get('/search/?q="><script>alert(1)</script>').content)
    assert shown.all("script") == []
    assert shown.by_id("id_q")["value"] == '"><script>alert(1)</script>'


def extract(client: Client, words: str, language: str = "en") -> str:
    (item,) = results(client, words, language)
    return item.all("p")[0].text


def test_an_extract_says_that_the_text_goes_on(client: Client) -> None:
    much = " ".join(f"much{number}" for number in range(60))
    factories.make_meeting(**both(summary=(f"First tin. {much} tungsten {much} tantalum at last", "Rien")))
    assert extract(client, "tin").startswith("First tin.")
    assert extract(client, "tin").endswith(" …")
    assert re.fullmatch(r"… much.* tungsten .*\d …", extract(client, "tungsten"))
    assert re.fullmatch(r"… much.* tantalum at last", extract(client, "tantalum"))


def test_items_of_a_list_do_not_run_together(client: Client) -> None:
    factories.make_meeting(
        **both(summary=("Held.\nAs planned.\n\nTwice", "Rien"), topics=("Tin prices\r\nLand conflicts", "Rien"))
    )
    assert extract(client, "tin") == "Held. As planned. Twice … Tin prices · Land conflicts"


def test_what_was_found_in_the_other_language_begins_at_the_beginning(client: Client) -> None:
    french = "Après l’accueil et l’adoption du procès-verbal, les prix ont été discutés."
    factories.make_meeting(**both(summary=("Tagging began.", french)))
    assert extract(client, "tagging", "fr") == french


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_each_result_says_what_it_is_in_the_language_of_the_page(client: Client, language: str) -> None:
    factories.make_meeting(**both(summary=("Tin", "Étain")))
    (item,) = results(client, "tin", language)
    assert item.all("p")[1].text.startswith({"en": "Meeting summary, ", "fr": "Compte rendu, "}[language])


HIDDEN: dict[str, dict[str, Any]] = {
    "draft": {"status": Status.DRAFT, "publish_at": None},
    "withdrawn": {"status": Status.WITHDRAWN, "publish_at": factories.PAST},
    "not yet": {"status": Status.PUBLISHED, "publish_at": factories.FUTURE},
}


@pytest.mark.parametrize("state", HIDDEN)
def test_what_is_not_public_is_neither_found_nor_suggested(client: Client, state: str) -> None:
    texts = both
    secret = (f"A {SECRET} here", f"Un {SECRET} ici")
    fields = HIDDEN[state]
    hidden = factories.make_region(name_en=f"{SECRET} region", **texts(narrative=secret), **fields)
    factories.make_country(**texts(introduction=secret))  # without a public region
    factories.make_series(hidden, factories.make_metric(**texts(name=secret, definition=secret)))
    region = factories.make_region()
    rows: list[models.Model] = [
        factories.make_testimonial(region, quote=SECRET, **texts(story_title=secret), **fields),
        factories.make_testimonial(hidden, quote=SECRET, **texts(story_title=secret)),
        factories.make_meeting(factories.make_place(region), **texts(summary=secret, topics=secret), **fields),
        factories.make_meeting(factories.make_place(hidden, name_en=SECRET), **texts(summary=secret)),
    ]
    programme = factories.make_programme(**texts(lead=secret), **fields)
    factories.make_activity(programme, **texts(title=secret))
    factories.make_partner(programme, name_en=SECRET)
    assert rows
    for language in facts.LANGUAGES:
        for words in (SECRET, "kanaryward", "kanaryworde"):
            address = in_language("/search/", language)
            answer = client.get(address, {"q": words}).text
            said = answer.replace(f'value="{words}"', "").replace(f"“{words}”", "").replace(f"«\u202f{words}\u202f»", "")
            said = said.replace(f"q={words}", "").replace(f"{words} - ", "")
            assert SECRET not in said.lower()
            assert "<mark>" not in said
        assert client.get(in_language("/meetings/", language), {"q": SECRET}).text.count("<tr>") == 0
    Region.objects.filter(pk=hidden.pk).update(status=Status.PUBLISHED, publish_at=factories.PAST)
    assert SECRET in " ".join(titles(client, "kanaryword"))  # the same words once they are public
    assert "kanaryword" in client.get("/search/?q=kanaryward").text


def test_did_you_mean(client: Client) -> None:
    place = factories.make_place(**both(name=("Nyabibwe", "Nyabibwe")))
    factories.make_meeting(place, **both(summary=("Tagging", "Étiquetage"), topics=("Tagging", "Étiquetage")))
    for asked, meant in (("nyabbwe", "Nyabibwe"), ("etiqetage", "étiquetage"), ("nyabibwe etiqetage", "Nyabibwe étiquetage")):
        page = markup.parse(client.get("/search/", {"q": asked}).content)
        (link,) = page.one("p", "lead").all("a")
        assert link.text == meant
        assert markup.parse(client.get("/search/" + link["href"]).content).all("ol", "results")
    assert markup.parse(client.get("/search/?q=zzzzzz").content).all("p", "lead") == []


def test_a_search_that_takes_too_long_is_given_up_calmly(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    factories.make_meeting(**both(summary=("Tin", "Étain")))
    monkeypatch.setattr(searching, "PATIENCE", 50)
    real = searching.KINDS[0].rows
    slow = searching.Kind(
        "region",
        rows=lambda: real().extra(where=["pg_sleep(5) IS NOT NULL"]),
        **{name: getattr(searching.KINDS[0], name) for name in ("needs", "title", "parts", "address", "about")},
    )
    factories.make_region(**both(lead=("Tin", "Étain")))
    monkeypatch.setattr(searching, "KINDS", (slow, *searching.KINDS[1:]))
    response = client.get("/search/?q=tin")
    assert response.status_code == 503
    page = markup.parse(response.content)
    assert page.by_id("id_q")["value"] == "tin"
    assert "took too long" in page.text
    with connection.cursor() as cursor:  # the connection can be used on, and without a limit
        cursor.execute("SHOW statement_timeout")
        assert cursor.fetchone() == ("0",)


def test_result_pages_are_not_for_search_engines(client: Client) -> None:
    def robots(address: str) -> list[str]:
        metas = markup.parse(client.get(address).content).all("meta")
        return [meta["content"] for meta in metas if meta.attributes.get("name") == "robots"]

    assert robots("/search/") == []
    assert robots("/search/?q=tin") == ["noindex"]


def test_search_columns_stay_out_of_ordinary_queries_and_of_versions() -> None:
    region = factories.make_region(**both(narrative=("Tagging", "Étiquetage")))
    assert "search_en" not in str(Region.objects.all().query) + str(Meeting.objects.all().query)
    version = Version.objects.filter(table_name="regions_region", row_id=region.pk).latest("pk")
    assert version.row and "narrative_en" in version.row
    assert not {name for name in version.row if name.startswith("search_")}
    before = Version.objects.count()
    Region.objects.filter(pk=region.pk).update(name_en=region.name_en)  # type: ignore[attr-defined]
    assert Version.objects.count() == before


def test_the_longest_text_can_be_saved(client: Client) -> None:
    """Postgres refuses a search column of over a megabyte; nobody's text may fail on that."""
    text = "Tagging began. " + " ".join(f"word{number}" for number in range(300_000))
    factories.make_meeting(**both(summary=(text, text)))
    assert len(titles(client, "tagging")) == 1


def test_every_search_column_has_its_index() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT attrelid::regclass::text, attname, EXISTS (SELECT FROM pg_index JOIN pg_class ON pg_class.oid = indexrelid "
            "JOIN pg_am ON pg_am.oid = relam WHERE indrelid = attrelid AND attnum = ANY(indkey) AND amname = 'gin') "
            "FROM pg_attribute WHERE atttypid = 'tsvector'::regtype AND attrelid::regclass::text LIKE '%\\_%' "
            "AND attname LIKE 'search\\_%' AND attrelid IN (SELECT oid FROM pg_class WHERE relkind = 'r')"
        )
        found = cursor.fetchall()
    assert len(found) == 16
    assert [row for row in found if not row[2]] == []
