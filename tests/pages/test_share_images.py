"""The drawn picture of each page: right in form, of what is public alone, and drawn no more often than it changes."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from io import BytesIO
from typing import Any
from unittest.mock import patch

import pytest
from django.test import Client
from django.utils import timezone, translation
from PIL import Image, ImageFont

from itsci_site import share_image
from itsci_site.share_image import Card, Tag, png
from itsci_site.share_views import CARDS
from meetings.models import Place
from programmes.models import Headline, Programme
from regions.models import Metric, Reading, Region, Series
from testimonials.models import Testimonial
from tests import factories

from . import content, facts, samples
from .content import addresses, in_language

MOST_BYTES = 60_000


def opened(body: bytes) -> Image.Image:
    with Image.open(BytesIO(body)) as image:
        image.load()
        assert image.format == "PNG"
        return image.convert("RGB")


def card(name: str, *arguments: str, language: str = "en") -> Card:
    with translation.override(language):
        return CARDS[name](*arguments)


def share(address: str) -> str:
    return f"{address}share.png"


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_every_page_has_a_picture_of_its_own(client: Client, language: str) -> None:
    samples.add_second_programme()
    samples.add_gaps()
    seen: dict[bytes, str] = {}
    for address in addresses():
        response = client.get(share(in_language(address, language)))
        assert (response.status_code, response["Content-Type"]) == (200, "image/png"), address
        assert len(response.content) < MOST_BYTES
        image = opened(response.content)
        assert image.size == (1200, 630)
        assert len(image.getcolors(maxcolors=256) or []) > 10, "something is drawn on it"
        if "scaling-up-itsci" not in address:
            assert seen.setdefault(response.content, address) == address
    assert len(seen) > 80


def test_a_picture_speaks_the_language_of_its_address(client: Client) -> None:
    for address in ("/", "/where-we-work/south-kivu/", "/progress/miners/", "/stories/child-labour-katanga/", "/data/"):
        bodies = {client.get(share(in_language(address, language))).content for language in facts.LANGUAGES}
        assert len(bodies) == 2


def test_cards_say_what_the_page_says() -> None:
    assert card("region", "south-kivu", language="fr") == Card(
        "Sud-Kivu",
        "Où nous travaillons",
        "C’est ici qu’ITSCI a mené son premier projet pilote, et ici qu’il a fallu recommencer.",
        ("SK",),
    )
    assert card("figure", "miners", language="fr").tag == Tag(
        "ALL-M", "54\N{NARROW NO-BREAK SPACE}836", True, "mineurs, hommes et femmes", "2017, date non précisée"
    )
    assert card("figure", "mine-sites").tag == Tag("ALL-S", "1,690", True, "", "the regions’ sum, 2017, date not stated")
    assert card("meeting", "kasese-2016-03-01") == Card(
        "Kasese, 1\N{NO-BREAK SPACE}March\N{NO-BREAK SPACE}2016",
        "Meeting summaries",
        "Local stakeholder meeting, Maniema, DR Congo.",
        ("MA",),
    )
    assert card("where_we_work").note == "Six regions in three countries, each with what is done there and its figures."


def test_a_story_is_drawn_without_a_word_of_the_person() -> None:
    for story in Testimonial.objects.published():
        drawn = card("story", story.slug)
        assert (drawn.title, drawn.note, drawn.focus) == (story.story_title, story.region.name, (story.region.code,))
        assert story.quote not in repr(drawn)


@pytest.mark.parametrize(
    ("additive", "values", "words"),
    [
        (True, (None, None), "not reported"),
        (True, (), "not reported"),
        (False, (5, 6), "no total"),
        (False, (None,), "no total"),
    ],
)
def test_what_is_not_known_is_said_in_words(additive: bool, values: tuple[int | None, ...], words: str) -> None:
    metric = factories.make_metric(code="X", additive=additive)
    all_series = [factories.make_series(region, metric) for region in Region.objects.published().in_order()]
    for series, value in zip(all_series, values, strict=False):
        factories.make_reading(series, value)
    assert card("figure", metric.slug).tag == Tag("ALL-X", words, False, "", "")


def test_a_sum_that_lacks_a_region_says_so() -> None:
    series = Series.objects.get(region__slug="south-kivu", metric__slug="mine-sites")
    factories.make_reading(series, None, date(2018, 1, 1))
    tag = card("figure", "mine-sites").tag
    assert tag and tag.figure == "1,607"
    assert tag.as_of.endswith("partial: 5 of 6 regions reported")


def test_zero_is_a_number() -> None:
    metric = factories.make_metric(code="X")
    factories.make_reading(factories.make_series(Region.objects.published().first(), metric), 0)
    tag = card("figure", metric.slug).tag
    assert tag and (tag.figure, tag.is_number) == ("0", True)


def test_an_unchanged_picture_is_not_drawn_again(client: Client) -> None:
    address = share("/progress/mine-sites/")
    first = client.get(address)
    assert first["Cache-Control"] == "no-cache"
    with patch("itsci_site.share_views.png", side_effect=AssertionError("it was drawn")):
        again = client.get(address, headers={"If-None-Match": first["ETag"]})
        weak = client.get(address, headers={"If-None-Match": f"W/{first['ETag']}"})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", first["ETag"])
    assert weak.status_code == 304
    head = client.head(address)
    assert (head.status_code, head.content, head["ETag"]) == (200, b"", first["ETag"])
    assert client.post(address).status_code == 405


def test_a_figure_that_changes_changes_the_picture(client: Client) -> None:
    address = share("/progress/mine-sites/")
    reading = Reading.objects.get(series__region__slug="south-kivu", series__metric__slug="mine-sites")
    first = client.get(address)
    factories.correct(reading, 84, factories.FUTURE)
    assert client.get(address, headers={"If-None-Match": first["ETag"]}).status_code == 304, "the future is not told"
    Reading.objects.filter(supersedes=reading).delete()
    factories.correct(reading, 84, timezone.now())
    after = client.get(address, headers={"If-None-Match": first["ETag"]})
    assert after.status_code == 200
    assert after.content != first.content
    tag = card("figure", "mine-sites").tag
    assert tag and tag.figure == "1,691"


def test_other_sites_may_show_a_picture_and_nothing_else(client: Client) -> None:
    response = client.get(share("/"))
    assert response["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "default-src 'none'" in response["Content-Security-Policy"]
    assert response["X-Content-Type-Options"] == "nosniff"
    assert "Set-Cookie" not in response
    assert client.get("/")["Cross-Origin-Resource-Policy"] == "same-origin"


def hidden() -> Iterator[tuple[str, str]]:
    """Address of the page of a row that is not public, and one of its kind that never was."""
    katanga, kalemie = Region.objects.get(slug="katanga"), Place.objects.get(slug="kalemie")
    first = Programme.objects.get()
    withdrawn = factories.make_region(slug="gone", status="withdrawn")
    states: dict[str, dict[str, Any]] = {
        "draft": {"public_from": None},
        "future": {"public_from": factories.FUTURE},
        "withdrawn": {"status": "withdrawn"},
    }
    for (state, fields), code in zip(states.items(), "XYZ", strict=True):
        country = Region.objects.get(slug="maniema").country
        yield f"/where-we-work/{factories.make_region(country, slug=f'r-{state}', **fields).slug}/", "/where-we-work/never/"
        yield f"/stories/{factories.make_testimonial(katanga, slug=f's-{state}', **fields).slug}/", "/stories/never/"
        yield f"/meetings/{factories.make_meeting(kalemie, slug=f'm-{state}', **fields).slug}/", "/meetings/never/"
        programme = factories.make_programme(slug=f"p-{state}", order=0, **fields)
        yield f"/programmes/{programme.slug}/", "/programmes/never/"
        yield f"/programmes/{programme.slug}/progress/", "/programmes/never/progress/"
        metric = factories.make_metric(slug=f"f-{state}", code=code)
        factories.make_headline(first, metric, **fields)
        factories.make_series(withdrawn, metric)
        yield f"/progress/{metric.slug}/", "/progress/never/"
    yield f"/stories/{factories.make_testimonial(withdrawn, slug='s-of-gone').slug}/", "/stories/never/"
    yield f"/meetings/{factories.make_meeting(factories.make_place(withdrawn), slug='m-of-gone').slug}/", "/meetings/never/"


def test_what_is_not_public_has_no_picture(client: Client) -> None:
    before = client.get(share("/")).content
    pairs = list(hidden())
    for kept, never in pairs:
        for language in facts.LANGUAGES:
            answers = [client.get(share(in_language(address, language))) for address in (kept, never)]
            assert [answer.status_code for answer in answers] == [404, 404], kept
            assert answers[0].content.decode().replace(kept, never) == answers[1].content.decode()
            own = ("Content-Length", "X-Request-ID")
            heads = [{name: value for name, value in answer.items() if name not in own} for answer in answers]
            assert heads[0] == heads[1]
    assert len(pairs) == 20
    assert client.get(share("/")).content == before


def test_what_is_withdrawn_takes_its_picture_along(client: Client) -> None:
    address = share("/stories/child-labour-katanga/")
    tag = client.get(address)["ETag"]
    Testimonial.objects.get(slug="child-labour-katanga").withdraw(by=factories.make_user())
    assert client.get(address).status_code == 404
    assert client.get(address, headers={"If-None-Match": tag}).status_code == 404


@pytest.mark.parametrize(
    "address",
    [
        "/nowhere/share.png", "/data/readings.csv/share.png", "/embed/miners/share.png",
        "/feeds/share.png", "/healthz/share.png", "/share.png/share.png", "/where-we-work/katanga%00/share.png",
        "/where-we-work//share.png", "/fr/fr/share.png", "/share.PNG", "/progress/miners/share.png/", "/healthzshare.png",
        f"/{'a/' * 500}share.png", "/%ed%a0%80/share.png",
    ],
)  # fmt: skip
def test_what_is_no_page_has_no_picture(client: Client, address: str) -> None:
    assert client.get(address).status_code == 404


def characters() -> set[str]:
    """Every one that the programme's content uses, in both languages."""
    rows = json.loads(content.FIXTURE.read_text())
    texts = [value for row in rows for value in row["fields"].values() if isinstance(value, str)]
    return set("".join(texts)) | set("ÀÂÆÇÈÉÊËÎÏÔŒÙÛÜŸàâæçèéêëîïôœùûüÿ«»“”‘’–—…−×") - set("\r\n\t")


