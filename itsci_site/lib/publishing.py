"""Publishing: what the public may see, from when, and who decided it.

The states are draft, published (from `publish_at` on) and withdrawn. Transitions are verbs with a person; nothing else
assigns `status`.
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.conf import settings
from django.db import models
from django.db.models import Prefetch, Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Status(models.TextChoices):
    DRAFT = "draft", _("draft")
    PUBLISHED = "published", _("published")
    WITHDRAWN = "withdrawn", _("withdrawn")


class PublishedQuerySet(models.QuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """What the public may see at a moment; by default now, by the database's clock."""
        return self.filter(status=Status.PUBLISHED, publish_at__lte=at or Now())

    def with_public(self, relation: str) -> Self:
        """With the public rows that point here by `relation`, a related_name, in `public_<relation>`: one query for all.

        A lower storey reaches the models above it this way, without importing them.
        """
        related: Any = self.model._meta.get_field(relation).related_model
        return self.prefetch_related(Prefetch(relation, related._default_manager.published(), to_attr=f"public_{relation}"))


class Publishable(models.Model):
    """A row with a public life. `publish_at` may lie ahead: the row then appears at that moment by itself."""

    status = models.CharField(_("status"), max_length=9, choices=Status.choices, default=Status.DRAFT, editable=False)
    publish_at = models.DateTimeField(_("public from"), null=True, blank=True, editable=False)
    status_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        models.SET_NULL,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
        verbose_name=_("status set by"),
    )
    status_at = models.DateTimeField(_("status set at"), null=True, blank=True, editable=False)

    objects = PublishedQuerySet.as_manager()

    class Meta:
        abstract = True
        constraints = [
            models.CheckConstraint(condition=Q(status__in=Status.values), name="%(app_label)s_%(class)s_status_known"),
            models.CheckConstraint(
                condition=~Q(status=Status.PUBLISHED) | Q(publish_at__isnull=False),
                name="%(app_label)s_%(class)s_published_has_moment",
            ),
        ]

    def publish(self, by: "User", at: datetime | None = None) -> None:
        """Make this row public from `at` on, by default now, on the word of `by`. Raises ValidationError if it may not be."""
        now = timezone.now()
        self.status, self.publish_at, self.status_by, self.status_at = Status.PUBLISHED, at or now, by, now
        self.full_clean()
        self.save()

    def withdraw(self, by: "User") -> None:
        """Take this row away from the public at once."""
        self.status, self.status_by, self.status_at = Status.WITHDRAWN, by, timezone.now()
        self.save()

    def is_public(self, at: datetime | None = None) -> bool:
        return self.status == Status.PUBLISHED and self.publish_at is not None and self.publish_at <= (at or timezone.now())
