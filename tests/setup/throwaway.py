"""A private Postgres of a given installation, for as long as a command runs: python -m tests.setup.throwaway BIN COMMAND..."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from itsci_site.lib.localdb import ENVIRONMENT

PATIENCE = 60.0


@dataclass
class Server:
    """A cluster on a private socket, run by nobody where root runs the tests."""

    binaries: Path
    options: str
    folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="throwaway.")))
    drop: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
            self.drop = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    @property
    def url(self) -> str:
        return f"postgresql://itsci@/postgres?host={self.folder}"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def make(self) -> None:
        access = ["--auth=reject", "--auth-local=trust", "--username=itsci"]
        self.run("initdb", "-D", str(self.data), "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8", *access)

    def follow(self, other: "Server") -> None:
        """Instead of `make`: a copy of another one, which follows it as a streaming replica once it is started."""
        source = f"host={other.folder} user=itsci application_name=replica"
        self.run("pg_basebackup", "-D", str(self.data), "-d", source, "-R", "-X", "stream", "-c", "fast", "--no-sync")

    def promote(self) -> None:
        self.run("pg_ctl", "-D", str(self.data), "-w", "promote")

    def start(self) -> None:
        options = f"-c listen_addresses= -k {self.folder} {self.options}"
        self.run("pg_ctl", "-D", str(self.data), "-w", "-l", str(self.folder / "log"), "-o", options, "start")

    def stop(self, mode: str) -> None:
        """`mode` as pg_ctl has it: smart, fast, immediate."""
        self.run("pg_ctl", "-D", str(self.data), "-w", "-m", mode, "stop")

    def kill(self) -> None:
        """The postmaster and all of its children at once, without a word. When this returns none of them holds a file."""
        self.freeze()  # so that the postmaster has no more children than are seen here
        for pid in (there := self.processes()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        until = time.monotonic() + PATIENCE
        while any(_lives(pid) for pid in there):
            assert time.monotonic() < until
            time.sleep(0.01)
        # Where nobody reaps orphans, as in many a container, their numbers stay taken and the next postmaster would not start.
        for left in (self.data / "postmaster.pid", self.folder / ".s.PGSQL.5432.lock"):
            left.unlink(missing_ok=True)

    def freeze(self) -> None:
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGSTOP)

    def thaw(self) -> None:
        for pid in reversed(self.processes()):
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def processes(self) -> list[int]:
        """The postmaster, then its children."""
        try:
            first = int((self.data / "postmaster.pid").read_text().split("\n", 1)[0])
        except (OSError, ValueError):
            return []
        found = [first] if _lives(first) else []
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError, ValueError, IndexError):
                if int(stat.read_text().rpartition(")")[2].split()[1]) == first:
                    found.append(int(stat.parent.name))
        return found

    def run(self, program: str, *words: str) -> None:
        command = [str(self.binaries / program), *words]
        subprocess.run(command, cwd=self.folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True, **self.drop)

    def remove(self) -> None:
        self.thaw()
        if self.processes():
            self.stop("immediate")
        shutil.rmtree(self.folder, ignore_errors=True)


def _lives(pid: int) -> bool:
    """One that has ended and that nobody has asked about does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] not in ("Z", "X")
    except OSError:
        return False


@contextmanager
def server(binaries: Path, options: str = "-c fsync=off") -> Iterator[Server]:
    """An empty server that takes no data along when it goes."""
    made = Server(binaries, options)
    try:
        made.make()
        made.start()
        yield made
    finally:
        made.remove()


if __name__ == "__main__":
    with server(Path(sys.argv[1])) as started:
        status = subprocess.run(sys.argv[2:], env=os.environ | {"DATABASE_URL": started.url}, check=False).returncode
    sys.exit(status)
