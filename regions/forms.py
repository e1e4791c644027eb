"""The one reader of ?as-at=: which day a page is asked to show; and the choice of a region, for lists."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time
from functools import wraps
from typing import Concatenate, ParamSpec

from django import forms
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from .models import Region
from .versions import past

Arguments = ParamSpec("Arguments")


def region_choice() -> forms.ModelChoiceField:
    """The field of a list that is narrowed to a public region, by its slug."""
    return forms.ModelChoiceField(
        Region.objects.published().in_order().select_related(None).only("slug", "name"),
        to_field_name="slug",
        label=_("Region"),
        required=False,
        empty_label=_("All regions"),
        error_messages={"invalid_choice": _("No such region. Choose one from the list.")},
    )


class AsAtForm(forms.Form):
    """One field, `as-at`: a day that is not to come."""

    def __init__(self, data: QueryDict, today: date) -> None:
        super().__init__(data)
        self.today = today
        latest = {} if data.get("as-at") else {"max": today.isoformat()}  # a dated page says nothing of today
        self.fields["as-at"] = forms.DateField(
            label=_("Figures as at"),
            required=False,
            input_formats=["%Y-%m-%d"],
            widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"} | latest),
            help_text=_("Leave empty for the latest."),
            error_messages={"invalid": _("There is no such day. Write it like 2026-11-30: year, month, day.")},
        )

    def clean(self) -> dict[str, date | None]:
        data = super().clean() or {}
        day = data.get("as-at")
        if day and day > self.today:
            self.add_error("as-at", forms.ValidationError(_("This day is still to come. Here is today."), code="future"))
        if "as-at" in self.errors:
            self.fields["as-at"].widget.input_type = "text"  # a date input would drop it
        return data


class Found(Exception):
    """The page is there: that was all that was asked."""


@dataclass(frozen=True, slots=True)
class AsAt:
    """What was asked: `at` is the end of the day in UTC, for today now; None for the present, which nonsense asks for, too."""

    form: AsAtForm
    day: date | None
    at: datetime | None
    whether: bool = False
    """Is it only asked whether the page is there?"""

    def found(self) -> None:
        """A view says so once it can no longer raise Http404. Raises Found where nothing else was asked."""
        if self.whether:
            raise Found

    @property
    def query(self) -> str:
        """What keeps a link on the same day; empty for the present."""
        return f"?as-at={self.day}" if self.at else ""

    @classmethod
    def read(cls, query: QueryDict) -> "AsAt":
        now = timezone.now()
        form = AsAtForm(query, now.astimezone(UTC).date())
        day = form.cleaned_data.get("as-at") if form.is_valid() else None
        return cls(form, day, min(now, datetime.combine(day, time.max, UTC)) if day else None)


def seen_as_at(
    view: Callable[Concatenate[HttpRequest, AsAt, Arguments], HttpResponse],
) -> Callable[Concatenate[HttpRequest, Arguments], HttpResponse]:
    """Runs a view inside the past that its address asks for. The view gets what was asked as its second argument.

    A page that exists today, on a day before anything of it was published, says so: the view has to call `found`.
    """

    @wraps(view)
    def answer(request: HttpRequest, *arguments: Arguments.args, **named: Arguments.kwargs) -> HttpResponse:
        asked = AsAt.read(request.GET)
        try:
            with past(asked.at):
                return view(request, asked, *arguments, **named)
        except Http404:
            if asked.at is None:
                raise
        with suppress(Found):
            view(request, replace(asked, at=None, whether=True), *arguments, **named)
        return render(request, "nothing_yet.html", {"as_at": asked})

    return answer
