"""Staff find the translations that wait for them, and say which of them still fit."""

from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Permission
from django.db.models import Model
from django.test import Client

from itsci_site.lib.translated import Translated, outdated
from regions.models import Reading, Region
from tests import factories as make

from .test_admin import MODELS, act, address, messages_of, rows  # noqa: F401 - a fixture

pytestmark = pytest.mark.django_db

TRANSLATED = [model for model in MODELS if issubclass(model, Translated)]


@pytest.fixture
def staff(client: Client) -> Client:
    make.sign_in(client, make.make_user("alice"))
    return client


@pytest.fixture
def overtaken() -> Region:
    region = make.make_region(lead_en="A lead", lead_fr="Une accroche")
    Region.objects.filter(pk=region.pk).update(lead_en="Another", name_en="Another")
    return Region.objects.get(pk=region.pk)


def listed(staff: Client, **query: str) -> list[Any]:
    return list(staff.get(address(Region, "changelist"), query).context["cl"].queryset)


@pytest.mark.parametrize("model", TRANSLATED, ids=lambda model: model._meta.label)
def test_every_list_finds_and_confirms(
    model: type[Translated],
    staff: Client,
    rows: dict[type[Model], Model],  # noqa: F811
) -> None:
    row = rows[model]
    name = "reason" if model is Reading else "title" if hasattr(model, "title_fr") else None
    name = name or next(name for name in ("name", "story_title", "summary", "label", "text") if hasattr(model, f"{name}_fr"))
    model._default_manager.filter(pk=row.pk).update(**{f"{name}_en": "One", f"{name}_fr": "Un"})
    model._default_manager.filter(pk=row.pk).update(**{f"{name}_en": "Two"})
    page = staff.get(address(model, "changelist"), {"translation": "outdated"})
    assert [found.pk for found in page.context["cl"].queryset] == [row.pk]
    label = str(model._meta.get_field(name).verbose_name)  # type: ignore[union-attr]
    assert f"French: {label}" in page.content.decode()
    assert messages_of(act(staff, "confirm_translation", row)) == ["1 row is up to date."]
    assert outdated(model._default_manager.get(pk=row.pk)) == []
    assert not staff.get(address(model, "changelist"), {"translation": "outdated"}).context["cl"].result_count


def test_the_list_tells_what_is_missing_from_what_was_changed(staff: Client, overtaken: Region) -> None:
    missing = make.make_region(lead_en="A lead")
    make.make_region()
    assert listed(staff, translation="outdated") == [overtaken]
    assert listed(staff, translation="missing") == [missing]
    assert len(listed(staff)) == 3
    assert "French: name, lead" in staff.get(address(Region, "changelist")).content.decode()


def test_a_confirmation_carries_a_name_and_says_of_what(staff: Client, overtaken: Region) -> None:
    fine = make.make_region()
    page = act(staff, "confirm_translation", overtaken, fine)
    assert messages_of(page) == [f"“{fine}”: no translation waits to be checked.", "1 row is up to date."]
    entry = LogEntry.objects.get()
    assert (entry.user.username, entry.change_message) == ("alice", "Still fits: name (fr), lead (fr).")
    assert entry.object_id == str(overtaken.pk)


def test_confirming_needs_the_right_to_change(client: Client, overtaken: Region) -> None:
    bob = make.make_user("bob", superuser=False)
    bob.user_permissions.add(Permission.objects.get(codename="view_region"))
    make.sign_in(client, bob)
    act(client, "confirm_translation", overtaken)
    overtaken.refresh_from_db()
    assert len(outdated(overtaken)) == 2


def test_a_public_reading_stays_as_it_is(staff: Client) -> None:
    reading = make.make_reading(make.make_series(), 1, published_at=None, period_note_en="One", period_note_fr="Un")
    Reading.objects.filter(pk=reading.pk).update(period_note_en="Two")
    Reading.objects.filter(pk=reading.pk).update(published_at=make.PAST)
    assert messages_of(act(staff, "confirm_translation", reading)) == [f"“{reading}” is public and stays as it is."]
    reading.refresh_from_db()
    assert outdated(reading) == [("fr", "period_note")]


def test_nobody_types_it(staff: Client, overtaken: Region) -> None:
    page = staff.get(address(Region, "change", overtaken.pk)).content.decode()
    assert 'name="translated_from"' not in page
