"""The IATI 2.03 file: one activity a programme, in IATI's words (docs/decisions/0008-iati.md).

What IATI demands and nobody has given is left out and named in a comment of the file; nothing is made up to fill a gap.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from typing import Any

from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from lxml import etree
from lxml.builder import E

from meetings.models import Document, Meeting
from regions import figures
from regions.models import Country, Region

from . import iati_results
from .iati_xml import Element, field, narratives, remark, write
from .models import Activity, Partner, Programme, by_role
from .reconcile import reconcile

# Codes of IATI's codelists that are the same for every activity here.
DATES = {"1": "planned_start", "2": "actual_start", "3": "planned_end", "4": "actual_end"}
PERFORMANCE_REVIEW = "A07"
FEATURES = {
    Region.Kind.COUNTRY: "PCLI",
    Region.Kind.PROVINCE: "ADM1",
    Region.Kind.FORMER_PROVINCE: "ADM1H",
}
WGS_84 = "http://www.opengis.net/def/crs/EPSG/0/4326"


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of one activity, beside its figures."""

    programme: Programme
    regions: list[Region]
    partners: list[tuple[Partner, str]]
    """The organisations that have a role in IATI's sense, each with its code."""
    shares: dict[Country, Decimal]
    """The countries' percentages; empty unless every country has one and they make 100."""

    @property
    def countries(self) -> list[Country]:
        return list(dict.fromkeys(region.country for region in self.regions))


def known(programme: Programme, at: datetime | None = None) -> Known:
    regions = list(programme.regions.published(at).in_order().with_outline())  # type: ignore[attr-defined]
    roles = [(partner, _role(partner)) for partner in by_role(programme.partners.all())]
    shares = {share.country: share.percentage for share in programme.shares.select_related("country")}
    whole = shares.keys() == {region.country for region in regions} and sum(shares.values()) == 100
    return Known(programme, regions, [(partner, role) for partner, role in roles if role], shares if whole else {})


def _role(partner: Partner) -> str:
    """The role staff gave, or funding for a donor. No other role of ours says what IATI's roles say; a law has none."""
    if partner.role == Partner.Role.STANDARD:
        return ""
    return partner.iati_role or (Partner.IatiRole.FUNDING if partner.role == Partner.Role.DONOR else "")


def missing(known: Known) -> list[tuple[str, Any]]:
    """What IATI demands of an activity and nobody has given: its name in IATI and in words."""
    programme = known.programme
    demanded = [
        ("iati-identifier", _("an identifier of the activity"), programme.iati_identifier),
        ("reporting-org", _("the organisation that reports it"), programme.iati_reporter),
        ("reporting-org/@ref", _("that organisation’s identifier"), programme.iati_reporter_ref),
        ("reporting-org/@type", _("that organisation’s type"), programme.iati_reporter_type),
        ("participating-org", _("an organisation with a role"), known.partners),
        ("activity-status", _("the activity’s status"), programme.iati_status),
        ("activity-date", _("a planned or actual start"), programme.planned_start or programme.actual_start),
        ("recipient-country", _("a country, by a public region of it"), known.regions),
        (
            "recipient-country/@percentage",
            _("a share for each country, making 100 together"),
            known.shares or len(known.countries) < 2,
        ),
        ("sector", _("a sector"), programme.iati_sector),
    ]
    return [(name, words) for name, words, given in demanded if not given]


def document(absolute: Callable[[str], str], at: datetime, documents: bool = True) -> bytes:
    """The whole file as public at `at`; for a moment gone by call it inside `past()`. `absolute` makes a path an address."""
    file = BytesIO()
    with etree.xmlfile(file, encoding="utf-8") as xml:
        xml.write_declaration()
        with xml.element("iati-activities", version="2.03"):
            xml.write("\n")
            programmes = list(Programme.objects.published(at).order_by("order", "slug"))
            for programme in programmes:
                _activity(xml, known(programme, at), at, absolute if documents else None)
            if not programmes:
                write(xml, remark(lambda: gettext("No programme was public at this moment.")))
    return file.getvalue()


def _activity(xml: Any, activity: Known, at: datetime, absolute: Callable[[str], str] | None) -> None:
    """Without `absolute` no documents are listed."""
    programme = activity.programme
    table = figures.table(activity.regions, programme.metrics.all(), at)
    headlines = programme.headlines.published(at).select_related("metric", "beside", "source")  # type: ignore[attr-defined]
    with xml.element("iati-activity"):
        xml.write("\n")
        if gaps := missing(activity):
            write(xml, remark(lambda: _gaps(gaps)))
        write(xml, _identity(activity))
        write(xml, _places(activity))
        if absolute:
            write(xml, _documents(activity.regions, at, absolute))
        iati_results.by_region(xml, activity.programme, activity.regions, table, at)
        iati_results.headlines(xml, reconcile(headlines.order_by("order", "effective_on"), table), table)
    xml.write("\n")


