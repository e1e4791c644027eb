"""What can be wrong with an installation, each with what to do about it: for `manage.py check_install`.

A check is a function that yields problems; it asks what is there, and changes nothing, but for an object that comes and goes.
"""

import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.contrib.staticfiles.finders import get_finders
from django.db import DatabaseError, NotSupportedError, connection
from django.db.migrations.executor import MigrationExecutor
from django.db.models import Q
from django_otp.plugins.otp_totp.models import TOTPDevice

from itsci_site import public_role
from itsci_site.checks import OLDEST
from itsci_site.lib.localdb import LocalServerError
from itsci_site.lib.newsroom import ledger
from programmes.models import Programme

FREE = 500_000_000
"""Bytes that a disk needs for uploads, offline packs and what is made while they are written."""
APART = 5
"""Seconds between this machine's clock and the database's: what is scheduled goes by the one, codes by the other."""
KEY = 50
"""Characters of a SECRET_KEY."""
EXTENSIONS = ("unaccent", "pg_trgm")
LOCAL = ("localhost", "127.0.0.1", "[::1]", "::1")
OWNER = """
SELECT pg_get_userbyid(datdba), session_user, EXISTS (
    SELECT FROM pg_auth_members WHERE roleid = datdba AND member = (SELECT oid FROM pg_roles WHERE rolname = session_user))
FROM pg_database WHERE datname = current_database()
"""
UNGRANTED = """
SELECT name FROM unnest(%s::text[]) AS name WHERE NOT has_table_privilege(%s, format('public.%%I', name)::regclass, 'SELECT')
"""


@dataclass(frozen=True, slots=True)
class Problem:
    what: str
    do: str


Found = Iterator[Problem]


def all_of_it() -> list[Problem]:
    """Everything that is wrong. What cannot be asked, because something before it is wrong, is not guessed at."""
    found = [problem for check in ALWAYS for problem in check()]
    if settings.DATABASES["default"]["NAME"] == settings.NO_DATABASE["NAME"]:
        return found
    found += database()
    if connection.connection is not None:
        found += [problem for check in OF_THE_DATABASE for problem in check()]
        unapplied = list(migrations())
        found += unapplied or [problem for check in OF_THE_TABLES for problem in check()]
    return found


# Settings


def unset() -> Found:
    for told in settings.REFUSED:
        what, _mark, do = told.partition(": " if "cannot be read: " in told else ". ")
        yield Problem(f"{what.rstrip('.')}.", f"{do[:1].upper()}{do[1:]}")


def secret_key() -> Found:
    key = settings.SECRET_KEY
    if key != "refused" and (len(key) < KEY or len(set(key)) < 10 or key.startswith("for-development-only")):
        yield Problem(
            "SECRET_KEY is weak: whoever guesses it can sign sessions and links.",
            f'Make one of {KEY} random characters or more: python3 -c "import secrets; print(secrets.token_urlsafe(60))". '
            "Sessions and links that were sent end with it.",
        )


def debug() -> Found:
    if settings.DEBUG:
        yield Problem("DEBUG is on: error pages show code and settings to everybody.", "Take DEBUG out of .env.")


def hosts() -> Found:
    if "*" in settings.ALLOWED_HOSTS:
        yield Problem(
            "ALLOWED_HOSTS has *: anybody can have the site write links to a host of theirs, in password mails, too.",
            "Name the hosts that the site answers to.",
        )


def https() -> Found:
    public = [host for host in settings.ALLOWED_HOSTS if host not in LOCAL and not host.endswith(".localhost")]
    if public and not settings.HTTPS:
        yield Problem(
            f"HTTPS is off, but {public[0]} is no name of this machine alone: passwords and sessions travel in the open.",
            "Take HTTPS=off out of .env, and let the proxy end HTTPS.",
        )


def proxy() -> Found:
    if settings.BEHIND_PROXY:
        return
    named = [
        name for name in ("SECURE_PROXY_SSL_HEADER", "USE_X_FORWARDED_HOST", "USE_X_FORWARDED_PORT") if getattr(settings, name)
    ]
    if "*" in os.environ.get("FORWARDED_ALLOW_IPS", ""):
        named.append("FORWARDED_ALLOW_IPS=*")
    if named:
        yield Problem(
            f"BEHIND_PROXY is off, but {' and '.join(named)} trusts what a proxy would say: visitors could say it themselves.",
            "Set BEHIND_PROXY=on if there is a proxy as .env.example describes it; otherwise take that out.",
        )


