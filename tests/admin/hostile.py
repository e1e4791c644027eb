"""Requests that no browser would make, for every address of the admin: from a seed, always the same ones.

`survey(client)` reads what there is to attack: the URL map, every registered model with its rows, filters and forms.
`requests(admin, seed, count)` makes the requests; `send` sends one as a test client, `send_raw` over a socket.
"""

import json
import random
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from html.parser import HTMLParser
from http.client import HTTPConnection, HTTPResponse
from typing import Any
from urllib.parse import quote

from django.contrib import admin
from django.contrib.contenttypes.models import ContentType
from django.db import models
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

Fields = list[tuple[str, str]]
TOKEN = "0" * 32
"""The forgery token of every request that carries one: as cookie and as header."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request: `path` is percent-encoded and may have a query string; `cookies` are added to those of the session."""

    method: str
    path: str
    body: bytes = b""
    content_type: str = ""
    headers: tuple[tuple[str, str], ...] = ()
    cookies: str = ""
    token: bool = True

    def __str__(self) -> str:
        said = f"{self.method} {self.path[:300]}"
        said += f" {self.content_type[:80]} {self.body[:600]!r}" if self.body or self.content_type else ""
        said += f" {dict(self.headers)}"[:300] if self.headers else ""
        said += f" cookies {self.cookies[:100]}" if self.cookies else ""
        return said + ("" if self.token else " without token")


@dataclass(frozen=True, slots=True)
class Attacked:
    """A registered model: what its pages take."""

    name: str  # as addresses have it: regions_region
    ids: tuple[str, ...]
    paths: tuple[str, ...]  # its fields, and those a relation away: region__name
    parameters: tuple[str, ...]  # what its filters write into the address
    columns: int
    actions: tuple[str, ...]
    forms: tuple[tuple[str, Fields], ...]  # (address, what a browser would send back): add, change, delete
    autocompletes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Admin:
    models: tuple[Attacked, ...]
    routes: tuple[str, ...]  # "/admin/regions/region/<path:object_id>/change/"
    labels: tuple[str, ...]
    types: tuple[int, ...]