@pytest.mark.parametrize("face", ["serif", "sans"])
def test_the_fonts_have_every_sign_of_the_content(face: str) -> None:
    font = ImageFont.truetype(share_image.FOLDER / f"{face}.ttf", 40)
    nothing = bytes(font.getmask("\ue000"))
    assert [sign for sign in sorted(characters()) if not sign.isspace() and bytes(font.getmask(sign)) == nothing] == []


@pytest.mark.parametrize("face", ["serif", "sans", "figures"])
def test_a_narrow_space_is_narrow(face: str) -> None:
    font = ImageFont.truetype(share_image.FOLDER / f"{face}.ttf", 100)
    assert bytes(font.getmask(facts.NARROW)) == b""
    assert 0 < font.getlength(facts.NARROW) < font.getlength(" ")


def test_the_fonts_may_be_passed_on() -> None:
    licence = (share_image.FOLDER / "OFL.txt").read_text()
    assert "SIL OPEN FONT LICENSE Version 1.1" in licence
    assert sum(path.stat().st_size for path in share_image.FOLDER.iterdir()) < 200_000


LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"


@pytest.mark.parametrize(
    "extreme",
    [
        Card(""),
        Card(" "),
        Card("a" * 2000, "b" * 300 + " and " * 100, "c" * 3000, ()),
        Card("mot " * 500, "Rubrique", "note " * 400, ("XX",)),
        Card(LONG, tag=Tag("ALL-M", "9,223,372,036,854,775,807", True, LONG * 3, LONG * 9)),
        Card("x", tag=Tag("", "", True, "", "")),
        Card("x", tag=Tag("ALL-M", "non communiqué " * 30, False, "mot " * 90, "mot " * 200)),
        Card("\u202e\u0627\u0644\U0001f4a5\ue000\x07\u200b", "\U0001f4a5", "\u0301"),
    ],
    ids=range(8),
)
def test_any_card_can_be_drawn(extreme: Card) -> None:
    body = png.__wrapped__(extreme)
    image = opened(body)
    assert image.size == (1200, 630)
    assert len(body) < MOST_BYTES
    margin = {image.getpixel((x, y)) for x in (20, 1180) for y in range(130, 600)}
    assert len(margin) == 1, "nothing is written into the margins"
    band = {image.getpixel((x, y)) for x in (430, 450, 470, 1150, 1180) for y in range(110)}
    assert len(band) == 1, "the section keeps clear of the site's name"
    ore = {image.getpixel((x, y)) for x in range(0, 1200, 3) for y in (612, 620, 628)}
    assert len(ore) == 1, "nothing hangs below the paper"


