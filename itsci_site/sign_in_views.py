"""The pages between a password and the staff site, and those about the own second factor.

A session goes from anonymous to half signed in (the password was right) to signed in (so was a code). Its key changes at
each step. `next` travels along, and is only followed to this site itself.
"""

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.contrib.auth.views import redirect_to_login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.debug import sensitive_post_parameters
from django.views.generic import FormView, TemplateView
from django_otp import login
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice

from . import second_factor, sessions, views
from .away import ADMIN, is_of_this_site, typed
from .sign_in_forms import CodeForm, EnrolForm

SECRET = "new_secret"  # noqa: S105 - the session's name for the secret of an app that is not confirmed yet
"""It is the session's and not the account's: who knows the password alone shall not see the secret that its owner confirms.
In a session that is signed in, it stands for the leave to move to another app."""


def is_staff(request: HttpRequest) -> bool:
    return request.user.is_active and request.user.is_staff


def is_verified(request: HttpRequest) -> bool:
    """django-otp sets the device at the request's start; a user who has just given the password has no such attribute."""
    return getattr(request.user, "otp_device", None) is not None


def is_half_signed_in(request: HttpRequest) -> bool:
    return is_staff(request) and not is_verified(request)


def next_page(request: HttpRequest) -> str:
    wanted = request.POST.get("next") or request.GET.get("next") or ""
    is_ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return wanted if is_ours else reverse("admin:index")


def second_step(request: HttpRequest, then: str) -> HttpResponseRedirect:
    """To the page that a half signed in session has to pass."""
    page = "sign_in_code" if second_factor.has_app(request.user) else "sign_in_enrol"  # type: ignore[arg-type]
    return HttpResponseRedirect(f"{reverse(f'admin:{page}')}?{urlencode({'next': then})}")


def _elsewhere(request: HttpRequest, has_app: bool) -> HttpResponse | None:
    """Where a request belongs that is not of a half signed in account with or without an app."""
    if not is_staff(request):
        return redirect_to_login(next_page(request), reverse("admin:login"))
    if is_verified(request):
        return HttpResponseRedirect(next_page(request))
    if second_factor.has_app(request.user) != has_app:  # type: ignore[arg-type]
        return second_step(request, next_page(request))
    return None


def _verify(request: HttpRequest, device: Device) -> None:
    request.session.pop(SECRET, None)
    request.session.cycle_key()
    login(request, device)


def _page(request: HttpRequest, template: str, title: str, status: int = 200, **context: Any) -> HttpResponse:
    whole = admin.site.each_context(request) | {"title": title, "next": next_page(request)} | context
    return render(request, f"admin/sign_in/{template}.html", whole, status=status)


def _status(form: Any) -> int:
    return 429 if form.has_error("code", "wait") else 200


@sensitive_post_parameters("code")
def code_page(request: HttpRequest) -> HttpResponse:
    if answer := _elsewhere(request, has_app=True):
        return answer
    form = CodeForm(request.user, request.POST if request.method == "POST" else None)  # type: ignore[arg-type]
    if not form.is_valid():
        return _page(request, "code", _("Your code"), _status(form), form=form)
    _verify(request, form.device)
    if isinstance(form.device, StaticDevice):
        left = second_factor.codes_left(form.user)
        words = ngettext(
            "That recovery code is spent; {number} is left. Make new ones under “Second factor”.",
            "That recovery code is spent; {number} are left. You can make new ones under “Second factor”.",
            left,
        )
        messages.warning(request, words.format(number=left))
    return HttpResponseRedirect(next_page(request))


@sensitive_post_parameters("code")
def enrol_page(request: HttpRequest) -> HttpResponse:
    """Shows the secret of a new app until a code confirms it, then the recovery codes, once."""
    moving = is_staff(request) and is_verified(request) and SECRET in request.session
    if not moving and (answer := _elsewhere(request, has_app=False)):
        return answer
    secret = request.session.setdefault(SECRET, second_factor.new_secret())
    data = request.POST if request.method == "POST" else None
    form = EnrolForm(request.user, secret, moving, data)  # type: ignore[arg-type]
    try:
        if form.is_valid():
            _verify(request, form.device)
            ended = sessions.end(form.user, request.session.session_key) if moving else 0
            return _codes(request, form.codes, ended)
    except second_factor.AlreadyEnrolled:
        return second_step(request, next_page(request))
    address = second_factor.app_address(request.user, secret)  # type: ignore[arg-type]
    shown: dict[str, Any] = {"address": address, "secret": second_factor.readable(secret), "moving": moving}
    return _page(request, "enrol", _("Set up your authenticator app"), form=form, **shown)


def qr_image(request: HttpRequest) -> HttpResponse:
    """Of the secret that the enrolment page shows in this session; 404 in any other."""
    if not is_staff(request) or SECRET not in request.session:
        raise Http404
    address = second_factor.app_address(request.user, request.session[SECRET])  # type: ignore[arg-type]
    return HttpResponse(second_factor.qr(address), content_type="image/svg+xml")


def _codes(request: HttpRequest, codes: list[str], ended: int) -> HttpResponse:
    """`ended`: so many other sessions ended with the change."""
    return _page(request, "codes", _("Your recovery codes"), codes=codes, ended=ended)


@sensitive_post_parameters("code")
def second_factor_page(request: HttpRequest) -> HttpResponse:
    """For signed-in staff: new recovery codes, another app, the end of sessions. Each asks for a code first."""
    request.session.pop(SECRET, None)
    chosen = request.POST.getlist("session")
    if "end" in request.POST and not chosen:  # and the code is not spent
        messages.error(request, _("Nothing was ended: tick a session first."))
        return redirect("admin:second_factor")
    form = CodeForm(request.user, request.POST if request.method == "POST" else None)  # type: ignore[arg-type]
    form.fields["code"].widget.attrs.pop("autofocus", None)
    if form.is_valid():
        if "move" in request.POST:
            request.session[SECRET] = second_factor.new_secret()
            return redirect("admin:sign_in_enrol")
        this = request.session.session_key
        if "end" in request.POST:
            number = sessions.end(form.user, this, chosen)
            messages.success(
                request, ngettext("{number} session ended.", "{number} sessions ended.", number).format(number=number)
            )
            return redirect("admin:second_factor")
        return _codes(request, second_factor.new_codes(form.user), sessions.end(form.user, this))
    shown: dict[str, Any] = {
        "summary": second_factor.summary(form.user), "others": sessions.of(form.user, request.session.session_key)
    }  # fmt: skip
    return _page(request, "second_factor", _("Second factor"), _status(form), form=form, chosen=chosen, **shown)


def of_the_admin(view: type[TemplateView | FormView], **options: Any) -> Callable[..., HttpResponseBase]:
    """One of Django's own pages about a forgotten password, in the admin's frame."""

    def page(request: HttpRequest, **kwargs: Any) -> HttpResponseBase:
        return view.as_view(extra_context=admin.site.each_context(request), **options)(request, **kwargs)

    return page


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form of the admin that is older than the last sign-in keeps what was typed; anything else is refused."""
    if request.path_info.startswith(ADMIN) and is_of_this_site(request):
        return kept_form(request, ended=False)
    return views.forbidden(request, PermissionError(reason))


def kept_form(request: HttpRequest, ended: bool) -> HttpResponse:
    """What was sent, to be sent again, after a new sign-in if the session has `ended`. No password, code or file comes back."""
    title = _("You are signed out") if ended else _("Please send this again")
    context = {"fields": typed(request), "files": list(request.FILES), "ended": ended}
    return _page(request, "kept", title, 403, **context)
