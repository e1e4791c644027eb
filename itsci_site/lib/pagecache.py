"""Whole answers of public pages, given before Django's middleware runs, and never older than the last commit (decision 27).

Where the database does not answer, copies from disk are given (`lastgood.py`), never what is kept here: words whose consent has
ended meanwhile could be in it.

An answer is kept under the state of the content that was read *before* it was made, so that one made while somebody published
is kept as old and never given again. What may be kept is said by the views (`kept`); what is kept says by itself until when.
"""

import os
import re
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from io import BytesIO
from typing import Any, Protocol, TypeVar

from django.conf import settings
from django.db import DEFAULT_DB_ALIAS
from django.http import HttpRequest
from django.http.request import split_domain_port, validate_host

from . import pulse
from .lastgood import Stored

Start = Callable[..., Any]
Application = Callable[[dict[str, Any], Start], Iterable[bytes]]
View = TypeVar("View", bound=Callable[..., Any])

RENDERING = "itsci.rendering"
"""Where the environment of a request says that its answer may be kept: a `Rendering`."""
AWAY = "itsci.away"
"""Where the environment of a request says that the database does not answer, and is not to be asked."""
KEYED = {"HTTP_HOST", "HTTP_X_FORWARDED_PROTO", "HTTP_SAVE_DATA"}
"""The headers that a kept answer may rest on. It is made without any other: nobody's request shows in another's page."""
OF_A_REQUEST = {"REQUEST_METHOD", "SCRIPT_NAME", "PATH_INFO", "QUERY_STRING", "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL"}
"""With those headers, all that is needed to ask for a page again."""
VARIES_BY = {"accept-encoding", "save-data"}
"""What tells the answers to one address apart. One that varies by anything else is not kept."""
COMPRESSED = re.compile(r"text/|application/([\w.+-]+\+)?(json|xml|javascript)|image/svg")
OF_THE_BODY = {"content-type", "content-length", "content-encoding", "content-language", "content-disposition", "last-modified"}
"""Headers that a 304 leaves out: the browser has them with what it keeps."""
OF_ONE_ANSWER = {"vary", "etag", "content-length", "x-request-id"}
"""Headers that are set anew, or that name the request whose answer was kept, which nobody else made."""
AT_ONCE = 2**18
"""Bytes of an answer that streams which are made before it begins, so that a small one is whole or another one."""
LONGEST_WAIT = 10.0
"""Seconds that a request waits for another one that makes the same page; then it makes its own."""


@dataclass(frozen=True, slots=True)
class State:
    """What the content is, and when: `mark` changes with each commit, `now` is the database's clock in seconds."""

    mark: str
    now: float


@dataclass(frozen=True, slots=True)
class Fresh(State):
    """`until`: the moment, by the same clock, at which pages change by themselves."""

    until: float


class Content(Protocol):
    """How a process knows the state of the content. Any error of either means: not known, so Django answers."""

    def state(self) -> State: ...

    def fresh(self) -> Fresh: ...


def kept(*parameters: str, refuses: bool = False) -> Callable[[View], View]:
    """Marks a view whose answers may be kept. `parameters`: the query parameters it reads; an address with any other, or with
    one twice, is redirected to the one without. `refuses`: it answers 400 to those itself."""

    def mark(view: View) -> View:
        view.kept = None if refuses else frozenset(parameters)  # type: ignore[attr-defined]
        return view

    return mark


@dataclass(slots=True)
class Rendering:
    """What is known, while an answer is made, about keeping it: `fresh` is None as long as it is none to keep."""

    content: Content
    fresh: Fresh | None = None
    is_lost: bool = False
    """Was the database lost while the answer was made? Then it is an error page."""

    def begin(self) -> None:
        """From here on what is asked of the content goes into an answer to keep; its state is asked first."""
        with suppress(Exception):  # not known: then it is not kept
            self.fresh = self.content.fresh()


def lost(request: HttpRequest) -> None:
    """The database was lost while this request was answered: a copy is given instead, where there is one."""
    rendering = request.environ.get(RENDERING) if hasattr(request, "environ") else None
    if rendering is not None:
        rendering.is_lost = True


