"""Whose words they are. Nothing of this is ever public: no public query names this table, the public role cannot read it."""

import secrets

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


def new_reference() -> str:
    """What stands for a person wherever another record names them: nothing of it comes from who they are."""
    return f"P-{secrets.token_hex(4).upper()}"


class Contributor(models.Model):
    class Age(models.TextChoices):
        MINOR = "minor", _("under 18")
        ADULT = "adult", _("18 or older")
        UNKNOWN = "unknown", _("not known")

    reference = models.CharField(_("reference"), max_length=10, unique=True, default=new_reference, editable=False)
    legal_name = models.CharField(_("legal name"), max_length=200)
    contact = models.TextField(_("how to reach them"), blank=True)
    preferred_language = models.CharField(_("preferred language"), max_length=3, help_text=_("Like en, fr or swa."))
    age = models.CharField(_("age"), max_length=7, choices=Age.choices)
    guardian = models.CharField(_("guardian"), max_length=200, blank=True, help_text=_("Of whoever is under 18."))
    notes = models.TextField(_("notes"), blank=True)

    hidden_in_trail = True
    never_public = True

    class Meta:
        verbose_name = _("contributor")
        verbose_name_plural = _("contributors")
        ordering = ["reference"]
        constraints = [
            models.CheckConstraint(
                condition=Q(reference__regex=r"^P-[0-9A-F]{8}$"), name="testimonials_contributor_reference_opaque"
            ),
            models.CheckConstraint(
                condition=Q(age__in=["minor", "adult", "unknown"]), name="testimonials_contributor_age_known"
            ),
            models.CheckConstraint(
                condition=~Q(age="minor") | Q(guardian__regex=r"\S"), name="testimonials_contributor_minor_has_guardian"
            ),
            models.CheckConstraint(
                condition=Q(preferred_language__regex=r"^[a-z]{2,3}$"), name="testimonials_contributor_language_code"
            ),
        ]

    def __str__(self) -> str:
        return self.reference
