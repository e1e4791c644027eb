"""The page cache before an application of a few lines: what it keeps, how long, in which encodings, for how many at once."""

import gzip
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import contextmanager
from typing import Any

import pytest

from itsci_site.lib.pagecache import RENDERING, Content, Fresh, Listening, PageCache, State

ENCODERS = {"br": lambda body: b"br" + body[:40], "gzip": lambda body: gzip.compress(body, mtime=0)}
HTML = [("Content-Type", "text/html; charset=utf-8"), ("Cache-Control", "no-cache"), ("X-Frame-Options", "DENY")]


class Known:
    """Content whose state the tests set."""

    def __init__(self) -> None:
        self.mark, self.now, self.until, self.asked = "one", 100.0, 1_000.0, 0
        self.is_away = False

    def state(self) -> State:
        if self.is_away:
            raise OSError("the database is away")
        self.asked += 1
        return State(self.mark, self.now)

    def fresh(self) -> Fresh:
        state = self.state()
        return Fresh(state.mark, state.now, self.until)


class Site:
    """Answers with what it is told, and counts how often it is asked."""

    def __init__(self) -> None:
        self.words, self.status, self.headers = "Hello " * 100, "200 OK", list(HTML)
        self.is_marked, self.calls = True, 0
        self.seen: list[dict[str, Any]] = []
        self.act: Callable[[], None] = lambda: None

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.calls += 1
        self.seen.append(environ)
        if self.is_marked and RENDERING in environ:
            environ[RENDERING].begin()
        words = self.words
        self.act()
        start_response(self.status, self.headers)
        return [words.encode()]


@pytest.fixture
def known() -> Known:
    return Known()


@pytest.fixture
def site() -> Site:
    return Site()


@pytest.fixture
def cache(site: Site, known: Known, settings: Any) -> PageCache:
    settings.ALLOWED_HOSTS, settings.SECURE_SSL_REDIRECT, settings.SITE_URL = ["here.example"], False, "https://here.example"
    return made(site, known)


def made(site: Any, content: Content, most: int = 50, most_bytes: int = 2**20) -> PageCache:
    return PageCache(site, content, ENCODERS, most, most_bytes, skipped=("/admin/",))


class Answer:
    def __init__(self, cache: PageCache, path: str = "/", method: str = "GET", query: str = "", **headers: str) -> None:
        environ = {
            "REQUEST_METHOD": method, "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "", "wsgi.url_scheme": "http",
            "HTTP_HOST": "here.example", "SERVER_NAME": "here.example", "SERVER_PORT": "80",
        }  # fmt: skip
        environ |= {f"HTTP_{name.upper()}": value for name, value in headers.items()}
        begun: list[Any] = []
        body = cache(environ, lambda status, given, error=None: begun.append((status, given)))
        self.body = b"".join(body)
        self.status, given = begun[0]
        self.headers = {name.lower(): value for name, value in given}
        assert len(given) == len(self.headers), "a header stands twice"


def test_the_second_answer_is_the_first_one_without_asking(cache: PageCache, site: Site) -> None:
    first, second = Answer(cache), Answer(cache)
    assert (first.status, first.body, first.headers) == (second.status, second.body, second.headers)
    assert second.body == site.words.encode() and second.headers["x-frame-options"] == "DENY"
    assert site.calls == 1


def test_each_encoding_has_its_bytes_and_its_tag(cache: PageCache, site: Site) -> None:
    plain, small, smaller = (
        Answer(cache),
        Answer(cache, accept_encoding="gzip"),
        Answer(cache, accept_encoding="gzip, deflate, br"),
    )
    assert gzip.decompress(small.body) == plain.body and smaller.body == ENCODERS["br"](plain.body)
    assert [one.headers.get("content-encoding") for one in (plain, small, smaller)] == [None, "gzip", "br"]
    assert len({one.headers["etag"] for one in (plain, small, smaller)}) == 3
    assert all(one.headers["etag"].startswith('"') for one in (plain, small, smaller)), "strong"
    for one in (plain, small, smaller):
        assert one.headers["vary"] == "Accept-Encoding" and one.headers["content-length"] == str(len(one.body))
    assert site.calls == 1


