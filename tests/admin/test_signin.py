"""Signing in: a password, then a code. Who has given one of them alone gets no further."""

import logging
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from axes.models import AccessAttempt, AccessLog
from django.conf import settings
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.contrib.sessions.models import Session
from django.core import mail
from django.core.management import CommandError, call_command
from django.test import Client, RequestFactory
from django.urls import URLPattern, URLResolver, get_resolver
from django.utils import timezone
from django_otp.oath import hotp
from django_otp.plugins.otp_static.models import StaticDevice, StaticToken
from django_otp.plugins.otp_totp.models import TOTPDevice

from itsci_site import lockout, second_factor, sessions
from tests import factories as make

pytestmark = pytest.mark.django_db
Page = Any
PASSWORD, NEW = "alice's own words", "new words of alice"
LOGIN, CODE, ENROL, QR = "/admin/login/", "/admin/sign-in/code/", "/admin/sign-in/enrol/", "/admin/sign-in/qr.svg"
FACTOR = "/admin/second-factor/"
WRONG = "This code is not right. Each code works once and for about 30 seconds"


@dataclass
class Clock:
    """What sessions, the throttle and one-time codes take for now."""

    now: datetime = datetime(2030, 1, 1, 12, tzinfo=UTC)

    def wait(self, **span: float) -> None:
        self.now += timedelta(**span)

    def code(self, key: str) -> str:
        """What an app with this secret (hexadecimal) shows now."""
        return f"{hotp(bytes.fromhex(key), int(self.now.timestamp()) // 30):06}"


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("django.utils.timezone.now", lambda: clock.now)
    seconds = SimpleNamespace(time=lambda: clock.now.timestamp())
    monkeypatch.setattr("django_otp.plugins.otp_totp.models.time", seconds)
    return clock


@pytest.fixture
def alice() -> User:
    return make.make_user("alice", password=PASSWORD, email="alice@example.org")


def give_password(client: Client, next_page: str = "", name: str = "alice", password: str = PASSWORD, **sent: Any) -> Page:
    return client.post(LOGIN, {"username": name, "password": password, "next": next_page}, **sent)


def give_code(client: Client, code: str, next_page: str = "") -> Page:
    return client.post(CODE, {"code": code, "next": next_page})


@pytest.fixture
def half(client: Client, clock: Clock, alice: User) -> Client:
    """Alice's client after her password. She has no app yet."""
    give_password(client)
    return client


@pytest.fixture
def app(clock: Clock, alice: User) -> TOTPDevice:
    return TOTPDevice.objects.create(user=alice, name="app")


@pytest.fixture
def codes(app: TOTPDevice, alice: User) -> list[str]:
    return second_factor.new_codes(alice)


def secret_on(page: Page) -> str:
    """The secret that an enrolment page shows, in hexadecimal."""
    return page.wsgi_request.session["new_secret"]


def is_in(client: Client) -> bool:
    return client.get("/admin/regions/region/").status_code == 200


def error_of(page: Page) -> str:
    return " ".join(page.context["form"].errors["code"])


def key_of(client: Client) -> str:
    return client.cookies[settings.SESSION_COOKIE_NAME].value


# The steps


def test_the_first_sign_in(client: Client, clock: Clock, alice: User) -> None:
    keys = []
    answer = client.get("/admin/regions/region/?q=a")
    assert answer["Location"] == f"{LOGIN}?next=/admin/regions/region/%3Fq%3Da"
    answer = give_password(client, "/admin/regions/region/?q=a")
    keys.append(key_of(client))
    assert answer["Location"] == f"{ENROL}?next=%2Fadmin%2Fregions%2Fregion%2F%3Fq%3Da"
    page = client.get(answer["Location"])
    secret = secret_on(page)
    html = page.content.decode()
    assert second_factor.readable(secret) in html and QR in html and "data:" not in html
    assert "Readings" not in html and "nav-sidebar" not in html  # nothing of what is inside
    page = client.post(ENROL, {"code": clock.code(secret), "next": "/admin/regions/region/?q=a"})
    keys.append(key_of(client))
    assert page.status_code == 200
    found = re.findall(r"<code>([\d ]+)</code>", page.content.decode())
    assert len(set(found)) == 10
    assert 'href="/admin/regions/region/?q=a"' in page.content.decode()
    assert is_in(client)
    client.post("/admin/logout/")
    clock.wait(seconds=30)
    answer = give_password(client, "/admin/regions/region/")
    keys.append(key_of(client))
    assert answer["Location"] == f"{CODE}?next=%2Fadmin%2Fregions%2Fregion%2F"
    answer = give_code(client, clock.code(secret), "/admin/regions/region/")
    keys.append(key_of(client))
    assert answer["Location"] == "/admin/regions/region/" and is_in(client)
    assert len(set(keys)) == 4, "the session's key changes at each step"
    # None of the earlier keys opens anything.
    for key in keys[:3]:
        other = Client()
        other.cookies[settings.SESSION_COOKIE_NAME] = key
        assert other.get("/admin/")["Location"] == f"{LOGIN}?next=/admin/"


def test_the_address_in_the_qr_code(half: Client) -> None:
    page = half.get(ENROL)
    parts = urlsplit(page.context["address"])
    asked = parse_qs(parts.query)
    assert (parts.scheme, parts.netloc, parts.path) == ("otpauth", "totp", "/Scaling%20Up%20ITSCI%3Aalice")
    assert asked["secret"] == [second_factor.readable(secret_on(page)).replace(" ", "")]
    assert (asked["issuer"], asked["digits"], asked["period"]) == (["Scaling Up ITSCI"], ["6"], ["30"])
    image = half.get(QR)
    assert image["Content-Type"] == "image/svg+xml" and image["Cache-Control"] == "no-store"
    assert b"style" not in image.content and image.content == second_factor.qr(page.context["address"])


