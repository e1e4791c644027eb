"""Gives every request an id, by which its lines in the log are found, and notes what took long (docs/logs.md)."""

import logging
import re
from collections.abc import Callable
from secrets import token_hex
from time import monotonic
from typing import Any

from django.conf import settings
from django.core.signals import request_finished
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.http import HttpRequest
from django.http.response import HttpResponseBase

from itsci_site.lib import logs

HEADER = "X-Request-ID"
SHAPE = re.compile(r"[0-9a-f]{16,64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
"""Hexadecimal digits or a UUID: nothing that somebody could write words into."""
log = logging.getLogger(__name__)


class Identified:
    """The outermost middleware: what stands inside of it can tell which request it is about."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        asked = logs.Asked(_id(request), _method(request))
        request.asked = asked  # type: ignore[attr-defined]
        logs.current.set(asked)
        response = self.get_response(request)
        response.headers[HEADER] = asked.id
        if settings.SLOW_REQUEST_MS and asked.milliseconds >= settings.SLOW_REQUEST_MS:
            told = {"status_code": response.status_code, "milliseconds": asked.milliseconds}
            log.warning("A request took long", extra=told)
        return response

    def process_view(self, request: HttpRequest, *_view: Any) -> None:
        """Before the view: a preview takes the place of another address."""
        if request.resolver_match:
            request.asked.route = request.resolver_match.view_name or "(no name)"  # type: ignore[attr-defined]


def _id(request: HttpRequest) -> str:
    """The proxy's, so that its log and ours can be put together; a visitor's own word counts for nothing."""
    given = request.headers.get(HEADER, "") if settings.BEHIND_PROXY else ""
    return given if SHAPE.fullmatch(given) else token_hex(16)


def _method(request: HttpRequest) -> str:
    method = request.method or ""
    return method if method in ("GET", "HEAD", "POST", "OPTIONS", "PUT", "DELETE", "PATCH") else "(another)"


def forget(**_signal: object) -> None:
    """When an answer was sent to its end."""
    logs.current.set(None)


def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    """A statement that takes long is logged with its text alone: its parameters are what people wrote and searched for."""
    started = monotonic()
    try:
        return execute(sql, params, many, context)
    finally:
        milliseconds = round((monotonic() - started) * 1000)
        if settings.SLOW_QUERY_MS and milliseconds >= settings.SLOW_QUERY_MS:
            told = {"milliseconds": milliseconds, "statement": logs.without_literals(str(sql))}
            log.warning("A statement took long", extra=told)


def watch(connection: BaseDatabaseWrapper, **_signal: object) -> None:
    """First in the list: whoever adds a wrapper for a while takes the last one out again."""
    if timed not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, timed)


request_finished.connect(forget)
connection_created.connect(watch)