class Fillable(HTMLParser):
    """The fields of a page's forms as a browser would send them back."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.fields: Fields = []
        self._select = self._area = ""
        self._within = False
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        name = found.get("name", "")
        if tag == "form":
            self._within = found.get("id") != "logout-form"
        elif not self._within:
            return
        elif (
            tag == "input" and name not in ("", "csrfmiddlewaretoken") and found.get("type") not in ("submit", "file", "search")
        ):
            if found.get("type") not in ("checkbox", "radio") or "checked" in found:
                self.fields.append((name, found.get("value", "on" if "checked" in found else "")))
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in found:
            self.fields.append((self._select, found.get("value", "")))
        elif tag == "textarea":
            self._area = name
            self.fields.append((name, ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""
        elif tag == "form":
            self._within = False

    def handle_data(self, data: str) -> None:
        if self._area:
            name, before = self.fields[-1]
            self.fields[-1] = (name, before + data if before else data.removeprefix("\n"))


def survey(client: Client) -> Admin:
    """The admin as it stands, read by a signed-in client."""
    found = []
    for model, page in admin.site._registry.items():
        name = model._meta.label_lower.replace(".", "_")
        listed = client.get(reverse(f"admin:{name}_changelist"))
        changelist: Any = listed.context["cl"]
        ids = tuple(str(pk) for pk in model._default_manager.order_by("pk").values_list("pk", flat=True)[:20])
        addresses = [reverse(f"admin:{name}_add"), *(reverse(f"admin:{name}_{way}", args=[ids[0]]) for way in WAYS)]
        found.append(
            Attacked(
                name=name,
                ids=ids,
                paths=tuple(_paths(model)),
                parameters=tuple(
                    dict.fromkeys(word for spec in changelist.filter_specs for word in spec.expected_parameters())
                ),
                columns=len(changelist.list_display),
                actions=tuple(page.get_actions(listed.wsgi_request)),
                forms=tuple((address, Fillable(client.get(address).content.decode()).fields) for address in addresses),
                autocompletes=tuple(page.get_autocomplete_fields(listed.wsgi_request)),
            )
        )
    routes = tuple(_routes(get_resolver(), "/"))
    labels = tuple(sorted({model._meta.app_label for model in admin.site._registry}))
    return Admin(tuple(found), routes, labels, tuple(ContentType.objects.order_by("pk").values_list("pk", flat=True)))


WAYS = ("change", "delete")


def _paths(model: type[models.Model]) -> Iterator[str]:
    """Its own fields three times as often as those a relation away, which the admin mostly refuses to look into."""
    for part in model._meta.get_fields(include_hidden=True):
        yield from [part.name] * (9 if part.concrete else 1)
        related = part.related_model
        if isinstance(related, type):
            yield from (f"{part.name}__{other.name}" for other in related._meta.get_fields())


def _routes(resolver: URLResolver, prefix: str) -> Iterator[str]:
    """Every address below /admin/, with its places for arguments still in it."""
    for pattern in resolver.url_patterns:
        route = prefix + str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        if isinstance(pattern, URLPattern):
            if route.startswith("/admin/"):
                yield route
        elif "/admin/".startswith(route) or route.startswith("/admin/"):
            yield from _routes(pattern, route)


# What is sent. Bytes, because an address and a form can hold what no text can.

SURROGATE, NOT_UTF8 = b"\xed\xa0\x80", b"\xff\xfe\xc0"
LONG, HUGE = "a" * 10_000, "é" * 50_000
WORDS: tuple[bytes, ...] = (
    SURROGATE,
    NOT_UTF8,
    *(
        word.encode()
        for word in (
            "", " ", "abc", "-1", "0", "1", "1.5", "1e9", "9e22", "-9e22", "NaN", "Infinity", "1" * 30, str(10**30),
            str(-(10**30)),
            str(2**31), str(2**63), str(2**63 - 1), str(-(2**63) - 1), "1" * 5_000, "1_000", "0x10", "²", "١٢", "\x00",
            "a\x00b",
            "1\x00", "\x00" * 50, "%", "%s", "%00", "%(a)s", "{0}", "{}", "[]", "[[]]", "_5F", "_00", "_", "__", "_5", "__5F",
            "'",
            '"', "\\", "';--", "<script>alert(1)</script>", "(", "[", "*", "(?P<", "a{1,99999}", "(a+)+$", "\\1", "9999-99-99",
            "0000-01-01", "0001-01-01", "2017-01-01", "2017-02-30", "9999-12-31", "10000-01-01", "-0001-01-01", "0", "10000",
            "9999",
            "9999-12-31 23:59:59", "0001-01-01 00:00:00", "25:61", "23:59", "2017-01-01T00:00:00+99:99",
            "0001-01-01T00:00:00+14:00",
            "9999-12-31T23:59:59-14:00", "true", "True", "false", "None", "null", "1,2,abc", ",", ",,,", "a,b", "1,1",
            '{"type": "Polygon"}', '{"type": "Polygon", "coordinates": [[[1e999, 0]]]}', "NaN,NaN", "[" * 5_000, "é" * 99,
            "\u202e",
            "\ufffe", "\U0010ffff", "\x1b[0m", "\x7f", "\r\nSet-Cookie: x=1", "\n", "../../etc/passwd", "//evil.example", "///",
            "http://[", "javascript:alert(1)", "draft", "published", "year", "quarter", "day", "province", "on", "en", "fr",
            "CD",
            "id", "pk", "slug", "name", "e=1", "q=%00", "a" * 300, LONG,
        )
    ),
)  # fmt: skip
LOOKUPS = (
    "exact", "iexact", "contains", "icontains", "in", "gt", "gte", "lt", "lte", "startswith", "istartswith", "endswith",
    "iendswith", "range", "date", "date__gte", "year", "year__gte", "year__in", "iso_year", "month", "day", "week", "week_day",
    "quarter", "time", "hour", "minute", "second", "isnull", "isempty", "regex", "iregex", "id__exact", "id__in", "pk",
    "pk__in",
    "has_key", "has_keys", "contained_by", "overlap", "len", "type", "0", "search", "unaccent", "trigram_similar", "nonsense",
    "exact__exact", "",
)  # fmt: skip
KEYS = ("pk", "id", "id__in", "pk__regex", "id__exact", "password__startswith", "user__password", "__", "__exact", "x" * 1_000,
    "\x00", "a\x00b", "0", "'", "status_by__password", "translation", "%", "_", "é", "id__gt__gt", "pk__isnull")  # fmt: skip
RESERVED = ("o", "p", "q", "all", "e", "_to_field", "_popup", "_changelist_filters", "_facets")
ORDERS = ("-", ".", "1.2.3", "-1.-2", "--1", "99", "-99", "1" * 30, "abc", "1.abc", "\x00", "-0", "0", ".".join("1" * 500))
NAMES = ("id", "pk", "slug", "name", "code", "password", "region", "region__slug", "iso_code", "user_ptr", "username")
CHARSETS = ("utf-16", "utf-7", "latin-1", "hex", "base64", "rot13", "zlib", "idna", "punycode", "unicode_escape", "undefined",
    "nonsense", "\x00", "", "utf-8-sig", "cp037", "raw_unicode_escape", "mbcs")  # fmt: skip
MANAGED = ("", "abc", "-1", "-999999", "0", "1", "3", "1001", "2001", "999999999", str(10**30), "1.5", "\x00", "1" * 5_000, "²")
HEADERS = (
    ("Referer", ("http://[", "\x7f", "javascript:1", "http://evil.example/", "a" * 5_000, "http://testserver:99999999/", "")),
    ("Origin", ("null", "http://[", "http://evil.example", "://", "\x7f")),
    ("X-Forwarded-Host", ("evil.example", "a b", "[::1")),
    ("X-Forwarded-Proto", ("https", "gopher")),
    ("X-Forwarded-For", ("999.999.999.999", "' OR 1=1", "a" * 1_000)),
    ("Accept-Language", ("xx;q=abc", "fr;q=9e22,*;q=-1", "a" * 5_000, "en-" * 1_000, "\xe9", ";;;", "fr_FR.utf8")),
    ("Accept", ("", "*", "a/b/c;q=x", "text/html;q=9e999", "application/json")),
    ("Accept-Encoding", ("gzip;q=x", "br, gzip, nonsense", "*;q=0")),
    ("If-Modified-Since", ("yesterday", "Sat, 99 Foo 99999 99:99:99 GMT", "Mon, 01 Jan 0001 00:00:00 GMT")),
    ("If-None-Match", ('"', 'W/"', "*", '"a", b')),
    ("Range", ("bytes=9-1", "bytes=-" + "9" * 40, "lines=1-2")),
    ("X-Requested-With", ("XMLHttpRequest",)),
    ("X-HTTP-Method-Override", ("DELETE",)),
)
COOKIES = (
    r'messages="\000"', "messages=garbage", "messages=" + "a" * 3_000, 'messages="[[\\"__json_message\\",0,0,\\"a\\"]]:1:1"',
    "=;=;=",
    "a", '"', "\xe9=\xe9", "django_language=\x7f", r'django_language="\000"', "csrftoken=\xe9", "a=" + "b" * 3_000,
    r'"\000"="\000"', "; ".join(f"a{number}=1" for number in range(100)),
)  # fmt: skip
SESSIONS = (
    r'"\000\000\000\000\000\000\000\000\000"', "garbage!", "a" * 32, "a" * 3_000, "", r'"\355\240\200aaaaaaaaa"',
    "' OR 1=1 --", "\xe9" * 9,
    "%00" * 9,
)  # fmt: skip
METHODS = ("PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "HEAD", "POST", "GET", "PROPFIND", "get")


def requests(admin: Admin, seed: int, count: int) -> Iterator[Ask]:
    chance = random.Random(seed)
    kinds = [kind for kind, weight in KINDS.items() for _time in range(weight)]
    for _number in range(count):
        ask = chance.choice(kinds)(admin, chance)
        if chance.random() < 0.15:
            ask = _in_disguise(ask, chance)
        yield ask


def _changelist(site: Admin, chance: random.Random) -> Ask:
    model = chance.choice(site.models)
    pairs = [_parameter(model, chance) for _time in range(chance.choice((1, 1, 1, 2, 4)))]
    return Ask("GET", f"{reverse(f'admin:{model.name}_changelist')}?{_query(pairs)}")


def _parameter(model: Attacked, chance: random.Random) -> tuple[bytes, bytes]:
    kind, word = chance.random(), chance.choice(WORDS)
    if kind < 0.3 and model.parameters:
        return chance.choice(model.parameters).encode(), word
    if kind < 0.7:
        key = chance.choice(model.paths)
        lookup = chance.choice(LOOKUPS)
        return (f"{key}__{lookup}" if chance.random() < 0.8 else key).encode(), word
    if kind < 0.8:
        return chance.choice(KEYS).encode(), word
    key = chance.choice(RESERVED)
    if key == "o" and chance.random() < 0.8:
        word = chance.choice((*ORDERS, str(chance.randint(-model.columns - 2, model.columns + 2)))).encode()
    if key == "_to_field" and chance.random() < 0.7:
        word = chance.choice(NAMES).encode()
    if key == "_changelist_filters" and chance.random() < 0.5:
        word = _query([(chance.choice(model.paths).encode(), word)]).encode()
    return key.encode(), word


def _one_row(site: Admin, chance: random.Random) -> Ask:
    """A page of a row that is none, or of one that is with what else an address can hold."""
    model = chance.choice(site.models)
    route = chance.choice([route for route in site.routes if f"/{model.name.replace('_', '/', 1)}/" in route and "<" in route])
    key = chance.choice(model.ids).encode() if chance.random() < 0.3 else chance.choice(WORDS)
    pairs = [_parameter(model, chance) for _time in range(chance.choice((0, 0, 1, 2)))]
    if chance.random() < 0.3:
        pairs.append((b"_to_field", chance.choice((*map(str.encode, NAMES), *WORDS))))
    return Ask("GET", _filled(route, key) + (f"?{_query(pairs)}" if pairs else ""))


def _anywhere(site: Admin, chance: random.Random) -> Ask:
    route = chance.choice(site.routes if chance.random() < 0.4 else [route for route in site.routes if route.count("/") < 4])
    path = _filled(route, chance.choice((*WORDS, *map(str.encode, site.labels * 20), *(str(pk).encode() for pk in site.types))))
    pairs = [(chance.choice((b"next", b"format", b"_popup", b"q", *map(str.encode, RESERVED))), chance.choice(WORDS))]
    method = chance.choice(("GET", "GET", "POST"))
    return _form(
        method, f"{path}?{_query(pairs)}", _scrambled([("next", ""), ("username", "alice"), ("password", "x")], chance), chance
    )


def _on_site(site: Admin, chance: random.Random) -> Ask:
    kind, key = str(chance.choice(site.types)).encode(), chance.choice((b"1", b"2", *WORDS))
    return Ask("GET", f"/admin/r/{quote(chance.choice((kind, kind, chance.choice(WORDS))), safe='')}/{quote(key, safe='')}/")


def _prefilled(site: Admin, chance: random.Random) -> Ask:
    """The add page with values in its address."""
    model = chance.choice(site.models)
    address, fields = model.forms[0]
    names = [name for name, _value in fields] + list(model.paths)
    pairs = [(chance.choice(names).encode(), chance.choice(WORDS)) for _time in range(chance.choice((1, 2, 5)))]
    return Ask("GET", f"{address}?{_query(pairs)}")


def _autocomplete(site: Admin, chance: random.Random) -> Ask:
    model = chance.choice([model for model in site.models if model.autocompletes])
    app, _sep, name = model.name.partition("_")
    right = {"app_label": app, "model_name": name, "field_name": chance.choice(model.autocompletes), "term": "a", "page": "1"}
    pairs = [(key.encode(), value.encode()) for key, value in right.items()]
    for _time in range(chance.choice((1, 1, 2))):
        place = chance.randrange(len(pairs))
        pairs[place] = (pairs[place][0], chance.choice((*WORDS, *map(str.encode, model.paths))))
    if chance.random() < 0.2:
        pairs.pop(chance.randrange(len(pairs)))
    return Ask(chance.choice(("GET", "GET", "GET", "POST")), f"/admin/autocomplete/?{_query(pairs)}")


def _posted(site: Admin, chance: random.Random) -> Ask:
    """A form of a page as a browser would send it back, with some of it spoilt."""
    model = chance.choice(site.models)
    address, fields = chance.choice((*model.forms, *model.forms[:2]))
    if chance.random() < 0.2:
        address += f"?{_query([_parameter(model, chance)])}"
    if chance.random() < 0.15:
        fields = [*fields, (chance.choice(("_saveasnew", "_addanother", "_continue", "_popup", "_save", "_to_field")), "1")]
    return _form("POST", address, _scrambled(fields, chance), chance)


def _inlines(site: Admin, chance: random.Random) -> Ask:
    """A form whose count of rows, or whose rows' ids, are not what was sent."""
    model = chance.choice(
        [model for model in site.models if any(name.endswith("TOTAL_FORMS") for name, _ in model.forms[0][1])]
    )
    address, fields = chance.choice(model.forms[:2])
    spoilt: list[tuple[bytes, bytes]] = []
    prefixes = [name.removesuffix("-TOTAL_FORMS") for name, _value in fields if name.endswith("-TOTAL_FORMS")]
    for name, value in fields:
        word = value
        if name.endswith("_FORMS") and chance.random() < 0.5:
            word = chance.choice(MANAGED)
            if chance.random() < 0.3:
                continue
        elif re.search(r"-\d+-\w+$", name) and chance.random() < 0.4:
            spoilt.append((name.encode(), chance.choice(WORDS)))
            continue
        spoilt.append((name.encode(), word.encode()))
        if name.endswith("_FORMS") and chance.random() < 0.1:
            spoilt.append((name.encode(), chance.choice(MANAGED).encode()))
    prefix, number = chance.choice(prefixes), chance.choice((0, 0, 1, 5))
    parts = {name.split("-")[-1] for name, _value in fields if name.startswith(f"{prefix}-__prefix__-")} | {"id", "DELETE"}
    spoilt += [(f"{prefix}-{number}-{part}".encode(), chance.choice(WORDS)) for part in sorted(parts) if chance.random() < 0.7]
    return _form("POST", address, spoilt, chance)


