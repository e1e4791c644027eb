"""What is withdrawn, suspended, run out or erased is gone at once from every public address; what was never public never shows.

Words are planted in every field that a story, a person and a consent have, in a photo, in a document and in drafts; nothing of
them is looked for by field.
"""

import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings
from django.urls import URLResolver, get_resolver, resolve
from django.utils import timezone

from itsci_site.lib.newsroom.guard import open_register
from meetings.models import Document
from programmes.models import Programme
from regions.models import Metric, Region, Series
from testimonials.erasing import erase
from testimonials.models import Consent, Testimonial
from tests import factories as make
from tests.admin.test_admin import Form
from tests.meetings import pdf_files
from tests.newsroom.conftest import signed_in
from tests.newsroom.desk import address, move
from tests.testimonials.photos import revealing, upload

from . import surfaces

pytestmark = pytest.mark.django_db(transaction=True)
SHOWN, SECRET = "zaunkoenig", "kanarienvogel"
PRIVATE = ("CANARY", "Mukendi", "xmpmeta")
"""What the photo and the document hide (tests/testimonials/photos.py, tests/meetings/pdf_files.py)."""
NO_SURFACE = {"preview", "healthz", "readyz", "favicon", "security_txt"}
"""Addresses that hold nothing of anybody's; a preview has a signed link that ends."""


@pytest.fixture(autouse=True)
def programme() -> None:
    """In place of the folder's own: transactions are real here."""
    call_command("load_content", verbosity=0)


@pytest.fixture(autouse=True)
def disk(tmp_path: Path) -> Iterator[None]:
    with override_settings(MEDIA_ROOT=tmp_path / "media", OFFLINE_ROOT=tmp_path / "offline"):
        yield


def every_byte(client: Client, extra: list[str]) -> dict[str, bytes]:
    """By address, unpacked; headers too."""
    found: dict[str, bytes] = {}
    for where in [*surfaces.addresses(SHOWN), *extra]:
        answer = client.get(where)
        body = b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
        found[where] = repr(dict(answer.items())).encode() + body
    for where in surfaces.PACKS:
        with zipfile.ZipFile(io.BytesIO(client.get(where).content)) as packed:
            found |= {f"{where}: {name}": packed.read(name) for name in packed.namelist()}
    return found


def names(patterns: Any) -> Iterator[str]:
    """Of every address that is not the admin's."""
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from () if str(pattern.pattern).startswith("admin/") else names(pattern.url_patterns)
        elif not str(pattern.pattern).startswith("admin/"):
            yield pattern.name


def told(pages: dict[str, bytes], word: str) -> set[str]:
    return {where for where, content in pages.items() if word.lower().encode() in content.lower()}


@pytest.fixture
def story() -> Testimonial:
    """Public, by two people, through the forms; with a photo that says too much; a next version of it is being written."""
    alices, bobs = (signed_in(make.make_user(name)) for name in ("alice", "bob"))
    person = dict(legal_name=SECRET, contact=SECRET, notes=f"{SECRET} notes", guardian=SECRET)
    consent = make.make_consent(make.make_contributor(**person))
    fields = ("story_title", "story_teaser", "story_body", "portrait_alt")
    texts = {f"{name}_{code}": f"{SHOWN} {name}" for name in fields for code in ("en", "fr")}
    sent: dict[str, Any] = {
        "region": Region.objects.get(slug="katanga").pk, "order": 0, "consent": consent.pk, "risk": "low", "slug": SHOWN,
        "quote": f"{SHOWN} quote", "quote_language": "sw", "words_en": f"{SHOWN} said", "words_fr": f"{SHOWN} dit",
        "attribution": "first_name", "shown_as_en": f"{SHOWN} M", "place_precision": "region", "photo": upload(revealing()),
    }  # fmt: skip
    page = alices.post("/admin/testimonials/testimonial/add/", sent | texts)
    assert page.status_code == 302, page.context["adminform"].form.errors
    made = Testimonial.objects.get(slug=SHOWN)
    move(alices, made, "submit", reason=f"{SECRET} note")
    move(bobs, made, "approve", reason=f"{SECRET} note")
    move(bobs, made, "publish", reason=f"{SECRET} note")
    form = Form(alices.get(address(made))).values
    alices.post(address(made), form | {"story_body_en": f"{SECRET} next version", "_reason": SECRET})
    return Testimonial.objects.get(slug=SHOWN)


