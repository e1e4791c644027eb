"""Signed links to a record as it would be if it were public: they say which record, and end after an hour."""

from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core import signing
from django.db import models
from django.urls import reverse
from django.utils import translation

LASTS = timedelta(hours=1)
SALT = "newsroom.preview"


def previews(model: type[models.Model], pk: Any) -> list[tuple[str, str]]:
    """(language, address) of a record's preview in each language."""
    token, found = signing.dumps([model._meta.label_lower, pk], salt=SALT), []
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.append((code, reverse("preview", args=[token])))
    return found


def record_of(token: str) -> tuple[str, int]:
    """The label of a model and a key. Raises SignatureExpired after an hour, BadSignature for what nobody here signed."""
    label, pk = signing.loads(token, salt=SALT, max_age=LASTS)
    return label, pk
