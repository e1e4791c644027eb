"""Files that come with a form: what no row names when the request is over does not stay.

A database takes back what a transaction wrote, a disk does not. So every name that a file gets is noted before its first byte
is written, and looked at once the transaction is over, whatever became of it: saved, refused, or kept as a next version.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from datetime import datetime

from django.core.files.storage import Storage
from django.db import DatabaseError

Unnamed = Callable[[Iterable[str]], list[str]]
"""Gives those names of files that nothing in the database has."""
_noted: ContextVar[list[str] | None] = ContextVar("names that files got in this request", default=None)


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
        with suppress(DatabaseError):  # a database that is gone cannot say: the next sweep asks again
            for name in unnamed(names):
                storage.delete(name)


def is_full(error: OSError) -> bool:
    """Is there no room left to write to?"""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def sweep(storage: Storage, folder: str, unnamed: Unnamed, before: datetime) -> list[str]:
    """Removes the files of a folder that nothing names and that were written before a moment. Gives their names."""
    try:
        names = [f"{folder}/{name}" for name in storage.listdir(folder)[1]]
    except FileNotFoundError:
        return []
    gone = [name for name in unnamed(names) if storage.get_modified_time(name) < before]
    for name in gone:
        storage.delete(name)
    return gone
