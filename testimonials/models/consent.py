"""What somebody agreed to: how, when and to whom they said so, what it covers, and until when.

A consent that something relies on is never widened: to agree to more is a new consent. Narrowed, ended or withdrawn, it acts on
every testimonial at once (testimonials/rules.py, where the rest of its rules stand).
"""

from copy import copy
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.db.models import F, Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from .contributor import Contributor

SCOPES = (
    "scope_quote", "scope_translation", "scope_first_name", "scope_full_name", "scope_role", "scope_province", "scope_photo",
    "scope_web", "scope_print",
)  # fmt: skip


def _scope(words: Any) -> models.BooleanField:
    return models.BooleanField(words, default=False)


class Consent(models.Model):
    class How(models.TextChoices):
        WRITTEN = "written", _("written")
        THUMBPRINT = "thumbprint", _("thumbprint")
        AUDIO = "audio", _("audio recording")
        WITNESSED = "witnessed", _("spoken, before a witness")
        NOT_HELD = "not_held", _("published by the programme before this register; record not held")

    contributor = models.ForeignKey(
        Contributor, models.PROTECT, null=True, blank=True, related_name="consents", verbose_name=_("contributor")
    )
    how = models.CharField(_("how"), max_length=10, choices=How.choices)
    given_at = models.DateTimeField(_("given at (UTC)"), null=True, blank=True)
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("taken by"),
        help_text=_("The member of staff who asked."),
    )  # fmt: skip
    language = models.CharField(
        _("language"), max_length=3, blank=True, help_text=_("The one it was explained and given in, like en, fr or swa.")
    )
    scope_quote = _scope(_("their words"))
    scope_translation = _scope(_("a translation of their words"))
    scope_first_name = _scope(_("their first name"))
    scope_full_name = _scope(_("their full name"))
    scope_role = _scope(_("their role"))
    scope_province = _scope(_("their province"))
    scope_photo = _scope(_("their photo"))
    scope_web = _scope(_("on the web"))
    scope_print = _scope(_("in print"))
    registered_at = models.DateTimeField(_("registered at"), db_default=Now(), editable=False)
    expires_on = models.DateField(
        _("ends on"), blank=True,
        help_text=_(
            "From this day on it does not hold. Empty: in 12 months. At most 24 if the risk is low, 12 if medium, 6 if high."
        ),
    )  # fmt: skip
    withdrawn_at = models.DateTimeField(_("withdrawn at"), null=True, blank=True, editable=False)

    never_public = True

    class Meta:
        verbose_name = _("consent")
        verbose_name_plural = _("consents")
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                condition=Q(how__in=["written", "thumbprint", "audio", "witnessed", "not_held"]),
                name="testimonials_consent_how_known",
            ),
            models.CheckConstraint(
                condition=Q(how="not_held", contributor__isnull=True, given_at__isnull=True, taken_by__isnull=True, language="")
                | ~Q(how="not_held")
                & Q(contributor__isnull=False, given_at__isnull=False, taken_by__isnull=False, language__regex="^[a-z]{2,3}$"),
                name="testimonials_consent_on_record",
            ),
            models.CheckConstraint(
                condition=Q(withdrawn_at__isnull=True) | Q(given_at__isnull=True) | Q(withdrawn_at__gte=F("given_at")),
                name="testimonials_consent_withdrawn_after_it_was_given",
            ),
        ]

    def __str__(self) -> str:
        if self.how == self.How.NOT_HELD:
            return f"{self.pk}: {self.get_how_display()}"
        given = f"{self.given_at:%Y-%m-%d}" if self.given_at else "–"  # of a form that was refused
        return f"{self.pk}: {self.contributor}, {given}, > {self.expires_on}"

    def refusals(self) -> list[str]:
        """The rule of the triggers that this row, as it stands here, would break: tried out and taken back."""
        tried = copy(self)
        try:
            with transaction.atomic():
                tried.save()
                transaction.set_rollback(True)
        except IntegrityError as error:
            return [error.__cause__.diag.constraint_name]  # type: ignore[union-attr]
        return []