@pytest.mark.parametrize(
    ("header", "encoding"),
    [
        ("br;q=0, gzip", "gzip"), ("gzip;q=0", None), ("*", "br"), ("*;q=0", None), ("identity", None), ("GZIP", "gzip"),
        ("br;q=1.0, gzip;q=0.8", "br"), ("gzip;q=nonsense", None), ("", None), (",;=", None), ("br; q=0", None),
    ],
)  # fmt: skip
def test_what_a_browser_takes_is_read(cache: PageCache, header: str, encoding: str | None) -> None:
    assert Answer(cache, accept_encoding=header).headers.get("content-encoding") == encoding


def test_what_is_no_text_is_not_compressed(cache: PageCache, site: Site) -> None:
    site.headers = [("Content-Type", "image/png")]
    answer = Answer(cache, accept_encoding="br")
    assert "content-encoding" not in answer.headers and "vary" not in answer.headers


def test_who_has_it_gets_304(cache: PageCache, site: Site) -> None:
    for accepted in ("", "gzip", "br"):
        had = Answer(cache, accept_encoding=accepted).headers["etag"]
        again = Answer(cache, accept_encoding=accepted, if_none_match=f'"another", W/{had}')
        assert (again.status, again.body, again.headers["etag"]) == ("304 Not Modified", b"", had)
        assert "content-type" not in again.headers and again.headers["cache-control"] == "no-cache"
        assert again.headers["x-frame-options"] == "DENY"
    assert Answer(cache, if_none_match="*").status == "304 Not Modified"
    for other in ('"another"', had.strip('"'), '"', "", f'"{had.strip(chr(34))}x"', "W/"):
        assert Answer(cache, if_none_match=other).status == "200 OK", other
    assert site.calls == 1


def test_head_has_the_headers_alone(cache: PageCache, site: Site) -> None:
    first = Answer(cache, method="HEAD")
    page = Answer(cache)
    assert first.body == b"" and first.headers == page.headers
    assert site.calls == 1 and site.seen[0]["REQUEST_METHOD"] == "GET"


def test_head_of_what_is_not_kept_has_the_headers_alone(cache: PageCache, site: Site) -> None:
    site.is_marked = False
    answer = Answer(cache, method="HEAD")
    assert (answer.status, answer.body, answer.headers["cache-control"]) == ("200 OK", b"", "no-cache")


def test_the_id_of_one_request_is_not_given_to_another(cache: PageCache, site: Site) -> None:
    site.headers = [*HTML, ("X-Request-ID", "abc")]
    for _again in range(2):
        assert "x-request-id" not in Answer(cache).headers


def test_a_change_shows_with_the_next_answer(cache: PageCache, site: Site, known: Known) -> None:
    had = Answer(cache).headers["etag"]
    site.words, known.mark = "Something else " * 50, "two"
    answer = Answer(cache, if_none_match=had)
    assert (answer.status, answer.body) == ("200 OK", site.words.encode())


def test_a_change_that_leaves_the_page_alone_leaves_its_tag_alone(cache: PageCache, known: Known) -> None:
    had = Answer(cache).headers["etag"]
    known.mark = "two"
    assert Answer(cache, if_none_match=had).status == "304 Not Modified"


def test_a_moment_that_comes_by_itself_ends_it(cache: PageCache, site: Site, known: Known) -> None:
    Answer(cache)
    known.now = known.until - 0.01
    Answer(cache)
    assert site.calls == 1
    known.now, known.until = known.until, 2_000.0
    Answer(cache)
    assert site.calls == 2


def test_what_is_published_while_a_page_is_made_is_not_missed(cache: PageCache, site: Site, known: Known) -> None:
    """The page may have read the old rows: it is kept under the old state."""

    def publish() -> None:
        known.mark, site.words, site.act = "two", "What is new " * 50, lambda: None

    site.act = publish
    assert Answer(cache).body.startswith(b"Hello")
    assert Answer(cache).body.startswith(b"What is new")
    Answer(cache)
    assert site.calls == 2


