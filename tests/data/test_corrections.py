"""The log of corrections and the feed of figures, in both languages."""

import re
import xml.etree.ElementTree as ET
from datetime import date, datetime, timedelta

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from programmes.models import Headline
from regions.models import Metric, Reading
from tests import factories

from .cast import DAY_1, DAY_2, Cast, known_from
from .files import ask, get

ATOM = "{http://www.w3.org/2005/Atom}"


def rows(address: str, status: int = 200) -> list[list[str]]:
    """The cells of the log as text."""
    page = get(address, status).decode()
    body = re.search(r"<tbody.*?</tbody>", page, re.DOTALL)
    lines = re.findall(r"<tr.*?</tr>", body[0], re.DOTALL) if body else []
    return [
        [re.sub(r"<[^>]+>", "|", cell).strip("|") for cell in re.findall(r"<td.*?</td>", line, re.DOTALL)] for line in lines
    ]


def many_corrections(figures: Cast, count: int) -> None:
    """The n-th says n + 1, day by day."""
    reading = factories.make_reading(factories.make_series(figures.kivu, figures.active), 1, published_at=DAY_2)
    for number in range(count):
        reading = factories.correct(reading, number + 2, DAY_2 + timedelta(days=number + 1))


def edit_headline(figures: Cast, value: int, at: datetime = DAY_2, **texts: str) -> None:
    """With a reason in both languages, or in those given."""
    known_from(at)
    texts = texts or {"correction_reason_en": "Counted again", "correction_reason_fr": "Recompté"}
    Headline.objects.filter(pk=figures.headline.pk).update(value=value, **texts)


def test_a_correction_says_what_where_when_and_why(figures: Cast) -> None:
    ((when, what, before, now, why),) = rows("/data/corrections/")
    metric = figures.miners.name_en
    assert (when, what) == ("1 May 2022", f"South Kivu, {metric}||2017")
    assert (before, now, why) == ("100", "80", "A typing error")
    ((when, what, *_values, why),) = rows("/fr/data/corrections/")
    assert when == "1er mai 2022" and what.startswith(f"Sud-Kivu, {figures.miners.name_fr}")
    assert why == "Une faute de frappe"
    page = get("/data/corrections/").decode()
    assert 'datetime="2022-05-01T12:30:15.250000+00:00"' in page
    assert f'href="{figures.corrected.get_absolute_url()}"' in page


def test_headlines_that_were_edited_stand_below(figures: Cast) -> None:
    edit_headline(figures, 121)
    page = get("/data/corrections/").decode()
    assert "Headline total, sites, 2017: 121, until then 120. <q>Counted again</q></li>" in page
    assert f'<b>1 May 2022</b> <a href="/progress/miners/#corrections">{figures.miners.name_en}</a>' in page
    page = get("/fr/data/corrections/").decode()
    assert "121, jusque-là 120. <q>Recompté</q></li>" in page
    many_corrections(figures, 60)
    assert "until then 120" not in get("/data/corrections/?page=2").decode()
    figures.programme.withdraw(by=factories.make_user())
    assert "until then 120" not in get("/data/corrections/").decode()


def test_withdrawn_values_are_missing_not_zero(figures: Cast) -> None:
    factories.correct(figures.kivu.series.get(metric=figures.sites).readings.get(), 0, DAY_2 + timedelta(days=1))
    factories.correct(figures.rwanda.series.get(metric=figures.sites).readings.get(), None, DAY_2 + timedelta(days=2))
    assert [row[2:4] for row in rows("/data/corrections/")[:2]] == [["0", "not reported"], ["not reported", "0"]]


def test_corrections_of_hidden_regions_and_those_to_come_stay_out(figures: Cast) -> None:
    hidden = Reading.objects.get(value=669)
    factories.correct(hidden, 673, DAY_2)
    assert len(rows("/data/corrections/")) == 1
    figures.kivu.withdraw(by=factories.make_user())
    assert "Nothing has been corrected yet." in get("/data/corrections/").decode()


def test_fifty_a_page_newest_first(figures: Cast) -> None:
    many_corrections(figures, 60)
    first, second = rows("/data/corrections/"), rows("/data/corrections/?page=2")
    assert [row[3] for row in first] == [str(value) for value in range(61, 11, -1)]
    assert [row[3] for row in second] == [*(str(value) for value in range(11, 1, -1)), "80"]
    assert rows("/data/corrections/?page=") == first
    assert 'href="?page=2" rel="next"' in get("/data/corrections/").decode()


@pytest.mark.parametrize("page", ["x", "0", "-1", "%00", "9" * 50])
def test_a_page_that_is_none_is_the_first_with_a_word(figures: Cast, page: str) -> None:
    assert rows(f"/data/corrections/?page={page}", 400) == rows("/data/corrections/")
    assert "There is no such page." in get(f"/data/corrections/?page={page}", 400).decode()


