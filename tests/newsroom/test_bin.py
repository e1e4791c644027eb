"""What was deleted can come back: by whom, why and what hung on it."""

from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.test import Client
from django.urls import reverse

from itsci_site.lib.newsroom import trail
from itsci_site.lib.newsroom.models import Entry, Proposal
from itsci_site.lib.publishing import Approved, Status
from meetings.models import Document, Meeting
from programmes.models import Programme
from regions.models import Metric, Milestone, Region
from testimonials.models import Testimonial
from tests import factories as make
from tests.admin.test_admin import MODELS

from .conftest import signed_in
from .desk import address, before_opening, move, told

pytestmark = pytest.mark.django_db
Page = Any
BIN = "/admin/newsroom/entry/bin/"


def gone(row: Any) -> Entry:
    return Entry.objects.get(table_name=row._meta.db_table, row_id=row.pk, operation="delete")


def delete(client: Client, row: Any, why: str = "Twice") -> None:
    assert client.post(address(row, "delete"), {"post": "yes", "_reason": why}).status_code == 302
    assert not type(row)._base_manager.filter(pk=row.pk).exists()


def restore(client: Client, entry: Entry, why: str = "It was needed") -> Page:
    return client.post(f"{BIN}{entry.pk}/", {"reason": why})


def names(page: Page) -> list[str]:
    return [one.name for one in page.context["rows"]]


@pytest.fixture
def deleted(opened: None, alices: Client) -> Region:
    """A draft with a milestone, deleted by Alice."""
    with before_opening():
        region = make.make_region(public_from=None, name_en="Ituri", name_fr="Ituri", lead_en="A lead", authors=[77])
        make.make_milestone(region, text_en="First step", text_fr="Premier pas")
    pk = region.pk
    delete(alices, region)
    region.pk = pk
    return region


def test_it_lists_what_by_whom_when_and_why(deleted: Region, alices: Client, bobs: Client) -> None:
    page: Page = bobs.get(BIN)
    html = page.content.decode()
    assert names(page) == ["Ituri"], "the milestone comes back with it"
    assert "alice" in html and "Twice" in html and "and 1 row with it" in html
    assert names(bobs.get(BIN, {"table": "regions_region"})) == ["Ituri"]
    assert names(bobs.get(BIN, {"table": "meetings_meeting"})) == []
    for nonsense in ({"table": "auth_user"}, {"before": "abc"}, {"before": "9" * 40}):
        assert bobs.get(BIN, nonsense).status_code == 200
    assert bobs.get(BIN, {"table": "\0"}, follow=True).status_code == 200
    assert reverse("admin:newsroom_entry_bin") in bobs.get(reverse("admin:regions_region_changelist")).content.decode()


def test_it_comes_back_as_a_draft_with_what_hung_on_it(deleted: Region, alices: Client, bobs: Client) -> None:
    html = alices.get(f"{BIN}{gone(deleted).pk}/").content.decode()
    assert "A lead" in html and "First step" in html
    page = restore(alices, gone(deleted), why="")
    assert page.status_code == 400 and "Say why" in page.content.decode()
    page = restore(alices, gone(deleted))
    assert page.status_code == 302 and page.url == address(deleted), page.content.decode()
    back: Any = Region.objects.get(pk=deleted.pk)
    assert (back.lead_en, back.status, back.publish_at, back.approved_by) == ("A lead", Status.DRAFT, None, None)
    assert 77 in back.authors, "who wrote it cannot approve it afterwards"
    assert Milestone.objects.get().text_en == "First step"  # type: ignore[attr-defined]
    entry = Entry.objects.filter(table_name="regions_region", row_id=deleted.pk, operation="insert")[0]
    assert (entry.actor, entry.reason) == ("alice", "It was needed")
    assert names(alices.get(BIN)) == []
    page = restore(alices, gone_first(deleted))
    assert page.status_code == 302 and "not in the bin" in told(page)[0]
    move(alices, back, "submit")
    move(bobs, back, "approve")
    move(bobs, back, "publish")
    assert Region.objects.published().filter(pk=back.pk).exists()


