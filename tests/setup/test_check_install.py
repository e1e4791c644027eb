"""`manage.py check_install`: each thing that can be wrong is made wrong, and has to be told."""

import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import call_command
from django.db import connection
from django.test.utils import override_settings
from django_otp.plugins.otp_totp.models import TOTPDevice

from itsci_site import installation
from tests import factories as make
from tests.pages.content import as_deployed

from .machine import environment

pytestmark = pytest.mark.django_db
STRONG = "0123456789abcdefghij-0123456789abcdefghij-0123456789abcdefghij"


@pytest.fixture(scope="session")
def collected(built_static: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Static files of its own, to spoil."""
    return Path(shutil.copytree(built_static, tmp_path_factory.mktemp("collected") / "static"))


@pytest.fixture
def sound(collected: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An installation that nothing is wrong with."""
    monkeypatch.delenv("FORWARDED_ALLOW_IPS", raising=False)
    os.utime(collected / "staticfiles.json")
    TOTPDevice.objects.create(user=make.make_user("alice"), name="app")
    make.make_programme()
    good = {
        "SECRET_KEY": STRONG, "ALLOWED_HOSTS": ["www.example.org"], "HTTPS": True, "MEDIA_ROOT": str(tmp_path / "media"),
        "OFFLINE_ROOT": str(tmp_path / "packs"), "LAST_GOOD_ROOT": str(tmp_path / "last-good"),
        "EMAIL_BACKEND": "django.core.mail.backends.smtp.EmailBackend",
    }  # fmt: skip
    with as_deployed(collected), override_settings(**good):
        yield


def told() -> list[str]:
    return [problem.what for problem in installation.all_of_it()]


def sql(*statements: str) -> None:
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def test_nothing_is_wrong_with_a_sound_one(sound: None, capsys: pytest.CaptureFixture) -> None:
    call_command("check_install")
    assert capsys.readouterr().out == "Nothing is wrong with this installation.\n"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"SECRET_KEY": "short"}, "SECRET_KEY is weak"),
        ({"SECRET_KEY": "a" * 60}, "SECRET_KEY is weak"),
        ({"DEBUG": True}, "DEBUG is on"),
        ({"ALLOWED_HOSTS": ["*"]}, "ALLOWED_HOSTS has *"),
        ({"HTTPS": False}, "HTTPS is off, but www.example.org"),
        ({"SECURE_PROXY_SSL_HEADER": ("HTTP_X_FORWARDED_PROTO", "https")}, "BEHIND_PROXY is off, but SECURE_PROXY_SSL_HEADER"),
        ({"USE_X_FORWARDED_HOST": True}, "BEHIND_PROXY is off, but USE_X_FORWARDED_HOST"),
        ({"EMAIL_BACKEND": "django.core.mail.backends.console.EmailBackend"}, "No mail server is set"),
        ({"METRICS_TOKEN": "short"}, "METRICS_TOKEN is short"),
        ({"STATIC_ROOT": "nowhere"}, "Static files are not collected"),
        ({"PUBLIC_DB_ROLE": "itsci_nobody"}, "The role itsci_nobody is missing"),
    ],
)
def test_a_setting(sound: None, given: dict[str, Any], said: str) -> None:
    with override_settings(**given):
        found = told()
    assert [what for what in found if what.startswith(said)], found


def test_http_is_for_a_machine_of_ones_own(sound: None) -> None:
    with override_settings(HTTPS=False, ALLOWED_HOSTS=["localhost", "127.0.0.1", "[::1]"]):
        assert told() == []


def test_a_server_that_believes_every_proxy(sound: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")
    (what,) = told()
    assert what.startswith("BEHIND_PROXY is off, but FORWARDED_ALLOW_IPS=*")
    with override_settings(BEHIND_PROXY=True):
        assert told() == []


def test_static_files_older_than_the_code(sound: None, collected: Path) -> None:
    os.utime(collected / "staticfiles.json", (0, 0))
    (what,) = told()
    assert what.startswith("Static files are older than the code")


def test_messages(sound: None, tmp_path: Path) -> None:
    folder = tmp_path / "xx" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "django.po").write_text("")
    with override_settings(LOCALE_PATHS=[tmp_path]):
        assert told() == ["The interface in xx is not compiled: readers get English, or old words."]
        (folder / "django.mo").write_bytes(b"")
        assert told() == []
        os.utime(folder / "django.mo", (0, 0))
        assert told() == ["The interface in xx is older than its source: readers get English, or old words."]


