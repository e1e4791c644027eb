"""Where public pages read: the site's database, or a streaming replica where DATABASE_REPLICA_URL names one (decision 30).

Within a public request every query goes to the replica, also that for the mark of the content which a page is kept under. So
a page is always that of its own mark, however far the replica is behind; what writes goes to the database itself.
"""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS, connections, transaction

REPLICA = "replica"
_is_reading: ContextVar[bool] = ContextVar("inside a public request", default=False)


def of_the_public() -> str:
    """The alias of the database that public pages read."""
    return REPLICA if REPLICA in settings.DATABASES else DEFAULT_DB_ALIAS


def here() -> str:
    """The alias of the database that is asked at this place."""
    return of_the_public() if _is_reading.get() else DEFAULT_DB_ALIAS


@contextmanager
def read() -> Iterator[None]:
    """What is asked inside is asked of the database of the public."""
    if of_the_public() == DEFAULT_DB_ALIAS:
        yield
        return
    mark = _is_reading.set(True)
    try:
        yield
    finally:
        _is_reading.reset(mark)


def atomic() -> AbstractContextManager[None]:
    """A transaction of the database that is asked here."""
    return transaction.atomic(using=here())


class Router:
    """For queries of models. The replica is the same database, so that its rows belong to those of the other."""

    def db_for_read(self, model: Any, **_hints: Any) -> str:
        return here()

    def db_for_write(self, model: Any, **_hints: Any) -> str:
        return DEFAULT_DB_ALIAS

    def allow_relation(self, one: Any, other: Any, **_hints: Any) -> bool:
        return True

    def allow_migrate(self, db: str, app_label: str, **_hints: Any) -> bool:
        return db == DEFAULT_DB_ALIAS


class _Here:
    """As `django.db.connection`, of the database that is asked here."""

    def __getattr__(self, name: str) -> Any:
        return getattr(connections[here()], name)


connection: Any = _Here()
