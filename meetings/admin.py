from django import forms
from django.contrib import admin
from django.db import models
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin, TranslationStackedInline

from itsci_site.lib import staff
from itsci_site.lib.languages import in_each_language

from .models import Document, Meeting, Place


class DocumentForm(staff.RulesForm):
    in_words = {"meetings_document_language_code": ("language", _("Two or three small letters, like en, fr or swa."))}


def public_document(page: admin.ModelAdmin, document: Document) -> str | None:
    return document.get_absolute_url() if document.meeting.is_public() else None


@admin.register(Place)
class PlaceAdmin(TranslationAdmin):
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
class MeetingAdmin(TranslationAdmin):
    form = staff.RulesForm
    list_display = ["place", "held_on", "is_excerpt", "mentions_incident", "status", "publish_at", staff.changed_since]
    list_filter = ["status", "place__region", "mentions_incident", "is_excerpt", staff.TranslationFilter]
    list_select_related = ["place__region"]
    search_fields = in_each_language("place__name", "topics", "summary")
    date_hierarchy = "held_on"
    autocomplete_fields = ["place"]
    readonly_fields = staff.STATE
    actions = [staff.publish, staff.withdraw, staff.confirm_translation]
    view_on_site = staff.public_address
    inlines = [DocumentInline]
    fieldsets = [
        (None, {"fields": ["place", "held_on", "slug", "mentions_incident"]}),
        (_("Text"), {"fields": ["topics", "summary", "is_excerpt"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]


@admin.register(Document)
class DocumentAdmin(TranslationAdmin):
    form = DocumentForm
    list_display = ["title", "meeting", "language", staff.changed_since]
    list_filter = ["language", "meeting__place__region", staff.TranslationFilter]
    list_select_related = ["meeting__place"]
    search_fields = in_each_language("title", "meeting__place__name")
    actions = [staff.confirm_translation]
    autocomplete_fields = ["meeting"]
    formfield_overrides = {models.FileField: {"widget": forms.FileInput}}
    view_on_site = public_document