def _gaps(gaps: list[tuple[str, Any]]) -> str:
    listed = "; ".join(f"{name} ({words})" for name, words in gaps)
    return gettext("IATI demands what nobody has given, and it is left out: {gaps}.").format(gaps=listed)


def _identity(activity: Known) -> Iterator[Element]:
    programme = activity.programme
    if programme.iati_identifier:
        yield E("iati-identifier", programme.iati_identifier)
    if programme.iati_reporter:
        given = {"ref": programme.iati_reporter_ref, "type": programme.iati_reporter_type}
        attributes = {name: code for name, code in given.items() if code}
        yield E("reporting-org", attributes, *narratives(field(programme, "iati_reporter")))
    yield E.title(*narratives(field(programme, "name")))
    yield E.description({"type": "1"}, *narratives(field(programme, "lead")))
    done = list(programme.activities.all())
    if done:
        yield E.description({"type": "4"}, *narratives(lambda: "\n".join(map(_done, done))))
    for partner, role in activity.partners:
        given = {"role": role, "ref": partner.iati_ref, "type": partner.iati_type}
        attributes = {name: code for name, code in given.items() if code}
        yield E("participating-org", attributes, *narratives(field(partner, "name")))
    if programme.iati_status:
        yield E("activity-status", {"code": programme.iati_status})
    for code, name in DATES.items():
        if day := getattr(programme, name):
            yield E("activity-date", {"type": code, "iso-date": day.isoformat()})


def _done(activity: Activity) -> str:
    return gettext("{title}: {text}").format(title=activity.title, text=activity.text)


def _places(activity: Known) -> Iterator[Element]:
    """Recipient countries, locations, and the sector that IATI wants after them."""
    for country in activity.countries:
        share = activity.shares.get(country) if len(activity.countries) > 1 else None
        attributes = {"code": country.iso_code} | ({"percentage": str(share)} if share is not None else {})
        yield E("recipient-country", attributes, *narratives(field(country, "name")))
    yield from map(_location, activity.regions)
    if activity.programme.iati_sector:
        yield E.sector({"vocabulary": "1", "code": activity.programme.iati_sector})


def _location(region: Region) -> Element:
    """A region as the place of the activity. Its point stands for an area, and says so: IATI has no outlines."""
    iso_code = {"vocabulary": "A4", "code": region.country.iso_code}
    location = E.location({"ref": region.slug}, E("location-reach", {"code": "1"}))
    if region.kind == Region.Kind.COUNTRY:
        location.append(E("location-id", iso_code))
    location.append(E.name(*narratives(field(region, "name"))))
    centre = _centre(region.outline) if region.outline else None

    def told() -> str:
        point = gettext("The point is the middle of its outline, not a place of work.") if centre else ""
        return f"{capfirst(region.get_kind_display())}. {point}"

    location.append(E.description(*narratives(told)))
    location.append(E.administrative(iso_code))
    if centre:
        location.append(E.point({"srsName": WGS_84}, E.pos(f"{centre[0]:.2f} {centre[1]:.2f}")))
        location.append(E.exactness({"code": "2"}))
    location.append(E("location-class", {"code": "1"}))
    location.append(E("feature-designation", {"code": FEATURES[Region.Kind(region.kind)]}))
    return location


def _centre(outline: dict) -> tuple[float, float] | None:
    """Latitude and longitude of the centroid (shoelace formula) of the largest part; None for an outline without an area."""
    polygons = outline["coordinates"] if outline["type"] == "MultiPolygon" else [outline["coordinates"]]
    parts = []
    for ring in (polygon[0] for polygon in polygons):
        area = longitudes = latitudes = 0.0
        for (x1, y1), (x2, y2) in pairwise(ring):
            cross = x1 * y2 - x2 * y1
            area, longitudes, latitudes = area + cross, longitudes + (x1 + x2) * cross, latitudes + (y1 + y2) * cross
        if area:
            parts.append((abs(area), latitudes / (3 * area), longitudes / (3 * area)))
    return max(parts)[1:] if parts else None


def _documents(regions: Sequence[Region], at: datetime, absolute: Callable[[str], str]) -> Iterator[Element]:
    """The files of public meetings in the activity's regions."""
    meetings = Meeting.objects.published(at).filter(place__region__in=regions)
    files = Document.objects.filter(meeting__in=meetings).select_related("meeting")
    for file in files.order_by("-meeting__shown_on", "meeting", "pk"):
        link = E("document-link", {"url": absolute(file.get_absolute_url()), "format": "application/pdf"})
        link.append(E.title(*narratives(field(file, "title"))))
        link.append(E.category({"code": PERFORMANCE_REVIEW}))
        if len(file.language) == 2:  # IATI's codelist has no longer ones
            link.append(E.language({"code": file.language}))
        yield link
