"""The register of local stakeholder meetings. Place, date, topics: never a name, a telephone, an exact pit."""

import secrets
from datetime import UTC, datetime
from typing import Self

from django.core.exceptions import ValidationError
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models import F, Q
from django.db.models.fields.files import FieldFile
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from itsci_site.lib.periods import in_words
from itsci_site.lib.publishing import Publishable, PublishedQuerySet, Status
from regions.models import Region

DOCUMENT_MAX_BYTES = 10 * 1024 * 1024


class PlaceQuerySet(models.QuerySet):
    def meetings(self) -> "MeetingQuerySet":
        """Every meeting held at these places: how a region's page reaches them, through its `places`."""
        return Meeting.objects.filter(place__in=self)


class Place(models.Model):
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


class MeetingQuerySet(PublishedQuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """Of published regions only: a region that is withdrawn takes its meetings along."""
        return super().published(at).filter(place__region__in=Region.objects.published(at))

    def newest_first(self) -> Self:
        return self.select_related("place__region__country").order_by("-held_on", "-pk")

    def before(self, meeting: "Meeting") -> Self:
        """Those further down the register than `meeting`."""
        return self.filter(Q(held_on__lt=meeting.held_on) | Q(pk__lt=meeting.pk), held_on__lte=meeting.held_on)

    def after(self, meeting: "Meeting") -> Self:
        """Those further up the register than `meeting`."""
        return self.filter(Q(held_on__gt=meeting.held_on) | Q(pk__gt=meeting.pk), held_on__gte=meeting.held_on)

    def within(self, words: str = "", region: Region | None = None, since: object = None, until: object = None) -> Self:
        """Meetings with every word in place, topics or summary, in either language; of a region; from `since` to `until`."""
        found = self
        for word in words.split():
            found = found.filter(
                Q(place__name_en__icontains=word)
                | Q(place__name_fr__icontains=word)
                | Q(topics_en__icontains=word)
                | Q(topics_fr__icontains=word)
                | Q(summary_en__icontains=word)
                | Q(summary_fr__icontains=word)
            )
        if region:
            found = found.filter(place__region=region)
        if since:
            found = found.filter(held_on__gte=since)
        if until:
            found = found.filter(held_on__lte=until)
        return found


class Meeting(Publishable):
    place = models.ForeignKey(Place, models.PROTECT, related_name="meetings", verbose_name=_("place"))
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    held_on = models.DateField(_("held on"))
    topics = models.TextField(_("topics"), blank=True, help_text=_("One a line."))
    summary = models.TextField(_("summary"), help_text=_("Blank lines part paragraphs. No names, no exact sites."))
    is_excerpt = models.BooleanField(
        _("excerpt"), default=False, help_text=_("The source gives only the beginning of the summary.")
    )
    mentions_incident = models.BooleanField(_("mentions an incident"), default=False)

    objects = MeetingQuerySet.as_manager()

    class Meta(Publishable.Meta):
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ["-held_on", "-pk"]
        indexes = [models.Index(fields=["-held_on", "-id"], name="meetings_meeting_newest")]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(status="published") | Q(held_on__lte=F("publish_at__date")),
                name="meetings_meeting_held_before_published",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.place.name}, {in_words(self.held_on)}"

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


class Document(models.Model):
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

    def size(self) -> int | None:
        """Bytes; None when the file is gone, and pages do without the document."""
        try:
            return self.file.size
        except FileNotFoundError:
            return None
