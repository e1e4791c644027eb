"""What one visitor sends shows in no page of another, and what staff see is kept by no cache: ours, and nginx's in front."""

import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.test import Client

from benchmarks.pages import get, nginx_conf
from itsci_site.cached import ENCODERS, UNKEPT
from itsci_site.lib import pagecache
from itsci_site.lib.newsroom import links
from itsci_site.lib.pagecache import PageCache
from itsci_site.readable import Application
from regions.content_version import Content
from testimonials.models import Testimonial
from tests import factories as make
from tests.kept.server import free_port, logged
from tests.long_runs import SOAK, record
from tests.pages.content import in_language
from tests.security.table import ROWS

from . import raw

CANARY = "canary"
HEADERS: dict[str, str] = {
    "X-Forwarded-Host": "canary.example", "X-Forwarded-Server": "canary.example", "X-Host": "canary.example",
    "X-Forwarded-Scheme": "canary", "X-Forwarded-Proto": "canary", "X-Forwarded-Port": "canary", "X-Forwarded-For": "canary",
    "X-Forwarded-Prefix": "/canary", "X-Original-URL": "/canary/", "X-Rewrite-URL": "/canary/", "X-Script-Name": "/canary",
    "SCRIPT_NAME": "/canary", "PATH_INFO": "/canary/", "Forwarded": "host=canary.example;proto=canary", "Via": "canary",
    "Accept-Language": "fr, canary", "Accept": "canary/canary", "Accept-Encoding": "canary", "Accept-Charset": "canary",
    "Cookie": "canary=canary; sessionid=canary; csrftoken=canary; django_language=fr; messages=canary",
    "User-Agent": "canary", "Referer": "https://canary.example/", "Origin": "https://canary.example",
    "Authorization": "Basic canary", "X-HTTP-Method-Override": "CANARY", "X-Requested-With": "canary", "DNT": "canary",
    "X-Request-ID": "canary", "If-None-Match": '"canary"', "If-Modified-Since": "canary", "If-Range": '"canary"',
    "Range": "bytes=0-9", "Save-Data": "canary", "Sec-Fetch-Site": "canary", "Content-Type": "text/canary", "Pragma": "canary",
    "X-Wap-Profile": "https://canary.example/", "Cache-Control": "canary", "Max-Forwards": "canary", "Upgrade": "canary",
}  # fmt: skip
QUERIES = ("?canary", "?canary=1", "?utm_source=canary", "?_=canary", "?%63anary", "?lang=fr&canary", "?callback=canary")
"""Of parameters that no address reads, after what it does."""
SAMPLES = {name: row.address for name, row in ROWS.items() if name not in ("healthz", "readyz")}
"""An address of every kind, by its name."""
NEVER_THE_SAME = {"readings_xlsx", "offline_pack"}
"""Packages of files say when they were made."""


@pytest.fixture(scope="module")
def addresses(site: raw.Site) -> list[tuple[str, str]]:
    """(name, address) of every kind in each language that it has."""
    named = [(name, address.format(**site.filled)) for name, address in SAMPLES.items()]
    return named + [
        (name, in_language(address, "fr")) for name, address in named if in_language(address, "fr") in site.addresses
    ]


@pytest.fixture
def make_cache() -> Iterator[Callable[[], PageCache]]:
    """A page cache that nobody has asked yet."""
    state = Content()
    yield lambda: PageCache(Application(), state, ENCODERS, 100, 2**23, UNKEPT)
    state.close()


def asked(cache: PageCache, address: str, **headers: str) -> raw.Answer:
    head = [(b"Host", raw.HOST), *((name.encode(), value.encode()) for name, value in headers.items())]
    answer = raw.answered(cache, raw.Raw(address.encode(), headers=head).content())
    assert answer
    answer.headers.pop("x-request-id", None)  # the only one that is another each time
    return answer


def shown(answer: raw.Answer) -> bytes:
    return repr(sorted(answer.headers.items())).encode().lower() + answer.body.lower()


def poisons(number: int) -> Iterator[list[bytes]]:
    """Requests for an address, {address}, before that of somebody who sends nothing of this; each list to a cache of its own.

    All headers at once; one alone, each in turn; and queries, hosts and methods, a third of them. In `make soak` every one.
    """
    pairs = [(name.encode(), value.encode()) for name, value in HEADERS.items()]
    for headers in [pairs, *([pair] for pair in (pairs if SOAK else [pairs[number % len(pairs)]]))]:
        yield [raw.Raw(PLACE, headers=[(b"Host", raw.HOST), *headers]).content()]
    others = [raw.Raw(PLACE + words.encode()) for words in QUERIES]
    others += [raw.Raw(PLACE, headers=[(b"Host", host)]) for host in HOSTS]
    others += [raw.Raw(PLACE, method) for method in (b"HEAD", b"POST", b"OPTIONS", b"CANARY")]
    fat = [(b"Host", raw.HOST), (b"Content-Type", b"application/x-www-form-urlencoded"), (b"Content-Length", b"8")]
    others.append(raw.Raw(PLACE, headers=fat, body=b"q=canary"))
    yield [one.content() for one in (others if SOAK else others[number % 3 :: 3])]


