"""Where the programme works and what is counted there.

Country > Region, Metric, and Series: the region-metric pairs that report. A Reading is one value (or a plain "not reported")
of a series for a period. A reading that is public never changes: a correction is a new reading that names the one it
supersedes and says why. Postgres refuses everything else (constraints here, triggers in migration 0002).
"""

from typing import Self

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.periods import Period, Precision, starts_its_period
from itsci_site.lib.publishing import Approved, Publishable, PublishedQuerySet
from itsci_site.lib.publishing import Status as Stage
from itsci_site.lib.translated import Translated, Words, joined, words

from .desks import Desk as Desk
from .locks import PeriodLock as PeriodLock
from .versions import Version as Version


class Country(Translated):
    slug = models.SlugField(_("address"), unique=True)
    iso_code = models.CharField(_("ISO 3166-1 code"), max_length=2, unique=True, help_text=_("Two capitals, like CD."))
    name = models.CharField(_("name"), max_length=100)
    short_name = models.CharField(_("short name"), max_length=50, help_text=_("As tables print it: DR Congo."))
    introduction = models.TextField(_("introduction"), blank=True, help_text=_("Blank lines part paragraphs."))
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    searched = {"A": ["name*", "short_name*"], "C": ["introduction*"]}

    class Meta:
        verbose_name = _("country")
        verbose_name_plural = _("countries")
        ordering = ["order", "slug"]
        constraints = [
            models.CheckConstraint(condition=Q(iso_code__regex=r"^[A-Z]{2}$"), name="regions_country_iso_code_two_capitals")
        ]

    def __str__(self) -> str:
        return self.name


class RegionQuerySet(PublishedQuerySet):
    def in_order(self) -> Self:
        """The order of every table and chart: by country, then as staff gave it. Without the outlines, which are large."""
        return self.select_related("country").order_by("country__order", "order", "slug").defer("outline")

    def with_outline(self) -> Self:
        return self.defer(None)