def test_a_wrong_first_code_leaves_the_secret_and_no_device(half: Client, clock: Clock) -> None:
    secret = secret_on(half.get(ENROL))
    page = half.post(ENROL, {"code": "000 000", "next": "/admin/auth/"})
    assert error_of(page).startswith(WRONG) and page.context["form"]["code"].value() == "000 000"
    assert page.context["next"] == "/admin/auth/"
    assert secret_on(page) == secret
    assert not TOTPDevice.objects.exists() and not is_in(half)
    # A recovery code of nobody confirms no app.
    assert error_of(half.post(ENROL, {"code": "1" * 12})).startswith(WRONG)


def test_a_secret_is_for_one_session(half: Client, clock: Clock) -> None:
    """Who knows the password alone must not learn the secret that its owner is going to confirm."""
    thief = Client()
    give_password(thief)
    theirs, hers = secret_on(thief.get(ENROL)), secret_on(half.get(ENROL))
    assert theirs != hers
    assert half.post(ENROL, {"code": clock.code(theirs)}).status_code == 200 and not is_in(half)
    half.post(ENROL, {"code": clock.code(hers)})
    assert is_in(half)
    # Whoever comes second finds an app and is asked for its code, even with the enrolment page open.
    assert thief.post(ENROL, {"code": clock.code(theirs)})["Location"].startswith(CODE)
    assert TOTPDevice.objects.get().key == hers
    # A secret left from before opens no way around the code that moving to another app asks for.
    clock.wait(seconds=30)
    assert give_code(thief, clock.code(hers)).status_code == 302
    assert thief.get(ENROL)["Location"] == "/admin/"


def test_two_enrolments_at_once(half: Client, clock: Clock, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = secret_on(half.get(ENROL))
    TOTPDevice.objects.create(user=alice, name="app")
    monkeypatch.setattr("itsci_site.sign_in_views._elsewhere", lambda *_args, **_options: None)  # it looked a moment before
    assert half.post(ENROL, {"code": clock.code(secret)})["Location"].startswith(CODE)
    assert TOTPDevice.objects.count() == 1 and not is_in(half)


def test_each_page_sends_on_whom_it_is_not_for(half: Client, clock: Clock, app: TOTPDevice) -> None:
    assert half.get(ENROL)["Location"].startswith(CODE)
    assert half.get(LOGIN)["Location"].startswith(CODE)
    assert half.get(QR).status_code == 404
    give_code(half, clock.code(app.key))
    for page in (CODE, ENROL, LOGIN):
        assert half.get(page)["Location"] == "/admin/"
    assert half.get(QR).status_code == 404
    nobody = Client()
    for page in (CODE, ENROL):
        assert nobody.get(page)["Location"].startswith(LOGIN)
        assert nobody.post(page, {"code": clock.code(app.key)})["Location"].startswith(LOGIN)
    assert nobody.get(QR).status_code == 404
    app.delete()
    other = Client()
    give_password(other)
    assert other.get(CODE)["Location"].startswith(ENROL)


# Codes


@pytest.mark.parametrize("typed", ["{0}{1}", " {0} {1} ", "{0}-{1}", "{0}\u00a0{1}"])
def test_a_code_in_any_spacing(half: Client, clock: Clock, app: TOTPDevice, typed: str) -> None:
    code = clock.code(app.key)
    assert give_code(half, typed.format(code[:3], code[3:])).status_code == 302 and is_in(half)


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "12345\0", "１２３４５６", "+12345", "1" * 41, "-12.456"])
def test_what_can_be_no_code_is_said_and_counts_as_no_try(half: Client, app: TOTPDevice, typed: str) -> None:
    page = give_code(half, typed, "/admin/auth/")
    assert page.status_code == 200 and error_of(page)
    assert page.context["next"] == "/admin/auth/"
    app.refresh_from_db()
    assert app.throttling_failure_count == 0 and not is_in(half)


def test_a_code_works_once(half: Client, clock: Clock, app: TOTPDevice) -> None:
    code = clock.code(app.key)
    give_code(half, code)
    assert is_in(half)
    other = Client()
    give_password(other)
    assert error_of(give_code(other, code)).startswith(WRONG) and not is_in(other)


def test_codes_of_others_and_of_other_times_are_refused(half: Client, clock: Clock, app: TOTPDevice) -> None:
    bobs = TOTPDevice.objects.create(user=make.make_user("bob"), name="app")
    (bobs_code, *_more) = second_factor.new_codes(bobs.user)
    moment = clock.now
    refused = [clock.code(bobs.key), bobs_code]
    for minutes in (-2, 2):
        clock.now = moment + timedelta(minutes=minutes)
        refused.append(clock.code(app.key))
    clock.now = moment
    for code in refused:
        assert give_code(half, code).status_code == 200 and not is_in(half), code
        clock.wait(seconds=5)
    assert give_code(half, clock.code(app.key)).status_code == 302


def test_a_recovery_code_signs_in_once(half: Client, clock: Clock, codes: list[str]) -> None:
    page = half.post(CODE, {"code": codes[3]}, follow=True)
    assert is_in(half)
    assert [str(told) for told in page.context["messages"]] == [
        "That recovery code is spent; 9 are left. You can make new ones under “Second factor”."
    ]
    other = Client()
    give_password(other)
    assert error_of(give_code(other, codes[3])) == "This is no recovery code of yours, or it was used before."
    clock.wait(seconds=1)
    assert give_code(other, codes[4].replace(" ", "-")).status_code == 302
    assert StaticToken.objects.count() == 8