def begin(request: HttpRequest) -> None:
    """The view of this request is one whose answer may be kept: it is made whole and plain, for everyone."""
    rendering = request.environ.get(RENDERING) if hasattr(request, "environ") else None
    if rendering is not None:
        rendering.begin()
        for name in [name for name in request.META if name.startswith("HTTP_") and name not in KEYED]:
            del request.META[name]
        request.COOKIES.clear()


@dataclass(slots=True)
class Page:
    """One kept answer: its headers, and its body in each encoding that was asked for so far."""

    mark: str
    until: float
    headers: list[tuple[str, str]]
    not_modified: list[tuple[str, str]]
    bodies: dict[str, bytes]
    tag: str
    is_compressed: bool
    asked_with: dict[str, Any]
    """The request that it answers, without anything of the visitor's, for making it again ahead of others."""
    answers: dict[str, tuple[list[tuple[str, str]], bytes]] = field(default_factory=dict)

    def holds(self, state: State) -> bool:
        return self.mark == state.mark and state.now < self.until

    def etag(self, encoding: str) -> str:
        """Strong: it names these bytes. Another one for each encoding."""
        return f'"{self.tag}-{encoding}"' if encoding else f'"{self.tag}"'

    @property
    def size(self) -> int:
        return 2_000 + sum(map(len, self.bodies.values()))  # the headers and the request weigh about this


class Pages:
    """The pages of one process, by key, the least recently asked for out first. Safe for threads."""

    def __init__(self, most: int, most_bytes: int) -> None:
        self.most, self.most_bytes = most, most_bytes
        self.bytes = 0
        self._pages: OrderedDict[Any, Page] = OrderedDict()
        self._lock = threading.Lock()

    def __len__(self) -> int:
        return len(self._pages)

    def get(self, key: Any) -> Page | None:
        page = self._pages.get(key)
        if page is not None:
            try:  # noqa: SIM105 - run for every visitor, and a context manager costs as much as all the rest here
                self._pages.move_to_end(key)
            except KeyError:  # thrown out at this moment
                pass
        return page

    def put(self, key: Any, page: Page) -> None:
        if page.size > self.most_bytes // 4:
            return self.drop(key)
        with self._lock:
            self._forget(key)
            self._pages[key] = page
            self.bytes += page.size
            self._shrink()

    def add_body(self, key: Any, page: Page, encoding: str, body: bytes) -> None:
        with self._lock:
            if encoding not in page.bodies:
                page.bodies[encoding] = body
                if self._pages.get(key) is page:
                    self.bytes += len(body)
                    self._shrink()

    def drop(self, key: Any) -> None:
        with self._lock:
            self._forget(key)

    def recent(self, most: int) -> list[tuple[Any, Page]]:
        """The most recently asked for, the last one first."""
        with self._lock:
            found = list(self._pages.items())
        return found[: -most - 1 : -1]

    def _forget(self, key: Any) -> None:
        if old := self._pages.pop(key, None):
            self.bytes -= old.size

    def _shrink(self) -> None:
        while self._pages and (len(self._pages) > self.most or self.bytes > self.most_bytes):
            _key, old = self._pages.popitem(last=False)
            self.bytes -= old.size