@pytest.mark.parametrize(
    "how",
    [
        {"is_marked": False}, {"status": "404 Not Found"}, {"status": "503 Service Unavailable"},
        {"status": "206 Partial Content"},
        {"headers": [*HTML, ("Set-Cookie", "a=b")]}, {"headers": [*HTML, ("Vary", "Cookie")]},
        {"headers": [*HTML, ("vary", "*")]},
        {"headers": [("Cache-Control", "no-store")]}, {"headers": [*HTML, ("Content-Encoding", "gzip")]},
    ],
)  # fmt: skip
def test_what_is_not_for_everybody_is_not_kept(cache: PageCache, site: Site, how: dict[str, Any]) -> None:
    for name, value in how.items():
        setattr(site, name, value)
    for _again in range(2):
        answer = Answer(cache)
        assert answer.status == site.status and answer.body == site.words.encode()
    assert site.calls == 2 and len(cache.pages) == 0


def test_what_becomes_private_is_dropped(cache: PageCache, site: Site, known: Known) -> None:
    Answer(cache)
    known.mark, site.status = "two", "404 Not Found"
    assert Answer(cache).status == "404 Not Found" and len(cache.pages) == 0


@pytest.mark.parametrize(
    "asked",
    [
        {"method": "POST"},
        {"path": "/admin/"},
        {"host": "elsewhere.example"},
        {"host": ""},
        {"host": "here.example@evil.example"},
    ],
)
def test_what_is_not_its_own_it_passes_on(cache: PageCache, site: Site, asked: dict[str, str]) -> None:
    Answer(cache)
    Answer(cache, **asked)
    assert site.calls == 2 and RENDERING not in site.seen[1]


def test_over_http_a_site_of_https_is_asked_itself(cache: PageCache, site: Site, settings: Any) -> None:
    Answer(cache)
    settings.SECURE_SSL_REDIRECT = True
    Answer(cache)
    assert site.calls == 2
    settings.SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    Answer(cache, x_forwarded_proto="https")
    assert site.calls == 2


def test_addresses_and_reduced_data_tell_pages_apart(cache: PageCache, site: Site) -> None:
    for _again in range(2):
        Answer(cache)
        Answer(cache, path="/fr/")
        Answer(cache, query="page=2")
        Answer(cache, save_data="on")
    Answer(cache, save_data="off; x=y", cookie="sessionid=1", user_agent="x", accept_language="fr")
    assert site.calls == 4


def test_without_a_name_of_its_own_a_site_has_pages_by_host(cache: PageCache, site: Site, settings: Any) -> None:
    settings.SITE_URL, settings.ALLOWED_HOSTS = "", ["here.example", "there.example"]
    Answer(cache)
    Answer(cache, host="there.example")
    assert site.calls == 2


def test_without_the_database_the_site_says_so_itself(cache: PageCache, site: Site, known: Known) -> None:
    Answer(cache)
    known.is_away = True
    Answer(cache)
    assert site.calls == 2
    known.is_away = False
    Answer(cache)
    assert site.calls == 2, "what was kept is still true"


def test_the_oldest_go_first(site: Site, known: Known, cache: PageCache) -> None:
    small = made(site, known, most=3)
    for path in "abc":
        Answer(small, path=path)
    Answer(small, path="a")
    Answer(small, path="d")
    assert [key[2] for key, _page in small.pages.recent(9)] == ["d", "a", "c"]


def test_its_bytes_are_bounded_in_every_encoding(site: Site, known: Known, cache: PageCache) -> None:
    site.words = "x" * 10_000
    small = made(site, known, most_bytes=100_000)
    for number in range(40):
        Answer(small, path=f"/{number}")
        Answer(small, path=f"/{number}", accept_encoding="gzip")
    assert 0 < len(small.pages) < 9
    assert small.pages.bytes == sum(page.size for _key, page in small.pages.recent(99)) <= 100_000
    site.words = "x" * 30_000
    Answer(small, path="/large")
    Answer(small, path="/large")
    assert site.calls == 42, "one page does not drive out all others"


def at_once(count: int, act: Callable[[], Any]) -> list[Any]:
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(act())) for _one in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return found


def test_many_at_once_make_it_once(cache: PageCache, site: Site) -> None:
    site.act = lambda: time.sleep(0.2)
    answers = at_once(20, lambda: Answer(cache))
    assert len(answers) == 20 and {answer.body for answer in answers} == {site.words.encode()}
    assert site.calls == 1


