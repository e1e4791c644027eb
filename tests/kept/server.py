"""gunicorn with the site, as in production, on the test's own database. What is started here ends with the test."""

import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from django.db import connection

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 60.0
SETTINGS = """
from tests.settings import *
from tests.settings import DATABASES as TEST_DATABASES

DATABASES = {{"default": TEST_DATABASES["default"] | {{"NAME": {name!r}}}}}
"""


def free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def environment(folder: Path, **more: str) -> dict[str, str]:
    (folder / "kept_settings.py").write_text(SETTINGS.format(name=connection.settings_dict["NAME"]))
    path = os.pathsep.join([str(folder), str(ROOT)])
    given = {"DJANGO_SETTINGS_MODULE": "kept_settings", "PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
    return os.environ | given | {"LAST_GOOD_ROOT": str(folder / "last-good")} | more


@contextmanager
def gunicorn(folder: Path, threads: int = 4, **more: str) -> Iterator[int]:
    """The port of a server process of one worker, on the test's own database."""
    with logged(folder, None, threads, **more) as (port, _process):
        yield port


@contextmanager
def logged(folder: Path, log: Path | None, threads: int = 4, **more: str) -> "Iterator[tuple[int, subprocess.Popen[bytes]]]":
    """The same with its process. `log`: where it writes to, None for where the tests do"""
    with served(environment(folder, **more), folder, threads, log=log) as found:
        yield found


@contextmanager
def served(
    environment: dict[str, str],
    folder: Path,
    threads: int = 4,
    workers: int = 1,
    log: Path | None = None,
    preload: bool = False,
    conf: Path | None = None,
) -> Iterator[tuple[int, "subprocess.Popen[bytes]"]]:
    """The port, and the process that watches over the workers. `conf`: what it reads besides."""
    command = [
        sys.executable, "-m", "gunicorn", "itsci_site.wsgi:application",
        "--workers", str(workers), "--threads", str(threads), "--worker-class", "itsci_site.worker.Worker",
        "--log-level", "warning", "--graceful-timeout", "1", "--keep-alive", "75", "--no-control-socket",
    ]  # fmt: skip
    if conf:
        command += ["--config", str(conf)]
    if preload:
        command.append("--preload")
    with ExitStack() as stack:
        file = stack.enter_context(open(log, "wb")) if log else None
        with socket.create_server(("127.0.0.1", 0)) as one:  # handed on: nobody else gets its port meanwhile
            port, given = one.getsockname()[1], one.fileno()
            command += ["--bind", f"fd://{given}"]
            process = subprocess.Popen(command, cwd=folder, env=environment, stderr=file, pass_fds=[given])
        stack.enter_context(process)
        try:
            _until_it_answers(port, process)
            yield port, process
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()


def worker_of(process: "subprocess.Popen[bytes]") -> int:
    """The id of its one worker."""
    (worker,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return int(worker)


def _until_it_answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        assert process.poll() is None, "gunicorn ended"
        try:
            one = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
            one.request("GET", "/healthz")
            if one.getresponse().status == 200:
                return
        except OSError:
            time.sleep(0.05)
        finally:
            one.close()
    raise AssertionError(f"no answer within {PATIENCE:.0f} s")
