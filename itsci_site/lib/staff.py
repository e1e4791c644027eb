"""What the admin of every app shares: publishing with a person's name on it, translations, the database's rules in words."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin.widgets import AutocompleteSelect
from django.core.exceptions import NON_FIELD_ERRORS, ValidationError
from django.db import models, transaction
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _
from django.utils.translation import ngettext

from .publishing import Publishable
from .translated import Translated, outdated, still_fits, untranslated

STATE = ("status", "publish_at", "status_by", "status_at")
"""The fields of a publishable row that nobody types: an admin shows them read-only."""


class RulesForm(forms.ModelForm):
    """Asks every constraint of its model and says in words which one refuses, beside the field that can put it right.

    Django's own form skips a constraint that names a field it does not show (`publish_at`); Postgres would then refuse the row.
    A model whose further rules are triggers tells by `refusals()` the names of those that the row would break.
    """

    in_words: ClassVar[Mapping[str, tuple[str | None, Any]]] = {}
    """Name of a constraint: (field, what to do). Django's own words serve where one is left out."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # full_clean() asks the instance, and a form has no say in what it answers: this instance answers in the form's words.
        self.instance.validate_constraints = self._ask_constraints

    def _ask_constraints(self, exclude: set[str] | None = None) -> None:
        shown = {field.name for field in self.instance._meta.fields if field.editable}
        errors = defaultdict[str, list[Any]](list)
        for model, constraints in self.instance.get_constraints():
            for constraint in constraints:
                try:
                    constraint.validate(model, self.instance, exclude=(exclude or set()) & shown)
                except ValidationError as error:
                    field, words = self.in_words.get(constraint.name, (None, error))
                    errors[field if field in self.fields else NON_FIELD_ERRORS].append(words)
        if not errors and not self.errors and hasattr(self.instance, "refusals"):
            for name in self.instance.refusals():
                field, words = self.in_words[name]
                errors[field if field in self.fields else NON_FIELD_ERRORS].append(words)
        if errors:
            raise ValidationError(dict(errors))


MOST_LISTED = 500
"""Rows that a page lists for those who have no script; beyond, script completes what is typed."""


class Listed(AutocompleteSelect):
    """Completes what is typed; without script a plain list, where Django's own is an empty one."""

    choices: Any

    def optgroups(self, name: str, value: Sequence[str], attrs: dict[str, Any] | None = None) -> Any:
        groups = super().optgroups(name, value, attrs)
        options = groups[0][1]
        chosen = {str(option["value"]) for option in options}
        if not chosen:  # the first row of a list is not the answer to a question that nobody has answered
            options.append(self.create_option(name, "", "", False, 0))
        related: Any = self.admin_site.get_model_admin(self.field.remote_field.model).list_select_related
        rows = self.choices.queryset.select_related(*related) if related else self.choices.queryset
        for row in rows[:MOST_LISTED]:
            if str(row.pk) not in chosen:
                label = self.choices.field.label_from_instance(row)
                options.append(self.create_option(name, row.pk, label, False, len(options)))
        return groups


class Choice(forms.ModelChoiceField):
    """Shows a choice that no row can have as none. Django's autocomplete would ask the database for it, and break the page."""

    def __init__(self, *args: Any, widget: Any = None, **kwargs: Any) -> None:
        if isinstance(widget, AutocompleteSelect):
            widget = Listed(widget.field, widget.admin_site, using=widget.db)
        super().__init__(*args, widget=widget, **kwargs)

    def prepare_value(self, value: Any) -> Any:
        value = super().prepare_value(value)
        try:
            self.queryset.model._meta.pk.to_python(value)  # type: ignore[union-attr]
        except ValidationError:
            return None
        return value


class Moment(forms.SplitDateTimeField):
    """Shows a moment that stands in the address of an add page; Django's two inputs take no text."""

    def prepare_value(self, value: Any) -> Any:
        if not isinstance(value, str):
            return value
        try:
            moment = forms.DateTimeField().to_python(value)
            return moment and timezone.localtime(moment)
        except (ValidationError, OverflowError):  # or beyond the calendar, once it is told in the site's time
            return None


READABLE: dict[type[models.Field], dict[str, Any]] = {
    models.ForeignKey: {"form_class": Choice},
    models.OneToOneField: {"form_class": Choice},
    models.DateTimeField: {"form_class": Moment},
}
"""The `formfield_overrides` of every admin that completes choices or asks for a moment."""


