"""The staff site: Django's admin for staff who gave their password and a code."""

from functools import update_wrapper
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import path
from django.utils.translation import gettext_lazy as _

from . import sign_in_views
from .board import board
from .sessions import begin
from .sign_in_forms import PasswordForm
from .sign_in_views import is_half_signed_in, is_verified, next_page, second_step


class StaffSite(admin.AdminSite):
    site_header = "Scaling Up ITSCI"
    site_title = "Scaling Up ITSCI"
    index_title = _("What the site shows")
    index_template = "admin/board.html"
    login_form = PasswordForm

    def has_permission(self, request: HttpRequest) -> bool:
        return super().has_permission(request) and is_verified(request)

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """The staff board above the list of what there is."""
        return super().index(request, (extra_context or {}) | {"board": board(request)})

    def each_context(self, request: HttpRequest) -> dict[str, Any]:
        """Who may not enter sees no list of what is inside."""
        context = super().each_context(request)
        if not context["has_permission"]:
            context |= {"available_apps": [], "is_nav_sidebar_enabled": False}
        return context

    def admin_view(self, view: Any, cacheable: bool = False) -> Any:
        """As Django's, but leaves a half signed in session its password and its way out, and loses no form that was sent."""
        guarded = super().admin_view(view, cacheable)

        def inner(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
            if not self.has_permission(request):
                if is_half_signed_in(request) and view in (self.logout, self.password_change, self.password_change_done):
                    return view(request, *args, **kwargs)
                if request.method == "POST" and view != self.logout:
                    return sign_in_views.kept_form(request, ended=True)
            return guarded(request, *args, **kwargs)

        return update_wrapper(inner, guarded)

    def login(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        """After the password, and for whoever has given it already, the second step."""
        if request.method == "GET" and is_half_signed_in(request):
            return second_step(request, next_page(request))
        answer = super().login(request, extra_context)
        if request.method == "POST" and isinstance(answer, HttpResponseRedirect):
            begin(request.session)
            answer.headers["Location"] = second_step(request, answer.url).url  # this answer carries the new CSRF cookie
        return answer

    def get_urls(self) -> list[Any]:
        return [
            path("sign-in/code/", sign_in_views.code_page, name="sign_in_code"),
            path("sign-in/enrol/", sign_in_views.enrol_page, name="sign_in_enrol"),
            path("sign-in/qr.svg", sign_in_views.qr_image, name="sign_in_qr"),
            path("second-factor/", self.admin_view(sign_in_views.second_factor_page), name="second_factor"),
            *super().get_urls(),
        ]
