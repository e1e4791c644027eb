"""The second factor of staff: an authenticator app (TOTP, RFC 6238) and recovery codes, each of use once.

django-otp keeps, throttles and checks them; a code of the app is refused when it, or a later one, was used before.
"""

import re
import secrets
from base64 import b32encode
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from math import ceil

import segno
from django.contrib.auth import get_user_model
from django.contrib.auth.models import AbstractBaseUser
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django_otp import verify_token
from django_otp.models import Device
from django_otp.plugins.otp_static.models import StaticDevice
from django_otp.plugins.otp_totp.models import TOTPDevice
from django_otp.util import random_hex

from . import sessions

APP_DIGITS = 6
RECOVERY_DIGITS = 12  # 40 bits, behind a throttle; digits, so that a phone offers its keypad for either code
RECOVERY_CODES = 10


@dataclass(frozen=True)
class Summary:
    """Of somebody's second factor, without its secrets."""

    since: datetime | None
    codes_left: int


class AlreadyEnrolled(Exception):
    """Another session of the same account confirmed its app first."""


def has_app(user: AbstractBaseUser) -> bool:
    return TOTPDevice.objects.devices_for_user(user, confirmed=True).exists()


def summary(user: AbstractBaseUser) -> Summary:
    app = TOTPDevice.objects.devices_for_user(user, confirmed=True).first()
    return Summary(app.created_at if app else None, codes_left(user))


def codes_left(user: AbstractBaseUser) -> int:
    return sum(device.token_set.count() for device in StaticDevice.objects.devices_for_user(user))


def digits(typed: str) -> str:
    """What was typed without the gaps that people put into it. Raises ValidationError when it can be no code."""
    code = re.sub(r"[\s\-]", "", typed)
    if not re.fullmatch(rf"[0-9]{{{APP_DIGITS}}}|[0-9]{{{RECOVERY_DIGITS}}}", code):
        raise ValidationError(_("A code of the app has 6 digits, a recovery code 12."), code="form")
    return code


def check(user: AbstractBaseUser, code: str) -> Device:
    """The device whose code this is; the code is spent. `code` is as `digits` gives it.

    Raises ValidationError: "wait" while the throttle holds, when not even a right code counts, otherwise "wrong".
    """
    kind = TOTPDevice if len(code) == APP_DIGITS else StaticDevice
    device = kind.objects.devices_for_user(user, confirmed=True).first()
    if device:
        allowed, throttle = device.verify_is_allowed()
        if not allowed:
            seconds = (throttle["locked_until"] - timezone.now()).total_seconds()
            words = _("Too many wrong codes. Wait {time}, then type a new code.").format(time=span(seconds))
            raise ValidationError(words, code="wait")
        if verify_token(user, device.persistent_id, code):
            return device
    spent = _("This is no recovery code of yours, or it was used before.")
    raise ValidationError(_wrong() if kind is TOTPDevice else spent, code="wrong")


def _wrong() -> str:
    return _(
        "This code is not right. Each code works once and for about 30 seconds: type the newest one. "
        "If it goes on, let the phone set its clock by itself."
    )


def new_secret() -> str:
    """Hexadecimal, 160 bits, as RFC 4226 recommends."""
    return random_hex(20)


def readable(secret: str) -> str:
    """The secret as apps want it typed: base32 in groups of four."""
    return " ".join(re.findall("....", b32encode(bytes.fromhex(secret)).decode()))


def app_address(user: AbstractBaseUser, secret: str) -> str:
    """otpauth://..., which an app reads from the QR code or opens on the phone itself."""
    return TOTPDevice(user=user, key=secret).config_url


def qr(address: str) -> bytes:
    """As SVG with a white ground of its own, to be read in the dark, and without a style that the policy would refuse."""
    out = BytesIO()
    code = segno.make(address, error="m", micro=False)
    code.save(out, kind="svg", light="#fff", omitsize=True, svgclass=None, lineclass=None)
    return out.getvalue()


def enrol(user: AbstractBaseUser, secret: str, code: str, moving: bool) -> tuple[Device, list[str]]:
    """The new app's device and new recovery codes, in place of all that the account had. Only `moving` replaces an app.

    Raises ValidationError when the code is not of this secret, AlreadyEnrolled.
    """
    with transaction.atomic():
        list(get_user_model()._default_manager.select_for_update().filter(pk=user.pk))  # two at once: the first one stands
        if not moving and has_app(user):
            raise AlreadyEnrolled
        device = TOTPDevice(user=user, name="app", key=secret)
        if len(code) != APP_DIGITS or not device.verify_token(code):
            raise ValidationError(_wrong(), code="wrong")  # and no row stays
        TOTPDevice.objects.filter(user=user).exclude(pk=device.pk).delete()
        StaticDevice.objects.filter(user=user).delete()
        return device, new_codes(user)


def new_codes(user: AbstractBaseUser) -> list[str]:
    """Recovery codes in groups of four, instead of those that there were. This is the one time that they can be read."""
    with transaction.atomic():
        device, _made = StaticDevice.objects.select_for_update().get_or_create(user=user, defaults={"name": "recovery"})
        device.token_set.all().delete()
        codes = [f"{secrets.randbelow(10**RECOVERY_DIGITS):0{RECOVERY_DIGITS}}" for _number in range(RECOVERY_CODES)]
        for code in codes:
            device.token_set.create(token=code)
    return [" ".join(re.findall("....", code)) for code in codes]


def forget(user: AbstractBaseUser) -> None:
    """Take the app and the recovery codes away and end the account's sessions: whoever signs in next enrols anew.

    The sessions must end: one that has its password behind it could enrol in the owner's place.
    """
    with transaction.atomic():
        TOTPDevice.objects.filter(user=user).delete()
        StaticDevice.objects.filter(user=user).delete()
        sessions.end(user)


def span(seconds: float) -> str:
    """How long to wait, rounded up."""
    if seconds <= 90:
        number = max(1, ceil(seconds))
        return ngettext("{number} second", "{number} seconds", number).format(number=number)
    if seconds <= 90 * 60:
        number = ceil(seconds / 60)
        return ngettext("{number} minute", "{number} minutes", number).format(number=number)
    number = ceil(seconds / 3600)
    return ngettext("{number} hour", "{number} hours", number).format(number=number)
