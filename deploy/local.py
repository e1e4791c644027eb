"""What the Makefile's targets do before there are any packages. Standard library only, in words that old Pythons can parse."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - this is the line that says so
    sys.exit(
        f"This site needs Python 3.11 or newer, but {sys.executable} is {sys.version_info[0]}.{sys.version_info[1]}: "
        "use `make PYTHON=/path/to/python3.11 ...`."
    )

import fcntl
import hashlib
import importlib.util
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
VENV_PYTHON = VENV / "bin" / "python"
STAMP = VENV / "installed"  # the locks whose packages are all there
LOCAL = ROOT / ".local"
LOCKS = {
    "requirements-dev": ["--extra", "dev"], "requirements": [], "requirements-local": ["--extra", "local"],
    "requirements-watch": ["--extra", "watch"], "requirements-s3": ["--extra", "s3"],
}  # fmt: skip
"""The first has every package that a site may need, and the others its versions: what is tested is what is deployed, and the
locks of two extras can be installed together."""
POSTGRES_15 = Path("/usr/lib/postgresql/15/bin")
AGAIN = (
    "regions",
    "search",
    "public",
    "newsroom/test_guard.py",
    "newsroom/test_trail.py",
    "newsroom/test_workflow.py",
    "kept/test_kept_answers.py",
)
"""With every file of constraints, the tests of what the version of the server could change: SQL, triggers, roles."""
SOAKED = (
    "tests/setup/test_soak.py", "tests/kept/test_never_stale.py", "tests/recovery", "tests/faults", "tests/hostile",
    "tests/admin/test_hostile.py", "tests/browser/test_scripts.py",
)  # fmt: skip
"""What takes its size from SOAK."""
FULL = "The disk is full: free at least 500 MB and start again."


def main() -> None:
    command, *words = sys.argv[1:]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is stopped, too
    os.chdir(ROOT)
    try:
        COMMANDS[command](*words)
    except KeyboardInterrupt:
        sys.exit(130)
    except OSError as error:
        sys.exit(FULL if "No space left" in str(error) or "quota" in str(error) else f"{error.strerror}: {error.filename}")


def run(port: str = "8000") -> None:
    check_port(port)
    install("requirements-local")
    write_env()
    compile_messages()
    manage("serve", "--port", port)


def superuser(name: str = "") -> None:
    install("requirements-local")
    write_env()
    manage("new_admin", "--name", name)


def weigh() -> None:
    """Of the pages that `make run` serves, without serving them."""
    prepared()
    subprocess.run([str(VENV_PYTHON), "-m", "benchmarks.weigh"], check=True)


def bench() -> None:
    prepared()
    small = ["--small"] if os.environ.get("SMALL") else []
    subprocess.run([str(VENV_PYTHON), "-m", "benchmarks.pages", *small], check=True)


def prepared() -> None:
    install("requirements-local")
    write_env()
    compile_messages()
    subprocess.run([str(VENV_PYTHON), "manage.py", "serve", "--prepare"], check=True)


def test(*words: str) -> None:
    """Against the embedded Postgres. What is marked `soak` is left to that."""
    sys.exit(tested(os.environ.copy(), *words))


def soak() -> None:
    """The long tests at full size, what is marked so, and what speaks SQL on Debian's Postgres 15, where that is installed."""
    environment = os.environ | {"SOAK": "1"}
    failed = tested(environment, *SOAKED) or tested(environment, "-m", "soak", "tests")
    if failed or not (POSTGRES_15 / "initdb").exists():
        say("Postgres 15", f"not tried: {'a test failed' if failed else f'{POSTGRES_15} is not installed'}")
        sys.exit(failed)
    say("Postgres 15", "the tests that speak SQL again, on Debian's server")
    constraints = [str(path.relative_to(ROOT)) for path in (ROOT / "tests").rglob("test_constraints.py")]
    throwaway = [str(VENV_PYTHON), "-m", "tests.setup.throwaway", str(POSTGRES_15)]
    sys.exit(tested(os.environ.copy(), *(f"tests/{part}" for part in AGAIN), *constraints, within=throwaway))


def tested(environment: dict[str, str], *words: str, within: Sequence[str] = ()) -> int:
    install("requirements-dev")
    compile_messages()
    cores = str(max(2, min(4, 1 + (os.cpu_count() or 2))))  # one more: tests wait for browsers, servers and disks
    command = [*within, str(VENV_PYTHON), "-m", "pytest", "-n", cores, *words]
    return subprocess.run(command, env=environment | {"DATABASE_URL": "", "CHROMIUM": browser()}, check=False).returncode


