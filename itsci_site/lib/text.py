"""Words and numbers as a page prints them, in the current language."""

import re

from django.utils import formats
from django.utils.translation import get_language, get_language_info, gettext, pgettext

MINUS = "\N{MINUS SIGN}"


def number(value: int | None) -> str:
    """ "54,836" or "54 836" (narrow no-break space); a missing value is words, never 0."""
    if value is None:
        return gettext("not reported")
    # As formats.number_format(value, force_grouping=True), which takes ten times as long; a page prints hundreds.
    return f"{value:,}".replace(",", formats.get_format("THOUSAND_SEPARATOR"))


def kilobytes(count: int) -> str:
    """The size of a file, "12 kB" or "12 ko": thousands of bytes, rounded up."""
    return gettext("{count} kB").format(count=number(-(-count // 1000))).replace(" ", "\N{NO-BREAK SPACE}")


def signed(value: int) -> str:
    """ "+370", with a true minus sign below zero."""
    sign = "+" if value > 0 else MINUS if value < 0 else ""
    return sign + number(abs(value))


def count_word(value: int) -> str:
    """A small count as a capitalised word for a heading ("Six"), from 13 on as a numeral."""
    words = (
        pgettext("count", "No"), pgettext("count", "One"), pgettext("count", "Two"), pgettext("count", "Three"),
        pgettext("count", "Four"), pgettext("count", "Five"), pgettext("count", "Six"), pgettext("count", "Seven"),
        pgettext("count", "Eight"), pgettext("count", "Nine"), pgettext("count", "Ten"), pgettext("count", "Eleven"),
        pgettext("count", "Twelve"),
    )  # fmt: skip
    return words[value] if value < len(words) else number(value)


def rank_word(value: int) -> str:
    """A rank as a word ("Fifth"), from 13 on as a numeral."""
    words = (
        pgettext("rank", "First"), pgettext("rank", "Second"), pgettext("rank", "Third"), pgettext("rank", "Fourth"),
        pgettext("rank", "Fifth"), pgettext("rank", "Sixth"), pgettext("rank", "Seventh"), pgettext("rank", "Eighth"),
        pgettext("rank", "Ninth"), pgettext("rank", "Tenth"), pgettext("rank", "Eleventh"), pgettext("rank", "Twelfth"),
    )  # fmt: skip
    return words[value - 1] if value <= len(words) else number(value)


def language_name(code: str) -> str:
    """ "French" for fr; "français", small as French writes it; a code that Django has no name for stays itself."""
    try:
        name = str(get_language_info(code)["name_translated"])
    except KeyError:
        return code
    return name.lower() if get_language() == "fr" else name


def lines(text: str) -> list[str]:
    """The non-empty lines of a field that holds one item a line."""
    return [line.strip() for line in text.splitlines() if line.strip()]


def paragraphs(text: str) -> list[str]:
    """The paragraphs of a plain text, which blank lines part. No-break spaces stay as they are."""
    return [re.sub(r"[ \t\n]+", " ", part.strip()) for part in re.split(r"\n\s*\n", text.replace("\r", "")) if part.strip()]
