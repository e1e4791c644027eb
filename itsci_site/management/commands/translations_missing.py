"""What waits for a translator, language by language: the interface, and the content."""

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet
from django.urls import reverse

from itsci_site import catalogue
from itsci_site.lib.languages import original_language, translations
from itsci_site.lib.translated import Translated, lacks, outdated
from itsci_site.management.steps import plain_errors, step
from regions.models import Reading


class Command(BaseCommand):
    help = "List what is not translated, or was translated from an earlier original."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true", help="End with status 1 if anything is missing.")

    def handle(self, *, check: bool, **_options: object) -> None:
        total = 0
        for language in others():
            with plain_errors():
                parts = {
                    "strings": list(interface(language)),
                    "texts": list(untranslated(language)),
                    "changed": list(changed(language)),
                }
            for part, lines in parts.items():
                for line in lines:
                    step(f"{language} {part}", line)
            counts = {part: len(lines) for part, lines in parts.items()}
            step(
                language,
                "{strings} of the interface and {texts} of the content not translated, "
                "{changed} translated from an earlier original".format(**counts),
            )
            total += sum(counts.values())
        if check and total:
            raise CommandError("Something is not translated.")


def others() -> list[str]:
    return [code for code, _name in settings.LANGUAGES if code != original_language()]


def interface(language: str) -> Iterator[str]:
    for (context, said, _plural), where in catalogue.missing(language).items():
        yield f"{where}: “{said}”" + (f" ({context})" if context else "")


def untranslated(language: str) -> Iterator[str]:
    for model, rows in every():
        for name in fields_of(model, language):
            for pk in rows.filter(lacks(language, name)).values_list("pk", flat=True):
                yield f"{name}, {admin_address(model, pk)}"


def changed(language: str) -> Iterator[str]:
    for model, rows in every():
        for row in rows.exclude(translated_from={}):
            for code, name in outdated(row):
                if code == language:
                    yield f"{name}, {admin_address(model, row.pk)}"


def every() -> Iterator[tuple[type[Translated], QuerySet]]:
    """The translated models with the rows that staff can change: a public reading stays as it was published."""
    for model in apps.get_models():
        if issubclass(model, Translated):
            rows = model._default_manager.order_by("pk")
            yield model, rows.exclude(pk__in=Reading.objects.published()) if model is Reading else rows


def fields_of(model: type[Translated], language: str) -> list[str]:
    return [name for code, name in translations(model) if code == language]


def admin_address(model: type[Translated], pk: int) -> str:
    return reverse(f"admin:{model._meta.label_lower.replace('.', '_')}_change", args=[pk])