PLACE = b"{address}"
HOSTS = (b"canary.example", b"testserver:canary", b"testserver:31337", b"testserver@canary.example")


@pytest.mark.parametrize("behind_proxy", [True, False] if SOAK else [True])
def test_nothing_of_a_visitor_shows_in_the_page_of_the_next(
    behind_proxy: bool, addresses: list[tuple[str, str]], make_cache: Callable[[], PageCache], settings: Any
) -> None:
    settings.BEHIND_PROXY, settings.SHARED_CACHE_SECONDS = behind_proxy, 60
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if behind_proxy else None
    kept, wrong, pairs = set(), [], 0
    for number, (name, address) in enumerate(addresses):
        wanted = asked(make_cache(), address)
        for requests in poisons(number):
            cache = make_cache()
            for sent in requests:
                sent = sent.replace(PLACE + b"?", PLACE + (b"&" if "?" in address else b"?")).replace(PLACE, address.encode())
                answer = raw.answered(cache, sent)
                location = answer.headers.get("location", "") if answer else ""
                if CANARY in location.lower():
                    wrong.append(f"{sent[:300]!r} leads to {location}")
            found = asked(cache, address)
            pairs += len(requests)
            if cache.pages:
                kept.add(name)
            if re.search(rb"canary|31337", shown(found)) or (found != wanted and name not in NEVER_THE_SAME):
                wrong.append(f"{address} after {requests[0][:600]!r}: {found.status} {found.headers}")
    record("hostile", f"cache poisoning, {'behind a proxy' if behind_proxy else 'alone'}", requests=pairs, wrong=len(wrong))
    assert wrong == []
    assert len(kept) > 15, f"most pages are kept: {kept}"


@pytest.mark.django_db  # one mark in the module makes the tests' own database; the others use it without a transaction around
def test_a_page_that_shows_a_header_is_found(addresses: list[tuple[str, str]]) -> None:
    """The same questions to a cache before an application that tells everybody which host it was asked for."""

    class Told:
        def state(self) -> Any:
            return fresh

        fresh = state

    fresh = pagecache.Fresh("mark", 0.0, 9e9)

    def tells(environ: dict[str, Any], start: Any) -> list[bytes]:
        environ[pagecache.RENDERING].begin()
        start("200 OK", [("Content-Type", "text/plain")])
        return [environ.get("HTTP_X_FORWARDED_HOST", "nobody").encode()]

    cache = PageCache(tells, Told(), {}, 10, 2**20)
    asked(cache, "/", **{"X-Forwarded-Host": "canary.example"})
    assert CANARY.encode() in shown(asked(cache, "/"))


# Cache deception: pages of staff under addresses that look like files

DRAFT, SOMEBODY = "Canary of a draft", "canary-alice"


@pytest.fixture(scope="module")
def secrets(site: raw.Site) -> tuple[str, list[str]]:
    """The cookie of somebody of staff, and addresses that show her or a draft, or look as if they did."""
    story = make.make_testimonial(public_from=None, quote=DRAFT)
    user = make.make_user(SOMEBODY)
    session = make.sign_in(Client(), user).cookies[settings.SESSION_COOKIE_NAME].value
    preview = links.previews(Testimonial, story.pk)[0][1]
    pages = ["/admin/", "/admin/login/", "/admin/testimonials/testimonial/", preview, f"/fr{preview}"]
    pages.append(f"/admin/testimonials/testimonial/{story.pk}/change/")
    return f"{settings.SESSION_COOKIE_NAME}={session}", [page + ending for page in pages for ending in ENDINGS] + DISGUISED


ENDINGS = ("", "x.css", ".css", "x.js", "%2ecss", ";x.css", "%3Bx.css", "%3Fx.css", "%23x.css", "%00.css", "%0Ax.css", "x.css/",
    "?x.css", "..%2Fx.css", "share.png")  # fmt: skip
DISGUISED = ["/admin", "/admin.css", "/admin%2Fx.css", "//admin/x.css", "/static/..%2Fadmin/", "/static/../admin/x.css",
    "/static/%2e%2e/admin/x.css", "/fr/../admin/x.css", "/admin/%2e%2e/static/x.css", "/ADMIN/x.css",
    "/fr/admin/x.css"]  # fmt: skip
SECRET = re.compile(f"(?i){DRAFT}|{SOMEBODY}".encode())


