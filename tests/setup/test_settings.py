"""Settings: all are listed, what is missing is named, and production settings pass Django's own review."""

import ast
import re
import subprocess
import sys

import pytest
from django.core.management import CommandError, call_command
from django.db import connections
from django.db.migrations.loader import MigrationLoader

from itsci_site.checks import postgres_is_new_enough
from tests.setup.machine import ROOT, environment

PRODUCTION = {
    "SECRET_KEY": "production-" + "abcdefghij0123456789" * 3,
    "ALLOWED_HOSTS": "www.example.org",
    "DATABASE_URL": "postgresql://site@db.example.org/site",
    "HTTPS": "on",
    "DEBUG": "off",
}


def manage(*words: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "manage.py", *words]
    return subprocess.run(
        command, cwd=ROOT, env=environment(**PRODUCTION | settings), stdout=-1, stderr=-2, text=True, check=False
    )


def test_every_setting_is_listed_in_the_example_and_nothing_else() -> None:
    calls = [
        node for node in ast.walk(ast.parse((ROOT / "itsci_site" / "settings.py").read_text())) if isinstance(node, ast.Call)
    ]
    read = {
        str(call.args[0].value)
        for call in calls
        if ast.unparse(call.func).startswith(("env.", "required", "number"))
        and call.args
        and isinstance(call.args[0], ast.Constant)
    }
    listed = re.findall(r"(?m)^(?:# )?([A-Z][A-Z_0-9]*)=", (ROOT / ".env.example").read_text())
    assert sorted(listed) == sorted(read)


@pytest.mark.parametrize("name", ["SECRET_KEY", "ALLOWED_HOSTS"])
def test_a_missing_setting_is_named(name: str) -> None:
    said = manage("check", **{name: ""})
    assert said.returncode != 0
    assert said.stdout.startswith(f"{name} is not set. ")
    assert "Traceback" not in said.stdout


@pytest.mark.parametrize("url", ["sqlite:///db.sqlite3", "mysql://site@db.example.org/site"])
def test_no_other_database_is_accepted(url: str) -> None:
    said = manage("check", DATABASE_URL=url)
    assert said.returncode != 0
    scheme = url.partition(":")[0]
    assert said.stdout.startswith(f"DATABASE_URL starts with {scheme}:, but this site needs Postgres 15 or newer (SQLite ")


@pytest.mark.parametrize(
    "url", ["smtp+tls://site:secret-word@mail.example.org:many", "carrier://site:secret-word@mail.example.org"]
)
def test_a_mail_server_that_cannot_be_read_is_named_without_its_password(url: str) -> None:
    said = manage("check", EMAIL_URL=url, EMAIL_FROM="site@example.org")
    assert said.returncode != 0
    assert said.stdout.startswith("EMAIL_URL cannot be read: give smtp+tls://user:password@host:587, or leave it unset")
    assert "secret-word" not in said.stdout and "Traceback" not in said.stdout


def test_a_mail_server_needs_a_sender() -> None:
    url = "smtp+tls://site:p%40ss@mail.example.org:587"
    assert manage("check", EMAIL_URL=url, EMAIL_FROM="").stdout.startswith("EMAIL_FROM is not set. ")
    names = "EMAIL_HOST", "EMAIL_PORT", "EMAIL_HOST_PASSWORD", "EMAIL_USE_TLS", "EMAIL_TIMEOUT", "DEFAULT_FROM_EMAIL"
    code = f"from django.conf import settings; print(*(getattr(settings, name) for name in {names}))"
    said = manage("shell", "-v", "0", "-c", code, EMAIL_URL=url, EMAIL_FROM="site@example.org")
    assert said.stdout == "mail.example.org 587 p@ss True 10 site@example.org\n"


def test_production_settings_pass_the_deployment_check() -> None:
    said = manage("check", "--deploy", "--fail-level", "WARNING")
    assert (said.returncode, said.stdout) == (0, "System check identified no issues (0 silenced).\n")


@pytest.mark.django_db
def test_an_older_postgres_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    assert postgres_is_new_enough(databases=["default"]) == []
    monkeypatch.setattr(type(connections["default"]), "get_database_version", lambda _self: (14, 11))
    (error,) = postgres_is_new_enough(databases=["default"])
    assert error.msg == "The database 'default' is Postgres 14, but this site needs 15 or newer."
    with pytest.raises(CommandError, match="is Postgres 14, but this site needs 15 or newer"):
        call_command("check", databases=["default"])


def test_each_migration_is_all_or_nothing() -> None:
    """One that fails half way is undone by Postgres, and the next run starts with it again."""
    ours = ("regions", "testimonials", "meetings", "programmes")
    migrations = MigrationLoader(None).disk_migrations
    assert {name for name, migration in migrations.items() if name[0] in ours and not migration.atomic} == set()
    assert {app for app, _name in migrations} >= set(ours)