def mail() -> Found:
    if settings.EMAIL_BACKEND == "django.core.mail.backends.console.EmailBackend":
        yield Problem(
            "No mail server is set: links to new passwords are printed where the site runs, and reach nobody.",
            "Set EMAIL_URL and EMAIL_FROM.",
        )


def numbers() -> Found:
    if not settings.METRICS_TOKEN:
        return
    if len(settings.METRICS_TOKEN) < 20:
        yield Problem("METRICS_TOKEN is short enough to be guessed.", "Make one of 20 random characters or more.")
    if not os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        yield Problem(
            "METRICS_TOKEN is set, but PROMETHEUS_MULTIPROC_DIR is not: each worker tells its own numbers.",
            "Set it to a folder that is emptied at each start.",
        )


# Files


def static() -> Found:
    root = Path(settings.STATIC_ROOT)
    do = "Run manage.py collectstatic --noinput, then reload the site."
    manifest = root / "staticfiles.json"
    try:
        known = json.loads(manifest.read_text(encoding="utf-8"))["paths"].keys()
    except (OSError, ValueError, KeyError):
        yield Problem(f"Static files are not collected: {manifest} is not there or cannot be read. Pages fail without it.", do)
        return
    collected = manifest.stat().st_mtime
    for finder in get_finders():
        for name, storage in finder.list(["CVS", ".*", "*~"]):
            if name not in known or os.stat(storage.path(name)).st_mtime > collected:
                yield Problem(f"Static files are older than the code: {name} changed since they were collected.", do)
                return


def messages() -> Found:
    for folder in settings.LOCALE_PATHS:
        for source in sorted(Path(folder).glob("*/LC_MESSAGES/django.po")):
            made = source.with_suffix(".mo")
            if not made.exists() or made.stat().st_mtime < source.stat().st_mtime:
                is_old = "older than its source" if made.exists() else "not compiled"
                yield Problem(
                    f"The interface in {source.parts[-3]} is {is_old}: readers get English, or old words.",
                    "Run pybabel compile -d locale -D django, then reload the site.",
                )


def folders() -> Found:
    for name, use in (
        ("MEDIA_ROOT", "restoring a backup" if settings.MEDIA_S3 else "uploads"),
        ("OFFLINE_ROOT", "offline packs"),
        ("LAST_GOOD_ROOT", "copies of pages"),
        ("LEDGER", "noting what left the public"),
    ):
        folder = Path(getattr(settings, name))
        if name == "LEDGER":  # a file
            folder = folder.parent
        there = next(path for path in (folder, *folder.parents) if path.is_dir())
        try:
            if any(path.exists() and not path.is_dir() for path in (folder, *folder.parents)):
                raise NotADirectoryError
            with tempfile.NamedTemporaryFile(dir=there):
                pass
        except OSError:
            yield Problem(
                f"{name}, {folder}, cannot be written to: {use} will fail.",
                f"Make the folder and give it to the account that the site runs under (uid {os.geteuid()} ran this check).",
            )
            continue
        free = shutil.disk_usage(there).free
        if free < FREE:
            yield Problem(
                f"The disk of {name}, {folder}, is nearly full: {free // 1_000_000} MB are free.",
                f"Free {FREE // 1_000_000} MB or more, or move {name} to another disk.",
            )


def store() -> Found:
    """Where files are in a store."""
    if not settings.MEDIA_S3:
        return
    from itsci_site import object_store

    endpoint = settings.MEDIA_S3["endpoint_url"] or ""
    if endpoint.startswith("http://") and urlsplit(endpoint).hostname not in LOCAL:
        yield Problem("The endpoint in MEDIA_S3 is plain HTTP: files travel in the open.", "Give it with https://.")
    for what, do in object_store.wrong(object_store.ObjectStore(**settings.MEDIA_S3)):
        yield Problem(what, do)


# The database


