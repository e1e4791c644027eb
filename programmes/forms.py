"""The one reader of ?from=&to=: between which days a reader asks what changed."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from django import forms
from django.http import QueryDict
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

DAYS = 90
"""What an address without dates shows, its last day included: donors report by the quarter."""


class DayField(forms.DateField):
    """A day as browsers send it, 2016-03-04."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    input_formats = ["%Y-%m-%d"]
    default_error_messages = {"invalid": _("Enter a real date, like 2016-03-04: year, month, day.")}


class ChangesForm(forms.Form):
    """Two days, `from` and `to`, both needed: Span fills in what an address leaves out."""

    def __init__(self, data: dict[str, str]) -> None:
        super().__init__(data)
        self.fields["from"] = DayField(label=_("From"))
        self.fields["to"] = DayField(label=_("To"))

    def clean(self) -> dict[str, date]:
        data = super().clean() or {}
        for name in self.errors:  # a date input would drop what was typed
            self.fields[name].widget.input_type = "text"
        if "from" in data and "to" in data and data["to"] < data["from"]:
            self.add_error("to", _("This day is before the first one. Give a later one, or leave it empty."))
        return data


@dataclass(frozen=True, slots=True)
class Span:
    """The days asked for, both included. Nonsense gets the last 90 days, as an empty address does, and a form with errors."""

    form: ChangesForm
    first: date
    last: date

    @classmethod
    def read(cls, query: QueryDict) -> "Span":
        today = timezone.now().astimezone(UTC).date()
        last = query.get("to", "").strip() or today.isoformat()
        form = ChangesForm({"from": query.get("from", "").strip() or _start(last, today).isoformat(), "to": last})
        asked = form.cleaned_data if form.is_valid() else {"from": _start("", today), "to": today}
        return cls(form, asked["from"], asked["to"])

    @property
    def moments(self) -> tuple[datetime, datetime]:
        """The first and the last moment of the span, in UTC."""
        return datetime.combine(self.first, time.min, UTC), datetime.combine(self.last, time.max, UTC)


def _start(last: str, today: date) -> date:
    """The first of the days that end with `last`; with today if that is no day. No earlier than the calendar begins."""
    try:
        day = date.fromisoformat(last)
    except ValueError:
        day = today
    return date.fromordinal(max(1, day.toordinal() - DAYS + 1))
