"""Files that come with a form: what no row names when the request is over does not stay.

A database takes back what a transaction wrote, a disk does not. So every name that a file gets is noted before its first byte
is written, and looked at once the transaction is over, whatever became of it: saved, refused, or kept as a next version.
"""

import errno
import logging
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime
from typing import Any

from django.core.files.storage import Storage
from django.db import DatabaseError
from django.utils.translation import gettext_lazy as _

Unnamed = Callable[[Iterable[str]], list[str]]
"""Gives those names of files that nothing in the database has."""
_noted: ContextVar[list[str] | None] = ContextVar("names that files got in this request", default=None)
_without: ContextVar[list[str] | None] = ContextVar("what this answer had to do without", default=None)
STORE_IS_AWAY = _(
    "The store of files does not answer, and nothing was saved. Choose the file again in a minute; tell whoever runs the site "
    "if it stays so."
)
log = logging.getLogger(__name__)


class Away(OSError):
    """The store of files does not answer, or refuses; the text is for operators. `code`: what it says of that, if anything."""

    def __init__(self, why: str, code: str = "") -> None:
        super().__init__(why)
        self.code = code


def noted(name: str) -> str:
    """The name of a file that is about to be written, as given."""
    names = _noted.get()
    if names is not None:
        names.append(name)
    return name


@contextmanager
def kept_if_named(storage: Storage, unnamed: Unnamed) -> Iterator[None]:
    """Around a transaction: of the files that are written inside those go that nothing names afterwards."""
    names: list[str] = []
    mark = _noted.set(names)
    try:
        yield
    finally:
        _noted.reset(mark)
        with suppress(DatabaseError), swept_later():  # a database that is gone cannot say: the next sweep asks again
            for name in unnamed(names):
                storage.delete(name)


def is_full(error: OSError) -> bool:
    """Is there no room left to write to?"""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def why_not_written(error: OSError, full: Any) -> Any:
    """What to tell staff of a file that could not be written, `full` of a full disk. Raises any other error again."""
    if isinstance(error, Away):
        return STORE_IS_AWAY
    if is_full(error):
        return full
    raise error


@contextmanager
def swept_later() -> Iterator[None]:
    """Around removing what nothing names: where the store does not answer, that is left to the next sweep."""
    try:
        yield
    except Away:
        log.warning("The store of files does not answer: files that nothing names stay until the next sweep")


@contextmanager
def doing_without() -> Iterator[list[str]]:
    """Around an answer: gives the names of the files that it had to do without (`done_without`), and so is not one to keep."""
    names: list[str] = []
    mark = _without.set(names)
    try:
        yield names
    finally:
        _without.reset(mark)


def done_without(name: str) -> None:
    """What is told of this file is less than it would be if the store answered."""
    names = _without.get()
    if names is not None:
        names.append(name)


def sweep(storage: Storage, folder: str, unnamed: Unnamed, before: datetime) -> list[str]:
    """Removes the files of a folder that nothing names and that were written before a moment. Gives their names."""
    try:
        names = [f"{folder}/{name}" for name in storage.listdir(folder)[1]]
    except FileNotFoundError:
        return []
    gone = [name for name in unnamed(names) if written_before(storage, name, before)]
    for name in gone:
        storage.delete(name)
    return gone


def written_before(storage: Storage, name: str, moment: datetime) -> bool:
    """Not what has gone since it was listed: another process sweeps, too, and some stores' lists lag."""
    try:
        return storage.get_modified_time(name) < moment
    except FileNotFoundError:
        return False
