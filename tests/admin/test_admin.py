"""The admin as staff use it: every page answers, publishing carries a name, and what was public stays."""

import json
import re
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission, User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, models
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from itsci_site.lib.publishing import Publishable, Status
from meetings.models import Document, Meeting, Place
from programmes.models import Activity, CountryShare, Headline, Partner, Programme
from regions.models import Country, Desk, Metric, Milestone, PeriodLock, Reading, Region, Series, Source, Succession
from regions.versions import Version
from testimonials.models import Consent, Contributor, Testimonial
from tests import factories as make
from tests.meetings import pdf_files

pytestmark = pytest.mark.django_db

OURS = ("regions", "testimonials", "meetings", "programmes")
MODELS = [model for app in OURS for model in apps.get_app_config(app).get_models() if model is not Version]
"""What staff look after. Versions are the database's own record."""
PUBLISHABLE = [model for model in MODELS if issubclass(model, Publishable)]
Page = Any
"""An answer of the test client: a response that also carries `context`."""
TYPED = ("text", "number", "hidden", "url", "date", "email")


class Form(HTMLParser):
    """The fields of a page's main form as a browser would send them back."""

    def __init__(self, page: Page) -> None:
        super().__init__()
        self.values: dict[str, Any] = {}
        self._select = self._area = ""
        self.feed(page.content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        name = found.get("name") or ""
        if tag == "input" and name and (found.get("type") in TYPED or "checked" in found):
            self.values[name] = found.get("value") or ("on" if "checked" in found else "")
        elif tag == "select":
            self._select = name
        elif tag == "option" and self._select and "selected" in found:
            self.values.setdefault(self._select, []).append(found.get("value") or "")
        elif tag == "textarea":
            self._area = name
            self.values[name] = ""

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "textarea":
            self._area = ""

    def handle_data(self, data: str) -> None:
        if self._area:
            self.values[self._area] += data.removeprefix("\n") if not self.values[self._area] else data


def address(model: type[models.Model], page: str, *args: Any) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_{page}", args=args)


def messages_of(page: Page) -> list[str]:
    return [str(message) for message in page.context["messages"]]


def errors_of(page: Page) -> dict[str, list[str]]:
    assert page.status_code == 200
    return page.context["adminform"].form.errors


@pytest.fixture
def alice() -> User:
    return make.make_user("alice")


@pytest.fixture
def staff(client: Client, alice: User) -> Client:
    return make.sign_in(client, alice)


@pytest.fixture
def rows() -> dict[type[models.Model], models.Model]:
    """A row of every model, with ids beyond a thousand: a thousands separator in an address would break it."""
    with connection.cursor() as cursor:
        for model in MODELS:
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), 1234567)", [model._meta.db_table])
    country = make.make_country()
    region, successor = make.make_region(country), make.make_region(country)
    metric, programme, meeting = make.make_metric(), make.make_programme(), make.make_meeting()
    programme.regions.add(region, successor)
    programme.metrics.add(metric)
    series = make.make_series(region, metric)
    found: list[models.Model] = [
        country, region, metric, programme, meeting, series, make.make_source(),
        make.make_succession(region, successor), make.make_milestone(region),
        make.make_reading(series, None, published_at=None), make.make_testimonial(), make.make_place(),
        make.make_document(meeting), make.make_activity(programme), make.make_contributor(), make.make_consent(),
        make.make_partner(programme), make.make_headline(programme, metric), make.make_share(programme),
        make.make_desk(region), make.make_lock(),
    ]  # fmt: skip
    return {type(row): row for row in found}


