"""What a request must be before the site or its admin reads it (decision 21).

Django's admin believes what its own pages would send. Whatever else is sent is told apart here, by what it is and not by what
it breaks: an error that none of these rules knows stays an error.
"""

import copy
import re
from collections.abc import Iterable
from traceback import walk_tb
from typing import Any

from django import forms
from django.apps import apps
from django.contrib import messages
from django.contrib.admin import ModelAdmin
from django.contrib.admin.exceptions import DisallowedModelAdminLookup, DisallowedModelAdminToField
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.options import TO_FIELD_VAR, IncorrectLookupParameters
from django.contrib.admin.views.main import ERROR_FLAG, PAGE_VAR
from django.contrib.sessions.exceptions import SessionInterrupted
from django.core.exceptions import (
    BadRequest,
    FieldDoesNotExist,
    PermissionDenied,
    RequestDataTooBig,
    TooManyFieldsSent,
    ValidationError,
)
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.db import DatabaseError, DataError, ProgrammingError
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, QueryDict
from django.urls import reverse
from django.utils.http import parse_header_parameters
from django.utils.translation import gettext as _

from .away import ADMIN
from .middleware import Next

NUL = "\x00"
TRIED = 20
"""So many parameters of an address are tried one by one; a link of the admin has a handful."""
FILES = {"newsroom_entry_csv": "admin:newsroom_entry_changelist", "export_readings": "admin:regions_reading_changelist"}
"""What is taken away from a list as the address filters it, and that list."""
ROWS = re.compile(r"(?P<prefix>[\w-]+)-(TOTAL|INITIAL)_FORMS")


class Unreadable(BadRequest):
    """A request no page of the site would make. Its words are for the person who reads the answer."""


class Utf8Request(WSGIRequest):
    """Reads every request as UTF-8, as the site's forms send it.

    Django takes any codec of Python's from the Content-Type, `hex` and `undefined` too, before it can answer with an error.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(meta.get("CONTENT_TYPE", ""))


class Application(WSGIHandler):
    request_class = Utf8Request


def utf8_without_nul(get_response: Next) -> Next:
    """Answers 400 to text in another encoding than UTF-8; leaves out a cookie with a NUL, which no column can be asked for."""

    def middleware(request: HttpRequest) -> HttpResponse:
        declared = (request.content_params or {}).get("charset", "utf-8")
        if declared.lower() not in ("utf-8", "utf8", "us-ascii"):
            raise Unreadable(_("This form came in another encoding than UTF-8. Open the page again in a browser."))
        for name in [name for name, value in request.COOKIES.items() if NUL in value]:
            del request.COOKIES[name]
        return get_response(request)

    return middleware


class AdminInput:
    """Answers, in the admin, to what its views would fail at. What a form holds is its form's affair."""

    def __init__(self, get_response: Next) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        page = _list_of(request)
        if page and response.status_code == 302 and response.headers["Location"] == f"{request.path}?{ERROR_FLAG}=1":
            if not (again := _without_unread(request, page)):
                raise RuntimeError(f"{request.path} fails whatever its address asks for")
            return again
        return response

    def process_view(self, request: HttpRequest, view: Any, args: tuple, kwargs: dict[str, Any]) -> HttpResponse | None:
        if not request.path_info.startswith(ADMIN):
            return None
        if any(NUL in str(word) for word in (*args, *kwargs.values())):
            raise Unreadable(_("This address holds a character that none of the site’s addresses has."))
        is_completion = bool(request.resolver_match and request.resolver_match.view_name == "admin:autocomplete")
        if left_out := [name for name, words in request.GET.lists() if NUL in name or any(NUL in word for word in words)]:
            if is_completion:
                raise Unreadable(_("This address holds a character that none of the site’s addresses has."))
            return _again(request, left_out)
        if request.GET.get(TO_FIELD_VAR) == "":
            return _again(request, [TO_FIELD_VAR])
        if is_completion and _points_here(request.GET):
            raise PermissionDenied  # as Django answers to a field that points nowhere
        page = _list_of(request)
        if page and ERROR_FLAG in request.GET:
            return _again(request, [])
        if request.method == "POST":
            _check_rows(request.POST)
            if page and not _are_keys(page, request.POST.getlist(ACTION_CHECKBOX_NAME)):
                messages.error(request, _("Nothing was done: it cannot be read which rows were selected. Select them again."))
                return HttpResponseRedirect(request.get_full_path())
        return None

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """A filter that shows only in the query what it is, like a regular expression that is none."""
        page = _list_of(request)
        if page and _is_refusal(error):
            return _without_unread(request, page)
        listed = FILES.get(request.resolver_match.url_name or "") if request.resolver_match else None
        if listed and (isinstance(error, IncorrectLookupParameters) or _is_refusal(error)):
            return HttpResponseRedirect(f"{reverse(listed)}?{request.GET.urlencode()}")  # the list tells what it cannot read
        return None


