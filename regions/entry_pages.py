"""The pages of the sheet in the admin (entry.py): saving it as drafts, submitting, approving and publishing it together."""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DataError, IntegrityError, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.newsroom import proposals, trail
from itsci_site.lib.newsroom.desk import MoveForm, NewsroomAdmin
from itsci_site.lib.periods import Period
from itsci_site.lib.publishing import MOVES, Move

from . import entry
from .importers import one_writer_at_a_time
from .models import Reading, Region

TOGETHER = ("approve", "send_back", "publish", "reopen")
"""The moves that a whole sheet can make, beside being submitted."""
Told = tuple[int, str]
"""A message's level and words: said once what it speaks of is committed."""


@dataclass(frozen=True, slots=True)
class Button:
    """A move of all readings of a sheet that it leads on from. `seen`: what they say, so that nobody approves another thing."""

    move: Move
    form: MoveForm
    count: int
    seen: str
    why_not: str


def sheet_page(page: NewsroomAdmin, request: HttpRequest) -> HttpResponse:
    """GET shows the sheet of the period that the address names, POST saves it."""
    if not (page.has_view_or_change_permission(request) or page.has_add_permission(request)):
        raise PermissionDenied
    asked = entry.PeriodForm(request.GET or entry.query(entry.last_quarter()))
    period = asked.period if asked.is_valid() else entry.last_quarter()
    if request.method == "POST" and asked.is_valid():
        return _saved(page, request, asked, period)
    sheet = sheet_of(page, request, period)
    return _shown(page, request, asked, sheet, entry.SheetForm(sheet), status=200 if asked.is_valid() else 400)


def sheet_of(page: NewsroomAdmin, request: HttpRequest, period: Period, lock: bool = False) -> entry.Sheet:
    """Of the regions and readings that this person may see; cells are open where they may write."""
    places: Any = page.admin_site.get_model_admin(Region).get_queryset(request)
    readings: Any = page.get_queryset(request)
    if lock:
        readings = readings.select_for_update(of=("self",))

    def may_write(reading: Reading | None) -> bool:
        if reading is None:
            return page.has_add_permission(request)
        return page.has_change_permission(request, reading)

    return entry.sheet(period, places, readings, may_write)


def address(period: Period, name: str = "entry") -> str:
    return f"{reverse(f'admin:regions_reading_{name}')}?{urlencode(entry.query(period))}"


def _saved(page: NewsroomAdmin, request: HttpRequest, asked: entry.PeriodForm, period: Period) -> HttpResponse:
    """All or nothing. What is wrong is told by the cell and what was typed is kept."""
    problem = ""
    try:
        with trail.acting(request.user, request.POST.get("reason", "").strip()[:500]):  # type: ignore[arg-type]
            one_writer_at_a_time()
            sheet = entry.bound(sheet_of(page, request, period, lock=True), request.POST)
            form = entry.SheetForm(sheet, request.POST)
            told = _written(page, request, sheet, form) if form.is_valid() and not sheet.has_errors else None
            if told is not None and "_submit" in request.POST:
                waiting = [cell.reading for cell in sheet_of(page, request, period).cells if cell.is_open and cell.reading]
                told += _moved(page, request, waiting, MOVES["submit"], None)
    except (IntegrityError, DataError) as error:
        problem = gettext("The database refused this, and nothing was saved: {why}").format(why=proposals.plainly(error))
    if problem or told is None:
        return _shown(page, request, asked, sheet, form, problem, status=400)
    return _done(page, request, period, told)


def _written(page: NewsroomAdmin, request: HttpRequest, sheet: entry.Sheet, form: entry.SheetForm) -> list[Told] | None:
    """What to tell whoever saved; None where nothing could be written: the form then says why."""
    changes = entry.changes(sheet, form)
    for change in changes:
        if change.is_deletion and not page.has_delete_permission(request, change.reading):
            form.add_error(None, _("Your role does not delete drafts: “{reading}” stays.").format(reading=change.reading))
    if form.errors:
        return None
    deleted = 0
    for change in changes:
        if change.is_deletion:
            change.reading.delete()
            deleted += 1
        else:
            change.reading.save()
    return list(_told(sheet, len(changes) - deleted, deleted))


def _told(sheet: entry.Sheet, saved: int, deleted: int) -> Iterator[Told]:
    words = ngettext("{count} figure saved as a draft.", "{count} figures saved as drafts.", saved)
    yield messages.SUCCESS, words.format(count=saved)
    if deleted:
        words = ngettext("{count} draft deleted.", "{count} drafts deleted.", deleted)
        yield messages.SUCCESS, words.format(count=deleted)
    if flagged := sum(bool(cell.typed.value and cell.flags) for cell in sheet.cells if cell.is_open):
        words = ngettext("{count} figure to look at again.", "{count} figures to look at again.", flagged)
        yield messages.WARNING, words.format(count=flagged)
    if overtaken := [cell.name for cell in sheet.cells if cell.is_overtaken]:
        words = gettext("Changed by somebody else meanwhile, and left as they saved it: {cells}.")
        yield messages.WARNING, words.format(cells="; ".join(overtaken))


