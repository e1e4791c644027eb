"""What the log says of a request that was refused."""

from logging import LogRecord


def brief(record: LogRecord) -> bool:
    """Keeps every record, but the traceback only of what the site did wrong: anyone can have a request refused, at any rate."""
    refused = 400 <= getattr(record, "status_code", 0) < 500
    if refused or record.name.startswith("django.security"):
        record.exc_info = record.exc_text = None
    return True