def in_words(error: Exception) -> str:
    """What was wrong with a request and what to do, for the page that answers 400; empty when its own words do."""
    if isinstance(error, Unreadable):
        return str(error)
    if isinstance(error, DisallowedModelAdminLookup | DisallowedModelAdminToField):
        return _("This list cannot be filtered by what the address asks for. Open the list and choose from its filters.")
    if isinstance(error, RequestDataTooBig | TooManyFieldsSent):
        return _("This form is too long to be read. Go back, shorten it, and save it in parts.")
    if isinstance(error, SessionInterrupted):
        return _("You were signed out meanwhile. It may be saved: sign in again, and look before you send it again.")
    return ""


def _list_of(request: HttpRequest) -> ModelAdmin | None:
    """The admin of the model whose list is asked for."""
    match = request.resolver_match
    is_list = match and match.app_name == "admin" and str(match.url_name).endswith("_changelist")
    return getattr(match.func, "model_admin", None) if match and is_list else None


def _is_refusal(error: Exception) -> bool:
    """Is it about the values of a query, and not about what the query asks?"""
    if isinstance(error, ProgrammingError):
        return getattr(error.__cause__, "sqlstate", "") is None  # from psycopg itself, like `__range` with one value
    if isinstance(
        error, ValueError | OverflowError | IndexError
    ):  # only known when the SQL is written: a year beyond the calendar
        return any(frame.f_globals["__name__"] == "django.db.models.lookups" for frame, _line in walk_tb(error.__traceback__))
    return isinstance(error, DataError)


def _check_rows(form: QueryDict) -> None:
    """Raises Unreadable where a form says that it has more rows than came: Django would make and print as many as it says."""
    for name in form:
        if not (counted := ROWS.fullmatch(name)):
            continue
        try:
            said = forms.IntegerField(required=False).clean(form[name]) or 0
        except ValidationError:
            continue  # the form tells
        prefix = re.escape(counted["prefix"])
        came = {row[1] for row in (re.match(rf"{prefix}-(\d+)-", other) for other in form) if row}
        if not 0 <= said <= len(came):
            told = _("Of the rows in this form not all came: it says {said}, and {came} are there. Open the page again.")
            raise Unreadable(told.format(said=said, came=len(came)))


def _points_here(query: QueryDict) -> bool:
    """Does what is to be completed belong to another model, which points to the one that is named?"""
    try:
        app, model, name = (str(query[key]) for key in ("app_label", "model_name", "field_name"))
        field = apps.get_model(app, model)._meta.get_field(name)
    except (LookupError, FieldDoesNotExist):
        return False  # Django asks the same and refuses it
    return bool(field.auto_created and not field.concrete)


def _are_keys(page: ModelAdmin, words: Iterable[str]) -> bool:
    try:
        for word in words:
            page.opts.pk.to_python(word)
    except ValidationError:
        return False
    return True


def _without_unread(request: HttpRequest, page: ModelAdmin) -> HttpResponse | None:
    """The list again without what it cannot be filtered by; None when that is not to blame."""
    names = [name for name in request.GET if name != ERROR_FLAG]
    if not names or not _reads(request, page, []):
        return None
    if len(names) > TRIED:
        return _again(request, names)
    unread = [name for name in names if not _reads(request, page, [name])]
    if not unread and PAGE_VAR in names and _reads(request, page, [name for name in names if name != PAGE_VAR]):
        unread = [PAGE_VAR]
    return _again(request, unread or names)


def _reads(request: HttpRequest, page: ModelAdmin, names: list[str]) -> bool:
    """Can the list be made from these parameters of the address alone?"""
    alone = copy.copy(request)
    query = QueryDict(mutable=True)
    for name in names:
        query.setlist(name, request.GET.getlist(name))
    alone.GET = query  # type: ignore[assignment]
    try:
        list(page.get_changelist_instance(alone).result_list[:1])
    except IncorrectLookupParameters:
        return False
    except (DatabaseError, ValueError, OverflowError, IndexError) as error:
        if not _is_refusal(error):
            raise
        return False
    return True


def _again(request: HttpRequest, left_out: list[str]) -> HttpResponse:
    """The same page without some parameters of its address, which it names. Nothing that was sent is acted upon."""
    if request.method not in ("GET", "HEAD"):
        raise Unreadable(_("Nothing was saved: the address of this form cannot be read. Open the page again."))
    query = request.GET.copy()
    for name in (*left_out, ERROR_FLAG):
        query.pop(name, None)
    if named := ", ".join(f"“{name[:40].replace(NUL, '')}”" for name in left_out[:TRIED]):
        messages.warning(request, _("Left out of the address, as it cannot be read: {names}.").format(names=named))
    return HttpResponseRedirect(request.path + (f"?{query.urlencode()}" if query else ""))