def test_without_recovery_codes_none_is_right(half: Client, app: TOTPDevice) -> None:
    assert error_of(give_code(half, "0" * 12)) == "This is no recovery code of yours, or it was used before."


@pytest.mark.parametrize("is_recovery", [False, True])
def test_wrong_codes_are_slowed_down(half: Client, clock: Clock, app: TOTPDevice, codes: list[str], is_recovery: bool) -> None:
    wrong = "0" * (12 if is_recovery else 6)
    for failures, waits in enumerate((1, 2, 4, 8, 16, 32, 64, 128), start=1):
        assert give_code(half, wrong).status_code == 200
        clock.wait(seconds=waits - 1)
        right = codes[0] if is_recovery else clock.code(app.key)
        page = give_code(half, right)
        assert page.status_code == 429, f"after {failures} wrong codes the next waits for {waits} seconds"
        assert error_of(page) == "Too many wrong codes. Wait 1 second, then type a new code."
        clock.wait(seconds=1)
    give_code(half, wrong)
    assert error_of(give_code(half, wrong)) == "Too many wrong codes. Wait 5 minutes, then type a new code."
    clock.wait(minutes=5)
    assert give_code(half, codes[0] if is_recovery else clock.code(app.key)).status_code == 302 and is_in(half)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "1 second"), (90, "90 seconds"), (90.1, "2 minutes"), (5400, "90 minutes"), (5401, "2 hours")]
)
def test_a_span_in_words(seconds: float, words: str) -> None:
    assert second_factor.span(seconds) == words


# Where it leads

ELSEWHERE = (
    "https://evil.example/", "//evil.example/", "///evil.example", "/\\evil.example", "http:evil.example",
    "javascript:alert(1)",
    "https://testserver.evil.example/", "https://testserver@evil.example/", "\t//evil.example", "http://[", "//testserver:99/",
)  # fmt: skip


@pytest.mark.parametrize("wanted", ELSEWHERE)
def test_no_step_leads_to_another_site(client: Client, clock: Clock, alice: User, wanted: str) -> None:
    answer = give_password(client, wanted)
    assert answer["Location"] == f"{ENROL}?next=%2Fadmin%2F"
    page = client.get(ENROL, {"next": wanted})
    assert page.context["next"] == "/admin/"
    page = client.post(ENROL, {"code": clock.code(secret_on(page)), "next": wanted})
    assert page.context["next"] == "/admin/" and wanted not in page.content.decode()
    assert client.get(CODE, {"next": wanted})["Location"] == "/admin/"
    client.post("/admin/logout/")
    clock.wait(seconds=30)
    give_password(client)
    assert client.get(LOGIN, {"next": wanted})["Location"] == f"{CODE}?next=%2Fadmin%2F"
    answer = client.post(f"{CODE}?next={wanted}", {"code": clock.code(TOTPDevice.objects.get().key), "next": wanted})
    assert answer["Location"] == "/admin/"


# Who gets in

OPEN = {LOGIN, CODE, ENROL, QR, "/admin/reset/", "/admin/reset/sent/", "/admin/reset/done/", "/admin/reset/1/1/"}
"""What answers without a whole sign-in."""
OF_HALF = {"/admin/password_change/", "/admin/password_change/done/", "/admin/logout/"}


def admin_addresses(patterns: Any = None, before: str = "/") -> Iterator[str]:
    """An address for every pattern below /admin/, whatever is in its places."""
    for pattern in patterns or get_resolver().url_patterns:
        route = str(pattern.pattern).removeprefix("^").removesuffix("$").removesuffix("\\Z")
        route = re.sub(r"\(\?P<\w+>([a-z]+)\|[^)]*\)|\(\?P<\w+>[^)]*\)|<[^>]+>", lambda found: found[1] or "1", route)
        if isinstance(pattern, URLResolver):
            if before != "/" or route == "admin/":
                yield from admin_addresses(pattern.url_patterns, before + route)
        elif isinstance(pattern, URLPattern) and (before + route).startswith("/admin/"):
            yield before + route


def test_the_walk_finds_the_admin() -> None:
    found = set(admin_addresses())
    assert len(found) > 100
    assert OPEN | OF_HALF | {"/admin/", FACTOR, "/admin/jsi18n/", "/admin/autocomplete/", "/admin/r/1/1/"} <= found
    assert {"/admin/auth/", "/admin/auth/user/1/change/", "/admin/auth/user/1/password/", "/admin/1"} <= found
    for model in admin.site._registry:
        base = f"/admin/{model._meta.app_label}/{model._meta.model_name}/"
        assert {base, f"{base}add/", f"{base}1/history/", f"{base}1/delete/", f"{base}1/change/"} <= found


@pytest.mark.parametrize("state", ["anonymous", "without an app", "with an app", "no longer staff"])
def test_no_address_of_the_admin_opens_without_a_code(client: Client, clock: Clock, alice: User, state: str) -> None:
    if state == "no longer staff":
        make.sign_in(client, alice)
        User.objects.update(is_staff=False)
    elif state != "anonymous":
        give_password(client)
    if state == "with an app":
        TOTPDevice.objects.create(user=alice, name="app")
    is_half = state.startswith("with")
    opened = []
    for address in sorted(set(admin_addresses()) - OPEN - (OF_HALF if is_half else {"/admin/logout/"})):
        answer = client.get(address)
        if answer.status_code != 302 or not answer["Location"].startswith(LOGIN):
            opened.append(("GET", address, answer.status_code))
        answer = client.post(address, {"name": "x"})
        if answer.status_code != 403 or "You are signed out" not in answer.content.decode():
            opened.append(("POST", address, answer.status_code))
    assert opened == []