def lint() -> None:
    """Runs all of them, so that one run shows everything."""
    install("requirements-dev")
    checks = (
        ["-m", "ruff", "check"],
        ["-m", "ruff", "format", "--check"],
        ["-m", "djlint", "--lint", "--quiet", "templates"],
        ["-m", "mypy"],
        ["manage.py", "makemigrations", "--check", "--dry-run", "--settings", "tests.settings"],
        ["manage.py", "lintmigrations", "--settings", "tests.settings"],
    )
    failed = []
    for check in checks:
        say("Lint", " ".join(check[1:] if check[0] == "-m" else check))
        if subprocess.run([str(VENV_PYTHON), *check], env=os.environ | {"DATABASE_URL": ""}, check=False).returncode:
            failed.append(" ".join(check[:2]).replace("-m ", ""))
    if failed:
        sys.exit("Lint failed: " + ", ".join(failed))


def lock() -> None:
    """Write the locks anew. Their text names no package index."""
    with tempfile.TemporaryDirectory() as folder:
        uv = shutil.which("uv")
        if not uv:
            subprocess.run([sys.executable, "-m", "venv", folder], check=True)
            subprocess.run([f"{folder}/bin/python", "-m", "pip", "install", "--quiet", "uv"], check=True)
            uv = f"{folder}/bin/uv"
        command = [
            uv, "pip", "compile", "pyproject.toml", "--quiet", "--no-config", "--universal", "--python-version", "3.11",
            "--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", "--no-annotate",
            "--custom-compile-command", "make lock",
        ]  # fmt: skip
        for name, extra in LOCKS.items():
            alike = [] if name == "requirements-dev" else ["--constraint", "requirements-dev.lock"]
            subprocess.run([*command, *extra, *alike, "-o", f"{name}.lock"], check=True)
            say("Lock", f"{name}.lock")
    subprocess.run([sys.executable, "deploy/sbom.py"], check=True)
    say("Lock", "deploy/sbom.cdx.json")


def manage(*words: str) -> None:
    """Become a management command, so that Ctrl-C and signals reach it and nothing stands between."""
    os.execv(VENV_PYTHON, [str(VENV_PYTHON), "manage.py", *words])  # noqa: S606 - fixed words


def say(name: str, text: str) -> None:
    print(f"{name:<12}{text}", flush=True)


def check_port(port: str) -> None:
    if not port.isdecimal() or not 0 < int(port) < 65536:
        sys.exit(f"PORT={port} is not a port: give a number from 1 to 65535.")
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", int(port)))
        except PermissionError:
            sys.exit(f"Port {port} is for root only: choose another, for example `make run PORT=8001`.")
        except OSError:
            other = int(port) + 1 if int(port) < 65535 else 8001
            sys.exit(f"Port {port} is taken by another program: stop that, or choose another with `make run PORT={other}`.")


def install(lock_name: str) -> None:
    """Make .venv hold exactly what the lock names. The dev lock holds the local one's packages too."""
    LOCAL.mkdir(exist_ok=True)
    with alone(LOCAL / "install.lock"):
        wanted = {f"{name} {hashlib.sha256((ROOT / f'{name}.lock').read_bytes()).hexdigest()}" for name in LOCKS}
        there = set(STAMP.read_text().splitlines()) if STAMP.exists() and VENV_PYTHON.exists() else set()
        own = {line for line in wanted if line.startswith(lock_name + " ")}
        if own <= there:
            check_disk(50)
            return say("Packages", "unchanged")
        check_disk(500)
        started = time.monotonic()
        make_venv()
        STAMP.unlink(missing_ok=True)
        pip = [str(VENV_PYTHON), "-m", "pip", "install", "--no-input", "--disable-pip-version-check"]
        logged([*pip, "--require-hashes", "-r", f"{lock_name}.lock"], LOCAL / "pip.log", "pip")
        STAMP.write_text("\n".join(wanted if lock_name == "requirements-dev" else own))
        say("Packages", f"installed into {VENV.name} in {time.monotonic() - started:.0f} s (Python {sys.version.split()[0]})")


def make_venv() -> None:
    """A whole virtual environment: one that was left half made is made again."""
    works = [str(VENV_PYTHON), "-m", "pip", "--version"]
    if VENV_PYTHON.exists() and subprocess.run(works, capture_output=True, check=False).returncode == 0:
        return
    if importlib.util.find_spec("ensurepip") is None:
        if os.geteuid() != 0 or not shutil.which("apt-get"):
            sys.exit("This Python lacks its venv package: run `apt-get install python3-venv` as root, then this again.")
        say("Packages", "installing Debian's python3-venv")
        apt_install("python3-venv")
    logged([sys.executable, "-m", "venv", "--clear", str(VENV)], LOCAL / "venv.log", "python3 -m venv")


