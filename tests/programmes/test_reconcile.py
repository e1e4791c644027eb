import pytest
from django.utils import translation

from itsci_site.lib import text
from programmes.models import Headline, Programme
from programmes.reconcile import Reconciliation, reconcile
from regions import figures
from regions.models import Metric, Region
from tests.factories import make_headline, make_metric, make_programme, make_reading, make_series

pytestmark = pytest.mark.django_db

MINERS = (17466, 5512, 4066, 8214, 15904, 3304)
SITES = (272, 276, 83, 117, 893, 49)
COMMITTEES = (9, 7, 11, 8, 1, 2)


@pytest.fixture
def programme() -> Programme:
    return make_programme()


def reported(*values: int | None) -> Metric:
    """A metric that as many regions report."""
    metric = make_metric()
    for value in values:
        make_reading(make_series(metric=metric), value)
    return metric


def beside(headline: Headline) -> Reconciliation:
    regions = list(Region.objects.in_order())
    (found,) = reconcile([headline], figures.table(regions))
    return found


@pytest.mark.parametrize(
    ("value", "regions", "total", "difference", "printed"),
    [
        (54836, MINERS, 54466, 370, "+370"),
        (39, COMMITTEES, 38, 1, "+1"),
        (38, COMMITTEES, 38, 0, "0"),
        (0, (0, 0), 0, 0, "0"),
        (53000, MINERS, 54466, -1466, "\N{MINUS SIGN}1,466"),
    ],
)
def test_the_same_measure(
    programme: Programme, value: int, regions: tuple[int, ...], total: int, difference: int, printed: str
) -> None:
    found = beside(make_headline(programme, reported(*regions), value))
    assert found.total and found.total.value == total
    assert found.difference == difference
    assert text.signed(difference) == printed


def test_another_measure_is_shown_but_never_subtracted(programme: Programme) -> None:
    within = reported(*SITES)
    found = beside(make_headline(programme, make_metric(), 727, comparison=Headline.Beside.OTHER, beside=within))
    assert found.total and found.total.value == 1690
    assert (found.difference, found.share) == (None, "")


def test_what_is_not_broken_down_has_no_sum(programme: Programme) -> None:
    reported(*SITES)
    found = beside(make_headline(programme, make_metric(), 672, comparison=Headline.Beside.NONE, beside=None))
    assert (found.total, found.difference, found.share) == (None, None, "")
    assert (found.no_total, found.no_difference, found.coverage) == ("not broken down by region", "not comparable", "")


def test_a_partial_sum_gives_no_difference(programme: Programme) -> None:
    found = beside(make_headline(programme, reported(30, None), 39))
    assert found.total and (found.total.value, found.coverage) == (30, "partial: 1 of 2 regions reported")
    assert (found.difference, found.no_difference) == (None, "a part of the sum is missing")


def test_no_region_reports_it(programme: Programme) -> None:
    found = beside(make_headline(programme, make_metric(), 39))
    assert (found.total, found.difference) == (None, None)


def test_nothing_is_reported_yet(programme: Programme) -> None:
    found = beside(make_headline(programme, reported(None, None), 39))
    assert found.total and found.total.value is None
    assert found.difference is None


def test_a_metric_that_does_not_add_up(programme: Programme) -> None:
    metric = reported(30, None)
    Metric.objects.update(additive=False)
    metric.refresh_from_db()
    found = beside(make_headline(programme, metric, 39))
    assert (found.difference, found.no_difference) == (None, "not comparable")
    assert (found.no_total, found.coverage) == ("no total", "")


@pytest.mark.parametrize(
    ("value", "regions", "english", "french"),
    [
        (54836, MINERS, "0.7", "0,7"),
        (39, COMMITTEES, "2.6", "2,6"),
        (30, (36,), "20.0", "20,0"),
        (38, COMMITTEES, "", ""),
        (0, (5,), "", ""),
    ],
)
def test_the_share(programme: Programme, value: int, regions: tuple[int, ...], english: str, french: str) -> None:
    found = beside(make_headline(programme, reported(*regions), value))
    assert found.share == english
    with translation.override("fr"):
        assert found.share == french


def test_the_headline_is_never_part_of_the_sum(programme: Programme) -> None:
    metric = reported(*COMMITTEES)
    before = figures.table(list(Region.objects.in_order()))
    make_headline(programme, metric, 39)
    assert figures.table(list(Region.objects.in_order())) == before


def test_the_order_is_kept(programme: Programme) -> None:
    headlines = [make_headline(programme, reported(1), 1), make_headline(programme, reported(2), 2)]
    table = figures.table(list(Region.objects.in_order()))
    assert [found.headline for found in reconcile(reversed(headlines), table)] == headlines[::-1]
