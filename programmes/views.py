"""Our work, Progress and the figure pages, for the first programme or for the one an address names; and what changed.

Figure pages stand here and not with the regions: they set the programme's headlines beside the regions' readings.
"""

from collections.abc import Iterable
from datetime import UTC

from csp.decorators import csp_replace
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.clickjacking import xframe_options_exempt

from itsci_site.lib.pagecache import kept
from itsci_site.lib.photos import render_with_photos
from itsci_site.lib.statements import Statement
from itsci_site.lib.translated import words
from regions import figures, maps
from regions.forms import AsAt, seen_as_at
from regions.history import by_country, history
from regions.models import Metric
from testimonials.models import Testimonial

from . import changes as changed
from .forms import Span
from .models import Activity, Headline, Partner, Programme, by_role
from .public import among, headline_of, headlines_of, metrics_of, programme_at, programmes_at, regions_of
from .reconcile import counted, reconcile
from .tags import of_region, of_whole

MOST_VOICES = 6
"""On Our work; the others are a link away."""
MOST_NAMES = 12
"""Of regions that the glyph has no facet for, on Our work; of more the page of the regions tells."""

_VOICES = Statement(lambda regions: Testimonial.objects.published().filter(region__in=regions).one_a_region(MOST_VOICES))
_ACTIVITIES = Statement(lambda programme: Activity.objects.filter(programme=programme))
_PARTNERS = Statement(lambda programme: Partner.objects.filter(programme=programme))


def _latest(headlines: list[Headline]) -> list[Headline]:
    """The first, which is the latest, of each metric, in the order staff gave them."""
    by_metric: dict[int, Headline] = {}
    for headline in headlines:
        by_metric.setdefault(headline.metric_id, headline)
    return sorted(by_metric.values(), key=lambda headline: (headline.order, headline.pk))


def _figure_address(metric: Metric, slug: str | None) -> str:
    return reverse("programme_figure", args=[slug, metric.slug]) if slug else metric.get_absolute_url()


def _standing(programme: Programme, slug: str | None, leads: bool, name: str, *arguments: str) -> dict[str, str]:
    """What a page below /programmes/ stands for: `same_as`, the address without the programme in it, for the one that owns
    that; for any other `further`, the name that tells it from that one."""
    if not slug:
        return {}
    return {"same_as": reverse(name, args=arguments)} if leads else {"further": programme.name}


def _tags(headlines: list[Headline], slug: str | None, query: str = "") -> list[tuple[Headline, str]]:
    """Each headline with the address of its own tag on its figure page."""
    return [(headline, f"{_figure_address(headline.metric, slug)}{query}#{headline.code.lower()}") for headline in headlines]


@kept("photo")
def our_work(request: HttpRequest, slug: str | None = None) -> HttpResponse:
    programmes = programmes_at()
    programme = among(programmes, slug)
    regions = regions_of(programme)
    facets, unplaced = maps.facets(regions)
    testimonials = _VOICES([region.pk for region in regions])
    context = {
        **_standing(programme, slug, programme == programmes[0], "our_work"),
        "programme": programme,
        "regions": regions,
        "countries": len({region.country_id for region in regions}),
        "facets": facets,
        "unplaced": unplaced if len(unplaced) <= MOST_NAMES else [],
        "are_more": len(unplaced) > MOST_NAMES,
        "activities": _ACTIVITIES(programme.pk),
        "partners": by_role(_PARTNERS(programme.pk)),
        "tags": _tags(_latest(headlines_of(programme)), slug),
        "testimonials": testimonials,
        "one_each": len(testimonials) == len(regions) and all(testimonial.names_region for testimonial in testimonials),
        "progress_address": reverse("programme_progress", args=[slug]) if slug else reverse("progress"),
        "others": [other for other in programmes if other != programme],
    }
    return render_with_photos(request, "programmes/our_work.html", context, testimonials)


@kept("as-at")
@seen_as_at
def progress(request: HttpRequest, as_at: AsAt, slug: str | None = None) -> HttpResponse:
    programmes = programmes_at(as_at.at)
    programme = among(programmes, slug)
    as_at.found()
    table = figures.table(regions_of(programme, as_at.at), metrics_of(programme), as_at.at)
    headlines = _latest(headlines_of(programme, as_at.at))
    measures = counted(headlines, table)
    context = {
        **_standing(programme, slug, programme == programmes[0], "progress"),
        "as_at": as_at,
        "programme": programme,
        "table": table,
        "columns": [(metric, _figure_address(metric, slug) + as_at.query) for metric in table.metrics],
        "tags": _tags(headlines, slug, as_at.query),
        "reconciled": reconcile(headlines, table),
        "counted": measures,
        "sources": {source.pk: source for measure in measures for source in measure.sources}.values(),
    }
    return render(request, "programmes/progress.html", context)


