"""Headers of every answer: nothing that tells visitors apart, nothing that lets another site in."""

import runpy
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpResponseBase
from django.test import Client
from django.test.utils import override_settings

from tests import factories as make
from tests.security.table import POLICY, SWITCHED_OFF

from . import facts
from .content import addresses, in_language

COMMON = {
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": SWITCHED_OFF,
}
ERRORS = {
    "/nowhere/": 404,
    "/meetings/?year=never": 400,
    "/broken/": 500,
    "/refused/": 403,
    "/unreadable/": 400,
    "/progress": 301,
}
PLAIN = ("/healthz", "/readyz", "/robots.txt")


def policy(response: HttpResponseBase) -> dict[str, str]:
    """The Content-Security-Policy by directive; their order means nothing."""
    parts = [part.split(" ", 1) for part in response.headers["Content-Security-Policy"].split("; ")]
    assert len(dict(parts)) == len(parts)
    return {name: " ".join(sorted(sources.split())) for name, sources in parts}


EXPECTED = {name: sources for name, sources in (part.split(" ", 1) for part in POLICY.split("; "))}


def assert_policy(response: HttpResponseBase) -> None:
    assert "Content-Security-Policy" in response.headers
    assert policy(response) == EXPECTED
    assert {name: response.headers.get(name) for name in COMMON} == COMMON


@pytest.fixture
def answers(client: Client) -> dict[str, Any]:
    """Every public page in both languages, by address."""
    return {
        where: client.get(where)
        for address in addresses()
        for where in [in_language(address, code) for code in facts.LANGUAGES]
    }


def test_pages_carry_the_whole_policy(answers: dict[str, Any]) -> None:
    for response in answers.values():
        assert response.status_code == 200
        assert_policy(response)


@pytest.mark.urls("tests.pages.urls")
def test_errors_redirects_and_plain_answers_carry_it_too() -> None:
    client = Client(raise_request_exception=False)
    for address, status in (ERRORS | dict.fromkeys(PLAIN, 200)).items():
        response = client.get(address)
        assert response.status_code == status, address
        assert_policy(response)
        assert "Set-Cookie" not in response.headers


def test_pages_are_the_same_for_everyone(answers: dict[str, Any], client: Client) -> None:
    """No cookie is set or asked about; the address alone says the language."""
    told_apart = {}
    for where, response in answers.items():
        vary = {name.strip() for name in response.headers.get("Vary", "").split(",")} - {"", "Accept-Encoding"}
        if vary or response.cookies or "Set-Cookie" in response.headers:
            told_apart[where] = (vary, response.cookies)
    assert told_apart == {}
    other = {"Accept-Language": "fr", "Cookie": "django_language=fr; sessionid=made-up"}
    for where, response in answers.items():
        assert client.get(where, headers=other).content == response.content


def test_signing_in_changes_no_public_page(answers: dict[str, Any], client: Client) -> None:
    make.sign_in(client, make.make_user())
    for where, response in answers.items():
        signed_in = client.get(where)
        assert signed_in.content == response.content
        assert "Cookie" not in signed_in.headers.get("Vary", "")


def test_the_language_is_told(answers: dict[str, Any]) -> None:
    for where, response in answers.items():
        assert response.headers["Content-Language"] == ("fr" if where.startswith("/fr/") else "en")
        assert response.headers["Content-Type"] == "text/html; charset=utf-8"


def test_pages_are_compressed_on_request(client: Client) -> None:
    response = client.get("/progress/", headers={"Accept-Encoding": "gzip"})
    assert response.headers["Content-Encoding"] == "gzip"
    assert "Accept-Encoding" in response.headers["Vary"]


def test_the_admin_adds_its_own_scripts_and_nothing_else(client: Client) -> None:
    make.sign_in(client, make.make_user())
    for address in ("/admin/", "/admin/regions/reading/", "/admin/regions/region/add/", "/admin/login/?next=/admin/"):
        response = client.get(address, follow=True)
        assert response.status_code == 200
        assert policy(response) == EXPECTED | {"script-src": "'self'", "connect-src": "'self'"}
        assert response.headers["Cache-Control"] == "no-store"
        assert {name: response.headers.get(name) for name in COMMON} == COMMON


@pytest.fixture
def over_https(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The settings as a public site reads them: HTTPS not mentioned, so on."""
    monkeypatch.delenv("HTTPS", raising=False)
    monkeypatch.setenv("DEBUG", "off")
    monkeypatch.setenv("BEHIND_PROXY", "on")
    monkeypatch.setattr("environ.Env.read_env", lambda *_arguments, **_options: None)  # whatever .env says
    read = runpy.run_path(str(settings.BASE_DIR / "itsci_site" / "settings.py"))
    return {name: value for name, value in read.items() if name.startswith(("SECURE_", "SESSION_COOKIE_", "CSRF_COOKIE_"))}


def test_a_public_site_speaks_https_only(over_https: dict[str, Any]) -> None:
    with override_settings(**over_https):
        client = Client()
        for address in ("/", "/fr/meetings/?q=a", "/admin/"):
            redirect = client.get(address)
            assert (redirect.status_code, redirect.headers["Location"]) == (301, f"https://testserver{address}")
            assert_policy(redirect)
        response = client.get("/", secure=True)
        assert response.status_code == 200
        assert response.headers["Strict-Transport-Security"] == "max-age=63072000; includeSubDomains; preload"
        assert_policy(response)
        # What the proxy says counts, as it overwrites what a visitor claims.
        assert client.get("/", headers={"X-Forwarded-Proto": "https"}).status_code == 200


def test_cookies_of_a_public_site_travel_over_https_alone(over_https: dict[str, Any]) -> None:
    with override_settings(**over_https):
        client = Client()
        login = client.get("/admin/login/", secure=True)
        token = login.cookies["__Host-csrftoken"]
        assert token["secure"] and token["httponly"]
        User.objects.create_superuser("alice", password="a long one for a test")
        form = {"username": "alice", "password": "a long one for a test"}
        session = client.post("/admin/login/", form, secure=True).cookies["__Host-sessionid"]
        assert session["secure"] and session["httponly"]
        for cookie in (token, session):
            assert (cookie["path"], cookie["domain"]) == ("/", "")
        assert session["samesite"] in ("Lax", "Strict")


def test_a_machine_of_ones_own_may_speak_http(client: Client) -> None:
    response = client.get("/")
    assert response.status_code == 200
    assert "Strict-Transport-Security" not in response.headers
