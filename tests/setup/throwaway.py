"""A private Postgres of a given installation, for as long as a command runs: python -m tests.setup.throwaway BIN COMMAND..."""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from itsci_site.lib.localdb import ENVIRONMENT


@contextmanager
def server(binaries: Path) -> Iterator[str]:
    """Yields the DATABASE_URL of an empty server on a private socket, which takes no data along when it goes."""
    folder = Path(tempfile.mkdtemp(prefix="throwaway."))
    drop: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        drop = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def run(*command: str) -> None:
        subprocess.run(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL, check=True, **drop)

    data = str(folder / "data")
    try:
        access = ["--auth=reject", "--auth-local=trust", "--username=itsci"]
        run(str(binaries / "initdb"), "-D", data, "--no-sync", "--locale=C.UTF-8", "--encoding=UTF8", *access)
        options = f"-c listen_addresses= -k {folder} -c fsync=off"
        run(str(binaries / "pg_ctl"), "-D", data, "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://itsci@/postgres?host={folder}"
        finally:
            run(str(binaries / "pg_ctl"), "-D", data, "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    with server(Path(sys.argv[1])) as url:
        status = subprocess.run(sys.argv[2:], env=os.environ | {"DATABASE_URL": url}, check=False).returncode
    sys.exit(status)
