"""The tables of the newsroom. All but proposals are written by Postgres alone."""

from typing import Any

from django.apps import apps
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import BrinIndex, GinIndex
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from ..publishing import Publishable, PublishedQuerySet, Status

OPEN = [Status.DRAFT, Status.SUBMITTED, Status.RETURNED, Status.APPROVED]
"""A proposal in one of these can still be written in or returned."""


class Register(models.Model):
    """One row, from the moment on at which the rules hold (guard.py)."""

    opened_at = models.DateTimeField(_("opened at"))

    class Meta:
        verbose_name = _("register")
        verbose_name_plural = _("registers")
        constraints = [models.CheckConstraint(condition=Q(pk=1), name="newsroom_register_once")]

    def __str__(self) -> str:
        return f"{self.opened_at:%Y-%m-%d %H:%M}"


class Seal(models.Model):
    """What one transaction changed, sealed when it was committed. The order of the chain is that of `at`."""

    at = models.DateTimeField(_("at"))
    previous = models.CharField(_("hash of the seal before"), max_length=64)
    hash = models.CharField(_("hash"), max_length=64)
    entries = models.PositiveIntegerField(_("entries"))

    class Meta:
        verbose_name = _("seal")
        verbose_name_plural = _("seals")
        ordering = ["-at"]
        default_permissions = []
        constraints = [
            models.UniqueConstraint(fields=["at"], name="newsroom_seal_in_order"),
            models.UniqueConstraint(fields=["previous"], name="newsroom_seal_chain_is_one"),
        ]

    def __str__(self) -> str:
        return f"{self.pk}: {self.hash}"


class Entry(models.Model):
    """One change of one row. `before` and `after` hold the columns that changed; NULL where values are nobody's business."""

    class Operation(models.TextChoices):
        INSERT = "insert", _("added")
        UPDATE = "update", _("changed")
        DELETE = "delete", _("deleted")

    seal = models.ForeignKey(
        Seal, models.PROTECT, db_index=False, db_constraint=False, related_name="sealed", verbose_name=_("seal")
    )  # its number is drawn with a transaction's first entry; the seal is set when that is committed
    transaction = models.BigIntegerField(_("transaction"))
    at = models.DateTimeField(_("at"))
    actor_id = models.BigIntegerField(_("account"), null=True)
    actor = models.CharField(_("who"), max_length=150)
    """The name of the account, or the role of the database for what came another way."""
    reason = models.TextField(_("reason"))
    table_name = models.CharField(_("table"), max_length=63)
    row_id = models.BigIntegerField(_("row"))
    operation = models.CharField(_("what"), max_length=6, choices=Operation.choices)
    changed = ArrayField(models.CharField(max_length=63), verbose_name=_("fields"))
    before = models.JSONField(_("before"), null=True)
    after = models.JSONField(_("after"), null=True)
    pinch = models.CharField(_("salt of the digest"), max_length=64)
    digest = models.CharField(_("digest of the values"), max_length=64)

    class Meta:
        verbose_name = _("entry of the trail")
        verbose_name_plural = _("trail of changes")
        ordering = ["-pk"]
        default_permissions = ["view"]
        indexes = [
            models.Index(fields=["table_name", "row_id", "-id"], name="newsroom_entry_of_row"),
            models.Index(fields=["actor", "-id"], name="newsroom_entry_of_actor"),
            models.Index(fields=["seal"], name="newsroom_entry_of_seal"),
            models.Index(fields=["-id"], condition=Q(operation="delete"), name="newsroom_entry_deleted"),
            BrinIndex(fields=["at"], name="newsroom_entry_moment"),
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor}: {self.table_name} {self.row_id} {self.get_operation_display()}"

    @property
    def is_erased(self) -> bool:
        return self.pinch == ""


class Note(models.Model):
    """What was done with the trail as a whole. Kept in the trail itself, so that nobody changes it unseen."""

    class Kind(models.TextChoices):
        VERIFIED = "verified", _("verified")
        BROKEN = "broken", _("found broken")
        EXPORTED = "exported", _("taken away as a file")
        RESTORED = "restored", _("restored from a backup")
        OPENED = "opened", _("opened without its ledger")

    at = models.DateTimeField(_("at"), db_default=Now())
    kind = models.CharField(_("what"), max_length=8, choices=Kind.choices)
    said = models.JSONField(_("details"), default=dict)

    class Meta:
        verbose_name = _("note on the trail")
        verbose_name_plural = _("notes on the trail")
        ordering = ["-pk"]
        default_permissions = []
        constraints = [
            models.CheckConstraint(
                condition=Q(kind__in=["verified", "broken", "exported", "restored", "opened"]), name="newsroom_note_kind_known"
            )
        ]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.get_kind_display()}"


class ProposalQuerySet(PublishedQuerySet):
    def pending(self) -> "ProposalQuerySet":
        """Whose changes are not part of the record yet."""
        return self.filter(Q(status__in=OPEN) | Q(status=Status.PUBLISHED, applied_at__isnull=True))

    def of(self, model: type[models.Model], pk: Any) -> "ProposalQuerySet":
        return self.filter(record=model._meta.label_lower, row_id=pk)


class Proposal(Publishable):
    """The next version of something that is public already: changes that wait for a second person, then for their moment.

    `changes`: a list of {"table", "id", "op", "before", "after"}, as trail.Change has them. Postgres makes them part of the
    rows when their moment has come (`newsroom_apply_due`), and leaves a proposal that no longer fits returned, with the
    `problem`.
    """

    record = models.CharField(_("record"), max_length=100)
    """The model of what it is a version of: "regions.region"."""
    row_id = models.BigIntegerField(_("row"))
    regions = ArrayField(models.BigIntegerField(), default=list, blank=True, verbose_name=_("regions"))
    """The keys of the regions it belongs to; none: the whole programme."""
    title = models.CharField(_("title"), max_length=300)
    changes = models.JSONField(_("changes"), default=list)
    applied_at = models.DateTimeField(_("applied at"), null=True, blank=True, editable=False)
    problem = models.TextField(_("problem"), blank=True, default="", editable=False)

    objects = ProposalQuerySet.as_manager()

    not_content = ("applied_at", "problem")
    moves = ("submit", "approve", "send_back", "publish", "reopen", "discard")

    class Meta(Publishable.Meta):
        verbose_name = _("next version")
        verbose_name_plural = _("next versions")
        ordering = ["-pk"]
        default_permissions = ["view"]
        permissions = [
            ("approve", "Can approve, return and publish what others wrote"),
            ("withdraw", "Can withdraw what is public"),
            ("suspend", "Can suspend people's words at once"),
        ]
        indexes = [GinIndex(fields=["changes"], opclasses=["jsonb_path_ops"], name="newsroom_proposal_changes")]
        constraints = [
            *Publishable.Meta.constraints,
            models.UniqueConstraint(
                fields=["record", "row_id"],
                condition=Q(status__in=["draft", "submitted", "returned", "approved"])
                | Q(status="published", applied_at__isnull=True),
                name="newsroom_proposal_one_at_a_time",
            ),
            models.CheckConstraint(
                condition=Q(applied_at__isnull=True) | Q(status="published"), name="newsroom_proposal_applied_once_published"
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def deletes_record(self) -> bool:
        table = apps.get_model(self.record)._meta.db_table
        return any((one["table"], one["id"], one["op"]) == (table, self.row_id, "delete") for one in self.changes)
