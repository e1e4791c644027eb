"""Erasing what somebody said, for good: from its row, the trail of changes, next versions, the log of the admin, and the disk.

What stays is that something was erased, when and by whom. Reasons typed beside changes are part of what the trail's seals hold
and stay; staff are told not to write names there.
"""

from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.contrib.admin.models import LogEntry
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ValidationError
from django.db import transaction
from django.db.models import Q, QuerySet
from django.dispatch import Signal
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.languages import column, fields
from itsci_site.lib.newsroom import trail
from itsci_site.lib.newsroom.models import Entry, Proposal
from itsci_site.lib.publishing import Status

from . import files
from .models import Consent, Contributor, Testimonial
from .models.testimonial import FLAGS

if TYPE_CHECKING:
    from django.contrib.auth.models import User

erased = Signal()
"""Sent once it is certain: copies of public pages that were made from it have to go."""
NOTHING = {"before": None, "after": None, "pinch": ""}


def erase(testimonial: Testimonial, by: "User", reason: str = "") -> None:
    """Raises ValidationError for what is erased already."""
    with trail.acting(by, reason):
        row = Testimonial.objects.select_for_update().get(pk=testimonial.pk)
        if row.erased_at:
            raise ValidationError(_("This is erased already."))
        portraits = {row.portrait, *_portraits_of(row)}
        _out_of_sight(row, by)
        by_whom = {"erased_at": timezone.now(), "erased_by": by}
        QuerySet(Testimonial).filter(pk=row.pk).update(**_empty(), **by_whom, slug=f"erased-{row.pk}")
        gone = [("testimonials_testimonial", row.pk), *_people(row)]
        gone += [("newsroom_proposal", pk) for pk in _next_versions(row)]
        for table, pk in gone:
            Entry.objects.filter(table_name=table, row_id=pk).update(**NOTHING)
        LogEntry.objects.filter(
            content_type=ContentType.objects.get_for_model(Testimonial), object_id=str(row.pk)
        ).update(object_repr="-", change_message="")  # fmt: skip
        files.sweep_on_commit(*portraits)
        transaction.on_commit(lambda: erased.send(Testimonial), robust=True)


def _out_of_sight(row: Testimonial, by: "User") -> None:
    """Step by step, as the guard of what is published asks."""
    here = Testimonial.objects.filter(pk=row.pk)
    moved: dict[str, Any] = dict(status_by=by, status_at=timezone.now())
    if row.status == Status.PUBLISHED:
        here.update(status=Status.WITHDRAWN, **moved)
    if row.status != Status.DRAFT:
        here.update(status=Status.DRAFT, approved_by=None, **moved)


def _empty() -> dict[str, Any]:
    """The values of a row that says nothing, in the columns of modeltranslation and in those it was given them beside."""
    texts = fields(Testimonial)
    empty: dict[str, Any] = dict.fromkeys(["quote", "original_language", "portrait", "risk", *texts], "")
    empty |= dict.fromkeys([column(name, code) for name in texts for code, _name in settings.LANGUAGES], "")
    empty |= dict.fromkeys(["contributor", "consent", "portrait_bytes", "assessed_by", "assessed_at"])
    empty |= dict.fromkeys(FLAGS, False)
    return empty | {"attribution": Testimonial.Attribution.ANONYMOUS, "quote_language": "en", "translated_from": {}}


def _people(row: Testimonial) -> list[tuple[str, int]]:
    """Takes away whose words they were and what they agreed to, unless something else rests on that: the rows that are gone."""
    gone: list[tuple[str, int]] = []
    if row.contributor_id and not Testimonial.objects.filter(contributor=row.contributor_id).exists():
        consents = Consent.objects.filter(contributor=row.contributor_id)
        gone += [("testimonials_consent", pk) for pk in consents.values_list("pk", flat=True)]
        gone.append(("testimonials_contributor", row.contributor_id))
        consents.delete()
        Contributor.objects.filter(pk=row.contributor_id).delete()
    elif row.consent_id and not Testimonial.objects.filter(consent=row.consent_id).exists():
        Consent.objects.filter(pk=row.consent_id).delete()
        gone.append(("testimonials_consent", row.consent_id))
    return gone


def _versions_of(row: Testimonial) -> Any:
    change = [{"table": row._meta.db_table, "id": row.pk}]
    return Proposal.objects.filter(Q(record=row._meta.label_lower, row_id=row.pk) | Q(changes__contains=change))


def _next_versions(row: Testimonial) -> list[int]:
    """Takes away its next versions, past ones too."""
    versions = _versions_of(row)
    found = list(versions.values_list("pk", flat=True))
    Proposal.objects.filter(pk__in=found, status=Status.PUBLISHED).update(status=Status.WITHDRAWN, applied_at=None)
    Proposal.objects.filter(pk__in=found).delete()
    return found


def _portraits_of(row: Testimonial) -> set[str]:
    return set().union(*(files.in_changes(version.changes) for version in _versions_of(row)))
