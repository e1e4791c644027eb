"""The desk: the admin of rows that take two people. Apps' admins build on `NewsroomAdmin`.

What is not public is written in directly. What is public stays as it is: the form is saved inside a transaction that is taken
back, and what it changed is kept as a proposal (proposals.py); from then on the page shows and changes that.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import md5
from typing import Any, ClassVar

from django import forms
from django.contrib import admin, messages
from django.contrib.admin.options import InlineModelAdmin
from django.contrib.admin.utils import quote, unquote
from django.core.exceptions import ObjectDoesNotExist, PermissionDenied, ValidationError
from django.db import DatabaseError, DataError, IntegrityError, OperationalError, connection, models, transaction
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.shortcuts import render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from .. import staff
from ..publishing import MOVES, Approved, Move, Publishable, Status, register_is_open
from . import guard, history, links, proposals, roles, trail, words
from .models import Entry, Proposal
from .words import Difference

CHANGED_MEANWHILE = _(
    "Somebody else saved this after you opened it. What you typed is still below, and what stands there now is set beside it. "
    "Save again to keep yours."
)
CHANGED_BEFORE_PUT_BACK = _("Somebody saved this after you opened it. Look at what would change now, then confirm again.")
NOT_YOURS = _("Your role does not allow this.")
SAY_WHY = _("Say why, in a few words: it stays on record.")
CHOOSE_AGAIN = _("What you typed is kept, the file is not: a browser does not send it twice. Choose it again before you save.")
REFUSED = (IntegrityError, DataError, OperationalError)
"""What a form can say of the database: a rule, a value, no room."""
AS_NEXT_VERSION = _("Saved as a draft of the next version. The public page stays as it is until somebody else approves that.")


@dataclass(slots=True)
class Sitting:
    """What one request to change a record knows of it."""

    opened: bool
    next_version: bool = False
    proposal: Proposal | None = None
    errors: list[Any] = field(default_factory=list)
    is_conflict: bool = False
    saved: models.Model | None = None


class MoveForm(forms.Form):
    """What a move asks for beside itself."""

    reason = forms.CharField(
        label=_("Note"), required=False, max_length=2000, widget=forms.Textarea(attrs={"rows": 2, "cols": 60})
    )
    at = forms.DateTimeField(
        label=_("Public from (UTC)"), required=False, help_text=_("Empty: now. Like 2026-12-01 08:00."),
        error_messages={"invalid": _("Give a day and a time like 2026-12-01 08:00.")},
    )  # fmt: skip

    def __init__(self, move: Move, data: Any = None) -> None:
        super().__init__(data, prefix=move.name)
        if move.asks_reason:
            self.fields["reason"].label = _("Reason")
            self.fields["reason"].required = True
            self.fields["reason"].error_messages["required"] = SAY_WHY
        if not move.asks_moment:
            del self.fields["at"]


class PutBackForm(forms.Form):
    reason = forms.CharField(
        label=_("Why this change"), max_length=500, widget=forms.TextInput(attrs={"class": "vTextField"}),
        help_text=_("In a few words. Staff see it in the history."), error_messages={"required": SAY_WHY},
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Button:
    """A move that leads on from here. `why_not`: why this person cannot make it; empty where they can."""

    move: Move
    form: MoveForm
    why_not: str


@dataclass(frozen=True, slots=True)
class Step:
    at: Any
    actor: str
    state: str
    note: str


def fingerprint(row: models.Model, children: list[tuple[type[models.Model], str]]) -> str:
    """Differs when a record or what is edited with it (model and column of the way back) was changed.

    When it was saved is left out: a next version that is tried out is saved anew each time.
    """
    said = []
    with connection.cursor() as cursor:
        for model, column in [(type(row), "id"), *children]:
            table = connection.ops.quote_name(model._meta.db_table)
            cursor.execute(
                f"SELECT coalesce(string_agg((to_jsonb(t) - 'changed_at')::text, '|' ORDER BY id), '') FROM {table} AS t"  # noqa: S608
                f" WHERE {connection.ops.quote_name(column)} = %s",
                [row.pk],
            )
            said.append(cursor.fetchone()[0])
    return md5("\n".join(said).encode(), usedforsecurity=False).hexdigest()


def steps(row: models.Model) -> list[Step]:
    """Where a row stood when, the last first: from the trail."""
    state = row.STATE if isinstance(row, Approved) else "status"
    entries = Entry.objects.filter(table_name=row._meta.db_table, row_id=row.pk, changed__contains=[state], after__isnull=False)
    return [
        Step(entry.at, entry.actor, str(Status(after[state]).label), entry.reason)
        for entry in entries.only("at", "actor", "after", "reason")[:50]
        if (after := entry.after or {}).get(state) in Status.values
    ]


class NewsroomAdmin(admin.ModelAdmin):
    in_region: ClassVar[str | None] = None
    """How a row leads to its region: "place__region". Without one it belongs to the whole programme."""
    change_form_template = "admin/newsroom/change_form.html"
    change_list_template = "admin/newsroom/change_list.html"
    delete_confirmation_template = "admin/newsroom/delete_confirmation.html"
    formfield_overrides = staff.READABLE

    # Reading and saving

    def changeform_view(
        self, request: HttpRequest, object_id: str | None = None, form_url: str = "", extra_context: dict | None = None
    ) -> HttpResponse:
        if request.method != "POST":
            return self._opened_form(request, object_id, form_url, extra_context)
        request.POST = _with_plain_lines(request.POST)  # type: ignore[assignment]
        told: list[Any] = []
        for _again in range(2):
            try:
                with trail.acting(request.user, request.POST.get("_reason", "").strip()[:2000]):  # type: ignore[arg-type]
                    return self._saved_form(request, object_id, told, form_url, extra_context)
            except REFUSED as error:
                # The form comes back with what was typed, and says this instead of being saved a second time.
                told = [_why_refused(error)]
        self.message_user(request, told[0], messages.ERROR)
        return HttpResponseRedirect(request.get_full_path())

    def _opened_form(self, request: HttpRequest, object_id: str | None, *args: Any) -> HttpResponse:
        proposal = self.pending(object_id)
        sitting = Sitting(register_is_open(), proposal is not None, proposal)
        request.newsroom = sitting  # type: ignore[attr-defined]
        with self._seen_with(proposal):
            response = super().changeform_view(request, object_id, *args)
            return _rendered(response)

    @contextmanager
    def _seen_with(self, proposal: Proposal | None) -> Iterator[None]:
        """Rows as the proposal would have them; as they are, where it would take the record away."""
        if proposal is None or not proposal.changes or proposal.deletes_record:
            yield
            return
        with transaction.atomic():
            self._tried_out(proposal)
            yield
            transaction.set_rollback(True)

    @staticmethod
    def _tried_out(proposal: Proposal | None) -> None:
        """Where its changes no longer fit the rows they are left out; the panel says so."""
        proposals.try_out()
        if proposal and not proposal.deletes_record:
            try:
                with transaction.atomic():
                    proposals.replay(proposal.changes)
            except IntegrityError as error:
                proposal.problem = proposals.plainly(error)

    def _saved_form(self, request: HttpRequest, object_id: str | None, told: list[Any], *args: Any) -> HttpResponse:
        proposal = self.pending(object_id, lock=True)
        opened = register_is_open()
        sitting = Sitting(opened, opened and (proposal is not None or self._reaches_public(request, object_id)), proposal)
        sitting.errors += told
        request.newsroom = sitting  # type: ignore[attr-defined]
        start, mark = trail.last_entry(), transaction.savepoint()
        if sitting.next_version:
            self._tried_out(proposal)
        if object_id:
            self._look_closer(request, unquote(object_id), sitting)
        response = _rendered(super().changeform_view(request, object_id, *args))
        if sitting.saved is None:
            transaction.savepoint_rollback(mark)
            return response
        if not self.get_queryset(request).filter(pk=sitting.saved.pk).exists():
            raise PermissionDenied  # into a region of somebody else
        changes = trail.changes_since(start)
        if sitting.next_version:
            regions = self._regions(sitting.saved)
            transaction.savepoint_rollback(mark)
            sitting.proposal = self._kept(sitting, changes, regions)
        elif opened and any(proposals.is_shown(change) for change in changes):
            raise PermissionDenied
        else:
            self._tell_of_pages(request, changes)
        self._submitted_at_once(request, sitting)
        return response

    def _tell_of_pages(self, request: HttpRequest, changes: Iterable[trail.Change]) -> None:
        """Which records wait anew because something that stands in their page was written (newsroom_guard_part)."""
        for change in changes:
            model: Any = proposals.models_by_table()[change.table]
            if not issubclass(model, Approved) or model is self.model or change.operation != "update":
                continue
            if (change.after or {}).get(model.STATE) == Status.DRAFT:
                told = _("“{row}”, which this stands in, is a draft again: submit it anew.")
                self.message_user(request, told.format(row=model._base_manager.get(pk=change.id)), messages.WARNING)

    def _look_closer(self, request: HttpRequest, key: str, sitting: Sitting) -> None:
        """What refuses a form whose fields are right: another person's change, a change without a reason."""
        row = self.get_object(request, key)
        if row is None:
            return
        if request.POST.get("_seen") and request.POST["_seen"] != self.fingerprint(row):
            sitting.is_conflict = True
            sitting.errors.append(CHANGED_MEANWHILE)
        if sitting.opened and not request.POST.get("_reason", "").strip():
            sitting.errors.append(SAY_WHY)

    def _reaches_public(self, request: HttpRequest, object_id: str | None) -> bool:
        """Would saving this form by itself change what readers see?"""
        if object_id:
            row = super().get_object(request, unquote(object_id))
            return row is not None and proposals.row_is_shown(self.model, {row.pk})
        name = guard.parent_field(self.model)
        if name is None or issubclass(self.model, Approved):
            return False
        parent = request.POST.get(name, "")
        related: Any = self.model._meta.get_field(name).related_model
        return parent.isascii() and parent.isdigit() and len(parent) < 19 and proposals.row_is_shown(related, {int(parent)})

    def _regions(self, row: models.Model) -> list[int]:
        if self.in_region is None:
            return []
        return list(self.model._base_manager.filter(pk=row.pk).values_list(self.in_region, flat=True))

    def _kept(self, sitting: Sitting, changes: list[trail.Change], regions: list[int]) -> Proposal:
        """The changes as a proposal, which goes back to being a draft where it was submitted."""
        row = sitting.saved
        assert row is not None  # noqa: S101 - a form was saved
        proposal = sitting.proposal or Proposal(record=self.model._meta.label_lower, row_id=row.pk)
        proposal.title = f"{self.model._meta.verbose_name}: {row}"[:300]
        proposal.back_to_draft()
        proposal.changes = [change.as_json() for change in changes]
        proposal.regions = regions
        proposal.problem = ""
        proposal.save()
        return proposal

    def _submitted_at_once(self, request: HttpRequest, sitting: Sitting) -> None:
        if "_submit" not in request.POST:
            return
        target = sitting.proposal or sitting.saved
        if isinstance(target, Approved):
            target = type(target)._base_manager.get(pk=target.pk)
            user: Any = request.user
            try:
                with transaction.atomic():
                    target.submit(by=user)
                self.message_user(request, _("Submitted: somebody else can approve it now."), messages.SUCCESS)
            except ValidationError as error:
                self.message_user(request, " ".join(error.messages), messages.ERROR)

    def pending(self, object_id: str | None, lock: bool = False) -> Proposal | None:
        """The next version of a record that is being written, if there is one. `object_id` as addresses quote it."""
        key = unquote(object_id) if object_id else ""
        if not (key.isascii() and key.isdigit() and len(key) < 19):
            return None
        found = Proposal.objects.pending().of(self.model, int(key))
        return (found.select_for_update() if lock else found).first()

    def fingerprint(self, row: models.Model) -> str:
        return fingerprint(row, self.children())

    def children(self) -> list[history.Child]:
        """What is edited in a record's page with it: its inlines, and its links to other records."""
        linked = [(one.remote_field.through, one.m2m_column_name()) for one in self.model._meta.local_many_to_many]
        return [*((inline.model, _way_back(inline, self.model)) for inline in self.inlines), *linked]

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        errors = getattr(request, "newsroom", Sitting(False)).errors
        if not errors:
            return form

        class Refused(form):
            def _post_clean(self) -> None:
                super()._post_clean()
                for error in errors:
                    self.add_error(None, error)

        return Refused

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        sitting: Sitting = request.newsroom  # type: ignore[attr-defined]
        if change and isinstance(obj, Approved) and not sitting.next_version and sitting.opened:
            obj.back_to_draft()
        super().save_model(request, obj, form, change)
        sitting.saved = obj

    def response_add(self, request: HttpRequest, obj: Any, post_url_continue: str | None = None) -> HttpResponse:
        return self._told(request, obj) or super().response_add(request, obj, post_url_continue)

    def response_change(self, request: HttpRequest, obj: Any) -> HttpResponse:
        return self._told(request, obj) or super().response_change(request, obj)

    def _told(self, request: HttpRequest, obj: Any) -> HttpResponse | None:
        sitting: Sitting = request.newsroom  # type: ignore[attr-defined]
        if sitting.next_version:
            self.message_user(request, AS_NEXT_VERSION, messages.SUCCESS)
        elif "_submit" not in request.POST:
            return None
        return HttpResponseRedirect(self.address_of(obj.pk))

    def address_of(self, pk: Any, page: str = "change") -> str:
        meta = self.model._meta
        return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=[quote(pk)], current_app=self.admin_site.name)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Any:
        """One at a time: while somebody saves a record another's save of it waits, and then sees what was saved."""
        found: Any = super().get_object(request, object_id, from_field)
        if found is not None and request.method == "POST" and connection.in_atomic_block:
            found = self.get_queryset(request).select_for_update(of=("self",)).filter(pk=found.pk).first()
        return found

    def render_change_form(
        self, request: HttpRequest, context: Any, add: bool = False, change: bool = False, form_url: str = "", obj: Any = None
    ) -> Any:
        sitting: Sitting = getattr(request, "newsroom", Sitting(register_is_open()))
        row = obj
        if request.FILES:
            self.message_user(request, CHOOSE_AGAIN, messages.WARNING)
        context |= {
            "sitting": sitting,
            "reason": request.POST.get("_reason", ""),
            "seen": self.fingerprint(row) if row else "",
            "yours": list(_set_beside(_forms_of(context))) if sitting.is_conflict else [],
            "panel": self.panel(request, row, sitting) if row else None,
            "previews": links.previews(self.model, row.pk) if row and hasattr(row, "get_absolute_url") else [],
            "takes_two": issubclass(self.model, Approved) or sitting.next_version,
        }
        return super().render_change_form(request, context, add, change, form_url, obj)

    # Whose regions these are

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        found = super().get_queryset(request)
        return found if self.in_region is None else roles.within(found, request.user, self.in_region)

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        """Offers the rows of one's own regions alone."""
        page = self.admin_site._registry.get(db_field.related_model)
        if isinstance(page, NewsroomAdmin) and page.in_region is not None:
            kwargs.setdefault("queryset", page.get_queryset(request))
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def _may_write(self, request: HttpRequest) -> bool:
        """What belongs to the whole programme is written by those whose desk is everywhere."""
        return self.in_region is not None or roles.is_everywhere(request.user)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return super().has_add_permission(request) and self._may_write(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and self._may_write(request)

    # Moves

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta
        move = path(
            "<path:object_id>/move/",
            self.admin_site.admin_view(self.move_view),
            name=f"{meta.app_label}_{meta.model_name}_move",
        )
        put_back = path(
            "<path:object_id>/history/<int:entry>/put-back/",
            self.admin_site.admin_view(self.put_back_view),
            name=f"{meta.app_label}_{meta.model_name}_put_back",
        )
        return [move, put_back, *super().get_urls()]

    def panel(self, request: HttpRequest, row: Any, sitting: Sitting) -> dict[str, Any] | None:
        """Where a record stands and what can be done with it."""
        target = sitting.proposal or row
        if not isinstance(target, Approved):
            return None
        is_shown = not isinstance(row, Publishable) or row.is_public()
        return {
            "state": target.state.label,
            "is_next_version": sitting.proposal is not None,
            "hidden": "" if is_shown else getattr(row, "standing", row.state.label),
            "is_shut": not is_shown and row.state != Status.PUBLISHED,
            "public_from": getattr(target, target.MOMENT),
            "problem": getattr(target, "problem", ""),
            "steps": steps(target),
            "buttons": list(self.buttons(request, row, target)),
            "differences": list(words.of_changes(sitting.proposal.changes)) if sitting.proposal else [],
            "move_address": self.address_of(row.pk, "move"),
        }

    def buttons(self, request: HttpRequest, row: Any, target: Approved) -> Iterator[Button]:
        """Those that this person's role allows, and their own words that wait for somebody else."""
        for name in target.moves:
            why_not = self.why_not(request, row, target, MOVES[name]) if target.can(name) else str(NOT_YOURS)
            if why_not != NOT_YOURS:
                yield Button(MOVES[name], MoveForm(MOVES[name]), why_not)

    def why_not(self, request: HttpRequest, row: Any, target: Approved, move: Move) -> str:
        """Why this person cannot make a move; empty where they can."""
        user: Any = request.user
        if move.permission and not user.has_perm(move.permission):
            return str(NOT_YOURS)
        if not move.permission and not self.has_change_permission(request, row):
            return str(NOT_YOURS)
        if move.name == "approve" and user.pk in target.authors:
            return gettext("You wrote some of this or submitted it: somebody else has to approve it.")
        return ""

    def move_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """Makes a move of a record or of its next version; with an error shows the move's own page, what was typed kept."""
        move = MOVES.get(request.POST.get("move", ""))
        if request.method != "POST" or move is None:
            return HttpResponseRedirect(self.address_of(unquote(object_id)))
        form = MoveForm(move, request.POST)
        if not form.is_valid():
            return self._move_page(request, object_id, move, form)
        try:
            with trail.acting(request.user, form.cleaned_data["reason"]):  # type: ignore[arg-type]
                proposal = self.pending(object_id, lock=True)
                with self._seen_with(proposal):
                    row = self.get_object(request, unquote(object_id))
                if row is None or not self.has_view_or_change_permission(request, row):
                    raise PermissionDenied
                target: Any = proposal or row
                if not isinstance(target, Approved):
                    raise PermissionDenied
                if why := self.why_not(request, row, target, move):
                    raise ValidationError(why)
                self.make_move(request, row, target, move, form.cleaned_data.get("at"))
        except ValidationError as error:
            form.add_error(None, error.messages)
            return self._move_page(request, object_id, move, form)
        except IntegrityError as error:
            form.add_error(None, _("The database refused this: {why}").format(why=proposals.plainly(error)))
            return self._move_page(request, object_id, move, form)
        proposals.apply_due()
        self.message_user(
            request, _("Done: “{row}” is {state} now.").format(row=row, state=target.state.label), messages.SUCCESS
        )
        there = self.get_queryset(request).filter(pk=row.pk).exists() or self.pending(object_id)
        return HttpResponseRedirect(self.address_of(row.pk) if there else reverse("admin:index"))

    def make_move(self, request: HttpRequest, row: Any, target: Any, move: Move, at: Any) -> None:
        """What a move does beside itself can be added by a record's own admin. Raises ValidationError."""
        if at is not None and at <= timezone.now():
            raise ValidationError(_("This moment has passed. Leave it empty for now, or give a moment to come."))
        target.move(move.name, request.user, at)

    def _move_page(self, request: HttpRequest, object_id: str, move: Move, form: MoveForm) -> HttpResponse:
        context = {
            **self.admin_site.each_context(request), "opts": self.model._meta, "move": move, "form": form, "title": move.label,
            "back": self.address_of(unquote(object_id)), "address": self.address_of(unquote(object_id), "move"),
        }  # fmt: skip
        return render(request, "admin/newsroom/move.html", context, status=400)

    # History

    def history_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """What became of a record and of what is edited with it, newest first."""
        last = trail.last_entry()
        with self._seen_with(self.pending(object_id)):
            row = self.get_object(request, unquote(object_id))
            if row is None:
                return self._get_obj_does_not_exist_redirect(request, self.model._meta, object_id)  # type: ignore[attr-defined]
            if not self.has_view_or_change_permission(request, row):
                raise PermissionDenied
            entries = history.entries_of(row, self.children(), last)
            before = request.GET.get("before", "")
            if before.isascii() and before.isdigit() and len(before) < 19:
                entries = entries.filter(pk__lt=int(before))
            found = list(entries[: history.ENTRIES_A_PAGE + 1])
            shown = found[: history.ENTRIES_A_PAGE]
            context = {
                **self.admin_site.each_context(request), **(extra_context or {}), "opts": self.model._meta, "object": row,
                "title": _("History: {row}").format(row=row), "events": history.events(shown),
                "next": shown[-1].pk if len(found) > len(shown) else None, "is_first_page": not before,
                "can_put_back": self.has_change_permission(request, row), "address": self.address_of(row.pk),
                "history": self.address_of(row.pk, "history"),
            }  # fmt: skip
            return render(request, "admin/newsroom/history.html", context)

    def put_back_view(self, request: HttpRequest, object_id: str, entry: int) -> HttpResponse:
        """Puts a row of this record back as it was before a change: shown first, then made with a reason."""
        form = PutBackForm(request.POST if request.method == "POST" else None)
        with trail.acting(request.user, form.data.get("reason", "").strip()):  # type: ignore[arg-type]
            mark = transaction.savepoint()
            proposal = self.pending(object_id, lock=request.method == "POST")
            start = trail.last_entry()
            if proposal:
                self._tried_out(proposal)
            row = self.get_object(request, unquote(object_id))
            if row is None:
                return self._get_obj_does_not_exist_redirect(request, self.model._meta, object_id)  # type: ignore[attr-defined]
            found = history.entries_of(row, self.children(), start).filter(pk=entry, operation=Entry.Operation.UPDATE).first()
            model = proposals.models_by_table().get(found.table_name) if found else None
            if found is None or model is None:
                raise Http404
            what = history.putting(found, model, start)
            why_not = self._why_not_put_back(request, row, what)
            seen = self.fingerprint(row)
            if form.is_valid() and not why_not and what is not None:
                if request.POST.get("_seen") != seen:
                    form.add_error(None, CHANGED_BEFORE_PUT_BACK)
                elif done := self._put_back(request, row, what, form, proposal, start, mark):
                    return done
            context = {
                **self.admin_site.each_context(request), "opts": self.model._meta, "object": row, "form": form, "entry": found,
                "title": _("Put back as it was before this change"), "what": what, "why_not": why_not, "seen": seen,
                "differences": list(words.of_changes([what.change])) if what else [],
                "is_next_version": self._goes_to_next_version(what, proposal),
                "history": self.address_of(row.pk, "history"), "address": self.address_of(row.pk),
            }  # fmt: skip
            response = render(request, "admin/newsroom/put_back.html", context, status=400 if form.errors or why_not else 200)
            transaction.savepoint_rollback(mark)
            return response

    def _why_not_put_back(self, request: HttpRequest, row: Any, what: history.Putting | None) -> str:
        if what is None:
            return gettext("This row is not there any more. If it was deleted, it can be restored from the bin.")
        target: Any = what.model._base_manager.get(pk=what.pk)
        if isinstance(target, Approved) and target.state == Status.PUBLISHED and "withdraw" not in target.moves:
            return gettext("Readers have seen this, and it stays as it is. Add a correction instead.")
        user: Any = request.user
        changes = f"{what.model._meta.app_label}.change_{what.model._meta.model_name}"
        if not self.has_change_permission(request, row) or not (what.model._meta.auto_created or user.has_perm(changes)):
            return str(NOT_YOURS)
        if not what.after:
            return gettext("Nothing to put back: what this change made is not there any more, or its values are not kept.")
        return ""

    @staticmethod
    def _goes_to_next_version(what: history.Putting | None, proposal: Proposal | None) -> bool:
        if what is None or not register_is_open():
            return False
        return proposal is not None or proposals.row_is_shown(what.model, {what.pk})

    def _put_back(
        self, request: HttpRequest, row: Any, what: history.Putting, form: forms.Form, proposal: Proposal | None, start: int,
        mark: str,
    ) -> HttpResponse | None:  # fmt: skip
        """None where it is refused; the form then says why."""
        opened = register_is_open()
        sitting = Sitting(opened, self._goes_to_next_version(what, proposal), proposal, saved=row)
        try:
            with transaction.atomic():
                history.check(what)
                if sitting.next_version:
                    proposals.try_out()
                elif opened and isinstance(row, Approved):
                    state = row.state
                    row.back_to_draft()
                    if row.state != state:
                        row.save(update_fields=[row.STATE, "approved_by"])
                proposals.replay([what.change])
        except ValidationError as error:
            form.add_error(None, error.messages)
            return None
        except DatabaseError as error:
            form.add_error(None, _("The database refused this: {why}").format(why=proposals.plainly(error)))
            return None
        if sitting.next_version:
            changes, regions = trail.changes_since(start), self._regions(row)
            transaction.savepoint_rollback(mark)
            self._kept(sitting, changes, regions)
            self.message_user(request, AS_NEXT_VERSION, messages.SUCCESS)
        else:
            self.message_user(request, _("It is as it was before."), messages.SUCCESS)
        return HttpResponseRedirect(self.address_of(row.pk))

    # Deleting and lists

    def may_see_deleted(self, request: HttpRequest, values: dict[str, Any]) -> bool:
        """May this person see a deleted row, by its last values as JSON, and restore it? Of one's own regions alone."""
        if not self.has_view_permission(request) or self.in_region is None or roles.is_everywhere(request.user):
            return self.has_view_permission(request)
        first, _parts, rest = self.in_region.partition("__")
        desk = roles.desk_of(request.user)
        regions = set(desk.regions.values_list("pk", flat=True)) if desk else set()
        if first == "pk":
            return values.get("id") in regions
        link: Any = self.model._meta.get_field(first)
        key = values.get(link.column)
        if not rest:
            return key in regions
        return link.related_model._base_manager.filter(pk=key, **{f"{rest}__in": regions}).exists()

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """What is published is withdrawn first."""
        is_published = isinstance(obj, Publishable) and obj.status == Status.PUBLISHED
        may = super().has_delete_permission(request, obj) and self._may_write(request)
        return may and not (is_published and register_is_open())

    def delete_view(self, request: HttpRequest, object_id: str, extra_context: dict | None = None) -> HttpResponse:
        """What readers see goes with the approval of its next version, which lacks it."""
        if request.method != "POST":
            return super().delete_view(request, object_id, extra_context)
        reason, opened = request.POST.get("_reason", "").replace("\0", "").strip()[:2000], register_is_open()
        row = None if reason or not request.POST else self.get_object(request, unquote(object_id))
        if row is not None and self.has_delete_permission(request, row):
            self.message_user(request, SAY_WHY, messages.ERROR)
            return HttpResponseRedirect(request.get_full_path())
        with trail.acting(request.user, reason):  # type: ignore[arg-type]
            sitting = Sitting(opened, opened and self._reaches_public(request, object_id), self.pending(object_id, lock=True))
            request.newsroom = sitting  # type: ignore[attr-defined]
            start, mark = trail.last_entry(), transaction.savepoint()
            if sitting.next_version:
                sitting.saved = self.get_object(request, unquote(object_id))
                regions = self._regions(sitting.saved) if sitting.saved else []
                proposals.try_out()
            response = _rendered(super().delete_view(request, object_id, extra_context))
            changes = trail.changes_since(start)
            if sitting.next_version:
                transaction.savepoint_rollback(mark)
                if changes:
                    self._kept(sitting, changes, regions)
            else:
                self._tell_of_pages(request, changes)
        return response

    def response_delete(self, request: HttpRequest, obj_display: str, obj_id: Any) -> HttpResponse:
        sitting: Sitting = getattr(request, "newsroom", Sitting(False))
        if not sitting.next_version:
            return super().response_delete(request, obj_display, obj_id)
        self.message_user(request, _("It goes once somebody else approves that."), messages.SUCCESS)
        return HttpResponseRedirect(self.address_of(obj_id))

    def changelist_view(self, request: HttpRequest, extra_context: dict | None = None) -> Any:
        if request.method != "POST":
            return super().changelist_view(request, extra_context)
        with trail.acting(request.user, str(_("From the list"))):  # type: ignore[arg-type]
            return _rendered(super().changelist_view(request, extra_context))

    def has_approve_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("newsroom.approve")

    def has_withdraw_permission(self, request: HttpRequest) -> bool:
        return request.user.has_perm("newsroom.withdraw")


def _with_plain_lines(sent: QueryDict) -> QueryDict:
    """Browsers end lines in their own way: that alone is no change of a text."""
    plain = sent.copy()
    for name, values in sent.lists():
        plain.setlist(name, [value.replace("\r\n", "\n") if isinstance(value, str) else value for value in values])
    return plain


def _why_refused(error: DatabaseError) -> Any:
    """In words. Raises the error again where no form can say it: a database that is gone."""
    if isinstance(error, OperationalError):
        if "No space left on device" not in str(error):
            raise error
        return _("The disk is full, and nothing was saved. Tell whoever runs the site, then save again.")
    return _("The database refused this, and nothing was saved: {why}").format(why=proposals.plainly(error))


def _rendered(response: Any) -> HttpResponse:
    """Rendered now: a template queries late, and what it should see is about to be taken back."""
    return response.render() if hasattr(response, "render") and not response.is_rendered else response


def _way_back(inline: type[InlineModelAdmin], parent: type[models.Model]) -> str:
    """The column of an inline's model that leads to the record it stands in."""
    found = [one for one in inline.model._meta.fields if one.remote_field and one.related_model is parent]
    named = [one for one in found if one.name == inline.fk_name] or found
    return named[0].column


def _forms_of(context: dict[str, Any]) -> Iterator[forms.ModelForm]:
    yield context["adminform"].form
    for inline in context["inline_admin_formsets"]:
        yield from inline.formset.forms


def _set_beside(forms_shown: Iterable[forms.ModelForm]) -> Iterator[Difference]:
    """What stands in the database now, beside what was typed: in the main form and in those of the rows below it."""
    for form in forms_shown:
        row = "" if form.prefix is None else str(form.instance) if form.instance.pk else gettext("new row")
        for name in form.changed_data:
            bound = form[name]
            typed = bound.value() if name != "DELETE" else gettext("to be deleted")
            yield words.compared(row, str(bound.label), _in_words(bound.field, bound.initial), _in_words(bound.field, typed))


def _in_words(of: forms.Field, value: Any) -> str:
    """A value of a field of a form as its widget shows it."""
    if value is None or value is False or value == "":
        return ""
    if isinstance(value, list | tuple | models.QuerySet):
        return ", ".join(_in_words(of, one) for one in value)
    if isinstance(of, forms.ModelChoiceField):
        try:
            return str(of.queryset.get(pk=getattr(value, "pk", value)))  # type: ignore[union-attr]
        except (ObjectDoesNotExist, ValueError, TypeError):
            return str(value)
    if isinstance(of, forms.ChoiceField):
        return str(dict(of.choices).get(value, value))  # type: ignore[arg-type]
    return gettext("yes") if value is True else str(value)