def test_every_model_is_registered() -> None:
    assert {model for model in admin.site._registry if model._meta.app_label in OURS} == set(MODELS)


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_model_can_be_searched_and_filtered(model: type[models.Model]) -> None:
    page = admin.site._registry[model]
    assert page.search_fields and page.list_filter
    assert len(page.list_display) > 1


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_page_answers(model: type[models.Model], staff: Client, rows: dict[type[models.Model], models.Model]) -> None:
    row = rows[model]
    assert row.pk > 1_000_000
    listed = staff.get(address(model, "changelist"))
    assert listed.status_code == 200
    link = address(model, "change", row.pk)
    assert link in listed.content.decode()
    for other in (link, address(model, "add"), address(model, "history", row.pk), address(model, "delete", row.pk)):
        assert staff.get(other).status_code == 200


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_search_and_every_filter_answer(
    model: type[models.Model], staff: Client, rows: dict[type[models.Model], models.Model]
) -> None:
    listed = staff.get(address(model, "changelist"))
    links = {link for spec in listed.context["cl"].filter_specs for link in choices(spec, listed.context["cl"])}
    assert links or not listed.context["cl"].has_filters
    for query in [*links, "?q=a+b", "?q=%25", "?o=1", "?o=-2.1"]:
        assert staff.get(address(model, "changelist") + query).status_code == 200, query
    by_nonsense = staff.get(address(model, "changelist"), {"q": "no row holds this"})
    assert by_nonsense.context["cl"].result_count == 0


def choices(spec: Any, changelist: Any) -> Iterator[str]:
    for choice in spec.choices(changelist):
        if choice.get("query_string"):
            yield choice["query_string"]


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_every_change_page_saves_what_it_shows(
    model: type[models.Model], staff: Client, rows: dict[type[models.Model], models.Model]
) -> None:
    if model is Document:
        pytest.skip("its file is no file here; a test of its own uploads one")
    if model is PeriodLock:
        pytest.skip("it is set and taken away, never changed")
    if model is Meeting:
        Document.objects.all().delete()
    before = content_of(rows[model])
    link = address(model, "change", rows[model].pk)
    answer = staff.post(link, Form(staff.get(link)).values)
    assert answer.status_code == 302, Form(answer).values
    assert content_of(rows[model]) == before


def content_of(row: models.Model) -> dict[str, Any]:
    """Its columns as they stand, but for when it was last saved."""
    columns = type(row)._default_manager.filter(pk=row.pk).values().get()
    return {name: value for name, value in columns.items() if name != "changed_at"}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_an_empty_form_says_what_is_missing(model: type[models.Model], staff: Client) -> None:
    managed = {f"{prefix}-{name}": 0 for prefix in INLINES for name in ("TOTAL_FORMS", "INITIAL_FORMS")}
    assert errors_of(staff.post(address(model, "add"), managed))
    assert not model._default_manager.exists()


INLINES = ("milestones", "successions", "documents", "activities", "partners", "shares")


ANOTHER: dict[type[models.Model], Callable[[], models.Model]] = {
    Contributor: make.make_contributor,
    Consent: make.make_consent,
    Country: make.make_country,
    Region: make.make_region,
    Desk: lambda: make.make_desk(make.make_region()),
    Succession: lambda: make.make_succession(make.make_region(), make.make_region()),
    Milestone: lambda: make.make_milestone(make.make_region()),
    Metric: make.make_metric,
    Series: make.make_series,
    Source: make.make_source,
    Reading: lambda: make.make_reading(make.make_series(), 1),
    Testimonial: make.make_testimonial,
    Place: make.make_place,
    Meeting: make.make_meeting,
    Document: make.make_document,
    CountryShare: make.make_share,
    PeriodLock: make.make_lock,
    Programme: make.make_programme,
    Activity: lambda: make.make_activity(make.make_programme()),
    Partner: lambda: make.make_partner(make.make_programme()),
    Headline: lambda: make.make_headline(make.make_programme(), make.make_metric()),
}


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model._meta.label)
def test_a_list_asks_no_more_for_three_rows_than_for_one(model: type[models.Model], staff: Client) -> None:
    asked = []
    for more in (1, 2):
        for _row in range(more):
            ANOTHER[model]()
        with CaptureQueriesContext(connection) as queries:
            staff.get(address(model, "changelist"))
        asked.append(len(queries))
    assert model._default_manager.count() == 3
    assert asked[0] == asked[1]


