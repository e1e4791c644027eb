"""What every test shares."""

import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.db import connection
from xdist.remote import Producer
from xdist.scheduler import LoadScopeScheduling

from itsci_site.lib.newsroom import trail
from tests.long_runs import SOAK
from tests.pages import content

TOGETHER = (
    "tests/browser/", "tests/faults/", "tests/hostile/test_cache.py", "tests/recovery/test_object_store.py",
    "tests/setup/test_run.py", "tests/test_third_language.py",
)  # fmt: skip
"""Modules that share a server or a database for all of their tests: on one worker, or each would make it again."""


class Together(LoadScopeScheduling):
    """Hands out those modules whole and first, every other test by itself."""

    def _split_scope(self, nodeid: str) -> str:
        module = nodeid.partition("::")[0]
        return module if module.startswith(TOGETHER) else nodeid


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Together:
    return Together(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What is marked `soak` runs where SOAK is set, and where somebody asks for it by its name."""
    if SOAK or any("::" in word for word in config.args):
        return
    config.hook.pytest_deselected(items=[item for item in items if item.get_closest_marker("soak")])
    items[:] = [item for item in items if not item.get_closest_marker("soak")]


@pytest.fixture(scope="session")
def built_static(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static files as deployment makes them: once for all workers, for it takes seconds. Only ever read."""
    own = tmp_path_factory.getbasetemp()
    shared = own.parent if "PYTEST_XDIST_WORKER" in os.environ else own
    with open(shared / "static.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "static").exists():
            content.build_static(shared / "half").rename(shared / "static")
    return shared / "static"


def pristine() -> str:
    """The name of a copy of the test database, taken before any test wrote in it: no test ever connects to it."""
    return f"pristine_{connection.settings_dict['NAME']}"


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, django_db_blocker: pytest.FixtureRequest) -> None:
    """Before the test database is made: none has to outlive a power cut, and disks took a fifth of the time."""
    if connection.settings_dict.get("LOCAL_HOME"):
        with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                cursor.execute(f"ALTER SYSTEM SET {setting} = off")
            cursor.execute("SELECT pg_reload_conf()")


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: pytest.FixtureRequest) -> Iterator[None]:
    """Tests that commit are cleaned up with TRUNCATE, which the trail of changes refuses (tests/newsroom/test_trail.py).

    Tests that replace whole databases copy the pristine one (tests/recovery): what others leave in theirs is not in it.
    """
    name, copy = connection.settings_dict["NAME"], pristine()
    with django_db_blocker.unblock():  # type: ignore[attr-defined]
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')
            cursor.execute(f'CREATE DATABASE "{copy}" TEMPLATE "{name}" ALLOW_CONNECTIONS false')
        with connection.cursor() as cursor:
            cursor.execute(trail.NO_TRUNCATE.partition("CREATE TRIGGER")[0].replace("EXISTS", "false AND EXISTS"))
    yield
    with django_db_blocker.unblock(), connection._nodb_cursor() as cursor:  # type: ignore[attr-defined]
        cursor.execute(f'DROP DATABASE "{copy}" WITH (FORCE)')
        # A thread of a server may still keep its connection, and the database could not be dropped.
        cursor.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
