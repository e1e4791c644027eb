"""What base.html's head prints for search engines and shared links. None of these queries."""

from dataclasses import dataclass
from html import unescape
from typing import Any

from django import template
from django.conf import settings
from django.template import Context
from django.templatetags.static import static
from django.urls import reverse, translate_url
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from itsci_site.lib import found
from itsci_site.share_views import CARDS, NAME

register = template.Library()

register.simple_tag(found.title, name="title")
register.filter("short", found.short)

KEPT = {"page", "before", "after"}
"""Parameters that lead to further pages of a list. With any other, a page is a view of the one without."""


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page is found, in full addresses. `image` is empty for a page of which none is drawn."""

    canonical: str
    alternates: list[tuple[str, str]]
    default: str
    image: str
    locale: str
    other_locales: list[str]


@register.simple_block_tag
def plain(content: str) -> str:
    """What stands between the tags as plain text in one line, to be kept in a variable and printed more than once."""
    return found.SPACES.sub(" ", unescape(content)).strip(" ")


@register.simple_tag(takes_context=True)
def place_of_page(context: Context) -> Place:
    """A view whose page is the same as another's gives that one's address as `same_as`."""
    request, origin, language = context["request"], context["origin"], get_language() or settings.LANGUAGE_CODE
    path = context.get("same_as") or request.path
    query = f"?{request.GET.urlencode()}" if request.GET and request.GET.keys() <= KEPT else ""
    addresses = {code: origin + translate_url(path, code) + query for code, _name in settings.LANGUAGES}
    return Place(
        addresses[language],
        list(addresses.items()),
        addresses[settings.LANGUAGE_CODE],
        f"{origin}{path}{NAME}" if request.resolver_match.view_name in CARDS else "",
        _locale(language),
        [_locale(code) for code in addresses if code != language],
    )


@register.simple_tag(takes_context=True)
def organization(context: Context) -> SafeString:
    return found.data_block({"@context": "https://schema.org/"} | _publisher(context))


@register.simple_tag(takes_context=True)
def article(context: Context, testimonial: Any) -> SafeString:
    """The record of a story; in English, which is the original, where its title has no words in the page's language."""
    place, language = place_of_page(context), get_language()
    spoken = language if getattr(testimonial, f"story_title_{language}") else settings.LANGUAGE_CODE
    title, teaser = testimonial.story_title, found.short(testimonial.story_teaser)
    return found.data_block(
        found.article(title, teaser, spoken, place.canonical, place.image, testimonial, _publisher(context))
    )


def _publisher(context: Context) -> dict[str, Any]:
    return found.organization(context["origin"] + reverse("our_work"), context["origin"] + static("img/mark.svg"))


def _locale(code: str) -> str:
    return found.LOCALES.get(code, code)