@pytest.mark.parametrize("path", ["/admin/", "/admin/regions/region/", "/admin/regions/reading/add/"])
def test_nobody_else_gets_in(client: Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 302 and answer.headers["Location"] == f"/admin/login/?next={path}"
    make.sign_in(client, make.make_user("bob", staff=False, superuser=False))
    assert client.get(path).status_code == 302


def test_the_policy_and_no_copy_kept(staff: Client, client: Client, rows: dict[type[models.Model], models.Model]) -> None:
    for path in ("/admin/", "/admin/login/", address(Region, "change", rows[Region].pk)):
        page = staff.get(path)
        assert page.headers["Cache-Control"] == "no-store"
        policy = dict(part.strip().split(" ", 1) for part in page.headers["Content-Security-Policy"].split(";"))
        assert (policy["default-src"], policy["script-src"], policy["style-src"]) == ("'none'", "'self'", "'self'")


def test_the_site_has_its_name(staff: Client) -> None:
    html = staff.get("/admin/").content.decode()
    for words in ("Scaling Up ITSCI", "Regions and figures", "Testimonials and stories"):
        assert words in html


# Publishing


def act(staff: Client, action: str, *rows: models.Model, **extra: Any) -> Page:
    data = {"action": action, "_selected_action": [row.pk for row in rows], **extra}
    return staff.post(address(type(rows[0]), "changelist"), data, follow=True)


@pytest.mark.parametrize("model", PUBLISHABLE, ids=lambda model: model._meta.label)
def test_publish_and_withdraw(
    model: type[Publishable], staff: Client, alice: User, rows: dict[type[models.Model], models.Model]
) -> None:
    row = rows[model]
    model._default_manager.update(status=Status.DRAFT, publish_at=None)
    page = act(staff, "publish", row)
    assert messages_of(page) == ["1 row is public now."]
    row = model._default_manager.get(pk=row.pk)
    assert row.is_public() and row.status_by == alice
    assert "View on site" in staff.get(address(model, "change", row.pk)).content.decode()
    page = act(staff, "withdraw", row)
    assert messages_of(page) == ["1 row is withdrawn."]
    row = model._default_manager.get(pk=row.pk)
    assert row.status == Status.WITHDRAWN and row.status_by == alice
    assert [entry.change_message for entry in LogEntry.objects.order_by("pk")] == ["Published.", "Withdrawn."]
    shown = staff.get(address(model, "change", row.pk)).content.decode()
    assert "View on site" not in shown and "alice" in shown


def test_a_row_that_may_not_be_public_is_named_and_the_others_are_published(staff: Client) -> None:
    good = make.make_meeting(public_from=None)
    bad = make.make_meeting(public_from=None, held_on=timezone.now().date() + timedelta(days=9))
    page = act(staff, "publish", good, bad)
    assert messages_of(page) == [
        f"“{bad}” stays as it was. Held on: It cannot be public before it was held. Correct this date, or publish it later.",
        "1 row is public now.",
    ]
    assert list(Meeting.objects.published()) == [good]
    bad.refresh_from_db()
    assert (bad.status, bad.status_by) == (Status.DRAFT, None)
    assert LogEntry.objects.count() == 1


def test_what_is_public_already_keeps_its_moment(staff: Client) -> None:
    region = make.make_region()
    assert messages_of(act(staff, "publish", region)) == [f"“{region}” is public already."]
    region.refresh_from_db()
    assert (region.publish_at, region.status_by) == (make.PAST, None)


def test_publishing_needs_the_right_to_change(client: Client) -> None:
    bob = make.make_user("bob", superuser=False)
    bob.user_permissions.add(Permission.objects.get(codename="view_region"))
    make.sign_in(client, bob)
    region = make.make_region(public_from=None)
    act(client, "publish", region)
    region.refresh_from_db()
    assert region.status == Status.DRAFT


def test_the_state_is_not_typed(staff: Client) -> None:
    region = make.make_region(public_from=None)
    link = address(Region, "change", region.pk)
    values = Form(staff.get(link)).values
    assert not {"status", "publish_at", "publish_at_0", "status_by"} & values.keys()
    staff.post(link, values | {"status": "published", "publish_at": "2020-01-01", "name_en": "Katanga"})
    region.refresh_from_db()
    assert (region.status, region.publish_at, region.name) == (Status.DRAFT, None, "Katanga")


def test_a_public_meeting_cannot_be_moved_past_its_publication(staff: Client) -> None:
    """The rule names fields the form does not show; Django alone would leave it to Postgres, which answers with an error."""
    meeting = make.make_meeting()
    link = address(Meeting, "change", meeting.pk)
    page = staff.post(link, Form(staff.get(link)).values | {"held_on": "2025-01-01"})
    assert errors_of(page) == {"held_on": ["It cannot be public before it was held. Correct this date, or publish it later."]}


# Readings


def reading_values(series: Series, **changes: Any) -> dict[str, Any]:
    values = {"series": series.pk, "effective_on": "2017-01-01", "precision": "year", "status": "reported", "value": "100"}
    return values | {"source": make.make_source().pk, "published_at_0": "", "published_at_1": ""} | changes


def moment(at: datetime) -> dict[str, str]:
    return {"published_at_0": f"{at:%Y-%m-%d}", "published_at_1": f"{at:%H:%M:%S}"}


def test_a_reading_is_entered_as_a_draft(staff: Client) -> None:
    assert staff.post(address(Reading, "add"), reading_values(make.make_series())).status_code == 302
    reading = Reading.objects.get()
    assert (reading.value, reading.published_at, str(reading.period)) == (100, None, "2017")


def test_a_reading_made_public_now(staff: Client) -> None:
    values = reading_values(make.make_series(), **moment(timezone.now() - timedelta(minutes=5)))
    assert staff.post(address(Reading, "add"), values).status_code == 302
    published_at = Reading.objects.get().published_at
    assert published_at and abs(published_at - timezone.now()) < timedelta(seconds=30)


def test_a_reading_set_for_later_can_still_change(staff: Client) -> None:
    reading = make.make_reading(make.make_series(), 5, published_at=make.FUTURE)
    link = address(Reading, "change", reading.pk)
    page = staff.get(link)
    assert messages_of(page) == []
    assert staff.post(link, Form(page).values | {"value": "6"}).status_code == 302
    reading.refresh_from_db()
    assert (reading.value, reading.published_at) == (6, make.FUTURE)


WORDS = {
    "value": "Give the value. If there is none, choose the status “not reported”; do not write 0.",
    "empty": "Leave this empty or choose another status: what is not reported is not 0 either.",
    "day": "Give the first day of the period: 2017-01-01 for the year 2017, 2017-04-01 for its 2nd quarter.",
}


@pytest.mark.parametrize(
    ("changes", "field", "words"),
    [
        ({"value": ""}, "value", WORDS["value"]),
        ({"value": "0", "status": "not_reported"}, "value", WORDS["empty"]),
        ({"value": "-1"}, "value", "A count is never below 0."),
        ({"value": "99999999999999999999"}, "value", "Ensure this value is less than or equal to 9223372036854775807."),
        ({"value": "many"}, "value", "Enter a whole number."),
        ({"effective_on": "2017-03-01"}, "effective_on", WORDS["day"]),
        ({"effective_on": "2017-05-01", "precision": "quarter"}, "effective_on", WORDS["day"]),
        ({"effective_on": "31/31/2017"}, "effective_on", "Enter a valid date."),
        ({"precision": "week"}, "precision", "Select a valid choice. week is not one of the available choices."),
        (
            moment(datetime(2020, 1, 1, tzinfo=UTC)),
            "published_at",
            "This moment has passed. Choose today and now, or a moment to come.",
        ),
    ],
)
def test_bad_input_is_answered_in_words_and_kept(staff: Client, changes: dict[str, str], field: str, words: str) -> None:
    values = reading_values(make.make_series(), reason_en="Typed at length", **changes)
    page = staff.post(address(Reading, "add"), values)
    assert errors_of(page) == {field: [words]}
    kept = Form(page).values
    for name, value in values.items():
        assert kept.get(name, "") in (value, str(value), [str(value)]) or name == "precision", name
    assert not Reading.objects.exists()


def test_a_second_reading_of_a_period_is_sent_to_the_first(staff: Client) -> None:
    series = make.make_series()
    make.make_reading(series, 5)
    page = staff.post(address(Reading, "add"), reading_values(series))
    assert errors_of(page) == {
        "__all__": [
            "This series has a reading of this period already. Open that one: change it or, if it is public, correct it."
        ]
    }


def test_a_public_reading_opens_read_only_and_says_what_to_do(staff: Client) -> None:
    reading = make.make_reading(make.make_series(), 5)
    page = staff.get(address(Reading, "change", reading.pk))
    html = page.content.decode()
    assert page.status_code == 200
    assert 'name="value"' not in html and 'name="_save"' not in html and "deletelink" not in html
    (told,) = messages_of(page)
    assert told.startswith("Readers have seen this reading: it stays as it is.")


def test_a_public_reading_is_neither_changed_nor_deleted(staff: Client) -> None:
    reading = make.make_reading(make.make_series(), 5)
    assert staff.post(address(Reading, "change", reading.pk), reading_values(reading.series, value="6")).status_code == 403
    assert staff.post(address(Reading, "delete", reading.pk), {"post": "yes"}).status_code == 403
    assert Reading.objects.get().value == 5


def test_deleting_several_readings(staff: Client) -> None:
    series = make.make_series()
    public, draft = make.make_reading(series, 5), make.make_reading(series, 6, date(2018, 1, 1), published_at=None)
    page = act(staff, "delete_selected", public, draft, post="yes")
    assert messages_of(page) == [f"Nothing was deleted. These are public and stay; each can be corrected: {public}."]
    assert Reading.objects.count() == 2
    assert "Are you sure" in act(staff, "delete_selected", draft).content.decode()
    act(staff, "delete_selected", draft, post="yes")
    assert Reading.objects.get() == public


def test_what_readings_hang_on_is_not_deleted(staff: Client) -> None:
    reading = make.make_reading(make.make_series(), 5)
    for row in (reading.series, reading.series.region, reading.series.metric, reading.source):
        assert act(staff, "delete_selected", row, post="yes").status_code in (200, 403)
        assert staff.post(address(type(row), "delete", row.pk), {"post": "yes", "_reason": "x"}).status_code in (200, 403)
    assert Reading.objects.get() == reading


def correction_form(staff: Client, reading: Reading) -> dict[str, Any]:
    """The form that the link on the page of a public reading opens."""
    told = messages_of(staff.get(address(Reading, "change", reading.pk)))[-1]
    link = re.search(r'href="([^"]+)"', told)
    assert link
    parts = urlsplit(link[1].replace("&amp;", "&"))
    assert parts.path == address(Reading, "add")
    return Form(staff.get(parts.path, dict(parse_qsl(parts.query)))).values


def test_the_way_of_a_correction(staff: Client, rows: dict[type[models.Model], models.Model]) -> None:
    wrong = make.make_reading(make.make_series(), 5, period_note_en="date not stated", period_note_fr="date non précisée")
    values = correction_form(staff, wrong)
    assert values["period_note_fr"] == "date non précisée"
    page = staff.post(address(Reading, "add"), values | {"value": "50"})
    assert errors_of(page) == {"reason_en": ["Say why it is corrected: readers see it."]}
    values |= {"value": "50", "reason_en": "A nought was lost", **moment(timezone.now())}
    assert staff.post(address(Reading, "add"), values).status_code == 302
    right = Reading.objects.get(supersedes=wrong)
    assert right.is_public() and (right.value, right.series, right.period) == (50, wrong.series, wrong.period)
    told = messages_of(staff.get(address(Reading, "change", wrong.pk)))[-1]
    assert address(Reading, "change", right.pk) in told and "It has a correction" in told
    # What was corrected is corrected no second time; its correction is.
    page = staff.post(address(Reading, "add"), values)
    assert errors_of(page) == {"supersedes": [f"This one has a correction already: “{right}”. Correct that."]}
    values = correction_form(staff, right) | {"value": "51", "reason_en": "Counted again"}
    assert staff.post(address(Reading, "add"), values).status_code == 302


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"effective_on": "2016-01-01"}, "effective_on"), ({"precision": "day"}, "precision"), ({"series": "other"}, "series")],
)
def test_a_correction_of_something_else_is_refused(staff: Client, changes: dict[str, Any], field: str) -> None:
    wrong = make.make_reading(make.make_series(), 5)
    if "series" in changes:
        changes = {"series": make.make_series().pk}
    values = reading_values(wrong.series, supersedes=wrong.pk, reason_en="Why") | changes
    page = staff.post(address(Reading, "add"), values)
    assert errors_of(page) == {field: [f"A correction is of the series and period that it corrects: {wrong}."]}


