"""Requests to public addresses that no browser would make: none breaks the site, none leaves a traceback or memory behind.

Eight thousand with the other tests, a hundred and sixty thousand in `make soak`: through gunicorn's parser and the page cache
in this process, and as bytes over the sockets of a server as deployed. One that fails is told with the bytes it was.
"""

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import pytest
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from itsci_site import urls
from itsci_site.cached import ENCODERS, UNKEPT
from itsci_site.lib.pagecache import PageCache
from itsci_site.readable import Application
from regions.content_version import Content
from tests.kept.server import ROOT, environment, logged, worker_of
from tests.long_runs import percentile, record, resident, size, tracebacks_kept

from . import raw

CHUNKS, EACH = 4, size(1_750, 35_000)
OVER_SOCKETS = size(1_000, 20_000)
MOST_GROWTH = 64 * 2**20
"""Bytes: far more than ever seen, far less than anything that is kept for each request."""
urlpatterns = [*urls.urlpatterns]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


@pytest.fixture
def cached() -> Iterator[PageCache]:
    state = Content()
    yield PageCache(Application(), state, ENCODERS, 500, 2**23, UNKEPT)
    state.close()


def wrong_with(answer: raw.Answer) -> str:
    """Why an answer is none that may be given; 501 is gunicorn's to codings of transfer that nobody knows."""
    if answer.status >= 500 and answer.status != 501:
        return f"answers {answer.status}"
    if answer.headers.get("x-content-type-options") != "nosniff":
        return f"{answer.status} without the headers of every answer: {answer.headers}"
    return "a cookie for a visitor" if "set-cookie" in answer.headers else ""


def told(seed: int, number: int, sent: bytes) -> str:
    """All that makes the request again."""
    return f"request(site, {seed}, {number}), {len(sent)} bytes: {sent[:6_000]!r}"