@kept("as-at")
@seen_as_at
def figure(request: HttpRequest, as_at: AsAt, metric: str, slug: str | None = None) -> HttpResponse:
    """One metric of a programme. Raises Http404 where no region reports it and no headline of it is public."""
    programmes = programmes_at(as_at.at)
    programme = among(programmes, slug)
    headlines = headlines_of(programme, as_at.at, metric)
    measure = _named(metric, headlines)
    beside = _latest(headlines)
    own = [headline for headline in headlines if headline.metric == measure]
    needed = {measure, *(headline.beside for headline in beside if headline.beside)}
    regions = regions_of(programme, as_at.at)
    told = history(regions, measure, as_at.at, own)
    table = figures.table(regions, needed, as_at.at, told.readings)
    parts = by_country(table, measure)
    if not parts and not own:
        raise Http404
    as_at.found()
    by_region = [figure for part in parts for figure in part.figures]
    context = {
        **_standing(programme, slug, programme == programmes[0], "figure", metric),
        "as_at": as_at,
        "programme": programme,
        "metric": measure,
        "headlines": own,
        "reconciled": reconcile(beside, table),
        "table": table,
        "top": table.tops[table.metrics.index(measure)] if parts else 0,
        "parts": parts,
        "total": table.total(measure) if measure.additive else None,
        "history": told,
        "headline_changes": changed.corrected_headlines(programme, measure, as_at.at or timezone.now()),
        "counted": {figure.region for figure in by_region},
        "cited_on": as_at.day or timezone.now().astimezone(UTC).date(),
        "address": request.build_absolute_uri(request.path),
        "dated": f"&as-at={as_at.day}" if as_at.at else "",
        "progress_address": reverse("programme_progress", args=[slug]) if slug else reverse("progress"),
        "embeds": [] if slug else _embeds(request, measure, own, by_region),
    }
    return render(request, "programmes/figure.html", context)


def _named(slug: str, headlines: Iterable[Headline]) -> Metric:
    """The metric at an address, which the headlines of its page have brought along. Raises Http404."""
    of_headlines = (one for headline in headlines for one in (headline.metric, headline.beside) if one and one.slug == slug)
    return next(of_headlines, None) or get_object_or_404(Metric, slug=slug)


def _embeds(
    request: HttpRequest, metric: Metric, headlines: list[Headline], by_region: list[figures.Figure]
) -> list[tuple[str, SafeString]]:
    """The HTML that shows a figure of this page on another site: for the whole with an empty name, then region by region."""

    def code(name: str, *arguments: str) -> tuple[str, SafeString]:
        address = request.build_absolute_uri(reverse("embed", args=[metric.slug, *arguments]))
        title = ", ".join(filter(None, [f"Scaling Up ITSCI: {metric.name}", name]))
        frame = '<iframe src="{}" title="{}" width="320" height="300" loading="lazy"></iframe>'
        return name, format_html(frame, address, title)

    whole = [code("")] if headlines or (metric.additive and any(figure.value is not None for figure in by_region)) else []
    return whole + [code(words(figure.region, "name"), figure.region.slug) for figure in by_region]


@kept()
@xframe_options_exempt
@csp_replace({"frame-ancestors": ["*"]})  # type: ignore[arg-type]
def embed(request: HttpRequest, metric: str, region: str | None = None) -> HttpResponse:
    """One figure for a frame on any site. These addresses alone may be framed: they ask for nothing and act on nothing."""
    programme = programme_at(None)
    measure: Metric = get_object_or_404(Metric, slug=metric)
    table = figures.table(regions_of(programme), [measure])
    headline = None if region else headline_of(programme, measure)
    tag = of_region(table, region) if region else of_whole(table, measure, headline)
    if tag is None:
        raise Http404
    address = f"{measure.get_absolute_url()}#{tag.code.lower()}"
    response = render(request, "programmes/embed.html", {"tag": tag, "address": address})
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@kept("from", "to")
def changes(request: HttpRequest) -> HttpResponse:
    """Nonsense in the query string: the last 90 days with a message at its field, status 400."""
    span = Span.read(request.GET)
    readings = changed.readings(span.moments)
    headlines = changed.headline_changes(span.moments, timezone.now())
    context = {
        "span": span,
        "new_data": list(changed.new_data(readings)),
        "new_headlines": [change for change in headlines if change.kind == "new"],
        "corrections": [reading for reading in readings if reading.supersedes_id],
        "headline_changes": [change for change in headlines if change.kind != "new"],
        "definitions": list(changed.definitions(span.moments)),
    }
    return render(request, "programmes/changes.html", context, status=200 if span.form.is_valid() else 400)
