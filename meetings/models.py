"""The register of local stakeholder meetings. Place, date, topics: never a name, a telephone, an exact pit.

What mentions an incident or a protection concern is told by its month alone, and not before a month has passed (decision 26).
"""

import re
import secrets
from calendar import monthrange
from datetime import UTC, date, datetime, timedelta
from typing import Any, Self

from django.core.exceptions import ValidationError
from django.core.files.base import ContentFile
from django.core.validators import FileExtensionValidator
from django.db import models
from django.db.models import Case, Exists, F, Func, OuterRef, Q, When
from django.db.models.fields.files import FieldFile
from django.db.models.functions import Now
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import fulltext, uploads
from itsci_site.lib.keyset import Spot
from itsci_site.lib.periods import Period, Precision, in_words
from itsci_site.lib.publishing import Publishable, PublishedQuerySet, Status, TriedOut
from itsci_site.lib.translated import Translated, Words, joined, words
from regions.models import Region

from . import pdf

DOCUMENT_MAX_BYTES = 10 * 1024 * 1024
FOLDER = "meetings"
"""Where the files of documents lie, for the default storage."""
WAIT = timedelta(days=30)
"""From the end of its month until a sensitive meeting may be public. Counted from its day, the wait would tell the day."""


class Sensitivity(models.TextChoices):
    NONE = "none", _("none")
    INCIDENT = "incident", _("mentions an incident")
    PROTECTION = "protection", _("protection concern")


SHOWS_DAY = Q(sensitivity=Sensitivity.NONE) | Q(from_source=True)
ADDRESS = r"^[^0-9]*((19|20)[0-9]{2}(-(0[1-9]|1[0-2]))?)?[^0-9]*$"
"""An address that holds a year and a month at most, and no other number."""


class FirstOfMonth(Func):
    template = "date_trunc('month', %(expressions)s::timestamp)::date"
    output_field = models.DateField()


class EarliestRelease(Func):
    """The first day on which a sensitive meeting may be public: WAIT after the last day of its month."""

    template = "(date_trunc('month', %(expressions)s::timestamp) + interval '1 month 29 days')::date"
    output_field = models.DateField()


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


class MeetingQuerySet(PublishedQuerySet):
    def published(self, at: datetime | None = None) -> Self:
        """Of published regions only: a region that is withdrawn takes its meetings along."""
        return super().published(at).filter(place__region__in=Region.objects.published(at))

    def ends(self) -> "models.QuerySet[Any, date]":
        """The days of the latest and of the earliest. An index's two ends: an aggregate would read every row."""
        last, first = (
            self.order_by(*order).values_list("shown_on", flat=True)[:1] for order in (("-shown_on", "-pk"), ("shown_on", "pk"))
        )
        return last.union(first, all=True)

    def with_day(self) -> Self:
        """Those whose day readers may know."""
        return self.filter(SHOWS_DAY)

    def newest_first(self) -> Self:
        return self.select_related("place__region__country").order_by("-shown_on", "-pk")

    def before(self, spot: Spot) -> Self:
        """Those further down the register than a spot. So written, Postgres begins there and reads a page on."""
        return self.filter(Q(shown_on__lt=spot.day) | Q(pk__lt=spot.pk), shown_on__lte=spot.day)

    def after(self, spot: Spot) -> Self:
        """Those further up the register than a spot."""
        return self.filter(Q(shown_on__gt=spot.day) | Q(pk__gt=spot.pk), shown_on__gte=spot.day)

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
            found = found.filter(shown_on__year=year)
        return found