@pytest.fixture
def document(story: Testimonial) -> Document:
    """Public, with a file whose metadata say who wrote it; beside it a draft of everything that is published by two."""
    alices, bobs = (signed_in(User.objects.get(username=name)) for name in ("alice", "bob"))
    meeting = make.make_meeting(make.make_place(story.region), public_from=None)
    file = SimpleUploadedFile(f"{SECRET}.pdf", pdf_files.telling())
    sent = {"meeting": meeting.pk, "title_en": "Minutes", "language": "fr", "file": file}
    page = alices.post("/admin/meetings/document/add/", sent)
    assert page.status_code == 302, page.context["adminform"].form.errors
    for who, step in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, meeting, step, reason=f"{SECRET} note")
    draft: dict[str, Any] = {"public_from": None}
    programme, region = Programme.objects.all()[0], story.region
    series, metric = Series.objects.filter(region=region)[0], Metric.objects.all()[0]
    both: dict[str, dict[str, Any]] = {
        name: make.both(**{name: (SECRET, SECRET)})
        for name in ("name", "summary", "topics", "lead", "narrative", "period_note")
    }
    make.make_meeting(meeting.place, slug=SECRET, **draft, **both["summary"], **both["topics"])
    make.make_region(region.country, slug=SECRET, **draft, **both["name"], **both["lead"], **both["narrative"])
    make.make_programme(slug=SECRET, **draft, **both["name"])
    make.make_headline(
        programme, metric, 987_654_321_987_654, effective_on=make.PAST.date().replace(month=1), **draft, **both["period_note"]
    )
    make.make_testimonial(region, None, slug=f"{SECRET}-2", quote=SECRET, **make.both(story_title=(SECRET, SECRET)))
    make.make_reading(series, 987_654_321_987_654, make.PAST.date().replace(month=1), None, **both["period_note"])
    return Document.objects.get(meeting=meeting)


def end_consent(story: Testimonial) -> None:
    """As if its last day had come: the trigger alone writes this column."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE testimonials_testimonial DISABLE TRIGGER testimonials_rules")
        cursor.execute("UPDATE testimonials_testimonial SET consent_until = now() WHERE id = %s", [story.pk])
        cursor.execute("ALTER TABLE testimonials_testimonial ENABLE TRIGGER testimonials_rules")


def suspend(story: Testimonial) -> None:
    dora = make.make_user("dora", superuser=False)
    page = signed_in(dora).post("/admin/testimonials/testimonial/suspend/", {"story": story.pk}, follow=True)
    assert "out of sight" in page.content.decode()


WAYS: dict[str, Callable[[Testimonial], Any]] = {
    "withdrawn by staff": lambda story: story.withdraw(by=make.keeper()),
    "consent withdrawn": lambda story: Consent.objects.filter(testimonials=story).update(withdrawn_at=timezone.now()),
    "consent cut back": lambda story: Consent.objects.filter(testimonials=story).update(scope_photo=False),
    "suspended": suspend,
    "run out": end_consent,
    "erased": lambda story: erase(story, make.keeper()),
}


def test_it_goes_from_everywhere_at_once_and_the_rest_was_never_there(
    client: Client, story: Testimonial, document: Document
) -> None:
    """Every way in turn, from a state that is put back between: what is slow is asking everywhere."""
    open_register()
    photo = [story.portrait_address(name) for name in ("96.avif", "192.webp", "384.jpg")]
    before = every_byte(client, [story.get_absolute_url(), *photo])
    where = told(before, SHOWN)
    pages = {one for one in where if "?" not in one and ".zip" not in one}
    assert {"/", "/fr/", "/where-we-work/", "/where-we-work/katanga/", f"/stories/{SHOWN}/", "/sitemap-stories.xml"} <= pages
    assert any("search" in one for one in where) and any("offline-fr.zip" in one for one in where)
    assert b"%PDF" in before[document.get_absolute_url()]
    for word in (SECRET, *PRIVATE, "987654321987654", "987,654,321,987,654", "987\u202f654\u202f321\u202f987\u202f654"):
        assert told(before, word) == set(), word
    assert len(before) > 150
    english = {where.partition(": ")[0].partition("?")[0] for where in before if not where.startswith(("/fr/", "/nowhere/"))}
    walked = {resolve(where).url_name for where in english}
    assert {name for name in names(get_resolver().url_patterns) if name not in walked} == NO_SURFACE
    for name, act in WAYS.items():
        if name != "withdrawn by staff":
            _back(story)
            assert client.get(story.get_absolute_url()).status_code == 200, name
        act(Testimonial.objects.get(pk=story.pk))
        after = every_byte(client, [])
        assert told(after, SHOWN) == {one for one in after if f"q={SHOWN}" in one}, f"{name}: only what was searched for"
        for address_ in (story.get_absolute_url(), *photo, f"{story.get_absolute_url()}share.png"):
            gone, never = client.get(address_), client.get(address_.replace(f"/{SHOWN}/", "/never-was/"))
            assert gone.status_code == never.status_code == 404, (name, address_)
            assert gone.content == never.content.replace(b"never-was", SHOWN.encode())


def _back(story: Testimonial) -> None:
    """Public again as it was, with a new consent: by the owner of the database, past every rule."""
    given = make.make_consent(Testimonial.objects.get(pk=story.pk).contributor)
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE testimonials_testimonial DISABLE TRIGGER USER")
        cursor.execute(
            "UPDATE testimonials_testimonial SET status = 'published', withdrawn_at = NULL, consent_id = %s, consent_until = %s"
            " WHERE id = %s",
            [given.pk, timezone.now() + timedelta(days=9), story.pk],
        )
        cursor.execute("ALTER TABLE testimonials_testimonial ENABLE TRIGGER USER")
        cursor.execute("UPDATE regions_contentversion SET number = number + 1")
