"""Writers that act one after another and keep a journal: python -m tests.faults.writers FOLDER NAME...

Each is a process of its own, made anew by this one when it was killed. A line of a journal is a number whose act has returned:
it was acknowledged. `pids` holds who lives. Ends when its standard input is closed.
"""

import os
import select
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

import django

django.setup()

from django.db import connection, connections  # noqa: E402 - after the apps are ready

from tests.faults.acts import ACTS, number_of  # noqa: E402


def act(name: str, folder: Path) -> None:
    journal = os.open(folder / f"journal-{name}", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    number = None
    while True:
        try:
            if number is None:
                number = number_of(name) + 1
            ACTS[name](number)
            os.write(journal, f"{number}\n".encode())
            number += 1
        except Exception:  # the database is away, or the act was half done when it went: look what there is
            number = None
            with suppress(Exception):
                connection.close()
            time.sleep(0.05)


def begin(name: str, folder: Path) -> int:
    connections.close_all()
    pid = os.fork()
    if pid:
        return pid
    try:
        quiet = os.open(os.devnull, os.O_WRONLY)
        os.dup2(quiet, 1)
        os.dup2(quiet, 2)
        act(name, folder)
    finally:
        os._exit(1)
    raise AssertionError


def main(folder: Path, names: list[str]) -> None:
    living = {begin(name, folder): name for name in names}
    try:
        while True:
            half = folder / "pids.half"
            half.write_text(" ".join(map(str, living)))
            half.rename(folder / "pids")
            if select.select([sys.stdin], [], [], 0.02)[0]:
                return
            for pid in list(living):
                if os.waitpid(pid, os.WNOHANG)[0]:
                    name = living.pop(pid)
                    living[begin(name, folder)] = name
    finally:
        for pid in living:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
