from typing import Any

from django.contrib import admin, messages
from django.contrib.auth.models import User
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.storage import default_storage
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404, render
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from modeltranslation.admin import TranslationAdmin

from itsci_site.lib import staff, uploads
from itsci_site.lib.languages import in_each_language
from itsci_site.lib.newsroom import trail
from itsci_site.lib.newsroom.desk import NewsroomAdmin
from itsci_site.lib.publishing import Move

from . import erasing, files, pictures
from .forms import DISK_IS_FULL, ConsentForm, ContributorForm, ReasonForm, TestimonialForm
from .models import Consent, Contributor, Testimonial
from .models.consent import SCOPES
from .models.testimonial import FLAGS, REVIEW_WITHIN


@admin.register(Contributor)
class ContributorAdmin(NewsroomAdmin):
    form = ContributorForm
    list_display = ["reference", "legal_name", "age", "preferred_language"]
    list_filter = ["age", "preferred_language"]
    search_fields = ["reference", "legal_name"]
    readonly_fields = ["reference"]
    fields = ["reference", "legal_name", "contact", "preferred_language", "age", "guardian", "notes"]


class ConsentEnds(admin.SimpleListFilter):
    title = _("end of the consent")
    parameter_name = "consent_ends"

    def lookups(self, request: HttpRequest, page: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("soon", _("consent expires within 60 days"))]

    def queryset(self, request: HttpRequest, rows: Any) -> QuerySet:
        if self.value() != "soon":
            return rows
        if rows.model is Testimonial:
            return rows.expiring(timezone.now())
        return rows.filter(withdrawn_at__isnull=True, expires_on__lte=timezone.now() + REVIEW_WITHIN)


class ReviewDue(admin.SimpleListFilter):
    title = _("review")
    parameter_name = "review"

    def lookups(self, request: HttpRequest, page: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("due", _("review due"))]

    def queryset(self, request: HttpRequest, rows: Any) -> QuerySet:
        return rows.review_due() if self.value() == "due" else rows


@admin.register(Consent)
class ConsentAdmin(NewsroomAdmin):
    form = ConsentForm
    list_display = ["__str__", "how", "taken_by", "given_at", "expires_on", "withdrawn_at"]
    list_filter = ["how", ConsentEnds, "withdrawn_at"]
    list_select_related = ["contributor", "taken_by"]
    search_fields = ["contributor__reference"]
    autocomplete_fields = ["contributor"]
    readonly_fields = ["registered_at", "withdrawn_at"]
    fieldsets = [
        (None, {"fields": ["contributor", "how", "given_at", "taken_by", "language"]}),
        (_("What they agree to"), {"fields": SCOPES}),
        (_("Until when"), {"fields": ["expires_on", "withdraw", "withdrawn_at", "registered_at"]}),
    ]

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        """What is new was not registered yet, and is not withdrawn."""
        *asked, (title, until) = super().get_fieldsets(request, obj)
        return [*asked, (title, until if obj else {"fields": ["expires_on"]})]

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        field: Any = super().formfield_for_dbfield(db_field, request, **kwargs)
        if db_field.name == "taken_by":  # those who have left, too; accounts are made elsewhere
            field.queryset = User.objects.order_by("username")
            field.widget.can_add_related = field.widget.can_change_related = field.widget.can_view_related = False
        return field

    def save_model(self, request: HttpRequest, obj: Consent, form: Any, change: bool) -> None:
        """Its end is the database's to say where nobody did."""
        super().save_model(request, obj, form, change)
        obj.refresh_from_db(fields=["expires_on"])

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """A withdrawn consent stays as it is."""
        return super().has_change_permission(request, obj) and not (obj and obj.withdrawn_at)


