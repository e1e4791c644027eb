"""Requests to public addresses that no browser would make, as the bytes of a connection: from a seed, always the same ones.

`request(site, seed, number)` makes one; `answered` gives it to an application as gunicorn would, `over_socket` to a server.
"""

import errno
import random
import re
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from gunicorn.config import Config
from gunicorn.http import wsgi
from gunicorn.http.errors import NoMoreData
from gunicorn.http.parser import RequestParser

from itsci_site import worker
from itsci_site.data_form import DownloadForm, PageForm
from itsci_site.lib.newsroom import links
from itsci_site.search_form import SearchForm
from meetings.forms import RegisterFilter
from meetings.models import Meeting
from programmes.forms import ChangesForm
from testimonials.models import Testimonial
from tests.admin.hostile import COOKIES, HEADERS, HUGE, LONG, WORDS
from tests.pages import content
from tests.security.table import ROWS

HOST = b"testserver"


@dataclass(frozen=True, slots=True)
class Site:
    """What there is to ask for. Addresses are percent-encoded."""

    addresses: tuple[str, ...]
    previews: tuple[str, ...]
    parameters: tuple[str, ...]
    filled: dict[str, str]
    """What the samples of the table of headers name: {portrait}, {meeting}, ..."""


def survey(**filled: str) -> Site:
    samples = [row.address.format(**filled).partition("?")[0] for row in ROWS.values()]
    addresses = [*content.addresses(), *samples, "/embed/miners/katanga/", "/static/css/site.css", "/static/nowhere.css"]
    pages = [address for address in addresses if address.endswith("/") and "/preview/" not in address]
    forms = (SearchForm, RegisterFilter, DownloadForm, PageForm, ChangesForm)
    names = {name for form in forms for name in form.base_fields} | {"as-at", "before", "after", "photo", "from", "to", "p"}
    names |= {name for address in addresses for name in content.parameters(address)}
    rows = [Testimonial.objects.earliest("pk"), Meeting.objects.earliest("pk")]
    previews = [address for row in rows for _language, address in links.previews(type(row), row.pk)]
    return Site(tuple([*addresses, *(f"/fr{page}" for page in pages)]), tuple(previews), tuple(sorted(names)), filled)


@dataclass(slots=True)
class Raw:
    """A request before it is bytes."""

    target: bytes
    method: bytes = b"GET"
    version: bytes = b"HTTP/1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=lambda: [(b"Host", HOST)])
    body: bytes = b""
    line_end: bytes = b"\r\n"

    def content(self) -> bytes:
        head = [b" ".join((self.method, self.target, self.version)), *(name + b": " + value for name, value in self.headers)]
        return self.line_end.join([*head, b"", b""]) + self.body


Chance = random.Random


def request(site: Site, seed: int, number: int) -> bytes:
    """The same for the same site, seed and number, whatever was asked before."""
    chance = random.Random(f"{seed} {number}")
    raw = chance.choices(list(KINDS), list(KINDS.values()))[0](site, chance)
    for spoil, share in SPOILT.items():
        if chance.random() < share:
            spoil(raw, chance)
    return raw.content()


# Addresses


def _spliced(site: Site, chance: Chance) -> Raw:
    """An address that is there with a word in it, at its end or in the place of a part."""
    address = chance.choice(site.addresses)
    word = quote(chance.choice(WORDS), safe="")
    parts = address.split("/")
    kind = chance.randrange(7)
    if kind < 2 and len(parts) > 2:
        parts[chance.randrange(1, len(parts) - 1)] = word
    elif kind == 2:
        parts.insert(chance.randrange(1, len(parts)), word)
    elif kind == 3:
        parts[-1] += word
    elif kind == 4:
        parts.insert(chance.randrange(1, len(parts)), chance.choice(STEPS))
    elif kind == 5:
        return Raw("/".join(parts).upper().encode())
    else:
        parts = [*parts[:-1], *([chance.choice(parts) or "a"] * chance.choice((1, 3, 50, 400))), ""]
    return Raw("/".join(parts).encode())


