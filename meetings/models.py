"""The register of local stakeholder meetings. Place, date, topics: never a name, a telephone, an exact pit."""

import secrets
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import fulltext
from itsci_site.lib.periods import in_words
from itsci_site.lib.publishing import Publishable, PublishedQuerySet, Status
from itsci_site.lib.translated import Translated, Words, joined, words
from regions.models import Region

from . import pdf

DOCUMENT_MAX_BYTES = 10 * 1024 * 1024


class PlaceQuerySet(models.QuerySet):
    def with_public_meetings(self) -> Self:
        """Where a reader can find a meeting: a place of drafts alone is not told."""
        return self.filter(Exists(Meeting.objects.published().filter(place=OuterRef("pk"))))

    def meetings(self) -> "MeetingQuerySet":
        """Every meeting held at these places: how a region's page reaches them, through its `places`."""
        return Meeting.objects.filter(place__in=self)


class Place(Translated):
    """A town or committee seat where meetings are held."""

    region = models.ForeignKey(Region, models.PROTECT, related_name="places", verbose_name=_("region"))
    slug = models.SlugField(_("address"))
    name = models.CharField(_("name"), max_length=100)
    note = models.CharField(_("note"), max_length=200, blank=True, help_text=_("What tells it from a place of the same name."))

    objects = PlaceQuerySet.as_manager()

    class Meta:
        verbose_name = _("place")
        verbose_name_plural = _("places")
        ordering = ["name"]
        constraints = [models.UniqueConstraint(fields=["region", "slug"], name="meetings_place_once_a_region")]

    def __str__(self) -> str:
        return f"{self.name}, {self.region}"


@dataclass(frozen=True, slots=True)
class Spot:
    """A spot in the register, newest first: where a meeting stands, or stood before it was withdrawn."""

    held_on: date
    pk: int

    def __str__(self) -> str:
        """As addresses write it: 2016-03-04.17."""
        return f"{self.held_on}.{self.pk}"


