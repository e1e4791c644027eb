"""The one reader of a search's query string: ?q=&kind=&page=."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.fulltext import LONGEST, REFUSED

from .search import NAMES


class SearchForm(forms.Form):
    q = forms.CharField(
        label=_("Search words"),
        max_length=LONGEST,
        required=False,
        widget=forms.TextInput(attrs={"type": "search", "maxlength": None}),  # nothing typed is cut off without a word
        error_messages=REFUSED,
    )
    kind = forms.ChoiceField(
        label=_("Search in"),
        choices=[("", _("Everything")), *NAMES.items()],
        required=False,
        error_messages={"invalid_choice": _("No such kind. Choose one from the list.")},
    )
    page = forms.IntegerField(min_value=1, max_value=100_000, required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # The input is kept, but HTML knows no NUL: the sign for an unreadable character stands in its place.
        self.data = {name: str(value).replace("\0", "\ufffd") for name, value in self.data.items()}
        return data