def _action(site: Admin, chance: random.Random) -> Ask:
    model = chance.choice(site.models)
    pairs = [(b"action", chance.choice((*map(str.encode, model.actions * 3), *WORDS)))]
    words = (*WORDS, *map(str.encode, model.ids * 10))
    pairs += [(b"_selected_action", chance.choice(words)) for _time in range(chance.choice((0, 1, 1, 2, 5)))]
    if chance.random() < 0.5:
        pairs.append((b"index", chance.choice((*map(str.encode, MANAGED), b"-1", b"0", b"0"))))
    if chance.random() < 0.3:
        pairs.append((b"select_across", chance.choice((b"1", *WORDS))))
    if chance.random() < 0.2:
        pairs.append((b"post", b"no"))
    if chance.random() < 0.1:
        pairs.append((b"_save", b"1"))
    query = f"?{_query([_parameter(model, chance)])}" if chance.random() < 0.3 else ""
    return _form("POST", reverse(f"admin:{model.name}_changelist") + query, pairs, chance)


def _signing(site: Admin, chance: random.Random) -> Ask:
    """Sign-in, the own password, an account's password."""
    page, names = chance.choice(
        (
            ("/admin/login/", ("username", "password", "next")),
            ("/admin/logout/", ("next",)),
            ("/admin/password_change/", ("old_password", "new_password1", "new_password2")),
            ("/admin/password_change/done/", ("next",)),
            ("/admin/auth/user/1/password/", ("password1", "password2", "usable_password")),
        )
    )
    fields = _scrambled([(name, "alice") for name in names], chance)
    return _form(chance.choice(("GET", "POST", "POST")), page, fields, chance)


