"""Cross-site-scripting payloads in every text that staff can fill, on every public page and in the admin, in a real browser.

None runs, none makes an element, none asks another host, and the policy of the page has nothing to refuse.
"""

from collections import Counter
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import pytest
from csp.decorators import csp_exempt
from django.conf import settings
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db import Error, connection, models, transaction
from django.http import HttpRequest, HttpResponse
from django.urls import path, reverse
from django.utils.safestring import mark_safe
from playwright.sync_api import Browser, BrowserContext, Dialog, Route
from pytest_django.live_server_helper import LiveServer

from itsci_site import urls
from itsci_site.lib.newsroom.models import Entry
from regions.models import Metric
from testimonials.models import Testimonial
from tests import factories as make
from tests.admin.test_admin import rows  # noqa: F401 - a fixture
from tests.hostile.payloads import PAYLOADS, fitting
from tests.long_runs import record, size
from tests.pages.content import addresses, in_language

pytestmark = pytest.mark.django_db(transaction=True)

ROUNDS = size(1, 60)
MOST = size(12, 100)
"""Payloads in one field at once, if it has room."""

WATCH = """document.addEventListener('securitypolicyviolation', event => {
  window.told(`refused: ${location.pathname}: ${event.violatedDirective} ${event.blockedURI}`);
});
window.c = () => window.told(`ran: ${location.pathname}`);"""
UNFOLD = "document.querySelectorAll('details').forEach(one => one.open = true)"
MARKS = """() => [...document.querySelectorAll('[data-c], [DATA-C]')].map(one => one.outerHTML.slice(0, 200)).concat(
  [...document.querySelectorAll('[href], [src], [action], [formaction], [data]')]
    .flatMap(one => ['href', 'src', 'action', 'formaction', 'data'].map(name => one.getAttribute(name) || ''))
    .filter(address => /^\\W*(javascript|data|vbscript):/i.test(address.replace(/[\\t\\n]/g, ''))))"""

STRICT: dict[str, str] = {
    "auth.User.password": "a hash",
}
"""Fields that hold no text of anybody's, and why."""


def text_fields(model: type[models.Model]) -> list[Any]:
    """What staff can type into, a column a language; no choices, and no addresses, which take letters and digits alone."""
    return [
        field
        for field in model._meta.concrete_fields
        if isinstance(field, models.CharField | models.TextField)
        and not isinstance(field, models.SlugField)
        and not field.choices
        and str(field) not in STRICT
    ]


REFUSED_BY: dict[str, str] = {
    "meetings.Document.language": "meetings_document_language_code",
    "programmes.Partner.iati_ref": "programmes_partner_iati_ref_spelling",
    "programmes.Programme.iati_identifier": "programmes_programme_iati_identifier_spelling",
    "programmes.Programme.iati_reporter_ref": "programmes_programme_iati_reporter_ref_spelling",
    "programmes.Programme.iati_sector": "programmes_programme_iati_sector_five_digits",
    "regions.Country.iso_code": "regions_country_iso_code_two_capitals",
    "regions.Metric.code": "regions_metric_code_one_capital",
    "regions.Region.code": "regions_region_code_two_capitals",
    "testimonials.Consent.language": "testimonials_consent_on_record",
    "testimonials.Contributor.preferred_language": "testimonials_contributor_language_code",
    "testimonials.Contributor.reference": "testimonials_contributor_reference_opaque",
    "testimonials.Testimonial.original_language": "testimonials_testimonial_language_codes",
    "testimonials.Testimonial.portrait": "testimonials_testimonial_portrait_described",
    "testimonials.Testimonial.quote_language": "testimonials_testimonial_language_codes",
}
"""Fields of a strict format, in which Postgres takes no payload, and its rule. Every other one takes them."""


class Typed:
    """Every text field of one row of every model with payloads in it, and which it took."""

    def __init__(self, found: dict[type[models.Model], models.Model]) -> None:
        self.found = found
        self.met: set[tuple[str, int]] = set()
        self.uses = Counter[int]()
        self.refused: dict[str, str] = {}
        """The rule of Postgres that a field has instead, by the field."""

    def fill(self) -> None:
        """Each field gets those that it had not met, of them those that were anywhere least."""
        for model, row in self.found.items():
            for field in text_fields(model):
                name = str(field)
                order = sorted(range(len(PAYLOADS)), key=lambda one: ((name, one) in self.met, self.uses[one]))
                numbers = fitting(order, field.max_length or 10**6, MOST)
                text = " ".join(PAYLOADS[number] for number in numbers) or "<p data-c>"[: field.max_length]
                if isinstance(field, models.URLField):
                    text = f"https://example.org/{text}"[: field.max_length]
                if self._written(model, row, field, text):
                    self.uses.update(numbers)
                    self.met |= {(name, number) for number in numbers}

    def _written(self, model: type[models.Model], row: models.Model, field: Any, text: str) -> bool:
        """As its owner writes; past what keeps public rows as they are, where it must."""
        statement = f'UPDATE "{model._meta.db_table}" SET "{field.column}" = %s WHERE "{model._meta.pk.column}" = %s'  # noqa: S608
        for way in ("SET LOCAL session_replication_role = origin", "SET LOCAL session_replication_role = replica"):
            try:
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute(way)
                    cursor.execute(statement, [text, row.pk])
                    return True
            except Error as error:
                self.refused[str(field)] = getattr(getattr(error.__cause__, "diag", None), "constraint_name", None) or str(
                    error
                )
        return False


