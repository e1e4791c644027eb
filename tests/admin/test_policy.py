"""No page of the admin brings script or style of its own: the Content-Security-Policy would refuse both."""

from html.parser import HTMLParser
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group
from django.db import models
from django.test import Client
from django.urls import reverse

from itsci_site.lib.newsroom.models import Entry
from tests import factories as make

from . import hostile
from .test_admin import Form, rows  # noqa: F401 - rows is a fixture

pytestmark = pytest.mark.django_db


class Inline(HTMLParser):
    """What of a page the policy would refuse. Data blocks are data."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag == "style" or (tag == "script" and "src" not in given and given.get("type") != "application/json"):
            self.found.append(f"<{tag}>")
        self.found += [f"{tag} {name}" for name in given if name == "style" or name.startswith("on")]
        self.found += [f"{tag} {value}" for value in given.values() if (value or "").strip().lower().startswith("javascript:")]
        for name in ("src", "href") if tag in ("script", "link", "img") else ():
            if (address := given.get(name) or "").startswith(("//", "http", "data:")):
                self.found.append(f"{tag} {address}")


@pytest.mark.parametrize(
    "html",
    ["<script>go()</script>", "<style>p{}</style>", '<p style="x">', '<a onclick="go()">', '<a href=" JavaScript:go()">',
        '<script src="//evil.example/x.js">', '<img src="data:image/png;base64,">'],
)  # fmt: skip
def test_what_the_policy_refuses_is_seen(html: str) -> None:
    assert Inline(html).found


@pytest.mark.parametrize(
    "html", ['<script type="application/json">{}</script>', '<script src="/a.js">', '<a href="https://a">']
)
def test_what_it_allows_is_let_be(html: str) -> None:
    assert Inline(html).found == []


@pytest.fixture
def staff(client: Client, rows: dict[type[models.Model], models.Model]) -> Client:  # noqa: F811
    make.sign_in(client, make.make_user("alice"))
    Group.objects.create(name="Readers")
    return client


def plain(answer: Any, *statuses: int) -> None:
    assert answer.status_code in (statuses or (200,))
    assert Inline(answer.content.decode()).found == [], answer.wsgi_request.get_full_path()
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert "unsafe" not in answer.headers["Content-Security-Policy"]


@pytest.mark.parametrize("model", admin.site._registry, ids=lambda model: model._meta.label)
def test_every_page_of_a_model_is_plain(model: type[models.Model], staff: Client) -> None:
    name = model._meta.label_lower.replace(".", "_")
    row = model._default_manager.latest("pk")
    listed = reverse(f"admin:{name}_changelist")
    add, change, delete = (
        reverse(f"admin:{name}_{page}", args=args) for page, args in (("add", []), ("change", [row.pk]), ("delete", [row.pk]))
    )
    statuses = (200, 302, 403) if model is Entry else (200,)  # nobody adds to the trail of changes or takes from it
    for address in (listed, f"{listed}?_facets=True&q=a", f"{listed}?_popup=1", add, f"{add}?_popup=1", change, delete):
        plain(staff.get(address), *statuses)
    plain(staff.get(f"{change}?_popup=1"), *statuses)
    plain(staff.get(reverse(f"admin:{name}_history", args=[row.pk])), *statuses)
    plain(staff.post(listed, {"action": "delete_selected", "_selected_action": row.pk}), *statuses)  # asks again, or goes back
    refused = staff.post(add, {key: value for key, value in Form(staff.get(add)).values.items() if key.endswith("_FORMS")})
    plain(refused, *statuses)  # the form with its errors
    plain(staff.get(f"{listed}?password__regex=a&region__x__y=1", follow=True), 200, 400)


def test_every_other_page_is_plain(staff: Client, client: Client) -> None:
    """Every address without arguments, and those with an argument that is none of a model's pages."""
    site = hostile.survey(staff)
    pages = [route for route in site.routes if "<" not in route and "(" not in route]
    assert {"/admin/", "/admin/login/", "/admin/password_change/", "/admin/password_change/done/"} <= set(pages)
    for page in pages:
        answer = staff.get(page)
        if answer.headers.get("Content-Type", "").startswith("text/html") and answer.status_code == 200:
            plain(answer)
    bob = make.make_user("bob")
    for page in ("/admin/regions/", f"/admin/auth/user/{bob.pk}/password/"):
        plain(staff.get(page))
    plain(staff.get("/admin/nowhere/"), 404)
    plain(staff.get("/admin/regions/region/?status_by__password=1"), 400)
    plain(staff.post("/admin/logout/"))
    plain(client.get("/admin/login/"))
    plain(client.post("/admin/login/", {"username": "a", "password": "b"}))
    plain(Client(enforce_csrf_checks=True).post("/admin/login/", {"username": "a"}), 403)


def test_a_window_that_chose_closes_with_a_script_of_its_own(staff: Client) -> None:
    """The answer to a form in a popup."""
    answer = staff.post("/admin/regions/source/add/?_popup=1", {"name_en": "A report", "name_fr": "Un rapport", "_popup": "1"})
    plain(answer)
    assert 'id="django-admin-popup-response-constants"' in answer.content.decode()