@pytest.mark.parametrize("published_at", [None, make.FUTURE])
def test_what_is_not_public_is_changed_and_not_corrected(staff: Client, published_at: datetime | None) -> None:
    draft = make.make_reading(make.make_series(), 5, published_at=published_at)
    values = reading_values(draft.series, supersedes=draft.pk, reason_en="Why")
    page = staff.post(address(Reading, "add"), values)
    assert errors_of(page)["supersedes"] == ["This one is not public yet. Change it instead."]


# The other rules of the database, in words

POINT = '{"type": "Point", "coordinates": [29, -2]}'
OPEN = '{"type": "Polygon", "coordinates": [[[0, 0], [1, 0], [1, 1], [0, 1]]]}'
SWAPPED = '{"type": "Polygon", "coordinates": [[[0, 91], [1, 91], [1, 92], [0, 91]]]}'
TOLD = {"correction_reason_en": "Counted again"}
NOT_A_NUMBER = '{"type": "Polygon", "coordinates": [[[NaN, 0], [1, 0], [1, 1], [NaN, 0]]]}'
SQUARE = '{"type": "MultiPolygon", "coordinates": [[[[0, 0], [1, 0], [1, 1], [0, 0]]]]}'


@pytest.mark.parametrize(
    ("model", "changes", "field"),
    [
        (Country, {"iso_code": "Cd"}, "iso_code"),
        (Region, {"code": "k"}, "code"),
        (Metric, {"code": "7"}, "code"),
        (Succession, {"since": "2015-07-02", "precision": "month"}, "since"),
        (Headline, {"value": "-1"} | TOLD, "value"),
        (Headline, {"effective_on": "2017-02-01"} | TOLD, "effective_on"),
        (Headline, {"comparison": "none"} | TOLD, "beside"),
        (Headline, {"comparison": "other"} | TOLD, "beside"),
        (Headline, {"beside": ""} | TOLD, "beside"),
        (Headline, {"explanation_en": ""}, "explanation_en"),
        *(
            (Region, {"outline": outline}, "outline")
            for outline in (POINT, OPEN, SWAPPED, NOT_A_NUMBER, "{}", "[1]", '"type"', "x")
        ),
        (Testimonial, {"quote_language": "FR"}, "quote_language"),
        (Testimonial, {"original_language": "Swahili"}, "original_language"),
        (Testimonial, {"risk": "high"}, "place_precision"),
        (Testimonial, {"child_labour": "on", "attribution": "full", "shown_as_en": "Jeanne"}, "attribution"),
        (Testimonial, {"attribution": "role"}, "shown_as_en"),
        (Testimonial, {"consent": ""}, "consent"),
        (Testimonial, {"words_en": "A translation of English"}, "quote"),
        (Consent, {"expires_on": "2999-01-01"}, "expires_on"),
        (Consent, {"given_at_0": "2999-01-01", "expires_on": ""}, "given_at"),
        (Consent, {"language": ""}, "how"),
        (Contributor, {"age": "minor"}, "guardian"),
        (Milestone, {"year": "1200"}, "year"),
    ],
)
def test_a_rule_of_the_database_stands_beside_its_field(
    model: type[models.Model], changes: dict[str, str], field: str, staff: Client, rows: dict[type[models.Model], models.Model]
) -> None:
    link = address(model, "change", rows[model].pk)
    found = errors_of(staff.post(link, Form(staff.get(link)).values | changes))
    assert list(found) == [field]
    assert "onstraint" not in str(found)


