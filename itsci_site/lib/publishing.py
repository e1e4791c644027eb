"""Publishing: what the public may see, from when, and who decided it.

A row is written as a draft, submitted, returned with a reason or approved by somebody who did not write it, and published from
a moment on; it leaves the site when it is withdrawn. Moves are verbs with a person; nothing else assigns a state. From the day
the register is open (newsroom/guard.py) Postgres refuses every other way.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, Self

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import connection, models
from django.db.models import Func, Q, Window
from django.db.models.functions import Now, RowNumber
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

if TYPE_CHECKING:
    from django.contrib.auth.models import User


class Status(models.TextChoices):
    DRAFT = "draft", _("draft")
    SUBMITTED = "submitted", _("submitted")
    RETURNED = "returned", _("returned")
    APPROVED = "approved", _("approved")
    PUBLISHED = "published", _("published")
    WITHDRAWN = "withdrawn", _("withdrawn")
    SUSPENDED = "suspended", _("suspended")
    """Of people's words alone: out of sight at once, by one click."""


@dataclass(frozen=True, slots=True)
class Move:
    """A step of a row on its way to the public or back."""

    name: str
    label: Any
    leaves: frozenset[Status]
    """The states it can be made from."""
    to: Status
    permission: str
    """Of the newsroom app; empty: whoever may change the row."""
    asks_reason: bool = False
    asks_moment: bool = False


MOVES: Mapping[str, Move] = {
    move.name: move
    for move in (
        Move("submit", _("Submit for approval"), frozenset({Status.DRAFT, Status.RETURNED}), Status.SUBMITTED, ""),
        Move("approve", _("Approve"), frozenset({Status.SUBMITTED}), Status.APPROVED, "newsroom.approve"),
        Move(
            "send_back", _("Return"), frozenset({Status.SUBMITTED, Status.APPROVED}), Status.RETURNED, "newsroom.approve",
            asks_reason=True,
        ),
        Move(
            "publish", _("Publish"), frozenset({Status.APPROVED}), Status.PUBLISHED, "newsroom.approve", asks_moment=True
        ),
        Move(
            "withdraw", _("Withdraw"), frozenset({Status.PUBLISHED, Status.SUSPENDED}), Status.WITHDRAWN, "newsroom.withdraw",
            asks_reason=True,
        ),
        Move(
            "reopen", _("Take back as a draft"),
            frozenset({Status.SUBMITTED, Status.APPROVED, Status.WITHDRAWN, Status.SUSPENDED}), Status.DRAFT, "",
        ),
        Move(
            "discard", _("Discard"),
            frozenset({Status.DRAFT, Status.SUBMITTED, Status.RETURNED, Status.APPROVED, Status.PUBLISHED}),
            Status.WITHDRAWN, "",
        ),
        Move("suspend", _("Suspend"), frozenset({Status.PUBLISHED}), Status.SUSPENDED, "newsroom.suspend"),
    )
}  # fmt: skip
"""By name, in the order of their buttons."""


def register_is_open() -> bool:
    """Do the rules of the newsroom hold? Until content was loaded, a row can be made public by whoever makes it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT EXISTS (SELECT FROM newsroom_register)")
        return cursor.fetchone()[0]


class TriedOut(Func):
    """For a constraint on what is published: is this row only tried out, as a preview does, and taken back again?

    Postgres keeps no transaction that says so and has touched a row that takes two people (newsroom/guard.py).
    """

    template = "coalesce(current_setting('itsci.what_if', true), '') = 'on'"
    arity = 0
    output_field = models.BooleanField()


class PublishedQuerySet(models.QuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """What the public may see at a moment; by default now, by the database's clock."""
        return self.filter(status=Status.PUBLISHED, publish_at__lte=at or Now())

    def listed(self) -> Self:
        """Those that stand on the page of what they belong to: all, unless a model says otherwise."""
        return self

    def first_of_each(self, name: str, most: int) -> Self:
        """Of the rows with the same value of a field the first, so many, in the order that the model has them."""
        place = Window(RowNumber(), partition_by=name, order_by=self.model._meta.ordering)  # type: ignore[arg-type]
        return self.alias(place=place).filter(place__lte=most)


class Approved(models.Model):
    """A row that takes two people to become public: whoever wrote any of it does not approve it."""

    STATE: ClassVar[str] = "status"
    MOMENT: ClassVar[str] = "publish_at"
    """The names of its fields for the state and for the moment it is public from."""
    moves: ClassVar[tuple[str, ...]] = ("submit", "approve", "send_back", "publish", "withdraw", "reopen")

    authors = ArrayField(models.BigIntegerField(), default=list, db_default=[], editable=False, verbose_name=_("authors"))
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.SET_NULL, null=True, blank=True, editable=False, related_name="+",
        verbose_name=_("approved by"),
    )  # fmt: skip

    class Meta:
        abstract = True

    @property
    def state(self) -> Status:
        return Status(getattr(self, self.STATE))

    def can(self, name: str) -> bool:
        """Does this move lead on from where the row stands?"""
        return name in self.moves and self.state in MOVES[name].leaves

    def move(self, name: str, by: "User", at: datetime | None = None) -> None:
        """Make a move. `at`: the moment a publication is for, by default now. Raises ValidationError if it may not be made."""
        move, now = MOVES[name], timezone.now()
        if not self.can(name) and (name not in self.moves or register_is_open()):
            raise ValidationError(_("This is “{state}” now: it cannot be moved so.").format(state=self.state.label))
        if name == "approve" and by.pk in self.authors:
            raise ValidationError(_("You wrote some of this or submitted it: somebody else has to approve it."))
        setattr(self, self.STATE, move.to)
        if name == "submit" and by.pk not in self.authors:
            self.authors = [*self.authors, by.pk]
        if name == "approve":
            self.approved_by = by
        elif move.to in (Status.DRAFT, Status.RETURNED):
            self.approved_by = None
        if move.to == Status.PUBLISHED:
            setattr(self, self.MOMENT, at or now)
        self.mark(by, now)
        if move.to in (Status.SUBMITTED, Status.APPROVED, Status.PUBLISHED):
            self.full_clean()
        self.save()

    def mark(self, by: "User", now: datetime) -> None:
        """Keeps who moved it last, where a row has fields for that."""

    def back_to_draft(self) -> None:
        """What was submitted, approved or withdrawn and is written in again has to be submitted again."""
        if self.state in MOVES["reopen"].leaves:
            setattr(self, self.STATE, Status.DRAFT)
            self.approved_by = None

    def submit(self, by: "User") -> None:
        self.move("submit", by)

    def approve(self, by: "User") -> None:
        self.move("approve", by)

    def send_back(self, by: "User") -> None:
        self.move("send_back", by)

    def publish(self, by: "User", at: datetime | None = None) -> None:
        """Make this row public from `at` on, by default now, on the word of `by`. Raises ValidationError if it may not be."""
        self.move("publish", by, at)

    def withdraw(self, by: "User") -> None:
        """Take this row away from the public at once."""
        self.move("withdraw", by)

    def reopen(self, by: "User") -> None:
        self.move("reopen", by)


class Publishable(Approved):
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

    def mark(self, by: "User", now: datetime) -> None:
        self.status_by, self.status_at = by, now

    def is_public(self, at: datetime | None = None) -> bool:
        return self.status == Status.PUBLISHED and self.publish_at is not None and self.publish_at <= (at or timezone.now())
