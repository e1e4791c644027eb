"""Erased is erased: in the row, the trail, next versions, the admin's log and on disk; that it was, when and by whom, stays."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.core.exceptions import ValidationError
from django.db import connection
from django.test import Client
from django.test.utils import override_settings

from itsci_site.lib.newsroom.guard import open_register
from itsci_site.lib.newsroom.models import Entry, Proposal
from testimonials.erasing import erase
from testimonials.models import Consent, Contributor, Testimonial
from tests import factories as make
from tests.newsroom.conftest import signed_in
from tests.newsroom.desk import address, move, write
from tests.newsroom.test_trail import found

from .photos import ALT, content, plain, upload

pytestmark = pytest.mark.django_db(transaction=True)
CANARY = "Kanarienvogel"


@pytest.fixture(autouse=True)
def disk(tmp_path: Path) -> Iterator[Path]:
    with override_settings(MEDIA_ROOT=tmp_path / "media", OFFLINE_ROOT=tmp_path / "offline"):
        yield tmp_path


def everywhere() -> list[str]:
    """Every row of every table that holds the canary."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names(cursor):
            cursor.execute(f"SELECT count(*) FROM {table} AS one WHERE to_jsonb(one)::text ILIKE %s", [f"%{CANARY}%"])  # noqa: S608
            if cursor.fetchone()[0]:
                found.append(table)
    return sorted(found)


def named() -> Testimonial:
    """A story that says the canary in every field."""
    said = f"{CANARY} x"
    texts: dict[str, Any] = {
        f"{name}_{code}": said for name in ("story_title", "story_teaser", "story_body") for code in ("en", "fr")
    }
    whose = make.make_contributor(legal_name=said, contact=said, notes=said)
    return make.make_testimonial(
        consent=make.make_consent(whose), quote=said, words_fr=said, attribution="full", shown_as_en=said, shown_as_fr=said,
        slug=CANARY.lower(), **texts,
    )  # fmt: skip


def test_nothing_of_it_is_left_in_any_table_or_file(client: Client, disk: Path) -> None:
    """Written, photographed, published, changed by a next version, with another one waiting."""
    region = make.make_region()
    make.make_programme().regions.add(region)
    alices, bobs = (signed_in(make.make_user(name)) for name in ("alice", "bob"))
    open_register()
    story = _written(alices, region)
    for person, name in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(person, story, name)
    assert client.get(story.get_absolute_url()).status_code == 200
    for name in ("submit", "approve", "publish"):
        if name == "submit":
            write(alices, story, story_body_en=f"{CANARY} again")
        move(alices if name == "submit" else bobs, story, name)
    write(alices, story, story_body_en=f"{CANARY} a third time", photo=upload(content(plain(colour="navy"))))
    assert client.get("/data/offline-en.zip").status_code == 200
    page = client.get(story.get_absolute_url())
    assert page.status_code == 200 and CANARY in page.content.decode()
    before = set(everywhere())
    assert {"testimonials_testimonial", "testimonials_contributor", "newsroom_entry", "newsroom_proposal"} <= before
    assert "django_admin_log" in before and len(list(disk.rglob("*.jpg"))) == 6
    officer = make.make_user("officer", superuser=False)
    slug, url = story.slug, story.get_absolute_url()
    erase(Testimonial.objects.get(pk=story.pk), officer, "They asked for it")
    assert everywhere() == []
    assert not [path for path in disk.rglob("*") if path.is_file()], "photos and packs are gone"
    assert (Contributor.objects.count(), Consent.objects.count(), Proposal.objects.count()) == (0, 0, 0)
    row = Testimonial.objects.get(pk=story.pk)
    assert (row.erased_by, row.standing, row.slug) == (officer, "erased", f"erased-{row.pk}") and row.erased_at
    assert Entry.objects.filter(table_name="testimonials_testimonial", actor="officer", reason="They asked for it").exists()
    assert found().problems == [], "the chain is whole"
    for prefix in ("", "/fr"):
        gone, never = client.get(prefix + url), client.get(prefix + url.replace(slug, "never-was"))
        assert gone.status_code == never.status_code == 404
        assert gone.content == never.content.replace(b"never-was", slug.encode())
        assert client.get(f"{prefix}/stories/erased-{row.pk}/").status_code == 404
    with pytest.raises(ValidationError, match="erased already"):
        erase(row, officer)


def _written(alices: Client, region: Any) -> Testimonial:
    """Through the forms, so that the admin's log knows of it."""
    whose = make.make_contributor(legal_name=CANARY, contact=CANARY, notes=CANARY)
    said = {"quote": f"{CANARY} x", "quote_language": "sw", "words_en": CANARY, "words_fr": CANARY, "slug": CANARY.lower()}
    texts = {f"{name}_{code}": f"{CANARY} {name}" for name in ("story_title", "story_teaser") for code in ("en", "fr")}
    photo = {"photo": upload(content(plain())), "portrait_alt_en": CANARY, "portrait_alt_fr": ALT["fr"]}
    shown = {"attribution": "full", "shown_as_en": CANARY, "place_precision": "region", "risk": "low"}
    sent = {"region": region.pk, "order": 0, "consent": make.make_consent(whose).pk, **said, **texts, **photo, **shown}
    page = alices.post("/admin/testimonials/testimonial/add/", sent)
    assert page.status_code == 302, page.context["adminform"].form.errors
    return Testimonial.objects.get()


@pytest.mark.parametrize("state", ["draft", "returned", "submitted", "approved", "published", "suspended", "withdrawn"])
def test_from_any_state(state: str) -> None:
    story = named()
    Testimonial.objects.filter(pk=story.pk).update(status=state, approved_by=make.keeper())
    open_register()
    erase(story, make.keeper())
    assert everywhere() == []


def test_what_something_else_rests_on_stays() -> None:
    story = named()
    other = make.make_testimonial(consent=story.consent)
    erase(story, make.keeper())
    other.refresh_from_db()
    assert other.contributor and other.consent and Testimonial.objects.published().get() == other


def test_only_who_may_and_with_a_reason() -> None:
    story = named()
    alice = make.make_user("alice", superuser=False)
    make.make_desk(user=alice, everywhere=True)
    for right in ("view_testimonial", "change_testimonial"):
        alice.user_permissions.add(Permission.objects.get(codename=right))
    alices = signed_in(alice)
    where = address(story, "erase")
    assert where not in alices.get(address(story)).content.decode()
    assert alices.get(where).status_code == 403 and alices.post(where, {"reason": "x"}).status_code == 403
    alice.user_permissions.add(Permission.objects.get(codename="erase_testimonial"))
    assert where in alices.get(address(story)).content.decode()
    refused = alices.post(where, {"reason": " "})
    assert refused.status_code == 400 and "Say why" in refused.content.decode() and everywhere()
    assert alices.post(where, {"reason": "They asked"}).status_code == 302
    left = set(everywhere()) - {"django_admin_log"}
    assert left == set()
    form = alices.get(address(story)).content.decode()
    assert 'name="quote"' not in form, "it can only be looked at"