def test_half_signed_in_one_can_change_the_password_and_leave(half: Client, app: TOTPDevice) -> None:
    page = half.get("/admin/password_change/")
    assert page.status_code == 200 and "nav-sidebar" not in page.content.decode()
    new = {"old_password": PASSWORD, "new_password1": "other words of hers", "new_password2": "other words of hers"}
    assert half.post("/admin/password_change/", new)["Location"] == "/admin/password_change/done/"
    assert half.get("/admin/password_change/done/").status_code == 200
    assert not is_in(half)
    assert half.post("/admin/logout/").status_code == 200
    assert half.get("/admin/")["Location"].startswith(LOGIN)
    assert half.get(CODE)["Location"].startswith(LOGIN)


def test_who_is_no_staff_does_not_get_half_in(client: Client) -> None:
    make.make_user("bob", staff=False, superuser=False, password=PASSWORD)
    assert give_password(client, name="bob").status_code == 200
    assert settings.SESSION_COOKIE_NAME not in client.cookies


def test_another_accounts_device_opens_nothing(half: Client, app: TOTPDevice) -> None:
    session = half.session
    session["otp_device_id"] = TOTPDevice.objects.create(user=make.make_user("bob"), name="app").persistent_id
    session.save()
    assert not is_in(half)


# The session


def test_a_session_ends_after_thirty_minutes_without_a_request(client: Client, clock: Clock, alice: User) -> None:
    make.sign_in(client, alice)
    for _time in range(4):
        clock.wait(minutes=29, seconds=59)
        answer = client.get("/admin/")
        assert answer.status_code == 200
        assert answer.cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 1800
    client.get("/")  # a public page prolongs nothing
    clock.wait(minutes=15)
    assert not client.get("/").cookies
    clock.wait(minutes=15)
    assert client.get("/admin/")["Location"] == f"{LOGIN}?next=/admin/"


def test_a_session_ends_twelve_hours_after_the_password(half: Client, clock: Clock, app: TOTPDevice) -> None:
    clock.wait(minutes=10)
    assert give_code(half, clock.code(app.key)).status_code == 302  # which is no new begin
    for _time in range(28):
        clock.wait(minutes=25)
        assert is_in(half)
    assert half.get("/admin/").cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 600
    clock.wait(minutes=9, seconds=59)
    assert is_in(half)
    clock.wait(seconds=1)
    assert half.get("/admin/")["Location"] == f"{LOGIN}?next=/admin/"
    give_password(half)
    clock.wait(minutes=1)
    assert give_code(half, clock.code(app.key)).status_code == 302
    assert half.get("/admin/").cookies[settings.SESSION_COOKIE_NAME]["max-age"] == 1800, "and begins anew"


def test_people_see_their_other_sessions_and_end_them(staff: Client, clock: Clock, codes: list[str]) -> None:
    is_in(staff)
    clock.wait(minutes=5)
    at_five, half, bobs = make.sign_in(Client(), User.objects.get()), Client(), Client()
    assert is_in(at_five)
    assert is_in(make.sign_in(bobs, make.make_user("bob")))
    clock.wait(minutes=5)
    give_password(half)
    assert half.get("/admin/password_change/").status_code == 200
    clock.wait(minutes=5)
    is_in(at_five)
    page = staff.get(FACTOR)
    listed = [(f"{one.since:%H:%M}", f"{one.last:%H:%M}", one.is_half) for one in page.context["others"]]
    assert listed == [("12:05", "12:15", False), ("12:10", "12:10", True)], "hers alone, without this one"
    shown = page.content.decode()
    keys = [key_of(client) for client in (staff, at_five, half, bobs)]
    assert shown.count('name="session"') == 2 and not [key for key in keys if key in shown]
    theirs, hers = (one.mark for one in page.context["others"])
    page = staff.post(FACTOR, {"code": codes[0], "end": ""}, follow=True)
    assert told(page) == ["Nothing was ended: tick a session first."]
    page = staff.post(FACTOR, {"code": "000000000000", "end": "", "session": hers})
    assert error_of(page).startswith("This is no recovery code") and "checked" in page.content.decode()
    clock.wait(seconds=2)
    others = sessions.of(User.objects.get(username="bob"))[0].mark
    page = staff.post(FACTOR, {"code": codes[0], "end": "", "session": [hers, others, "nonsense"]}, follow=True)
    assert told(page) == ["1 session ended."]
    assert is_in(staff) and is_in(at_five) and is_in(bobs), "what is not hers, or was not ticked, stays"
    assert half.get("/admin/password_change/")["Location"].startswith(LOGIN)
    staff.post(FACTOR, {"code": codes[1], "end": "", "session": theirs})
    assert not is_in(at_five) and "Nowhere." in staff.get(FACTOR).content.decode()