class Region(Publishable, Translated):
    class Kind(models.TextChoices):
        COUNTRY = "country", _("whole country")
        PROVINCE = "province", _("province")
        FORMER_PROVINCE = "former_province", _("former province, divided since")

    country = models.ForeignKey(Country, models.PROTECT, related_name="regions", verbose_name=_("country"))
    slug = models.SlugField(_("address"), unique=True)
    code = models.CharField(
        _("code"), max_length=2, unique=True, help_text=_("Two capitals; the first part of a figure's tag.")
    )
    kind = models.CharField(_("kind"), max_length=15, choices=Kind.choices, default=Kind.PROVINCE)
    name = models.CharField(_("name"), max_length=100)
    lead = models.CharField(_("lead"), max_length=200, blank=True, help_text=_("One sentence below the name."))
    narrative = models.TextField(_("narrative"), blank=True, help_text=_("Blank lines part paragraphs."))
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    outline = models.JSONField(
        _("map outline"), null=True, blank=True, help_text=_("A GeoJSON Polygon or MultiPolygon, WGS 84.")
    )

    objects = RegionQuerySet.as_manager()

    searched = {"A": ["name*"], "B": ["lead*"], "C": ["narrative*"]}

    class Meta(Publishable.Meta):
        verbose_name = _("region")
        verbose_name_plural = _("regions")
        ordering = ["order", "slug"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z]{2}$"), name="regions_region_code_two_capitals"),
            models.CheckConstraint(
                condition=Q(kind__in=["country", "province", "former_province"]), name="regions_region_kind_known"
            ),
            models.CheckConstraint(
                condition=Q(outline__isnull=True) | Q(outline__has_key="type", outline__type__in=["Polygon", "MultiPolygon"]),
                name="regions_region_outline_is_area",
            ),
            models.UniqueConstraint("country", condition=Q(kind="country"), name="regions_region_one_whole_country"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("region", args=[self.slug])


class Succession(models.Model):
    """A province that a former province was divided into, from a date on. The two never count together in one total."""

    predecessor = models.ForeignKey(Region, models.CASCADE, related_name="successions", verbose_name=_("former province"))
    successor = models.OneToOneField(Region, models.CASCADE, related_name="succession", verbose_name=_("successor"))
    since = models.DateField(_("since"), help_text=_("The first day of the period it took place in."))
    precision = models.CharField(_("precision"), max_length=7, choices=Precision.choices, default=Precision.DAY)
    source = models.CharField(_("source"), max_length=200)

    shown_with = "predecessor"

    class Meta:
        verbose_name = _("succession")
        verbose_name_plural = _("successions")
        ordering = ["predecessor", "successor"]
        constraints = [
            models.CheckConstraint(condition=~Q(predecessor=F("successor")), name="regions_succession_not_itself"),
            models.CheckConstraint(condition=Q(precision__in=Precision.values), name="regions_succession_precision_known"),
            starts_its_period("since", "precision", name="regions_succession_since_starts_period"),
        ]

    def __str__(self) -> str:
        return f"{self.predecessor} > {self.successor}, {Period(self.since, Precision(self.precision))}"


class Milestone(Translated):
    """A step in the region's story, dated to the year where the source dates it."""

    region = models.ForeignKey(Region, models.CASCADE, related_name="milestones", verbose_name=_("region"))
    year = models.PositiveSmallIntegerField(_("year"), null=True, blank=True, help_text=_("Empty where the source gives none."))
    text = models.CharField(_("text"), max_length=200)
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    shown_with = "region"

    class Meta:
        verbose_name = _("milestone")
        verbose_name_plural = _("milestones")
        ordering = ["region", "order"]
        constraints = [
            models.CheckConstraint(
                condition=Q(year__isnull=True) | Q(year__range=(1900, 2100)), name="regions_milestone_year_plausible"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.year or _('undated')}: {self.text}"


class Metric(Translated):
    """What is counted. Two measures with two definitions are two metrics, whatever their names share."""

    slug = models.SlugField(_("address"), unique=True)
    code = models.CharField(
        _("code"), max_length=1, unique=True, help_text=_("One capital; the second part of a figure's tag.")
    )
    name = models.CharField(_("name"), max_length=100, help_text=_("In full: Miners working in ITSCI sites."))
    short_name = models.CharField(_("short name"), max_length=50, help_text=_("As tables print it: Miners."))
    definition = models.TextField(_("definition"), help_text=_("What the source says is counted."))
    unit = models.CharField(_("unit"), max_length=50, help_text=_("In the plural: miners."))
    additive = models.BooleanField(_("additive"), help_text=_("Do regions add up? If not, no total is ever shown."))
    jump_factor = models.DecimalField(
        _("largest jump"), max_digits=6, decimal_places=2, null=True, blank=True,
        help_text=_("An import refuses a value more than so many times the one before it, or less than that part. Empty: any."),
    )  # fmt: skip
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    searched = {"A": ["name*", "short_name*"], "C": ["definition*"]}

    class Meta:
        verbose_name = _("metric")
        verbose_name_plural = _("metrics")
        ordering = ["order", "slug"]
        constraints = [
            models.CheckConstraint(condition=Q(code__regex=r"^[A-Z]$"), name="regions_metric_code_one_capital"),
            models.CheckConstraint(
                condition=Q(jump_factor__isnull=True) | Q(jump_factor__gt=1), name="regions_metric_jump_factor_above_one"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        """The figure page: what is counted, by region, its history and sources."""
        return reverse("figure", args=[self.slug])


class Series(models.Model):
    """A region that reports a metric. Without it there is no reading; with it, a missing reading is a gap and is said."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="series", verbose_name=_("region"))
    metric = models.ForeignKey(Metric, models.PROTECT, related_name="series", verbose_name=_("metric"))

    shown_with = "region"

    class Meta:
        verbose_name = _("series")
        verbose_name_plural = _("series")
        ordering = ["metric__order", "region__country__order", "region__order"]
        constraints = [models.UniqueConstraint(fields=["region", "metric"], name="regions_series_once")]

    def __str__(self) -> str:
        return f"{self.region.code}-{self.metric.code}"


class Source(Translated):
    """Where a figure comes from."""

    name = models.CharField(_("name"), max_length=200, unique=True)
    publisher = models.CharField(_("publisher"), max_length=200, blank=True)
    address = models.URLField(_("address"), blank=True, help_text=_("Empty where the source gives none."))
    note = models.TextField(_("note"), blank=True, help_text=_("What a reader should know: dates it lacks, parts it covers."))

    class Meta:
        verbose_name = _("source")
        verbose_name_plural = _("sources")
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class Dated(models.Model):
    """The period a published figure speaks of, and where it comes from."""

    effective_on = models.DateField(
        _("period starts"), help_text=_("The first day of the period: 2017-01-01 for the year 2017.")
    )
    precision = models.CharField(_("precision"), max_length=7, choices=Precision.choices)
    period_note = models.CharField(_("note on the period"), max_length=100, blank=True, help_text=_('Like "date not stated".'))
    source = models.ForeignKey(Source, models.PROTECT, related_name="+", verbose_name=_("source"))

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(precision__in=Precision.values), name="%(app_label)s_%(class)s_precision_known"),
            starts_its_period("effective_on", "precision", name="%(app_label)s_%(class)s_starts_period"),
        ]

    @property
    def period(self) -> Period:
        return Period(self.effective_on, Precision(self.precision))

    @property
    def as_of(self) -> Words:
        """ "2017, date not stated"; "30 June 2017"."""
        return joined(str(self.period), words(self, "period_note"))


class ReadingQuerySet(models.QuerySet):
    def published(self, at: object = None) -> Self:
        """Readings that were public at a moment, superseded ones among them; by default now, by the database's clock."""
        return self.filter(published_at__lte=at or Now())

    def newest_first(self) -> Self:
        """By period, and within one the last correction first: the first of a series is its latest word.

        Of a year and its first quarter published together the year comes first: it ends later ("year" > "quarter").
        """
        return self.order_by("-effective_on", "-published_at", "-precision")


class Reading(Approved, Dated, Translated):
    STATE = "stage"
    MOMENT = "published_at"
    moves = ("submit", "approve", "send_back", "publish", "reopen")

    class Status(models.TextChoices):
        REPORTED = "reported", _("reported")
        PROVISIONAL = "provisional", _("provisional")
        ESTIMATED = "estimated", _("estimated")
        NOT_REPORTED = "not_reported", _("not reported")

    series = models.ForeignKey(Series, models.PROTECT, related_name="readings", verbose_name=_("series"))
    value = models.BigIntegerField(
        _("value"), null=True, blank=True, help_text=_("Empty only when not reported. Never 0 for missing.")
    )
    status = models.CharField(_("status"), max_length=12, choices=Status.choices, default=Status.REPORTED)
    stage = models.CharField(
        _("stage"), max_length=9, choices=Stage.choices, default=Stage.DRAFT, db_default=Stage.DRAFT, editable=False
    )
    published_at = models.DateTimeField(
        _("public from"), null=True, blank=True, help_text=_("Once this has passed nothing here can change.")
    )
    supersedes = models.OneToOneField(
        "self", models.PROTECT, null=True, blank=True, related_name="superseded_by", verbose_name=_("corrects"),
        help_text=_("A public reading of the same series and period."),
    )  # fmt: skip
    reason = models.TextField(_("public reason"), blank=True, help_text=_("Why it was corrected. Readers see this."))

    objects = ReadingQuerySet.as_manager()

    class Meta(Dated.Meta):
        verbose_name = _("reading")
        verbose_name_plural = _("readings")
        ordering = ["series", "-effective_on", "-published_at"]
        indexes = [
            models.Index(fields=["series", "-effective_on", "-published_at"], name="regions_reading_latest"),
            models.Index(fields=["-published_at", "-id"], name="regions_reading_published"),
        ]
        constraints = [
            *Dated.Meta.constraints,
            models.CheckConstraint(
                condition=Q(status="not_reported", value__isnull=True)
                | Q(status__in=["reported", "provisional", "estimated"], value__isnull=False),
                name="regions_reading_missing_is_not_zero",
            ),
            models.CheckConstraint(condition=Q(value__isnull=True) | Q(value__gte=0), name="regions_reading_not_negative"),
            models.CheckConstraint(condition=Q(stage__in=Stage.values), name="regions_reading_stage_known"),
            models.CheckConstraint(
                condition=Q(supersedes__isnull=True) | (~Q(reason_en="") & Q(reason_en__isnull=False)),
                name="regions_reading_correction_has_reason",
            ),
            models.UniqueConstraint(
                fields=["series", "effective_on", "precision"], condition=Q(supersedes__isnull=True),
                name="regions_reading_one_original_a_period",
            ),
        ]  # fmt: skip

    def __str__(self) -> str:
        value = _("not reported") if self.value is None else self.value
        return f"{self.series}, {self.period}: {value}"

    def get_absolute_url(self) -> str:
        """The row of its region on the figure page."""
        return f"{self.series.metric.get_absolute_url()}#{str(self.series).lower()}"

    def is_public(self) -> bool:
        return self.published_at is not None and self.published_at <= timezone.now()
