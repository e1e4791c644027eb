"""What mentions an incident or a protection concern: its month alone, wherever the public looks, and not before time."""

import re
import shutil
import zipfile
from collections.abc import Iterator
from datetime import date
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse
from django.utils import translation

from itsci_site.share_views import CARDS
from meetings.models import Meeting, Place
from tests import factories as make
from tests.pages import content, markup

pytestmark = pytest.mark.django_db
DAY = date(2016, 3, 17)
TELLS = re.compile(
    r"2016-03-17|20160317|17[-/.]0?3[-/.](20)?16|0?3[-/.]17[-/.](20)?16|2016/0?3/17|\b160317\b|\b170316\b"
    r"|17(th|e)?(\s|&nbsp;|%20|\+|-)+(of\s+)?(March|mars|Mar)\b(?!(\s|&nbsp;)+20[2-9]\d)|(March|Mar)(\s|&nbsp;)+17\b",
    re.IGNORECASE,
)
"""17 March 2016 in any way of writing it, without its year, too; but no such day of the years in which this runs."""


def names(patterns: list[Any]) -> Iterator[str]:
    """Every address that takes no argument, of all the site but the admin."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver) and not str(pattern.pattern).startswith("admin"):
            yield from names(pattern.url_patterns)
        elif isinstance(pattern, URLPattern) and pattern.name and not str(pattern.pattern).startswith("admin"):
            yield pattern.name


def addresses(meeting: Meeting) -> list[str]:
    """Every public address in both languages, with every format and the filters that could tell a day."""
    found = dict.fromkeys(content.addresses())
    for name in names(get_resolver().url_patterns):
        try:
            found[reverse(name)] = None
        except NoReverseMatch:
            continue
    found |= dict.fromkeys(f"{page}share.png" for page in list(found) if page.endswith("/"))
    found |= dict.fromkeys(f"/sitemap-{part}.xml" for part in ("pages", "regions", "figures", "stories", "meetings"))
    region, place = meeting.place.region.slug, meeting.place.slug
    found |= dict.fromkeys(
        f"/meetings/?{query}"
        for query in (
            "year=2016", f"region={region}", f"place={region}.{place}", "q=Zebra", "before=2016-03-31.1", "after=2016-03-01.0",
            "before=2016-04-01.0",
        )
    )  # fmt: skip
    found |= dict.fromkeys(f"/feeds/meetings.{ending}?region={region}" for ending in ("atom", "ics"))
    found |= dict.fromkeys(
        ["/search/?q=Zebra", "/search/?q=Zebra&kind=meeting", "/data/offline-en.zip", "/data/offline-fr.zip"]
    )
    found |= dict.fromkeys(document.get_absolute_url() for document in meeting.documents.all())
    localized = re.compile(r"/(data/[^?]*\.\w+|sitemap|robots|favicon|healthz|readyz)")
    return [one for page in found for one in ([page] if localized.match(page) else [page, f"/fr{page}"])]


def unpacked(name: str, body: bytes) -> Iterator[tuple[str, bytes]]:
    """An answer, and what stands in it where it is an archive (a pack, a workbook)."""
    yield name, body
    if body.startswith(b"PK"):
        with zipfile.ZipFile(BytesIO(body)) as archive:
            for inside in archive.namelist():
                yield from unpacked(f"{name}: {inside}", inside.encode() + b"\n" + archive.read(inside))


def telling(client: Client, meeting: Meeting) -> list[str]:
    """Where a day can be read, in bodies and headers; and how many answers mention the meeting at all."""
    found, mentioned = [], 0
    for page in addresses(meeting):
        answer = client.get(page)
        assert answer.status_code in (200, 302, 400, 404, 405, 410), page
        headers = "\n".join(
            f"{name}: {value}" for name, value in answer.items() if name not in ("Date", "Expires", "Last-Modified")
        )
        for name, body in unpacked(page, answer.getvalue() + headers.encode()):
            text = body.decode(errors="ignore")
            mentioned += meeting.slug in text
            if told_there := TELLS.search(text):
                found.append(f"{name}: {told_there[0]}")
    assert mentioned > 20
    return found


@pytest.fixture
def site(built_static: Path, tmp_path: Path, settings: Any) -> Iterator[None]:
    """The programme's content, with packs and uploads in folders of their own."""
    settings.OFFLINE_ROOT, settings.MEDIA_ROOT = str(tmp_path / "packs"), tmp_path / "media"
    content.load()
    with content.as_deployed(built_static):
        yield