class MeetingQuerySet(PublishedQuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """Of published regions only: a region that is withdrawn takes its meetings along."""
        return super().published(at).filter(place__region__in=Region.objects.published(at))

    def years(self) -> range:
        """From the year of the latest meeting back to that of the earliest; a year between them may have none."""
        ends = [
            self.order_by(*order).values_list("held_on", flat=True)[:1] for order in (("-held_on", "-pk"), ("held_on", "pk"))
        ]
        days = sorted(ends[0].union(ends[1], all=True))  # an index's two ends: an aggregate would read every row
        return range(days[-1].year, days[0].year - 1, -1) if days else range(0)

    def newest_first(self) -> Self:
        return self.select_related("place__region__country").order_by("-held_on", "-pk")

    def before(self, spot: "Meeting | Spot") -> Self:
        """Those further down the register than a meeting. So written, Postgres begins at the spot and reads a page on."""
        return self.filter(Q(held_on__lt=spot.held_on) | Q(pk__lt=spot.pk), held_on__lte=spot.held_on)

    def after(self, spot: "Meeting | Spot") -> Self:
        """Those further up the register than a meeting."""
        return self.filter(Q(held_on__gt=spot.held_on) | Q(pk__gt=spot.pk), held_on__gte=spot.held_on)

    def within(
        self, sought: str = "", region: Region | None = None, place: Place | None = None, year: int | None = None
    ) -> Self:
        """Meetings that hold the words in place, topics or summary, in any language; of a region, a place, a year."""
        found = self.filter(fulltext.found("meetings_meeting", sought)) if sought else self
        if region:
            found = found.filter(place__region=region)
        if place:
            found = found.filter(place=place)
        if year:
            found = found.filter(held_on__year=year)
        return found


class Meeting(Publishable, Translated):
    place = models.ForeignKey(Place, models.PROTECT, related_name="meetings", verbose_name=_("place"))
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    held_on = models.DateField(_("held on"))
    topics = models.TextField(_("topics"), blank=True, help_text=_("One a line."))
    summary = models.TextField(_("summary"), help_text=_("Blank lines part paragraphs. No names, no exact sites."))
    is_excerpt = models.BooleanField(
        _("excerpt"), default=False, help_text=_("The source gives only the beginning of the summary.")
    )
    mentions_incident = models.BooleanField(_("mentions an incident"), default=False)
    changed_at = models.DateTimeField(_("changed at"), auto_now=True, db_default=Now())

    objects = MeetingQuerySet.as_manager()

    searched = {"A": ["place_words"], "B": ["topics*"], "C": ["summary*"]}

    class Meta(Publishable.Meta):
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ["-held_on", "-pk"]
        indexes = [
            models.Index(fields=["-held_on", "-id"], name="meetings_meeting_newest"),
            models.Index(fields=["-publish_at", "-held_on", "-id"], name="meetings_meeting_published"),
            models.Index(fields=["place", "-held_on", "-id"], name="meetings_meeting_of_place"),
        ]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(status="published") | Q(held_on__lte=F("publish_at__date")),
                name="meetings_meeting_held_before_published",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> Words:
        """ "Kasese, 1 March 2016"."""
        return joined(words(self.place, "name"), in_words(self.held_on))

    def clean(self) -> None:
        """The constraint above, in words: for the form and for whoever publishes."""
        if (
            self.status == Status.PUBLISHED
            and self.publish_at
            and self.held_on
            and self.held_on > self.publish_at.astimezone(UTC).date()
        ):
            raise ValidationError(
                {"held_on": _("It cannot be public before it was held. Correct this date, or publish it later.")}
            )

    def get_absolute_url(self) -> str:
        return reverse("meeting", args=[self.slug])

    @property
    def spot(self) -> Spot:
        return Spot(self.held_on, self.pk)

    @property
    def last_change(self) -> datetime:
        """Of what readers see: its becoming public, or a later edit."""
        return max(filter(None, (self.publish_at, self.changed_at)))


def random_name(document: "Document", filename: str) -> str:
    """A stored name that tells nothing: the uploaded one may name a person."""
    return f"meetings/{secrets.token_hex(16)}.pdf"


def is_pdf(file: FieldFile) -> None:
    """Refuses what does not begin as a PDF or is over the limit."""
    try:
        size = file.size
    except FileNotFoundError:
        raise ValidationError(_("The stored file is gone. Upload it again."), code="gone") from None
    if size > DOCUMENT_MAX_BYTES:
        raise ValidationError(_("The file is over 10 MB. Make it smaller, then upload it again."), code="too_large")
    file.seek(0)
    if file.read(5) != b"%PDF-":
        raise ValidationError(_("This is not a PDF. Save it as PDF, then upload it again."), code="not_pdf")
    file.seek(0)


class Document(Translated):
    meeting = models.ForeignKey(Meeting, models.CASCADE, related_name="documents", verbose_name=_("meeting"))
    title = models.CharField(_("title"), max_length=150)
    language = models.CharField(_("language"), max_length=10, help_text=_("Like en or fr."))
    file = models.FileField(_("file"), upload_to=random_name, validators=[FileExtensionValidator(["pdf"]), is_pdf])

    class Meta:
        verbose_name = _("document")
        verbose_name_plural = _("documents")
        ordering = ["meeting", "title"]
        constraints = [
            models.CheckConstraint(condition=Q(language__regex=r"^[a-z]{2,3}$"), name="meetings_document_language_code")
        ]

    def __str__(self) -> str:
        return self.title

    def get_absolute_url(self) -> str:
        return reverse("document", args=[self.meeting.slug, self.pk])

    def clean_fields(self, exclude: Any = None) -> None:
        """Puts a copy without metadata in the place of a new upload. Raises ValidationError if it may not be handed out."""
        super().clean_fields(exclude)
        if self.file and not self.file._committed and "file" not in (exclude or ()):  # type: ignore[attr-defined]
            try:
                self.file = ContentFile(pdf.cleaned(self.file), name=self.file.name)
            except ValidationError as error:
                raise ValidationError({"file": error.error_list}) from error

    def size(self) -> int | None:
        """Bytes; None when the file is gone, and pages do without the document."""
        try:
            return self.file.size
        except FileNotFoundError:
            return None
