"""Choices that script completes: without it they are a list, of one's own regions."""

import re
from datetime import date

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from itsci_site.lib import staff
from tests import factories as make

pytestmark = pytest.mark.django_db


def listed(client: Client, address: str, field: str) -> list[tuple[str, bool]]:
    """What a list offers, in order, and whether it is chosen."""
    page = client.get(address).content.decode()
    (options,) = re.findall(rf'<select[^>]* name="{field}".*?</select>', page, re.DOTALL)
    return [(text, "selected" in attributes) for attributes, text in re.findall(r"<option([^>]*)>([^<]*)</option>", options)]


def test_a_list_has_the_rows_of_ones_own_regions_and_none_is_chosen(client: Client) -> None:
    ours, _theirs = (make.make_place(make.make_region()) for _number in range(2))
    writer = make.make_user(superuser=False)
    writer.user_permissions.add(Permission.objects.get(codename="add_meeting"))
    make.make_desk(ours.region, user=writer)
    make.sign_in(client, writer)
    address = reverse("admin:meetings_meeting_add")
    assert listed(client, address, "place") == [("", False), (str(ours), False)]
    assert listed(client, f"{address}?place={ours.pk}", "place") == [(str(ours), True)]


def test_a_long_list_ends_and_keeps_what_is_chosen(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(staff, "MOST_LISTED", 2)
    series = make.make_series()
    readings = [str(make.make_reading(series, 5, date(year, 1, 1))) for year in (2019, 2018, 2017)]
    make.sign_in(client, make.make_user())
    last = series.readings.order_by("effective_on")[0].pk
    found = listed(client, f"{reverse('admin:regions_reading_add')}?supersedes={last}", "supersedes")
    assert found == [("", False), (readings[2], True), (readings[0], False), (readings[1], False)]


def test_what_is_listed_is_read_by_one_statement(client: Client) -> None:
    """With the region and the metric of each series, which its name is made of."""
    make.sign_in(client, make.make_user())
    counts = []
    for _more in range(3):  # the first finds what Django keeps
        make.make_reading(make.make_series(), 5)
        with CaptureQueriesContext(connection) as asked:
            client.get(reverse("admin:regions_reading_add"))
        counts.append(len(asked))
    assert counts[1] == counts[2]