def _moved(page: NewsroomAdmin, request: HttpRequest, readings: list[Reading], move: Move, at: Any) -> list[Told]:
    """Moves each that may be moved, and says of every other which it is and why."""
    done, refused = 0, defaultdict[str, list[str]](list)
    for reading in readings:
        why = page.why_not(request, reading, reading, move)
        if not why:
            try:
                with transaction.atomic():
                    page.make_move(request, reading, reading, move, at)
                done += 1
            except ValidationError as error:
                why = " ".join(error.messages)
            except IntegrityError as error:
                why = proposals.plainly(error)
        if why:
            refused[why].append(str(reading.series))
    words = ngettext("{count} figure is {state} now.", "{count} figures are {state} now.", done)
    told = [(messages.SUCCESS, words.format(count=done, state=move.to.label))] if done else []
    words = gettext("Not moved: {names}. {why}")
    return told + [(messages.ERROR, words.format(names=", ".join(names), why=why)) for why, names in refused.items()]


def _done(page: NewsroomAdmin, request: HttpRequest, period: Period, told: list[Told]) -> HttpResponse:
    for level, words in told:
        page.message_user(request, words, level)
    return HttpResponseRedirect(address(period))


def move_page(page: NewsroomAdmin, request: HttpRequest) -> HttpResponse:
    """Approves, returns, publishes or takes back all readings of a sheet that stand there; partly, where some may not be."""
    if not page.has_view_or_change_permission(request):
        raise PermissionDenied
    asked = entry.PeriodForm(request.GET)
    move = MOVES.get(request.POST.get("move", ""))
    if request.method != "POST" or not asked.is_valid() or move is None or move.name not in TOGETHER:
        return HttpResponseRedirect(address(asked.period if asked.is_valid() else entry.last_quarter()))
    form = MoveForm(move, request.POST)
    if form.is_valid() and (at := form.cleaned_data.get("at")) and at <= timezone.now():
        form.add_error("at", _("This moment has passed. Leave it empty for now, or give a moment to come."))
    if not form.is_valid():
        sheet = sheet_of(page, request, asked.period)
        return _shown(page, request, asked, sheet, entry.SheetForm(sheet), moving=form, status=400)
    with trail.acting(request.user, form.cleaned_data["reason"]):  # type: ignore[arg-type]
        sheet = sheet_of(page, request, asked.period, lock=True)
        there = [reading for reading in sheet.readings if reading.stage in move.leaves]
        seen = set(request.POST.get("seen", "").split())
        unseen = [reading for reading in there if _shown_as(reading) not in seen]
        told = _moved(page, request, [one for one in there if one not in unseen], move, form.cleaned_data.get("at"))
    if unseen:
        words = gettext("Not moved, because it changed after you opened the sheet: {names}. Look at it and press again.")
        told.append((messages.ERROR, words.format(names=", ".join(str(one.series) for one in unseen))))
    return _done(page, request, asked.period, told)


def _shown_as(reading: Reading) -> str:
    return f"{reading.pk}:{entry.digest(reading)}"


def buttons(page: NewsroomAdmin, request: HttpRequest, sheet: entry.Sheet, moving: MoveForm | None) -> Iterator[Button]:
    user: Any = request.user
    for name in TOGETHER:
        move = MOVES[name]
        there = [one for one in sheet.readings if one.stage in move.leaves]
        if not there or (move.permission and not user.has_perm(move.permission)):
            continue
        reasons = [page.why_not(request, reading, reading, move) for reading in there]
        form = moving if moving and moving.prefix == name else MoveForm(move)
        yield Button(move, form, len(there), " ".join(map(_shown_as, there)), "" if "" in reasons else reasons[0])


def _shown(
    page: NewsroomAdmin, request: HttpRequest, asked: entry.PeriodForm, sheet: entry.Sheet, form: entry.SheetForm,
    problem: str = "", moving: MoveForm | None = None, status: int = 200,
) -> HttpResponse:  # fmt: skip
    context = {
        **page.admin_site.each_context(request), "is_nav_sidebar_enabled": False, "opts": Reading._meta, "asked": asked,
        "title": gettext("Figures: {period}").format(period=sheet.period), "sheet": sheet, "form": form, "problem": problem,
        "statuses": Reading.Status.choices, "buttons": list(buttons(page, request, sheet, moving)),
        "here": address(sheet.period), "move_address": address(sheet.period, "entry_move"),
        "may_correct": page.has_add_permission(request),
    }  # fmt: skip
    return render(request, "admin/regions/reading/entry.html", context, status=status)
