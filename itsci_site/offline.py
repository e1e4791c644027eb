"""The whole public site in one language as plain files, to be read from a phone or a stick without a network.

Pages are what a visitor gets, rendered by the site itself and followed link by link from the home page. Their links lead to
the files beside them; what needs the site (forms, feeds, documents, other days) leads to its address there. Photos stay out.
"""

import hashlib
import posixpath
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from urllib.parse import parse_qs, urljoin, urlsplit
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

from django.contrib.staticfiles import finders
from django.contrib.staticfiles.storage import staticfiles_storage
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.http import FileResponse, HttpResponseBase
from django.urls import reverse
from django.utils import translation
from django.utils.html import conditional_escape, escape, format_html
from django.utils.translation import gettext

from itsci_site.lib.periods import in_words
from regions.content_version import stamp

from .storage import IMPORT

MOST_BYTES = 2_000_000
"""Of a pack: what a visitor with little data may have to spare."""
MOST_REGISTER_PAGES = 10
MOST_PAGES = 5_000
MOST_FILE = 300_000
"""A data file over this size stays out; its link leads to the site."""
FILES = ("readings_csv", "readings_json", "readings_xlsx", "regions_geojson", "datapackage", "iati")
STYLESHEET, ICON = "static/site.css", "static/mark.svg"
ONLINE = '\na[rel~="external"]::after { content: "\\2009\\2197"; }\n'
"""What leads out of the pack is marked, in print too."""
Progress = Callable[[Iterable[str], str], Iterable[str]]


class NotRendered(Exception):
    """A page of the site did not answer as it should."""


@dataclass
class Pack:
    """What stands in a pack: content by path, in the order in which it was found."""

    language: str
    origin: str
    at: datetime
    version: str
    files: dict[str, bytes] = field(default_factory=dict)
    left_out: int = 0
    """Pages of the register, the oldest, that did not find room."""

    @property
    def folder(self) -> str:
        return f"scaling-up-itsci-{self.language}"

    def zipped(self) -> bytes:
        """The same files make the same bytes."""
        out = BytesIO()
        moment = (*self.at.astimezone(UTC).timetuple()[:3], 0, 0, 0)
        with ZipFile(out, "w", ZIP_DEFLATED, compresslevel=9) as zipped:
            for path, content in self.files.items():
                entry = ZipInfo(f"{self.folder}/{path}", moment)
                entry.external_attr, entry.compress_type = 0o644 << 16, ZIP_DEFLATED
                zipped.writestr(entry, content)
        return out.getvalue()


def build(language: str, origin: str, at: datetime, progress: Progress = lambda items, _label: items) -> Pack:
    """A pack as public at `at`, which must be now. `origin` is scheme and host, like https://example.org.

    Where it would be over MOST_BYTES the oldest pages of the register are left out, and the pack says so.
    """
    version = stamp(at)
    pages = MOST_REGISTER_PAGES
    while True:
        pack = Pack(language, origin, at, version)
        with translation.override(language):
            _Builder(pack, pages).fill(progress)
        if pages == 0 or len(pack.zipped()) <= MOST_BYTES:
            return pack
        pages //= 2


