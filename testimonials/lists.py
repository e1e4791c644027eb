"""The list of every story, page by page and by region: the only reader of its query string."""

from django import forms
from django.http import QueryDict

from itsci_site.lib.keyset import SpotField
from regions.forms import region_choice

PAGE = 12


class StoriesFilter(forms.Form):
    """Fields region, before, after. An invalid form filters nothing."""

    region = region_choice()
    before = SpotField(required=False)
    after = SpotField(required=False)

    def __init__(self, data: QueryDict) -> None:
        # The input is kept, but HTML knows no NUL: the sign for an unreadable character stands in its place.
        super().__init__({name: str(value).replace("\0", "\ufffd") for name, value in data.items()})
