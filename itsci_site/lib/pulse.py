"""Whether the database answers, known in this process within a second and a half, also where it hangs without a word.

A thread asks it four times a second. Where the answer does not come, every connection of the process is cut, so that whoever
waits for one gets an error at once instead of waiting for as long as the server hangs. No setting of Postgres or of libpq does
that: a statement timeout is the server's own, and the kernel of a stopped server still acknowledges (decision 29).
"""

import logging
import os
import select
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any
from weakref import WeakSet

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.signals import connection_created

from . import replica

AGAIN = 0.25
"""Seconds between two questions."""
PATIENCE = 1.0
"""Seconds that an answer may take. Only the server's time counts: what has arrived when this process is late has arrived."""
LOST = ("08", "57P", "53")
"""Classes of SQLSTATE: no connection, shut down or starting, out of memory, disk or connections."""
log = logging.getLogger(__name__)


class Pulse:
    """Of one database, in one process. Until something is known it counts as answering: whoever asks finds out within the two
    seconds that a connection is waited for (connect_timeout)."""

    def __init__(self, connect: Callable[[], Any]) -> None:
        """`connect` gives a connection of the driver's that commits each statement by itself; raises its errors."""
        self._connect = connect
        self._watched: WeakSet[Any] = WeakSet()
        self._guard = threading.Lock()
        self._is_away = False

    def begin(self) -> None:
        """In each process of its own."""
        self._is_away = False
        threading.Thread(target=self._beat, name="pulse", daemon=True).start()

    def is_away(self) -> bool:
        return self._is_away

    def watch(self, opened: Any) -> None:
        """From now on this connection of the driver's is cut where the database hangs."""
        with self._guard:
            self._watched.add(opened)

    def _beat(self) -> None:
        own = None
        while True:
            try:
                own = own or self._connect()
                answers = answered(own, PATIENCE)
            except Exception:  # refused, reset, starting: it says by itself that it is not there
                answers = False
            else:
                if not answers:
                    self._cut()
            if not answers and own is not None:
                with suppress(Exception):
                    own.close()
                own = None
            if self._is_away == answers:
                log.warning("The database answers again" if answers else "The database does not answer")
            self._is_away = not answers
            time.sleep(AGAIN)

    def _cut(self) -> None:
        """Ends every connection at the socket. Whoever waits on it has its error; whoever uses it next has, too."""
        self._is_away = True  # before: nobody shall begin another one
        with self._guard:
            watched = list(self._watched)
        for opened in watched:
            with suppress(Exception), socket.socket(fileno=os.dup(opened.pgconn.socket)) as same:
                same.shutdown(socket.SHUT_RDWR)


def connected(alias: str) -> Any:
    """Another connection of the driver's, which commits each statement by itself."""
    asked = connections[alias]
    new = asked.get_new_connection(asked.get_connection_params())
    new.autocommit = True
    of(alias).watch(new)
    return new


def of(alias: str) -> Pulse:
    """That of the database with this alias."""
    return database if alias == replica.of_the_public() else primary


def answered(opened: Any, seconds: float) -> bool:
    """Does this connection answer within so many seconds? Raises the driver's error where it is lost."""
    wire, until = opened.pgconn, time.monotonic() + seconds
    wire.send_query(b"SELECT 1")
    poll = select.poll()
    poll.register(wire.socket, select.POLLIN)
    while True:
        while not wire.is_busy():
            if wire.get_result() is None:
                return True
        if not poll.poll(max(0.0, until - time.monotonic()) * 1000):
            return False
        wire.consume_input()


def is_lost(error: BaseException | None) -> bool:
    """Does this error say that the database is not there, and nothing about what was asked of it?

    It is Django's, or the driver's own, which Django leaves as it is where a streamed answer closes its cursor.
    """
    driver: Any = connections[DEFAULT_DB_ALIAS].Database  # type: ignore[attr-defined]
    if isinstance(error, OperationalError | InterfaceError):
        error = error.__cause__
    elif not isinstance(error, (driver.OperationalError, driver.InterfaceError)):
        return False
    state = getattr(error, "sqlstate", None)
    return state is None or state.startswith(LOST)


def _watch(connection: Any, **_signal: object) -> None:
    of(connection.alias).watch(connection.connection)


database = Pulse(lambda: connected(replica.of_the_public()))
"""Of the database that public pages read."""
primary = Pulse(lambda: connected(DEFAULT_DB_ALIAS))
"""Of the one that takes what is written, where that is another; else it has not begun, and the first tells all."""
connection_created.connect(_watch)
