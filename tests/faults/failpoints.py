"""Stops an act at every point: python -m tests.faults.failpoints ACT HOW prints, as JSON, how many points and what was wrong.

A point lies before and after each statement, each commit, and each operation on a file that the act writes. HOW is `kill`,
which ends the process there as the kernel would, or `raise`: the disk breaks (OSError), or the statement (OperationalError).
The act is tried with the first point, then the second, until it gets through.
"""

import errno
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import django

django.setup()

from django.conf import settings  # noqa: E402 - after the apps are ready
from django.db import OperationalError, connection, connections  # noqa: E402
from django.db.backends.base.base import BaseDatabaseWrapper  # noqa: E402

from meetings import files  # noqa: E402
from tests.faults.acts import ACTS, halves, number_of, there  # noqa: E402

OF_FILES = {"open", "os.rename", "os.remove", "os.mkdir", "os.chmod", "os.link", "os.truncate"}
MOST = 2_000


class Points:
    """Counts them, and stops at the `stop`-th."""

    def __init__(self, stop: int, how: str) -> None:
        self.stop, self.how, self.passed = stop, how, 0
        self.is_armed = True

    def point(self, broken: Callable[[], Exception]) -> None:
        if not self.is_armed:
            return
        self.passed += 1
        if self.passed == self.stop:
            self.is_armed = False
            if self.how == "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            raise broken()

    def statement(self, execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        self.point(lambda: OperationalError("broken before a statement"))
        found = execute(sql, params, many, context)
        self.point(lambda: OperationalError("broken after a statement"))
        return found

    def on_files(self, event: str, words: tuple[Any, ...]) -> None:
        """Before the operation; after it is before the next one."""
        if event not in OF_FILES or not str(words[0]).startswith(str(settings.MEDIA_ROOT)):
            return
        if event != "open" or (words[2] or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
            self.point(lambda: OSError(errno.ENOSPC, os.strerror(errno.ENOSPC)))


def tried(name: str, number: int, stop: int, how: str) -> bool:
    """In a child: did the act get through without meeting the point? Ends the child."""
    points = Points(stop, how)
    commit = BaseDatabaseWrapper._commit  # type: ignore[attr-defined]

    def committed(self: Any) -> Any:
        points.point(lambda: OperationalError("broken before a commit"))
        found = commit(self)
        points.point(lambda: OperationalError("broken after a commit"))
        return found

    BaseDatabaseWrapper._commit = committed  # type: ignore[attr-defined]
    sys.addaudithook(points.on_files)
    quiet = os.open(os.devnull, os.O_WRONLY)
    os.dup2(quiet, 1)
    os.dup2(quiet, 2)
    with connection.execute_wrapper(points.statement), suppress(Exception):
        ACTS[name](number)
        os._exit(0 if points.is_armed else 3)  # it was broken, and the act returned all the same
    os._exit(1)


def main(name: str, how: str) -> dict[str, Any]:
    wrong: list[str] = []
    for stop in range(1, MOST):
        number = number_of(name) + 1
        connections.close_all()
        pid = os.fork()
        if pid == 0:
            tried(name, number, stop, how)
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        if status in (0, 3) and number not in there(name):
            wrong.append(f"{name} {stop}: acknowledged and lost")
        for path in Path(settings.MEDIA_ROOT).rglob("*.pdf"):
            if (
                how == "raise"
                and status == 1
                and str(path.relative_to(settings.MEDIA_ROOT)) in files.unnamed([str(path.relative_to(settings.MEDIA_ROOT))])
            ):
                wrong.append(f"{name} {stop}: left {path.name}")
            os.utime(path, (time.time() - 7200,) * 2)
        files.sweep()
        wrong += [f"{name} {stop}: {half}" for half in halves()]
        if status == 0:
            return {"act": name, "how": how, "points": stop - 1, "wrong": wrong}
    raise AssertionError(f"{name} never gets through")


if __name__ == "__main__":
    sys.stdout, out = sys.stderr, sys.stdout
    json.dump(main(sys.argv[1], sys.argv[2]), out)
