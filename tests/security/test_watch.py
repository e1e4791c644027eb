"""Numbers and errors that leave the site: only where a setting says so, and nothing in them about people."""

import json
import subprocess
import sys
from typing import Any

import pytest
from django.conf import settings
from django.db import ProgrammingError, connection, transaction
from django.test import Client
from django.test.utils import override_settings

from tests.setup.machine import environment

from .test_headers import differences
from .test_logs import AGENT, NAME, PLANTED, TOKEN, WORD

pytestmark = [pytest.mark.django_db, pytest.mark.urls("tests.security.test_logs")]
WITH_NUMBERS = list(settings.MIDDLEWARE)
WITH_NUMBERS.insert(WITH_NUMBERS.index("django.middleware.security.SecurityMiddleware"), "itsci_site.metrics.measured")
KNOWS = {"Authorization": "Bearer a-random-word"}

SAYS = """
import os, sys
import django
django.setup()
from django.conf import settings
import itsci_site.wsgi
print(sorted({"prometheus_client", "sentry_sdk"} & sys.modules.keys()), "itsci_site.metrics.measured" in settings.MIDDLEWARE)
"""


def loaded(**given: str) -> str:
    """What a fresh site with these settings has loaded."""
    env = environment(DJANGO_SETTINGS_MODULE="tests.settings", PYTHONPATH=":".join(sys.path), **given)
    return subprocess.run(
        [sys.executable, "-c", SAYS], env=env, cwd=settings.BASE_DIR, capture_output=True, text=True, check=True
    ).stdout


def test_neither_is_loaded_unless_asked_for() -> None:
    assert loaded() == "[] False\n"


def test_either_is_loaded_when_it_is() -> None:
    pytest.importorskip("prometheus_client")
    pytest.importorskip("sentry_sdk")
    assert loaded(METRICS_TOKEN="a-random-word") == "['prometheus_client'] True\n"
    assert loaded(SENTRY_DSN="https://key@sentry.example.org/1") == "['sentry_sdk'] False\n"


def numbers(text: str, name: str) -> dict[str, float]:
    return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(name)}


def test_numbers_are_for_whoever_knows_the_word() -> None:
    pytest.importorskip("prometheus_client")
    assert Client().get("/metrics", headers=KNOWS).status_code == 404  # where the setting is not there
    with override_settings(MIDDLEWARE=WITH_NUMBERS, METRICS_TOKEN="a-random-word"):
        client = Client(raise_request_exception=False)
        for refused in (
            {},
            {"Authorization": "Bearer another"},
            {"Authorization": "Bearer é"},
            {"Authorization": "a-random-word"},
        ):
            assert client.get("/metrics", headers=refused).status_code == 404
        answer = client.get("/metrics", headers=KNOWS)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.headers["Cache-Control"] == "no-store"
    assert differences(answer, "page") == []


def test_numbers_count_requests_by_the_name_of_their_address() -> None:
    pytest.importorskip("prometheus_client")
    from itsci_site import metrics

    metrics.watch(connection)
    with override_settings(MIDDLEWARE=WITH_NUMBERS, METRICS_TOKEN="a-random-word"):
        client = Client(raise_request_exception=False, headers={"User-Agent": AGENT})
        before = client.get("/metrics", headers=KNOWS).content.decode()
        client.get(f"/broken/{TOKEN}/", {"q": WORD})
        client.get(f"/{NAME}/")
        client.generic(WORD.upper(), "/healthz")
        with pytest.raises(ProgrammingError), transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("SELECT nothing_of_the_kind")
        after = client.get("/metrics", headers=KNOWS).content.decode()

    def more(key: str) -> float:
        return numbers(after, "site_").get(key, 0) - numbers(before, "site_").get(key, 0)

    assert more('site_requests_total{method="GET",route="broken",status="500"}') == 1
    assert more('site_requests_total{method="GET",route="",status="404"}') == 1
    assert more('site_requests_total{method="(another)",route="healthz",status="200"}') == 1
    assert more('site_request_seconds_count{route="broken"}') == 1
    assert more('site_database_errors_total{error="ProgrammingError"}') == 1
    for word in PLANTED:
        assert word.lower() not in after.lower()


def test_what_is_sent_about_an_error_says_nothing_about_people(monkeypatch: pytest.MonkeyPatch) -> None:
    sentry_sdk: Any = pytest.importorskip("sentry_sdk")
    from itsci_site import sentry

    sent: list[Any] = []

    class Kept(sentry_sdk.Transport):
        def capture_envelope(self, envelope: Any) -> None:
            sent.append(envelope)

    real = sentry_sdk.init
    monkeypatch.setattr(sentry_sdk, "init", lambda **given: real(**given | {"transport": Kept}))
    sentry.start("https://key@sentry.example.org/1")
    try:
        client = Client(
            raise_request_exception=False, REMOTE_ADDR="192.0.2.77", headers={"User-Agent": AGENT, "Cookie": f"a={TOKEN}"}
        )
        client.post("/admin/login/", {"username": NAME, "password": WORD})
        client.get(f"/broken/{TOKEN}/", {"q": WORD})
        client.get("/hand/")
    finally:
        sentry_sdk.get_client().close()
        sentry_sdk.get_global_scope().set_client(None)
    assert sent
    said = "".join(json.dumps(item.payload.json, default=str) for envelope in sent for item in envelope.items)
    assert "RuntimeError" in said and '"route": "broken"' in said and "test_logs.py" in said
    for word in PLANTED:
        assert word.lower() not in said.lower(), word