@pytest.mark.parametrize("address", ["/data/corrections/", "/fr/data/corrections/", "/data/", "/fr/data/"])
def test_pages_ask_as_often_for_many_as_for_one(figures: Cast, address: str) -> None:
    with CaptureQueriesContext(connection) as one:
        get(address)
    many_corrections(figures, 3)
    with CaptureQueriesContext(connection) as many:
        get(address)
    assert len(one) == len(many) <= 6


def feed(address: str = "/feeds/figures.atom") -> ET.Element:
    return ET.fromstring(get(address))  # noqa: S314 - the site's own


def said(entry: ET.Element, name: str) -> str:
    found = entry.find(ATOM + name)
    assert found is not None
    return found.text or ""


def test_the_feed_tells_new_figures_and_corrections(figures: Cast) -> None:
    metric, sites = figures.miners.name_en, figures.sites.name_en
    titles = [said(entry, "title") for entry in feed().findall(ATOM + "entry")]
    assert titles[0] == f"Correction. South Kivu, {metric}, 2017: 80, until then 100"
    rwanda, programme = figures.rwanda.name_en, figures.programme.name
    assert titles[1:] == [
        f"{programme}, {metric}, 2017: headline total 120",
        f"{programme}, {figures.active.name_en}, 2017: headline total 7",
        f"{rwanda}, {sites}, 2017: 0",
        f"South Kivu, {sites}, 2017: not reported",
        f"{rwanda}, {metric}, 2017: 50",
        f"South Kivu, {metric}, 2017, date not stated: 100",
    ]
    first = feed().find(ATOM + "entry")
    assert first is not None and "Reason: A typing error" in said(first, "summary")


def test_the_feed_is_atom(figures: Cast) -> None:
    """What RFC 4287 asks for: ids, dates with a zone, an author, a link to itself."""
    for address, language, page in (("/feeds/figures.atom", "en", "/data/"), ("/fr/feeds/figures.atom", "fr", "/fr/data/")):
        root = feed(address)
        assert root.get("{http://www.w3.org/XML/1998/namespace}lang") == language
        links = {link.get("rel"): link.get("href") for link in root.findall(ATOM + "link")}
        assert links == {"self": f"http://testserver{address}", "alternate": f"http://testserver{page}"}
        assert root.find(f"{ATOM}author/{ATOM}name") is not None and said(root, "id")
        assert datetime.fromisoformat(said(root, "updated")) == DAY_2
        entries = root.findall(ATOM + "entry")
        moments = [datetime.fromisoformat(said(entry, "updated")) for entry in entries]
        assert moments == [DAY_2, *[DAY_1] * 6]
        for entry in entries:
            assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", said(entry, "id"))
        assert len({said(entry, "id") for entry in entries}) == 7


def test_the_feed_tells_corrected_headlines(figures: Cast) -> None:
    edit_headline(figures, 121)
    edit_headline(figures, 122, DAY_2 + timedelta(days=1), correction_reason_en="One <more>")
    Headline.objects.filter(metric=figures.active).update(status="withdrawn")
    said_of = {}
    for address in ("/feeds/figures.atom", "/fr/feeds/figures.atom"):
        entries = feed(address).findall(ATOM + "entry")
        assert len({said(entry, "id") for entry in entries}) == len(entries) == 10
        said_of[address] = [(said(entry, "title"), said(entry, "summary")) for entry in entries]
    programme, metric = figures.programme, figures.miners
    source = "Source: Public source."
    assert [one for one in said_of["/feeds/figures.atom"] if "eadline total" in one[0]] == [
        (f"Correction. {programme.name}, {metric.name_en}, 2017: headline total 122, until then 121",
         f"sites. Reason: One &lt;more&gt; {source}"),
        (f"Withdrawn. {programme.name}, {figures.active.name_en}, 2017: headline total 7", f"sites. {source}"),
        (f"Correction. {programme.name}, {metric.name_en}, 2017: headline total 121, until then 120",
         f"sites. Reason: Counted again {source}"),
        (f"{programme.name}, {metric.name_en}, 2017: headline total 120", f"sites. {source}"),
        (f"{programme.name}, {figures.active.name_en}, 2017: headline total 7", f"sites. {source}"),
    ]  # fmt: skip
    french = said_of["/fr/feeds/figures.atom"]
    assert "Motif\N{NARROW NO-BREAK SPACE}: One &lt;more&gt; Source" in french[0][1]
    assert french[2][0].endswith("2017\N{NARROW NO-BREAK SPACE}: chiffre global 121, jusque-là 120")
    assert "Recompté" in french[2][1]


