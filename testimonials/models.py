"""People's words, and the stories they belong to. Whoever is quoted can be harmed: nothing here names a person."""

from datetime import datetime
from typing import Self

from django.db import models
from django.db.models import Q
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.publishing import Publishable, PublishedQuerySet
from regions.models import Region


class TestimonialQuerySet(PublishedQuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """Of published regions only: a region that is withdrawn takes its people's words along."""
        return super().published(at).filter(region__in=Region.objects.published(at))


class Testimonial(Publishable):
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

    objects = TestimonialQuerySet.as_manager()

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
        ]

    def __str__(self) -> str:
        return self.story_title

    def get_absolute_url(self) -> str:
        return reverse("story", args=[self.slug])
