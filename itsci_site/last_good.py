"""Keeps a copy of every public address on disk, for while the database does not answer (decision 29).

Whenever content has changed, a thread asks the site for the home pages, the map of the site and all that these lead to. What
it gets is made for that purpose: nobody's words are in it, and pages say as of when they are. One process of a machine does so.
"""

import logging
import re
import threading
import time
from collections import deque
from collections.abc import Iterable, Iterator
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote, unquote_to_bytes, urljoin, urlsplit
from urllib.request import Request, urlopen

from django.conf import settings
from django.db import close_old_connections
from django.templatetags.static import static
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.http import http_date

from .away import ADMIN, LAST_GOOD, WITHHELD
from .lib import pulse
from .lib.lastgood import Store
from .lib.pagecache import OF_ONE_ANSWER, Application, Content, close, request_of_nobody
from .offline import links

MOST = 5_000
"""Addresses that are kept; on a larger site those that are the most links away from the home pages are not."""
REST = 3.0
"""Seconds of rest a second of work: visitors come first."""
AGAIN = 5.0
"""Seconds until a process asks again whether another one keeps the copies."""
ENDS = OF_ONE_ANSWER | {"cache-control", "x-accel-expires", "age", "content-encoding", "last-modified"}
"""Headers that name one answer, or let it be kept; a copy is asked for each time."""
LOC = re.compile(r"<loc>([^<]+)</loc>")
IMAGE = re.compile(r'<meta property="og:image" content="([^"]+)"')
AS_OF = re.compile(rb'<p class="notice"><b>[^<]*</b>')
"""Where a copy says when it was made, which alone makes no other page of it."""
PURGE_PATIENCE = 2.0
"""Seconds."""
NOT_FOUND = 404
log = logging.getLogger(__name__)


