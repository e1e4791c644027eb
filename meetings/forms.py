"""The filter of the register: the only reader of its query string."""

from itertools import groupby
from typing import Any

from django import forms
from django.db.models import Exists, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.fulltext import LONGEST, REFUSED
from itsci_site.lib.keyset import SpotField
from itsci_site.lib.statements import Statement
from regions.forms import region_choice

from .models import Meeting, Place

MOST_PLACES = 100
"""Of more than these only the places of a chosen region are listed: a longer list is slow to load and to search through."""


def _to_choose_from(region: str, home: str, slug: str) -> QuerySet[Place]:
    public = Place.objects.with_public_meetings()
    many = Exists(public.order_by()[MOST_PLACES : MOST_PLACES + 1])
    chosen = public.filter(~many | Q(region__slug=region) | Q(region__slug=home, slug=slug)).select_related("region")
    order = ("region__country__order", "region__order", "region__slug", "name", "slug")
    return chosen.only("slug", "name", "region__slug", "region__name").order_by(*order)


_PLACES = Statement(_to_choose_from)
_ENDS = Statement(lambda: Meeting.objects.published().ends())


def _places(data: Any) -> list[Place]:
    """The places to choose from, region by region: all if they are few, else those of the chosen region, and the chosen one."""
    region, place = (str(data.get(name, "")).replace("\0", "") for name in ("region", "place"))
    home, _dot, slug = place.partition(".")
    return _PLACES(region, home, slug)


def _years() -> range:
    """From the year of the latest meeting back to that of the earliest; a year between them may have none."""
    days = sorted(_ENDS())
    return range(days[-1].year, days[0].year - 1, -1) if days else range(0)


class RegisterFilter(forms.Form):
    """Fields q, region, place, year, before, after. An invalid form filters nothing."""

    q = forms.CharField(label=_("Search words"), max_length=LONGEST, required=False, error_messages=REFUSED)
    region = region_choice()
    place = forms.ChoiceField(
        label=_("Place"), required=False, error_messages={"invalid_choice": _("No such place. Choose one from the list.")}
    )
    year = forms.TypedChoiceField(
        label=_("Year"),
        required=False,
        coerce=int,
        empty_value=None,
        error_messages={"invalid_choice": _("No summary is of this year. Choose one from the list.")},
    )
    before = SpotField(required=False)
    after = SpotField(required=False)

    def __init__(self, data: Any) -> None:
        super().__init__(data)
        self.places = {f"{place.region.slug}.{place.slug}": place for place in _places(data)}
        groups = [
            (region.name, [(address, place.name) for address, place in group])
            for region, group in groupby(self.places.items(), key=lambda pair: pair[1].region)
        ]
        self.fields["place"].choices = [("", _("All places")), *groups]  # type: ignore[attr-defined]
        years = [(year, str(year)) for year in _years()]
        self.fields["year"].choices = [("", _("All years")), *years]  # type: ignore[attr-defined]

    @property
    def filters(self) -> bool:
        """Does it show less than the whole register?"""
        return self.is_valid() and any(self.cleaned_data[name] for name in ("q", "region", "place", "year"))

    def clean_place(self) -> Place | None:
        return self.places.get(self.cleaned_data["place"])

    def clean(self) -> dict[str, Any]:
        data = super().clean() or {}
        # The input is kept, but HTML knows no NUL: the sign for an unreadable character stands in its place.
        self.data = {name: str(value).replace("\0", "\ufffd") for name, value in self.data.items()}
        place, region = data.get("place"), data.get("region")
        if place and region and place.region != region:
            self.add_error("place", _("This place is in another region. Choose one of the region’s own, or all places."))
        return data
