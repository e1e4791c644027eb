"""What staff fill in about people's words, with the rules of the database in words beside the fields."""

import re
import secrets
from typing import Any, ClassVar

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.urls import reverse
from django.utils import timezone
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _

from itsci_site.lib import staff
from itsci_site.lib.newsroom.desk import SAY_WHY
from itsci_site.lib.publishing import register_is_open

from . import pictures
from .models import REDUCED, Consent
from .models.refusals import IN_WORDS, OF_CONSENT, OF_CONTRIBUTOR
from .models.testimonial import FLAGS

DESCRIPTIONS = ("portrait_alt_en", "portrait_alt_fr")
NAMES = ("full", "first_name", "pseudonym")
DISK_IS_FULL = _(
    "The disk is full: nothing was saved. What you typed is still here; ask whoever runs the site for room, then save again."
)


class ContributorForm(staff.RulesForm):
    in_words = OF_CONTRIBUTOR


class ConsentForm(staff.RulesForm):
    in_words = OF_CONSENT

    withdraw = forms.BooleanField(
        label=_("They withdraw it"),
        required=False,
        help_text=_("At once and for good: what rests on it leaves the site, and comes back with a new consent only."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "how" in self.fields and self.instance.how != Consent.How.NOT_HELD and register_is_open():
            choices = [choice for choice in self.fields["how"].choices if choice[0] != Consent.How.NOT_HELD]  # type: ignore[attr-defined]
            self.fields["how"].choices = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        super().clean()
        if self.cleaned_data.get("withdraw"):
            self.instance.withdrawn_at = timezone.now()
        return self.cleaned_data


class TestimonialForm(staff.RulesForm):
    in_words = {name: ("photo" if field == "portrait" else field, told) for name, (field, told) in IN_WORDS.items()}
    user: ClassVar[Any] = None
    """Who fills it in: set for each request."""

    assess = forms.BooleanField(
        label=_("I have assessed this risk"),
        required=False,
        help_text=_("Needed only where you assess it again and find it the same."),
    )
    photo = forms.FileField(
        label=_("Photo"),
        required=False,
        widget=forms.FileInput(attrs={"accept": "image/jpeg,image/png,image/webp"}),
        help_text=_(
            "JPEG, PNG or WebP, at least 384 × 480 pixels, at most 10 MB. Its middle is shown. The file itself is not kept, "
            "nor what it says of place, time and camera."
        ),
    )
    no_photo = forms.BooleanField(label=_("Take the photo away"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.portrait_before = self.instance.portrait
        if "photo" not in self.fields:
            return
        if self.portrait_before:
            shown = reverse("admin:testimonials_testimonial_portrait", args=[self.instance.pk])
            self.fields["photo"].help_text = format_html(
                '<img src="{}?{}" width="192" height="240" alt="{}"><br>{}',
                shown,
                self.portrait_before,
                self.instance.portrait_alt,
                self.fields["photo"].help_text,
            )
        else:
            self.fields["no_photo"].widget = forms.HiddenInput()

    def clean_photo(self) -> pictures.Picture | None:
        upload: UploadedFile | None = self.cleaned_data["photo"]
        return pictures.read(upload) if upload else None

    def clean(self) -> dict[str, Any]:
        super().clean()
        data = self.cleaned_data
        for name in ("quote_language", "original_language"):
            if (code := data.get(name)) and not re.fullmatch("[a-z]{2,3}", code):
                self.add_error(name, _("Two or three small letters, like en, fr or swa."))
        if data.get("no_photo"):
            self._take_photo_away()
        elif "photo" not in self.errors:
            self._describe(data.get("photo"))
        self.instance.contributor = consent.contributor if (consent := data.get("consent")) else None
        if data.get("attribution") in NAMES and not data.get("shown_as_fr"):
            data["shown_as_fr"] = data.get("shown_as_en")  # a name is the same in both
        self._assess(data)
        return data

    def _assess(self, data: dict[str, Any]) -> None:
        """Who says how dangerous it is, has assessed it now."""
        if not data.get("risk"):
            self.instance.assessed_by, self.instance.assessed_at = None, None
        elif data.get("assess") or {"risk", *FLAGS} & set(self.changed_data):
            self.instance.assessed_by, self.instance.assessed_at = self.user, timezone.now()

    def _take_photo_away(self) -> None:
        if self.cleaned_data.get("photo"):
            self.add_error("no_photo", _("Choose a photo or take it away, not both."))
        self.instance.portrait, self.instance.portrait_bytes = "", None
        self.cleaned_data |= dict.fromkeys(DESCRIPTIONS, "")

    def _describe(self, photo: pictures.Picture | None) -> None:
        """A photo and its description come together, in every language."""
        if photo:
            self.instance.portrait, self.instance.portrait_bytes = secrets.token_hex(16), len(photo.files[REDUCED])
        given = [name for name in DESCRIPTIONS if self.cleaned_data.get(name)]
        if self.instance.portrait:
            for name in set(DESCRIPTIONS) - set(given) - self.errors.keys():
                self.add_error(name, _("Say what the photo shows, for those who do not see it. Never a name."))
        elif given:
            self.add_error("photo", _("Choose the photo that is described here, or empty its description."))


class ReasonForm(forms.Form):
    reason = forms.CharField(
        label=_("Reason"),
        max_length=500,
        error_messages={"required": SAY_WHY},
        help_text=_("It stays on record. Never a name, nor anything of what is erased."),
        widget=forms.TextInput(attrs={"class": "vTextField"}),
    )