@pytest.mark.parametrize("name", ["MEDIA_ROOT", "OFFLINE_ROOT", "LAST_GOOD_ROOT", "LEDGER"])
def test_a_folder_that_takes_no_file(sound: None, name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for place in (tmp_path / "file", tmp_path / "file" / "within", Path("/proc/nowhere")):
        with override_settings(**{name: str(place / "ledger" if name == "LEDGER" else place)}):
            (what,) = told()
            assert what.startswith(f"{name}, {place}, cannot be written to")


def test_a_full_disk(sound: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """More is asked for than any disk has."""
    monkeypatch.setattr(installation, "FREE", 10**18)
    assert ["nearly full" in what for what in told()] == [True, True, True, True]


LAST_UNDONE = "DELETE FROM django_migrations WHERE id = (SELECT max(id) FROM django_migrations WHERE app = 'programmes')"
WRONG: list[tuple[str, Callable[[], None], str]] = [
    ("owner", lambda: sql("CREATE ROLE stranger", f'ALTER DATABASE "{connection.settings_dict["NAME"]}" OWNER TO stranger'),
     "The database belongs to stranger"),
    ("extension", lambda: sql("DROP EXTENSION pg_trgm CASCADE"), "The extension pg_trgm is missing"),
    ("migration", lambda: sql(LAST_UNDONE),
     "1 migrations are not applied, the first is programmes."),
    ("restored", lambda: sql("UPDATE newsroom_opened SET database = 0"), "The database was restored, and its ledger was not"),
    ("grant", lambda: sql("REVOKE SELECT ON regions_region FROM itsci_public"),
     "The role itsci_public may not read regions_region"),
    ("secret", lambda: sql("GRANT SELECT ON testimonials_contributor TO itsci_public"),
     "The role itsci_public may read whose words"),
    ("content", lambda: sql("UPDATE programmes_programme SET status = 'withdrawn'"), "There is no public programme"),
    ("administrator", lambda: sql("UPDATE auth_user SET is_active = false"), "There is no administrator"),
    ("second factor", lambda: sql("UPDATE otp_totp_totpdevice SET confirmed = false"),
     "Administrators without a second factor: alice"),
]  # fmt: skip


@pytest.mark.parametrize(("make_wrong", "said"), [row[1:] for row in WRONG], ids=[row[0] for row in WRONG])
def test_the_database(sound: None, make_wrong: Callable[[], None], said: str) -> None:
    make_wrong()
    found = told()
    assert [what for what in found if what.startswith(said)], found


def test_a_server_that_is_too_old(sound: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "OLDEST", 99)
    assert any(what.endswith("the site needs 99 or newer.") for what in told())


@pytest.mark.parametrize("seconds", [60, -60])
def test_a_clock_that_is_wrong(sound: None, seconds: int) -> None:
    assert list(installation.clock()) == []
    (problem,) = installation.clock(lambda: datetime.now(UTC) + timedelta(seconds=seconds))
    assert "seconds away from the database's" in problem.what


def check_install(**given: str) -> subprocess.CompletedProcess[str]:
    """As an operator runs it, with these settings and no others."""
    command = [sys.executable, "manage.py", "check_install"]
    return subprocess.run(command, env=environment(**given), cwd=settings.BASE_DIR, capture_output=True, text=True, check=False)


def test_all_of_it_is_told_at_once() -> None:
    """Even settings that the site would not start without."""
    done = check_install(
        SECRET_KEY="", ALLOWED_HOSTS="", DATABASE_URL="mysql://somebody:secret@db/site", EMAIL_URL="smtp://[",
        SLOW_QUERY_MS="soon", LOG_FORMAT="xml", MEDIA_S3="s3://key:secret@files", DJANGO_SETTINGS_MODULE="itsci_site.settings",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    for said in ("SECRET_KEY is not set.", "ALLOWED_HOSTS is not set.", "DATABASE_URL starts with mysql:",
                 "EMAIL_URL cannot be read.", "SLOW_QUERY_MS is no whole number.",
                 "LOG_FORMAT is neither plain nor json.", "MEDIA_S3 cannot be read."):  # fmt: skip
        assert said in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "secret" not in done.stdout + done.stderr


def test_a_database_that_is_not_there() -> None:
    done = check_install(
        SECRET_KEY=STRONG, ALLOWED_HOSTS="www.example.org", DATABASE_URL="postgresql://somebody:hush@127.0.0.1:1/site",
        DJANGO_SETTINGS_MODULE="itsci_site.settings",
    )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "The database cannot be reached" in done.stdout
    assert "Is Postgres running" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "hush" not in done.stdout + done.stderr
