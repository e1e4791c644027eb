"""The one reader of a download's query string: ?region=&country=&metric=&from=&to=&as-at=."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from programmes import exports
from regions.forms import AsAt, AsAtForm
from regions.models import Country, Metric, Region
from regions.public import regions_at
from regions.versions import past

LONGEST = 60
"""Characters of what was asked that an answer repeats."""
A_DAY, A_PERIOD = "a day that is not to come, like 2026-11-30", "a year like 2017 or a day like 2017-06-30"


@dataclass(frozen=True, slots=True)
class Problem:
    """What is wrong with one parameter, in English: the files have one address for both languages."""

    parameter: str
    value: str
    message: str
    allowed: list[str]


class BadFilter(Exception):
    def __init__(self, problems: list[Problem]) -> None:
        super().__init__(problems)
        self.problems = problems


class PeriodField(forms.DateField):
    """A day, or a year that stands for its first or its last day."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    input_formats = ["%Y-%m-%d"]

    def __init__(self, last: bool, **options: Any) -> None:
        super().__init__(required=False, **options)
        self.last = last

    def to_python(self, value: Any) -> date | None:
        if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{4}\s*", value):
            value = f"{value.strip()}-{'12-31' if self.last else '01-01'}"
        return super().to_python(value)


class DownloadForm(AsAtForm):
    """Which figures a file holds. What is not public at the moment asked for does not exist here."""

    def __init__(self, data: QueryDict, today: date, regions: Iterable[Region], metrics: Iterable[Metric]) -> None:
        super().__init__(data, today)
        self.query = data
        self.regions = {region.slug: region for region in regions}
        self.countries = {region.country.iso_code: region.country for region in self.regions.values()}
        self.metrics = {metric.slug: metric for metric in metrics}
        as_at = self.fields.pop("as-at")
        self.fields["region"] = _choice(_("Region"), _("All regions"), self.regions)
        self.fields["country"] = _choice(_("Country"), _("All countries"), self.countries)
        self.fields["metric"] = _choice(_("Measure"), _("All measures"), self.metrics)
        self.fields["from"] = PeriodField(last=False, label=_("Periods from"))
        self.fields["to"] = PeriodField(last=True, label=_("Periods to"))
        self.fields["as-at"] = as_at

    def problems(self) -> list[Problem]:
        """Everything wrong with what was asked, in the order it was written."""
        said = {
            "region": ("no public region has this address", list(self.regions)),
            "country": ("no public region lies in a country with this code", list(self.countries)),
            "metric": ("nothing public is counted under this address", list(self.metrics)),
            "from": ("there is no such day or year", [A_PERIOD]),
            "to": ("there is no such day or year, or it is before “from”", [A_PERIOD]),
            "as-at": ("there is no such day, or it is still to come", [A_DAY]),
        }
        errors = self.errors
        found = []
        for name, values in self.query.lists():
            if name not in said:
                found.append(Problem(name[:LONGEST], values[-1][:LONGEST], "there is no such parameter", list(said)))
            elif len(values) > 1:
                found.append(Problem(name, ", ".join(values)[:LONGEST], "it is given more than once", said[name][1]))
            elif name in errors:
                found.append(Problem(name, values[0][:LONGEST], *said[name]))
        return found

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean()
        since, until = data.get("from"), data.get("to")
        if since and until and until < since:
            self.add_error("to", forms.ValidationError("before from", code="order"))
        return data


def _choice(label: Any, everything: Any, rows: dict[str, Any]) -> forms.ChoiceField:
    return forms.ChoiceField(
        label=label, required=False, choices=[("", everything), *((address, str(row)) for address, row in rows.items())]
    )


def form(query: QueryDict, at: datetime) -> DownloadForm:
    """The form with what was public at `at` to choose from; call it inside `past()`."""
    return DownloadForm(query, timezone.now().astimezone(UTC).date(), regions_at(at), exports.metrics(at))


def read(query: QueryDict) -> exports.Selection:
    """What a query string asks for. Raises BadFilter where it cannot be understood to the last letter."""
    asked = AsAt.read(query)
    selection = exports.Selection(asked.at or timezone.now(), asked.day)
    with past(asked.at):
        filled = form(query, selection.at)
        if problems := filled.problems():
            raise BadFilter(problems)
    data = filled.cleaned_data
    region: Region | None = filled.regions.get(data["region"])
    country: Country | None = filled.countries.get(data["country"])
    metric: Metric | None = filled.metrics.get(data["metric"])
    return replace(selection, region=region, country=country, metric=metric, since=data["from"], until=data["to"])


class PageForm(forms.Form):
    """Which page of a list. An empty one is the first."""

    page = forms.IntegerField(min_value=1, max_value=100_000, required=False)
