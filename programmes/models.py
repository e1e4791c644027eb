"""The programme itself: what it does, with whom, and the figures it published for the whole."""

import json
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.languages import column, original_language
from itsci_site.lib.publishing import Publishable, PublishedQuerySet, Status
from itsci_site.lib.translated import Part, Translated, Words, is_outdated, words
from regions.models import Country, Dated, Metric, Region

# Codes and their names below are from the IATI Standard's codelists (CC BY 4.0). It forbids these signs in an identifier.
IATI_SPELLING = r"^[^/&|?[:space:][:cntrl:]]*$"


class OrganisationType(models.TextChoices):
    """IATI's codelist OrganisationType."""

    GOVERNMENT = "10", _("Government")
    LOCAL_GOVERNMENT = "11", _("Local government")
    PUBLIC = "15", _("Other public sector")
    INTERNATIONAL_NGO = "21", _("International NGO")
    NATIONAL_NGO = "22", _("National NGO")
    REGIONAL_NGO = "23", _("Regional NGO")
    PARTNER_COUNTRY_NGO = "24", _("Partner country based NGO")
    PARTNERSHIP = "30", _("Public-private partnership")
    MULTILATERAL = "40", _("Multilateral")
    FOUNDATION = "60", _("Foundation")
    PRIVATE = "70", _("Private sector")
    PRIVATE_PROVIDER = "71", _("Private sector in provider country")
    PRIVATE_RECIPIENT = "72", _("Private sector in aid recipient country")
    PRIVATE_THIRD = "73", _("Private sector in third country")
    ACADEMIC = "80", _("Academic, training and research")
    OTHER = "90", _("Other")


