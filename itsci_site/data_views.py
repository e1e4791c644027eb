"""Open data: the page that lists it, the log of corrections, and the files.

A file is the same for both languages. Its ETag is made from what it would hold, before it is made: an unchanged file costs
a few counts. It streams, inside the past it was asked for.
"""

from collections.abc import Callable, Iterator
from datetime import UTC
from functools import wraps
from hashlib import sha256
from tempfile import TemporaryFile
from typing import Any

from django.conf import settings
from django.core.paginator import Paginator
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    QueryDict,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.cache import get_conditional_response
from django.views.decorators.http import require_safe

from itsci_site.lib.exports import csv_chunks, dumps, json_chunks, record
from itsci_site.lib.found import data_block
from itsci_site.lib.pagecache import kept
from programmes import changes
from programmes import exports as figures
from regions import exports
from regions.exports import Selection
from regions.models import Reading, Region
from regions.versions import past

from . import data_files, offline_store, workbook
from .data_form import BadFilter, PageForm, Problem, form, read

CORRECTIONS_A_PAGE = 50
MOST_PROBLEMS = 20


@kept()
def data(request: HttpRequest) -> HttpResponse:
    """Nothing of the data itself: what there is to take, and what each column means."""
    now = timezone.now()
    record = data_files.dataset(request.build_absolute_uri, now)
    context = {"form": form(QueryDict(), now), "columns": figures.COLUMNS, "dataset": data_block(record)}
    return render(request, "data/data.html", context)


@kept("page")
def corrections(request: HttpRequest) -> HttpResponse:
    """Of regions fifty a page, of headlines all on the first. Nonsense for a page: the first one with a message, status 400."""
    asked = PageForm(request.GET)
    public = Reading.objects.published().filter(supersedes__isnull=False, series__region__in=Region.objects.published())
    known = public.select_related("series__region", "series__metric", "supersedes").order_by("-published_at", "-pk")
    page = Paginator(known, CORRECTIONS_A_PAGE).get_page(asked.cleaned_data["page"] or 1 if asked.is_valid() else 1)
    page_numbers = page.paginator.get_elided_page_range(page.number)
    context = {"page": page, "page_numbers": page_numbers, "form": asked}
    if page.number == 1:
        context["headline_changes"] = changes.headline_corrections(timezone.now())
    return render(request, "data/corrections.html", context, status=200 if asked.is_valid() else 400)


def download(name: str) -> Callable[[Callable[[Selection], HttpResponseBase]], Callable[[HttpRequest], HttpResponseBase]]:
    """Makes an address of a function that answers a selection with a file called `name`: filter, ETag, file name."""

    def decorate(make: Callable[[Selection], HttpResponseBase]) -> Callable[[HttpRequest], HttpResponseBase]:
        @require_safe
        @wraps(make)
        def answer(request: HttpRequest) -> HttpResponseBase:
            try:
                selection = read(request.GET)
            except BadFilter as bad:
                return refuse(bad.problems, as_json=name.endswith("json"))
            etag = _etag(name, selection)
            response = get_conditional_response(request, etag=etag) or make(selection)
            if response.status_code == 200:
                stem, _dot, ending = name.rpartition(".")
                day = selection.day or selection.at.date()
                response["Content-Disposition"] = f'attachment; filename="scaling-up-itsci-{stem}-{day}.{ending}"'
            if response.status_code < 400:
                response["ETag"] = etag
                response["Cache-Control"] = "no-cache"
            return response

        return answer

    return decorate


def _etag(name: str, selection: Selection) -> str:
    """Weak: it rests on what was asked and on how much is public, not on the bytes."""
    asked = [selection.day, selection.region, selection.country, selection.metric, selection.since, selection.until]
    columns = [column.name for column in figures.COLUMNS]
    said = repr([name, figures.version(selection.at), [str(getattr(one, "pk", one)) for one in asked], columns])
    return f'W/"{sha256(said.encode()).hexdigest()[:32]}"'


@download("readings.csv")
def readings_csv(selection: Selection) -> HttpResponseBase:
    header = [column.name for column in figures.COLUMNS]
    chunks = _within(selection, lambda: csv_chunks(header, figures.lines(selection)))
    return StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")


@download("readings.json")
def readings_json(selection: Selection) -> HttpResponseBase:
    def chunks() -> Iterator[bytes]:
        head = {"title": data_files.TITLE, "licence": None, "as_at": str(selection.day) if selection.day else None}
        return json_chunks(
            head,
            [
                ("headlines", (record(figures.HEADLINES, row) for row in figures.headlines(selection))),
                ("readings", (record(exports.READINGS, row) for row in exports.readings(selection))),
                ("definitions", (record(exports.DEFINITIONS, row) for row in figures.metrics(selection.at))),
                ("sources", (record(exports.SOURCES, row) for row in figures.sources(selection.at))),
            ],
        )

    return StreamingHttpResponse(_within(selection, chunks), content_type="application/json")


