"""Periods a figure speaks of, and dates in words.

A period is its first day and a precision: (2017-01-01, year) is the year 2017. A month is always a word, so that no reader
has to guess whether 03/04 is March or April.
"""

from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime

from django.db import models
from django.db.models import F, Func
from django.db.models.fields import DateField
from django.db.models.functions import Cast
from django.utils import dates
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _


class Precision(models.TextChoices):
    """The values are Postgres's own words for date_trunc, which the constraint below uses."""

    DAY = "day", _("day")
    MONTH = "month", _("month")
    QUARTER = "quarter", _("quarter")
    YEAR = "year", _("year")


@dataclass(frozen=True, slots=True)
class Period:
    first_day: date
    precision: Precision

    def __str__(self) -> str:
        """In the current language: "30 June 2017", "June 2017", "2nd quarter of 2017", "2017"."""
        day = self.first_day
        if self.precision == Precision.DAY:
            return in_words(day)
        if self.precision == Precision.MONTH:
            return f"{dates.MONTHS[day.month]} {day.year}"
        if self.precision == Precision.QUARTER:
            quarters = (gettext("1st quarter"), gettext("2nd quarter"), gettext("3rd quarter"), gettext("4th quarter"))
            return gettext("{quarter} of {year}").format(quarter=quarters[(day.month - 1) // 3], year=day.year)
        return str(day.year)

    @property
    def last_day(self) -> date:
        months = {Precision.YEAR: 12, Precision.QUARTER: 3, Precision.MONTH: 1}.get(self.precision)
        if months is None:
            return self.first_day
        month = self.first_day.month + months - 1
        return self.first_day.replace(month=month, day=monthrange(self.first_day.year, month)[1])

    def holds(self, other: "Period") -> bool:
        """Does the other lie in this one? A year holds its quarters, its months, its days and itself."""
        return self.first_day <= other.first_day and other.last_day <= self.last_day


def in_words(day: date) -> str:
    """ "4 March 2016"; "4 mars 2016", "1er mars 2016" where French writes its ordinal."""
    number = "1er" if day.day == 1 and get_language() == "fr" else str(day.day)
    return f"{number} {dates.MONTHS[day.month]} {day.year}"


def moment_in_words(moment: datetime) -> str:
    """ "4 March 2016, 09:05 UTC"."""
    at = moment.astimezone(UTC)
    return f"{in_words(at.date())}, {at:%H:%M} UTC"


def starts_its_period(day: str, precision: str, name: str) -> models.CheckConstraint:
    """Refuses a date that is not the first day of the period it stands for, so that two rows of one period are equal."""
    truncated = Cast(Func(F(precision), Cast(F(day), Timestamp()), function="date_trunc"), DateField())
    return models.CheckConstraint(condition=models.Q(**{day: truncated}), name=name)


class Timestamp(models.Field):
    """Postgres's timestamp without a zone: date_trunc of it does not depend on the session's zone."""

    def db_type(self, connection: object) -> str:
        return "timestamp"