class Meeting(Publishable, Translated):
    place = models.ForeignKey(Place, models.PROTECT, related_name="meetings", verbose_name=_("place"))
    slug = models.SlugField(_("address"), max_length=80, unique=True)
    held_on = models.DateField(_("held on"))
    sensitivity = models.CharField(
        _("sensitivity"), max_length=10, choices=Sensitivity, default=Sensitivity.NONE, db_default=Sensitivity.NONE,
        help_text=_(
            "With anything but “none” readers see the month alone, and it is public 30 days after the end of that month at the "
            "earliest."
        ),
    )  # fmt: skip
    from_source = models.BooleanField(
        _("published before this register"), default=False, db_default=False, editable=False,
        help_text=_("The programme made it public with place and day: it stands as its source has it."),
    )  # fmt: skip
    shown_on = models.GeneratedField(
        verbose_name=_("shown on"), expression=Case(When(SHOWS_DAY, then=F("held_on")), default=FirstOfMonth("held_on")),
        output_field=models.DateField(), db_persist=True,
    )  # fmt: skip
    """The first day of `shown`. Whatever the public side sorts, filters or addresses by."""
    topics = models.TextField(_("topics"), blank=True, help_text=_("One a line."))
    summary = models.TextField(
        _("summary"), blank=True,
        help_text=_("Blank lines part paragraphs. No names, no exact sites. It can be written later."),
    )  # fmt: skip
    is_excerpt = models.BooleanField(
        _("excerpt"), default=False, help_text=_("The source gives only the beginning of the summary.")
    )
    changed_at = models.DateTimeField(_("changed at"), auto_now=True, db_default=Now())

    objects = MeetingQuerySet.as_manager()

    not_content = ("shown_on",)
    tells_of_people = True
    searched = {"A": ["place_words"], "B": ["topics*"], "C": ["summary*"]}

    class Meta(Publishable.Meta):
        verbose_name = _("meeting")
        verbose_name_plural = _("meetings")
        ordering = ["-shown_on", "-pk"]
        indexes = [
            models.Index(fields=["-shown_on", "-id"], name="meetings_meeting_newest"),
            models.Index(fields=["-publish_at", "-shown_on", "-id"], name="meetings_meeting_published"),
            models.Index(fields=["place", "-shown_on", "-id"], name="meetings_meeting_of_place"),
        ]
        constraints = [
            *Publishable.Meta.constraints,
            models.CheckConstraint(
                condition=~Q(status="published") | Q(held_on__lte=F("publish_at__date")),
                name="meetings_meeting_held_before_published",
            ),
            models.CheckConstraint(condition=Q(sensitivity__in=Sensitivity.values), name="meetings_meeting_sensitivity_known"),
            models.CheckConstraint(
                condition=~Q(status="published")
                | SHOWS_DAY
                | Q(publish_at__date__gte=EarliestRelease("held_on"))
                | Q(TriedOut()),
                name="meetings_meeting_sensitive_waits",
            ),
            models.CheckConstraint(condition=SHOWS_DAY | Q(slug__regex=ADDRESS), name="meetings_meeting_address_tells_no_day"),
            models.CheckConstraint(
                condition=~Q(status="published") | Q(summary_en__isnull=False, summary_en__regex=r"\S") | Q(TriedOut()),
                name="meetings_meeting_published_has_summary",
            ),
        ]

    def __str__(self) -> str:
        return self.title

    @property
    def title(self) -> Words:
        """ "Kasese, 1 March 2016"; "Kasese, March 2016" where the day stays unknown."""
        return joined(words(self.place, "name"), str(self.shown))

    @property
    def shows_day(self) -> bool:
        return self.sensitivity == Sensitivity.NONE or self.from_source

    @property
    def shown(self) -> Period:
        """When it was held, as readers are told it: the day, or the month alone."""
        if self.shows_day:
            return Period(self.held_on, Precision.DAY)
        return Period(self.held_on.replace(day=1), Precision.MONTH)

    @property
    def shown_in_numbers(self) -> str:
        """As HTML's time element reads it: 2016-03-11, or 2016-03."""
        return str(self.shown.first_day)[: 10 if self.shows_day else 7]

    def clean(self) -> None:
        """The constraints above, in words: for the form and for whoever moves it on."""
        errors: dict[str, Any] = {}
        towards_public = self.status in (Status.SUBMITTED, Status.APPROVED, Status.PUBLISHED)
        if towards_public and not (self.summary_en or "").strip():  # type: ignore[attr-defined]
            errors["summary_en"] = _("Write the summary first.")
        if not self.shows_day and not re.search(ADDRESS, self.slug or ""):
            errors["slug"] = _(
                "Readers see only the month of such a meeting, and this address could tell the day. Give its year and month at "
                "most, like kalemie-2016-03, and no other number."
            )
        if self.status == Status.PUBLISHED and self.publish_at and self.held_on:
            public_on = self.publish_at.astimezone(UTC).date()
            if self.held_on > public_on:
                errors["held_on"] = _("It cannot be public before it was held. Correct this date, or publish it later.")
            elif not self.shows_day and public_on < self.earliest_release:
                errors["sensitivity"] = _(
                    "What mentions an incident or a protection concern waits until 30 days after the end of its month: it can "
                    "be public from {day} on. Publish it for then or later; if it is public already, withdraw it first."
                ).format(day=in_words(self.earliest_release))
        if errors:
            raise ValidationError(errors)

    @property
    def earliest_release(self) -> date:
        """The first day on which it may be public while it is sensitive."""
        last = self.held_on.replace(day=monthrange(self.held_on.year, self.held_on.month)[1])
        return date.fromordinal(min(last.toordinal() + WAIT.days, date.max.toordinal()))

    def get_absolute_url(self) -> str:
        return reverse("meeting", args=[self.slug])

    @property
    def spot(self) -> Spot:
        return Spot(self.shown_on, self.pk)

    @property
    def last_change(self) -> datetime:
        """Of what readers see: its becoming public, or a later edit."""
        return max(filter(None, (self.publish_at, self.changed_at)))


def random_name(document: "Document", filename: str) -> str:
    """A stored name that tells nothing: the uploaded one may name a person."""
    return uploads.noted(f"{FOLDER}/{secrets.token_hex(16)}.pdf")


def is_pdf(file: FieldFile) -> None:
    """Refuses what does not begin as a PDF or is over the limit."""
    try:
        size = file.size
        file.seek(0)
    except FileNotFoundError:
        raise ValidationError(_("The stored file is gone. Upload it again."), code="gone") from None
    except uploads.Away:  # of a stored file, which was looked at when it came: what is typed beside it can be saved
        return
    if size > DOCUMENT_MAX_BYTES:
        raise ValidationError(_("The file is over 10 MB. Make it smaller, then upload it again."), code="too_large")
    file.seek(0)
    begins_as_pdf = file.read(5) == b"%PDF-"
    file.seek(0)
    if file._committed:  # type: ignore[attr-defined] # an upload is read on; a stored file is let go of
        file.close()
    if not begins_as_pdf:
        raise ValidationError(_("This is not a PDF. Save it as PDF, then upload it again."), code="not_pdf")


class Document(Translated):
    meeting = models.ForeignKey(Meeting, models.CASCADE, related_name="documents", verbose_name=_("meeting"))
    title = models.CharField(_("title"), max_length=150)
    language = models.CharField(_("language"), max_length=10, help_text=_("Like en or fr."))
    file = models.FileField(_("file"), upload_to=random_name, validators=[FileExtensionValidator(["pdf"]), is_pdf])

    shown_with = "meeting"

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
        """Bytes; None when the file is gone or empty, and pages do without the document; 0 where its store cannot say."""
        try:
            return self.file.size or None
        except FileNotFoundError:
            return None
        except uploads.Away:
            uploads.done_without(str(self.file.name))
            return 0