class Keeper:
    """`application` answers under Django's own rules, with no cache before it. `content` tells when it changes."""

    def __init__(self, application: Application, content: Content, store: Store) -> None:
        self.application, self.content, self.store = application, content, store
        self._wake = threading.Event()
        self._asked: deque[str] = deque(maxlen=500)
        """Addresses that somebody asked for, which no page may lead to."""

    def begin(self) -> None:
        """In each process of its own."""
        threading.Thread(target=self._run, name="last good", daemon=True).start()

    def wake(self) -> None:
        """Content has changed."""
        self._wake.set()

    def note(self, address: str) -> None:
        """A page was made for somebody who asked. Where there is no copy of it yet, there will be."""
        if not self.store.has(address):
            self._asked.append(address)
            self._wake.set()

    def keep_all(self, rest: float = 0.0) -> int:
        """A copy of every public address, and none of any other. How many there are. `rest` is seconds a second of work.

        Raises what making a page raises, and LookupError where one fails: the copies that were not made anew are still there.
        """
        fresh = self.content.fresh()
        listed = self._listed()
        waiting = deque(dict.fromkeys([*self._entrances(), *listed, *self.store.addresses()]))
        seen, kept = set(waiting), set[str]()
        while waiting and len(kept) < MOST:
            begun = time.monotonic()
            address = waiting.popleft()
            found = self._keep(address, address in listed)
            if found is not None:
                kept.add(address)
                for link in found:
                    if link not in seen:
                        seen.add(link)
                        waiting.append(link)
            time.sleep(rest * (time.monotonic() - begun))
        self.store.prune(kept)
        self.store.note({"mark": fresh.mark, "until": fresh.until, "style": static("css/site.css"), "addresses": len(kept)})
        return len(kept)

    def _run(self) -> None:
        while True:
            try:
                with self.store.alone() as is_ours:
                    while True:
                        self._wake.wait(AGAIN)
                        self._wake.clear()
                        if pulse.database.is_away():
                            continue
                        while self._asked:
                            self._keep(self._asked.popleft(), False)
                        if is_ours and self._is_due():
                            self.keep_all(REST)
                        close_old_connections()
                        if not is_ours:
                            break
            except Exception as error:  # the database went away, or the disk is full; the next round finds out
                log.warning("Copies of pages could not be made: %s", type(error).__name__)
                close_old_connections()
                time.sleep(AGAIN)

    def _is_due(self) -> bool:
        noted, state = self.store.noted(), self.content.state()
        made_from = (noted.get("mark"), noted.get("style"))
        return made_from != (state.mark, static("css/site.css")) or state.now >= noted.get("until", 0)

    def _entrances(self) -> list[str]:
        found = []
        for code, _name in settings.LANGUAGES:
            with translation.override(code):
                found += [reverse("our_work"), reverse("where_we_work"), reverse("progress"), reverse("meetings")]
        return [*found, reverse("robots"), reverse("sitemap"), reverse("security_txt")]

    def _listed(self) -> set[str]:
        """What the map of the site lists, people's stories too, so that something is said at their addresses."""
        status, _headers, body = self._answer(reverse("sitemap"), {})
        if status != 200:
            raise LookupError("The map of the site does not answer.")
        found = set[str]()
        for part in self._own("/", LOC.findall(body.decode())):
            _status, _headers, listed = self._answer(part, {})
            found |= {part, *self._own("/", LOC.findall(listed.decode()))}
        return found

    def _keep(self, address: str, is_listed: bool) -> Iterable[str] | None:
        """Stores the copy of one address. Where it leads, or None if there is nothing public at it."""
        moment = timezone.now()
        status, headers, body = self._answer(address, {LAST_GOOD: moment})
        if status == NOT_FOUND and is_listed:
            status, headers, body = self._answer(address, {LAST_GOOD: moment, WITHHELD: True})
        if status >= 500:
            raise LookupError(f"{address} answers {status}")
        if status != 200:
            if self.store.has(address):
                self.store.drop(address)
                purge(address)
            return None
        kind = next((value for name, value in headers if name.lower() == "content-type"), "")
        left = [(name, value) for name, value in headers if name.lower() not in ENDS]
        lasting = [*left, ("Cache-Control", "no-store"), ("Last-Modified", http_date(moment.timestamp()))]
        if self.store.put(address, lasting, body, AS_OF.sub(b"", body)):
            purge(address)
        if not kind.startswith("text/html"):
            return []
        html = body.decode()
        return list(self._own(address, [*links(html), *IMAGE.findall(html)]))

    def _own(self, base: str, found: Iterable[str]) -> Iterator[str]:
        """The public addresses of this site among them, as WSGI has them: path and query, the path decoded."""
        origin = _origin()
        for link in found:
            parts = urlsplit(urljoin(f"{origin}{quote(base, safe='/?=&')}", link.replace("&amp;", "&")))
            if f"{parts.scheme}://{parts.netloc}" != origin or parts.path.startswith((ADMIN, settings.STATIC_URL)):
                continue
            path = unquote_to_bytes(parts.path).decode("latin-1")
            if path.rstrip("/").rpartition("/")[2] != "search":
                yield f"{path}?{parts.query}" if parts.query else path

    def _answer(self, address: str, more: dict[str, Any]) -> tuple[int, list[tuple[str, str]], bytes]:
        path, _mark, query = address.partition("?")
        where = urlsplit(_origin())
        asked_with = {
            "REQUEST_METHOD": "GET", "PATH_INFO": path, "QUERY_STRING": query, "SCRIPT_NAME": "", "HTTP_HOST": where.netloc,
            "SERVER_NAME": where.hostname or "", "SERVER_PORT": str(where.port or 80), "SERVER_PROTOCOL": "HTTP/1.1",
            "wsgi.url_scheme": where.scheme,
            "HTTP_SAVE_DATA": "on",  # without photos
            "HTTP_X_FORWARDED_PROTO": where.scheme,
        }  # fmt: skip
        environ = request_of_nobody(asked_with) | more
        begun: list[Any] = []
        answer = self.application(environ, lambda status, headers, _error=None: begun.extend([status, headers]))
        try:
            body = b"".join(answer)
        finally:
            close(answer)
        return int(begun[0].split()[0]), begun[1], body


def purge(address: str) -> None:
    """Tells the cache before the site, where a setting names one, that what it has of this address is no longer it."""
    if not settings.PURGE_URL:
        return
    where = settings.PURGE_URL + quote(address.encode("latin-1"), safe="/?=&%+-._~")
    request = Request(where, method="PURGE", headers={"Host": urlsplit(_origin()).netloc})  # noqa: S310 - http or https (settings)
    try:
        urlopen(request, timeout=PURGE_PATIENCE).close()  # noqa: S310
    except HTTPError as error:
        if error.code != NOT_FOUND:  # it had nothing of it
            log.warning("The cache at PURGE_URL answers %s", error.code)
    except OSError as error:
        log.warning("The cache at PURGE_URL does not answer: %s", type(error).__name__)


def _origin() -> str:
    """Scheme and host that copies name: the site's own, or without SITE_URL its first name."""
    if settings.SITE_URL:
        return settings.SITE_URL
    names = [name for name in settings.ALLOWED_HOSTS if name != "*"] or ["localhost"]
    return f"{'https' if settings.SECURE_SSL_REDIRECT else 'http'}://{names[0].lstrip('.')}"
