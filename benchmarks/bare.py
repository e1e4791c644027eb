"""What the cached page is measured against: the same bytes from nothing but gunicorn, and from Django without middleware.

The page and its headers are read from the file that BARE_PAGE names (JSON: headers, body in base64).
"""

import base64
import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

_page: dict[str, Any] = json.loads(Path(os.environ["BARE_PAGE"]).read_text())
HEADERS = [(name, value) for name, value in _page["headers"]]
BODY = base64.b64decode(_page["body"])


def constant(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    start_response("200 OK", HEADERS)
    return [BODY]


def django() -> Callable[..., Any]:
    """One view that asks the database for one row."""
    from django.conf import settings

    from itsci_site.settings import DATABASES, SECRET_KEY

    settings.configure(
        DATABASES=DATABASES, SECRET_KEY=SECRET_KEY, ALLOWED_HOSTS=["*"], ROOT_URLCONF="benchmarks.bare", MIDDLEWARE=[]
    )
    from django.core.wsgi import get_wsgi_application

    return get_wsgi_application()


def _view(request: Any) -> Any:
    from django.db import connection
    from django.http import HttpResponse

    with connection.cursor() as cursor:
        cursor.execute("SELECT mark FROM regions_contentversion")
        cursor.fetchone()
    return HttpResponse(BODY, headers=dict(HEADERS))


def urlpatterns_of() -> list[Any]:
    from django.urls import path

    return [path("", _view)]


if os.environ.get("BARE_DJANGO"):
    urlpatterns = urlpatterns_of()
