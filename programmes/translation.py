from modeltranslation.translator import TranslationOptions, register

from .models import Activity, Headline, Partner, Programme


@register(Programme)
class ProgrammeTranslation(TranslationOptions):
    fields = ["name", "strapline", "lead", "progress_lead", "iati_reporter"]


@register(Activity)
class ActivityTranslation(TranslationOptions):
    fields = ["title", "text"]


@register(Partner)
class PartnerTranslation(TranslationOptions):
    fields = ["name", "note"]


@register(Headline)
class HeadlineTranslation(TranslationOptions):
    fields = ["label", "period_note", "explanation", "correction_reason"]
