"""The programme itself: what it does, with whom, and the figures it published for the whole."""

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.publishing import Publishable
from regions.models import Dated, Metric, Region


class Programme(Publishable):
    """The first by `order` owns the home page; any further one has pages below /programmes/."""

    slug = models.SlugField(_("address"), unique=True)
    name = models.CharField(_("name"), max_length=100)
    strapline = models.CharField(_("strapline"), max_length=150, help_text=_("The heading of its page."))
    lead = models.TextField(_("lead"), help_text=_("One paragraph below the heading."))
    progress_lead = models.TextField(_("lead of Progress"))
    regions = models.ManyToManyField(Region, related_name="programmes", verbose_name=_("regions"))
    metrics = models.ManyToManyField(Metric, related_name="programmes", verbose_name=_("metrics reported by region"))
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta(Publishable.Meta):
        verbose_name = _("programme")
        verbose_name_plural = _("programmes")
        ordering = ["order", "slug"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("programme", args=[self.slug])


class Activity(models.Model):
    programme = models.ForeignKey(Programme, models.CASCADE, related_name="activities", verbose_name=_("programme"))
    title = models.CharField(_("title"), max_length=100)
    text = models.TextField(_("text"))
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    class Meta:
        verbose_name = _("activity")
        verbose_name_plural = _("activities")
        ordering = ["programme", "order"]

    def __str__(self) -> str:
        return self.title


class PartnerQuerySet(models.QuerySet["Partner"]):
    def by_role(self) -> list["Partner"]:
        """In the order of the roles, then the order staff gave."""
        roles = list(Partner.Role.values)
        return sorted(self, key=lambda partner: (roles.index(partner.role), partner.order))


class Partner(models.Model):
    """An organisation, scheme or law the programme works with, in the role the source gives it."""

    class Role(models.TextChoices):
        PARTNER = "partner", _("Joint efforts")
        DONOR = "donor", _("Donor")
        SERVICE = "service", _("Government services")
        SCHEME = "scheme", _("Schemes and projects")
        STANDARD = "standard", _("Standards and laws")

    programme = models.ForeignKey(Programme, models.CASCADE, related_name="partners", verbose_name=_("programme"))
    name = models.CharField(_("name"), max_length=150)
    role = models.CharField(_("role"), max_length=8, choices=Role.choices)
    note = models.CharField(
        _("note"), max_length=200, blank=True, help_text=_("What a reader should know about the name or role.")
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)

    objects = PartnerQuerySet.as_manager()

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
        ]

    def __str__(self) -> str:
        return self.name


class Headline(Publishable, Dated):
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
    order = models.PositiveSmallIntegerField(_("order"), default=0)

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

    def get_absolute_url(self) -> str:
        return self.metric.get_absolute_url()