def test_a_public_headline_is_corrected_with_a_reason(staff: Client) -> None:
    """What was typed is kept; the first publication needs none, and the reason is another one each time."""
    headline = make.make_headline(make.make_programme(), make.make_metric(), 5, public_from=None)
    link = address(Headline, "change", headline.pk)
    assert staff.post(link, Form(staff.get(link)).values | {"value": "6"}).status_code == 302
    headline.refresh_from_db()
    headline.publish(by=make.make_user("bob"), at=make.PAST)
    page = staff.post(link, Form(staff.get(link)).values | {"value": "7", "effective_on": "2016-01-01"})
    assert errors_of(page) == {"correction_reason_en": ["Say why its value or period was changed: readers see it."]}
    typed = Form(page).values
    assert (typed["value"], typed["effective_on"]) == ("7", "2016-01-01")
    assert staff.post(link, typed | {"correction_reason_en": "Counted again"}).status_code == 302
    page = staff.post(link, Form(staff.get(link)).values | {"comparison": "none", "beside": ""})
    told = "This was said of an earlier change. Say why it is changed this time: readers see it."
    assert errors_of(page) == {"correction_reason_en": [told]}
    page = staff.post(link, Form(staff.get(link)).values | {"correction_reason_en": " "})
    assert list(errors_of(page)) == ["correction_reason_en"], "readers were told one"
    values = {"label_en": "other", "correction_reason_en": "Counted again, by hand", "correction_reason_fr": "Recompté"}
    assert staff.post(link, Form(staff.get(link)).values | values).status_code == 302
    headline.refresh_from_db()
    assert (headline.value, headline.effective_on, headline.comparison) == (7, date(2016, 1, 1), "same")


