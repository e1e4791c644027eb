import re
import secrets
from typing import Any

from django import forms
from django.contrib import admin, messages
from django.core.files.storage import default_storage
from django.core.files.uploadedfile import UploadedFile
from django.http import Http404, HttpRequest, HttpResponse
from django.urls import URLPattern, path, reverse
from django.utils.html import format_html
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin

from itsci_site.lib import staff
from itsci_site.lib.languages import in_each_language

from . import files, pictures
from .models import REDUCED, Testimonial

DESCRIPTIONS = ("portrait_alt_en", "portrait_alt_fr")


class TestimonialForm(staff.RulesForm):
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
            self._describe(data["photo"])
        return data

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


@admin.register(Testimonial)
class TestimonialAdmin(TranslationAdmin):
    form = TestimonialForm
    list_display = ["story_title", "region", "quote_language", "status", "publish_at", "order", staff.changed_since]
    list_filter = ["status", "region", "quote_language", staff.TranslationFilter]
    list_select_related = ["region"]
    search_fields = ["quote", *in_each_language("story_title", "story_body")]
    autocomplete_fields = ["region"]
    prepopulated_fields = {"slug": ["story_title_en"]}
    readonly_fields = staff.STATE
    actions = [staff.publish, staff.withdraw, staff.confirm_translation]
    view_on_site = staff.public_address
    fieldsets = [
        (None, {"fields": ["region", "quote", "quote_language", "original_language"]}),
        (_("Story"), {"fields": ["story_title", "slug", "story_teaser", "story_body", "order"]}),
        (_("Photo"), {"fields": ["photo", "no_photo", "portrait_alt"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        with files.kept_if_committed():
            return super().changeform_view(request, *args, **kwargs)

    def get_object(self, request: HttpRequest, object_id: str, from_field: str | None = None) -> Testimonial | None:
        """To be changed by one at a time: of two photos at once, one would be left behind on the disk."""
        found = super().get_object(request, object_id, from_field)
        if found and request.method == "POST":
            found = Testimonial.objects.select_for_update().filter(pk=found.pk).first()
        return found

    def save_model(self, request: HttpRequest, obj: Testimonial, form: TestimonialForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        photo: pictures.Picture | None = form.cleaned_data.get("photo")
        if photo:
            files.write(obj.portrait, photo.files)
            if photo.dropped:
                told = _("The photo also said: {what}. None of that was kept.")
                self.message_user(request, str(told).format(what=", ".join(map(str, photo.dropped))), messages.WARNING)
        if obj.portrait != form.portrait_before:
            files.remove_on_commit(form.portrait_before)

    def get_urls(self) -> list[URLPattern]:
        shown = path(
            "<int:pk>/portrait.jpg", self.admin_site.admin_view(self.portrait), name="testimonials_testimonial_portrait"
        )
        return [shown, *super().get_urls()]

    def portrait(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For staff who decide whether to publish it: pages show it only with a public story."""
        testimonial = self.get_queryset(request).filter(pk=pk).first()
        if not testimonial or not self.has_view_permission(request, testimonial):
            raise Http404
        try:
            with default_storage.open(files.path(testimonial.portrait, "384.jpg")) as file:
                return HttpResponse(file.read(), content_type="image/jpeg")
        except FileNotFoundError:
            raise Http404 from None
