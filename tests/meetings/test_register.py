"""The register page by page, and what never appears in it or anywhere else."""

import re
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from django.test import Client

from itsci_site.lib.publishing import Status
from itsci_site.lib.statements import Statement
from meetings import forms, register
from meetings.models import Meeting, Place
from tests import factories
from tests.pages import markup

pytestmark = pytest.mark.django_db


def fill(count: int, place: Place | None = None, a_day: int = 1) -> list[Meeting]:
    """Meetings newest first, so many on each day."""
    place = place or factories.make_place()
    first = date(2010, 1, 1)
    made = [factories.make_meeting(place, first + timedelta(days=number // a_day)) for number in range(count)]
    return made[::-1]


def held(page: register.Page) -> list[int]:
    return [meeting.pk for meeting in page.rows]


@pytest.mark.parametrize("count", [0, 1, 24, 25, 26, 50, 51, 77])
@pytest.mark.parametrize("a_day", [1, 30])
def test_older_and_newer_walk_through_every_meeting_once(count: int, a_day: int) -> None:
    """Thirty on one day: a page may end in the middle of a day, and the next one goes on there."""
    expected = [meeting.pk for meeting in fill(count, a_day=a_day)]
    meetings = Meeting.objects.published().newest_first()
    page = register.page(meetings)
    assert page.newer is None
    pages = [page]
    while page.older:
        page = register.page(meetings, before=page.older)
        assert page.newer
        pages.append(page)
    assert [pk for page in pages for pk in held(page)] == expected
    assert [len(page.rows) for page in pages[:-1]] == [register.PAGE] * (len(pages) - 1)
    back = page
    for there in reversed(pages[:-1]):
        back = register.page(meetings, after=back.newer)
        assert held(back) == held(there)
        assert back.older == there.older
    assert back.newer is None or len(pages) == 1


def test_a_link_to_a_page_holds_when_its_meeting_is_withdrawn_and_new_ones_come() -> None:
    expected = fill(60)
    meetings = Meeting.objects.published().newest_first()
    older = register.page(meetings).older
    second = held(register.page(meetings, before=older))
    expected[24].status = Status.WITHDRAWN
    expected[24].save()
    factories.make_meeting(expected[0].place, date(2015, 1, 1))
    assert held(register.page(meetings, before=older)) == second


def test_a_page_deep_in_the_register_reads_no_more_rows_than_the_first() -> None:
    place = factories.make_place()
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO meetings_meeting (place_id, slug, held_on, topics, summary, summary_en, is_excerpt, "
            "sensitivity, status, publish_at) SELECT %s, translate(n::text, '0123456789', 'abcdefghij'), "
            "date '1990-01-01' + n / 3, '', '', 'Said', false, CASE WHEN n %% 9 = 0 THEN 'incident' ELSE 'none' END, "
            "'published', '2020-01-01' FROM generate_series(1, 20000) AS n",
            [place.pk],
        )
        cursor.execute("ANALYZE")
    meetings = Meeting.objects.published().newest_first()
    deep = Meeting.objects.get(slug="baaaa").spot
    for page in (meetings, meetings.before(deep), meetings.after(deep).reverse()):
        lines = page[: register.PAGE + 1].explain(analyze=True, costs=False, timing=False, summary=False).splitlines()
        (scan,) = (line for line in lines if "on meetings_meeting" in line)
        assert re.search(r"Index Scan.* using meetings_meeting_(newest|of_place)", scan), lines
        assert int(re.findall(r"rows=(\d+)", scan)[-1]) <= register.PAGE + 1, lines
        assert all(int(removed) <= 3 for removed in re.findall(r"Rows Removed by \w+ ?\w*: (\d+)", "\n".join(lines))), lines


def test_counts_stop_where_they_would_become_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    fill(7)
    public = Meeting.objects.published()
    assert register.count(public) == (7, False)
    monkeypatch.setattr(register, "MOST_COUNTED", 7)
    assert register.count(public) == (7, False)
    monkeypatch.setattr(register, "MOST_COUNTED", 6)
    assert register.count(public) == (6, True)


def test_the_page_says_more_than(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(7)
    monkeypatch.setattr(register, "MOST_COUNTED", 6)
    assert "More than 6 summaries" in client.get("/meetings/").text


def test_the_links_of_a_page_keep_its_filter(client: Client) -> None:
    region = factories.make_region(slug="ituri")
    fill(60, factories.make_place(region, slug="bunia"))
    fill(60)
    page = markup.parse(client.get("/meetings/?region=ituri&place=ituri.bunia&year=2010").content)
    older = page.one("nav", "pages").one("a")
    assert (older["rel"], older["href"].startswith("?region=ituri&place=ituri.bunia&year=2010&before=")) == ("next", True)
    second = markup.parse(client.get("/meetings/" + older["href"]).content)
    assert [link["rel"] for link in second.one("nav", "pages").all("a")] == ["prev", "next"]
    first_day = page.one("table", "reg").all("time")[-1]["datetime"]
    assert second.one("table", "reg").all("time")[0]["datetime"] == str(date.fromisoformat(first_day) - timedelta(days=1))
    assert {row.one("span", "soft").text for row in second.one("tbody").all("tr")} == {region.name}
    newer = second.one("nav", "pages").all("a")[0]["href"]
    assert markup.parse(client.get("/meetings/" + newer).content).one("nav", "pages").one("a")["rel"] == "next"


def test_of_many_places_those_of_the_chosen_region_are_listed(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def most(places: int) -> None:
        monkeypatch.setattr(forms, "MOST_PLACES", places)
        monkeypatch.setattr(forms, "_PLACES", Statement(forms._to_choose_from))

    most(3)
    regions = [factories.make_region(slug=slug) for slug in ("ituri", "tshopo")]
    for region in regions:
        for number in range(2):
            factories.make_meeting(factories.make_place(region, slug=f"place-{number}"))

    def offered(query: str) -> list[str]:
        options = markup.parse(client.get(f"/meetings/?{query}").content).by_id("id_place").all("option")
        return [option["value"] for option in options if option["value"]]

    assert offered("") == []
    assert offered("region=ituri") == ["ituri.place-0", "ituri.place-1"]
    assert offered("place=tshopo.place-1") == ["tshopo.place-1"]
    assert "1 summary" in client.get("/meetings/?place=tshopo.place-1").text
    assert client.get("/meetings/?place=tshopo.place-7").status_code == 400
    assert client.get("/meetings/?place=%00.%00&region=%00").status_code == 400
    most(4)
    assert len(offered("")) == 4


HIDDEN = [
    {"public_from": None},
    {"status": Status.WITHDRAWN, "publish_at": factories.PAST},
    {"public_from": datetime(2999, 1, 1, tzinfo=UTC)},
]


@pytest.mark.parametrize("state", HIDDEN, ids=["draft", "withdrawn", "not yet"])
def test_what_is_not_public_shows_in_no_list_choice_count_or_neighbour(client: Client, state: dict) -> None:
    region, hidden_region = factories.make_region(), factories.make_region()
    place = factories.make_place(region)
    shown = factories.make_meeting(place, date(2016, 3, 4))
    secret_place = factories.make_place(region, slug="secret-place", name_en="Canary Secret", name_fr="Canari")
    other_place = factories.make_place(hidden_region, slug="canary", name_en="Canary Other", name_fr="Canari")
    secrets = [(secret_place, 2017, 5), (place, 2016, 5), (place, 2016, 3), (other_place, 2018, 1)]
    texts = factories.both(summary=("Canary", "Canari"))
    for where, year, day in secrets:
        factories.make_meeting(where, date(year, 3, day), slug=f"canary-{year}-{day}", **texts, **state)  # type: ignore[arg-type]
    feeds = [f"/feeds/meetings.{ending}{query}" for ending in ("atom", "ics") for query in ("", f"?region={region.slug}")]
    queries = ["", f"?region={region.slug}", f"?place={region.slug}.{place.slug}", "?year=2016", "?before=2020-01-01.1"]
    pages = [shown.get_absolute_url(), region.get_absolute_url()]
    addresses = [*feeds, *(f"/meetings/{query}" for query in queries), *pages]
    for address in [*addresses, *(f"/fr{address}" for address in addresses)]:
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "canar" not in answer.text.lower(), address
        said = re.sub(r"<(?:updated|id)>[^<]*|(?:DTSTAMP|LAST-MODIFIED|UID):\S*", "", answer.text)  # clocks and digests
        assert "2017" not in said and "2018" not in said, address
    assert "1 summary" in client.get("/meetings/").text
    for address in ("/meetings/?year=2017", f"/meetings/?place={region.slug}.secret-place", "/meetings/?q=canary"):
        assert "canary secret" not in client.get(address).text.lower()
        assert "/meetings/canary-2017-5/" not in client.get(address).text
    assert client.get("/meetings/canary-2017-5/").status_code == 404
    Meeting.objects.filter(slug__startswith="canary").update(
        status=Status.PUBLISHED, publish_at=datetime(2021, 1, 1, tzinfo=UTC)
    )
    for address in (
        "/meetings/",
        "/feeds/meetings.atom",
        "/feeds/meetings.ics",
        f"/meetings/?place={region.slug}.secret-place",
    ):
        assert "canary" in client.get(address).text.lower(), address  # the same meetings once they are public


def test_a_withdrawn_region_takes_its_places_along(client: Client) -> None:
    region = factories.make_region(slug="ituri")
    factories.make_meeting(factories.make_place(region, name_en="Bunia", slug="bunia"))
    assert "Bunia" in client.get("/meetings/").text
    region.status = Status.WITHDRAWN
    region.save()
    assert "Bunia" not in client.get("/meetings/").text
    assert client.get("/meetings/?place=ituri.bunia").status_code == 400
    assert client.get("/feeds/meetings.atom?region=ituri").status_code == 404
    assert client.get("/feeds/meetings.ics?region=ituri").status_code == 404


def test_neighbours_are_those_at_the_same_place(client: Client) -> None:
    region = factories.make_region()
    here, there = factories.make_place(region), factories.make_place(region)
    days = [date(2016, 3, day) for day in (1, 4, 4, 9)]
    first, second, third, last = [factories.make_meeting(here, day) for day in days]
    for day in (2, 4, 5):
        factories.make_meeting(there, date(2016, 3, day))
    for meeting, expected in ((first, [second]), (second, [first, third]), (third, [second, last]), (last, [third])):
        page = markup.parse(client.get(meeting.get_absolute_url()).content)
        links = [link["href"] for link in page.one("nav", "pager").all("a")]
        assert links == [one.get_absolute_url() for one in expected]
