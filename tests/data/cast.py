"""Who appears in these tests: one programme over two public regions and one in preparation, with figures that differ."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.db import connection

from programmes.models import Headline, Programme
from regions.models import Reading
from tests import factories

DAY_1 = datetime(2021, 5, 1, 12, tzinfo=UTC)
DAY_2 = datetime(2022, 5, 1, 12, 30, 15, 250000, tzinfo=UTC)


@dataclass(frozen=True)
class Cast:
    programme: Programme
    kivu: Any  # a Region; types know nothing of its column a language
    rwanda: Any
    miners: Any  # a Metric
    sites: Any
    active: Any
    first: Reading
    corrected: Reading
    headline: Headline


def known_from(moment: datetime) -> None:
    """What is written from here on in this test counts as having been there since a moment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT set_config('itsci.version_at', %s, true)", [moment.isoformat()])


def cast() -> Cast:
    """Kivu said 100 miners, then corrected itself to 80; Rwanda says 50. The headline says 120: 10 less than the sum.

    A draft, a reading to come, a correction to come, a region in preparation, its readings, a headline in draft and a
    programme in draft stand beside them. Nothing of those may leave.
    """
    known_from(factories.PAST)
    congo = factories.make_country(iso_code="CD", **factories.both(name=("Congo", "Congo"), short_name=("Congo", "Congo")))
    land = factories.make_country(iso_code="RW", order=1)
    kivu = factories.make_region(congo, slug="kivu", code="KV", order=1, name_en="South Kivu", name_fr="Sud-Kivu")
    rwanda = factories.make_region(land, slug="rwanda", code="RW", order=2)
    hidden = factories.make_region(congo, None, slug="unready", code="HI")
    miners = factories.make_metric(slug="miners", code="M", order=1)
    sites = factories.make_metric(slug="sites", code="S", order=2)
    active = factories.make_metric(slug="active", code="A", order=3, additive=False)
    secret = factories.make_metric(slug="secret", code="X", order=4)
    factories.make_source(name_en="Public source", name_fr="Source publique")
    in_kivu = factories.make_series(kivu, miners)
    first = factories.make_reading(in_kivu, 100, published_at=DAY_1, period_note_en="date not stated")
    corrected = factories.correct(first, 80, DAY_2, reason_fr="Une faute de frappe")
    factories.correct(corrected, 666, factories.FUTURE)
    in_rwanda = factories.make_series(rwanda, miners)
    factories.make_reading(in_rwanda, 50, published_at=DAY_1)
    factories.make_reading(in_rwanda, 667, date(2018, 1, 1), factories.FUTURE)
    factories.make_reading(in_rwanda, 668, date(2019, 1, 1), None)
    factories.make_reading(factories.make_series(kivu, sites), None, published_at=DAY_1)
    factories.make_reading(factories.make_series(rwanda, sites), 0, published_at=DAY_1)
    factories.make_reading(factories.make_series(hidden, miners), 669, published_at=DAY_1)
    draft_source = factories.make_source(name_en="Source of drafts")
    factories.make_reading(factories.make_series(hidden, secret), 670, published_at=DAY_1, source=draft_source)
    programme = factories.make_programme(slug="scaling-up")
    programme.regions.set([kivu, rwanda, hidden])
    programme.metrics.set([miners, sites])
    headline = factories.make_headline(programme, miners, 120, DAY_1, order=1)
    factories.make_headline(programme, active, 7, DAY_1, comparison="other", beside=sites, order=2)
    factories.make_headline(programme, miners, 671, None, effective_on=date(2018, 1, 1))
    factories.make_headline(factories.make_programme(None, slug="draft"), miners, 672, DAY_1)
    return Cast(programme, kivu, rwanda, miners, sites, active, first, corrected, headline)
