"""Numbers for Prometheus: how many requests, how long, which errors. Loaded only where METRICS_TOKEN is set (docs/logs.md).

The labels are names of the site's own addresses: nothing that a visitor sent, and no more of them than there are addresses.
"""

import os
from collections.abc import Callable
from hmac import compare_digest
from time import monotonic
from typing import Any

from django.conf import settings
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.signals import connection_created
from django.db.utils import DatabaseError, InterfaceError
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from prometheus_client import CONTENT_TYPE_LATEST, REGISTRY, CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

ADDRESS = "/metrics"
BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
"""Seconds."""
REQUESTS = Counter("site_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram("site_request_seconds", "Seconds until an answer began", ["route"], buckets=BUCKETS)
DATABASE_ERRORS = Counter("site_database_errors", "Statements that the database refused or did not answer", ["error"])


def measured(get_response: Callable[[HttpRequest], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
    """Inside of `asked.Identified`, outside of all that may answer by itself, the redirect to HTTPS first."""

    def middleware(request: HttpRequest) -> HttpResponseBase:
        if request.path_info == ADDRESS and _may_read(request):
            return _numbers()
        started = monotonic()
        response = get_response(request)
        asked = request.asked  # type: ignore[attr-defined]
        REQUESTS.labels(asked.method, asked.route, response.status_code).inc()
        SECONDS.labels(asked.route).observe(monotonic() - started)
        return response

    return middleware


def _may_read(request: HttpRequest) -> bool:
    """Whoever does not know the token gets the answer of an address that leads nowhere."""
    given = request.headers.get("Authorization", "")
    return compare_digest(given.encode(), f"Bearer {settings.METRICS_TOKEN}".encode())


def _numbers() -> HttpResponse:
    """Of all processes of the site where they share a folder, else of the one that answers."""
    registry = REGISTRY
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        registry = CollectorRegistry()
        MultiProcessCollector(registry)
    answer = HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def counted(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
    try:
        return execute(sql, params, many, context)
    except (DatabaseError, InterfaceError) as error:
        DATABASE_ERRORS.labels(type(error).__name__).inc()
        raise


def watch(connection: BaseDatabaseWrapper, **_signal: object) -> None:
    if counted not in connection.execute_wrappers:
        connection.execute_wrappers.insert(0, counted)


connection_created.connect(watch)
