from modeltranslation.translator import TranslationOptions, register

from .models import Country, Metric, Milestone, Reading, Region, Source


@register(Country)
class CountryTranslation(TranslationOptions):
    fields = ["name", "short_name", "introduction"]


@register(Region)
class RegionTranslation(TranslationOptions):
    fields = ["name", "lead", "narrative"]


@register(Milestone)
class MilestoneTranslation(TranslationOptions):
    fields = ["text"]


@register(Metric)
class MetricTranslation(TranslationOptions):
    fields = ["name", "short_name", "definition", "unit"]


@register(Source)
class SourceTranslation(TranslationOptions):
    fields = ["name", "publisher", "note"]


@register(Reading)
class ReadingTranslation(TranslationOptions):
    fields = ["period_note", "reason"]
