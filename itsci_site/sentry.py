"""Errors sent to Sentry, or to what speaks like it. Loaded only where SENTRY_DSN is set (docs/logs.md).

What the log leaves out is not sent either: no words, no variables, no addresses, nothing of the request but its name and id.
"""

from typing import Any

import sentry_sdk
from sentry_sdk.integrations.django import DjangoIntegration

from itsci_site.lib import logs

KEPT = ("event_id", "timestamp", "level", "platform", "release", "environment", "logger", "exception", "sdk")
OF_AN_ERROR = ("type", "module", "stacktrace", "mechanism")
OF_A_FRAME = ("filename", "abs_path", "module", "function", "lineno", "in_app")


def start(dsn: str) -> None:
    """Personal data is off where neither `send_default_pii` nor what replaces it is given."""
    sentry_sdk.init(
        dsn=dsn,
        integrations=[DjangoIntegration()],
        max_request_body_size="never",
        include_local_variables=False,
        include_source_context=False,
        max_breadcrumbs=0,
        auto_session_tracking=False,
        traces_sample_rate=None,
        server_name="",
        before_send=scrubbed,
    )


def scrubbed(event: dict[str, Any], _hint: dict[str, Any]) -> dict[str, Any]:
    """What is known to be harmless, and nothing else: a field that a later version adds stays here."""
    sent = {name: event[name] for name in KEPT if name in event}
    if values := event.get("exception", {}).get("values"):
        sent["exception"] = {"values": [_error(value) for value in values]}
    if asked := logs.current.get():
        sent["tags"] = {"request": asked.id, "method": asked.method, "route": asked.route}
        sent["transaction"] = asked.route
    return sent


def _error(value: dict[str, Any]) -> dict[str, Any]:
    told = {name: value[name] for name in OF_AN_ERROR if value.get(name)}
    if frames := (value.get("stacktrace") or {}).get("frames"):
        told["stacktrace"] = {"frames": [{name: frame[name] for name in OF_A_FRAME if name in frame} for frame in frames]}
    if mechanism := value.get("mechanism"):
        told["mechanism"] = {name: mechanism[name] for name in ("type", "handled") if name in mechanism}
    return told
