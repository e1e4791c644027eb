"""Where each member of staff works (itsci_site/lib/newsroom/roles.py)."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Desk(models.Model):
    """The regions that a member of staff works on. Whoever has none sees the drafts of no region."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.CASCADE, related_name="desk", verbose_name=_("account"))
    everywhere = models.BooleanField(_("everywhere"), default=False, help_text=_("All regions, and the programme as a whole."))
    regions = models.ManyToManyField("regions.Region", blank=True, related_name="desks", verbose_name=_("regions"))

    never_public = True

    class Meta:
        verbose_name = _("desk")
        verbose_name_plural = _("desks")
        ordering = ["user"]

    def __str__(self) -> str:
        return f"{self.user}"
