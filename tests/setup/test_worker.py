"""What gunicorn's worker says where Django is never reached."""

import socket
import subprocess
import sys
from typing import Any

import pytest
from django.utils import translation
from gunicorn.http.errors import LimitRequestLine, UnsupportedTransferCoding

from itsci_site.worker import Worker, answer
from tests.hostile import raw
from tests.pages import facts, markup

from .machine import ROOT

APPS = ("itsci_site", "programmes", "regions", "meetings", "testimonials")


@pytest.mark.parametrize("language", facts.LANGUAGES)
def test_an_address_of_any_length_gets_a_calm_answer_in_every_language(language: str) -> None:
    answer.cache_clear()
    ours, theirs = socket.socketpair()
    with ours, theirs, translation.override(language):  # as a request before left the thread
        one: Any = object.__new__(Worker)
        one.handle_error(None, ours, None, LimitRequestLine(8192, 4094))
        ours.close()
        whole = b"".join(iter(lambda: theirs.recv(65536), b""))
    head, _blank, body = whole.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 414 ")
    assert f"Content-Length: {len(body)}".encode() in head
    page = markup.parse(body)
    assert page.one("title").text.startswith("This address is too long")
    assert [part["lang"] for part in page.all("div")] == list(facts.LANGUAGES)
    assert [link["href"] for link in page.all("a")] == ["/search/", "/fr/search/"]
    assert page.all("h2")[0].text == "Cette adresse est trop longue"


@pytest.mark.parametrize("header", [b"SCRIPT_NAME", b"PATH_INFO"])
def test_no_header_says_where_the_site_stands(header: bytes) -> None:
    def told(environ: dict[str, Any], start: Any) -> list[bytes]:
        start("200 OK", [])
        return [f"{environ['SCRIPT_NAME']} {environ['PATH_INFO']}".encode()]

    asked = raw.Raw(b"/progress/", headers=[(b"Host", raw.HOST), (header, b"/progress")]).content()
    found = raw.answered(told, asked)
    assert found and found.body == b" /progress/"


@pytest.mark.parametrize(("error", "level"), [(UnsupportedTransferCoding("a"), "INFO"), (RuntimeError("a"), "ERROR")])
def test_only_a_fault_of_the_site_is_logged_as_one(error: Exception, level: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    ours, theirs = socket.socketpair()
    with ours, theirs:
        one: Any = object.__new__(Worker)
        one.handle_error(None, ours, None, error)
    assert [(record.levelname, bool(record.exc_info)) for record in caplog.records] == [(level, level == "ERROR")]


def test_gunicorns_main_process_loads_next_to_nothing_of_the_site() -> None:
    """What it has loaded its workers have, too, and a reload does not read it anew (docs/deploy.md)."""
    look = "print(*sorted(name for name in sys.modules if name.partition('.')[0] in APPS))"
    loaded = f"import sys, itsci_site.worker, itsci_site.lib.logs; APPS = {set(APPS)}; {look}"
    said = subprocess.run([sys.executable, "-c", loaded], cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert said.split() == ["itsci_site", "itsci_site.lib", "itsci_site.lib.logs", "itsci_site.worker"]