STEPS = ("", ".", "..", "%2e%2e", "%2F", "%5C..", "..;", "%252e%252e", "%u002e", "%c0%ae%c0%ae", "%", "%G0", "%00", ";a=b", "*",
    "\\", "a%0d%0aSet-Cookie:x", "%ED%A0%80", "~", "%3Fq=1", "%23", "x.css", "share.png", "index.php",
    ".env", ".git/config")  # fmt: skip


def _queried(site: Site, chance: Chance) -> Raw:
    address = chance.choice((*site.addresses, *FILES * 4, *REGISTERS * 8))
    pairs = [_pair(site, chance) for _time in range(chance.choice((1, 1, 1, 2, 3, 8)))]
    if chance.random() < 0.02:
        pairs *= 200
    return Raw(f"{address}?{_query(pairs)}".encode())


FILES = ("/data/readings.csv", "/data/readings.json", "/data/readings.xlsx", "/data/iati.xml", "/data/datapackage.json")
REGISTERS = ("/meetings/", "/fr/meetings/", "/data/corrections/", "/progress/changes/", "/progress/", "/fr/progress/miners/",
    "/where-we-work/katanga/", "/feeds/meetings.atom", "/feeds/meetings.ics", "/sitemap-pages.xml",
    "/embed/miners/katanga/")  # fmt: skip


def _pair(site: Site, chance: Chance) -> tuple[bytes, bytes]:
    name = chance.choice(site.parameters)
    words = LIKELY.get(name, ())
    value = chance.choice(words).encode() if words and chance.random() < 0.5 else chance.choice(WORDS)
    return (name.encode() if chance.random() < 0.9 else chance.choice(WORDS)), value


DAYS = ("2026-11-23", "2026-02-30", "0001-01-01", "9999-12-31", "2026-11-23T00:00", "2026-W01-1", "20261123", "-2026-01-01",
    "2026-11-23\x00", "１９９９-01-01", "today", "2999-01-01", "1000000-01-01")  # fmt: skip
COUNTS = ("1000000", "999999", "100000", "100001", "-1", "0", "1e6", "1" * 400, "0x1", "１", "1.0", " 1 ", "1\x00")
LIKELY: dict[str, tuple[str, ...]] = {
    "page": COUNTS, "p": COUNTS, "year": COUNTS, "photo": ("child-labour-katanga", "", "a" * 500),
    "region": ("katanga", "KATANGA", "katanga ", "nowhere", "katanga,rwanda"), "metric": ("miners", "nothing", "miners\x00"),
    "kind": ("story", "x", "meeting,story"), "status": ("reported", "x"), "language": ("en", "fr", "xx", "FR"),
    "as-at": DAYS, "from": DAYS, "to": DAYS,
    "before": ("2016-03-11.1", "2016-03-11.", ".1", "2016-03-11.-1", f"2016-03-11.{10**30}", "9999-99-99.1", "2016-03-11.1.1",
               f"2016-03-11.{2**63}", "0001-01-01.0", "2016-03-11.1\x00", "2016-03-11.²"),
}  # fmt: skip
LIKELY["after"] = LIKELY["before"]


def _searched(site: Site, chance: Chance) -> Raw:
    address = chance.choice(("/search/", "/fr/search/", "/meetings/", "/fr/meetings/"))
    words = chance.choice(BOMBS)(chance)
    more = [_pair(site, chance)] if chance.random() < 0.3 else []
    return Raw(f"{address}?{_query([(b'q', words.encode('utf-8', 'surrogatepass')), *more])}".encode())


def _letters(chance: Chance, most: int) -> str:
    return "".join(chance.choice("abcdefghijklmnopqrstuvwxyzéèàç'- ") for _letter in range(chance.randrange(1, most)))


