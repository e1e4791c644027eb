"""What staff type to sign in, beside their password. Each form spends the code that it finds right."""

import logging
import threading
from typing import Any

from django import forms
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.forms import PasswordResetForm
from django.contrib.auth.models import AbstractBaseUser
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django_otp.models import Device

from . import second_factor

log = logging.getLogger(__name__)
KEYPAD = {
    "autocomplete": "one-time-code", "inputmode": "numeric", "autofocus": True, "spellcheck": "false", "class": "vTextField"
}  # fmt: skip


class PasswordForm(AdminAuthenticationForm):
    """Django's, for names that an account can have: a longer one would not fit where wrong passwords are counted."""

    def clean_username(self) -> str:
        name = self.cleaned_data["username"]
        if len(name) > (self.username_field.max_length or 0):
            raise self.get_invalid_login_error()
        return name


class CodeForm(forms.Form):
    """A code of the app or a recovery code. Valid, it has the `device` that the code belongs to."""

    code = forms.CharField(label=gettext_lazy("Code"), max_length=40, widget=forms.TextInput(attrs=KEYPAD))
    device: Device

    def __init__(self, user: AbstractBaseUser, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_code(self) -> str:
        code = second_factor.digits(self.cleaned_data["code"])
        self.device = second_factor.check(self.user, code)
        return code


class EnrolForm(forms.Form):
    """The first code of a new app. Valid, it has the new `device` and the recovery `codes`."""

    code = forms.CharField(label=gettext_lazy("Code"), max_length=40, widget=forms.TextInput(attrs=KEYPAD))
    device: Device
    codes: list[str]

    def __init__(self, user: AbstractBaseUser, secret: str, moving: bool, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user, self.secret, self.moving = user, secret, moving

    def clean_code(self) -> str:
        code = second_factor.digits(self.cleaned_data["code"])
        self.device, self.codes = second_factor.enrol(self.user, self.secret, code, self.moving)
        return code


class ResetForm(PasswordResetForm):
    """Asks for a link to a new password. Mail leaves in a thread: waiting for it would tell who has an account."""

    def send_mail(
        self,
        subject_template_name: str,
        email_template_name: str,
        context: dict[str, Any],
        from_email: str | None,
        to_email: str,
        html_email_template_name: str | None = None,
    ) -> None:
        path = reverse("password_reset_confirm", args=[context["uid"], context["token"]])
        body = _(
            "Somebody asked for a new password for the account {name} at {site}. To choose one, open\n\n{link}\n\n"
            "The link works once and for one hour. The code of your app is asked for as before.\n\n"
            "If it was not you, do nothing: your password stays."
        ).format(
            name=context["user"].get_username(),
            site=context["domain"],
            link=f"{context['protocol']}://{context['domain']}{path}",
        )
        message = EmailMessage(_("A new password for {site}").format(site=context["domain"]), body, from_email, [to_email])
        threading.Thread(target=_send, args=[message], name="mail").start()


def _send(message: EmailMessage) -> None:
    try:
        message.send()
    except Exception as error:  # whatever a mail server answers; its own words may hold the address
        log.error("No mail with a link to a new password could be sent: %s", type(error).__name__)
