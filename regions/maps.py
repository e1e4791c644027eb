"""The map of the regions: outlines from the database over a ground of lakes and neighbours, as SVG paths.

Outlines and ground derive from Natural Earth 1:10m (public domain). The projection is plate carrée, true at 6 degrees south.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from itertools import pairwise
from math import cos, radians
from pathlib import Path

from django.utils.translation import get_language

from itsci_site.lib.glyph import FACETS, Facet

from .models import Region

WEST, EAST, SOUTH, NORTH = 21.1, 33.1, -13.6, 1.7
UNITS_A_DEGREE = 36
SQUEEZE = cos(radians(6))
WIDTH, HEIGHT = round((EAST - WEST) * UNITS_A_DEGREE * SQUEEZE), round((NORTH - SOUTH) * UNITS_A_DEGREE)
GROUND = Path(__file__).with_name("ground.geojson")
# Where a name on the ground begins (longitude, latitude), and whether it names water.
NAMES = {
    "uga": (31.0, 0.9, False),
    "tza": (31.5, -4.6, False),
    "zmb": (30.2, -12.2, False),
    "ago": (21.4, -12.6, False),
    "lake-tanganyika": (30.6, -6.6, True),
}

Point = tuple[int, int]


HOME_NAME = (22.3, -3.4)  # of the country that is shown by province


@dataclass(frozen=True, slots=True)
class Shape:
    """A region as drawn: SVG path data and where its name stands."""

    region: Region
    path: str
    x: int
    y: int


@dataclass(frozen=True, slots=True)
class Name:
    words: list[str]
    x: int
    y: int
    water: bool


@dataclass(frozen=True, slots=True)
class Map:
    width: int
    height: int
    home: str
    """Path of the country that is shown by province, beyond those provinces."""
    neighbours: str
    lakes: str
    shapes: list[Shape]
    names: list[Name]


def draw(regions: Iterable[Region]) -> Map:
    """The map with the outlines of `regions` (loaded with_outline); a region without one is left off it."""
    shapes = []
    for region in regions:
        if region.outline:
            rings = _rings(region.outline)
            shapes.append(Shape(region, _path(rings), *_room(max(rings, key=len))))
    ground, names = _ground(), _names(get_language() or "en")
    if divided := next((shape.region.country for shape in shapes if shape.region.kind != Region.Kind.COUNTRY), None):
        names = [Name([divided.short_name], *_project(*HOME_NAME), water=False), *names]
    return Map(WIDTH, HEIGHT, ground["context"], ground["neighbour"], ground["lake"], shapes, names)


def facets(regions: Iterable[Region]) -> tuple[list[tuple[Region, Facet]], list[Region]]:
    """The regions that the glyph has a facet for, each with it, and those that it has none for."""
    regions = list(regions)
    return [(region, FACETS[region.code]) for region in regions if region.code in FACETS], [
        region for region in regions if region.code not in FACETS
    ]


def _project(longitude: float, latitude: float) -> Point:
    return round((longitude - WEST) * UNITS_A_DEGREE * SQUEEZE), round((NORTH - latitude) * UNITS_A_DEGREE)


def _rings(geometry: dict) -> list[list[Point]]:
    """The outer rings of a GeoJSON Polygon or MultiPolygon in map units, without points that fall on their neighbour."""
    polygons = geometry["coordinates"] if geometry["type"] == "MultiPolygon" else [geometry["coordinates"]]
    rings = []
    for polygon in polygons:
        points = [_project(longitude, latitude) for longitude, latitude in polygon[0]]
        kept = [point for place, point in enumerate(points) if place == 0 or point != points[place - 1]]
        if len(kept) > 3:
            rings.append(kept)
    return rings


def _path(rings: list[list[Point]]) -> str:
    """Integer relative path data, the shortest that SVG allows here."""
    parts = []
    for ring in rings:
        (x, y), steps = ring[0], []
        for to_x, to_y in ring[1:-1]:
            steps.append(f"{to_x - x} {to_y - y}")
            x, y = to_x, to_y
        parts.append(f"M{ring[0][0]} {ring[0][1]}l{' '.join(steps)}z".replace(" -", "-"))
    return "".join(parts)


def _room(ring: list[Point]) -> Point:
    """Where a name stands: in the middle of the widest stretch at the height of the centroid. There it fits if anywhere."""
    area = moment = 0  # the shoelace formula
    for (x1, y1), (x2, y2) in pairwise(ring):
        cross = x1 * y2 - x2 * y1
        area, moment = area + cross, moment + (y1 + y2) * cross
    y = round(moment / (3 * area))
    edges = sorted(x1 + (y - y1) * (x2 - x1) / (y2 - y1) for (x1, y1), (x2, y2) in pairwise(ring) if (y1 <= y) != (y2 <= y))
    west, east = max(zip(edges[::2], edges[1::2], strict=True), key=lambda stretch: stretch[1] - stretch[0])
    return round((west + east) / 2), y


@cache
def _features() -> list[dict]:
    return json.loads(GROUND.read_text(encoding="utf-8"))["features"]


@cache
def _ground() -> dict[str, str]:
    paths = dict.fromkeys(("context", "neighbour", "lake"), "")
    for feature in _features():
        paths[feature["properties"]["kind"]] += _path(_rings(feature["geometry"]))
    return paths


@cache
def _names(language: str) -> list[Name]:
    names = []
    for feature in _features():
        properties = feature["properties"]
        if properties["id"] in NAMES:
            longitude, latitude, water = NAMES[properties["id"]]
            name = properties.get(f"name_{language}", properties["name_en"])
            names.append(Name(name.split() if water else [name], *_project(longitude, latitude), water))
    return names
