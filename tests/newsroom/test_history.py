"""The history of a record in words, and putting a row back as it was."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.urls import reverse

from itsci_site.lib.newsroom import history, trail, words
from itsci_site.lib.newsroom.models import Entry, Proposal
from itsci_site.lib.publishing import Status
from meetings.models import Document, Meeting
from regions.models import Milestone, Reading, Region
from tests import factories as make
from tests.admin.test_admin import MODELS
from tests.admin.test_admin import rows as rows

from .conftest import signed_in
from .desk import Form, address, before_opening, move, told, write

pytestmark = pytest.mark.django_db
Page = Any


def read(client: Client, row: Any, **query: Any) -> str:
    page: Page = client.get(address(row, "history"), query)
    assert page.status_code == 200
    return page.content.decode()


def changed(row: Any, operation: str = "update") -> Entry:
    entry = Entry.objects.filter(table_name=row._meta.db_table, row_id=row.pk, operation=operation).first()
    assert entry
    return entry


def put_back(client: Client, record: Any, entry: Entry, why: str = "It was right before", **values: Any) -> Page:
    where = reverse(f"admin:{record._meta.label_lower.replace('.', '_')}_put_back", args=[record.pk, entry.pk])
    form = Form(client.get(where)).values
    return client.post(where, form | {"reason": why} | values)


@pytest.fixture
def draft(opened: None) -> Region:
    with before_opening():
        return make.make_region(public_from=None, lead_en="As it was", lead_fr="Comme avant")


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_record_has_a_history(model: Any, rows: Any, alices: Client) -> None:
    html = read(alices, rows[model])
    assert "added" in html and str(connection.settings_dict["USER"]) in html


def test_it_says_who_when_why_and_what_in_words(draft: Region, alices: Client) -> None:
    other = make.make_country(name_en="Another country")
    before = draft.country.name
    write(alices, draft, "The border moved", country=str(other.pk), kind="former_province", lead_en='A <b>"lead"</b>')
    html = read(alices, draft)
    assert "alice" in html and "The border moved" in html and "UTC" in html
    assert f"<del>{before}</del>" in html and "<ins>Another country</ins>" in html
    assert "<ins>former province, divided since</ins>" in html
    assert "<ins>A &lt;b&gt;&quot;lead&quot;&lt;/b&gt;</ins>" in html and "Lead (English)" in html
    assert '<th scope="row">Lead</th>' not in html, "the column that follows one of its languages"


def test_a_long_text_is_shown_once_with_its_differences(draft: Region, alices: Client) -> None:
    text = " ".join(f"Sentence number {number} is here." for number in range(60))
    write(alices, draft, narrative_en=text)
    write(alices, draft, narrative_en=text.replace("number 30 is here", "number 30 <i>was</i> here"))
    html = read(alices, draft)
    assert "number 30<del> is</del><ins> &lt;i&gt;was&lt;/i&gt;</ins> here" in html and " … " in html


def test_texts_without_end_or_with_one_word_throughout_are_compared_in_time() -> None:
    one, other = "a " * 50_000, "a b " * 50_000
    assert "<ins>" in words.together(one, other)
    assert words.together("x. " * 5000, "y. " * 5000)
    assert words.together("same\r\nold", "same\nnew").count("<br>") >= 1


def test_rows_in_its_page_are_in_it_also_when_they_are_gone(draft: Region, alices: Client) -> None:
    milestone = make.make_milestone(draft, text_en="First step", text_fr="Premier pas")
    stays = make.make_milestone(make.make_region(public_from=None), text_en="Elsewhere", text_fr="Ailleurs")
    Milestone.objects.filter(pk=milestone.pk).update(year=2014)
    milestone.delete()
    html = read(alices, draft)
    assert html.count("First step") >= 3 and "<ins>2014</ins>" in html and "deleted" in html
    assert "Elsewhere" not in html and stays.pk


def test_links_to_other_records_are_in_it(opened: None, alices: Client) -> None:
    with before_opening():
        programme, metric = make.make_programme(public_from=None), make.make_metric()
    programme.metrics.add(metric)
    assert str(metric) in read(alices, programme)


def test_a_long_history_is_paged(draft: Region, alices: Client) -> None:
    for order in range(history.ENTRIES_A_PAGE + 5):
        Region.objects.filter(pk=draft.pk).update(order=order + 1)
    html = read(alices, draft)
    last = Entry.objects.filter(table_name="regions_region", row_id=draft.pk)[history.ENTRIES_A_PAGE - 1]
    assert f"?before={last.pk}" in html and "<ins>6</ins>" not in html.replace("<ins>6</ins>", "", 1)
    assert "<ins>2</ins>" in read(alices, draft, before=last.pk)
    for nonsense in ("abc", "9" * 30, "-1", "\0"):
        assert alices.get(address(draft, "history"), {"before": nonsense}, follow=True).status_code == 200
    assert "There is nothing earlier" in read(alices, draft, before="1")


def test_what_is_hidden_or_erased_says_so(draft: Region, alices: Client) -> None:
    write(alices, draft, lead_en="Somebody's words")
    entry = changed(draft)
    Entry.objects.filter(pk=entry.pk).update(before=None, after=None, pinch="")
    html = read(alices, draft)
    assert "was erased" in html and "Somebody" not in html and f"{entry.pk}/put-back/" not in html
    where = reverse("admin:regions_region_put_back", args=[draft.pk, entry.pk])
    page: Page = alices.get(where)
    assert page.status_code == 400 and "values are not kept" in page.content.decode()


def test_the_count_of_questions_does_not_grow_with_the_rows(
    draft: Region, alices: Client, django_assert_max_num_queries: Any
) -> None:
    for number in range(12):
        make.make_milestone(draft, text_en=f"Step {number}", text_fr=f"Pas {number}")
    with django_assert_max_num_queries(12 + 25):
        read(alices, draft)


# Putting back


def test_a_draft_is_put_back_at_once(draft: Region, alices: Client) -> None:
    write(alices, draft, "A try", lead_en="Wrong", code="ZZ")
    entry = changed(draft)
    write(alices, draft, "Another", lead_en="Wrong again", order="7")
    html = alices.get(reverse("admin:regions_region_put_back", args=[draft.pk, entry.pk])).content.decode()
    assert "<del>Wrong again</del>" in html and "<ins>As it was</ins>" in html
    page = put_back(alices, draft, entry)
    assert page.status_code == 302, page.content.decode()
    draft.refresh_from_db()
    assert (draft.lead_en, draft.code != "ZZ", draft.order) == ("As it was", True, 0)  # type: ignore[attr-defined]
    assert (changed(draft).actor, changed(draft).reason) == ("alice", "It was right before")


def test_it_asks_for_a_reason(draft: Region, alices: Client) -> None:
    write(alices, draft, lead_en="Wrong")
    page = put_back(alices, draft, changed(draft), why=" ")
    assert page.status_code == 400 and "Say why" in page.content.decode()
    draft.refresh_from_db()
    assert draft.lead_en == "Wrong"  # type: ignore[attr-defined]


def test_state_and_approval_stay_and_what_was_submitted_is_a_draft_again(draft: Region, alices: Client, bobs: Client) -> None:
    write(alices, draft, lead_en="Wrong")
    entry = changed(draft)
    move(alices, draft, "submit")
    move(bobs, draft, "approve")
    assert put_back(alices, draft, entry).status_code == 302
    draft.refresh_from_db()
    assert (draft.status, draft.approved_by, draft.lead_en) == (Status.DRAFT, None, "As it was")  # type: ignore[attr-defined]
    submitted = Entry.objects.filter(table_name="regions_region", row_id=draft.pk, after__status="submitted").first()
    page: Page = alices.get(reverse("admin:regions_region_put_back", args=[draft.pk, submitted.pk]))  # type: ignore[union-attr]
    assert "status" not in [one.field.lower() for one in page.context["differences"]]


def test_what_is_public_gets_a_next_version(region: Region, alices: Client, bobs: Client) -> None:
    write(alices, region, lead_en="Worse")
    for who, name in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, region, name)
    entry = changed(region)
    page = put_back(bobs, region, entry)
    assert page.status_code == 302 and "next version" in told(page)[0]
    assert Region.objects.get(pk=region.pk).lead_en == "Worse"  # type: ignore[attr-defined]
    proposal = Proposal.objects.pending().get()
    assert proposal.status == Status.DRAFT and proposal.changes[0]["after"]["lead_en"] == "As readers know it"
    move(bobs, region, "submit")
    assert move(bobs, region, "approve").status_code == 400
    move(alices, region, "approve")
    move(alices, region, "publish")
    assert Region.objects.get(pk=region.pk).lead_en == "As readers know it"  # type: ignore[attr-defined]


def test_a_next_version_that_is_being_written_keeps_the_rest(region: Region, alices: Client) -> None:
    with before_opening():
        Region.objects.filter(pk=region.pk).update(lead_en="Changed since")
    entry = changed(region)
    write(alices, region, lead_fr="En cours")
    assert put_back(alices, region, entry).status_code == 302
    after = Proposal.objects.get().changes[0]["after"]
    assert (after["lead_en"], after["lead_fr"]) == ("As readers know it", "En cours")


def test_a_row_in_its_page_is_put_back_with_the_same_care(region: Region, alices: Client) -> None:
    milestone = Milestone.objects.get()
    with before_opening():
        Milestone.objects.filter(pk=milestone.pk).update(year=1999)
    entry = changed(milestone)
    assert put_back(alices, region, entry).status_code == 302
    assert Milestone.objects.get().year == 1999
    assert Proposal.objects.get().record == "regions.region"
    other = make.make_region(public_from=None)
    where = reverse("admin:regions_region_put_back", args=[other.pk, entry.pk])
    assert alices.get(where).status_code == 404, "it stands in another record's page"


def test_a_public_reading_is_corrected_instead(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        reading = make.make_reading(make.make_series(), 5, published_at=None)
    write(alices, reading, value="6")
    entry = changed(reading)
    for who, name in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, reading, name)
    assert Reading.objects.published().get().value == 6
    page: Page = alices.get(reverse("admin:regions_reading_put_back", args=[reading.pk, entry.pk]))
    assert page.status_code == 400 and "Add a correction instead" in page.content.decode()
    assert put_back(alices, reading, entry).status_code == 400
    assert Reading.objects.get().value == 6 and not Proposal.objects.exists()


def test_what_stands_in_the_way_is_told_in_words(draft: Region, alices: Client) -> None:
    slug = draft.slug
    write(alices, draft, slug="elsewhere")
    entry = changed(draft)
    make.make_region(public_from=None, slug=slug)
    page = put_back(alices, draft, entry)
    html = page.content.decode()
    assert page.status_code == 400 and "Address: Region with this Address already exists." in html
    assert "It was right before" in html, "the reason is kept"
    gone = make.make_country()
    with trail.acting(None):
        Region.objects.filter(pk=draft.pk).update(country=gone)
        Region.objects.filter(pk=draft.pk).update(country=make.make_country())
        entry = changed(draft)
        gone.delete()
    page = put_back(alices, draft, entry)
    assert page.status_code == 400 and "Country: country instance with id" in page.content.decode()


def test_columns_that_came_and_went_since(draft: Region, alices: Client) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("ALTER TABLE regions_region ADD COLUMN motto text")
        cursor.execute("UPDATE regions_region SET motto = 'Old', lead_en = 'Wrong' WHERE id = %s", [draft.pk])
        cursor.execute("UPDATE regions_region SET motto = 'New' WHERE id = %s", [draft.pk])
        entry = Entry.objects.filter(table_name="regions_region", row_id=draft.pk, changed__contains=["lead_en"])[0]
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE; SET CONSTRAINTS ALL DEFERRED")
        cursor.execute("ALTER TABLE regions_region DROP COLUMN motto, ADD COLUMN anthem text NOT NULL DEFAULT 'la'")
    assert "motto" in read(alices, draft)
    page: Page = alices.get(reverse("admin:regions_region_put_back", args=[draft.pk, entry.pk]))
    assert "no place any more: motto" in page.content.decode()
    assert put_back(alices, draft, entry).status_code == 302
    draft.refresh_from_db()
    assert draft.lead_en == "As it was"  # type: ignore[attr-defined]


def test_a_file_that_is_gone_is_not_put_back(opened: None, alices: Client) -> None:
    with before_opening():
        document = make.make_document(make.make_meeting(public_from=None), file="meetings/gone.pdf")
    Document.objects.filter(pk=document.pk).update(file="meetings/other.pdf", language="en")
    page: Page = alices.get(reverse("admin:meetings_document_put_back", args=[document.pk, changed(document).pk]))
    assert page.context["what"].left_out == ["File"] and page.context["what"].after == {"language": "fr"}


def test_two_at_once(draft: Region, alices: Client, bobs: Client) -> None:
    write(alices, draft, lead_en="Wrong")
    entry = changed(draft)
    where = reverse("admin:regions_region_put_back", args=[draft.pk, entry.pk])
    opened = Form(alices.get(where)).values
    write(bobs, draft, lead_en="What Bob wrote")
    page: Page = alices.post(where, opened | {"reason": "mine"})
    assert page.status_code == 400 and "What Bob wrote" in page.content.decode() and "mine" in page.content.decode()
    draft.refresh_from_db()
    assert draft.lead_en == "What Bob wrote"  # type: ignore[attr-defined]


def test_who_may_not_change_may_look_and_nothing_else(draft: Region, alices: Client) -> None:
    write(alices, draft, lead_en="Wrong")
    entry = changed(draft)
    where = reverse("admin:regions_region_put_back", args=[draft.pk, entry.pk])
    carol = make.make_user("carol", superuser=False)
    assert signed_in(carol).get(address(draft, "history")).status_code in (302, 403)
    assert signed_in(carol).get(where).status_code in (302, 400, 403, 404)
    make.make_desk(user=carol, everywhere=True)
    carol.user_permissions.add(Permission.objects.get(codename="view_region"))
    html = read(signed_in(User.objects.get(pk=carol.pk)), draft)
    assert "Wrong" in html and "put-back" not in html
    page: Page = signed_in(carol).post(where, {"reason": "x", "_seen": "x"})
    assert page.status_code == 400 and "Your role does not allow this" in page.content.decode()
    draft.refresh_from_db()
    assert draft.lead_en == "Wrong"  # type: ignore[attr-defined]
    stranger: Page = Client().get(where)
    assert stranger.status_code == 302 and "login" in stranger.url


def test_nonsense_in_addresses(draft: Region, alices: Client) -> None:
    for args in ([draft.pk, 0], [draft.pk, 10**30], [draft.pk, changed_pk(draft)]):
        assert alices.get(reverse("admin:regions_region_put_back", args=args)).status_code == 404
    assert alices.get(reverse("admin:regions_region_put_back", args=["abc", 5])).status_code == 302
    assert alices.get(reverse("admin:regions_region_history", args=["99999"])).status_code == 302


def changed_pk(row: Any) -> int:
    return changed(row, "insert").pk


# Two editors


def test_of_two_editors_of_rows_below_the_second_sees_both(draft: Region, alices: Client, bobs: Client) -> None:
    make.make_milestone(draft, text_en="Started", text_fr="Début")
    alices_form, bobs_form = (Form(client.get(address(draft))).values for client in (alices, bobs))
    name = "milestones-0-text_en"
    assert bobs.post(address(draft), bobs_form | {"_reason": "mine", name: "What Bob wrote"}).status_code == 302
    page: Page = alices.post(address(draft), alices_form | {"_reason": "mine too", name: "What Alice wrote"})
    html = page.content.decode()
    assert page.status_code == 200 and "What Bob wrote" in html and "What Alice wrote" in html
    assert any((one.before, one.after) == ("What Bob wrote", "What Alice wrote") for one in page.context["yours"])
    assert alices.post(address(draft), Form(page).values).status_code == 302
    assert Milestone.objects.get().text_en == "What Alice wrote"  # type: ignore[attr-defined]


def test_a_row_below_that_the_first_deleted_is_no_dead_end(draft: Region, alices: Client, bobs: Client) -> None:
    make.make_milestone(draft, text_en="Started", text_fr="Début")
    alices_form, bobs_form = (Form(client.get(address(draft))).values for client in (alices, bobs))
    assert bobs.post(address(draft), bobs_form | {"_reason": "mine", "milestones-0-DELETE": "on"}).status_code == 302
    page: Page = alices.post(address(draft), alices_form | {"_reason": "x", "milestones-0-text_en": "Typed by Alice"})
    assert page.status_code == 200 and "Typed by Alice" in page.content.decode()
    assert "Somebody else saved this" in page.content.decode()


def test_links_count_for_two_editors(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        programme = make.make_programme(public_from=None)
        metric, other = make.make_metric(order=1), make.make_metric(order=2)
        programme.metrics.add(metric)
        programme.regions.add(make.make_region())
    alices_form, bobs_form = (Form(client.get(address(programme))).values for client in (alices, bobs))
    assert bobs.post(address(programme), bobs_form | {"_reason": "b", "metrics": [metric.pk, other.pk]}).status_code == 302
    page: Page = alices.post(address(programme), alices_form | {"_reason": "a", "order": "3"})
    assert page.status_code == 200 and "Somebody else saved this" in page.content.decode()
    beside = {one.field: (one.before, one.after) for one in page.context["yours"]}
    assert beside["Metrics reported by region"] == (f"{metric}, {other}", str(metric))


def test_a_choice_is_set_beside_by_its_name(draft: Region, alices: Client, bobs: Client) -> None:
    country = make.make_country()
    before = str(draft.country)
    alices_form, bobs_form = (Form(client.get(address(draft))).values for client in (alices, bobs))
    bobs.post(address(draft), bobs_form | {"_reason": "b", "country": country.pk, "kind": "former_province"})
    page: Page = alices.post(address(draft), alices_form | {"_reason": "a"})
    beside = {one.field: (one.before, one.after) for one in page.context["yours"]}
    assert beside["Country"] == (str(country), before)
    assert beside["Kind"] == ("former province, divided since", "province")


def test_a_meeting_of_another_day(opened: None, alices: Client) -> None:
    with before_opening():
        meeting = make.make_meeting(public_from=None)
    write(alices, meeting, held_on="2017-02-01")
    assert "<ins>1 February 2017</ins>" in read(alices, meeting)
    assert put_back(alices, meeting, changed(meeting)).status_code == 302
    assert str(Meeting.objects.get().held_on) == "2016-03-11"
