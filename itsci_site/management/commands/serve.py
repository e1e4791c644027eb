"""The whole site on this machine: what `make run` does once the packages are installed."""

import hashlib
import os
import shutil
import signal
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.contrib.staticfiles.management.commands import collectstatic
from django.core.files.storage import storages
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandParser
from django.db import connection, connections
from django.db.migrations.executor import MigrationExecutor
from gunicorn.app.base import BaseApplication

from itsci_site.lib import localdb
from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Prepare the database and the static files, then serve the site on 127.0.0.1."
    requires_system_checks = []  # run below, with the database's own

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, default=8000)
        parser.add_argument("--prepare", action="store_true", help="Serve nothing.")

    def handle(self, *, port: int, prepare: bool, **_options: Any) -> None:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # until gunicorn listens, Ctrl-C ends this at once and without a traceback
        with plain_errors():
            step("Postgres", server())
            self.check(databases=["default"])
            with connection.cursor() as cursor:  # a second `make run` waits until this one is through
                cursor.execute("SELECT pg_advisory_lock(hashtext('serve'))")
            step("Migrations", migrated())
            call_command("load_content")
            call_command("new_admin", first=True)
            step("Static", collected())
            connections.close_all()  # releases the lock; the workers open their own
        if not prepare:
            Site(port).run()


class Site(BaseApplication):
    """gunicorn in this very process, which keeps the local database alive as long as the site."""

    def __init__(self, port: int) -> None:
        self.options: dict[str, object] = {
            "bind": f"127.0.0.1:{port}",
            "workers": 2,
            "threads": 4,
            "worker_class": "itsci_site.worker.Worker",
            "graceful_timeout": 5,  # seconds; nobody waits longer for Ctrl-C on their own machine
            "loglevel": "warning",
            "control_socket_disable": True,
            "when_ready": announcer(port),
            "on_exit": closer(os.getpid()),
        }
        super().__init__()

    def load_config(self) -> None:
        for name, value in self.options.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from itsci_site.wsgi import application

        return application


def announcer(port: int) -> Callable[[Any], None]:
    def when_ready(_server: Any) -> None:
        # A closed terminal ends the site; to gunicorn a hang-up means reading its settings again.
        signal.signal(signal.SIGHUP, lambda *_: os.kill(os.getpid(), signal.SIGTERM))
        step("Site", f"http://localhost:{port}/ (admin: http://localhost:{port}/admin/); Ctrl-C stops it")

    return when_ready


def closer(starter: int) -> Callable[[Any], None]:
    def on_exit(_server: Any) -> None:
        home = settings.DATABASES["default"].get("LOCAL_HOME")
        if home and os.getpid() == starter:
            localdb.leave(home)
        with suppress(OSError):  # the terminal may be gone
            step("Stopped", "nothing of it runs any more")

    return on_exit


def server() -> str:
    """Connects, which starts the local server. Says what answered, without its password."""
    connection.ensure_connection()
    version = ".".join(str(part) for part in connection.get_database_version())
    entry = settings.DATABASES["default"]
    home: Path | None = entry.get("LOCAL_HOME")
    if not home:
        return f"{version}, {entry['NAME']} at {entry['HOST'] or 'the local socket'} (DATABASE_URL)"
    inside = home.is_relative_to(settings.BASE_DIR)
    return f"{version}, kept in {home.relative_to(settings.BASE_DIR) if inside else f'{home}, outside of this closed folder'}"


def migrated() -> str:
    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    if plan:
        call_command("migrate", interactive=False, verbosity=0)
    return f"{len(plan)} applied" if plan else "none to apply"


def collected() -> str:
    """Collects into a side folder and puts it in place as a whole: another site of this tree may be reading the old one."""
    local, root = settings.BASE_DIR / ".local", settings.STATIC_ROOT
    stamp, state = local / "static", static_state()
    if stamp.exists() and stamp.read_text() == state and root.exists():
        return "unchanged"
    for left in local.glob("static.*"):  # of a run that was killed
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="static.", dir=local) as folder:
        command = collectstatic.Command()
        entry: Any = settings.STORAGES["staticfiles"]
        options = entry.get("OPTIONS", {}) | {"location": f"{folder}/new"}
        command.storage = storages.create_storage(entry | {"OPTIONS": options})
        call_command(command, interactive=False, verbosity=0)
        if root.exists():
            root.rename(f"{folder}/old")
        Path(folder, "new").rename(root)
    stamp.write_text(state)
    return f"{sum(path.is_file() for path in root.rglob('*'))} files in {root.name}"


def static_state() -> str:
    """Differs when what would be collected differs: a source, the code that treats it, or a package."""
    digest = hashlib.sha256((settings.BASE_DIR / "requirements-local.lock").read_bytes())
    digest.update((settings.BASE_DIR / "itsci_site" / "storage.py").read_bytes())
    for finder in get_finders():
        for name, storage in finder.list(["CVS", ".*", "*~"]):
            found = Path(storage.path(name)).stat()
            digest.update(f"{name} {found.st_size} {found.st_mtime_ns}\n".encode())
    return digest.hexdigest()
