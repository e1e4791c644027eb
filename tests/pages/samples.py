"""What the programme's content does not have yet, to look at pages with it: another programme, gaps, long lists, no French."""

from datetime import date, timedelta

from django.apps import apps
from django.db import connection

from itsci_site.lib import languages
from itsci_site.lib.translated import Translated
from meetings.models import Meeting, Place
from programmes.models import Programme
from regions.models import Metric, Reading, Region, Series
from tests import factories

# Pages that answer something else than 200 (tests/pages/urls.py), and the states of the register.
ERRORS = {"/nowhere/": 404, "/unreadable/": 400, "/refused/": 403, "/broken/": 500}
REGISTER = {
    "/meetings/?year=1066&region=atlantis&before=x": 400,
    "/meetings/?q=nothing-like-it": 200,
    "/search/?q=safety": 200,
    "/search/?q=etiqetage": 200,
    "/search/?q=%00&kind=x&page=0": 400,
    "/meetings/?q=nyabibwe&region=south-kivu": 200,
    "/meetings/?before=2015-02-15.1": 200,
}


def add_second_programme() -> Programme:
    miners = Metric.objects.get(slug="miners")
    second = factories.make_programme(slug="second", order=2, name_en="Second programme", name_fr="Second programme")
    second.regions.set(Region.objects.filter(slug__in=["rwanda", "burundi"]))
    second.metrics.set([miners])
    factories.make_headline(second, miners, 20_000)
    factories.make_activity(second)
    factories.make_partner(second)
    return second


def add_a_silent_region() -> Region:
    """One that has joined every programme, should report, and has not yet; the map and the mark have no place for it."""
    country = Region.objects.get(slug="maniema").country
    silent = factories.make_region(country, code="IT", slug="ituri", name_en="Ituri", name_fr="Ituri")
    silent.programmes.set(Programme.objects.all())
    factories.make_series(silent, Metric.objects.get(slug="miners"))
    return silent


def add_gaps() -> None:
    """The silent region, one that reported nothing for 2018, a metric without totals, and a register of three pages."""
    add_a_silent_region()
    factories.make_reading(Series.objects.get(region__slug="south-kivu", metric__slug="miners"), None, date(2018, 1, 1))
    Metric.objects.filter(slug="committees").update(additive=False)
    add_meetings(60)


def add_meetings(count: int) -> list[Meeting]:
    place = Place.objects.get(slug="kalemie")
    return [factories.make_meeting(place, date(2015, 1, 1) + timedelta(days=number)) for number in range(count)]


ENGLISH = "Zq"
"""What `take_french_away` and `change_english` put at the head of every English text: on a French page it gives it away."""


def take_french_away() -> None:
    """No text is translated."""
    set_texts("''", f"'{ENGLISH}' || substr({{column}}_en, 3)")


def change_english() -> None:
    """Every French text was translated from another English one."""
    set_texts("", f"'{ENGLISH}' || substr({{column}}_en, 3)")


def set_texts(french: str, english: str) -> None:
    """Every text of every table to these SQL expressions, where one is given; what has no English stays empty.

    All but those of readings, which nobody can change once they are public.
    """
    with connection.cursor() as cursor:
        for model in apps.get_models():
            if issubclass(model, Translated) and model is not Reading:
                for name in languages.fields(model):
                    values = {f"{name}_en": english, f"{name}_fr": french}
                    changes = ", ".join(f"{column} = {value.format(column=name)}" for column, value in values.items() if value)
                    cursor.execute(f"UPDATE {model._meta.db_table} SET {changes} WHERE {name}_en <> ''")  # noqa: S608
