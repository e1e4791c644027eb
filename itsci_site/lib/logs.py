"""What the log says: which event, where in the code, during which request; never who asked or for what.

No address, user agent, query string, path, name of an account, word of a form or token is written (docs/logs.md). Paths hold
tokens of previews and password mails, and messages of exceptions hold whatever was sent: both are left out, whatever they are.
A request is told by the name of its address and by its id, which the answer carries, too.
"""

import json
import logging
import re
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from logging import LogRecord
from pathlib import Path
from time import monotonic
from traceback import walk_tb
from typing import Any

from django.conf import settings

OURS = ("itsci_site", "regions", "testimonials", "meetings", "programmes")
"""Loggers whose words are the site's own. What they fill in is a number, a name in the code or an SQL statement."""
SERVER = "gunicorn"
LITERAL = re.compile(r"'(?:[^']|'')*'")
PLACE = re.compile(r"%[-#0 +]*\d*(?:\.\d+)?[a-zA-Z]|%\(\w+\)[a-zA-Z]")


@dataclass(slots=True)
class Asked:
    """A request as the log knows it. `route` is the name of its address, empty for one that leads nowhere."""

    id: str
    method: str
    route: str = ""
    started: float = field(default_factory=monotonic)

    @property
    def milliseconds(self) -> int:
        return round((monotonic() - self.started) * 1000)


current: ContextVar[Asked | None] = ContextVar("the request that is answered", default=None)


def brief(record: LogRecord) -> bool:
    """Keeps every record, but the traceback only of what the site did wrong: anyone can have a request refused, at any rate."""
    refused = 400 <= getattr(record, "status_code", 0) < 500
    if refused or record.name.startswith("django.security"):
        record.exc_info = record.exc_text = None
    return True


def event(record: LogRecord) -> dict[str, Any]:
    """A record as it may be written: the time in UTC, level, logger, event, then what is known of the request and the error."""
    told: dict[str, Any] = {
        "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "level": record.levelname,
        "logger": record.name,
        "event": words(record),
    }
    asked = getattr(getattr(record, "request", None), "asked", None) or current.get()
    if asked:
        told |= {"request": asked.id, "method": asked.method, "route": asked.route}
    for name in ("status_code", "milliseconds", "statement"):
        if (value := getattr(record, name, None)) is not None:
            told[name] = value
    if record.exc_info and isinstance(record.exc_info[1], BaseException):
        told["errors"] = errors(record.exc_info[1])
    return told


def words(record: LogRecord) -> str:
    """Of our own loggers the whole message; of others what no visitor can have written."""
    if record.name.partition(".")[0] in OURS:
        return record.getMessage()
    if status := getattr(record, "status_code", None):
        try:
            return HTTPStatus(status).phrase
        except ValueError:
            return str(status)
    if not record.args and record.name.partition(".")[0] != SERVER:
        return f"{Path(record.pathname).name}:{record.lineno}"  # the message may have been put together from anything
    given = record.args if isinstance(record.args, tuple) else ()
    numbers = iter(given)

    def shown(_place: re.Match) -> str:
        value = next(numbers, None)
        return str(value) if isinstance(value, int | float) else "…"

    return PLACE.sub(shown, str(record.msg))


def errors(error: BaseException | None) -> list[dict[str, Any]]:
    """An exception and those behind it, the last first: its class, what Postgres calls it, the code it came through."""
    found: list[dict[str, Any]] = []
    while error and len(found) < 5:
        kind = type(error)
        told: dict[str, Any] = {"error": f"{kind.__module__}.{kind.__qualname__}".removeprefix("builtins.")}
        if sqlstate := getattr(error, "sqlstate", None):
            told["sqlstate"] = sqlstate
            told["constraint"] = getattr(getattr(error, "diag", None), "constraint_name", None)
        told["at"] = [
            f"{_shortened(frame.f_code.co_filename)}:{line} {frame.f_code.co_name}"
            for frame, line in walk_tb(error.__traceback__)
        ]
        found.append(told)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


def without_literals(sql: str) -> str:
    """A statement without the texts that stand in it, on one line."""
    return LITERAL.sub("'…'", " ".join(sql.split()))


def _shortened(path: str) -> str:
    _before, inside, package = path.rpartition("/site-packages/")
    return package if inside else path.removeprefix(f"{settings.BASE_DIR}/")


class Json(logging.Formatter):
    """One line of JSON an event."""

    def format(self, record: LogRecord) -> str:
        return json.dumps(event(record), ensure_ascii=False, default=str)


class Plain(logging.Formatter):
    """The same for people: a line, and below it the errors."""

    def format(self, record: LogRecord) -> str:
        told = event(record)
        errors = told.pop("errors", [])
        head = f"{told.pop('time')} {told.pop('level')} {told.pop('logger')}: {told.pop('event')}"
        rest = [f"{name}={value}" for name, value in told.items() if value != ""]
        lines = [" ".join([head, *rest])]
        for error in errors:
            named = [error["error"], *(str(error[name]) for name in ("sqlstate", "constraint") if error.get(name))]
            lines += [f"  {' '.join(named)}", *(f"    {place}" for place in error["at"])]
        return "\n".join(line.encode("unicode_escape").decode() if not line.isprintable() else line for line in lines)