def gone_first(row: Any) -> Entry:
    return Entry.objects.filter(table_name=row._meta.db_table, row_id=row.pk, operation="delete")[0]


@pytest.mark.parametrize(
    "model",
    [
        model
        for model in MODELS
        if model.__name__ not in {"Document", "Succession"} and not getattr(model, "hidden_in_trail", 0)
    ],
)
def test_a_row_of_each_model_comes_back_whole(model: Any, alices: Client, opened: None) -> None:
    with before_opening():
        region, programme = make.make_region(public_from=None), make.make_programme(public_from=None)
        made: dict[str, Any] = {
            "Country": make.make_country, "Region": lambda: make.make_region(public_from=None), "Metric": make.make_metric,
            "Milestone": lambda: make.make_milestone(region), "Series": lambda: make.make_series(region),
            "Source": make.make_source, "Reading": lambda: make.make_reading(make.make_series(), 5, published_at=None),
            "Testimonial": lambda: make.make_testimonial(public_from=None), "Place": make.make_place,
            "Meeting": lambda: make.make_meeting(public_from=None), "Programme": lambda: make.make_programme(public_from=None),
            "Activity": lambda: make.make_activity(programme), "Partner": lambda: make.make_partner(programme),
            "CountryShare": lambda: make.make_share(programme),
            "Headline": lambda: make.make_headline(programme, make.make_metric(), public_from=None),
            "Desk": make.make_desk, "PeriodLock": make.make_lock, "Consent": make.make_consent,
        }  # fmt: skip
        row = made[model.__name__]()
        before = present(row)
        pk = row.pk
        with trail.acting(None, "To be restored"):
            row.delete()
        row.pk = pk
    page = restore(alices, gone(row))
    assert page.status_code == 302, page.content.decode()
    after = present(row)
    if issubclass(model, Approved):
        assert after.pop("authors") and before.pop("authors") is not None
    assert after == before


def present(row: Any) -> dict[str, Any]:
    values = type(row)._base_manager.filter(pk=row.pk).values().get()
    return {name: value for name, value in values.items() if name not in {"changed_at", "locked_at"}}


def test_links_to_other_records_come_back_with_it(opened: None, alices: Client) -> None:
    with before_opening():
        programme, metric, region = make.make_programme(public_from=None), make.make_metric(), make.make_region()
        programme.metrics.add(metric)
        programme.regions.add(region)
    delete(alices, programme)
    assert names(alices.get(BIN)) == [str(programme)]
    assert restore(alices, gone(programme)).status_code == 302
    back = Programme.objects.get(pk=programme.pk)
    assert list(back.metrics.all()) == [metric] and list(back.regions.all()) == [region]


def test_what_stood_in_a_public_page_waits_for_a_second_person(opened: None, alices: Client, bobs: Client) -> None:
    with before_opening():
        milestone = make.make_milestone(make.make_region(), text_en="Read by all", text_fr="Lu")
        milestone_pk = milestone.pk
        milestone.delete()
        milestone.pk = milestone_pk
    page = restore(alices, gone(milestone))
    assert page.status_code == 302 and "somebody else approves" in told(page)[0]
    assert not Milestone.objects.exists()
    assert Proposal.objects.get().row_id == milestone_pk
    assert 'value="Read by all"' in alices.get(address(milestone)).content.decode()
    again = restore(alices, gone(milestone))
    assert again.status_code == 400 and "being restored already" in again.content.decode()
    for who, name in ((alices, "submit"), (bobs, "approve"), (bobs, "publish")):
        move(who, milestone, name)
    assert Milestone.objects.get().text_en == "Read by all"  # type: ignore[attr-defined]


def test_a_definition_comes_back(opened: None, alices: Client) -> None:
    with before_opening():
        metric = make.make_metric(jump_factor="2.50")
        pk = metric.pk
        metric.delete()
        metric.pk = pk
    assert restore(alices, gone(metric)).status_code == 302
    assert str(Metric.objects.get(pk=pk).jump_factor) == "2.50"


