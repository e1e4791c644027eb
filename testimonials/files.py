"""The files of portraits. They come with the transaction that says so and go when nothing names them; only views hand them out.

A portrait is named by its row, or by the next version of it that waits for approval (newsroom/proposals.py).
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import timedelta
from functools import partial
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver
from django.utils import timezone

from itsci_site.lib import uploads
from itsci_site.lib.newsroom.models import Proposal

from .models import RENDITIONS, Testimonial

FOLDER = "portraits"
GRACE = timedelta(hours=1)
"""The age from which a file that nothing names is no upload under way."""
_waiting: ContextVar[list[str]] = ContextVar("portraits that no transaction has kept yet")


def path(portrait: str, rendition: str) -> str:
    """Where a file lies, for the default storage."""
    return f"{FOLDER}/{portrait}-{rendition}"


@contextmanager
def kept_if_committed() -> Iterator[None]:
    """Around a transaction: the files that `write` makes inside go again unless it is committed."""
    portraits: list[str] = []
    mark = _waiting.set(portraits)
    try:
        yield
    finally:
        _waiting.reset(mark)
        with uploads.swept_later():
            for portrait in portraits:
                remove(portrait)


def write(portrait: str, files: dict[str, bytes]) -> None:
    """Stores the files of a portrait, by rendition. Raises LookupError outside of `kept_if_committed`."""
    waiting = _waiting.get()
    waiting.append(portrait)  # before the first file: a full disk leaves only some
    for rendition, content in files.items():
        default_storage.save(path(portrait, rendition), ContentFile(content))
    transaction.on_commit(partial(waiting.remove, portrait))


def remove(portrait: str) -> None:
    for rendition in RENDITIONS:
        default_storage.delete(path(portrait, rendition))


def in_changes(changes: Iterable[dict[str, Any]]) -> set[str]:
    """The portraits that the changes of a next version name, before or after them."""
    sides = [side for change in changes for side in (change["before"], change["after"]) if side]
    return {side["portrait"] for side in sides if side.get("portrait")}


def sweep(at_once: Iterable[str] = ()) -> int:
    """Removes the files of every portrait that nothing names, and says how many those are.

    Only what is older than GRACE, but for the portraits of `at_once`: of these it is known that they are no upload under way.
    """
    try:
        _folders, names = default_storage.listdir(FOLDER)
    except FileNotFoundError:
        return 0
    sure, young = set(at_once), timezone.now() - GRACE
    stored = {name.partition("-")[0]: name for name in names}
    left = stored.keys() - _named()
    left = {one for one in left if one in sure or uploads.written_before(default_storage, f"{FOLDER}/{stored[one]}", young)}
    for portrait in left:
        remove(portrait)
    return len(left)


def _named() -> set[str]:
    pending = Proposal.objects.pending().filter(record=Testimonial._meta.label_lower)
    waiting = [in_changes(changes) for changes in pending.values_list("changes", flat=True)]
    return set(Testimonial.objects.exclude(portrait="").values_list("portrait", flat=True)).union(*waiting)


def sweep_now(portraits: Iterable[str]) -> None:
    """Those that nothing names any more, while somebody waits: a store that does not answer keeps nobody."""
    with uploads.swept_later():
        sweep(portraits)


def sweep_on_commit(*portraits: str) -> None:
    """Once it is certain what names them."""
    if any(portraits):
        transaction.on_commit(partial(sweep_now, portraits), robust=True)


@receiver(post_delete, sender=Testimonial)
def remove_with_its_row(instance: Testimonial, **_signal: Any) -> None:
    sweep_on_commit(instance.portrait)