def test_a_headline_edited_while_withdrawn_is_public_again_with_a_reason(staff: Client) -> None:
    headline = make.make_headline(make.make_programme(), make.make_metric(), 5)
    headline.withdraw(by=make.make_user("bob"))
    link = address(Headline, "change", headline.pk)
    assert staff.post(link, Form(staff.get(link)).values | {"value": "6"}).status_code == 302
    told = messages_of(act(staff, "publish", headline))[-1]
    assert "stays as it was." in told and "Say why its value or period was changed: readers see it." in told
    assert not Headline.objects.published().exists()
    assert staff.post(link, Form(staff.get(link)).values | {"correction_reason_en": "Counted again"}).status_code == 302
    assert messages_of(act(staff, "publish", headline))[-1] == "1 row is public now."


def test_an_outline_is_kept(staff: Client) -> None:
    region = make.make_region()
    link = address(Region, "change", region.pk)
    assert staff.post(link, Form(staff.get(link)).values | {"outline": SQUARE}).status_code == 302
    region.refresh_from_db()
    assert region.outline == json.loads(SQUARE)


def test_a_province_does_not_follow_itself(staff: Client, rows: dict[type[models.Model], models.Model]) -> None:
    succession = rows[Succession]
    link = address(Succession, "change", succession.pk)
    values = Form(staff.get(link)).values
    found = errors_of(staff.post(link, values | {"successor": values["predecessor"]}))
    assert found == {"successor": ["A province cannot follow itself. Choose another one."]}


