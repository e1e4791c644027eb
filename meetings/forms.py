"""The filter of the register: the only reader of its query string."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from regions.models import Region


class DayField(forms.DateField):
    """A day as browsers send it, 2016-03-04."""

    widget = forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    input_formats = ["%Y-%m-%d"]
    default_error_messages = {"invalid": _("Enter a real date, like 2016-03-04: year, month, day.")}


class RegisterFilter(forms.Form):
    """Fields q, region, since, until, page. An invalid form filters nothing."""

    q = forms.CharField(label=_("Search words"), max_length=200, required=False)
    region = forms.ModelChoiceField(
        Region.objects.published().in_order(),
        to_field_name="slug",
        label=_("Region"),
        required=False,
        empty_label=_("All regions"),
        error_messages={"invalid_choice": _("No such region. Choose one from the list.")},
    )
    since = DayField(label=_("From"), required=False)
    until = DayField(label=_("To"), required=False)
    page = forms.IntegerField(min_value=1, max_value=100_000, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # The input is kept, but HTML knows no NUL: the sign for an unreadable character stands in its place.
        self.data = {name: str(value).replace("\0", "\ufffd") for name, value in self.data.items()}
        for name in ("since", "until"):
            if name in self.errors:
                self.fields[name].widget.input_type = "text"  # a date input would drop what was typed
        since, until = data.get("since"), data.get("until")
        if since and until and until < since:
            self.add_error("until", _("This day is before the first one. Give a later one, or leave it empty."))
        return data
