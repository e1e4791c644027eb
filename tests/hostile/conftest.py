"""The programme's content and what staff add to it, committed: a server of its own sees it, too."""

from collections.abc import Iterator
from typing import Any

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.files.base import ContentFile
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import override_settings
from pytest_django import DjangoDbBlocker

from itsci_site.lib.newsroom import links
from meetings.models import Document, Meeting
from testimonials.models import RENDITIONS, Testimonial
from tests import factories as make
from tests.meetings import pdf_files
from tests.pages import content, samples
from tests.testimonials.photos import give

from . import raw


@pytest.fixture(scope="module")
def site(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[raw.Site]:
    media = tmp_path_factory.mktemp("media")
    with django_db_blocker.unblock(), override_settings(MEDIA_ROOT=media, OFFLINE_ROOT=str(media / "packs")):
        content.load()
        samples.add_meetings(60)
        story = give(Testimonial.objects.get(slug="child-labour-katanga"))
        meeting: Any = Meeting.objects.published().first()
        document: Document = make.make_document(meeting)
        document.file.save("a.pdf", ContentFile(pdf_files.plain()))
        yield raw.survey(
            portrait=story.portrait_address(RENDITIONS[0]),
            meeting=meeting.get_absolute_url(),
            document=f"{meeting.get_absolute_url()}{document.pk}.pdf",
            preview=links.previews(Testimonial, story.pk)[0][1],
        )
        connections.close_all()
        assert connection.settings_dict["NAME"].startswith("test_")
        call_command("flush", interactive=False, verbosity=0)
        ContentType.objects.clear_cache()
