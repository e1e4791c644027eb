"""The files of documents: each is named by a document or by a next version that waits; the others go."""

from collections.abc import Iterable
from datetime import timedelta

from django.core.files.storage import default_storage
from django.utils import timezone

from itsci_site.lib import uploads
from itsci_site.lib.newsroom.models import Proposal

from .models import FOLDER, Document

UNTOUCHED = timedelta(hours=1)
"""What is younger may be of a request that is still running."""


def unnamed(names: Iterable[str]) -> list[str]:
    """Those that no document has, nor would have once a next version is public."""
    left = set(names) - set(Document.objects.filter(file__in=names).values_list("file", flat=True))
    waiting = Proposal.objects.pending()
    return sorted(name for name in left if not waiting.filter(changes__contains=[{"after": {"file": name}}]).exists())


def sweep() -> list[str]:
    """Removes what nothing names any more: of documents deleted or replaced, of next versions discarded."""
    return uploads.sweep(default_storage, FOLDER, unnamed, timezone.now() - UNTOUCHED)
