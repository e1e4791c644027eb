"""The staff site's own pages about accounts. Each app registers its own models."""

from django.contrib import admin, messages
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import User
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice

from . import second_factor

for shows_secrets in (TOTPDevice, StaticDevice):
    admin.site.unregister(shows_secrets)
admin.site.unregister(User)


@admin.action(description=gettext_lazy("Reset the second factor of the chosen accounts"), permissions=["change"])
def reset_second_factor(page: UserAdmin, request: HttpRequest, chosen: QuerySet[User]) -> HttpResponse | None:
    """Asks first. Refuses whole for the own account, which has its own page, and for a superuser's if another asks."""
    accounts = list(chosen)
    if any(account.pk == request.user.pk for account in accounts):
        messages.error(request, _("Nothing was reset. Change your own second factor under “Second factor”, at the top."))
        return None
    if not request.user.is_superuser and any(account.is_superuser for account in accounts):
        messages.error(request, _("Nothing was reset. Only a superuser resets the second factor of a superuser."))
        return None
    if "confirmed" not in request.POST:
        context = admin.site.each_context(request) | {
            "title": _("Reset the second factor?"), "accounts": accounts, "opts": User._meta
        }  # fmt: skip
        return render(request, "admin/sign_in/reset.html", context)
    for account in accounts:
        second_factor.forget(account)
        page.log_change(request, account, _("Second factor reset"))
    names = ", ".join(account.get_username() for account in accounts)
    messages.success(request, _("Reset. They set up a new app when they sign in next: {names}.").format(names=names))
    return None


@admin.register(User)
class StaffAdmin(UserAdmin):
    list_display = ("username", "email", "first_name", "last_name", "is_active", "has_second_factor")
    actions = (reset_second_factor,)

    def get_queryset(self, request: HttpRequest) -> QuerySet[User]:
        app = TOTPDevice.objects.filter(user=OuterRef("pk"), confirmed=True)
        return super().get_queryset(request).annotate(has_app=Exists(app))

    @admin.display(description=gettext_lazy("second factor"), boolean=True, ordering="has_app")
    def has_second_factor(self, account: User) -> bool:
        return account.has_app  # type: ignore[attr-defined]
