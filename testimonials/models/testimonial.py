"""People's words, and the stories they belong to. Whoever is quoted can be harmed.

What a row alone can be asked is a constraint here; what takes the consent, the person or the clock is asked by Postgres in
`testimonials_refusals` (testimonials/rules.py), which speaks for forms as well.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any, Self

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models
from django.db.models import Q
from django.db.models.functions import Now, TruncDate
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.keyset import Spot
from itsci_site.lib.languages import column, current_language
from itsci_site.lib.publishing import Publishable, PublishedQuerySet, Status
from itsci_site.lib.translated import Translated, Words, words
from regions.models import Country, Region

from .consent import Consent
from .contributor import Contributor
from .refusals import IN_WORDS

PORTRAIT_WIDTHS = (96, 192, 384)
"""In pixels; the height is five quarters of it. Pages show 96 CSS pixels: the others are for denser screens."""
PORTRAIT_TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}
"""The media type by the ending of a file, the smallest files first."""
RENDITIONS = [f"{width}.{ending}" for width in PORTRAIT_WIDTHS for ending in PORTRAIT_TYPES]
"""The files of a portrait, like "96.avif"."""
REDUCED = "192.jpg"
"""The one file that a reader who asks for reduced data can load: its size can be said beforehand."""


FLAGS = (
    "self_incriminating", "armed_group", "sexual_violence", "child_labour", "accuses_person", "whistleblowing", "health",
)  # fmt: skip
"""What makes words dangerous to whoever said them."""
DANGEROUS = tuple(flag for flag in FLAGS if flag not in ("child_labour", "health"))
"""Any of these has what a high risk has: no name, no face, no place closer than the country."""
REVIEW_WITHIN = timedelta(days=60)


def _flagged(*flags: str) -> Q:
    condition = Q()
    for flag in flags:
        condition |= Q(**{flag: True})
    return condition


def _flag(words: Any) -> models.BooleanField:
    return models.BooleanField(words, default=False, db_default=False)


SAFE = ~_flagged(*DANGEROUS) & ~Q(risk="high")
UNNAMED = ["anonymous", "role"]


def _empty(name: str) -> Q:
    return Q(**{f"{name}__isnull": True}) | Q(**{name: ""})


class TestimonialQuerySet(PublishedQuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """Whose consent lasts, and of published regions only: a region that is withdrawn takes its people's words along."""
        public = super().published(at).filter(consent_until__gt=at or Now())
        return public.filter(region__in=Region.objects.published(at))

    def listed(self) -> Self:
        """A story that names no place closer than the country stands on no province's page."""
        return self.filter(Q(place_precision=Testimonial.Precision.REGION) | Q(region__kind=Region.Kind.COUNTRY))

    def one_a_region(self, most: int) -> Self:
        """The one that staff put first of each region, of so many regions."""
        first = self.order_by("region_id", "order", "-publish_at", "pk").distinct("region_id")
        found: Self = self.model._default_manager.filter(pk__in=first.values("pk"))  # type: ignore[assignment]
        return found.select_related("region__country").order_by("order", "-publish_at", "pk")[:most]

    def newest_first(self) -> Self:
        """By the day they became public."""
        day = TruncDate("publish_at", tzinfo=UTC)
        return self.annotate(day=day).select_related("region__country").order_by("-day", "-pk")

    def before(self, spot: Spot) -> Self:
        """Of those newest first: what stands further down than a spot."""
        return self.filter(Q(day__lt=spot.day) | Q(pk__lt=spot.pk), day__lte=spot.day)

    def after(self, spot: Spot) -> Self:
        """Of those newest first: what stands further up than a spot."""
        return self.filter(Q(day__gt=spot.day) | Q(pk__gt=spot.pk), day__gte=spot.day)

    def expiring(self, at: datetime, within: timedelta = REVIEW_WITHIN) -> Self:
        """Published stories whose consent ends soon, or has."""
        return self.filter(status=Status.PUBLISHED, consent_until__lte=at + within)

    def review_due(self) -> Self:
        """Published stories without a record of consent, or whose risk nobody has assessed."""
        unsure = Q(consent__how=Consent.How.NOT_HELD) | Q(assessed_at__isnull=True)
        return self.filter(unsure, status=Status.PUBLISHED)