def test_a_process_remembers_so_many_pictures_and_no_more() -> None:
    png.cache_clear()
    for number in range(share_image.KEPT + 5):
        with patch.object(share_image, "_words"), patch.object(share_image, "_glyph"):
            png(Card(str(number)))
    assert png.cache_info().currsize == share_image.KEPT == 64
    png.cache_clear()


def test_the_etag_follows_everything_that_is_drawn() -> None:
    one = Card("a", "b", "c", ("KA",), Tag("d", "e", True, "f", "g"))
    assert one.tag
    tags = [replace(one.tag, code="x"), replace(one.tag, figure="x"), replace(one.tag, label="x"), replace(one.tag, as_of="x")]
    cards = [replace(one, title="x"), replace(one, section="x"), replace(one, note="x"), replace(one, focus=("SK",))]
    cards += [replace(one, tag=tag) for tag in [None, *tags]]
    assert len({card.etag for card in [one, *cards]}) == 10
    assert replace(one).etag == one.etag


def test_a_headline_of_a_later_period_takes_the_place_of_the_earlier() -> None:
    metric = Metric.objects.get(slug="miners")
    factories.make_headline(Programme.objects.get(), metric, 60_000, effective_on=date(2018, 1, 1))
    factories.make_headline(Programme.objects.get(), metric, 70_000, factories.FUTURE, effective_on=date(2019, 1, 1))
    tag = card("figure", "miners").tag
    assert tag and tag.figure == "60,000"
    Headline.objects.filter(metric=metric).update(status="withdrawn")
    tag = card("figure", "miners").tag
    assert tag and (tag.figure, tag.as_of[:16]) == ("54,466", "the regions’ sum")