@pytest.mark.parametrize("seed", range(CHUNKS))
def test_no_request_breaks_a_public_page(seed: int, site: raw.Site, cached: PageCache) -> None:
    answers, seconds = Counter[int](), list[float]()
    before = 0
    with tracebacks_kept() as tracebacks:
        for number in range(EACH):
            sent = raw.request(site, seed, number)
            begun = perf_counter()
            try:
                answer = raw.answered(cached, sent)
            except Exception as error:
                raise AssertionError(f"{error!r} by {told(seed, number, sent)}") from error
            seconds.append(perf_counter() - begun)
            assert tracebacks == [], told(seed, number, sent)
            if answer:
                assert wrong_with(answer) == "", told(seed, number, sent)
            answers[answer.status if answer else 0] += 1
            before = before or (resident() if number >= EACH // 2 else 0)
    growth = resident() - before
    figures = {"requests": EACH, "answers": dict(sorted(answers.items())), "growth_of_second_half_MB": round(growth / 2**20, 1)}
    record("hostile", f"public, seed {seed}", **figures, p99_ms=percentile(seconds, 0.99), longest_ms=percentile(seconds, 1))
    assert growth < MOST_GROWTH
    for status in (200, 302, 304, 400, 403, 404, 414):
        assert answers[status], f"nothing was answered {status}: {answers}"
    assert len(cached.pages) > 50, "it went through the cache"


def test_nor_one_that_comes_as_bytes(site: raw.Site, tmp_path: Path) -> None:
    """Four at a time. Whatever a server takes for a second request on the connection is answered like the first."""
    answers, seconds, wrong = Counter[int](), list[float](), list[str]()
    log = tmp_path / "log"
    threads = 4

    def send(first: int) -> None:
        for number in range(first, OVER_SOCKETS, threads):
            sent = raw.request(site, 1_000, number)
            begun = perf_counter()
            try:
                found = raw.over_socket(port, sent)
            except OSError as error:
                wrong.append(f"{error!r} by {told(1_000, number, sent)}")
                continue
            seconds.append(perf_counter() - begun)
            answers.update([answer.status for answer in found] or [0])
            wrong.extend(f"{words}: {told(1_000, number, sent)}" for answer in found if (words := wrong_with(answer)))
            if number == OVER_SOCKETS // 4:
                before.append(resident(worker))

    with logged(tmp_path, log, PAGE_CACHE_MB="8", MEDIA_ROOT=str(settings.MEDIA_ROOT)) as (port, process):
        worker, before = worker_of(process), list[int]()
        senders = [threading.Thread(target=send, args=[first]) for first in range(threads)]
        for one in senders:
            one.start()
        for one in senders:
            one.join()
        assert process.poll() is None and worker_of(process) == worker, "it is still the same process"
        growth = resident(worker) - before[0]
    figures = {"requests": OVER_SOCKETS, "answers": dict(sorted(answers.items())), "resident_before_MB": before[0] // 2**20}
    record("hostile", "public, over sockets", **figures, growth_MB=round(growth / 2**20, 1), p99_ms=percentile(seconds, 0.99))
    said = [
        line for line in log.read_text(errors="replace").splitlines() if "DisallowedHost" not in line
    ]  # it has no traceback
    errors = [number for number, line in enumerate(said) if "Traceback" in line or " ERROR " in line]
    assert not errors, "\n".join(said[errors[0] :][:20])
    assert wrong == []
    assert growth < MOST_GROWTH
    assert {200, 400, 404, 414, 431, 501} <= answers.keys()


@pytest.mark.django_db  # one mark in the module makes the tests' own database; the others use it without a transaction around
def test_the_same_numbers_make_the_same_requests(site: raw.Site) -> None:
    first, again, other = ([raw.request(site, seed, number) for number in range(200)] for seed in (1, 1, 2))
    assert first == again != other
    assert raw.request(site, 1, 150) == first[150], "each by itself"


def test_every_kind_of_address_and_of_spoilt_input_is_tried(site: raw.Site) -> None:
    every = b"\n".join(raw.request(site, seed, number) for seed in range(CHUNKS) for number in range(1_250))
    for address in site.addresses:
        assert address.encode() in every, address
    for name in site.parameters:
        assert f"?{name}=".encode() in every or f"&{name}=".encode() in every, name
    for part in (
        b"%00", b"%ED%A0%80", b"\xff\xfe", b"a" * 10_000, b"=1000000", b"Host: evil.example", b"\r\nHost: testserver\r\nHost: ",
        b"Range: bytes=", b"Accept-Encoding: gzip;q=x", b"If-None-Match: ", b"X-Forwarded-Host: ",
        b"Transfer-Encoding: chunked", b"Content-Length: -1", b"PROPFIND /", b"TRACE /", b"/preview/", b"as-at=",
        b"before=2016", b"%26" * 99, b"Cookie: ",
    ):  # fmt: skip
        assert part in every, part


def broken(request: HttpRequest) -> HttpResponse:
    raise RuntimeError("a fault of ours")


def unclean(request: HttpRequest) -> HttpResponse:
    answer = HttpResponse("a")
    answer.set_cookie("a", "b")
    return answer


urlpatterns += [path("broken/", broken), path("unclean/", unclean)]


@pytest.mark.urls(__name__)
@pytest.mark.parametrize(("address", "found"), [("/broken/", "answers 500"), ("/unclean/", "a cookie for a visitor")])
def test_what_is_wrong_is_found(site: raw.Site, cached: PageCache, address: str, found: str) -> None:
    with tracebacks_kept() as tracebacks:
        answer = raw.answered(cached, raw.Raw(address.encode()).content())
    assert answer and wrong_with(answer) == found
    assert len(tracebacks) == (1 if address == "/broken/" else 0)


# Without a network

UNSHARE = ["unshare", "--net"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--net"]
OTHERS = {"/favicon.ico": 302, "/static/css/site.css": 404, "/static/nowhere.css": 404}
"""Answers that are none of 200: static files are not collected here."""


def test_every_page_answers_without_a_network(site: raw.Site, tmp_path: Path) -> None:
    """The site asks nobody: in a network namespace without a route it answers as ever."""
    if subprocess.run([*UNSHARE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine lets nobody make a network namespace")
    asked = [address for address in (*site.addresses, *site.previews) if address != "/static/css/site.css"]
    served = environment(tmp_path, MEDIA_ROOT=str(settings.MEDIA_ROOT), CONTACT_EMAIL="a@example.org")
    done = subprocess.run(
        [*UNSHARE, sys.executable, "-m", "tests.hostile.no_network", str(tmp_path)],
        input=json.dumps(asked), capture_output=True, text=True, cwd=ROOT, env=served, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2_000:]
    found = json.loads(done.stdout.splitlines()[-1])
    wrong = {address: status for address, status in found.items() if status != OTHERS.get(address, 200)}
    assert wrong == {} and len(found) > 100