def _broken_body(site: Admin, chance: random.Random) -> Ask:
    model = chance.choice(site.models)
    address = chance.choice(
        (*(address for address, _fields in model.forms), reverse(f"admin:{model.name}_changelist"), "/admin/login/")
    )
    whole = _multipart([(name.encode(), value.encode()) for name, value in model.forms[0][1]])
    kind, body = chance.choice(
        (
            ("multipart/form-data", whole),
            ("multipart/form-data; boundary=", whole),
            ("multipart/form-data; boundary=other", whole),
            ("multipart/form-data; boundary=\xe9", whole),
            ("multipart/form-data; boundary=" + "b" * 500, whole),
            (f"multipart/form-data; boundary={BOUNDARY}", whole[: chance.randrange(len(whole))]),
            (f"multipart/form-data; boundary={BOUNDARY}", b"--" + BOUNDARY.encode() + b"\r\n\r\n"),
            (f"multipart/form-data; boundary={BOUNDARY}", whole.replace(b"form-data", b"nonsense")),
            (
                f"multipart/form-data; boundary={BOUNDARY}",
                whole.replace(b"\r\n\r\n", b"\r\nContent-Transfer-Encoding: base64\r\n\r\n"),
            ),
            (f"multipart/form-data; boundary={BOUNDARY}; charset={chance.choice(CHARSETS)}", whole.replace(b"alice", b"+2AA-")),
            (f"multipart/form-data; boundary={BOUNDARY}", _multipart([(b"photo", b"GIF89a"), (b"file", b"%PDF-")], files=True)),
            ("application/x-www-form-urlencoded", b"&".join(b"a%d=1" % number for number in range(1_001))),
            ("application/x-www-form-urlencoded", b"name_en=" + b"a" * 2_700_000),
            ("application/x-www-form-urlencoded", b"%" * 5_000 + NOT_UTF8 + b"=;&=&;"),
            (f"application/x-www-form-urlencoded; charset={chance.choice(CHARSETS)}", b"name_en=+2AA-&name_fr=%5Cud800"),
            (f"text/plain; charset={chance.choice(CHARSETS)}", b"name_en=a"),
            ("application/json", json.dumps({"name_en": None}).encode()),
            ("application/json", b"{"),
            ("nonsense", b"\x00" * 100),
            ("", b"name_en=a"),
        )
    )
    query = chance.choice(("", "?q=%2B2AA-", "?q=+2AA-", "?q=%5Cud800", "?id__in=%5Cud800"))
    return Ask("POST", address + query, body, kind)


