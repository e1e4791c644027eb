from typing import Any

from django import forms
from django.contrib import admin
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.html import format_html_join
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin, TranslationStackedInline

from itsci_site.lib import staff
from itsci_site.lib.languages import in_each_language
from itsci_site.lib.newsroom.desk import NewsroomAdmin

from . import iati
from .models import Activity, CountryShare, Headline, Partner, Programme

SPELLING = _("No space and none of / & | ? can stand in an identifier.")


class ActivityInline(TranslationStackedInline):
    model = Activity
    extra = 0


class PartnerForm(staff.RulesForm):
    in_words = {
        "programmes_partner_iati_ref_spelling": ("iati_ref", SPELLING),
        "programmes_partner_law_is_no_organisation": (
            "iati_role",
            _("Leave this empty: a law or standard is not an organisation, and IATI lists only organisations."),
        ),
    }


class PartnerInline(TranslationStackedInline):
    model = Partner
    form = PartnerForm
    extra = 0


class SharesFormSet(forms.BaseInlineFormSet):
    def clean(self) -> None:
        super().clean()
        kept = [form.cleaned_data for form in self.forms if form.cleaned_data and not form.cleaned_data.get("DELETE")]
        shares = [data["percentage"] for data in kept if "percentage" in data]
        if shares and len(shares) == len(kept) and sum(shares) != 100:
            raise ValidationError(_("The shares make {sum}. They must make 100.").format(sum=sum(shares)))


class CountryShareInline(admin.TabularInline):
    model = CountryShare
    formset = SharesFormSet
    extra = 0


class ProgrammeForm(staff.RulesForm):
    in_words = {
        "programmes_programme_iati_identifier_spelling": ("iati_identifier", SPELLING),
        "programmes_programme_iati_reporter_ref_spelling": ("iati_reporter_ref", SPELLING),
        "programmes_programme_iati_identifier_begins_with_reporter": (
            "iati_identifier",
            _("Begin with the identifier of the reporting organisation and a hyphen."),
        ),
        "programmes_programme_iati_identifier_once": ("iati_identifier", _("Another programme has this identifier.")),
        "programmes_programme_iati_sector_five_digits": ("iati_sector", _("Give five digits, like 32210.")),
        "programmes_programme_planned_start_before_end": ("planned_end", _("This day is before the start.")),
        "programmes_programme_actual_start_before_end": ("actual_end", _("This day is before the start.")),
    }

    def clean(self) -> dict[str, Any]:
        super().clean()
        for name in ("actual_start", "actual_end"):
            day = self.cleaned_data.get(name)
            if day and day > timezone.now().date():
                self.add_error(name, _("This day is still to come: IATI calls it planned."))
        return self.cleaned_data


@admin.register(Programme)
class ProgrammeAdmin(NewsroomAdmin, TranslationAdmin):
    form = ProgrammeForm
    list_display = ["name", "status", "publish_at", "order", staff.changed_since]
    list_filter = ["status", "regions", staff.TranslationFilter]
    search_fields = in_each_language("name")
    prepopulated_fields = {"slug": ["name_en"]}
    filter_horizontal = ["regions", "metrics"]
    readonly_fields = [*staff.STATE, "iati_missing"]
    actions = [staff.publish, staff.withdraw, staff.confirm_translation]
    view_on_site = staff.public_address
    inlines = [ActivityInline, PartnerInline, CountryShareInline]
    fieldsets = [
        (None, {"fields": ["name", "slug", "order"]}),
        (_("Text"), {"fields": ["strapline", "lead", "progress_lead"]}),
        (_("Figures"), {"fields": ["regions", "metrics"]}),
        (
            "IATI",
            {
                "classes": ["collapse"],
                "description": _(
                    "What the IATI file needs and the programme’s pages do not give. Leave empty what is not known."
                ),
                "fields": [
                    "iati_missing",
                    "iati_identifier",
                    "iati_reporter",
                    "iati_reporter_ref",
                    "iati_reporter_type",
                    "iati_status",
                    "planned_start",
                    "actual_start",
                    "planned_end",
                    "actual_end",
                    "iati_sector",
                ],
            },
        ),
        (_("Publishing"), {"fields": staff.STATE}),
    ]

    @admin.display(description=_("still missing"))
    def iati_missing(self, programme: Programme) -> str:
        if programme.pk is None:
            return ""
        return format_html_join(", ", "{} ({})", ((words, name) for name, words in iati.missing(iati.known(programme))))


@admin.register(CountryShare)
class CountryShareAdmin(NewsroomAdmin):
    list_display = ["country", "percentage", "programme"]
    list_filter = ["programme"]
    list_select_related = ["country", "programme"]
    search_fields = in_each_language("country__name")


@admin.register(Activity)
class ActivityAdmin(NewsroomAdmin, TranslationAdmin):
    list_display = ["title", "programme", "order", staff.changed_since]
    list_filter = ["programme", staff.TranslationFilter]
    list_select_related = ["programme"]
    search_fields = in_each_language("title", "text")
    actions = [staff.confirm_translation]


@admin.register(Partner)
class PartnerAdmin(NewsroomAdmin, TranslationAdmin):
    form = PartnerForm
    list_display = ["name", "role", "programme", "order", staff.changed_since]
    list_filter = ["role", "programme", staff.TranslationFilter]
    list_select_related = ["programme"]
    search_fields = in_each_language("name", "note")
    actions = [staff.confirm_translation]


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
class HeadlineAdmin(NewsroomAdmin, TranslationAdmin):
    form = HeadlineForm
    list_display = ["label", "value", "metric", "comparison", "programme", "status", "publish_at", "order", staff.changed_since]
    list_filter = ["status", "comparison", "metric", "programme", staff.TranslationFilter]
    list_select_related = ["metric", "programme"]
    search_fields = in_each_language("label", "explanation")
    readonly_fields = staff.STATE
    actions = [staff.publish, staff.withdraw, staff.confirm_translation]
    view_on_site = staff.public_address
    fieldsets = [
        (None, {"fields": ["programme", "metric", "label", "value", "order"]}),
        (_("Period and source"), {"fields": ["effective_on", "precision", "period_note", "source"]}),
        (_("Beside the regions"), {"fields": ["comparison", "beside", "explanation"]}),
        (_("If it corrects what readers have seen"), {"fields": ["correction_reason"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]
