"""Readings into the admin and out of it: an upload is shown as a difference and written as it was shown; the list is a file.

It stands in the roof: a table that was taken from the open data has headlines' columns, too (decision 25).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, timedelta
from tempfile import TemporaryFile
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.options import ModelAdmin
from django.core import signing
from django.core.exceptions import PermissionDenied
from django.db import DataError, IntegrityError
from django.http import (
    FileResponse,
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    HttpResponseRedirect,
    StreamingHttpResponse,
)
from django.shortcuts import render
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.exports import csv_chunks, moment
from itsci_site.lib.newsroom import proposals, trail
from itsci_site.lib.periods import Period, Precision
from itsci_site.lib.publishing import register_is_open
from programmes.exports import COLUMNS
from regions import exports, importers, sheets
from regions.import_rows import Line
from regions.models import Reading, Region, Source

from . import data_files, workbook

SALT = "readings.import"
LASTS = timedelta(hours=1)
LARGEST_TOKEN = 2_000_000
"""Characters of what goes with the page of differences and comes back; less than DATA_UPLOAD_MAX_MEMORY_SIZE."""
MOST_PROBLEMS = 500
"""Shown on one page; the rest is counted."""


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"), allow_empty_file=True,
        help_text=_("CSV (UTF-8) or XLSX, at most {size} and {rows} rows. Take an export as the form to fill."),
        error_messages={"required": _("Choose a file."), "invalid": _("Choose a file.")},
    )  # fmt: skip

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        limits = settings.UPLOADED_TABLE
        told = str(self.fields["file"].help_text)
        self.fields["file"].help_text = told.format(size=filesizeformat(limits["bytes"]), rows=f"{limits['rows']:,}")


class ConfirmForm(forms.Form):
    reason = forms.CharField(
        label=_("Why this import"), max_length=500, help_text=_("In a few words. Staff see it in the history."),
        error_messages={"required": _("Say why, in a few words: it stays on record.")},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """A cell as it would be. `before`: what it says now, where that is something else."""

    column: str
    after: str
    before: str | None = None


@dataclass(frozen=True, slots=True)
class Row:
    number: int
    figure: str
    period: Period
    cells: tuple[Shown, ...]
    """In the order of the columns that are shown."""


@dataclass(frozen=True, slots=True)
class Upload:
    """A table with the name of its file, as it goes with the page and comes back, signed for one person."""

    name: str
    table: sheets.Table

    def signed(self, by: Any) -> str:
        columns = list(self.table.rows[0][1]) if self.table.rows else []
        rows = [[number, *cells.values()] for number, cells in self.table.rows]
        return signing.dumps([by.pk, self.name, columns, rows], salt=SALT, compress=True)

    @classmethod
    def of(cls, token: str, by: Any) -> "Upload":
        """Raises BadSignature for what this person was not given within the hour."""
        person, name, columns, rows = signing.loads(token, salt=SALT, max_age=LASTS)
        if person != by.pk:
            raise signing.BadSignature
        return cls(name, sheets.Table([(number, dict(zip(columns, cells, strict=True))) for number, *cells in rows], []))


def import_readings(request: HttpRequest) -> HttpResponse:
    """A file comes, its difference is shown; that comes back and is written, if it is the same still."""
    if not _page().has_add_permission(request):
        raise PermissionDenied
    if request.method != "POST":
        return _shown(request, UploadForm())
    if "rows" in request.POST:
        return _confirmed(request)
    form = UploadForm(request.POST, request.FILES)
    if not form.is_valid():
        return _shown(request, form, status=400)
    file = form.cleaned_data["file"]
    try:
        sheets.refuse_large(file.size, sheets.Limits(**settings.UPLOADED_TABLE))
        upload = Upload(file.name[:100], importers.uploaded(file.read(), [column.name for column in COLUMNS]))
    except sheets.Refused as refused:
        return _shown(request, form, refused.problems, status=400)
    except OSError:
        told = gettext("There is no room to read this file now. Nothing was written; tell whoever runs the site.")
        return _shown(request, form, [sheets.Problem(0, "", told)], status=507)
    return _compared(request, upload)


def _confirmed(request: HttpRequest) -> HttpResponse:
    form = ConfirmForm(request.POST)
    try:
        upload = Upload.of(request.POST["rows"], request.user)
    except (signing.BadSignature, ValueError):
        told = gettext("This page is too old, or was not made for you. Nothing was written: choose the file again.")
        return _shown(request, UploadForm(), [sheets.Problem(0, "", told)], status=400)
    if not form.is_valid():
        return _compared(request, upload, form, status=400)
    try:
        with trail.acting(request.user, form.cleaned_data["reason"]):  # type: ignore[arg-type]
            importers.one_writer_at_a_time()
            outcome, problems = importers.assess(upload.table, regions=_regions(request))
            is_as_shown = not problems and outcome.fingerprint == request.POST.get("shown")
            if is_as_shown:
                importers.write(outcome)
    except (IntegrityError, DataError) as error:
        form.add_error(None, _("The database refused this, and nothing was saved: {why}").format(why=proposals.plainly(error)))
        return _compared(request, upload, form, status=400)
    if not is_as_shown:
        told = gettext("The register changed since this was shown, and nothing was written. This is the difference now.")
        form.add_error(None, told)
        return _compared(request, upload, form, status=409)
    count = len(outcome.new) + len(outcome.corrections)
    told = ngettext("{count} row of “{name}” written.", "{count} rows of “{name}” written.", count)
    messages.success(request, told.format(count=count, name=upload.name))
    return HttpResponseRedirect(reverse("admin:regions_reading_changelist"))


def _compared(request: HttpRequest, upload: Upload, form: ConfirmForm | None = None, status: int = 200) -> HttpResponse:
    """The page of differences. `form`: what came back and was not written."""
    outcome, problems = importers.assess(upload.table, regions=_regions(request))
    token = upload.signed(request.user)
    if len(token) > LARGEST_TOKEN:
        told = gettext("This file holds too much text to be shown at once. Split it.")
        return _shown(request, UploadForm(), [sheets.Problem(0, "", told)], status=400)
    return _shown(request, UploadForm(), problems, status, **_difference(upload, outcome, token, form))


def _difference(upload: Upload, outcome: importers.Outcome, token: str, form: ConfirmForm | None) -> dict[str, Any]:
    names = dict(Source.objects.values_list("pk", "name_en"))
    fresh = [*outcome.new, *outcome.corrections]
    columns = [name for name, cell in CELLS.items() if any(cell(line, names) for line in fresh)]
    return {
        "upload": upload, "token": token, "fingerprint": outcome.fingerprint, "columns": columns,
        "new": [_row(line, None, columns, names) for line in outcome.new],
        "corrections": [_row(line, outcome.before(line), columns, names) for line in outcome.corrections],
        "same": outcome.same, "same_rows": spans([line.row for line in outcome.unchanged]), "headlines": outcome.headlines,
        "confirm": form or ConfirmForm(initial={"reason": gettext("Import of {name}").format(name=upload.name)}),
    }  # fmt: skip


CELLS: dict[str, Callable[[Line, dict[int, str]], str]] = {
    "value": lambda line, names: "" if line.value is None else str(line.value),
    "status": lambda line, names: line.status,
    "source_en": lambda line, names: names.get(line.source, ""),
    "period_note_en": lambda line, names: line.note[0],
    "period_note_fr": lambda line, names: line.note[1],
    "published_at": lambda line, names: moment(line.published_at) if line.published_at else "",
    "reason_en": lambda line, names: line.reason[0],
    "reason_fr": lambda line, names: line.reason[1],
}
"""What a row says, by the column of the file."""


def _row(line: Line, before: Line | None, columns: list[str], names: dict[int, str]) -> Row:
    cells = []
    for name in columns:
        after, said = CELLS[name](line, names), CELLS[name](before, names) if before else None
        cells.append(Shown(name, after, None if said == after or name in ("published_at", "reason_en", "reason_fr") else said))
    return Row(line.row, line.tag, Period(line.effective_on, Precision(line.precision)), tuple(cells))


def spans(numbers: list[int]) -> str:
    """ "2-15, 18" of row numbers."""
    found: list[list[int]] = []
    for number in sorted(numbers):
        if found and number == found[-1][-1] + 1:
            found[-1][1:] = [number]
        else:
            found.append([number])
    return ", ".join("–".join(map(str, span)) for span in found)


def _shown(
    request: HttpRequest, form: UploadForm, problems: Sequence[sheets.Problem] = (), status: int = 200, **difference: Any
) -> HttpResponse:
    context = {
        **admin.site.each_context(request), "title": gettext("Import readings"), "opts": Reading._meta, "form": form,
        "problems": problems[:MOST_PROBLEMS], "more_problems": max(0, len(problems) - MOST_PROBLEMS),
        "problem_count": len(problems), "opened": register_is_open(), **difference,
    }  # fmt: skip
    return render(request, "admin/regions/reading/import.html", context, status=status)


def export_readings(request: HttpRequest, ending: str) -> HttpResponseBase:
    """The rows of the list as it is filtered, drafts among them, in the columns that an import reads."""
    page = _page()
    if ending not in ("csv", "xlsx"):
        raise Http404
    if not page.has_view_or_change_permission(request):
        raise PermissionDenied
    readings = page.get_changelist_instance(request).get_queryset(request)
    list(readings[:1])  # what cannot be asked fails here, before an answer begins (readable.py)
    columns = exports.READINGS
    lines = ([column.cell(row) for column in columns] for row in exports.of_staff(readings))
    name = f"readings-{timezone.now().astimezone(UTC).date()}.{ending}"
    answer: HttpResponseBase
    if ending == "csv":
        chunks = csv_chunks([column.name for column in columns], lines)
        answer = StreamingHttpResponse(chunks, content_type="text/csv; charset=utf-8")
    else:
        file = TemporaryFile()  # noqa: SIM115 - the response closes it
        workbook.write(file, columns, lines, [], [gettext("Readings, drafts among them: for staff alone.")])
        file.seek(0)
        answer = FileResponse(file, content_type=data_files.XLSX)
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _page() -> ModelAdmin:
    return admin.site.get_model_admin(Reading)


def _regions(request: HttpRequest) -> Any:
    return admin.site.get_model_admin(Region).get_queryset(request)
