"""Backups: whole or not there, readable for one account, and refused before anything is touched where a byte is wrong."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import override_settings

from itsci_site import backup, pg_programs, restore
from itsci_site.lib.newsroom import ledger
from itsci_site.lib.newsroom.models import Note
from testimonials.models import Testimonial
from tests import factories as make
from tests.newsroom.desk import before_opening
from tests.public import surfaces
from tests.setup.machine import ROOT, environment, eventually
from tests.setup.test_postgres_15 import POSTGRES_15
from tests.setup.throwaway import server as throwaway

from .conftest import PASSWORD, SITE, Drill, server
from .test_drill import restored, story, with_document, with_portrait

pytestmark = pytest.mark.django_db


@pytest.fixture
def site(drill: Drill) -> dict[str, Any]:
    """A story with its portrait, and a document."""
    with before_opening():
        one = with_portrait(story(slug="with-a-face"), "a" * 32)
        document = with_document(make.make_meeting(), b"%PDF- minutes")
    return {"story": one, "document": document}


def state(drill: Drill) -> tuple[Any, ...]:
    """What a failure has to leave as it is: rows, files, databases, and that readers are served."""
    files = {str(path.relative_to(drill.media)): path.read_bytes() for path in drill.media.rglob("*") if path.is_file()}
    return backup.rows(), files, drill.databases(), Client().get("/").status_code


def visible(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if not path.name.startswith("."))


def manage(drill: Drill, *words: str, **more: str) -> "subprocess.Popen[str]":
    command, env = [sys.executable, "manage.py", *words], drill.settings(**more)
    return subprocess.Popen(command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


# What it is


def test_one_dated_file_for_one_account(drill: Drill, site: dict[str, Any], capsys: Any) -> None:
    drill.backups.mkdir()
    old = os.umask(0)
    try:
        call_command("backup", str(drill.backups))
    finally:
        os.umask(old)
    (path,) = drill.backups.iterdir()
    assert backup.NAME.fullmatch(path.name) and path.stat().st_mode & 0o777 == 0o600
    with tarfile.open(path) as tar:
        names = tar.getnames()
        manifest = json.loads(tar.extractfile(backup.MANIFEST).read())  # type: ignore[union-attr]
    assert names[-2:] == ["manifest.json", "manifest.sha256"] and names[0] == "database/00000001"
    assert f"media/{site['document'].file.name}" in names and manifest["missing"] == []
    assert manifest["rows"]["testimonials_testimonial"] == Testimonial.objects.count()
    assert manifest["postgres"] == connection.pg_version and ["newsroom", "0002_ledger"] in manifest["migrations"]  # type: ignore[attr-defined]
    said = capsys.readouterr().out
    assert manifest["trail_head"] in said and str(path) in said
    assert drill.ledger.exists(), "from now on a ledger that is missing was lost"


def test_it_is_of_one_moment(drill: Drill, site: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Something is written between the first question and the dump."""
    dumped = backup._dumped

    def late(*given: Any) -> Any:
        with psycopg.connect(pg_programs.reach()) as other:
            other.execute("INSERT INTO newsroom_note (kind, said) VALUES ('verified', '{}')")
        return dumped(*given)

    monkeypatch.setattr(backup, "_dumped", late)
    path, manifest = backup.make(drill.backups)
    assert Note.objects.count() == 1 and manifest.rows["newsroom_note"] == 0
    restored(drill, path)
    assert not Note.objects.filter(kind="verified").exists()


def test_a_missing_file_is_told_and_the_rest_is_saved(drill: Drill, site: dict[str, Any]) -> None:
    (drill.media / site["document"].file.name).unlink()
    with pytest.raises(CommandError, match=f"(?s)The backup was made, but .*{site['document'].file.name}"):
        call_command("backup", str(drill.backups))
    restored(drill, backup.newest(drill.backups))
    assert Client().get(site["story"].get_absolute_url()).status_code == 200


# What is wrong with one


