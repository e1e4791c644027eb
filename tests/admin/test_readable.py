"""What the admin answers to what it cannot read: in words, with the rest of the address or form kept, never with a fault."""

import io
import logging
import re
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.admin.options import IncorrectLookupParameters
from django.test import Client, RequestFactory

from itsci_site import wsgi
from itsci_site.lib.logs import brief
from itsci_site.lib.staff import TranslationFilter
from itsci_site.readable import Utf8Request
from regions.admin import RegionAdmin
from regions.models import Reading, Region, Series
from tests import factories as make

from .test_admin import Form, address, messages_of

REGIONS = "/admin/regions/region/"
pytestmark = pytest.mark.django_db


@pytest.fixture
def staff(client: Client) -> Client:
    make.sign_in(client, make.make_user("alice"))
    client.raise_request_exception = False
    return client


def refused(answer: Any, words: str, status: int = 400) -> None:
    """On the staff pages, with what was wrong."""
    assert answer.status_code == status
    page = answer.content.decode()
    assert "site-header" in page or 'id="header"' in page
    assert words in page and "To the start of the staff pages" in page


# The address


def left_out(staff: Client, query: str, names: str, kept: str = "", page: str = REGIONS) -> None:
    answer = staff.get(f"{page}?{query}")
    assert (answer.status_code, answer.headers["Location"]) == (302, page + (f"?{kept}" if kept else ""))
    shown = staff.get(answer.headers["Location"])
    assert shown.status_code == 200
    assert messages_of(shown) == [f"Left out of the address, as it cannot be read: {names}."]


@pytest.mark.parametrize(
    "query",
    [
        "country=abc",
        "country__id__exact=9e22",
        "publish_at__year=9e22",
        "publish_at__year=0",
        "publish_at__year__gte=9999999999",
        "order__gte=1e999",
        "status__nonsense=1",
        "nothing=1",
        "id__in=a,b",
    ],
)
def test_a_filter_that_cannot_be_is_named_and_the_others_are_kept(staff: Client, query: str) -> None:
    make.make_region(), make.make_region()  # a choice of one is no filter
    name = query.partition("=")[0]
    left_out(staff, f"{query}&status=draft&q=a", f"“{name}”", "status=draft&q=a")


@pytest.mark.parametrize("query", ["name_en__regex=%28", "name_en__iregex=%7B0%7D", "slug__range=abc", "authors__range=1"])
@pytest.mark.django_db(transaction=True)
def test_a_filter_that_only_the_database_can_refuse_is_named(staff: Client, query: str) -> None:
    make.make_region()
    left_out(staff, f"{query}&status=draft", f"“{query.partition('=')[0]}”", "status=draft")


@pytest.mark.parametrize("name", ["q", "status", "name_en", "p", "_changelist_filters"])
def test_nul_in_the_address_of_a_list(staff: Client, name: str) -> None:
    left_out(staff, f"{name}=a%00b&o=1", f"“{name}”", "o=1")


def test_nul_in_a_name(staff: Client) -> None:
    left_out(staff, "a%00b=1", "“ab”")


def test_the_mark_of_a_bad_filter_beside_one(staff: Client) -> None:
    """Django would say that something is wrong with the database."""
    answer = staff.get(f"{REGIONS}?e=1&country=abc")
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{REGIONS}?country=abc")
    left_out(staff, "country=abc", "“country”")


def test_a_page_of_the_list_that_is_gone(staff: Client) -> None:
    """A link to it may be kept; the filter stays."""
    country = make.make_country()
    for _row in range(101):
        make.make_region(country)
    left_out(staff, f"p=9&country__id__exact={country.pk}", "“p”", f"country__id__exact={country.pk}")


def test_a_hundred_filters_that_cannot_be(staff: Client) -> None:
    query = "&".join(f"country{number}=abc" for number in range(100))
    answer = staff.get(f"{REGIONS}?{query}")
    assert (answer.status_code, answer.headers["Location"]) == (302, REGIONS)
    (told,) = messages_of(staff.get(REGIONS))
    assert told.count("“") == 20


def test_a_field_that_no_filter_may_reach(staff: Client) -> None:
    refused(staff.get(f"{REGIONS}?status_by__password__startswith=a"), "Open the list and choose from its filters.")
    refused(staff.get(f"{REGIONS}?_to_field=slug"), "Open the list and choose from its filters.")