def test_what_was_sent_after_the_end_is_kept(clock: Clock, alice: User, app: TOTPDevice) -> None:
    client = Client(enforce_csrf_checks=True, headers={"Origin": "http://testserver"})
    make.sign_in(client, alice)
    source = make.make_source()
    address = f"/admin/regions/source/{source.pk}/change/?_changelist_filters=q%3Da"
    form = {"name_en": 'Typed <at> "length" & à la main', "name_fr": "Long", "password": "never back", "many": ["1", "2"]}
    token = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get(address).content.decode())
    assert token
    clock.wait(minutes=31)
    page = client.post(address, form | {"csrfmiddlewaretoken": token[1]})
    html = page.content.decode()
    assert (page.status_code, page["Cache-Control"]) == (403, "no-store")
    assert page.context["fields"] == [(name, value) for name, value in pairs(form) if name != "password"]
    assert 'value="Typed &lt;at&gt; &quot;length&quot; &amp; à la main"' in html and "never back" not in html
    assert f'action="{address}"' in html
    stale = re.search(r'csrfmiddlewaretoken" value="(\w+)"', html)
    assert stale
    # In another tab, which changes the token.
    found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get(LOGIN).content.decode())
    assert found
    login = {"username": "alice", "password": PASSWORD, "csrfmiddlewaretoken": found[1]}
    assert client.post(LOGIN, login).status_code == 302
    found = re.search(r'csrfmiddlewaretoken" value="(\w+)"', client.get(CODE).content.decode())
    assert found
    assert client.post(CODE, {"code": clock.code(app.key), "csrfmiddlewaretoken": found[1]}).status_code == 302
    page = client.post(address, dict(page.context["fields"]) | {"csrfmiddlewaretoken": stale[1]})
    assert page.status_code == 403 and "You signed in after this page was opened, or" in page.content.decode()
    fresh = re.search(r'csrfmiddlewaretoken" value="(\w+)"', page.content.decode())
    assert fresh
    answer = client.post(address, dict(page.context["fields"]) | {"csrfmiddlewaretoken": fresh[1]})
    assert answer.status_code == 302
    source.refresh_from_db()
    assert source.name_en == form["name_en"]  # type: ignore[attr-defined]