class Testimonial(Publishable, Translated):
    class Attribution(models.TextChoices):
        ANONYMOUS = "anonymous", _("anonymous")
        ROLE = "role", _("role")
        PSEUDONYM = "pseudonym", _("pseudonym")
        FIRST_NAME = "first_name", _("first name")
        FULL = "full", _("full name")

    class Precision(models.TextChoices):
        COUNTRY = "country", _("country")
        REGION = "region", _("region")

    class Risk(models.TextChoices):
        LOW = "low", _("low")
        MEDIUM = "medium", _("medium")
        HIGH = "high", _("high")

    region = models.ForeignKey(Region, models.PROTECT, related_name="testimonials", verbose_name=_("region"))
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    quote = models.TextField(_("quote"), help_text=_("Word for word, without quotation marks. Never translated here."))
    quote_language = models.CharField(
        _("language of the quote"), max_length=10, default="en", help_text=_("As printed, like en or fr.")
    )
    original_language = models.CharField(
        _("language it was said in"), max_length=10, blank=True, help_text=_("Empty where the source does not say.")
    )
    words = models.TextField(
        _("their words in this language"), blank=True, default="", db_default="",
        help_text=_("A translation of the quote, for pages in this language. Empty: the quote stands as it was published."),
    )  # fmt: skip
    contributor = models.ForeignKey(
        Contributor, models.PROTECT, null=True, blank=True, related_name="testimonials", verbose_name=_("contributor")
    )
    consent = models.ForeignKey(
        Consent, models.PROTECT, null=True, blank=True, related_name="testimonials", verbose_name=_("consent")
    )
    consent_until = models.DateTimeField(_("consent lasts until"), null=True, blank=True, editable=False)
    """Postgres's to write, from the consent and the risk: so no public query needs the consent itself."""
    attribution = models.CharField(
        _("whose words, for readers"), max_length=10, choices=Attribution.choices, default=Attribution.ANONYMOUS,
        db_default=Attribution.ANONYMOUS,
    )  # fmt: skip
    shown_as = models.CharField(
        _("shown as"), max_length=100, blank=True, default="", db_default="",
        help_text=_("The name or the role as readers see it, like “a washer at Nyabibwe”. Empty if anonymous."),
    )  # fmt: skip
    place_precision = models.CharField(
        _("place shown"), max_length=7, choices=Precision.choices, default=Precision.REGION, db_default=Precision.REGION
    )
    self_incriminating = _flag(_("admits something unlawful"))
    armed_group = _flag(_("speaks of an armed group"))
    sexual_violence = _flag(_("speaks of sexual violence"))
    child_labour = _flag(_("speaks of child labour"))
    accuses_person = _flag(_("accuses a person"))
    whistleblowing = _flag(_("tells of wrongdoing from within"))
    health = _flag(_("tells of somebody’s health"))
    risk = models.CharField(
        _("risk to whoever speaks"), max_length=6, choices=Risk.choices, blank=True, default="", db_default="",
        help_text=_("Empty until somebody has assessed it."),
    )  # fmt: skip
    assessed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("assessed by"),
    )  # fmt: skip
    assessed_at = models.DateTimeField(_("assessed at"), null=True, blank=True, editable=False)
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True, editable=False)
    erased_at = models.DateTimeField(_("erased at"), null=True, blank=True, editable=False)
    erased_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("erased by"),
    )  # fmt: skip
    story_title = models.CharField(_("story title"), max_length=150)
    story_teaser = models.CharField(_("story teaser"), max_length=300, help_text=_("What the story is about, in a sentence."))
    story_body = models.TextField(
        _("story"), blank=True, help_text=_("Blank lines part paragraphs. Empty where there is none.")
    )
    order = models.PositiveSmallIntegerField(_("order"), default=0)
    portrait = models.CharField(
        _("portrait"), max_length=32, blank=True, default="", db_default="", editable=False
    )  # the random name of its files; empty: none
    portrait_bytes = models.PositiveIntegerField(_("size of the portrait"), null=True, blank=True, editable=False)
    portrait_alt = models.CharField(
        _("what the photo shows"), max_length=200, blank=True, default="", db_default="",
        help_text=_("For those who do not see it, like “A woman in a helmet at the mouth of a pit”. Never a name."),
    )  # fmt: skip
    changed_at = models.DateTimeField(_("last changed"), auto_now=True, db_default=Now())

    objects = TestimonialQuerySet.as_manager()

    kept_outside = ("portrait", "portrait_bytes")
    """Columns about files that go with the row or with the next photo: the history never puts them back."""

    tells_of_people = True
    """For the ledger: a change of what readers saw counts as something that left."""
    searched = {"A": ["story_title*"], "B": ["story_teaser*", "quote@quote_language", "words*"], "C": ["story_body*"]}
    not_content = ("consent_until", "withdrawn_at", "assessed_by_id", "assessed_at")
    moves = (*Publishable.moves, "suspend")
    made_apart = ("words",)

    class Meta(Publishable.Meta):
        verbose_name = _("testimonial")
        verbose_name_plural = _("testimonials")
        ordering = ["order", "slug"]
        permissions = [("erase_testimonial", "Can erase a testimonial for good")]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(quote="") | Q(erased_at__isnull=False), name="testimonials_testimonial_has_quote"
            ),
            models.CheckConstraint(
                condition=Q(attribution__in=["anonymous", "role", "pseudonym", "first_name", "full"]),
                name="testimonials_testimonial_attribution_known",
            ),
            models.CheckConstraint(
                condition=Q(place_precision__in=["country", "region"]), name="testimonials_testimonial_place_known"
            ),
            models.CheckConstraint(
                condition=Q(risk__in=["", "low", "medium", "high"]), name="testimonials_testimonial_risk_known"
            ),
            models.CheckConstraint(
                condition=Q(assessed_by__isnull=True, assessed_at__isnull=True)
                | ~Q(risk="") & Q(assessed_by__isnull=False, assessed_at__isnull=False),
                name="testimonials_testimonial_assessed_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(attribution="anonymous") & _empty("shown_as_en") & _empty("shown_as_fr")
                | ~Q(attribution="anonymous") & Q(shown_as_en__isnull=False, shown_as_en__regex=r"\S"),
                name="testimonials_testimonial_shown_as",
            ),
            models.CheckConstraint(condition=SAFE | Q(attribution__in=UNNAMED), name="testimonials_testimonial_danger_unnamed"),
            models.CheckConstraint(
                condition=SAFE | Q(place_precision="country"), name="testimonials_testimonial_danger_country_only"
            ),
            models.CheckConstraint(condition=SAFE | Q(portrait=""), name="testimonials_testimonial_danger_faceless"),
            models.CheckConstraint(
                condition=Q(child_labour=False) | Q(attribution__in=UNNAMED), name="testimonials_testimonial_child_unnamed"
            ),
            models.CheckConstraint(
                condition=Q(child_labour=False) | Q(portrait=""), name="testimonials_testimonial_child_faceless"
            ),
            models.CheckConstraint(
                condition=Q(erased_at__isnull=True, erased_by__isnull=True)
                | Q(erased_at__isnull=False, erased_by__isnull=False, status="draft"),
                name="testimonials_testimonial_erased_by_somebody",
            ),
            models.CheckConstraint(
                condition=Q(quote_language__regex=r"^[a-z]{2,3}$")
                & (Q(original_language="") | Q(original_language__regex=r"^[a-z]{2,3}$")),
                name="testimonials_testimonial_language_codes",
            ),
            models.CheckConstraint(
                condition=Q(portrait="") | Q(portrait__regex=r"^[0-9a-f]{32}$"), name="testimonials_testimonial_portrait_named"
            ),
            models.CheckConstraint(
                condition=Q(portrait="")
                | Q(portrait_alt_en__isnull=False, portrait_alt_en__regex=r"\S")
                & Q(portrait_alt_fr__isnull=False, portrait_alt_fr__regex=r"\S"),
                name="testimonials_testimonial_portrait_described",
            ),
            models.CheckConstraint(
                condition=Q(portrait="", portrait_bytes__isnull=True)
                | ~Q(portrait="") & Q(portrait_bytes__isnull=False, portrait_bytes__gte=1),
                name="testimonials_testimonial_portrait_weighed",
            ),
        ]

    def __str__(self) -> str:
        return self.story_title

    def get_absolute_url(self) -> str:
        return reverse("story", args=[self.slug])

    @property
    def spot(self) -> Spot:
        """Of a public one."""
        return Spot(self.publish_at.astimezone(UTC).date(), self.pk)  # type: ignore[union-attr]

    def is_public(self, at: datetime | None = None) -> bool:
        until = self.consent_until
        return super().is_public(at) and until is not None and until > (at or timezone.now())

    def can(self, name: str) -> bool:
        return self.erased_at is None and super().can(name)

    @property
    def standing(self) -> str:
        """Its state in a word, with those that no move makes: what was assessed, has run out, or is erased."""
        if self.erased_at:
            return gettext("erased")
        if self.status == Status.PUBLISHED and not (self.consent_until and self.consent_until > timezone.now()):
            return gettext("expired")
        if self.status == Status.DRAFT and self.assessed_at:
            return gettext("draft, assessed")
        return str(self.state.label)

    def refusals(self) -> list[str]:
        """The rules of `testimonials_refusals` that this row, as it stands here, would break. Asks the database."""
        row = {field.column: field.value_from_object(self) for field in self._meta.concrete_fields}
        row = {name: value for name, value in row.items() if not hasattr(value, "resolve_expression")}  # left to the database
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT refusal FROM jsonb_populate_record(NULL::testimonials_testimonial, %s::jsonb) AS one,"
                " testimonials_refusals(one, (SELECT was FROM testimonials_testimonial AS was WHERE id = one.id)) AS refusal",
                [json.dumps(row, cls=DjangoJSONEncoder)],
            )
            return [name for (name,) in cursor.fetchall()]

    def validate_constraints(self, exclude: Any = None) -> None:
        super().validate_constraints(exclude)
        errors: dict[str, list[Any]] = {}
        for name in self.refusals():
            field, told = IN_WORDS[name]
            errors.setdefault(field, []).append(told)
        if errors:
            raise ValidationError(errors)

    # What readers are told of whose words they are, where, and in which language

    @property
    def names_region(self) -> bool:
        return self.place_precision == self.Precision.REGION or self.region.kind == Region.Kind.COUNTRY

    @property
    def place(self) -> Region | Country:
        """The closest that readers may be told."""
        return self.region if self.names_region else self.region.country

    @property
    def place_name(self) -> Words:
        return words(self.place, "name" if self.names_region else "short_name")

    @property
    def place_code(self) -> str:
        """Whose part of the glyph is in focus."""
        return self.region.code if self.names_region else self.region.country.iso_code

    @property
    def place_address(self) -> str:
        if self.names_region:
            return self.region.get_absolute_url()
        return f"{reverse('where_we_work')}#{self.region.country.slug}"

    @property
    def is_translated(self) -> bool:
        """Are their words printed in the page's language, and not as they were published?"""
        return bool(getattr(self, column("words", current_language()), None))

    @property
    def said(self) -> str:
        return getattr(self, column("words", current_language()), None) or self.quote

    @property
    def said_in(self) -> str:
        """The language that `said` is in."""
        return current_language() if self.is_translated else self.quote_language

    @property
    def last_change(self) -> datetime:
        """Of what readers see: its becoming public, or a later edit."""
        return max(filter(None, (self.publish_at, self.changed_at)))

    def portrait_address(self, rendition: str) -> str:
        return f"{self.get_absolute_url()}{self.portrait}-{rendition}"

    @property
    def reduced_portrait(self) -> str:
        """The address of the file whose size is `portrait_bytes`."""
        return self.portrait_address(REDUCED)

    @property
    def portrait_srcset(self) -> str:
        """Of the JPEG files, which every browser reads."""
        return self._srcset("jpg")

    @property
    def portrait_sources(self) -> list[tuple[str, str]]:
        """(media type, srcset) of the types that weigh less, the smallest first."""
        return [(media, self._srcset(ending)) for ending, media in PORTRAIT_TYPES.items() if ending != "jpg"]

    def _srcset(self, ending: str) -> str:
        return ", ".join(f"{self.portrait_address(f'{width}.{ending}')} {width}w" for width in PORTRAIT_WIDTHS)
