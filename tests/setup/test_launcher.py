"""deploy/local.py: what happens before there are any packages."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.setup.machine import ROOT, copy_tree, environment, make

LAUNCHER = ROOT / "deploy" / "local.py"
NO_PACKAGES = "# a lock without packages\n"


@pytest.fixture
def launcher(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The launcher's functions, at work on a folder of their own."""
    spec = importlib.util.spec_from_file_location("launcher", LAUNCHER)
    assert spec and spec.loader
    module: Any = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    module.ROOT, module.LOCAL, module.VENV = tmp_path, tmp_path / ".local", tmp_path / ".venv"
    module.VENV_PYTHON, module.STAMP = module.VENV / "bin" / "python", module.VENV / "installed"
    for name in module.LOCKS:
        (tmp_path / f"{name}.lock").write_text(NO_PACKAGES)
    monkeypatch.chdir(tmp_path)
    for name in ("SECRET_KEY", "ALLOWED_HOSTS", "HTTPS"):
        monkeypatch.delenv(name, raising=False)
    return module


def packages(lock: str) -> dict[str, str]:
    return dict(re.findall(r"(?m)^([a-z0-9._-]+)==(\S+)", (ROOT / lock).read_text()))


def test_old_pythons_can_read_it() -> None:
    ast.parse(LAUNCHER.read_text(), feature_version=(3, 6))


def test_an_old_python_is_named() -> None:
    code = f"import runpy, sys; sys.version_info = (3, 9, 2); runpy.run_path({str(LAUNCHER)!r}, run_name='__main__')"
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert said.returncode == 1
    assert said.stderr.startswith(f"This site needs Python 3.11 or newer, but {sys.executable} is 3.9: use ")
    assert len(said.stderr.splitlines()) == 1


def test_a_missing_python_is_named() -> None:
    said = make(ROOT, "run", "PYTHON=no-such-python")
    assert said.returncode != 0
    assert said.stdout.startswith("There is no no-such-python: install Python 3.11 or newer")


def test_packages_are_installed_once(launcher: Any, capsys: pytest.CaptureFixture[str]) -> None:
    launcher.install("requirements-dev")
    assert "installed into .venv" in capsys.readouterr().out
    launcher.install("requirements-dev")
    launcher.install("requirements-local")  # the dev lock has all of it
    assert capsys.readouterr().out.split() == ["Packages", "unchanged"] * 2
    Path("requirements-local.lock").write_text(NO_PACKAGES + "# changed\n")
    launcher.install("requirements-local")
    assert "installed into .venv" in capsys.readouterr().out


@pytest.mark.parametrize("broken", ["lib", "bin"])
def test_a_half_made_venv_is_made_again(launcher: Any, broken: str) -> None:
    """As it is left when the first run is killed, or by a removed Python."""
    (launcher.VENV / broken).mkdir(parents=True)
    if broken == "bin":
        launcher.VENV_PYTHON.symlink_to("/no/longer/there")
    launcher.install("requirements-local")
    subprocess.run([launcher.VENV_PYTHON, "-m", "pip", "--version"], check=True, stdout=subprocess.DEVNULL)


def test_an_interrupted_install_is_done_again(launcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    launcher.install("requirements-local")
    Path("requirements-local.lock").write_text(NO_PACKAGES + "# changed\n")

    def killed(*_words: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(launcher, "logged", killed)
        with pytest.raises(KeyboardInterrupt):
            launcher.install("requirements-local")
    assert not launcher.STAMP.exists()
    launcher.install("requirements-local")
    assert launcher.STAMP.exists()


def test_two_installs_take_turns(launcher: Any) -> None:
    code = f"""
import runpy, pathlib
launcher = runpy.run_path({str(LAUNCHER)!r})
here = pathlib.Path.cwd()
own = launcher["install"].__globals__
own.update(ROOT=here, LOCAL=here / ".local", VENV=here / ".venv")
own.update(VENV_PYTHON=here / ".venv/bin/python", STAMP=here / ".venv/installed")
launcher["install"]("requirements-local")
"""
    command = [sys.executable, "-c", code]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) for _ in range(2)]
    said = [one.communicate(timeout=120)[0] for one in both]
    assert [one.returncode for one in both] == [0, 0]
    assert sorted("unchanged" in words for words in said) == [False, True]