class _Builder:
    def __init__(self, pack: Pack, register_pages: int) -> None:
        self.pack, self.register_pages = pack, register_pages
        self.handler = WSGIHandler()
        self.home = reverse("our_work")
        self.lists = {
            reverse("meetings"): gettext("Older meeting summaries stand on the site alone."),
            reverse("stories"): gettext("Older stories stand on the site alone."),
        }
        """The lists that have pages, and what is said where not all of them are in the pack."""
        self.newer: dict[str, str] = {}
        """Of a page of the register: the address of the one it was reached from."""
        self.data = {reverse(name): f"data/{reverse(name).rpartition('/')[2]}" for name in FILES}

    def fill(self, progress: Progress) -> None:
        pages = self._crawl(progress)
        kept = {address: path for address, path in self.data.items() if self._take_file(address, path)}
        self.known = {address: self._path(address) for address in pages} | kept
        for address, html in pages.items():
            self.pack.files[self.known[address]] = self._page(address, html).encode()
        for path, content in ((STYLESHEET, self._stylesheet()), (ICON, self._static("img/mark.svg"))):
            self.pack.files[path] = content
        self.pack.files["READ-ME.txt"] = self._read_me().encode()
        lines = [f"{hashlib.sha256(content).hexdigest()}  {path}" for path, content in sorted(self.pack.files.items())]
        head = [f"# {self.pack.origin}, {self.pack.at.astimezone(UTC):%Y-%m-%d %H:%M} UTC, content version {self.pack.version}"]
        self.pack.files["MANIFEST.sha256"] = "\n".join([*head, *lines, ""]).encode()

    def _crawl(self, progress: Progress) -> dict[str, str]:
        """The HTML of every page, by address, the home page first."""
        found: dict[str, str] = {}
        waiting = [self.home]
        register_pages = 0

        def walk() -> Iterator[str]:
            while waiting:
                yield waiting.pop(0)

        for address in progress(walk(), gettext("Pages")):
            if address in found:
                continue
            if len(found) >= MOST_PAGES:
                raise NotRendered(f"over {MOST_PAGES} pages: {address}")
            found[address] = html = self._get(address).decode()
            for link in links(html):
                target = self._own(address, link)
                if target is None or target in found or target in waiting:
                    continue
                if "?" in target:
                    if register_pages >= self.register_pages:
                        self.pack.left_out += 1
                        continue
                    register_pages += 1
                    self.newer[target] = address
                waiting.append(target)
        return found

    def _own(self, base: str, link: str) -> str | None:
        """The address of a page of this pack, without its fragment; None for anything else."""
        parts = urlsplit(urljoin(f"{self.pack.origin}{base}", link))
        if f"{parts.scheme}://{parts.netloc}" != self.pack.origin or not parts.path.endswith("/"):
            return None
        if not parts.path.startswith(self.home) or translation.get_language_from_path(parts.path) not in self._prefixes():
            return None
        if parts.path == reverse("search") or parts.path.startswith(("/admin/", "/embed/")):
            return None
        asked = parse_qs(parts.query, keep_blank_values=True)
        if not asked:
            return parts.path
        return f"{parts.path}?{parts.query}" if parts.path in self.lists and set(asked) == {"before"} else None

    def _prefixes(self) -> tuple[str | None, ...]:
        """English addresses have no language in them."""
        return (None, "en") if self.pack.language == "en" else (self.pack.language,)

    def _path(self, address: str) -> str:
        parts = urlsplit(address)
        spot = f"before-{parse_qs(parts.query)['before'][0]}/" if parts.query else ""
        return f"{parts.path.removeprefix(self.home)}{spot}index.html"

    def _get(self, address: str) -> bytes:
        response = self._response(address)
        if response.status_code != 200:
            raise NotRendered(f"{address} answers {response.status_code}")
        return _content(response)

    def _response(self, address: str) -> HttpResponseBase:
        where, asked = urlsplit(self.pack.origin), urlsplit(address)
        request = WSGIRequest(
            {
                "REQUEST_METHOD": "GET", "PATH_INFO": asked.path, "QUERY_STRING": asked.query, "SCRIPT_NAME": "",
                "HTTP_HOST": where.netloc, "SERVER_NAME": where.hostname or "", "SERVER_PORT": "80",
                "SERVER_PROTOCOL": "HTTP/1.1", "wsgi.url_scheme": where.scheme, "wsgi.input": BytesIO(),
                "HTTP_SAVE_DATA": "on",  # without photos
                "HTTP_X_FORWARDED_PROTO": where.scheme,
            }
        )  # fmt: skip
        with translation.override(None):
            return self.handler.get_response(request)

    def _take_file(self, address: str, path: str) -> bool:
        response = self._response(address)
        content = _content(response) if response.status_code == 200 else b""
        if not content or len(content) > MOST_FILE:
            return False
        self.pack.files[path] = content
        return True

    def _page(self, address: str, html: str) -> str:
        here = posixpath.dirname(self.known[address])
        html = FORM.sub(lambda _match: self._form(address), html)
        html = TAG.sub(lambda match: self._tag(address, here, match[0]), html)
        return html.replace(MAIN, f"{MAIN}\n{self._notice(address)}", 1)

    def _form(self, address: str) -> str:
        words, origin = gettext("Filters, searches and other days need the site itself:"), self.pack.origin
        return format_html('<p class="note">{} <a href="{}">{}</a></p>', words, f"{origin}{address}", origin)

    def _tag(self, address: str, here: str, tag: str) -> str:
        if tag.startswith("<link"):
            if 'rel="stylesheet"' in tag:
                return HREF.sub(lambda _match: f'href="{posixpath.relpath(STYLESHEET, here or ".")}"', tag)
            if 'rel="icon"' in tag:
                return HREF.sub(lambda _match: f'href="{posixpath.relpath(ICON, here or ".")}"', tag)
        online = False

        def lead(match: re.Match[str]) -> str:
            nonlocal online
            target, online = self._lead(address, here, _plain(match[1]))
            return f'href="{escape(target)}"'

        tag = HREF.sub(lead, tag, count=1)
        if online and tag.startswith("<a "):
            tag = tag.replace('rel="', 'rel="external ', 1) if 'rel="' in tag else tag.replace("<a ", '<a rel="external" ', 1)
        return tag

    def _lead(self, address: str, here: str, link: str) -> tuple[str, bool]:
        """Where a link of a page leads from its file, and whether that is out of the pack."""
        if link.startswith("#"):
            return link, False
        whole = urlsplit(urljoin(f"{self.pack.origin}{address}", link))
        own = self._own(address, link)
        asked = parse_qs(whole.query)
        if whole.path in self.lists and "after" in asked and address in self.newer:
            own = self.newer[address]
        if whole.path in self.data and "as-at" not in asked:
            own = whole.path  # a part of a file: the whole stands in the pack
        if own not in self.known:
            return whole.geturl(), True
        path = posixpath.relpath(self.known[own], here or ".")
        return f"{path}#{whole.fragment}" if whole.fragment else path, False

    def _notice(self, address: str) -> str:
        day = in_words(self.pack.at.astimezone(UTC).date())
        words = gettext("of {origin}, as on {day}. Figures and texts may have changed since.")
        said = conditional_escape(words).format(
            origin=format_html('<a rel="external" href="{}{}">{}</a>', self.pack.origin, address, self.pack.origin), day=day
        )
        more = ""
        if self.pack.left_out and urlsplit(address).path in self.lists:
            more = " " + escape(self.lists[urlsplit(address).path])
        return f'<p class="notice"><b>{escape(gettext("Offline copy"))}</b> {said}{more}</p>'

    def _read_me(self) -> str:
        day = in_words(self.pack.at.astimezone(UTC).date())
        lines = [
            gettext("Scaling Up ITSCI: the whole site, to be read without a network"),
            "",
            gettext("As public on {day} (UTC) at {origin}.").format(day=day, origin=self.pack.origin),
            gettext("Unpack everything, then open index.html in a browser."),
            gettext("Links with an arrow need a network. Photos, documents and the search are on the site alone."),
            gettext("MANIFEST.sha256 holds the fingerprint of every file; to check them: sha256sum -c MANIFEST.sha256"),
        ]
        if self.pack.left_out:
            lines.append(gettext("Older meeting summaries stand on the site alone."))
        return "\r\n".join([*lines, ""])

    def _stylesheet(self) -> bytes:
        return self._static("css/site.css") + ONLINE.encode()

    def _static(self, name: str) -> bytes:
        return static_file(name)