def test_a_list_that_breaks_by_itself_stays_broken(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of ours is not the address's: it is told as one, with every parameter and with none."""

    def broken(*_args: Any) -> None:
        raise ValueError("ours")

    monkeypatch.setattr(RegionAdmin, "get_queryset", broken)
    assert staff.get(REGIONS).status_code == 500
    assert staff.get(f"{REGIONS}?status=draft").status_code == 500


def test_a_list_that_refuses_even_no_filter_stays_broken(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    """Django sends on to `?e=1`; from there it would go round and round."""

    def broken(*_args: Any) -> None:
        raise IncorrectLookupParameters("ours")

    monkeypatch.setattr(TranslationFilter, "queryset", broken)
    assert staff.get(REGIONS).status_code == 500
    assert staff.get(f"{REGIONS}?status=draft").status_code == 500


def test_a_filter_of_ours_that_breaks_stays_broken(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_args: Any) -> None:
        raise TypeError("ours")

    monkeypatch.setattr(TranslationFilter, "queryset", broken)
    assert staff.get(f"{REGIONS}?translation=missing").status_code == 500


@pytest.mark.django_db(transaction=True)
def test_a_query_of_ours_that_postgres_refuses_stays_broken(staff: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(TranslationFilter, "queryset", lambda _filter, _request, rows: rows.extra(where=["no_such_column = 1"]))
    assert staff.get(f"{REGIONS}?translation=missing").status_code == 500


@pytest.mark.parametrize("page", ["change", "delete", "history"])
@pytest.mark.parametrize(
    "key", ["abc", "-1", "0", str(10**30), "9e22", "1" * 5_000, "_5F", "_00", "%ED%A0%80", "%FF", "a" * 10_000]
)
def test_a_row_that_is_none(staff: Client, key: str, page: str) -> None:
    answer = staff.get(f"{REGIONS}{key}/{page}/")
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")


@pytest.mark.parametrize("page", ["change/", "delete/", "history/", ""])
def test_nul_in_the_address_of_a_row(staff: Client, page: str) -> None:
    refused(staff.get(f"{REGIONS}a%00b/{page}"), "none of the site’s addresses has")


def test_an_empty_field_of_the_address_of_a_row(staff: Client) -> None:
    region = make.make_region()
    left_out(staff, "_to_field=", "“_to_field”", page=address(Region, "change", region.pk))


@pytest.mark.parametrize("unknown", ["nowhere/", "nowhere", "regions/region/1", "regions/nothing/1/change/"])
def test_an_address_that_is_none_is_a_404(staff: Client, unknown: str) -> None:
    answer = staff.get(f"/admin/{unknown}", follow=True)
    assert answer.status_code in (200, 404)
    assert answer.status_code == 404 or answer.redirect_chain


@pytest.mark.parametrize("field", ["readings", "nothing", "id", "", "region__name"])
def test_a_completion_of_a_field_that_is_none(staff: Client, field: str) -> None:
    query = {"app_label": "regions", "model_name": "series", "field_name": field, "term": "a"}
    assert staff.get("/admin/autocomplete/", query).status_code == 403


def test_nul_in_a_completion(staff: Client) -> None:
    query = {"app_label": "regions", "model_name": "series", "field_name": "region", "term": "a\x00b"}
    refused(staff.get("/admin/autocomplete/", query), "none of the site’s addresses has")


# Forms


@pytest.mark.parametrize("value", ["abc", "true", "9e22", str(10**30), "-1", "1,2", "[]"])
def test_a_choice_in_the_address_of_an_add_page_that_no_row_has(staff: Client, value: str) -> None:
    for model, field in ((Series, "region"), (Reading, "supersedes")):
        answer = staff.get(address(model, "add"), {field: value})
        assert answer.status_code == 200
        assert f'value="{value}"' not in str(answer.context["adminform"].form[field])


def test_a_choice_in_the_address_of_an_add_page(staff: Client) -> None:
    series = make.make_series()
    answer = staff.get(address(Reading, "add"), {"series": series.pk})
    assert f'<option value="{series.pk}" selected>{series}</option>' in answer.content.decode()


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("2026-12-01 08:30", "2026-12-01"), ("2026-99-99", None), ("abc", None),
        # Beyond the calendar, once they are told in the site's time.
        ("9999-12-31T23:59:59-14:00", None), ("0001-01-01T00:00:00+14:00", None),
    ],
)  # fmt: skip
def test_a_moment_in_the_address_of_an_add_page(staff: Client, value: str, shown: str | None) -> None:
    html = staff.get(address(Reading, "add"), {"published_at": value}).content.decode()
    assert f'value="{shown}"' in html if shown else re.search(r'<input type="text" name="published_at_0"(?![^>]*value)', html)


@pytest.mark.parametrize("value", ["abc", "(a+)+$", "true", str(10**30)])
def test_a_choice_that_is_none_is_told_and_the_form_kept(staff: Client, value: str) -> None:
    answer = staff.post(address(Series, "add"), {"region": value, "metric": make.make_metric().pk})
    assert answer.status_code == 200
    assert list(answer.context["adminform"].form.errors) == ["region"]
    assert " selected>Metric" in answer.content.decode()


@pytest.mark.parametrize("said", ["1", "1001", "1_001", "+1001", "1001.0", "١٠٠١", "999999999", "9" * 30, "-1"])
def test_a_form_that_says_it_has_more_rows_than_came(staff: Client, said: str) -> None:
    """Django would make up to 2,000 and print them all: a minute and more of a worker's time."""
    region = make.make_region()
    values = Form(staff.get(address(Region, "change", region.pk))).values
    sent = {name: value for name, value in values.items() if "__prefix__" not in name} | {"milestones-TOTAL_FORMS": said}
    refused(staff.post(address(Region, "change", region.pk), sent), "Of the rows in this form not all came")


@pytest.mark.parametrize("name", ["TOTAL_FORMS", "INITIAL_FORMS"])
@pytest.mark.parametrize("said", ["", "abc", "1.5", "1" * 5_000, "\x00", None])
def test_a_form_that_miscounts_its_rows_is_told_and_kept(staff: Client, name: str, said: str | None) -> None:
    region = make.make_region()
    values: dict[str, Any] = Form(staff.get(address(Region, "change", region.pk))).values
    sent = {key: value for key, value in values.items() if "__prefix__" not in key} | {
        "lead_en": "Typed",
        f"milestones-{name}": said,
    }
    answer = staff.post(address(Region, "change", region.pk), {key: value for key, value in sent.items() if value is not None})
    assert answer.status_code == 200
    assert "ManagementForm data is missing or has been tampered with" in answer.content.decode()
    assert 'value="Typed"' in answer.content.decode()


def test_rows_that_came_are_read(staff: Client) -> None:
    region = make.make_region()
    values = Form(staff.get(address(Region, "change", region.pk))).values
    sent = {name: value for name, value in values.items() if "__prefix__" not in name} | {"milestones-TOTAL_FORMS": "12"}
    for number in range(12):
        sent |= {f"milestones-{number}-text_en": f"Step {number}", f"milestones-{number}-order": "1"}
    assert staff.post(address(Region, "change", region.pk), sent).status_code == 302
    assert region.milestones.count() == 12


# Actions


@pytest.mark.parametrize("key", ["abc", "", "1.5", "9e22", "a\x00b", "true"])
@pytest.mark.parametrize("action", ["publish", "delete_selected"])
def test_a_selected_row_that_is_none(staff: Client, action: str, key: str) -> None:
    region = make.make_region(public_from=None)
    sent = {"action": action, "_selected_action": [region.pk, key], "post": "yes"}
    answer = staff.post(f"{REGIONS}?status=draft", sent)
    assert (answer.status_code, answer.headers["Location"]) == (302, f"{REGIONS}?status=draft")
    assert messages_of(staff.get(REGIONS)) == [
        "Nothing was done: it cannot be read which rows were selected. Select them again."
    ]
    region.refresh_from_db()
    assert region.status == "draft" and not LogEntry.objects.exists()


@pytest.mark.parametrize("key", [str(10**30), "-1", "0"])
def test_a_selected_row_that_is_gone(staff: Client, key: str) -> None:
    assert staff.post(REGIONS, {"action": "publish", "_selected_action": key}).status_code == 302


@pytest.mark.parametrize("index", ["abc", "-9", "99", str(10**30), "1" * 5_000])
def test_an_action_that_is_none(staff: Client, index: str) -> None:
    region = make.make_region(public_from=None)
    for action in ("nonsense", "publish\x00"):
        sent = {"action": action, "index": index, "_selected_action": region.pk}
        assert staff.post(REGIONS, sent).status_code == 302
        assert messages_of(staff.get(REGIONS))[0] == "No action selected."


def test_an_action_on_a_list_whose_address_cannot_be_read(staff: Client) -> None:
    region = make.make_region(public_from=None)
    for query in ("q=%00", "country=abc"):
        answer = staff.post(f"{REGIONS}?{query}", {"action": "publish", "_selected_action": region.pk})
        refused(answer, "Nothing was saved: the address of this form cannot be read.")
    region.refresh_from_db()
    assert region.status == "draft"


# The request itself


@pytest.mark.parametrize(
    "charset", ["hex", "base64", "undefined", "idna", "utf-7", "utf-16", "latin-1", "unicode_escape", "\x00", "nothing"]
)
@pytest.mark.parametrize("page", ["/meetings/", "/fr/search/", "/healthz", REGIONS])
def test_another_encoding_is_refused_everywhere(
    staff: Client, monkeypatch: pytest.MonkeyPatch, page: str, charset: str
) -> None:
    """Django alone answers some of these before any of its own error pages can."""
    monkeypatch.setattr("django.test.client.WSGIRequest", Utf8Request)
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = staff.generic("POST", f"{page}?q=+2AA-", b"a=1", f"{kind}; charset={charset}")
        assert answer.status_code == 400
    assert staff.generic("GET", page, b"", 'text/plain; charset="UTF-8"').status_code == 200


def test_the_server_reads_every_request_as_utf8() -> None:
    assert wsgi.application.application.request_class is Utf8Request  # type: ignore[attr-defined]
    environ = RequestFactory().generic("POST", "/?q=%C3%A9", b"q=\xc3\xa9", "text/plain; charset=latin-1").environ
    assert Utf8Request(environ | {"wsgi.input": io.BytesIO()}).GET["q"] == "é"


def test_a_session_that_no_column_can_be_asked_for(client: Client) -> None:
    answer = client.get("/admin/", headers={"cookie": r'sessionid="\000\000\000\000\000\000\000\000\000"'})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/login/?next=/admin/")


def test_a_form_that_is_too_long(staff: Client) -> None:
    refused(staff.post(REGIONS + "add/", {"lead_en": "a" * 2_700_000}), "This form is too long to be read.")
    many = "&".join(f"a{number}=1" for number in range(1_001))
    refused(
        staff.generic("POST", REGIONS + "add/", many.encode(), "application/x-www-form-urlencoded"), "This form is too long"
    )


def test_who_may_not_is_told_whom_to_ask(client: Client) -> None:
    make.sign_in(client, make.make_user("carol", superuser=False))
    for answer in (client.get(REGIONS), client.post(REGIONS + "add/", {})):
        refused(answer, "Your role or your desk does not allow it.", 403)


def test_a_visitor_learns_nothing_of_the_staff_pages(client: Client) -> None:
    """A refusal in the admin is the public one for who is not signed in."""
    answer = client.generic("POST", "/admin/login/", b"%" * 2_700_000, "application/x-www-form-urlencoded")
    assert answer.status_code == 400 and "To the start of the staff pages" not in answer.content.decode()


@pytest.mark.parametrize("language", ["", "/fr"])
def test_a_form_without_its_mark_is_refused_in_the_design(language: str) -> None:
    page = Client(enforce_csrf_checks=True).post(f"{language}/" if language else "/admin/login/", {"a": "1"})
    assert page.status_code == 403
    assert ("Cela n’est pas permis" if language else "That is not allowed") in page.content.decode()


# The log


def test_a_refusal_is_logged_without_a_traceback(staff: Client, caplog: pytest.LogCaptureFixture) -> None:
    caplog.handler.addFilter(brief)
    for path in ("?status_by__password=1", "a%00b/change/"):
        assert staff.get(REGIONS + path).status_code == 400
    assert len(caplog.records) == 2 and not any(record.exc_info for record in caplog.records)


def test_a_fault_is_logged_with_its_traceback(
    staff: Client, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.handler.addFilter(brief)
    monkeypatch.setattr(RegionAdmin, "get_queryset", lambda *_args: 1 / 0)
    assert staff.get(REGIONS).status_code == 500
    assert any(record.exc_info for record in caplog.records)


def test_the_site_logs_so() -> None:
    """The handler as the settings made it."""
    (handler,) = (made for made in logging.getLogger().handlers if made.name == "console")
    record = logging.LogRecord("django.request", logging.WARNING, "", 1, "said", (), (ValueError, ValueError("no"), None))
    record.status_code = 400
    assert handler.filter(record) and record.exc_info is None
