"""The site's mark: six facets, each in the relative place of its region, in a box of 48 x 48."""

from dataclasses import dataclass

from django.utils.safestring import SafeString, mark_safe


@dataclass(frozen=True, slots=True)
class Facet:
    """`x`, `y`: the middle of the facet, where a name can stand."""

    path: str
    x: float
    y: float


FACETS = {
    "KA": Facet("M3.4 26.8L.3 34.1L2.6 44.2L19.1 42.2L33.4 46.7L28.9 38.6L37.7 34.8L33.7 30.7L18.9 29.7z", 17, 36.9),
    "MA": Facet("M10.6 8.9L.9 11.5L3.6 25.4L17.9 28L14.3 16.3z", 8.6, 19.4),
    "SK": Facet("M16 16.7L19.6 28.3L33.3 29.2L34.2 19.4L28.8 15.8z", 26.1, 23.3),
    "NK": Facet("M22.2 .8L12 8.2L15.4 15.2L28.6 14.3L33.2 8.8L31.4 2.6z", 22.9, 9.2),
    "RW": Facet("M34.4 9.7L30.1 14.8L35.2 18.2L47.2 18.2L46.3 7.9z", 39.9, 14.4),
    "BI": Facet("M35.7 19.8L34.8 29.4L45.4 31.1L47.1 19.8z", 41, 25.8),
}
SYMBOL: SafeString = mark_safe(  # noqa: S308 - constants of this module, no input
    '<svg class="vh" aria-hidden="true"><symbol id="g" viewBox="0 0 48 48">'
    + "".join(f'<path class="{code.lower()}" d="{facet.path}"/>' for code, facet in FACETS.items())
    + "</symbol></svg>"
)
