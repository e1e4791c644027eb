"""What a consent does to what rests on it, at once and everywhere; and what readers are told of whoever spoke."""

from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.utils import timezone

from itsci_site.lib.newsroom import links
from itsci_site.lib.newsroom.guard import open_register
from regions.content_version import stamp
from regions.models import Region
from testimonials.models import Consent, Testimonial
from tests import factories as make
from tests.newsroom.desk import before_opening
from tests.pages import content, markup
from tests.refusals import run

pytestmark = pytest.mark.django_db


def state(row: Testimonial) -> str:
    return Testimonial.objects.get(pk=row.pk).status


def is_listed(row: Testimonial) -> bool:
    return Testimonial.objects.published().filter(pk=row.pk).exists()


def test_it_lasts_twelve_months_unless_said_otherwise() -> None:
    given_at = timezone.now().replace(month=1, day=15) - timedelta(days=365)
    consent = make.make_consent(given_at=given_at, expires_on=None)
    consent.refresh_from_db()
    assert consent.expires_on == given_at.date().replace(year=given_at.year + 1)


def test_no_job_is_needed_for_its_end(client: Client) -> None:
    story = make.make_testimonial()
    end = timezone.now() + timedelta(days=200)
    assert is_listed(story) and client.get(story.get_absolute_url()).status_code == 200
    assert not Testimonial.objects.published(at=end).exists() and not story.is_public(at=end)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")  # as if the story were committed
    before = stamp(timezone.now())
    soon = timezone.now() + timedelta(seconds=3)
    with connection.cursor() as cursor:  # as if it ended then: an end is a day
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE testimonials_testimonial DISABLE TRIGGER USER")
        cursor.execute("UPDATE testimonials_testimonial SET consent_until = %s", [soon])
        cursor.execute("ALTER TABLE testimonials_testimonial ENABLE TRIGGER USER; SET CONSTRAINTS ALL DEFERRED")
    assert is_listed(story) and stamp(timezone.now()) == before
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_sleep(3.1)")
    assert not is_listed(story) and client.get(story.get_absolute_url()).status_code == 404
    assert stamp(timezone.now()) != before, "packs made before are not handed out any more"
    story.refresh_from_db()
    assert story.standing == "expired"


def test_a_withdrawn_consent_withdraws_for_good_what_rests_on_it() -> None:
    consent = make.make_consent()
    region = make.make_region()
    kept = make.make_testimonial(region)
    rest = dict(consent=consent, contributor=consent.contributor)
    rows = {
        status: make.make_testimonial(region, public_from=make.PAST if status == "published" else None, status=status, **rest)
        for status in ("draft", "returned", "submitted", "approved", "published", "suspended", "withdrawn")
    }
    Consent.objects.filter(pk=consent.pk).update(withdrawn_at=timezone.now())
    assert {name: state(row) for name, row in rows.items()} == {
        "draft": "draft", "returned": "returned", "submitted": "draft", "approved": "draft", "published": "withdrawn",
        "suspended": "withdrawn", "withdrawn": "withdrawn",
    }  # fmt: skip
    assert is_listed(kept) and not any(map(is_listed, rows.values()))
    back = Testimonial.objects.get(pk=rows["published"].pk)
    assert back.withdrawn_at
    with pytest.raises(ValidationError, match="withdrawn or has run out"):
        back.publish(by=make.keeper())
    earlier = make.make_consent(consent.contributor)
    back = Testimonial.objects.get(pk=back.pk)
    back.consent = earlier
    with pytest.raises(ValidationError, match="need a new consent"):
        back.publish(by=make.keeper())
    back = Testimonial.objects.get(pk=back.pk)
    back.consent = make.make_consent(consent.contributor, given_at=timezone.now())
    back.publish(by=make.keeper())
    assert is_listed(back)


@pytest.mark.parametrize("change", [{"scope_web": False}, {"scope_quote": False}, {"scope_province": False}])
def test_what_is_cut_back_suspends_what_needs_it(change: dict[str, bool]) -> None:
    story = make.make_testimonial()
    other = make.make_testimonial()
    Consent.objects.filter(testimonials=story).update(scope_photo=False)
    assert is_listed(story)
    Consent.objects.filter(testimonials=story).update(**change)
    assert (state(story), is_listed(story), is_listed(other)) == ("suspended", False, True)


def test_whoever_turns_out_to_be_a_child_is_named_no_longer() -> None:
    named = make.make_testimonial(attribution="first_name", shown_as_en="Jeanne", shown_as_fr="Jeanne")
    other = make.make_testimonial(named.region, consent=make.make_consent(named.contributor))
    run(
        "UPDATE testimonials_contributor SET age = 'minor', guardian = 'An aunt' WHERE id = %(id)s",
        {"id": named.contributor_id},
    )
    assert (state(named), state(other)) == ("suspended", "published")


def test_these_work_in_an_open_register_too() -> None:
    story, other = make.make_testimonial(), make.make_testimonial()
    open_register()
    Consent.objects.filter(testimonials=story).update(withdrawn_at=timezone.now())
    Consent.objects.filter(testimonials=other).update(scope_web=False)
    assert (state(story), state(other)) == ("withdrawn", "suspended")


