"""Filters that print: numbers, dates and text in the current language. None of them queries."""

from datetime import date

from django import template
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString

from itsci_site.lib import glyph, periods, text

register = template.Library()

register.filter("number", text.number)
register.filter("signed", text.signed)
register.filter("count_word", text.count_word)
register.filter("lines", text.lines)


@register.filter
def in_words(day: date) -> str:
    return periods.in_words(day)


@register.filter
def paragraphs(value: str) -> SafeString:
    """A plain text as escaped <p> elements, one a paragraph."""
    return format_html_join("\n", "<p>{}</p>", ((part,) for part in text.paragraphs(value)))


@register.simple_tag
def glyph_symbol() -> SafeString:
    """The glyph's drawing, once a page; `{% glyph %}` shows it."""
    return glyph.SYMBOL


@register.simple_tag(name="glyph")
def show_glyph(code: str = "", size: int = 28) -> SafeString:
    """The glyph with the facet of a region or country code in focus. Always beside the name: it says nothing by itself."""
    return format_html(
        '<svg class="g{}" width="{}" height="{}" aria-hidden="true"><use href="#g"/></svg>',
        f" at-{code.lower()}" if code else "",
        size,
        size,
    )