def test_an_address_that_is_taken_meanwhile_is_told_in_words(deleted: Region, alices: Client) -> None:
    with before_opening():
        make.make_region(public_from=None, slug=deleted.slug)
    page = restore(alices, gone(deleted))
    html = page.content.decode()
    assert page.status_code == 400 and "Address: Region with this Address already exists." in html and "It was needed" in html
    assert not Region.objects.filter(pk=deleted.pk).exists() and not Milestone.objects.exists()


def test_what_it_stood_on_has_to_be_there(opened: None, alices: Client) -> None:
    with before_opening():
        region = make.make_region(public_from=None)
    country = region.country
    delete(alices, region)
    with before_opening():
        country_pk = country.pk
        country.delete()
        country.pk = country_pk
    page = restore(alices, gone(region))
    assert page.status_code == 400 and "Country: country instance with id" in page.content.decode()
    assert restore(alices, gone(country)).status_code == 302
    assert restore(alices, gone(region)).status_code == 302


def test_a_file_that_is_gone_is_told(opened: None, alices: Client) -> None:
    with before_opening():
        document = make.make_document(make.make_meeting(public_from=None))
    delete(alices, document)
    page = restore(alices, gone(document))
    assert page.status_code == 400 and "the file of “File” is gone" in page.content.decode()
    assert not Document.objects.exists() and Meeting.objects.count() == 1


def test_a_story_comes_back_without_the_photo_whose_files_are_gone(opened: None, alices: Client) -> None:
    with before_opening():
        described: dict[str, Any] = {"portrait_alt_en": "A helmet", "portrait_alt_fr": "Un casque"}
        story = make.make_testimonial(public_from=None, portrait="0" * 32, portrait_bytes=5, **described)
    delete(alices, story)
    page = restore(alices, gone(story))
    assert page.status_code == 302 and any("Not restored" in one for one in told(page))
    back = Testimonial.objects.get()
    assert (back.portrait, back.portrait_bytes) == ("", None)


def test_what_was_erased_is_not_in_it(deleted: Region, alices: Client) -> None:
    Entry.objects.filter(pk=gone(deleted).pk).update(before=None, after=None, pinch="")
    assert "Ituri" not in names(alices.get(BIN))
    page = restore(alices, gone(deleted))
    assert page.status_code == 302 and "erased" in told(page)[0]
    assert not Region.objects.filter(pk=deleted.pk).exists()


def test_one_sees_and_restores_what_ones_role_allows(deleted: Region, alices: Client) -> None:
    carol = make.make_user("carol", superuser=False)
    make.make_desk(user=carol, everywhere=True)
    assert signed_in(carol).get(BIN).status_code == 403
    carol.user_permissions.add(Permission.objects.get(codename="view_meeting"))
    assert names(signed_in(carol).get(BIN)) == []
    assert restore(signed_in(carol), gone(deleted)).status_code == 302
    carol.user_permissions.add(Permission.objects.get(codename="view_region"))
    assert names(signed_in(carol).get(BIN)) == ["Ituri"]
    assert restore(signed_in(carol), gone(deleted)).status_code == 403
    assert not Region.objects.filter(pk=deleted.pk).exists()
    assert Client().get(BIN).status_code == 302
    assert alices.get(f"{BIN}{10**30}/").status_code == 302


def test_it_is_paged(opened: None, alices: Client, monkeypatch: Any) -> None:
    from itsci_site.lib.newsroom import bin as deleted_rows

    monkeypatch.setattr(deleted_rows, "ROWS_A_PAGE", 2)
    with before_opening():
        for number in range(3):
            make.make_source(name_en=f"Source named {number}", name_fr="x").delete()
    page: Page = alices.get(BIN)
    assert names(page) == ["Source named 2", "Source named 1"]
    assert names(alices.get(BIN, {"before": page.context["next"]})) == ["Source named 0"]