def incident(slug: str = "kalemie-2016-03", **fields: Any) -> Meeting:
    texts = make.both(summary=("Zebra was said", "Zebra a été dit"), topics=("Zebra", "Zebra"))
    values = {"sensitivity": "incident"} | texts | fields
    return make.make_meeting(Place.objects.filter(slug="kalemie").first(), DAY, slug=slug, **values)


def test_no_public_byte_tells_the_day(site: None, client: Client, settings: Any) -> None:
    meeting = incident()
    document = make.make_document(meeting)
    document.file.save("x.pdf", ContentFile(b"%PDF-1.4 of no date"))
    assert telling(client, meeting) == []
    for language, month in (("en", "March 2016"), ("fr", "mars 2016")):
        page = markup.parse(client.get(content.in_language(meeting.get_absolute_url(), language)).content)
        assert page.one("h1").text == f"Kalemie, {month}"
        assert (page.one("time")["datetime"], page.one("time").text) == ("2016-03", month)
        with translation.override(language):
            assert CARDS["meeting"](meeting.slug).title == f"Kalemie, {month}".replace("March ", "March\u00a0").replace(
                "mars ", "mars\u00a0"
            )
    # The same search finds the day of the same meeting once nothing about it is sensitive.
    Meeting.objects.filter(pk=meeting.pk).update(sensitivity="none")
    shutil.rmtree(settings.OFFLINE_ROOT)
    places = telling(client, meeting)
    for part in ("/meetings/:", "/fr/meetings/:", "/feeds/meetings.atom:", "/feeds/meetings.ics:", "/search/?q=Zebra:",
                 "offline-en.zip:", f"{meeting.get_absolute_url()}:", "/where-we-work/katanga/:"):  # fmt: skip
        assert any(part in place for place in places), (part, places)


def test_it_stands_among_others_by_its_month_alone(client: Client) -> None:
    """Moved to any other day of its month it gives the same list, neighbours, filters, addresses of pages."""
    region = make.make_region(slug="ituri")
    place = make.make_place(region, slug="bunia")
    days = [date(2016, 2, 29), date(2016, 3, 1), date(2016, 3, 16), date(2016, 3, 18), date(2016, 3, 31), date(2016, 4, 1)]
    others = [make.make_meeting(place, day) for day in days]
    meeting = make.make_meeting(place, DAY, sensitivity="protection", slug="bunia-2016-03")
    pages = [
        "/meetings/", "/meetings/?year=2016", f"/meetings/?before={others[2].spot}", f"/meetings/?after={others[2].spot}",
        *(other.get_absolute_url() for other in others), meeting.get_absolute_url(), "/feeds/meetings.ics",
        "/search/?q=Summary", region.get_absolute_url(), "/data/iati.xml",
    ]  # fmt: skip

    def seen() -> list[str]:
        return [re.sub(r"<updated>[^<]*|LAST-MODIFIED:\S*|DTSTAMP:\S*", "", client.get(page).text) for page in pages]

    first = seen()
    for day in (date(2016, 3, 1), date(2016, 3, 31)):
        Meeting.objects.filter(pk=meeting.pk).update(held_on=day)
        assert seen() == first
    assert str(Meeting.objects.get(pk=meeting.pk).spot) == f"2016-03-01.{meeting.pk}"


def test_a_calendar_leaves_it_out(client: Client) -> None:
    place = make.make_place()
    make.make_meeting(place, DAY, slug="told-by-month", sensitivity="incident")
    assert "BEGIN:VEVENT" not in client.get("/feeds/meetings.ics").text
    make.make_meeting(place, DAY, slug="told-by-day", sensitivity="incident", from_source=True)
    assert client.get("/feeds/meetings.ics").text.count("BEGIN:VEVENT") == 1


def test_what_the_source_has_keeps_its_day(client: Client) -> None:
    content.load()
    assert Meeting.objects.get(sensitivity="incident").title == "Kalemie, 11 March 2016"
    assert client.get("/feeds/meetings.ics").text.count("BEGIN:VEVENT") == 4