def test_a_country_is_one_whole_region_once(staff: Client) -> None:
    whole = make.make_region(kind=Region.Kind.COUNTRY)
    other = make.make_region(whole.country)
    link = address(Region, "change", other.pk)
    found = errors_of(staff.post(link, Form(staff.get(link)).values | {"kind": "country"}))
    assert found == {"kind": ["This country has a region of this kind already. Choose “province”."]}


def test_two_sources_may_wait_for_their_french_name(staff: Client) -> None:
    for number in range(2):
        assert staff.post(address(Source, "add"), {"name_en": f"Report {number}", "name_fr": ""}).status_code == 302
    assert Source.objects.count() == 2


def test_inlines_obey_the_rules_too(staff: Client, rows: dict[type[models.Model], models.Model]) -> None:
    link = address(Region, "change", rows[Region].pk)
    values = Form(staff.get(link)).values
    page = staff.post(link, values | {"milestones-0-year": "1200"})
    assert page.status_code == 200 and "A year from 1900 to 2100, or nothing." in page.content.decode()
    partner = Partner.objects.get()
    link = address(Programme, "change", partner.programme_id)
    values = Form(staff.get(link)).values
    second = {"id": "", "programme": partner.programme_id, "name_en": partner.name_en, "role": "donor", "order": "0"}  # type: ignore[attr-defined]
    values |= {f"partners-1-{name}": value for name, value in second.items()} | {"partners-TOTAL_FORMS": "2"}
    page = staff.post(link, values)
    assert page.status_code == 200 and page.context["errors"]
    assert Partner.objects.get() == partner


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (pdf_files.plain(), ""),
        (b"%PDF-1.7 and more", "This PDF is damaged."),
        (pdf_files.encrypted(), "This PDF is locked with a password."),
        (pdf_files.with_script(), "This PDF holds a script"),
        (b"<html>", "This is not a PDF."),
        (b"%PDF-" + b"0" * (10 * 2**20), "The file is over 10 MB."),
    ],
)
def test_a_document(staff: Client, settings: Any, tmp_path: Path, content: bytes, words: str) -> None:
    settings.MEDIA_ROOT = tmp_path
    meeting = make.make_meeting()
    file = SimpleUploadedFile("Minutes of Mr X.pdf", content)
    values = {"meeting": meeting.pk, "title_en": "Minutes", "language": "fr", "file": file}
    page = staff.post(address(Document, "add"), values)
    if words:
        assert errors_of(page)["file"][0].startswith(words)
        assert not list(tmp_path.rglob("*.pdf"))
        return
    document = Document.objects.get()
    assert "Mr" not in str(document.file.name)
    assert document.get_absolute_url() in staff.get(address(Document, "change", document.pk)).content.decode()


def test_a_document_whose_file_is_gone_can_be_opened_and_says_so(staff: Client, settings: Any, tmp_path: Path) -> None:
    settings.MEDIA_ROOT = tmp_path
    document = make.make_document()
    link = address(Document, "change", document.pk)
    found = errors_of(staff.post(link, Form(staff.get(link)).values))
    assert found == {"file": ["The stored file is gone. Upload it again."]}


def test_an_address_that_leads_nowhere_is_said_to(staff: Client) -> None:
    for nowhere in ("/admin/nowhere/", "/admin/nowhere", "/admin/regions/nowhere/"):
        assert staff.get(nowhere).status_code == 404
