"""The programme's content, into an empty database only: what staff have entered is never touched."""

from pathlib import Path

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.core.serializers.base import DeserializationError
from django.db import DataError, IntegrityError, connection, transaction

from itsci_site.management.steps import plain_errors, step
from programmes.models import Programme
from regions.models import Region

FIXTURE = settings.BASE_DIR / "fixtures" / "programme.json"


def load(fixture: Path) -> int | None:
    """How many objects were loaded; None when there was content already. All or nothing."""
    with transaction.atomic():
        with connection.cursor() as cursor:  # a second command waits here, and then finds the content
            cursor.execute("SELECT pg_advisory_xact_lock(hashtext('load_content'))")
        if Programme.objects.exists() or Region.objects.exists():
            return None
        before = _rows()
        call_command("loaddata", str(fixture), verbosity=0)
        return _rows() - before


def _rows() -> int:
    from django.apps import apps

    own = ("regions", "programmes", "testimonials", "meetings")
    return sum(model._base_manager.count() for label in own for model in apps.get_app_config(label).get_models())


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
        except (DeserializationError, IntegrityError, DataError, ValueError) as error:
            reason = " ".join(str(error).split())
            raise CommandError(f"{fixture.name} could not be loaded, and nothing of it was kept: {reason}") from error
        step("Content", "kept as it is" if loaded is None else f"{loaded} objects loaded from {fixture.name}")
