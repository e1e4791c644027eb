"""The table of every period by region, row by row: hundreds of cells, which a template would take most of a page's time for."""

from datetime import date
from functools import cache
from typing import TYPE_CHECKING

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext

from itsci_site.lib import periods, text

if TYPE_CHECKING:
    from regions.history import Cell, History, PeriodRow

register = template.Library()


@register.simple_tag
def period_rows(history: "History") -> SafeString:
    """Its rows as HTML. What a row says for all its cells stands in none of them."""
    since, cite, number = cache(_since), cache(_source), cache(_number)  # most rows say the same
    nothing = f'<span class="none">–<span class="vh">{escape(gettext("nothing published"))}</span></span>'

    def part(html: str) -> str:
        return f'<span class="part">{html}</span>'

    def inside(cell: "Cell") -> str:
        reading = cell.reading
        if reading is None:
            return nothing
        found = [number(reading.value)]
        if cell.status:
            found.append(part(escape(cell.status)))
        if reading.supersedes_id:
            found.append(part(f'<a href="#corrections">{escape(gettext("corrected"))}</a>'))
        if cell.as_of:
            found.append(part(cell.as_of.html))
        if cell.published_on:
            found.append(part(since(cell.published_on)))
        if cell.source:
            found.append(part(cite(cell.source)))
        return "".join(found)

    labels = [f'<td data-label="{escape(region.name)}">' for region in history.regions]

    def line(row: "PeriodRow") -> str:
        head = f'<th scope="row">{row.as_of.html}{part(f"{since(row.published_on)}, {cite(row.source)}")}</th>'
        cells = [f"{label}{inside(cell)}</td>" for label, cell in zip(labels, row.cells, strict=True)]
        return f"\n<tr>{head}{''.join(cells)}</tr>"

    return mark_safe("".join(map(line, history.periods)))  # noqa: S308 - each piece is escaped


def _number(value: int | None) -> str:
    return f'<span class="{"none" if value is None else "n"}">{escape(text.number(value))}</span>'


def _since(day: date) -> str:
    return escape(gettext("public since %(day)s") % {"day": periods.in_words(day)})


def _source(number: int) -> str:
    return format_html('<a href="#source-{}">{}</a>', number, gettext("source %(number)s") % {"number": number})
