"""To be run every day: what is left of sign-ins names people and addresses, and serves nobody once it has run out."""

from typing import Any

from axes.models import AccessAttempt
from django.conf import settings
from django.contrib.sessions.models import Session
from django.core.management.base import BaseCommand
from django.utils import timezone

from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Delete sessions that ended, and wrong passwords that no longer lock anything."

    def handle(self, **_options: Any) -> None:
        now = timezone.now()
        with plain_errors():
            sessions, _models = Session.objects.filter(expire_date__lt=now).delete()
            attempts, _models = AccessAttempt.objects.filter(attempt_time__lt=now - settings.AXES_COOLOFF_TIME).delete()
        step("Purged", f"{sessions} sessions, {attempts} wrong passwords")
