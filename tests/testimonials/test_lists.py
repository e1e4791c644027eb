"""Every story in one list, page by page; elsewhere the first of them and a link."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from itsci_site.lib.publishing import Status
from programmes.views import MOST_VOICES
from regions.models import Region
from regions.views import MOST_STORIES
from testimonials.lists import PAGE
from testimonials.models import Consent, Testimonial
from tests import factories as make
from tests.pages import markup

pytestmark = pytest.mark.django_db
FIRST_DAY = datetime(2020, 1, 1, tzinfo=UTC)


@pytest.fixture
def consent() -> Consent:
    return make.make_consent()


def tell(consent: Consent, count: int, region: Region | None = None, a_day: int = 1) -> list[Testimonial]:
    """So many stories on each day, the newest first."""
    region = region or make.make_region()
    days = [FIRST_DAY + timedelta(days=number // a_day) for number in range(count)]
    return [make.make_testimonial(region, day, consent=consent) for day in days][::-1]


def shown(client: Client, address: str) -> tuple[list[str], dict[str, str]]:
    """The stories of a page in their order, and where its links lead, by their kind."""
    page = markup.parse(client.get(address).content).one("main")
    stories = [link["href"] for link in page.all("a") if re.fullmatch(r"/stories/[^/]+/", link["href"])]
    return stories, {
        link["rel"]: f"/stories/{link['href']}" for link in page.all("a") if link.attributes.get("rel") in ("prev", "next")
    }


@pytest.mark.parametrize(("count", "a_day"), [(PAGE, 1), (2 * PAGE + 1, 1), (2 * PAGE + 1, 30)])
def test_older_and_newer_walk_through_every_story_once(client: Client, consent: Consent, count: int, a_day: int) -> None:
    expected = [story.get_absolute_url() for story in tell(consent, count, a_day=a_day)]
    pages = [shown(client, "/stories/")]
    while older := pages[-1][1].get("next"):
        pages.append(shown(client, older))
    assert [address for stories, _links in pages for address in stories] == expected
    assert len(pages) == -(-count // PAGE)
    back = pages[-1]
    for there in reversed(pages[:-1]):
        back = shown(client, back[1]["prev"])
        assert back[0] == there[0]
    assert "prev" not in pages[0][1]


def test_a_page_holds_when_the_story_before_it_is_withdrawn(client: Client, consent: Consent) -> None:
    stories = tell(consent, PAGE + 3)
    older = shown(client, "/stories/")[1]["next"]
    second = shown(client, older)[0]
    Testimonial.objects.filter(pk=stories[PAGE - 1].pk).update(status=Status.SUSPENDED)
    assert shown(client, older)[0] == second


def test_a_story_that_names_no_region_is_not_found_by_its_region(client: Client, consent: Consent) -> None:
    region = make.make_region()
    (near,) = tell(consent, 1, region)
    (far,) = tell(consent, 1, region)
    Testimonial.objects.filter(pk=far.pk).update(place_precision=Testimonial.Precision.COUNTRY)
    (elsewhere,) = tell(consent, 1)
    assert set(shown(client, "/stories/")[0]) == {one.get_absolute_url() for one in (near, far, elsewhere)}
    assert shown(client, f"/stories/?region={region.slug}")[0] == [near.get_absolute_url()]


@pytest.mark.parametrize("query", ["region=atlantis", "region=%00", "before=x", "after=2020-02-30.1"])
def test_nonsense_shows_every_story_and_says_so(client: Client, consent: Consent, query: str) -> None:
    tell(consent, 2)
    answer = client.get(f"/stories/?{query}")
    page = markup.parse(answer.content).one("main")
    assert answer.status_code == 400
    assert "No such region" in page.text or "There is no such page" in page.text
    assert len(shown(client, f"/stories/?{query}")[0]) == 2


def test_our_work_has_one_voice_of_a_region_and_so_many_at_the_most(client: Client, consent: Consent) -> None:
    programme = make.make_programme()
    regions = [make.make_region() for _number in range(MOST_VOICES + 1)]
    programme.regions.set(regions)
    for region in regions:
        _first, second = tell(consent, 2, region)
        Testimonial.objects.filter(pk=second.pk).update(order=1)
    stories, _links = shown(client, "/")
    assert len(stories) == MOST_VOICES
    assert len({Testimonial.objects.get(slug=address.split("/")[2]).region_id for address in stories}) == MOST_VOICES
    assert not Testimonial.objects.filter(slug__in=[address.split("/")[2] for address in stories], order=1).exists()
    assert "One voice from each region." not in client.get("/").text
    programme.regions.set(regions[:3])
    assert len(shown(client, "/")[0]) == 3 and "One voice from each region." in client.get("/").text


def test_a_region_shows_its_first_stories_and_leads_to_all(client: Client, consent: Consent) -> None:
    region = make.make_region()
    tell(consent, MOST_STORIES, region)
    address, link = region.get_absolute_url(), f'href="/stories/?region={region.slug}"'
    assert link not in client.get(address).text
    tell(consent, 1, region)
    page = client.get(address).text
    assert link in page and page.count("<blockquote") == MOST_STORIES
    where = client.get("/where-we-work/").text
    assert len(re.findall(r'href="/stories/[^/?]+/"', where)) == MOST_STORIES


def test_the_link_to_a_photo_stays_on_its_page(client: Client, consent: Consent) -> None:
    story = tell(consent, PAGE + 1)[-1]
    Testimonial.objects.filter(pk=story.pk).update(
        portrait="0" * 32, portrait_bytes=1000, portrait_alt_en="A pit", portrait_alt_fr="Un puits"
    )
    older = shown(client, "/stories/")[1]["next"]
    page = client.get(older, headers={"Save-Data": "on"})
    (photo,) = [link["href"] for link in markup.parse(page.content).all("a") if "photo=" in link["href"]]
    again = client.get(f"/stories/{photo.partition('#')[0]}", headers={"Save-Data": "on"})
    assert f"/stories/{story.slug}/" in again.text and "<img" in again.text