def test_entries_of_headlines_stay_and_the_feed_is_sent_once(figures: Cast) -> None:
    edit_headline(figures, 121)
    before = ask("/feeds/figures.atom")
    ids = [said(entry, "id") for entry in feed().findall(ATOM + "entry")]
    assert ask("/feeds/figures.atom", if_none_match=before["ETag"]).status_code == 304
    edit_headline(figures, 121, DAY_2 + timedelta(days=1), correction_reason_en="Counted once more")
    assert [said(entry, "id") for entry in feed().findall(ATOM + "entry")] == ids, "a reason was reworded"
    answer = ask("/feeds/figures.atom", if_none_match=before["ETag"])
    assert answer.status_code == 200 and b"Counted once more" in answer.read_body
    Metric.objects.update(name_en="Renamed")
    edit_headline(figures, 122, DAY_2 + timedelta(days=2), correction_reason_en="One more")
    assert [said(entry, "id") for entry in feed().findall(ATOM + "entry")][1:] == ids


def test_headlines_of_hidden_programmes_and_those_to_come_are_in_no_feed(figures: Cast) -> None:
    edit_headline(figures, 121)
    known_from(DAY_2)
    Headline.objects.filter(value__in=[671, 672]).update(value=67_306_730, correction_reason_en="Why")
    factories.make_headline(figures.programme, figures.miners, 67_306_730, factories.FUTURE, effective_on=date(2019, 1, 1))
    told = get("/feeds/figures.atom").decode() + get("/data/corrections/").decode()  # no shorter number: clocks are in it, too
    assert "67306730" not in told.replace(",", "")
    figures.programme.withdraw(by=factories.make_user())
    assert "headline total" not in get("/feeds/figures.atom").decode()


def test_a_figure_of_a_further_programme_leads_to_its_own_page(figures: Cast) -> None:
    second = factories.make_programme(slug="second", order=5)
    second.metrics.set([figures.miners])
    factories.make_headline(second, figures.miners, 9, DAY_2)
    (entry,) = [one for one in feed().findall(ATOM + "entry") if said(one, "title").endswith("headline total 9")]
    link = entry.find(ATOM + "link")
    assert link is not None
    assert link.get("href") == "http://testserver/programmes/second/progress/miners/#all-m"


def test_links_lead_to_the_row_of_the_figure_page(figures: Cast) -> None:
    edit_headline(figures, 121)
    Headline.objects.filter(metric=figures.active).update(status="withdrawn")
    for address in ("/feeds/figures.atom", "/fr/feeds/figures.atom"):
        for entry in feed(address).findall(ATOM + "entry"):
            link = entry.find(ATOM + "link")
            assert link is not None
            path, _hash, anchor = (link.get("href") or "").removeprefix("http://testserver").partition("#")
            assert f'id="{anchor}"' in get(path).decode()


def test_ids_stay_when_names_and_hosts_change(figures: Cast) -> None:
    before = [said(entry, "id") for entry in feed().findall(ATOM + "entry")]
    figures.kivu.name_en = "Kivu, renamed"
    figures.kivu.slug = "renamed"
    figures.kivu.save()
    other = Client().get("/feeds/figures.atom", headers={"Host": "localhost"})
    entries = ET.fromstring(other.content).findall(ATOM + "entry")  # noqa: S314 - the site's own
    assert [said(entry, "id") for entry in entries] == before
    french = [said(entry, "id") for entry in feed("/fr/feeds/figures.atom").findall(ATOM + "entry")]
    assert not set(french) & set(before)


def test_the_newest_fifty(figures: Cast) -> None:
    many_corrections(figures, 60)
    titles = [said(entry, "title") for entry in feed().findall(ATOM + "entry")]
    assert len(titles) == 50
    assert titles[0].endswith(": 61, until then 60") and titles[-1].endswith(": 12, until then 11")


def test_words_of_people_are_escaped(figures: Cast) -> None:
    figures.kivu.name_en = "<b>&"
    figures.kivu.save()
    first = feed().find(ATOM + "entry")
    assert first is not None and "<b>&" in said(first, "title")
    assert "&lt;b&gt;&amp;" in get("/data/corrections/").decode()


def test_an_empty_feed_is_a_feed(db: None) -> None:
    assert feed().findall(ATOM + "entry") == []
    assert "Nothing has been corrected yet." in get("/data/corrections/").decode()


def test_every_page_leads_to_the_data_and_the_feed(db: None) -> None:
    call_command("loaddata", settings.BASE_DIR / "fixtures" / "programme.json", verbosity=0)
    for start, prefix in (("/", ""), ("/fr/", "/fr")):
        page = get(start).decode()
        for address in ("/data/", "/data/corrections/", "/feeds/figures.atom"):
            assert f'href="{prefix}{address}"' in page