KINDS: dict[Callable[[Admin, random.Random], Ask], int] = {
    _changelist: 30, _one_row: 14, _anywhere: 6, _on_site: 3, _prefilled: 7, _autocomplete: 7, _posted: 12, _inlines: 7,
    _action: 10, _signing: 3, _broken_body: 4,
}  # fmt: skip


def _in_disguise(ask: Ask, chance: random.Random) -> Ask:
    """The same with another method, a header or cookie that is none, or without the token against forgery."""
    kind = chance.randrange(5)
    if kind == 0:
        return replace(ask, method=chance.choice(METHODS))
    if kind == 1:
        name, values = chance.choice(HEADERS)
        return replace(ask, headers=((name, chance.choice(values)),))
    if kind == 2:
        return replace(ask, cookies=chance.choice((*COOKIES, *(f"sessionid={word}" for word in SESSIONS))))
    if kind == 3:
        return replace(ask, content_type=f"text/plain; charset={chance.choice(CHARSETS)}") if not ask.body else ask
    return replace(ask, token=False)


def _filled(route: str, word: bytes) -> str:
    """A route with a word in each of its places; slashes may stand where a whole path does."""
    return re.sub(r"<[^>]*>|\(\?P<\w+>[^)]*\)", lambda place: quote(word, safe="/" if "url" in place[0] else ""), route)


