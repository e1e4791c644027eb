"""Where Django's messages to staff wait for the next page: in a cookie that no other host can set, or in the session."""

from django.conf import settings
from django.contrib.messages.storage.cookie import CookieStorage
from django.contrib.messages.storage.fallback import FallbackStorage
from django.contrib.messages.storage.session import SessionStorage


class HostCookie(CookieStorage):
    cookie_name = f"{settings.COOKIE_PREFIX}messages"


class Notes(FallbackStorage):
    storage_classes = (HostCookie, SessionStorage)