BOMBS: tuple[Callable[[Chance], str], ...] = (
    lambda chance: _letters(chance, 60),
    lambda chance: " ".join(_letters(chance, 8) for _word in range(chance.randrange(1, 300))),
    lambda chance: chance.choice("&|!():*<>-'\"\\%_[]{}^~.,;") * chance.choice((1, 2, 99, 100, 101, 900)),
    lambda chance: "".join(chance.choice("&|!():*<->'\"\\%_ ab") for _sign in range(chance.randrange(1, 200))),
    lambda chance: "a" + "\u0301\u0315\u031b" * chance.choice((1, 30, 90)),
    lambda chance: (
        chance.choice(("\u202e", "\ufeff", "\u200b", "\U0010ffff", "\ud800", "\x00", "İ", "ß", "ﷺ", "👩‍👩‍👧‍👦")) * 20
    ),
    lambda chance: "(" * 90 + "a" + ")" * chance.choice((0, 89, 90)),
    lambda chance: "mine" + chance.choice((" OR ", " -", " & ", ":*", "<->", "''")) + _letters(chance, 30),
    lambda chance: "or " * 33,
    lambda chance: "a" * chance.choice((99, 100, 101, 255, 3_000)),
)
"""Words to look for that could cost a database much, or that its languages of search could take for their own signs."""


def _previewed(site: Site, chance: Chance) -> Raw:
    """The link that staff made, spoilt; sometimes not, so that drafts are shown, too."""
    address = chance.choice(site.previews)
    prefix, token = re.fullmatch(r"(.*/preview/)(.*)/", address).groups()  # type: ignore[union-attr]
    place = chance.randrange(len(token))
    token = chance.choice(
        (
            token, token[:place], token[:place] + chance.choice("aA0-_:.=") + token[place + 1 :], token + "a" * 3_000,
            token * 3, token.replace(":", "::"), token.swapcase(), ":" * 50, "a:b:c", quote(chance.choice(WORDS), safe=""),
            "%00" + token,
            token + "%00", token.rpartition(":")[0] + ":" + "é" * 9, ".eJw:1:1", token + "/x.css", token + "%2F..%2Fadmin",
        )
    )  # fmt: skip
    target = f"{prefix}{token}/"
    if chance.random() < 0.3:
        target += f"?{_query([_pair(site, chance)])}"
    return Raw(quote(target, safe="/%:?&=").encode())


def _file_asked(site: Site, chance: Chance) -> Raw:
    """Parts of what is there, and conditions."""
    raw = Raw(chance.choice((*site.addresses, *FILES)).encode())
    for _time in range(chance.choice((1, 2, 3))):
        name, values = chance.choice(CONDITIONS)
        raw.headers.append((name.encode(), chance.choice(values).encode("latin-1", "replace")))
    return raw


DATES = (
    "yesterday",
    "Sat, 99 Foo 99999 99:99:99 GMT",
    "Mon, 01 Jan 0001 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "0",
    "",
)
TAGS = ('"', 'W/"', "*", '"a", b', '"' + "a" * 5_000 + '"', ", ".join(['"a"'] * 500), 'W/"a"', '"\xe9"', "", ",,,")
CONDITIONS = (
    ("Range", ("bytes=0-0", "bytes=9-1", "bytes=-" + "9" * 40, "lines=1-2", "bytes=0-", "bytes=" + "0-1," * 900, "bytes=-0",
               "bytes=\xb2-", "bytes", "bytes=1-2-3")),
    ("If-Range", (*TAGS, *DATES)),
    ("Accept-Encoding", ("gzip;q=x", "br, gzip, nonsense", "*;q=0", "gzip;q=" + "9" * 400, "identity;q=0", "br;q=1;q=0", "\xe9",
                         "gzip" * 900, "," * 900, "BR", "gzip;q=nan", "br;q=inf", "br;q=1e999", "gzip, gzip;q=0")),
    ("If-None-Match", TAGS), ("If-Match", TAGS), ("If-Modified-Since", DATES), ("If-Unmodified-Since", DATES),
    ("Save-Data", ("on", "ON;x", "on" * 900, "\xe9")),
)  # fmt: skip