def static_file(name: str) -> bytes:
    """A static file as visitors get it. Raises NotRendered where static files were not collected."""
    if not hasattr(staticfiles_storage, "stored_name"):  # in development pages get the sources
        return IMPORT.sub(lambda match: _source(f"css/{match[1].decode()}"), _source(name))
    try:
        with staticfiles_storage.open(staticfiles_storage.stored_name(name)) as file:
            return file.read()
    except (FileNotFoundError, ValueError) as error:
        raise NotRendered(f"{name} is not there: run collectstatic first") from error


def _source(name: str) -> bytes:
    return Path(str(finders.find(name))).read_bytes()


def _content(response: HttpResponseBase) -> bytes:
    """The whole of an answer. It is not closed, which would end the request that asks for the pack; a file it reads is."""
    if not response.streaming:
        return response.content  # type: ignore[attr-defined]
    whole = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    if isinstance(response, FileResponse) and response.file_to_stream:
        response.file_to_stream.close()
    return whole


def links(html: str) -> Iterator[str]:
    """Where the links of a page of this site lead, as they are written."""
    for tag in TAG.findall(html):
        if tag.startswith(("<a ", "<a\n")) and (match := HREF.search(tag)):
            yield _plain(match[1])


def _plain(value: str) -> str:
    """Of an attribute as the site's templates write it."""
    return value.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&#x27;", "'").replace("&amp;", "&")


# The site's own pages are well-formed (the tests hold them to it), so that tags can be told apart by their signs.
TAG = re.compile(r"<(?:a|link|area)\b[^>]*>")
HREF = re.compile(r'(?<=\s)href="([^"]*)"')
FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)
MAIN = '<main id="main" class="wrap">'
