"""A database of its own, with the programme's content, that commands may dump, drop and replace."""

import secrets
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection, connections
from django.test.utils import override_settings

from itsci_site import pg_programs
from itsci_site.lib import localdb
from itsci_site.lib.newsroom import ledger
from tests.conftest import pristine
from tests.setup.machine import environment


@dataclass(frozen=True)
class Drill:
    name: str
    folder: Path

    @property
    def media(self) -> Path:
        return self.folder / "media"

    @property
    def ledger(self) -> Path:
        return self.folder / "ledger"

    @property
    def backups(self) -> Path:
        return self.folder / "backups"

    def settings(self, **more: str) -> dict[str, str]:
        """For a `manage.py` of its own: this database by its address, and the local server's programs first on PATH."""
        home = connection.settings_dict["LOCAL_HOME"]
        ours = environment(
            **SITE, DATABASE_URL=f"postgresql://itsci:{PASSWORD}@/{self.name}?host={localdb.socket_folder(home)}",
            MEDIA_ROOT=str(self.media), LEDGER=str(self.ledger), OFFLINE_ROOT=str(self.folder / "offline"),
            LAST_GOOD_ROOT=str(self.folder / "last-good"),
        )  # fmt: skip
        return ours | {"PATH": f"{Path(localdb.bundled(home, 'pg_dump')).parent}:{ours['PATH']}"} | more

    def databases(self) -> list[str]:
        """Those of this drill, by what they are called beside its own."""
        with server() as admin:
            found = admin.execute("SELECT datname FROM pg_database WHERE datname LIKE %s", [f"{self.name}%"]).fetchall()
        return sorted(name.removeprefix(self.name) for (name,) in found)


SITE = {"SECRET_KEY": "only-for-tests-" + "0123456789" * 5, "ALLOWED_HOSTS": "testserver", "HTTPS": "off"}
"""Settings that a site needs."""
PASSWORD = "never-on-a-command-line"


def server() -> "psycopg.Connection[Any]":
    return psycopg.connect(pg_programs.reach("postgres"), autocommit=True)


@pytest.fixture(scope="session")
def content(django_db_setup: None, django_db_blocker: Any) -> Iterator[str]:
    """A database with the programme's content, made once a worker and copied by each drill."""
    name = f"content_{secrets.token_hex(4)}"
    with django_db_blocker.unblock(), server() as admin:
        admin.execute(f'CREATE DATABASE "{name}" TEMPLATE "{pristine()}"')
        try:
            with using(name):
                assert not ledger.is_open(), "a copy made by whatever means is shut"
                call_command("load_content")
            yield name
        finally:
            admin.execute(f'DROP DATABASE "{name}" WITH (FORCE)')


@contextmanager
def using(name: str) -> Iterator[None]:
    """This thread asks that database meanwhile, over a connection of its own."""
    was = connections["default"]
    connections["default"] = other = was.copy()
    other.settings_dict["NAME"] = name
    ContentType.objects.clear_cache()
    try:
        yield
    finally:
        other.close()
        connections["default"] = was
        ContentType.objects.clear_cache()


@pytest.fixture
def drill(db: None, content: str, tmp_path: Path) -> Iterator[Drill]:
    folders = {
        "MEDIA_ROOT": tmp_path / "media", "LEDGER": tmp_path / "ledger", "OFFLINE_ROOT": tmp_path / "offline",
        "LAST_GOOD_ROOT": tmp_path / "last-good",
    }  # fmt: skip
    one = Drill(f"drill_{secrets.token_hex(4)}", tmp_path)
    with server() as admin:
        admin.execute(f'CREATE DATABASE "{one.name}" TEMPLATE "{content}"')
    try:
        with override_settings(**folders), using(one.name):
            with connection.cursor() as cursor:
                cursor.execute("SELECT newsroom_open()")
            yield one
    finally:
        with server() as admin:
            for ending in one.databases():
                admin.execute(f'DROP DATABASE "{one.name}{ending}" WITH (FORCE)')


@pytest.fixture
def sql(drill: Drill) -> Callable[..., list[Any]]:
    def run(query: str, *values: Any) -> list[Any]:
        with connection.cursor() as cursor:
            cursor.execute(query, values)
            return cursor.fetchall() if cursor.description else []

    return run


@pytest.fixture
def tiny(drill: Drill) -> Iterator[Path]:
    """A disk of 128 kilobytes, where the machine lets one be mounted."""
    disk = drill.folder / "tiny"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=128k", "tmpfs", disk], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("no disk can be mounted here")
    try:
        yield disk
    finally:
        subprocess.run(["umount", disk], check=True)
