"""The programme's content, into an empty database only: what staff have entered is never touched."""

import json
from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.base import DeserializationError
from django.db import DataError, IntegrityError, connection, transaction

from itsci_site.lib.newsroom.guard import open_register
from itsci_site.management.steps import plain_errors, step
from programmes.models import Programme
from regions.models import Region, Version

FIXTURE = settings.BASE_DIR / "fixtures" / "programme.json"


def load(fixture: Path) -> int | None:
    """How many objects were loaded; None when there was content already. All or nothing."""
    with transaction.atomic():
        with connection.cursor() as cursor:  # a second command waits here, and then finds the content
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('load_content'))")
        if Programme.objects.exists() or Region.objects.exists():
            return None
        before = _rows()
        with connection.cursor() as cursor:  # the past of this content begins when it says that it became public
            cursor.execute("SELECT set_config('itsci.version_at', %s, true)", [_moment(fixture)])
        call_command("loaddata", str(fixture), verbosity=0)
        return _rows() - before


def _moment(fixture: Path) -> str:
    """The earliest moment at which something in the fixture is public; empty where it names none."""
    fields = [entry.get("fields", {}) for entry in json.loads(fixture.read_text(encoding="utf-8"))]
    moments = [fields[name] for fields in fields for name in ("publish_at", "published_at") if fields.get(name)]
    return min(moments, default="")


def _rows() -> int:
    from django.apps import apps

    own = ("regions", "programmes", "testimonials", "meetings")
    return sum(
        model._base_manager.count()
        for label in own
        for model in apps.get_app_config(label).get_models()
        if model is not Version
    )


class Command(BaseCommand):
    help = "Load the programme's content into an empty database."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("fixture", nargs="?", type=Path, default=FIXTURE)

    def handle(self, *, fixture: Path, **_options: object) -> None:
        if not fixture.exists():
            raise CommandError(f"There is no {fixture}.")
        try:
            with plain_errors():
                loaded = load(fixture)
                open_register()
        except (DeserializationError, IntegrityError, DataError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"{fixture.name} could not be loaded, and nothing of it was kept: {reason}") from error
        step("Content", "kept as it is" if loaded is None else f"{loaded} objects loaded from {fixture.name}")