@admin.register(Testimonial)
class TestimonialAdmin(NewsroomAdmin, TranslationAdmin):
    in_region = "region"
    form = TestimonialForm
    change_list_template = "admin/testimonials/change_list.html"
    change_form_template = "admin/testimonials/change_form.html"
    list_display = ["story_title", "region", "quote_language", "stands", "consent_until", "risk", "order", staff.changed_since]
    list_filter = ["status", "region", "risk", ConsentEnds, ReviewDue, "quote_language", staff.TranslationFilter]
    list_select_related = ["region"]
    search_fields = ["quote", *in_each_language("story_title", "story_body")]
    autocomplete_fields = ["region"]
    prepopulated_fields = {"slug": ["story_title_en"]}
    readonly_fields = (*staff.STATE, "assessed_by", "assessed_at", "consent_until")
    actions = [staff.publish, staff.withdraw, staff.confirm_translation]
    view_on_site = staff.public_address
    fieldsets = [
        (None, {"fields": ["region", "place_precision", "quote", "quote_language", "original_language", "words"]}),
        (_("Whose words"), {"fields": ["consent", "consent_until", "attribution", "shown_as"]}),
        (_("Risk"), {"fields": [*FLAGS, "risk", "assess", "assessed_by", "assessed_at"]}),
        (_("Story"), {"fields": ["story_title", "slug", "story_teaser", "story_body", "order"]}),
        (_("Photo"), {"fields": ["photo", "no_photo", "portrait_alt"]}),
        (_("Publishing"), {"fields": staff.STATE}),
    ]

    @admin.display(description=_("state"), ordering="status")
    def stands(self, row: Testimonial) -> str:
        return row.standing

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_change_permission(request, obj) and not (obj and obj.erased_at)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return super().has_delete_permission(request, obj) and not (obj and obj.erased_at)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form: Any = super().get_form(request, obj, change=change, **kwargs)
        not_written = getattr(request, "not_written", None)

        class Asked(form):
            user = request.user

            def _post_clean(self) -> None:
                super()._post_clean()
                if not_written:
                    self.add_error("photo", not_written)

        return Asked

    def formfield_for_foreignkey(self, db_field: Any, request: HttpRequest, **kwargs: Any) -> Any:
        if db_field.name == "consent":
            kwargs["queryset"] = Consent.objects.select_related("contributor")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Any:
        """A disk that is full, or a store that is away, refuses the form once more, with what was typed in it."""
        try:
            with files.kept_if_committed():
                return super().changeform_view(request, *args, **kwargs)
        except OSError as error:
            request.not_written = uploads.why_not_written(error, DISK_IS_FULL)  # type: ignore[attr-defined]
        return super().changeform_view(request, *args, **kwargs)

    def save_model(self, request: HttpRequest, obj: Testimonial, form: TestimonialForm, change: bool) -> None:
        super().save_model(request, obj, form, change)
        photo: pictures.Picture | None = form.cleaned_data.get("photo")
        if photo:
            files.write(obj.portrait, photo.files)
            if photo.dropped:
                told = _("The photo also said: {what}. None of that was kept.")
                self.message_user(request, str(told).format(what=", ".join(map(str, photo.dropped))), messages.WARNING)
        if obj.portrait != form.portrait_before:
            files.sweep_on_commit(form.portrait_before)

    # Moves

    def why_not(self, request: HttpRequest, row: Any, target: Any, move: Move) -> str:
        """Whoever is staff can take people's words out of sight."""
        return "" if move.name == "suspend" else super().why_not(request, row, target, move)

    def panel(self, request: HttpRequest, row: Any, sitting: Any) -> dict[str, Any] | None:
        panel = super().panel(request, row, sitting)
        if panel and not panel["is_next_version"]:
            panel["state"] = row.standing
        return panel

    def move_view(self, request: HttpRequest, object_id: str) -> HttpResponse:
        """What it does to a next version can leave photos that nothing names."""
        version = self.pending(object_id)
        portraits = files.in_changes(version.changes) if version else set()
        response = super().move_view(request, object_id)
        if portraits:
            files.sweep_now(portraits)
        return response

    def render_change_form(self, request: HttpRequest, context: dict, *args: Any, **kwargs: Any) -> Any:
        row = kwargs.get("obj")
        context["erase"] = self.address_of(row.pk, "erase") if row and self._may_erase(request, row) else ""
        return super().render_change_form(request, context, *args, **kwargs)

    def get_urls(self) -> list[URLPattern]:
        name = "testimonials_testimonial_{}"
        shown = path("<int:pk>/portrait.jpg", self.admin_site.admin_view(self.portrait), name=name.format("portrait"))
        suspend = path("suspend/", self.admin_site.admin_view(self.suspend), name=name.format("suspend"))
        erase = path("<int:pk>/erase/", self.admin_site.admin_view(self.erase), name=name.format("erase"))
        return [shown, suspend, erase, *super().get_urls()]

    def portrait(self, request: HttpRequest, pk: int) -> HttpResponse:
        """For staff who decide whether to publish it: pages show it only with a public story. A next version's first."""
        with self._seen_with(self.pending(str(pk))):
            testimonial = self.get_queryset(request).filter(pk=pk).first()
        if not testimonial or not self.has_view_permission(request, testimonial):
            raise Http404
        try:
            with default_storage.open(files.path(testimonial.portrait, "384.jpg")) as file:
                return HttpResponse(file.read(), content_type="image/jpeg")
        except FileNotFoundError:
            raise Http404 from None

    def suspend(self, request: HttpRequest) -> HttpResponse:
        """Every public story with one button, for all staff: whoever sees harm stops it, and says nothing of why."""
        if request.method == "POST":
            key = request.POST.get("story", "")
            with trail.acting(request.user):  # type: ignore[arg-type]
                rows = Testimonial.objects.select_for_update()
                row = rows.filter(pk=key).first() if key.isascii() and key.isdigit() and len(key) < 19 else None
                if row and row.can("suspend"):
                    row.move("suspend", request.user)  # type: ignore[arg-type]
                    told = _("“{row}” is out of sight. It comes back when two people publish it anew.")
                    self.message_user(request, str(told).format(row=row), messages.SUCCESS)
                else:
                    self.message_user(request, _("That story is not public any more."), messages.WARNING)
            return HttpResponseRedirect(request.path)
        title = _("Suspend a story")
        stories = Testimonial.objects.published().select_related("region")
        context = {**self.admin_site.each_context(request), "opts": self.opts, "title": title, "stories": stories}
        return render(request, "admin/testimonials/suspend.html", context)

    def erase(self, request: HttpRequest, pk: int) -> HttpResponse:
        row = get_object_or_404(self.get_queryset(request), pk=pk)
        if not self._may_erase(request, row):
            raise PermissionDenied
        form = ReasonForm(request.POST or None)
        if request.method == "POST" and form.is_valid():
            try:
                erasing.erase(row, request.user, form.cleaned_data["reason"])  # type: ignore[arg-type]
            except ValidationError as error:
                form.add_error(None, error)
            else:
                self.message_user(request, _("It is erased."), messages.SUCCESS)
                return HttpResponseRedirect(reverse("admin:testimonials_testimonial_changelist"))
        context = {
            **self.admin_site.each_context(request), "opts": self.opts, "title": _("Erase for good"), "form": form, "row": row,
            "back": self.address_of(pk),
        }  # fmt: skip
        return render(request, "admin/testimonials/erase.html", context, status=400 if form.errors else 200)

    def _may_erase(self, request: HttpRequest, row: Testimonial) -> bool:
        return request.user.has_perm("testimonials.erase_testimonial") and row.erased_at is None