def pairs(form: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, value in form.items():
        for one in value if isinstance(value, list) else [value]:
            yield name, one


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://testserver:99", None])
def test_what_another_site_sends_is_not_kept_for_a_click(clock: Clock, alice: User, origin: str | None) -> None:
    client = Client(enforce_csrf_checks=True)
    make.sign_in(client, alice)
    headers = {"Origin": origin} if origin else {}
    page = client.post("/admin/regions/source/add/", {"name_en": "Of another site"}, headers=headers)
    assert page.status_code == 403
    assert "Of another site" not in page.content.decode() and "csrfmiddlewaretoken" not in page.content.decode()


def test_signing_out_late_is_no_form_to_keep(client: Client) -> None:
    assert client.post("/admin/logout/")["Location"] == "/admin/"


def test_files_are_to_be_chosen_again(client: Client) -> None:
    with open(__file__, "rb") as file:
        page = client.post("/admin/meetings/document/add/", {"title_en": "Minutes", "file": file})
    assert "choose them again" in page.content.decode()
    assert page.context["fields"] == [("title_en", "Minutes")]


def test_the_cookie(client: Client, clock: Clock, alice: User) -> None:
    give_password(client)
    cookie = client.cookies[settings.SESSION_COOKIE_NAME]
    assert cookie["httponly"] and cookie["samesite"] in ("Lax", "Strict") and cookie["max-age"] == 1800
    # That it is for HTTPS alone where the site is public: tests/pages/test_headers.py.


def test_asking_for_the_pages_makes_no_session(client: Client) -> None:
    client.cookies[settings.SESSION_COOKIE_NAME] = "made-up"
    for address in ("/", "/admin/", LOGIN, CODE, ENROL, FACTOR, "/admin/reset/", "/admin/reset/sent/", "/admin/reset/1/1/"):
        client.get(address)
    assert not Session.objects.exists()


def test_signed_in_or_half_public_pages_touch_no_session(half: Client, django_assert_num_queries: Any) -> None:
    before = Session.objects.values_list("expire_date", "session_data").get()
    for address in ("/accessibility/", "/robots.txt", "/fr/accessibility/"):
        answer = half.get(address)
        assert answer.status_code == 200 and not answer.cookies and "Cookie" not in answer.headers.get("Vary", "")
    assert Session.objects.values_list("expire_date", "session_data").get() == before


def test_every_page_of_the_way_has_the_admins_headers(half: Client, clock: Clock) -> None:
    make.make_user("bob", password=PASSWORD)
    enrol, kept = half.get(ENROL), half.post("/admin/", {"a": "b"})
    codes = half.post(ENROL, {"code": clock.code(secret_on(enrol))})
    for _time in range(5):
        locked = give_password(Client(), name="bob", password="wrong")
    pages = [enrol, codes, kept, locked, half.get(FACTOR), Client().get(LOGIN)]
    pages += [
        Client().get(address) for address in ("/admin/reset/", "/admin/reset/sent/", "/admin/reset/1/1/", "/admin/reset/done/")
    ]
    other = Client()
    give_password(other)
    pages.append(other.get(CODE))
    for page in pages:
        html = page.content.decode()
        assert "<title>" in html, page.status_code
        assert page["Cache-Control"] == "no-store"
        policy = page["Content-Security-Policy"]
        assert "script-src 'self'" in policy and "img-src 'self'" in policy and "unsafe" not in policy
        assert not re.search(r"<style|\sstyle=|<script(?![^>]*\ssrc=)|\son\w+=|data:", html)


# The own second factor


@pytest.fixture
def staff(client: Client, clock: Clock, alice: User, app: TOTPDevice) -> Client:
    return make.sign_in(client, alice)


def test_new_recovery_codes(staff: Client, clock: Clock, app: TOTPDevice, codes: list[str]) -> None:
    other = make.sign_in(Client(), app.user)
    page = staff.get(FACTOR)
    assert "10 recovery codes are left." in page.content.decode()
    assert not [code for code in codes if code in page.content.decode()]
    page = staff.post(FACTOR, {"code": "000000", "codes": ""})
    assert error_of(page).startswith(WRONG)
    assert staff.post(FACTOR, {"code": clock.code(app.key), "codes": ""}).status_code == 429
    assert StaticToken.objects.count() == 10
    clock.wait(seconds=30)
    page = staff.post(FACTOR, {"code": clock.code(app.key), "codes": ""})
    new = page.context["codes"]
    assert len(set(new)) == 10 and not set(new) & set(codes)
    assert {token.token for token in StaticToken.objects.all()} == {code.replace(" ", "") for code in new}
    assert is_in(staff) and not is_in(other)


def test_moving_to_another_app(staff: Client, clock: Clock, app: TOTPDevice, codes: list[str]) -> None:
    assert staff.get(ENROL)["Location"] == "/admin/"
    assert staff.post(ENROL, {"code": "000000"})["Location"] == "/admin/"
    other = make.sign_in(Client(), app.user)
    assert staff.post(FACTOR, {"code": codes[0], "move": ""})["Location"] == ENROL
    page = staff.get(ENROL)
    secret = secret_on(page)
    assert secret != app.key and "The app you have now stays good" in page.content.decode()
    assert staff.get(QR).status_code == 200
    assert other.get(QR).status_code == 404
    assert error_of(staff.post(ENROL, {"code": clock.code(app.key)})).startswith(WRONG)
    assert TOTPDevice.objects.get().key == app.key
    page = staff.post(ENROL, {"code": clock.code(secret)})
    assert len(page.context["codes"]) == 10
    assert TOTPDevice.objects.get().key == secret and is_in(staff)
    assert "Wherever else you were signed in, you are signed out." in page.content.decode()
    assert other.get(CODE)["Location"].startswith(LOGIN), "a session of the old app ended"
    give_password(other)
    clock.wait(seconds=30)
    for old in (clock.code(app.key), codes[1]):
        assert give_code(other, old).status_code == 200
        clock.wait(seconds=1)
    clock.wait(seconds=30)
    assert give_code(other, clock.code(secret)).status_code == 302


def test_thinking_better_of_a_move(staff: Client, codes: list[str]) -> None:
    staff.post(FACTOR, {"code": codes[0], "move": ""})
    staff.get(FACTOR)
    assert staff.get(ENROL)["Location"] == "/admin/"


# Administrators


def act(client: Client, *accounts: User, **more: str) -> Page:
    form = {"action": "reset_second_factor", "_selected_action": [account.pk for account in accounts]}
    return client.post("/admin/auth/user/", form | more, follow=True)


def told(page: Page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def test_an_administrator_resets_a_second_factor(client: Client, clock: Clock, app: TOTPDevice, alice: User) -> None:
    second_factor.new_codes(alice)
    hers, half = make.sign_in(Client(), alice), Client()
    give_password(half)
    boss = make.make_user("boss")
    make.sign_in(client, boss)
    page = act(client, alice)
    assert "Be sure who asked for this" in page.content.decode() and "<li>alice</li>" in page.content.decode()
    assert TOTPDevice.objects.filter(user=alice).exists() and is_in(hers)
    page = act(client, alice, confirmed="yes")
    assert told(page) == ["Reset. They set up a new app when they sign in next: alice."]
    assert not TOTPDevice.objects.filter(user=alice).exists() and not StaticDevice.objects.exists()
    for old in (hers, half):
        assert old.get(ENROL)["Location"].startswith(LOGIN), "an old session enrols nothing"
    assert give_password(Client())["Location"].startswith(ENROL)
    entry = LogEntry.objects.get()
    assert (entry.user, entry.object_id, entry.change_message) == (boss, str(alice.pk), "Second factor reset")
    assert is_in(client)


def test_whose_second_factor_is_not_reset(client: Client, clock: Clock, app: TOTPDevice, alice: User) -> None:
    bob, carol = make.make_user("bob", superuser=False), make.make_user("carol", superuser=False)
    make.sign_in(Client(), carol)
    make.sign_in(client, bob)
    assert client.get("/admin/auth/user/").status_code == 403
    bob.user_permissions.set(Permission.objects.filter(codename="view_user"))
    assert "reset_second_factor" not in client.get("/admin/auth/user/").content.decode()
    act(client, carol, confirmed="yes")
    bob.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    assert told(act(client, carol, alice, confirmed="yes"))[0].endswith(
        "Only a superuser resets the second factor of a superuser."
    )
    assert told(act(client, carol, bob, confirmed="yes"))[0].startswith("Nothing was reset. Change your own second factor")
    assert TOTPDevice.objects.count() == 3
    act(client, carol, confirmed="yes")
    assert not TOTPDevice.objects.filter(user=carol).exists() and TOTPDevice.objects.count() == 2


def test_no_page_shows_a_secret(staff: Client, app: TOTPDevice, codes: list[str], alice: User) -> None:
    assert not {TOTPDevice, StaticDevice, AccessAttempt, AccessLog, Session} & admin.site._registry.keys()
    base = f"/admin/auth/user/{alice.pk}"
    for address in (f"{base}/change/", f"{base}/history/", f"{base}/delete/", "/admin/auth/user/", FACTOR, "/admin/"):
        html = staff.get(address).content.decode()
        for secret in (app.key, second_factor.readable(app.key), *codes):
            assert secret not in html and secret.replace(" ", "") not in html, address
    listed = staff.get("/admin/auth/user/", {"o": "6"})
    assert listed.status_code == 200 and listed.context["cl"].result_list[0].has_app


def test_the_commands(clock: Clock, app: TOTPDevice, alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    hers = make.sign_in(Client(), alice)
    call_command("reset_second_factor", "alice")
    assert "user alice sets up a new app" in capsys.readouterr().out
    assert not TOTPDevice.objects.exists() and hers.get("/admin/")["Location"].startswith(LOGIN)
    with pytest.raises(CommandError, match="There is no account Alice"):
        call_command("reset_second_factor", "Alice")


def test_what_ran_out_is_purged(clock: Clock, alice: User, capsys: pytest.CaptureFixture[str]) -> None:
    make.sign_in(Client(), alice)
    clock.wait(minutes=20)
    staying = make.sign_in(Client(), alice)
    for minutes in (14, 16):
        row = AccessAttempt.objects.create(username=f"{minutes}", failures_since_start=5)
        AccessAttempt.objects.filter(pk=row.pk).update(attempt_time=clock.now - timedelta(minutes=minutes))
    clock.wait(seconds=1)
    call_command("purge_sign_ins")
    clock.wait(minutes=11)
    call_command("purge_sign_ins")
    assert capsys.readouterr().out.splitlines() == [
        "Purged      0 sessions, 1 wrong passwords",
        "Purged      1 sessions, 1 wrong passwords",
    ]
    assert is_in(staying)


def test_an_account_of_the_command_has_no_name_to_guess_and_enrols_first(capsys: pytest.CaptureFixture[str]) -> None:
    names = []
    for given in ({"name": "Anna"}, {}, {}):
        call_command("new_admin", **given)
        name, password = re.fullmatch(r"Admin +user (\S+), password (\S+) \(.*\)\n", capsys.readouterr().out).groups()  # type: ignore[union-attr]
        assert give_password(Client(), name=name, password=password)["Location"] == f"{ENROL}?next=%2Fadmin%2F"
        names.append(name)
    assert names[0] == "Anna"
    assert all(re.fullmatch("staff-[0-9a-f]{6}", name) for name in names[1:]) and names[1] != names[2]


# Wrong passwords


def fail(name: str = "alice", address: str = "192.0.2.1", times: int = 5, **sent: Any) -> Page:
    for _time in range(times):
        page = give_password(Client(), name=name, password="wrong", REMOTE_ADDR=address, **sent)
    return page


def is_locked(name: str = "alice", address: str = "192.0.2.1", password: str = PASSWORD, **sent: Any) -> bool:
    answer = give_password(Client(), name=name, password=password, REMOTE_ADDR=address, **sent)
    assert answer.status_code in (302, 429)
    return answer.status_code == 429


def test_five_wrong_passwords_lock_the_account_for_the_address(alice: User) -> None:
    assert fail(times=4).status_code == 200
    page = fail(times=1)
    assert page.status_code == 429
    assert int(page["Retry-After"]) in range(890, 901)
    words = " ".join(page.content.decode().split())
    assert "Too many wrong passwords (5) for this account from this address. Try again in 15 minutes, at " in words
    client = Client()
    assert give_password(client, REMOTE_ADDR="192.0.2.1").status_code == 429, "the right password does not count either"
    assert settings.SESSION_COOKIE_NAME not in client.cookies
    assert not is_locked(address="192.0.2.2"), "other addresses go on"
    make.make_user("bob", password=PASSWORD)
    assert not is_locked("bob"), "other accounts go on"
    assert is_locked()


def test_a_lock_ends_when_it_said(alice: User) -> None:
    fail()
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=14))
    page = give_password(Client(), REMOTE_ADDR="192.0.2.1")
    assert page.status_code == 429 and int(page["Retry-After"]) in range(50, 61), "what is refused does not prolong it"
    AccessAttempt.objects.update(attempt_time=timezone.now() - timedelta(minutes=15))
    assert not is_locked()
    assert not AccessAttempt.objects.exists()


def test_a_right_password_forgives_the_wrong_ones(alice: User) -> None:
    fail(times=4)
    assert not is_locked()
    assert fail(times=4).status_code == 200


def test_an_account_that_is_not_there_locks_the_same(alice: User) -> None:
    there, not_there = fail(), fail("nobody")
    strip = re.compile(r'name="csrfmiddlewaretoken" value="\w+"|, at \d\d:\d\d UTC')
    assert not_there.status_code == 429
    assert strip.sub("", not_there.content.decode()) == strip.sub("", there.content.decode())


@pytest.mark.parametrize("name", [" alice ", "ａlice"])
def test_another_way_to_write_a_name_is_no_new_start(alice: User, name: str) -> None:
    fail(times=4)
    assert fail(name, times=1).status_code == 429


def test_the_browser_does_not_matter_and_is_not_kept(alice: User) -> None:
    for number in range(4):
        fail(times=1, HTTP_USER_AGENT=f"Browser {number}", HTTP_ACCEPT="text/html")
    row = AccessAttempt.objects.get()
    assert (row.username, row.ip_address, row.failures_since_start) == ("alice", "192.0.2.1", 4)
    assert (row.user_agent, row.http_accept, row.path_info) == ("", "", "")
    assert "wrong" not in row.post_data and "alice" not in row.post_data
    assert fail(times=1, HTTP_USER_AGENT="Browser 5").status_code == 429


def test_no_log_names_anybody(alice: User, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.NOTSET)
    logging.getLogger("axes").setLevel(logging.ERROR)
    assert settings.LOGGING["loggers"] == {"axes": {"level": "ERROR"}}
    fail(address="192.0.2.77")
    assert not is_locked(address="192.0.2.78")
    assert "Too Many Requests: /admin/login/" in caplog.messages
    assert "alice" not in caplog.text and "192.0.2" not in caplog.text
    assert not AccessLog.objects.exists()


@pytest.mark.parametrize(
    ("behind", "remote", "forwarded", "found"),
    [
        (False, "192.0.2.1", "198.51.100.7", "192.0.2.1"),
        (True, "10.0.0.1", "198.51.100.7", "198.51.100.7"),
        (True, "10.0.0.1", "203.0.113.9, 198.51.100.7", "198.51.100.7"),
        (True, "10.0.0.1", "", "10.0.0.1"),
        (True, "10.0.0.1", "198.51.100.7, nonsense", "10.0.0.1"),
        (True, "", "unknown", None),
        (False, "", "198.51.100.7", None),
        (False, "2001:db8:1:2:3:4:5:6", "", "2001:db8:1:2::"),
        (False, "::ffff:192.0.2.1", "", "192.0.2.1"),
    ],
)
def test_where_a_request_comes_from(settings: Any, behind: bool, remote: str, forwarded: str, found: str | None) -> None:
    settings.BEHIND_PROXY = behind
    request = RequestFactory().get("/", headers={"X-Forwarded-For": forwarded} if forwarded else {}, REMOTE_ADDR=remote)
    assert lockout.client_address(request) == found


def test_without_any_address_the_account_itself_is_locked(alice: User) -> None:
    assert fail(address="").status_code == 429
    assert is_locked(address="") and not is_locked()


def test_behind_a_proxy_visitors_are_told_apart(alice: User, settings: Any) -> None:
    settings.BEHIND_PROXY = True
    for number in range(5):
        page = fail(times=1, headers={"X-Forwarded-For": f"203.0.113.{number}, 198.51.100.7"})
    assert page.status_code == 429, "what the visitor puts before the proxy's word changes nothing"
    assert not is_locked(headers={"X-Forwarded-For": "198.51.100.8"})


# A forgotten password


def ask(address: str) -> Page:
    answer = Client().post("/admin/reset/", {"email": address})
    for thread in threading.enumerate():
        if thread.name == "mail":
            thread.join()
    return answer


def link_in(message: Any) -> str:
    found = re.search(r"http://testserver(/admin/reset/\S+)", message.body)
    assert found
    return found[1]


def choose(client: Client, link: str) -> Page:
    page = client.get(link)
    if page.status_code == 200:
        return page
    return client.post(page["Location"], {"new_password1": NEW, "new_password2": NEW})


def test_a_forgotten_password(clock: Clock, alice: User, app: TOTPDevice) -> None:
    ask("ALICE@example.org")
    (message,) = mail.outbox
    assert message.to == ["alice@example.org"] and message.subject == "A new password for testserver"
    client = Client()
    assert choose(client, link_in(message))["Location"] == "/admin/reset/done/"
    assert "Log in" in client.get("/admin/reset/done/").content.decode()
    assert client.get("/admin/")["Location"].startswith(LOGIN), "it signs nobody in"
    assert client.get(CODE)["Location"].startswith(LOGIN)
    assert give_password(client).status_code == 200
    assert give_password(client, password=NEW)["Location"].startswith(CODE), "a code is asked for as before"
    page = choose(Client(), link_in(message))
    assert "The password reset link was invalid" in page.content.decode(), "a link works once"


def test_a_link_is_good_for_an_hour(clock: Clock, alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.contrib.auth.tokens import default_token_generator

    moment = datetime(2030, 1, 1, 12)
    monkeypatch.setattr(default_token_generator, "_now", lambda: moment)
    ask("alice@example.org")
    link = link_in(mail.outbox[0])
    moment += timedelta(minutes=60)
    assert Client().get(link).status_code == 302
    moment += timedelta(seconds=1)
    assert "The password reset link was invalid" in Client().get(link).content.decode()


def test_the_answer_does_not_tell_who_has_an_account(alice: User) -> None:
    make.make_user("gone", email="gone@example.org", is_active=False, password=PASSWORD)
    answers = [ask(address) for address in ("alice@example.org", "nobody@example.org", "gone@example.org")]
    assert {(answer.status_code, answer["Location"]) for answer in answers} == {(302, "/admin/reset/sent/")}
    assert not any(answer.cookies.get("sessionid") for answer in answers)
    assert [message.to for message in mail.outbox] == [["alice@example.org"]]


def test_a_mail_server_that_refuses_changes_no_answer_and_names_nobody(
    alice: User, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_args: Any) -> None:
        raise OSError("alice@example.org: no such mailbox")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    assert ask("alice@example.org")["Location"] == "/admin/reset/sent/"
    assert caplog.messages == ["No mail with a link to a new password could be sent: OSError"]


def test_a_new_password_lifts_no_lock(alice: User) -> None:
    fail()
    ask("alice@example.org")
    client = Client(REMOTE_ADDR="192.0.2.1")
    choose(client, link_in(mail.outbox[0]))
    assert is_locked(password=NEW)
    assert not is_locked(address="192.0.2.2", password=NEW)


@pytest.mark.parametrize("link", ["1/1/", "MQ/set-password/", "x/y/", "MQ/" + "a" * 300 + "/", "é/ü/"])
def test_a_broken_link_says_so(link: str) -> None:
    page = Client().get(f"/admin/reset/{link}")
    assert page.status_code == 200 and "The password reset link was invalid" in page.content.decode()


HOSTILE: tuple[Callable[[Client], Page], ...] = (
    lambda client: client.post(LOGIN, {"username": "a\0b", "password": "x"}),
    lambda client: client.post(LOGIN, {"username": "a" * 5000, "password": "x" * 5000}),
    lambda client: client.post(LOGIN, {}),
    lambda client: client.post(LOGIN, {"username": "nobody", "password": "x", "q\0": "\0"}),
    lambda client: client.get(LOGIN, {"next": "\0\n/admin/"}),
    lambda client: client.get(LOGIN, {"next": "/" + "a" * 5000}),
    lambda client: client.post("/admin/reset/", {"email": "a\0@b"}),
    lambda client: client.post("/admin/reset/", {"email": "@" * 500}),
    lambda client: client.post("/admin/regions/source/add/", {"a\0": "\0\ud7ff"}),
)


@pytest.mark.parametrize("send", HOSTILE)
def test_hostile_input_is_no_fault_of_the_server(send: Callable[[Client], Page]) -> None:
    assert send(Client()).status_code < 500