def _query(pairs: Sequence[tuple[bytes, bytes]]) -> str:
    return "&".join(f"{quote(name)}={quote(value, safe='')}" for name, value in pairs)


def _scrambled(fields: Fields, chance: random.Random) -> list[tuple[bytes, bytes]]:
    """With one to four of its values spoilt, left out, sent twice or grown to 100 kB."""
    pairs = [(name.encode(), value.encode()) for name, value in fields if "__prefix__" not in name]
    for _time in range(chance.choice((1, 1, 2, 4))):
        if not pairs:
            break
        place, kind = chance.randrange(len(pairs)), chance.random()
        name, value = pairs[place]
        if kind < 0.75:
            pairs[place] = (name, chance.choice(WORDS))
        elif kind < 0.83:
            pairs.pop(place)
        elif kind < 0.91:
            pairs.insert(place, (name, chance.choice(WORDS)))
        elif kind < 0.95:
            pairs[place] = (name, HUGE.encode())
        else:
            pairs[place] = (name + chance.choice(WORDS)[:100], value)
    if chance.random() < 0.1:
        pairs = [(name, b"a\x00b") for name, _value in pairs]
    return pairs


BOUNDARY = "----hostile"


def _multipart(pairs: Sequence[tuple[bytes, bytes]], files: bool = False) -> bytes:
    named = b'; filename="a\\"b.pdf"' if files else b""
    head = b"--" + BOUNDARY.encode() + b'\r\nContent-Disposition: form-data; name="'
    parts = (head + name.replace(b'"', b"%22") + b'"' + named + b"\r\n\r\n" + value + b"\r\n" for name, value in pairs)
    return b"".join(parts) + b"--" + BOUNDARY.encode() + b"--\r\n"


