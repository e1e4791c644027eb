"""The whole site as files, one zip a language (docs/offline-pack.md)."""

from pathlib import Path
from urllib.parse import urlsplit

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from itsci_site import offline, offline_store
from itsci_site.management.bars import count
from itsci_site.management.steps import plain_errors, step


class Command(BaseCommand):
    help = "Build the offline packs: the whole public site as plain files, one zip a language."

    def add_arguments(self, parser: CommandParser) -> None:
        codes = [code for code, _name in settings.LANGUAGES]
        parser.add_argument("--origin", required=True, help="Scheme and host of the site, like https://example.org.")
        parser.add_argument("--language", choices=codes, action="append", help="One or more; without it all.")
        parser.add_argument("--output", type=Path, help="A folder; without it where the site keeps its packs.")

    def handle(self, *, origin: str, language: list[str] | None, output: Path | None, **_options: object) -> None:
        parts = urlsplit(origin)
        if parts.scheme not in ("http", "https") or not parts.netloc or parts.path.strip("/") or parts.query:
            raise CommandError(f"{origin} is no origin: give scheme and host, like https://example.org.")
        origin = f"{parts.scheme}://{parts.netloc}"
        for code in language or [code for code, _name in settings.LANGUAGES]:
            now = timezone.now()
            try:
                with plain_errors():
                    pack = offline.build(code, origin, now, count)
                    content = pack.zipped()
                    name = f"offline-{code}.zip" if output else offline_store.name(code, origin, now)
                    path = offline_store.keep(output or Path(settings.OFFLINE_ROOT), name, content)
                    if not output:
                        offline_store.remove_earlier(path.parent, name)
            except offline.NotRendered as error:
                raise CommandError(f"{error}. Is {parts.netloc} among ALLOWED_HOSTS?") from error
            except OSError as error:
                raise CommandError(f"The pack cannot be written: {error}.") from error
            left_out = ", older meetings left out" if pack.left_out else ""
            step(code, f"{len(pack.files)} files, {len(content):,} bytes{left_out}: {path}")
