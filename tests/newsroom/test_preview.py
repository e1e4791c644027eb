"""A preview shows a draft in its place, in either language, for an hour, and nothing of it is kept."""

import re
from datetime import timedelta

import pytest
from django.core import signing
from django.db import DatabaseError, connection, transaction
from django.test import Client

from itsci_site.lib.newsroom import links, proposals
from meetings.models import Meeting
from regions.models import Region
from tests import factories as make

from .desk import address, before_opening, write

pytestmark = pytest.mark.django_db


def preview_links(client: Client, row: object) -> list[str]:
    html = client.get(address(row)).content.decode()  # type: ignore[arg-type]
    return re.findall(r'href="((?:/fr)?/preview/[^"]+)"', html)


def test_a_draft_in_its_place_in_either_language(opened: None, alices: Client) -> None:
    with before_opening():
        meeting = make.make_meeting(public_from=None, summary_en="A draft in English", summary_fr="Un brouillon")
    english, french = preview_links(alices, meeting)
    stranger = Client()
    assert stranger.get(meeting.get_absolute_url()).status_code == 404
    for link, words, notice in ((english, "A draft in English", "Preview."), (french, "Un brouillon", "Aperçu.")):
        page = stranger.get(link)
        html = page.content.decode()
        assert page.status_code == 200 and words in html and notice in html
        assert page.headers["Cache-Control"] == "no-store, private" and "noindex" in page.headers["X-Robots-Tag"]
        assert "ETag" not in page.headers and not page.cookies
    assert stranger.get(meeting.get_absolute_url()).status_code == 404
    assert Meeting.objects.get().status == "draft"


def test_a_next_version_in_its_place(opened: None, alices: Client, client: Client) -> None:
    with before_opening():
        region = make.make_region(lead_en="As readers know it")
    write(alices, region, lead_en="As it will be")
    page = client.get(preview_links(alices, region)[0]).content.decode()
    assert "As it will be" in page and "As readers know it" not in page
    assert "As it will be" not in client.get(region.get_absolute_url()).content.decode()


def test_it_ends_after_an_hour_and_cannot_be_made_up(opened: None, client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    with before_opening():
        meeting = make.make_meeting(public_from=None, summary_en="Secret words")
    link = links.previews(Meeting, meeting.pk)[0][1]
    assert client.get(link).status_code == 200
    assert client.get(link[:-3] + "xx/").status_code == 404
    forged = signing.dumps(["meetings.meeting", meeting.pk])
    assert client.get(f"/preview/{forged}/").status_code == 404
    monkeypatch.setattr(links, "LASTS", timedelta(seconds=-1))
    over = client.get(link)
    assert (
        over.status_code == 410
        and "Secret words" not in over.content.decode()
        and over.headers["Cache-Control"].startswith("no-store")
    )
    assert client.get(links.previews(Meeting, meeting.pk + 1)[0][1]).status_code in (404, 410)


def test_a_reading_and_a_story(opened: None, client: Client) -> None:
    with before_opening():
        programme = make.make_programme()
        region, metric = make.make_region(), make.make_metric()
        programme.regions.add(region)
        programme.metrics.add(metric)
        draft = make.make_reading(make.make_series(region, metric), 123456, published_at=None)
    from regions.models import Reading

    assert "123,456" in client.get(links.previews(Reading, draft.pk)[0][1]).content.decode()
    assert "123,456" not in client.get(metric.get_absolute_url()).content.decode()
    assert not Reading.objects.get().is_public()


@pytest.mark.django_db(transaction=True)
def test_what_is_only_tried_out_cannot_be_committed() -> None:
    """Not even by a program that forgets to take it back."""
    region = make.make_region(lead_en="As readers know it")
    from itsci_site.lib.newsroom.guard import open_register

    open_register()
    with pytest.raises(DatabaseError, match="never kept"), transaction.atomic():
        proposals.try_out()
        Region.objects.update(lead_en="Smuggled in")
    assert Region.objects.get(pk=region.pk).lead_en == "As readers know it"  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM newsroom_whatif")
        assert cursor.fetchone() == (0,)
