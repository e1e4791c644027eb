from typing import Any

from django.contrib import admin
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin, TranslationStackedInline

from itsci_site.lib import staff

from .models import Activity, Headline, Partner, Programme


class ActivityInline(TranslationStackedInline):
    model = Activity
    extra = 0


class PartnerInline(TranslationStackedInline):
    model = Partner
    extra = 0


@admin.register(Programme)
class ProgrammeAdmin(TranslationAdmin):
    form = staff.RulesForm
    list_display = ["name", "status", "publish_at", "order"]
    list_filter = ["status", "regions"]
    search_fields = ["name_en", "name_fr"]
    prepopulated_fields = {"slug": ["name_en"]}
    filter_horizontal = ["regions", "metrics"]
    readonly_fields = staff.STATE
    actions = [staff.publish, staff.withdraw]
    view_on_site = staff.public_address
    inlines = [ActivityInline, PartnerInline]
    fieldsets = [
        (None, {"fields": ["name", "slug", "order"]}),
        (_("Text"), {"fields": ["strapline", "lead", "progress_lead"]}),
        (_("Figures"), {"fields": ["regions", "metrics"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]


@admin.register(Activity)
class ActivityAdmin(TranslationAdmin):
    list_display = ["title", "programme", "order"]
    list_filter = ["programme"]
    list_select_related = ["programme"]
    search_fields = ["title_en", "title_fr", "text_en", "text_fr"]


@admin.register(Partner)
class PartnerAdmin(TranslationAdmin):
    list_display = ["name", "role", "programme", "order"]
    list_filter = ["role", "programme"]
    list_select_related = ["programme"]
    search_fields = ["name_en", "name_fr", "note_en", "note_fr"]


class HeadlineForm(staff.RulesForm):
    in_words = {
        "programmes_headline_not_negative": ("value", _("A count is never below 0.")),
        "programmes_headline_starts_period": (
            "effective_on",
            _("Give the first day of the period: 2017-01-01 for the year 2017, 2017-04-01 for its 2nd quarter."),
        ),
    }

    def clean(self) -> dict[str, Any]:
        super().clean()
        comparison, metric, beside = (self.cleaned_data.get(name) for name in ("comparison", "metric", "beside"))
        if comparison == Headline.Beside.NONE and beside:
            self.add_error("beside", _("Leave this empty: a figure that is not broken down by region stands beside none."))
        if comparison == Headline.Beside.SAME and metric and beside != metric:
            self.add_error("beside", _("Choose the headline's own metric: only the same measure can be subtracted."))
        if comparison == Headline.Beside.OTHER and metric and beside in (None, metric):
            self.add_error("beside", _("Choose the regional metric it stands beside, another than its own."))
        return self.cleaned_data


@admin.register(Headline)
class HeadlineAdmin(TranslationAdmin):
    form = HeadlineForm
    list_display = ["label", "value", "metric", "comparison", "programme", "status", "publish_at", "order"]
    list_filter = ["status", "comparison", "metric", "programme"]
    list_select_related = ["metric", "programme"]
    search_fields = ["label_en", "label_fr", "explanation_en", "explanation_fr"]
    readonly_fields = staff.STATE
    actions = [staff.publish, staff.withdraw]
    view_on_site = staff.public_address
    fieldsets = [
        (None, {"fields": ["programme", "metric", "label", "value", "order"]}),
        (_("Period and source"), {"fields": ["effective_on", "precision", "period_note", "source"]}),
        (_("Beside the regions"), {"fields": ["comparison", "beside", "explanation"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]
