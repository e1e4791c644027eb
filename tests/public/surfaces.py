"""Every address at which something public can be had, in every language and format."""

from django.test import Client

from meetings.models import Document, Meeting
from regions.models import Metric, Region
from testimonials.models import RENDITIONS, Testimonial
from tests.pages import content

FILES = (
    "/data/readings.csv", "/data/readings.json", "/data/readings.xlsx", "/data/regions.geojson", "/data/datapackage.json",
    "/data/dataset.jsonld", "/data/openapi.json", "/data/iati.xml", "/sitemap.xml", "/sitemap-stories.xml",
    "/sitemap-pages.xml", "/sitemap-regions.xml", "/sitemap-meetings.xml", "/sitemap-figures.xml", "/robots.txt",
    "/data/readings.csv?as-at=2026-11-25", "/data/regions.geojson?as-at=2026-11-25",
)  # fmt: skip
FEEDS = ("/feeds/figures.atom", "/feeds/meetings.atom", "/feeds/meetings.ics")
PACKS = ("/data/offline-en.zip", "/data/offline-fr.zip")


def addresses(*sought: str) -> list[str]:
    """`sought`: words to search for, besides the pages that there are."""
    pages = [*content.addresses(), *(f"/search/?q={words}" for words in ("mining", *sought)), "/nowhere/", *FEEDS]
    pages += [f"/embed/{metric.slug}/" for metric in Metric.objects.all()[:1]]
    for region in Region.objects.published()[:1]:
        pages += [f"/where-we-work/{region.slug}/?as-at=2026-11-25", f"/feeds/meetings.atom?region={region.slug}"]
        pages += [f"/embed/{metric.slug}/{region.slug}/" for metric in Metric.objects.all()[:1]]
    pages += [f"{page}share.png" for page in ("/", *(row.get_absolute_url() for row in Testimonial.objects.published()))]
    pages += [f"{meeting.get_absolute_url()}share.png" for meeting in Meeting.objects.published()[:1]]
    pages += [document.get_absolute_url() for document in Document.objects.filter(meeting__in=Meeting.objects.published())]
    for story in Testimonial.objects.published().exclude(portrait=""):
        pages += [story.portrait_address(rendition) for rendition in RENDITIONS]
    return [*(content.in_language(page, code) for page in pages for code in ("en", "fr")), *FILES]


def read(client: Client, address: str) -> tuple[int, bytes]:
    answer = client.get(address)
    return answer.status_code, b"".join(answer.streaming_content) if answer.streaming else answer.content  # type: ignore[attr-defined]
