"""`make run` as a person uses it, in a copy of the tree."""

import json
import os
import shutil
import signal
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from itsci_site.lib import localdb
from tests.setup.machine import (
    alive,
    copy_tree,
    environment,
    eventually,
    make,
    needs_root,
    open_folder,
    plain_account,
    servers,
    site,
    wait_until_stopped,
)

FULL = "The disk is full: free at least 500 MB and start again."


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """A tree that has been run once. Each test leaves it with the content in its database."""
    with open_folder() as outer:
        tree = copy_tree(outer / "site")
        with site(tree) as one:
            one.wait_until_up()
        wait_until_stopped(home(tree))
        yield tree


def home(tree: Path) -> Path:
    return localdb.home_of(tree / ".local" / "postgres")


def manage(tree: Path, *words: str) -> str:
    command = [str(tree / ".venv" / "bin" / "python"), "manage.py", *words]
    done = subprocess.run(command, cwd=tree, env=environment(), stdout=-1, stderr=-2, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout
    return done.stdout


def get(port: int, path: str = "/") -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=30) as response:
        return response.read().decode()


def empty(tree: Path) -> None:
    wait_until_stopped(home(tree))
    shutil.rmtree(home(tree) / "data")


def refuses(said: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command ended with, besides make's own."""
    assert said.returncode != 0
    assert "Traceback" not in said.stdout
    *_steps, line, make_line = said.stdout.strip().splitlines()
    assert make_line.startswith("make: ***")
    return line


def test_the_first_run_makes_everything() -> None:
    with open_folder() as outer, site(copy_tree(outer / "site")) as one:
        tree = outer / "site"
        said = one.wait_until_up()
        assert [line.split()[0] for line in said.splitlines() if not line.startswith("Messages")] == [
            "Packages", "Settings", "Postgres", "Migrations", "Content", "Admin", "Static", "Site",
        ]  # fmt: skip
        assert f"http://localhost:{one.port}/" in said
        assert "<h1" in get(one.port)
        assert "<h1" in get(one.port, "/fr/")
        password = said.partition("password ")[2].split()[0]
        assert len(password) >= 20
        code = f"from django.contrib.auth.models import User; print(User.objects.get().check_password({password!r}))"
        assert manage(tree, "shell", "-v", "0", "-c", code) == "True\n"
        one.signal(signal.SIGINT)
        one.wait()
        assert one.said.splitlines()[-1].startswith("Stopped")
        assert one.members() == []
        assert servers(home(tree)) == []  # at once: it waits for its server
        assert (tree / ".env").stat().st_mode & 0o777 == 0o600


def test_a_second_run_keeps_the_data(tree: Path) -> None:
    manage(tree, "new_admin", "--name", "Anna")
    key = (tree / ".env").read_text()
    with site(tree) as one:
        said = one.wait_until_up()
    assert "none to apply" in said
    assert "kept as it is" in said
    assert "password" not in said
    assert (tree / ".env").read_text() == key
    assert manage(tree, "dbshell", "--", "-Atc", "SELECT 1 FROM auth_user WHERE username = 'Anna'") == "1\n"


@pytest.mark.parametrize(
    "number", [signal.SIGTERM, *(pytest.param(one, marks=pytest.mark.soak) for one in (signal.SIGHUP, signal.SIGINT))]
)  # fmt: skip
def test_a_signal_stops_all_of_it(tree: Path, number: int) -> None:
    """A hang-up is what a closed terminal sends."""
    with site(tree) as one:
        one.wait_until_up()
        one.signal(number)
        assert one.wait() != 0  # make says that it was ended
        eventually(lambda: one.members() == [], "the site's processes end")
    wait_until_stopped(home(tree))


def test_a_killed_site_leaves_nothing_and_starts_again(tree: Path) -> None:
    with site(tree) as one:
        one.wait_until_up()
        one.signal(signal.SIGKILL)
        one.wait()
    wait_until_stopped(home(tree))
    with site(tree) as one:
        one.wait_until_up()
        assert "<h1" in get(one.port)


def test_a_killed_server_heals_under_the_site(tree: Path) -> None:
    with site(tree) as one:
        one.wait_until_up()
        get(one.port)
        (server,) = servers(home(tree))
        os.kill(server, signal.SIGKILL)
        eventually(lambda: not alive(server), "the server is gone")

        def healed() -> bool:
            try:
                return "<h1" in get(one.port)
            except OSError:  # the first request of a worker whose session is lost
                return False

        eventually(healed, "the site answers again")


def test_two_at_once_share_the_database(tree: Path) -> None:
    """Also on an empty database: one fills it, the other waits."""
    empty(tree)
    with site(tree) as one, site(tree) as two:
        both = [one.wait_until_up(), two.wait_until_up()]
        assert sorted("password" in said for said in both) == [False, True]
        assert sorted("kept as it is" in said for said in both) == [False, True]
        assert len(servers(home(tree))) == 1
        one.signal(signal.SIGINT)
        one.wait()
        assert "<h1" in get(two.port)


def test_management_commands_find_the_database(tree: Path) -> None:
    assert "no issues" in manage(tree, "check", "--database", "default")
    sql = "SELECT count(*) > 0 FROM regions_region"
    assert manage(tree, "dbshell", "--", "-Atc", sql).strip() == "t"
    wait_until_stopped(home(tree))


def test_another_admin(tree: Path) -> None:
    first, second = make(tree, "superuser", "NAME=Berta"), make(tree, "superuser", "NAME=Berta")
    assert "user Berta, password " in first.stdout
    assert refuses(second) == "CommandError: There is an account Berta already: choose another NAME."


def test_a_taken_port(tree: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        assert refuses(make(tree, "run", f"PORT={port}")).startswith(f"Port {port} is taken by another program: stop that, or ")


def test_an_impossible_port(tree: Path) -> None:
    assert refuses(make(tree, "run", "PORT=many")) == "PORT=many is not a port: give a number from 1 to 65535."


@pytest.mark.parametrize(
    ("url", "line"),
    [
        ("postgresql://someone:hush@127.0.0.1:1/x", "CommandError: The database cannot be used: connection failed"),
        ("postgresql://someone:hush@127.0.0.1:one/x", "DATABASE_URL cannot be read"),
        ("sqlite:///x.db", "DATABASE_URL starts with sqlite:, but this site needs Postgres 15 or newer"),
    ],
)
def test_an_unusable_database(tree: Path, url: str, line: str) -> None:
    said = make(tree, "run", env=environment(DATABASE_URL=url))
    assert refuses(said).startswith(line)
    assert "hush" not in said.stdout


def test_a_silent_host_is_given_up(tree: Path) -> None:
    """A port that accepts and never answers: what a wrong address behind a firewall looks like."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"postgresql://someone@127.0.0.1:{silent.getsockname()[1]}/x?connect_timeout=2"
        assert "timeout" in refuses(make(tree, "run", env=environment(DATABASE_URL=url)))


@pytest.mark.soak
def test_a_broken_fixture_leaves_the_database_empty(tree: Path) -> None:
    fixture = tree / "fixtures" / "programme.json"
    rows = json.loads(fixture.read_text())
    empty(tree)
    fixture.write_text(json.dumps([*rows, {"model": "regions.region", "pk": 987654, "fields": {"no_such_field": 1}}]))
    try:
        line = refuses(make(tree, "run"))
        assert line.startswith("CommandError: programme.json could not be loaded, and nothing of it was kept: ")
        assert manage(tree, "dbshell", "--", "-Atc", "SELECT count(*) FROM regions_region").strip() == "0"
    finally:
        fixture.write_text(json.dumps(rows))
    assert "objects loaded" in manage(tree, "load_content")


def test_a_command_that_is_stopped_half_way_leaves_nothing(tree: Path) -> None:
    """Ctrl-C while the database is being made."""
    empty(tree)
    with site(tree) as one:
        eventually(lambda: list(home(tree).glob("data.new.*")), "the data folder is being made")
        one.signal(signal.SIGINT)
        one.wait()
        assert "Traceback" not in one.said
    with site(tree) as one:
        assert "objects loaded" in one.wait_until_up()


@needs_root
def test_a_full_disk() -> None:
    with open_folder() as outer:
        mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200m,mode=755", "tmpfs", str(outer)], capture_output=True)
        if mounted.returncode:
            pytest.skip(f"this machine lets no one mount: {mounted.stderr.decode().strip()}")
        try:
            tree = copy_tree(outer / "site")
            stamp = tree / ".venv" / "installed"
            installed = stamp.read_text()
            stamp.unlink()
            assert refuses(make(tree, "run")) == FULL  # before it starts to download
            stamp.write_text(installed)
            (outer / "ballast").write_bytes(bytes(shutil.disk_usage(outer).free - 20_000_000))
            assert refuses(make(tree, "run")) == FULL  # before it starts anything
            assert manage_fails(tree, "new_admin") == f"CommandError: {FULL}"
            (outer / "ballast").unlink()
            with site(tree) as one:
                assert "objects loaded" in one.wait_until_up()
            wait_until_stopped(home(tree))
        finally:
            subprocess.run(["umount", "--lazy", str(outer)], check=True)


def manage_fails(tree: Path, *words: str) -> str:
    command = [str(tree / ".venv" / "bin" / "python"), "manage.py", *words]
    settings = environment(SECRET_KEY="x" * 50, ALLOWED_HOSTS="localhost")
    done = subprocess.run(command, cwd=tree, env=settings, stdout=-1, stderr=-2, text=True, timeout=120, check=False)
    assert done.returncode != 0
    return done.stdout.strip()


@needs_root
def test_as_root_in_a_closed_home() -> None:
    with open_folder() as outer:
        closed = outer / "root"
        closed.mkdir(mode=0o700)
        tree = copy_tree(closed / "site")
        try:
            with site(tree) as one:
                assert f"kept in {home(tree)}, outside of this closed folder" in one.wait_until_up()
                assert "<h1" in get(one.port)
            wait_until_stopped(home(tree))
            assert closed.stat().st_mode & 0o777 == 0o700
        finally:
            shutil.rmtree(home(tree), ignore_errors=True)


@needs_root
def test_as_a_normal_user() -> None:
    python, account = plain_account()
    with open_folder("nobody") as outer:
        tree = copy_tree(outer / "site", python)
        subprocess.run(["chown", "-R", "nobody", str(outer)], check=True)
        outer.chmod(0o700)
        with site(tree, env=environment(HOME=str(outer)), **account) as one:
            assert "kept in .local/postgres" in one.wait_until_up()
            assert "<h1" in get(one.port)
            (server,) = servers(home(tree))
            assert Path(f"/proc/{server}").stat().st_uid == account["user"]
        wait_until_stopped(tree / ".local" / "postgres")
