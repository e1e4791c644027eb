"""The register as a feed and as a calendar, read back by programs that are not ours where there are any."""

from datetime import UTC, date, datetime
from xml.etree import ElementTree

import pytest
from django.test import Client
from icalendar import Calendar

from meetings import feeds
from meetings.models import Meeting
from tests import factories

pytestmark = pytest.mark.django_db
ATOM = "{http://www.w3.org/2005/Atom}"
MOMENT = datetime(2020, 6, 1, 12, tzinfo=UTC)


def entries(client: Client, address: str = "/feeds/meetings.atom") -> list[dict[str, str]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "application/atom+xml; charset=utf-8"
    feed = ElementTree.fromstring(answer.content)  # noqa: S314 - our own answer
    return [
        {part.tag.removeprefix(ATOM): part.get("href") or part.text or "" for part in entry}
        for entry in feed.iter(f"{ATOM}entry")
    ]


def events(client: Client, address: str = "/feeds/meetings.ics") -> list[dict[str, object]]:
    answer = client.get(address)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == "text/calendar; charset=utf-8"
    return [dict(event) for event in Calendar.from_ical(answer.content).walk("VEVENT")]


def make(name: str = "Kalemie", held_on: date = date(2016, 3, 1), region: object = None, **fields: object) -> Meeting:
    place = factories.make_place(region or factories.make_region(), **factories.both(name=(name, f"{name} (ville)")))  # type: ignore[arg-type]
    return factories.make_meeting(place, held_on, **fields)  # type: ignore[arg-type]


def test_an_entry_tells_place_region_date_and_summary(client: Client) -> None:
    meeting = make(
        **factories.both(summary=("Prices & <b>tags</b>.\n\nThen land.", "Prix & <b>étiquettes</b>.")),  # type: ignore[arg-type]
        public_from=MOMENT,
    )
    region = meeting.place.region
    (entry,) = entries(client)
    assert entry["title"] == f"Kalemie, {region.name_en}, 1 March 2016"  # type: ignore[attr-defined]
    assert (
        entry["summary"] == "<p>Prices &amp; &lt;b&gt;tags&lt;/b&gt;.</p><p>Then land.</p>"
    )  # as HTML, which feed readers run
    assert entry["link"] == f"http://testserver/meetings/{meeting.slug}/"
    assert entry["published"] == MOMENT.isoformat()
    assert datetime.fromisoformat(entry["updated"]) == meeting.changed_at
    (french,) = entries(client, "/fr/feeds/meetings.atom")
    assert french["title"] == f"Kalemie (ville), {region.name_fr}, 1er mars 2016"  # type: ignore[attr-defined]
    assert french["link"] == f"http://testserver/fr/meetings/{meeting.slug}/"
    assert french["id"] != entry["id"]
    assert entries(client)[0]["id"] == entry["id"]


def test_the_last_to_become_public_comes_first_and_the_oldest_fall_out(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make("Old", date(2018, 1, 1), public_from=MOMENT)
    new = make("New", date(2016, 1, 1), public_from=MOMENT.replace(year=2021))
    assert [entry["title"].split(",")[0] for entry in entries(client)] == ["New", "Old"]
    monkeypatch.setattr(feeds, "NEWEST", 1)
    assert [entry["link"] for entry in entries(client)] == [f"http://testserver{new.get_absolute_url()}"]
    assert old.is_public()


def test_an_event_is_a_day_at_a_place(client: Client) -> None:
    summary = "A long summary, with commas; and semicolons. " * 20
    meeting = make(**factories.both(summary=(summary.strip(), "Résumé « long »")))  # type: ignore[arg-type]
    region = meeting.place.region
    (event,) = events(client)
    assert event["DTSTART"].dt == date(2016, 3, 1)  # type: ignore[attr-defined]
    assert event["SUMMARY"] == "Local stakeholder meeting, Kalemie"
    assert event["LOCATION"] == f"Kalemie, {region.name_en}, {region.country.short_name_en}"  # type: ignore[attr-defined]
    assert event["DESCRIPTION"] == f"{summary.strip()}\n\nhttp://testserver/meetings/{meeting.slug}/"
    assert event["URL"] == f"http://testserver/meetings/{meeting.slug}/"
    (french,) = events(client, "/fr/feeds/meetings.ics")
    assert french["UID"] != event["UID"]
    assert str(french["DESCRIPTION"]).startswith("Résumé « long »")


def test_no_line_of_a_calendar_is_over_75_octets_and_all_end_as_they_must(client: Client) -> None:
    make(**factories.both(summary=("é" * 300, "é" * 300)))  # type: ignore[arg-type]
    lines = client.get("/feeds/meetings.ics").content.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert not any(b"\n" in line for line in lines)


@pytest.mark.parametrize("address", ["/feeds/meetings.atom", "/feeds/meetings.ics", "/feeds/figures.atom"])
def test_an_unchanged_file_is_not_sent_again(client: Client, address: str) -> None:
    meeting = make()
    factories.make_reading(factories.make_series(meeting.place.region), 7)
    first = client.get(address)
    assert client.get(address).content == first.content
    again = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.content) == (304, b"")
    if "meetings" in address:
        meeting.summary_en = "Another"  # type: ignore[attr-defined]
        meeting.save()
        changed = client.get(address, headers={"If-None-Match": first.headers["ETag"]})
        assert (changed.status_code, "Another" in changed.text) == (200, True)


def test_a_feed_of_one_region(client: Client) -> None:
    region = factories.make_region(slug="ituri")
    make("Bunia", region=region)
    make("Elsewhere")
    assert [entry["title"].split(",")[0] for entry in entries(client, "/feeds/meetings.atom?region=ituri")] == ["Bunia"]
    assert [str(event["SUMMARY"]).split(", ")[1] for event in events(client, "/feeds/meetings.ics?region=ituri")] == ["Bunia"]
    feed = client.get("/fr/feeds/meetings.atom?region=ituri").text
    assert "http://testserver/fr/feeds/meetings.atom?region=ituri" in feed
    assert region.name_fr in feed  # type: ignore[attr-defined]


@pytest.mark.parametrize("query", ["region=atlantis", "region=%00", "region=" + "a" * 5000, "region=%ed%a0%80"])
def test_a_feed_of_no_region_is_not_there(client: Client, query: str) -> None:
    make()
    assert client.get(f"/feeds/meetings.atom?{query}").status_code == 404
    assert client.get(f"/feeds/meetings.ics?{query}").status_code == 404


def test_other_sites_may_read_the_feeds(client: Client) -> None:
    for address in ("/feeds/meetings.atom", "/fr/feeds/meetings.ics"):
        assert client.get(address).headers["Access-Control-Allow-Origin"] == "*"
        assert client.head(address).status_code == 200
        assert client.post(address).status_code in (403, 405) or "atom" in address
