"""A deployment: the site is reloaded, as its unit does it, while readers read through nginx, and nobody has an error."""

import os
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from benchmarks.pages import nginx_conf
from tests.kept.server import ROOT, free_port
from tests.long_runs import record, size

from .site import Readers, Served, site, until

RELOADS = size(2, 100)
CODE, LOADS = "reloaded.py", "from tests.settings import *\n"
"""A module of the site that a test may break: its settings, where gunicorn runs."""
ONE_SIGNAL = """
shipped = post_worker_init


def renamed(old, new):
    try:
        return not os.rename(old, new)
    except FileNotFoundError:
        return False


def post_worker_init(worker):
    if renamed("two", "one"):
        while os.path.exists("one") or os.path.exists("loaded"):
            time.sleep(0.05)
    elif renamed("one", "loaded"):
        worker.takes_over = False
        shipped(worker)
        os.remove("loaded")
        return
    shipped(worker)
"""
"""Behind what is shipped: where a file `two` lies, the next two that take over send one signal, when both have loaded.

So it is where the main process has no time for the first of two signals before the second is sent.
"""
pytestmark = pytest.mark.skipif(
    shutil.which("nginx") is None, reason="nginx is not installed (Debian: apt-get install nginx-light)"
)


@pytest.fixture
def behind_nginx(tmp_path: Path) -> Iterator[tuple[Served, Served]]:
    """The site through nginx, and the site itself. nginx keeps no page here, so that each is asked for."""
    (tmp_path / CODE).write_text(LOADS)
    gunicorn_conf = tmp_path / "gunicorn.conf.py"
    gunicorn_conf.write_text((ROOT / "deploy" / "gunicorn.conf.py").read_text() + ONE_SIGNAL)
    with ExitStack() as stack:
        made = stack.enter_context(site(tmp_path))
        made.environment["DJANGO_SETTINGS_MODULE"] = CODE.removesuffix(".py")
        own = stack.enter_context(made.served(workers=2, preload=False, conf=gunicorn_conf))
        name = stack.enter_context(tempfile.TemporaryDirectory())
        folder, port = Path(name), free_port()
        folder.chmod(0o755)  # its workers are another account
        conf = nginx_conf(folder, own.port, port, free_port(), host="127.0.0.1")
        conf.write_text(re.sub(r"proxy_cache +itsci;", "proxy_cache off;", conf.read_text()))
        with subprocess.Popen(["nginx", "-c", str(conf), "-p", str(folder)], stderr=subprocess.DEVNULL) as process:
            try:
                front = Served(port, process)
                deadline = time.monotonic() + 30
                while front.get("/healthz").status == 0:
                    assert time.monotonic() < deadline and process.poll() is None
                    time.sleep(0.1)
                yield front, own
            finally:
                process.terminate()


def test_reloads_under_load(behind_nginx: tuple[Served, Served], tmp_path: Path) -> None:
    front, own = behind_nginx
    readers = Readers([front], own.published())
    with readers.reading():
        for _reload in range(RELOADS):
            before = set(own.workers)
            os.kill(own.process.pid, signal.SIGTTIN)
            _until_none_is_left(before, own)
            wanted = readers.counted["answers"] + 50
            while readers.counted["answers"] < wanted:
                time.sleep(0.05)
        _while_another_goes_on(own)
        _of_which_two_take_over_at_once(own, tmp_path)
        _of_code_that_does_not_load(own, tmp_path / CODE)
    assert readers.failed == []
    assert not readers.counted["from disk"]
    record("faults", "reloads", reloads=RELOADS, **readers.counted, failed=0, longest_seconds=round(readers.longest, 2))


def _until_none_is_left(before: set[int], own: Served) -> None:
    until(lambda: not before & set(own.workers) and len(own.workers) == 2)


def _while_another_goes_on(own: Served) -> None:
    """A second reload before the first has ended replaces what the first began, too; as many are left as there were."""
    _until_there_is_another(set(own.workers), own)
    before = set(own.workers)
    os.kill(own.process.pid, signal.SIGTTIN)
    _until_none_is_left(before, own)
    last = set(own.workers)
    time.sleep(3)
    assert set(own.workers) == last, "and it ends"


def _of_which_two_take_over_at_once(own: Served, folder: Path) -> None:
    """Two reloads, and one signal of the two new workers: neither an old one is left, nor one more than there were."""
    (folder / "two").touch()
    first = set(own.workers)
    _until_there_is_another(first, own)
    second = set(own.workers)
    _until_there_is_another(second, own)
    _until_none_is_left(first | second, own)
    assert not {"two", "one", "loaded"} & set(os.listdir(folder))


def _until_there_is_another(before: set[int], own: Served) -> None:
    os.kill(own.process.pid, signal.SIGTTIN)
    until(lambda: set(own.workers) - before)


def _of_code_that_does_not_load(own: Served, code: Path) -> None:
    """The workers that there are serve on. If one of them goes meanwhile, the site does not go with it; mended, all is well."""
    before = set(own.workers)
    code.write_text("raise RuntimeError('new code')\n")
    os.kill(own.process.pid, signal.SIGTTIN)
    _until_some_have_failed(3, before, own)
    assert set(own.workers) == before, "and it ends"
    os.kill(min(before), signal.SIGTERM)
    _until_some_have_failed(1, before, own)
    code.write_text(LOADS)
    os.kill(own.process.pid, signal.SIGTTIN)
    _until_none_is_left(before, own)


def _until_some_have_failed(number: int, before: set[int], own: Served) -> None:
    seen: set[int] = set()

    def have_failed() -> bool:
        assert own.process.poll() is None
        seen.update(set(own.workers) - before)
        return len(seen - set(own.workers)) >= number

    until(have_failed)