def flipped(path: Path, member: str) -> None:
    with tarfile.open(path) as tar:
        at = tar.getmember(member).offset_data
    with open(path, "r+b") as file:
        file.seek(at)
        byte = file.read(1)
        file.seek(at)
        file.write(bytes([byte[0] ^ 1]))


def damage(path: Path, part: str, document: str) -> None:
    if part == "half":
        os.truncate(path, path.stat().st_size // 2)
    elif part == "end":
        with tarfile.open(path) as tar:
            os.truncate(path, tar.getmember(backup.MANIFEST).offset)
    elif part == "path":
        with tarfile.open(path, "a") as tar:
            tar.addfile(tarfile.TarInfo("media/../../escaped"))
    else:
        flipped(path, part if part != "media/" else f"media/{document}")


def test_a_damaged_one_is_refused_before_anything_is_touched(drill: Drill, site: dict[str, Any]) -> None:
    whole, _manifest = backup.make(drill.backups)
    was, path = state(drill), drill.folder / whole.name
    for part in ("database/00000001", "media/", "manifest.json", "half", "end", "path"):
        shutil.copy(whole, path)
        damage(path, part, site["document"].file.name)
        with pytest.raises(CommandError, match=r"nothing was touched|which no backup of this site does"):
            restored(drill, path)
        assert state(drill) == was, part
        assert not list(drill.media.glob(".*")) and not list(drill.folder.rglob("escaped")), part


def test_content_is_replaced_only_by_its_name(drill: Drill, site: dict[str, Any]) -> None:
    path, _manifest = backup.make(drill.backups)
    was = state(drill)
    for name in ("", "another"):
        with pytest.raises(CommandError, match=f"To replace all of it: --replace {drill.name}"):
            call_command("restore", str(path), replace=name)
    assert state(drill) == was


def test_a_database_that_is_gone_needs_no_name(drill: Drill, site: dict[str, Any]) -> None:
    backup.make(drill.backups)
    connection.close()
    with server() as admin:
        admin.execute(f'DROP DATABASE "{drill.name}"')
    shutil.rmtree(drill.media)
    call_command("restore", str(drill.backups))
    assert Client().get(site["story"].get_absolute_url()).status_code == 200
    assert drill.databases() == [""] and len(list(drill.media.rglob("*.*"))) > 1


def test_one_of_newer_code_is_refused(drill: Drill, site: dict[str, Any], sql: Any) -> None:
    sql("INSERT INTO django_migrations (app, name, applied) VALUES ('regions', '9999_tomorrow', now())")
    path, _manifest = backup.make(drill.backups)
    was = state(drill)
    with pytest.raises(CommandError, match=r"made by a newer version .* it has regions 9999_tomorrow"):
        restored(drill, path)
    assert state(drill) == was


def test_one_of_older_code_is_brought_forward(drill: Drill, monkeypatch: pytest.MonkeyPatch, capsys: Any, sql: Any) -> None:
    """Of the day before there was a ledger; the public role has its grants again."""
    with before_opening():
        one = story(slug="suspended-later")
    for app, name in (("meetings", "0007"), ("testimonials", "0007"), ("newsroom", "0001")):
        call_command("migrate", app, name, verbosity=0)
    with monkeypatch.context() as patch:
        patch.setattr(ledger, "keep", lambda: 0)
        patch.setattr(ledger, "begin_file", lambda: None)
        path, manifest = backup.make(drill.backups)
    assert "newsroom_ledger" not in manifest.rows
    call_command("migrate", verbosity=0)
    sql("UPDATE testimonials_testimonial SET status = 'suspended' WHERE id = %s", one.pk)
    ledger.keep()
    restored(drill, path)
    assert "Migrations  4 applied" in capsys.readouterr().out
    assert Testimonial.objects.get(pk=one.pk).status == "suspended"
    assert Client().get("/").status_code == 200
    assert sql("SELECT has_table_privilege('itsci_public', 'testimonials_testimonial', 'SELECT')") == [(True,)]
    assert sql("SELECT has_table_privilege('itsci_public', 'testimonials_consent', 'SELECT')") == [(False,)]


def test_two_restores_wait_for_no_one(drill: Drill, site: dict[str, Any]) -> None:
    path, _manifest = backup.make(drill.backups)
    with server() as admin:
        admin.execute("SELECT pg_advisory_lock(%s, hashtext(%s))", [restore.LOCK, drill.name])
        with pytest.raises(CommandError, match=f"Another restore of {drill.name} is running"):
            restored(drill, path)


def test_a_site_that_runs_connects_to_the_new_one(drill: Drill, site: dict[str, Any]) -> None:
    path, _manifest = backup.make(drill.backups)
    with closing(psycopg.connect(pg_programs.reach())) as worker:
        worker.execute("SELECT 1")
        restored(drill, path)
        with pytest.raises(psycopg.OperationalError):
            worker.execute("SELECT 1")
    assert Client().get("/").status_code == 200


# Killed half-way


@pytest.fixture
def shim(drill: Drill) -> Iterator[Callable[[str, str], Path]]:
    """Puts a program before the real one: what it does first. Gives the place of a marker."""
    folder = drill.folder / "shims"
    folder.mkdir()
    marker = drill.folder / "reached"

    def put(name: str, script: str) -> Path:
        real = Path(drill.settings()["PATH"].partition(":")[0]) / name
        path = folder / name
        path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && exec {real} "$@"\n' + script.format(real=real, marker=marker))
        path.chmod(0o755)
        return marker

    yield put
    if marker.exists() and marker.read_text().strip().isdigit():
        with suppress(ProcessLookupError):
            os.kill(int(marker.read_text()), signal.SIGKILL)


def path_with_shims(drill: Drill) -> str:
    return f"{drill.folder / 'shims'}:{drill.settings()['PATH']}"


def test_a_backup_that_is_killed_leaves_nothing_that_looks_whole(drill: Drill, site: dict[str, Any], shim: Any) -> None:
    marker = shim("pg_dump", '{real} "$@" | head -c 20000; echo $$ > {marker}; exec sleep 600\n')
    connection.close()
    child = manage(drill, "backup", str(drill.backups), PATH=path_with_shims(drill))
    eventually(lambda: marker.exists() and marker.read_text().endswith("\n"), "the dump began")
    child.kill()
    child.communicate()
    assert visible(drill.backups) == [] and len(list(drill.backups.glob(".itsci-*.part"))) == 1
    with pytest.raises(CommandError, match="There is no backup in"):
        restored(drill, backup.newest(drill.backups))
    path, _manifest = backup.make(drill.backups)
    assert [one.name for one in drill.backups.iterdir()] == [path.name], "the next one clears up"


def test_a_dump_that_fails_leaves_no_backup_and_says_why(drill: Drill, site: dict[str, Any], shim: Any) -> None:
    shim("pg_dump", '{real} "$@" | head -c 20000; echo "pg_dump: error: the server is on fire" >&2; exit 1\n')
    child = manage(drill, "backup", str(drill.backups), PATH=path_with_shims(drill))
    said, _none = child.communicate(timeout=120)
    assert child.returncode == 1 and "No backup was made. pg_dump failed: pg_dump: error: the server is on fire" in said
    assert list(drill.backups.iterdir()) == []


def test_a_restore_that_is_killed_leaves_what_was(drill: Drill, site: dict[str, Any], shim: Any) -> None:
    marker = shim("pg_restore", '{real} "$@"; echo $$ > {marker}; exec sleep 600\n')
    path, _manifest = backup.make(drill.backups)
    with before_opening():
        later = story(slug="later")
    was = state(drill)
    connection.close()
    child = manage(drill, "restore", str(path), "--replace", drill.name, PATH=path_with_shims(drill))
    eventually(lambda: marker.exists() and marker.read_text().endswith("\n"), "the dump was loaded")
    child.kill()
    child.communicate()
    rows, _files, databases, status = state(drill)
    assert (rows, status) == (was[0], 200) and len(databases) == 2
    assert Client().get(later.get_absolute_url()).status_code == 200
    restored(drill, path)
    assert drill.databases() == [""] and not list(drill.media.glob(".*")), "the next one clears up"
    assert Client().get(later.get_absolute_url()).status_code == 404


def test_a_restore_that_fails_leaves_what_was(drill: Drill, site: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    path, _manifest = backup.make(drill.backups)
    with before_opening():
        story(slug="later")
    was = state(drill)

    def stopped(*_given: Any) -> None:
        raise KeyboardInterrupt

    for where in ("_in_order", "_put", "_swapped"):
        with monkeypatch.context() as patch:
            patch.setattr(restore, where, stopped)
            with pytest.raises(KeyboardInterrupt):
                restored(drill, path)
        assert state(drill) == was and not list(drill.media.glob(".*")), where


def test_one_that_is_killed_after_the_swap_is_restored(
    drill: Drill, site: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    path, _manifest = backup.make(drill.backups)
    with before_opening():
        story(slug="later")
    cleared = restore._clear_databases
    calls: list[int] = []

    def second(*given: Any) -> None:
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt
        cleared(*given)

    monkeypatch.setattr(restore, "_clear_databases", second)
    with pytest.raises(KeyboardInterrupt):
        restored(drill, path)
    assert not Testimonial.objects.filter(slug="later").exists() and Client().get("/").status_code == 200
    assert len(drill.databases()) == 2
    monkeypatch.undo()
    with override_settings(MEDIA_ROOT=drill.media, LEDGER=drill.ledger):
        restored(drill, path)
    assert drill.databases() == [""]


# Full disks


def test_a_backup_onto_a_full_disk_leaves_none(drill: Drill, site: dict[str, Any], tiny: Path, keys: str) -> None:
    for key in ("", keys):
        with pytest.raises(CommandError, match=r"No backup was made\. The disk is full"):
            call_command("backup", str(tiny), encrypt_to=key)
        assert list(tiny.iterdir()) == []


def test_a_restore_onto_a_full_disk_leaves_what_was(drill: Drill, site: dict[str, Any], tiny: Path) -> None:
    path, _manifest = backup.make(drill.backups)
    was = state(drill)
    with override_settings(MEDIA_ROOT=tiny), pytest.raises(CommandError, match="The disk is full"):
        restored(drill, path)
    assert state(drill) == was and list(tiny.iterdir()) == []


# Keys and passwords


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A key of gpg's own, in a folder whose path is short enough for its socket."""
    if not shutil.which("gpg"):
        pytest.skip("gpg is not installed")
    home = tempfile.mkdtemp(prefix="gpg.")
    monkeypatch.setenv("GNUPGHOME", home)
    make_key = ["gpg", "--batch", "--quiet", "--passphrase", "", "--quick-generate-key", "operator@example.org"]
    subprocess.run(make_key, check=True, capture_output=True)
    try:
        yield "operator@example.org"
    finally:
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False)
        shutil.rmtree(home, ignore_errors=True)


def test_encrypted_to_the_operators_key(
    drill: Drill, site: dict[str, Any], keys: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    path, _manifest = backup.make(drill.backups, keys)
    assert path.name.endswith(".tar.gpg") and path.stat().st_mode & 0o777 == 0o600
    content = path.read_bytes()
    assert b"%PDF-" not in content and b"manifest.json" not in content and b"PGDMP" not in content
    restored(drill, path)
    assert surfaces.read(Client(), site["document"].get_absolute_url()) == (200, b"%PDF- minutes")
    was = state(drill)
    flipped_at = len(content) - 100
    path.write_bytes(content[:flipped_at] + bytes([content[flipped_at] ^ 1]) + content[flipped_at + 1 :])
    with pytest.raises(CommandError, match="othing was touched"):
        restored(drill, path)
    path.write_bytes(content)
    with tempfile.TemporaryDirectory(prefix="gpg.") as nobodys:
        monkeypatch.setenv("GNUPGHOME", nobodys)
        with pytest.raises(CommandError, match=r"gpg failed: .*Nothing was touched"):
            restored(drill, path)
        subprocess.run(["gpgconf", "--kill", "gpg-agent"], check=False)
    assert state(drill) == was


def test_a_key_that_nobody_knows_is_told(drill: Drill, site: dict[str, Any], keys: str) -> None:
    with pytest.raises(CommandError, match=r"No backup was made\. gpg failed: .*nobody@example\.org"):
        call_command("backup", str(drill.backups), encrypt_to="nobody@example.org")
    assert list(drill.backups.iterdir()) == []


@pytest.mark.skipif(not shutil.which("age"), reason="age is not installed")
def test_encrypted_with_age(drill: Drill, site: dict[str, Any]) -> None:
    identity = drill.folder / "identity"
    subprocess.run(["age-keygen", "-o", identity], check=True, capture_output=True)
    recipient = next(line for line in identity.read_text().splitlines() if "public key" in line).rpartition(" ")[2]
    path, _manifest = backup.make(drill.backups, recipient)
    assert path.name.endswith(".tar.age") and b"%PDF-" not in path.read_bytes()
    with pytest.raises(CommandError, match="--identity"):
        restored(drill, path)
    restored(drill, path, identity=str(identity))
    assert surfaces.read(Client(), site["document"].get_absolute_url()) == (200, b"%PDF- minutes")


@pytest.mark.skipif(bool(shutil.which("age")), reason="age is installed")
def test_age_that_is_not_there_is_told(drill: Drill) -> None:
    with pytest.raises(CommandError, match=r"There is no age here, .* apt-get install age"):
        backup.make(drill.backups, "age1somebody")


def test_no_command_line_holds_the_password(drill: Drill, site: dict[str, Any], shim: Any) -> None:
    seen = 'cat /proc/[0-9]*/cmdline >> {marker} 2>/dev/null; echo "<$PGPASSWORD>" >> {marker}; exec {real} "$@"\n'
    marker = shim("pg_dump", seen)
    shim("pg_restore", seen)
    connection.close()
    for words in (["backup", str(drill.backups)], ["restore", str(drill.backups), "--replace", drill.name]):
        child = manage(drill, *words, PATH=path_with_shims(drill))
        said, _none = child.communicate(timeout=300)
        assert child.returncode == 0, said
        assert PASSWORD not in said
    content = marker.read_bytes()
    assert content.count(f"<{PASSWORD}>".encode()) == 2, "it came by the environment, in both"
    assert content.count(PASSWORD.encode()) == 2 and b"--snapshot" in content


def test_programs_that_are_too_old_are_named(drill: Drill, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    connection.ensure_connection()
    monkeypatch.setitem(connection.settings_dict, "LOCAL_HOME", None)
    monkeypatch.setattr(pg_programs, "DEBIAN", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))
    wanted = connection.pg_version // 10000  # type: ignore[attr-defined]
    with pytest.raises(CommandError, match=rf"There is no pg_dump of Postgres {wanted} or newer on PATH, .*client-{wanted}\)"):
        pg_programs.path_of("pg_dump")
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 9.6.1'\n")
    old.chmod(0o755)
    with pytest.raises(CommandError, match=r"\(here is 9\)"):
        pg_programs.path_of("pg_dump")


# Whoever is no superuser


def test_a_plain_role_that_may_make_databases_restores(drill: Drill, site: dict[str, Any]) -> None:
    """Into a database that is not there; then in its place, which somebody keeps open whom that role may not disconnect."""
    path, _manifest = backup.make(drill.backups)
    connection.close()
    role = name = f"{drill.name}_plain"
    url = drill.settings()["DATABASE_URL"].replace(f"itsci:{PASSWORD}@/{drill.name}", f"{role}@/{name}")
    apart = {key: str(drill.folder / "plain" / key) for key in ("MEDIA_ROOT", "OFFLINE_ROOT", "LAST_GOOD_ROOT")}

    def run(*words: str) -> str:
        child = manage(drill, *words, DATABASE_URL=url, **apart)
        said, _none = child.communicate(timeout=300)
        return f"{child.returncode} {said}"

    with server() as admin:
        admin.execute(f"CREATE ROLE {role} LOGIN CREATEDB")
        try:
            assert (said := run("restore", str(path))).startswith("0 ") and "Site        open" in said, said
            assert admin.execute("SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = %s", [name]).fetchone() == (
                role,
            )
            with closing(psycopg.connect(pg_programs.reach(name))) as superuser:
                superuser.execute("SELECT 1")
                said = run("restore", str(path), "--replace", name)
            assert said.startswith("1 ") and "may not disconnect, and nothing was touched" in said, said
            assert drill.databases() == ["", "_plain"]
            admin.execute(f"ALTER ROLE {role} NOCREATEDB")
            assert f"The role {role} may not make databases" in run("restore", str(path), "--replace", name)
        finally:
            admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            admin.execute(f"DROP ROLE {role}")


def test_a_server_that_does_not_answer_is_told(drill: Drill, site: dict[str, Any], tmp_path: Path) -> None:
    path, _manifest = backup.make(drill.backups)
    child = manage(drill, "restore", str(path), DATABASE_URL=f"postgresql://nobody@/none?host={tmp_path}")
    said, _none = child.communicate(timeout=60)
    assert child.returncode == 1 and "The server cannot be reached, and nothing was touched" in said, said
    assert "Traceback" not in said


@pytest.mark.skipif(not os.environ.get("SOAK"), reason="a server of its own; make soak")
@pytest.mark.skipif(not (POSTGRES_15 / "initdb").exists(), reason="Debian's postgresql-15 is not installed")
def test_the_oldest_server_with_its_own_programs(tmp_path: Path) -> None:
    with throwaway(POSTGRES_15) as other:
        host = other.url.rpartition("=")[2]
        with psycopg.connect(host=host, user="itsci", dbname="postgres", autocommit=True) as admin:
            admin.execute("CREATE ROLE plain LOGIN CREATEDB CREATEROLE")
            admin.execute("CREATE DATABASE site OWNER plain")
            env = environment(
                **SITE, DATABASE_URL=f"postgresql://plain@/site?host={host}",
                MEDIA_ROOT=str(tmp_path / "media"), LEDGER=str(tmp_path / "ledger"), OFFLINE_ROOT=str(tmp_path / "offline"),
                LAST_GOOD_ROOT=str(tmp_path / "last-good"),
                PATH=f"{POSTGRES_15}:{os.environ['PATH']}",
            )  # fmt: skip

            def run(*words: str) -> str:
                done = subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=env, stdout=-1, stderr=-2, text=True)
                return f"{done.returncode} {done.stdout}"

            for words in (["migrate", "-v0"], ["load_content"], ["backup", str(tmp_path / "backups")]):
                assert (said := run(*words)).startswith("0 "), said
            with psycopg.connect(host=host, user="plain", dbname="site", autocommit=True) as site:
                site.execute(
                    "UPDATE meetings_meeting SET status = 'withdrawn' WHERE id = (SELECT min(id) FROM meetings_meeting)"
                )
                assert site.execute("SELECT count(*) FROM newsroom_ledger WHERE NOT kept").fetchone() == (1,)
            assert "1 lines added" in run("ledger")
            said = run("restore", str(tmp_path / "backups"), "--replace", "site")
            assert said.startswith("0 ") and "Ledger      1 lines since the backup, 1 of them took something out" in said, said
            with psycopg.connect(host=host, user="plain", dbname="site") as site:
                assert site.execute("SELECT count(*) FROM meetings_meeting WHERE status = 'withdrawn'").fetchone() == (1,)