def database() -> Found:
    try:
        connection.ensure_connection()
    except NotSupportedError as error:
        yield Problem(f"The database is too old: {error}.", f"Move to Postgres {OLDEST} or newer.")
        connection.close()
        return
    except (DatabaseError, LocalServerError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        yield Problem(
            f"The database cannot be reached: {reason}.",
            "Is Postgres running, and are host, port, name, user and password in DATABASE_URL right?",
        )
        return
    version = connection.get_database_version()
    if version[0] < OLDEST:
        yield Problem(f"The database is Postgres {version[0]}; the site needs {OLDEST} or newer.", "Move to a newer server.")


def owner() -> Found:
    with connection.cursor() as cursor:
        cursor.execute(OWNER)
        owns, logs_in, is_member = cursor.fetchone()
    if owns != logs_in and not is_member:
        name = connection.settings_dict["NAME"]
        yield Problem(
            f"The database belongs to {owns}, but the site logs in as {logs_in}: migrations will fail.",
            f"As {owns} or a superuser: ALTER DATABASE {connection.ops.quote_name(name)} OWNER TO {logs_in};",
        )


def extensions() -> Found:
    with connection.cursor() as cursor:
        cursor.execute("SELECT extname FROM pg_extension")
        there = {name for (name,) in cursor.fetchall()}
    for name in EXTENSIONS:
        if name not in there:
            yield Problem(
                f"The extension {name} is missing: search needs it.", f"As the database's owner: CREATE EXTENSION {name};"
            )


def clock(now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> Found:
    with connection.cursor() as cursor:
        before = now()
        cursor.execute("SELECT clock_timestamp()")
        theirs = cursor.fetchone()[0]
    apart = max((before - theirs).total_seconds(), (theirs - now()).total_seconds())
    if apart > APART:
        yield Problem(
            f"This machine's clock is {apart:.0f} seconds away from the database's: codes of the second factor may be refused.",
            "Let both follow network time (timedatectl set-ntp true).",
        )


def migrations() -> Found:
    executor = MigrationExecutor(connection)
    if plan := executor.migration_plan(executor.loader.graph.leaf_nodes()):
        yield Problem(f"{len(plan)} migrations are not applied, the first is {plan[0][0]}.", "Run manage.py migrate.")


def role() -> Found:
    name = settings.PUBLIC_DB_ROLE
    if not name:
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = %s), current_user", [name])
        is_there, user = cursor.fetchone()
        if not is_there:
            yield Problem(
                f"The role {name} is missing: public pages read under the role that logs in, which may read everything.",
                f"As whoever runs the database: CREATE ROLE {name} NOLOGIN; GRANT {name} TO {user}; then manage.py migrate.",
            )
            return
        cursor.execute("SELECT pg_has_role(session_user, %s, %s)", [name, public_role.right_to_take()])
        if not cursor.fetchone()[0]:
            yield Problem(
                f"The role {name} may not be taken by {user}.", f"As whoever runs the database: GRANT {name} TO {user};"
            )
        cursor.execute(UNGRANTED, [public_role.tables(), name])
        if missing := [table for (table,) in cursor.fetchall()]:
            yield Problem(f"The role {name} may not read {missing[0]}, among {len(missing)} tables.", "Run manage.py migrate.")
        cursor.execute("SELECT has_table_privilege(%s, 'public.testimonials_contributor', 'SELECT')", [name])
        if cursor.fetchone()[0]:
            yield Problem(
                f"The role {name} may read whose words stories hold, which it is there to be kept from.",
                "Run manage.py migrate; if that does not help, take it out of the roles that it was given.",
            )


# What is in it


def opened() -> Found:
    if not ledger.is_open():
        yield Problem(
            "The database was restored, and its ledger was not applied: readers get a 503.",
            "Run manage.py ledger --apply FILE with the ledger of the site that made the backup (docs/operations.md).",
        )


def content() -> Found:
    if not Programme.objects.published().exists():
        yield Problem(
            "There is no public programme: the first page answers 404.",
            "Into an empty database: manage.py load_content. Otherwise publish a programme in the admin.",
        )


def administrators() -> Found:
    may = Q(is_superuser=True) | Q(groups__name="Administrator")
    people = User.objects.filter(may, is_active=True, is_staff=True).distinct()
    if not people.exists():
        yield Problem("There is no administrator: nobody can give accounts.", "Run manage.py new_admin.")
    protected = TOTPDevice.objects.filter(confirmed=True).values("user")
    if names := list(people.exclude(pk__in=protected).order_by("username").values_list("username", flat=True)):
        yield Problem(
            f"Administrators without a second factor: {', '.join(names)}. Whoever has the password can set one up.",
            "Each signs in once and sets up an app; accounts that nobody uses are made inactive.",
        )


ALWAYS = (unset, secret_key, debug, hosts, https, proxy, mail, numbers, static, messages, folders, store)
OF_THE_DATABASE = (owner, extensions, clock)
OF_THE_TABLES = (role, opened, content, administrators)
