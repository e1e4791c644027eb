"""What prints: numbers, dates and text in the current language, with the language of a text that is in another one.

None of this queries. A text that stands by itself has its own note (`language_note`); names, titles and what stands in a
sentence or a cell are marked (`words`), and the notice at the top of the page speaks for all of them.
"""

from collections.abc import Iterable
from datetime import date
from typing import Any

from django import template
from django.template.base import NodeList, Parser, Token
from django.template.context import RequestContext
from django.template.loader import render_to_string
from django.utils.html import conditional_escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from itsci_site.context_processors import languages
from itsci_site.lib import glyph, periods, text, translated
from itsci_site.lib.languages import original_language

register = template.Library()

register.filter("number", text.number)
register.filter("kilobytes", text.kilobytes)
register.filter("signed", text.signed)
register.filter("count_word", text.count_word)
register.filter("lines", text.lines)
register.filter("language_in_words", text.language_name)  # i18n has a "language_name", which is always English


register.filter("moment_in_words", periods.moment_in_words)


@register.filter
def in_words(day: date) -> str:
    return periods.in_words(day)


@register.filter
def paragraphs(value: str) -> SafeString:
    """A plain text as escaped <p> elements, one a paragraph."""
    return format_html_join("\n", "<p>{}</p>", ((part,) for part in text.paragraphs(value)))


@register.filter
def words(value: Any, name: str = "") -> SafeString:
    """A translated field of a row (`region|words:"name"`) or a line (`figure.as_of|words`), its foreign parts marked.

    For places where elements may stand: an attribute or a title takes the field itself.
    """
    line = translated.words(value, name) if name else value
    return line.html if isinstance(line, translated.Words) else conditional_escape(line)


@register.filter
def prose(row: Any, name: str) -> SafeString:
    """The paragraphs of a translated field, marked where they are in another language. `language_note` belongs above them."""
    mark = lang(row, name)
    return format_html_join("\n", "<p{}>{}</p>", ((mark, part) for part in text.paragraphs(getattr(row, name))))


@register.filter
def language(row: Any, name: str) -> str:
    """The code of the language that a translated field is printed in, if it is not the page's."""
    return translated.language_of(row, name)


@register.filter
def lang(row: Any, name: str) -> SafeString:
    """The attribute that says so, with a space before it; empty where the language is the page's."""
    code = translated.language_of(row, name)
    return format_html(' lang="{}"', code) if code else mark_safe("")


@register.simple_tag(takes_context=True)
def language_note(context: RequestContext, row: Any, name: str) -> str:
    """Beside a text: that it is not translated yet, or that its original was changed since. Nothing for a text that is fine."""
    untranslated, outdated = translated.language_of(row, name), translated.is_outdated(row, name)
    if not (untranslated or outdated):
        return ""
    told = {"untranslated": untranslated, "outdated": outdated, "original": original_page(context) if outdated else ""}
    return render_to_string("components/language_note.html", told)


def original_page(context: RequestContext) -> str:
    """The address of this page in the original language."""
    return next(address for code, _name, address, _is_current in languages(context.request) if code == original_language())


@register.filter
def said_in(testimonials: Iterable[Any], language: str) -> bool:
    """Is any of these quotes printed in that language?"""
    return any(testimonial.said_in == language for testimonial in testimonials)


@register.tag
def language_notice(parser: Parser, token: Token) -> "LanguageNotice":
    """Around what may hold words that `words` marked: a notice above it says so, once."""
    nodes = parser.parse(["endlanguage_notice"])
    parser.delete_first_token()
    return LanguageNotice(nodes)


class LanguageNotice(template.Node):
    def __init__(self, nodelist: NodeList) -> None:
        self.nodelist = nodelist

    def render(self, context: RequestContext) -> SafeString:  # type: ignore[override]
        inside = self.nodelist.render(context)
        untranslated, outdated = (f'<span class="{mark}"' in inside for mark in ("untranslated", "outdated"))
        if not (untranslated or outdated):
            return inside
        told = {"untranslated": untranslated, "outdated": outdated, "original": original_page(context)}
        return render_to_string("components/language_notice.html", told) + inside


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