def test_who_waits_does_not_get_what_was_begun_before_the_change(cache: PageCache, site: Site, known: Known) -> None:
    is_making, may_end = threading.Event(), threading.Event()

    def slowly() -> None:
        is_making.set()
        may_end.wait(30)

    site.act = slowly
    first = threading.Thread(target=lambda: Answer(cache))
    first.start()
    assert is_making.wait(30)
    known.mark, site.words, site.act = "two", "What is new " * 50, lambda: None  # committed; now a reader comes
    late: list[Answer] = []
    second = threading.Thread(target=lambda: late.append(Answer(cache)))
    second.start()
    time.sleep(0.1)
    may_end.set()
    first.join(30)
    second.join(30)
    assert late[0].body.startswith(b"What is new")


def test_what_fails_while_others_wait_fails_for_one(cache: PageCache, site: Site) -> None:
    """The lock goes with the request that held it."""

    def fail() -> None:
        site.act = lambda: None
        raise ValueError("broken")

    site.act = fail
    with pytest.raises(ValueError, match="broken"):
        Answer(cache)
    assert Answer(cache).status == "200 OK"


def test_pages_are_made_again_ahead_of_readers(cache: PageCache, site: Site, known: Known) -> None:
    for path in "abc":
        Answer(cache, path=path, accept_encoding="br", user_agent="somebody", cookie="sessionid=1")
    known.mark, site.words = "two", "What is new " * 50
    assert cache.refresh(2) == 2
    assert [environ["PATH_INFO"] for environ in site.seen[3:]] == ["c", "b"], "the last asked for first"
    assert not {"HTTP_USER_AGENT", "HTTP_COOKIE"} & site.seen[-1].keys()
    assert Answer(cache, path="c", accept_encoding="br").body == ENCODERS["br"](site.words.encode())
    assert site.calls == 5
    assert cache.refresh(2) == 0
    known.is_away = True
    assert cache.refresh(3) == 0


# What a process knows by itself


class Notices:
    """Wakes who listens."""

    def __init__(self) -> None:
        self.told, self.waits = threading.Event(), 0

    @contextmanager
    def __call__(self) -> Any:
        def wait(seconds: float) -> None:
            self.waits += 1
            self.told.wait(seconds)
            self.told.clear()

        yield wait


def test_a_notice_is_enough(known: Known) -> None:
    notices, changed = Notices(), threading.Event()
    listening = Listening(known, notices, changed.set)
    listening.AGAIN = 60.0
    listening.begin()
    assert listening.state().mark == "one"
    while not notices.waits:
        time.sleep(0.01)
    asked = known.asked
    assert [listening.state().mark for _again in range(100)] == ["one"] * 100 and known.asked == asked
    known.mark = "two"
    notices.told.set()
    assert changed.wait(30) and listening.state().mark == "two"


def test_without_a_notice_nothing_older_than_a_second_is_believed(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = Listening(known, Notices())  # its thread was never begun, or has died
    now = 1_000.0
    monkeypatch.setattr("itsci_site.lib.pagecache.time.monotonic", lambda: now)
    assert listening.state().mark == "one"
    known.mark = "two"
    now += 0.99
    assert listening.state() == State("one", known.now + now - 1_000.0), "the clock goes on meanwhile"
    now += 0.02
    assert listening.state().mark == "two"


def test_a_database_that_is_away_is_not_known(known: Known, monkeypatch: pytest.MonkeyPatch) -> None:
    listening = Listening(known, Notices())
    now = 1_000.0
    monkeypatch.setattr("itsci_site.lib.pagecache.time.monotonic", lambda: now)
    listening.state()
    known.is_away, now = True, now + 2
    with pytest.raises(OSError, match="away"):
        listening.state()


def test_it_listens_again_after_the_database_was_away(known: Known) -> None:
    known.is_away = True
    changed = threading.Event()
    listening = Listening(known, Notices(), changed.set)
    listening.AGAIN = 0.02
    listening.begin()
    time.sleep(0.1)
    known.is_away = False
    while listening._known is None:
        time.sleep(0.01)
    known.mark = "two"
    assert changed.wait(30)
