"""Packs kept ready: one file a language and origin, made anew when anything public changed since."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path

from django.conf import settings
from django.db import connection
from django.dispatch import receiver
from django.utils import timezone

from itsci_site.lib.files import write_whole
from regions.content_version import stamp
from testimonials.erasing import erased

from . import offline

MOST = 16
"""Packs on disk: without SITE_URL each host and port of the site that is asked for has packs of its own."""
LOCK = 0x6F66666C  # "offl": one process builds, the others wait for what it made


def name(language: str, origin: str, at: datetime) -> str:
    """What a pack is called on disk: its language, its site, and what it was made from, with the pages' style."""
    site = hashlib.sha256(origin.encode()).hexdigest()[:8]
    made_from = hashlib.sha256(stamp(at).encode() + offline.static_file("css/site.css")).hexdigest()[:24]
    return f"{language}-{site}-{made_from}.zip"


def fresh(language: str, origin: str) -> tuple[str, bytes]:
    """The pack that holds what is public now, and its name, which changes when its content does."""
    now = timezone.now()
    wanted = name(language, origin, now)
    folder = Path(settings.OFFLINE_ROOT)
    with suppress(OSError):
        return wanted, (folder / wanted).read_bytes()
    with _one_at_a_time():
        with suppress(OSError):
            return wanted, (folder / wanted).read_bytes()
        content = offline.build(language, origin, now).zipped()
        with suppress(OSError):  # a disk that cannot be written costs time, not the pack
            keep(folder, wanted, content)
            remove_earlier(folder, wanted)
            remove_oldest(folder, wanted)
        return wanted, content


def keep(folder: Path, wanted: str, content: bytes) -> Path:
    """Writes a pack whole or not at all."""
    write_whole(folder / wanted, content)
    return folder / wanted


def remove_earlier(folder: Path, wanted: str) -> None:
    """The packs of the same language and site that another one has replaced: they may hold what is no longer public."""
    for earlier in folder.glob(f"{wanted.rpartition('-')[0]}-*.zip"):
        if earlier.name != wanted:
            earlier.unlink(missing_ok=True)


def remove_oldest(folder: Path, wanted: str) -> None:
    """Where there are more than MOST."""
    others = [pack for pack in folder.glob("*.zip") if pack.name != wanted]
    for oldest in sorted(others, key=_made_at)[: max(0, len(others) + 1 - MOST)]:
        oldest.unlink(missing_ok=True)


def _made_at(pack: Path) -> float:
    with suppress(OSError):  # another process was faster
        return pack.stat().st_mtime
    return 0


@receiver(erased)
def remove_all(**_signal: object) -> None:
    """Whatever was packed may hold what was erased."""
    for pack in Path(settings.OFFLINE_ROOT).glob("*.zip"):
        pack.unlink(missing_ok=True)


@contextmanager
def _one_at_a_time() -> Iterator[None]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
    try:
        yield
    finally:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])
