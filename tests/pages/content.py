"""The programme's real content in a test database, the address of every public page it gives, and static files as deployed."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.db import connection, transaction
from django.test.utils import override_settings
from django.urls import Resolver404, resolve

from itsci_site.settings import STORAGES as REAL_STORAGES
from meetings.models import Meeting
from programmes.models import Programme
from regions.models import Metric, Region
from testimonials.models import Testimonial

FIXTURE = settings.BASE_DIR / "fixtures" / "programme.json"


def load() -> None:
    """Only ever into a test database: without a test that asks for one, pytest-django leaves the real one connected."""
    assert connection.settings_dict["NAME"].startswith("test_")
    call_command("loaddata", FIXTURE, verbosity=0)


@contextmanager
def loaded() -> Iterator[None]:
    """The content in a transaction that is undone at the end; transactions of tests inside it are savepoints."""
    with transaction.atomic():
        load()
        yield
        transaction.set_rollback(True)


def as_deployed(static_root: Path) -> override_settings:
    """Settings under which pages link the files that `build_static` wrote, by their hashed names."""
    return override_settings(STATIC_ROOT=static_root, STORAGES=REAL_STORAGES)


def build_static(folder: Path) -> Path:
    """Fills `folder` as deployment does, with the site's own storage."""
    with as_deployed(folder):
        call_command("collectstatic", interactive=False, verbosity=0)
    return folder


def parameters(address: str) -> frozenset[str]:
    """The query parameters that a kept page reads; none of an address that leads nowhere."""
    try:
        return getattr(resolve(address).func, "kept", None) or frozenset()
    except Resolver404:
        return frozenset()


def in_language(address: str, language: str) -> str:
    return address if language == "en" else f"/fr{address}"


def addresses() -> list[str]:
    """Every public page in English; `in_language` gives the French one. A new row's page is held to the same."""
    programmes = [programme.slug for programme in Programme.objects.published()]
    return [
        "/",
        "/where-we-work/",
        *(f"/where-we-work/{region.slug}/" for region in Region.objects.published().in_order()),
        "/progress/",
        *(f"/progress/{metric.slug}/" for metric in Metric.objects.all()),
        "/progress/changes/",
        "/data/",
        "/data/corrections/",
        "/stories/",
        *(f"/stories/{testimonial.slug}/" for testimonial in Testimonial.objects.published()),
        "/meetings/",
        *(f"/meetings/{meeting.slug}/" for meeting in Meeting.objects.published()),
        "/search/",
        "/accessibility/",
        *(f"/programmes/{slug}/" for slug in programmes),
        *(f"/programmes/{slug}/progress/" for slug in programmes),
        *(f"/programmes/{slug}/progress/miners/" for slug in programmes),
    ]
