"""Postgres's own programs, and how they reach the database without a password on a command line."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

from django.core.management.base import CommandError
from django.db import connection
from psycopg.conninfo import make_conninfo

from itsci_site.lib import localdb

DEBIAN = Path("/usr/lib/postgresql")
SECRET = {"password", "sslpassword"}
NOT_LIBPQ = {"pool", "server_side_binding", "isolation_level", "assume_role", "prepare_threshold", "cursor_factory", "context"}


def path_of(name: str) -> str:
    """The program `name`, not older than the server: the local server's own, else of PATH or Debian's folders."""
    connection.ensure_connection()
    if home := connection.settings_dict.get("LOCAL_HOME"):
        return localdb.bundled(home, name)
    wanted = connection.pg_version // 10000  # type: ignore[attr-defined]
    on_path = shutil.which(name)
    found = [on_path] if on_path else []
    found += [str(path) for path in sorted(DEBIAN.glob(f"*/bin/{name}"), reverse=True)]
    versions = [(path, _version(path)) for path in found]
    for path, version in versions:
        if version >= wanted:
            return path
    seen = f" (here is {max(version for _path, version in versions)})" if versions else ""
    raise CommandError(
        f"There is no {name} of Postgres {wanted} or newer on PATH{seen}, and the server is {wanted}: install it (Debian: "
        f"apt-get install postgresql-client-{wanted}), or put the folder it is in on PATH."
    )


def _version(path: str) -> int:
    said = subprocess.run([path, "--version"], capture_output=True, text=True, check=False).stdout
    number = re.search(r"\d+", said)
    return int(number[0]) if number else 0


def reach(database: str | None = None) -> str:
    """A connection string without a secret in it; by default of the database in use."""
    entry = connection.settings_dict
    options: dict[str, Any] = {
        name: value for name, value in entry.get("OPTIONS", {}).items() if name not in SECRET | NOT_LIBPQ
    }
    values = {"host": entry["HOST"], "port": entry["PORT"], "user": entry["USER"]} | options
    return make_conninfo(dbname=database or entry["NAME"], **{name: value for name, value in values.items() if value})


def secrets() -> dict[str, str]:
    entry = connection.settings_dict
    found = {name: str(entry.get("OPTIONS", {})[name]) for name in SECRET if entry.get("OPTIONS", {}).get(name)}
    return found | ({"password": str(entry["PASSWORD"])} if entry.get("PASSWORD") else {})


def environment() -> dict[str, str]:
    """For a child: the password where nobody else can read it."""
    password = secrets().get("password")
    return dict(os.environ) | ({"PGPASSWORD": password} if password else {})