def test_nothing_that_staff_see_is_kept(secrets: tuple[str, list[str]], make_cache: Callable[[], PageCache]) -> None:
    cookie, addresses = secrets
    cache, seen, wrong = make_cache(), 0, []
    for address in addresses:
        answer = asked(cache, address, Cookie=cookie)
        if SECRET.search(answer.body):
            seen += 1
            if "no-store" not in answer.headers.get("cache-control", ""):
                wrong.append(f"{address} says {answer.headers.get('cache-control')}")
        if "/preview/" not in address and SECRET.search(asked(cache, address).body):
            wrong.append(f"{address} shows it to somebody else")
        if answer.status == 200 and address.startswith("/admin") and "no-store" not in answer.headers["cache-control"]:
            wrong.append(f"{address} may be stored")
    kept = [page for _key, page in cache.pages.recent(100) if SECRET.search(b"".join(page.bodies.values()))]
    assert (wrong, kept) == ([], [])
    assert seen > 8, "some of them show something"


# nginx, with deploy/nginx.conf


@pytest.fixture(scope="module")
def proxied(site: raw.Site) -> Iterator[tuple[int, int]]:
    """(port of nginx, port of the site behind it). Its answers say in X-Cache whether they come out of its cache."""
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed (Debian: apt-get install nginx-light)")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        folder.chmod(0o755)  # its workers are another account
        behind, _process = stack.enter_context(logged(folder, folder / "log", BEHIND_PROXY="on"))
        port = free_port()
        conf = nginx_conf(folder, behind, port, free_port(), host="$host")
        told = conf.read_text().replace(
            "proxy_cache_lock ", "add_header X-Cache $upstream_cache_status always; proxy_cache_lock "
        )
        conf.write_text(told)
        nginx = stack.enter_context(subprocess.Popen(["nginx", "-c", str(conf), "-p", str(folder)], stderr=subprocess.DEVNULL))
        stack.callback(nginx.terminate)
        deadline = time.monotonic() + 30
        while True:
            with suppress(OSError):
                get(port, "/robots.txt", Host="testserver")
                break
            assert nginx.poll() is None and time.monotonic() < deadline, "nginx does not answer"
            time.sleep(0.05)
        yield port, behind


def through(port: int, address: str, **headers: str) -> tuple[int, dict[str, str], bytes, str]:
    """(status, headers that are the same each time, body, what the cache did)"""
    status, pairs, body = get(port, address, **({"Host": "testserver"} | headers))
    named = {name.lower(): value for name, value in pairs}
    cache = named.pop("x-cache", "")
    for name in ("date", "server", "connection", "keep-alive", "x-request-id", "x-accel-expires", "transfer-encoding"):
        named.pop(name, None)
    return status, named, body, cache


def test_nor_through_nginx(proxied: tuple[int, int]) -> None:
    """Each header with a day of its own, so that each is the first to ask for its page."""
    port, behind = proxied
    hits, wrong = 0, []
    for number, (header, value) in enumerate(HEADERS.items()):
        if header == "Upgrade":
            continue  # answers nothing that could be read here
        for page in ("/progress/", "/fr/progress/miners/", "/data/regions.geojson"):
            address = f"{page}?as-at=2026-{1 + number // 28:02}-{1 + number % 28:02}"
            through(port, address, **{header: value})
            *found, did = through(port, address)
            *wanted, _none = through(behind, address, **{"X-Forwarded-Proto": "http"})
            hits += did == "HIT"
            if found != wanted or CANARY in repr(found):
                wrong.append(f"{address} after {header} ({did}): {found[0]} {found[1]}, not {wanted[0]} {wanted[1]}")
        for words in QUERIES[:3]:
            status, headers, _body, _did = through(port, f"/progress/{words}&as-at=2026-01-01")
            if status == 302 and CANARY in headers["location"]:
                wrong.append(f"{words} leads to {headers['location']}")
    assert wrong == []
    assert hits > len(HEADERS), "its cache was asked"


def test_nothing_that_staff_see_is_kept_by_nginx(proxied: tuple[int, int], secrets: tuple[str, list[str]]) -> None:
    port, _behind = proxied
    cookie, addresses = secrets
    seen, wrong = 0, []
    for address in addresses:
        address = address.replace("\x00", "")
        status, headers, body, _did = through(port, address, Cookie=cookie)
        seen += bool(SECRET.search(body))
        if SECRET.search(body) and "no-store" not in headers.get("cache-control", ""):
            wrong.append(f"{address} says {headers.get('cache-control')}")
        again, _headers, body, did = through(port, address)
        if did == "HIT" and status == 200 and "/static/" not in address:
            wrong.append(f"{address} comes out of the cache")
        if "/preview/" not in address and SECRET.search(body):
            wrong.append(f"{address} shows it to somebody else ({again}, {did})")
    assert wrong == []
    assert seen > 8