class Watched:
    """A browser that tells of everything that a payload would do."""

    def __init__(self, browser: Browser, live_server: LiveServer) -> None:
        self.told: list[str] = []
        self.origin = live_server.url
        self.context: BrowserContext = browser.new_context(viewport={"width": 1280, "height": 900})
        self.context.expose_function("told", lambda said: self.told.append(said))
        self.context.add_init_script(WATCH)
        self.context.on("console", lambda said: self.told.append(f"console: {said.text}") if said.type == "error" else None)
        self.context.on("weberror", lambda error: self.told.append(f"error: {error.error}"))
        self.context.on("dialog", self._dialog)
        self.context.route(lambda address: not address.startswith(self.origin), self._away)
        self.page = self.context.new_page()

    def _dialog(self, dialog: Dialog) -> None:
        self.told.append(f"dialog: {dialog.message}")
        dialog.dismiss()

    def _away(self, route: Route) -> None:
        if not route.request.url.startswith(("data:", "blob:", "about:")):
            self.told.append(f"asked: {route.request.url}")
        route.abort()

    def open(self, address: str) -> int:
        answer = self.page.goto(f"{self.origin}{address}")
        assert answer
        self.page.evaluate(UNFOLD)
        self.told += [f"{address}: made {mark}" for mark in self.page.evaluate(MARKS)]
        if settings.SECRET_KEY in self.page.content():
            self.told.append(f"{address}: tells the key")
        return answer.status


@pytest.fixture
def watched(browser: Browser, live_server: LiveServer) -> Iterator[Watched]:
    one = Watched(browser, live_server)
    one.context.add_cookies([make.signed_in_cookie(make.make_user("alice"), live_server.url)])
    yield one
    one.context.close()


def admin_pages(found: dict[type[models.Model], models.Model]) -> Iterator[str]:
    for model, row in found.items():
        name = model._meta.label_lower.replace(".", "_")
        for way in ("changelist", "add"):
            yield reverse(f"admin:{name}_{way}")
        for way in ("change", "history", "delete"):
            yield reverse(f"admin:{name}_{way}", args=[row.pk])


def test_there_are_five_hundred_and_more() -> None:
    assert len(PAYLOADS) > 500


def test_nothing_that_staff_type_runs_anywhere(
    watched: Watched,
    rows: dict[type[models.Model], models.Model],  # noqa: F811
) -> None:
    rows[Group], rows[User] = Group.objects.create(name="Readers"), make.make_user("somebody")
    Testimonial.objects.update(attribution="pseudonym", shown_as_en="a", shown_as_fr="a")  # the anonymous have no such text
    typed, opened = Typed(rows), 0
    assert set(admin.site._registry) - rows.keys() == {Entry}
    for _round in range(ROUNDS):
        typed.fill()
        public = [address.replace("/miners/", f"/{Metric.objects.earliest('pk').slug}/") for address in addresses()]
        public += [in_language(address, "fr") for address in public[:4]]
        public += [f"/search/?q={number}&kind=" for number in ("canary", "data-c")]
        last = Entry.objects.latest("pk").pk
        trail = [reverse("admin:newsroom_entry_changelist"), reverse("admin:newsroom_entry_change", args=[last])]
        for address in [*public, *admin_pages(rows), "/admin/", *trail]:
            assert watched.open(address) == 200, address
            opened += 1
        assert watched.told == []
    fields = {str(field) for model in rows for field in text_fields(model)}
    met = {field for field, _number in typed.met}
    every = {number for _field, number in typed.met}
    figures = {"payloads": len(every), "fields": len(met), "pairs": len(typed.met), "pages_opened": opened}
    record("scripts", f"{ROUNDS} rounds", **figures, told=len(watched.told))
    assert {name: typed.refused[name] for name in fields - met} == REFUSED_BY
    assert len(every) == len(PAYLOADS), "each was somewhere"


def test_nor_what_is_searched_for(watched: Watched) -> None:
    """Told back on the page, and in the admin's lists."""
    place = "/search/", "/meetings/", "/admin/regions/region/"
    for number in range(0, len(PAYLOADS), 40):
        words = " ".join(PAYLOADS[one] for one in fitting(range(number, len(PAYLOADS)), 199, 5))
        watched.open(f"{place[number // 40 % 3]}?{urlencode({'q': words})}")
    assert watched.told == []


# What is wrong is found


def unsafe(request: HttpRequest) -> HttpResponse:
    return HttpResponse(mark_safe("<!DOCTYPE html><title>x</title>" + " ".join(PAYLOADS[:20])))  # noqa: S308 - on purpose


urlpatterns = [*urls.urlpatterns, path("unsafe/", unsafe), path("unsafe-and-without-policy/", csp_exempt()(unsafe))]
handler400, handler403, handler404, handler500 = urls.handler400, urls.handler403, urls.handler404, urls.handler500


@pytest.mark.urls(__name__)
def test_a_template_that_marks_a_text_as_safe_is_found(watched: Watched) -> None:
    watched.open("/unsafe/")
    found = "\n".join(watched.told)
    assert "made <script" in found and "refused: " in found and "ran: " not in found
    watched.told.clear()
    watched.open("/unsafe-and-without-policy/")
    found = "\n".join(watched.told)
    assert "ran: " in found and "asked: " in found and "made <img" in found