def test_an_index_out_of_reach_is_named(launcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    nowhere = {"CONFIG_FILE": "/dev/null", "INDEX_URL": "http://127.0.0.1:1/simple", "RETRIES": "0"}
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    for name, value in nowhere.items():
        monkeypatch.setenv(f"PIP_{name}", value)
    Path("requirements-local.lock").write_text("not-to-be-had==1.0 --hash=sha256:" + "0" * 64 + "\n")
    with pytest.raises(SystemExit, match=r"^pip failed: it cannot reach a package index: .* \(see \.local/pip\.log\)$"):
        launcher.install("requirements-local")
    assert not launcher.STAMP.exists()


def test_a_full_disk_is_named(launcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher.shutil, "disk_usage", lambda _path: SimpleNamespace(free=499_000_000))
    with pytest.raises(SystemExit, match=r"^The disk is full: free at least 500 MB and start again\.$"):
        launcher.install("requirements-local")
    full = [sys.executable, "-c", "import sys; sys.exit('OSError: [Errno 28] No space left on device')"]
    with pytest.raises(SystemExit, match=r"^The disk is full: "):
        launcher.logged(full, launcher.LOCAL / "pip.log", "pip")


def fake_program(folder: Path, name: str, script: str) -> None:
    program = folder / name
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)


