"""The units in deploy/, which systemd itself reads where it is installed, and what else stands there for an operator."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
UNITS = ("itsci-site.service", "itsci-site-daily.service", "itsci-site-daily.timer")
SERVICES = UNITS[:2]
EXPOSED = 2.0
"""By systemd's own measure, from 0 (nothing) to 10; both have 1.5 with systemd 252, from the files alone."""
needs_systemd = pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="systemd is not installed")


def options(name: str) -> list[str]:
    """From the first rule of hardening on."""
    lines = (ROOT / "deploy" / name).read_text().splitlines()
    return [line for line in lines[lines.index("NoNewPrivileges=yes") :] if line and not line.startswith(("[", "WantedBy"))]


def test_both_services_are_held_to_the_same() -> None:
    first, second = (options(name) for name in SERVICES)
    assert first == second
    assert len(first) > 25


@pytest.fixture
def units(tmp_path: Path) -> Path:
    """As installed, but with programs that are there: verifying asks for them."""
    for name in UNITS:
        text = (ROOT / "deploy" / name).read_text()
        text = re.sub(r"/srv/itsci-site/\.venv/bin/\w+", "/bin/true", text).replace("file:///srv", "file:///usr")
        (tmp_path / name).write_text(text.replace("User=itsci-site\nGroup=itsci-site\n", "User=daemon\n"))
    return tmp_path


@needs_systemd
def test_systemd_reads_them(units: Path) -> None:
    named = [str(units / name) for name in UNITS]
    done = subprocess.run(["systemd-analyze", "verify", "--man=no", *named], capture_output=True, text=True, check=False)
    ours = [line for line in (done.stdout + done.stderr).splitlines() if "itsci-site" in line]
    assert ours == []
    assert done.returncode == 0, done.stderr


@needs_systemd
@pytest.mark.parametrize("name", SERVICES)
def test_little_is_exposed(name: str, units: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "security", "--offline=yes", "--no-pager", str(units / name)],
        capture_output=True, text=True, check=False, env=os.environ | {"SYSTEMD_COLORS": "0", "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    found = re.search(r"exposure level for \S+: ([\d.]+)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSED


def test_the_history_of_the_code_is_out_of_the_sites_sight() -> None:
    for name in SERVICES:
        assert "InaccessiblePaths=-/srv/itsci-site/.git" in options(name)
    assert 'InaccessiblePaths="-$site/.git"' in (ROOT / "deploy" / "manage").read_text()
    assert ".git" in (ROOT / "deploy" / "Dockerfile.dockerignore").read_text().splitlines()


def test_what_the_units_start_is_there() -> None:
    daily = (ROOT / "deploy" / "itsci-site-daily.service").read_text()
    commands = re.findall(r"manage\.py (\w+)", daily)
    assert commands == ["purge_sign_ins", "backup", "verify_trail"]
    for command in commands:
        assert (ROOT / "itsci_site" / "management" / "commands" / f"{command}.py").exists()


def test_gunicorn_may_give_away_its_socket() -> None:
    """It does so even to the account that it has, and does not start without. The last filter that names a call wins."""
    filters = [line for line in options("itsci-site.service") if line.startswith("SystemCallFilter=")]
    assert filters == ["SystemCallFilter=@system-service", "SystemCallFilter=~@privileged", "SystemCallFilter=@chown"]


def folders(text: str) -> dict[str, str]:
    return dict(re.findall(r"\b(\w+_ROOT|LEDGER)=(/\S+)", text))


def test_units_image_and_commands_have_the_same_folders() -> None:
    """A command that an operator gives writes where the site does."""
    deploy = ROOT / "deploy"
    there = folders((deploy / "folders.env").read_text())
    assert there.keys() == {"MEDIA_ROOT", "OFFLINE_ROOT", "LAST_GOOD_ROOT", "LEDGER"}
    assert {Path(folder).parts[:4] for folder in there.values()} == {("/", "var", "lib", "itsci-site")}
    assert folders((deploy / "Dockerfile").read_text()) == there
    for name in SERVICES:
        read = re.findall(r"(?m)^EnvironmentFile=(.+)$", (deploy / name).read_text())
        assert read == ["/srv/itsci-site/deploy/folders.env", "/etc/itsci-site/env"], "the later one wins"
    given = (deploy / "manage").read_text()
    assert 0 < given.index("$site/deploy/folders.env") < given.index("EnvironmentFile=/etc/itsci-site/env")
    assert os.access(deploy / "manage", os.X_OK)


def test_the_image_has_all_code_and_programs_as_new_as_its_server() -> None:
    image, services = ((ROOT / "deploy" / name).read_text() for name in ("Dockerfile", "compose.yaml"))
    packages = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= set(re.findall(r"(?m)^COPY (\w+) \1$", image))
    assert re.findall(r"postgresql-client-(\d+)", image) == re.findall(r"image: postgres:(\d+)", services)


@pytest.mark.parametrize("name", ["nginx.conf", "compose.nginx.conf"])
def test_no_server_of_nginx_logs_who_asked(name: str) -> None:
    """In each server: what http {} around this file names would be a second log, or the only one, and holds addresses."""
    text = (ROOT / "deploy" / name).read_text()
    servers = re.findall(r"(?ms)^server \{.*?^\}", text)
    form = re.findall(r"log_format (\w+) '([^']*)'", text)
    assert len(servers) == 2 and len(form) == 1
    assert not re.search(r"\$(remote|http_|request\b|request_uri|uri|args)", form[0][1])
    for server in servers:
        assert re.findall(r"access_log +\S+ (\w+);", server) == [form[0][0]]
        assert re.findall(r"error_log +\S+ (\w+);", server) == ["emerg"]
