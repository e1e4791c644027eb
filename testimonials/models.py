"""People's words, and the stories they belong to. Whoever is quoted can be harmed: nothing here names a person."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.publishing import Publishable, PublishedQuerySet
from itsci_site.lib.translated import Translated
from regions.models import Region

PORTRAIT_WIDTHS = (96, 192, 384)
"""In pixels; the height is five quarters of it. Pages show 96 CSS pixels: the others are for denser screens."""
PORTRAIT_TYPES = {"avif": "image/avif", "webp": "image/webp", "jpg": "image/jpeg"}
"""The media type by the ending of a file, the smallest files first."""
RENDITIONS = [f"{width}.{ending}" for width in PORTRAIT_WIDTHS for ending in PORTRAIT_TYPES]
"""The files of a portrait, like "96.avif"."""
REDUCED = "192.jpg"
"""The one file that a reader who asks for reduced data can load: its size can be said beforehand."""


class TestimonialQuerySet(PublishedQuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """Of published regions only: a region that is withdrawn takes its people's words along."""
        return super().published(at).filter(region__in=Region.objects.published(at))


class Testimonial(Publishable, Translated):
    region = models.ForeignKey(Region, models.PROTECT, related_name="testimonials", verbose_name=_("region"))
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    quote = models.TextField(_("quote"), help_text=_("Word for word, without quotation marks. Never translated here."))
    quote_language = models.CharField(
        _("language of the quote"), max_length=10, default="en", help_text=_("As printed, like en or fr.")
    )
    original_language = models.CharField(
        _("language it was said in"), max_length=10, blank=True, help_text=_("Empty where the source does not say.")
    )
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

    searched = {"A": ["story_title*"], "B": ["story_teaser*", "quote@quote_language"], "C": ["story_body*"]}

    class Meta(Publishable.Meta):
        verbose_name = _("testimonial")
        verbose_name_plural = _("testimonials")
        ordering = ["order", "slug"]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(condition=~Q(quote=""), name="testimonials_testimonial_has_quote"),
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