def _posted(site: Site, chance: Chance) -> Raw:
    """A body where none is read."""
    method = chance.choice((b"POST", b"PUT", b"PATCH", b"DELETE", b"GET", b"OPTIONS"))
    kind, body = chance.choice(BODIES)
    headers = [(b"Host", HOST), (b"Content-Type", kind), (b"Content-Length", str(len(body)).encode())]
    return Raw(chance.choice((*site.addresses, *site.previews)).encode(), method, headers=headers, body=body)


MULTIPART = b"multipart/form-data; boundary=b"
BODIES = (
    (b"application/x-www-form-urlencoded", b"a=1&b=%00&c=%ED%A0%80"),
    (b"application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(1_500))),
    (b"application/x-www-form-urlencoded; charset=utf-7", b"a=+2AA-"),
    (b"application/x-www-form-urlencoded; charset=undefined", b"a=1"),
    (MULTIPART, b'--b\r\nContent-Disposition: form-data; name="a"; filename="../../x"\r\n\r\nx\r\n--b--\r\n'),
    (MULTIPART, b"--b\r\n\r\n"), (b"multipart/form-data", b"x"), (b"multipart/form-data; boundary=" + b"b" * 999, b"x"),
    (b"application/json", b"{" * 5_000), (b"text/html", HUGE.encode()), (b"", b"\x00" * 100), (b"\xff\xfe", b"\xff"),
)  # fmt: skip


def _gunicorns_own(site: Site, chance: Chance) -> Raw:
    """What a server has to make out before an application is asked: lines, lengths, forms of address."""
    raw = Raw(chance.choice(site.addresses).encode())
    kind = chance.randrange(len(LINES)) if chance.random() < 0.5 else len(LINES) + chance.randrange(8)
    if kind < len(LINES):
        method, target, version = LINES[kind]
        raw.method, raw.target, raw.version = method, target or raw.target, version
    elif kind == len(LINES):
        raw.line_end = b"\n"
    elif kind == len(LINES) + 1:
        raw.headers.append(
            (b"Transfer-Encoding", chance.choice((b"chunked", b"chunked, chunked", b"gzip", b"\x0bchunked", b"x")))
        )
        raw.body = chance.choice(
            (b"0\r\n\r\n", b"5\r\nab", b"ffffffffffffffff\r\na", b"-1\r\n\r\n", b"2;a=b\r\nab\r\n0\r\n\r\n", b"\r\n")
        )
    elif kind == len(LINES) + 2:
        raw.headers += [
            (b"Content-Length", chance.choice((b"-1", b"1e3", b"9" * 40, b"+1", b"1, 1", b"0x1", b"", b"\xb2", b"3")))
        ]
        raw.headers += [(b"Content-Length", b"0")] if chance.random() < 0.5 else []
        raw.body = b"GET /admin/ HTTP/1.1\r\nHost: a\r\n\r\n"
    elif kind == len(LINES) + 3:
        raw.headers += [(b"Content-Length", b"4"), (b"Transfer-Encoding", b"chunked")]
        raw.body = b"0\r\n\r\nGET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n"
    elif kind == len(LINES) + 4:
        raw.headers += [(b"X-%d" % number, b"a") for number in range(chance.choice((90, 99, 101, 500)))]
    elif kind == len(LINES) + 5:
        raw.headers.append((chance.choice((b"X Y", b"X\x00", b" X", b"X\t", b"", b"X(", b"\xe9", b"X_Y", b"x" * 9_000)), b"a"))
    elif kind == len(LINES) + 6:
        raw.headers.append(
            (b"X-A", chance.choice((b"a\r\n b", b"\x00", b"\x7f", b"a\rb", b"a\nX-B: c", b"a" * 8_191, b"a" * 60_000)))
        )
    else:
        raw.headers.append(
            (chance.choice((b"Expect", b"Upgrade", b"Connection", b"TE", b"HTTP2-Settings")), chance.choice(EXPECTED))
        )
    return raw


LINES = (
    (b"GET", b"", b"HTTP/1.0"), (b"GET", b"", b"HTTP/0.9"), (b"GET", b"", b"HTTP/2.0"), (b"GET", b"", b"HTTP/9.9"),
    (b"GET", b"", b""), (b"GET", b"", b"http/1.1"), (b"GET", b"", b"HTTP/1.1 "), (b"GET", b"", b"XTTP/1.1"),
    (b"GET", b"*", b"HTTP/1.1"), (b"OPTIONS", b"*", b"HTTP/1.1"), (b"CONNECT", b"a:443", b"HTTP/1.1"),
    (b"GET", b"a", b"HTTP/1.1"),
    (b"GET", b"http://evil.example/", b"HTTP/1.1"), (b"GET", b"http://[", b"HTTP/1.1"),
    (b"GET", b"//evil.example/a", b"HTTP/1.1"),
    (b"GET", b"/" + LONG.encode(), b"HTTP/1.1"), (b"GET", b"/?" + LONG.encode(), b"HTTP/1.1"),
    (b"GET", b"/\xff\xfe", b"HTTP/1.1"),
    (b"GET", b"/\x00", b"HTTP/1.1"), (b"GET", b"/ /", b"HTTP/1.1"), (b"GET", b"/#a", b"HTTP/1.1"), (b"get", b"", b"HTTP/1.1"),
    (b"G\x00T", b"", b"HTTP/1.1"), (b"A" * 300, b"", b"HTTP/1.1"), (b"", b"", b"HTTP/1.1"), (b"PRI", b"*", b"HTTP/2.0"),
    (b"TRACE", b"", b"HTTP/1.1"), (b"PROPFIND", b"", b"HTTP/1.1"), (b"HEAD", b"", b"HTTP/1.1"), (b"QUERY", b"", b"HTTP/1.1"),
    (b"GET", b"http:///", b"HTTP/1.1"), (b"GET", b"http://a:b/", b"HTTP/1.1"), (b"GET", b"?q=1", b"HTTP/1.1"),
)  # fmt: skip
"""(method, target, version); an empty target is that of a page."""
EXPECTED = (
    b"100-continue",
    b"nonsense",
    b"h2c",
    b"websocket",
    b"close, X-Forwarded-Proto",
    b"trailers",
    b"AAMAAABkAAQ",
    b"Host",
)

KINDS: dict[Callable[[Site, Chance], Raw], int] = {
    _spliced: 24, _queried: 26, _searched: 10, _previewed: 8, _file_asked: 14, _posted: 8, _gunicorns_own: 10,
}  # fmt: skip


# What any of them may have besides


def _with_a_header(raw: Raw, chance: Chance) -> None:
    name, values = chance.choice(HEADERS)
    value = chance.choice(values).encode("latin-1", "replace")
    raw.headers += [(name.encode(), value)] * chance.choice((1, 1, 2, 40))


def _with_another_host(raw: Raw, chance: Chance) -> None:
    hosts = chance.choice(HOSTS)
    raw.headers = [*((b"Host", host) for host in hosts), *(pair for pair in raw.headers if pair[0] != b"Host")]


HOSTS = (
    (), (b"",), (b"evil.example",), (HOST, b"evil.example"), (b"evil.example", HOST), (HOST, HOST), (b"testserver:0",),
    (b"testserver:99999999",), (b"testserver:a",), (b"testserver@evil.example",), (b"[::1",), (b"[::1]:80",), (b"\xff",),
    (b"testserver\x00",), (b"testserver, evil.example",), (b"TESTSERVER.",), (b"a" * 5_000,), (b"127.0.0.1:80",), (b"..",),
    (b"testserver/../evil",), (b"testserver?x",), (b" testserver ",), (b"localhost",), (b"*",), (b"%74estserver",),
)  # fmt: skip


def _with_cookies(raw: Raw, chance: Chance) -> None:
    raw.headers.append((b"Cookie", chance.choice((*COOKIES, "sessionid=" + "a" * 32)).encode("latin-1", "replace")))


def _by_another_method(raw: Raw, chance: Chance) -> None:
    raw.method = chance.choice(
        (b"HEAD", b"POST", b"PUT", b"PATCH", b"DELETE", b"OPTIONS", b"TRACE", b"PROPFIND", b"LOCK", b"FOO")
    )


def _over_a_proxy(raw: Raw, chance: Chance) -> None:
    for name in (b"X-Forwarded-Host", b"X-Original-URL", b"Forwarded", b"X-Forwarded-Prefix", b"X-Script-Name", b"SCRIPT_NAME"):
        if chance.random() < 0.4:
            raw.headers.append((name, chance.choice((b"/admin/", b"evil.example", b"for=a;host=b", b"\xff", b"a" * 4_000))))


SPOILT: dict[Callable[[Raw, Chance], None], float] = {
    _with_a_header: 0.15, _with_another_host: 0.06, _with_cookies: 0.1, _by_another_method: 0.08, _over_a_proxy: 0.05,
}  # fmt: skip


def _query(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    return "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in pairs)


# Sending


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: dict[str, str]
    """By their names in small letters; the last of several."""
    body: bytes


class _Nowhere:
    """Where gunicorn would write to."""

    def send(self, _content: bytes) -> None:
        """100 Continue"""

    def getpeername(self) -> tuple[str, int]:
        return "127.0.0.1", 1


CONFIG = Config()
worker.trust_no_header(CONFIG)
PEER = ("127.0.0.1", 40_000)


def answered(application: Callable[..., Any], content: bytes) -> Answer | None:
    """As gunicorn's worker does: read by its own parser, answered by the application or, where that fails, by the worker.

    None to what ends before it is a request. What the application raises goes through.
    """
    try:
        asked = next(RequestParser(CONFIG, iter([content]), PEER))
        _response, environ = wsgi.create(asked, _Nowhere(), PEER, ("127.0.0.1", 80), CONFIG)
    except (NoMoreData, StopIteration):
        return None
    except Exception as error:
        status = next((status for kind, status in worker.STATUS.items() if isinstance(error, kind)), None)
        if status is None:
            raise
        return Answer(int(status), {"x-content-type-options": "nosniff"}, b"")
    begun: list[tuple[str, list[tuple[str, str]]]] = []
    body = application(environ, lambda status, headers, error=None: begun.append((status, headers)))
    try:
        content = b"".join(body)
    finally:
        if hasattr(body, "close"):
            body.close()
    line, headers = begun[0]
    return Answer(int(line[:3]), {name.lower(): value for name, value in headers}, content)


def over_socket(port: int, content: bytes) -> list[Answer]:
    """Every answer on one connection until the server ends it, without bodies. Raises TimeoutError where it says nothing."""
    whole = b""
    with socket.create_connection(("127.0.0.1", port), 30) as one:
        try:
            one.sendall(content)
            one.shutdown(socket.SHUT_WR)
            while piece := one.recv(1 << 16):
                whole += piece
        except OSError as error:
            if error.errno not in (errno.EPIPE, errno.ECONNRESET, errno.ENOTCONN):
                raise  # else it had read enough, and said so before
    found = []
    for head in re.findall(rb"(?s)HTTP/1\.1 \d{3} [^\r]*\r\n.*?\r\n\r\n", whole):
        first, *lines = head.decode("latin-1").split("\r\n")
        if not first.startswith("HTTP/1.1 100 "):
            headers = dict(line.lower().split(": ", 1) for line in lines if ": " in line)
            found.append(Answer(int(first[9:12]), headers, b""))
    return found