@admin.action(description=_("Publish selected"), permissions=["approve"])
def publish(page: admin.ModelAdmin, request: HttpRequest, rows: QuerySet) -> None:
    """Publishes each row that may be, from now on, and says of every other which it is and why."""
    done = 0
    for row in rows:
        if row.is_public():
            page.message_user(request, _("“{row}” is public already.").format(row=row), messages.INFO)
            continue
        try:
            with transaction.atomic():
                row.publish(by=request.user)
                page.log_change(request, row, "Published.")
            done += 1
        except ValidationError as error:
            told = _("“{row}” stays as it was. {why}").format(row=row, why=_why(row, error))
            page.message_user(request, told, messages.ERROR)
    if done:
        told = ngettext("{count} row is public now.", "{count} rows are public now.", done).format(count=done)
        page.message_user(request, told, messages.SUCCESS)


@admin.action(description=_("Withdraw selected"), permissions=["withdraw"])
def withdraw(page: admin.ModelAdmin, request: HttpRequest, rows: QuerySet) -> None:
    """Takes each row away from the public at once."""
    for row in rows:
        with transaction.atomic():
            row.withdraw(by=request.user)
            page.log_change(request, row, "Withdrawn.")
    told = ngettext("{count} row is withdrawn.", "{count} rows are withdrawn.", len(rows)).format(count=len(rows))
    page.message_user(request, told, messages.SUCCESS)


class TranslationFilter(admin.SimpleListFilter):
    """Which rows wait for a translator."""

    title = _("translation")
    parameter_name = "translation"

    def lookups(self, request: HttpRequest, page: admin.ModelAdmin) -> list[tuple[str, Any]]:
        return [("outdated", _("English changed since")), ("missing", _("not translated yet"))]

    def queryset(self, request: HttpRequest, rows: QuerySet) -> QuerySet:
        if self.value() == "outdated":
            return rows.exclude(translated_from={})
        return rows.filter(untranslated(rows.model)) if self.value() == "missing" else rows


@admin.display(description=_("English changed since translation"))
def changed_since(row: Translated) -> str:
    """ "French: lead, narrative"; empty where every translation is of today's original."""
    by_language: dict[str, list[str]] = {}
    for language, name in outdated(row):
        by_language.setdefault(language, []).append(_label(row, name))
    names = dict(settings.LANGUAGES)
    return "; ".join(f"{names[language]}: {', '.join(labels)}" for language, labels in by_language.items())


@admin.action(description=_("Translation still says the same"), permissions=["change"])
def confirm_translation(page: admin.ModelAdmin, request: HttpRequest, rows: QuerySet) -> None:
    """For whoever compared: every translation of these rows counts as made from the English of today."""
    done = 0
    for row in rows:
        overtaken = outdated(row)
        if not overtaken:
            page.message_user(request, _("“{row}”: no translation waits to be checked.").format(row=row), messages.INFO)
        elif not page.has_change_permission(request, row):
            page.message_user(request, _("“{row}” is public and stays as it is.").format(row=row), messages.ERROR)
        else:
            with transaction.atomic():
                still_fits(row, overtaken)
                page.log_change(request, row, f"Still fits: {', '.join(f'{name} ({code})' for code, name in overtaken)}.")
            done += 1
    if done:
        told = ngettext("{count} row is up to date.", "{count} rows are up to date.", done).format(count=done)
        page.message_user(request, told, messages.SUCCESS)


def _label(row: Translated, name: str) -> str:
    return str(row._meta.get_field(name).verbose_name)  # type: ignore[union-attr]


def public_address(page: admin.ModelAdmin, row: Publishable) -> str | None:
    """The `view_on_site` of a publishable row: no button to a page that would answer 404."""
    return row.get_absolute_url() if row.is_public() else None  # type: ignore[attr-defined]


def _why(row: Publishable, error: ValidationError) -> str:
    """Every reason of a refusal, each with the name of its field."""
    reasons = []
    for name, words in error.message_dict.items():
        known = name in {field.name for field in row._meta.fields}
        label = f"{capfirst(row._meta.get_field(name).verbose_name)}: " if known else ""  # type: ignore[union-attr]
        reasons += [f"{label}{word}" for word in words]
    return " ".join(reasons)
