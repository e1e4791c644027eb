"""Where staff keep places and figures. A public reading opens read-only: it is corrected by a new one."""

from datetime import timedelta
from functools import partial
from typing import Any

from django.contrib import admin, messages
from django.contrib.admin.actions import delete_selected
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin, TranslationTabularInline

from itsci_site.lib import staff, text
from itsci_site.lib.languages import in_each_language
from itsci_site.lib.newsroom.desk import NewsroomAdmin
from itsci_site.lib.periods import Period, Precision
from itsci_site.lib.publishing import Move, register_is_open

from . import entry, entry_pages
from .locks import Locks
from .models import Country, Desk, Metric, Milestone, PeriodLock, Reading, Region, Series, Source, Succession

FIRST_DAY = _("Give the first day of the period: 2017-01-01 for the year 2017, 2017-04-01 for its 2nd quarter.")
NOT_AN_AREA = _(
    "Not a GeoJSON Polygon or MultiPolygon: an object with “type” and “coordinates” alone, longitude before latitude, each "
    "ring of four points or more that ends where it began."
)
A_MOMENT_AGO = timedelta(hours=1)


class PlaceForm(staff.RulesForm):
    in_words = {
        "regions_country_iso_code_two_capitals": ("iso_code", _("Two capital letters, like CD.")),
        "regions_region_code_two_capitals": ("code", _("Two capital letters, like KA.")),
        "regions_region_one_whole_country": ("kind", _("This country has a region of this kind already. Choose “province”.")),
        "regions_milestone_year_plausible": ("year", _("A year from 1900 to 2100, or nothing.")),
        "regions_succession_not_itself": ("successor", _("A province cannot follow itself. Choose another one.")),
        "regions_succession_since_starts_period": ("since", FIRST_DAY),
        "regions_metric_code_one_capital": ("code", _("One capital letter, like M.")),
        "regions_metric_jump_factor_above_one": ("jump_factor", _("A number above 1, like 3; or nothing.")),
    }

    def clean_outline(self) -> dict | None:
        outline = self.cleaned_data["outline"]
        if outline is not None and not is_area(outline):
            raise ValidationError(NOT_AN_AREA)
        return outline


def is_area(geometry: Any) -> bool:
    """Is it a whole GeoJSON Polygon or MultiPolygon in degrees, as maps.py draws it?"""
    if not isinstance(geometry, dict) or set(geometry) != {"type", "coordinates"}:
        return False
    polygons = [geometry["coordinates"]] if geometry["type"] == "Polygon" else geometry["coordinates"]
    return (
        geometry["type"] in ("Polygon", "MultiPolygon")
        and _listed(polygons)
        and all(_listed(rings) and all(_is_ring(ring) for ring in rings) for rings in polygons)
    )


def _listed(value: Any) -> bool:
    return isinstance(value, list) and bool(value)


def _is_ring(ring: Any) -> bool:
    return _listed(ring) and len(ring) >= 4 and ring[0] == ring[-1] and all(_is_point(point) for point in ring)


def _is_point(point: Any) -> bool:
    numbers = isinstance(point, list) and len(point) == 2 and all(type(number) in (int, float) for number in point)
    return numbers and abs(point[0]) <= 180 and abs(point[1]) <= 90


@admin.register(Country)
class CountryAdmin(NewsroomAdmin, TranslationAdmin):
    form = PlaceForm
    list_display = ["name", "iso_code", "short_name", "order", staff.changed_since]
    search_fields = [*in_each_language("name"), "iso_code"]
    actions = [staff.confirm_translation]
    list_filter = [("regions__kind", admin.ChoicesFieldListFilter), staff.TranslationFilter]
    prepopulated_fields = {"slug": ["name_en"]}


class MilestoneInline(TranslationTabularInline):
    model = Milestone
    form = PlaceForm
    extra = 0


class SuccessionInline(admin.TabularInline):
    model = Succession
    form = PlaceForm
    formfield_overrides = staff.READABLE
    fk_name = "predecessor"
    autocomplete_fields = ["successor"]
    extra = 0


