from modeltranslation.translator import TranslationOptions, register

from .models import Document, Meeting, Place


@register(Place)
class PlaceTranslation(TranslationOptions):
    fields = ["name", "note"]


@register(Meeting)
class MeetingTranslation(TranslationOptions):
    fields = ["topics", "summary"]


@register(Document)
class DocumentTranslation(TranslationOptions):
    fields = ["title"]
