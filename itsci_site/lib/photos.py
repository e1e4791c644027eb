"""Photos for readers who ask for reduced data: a link that says its size in place of each, until one is asked for.

The only reader of `?photo=`, the address (slug) of the story whose photo is to be shown. Any other value shows none.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Protocol

from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils.cache import patch_vary_headers


class MayHavePortrait(Protocol):
    portrait: str


@dataclass(frozen=True, slots=True)
class Photos:
    """`reduced`: links stand for photos, but for that of the story `asked` for."""

    reduced: bool
    asked: str
    query: QueryDict
    """Of the page: a link that shows a photo keeps it."""

    @classmethod
    def read(cls, request: HttpRequest) -> "Photos":
        saves = request.headers.get("Save-Data", "").partition(";")[0].strip().lower()
        return cls(saves == "on", request.GET.get("photo", ""), request.GET)


def render_with_photos(
    request: HttpRequest, template: str, context: dict[str, Any], rows: Iterable[MayHavePortrait]
) -> HttpResponse:
    """A page with `photos` for components/voice.html. It varies by Save-Data if one of the `rows` it shows has a portrait."""
    response = render(request, template, context | {"photos": Photos.read(request)})
    if any(row.portrait for row in rows):
        patch_vary_headers(response, ["Save-Data"])
    return response
