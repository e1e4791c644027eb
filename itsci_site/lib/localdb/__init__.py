"""The project's own Postgres, for when DATABASE_URL is unset.

The first connection starts it, and it stops by itself once no process that used it is left, however that process ended.
Three locks in its folder say who lives, so no process number is ever believed:

users.lock       shared by every process that has used the server, while it lives. The supervisor takes it whole to stop.
supervisor.lock  held by the one supervisor (supervisor.py): it starts a server that died again, and stops an unused one.
server.lock      held by the server and its children only: while it is taken, an old server still touches the data.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import metadata
from pathlib import Path
from typing import Any

from itsci_site.lib.localdb import place
from itsci_site.lib.localdb.place import SOCKET, LocalServerError, home_of, socket_folder

ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "TZ": "UTC"}  # nothing of the caller's: no PGDATA, no PGPORT
PATIENCE = 60.0  # seconds: long enough for recovery after a crash on a slow disk

_used: dict[Path, int] = {}
_thread = threading.Lock()


def database(folder: Path) -> dict[str, Any]:
    """The entry for DATABASES. Starts nothing: that is left to the first connection."""
    home = home_of(folder)
    return {
        "ENGINE": __name__,
        "NAME": "itsci",
        "USER": "itsci",
        "HOST": str(socket_folder(home)),
        "PORT": "5432",
        "CONN_MAX_AGE": None,
        "CONN_HEALTH_CHECKS": True,
        "LOCAL_HOME": home,
    }


def hold(home: Path) -> None:
    """Note that this process uses the server, as long as it lives. Waits while a server that nobody used is being stopped."""
    with _thread, _plain_errors():
        if home not in _used:
            place.shared_folder(home)
            place.own_folder(socket_folder(home), place.account(home))
            users = os.open(home / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(users, fcntl.LOCK_SH)
            _used[home] = users


def leave(home: Path) -> None:
    """Stop using the server; when nobody else does, return only after it has stopped."""
    with _thread:
        users = _used.pop(home, None)
        if users is None:
            return
        os.close(users)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not is_free(home / "supervisor.lock"):
        if is_free(home / "users.lock", fcntl.LOCK_SH) and not is_free(home / "users.lock"):
            return  # somebody else holds it; while the supervisor stops the server not even a shared lock is to be had
        time.sleep(0.05)


def start(home: Path) -> None:
    """Return once the server accepts connections, having started it where needed. Raises LocalServerError."""
    hold(home)
    with _plain_errors(), _alone(home / "start.lock") as start_lock:
        binaries = place.binaries(home)
        _make_cluster(home, binaries, start_lock)
        deadline, spawned = time.monotonic() + PATIENCE, 0
        log = home / "log"
        before = log.stat().st_size if log.exists() else 0
        while not _accepts(home, binaries):
            lock = os.open(home / "supervisor.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if spawned == 3:  # a single failure may be somebody's kill; three are a reason
                    raise LocalServerError(_reason(log, before))
                spawned += 1
                _spawn(home, binaries, lock)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise LocalServerError(f"The local Postgres did not answer in {PATIENCE:.0f} s: see {log}") from None
            finally:
                os.close(lock)
            time.sleep(0.05)


def bundled(home: Path, program: str) -> str:
    """The path of one of the server's own client programs. Debian's older psql and pg_dump may refuse this server."""
    return str(place.binaries(home) / program)


def _spawn(home: Path, binaries: Path, lock: int) -> None:
    """Start the supervisor, which keeps `lock`. It detaches itself, so that it outlives this process and leaves no zombie."""
    sockets = socket_folder(home)
    server = [str(binaries / "postgres"), "-D", str(home / "data"), "-k", str(sockets)]
    server += ["-c", "listen_addresses=", "-c", "port=5432", "-c", "unix_socket_permissions=0700", "-c", "max_connections=200"]
    uid, gid = place.account(home) or (-1, -1)
    script = Path(__file__).with_name("supervisor.py")
    with open(home / "log", "ab") as log:
        subprocess.run(
            [sys.executable, "-I", "-S", str(script), str(lock), str(home), str(sockets / SOCKET), str(uid), str(gid), *server],
            cwd="/", env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=[lock], start_new_session=True,
            check=True,
        )  # fmt: skip


def _accepts(home: Path, binaries: Path) -> bool:
    ask = [str(binaries / "pg_isready"), "-q", "-h", str(socket_folder(home)), "-p", "5432", "-U", "itsci", "-d", "itsci"]
    return subprocess.run(ask, env=ENVIRONMENT, check=False).returncode == 0


def _make_cluster(home: Path, binaries: Path, start_lock: int) -> None:
    """Make the data folder, with its empty database, in a side folder first: it is whole or not there.

    The programs keep the lock: should this process be killed, the next one waits for them before it clears up.
    """
    data = home / "data"
    if data.exists():
        ours = metadata.version(place.PACKAGE).partition(".")[0]
        theirs = (data / "PG_VERSION").read_text().strip()
        if ours != theirs:
            raise LocalServerError(
                f"{data} was made by Postgres {theirs}, but this checkout brings {ours}. Save what you need with the older "
                f"checkout (manage.py dumpdata), then move {data} away: the next start makes a new one."
            )
        return
    for left in home.glob("data.new.*"):  # of a start that was killed
        shutil.rmtree(left, ignore_errors=True)
    fresh = Path(tempfile.mkdtemp(prefix="data.new.", dir=home))
    try:
        place.own_folder(fresh, place.account(home))
        locale = ["--locale-provider=builtin", "--locale=C.UTF-8", "--encoding=UTF8"]
        access = ["--auth=reject", "--auth-local=trust", "--username=itsci"]  # the 0700 socket folder is the guard
        _run(home, [str(binaries / "initdb"), "-D", str(fresh), *locale, *access], start_lock)
        single = [str(binaries / "postgres"), "--single", "-j", "-D", str(fresh), "postgres"]
        _run(home, single, start_lock, "CREATE DATABASE itsci;\n\n")
        fresh.rename(data)
    except BaseException:
        shutil.rmtree(fresh, ignore_errors=True)
        raise


def _run(home: Path, command: list[str], lock: int, words: str = "") -> None:
    """Run a program of the server's, under the server's account."""
    uid, gid = place.account(home) or (None, None)
    done = subprocess.run(
        command, input=words, capture_output=True, encoding="utf-8", errors="replace", check=False, cwd=home, env=ENVIRONMENT,
        user=uid, group=gid, extra_groups=None if uid is None else [], pass_fds=[lock],
    )  # fmt: skip
    if done.returncode or re.search(r"\b(ERROR|FATAL|PANIC):", done.stderr):
        raise LocalServerError(_said(done.stderr + done.stdout))


def _reason(log: Path, since: int) -> str:
    with open(log, "rb") as file:
        file.seek(since)
        return f"{_said(file.read().decode(errors='replace'))} (see {log})"


def _said(output: str) -> str:
    """The one line of a program's output that says what went wrong."""
    if "No space left on device" in output:
        return "The disk is full: free at least 500 MB and start again."
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    told = [line for line in lines if re.search(r"\b(FATAL|PANIC|ERROR|error):", line)]
    return f"The local Postgres did not start: {(told or lines or ['it said nothing'])[-1]}"


def is_free(path: Path, kind: int = fcntl.LOCK_EX) -> bool:
    """Whether the lock could be had at this moment. A lock file that is not there is free."""
    try:
        with open(path, "rb") as file:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    return True


@contextmanager
def _alone(path: Path) -> Iterator[int]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield lock
    finally:
        os.close(lock)


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise LocalServerError(
            f"{error.filename} belongs to another account: run this as the one that made it, or move it away."
        ) from error
    except OSError as error:
        full = "No space left on device" in str(error)
        raise LocalServerError(_said(str(error)) if full else f"The local Postgres did not start: {error}") from error
