from datetime import date, timedelta
from itertools import pairwise

import pytest
from django.db import connection
from django.utils import translation

from itsci_site.lib.periods import Period, Precision, in_words


@pytest.mark.parametrize(
    ("day", "english", "french"),
    [
        (date(2016, 3, 11), "11 March 2016", "11 mars 2016"),
        (date(2016, 3, 1), "1 March 2016", "1er mars 2016"),
        (date(2016, 8, 31), "31 August 2016", "31 août 2016"),
        (date(2021, 2, 21), "21 February 2021", "21 février 2021"),
    ],
)
def test_a_month_is_a_word(day: date, english: str, french: str) -> None:
    assert in_words(day) == english
    with translation.override("fr"):
        assert in_words(day) == french


@pytest.mark.parametrize(
    ("day", "precision", "english", "french"),
    [
        (date(2017, 1, 1), Precision.YEAR, "2017", "2017"),
        (date(2017, 1, 1), Precision.QUARTER, "1st quarter of 2017", "1er trimestre 2017"),
        (date(2017, 4, 1), Precision.QUARTER, "2nd quarter of 2017", "2e trimestre 2017"),
        (date(2017, 10, 1), Precision.QUARTER, "4th quarter of 2017", "4e trimestre 2017"),
        (date(2017, 6, 1), Precision.MONTH, "June 2017", "juin 2017"),
        (date(2017, 1, 1), Precision.DAY, "1 January 2017", "1er janvier 2017"),
    ],
)
def test_a_period_in_words(day: date, precision: Precision, english: str, french: str) -> None:
    assert str(Period(day, precision)) == english
    with translation.override("fr"):
        assert str(Period(day, precision)) == french


def test_no_two_periods_of_a_year_read_the_same() -> None:
    days = [date(2016, 1, 1) + timedelta(number) for number in range(366)]
    words = [in_words(day) for day in days]
    assert len(set(words)) == 366
    quarters = [str(Period(day, Precision.QUARTER)) for day in days]
    assert sum(one != two for one, two in pairwise(quarters)) == 3


@pytest.mark.django_db
def test_the_precisions_are_words_of_postgres() -> None:
    """date_trunc would refuse any other in the constraints."""
    with connection.cursor() as cursor:
        for precision in Precision.values:
            cursor.execute("SELECT date_trunc(%s, timestamp '2017-05-31')", [precision])