@download("readings.xlsx")
def readings_xlsx(selection: Selection) -> HttpResponseBase:
    with past(selection.past):
        if exports.count(selection) + len(figures.headlines(selection)) > workbook.MOST_ROWS:
            return _too_long()
        file = TemporaryFile()  # noqa: SIM115 - the response closes it
        workbook.write(
            file,
            figures.COLUMNS,
            figures.lines(selection),
            [
                ("definitions", exports.DEFINITIONS, figures.metrics(selection.at)),
                ("sources", exports.SOURCES, figures.sources(selection.at)),
            ],
            data_files.notes(reverse("data")),
        )
    file.seek(0)
    return FileResponse(file, content_type=data_files.XLSX)


@kept(refuses=True)
@download("regions.geojson")
def regions_geojson(selection: Selection) -> HttpResponseBase:
    with past(selection.past):
        collection = {
            "type": "FeatureCollection",
            "as_at": str(selection.day) if selection.day else None,
            "headlines": [record(figures.HEADLINES, row) for row in figures.headlines(selection)],
            "features": exports.features(selection),
        }
    return HttpResponse(dumps(collection), content_type="application/geo+json")


@require_safe
def offline_pack(request: HttpRequest, language: str) -> HttpResponse:
    """The whole site as files. The name that its store gives it says what it holds, and is its ETag."""
    if language not in dict(settings.LANGUAGES):
        raise Http404
    now = timezone.now()
    origin = f"{request.scheme}://{request.get_host()}"
    etag = f'"{offline_store.name(language, origin, now)}"'
    answer = get_conditional_response(request, etag=etag)
    if answer is None:
        name, content = offline_store.fresh(language, origin)
        answer = HttpResponse(content, content_type="application/zip")
        etag = f'"{name}"'
        day = now.astimezone(UTC).date()
        answer.headers["Content-Disposition"] = f'attachment; filename="scaling-up-itsci-{language}-{day}.zip"'
    answer.headers["ETag"] = etag
    answer.headers["Cache-Control"] = "no-cache"
    return answer


def _within(selection: Selection, chunks: Callable[[], Iterator[bytes]]) -> Iterator[bytes]:
    """The pieces of a file, made while they are sent and so inside the past that was asked for."""
    with past(selection.past):
        yield from chunks()


def refuse(problems: list[Problem], as_json: bool) -> HttpResponse:
    """Every problem with its parameter, what it held and what may stand there; the first twenty of them."""
    problems = problems[:MOST_PROBLEMS]
    if as_json:
        told = [
            {"parameter": one.parameter, "value": one.value, "message": one.message, "allowed": one.allowed} for one in problems
        ]
        return JsonResponse({"error": "This filter cannot be read.", "problems": told}, status=400)
    lines = [f"{one.parameter}={one.value!r}: {one.message}. Allowed: {', '.join(one.allowed)}" for one in problems]
    return _told("\n".join(["This filter cannot be read.", *lines]))


def _too_long() -> HttpResponse:
    return _told(f"A sheet holds {workbook.MOST_ROWS} rows. Take the CSV file, or ask for a region or a span of periods.")


def _told(words: str) -> HttpResponse:
    return HttpResponse(f"{words}\n", content_type="text/plain; charset=utf-8", status=400)


@kept(refuses=True)
def datapackage(request: HttpRequest) -> HttpResponse:
    return _described(request, data_files.data_package(timezone.now()), "application/json")


@kept(refuses=True)
def dataset(request: HttpRequest) -> HttpResponse:
    return _described(request, data_files.dataset(request.build_absolute_uri, timezone.now()), "application/ld+json")


@kept(refuses=True)
def openapi(request: HttpRequest) -> HttpResponse:
    return _described(request, data_files.open_api(request.build_absolute_uri, timezone.now()), "application/json")


def _described(request: HttpRequest, content: dict[str, Any], media: str) -> HttpResponse:
    if request.GET:
        problems = [
            Problem(name[:60], value[:60], "there is no such parameter", []) for name, value in request.GET.dict().items()
        ]
        return refuse(problems, as_json=True)
    body = dumps(content).encode()
    etag = f'"{sha256(body).hexdigest()[:32]}"'
    response = HttpResponse(body, content_type=media, headers={"ETag": etag, "Cache-Control": "no-cache"})
    return get_conditional_response(request, etag=etag, response=response) or response