def test_what_was_public_before_is_on_record_as_that_and_due_for_review() -> None:
    content.load()
    consents = Consent.objects.all()
    assert {str(one.get_how_display()) for one in consents} == {
        "published by the programme before this register; record not held"
    }
    stories = Testimonial.objects.published()
    assert stories.count() == 6 == Testimonial.objects.review_due().count()
    assert set(stories.values_list("attribution", flat=True)) == {"anonymous"}
    assert {one.slug for one in stories if one.place_precision == "country"} == {"formalisation-burundi"}
    assert {one.slug for one in stories if one.child_labour} == {"child-labour-katanga"}
    assert {one.slug: one.risk for one in stories if one.risk} == {"formalisation-burundi": "high"}
    soon = {one.slug for one in Testimonial.objects.expiring(timezone.now() + timedelta(days=130))}
    assert soon == {"formalisation-burundi"}, "half a year for a high risk"
    open_register()
    run("UPDATE testimonials_testimonial SET status = 'suspended' WHERE id = 2", {})
    run("UPDATE testimonials_testimonial SET status = 'draft' WHERE id = 2", {})
    with pytest.raises(ValidationError, match="ask for a new one"):
        Testimonial.objects.get(pk=2).submit(by=make.keeper())


# What readers are told

BOTH = pytest.mark.parametrize("prefix", ["", "/fr"])


@BOTH
def test_a_story_of_a_country_names_no_region(client: Client, prefix: str) -> None:
    content.load()
    katanga = Region.objects.get(slug="katanga")
    make.make_meeting(make.make_place(katanga))
    texts: dict[str, Any] = make.both(story_title=("Safer pits", "Des puits plus sûrs"), story_teaser=("Safely", "En sûreté"))
    story = make.make_testimonial(katanga, place_precision="country", slug="safer-pits", quote="Zeitgeist", **texts)
    page = client.get(f"{prefix}/stories/safer-pits/").content.decode()
    main = str(markup.parse(page.encode()).one("main").text)
    assert "Katanga" not in main and "Kalemie" not in main and "katanga" not in page and "at-ka" not in page
    assert f'href="{prefix}/where-we-work/#dr-congo"' in page and 'class="g at-cd"' in page
    assert ("RD Congo" if prefix else "DR Congo") in main
    home = client.get(f"{prefix}/").content.decode()
    voice = next(part for part in home.split("<figure")[1:] if "Zeitgeist" in part).partition("</figure>")[0]
    assert "atanga" not in voice and "at-cd" in voice
    assert ("One voice from each region." in home) is False and "Une voix par région" not in home
    for address in ("/where-we-work/", "/where-we-work/katanga/"):
        other = client.get(f"{prefix}{address}").content.decode()
        assert "safer-pits" not in other and "Zeitgeist" not in other
    found = client.get(f"{prefix}/search/?q=Zeitgeist").content.decode()
    result = markup.parse(found.encode()).one("main").text
    assert "safer-pits" in found and "Katanga" not in result
    drawn = client.get(f"{prefix}/stories/safer-pits/share.png")
    assert drawn.status_code == 200
    Testimonial.objects.filter(pk=story.pk).update(place_precision="region")
    assert client.get(f"{prefix}/stories/safer-pits/share.png").headers["ETag"] != drawn.headers["ETag"]
    assert "safer-pits" in client.get(f"{prefix}/where-we-work/katanga/").content.decode()


@pytest.mark.parametrize(
    ("fields", "english", "french"),
    [
        ({}, "", ""),
        ({"attribution": "full", "shown_as_en": "Jeanne M.", "shown_as_fr": "Jeanne M."}, "Jeanne M.", "Jeanne M."),
        ({"attribution": "role", "shown_as_en": "A washer", "shown_as_fr": "Une laveuse"}, "A washer", "Une laveuse"),
    ],
)
def test_readers_see_the_name_or_role_that_was_agreed_to(client: Client, fields: dict, english: str, french: str) -> None:
    story = make.make_testimonial(**fields)
    for prefix, shown in (("", english), ("/fr", french)):
        page = markup.parse(client.get(prefix + story.get_absolute_url()).content)
        captions = [bold.text for bold in page.one("figcaption").all("b")]
        assert captions == ([shown] if shown else [])
        assert story.contributor and story.contributor.legal_name not in page.text


def test_a_translation_stands_in_its_language_and_says_so(client: Client) -> None:
    story = make.make_testimonial(
        quote="Tulifanya kazi", quote_language="sw", words_en="We worked", words_fr="Nous travaillions"
    )
    for prefix, language, said in (("", "en", "We worked"), ("/fr", "fr", "Nous travaillions")):
        html = client.get(prefix + story.get_absolute_url()).content.decode()
        assert f"<blockquote><p>{said}</p></blockquote>" in html and "Tulifanya" not in html
        assert ("Translated from their words" if language == "en" else "Traduit de ses propres mots") in html
    Testimonial.objects.filter(pk=story.pk).update(words_fr="")
    html = client.get("/fr" + story.get_absolute_url()).content.decode()
    assert '<blockquote lang="sw"><p>Tulifanya kazi</p></blockquote>' in html
    assert "Les citations restent en anglais" not in html


def test_a_draft_without_consent_can_be_previewed(client: Client) -> None:
    """It is tried out, and not kept."""
    with before_opening():
        story = make.make_testimonial(public_from=None, consent=None, risk="", assessed_by=None, assessed_at=None)
    (_code, address), *_others = links.previews(Testimonial, story.pk)
    assert story.quote in client.get(address).content.decode()
    assert client.get(story.get_absolute_url()).status_code == 404 and state(story) == "draft"
