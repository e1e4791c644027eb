from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.core.files.storage import default_storage
from django.db import models
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin, TranslationStackedInline

from itsci_site.lib import staff, uploads
from itsci_site.lib.languages import in_each_language
from itsci_site.lib.newsroom.desk import NewsroomAdmin
from itsci_site.lib.publishing import register_is_open

from . import files
from .giveaways import giveaways
from .models import Document, Meeting, Place, Sensitivity

NO_ROOM = _("The disk is full, and nothing was saved. Tell whoever runs the site, then choose the file again.")


class Ticks(forms.MultipleChoiceField):
    """What was ticked, whatever it is: the form below compares it. By itself it is no change of a record."""

    def valid_value(self, value: str) -> bool:
        return True

    def has_changed(self, initial: Any, data: Any) -> bool:
        return False


class CheckedForm(staff.RulesForm):
    """Asks about every word of its texts that may give somebody away, until it is ticked or taken out.

    What stood there before was asked about then.
    """

    texts: ClassVar[list[str]]
    checked = Ticks(label=_("I checked these"), required=False, widget=forms.MultipleHiddenInput)

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or self.cleaned_data
        asked = {}
        for name in self.texts:
            known = set(giveaways(self.initial.get(name) or "", self.hides_day(self.initial)))
            for found in giveaways(data.get(name) or "", self.hides_day(data)):
                if found not in known:
                    asked[str(found)] = _("“{words}” in “{field}” looks like {kind}.").format(
                        words=found.words, field=self.fields[name].label, kind=found.kind.label
                    )
        if asked:
            self.fields["checked"].widget = forms.CheckboxSelectMultiple(choices=list(asked.items()))
            if not asked.keys() <= set(data.get("checked") or ()):
                self.add_error(
                    "checked",
                    _("No name, telephone, plate or exact site is ever published. Take out what is one, tick what is not."),
                )
        return data

    def hides_day(self, values: Mapping[str, Any]) -> bool:
        """Do these values, typed or from before, belong to a meeting that is told by its month alone?"""
        raise NotImplementedError


class MeetingForm(CheckedForm):
    texts = in_each_language("topics", "summary")

    def hides_day(self, values: Mapping[str, Any]) -> bool:
        return values.get("sensitivity", Sensitivity.NONE) != Sensitivity.NONE and not self.instance.from_source


class DocumentForm(CheckedForm):
    texts = in_each_language("title")
    in_words = {"meetings_document_language_code": ("language", _("Two or three small letters, like en, fr or swa."))}

    def _post_clean(self) -> None:
        """Writes the file now, while there is a form to say that it could not be written; `kept_if_named` looks after it."""
        super()._post_clean()  # type: ignore[misc]
        file = self.instance.file
        if self.errors or not file or file._committed:
            return
        try:
            file.save(file.name, file.file, save=False)
        except OSError as error:
            self.add_error("file", uploads.why_not_written(error, NO_ROOM))

    def hides_day(self, values: Mapping[str, Any]) -> bool:
        meeting = self.cleaned_data.get("meeting")
        return meeting is not None and not meeting.shows_day


def keeping_files(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """A view of an admin that may write files or leave some without a name."""

    @wraps(view)
    def kept(page: admin.ModelAdmin, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return view(page, request, *args, **kwargs)
        with uploads.kept_if_named(default_storage, files.unnamed):
            response = view(page, request, *args, **kwargs)
        with uploads.swept_later():
            files.sweep()
        return response

    return kept


def public_document(page: admin.ModelAdmin, document: Document) -> str | None:
    return document.get_absolute_url() if document.meeting.is_public() else None


@admin.register(Place)
class PlaceAdmin(NewsroomAdmin, TranslationAdmin):
    in_region = "region"
    list_display = ["name", "region", "note", staff.changed_since]
    list_filter = ["region", staff.TranslationFilter]
    list_select_related = ["region"]
    search_fields = in_each_language("name")
    actions = [staff.confirm_translation]
    autocomplete_fields = ["region"]
    prepopulated_fields = {"slug": ["name_en"]}


class DocumentInline(TranslationStackedInline):
    model = Document
    form = DocumentForm
    formfield_overrides = {models.FileField: {"widget": forms.FileInput}}  # the file has no address of its own to link to
    view_on_site = public_document
    extra = 0


@admin.register(Meeting)
class MeetingAdmin(NewsroomAdmin, TranslationAdmin):
    in_region = "place__region"
    form = MeetingForm
    list_display = ["place", "held_on", "is_excerpt", "sensitivity", "status", "publish_at", staff.changed_since]
    list_filter = ["status", "place__region", "sensitivity", "is_excerpt", staff.TranslationFilter]
    list_select_related = ["place__region"]
    search_fields = in_each_language("place__name", "topics", "summary")
    date_hierarchy = "held_on"
    autocomplete_fields = ["place"]
    actions = [staff.publish, staff.withdraw, staff.confirm_translation]
    view_on_site = staff.public_address
    inlines = [DocumentInline]
    fieldsets = [
        (None, {"fields": ["place", "held_on", "sensitivity", "slug"]}),
        (_("Text"), {"fields": ["topics", "summary", "checked", "is_excerpt"]}),
        (_("Publishing"), {"fields": [*staff.STATE, "from_source"]}),
    ]

    changeform_view = keeping_files(NewsroomAdmin.changeform_view)
    delete_view = keeping_files(NewsroomAdmin.delete_view)
    move_view = keeping_files(NewsroomAdmin.move_view)

    def get_readonly_fields(self, request: HttpRequest, obj: Meeting | None = None) -> list[str]:
        """What the programme published before the register keeps its place and day (meetings_meeting_source_stays)."""
        stays = ["place", "held_on"] if obj and obj.from_source and register_is_open() else []
        return [*staff.STATE, "from_source", *stays]


@admin.register(Document)
class DocumentAdmin(NewsroomAdmin, TranslationAdmin):
    in_region = "meeting__place__region"
    form = DocumentForm
    list_display = ["title", "meeting", "language", staff.changed_since]
    list_filter = ["language", "meeting__place__region", staff.TranslationFilter]
    list_select_related = ["meeting__place"]
    search_fields = in_each_language("title", "meeting__place__name")
    actions = [staff.confirm_translation]
    autocomplete_fields = ["meeting"]
    formfield_overrides = staff.READABLE | {models.FileField: {"widget": forms.FileInput}}
    view_on_site = public_document

    changeform_view = keeping_files(NewsroomAdmin.changeform_view)
    delete_view = keeping_files(NewsroomAdmin.delete_view)
    move_view = keeping_files(NewsroomAdmin.move_view)
