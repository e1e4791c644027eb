"""Processes, copies of the tree and accounts for the tests of set-up. What a test starts here ends with it."""

import contextlib
import hashlib
import json
import os
import pwd
import shutil
import signal
import socket
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from itsci_site.lib import localdb
from itsci_site.lib.localdb import place

ROOT = Path(__file__).resolve().parents[2]
CLIENT = Path(__file__).with_name("client.py")
SITE_PACKAGES = sysconfig.get_path("purelib")
NOT_COPIED = (
    ".git",
    ".venv",
    ".local",
    ".env",
    "*_cache",
    "__pycache__",
    "staticfiles",
    "media",
    "test-results",
    "node_modules",
)
PATIENCE = 60.0
Found = TypeVar("Found")

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can set this up")


def environment(**more: str) -> dict[str, str]:
    """What a person's shell has: none of the settings that tests run under."""
    ours = ("SECRET_KEY", "ALLOWED_HOSTS", "HTTPS", "DATABASE_URL")
    of_tools = ("DJANGO_", "PYTEST_", "MAKE", "MFLAGS")  # the tests themselves may run below make
    left = {name: value for name, value in os.environ.items() if name not in ours and not name.startswith(of_tools)}
    return left | {"PYTHONDONTWRITEBYTECODE": "1"} | more


def eventually(ask: Callable[[], Found], what: str) -> Found:
    """The first true answer."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := ask():
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE:.0f} s: {what}")


def alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return _stat(pid)[0] != "Z"
    return False


def parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def servers(home: Path) -> list[int]:
    """Every Postgres that runs on this home's data: one number each, however many processes it consists of."""
    found = {}
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            words = (entry / "cmdline").read_bytes().split(b"\0")
            if words[0].endswith(b"/postgres") and os.fsencode(home / "data") in words and alive(int(entry.name)):
                found[int(entry.name)] = parent(int(entry.name))
    return [pid for pid, above in found.items() if above not in found]  # a child has its parent's words until it names itself


class Client:
    """A process that uses the local server of `folder` (client.py)."""

    def __init__(self, folder: Path, python: str = sys.executable, **options: Any) -> None:
        command = [python, str(CLIENT), str(folder)]
        pipe = subprocess.PIPE
        options = {"env": environment()} | options
        self.process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, **options)

    def send(self, token: str) -> None:
        assert self.process.stdin
        self.process.stdin.write(token + "\n")
        self.process.stdin.flush()

    def receive(self) -> dict[str, Any]:
        assert self.process.stdout
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the client ended: {self.process.communicate()[1]}")
        return json.loads(line)

    def tell(self, token: str) -> dict[str, Any]:
        self.send(token)
        answer = self.receive()
        assert "error" not in answer, answer
        return answer

    def server(self) -> int:
        """The process number of the server it is connected to."""
        return parent(self.tell("server?")["backend"])

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.communicate(timeout=PATIENCE)


@contextmanager
def client(folder: Path, **options: Any) -> Iterator[Client]:
    one = Client(folder, **options)
    try:
        yield one
    finally:
        one.kill()


def wait_until_stopped(home: Path) -> None:
    eventually(lambda: localdb.is_free(home / "supervisor.lock") and localdb.is_free(home / "server.lock"), "the server stops")
    assert servers(home) == []


def copy_tree(to: Path, python: str = sys.executable) -> Path:
    """A checkout like this one, without anything that was made in it, but with a venv that borrows this one's packages."""
    shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns(*NOT_COPIED), dirs_exist_ok=True)
    subprocess.run([python, "-m", "venv", "--without-pip", str(to / ".venv")], check=True, env=environment())
    (site,) = (to / ".venv" / "lib").glob("python3*/site-packages")
    (site / "borrowed.pth").write_text(SITE_PACKAGES + "\n")
    locks = ("requirements", "requirements-local", "requirements-dev")
    hashes = {name: hashlib.sha256((to / f"{name}.lock").read_bytes()).hexdigest() for name in locks}
    (to / ".venv" / "installed").write_text("\n".join(f"{name} {value}" for name, value in hashes.items()))
    return to


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def make(tree: Path, *words: str, **options: Any) -> subprocess.CompletedProcess[str]:
    """A make target that ends by itself, with everything it said in `stdout`."""
    command = ["make", "-C", str(tree), "--no-print-directory", *words]
    fixed = {"stdout": -1, "stderr": -2, "stdin": -3, "text": True, "check": False, "timeout": 300}  # PIPE, STDOUT, DEVNULL
    return subprocess.run(command, **({"env": environment()} | options | fixed))


class Site:
    """`make run` in a process group of its own, as a terminal starts it."""

    def __init__(self, tree: Path, **options: Any) -> None:
        self.port = free_port()
        options = {"env": environment()} | options
        self.process = subprocess.Popen(
            ["make", "-C", str(tree), "--no-print-directory", "run", f"PORT={self.port}"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
            **options,
        )  # fmt: skip
        self.said = ""

    def wait_until_up(self) -> str:
        """What it said until it named its address."""
        assert self.process.stdout
        for line in self.process.stdout:
            self.said += line
            if line.startswith("Site "):
                return self.said
        raise AssertionError(f"make run ended: {self.said}")

    def signal(self, number: int) -> None:
        """To all of its group, like Ctrl-C."""
        os.killpg(self.process.pid, number)

    def wait(self) -> int:
        self.said += self.process.communicate(timeout=PATIENCE)[0]
        return self.process.returncode

    def members(self) -> list[int]:
        """The processes of its group that live."""
        found = []
        for entry in Path("/proc").iterdir():
            with contextlib.suppress(OSError, ValueError):
                if int(_stat(int(entry.name))[2]) == self.process.pid and alive(int(entry.name)):
                    found.append(int(entry.name))
        return found


@contextmanager
def site(tree: Path, **options: Any) -> Iterator[Site]:
    one = Site(tree, **options)
    try:
        yield one
    finally:
        with contextlib.suppress(ProcessLookupError):
            one.signal(signal.SIGKILL)
        one.process.communicate()


@contextmanager
def open_folder(owner: str = "root") -> Iterator[Path]:
    """A temporary folder that every account can enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="itsci-test."))
    folder.chmod(0o755)
    if os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, -1)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def plain_account() -> tuple[str, dict[str, Any]]:
    """A Python that a normal user can run with this one's packages, and what makes a process run as that user."""
    own = Path(sys.executable).resolve()
    for python in (own, Path("/usr/bin") / f"python{sys.version_info[0]}.{sys.version_info[1]}"):
        if python.exists() and place.others_can_enter(python.parent):
            if not place.others_can_enter(Path(SITE_PACKAGES).resolve()):
                pytest.skip("a normal user cannot read this machine's packages")
            nobody = pwd.getpwnam("nobody")
            return str(python), {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
    pytest.skip("a normal user cannot run this machine's Python")