def apt_install(package: str) -> None:
    """As root only. A machine that has never fetched Debian's lists, or long ago, needs them first."""
    command = ["apt-get", "install", "-y", "--no-install-recommends", package]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    if subprocess.run(command, env=environment, capture_output=True, check=False).returncode:
        logged(["apt-get", "update"], LOCAL / "apt.log", "apt-get update")
        logged(command, LOCAL / "apt.log", f"apt-get install {package}")


def logged(command: "list[str]", log: Path, name: str) -> None:
    """Run a program with its words in a log, and end with the one that matters when it fails."""
    with open(log, "w") as file:
        done = subprocess.run(command, stdout=file, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode == 0:
        return
    said = log.read_text(errors="replace")
    if "No space left on device" in said or "Disk quota exceeded" in said:
        sys.exit(FULL)
    if re.search(r"NewConnectionError|ConnectionError|ConnectTimeout|ProxyError|No matching distribution", said):
        reason = "it cannot reach a package index: check the network and `pip config list`"
    else:
        lines = [line.strip() for line in said.splitlines() if line.strip()]
        errors = [line for line in lines if re.match(r"(?i)e(rror)?:", line)]
        reason = (errors or lines or ["it said nothing"])[-1]
    sys.exit(f"{name} failed: {reason} (see {log.relative_to(ROOT)})")


def check_disk(megabytes: int) -> None:
    if shutil.disk_usage(ROOT).free < megabytes * 1_000_000:
        sys.exit(FULL)


def write_env() -> None:
    """Give this machine its own settings, once. What a person wrote stays as it is."""
    file = ROOT / ".env"
    written = file.read_text() if file.exists() else ""
    has = {name for name in ("SECRET_KEY", "ALLOWED_HOSTS", "HTTPS") if re.search(rf"(?m)^\s*(export\s+)?{name}\s*=", written)}
    if "SECRET_KEY" in has | os.environ.keys():
        return say("Settings", ".env, unchanged" if written else "from the environment")
    ours = {"SECRET_KEY": secrets.token_urlsafe(60), "ALLOWED_HOSTS": "localhost,127.0.0.1,[::1]", "HTTPS": "off"}
    lines = [f"{name}={value}\n" for name, value in ours.items() if name not in has | os.environ.keys()]
    comment = "# For this machine only, made by `make run`. Yours to change: it is never written over.\n"
    with open(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a") as out:
        os.fchmod(out.fileno(), 0o600)
        out.write(("\n" if written and not written.endswith("\n") else "") + comment + "".join(lines))
    say("Settings", "a key for this machine written to .env")


def compile_messages() -> None:
    """Django reads .mo files, which are made from the .po ones and not kept in git."""
    stale = [source for source in ROOT.glob("locale/*/LC_MESSAGES/django.po") if not newer(source.with_suffix(".mo"), source)]
    if stale:
        command = [str(VENV_PYTHON), "-m", "babel.messages.frontend", "compile", "-d", "locale", "-D", "django"]
        logged(command, LOCAL / "messages.log", "pybabel compile")
        say("Messages", f"{len(stale)} compiled")


def newer(made: Path, source: Path) -> bool:
    return made.exists() and made.stat().st_mtime >= source.stat().st_mtime


def browser() -> str:
    """The path of a Chromium; root gets Debian's where there is none. Empty: the browser tests skip themselves."""
    find = [str(VENV_PYTHON), "tests/browser/chromium.py"]
    found = subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()
    if not found and os.geteuid() == 0 and shutil.which("apt-get"):
        say("Browser", "installing Debian's chromium")
        apt_install("chromium")
        found = subprocess.run(find, capture_output=True, text=True, check=True).stdout.strip()
    if found and not shutil.which(found):
        sys.exit(f"CHROMIUM={found} is not a program: correct it, or leave it unset.")
    say("Browser", found or "SKIPPED: no Chromium here; install one or set CHROMIUM to run the browser tests, too")
    return found


@contextmanager
def alone(path: Path) -> "Iterator[None]":
    """Two commands at once take turns."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


COMMANDS = {
    "run": run,
    "superuser": superuser,
    "test": test,
    "lint": lint,
    "lock": lock,
    "weigh": weigh,
    "bench": bench,
    "soak": soak,
}

if __name__ == "__main__":
    main()
