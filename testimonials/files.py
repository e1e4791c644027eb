"""The files of portraits. They come and go with the transaction that says so, and only views hand them out."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models.signals import post_delete
from django.dispatch import receiver

from .models import RENDITIONS, Testimonial

_waiting: ContextVar[list[str]] = ContextVar("portraits that no transaction has kept yet")


def path(portrait: str, rendition: str) -> str:
    """Where a file lies, for the default storage."""
    return f"portraits/{portrait}-{rendition}"


@contextmanager
def kept_if_committed() -> Iterator[None]:
    """Around a transaction: the files that `write` makes inside go again unless it is committed."""
    portraits: list[str] = []
    mark = _waiting.set(portraits)
    try:
        yield
    finally:
        _waiting.reset(mark)
        for portrait in portraits:
            remove(portrait)


def write(portrait: str, files: dict[str, bytes]) -> None:
    """Stores the files of a portrait, by rendition. Raises LookupError outside of `kept_if_committed`."""
    waiting = _waiting.get()
    waiting.append(portrait)  # before the first file: a full disk leaves only some
    for rendition, content in files.items():
        default_storage.save(path(portrait, rendition), ContentFile(content))
    transaction.on_commit(partial(waiting.remove, portrait))


def remove_on_commit(portrait: str) -> None:
    """Once it is certain that no row names them."""
    if portrait:
        transaction.on_commit(partial(remove, portrait), robust=True)


def remove(portrait: str) -> None:
    for rendition in RENDITIONS:
        default_storage.delete(path(portrait, rendition))


@receiver(post_delete, sender=Testimonial)
def remove_with_its_row(instance: Testimonial, **_signal: Any) -> None:
    remove_on_commit(instance.portrait)