def _form(method: str, address: str, pairs: Sequence[tuple[bytes, bytes]], chance: random.Random) -> Ask:
    if method == "GET":
        return Ask("GET", address + ("&" if "?" in address else "?") + _query(pairs))
    if chance.random() < 0.5:
        return Ask(method, address, _multipart(pairs), f"multipart/form-data; boundary={BOUNDARY}")
    return Ask(method, address, _query(pairs).encode(), "application/x-www-form-urlencoded")


def _cookie(ask: Ask, session: str) -> str:
    """A cookie of the same name that comes later counts."""
    return "; ".join(part for part in (f"sessionid={session}", f"csrftoken={TOKEN}" if ask.token else "", ask.cookies) if part)


def sender() -> Client:
    """A client that is answered as a visitor would be, checked for forgery too. One serves all: each loads the middleware."""
    return Client(enforce_csrf_checks=True, raise_request_exception=False)


def send(client: Client, ask: Ask, session: str) -> Any:
    """The answer to a client of `sender`, signed in by the key of a session alone."""
    headers = {"cookie": _cookie(ask, session)} | ({"x-csrftoken": TOKEN} if ask.token else {}) | dict(ask.headers)
    return client.generic(ask.method, ask.path, ask.body, ask.content_type, headers=headers)


def send_raw(ask: Ask, session: str, connection: HTTPConnection) -> HTTPResponse:
    """The answer of a running server, to the bytes as they are."""
    connection.putrequest(ask.method, ask.path, skip_accept_encoding=True)
    headers = [("Cookie", _cookie(ask, session)), *ask.headers, *([("X-CSRFToken", TOKEN)] if ask.token else [])]
    headers += [("Content-Type", ask.content_type)] if ask.content_type else []
    for name, value in headers:
        connection.putheader(name, value.encode("latin-1"))
    connection.putheader("Content-Length", str(len(ask.body)))
    connection.endheaders(ask.body)
    return connection.getresponse()
