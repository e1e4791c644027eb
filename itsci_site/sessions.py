"""The sessions of an account: since when, when last used, and their end. Neither an address nor a device is kept of any.

The module is the SESSION_ENGINE, too.
"""

from collections.abc import Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.models import AbstractBaseUser
from django.contrib.sessions.backends import db
from django.contrib.sessions.backends.base import SessionBase, UpdateError
from django.contrib.sessions.models import Session
from django.utils import timezone
from django_otp import DEVICE_ID_SESSION_KEY

SINCE = "since"
"""The session's name for the moment of its password, in seconds since 1970."""


class SessionStore(db.SessionStore):
    """Django's, but a database that fails while a session is saved is no session that was ended meanwhile.

    Django takes each for the other and answers 400, as if nothing had been done, though what was sent is saved already.
    """

    def save(self, must_create: bool = False) -> None:
        try:
            super().save(must_create)
        except UpdateError as error:
            if (failed := error.__context__) and failed.__cause__:  # the driver's: an update that met no row has none
                raise failed  # noqa: B904 - it has its cause
            raise


@dataclass(frozen=True, slots=True)
class Open:
    """`mark` stands for its key, which opens it and is shown to nobody. `is_half`: no code was given in it so far."""

    mark: str
    since: datetime | None
    last: datetime
    is_half: bool


def begin(session: SessionBase) -> None:
    session[SINCE] = timezone.now().timestamp()


def prolong(session: SessionBase) -> bool:
    """From now SESSION_COOKIE_AGE more, but SESSION_LONGEST_AGE from its begin at most. False where that is over."""
    now = timezone.now().timestamp()
    left = int(session.setdefault(SINCE, now) + settings.SESSION_LONGEST_AGE - now)
    if left > 0:
        session.set_expiry(min(settings.SESSION_COOKIE_AGE, left))  # sets `modified`, so it is saved, and its end moves
    return left > 0


def of(user: AbstractBaseUser, but: str | None = None) -> list[Open]:
    """Those that have not ended, the last used first, without the one whose key is `but`."""
    found = [_read(session, told) for session, told in _sessions(user) if session.session_key != but]
    return sorted(found, key=lambda one: one.last, reverse=True)


def end(user: AbstractBaseUser, but: str | None = None, marks: Container[str] | None = None) -> int:
    """Of the account's sessions those with these marks, all if None; never the one whose key is `but`. How many ended."""
    keys = [session.session_key for session, _told in _sessions(user)]
    ended = [key for key in keys if key != but and (marks is None or _mark(key) in marks)]
    Session.objects.filter(session_key__in=ended).delete()
    return len(ended)


def _sessions(user: AbstractBaseUser) -> Iterator[tuple[Session, dict[str, Any]]]:
    """With what they hold. All are read: whose one is, is inside of it. Staff are few."""
    for session in Session.objects.filter(expire_date__gt=timezone.now()):
        told = session.get_decoded()
        if told.get(SESSION_KEY) == str(user.pk):
            yield session, told


def _mark(key: str) -> str:
    return sha256(key.encode()).hexdigest()[:32]


def _read(session: Session, told: dict[str, Any]) -> Open:
    since = datetime.fromtimestamp(told[SINCE], UTC) if SINCE in told else None
    prolonged_by = timedelta(seconds=told.get("_session_expiry", settings.SESSION_COOKIE_AGE))
    is_half = DEVICE_ID_SESSION_KEY not in told
    return Open(_mark(session.session_key), since, session.expire_date - prolonged_by, is_half)