def test_python_without_venv_as_a_normal_user(launcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    with pytest.raises(SystemExit, match=r"^This Python lacks its venv package: run `apt-get install python3-venv` as root"):
        launcher.install("requirements-local")


def test_python_without_venv_as_root(launcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first apt-get fails, as on a machine without Debian's lists; after an update it succeeds."""
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tools = tmp_path / "tools"
    tools.mkdir()
    fake_program(tools, "apt-get", f'echo "$@" >>{tools}/said; [ "$1" = update ] || grep -q update {tools}/said')
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    launcher.install("requirements-local")
    install = "install -y --no-install-recommends python3-venv"
    assert (tools / "said").read_text().splitlines() == [install, "update", install]
    assert launcher.VENV_PYTHON.exists()


def test_a_failing_apt_is_named(launcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    tools = tmp_path / "tools"
    tools.mkdir()
    fake_program(tools, "apt-get", "echo 'E: Could not resolve the host'; exit 100")
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    with pytest.raises(SystemExit, match=r"^apt-get update failed: E: Could not resolve the host \(see \.local/apt\.log\)$"):
        launcher.install("requirements-local")


def test_a_new_env_file(launcher: Any) -> None:
    launcher.write_env()
    written = Path(".env").read_text()
    assert re.search(r"(?m)^SECRET_KEY=[\w-]{60,}$", written)
    assert "\nALLOWED_HOSTS=localhost,127.0.0.1,[::1]\nHTTPS=off\n" in written
    assert Path(".env").stat().st_mode & 0o777 == 0o600
    launcher.write_env()
    assert Path(".env").read_text() == written


@pytest.mark.parametrize("ending", ["", "\n"])
def test_a_persons_env_file_is_only_added_to(launcher: Any, ending: str) -> None:
    Path(".env").write_text(f"DATABASE_URL=postgresql://me@/x\nHTTPS=on{ending}")
    launcher.write_env()
    written = Path(".env").read_text()
    assert written.startswith("DATABASE_URL=postgresql://me@/x\nHTTPS=on\n")
    assert re.findall(r"(?m)^\w+(?==)", written) == ["DATABASE_URL", "HTTPS", "SECRET_KEY", "ALLOWED_HOSTS"]


@pytest.mark.parametrize("theirs", ["SECRET_KEY=mine\n", "export SECRET_KEY = mine", "SECRET_KEY=\n"])
def test_a_persons_own_key_is_left_alone(launcher: Any, theirs: str) -> None:
    Path(".env").write_text(theirs)
    launcher.write_env()
    assert Path(".env").read_text() == theirs


def test_a_key_in_the_environment_needs_no_file(launcher: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "mine")
    launcher.write_env()
    assert not Path(".env").exists()


def test_catalogues_are_compiled_when_they_are_older(launcher: Any) -> None:
    launcher.VENV_PYTHON = sys.executable
    folder = Path("locale/fr/LC_MESSAGES")
    folder.mkdir(parents=True)
    launcher.LOCAL.mkdir()
    source, made = launcher.ROOT / folder / "django.po", launcher.ROOT / folder / "django.mo"
    source.write_text('msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\nmsgid "Progress"\nmsgstr "Progrès"\n')
    launcher.compile_messages()
    assert "Progrès".encode() in made.read_bytes()
    os.utime(made, (1, 1))
    source.write_text(source.read_text().replace("Progrès", "Avancement"))
    launcher.compile_messages()
    assert b"Avancement" in made.read_bytes()
    before = made.stat().st_mtime_ns
    launcher.compile_messages()
    assert made.stat().st_mtime_ns == before


def test_a_browser_is_found_or_its_absence_said(
    launcher: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    launcher.VENV_PYTHON = sys.executable
    launcher.LOCAL.mkdir()
    (tmp_path / "tests").symlink_to(ROOT / "tests")
    tools = tmp_path / "tools"
    tools.mkdir()
    monkeypatch.setenv("PATH", str(tools))
    monkeypatch.setenv("PLAYWRIGHT_BROWSERS_PATH", str(tmp_path))
    monkeypatch.setenv("CHROMIUM", "")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert launcher.browser() == ""
    assert "SKIPPED: no Chromium here" in capsys.readouterr().out
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    fake_program(tools, "apt-get", f"echo '#!/bin/sh' >{tools}/chromium; /bin/chmod 755 {tools}/chromium")
    assert launcher.browser() == str(tools / "chromium")
    monkeypatch.setenv("CHROMIUM", "/no/such/browser")
    with pytest.raises(SystemExit, match=r"^CHROMIUM=/no/such/browser is not a program"):
        launcher.browser()


def test_without_a_browser_its_tests_are_skipped_visibly(tmp_path: Path) -> None:
    tree = copy_tree(tmp_path / "site")
    (tree / "tests" / "browser" / "test_one.py").write_text("def test_one(page):\n    page.goto('about:blank')\n")
    without = environment(PATH="/nowhere", PLAYWRIGHT_BROWSERS_PATH="/nowhere", CHROMIUM="")
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "tests/browser/test_one.py"]
    said = subprocess.run(command, cwd=tree, env=without, capture_output=True, text=True, check=False)
    assert said.returncode == 0
    assert "no Chromium: install one, or set CHROMIUM to its path" in said.stdout
    assert "1 skipped" in said.stdout.splitlines()[-1]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-local.lock", "requirements-dev.lock"])
def test_a_lock_pins_by_hash_and_names_no_index(lock: str) -> None:
    text = (ROOT / lock).read_text()
    assert "://" not in text
    requirements = re.split(r"(?m)^(?=[a-z0-9])", text)[1:]
    assert len(requirements) == len(packages(lock)) > 10
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}", requirement) for requirement in requirements)


def test_each_lock_holds_the_smaller_ones() -> None:
    """Which is why an installed dev lock serves `make run`, too."""
    site, local, dev = (packages(f"{name}.lock") for name in ("requirements", "requirements-local", "requirements-dev"))
    assert site.items() <= local.items() <= dev.items()
