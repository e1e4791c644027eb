"""gunicorn's worker, with answers of ours where Django is not reached, or fails at its own error page."""

import logging
from contextlib import suppress
from functools import cache
from http import HTTPStatus
from typing import Any

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext
from gunicorn.http import errors
from gunicorn.util import write_nonblock
from gunicorn.workers.gthread import ThreadWorker

log = logging.getLogger(__name__)
STATUS = {
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.ForbiddenProxyRequest: HTTPStatus.FORBIDDEN,
    errors.ConfigurationProblem: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeader: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.InvalidResponseHeaderName: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.ParseException: HTTPStatus.BAD_REQUEST,
}
"""The first that fits. Everything else is the site's fault."""


def trust_no_header(cfg: Any) -> None:
    """No header of a request says at which path the site stands.

    gunicorn takes SCRIPT_NAME and PATH_INFO from whoever asks from this machine or over a socket, and fails where they lie.
    """
    cfg.set("forwarder_headers", "")


class Worker(ThreadWorker):
    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        trust_no_header(self.cfg)

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Says what kind of error it was and where in the code: gunicorn itself logs the address, and words of the request."""
        status = next((status for kind, status in STATUS.items() if isinstance(exc, kind)), HTTPStatus.INTERNAL_SERVER_ERROR)
        if status != HTTPStatus.INTERNAL_SERVER_ERROR:
            log.info("A request that cannot be read: %s", type(exc).__name__)
        else:
            log.error("An answer could not be made: %s", type(exc).__name__, exc_info=exc)
        with suppress(OSError):  # nobody waits any more
            write_nonblock(client, answer(status))


@cache
def answer(status: HTTPStatus) -> bytes:
    """A whole answer, in every language: what was asked for, and so in which one, was not read to its end."""
    from .headers import policy  # not above: gunicorn's main process imports this, and a reload would keep the old one

    if status == HTTPStatus.REQUEST_URI_TOO_LONG:
        kind = "html"
        with translation.override(settings.LANGUAGE_CODE):
            page = render_to_string("414.html").encode()
    else:
        kind = "plain"
        page = "".join(f"{words}\n" for words in _in_every_language(status)).encode()
    headers = {
        "Connection": "close", "Content-Type": f"text/{kind}; charset=utf-8", "Content-Length": str(len(page)),
        "Cache-Control": "no-store",
    } | policy()  # fmt: skip
    head = [f"HTTP/1.1 {status.value} {status.phrase}", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    return "\r\n".join(head).encode() + page


def _in_every_language(status: HTTPStatus) -> list[str]:
    found = [f"{status.value} {status.phrase}"]
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            is_ours = status == HTTPStatus.INTERNAL_SERVER_ERROR
            found.append(gettext("Something went wrong here") if is_ours else gettext("This request could not be read"))
    return found
