"""A draft or a next version in its place on the site, for whoever has a link that staff made, for an hour."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.core import signing
from django.db import IntegrityError, connection, models, transaction
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import resolve
from django.utils.html import format_html
from django.utils.translation import gettext

from itsci_site.lib.newsroom import links, proposals
from itsci_site.lib.newsroom.guard import columns_of_state
from itsci_site.lib.newsroom.models import Proposal
from itsci_site.lib.publishing import Approved, Status


def preview(request: HttpRequest, token: str) -> HttpResponse:
    """The public page of a record as it would be. Nothing of it is kept, by the database or by any cache."""
    try:
        label, pk = links.record_of(token)
        return _private(_with_notice(_page(request, apps.get_model(label), pk)))
    except signing.SignatureExpired:
        return _private(render(request, "preview_over.html", {"is_over": True}, status=410))
    except signing.BadSignature:
        raise Http404 from None
    except IntegrityError:
        return _private(render(request, "preview_over.html", status=409))


def _page(request: HttpRequest, model: type[models.Model], pk: int) -> HttpResponse:
    with _as_published(model, pk) as row:
        if row is None or not hasattr(row, "get_absolute_url"):
            raise Http404
        path = row.get_absolute_url().partition("#")[0]
        match = resolve(path)
        request.resolver_match, request.path_info, request.path = match, path, path
        response: Any = match.func(request, *match.args, **match.kwargs)
        if hasattr(response, "render"):
            response.render()
    return response


@contextmanager
def _as_published(model: type[models.Model], pk: int) -> Iterator[Any]:
    """A record with its next version, public for as long as this lasts; None where there is no such record."""
    with transaction.atomic():
        proposals.try_out()
        proposal = Proposal.objects.pending().of(model, pk).first()
        if proposal:
            proposals.replay(proposal.changes)
        if issubclass(model, Approved):
            with connection.cursor() as cursor:
                table, state, moment = map(connection.ops.quote_name, (model._meta.db_table, *columns_of_state(model)))
                cursor.execute(
                    f"UPDATE {table} SET {state} = %s, {moment} = statement_timestamp() WHERE id = %s AND {state} <> %s",  # noqa: S608
                    [Status.PUBLISHED, pk, Status.PUBLISHED],
                )
        yield model._default_manager.filter(pk=pk).first()
        transaction.set_rollback(True)


def _with_notice(response: HttpResponse) -> HttpResponse:
    """The page, saying on top that it is not public."""
    told = format_html(
        '<p class="notice preview" role="status"><b>{}</b> {}</p>',
        gettext("Preview."),
        gettext("This is not public. The link works for an hour; do not pass it on to people who should not see this."),
    )
    body = response.content.decode(response.charset)
    main = body.find("<main")
    if main >= 0:
        place = body.index(">", main) + 1
        response.content = body[:place] + told + body[place:]
    return response


def _private(response: HttpResponse) -> HttpResponse:
    response.headers["Cache-Control"] = "no-store, private"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    for name in ("ETag", "Last-Modified"):
        response.headers.pop(name, None)
    return response
