"""Keeps the local Postgres running while any process uses it. Run as a script by localdb, with supervisor.lock already taken.

Standard library only and without site-packages: it starts in milliseconds, and updating packages cannot disturb it.
"""

import ctypes
import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

ATTEMPTS = 10  # restarts in a row of a server that dies at once
LIVED = 10.0  # seconds after which a server counts as having started well
LOG_SIZE = 5_000_000  # bytes


def supervise(home: Path, socket: Path, account: tuple[int, int] | None, command: list[str]) -> int:
    """Returns the exit status: 0 when nobody used the server any more, 1 when it could not be kept running."""
    with open(home / "users.lock", "rb") as users:
        failures = 0
        while failures < ATTEMPTS and not nobody_uses(users.fileno()):
            started = time.monotonic()
            server = serve(home, socket, account, command)
            while server.poll() is None:
                if nobody_uses(users.fileno()):  # this also keeps new users waiting until we are gone
                    stop(server)
                    return 0
                time.sleep(0.1)
            if server.returncode > 0:  # it gave up by itself and has said why; only a killed one is worth another try
                return 1
            failures = 0 if time.monotonic() - started > LIVED else failures + 1
        return 0 if failures < ATTEMPTS else 1


def nobody_uses(users: int) -> bool:
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def serve(home: Path, socket: Path, account: tuple[int, int] | None, command: list[str]) -> subprocess.Popen[bytes]:
    """Start the server, once the last process of one before it is gone."""
    lock = os.open(home / "server.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        wait_for(lock)
        # Nothing holds the lock, so nothing touches the data: these two name a dead server, or by now an innocent process.
        (home / "data" / "postmaster.pid").unlink(missing_ok=True)
        socket.with_name(socket.name + ".lock").unlink(missing_ok=True)
        uid, gid = account or (None, None)
        return subprocess.Popen(
            command, cwd=home, stdin=subprocess.DEVNULL, pass_fds=[lock], preexec_fn=stop_with(os.getpid()),
            user=uid, group=gid, extra_groups=None if uid is None else [], start_new_session=True,
        )  # fmt: skip
    finally:
        os.close(lock)


def wait_for(lock: int) -> None:
    deadline = time.monotonic() + 45
    while True:
        try:
            return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                sys.exit("FATAL: an older server still runs on this data and does not stop")
        time.sleep(0.05)


def stop_with(parent: int) -> Callable[[], None]:
    """What the child does before it becomes the server: ask the kernel to stop it, in order, when this process dies."""
    prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None

    def ask() -> None:
        if prctl:
            prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG; SIGINT is Postgres's fast shutdown
        if os.getppid() != parent:
            os._exit(1)

    return ask


def stop(server: subprocess.Popen[bytes]) -> None:
    for order, patience in ((signal.SIGINT, 20), (signal.SIGQUIT, 5), (signal.SIGKILL, None)):
        server.send_signal(order)
        try:
            server.wait(patience)
            return
        except subprocess.TimeoutExpired:
            continue


def main() -> int:
    _lock, home, socket, uid, gid, *command = sys.argv[1:]
    if os.fork():
        return 0  # the starter waits for this half only
    if os.fstat(1).st_size > LOG_SIZE:
        os.ftruncate(1, 0)
    account = None if int(uid) < 0 else (int(uid), int(gid))
    return supervise(Path(home), Path(socket), account, command)


if __name__ == "__main__":
    sys.exit(main())
