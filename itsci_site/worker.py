"""gunicorn's worker, with a page of ours for an address that is too long to reach Django."""

from contextlib import suppress
from functools import cache
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from gunicorn.http.errors import LimitRequestLine
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker


class Worker(ThreadWorker):
    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        if isinstance(exc, LimitRequestLine):
            with suppress(OSError):  # nobody waits any more
                write_nonblock(client, too_long())
        else:
            super().handle_error(req, client, addr, exc)


@cache
def too_long() -> bytes:
    """A whole answer, in every language: what was asked for, and so in which one, was not read to its end."""
    with translation.override(settings.LANGUAGE_CODE):
        page = render_to_string("414.html").encode()
    headers = [
        "HTTP/1.1 414 URI Too Long", "Connection: close", "Content-Type: text/html; charset=utf-8",
        f"Content-Length: {len(page)}", "Cache-Control: no-store", "X-Content-Type-Options: nosniff",
        "Content-Security-Policy: default-src 'none'; style-src 'self'; frame-ancestors 'none'",
    ]  # fmt: skip
    return "\r\n".join([*headers, "", ""]).encode() + page
