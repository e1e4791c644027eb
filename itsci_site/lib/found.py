"""What search engines and shared links are told of a page: title, description, and records in the words of schema.org."""

import re
from datetime import datetime
from typing import Any

from django.utils.safestring import SafeString, mark_safe

from .exports import dumps, moment
from .publishing import Publishable

SITE_NAME = "Scaling Up ITSCI"
MOST = 160
"""Characters of a description: about what search results print."""
SPACES = re.compile("[ \t\r\n]+")
"""No-break spaces are none of these: they belong to their words."""
SENTENCE_END = re.compile(r"[.!?](?= )")
LOCALES = {"en": "en_GB", "fr": "fr_FR"}
"""Open Graph wants a territory, which this site's languages have not: the one whose spelling each follows."""


def title(page: str, section: str) -> str:
    """ "page - section - site", without what is empty or said already."""
    return " - ".join(dict.fromkeys(filter(None, (page, section, SITE_NAME))))


def short(text: str, most: int = MOST) -> str:
    """The text in one line. One that is longer than `most` ends with its last sentence that is over by then, if that is not
    too little; else after a whole word, with an ellipsis."""
    line = SPACES.sub(" ", text).strip(" ")
    if len(line) <= most:
        return line
    sentences = [end.end() for end in SENTENCE_END.finditer(line, 0, most + 1) if end.end() >= most / 2]
    if sentences:
        return line[: sentences[-1]]
    words, _space, _rest = line[:most].rpartition(" ")
    return (words or line[: most - 1]).rstrip(" ,;:-–") + "…"


def last_change(row: Publishable) -> datetime:
    """Of what readers see of a public row: its becoming public, or a later edit where the row keeps its moment."""
    return max(moment for moment in (row.publish_at, getattr(row, "changed_at", None)) if moment)


def data_block(content: dict[str, Any]) -> SafeString:
    """JSON that may stand in a page: nothing in it can end the element that holds it."""
    return mark_safe(dumps(content).replace("<", "\\u003c"))  # noqa: S308 - escaped in the words of JSON


def organization(home: str, logo: str) -> dict[str, Any]:
    """The schema.org record of who publishes this site; nothing that the programme's pages do not say."""
    return {"@type": "Organization", "name": SITE_NAME, "url": home, "logo": logo}


def _second(at: datetime) -> str:
    return moment(at.replace(microsecond=0))


def article(
    headline: str, description: str, language: str, address: str, image: str, row: Publishable, publisher: dict[str, Any]
) -> dict[str, Any]:
    """The schema.org record of a story. It has no author: none is stated."""
    return {
        "@context": "https://schema.org/",
        "@type": "Article",
        "headline": headline,
        "description": description,
        "inLanguage": language,
        "mainEntityOfPage": address,
        "image": image,
        "datePublished": _second(row.publish_at),  # type: ignore[arg-type] # a public row has it
        "dateModified": _second(last_change(row)),
        "publisher": publisher,
    }
