"""Bringing a backup back: into a database beside the one in use, which takes its place once everything is done there.

Until that one moment nothing of what was is gone: a failure or a kill leaves the site as it was, and what is left beside it is
cleared by the next restore. Files come before: nothing names them until then.
"""

import os
import secrets
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
from django.conf import settings
from django.contrib.contenttypes.models import ContentType
from django.core.files import File
from django.core.files.storage import FileSystemStorage, Storage, default_storage, storages
from django.core.management import call_command
from django.core.management.base import CommandError
from django.db import connection
from django.db.migrations.loader import MigrationLoader
from psycopg import sql

from itsci_site import backup, offline_store, pg_programs, reapply
from itsci_site.backup import Manifest, Refused
from itsci_site.lib.lastgood import Store
from itsci_site.lib.newsroom import ledger, verify
from meetings import files as documents
from testimonials import files as portraits

BESIDE, BEFORE = "_restoring_", "_replaced_"
"""Between the name of the database and a random ending: one that is being filled, and one that was replaced."""
CONTENT = ("regions_region", "auth_user", "newsroom_entry")
LOCK = 0x72657374  # "rest": one restore of a database at a time
Say = Callable[[str, str], None]
# Those of accounts: autovacuum gives way to a rename by itself, and a role that is no superuser may not end it.
OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY(%s) AND usesysid IS NOT NULL
"""


@dataclass(slots=True)
class Outcome:
    manifest: Manifest
    migrated: int = 0
    report: reapply.Report | None = None
    """None: there was no ledger that fits, and the site stays shut."""
    why_shut: str = ""
    trail: verify.Report = field(default_factory=verify.Report)


def restore(path: Path, replace: str, ledgers: list[Path], identity: str, say: Say) -> Outcome:
    """Raises Refused or CommandError; then everything is as it was."""
    root = Path(settings.MEDIA_ROOT)
    root.mkdir(parents=True, exist_ok=True)
    lines = [line for one in ledgers for line in ledger.read(one)]
    with _administering() as admin:
        _clear_folders(root)
        with tempfile.TemporaryDirectory(prefix=".restore-", dir=root) as folder:
            staged, name = Path(folder), str(connection.settings_dict["NAME"])
            manifest = backup.unpacked(path, staged, identity)
            say("Backup", f"{path.name}: whole, {sum(manifest.rows.values())} rows, {len(manifest.files)} files")
            _fits(manifest)
            there = _exists(admin, name)
            if there and _has_content() and replace != name:
                raise Refused(
                    f"The database {name} has content, and nothing was touched. To replace all of it: --replace {name}"
                )
            outcome = _brought_back(admin, staged, manifest, lines if ledgers else None, there, say)
            say("Database", f"{name} is the backup now")
            _clear_databases(admin, name)
    offline_store.remove_all()
    Store(Path(settings.LAST_GOOD_ROOT)).prune(set())  # of pages as they were
    portraits.sweep()
    documents.sweep()
    if outcome.report:
        ledger.keep()
    return outcome


def _brought_back(
    admin: "psycopg.Connection[Any]", staged: Path, manifest: Manifest, lines: list[ledger.Line] | None, there: bool, say: Say
) -> Outcome:
    name = str(connection.settings_dict["NAME"])
    with _elsewhere(name if there else "postgres"):
        program = pg_programs.path_of("pg_restore")
    _clear_databases(admin, name)
    fresh = f"{name[:40]}{BESIDE}{secrets.token_hex(4)}"
    _created(admin, fresh, name if there else None)
    try:
        _loaded(program, fresh, staged / backup.DUMP)
        say("Database", f"loaded beside {name}")
        with _elsewhere(fresh, staged / backup.MEDIA):
            outcome = _in_order(manifest, lines)
        _put(staged / backup.MEDIA)
        _swapped(admin, fresh, name, there)
    except BaseException:
        connection.close()
        admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(fresh)))
        raise
    return outcome


def _fits(manifest: Manifest) -> None:
    """Neither the code nor the server may be older than what they are to run."""
    on_disk = MigrationLoader(None, ignore_no_migrations=True).disk_migrations.keys()
    ahead = [f"{app} {name}" for app, name in map(tuple, manifest.migrations) if (app, name) not in on_disk]
    if ahead:
        raise Refused(
            f"The backup was made by a newer version of the site, and nothing was touched: it has "
            f"{', '.join(sorted(ahead)[:3])}. Restore it with that version."
        )


@contextmanager
def _administering() -> Iterator["psycopg.Connection[Any]"]:
    """A connection to the server that hangs on none of the databases that are moved, for one restore at a time."""
    try:
        connection.ensure_connection()  # starts the local server
    except Exception as error:
        if getattr(error.__cause__, "sqlstate", None) not in (None, "3D000") or not connection.settings_dict.get("NAME"):
            raise
    try:
        admin = psycopg.connect(pg_programs.reach("postgres"), autocommit=True, **pg_programs.secrets())  # type: ignore[arg-type]
    except psycopg.OperationalError as error:
        raise CommandError(f"The server cannot be reached, and nothing was touched: {error}") from error
    with admin:
        name = connection.settings_dict["NAME"]
        if not _one(admin, "SELECT pg_try_advisory_lock(%s, hashtext(%s))", LOCK, name):
            raise CommandError(f"Another restore of {name} is running: wait for it.")
        if not _one(admin, "SELECT rolcreatedb OR rolsuper FROM pg_roles WHERE rolname = current_user"):
            raise CommandError(
                f"The role {admin.info.user} may not make databases, and a backup is restored beside the one in use: let "
                f"whoever runs the server say ALTER ROLE {admin.info.user} CREATEDB."
            )
        yield admin


def _one(admin: "psycopg.Connection[Any]", query: Any, *values: Any) -> Any:
    row = admin.execute(query, values).fetchone()
    return row[0] if row else None


def _exists(admin: "psycopg.Connection[Any]", name: str) -> bool:
    return bool(_one(admin, "SELECT true FROM pg_database WHERE datname = %s", name))


def _has_content() -> bool:
    with connection.cursor() as cursor:
        for table in CONTENT:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [f"public.{table}"])
            if cursor.fetchone()[0]:
                cursor.execute(f"SELECT EXISTS (SELECT FROM public.{table})")  # noqa: S608 - names of our own
                if cursor.fetchone()[0]:
                    return True
    return False


def _clear_databases(admin: "psycopg.Connection[Any]", name: str) -> None:
    """What a restore that was killed left beside: one half filled, or the one it had replaced."""
    for mark in (BESIDE, BEFORE):
        found = admin.execute(
            "SELECT datname FROM pg_database WHERE left(datname, length(%s)) = %s"
            " AND right(datname, -length(%s)) ~ '^[0-9a-f]{8}$'",
            [f"{name[:40]}{mark}"] * 3,
        ).fetchall()
        for (left,) in found:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(left)))


def _clear_folders(root: Path) -> None:
    for left in root.glob(".restore-*"):
        shutil.rmtree(left, ignore_errors=True)


def _created(admin: "psycopg.Connection[Any]", fresh: str, like: str | None) -> None:
    """An empty one, sorted as the one it takes the place of."""
    query = sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'UTF8'").format(sql.Identifier(fresh))
    if like:
        row: Any = admin.execute(
            "SELECT datlocprovider, datcollate, datctype FROM pg_database WHERE datname = %s", [like]
        ).fetchone()
        if row[0] in ("c", b"c"):
            query += sql.SQL(" LC_COLLATE {} LC_CTYPE {} LOCALE_PROVIDER libc").format(sql.Literal(row[1]), sql.Literal(row[2]))
    admin.execute(query)


def _loaded(program: str, fresh: str, dump: Path) -> None:
    command = [program, "--no-owner", "--no-acl", "--no-password", "--exit-on-error", "--single-transaction"]
    done = subprocess.run(
        [*command, f"--dbname={pg_programs.reach(fresh)}", str(dump)], env=pg_programs.environment(), capture_output=True,
        text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise CommandError(
            f"pg_restore failed, and nothing was touched: {done.stderr.strip().splitlines()[0] if done.stderr else ''}"
        )


@contextmanager
def _elsewhere(name: str, media: Path | None = None) -> Iterator[None]:
    """Everything that asks the database, or with `media` the storage of files, asks these meanwhile."""
    was = connection.settings_dict["NAME"], storages["default"]
    _moved(name, FileSystemStorage(media) if media else was[1])
    try:
        yield
    finally:
        _moved(*was)


def _moved(name: str, storage: Storage) -> None:
    connection.close()
    connection.settings_dict["NAME"] = name
    default_storage._wrapped = storage  # type: ignore[attr-defined]
    ContentType.objects.clear_cache()


def _in_order(manifest: Manifest, lines: list[ledger.Line] | None) -> Outcome:
    """The restored database as this code wants it, shut, and with its ledger applied where there is one."""
    if wrong := sorted(table for table, number in backup.rows().items() if manifest.rows.get(table) != number):
        raise CommandError(
            f"The restored database has not the rows that were saved, and nothing was touched: {', '.join(wrong)}."
        )
    outcome = Outcome(manifest)
    known = {(app, name) for app, name in manifest.migrations}
    call_command("migrate", interactive=False, verbosity=0)
    outcome.migrated = len(MigrationLoader(connection).applied_migrations.keys() - known)
    # A migration that makes the ledger takes this for a new site: then it is the one that the ledger speaks of.
    ledger.shut("" if ("newsroom", "0002_ledger") in known or not lines else lines[-1].site)
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM django_session")  # of that day: nobody is signed in
        # No number that readers' browsers or packs on disk know: they would take another content for this one.
        cursor.execute("UPDATE regions_contentversion SET number = number + 1, mark = gen_random_uuid()")
    for _entries in verify.verified(outcome.trail, head=manifest.trail_head):
        pass
    if lines is None:
        outcome.why_shut = f"there is no ledger at {settings.LEDGER}."
    else:
        try:
            outcome.report = reapply.apply(lines)
        except reapply.Unfit as error:
            outcome.why_shut = str(error)
    with connection.cursor() as cursor:
        cursor.execute("UPDATE newsroom_ledger SET kept = false")  # this machine's file may lack them
    return outcome


def _put(media: Path) -> None:
    """The files into their place, those that were erased left out. Names are random: another content has another name."""
    for path in sorted(media.rglob("*")):
        if path.is_file():
            name = path.relative_to(media).as_posix()
            if isinstance(default_storage, FileSystemStorage):
                _put_into_folder(path, Path(default_storage.path(name)))
            else:
                with open(path, "rb") as file:
                    # Under its own name, also where that is there already.
                    default_storage._save(name, File(file))  # type: ignore[attr-defined]


def _put_into_folder(path: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    path.chmod(settings.FILE_UPLOAD_PERMISSIONS or 0o640)
    with open(path, "rb") as file:
        os.fsync(file.fileno())
    path.replace(target)


def _swapped(admin: "psycopg.Connection[Any]", fresh: str, name: str, there: bool) -> None:
    """At one moment. Whoever uses the old one is disconnected; a site that runs connects to the new one."""
    old = f"{name[:40]}{BEFORE}{secrets.token_hex(4)}"
    for _attempt in range(6):
        try:
            admin.execute(OTHERS, [[name, fresh]])
            with admin.transaction():
                rename = sql.SQL("ALTER DATABASE {} RENAME TO {}")
                if there:
                    admin.execute(rename.format(sql.Identifier(name), sql.Identifier(old)))
                admin.execute(rename.format(sql.Identifier(fresh), sql.Identifier(name)))
            return
        except psycopg.errors.ObjectInUse:
            continue
        except psycopg.errors.InsufficientPrivilege as error:
            raise CommandError(
                f"Somebody is connected to {name} whom {admin.info.user} may not disconnect, and nothing was touched: stop "
                "that, then restore again."
            ) from error
    raise CommandError(f"Something keeps connecting to {name}, and nothing was touched: stop the site, then restore again.")