@admin.register(Region)
class RegionAdmin(NewsroomAdmin, TranslationAdmin):
    in_region = "pk"
    form = PlaceForm
    list_display = ["name", "code", "country", "kind", "status", "publish_at", "order", staff.changed_since]
    list_filter = ["status", "country", "kind", staff.TranslationFilter]
    list_select_related = ["country"]
    search_fields = [*in_each_language("name"), "code"]
    prepopulated_fields = {"slug": ["name_en"]}
    readonly_fields = staff.STATE
    actions = [staff.publish, staff.withdraw, staff.confirm_translation]
    view_on_site = staff.public_address
    inlines = [MilestoneInline, SuccessionInline]
    fieldsets = [
        (None, {"fields": ["name", "slug", "code", "country", "kind", "order"]}),
        (_("Text"), {"fields": ["lead", "narrative"]}),
        (_("Map"), {"fields": ["outline"], "classes": ["collapse"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]


@admin.register(Desk)
class DeskAdmin(NewsroomAdmin):
    list_display = ["user", "everywhere", "whose"]
    list_filter = ["everywhere", "regions"]
    search_fields = ["user__username", *in_each_language("regions__name")]
    autocomplete_fields = ["user"]
    filter_horizontal = ["regions"]
    list_select_related = ["user"]

    def get_queryset(self, request: HttpRequest) -> QuerySet:
        return super().get_queryset(request).prefetch_related("regions")

    @admin.display(description=_("regions"))
    def whose(self, desk: Desk) -> str:
        return ", ".join(map(str, desk.regions.all()))


@admin.register(Milestone)
class MilestoneAdmin(NewsroomAdmin, TranslationAdmin):
    in_region = "region"
    form = PlaceForm
    list_display = ["text", "year", "region", "order", staff.changed_since]
    list_filter = ["region", "year", staff.TranslationFilter]
    list_select_related = ["region"]
    search_fields = in_each_language("text")
    actions = [staff.confirm_translation]


@admin.register(Succession)
class SuccessionAdmin(NewsroomAdmin):
    form = PlaceForm
    list_display = ["successor", "predecessor", "since", "precision", "source"]
    list_filter = ["predecessor", "precision"]
    list_select_related = ["predecessor", "successor"]
    search_fields = [*in_each_language("predecessor__name", "successor__name"), "source"]
    autocomplete_fields = ["predecessor", "successor"]


@admin.register(Metric)
class MetricAdmin(NewsroomAdmin, TranslationAdmin):
    form = PlaceForm
    list_display = ["name", "code", "unit", "additive", "order", staff.changed_since]
    list_filter = ["additive", staff.TranslationFilter]
    search_fields = [*in_each_language("name"), "code"]
    actions = [staff.confirm_translation]
    prepopulated_fields = {"slug": ["name_en"]}


@admin.register(Series)
class SeriesAdmin(NewsroomAdmin):
    in_region = "region"
    list_display = ["__str__", "region", "metric"]
    list_filter = ["metric", "region"]
    list_select_related = ["region", "metric"]
    search_fields = [*in_each_language("region__name"), "region__code", *in_each_language("metric__name"), "metric__code"]
    autocomplete_fields = ["region", "metric"]


@admin.register(Source)
class SourceAdmin(NewsroomAdmin, TranslationAdmin):
    list_display = ["name", "publisher", "address", staff.changed_since]
    list_filter = ["publisher", staff.TranslationFilter]
    formfield_overrides = {models.URLField: {"assume_scheme": "https"}}
    search_fields = in_each_language("name", "publisher")
    actions = [staff.confirm_translation]


class ReadingForm(staff.RulesForm):
    """Says beforehand, with what to do instead, all that the constraints and triggers of readings would refuse."""

    in_words = {
        "regions_reading_starts_period": ("effective_on", FIRST_DAY),
        "regions_reading_not_negative": ("value", _("A count is never below 0.")),
        "regions_reading_correction_has_reason": ("reason_en", _("Say why it is corrected: readers see it.")),
        "regions_reading_one_original_a_period": (
            None,
            _("This series has a reading of this period already. Open that one: change it or, if it is public, correct it."),
        ),
    }

    def clean(self) -> dict[str, Any]:
        super().clean()
        self._clean_value()
        self._clean_moment()
        self._clean_correction()
        self._clean_lock()
        return self.cleaned_data

    def _clean_value(self) -> None:
        status, value = self.cleaned_data.get("status"), self.cleaned_data.get("value")
        if "value" not in self.cleaned_data or not status:
            return
        if status == Reading.Status.NOT_REPORTED and value is not None:
            self.add_error("value", _("Leave this empty or choose another status: what is not reported is not 0 either."))
        if status != Reading.Status.NOT_REPORTED and value is None:
            self.add_error("value", _("Give the value. If there is none, choose the status “not reported”; do not write 0."))

    def _clean_moment(self) -> None:
        """What the site said in the past stays so. The button "Now" gives a moment that has just passed: that is now."""
        moment, now = self.cleaned_data.get("published_at"), timezone.now()
        if moment and moment < now - A_MOMENT_AGO:
            self.add_error("published_at", _("This moment has passed. Choose today and now, or a moment to come."))
        elif moment:
            self.cleaned_data["published_at"] = max(moment, now)

    def _clean_correction(self) -> None:
        corrected = self.cleaned_data.get("supersedes")
        if corrected is None:
            return
        if not corrected.is_public():
            self.add_error("supersedes", _("This one is not public yet. Change it instead."))
            return
        later = Reading.objects.filter(supersedes=corrected).exclude(pk=self.instance.pk).first()
        if later:
            self.add_error("supersedes", _("This one has a correction already: “{later}”. Correct that.").format(later=later))
        same = _("A correction is of the series and period that it corrects: {corrected}.").format(corrected=corrected)
        for name in ("series", "effective_on", "precision"):
            if name in self.cleaned_data and self.cleaned_data[name] != getattr(corrected, name):
                self.add_error(name, same)

    def _clean_lock(self) -> None:
        """A locked period takes corrections alone."""
        data = self.cleaned_data
        if data.get("supersedes") is None and data.get("effective_on") and data.get("precision"):
            lock = Locks().on(Period(data["effective_on"], Precision(data["precision"])))
            if lock:
                self.add_error("effective_on", lock.words)


def delete_drafts(page: admin.ModelAdmin, request: HttpRequest, readings: QuerySet) -> HttpResponse | None:
    """Django's own, unless public readings are among the selected ones: those stay."""
    public = readings.published()  # type: ignore[attr-defined]
    if public.exists():
        told = _("Nothing was deleted. These are public and stay; each can be corrected: {readings}.")
        page.message_user(request, told.format(readings="; ".join(map(str, public))), messages.ERROR)
        return None
    locks = Locks()
    if locked := [str(one) for one in readings.filter(supersedes=None) if locks.on(one.period)]:
        told = _("Nothing was deleted. The periods of these are locked: {readings}.")
        page.message_user(request, told.format(readings="; ".join(locked)), messages.ERROR)
        return None
    return delete_selected(page, request, readings)


def lock_on(request: HttpRequest, reading: Reading) -> PeriodLock | None:
    """The lock that keeps a reading as it is; corrections pass. Locks are asked for once a request."""
    if not hasattr(request, "period_locks"):
        request.period_locks = Locks()  # type: ignore[attr-defined]
    return None if reading.supersedes_id else request.period_locks.on(reading.period)  # type: ignore[attr-defined]


@admin.register(Reading)
class ReadingAdmin(NewsroomAdmin, TranslationAdmin):
    change_list_template = "admin/regions/reading/change_list.html"
    in_region = "series__region"
    form = ReadingForm
    list_display = ["series", "period", "printed_value", "status", "stage", "published_at", "corrected", staff.changed_since]
    list_filter = [
        "status",
        "series__metric",
        "series__region",
        "precision",
        "published_at",
        ("supersedes", admin.EmptyFieldListFilter),
        staff.TranslationFilter,
    ]
    list_select_related = ["series__region", "series__metric", "superseded_by"]
    search_fields = in_each_language("series__region__name", "series__metric__name")
    actions = [staff.confirm_translation]
    date_hierarchy = "effective_on"
    autocomplete_fields = ["series", "supersedes"]
    fieldsets = [
        (None, {"fields": ["series", "effective_on", "precision", "period_note", "status", "value", "source", "published_at"]}),
        (_("If it corrects a public reading"), {"fields": ["supersedes", "reason"]}),
    ]

    @admin.display(description=_("period"), ordering="effective_on")
    def period(self, reading: Reading) -> str:
        return str(reading.period)

    @admin.display(description=_("value"), ordering="value")
    def printed_value(self, reading: Reading) -> str:
        return text.number(reading.value)

    @admin.display(description=_("corrected"))
    def corrected(self, reading: Reading) -> str:
        return gettext("yes") if hasattr(reading, "superseded_by") else ""

    def get_readonly_fields(self, request: HttpRequest, obj: Reading | None = None) -> list[str]:
        """Once the register is open the moment comes with the move that publishes."""
        return ["published_at"] if register_is_open() else []

    def has_change_permission(self, request: HttpRequest, obj: Reading | None = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and (obj.is_public() or lock_on(request, obj)))

    def has_delete_permission(self, request: HttpRequest, obj: Reading | None = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and (obj.is_public() or lock_on(request, obj)))

    def why_not(self, request: HttpRequest, row: Reading, target: Any, move: Move) -> str:
        lock = lock_on(request, row)
        return lock.words if lock else super().why_not(request, row, target, move)

    def get_urls(self) -> list[URLPattern]:
        pages = {"entry": entry_pages.sheet_page, "entry_move": entry_pages.move_page}
        ours = [
            path(f"{name.replace('_', '/')}/", self.admin_site.admin_view(partial(view, self)), name=f"regions_reading_{name}")
            for name, view in pages.items()
        ]
        return [*ours, *super().get_urls()]

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        """`delete_selected` keeps its name: Django's page that asks once more sends it."""
        actions = super().get_actions(request)
        if delete := actions.get("delete_selected"):
            actions["delete_selected"] = (delete_drafts, *delete[1:])  # type: ignore[assignment]
        return actions

    def render_change_form(
        self, request: HttpRequest, context: Any, add: bool = False, change: bool = False, form_url: str = "", obj: Any = None
    ) -> HttpResponse:
        if obj and obj.is_public():
            self.message_user(request, self._how_to_correct(obj), messages.INFO)
        elif obj and (lock := lock_on(request, obj)):
            self.message_user(request, lock.words, messages.INFO)
        return super().render_change_form(request, context, add, change, form_url, obj)

    def _how_to_correct(self, reading: Reading) -> str:
        if hasattr(reading, "superseded_by"):
            address, words = reverse("admin:regions_reading_change", args=[reading.superseded_by.pk]), _("It has a correction")
        else:
            address, words = entry.correction_address(reading), _("Correct it with a new one")
        return format_html('{} <a href="{}">{}</a>.', _("Readers have seen this reading: it stays as it is."), address, words)


class PeriodLockForm(staff.RulesForm):
    in_words = {
        "regions_periodlock_starts_period": ("effective_on", FIRST_DAY),
        "regions_periodlock_once": (None, _("This period is locked already.")),
    }


@admin.register(PeriodLock)
class PeriodLockAdmin(NewsroomAdmin):
    """A lock is set and taken away, never changed. Taking it away is for whoever may delete locks, and asks for a reason."""

    form = PeriodLockForm
    list_display = ["__str__", "precision", "note", "locked_by", "locked_at"]
    list_filter = ["precision", "locked_by"]
    list_select_related = ["locked_by"]
    search_fields = ["note"]
    readonly_fields = ["locked_by", "locked_at"]
    fields = ["effective_on", "precision", "note", "locked_by", "locked_at"]

    def has_change_permission(self, request: HttpRequest, obj: PeriodLock | None = None) -> bool:
        return False

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        return {}

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """Its note is what stands in the history."""
        if request.method == "POST":
            sent = request.POST.copy()
            sent["_reason"] = sent.get("note", "")
            request.POST = sent  # type: ignore[assignment]
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: PeriodLock, form: Any, change: bool) -> None:
        obj.locked_by = request.user  # type: ignore[assignment]
        super().save_model(request, obj, form, change)
        if waiting := _waiting_in(obj.period):
            told = ngettext(
                "{count} figure of this period is not public yet. It stays as it is until the period is unlocked.",
                "{count} figures of this period are not public yet. They stay as they are until the period is unlocked.",
                waiting,
            )
            self.message_user(request, told.format(count=waiting), messages.WARNING)


def _waiting_in(period: Period) -> int:
    """How many first words of a period, or of one within it, are not public."""
    within = Reading.objects.filter(supersedes=None, effective_on__range=(period.first_day, period.last_day))
    return sum(period.holds(one.period) and not one.is_public() for one in within.iterator())
