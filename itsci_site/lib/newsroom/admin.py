"""The trail of changes in the admin, to be read: its list, each entry, the file of it, and the bin."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.paginator import Paginator
from django.db import connection, models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, StreamingHttpResponse
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils.functional import cached_property
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..exports import csv_chunks
from . import bin as deleted
from . import history, proposals, roles, trail, verify, words
from .desk import PutBackForm
from .models import Entry, Note, Seal
from .words import Names

LISTED = 10_000
"""The newest entries that the list leads back to. A filter brings older ones; the file has all."""
# One step of the index an actor, however many entries there are.
ACTORS = """
WITH RECURSIVE found AS (
    (SELECT actor FROM newsroom_entry ORDER BY actor LIMIT 1)
    UNION ALL
    SELECT (SELECT actor FROM newsroom_entry WHERE actor > found.actor ORDER BY actor LIMIT 1)
    FROM found WHERE actor IS NOT NULL
) SELECT actor FROM found WHERE actor IS NOT NULL LIMIT 200
"""
HEADER = (
    "entry", "at", "who", "account", "what", "table", "row", "reason", "fields", "before", "after", "values", "digest", "seal",
    "seal_hash",
)  # fmt: skip


def table_words(table: str) -> str:
    model = proposals.models_by_table().get(table)
    return capfirst(str(model._meta.verbose_name)) if model else table


class TableFilter(admin.SimpleListFilter):
    title = _("record")
    parameter_name = "table"

    def lookups(self, request: HttpRequest, page: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return sorted(((table, table_words(table)) for table in [*trail.watched(), "newsroom_entry"]), key=lambda one: one[1])

    def queryset(self, request: HttpRequest, entries: models.QuerySet) -> models.QuerySet:
        return entries.filter(table_name=self.value()) if self.value() else entries


class ActorFilter(admin.SimpleListFilter):
    title = _("who")
    parameter_name = "who"

    def lookups(self, request: HttpRequest, page: admin.ModelAdmin) -> list[tuple[str, Any]]:
        with connection.cursor() as cursor:
            cursor.execute(ACTORS)
            return [(actor, actor) for (actor,) in cursor.fetchall()]

    def queryset(self, request: HttpRequest, entries: models.QuerySet) -> models.QuerySet:
        return entries.filter(actor=self.value()) if self.value() else entries


DAYS = ("since", "until")


class DaysForm(forms.Form):
    wrong = _("Give a day like 2026-12-01.")
    since = forms.DateField(label=_("From"), required=False, error_messages={"invalid": wrong})
    until = forms.DateField(label=_("To, that day included"), required=False, error_messages={"invalid": wrong})


class DaysFilter(admin.ListFilter):
    """From a day to a day, in UTC. What is no day is said and passed over."""

    title = _("day (UTC)")
    template = "admin/newsroom/days_filter.html"

    def __init__(self, request: HttpRequest, params: dict[str, Any], model: type[models.Model], page: admin.ModelAdmin) -> None:
        super().__init__(request, params, model, page)
        given: dict[str, Any] = {name: _last(params.pop(name)) for name in DAYS if name in params}
        self.used_parameters = given
        self.form = DaysForm(given, auto_id="days-%s")
        self.form.is_valid()
        self.others = [(name, one) for name, values in request.GET.lists() for one in values if name not in {*given, "p", "e"}]

    def expected_parameters(self) -> list[str | None]:
        return [*DAYS]

    def has_output(self) -> bool:
        return True

    def choices(self, changelist: ChangeList) -> Iterator[dict[str, Any]]:
        yield {"form": self.form, "others": self.others}

    def queryset(self, request: HttpRequest, entries: models.QuerySet) -> models.QuerySet:
        since, until = (self.form.cleaned_data.get(name) for name in DAYS)
        if since:
            entries = entries.filter(at__gte=_midnight(since))
        if until and until < date.max:
            entries = entries.filter(at__lt=_midnight(until + timedelta(days=1)))
        return entries


def _last(values: Any) -> str:
    return values[-1] if isinstance(values, list) else values


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)


class NewestPaginator(Paginator):
    """Counts no further than it leads: the list of a million entries costs what that of ten thousand does."""

    @cached_property
    def count(self) -> int:
        entries: Any = self.object_list
        return entries.order_by()[:LISTED].values("pk").count()


@admin.register(Entry)
class EntryAdmin(admin.ModelAdmin):
    list_display = ["moment", "actor", "operation", "record", "row_id", "written_in", "reason"]
    list_display_links = ["moment"]
    list_filter = [DaysFilter, TableFilter, ActorFilter, "operation"]
    search_fields = ["reason"]
    search_help_text = _("The number of a row, or words of the reason.")
    show_full_result_count = False
    show_facets = admin.ShowFacets.NEVER
    paginator = NewestPaginator
    list_per_page = 50
    list_max_show_all = 0
    ordering = ["-pk"]
    sortable_by = []
    actions = None
    change_list_template = "admin/newsroom/audit.html"

    @admin.display(description=_("when (UTC)"))
    def moment(self, entry: Entry) -> str:
        return f"{entry.at:%Y-%m-%d %H:%M:%S}"

    @admin.display(description=_("record"))
    def record(self, entry: Entry) -> str:
        return table_words(entry.table_name)

    @admin.display(description=_("fields"))
    def written_in(self, entry: Entry) -> str:
        """Of a change; what is new or gone has all."""
        model = proposals.models_by_table().get(entry.table_name)
        if model is None or entry.operation != Entry.Operation.UPDATE:
            return ""
        return ", ".join(words.label(model, one) for one in words.told_of(model, entry.changed))

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Drafts of every region are in it: it is read from a desk that is everywhere."""
        return super().has_view_permission(request, obj) and roles.is_everywhere(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def get_search_results(self, request: HttpRequest, entries: Any, search_term: str) -> tuple[Any, bool]:
        said = search_term.replace("\0", "").strip()
        if said.isascii() and said.isdigit() and len(said) < 19:
            return entries.filter(row_id=int(said)), False
        return (entries.filter(reason__icontains=said) if said else entries), False

    def get_queryset(self, request: HttpRequest) -> Any:
        return (
            super().get_queryset(request).defer("before", "after") if self._is_list(request) else super().get_queryset(request)
        )

    @staticmethod
    def _is_list(request: HttpRequest) -> bool:
        return bool(request.resolver_match) and str(request.resolver_match.url_name).endswith("_changelist")  # type: ignore[union-attr]

    def get_urls(self) -> list[URLPattern]:
        return [
            path("csv/", self.admin_site.admin_view(self.csv_view), name="newsroom_entry_csv"),
            path("bin/", self.admin_site.admin_view(self.bin_view), name="newsroom_entry_bin"),
            path("bin/<int:pk>/", self.admin_site.admin_view(self.restore_view), name="newsroom_entry_restore"),
            *super().get_urls(),
        ]

    # The list, an entry, the file

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        query = request.GET.copy()
        query.pop("p", None)
        context = {
            "verified": verify.last_note(),
            "broken": Note.Kind.BROKEN,
            "file_query": query.urlencode(),
            "listed": LISTED,
        }
        return super().changelist_view(request, {**context, **(extra_context or {})})

    def change_view(self, request: HttpRequest, object_id: str, *args: Any, **kwargs: Any) -> HttpResponse:
        entry = self.get_object(request, object_id)
        if request.method not in ("GET", "HEAD") or not self.has_view_permission(request):
            raise PermissionDenied
        if entry is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)  # type: ignore[attr-defined]
        told = history.told(entry, Names())
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "entry": entry,
            "title": _("Entry {pk}").format(pk=entry.pk),
            "told": told,
            "seal": Seal.objects.filter(pk=entry.seal_id).first(), "record": table_words(entry.table_name),
            "address": self._address_of_row(entry),
        }  # fmt: skip
        return render(request, "admin/newsroom/entry.html", context)

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """An entry has none: it is one."""
        return HttpResponseRedirect(reverse("admin:newsroom_entry_change", args=[object_id]))

    def _address_of_row(self, entry: Entry) -> str:
        page = deleted.desks(self.admin_site).get(entry.table_name)
        return page.address_of(entry.row_id, "history") if page and entry.operation != Entry.Operation.DELETE else ""

    def csv_view(self, request: HttpRequest) -> HttpResponse | StreamingHttpResponse:
        """What the list shows, to its end, as it is now. That it was taken away is an entry, too."""
        if not self.has_view_permission(request):
            raise PermissionDenied
        entries = self.get_changelist_instance(request).get_queryset(request).defer(None)
        list(entries[:1])  # what cannot be asked fails here, before an answer begins (readable.py)
        sealed = Seal.objects.filter(pk=models.OuterRef("seal_id")).values("hash")  # no join: what lacks its seal is shown, too
        entries = entries.filter(pk__lte=trail.last_entry()).annotate(seal_hash=models.Subquery(sealed))
        filters = {
            name: [one.replace("\0", "") for one in request.GET.getlist(name)] for name in request.GET if "\0" not in name
        }
        with trail.acting(request.user, gettext("Trail of changes as CSV")):  # type: ignore[arg-type]
            Note.objects.create(kind=Note.Kind.EXPORTED, said={"filters": filters})
        response = StreamingHttpResponse(
            csv_chunks(HEADER, map(_line, entries.iterator(1000))), content_type="text/csv; charset=utf-8"
        )
        response["Content-Disposition"] = 'attachment; filename="trail.csv"'
        return response

    # The bin

    def bin_view(self, request: HttpRequest) -> HttpResponse:
        pages = deleted.desks(self.admin_site)
        tables = [table for table, page in pages.items() if page.has_view_permission(request)]
        if not tables:
            raise PermissionDenied
        chosen, before = request.GET.get("table", ""), request.GET.get("before", "")
        entries = deleted.gone([chosen] if chosen in tables else tables)
        if before.isascii() and before.isdigit() and len(before) < 19:
            entries = entries.filter(pk__lt=int(before))
        found = list(entries[: deleted.ROWS_A_PAGE + 1])
        shown = found[: deleted.ROWS_A_PAGE]
        context = {
            **self.admin_site.each_context(request), "title": _("Bin"), "chosen": chosen, "before": before,
            "rows": list(deleted.listed(self.admin_site, request, shown)),
            "tables": sorted(((table, table_words(table)) for table in tables), key=lambda one: one[1]),
            "next": shown[-1].pk if len(found) > len(shown) else None,
        }  # fmt: skip
        return render(request, "admin/newsroom/bin.html", context)

    def restore_view(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Shows what would come back and asks why; then restores it."""
        pages = deleted.desks(self.admin_site)
        entry = deleted.gone(pages).filter(pk=pk).first() if pk < 1 << 63 else None
        page = pages.get(entry.table_name) if entry else None
        if entry is None or page is None or not page.may_see_deleted(request, entry.before):
            self.message_user(
                request, _("This is not in the bin: it was restored, or what it said was erased."), messages.WARNING
            )
            return HttpResponseRedirect(reverse("admin:newsroom_entry_bin"))
        if not page.has_add_permission(request):
            raise PermissionDenied
        form = PutBackForm(request.POST if request.method == "POST" else None)
        if form.is_valid():
            try:
                with trail.acting(request.user, form.cleaned_data["reason"]):  # type: ignore[arg-type]
                    done = deleted.restore(entry)
                return self._restored(request, page, done)
            except ValidationError as error:
                form.add_error(None, error.messages)
        names = Names()
        context = {
            **self.admin_site.each_context(request), "title": _("Restore from the bin"), "form": form, "entry": entry,
            "told": [history.told(one, names) for one in [entry, *deleted.went_along(entry)]],
        }  # fmt: skip
        return render(request, "admin/newsroom/restore.html", context, status=400 if form.errors else 200)

    def _restored(self, request: HttpRequest, page: Any, done: deleted.Restored) -> HttpResponse:
        told = _("“{row}” is back.")
        if done.proposal:
            told = _("“{row}” stands in a public page: it comes back once somebody else approves that.")
        self.message_user(request, told.format(row=done.row), messages.SUCCESS)
        if done.left_out:
            told = _("Not restored, because the file is gone: {fields}.")
            self.message_user(request, told.format(fields=", ".join(done.left_out)), messages.WARNING)
        return HttpResponseRedirect(page.address_of(done.row.pk))


def _line(entry: Any) -> list[Any]:
    kept = "erased" if entry.is_erased else "kept" if entry.before is not None or entry.after is not None else "hidden"
    return [
        entry.pk, entry.at, entry.actor, entry.actor_id, entry.operation, entry.table_name, entry.row_id, entry.reason,
        " ".join(entry.changed), _as_text(entry.before), _as_text(entry.after), kept, entry.digest, entry.seal_id,
        entry.seal_hash,
    ]  # fmt: skip


def _as_text(values: Any) -> str:
    return "" if values is None else json.dumps(values, ensure_ascii=False, sort_keys=True)