class PageCache:
    """A WSGI application before another. `encoders`: what compresses a body, by the name of the encoding, the best first."""

    def __init__(
        self,
        application: Application,
        content: Content,
        encoders: Mapping[str, Callable[[bytes], bytes]],
        most: int,
        most_bytes: int,
        skipped: tuple[str, ...] = (),
        begin: Callable[["PageCache"], None] = lambda cache: None,
        last_good: Callable[[str], Stored | None] = lambda address: None,
        made: Callable[[str], None] = lambda address: None,
    ) -> None:
        """`begin` is called once a process, before its first answer. Paths that begin with `skipped` are Django's alone.

        `last_good` gives the copy of an address from disk; `made` is told of each page that was made.
        """
        self.application, self.content, self.encoders, self.skipped = application, content, encoders, skipped
        self._encodings = tuple(encoders)
        self._begin, self._pid = begin, 0
        self._last_good, self._tell_made = last_good, made
        self.pages = Pages(most, most_bytes)
        self._making: dict[Any, threading.Lock] = {}
        self._guard = threading.Lock()

    def __call__(self, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        if self._pid != os.getpid():  # a fork takes no thread with it
            self._pid = os.getpid()
            self._begin(self)
        key = self._key(environ)
        if _database(key).is_away():
            return self._without_database(key, environ, start_response)
        if key is None:
            return self.application(environ, start_response)
        try:
            state = self.content.state()
        except Exception:  # whatever it was, Django meets it too and says so
            return self._without_database(key, environ, start_response)
        page = self.pages.get(key)
        if page is None or not page.holds(state):
            with self._alone(key):
                page = self.pages.get(key)
                if page is None or not page.holds(state):
                    if pulse.database.is_away():  # since: while this one waited for another
                        return self._without_database(key, environ, start_response)
                    answer = self._made(key, environ, start_response)
                    if not isinstance(answer, Page):
                        return answer
                    page = answer
        return self._given(key, page, environ, start_response)

    def refresh(self, most: int) -> int:
        """Makes the pages most recently asked for again where they are no longer true. How many were made.

        Rests after each as long as that took, so that visitors meanwhile get half of the processor at least.
        """
        made = 0
        for key, page in self.pages.recent(most):
            try:
                if page.holds(self.content.state()):
                    continue
            except Exception:
                return made
            begun = time.monotonic()
            with self._alone(key):
                answer = self._made(key, request_of_nobody(page.asked_with), lambda *_: None)
                if isinstance(answer, Page):
                    made += 1
                    for encoding in page.answers:
                        answer.answers[encoding] = self._encoded(key, answer, encoding)
                else:
                    close(answer)
            time.sleep(time.monotonic() - begun)
        return made

    def _without_database(self, key: Any, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        """The copy from disk; without one what Django says, which is told not to ask where that would have to wait."""
        if key is not None and (copy := self._copy(environ, start_response)) is not None:
            return copy
        if _database(key).is_away():
            environ = environ | {AWAY: True}
        return self.application(environ, start_response)

    def _copy(self, environ: Mapping[str, Any], start_response: Start) -> Iterable[bytes] | None:
        """The answer from disk, begun, where there is one."""
        stored = self._last_good(_address(environ))
        if stored is None:
            return None
        headers = list(stored.headers)
        body = stored.packed
        if _accepted(environ.get("HTTP_ACCEPT_ENCODING", ""), ("gzip",)):
            headers.append(("Content-Encoding", "gzip"))
        else:
            body = stored.body
        start_response("200 OK", [*headers, ("Vary", "Accept-Encoding"), ("Content-Length", str(len(body)))])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]

    def _key(self, environ: dict[str, Any]) -> Any:
        """What tells one kept answer from another; None where none is given."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return None
        path = environ.get("PATH_INFO", "")
        if path.startswith(self.skipped):
            return None
        host = environ.get("HTTP_HOST", "")
        is_secure = _is_secure(environ)
        if not _is_ours(host) or (settings.SECURE_SSL_REDIRECT and not is_secure):
            return None
        origin = "" if settings.SITE_URL else (is_secure, host)
        return origin, environ.get("SCRIPT_NAME", ""), path, environ.get("QUERY_STRING", ""), _saves(environ)

    @contextmanager
    def _alone(self, key: Any) -> Iterator[None]:
        """One request makes a page; those who ask meanwhile wait for it, and look again by what they know themselves."""
        with self._guard:
            lock = self._making.setdefault(key, threading.Lock())
        is_held = lock.acquire(timeout=LONGEST_WAIT)
        try:
            yield
        finally:
            with self._guard:
                if is_held and self._making.get(key) is lock:
                    del self._making[key]  # who waits holds the lock itself; who comes now finds the page
            if is_held:
                lock.release()

    def _made(self, key: Any, environ: dict[str, Any], start_response: Start) -> Page | Iterable[bytes]:
        """The page, kept; or the answer itself, begun, where it is not one to keep."""
        asked_with = {name: environ[name] for name in (OF_A_REQUEST | KEYED | {"wsgi.url_scheme"}) & environ.keys()}
        rendering = Rendering(self.content)
        inner = environ | {RENDERING: rendering}
        if environ["REQUEST_METHOD"] == "HEAD":
            inner["REQUEST_METHOD"] = "GET"
        begun: list[tuple[str, list[tuple[str, str]]]] = []

        def start(status: str, headers: list[tuple[str, str]], _error: Any = None) -> Any:
            begun[:] = [(status, headers)]
            return None

        try:
            answer = self.application(inner, start)
            if getattr(answer, "streaming", False):
                answer = _Begun(answer)
        except Exception as error:
            if not pulse.is_lost(error) or (copy := self._copy(environ, start_response)) is None:
                raise
            return copy
        if rendering.is_lost and (copy := self._copy(environ, start_response)) is not None:
            close(answer)
            return copy
        status, headers = begun[0]
        if rendering.fresh is None or not _may_be_kept(status, headers, answer):
            self.pages.drop(key)
            start_response(status, headers)
            if environ["REQUEST_METHOD"] == "HEAD":
                close(answer)
                return []
            return answer
        try:
            body = b"".join(answer)
        finally:
            close(answer)
        page = self._page(rendering.fresh, headers, body, asked_with)
        self.pages.put(key, page)
        self._tell_made(_address(environ))
        return page

    def _page(self, fresh: Fresh, headers: list[tuple[str, str]], body: bytes, asked_with: dict[str, Any]) -> Page:
        named = {name.lower(): value for name, value in headers}
        is_compressed = bool(COMPRESSED.match(named.get("content-type", ""))) and len(body) > 200
        vary = [one.strip() for one in named.get("vary", "").split(",") if one.strip().lower() not in ("", "accept-encoding")]
        vary += ["Accept-Encoding"] if is_compressed else []
        left = [(name, value) for name, value in headers if name.lower() not in OF_ONE_ANSWER]
        if vary:
            left.append(("Vary", ", ".join(vary)))
        tag = sha256(named.get("content-type", "").encode() + body).hexdigest()[:24]
        not_modified = [(name, value) for name, value in left if name.lower() not in OF_THE_BODY]
        return Page(fresh.mark, fresh.until, left, not_modified, {"": body}, tag, is_compressed, asked_with)

    def _given(self, key: Any, page: Page, environ: dict[str, Any], start_response: Start) -> Iterable[bytes]:
        encoding = _accepted(environ.get("HTTP_ACCEPT_ENCODING", ""), self._encodings) if page.is_compressed else ""
        if (asked := environ.get("HTTP_IF_NONE_MATCH")) and (etag := _match(asked, page.tag, self.encoders)):
            start_response("304 Not Modified", [*page.not_modified, ("ETag", etag)])
            return []
        answer = page.answers.get(encoding)
        if answer is None:
            answer = page.answers[encoding] = self._encoded(key, page, encoding)
        start_response("200 OK", answer[0])
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [answer[1]]

    def _encoded(self, key: Any, page: Page, encoding: str) -> tuple[list[tuple[str, str]], bytes]:
        if encoding not in page.bodies:
            self.pages.add_body(key, page, encoding, self.encoders[encoding](page.bodies[""]))
        body = page.bodies[encoding]
        headers = [*page.headers, ("ETag", page.etag(encoding)), ("Content-Length", str(len(body)))]
        if encoding:
            headers.append(("Content-Encoding", encoding))
        return headers, body


def _database(key: Any) -> pulse.Pulse:
    """Of what may be kept that of the public, of all else the one that staff work on."""
    return pulse.database if key is not None else pulse.of(DEFAULT_DB_ALIAS)


class _Begun:
    """An answer that streams, with its first AT_ONCE bytes made. Raises what making them raises, the answer closed."""

    streaming = True

    def __init__(self, answer: Any) -> None:
        self._answer, self._rest = answer, iter(answer)
        self._first: list[bytes] = []
        size = 0
        try:
            while size < AT_ONCE and (chunk := next(self._rest, None)) is not None:
                self._first.append(chunk)
                size += len(chunk)
        except BaseException:
            close(answer)
            raise

    def __iter__(self) -> Iterator[bytes]:
        yield from self._first
        self._first.clear()
        yield from self._rest

    def close(self) -> None:
        close(self._answer)


def _address(environ: Mapping[str, Any]) -> str:
    """Path and query, as they name an answer on disk."""
    path, query = environ.get("PATH_INFO", ""), environ.get("QUERY_STRING", "")
    return f"{path}?{query}" if query else path


def _may_be_kept(status: str, headers: list[tuple[str, str]], answer: Any) -> bool:
    if not status.startswith("200 ") or getattr(answer, "streaming", False):
        return False
    for name, value in headers:
        match name.lower():
            case "set-cookie" | "content-encoding":
                return False
            case "cache-control" if "no-store" in value:
                return False
            case "vary" if {one.strip().lower() for one in value.split(",")} - VARIES_BY:
                return False
    return True


def request_of_nobody(asked_with: Mapping[str, Any]) -> dict[str, Any]:
    """The environment of a request that nobody makes; `asked_with` has its method, address and host."""
    rest = {"wsgi.version": (1, 0), "wsgi.input": BytesIO(), "wsgi.errors": sys.stderr}
    return {**asked_with} | rest | {"wsgi.multithread": True, "wsgi.multiprocess": True, "wsgi.run_once": False}


def close(answer: Any) -> None:
    """Ends an answer, where it has an end of its own."""
    if hasattr(answer, "close"):
        answer.close()


def _is_secure(environ: dict[str, Any]) -> bool:
    """As HttpRequest.is_secure."""
    if proxy := settings.SECURE_PROXY_SSL_HEADER:
        name, value = proxy
        if (told := environ.get(name)) is not None:
            return told.partition(",")[0].strip() == value
    return environ.get("wsgi.url_scheme") == "https"


@lru_cache(maxsize=256)
def _is_ours(host: str) -> bool:
    """As HttpRequest.get_host; what it would refuse, it shall refuse itself."""
    domain, _port = split_domain_port(host)
    allowed = settings.ALLOWED_HOSTS or (["localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    return bool(domain) and validate_host(domain, allowed)


def _saves(environ: dict[str, Any]) -> bool:
    return "HTTP_SAVE_DATA" in environ and environ["HTTP_SAVE_DATA"].partition(";")[0].strip().lower() == "on"


@lru_cache(maxsize=256)
def _accepted(header: str, encodings: tuple[str, ...]) -> str:
    """The best encoding that the header of a request takes; empty for none."""
    weights = {}
    for one in header.lower().split(","):
        name, _semicolon, rest = one.partition(";")
        weight = rest.strip().removeprefix("q=")
        with suppress(ValueError):
            weights[name.strip()] = float(weight) if weight else 1.0
    for encoding in encodings:
        if weights.get(encoding, weights.get("*", 0.0)) > 0:
            return encoding
    return ""


def _match(asked: str, tag: str, encodings: Iterable[str]) -> str:
    """The one among the tags of a request that names this page, in whatever encoding; empty if none does."""
    if asked.strip() == "*":
        return f'"{tag}"'
    if tag not in asked:
        return ""
    ours = {f'"{tag}"', *(f'"{tag}-{encoding}"' for encoding in encodings)}
    return next((one for one in (given.strip().removeprefix("W/") for given in asked.split(",")) if one in ours), "")


class Listening:
    """The state of the content, known in this process: a thread hears of every commit, and asks again within a second.

    Whoever asks for the state gets what was true at most `LONGEST` seconds ago, whatever became of the notice: what is older is
    not believed, but asked of the database.
    """

    LONGEST = 1.0
    AGAIN = 0.4

    def __init__(self, content: Content, notices: Callable[[], Any], changed: Callable[[], None] = lambda: None) -> None:
        """`notices` gives a context manager of a function that waits for a notice for so many seconds."""
        self.content, self.notices, self.changed = content, notices, changed
        self._known: tuple[State, float] | None = None

    def state(self) -> State:
        known, now = self._known, time.monotonic()
        if known is None or now - known[1] > self.LONGEST:
            return self._ask()
        return State(known[0].mark, known[0].now + now - known[1])

    def fresh(self) -> Fresh:
        return self.content.fresh()

    def begin(self) -> None:
        """In each process of its own."""
        self._known = None
        threading.Thread(target=self._listen, name="content", daemon=True).start()

    def _ask(self) -> State:
        asked = time.monotonic()  # before: the answer is as old as the question
        state = self.content.state()
        last, self._known = self._known, (state, asked)
        if last is not None and last[0].mark != state.mark:
            self.changed()
        return state

    def _listen(self) -> None:
        while True:
            with suppress(Exception), self.notices() as wait:  # a database that is away is asked again
                while True:
                    self._ask()
                    wait(self.AGAIN)
            time.sleep(self.AGAIN)
