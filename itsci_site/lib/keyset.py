"""Long lists page by page, each beginning at a spot in the list: page 4,000 costs what the first one does.

A spot is a day and a key. It stays a place in the list when the row that stood there has gone.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, NoReturn

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a row stands in a list, newest first, or stood before it was withdrawn."""

    day: date
    pk: int

    def __str__(self) -> str:
        """As addresses write it: 2016-03-04.17."""
        return f"{self.day}.{self.pk}"


class SpotField(forms.Field):
    """Where a page begins, as its links write it."""

    widget = forms.HiddenInput

    def to_python(self, value: Any) -> Spot | None:
        if value in self.empty_values:
            return None
        found = re.fullmatch(r"([0-9]{4}-[0-9]{2}-[0-9]{2})\.([0-9]{1,18})", value)
        try:
            return Spot(date.fromisoformat(found[1]), int(found[2])) if found else self._refuse()
        except ValueError:
            self._refuse()

    @staticmethod
    def _refuse() -> NoReturn:
        raise ValidationError(_("There is no such page. This is the first one."))


@dataclass(frozen=True, slots=True)
class Page:
    """`newer` and `older` are the spots from which the pages beside this one are read; None where there is none."""

    rows: list[Any]
    newer: Spot | None = None
    older: Spot | None = None

    @property
    def first(self) -> Any:
        return self.rows[0]

    @property
    def last(self) -> Any:
        return self.rows[-1]

    @property
    def beside(self) -> bool:
        return bool(self.newer or self.older)


def page(
    rows: Any, size: int, before: Spot | None = None, after: Spot | None = None, newest: Callable[[], list[Any]] | None = None
) -> Page:
    """The `size` rows next to a spot; without one, or where nothing lies beyond it, the newest.

    `rows`: a QuerySet, newest first, that is narrowed by `before(spot)` and `after(spot)`; its rows tell their own `spot`.
    `newest` reads its first `size` and one more, where there is a cheaper way than by itself.
    """
    if after:
        found = list(rows.after(after).reverse()[: size + 1])
        if len(found) > size:
            found = found[size - 1 :: -1]
            return Page(found, found[0].spot, found[-1].spot)
    elif before:
        found = list(rows.before(before)[: size + 1])
        if found:
            newer = found[0].spot if rows.after(found[0].spot).exists() else None
            return Page(found[:size], newer, found[size - 1].spot if len(found) > size else None)
    found = newest() if newest else list(rows[: size + 1])
    return Page(found[:size], None, found[size - 1].spot if len(found) > size else None)