class Programme(Publishable, Translated):
    """The first by `order` owns the home page; any further one has pages below /programmes/."""

    class ActivityStatus(models.TextChoices):
        """IATI's codelist ActivityStatus."""

        PIPELINE = "1", _("Pipeline or identification")
        IMPLEMENTATION = "2", _("Implementation")
        FINALISATION = "3", _("Finalisation")
        CLOSED = "4", _("Closed")
        CANCELLED = "5", _("Cancelled")
        SUSPENDED = "6", _("Suspended")

    slug = models.SlugField(_("address"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    strapline = models.CharField(_("strapline"), max_length=150, help_text=_("The heading of its page."))
    lead = models.TextField(_("lead"), help_text=_("One paragraph below the heading."))
    progress_lead = models.TextField(_("lead of Progress"))
    regions = models.ManyToManyField(Region, related_name="programmes", verbose_name=_("regions"))
    metrics = models.ManyToManyField(Metric, related_name="programmes", verbose_name=_("metrics reported by region"))
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    # What IATI demands and the source does not give. Empty means not known: the export then says so. A version of the row
    # from before these fields has NULL in them.
    iati_identifier = models.CharField(
        _("IATI identifier"), max_length=100, blank=True, default="", db_default="",
        help_text=_("Of this activity: the reporting organisation’s identifier, a hyphen and a code of its own."),
    )  # fmt: skip
    iati_reporter = models.CharField(
        _("reporting organisation"), max_length=150, blank=True, default="", db_default="",
        help_text=_("The organisation that publishes this file under IATI."),
    )  # fmt: skip
    iati_reporter_ref = models.CharField(
        _("identifier of the reporting organisation"), max_length=80, blank=True, default="", db_default="",
        help_text=_("As registered with IATI."),
    )  # fmt: skip
    iati_reporter_type = models.CharField(
        _("type of the reporting organisation"), max_length=2, choices=OrganisationType.choices, blank=True, default="",
        db_default="",
    )  # fmt: skip
    iati_status = models.CharField(
        _("activity status"), max_length=1, choices=ActivityStatus.choices, blank=True, default="", db_default=""
    )
    iati_sector = models.CharField(
        _("sector"), max_length=5, blank=True, default="", db_default="",
        help_text=_("Five digits: a purpose code of the OECD DAC, from IATI’s codelist Sector."),
    )  # fmt: skip
    planned_start = models.DateField(_("planned start"), null=True, blank=True)
    actual_start = models.DateField(_("actual start"), null=True, blank=True, help_text=_("IATI demands one of the two."))
    planned_end = models.DateField(_("planned end"), null=True, blank=True)
    actual_end = models.DateField(_("actual end"), null=True, blank=True)

    objects = PublishedQuerySet.as_manager()

    searched = {"A": ["name*", "strapline*"], "B": ["lead*"], "C": ["progress_lead*"]}

    class Meta(Publishable.Meta):
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        ordering = ["order", "slug"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=Q(iati_identifier__regex=IATI_SPELLING), name="programmes_programme_iati_identifier_spelling"
            ),
            models.CheckConstraint(
                condition=Q(iati_reporter_ref__regex=IATI_SPELLING), name="programmes_programme_iati_reporter_ref_spelling"
            ),
            models.CheckConstraint(
                condition=Q(iati_identifier="")
                | Q(iati_reporter_ref="")
                | Q(iati_identifier__startswith=Concat(F("iati_reporter_ref"), Value("-"))),
                name="programmes_programme_iati_identifier_begins_with_reporter",
            ),
            models.CheckConstraint(
                condition=Q(iati_reporter_type__in=["", *OrganisationType.values]),
                name="programmes_programme_iati_reporter_type_known",
            ),
            models.CheckConstraint(
                condition=Q(iati_status__in=["", "1", "2", "3", "4", "5", "6"]), name="programmes_programme_iati_status_known"
            ),
            models.CheckConstraint(
                condition=Q(iati_sector__regex=r"^([0-9]{5})?$"), name="programmes_programme_iati_sector_five_digits"
            ),
            models.CheckConstraint(
                condition=Q(planned_start__isnull=True) | Q(planned_end__isnull=True) | Q(planned_start__lte=F("planned_end")),
                name="programmes_programme_planned_start_before_end",
            ),
            models.CheckConstraint(
                condition=Q(actual_start__isnull=True) | Q(actual_end__isnull=True) | Q(actual_start__lte=F("actual_end")),
                name="programmes_programme_actual_start_before_end",
            ),
            models.UniqueConstraint(
                fields=["iati_identifier"], condition=~Q(iati_identifier=""), name="programmes_programme_iati_identifier_once"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("programme", args=[self.slug])


class CountryShare(models.Model):
    """What share of the programme's commitments goes to a country: IATI demands it where there is more than one."""

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="shares", verbose_name=_("programme"))
    country = models.ForeignKey(Country, models.PROTECT, related_name="+", verbose_name=_("country"))
    percentage = models.DecimalField(_("percentage"), max_digits=5, decimal_places=2)

    shown_with = "programme"

    class Meta:
        verbose_name = _("country’s share")
        verbose_name_plural = _("countries’ shares")
        ordering = ["programme", "country__order"]
        constraints = [
            models.CheckConstraint(
                condition=Q(percentage__gte=0, percentage__lte=100), name="programmes_countryshare_percentage_possible"
            ),
            models.UniqueConstraint(fields=["programme", "country"], name="programmes_countryshare_once"),
        ]

    def __str__(self) -> str:
        return f"{self.country}: {self.percentage}"


class Activity(Translated):
    programme = models.ForeignKey(Programme, models.CASCADE, related_name="activities", verbose_name=_("programme"))
    title = models.CharField(_("title"), max_length=100)
    text = models.TextField(_("text"))
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    searched = {"A": ["title*"], "C": ["text*"]}
    shown_with = "programme"

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering = ["programme", "order"]

    def __str__(self) -> str:
        return self.title


class Partner(Translated):
    """An organisation, scheme or law the programme works with, in the role the source gives it."""

    class Role(models.TextChoices):
        PARTNER = "partner", _("Joint efforts")
        DONOR = "donor", _("Donor")
        SERVICE = "service", _("Government services")
        SCHEME = "scheme", _("Schemes and projects")
        STANDARD = "standard", _("Standards and laws")

    class IatiRole(models.TextChoices):
        """IATI's codelist OrganisationRole."""

        FUNDING = "1", _("Funding")
        ACCOUNTABLE = "2", _("Accountable")
        EXTENDING = "3", _("Extending")
        IMPLEMENTING = "4", _("Implementing")

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="partners", verbose_name=_("programme"))
    name = models.CharField(_("name"), max_length=150)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices)
    note = models.CharField(
        _("note"), max_length=200, blank=True, help_text=_("What a reader should know about the name or role.")
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    iati_role = models.CharField(
        _("role in IATI"), max_length=1, choices=IatiRole.choices, blank=True, default="", db_default="",
        help_text=_("A donor counts as funding by itself. Any other partner without a role here is left out of the IATI file."),
    )  # fmt: skip
    iati_ref = models.CharField(
        _("organisation identifier"), max_length=80, blank=True, default="", db_default="",
        help_text=_("As registered with IATI."),
    )  # fmt: skip
    iati_type = models.CharField(
        _("type of organisation"), max_length=2, choices=OrganisationType.choices, blank=True, default="", db_default=""
    )

    searched = {"A": ["name*"], "C": ["note*"]}
    shown_with = "programme"

    class Meta:
        verbose_name = _("partner")
        verbose_name_plural = _("partners")
        ordering = ["programme", "order"]
        constraints = [
            models.CheckConstraint(
                condition=Q(role__in=["partner", "donor", "service", "scheme", "standard"]),
                name="programmes_partner_role_known",
            ),
            models.UniqueConstraint(fields=["programme", "name_en"], name="programmes_partner_once"),
            models.CheckConstraint(
                condition=Q(iati_role__in=["", "1", "2", "3", "4"]), name="programmes_partner_iati_role_known"
            ),
            models.CheckConstraint(condition=Q(iati_ref__regex=IATI_SPELLING), name="programmes_partner_iati_ref_spelling"),
            models.CheckConstraint(
                condition=Q(iati_type__in=["", *OrganisationType.values]), name="programmes_partner_iati_type_known"
            ),
            models.CheckConstraint(
                condition=~Q(role="standard") | Q(iati_role=""), name="programmes_partner_law_is_no_organisation"
            ),
        ]

    def __str__(self) -> str:
        return self.name


def by_role(partners: Iterable[Partner]) -> list[Partner]:
    """In the order of the roles, then the order staff gave."""
    roles = list(Partner.Role.values)
    return sorted(partners, key=lambda partner: (roles.index(partner.role), partner.order))


class Headline(Publishable, Dated, Translated):
    """A figure the programme published for the whole. It stands beside the sum of the regions and is never part of it."""

    class Beside(models.TextChoices):
        """How the headline relates to the regions' figures of `beside`."""

        SAME = "same", _("the same measure: the difference can be told")
        OTHER = "other", _("another measure: not comparable")
        NONE = "none", _("not broken down by region")

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="headlines", verbose_name=_("programme"))
    metric = models.ForeignKey(Metric, models.PROTECT, related_name="headlines", verbose_name=_("metric"))
    label = models.CharField(_("label"), max_length=100, help_text=_("As the tag prints it: men and women miners."))
    value = models.BigIntegerField(_("published value"))
    comparison = models.CharField(_("comparison"), max_length=5, choices=Beside.choices)
    beside = models.ForeignKey(
        Metric, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("regional metric it stands beside")
    )
    explanation = models.TextField(_("explanation"), help_text=_("What is known of the difference. Readers see this."))
    correction_reason = models.TextField(
        _("public reason of the correction"), blank=True, default="", db_default="",
        help_text=_("Why its value or period was changed. Readers see this."),
    )  # fmt: skip
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    objects = PublishedQuerySet.as_manager()

    corrected_by = ("value", "effective_on", "precision", "metric_id", "comparison", "beside_id")
    """The columns that, once readers have seen them, change only with a new `correction_reason` (migration 0007)."""

    class Meta(Publishable.Meta):
        verbose_name = _("headline")
        verbose_name_plural = _("headlines")
        ordering = ["programme", "order"]
        constraints = [
            *Publishable.Meta.constraints,
            *Dated.Meta.constraints,
            models.CheckConstraint(condition=Q(value__gte=0), name="programmes_headline_not_negative"),
            models.CheckConstraint(
                condition=Q(comparison="none", beside__isnull=True)
                | Q(comparison="same", beside__isnull=False, beside=models.F("metric"))
                | (Q(comparison="other", beside__isnull=False) & ~Q(beside=models.F("metric"))),
                name="programmes_headline_comparison_fits",
            ),
            models.CheckConstraint(
                condition=~Q(explanation_en="") & Q(explanation_en__isnull=False), name="programmes_headline_has_explanation"
            ),
            models.UniqueConstraint(
                fields=["programme", "metric", "effective_on", "precision"], name="programmes_headline_once_a_period"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.value}"

    @property
    def code(self) -> str:
        """The code on its tag."""
        return f"ALL-{self.metric.code}"

    @property
    def told_reason(self) -> Words:
        """Why it was corrected. A translation made from another English is of an earlier correction: the English stands in."""
        if is_outdated(self, "correction_reason"):
            return Words(Part(getattr(self, column("correction_reason", original_language())), original_language()))
        return words(self, "correction_reason")

    def get_absolute_url(self) -> str:
        """Its tag on the figure page of the first programme, as a metric's address is."""
        return f"{self.metric.get_absolute_url()}#{self.code.lower()}"

    def clean(self) -> None:
        """Raises ValidationError, in words, for what the trigger would refuse."""
        super().clean()
        seen = self._seen()
        if self.status != Status.PUBLISHED or seen is None:
            return
        reason, before = ((said or "").strip() for said in (self.correction_reason_en, seen.get("correction_reason_en")))  # type: ignore[attr-defined]
        corrected = any(str(getattr(self, name)) != str(seen[name]) for name in self.corrected_by)
        if not reason and (corrected or before):
            raise ValidationError({"correction_reason_en": _("Say why its value or period was changed: readers see it.")})
        if corrected and reason == before:
            told = _("This was said of an earlier change. Say why it is changed this time: readers see it.")
            raise ValidationError({"correction_reason_en": told})

    def _seen(self) -> dict[str, Any] | None:
        """The row as readers see it or, while it is not public, last saw it; None if they never did."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT programmes_headline_seen(%s)", [self.pk])
            (row,) = cursor.fetchone()
        return json.loads(row) if row else None
